//! Files and paths that more than one part needs: whole files (either the new one is there, complete and on disk,
//! or the old state is), true paths, and paths that stay inside a folder.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};

/// Writes `bytes` to a sibling, flushes it to the disk, renames it over `path` and flushes the folder.
///
/// # Errors
/// The disk's; the sibling is removed then and `path` is as it was.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    fs::create_dir_all(&folder)?;
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
    let mut partial = std::ffi::OsString::from(".");
    partial.push(name);
    partial.push(format!(".partial-{}", std::process::id()));
    let partial = folder.join(partial);
    let written = (|| {
        let mut file = File::create(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, path)?;
        sync_folder(&folder)
    })();
    if written.is_err() {
        fs::remove_file(&partial).ok();
    }
    written
}

/// Makes renames and new names in a folder durable, where the system has folders that can be flushed.
///
/// # Errors
/// The disk's.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// The path with links followed as far as it exists, absolute.
pub fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    for known in absolute.ancestors() {
        if let (Ok(mut real), Ok(rest)) = (fs::canonicalize(known), absolute.strip_prefix(known)) {
            for part in rest.components() {
                // What does not exist has no links, so `..` can be taken by its letters.
                match part {
                    Component::ParentDir => {
                        real.pop();
                    }
                    part => real.push(part),
                }
            }
            return real;
        }
    }
    absolute
}

/// True where the text is a relative path that names something below its folder, by its letters alone.
pub fn is_inside(relative: &str) -> bool {
    !relative.is_empty()
        && !relative.contains('\0')
        && Path::new(relative).components().all(|part| matches!(part, Component::Normal(_)))
}
