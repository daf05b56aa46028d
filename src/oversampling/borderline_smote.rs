//! Borderline-SMOTE: images are made from those of a class alone that lie on its border to other classes.
//!
//! Source: Han, Wang and Mao, "Borderline-SMOTE: A New Over-Sampling Method in Imbalanced Data Sets Learning", ICIC
//! 2005, for rows of features that are given ([`super::rows::borderline`] has the rule and where it differs). The
//! spaces in which an image is a row are those of `generative::space`. A class without an image on the border is
//! filled by plain SMOTE, and this is said.

use burn::tensor::Device;
use serde_json::Value;

use super::generative::space::{self, Rule, family_params};
use super::generative::{Generative, Learner, Maker, Setup};
use super::params::ParamKind;
use super::rows::borderline;
use super::{FitRequest, MethodError, MethodInfo, ParamInfo, ParamMap, ParamsError};
use crate::domain::provenance::Kind;
use crate::domain::task::Ctx;
use crate::nn::weights::Weights;

/// The method.
pub struct BorderlineSmote;

static INFO: MethodInfo = MethodInfo {
    id: "borderline-smote",
    name: "Borderline-SMOTE",
    summary: "SMOTE that begins at images on the border to other classes alone.",
    hint: "As SMOTE, but from those images alone that lie close to another class.",
    paper: Some(
        "Han, Wang and Mao, \"Borderline-SMOTE: A New Over-Sampling Method in Imbalanced Data Sets \
         Learning\", ICIC 2005",
    ),
    needs_training: true,
    makes: Kind::Synthetic,
    has_prior: false,
    fixed: &[("Adam's betas", "0.9 and 0.999", "ours: PyTorch's defaults")],
};

family_params! {
    /// Parameters of Borderline-SMOTE.
    pub struct Params {
        /// Rule 1 mixes an image on the border with the nearest of its class; rule 2 with the nearest of all, and goes
        /// less than half of the way towards one of another class.
        kind: u32 = 1, "kind", "Rule", "imbalanced-learn code: 1", ParamKind::Int { min: 1, max: 2 },
        "Making", making;
        /// Nearest images that one on the border may be mixed with.
        neighbours: u32 = 5, "neighbours", "Neighbours k", "imbalanced-learn code: 5",
        ParamKind::Int { min: 1, max: 100 }, "Making", making;
        /// Nearest images of all that say whether one lies on the border: half of them or more are of other classes,
        /// but not all.
        border_neighbours: u32 = 10, "border-neighbours", "Neighbours m", "imbalanced-learn code: 10",
        ParamKind::Int { min: 1, max: 100 }, "Making", making;
    }
}

impl Params {
    /// The rule that parameters say.
    fn rule(params: &ParamMap) -> Result<Rule, ParamsError> {
        let params = Params::from_map(params)?;
        let kind = if params.kind == 2 { borderline::Kind::Two } else { borderline::Kind::One };
        Ok(Rule::Borderline { kind, m: params.border_neighbours as usize, k: params.neighbours as usize })
    }
}

impl Generative for BorderlineSmote {
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
