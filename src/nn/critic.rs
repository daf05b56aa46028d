//! Critics whose gradient with respect to their input is an ordinary result, for gradient penalties.
//!
//! burn differentiates once, so the gradient of a gradient is not to be had from it. Both critics are chains
//! of linear maps and leaky ReLUs without normalisation and dropout. Their input gradient is the same chain
//! backwards, with each slope taken as it was on the way forward. Slopes are constant almost everywhere, so
//! one backward pass through that chain gives the true derivative of any loss of the input gradient.

use burn::module::Module;
use burn::tensor::activation::softmax;
use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use super::embedding::LabelEmbedding;
use super::init::Init;
use super::layers::{Activation, Conv2d, Convolution as _, FeatureMap, Linear, Padding, leaky, leaky_slope};
use super::loss::log_sum_exp;

/// Added under the root of a squared norm, whose slope at zero is infinite.
const FLOOR: f64 = 1e-12;

/// `(|g| - 1)^2` of each sample, |g| the L2 norm over all that is not the batch: `[batch, ...]` to `[batch]`
/// (Gulrajani et al., NeurIPS 2017, equation 3, which weighs it by 10).
pub fn gradient_penalty<const D: usize>(gradient: Tensor<D>) -> Tensor<1> {
    let shape = gradient.dims();
    let rows: Tensor<2> = gradient.reshape([shape[0], shape[1..].iter().product()]);
    let norm = (rows.square().sum_dim(1) + FLOOR).sqrt();
    (norm - 1.0).square().squeeze_dim::<1>(1)
}

/// The direction of the first output: 1 in the first column of `[batch, outputs]`, 0 elsewhere. For a critic
/// with one score, or one whose score stands before other outputs.
pub fn single_direction(logits: &Tensor<2>) -> Tensor<2> {
    let [batch, outputs] = logits.dims();
    let device = logits.device();
    let first: Tensor<2> = Tensor::ones([batch, 1], &device);
    if outputs == 1 {
        return first;
    }
    Tensor::cat(vec![first, Tensor::zeros([batch, outputs - 1], &device)], 1)
}

/// The score "real" of a head with one logit for each class and a last one for the prior,
/// `l_n - logsumexp(l_0..l_(n-1))`: `[batch, n + 1]` to `[batch]`, for n of at least 1. Its logistic function
/// is the softmax of the last logit.
pub fn fused_score(logits: Tensor<2>) -> Tensor<1> {
    let [_, outputs] = logits.dims();
    let prior = logits.clone().narrow(1, outputs - 1, 1);
    (prior - log_sum_exp(logits.narrow(1, 0, outputs - 1))).squeeze_dim::<1>(1)
}

/// The direction of [`fused_score`]: minus the softmax of the first n logits, and 1. It depends on the
/// logits, and a gradient flows through it.
pub fn fused_direction(logits: &Tensor<2>) -> Tensor<2> {
    let [batch, outputs] = logits.dims();
    let of_classes = softmax(logits.clone().narrow(1, 0, outputs - 1), 1).neg();
    let of_prior: Tensor<2> = Tensor::ones([batch, 1], &logits.device());
    Tensor::cat(vec![of_classes, of_prior], 1)
}

/// Everything needed to build the same critic of codes again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatentCriticConfig {
    /// Numbers of a code.
    pub latent: usize,
    /// Width of each hidden layer.
    pub hidden: Vec<usize>,
    /// Logits: one, or one for each class and one for the prior.
    pub outputs: usize,
}

impl LatentCriticConfig {
    /// 512 and 256 hidden units, as the discriminator of PyTorch-GAN's adversarial autoencoder; BAEGAN's is
    /// not published.
    pub fn new(latent: usize, outputs: usize) -> Self {
        LatentCriticConfig { latent, hidden: vec![512, 256], outputs }
    }

    /// Bounds that a file from elsewhere must keep, so that a hostile one cannot ask for all the memory.
    pub fn is_sane(&self) -> bool {
        (1..=1024).contains(&self.latent)
            && self.hidden.len() <= 6
            && self.hidden.iter().all(|w| (1..=2048).contains(w))
            && (1..=10_001).contains(&self.outputs)
    }

    /// Draws the start weights: Kaiming, bias 0.
    pub fn build(&self, init: &mut Init) -> LatentCritic {
        let mut inputs = self.latent;
        let mut hidden = Vec::new();
        for &width in &self.hidden {
            hidden.push(Linear::new(init, inputs, width));
            inputs = width;
        }
        LatentCritic { hidden, head: Linear::new(init, inputs, self.outputs) }
    }
}

/// Judges codes: linear layers with leaky ReLUs between them.
#[derive(Module, Debug)]
pub struct LatentCritic {
    hidden: Vec<Linear>,
    head: Linear,
}

impl LatentCritic {
    /// Codes `[batch, latent]` to logits `[batch, outputs]`.
    pub fn forward(&self, codes: Tensor<2>) -> Tensor<2> {
        let features = self.hidden.iter().fold(codes, |x, layer| leaky(layer.forward(x)));
        self.head.forward(features)
    }

    /// The logits, and the gradient `[batch, latent]` of `sum_j g_j logit_j` with respect to the codes, for
    /// the `direction` g `[batch, outputs]` of these logits ([`fused_direction`], [`single_direction`]).
    pub fn forward_with_gradient(
        &self,
        codes: Tensor<2>,
        direction: impl FnOnce(&Tensor<2>) -> Tensor<2>,
    ) -> (Tensor<2>, Tensor<2>) {
        let mut x = codes;
        let mut slopes = Vec::new();
        for layer in &self.hidden {
            x = leaky(layer.forward(x));
            slopes.push(leaky_slope(&x));
        }
        let logits = self.head.forward(x);
        let mut gradient = self.head.back(direction(&logits));
        for (layer, slope) in self.hidden.iter().zip(slopes).rev() {
            gradient = layer.back(gradient * slope);
        }
        (logits, gradient)
    }
}

/// Everything needed to build the same critic of images and labels again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairCriticConfig {
    /// 1 or 3.
    pub channels: usize,
    /// Side of the images.
    pub size: usize,
    pub classes: usize,
    /// Channels after each convolution, which halves the side.
    pub widths: Vec<usize>,
    /// Numbers of a label's embedding.
    pub embedding: usize,
    /// Width of the hidden layer.
    pub hidden: usize,
}

impl PairCriticConfig {
    /// 64, 128, 128 and 256 channels, an embedding and a hidden layer of 512, as the discriminator of
    /// BAGAN-GP (Huang and Jafari 2021).
    pub fn new(channels: usize, size: usize, classes: usize) -> Self {
        PairCriticConfig {
            channels,
            size,
            classes,
            widths: vec![64, 128, 128, 256],
            embedding: 512,
            hidden: 512,
        }
    }

    /// Bounds that a file from elsewhere must keep, so that a hostile one cannot ask for all the memory.
    pub fn is_sane(&self) -> bool {
        (self.channels == 1 || self.channels == 3)
            && (8..=256).contains(&self.size)
            && (1..=10_000).contains(&self.classes)
            && (1..=6).contains(&self.widths.len())
            && self.widths.iter().all(|w| (1..=512).contains(w))
            && (1..=1024).contains(&self.embedding)
            && (1..=1024).contains(&self.hidden)
            && (1..=16).contains(&self.bottom())
    }

    /// Side of the last map.
    fn bottom(&self) -> usize {
        self.widths.iter().fold(self.size, |side, _| side / 2)
    }

    /// Draws the start weights: convolutions N(0, 0.02²) as published, linear layers Kaiming, bias 0, label
    /// rows N(0, 1).
    pub fn build(&self, init: &mut Init) -> PairCritic {
        let mut inputs = self.channels;
        let mut convs = Vec::new();
        for &width in &self.widths {
            convs.push(Conv2d::new(init, [inputs, width], 4, 2, Padding::Zero(1), 0.02).with_bias(init));
            inputs = width;
        }
        let features = inputs * self.bottom() * self.bottom();
        PairCritic {
            convs,
            embedding: LabelEmbedding::features(init, self.classes, self.embedding),
            gate: Linear::new(init, self.embedding, features),
            hidden: Linear::new(init, features, self.hidden),
            head: Linear::new(init, self.hidden, 1),
        }
    }
}

/// Judges whether an image is real and of its label: the features of the image are multiplied by features of
/// the label. The published code has no activation after the hidden layer, which makes it and the head one
/// linear map; here it has the leaky ReLU of the other layers.
#[derive(Module, Debug)]
pub struct PairCritic {
    /// 4x4 with stride 2, leaky ReLU.
    convs: Vec<Conv2d>,
    embedding: LabelEmbedding,
    gate: Linear,
    hidden: Linear,
    head: Linear,
}

/// What a way back needs of a way forward.
struct Trace {
    /// `[batch, 1]`.
    scores: Tensor<2>,
    /// Side of what each convolution took, and what it gave.
    maps: Vec<(usize, FeatureMap)>,
    /// Channels, height and width of the last map.
    top: [usize; 3],
    /// Factors of the features.
    gate: Tensor<2>,
    hidden: Tensor<2>,
}

impl PairCritic {
    fn trace(&self, images: Tensor<4>, labels: Tensor<1, Int>) -> Trace {
        let mut maps = Vec::new();
        let mut x = FeatureMap::from_images(images);
        for conv in &self.convs {
            let side = x.dims()[2];
            x = conv.forward(x, Activation::LeakyRelu);
            maps.push((side, x.clone()));
        }
        let [_, channels, height, width] = x.dims();
        let gate = leaky(self.gate.forward(self.embedding.forward(labels)));
        let hidden = leaky(self.hidden.forward(x.flatten() * gate.clone()));
        let scores = self.head.forward(hidden.clone());
        Trace { scores, maps, top: [channels, height, width], gate, hidden }
    }

    /// Images `[batch, channels, size, size]` and labels `[batch]` to scores `[batch]`, without an
    /// activation.
    pub fn forward(&self, images: Tensor<4>, labels: Tensor<1, Int>) -> Tensor<1> {
        self.trace(images, labels).scores.squeeze_dim::<1>(1)
    }

    /// The scores, and the gradient of each with respect to its image, of the shape of the images.
    pub fn forward_with_gradient(&self, images: Tensor<4>, labels: Tensor<1, Int>) -> (Tensor<1>, Tensor<4>) {
        let Trace { scores, maps, top, gate, hidden } = self.trace(images, labels);
        let to_hidden = self.head.back(single_direction(&scores)) * leaky_slope(&hidden);
        let mut gradient = FeatureMap::from_features(self.hidden.back(to_hidden) * gate, top);
        for (conv, (side, given)) in self.convs.iter().zip(maps).rev() {
            gradient = conv.back(gradient.times(given.leaky_slope()), side);
        }
        (scores.squeeze_dim::<1>(1), gradient.into_images())
    }
}
