//! Evaluating treatments of imbalance: the same network trained under each, with several seeds, and measured
//! on the real test images of a folder, or on each image in turn where there is no test part.
//!
//! Every folder is decoded once. What is fitted, a generator too, sees training images alone
//! ([`TrainingSet`]), what is measured is another type; an exported folder whose training images are test
//! images of this one is refused. Each classifier's answers are on the disk before the next is trained, so
//! an evaluation that ended early goes on where it was. The classifiers of the first seed are kept beside
//! their answers, so that somebody may ask them what they look at.
//!
//! [`TrainingSet`]: crate::imaging::training_set::TrainingSet

mod arms;
mod choice;
mod generators;
mod kept;
mod pace;
mod page;
mod parts;
mod results;
mod studio;
mod work;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use choice::{Budget, Choice, LeftOut, NamedFolder, Treatments};
pub use kept::{Classifiers, KeptClassifier};
pub(in crate::jobs) use kept::{HeldImages, answers, read_classifier};
pub use pace::{Timed, time_steps};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::JobError;
use super::compute::Compute;
use super::quality;
use super::train::method_error;
use crate::classify::batches::Augment;
use crate::classify::treatments::{FitError, Options, Preset};
use crate::domain::numbers::counted;
use crate::domain::samples::{Dataset, Unreadable};
use crate::domain::task::{Cancelled, Ctx, Level};
use crate::evaluation::comparison::{Comparison, Entry, Run, TestPart};
use crate::evaluation::generators::MadeRow;
use crate::evaluation::metrics::MetricsError;
use crate::evaluation::metrics::bootstrap::Settings;
use crate::evaluation::report::{MadeShown, raster};
pub use crate::evaluation::treatments::MadeOf;
use crate::imaging::training_set::Spec;
use crate::nn::DeviceKind;
use crate::nn::device::BURN;
use crate::oversampling::MethodError;
use arms::{Arm, Images};
use parts::Parts;
use results::Results;
pub(in crate::jobs) use results::check_place;
use work::{Ended, Work};

/// Steps of the small network where nothing is said, as M2m's classifiers.
const SMALL_STEPS: usize = 2000;
/// Epochs of ResNet-32 where nothing is said, as published.
const RESNET_EPOCHS: usize = 200;
/// Folds of a cross-validation where nothing is said.
const FOLDS: usize = 5;
const NONE: &str = "none";

/// What to evaluate.
#[derive(Clone, Debug)]
pub struct EvaluateRequest {
    /// With a training part, and a test part unless `test` has one; without any each image is held out in
    /// turn. Listed by headers is enough.
    pub dataset: Arc<Dataset>,
    /// A folder of test images alone: its test part, or all of it where it has no parts.
    pub test: Option<Dataset>,
    pub spec: Spec,
    pub choice: Choice,
    /// The folder of results; must not exist. An unfinished one of the same evaluation is gone on with.
    pub out: Option<PathBuf>,
    /// What is taken off while it runs.
    pub left_out: LeftOut,
}

impl EvaluateRequest {
    /// A choice on a folder, with nothing else asked for.
    pub fn new(dataset: Arc<Dataset>, spec: Spec, choice: Choice) -> Self {
        let left_out = LeftOut::default();
        EvaluateRequest { dataset, test: None, spec, choice, out: None, left_out }
    }
}

/// What figures depend on beside the images: another version may round in another way.
fn versions() -> String {
    format!("counterpoise {}, burn {BURN}", env!("CARGO_PKG_VERSION"))
}

/// How it was run.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    pub network: Preset,
    /// Of each training, but for those of `online`.
    pub steps: usize,
    /// Treatments whose method trains the classifier itself, in whole epochs, and its steps; in a cross-validation
    /// those on the fewest images that a classifier learns from.
    pub online: Vec<(String, usize)>,
    pub batch: usize,
    /// How real training images were changed.
    pub augment: Augment,
    pub device: String,
    /// System, kind of processor, device and driver, in a line.
    pub machine: String,
    /// Side of the images in pixels.
    pub size: u32,
    pub channels: u8,
    pub seeds: Vec<u64>,
    /// Folds of a cross-validation; none where there is a test part.
    pub folds: Option<usize>,
    /// Hash of the training images with their classes, and of how they were cut into folds.
    pub training: String,
    /// The same of the images that are asked about: figures compare where it is the same.
    pub test: String,
}

/// A training that gave no classifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRun {
    pub name: String,
    pub seed: u64,
    pub reason: String,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct EvaluateOutcome {
    pub comparison: Comparison,
    pub setting: Setting,
    pub failed: Vec<FailedRun>,
    /// Images of all folders that could not be decoded and are left out.
    pub unreadable: Vec<Unreadable>,
    /// What is wrong with the images or with what was asked for, in sentences.
    pub warnings: Vec<String>,
    /// Classifiers that an earlier call had measured.
    pub resumed: usize,
    /// False where it was stopped before its end.
    pub complete: bool,
    /// What ended it where nothing is kept on the disk, so that what was measured until then is here alone: a
    /// cancel, or a device that gave out.
    pub ended: Option<JobError>,
    /// Seconds of a training step; `None` where no classifier was trained step by step.
    pub step_seconds: Option<f64>,
    /// The finished folder; `None` without one, and where the evaluation was stopped before its end.
    pub out: Option<PathBuf>,
    /// What generators gave, by treatment and seed.
    pub made: Vec<MadeOf>,
    /// Some images that generators made under the first seed; none where nothing is kept on the disk.
    pub pictures: Vec<MadeShown>,
    /// The classifiers of the first seed, to be asked again; `None` where nothing is kept on the disk.
    pub classifiers: Option<Classifiers>,
}

impl Setting {
    /// Steps of a training in whole epochs, which in a cross-validation are not the same for every fold.
    fn at_least(&self, steps: usize) -> String {
        if self.folds.is_some() { format!("at least {steps}") } else { steps.to_string() }
    }

    /// Lines for a report.
    pub fn lines(&self) -> Vec<String> {
        let grey = if self.channels == 1 { "grey" } else { "colour" };
        let seeds: Vec<String> = self.seeds.iter().map(u64::to_string).collect();
        let online: Vec<String> =
            self.online.iter().map(|(name, steps)| format!("{name}: {}", self.at_least(*steps))).collect();
        let whole = if online.is_empty() {
            String::new()
        } else {
            format!(" ({}, in whole epochs)", online.join(", "))
        };
        let mut lines = vec![
            format!("network {}, {} pixels a side, {grey}", self.network.as_str(), self.size),
            format!(
                "{} steps of {} images for every treatment{whole}, the same start weights",
                self.steps, self.batch
            ),
            format!("seeds {}", seeds.join(", ")),
            format!("device {}", self.device),
        ];
        lines.extend(self.augment.words().map(|words| format!("real training images {words}")));
        if let Some(folds) = self.folds {
            lines.push(format!(
                "{folds}-fold cross-validation, stratified, groups and copies kept together, answers pooled"
            ));
        }
        lines.extend([self.machine.clone(), versions()]);
        lines
    }
}

impl EvaluateOutcome {
    /// Lines for a report: how it was run, and what generators gave.
    pub fn lines(&self) -> Vec<String> {
        let made = self.made.iter().map(|of| format!("{}: {}", title(&of.name, of.seed), of.words()));
        let quality = MadeRow::all(&self.made);
        let alone = self.made.iter().filter_map(|of| Some(of.alone.as_ref()?.words(of.seed)));
        let lines = self.setting.lines().into_iter().chain(made).chain(quality.iter().map(MadeRow::words));
        lines.chain(alone).collect()
    }

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
        object.insert("crop".to_owned(), json!(setting.augment.crop));
        object.insert("flip".to_owned(), json!(setting.augment.flip));
        object.insert("device".to_owned(), json!(setting.device));
        object.insert("size".to_owned(), json!(setting.size));
        object.insert("seeds".to_owned(), json!(setting.seeds));
        object.insert("folds".to_owned(), json!(setting.folds));
        object.insert("version".to_owned(), json!(env!("CARGO_PKG_VERSION")));
        object.insert("burn".to_owned(), json!(BURN));
        object.insert("machine".to_owned(), json!(setting.machine));
        let failed = self
            .failed
            .iter()
            .map(|failed| json!({ "name": failed.name, "seed": failed.seed, "reason": failed.reason }));
        object.insert("failed".to_owned(), Value::Array(failed.collect()));
        let made = self.made.iter().filter_map(|of| {
            let filled = of.filled?;
            Some(json!({
                "name": of.name,
                "seed": of.seed,
                "slots": filled.slots,
                "made": filled.made,
                "repeats": filled.repeats(),
                "seconds": of.seconds,
                "classes": of.classes,
                "alone": of.alone,
            }))
        });
        object.insert("made".to_owned(), Value::Array(made.collect()));
        let unreadable =
            self.unreadable.iter().map(|file| json!({ "path": file.path, "reason": file.reason }));
        object.insert("unreadable".to_owned(), Value::Array(unreadable.collect()));
        object.insert("warnings".to_owned(), json!(self.warnings));
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

/// Names of files with their bytes.
pub type Files = Vec<(String, Vec<u8>)>;

/// What comes beside the results of a finished evaluation.
pub type Beside<'a> = &'a dyn Fn(&EvaluateOutcome) -> Result<Files, JobError>;

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

/// What is wrong with the images or with what was asked for: told when it is found, and kept for the results.
struct Findings<'a> {
    ctx: &'a Ctx,
    warnings: Vec<String>,
    /// Images that could not be decoded and are left out.
    unreadable: Vec<Unreadable>,
}

impl Findings<'_> {
    fn warn(&mut self, text: String) {
        self.ctx.note(Level::Warning, text.clone());
        self.warnings.push(text);
    }
}

/// The network where none is asked for.
pub fn usual_network(kind: DeviceKind) -> Preset {
    if kind == DeviceKind::Gpu { Preset::Resnet32 } else { Preset::Small }
}

/// Folds of the cross-validation where nothing is said, with so many test images; none where there are any.
pub fn usual_folds(test: usize) -> Option<usize> {
    (test == 0).then_some(FOLDS)
}

/// How many of the training images a classifier learns from: all of them, or about so many in a
/// cross-validation.
pub fn learnt_from(images: usize, folds: Option<usize>) -> usize {
    folds.map_or(images, |folds| images - images / folds.max(2))
}

/// Images of a step, with so many to learn from.
fn batch_of(images: usize) -> usize {
    // A training part smaller than a batch is a batch; batch norm needs two images.
    Options::new(Preset::Small, 1, 0).batch.min(images).max(2)
}

/// What all trainings have in common; the seed is set for each.
fn options(request: &EvaluateRequest, kind: DeviceKind, images: usize) -> Result<Options, JobError> {
    let network = match &request.choice.network {
        Some(name) => name.parse::<Preset>().map_err(|error| JobError::Input(error.to_string()))?,
        None => usual_network(kind),
    };
    let steps = request.choice.budget.steps(network, images);
    Ok(Options {
        batch: batch_of(images),
        augment: request.choice.augment,
        ..Options::new(network, steps, request.choice.seed)
    })
}

/// The stage that a training is told under; in a cross-validation `, fold N` follows, from 1.
pub fn stage(name: &str, seed: u64) -> String {
    format!("training {}", title(name, seed))
}

/// One training in words: begins the stage of a generator, with `, fold N` behind it in a cross-validation, then
/// `: ` and what the generator is doing.
pub fn title(name: &str, seed: u64) -> String {
    format!("{name} with seed {seed}")
}

/// The curve with the ACSA of each seed of a treatment, also of those that were measured before.
pub fn acsa_curve(name: &str) -> String {
    format!("ACSA · {name}")
}

/// Trains every treatment under every seed and compares what the classifiers say of the test images.
/// Without a test part each image is held out in turn (cross-validation), and the answers of all folds are
/// pooled.
///
/// # Errors
/// As [`JobError`] says: a class without training images, nothing to measure on, a folder of another data
/// set, an `out` that exists, a device that gave out. What was measured before a cancel or an error stays
/// for the next call where there is an `out`; without one a cancel or a device that gave out is no error once
/// there is something to compare, but [`EvaluateOutcome::ended`].
pub fn evaluate(ctx: &Ctx, request: &EvaluateRequest) -> Result<EvaluateOutcome, JobError> {
    evaluate_in(ctx, request, None, &|_| Ok(Vec::new()))
}

/// As [`evaluate`], with files of its own beside the results of a finished folder.
///
/// # Errors
/// As [`evaluate`], and those of `beside`, after which the same call tries again.
pub fn evaluate_beside(
    ctx: &Ctx,
    request: &EvaluateRequest,
    beside: Beside<'_>,
) -> Result<EvaluateOutcome, JobError> {
    evaluate_in(ctx, request, None, beside)
}

/// As [`evaluate`], with its results kept below `kept` instead of [`EvaluateRequest::out`]. What is known
/// there of the same images and settings is not trained again, whichever evaluation it was measured for, but for
/// a treatment whose classifier of the first seed lacks there.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_keeping(
    ctx: &Ctx,
    request: &EvaluateRequest,
    kept: &Path,
) -> Result<EvaluateOutcome, JobError> {
    evaluate_in(ctx, request, Some(kept), &|_| Ok(Vec::new()))
}

fn evaluate_in(
    ctx: &Ctx,
    request: &EvaluateRequest,
    kept: Option<&Path>,
    beside: Beside<'_>,
) -> Result<EvaluateOutcome, JobError> {
    let choice = &request.choice;
    let asked = choice.parsed()?;
    let roots = sources(request);
    if let Some(out) = &request.out {
        check_place(out, &roots)?;
    }
    check_classes(&request.dataset)?;
    let mut findings = Findings { ctx, warnings: Vec::new(), unreadable: Vec::new() };
    let parts = Parts::load(ctx, request, &mut findings)?;
    let device = Compute::start(&choice.device)?;
    let kind = device.info.kind;
    let options = options(request, kind, parts.learnt_from())?;
    let arms = arms::arms(ctx, request, &asked, &parts, &options, &mut findings)?;
    let Findings { warnings, unreadable, .. } = findings;
    if let Some(first) = unreadable.first() {
        ctx.note(
            Level::Warning,
            format!(
                "{} left out; the first: {}",
                counted(
                    unreadable.len(),
                    "image that could not be decoded is",
                    "images that could not be decoded are"
                ),
                first.path
            ),
        );
    }

    let name = if kind == DeviceKind::Cpu { kind.as_str().to_owned() } else { device.info.name.clone() };
    let mut identity = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "classes": request.dataset.classes,
        "spec": request.spec,
        "images": parts.identity(),
        "network": options.network.as_str(),
        "steps": options.steps,
        "batch": options.batch,
        "device": kind.as_str(),
    });
    // Results from before there was a choice stay those of images as they are.
    if choice.augment != Augment::default() {
        identity["augment"] = json!(choice.augment);
    }
    let results = match (kept, &request.out) {
        (Some(kept), _) => Results::kept(kept, &identity)?,
        (None, Some(out)) => Results::open(out, &identity)?,
        (None, None) => Results::in_memory(),
    };
    let seeds: Vec<u64> = (0..choice.seeds.max(1) as u64).map(|n| choice.seed.wrapping_add(n)).collect();
    let truth = parts.truth();
    let fills = |arm: &Arm| matches!(&arm.images, Images::Made(generator) if generator.fills());
    let validation = if arms.iter().any(fills) {
        quality::validation(ctx, &request.dataset, &request.spec)?
    } else {
        None
    };
    let mut work = Work {
        ctx,
        arms: &arms,
        parts: &parts,
        validation: validation.as_ref(),
        truth: &truth,
        device: &device,
        options,
        target: &choice.target,
        left_out: &request.left_out,
        results,
    };
    let resumed = work.known(&seeds);
    if resumed > 0 {
        let known = counted(resumed, "classifier was", "classifiers were");
        ctx.note(Level::Info, format!("going on: {known} measured before"));
    }
    let Ended { failed, step_seconds, error: ended } = work.all(&seeds);
    let complete = ended.is_none() && work.is_complete(&seeds, &failed);
    let (runs, made) = (work.runs(&seeds), work.made(&seeds));
    if let Some(error) = &ended
        && (work.results.folder().is_some() || !is_worth_showing(error, &runs))
    {
        return Err(error.clone());
    }
    let classifiers = work.classifiers();
    let pictures = work.shown()?;
    let plain_is_over =
        runs.iter().map(|run| &run.name).chain(failed.iter().map(|run| &run.name)).any(|name| name == NONE);
    if ctx.is_stopping() && (runs.is_empty() || !plain_is_over) {
        // Stopped before one seed was whole, so nothing can be compared yet; it is kept for a later call.
        return Err(JobError::Cancelled);
    }

    let part = TestPart {
        classes: request.dataset.classes.clone(),
        training: parts.training().set.counts(),
        truth: truth.clone(),
        units: parts.units(),
    };
    let treatments = arms.iter().filter(|arm| !arm.is_alone());
    let entries: Vec<Entry> = treatments.map(|arm| arm.entry.clone()).collect();
    let settings = Settings { seed: choice.seed, ..Settings::default() };
    // What was cancelled would cancel the comparison, too.
    let apart = Ctx::default();
    let comparing = if ended.is_some() { &apart } else { ctx };
    let mut comparison = Comparison::of(comparing, part, &entries, NONE, &runs, &settings)?;
    comparison.summary.extend(parts.remarks().iter().cloned());
    let (learnt, asked) = parts.hashes();
    let measured = |arm: &&Arm| comparison.treatment(&arm.entry.name).is_some();
    let online = arms.iter().filter(measured).filter_map(|arm| match &arm.images {
        Images::Made(generator) => {
            Some((arm.entry.name.clone(), generator.online_steps(parts.learnt_from())?))
        }
        Images::Own | Images::Exported(..) | Images::Alone(_) => None,
    });
    let setting = Setting {
        network: options.network,
        steps: options.steps,
        online: online.collect(),
        batch: options.batch,
        device: name,
        machine: device.info.machine(),
        augment: options.augment,
        size: request.spec.size,
        channels: request.spec.channels,
        seeds,
        folds: parts.count(),
        training: learnt,
        test: asked,
    };
    let mut outcome = EvaluateOutcome {
        comparison,
        setting,
        failed,
        unreadable,
        warnings,
        resumed,
        complete,
        ended,
        step_seconds,
        out: None,
        made,
        pictures,
        classifiers,
    };
    if complete {
        // Charts are drawn for a folder alone.
        if kept.is_none() && request.out.is_some() {
            let mut files = files(ctx, &outcome, request)?;
            files.extend(beside(&outcome)?);
            outcome.out = work.results.finish(&files)?;
            if let (Some(out), Some(kept)) = (&outcome.out, &mut outcome.classifiers) {
                kept.folder.clone_from(out);
            }
        }
    } else if let Some(error) = &outcome.ended {
        ctx.note(
            Level::Warning,
            format!(
                "ended early ({error}); what was measured until then is shown, and kept nowhere: with an --out the \
                 same call goes on from there"
            ),
        );
    } else if kept.is_some() {
        ctx.note(Level::Warning, "stopped before the end; what was measured is kept");
    } else {
        ctx.note(
            Level::Warning,
            "stopped before the end; the same call goes on from here where it has an --out",
        );
    }
    Ok(outcome)
}

/// True where an evaluation that ended so, and that is kept nowhere, has something to show: plain training and
/// something to hold against it.
fn is_worth_showing(error: &JobError, runs: &[Run]) -> bool {
    let (plain, others): (Vec<&Run>, Vec<&Run>) = runs.iter().partition(|run| run.name == NONE);
    matches!(error, JobError::Cancelled | JobError::Resource(_)) && !plain.is_empty() && !others.is_empty()
}

/// The image folders, which nothing is written into.
fn sources(request: &EvaluateRequest) -> Vec<&Path> {
    let own = std::iter::once(request.dataset.root.as_path());
    let test = request.test.as_ref().map(|test| test.root.as_path());
    own.chain(test).chain(request.choice.folders.iter().map(|folder| folder.dir.as_path())).collect()
}

/// The files of a finished folder.
fn files(ctx: &Ctx, outcome: &EvaluateOutcome, request: &EvaluateRequest) -> Result<Files, JobError> {
    let unwritten =
        |error: String| JobError::Failed(format!("the results could not be written down: {error}"));
    let json =
        serde_json::to_vec_pretty(&Value::Object(outcome.json())).map_err(|e| unwritten(e.to_string()))?;
    let csv = outcome.csv().map_err(|error| unwritten(error.to_string()))?;
    let answers = outcome.comparison.confusion_csv().map_err(|error| unwritten(error.to_string()))?;
    let page = outcome.comparison.markdown(&outcome.lines());
    let tables = [
        ("results.json", json),
        ("table.md", page.into_bytes()),
        ("table.csv", csv),
        ("confusion.csv", answers),
    ];
    let mut files: Vec<(String, Vec<u8>)> =
        tables.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    if outcome.made.iter().any(|of| !of.classes.is_empty() || of.alone.is_some()) {
        let csv = outcome.generators_csv().map_err(|error| unwritten(error.to_string()))?;
        files.push(("generators.csv".to_owned(), csv));
    }
    let drawn = outcome.page(request).files();
    let total = drawn.len() as u64;
    for (place, (name, text)) in drawn.into_iter().enumerate() {
        ctx.check()?;
        ctx.progress("drawing the charts", place as u64, total);
        if let Some(stem) = name.strip_suffix(".svg") {
            match raster::png(&text, raster::SCALE) {
                Ok(picture) => files.push((format!("{stem}.png"), picture)),
                // The drawing itself is there; what was measured is not held back for its picture.
                Err(error) => ctx.note(Level::Warning, format!("{name} has no PNG beside it: {error}")),
            }
        }
        files.push((name, text.into_bytes()));
    }
    Ok(files)
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
