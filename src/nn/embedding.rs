//! A learned row of numbers for each class, which generators and critics take beside or into their code.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};

use super::init::Init;

/// Standard deviation of the start values around 1.
const DEVIATION: f64 = 0.02;

/// A table with a row for each class.
#[derive(Module, Debug)]
pub struct LabelEmbedding {
    /// `[classes, width]`.
    table: Param<Tensor<2>>,
}

impl LabelEmbedding {
    /// Rows that a code is multiplied by, as BAGAN-GP does: they start at 1 + N(0, 0.02²), so that
    /// the first step is nearly that of the network without labels. Keras starts them within 0.05 of zero,
    /// which shrinks a code thirty times, and PyTorch at N(0, 1), which turns signs and all but blots out
    /// some numbers of a code.
    pub fn factors(init: &mut Init, classes: usize, width: usize) -> Self {
        LabelEmbedding { table: init.normal_around(1.0, [classes, width], DEVIATION) }
    }

    /// Rows that are features of their own, or that noise is multiplied by, whose sign and scale mean nothing yet.
    /// They start at N(0, 1), as PyTorch's embedding does.
    pub fn features(init: &mut Init, classes: usize, width: usize) -> Self {
        LabelEmbedding { table: init.normal([classes, width], 1.0) }
    }

    /// The rows of labels below the number of classes: `[batch]` to `[batch, width]`.
    pub fn forward(&self, labels: Tensor<1, Int>) -> Tensor<2> {
        self.table.val().select(0, labels)
    }
}
