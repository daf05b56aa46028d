//! The scale of features: what makes their mean 0 and their standard deviation 1 on some rows.

use super::matrix::Matrix;

/// Mean and standard deviation of each feature, the divisor of the variance being the number of rows. A feature that is
/// constant up to f32's rounding has no scale and becomes 0 in every row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scale {
    mean: Vec<f64>,
    /// 0 for a constant feature.
    deviation: Vec<f64>,
}

impl Scale {
    /// Of at least one row.
    pub(crate) fn of(rows: Matrix<'_>) -> Self {
        let features = rows.features();
        let mean = rows.mean();
        let mut squares = vec![0.0; features];
        let mut largest = vec![0.0_f64; features];
        for row in rows.values().chunks_exact(features) {
            for (feature, value) in row.iter().enumerate() {
                let difference = value - mean[feature];
                squares[feature] += difference * difference;
                largest[feature] = largest[feature].max(value.abs());
            }
        }
        let deviation = squares.iter().zip(&largest).map(|(squares, largest)| {
            let deviation = (squares / rows.rows() as f64).sqrt();
            if deviation > f64::from(f32::EPSILON) * largest { deviation } else { 0.0 }
        });
        Scale { deviation: deviation.collect(), mean }
    }

    pub(crate) fn features(&self) -> usize {
        self.mean.len()
    }

    /// Number of constant features.
    pub(crate) fn constants(&self) -> usize {
        self.deviation.iter().filter(|deviation| **deviation == 0.0).count()
    }

    /// Values of rows of the same width at the new scale.
    pub(crate) fn apply(&self, rows: Matrix<'_>) -> Vec<f64> {
        let mut values = rows.values().to_vec();
        for row in values.chunks_exact_mut(self.features()) {
            for ((value, mean), deviation) in row.iter_mut().zip(&self.mean).zip(&self.deviation) {
                *value = if *deviation == 0.0 { 0.0 } else { (*value - mean) / deviation };
            }
        }
        values
    }
}
