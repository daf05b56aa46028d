//! Where a run puts its candidates or its comparison: the project itself, or the window's store thread.
//!
//! Both are the same to the job that makes them, so the window and the command line run one job.

use std::path::Path;

use serde_json::Value;

use super::candidates::{NewCandidate, RunId};
use super::error::ProjectError;
use super::quality::ClassQuality;
use super::store::Project;

/// Takes what a run gives. When a call returns, what it took is committed.
pub trait CandidateSink {
    /// The project folder; candidate files are written below it by [`super::files::write_candidates`] first.
    fn project_dir(&self) -> &Path;

    /// Begins a run; `config` is whatever is needed to repeat it.
    fn new_run(&mut self, kind: &str, config: &Value) -> Result<RunId, ProjectError>;

    /// Adds candidates whose files are there and flushed, in one transaction; their ids in order.
    fn add(&mut self, run: RunId, candidates: Vec<NewCandidate>) -> Result<Vec<i64>, ProjectError>;

    /// Keeps what was measured of one class of the run, once.
    fn measured(&mut self, run: RunId, quality: &ClassQuality) -> Result<(), ProjectError>;

    /// Keeps the report of a comparison and ends its run with `finished` or `kept`, as [`Project::add_comparison`].
    fn compared(&mut self, run: RunId, status: &str, report: Value) -> Result<(), ProjectError>;

    /// Ends a run with `finished`, `kept`, `cancelled` or `failed`.
    fn finish(&mut self, run: RunId, status: &str) -> Result<(), ProjectError>;
}

impl CandidateSink for Project {
    fn project_dir(&self) -> &Path {
        self.dir()
    }

    fn new_run(&mut self, kind: &str, config: &Value) -> Result<RunId, ProjectError> {
        Project::new_run(self, kind, config)
    }

    fn add(&mut self, run: RunId, candidates: Vec<NewCandidate>) -> Result<Vec<i64>, ProjectError> {
        self.add_candidates(run, &candidates)
    }

    fn measured(&mut self, run: RunId, quality: &ClassQuality) -> Result<(), ProjectError> {
        self.add_quality(run, quality)
    }

    fn compared(&mut self, run: RunId, status: &str, report: Value) -> Result<(), ProjectError> {
        self.add_comparison(run, status, &report)
    }

    fn finish(&mut self, run: RunId, status: &str) -> Result<(), ProjectError> {
        self.finish_run(run, status)
    }
}
