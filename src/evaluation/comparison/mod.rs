//! Treatments held against each other on the same real test images: means over seeds, paired differences with
//! their intervals, and sentences that say no more than these.
//!
//! Knows names, counts and what classifiers said; no network and no file. The classifiers of one seed began
//! from the same weights, so a difference is taken seed by seed and image by image.

mod report;

use serde::{Deserialize, Serialize};

pub use report::CSV_COLUMNS;

use super::metrics::bootstrap::{Answers, Interval, Intervals, Settings, Truth, differences, intervals};
use super::metrics::{Confusion, Figure, Groups, MetricsError, Spread};
use crate::domain::numbers::counted;
use crate::domain::task::Ctx;

/// Test images of a class under which its recall says little.
const FEW_IMAGES: usize = 30;

/// The figures of a treatment beside those of [`Figure::ALL`], by their names in JSON. They have no interval.
const OTHERS: [(&str, &str); 6] = [
    ("auroc", "AUROC"),
    ("auprc", "AUPRC"),
    ("calibration_error", "calibration error"),
    ("recall_many", "recall, many-shot"),
    ("recall_medium", "recall, medium-shot"),
    ("recall_few", "recall, few-shot"),
];

/// One trained classifier on the test images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Name of the treatment.
    pub name: String,
    pub seed: u64,
    /// The class said of each test image.
    pub said: Vec<usize>,
    pub auroc: Option<f64>,
    pub auprc: Option<f64>,
    pub calibration_error: Option<f64>,
}

/// The test images and what was learnt from.
#[derive(Clone, Debug, PartialEq)]
pub struct TestPart {
    pub classes: Vec<String>,
    /// Training images of each class, before any treatment.
    pub training: Vec<usize>,
    /// The class of each test image.
    pub truth: Vec<usize>,
    /// A number for each test image: those that share one belong together, as a patient's images and copies do. Empty
    /// where each stands by itself.
    pub units: Vec<usize>,
}

/// What a treatment adds to the training images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Adds {
    #[default]
    Nothing,
    /// Copies of training images alone.
    Repeats,
    /// Images that were made, so that a generator stands behind it.
    Made,
}

/// A treatment that ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    /// For people.
    pub label: String,
    pub adds: Adds,
}

/// What a treatment did to one class, over its seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassResult {
    /// `None` without test images, and so for F1 and F0.5.
    pub recall: Option<Spread>,
    pub precision: Option<Spread>,
    pub f1: Option<Spread>,
    pub f05: Option<Spread>,
    /// Seeds whose classifier never said this class.
    pub never_said: usize,
}

/// A treatment held against another.
#[derive(Clone, Debug, PartialEq)]
pub struct Against {
    /// Name of the other.
    pub baseline: String,
    /// The treatment minus the other.
    pub differences: Intervals,
    /// Seeds that both have.
    pub seeds: usize,
    pub sentence: String,
}

/// A treatment over its seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct TreatmentResult {
    pub name: String,
    pub label: String,
    pub adds: Adds,
    pub seeds: Vec<u64>,
    /// Names in JSON with their values.
    pub figures: Vec<(&'static str, Option<Spread>)>,
    pub intervals: Intervals,
    /// In class order.
    pub classes: Vec<ClassResult>,
    /// The answers of all seeds together, so an image counts once for each of them.
    pub confusion: Confusion,
    /// `None` for the baseline itself, and where no seed is shared.
    pub against_baseline: Option<Against>,
    /// The best treatment that adds no images; for treatments that do.
    pub against_free: Option<Against>,
}

impl TreatmentResult {
    /// A figure by its name in JSON.
    pub fn figure(&self, key: &str) -> Option<Spread> {
        self.figures.iter().find(|(known, _)| *known == key).and_then(|(_, spread)| *spread)
    }
}

/// All treatments of one evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub test: TestPart,
    /// Name of the treatment that the others are held against.
    pub baseline: String,
    /// In the order they were asked for.
    pub treatments: Vec<TreatmentResult>,
    /// What to take from it, in sentences.
    pub summary: Vec<String>,
}

/// A name in a sentence.
fn spoken(name: &str) -> &str {
    if name == "none" { "plain training" } else { name }
}

/// What a difference of ACSA shows, and what it does not.
pub fn sentence(name: &str, baseline: &str, difference: &Interval, seeds: usize, images: usize) -> String {
    let (name, baseline) = (spoken(name), spoken(baseline));
    let Interval { value, low, high } = *difference;
    if value == 0.0 && low == 0.0 && high == 0.0 {
        return format!("{name} finds exactly what {baseline} finds.");
    }
    let verdict = if low > 0.0 {
        "is better than"
    } else if high < 0.0 {
        "is worse than"
    } else {
        "is not told apart from"
    };
    let mut text = format!(
        "{name} {verdict} {baseline}: ACSA {value:+.3} (95 % interval {low:+.3} to {high:+.3}; {}, {}).",
        counted(seeds, "seed", "seeds"),
        counted(images, "test image", "test images"),
    );
    if low <= 0.0 && high >= 0.0 {
        text += " More seeds or test images may tell them apart.";
    }
    if seeds == 1 {
        text += " With one seed, another start may turn this round.";
    }
    text
}

impl Comparison {
    /// Figures, differences and sentences of some runs. Treatments without a run are left out; without a run of
    /// `baseline` nothing is held against it.
    ///
    /// # Errors
    /// No run at all, answers that do not fit the images, no test image, or a cancel.
    pub fn of(
        ctx: &Ctx,
        test: TestPart,
        entries: &[Entry],
        baseline: &str,
        runs: &[Run],
        settings: &Settings,
    ) -> Result<Self, MetricsError> {
        let shop = Shop { ctx, test: &test, runs, settings };
        let mut treatments = Vec::new();
        for (done, entry) in entries.iter().enumerate() {
            ctx.progress("comparing", done as u64, entries.len() as u64);
            if let Some(result) = shop.result(entry)? {
                treatments.push(result);
            }
        }
        if treatments.is_empty() {
            return Err(MetricsError::NoRuns);
        }
        for result in treatments.iter_mut().filter(|result| result.name != baseline) {
            result.against_baseline = shop.against(&result.name, baseline)?;
        }
        let free = treatments.iter().filter(|result| result.adds == Adds::Nothing && result.name != baseline);
        let best_free = best(free).map(|result| result.name.clone());
        if let Some(free) = &best_free {
            for result in treatments.iter_mut().filter(|result| result.adds != Adds::Nothing) {
                result.against_free = shop.against(&result.name, free)?;
            }
        }
        let summary = shop.summary(&treatments, baseline)?;
        Ok(Comparison { baseline: baseline.to_owned(), treatments, summary, test })
    }

    /// A treatment by name.
    pub fn treatment(&self, name: &str) -> Option<&TreatmentResult> {
        self.treatments.iter().find(|result| result.name == name)
    }

    /// The best treatment that adds no images, where one that does is held against it.
    pub fn best_free(&self) -> Option<&str> {
        self.treatments.iter().find_map(|result| Some(result.against_free.as_ref()?.baseline.as_str()))
    }

    /// Names of all figures in JSON, with those for people.
    pub fn figure_names() -> Vec<(&'static str, &'static str)> {
        Figure::ALL.iter().map(|figure| (figure.key(), figure.name())).chain(OTHERS).collect()
    }
}

/// The treatment with the highest mean ACSA; the first of equals.
fn best<'a>(results: impl Iterator<Item = &'a TreatmentResult>) -> Option<&'a TreatmentResult> {
    let acsa =
        |result: &TreatmentResult| result.figure(Figure::Acsa.key()).map_or(f64::MIN, |acsa| acsa.mean);
    results.fold(None, |best, result| match best {
        Some(known) if acsa(known) >= acsa(result) => best,
        _ => Some(result),
    })
}

/// What every part of a comparison works on.
struct Shop<'a> {
    ctx: &'a Ctx,
    test: &'a TestPart,
    runs: &'a [Run],
    settings: &'a Settings,
}

impl<'a> Shop<'a> {
    /// The runs of a treatment by rising seed.
    fn of(&self, name: &str) -> Vec<&'a Run> {
        let mut runs: Vec<&Run> = self.runs.iter().filter(|run| run.name == name).collect();
        runs.sort_by_key(|run| run.seed);
        runs.dedup_by_key(|run| run.seed);
        runs
    }

    fn truth(&self) -> Truth<'a> {
        Truth { classes: self.test.classes.len(), of_images: &self.test.truth, units: &self.test.units }
    }

    fn result(&self, entry: &Entry) -> Result<Option<TreatmentResult>, MetricsError> {
        let runs = self.of(&entry.name);
        if runs.is_empty() {
            return Ok(None);
        }
        let classes = self.test.classes.len();
        let confusions: Vec<Confusion> = runs
            .iter()
            .map(|run| Confusion::of(classes, &self.test.truth, &run.said))
            .collect::<Result<_, _>>()?;
        let spread = |value: &dyn Fn(&Run, &Confusion) -> Option<f64>| {
            let values: Vec<f64> =
                runs.iter().zip(&confusions).filter_map(|(run, confusion)| value(run, confusion)).collect();
            Spread::of(&values)
        };
        let group = |confusion: &Confusion| confusion.group_recalls(&self.test.training, Groups::default());
        let mut figures: Vec<(&'static str, Option<Spread>)> =
            Figure::ALL.iter().map(|figure| (figure.key(), spread(&|_, c| figure.of(c)))).collect();
        let others: [Option<Spread>; OTHERS.len()] = [
            spread(&|run, _| run.auroc),
            spread(&|run, _| run.auprc),
            spread(&|run, _| run.calibration_error),
            spread(&|_, c| group(c).many),
            spread(&|_, c| group(c).medium),
            spread(&|_, c| group(c).few),
        ];
        figures.extend(OTHERS.iter().map(|(key, _)| *key).zip(others));
        // Of each seed a list over the classes.
        let recalls: Vec<Vec<Option<f64>>> = confusions.iter().map(Confusion::recalls).collect();
        let precisions: Vec<Vec<f64>> = confusions.iter().map(Confusion::precisions).collect();
        let f1: Vec<Vec<Option<f64>>> = confusions.iter().map(|c| c.f_scores(1.0)).collect();
        let f05: Vec<Vec<Option<f64>>> = confusions.iter().map(|c| c.f_scores(0.5)).collect();
        let said_times: Vec<Vec<usize>> = confusions.iter().map(Confusion::said).collect();
        let of_class = |class: usize| {
            let over = |lists: &[Vec<Option<f64>>]| {
                Spread::of(&lists.iter().filter_map(|list| list[class]).collect::<Vec<f64>>())
            };
            ClassResult {
                recall: over(&recalls),
                precision: Spread::of(&precisions.iter().map(|list| list[class]).collect::<Vec<f64>>()),
                f1: over(&f1),
                f05: over(&f05),
                never_said: said_times.iter().filter(|list| list[class] == 0).count(),
            }
        };
        let said: Vec<&[usize]> = runs.iter().map(|run| run.said.as_slice()).collect();
        let confusion = Confusion::of(classes, &self.test.truth.repeat(runs.len()), &said.concat())?;
        Ok(Some(TreatmentResult {
            name: entry.name.clone(),
            label: entry.label.clone(),
            adds: entry.adds,
            seeds: runs.iter().map(|run| run.seed).collect(),
            figures,
            intervals: intervals(self.ctx, self.truth(), Answers { said: &said }, self.settings)?,
            classes: (0..classes).map(of_class).collect(),
            confusion,
            against_baseline: None,
            against_free: None,
        }))
    }

    /// On the seeds that both have; `None` where there is none.
    fn against(&self, name: &str, baseline: &str) -> Result<Option<Against>, MetricsError> {
        let others = self.of(baseline);
        let pairs: Vec<(&[usize], &[usize])> = self
            .of(name)
            .into_iter()
            .filter_map(|run| {
                let other = others.iter().find(|other| other.seed == run.seed)?;
                Some((run.said.as_slice(), other.said.as_slice()))
            })
            .collect();
        if pairs.is_empty() {
            return Ok(None);
        }
        let (ours, theirs): (Vec<&[usize]>, Vec<&[usize]>) = pairs.into_iter().unzip();
        let (ours, theirs) = (Answers { said: &ours }, Answers { said: &theirs });
        let found = differences(self.ctx, self.truth(), ours, theirs, self.settings)?;
        let seeds = ours.said.len();
        let sentence = match found.acsa() {
            Some(acsa) => sentence(name, baseline, &acsa, seeds, self.test.truth.len()),
            None => String::new(),
        };
        Ok(Some(Against { baseline: baseline.to_owned(), differences: found, seeds, sentence }))
    }

    fn summary(&self, all: &[TreatmentResult], baseline: &str) -> Result<Vec<String>, MetricsError> {
        let others: Vec<&TreatmentResult> = all.iter().filter(|result| result.name != baseline).collect();
        let against = |result: &TreatmentResult| {
            result.against_baseline.as_ref().and_then(|against| against.differences.acsa())
        };
        let winners = others.iter().copied().filter(|result| against(result).is_some_and(|d| d.low > 0.0));
        let mut text = Vec::new();
        match best(winners) {
            _ if self.of(baseline).is_empty() => text.push(format!(
                "There is no result of {}, so that no treatment is held against it: each figure stands by \
                 itself.",
                spoken(baseline)
            )),
            _ if others.is_empty() => {
                text.push(format!("Only {} ran; there is nothing to compare it with.", spoken(baseline)));
            }
            None => text.push(format!(
                "Nothing here is shown to be better than {} on these {} test images: keep it, or look again \
                 with more seeds or test images.",
                spoken(baseline),
                self.test.truth.len()
            )),
            Some(winner) => {
                text.extend(winner.against_baseline.as_ref().map(|against| against.sentence.clone()));
                let mut alike = Vec::new();
                for other in others.iter().filter(|other| other.name != winner.name) {
                    let found = self.against(&winner.name, &other.name)?;
                    let acsa = found.and_then(|found| found.differences.acsa());
                    if acsa.is_some_and(|acsa| acsa.low <= 0.0) {
                        alike.push(other.name.clone());
                    }
                }
                if !alike.is_empty() {
                    text.push(format!("Not told apart from {}: {}.", winner.name, alike.join(", ")));
                }
            }
        }
        for added in &others {
            let images = match added.adds {
                Adds::Nothing => continue,
                Adds::Repeats => "repeated",
                Adds::Made => "made",
            };
            let Some(free) = &added.against_free else { continue };
            text.push(free.sentence.clone());
            if free.differences.acsa().is_some_and(|d| d.low <= 0.0) {
                text.push(format!(
                    "So the {images} images of {} are not shown to do more than {}, which adds none.",
                    added.name, free.baseline
                ));
            }
        }
        if others.len() > 1 {
            text.push(format!(
                "Each interval stands by itself: one in twenty misses by chance, and here are {}.",
                others.len()
            ));
        }
        let mut units = self.test.units.clone();
        units.sort_unstable();
        units.dedup();
        if units.len() < self.test.units.len() {
            text.push(format!(
                "The {} test images are of {}, which intervals draw whole: images of one group and exact copies are \
                 not told apart by chance.",
                self.test.units.len(),
                counted(units.len(), "group", "groups")
            ));
        }
        let mut supports = vec![0; self.test.classes.len()];
        self.test.truth.iter().for_each(|&class| supports[class] += 1);
        for (name, &images) in self.test.classes.iter().zip(&supports).filter(|(_, n)| **n < FEW_IMAGES) {
            text.push(match images {
                0 => format!("{name} has no test image: nothing is said of it, and no mean counts it."),
                n => format!(
                    "{name} has only {}: its recall says little.",
                    counted(n, "test image", "test images")
                ),
            });
        }
        Ok(text)
    }
}

/// How a figure changed against plain training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    Percent(f64),
    /// Plain training has 0, so there is no share of it.
    FromZero,
    /// One of the two has no value.
    Unknown,
}

impl Change {
    /// From the mean of plain training to that of a treatment.
    pub fn of(plain: Option<f64>, treated: Option<f64>) -> Self {
        match (plain, treated) {
            (Some(plain), Some(treated)) if plain != 0.0 => {
                Change::Percent((treated - plain) / plain * 100.0)
            }
            (Some(_), Some(0.0)) => Change::Percent(0.0),
            (Some(_), Some(_)) => Change::FromZero,
            _ => Change::Unknown,
        }
    }

    /// `+18 %` with that space, `from 0`, or what stands for nothing.
    pub fn words(self, space: char, nothing: &str) -> String {
        match self {
            Change::Percent(percent) if !percent.is_finite() => nothing.to_owned(),
            // Zero has no sign.
            Change::Percent(percent) if percent.abs() < 0.5 => format!("0{space}%"),
            Change::Percent(percent) => format!("{percent:+.0}{space}%"),
            Change::FromZero => "from 0".to_owned(),
            Change::Unknown => nothing.to_owned(),
        }
    }
}
