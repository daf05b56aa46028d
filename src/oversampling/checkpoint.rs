//! Checkpoints of trainings: where a run is and every tensor it needs to go on from there, in one file.
//!
//! Every draw of a training is keyed by what it is for, so no generator's state is kept. A checkpoint says which run it
//! belongs to (its identity: parameters, seed, images), and only that run goes on from it.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::MethodError;
use super::model_file::{self, VERSION};
use crate::domain::task::{Ctx, Level};
use crate::imaging::training_set::ImageSet;
use crate::nn::parameters::TensorMap;
use crate::nn::weights::Weights;

/// The least time between two checkpoints inside an epoch.
pub(super) const EVERY: Duration = Duration::from_secs(20);
/// The least time between two checkpoints at the ends of epochs.
pub(super) const EPOCH: Duration = Duration::from_secs(1);

/// Which images a run is about: names and labels, hashed.
pub(super) fn fingerprint(set: &ImageSet) -> String {
    let mut hasher = Sha256::new();
    for (path, label) in set.paths.iter().zip(&set.labels) {
        hasher.update(path.as_bytes());
        hasher.update((*label as u64).to_le_bytes());
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a checkpoint, atomically.
///
/// # Errors
/// The disk's.
pub(super) fn write(
    path: &Path,
    identity: &Value,
    position: &impl Serialize,
    tensors: TensorMap,
) -> Result<(), MethodError> {
    let config = json!({ "checkpoint": VERSION, "identity": identity, "position": position });
    model_file::write(path, &Weights { config, tensors })
}

/// The checkpoint of this very run, if there is one; what is wrong with another is said.
pub(super) fn read<P: DeserializeOwned>(
    ctx: &Ctx,
    path: Option<&Path>,
    identity: &Value,
) -> Option<(P, Weights)> {
    let path = path?;
    if !path.exists() {
        return None;
    }
    let weights = match model_file::read_weights(path) {
        Ok(weights) => weights,
        Err(error) => {
            let text = format!("the checkpoint is not used, training begins anew: {error}");
            ctx.note(Level::Warning, text);
            return None;
        }
    };
    if weights.config.get("identity") != Some(identity) {
        ctx.note(
            Level::Warning,
            "the checkpoint belongs to other images or parameters, so training begins anew",
        );
        return None;
    }
    let position = weights.config.get("position").cloned()?;
    serde_json::from_value(position).ok().map(|position| (position, weights))
}
