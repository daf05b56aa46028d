//! What a treatment comes down to in a training: a way of drawing, a loss, weights, a blend, each before and
//! after the deferral.

use super::threshold::Rescale;
use super::{Given, Kind, One, Part, Treatment};
use crate::classify::objective::{ClassWeights, Loss, Objective};
use crate::domain::imbalance::{Scheme, WeightsError, lowered, margins, raised, weights};

/// How training images are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Draw {
    /// Each image once an epoch.
    Natural,
    /// The same over all images and as many repeats as each class needs to have as many as the largest.
    Oversampled,
    /// The same over as many images of each class as the smallest has.
    Undersampled,
    /// As oversampled, but part of the way ([`raised`]).
    Raised { power: f64 },
    /// As undersampled, but part of the way ([`lowered`]).
    Lowered { power: f64 },
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

    /// The shares of the classes that a network has learnt from in the end, with the sum 1: of the images
    /// drawn, each counted with its weight. `None` where the weights come from each batch.
    pub fn shares(&self, counts: &[usize]) -> Option<Vec<f64>> {
        let numbers = |of: Vec<usize>| of.into_iter().map(|n| n as f64).collect::<Vec<f64>>();
        let drawn: Vec<f64> = match self.draw[1] {
            Draw::Natural => numbers(counts.to_vec()),
            Draw::Raised { power } => numbers(raised(counts, power)),
            Draw::Lowered { power } => numbers(lowered(counts, power)),
            Draw::Oversampled | Draw::Undersampled | Draw::ClassAware => {
                numbers(counts.iter().map(|&n| n.min(1)).collect())
            }
        };
        let weighed: Vec<f64> = match &self.objective[1].weights {
            ClassWeights::Equal => drawn,
            ClassWeights::Fixed(weights) => drawn.iter().zip(weights).map(|(n, weight)| n * weight).collect(),
            ClassWeights::OfBatch { .. } => return None,
        };
        Some(shared(&weighed))
    }
}

impl One {
    /// What it trains on these counts, everything that it does not change as in plain training.
    fn recipe(&self, counts: &[usize]) -> Result<Recipe, WeightsError> {
        let beta = self.number("beta");
        let effective = || weights(counts, Scheme::Ens, beta).map(ClassWeights::Fixed);
        let logistic = |recipe: Recipe| Recipe { start_bias: Some(start_bias(counts.len())), ..recipe };
        let margin = || {
            let margins = margins(counts, self.number("margin"));
            margins.map(|margins| Loss::Margin { margins, scale: self.number("scale") })
        };
        // Weights for the counts that a resampling leaves.
        let mixed = |draw: Draw, left: Vec<usize>| -> Result<Recipe, WeightsError> {
            let by = weights(&left, Scheme::Balanced, beta).map(ClassWeights::Fixed)?;
            Ok(Recipe { draw: [draw; 2], ..Recipe::weighed(Loss::CrossEntropy, by) })
        };
        let equal = ClassWeights::Equal;
        let plain = Loss::CrossEntropy;
        Ok(match self.info.kind {
            Kind::None | Kind::Threshold | Kind::EasyEnsemble | Kind::BalanceCascade => Recipe::plain(),
            Kind::Oversample => Recipe::drawn(Draw::Oversampled, Draw::Oversampled),
            Kind::Undersample => Recipe::drawn(Draw::Undersampled, Draw::Undersampled),
            Kind::ClassAware => Recipe::drawn(Draw::ClassAware, Draw::ClassAware),
            Kind::DeferredSampling => Recipe::drawn(Draw::Natural, Draw::ClassAware),
            Kind::LoweredWeights => {
                let power = self.number("power");
                mixed(Draw::Lowered { power }, lowered(counts, power))?
            }
            Kind::RaisedWeights => {
                let power = self.number("power");
                mixed(Draw::Raised { power }, raised(counts, power))?
            }
            Kind::Weights(scheme) => {
                let fixed = weights(counts, scheme, beta)?;
                let by = if self.takes_weights_of_batches() {
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
}

impl Treatment {
    /// What it trains on these counts of training images: of each part what the treatment that changes it
    /// makes of it.
    ///
    /// # Errors
    /// A class without images, where the treatment divides by its count.
    pub fn recipe(&self, counts: &[usize]) -> Result<Recipe, WeightsError> {
        let mut whole = Recipe::plain();
        for one in self.all() {
            let own = one.recipe(counts)?;
            for part in one.info.parts {
                match part {
                    Part::Batches => whole.draw = own.draw,
                    Part::Blend => whole.mixup = own.mixup,
                    Part::Loss => {
                        whole.start_bias = own.start_bias;
                        for (whole, own) in whole.objective.iter_mut().zip(&own.objective) {
                            whole.loss = own.loss.clone();
                        }
                    }
                    Part::Weights => {
                        for (whole, own) in whole.objective.iter_mut().zip(&own.objective) {
                            whole.weights = own.weights.clone();
                        }
                    }
                    Part::Data | Part::Outputs => {}
                }
            }
        }
        Ok(whole)
    }

    /// What it does to the probabilities of a classifier that was trained on these counts: divides by the
    /// shares that the network learnt, which are those of the counts unless another treatment beside it
    /// changes them.
    pub fn rescaling(&self, counts: &[usize]) -> Option<Rescale> {
        let threshold = self.all().find(|one| one.info.kind == Kind::Threshold)?;
        let prior = self.recipe(counts).ok()?.shares(counts)?;
        let target = match threshold.given("prior") {
            Some(Given::Shares(target)) => shared(target),
            _ => shared(&vec![1.0; counts.len()]),
        };
        Some(Rescale { prior, target, strength: threshold.number("strength") })
    }
}

/// Numbers as shares of their sum.
fn shared(of: &[f64]) -> Vec<f64> {
    let sum: f64 = of.iter().sum();
    of.iter().map(|share| share / sum).collect()
}
