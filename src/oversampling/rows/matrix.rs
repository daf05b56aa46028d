//! Rows of features in f64, and the sums over them that distances are made of. All are the same for any number of
//! threads.

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use crate::domain::task::{Cancelled, Ctx};

/// Rows that lie one after another. Who makes one sees to it that all values are finite.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a> {
    values: &'a [f64],
    features: usize,
}

impl<'a> Matrix<'a> {
    /// As many whole rows of `features` values, at least 1, as there are.
    pub(crate) fn new(values: &'a [f64], features: usize) -> Self {
        Matrix { values, features }
    }

    pub(crate) fn rows(&self) -> usize {
        self.values.len() / self.features
    }

    pub(crate) fn features(&self) -> usize {
        self.features
    }

    pub(crate) fn values(&self) -> &'a [f64] {
        self.values
    }

    /// The mean of each feature; of at least one row.
    pub(crate) fn mean(&self) -> Vec<f64> {
        let mut mean = vec![0.0; self.features];
        for row in self.values.chunks_exact(self.features) {
            for (sum, value) in mean.iter_mut().zip(row) {
                *sum += value;
            }
        }
        mean.iter_mut().for_each(|sum| *sum /= self.rows() as f64);
        mean
    }

    /// Some rows that lie together.
    fn block(&self, rows: Range<usize>) -> MatRef<'a, f64> {
        let values = &self.values[rows.start * self.features..rows.end * self.features];
        MatRef::from_row_major_slice(values, rows.len(), self.features)
    }
}

/// The sum of `term` over some values: eight sums at once, put together in an order that is fixed.
pub(crate) fn sum_of(values: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    let mut sums = [0.0_f64; 8];
    let (chunks, rest) = values.as_chunks::<8>();
    for values in chunks {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += term(*value);
        }
    }
    for (sum, value) in sums.iter_mut().zip(rest) {
        *sum += term(*value);
    }
    total(&sums)
}

/// Eight sums put together.
pub(crate) fn total(sums: &[f64; 8]) -> f64 {
    ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]))
}

/// Products that a thread holds at once, where rows are not longer than that.
const STRIP: usize = 1 << 20;
/// Rows of a strip at most.
const STRIP_ROWS: usize = 64;

/// Which rows of the second set a strip of the first is multiplied with.
#[derive(Clone, Copy)]
pub(crate) enum Others {
    All,
    /// From the strip's own first row on: each pair of one set once.
    FromOwn,
}

/// Goes over the dot products of all rows of `a` with rows of `b`, a strip of rows of `a` at a time, on all threads.
/// `work` gets the strip's rows and their products, row after row. What it gives comes back in the order of strips,
/// which are the same for any number of threads. Both sets have one width.
pub(crate) fn strips<T: Send>(
    ctx: &Ctx,
    a: Matrix<'_>,
    b: Matrix<'_>,
    others: Others,
    work: impl Fn(Range<usize>, &[f64]) -> T + Sync,
) -> Result<Vec<T>, Cancelled> {
    let height = (STRIP / b.rows().max(1)).clamp(1, STRIP_ROWS);
    (0..a.rows().div_ceil(height))
        .into_par_iter()
        .map_init(Vec::new, |products: &mut Vec<f64>, strip| {
            ctx.check()?;
            let rows = strip * height..((strip + 1) * height).min(a.rows());
            let others = match others {
                Others::All => 0..b.rows(),
                Others::FromOwn => rows.start..b.rows(),
            };
            products.resize(rows.len() * others.len(), 0.0);
            matmul(
                MatMut::from_row_major_slice_mut(products, rows.len(), others.len()),
                Accum::Replace,
                a.block(rows.clone()),
                b.block(others).transpose(),
                1.0,
                Par::Seq,
            );
            Ok(work(rows, products))
        })
        .collect::<Result<Vec<T>, Cancelled>>()
}
