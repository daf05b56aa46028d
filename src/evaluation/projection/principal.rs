//! Principal components: the directions in which rows differ most, all in f64.
//!
//! From the singular values of the centred rows (Pearson 1901; Hotelling 1933), so that no covariance squares what
//! is small. A component and its negative are equally right: here the loading of each that is largest in size is
//! positive, and of loadings that are equally large the first decides.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use super::ProjectionError;
use crate::evaluation::distance::{DistanceError, FeatureRows, mean_row};

/// Principal components of some rows, those of the largest variance first.
#[derive(Clone, Debug, PartialEq)]
pub struct Principal {
    mean: Vec<f64>,
    /// Component after component, a loading for each feature.
    loadings: Vec<f64>,
    /// Of each component, divisor n - 1.
    variances: Vec<f64>,
    /// Of all components, left out ones included.
    total: f64,
}

impl Principal {
    /// At most `most` components, at least one, and none without variance but for rounding.
    ///
    /// # Errors
    /// Fewer than 2 rows, rows that are all the same, or singular values that were not found.
    pub fn of(rows: &FeatureRows, most: usize) -> Result<Self, ProjectionError> {
        rows.at_least(2)?;
        let (count, mean) = (rows.rows(), mean_row(rows));
        let features = mean.len();
        let centred = centred(rows, &mean);
        let svd = MatRef::from_row_major_slice(&centred, count, features)
            .thin_svd()
            .map_err(|_| ProjectionError::NoConvergence)?;
        let (directions, lengths) = (svd.V(), svd.S());
        let lengths: Vec<f64> = (0..count.min(features)).map(|at| lengths[at]).collect();
        if lengths.iter().any(|length| !length.is_finite()) {
            return Err(ProjectionError::NoConvergence);
        }
        // What rounding may leave of rows that do not differ, or what is too small for a variance.
        let middle = (count as f64 * mean.iter().map(|value| value * value).sum::<f64>()).sqrt();
        let noise = f64::EPSILON * count.max(features) as f64 * lengths[0].max(middle);
        let noise = noise.max(f64::MIN_POSITIVE.sqrt());
        let kept = lengths.iter().take(most.max(1)).take_while(|length| **length > noise).count();
        if kept == 0 {
            return Err(ProjectionError::Alike);
        }
        let mut loadings = Vec::with_capacity(kept * features);
        for component in 0..kept {
            let found: Vec<f64> = (0..features).map(|feature| directions[(feature, component)]).collect();
            let sign = sign_of(&found);
            loadings.extend(found.iter().map(|loading| sign * loading));
        }
        let variance = |length: &f64| length * length / (count - 1) as f64;
        let total = lengths.iter().map(variance).sum();
        let variances = lengths[..kept].iter().map(variance).collect();
        Ok(Principal { mean, loadings, variances, total })
    }

    /// Number of components, at least 1.
    pub fn components(&self) -> usize {
        self.variances.len()
    }

    /// The loadings of a component, a number for each feature, squares of sum 1; `component` is below
    /// [`Principal::components`].
    pub fn component(&self, component: usize) -> &[f64] {
        let features = self.mean.len();
        &self.loadings[component * features..(component + 1) * features]
    }

    /// Variance of the rows along each component, divisor n - 1.
    pub fn variances(&self) -> &[f64] {
        &self.variances
    }

    /// Share of the whole variance that each component has, in \[0, 1\]. They sum to 1 where none was left out.
    pub fn shares(&self) -> Vec<f64> {
        self.variances.iter().map(|variance| variance / self.total).collect()
    }

    /// Rows along the components: as many rows, of a score for each component.
    ///
    /// # Errors
    /// Rows of another width, or so far off that a score leaves the range of features.
    pub fn apply(&self, rows: &FeatureRows) -> Result<FeatureRows, DistanceError> {
        let (count, features) = (rows.rows(), self.mean.len());
        if rows.features() != features {
            return Err(DistanceError::Width { real: features, made: rows.features() });
        }
        let centred = centred(rows, &self.mean);
        let mut scores = vec![0.0; count * self.components()];
        matmul(
            MatMut::from_row_major_slice_mut(&mut scores, count, self.components()),
            Accum::Replace,
            MatRef::from_row_major_slice(&centred, count, features),
            MatRef::from_row_major_slice(&self.loadings, self.components(), features).transpose(),
            1.0,
            Par::Seq,
        );
        FeatureRows::new(scores, count, self.components())
    }
}

/// Rows less a mean.
fn centred(rows: &FeatureRows, mean: &[f64]) -> Vec<f64> {
    let mut values = rows.values().to_vec();
    for row in values.chunks_exact_mut(mean.len()) {
        for (value, mean) in row.iter_mut().zip(mean) {
            *value -= mean;
        }
    }
    values
}

/// What makes the largest loading positive. Loadings that differ by rounding alone are equally large.
fn sign_of(loadings: &[f64]) -> f64 {
    let largest = loadings.iter().fold(0.0_f64, |most, loading| most.max(loading.abs()));
    let first = loadings.iter().find(|loading| loading.abs() >= largest * (1.0 - 1e-9));
    if first.is_some_and(|loading| *loading < 0.0) { -1.0 } else { 1.0 }
}
