//! Threshold scaling: probabilities of a classifier that learnt other shares of the classes than it will
//! meet.

use serde::{Deserialize, Serialize};

/// A correction of probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rescale {
    /// Shares of the classes that the classifier learnt from, each above 0.
    pub prior: Vec<f64>,
    /// Shares of the classes where it is used.
    pub target: Vec<f64>,
    /// Power of the correction in \[0, 1\].
    pub strength: f64,
}

impl Rescale {
    /// The corrected probabilities of one image.
    pub fn of(&self, probabilities: &[f64]) -> Vec<f64> {
        rescale(probabilities, &self.prior, &self.target, self.strength)
    }
}

/// `p_k (target_k / prior_k)^strength`, scaled to the sum 1.
///
/// With strength 1 it is Bayes' rule for a change of the classes' shares alone (Saerens et al. 2002); with
/// equal targets the first class of the result is that of the logits minus `strength ln prior` (Menon et al.,
/// ICLR 2021). For two classes and equal targets the rare one is said where its probability exceeds its
/// prior. Left as they are where nothing is left to scale: every probability that is not 0 has the target 0.
pub fn rescale(probabilities: &[f64], prior: &[f64], target: &[f64], strength: f64) -> Vec<f64> {
    let factors = target.iter().zip(prior).map(|(target, prior)| (target / prior).powf(strength));
    let scaled: Vec<f64> = probabilities.iter().zip(factors).map(|(p, factor)| p * factor).collect();
    let sum: f64 = scaled.iter().sum();
    if sum > 0.0 && sum.is_finite() {
        scaled.into_iter().map(|p| p / sum).collect()
    } else {
        probabilities.to_vec()
    }
}
