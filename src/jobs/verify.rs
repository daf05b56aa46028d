//! The proof of an exported folder, as a job.

use std::path::Path;

use super::JobError;
use crate::domain::task::Ctx;
use crate::export::{self, Verification, VerifyError};

impl From<VerifyError> for JobError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Cancelled(_) => JobError::Cancelled,
            VerifyError::Io { .. } => JobError::Resource(error.to_string()),
            _ => JobError::Input(error.to_string()),
        }
    }
}

/// Hashes an exported folder again. A folder that does not match is a result, not an error.
///
/// # Errors
/// Cancelled; a folder without a readable manifest.
pub fn verify(ctx: &Ctx, dir: &Path) -> Result<Verification, JobError> {
    Ok(export::verify(ctx, dir)?)
}
