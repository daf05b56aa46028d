//! Comparisons of treatments: each is a run of its own kind, with a report once it ended with one.
//!
//! The report is kept as whoever made it wrote it and is never computed again; this module knows nothing of
//! what is in it. And the folders that were exported, which a comparison may train on.

use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension as _, Row, params};
use serde_json::Value;

use super::candidates::{RunId, now};
use super::error::ProjectError;
use super::source;
use super::store::{Project, from_json, json};

/// The kind of run that compares treatments.
pub const EVALUATE: &str = "evaluate";

/// A comparison, as recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparisonRow {
    pub run: RunId,
    /// What is needed to repeat it.
    pub config: Value,
    /// running, finished, kept, cancelled, failed or interrupted.
    pub status: String,
    /// Seconds since 1970.
    pub started: Option<i64>,
    /// `None` where it ended without one.
    pub report: Option<Value>,
}

const SELECT: &str = "SELECT r.id, r.config, r.status, r.started, c.report FROM runs r
                      LEFT JOIN comparisons c ON c.run = r.id";

fn comparison(row: &Row<'_>) -> rusqlite::Result<ComparisonRow> {
    let report = match row.get::<_, Option<String>>(4)? {
        Some(_) => Some(from_json(row, 4)?),
        None => None,
    };
    Ok(ComparisonRow {
        run: row.get(0)?,
        config: from_json(row, 1)?,
        status: row.get(2)?,
        started: row.get(3)?,
        report,
    })
}

impl Project {
    /// Keeps the report of a run that compared treatments, once, and ends the run with `status`. Durable when
    /// it returns.
    ///
    /// # Errors
    /// Read-only; no such run; a run that has its report. Then nothing is kept.
    pub fn add_comparison(&mut self, run: RunId, status: &str, report: &Value) -> Result<(), ProjectError> {
        self.check_writable()?;
        let tx = self.begin()?;
        let update = "UPDATE runs SET status = ?2 WHERE id = ?1 AND kind = ?3";
        if self.sql(tx.execute(update, params![run, status, EVALUATE]))? == 0 {
            return Err(ProjectError::UnknownRun(run));
        }
        let report = self.sql(json(report))?;
        let insert = "INSERT INTO comparisons (run, ended, report) VALUES (?1, ?2, ?3)";
        self.sql(tx.execute(insert, params![run, now(), report]))?;
        self.sql(tx.commit())
    }

    /// All comparisons, the oldest first, also those that ended early.
    ///
    /// # Errors
    /// The database fails or holds what is no JSON.
    pub fn comparisons(&self) -> Result<Vec<ComparisonRow>, ProjectError> {
        let query = format!("{SELECT} WHERE r.kind = ?1 ORDER BY r.id");
        let mut statement = self.sql(self.db.prepare(&query))?;
        let rows: rusqlite::Result<Vec<ComparisonRow>> =
            self.sql(statement.query_map([EVALUATE], comparison))?.collect();
        self.sql(rows)
    }

    /// One comparison.
    ///
    /// # Errors
    /// As [`Project::comparisons`]; [`ProjectError::UnknownRun`].
    pub fn comparison(&self, run: RunId) -> Result<ComparisonRow, ProjectError> {
        let query = format!("{SELECT} WHERE r.kind = ?1 AND r.id = ?2");
        let row = self.sql(self.db.query_row(&query, params![EVALUATE, run], comparison).optional())?;
        row.ok_or(ProjectError::UnknownRun(run))
    }

    /// Remembers an exported folder; one that is not Unicode is not remembered.
    ///
    /// # Errors
    /// Read-only, or the database fails.
    pub fn add_export(&mut self, folder: &Path) -> Result<(), ProjectError> {
        self.check_writable()?;
        let folder = source::real(folder);
        let Some(text) = folder.to_str() else { return Ok(()) };
        let insert = "INSERT OR REPLACE INTO exports (folder, exported) VALUES (?1, ?2)";
        self.sql(self.db.execute(insert, params![text, now()]))?;
        Ok(())
    }

    /// The folders that were exported, the newest first. They lie outside of the project and may be gone:
    /// nothing is read from one before a person chooses it.
    ///
    /// # Errors
    /// The database fails.
    pub fn exports(&self) -> Result<Vec<PathBuf>, ProjectError> {
        let mut statement = self.sql(self.db.prepare("SELECT folder FROM exports ORDER BY id DESC"))?;
        let rows = statement.query_map([], |row| Ok(PathBuf::from(row.get::<_, String>(0)?)));
        let rows: rusqlite::Result<Vec<PathBuf>> = self.sql(rows)?.collect();
        Ok(self.sql(rows)?.into_iter().filter(|folder| folder.is_absolute()).collect())
    }
}
