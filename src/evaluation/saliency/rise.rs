//! RISE: a pixel matters as much as the classifier likes the pictures in which it was shown.
//!
//! Source: Petsiuk, Das and Saenko, "RISE: Randomized input sampling for explanation of black-box models",
//! BMVC 2018, section 3. N masks hide parts of the picture, and the map is the sum of the masks, each
//! times the score of the picture behind it, over N p (equation 6). The classifier is a function from
//! images to probabilities, whatever is inside.
//!
//! A mask is named by seed and number alone, so all classifiers and all pictures of a size see the same
//! ones, and mask 17 does not depend on how many there are.

use super::{Answer, Baseline, Explainer, SaliencyError, SaliencyMap, Subjects, ask, enlarged};
use crate::domain::random::{Stage, stream};
use crate::domain::task::Ctx;
use crate::imaging::picture::Picture;
use crate::nn::input_gradient::Images;

/// Class of the masks' streams.
const MASKS: u64 = 0;

/// What the sum of scored masks is divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weighing {
    /// N p, how often a pixel is shown on average: as published.
    #[default]
    Expected,
    /// How much each pixel was really shown, which takes the chance of the draw out where masks are few.
    Covered,
}

/// How masks are drawn and used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// N, at least 1. A thousand for pictures of 32 to 64 pixels; the paper has 4000 to 8000 for larger ones.
    pub masks: usize,
    /// s: cells along a side of a mask before it is enlarged, at least 1.
    pub grid: usize,
    /// p: probability that a cell is shown, above 0 and at most 1.
    pub keep: f64,
    pub seed: u64,
    /// Pictures per forward, at least 1.
    pub batch: usize,
    pub weighing: Weighing,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { masks: 1000, grid: 7, keep: 0.5, seed: 0, batch: 64, weighing: Weighing::Expected }
    }
}

/// The masks of a seed for pictures of one size. None is stored; each is drawn when it is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Masks {
    grid: usize,
    keep: f64,
    seed: u64,
    size: [usize; 2],
}

impl Masks {
    /// For pictures of `[height, width]`.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn new(settings: &Settings, size: [usize; 2]) -> Result<Self, SaliencyError> {
        let Settings { masks, grid, keep, seed, batch, .. } = *settings;
        if masks == 0 || grid == 0 || batch == 0 {
            return Err(SaliencyError::Settings(
                "RISE needs at least one mask, one cell and one picture at a time; use 1000, 7 and 64",
            ));
        }
        if !(0.0..=1.0).contains(&keep) || keep == 0.0 {
            return Err(SaliencyError::Settings(
                "the share of cells that RISE shows is above 0 and at most 1; use 0.5",
            ));
        }
        Ok(Masks { grid, keep, seed, size })
    }

    /// How much mask `index` shows of each pixel, in \[0, 1\], rows first.
    ///
    /// A grid of s by s cells, each 1 with probability p and else 0, is enlarged bilinearly to s + 1 cells of
    /// ceil(side / s) pixels, and cut to the picture at a corner drawn within the first cell.
    pub fn mask(&self, index: usize) -> Vec<f32> {
        let mut draws = stream(self.seed, Stage::Mask, MASKS, index as u64);
        let cells: Vec<f64> =
            (0..self.grid * self.grid).map(|_| if draws.uniform() < self.keep { 1.0 } else { 0.0 }).collect();
        let cell = self.size.map(|side| side.div_ceil(self.grid));
        let corner = cell.map(|side| draws.below(side));
        let large = cell.map(|side| (self.grid + 1) * side);
        let shown = enlarged(&cells, [self.grid; 2], large, corner, self.size);
        shown.into_iter().map(|value| value as f32).collect()
    }
}

/// The sum of masks times their scores, in the order in which they come.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredMasks {
    sum: Vec<f64>,
    /// The sum of the masks alone.
    shown: Vec<f64>,
    masks: usize,
}

impl ScoredMasks {
    /// None yet, of masks with this many pixels.
    pub fn new(pixels: usize) -> Self {
        ScoredMasks { sum: vec![0.0; pixels], shown: vec![0.0; pixels], masks: 0 }
    }

    pub fn add(&mut self, mask: &[f32], score: f64) {
        for ((sum, shown), value) in self.sum.iter_mut().zip(&mut self.shown).zip(mask) {
            *sum += score * f64::from(*value);
            *shown += f64::from(*value);
        }
        self.masks += 1;
    }

    /// The weighted mean for each pixel; 0 where nothing was ever shown.
    pub fn mean(&self, keep: f64, weighing: Weighing) -> Vec<f64> {
        let expected = self.masks as f64 * keep;
        let of = |(sum, shown): (&f64, &f64)| {
            let divisor = match weighing {
                Weighing::Expected => expected,
                Weighing::Covered => *shown,
            };
            if divisor > 0.0 { sum / divisor } else { 0.0 }
        };
        self.sum.iter().zip(&self.shown).map(of).collect()
    }
}

/// Maps of the classes asked about. `says` gives probabilities of images with as many pixels and channels as
/// the pictures ([`super::softmax_of`] for a network); the baseline stands where a mask hides.
///
/// Stopping and keeping ends after the batch of masks in work, for all pictures alike; a map's [`Explainer`]
/// has the number that it rests on.
///
/// # Errors
/// Cancelled, within one forward; a setting out of its range; a baseline of other channels; what `says`
/// refuses; a class it has no probability of, or one that is no number.
pub fn rise(
    ctx: &Ctx,
    says: impl Fn(&Images) -> Answer,
    subjects: &Subjects<'_>,
    baseline: &Baseline,
    settings: &Settings,
) -> Result<Vec<SaliencyMap>, SaliencyError> {
    let [channels, height, width] = subjects.shape;
    baseline.check(channels)?;
    let masks = Masks::new(settings, [height, width])?;
    let images: Vec<Vec<f32>> = subjects.pictures.iter().map(Picture::to_f32).collect();
    let mut sums = vec![ScoredMasks::new(height * width); images.len()];
    let total = (settings.masks * images.len()) as u64;
    let mut used = 0;
    while used < settings.masks && (used == 0 || !ctx.is_stopping()) {
        let end = settings.masks.min(used.saturating_add(settings.batch));
        let batch: Vec<Vec<f32>> = (used..end).map(|index| masks.mask(index)).collect();
        let mut done = used * images.len();
        for ((image, &class), sum) in images.iter().zip(subjects.classes).zip(&mut sums) {
            ctx.check()?;
            ctx.progress("RISE", done as u64, total);
            let mut values = Vec::with_capacity(batch.len() * image.len());
            for mask in &batch {
                baseline.blend(image, mask, &mut values);
            }
            let masked = Images { shape: [batch.len(), channels, height, width], values };
            for (mask, score) in batch.iter().zip(ask(&says, &masked, class)?) {
                sum.add(mask, score);
            }
            done += batch.len();
        }
        used = end;
    }
    ctx.check()?;
    ctx.progress("RISE", (used * images.len()) as u64, total);
    sums.iter()
        .map(|sum| {
            let raw = sum.mean(settings.keep, settings.weighing);
            SaliencyMap::new(Explainer::Rise { masks: used }, [height, width], &raw)
        })
        .collect()
}
