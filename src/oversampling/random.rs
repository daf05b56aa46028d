//! Random oversampling: no image is made; each slot is filled by a byte copy of a training image.
//!
//! The baseline every other method must beat. It makes no candidates, so every slot falls to the rule for empty
//! slots, which for this method is always a repeat.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    Candidate, FitRequest, GenerateRequest, MethodError, MethodInfo, Model, Oversampler, ParamInfo, ParamMap,
    ParamsError, params,
};
use crate::domain::provenance::Kind;
use crate::domain::task::Ctx;
use crate::imaging::training_set::TrainingSet;
use crate::nn::ComputeDevice;

/// The method.
pub struct RandomOversampling;

static INFO: MethodInfo = MethodInfo {
    id: "random",
    name: "Random oversampling",
    summary: "Repeats training images until each class has its target; makes nothing new.",
    hint: "Repeats real images: nothing is made, and nothing is learnt.",
    paper: None,
    needs_training: false,
    makes: Kind::Repeated,
    has_prior: false,
    fixed: &[],
};

impl Oversampler for RandomOversampling {
    fn info(&self) -> &'static MethodInfo {
        &INFO
    }

    fn param_table(&self) -> &'static [ParamInfo] {
        &[]
    }

    fn prior_beta(&self, params: &ParamMap) -> Result<Option<f64>, ParamsError> {
        params::complete(&[], params).map(|_| None)
    }

    fn fit(&self, ctx: &Ctx, request: &FitRequest<'_>) -> Result<Box<dyn Model>, MethodError> {
        ctx.check()?;
        params::complete(&[], request.params)?;
        Ok(Box::new(Repeater))
    }

    fn load(&self, path: &Path, _: &TrainingSet, _: &ComputeDevice) -> Result<Box<dyn Model>, MethodError> {
        let reason = "random oversampling has no model file; leave --model out".to_owned();
        Err(MethodError::Model { reason, path: path.to_owned() })
    }
}

struct Repeater;

impl Model for Repeater {
    fn info(&self) -> &'static MethodInfo {
        &INFO
    }

    fn hash(&self) -> String {
        String::new()
    }

    fn save(&self, path: &Path) -> Result<(), MethodError> {
        let reason = "random oversampling has no model to save; use balance directly".to_owned();
        Err(MethodError::Model { reason, path: path.to_owned() })
    }

    fn summary(&self) -> Value {
        json!({ "method": INFO.id })
    }

    fn in_force(&self, given: &ParamMap) -> Result<ParamMap, ParamsError> {
        params::complete(&[], given)
    }

    fn generate(
        &self,
        ctx: &Ctx,
        _: &GenerateRequest<'_>,
        _: &mut dyn FnMut(Candidate) -> Result<(), MethodError>,
    ) -> Result<(), MethodError> {
        Ok(ctx.check()?)
    }
}
