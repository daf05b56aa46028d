//! From a project to an exported folder: reads what was decided, plans the files, writes them.
//!
//! The project is only read, so a window's export opens it a second time for reading and never waits for the
//! thread that owns it.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::JobError;
use crate::domain::decisions::{DecidedBy, Decision};
use crate::domain::numbers::counted;
use crate::domain::plan::{Plan, Rejected};
use crate::domain::samples::Dataset;
use crate::domain::task::{Ctx, Level};
use crate::export::{self, Card, ExportError, ExportReport, ExportRequest, FilePlan, MadeImage, Originals};
use crate::imaging::training_set::Spec;
use crate::oversampling;
use crate::project::{CandidateRow, Project};

/// What an export does with candidates that nobody decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Undecided {
    /// Nothing is exported until all are decided.
    #[default]
    Refuse,
    /// The verdict decides, by rule; the project keeps them undecided.
    Verdict,
    /// They are left out.
    Leave,
}

impl Undecided {
    pub const ALL: [Undecided; 3] = [Undecided::Refuse, Undecided::Verdict, Undecided::Leave];

    pub const fn as_str(self) -> &'static str {
        match self {
            Undecided::Refuse => "refuse",
            Undecided::Verdict => "verdict",
            Undecided::Leave => "leave",
        }
    }
}

/// An unknown way to treat undecided candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown way to treat undecided candidates; use refuse, verdict or leave")]
pub struct UndecidedError;

impl FromStr for Undecided {
    type Err = UndecidedError;

    fn from_str(text: &str) -> Result<Self, UndecidedError> {
        Undecided::ALL.into_iter().find(|u| u.as_str() == text).ok_or(UndecidedError)
    }
}

/// What to export and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportJob {
    /// The project folder.
    pub project: PathBuf,
    /// The folder to make; it must not exist.
    pub out: PathBuf,
    pub originals: Originals,
    pub undecided: Undecided,
    pub rejected: Rejected,
}

impl From<ExportError> for JobError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Cancelled(_) => JobError::Cancelled,
            _ if error.is_resource() => JobError::Resource(error.to_string()),
            _ if error.is_input() => JobError::Input(error.to_string()),
            _ => JobError::Failed(error.to_string()),
        }
    }
}

/// What an export would write, and the room for it.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportPreview {
    pub plan: FilePlan,
    /// Bytes that are free at the target; `None` where the system does not say.
    pub free: Option<u64>,
}

/// What will be written, for showing before the export; the project is opened for reading.
///
/// # Errors
/// As for [`export`], but for a lack of space: it may be mended before the export begins.
pub fn preview(job: &ExportJob) -> Result<ExportPreview, JobError> {
    let project = Project::open_read_only(&job.project)?;
    let plan = export::file_plan(&request(job, &project)?)?;
    Ok(ExportPreview { plan, free: export::free_space(&job.out) })
}

/// Refuses a target that no export of this data set could be made at, before any work for it.
///
/// # Errors
/// It exists, has no name or lies in the image folder.
pub fn check_target(out: &Path, dataset: &Dataset) -> Result<(), JobError> {
    export::check_target(out, &dataset.root).map_err(JobError::from)
}

/// Exports the newest candidates of a project.
///
/// # Errors
/// Undecided candidates under [`Undecided::Refuse`]; candidates from before a part was held out; images that are
/// gone; whatever [`export::write`] refuses.
pub fn export(ctx: &Ctx, job: &ExportJob, project: &Project) -> Result<ExportReport, JobError> {
    ctx.progress("planning", 0, 0);
    let request = request(job, project)?;
    let plan = export::file_plan(&request)?;
    for warning in &plan.warnings {
        ctx.note(Level::Warning, warning.clone());
    }
    Ok(export::write(ctx, &request, &plan)?)
}

/// All that the export needs, read from the project.
///
/// # Errors
/// As for [`export`].
pub fn request(job: &ExportJob, project: &Project) -> Result<ExportRequest, JobError> {
    let dataset = project.dataset()?;
    if !dataset.root.is_dir() {
        return Err(crate::project::ProjectError::SourceMissing(dataset.root).into());
    }
    let settings = project.settings()?;
    let mut rows = project.candidates()?;
    // First: what is decided of them would be in vain.
    if let Some(first) = rows.first()
        && project.made_before_cut(first.run)?
        && rows.iter().any(|row| row.decision != Decision::Rejected)
    {
        return Err(JobError::Input(format!(
            "the candidates were made before a part was held out, so images that are for testing now may have gone \
             into them; make candidates again, with a model that was trained since: {}",
            project.dir().display()
        )));
    }
    let undecided = rows.iter().filter(|row| row.decision == Decision::Undecided).count();
    if undecided > 0 && job.undecided == Undecided::Refuse {
        return Err(JobError::Input(format!(
            "{} undecided; decide first, or let the verdict decide (--undecided verdict) or leave what is \
             undecided out (--undecided leave): {}",
            counted(undecided, "candidate is", "candidates are"),
            project.dir().display()
        )));
    }
    // Of two accepted attempts at a slot the first is exported.
    rows.sort_by(|a, b| (&a.class, a.slot, a.attempt).cmp(&(&b.class, b.slot, b.attempt)));
    let of_run = match rows.first() {
        Some(first) => project.runs()?.into_iter().find(|run| run.id == first.run),
        None => None,
    };
    let params = of_run.and_then(|run| run.config.get("params").and_then(|p| p.as_object().cloned()));
    let method = rows.first().map_or(&settings.method, |row| &row.method).clone();
    let accepted = rows.iter().filter_map(|row| made(job, project, row).transpose());
    let mut accepted = accepted.collect::<Result<Vec<MadeImage>, JobError>>()?;
    let groups: std::collections::HashMap<&str, &String> = dataset
        .samples
        .iter()
        .filter_map(|sample| Some((sample.path.as_str(), sample.group.as_ref()?)))
        .collect();
    for image in accepted.iter_mut().filter(|image| image.kind == crate::domain::provenance::Kind::Derived) {
        image.group =
            image.seed_file.as_deref().and_then(|file| groups.get(file)).map(|group| (*group).clone());
    }
    let counts = dataset.training_counts();
    let plan = Plan::new(&dataset.classes, &counts, &settings.target, None)
        .map_err(|error| JobError::Input(error.to_string()))?;
    let card = Card {
        title: project.name().to_owned(),
        method_name: oversampling::method(&method).map_or(method.clone(), |m| m.info().name.to_owned()),
        params: params.unwrap_or(settings.params),
        notes: dataset.notes.clone(),
    };
    let spec = Spec::of(&dataset, settings.size, settings.fit);
    Ok(ExportRequest {
        dataset,
        accepted,
        plan,
        rejected: job.rejected,
        seed: settings.seed,
        originals: job.originals,
        spec,
        out: job.out.clone(),
        method,
        card,
    })
}

/// The candidate as the export takes it, where it is accepted.
fn made(job: &ExportJob, project: &Project, row: &CandidateRow) -> Result<Option<MadeImage>, JobError> {
    let (decision, decided_by) = match (row.decision, job.undecided) {
        (Decision::Undecided, Undecided::Verdict) => (row.verdict.rule(), Some(DecidedBy::Rule)),
        (decision, _) => (decision, row.decided_by),
    };
    if decision != Decision::Accepted {
        return Ok(None);
    }
    Ok(Some(MadeImage {
        class: row.class.clone(),
        file: project.candidate_file(row)?,
        sha256: row.sha256.clone(),
        kind: row.kind,
        method: row.method.clone(),
        model_hash: row.model_hash.clone(),
        seed_file: row.seed_file.clone(),
        seed_class: row.seed_class.clone(),
        seed_sha256: row.seed_sha256.clone(),
        parts: row.parts.clone(),
        verdict: row.verdict,
        decision,
        decided_by,
        nearest_file: row.nearest_file.clone(),
        nearest_distance: row.nearest_distance,
        own_score: row.own_score.clone(),
        findings: row.findings(),
        group: None,
        slot: row.slot,
        seed: row.seed,
    }))
}
