//! Evaluating treatments of imbalance: the same network trained under each, with several seeds, and measured
//! on the real test images of a folder.
//!
//! Every folder is decoded once. What is fitted sees training images alone ([`TrainingSet`]), what is
//! measured is another type; an exported folder whose training images are test images of this one is refused.
//! Each classifier's answers are on the disk before the next is trained, so an evaluation that ended early
//! goes on where it was.

mod results;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::JobError;
use super::compute::Compute;
use crate::classify::treatments::{FitError, Fitted, Options, Preset, Treatment, fit};
use crate::domain::provenance::Kind;
use crate::domain::samples::{Dataset, Unreadable};
use crate::domain::splits::Split;
use crate::domain::task::{Ctx, Level};
use crate::evaluation::comparison::{Comparison, Entry, Run, TestPart};
use crate::evaluation::metrics::bootstrap::Settings;
use crate::evaluation::metrics::{Confusion, MetricsError, Scores};
use crate::imaging::exported::Manifest;
use crate::imaging::hash::sha256_hex;
use crate::imaging::scan::Reading;
use crate::imaging::training_set::{HeldOut, ImageSet, Spec, TrainingSet};
use crate::nn::DeviceKind;
use results::{Record, Results, check_place};

/// Steps of the small network where nothing is said, as M2m's classifiers.
const SMALL_STEPS: usize = 2000;
/// Epochs of ResNet-32 where nothing is said, as published.
const RESNET_EPOCHS: usize = 200;
/// Points of a loss curve.
const POINTS: usize = 50;
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
    /// With a training part, and with a test part unless `test` has one. Listed by headers is enough.
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
}

/// A training that gave no classifier.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Classifiers that an earlier call had measured.
    pub resumed: usize,
    /// The finished folder; `None` without one, and where the evaluation was stopped before its end.
    pub out: Option<PathBuf>,
}

impl Setting {
    /// Lines for a report.
    pub fn lines(&self) -> Vec<String> {
        let grey = if self.channels == 1 { "grey" } else { "colour" };
        let seeds: Vec<String> = self.seeds.iter().map(u64::to_string).collect();
        vec![
            format!("network {}, {} pixels a side, {grey}", self.network.as_str(), self.size),
            format!(
                "{} steps of {} images for every treatment, the same start weights",
                self.steps, self.batch
            ),
            format!("seeds {}", seeds.join(", ")),
            format!("device {}", self.device),
        ]
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
        object.insert("version".to_owned(), json!(env!("CARGO_PKG_VERSION")));
        let failed = self
            .failed
            .iter()
            .map(|failed| json!({ "name": failed.name, "seed": failed.seed, "reason": failed.reason }));
        object.insert("failed".to_owned(), Value::Array(failed.collect()));
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

/// One thing to train under each seed.
struct Arm {
    entry: Entry,
    treatment: Treatment,
    /// Its own training images and their fingerprint, where these are not the evaluation's.
    own: Option<(TrainingSet, String)>,
}

impl Arm {
    fn images(&self) -> &str {
        self.own.as_ref().map_or("", |(_, fingerprint)| fingerprint)
    }

    /// True where the plain network of the same seed serves it.
    fn shares_plain(&self) -> bool {
        self.own.is_none() && self.treatment.trains_plainly()
    }
}

/// Decoded images with the hash of each.
struct Hashed<S> {
    set: S,
    hashes: Vec<String>,
}

impl<S: std::ops::Deref<Target = ImageSet>> Hashed<S> {
    fn new(ctx: &Ctx, set: S) -> Result<Self, JobError> {
        let images: &ImageSet = &set;
        let hashes = (0..images.len()).into_par_iter().map(|index| images.pixel_hash(index)).collect();
        ctx.check()?;
        Ok(Hashed { set, hashes })
    }

    /// A hash of all pictures and their classes.
    fn fingerprint(&self) -> String {
        let lines = self.set.labels.iter().zip(&self.hashes).map(|(label, hash)| format!("{label} {hash}\n"));
        sha256_hex(lines.collect::<String>())
    }
}

/// Trains every treatment under every seed and compares what the classifiers say of the test images.
///
/// # Errors
/// As [`JobError`] says: no test part, a class without training images, a folder of another data set, an
/// `out` that exists, a device that gave out. What was measured before a cancel or an error stays for the
/// next call.
pub fn evaluate(ctx: &Ctx, request: &EvaluateRequest) -> Result<EvaluateOutcome, JobError> {
    let roots = sources(request);
    if let Some(out) = &request.out {
        check_place(out, &roots)?;
    }
    let classes = &request.dataset.classes;
    check_parts(request)?;
    let mut unreadable = Vec::new();
    let (training, lost) = TrainingSet::load_readable(ctx, &request.dataset, &request.spec)?;
    unreadable.extend(lost);
    let held = match &request.test {
        None => HeldOut::load_readable(ctx, &request.dataset, Split::Test, &request.spec)?,
        Some(test) => {
            let test = all_test(test.clone(), classes)?;
            HeldOut::load_readable(ctx, &test, Split::Test, &request.spec)?
        }
    };
    unreadable.extend(held.1);
    let (training, test) = (Hashed::new(ctx, training)?, Hashed::new(ctx, held.0)?);
    say_of_parts(ctx, &training, &test)?;
    let arms = arms(ctx, request, &training, &test, &mut unreadable)?;
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

    let device = Compute::start(&request.device)?;
    let kind = device.info.kind;
    let options = options(request, kind, training.set.len())?;
    let name = if kind == DeviceKind::Cpu { kind.as_str().to_owned() } else { device.info.name.clone() };
    let identity = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "classes": classes,
        "spec": request.spec,
        "training": training.fingerprint(),
        "test": test.fingerprint(),
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
    let mut work = Work {
        ctx,
        arms: &arms,
        training: &training.set,
        test: &test.set,
        device: &device,
        options,
        results,
    };
    let resumed = work.known(&seeds);
    if resumed > 0 {
        ctx.note(Level::Info, format!("going on: {resumed} classifiers were measured before"));
    }
    let failed = work.all(&seeds)?;
    let complete = work.known(&seeds) + failed.len() == arms.len() * seeds.len();

    let part = TestPart {
        classes: classes.clone(),
        training: training.set.counts(),
        truth: test.set.labels.clone(),
    };
    let entries: Vec<Entry> = arms.iter().map(|arm| arm.entry.clone()).collect();
    let runs = work.runs(&seeds);
    let settings = Settings { seed: request.seed, ..Settings::default() };
    let comparison = Comparison::of(ctx, part, &entries, NONE, &runs, &settings)?;
    let setting = Setting {
        network: options.network,
        steps: options.steps,
        batch: options.batch,
        device: name,
        size: request.spec.size,
        channels: request.spec.channels,
        seeds,
    };
    let mut outcome = EvaluateOutcome { comparison, setting, failed, unreadable, resumed, out: None };
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

/// Every class has training images, and there are test images.
fn check_parts(request: &EvaluateRequest) -> Result<(), JobError> {
    let dataset = &request.dataset;
    if request.test.is_none() && dataset.counts(Split::Test).iter().sum::<usize>() == 0 {
        return Err(JobError::Input(format!(
            "there is no test part, and treatments compare on images that nothing was learnt from; cut one \
             off with --split 70/15/15, or name a folder of test images: {}",
            dataset.root.display()
        )));
    }
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

/// A folder with the classes of another: in its order, and none beside them.
fn with_classes(mut dataset: Dataset, classes: &[String]) -> Result<Dataset, JobError> {
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

/// What is wrong with the parts without stopping anything.
fn say_of_parts(ctx: &Ctx, training: &Hashed<TrainingSet>, test: &Hashed<HeldOut>) -> Result<(), JobError> {
    let counts = training.set.counts();
    if let Some(empty) = counts.iter().position(|&n| n == 0) {
        return Err(JobError::Input(format!(
            "no training image of the class {} can be decoded; give it images or leave it out",
            training.set.classes[empty]
        )));
    }
    if test.set.is_empty() {
        return Err(JobError::Input("no test image can be decoded; look at the test part".to_owned()));
    }
    let learnt: HashSet<&String> = training.hashes.iter().collect();
    let shared = test.hashes.iter().filter(|hash| learnt.contains(hash)).count();
    if shared > 0 {
        ctx.note(
            Level::Warning,
            format!(
                "{shared} of {} test images are also training images, pixel for pixel: figures are too good",
                test.set.len()
            ),
        );
    }
    let made = training.set.made.iter().filter(|made| **made).count();
    if made > 0 {
        ctx.note(
            Level::Warning,
            format!(
                "the folder holds {made} made images in its training part: every treatment learns from them"
            ),
        );
    }
    Ok(())
}

/// The treatments and folders in the order of results, plain training first.
fn arms(
    ctx: &Ctx,
    request: &EvaluateRequest,
    training: &Hashed<TrainingSet>,
    test: &Hashed<HeldOut>,
    unreadable: &mut Vec<Unreadable>,
) -> Result<Vec<Arm>, JobError> {
    let mut treatments = vec![Treatment::none()];
    for treatment in &request.treatments {
        treatment.check(&training.set).map_err(fit_error)?;
        if !treatments.contains(treatment) {
            treatments.push(treatment.clone());
        }
    }
    let mut arms: Vec<Arm> = treatments
        .into_iter()
        .map(|treatment| {
            let label = treatment.info().label.to_owned();
            let entry = Entry { name: treatment.to_string(), label, made: false };
            Arm { entry, treatment, own: None }
        })
        .collect();
    for folder in &request.folders {
        if arms.iter().any(|arm| arm.entry.name == folder.name) {
            return Err(JobError::Input(format!(
                "the name \"{}\" is taken; give the folder another one: {}",
                folder.name,
                folder.dir.display()
            )));
        }
        let set = exported(ctx, request, folder, training, test, unreadable)?;
        let fingerprint = set.fingerprint();
        let label = "An exported folder, trained on plainly".to_owned();
        arms.push(Arm {
            entry: Entry { name: folder.name.clone(), label, made: true },
            treatment: Treatment::none(),
            own: Some((set.set, fingerprint)),
        });
    }
    Ok(arms)
}

/// The training part of an exported folder with all its images, made and repeated ones too.
fn exported(
    ctx: &Ctx,
    request: &EvaluateRequest,
    folder: &NamedFolder,
    training: &Hashed<TrainingSet>,
    test: &Hashed<HeldOut>,
    unreadable: &mut Vec<Unreadable>,
) -> Result<Hashed<TrainingSet>, JobError> {
    let scanned = super::scan::scan(ctx, &folder.dir, Reading::Headers)?;
    let manifest = Manifest::of_folder(&scanned.root).map_err(|error| JobError::Input(error.to_string()))?;
    let mut dataset = with_classes(scanned, &request.dataset.classes)?;
    // Trained on as it is: a copy that fills a slot is an image like any other.
    for sample in dataset.samples.iter_mut().filter(|sample| sample.kind == Kind::Repeated) {
        sample.kind = Kind::Original;
    }
    let (set, lost) = TrainingSet::load_readable(ctx, &dataset, &request.spec)?;
    unreadable.extend(lost.into_iter().map(|file| {
        let path = folder.dir.join(&file.path).to_string_lossy().into_owned();
        Unreadable { path, ..file }
    }));
    let counts = set.counts();
    if let Some(empty) = counts.iter().position(|&n| n == 0) {
        return Err(JobError::Input(format!(
            "it has no training image of the class {}; it is from another data set: {}",
            set.classes[empty],
            folder.dir.display()
        )));
    }
    let hashed = Hashed::new(ctx, set)?;
    check_origin(ctx, folder, &hashed, manifest.is_some(), training, test)?;
    Ok(hashed)
}

/// An exported folder has the evaluated folder's training images as its originals, and none of its test
/// images.
fn check_origin(
    ctx: &Ctx,
    folder: &NamedFolder,
    exported: &Hashed<TrainingSet>,
    has_manifest: bool,
    training: &Hashed<TrainingSet>,
    test: &Hashed<HeldOut>,
) -> Result<(), JobError> {
    let learnt: HashSet<&String> = training.hashes.iter().collect();
    let held: HashSet<&String> = test.hashes.iter().collect();
    let originals: Vec<&String> = exported
        .hashes
        .iter()
        .zip(&exported.set.made)
        .filter(|(_, made)| !**made)
        .map(|(hash, _)| hash)
        .collect();
    let leaked = originals.iter().filter(|hash| held.contains(*hash) && !learnt.contains(*hash)).count();
    let dir = folder.dir.display();
    if leaked > 0 {
        return Err(JobError::Input(format!(
            "{leaked} of its training images are test images of the evaluated folder, so it would be \
             measured on what it learnt; export it from the training part alone: {dir}"
        )));
    }
    let found = originals.iter().filter(|hash| learnt.contains(*hash)).count();
    // Without a manifest made images pass for originals, so only their complete absence says something.
    let foreign = if has_manifest { found * 2 < originals.len() } else { found == 0 };
    if foreign {
        return Err(JobError::Input(format!(
            "only {found} of its {} original images are training images of the evaluated folder at {} \
             pixels; it is from another data set, or its originals were exported at another size (--size): {dir}",
            originals.len(),
            exported.set.spec.size
        )));
    }
    if !has_manifest {
        ctx.note(
            Level::Warning,
            format!("{} has no manifest, so nothing says which of its images were made", folder.name),
        );
    } else if found < originals.len() {
        ctx.note(
            Level::Warning,
            format!(
                "{} of the {} original images of {} are no training images of the evaluated folder",
                originals.len() - found,
                originals.len(),
                folder.name
            ),
        );
    }
    Ok(())
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

/// The trainings of one evaluation.
struct Work<'a> {
    ctx: &'a Ctx,
    arms: &'a [Arm],
    training: &'a TrainingSet,
    test: &'a HeldOut,
    device: &'a Compute,
    options: Options,
    results: Results,
}

impl Work<'_> {
    fn is_known(&self, arm: &Arm, seed: u64) -> bool {
        self.results.find(&arm.entry.name, seed, arm.images()).is_some()
    }

    /// How many of the wanted classifiers are measured.
    fn known(&self, seeds: &[u64]) -> usize {
        let of_seed = |seed: u64| self.arms.iter().filter(|arm| self.is_known(arm, seed)).count();
        seeds.iter().map(|&seed| of_seed(seed)).sum()
    }

    /// The wanted results.
    fn runs(&self, seeds: &[u64]) -> Vec<Run> {
        let wanted = seeds.iter().flat_map(|&seed| self.arms.iter().map(move |arm| (arm, seed)));
        wanted
            .filter_map(|(arm, seed)| self.results.find(&arm.entry.name, seed, arm.images()))
            .map(|record| record.run.clone())
            .collect()
    }

    /// Steps that are still to take. The first plain network that is trained under a seed serves all that
    /// share it.
    fn steps_left(&self, seeds: &[u64]) -> usize {
        let of_seed = |seed: u64| {
            let wanted: Vec<&Arm> = self.arms.iter().filter(|arm| !self.is_known(arm, seed)).collect();
            let plain = wanted.iter().filter(|arm| arm.shares_plain()).count();
            wanted.len() - plain + plain.min(1)
        };
        seeds.iter().map(|&seed| of_seed(seed)).sum::<usize>() * self.options.steps
    }

    /// Seed by seed, so that the first comparisons are there early. A training that ran away is left out and
    /// told of.
    fn all(&mut self, seeds: &[u64]) -> Result<Vec<FailedRun>, JobError> {
        let total = self.steps_left(seeds) as u64;
        let (mut done, mut failed) = (0, Vec::new());
        let arms = self.arms;
        for &seed in seeds {
            let mut plain: Option<Fitted> = None;
            for arm in arms {
                if self.is_known(arm, seed) {
                    continue;
                }
                self.ctx.check()?;
                if self.ctx.is_stopping() {
                    return Ok(failed);
                }
                match self.one(arm, seed, &mut plain, &mut done, total) {
                    Ok(record) => self.results.add(record)?,
                    Err(FitError::Diverged { step }) => {
                        let reason = FitError::Diverged { step }.to_string();
                        let name = arm.entry.name.clone();
                        self.ctx.note(Level::Error, format!("{name} with seed {seed}: {reason}"));
                        failed.push(FailedRun { name, seed, reason });
                    }
                    Err(error) => return Err(fit_error(error)),
                }
            }
        }
        Ok(failed)
    }

    /// Trains and asks one classifier. `plain` is the plain network of this seed, once there is one.
    fn one(
        &self,
        arm: &Arm,
        seed: u64,
        plain: &mut Option<Fitted>,
        done: &mut u64,
        total: u64,
    ) -> Result<Record, FitError> {
        let begun = Instant::now();
        let name = &arm.entry.name;
        let before = *done;
        let shared = if arm.shares_plain() { plain.as_ref() } else { None };
        let fitted = match shared.and_then(|plain| plain.under(&arm.treatment)) {
            Some(fitted) => fitted,
            None => {
                let set = arm.own.as_ref().map_or(self.training, |(set, _)| set);
                let options = Options { seed, ..self.options };
                let stage = format!("training {name} with seed {seed}");
                let curve = format!("loss · {name}, seed {seed}");
                let every = options.steps.div_ceil(POINTS).max(1);
                let (mut sum, mut count) = (0.0, 0.0);
                let ended = fit(self.ctx, &arm.treatment, set, &options, self.device, &mut |step| {
                    *done += 1;
                    self.ctx.progress(stage.clone(), *done, total);
                    (sum, count) = (sum + step.loss, count + 1.0);
                    if step.number.is_multiple_of(every) {
                        self.ctx.metric(curve.clone(), step.number as f64, sum / count);
                        (sum, count) = (0.0, 0.0);
                    }
                });
                // Steps that a training did not take any more are done with, too.
                *done = before + options.steps as u64;
                ended?
            }
        };
        let rows = fitted.probabilities(self.ctx, self.test)?;
        if arm.shares_plain() && plain.is_none() {
            *plain = Some(fitted);
        }
        let scores = Scores::new(self.test.classes.len(), self.test.labels.clone(), rows)
            .map_err(|_| FitError::Diverged { step: self.options.steps })?;
        let run = Run {
            name: name.clone(),
            seed,
            said: scores.said(),
            auroc: scores.auroc(),
            auprc: scores.auprc(),
            calibration_error: scores.calibration_error(),
        };
        let confusion = Confusion::of(self.test.classes.len(), &self.test.labels, &run.said).ok();
        if let Some(acsa) = confusion.and_then(|confusion| confusion.acsa()) {
            self.ctx.metric(format!("ACSA · {name}"), seed as f64, acsa);
        }
        Ok(Record { images: arm.images().to_owned(), seconds: begun.elapsed().as_secs_f64(), run })
    }
}
