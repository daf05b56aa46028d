//! Class weights into a file for another program. It takes a moment, so it runs where it is called.

use std::path::Path;

use super::JobError;
use crate::export::{ClassWeights, WeightsFormat};

/// Writes the weights to the new file `out`.
///
/// # Errors
/// The file exists or lies in the image folder (input); disk and permissions (resource).
pub fn write(weights: &ClassWeights<'_>, format: WeightsFormat, out: &Path) -> Result<(), JobError> {
    Ok(weights.write(format, out)?)
}
