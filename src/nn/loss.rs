//! Losses on logits, scores and images, one value per sample.
//!
//! A mean over a batch is the owner's: the values are read and summed on the host in order, because a device
//! sums in an order of its own.

use burn::tensor::activation::{log_sigmoid, log_softmax};
use burn::tensor::{Device, IndexingUpdateOp, Int, Tensor};

/// Cross entropy per sample: logits `[batch, classes]`, labels `[batch]`, result `[batch]` in nats.
pub fn cross_entropy(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    pick(log_softmax(logits, 1), labels).neg()
}

/// One column per row: `values[i, columns[i]]`.
pub fn pick(values: Tensor<2>, columns: Tensor<1, Int>) -> Tensor<1> {
    values.gather(1, columns.unsqueeze_dim::<2>(1)).squeeze_dim::<1>(1)
}

/// Logarithm of the sum of the exponentials of each row: `[batch, columns]` to `[batch, 1]`.
pub fn log_sum_exp(rows: Tensor<2>) -> Tensor<2> {
    let most = rows.clone().detach().max_dim(1);
    (rows - most.clone()).exp().sum_dim(1).log() + most
}

/// Lower than any logarithm of a probability, and far from what overflows.
const NEVER: f64 = -1e9;

/// Focal loss per sample, `-alpha_y (1 - p_y)^gamma log p_y` with p the softmax (Lin et al., ICCV 2017,
/// equation 5).
///
/// Logits `[batch, classes]`, labels `[batch]`, result `[batch]` in nats. `gamma` is at least 0 (2 in the
/// paper; 0 is cross entropy), `alpha` has a weight for each class, 1 for all where there is none. Both p and
/// 1 - p are kept as logarithms, so value and gradient are finite at p = 0 and p = 1 for any gamma.
pub fn focal(logits: Tensor<2>, labels: Tensor<1, Int>, gamma: f64, alpha: Option<&[f64]>) -> Tensor<1> {
    let (shape, device) = (logits.dims(), logits.device());
    let log_probabilities = log_softmax(logits, 1);
    let log_p = pick(log_probabilities.clone(), labels.clone());
    let own = own_column(shape, labels.clone(), &device);
    let log_rest = log_sum_exp(log_probabilities + own * NEVER).squeeze_dim::<1>(1);
    let loss = focal_of(log_p, log_rest, gamma);
    match alpha {
        Some(alpha) => {
            let alpha: Vec<f32> = alpha.iter().map(|&weight| weight as f32).collect();
            loss * Tensor::<1>::from_floats(alpha.as_slice(), &device).select(0, labels)
        }
        None => loss,
    }
}

/// One column per row: `[batch, classes]` with 1 in the column of the row's label and 0 elsewhere.
fn own_column([batch, classes]: [usize; 2], labels: Tensor<1, Int>, device: &Device) -> Tensor<2> {
    let (nowhere, ones): (Tensor<2>, Tensor<2>) =
        (Tensor::zeros([batch, classes], device), Tensor::ones([batch, 1], device));
    nowhere.scatter(1, labels.unsqueeze_dim::<2>(1), ones, IndexingUpdateOp::Add)
}

/// One logistic loss for each class, summed over the classes: logits `[batch, classes]`, labels `[batch]`, result
/// `[batch]` in nats.
///
/// With z the logit of the true class and minus the logit of each other one it is `sum (1 - s(z))^focusing * -log s(z)`,
/// s the logistic function: cross entropy for `focusing` 0, the focal loss as Cui et al. (CVPR 2019) weigh it
/// above. The factor is `exp(-focusing softplus(z))`, which neither overflows nor loses a badly wrong logit; the released
/// code's form does both below -88 in 32 bits.
pub fn one_against_all(logits: Tensor<2>, labels: Tensor<1, Int>, focusing: f64) -> Tensor<1> {
    let signs = own_column(logits.dims(), labels, &logits.device()) * 2.0 - 1.0;
    let towards = logits * signs;
    let losses = focal_of(log_sigmoid(towards.clone()), log_sigmoid(towards.neg()), focusing);
    losses.sum_dim(1).squeeze_dim::<1>(1)
}

/// Cross entropy of scaled cosines, that of the true class lowered by the margin of the class: the
/// label-distribution-aware margin loss (Cao et al., NeurIPS 2019).
///
/// Cosines `[batch, classes]` in \[-1, 1\], labels `[batch]`, result `[batch]` in nats. `margins` has one for each class,
/// at least 0; `scale` is 30 in the paper's code.
pub fn margin_cross_entropy(
    cosines: Tensor<2>,
    labels: Tensor<1, Int>,
    margins: &[f64],
    scale: f64,
) -> Tensor<1> {
    let device = cosines.device();
    let margins: Vec<f32> = margins.iter().map(|&margin| margin as f32).collect();
    let margins = Tensor::<1>::from_floats(margins.as_slice(), &device).select(0, labels.clone());
    let lowered = own_column(cosines.dims(), labels.clone(), &device) * margins.unsqueeze_dim::<2>(1);
    cross_entropy((cosines - lowered) * scale, labels)
}

/// Focal loss per sample of a logistic probability (Lin et al. 2017): logits `[batch]`, targets 0 or 1
/// `[batch]`, result `[batch]` in nats. `alpha` weighs target 1 and `1 - alpha` target 0 (0.25 in the paper),
/// `gamma` as in [`focal`].
pub fn binary_focal(logits: Tensor<1>, targets: Tensor<1>, gamma: f64, alpha: f64) -> Tensor<1> {
    let weights = targets.clone() * (2.0 * alpha - 1.0) + (1.0 - alpha);
    let towards = logits * (targets * 2.0 - 1.0);
    focal_of(log_sigmoid(towards.clone()), log_sigmoid(towards.neg()), gamma) * weights
}

/// `-(1 - p)^gamma log p` from the logarithms of p and 1 - p.
fn focal_of<const D: usize>(log_p: Tensor<D>, log_rest: Tensor<D>, gamma: f64) -> Tensor<D> {
    (log_rest * gamma).exp() * log_p.neg()
}

/// Binary cross entropy per sample: logits `[batch]`, targets in \[0, 1\] `[batch]`, result `[batch]` in
/// nats.
pub fn bce_with_logits(logits: Tensor<1>, targets: Tensor<1>) -> Tensor<1> {
    (targets.neg() + 1.0) * logits.clone() - log_sigmoid(logits)
}

/// Mean squared difference over the pixels of each image: two `[batch, channels, height, width]` to
/// `[batch]`.
pub fn squared_error(x: Tensor<4>, y: Tensor<4>) -> Tensor<1> {
    mean_of_image((x - y).square())
}

/// Mean absolute difference over the pixels of each image: two `[batch, channels, height, width]` to
/// `[batch]`.
pub fn absolute_error(x: Tensor<4>, y: Tensor<4>) -> Tensor<1> {
    mean_of_image((x - y).abs())
}

fn mean_of_image(x: Tensor<4>) -> Tensor<1> {
    let [batch, channels, height, width] = x.dims();
    let rows: Tensor<2> = x.reshape([batch, channels * height * width]);
    rows.mean_dim(1).squeeze_dim::<1>(1)
}
