//! Three figures per class while a generator learns: are its images different from each other, are they copies, and how
//! far are they from real ones as classifier g sees them?
//!
//! A collapsed generator makes one image again and again, a memorising one hands out training images. Both look well
//! in a loss. The distance shows whether more training still brings anything; of so few images it is for that alone, and
//! what a run's images are measured by has more of them, and a floor.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use burn::tensor::Device;
use rayon::prelude::*;

use crate::classify::recalls::features;
use crate::domain::random::{Stage, stream};
use crate::domain::task::Ctx;
use crate::imaging::neighbours::{ClassNeighbours, Usual};
use crate::imaging::picture::Picture;
use crate::imaging::training_set::TrainingSet;
use crate::nn::resnet::ResNet;
use crate::oversampling::rows::kernel::kernel;
use crate::oversampling::rows::matrix::Matrix;
use crate::oversampling::rows::scale::Scale;
use crate::oversampling::{MethodError, device_lost};

/// Made images looked at in each class.
pub(super) const SAMPLE: usize = 16;
/// Real images that the usual difference is taken from.
const REAL: usize = 48;
/// Real images of a class without which it has no distance: no fewer than a run's images are measured against.
pub(super) const LEAST_REAL: usize = 6;
/// Images of a side that the distance is between, at most.
const SEEN: usize = 64;
/// Real images that the scale of features is taken from, at most.
const SCALED: usize = 512;

/// What is usual in one class. Its images are read anew at each look: as floats those of all classes may not fit.
pub(super) struct Gauge {
    class: usize,
    /// Mean distance of two real images.
    apart: f64,
    usual: Usual,
}

/// What the made images of a class look like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading {
    /// Mean distance of two made images over that of two real ones: 1 is as different as real images, near 0 is
    /// collapsed.
    pub diversity: f64,
    /// Share of made images that are near copies of a training image.
    pub copies: f64,
}

impl Gauge {
    /// `None` for a class with fewer than two real images, or where all are the same.
    pub fn new(set: &TrainingSet, class: usize) -> Option<Self> {
        let neighbours = ClassNeighbours::new(set, class);
        let usual = neighbours.usual()?;
        let positions = chosen(neighbours.positions().to_vec(), class, REAL);
        let real: Vec<Vec<f32>> = positions.iter().map(|&at| set.picture(at).to_f32()).collect();
        let apart = mean_distance(&real);
        (apart > 0.0).then_some(Gauge { class, apart, usual })
    }

    /// Of pictures made of the class, `set` being the one that the gauge is of. `None` for fewer than two.
    pub fn read(&self, set: &TrainingSet, made: &[Picture]) -> Option<Reading> {
        if made.len() < 2 {
            return None;
        }
        let rows: Vec<Vec<f32>> = made.iter().map(Picture::to_f32).collect();
        let neighbours = ClassNeighbours::new(set, self.class);
        let copies = made
            .par_iter()
            .filter(|picture| {
                neighbours.nearest(picture, 1).first().is_some_and(|n| self.usual.is_near_copy(n.distance))
            })
            .count();
        Some(Reading {
            diversity: mean_distance(&rows) / self.apart,
            copies: copies as f64 / made.len() as f64,
        })
    }
}

/// Real images as classifier g sees them. It stands still while a generator learns, so each is looked at once.
pub(super) struct Sight {
    /// Of all classes together.
    scale: Scale,
    /// Rows of features of each class, at that scale.
    real: BTreeMap<usize, Vec<f64>>,
}

impl Sight {
    /// # Errors
    /// `Cancelled`, or the device's.
    pub fn new(ctx: &Ctx, set: &TrainingSet, g: (&ResNet, &Device)) -> Result<Self, MethodError> {
        let positions = set.originals();
        let stride = positions.len().div_ceil(SCALED).max(1);
        let pictures: Vec<Picture> =
            positions.into_iter().step_by(stride).map(|at| set.picture(at)).collect();
        let (rows, width) = seen(ctx, g, &pictures)?;
        Ok(Sight { scale: Scale::of(Matrix::new(&rows, width)), real: BTreeMap::new() })
    }

    /// The unbiased kernel distance (KID-g) between real images of a class and `made` ones, at most [`SEEN`] of either.
    /// `None` for fewer than two, or where it is no number.
    ///
    /// # Errors
    /// `Cancelled`, or the device's.
    pub fn distance(
        &mut self,
        ctx: &Ctx,
        set: &TrainingSet,
        g: (&ResNet, &Device),
        class: usize,
        made: &[Picture],
    ) -> Result<Option<f64>, MethodError> {
        let features = self.scale.features();
        let scaled = |pictures: &[Picture]| -> Result<Vec<f64>, MethodError> {
            Ok(self.scale.apply(Matrix::new(&seen(ctx, g, pictures)?.0, features)))
        };
        let made = scaled(&made[..made.len().min(SEEN)])?;
        let real = match self.real.entry(class) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let positions = chosen(set.originals_of_class(class), class, SEEN);
                let pictures: Vec<Picture> = positions.into_iter().map(|at| set.picture(at)).collect();
                place.insert(scaled(&pictures)?)
            }
        };
        let (real, made) = (Matrix::new(real, features), Matrix::new(&made, features));
        if real.rows().min(made.rows()) < 2 {
            return Ok(None);
        }
        let distance = kernel(ctx, real, made)?.unbiased;
        // A curve keeps 32 bits.
        Ok((distance as f32).is_finite().then_some(distance))
    }
}

/// What g sees of pictures: a row of features each, and how many these are.
fn seen(
    ctx: &Ctx,
    (g, device): (&ResNet, &Device),
    pictures: &[Picture],
) -> Result<(Vec<f64>, usize), MethodError> {
    let (mut rows, mut width) = (Vec::new(), 1);
    for some in pictures.chunks(SEEN) {
        ctx.check()?;
        let (values, features) = features(g, some, device).ok_or_else(device_lost)?;
        rows.extend(values.into_iter().map(f64::from));
        width = features;
    }
    Ok((rows, width))
}

/// Some images of a class by chance, the same at each look.
fn chosen(mut positions: Vec<usize>, class: usize, most: usize) -> Vec<usize> {
    stream(0, Stage::Subset, class as u64, 1).shuffle(&mut positions);
    positions.truncate(most);
    positions
}

/// Mean L2 distance over all pairs.
fn mean_distance(rows: &[Vec<f32>]) -> f64 {
    let mut sum = 0.0;
    let mut pairs = 0;
    for (index, a) in rows.iter().enumerate() {
        for b in &rows[index + 1..] {
            let squares: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
            sum += squares.sqrt();
            pairs += 1;
        }
    }
    sum / f64::from(pairs.max(1))
}
