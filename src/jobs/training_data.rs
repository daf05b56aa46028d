//! The data that a training and the generating after it share: the images are decoded once, by the scan or by
//! whoever needs them first.

use std::sync::{Arc, Mutex, OnceLock};

use super::JobError;
use crate::domain::samples::Dataset;
use crate::domain::splits::Split;
use crate::domain::task::Ctx;
use crate::imaging::training_set::{DecodedImages, HeldOut, LoadError, Spec, TrainingSet};

/// A data set as it stands when work on it begins, and its training split at training size.
///
/// Neither the data set nor the spec can change in here, so the decoded images are always theirs; work that
/// begins after an edit takes a new one. The images stay until the last request that has this is gone.
#[derive(Debug)]
pub struct TrainingData {
    dataset: Arc<Dataset>,
    spec: Spec,
    training: OnceLock<TrainingSet>,
    /// What a scan decoded of the validation split, until it is taken.
    validation: Mutex<Option<HeldOut>>,
}

impl TrainingData {
    /// Decodes nothing yet.
    pub fn new(dataset: impl Into<Arc<Dataset>>, spec: Spec) -> Self {
        TrainingData {
            dataset: dataset.into(),
            spec,
            training: OnceLock::new(),
            validation: Mutex::new(None),
        }
    }

    /// With what the scan of the folder decoded; where that is not all of it, or of another spec, it is decoded
    /// when asked for. Without `validation` that part is not kept: training alone needs it.
    pub fn decoded(dataset: Dataset, spec: Spec, images: DecodedImages, validation: bool) -> Self {
        let held_out = validation.then(|| images.held_out(&dataset, Split::Validation, &spec)).flatten();
        let training = images.into_training(&dataset, &spec).map_or_else(OnceLock::new, OnceLock::from);
        TrainingData { dataset: dataset.into(), spec, training, validation: Mutex::new(held_out) }
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

    /// The validation split, for figures on images that nothing was learnt from; `None` without one. It is not
    /// kept for the jobs that follow.
    ///
    /// # Errors
    /// As [`HeldOut::load`].
    pub fn validation(&self, ctx: &Ctx) -> Result<Option<HeldOut>, JobError> {
        if self.dataset.counts(Split::Validation).iter().sum::<usize>() == 0 {
            return Ok(None);
        }
        let decoded = self.validation.lock().ok().and_then(|mut kept| kept.take());
        match decoded {
            Some(set) => Ok(Some(set)),
            None => Ok(Some(HeldOut::load(ctx, &self.dataset, Split::Validation, &self.spec)?)),
        }
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
