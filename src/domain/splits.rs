//! Splits: their names, and cutting validation and test parts off a folder that has none.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::random::{Stage, stream};
use super::samples::Dataset;

/// The part of the data an image belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    #[default]
    Train,
    Validation,
    Test,
}

impl Split {
    pub const ALL: [Split; 3] = [Split::Train, Split::Validation, Split::Test];

    /// The word for manifests, folders and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Validation => "validation",
            Split::Test => "test",
        }
    }

    /// The split that a folder name or CSV word stands for (any case).
    pub fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "train" | "training" => Some(Split::Train),
            "val" | "valid" | "validation" => Some(Split::Validation),
            "test" | "testing" => Some(Split::Test),
            _ => None,
        }
    }
}

/// Shares of training, validation and test, for example `70/15/15`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shares {
    pub train: f64,
    pub validation: f64,
    pub test: f64,
}

/// What is wrong with a text that should say shares.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected three shares such as 70/15/15 with a training share above zero")]
pub struct SharesError;

impl FromStr for Shares {
    type Err = SharesError;

    fn from_str(text: &str) -> Result<Self, SharesError> {
        let parts: Vec<f64> =
            text.split('/').map(|p| p.trim().parse()).collect::<Result<_, _>>().map_err(|_| SharesError)?;
        let [train, validation, test] = parts[..] else {
            return Err(SharesError);
        };
        let sum = train + validation + test;
        if !(sum.is_finite() && train > 0.0 && validation >= 0.0 && test >= 0.0) {
            return Err(SharesError);
        }
        Ok(Shares { train: train / sum, validation: validation / sum, test: test / sum })
    }
}

/// Cuts validation and test parts off the training split: stratified by class, whole groups, seeded.
///
/// Made and repeated images stay in training. An image without a group is a group of its own. Per class the
/// groups are shuffled and given to test, then validation, until the share of that class is reached; the first
/// group always stays in training, so that a tiny class is never emptied.
pub fn cut(dataset: &mut Dataset, shares: Shares, seed: u64) {
    // A group that spans classes is placed once, with the class in which it is met first.
    let mut groups: BTreeMap<(usize, String), Vec<usize>> = BTreeMap::new();
    let mut class_of_group: BTreeMap<String, usize> = BTreeMap::new();
    for (index, sample) in dataset.samples.iter().enumerate() {
        let movable = sample.split == Split::Train && sample.kind == super::provenance::Kind::Original;
        if !movable || sample.excluded {
            continue;
        }
        let key = match &sample.group {
            Some(group) => format!("g{group}"),
            None => format!("f{}", sample.path),
        };
        let class = *class_of_group.entry(key.clone()).or_insert(sample.class);
        groups.entry((class, key)).or_default().push(index);
    }
    for class in 0..dataset.classes.len() {
        let mut of_class: Vec<&Vec<usize>> = groups
            .range((class, String::new())..(class + 1, String::new()))
            .map(|(_, members)| members)
            .collect();
        let images: usize = of_class.iter().map(|m| m.len()).sum();
        stream(seed, Stage::Split, class as u64, 0).shuffle(&mut of_class);
        let want_test = (images as f64 * shares.test).round() as usize;
        let want_validation = (images as f64 * shares.validation).round() as usize;
        let (mut test, mut validation) = (0, 0);
        // Skipping the first group keeps one in training.
        for members in of_class.into_iter().skip(1) {
            let split = if test < want_test {
                test += members.len();
                Split::Test
            } else if validation < want_validation {
                validation += members.len();
                Split::Validation
            } else {
                break;
            };
            for &index in members {
                dataset.samples[index].split = split;
            }
        }
    }
    dataset.has_splits = true;
}
