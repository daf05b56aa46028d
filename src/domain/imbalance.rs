//! How imbalanced a set of counts is, and class weights that answer it.
//!
//! Sources: effective number of samples, Cui et al., CVPR 2019, equations 2 and 3; `balanced` as
//! scikit-learn's `compute_class_weight`. All in f64 with `ln_1p` and `exp_m1`, because `1 - beta` loses
//! digits in f32.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Figures of a list of counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Imbalance {
    pub total: usize,
    /// Share of each class in \[0, 1\]; all zero for an empty list.
    pub shares: Vec<f64>,
    /// Largest over smallest count; `None` where a class is empty or there is none.
    pub ratio: Option<f64>,
    /// Shannon entropy of the shares over the entropy of equal shares, in \[0, 1\]; 1 is balanced. `None` for
    /// fewer than two classes or no images.
    pub entropy: Option<f64>,
}

impl Imbalance {
    pub fn of(counts: &[usize]) -> Self {
        let total: usize = counts.iter().sum();
        let shares: Vec<f64> =
            counts.iter().map(|&n| if total == 0 { 0.0 } else { n as f64 / total as f64 }).collect();
        let ratio = match (counts.iter().max(), counts.iter().min()) {
            (Some(&max), Some(&min)) if min > 0 => Some(max as f64 / min as f64),
            _ => None,
        };
        let entropy = (counts.len() > 1 && total > 0).then(|| {
            let nats: f64 = shares.iter().filter(|&&p| p > 0.0).map(|&p| -p * p.ln()).sum();
            nats / (counts.len() as f64).ln()
        });
        Imbalance { total, shares, ratio, entropy }
    }
}

/// Effective number of samples `(1 - beta^n) / (1 - beta)`, `beta` in \[0, 1\]; `n` itself for beta = 1.
pub fn effective_number(n: usize, beta: f64) -> f64 {
    if beta >= 1.0 {
        return n as f64;
    }
    if beta <= 0.0 {
        return if n == 0 { 0.0 } else { 1.0 };
    }
    let ln_beta = (-(1.0 - beta)).ln_1p();
    -(n as f64 * ln_beta).exp_m1() / (1.0 - beta)
}

/// A way to weigh classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// `N / (C n_k)`, not normalised: the mean weight of a sample is 1.
    Balanced,
    /// `1 / n_k`, scaled to sum C.
    Ins,
    /// `1 / sqrt(n_k)`, scaled to sum C.
    Isns,
    /// `1 / E_n`, scaled to sum C.
    Ens,
}

impl Scheme {
    pub const ALL: [Scheme; 4] = [Scheme::Balanced, Scheme::Ins, Scheme::Isns, Scheme::Ens];

    pub const fn as_str(self) -> &'static str {
        match self {
            Scheme::Balanced => "balanced",
            Scheme::Ins => "ins",
            Scheme::Isns => "isns",
            Scheme::Ens => "ens",
        }
    }
}

/// An unknown scheme name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown weighting scheme; use balanced, ins, isns or ens")]
pub struct SchemeError;

impl FromStr for Scheme {
    type Err = SchemeError;

    fn from_str(text: &str) -> Result<Self, SchemeError> {
        Scheme::ALL.into_iter().find(|s| s.as_str() == text).ok_or(SchemeError)
    }
}

/// Why there are no weights.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WeightsError {
    #[error("class {0} has no training image, so it has no weight; give it images or leave it out")]
    EmptyClass(usize),
    #[error("beta is {0}; it must be at least 0 and below 1")]
    Beta(f64),
}

/// One weight per class. `beta` is used by [`Scheme::Ens`] alone.
///
/// # Errors
/// A class without images, or beta outside \[0, 1).
pub fn weights(counts: &[usize], scheme: Scheme, beta: f64) -> Result<Vec<f64>, WeightsError> {
    if let Some(empty) = counts.iter().position(|&n| n == 0) {
        return Err(WeightsError::EmptyClass(empty));
    }
    if scheme == Scheme::Ens && !(0.0..1.0).contains(&beta) {
        return Err(WeightsError::Beta(beta));
    }
    let classes = counts.len() as f64;
    let total: f64 = counts.iter().sum::<usize>() as f64;
    let raw: Vec<f64> = counts
        .iter()
        .map(|&n| match scheme {
            Scheme::Balanced => total / (classes * n as f64),
            Scheme::Ins => 1.0 / n as f64,
            Scheme::Isns => 1.0 / (n as f64).sqrt(),
            Scheme::Ens => 1.0 / effective_number(n, beta),
        })
        .collect();
    if scheme == Scheme::Balanced {
        return Ok(raw);
    }
    let sum: f64 = raw.iter().sum();
    Ok(raw.into_iter().map(|w| w * classes / sum).collect())
}

/// As [`weights`] for a set in which classes may be empty: those have weight 0, and the others are weighed as if there
/// were no more (where the scheme scales, to their number).
///
/// # Errors
/// Beta outside \[0, 1).
pub fn weights_of_present(counts: &[usize], scheme: Scheme, beta: f64) -> Result<Vec<f64>, WeightsError> {
    let present: Vec<usize> = counts.iter().copied().filter(|&n| n > 0).collect();
    let mut of_present = weights(&present, scheme, beta)?.into_iter();
    Ok(counts.iter().map(|&n| if n > 0 { of_present.next().unwrap_or(0.0) } else { 0.0 }).collect())
}

/// Margins of the label-distribution-aware margin loss: `most` for the rarest class, falling with the
/// fourth root of the count, `most * (n_min / n_k)^(1/4)` (Cao et al., NeurIPS 2019; the release takes
/// 0.5).
///
/// # Errors
/// A class without images.
pub fn margins(counts: &[usize], most: f64) -> Result<Vec<f64>, WeightsError> {
    if let Some(empty) = counts.iter().position(|&n| n == 0) {
        return Err(WeightsError::EmptyClass(empty));
    }
    let least = counts.iter().copied().min().unwrap_or(1) as f64;
    Ok(counts.iter().map(|&n| most * (least / n as f64).powf(0.25)).collect())
}

/// Counts of an oversampling part of the way: the largest class stays, every other gets `n_max^(1 - power)
/// n^power` images, rounded. `power` in \[0, 1\]: 0 gives every class as many as the largest, 1 changes
/// nothing. An empty class stays empty.
pub fn raised(counts: &[usize], power: f64) -> Vec<usize> {
    part_way(counts, counts.iter().copied().max().unwrap_or(0), power)
}

/// Counts of an undersampling part of the way: the smallest class that has images stays, every other keeps
/// `n_min^(1 - power) n^power` images, rounded; `power` as in [`raised`].
pub fn lowered(counts: &[usize], power: f64) -> Vec<usize> {
    part_way(counts, counts.iter().copied().filter(|&n| n > 0).min().unwrap_or(0), power)
}

fn part_way(counts: &[usize], to: usize, power: f64) -> Vec<usize> {
    let between = |n: usize| {
        let wanted = (to as f64).powf(1.0 - power) * (n as f64).powf(power);
        (wanted.round() as usize).clamp(n.min(to), n.max(to))
    };
    counts.iter().map(|&n| if n == 0 { 0 } else { between(n) }).collect()
}

/// Counts of an exponential long tail: `floor(n_max * rho^(-k / (classes - 1)) + 1e-9)` for class k.
///
/// The direct form, not a chained product, which loses an image in the last class on some platforms; the
/// 1e-9 keeps exact powers whole. One class gets `n_max`. `rho` is the imbalance ratio, at least 1.
pub fn long_tail_counts(n_max: usize, classes: usize, rho: f64) -> Vec<usize> {
    let steps = classes.saturating_sub(1).max(1) as f64;
    (0..classes).map(|k| (n_max as f64 * rho.powf(-(k as f64) / steps) + 1e-9).floor() as usize).collect()
}
