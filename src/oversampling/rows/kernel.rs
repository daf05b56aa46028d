//! The kernel distance: the squared maximum mean discrepancy under a cubic kernel (Bińkowski et al. 2018, whose KID
//! it is on Inception's features alone).
//!
//! `k(x, y) = (x.y / d + 1)^3` for d features. The unbiased value leaves the pairs of a row with itself out, and has
//! no bias that depends on the number of rows: for small sets it is the one to read. It is below 0 about as often as
//! above it where the sets are of one law, and is never clamped. The biased value keeps those pairs, and is never
//! below 0 but for rounding.

use super::matrix::{Matrix, Others, strips, sum_of};
use crate::domain::task::{Cancelled, Ctx};

/// Kernel distances of whole samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kernel {
    /// May be negative.
    pub unbiased: f64,
    pub biased: f64,
}

/// Between two sets of one width and at least two rows each. Time grows with the square of the rows, memory does not.
///
/// # Errors
/// A cancel.
pub(crate) fn kernel(ctx: &Ctx, x: Matrix<'_>, y: Matrix<'_>) -> Result<Kernel, Cancelled> {
    let (xx, yy) = (within(ctx, x)?, within(ctx, y)?);
    let xy = between(ctx, x, y)?;
    let (n, m) = (x.rows() as f64, y.rows() as f64);
    let cross = 2.0 * xy / (n * m);
    Ok(Kernel {
        unbiased: xx.pairs / (n * (n - 1.0)) + yy.pairs / (m * (m - 1.0)) - cross,
        biased: (xx.pairs + xx.selves) / (n * n) + (yy.pairs + yy.selves) / (m * m) - cross,
    })
}

/// Sums of the kernel over the pairs of one set.
struct Within {
    /// Each row with each other one, both ways.
    pairs: f64,
    /// Each row with itself.
    selves: f64,
}

fn within(ctx: &Ctx, x: Matrix<'_>) -> Result<Within, Cancelled> {
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
fn between(ctx: &Ctx, x: Matrix<'_>, y: Matrix<'_>) -> Result<f64, Cancelled> {
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
