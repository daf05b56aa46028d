//! The two networks of a conditional GAN on DCGAN's convolutions (Mirza and Osindero 2014; Radford, Metz and
//! Chintala, ICLR 2016), for least squares (Mao et al., ICCV 2017).
//!
//! Both take the label as features of its own: the generator beside its noise, the discriminator as one more
//! channel of the image. The fully connected networks of the paper join label and pixels in the same places.

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use super::autoencoder::{AutoencoderConfig, Decoder, Encoder};
use super::embedding::LabelEmbedding;
use super::init::Init;
use super::layers::{Absorb, Pass};

/// Everything needed to build both networks again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CganConfig {
    /// The generator is its decoder and the discriminator its encoder; `latent` counts the noise, `classes`
    /// the labels.
    pub trunk: AutoencoderConfig,
    /// Numbers of the label beside the noise.
    pub embedding: usize,
}

impl CganConfig {
    /// The widths of [`AutoencoderConfig::baegan`], noise of 100 numbers (Radford et al. 2016), and as many
    /// numbers of a label as there are classes (PyTorch-GAN), 100 at most.
    pub fn new(channels: usize, size: usize, classes: usize, width_factor: f64) -> Self {
        let trunk = AutoencoderConfig::baegan(channels, size, classes, 100, width_factor);
        CganConfig { trunk, embedding: classes.min(100) }
    }

    /// Bounds that a file from elsewhere must keep, so that a hostile one cannot ask for all the memory.
    pub fn is_sane(&self) -> bool {
        self.trunk.is_sane()
            && self.trunk.classes > 0
            && self.trunk.classes * self.trunk.size * self.trunk.size <= 1 << 26
            && (1..=1024).contains(&self.embedding)
    }

    /// Draws the start weights: convolutions N(0, 0.02²), label rows N(0, 1).
    pub fn build_generator(&self, init: &mut Init) -> CganGenerator {
        CganGenerator {
            embedding: LabelEmbedding::features(init, self.trunk.classes, self.embedding),
            decoder: self.trunk.build_decoder(init, self.embedding + self.trunk.latent),
        }
    }

    /// Draws the start weights as [`CganConfig::build_generator`] does.
    pub fn build_discriminator(&self, init: &mut Init) -> CganDiscriminator {
        let AutoencoderConfig { channels, size, classes, .. } = self.trunk;
        CganDiscriminator {
            embedding: LabelEmbedding::features(init, classes, size * size),
            encoder: self.trunk.build_encoder(init, channels + 1, 1),
        }
    }
}

/// Noise and a label to an image.
#[derive(Module, Debug)]
pub struct CganGenerator {
    embedding: LabelEmbedding,
    decoder: Decoder,
}

impl CganGenerator {
    /// Noise `[batch, latent]` and labels `[batch]` to images `[batch, channels, size, size]` in \[-1, 1\].
    pub fn forward(&self, noise: Tensor<2>, labels: Tensor<1, Int>, pass: &mut Pass) -> Tensor<4> {
        let code = Tensor::cat(vec![self.embedding.forward(labels), noise], 1);
        self.decoder.forward(code, pass)
    }

    /// The network with the running statistics moved by a training pass.
    #[must_use]
    pub fn absorb(self, pass: Pass) -> Self {
        CganGenerator { decoder: self.decoder.absorb(&mut Absorb::new(pass)), ..self }
    }
}

/// Says whether an image is real and of its label.
#[derive(Module, Debug)]
pub struct CganDiscriminator {
    /// A row is a map of the size of the image.
    embedding: LabelEmbedding,
    encoder: Encoder,
}

impl CganDiscriminator {
    /// Images `[batch, channels, size, size]` in \[-1, 1\] and labels `[batch]` to scores `[batch]`, without
    /// an activation, as least squares want it.
    pub fn forward(&self, images: Tensor<4>, labels: Tensor<1, Int>, pass: &mut Pass) -> Tensor<1> {
        let [batch, _, height, width] = images.dims();
        let map: Tensor<4> = self.embedding.forward(labels).reshape([batch, 1, height, width]);
        self.encoder.forward(Tensor::cat(vec![images, map], 1), pass).squeeze_dim::<1>(1)
    }

    /// The network with the running statistics moved by a training pass.
    #[must_use]
    pub fn absorb(self, pass: Pass) -> Self {
        CganDiscriminator { encoder: self.encoder.absorb(&mut Absorb::new(pass)), ..self }
    }
}
