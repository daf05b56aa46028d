//! The methods that make images: the trait, the registry, one file per method.
//!
//! A method's file holds its `Params`, its fit and its generate. Adding one touches its file and one line in
//! [`registry`]. Methods know networks and training sets; they know no project, no job and no window.

pub mod acgan;
pub mod adasyn;
pub mod baegan;
pub mod bagan;
pub mod bagan_gp;
pub mod borderline_smote;
pub mod cgan;
mod checkpoint;
pub mod deepsmote;
mod generative;
pub mod m2m;
pub mod model_file;
pub mod params;
pub mod random;
pub mod rows;
pub mod smote;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use params::{ParamInfo, ParamKind, ParamMap, ParamsError};

use crate::classify::treatments::SavedClassifier;
use crate::domain::classes::ClassId;
use crate::domain::decisions::Verdict;
use crate::domain::provenance::{Kind, Parts};
use crate::domain::task::{Cancelled, Ctx};
use crate::imaging::picture::Picture;
use crate::imaging::training_set::{HeldOut, ImageSet, TrainingSet};
use crate::nn::ComputeDevice;

/// What a method is, for lists and messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodInfo {
    /// The id on the command line and in manifests.
    pub id: &'static str,
    pub name: &'static str,
    /// One sentence for people.
    pub summary: &'static str,
    /// The same in everyday words, for people who never heard of such methods; at most 90 characters.
    pub hint: &'static str,
    /// Who defined it and where.
    pub paper: Option<&'static str>,
    pub needs_training: bool,
    /// Kind of the images it makes.
    pub makes: Kind,
    /// True where the acceptance test has a prior part.
    pub has_prior: bool,
    /// What no parameter changes, for the page of methods: name, value, and where it is from, in the words of
    /// [`ParamInfo::source`].
    pub fixed: &'static [(&'static str, &'static str, &'static str)],
}

/// Why a method could not do its work. Sentences with a remedy; paths last.
#[derive(Debug, thiserror::Error)]
pub enum MethodError {
    #[error("cancelled")]
    Cancelled,
    #[error("{0}")]
    Params(#[from] ParamsError),
    /// The data do not allow it.
    #[error("{0}")]
    Data(String),
    /// The model file is refused; the path is last.
    #[error("{reason}: {}", path.display())]
    Model { reason: String, path: PathBuf },
    /// Training went wrong.
    #[error("{0}")]
    Training(String),
    /// The device or disk gave out.
    #[error("{0}")]
    Resource(String),
}

impl From<Cancelled> for MethodError {
    fn from(_: Cancelled) -> Self {
        MethodError::Cancelled
    }
}

/// What fitting starts from.
pub struct FitRequest<'a> {
    pub training: &'a TrainingSet,
    /// Never trained on; for figures only.
    pub validation: Option<&'a HeldOut>,
    pub params: &'a ParamMap,
    pub seed: u64,
    pub device: &'a ComputeDevice,
    /// Where checkpoints go, and where a stopped run goes on from if it is the same run.
    pub checkpoint: Option<&'a Path>,
}

/// What generating starts from: one class at a time.
pub struct GenerateRequest<'a> {
    pub training: &'a TrainingSet,
    pub class: ClassId,
    /// The slots to fill, by number.
    pub slots: &'a [u32],
    /// 0, then 1.. for retries of the same slots.
    pub attempt: u32,
    /// What [`Model::in_force`] reads.
    pub params: &'a ParamMap,
    pub seed: u64,
}

/// A made image before anyone decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub class: ClassId,
    pub slot: u32,
    pub attempt: u32,
    pub kind: Kind,
    /// At training size, in the project's bit depth: exactly what would be exported.
    pub picture: Picture,
    /// Position of the seed image in the training set.
    pub seed_image: Option<usize>,
    pub parts: Parts,
    pub verdict: Verdict,
    /// The method's own score, by name.
    pub own_score: Option<(String, f64)>,
    /// What else is recorded of it. The manifest and the lists of candidates say what they know by name:
    /// [`Findings`](crate::domain::provenance::Findings).
    pub extra: Value,
}

impl Candidate {
    /// Name of the class that classifier g takes it for; `None` for a method without a judge.
    pub fn judge_says(&self) -> Option<&str> {
        self.extra.get("judge_says")?.as_str()
    }
}

/// How often classifier g took made images for the class that they were made of, whatever became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    pub right: usize,
    pub of: usize,
}

impl Judged {
    /// Counts an image made of the class of this name; nothing for a method without a judge.
    pub fn count(&mut self, candidate: &Candidate, class: &str) {
        if let Some(said) = candidate.judge_says() {
            self.of += 1;
            self.right += usize::from(said == class);
        }
    }
}

/// A fitted method.
pub trait Model: Send {
    fn info(&self) -> &'static MethodInfo;

    /// SHA-256 of tensors and configuration; empty for a method without a model.
    fn hash(&self) -> String;

    /// Writes the model file, atomically.
    ///
    /// # Errors
    /// The disk's, with the path last.
    fn save(&self, path: &Path) -> Result<(), MethodError>;

    /// What was trained, for reports: method, params, counts, record of the training.
    fn summary(&self) -> Value;

    /// Every parameter that is in force when images are made with `given`: the model's own, those that making asks
    /// replaced.
    ///
    /// # Errors
    /// An unknown name, a value out of range, or a parameter of the training that the model was trained otherwise with.
    fn in_force(&self, given: &ParamMap) -> Result<ParamMap, ParamsError>;

    /// Where its training was stopped before the end and kept, a phrase such as `f, after epoch 3 of 20`; `None` for one
    /// that reached its end. Such a training can be gone on with from its checkpoint.
    fn stopped(&self) -> Option<&str> {
        None
    }

    /// Features of classifier g of pictures at training size: flat rows, and how many numbers a row has. `None` for a
    /// method without a judge.
    ///
    /// # Errors
    /// The device's.
    fn features(&self, _pictures: &[Picture]) -> Result<Option<(Vec<f32>, usize)>, MethodError> {
        Ok(None)
    }

    /// The class that classifier g says of each picture at training size. `None` for a method without a judge.
    ///
    /// # Errors
    /// The device's.
    fn judged(&self, _pictures: &[Picture]) -> Result<Option<Vec<usize>>, MethodError> {
        Ok(None)
    }

    /// Probabilities of each class for each image of a set, said by the classifier that the method trains for use beside
    /// its generator: M2m's f. `None` for a method that trains none.
    ///
    /// # Errors
    /// `Cancelled`, or the device's.
    fn says(&self, _ctx: &Ctx, _images: &ImageSet) -> Result<Option<Vec<Vec<f64>>>, MethodError> {
        Ok(None)
    }

    /// The classifier of [`Model::says`] as it is saved; `None` for a method that trains none.
    fn classifier(&self) -> Option<SavedClassifier> {
        None
    }

    /// Makes one candidate per slot, in slot order, and hands each over as soon as it is judged.
    ///
    /// # Errors
    /// `Cancelled`, the receiver's own error, those of [`Model::in_force`], or a training set that does not fit the
    /// model.
    fn generate(
        &self,
        ctx: &Ctx,
        request: &GenerateRequest<'_>,
        receive: &mut dyn FnMut(Candidate) -> Result<(), MethodError>,
    ) -> Result<(), MethodError>;
}

/// A method that makes images of a class.
pub trait Oversampler: Send + Sync {
    fn info(&self) -> &'static MethodInfo;

    /// Its parameters: names, defaults with source, ranges.
    fn param_table(&self) -> &'static [ParamInfo];

    /// The prior's beta under these parameters; `None` for a method without a prior.
    ///
    /// # Errors
    /// Parameters out of range.
    fn prior_beta(&self, params: &ParamMap) -> Result<Option<f64>, ParamsError>;

    /// Trains. With a checkpoint of the same run, goes on from there.
    ///
    /// # Errors
    /// `Cancelled`, data the method cannot use, or a training that failed.
    fn fit(&self, ctx: &Ctx, request: &FitRequest<'_>) -> Result<Box<dyn Model>, MethodError>;

    /// Loads a model file for a training set.
    ///
    /// # Errors
    /// A file that is not a model of this method, or was trained on other classes, channels or size: the
    /// difference is named.
    fn load(
        &self,
        path: &Path,
        training: &TrainingSet,
        device: &ComputeDevice,
    ) -> Result<Box<dyn Model>, MethodError>;
}

/// Diversity of made images of a class, real images having 1, under which its generator has collapsed. Ours: in the
/// trainings of docs/experiments.md classes of which one blot or one picture was made over and over had 0.21 to 0.32, all
/// others 0.35 and more.
pub const COLLAPSED: f64 = 0.33;

fn device_lost() -> MethodError {
    MethodError::Resource(
        "the device did not give its result back; it may be out of memory. Use a smaller batch or --device cpu"
            .to_owned(),
    )
}

/// The index of a stream for one attempt at one slot.
fn slot_key(slot: u32, attempt: u32) -> u64 {
    u64::from(slot) | u64::from(attempt) << 32
}

/// Every method, in the order lists show them.
pub fn registry() -> &'static [&'static dyn Oversampler] {
    &[
        &m2m::M2m,
        &baegan::Baegan,
        &deepsmote::DeepSmote,
        &bagan::Bagan,
        &bagan_gp::BaganGp,
        &acgan::Acgan,
        &cgan::Cgan,
        &smote::Smote,
        &borderline_smote::BorderlineSmote,
        &adasyn::Adasyn,
        &random::RandomOversampling,
    ]
}

/// The method with this id.
pub fn method(id: &str) -> Option<&'static dyn Oversampler> {
    registry().iter().copied().find(|method| method.info().id == id)
}
