//! MobileNet v1 (Howard et al. 2017), width 1.0 at 224 pixels, as a network that stands still and turns images into
//! features. Inference alone.
//!
//! The weights come from a file that the user has: safetensors of 32-bit floats, plain or in gzip, in PyTorch's layout,
//! every batch normalisation folded into the convolution before it. The tensors are `conv0`, `block1.dw` and `block1.pw`
//! to `block13.pw`, each with `.weight` and `.bias`. A file is hostile until checked. Knows bytes; knows no file and no
//! picture.

use std::io::Read as _;

use burn::tensor::{Device, Tensor, TensorData};
use flate2::bufread::GzDecoder;

use super::layers::FixedConv2d;
use super::parameters::{ParametersError, TensorMap};
use super::weights::{WeightsError, read_tensors};

/// Side of the images that the network is made for, in pixels.
pub const SIDE: usize = 224;
/// Numbers that it gives for an image.
pub const FEATURES: usize = 1024;
/// Largest weights file that is read, packed or unpacked, in bytes. This network takes 13 MB.
pub const MAX_BYTES: usize = 32 << 20;

/// Channels of the first convolution.
const STEM: usize = 32;
/// Output channels and stride of each block (Howard et al., table 1).
const BLOCKS: [(usize, usize); 13] = [
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
];

/// How a gzip file begins: its magic number and deflate, its one method.
const GZIP: [u8; 3] = [0x1f, 0x8b, 8];

/// What to do about any refusal.
const REMEDY: &str = "use the weights of MobileNet v1 1.0 224 as safetensors, batch normalisation folded";

/// Why bytes are not the weights of this network.
#[derive(Debug, thiserror::Error)]
pub enum MobileNetError {
    #[error("it is larger than 32 MiB, or unpacks to more; {remedy}", remedy = REMEDY)]
    TooLarge,
    #[error("its gzip data are broken or cut short ({0}); copy the file again")]
    Gzip(String),
    #[error("{0}; {remedy}", remedy = REMEDY)]
    Weights(#[from] WeightsError),
    #[error("{0}; {remedy}", remedy = REMEDY)]
    Parameters(#[from] ParametersError),
}

/// One convolution of the network.
struct Plan {
    name: String,
    /// `[out, in / groups, k, k]`.
    shape: [usize; 4],
    stride: usize,
    groups: usize,
}

/// Every convolution, in the order in which an image passes them: a 3x3 one, then blocks of a 3x3 one with a filter for
/// each channel and a 1x1 one.
fn plans() -> Vec<Plan> {
    let mut plans = vec![Plan { name: "conv0".to_owned(), shape: [STEM, 3, 3, 3], stride: 2, groups: 1 }];
    let mut inputs = STEM;
    for (index, (outputs, stride)) in BLOCKS.into_iter().enumerate() {
        let block = index + 1;
        let (depthwise, pointwise) = (format!("block{block}.dw"), format!("block{block}.pw"));
        plans.push(Plan { name: depthwise, shape: [inputs, 1, 3, 3], stride, groups: inputs });
        plans.push(Plan { name: pointwise, shape: [outputs, inputs, 1, 1], stride: 1, groups: 1 });
        inputs = outputs;
    }
    plans
}

/// Weights on the host that were checked: all tensors of the network and no other, of the right shapes, finite.
#[derive(Clone, Debug, PartialEq)]
pub struct MobileNetWeights(Vec<Layer>);

/// Weights of one convolution.
#[derive(Clone, Debug, PartialEq)]
struct Layer {
    weight: Vec<f32>,
    /// `[out, in / groups, k, k]`.
    shape: [usize; 4],
    bias: Vec<f32>,
    stride: usize,
    groups: usize,
}

impl MobileNetWeights {
    /// Reads and checks a safetensors file, in gzip or not.
    ///
    /// # Errors
    /// More than [`MAX_BYTES`] before or after unpacking, no complete file, another type, values that are no numbers, a
    /// missing tensor or one of another shape. A tensor too many is refused as well: where a normalisation was not
    /// folded, the features would be wrong without a word.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MobileNetError> {
        if bytes.len() > MAX_BYTES {
            return Err(MobileNetError::TooLarge);
        }
        let mut tensors =
            if bytes.starts_with(&GZIP) { read_tensors(&unpacked(bytes)?)? } else { read_tensors(bytes)? };
        let mut layers = Vec::new();
        for Plan { name, shape, stride, groups } in plans() {
            let weight = take(&mut tensors, format!("{name}.weight"), &shape)?;
            let bias = take(&mut tensors, format!("{name}.bias"), &shape[..1])?;
            layers.push(Layer { weight, shape, bias, stride, groups });
        }
        match tensors.into_keys().next() {
            Some(name) => Err(ParametersError::Unknown(name).into()),
            None => Ok(MobileNetWeights(layers)),
        }
    }

    /// The network with these weights on a device.
    pub fn on(&self, device: &Device) -> MobileNet {
        let layers = self.0.iter().map(|layer| {
            let weight = Tensor::from_data(TensorData::new(layer.weight.clone(), layer.shape), device);
            let bias = Tensor::from_data(TensorData::new(layer.bias.clone(), [layer.shape[0]]), device);
            FixedConv2d::new(weight, bias, layer.stride, layer.groups)
        });
        MobileNet { layers: layers.collect() }
    }
}

/// What a gzip file holds; no more of it is unpacked than a weights file may have.
fn unpacked(bytes: &[u8]) -> Result<Vec<u8>, MobileNetError> {
    let mut out = Vec::new();
    let limit = MAX_BYTES as u64 + 1;
    GzDecoder::new(bytes)
        .take(limit)
        .read_to_end(&mut out)
        .map_err(|error| MobileNetError::Gzip(error.to_string()))?;
    if out.len() > MAX_BYTES { Err(MobileNetError::TooLarge) } else { Ok(out) }
}

/// The values of a tensor, which leaves the map.
fn take(tensors: &mut TensorMap, name: String, wanted: &[usize]) -> Result<Vec<f32>, ParametersError> {
    let Some(tensor) = tensors.remove(&name) else { return Err(ParametersError::Missing(name)) };
    if tensor.shape != wanted || tensor.values.len() != wanted.iter().product::<usize>() {
        return Err(ParametersError::Shape { name, found: tensor.shape, wanted: wanted.to_vec() });
    }
    Ok(tensor.values)
}

/// The network on a device.
#[derive(Clone, Debug)]
pub struct MobileNet {
    layers: Vec<FixedConv2d>,
}

impl MobileNet {
    /// `[batch, 3, height, width]` in \[0, 1\], red first, to `[batch, 1024]` in \[0, 6\]: the means over the last maps.
    /// The weights were learnt on images of [`SIDE`] pixels; other sides are computed as well.
    pub fn features(&self, images: Tensor<4>) -> Tensor<2> {
        // (v - 128) / 128 of v from 0 to 255.
        let mut x = images * (255.0 / 128.0) - 1.0;
        for layer in &self.layers {
            // ReLU6.
            x = layer.forward(x).clamp(0.0, 6.0);
        }
        let [batch, channels, height, width] = x.dims();
        x.reshape([batch, channels, height * width]).mean_dim(2).squeeze_dim::<2>(2)
    }
}
