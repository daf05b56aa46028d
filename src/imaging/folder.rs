//! A whole folder in one go: listed, every image decoded and brought to one size.
//!
//! What a training run does before it trains, without its split into training and held-out images.

use std::path::Path;

use super::resize::Fit;
use super::scan::{ScanError, ScanOptions, scan};
use super::training_set::{ImageSet, LoadError, Spec};
use crate::domain::samples::Unreadable;
use crate::domain::task::Ctx;

/// The images of a folder in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct FolderImages {
    /// Every image that counts, whatever its split.
    pub images: ImageSet,
    /// By path: what no header could be read of, and what could not be decoded.
    pub unreadable: Vec<Unreadable>,
    /// Files that are neither images nor look like one.
    pub ignored: usize,
}

/// Why a folder could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error(transparent)]
    Scan(#[from] ScanError),
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl FolderError {
    /// True where nothing is wrong with the folder: the work was cancelled.
    pub fn is_cancel(&self) -> bool {
        matches!(self, FolderError::Scan(ScanError::Cancelled) | FolderError::Load(LoadError::Cancelled))
    }
}

/// Reads the headers of a folder and then decodes each of its images once, in parallel, at `size` pixels a
/// side; without a size at that which the images suggest.
///
/// # Errors
/// The folder is no data set, memory is short, or the work was cancelled. A file that does not decode is no
/// error; it is listed.
pub fn load(ctx: &Ctx, folder: &Path, size: Option<u32>, fit: Fit) -> Result<FolderImages, FolderError> {
    let mut dataset = scan(ctx, folder, &ScanOptions::default())?;
    let spec = Spec::of(&dataset, size, fit);
    let (images, damaged) = ImageSet::read(ctx, &dataset, &spec, |_| true)?;
    let mut unreadable = std::mem::take(&mut dataset.unreadable);
    unreadable.extend(damaged);
    unreadable.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(FolderImages { images, unreadable, ignored: dataset.ignored })
}
