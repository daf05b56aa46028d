//! The proof of an exported folder: every file hashed again and compared with the manifest.
//!
//! The manifest is not trusted: a path that leaves the folder ends the check. Links are not followed.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use super::error::VerifyError;
use super::manifest::{self, MANIFEST, README, Row};
use crate::domain::task::Ctx;
use crate::imaging::files::is_inside;
use crate::imaging::hash::file_sha256;

/// Files between two looks at cancel.
const BATCH: usize = 256;

/// What the check found; paths relative to the folder, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Nothing is missing, changed or extra.
    pub ok: bool,
    /// Files the manifest has.
    pub files: usize,
    pub missing: Vec<String>,
    /// Other bytes, no plain file, or unreadable.
    pub changed: Vec<String>,
    /// Neither in the manifest nor the manifest or the card.
    pub extra: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Same,
    Missing,
    Changed,
}

fn state(dir: &Path, row: &Row) -> State {
    let path = dir.join(&row.file);
    match fs::symlink_metadata(&path) {
        Err(_) => State::Missing,
        Ok(found) if !found.is_file() => State::Changed,
        Ok(_) => match file_sha256(&path) {
            Ok(hash) if hash.eq_ignore_ascii_case(&row.sha256) => State::Same,
            _ => State::Changed,
        },
    }
}

/// Hashes the files of an exported folder again, in parallel.
///
/// # Errors
/// Cancelled; no manifest, or one that cannot be read or names files outside of the folder; a folder that
/// cannot be listed. A missing, changed or extra file is no error: it is what [`Verification`] tells.
pub fn verify(ctx: &Ctx, dir: &Path) -> Result<Verification, VerifyError> {
    let rows = manifest::read(dir)?;
    if let Some(row) = rows.iter().find(|row| !is_inside(&row.file)) {
        return Err(VerifyError::Outside { file: row.file.clone(), path: dir.to_path_buf() });
    }
    let mut found = Verification { files: rows.len(), ..Verification::default() };
    let mut done = 0;
    for batch in rows.chunks(BATCH) {
        ctx.check()?;
        let states: Vec<State> = batch.par_iter().map(|row| state(dir, row)).collect();
        for (row, state) in batch.iter().zip(states) {
            match state {
                State::Same => {}
                State::Missing => found.missing.push(row.file.clone()),
                State::Changed => found.changed.push(row.file.clone()),
            }
        }
        done += batch.len() as u64;
        ctx.progress("verifying", done, rows.len() as u64);
    }
    let known: HashSet<&str> = rows.iter().map(|row| row.file.as_str()).chain([MANIFEST, README]).collect();
    found.extra = extra(ctx, dir, &known)?;
    found.missing.sort();
    found.changed.sort();
    found.ok = found.missing.is_empty() && found.changed.is_empty() && found.extra.is_empty();
    Ok(found)
}

/// Everything in the folder that is no folder and not known.
fn extra(ctx: &Ctx, dir: &Path, known: &HashSet<&str>) -> Result<Vec<String>, VerifyError> {
    let mut extra = Vec::new();
    let mut open = vec![(dir.to_path_buf(), String::new())];
    while let Some((folder, prefix)) = open.pop() {
        ctx.check()?;
        let failed = |source| VerifyError::Io { source, path: folder.clone() };
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let relative = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type().map_err(failed)?.is_dir() {
                open.push((entry.path(), format!("{relative}/")));
            } else if !known.contains(relative.as_str()) {
                extra.push(relative);
            }
        }
    }
    extra.sort();
    Ok(extra)
}
