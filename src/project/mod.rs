//! The project: one folder with a SQLite store of the data set, edits, runs, candidates, decisions,
//! comparisons and undo.
//!
//! Knows [`crate::domain`] and [`crate::imaging`] alone; no window, no tensor, no export. A project folder
//! holds `project.sqlite`, `project.lock`, `models/`, `candidates/` and `runs/`; every path inside the store
//! is relative, so the folder can be moved. The store is an untrusted file: no path read from it is used
//! before it is checked to stay inside the project or the source folder.

pub mod candidates;
pub mod comparisons;
pub mod default_place;
pub mod error;
pub mod files;
pub mod history;
pub mod quality;
pub mod recent;
pub mod settings;
pub mod sink;
pub mod source;
pub mod store;

mod schema;

pub use candidates::{CandidateRow, NewCandidate, RunId, RunRow};
pub use comparisons::ComparisonRow;
pub use error::ProjectError;
pub use history::{Decided, Step};
pub use quality::{ClassQuality, QualityFigure};
pub use recent::Recent;
pub use settings::Settings;
pub use sink::CandidateSink;
pub use store::Project;
