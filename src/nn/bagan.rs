//! The networks of BAGAN (Mariani, Scheidegger, Istrate, Bekas and Malossi 2018): an encoder and a
//! discriminator on the same convolutions, and a generator that is the autoencoder's decoder.
//!
//! Encoder and discriminator are one type and differ in their outputs, so that the discriminator starts from
//! the encoder's convolutions and the generator simply is the trained decoder. None has a normalisation.
//! Leaky ReLUs have the slope of the other networks, 0.2, where the published code has Keras's 0.3; strided
//! convolutions are padded on all four sides, where Keras pads two.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use serde::{Deserialize, Serialize};

use crate::domain::random::Stream;

use super::init::Init;
use super::layers::{Activation, Conv2d, Convolution as _, FeatureMap, Linear, Padding};

/// Share of the values that encoder and discriminator leave out in training (BAGAN's code).
pub const DROPOUT: f64 = 0.3;

/// Largest side of the smallest map (BAGAN's code).
const LARGEST_BOTTOM: usize = 8;

/// Glorot's deviation of start weights, which the published code has for every convolution.
fn glorot(channels: [usize; 2], kernel: usize) -> f64 {
    (2.0 / ((channels[0] + channels[1]) * kernel * kernel) as f64).sqrt()
}

/// A convolution that keeps the side, or halves it with a stride of 2; for odd kernels.
fn conv(init: &mut Init, channels: [usize; 2], kernel: usize, stride: usize) -> Conv2d {
    let padding = Padding::Zero(kernel / 2);
    Conv2d::new(init, channels, kernel, stride, padding, glorot(channels, kernel))
}

/// Everything needed to build the networks again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaganConfig {
    /// 1 or 3.
    pub channels: usize,
    /// Side of the images. It is halved twice, and further until it is 8 or less; it must be even each time.
    pub size: usize,
    pub classes: usize,
    /// Numbers of a code.
    pub latent: usize,
    /// Channels of the encoder's first convolution; the other widths are multiples of it.
    pub width: usize,
}

impl BaganConfig {
    /// A code of 100 numbers and a first width of 32 (BAGAN's code).
    pub fn new(channels: usize, size: usize, classes: usize) -> Self {
        BaganConfig { channels, size, classes, latent: 100, width: 32 }
    }

    /// Bounds that a file from elsewhere must keep, so that a hostile one cannot ask for all the memory.
    pub fn is_sane(&self) -> bool {
        (self.channels == 1 || self.channels == 3)
            && (8..=256).contains(&self.size)
            && self.size.is_multiple_of(1 << self.halvings())
            && (1..=10_000).contains(&self.classes)
            && (1..=1024).contains(&self.latent)
            && (1..=64).contains(&self.width)
    }

    /// How often the side is halved: twice up to 32 pixels, 3 times up to 64.
    fn halvings(&self) -> usize {
        let mut halvings = 2;
        while self.size >> halvings > LARGEST_BOTTOM {
            halvings += 1;
        }
        halvings
    }

    /// Side of the smallest map.
    fn bottom(&self) -> usize {
        self.size >> self.halvings()
    }

    /// Images to codes of `latent` numbers. Draws the start weights: convolutions by Glorot, the linear layer
    /// Kaiming.
    pub fn build_encoder(&self, init: &mut Init) -> BaganJudge {
        self.build_judge(init, self.latent)
    }

    /// Images to a logit for each class and a last one for "made". Draws the start weights as for the
    /// encoder.
    pub fn build_discriminator(&self, init: &mut Init) -> BaganJudge {
        self.build_judge(init, self.classes + 1)
    }

    fn build_judge(&self, init: &mut Init, outputs: usize) -> BaganJudge {
        let mut convs = Vec::new();
        let mut inputs = self.channels;
        // A halving and a convolution at that side, channels doubled each time up to eight widths.
        for step in 0..2 * self.halvings() {
            let width = self.width << step.min(3);
            convs.push(conv(init, [inputs, width], 3, 2 - step % 2).with_bias(init));
            inputs = width;
        }
        let features = inputs * self.bottom() * self.bottom();
        BaganJudge { convs, head: Linear::new(init, features, outputs) }
    }

    /// Codes to images. Draws the start weights as for the encoder.
    pub fn build_generator(&self, init: &mut Init) -> BaganGenerator {
        let (side, first) = (self.bottom(), 4 * self.width);
        let hidden = Linear::new(init, self.latent, 32 * self.width).without_bias();
        let unfold = Linear::new(init, 32 * self.width, first * side * side).without_bias();
        let mut convs = Vec::new();
        let mut inputs = first;
        for doubling in 1..=self.halvings() {
            let width = if doubling < self.halvings() { 8 * self.width } else { 4 * self.width };
            convs.push(conv(init, [inputs, width], 5, 1));
            inputs = width;
        }
        BaganGenerator { hidden, unfold, side, convs, image: conv(init, [inputs, self.channels], 3, 1) }
    }
}

/// BAGAN's encoder or discriminator: 3x3 convolutions with leaky ReLUs, every other one halving the side, and
/// a linear layer.
#[derive(Module, Debug)]
pub struct BaganJudge {
    convs: Vec<Conv2d>,
    head: Linear,
}

impl BaganJudge {
    /// Images `[batch, channels, size, size]` in \[-1, 1\] to `[batch, outputs]`. With draws, values are left
    /// out after each convolution ([`DROPOUT`]), as in training.
    ///
    /// At 32 pixels the maps are 32 x 16 x 16, 64 x 16 x 16, 128 x 8 x 8, 256 x 8 x 8; at 64 pixels each side
    /// is twice that and two of 256 x 8 x 8 follow.
    pub fn forward(&self, images: Tensor<4>, mut draws: Option<&mut Stream>) -> Tensor<2> {
        let mut x = FeatureMap::from_images(images);
        for conv in &self.convs {
            x = conv.forward(x, Activation::LeakyRelu).drop_values(DROPOUT, draws.as_deref_mut());
        }
        self.head.forward(x.flatten())
    }

    /// This network with the convolutions of another of the same configuration: a discriminator that starts
    /// from a trained encoder.
    #[must_use]
    pub fn with_convolutions_of(self, other: &BaganJudge) -> Self {
        BaganJudge { convs: other.convs.clone(), ..self }
    }
}

/// BAGAN's generator, the decoder of its autoencoder. No layer has a bias.
#[derive(Module, Debug)]
pub struct BaganGenerator {
    hidden: Linear,
    unfold: Linear,
    /// Of the first map.
    side: usize,
    /// 5x5, each after a doubling of the side.
    convs: Vec<Conv2d>,
    image: Conv2d,
}

impl BaganGenerator {
    /// Codes `[batch, latent]` to images `[batch, channels, size, size]` in \[-1, 1\].
    ///
    /// At 32 pixels the maps are 128 x 8 x 8, 256 x 16 x 16, 128 x 32 x 32; at 64 pixels one more of 256
    /// channels lies between. The last convolution is 3x3, where the published one is 2x2 and so shifts the
    /// image by half a pixel.
    pub fn forward(&self, code: Tensor<2>) -> Tensor<4> {
        let features = relu(self.unfold.forward(relu(self.hidden.forward(code))));
        let channels = features.dims()[1] / (self.side * self.side);
        let mut x = FeatureMap::from_features(features, [channels, self.side, self.side]);
        for conv in &self.convs {
            x = conv.forward(x.upsample2(), Activation::Relu);
        }
        self.image.forward(x, Activation::Tanh).into_images()
    }
}
