//! What the manifest of a folder that counterpoise exported says of its files.
//!
//! Made images stay made wherever the folder goes: without this they would become seeds of the next run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization as _;

use super::table::{self, TableError};
use crate::domain::provenance::Kind;
use crate::domain::splits::Split;

/// Name of the manifest at the root of an exported folder.
pub const MANIFEST: &str = "manifest.csv";

/// What the manifest says of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub kind: Kind,
    pub group: Option<String>,
}

/// The files of an exported folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest(HashMap<String, Entry>);

/// A manifest that cannot be trusted: it is ours by its columns, and a row of it is wrong.
#[derive(Debug, thiserror::Error)]
#[error(
    "the folder's manifest is damaged ({problem}), so made images cannot be told from originals; restore \
     it: {}",
    .path.display()
)]
pub struct ManifestError {
    pub problem: String,
    pub path: PathBuf,
}

impl Manifest {
    /// The manifest that covers a folder: its own, or, where the folder is a split of an exported folder, the
    /// one beside it. `None` where there is none of ours.
    ///
    /// # Errors
    /// There is one and it cannot be read.
    pub fn of_folder(folder: &Path) -> Result<Option<Manifest>, ManifestError> {
        let own = folder.join(MANIFEST);
        if own.is_file() {
            return Self::read(&own, "");
        }
        let name = folder.file_name().and_then(|n| n.to_str()).filter(|n| Split::parse(n).is_some());
        match (name, folder.parent().map(|p| p.join(MANIFEST))) {
            (Some(name), Some(above)) if above.is_file() => Self::read(&above, &format!("{name}/")),
            _ => Ok(None),
        }
    }

    /// Reads a manifest and keeps the files below `prefix`, without it.
    fn read(path: &Path, prefix: &str) -> Result<Option<Manifest>, ManifestError> {
        let damaged = |error: TableError| ManifestError { problem: error.to_string(), path: path.to_owned() };
        // Others write files of this name too.
        if !table::is_manifest(path).map_err(|error| damaged(error.into()))? {
            return Ok(None);
        }
        let table = table::read(path).map_err(damaged)?;
        let entries = table.rows.into_iter().filter_map(|row| {
            let file = row.file.strip_prefix(prefix)?.to_owned();
            Some((file, Entry { kind: row.kind, group: row.group }))
        });
        Ok(Some(Manifest(entries.collect())))
    }

    /// What it says of a file. A copy may have changed the Unicode form of names; that is looked through.
    pub fn entry(&self, file: &str) -> Option<&Entry> {
        self.0
            .get(file)
            .or_else(|| self.0.get(&file.nfc().collect::<String>()))
            .or_else(|| self.0.get(&file.nfd().collect::<String>()))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
