//! Kernels for the processor: convolutions, normalisations and optimiser steps that burn's flex backend has slower.
//!
//! The door is [`ops`]: operations that burn's dispatch finds on the flex backend and under its autodiff. `nn::layers`
//! calls those on images, `nn::optim` the optimisers' steps, and nobody else any; networks are written against layers
//! and do not know which device they are on. Knows slices and shapes; knows no network, no data set and no job.
//!
//! The layout is the point. Activations lie in blocks of 16 images, `[blocks, channels, height, width, 16]`, and stay
//! so from the first layer to the last. A vector is one pixel of 16 images, so borders, strides and odd widths cost
//! nothing inside a loop. Fewer images lie as strips of each ([`Layout`]). One source serves AVX-512, AVX2, NEON and scalar code through `pulp`, chosen at run time.

mod activation;
mod buffers;
mod conv;
mod halving;
mod lanes;
mod minimal;
mod norm;
pub(super) mod ops;
mod optim;
mod pointwise;
mod shape;
mod simd;
mod slopes;
mod winograd;

pub use activation::{Activation, LEAK};
pub use buffers::release;
pub use optim::Adam as AdamSettings;
pub use shape::{Border, ConvShape, Layout};
pub use simd::{LANES, instruction_set};

use burn::tensor::{Device, Tensor};

/// True where tensors of this device are flex's, with or without gradients.
pub(super) fn has_kernels(device: &Device) -> bool {
    device.clone().inner() == Device::flex()
}

/// A tensor without elements, for an operand that is absent.
pub(super) fn absent(device: &Device) -> Tensor<1> {
    Tensor::empty([0], device)
}
