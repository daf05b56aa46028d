//! Comparisons of a project: treatments evaluated beside the window or by a command, and what is kept of that.
//!
//! Each classifier's answers are kept in the project's folder as soon as it is measured, so a comparison that
//! ended early goes on, and a later one of the same images and settings trains only what is new. A comparison
//! that ended is kept as a [`Report`]: everything that is shown of it, so that nothing is computed again.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::JobError;
use super::evaluate::{
    Budget, Classifiers, EvaluateOutcome, EvaluateRequest, FailedRun, MadeOf, Timed, evaluate_keeping,
    time_steps, title,
};
use super::generate::project_error;
use super::saliency::Maps;
use crate::domain::plan::Target;
use crate::domain::task::Ctx;
use crate::evaluation::comparison::{Adds, ClassResult, TreatmentResult};
use crate::evaluation::metrics::bootstrap::Interval;
use crate::evaluation::metrics::{Figure, Spread};
use crate::evaluation::report::{Chart, Page, raster};
use crate::evaluation::treatments::Asked;
use crate::imaging::files::real;
use crate::project::comparisons::{ComparisonRow, EVALUATE};
use crate::project::{CandidateSink, RunId};

pub use super::evaluate::Choice;

/// Where the answers of classifiers lie, with what generators learnt and made, below the project's folder.
const KEPT: [&str; 2] = ["runs", "evaluations"];
/// Name of plain training.
const NONE: &str = "none";
/// What a reader of maps has to know of their images: nobody drew them by a rule.
const CHOSEN: &str = "Which test images stand here was chosen in the window: they are examples, and say nothing \
                      of the others.";

/// What the time of a step depends on, beside the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// As asked for.
    pub network: Option<String>,
    /// As asked for.
    pub device: String,
    /// Side of the images in pixels.
    pub size: u32,
    pub channels: u8,
    /// Images of the training part.
    pub images: usize,
}

impl Workload {
    /// Of a comparison.
    pub fn of(request: &EvaluateRequest) -> Self {
        Workload {
            network: request.choice.network.clone(),
            device: request.choice.device.clone(),
            size: request.spec.size,
            channels: request.spec.channels,
            images: request.dataset.training_counts().iter().sum(),
        }
    }
}

/// What the time of a generator depends on, beside the machine and its own parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratorLoad {
    pub workload: Workload,
    /// Whether it learns from all images or from the other folds.
    pub folded: bool,
    /// As asked for.
    pub folds: Option<usize>,
    pub target: Target,
    /// Epochs of each generator, where they are said.
    pub epochs: Option<usize>,
    /// M2m is as long as the classifiers it is measured beside.
    pub budget: Budget,
}

impl GeneratorLoad {
    /// Of a choice on such work.
    pub fn of(choice: &Choice, workload: Workload, folded: bool) -> Self {
        GeneratorLoad {
            workload,
            folded,
            folds: choice.folds,
            target: choice.target.clone(),
            epochs: choice.lasting(),
            budget: choice.budget,
        }
    }
}

/// A mean over seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    pub mean: f64,
    /// Standard deviation; `None` for one seed.
    pub sd: Option<f64>,
}

impl Mean {
    /// `None` for what is no number.
    fn of(spread: Option<Spread>) -> Option<Self> {
        let spread = spread.filter(|spread| spread.mean.is_finite())?;
        Some(Mean { mean: spread.mean, sd: spread.sd.filter(|sd| sd.is_finite()) })
    }
}

/// A difference of ACSA with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl Difference {
    fn of(interval: Interval) -> Option<Self> {
        let Interval { value, low, high } = interval;
        [value, low, high].iter().all(|number| number.is_finite()).then_some(Difference { value, low, high })
    }
}

/// A class of the data set and its images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassImages {
    pub name: String,
    pub training: usize,
    /// Images that were asked about; in a cross-validation they are training images of the other folds, too.
    pub test: usize,
}

/// What a treatment did to one class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassFigures {
    /// `None` without test images, and so for the F scores.
    pub recall: Option<Mean>,
    pub precision: Option<Mean>,
    pub f1: Option<Mean>,
    pub f05: Option<Mean>,
    /// Seeds whose classifier never said this class.
    pub never_said: usize,
}

impl ClassFigures {
    fn of(result: &ClassResult) -> Self {
        ClassFigures {
            recall: Mean::of(result.recall),
            precision: Mean::of(result.precision),
            f1: Mean::of(result.f1),
            f05: Mean::of(result.f05),
            never_said: result.never_said,
        }
    }
}

/// A treatment over its seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TreatmentFigures {
    pub name: String,
    /// For people.
    pub label: String,
    /// True where its training images were made.
    pub made: bool,
    pub seeds: Vec<u64>,
    /// By their names in JSON; those without a value are left out.
    pub figures: Vec<(String, Mean)>,
    /// Of ACSA against plain training; `None` for that itself.
    pub difference: Option<Difference>,
    /// What the difference shows.
    pub sentence: Option<String>,
    /// In class order.
    pub classes: Vec<ClassFigures>,
    /// Rows are the truth, columns what was said; all seeds together.
    pub confusion: Vec<Vec<u64>>,
}

impl TreatmentFigures {
    fn of(result: &TreatmentResult) -> Self {
        let figures = result.figures.iter();
        let against = result.against_baseline.as_ref();
        TreatmentFigures {
            name: result.name.clone(),
            label: result.label.clone(),
            made: result.adds == Adds::Made,
            seeds: result.seeds.clone(),
            figures: figures
                .filter_map(|(key, spread)| Some(((*key).to_owned(), Mean::of(*spread)?)))
                .collect(),
            difference: against.and_then(|against| against.differences.acsa()).and_then(Difference::of),
            sentence: against.map(|against| against.sentence.clone()).filter(|text| !text.is_empty()),
            classes: result.classes.iter().map(ClassFigures::of).collect(),
            confusion: result.confusion.rows(),
        }
    }

    /// A figure by its name in JSON.
    pub fn figure(&self, key: &str) -> Option<Mean> {
        self.figures.iter().find(|(known, _)| known == key).map(|(_, mean)| *mean)
    }

    /// Mean recall, in \[0, 1\].
    pub fn acsa(&self) -> Option<f64> {
        self.figure(Figure::Acsa.key()).map(|acsa| acsa.mean)
    }
}

/// Everything that is shown of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub choice: Choice,
    pub workload: Workload,
    /// small or resnet32.
    pub network: String,
    /// Steps of each training.
    pub steps: usize,
    /// Folds of a cross-validation; `None` where there was a test part.
    pub folds: Option<usize>,
    /// Hash of the training images, and of how they were cut into folds.
    pub training: String,
    /// Hash of the images that were asked about: figures compare where it is the same.
    pub test: String,
    /// How it was run, in lines.
    pub setting: Vec<String>,
    /// In class order.
    pub classes: Vec<ClassImages>,
    /// In the order they were asked for, plain training first.
    pub treatments: Vec<TreatmentFigures>,
    /// What to take from it, in sentences.
    pub summary: Vec<String>,
    /// What generators gave, by treatment and seed.
    #[serde(default)]
    pub made: Vec<MadeOf>,
    pub failed: Vec<FailedRun>,
    /// Images that could not be decoded and are left out.
    pub unreadable: usize,
    /// What is wrong with the images, in sentences.
    pub warnings: Vec<String>,
    /// False where it was stopped before its end.
    pub complete: bool,
    /// Seconds of a training step; `None` where all was known.
    pub step_seconds: Option<f64>,
    pub markdown: String,
    pub csv: String,
    /// What the HTML report and the charts in files show; `None` where an earlier version kept the comparison.
    #[serde(default)]
    pub page: Option<Page>,
    /// The classifiers that maps can be made of, from the project's folder on; `None` where an earlier version kept
    /// the comparison.
    #[serde(default)]
    pub classifiers: Option<Classifiers>,
}

fn unwritten(error: impl std::fmt::Display) -> JobError {
    JobError::Failed(format!("the comparison could not be written down: {error}"))
}

impl Report {
    fn of(request: &EvaluateRequest, outcome: &EvaluateOutcome, project: &Path) -> Result<Self, JobError> {
        let (comparison, setting) = (&outcome.comparison, &outcome.setting);
        let part = &comparison.test;
        let mut test = vec![0; part.classes.len()];
        part.truth.iter().for_each(|&class| test[class] += 1);
        let classes = part.classes.iter().zip(&part.training).zip(&test);
        let failed = outcome.failed.iter();
        let mut told = outcome.lines();
        told.extend_from_slice(&outcome.warnings);
        told.extend(failed.map(|run| format!("{}: {}", title(&run.name, run.seed), run.reason)));
        if !outcome.complete {
            told.push("stopped before its end".to_owned());
        }
        Ok(Report {
            choice: request.choice.clone(),
            workload: Workload::of(request),
            network: setting.network.as_str().to_owned(),
            steps: setting.steps,
            folds: setting.folds,
            training: setting.training.clone(),
            test: setting.test.clone(),
            setting: setting.lines(),
            classes: classes
                .map(|((name, &training), &test)| ClassImages { name: name.clone(), training, test })
                .collect(),
            treatments: comparison.treatments.iter().map(TreatmentFigures::of).collect(),
            summary: comparison.summary.clone(),
            made: outcome.made.clone(),
            failed: outcome.failed.clone(),
            unreadable: outcome.unreadable.len(),
            warnings: outcome.warnings.clone(),
            complete: outcome.complete,
            step_seconds: outcome.step_seconds,
            markdown: comparison.markdown(&told),
            csv: String::from_utf8(outcome.csv().map_err(unwritten)?).map_err(unwritten)?,
            page: Some(outcome.page(request)),
            classifiers: outcome.classifiers.clone().map(|kept| kept.below(project)),
        })
    }

    /// A treatment by name.
    pub fn treatment(&self, name: &str) -> Option<&TreatmentFigures> {
        self.treatments.iter().find(|treatment| treatment.name == name)
    }

    /// Plain training, which the others are held against.
    pub fn plain(&self) -> Option<&TreatmentFigures> {
        self.treatment(NONE)
    }

    /// The treatments by falling ACSA; of equals the one that was asked for first.
    pub fn by_acsa(&self) -> Vec<&TreatmentFigures> {
        let mut all: Vec<&TreatmentFigures> = self.treatments.iter().collect();
        let acsa = |treatment: &TreatmentFigures| treatment.acsa().unwrap_or(f64::MIN);
        all.sort_by(|a, b| acsa(b).total_cmp(&acsa(a)));
        all
    }

    /// The treatment with the highest ACSA beside plain training.
    pub fn best(&self) -> Option<&TreatmentFigures> {
        self.by_acsa().into_iter().find(|treatment| treatment.name != NONE)
    }

    /// Seconds that a generator took under one seed, all folds together: the mean of the seeds where that was
    /// measured. `name` is the generator alone.
    pub fn generator_seconds(&self, name: &str) -> Option<f64> {
        let is_of = |of: &&MadeOf| {
            let asked = of.name.parse::<Asked>();
            matches!(asked, Ok(Asked::Made(made)) if made.generator() == name)
        };
        let seconds: Vec<f64> = self.made.iter().filter(is_of).filter_map(|of| of.seconds).collect();
        (!seconds.is_empty()).then(|| seconds.iter().sum::<f64>() / seconds.len() as f64)
    }

    /// What the time of its generators depended on.
    pub fn generator_load(&self) -> GeneratorLoad {
        GeneratorLoad::of(&self.choice, self.workload.clone(), self.folds.is_some())
    }

    /// Classes by falling number of training images; of equals in class order.
    pub fn by_count(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.classes.len()).collect();
        order.sort_by_key(|&class| std::cmp::Reverse(self.classes[class].training));
        order
    }

    /// What the HTML report and the charts are made from.
    fn drawn(&self) -> Result<&Page, JobError> {
        self.page.as_ref().ok_or_else(|| {
            JobError::Input(
                "an earlier version kept this comparison, without what a report or a chart needs; compare again: \
                 what was measured is not trained again"
                    .to_owned(),
            )
        })
    }

    /// Images that were asked about.
    pub fn test_images(&self) -> usize {
        self.classes.iter().map(|class| class.test).sum()
    }
}

/// A comparison of a project as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    pub run: RunId,
    /// Seconds since 1970.
    pub started: Option<i64>,
    /// running, finished, kept, cancelled, failed or interrupted.
    pub status: String,
    /// `None` where another version of this program wrote it in another way; so for the report.
    pub choice: Option<Choice>,
    /// `None` where it ended without one.
    pub report: Option<Arc<Report>>,
}

impl Kept {
    /// As it is stored.
    pub fn of(row: ComparisonRow) -> Self {
        Kept {
            run: row.run,
            started: row.started,
            status: row.status,
            choice: serde_json::from_value(row.config).ok(),
            report: row.report.and_then(|report| serde_json::from_value(report).ok()).map(Arc::new),
        }
    }
}

/// Compares the treatments and keeps the report in the project.
///
/// # Errors
/// As [`super::evaluate::evaluate`], and those of the store. What was measured before stays.
pub fn compare(
    ctx: &Ctx,
    request: &EvaluateRequest,
    sink: &mut dyn CandidateSink,
) -> Result<Report, JobError> {
    compare_telling(ctx, request, sink).map(|(report, _)| report)
}

/// As [`compare`], with all that came of it.
///
/// # Errors
/// As [`compare`].
pub fn compare_telling(
    ctx: &Ctx,
    request: &EvaluateRequest,
    sink: &mut dyn CandidateSink,
) -> Result<(Report, EvaluateOutcome), JobError> {
    // Before anything is kept of it.
    request.choice.parsed()?;
    let config = serde_json::to_value(&request.choice).map_err(unwritten)?;
    let run = sink.new_run(EVALUATE, &config).map_err(project_error)?;
    let project = sink.project_dir().to_path_buf();
    let kept = KEPT.iter().fold(project.clone(), |path, part| path.join(part));
    let ended = evaluate_keeping(ctx, request, &kept).and_then(|outcome| {
        // What was taken off before any of it was measured was not compared.
        let is_gone = |name: &str| request.left_out.has(name) && outcome.comparison.treatment(name).is_none();
        let compared = EvaluateRequest { choice: request.choice.without(is_gone), ..request.clone() };
        Ok((Report::of(&compared, &outcome, &project)?, outcome))
    });
    let (report, outcome) = match ended {
        Ok(ended) => ended,
        Err(error) => {
            let status = if error == JobError::Cancelled { "cancelled" } else { "failed" };
            // Where the window is gone its store is, too; the run is then told of as interrupted.
            let _ = sink.finish(run, status);
            return Err(error);
        }
    };
    let status = if report.complete { "finished" } else { "kept" };
    let value = serde_json::to_value(&report).map_err(unwritten)?;
    sink.compared(run, status, value).map_err(project_error)?;
    Ok((report, outcome))
}

/// How long a step of this comparison takes, from a few of them.
///
/// # Errors
/// As [`time_steps`].
pub fn time(ctx: &Ctx, request: &EvaluateRequest) -> Result<(Workload, Timed), JobError> {
    let timed = time_steps(ctx, request)?;
    Ok((Workload::of(request), timed))
}

fn no_chart() -> JobError {
    JobError::Input(
        "plain training does not change against itself; choose another treatment or another chart".to_owned(),
    )
}

/// The page, with maps where there are some.
fn with_maps(page: &Page, maps: Option<&Maps>) -> Result<String, JobError> {
    let Some(maps) = maps else { return Ok(page.html()) };
    let mut gallery = maps.gallery()?;
    gallery.sentences.push(CHOSEN.to_owned());
    Ok(page.html_with(&gallery))
}

/// Writes a comparison to a new file, by the end of its name: every figure for `.csv`, a page for people for `.md`
/// and, with charts and settings, for `.html`, a chart for `.svg` and `.png`. `chart` is that chart with the
/// treatment that it is of, `maps` go into the page of `.html`, which stays one file. Gives the true path.
///
/// # Errors
/// Another ending, a chart that this comparison has not or that is too large for a PNG, a file that exists, a
/// place in one of the folders `sources`, or the disk's. Nothing is left then.
pub fn save(
    report: &Report,
    path: &Path,
    sources: &[PathBuf],
    chart: (Chart, &str),
    maps: Option<&Maps>,
) -> Result<PathBuf, JobError> {
    let path = real(path);
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    let drawing = || report.drawn()?.svg(chart.0, chart.1).ok_or_else(no_chart);
    let bytes = match ending.as_deref() {
        Some("csv") => Cow::Borrowed(report.csv.as_bytes()),
        Some("md") => Cow::Borrowed(report.markdown.as_bytes()),
        Some("html") => Cow::Owned(with_maps(report.drawn()?, maps)?.into_bytes()),
        Some("svg") => Cow::Owned(drawing()?.into_bytes()),
        Some("png") => {
            let picture = raster::png(&drawing()?, raster::SCALE);
            Cow::Owned(picture.map_err(|error| JobError::Input(error.to_string()))?)
        }
        _ => {
            return Err(JobError::Input(format!(
                "end the name with .csv for all figures, .md for a page, .html for a report, .svg or .png for \
                 a chart: {}",
                path.display()
            )));
        }
    };
    write_new(path, sources, &bytes)
}

/// Writes a new file outside the folders `sources`, whole or not at all, and gives its path.
///
/// # Errors
/// A place in one of them, a file that exists, or the disk's.
pub(super) fn write_new(path: PathBuf, sources: &[PathBuf], bytes: &[u8]) -> Result<PathBuf, JobError> {
    if sources.iter().any(|source| path.starts_with(real(source))) {
        return Err(JobError::Input(format!(
            "the place lies inside an image folder, where nothing is ever written; choose another one: {}",
            path.display()
        )));
    }
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => JobError::Input(format!(
            "the file exists and is never overwritten; choose another name: {}",
            path.display()
        )),
        _ => JobError::Resource(format!(
            "the file could not be written ({error}); check the place and try again: {}",
            path.display()
        )),
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = File::create_new(&path).map_err(failed)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if let Err(error) = written {
        drop(file);
        fs::remove_file(&path).ok();
        return Err(failed(error));
    }
    Ok(path)
}
