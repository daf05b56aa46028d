//! This machine's speed on a fixed list of work, each row the median of a few repeats after one that warms up.
//!
//! docs/benchmarks.md says in words what each row does, so that another program can time the same.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::JobError;
use super::compute::Compute;
use crate::domain::random::{Stage, stream};
use crate::domain::task::Ctx;
use crate::evaluation::speed::{self, Size, SpeedError, Work};
use crate::imaging::folder;
use crate::imaging::resize::Fit;
use crate::nn::{ComputeDevice, DeviceKind};
use crate::oversampling::rows::RowsError;
use crate::oversampling::rows::smote::resample;

const CLASSIFIER_TRAIN: &str = "classifier_train";
const CLASSIFIER_INFER: &str = "classifier_infer";
const M2M_GENERATE: &str = "m2m_generate";
const AUTOENCODER_TRAIN: &str = "autoencoder_train";
const AUTOENCODER64_TRAIN: &str = "autoencoder64_train";
const CYCLEGAN_TRAIN: &str = "cyclegan_train";
const SMOTE: &str = "smote";
/// The one row that needs a folder.
pub const FOLDER_LOAD: &str = "folder_load";

const ROWS: [&str; 8] = [
    CLASSIFIER_TRAIN,
    CLASSIFIER_INFER,
    M2M_GENERATE,
    AUTOENCODER_TRAIN,
    AUTOENCODER64_TRAIN,
    CYCLEGAN_TRAIN,
    SMOTE,
    FOLDER_LOAD,
];

/// The names of all rows, in the order they run.
pub fn rows() -> &'static [&'static str] {
    &ROWS
}

/// What to time.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchRequest {
    /// Names of [`rows`]; all where it is empty, those of a folder only where there is one.
    pub rows: Vec<String>,
    /// For [`FOLDER_LOAD`].
    pub folder: Option<PathBuf>,
    /// Repeats after the one that warms up; at least 1.
    pub repeats: usize,
    /// auto, gpu, cpu or software.
    pub device: String,
    pub seed: u64,
}

impl Default for BenchRequest {
    fn default() -> Self {
        BenchRequest { rows: Vec::new(), folder: None, repeats: 5, device: "auto".to_owned(), seed: 0 }
    }
}

/// What the rows ran on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// `cpu`, or the name of the graphics adapter.
    pub device: String,
    /// Threads that the processor's part may use.
    pub threads: usize,
    /// The widest instructions that the processor's kernels use here.
    pub instruction_set: &'static str,
}

/// What [`bench`] would run on.
///
/// # Errors
/// A device that this machine lacks.
pub fn machine(device: &str) -> Result<Machine, JobError> {
    let info = Compute::start(device)?.info.clone();
    let device = if info.kind == DeviceKind::Cpu { info.kind.as_str().to_owned() } else { info.name };
    let threads = rayon::current_num_threads();
    Ok(Machine { device, threads, instruction_set: crate::nn::cpu::instruction_set() })
}

/// Milliseconds of each row, in the order of [`rows`]. Names that begin with an underscore are no times:
/// `_folder_images` is the number of images that [`FOLDER_LOAD`] decoded.
///
/// # Errors
/// An unknown row, a row without its folder, a device that is not there or fails, a folder that cannot be read, or
/// a cancel.
pub fn bench(ctx: &Ctx, request: &BenchRequest) -> Result<Vec<(String, f64)>, JobError> {
    let rows = chosen(request)?;
    let device = Compute::start(&request.device)?;
    let mut results = Vec::new();
    for row in rows {
        ctx.check()?;
        ctx.progress(format!("setting up {row}"), 0, 0);
        let mut images = None;
        let time = match (row, &request.folder) {
            (FOLDER_LOAD, Some(folder)) => timed(ctx, row, request.repeats, |ctx| {
                images = Some(load_folder(ctx, folder)?);
                Ok(())
            })?,
            (SMOTE, _) => {
                let (features, labels) = smote_data(request.seed);
                timed(ctx, row, request.repeats, |ctx| smote(ctx, &features, &labels, request.seed))?
            }
            _ => {
                let Some(mut work) = network_work(row, &device, request.seed) else { continue };
                timed(ctx, row, request.repeats, |ctx| work(ctx).map_err(speed_error))?
            }
        };
        results.push((row.to_owned(), time));
        if let Some(images) = images {
            results.push(("_folder_images".to_owned(), images as f64));
        }
    }
    Ok(results)
}

/// The rows that are asked for, each once, in the order they run.
fn chosen(request: &BenchRequest) -> Result<Vec<&'static str>, JobError> {
    if let Some(unknown) = request.rows.iter().find(|row| !ROWS.contains(&row.as_str())) {
        return Err(JobError::Input(format!(
            "there is no row \"{unknown}\"; use one of {}",
            ROWS.join(", ")
        )));
    }
    let named = |row: &str| request.rows.iter().any(|wanted| wanted == row);
    if named(FOLDER_LOAD) && request.folder.is_none() {
        return Err(JobError::Input(format!("{FOLDER_LOAD} needs a folder; name one with --folder")));
    }
    let of_all = |row: &str| request.rows.is_empty() && (row != FOLDER_LOAD || request.folder.is_some());
    Ok(ROWS.into_iter().filter(|row| named(row) || of_all(row)).collect())
}

fn network_work(row: &str, device: &ComputeDevice, seed: u64) -> Option<Work> {
    const SMALL: Size = Size { batch: 128, side: 32 };
    const LARGE: Size = Size { batch: 128, side: 64 };
    const FEW: Size = Size { batch: 4, side: 64 };
    Some(match row {
        CLASSIFIER_TRAIN => speed::classifier_train(device, seed, SMALL),
        CLASSIFIER_INFER => speed::classifier_infer(device, seed, SMALL),
        M2M_GENERATE => speed::m2m_generate(device, seed, SMALL),
        AUTOENCODER_TRAIN => speed::autoencoder_train(device, seed, SMALL),
        AUTOENCODER64_TRAIN => speed::autoencoder_train(device, seed, LARGE),
        CYCLEGAN_TRAIN => speed::cyclegan_train(device, seed, FEW),
        _ => return None,
    })
}

fn speed_error(error: SpeedError) -> JobError {
    match error {
        SpeedError::Cancelled => JobError::Cancelled,
        SpeedError::Device(_) => JobError::Resource(error.to_string()),
    }
}

/// The median of `repeats` runs in milliseconds; of an even number the upper one.
fn timed(
    ctx: &Ctx,
    row: &str,
    repeats: usize,
    mut work: impl FnMut(&Ctx) -> Result<(), JobError>,
) -> Result<f64, JobError> {
    let repeats = repeats.max(1);
    let mut times = Vec::with_capacity(repeats);
    for repeat in 0..=repeats {
        ctx.check()?;
        ctx.progress(format!("timing {row}"), repeat as u64, repeats as u64 + 1);
        let started = Instant::now();
        work(ctx)?;
        // The first run fills caches and compiles kernels.
        if repeat > 0 {
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times.get(repeats / 2).copied().unwrap_or_default())
}

/// Images per class of the row `smote`; each class is filled up to the largest.
const SMOTE_COUNTS: [usize; 10] = [4000, 2000, 1000, 750, 500, 350, 200, 100, 60, 40];
const SMOTE_FEATURES: usize = 300;
/// As imbalanced-learn's default.
const SMOTE_NEIGHBOURS: usize = 5;

/// Standard normal features, one stream for each sample, and the classes they belong to.
fn smote_data(seed: u64) -> (Vec<f32>, Vec<usize>) {
    let labels: Vec<usize> = SMOTE_COUNTS
        .iter()
        .enumerate()
        .flat_map(|(class, &count)| std::iter::repeat_n(class, count))
        .collect();
    let mut features = Vec::with_capacity(labels.len() * SMOTE_FEATURES);
    for (sample, &class) in labels.iter().enumerate() {
        let mut draws = stream(seed, Stage::Other, class as u64, sample as u64);
        features.extend((0..SMOTE_FEATURES).map(|_| draws.normal() as f32));
    }
    (features, labels)
}

/// Fills every class up to the largest one, in memory.
fn smote(ctx: &Ctx, features: &[f32], labels: &[usize], seed: u64) -> Result<(), JobError> {
    let target = SMOTE_COUNTS[0];
    let made = resample(ctx, features, SMOTE_FEATURES, labels, target, SMOTE_NEIGHBOURS, seed);
    match made {
        Ok(made) if made.classes.len() == target * SMOTE_COUNTS.len() => Ok(()),
        Ok(made) => Err(JobError::Failed(format!("SMOTE made {} rows in all", made.classes.len()))),
        Err(RowsError::Cancelled) => Err(JobError::Cancelled),
        Err(error) => Err(JobError::Failed(error.to_string())),
    }
}

/// Lists the folder, decodes every image of it and brings them to one size.
fn load_folder(ctx: &Ctx, folder: &Path) -> Result<usize, JobError> {
    match folder::load(ctx, folder, None, Fit::default()) {
        Ok(loaded) => Ok(loaded.images.len()),
        Err(error) if error.is_cancel() => Err(JobError::Cancelled),
        Err(error) => Err(JobError::Input(error.to_string())),
    }
}
