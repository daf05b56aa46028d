//! How far the made images of a class are from real ones, in features of the judge: said after a class was made.
//!
//! Features are standardised on the real training images of all classes, every figure has its N and the same figure between real
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

/// The judge's features on one scale: that of the real training images of all classes.
pub(super) struct Scale(Option<Standardisation>);

/// Features of pictures; `None` where the method has no judge.
fn rows(model: &dyn Model, pictures: &[Picture]) -> Result<Option<FeatureRows>, JobError> {
    let Some((values, features)) = model.features(pictures).map_err(method_error)? else { return Ok(None) };
    Ok(FeatureRows::from_f32(&values, pictures.len(), features).ok())
}

/// At most [`MOST`] of the pictures at `positions`, evenly spread.
fn pictures(training: &TrainingSet, positions: &[usize]) -> Vec<Picture> {
    let stride = positions.len().div_ceil(MOST).max(1);
    positions.iter().step_by(stride).map(|&position| training.picture(position)).collect()
}

impl Scale {
    /// # Errors
    /// The device's.
    pub fn of(model: &dyn Model, training: &TrainingSet) -> Result<Self, JobError> {
        let real: Vec<usize> = (0..training.len()).filter(|&position| !training.made[position]).collect();
        let rows = rows(model, &pictures(training, &real))?;
        Ok(Scale(rows.and_then(|rows| Standardisation::of(&rows).ok())))
    }

    /// Figures of made pictures of a class; `None` where the method has no judge, or there are too few images of a
    /// side.
    ///
    /// # Errors
    /// The device's, or `Cancelled`.
    pub fn figures(
        &self,
        ctx: &Ctx,
        model: &dyn Model,
        training: &TrainingSet,
        class: usize,
        made: &[Picture],
        seed: u64,
    ) -> Result<Option<ClassDistances>, JobError> {
        let Some(law) = &self.0 else { return Ok(None) };
        let real = pictures(training, &training.originals_of_class(class));
        let (Some(real), Some(made)) = (rows(model, &real)?, rows(model, made)?) else { return Ok(None) };
        ctx.check().map_err(|_| JobError::Cancelled)?;
        let (Ok(real), Ok(made)) = (law.apply(&real), law.apply(&made)) else { return Ok(None) };
        // Its progress is none of the person's business.
        let quiet = Ctx::default();
        let settings = Settings { draws: DRAWS, seed, ..Settings::default() };
        let Ok(distances) = compare(&quiet, &real, &made, &settings) else { return Ok(None) };
        let class = training.classes.get(class).cloned().unwrap_or_default();
        Ok(Some(ClassDistances { class, distances }))
    }
}
