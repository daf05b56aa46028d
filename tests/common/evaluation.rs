//! Small comparisons: the request that tests change one thing of.
#![allow(dead_code)]

use std::path::PathBuf;
use std::sync::Arc;

use counterpoise::classify::batches::Augment;
use counterpoise::domain::plan::Target;
use counterpoise::domain::samples::Dataset;
use counterpoise::imaging::resize::Fit;
use counterpoise::imaging::training_set::Spec;
use counterpoise::jobs::evaluate::{Budget, Choice, EvaluateRequest};

use crate::place::SIDE;

/// Six steps of the small network on the processor, under seeds 5 and 6.
pub fn request(dataset: Dataset, treatments: &[&str], out: Option<PathBuf>) -> EvaluateRequest {
    let spec = Spec::of(&dataset, Some(SIDE), Fit::default());
    let choice = Choice {
        treatments: treatments.iter().map(|name| (*name).to_owned()).collect(),
        folders: Vec::new(),
        seed: 5,
        seeds: 2,
        budget: Budget::Steps(6),
        network: Some("small".to_owned()),
        device: "cpu".to_owned(),
        target: Target::Max,
        generator_epochs: None,
        augment: Augment::default(),
        folds: None,
        made_alone: false,
    };
    EvaluateRequest { out, ..EvaluateRequest::new(Arc::new(dataset), spec, choice) }
}

/// The same with another choice.
pub fn chosen(mut request: EvaluateRequest, change: impl FnOnce(&mut Choice)) -> EvaluateRequest {
    change(&mut request.choice);
    request
}
