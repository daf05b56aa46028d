//! Walking an image along the gradient of an objective with respect to its pixels.
//!
//! M2m's generation step (Kim et al., CVPR 2020, section 3.1; release's defaults). Networks are given frozen: they
//! run in inference mode, and only the image asks for gradients, so nothing of theirs can change.

use burn::tensor::{Device, Tensor, TensorData};

use crate::domain::task::{Cancelled, Ctx};

/// A batch of images on the host, values in \[0, 1\], `[batch, channels, height, width]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Images {
    pub shape: [usize; 4],
    pub values: Vec<f32>,
}

impl Images {
    /// On a device.
    pub fn to_tensor(&self, device: &Device) -> Tensor<4> {
        Tensor::from_data(TensorData::new(self.values.clone(), self.shape), device)
    }

    /// Back from a device; `None` where the device could not be read.
    pub fn of(tensor: Tensor<4>) -> Option<Self> {
        let shape = tensor.dims();
        tensor.try_into_vec_as::<f32>().ok().map(|values| Images { shape, values })
    }
}

/// Added to the norm of a gradient, so that a vanishing one moves nothing.
const FLOOR: f32 = 1e-10;

/// `steps` times `x <- clamp(x - eta * d / (|d| + 1e-10), 0, 1)`, d the gradient of the summed objective, |d| the
/// L2 norm per image over all its channels and pixels. No early stop; the last iterate is the result.
///
/// `objective` maps images on an autodiff device to one value per image. `step_done` hears of each step and may
/// end the walk.
///
/// # Errors
/// `Cancelled`, within one step.
pub fn walk(
    ctx: &Ctx,
    start: &Images,
    steps: usize,
    eta: f32,
    device: &Device,
    objective: impl Fn(Tensor<4>) -> Tensor<1>,
) -> Result<Tensor<4>, Cancelled> {
    let plain = device.clone().inner();
    let mut x = start.to_tensor(&plain);
    let [batch, channels, height, width] = start.shape;
    for _ in 0..steps {
        ctx.check()?;
        let leaf = Tensor::from_inner(x.clone()).require_grad();
        let grads = objective(leaf.clone()).sum().backward();
        let Some(d) = leaf.grad(&grads) else { return Ok(x) };
        let flat = d.clone().reshape([batch, channels * height * width]);
        let norm = flat.square().sum_dim(1).sqrt() + FLOOR;
        x = (x - d / norm.reshape([batch, 1, 1, 1]) * eta).clamp(0.0, 1.0);
    }
    Ok(x)
}

/// Scales rows of noise down to an L2 norm of at most `cap`; never up. `noise` is `[images, values]`, flat.
pub fn renorm(noise: &mut [f32], row: usize, cap: f32) {
    for image in noise.chunks_mut(row.max(1)) {
        scale_to(image.iter_mut(), cap);
    }
}

/// The published form: each channel over the whole batch is scaled to at most `cap`.
///
/// `noise` is `[images, channels, pixels]`, flat.
pub fn renorm_per_channel(noise: &mut [f32], channels: usize, pixels: usize, cap: f32) {
    for channel in 0..channels {
        let chosen = noise.iter_mut().enumerate().filter(|(i, _)| (i / pixels.max(1)) % channels == channel);
        let mut of_channel: Vec<&mut f32> = chosen.map(|(_, value)| value).collect();
        scale_to(of_channel.iter_mut().map(|value| &mut **value), cap);
    }
}

fn scale_to<'a>(values: impl Iterator<Item = &'a mut f32>, cap: f32) {
    let values: Vec<&mut f32> = values.collect();
    let norm = values.iter().map(|v| f64::from(**v).powi(2)).sum::<f64>().sqrt();
    if norm > f64::from(cap) {
        let scale = (f64::from(cap) / norm) as f32;
        for value in values {
            *value *= scale;
        }
    }
}
