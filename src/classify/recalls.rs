//! What a classifier says of a set: probabilities and per-class recall.

use burn::tensor::Device;
use burn::tensor::activation::softmax;

use super::batches::{Augment, gather};
use crate::domain::task::{Cancelled, Ctx};
use crate::imaging::picture::Picture;
use crate::imaging::training_set::ImageSet;
use crate::nn::input_gradient::Images;
use crate::nn::layers::Pass;
use crate::nn::resnet::ResNet;

/// Images per forward.
const BATCH: usize = 256;

/// Softmax probabilities, one row per image. Empty where the device could not be read.
pub fn probabilities(network: &ResNet, images: &Images, device: &Device) -> Vec<Vec<f32>> {
    let logits = network.forward(images.to_tensor(device), &mut Pass::inference());
    let classes = logits.dims()[1];
    let flat = softmax(logits, 1).try_into_vec_as::<f32>().unwrap_or_default();
    flat.chunks(classes.max(1)).map(<[f32]>::to_vec).collect()
}

/// What the last layer sees of pictures that the network was made for: flat rows, and how many numbers a row has. `None`
/// where the device could not be read.
pub fn features(network: &ResNet, pictures: &[Picture], device: &Device) -> Option<(Vec<f32>, usize)> {
    let (mut rows, mut width) = (Vec::new(), 0);
    for images in pictures.chunks(BATCH).filter_map(images_of) {
        let found = network.features(images.to_tensor(device), &mut Pass::inference());
        width = found.dims()[1];
        rows.extend(found.try_into_vec_as::<f32>().ok()?);
    }
    Some((rows, width))
}

/// The class that a network says of each of some pictures that it was made for. `None` where the device could not be
/// read.
pub fn said(network: &ResNet, pictures: &[Picture], device: &Device) -> Option<Vec<usize>> {
    let mut said = Vec::with_capacity(pictures.len());
    for images in pictures.chunks(BATCH).filter_map(images_of) {
        said.extend(probabilities(network, &images, device).iter().map(|row| argmax(row)));
    }
    (said.len() == pictures.len()).then_some(said)
}

/// Pictures of one size as a network takes them; `None` for none.
fn images_of(pictures: &[Picture]) -> Option<Images> {
    let first = pictures.first()?;
    let side = first.width as usize;
    let values = pictures.iter().flat_map(Picture::to_f32).collect();
    Some(Images { shape: [pictures.len(), usize::from(first.channels), side, side], values })
}

/// The class with the highest probability; the first of equals.
pub fn argmax(row: &[f32]) -> usize {
    let mut best = 0;
    for (class, &p) in row.iter().enumerate() {
        if p > row[best] {
            best = class;
        }
    }
    best
}

/// Rows are the truth, columns what the network says; at most `per_class` images of each class are asked, the
/// first ones in order.
///
/// # Errors
/// `Cancelled`.
pub fn confusion(
    ctx: &Ctx,
    network: &ResNet,
    set: &ImageSet,
    per_class: usize,
    device: &Device,
) -> Result<Vec<Vec<usize>>, Cancelled> {
    let positions: Vec<usize> =
        (0..set.classes.len()).flat_map(|class| set.of_class(class).into_iter().take(per_class)).collect();
    confusion_of(ctx, network, set, &positions, device)
}

/// As [`confusion`], of the images at these positions.
///
/// # Errors
/// `Cancelled`.
pub fn confusion_of(
    ctx: &Ctx,
    network: &ResNet,
    set: &ImageSet,
    positions: &[usize],
    device: &Device,
) -> Result<Vec<Vec<usize>>, Cancelled> {
    let classes = set.classes.len();
    let mut confusion = vec![vec![0; classes]; classes];
    for chunk in positions.chunks(BATCH) {
        ctx.check()?;
        let batch = gather(set, chunk, Augment::default(), None);
        for (row, &label) in probabilities(network, &batch.images, device).iter().zip(&batch.labels) {
            confusion[label][argmax(row)] += 1;
        }
    }
    Ok(confusion)
}

/// Recall per class; `None` for a class without images.
pub fn recalls(confusion: &[Vec<usize>]) -> Vec<Option<f64>> {
    confusion
        .iter()
        .enumerate()
        .map(|(class, row)| {
            let total: usize = row.iter().sum();
            (total > 0).then(|| row[class] as f64 / total as f64)
        })
        .collect()
}
