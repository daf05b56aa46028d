//! Files of a project: paths that stay inside, candidate files, and sweeping orphans.
//!
//! Knows no SQL. A file is durable when its bytes and its folder's entry are flushed, in this order.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::candidates::RunId;
use super::error::ProjectError;
pub use crate::imaging::files::is_inside;
use crate::imaging::files::sync_folder;

/// The folder of candidate files inside a project.
pub const CANDIDATES: &str = "candidates";

/// The existing file `relative` below `root`, followed through links and still below `root`.
///
/// # Errors
/// A path that leaves the folder, by its letters or by a link; a file that is not there.
pub fn resolve(root: &Path, relative: &str) -> Result<PathBuf, ProjectError> {
    let outside = || ProjectError::Outside { file: relative.to_owned(), path: root.to_path_buf() };
    if !is_inside(relative) {
        return Err(outside());
    }
    let path = root.join(relative);
    let real_root = fs::canonicalize(root).map_err(|e| ProjectError::io("open the folder", root, e))?;
    let real = fs::canonicalize(&path).map_err(|e| ProjectError::io("open the file", &path, e))?;
    if real.starts_with(real_root) { Ok(real) } else { Err(outside()) }
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Writes candidate files of a run below `project_dir` and returns their relative paths, in order.
///
/// When it returns, files and folder entries are flushed: rows that name them may be committed. `files` are
/// (file name, bytes); a name is one path part, unique in the run.
///
/// # Errors
/// A name that is no plain file name; a folder that cannot be written.
pub fn write_candidates(
    project_dir: &Path,
    run: RunId,
    files: &[(String, Vec<u8>)],
) -> Result<Vec<String>, ProjectError> {
    let all = project_dir.join(CANDIDATES);
    let dir = all.join(run.to_string());
    fs::create_dir_all(&dir).map_err(|e| ProjectError::io("make the folder", &dir, e))?;
    let mut relative = Vec::with_capacity(files.len());
    for (name, bytes) in files {
        if !is_inside(name) || Path::new(name).components().count() != 1 {
            return Err(ProjectError::Outside { file: name.clone(), path: dir });
        }
        let path = dir.join(name);
        write_synced(&path, bytes).map_err(|e| ProjectError::io("write the candidate", &path, e))?;
        relative.push(format!("{CANDIDATES}/{run}/{name}"));
    }
    for folder in [&dir, &all] {
        sync_folder(folder).map_err(|e| ProjectError::io("write the folder", folder, e))?;
    }
    Ok(relative)
}

/// Removes candidate files that no row names: leftovers of a run that was killed between file and row.
///
/// Only plain files in `candidates/<run>/` are touched and no link is followed. A file that cannot be removed
/// is left: it is harmless. Returns how many went.
pub(super) fn sweep(project_dir: &Path, known: &HashSet<String>) -> usize {
    let mut removed = 0;
    let entries = |dir: &Path| fs::read_dir(dir).into_iter().flatten().flatten();
    for run in entries(&project_dir.join(CANDIDATES)) {
        if !run.file_type().is_ok_and(|t| t.is_dir()) {
            continue;
        }
        for file in entries(&run.path()) {
            let (run_name, file_name) = (run.file_name(), file.file_name());
            let relative =
                format!("{CANDIDATES}/{}/{}", run_name.to_string_lossy(), file_name.to_string_lossy());
            let plain = file.file_type().is_ok_and(|t| t.is_file());
            if plain && !known.contains(&relative) && fs::remove_file(file.path()).is_ok() {
                removed += 1;
            }
        }
    }
    removed
}
