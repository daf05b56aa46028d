//! Verdicts (what the method's test says) and decisions (what stands: the person's word, or the rule's).

use serde::{Deserialize, Serialize};

use super::provenance::Parts;

/// What the method's own test says of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Accepted,
    /// The prior's draw failed (also where the confidence failed too).
    RejectedPrior,
    /// The judge's confidence is below the threshold.
    RejectedConfidence,
    /// Another test of the method failed, for example an exact copy of a training image.
    RejectedOther,
}

impl Verdict {
    pub const ALL: [Verdict; 4] =
        [Verdict::Accepted, Verdict::RejectedPrior, Verdict::RejectedConfidence, Verdict::RejectedOther];

    /// The verdict that follows from the parts alone.
    pub fn of(parts: &Parts) -> Self {
        if !parts.prior_passes() {
            Verdict::RejectedPrior
        } else if !parts.confidence_passes() {
            Verdict::RejectedConfidence
        } else {
            Verdict::Accepted
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Verdict::Accepted => "accepted",
            Verdict::RejectedPrior => "rejected_prior",
            Verdict::RejectedConfidence => "rejected_confidence",
            Verdict::RejectedOther => "rejected_other",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.as_str() == word)
    }

    /// Probability that the method rejects a candidate of these parts: [`Parts::rejection_probability`], but 1
    /// where another test failed, which the parts do not tell.
    pub fn rejection_probability(self, parts: &Parts) -> f64 {
        match self {
            Verdict::RejectedOther => 1.0,
            _ => parts.rejection_probability(),
        }
    }

    /// The decision the rule takes where nobody looks.
    pub const fn rule(self) -> Decision {
        match self {
            Verdict::Accepted => Decision::Accepted,
            _ => Decision::Rejected,
        }
    }
}

/// What stands for a candidate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    #[default]
    Undecided,
    Accepted,
    Rejected,
}

impl Decision {
    pub const ALL: [Decision; 3] = [Decision::Undecided, Decision::Accepted, Decision::Rejected];

    pub const fn as_str(self) -> &'static str {
        match self {
            Decision::Undecided => "undecided",
            Decision::Accepted => "accepted",
            Decision::Rejected => "rejected",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.as_str() == word)
    }
}

/// Who decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    Person,
    Rule,
}

impl DecidedBy {
    pub const fn as_str(self) -> &'static str {
        match self {
            DecidedBy::Person => "person",
            DecidedBy::Rule => "rule",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        [DecidedBy::Person, DecidedBy::Rule].into_iter().find(|d| d.as_str() == word)
    }
}
