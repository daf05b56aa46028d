//! Two figures per class while a generator learns: are its images different from each other, are they copies?
//!
//! A collapsed generator makes one image again and again, a memorising one hands out training images. Both look well
//! in a loss.

use rayon::prelude::*;

use crate::domain::random::{Stage, stream};
use crate::imaging::neighbours::{ClassNeighbours, Usual};
use crate::imaging::picture::Picture;
use crate::imaging::training_set::TrainingSet;

/// Made images looked at in each class.
pub(super) const SAMPLE: usize = 16;
/// Real images that the usual difference is taken from.
const REAL: usize = 48;

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
        let mut positions = neighbours.positions().to_vec();
        stream(0, Stage::Subset, class as u64, 1).shuffle(&mut positions);
        positions.truncate(REAL);
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
