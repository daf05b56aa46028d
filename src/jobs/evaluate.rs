//! Evaluating treatments of imbalance: the same network trained under each, with several seeds, and measured
//! on the real test images of a folder, or on each image in turn where there is no test part.
//!
//! Every folder is decoded once. What is fitted, a generator too, sees training images alone
//! ([`TrainingSet`]), what is measured is another type; an exported folder whose training images are test
//! images of this one is refused. Each classifier's answers are on the disk before the next is trained, so
//! an evaluation that ended early goes on where it was.
//!
//! [`TrainingSet`]: crate::imaging::training_set::TrainingSet

mod arms;
mod parts;
mod results;
mod studio;
mod work;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::JobError;
use super::compute::Compute;
use super::train::method_error;
use crate::classify::treatments::{FitError, Options, Preset, Treatment};
use crate::domain::plan::Target;
use crate::domain::samples::{Dataset, Unreadable};
use crate::domain::task::{Cancelled, Ctx, Level};
use crate::evaluation::comparison::{Comparison, Entry, TestPart};
use crate::evaluation::metrics::MetricsError;
use crate::evaluation::metrics::bootstrap::Settings;
use crate::evaluation::treatments::{Filled, MadeTreatment};
use crate::imaging::training_set::Spec;
use crate::nn::DeviceKind;
use crate::oversampling::MethodError;
use parts::Parts;
use results::{Results, check_place};
use work::Work;

/// Steps of the small network where nothing is said, as M2m's classifiers.
const SMALL_STEPS: usize = 2000;
/// Epochs of ResNet-32 where nothing is said, as published.
const RESNET_EPOCHS: usize = 200;
const NONE: &str = "none";

/// How long each classifier is trained: the same number of steps for every treatment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Budget {
    /// 2,000 steps of the small network, 200 epochs of ResNet-32.
    #[default]
    Usual,
    Steps(usize),
    /// As many steps as so many epochs of the training part have.
    Epochs(usize),
}

/// An exported folder to train on as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFolder {
    /// In results; no treatment's name.
    pub name: String,
    pub dir: PathBuf,
}

/// What to evaluate.
#[derive(Clone, Debug)]
pub struct EvaluateRequest {
    /// With a training part, and a test part unless `test` has one; without any each image is held out in
    /// turn. Listed by headers is enough.
    pub dataset: Dataset,
    /// A folder of test images alone: its test part, or all of it where it has no parts.
    pub test: Option<Dataset>,
    pub spec: Spec,
    /// Plain training is added where it lacks, because all others are held against it.
    pub treatments: Vec<Treatment>,
    pub folders: Vec<NamedFolder>,
    /// The first seed.
    pub seed: u64,
    /// How many; at least 1.
    pub seeds: usize,
    pub budget: Budget,
    /// small or resnet32; by the device where it is left out.
    pub network: Option<String>,
    /// auto, gpu, cpu or software.
    pub device: String,
    /// The folder of results; must not exist. An unfinished one of the same evaluation is gone on with.
    pub out: Option<PathBuf>,
    /// Treatments with a generator, which come behind the others. Each learns anew under each seed, from
    /// the training images alone.
    pub made: Vec<MadeTreatment>,
    /// Up to where generators fill the classes.
    pub target: Target,
    /// Folds of a cross-validation where there is no test part, at least 2; 5 where it is left out. Refused
    /// beside a test part.
    pub folds: Option<usize>,
}

/// How it was run.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    pub network: Preset,
    pub steps: usize,
    pub batch: usize,
    pub device: String,
    /// Side of the images in pixels.
    pub size: u32,
    pub channels: u8,
    pub seeds: Vec<u64>,
    /// Folds of a cross-validation; none where there is a test part.
    pub folds: Option<usize>,
}

/// A training that gave no classifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedRun {
    pub name: String,
    pub seed: u64,
    pub reason: String,
}

/// What the generator of a treatment filled under one seed, over all folds of a cross-validation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeOf {
    pub name: String,
    pub seed: u64,
    pub filled: Filled,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct EvaluateOutcome {
    pub comparison: Comparison,
    pub setting: Setting,
    pub failed: Vec<FailedRun>,
    /// Images of all folders that could not be decoded and are left out.
    pub unreadable: Vec<Unreadable>,
    /// Classifiers that an earlier call had measured.
    pub resumed: usize,
    /// The finished folder; `None` without one, and where the evaluation was stopped before its end.
    pub out: Option<PathBuf>,
    /// What generators filled, by treatment and seed.
    pub made: Vec<MadeOf>,
}

impl Setting {
    /// Lines for a report.
    pub fn lines(&self) -> Vec<String> {
        let grey = if self.channels == 1 { "grey" } else { "colour" };
        let seeds: Vec<String> = self.seeds.iter().map(u64::to_string).collect();
        let mut lines = vec![
            format!("network {}, {} pixels a side, {grey}", self.network.as_str(), self.size),
            format!(
                "{} steps of {} images for every treatment, the same start weights",
                self.steps, self.batch
            ),
            format!("seeds {}", seeds.join(", ")),
            format!("device {}", self.device),
        ];
        if let Some(folds) = self.folds {
            lines.push(format!(
                "{folds}-fold cross-validation, stratified, groups and copies kept together, answers pooled"
            ));
        }
        lines
    }
}

impl EvaluateOutcome {
    /// The whole as one object, for scripts and for `results.json`.
    pub fn json(&self) -> Map<String, Value> {
        let mut object = match self.comparison.json() {
            Value::Object(object) => object,
            _ => Map::new(),
        };
        let setting = &self.setting;
        object.insert("network".to_owned(), json!(setting.network.as_str()));
        object.insert("steps".to_owned(), json!(setting.steps));
        object.insert("batch".to_owned(), json!(setting.batch));
        object.insert("device".to_owned(), json!(setting.device));
        object.insert("size".to_owned(), json!(setting.size));
        object.insert("seeds".to_owned(), json!(setting.seeds));
        object.insert("folds".to_owned(), json!(setting.folds));
        object.insert("version".to_owned(), json!(env!("CARGO_PKG_VERSION")));
        let failed = self
            .failed
            .iter()
            .map(|failed| json!({ "name": failed.name, "seed": failed.seed, "reason": failed.reason }));
        object.insert("failed".to_owned(), Value::Array(failed.collect()));
        let made = self.made.iter().map(|of| {
            json!({ "name": of.name, "seed": of.seed, "slots": of.filled.slots, "made": of.filled.made })
        });
        object.insert("made".to_owned(), Value::Array(made.collect()));
        let unreadable =
            self.unreadable.iter().map(|file| json!({ "path": file.path, "reason": file.reason }));
        object.insert("unreadable".to_owned(), Value::Array(unreadable.collect()));
        object
    }
}

impl From<MetricsError> for JobError {
    fn from(error: MetricsError) -> Self {
        match error {
            MetricsError::Cancelled => JobError::Cancelled,
            other => JobError::Failed(other.to_string()),
        }
    }
}

fn fit_error(error: FitError) -> JobError {
    match error {
        FitError::Cancelled => JobError::Cancelled,
        FitError::Data(_) => JobError::Input(error.to_string()),
        FitError::Device => JobError::Resource(error.to_string()),
        FitError::Diverged { .. } => JobError::Failed(error.to_string()),
    }
}

/// Why a training gave no classifier.
enum Ending {
    /// The person asked for it.
    Stopped,
    /// This training cannot, and others can.
    Nothing(String),
    /// The evaluation as a whole ends.
    Over(JobError),
}

impl From<JobError> for Ending {
    fn from(error: JobError) -> Self {
        Ending::Over(error)
    }
}

impl From<Cancelled> for Ending {
    fn from(_: Cancelled) -> Self {
        Ending::Over(JobError::Cancelled)
    }
}

impl From<FitError> for Ending {
    fn from(error: FitError) -> Self {
        match error {
            FitError::Diverged { .. } => Ending::Nothing(error.to_string()),
            other => Ending::Over(fit_error(other)),
        }
    }
}

impl From<MethodError> for Ending {
    fn from(error: MethodError) -> Self {
        match error {
            MethodError::Data(_) | MethodError::Training(_) | MethodError::Model { .. } => {
                Ending::Nothing(error.to_string())
            }
            other => Ending::Over(method_error(other)),
        }
    }
}

/// What all trainings have in common; the seed is set for each.
fn options(request: &EvaluateRequest, kind: DeviceKind, images: usize) -> Result<Options, JobError> {
    let network = match &request.network {
        Some(name) => name.parse::<Preset>().map_err(|error| JobError::Input(error.to_string()))?,
        None if kind == DeviceKind::Gpu => Preset::Resnet32,
        None => Preset::Small,
    };
    let usual = Options::new(network, 1, request.seed);
    // A training part smaller than a batch is a batch; batch norm needs two images.
    let batch = usual.batch.min(images).max(2);
    let per_epoch = images.div_ceil(batch).max(1);
    let steps = match (request.budget, network) {
        (Budget::Steps(steps), _) => steps,
        (Budget::Epochs(epochs), _) => epochs * per_epoch,
        (Budget::Usual, Preset::Small) => SMALL_STEPS,
        (Budget::Usual, Preset::Resnet32) => RESNET_EPOCHS * per_epoch,
    };
    Ok(Options { steps: steps.max(1), batch, ..usual })
}

/// Trains every treatment under every seed and compares what the classifiers say of the test images.
/// Without a test part each image is held out in turn (cross-validation), and the answers of all folds are
/// pooled.
///
/// # Errors
/// As [`JobError`] says: a class without training images, nothing to measure on, a folder of another data
/// set, an `out` that exists, a device that gave out. What was measured before a cancel or an error stays
/// for the next call.
pub fn evaluate(ctx: &Ctx, request: &EvaluateRequest) -> Result<EvaluateOutcome, JobError> {
    let roots = sources(request);
    if let Some(out) = &request.out {
        check_place(out, &roots)?;
    }
    check_classes(&request.dataset)?;
    let mut unreadable = Vec::new();
    let parts = Parts::load(ctx, request, &mut unreadable)?;
    let device = Compute::start(&request.device)?;
    let kind = device.info.kind;
    let options = options(request, kind, parts.learnt_from())?;
    let arms = arms::arms(ctx, request, &parts, &options, &mut unreadable)?;
    if let Some(first) = unreadable.first() {
        ctx.note(
            Level::Warning,
            format!(
                "{} images could not be decoded and are left out; the first: {}",
                unreadable.len(),
                first.path
            ),
        );
    }

    let name = if kind == DeviceKind::Cpu { kind.as_str().to_owned() } else { device.info.name.clone() };
    let identity = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "classes": request.dataset.classes,
        "spec": request.spec,
        "images": parts.identity(),
        "network": options.network.as_str(),
        "steps": options.steps,
        "batch": options.batch,
        "device": kind.as_str(),
    });
    let results = match &request.out {
        Some(out) => Results::open(out, &identity)?,
        None => Results::in_memory(),
    };
    let seeds: Vec<u64> = (0..request.seeds.max(1) as u64).map(|n| request.seed.wrapping_add(n)).collect();
    let truth = parts.truth();
    let mut work = Work {
        ctx,
        arms: &arms,
        parts: &parts,
        truth: &truth,
        device: &device,
        options,
        target: &request.target,
        results,
    };
    let resumed = work.known(&seeds);
    if resumed > 0 {
        ctx.note(Level::Info, format!("going on: {resumed} classifiers were measured before"));
    }
    let failed = work.all(&seeds)?;
    let complete = work.is_complete(&seeds, &failed);
    let (runs, made) = (work.runs(&seeds), work.filled(&seeds));
    if ctx.is_stopping() && !runs.iter().any(|run| run.name == NONE) {
        // Stopped before one seed was whole, so nothing can be compared yet; it is kept for a later call.
        return Err(JobError::Cancelled);
    }

    let part = TestPart {
        classes: request.dataset.classes.clone(),
        training: parts.training().set.counts(),
        truth: truth.clone(),
    };
    let entries: Vec<Entry> = arms.iter().map(|arm| arm.entry.clone()).collect();
    let settings = Settings { seed: request.seed, ..Settings::default() };
    let mut comparison = Comparison::of(ctx, part, &entries, NONE, &runs, &settings)?;
    comparison.summary.extend(parts.remarks().iter().cloned());
    let setting = Setting {
        network: options.network,
        steps: options.steps,
        batch: options.batch,
        device: name,
        size: request.spec.size,
        channels: request.spec.channels,
        seeds,
        folds: parts.count(),
    };
    let mut outcome = EvaluateOutcome { comparison, setting, failed, unreadable, resumed, out: None, made };
    if complete {
        let files = files(&outcome)?;
        outcome.out = work.results.finish(&files)?;
    } else {
        ctx.note(
            Level::Warning,
            "stopped before the end; the same call goes on from here where it has an --out",
        );
    }
    Ok(outcome)
}

/// The image folders, which nothing is written into.
fn sources(request: &EvaluateRequest) -> Vec<&Path> {
    let own = std::iter::once(request.dataset.root.as_path());
    let test = request.test.as_ref().map(|test| test.root.as_path());
    own.chain(test).chain(request.folders.iter().map(|folder| folder.dir.as_path())).collect()
}

/// The files of a finished folder.
fn files(outcome: &EvaluateOutcome) -> Result<Vec<(&'static str, Vec<u8>)>, JobError> {
    let unwritten =
        |error: String| JobError::Failed(format!("the results could not be written down: {error}"));
    let json =
        serde_json::to_vec_pretty(&Value::Object(outcome.json())).map_err(|e| unwritten(e.to_string()))?;
    let csv = outcome.comparison.csv().map_err(|error| unwritten(error.to_string()))?;
    let page = outcome.comparison.markdown(&outcome.setting.lines());
    Ok(vec![("results.json", json), ("table.md", page.into_bytes()), ("table.csv", csv)])
}

/// There are two classes at least, and each has training images.
fn check_classes(dataset: &Dataset) -> Result<(), JobError> {
    let counts = dataset.training_counts();
    if let Some((name, _)) = dataset.classes.iter().zip(&counts).find(|(_, n)| **n == 0) {
        return Err(JobError::Input(format!(
            "the class {name} has no training image, so no classifier can learn it; give it images or \
             leave it out: {}",
            dataset.root.display()
        )));
    }
    if counts.len() < 2 {
        return Err(JobError::Input(format!(
            "there is one class, and treatments of imbalance need two; open the folder above: {}",
            dataset.root.display()
        )));
    }
    Ok(())
}
