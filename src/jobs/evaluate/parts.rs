//! What an evaluation learns from and what it is measured on: a training and a test part, or, where there
//! is no test part, the folds of a cross-validation.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Deref;

use rayon::prelude::*;
use serde_json::{Value, json};

use super::{EvaluateRequest, FOLDS, Findings};
use crate::domain::samples::Dataset;
use crate::domain::splits::{Split, folds};
use crate::domain::task::{Ctx, Level};
use crate::imaging::hash::sha256_hex;
use crate::imaging::training_set::{HeldOut, ImageSet, TrainingSet};
use crate::jobs::JobError;

/// Decoded images with the hash of each.
pub(super) struct Hashed<S> {
    pub set: S,
    pub hashes: Vec<String>,
}

impl<S: Deref<Target = ImageSet>> Hashed<S> {
    pub fn new(ctx: &Ctx, set: S) -> Result<Self, JobError> {
        let images: &ImageSet = &set;
        let hashes = (0..images.len()).into_par_iter().map(|index| images.pixel_hash(index)).collect();
        ctx.check()?;
        Ok(Hashed { set, hashes })
    }

    /// A hash of all pictures and their classes.
    pub fn fingerprint(&self) -> String {
        self.fingerprint_of(|_| true)
    }

    /// The same of the images at some positions.
    fn fingerprint_of(&self, wanted: impl Fn(usize) -> bool) -> String {
        let images = self.set.labels.iter().zip(&self.hashes).enumerate().filter(|(image, _)| wanted(*image));
        let lines = images.map(|(_, (label, hash))| format!("{label} {hash}\n"));
        sha256_hex(lines.collect::<String>())
    }
}

/// The images of an evaluation.
pub(super) enum Parts {
    Apart {
        training: Hashed<TrainingSet>,
        test: Hashed<HeldOut>,
    },
    Folds {
        all: Hashed<TrainingSet>,
        /// Of each image; none where it is never held out.
        fold_of: Vec<Option<usize>>,
        /// Those that hold an image.
        numbers: Vec<usize>,
        /// What a reader of the figures has to know, in sentences.
        remarks: Vec<String>,
    },
}

/// What the classifiers of one fold, or all of them, learn from and are asked about.
pub(super) struct Cut<'a> {
    pub fold: Option<usize>,
    pub training: Cow<'a, TrainingSet>,
    pub test: Cow<'a, HeldOut>,
}

impl Parts {
    /// Decodes every image once; what cannot be decoded is listed.
    ///
    /// # Errors
    /// No image of a class, no test image, folds beside a test part, or too few images to hold any out.
    pub fn load(ctx: &Ctx, request: &EvaluateRequest, findings: &mut Findings<'_>) -> Result<Self, JobError> {
        let in_folder: usize = request.dataset.counts(Split::Test).iter().sum();
        match (request.test.is_some() || in_folder > 0, request.choice.folds) {
            (true, None) => Self::apart(ctx, request, findings),
            (true, Some(_)) => Err(JobError::Input(format!(
                "there is a test part, so nothing is cross-validated; leave --folds out: {}",
                request.dataset.root.display()
            ))),
            (false, wanted) => Self::folds(ctx, request, wanted.unwrap_or(FOLDS), findings),
        }
    }

    fn apart(ctx: &Ctx, request: &EvaluateRequest, findings: &mut Findings<'_>) -> Result<Self, JobError> {
        let (training, lost) = TrainingSet::load_readable(ctx, &request.dataset, &request.spec)?;
        findings.unreadable.extend(lost);
        let (test, lost) = match &request.test {
            None => HeldOut::load_readable(ctx, &request.dataset, Split::Test, &request.spec)?,
            Some(test) => {
                let test = all_test(test.clone(), &request.dataset.classes)?;
                HeldOut::load_readable(ctx, &test, Split::Test, &request.spec)?
            }
        };
        findings.unreadable.extend(lost);
        check_classes(&training)?;
        let (training, test) = (Hashed::new(ctx, training)?, Hashed::new(ctx, test)?);
        say_of_parts(findings, &training, &test)?;
        if request.test.is_none() {
            say_of_groups(findings, &training, &test);
        }
        Ok(Parts::Apart { training, test })
    }

    fn folds(
        ctx: &Ctx,
        request: &EvaluateRequest,
        wanted: usize,
        findings: &mut Findings<'_>,
    ) -> Result<Self, JobError> {
        let mut dataset = Dataset::clone(&request.dataset);
        let listed = dataset.samples.len();
        dataset.samples.retain(|sample| !sample.kind.is_made());
        let made = listed - dataset.samples.len();
        if made > 0 {
            findings.warn(format!(
                "the folder holds {made} made images, which are left out: what they were made from is held out \
                 in turn"
            ));
        }
        let (training, lost) = TrainingSet::load_readable(ctx, &dataset, &request.spec)?;
        findings.unreadable.extend(lost);
        check_classes(&training)?;
        let all = Hashed::new(ctx, training)?;
        let units = units(&all.set.groups, &all.hashes);
        let fold_of = folds(&all.set.labels, &units, wanted.max(2), request.choice.seed);
        let numbers: Vec<usize> =
            fold_of.iter().flatten().copied().collect::<BTreeSet<usize>>().into_iter().collect();
        if numbers.len() < 2 {
            return Err(JobError::Input(format!(
                "there is no test part, and too few images or groups to hold any out in turn: every class needs \
                 two; add images, or name a folder of test images: {}",
                request.dataset.root.display()
            )));
        }
        let remarks = remarks(&all.set, &units, &fold_of, numbers.len());
        for (at, remark) in remarks.iter().enumerate() {
            ctx.note(if at == 0 { Level::Info } else { Level::Warning }, remark.clone());
        }
        Ok(Parts::Folds { all, fold_of, numbers, remarks })
    }

    /// All images that some classifier learns from.
    pub fn training(&self) -> &Hashed<TrainingSet> {
        match self {
            Parts::Apart { training, .. } => training,
            Parts::Folds { all, .. } => all,
        }
    }

    /// The number of folds of a cross-validation.
    pub fn count(&self) -> Option<usize> {
        match self {
            Parts::Apart { .. } => None,
            Parts::Folds { numbers, .. } => Some(numbers.len()),
        }
    }

    /// What is trained for one seed: each fold, or once for all.
    pub fn numbers(&self) -> Vec<Option<usize>> {
        match self {
            Parts::Apart { .. } => vec![None],
            Parts::Folds { numbers, .. } => numbers.iter().copied().map(Some).collect(),
        }
    }

    /// What a reader of the figures has to know, in sentences.
    pub fn remarks(&self) -> &[String] {
        match self {
            Parts::Apart { .. } => &[],
            Parts::Folds { remarks, .. } => remarks,
        }
    }

    /// The images of one fold.
    ///
    /// # Errors
    /// Memory is short.
    pub fn cut(&self, fold: Option<usize>) -> Result<Cut<'_>, JobError> {
        match self {
            Parts::Apart { training, test } => {
                Ok(Cut { fold: None, training: Cow::Borrowed(&training.set), test: Cow::Borrowed(&test.set) })
            }
            Parts::Folds { all, fold_of, .. } => {
                let held: Vec<bool> = fold_of.iter().map(|of| of.is_some() && *of == fold).collect();
                let (training, test) = all.set.apart(&held)?;
                Ok(Cut { fold, training: Cow::Owned(training), test: Cow::Owned(test) })
            }
        }
    }

    /// The classes of all images that some classifier is asked about.
    pub fn truth(&self) -> Vec<usize> {
        match self {
            Parts::Apart { test, .. } => test.set.labels.clone(),
            Parts::Folds { all, fold_of, .. } => {
                let held = all.set.labels.iter().zip(fold_of).filter(|(_, fold)| fold.is_some());
                held.map(|(label, _)| *label).collect()
            }
        }
    }

    /// A number for each image of [`Parts::truth`]: of the images of its group, and of exact copies.
    pub fn units(&self) -> Vec<usize> {
        match self {
            Parts::Apart { test, .. } => units(&test.set.groups, &test.hashes),
            Parts::Folds { all, fold_of, .. } => {
                let held = units(&all.set.groups, &all.hashes).into_iter().zip(fold_of);
                held.filter(|(_, fold)| fold.is_some()).map(|(unit, _)| unit).collect()
            }
        }
    }

    /// The places of a fold's images among those of [`Parts::truth`], in their order.
    pub fn places(&self, fold: usize) -> Vec<usize> {
        match self {
            Parts::Apart { .. } => Vec::new(),
            Parts::Folds { fold_of, .. } => {
                let held = fold_of.iter().flatten().enumerate();
                held.filter(|(_, of)| **of == fold).map(|(place, _)| place).collect()
            }
        }
    }

    /// The fewest images that a classifier learns from.
    pub fn learnt_from(&self) -> usize {
        let all = self.training().set.len();
        let Parts::Folds { numbers, .. } = self else { return all };
        let most = numbers.iter().map(|&fold| self.places(fold).len()).max().unwrap_or(0);
        all - most
    }

    /// Hashes of what is learnt from, with the folds where there are some, and of what is asked about.
    pub fn hashes(&self) -> (String, String) {
        match self {
            Parts::Apart { training, test } => (training.fingerprint(), test.fingerprint()),
            Parts::Folds { all, fold_of, .. } => {
                let learnt = sha256_hex(format!("{} {fold_of:?}", all.fingerprint()));
                (learnt, all.fingerprint_of(|image| fold_of[image].is_some()))
            }
        }
    }

    /// What a later call must agree on.
    pub fn identity(&self) -> Value {
        match self {
            Parts::Apart { training, test } => {
                json!({ "training": training.fingerprint(), "test": test.fingerprint() })
            }
            Parts::Folds { all, fold_of, .. } => {
                json!({ "training": all.fingerprint(), "folds": sha256_hex(format!("{fold_of:?}")) })
            }
        }
    }
}

/// A number for each image that no fold may part it from: of the images of its group, and of those that are
/// the same pixel for pixel.
fn units(groups: &[Option<String>], hashes: &[String]) -> Vec<usize> {
    fn root(above: &mut [usize], mut image: usize) -> usize {
        while above[image] != image {
            above[image] = above[above[image]];
            image = above[image];
        }
        image
    }
    let mut above: Vec<usize> = (0..hashes.len()).collect();
    let (mut of_group, mut of_hash) = (HashMap::new(), HashMap::new());
    for (image, (group, hash)) in groups.iter().zip(hashes).enumerate() {
        let mut known = vec![*of_hash.entry(hash.as_str()).or_insert(image)];
        if let Some(group) = group {
            known.push(*of_group.entry(group.as_str()).or_insert(image));
        }
        for other in known {
            let (a, b) = (root(&mut above, image), root(&mut above, other));
            above[a.max(b)] = a.min(b);
        }
    }
    (0..hashes.len()).map(|image| root(&mut above, image)).collect()
}

fn remarks(set: &ImageSet, units: &[usize], fold_of: &[Option<usize>], folds: usize) -> Vec<String> {
    let mut remarks = vec![format!(
        "There is no test part: the figures are from {folds}-fold cross-validation. Each image was held out once, \
         with its group and its copies, and is told by a classifier that learnt from the other folds, about {} % \
         of the images; the answers of all folds are pooled.",
        100 - 100 / folds
    )];
    let mut kept = Vec::new();
    for (class, name) in set.classes.iter().enumerate() {
        let of_class: Vec<usize> = (0..set.len()).filter(|&image| set.labels[image] == class).collect();
        let held: BTreeSet<usize> =
            of_class.iter().filter(|&&image| fold_of[image].is_some()).map(|&image| units[image]).collect();
        if !held.is_empty() && held.len() < folds {
            remarks.push(format!(
                "{name} has {} images or groups to hold out, fewer than there are folds: some folds measure \
                 nothing of it.",
                held.len()
            ));
        }
        let never = of_class.iter().filter(|&&image| fold_of[image].is_none()).count();
        if never > 0 {
            kept.push(format!("{never} of {name}"));
        }
    }
    if !kept.is_empty() {
        remarks.push(format!(
            "Never held out, because a class would have had nothing left to learn from: {}.",
            kept.join(", ")
        ));
    }
    remarks
}

/// A folder with the classes of another: in its order, and none beside them.
pub(super) fn with_classes(mut dataset: Dataset, classes: &[String]) -> Result<Dataset, JobError> {
    let index: HashMap<&str, usize> =
        classes.iter().enumerate().map(|(class, name)| (name.as_str(), class)).collect();
    let mut place = Vec::with_capacity(dataset.classes.len());
    for name in &dataset.classes {
        let Some(&class) = index.get(name.as_str()) else {
            return Err(JobError::Input(format!(
                "its class {name} is no class of the evaluated folder, which has {}; it is from another \
                 data set: {}",
                classes.join(", "),
                dataset.root.display()
            )));
        };
        place.push(class);
    }
    dataset.samples.iter_mut().for_each(|sample| sample.class = place[sample.class]);
    dataset.classes = classes.to_vec();
    Ok(dataset)
}

/// A folder of test images: its test part, or all of it.
fn all_test(dataset: Dataset, classes: &[String]) -> Result<Dataset, JobError> {
    let mut dataset = with_classes(dataset, classes)?;
    if !dataset.has_splits {
        dataset.samples.iter_mut().for_each(|sample| sample.split = Split::Test);
    }
    if dataset.counts(Split::Test).iter().sum::<usize>() == 0 {
        return Err(JobError::Input(format!(
            "it has parts and no test part; name the folder of the test images itself: {}",
            dataset.root.display()
        )));
    }
    Ok(dataset)
}

/// Every class has an image that can be decoded.
fn check_classes(training: &TrainingSet) -> Result<(), JobError> {
    match training.counts().iter().position(|&n| n == 0) {
        Some(empty) => Err(JobError::Input(format!(
            "no training image of the class {} can be decoded; give it images or leave it out",
            training.classes[empty]
        ))),
        None => Ok(()),
    }
}

/// What is wrong with the parts without stopping anything.
fn say_of_parts(
    findings: &mut Findings<'_>,
    training: &Hashed<TrainingSet>,
    test: &Hashed<HeldOut>,
) -> Result<(), JobError> {
    if test.set.is_empty() {
        return Err(JobError::Input("no test image can be decoded; look at the test part".to_owned()));
    }
    let learnt: HashSet<&String> = training.hashes.iter().collect();
    let shared = test.hashes.iter().filter(|hash| learnt.contains(hash)).count();
    if shared > 0 {
        findings.warn(format!(
            "{shared} of {} test images are also training images, pixel for pixel: figures are too good",
            test.set.len()
        ));
    }
    let made = training.set.made.iter().filter(|made| **made).count();
    if made > 0 {
        findings.warn(format!(
            "the folder holds {made} made images in its training part: every treatment learns from them"
        ));
    }
    Ok(())
}

/// Names of groups compare only inside of one source.
fn say_of_groups(findings: &mut Findings<'_>, training: &Hashed<TrainingSet>, test: &Hashed<HeldOut>) {
    let learnt: HashSet<&String> = training.set.groups.iter().flatten().collect();
    let shared = test.set.groups.iter().flatten().filter(|group| learnt.contains(group)).count();
    if shared > 0 {
        findings.warn(format!(
            "{shared} of {} test images are of groups that training images are of, too, as images of one patient \
             are: figures are too good; cut the parts by group",
            test.set.len()
        ));
    }
}
