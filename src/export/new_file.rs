//! One new file outside of the image folder, whole or not at all, and never in the place of another one.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::error::ExportError;
use super::plan::target;
use super::write::partial_path;
use crate::imaging::files::sync_folder;

/// The partial name; removed when dropped. What has the target's name by then keeps it.
struct Partial(PathBuf);

impl Partial {
    fn create(folder: &Path, name: &str) -> Result<(Self, File), ExportError> {
        loop {
            let path = partial_path(folder, name);
            match File::create_new(&path) {
                Ok(file) => return Ok((Partial(path), file)),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(ExportError::io("write the file", &path, e)),
            }
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove.
        let _ = fs::remove_file(&self.0);
    }
}

/// Writes `bytes` to the new file `out`: to a sibling first, flushed, and then named. `root` is the image folder.
/// Folders above the file are made where they lack and stay.
///
/// # Errors
/// The file exists, has no name or lies in the image folder; disk and permissions. Then nothing new
/// has the file's name.
pub(super) fn write_new_file(root: &Path, out: &Path, bytes: &[u8]) -> Result<(), ExportError> {
    let (folder, name) = target(out, root)?;
    fs::create_dir_all(&folder).map_err(|e| ExportError::io("make the folder", &folder, e))?;
    let (partial, mut file) = Partial::create(&folder, &name)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(|e| ExportError::io("write the file", &partial.0, e))?;
    drop(file);
    give_name(&partial.0, &folder.join(&name))?;
    drop(partial);
    // The bytes are on the disk. Not every system can flush a name; one that is lost takes nothing else along.
    let _ = sync_folder(&folder);
    Ok(())
}

/// A second name cannot be given where something has it already, unlike a rename, which would replace it.
fn give_name(partial: &Path, path: &Path) -> Result<(), ExportError> {
    match fs::hard_link(partial, path) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists || fs::symlink_metadata(path).is_ok() => {
            Err(ExportError::Exists(path.to_path_buf()))
        }
        // Not every file system has second names.
        Err(_) => fs::rename(partial, path).map_err(|e| ExportError::io("name the file", path, e)),
    }
}
