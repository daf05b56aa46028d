//! Runs and the candidates they made.
//!
//! A candidate's file is on disk and flushed before its row is committed: a row without a file does not
//! happen, and a file without a row is harmless and swept.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{OptionalExtension as _, Row, params};
use serde::Deserialize as _;
use serde_json::Value;

use super::error::ProjectError;
use super::files;
use super::store::{Project, from_json, json, word};
use crate::domain::decisions::{DecidedBy, Decision, Verdict};
use crate::domain::provenance::{Findings, Kind, Parts};

/// The number of a run in its project.
pub type RunId = i64;

/// The kind of run that makes candidates.
pub const GENERATE: &str = "generate";

/// A run, as recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    pub id: RunId,
    /// `generate`, `train` or `evaluate`.
    pub kind: String,
    /// What is needed to repeat it.
    pub config: Value,
    /// running, finished, kept, cancelled, failed or interrupted.
    pub status: String,
    /// Seconds since 1970.
    pub started: Option<i64>,
}

/// A candidate as a method hands it over.
#[derive(Clone, Debug, PartialEq)]
pub struct NewCandidate {
    /// Class name.
    pub class: String,
    /// Position among the images the plan wants made of this class, from 0.
    pub slot: u32,
    /// 0 for the first candidate of a slot, counted up by retries.
    pub attempt: u32,
    /// Relative to the project folder, with `/`.
    pub file: String,
    /// Of the file, hexadecimal.
    pub sha256: String,
    /// Method id.
    pub method: String,
    pub model_hash: String,
    /// Derived or synthetic.
    pub kind: Kind,
    pub seed: u64,
    /// The seed image, relative to the source folder.
    pub seed_file: Option<String>,
    pub seed_class: Option<String>,
    pub seed_sha256: Option<String>,
    pub parts: Parts,
    /// Name and value of the method's own score.
    pub own_score: Option<(String, f64)>,
    pub verdict: Verdict,
    /// The nearest training image of the class, relative to the source folder.
    pub nearest_file: Option<String>,
    pub nearest_distance: Option<f64>,
    /// Whatever else the method records.
    pub extra: Value,
}

impl NewCandidate {
    /// What is known by name of [`NewCandidate::extra`]; nothing where a file holds something else under these names.
    pub fn findings(&self) -> Findings {
        Findings::deserialize(&self.extra).unwrap_or_default()
    }
}

/// A candidate with what stands for it.
#[derive(Clone, Debug, PartialEq)]
pub struct CandidateRow {
    pub id: i64,
    pub run: RunId,
    pub decision: Decision,
    pub decided_by: Option<DecidedBy>,
    /// What was made, as it was added. Shared, so that a list of rows is copied in a moment.
    pub made: Arc<NewCandidate>,
}

impl Deref for CandidateRow {
    type Target = NewCandidate;

    fn deref(&self) -> &NewCandidate {
        &self.made
    }
}

impl DerefMut for CandidateRow {
    fn deref_mut(&mut self) -> &mut NewCandidate {
        Arc::make_mut(&mut self.made)
    }
}

const SELECT: &str = "
SELECT c.id, c.run, d.decision, d.decided_by, c.class, c.slot, c.attempt, c.file, c.sha256, c.method,
       c.model_hash, c.kind, c.seed, c.seed_file, c.seed_class, c.seed_sha256, c.p_accept, c.draw,
       c.confidence, c.threshold, c.score_name, c.score, c.verdict, c.nearest_file, c.nearest_distance,
       c.extra
FROM candidates c
LEFT JOIN decisions d ON d.id = (SELECT max(id) FROM decisions WHERE candidate = c.id)";

/// The decision in these two columns, where there is one.
pub(super) fn decision(row: &Row<'_>, column: usize) -> rusqlite::Result<(Decision, Option<DecidedBy>)> {
    if row.get::<_, Option<String>>(column)?.is_none() {
        return Ok((Decision::Undecided, None));
    }
    let by = match row.get::<_, Option<String>>(column + 1)? {
        Some(_) => Some(word(row, column + 1, DecidedBy::parse)?),
        None => None,
    };
    Ok((word(row, column, Decision::parse)?, by))
}

fn candidate(row: &Row<'_>) -> rusqlite::Result<CandidateRow> {
    let (decision, decided_by) = decision(row, 2)?;
    let score_name: Option<String> = row.get(20)?;
    let score: Option<f64> = row.get(21)?;
    Ok(CandidateRow {
        id: row.get(0)?,
        run: row.get(1)?,
        decision,
        decided_by,
        made: Arc::new(NewCandidate {
            class: row.get(4)?,
            slot: row.get(5)?,
            attempt: row.get(6)?,
            file: row.get(7)?,
            sha256: row.get(8)?,
            method: row.get(9)?,
            model_hash: row.get(10)?,
            kind: word(row, 11, Kind::parse)?,
            seed: row.get::<_, i64>(12)?.cast_unsigned(),
            seed_file: row.get(13)?,
            seed_class: row.get(14)?,
            seed_sha256: row.get(15)?,
            parts: Parts {
                p_accept: row.get(16)?,
                draw: row.get(17)?,
                confidence: row.get(18)?,
                threshold: row.get(19)?,
            },
            own_score: score_name.zip(score),
            verdict: word(row, 22, Verdict::parse)?,
            nearest_file: row.get(23)?,
            nearest_distance: row.get(24)?,
            extra: from_json(row, 25)?,
        }),
    })
}

/// Seconds since 1970; 0 where the clock is before that.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

impl Project {
    /// Begins a run. A generation run first removes candidate files that no row names.
    ///
    /// # Errors
    /// Read-only, or the database fails.
    pub fn new_run(&mut self, kind: &str, config: &Value) -> Result<RunId, ProjectError> {
        self.check_writable()?;
        if kind == GENERATE {
            self.sweep_candidates()?;
        }
        let config = self.sql(json(config))?;
        let insert = "INSERT INTO runs (kind, config, status, started) VALUES (?1, ?2, 'running', ?3)";
        self.sql(self.db.execute(insert, params![kind, config, now()]))?;
        Ok(self.db.last_insert_rowid())
    }

    /// Ends a run with `finished`, `kept`, `cancelled` or `failed`.
    ///
    /// # Errors
    /// Read-only, or there is no such run.
    pub fn finish_run(&mut self, run: RunId, status: &str) -> Result<(), ProjectError> {
        self.check_writable()?;
        let update = "UPDATE runs SET status = ?2 WHERE id = ?1";
        match self.sql(self.db.execute(update, params![run, status]))? {
            0 => Err(ProjectError::UnknownRun(run)),
            _ => Ok(()),
        }
    }

    /// All runs, the oldest first.
    ///
    /// # Errors
    /// The database fails.
    pub fn runs(&self) -> Result<Vec<RunRow>, ProjectError> {
        let query = "SELECT id, kind, config, status, started FROM runs ORDER BY id";
        let mut statement = self.sql(self.db.prepare(query))?;
        let rows = statement.query_map([], |row| {
            Ok(RunRow {
                id: row.get(0)?,
                kind: row.get(1)?,
                config: from_json(row, 2)?,
                status: row.get(3)?,
                started: row.get(4)?,
            })
        });
        let rows: rusqlite::Result<Vec<RunRow>> = self.sql(rows)?.collect();
        self.sql(rows)
    }

    /// Adds candidates to a run in one transaction; their ids in order. Their files are on disk already, see
    /// [`files::write_candidates`].
    ///
    /// # Errors
    /// Read-only; no such run; a file that is not there or outside of the project. Then none is added.
    pub fn add_candidates(&mut self, run: RunId, new: &[NewCandidate]) -> Result<Vec<i64>, ProjectError> {
        self.check_writable()?;
        for candidate in new {
            files::resolve(self.dir(), &candidate.file)?;
        }
        let tx = self.begin()?;
        let exists = tx.query_row("SELECT 1 FROM runs WHERE id = ?1", [run], |_| Ok(())).optional();
        if self.sql(exists)?.is_none() {
            return Err(ProjectError::UnknownRun(run));
        }
        let write = || -> rusqlite::Result<Vec<i64>> {
            let mut insert = tx.prepare(
                "INSERT INTO candidates (run, class, slot, attempt, file, sha256, method, model_hash, kind,
                 seed, seed_file, seed_class, seed_sha256, p_accept, draw, confidence, threshold, score_name,
                 score, verdict, nearest_file, nearest_distance, extra)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
                 ?20, ?21, ?22, ?23)",
            )?;
            let ids = new.iter().map(|c| {
                insert.insert(params![
                    run,
                    c.class,
                    c.slot,
                    c.attempt,
                    c.file,
                    c.sha256,
                    c.method,
                    c.model_hash,
                    c.kind.as_str(),
                    c.seed.cast_signed(),
                    c.seed_file,
                    c.seed_class,
                    c.seed_sha256,
                    c.parts.p_accept,
                    c.parts.draw,
                    c.parts.confidence,
                    c.parts.threshold,
                    c.own_score.as_ref().map(|(name, _)| name),
                    c.own_score.as_ref().map(|(_, value)| value),
                    c.verdict.as_str(),
                    c.nearest_file,
                    c.nearest_distance,
                    json(&c.extra)?,
                ])
            });
            ids.collect()
        };
        let ids = self.sql(write())?;
        self.sql(tx.commit())?;
        Ok(ids)
    }

    /// The newest run of generating that made candidates or finished without (random oversampling makes none).
    ///
    /// # Errors
    /// The database fails.
    pub fn latest_run(&self) -> Result<Option<RunId>, ProjectError> {
        // A run that was broken off before its first candidate hides nothing.
        let query = "SELECT max(id) FROM runs AS r WHERE kind = ?1 AND (status = 'finished' OR EXISTS
                     (SELECT 1 FROM candidates WHERE run = r.id))";
        self.sql(self.db.query_row(query, [GENERATE], |row| row.get(0)))
    }

    /// The candidates of the newest run that counts, in the order they were made; see [`Project::latest_run`].
    ///
    /// # Errors
    /// The database fails or holds words that nobody knows.
    pub fn candidates(&self) -> Result<Vec<CandidateRow>, ProjectError> {
        match self.latest_run()? {
            Some(run) => self.candidates_of(run),
            None => Ok(Vec::new()),
        }
    }

    /// The candidates of one run, in the order they were made.
    ///
    /// # Errors
    /// As for [`Project::candidates`].
    pub fn candidates_of(&self, run: RunId) -> Result<Vec<CandidateRow>, ProjectError> {
        let mut statement =
            self.sql(self.db.prepare_cached(&format!("{SELECT} WHERE c.run = ?1 ORDER BY c.id")))?;
        let rows: rusqlite::Result<Vec<CandidateRow>> =
            self.sql(statement.query_map([run], candidate))?.collect();
        self.sql(rows)
    }

    /// One candidate.
    ///
    /// # Errors
    /// [`ProjectError::UnknownCandidate`].
    pub fn candidate(&self, id: i64) -> Result<CandidateRow, ProjectError> {
        let mut statement = self.sql(self.db.prepare_cached(&format!("{SELECT} WHERE c.id = ?1")))?;
        let row = self.sql(statement.query_row([id], candidate).optional())?;
        row.ok_or(ProjectError::UnknownCandidate(id))
    }

    /// The image file of a candidate, checked to lie in the project folder.
    ///
    /// # Errors
    /// A path that leaves the folder; a file that is not there.
    pub fn candidate_file(&self, row: &CandidateRow) -> Result<PathBuf, ProjectError> {
        files::resolve(self.dir(), &row.file)
    }
}
