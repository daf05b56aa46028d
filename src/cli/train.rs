//! `counterpoise train`: a model file from the training images of a folder; with `--keep` also from a training that
//! Ctrl-C cut short.

use std::sync::Arc;

use serde_json::json;

use super::args::TrainArgs;
use super::output::Outcome;
use super::terminal::Terminal;
use super::{Failure, INTERRUPTED, Result, input};
use crate::domain::task::Ctx;
use crate::jobs::train::{TrainRequest, checkpoint_of};
use crate::jobs::{self, JobError};
use crate::oversampling::ParamMap;

pub fn run(args: TrainArgs, params: &ParamMap, terminal: &Terminal) -> Result<Outcome> {
    let method = input::method(&args.method.method)?;
    input::beta(method, params)?;
    let mut images = input::images(&args.folder, &args.common, method, terminal)?;
    let dataset = std::mem::take(&mut images.dataset);
    let spec = input::spec(&dataset, &args.common);
    let request = TrainRequest {
        data: Arc::new(images.into_data(dataset, spec, true)),
        method: args.method.method,
        params: params.clone(),
        device: args.common.device,
        seed: args.common.seed,
        checkpoint: checkpoint_of(&args.model),
        model: args.model,
    };
    let checkpoint = request.checkpoint.clone();
    let work = move |ctx: &Ctx| jobs::train::train(ctx, &request);
    let outcome = if args.keep {
        let (result, stopped) = terminal.job_or_keep("train", work);
        result.map_err(|error| match error {
            // Too early for a model; what was learnt until then is saved.
            JobError::Failed(message) if stopped && checkpoint.exists() => {
                Failure { code: INTERRUPTED, message }
            }
            error => error.into(),
        })?
    } else {
        terminal.job("train", work)?
    };
    let model = outcome.model.display().to_string();
    let written = format!("The model was written; its hash is {}: {model}", outcome.hash);
    let text = match &outcome.stopped {
        Some(place) => format!(
            "Stopped and kept: {place}. Its figures are those of an unfinished training; the same call goes on from \
             {}\n{written}",
            checkpoint.display()
        ),
        None => written,
    };
    let object = json!({
        "model": model,
        "model_hash": outcome.hash,
        "stopped": outcome.stopped,
        "summary": outcome.summary,
    });
    let mut shown = Outcome::new(object, text);
    if outcome.stopped.is_some() {
        shown.code = INTERRUPTED;
    }
    Ok(shown)
}
