//! A picture of what classifier g sees: features of training images, held-out images and candidates as points,
//! each with what it takes to open its image.
//!
//! The project is only read, and opened a second time for that, so that a window's job never waits for the thread
//! that owns it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::comparisons::write_new;
use super::compute::Compute;
use super::evaluate::check_place;
use super::store::place_of;
use super::train::{find, method_error};
use super::training_data::TrainingData;
use super::{JobError, new_folder};
use crate::domain::numbers::counted;
use crate::domain::samples::Dataset;
use crate::domain::splits::Split;
use crate::domain::task::{Ctx, Level};
use crate::evaluation::distance::FeatureRows;
use crate::evaluation::projection::{
    LEAST_ROWS, Label, MOST_ROWS, Mark, Origin, Projection, ProjectionError, Projector, project,
};
use crate::evaluation::report::{Cloud, raster};
use crate::imaging::decode::{self, Limits};
use crate::imaging::files::real;
use crate::imaging::picture::Picture;
use crate::imaging::training_set::{HeldOut, TrainingSet};
use crate::oversampling::{self, Model};
use crate::project::{CandidateRow, Project};

/// Images of each class and origin that are usual.
pub const PER_CLASS: usize = 200;
/// Pictures between two looks at cancel.
const BATCH: usize = 256;
/// The points in a folder, and their columns.
const POINTS: &str = "points.csv";
/// The picture of them in a folder.
const DRAWING: &str = "map.svg";
const PICTURE: &str = "map.png";
const COLUMNS: [&str; 5] = ["image", "class", "origin", "x", "y"];

/// What to draw.
#[derive(Clone, Debug)]
pub struct ProjectionRequest {
    /// Its training split; the real images are those that were not made.
    pub data: Arc<TrainingData>,
    /// The project folder: the candidates of its newest run are drawn, whatever was decided of them.
    pub project: PathBuf,
    /// Id of the method that trained the model.
    pub method: String,
    /// The model file that has classifier g.
    pub model: PathBuf,
    /// The validation or the test part, to be drawn beside.
    pub held_out: Option<Split>,
    /// Images of each class and origin at most; [`PER_CLASS`] is usual.
    pub per_class: usize,
    pub projector: Projector,
    /// auto, gpu, cpu or software.
    pub device: String,
}

/// What a point is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shown {
    /// Index into the data set's samples.
    Sample(usize),
    /// Id of a candidate in the project.
    Candidate(i64),
}

/// Points, and the image of each.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureProjection {
    pub projection: Projection,
    /// By row, as points name rows.
    pub images: Vec<Shown>,
    /// Images of each class and origin that were taken at most: as asked for, or as many as a picture holds.
    pub per_class: usize,
}

/// Where the picture of a row comes from.
enum Source<'a> {
    Training(usize),
    HeldOut(&'a HeldOut, usize),
    Candidate(&'a CandidateRow),
}

impl Source<'_> {
    fn shown(&self, training: &TrainingSet) -> Shown {
        match self {
            Source::Training(position) => Shown::Sample(training.sample[*position]),
            Source::HeldOut(set, position) => Shown::Sample(set.sample[*position]),
            Source::Candidate(row) => Shown::Candidate(row.id),
        }
    }

    fn picture(&self, training: &TrainingSet, store: &Project) -> Result<Picture, JobError> {
        match self {
            Source::Training(position) => Ok(training.picture(*position)),
            Source::HeldOut(set, position) => Ok(set.picture(*position)),
            Source::Candidate(row) => {
                let file = store.candidate_file(row)?;
                let decoded = decode::decode(&file, &Limits::default()).map_err(|error| {
                    JobError::Input(format!("a candidate cannot be read ({error}): {}", file.display()))
                })?;
                Ok(training.spec.apply(&decoded.picture))
            }
        }
    }
}

/// Draws the features of classifier g of at most [`ProjectionRequest::per_class`] images of each class and origin,
/// evenly spread over those that there are.
///
/// # Errors
/// A method without a classifier g; a model or images that do not fit or cannot be read; too few images; a
/// perplexity out of range; as [`JobError`] says.
pub fn projection(ctx: &Ctx, request: &ProjectionRequest) -> Result<FeatureProjection, JobError> {
    let method = find(&request.method)?;
    if !method.info().needs_training {
        return Err(no_judge(method.info().name));
    }
    let training = request.data.training(ctx)?;
    let load = |split| HeldOut::load(ctx, request.data.dataset(), split, request.data.spec());
    let held_out = request.held_out.map(load).transpose()?;
    let store = Project::open_read_only(&request.project)?;
    let candidates = store.candidates()?;

    let groups = groups(training, held_out.as_ref(), &candidates);
    let known: usize =
        groups.iter().map(|(label, of)| if label.origin == Origin::Made { of.len() } else { 0 }).sum();
    if known < candidates.len() {
        let unknown = candidates.len() - known;
        ctx.note(
            Level::Warning,
            format!(
                "{} of classes that the data no longer have",
                counted(unknown, "candidate is left out: it is", "candidates are left out: they are")
            ),
        );
    }
    let sizes: Vec<usize> = groups.iter().map(|(_, of)| of.len()).collect();
    let per_class = most_of_each(&sizes, request.per_class);
    if sizes.iter().any(|&size| size > per_class) {
        let text = format!(
            "at most {per_class} real, held-out and made images of each class are drawn, evenly spread"
        );
        ctx.note(Level::Info, text);
    }
    let chosen: Vec<(Label, &Source<'_>)> = groups
        .iter()
        .flat_map(|(label, of)| spread(of, per_class).map(move |source| (*label, source)))
        .collect();
    if chosen.len() < LEAST_ROWS {
        return Err(projection_error(ProjectionError::TooFew { have: chosen.len(), need: LEAST_ROWS }));
    }
    let mut pictures = Vec::with_capacity(chosen.len());
    for (_, source) in &chosen {
        ctx.check()?;
        pictures.push(source.picture(training, &store)?);
    }

    let device = Compute::start(&request.device)?;
    let model = method.load(&request.model, training, &device).map_err(method_error)?;
    if candidates.first().is_some_and(|row| row.model_hash != model.hash()) {
        let text =
            "the candidates were made and judged by another model than the one whose features are drawn";
        ctx.note(Level::Info, text);
    }
    let rows = features(ctx, model.as_ref(), &pictures)?;
    let labels: Vec<Label> = chosen.iter().map(|(label, _)| *label).collect();
    let projection = project(ctx, &rows, &labels, &request.projector).map_err(projection_error)?;
    let images = chosen.iter().map(|(_, source)| source.shown(training)).collect();
    Ok(FeatureProjection { projection, images, per_class })
}

/// Writes points to a new file by the end of its name: a drawing for `.svg`, a picture for `.png`. Gives the true path.
///
/// # Errors
/// Another ending, a file that exists, a place in one of the folders `sources`, or the disk's.
pub fn save(cloud: &Cloud, path: &Path, sources: &[PathBuf]) -> Result<PathBuf, JobError> {
    let path = real(path);
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    let bytes = match ending.as_deref() {
        Some("svg") => cloud.svg().into_bytes(),
        Some("png") => {
            raster::png(&cloud.svg(), raster::SCALE).map_err(|error| JobError::Input(error.to_string()))?
        }
        _ => {
            return Err(JobError::Input(format!(
                "end the name with .svg for a drawing or .png for a picture: {}",
                path.display()
            )));
        }
    };
    write_new(path, sources, &bytes)
}

/// Whose features a map shows, for people.
pub fn source_words(method: &str, model: &Path) -> String {
    let method = oversampling::method(method).map_or(method, |method| method.info().name);
    let file = model.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    format!("Features of classifier g ({method}; {file}), on the scale of the real training images.")
}

/// As [`projection`], written into the new folder `out` as well: `points.csv` has a row for each point, with the path of
/// its image in the image folder, or in the project where it was made; `map.svg` and `map.png` show them all.
///
/// # Errors
/// As [`projection`]; a folder that exists or lies in the image folder; the disk's.
pub fn projection_into(
    ctx: &Ctx,
    request: &ProjectionRequest,
    out: &Path,
) -> Result<FeatureProjection, JobError> {
    let dataset = request.data.dataset();
    let sources = [dataset.root.as_path()];
    check_place(out, &sources)?;
    let drawn = projection(ctx, request)?;
    let candidates = Project::open_read_only(&request.project)?.candidates()?;
    let points = points(&drawn, dataset, &candidates)
        .map_err(|error| JobError::Failed(format!("the points could not be written down: {error}")))?;
    let drawing = cloud(&drawn, request, &candidates).svg();
    let picture =
        raster::png(&drawing, raster::SCALE).map_err(|error| JobError::Failed(error.to_string()))?;
    let files = [(POINTS, points), (DRAWING, drawing.into_bytes()), (PICTURE, picture)];
    new_folder::write(out, &sources, &files.map(|(name, bytes)| (name.to_owned(), bytes)))?;
    Ok(drawn)
}

/// All points as a drawing, candidates with what is decided of them.
fn cloud(drawn: &FeatureProjection, request: &ProjectionRequest, candidates: &[CandidateRow]) -> Cloud {
    let projection = &drawn.projection;
    let dots = projection.points.iter().map(|point| {
        let mark = match (drawn.images.get(point.row), point.origin) {
            (Some(Shown::Candidate(id)), _) => {
                let row = place_of(candidates, *id).and_then(|place| candidates.get(place));
                row.map_or(Mark::Undecided, |row| Mark::of(row.decision))
            }
            (_, Origin::HeldOut) => Mark::HeldOut,
            _ => Mark::Real,
        };
        (point.at, point.class, mark)
    });
    let source = source_words(&request.method, &request.model);
    Cloud::of_map(&projection.caption, source, &request.data.dataset().classes, dots)
}

/// The points as a CSV, in the order of their rows.
fn points(
    drawn: &FeatureProjection,
    dataset: &Dataset,
    candidates: &[CandidateRow],
) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for point in &drawn.projection.points {
        let image = match drawn.images.get(point.row) {
            Some(Shown::Sample(index)) => dataset.samples.get(*index).map(|sample| sample.path.as_str()),
            Some(Shown::Candidate(id)) => {
                let row = place_of(candidates, *id).and_then(|place| candidates.get(place));
                row.map(|row| row.file.as_str())
            }
            None => None,
        };
        let class = dataset.classes.get(point.class).map_or("", String::as_str);
        let [x, y] = point.at.map(|at| at.to_string());
        let image = image.unwrap_or_default();
        writer.write_record([image, class, point.origin.name(), x.as_str(), y.as_str()])?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// All images that could be drawn, class by class and in the order of origins.
fn groups<'a>(
    training: &TrainingSet,
    held_out: Option<&'a HeldOut>,
    candidates: &'a [CandidateRow],
) -> Vec<(Label, Vec<Source<'a>>)> {
    let mut groups = Vec::new();
    for (class, name) in training.classes.iter().enumerate() {
        for origin in Origin::ALL {
            let of: Vec<Source<'a>> = match origin {
                Origin::Real => {
                    training.originals_of_class(class).into_iter().map(Source::Training).collect()
                }
                Origin::HeldOut => held_out.map_or_else(Vec::new, |set| {
                    set.of_class(class).into_iter().map(|position| Source::HeldOut(set, position)).collect()
                }),
                Origin::Made => {
                    candidates.iter().filter(|row| row.class == *name).map(Source::Candidate).collect()
                }
            };
            groups.push((Label { class, origin }, of));
        }
    }
    groups
}

/// How many of each group may be taken, so that a picture holds them all: at most `asked`, at least 1.
fn most_of_each(sizes: &[usize], asked: usize) -> usize {
    let total = |most: usize| sizes.iter().map(|&size| size.min(most)).sum::<usize>();
    (1..=asked.min(MOST_ROWS)).rev().find(|&most| total(most) <= MOST_ROWS).unwrap_or(1)
}

/// At most `most` of some items, evenly spread.
fn spread<T>(items: &[T], most: usize) -> impl Iterator<Item = &T> {
    let taken = items.len().min(most);
    (0..taken).map(move |at| &items[at * items.len() / taken])
}

/// The judge's features of pictures, a row for each.
fn features(ctx: &Ctx, model: &dyn Model, pictures: &[Picture]) -> Result<FeatureRows, JobError> {
    let (mut values, mut width) = (Vec::new(), 0);
    for (batch, some) in pictures.chunks(BATCH).enumerate() {
        ctx.check()?;
        ctx.progress("features of classifier g", (batch * BATCH) as u64, pictures.len() as u64);
        let found = model.features(some).map_err(method_error)?;
        let (rows, of_row) = found.ok_or_else(|| no_judge(model.info().name))?;
        values.extend(rows);
        width = of_row;
    }
    FeatureRows::from_f32(&values, pictures.len(), width).map_err(|error| projection_error(error.into()))
}

fn no_judge(method: &str) -> JobError {
    JobError::Input(format!(
        "{method} has no classifier g, so there are no features to draw; train a method that has one"
    ))
}

fn projection_error(error: ProjectionError) -> JobError {
    let text = error.to_string();
    match error {
        ProjectionError::Cancelled => JobError::Cancelled,
        ProjectionError::Labels { .. } | ProjectionError::NoConvergence => JobError::Failed(text),
        _ => JobError::Input(text),
    }
}
