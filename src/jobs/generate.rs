//! Making candidates: model, slots, judgement, neighbours, files, rows.
//!
//! Each slot gets one candidate. Under `retry` a slot whose candidate the method rejects is tried again with
//! other seed images, and the last attempt stands.

use std::cell::LazyCell;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use super::JobError;
use super::compute::Compute;
use super::distances::{self, ClassDistances, Spaces};
use super::quality::{self, MadeOfClass, Real};
use super::train::{find, method_error};
use super::training_data::TrainingData;
use crate::domain::decisions::Verdict;
use crate::domain::plan::{Plan, RETRIES, Rejected};
use crate::domain::provenance::Kind;
use crate::domain::task::{Ctx, Level};
use crate::evaluation::features::MobileNetFeatures;
use crate::imaging::encode::png;
use crate::imaging::hash::{file_sha256, sha256_hex};
use crate::imaging::neighbours::{ClassNeighbours, Usual};
use crate::imaging::picture::Picture;
use crate::imaging::training_set::{HeldOut, TrainingSet};
use crate::oversampling::{
    Candidate, FitRequest, GenerateRequest as MethodRequest, Judged, MethodError, Model, ParamMap, model_file,
};
use crate::project::candidates::GENERATE;
use crate::project::files::write_candidates;
use crate::project::quality::DIVERSITY;
use crate::project::{CandidateSink, NewCandidate, ProjectError, RunId};

/// What to make.
#[derive(Clone, Debug)]
pub struct GenerateRequest {
    /// The same as the training's where that went before.
    pub data: Arc<TrainingData>,
    pub plan: Plan,
    pub rejected: Rejected,
    /// Method id.
    pub method: String,
    /// Over what the model was trained with; one of the training that differs from it is refused.
    pub params: ParamMap,
    /// `None` for methods that need no training.
    pub model: Option<PathBuf>,
    /// A weights file of MobileNet v1 1.0 224, to measure the made images on its features as well.
    pub features: Option<PathBuf>,
    pub device: String,
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GenerateOutcome {
    pub run: RunId,
    pub candidates: usize,
    pub accepted: usize,
    pub rejected: RejectedCounts,
    /// Synthetic candidates that may be copies of a training image, whatever their verdict.
    pub near_copies: usize,
    /// Of each class that enough was made of, on each kind of features.
    pub distances: Vec<ClassDistances>,
}

/// Verdicts by the part that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct RejectedCounts {
    pub prior: usize,
    pub confidence: usize,
    pub other: usize,
}

impl GenerateOutcome {
    /// Adds one verdict.
    pub fn count(&mut self, verdict: Verdict) {
        self.candidates += 1;
        match verdict {
            Verdict::Accepted => self.accepted += 1,
            Verdict::RejectedPrior => self.rejected.prior += 1,
            Verdict::RejectedConfidence => self.rejected.confidence += 1,
            Verdict::RejectedOther => self.rejected.other += 1,
        }
    }

    /// The verdicts for people, with counts as `number` writes them: `8 accepted by the method, 3 rejected by the
    /// prior, 2 by other tests`. What rejects none is left out.
    pub fn verdicts(&self, number: fn(usize) -> String) -> String {
        let RejectedCounts { prior, confidence, other } = self.rejected;
        let mut words = format!("{} accepted by the method", number(self.accepted));
        let by = [("the prior", prior), ("the confidence", confidence), ("other tests", other)];
        for (place, (what, count)) in by.into_iter().filter(|(_, count)| *count > 0).enumerate() {
            let verb = if place == 0 { "rejected " } else { "" };
            words += &format!(", {} {verb}by {what}", number(count));
        }
        words
    }
}

/// Slots worked on and committed together; also the most that a kill can cost.
const CHUNK: usize = 64;
/// Nearest real images recorded per candidate.
const NEAREST: usize = 3;

pub(super) fn project_error(error: ProjectError) -> JobError {
    match error {
        ProjectError::ReadOnly { .. } => JobError::Input(error.to_string()),
        other => JobError::Resource(other.to_string()),
    }
}

/// Makes the candidates of a plan and puts them into the project.
///
/// # Errors
/// As [`JobError`] says. What was made before a cancel stays in the project.
pub fn generate(
    ctx: &Ctx,
    request: &GenerateRequest,
    sink: &mut dyn CandidateSink,
) -> Result<GenerateOutcome, JobError> {
    let method = find(&request.method)?;
    if method.info().makes == Kind::Repeated {
        // Nothing is made: the run stands in the project, and the slots are filled at export.
        let config = json!({ "method": request.method, "plan": request.plan, "seed": request.seed });
        let run = sink.new_run(GENERATE, &config).map_err(project_error)?;
        sink.finish(run, "finished").map_err(project_error)?;
        return Ok(GenerateOutcome { run, ..Default::default() });
    }
    let weights = request.features.as_deref().map(distances::weights).transpose()?;
    let training = request.data.training(ctx)?;
    let validation = quality::validation(ctx, request.data.dataset(), request.data.spec())?;
    let device = Compute::start(&request.device)?;
    let mobilenet = weights.map(|weights| MobileNetFeatures::new(&weights, &device));
    let model = match (&request.model, method.info().needs_training) {
        (Some(path), true) => {
            let model = method.load(path, training, &device).map_err(method_error)?;
            let counts = model.summary().get("counts").cloned().unwrap_or_default();
            if let Ok(trained) = serde_json::from_value::<Vec<usize>>(counts)
                && let Some(warning) = model_file::other_counts(&trained, &training.counts())
            {
                ctx.note(Level::Warning, warning);
            }
            model
        }
        (None, true) => {
            return Err(JobError::Input(format!(
                "{} needs a model; train one first or name its file",
                method.info().name
            )));
        }
        (_, false) => {
            let fit = FitRequest {
                training,
                validation: None,
                params: &request.params,
                seed: request.seed,
                device: &device,
                checkpoint: None,
            };
            method.fit(ctx, &fit).map_err(method_error)?
        }
    };
    let params = model.in_force(&request.params).map_err(|error| method_error(error.into()))?;
    let config = json!({
        "method": request.method,
        "model": model.summary(),
        "model_hash": model.hash(),
        "params": params,
        "plan": request.plan,
        "rejected": request.rejected,
        "spec": request.data.spec(),
        "seed": request.seed,
    });
    let run = sink.new_run(GENERATE, &config).map_err(project_error)?;
    let (validation, model, mobilenet) = (validation.as_ref(), &*model, mobilenet.as_ref());
    let mut maker =
        Maker { ctx, request, params: &params, training, validation, model, mobilenet, sink, run };
    let result = maker.all();
    let status = match &result {
        Ok(_) => "finished",
        Err(JobError::Cancelled) => "cancelled",
        Err(_) => "failed",
    };
    sink.finish(run, status).map_err(project_error)?;
    result
}

struct Maker<'a> {
    ctx: &'a Ctx,
    request: &'a GenerateRequest,
    /// In force.
    params: &'a ParamMap,
    training: &'a TrainingSet,
    /// For figures alone.
    validation: Option<&'a HeldOut>,
    model: &'a dyn Model,
    mobilenet: Option<&'a MobileNetFeatures>,
    sink: &'a mut dyn CandidateSink,
    run: RunId,
}

impl Maker<'_> {
    fn all(&mut self) -> Result<GenerateOutcome, JobError> {
        let mut outcome = GenerateOutcome { run: self.run, ..Default::default() };
        let hash = self.model.hash();
        let spaces = Spaces::new(self.model, self.training, self.mobilenet)?;
        let total = self.request.plan.total_to_make() as u64;
        let mut done = 0;
        let training = self.training;
        // The same for every class of one image.
        let of_others = LazyCell::new(|| Usual::of_others(training));
        for (class, planned) in self.request.plan.classes.iter().enumerate() {
            if planned.make == 0 {
                continue;
            }
            let stage = format!("making candidates for {}", planned.name);
            self.ctx.progress(stage.clone(), done, total);
            let neighbours = ClassNeighbours::new(self.training, class);
            let usual = match neighbours.positions() {
                [_] => *of_others,
                _ => neighbours.usual(),
            };
            let slots: Vec<u32> = (0..u32::try_from(planned.make).unwrap_or(u32::MAX)).collect();
            let (mut near_copies, mut judged) = (0, Judged::default());
            let mut pictures: Vec<Picture> = Vec::new();
            for chunk in slots.chunks(CHUNK) {
                if self.ctx.is_stopping() {
                    self.ctx.check()?;
                    self.ctx.note(Level::Info, format!("stopped and kept after {done} of {total}"));
                    return Ok(outcome);
                }
                let made = self.chunk(class, chunk, &mut judged)?;
                let room = distances::MOST.saturating_sub(pictures.len());
                pictures.extend(made.iter().take(room).map(|candidate| candidate.picture.clone()));
                let (rows, copies) = self.store(&planned.name, &hash, made, &neighbours, usual)?;
                near_copies += copies;
                rows.into_iter().for_each(|verdict| outcome.count(verdict));
                done += chunk.len() as u64;
                self.ctx.progress(stage.clone(), done, total);
            }
            if near_copies > 0 {
                let of_others = usual.is_some_and(|usual| usual.of_others);
                let of = if of_others { " of other classes" } else { "" };
                self.ctx.note(
                    Level::Warning,
                    format!(
                        "{near_copies} of {} candidates of {} are at least four times nearer to a training image than \
                         real images{of} usually are to each other: they may be copies, and are marked in Review",
                        planned.make, planned.name
                    ),
                );
            }
            outcome.near_copies += near_copies;
            let found = spaces.figures(self.ctx, class, &pictures, self.request.seed)?;
            // M2m's images are near their seed by design, so none is called a copy.
            let looked = usual.filter(|_| self.model.info().makes == Kind::Synthetic);
            let made = MadeOfClass {
                pictures: &pictures,
                count: planned.make,
                judged,
                neighbours: &neighbours,
                usual,
                near_copies: looked.map(|_| (near_copies, planned.make)),
            };
            let real = Real { training: self.training, validation: self.validation };
            let quality = quality::of_class(self.model, &real, class, &made, &found, self.request.seed)?;
            self.sink.measured(self.run, &quality).map_err(project_error)?;
            for sentence in found.iter().filter_map(ClassDistances::sentence) {
                self.ctx.note(Level::Info, sentence);
            }
            if let Some(sentence) = found.iter().find_map(ClassDistances::warning) {
                self.ctx.note(Level::Warning, sentence);
            }
            if let Some(sentence) = distances::too_few(&planned.name, quality.real as usize, pictures.len()) {
                self.ctx.note(Level::Info, sentence);
            }
            let diversity = quality.figure(DIVERSITY).map(|figure| figure.value);
            if let Some(sentence) = diversity.and_then(|value| distances::collapsed(&planned.name, value)) {
                self.ctx.note(Level::Warning, sentence);
            }
            outcome.distances.extend(found);
        }
        Ok(outcome)
    }

    /// The last attempt of each slot. What the judge says of every attempt is counted.
    fn chunk(&self, class: usize, slots: &[u32], judged: &mut Judged) -> Result<Vec<Candidate>, JobError> {
        let name = self.training.classes.get(class).map_or("", String::as_str);
        let mut made: Vec<Candidate> = Vec::with_capacity(slots.len());
        let attempts = if self.request.rejected == Rejected::Retry { RETRIES } else { 0 };
        let mut open = slots.to_vec();
        for attempt in 0..=attempts {
            let request = MethodRequest {
                training: self.training,
                class,
                slots: &open,
                attempt,
                params: self.params,
                seed: self.request.seed,
            };
            let mut receive = |candidate: Candidate| -> Result<(), MethodError> {
                judged.count(&candidate, name);
                made.retain(|old| old.slot != candidate.slot);
                made.push(candidate);
                Ok(())
            };
            self.model.generate(self.ctx, &request, &mut receive).map_err(method_error)?;
            open = made.iter().filter(|c| c.verdict != Verdict::Accepted).map(|c| c.slot).collect();
            open.sort_unstable();
            if open.is_empty() {
                break;
            }
        }
        made.sort_by_key(|candidate| candidate.slot);
        Ok(made)
    }

    /// Files first, flushed; then their rows in one transaction.
    fn store(
        &mut self,
        class: &str,
        hash: &str,
        made: Vec<Candidate>,
        neighbours: &ClassNeighbours,
        usual: Option<Usual>,
    ) -> Result<(Vec<Verdict>, usize), JobError> {
        if made.is_empty() {
            return Ok((Vec::new(), 0));
        }
        let mut files = Vec::with_capacity(made.len());
        for candidate in &made {
            let seed = candidate.seed_image.and_then(|image| self.training.paths.get(image));
            let seed_hash = seed.map(|path| self.seed_sha256(path)).transpose()?;
            let text = [
                ("Software", concat!("counterpoise ", env!("CARGO_PKG_VERSION"))),
                ("kind", candidate.kind.as_str()),
                ("method", self.request.method.as_str()),
                ("class", class),
                ("seed_sha256", seed_hash.as_deref().unwrap_or("none")),
                ("model_sha256", hash),
            ];
            let bytes = png(&candidate.picture, &text)
                .map_err(|error| JobError::Failed(format!("a candidate could not be encoded: {error}")))?;
            files.push((format!("{}-{:06}.png", candidate.class, candidate.slot), bytes, seed_hash));
        }
        let bytes: Vec<(String, Vec<u8>)> =
            files.iter().map(|(name, bytes, _)| (name.clone(), bytes.clone())).collect();
        let names = write_candidates(self.sink.project_dir(), self.run, &bytes).map_err(project_error)?;
        let verdicts = made.iter().map(|c| c.verdict).collect();
        let rows: Vec<NewCandidate> = made
            .into_iter()
            .zip(files)
            .zip(names)
            .map(|((candidate, (_, bytes, seed_sha256)), file)| {
                self.row(class, hash, candidate, file, sha256_hex(&bytes), seed_sha256, neighbours, usual)
            })
            .collect();
        let marked = |row: &&NewCandidate| row.extra.get("near_copy") == Some(&Value::Bool(true));
        let copies = rows.iter().filter(marked).count();
        self.sink.add(self.run, rows).map_err(project_error)?;
        Ok((verdicts, copies))
    }

    fn seed_sha256(&self, path: &str) -> Result<String, JobError> {
        let path = self.request.data.dataset().root.join(path);
        file_sha256(&path).map_err(|error| {
            JobError::Input(format!(
                "a seed image cannot be read any more ({error}); was the folder moved? {}",
                path.display()
            ))
        })
    }

    #[expect(clippy::too_many_arguments, reason = "one row of the store, put together in one place")]
    fn row(
        &self,
        class: &str,
        hash: &str,
        candidate: Candidate,
        file: String,
        sha256: String,
        seed_sha256: Option<String>,
        neighbours: &ClassNeighbours,
        usual: Option<Usual>,
    ) -> NewCandidate {
        let nearest = neighbours.nearest(&candidate.picture, NEAREST);
        let path = |position: usize| self.training.paths.get(position).cloned();
        let mut extra = candidate.extra;
        if let Value::Object(extra) = &mut extra {
            let list: Vec<Value> =
                nearest.iter().map(|n| json!({ "file": path(n.position), "distance": n.distance })).collect();
            extra.insert("nearest".to_owned(), Value::Array(list));
            if let Some(usual) = usual {
                extra.insert("usual_distance".to_owned(), json!(usual.median));
                extra.insert("usual_of_others".to_owned(), json!(usual.of_others));
                extra.insert("usual_closest_percent".to_owned(), json!(usual.closest_percent));
                // M2m's images are near their seed by design, and that is of another class.
                if candidate.kind == Kind::Synthetic {
                    let copy = nearest.first().is_some_and(|nearest| usual.is_near_copy(nearest.distance));
                    extra.insert("near_copy".to_owned(), json!(copy));
                }
            }
        }
        let seed_class = candidate
            .seed_image
            .and_then(|image| self.training.labels.get(image))
            .and_then(|&label| self.training.classes.get(label));
        NewCandidate {
            class: class.to_owned(),
            slot: candidate.slot,
            attempt: candidate.attempt,
            file,
            sha256,
            method: self.request.method.clone(),
            model_hash: hash.to_owned(),
            kind: candidate.kind,
            seed: self.request.seed,
            seed_file: candidate.seed_image.and_then(path),
            seed_class: seed_class.cloned(),
            seed_sha256,
            parts: candidate.parts,
            own_score: candidate.own_score,
            verdict: candidate.verdict,
            nearest_file: nearest.first().and_then(|n| path(n.position)),
            nearest_distance: nearest.first().map(|n| n.distance),
            extra,
        }
    }
}
