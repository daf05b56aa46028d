//! What an evaluation keeps so that its classifiers can be asked again: the network of each treatment under the first
//! seed, of a cross-validation in the first fold, and which images these were asked about.
//!
//! A classifier lies beside the results before its answers do, so whatever has an answer there can be asked.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::arms::Arm;
use super::parts::Cut;
use super::results::{RUNS, Record};
use crate::classify::batches::channel_statistics;
use crate::classify::treatments::{Classifier, SavedClassifier};
use crate::evaluation::report::slug;
use crate::imaging::files::is_inside;
use crate::imaging::hash::sha256_hex;
use crate::imaging::training_set::Spec;
use crate::jobs::JobError;
use crate::nn::ComputeDevice;
use crate::oversampling::model_file::read_weights;

/// Folder of the classifiers, beside the results.
pub(super) const CLASSIFIERS: &str = "classifiers";
/// The list of the images that they were asked about, in that folder.
pub(super) const HELD_OUT: &str = "held-out.json";
/// Why a treatment whose last layer gave way to trees has no map.
const TREES: &str = "Its answers come from trees on features of a network; a map of that network would not explain \
                     them.";
/// What the map of a treatment is that takes the plain network.
const PLAIN_NETWORK: &str = "It corrects the answers of the plain network, so its Grad-CAM map is that of plain \
                             training; RISE, deletion and insertion ask for its own answers.";
/// Why there is no classifier where one could be.
const NO_CLASSIFIER: &str = "Its training with the first seed gave no classifier, or was not reached.";

/// The classifiers of a comparison that can be asked again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classifiers {
    /// Where the results and, below them, the classifiers lie.
    pub folder: PathBuf,
    /// The seed that they were trained with.
    pub seed: u64,
    /// Of a cross-validation the fold that they were not trained on, from 0.
    pub fold: Option<usize>,
    /// In the order of results.
    pub of: Vec<KeptClassifier>,
}

/// What is kept of a treatment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptClassifier {
    /// The treatment in results.
    pub name: String,
    /// Which training images it learnt from, where these are not the evaluation's own; else empty.
    pub images: String,
    /// Its file, below [`Classifiers::folder`]; `None` where there is nothing to be asked.
    pub file: Option<String>,
    /// What a reader of its maps has to know, or why there are none: a sentence.
    pub remark: Option<String>,
}

impl Classifiers {
    /// True where there is a classifier to ask, in a place below the folder that it is told from: what a project
    /// keeps is read with distrust.
    pub fn can_be_asked(&self) -> bool {
        self.folder.to_str().is_some_and(is_inside) && self.of.iter().any(|of| of.file.is_some())
    }

    /// The same, told from `dir` on where it lies below that.
    #[must_use]
    pub fn below(mut self, dir: &Path) -> Self {
        if let Ok(relative) = self.folder.strip_prefix(dir) {
            self.folder = relative.to_path_buf();
        }
        self
    }

    /// The same, where what is relative is meant from `dir` on.
    #[must_use]
    pub fn at(mut self, dir: &Path) -> Self {
        self.folder = dir.join(&self.folder);
        self
    }
}

/// An image that the kept classifiers were asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::jobs) struct HeldImage {
    /// Relative to the root of its folder.
    pub path: String,
    pub class: usize,
}

/// All of them, and what has to be the same for every classifier that is asked again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::jobs) struct HeldImages {
    /// In class order.
    pub classes: Vec<String>,
    pub spec: Spec,
    /// The mean of each channel of the training images, in \[0, 1\]: what stands where a pixel is hidden.
    pub mean: Vec<f32>,
    /// In the order of the answers.
    pub images: Vec<HeldImage>,
}

impl HeldImages {
    pub(super) fn of(cut: &Cut<'_>) -> Self {
        let test = &cut.test;
        let (mean, _) = channel_statistics(&cut.training);
        let images = test.paths.iter().zip(&test.labels);
        HeldImages {
            classes: test.classes.clone(),
            spec: test.spec.clone(),
            mean: mean.into_iter().map(|value| value.clamp(0.0, 1.0)).collect(),
            images: images.map(|(path, &class)| HeldImage { path: path.clone(), class }).collect(),
        }
    }

    /// The list that lies below a folder of results; `None` where no classifier was ever kept there.
    ///
    /// # Errors
    /// A list that cannot be read.
    pub(in crate::jobs) fn read(folder: &Path) -> Result<Option<Self>, JobError> {
        let path = folder.join(CLASSIFIERS).join(HELD_OUT);
        if !path.exists() {
            return Ok(None);
        }
        let refused = |why: &dyn std::fmt::Display| {
            JobError::Input(format!(
                "the list of the test images cannot be read ({why}); compare again: {}",
                path.display()
            ))
        };
        let bytes = fs::read(&path).map_err(|error| refused(&error))?;
        let list: HeldImages = serde_json::from_slice(&bytes).map_err(|error| refused(&error))?;
        let known = list.classes.len();
        if list.images.iter().any(|image| image.class >= known) {
            return Err(refused(&"it names a class that is none"));
        }
        let Spec { size, channels, bits, .. } = list.spec;
        if !(1..=4096).contains(&size) || !matches!((channels, bits), (1 | 3, 8 | 16)) {
            return Err(refused(&"it describes images that cannot be"));
        }
        Ok(Some(list))
    }
}

/// What each kept classifier said of the images of the list, in their order, by its place in [`Classifiers::of`];
/// `None` where its answers are not there.
pub(in crate::jobs) fn answers(classifiers: &Classifiers) -> Vec<Option<Vec<usize>>> {
    // Answers only help to choose images: without them there are maps all the same.
    let text = fs::read_to_string(classifiers.folder.join(RUNS)).unwrap_or_default();
    let records: Vec<Record> = text.lines().skip(1).filter_map(Record::read).collect();
    let of = |kept: &KeptClassifier| {
        let found = records.iter().find(|record| {
            record.run.name == kept.name
                && record.run.seed == classifiers.seed
                && record.images == kept.images
                && record.fold.as_ref().map(|fold| fold.number) == classifiers.fold
        });
        found.map(|record| record.run.said.clone())
    };
    classifiers.of.iter().map(of).collect()
}

/// The classifier in a file, where it is that of this treatment, seed and fold on images like those of the list.
///
/// # Errors
/// What is wrong with the file, a sentence.
pub(in crate::jobs) fn read_classifier(
    path: &Path,
    (treatment, seed, fold): (&str, u64, Option<usize>),
    list: &HeldImages,
    device: &ComputeDevice,
) -> Result<Classifier, String> {
    let unread = |error: String| format!("Its classifier cannot be read, so compare again: {error}");
    let weights = read_weights(path).map_err(|error| unread(error.to_string()))?;
    let (owner, saved) = SavedClassifier::read(&weights).map_err(|error| unread(error.to_string()))?;
    let same = owner.treatment == treatment
        && (owner.seed, owner.fold) == (seed, fold)
        && owner.classes == list.classes
        && owner.spec == list.spec;
    if !same {
        return Err(
            "Its file holds another classifier than that of the comparison; compare again.".to_owned()
        );
    }
    saved.on(device).map_err(|error| unread(error.to_string()))
}

/// True where a map can be made of what an arm trains.
pub(super) fn can_be_asked(arm: &Arm) -> bool {
    arm.treatment.ensemble().is_none() && !arm.is_alone()
}

/// The file of an arm's classifier below the folder of results. Names that only differ in signs that no file's name
/// has, and exported folders of one name, have files of their own.
pub(super) fn file_of(arm: &Arm, seed: u64) -> String {
    let hash = sha256_hex(format!("{}\n{}", arm.entry.name, arm.fingerprint()));
    let short: String = hash.chars().take(8).collect();
    format!("{CLASSIFIERS}/{}-seed{seed}-{short}.safetensors", slug(&arm.entry.name))
}

/// What is kept of an arm; `exists` says whether a file is there.
pub(super) fn kept_of(arm: &Arm, seed: u64, exists: impl Fn(&str) -> bool) -> KeptClassifier {
    let file = can_be_asked(arm).then(|| file_of(arm, seed)).filter(|file| exists(file));
    let remark = if !can_be_asked(arm) {
        Some(TREES)
    } else if file.is_none() {
        Some(NO_CLASSIFIER)
    } else {
        (arm.shares_plain() && !arm.is_plain()).then_some(PLAIN_NETWORK)
    };
    KeptClassifier {
        name: arm.entry.name.clone(),
        images: arm.fingerprint().to_owned(),
        file,
        remark: remark.map(str::to_owned),
    }
}
