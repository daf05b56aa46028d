//! Where an image comes from: the kinds an export distinguishes, the parts of a candidate's test, and what else was
//! found of it.

use serde::{Deserialize, Serialize};

/// The kinds of an image in an exported folder (DESIGN words: *made* = derived or synthetic).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A file of the source folder, copied byte for byte (or at training size, when asked for).
    Original,
    /// A slightly changed real image (M2m): it inherits group and split of its seed image.
    Derived,
    /// An image no single real image stands behind (BAEGAN, GANs, SMOTE).
    Synthetic,
    /// A byte copy of a training image of the same class, standing where no candidate was accepted.
    Repeated,
}

impl Kind {
    /// The word written in manifests, PNG text and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Original => "original",
            Kind::Derived => "derived",
            Kind::Synthetic => "synthetic",
            Kind::Repeated => "repeated",
        }
    }

    /// The kind that a manifest's word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        [Kind::Original, Kind::Derived, Kind::Synthetic, Kind::Repeated]
            .into_iter()
            .find(|k| k.as_str() == word)
    }

    /// Made images are never seeds and never part of validation or test.
    pub const fn is_made(self) -> bool {
        matches!(self, Kind::Derived | Kind::Synthetic)
    }
}

/// The parts of a candidate's acceptance test, recorded apart and never merged (DESIGN section 5).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Parts {
    /// `P_accept(k0|k)`, in \[0, 1\]; `None` where the method has no prior part.
    pub p_accept: Option<f64>,
    /// The uniform draw u in \[0, 1) the prior is tested with: passes if `u < p_accept`.
    pub draw: Option<f64>,
    /// The judge's probability of the target class on the rounded image, in \[0, 1\].
    pub confidence: Option<f64>,
    /// The least confidence that passes; `None` where the confidence test is skipped.
    pub threshold: Option<f64>,
}

impl Parts {
    /// True where the prior passes or the method has none.
    pub fn prior_passes(&self) -> bool {
        match (self.p_accept, self.draw) {
            (Some(p), Some(u)) => u < p,
            _ => true,
        }
    }

    /// True where the confidence reaches the threshold (inclusive) or the test is skipped.
    pub fn confidence_passes(&self) -> bool {
        match (self.confidence, self.threshold) {
            (Some(c), Some(t)) => c >= t,
            _ => true,
        }
    }

    /// Probability that the method rejects this candidate, before the draw: `1 - p_accept` where the
    /// confidence passes, 1 where it does not, 0 where nothing is tested. Tests beside the parts are the verdict's:
    /// [`Verdict::rejection_probability`](super::decisions::Verdict::rejection_probability).
    pub fn rejection_probability(&self) -> f64 {
        if !self.confidence_passes() {
            return 1.0;
        }
        1.0 - self.p_accept.unwrap_or(1.0)
    }
}

/// What a run finds of a candidate beside the parts of its test. Distances are L2 over pixels in \[0, 1\].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Findings {
    /// Why a test beside the parts failed: what the candidate is.
    pub reason: Option<String>,
    /// Median distance of a real image of the class to the nearest other one.
    pub usual_distance: Option<f64>,
    /// The class has one image, so that the usual distance is that of other classes.
    pub usual_of_others: Option<bool>,
    /// Much nearer to a training image than is usual; `None` where that was not looked for.
    pub near_copy: Option<bool>,
    /// The same pixels as a training image of the class; `None` where that was not looked for.
    pub exact_copy: Option<bool>,
    /// How different made images of the class were from each other at the end of the training; real images have 1.
    pub diversity: Option<f64>,
    /// The class that the judge takes it for.
    pub judge_says: Option<String>,
}

impl Findings {
    /// A distance as a multiple of the usual one; `None` where none is known or all real images are the same.
    pub fn relative(&self, distance: f64) -> Option<f64> {
        self.usual_distance.filter(|usual| *usual > 0.0).map(|usual| distance / usual)
    }
}
