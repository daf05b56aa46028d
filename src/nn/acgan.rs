//! The two networks of an auxiliary classifier GAN (Odena, Olah and Shlens, ICML 2017), in the form of
//! PyTorch-GAN.
//!
//! Normalisations have the usual epsilon of 1e-5 (PyTorch-GAN gives 0.8 by mistake), and both heads of the
//! discriminator give logits, because its losses take their own logarithms.

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::domain::random::Stream;

use super::embedding::LabelEmbedding;
use super::init::Init;
use super::layers::{
    Absorb, Activation, BatchNorm, Conv2d, Convolution as _, FeatureMap, Linear, Padding, Pass, conv_norm,
};

/// Standard deviation of the start weights of every convolution (PyTorch-GAN).
const DEVIATION: f64 = 0.02;

/// Share of the discriminator's channels that is left out in training (PyTorch-GAN).
pub const DROPOUT: f64 = 0.25;

/// Everything needed to build both networks again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcganConfig {
    /// 1 or 3.
    pub channels: usize,
    /// Side of the images, a multiple of 4.
    pub size: usize,
    pub classes: usize,
    /// Numbers of the noise.
    pub latent: usize,
    /// Channels of the generator's first map and of the discriminator's last, a multiple of 8.
    pub width: usize,
}

impl AcganConfig {
    /// Noise of 100 numbers and a width of 128 (PyTorch-GAN).
    pub fn new(channels: usize, size: usize, classes: usize) -> Self {
        AcganConfig { channels, size, classes, latent: 100, width: 128 }
    }

    /// Bounds that a file from elsewhere must keep, so that a hostile one cannot ask for all the memory.
    pub fn is_sane(&self) -> bool {
        (self.channels == 1 || self.channels == 3)
            && (8..=256).contains(&self.size)
            && self.size.is_multiple_of(4)
            && (1..=10_000).contains(&self.classes)
            && (1..=1024).contains(&self.latent)
            && (8..=512).contains(&self.width)
            && self.width.is_multiple_of(8)
            // What the generator unfolds the noise with.
            && self.latent * self.width * (self.size / 4).pow(2) <= 1 << 27
    }

    /// Draws the start weights: convolutions N(0, 0.02²), the linear layer Kaiming, label rows N(0, 1) as in
    /// PyTorch-GAN. Rows near 1 would give every class the same noise, and classes would part late.
    pub fn build_generator(&self, init: &mut Init) -> AcganGenerator {
        let (width, side) = (self.width, self.size / 4);
        let conv = |init: &mut Init, channels| Conv2d::new(init, channels, 3, 1, Padding::Zero(1), DEVIATION);
        AcganGenerator {
            embedding: LabelEmbedding::features(init, self.classes, self.latent),
            unfold: Linear::new(init, self.latent, width * side * side),
            side,
            norm: BatchNorm::new(init, width),
            conv1: conv(init, [width, width]),
            norm1: BatchNorm::new(init, width),
            conv2: conv(init, [width, width / 2]),
            norm2: BatchNorm::new(init, width / 2),
            image: conv(init, [width / 2, self.channels]).with_bias(init),
        }
    }

    /// Draws the start weights: convolutions N(0, 0.02²), the heads Kaiming.
    pub fn build_discriminator(&self, init: &mut Init) -> AcganDiscriminator {
        let mut inputs = self.channels;
        let mut side = self.size;
        let (mut convs, mut norms) = (Vec::new(), Vec::new());
        for width in [self.width / 8, self.width / 4, self.width / 2, self.width] {
            convs.push(Conv2d::new(init, [inputs, width], 3, 2, Padding::Zero(1), DEVIATION).with_bias(init));
            if convs.len() > 1 {
                norms.push(BatchNorm::new(init, width));
            }
            (inputs, side) = (width, side.div_ceil(2));
        }
        let features = inputs * side * side;
        let (source, class) = (Linear::new(init, features, 1), Linear::new(init, features, self.classes));
        AcganDiscriminator { convs, norms, source, class }
    }
}

/// Noise and a label to an image.
#[derive(Module, Debug)]
pub struct AcganGenerator {
    embedding: LabelEmbedding,
    unfold: Linear,
    /// Of the first map.
    side: usize,
    norm: BatchNorm,
    conv1: Conv2d,
    norm1: BatchNorm,
    conv2: Conv2d,
    norm2: BatchNorm,
    image: Conv2d,
}

impl AcganGenerator {
    /// Noise `[batch, latent]` and labels `[batch]` to images `[batch, channels, size, size]` in \[-1, 1\].
    ///
    /// At 32 pixels the maps are 128 x 8 x 8, 128 x 16 x 16, 64 x 32 x 32, each side doubled by nearest
    /// neighbours before its 3x3 convolution.
    pub fn forward(&self, noise: Tensor<2>, labels: Tensor<1, Int>, pass: &mut Pass) -> Tensor<4> {
        let features = self.unfold.forward(noise * self.embedding.forward(labels));
        let channels = features.dims()[1] / (self.side * self.side);
        let x = FeatureMap::from_features(features, [channels, self.side, self.side]);
        let x = self.norm.forward(x, None, Activation::None, pass).upsample2();
        let x = conv_norm(&self.conv1, &self.norm1, x, None, Activation::LeakyRelu, pass).upsample2();
        let x = conv_norm(&self.conv2, &self.norm2, x, None, Activation::LeakyRelu, pass);
        self.image.forward(x, Activation::Tanh).into_images()
    }

    /// The network with the running statistics moved by a training pass.
    #[must_use]
    pub fn absorb(self, pass: Pass) -> Self {
        let mut from = Absorb::new(pass);
        let norm = from.next(self.norm);
        let norm1 = from.next(self.norm1);
        let norm2 = from.next(self.norm2);
        AcganGenerator { norm, norm1, norm2, ..self }
    }
}

/// Says whether an image is real, and of which class it is.
#[derive(Module, Debug)]
pub struct AcganDiscriminator {
    /// 3x3 with stride 2, leaky ReLU.
    convs: Vec<Conv2d>,
    /// After each but the first.
    norms: Vec<BatchNorm>,
    source: Linear,
    class: Linear,
}

impl AcganDiscriminator {
    /// Images `[batch, channels, size, size]` in \[-1, 1\] to the logit of "real", `[batch]`, and those of
    /// the classes, `[batch, classes]`. With draws, channels are left out ([`DROPOUT`]), as in training.
    ///
    /// At 32 pixels the maps are 16 x 16 x 16, 32 x 8 x 8, 64 x 4 x 4, 128 x 2 x 2.
    pub fn forward(
        &self,
        images: Tensor<4>,
        mut draws: Option<&mut Stream>,
        pass: &mut Pass,
    ) -> (Tensor<1>, Tensor<2>) {
        let mut x = FeatureMap::from_images(images);
        for (depth, conv) in self.convs.iter().enumerate() {
            x = conv.forward(x, Activation::LeakyRelu).drop_channels(DROPOUT, draws.as_deref_mut());
            if let Some(norm) = depth.checked_sub(1).and_then(|norm| self.norms.get(norm)) {
                x = norm.forward(x, None, Activation::None, pass);
            }
        }
        let features = x.flatten();
        let source = self.source.forward(features.clone()).squeeze_dim::<1>(1);
        (source, self.class.forward(features))
    }

    /// The network with the running statistics moved by a training pass.
    #[must_use]
    pub fn absorb(self, pass: Pass) -> Self {
        let mut from = Absorb::new(pass);
        AcganDiscriminator { norms: self.norms.into_iter().map(|norm| from.next(norm)).collect(), ..self }
    }
}
