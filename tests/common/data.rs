//! Real data for tests, where there are any: they are never part of the repository.
#![allow(dead_code)]

use std::path::{Path, PathBuf};

/// A file below `COUNTERPOISE_DATA`, else below `../shared/data`. Where there is none, it is said loudly.
pub fn file(place: &str) -> Option<PathBuf> {
    let named = std::env::var_os("COUNTERPOISE_DATA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = named.into_iter().chain([beside]).find(|folder| folder.is_dir());
    let found = folder.map(|folder| folder.join(place)).filter(|file| file.is_file());
    if found.is_none() {
        println!("SKIPPED: no {place} below COUNTERPOISE_DATA or ../shared/data");
    }
    found
}
