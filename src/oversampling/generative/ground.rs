//! What SMOTE's family stands on: the rows of real images in some space, and the lines that made rows lie on.

use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::Tensor;

use super::Scene;
use crate::domain::random::{Stage, stream};
use crate::domain::task::Ctx;
use crate::oversampling::checkpoint::fingerprint;
use crate::oversampling::rows::lines::{Line, Lines, along};
use crate::oversampling::rows::{Labelled, RowsError};
use crate::oversampling::{MethodError, device_lost};

/// Images encoded at a time.
const BATCH: usize = 128;
/// Deviation of what is added to the one code of a class with one image, as a share of the code's own deviation.
const ALONE: f64 = 0.1;

/// Rows of real images, and lines between them.
pub struct Ground {
    /// One row after the other.
    pub rows: Vec<f32>,
    pub features: usize,
    /// Position of each row in the training set.
    pub positions: Vec<usize>,
    /// None for a class with one image.
    pub lines: Option<Lines>,
}

/// A made row.
pub struct MadeRow {
    pub values: Vec<f32>,
    /// Position in the training set of the image it begins at, and of the one it goes towards.
    pub from: usize,
    pub to: Option<usize>,
    /// How far, in \[0, 1).
    pub u: f64,
}

/// The ground of the class that was asked for last: dear to make, and the same for every slot.
#[derive(Default)]
pub struct Memory(Mutex<Option<(String, Arc<Ground>)>>);

impl Memory {
    /// What is remembered of a class, or what `make` makes.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn of(
        &self,
        scene: &Scene<'_>,
        class: usize,
        make: impl FnOnce() -> Result<Ground, MethodError>,
    ) -> Result<Arc<Ground>, MethodError> {
        let wanted = format!("{class} of {}", fingerprint(scene.set));
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, ground)) = held.as_ref()
            && *of == wanted
        {
            return Ok(ground.clone());
        }
        let ground = Arc::new(make()?);
        *held = Some((wanted, ground.clone()));
        Ok(ground)
    }
}

/// An error about rows as a method's.
pub fn rows_error(error: RowsError) -> MethodError {
    match error {
        RowsError::Cancelled => MethodError::Cancelled,
        other => MethodError::Data(other.to_string()),
    }
}

/// Rows of the images at `positions`: `[batch, channels, side, side]` in \[-1, 1\] and their labels to `[batch, features]`.
///
/// # Errors
/// `Cancelled`, or the device's.
pub fn encoded(
    ctx: &Ctx,
    scene: &Scene<'_>,
    positions: &[usize],
    encode: impl Fn(Tensor<4>) -> Tensor<2>,
) -> Result<(Vec<f32>, usize), MethodError> {
    let device = scene.device.plain();
    let (mut rows, mut features) = (Vec::new(), 0);
    for chunk in positions.chunks(BATCH) {
        ctx.check()?;
        let codes = encode(scene.canvas.batch(scene.set, chunk, &device));
        features = codes.dims()[1];
        rows.extend(codes.try_into_vec_as::<f32>().map_err(|_| device_lost())?);
    }
    Ok((rows, features))
}

impl Ground {
    /// Plain SMOTE inside one class: the codes of its real images, and lines to the `k` nearest.
    ///
    /// # Errors
    /// A class without a real image, `Cancelled`, or the device's.
    pub fn of_class(
        ctx: &Ctx,
        scene: &Scene<'_>,
        class: usize,
        k: usize,
        encode: impl Fn(Tensor<4>) -> Tensor<2>,
    ) -> Result<Self, MethodError> {
        let positions = scene.set.originals_of_class(class);
        let (rows, features) = encoded(ctx, scene, &positions, encode)?;
        let classes = vec![class; positions.len()];
        let labelled = Labelled::new(&rows, features.max(1), &classes).map_err(rows_error)?;
        let lines = match Lines::plain(ctx, &labelled, class, k) {
            Ok(lines) => Some(lines),
            Err(RowsError::OneImage) => None,
            Err(error) => return Err(rows_error(error)),
        };
        Ok(Ground { rows, features, positions, lines })
    }

    /// One row for each key. A class with one image gets that image's row and a little noise.
    ///
    /// # Errors
    /// A mistake of the caller.
    pub fn make(&self, seed: u64, class: usize, keys: &[u64]) -> Result<Vec<MadeRow>, MethodError> {
        let Some(lines) = &self.lines else { return Ok(self.alone(seed, class, keys)) };
        let drawn: Vec<Line> = keys.iter().map(|&key| lines.draw(seed, class, key)).collect();
        let rows = along(&self.rows, self.features, &drawn).map_err(rows_error)?;
        let made = rows.chunks(self.features).zip(drawn).map(|(values, line)| MadeRow {
            values: values.to_vec(),
            from: self.positions[line.from],
            to: Some(self.positions[line.to]),
            u: line.u,
        });
        Ok(made.collect())
    }

    fn alone(&self, seed: u64, class: usize, keys: &[u64]) -> Vec<MadeRow> {
        let row = &self.rows[..self.features];
        let mean = row.iter().map(|v| f64::from(*v)).sum::<f64>() / row.len() as f64;
        let variance = row.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / row.len() as f64;
        let deviation = variance.sqrt() * ALONE;
        let made = keys.iter().map(|&key| {
            let mut draws = stream(seed, Stage::Latent, class as u64, key);
            let values = row.iter().map(|value| value + (draws.normal() * deviation) as f32).collect();
            MadeRow { values, from: self.positions[0], to: None, u: 0.0 }
        });
        made.collect()
    }
}
