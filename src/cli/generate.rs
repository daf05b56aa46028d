//! `counterpoise generate`: candidates into a project, for a person to decide.

use std::sync::Arc;

use serde_json::json;

use super::args::GenerateArgs;
use super::output::Outcome;
use super::terminal::Terminal;
use super::{Result, input};
use crate::domain::numbers::counted;
use crate::jobs;
use crate::jobs::generate::GenerateRequest;
use crate::oversampling::ParamMap;

pub fn run(args: GenerateArgs, params: &ParamMap, terminal: &Terminal) -> Result<Outcome> {
    let method = input::method(&args.method.method)?;
    let beta = input::beta(method, params)?;
    input::check_features(args.features.features.as_deref())?;
    let images = input::images(&args.folder, &args.common, method, terminal)?;
    let mut project = input::project_for(&args.project, &images.dataset)?;
    project.set_settings(&input::settings(&args.method.method, params, &args.common))?;
    // With the edits that the project already has.
    let dataset = project.dataset()?;
    let plan = input::plan(&dataset, &args.common, beta)?;
    let spec = input::spec(&dataset, &args.common);
    let request = GenerateRequest {
        data: Arc::new(images.into_data(dataset, spec, false)),
        plan,
        rejected: args.common.rejected.unwrap_or_default(),
        method: args.method.method,
        params: params.clone(),
        model: args.model,
        features: args.features.features,
        device: args.common.device,
        seed: args.common.seed,
    };
    let made = terminal.job("generate", move |ctx| jobs::generate::generate(ctx, &request, &mut project))?;
    let place = args.project.display().to_string();
    let text = format!(
        "{}: {}.\n\
         Look at them with `counterpoise {place}`, or list them with `counterpoise candidates {place}`.",
        counted(made.candidates, "candidate", "candidates"),
        made.verdicts(|count| count.to_string())
    );
    let object = json!({
        "project": place,
        "run": made.run,
        "candidates": made.candidates,
        "accepted": made.accepted,
        "rejected": made.rejected,
        "distances": made.distances.iter().map(|of| of.json()).collect::<Vec<_>>(),
    });
    Ok(Outcome::new(object, text))
}
