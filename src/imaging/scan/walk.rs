//! The names below a folder: files to look at, folders, and what is passed over.
//!
//! Nothing is opened. Links to folders are never followed, so no cycle can be walked; links to files are
//! followed where they lead to a file inside the root.

use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

use super::{Found, ScanError};
use crate::domain::numbers::counted;
use crate::domain::samples::Unreadable;
use crate::domain::task::Ctx;

/// Folders that systems put beside images; their files are ignored as hidden ones are.
const SYSTEM_FOLDERS: [&str; 4] = ["__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information"];
/// Names between two looks at cancel and pause.
const LOOK: usize = 1024;

/// What lies below a root.
#[derive(Default)]
pub(super) struct Walk {
    pub files: Vec<Found>,
    /// Visible folders down to the second level, relative to the root.
    pub folders: Vec<String>,
    /// Folders that cannot be listed.
    pub unreadable: Vec<Unreadable>,
    /// Hidden files, links that are not followed, and what is no file.
    pub ignored: usize,
    hidden: usize,
    links: usize,
}

/// A folder still to be listed.
struct Folder {
    path: PathBuf,
    /// Relative to the root, empty for the root, else with `/` at its end.
    prefix: String,
    named: bool,
    /// Its files are counted and not looked at.
    hidden: bool,
    depth: usize,
}

impl Walk {
    /// What was passed over, in sentences.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.hidden > 0 {
            notes.push(format!("{}: ignored", counted(self.hidden, "hidden file", "hidden files")));
        }
        if self.links > 0 {
            let links = counted(self.links, "symbolic link", "symbolic links");
            notes.push(format!("{links} to a folder, out of the folder or to nothing: not followed"));
        }
        notes
    }
}

/// True where the path exists and leads, through links too, to something below the root. The root is
/// canonical.
pub(super) fn is_inside(root: &Path, path: &Path) -> bool {
    path.canonicalize().is_ok_and(|target| target.starts_with(root))
}

/// Lists everything below a canonical root.
pub(super) fn walk(ctx: &Ctx, root: &Path) -> Result<Walk, ScanError> {
    let mut walk = Walk::default();
    let mut seen = 0_usize;
    let mut folders =
        vec![Folder { path: root.to_owned(), prefix: String::new(), named: true, hidden: false, depth: 0 }];
    while let Some(folder) = folders.pop() {
        ctx.check()?;
        let entries = match fs::read_dir(&folder.path) {
            Ok(entries) => entries,
            Err(error) if folder.depth == 0 => {
                return Err(ScanError::Io { error, path: root.to_owned() });
            }
            Err(error) => {
                walk.cannot_list(&folder, &error);
                continue;
            }
        };
        for entry in entries {
            seen += 1;
            if seen.is_multiple_of(LOOK) {
                ctx.check()?;
                ctx.progress("Listing files", seen as u64, 0);
            }
            match entry {
                Ok(entry) => folders.extend(walk.take(root, &folder, &entry)),
                Err(error) => walk.cannot_list(&folder, &error),
            }
        }
    }
    Ok(walk)
}

impl Walk {
    fn cannot_list(&mut self, folder: &Folder, error: &std::io::Error) {
        let reason = format!("the folder cannot be listed ({error})");
        self.unreadable.push(Unreadable { path: folder.prefix.clone(), reason });
    }

    /// Files the entry; returns it where it is a folder to list.
    fn take(&mut self, root: &Path, folder: &Folder, entry: &DirEntry) -> Option<Folder> {
        let name = entry.file_name();
        let text = name.to_string_lossy();
        let path = format!("{}{text}", folder.prefix);
        let named = folder.named && name.to_str().is_some();
        let hidden = folder.hidden || is_hidden(&name);
        let kind = entry.file_type().ok();
        if kind.is_some_and(|k| k.is_dir()) {
            let depth = folder.depth + 1;
            if depth <= 2 && named && !hidden {
                self.folders.push(path.clone());
            }
            return Some(Folder { path: entry.path(), prefix: path + "/", named, hidden, depth });
        }
        if hidden {
            self.hidden += 1;
            self.ignored += 1;
        } else if kind.is_some_and(|k| k.is_symlink()) {
            let target = entry.path();
            if target.is_file() && is_inside(root, &target) {
                self.files.push(Found { path, named });
            } else {
                self.links += 1;
                self.ignored += 1;
            }
        } else if kind.is_some_and(|k| k.is_file()) {
            self.files.push(Found { path, named });
        } else {
            // A pipe, a socket, a device.
            self.ignored += 1;
        }
        None
    }
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".") || SYSTEM_FOLDERS.iter().any(|s| name == OsStr::new(s))
}
