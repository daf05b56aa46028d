//! The data that a training and the generating after it share: the images are decoded once, by whoever needs
//! them first.

use std::sync::{Arc, OnceLock};

use super::JobError;
use crate::domain::samples::Dataset;
use crate::domain::task::Ctx;
use crate::imaging::training_set::{LoadError, Spec, TrainingSet};

/// A data set as it stands when work on it begins, and its training split at training size.
///
/// Neither the data set nor the spec can change in here, so the decoded images are always theirs; work that
/// begins after an edit takes a new one. The images stay until the last request that has this is gone.
#[derive(Debug)]
pub struct TrainingData {
    dataset: Arc<Dataset>,
    spec: Spec,
    training: OnceLock<TrainingSet>,
}

impl TrainingData {
    /// Decodes nothing yet.
    pub fn new(dataset: impl Into<Arc<Dataset>>, spec: Spec) -> Self {
        TrainingData { dataset: dataset.into(), spec, training: OnceLock::new() }
    }

    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// Size, channels and depth of the training images.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The training split, decoded at the first call that gets through.
    ///
    /// # Errors
    /// As [`TrainingSet::load`]; the next call tries again.
    pub fn training(&self, ctx: &Ctx) -> Result<&TrainingSet, JobError> {
        if let Some(training) = self.training.get() {
            return Ok(training);
        }
        // Decoded outside the cell: whoever waits inside it hears no cancel.
        let training = TrainingSet::load(ctx, &self.dataset, &self.spec)?;
        Ok(self.training.get_or_init(|| training))
    }
}

impl From<LoadError> for JobError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Cancelled => JobError::Cancelled,
            other => JobError::Input(other.to_string()),
        }
    }
}
