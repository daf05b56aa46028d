//! `counterpoise features`: what classifier g of a model sees of a project's images, as points in the plane.

use std::sync::Arc;

use serde_json::json;

use super::args::FeatureMapArgs;
use super::output::{Outcome, rounded};
use super::terminal::Terminal;
use super::{Result, input};
use crate::domain::numbers::counted;
use crate::domain::splits::Split;
use crate::evaluation::projection::tsne::Settings;
use crate::evaluation::projection::{Caption, Origin, Projector};
use crate::imaging::training_set::Spec;
use crate::jobs::model::look;
use crate::jobs::projection::{ProjectionRequest, projection_into};
use crate::jobs::training_data::TrainingData;
use crate::project::Project;

/// The word for t-SNE on the command line.
const TSNE: &str = "tsne";
/// What `--projector` takes.
pub const PROJECTORS: [&str; 2] = ["pca", TSNE];
/// Decimals of a figure in JSON.
const DIGITS: i32 = 4;

pub fn run(args: FeatureMapArgs, terminal: &Terminal) -> Result<Outcome> {
    input::refuse_existing(&args.out)?;
    let mut project = Project::open_read_only(&args.project)?;
    project.find_source(None)?;
    let (dataset, settings) = (project.dataset()?, project.settings()?);
    let spec = Spec::of(&dataset, args.common.size.or(settings.size), settings.fit);
    let model = look(&args.model, &dataset, &spec)?;
    let projector = if args.projector == TSNE {
        Projector::Tsne(Settings { seed: args.common.seed, ..Settings::default() })
    } else {
        Projector::Pca
    };
    let request = ProjectionRequest {
        data: Arc::new(TrainingData::new(dataset, spec)),
        project: args.project,
        method: model.method,
        model: args.model,
        held_out: args.held_out.as_deref().and_then(Split::parse),
        per_class: args.per_class as usize,
        projector,
        device: args.common.device,
    };
    let place = args.out.display().to_string();
    let drawn = terminal.job("features", move |ctx| projection_into(ctx, &request, &args.out))?;
    let points = &drawn.projection.points;
    let of = |origin: Origin| points.iter().filter(|point| point.origin == origin).count();
    let figures = match drawn.projection.caption {
        Caption::Pca { shares } => json!({ "variance": shares.map(|share| rounded(share, DIGITS)) }),
        Caption::Tsne { perplexity, iterations, divergence, components, share } => json!({
            "perplexity": rounded(perplexity, DIGITS),
            "iterations": iterations,
            "divergence": rounded(divergence, DIGITS),
            "components": components,
            "variance": rounded(share, DIGITS),
        }),
    };
    let words = drawn.projection.caption.sentences().join(" ");
    let text = format!(
        "{} by {}: {} real, {} held-out, {} made. {words}\nThe points and their picture are in {place}",
        counted(points.len(), "image", "images"),
        projector.name(),
        of(Origin::Real),
        of(Origin::HeldOut),
        of(Origin::Made)
    );
    let object = json!({
        "out": place,
        "projector": args.projector,
        "per_class": drawn.per_class,
        "points": points.len(),
        "real": of(Origin::Real),
        "held_out": of(Origin::HeldOut),
        "made": of(Origin::Made),
        "figures": figures,
    });
    Ok(Outcome::new(object, text))
}
