//! The two networks of a CycleGAN (Zhu, Park, Isola and Efros, ICCV 2017, appendix 7.2): a residual generator that
//! turns an image into one of another domain, and a PatchGAN that judges overlapping patches.
//!
//! Images are in \[-1, 1\]. Both use instance normalisation without parameters, so one image's result does not depend
//! on its batch and there is no training mode. Convolutions have a bias, as the published code has them.

use burn::module::Module;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::init::Init;
use super::layers::{
    Activation, Conv2d, ConvTranspose2d, Convolution as _, FeatureMap, Padding, instance_norm,
};

/// Standard deviation of the start weights (Zhu et al. 2017, section 4).
const DEVIATION: f64 = 0.02;

fn conv(init: &mut Init, channels: [usize; 2], kernel: usize, stride: usize, padding: Padding) -> Conv2d {
    Conv2d::new(init, channels, kernel, stride, padding, DEVIATION).with_bias(init)
}

/// Everything needed to build the same generator again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorConfig {
    /// 1 or 3.
    pub channels: usize,
    /// Channels of the first convolution: 64 as published.
    pub width: usize,
    /// Residual blocks: 6 as published for 128 pixels, 9 for 256.
    pub blocks: usize,
}

impl GeneratorConfig {
    /// Bounds that a file from elsewhere must keep, so that a hostile one cannot ask for all the memory.
    pub fn is_sane(&self) -> bool {
        (self.channels == 1 || self.channels == 3)
            && (1..=128).contains(&self.width)
            && (1..=16).contains(&self.blocks)
    }

    /// Draws the start weights N(0, 0.02²), bias 0.
    pub fn build(&self, init: &mut Init) -> Generator {
        let GeneratorConfig { channels, width, blocks } = *self;
        let up = |init: &mut Init, channels| {
            ConvTranspose2d::new(init, channels, 3, 2, 1, 1, DEVIATION).with_bias(init)
        };
        Generator {
            stem: conv(init, [channels, width], 7, 1, Padding::Reflect(3)),
            down: vec![
                conv(init, [width, 2 * width], 3, 2, Padding::Zero(1)),
                conv(init, [2 * width, 4 * width], 3, 2, Padding::Zero(1)),
            ],
            blocks: (0..blocks).map(|_| Residual::new(init, 4 * width)).collect(),
            up: vec![up(init, [4 * width, 2 * width]), up(init, [2 * width, width])],
            image: conv(init, [width, channels], 7, 1, Padding::Reflect(3)),
        }
    }
}

/// Two 3x3 convolutions, each padded by reflection and normalised, and the block's input added at the end.
#[derive(Module, Debug)]
struct Residual {
    conv1: Conv2d,
    conv2: Conv2d,
}

impl Residual {
    fn new(init: &mut Init, channels: usize) -> Self {
        let conv3 = |init: &mut Init| conv(init, [channels, channels], 3, 1, Padding::Reflect(1));
        Residual { conv1: conv3(init), conv2: conv3(init) }
    }

    fn forward(&self, x: FeatureMap) -> FeatureMap {
        let out =
            instance_norm(self.conv1.forward(x.clone().forked(), Activation::None), None, Activation::Relu);
        instance_norm(self.conv2.forward(out, Activation::None), Some(x), Activation::None)
    }
}

/// Turns images of one domain into images of the other.
#[derive(Module, Debug)]
pub struct Generator {
    stem: Conv2d,
    down: Vec<Conv2d>,
    blocks: Vec<Residual>,
    up: Vec<ConvTranspose2d>,
    image: Conv2d,
}

impl Generator {
    /// `[batch, channels, side, side]` in \[-1, 1\] to the same shape. The side is a multiple of 4 and at least 8.
    ///
    /// At 64 pixels and width 32 the maps are 32 x 64 x 64, 64 x 32 x 32, 128 x 16 x 16 (the blocks), and back.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let normed = |x| instance_norm(x, None, Activation::Relu);
        let mut x = normed(self.stem.forward(FeatureMap::from_few_images(x), Activation::None));
        for down in &self.down {
            x = normed(down.forward(x, Activation::None));
        }
        for block in &self.blocks {
            x = block.forward(x);
        }
        for up in &self.up {
            x = normed(up.forward(x, Activation::None));
        }
        self.image.forward(x, Activation::Tanh).into_images()
    }
}

/// Everything needed to build the same discriminator again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchGanConfig {
    /// 1 or 3.
    pub channels: usize,
    /// Channels of the first convolution: 64 as published.
    pub width: usize,
    /// Convolutions with stride 2: 3 as published, for patches of 70 pixels.
    pub layers: usize,
}

impl PatchGanConfig {
    /// Bounds that a file from elsewhere must keep, so that a hostile one cannot ask for all the memory.
    pub fn is_sane(&self) -> bool {
        (self.channels == 1 || self.channels == 3)
            && (1..=128).contains(&self.width)
            && (1..=5).contains(&self.layers)
    }

    /// Channels after the convolution at `depth`: doubled each time, eightfold at most, as published.
    fn width_at(&self, depth: usize) -> usize {
        self.width << depth.min(3)
    }

    /// Draws the start weights N(0, 0.02²), bias 0.
    pub fn build(&self, init: &mut Init) -> PatchGan {
        let conv4 = |init: &mut Init, channels, stride| conv(init, channels, 4, stride, Padding::Zero(1));
        let first = conv4(init, [self.channels, self.width], 2);
        let middle = (1..=self.layers)
            .map(|depth| {
                // All halve the side but the last.
                let stride = if depth < self.layers { 2 } else { 1 };
                conv4(init, [self.width_at(depth - 1), self.width_at(depth)], stride)
            })
            .collect();
        PatchGan { first, middle, verdict: conv4(init, [self.width_at(self.layers), 1], 1) }
    }
}

/// Says of each patch of an image how real it looks.
#[derive(Module, Debug)]
pub struct PatchGan {
    first: Conv2d,
    middle: Vec<Conv2d>,
    verdict: Conv2d,
}

impl PatchGan {
    /// `[batch, channels, side, side]` in \[-1, 1\] to one number per patch, `[batch, 1, patches, patches]`, without an
    /// activation, as least squares want it.
    ///
    /// At 64 pixels, width 32 and two layers the maps are 32 x 32 x 32, 64 x 16 x 16, 128 x 15 x 15, 1 x 14 x 14.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mut x = self.first.forward(FeatureMap::from_few_images(x), Activation::LeakyRelu);
        for conv in &self.middle {
            x = instance_norm(conv.forward(x, Activation::None), None, Activation::LeakyRelu);
        }
        self.verdict.forward(x, Activation::None).into_images()
    }
}
