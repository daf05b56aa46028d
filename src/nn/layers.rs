//! The layers every network is built from. No other module calls burn's convolutions or normalisations.
//!
//! Tensors are `[batch, channels, height, width]`. Training mode is a value that is passed along ([`Pass`]) and
//! never a hidden flag: batch statistics are collected in the pass and written into the running ones only when
//! the owner of the network says so, so a forward for input gradients can change nothing.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::module::{batch_norm, batch_norm_train, conv2d, linear};
use burn::tensor::ops::ConvOptions;

use super::init::Init;

/// Convolution without bias (a normalisation follows each one).
#[derive(Module, Debug)]
pub struct Conv2d {
    weight: Param<Tensor<4>>,
    stride: usize,
    padding: usize,
}

impl Conv2d {
    /// `deviation` is the standard deviation of the start weights.
    pub fn new(
        init: &mut Init,
        channels: [usize; 2],
        kernel: usize,
        stride: usize,
        padding: usize,
        deviation: f64,
    ) -> Self {
        let [input, output] = channels;
        Conv2d { weight: init.normal([output, input, kernel, kernel], deviation), stride, padding }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let options = ConvOptions::new([self.stride, self.stride], [self.padding, self.padding], [1, 1], 1);
        conv2d(x, self.weight.val(), None, options)
    }
}

/// Statistics of one normalisation in one training forward: mean and biased variance, `[channels]` each.
type Statistics = (Tensor<1>, Tensor<1>);

/// One forward through a network: inference with running statistics, or training with the batch's own.
#[derive(Debug, Default)]
pub struct Pass {
    training: bool,
    statistics: Vec<(usize, Statistics)>,
}

impl Pass {
    /// Running statistics; nothing is collected.
    pub fn inference() -> Self {
        Pass::default()
    }

    /// Batch statistics, collected in forward order.
    pub fn training() -> Self {
        Pass { training: true, statistics: Vec::new() }
    }
}

/// Batch normalisation over batch, height and width.
#[derive(Module, Debug)]
pub struct BatchNorm {
    gamma: Param<Tensor<1>>,
    beta: Param<Tensor<1>>,
    running_mean: Param<Tensor<1>>,
    running_var: Param<Tensor<1>>,
}

/// As PyTorch's default.
const EPSILON: f64 = 1e-5;
/// Share of the new statistics in the running ones, as PyTorch's default.
const MOMENTUM: f64 = 0.1;

impl BatchNorm {
    pub fn new(init: &mut Init, channels: usize) -> Self {
        BatchNorm {
            gamma: init.constant([channels], 1.0),
            beta: init.constant([channels], 0.0),
            running_mean: init.buffer([channels], 0.0),
            running_var: init.buffer([channels], 1.0),
        }
    }

    pub fn forward(&self, x: Tensor<4>, pass: &mut Pass) -> Tensor<4> {
        if !pass.training {
            let (mean, var) = (self.running_mean.val(), self.running_var.val());
            return batch_norm(x, self.gamma.val(), self.beta.val(), mean, var, EPSILON);
        }
        let [batch, _, height, width] = x.dims();
        let out = batch_norm_train(x, self.gamma.val(), self.beta.val(), EPSILON);
        pass.statistics.push((batch * height * width, (out.mean, out.variance)));
        out.output
    }

    /// Moves the running statistics towards those of the pass; the variance is stored unbiased, as PyTorch does.
    fn absorb(self, count: usize, (mean, variance): Statistics) -> Self {
        let unbiased = if count > 1 { count as f64 / (count as f64 - 1.0) } else { 1.0 };
        let blend = |old: Tensor<1>, new: Tensor<1>| old * (1.0 - MOMENTUM) + new * MOMENTUM;
        let running_mean = self.running_mean.map(|old| blend(old, mean.detach()).detach());
        let running_var = self.running_var.map(|old| blend(old, variance.detach() * unbiased).detach());
        BatchNorm { running_mean, running_var, ..self }
    }
}

/// Hands the statistics of a training pass to the normalisations in forward order.
pub struct Absorb(std::vec::IntoIter<(usize, Statistics)>);

impl Absorb {
    pub fn new(pass: Pass) -> Self {
        Absorb(pass.statistics.into_iter())
    }

    /// The next normalisation in forward order. Left as it is where the pass held no more.
    pub fn next(&mut self, norm: BatchNorm) -> BatchNorm {
        match self.0.next() {
            Some((count, statistics)) => norm.absorb(count, statistics),
            None => norm,
        }
    }
}

/// Fully connected layer with bias: `[batch, inputs]` to `[batch, outputs]`.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[inputs, outputs]`.
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

impl Linear {
    /// Weights N(0, 2 / inputs) (Kaiming), bias 0.
    pub fn new(init: &mut Init, inputs: usize, outputs: usize) -> Self {
        let deviation = (2.0 / inputs as f64).sqrt();
        Linear { weight: init.normal([inputs, outputs], deviation), bias: init.constant([outputs], 0.0) }
    }

    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        linear(x, self.weight.val(), Some(self.bias.val()))
    }
}
