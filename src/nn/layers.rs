//! The layers every network is built from. No other module calls burn's convolutions or normalisations.
//!
//! Between layers images are a [`FeatureMap`]: on a processor blocks of 16 images for the kernels of [`super::cpu`], on
//! any other device `[batch, channels, height, width]` for burn's own operations. Training mode is a value that is
//! passed along ([`Pass`]) and never a hidden flag: batch statistics are collected in the pass and written into the
//! running ones only when the owner of the network says so, so a forward for input gradients can change nothing.

use burn::backend::Dispatch;
use burn::module::{Module, Param};
use burn::tensor::activation::{leaky_relu, relu, tanh};
use burn::tensor::module::{avg_pool2d, batch_norm, batch_norm_train, conv_transpose2d, conv2d, linear};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, ConvTransposeOptions, PadMode};
use burn::tensor::{Device, DispatchTensor, Tensor, TensorData};

use crate::domain::random::Stream;

use super::cpu::ops::{ConvCall, LaneOps};
use super::cpu::{Border, ConvShape, Layout, absent, has_kernels};
use super::init::Init;

pub use super::cpu::Activation;

/// Added to a variance, as PyTorch's default.
const EPSILON: f64 = 1e-5;
/// Share of the new statistics in the running ones, as PyTorch's default.
const MOMENTUM: f64 = 0.1;
/// Slope of the leaky ReLU below zero.
const LEAK: f64 = super::cpu::LEAK as f64;

/// Images between layers.
#[derive(Clone, Debug)]
pub struct FeatureMap {
    maps: Maps,
    forked: bool,
}

#[derive(Clone, Debug)]
enum Maps {
    /// `[batch, channels, height, width]`.
    Plain(Tensor<4>),
    /// `[blocks, channels, height, columns, 16]`, and how the images lie in it.
    Lanes(Tensor<5>, Layout),
}

impl FeatureMap {
    fn new(maps: Maps) -> Self {
        FeatureMap { maps, forked: false }
    }

    /// For the convolution a residual block begins with, where the same images are added to the block's result: both
    /// ways' gradients are then summed in one pass. Elsewhere it would panic on the way back.
    #[must_use]
    pub fn forked(self) -> Self {
        FeatureMap { forked: true, ..self }
    }

    /// From `[batch, channels, height, width]`. On a processor a lane holds an image, and the values of an image do not
    /// depend on how many others there are.
    pub fn from_images(images: Tensor<4>) -> Self {
        let [batch, _, _, width] = images.dims();
        FeatureMap::laid_out(images, Layout::whole(batch, width))
    }

    /// The same for a network that sees few images at a time: they may lie in strips, which is faster and rounds
    /// differently from one batch size to another.
    pub fn from_few_images(images: Tensor<4>) -> Self {
        let [batch, _, _, width] = images.dims();
        FeatureMap::laid_out(images, Layout::filled(batch, width))
    }

    fn laid_out(images: Tensor<4>, layout: Layout) -> Self {
        if !has_kernels(&images.device()) {
            return FeatureMap::new(Maps::Plain(images));
        }
        let blocks = Tensor::from_dispatch(Dispatch::lanes_from_images(images.into_dispatch(), layout));
        FeatureMap::new(Maps::Lanes(blocks, layout))
    }

    /// To `[batch, channels, height, width]`.
    pub fn into_images(self) -> Tensor<4> {
        match self.maps {
            Maps::Plain(images) => images,
            Maps::Lanes(blocks, layout) => {
                Tensor::from_dispatch(Dispatch::lanes_to_images(blocks.into_dispatch(), layout))
            }
        }
    }

    /// The same images with one in each lane.
    fn whole(self) -> Self {
        match self.maps {
            Maps::Lanes(_, layout) if layout.strips > 1 => FeatureMap::from_images(self.into_images()),
            _ => self,
        }
    }

    /// The blocks of images that lie as `layout` says.
    fn blocks_as(self, layout: Layout) -> Tensor<5> {
        match self.maps {
            Maps::Lanes(blocks, own) if own == layout => blocks,
            other => {
                let images = FeatureMap::new(other).into_images();
                Tensor::from_dispatch(Dispatch::lanes_from_images(images.into_dispatch(), layout))
            }
        }
    }

    /// Batch, channels, height, width.
    pub fn dims(&self) -> [usize; 4] {
        match &self.maps {
            Maps::Plain(images) => images.dims(),
            Maps::Lanes(blocks, layout) => {
                let [_, channels, height, ..] = blocks.dims();
                [layout.images, channels, height, layout.width]
            }
        }
    }

    /// Mean over height and width: `[batch, channels]`.
    pub fn mean_pixels(self) -> Tensor<2> {
        match self.whole().maps {
            Maps::Plain(images) => {
                let [batch, channels, height, width] = images.dims();
                images.reshape([batch, channels, height * width]).mean_dim(2).squeeze_dim::<2>(2)
            }
            Maps::Lanes(blocks, layout) => {
                Tensor::from_dispatch(Dispatch::lanes_mean_pixels(blocks.into_dispatch(), layout.images))
            }
        }
    }

    /// `[batch, channels * height * width]`, channels first.
    pub fn flatten(self) -> Tensor<2> {
        let [batch, channels, height, width] = self.dims();
        self.into_images().reshape([batch, channels * height * width])
    }

    /// The inverse of [`FeatureMap::flatten`]; `map` is channels, height, width.
    pub fn from_features(features: Tensor<2>, [channels, height, width]: [usize; 3]) -> Self {
        let batch = features.dims()[0];
        FeatureMap::from_images(features.reshape([batch, channels, height, width]))
    }

    /// Each pixel as a square of 2 x 2: nearest-neighbour upsampling to twice the side.
    pub fn upsample2(self) -> Self {
        match self.whole().maps {
            Maps::Plain(images) => {
                let [batch, channels, height, width] = images.dims();
                let apart: Tensor<5> = images.reshape([batch * channels, height, 1, width, 1]);
                let twice: Tensor<5> = apart.expand([batch * channels, height, 2, width, 2]);
                FeatureMap::new(Maps::Plain(twice.reshape([batch, channels, 2 * height, 2 * width])))
            }
            Maps::Lanes(blocks, layout) => {
                let [count, channels, height, width, lanes] = blocks.dims();
                let apart: Tensor<6> = blocks.reshape([count * channels, height, 1, width, 1, lanes]);
                let twice: Tensor<6> = apart.expand([count * channels, height, 2, width, 2, lanes]);
                let blocks: Tensor<5> = twice.reshape([count, channels, 2 * height, 2 * width, lanes]);
                FeatureMap::new(Maps::Lanes(blocks, layout.with_width(2 * layout.width)))
            }
        }
    }

    /// The product, value by value. `other` has the same sides, or one pixel: a factor per image and channel.
    #[must_use]
    pub fn times(self, other: FeatureMap) -> Self {
        match (self.whole().maps, other.whole().maps) {
            (Maps::Lanes(blocks, layout), Maps::Lanes(factors, _)) => {
                FeatureMap::new(Maps::Lanes(blocks * factors, layout))
            }
            (maps, factors) => {
                let images = FeatureMap::new(maps).into_images() * FeatureMap::new(factors).into_images();
                FeatureMap::new(Maps::Plain(images))
            }
        }
    }

    /// [`leaky_slope`] of maps that a leaky ReLU gave.
    pub fn leaky_slope(&self) -> Self {
        let maps = match &self.maps {
            Maps::Plain(images) => Maps::Plain(leaky_slope(images)),
            Maps::Lanes(blocks, layout) => Maps::Lanes(leaky_slope(blocks), *layout),
        };
        FeatureMap::new(maps)
    }

    /// Dropout (Srivastava et al. 2014): each value is zero with the probability `rate`, below 1, and the others
    /// grow so that the mean stays. Without draws everything stays, as in inference.
    #[must_use]
    pub fn drop_values(self, rate: f64, draws: Option<&mut Stream>) -> Self {
        let shape = self.dims();
        self.dropped(shape, rate, draws)
    }

    /// The same for whole channels of an image (Tompson et al. 2015).
    #[must_use]
    pub fn drop_channels(self, rate: f64, draws: Option<&mut Stream>) -> Self {
        let [batch, channels, ..] = self.dims();
        self.dropped([batch, channels, 1, 1], rate, draws)
    }

    /// One draw for each value of `shape`, image by image.
    fn dropped(self, shape: [usize; 4], rate: f64, draws: Option<&mut Stream>) -> Self {
        let Some(draws) = draws else { return self };
        let device = match &self.maps {
            Maps::Plain(images) => images.device(),
            Maps::Lanes(blocks, _) => blocks.device(),
        };
        let (rate, kept) = (rate as f32, (1.0 / (1.0 - rate)) as f32);
        let count: usize = shape.iter().product();
        let mask: Vec<f32> =
            (0..count).map(|_| if draws.uniform_f32() < rate { 0.0 } else { kept }).collect();
        let mask: Tensor<4> = Tensor::from_data(TensorData::new(mask, shape), &device);
        self.times(FeatureMap::from_images(mask))
    }

    /// Every `stride`th row and column, with `before` and `after` channels of zeros put around: the shortcut without
    /// parameters of He et al. (CVPR 2016), as `x[:, :, ::2, ::2]` and a pad.
    pub fn shortcut(self, stride: usize, before: usize, after: usize) -> Self {
        if stride == 1 && before == 0 && after == 0 {
            return self;
        }
        match self.whole().maps {
            Maps::Lanes(blocks, layout) => {
                let blocks = Dispatch::lanes_shortcut(blocks.into_dispatch(), stride, before, after);
                let layout = layout.with_width(layout.width.div_ceil(stride));
                FeatureMap::new(Maps::Lanes(Tensor::from_dispatch(blocks), layout))
            }
            Maps::Plain(images) => {
                // A 1x1 average with a stride takes every stride-th pixel.
                let images = if stride == 1 {
                    images
                } else {
                    avg_pool2d(images, AvgPoolOptions::new([1, 1]).with_stride([stride, stride]))
                };
                let [batch, _, height, width] = images.dims();
                let device = images.device();
                let zeros = |channels| Tensor::zeros([batch, channels, height, width], &device);
                let parts = [zeros(before), images, zeros(after)];
                let parts = parts.into_iter().filter(|part| part.dims()[1] > 0).collect();
                FeatureMap::new(Maps::Plain(Tensor::cat(parts, 1)))
            }
        }
    }
}

fn activate(x: Tensor<4>, activation: Activation) -> Tensor<4> {
    match activation {
        Activation::None => x,
        Activation::Relu => relu(x),
        Activation::LeakyRelu => leaky_relu(x, LEAK),
        Activation::Tanh => tanh(x),
    }
}

/// Leaky ReLU with the slope of [`Activation::LeakyRelu`], on features.
pub fn leaky<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    leaky_relu(x, LEAK)
}

/// The derivative of the leaky ReLU that gave `activated`: 1, or its slope below zero. No gradient flows through
/// it, because it is constant almost everywhere.
pub fn leaky_slope<const D: usize>(activated: &Tensor<D>) -> Tensor<D> {
    activated.ones_like().mask_fill(activated.clone().lower_scalar(0.0), LEAK)
}

/// How a convolution sees beyond the border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    Zero(usize),
    /// Mirrored, without repeating the edge.
    Reflect(usize),
}

/// A convolution of either kind, with what [`conv_norm`] needs of it.
pub trait Convolution {
    /// `activation(convolution(x, weight) + bias + residual)`.
    fn run(
        &self,
        x: FeatureMap,
        weight: Tensor<4>,
        bias: Option<Tensor<1>>,
        residual: Option<FeatureMap>,
        activation: Activation,
    ) -> FeatureMap {
        convolve(self.shape(), x, weight, bias, residual, activation)
    }

    /// `[in, out, k, k]` for a transposed convolution, `[out, in, k, k]` otherwise.
    fn weight(&self) -> Tensor<4>;

    /// Per output channel.
    fn bias(&self) -> Option<Tensor<1>>;

    fn shape(&self) -> ConvShape;

    /// Convolution, bias where there is one, activation.
    fn forward(&self, x: FeatureMap, activation: Activation) -> FeatureMap {
        self.run(x, self.weight(), self.bias(), None, activation)
    }
}

/// `activation(convolution(x, weight) + bias + residual)`, where x lies.
fn convolve(
    shape: ConvShape,
    x: FeatureMap,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    residual: Option<FeatureMap>,
    activation: Activation,
) -> FeatureMap {
    let forked = x.forked;
    let fits = match &x.maps {
        Maps::Lanes(_, layout) => shape.keeps_strips(*layout),
        Maps::Plain(_) => true,
    };
    match if fits { x.maps } else { x.whole().maps } {
        Maps::Lanes(blocks, layout) => {
            let device = blocks.device();
            let bias = bias.unwrap_or_else(|| absent(&device)).into_dispatch();
            let result = layout.with_width(shape.output_side(layout.width));
            let blocks = Dispatch::lanes_conv(
                blocks.into_dispatch(),
                weight.into_dispatch(),
                bias,
                residual_blocks(residual, result, &device),
                ConvCall { layout, shape, activation, forked: forked && fits },
            );
            FeatureMap::new(Maps::Lanes(Tensor::from_dispatch(blocks), result))
        }
        Maps::Plain(images) => {
            let mut out = plain_convolution(images, weight, bias, shape);
            if let Some(residual) = residual {
                out = out + residual.into_images();
            }
            FeatureMap::new(Maps::Plain(activate(out, activation)))
        }
    }
}

/// A residual that may be absent, lying as the result does.
fn residual_blocks(residual: Option<FeatureMap>, layout: Layout, device: &Device) -> DispatchTensor {
    match residual {
        Some(residual) => residual.blocks_as(layout).into_dispatch(),
        None => absent(device).into_dispatch(),
    }
}

/// burn's own convolution.
fn plain_convolution(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    shape: ConvShape,
) -> Tensor<4> {
    let ConvShape { stride, padding, .. } = shape;
    if shape.transposed {
        let output_padding = [shape.output_padding; 2];
        let options = ConvTransposeOptions::new([stride; 2], [padding; 2], output_padding, [1, 1], 1);
        return conv_transpose2d(x, weight, bias, options);
    }
    let (x, padding) = match shape.border {
        Border::Reflect if padding > 0 => (x.pad((padding, padding, padding, padding), PadMode::Reflect), 0),
        _ => (x, padding),
    };
    conv2d(x, weight, bias, ConvOptions::new([stride; 2], [padding; 2], [1, 1], 1))
}

/// Convolution. No bias unless asked for, because a normalisation mostly follows.
#[derive(Module, Debug)]
pub struct Conv2d {
    weight: Param<Tensor<4>>,
    bias: Option<Param<Tensor<1>>>,
    stride: usize,
    padding: usize,
    reflect: bool,
}

impl Conv2d {
    /// `channels` are input and output; `deviation` is the standard deviation of the start weights.
    pub fn new(
        init: &mut Init,
        channels: [usize; 2],
        kernel: usize,
        stride: usize,
        padding: Padding,
        deviation: f64,
    ) -> Self {
        let [input, output] = channels;
        let (padding, reflect) = match padding {
            Padding::Zero(padding) => (padding, false),
            Padding::Reflect(padding) => (padding, true),
        };
        let weight = init.normal([output, input, kernel, kernel], deviation);
        Conv2d { weight, bias: None, stride, padding, reflect }
    }

    /// With a bias that starts at zero.
    #[must_use]
    pub fn with_bias(self, init: &mut Init) -> Self {
        let outputs = self.weight.val().dims()[0];
        Conv2d { bias: Some(init.constant([outputs], 0.0)), ..self }
    }

    /// From a gradient with respect to the result to the one with respect to the images, which are `side` pixels a
    /// side: the transposed convolution with these weights. It is an operation like any other, so a loss may use
    /// what it gives and its gradient reaches the weights. For square images and a border of zeros.
    pub fn back(&self, gradient: FeatureMap, side: usize) -> FeatureMap {
        let tight = ConvShape { transposed: true, ..self.shape() };
        // Rows at the far side that a stride did not reach.
        let output_padding = side.saturating_sub(tight.output_side(gradient.dims()[2]));
        let shape = ConvShape { output_padding, ..tight };
        convolve(shape, gradient, self.weight(), None, None, Activation::None)
    }
}

impl Convolution for Conv2d {
    fn weight(&self) -> Tensor<4> {
        self.weight.val()
    }

    fn bias(&self) -> Option<Tensor<1>> {
        self.bias.as_ref().map(Param::val)
    }

    fn shape(&self) -> ConvShape {
        ConvShape {
            kernel: self.weight.val().dims()[2],
            stride: self.stride,
            padding: self.padding,
            border: if self.reflect { Border::Reflect } else { Border::Zero },
            transposed: false,
            output_padding: 0,
        }
    }
}

/// Transposed convolution. No bias unless asked for.
#[derive(Module, Debug)]
pub struct ConvTranspose2d {
    /// `[in, out, k, k]`.
    weight: Param<Tensor<4>>,
    bias: Option<Param<Tensor<1>>>,
    stride: usize,
    padding: usize,
    output_padding: usize,
}

impl ConvTranspose2d {
    /// `channels` are input and output; `deviation` is the standard deviation of the start weights.
    pub fn new(
        init: &mut Init,
        channels: [usize; 2],
        kernel: usize,
        stride: usize,
        padding: usize,
        output_padding: usize,
        deviation: f64,
    ) -> Self {
        let [input, output] = channels;
        let weight = init.normal([input, output, kernel, kernel], deviation);
        ConvTranspose2d { weight, bias: None, stride, padding, output_padding }
    }

    /// With a bias that starts at zero.
    #[must_use]
    pub fn with_bias(self, init: &mut Init) -> Self {
        let outputs = self.weight.val().dims()[1];
        ConvTranspose2d { bias: Some(init.constant([outputs], 0.0)), ..self }
    }
}

impl Convolution for ConvTranspose2d {
    fn weight(&self) -> Tensor<4> {
        self.weight.val()
    }

    fn bias(&self) -> Option<Tensor<1>> {
        self.bias.as_ref().map(Param::val)
    }

    fn shape(&self) -> ConvShape {
        ConvShape {
            kernel: self.weight.val().dims()[2],
            stride: self.stride,
            padding: self.padding,
            border: Border::Zero,
            transposed: true,
            output_padding: self.output_padding,
        }
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

impl BatchNorm {
    pub fn new(init: &mut Init, channels: usize) -> Self {
        BatchNorm {
            gamma: init.constant([channels], 1.0),
            beta: init.constant([channels], 0.0),
            running_mean: init.buffer([channels], 0.0),
            running_var: init.buffer([channels], 1.0),
        }
    }

    /// `activation(norm(x) + residual)`.
    pub fn forward(
        &self,
        x: FeatureMap,
        residual: Option<FeatureMap>,
        activation: Activation,
        pass: &mut Pass,
    ) -> FeatureMap {
        let [batch, _, height, width] = x.dims();
        let count = batch * height * width;
        match x.maps {
            Maps::Lanes(blocks, layout) if pass.training => {
                let residual = residual_blocks(residual, layout, &blocks.device());
                let (out, mean, variance) = Dispatch::lanes_batch_norm(
                    blocks.into_dispatch(),
                    self.gamma.val().into_dispatch(),
                    self.beta.val().into_dispatch(),
                    residual,
                    EPSILON,
                    activation,
                    layout,
                );
                let statistics = (Tensor::from_dispatch(mean), Tensor::from_dispatch(variance));
                pass.statistics.push((count, statistics));
                FeatureMap::new(Maps::Lanes(Tensor::from_dispatch(out), layout))
            }
            maps => {
                // Inference comes here where no convolution goes right before, which is rare.
                let lanes = matches!(maps, Maps::Lanes(..));
                let mut out = self.plain(FeatureMap::new(maps).into_images(), count, pass);
                if let Some(residual) = residual {
                    out = out + residual.into_images();
                }
                let out = activate(out, activation);
                if lanes { FeatureMap::from_images(out) } else { FeatureMap::new(Maps::Plain(out)) }
            }
        }
    }

    fn plain(&self, x: Tensor<4>, count: usize, pass: &mut Pass) -> Tensor<4> {
        if !pass.training {
            let (mean, var) = (self.running_mean.val(), self.running_var.val());
            return batch_norm(x, self.gamma.val(), self.beta.val(), mean, var, EPSILON);
        }
        let out = batch_norm_train(x, self.gamma.val(), self.beta.val(), EPSILON);
        pass.statistics.push((count, (out.mean, out.variance)));
        out.output
    }

    /// The normalisation with running statistics as a factor and a summand per channel.
    fn folded(&self) -> (Tensor<1>, Tensor<1>) {
        let scale = self.gamma.val() / (self.running_var.val() + EPSILON).sqrt();
        let shift = self.beta.val() - self.running_mean.val() * scale.clone();
        (scale, shift)
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

/// `activation(norm(convolution(x)) + residual)`.
///
/// In inference the normalisation is folded into the weights, so that one pass over the images does it all.
pub fn conv_norm(
    convolution: &impl Convolution,
    norm: &BatchNorm,
    x: FeatureMap,
    residual: Option<FeatureMap>,
    activation: Activation,
    pass: &mut Pass,
) -> FeatureMap {
    if pass.training {
        let out = convolution.forward(x, Activation::None);
        return norm.forward(out, residual, activation, pass);
    }
    let (scale, shift) = norm.folded();
    let weight = convolution.weight();
    let outputs = scale.dims()[0];
    let shape = if convolution.shape().transposed { [1, outputs, 1, 1] } else { [outputs, 1, 1, 1] };
    let bias = match convolution.bias() {
        Some(bias) => bias * scale.clone() + shift,
        None => shift,
    };
    convolution.run(x, weight * scale.reshape(shape), Some(bias), residual, activation)
}

/// `activation(norm(x) + residual)`, each image and channel normalised by itself, without parameters (Ulyanov et al.
/// 2016).
pub fn instance_norm(x: FeatureMap, residual: Option<FeatureMap>, activation: Activation) -> FeatureMap {
    match x.maps {
        Maps::Lanes(blocks, layout) => {
            let residual = residual_blocks(residual, layout, &blocks.device());
            let out =
                Dispatch::lanes_instance_norm(blocks.into_dispatch(), residual, EPSILON, activation, layout);
            FeatureMap::new(Maps::Lanes(Tensor::from_dispatch(out), layout))
        }
        Maps::Plain(images) => {
            let [batch, channels, height, width] = images.dims();
            let flat = images.reshape([batch, channels, height * width]);
            let mean = flat.clone().mean_dim(2);
            let off = flat - mean;
            let variance = off.clone().square().mean_dim(2);
            let mut out = (off / (variance + EPSILON).sqrt()).reshape([batch, channels, height, width]);
            if let Some(residual) = residual {
                out = out + residual.into_images();
            }
            FeatureMap::new(Maps::Plain(activate(out, activation)))
        }
    }
}

/// Hands the statistics of a training pass to the normalisations in forward order.
pub struct Absorb(std::vec::IntoIter<(usize, Statistics)>);

impl Absorb {
    pub fn new(pass: Pass) -> Self {
        // A device that works ahead would join what follows to the sums over the batch themselves, and make those
        // anew one number at a time: 3.6 s for a step of ResNet-32 that takes 0.25 s without. So what was asked for
        // is sent off first. Where that fails, the next reading says why.
        if let Some((_, (mean, _))) = pass.statistics.first() {
            mean.device().flush().ok();
        }
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

/// Added to a squared length, so that a row of zeros has a length.
const TINY: f64 = 1e-12;

/// Rows (`dim` 1) or columns (`dim` 0) brought to length 1; zeros stay zeros.
fn unit(x: Tensor<2>, dim: usize) -> Tensor<2> {
    let length = (x.clone().square().sum_dim(dim) + TINY).sqrt();
    x / length
}

/// Fully connected layer: `[batch, inputs]` to `[batch, outputs]`. With a bias unless asked for none.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[inputs, outputs]`.
    weight: Param<Tensor<2>>,
    bias: Option<Param<Tensor<1>>>,
}

impl Linear {
    /// Weights N(0, 2 / inputs) (Kaiming), bias 0.
    pub fn new(init: &mut Init, inputs: usize, outputs: usize) -> Self {
        let deviation = (2.0 / inputs as f64).sqrt();
        Linear {
            weight: init.normal([inputs, outputs], deviation),
            bias: Some(init.constant([outputs], 0.0)),
        }
    }

    #[must_use]
    pub fn without_bias(self) -> Self {
        Linear { bias: None, ..self }
    }

    /// With every bias at this value, where there are any.
    #[must_use]
    pub fn with_bias_at(self, value: f32) -> Self {
        let at = |old: Tensor<1>| {
            let new = Tensor::<1>::full(old.dims(), value, &old.device());
            if old.is_require_grad() { new.require_grad() } else { new }
        };
        Linear { bias: self.bias.map(|bias| bias.map(at)), ..self }
    }

    /// `[inputs, outputs]`.
    pub fn weight(&self) -> Tensor<2> {
        self.weight.val()
    }

    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        linear(x, self.weight.val(), self.bias.as_ref().map(Param::val))
    }

    /// Cosines between each row and the weights of each output: `[batch, inputs]` to `[batch, outputs]`, in \[-1, 1\].
    /// A row of zeros has the cosine 0 with everything. The bias has no part in it.
    pub fn cosines(&self, x: Tensor<2>) -> Tensor<2> {
        unit(x, 1).matmul(unit(self.weight.val(), 0))
    }

    /// From a gradient with respect to the result, `[batch, outputs]`, to the one with respect to the input,
    /// `[batch, inputs]`. An operation like any other, as [`Conv2d::back`].
    pub fn back(&self, gradient: Tensor<2>) -> Tensor<2> {
        gradient.matmul(self.weight.val().transpose())
    }
}

/// A convolution with given weights, for a network that is read from a file and never trained.
///
/// It runs on burn's own tensors on every device. On a processor burn filters channel by channel where each has a filter
/// of its own, and multiplies matrices image by image where the kernel is one pixel, so the values of an image do not
/// depend on how many others there are.
#[derive(Clone, Debug)]
pub struct FixedConv2d {
    weight: Tensor<4>,
    bias: Tensor<1>,
    stride: usize,
    groups: usize,
}

impl FixedConv2d {
    /// `weight` is `[out, in / groups, k, k]`, `bias` `[out]`. As many groups as channels give each channel a filter of
    /// its own (a depthwise convolution).
    pub fn new(weight: Tensor<4>, bias: Tensor<1>, stride: usize, groups: usize) -> Self {
        FixedConv2d { weight, bias, stride, groups }
    }

    /// `[batch, in, height, width]` to `[batch, out, height / stride, width / stride]`, sides rounded up. The border is
    /// zero, and where it is odd the larger part is below and at the right: TensorFlow's padding SAME.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = x.dims();
        let kernel = self.weight.dims()[2];
        let padding = [height, width].map(|side| same_padding(side, kernel, self.stride));
        let options = ConvOptions::new_with_padding([self.stride; 2], padding, [1, 1], self.groups);
        conv2d(x, self.weight.clone(), Some(self.bias.clone()), options)
    }
}

/// Rows or columns of zeros before and after a side, so that every `stride`th pixel has a result.
fn same_padding(side: usize, kernel: usize, stride: usize) -> (usize, usize) {
    let reach = side.div_ceil(stride).saturating_sub(1) * stride + kernel;
    let missing = reach.saturating_sub(side);
    (missing / 2, missing - missing / 2)
}
