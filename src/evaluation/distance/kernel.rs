//! The kernel distance between two whole sets of feature rows. What it is stands with the sums, in [`rows::kernel`];
//! [`compare`](super::compare) has its mean over draws.

use super::{DistanceError, FeatureRows, same_width};
use crate::domain::task::Ctx;
use crate::oversampling::rows;
pub use crate::oversampling::rows::kernel::Kernel;

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
