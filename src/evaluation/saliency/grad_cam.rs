//! Grad-CAM: the last convolutional maps, each weighted by how much it moves the class.
//!
//! Source: Selvaraju et al., "Grad-CAM: Visual explanations from deep networks via gradient-based
//! localization", ICCV 2017, equations 1 and 2. The weight of a map is the mean over its pixels of the
//! gradient of the class's logit (before softmax) with respect to it; the result is the ReLU of the
//! weighted sum of the maps, enlarged bilinearly to the picture and divided by its maximum.
//!
//! A residual network here ends in the mean over pixels and one linear layer, `z_c = sum_k w_kc mean_ij
//! A^k_ij + b_c`. So the gradient is `w_kc / (rows columns)` at every pixel, and [`closed_form`]
//! needs none. [`grad_cam`] takes it nevertheless, which holds for any output on top of the maps
//! ([`grad_cam_of`]); tests hold the two against each other.

use burn::module::Module as _;
use burn::tensor::Tensor;

use super::{Explainer, SaliencyError, SaliencyMap, Subjects, enlarged, named};
use crate::classify::trainer::labels_tensor;
use crate::domain::task::Ctx;
use crate::imaging::picture::Picture;
use crate::nn::ComputeDevice;
use crate::nn::input_gradient::Images;
use crate::nn::layers::{FeatureMap, Pass};
use crate::nn::loss::pick;
use crate::nn::resnet::ResNet;

/// Pictures per forward.
const BATCH: usize = 64;

/// Maps of the logits of a network, by their gradients. The network lives on `device`; it is run for
/// inference.
///
/// # Errors
/// Cancelled; pictures of another number of channels than the network's; a class it does not know; values
/// that are no numbers; a device that gave out.
pub fn grad_cam(
    ctx: &Ctx,
    network: &ResNet,
    subjects: &Subjects<'_>,
    device: &ComputeDevice,
) -> Result<Vec<SaliencyMap>, SaliencyError> {
    grad_cam_of(ctx, network, subjects, device, ResNet::logits_of_maps)
}

/// The same for a network that is read otherwise than by its logits, for example by cosines: `outputs` takes
/// the network, with nothing tracked, and its last maps to `[batch, classes]`, and uses the maps.
///
/// # Errors
/// As [`grad_cam`].
pub fn grad_cam_of(
    ctx: &Ctx,
    network: &ResNet,
    subjects: &Subjects<'_>,
    device: &ComputeDevice,
    outputs: impl Fn(&ResNet, FeatureMap) -> Tensor<2>,
) -> Result<Vec<SaliencyMap>, SaliencyError> {
    let plain = network.valid();
    let frozen = plain.clone().train().freeze();
    let autodiff = device.autodiff();
    explain(ctx, &plain, subjects, device, |maps, classes| {
        let [batch, depth, rows, columns] = maps.dims();
        let leaf = Tensor::from_inner(maps).require_grad();
        let said = outputs(&frozen, FeatureMap::from_images(leaf.clone()));
        // Images do not meet, so the gradient of the sum has each image's own.
        let grads = pick(said, labels_tensor(classes, &autodiff)).sum().backward();
        let Some(gradient) = leaf.grad(&grads) else { return Ok(vec![vec![0.0; depth]; batch]) };
        let gradient = host(gradient)?;
        let means: Vec<f64> = gradient.chunks((rows * columns).max(1)).map(mean).collect();
        Ok(means.chunks(depth.max(1)).map(<[f64]>::to_vec).collect())
    })
}

/// The same maps as [`grad_cam`] from the weights of the last layer, without a gradient.
///
/// # Errors
/// As [`grad_cam`].
pub fn closed_form(
    ctx: &Ctx,
    network: &ResNet,
    subjects: &Subjects<'_>,
    device: &ComputeDevice,
) -> Result<Vec<SaliencyMap>, SaliencyError> {
    let plain = network.valid();
    let [_, known] = plain.class_weights().dims();
    let weights = host(plain.class_weights())?;
    explain(ctx, &plain, subjects, device, |maps, classes| {
        let [_, _, rows, columns] = maps.dims();
        let pixels = (rows * columns) as f64;
        let of_class = |class: &usize| -> Vec<f64> {
            weights.iter().skip(*class).step_by(known.max(1)).map(|w| f64::from(*w) / pixels).collect()
        };
        Ok(classes.iter().map(of_class).collect())
    })
}

/// Forwards to the last maps, and maps of the weights that `weigh` gives for `[batch, features, rows,
/// columns]` and the classes of the batch: a row of one weight for each feature, for each image.
fn explain(
    ctx: &Ctx,
    network: &ResNet,
    subjects: &Subjects<'_>,
    device: &ComputeDevice,
    weigh: impl Fn(Tensor<4>, &[usize]) -> Result<Vec<Vec<f64>>, SaliencyError>,
) -> Result<Vec<SaliencyMap>, SaliencyError> {
    let [channels, height, width] = subjects.shape;
    if network.mean().len() != channels {
        return Err(SaliencyError::Shape {
            what: "a picture".to_owned(),
            found: named(subjects.shape),
            wanted: named([network.mean().len(), height, width]),
        });
    }
    let [_, classes] = network.class_weights().dims();
    if let Some(&class) = subjects.classes.iter().find(|class| **class >= classes) {
        return Err(SaliencyError::Class { class, classes });
    }
    let device = device.plain();
    let mut found = Vec::with_capacity(subjects.len());
    for (pictures, classes) in subjects.pictures.chunks(BATCH).zip(subjects.classes.chunks(BATCH)) {
        ctx.check()?;
        ctx.progress("Grad-CAM", found.len() as u64, subjects.len() as u64);
        let values = pictures.iter().flat_map(Picture::to_f32).collect();
        let images = Images { shape: [pictures.len(), channels, height, width], values };
        let maps = network.last_maps(images.to_tensor(&device), &mut Pass::inference()).into_images();
        let [_, depth, rows, columns] = maps.dims();
        let weights = weigh(maps.clone(), classes)?;
        let maps = host(maps)?;
        for (maps, weights) in maps.chunks((depth * rows * columns).max(1)).zip(&weights) {
            let coarse = class_map(maps, weights, rows * columns);
            let raw = enlarged(&coarse, [rows, columns], [height, width], [0, 0], [height, width]);
            found.push(SaliencyMap::new(Explainer::GradCam, [height, width], &raw)?);
        }
    }
    ctx.progress("Grad-CAM", found.len() as u64, subjects.len() as u64);
    Ok(found)
}

/// The ReLU of the weighted sum of one image's maps, before it is enlarged: `maps` is `[features, pixels]`,
/// flat, with one weight for each feature; the result has one value for each pixel.
pub fn class_map(maps: &[f32], weights: &[f64], pixels: usize) -> Vec<f64> {
    let mut sum = vec![0.0_f64; pixels];
    for (map, weight) in maps.chunks(pixels.max(1)).zip(weights) {
        for (sum, value) in sum.iter_mut().zip(map) {
            *sum += weight * f64::from(*value);
        }
    }
    // NaN stays what it is, so that it is found.
    sum.into_iter().map(|value| if value < 0.0 { 0.0 } else { value }).collect()
}

fn mean(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64
}

fn host<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, SaliencyError> {
    tensor.try_into_vec_as::<f32>().map_err(|_| SaliencyError::Device)
}
