//! Where projects lie when nobody says otherwise: the user's data folder, never beside the source.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::error::ProjectError;
use super::source;
use crate::imaging::hash::sha256_hex;

/// Names another data folder: for shared machines and for tests.
pub const DATA_DIR_VARIABLE: &str = "COUNTERPOISE_DATA_DIR";

/// The folder of everything this user's projects need: COUNTERPOISE_DATA_DIR, else the system's data folder.
///
/// # Errors
/// Neither is known.
pub fn data_dir() -> Result<PathBuf, ProjectError> {
    if let Some(dir) = std::env::var_os(DATA_DIR_VARIABLE).filter(|dir| !dir.is_empty()) {
        return Ok(PathBuf::from(dir));
    }
    let dirs = ProjectDirs::from("", "", "counterpoise").ok_or(ProjectError::NoHome)?;
    Ok(dirs.data_dir().to_path_buf())
}

/// The project folder of an image folder or CSV: the same one each time it is opened. Of a data set it is that of
/// [`Dataset::source`](crate::domain::samples::Dataset::source).
///
/// # Errors
/// As for [`data_dir`].
pub fn for_source(folder: &Path) -> Result<PathBuf, ProjectError> {
    Ok(for_source_in(&data_dir()?, folder))
}

/// As [`for_source`], below another data folder.
pub fn for_source_in(data_dir: &Path, folder: &Path) -> PathBuf {
    let folder = source::real(folder);
    let name = folder.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let slug: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
    let hash = sha256_hex(folder.as_os_str().as_encoded_bytes());
    let short = hash.get(..8).unwrap_or_default();
    data_dir.join("projects").join(format!("{}-{short}", slug.trim_matches('-')))
}
