//! The convolutional autoencoder of the generators that learn from pictures alone: an encoder as DCGAN's critic and
//! a decoder as its generator (Radford, Metz and Chintala, ICLR 2016), as BAGAN and BAEGAN begin with.
//!
//! Images are in \[-1, 1\], because the decoder ends in tanh.

use burn::module::Module;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::init::Init;
use super::layers::{
    Absorb, Activation, BatchNorm, Conv2d, ConvTranspose2d, Convolution as _, FeatureMap, Linear, Padding,
    Pass, conv_norm,
};

/// Standard deviation of the start weights of every convolution (Radford et al. 2016, section 3). The linear layer
/// has the start of [`Linear`], because the paper has none there; normalisations begin at scale 1 and shift 0.
const DEVIATION: f64 = 0.02;

/// Everything needed to build the same network again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutoencoderConfig {
    /// 1 or 3.
    pub channels: usize,
    /// Side of the images: each of the `widths` halves it.
    pub size: usize,
    /// Numbers of the code.
    pub latent: usize,
    /// Channels after each convolution of the encoder; the decoder has them in reverse.
    pub widths: Vec<usize>,
}

impl AutoencoderConfig {
    /// 64, 128, 256 and 512 channels and a code of 128 numbers, for images of 32 or 64 pixels a side.
    pub fn dcgan(channels: usize, size: usize) -> Self {
        AutoencoderConfig { channels, size, latent: 128, widths: vec![64, 128, 256, 512] }
    }

    /// Bounds that a file from elsewhere must keep, so that a hostile one cannot ask for all the memory.
    pub fn is_sane(&self) -> bool {
        (self.channels == 1 || self.channels == 3)
            && (1..=1024).contains(&self.latent)
            && (1..=6).contains(&self.widths.len())
            && self.widths.iter().all(|w| (1..=1024).contains(w))
            && (1..=8).contains(&self.bottom())
            && self.size == self.bottom() << self.widths.len()
    }

    /// Side of the smallest map: 2 for 32 pixels and four halvings, 4 for 64.
    fn bottom(&self) -> usize {
        self.size.checked_shr(self.widths.len() as u32).unwrap_or(0)
    }

    /// Draws the start weights: convolutions N(0, 0.02²), their bias 0.
    pub fn build(&self, init: &mut Init) -> Autoencoder {
        let mut encoder = Vec::new();
        let mut inputs = self.channels;
        for &width in &self.widths {
            let conv = Conv2d::new(init, [inputs, width], 4, 2, Padding::Zero(1), DEVIATION).with_bias(init);
            encoder.push(Down { conv, norm: BatchNorm::new(init, width) });
            inputs = width;
        }
        let bottom = self.bottom();
        let code = Linear::new(init, inputs * bottom * bottom, self.latent);
        let first =
            ConvTranspose2d::new(init, [self.latent, inputs], bottom, 1, 0, 0, DEVIATION).with_bias(init);
        let mut decoder = vec![Up { conv: first, norm: BatchNorm::new(init, inputs) }];
        for pair in self.widths.windows(2).rev() {
            let conv = doubling(init, [pair[1], pair[0]]);
            decoder.push(Up { conv, norm: BatchNorm::new(init, pair[0]) });
        }
        let last = self.widths.first().copied().unwrap_or(self.latent);
        Autoencoder { encoder, code, decoder, image: doubling(init, [last, self.channels]) }
    }
}

/// A transposed convolution that doubles the side.
fn doubling(init: &mut Init, channels: [usize; 2]) -> ConvTranspose2d {
    ConvTranspose2d::new(init, channels, 4, 2, 1, 0, DEVIATION).with_bias(init)
}

/// 4x4 convolution with stride 2, normalisation, leaky ReLU.
#[derive(Module, Debug)]
struct Down {
    conv: Conv2d,
    norm: BatchNorm,
}

/// Transposed convolution, normalisation, ReLU.
#[derive(Module, Debug)]
struct Up {
    conv: ConvTranspose2d,
    norm: BatchNorm,
}

/// Encoder and decoder.
#[derive(Module, Debug)]
pub struct Autoencoder {
    encoder: Vec<Down>,
    code: Linear,
    decoder: Vec<Up>,
    image: ConvTranspose2d,
}

impl Autoencoder {
    /// `[batch, channels, size, size]` in \[-1, 1\] to codes `[batch, latent]`.
    ///
    /// At 32 pixels and the widths of [`AutoencoderConfig::dcgan`] the maps are 64 x 16 x 16, 128 x 8 x 8,
    /// 256 x 4 x 4, 512 x 2 x 2; at 64 pixels each side is twice that.
    pub fn encode(&self, x: Tensor<4>, pass: &mut Pass) -> Tensor<2> {
        let mut x = FeatureMap::from_images(x);
        for down in &self.encoder {
            x = conv_norm(&down.conv, &down.norm, x, None, Activation::LeakyRelu, pass);
        }
        self.code.forward(x.flatten())
    }

    /// Codes `[batch, latent]` to images `[batch, channels, size, size]` in \[-1, 1\].
    ///
    /// The first transposed convolution turns 1 x 1 into 512 x 2 x 2 (4 x 4 at 64 pixels), each further one doubles
    /// the side.
    pub fn decode(&self, code: Tensor<2>, pass: &mut Pass) -> Tensor<4> {
        let [_, latent] = code.dims();
        let mut x = FeatureMap::from_features(code, [latent, 1, 1]);
        for up in &self.decoder {
            x = conv_norm(&up.conv, &up.norm, x, None, Activation::Relu, pass);
        }
        self.image.forward(x, Activation::Tanh).into_images()
    }

    /// [`Autoencoder::decode`] of [`Autoencoder::encode`].
    pub fn forward(&self, x: Tensor<4>, pass: &mut Pass) -> Tensor<4> {
        let code = self.encode(x, pass);
        self.decode(code, pass)
    }

    /// The network with the running statistics moved by a training pass of [`Autoencoder::forward`].
    #[must_use]
    pub fn absorb(self, pass: Pass) -> Self {
        let mut from = Absorb::new(pass);
        let encoder =
            self.encoder.into_iter().map(|down| Down { norm: from.next(down.norm), ..down }).collect();
        let decoder = self.decoder.into_iter().map(|up| Up { norm: from.next(up.norm), ..up }).collect();
        Autoencoder { encoder, decoder, ..self }
    }
}
