//! Figures that come from who is near whom: precision, recall, density, coverage, nearest neighbours across two
//! sets, and how diverse a set is.
//!
//! Precision and recall are the improved ones (Kynkäänniemi et al. 2019), density and coverage those of Naeem et al.
//! 2020. A row's ball reaches to its k-th nearest other row of its own set, the row itself left out by position and
//! not by distance, so that a second copy counts. A row lies in a ball where its distance is smaller than the radius:
//! strictly, as in the `prdc` package of Naeem et al.; the reference of Kynkäänniemi et al. takes `<=`, and differs
//! where distances are equal, which copies bring about.
//!
//! Distances are exact. `|a|^2 + |b|^2 - 2ab`, with all products of a strip of rows from one matrix product, says
//! between which bounds each lies; where the bounds do not decide, the pair is measured directly.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::{DistanceError, FeatureRows, Purpose, same_width, squared_distance, strips, sum_of};
use crate::domain::random::{Stage, stream};
use crate::domain::task::Ctx;

/// How two sets of rows cover each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Manifold {
    /// Share of made rows that lie in the ball of some real row.
    pub precision: f64,
    /// Share of real rows that lie in the ball of some made row.
    pub recall: f64,
    /// In how many balls of real rows a made row lies, on average, divided by k. May exceed 1.
    pub density: f64,
    /// Share of real rows whose ball holds a made row.
    pub coverage: f64,
    /// Neighbours that make a ball in density and coverage.
    pub k: usize,
    /// The same in precision and recall.
    pub k_precision: usize,
}

/// Precision, recall, density and coverage with balls of `k` neighbours. Time grows with the square of the rows, memory
/// does not.
///
/// # Errors
/// Fewer than k + 1 rows on a side, k = 0, other widths, or a cancel.
pub fn manifold(
    ctx: &Ctx,
    real: &FeatureRows,
    made: &FeatureRows,
    k: usize,
) -> Result<Manifold, DistanceError> {
    manifold_of_two(ctx, real, made, k, k)
}

/// The same with balls of `k_precision` neighbours in precision and recall, and of `k` in density and coverage. Those
/// who proposed them took 3 and 5.
///
/// # Errors
/// As [`manifold`], for either number.
pub fn manifold_of_two(
    ctx: &Ctx,
    real: &FeatureRows,
    made: &FeatureRows,
    k_precision: usize,
    k: usize,
) -> Result<Manifold, DistanceError> {
    same_width(real, made)?;
    if k == 0 || k_precision == 0 {
        return Err(DistanceError::NoNeighbour);
    }
    let need = k.max(k_precision).saturating_add(1);
    real.at_least(need)?;
    made.at_least(need)?;
    let real_radii = kth_nearest(ctx, real, real, [k_precision, k], Own::LeftOut)?;
    let made_radii = kth_nearest(ctx, made, made, [k_precision], Own::LeftOut)?;

    let bounds = Bounds::new(real, made);
    // Only ever set, so the order of threads is not seen.
    let precise: Vec<AtomicBool> = (0..made.rows()).map(|_| AtomicBool::new(false)).collect();
    let counts = strips(ctx, real, made, |rows, products| {
        let (mut balls, mut recalled, mut covered) = (0_usize, 0_usize, 0_usize);
        for (row, products) in rows.zip(products.chunks_exact(made.rows())) {
            let (mut inside, mut is_recalled) = (0_usize, false);
            for (other, &product) in products.iter().enumerate() {
                let [narrow, wide] =
                    real_radii[row].map(|radius| bounds.is_closer(row, other, product, radius));
                inside += usize::from(wide);
                if narrow {
                    precise[other].store(true, Ordering::Relaxed);
                }
                is_recalled = is_recalled || bounds.is_closer(row, other, product, made_radii[other][0]);
            }
            balls += inside;
            covered += usize::from(inside > 0);
            recalled += usize::from(is_recalled);
        }
        (balls, recalled, covered)
    })?;
    let (mut balls, mut recalled, mut covered) = (0, 0, 0);
    for count in counts {
        balls += count.0;
        recalled += count.1;
        covered += count.2;
    }
    let precise = precise.iter().filter(|flag| flag.load(Ordering::Relaxed)).count();
    let (n, m) = (real.rows() as f64, made.rows() as f64);
    Ok(Manifold {
        precision: precise as f64 / m,
        recall: recalled as f64 / n,
        density: balls as f64 / (k as f64 * m),
        coverage: covered as f64 / n,
        k,
        k_precision,
    })
}

/// How often the nearest other row of a row, of both sets together, is of its own set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NearestAccuracy {
    /// Of all rows: 0.5 where the sets cannot be told apart, 1 where they lie apart, below 0.5 where made rows sit on
    /// real ones, 0 for copies.
    pub all: f64,
    /// Of real rows; low where made rows gather around real ones.
    pub real: f64,
    /// Of made rows; high where made rows have collapsed onto each other.
    pub made: f64,
}

/// The leave-one-out accuracy of a nearest-neighbour classifier of real against made (Lopez-Paz and Oquab 2017; for
/// generators Xu et al. 2018). The readings hold for as many made rows as real ones. Where the nearest of both sets
/// are equally far, the row counts half.
///
/// # Errors
/// Fewer than 2 rows on a side, other widths, or a cancel.
pub fn nearest_accuracy(
    ctx: &Ctx,
    real: &FeatureRows,
    made: &FeatureRows,
) -> Result<NearestAccuracy, DistanceError> {
    same_width(real, made)?;
    real.at_least(2)?;
    made.at_least(2)?;
    let right = |own: &FeatureRows, other: &FeatureRows| {
        let same = kth_nearest(ctx, own, own, [1], Own::LeftOut)?;
        let across = kth_nearest(ctx, own, other, [1], Own::None)?;
        let points = same.iter().zip(&across).map(|([same], [across])| match same.total_cmp(across) {
            std::cmp::Ordering::Less => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Greater => 0.0,
        });
        Ok::<f64, DistanceError>(points.sum())
    };
    let (of_real, of_made) = (right(real, made)?, right(made, real)?);
    let (n, m) = (real.rows() as f64, made.rows() as f64);
    Ok(NearestAccuracy { all: (of_real + of_made) / (n + m), real: of_real / n, made: of_made / m })
}

/// Whether rows that are searched from are among those that are searched.
#[derive(Clone, Copy, PartialEq)]
enum Own {
    /// They are the same set, and no row finds itself.
    LeftOut,
    None,
}

/// The squared distances from each row of `from` to its `ks`-th nearest rows of `to`; none is 0, and there are as many.
fn kth_nearest<const N: usize>(
    ctx: &Ctx,
    from: &FeatureRows,
    to: &FeatureRows,
    ks: [usize; N],
    own: Own,
) -> Result<Vec<[f64; N]>, DistanceError> {
    let bounds = Bounds::new(from, to);
    let most = ks.into_iter().fold(1, usize::max);
    let found = strips(ctx, from, to, |rows, products| {
        let (mut upper, mut near) = (Vec::with_capacity(to.rows()), Vec::new());
        let mut kept = Vec::with_capacity(rows.len());
        for (row, products) in rows.zip(products.chunks_exact(to.rows())) {
            let is_own = |other: usize| own == Own::LeftOut && other == row;
            upper.clear();
            upper.extend(products.iter().enumerate().map(|(other, &product)| {
                let (middle, slack) = bounds.of(row, other, product);
                if is_own(other) { f64::INFINITY } else { middle + slack }
            }));
            // The k-th nearest is at most this far, so what is surely further is not it.
            let (_, &mut reach, _) = upper.select_nth_unstable_by(most - 1, f64::total_cmp);
            near.clear();
            for (other, &product) in products.iter().enumerate() {
                let (middle, slack) = bounds.of(row, other, product);
                if middle - slack <= reach && !is_own(other) {
                    near.push(squared_distance(from.row(row), to.row(other)));
                }
            }
            near.sort_unstable_by(f64::total_cmp);
            kept.push(ks.map(|k| near[k - 1]));
        }
        kept
    })?;
    Ok(found.concat())
}

/// What the products of two sets say about their squared distances.
struct Bounds<'a> {
    from: &'a FeatureRows,
    to: &'a FeatureRows,
    /// `|row|^2` of each row.
    from_squares: Vec<f64>,
    to_squares: Vec<f64>,
    /// Share of `|a|^2 + |b|^2` by which a distance may be wrong.
    rounding: f64,
}

impl<'a> Bounds<'a> {
    fn new(from: &'a FeatureRows, to: &'a FeatureRows) -> Self {
        let squares = |rows: &FeatureRows| -> Vec<f64> {
            (0..rows.rows()).into_par_iter().map(|row| sum_of(rows.row(row), |value| value * value)).collect()
        };
        // One unit for each addition of the square, of the product and, twice, of the distance measured directly,
        // which is at most twice the two squares; and a few.
        let rounding = (2 * from.features() + 16) as f64 * f64::EPSILON;
        Bounds { from, to, from_squares: squares(from), to_squares: squares(to), rounding }
    }

    /// The squared distance from the product of two rows, and by how much the directly measured one may differ.
    fn of(&self, row: usize, other: usize, product: f64) -> (f64, f64) {
        let squares = self.from_squares[row] + self.to_squares[other];
        // Products may also lose what is too small for f64.
        (squares - 2.0 * product, self.rounding * squares + f64::MIN_POSITIVE)
    }

    /// True where the squared distance of two rows is below `limit`.
    fn is_closer(&self, row: usize, other: usize, product: f64, limit: f64) -> bool {
        let (middle, slack) = self.of(row, other, product);
        if middle + slack < limit {
            true
        } else if middle - slack >= limit {
            false
        } else {
            squared_distance(self.from.row(row), self.to.row(other)) < limit
        }
    }
}

/// Pairs of a set that say enough about its diversity.
pub const DIVERSITY_PAIRS: usize = 100_000;

/// How diverse made rows are beside real ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Diversity {
    /// `made / real`: 1 where made rows are as diverse as real ones, near 0 where they have collapsed onto each other.
    pub ratio: f64,
    /// Mean distance of two real rows.
    pub real: f64,
    /// Mean distance of two made rows.
    pub made: f64,
    /// Real and made pairs that were looked at.
    pub pairs: (usize, usize),
}

/// The mean Euclidean distance of two made rows, relative to that of two real rows. Meant for the rows of one class:
/// over several, the distance of classes hides a collapse inside each.
///
/// All pairs are looked at, or `most_pairs` drawn ones where there are more ([`DIVERSITY_PAIRS`] is enough).
///
/// # Errors
/// Fewer than 2 rows on a side, other widths, real rows that are all the same, or a cancel.
pub fn diversity(
    ctx: &Ctx,
    real: &FeatureRows,
    made: &FeatureRows,
    most_pairs: usize,
    seed: u64,
) -> Result<Diversity, DistanceError> {
    same_width(real, made)?;
    real.at_least(2)?;
    made.at_least(2)?;
    let real_pairs = pairs(real.rows(), most_pairs.max(1), seed, Purpose::RealPairs);
    let made_pairs = pairs(made.rows(), most_pairs.max(1), seed, Purpose::MadePairs);
    let (of_real, of_made) = (mean_distance(ctx, real, &real_pairs)?, mean_distance(ctx, made, &made_pairs)?);
    if of_real == 0.0 {
        return Err(DistanceError::Alike);
    }
    Ok(Diversity {
        ratio: of_made / of_real,
        real: of_real,
        made: of_made,
        pairs: (real_pairs.len(), made_pairs.len()),
    })
}

/// All pairs of `n` rows, or `most` drawn ones.
fn pairs(n: usize, most: usize, seed: u64, purpose: Purpose) -> Vec<(usize, usize)> {
    if n * (n - 1) / 2 <= most {
        return (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b))).collect();
    }
    let mut draws = stream(seed, Stage::Subset, purpose as u64, 0);
    let drawn = (0..most).map(|_| {
        let (a, b) = (draws.below(n), draws.below(n - 1));
        // Any row but `a`.
        (a, if b < a { b } else { b + 1 })
    });
    drawn.collect()
}

/// Pairs that a thread measures between two looks at the context.
const PAIRS: usize = 1024;

fn mean_distance(ctx: &Ctx, rows: &FeatureRows, pairs: &[(usize, usize)]) -> Result<f64, DistanceError> {
    let sums = pairs
        .par_chunks(PAIRS)
        .map(|pairs| {
            ctx.check()?;
            Ok(pairs.iter().map(|&(a, b)| squared_distance(rows.row(a), rows.row(b)).sqrt()).sum::<f64>())
        })
        .collect::<Result<Vec<f64>, DistanceError>>()?;
    Ok(sums.iter().sum::<f64>() / pairs.len() as f64)
}
