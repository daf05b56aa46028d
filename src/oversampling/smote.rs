//! SMOTE: rows on the lines between an image and its nearest of the class, in a space of one's choice.
//!
//! Source: Chawla, Bowyer, Hall and Kegelmeyer, "SMOTE: Synthetic Minority Over-sampling Technique", JAIR 16, 2002, for
//! rows of features that are given ([`super::rows::smote`]). A picture is no such row by itself; the spaces in which it
//! becomes one are those of `generative::space`.

use burn::tensor::Device;
use serde_json::Value;

use super::generative::space::{self, Rule, family_params};
use super::generative::{Generative, Learner, Maker, Setup};
use super::params::ParamKind;
use super::{FitRequest, MethodError, MethodInfo, ParamInfo, ParamMap, ParamsError};
use crate::domain::provenance::Kind;
use crate::domain::task::Ctx;
use crate::nn::weights::Weights;

/// The method.
pub struct Smote;

static INFO: MethodInfo = MethodInfo {
    id: "smote",
    name: "SMOTE",
    summary: "Mixes each image with one of its nearest in the class, in codes, features or pixels.",
    hint: "Blends an image with one that is much like it, of the same class.",
    paper: Some(
        "Chawla, Bowyer, Hall and Kegelmeyer, \"SMOTE: Synthetic Minority Over-sampling Technique\", \
         JAIR 16, 2002",
    ),
    needs_training: true,
    makes: Kind::Synthetic,
    has_prior: false,
    fixed: &[("Adam's betas", "0.9 and 0.999", "ours: PyTorch's defaults")],
};

family_params! {
    /// Parameters of SMOTE.
    pub struct Params {
        /// Nearest images of the class that an image may be mixed with.
        neighbours: u32 = 5, "neighbours", "Neighbours k", "paper: 5",
        ParamKind::Int { min: 1, max: 100 }, "Making", making;
    }
}

impl Params {
    /// The rule that parameters say.
    fn rule(params: &ParamMap) -> Result<Rule, ParamsError> {
        let params = Params::from_map(params)?;
        Ok(Rule::Smote { k: params.neighbours as usize })
    }
}

impl Generative for Smote {
    fn info(&self) -> &'static MethodInfo {
        &INFO
    }

    fn param_table(&self) -> &'static [ParamInfo] {
        Params::table()
    }

    fn setup(&self, ctx: &Ctx, request: &FitRequest<'_>) -> Result<(Setup, Box<dyn Learner>), MethodError> {
        let params = Params::from_map(request.params)?;
        space::setup(ctx, request, &params, Params::rule)
    }

    fn maker(
        &self,
        networks: &Value,
        weights: &Weights,
        params: &ParamMap,
        device: &Device,
    ) -> Result<Box<dyn Maker>, String> {
        let params = Params::from_map(params).map_err(|error| error.to_string())?;
        space::maker(networks, weights, params.space, Params::rule, device)
    }
}
