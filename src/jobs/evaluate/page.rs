//! What the page of a comparison says beside its figures: settings, the images, and how to run it again.

use super::{EvaluateOutcome, EvaluateRequest};
use crate::domain::provenance::Kind;
use crate::domain::splits::Split;
use crate::evaluation::metrics::bootstrap::Settings;
use crate::evaluation::report::{About, Card, Page};

impl EvaluateOutcome {
    /// The outcome as a page; `request` is what was asked for.
    pub fn page(&self, request: &EvaluateRequest) -> Page {
        let (setting, spec) = (&self.setting, &request.spec);
        let grey = if setting.channels == 1 { "grey" } else { "colour" };
        let seeds: Vec<String> = setting.seeds.iter().map(u64::to_string).collect();
        let draws = Settings::default();
        let mut settings: Vec<(String, String)> = [
            ("network", setting.network.as_str().to_owned()),
            ("images", format!("{} pixels a side, {grey}, {} bit", setting.size, spec.bits)),
            ("other shapes become square by", spec.fit.as_str().to_owned()),
            ("steps of each training", setting.steps.to_string()),
            ("images of a step", setting.batch.to_string()),
            ("seeds", seeds.join(", ")),
            ("start", "the same weights for every treatment of a seed".to_owned()),
            ("device", setting.device.clone()),
            ("intervals", format!("{} draws, {:.0} %", draws.draws, draws.level * 100.0)),
            ("version", format!("counterpoise {}", env!("CARGO_PKG_VERSION"))),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        for of in &self.made {
            let name = format!("made images of {} with seed {}", of.name, of.seed);
            let value = format!("{} of {} slots, the others a repeat", of.filled.made, of.filled.slots);
            settings.push((name, value));
        }
        let failed = self.failed.iter();
        let card = Card {
            kinds: kinds(request),
            training_hash: setting.training.clone(),
            test_hash: setting.test.clone(),
            unreadable: self.unreadable.len(),
            folds: setting.folds,
        };
        let about = About {
            settings,
            card,
            failed: failed
                .map(|run| format!("{} with seed {}: {}", run.name, run.seed, run.reason))
                .collect(),
            warnings: self.warnings.clone(),
            complete: self.complete,
            command: self.command(request),
        };
        Page::of(&self.comparison, about)
    }

    /// The command line that runs it again. Folders are placeholders: where they lie is nobody else's matter.
    fn command(&self, request: &EvaluateRequest) -> String {
        let setting = &self.setting;
        let folder = if request.test.is_some() { "--train FOLDER --test TEST" } else { "FOLDER" };
        let mut words = vec![format!("counterpoise evaluate {folder}")];
        let plain = request.treatments.iter().map(ToString::to_string);
        let mut names: Vec<String> = plain.chain(request.made.iter().map(ToString::to_string)).collect();
        if names.is_empty() {
            names.push(super::NONE.to_owned());
        }
        words.push(format!("--treatments {}", quoted(&names.join(","))));
        words.extend(request.folders.iter().map(|folder| format!("--folder {}=DIR", quoted(&folder.name))));
        words.push(format!("--seed {} --seeds {}", request.seed, request.seeds.max(1)));
        words.push(format!("--steps {} --network {}", setting.steps, setting.network.as_str()));
        words.push(format!("--size {} --fit {}", setting.size, request.spec.fit.as_str()));
        words.push(format!("--device {}", quoted(&request.device)));
        if !request.made.is_empty() {
            words.push(format!("--target {}", request.target));
        }
        words.extend(request.folds.map(|folds| format!("--folds {folds}")));
        words.join(" ")
    }
}

/// Kinds of the listed training images, those that there are.
fn kinds(request: &EvaluateRequest) -> Vec<(String, usize)> {
    let count = |kind: Kind| {
        let all = request.dataset.samples.iter();
        all.filter(|sample| sample.split == Split::Train && sample.kind == kind && !sample.excluded).count()
    };
    [Kind::Original, Kind::Derived, Kind::Synthetic, Kind::Repeated]
        .into_iter()
        .map(|kind| (kind.as_str().to_owned(), count(kind)))
        .filter(|(_, images)| *images > 0)
        .collect()
}

/// A word that a shell reads as one.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
