//! How a classifier did on real test images: figures of a confusion table, of probabilities, and how sure
//! they are. All in f64. Knows lists of classes and probabilities; no network, no image and no name of a
//! treatment.
//!
//! # What the figures are
//!
//! A row of a [`Confusion`] is the true class, a column what the classifier said. *Recall* of a class is the
//! share of its images that are found, *precision* the share of what was said to be of it that is. *ACSA* is
//! the mean recall, which others call balanced accuracy. *Macro F1* is the mean of the F1 of the classes,
//! never the F1 of a mean precision and a mean recall. F0.5 counts precision twice as much as recall.
//!
//! # Two geometric means
//!
//! The geometric mean of a classifier is the root of the *product* of the recalls ([`Confusion::g_mean`]). It
//! is 0 as soon as one class is never found, and is left at 0. Published tables of DeepSMOTE, BAGAN and
//! others show another figure under the same name, the *macro form* ([`Confusion::g_mean_macro`]): the root
//! of mean recall times mean specificity, as imbalanced-learn gives it for `average="macro"`. For two classes
//! it is ACSA, for many it lies far above, because the specificity of a class counts the images of all others
//! and is near 1. On a test part with as many images in each of C classes it is a function of ACSA alone,
//! `sqrt(a (1 - (1 - a) / (C - 1)))`, and says nothing that ACSA does not. It is here to stand beside
//! published numbers; the product is the one to look at.
//!
//! # Where nothing can be divided
//!
//! - A class without test images has no recall, F1 or F0.5 (`None`), and is left out of every mean over
//!   classes. (scikit-learn counts it with F1 = 0 where it was said at least once.) False alarms for it still
//!   count against the classes whose images they were.
//! - A class that was never said has precision 0; [`Confusion::said`] shows that it is 0 of 0.
//! - F1 and F0.5 of a class with test images of which none was found are 0.
//! - Matthews' coefficient is 0 where all images, or all answers, are of one class; so is kappa where chance
//!   alone would agree on everything.
//! - Without any test image every figure is `None`.

pub mod bootstrap;
mod confusion;
mod scores;
pub mod student;

pub use confusion::{Confusion, GroupRecalls, Groups};
pub use scores::{Scores, area_under_precision_recall, area_under_roc};

/// Why a figure could not be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetricsError {
    #[error("cancelled")]
    Cancelled,
    #[error("a table of {rows} rows has a row of {columns} columns; a confusion table is square")]
    NotSquare { rows: usize, columns: usize },
    #[error("class {class} is named for image {image}, and there are {classes} classes")]
    Class { image: usize, class: usize, classes: usize },
    #[error("there are {images} images and {answers} answers; each image needs one of each classifier")]
    Length { images: usize, answers: usize },
    #[error("the two sides of a comparison have {left} and {right} classifiers; compare the same seeds")]
    Unpaired { left: usize, right: usize },
    #[error(
        "image {0} has a probability that is no number in [0, 1]; the classifier is broken, so train it again"
    )]
    NotAProbability(usize),
    #[error("there is no test image to resample; add images to the test part")]
    NoImages,
    #[error(
        "no training gave a classifier, so there is nothing to compare; run it again with other settings"
    )]
    NoRuns,
}

impl From<crate::domain::task::Cancelled> for MetricsError {
    fn from(_: crate::domain::task::Cancelled) -> Self {
        MetricsError::Cancelled
    }
}

/// A figure that comparisons are made on and intervals are given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Figure {
    /// Mean recall.
    Acsa,
    /// Mean F1.
    F1Macro,
    /// Root of the product of the recalls.
    GMean,
    /// Root of mean recall times mean specificity.
    GMeanMacro,
    Accuracy,
    /// Matthews' correlation.
    Mcc,
    /// Cohen's kappa.
    Kappa,
}

impl Figure {
    /// What is kept of a comparison counts on this order: a new figure goes to the end.
    pub const ALL: [Figure; 7] = [
        Figure::Acsa,
        Figure::F1Macro,
        Figure::GMean,
        Figure::GMeanMacro,
        Figure::Accuracy,
        Figure::Mcc,
        Figure::Kappa,
    ];

    /// The name in JSON and CSV.
    pub const fn key(self) -> &'static str {
        match self {
            Figure::Acsa => "acsa",
            Figure::F1Macro => "f1_macro",
            Figure::GMean => "gm",
            Figure::GMeanMacro => "gm_macro",
            Figure::Accuracy => "accuracy",
            Figure::Mcc => "mcc",
            Figure::Kappa => "kappa",
        }
    }

    /// The name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Figure::Acsa => "ACSA",
            Figure::F1Macro => "macro F1",
            Figure::GMean => "GM",
            Figure::GMeanMacro => "GM, macro form",
            Figure::Accuracy => "accuracy",
            Figure::Mcc => "MCC",
            Figure::Kappa => "kappa",
        }
    }

    /// No value is below this, and none above 1.
    pub const fn least(self) -> f64 {
        match self {
            Figure::Mcc | Figure::Kappa => -1.0,
            _ => 0.0,
        }
    }

    /// Its value, from [`Figure::least`] to 1; `None` where it has none.
    pub fn of(self, confusion: &Confusion) -> Option<f64> {
        match self {
            Figure::Acsa => confusion.acsa(),
            Figure::F1Macro => confusion.macro_f(1.0),
            Figure::GMean => confusion.g_mean(),
            Figure::GMeanMacro => confusion.g_mean_macro(),
            Figure::Accuracy => confusion.accuracy(),
            Figure::Mcc => confusion.mcc(),
            Figure::Kappa => confusion.kappa(),
        }
    }
}

/// Mean and standard deviation of a figure over seeds.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Spread {
    pub mean: f64,
    /// With the divisor n - 1; `None` for one value.
    pub sd: Option<f64>,
}

impl Spread {
    /// `None` without a value.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        if values.is_empty() {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        let sd = (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt());
        Some(Spread { mean, sd })
    }
}
