//! Reading a folder: counts from headers, every image decoded, or decoded once for the work that follows.

use std::path::Path;

use super::JobError;
use crate::domain::samples::Dataset;
use crate::domain::task::Ctx;
use crate::imaging::resize::Fit;
use crate::imaging::scan::{Reading, ScanError, ScanOptions};
use crate::imaging::training_set::DecodedImages;

/// Scans a folder or CSV.
///
/// # Errors
/// A folder that is none, holds no class folder, or cannot be listed.
pub fn scan(ctx: &Ctx, folder: &Path, reading: Reading) -> Result<Dataset, JobError> {
    let options = ScanOptions { reading, ..Default::default() };
    crate::imaging::scan::scan(ctx, folder, &options).map_err(of_scan)
}

/// Scans a folder or CSV with every image decoded, and keeps the images at training size: `size` pixels a
/// side, or what the data set asks for.
///
/// # Errors
/// As [`scan`], and too little memory.
pub fn read(
    ctx: &Ctx,
    folder: &Path,
    size: Option<u32>,
    fit: Fit,
) -> Result<(Dataset, DecodedImages), JobError> {
    crate::imaging::scan::read(ctx, folder, size, fit).map_err(of_scan)
}

fn of_scan(error: ScanError) -> JobError {
    match error {
        ScanError::Cancelled => JobError::Cancelled,
        other => JobError::Input(other.to_string()),
    }
}
