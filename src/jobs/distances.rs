//! How far the made images of a class are from real ones, in features of the judge: said after a class was made.
//!
//! Features are standardised on the real training images, every figure has its N and the same figure between real
//! images beside it. The judge learnt from the real images, so figures of two runs compare only under one judge.

use serde_json::{Value, json};

use super::JobError;
use super::train::method_error;
use crate::domain::task::Ctx;
use crate::evaluation::distance::{Distance, FeatureRows, Measure, Settings, Standardisation, compare};
use crate::imaging::picture::Picture;
use crate::imaging::training_set::TrainingSet;
use crate::oversampling::Model;

/// Images of a side that enter, at most.
pub(super) const MOST: usize = 1000;
/// Times that images are drawn anew.
const DRAWS: usize = 4;

/// The figures of one class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassDistances {
    pub class: String,
    pub distances: Vec<Distance>,
}

impl ClassDistances {
    /// For the command line: each figure by name with its spread, its floor and its N.
    pub fn json(&self) -> Value {
        let of = |d: &Distance| json!({ "name": d.measure.name(), "value": d.value, "sd": d.sd, "floor": d.floor, "n": d.n_real });
        json!({ "name": self.class, "distances": self.distances.iter().map(of).collect::<Vec<_>>() })
    }

    /// The one figure that small classes allow, in a sentence.
    pub fn sentence(&self) -> Option<String> {
        let kernel = self.distances.iter().find(|d| d.measure == Measure::Kernel)?;
        let floor = kernel.floor.map_or_else(
            || "too few real images to say what real images have".to_owned(),
            |floor| format!("real images among themselves {floor:.3}"),
        );
        Some(format!(
            "{}: {} {:.3} between made and real images, {floor}, {} of each",
            self.class,
            kernel.measure.name(),
            kernel.value,
            kernel.n_real
        ))
    }
}

/// Figures of made pictures of a class; `None` where the method has no judge, or there are too few images of a side.
///
/// # Errors
/// The device's, or `Cancelled`.
pub(super) fn of_class(
    ctx: &Ctx,
    model: &dyn Model,
    training: &TrainingSet,
    class: usize,
    made: &[Picture],
    seed: u64,
) -> Result<Option<ClassDistances>, JobError> {
    let mut positions = training.originals_of_class(class);
    let stride = positions.len().div_ceil(MOST).max(1);
    positions = positions.into_iter().step_by(stride).collect();
    let real: Vec<Picture> = positions.into_iter().map(|position| training.picture(position)).collect();
    let rows = |pictures: &[Picture]| -> Result<Option<FeatureRows>, JobError> {
        let Some((values, features)) = model.features(pictures).map_err(method_error)? else {
            return Ok(None);
        };
        Ok(FeatureRows::from_f32(&values, pictures.len(), features).ok())
    };
    let (Some(real), Some(made)) = (rows(&real)?, rows(made)?) else { return Ok(None) };
    ctx.check().map_err(|_| JobError::Cancelled)?;
    let Ok(law) = Standardisation::of(&real) else { return Ok(None) };
    let (Ok(real), Ok(made)) = (law.apply(&real), law.apply(&made)) else { return Ok(None) };
    // Its progress is none of the person's business.
    let quiet = Ctx::default();
    let settings = Settings { draws: DRAWS, seed, ..Settings::default() };
    let Ok(distances) = compare(&quiet, &real, &made, &settings) else { return Ok(None) };
    let class = training.classes.get(class).cloned().unwrap_or_default();
    Ok(Some(ClassDistances { class, distances }))
}
