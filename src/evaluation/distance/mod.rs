//! How far made images are from real ones, measured between two sets of feature rows, all in f64.
//!
//! A row is one image as something sees it: features of a classifier, codes of an autoencoder, or pixels. This
//! module knows rows alone, no network and no image. The caller sees to it that the real and the made rows came
//! through the same door: same resizing, same channels, same network, which was trained on real images only.
//!
//! # Names
//!
//! A distance on features of a classifier g is never called FID. FID and KID mean the features of one Inception
//! network behind one way of resizing, and no other feature gives numbers on their scale. So the Fréchet distance
//! here is "FD-g" and the kernel distance "KID-g" ([`Measure::name`]). They compare sets of one run under one g;
//! between two classifiers they compare nothing. Features of a classifier have any scale, therefore they are brought
//! to the scale of the real training rows first ([`Standardisation`]). What the same figures are called on other
//! features says [`FeatureSpace::figure`](super::features::FeatureSpace::figure).
//!
//! # Never a figure alone
//!
//! What a distance says depends on how many rows it was given: two samples of the same law are far apart where they
//! are small. [`compare`] gives every figure with N and with its floor, the same figure between real rows and other
//! real rows, at the same N. A figure near its floor is as good as this many images can show. Where the network
//! learnt from these real rows, the floor is lower than that of real rows it never saw, and no generator can be held to
//! it. Raw figures, without these, are in [`frechet`], [`kernel`] and [`manifold`].
//!
//! Sums are taken in an order that is fixed, so every figure is the same for any number of threads.

pub mod frechet;
pub mod kernel;
pub mod manifold;

use std::ops::Range;

use crate::domain::random::{Stage, stream};
use crate::domain::task::{Cancelled, Ctx};
use crate::oversampling::rows::matrix::{self, Matrix, Others, sum_of, total};
use crate::oversampling::rows::scale::Scale;

/// Why a distance could not be measured. Sentences with a remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DistanceError {
    #[error("cancelled")]
    Cancelled,
    /// A mistake of the caller, not of the data.
    #[error("{values} values are not {rows} rows of {features} features")]
    Shape { values: usize, rows: usize, features: usize },
    #[error("row {0} holds a value that is not finite: leave it out or look at where it comes from")]
    NotFinite(usize),
    #[error("row {0} holds a value beyond 1e30, which is no feature: look at where it comes from")]
    TooLarge(usize),
    #[error("the real rows have {real} features and the made ones {made}: take both from the same network")]
    Width { real: usize, made: usize },
    #[error("{have} rows are too few, this figure needs {need}: add images, or do without it for this class")]
    TooFew { have: usize, need: usize },
    #[error("at least one neighbour is needed: use 5, or 3 for precision and recall as published")]
    NoNeighbour,
    /// A mistake of the caller, not of the data.
    #[error("{0} values are no covariance of {1} features, which is square, symmetric and not negative")]
    NotACovariance(usize, usize),
    #[error("all real rows are the same, so there is no diversity to compare with: look at the features")]
    Alike,
    #[error("the eigenvalues of the covariances were not found: standardise the features and try again")]
    NoConvergence,
}

impl From<Cancelled> for DistanceError {
    fn from(_: Cancelled) -> Self {
        DistanceError::Cancelled
    }
}

/// The largest value of a feature. Below it no figure overflows: cubes of products of two stay far inside f64.
const LARGEST: f64 = 1e30;

/// Features of some images, a row for each.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureRows {
    rows: usize,
    features: usize,
    values: Vec<f64>,
}

impl FeatureRows {
    /// `rows * features` values, row after row. No row at all is allowed here; each figure says how many it needs.
    ///
    /// # Errors
    /// Another number of values, no feature, or a value that is not finite or beyond 1e30.
    pub fn new(values: Vec<f64>, rows: usize, features: usize) -> Result<Self, DistanceError> {
        if features == 0 || rows.checked_mul(features) != Some(values.len()) {
            return Err(DistanceError::Shape { values: values.len(), rows, features });
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(DistanceError::NotFinite(at / features));
        }
        if let Some(at) = values.iter().position(|value| value.abs() > LARGEST) {
            return Err(DistanceError::TooLarge(at / features));
        }
        Ok(FeatureRows { rows, features, values })
    }

    /// The same from what a network gives.
    ///
    /// # Errors
    /// As [`FeatureRows::new`].
    pub fn from_f32(values: &[f32], rows: usize, features: usize) -> Result<Self, DistanceError> {
        Self::new(values.iter().map(|value| f64::from(*value)).collect(), rows, features)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of features of each row, at least 1.
    pub fn features(&self) -> usize {
        self.features
    }

    /// All values, row after row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    pub(super) fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.features..(row + 1) * self.features]
    }

    /// All of it as sums over rows take it.
    fn matrix(&self) -> Matrix<'_> {
        Matrix::new(&self.values, self.features)
    }

    /// Some rows, in the order of `positions`.
    pub(super) fn select(&self, positions: &[usize]) -> Self {
        let values = positions.iter().flat_map(|&row| self.row(row)).copied().collect();
        FeatureRows { rows: positions.len(), features: self.features, values }
    }

    /// An error for fewer than `need` rows.
    pub(super) fn at_least(&self, need: usize) -> Result<(), DistanceError> {
        if self.rows < need {
            return Err(DistanceError::TooFew { have: self.rows, need });
        }
        Ok(())
    }
}

fn same_width(real: &FeatureRows, made: &FeatureRows) -> Result<(), DistanceError> {
    if real.features != made.features {
        return Err(DistanceError::Width { real: real.features, made: made.features });
    }
    Ok(())
}

/// Brings features to the scale of the real training rows: mean 0 and standard deviation 1 each.
///
/// The divisor of the variance is the number of rows, as in scikit-learn's `StandardScaler`. A feature that is
/// constant on the real rows, up to f32's rounding, has no scale: it becomes 0 in every row, made ones included, and
/// no figure sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardisation(Scale);

impl Standardisation {
    /// Of the real training rows.
    ///
    /// # Errors
    /// Fewer than 2 rows.
    pub fn of(real: &FeatureRows) -> Result<Self, DistanceError> {
        real.at_least(2)?;
        Ok(Standardisation(Scale::of(real.matrix())))
    }

    /// Number of features that are constant on the real rows, which no figure sees.
    pub fn constants(&self) -> usize {
        self.0.constants()
    }

    /// Rows at the new scale.
    ///
    /// # Errors
    /// Rows of another width, or made rows so far off that a value leaves the range.
    pub fn apply(&self, rows: &FeatureRows) -> Result<FeatureRows, DistanceError> {
        if rows.features != self.0.features() {
            return Err(DistanceError::Width { real: self.0.features(), made: rows.features });
        }
        let values = self.0.apply(rows.matrix());
        FeatureRows::new(values, rows.rows, rows.features)
    }
}

/// The mean of each feature; of at least one row.
pub(super) fn mean_row(rows: &FeatureRows) -> Vec<f64> {
    rows.matrix().mean()
}

/// What is measured between real and made rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// [`frechet::frechet`], squared. 0 at best; biased upwards, and the more so the fewer rows.
    Frechet,
    /// [`kernel::kernel`], the unbiased value. 0 at best on average, and then as often below it as above.
    Kernel,
    /// Share of made rows inside the real manifold, in \[0, 1\]; balls reach to the third neighbour.
    Precision,
    /// Share of real rows inside the made manifold, in \[0, 1\]; balls reach to the third neighbour.
    Recall,
    /// How crowded with real rows the places of made rows are: 1 is usual, more is possible. Balls reach to the fifth
    /// neighbour.
    Density,
    /// Share of real rows with a made row near them, in \[0, 1\]; balls reach to the fifth neighbour.
    Coverage,
    /// [`manifold::nearest_accuracy`] over all rows: 0.5 at best, 1 where the sets lie apart, near 0 for copies.
    NearestNeighbour,
}

impl Measure {
    /// All of them, in the order in which [`compare`] gives them.
    pub const ALL: [Measure; 7] = [
        Measure::Frechet,
        Measure::Kernel,
        Measure::Precision,
        Measure::Recall,
        Measure::Density,
        Measure::Coverage,
        Measure::NearestNeighbour,
    ];

    /// What tables and files call it on features of g.
    pub fn name(self) -> &'static str {
        match self {
            Measure::Frechet => "FD-g",
            Measure::Kernel => "KID-g",
            Measure::Precision => "precision",
            Measure::Recall => "recall",
            Measure::Density => "density",
            Measure::Coverage => "coverage",
            Measure::NearestNeighbour => "1-NN accuracy",
        }
    }
}

/// Rows on a side below which a Fréchet distance says more about the size of the sample than about the images:
/// look at KID-g and coverage there.
pub const FRECHET_ROWS: usize = 200;

/// Rows on a side below which [`compare`] gives no figure at all: a class of five images has no distance.
pub const LEAST_ROWS: usize = 6;

/// One figure with what it takes to read it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distance {
    pub measure: Measure,
    /// The mean over the draws.
    pub value: f64,
    /// Standard deviation over the draws, divisor their number; `None` for one draw.
    pub sd: Option<f64>,
    /// Real rows that enter each draw.
    pub n_real: usize,
    /// Made rows that enter each draw.
    pub n_made: usize,
    /// The same figure between the same real rows and as many other real rows; `None` where the real rows are too
    /// few to be parted.
    pub floor: Option<f64>,
}

impl Distance {
    /// True for a Fréchet distance of fewer than [`FRECHET_ROWS`] rows on a side.
    pub fn measures_sample_size(&self) -> bool {
        self.measure == Measure::Frechet && self.n_real.min(self.n_made) < FRECHET_ROWS
    }
}

/// How [`compare`] goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Neighbours that make a ball in density and coverage: 5, as Naeem et al. advise.
    pub k: usize,
    /// Neighbours that make a ball in precision and recall: 3, as Kynkäänniemi et al. have it.
    pub k_precision: usize,
    /// How often rows are drawn anew, at least once.
    pub draws: usize,
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { k: 5, k_precision: 3, draws: 10, seed: 0 }
    }
}

/// Every figure beside its floor, in the order of [`Measure::ALL`].
///
/// N rows on each side, N being half of the real rows, or all made ones where these are fewer. Each draw takes two
/// parts of N real rows that share none, and N made rows. The value is between the first part and the made rows, the
/// floor between the two parts. Where half of the real rows are too few for that, N is what both sides have, and
/// there is no floor.
///
/// Features of a classifier g should be standardised ([`Standardisation`]) first.
///
/// # Errors
/// Fewer rows than [`LEAST_ROWS`] or either k + 1 on a side, a k of 0, other widths, or a cancel.
pub fn compare(
    ctx: &Ctx,
    real: &FeatureRows,
    made: &FeatureRows,
    settings: &Settings,
) -> Result<Vec<Distance>, DistanceError> {
    same_width(real, made)?;
    let need = LEAST_ROWS.max(settings.k.max(settings.k_precision).saturating_add(1));
    real.at_least(need)?;
    made.at_least(need)?;
    let with_floor = (real.rows / 2).min(made.rows) >= need;
    let n = if with_floor { real.rows / 2 } else { real.rows }.min(made.rows);
    // Without a floor and with all rows in it, every draw is the same.
    let nothing_to_draw = !with_floor && n == real.rows && n == made.rows;
    let draws = if nothing_to_draw { 1 } else { settings.draws.max(1) };

    let (mut values, mut floors) = (Vec::with_capacity(draws), Vec::with_capacity(draws));
    for draw in 0..draws {
        ctx.progress("distances", draw as u64, draws as u64);
        let index = draw as u64;
        let (reference, other) = if with_floor {
            let (reference, other) = parts(real, n, settings.seed, index);
            (reference, Some(other))
        } else {
            (real.select(&drawn(settings.seed, Purpose::RealParts, index, real.rows, n)), None)
        };
        let chosen = made.select(&drawn(settings.seed, Purpose::MadePart, index, made.rows, n));
        values.push(figures(ctx, &reference, &chosen, settings)?);
        if let Some(other) = other {
            floors.push(figures(ctx, &reference, &other, settings)?);
        }
    }
    ctx.progress("distances", draws as u64, draws as u64);

    let column = |table: &[[f64; 7]], at: usize| table.iter().map(|row| row[at]).collect::<Vec<f64>>();
    let distances = Measure::ALL.into_iter().enumerate().map(|(at, measure)| {
        let (value, sd) = mean_and_sd(&column(&values, at));
        let floor = with_floor.then(|| mean_and_sd(&column(&floors, at)).0);
        Distance { measure, value, sd: (draws > 1).then_some(sd), n_real: n, n_made: n, floor }
    });
    Ok(distances.collect())
}

/// All figures between two sets, in the order of [`Measure::ALL`].
fn figures(
    ctx: &Ctx,
    real: &FeatureRows,
    made: &FeatureRows,
    settings: &Settings,
) -> Result<[f64; 7], DistanceError> {
    let manifold = manifold::manifold_of_two(ctx, real, made, settings.k_precision, settings.k)?;
    Ok([
        frechet::frechet(real, made)?.squared,
        kernel::kernel(ctx, real, made)?.unbiased,
        manifold.precision,
        manifold.recall,
        manifold.density,
        manifold.coverage,
        manifold::nearest_accuracy(ctx, real, made)?.all,
    ])
}

/// Any figure between two parts of the real rows, of `n` rows each, that share none: what the figure is where there
/// is no difference but chance. It belongs beside a figure of `n` rows on each side.
///
/// `draw` numbers the ways of parting under one seed.
///
/// # Errors
/// Fewer than `2 n` real rows, and what the figure itself refuses.
pub fn split_floor<T>(
    real: &FeatureRows,
    n: usize,
    seed: u64,
    draw: u64,
    measure: impl FnOnce(&FeatureRows, &FeatureRows) -> Result<T, DistanceError>,
) -> Result<T, DistanceError> {
    real.at_least(n.saturating_mul(2))?;
    let (first, second) = parts(real, n, seed, draw);
    measure(&first, &second)
}

/// Two parts of `n` rows that share none; there are `2 n` rows.
fn parts(real: &FeatureRows, n: usize, seed: u64, draw: u64) -> (FeatureRows, FeatureRows) {
    let rows = drawn(seed, Purpose::RealParts, draw, real.rows, 2 * n);
    (real.select(&rows[..n]), real.select(&rows[n..]))
}

/// What rows are drawn for. The numbers are the class of the stream.
#[derive(Clone, Copy)]
#[repr(u64)]
enum Purpose {
    RealParts = 2,
    MadePart = 3,
    RealPairs = 4,
    MadePairs = 5,
}

/// `take` of `n` positions, none twice, all with equal chances, in random order.
fn drawn(seed: u64, purpose: Purpose, index: u64, n: usize, take: usize) -> Vec<usize> {
    let mut draws = stream(seed, Stage::Subset, purpose as u64, index);
    let mut rows: Vec<usize> = (0..n).collect();
    for at in 0..take.min(n) {
        rows.swap(at, at + draws.below(n - at));
    }
    rows.truncate(take);
    rows
}

/// Mean and standard deviation, the divisor being the number of values; of at least one value.
fn mean_and_sd(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (mean, (squares / n).sqrt())
}

/// The squared Euclidean distance. Exactly 0 for equal rows, and the same seen from either.
pub(super) fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0_f64; 8];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..8 {
            let difference = a[lane] - b[lane];
            sums[lane] += difference * difference;
        }
    }
    for ((sum, a), b) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        let difference = a - b;
        *sum += difference * difference;
    }
    total(&sums)
}

/// [`matrix::strips`] over all dot products of two sets.
fn strips<T: Send>(
    ctx: &Ctx,
    a: &FeatureRows,
    b: &FeatureRows,
    work: impl Fn(Range<usize>, &[f64]) -> T + Sync,
) -> Result<Vec<T>, DistanceError> {
    Ok(matrix::strips(ctx, a.matrix(), b.matrix(), Others::All, work)?)
}
