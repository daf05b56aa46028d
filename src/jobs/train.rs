//! Training a method: images to tensors, fit, model file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::JobError;
use super::compute::Compute;
use super::training_data::TrainingData;
use crate::domain::task::{Ctx, Level};
use crate::imaging::files::real;
use crate::oversampling::{FitRequest, MethodError, Oversampler, ParamMap, method};

/// What to train.
#[derive(Clone, Debug)]
pub struct TrainRequest {
    /// Its validation split is for figures only.
    pub data: Arc<TrainingData>,
    /// Method id.
    pub method: String,
    pub params: ParamMap,
    /// auto, gpu, cpu or software.
    pub device: String,
    pub seed: u64,
    /// Where the model file goes, outside of the image folder; replaced when it exists, folders above it are
    /// made.
    pub model: PathBuf,
    /// Where checkpoints go; a run with the same data and parameters goes on from there.
    pub checkpoint: PathBuf,
}

/// A trained model on disk.
#[derive(Clone, Debug)]
pub struct TrainOutcome {
    pub model: PathBuf,
    pub hash: String,
    /// Method, params, counts and record.
    pub summary: Value,
    /// Where it was stopped before its end and kept, a phrase; `None` for a training that reached it.
    pub stopped: Option<String>,
}

/// Trains and writes the model file. The checkpoint is removed once the model of a whole training is there: one that
/// was stopped and kept can be gone on with.
///
/// # Errors
/// As [`JobError`] says.
pub fn train(ctx: &Ctx, request: &TrainRequest) -> Result<TrainOutcome, JobError> {
    let method = find(&request.method)?;
    if !method.info().needs_training {
        return Err(JobError::Input(format!(
            "{} needs no training; use it in balance directly",
            method.info().name
        )));
    }
    check_place(&request.model, &request.data.dataset().root)?;
    let training = request.data.training(ctx)?;
    let validation = request.data.validation(ctx)?;
    if validation.is_none() {
        ctx.note(
            Level::Info,
            "there is no validation part, so every recall shown is on images the model was trained on",
        );
    }
    let device = Compute::start(&request.device)?;
    ctx.note(Level::Info, format!("training on {}", device.info.name));
    let fit = FitRequest {
        training,
        validation: validation.as_ref(),
        params: &request.params,
        seed: request.seed,
        device: &device,
        checkpoint: Some(&request.checkpoint),
    };
    let model = method.fit(ctx, &fit).map_err(method_error)?;
    model.save(&request.model).map_err(method_error)?;
    let stopped = model.stopped().map(str::to_owned);
    if stopped.is_none() {
        std::fs::remove_file(&request.checkpoint).ok();
    }
    let (hash, summary) = (model.hash(), model.summary());
    Ok(TrainOutcome { model: request.model.clone(), hash, summary, stopped })
}

/// Refuses a place that a model cannot go to, before any work: one that names no file, or that lies in the
/// image folder.
fn check_place(model: &Path, source: &Path) -> Result<(), JobError> {
    let refuse = |why: &str| Err(JobError::Input(format!("{why}: {}", model.display())));
    if model.file_name().is_none() || model.is_dir() {
        return refuse("the model's place names no file; end it with the name of a file");
    }
    if real(model).starts_with(real(source)) {
        return refuse(
            "the model would lie inside the image folder, where nothing is ever written; choose another \
             place",
        );
    }
    Ok(())
}

/// The method with this id, or a sentence that names the others.
pub(super) fn find(id: &str) -> Result<&'static dyn Oversampler, JobError> {
    method(id).ok_or_else(|| {
        let ids: Vec<&str> = crate::oversampling::registry().iter().map(|m| m.info().id).collect();
        JobError::Input(format!("there is no method \"{id}\"; use one of {}", ids.join(", ")))
    })
}

/// A method's error as a job's.
pub fn method_error(error: MethodError) -> JobError {
    let text = error.to_string();
    match error {
        MethodError::Cancelled => JobError::Cancelled,
        MethodError::Params(_) | MethodError::Data(_) | MethodError::Model { .. } => JobError::Input(text),
        MethodError::Resource(_) => JobError::Resource(text),
        MethodError::Training(_) => JobError::Failed(text),
    }
}

/// The checkpoint that belongs to a model file.
pub fn checkpoint_of(model: &Path) -> PathBuf {
    let mut name = model.file_name().map(std::ffi::OsStr::to_owned).unwrap_or_default();
    name.push(".checkpoint");
    model.with_file_name(name)
}
