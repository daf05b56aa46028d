//! What the page of a comparison says beside its figures: settings, the images, and how to run it again.

use super::{Choice, EvaluateOutcome, EvaluateRequest, title, versions};
use crate::domain::provenance::Kind;
use crate::domain::splits::Split;
use crate::evaluation::metrics::bootstrap::Settings;
use crate::evaluation::report::{About, Card, Page};
use crate::evaluation::treatments::Asked;

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
            ("machine", setting.machine.clone()),
            ("version", versions()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        if let Some(words) = setting.augment.words() {
            settings.push(("real training images are".to_owned(), words));
        }
        let online = setting.online.iter().map(|(name, steps)| {
            (format!("steps of {name}"), format!("{}, in whole epochs", setting.at_least(*steps)))
        });
        settings.extend(online);
        if request.choice.fills() {
            settings.push(("generators fill every class to".to_owned(), request.choice.target.to_string()));
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
            made: self.made.clone(),
            pictures: self.pictures.clone(),
            card,
            failed: failed.map(|run| format!("{}: {}", title(&run.name, run.seed), run.reason)).collect(),
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
        let choice = &request.choice;
        words.push(format!("--treatments {}", quoted(&names(choice).join(","))));
        words.extend(choice.folders.iter().map(|folder| format!("--folder {}=DIR", quoted(&folder.name))));
        words.push(format!("--seed {} --seeds {}", choice.seed, choice.seeds.max(1)));
        words.push(format!("--steps {} --network {}", setting.steps, setting.network.as_str()));
        words.push(format!("--size {} --fit {}", setting.size, request.spec.fit.as_str()));
        words.push(format!("--device {}", quoted(&choice.device)));
        if choice.fills() {
            words.push(format!("--target {}", choice.target));
        }
        words.extend(choice.augment.crop.then(|| "--crop".to_owned()));
        words.extend(choice.augment.flip.then(|| "--flip".to_owned()));
        words.extend(choice.folds.map(|folds| format!("--folds {folds}")));
        words.extend(choice.made_alone.then(|| "--tstr".to_owned()));
        words.join(" ")
    }
}

/// The treatments as the command line has them. It counts steps, so that each generator says its own epochs.
fn names(choice: &Choice) -> Vec<String> {
    let name = |asked: Asked| match (asked, choice.lasting()) {
        (Asked::Made(made), Some(epochs)) => made.lasting(epochs).to_string(),
        (other, _) => other.to_string(),
    };
    let all: Vec<String> =
        choice.treatments.iter().filter_map(|text| text.parse::<Asked>().ok()).map(name).collect();
    if all.is_empty() { vec![super::NONE.to_owned()] } else { all }
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
