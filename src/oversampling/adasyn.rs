//! ADASYN: the more images of other classes lie around an image, the more are made from it.
//!
//! Source: He, Bai, Garcia and Li, "ADASYN: Adaptive Synthetic Sampling Approach for Imbalanced Learning", IJCNN
//! 2008, for rows of features that are given ([`super::rows::adasyn`] has the rule and where it differs). The spaces
//! in which an image is a row are those of `generative::space`. A class that has no image of another one among the
//! nearest of its images is filled by plain SMOTE, and this is said.

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
pub struct Adasyn;

static INFO: MethodInfo = MethodInfo {
    id: "adasyn",
    name: "ADASYN",
    summary: "SMOTE that makes more from those images that have more of other classes around them.",
    hint: "As SMOTE, and more where images of other classes are near.",
    paper: Some(
        "He, Bai, Garcia and Li, \"ADASYN: Adaptive Synthetic Sampling Approach for Imbalanced Learning\", \
         IJCNN 2008",
    ),
    needs_training: true,
    makes: Kind::Synthetic,
    has_prior: false,
    fixed: &[("Adam's betas", "0.9 and 0.999", "ours: PyTorch's defaults")],
};

family_params! {
    /// Parameters of ADASYN.
    pub struct Params {
        /// Nearest images of the class that an image may be mixed with, and nearest of all that say how many are made
        /// from it.
        neighbours: u32 = 5, "neighbours", "Neighbours k", "imbalanced-learn code: 5",
        ParamKind::Int { min: 1, max: 100 }, "Making", making;
    }
}

impl Params {
    /// The rule that parameters say.
    fn rule(params: &ParamMap) -> Result<Rule, ParamsError> {
        let params = Params::from_map(params)?;
        Ok(Rule::Adasyn { k: params.neighbours as usize })
    }
}

impl Generative for Adasyn {
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
