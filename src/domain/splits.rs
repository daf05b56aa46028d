//! Splits: their names, cutting validation and test parts off a folder that has none, cutting a training part down to
//! wanted counts, and folds.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::classes::ClassId;
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
/// groups are shuffled and given to test, then validation, until the share of that class is reached; the
/// first group always stays in training, so that a tiny class is never emptied.
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

/// Leaves at most so many training images of each class, a seeded draw without repeats. `most` is in class order. What does not count, as repeated copies, leaves the training part, too; the other
/// parts stay as they are. The order of the samples stays.
pub fn thin(dataset: &mut Dataset, most: &[usize], seed: u64) {
    let mut of_class: Vec<Vec<usize>> = vec![Vec::new(); dataset.classes.len()];
    for (index, sample) in dataset.counted().filter(|(_, sample)| sample.split == Split::Train) {
        of_class[sample.class].push(index);
    }
    let mut stays: Vec<bool> = dataset.samples.iter().map(|sample| sample.split != Split::Train).collect();
    for (class, (mut images, &most)) in of_class.into_iter().zip(most).enumerate() {
        stream(seed, Stage::Split, class as u64, 2).shuffle(&mut images);
        images.into_iter().take(most).for_each(|index| stays[index] = true);
    }
    let mut stays = stays.into_iter();
    dataset.samples.retain(|_| stays.next().unwrap_or(false));
}

/// Cuts images into folds for cross-validation: stratified by class, units whole, seeded.
///
/// `classes` and `units` have one entry per image; the images of one unit (a group, or copies of one
/// picture) are never told apart. Gives the fold of each image, below `count`, or `None` for an image that
/// is never held out, because some class would have no image left to learn from. Units go by falling size
/// to the fold that has the least share of their classes, then the fewest images; with fewer units than
/// folds some folds stay empty.
pub fn folds(classes: &[ClassId], units: &[usize], count: usize, seed: u64) -> Vec<Option<usize>> {
    let count = count.max(1);
    let known = classes.iter().copied().max().map_or(0, |class| class + 1);
    let mut totals = vec![0_usize; known];
    classes.iter().for_each(|&class| totals[class] += 1);
    let mut by_unit: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (image, &unit) in units.iter().enumerate().take(classes.len()) {
        by_unit.entry(unit).or_default().push(image);
    }
    let mut order: Vec<Vec<usize>> = by_unit.into_values().collect();
    stream(seed, Stage::Split, 0, 1).shuffle(&mut order);
    // Stable, so that units of one size stay shuffled. The large ones go where they fit before the small
    // ones fill up.
    order.sort_by_key(|members| std::cmp::Reverse(members.len()));
    let mut fold_of = vec![None; classes.len()];
    let mut filled = vec![vec![0_usize; known]; count];
    for members in &order {
        let mut own: BTreeMap<ClassId, usize> = BTreeMap::new();
        for &image in members {
            *own.entry(classes[image]).or_default() += 1;
        }
        let crowd = |fold: &[usize]| -> (f64, usize) {
            let shares =
                own.iter().map(|(&class, &images)| (images * fold[class]) as f64 / totals[class] as f64);
            (shares.sum(), fold.iter().sum())
        };
        let crowds: Vec<(f64, usize)> = filled.iter().map(|fold| crowd(fold)).collect();
        let least =
            |&a: &usize, &b: &usize| crowds[a].0.total_cmp(&crowds[b].0).then(crowds[a].1.cmp(&crowds[b].1));
        let chosen = (0..count).min_by(least).unwrap_or(0);
        for &image in members {
            fold_of[image] = Some(chosen);
            filled[chosen][classes[image]] += 1;
        }
    }
    for class in 0..known {
        let of_class = || (0..classes.len()).filter(|&image| classes[image] == class);
        let first = of_class().next().and_then(|image| fold_of[image]);
        // In one fold as a whole, the class could not be learnt while that is held out.
        if first.is_some() && of_class().all(|image| fold_of[image] == first) {
            for members in order.iter().filter(|members| members.iter().any(|&image| classes[image] == class))
            {
                members.iter().for_each(|&image| fold_of[image] = None);
            }
        }
    }
    fold_of
}
