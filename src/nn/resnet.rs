//! The classifier network: a residual network for small images, as He et al. (CVPR 2016, section 4.2) and M2m
//! use it, and a small preset of the same shape for processors.

use burn::module::Module;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::init::Init;
use super::layers::{
    Absorb, Activation, BatchNorm, Conv2d, Convolution as _, FeatureMap, Linear, Padding, Pass, conv_norm,
};

/// Everything needed to build the same network again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResNetConfig {
    /// 1 or 3.
    pub channels: usize,
    pub classes: usize,
    /// Channels of each stage; each stage after the first halves the side.
    pub widths: Vec<usize>,
    /// Basic blocks per stage.
    pub blocks: usize,
    /// Stride of the first convolution: 1 as published, 2 for a quarter of the work.
    pub stem_stride: usize,
    /// 1x1 convolutions on shortcuts that change shape; otherwise subsample and pad with zero channels.
    pub projection: bool,
    /// Mean per channel, in \[0, 1\].
    pub mean: Vec<f32>,
    /// Standard deviation per channel, above 0.
    pub deviation: Vec<f32>,
}

impl ResNetConfig {
    /// ResNet-32: 16, 32, 64 channels, five blocks each.
    pub fn resnet32(channels: usize, classes: usize) -> Self {
        Self::preset(channels, classes, 5, 1)
    }

    /// The preset for processors: 16, 32, 64 channels, one block each (ResNet-8), half the side from the start.
    pub fn small(channels: usize, classes: usize) -> Self {
        Self::preset(channels, classes, 1, 2)
    }

    fn preset(channels: usize, classes: usize, blocks: usize, stem_stride: usize) -> Self {
        let (widths, mean, deviation) = (vec![16, 32, 64], vec![0.5; channels], vec![0.25; channels]);
        ResNetConfig { channels, classes, widths, blocks, stem_stride, projection: false, mean, deviation }
    }

    /// Bounds that a file from elsewhere must keep, so that a hostile one cannot ask for all the memory.
    pub fn is_sane(&self) -> bool {
        (self.channels == 1 || self.channels == 3)
            && (1..=10_000).contains(&self.classes)
            && (1..=4).contains(&self.widths.len())
            && self.widths.iter().all(|w| (1..=512).contains(w))
            && self.widths.windows(2).all(|w| w[0] <= w[1])
            && (1..=32).contains(&self.blocks)
            && (1..=2).contains(&self.stem_stride)
            && self.mean.len() == self.channels
            && self.deviation.len() == self.channels
            && self.mean.iter().all(|m| m.is_finite())
            && self.deviation.iter().all(|d| d.is_finite() && *d > 0.0)
    }

    /// Length of [`ResNet::features`].
    pub fn features(&self) -> usize {
        self.widths.last().copied().unwrap_or(STEM)
    }

    /// Draws the start weights: convolutions N(0, 2 / (k k out)), linear Kaiming.
    pub fn build(&self, init: &mut Init) -> ResNet {
        let first = self.widths.first().copied().unwrap_or(STEM);
        let stem = conv3(init, [self.channels, first], self.stem_stride);
        let stem_norm = BatchNorm::new(init, first);
        let mut blocks = Vec::new();
        let mut inputs = first;
        for (stage, &width) in self.widths.iter().enumerate() {
            for block in 0..self.blocks {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                blocks.push(Block::new(init, [inputs, width], stride, self.projection));
                inputs = width;
            }
        }
        let head = Linear::new(init, inputs, self.classes);
        ResNet { stem, stem_norm, blocks, head, mean: self.mean.clone(), deviation: self.deviation.clone() }
    }
}

/// The path of the last layer's bias among the parameters.
pub const HEAD_BIAS: &str = "head.bias";

/// Channels of the first convolution where there is no stage after it.
const STEM: usize = 16;

fn conv3(init: &mut Init, channels: [usize; 2], stride: usize) -> Conv2d {
    Conv2d::new(init, channels, 3, stride, Padding::Zero(1), (2.0 / (9.0 * channels[1] as f64)).sqrt())
}

/// Two 3x3 convolutions and a shortcut.
#[derive(Module, Debug)]
struct Block {
    conv1: Conv2d,
    norm1: BatchNorm,
    conv2: Conv2d,
    norm2: BatchNorm,
    projection: Option<Conv2d>,
    stride: usize,
    /// Zero channels put before and after on a parameter-free shortcut.
    pad: usize,
}

impl Block {
    fn new(init: &mut Init, [inputs, outputs]: [usize; 2], stride: usize, projection: bool) -> Self {
        let conv1 = conv3(init, [inputs, outputs], stride);
        let norm1 = BatchNorm::new(init, outputs);
        let conv2 = conv3(init, [outputs, outputs], 1);
        let norm2 = BatchNorm::new(init, outputs);
        let changes = stride != 1 || inputs != outputs;
        let projection = (projection && changes).then(|| {
            let deviation = (2.0 / outputs as f64).sqrt();
            Conv2d::new(init, [inputs, outputs], 1, stride, Padding::Zero(0), deviation)
        });
        Block { conv1, norm1, conv2, norm2, projection, stride, pad: outputs - inputs }
    }

    fn forward(&self, x: FeatureMap, pass: &mut Pass) -> FeatureMap {
        let identity = self.projection.is_none() && self.stride == 1 && self.pad == 0;
        let first = if identity { x.clone().forked() } else { x.clone() };
        let out = conv_norm(&self.conv1, &self.norm1, first, None, Activation::Relu, pass);
        let shortcut = match &self.projection {
            Some(projection) => projection.forward(x, Activation::None),
            None => x.shortcut(self.stride, self.pad / 2, self.pad - self.pad / 2),
        };
        conv_norm(&self.conv2, &self.norm2, out, Some(shortcut), Activation::Relu, pass)
    }

    fn absorb(self, from: &mut Absorb) -> Self {
        let norm1 = from.next(self.norm1);
        let norm2 = from.next(self.norm2);
        Block { norm1, norm2, ..self }
    }
}

/// A classifier of images in \[0, 1\], normaliser included.
#[derive(Module, Debug)]
pub struct ResNet {
    stem: Conv2d,
    stem_norm: BatchNorm,
    blocks: Vec<Block>,
    head: Linear,
    #[module(skip)]
    mean: Vec<f32>,
    #[module(skip)]
    deviation: Vec<f32>,
}

impl ResNet {
    /// `[batch, channels, side, side]` in \[0, 1\] to logits `[batch, classes]`.
    pub fn forward(&self, x: Tensor<4>, pass: &mut Pass) -> Tensor<2> {
        self.logits_of_maps(self.last_maps(x, pass))
    }

    /// Cosines between features and the weights of each class, in \[-1, 1\]: `[batch, channels, side, side]` in \[0, 1\] to
    /// `[batch, classes]`. The last layer's bias has no part in it.
    pub fn cosines(&self, x: Tensor<4>, pass: &mut Pass) -> Tensor<2> {
        self.cosines_of_maps(self.last_maps(x, pass))
    }

    /// The network with the last layer's bias at one value for every class.
    #[must_use]
    pub fn with_head_bias(self, value: f32) -> Self {
        ResNet { head: self.head.with_bias_at(value), ..self }
    }

    /// What the last linear layer sees: `[batch, channels, side, side]` in \[0, 1\] to `[batch, features]`, all at least
    /// 0.
    pub fn features(&self, x: Tensor<4>, pass: &mut Pass) -> Tensor<2> {
        self.last_maps(x, pass).mean_pixels()
    }

    /// The last convolutional maps, behind their ReLU and so at least 0: `[batch, channels, side, side]` in \[0, 1\] to
    /// `[batch, features, side / stride, side / stride]`, the strides of all stages multiplied and sides rounded up.
    pub fn last_maps(&self, x: Tensor<4>, pass: &mut Pass) -> FeatureMap {
        let channels = self.mean.len();
        let device = x.device();
        let mean = Tensor::<1>::from_floats(self.mean.as_slice(), &device).reshape([1, channels, 1, 1]);
        let scale: Vec<f32> = self.deviation.iter().map(|d| 1.0 / d).collect();
        let scale = Tensor::<1>::from_floats(scale.as_slice(), &device).reshape([1, channels, 1, 1]);
        let x = FeatureMap::from_images((x - mean) * scale);
        let mut x = conv_norm(&self.stem, &self.stem_norm, x, None, Activation::Relu, pass);
        for block in &self.blocks {
            x = block.forward(x, pass);
        }
        x
    }

    /// The rest of [`ResNet::forward`]: [`ResNet::last_maps`] to logits `[batch, classes]`.
    pub fn logits_of_maps(&self, maps: FeatureMap) -> Tensor<2> {
        self.head.forward(maps.mean_pixels())
    }

    /// The rest of [`ResNet::cosines`]: [`ResNet::last_maps`] to `[batch, classes]`.
    pub fn cosines_of_maps(&self, maps: FeatureMap) -> Tensor<2> {
        self.head.cosines(maps.mean_pixels())
    }

    /// Weights of the last layer: `[features, classes]`.
    pub fn class_weights(&self) -> Tensor<2> {
        self.head.weight()
    }

    /// The value of each channel that the normaliser brings to 0: the mean of the training images.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// The network with the running statistics moved by a training pass.
    #[must_use]
    pub fn absorb(self, pass: Pass) -> Self {
        let mut from = Absorb::new(pass);
        let stem_norm = from.next(self.stem_norm);
        let blocks = self.blocks.into_iter().map(|block| block.absorb(&mut from)).collect();
        ResNet { stem_norm, blocks, ..self }
    }

    /// Trained values, running statistics not counted.
    pub fn trained_parameters(&self) -> usize {
        let running = |name: &str| name.ends_with("running_mean") || name.ends_with("running_var");
        super::parameters::read(self)
            .iter()
            .filter(|(name, _)| !running(name))
            .map(|(_, tensor)| tensor.values.len())
            .sum()
    }
}
