//! The Fréchet distance between two Gaussians, and between two sets of rows through their means and covariances.
//!
//! `d^2 = |m1 - m2|^2 + Tr S1 + Tr S2 - 2 Tr (S1 S2)^(1/2)` (Dowson and Landau 1982; on features of images Heusel et
//! al. 2017, whose score it is on Inception's features alone). Covariances are divided by n - 1. What is given is d^2,
//! as everywhere.
//!
//! The trace of the root has two forms here, both without a general matrix root and without complex numbers, which
//! singular covariances bring about:
//!
//! - from moments: the roots of the eigenvalues of `S1^(1/2) S2 S1^(1/2)`, which is symmetric;
//! - from samples: with rows centred and divided by `sqrt(n - 1)` as A and B, the sum of the singular values of
//!   `A B^T`. No matrix of features by features appears, and small eigenvalues lose nothing to rounding.
//!
//! The distance of two samples of one law is above 0, and the more so the fewer rows there are.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par, Side};
use rayon::prelude::*;

use super::{DistanceError, FeatureRows, LARGEST, mean_row, same_width, sum_of};

/// A mean and a covariance.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    mean: Vec<f64>,
    /// Row after row.
    covariance: Vec<f64>,
}

impl Moments {
    /// Of `mean.len()` features; the covariance has as many rows and columns, row after row.
    ///
    /// # Errors
    /// A matrix that is not square, not symmetric up to rounding, has a negative variance, or values that are not
    /// finite or are beyond what features have.
    pub fn new(mean: Vec<f64>, covariance: Vec<f64>) -> Result<Self, DistanceError> {
        let features = mean.len();
        let wrong = || DistanceError::NotACovariance(covariance.len(), features);
        if features == 0 || features.checked_mul(features) != Some(covariance.len()) {
            return Err(wrong());
        }
        // Also refuses what is no number.
        let in_range = |values: &[f64], most: f64| values.iter().all(|value| value.abs() <= most);
        let finite = in_range(&mean, LARGEST) && in_range(&covariance, LARGEST * LARGEST);
        if !finite {
            return Err(wrong());
        }
        let at = |row: usize, column: usize| covariance[row * features + column];
        for row in 0..features {
            let mirrored = (0..row).all(|column| {
                let most = (at(row, row) * at(column, column)).sqrt();
                (at(row, column) - at(column, row)).abs() <= 1e-9 * most
            });
            if !mirrored || at(row, row) < 0.0 {
                return Err(wrong());
            }
        }
        Ok(Moments { mean, covariance })
    }

    /// Of a sample; the covariance is divided by n - 1.
    ///
    /// # Errors
    /// Fewer than 2 rows.
    pub fn of(rows: &FeatureRows) -> Result<Self, DistanceError> {
        let Centred { mean, values, rows } = Centred::of(rows)?;
        let features = mean.len();
        let centred = MatRef::from_row_major_slice(&values, rows, features);
        let mut covariance = vec![0.0; features * features];
        covariance.par_chunks_mut(BLOCK * features).enumerate().for_each(|(block, out)| {
            let count = out.len() / features;
            matmul(
                MatMut::from_row_major_slice_mut(out, count, features),
                Accum::Replace,
                centred.subcols(block * BLOCK, count).transpose(),
                centred,
                1.0,
                Par::Seq,
            );
        });
        Ok(Moments { mean, covariance })
    }

    /// The mean of each feature.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The covariance, row after row.
    pub fn covariance(&self) -> &[f64] {
        &self.covariance
    }

    fn trace(&self) -> f64 {
        self.covariance.iter().step_by(self.mean.len() + 1).sum()
    }
}

/// Features whose covariances a thread works out at once.
const BLOCK: usize = 64;

/// A Fréchet distance and its parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frechet {
    /// `d^2`, never below 0: what rounding carries there is brought back.
    pub squared: f64,
    /// `Tr (S1 S2)^(1/2)`.
    pub trace_sqrt: f64,
}

impl Frechet {
    fn new(means: (&[f64], &[f64]), traces: (f64, f64), trace_sqrt: f64) -> Self {
        let gap: f64 = means.0.iter().zip(means.1).map(|(a, b)| (a - b) * (a - b)).sum();
        Frechet { squared: (gap + traces.0 + traces.1 - 2.0 * trace_sqrt).max(0.0), trace_sqrt }
    }
}

/// Between two sets of rows: from samples where both sets have fewer rows than features, else from moments.
///
/// # Errors
/// Fewer than 2 rows, or other widths.
pub fn frechet(real: &FeatureRows, made: &FeatureRows) -> Result<Frechet, DistanceError> {
    same_width(real, made)?;
    if real.rows().max(made.rows()) < real.features() {
        from_samples(real, made)
    } else {
        from_moments(&Moments::of(real)?, &Moments::of(made)?)
    }
}

/// Between two Gaussians, whose covariances may be singular.
///
/// # Errors
/// Other widths, or eigenvalues that were not found.
pub fn from_moments(real: &Moments, made: &Moments) -> Result<Frechet, DistanceError> {
    let features = real.mean.len();
    if features != made.mean.len() {
        return Err(DistanceError::Width { real: features, made: made.mean.len() });
    }
    let first = square(&real.covariance, features)
        .self_adjoint_eigen(Side::Lower)
        .map_err(|_| DistanceError::NoConvergence)?;
    // With S1 = U L U^T: L^(1/2) U^T S2 U L^(1/2) has the eigenvalues of S1^(1/2) S2 S1^(1/2).
    let (vectors, eigenvalues) = (first.U(), first.S());
    let mut root = Vec::with_capacity(features * features);
    for vector in 0..features {
        let eigenvalue: f64 = eigenvalues[vector];
        let length = eigenvalue.max(0.0).sqrt();
        root.extend((0..features).map(|feature| length * vectors[(feature, vector)]));
    }
    let mut half = vec![0.0; features * features];
    multiply(&mut half, square(&root, features), square(&made.covariance, features));
    let mut inner = vec![0.0; features * features];
    multiply(&mut inner, square(&half, features), square(&root, features).transpose());
    let eigenvalues = square(&inner, features)
        .self_adjoint_eigenvalues(Side::Lower)
        .map_err(|_| DistanceError::NoConvergence)?;
    let trace_sqrt = eigenvalues.iter().map(|value| value.max(0.0).sqrt()).sum();
    Ok(Frechet::new((&real.mean, &made.mean), (real.trace(), made.trace()), trace_sqrt))
}

/// Between two samples, of any size; meant for fewer rows than features.
///
/// # Errors
/// Fewer than 2 rows, other widths, or singular values that were not found.
pub fn from_samples(real: &FeatureRows, made: &FeatureRows) -> Result<Frechet, DistanceError> {
    same_width(real, made)?;
    let (a, b) = (Centred::of(real)?, Centred::of(made)?);
    let mut products = vec![0.0; a.rows * b.rows];
    multiply(&mut products, a.matrix(), b.matrix().transpose());
    let singular = MatRef::from_row_major_slice(&products, a.rows, b.rows)
        .singular_values()
        .map_err(|_| DistanceError::NoConvergence)?;
    let trace_sqrt = singular.iter().sum();
    Ok(Frechet::new((&a.mean, &b.mean), (a.trace(), b.trace()), trace_sqrt))
}

/// A matrix of features by features.
fn square(values: &[f64], features: usize) -> MatRef<'_, f64> {
    MatRef::from_row_major_slice(values, features, features)
}

/// `out = a b`, row after row.
fn multiply(out: &mut [f64], a: MatRef<'_, f64>, b: MatRef<'_, f64>) {
    let out = MatMut::from_row_major_slice_mut(out, a.nrows(), b.ncols());
    matmul(out, Accum::Replace, a, b, 1.0, Par::Seq);
}

/// Rows less their mean, divided by `sqrt(n - 1)`: the product with itself is the covariance.
struct Centred {
    mean: Vec<f64>,
    values: Vec<f64>,
    rows: usize,
}

impl Centred {
    fn of(rows: &FeatureRows) -> Result<Self, DistanceError> {
        rows.at_least(2)?;
        let mean = mean_row(rows);
        let scale = 1.0 / ((rows.rows() - 1) as f64).sqrt();
        let mut values = rows.values().to_vec();
        for row in values.chunks_exact_mut(mean.len()) {
            for (value, mean) in row.iter_mut().zip(&mean) {
                *value = (*value - mean) * scale;
            }
        }
        Ok(Centred { mean, values, rows: rows.rows() })
    }

    fn matrix(&self) -> MatRef<'_, f64> {
        MatRef::from_row_major_slice(&self.values, self.rows, self.mean.len())
    }

    /// Of the covariance.
    fn trace(&self) -> f64 {
        sum_of(&self.values, |value| value * value)
    }
}
