//! What can go wrong with a project, each with its remedy. Knows SQLite's codes only to sort them.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the project could not be used. The text says cause and remedy, and the path last.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    #[error("there is no project here; open an image folder to start one: {}", .0.display())]
    NotAProject(PathBuf),
    #[error("there is a project here already; open it, or choose another folder: {}", .0.display())]
    AlreadyExists(PathBuf),
    #[error("this folder is not empty; choose a new or empty folder for the project: {}", .0.display())]
    NotEmpty(PathBuf),
    #[error(
        "the project would lie inside the image folder, where nothing is ever written; \
         choose a place outside it: {}", .0.display()
    )]
    InsideSource(PathBuf),
    #[error("this database belongs to another program; choose the folder of a project: {}", .0.display())]
    WrongFile(PathBuf),
    #[error(
        "the project was written by a newer counterpoise (schema {found}, this one reads up to {known}); \
         use the newer program: {}", .path.display()
    )]
    Newer { found: i64, known: i64, path: PathBuf },
    #[error("the project database is damaged ({what}); restore the folder from a copy: {}", .path.display())]
    Corrupt { what: String, path: PathBuf },
    #[error("nothing was saved: {reason}; {}: {}", remedy(.reason), .path.display())]
    ReadOnly { reason: String, path: PathBuf },
    #[error("the data set has no class \"{0}\"; use the name of one of its classes")]
    UnknownClass(String),
    #[error("the data set has no such image; use paths as the scan lists them: {0}")]
    UnknownImage(String),
    #[error("the project has no candidate {0}; use the numbers that `candidates` lists")]
    UnknownCandidate(i64),
    #[error("the project has no run {0}; start a run before adding to it")]
    UnknownRun(i64),
    #[error(
        "a path leaves its folder ({file}) and was not used; the project may be tampered with: {}",
        .path.display()
    )]
    Outside { file: String, path: PathBuf },
    #[error("the project has no images yet; open its image folder first: {}", .0.display())]
    NoDataset(PathBuf),
    #[error(
        "these are not the project's images ({same} of {images} files are the same); choose the folder they \
         moved to, or open this one as a new project: {}", .path.display()
    )]
    OtherSource { same: usize, images: usize, path: PathBuf },
    #[error("the project's image folder is not there; choose where its images are now: {}", .0.display())]
    SourceMissing(PathBuf),
    #[error("no home folder was found for projects; set COUNTERPOISE_DATA_DIR to a folder")]
    NoHome,
    #[error("the path has characters that are not Unicode; rename or move the folder: {}", .0.display())]
    PathText(PathBuf),
    #[error("the disk is full; free some space and try again: {}", .0.display())]
    Full(PathBuf),
    #[error("access was denied; check the permissions of the folder: {}", .0.display())]
    Denied(PathBuf),
    #[error("could not {doing} ({source}); check that the drive is there and try again: {}", .path.display())]
    Io { doing: &'static str, source: io::Error, path: PathBuf },
    #[error("the project database answered with an error ({source}); try again: {}", .path.display())]
    Sqlite { source: rusqlite::Error, path: PathBuf },
    #[error("the project was closed; open it again: {}", .0.display())]
    Closed(PathBuf),
}

/// Why a project is read-only, where another process owns it.
pub(super) const OWNED: &str = "another window or command has this project open";
/// Why a project is read-only, where the folder does not let us write.
pub(super) const NOT_WRITABLE: &str = "the project folder cannot be written";
/// Why a project is read-only, where the caller asked for that.
pub(super) const ASKED: &str = "the project was opened for reading";

fn remedy(reason: &str) -> &'static str {
    match reason {
        NOT_WRITABLE => "make it writable and open the project again",
        OWNED => "close the other one and open the project again",
        _ => "open it again to change it",
    }
}

impl ProjectError {
    /// True where disk space or access is what is missing.
    pub fn is_resource(&self) -> bool {
        matches!(self, ProjectError::Full(_) | ProjectError::Denied(_))
    }

    /// True where what was given is refused, rather than something failing.
    pub fn is_input(&self) -> bool {
        !self.is_resource()
            && !matches!(
                self,
                ProjectError::Io { .. } | ProjectError::Sqlite { .. } | ProjectError::Closed(_)
            )
    }

    pub(super) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ProjectError::Full(path),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ProjectError::Denied(path),
            _ => ProjectError::Io { doing, source, path },
        }
    }

    pub(super) fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_path_buf();
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => ProjectError::Full(path),
            Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
                ProjectError::Denied(path)
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                ProjectError::Corrupt { what: source.to_string(), path }
            }
            _ => match source {
                // A value of the wrong type or an unknown word: written by nobody we know.
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..) => {
                    ProjectError::Corrupt { what: source.to_string(), path }
                }
                source => ProjectError::Sqlite { source, path },
            },
        }
    }
}
