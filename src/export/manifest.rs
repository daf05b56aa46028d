//! `manifest.csv`: a row for each exported file, and reading it back.
//!
//! No times and no absolute paths. Cells hold names and paths as they are, also where one begins with `=`,
//! `+`, `-` or `@`: a quote put before it would make the path name another file for every program that reads
//! the table. Open it in a spreadsheet through its text import.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::VerifyError;
use crate::domain::decisions::{DecidedBy, Decision, Verdict};
use crate::domain::provenance::Kind;
use crate::domain::splits::Split;
pub use crate::imaging::exported::MANIFEST;

/// The data set card's name; it belongs to the folder and has no row.
pub const README: &str = "README.md";

/// What the manifest says of one file; the fields are its columns, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Relative to the exported folder, with `/`.
    pub file: String,
    /// Class name.
    pub label: String,
    pub split: Split,
    pub kind: Kind,
    /// Method id; empty for originals and repeated ones.
    pub method: Option<String>,
    /// The seed image, relative to the source folder.
    pub seed_file: Option<String>,
    pub seed_class: Option<String>,
    pub p_accept: Option<f64>,
    pub prior_draw: Option<f64>,
    pub confidence: Option<f64>,
    pub verdict: Option<Verdict>,
    pub decision: Option<Decision>,
    pub decided_by: Option<DecidedBy>,
    /// The nearest training image of the class, relative to the source folder.
    pub nearest_file: Option<String>,
    pub nearest_distance: Option<f64>,
    /// Of the exported file, hexadecimal; empty in a plan.
    pub sha256: String,
    pub group: Option<String>,
    pub seed: Option<u64>,
    /// Position among the images the plan wanted made of the class.
    pub slot: Option<u32>,
    /// Hash of the model.
    pub model: Option<String>,
    pub seed_sha256: Option<String>,
    /// Of originals and repeated ones, relative to the source folder.
    pub source_file: Option<String>,
    // From here on, columns that manifests of older versions do not have.
    /// What the method calls its own score.
    #[serde(default)]
    pub own_score_name: Option<String>,
    #[serde(default)]
    pub own_score: Option<f64>,
    /// Median distance of a real image of the class to the nearest other one.
    #[serde(default)]
    pub usual_distance: Option<f64>,
    /// The class has one image, so that the usual distance is that of other classes.
    #[serde(default)]
    pub usual_of_others: Option<bool>,
    #[serde(default)]
    pub near_copy: Option<bool>,
    #[serde(default)]
    pub exact_copy: Option<bool>,
    /// Of the made images of the class at the end of the training; real images have 1.
    #[serde(default)]
    pub diversity: Option<f64>,
    /// The class that the judge takes the image for.
    #[serde(default)]
    pub judge_says: Option<String>,
}

impl Row {
    /// A row that says what the file is and no more.
    pub(super) fn new(file: String, label: &str, split: Split, kind: Kind) -> Self {
        Row {
            file,
            label: label.to_owned(),
            split,
            kind,
            method: None,
            seed_file: None,
            seed_class: None,
            p_accept: None,
            prior_draw: None,
            confidence: None,
            verdict: None,
            decision: None,
            decided_by: None,
            nearest_file: None,
            nearest_distance: None,
            sha256: String::new(),
            group: None,
            seed: None,
            slot: None,
            model: None,
            seed_sha256: None,
            source_file: None,
            own_score_name: None,
            own_score: None,
            usual_distance: None,
            usual_of_others: None,
            near_copy: None,
            exact_copy: None,
            diversity: None,
            judge_says: None,
        }
    }
}

/// The table as bytes.
pub(super) fn bytes(rows: &[Row]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row)?;
    }
    writer.into_inner().map_err(|e| e.into_error().into())
}

/// The rows of an exported folder.
///
/// # Errors
/// No manifest, or one that cannot be understood.
pub(super) fn read(dir: &Path) -> Result<Vec<Row>, VerifyError> {
    let path = dir.join(MANIFEST);
    if !path.is_file() {
        return Err(VerifyError::NoManifest(dir.to_path_buf()));
    }
    let failed = |e: csv::Error| VerifyError::Manifest { what: e.to_string(), path: path.clone() };
    let mut reader = csv::Reader::from_path(&path).map_err(failed)?;
    reader.deserialize().collect::<Result<Vec<Row>, csv::Error>>().map_err(failed)
}
