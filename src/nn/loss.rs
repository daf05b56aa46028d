//! Losses on logits.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};

/// Cross entropy per sample: logits `[batch, classes]`, labels `[batch]`, result `[batch]` in nats.
pub fn cross_entropy(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    pick(log_softmax(logits, 1), labels).neg()
}

/// One column per row: `values[i, columns[i]]`.
pub fn pick(values: Tensor<2>, columns: Tensor<1, Int>) -> Tensor<1> {
    values.gather(1, columns.unsqueeze_dim::<2>(1)).squeeze_dim::<1>(1)
}
