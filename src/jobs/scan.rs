//! Reading a folder: counts from headers first for the window, every image decoded for the command line.

use std::path::Path;

use super::JobError;
use crate::domain::samples::Dataset;
use crate::domain::task::Ctx;
use crate::imaging::scan::{Reading, ScanError, ScanOptions};

/// Scans a folder or CSV.
///
/// # Errors
/// A folder that is none, holds no class folder, or cannot be listed.
pub fn scan(ctx: &Ctx, folder: &Path, reading: Reading) -> Result<Dataset, JobError> {
    let options = ScanOptions { reading, ..Default::default() };
    crate::imaging::scan::scan(ctx, folder, &options).map_err(|error| match error {
        ScanError::Cancelled => JobError::Cancelled,
        other => JobError::Input(other.to_string()),
    })
}
