//! A comparison as one page for people and as charts: HTML, SVG and PNG that need no program, no script and
//! nothing from elsewhere.
//!
//! Knows names, numbers, sentences and pictures that were encoded elsewhere; no network, no image of a data set
//! and no file but the system's fonts. Names of classes and treatments are whatever a person called a folder, so
//! all of them are escaped, and the signs that turn the direction of what follows are shown as what they are.

pub mod raster;

mod charts;
mod gallery;
mod html;
mod scatter;
mod text;

pub use gallery::{Gallery, GalleryCell, GalleryRow, MadeShown};
pub use scatter::{Cloud, Dot, Sign};
use serde::{Deserialize, Serialize};

use super::comparison::{Adds, ClassResult, Comparison, TreatmentResult};
use super::metrics::bootstrap::{Interval, Intervals};
use super::metrics::{Figure, Spread};
use super::treatments::MadeOf;

/// Longest part of a file's name that comes from a treatment's.
const SLUG: usize = 40;

/// What the images were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Kinds of the listed training images (original, derived, synthetic) with their number.
    pub kinds: Vec<(String, usize)>,
    /// Hash of the training images with their classes, and of how they were cut into folds.
    pub training_hash: String,
    /// The same of the images that were asked about.
    pub test_hash: String,
    /// Images that could not be decoded and are left out.
    pub unreadable: usize,
    /// Folds of a cross-validation; `None` where there was a test part.
    pub folds: Option<usize>,
}

/// How a comparison was run, beside its figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Names with values, for people.
    pub settings: Vec<(String, String)>,
    /// What generators gave, by treatment and seed.
    #[serde(default)]
    pub made: Vec<MadeOf>,
    /// Some images that generators made under the first seed, by class and treatment.
    #[serde(default)]
    pub pictures: Vec<MadeShown>,
    pub card: Card,
    /// Trainings that gave no classifier, a sentence each.
    pub failed: Vec<String>,
    /// What is wrong with the images or with what was asked for, in sentences.
    pub warnings: Vec<String>,
    /// False where it was stopped before its end.
    pub complete: bool,
    /// The command line that runs it again.
    pub command: String,
}

/// A class and its images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassRow {
    pub name: String,
    /// Training images before any treatment.
    pub training: usize,
    pub test: usize,
}

/// What a treatment did to one class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassFigures {
    /// `None` without test images, and so for the F scores.
    pub recall: Option<Spread>,
    /// 95 % interval of the recall; `None` where an earlier version kept the comparison, too.
    #[serde(default)]
    pub recall_interval: Option<Interval>,
    /// The recall against the baseline; `None` for the baseline and where an earlier version kept the comparison, too.
    #[serde(default)]
    pub recall_difference: Option<Interval>,
    pub precision: Option<Spread>,
    pub f1: Option<Spread>,
    pub f05: Option<Spread>,
    /// Seeds whose classifier never said this class.
    pub never_said: usize,
}

/// A treatment that adds images, held against the best one that adds none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgainstFree {
    /// Name of the other.
    pub baseline: String,
    /// The treatment minus the other, in the order of [`Figure::ALL`].
    pub differences: Vec<Option<Interval>>,
}

/// A treatment over its seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TreatmentRow {
    pub name: String,
    /// For people.
    pub label: String,
    /// True where training images were made.
    pub made: bool,
    /// True where training images were repeated, and none made.
    #[serde(default)]
    pub repeated: bool,
    pub seeds: Vec<u64>,
    /// By their names in JSON; those without a value are left out.
    pub figures: Vec<(String, Spread)>,
    /// 95 % intervals, in the order of [`Figure::ALL`]; an earlier version kept fewer.
    pub intervals: Vec<Option<Interval>>,
    /// Against the baseline, in the order of [`Figure::ALL`]; empty for the baseline and without shared seeds.
    pub differences: Vec<Option<Interval>>,
    /// `None` for a treatment that adds no images, without shared seeds, and where an earlier version kept the
    /// comparison.
    #[serde(default)]
    pub against_free: Option<AgainstFree>,
    /// What the differences show.
    pub sentences: Vec<String>,
    /// In class order.
    pub classes: Vec<ClassFigures>,
    /// Rows are the truth, columns what was said; all seeds together.
    pub confusion: Vec<Vec<u64>>,
}

impl TreatmentRow {
    /// A figure by its name in JSON.
    pub fn figure(&self, key: &str) -> Option<Spread> {
        self.figures.iter().find(|(known, _)| known == key).map(|(_, spread)| *spread)
    }

    /// The difference of ACSA against the baseline.
    pub fn difference(&self) -> Option<Interval> {
        self.differences.first().copied().flatten()
    }
}

/// Everything that the page and the charts show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// In class order.
    pub classes: Vec<ClassRow>,
    /// Name of the treatment that the others are held against.
    pub baseline: String,
    /// In the order they were asked for.
    pub treatments: Vec<TreatmentRow>,
    /// What to take from it, in sentences.
    pub summary: Vec<String>,
    pub about: About,
}

/// A chart of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Chart {
    /// ACSA of all treatments against the baseline.
    #[default]
    Acsa,
    /// Recall of each class under all treatments.
    Recall,
    /// Change of recall, precision and F0.5 of each class under one treatment.
    Change,
    /// The answers of one treatment.
    Confusion,
}

impl Chart {
    pub const ALL: [Chart; 4] = [Chart::Acsa, Chart::Recall, Chart::Change, Chart::Confusion];

    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Chart::Acsa => "ACSA of all treatments",
            Chart::Recall => "Recall of all treatments",
            Chart::Change => "Change against none",
            Chart::Confusion => "Answers",
        }
    }

    /// Beginning of the file's name.
    const fn file(self) -> &'static str {
        match self {
            Chart::Acsa => "acsa",
            Chart::Recall => "recall",
            Chart::Change => "change",
            Chart::Confusion => "confusion",
        }
    }
}

fn finite(spread: Option<Spread>) -> Option<Spread> {
    let spread = spread.filter(|spread| spread.mean.is_finite())?;
    Some(Spread { mean: spread.mean, sd: spread.sd.filter(|sd| sd.is_finite()) })
}

fn finite_interval(interval: Option<Interval>) -> Option<Interval> {
    interval.filter(|of| [of.value, of.low, of.high].iter().all(|number| number.is_finite()))
}

fn all_finite(intervals: &Intervals) -> Vec<Option<Interval>> {
    intervals.figures.iter().map(|of| finite_interval(*of)).collect()
}

impl ClassFigures {
    /// Of the class at a place, under a treatment.
    fn of(at: usize, result: &ClassResult, treatment: &TreatmentResult) -> Self {
        let recall = |of: &Intervals| finite_interval(of.recalls.get(at).copied().flatten());
        ClassFigures {
            recall: finite(result.recall),
            recall_interval: recall(&treatment.intervals),
            recall_difference: treatment
                .against_baseline
                .as_ref()
                .and_then(|against| recall(&against.differences)),
            precision: finite(result.precision),
            f1: finite(result.f1),
            f05: finite(result.f05),
            never_said: result.never_said,
        }
    }
}

impl TreatmentRow {
    fn of(result: &TreatmentResult) -> Self {
        let against = [&result.against_baseline, &result.against_free].into_iter().flatten();
        let figures = result.figures.iter();
        let baseline = result.against_baseline.as_ref();
        TreatmentRow {
            name: result.name.clone(),
            label: result.label.clone(),
            made: result.adds == Adds::Made,
            repeated: result.adds == Adds::Repeats,
            seeds: result.seeds.clone(),
            figures: figures
                .filter_map(|(key, spread)| Some(((*key).to_owned(), finite(*spread)?)))
                .collect(),
            intervals: all_finite(&result.intervals),
            differences: baseline.map(|against| all_finite(&against.differences)).unwrap_or_default(),
            against_free: result.against_free.as_ref().map(|against| AgainstFree {
                baseline: against.baseline.clone(),
                differences: all_finite(&against.differences),
            }),
            sentences: against
                .map(|against| against.sentence.clone())
                .filter(|sentence| !sentence.is_empty())
                .collect(),
            classes: result
                .classes
                .iter()
                .enumerate()
                .map(|(at, class)| ClassFigures::of(at, class, result))
                .collect(),
            confusion: result.confusion.rows(),
        }
    }
}

impl Page {
    /// The page of a comparison. What is no finite number is left out.
    pub fn of(comparison: &Comparison, about: About) -> Self {
        let part = &comparison.test;
        let mut test = vec![0; part.classes.len()];
        part.truth.iter().for_each(|&class| test[class] += 1);
        let classes = part.classes.iter().zip(&part.training).zip(test);
        Page {
            classes: classes
                .map(|((name, &training), test)| ClassRow { name: name.clone(), training, test })
                .collect(),
            baseline: comparison.baseline.clone(),
            treatments: comparison.treatments.iter().map(TreatmentRow::of).collect(),
            summary: comparison.summary.clone(),
            about,
        }
    }

    /// A treatment by name.
    pub fn treatment(&self, name: &str) -> Option<&TreatmentRow> {
        self.treatments.iter().find(|row| row.name == name)
    }

    /// The best treatment that adds no images, where one that does is held against it.
    pub fn best_free(&self) -> Option<&str> {
        self.treatments.iter().find_map(|row| Some(row.against_free.as_ref()?.baseline.as_str()))
    }

    /// Classes by falling number of training images; of equals in class order.
    fn by_count(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.classes.len()).collect();
        order.sort_by_key(|&class| std::cmp::Reverse(self.classes[class].training));
        order
    }

    /// Treatments by falling ACSA; of equals the one that was asked for first.
    fn by_acsa(&self) -> Vec<&TreatmentRow> {
        let acsa = |row: &TreatmentRow| row.figure(Figure::Acsa.key()).map_or(f64::MIN, |acsa| acsa.mean);
        let mut all: Vec<&TreatmentRow> = self.treatments.iter().collect();
        all.sort_by(|a, b| acsa(b).total_cmp(&acsa(a)));
        all
    }

    fn test_images(&self) -> usize {
        self.classes.iter().map(|class| class.test).sum()
    }

    /// The page as one file of HTML: no script, nothing from elsewhere, light or dark as the reader has it.
    pub fn html(&self) -> String {
        html::page(self, None)
    }

    /// The same with what classifiers look at in some test images; the pictures are inside the file.
    pub fn html_with(&self, gallery: &Gallery) -> String {
        html::page(self, Some(gallery))
    }

    /// A chart as a file of SVG, light; [`raster::png`] makes pixels of it. `treatment` is the one that
    /// [`Chart::Change`] and [`Chart::Confusion`] are of. `None` for a treatment that is not there, and for
    /// the change of the baseline.
    pub fn svg(&self, chart: Chart, treatment: &str) -> Option<String> {
        charts::chart(self, chart, treatment, true)
    }

    /// The page and its charts with the names that they have in a folder, with `/`.
    pub fn files(&self) -> Vec<(String, String)> {
        let mut files = vec![("report.html".to_owned(), self.html())];
        let mut add = |name: String, svg: Option<String>| {
            files.extend(svg.map(|svg| (format!("charts/{name}.svg"), svg)));
        };
        for chart in [Chart::Acsa, Chart::Recall] {
            add(chart.file().to_owned(), self.svg(chart, &self.baseline));
        }
        for (place, row) in self.treatments.iter().enumerate() {
            // Two names may be told apart by signs that no file's name has.
            let end = format!("{:02}-{}", place + 1, slug(&row.name));
            for chart in [Chart::Change, Chart::Confusion] {
                add(format!("{}-{end}", chart.file()), self.svg(chart, &row.name));
            }
        }
        files
    }
}

/// A name as a part of a file's name. Names that differ may give the same part.
pub fn slug(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(SLUG).collect()
}
