//! Positions of training images without end, epoch after epoch, so that every step has a full batch whatever
//! the treatment.

use super::fit::NETWORK;
use super::recipe::Draw;
use crate::classify::batches::{class_balanced, shuffled};
use crate::domain::imbalance::{lowered, raised};
use crate::domain::random::{Stage, stream};
use crate::imaging::training_set::ImageSet;

/// One way of drawing.
pub struct Sampler {
    /// What an epoch goes through; empty for class-aware draws.
    pool: Vec<usize>,
    /// Images of each class that has any; empty for the other ways.
    by_class: Vec<Vec<usize>>,
    /// Draws of an epoch.
    per_epoch: usize,
    seed: u64,
    epoch: u64,
    /// The rest of the running epoch, last one first.
    left: Vec<usize>,
}

impl Sampler {
    pub fn new(draw: Draw, set: &ImageSet, seed: u64) -> Self {
        let mut by_class: Vec<Vec<usize>> = vec![Vec::new(); set.classes.len()];
        for (position, &class) in set.labels.iter().enumerate() {
            by_class[class].push(position);
        }
        by_class.retain(|members| !members.is_empty());
        let counts: Vec<usize> = by_class.iter().map(Vec::len).collect();
        let power = match draw {
            Draw::Raised { power } | Draw::Lowered { power } => power,
            _ => 0.0,
        };
        let mut pool: Vec<usize> = Vec::new();
        match draw {
            Draw::ClassAware => {}
            Draw::Natural => pool.extend(0..set.len()),
            Draw::Oversampled | Draw::Raised { .. } => {
                pool.extend(0..set.len());
                for (class, (members, wanted)) in by_class.iter().zip(raised(&counts, power)).enumerate() {
                    let mut draws = stream(seed, Stage::Resample, class as u64, 0);
                    pool.extend((members.len()..wanted).map(|_| members[draws.below(members.len())]));
                }
            }
            Draw::Undersampled | Draw::Lowered { .. } => {
                let wanted = lowered(&counts, power);
                for (class, (members, wanted)) in by_class.iter_mut().zip(wanted).enumerate() {
                    stream(seed, Stage::Resample, class as u64, 1).shuffle(members);
                    pool.extend(members.iter().take(wanted));
                }
                pool.sort_unstable();
            }
        }
        if draw != Draw::ClassAware {
            by_class.clear();
        }
        Sampler { pool, by_class, per_epoch: set.len(), seed, epoch: 0, left: Vec::new() }
    }

    /// The next positions; fewer only where there is no image at all.
    pub fn take(&mut self, count: usize) -> Vec<usize> {
        let mut positions = Vec::with_capacity(count);
        while positions.len() < count {
            if self.left.is_empty() {
                self.left = if self.by_class.is_empty() {
                    shuffled(&self.pool, self.seed, NETWORK, self.epoch)
                } else {
                    class_balanced(&self.by_class, self.per_epoch, self.seed, NETWORK, self.epoch)
                };
                self.left.reverse();
                self.epoch += 1;
            }
            let wanted = (count - positions.len()).min(self.left.len());
            if wanted == 0 {
                break;
            }
            positions.extend(self.left.drain(self.left.len() - wanted..).rev());
        }
        positions
    }
}
