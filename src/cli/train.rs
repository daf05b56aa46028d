//! `counterpoise train`: a model file from the training images of a folder.

use std::sync::Arc;

use serde_json::json;

use super::args::TrainArgs;
use super::output::Outcome;
use super::terminal::Terminal;
use super::{Result, input};
use crate::jobs;
use crate::jobs::train::{TrainRequest, checkpoint_of};
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
    let outcome = terminal.job("train", move |ctx| jobs::train::train(ctx, &request))?;
    let model = outcome.model.display().to_string();
    let text = format!("The model was written; its hash is {}: {model}", outcome.hash);
    let object = json!({ "model": model, "model_hash": outcome.hash, "summary": outcome.summary });
    Ok(Outcome::new(object, text))
}
