//! The projects this user had open, the last one first, in a small JSON file of the data folder.
//!
//! A list that cannot be read is an empty one: it is a convenience and nothing hangs on it.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::default_place::data_dir;
use super::error::ProjectError;
use crate::imaging::files::write_atomic;

const FILE: &str = "recent.json";
const KEPT: usize = 20;

/// A project that was opened before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    pub name: String,
    /// The source folder.
    pub folder: PathBuf,
    /// The project folder.
    pub project: PathBuf,
}

/// The list, the last opened first; projects that are gone are left out.
pub fn load() -> Vec<Recent> {
    data_dir().map(|dir| load_from(&dir)).unwrap_or_default()
}

/// As [`load`], from another data folder.
pub fn load_from(data_dir: &Path) -> Vec<Recent> {
    let mut list = read(data_dir);
    list.retain(|recent| recent.project.join("project.sqlite").is_file());
    list
}

fn read(data_dir: &Path) -> Vec<Recent> {
    let text = fs::read_to_string(data_dir.join(FILE)).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Puts a project at the head of the list.
///
/// # Errors
/// The data folder cannot be written.
pub fn add(recent: &Recent) -> Result<(), ProjectError> {
    add_to(&data_dir()?, recent)
}

/// As [`add`], in another data folder.
///
/// # Errors
/// The data folder cannot be written.
pub fn add_to(data_dir: &Path, recent: &Recent) -> Result<(), ProjectError> {
    let mut list = read(data_dir);
    list.retain(|other| other.project != recent.project);
    list.insert(0, recent.clone());
    list.truncate(KEPT);
    let path = data_dir.join(FILE);
    let failed = |e| ProjectError::io("write the list of projects", &path, e);
    let text = serde_json::to_string_pretty(&list).map_err(|e| failed(e.into()))?;
    write_atomic(&path, text.as_bytes()).map_err(failed)
}
