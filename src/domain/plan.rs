//! The plan: how many images each class should have, how many to make, and what a rejected slot becomes.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::acceptance::seed_law;

/// How many images a class should have in total, originals included.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// As many as the largest class.
    #[default]
    Max,
    /// As many as the median class (of an even number of classes, the mean of the middle two, rounded up).
    Median,
    Count(usize),
    /// `ceil(largest / ratio)`: afterwards the imbalance ratio is at most this.
    Ratio(f64),
    /// By hand, one number per class in class order.
    PerClass(Vec<usize>),
}

/// What is wrong with a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("expected max, median, a number of images, or ratio:R with R of at least 1")]
    Target,
    #[error("{given} targets were given for {classes} classes")]
    PerClass { given: usize, classes: usize },
}

impl FromStr for Target {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        match text {
            "max" => Ok(Target::Max),
            "median" => Ok(Target::Median),
            _ => {
                if let Some(ratio) = text.strip_prefix("ratio:") {
                    let ratio: f64 = ratio.parse().map_err(|_| PlanError::Target)?;
                    return if ratio.is_finite() && ratio >= 1.0 {
                        Ok(Target::Ratio(ratio))
                    } else {
                        Err(PlanError::Target)
                    };
                }
                if text.contains(',') {
                    let counts = text.split(',').map(|n| n.trim().parse()).collect::<Result<_, _>>();
                    return counts.map(Target::PerClass).map_err(|_| PlanError::Target);
                }
                text.parse().map(Target::Count).map_err(|_| PlanError::Target)
            }
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Max => write!(f, "max"),
            Target::Median => write!(f, "median"),
            Target::Count(n) => write!(f, "{n}"),
            Target::Ratio(r) => write!(f, "ratio:{r}"),
            Target::PerClass(counts) => {
                let words: Vec<String> = counts.iter().map(ToString::to_string).collect();
                write!(f, "{}", words.join(","))
            }
        }
    }
}

/// What becomes of a slot without an accepted image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rejected {
    /// A byte copy of a training image of the class (the paper's rule).
    #[default]
    Repeat,
    /// New seed images, ten times at most, then repeat.
    Retry,
    /// Nothing: the class stays below its target.
    Leave,
}

/// Attempts at one slot under [`Rejected::Retry`], after the first.
pub const RETRIES: u32 = 10;

impl Rejected {
    pub const ALL: [Rejected; 3] = [Rejected::Repeat, Rejected::Retry, Rejected::Leave];

    pub const fn as_str(self) -> &'static str {
        match self {
            Rejected::Repeat => "repeat",
            Rejected::Retry => "retry",
            Rejected::Leave => "leave",
        }
    }
}

impl FromStr for Rejected {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Rejected::ALL
            .into_iter()
            .find(|r| r.as_str() == text)
            .ok_or_else(|| "use repeat, retry or leave".to_owned())
    }
}

/// One class of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassPlan {
    pub name: String,
    /// Images of the training split.
    pub have: usize,
    /// Images wanted in total; never below `have`.
    pub target: usize,
    pub make: usize,
    /// Expected share of candidates the prior accepts; `None` where nothing is to be made, no seed exists or
    /// the method has no prior.
    pub expected_acceptance: Option<f64>,
}

/// Class by class, how many to make.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub classes: Vec<ClassPlan>,
}

impl Plan {
    /// Resolves a target against the training counts. `beta` is the prior's, for methods that have one.
    ///
    /// # Errors
    /// A list by hand whose length is not the number of classes.
    pub fn new(
        names: &[String],
        counts: &[usize],
        target: &Target,
        beta: Option<f64>,
    ) -> Result<Self, PlanError> {
        let largest = counts.iter().copied().max().unwrap_or(0);
        let wanted: Vec<usize> = match target {
            Target::Max => vec![largest; counts.len()],
            Target::Median => vec![median(counts); counts.len()],
            Target::Count(n) => vec![*n; counts.len()],
            Target::Ratio(r) => {
                vec![(largest as f64 / r - 1e-9).ceil().max(0.0) as usize; counts.len()]
            }
            Target::PerClass(list) if list.len() == counts.len() => list.clone(),
            Target::PerClass(list) => {
                return Err(PlanError::PerClass { given: list.len(), classes: counts.len() });
            }
        };
        let classes =
            names.iter().zip(counts).zip(wanted).enumerate().map(|(class, ((name, &have), wanted))| {
                let target = wanted.max(have);
                let make = target - have;
                let expected_acceptance =
                    if make == 0 { None } else { beta.and_then(|b| seed_law(counts, class, b).pass_rate) };
                ClassPlan { name: name.clone(), have, target, make, expected_acceptance }
            });
        Ok(Plan { classes: classes.collect() })
    }

    /// Images to make over all classes.
    pub fn total_to_make(&self) -> usize {
        self.classes.iter().map(|c| c.make).sum()
    }

    /// The largest count difference between a class that is made and a class that may seed it.
    pub fn largest_gap(&self) -> usize {
        let largest = self.classes.iter().map(|c| c.have).max().unwrap_or(0);
        self.classes.iter().filter(|c| c.make > 0).map(|c| largest - c.have).max().unwrap_or(0)
    }
}

fn median(counts: &[usize]) -> usize {
    let mut sorted = counts.to_vec();
    sorted.sort_unstable();
    match sorted.len() {
        0 => 0,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]).div_ceil(2),
    }
}
