//! Rows drawn by the normal law that has the mean and the covariance of given rows.
//!
//! No covariance matrix is made, inverted or factorised. With n rows x_i of mean mu and n independent
//! standard normal numbers g_i, `mu + sum_i g_i (x_i - mu) / sqrt(n - 1)` is normal, its mean is mu and its
//! covariance `sum_i (x_i - mu)(x_i - mu)^T / (n - 1)`: also where that matrix is singular, because there are
//! no more rows than features.

use super::RowsError;
use crate::domain::random::Stream;

/// Deviation of what is added to a row that stands alone, as a share of the deviation of its own numbers.
const ALONE: f64 = 0.1;

/// A normal law over rows.
#[derive(Clone, Debug, PartialEq)]
pub struct NormalLaw {
    /// One row after the other.
    rows: Vec<f32>,
    mean: Vec<f64>,
}

impl NormalLaw {
    /// The law with the mean and the covariance (over n - 1) of rows of `features` values, which lie one
    /// after the other.
    ///
    /// # Errors
    /// `NoImage` without a row, values that are not whole rows, or that are not finite.
    pub fn of(rows: Vec<f32>, features: usize) -> Result<Self, RowsError> {
        if rows.is_empty() {
            return Err(RowsError::NoImage);
        }
        if features == 0 || !rows.len().is_multiple_of(features) {
            let count = rows.len() / features.max(1);
            return Err(RowsError::Shape { values: rows.len(), rows: count, features });
        }
        if let Some(at) = rows.iter().position(|value| !value.is_finite()) {
            return Err(RowsError::NotFinite(at / features));
        }
        let count = (rows.len() / features) as f64;
        let mut mean = vec![0.0; features];
        for row in rows.chunks(features) {
            for (sum, value) in mean.iter_mut().zip(row) {
                *sum += f64::from(*value) / count;
            }
        }
        Ok(NormalLaw { rows, mean })
    }

    /// The rows it was made from: `count` times `features` values.
    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// How many rows it was made from, one at least.
    pub fn count(&self) -> usize {
        self.rows.len() / self.features()
    }

    /// Values of a row.
    pub fn features(&self) -> usize {
        self.mean.len()
    }

    /// A row by this law. One row has no covariance: what is drawn then is [`around`] it.
    pub fn draw(&self, draws: &mut Stream) -> Vec<f32> {
        if self.count() == 1 {
            return around(&self.rows, draws);
        }
        let scale = 1.0 / (self.count() as f64 - 1.0).sqrt();
        let mut made = self.mean.clone();
        for row in self.rows.chunks(self.features()) {
            let g = draws.normal() * scale;
            for ((made, value), mean) in made.iter_mut().zip(row).zip(&self.mean) {
                *made += g * (f64::from(*value) - mean);
            }
        }
        made.into_iter().map(|value| value as f32).collect()
    }
}

/// A row and a little noise, for a class of which nothing else is known: normal, with a tenth of the
/// deviation that the row's own numbers have.
pub fn around(row: &[f32], draws: &mut Stream) -> Vec<f32> {
    let count = row.len().max(1) as f64;
    let mean = row.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
    let variance = row.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / count;
    let deviation = variance.sqrt() * ALONE;
    row.iter().map(|value| value + (draws.normal() * deviation) as f32).collect()
}
