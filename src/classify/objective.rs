//! What a training step minimises: a loss for each image and a weight for each class.

use burn::tensor::activation::{log_sigmoid, softmax};
use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::trainer::labels_tensor;
use crate::domain::imbalance::{Scheme, weights};
use crate::nn::layers::{FeatureMap, Pass};
use crate::nn::loss::{cross_entropy, focal, margin_cross_entropy, one_against_all};
use crate::nn::resnet::ResNet;

/// A loss for each image of a batch, and how a network's outputs become probabilities under it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Loss {
    /// Cross entropy on the softmax.
    #[default]
    CrossEntropy,
    /// Focal loss on the softmax; 0 is cross entropy.
    Focal { focusing: f64 },
    /// A logistic loss for each class, focused; 0 is cross entropy.
    OneAgainstAll { focusing: f64 },
    /// Cross entropy on scaled cosines with a margin for each class.
    Margin { margins: Vec<f64>, scale: f64 },
}

/// What an image's loss is multiplied with; the sum over a batch is divided by its images, never by the
/// weights, so a batch of one class keeps its weight.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ClassWeights {
    #[default]
    Equal,
    /// One for each class.
    Fixed(Vec<f64>),
    /// From the counts of the batch itself, over the classes that are in it.
    OfBatch { scheme: Scheme, beta: f64 },
}

/// A loss and the weights of the classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Objective {
    pub loss: Loss,
    pub weights: ClassWeights,
}

impl Loss {
    /// What the loss is taken of: logits, or cosines under [`Loss::Margin`]. `[batch, channels, side, side]`
    /// in \[0, 1\] to `[batch, classes]`.
    pub fn forward(&self, network: &ResNet, x: Tensor<4>, pass: &mut Pass) -> Tensor<2> {
        match self {
            Loss::Margin { .. } => network.cosines(x, pass),
            _ => network.forward(x, pass),
        }
    }

    /// The rest of [`Loss::forward`], from the last maps of the network ([`ResNet::last_maps`]) to `[batch, classes]`.
    pub fn of_maps(&self, network: &ResNet, maps: FeatureMap) -> Tensor<2> {
        match self {
            Loss::Margin { .. } => network.cosines_of_maps(maps),
            _ => network.logits_of_maps(maps),
        }
    }

    /// Losses in nats of what [`Loss::forward`] gave: `[batch]`.
    pub fn of(&self, outputs: Tensor<2>, labels: &[usize]) -> Tensor<1> {
        let labels = labels_tensor(labels, &outputs.device());
        match self {
            Loss::CrossEntropy => cross_entropy(outputs, labels),
            Loss::Focal { focusing } => focal(outputs, labels, *focusing, None),
            Loss::OneAgainstAll { focusing } => one_against_all(outputs, labels, *focusing),
            Loss::Margin { margins, scale } => margin_cross_entropy(outputs, labels, margins, *scale),
        }
    }

    /// Probabilities of what [`Loss::forward`] gave, each row with the sum 1. Logistic losses say a
    /// probability for each class on its own; these are brought to that sum.
    pub fn probabilities(&self, outputs: Tensor<2>) -> Tensor<2> {
        let scores = match self {
            Loss::CrossEntropy | Loss::Focal { .. } => outputs,
            // The softmax of logarithms is their shares, also where every one of them is next to nothing.
            Loss::OneAgainstAll { .. } => log_sigmoid(outputs),
            Loss::Margin { scale, .. } => outputs * *scale,
        };
        softmax(scores, 1)
    }
}

impl ClassWeights {
    /// A weight for each image; `None` where all are 1.
    fn of(&self, labels: &[usize], classes: usize) -> Option<Vec<f32>> {
        let by_class = match self {
            ClassWeights::Equal => return None,
            ClassWeights::Fixed(by_class) => by_class.clone(),
            ClassWeights::OfBatch { scheme, beta } => {
                let mut counts = vec![0; classes];
                labels.iter().for_each(|&label| counts[label] += 1);
                let present: Vec<usize> = (0..classes).filter(|&class| counts[class] > 0).collect();
                let of_present: Vec<usize> = present.iter().map(|&class| counts[class]).collect();
                let mut by_class = vec![1.0; classes];
                // Beta was checked with the weights of the whole training part.
                for (class, weight) in present.iter().zip(weights(&of_present, *scheme, *beta).ok()?) {
                    by_class[*class] = weight;
                }
                by_class
            }
        };
        Some(labels.iter().map(|&label| by_class[label] as f32).collect())
    }
}

impl Objective {
    /// Weighted losses of what [`Loss::forward`] gave: `[batch]`. Their sum over the number of images is what
    /// a step minimises.
    pub fn losses(&self, outputs: Tensor<2>, labels: &[usize]) -> Tensor<1> {
        let ([images, classes], device) = (outputs.dims(), outputs.device());
        let losses = self.loss.of(outputs, labels);
        match self.weights.of(labels, classes) {
            None => losses,
            Some(weights) => losses * Tensor::<1>::from_data(TensorData::new(weights, [images]), &device),
        }
    }
}
