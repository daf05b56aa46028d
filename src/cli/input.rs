//! What several commands start from: a folder read and cut, a plan, a project. Knows no single command.

use std::path::Path;

use super::args::Common;
use super::terminal::Terminal;
use super::{Failure, Result};
use crate::domain::numbers::counted;
use crate::domain::plan::Plan;
use crate::domain::provenance::Kind;
use crate::domain::samples::Dataset;
use crate::domain::splits::cut;
use crate::imaging::scan::Reading;
use crate::imaging::training_set::{DecodedImages, Spec};
use crate::jobs;
use crate::jobs::training_data::TrainingData;
use crate::oversampling::{self, Oversampler, ParamMap};
use crate::project::store::check_place;
use crate::project::{Project, ProjectError, Settings};

/// Lists a folder and cuts parts off where `--split` says so.
pub fn listed(folder: &Path, common: &Common, reading: Reading, terminal: &Terminal) -> Result<Dataset> {
    let path = folder.to_owned();
    let dataset = terminal.job("scan", move |ctx| jobs::scan::scan(ctx, &path, reading))?;
    in_parts(dataset, folder, common)
}

fn in_parts(mut dataset: Dataset, folder: &Path, common: &Common) -> Result<Dataset> {
    match common.split {
        Some(_) if dataset.has_splits => Err(Failure::refused(format!(
            "the folder has splits of its own; leave --split out: {}",
            folder.display()
        ))),
        Some(shares) => {
            cut(&mut dataset, shares, common.seed);
            Ok(dataset)
        }
        None => Ok(dataset),
    }
}

/// Reads a folder, every image decoded, and says what no figure will show.
pub fn dataset(folder: &Path, common: &Common, terminal: &Terminal) -> Result<Dataset> {
    let dataset = listed(folder, common, Reading::Decode, terminal)?;
    say_of(&dataset, terminal);
    Ok(dataset)
}

/// Reads the headers of a folder, for counts alone.
pub fn headers(folder: &Path, common: &Common, terminal: &Terminal) -> Result<Dataset> {
    let dataset = listed(folder, common, Reading::Headers, terminal)?;
    say_of(&dataset, terminal);
    terminal.say("These are counts of headers; `scan` finds images whose pixels are damaged, too.");
    Ok(dataset)
}

/// A folder, and its images where the method that follows looks at them.
pub struct Images {
    pub dataset: Dataset,
    decoded: Option<DecodedImages>,
}

/// Reads a folder as [`dataset`] does, and keeps what it decodes for a method that trains or makes images.
pub fn images(
    folder: &Path,
    common: &Common,
    method: &dyn Oversampler,
    terminal: &Terminal,
) -> Result<Images> {
    if method.info().makes == Kind::Repeated {
        return Ok(Images { dataset: dataset(folder, common, terminal)?, decoded: None });
    }
    let (path, size, fit) = (folder.to_owned(), common.size, common.fit);
    let (dataset, decoded) = terminal.job("scan", move |ctx| jobs::scan::read(ctx, &path, size, fit))?;
    let dataset = in_parts(dataset, folder, common)?;
    say_of(&dataset, terminal);
    Ok(Images { dataset, decoded: Some(decoded) })
}

impl Images {
    /// What jobs work on: `dataset` is that of these images, perhaps edited since. `training` says whether a model
    /// is trained on them.
    pub fn into_data(self, dataset: Dataset, spec: Spec, training: bool) -> TrainingData {
        match self.decoded {
            Some(images) => TrainingData::decoded(dataset, spec, images, training),
            None => TrainingData::new(dataset, spec),
        }
    }
}

fn say_of(dataset: &Dataset, terminal: &Terminal) {
    if !dataset.has_splits {
        terminal.say("There is no held-out part, so no figure says how a model does on new images.");
    }
    if !dataset.unreadable.is_empty() {
        let many = dataset.unreadable.len();
        let words = if many == 1 { "is" } else { "are" };
        let many = counted(many, "file", "files");
        terminal.say(&format!("{many} could not be read and {words} left out; `scan` lists them."));
    }
}

/// Size, channels and depth of the training images.
pub fn spec(dataset: &Dataset, common: &Common) -> Spec {
    Spec::of(dataset, common.size, common.fit)
}

/// The method with this id; the arguments were checked for it before.
pub fn method(id: &str) -> Result<&'static dyn Oversampler> {
    oversampling::method(id).ok_or_else(|| Failure::usage(format!("there is no method \"{id}\"")))
}

/// The prior's beta, for methods that have one.
pub fn beta(method: &dyn Oversampler, params: &ParamMap) -> Result<Option<f64>> {
    method.prior_beta(params).map_err(|error| Failure::usage(error.to_string()))
}

/// Resolves `--target` against the training counts.
pub fn plan(dataset: &Dataset, common: &Common, beta: Option<f64>) -> Result<Plan> {
    Plan::new(&dataset.classes, &dataset.training_counts(), &common.target, beta)
        .map_err(|error| Failure::usage(format!("--target: {error}")))
}

/// The choices that the project keeps for the window and for later commands.
pub fn settings(method: &str, params: &ParamMap, common: &Common) -> Settings {
    Settings {
        target: common.target.clone(),
        rejected: common.rejected.unwrap_or_default(),
        method: method.to_owned(),
        params: params.clone(),
        size: common.size,
        fit: common.fit,
        shares: common.split,
        seed: common.seed,
        network: common.network.clone(),
        epochs: common.epochs,
        device: common.device.clone(),
        model: None,
        features: None,
    }
}

/// An existing project that this command may write.
pub fn writable_project(dir: &Path) -> Result<Project> {
    let project = Project::open(dir)?;
    match project.read_only_reason() {
        None => Ok(project),
        Some(reason) => {
            Err(ProjectError::ReadOnly { reason: reason.to_owned(), path: dir.to_owned() }.into())
        }
    }
}

/// The project in `dir`, made if it is not there, with this data set. A place inside the image folder is refused
/// before anything is made there.
pub fn project_for(dir: &Path, dataset: &Dataset) -> Result<Project> {
    check_place(dir, &dataset.root)?;
    let source = dataset.source();
    let name = source.file_name().unwrap_or_default().to_string_lossy();
    let mut project = Project::open_or_create(dir, &name)?;
    project.set_dataset(dataset)?;
    Ok(project)
}

/// Refuses a weights file for `--features` that a run would refuse, before any work.
pub fn check_features(path: Option<&Path>) -> Result<()> {
    if let Some(path) = path {
        jobs::distances::check_features(path)?;
    }
    Ok(())
}

/// Refuses an `--out` that exists, before any work.
pub fn refuse_existing(out: &Path) -> Result<()> {
    if out.symlink_metadata().is_ok() {
        return Err(Failure::refused(format!(
            "the output exists and is never overwritten; choose another --out: {}",
            out.display()
        )));
    }
    Ok(())
}

/// The rows of a CSV file with a head, with their line numbers; cells by column name.
pub struct Csv {
    head: Vec<String>,
    rows: Vec<(u64, csv::StringRecord)>,
}

impl Csv {
    /// # Errors
    /// A file that cannot be read or is no CSV in UTF-8.
    pub fn read(path: &Path) -> Result<Self> {
        let refuse = |error: csv::Error| {
            Failure::refused(format!("the CSV could not be read ({error}); correct it: {}", path.display()))
        };
        let mut reader =
            csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_path(path).map_err(refuse)?;
        let head = reader.headers().map_err(refuse)?.iter();
        // Spreadsheets put a byte order mark before the first name.
        let head = head.map(|name| name.trim_start_matches('\u{feff}').to_ascii_lowercase()).collect();
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(refuse)?;
            rows.push((record.position().map_or(0, csv::Position::line), record));
        }
        Ok(Csv { head, rows })
    }

    pub fn column(&self, name: &str) -> Option<usize> {
        self.head.iter().position(|head| head == name)
    }

    /// Line number and record of each row.
    pub fn rows(&self) -> impl Iterator<Item = (u64, &csv::StringRecord)> {
        self.rows.iter().map(|(line, record)| (*line, record))
    }
}
