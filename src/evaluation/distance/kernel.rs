//! The kernel distance: the squared maximum mean discrepancy under a cubic kernel (Bińkowski et al. 2018, whose KID
//! it is on Inception's features alone).
//!
//! `k(x, y) = (x.y / d + 1)^3` for d features. The unbiased value leaves the pairs of a row with itself out, and has
//! no bias that depends on the number of rows: for small sets it is the one to read. It is below 0 about as often as
//! above it where the sets are of one law, and is never clamped. The biased value keeps those pairs, and is never
//! below 0 but for rounding.

use rayon::prelude::*;

use super::{DistanceError, FeatureRows, Others, Purpose, drawn, mean_and_sd, same_width, strips, sum_of};
use crate::domain::task::Ctx;

/// Subsets that are usual.
pub const SUBSETS: usize = 100;
/// Rows of a subset that are usual, where there are as many.
pub const SUBSET_ROWS: usize = 1000;

/// Kernel distances of whole samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kernel {
    /// May be negative.
    pub unbiased: f64,
    pub biased: f64,
}

/// The unbiased kernel distance over subsets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KernelSubsets {
    /// May be negative.
    pub mean: f64,
    /// Standard deviation over the subsets, divisor their number. It says how much subsets of this size differ, not
    /// how well the mean is known; 0 up to rounding where a subset holds all rows.
    pub sd: f64,
    pub subsets: usize,
    /// Rows of each subset, on each side.
    pub size: usize,
}

/// Between two whole samples. Time grows with the square of the rows, memory does not.
///
/// # Errors
/// Fewer than 2 rows, other widths, or a cancel.
pub fn kernel(ctx: &Ctx, real: &FeatureRows, made: &FeatureRows) -> Result<Kernel, DistanceError> {
    same_width(real, made)?;
    real.at_least(2)?;
    made.at_least(2)?;
    let (xx, yy) = (within(ctx, real)?, within(ctx, made)?);
    let xy = between(ctx, real, made)?;
    let (n, m) = (real.rows() as f64, made.rows() as f64);
    let cross = 2.0 * xy / (n * m);
    Ok(Kernel {
        unbiased: xx.pairs / (n * (n - 1.0)) + yy.pairs / (m * (m - 1.0)) - cross,
        biased: (xx.pairs + xx.selves) / (n * n) + (yy.pairs + yy.selves) / (m * m) - cross,
    })
}

/// Mean and spread of the unbiased value over `subsets` draws of rows from either side, without replacement inside a
/// subset. A subset has `size` rows, or as many as the smaller side has. [`SUBSETS`] and [`SUBSET_ROWS`] are usual.
///
/// # Errors
/// No subset, one of fewer than 2 rows, fewer than 2 rows, other widths, or a cancel.
pub fn kernel_subsets(
    ctx: &Ctx,
    real: &FeatureRows,
    made: &FeatureRows,
    subsets: usize,
    size: usize,
    seed: u64,
) -> Result<KernelSubsets, DistanceError> {
    same_width(real, made)?;
    real.at_least(2)?;
    made.at_least(2)?;
    if subsets == 0 || size < 2 {
        return Err(DistanceError::NoSubset);
    }
    let size = size.min(real.rows()).min(made.rows());
    let values = (0..subsets)
        .into_par_iter()
        .map(|subset| {
            let choose = |rows: &FeatureRows, purpose| {
                rows.select(&drawn(seed, purpose, subset as u64, rows.rows(), size))
            };
            let (x, y) = (choose(real, Purpose::RealSubset), choose(made, Purpose::MadeSubset));
            Ok(kernel(ctx, &x, &y)?.unbiased)
        })
        .collect::<Result<Vec<f64>, DistanceError>>()?;
    let (mean, sd) = mean_and_sd(&values);
    Ok(KernelSubsets { mean, sd, subsets, size })
}

/// Sums of the kernel over the pairs of one set.
struct Within {
    /// Each row with each other one, both ways.
    pairs: f64,
    /// Each row with itself.
    selves: f64,
}

fn within(ctx: &Ctx, x: &FeatureRows) -> Result<Within, DistanceError> {
    let of = cubic(x.features());
    // A strip begins with its own rows: each pair is looked at once.
    let sums = strips(ctx, x, x, Others::FromOwn, |rows, products| {
        let (mut pairs, mut selves) = (0.0, 0.0);
        let width = x.rows() - rows.start;
        for (own, products) in products.chunks_exact(width).enumerate() {
            selves += of(products[own]);
            pairs += sum_of(&products[own + 1..], of);
        }
        (pairs, selves)
    })?;
    let (mut pairs, mut selves) = (0.0, 0.0);
    for sum in sums {
        pairs += sum.0;
        selves += sum.1;
    }
    Ok(Within { pairs: 2.0 * pairs, selves })
}

/// The sum of the kernel over the pairs of two sets.
fn between(ctx: &Ctx, x: &FeatureRows, y: &FeatureRows) -> Result<f64, DistanceError> {
    let of = cubic(x.features());
    let sums = strips(ctx, x, y, Others::All, |_, products| {
        products.chunks_exact(y.rows()).map(|products| sum_of(products, of)).sum::<f64>()
    })?;
    Ok(sums.iter().sum())
}

/// The kernel as a function of the dot product.
fn cubic(features: usize) -> impl Fn(f64) -> f64 + Copy + Sync {
    let share = 1.0 / features as f64;
    move |product| {
        let base = product * share + 1.0;
        base * base * base
    }
}
