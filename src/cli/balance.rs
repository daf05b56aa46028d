//! `counterpoise balance`: train or load, make images, let the method's test decide, export, in one go.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::args::{BalanceArgs, Common};
use super::input::{self, Images};
use super::output::{Outcome, exported_classes, exported_table};
use super::terminal::Terminal;
use super::{Failure, Result};
use crate::export::{ExportReport, Originals};
use crate::jobs;
use crate::jobs::export::{ExportJob, Undecided};
use crate::jobs::generate::{GenerateOutcome, GenerateRequest};
use crate::jobs::train::{TrainRequest, checkpoint_of};
use crate::oversampling::ParamMap;
use crate::project::{Project, RunId, default_place};

pub fn run(args: BalanceArgs, params: &ParamMap, terminal: &Terminal) -> Result<Outcome> {
    input::refuse_existing(&args.out)?;
    let method = input::method(&args.method.method)?;
    input::beta(method, params)?;
    input::check_features(args.features.features.as_deref())?;
    let images = input::images(&args.folder, &args.common, method, terminal)?;
    let place = match args.project {
        Some(place) => place,
        None => default_place::for_source(&images.dataset.source())?,
    };
    let whole = Whole {
        method: args.method.method,
        params: params.clone(),
        place,
        model: args.model,
        features: args.features.features,
        out: args.out,
        originals: args.originals.originals,
    };
    whole.run(images, &args.common, terminal)
}

/// The whole way from a data set to an exported folder.
pub struct Whole {
    /// Method id.
    pub method: String,
    pub params: ParamMap,
    /// The project that keeps the candidates.
    pub place: PathBuf,
    /// Trained first where there is none and the method needs one.
    pub model: Option<PathBuf>,
    /// A weights file of MobileNet to measure the made images with.
    pub features: Option<PathBuf>,
    pub out: PathBuf,
    pub originals: Originals,
}

impl Whole {
    pub fn run(self, images: Images, common: &Common, terminal: &Terminal) -> Result<Outcome> {
        input::beta(input::method(&self.method)?, &self.params)?;
        // Before hours of training.
        jobs::export::check_target(&self.out, &images.dataset)?;
        let project = input::project_for(&self.place, &images.dataset)?;
        let before = project.latest_run()?;
        let place = self.place.clone();
        let mut trained = None;
        let done = self.work(project, images, common, terminal, &mut trained);
        done.map_err(|failure| with_what_is_left(failure, &place, trained.as_deref(), before))
    }

    /// All that is done with the project; `trained` is the model once it is there.
    fn work(
        self,
        mut project: Project,
        images: Images,
        common: &Common,
        terminal: &Terminal,
        trained: &mut Option<PathBuf>,
    ) -> Result<Outcome> {
        let method = input::method(&self.method)?;
        let beta = input::beta(method, &self.params)?;
        project.set_settings(&input::settings(&self.method, &self.params, common))?;
        // With the edits that the project already has.
        let dataset = project.dataset()?;
        let plan = input::plan(&dataset, common, beta)?;
        let spec = input::spec(&dataset, common);
        let needs_model = method.info().needs_training && plan.total_to_make() > 0;
        let to_train = needs_model && self.model.is_none();
        // One for both jobs, so that what was decoded for training is there for generating.
        let data = Arc::new(images.into_data(dataset, spec, to_train));
        let rejected = common.rejected.unwrap_or_default();

        let model = if !needs_model {
            None
        } else if let Some(model) = self.model {
            Some(model)
        } else {
            let model = project.model_path(&format!("{}.safetensors", self.method))?;
            let request = TrainRequest {
                data: data.clone(),
                method: self.method.clone(),
                params: self.params.clone(),
                device: common.device.clone(),
                seed: common.seed,
                checkpoint: checkpoint_of(&model),
                model: model.clone(),
            };
            terminal.job("train", move |ctx| jobs::train::train(ctx, &request))?;
            *trained = Some(model.clone());
            Some(model)
        };
        let generate = (plan.total_to_make() > 0).then(|| GenerateRequest {
            data,
            plan,
            rejected,
            method: self.method,
            params: self.params,
            model,
            features: self.features,
            device: common.device.clone(),
            seed: common.seed,
        });
        let job = ExportJob {
            project: self.place.clone(),
            out: self.out,
            originals: self.originals,
            undecided: Undecided::Verdict,
            rejected,
        };
        let (made, report) = terminal.job("balance", move |ctx| {
            // The request ends with its arm, so that the export does not hold the decoded images.
            let made = match generate {
                Some(request) => {
                    let made = jobs::generate::generate(ctx, &request, &mut project)?;
                    project.decide_by_verdict(made.run)?;
                    made
                }
                None => GenerateOutcome::default(),
            };
            let report = jobs::export::export(ctx, &job, &project)?;
            Ok((made, report))
        })?;
        Ok(outcome(&made, &report, &self.place.display().to_string()))
    }
}

/// Adds where the project is, and how to go on with what this call left in it. `before` is the newest run from before
/// the call.
fn with_what_is_left(
    mut failure: Failure,
    place: &Path,
    trained: Option<&Path>,
    before: Option<RunId>,
) -> Failure {
    let place_words = place.display();
    let made = Project::open_read_only(place).and_then(|project| project.latest_run());
    if made.is_ok_and(|run| run != before) {
        failure.message += &format!(
            "\nIts candidates are kept: `counterpoise export {place_words} --out NEW --undecided verdict` exports them."
        );
    }
    if let Some(model) = trained {
        failure.message +=
            &format!("\nThe model is kept: with `--model {}` balance does not train again.", model.display());
    }
    failure.message += &format!("\nThe project is in {place_words}");
    failure
}

fn outcome(made: &GenerateOutcome, report: &ExportReport, place: &str) -> Outcome {
    let out = report.out.display().to_string();
    let text = format!(
        "{}\n{} candidates: {}.\n\
         The candidates are in {place}\n\
         {} files were written and verified: {out}",
        exported_table(report),
        made.candidates,
        made.verdicts(|count| count.to_string()),
        report.files,
    );
    let object = json!({
        "out": out,
        "candidates": made.candidates,
        "accepted": made.accepted,
        "rejected": made.rejected,
        "near_copies": made.near_copies,
        "distances": made.distances.iter().map(|of| of.json()).collect::<Vec<_>>(),
        "classes": exported_classes(report),
        "project": place,
        "files": report.files,
        "warnings": report.warnings,
    });
    Outcome::new(object, text)
}
