//! Randomness: one ChaCha stream per (seed, stage, class, index).
//!
//! Nothing in the program draws from a shared generator: a stream is named by what it is for, so image 17 stays
//! the same when the batch size, the number of threads or the order of work changes. The mapping from stream to
//! numbers is written out here and does not depend on a library's distributions.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// What a stream is for. The numbers are part of the file format (same seed, same pixels): never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Stage {
    /// Cutting validation and test parts off a folder (index 0), images into folds (index 1), and a training part down
    /// to wanted counts (index 2).
    Split = 1,
    /// Start weights; class = network, index = parameter.
    Init = 2,
    /// Order of the images of an epoch; class = network, index = epoch.
    Shuffle = 3,
    /// Class-balanced draws; class = network, index = step.
    Balanced = 4,
    /// Crop and flip; class = network, index = step.
    Augment = 5,
    /// Which slots of a training batch are translated; index = step.
    Slots = 6,
    /// Seed picks inside a training batch; index = step.
    Pick = 7,
    /// The prior's draws in training; index = step.
    Accept = 8,
    /// Start noise of a translation.
    Noise = 9,
    /// Seed class and seed image of a candidate; class, index = slot and attempt.
    SeedImage = 10,
    /// The prior's draw of a candidate; class, index = slot and attempt.
    Prior = 11,
    /// Which training image is repeated in an empty slot; class, index = slot.
    Repeat = 12,
    /// Other numbers that tests and tools want.
    Other = 13,
    /// Which rows enter a subset, a half or a pair; class = what for, index = number of the draw.
    Subset = 14,
    /// What a step of a generator's training draws; class = what for, index = step.
    TrainingStep = 15,
    /// The latent numbers of a candidate; class, index = slot and attempt.
    Latent = 16,
    /// Which test images and seeds a draw of an interval takes; index = draw.
    Bootstrap = 17,
    /// Share and partners of a blended batch; class = network, index = step.
    Blend = 18,
    /// Which images a treatment repeats (index 0), keeps (index 1), or takes into subset n (index 2 + n); class.
    Resample = 19,
    /// Where the points of a picture of features start; index = row.
    Layout = 20,
    /// What is hidden of an image that is explained: class 0 a random mask, index = its number; class 1 the order of
    /// pixels that matter alike.
    Mask = 21,
}

/// A stream of numbers that belongs to one purpose.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

/// The stream of one purpose. All four numbers enter the key whole.
pub fn stream(seed: u64, stage: Stage, class: u64, index: u64) -> Stream {
    let mut key = [0_u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&(stage as u64).to_le_bytes());
    key[16..24].copy_from_slice(&class.to_le_bytes());
    key[24..].copy_from_slice(&index.to_le_bytes());
    Stream(ChaCha8Rng::from_seed(key))
}

impl Stream {
    /// Uniform in \[0, 1) with 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Uniform in \[0, 1) with 24 bits.
    pub fn uniform_f32(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 * (1.0 / (1_u32 << 24) as f32)
    }

    /// Uniform in 0..n without bias; 0 for n = 0.
    pub fn below(&mut self, n: usize) -> usize {
        if n <= 1 {
            return 0;
        }
        let n = n as u64;
        let limit = u64::MAX - u64::MAX % n;
        loop {
            let draw = self.0.next_u64();
            if draw < limit {
                return (draw % n) as usize;
            }
        }
    }

    /// Standard normal (Box-Muller).
    pub fn normal(&mut self) -> f64 {
        let (a, b) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }

    /// Fisher-Yates.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}
