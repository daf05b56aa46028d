//! Results in a new folder: all of its files or none.

use std::fs;
use std::path::Path;

use super::JobError;
use super::evaluate::check_place;
use crate::imaging::files::{sync_folder, write_atomic};

/// Writes the files into the new folder `out`; nothing is ever written into `sources`, the image folders.
///
/// # Errors
/// The folder exists, has no name or lies in an image folder (input); disk and permissions (resource).
pub(super) fn write(out: &Path, sources: &[&Path], files: &[(String, Vec<u8>)]) -> Result<(), JobError> {
    check_place(out, sources)?;
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    let partial = out.with_file_name(format!(".{name}.partial"));
    let written = fs::create_dir_all(&partial)
        .and_then(|()| files.iter().try_for_each(|(name, bytes)| write_atomic(&partial.join(name), bytes)))
        .and_then(|()| fs::rename(&partial, out))
        .and_then(|()| match out.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
            _ => Ok(()),
        });
    written.map_err(|error| {
        JobError::Resource(format!(
            "the results could not be written ({error}); check the drive: {}",
            out.display()
        ))
    })
}
