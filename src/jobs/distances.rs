//! How far the made images of a class are from real ones, said after a class was made: in features of the judge, and in
//! those of MobileNet where the person has a weights file of it.
//!
//! The judge's features are standardised on the real training images of all classes, MobileNet's are as they are. Every
//! figure has its N and the same figure between real images beside it. The judge learnt from these very images, so that
//! in its features real images that it never saw lie above that, too, and figures of two runs compare only under one
//! judge; MobileNet's compare under one weights file.

use std::path::Path;

use serde_json::{Value, json};

use super::JobError;
use super::train::method_error;
use crate::domain::numbers::figure;
use crate::domain::task::{Ctx, Level};
use crate::evaluation::distance::{
    Distance, FRECHET_ROWS, FeatureRows, LEAST_ROWS, Measure, Settings, Standardisation, compare,
};
use crate::evaluation::features::{FeatureSpace, FeaturesError, MobileNetFeatures, read_weights};
use crate::evaluation::treatments::MEASURED;
use crate::imaging::picture::Picture;
use crate::imaging::training_set::{ImageSet, TrainingSet};
use crate::nn::mobilenet::MobileNetWeights;
use crate::oversampling::{COLLAPSED, Model};
use crate::project::QualityFigure;

/// Images of a side that enter, at most.
pub(super) const MOST: usize = MEASURED;
/// Times that images are drawn anew.
const DRAWS: usize = 4;

/// The figures of one class on one kind of features.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassDistances {
    pub class: String,
    pub features: FeatureSpace,
    pub distances: Vec<Distance>,
}

impl ClassDistances {
    /// For the command line: what the features are of, and each figure by name with its spread, its floor and its N.
    pub fn json(&self) -> Value {
        let of = |d: &Distance| {
            let name = self.features.figure(d.measure);
            json!({
                "name": name,
                "value": d.value,
                "sd": d.sd,
                "floor": d.floor,
                "n": d.n_real,
                "says_little": d.measures_sample_size(),
            })
        };
        json!({
            "name": self.class,
            "features": self.features.name(),
            "distances": self.distances.iter().map(of).collect::<Vec<_>>(),
        })
    }

    /// See [`unlike`].
    pub fn warning(&self) -> Option<String> {
        let value = |measure| self.distances.iter().find(|d| d.measure == measure).map(|d| d.value);
        unlike(&self.class, value(Measure::Coverage)?, value(Measure::NearestNeighbour)?)
    }

    /// The one figure that small classes allow, in a sentence, with what no maker of images can reach.
    pub fn sentence(&self) -> Option<String> {
        let kernel = self.distances.iter().find(|d| d.measure == Measure::Kernel)?;
        // Features that are not standardised give smaller numbers.
        let decimals = match self.features {
            FeatureSpace::Judge => 3,
            FeatureSpace::MobileNet => 5,
        };
        let floor = kernel.floor.map_or_else(
            || "too few real images to say what real images have".to_owned(),
            |floor| format!("real images among themselves {}", figure(floor, decimals)),
        );
        let learnt = match (self.features, kernel.floor) {
            (FeatureSpace::Judge, Some(_)) => {
                "; the judge learnt from these real images, so that fresh ones would lie above that, too"
            }
            _ => "",
        };
        Some(format!(
            "{}: {} {} between made and real images, {floor}, {} of each{learnt}",
            self.class,
            self.features.figure(kernel.measure),
            figure(kernel.value, decimals),
            kernel.n_real
        ))
    }
}

/// Coverage under which next to no real image has a made one beside it; half of the real images beside the other half
/// have about 0.9.
const UNCOVERED: f64 = 0.1;
/// Share that the nearest neighbour tells apart from which made images are as good as labelled; 0.5 is chance.
const TOLD_APART: f64 = 0.95;

/// Why the images made of a class should not be exported unseen, a sentence without its stop: by these figures they are
/// not like the class, whatever a judge says of each. It knows real images alone, and may take noise for one of its
/// classes.
pub fn unlike(class: &str, coverage: f64, nearest: f64) -> Option<String> {
    (coverage < UNCOVERED && nearest > TOLD_APART).then(|| {
        format!(
            "The images made of {class} are not like the class: next to none of its real images has one beside it \
             (coverage {coverage:.2}), and the nearest neighbour tells made from real in {:.0} % of the cases. Look at \
             them before an export; train longer, or take another method",
            nearest * 100.0
        )
    })
}

/// Why the images made of a class are of little use to a classifier, a sentence without its stop: by their diversity
/// they are nearly the same image.
pub fn collapsed(class: &str, diversity: f64) -> Option<String> {
    (diversity < COLLAPSED).then(|| {
        format!(
            "The images made of {class} are hardly different from each other (diversity {diversity:.2}, real images 1): \
             the generator has collapsed. Train it anew with balanced batches or a lower learning rate, or take \
             another method"
        )
    })
}

/// Why there are no distances of a class, a sentence without its stop; `None` where there are enough images.
pub(super) fn too_few(class: &str, real: usize, made: usize) -> Option<String> {
    (real.min(made) < LEAST_ROWS).then(|| {
        format!(
            "{class}: too few images to say how far made ones are from real ones, {real} real and {made} made; \
             {LEAST_ROWS} of each are needed"
        )
    })
}

/// True for a Fréchet distance that was kept and says more about the size of the sample than about the images:
/// [`Distance::measures_sample_size`].
pub fn says_little(figure: &QualityFigure) -> bool {
    let is_frechet = FeatureSpace::ALL.iter().any(|space| space.figure(Measure::Frechet) == figure.name);
    is_frechet && (figure.n_real.min(figure.n_made) as usize) < FRECHET_ROWS
}

/// Refuses a weights file that a run would refuse, before the work that goes first.
///
/// # Errors
/// No such file, or one that is not MobileNet's.
pub fn check_features(path: &Path) -> Result<(), JobError> {
    weights(path).map(drop)
}

/// MobileNet's weights from the person's file.
pub(super) fn weights(path: &Path) -> Result<MobileNetWeights, JobError> {
    read_weights(path).map_err(features_error)
}

fn features_error(error: FeaturesError) -> JobError {
    let text = error.to_string();
    match error {
        FeaturesError::Cancelled => JobError::Cancelled,
        FeaturesError::Device => JobError::Resource(text),
        FeaturesError::Missing(_)
        | FeaturesError::Unreadable { .. }
        | FeaturesError::Refused { .. }
        | FeaturesError::Rows(_) => JobError::Input(text),
    }
}

/// At most [`MOST`] of the pictures at `positions`, evenly spread.
pub(super) fn pictures(set: &ImageSet, positions: &[usize]) -> Vec<Picture> {
    let stride = positions.len().div_ceil(MOST).max(1);
    positions.iter().step_by(stride).map(|&position| set.picture(position)).collect()
}

/// The judge's features of pictures; `None` where the method has no judge.
fn judged(model: &dyn Model, pictures: &[Picture]) -> Result<Option<FeatureRows>, JobError> {
    let Some((values, features)) = model.features(pictures).map_err(method_error)? else { return Ok(None) };
    Ok(FeatureRows::from_f32(&values, pictures.len(), features).ok())
}

/// The scale of the judge's features: that of the real training images of all classes. `None` without a judge.
///
/// # Errors
/// The device's.
pub(super) fn scale(model: &dyn Model, training: &TrainingSet) -> Result<Option<Standardisation>, JobError> {
    let rows = judged(model, &pictures(training, &training.originals()))?;
    Ok(rows.and_then(|rows| Standardisation::of(&rows).ok()))
}

/// The features that a run's images are measured on.
pub(super) struct Spaces<'a> {
    model: &'a dyn Model,
    training: &'a TrainingSet,
    /// As [`scale`] has it.
    scale: Option<Standardisation>,
    mobilenet: Option<&'a MobileNetFeatures>,
}

impl<'a> Spaces<'a> {
    /// # Errors
    /// The device's.
    pub fn new(
        model: &'a dyn Model,
        training: &'a TrainingSet,
        mobilenet: Option<&'a MobileNetFeatures>,
    ) -> Result<Self, JobError> {
        Ok(Spaces { model, training, scale: scale(model, training)?, mobilenet })
    }

    /// On the judge's features alone, whose scale is known.
    pub fn scaled(model: &'a dyn Model, training: &'a TrainingSet, scale: Option<Standardisation>) -> Self {
        Spaces { model, training, scale, mobilenet: None }
    }

    /// Figures of made pictures of a class on each kind of features that there is; none where there are too few images
    /// of a side.
    ///
    /// # Errors
    /// The device's, or `Cancelled`.
    pub fn figures(
        &self,
        ctx: &Ctx,
        class: usize,
        made: &[Picture],
        seed: u64,
    ) -> Result<Vec<ClassDistances>, JobError> {
        let real = pictures(self.training, &self.training.originals_of_class(class));
        let mut found = Vec::new();
        if real.len().min(made.len()) < LEAST_ROWS {
            return Ok(found);
        }
        let settings = Settings { draws: DRAWS, seed, ..Settings::default() };
        for features in FeatureSpace::ALL {
            let Some((real, made)) = self.rows(ctx, features, &real, made)? else { continue };
            ctx.check()?;
            // Its progress is none of the person's business.
            let quiet = Ctx::default();
            let Ok(distances) = compare(&quiet, &real, &made, &settings) else { continue };
            let class = self.training.classes.get(class).cloned().unwrap_or_default();
            found.push(ClassDistances { class, features, distances });
        }
        Ok(found)
    }

    /// Rows of real and of made pictures; `None` where nothing gives such features.
    fn rows(
        &self,
        ctx: &Ctx,
        features: FeatureSpace,
        real: &[Picture],
        made: &[Picture],
    ) -> Result<Option<(FeatureRows, FeatureRows)>, JobError> {
        match features {
            FeatureSpace::Judge => {
                let Some(scale) = &self.scale else { return Ok(None) };
                let (real, made) = (judged(self.model, real)?, judged(self.model, made)?);
                let scaled = |rows: Option<FeatureRows>| rows.and_then(|rows| scale.apply(&rows).ok());
                Ok(scaled(real).zip(scaled(made)))
            }
            FeatureSpace::MobileNet => {
                let Some(network) = self.mobilenet else { return Ok(None) };
                let rows = |pictures: &[Picture]| match network.rows(ctx, pictures) {
                    // A figure that is missing is no reason to lose a run.
                    Err(error @ FeaturesError::Rows(_)) => {
                        ctx.note(Level::Warning, format!("no figures on MobileNet: {error}"));
                        Ok(None)
                    }
                    found => found.map(Some).map_err(features_error),
                };
                Ok(rows(real)?.zip(rows(made)?))
            }
        }
    }
}
