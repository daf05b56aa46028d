//! What can go wrong with an export or its proof, each with its remedy and the path last.

use std::io;
use std::path::{Path, PathBuf};

use super::space::Bytes;
use crate::domain::task::Cancelled;

/// Why nothing was exported. Nothing stands under the target's name then.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("cancelled; nothing was exported")]
    Cancelled(#[from] Cancelled),
    #[error("the target exists and is never written over; choose a new name: {}", .0.display())]
    Exists(PathBuf),
    #[error("the target has no name of its own; end it with a new name: {}", .0.display())]
    NoName(PathBuf),
    #[error(
        "the target lies inside the image folder, where nothing is ever written; choose a place outside: {}",
        .0.display()
    )]
    InsideSource(PathBuf),
    #[error("there is no image to export; include some images, or open another folder: {}", .0.display())]
    Nothing(PathBuf),
    #[error(
        "an image is reached through a path that leaves its folder; remove the link and scan again: {}",
        .0.display()
    )]
    Outside(PathBuf),
    #[error("a candidate is not the file that was made; make the candidates again: {}", .0.display())]
    CandidateChanged(PathBuf),
    #[error(
        "an image cannot be written as PNG ({reason}); exclude it, or keep the originals as they are: {}",
        .path.display()
    )]
    Picture { reason: String, path: PathBuf },
    #[error(
        "the written file is not what was read; the image changed or the drive fails, export again: {}",
        .0.display()
    )]
    Unproven(PathBuf),
    #[error(
        "the export needs about {needed} and {free} is free; free some space or choose a folder on another \
         drive, nothing was written: {}",
        .path.display()
    )]
    NoSpace { needed: Bytes, free: Bytes, path: PathBuf },
    #[error("the disk is full; free some space and export again, nothing was left behind: {}", .0.display())]
    Full(PathBuf),
    #[error("access was denied; check the permissions and export again: {}", .0.display())]
    Denied(PathBuf),
    #[error(
        "could not {doing} ({source}); check that the drive is there and export again: {}",
        .path.display()
    )]
    Io { doing: &'static str, source: io::Error, path: PathBuf },
}

impl ExportError {
    /// True where disk space or access is what is missing.
    pub fn is_resource(&self) -> bool {
        matches!(self, ExportError::NoSpace { .. } | ExportError::Full(_) | ExportError::Denied(_))
    }

    /// True where what was given is refused, rather than something failing.
    pub fn is_input(&self) -> bool {
        matches!(
            self,
            ExportError::Exists(_)
                | ExportError::NoName(_)
                | ExportError::InsideSource(_)
                | ExportError::Nothing(_)
                | ExportError::Outside(_)
                | ExportError::CandidateChanged(_)
                | ExportError::Picture { .. }
        )
    }

    pub(super) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ExportError::Full(path),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ExportError::Denied(path),
            _ => ExportError::Io { doing, source, path },
        }
    }
}

/// Why a folder could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("cancelled")]
    Cancelled(#[from] Cancelled),
    #[error("there is no manifest.csv here; choose a folder that counterpoise exported: {}", .0.display())]
    NoManifest(PathBuf),
    #[error("the manifest cannot be read ({what}); restore the folder from a copy: {}", .path.display())]
    Manifest { what: String, path: PathBuf },
    #[error(
        "the manifest names a file outside of its folder ({file}); do not trust this folder: {}",
        .path.display()
    )]
    Outside { file: String, path: PathBuf },
    #[error("could not read the folder ({source}); check that the drive is there: {}", .path.display())]
    Io { source: io::Error, path: PathBuf },
}
