//! What a treatment comes down to in a training: a way of drawing, a loss, weights, a blend, each before and
//! after the deferral.

use super::threshold::Rescale;
use super::{Given, Kind, Treatment};
use crate::classify::objective::{ClassWeights, Loss, Objective};
use crate::domain::imbalance::{Scheme, WeightsError, margins, weights};

/// How training images are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// Each image once an epoch.
    Natural,
    /// The same over all images and as many repeats as each class needs to have as many as the largest.
    Oversampled,
    /// The same over as many images of each class as the smallest has.
    Undersampled,
    /// A class of equal chance, then an image of it.
    ClassAware,
}

/// One training. Two treatments with the same recipe train the same network.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Before and after the deferral.
    pub draw: [Draw; 2],
    /// Before and after the deferral.
    pub objective: [Objective; 2],
    /// Alpha of Mixup.
    pub mixup: Option<f64>,
    /// Start bias of the last layer, which does not decay.
    pub start_bias: Option<f64>,
}

/// The start bias of the last layer under logistic losses, `-ln(C - 1)`: each class then begins with the
/// probability 1 / C, and the many wrong classes of an image do not drown the right one (Cui et al., CVPR
/// 2019). 0 for fewer than two classes.
pub fn start_bias(classes: usize) -> f64 {
    // The logarithm of the inverse, so that two classes give 0 and not -0.
    (1.0 / classes.saturating_sub(1).max(1) as f64).ln()
}

impl Recipe {
    fn plain() -> Self {
        Recipe {
            draw: [Draw::Natural; 2],
            objective: [Objective::default(), Objective::default()],
            mixup: None,
            start_bias: None,
        }
    }

    fn drawn(before: Draw, after: Draw) -> Self {
        Recipe { draw: [before, after], ..Recipe::plain() }
    }

    fn losing(loss: Loss, before: ClassWeights, after: ClassWeights) -> Self {
        let objective =
            [Objective { loss: loss.clone(), weights: before }, Objective { loss, weights: after }];
        Recipe { objective, ..Recipe::plain() }
    }

    fn weighed(loss: Loss, by: ClassWeights) -> Self {
        Recipe::losing(loss, by.clone(), by)
    }
}

impl Treatment {
    /// What it trains on these counts of training images.
    ///
    /// # Errors
    /// A class without images, where the treatment divides by its count.
    pub fn recipe(&self, counts: &[usize]) -> Result<Recipe, WeightsError> {
        let beta = self.number("beta");
        let effective = || weights(counts, Scheme::Ens, beta).map(ClassWeights::Fixed);
        let logistic = |recipe: Recipe| Recipe { start_bias: Some(start_bias(counts.len())), ..recipe };
        let margin = || {
            let margins = margins(counts, self.number("margin"));
            margins.map(|margins| Loss::Margin { margins, scale: self.number("scale") })
        };
        let equal = ClassWeights::Equal;
        let plain = Loss::CrossEntropy;
        Ok(match self.info.kind {
            Kind::None | Kind::Threshold => Recipe::plain(),
            Kind::Oversample => Recipe::drawn(Draw::Oversampled, Draw::Oversampled),
            Kind::Undersample => Recipe::drawn(Draw::Undersampled, Draw::Undersampled),
            Kind::ClassAware => Recipe::drawn(Draw::ClassAware, Draw::ClassAware),
            Kind::DeferredSampling => Recipe::drawn(Draw::Natural, Draw::ClassAware),
            Kind::Weights(scheme) => {
                let fixed = weights(counts, scheme, beta)?;
                let by_batch = matches!(self.given("counts"), Some(Given::Word("batch")));
                let by = if by_batch {
                    ClassWeights::OfBatch { scheme, beta }
                } else {
                    ClassWeights::Fixed(fixed)
                };
                Recipe::weighed(plain, by)
            }
            Kind::BalancedSoftmax => Recipe::weighed(plain, effective()?),
            Kind::BalancedSigmoid => {
                logistic(Recipe::weighed(Loss::OneAgainstAll { focusing: 0.0 }, effective()?))
            }
            Kind::BalancedFocal => {
                let loss = Loss::OneAgainstAll { focusing: self.number("focusing") };
                logistic(Recipe::weighed(loss, effective()?))
            }
            Kind::Focal => Recipe::weighed(Loss::Focal { focusing: self.number("focusing") }, equal),
            Kind::Margin => Recipe::weighed(margin()?, equal),
            Kind::MarginDeferred => Recipe::losing(margin()?, equal, effective()?),
            Kind::DeferredWeights => Recipe::losing(plain, equal, effective()?),
            Kind::Mixup => Recipe { mixup: Some(self.number("alpha")), ..Recipe::plain() },
            Kind::MixupDeferred => {
                let recipe = Recipe::losing(plain, equal, effective()?);
                Recipe { mixup: Some(self.number("alpha")), ..recipe }
            }
        })
    }

    /// What it does to the probabilities of a classifier that was trained on these counts.
    pub fn rescaling(&self, counts: &[usize]) -> Option<Rescale> {
        if self.info.kind != Kind::Threshold {
            return None;
        }
        let shares = |of: &[f64]| {
            let sum: f64 = of.iter().sum();
            of.iter().map(|share| share / sum).collect::<Vec<f64>>()
        };
        let prior = shares(&counts.iter().map(|&n| n as f64).collect::<Vec<f64>>());
        let target = match self.given("prior") {
            Some(Given::Shares(target)) => shares(target),
            _ => shares(&vec![1.0; counts.len()]),
        };
        Some(Rescale { prior, target, strength: self.number("strength") })
    }
}
