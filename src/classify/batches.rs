//! Batches on the host: which images, in which order, with which crop and flip.

use serde::{Deserialize, Serialize};

use crate::domain::random::{Stage, Stream, stream};
use crate::imaging::training_set::ImageSet;
use crate::nn::input_gradient::Images;

/// Changes made to real images while training. Both are off by default: a mirrored chest has its heart on the
/// wrong side, and a crop can cut a finding at the rim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Augment {
    /// Random crop out of a zero border of 4 pixels.
    pub crop: bool,
    /// Mirror left and right with probability one half.
    pub flip: bool,
}

impl Augment {
    /// What becomes of an image, in words that follow "training images are"; nothing where both are off.
    pub fn words(self) -> Option<String> {
        let changes = [
            (self.crop, "cropped out of a border of 4 pixels"),
            (self.flip, "mirrored with a chance of one half"),
        ];
        let on: Vec<&str> = changes.into_iter().filter(|(on, _)| *on).map(|(_, words)| words).collect();
        (!on.is_empty()).then(|| on.join(" and "))
    }
}

/// Width of the zero border of [`Augment::crop`], as published for 32 pixels.
const BORDER: usize = 4;

/// A batch of real images.
#[derive(Clone, Debug)]
pub struct Batch {
    pub images: Images,
    pub labels: Vec<usize>,
    /// Positions in the image set.
    pub positions: Vec<usize>,
}

/// How the images of an epoch are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Each image once, shuffled.
    Natural,
    /// As many draws as there are images, each image of class k with weight 1/N_k, with replacement.
    ClassBalanced,
}

/// The positions of a pool in the random order of one epoch.
pub fn shuffled(pool: &[usize], seed: u64, network: u64, epoch: u64) -> Vec<usize> {
    let mut order = pool.to_vec();
    stream(seed, Stage::Shuffle, network, epoch).shuffle(&mut order);
    order
}

/// `count` draws with replacement: a class of equal chance, then an image of it. Every class of `by_class` has an image.
pub fn class_balanced(
    by_class: &[Vec<usize>],
    count: usize,
    seed: u64,
    network: u64,
    epoch: u64,
) -> Vec<usize> {
    let mut draws = stream(seed, Stage::Balanced, network, epoch);
    (0..count)
        .filter_map(|_| {
            let members = by_class.get(draws.below(by_class.len()))?;
            members.get(draws.below(members.len())).copied()
        })
        .collect()
}

/// The positions of one epoch. `network` tells the networks of a run apart.
pub fn epoch_order(set: &ImageSet, sampling: Sampling, seed: u64, network: u64, epoch: u64) -> Vec<usize> {
    let all: Vec<usize> = (0..set.len()).collect();
    epoch_order_of(set, &all, sampling, seed, network, epoch)
}

/// As [`epoch_order`], for a training on the images at the positions of `pool` alone.
pub fn epoch_order_of(
    set: &ImageSet,
    pool: &[usize],
    sampling: Sampling,
    seed: u64,
    network: u64,
    epoch: u64,
) -> Vec<usize> {
    match sampling {
        Sampling::Natural => shuffled(pool, seed, network, epoch),
        Sampling::ClassBalanced => {
            let mut by_class: Vec<Vec<usize>> = vec![Vec::new(); set.classes.len()];
            pool.iter().for_each(|&position| by_class[set.labels[position]].push(position));
            by_class.retain(|members| !members.is_empty());
            class_balanced(&by_class, pool.len(), seed, network, epoch)
        }
    }
}

/// Splits an epoch into batches. A last batch of one image is dropped, because batch norm needs two, unless it
/// is the only one.
pub fn chunks(order: &[usize], batch: usize) -> Vec<&[usize]> {
    let mut chunks: Vec<&[usize]> = order.chunks(batch.max(1)).collect();
    if chunks.len() > 1 && chunks.last().is_some_and(|last| last.len() == 1) {
        chunks.pop();
    }
    chunks
}

/// Steps of an epoch: the batches that [`chunks`] makes of so many images, at least 1.
pub fn steps_of_epoch(images: usize, batch: usize) -> usize {
    let batch = batch.max(1);
    let all = images.div_ceil(batch).max(1);
    let alone = all > 1 && images == (all - 1) * batch + 1;
    if alone { all - 1 } else { all }
}

/// The fewest epochs of so many images that take at least `steps` steps, at least 1.
pub fn epochs_for(steps: u32, images: usize, batch: u32) -> u32 {
    // No more than `steps`, so it fits.
    (steps as usize).div_ceil(steps_of_epoch(images, batch as usize)).max(1) as u32
}

/// Gathers images at `positions`; crop and flip are drawn from the stream of (seed, network, step).
pub fn gather(set: &ImageSet, positions: &[usize], augment: Augment, draws: Option<Stream>) -> Batch {
    let size = set.spec.size as usize;
    let channels = usize::from(set.spec.channels);
    let pixels = channels * size * size;
    let mut values = vec![0.0_f32; positions.len() * pixels];
    for (&position, out) in positions.iter().zip(values.chunks_mut(pixels)) {
        set.f32_chw(position, out);
    }
    if let Some(mut draws) = draws {
        let mut moved = vec![0.0_f32; pixels];
        for out in values.chunks_mut(pixels) {
            // Both are always drawn, so that switching one off does not change the other.
            let (dx, dy) = (draws.below(2 * BORDER + 1), draws.below(2 * BORDER + 1));
            let mirror = draws.uniform() < 0.5;
            if augment.crop {
                shift(out, &mut moved, size, dx, dy);
                out.copy_from_slice(&moved);
            }
            if augment.flip && mirror {
                out.chunks_mut(size).for_each(<[f32]>::reverse);
            }
        }
    }
    Batch {
        images: Images { shape: [positions.len(), channels, size, size], values },
        labels: positions.iter().map(|&position| set.labels[position]).collect(),
        positions: positions.to_vec(),
    }
}

fn shift(from: &[f32], to: &mut [f32], size: usize, dx: usize, dy: usize) {
    for (plane_from, plane_to) in from.chunks(size * size).zip(to.chunks_mut(size * size)) {
        for (y, row) in plane_to.chunks_mut(size).enumerate() {
            for (x, value) in row.iter_mut().enumerate() {
                let (sx, sy) = ((x + dx).wrapping_sub(BORDER), (y + dy).wrapping_sub(BORDER));
                *value = if sx < size && sy < size { plane_from[sy * size + sx] } else { 0.0 };
            }
        }
    }
}

/// Mean and standard deviation per channel over a set, for the normaliser; a constant channel gets 1/255.
pub fn channel_statistics(set: &ImageSet) -> (Vec<f32>, Vec<f32>) {
    channel_statistics_of(set, &(0..set.len()).collect::<Vec<usize>>())
}

/// As [`channel_statistics`], over the images at these positions.
pub fn channel_statistics_of(set: &ImageSet, positions: &[usize]) -> (Vec<f32>, Vec<f32>) {
    let channels = usize::from(set.spec.channels);
    let area = (set.spec.size * set.spec.size) as usize;
    let mut buffer = vec![0.0_f32; channels * area];
    let mut sums = vec![(0.0_f64, 0.0_f64); channels];
    for &position in positions {
        set.f32_chw(position, &mut buffer);
        for (sum, plane) in sums.iter_mut().zip(buffer.chunks(area)) {
            let (mut s, mut q) = (0.0_f64, 0.0_f64);
            for &value in plane {
                s += f64::from(value);
                q += f64::from(value) * f64::from(value);
            }
            sum.0 += s;
            sum.1 += q;
        }
    }
    let count = (positions.len() * area).max(1) as f64;
    sums.into_iter()
        .map(|(sum, squares)| {
            let mean = sum / count;
            let deviation = (squares / count - mean * mean).max(0.0).sqrt();
            (mean as f32, deviation.max(1.0 / 255.0) as f32)
        })
        .unzip()
}
