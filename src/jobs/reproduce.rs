//! Published tables built again: their treatments evaluated on a folder of the data, and what was measured put
//! beside what is printed.
//!
//! An evaluation with a list of treatments and a length that the table and the scale say; it keeps its results
//! and goes on as every evaluation does. Of a folder that has more training images than the table, as many as the
//! table has are drawn: the same ones for every seed and every call, and listed beside the results.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::evaluate::{Budget, Choice, EvaluateOutcome, EvaluateRequest, FailedRun, Files, evaluate_beside};
use super::{JobError, new_folder};
use crate::classify::treatments::ParseError;
use crate::domain::imbalance::WeightsError;
use crate::domain::plan::Target;
use crate::domain::samples::Dataset;
use crate::domain::splits::{Split, thin};
use crate::domain::task::{Ctx, Level};
use crate::evaluation::comparison::Comparison;
use crate::evaluation::published::{Row, Scale, Standing, Table, Weighing};
use crate::imaging::resize::Fit;
use crate::imaging::training_set::Spec;

/// Epochs of the smallest scale.
const SMOKE_EPOCHS: usize = 1;
/// Steps of the middle scale.
const CPU_STEPS: usize = 2000;
/// Seed of the draw of training images: which are in a long tail moves the figures, so that no other seed changes it.
const DRAW: u64 = 0;
/// File of the images that were drawn, with those that are asked about.
const IMAGES: &str = "images.csv";

/// What to build.
#[derive(Clone, Debug)]
pub struct ReproduceRequest {
    pub table: Table,
    /// Rows of the table; at least one.
    pub rows: Vec<Row>,
    /// A training part with the table's counts or more, and a test part. Listed by headers is enough.
    pub dataset: Dataset,
    pub scale: Scale,
    /// The first seed.
    pub seed: u64,
    /// auto, gpu, cpu or software.
    pub device: String,
    /// Side of the images in pixels; chosen from the data where it is left out.
    pub size: Option<u32>,
    pub fit: Fit,
    /// The folder of results; must not exist. An unfinished one of the same call is gone on with.
    pub out: Option<PathBuf>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct ReproduceOutcome {
    pub standing: Standing,
    /// How it was run, in lines.
    pub setting: Vec<String>,
    pub failed: Vec<FailedRun>,
    /// What is wrong with the images, in sentences.
    pub warnings: Vec<String>,
    /// False where it was stopped before its end.
    pub complete: bool,
    /// What ended it where nothing is kept on the disk, as [`EvaluateOutcome::ended`].
    pub ended: Option<JobError>,
    /// Classifiers that an earlier call had measured.
    pub resumed: usize,
    /// The finished folder; `None` without one, and where it was stopped before its end.
    pub out: Option<PathBuf>,
}

impl ReproduceOutcome {
    /// The whole as one object, for scripts and for `published.json`.
    pub fn json(&self) -> Map<String, Value> {
        let mut object = self.standing.json();
        let failed = self
            .failed
            .iter()
            .map(|failed| json!({ "name": failed.name, "seed": failed.seed, "reason": failed.reason }));
        object.insert("setting".to_owned(), json!(self.setting));
        object.insert("failed".to_owned(), Value::Array(failed.collect()));
        object.insert("warnings".to_owned(), json!(self.warnings));
        object.insert("complete".to_owned(), json!(self.complete));
        object
    }
}

const fn budget(scale: Scale) -> Budget {
    match scale {
        Scale::Smoke => Budget::Epochs(SMOKE_EPOCHS),
        Scale::Cpu => Budget::Steps(CPU_STEPS),
        // Of ResNet-32 200 epochs; generators are as long as they are by default.
        Scale::Paper => Budget::Usual,
    }
}

/// Draws the table's counts from a folder that has more, and says so; `None` where it has not.
fn drawn(table: &Table, dataset: &Dataset) -> Option<(Dataset, String)> {
    let found = dataset.training_counts();
    let wanted = table.taken(&dataset.classes, &found)?;
    let mut drawn = dataset.clone();
    thin(&mut drawn, &wanted, DRAW);
    let classes = dataset.classes.iter().zip(wanted.iter().zip(&found));
    let taken: Vec<String> = classes
        .filter(|(_, (wanted, found))| wanted < found)
        .map(|(name, (wanted, found))| format!("{wanted} of {found} of {name}"))
        .collect();
    let remark = format!(
        "The folder has more training images than the table: took {}. They are drawn alike for every seed and every \
         call; beside the results of a finished folder {IMAGES} lists them.",
        taken.join(", ")
    );
    Some((drawn, remark))
}

/// The images of an evaluation as a table that a scan reads: copied into the image folder, it is the same data set.
fn listed(dataset: &Dataset) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["file", "label", "split", "group"])?;
    for (_, sample) in dataset.counted() {
        let label = dataset.classes.get(sample.class).map_or("", String::as_str);
        let group = sample.group.as_deref().unwrap_or_default();
        writer.write_record([sample.path.as_str(), label, sample.split.as_str(), group])?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// Evaluates the treatments of a table's rows and puts the figures beside the printed ones. A finished folder
/// has the evaluation's files, `published.md` and `published.json`, and `images.csv` where images were drawn.
///
/// # Errors
/// A folder whose classes or test part are not the table's or whose training part has not its counts, and those of
/// an evaluation.
pub fn reproduce(ctx: &Ctx, request: &ReproduceRequest) -> Result<ReproduceOutcome, JobError> {
    let table = &request.table;
    let drawn = drawn(table, &request.dataset);
    let dataset = drawn.as_ref().map_or(&request.dataset, |(dataset, _)| dataset);
    let checked = table
        .check(&dataset.classes, &dataset.training_counts(), &dataset.counts(Split::Test))
        .map_err(|error| JobError::Input(format!("{error}: {}", dataset.root.display())))?;
    let remarks: Vec<String> = drawn.iter().map(|(_, remark)| remark.clone()).chain(checked).collect();
    for remark in &remarks {
        ctx.note(Level::Warning, remark.clone());
    }
    let failed = |error: ParseError| JobError::Failed(error.to_string());
    let (treatments, made) = Table::treatments(&request.rows).map_err(failed)?;
    let names = treatments.iter().map(ToString::to_string).chain(made.iter().map(ToString::to_string));
    let choice = Choice {
        treatments: names.collect(),
        folders: Vec::new(),
        seed: request.seed,
        seeds: request.scale.seeds(),
        budget: budget(request.scale),
        network: Some(request.scale.network().as_str().to_owned()),
        device: request.device.clone(),
        target: Target::Max,
        generator_epochs: None,
        augment: table.augment,
        folds: None,
        made_alone: false,
    };
    let spec = Spec::of(dataset, request.size, request.fit);
    let evaluation = EvaluateRequest {
        out: request.out.clone(),
        ..EvaluateRequest::new(Arc::new(dataset.clone()), spec, choice)
    };
    let standing = |comparison: &Comparison| {
        Standing::of(table, &request.rows, request.scale, comparison, remarks.clone()).map_err(failed)
    };
    let told = |evaluated: &EvaluateOutcome| -> Result<ReproduceOutcome, JobError> {
        Ok(ReproduceOutcome {
            standing: standing(&evaluated.comparison)?,
            setting: evaluated.setting.lines(),
            failed: evaluated.failed.clone(),
            warnings: evaluated.warnings.clone(),
            complete: evaluated.complete,
            ended: evaluated.ended.clone(),
            resumed: evaluated.resumed,
            out: evaluated.out.clone(),
        })
    };
    let beside = |evaluated: &EvaluateOutcome| -> Result<Files, JobError> {
        let mut files = files(&told(evaluated)?)?;
        if let Some((dataset, _)) = &drawn {
            files.push((IMAGES.to_owned(), listed(dataset).map_err(unwritten)?));
        }
        Ok(files)
    };
    let evaluated = evaluate_beside(ctx, &evaluation, &beside)?;
    told(&evaluated)
}

fn unwritten(error: impl std::fmt::Display) -> JobError {
    JobError::Failed(format!("the table could not be written down: {error}"))
}

fn pretty(value: &Value) -> Result<Vec<u8>, JobError> {
    serde_json::to_vec_pretty(value).map_err(unwritten)
}

/// What comes beside the evaluation's own files.
fn files(outcome: &ReproduceOutcome) -> Result<Files, JobError> {
    let page = outcome.standing.markdown(&outcome.setting);
    let json = pretty(&Value::Object(outcome.json()))?;
    Ok(vec![("published.md".to_owned(), page.into_bytes()), ("published.json".to_owned(), json)])
}

/// The weights of the note as one object.
pub fn weights_json(weighings: &[Weighing]) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("table".to_owned(), json!("weights"));
    object.insert("sets".to_owned(), Value::Array(weighings.iter().map(Weighing::json).collect()));
    object.insert("notes".to_owned(), json!(Weighing::notes()));
    object
}

/// The weights of the note on the counts of a folder's training part, or of every published table.
///
/// # Errors
/// A class without training images.
pub fn weigh(dataset: Option<&Dataset>) -> Result<Vec<Weighing>, JobError> {
    let refuse = |error: WeightsError| JobError::Input(error.to_string());
    let Some(dataset) = dataset else { return Weighing::published().map_err(refuse) };
    let classes: Vec<(String, usize)> =
        dataset.classes.iter().cloned().zip(dataset.training_counts()).collect();
    if let Some((name, _)) = classes.iter().find(|(_, images)| *images == 0) {
        return Err(JobError::Input(format!(
            "a class has no training image, so it has no weight; give it images or leave it out: {name}"
        )));
    }
    let title = dataset.root.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(vec![Weighing::of(title, classes).map_err(refuse)?])
}

/// Writes the weights as `weights.md` and `weights.json` into the new folder `out`: both or none. `source` is
/// the image folder, where nothing is ever written.
///
/// # Errors
/// The folder exists or lies in `source` (input); disk and permissions (resource).
pub fn write_weights(weighings: &[Weighing], source: Option<&Path>, out: &Path) -> Result<(), JobError> {
    let mut page = "# Class weights\n\n".to_owned();
    for weighing in weighings {
        page += &format!("{}\n", weighing.markdown());
    }
    for note in Weighing::notes() {
        page += &format!("- {note}\n");
    }
    let json = pretty(&Value::Object(weights_json(weighings)))?;
    let files = [("weights.md".to_owned(), page.into_bytes()), ("weights.json".to_owned(), json)];
    new_folder::write(out, source.as_slice(), &files)
}
