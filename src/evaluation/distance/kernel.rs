//! The kernel distance between two sets of feature rows, whole or over subsets. What it is stands with the sums, in
//! [`rows::kernel`].

use rayon::prelude::*;

use super::{DistanceError, FeatureRows, Purpose, drawn, mean_and_sd, same_width};
use crate::domain::task::Ctx;
use crate::oversampling::rows;
pub use crate::oversampling::rows::kernel::Kernel;

/// Subsets that are usual.
pub const SUBSETS: usize = 100;
/// Rows of a subset that are usual, where there are as many.
pub const SUBSET_ROWS: usize = 1000;

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
    Ok(rows::kernel::kernel(ctx, real.matrix(), made.matrix())?)
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
            let choose = |side: &FeatureRows, purpose| {
                side.select(&drawn(seed, purpose, subset as u64, side.rows(), size))
            };
            let (x, y) = (choose(real, Purpose::RealSubset), choose(made, Purpose::MadeSubset));
            Ok(kernel(ctx, &x, &y)?.unbiased)
        })
        .collect::<Result<Vec<f64>, DistanceError>>()?;
    let (mean, sd) = mean_and_sd(&values);
    Ok(KernelSubsets { mean, sd, subsets, size })
}
