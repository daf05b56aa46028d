//! The convolutional autoencoder of the generators that learn from pictures: an encoder as DCGAN's critic and
//! a decoder as its generator (Radford, Metz and Chintala, ICLR 2016), as BAEGAN, BAGAN-GP and DeepSMOTE
//! begin with.
//!
//! Images are in \[-1, 1\], because the decoder ends in tanh. The halves are networks of other methods too: a
//! conditional GAN's discriminator is an encoder with one output, its generator a decoder.

use burn::module::Module;
use burn::tensor::activation::relu;
use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use super::embedding::LabelEmbedding;
use super::init::Init;
use super::layers::{
    Absorb, Activation, BatchNorm, Conv2d, ConvTranspose2d, Convolution as _, FeatureMap, Linear, Padding,
    Pass, conv_norm,
};

/// Standard deviation of the start weights of every convolution (Radford et al. 2016, section 3). The linear
/// layers have the start of [`Linear`], because the paper has none there; normalisations begin at scale 1 and
/// shift 0.
const DEVIATION: f64 = 0.02;

/// Channels of the decoder's smallest map in the profiles (Table 1 of BAEGAN, DCGAN's at half the width).
/// Each doubling of the side halves them.
const DEEPEST: usize = 512;

/// Channels of the encoder's first convolution in the profiles (Table 1 of BAEGAN). Each further one doubles
/// them.
const FIRST: usize = 64;

/// Numbers of DeepSMOTE's code, of grey and of colour images (Dablain, Krawczyk and Chawla, TNNLS 2022: 300
/// for MNIST and Fashion-MNIST, 600 for CIFAR-10, SVHN and CelebA).
pub const fn deepsmote_latent(channels: usize) -> usize {
    if channels == 1 { 300 } else { 600 }
}

/// How a decoder gets from a code to its smallest map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// A transposed convolution of the code as one pixel, normalisation and ReLU (DCGAN).
    Transposed,
    /// A linear layer and ReLU (DeepSMOTE).
    Linear,
}

/// Everything needed to build the same network again. What a file leaves out is as in
/// [`AutoencoderConfig::dcgan`] for colour images of 32 pixels a side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AutoencoderConfig {
    /// 1 or 3.
    pub channels: usize,
    /// Side of the images: each of the `widths` halves it.
    pub size: usize,
    /// Numbers of the code.
    pub latent: usize,
    /// Channels after each convolution of the encoder.
    pub widths: Vec<usize>,
    /// Channels of the decoder's maps before the image, the smallest map first; as many as `widths`. None
    /// means `widths` in reverse.
    pub decoder: Vec<usize>,
    pub start: Start,
    /// True where the encoder's first convolution is normalised as the others are.
    pub first_norm: bool,
    /// True where a convolution before a normalisation has a bias, which the normalisation takes out again.
    pub norm_bias: bool,
    /// Classes that the code is embedded for; 0 for a network without labels.
    pub classes: usize,
}

impl Default for AutoencoderConfig {
    fn default() -> Self {
        Self::dcgan(3, 32)
    }
}

impl AutoencoderConfig {
    /// 64, 128, 256 and 512 channels and a code of 128 numbers, for images of 32 or 64 pixels a side. Every
    /// convolution has a bias, and all but the image's a normalisation.
    pub fn dcgan(channels: usize, size: usize) -> Self {
        AutoencoderConfig {
            channels,
            size,
            latent: 128,
            widths: vec![64, 128, 256, 512],
            decoder: Vec::new(),
            start: Start::Transposed,
            first_norm: true,
            norm_bias: true,
            classes: 0,
        }
    }

    /// BAEGAN's autoencoder, conditional where `classes` is not 0; a code has 128 numbers in BAGAN-GP, from
    /// which BAEGAN takes its embedding.
    ///
    /// At 64 pixels the encoder has 64, 128, 256 and 512 channels at 32, 16, 8 and 4 pixels, the decoder 512,
    /// 256, 128 and 64 at 4, 8, 16 and 32 (Table 1 of Zhi, Chang, Lu and Geng, JEIT 46(11), 2024). The first
    /// convolution is not normalised, convolutions before a normalisation have no bias, the code is linear.
    ///
    /// The profiles of other sides are this project's. They begin at 512 channels and 4 to 7 pixels too, with
    /// a doubling less for half the side (32 pixels: encoder 64, 128, 256, decoder 512, 256, 128; 16: encoder
    /// 64, 128, decoder 512, 256) and one more for twice the side (128: encoder 32 to 512, decoder 512 to
    /// 32). A side is 4, 5, 6 or 7 times a power of two, at least 2.
    ///
    /// `width_factor` multiplies all widths: 1 for a graphics card, 1/2 for about a quarter of the work.
    pub fn baegan(channels: usize, size: usize, classes: usize, latent: usize, width_factor: f64) -> Self {
        let halvings = (size / 4).max(1).ilog2();
        let scaled = |width: usize| ((width as f64 * width_factor).round() as usize).max(1);
        let first = FIRST.min(DEEPEST >> halvings.saturating_sub(1));
        AutoencoderConfig {
            channels,
            size,
            latent,
            widths: (0..halvings).map(|depth| scaled(first << depth)).collect(),
            decoder: (0..halvings).map(|depth| scaled(DEEPEST >> depth)).collect(),
            start: Start::Transposed,
            first_norm: false,
            norm_bias: false,
            classes,
        }
    }

    /// DeepSMOTE's autoencoder (Dablain et al., TNNLS 2022): no labels, and a decoder that begins with a
    /// linear layer. [`deepsmote_latent`] has the published lengths of a code.
    ///
    /// The paper halves the side four times and mirrors that in the decoder; its code decodes 28 pixels as 7,
    /// 10, 13, 28, by transposed convolutions without padding. Here both halves have the sides and widths of
    /// [`AutoencoderConfig::baegan`]: the decoder doubles from 4 to 7 pixels on, 7, 14, 28.
    pub fn deepsmote(channels: usize, size: usize, latent: usize, width_factor: f64) -> Self {
        let baegan = Self::baegan(channels, size, 0, latent, width_factor);
        AutoencoderConfig { start: Start::Linear, ..baegan }
    }

    /// Bounds that a file from elsewhere must keep, so that a hostile one cannot ask for all the memory.
    pub fn is_sane(&self) -> bool {
        let width = 1..=1024;
        (self.channels == 1 || self.channels == 3)
            && width.contains(&self.latent)
            && (1..=6).contains(&self.widths.len())
            && self.widths.iter().all(|w| width.contains(w))
            && (self.decoder.is_empty() || self.decoder.len() == self.widths.len())
            && self.decoder.iter().all(|w| width.contains(w))
            && self.classes <= 10_000
            && (1..=8).contains(&self.bottom())
            && self.size == self.bottom() << self.widths.len()
    }

    /// Side of the smallest map: 2 for 32 pixels and four halvings, 4 for 64.
    fn bottom(&self) -> usize {
        self.size.checked_shr(self.widths.len() as u32).unwrap_or(0)
    }

    /// Draws the start weights: convolutions N(0, 0.02²), their bias 0.
    pub fn build(&self, init: &mut Init) -> Autoencoder {
        let encoder = self.build_encoder(init, self.channels, self.latent);
        let decoder = self.build_decoder(init, self.latent);
        let embedding = (self.classes > 0).then(|| LabelEmbedding::factors(init, self.classes, self.latent));
        Autoencoder { encoder, decoder, embedding }
    }

    /// An encoder of maps of `channels` channels to `outputs` numbers.
    pub(super) fn build_encoder(&self, init: &mut Init, channels: usize, outputs: usize) -> Encoder {
        let mut downs = Vec::new();
        let mut inputs = channels;
        for (depth, &width) in self.widths.iter().enumerate() {
            let normed = depth > 0 || self.first_norm;
            let conv = Conv2d::new(init, [inputs, width], 4, 2, Padding::Zero(1), DEVIATION);
            let conv = if normed && !self.norm_bias { conv } else { conv.with_bias(init) };
            downs.push(Down { conv, norm: normed.then(|| BatchNorm::new(init, width)) });
            inputs = width;
        }
        let bottom = self.bottom();
        Encoder { downs, code: Linear::new(init, inputs * bottom * bottom, outputs) }
    }

    /// A decoder alone, of codes of `inputs` numbers to images. Draws its start weights as [`AutoencoderConfig::build`]
    /// does.
    pub fn build_decoder(&self, init: &mut Init, inputs: usize) -> Decoder {
        let side = self.bottom();
        let widths: Vec<usize> = if self.decoder.is_empty() {
            self.widths.iter().rev().copied().collect()
        } else {
            self.decoder.clone()
        };
        let deepest = widths.first().copied().unwrap_or(inputs);
        let mut unfold = None;
        let mut ups = Vec::new();
        match self.start {
            Start::Linear => unfold = Some(Linear::new(init, inputs, deepest * side * side)),
            Start::Transposed => {
                let conv = ConvTranspose2d::new(init, [inputs, deepest], side, 1, 0, 0, DEVIATION);
                ups.push(self.up(init, conv, deepest));
            }
        }
        for pair in widths.windows(2) {
            let conv = doubling(init, [pair[0], pair[1]]);
            ups.push(self.up(init, conv, pair[1]));
        }
        let last = widths.last().copied().unwrap_or(inputs);
        Decoder { unfold, side, ups, image: doubling(init, [last, self.channels]).with_bias(init) }
    }

    fn up(&self, init: &mut Init, conv: ConvTranspose2d, width: usize) -> Up {
        let conv = if self.norm_bias { conv.with_bias(init) } else { conv };
        Up { conv, norm: BatchNorm::new(init, width) }
    }
}

/// A transposed convolution that doubles the side.
fn doubling(init: &mut Init, channels: [usize; 2]) -> ConvTranspose2d {
    ConvTranspose2d::new(init, channels, 4, 2, 1, 0, DEVIATION)
}

/// 4x4 convolution with stride 2, normalisation where there is one, leaky ReLU.
#[derive(Module, Debug)]
struct Down {
    conv: Conv2d,
    norm: Option<BatchNorm>,
}

/// Transposed convolution, normalisation, ReLU.
#[derive(Module, Debug)]
struct Up {
    conv: ConvTranspose2d,
    norm: BatchNorm,
}

/// Images to codes.
#[derive(Module, Debug)]
pub(super) struct Encoder {
    downs: Vec<Down>,
    code: Linear,
}

impl Encoder {
    /// `[batch, channels, size, size]` to `[batch, outputs]`.
    pub(super) fn forward(&self, x: Tensor<4>, pass: &mut Pass) -> Tensor<2> {
        let mut x = FeatureMap::from_images(x);
        for down in &self.downs {
            x = match &down.norm {
                Some(norm) => conv_norm(&down.conv, norm, x, None, Activation::LeakyRelu, pass),
                None => down.conv.forward(x, Activation::LeakyRelu),
            };
        }
        self.code.forward(x.flatten())
    }

    pub(super) fn absorb(self, from: &mut Absorb) -> Self {
        let downs = self
            .downs
            .into_iter()
            .map(|down| Down { norm: down.norm.map(|norm| from.next(norm)), ..down })
            .collect();
        Encoder { downs, ..self }
    }
}

/// Codes to images.
#[derive(Module, Debug)]
pub struct Decoder {
    unfold: Option<Linear>,
    /// Of the smallest map.
    side: usize,
    ups: Vec<Up>,
    image: ConvTranspose2d,
}

impl Decoder {
    /// `[batch, inputs]` to `[batch, channels, size, size]` in \[-1, 1\].
    pub fn forward(&self, code: Tensor<2>, pass: &mut Pass) -> Tensor<4> {
        let mut x = match &self.unfold {
            Some(unfold) => {
                let features = relu(unfold.forward(code));
                let channels = features.dims()[1] / (self.side * self.side);
                FeatureMap::from_features(features, [channels, self.side, self.side])
            }
            None => {
                let [_, inputs] = code.dims();
                FeatureMap::from_features(code, [inputs, 1, 1])
            }
        };
        for up in &self.ups {
            x = conv_norm(&up.conv, &up.norm, x, None, Activation::Relu, pass);
        }
        self.image.forward(x, Activation::Tanh).into_images()
    }

    /// The network with the running statistics moved by a training pass of [`Decoder::forward`].
    #[must_use]
    pub fn absorb(self, from: &mut Absorb) -> Self {
        let ups = self.ups.into_iter().map(|up| Up { norm: from.next(up.norm), ..up }).collect();
        Decoder { ups, ..self }
    }
}

/// Encoder and decoder, and an embedding where the network has labels.
#[derive(Module, Debug)]
pub struct Autoencoder {
    encoder: Encoder,
    decoder: Decoder,
    embedding: Option<LabelEmbedding>,
}

impl Autoencoder {
    /// `[batch, channels, size, size]` in \[-1, 1\] to codes `[batch, latent]`.
    ///
    /// At 32 pixels and the widths of [`AutoencoderConfig::dcgan`] the maps are 64 x 16 x 16, 128 x 8 x 8,
    /// 256 x 4 x 4, 512 x 2 x 2; at 64 pixels each side is twice that.
    pub fn encode(&self, x: Tensor<4>, pass: &mut Pass) -> Tensor<2> {
        self.encoder.forward(x, pass)
    }

    /// Codes `[batch, latent]` times the rows of labels `[batch]`, number by number (Huang and Jafari, Neural
    /// Computing and Applications 2021). Without labels the code itself.
    pub fn embed(&self, code: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<2> {
        match &self.embedding {
            Some(embedding) => code * embedding.forward(labels),
            None => code,
        }
    }

    /// Codes `[batch, latent]`, embedded ones where the network has labels, to images
    /// `[batch, channels, size, size]` in \[-1, 1\].
    ///
    /// The first transposed convolution or the linear layer gives the smallest map, 4 x 4 at 64 pixels; each
    /// further one doubles the side.
    pub fn decode(&self, code: Tensor<2>, pass: &mut Pass) -> Tensor<4> {
        self.decoder.forward(code, pass)
    }

    /// [`Autoencoder::decode`] of [`Autoencoder::encode`].
    pub fn forward(&self, x: Tensor<4>, pass: &mut Pass) -> Tensor<4> {
        let code = self.encode(x, pass);
        self.decode(code, pass)
    }

    /// [`Autoencoder::forward`] with the code embedded for labels `[batch]` in between.
    pub fn reconstruct(&self, x: Tensor<4>, labels: Tensor<1, Int>, pass: &mut Pass) -> Tensor<4> {
        let code = self.embed(self.encode(x, pass), labels);
        self.decode(code, pass)
    }

    /// The network with the running statistics moved by a training pass of [`Autoencoder::forward`] or
    /// [`Autoencoder::reconstruct`].
    #[must_use]
    pub fn absorb(self, pass: Pass) -> Self {
        let mut from = Absorb::new(pass);
        let encoder = self.encoder.absorb(&mut from);
        let decoder = self.decoder.absorb(&mut from);
        Autoencoder { encoder, decoder, ..self }
    }

    /// The same for a training pass of [`Autoencoder::encode`] alone.
    #[must_use]
    pub fn absorb_encoder(self, pass: Pass) -> Self {
        Autoencoder { encoder: self.encoder.absorb(&mut Absorb::new(pass)), ..self }
    }

    /// The same for a training pass of [`Autoencoder::decode`] alone.
    #[must_use]
    pub fn absorb_decoder(self, pass: Pass) -> Self {
        Autoencoder { decoder: self.decoder.absorb(&mut Absorb::new(pass)), ..self }
    }

    /// Embedding and decoder alone, with the weights that they have: BAGAN-GP's generator starts from a
    /// trained autoencoder. None where the network has no labels.
    pub fn into_generator(self) -> Option<LabelledGenerator> {
        Some(LabelledGenerator { decoder: self.decoder, embedding: self.embedding? })
    }
}

/// The generator of BAGAN-GP (Huang and Jafari 2021): noise is multiplied by the row of a label and decoded.
#[derive(Module, Debug)]
pub struct LabelledGenerator {
    decoder: Decoder,
    embedding: LabelEmbedding,
}

impl LabelledGenerator {
    /// Noise `[batch, latent]` and labels `[batch]` to images `[batch, channels, size, size]` in \[-1, 1\].
    pub fn forward(&self, noise: Tensor<2>, labels: Tensor<1, Int>, pass: &mut Pass) -> Tensor<4> {
        self.decoder.forward(noise * self.embedding.forward(labels), pass)
    }

    /// The network with the running statistics moved by a training pass.
    #[must_use]
    pub fn absorb(self, pass: Pass) -> Self {
        LabelledGenerator { decoder: self.decoder.absorb(&mut Absorb::new(pass)), ..self }
    }
}
