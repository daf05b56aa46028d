//! What a run keeps of the quality of a class: the distances in features, what the judge takes its images for, and
//! figures over pixels.
//!
//! Diversity and the distance to the nearest training image need no judge, so every method has them; near copies are
//! looked for where images are synthetic. Beside what only images that nobody learnt from can say stand those of the
//! validation part; where a class has none there, its training images stand in, and the figure says so.

use super::JobError;
use super::distances::{ClassDistances, pictures};
use super::train::method_error;
use crate::domain::samples::Dataset;
use crate::domain::splits::Split;
use crate::domain::task::Ctx;
use crate::evaluation::distance::FeatureRows;
use crate::evaluation::distance::manifold::{DIVERSITY_PAIRS, diversity};
use crate::imaging::neighbours::{ClassNeighbours, Nearest, Usual};
use crate::imaging::picture::Picture;
use crate::imaging::training_set::{HeldOut, Spec, TrainingSet};
use crate::oversampling::{Judged, Model};
use crate::project::quality::{
    ClassQuality, DIVERSITY, JUDGE_ACCURACY, JUDGE_HELD_OUT, JUDGE_LEARNT, NEAR_COPIES, NEAREST,
    NEAREST_CLOSEST, PIXELS, PIXELS_HELD_OUT, PIXELS_LEFT_OUT, QualityFigure,
};

/// Images of a side whose diversity is taken, at most: over a thousand pairs say enough.
const VARIED: usize = 48;

/// The images made of a class.
pub(super) struct MadeOfClass<'a> {
    /// Those that the distances are of: the first ones.
    pub pictures: &'a [Picture],
    /// All of them.
    pub count: usize,
    /// What the judge says of all that were made, also of those that were made anew for their slot.
    pub judged: Judged,
    /// The real training images of the class.
    pub neighbours: &'a ClassNeighbours,
    /// What is usual between these; `None` for fewer than two.
    pub usual: Option<Usual>,
    /// How many may be copies, and of how many; `None` where that was not looked for.
    pub near_copies: Option<(usize, usize)>,
}

/// Real images that made ones are held against.
pub(super) struct Real<'a> {
    pub training: &'a TrainingSet,
    /// Images that nobody learnt from.
    pub validation: Option<&'a HeldOut>,
}

/// The validation part, which figures alone see; `None` without one. What cannot be decoded is left out.
///
/// # Errors
/// Cancelled, or memory is short.
pub(super) fn validation(ctx: &Ctx, dataset: &Dataset, spec: &Spec) -> Result<Option<HeldOut>, JobError> {
    if dataset.counts(Split::Validation).iter().sum::<usize>() == 0 {
        return Ok(None);
    }
    Ok(Some(HeldOut::load_readable(ctx, dataset, Split::Validation, spec)?.0))
}

fn count(images: usize) -> u32 {
    u32::try_from(images).unwrap_or(u32::MAX)
}

fn share(some: usize, of: usize) -> Option<f64> {
    (of > 0).then(|| some as f64 / of as f64)
}

/// At most [`VARIED`] of some items, evenly spread.
fn spread<T>(items: &[T]) -> impl Iterator<Item = &T> {
    items.iter().step_by(items.len().div_ceil(VARIED).max(1))
}

/// Pictures as rows of pixels; `None` for none.
fn rows(pictures: impl Iterator<Item = Picture>) -> Option<FeatureRows> {
    let pixels: Vec<Vec<f32>> = pictures.map(|picture| picture.to_f32()).collect();
    let width = pixels.first()?.len();
    FeatureRows::from_f32(&pixels.concat(), pixels.len(), width).ok()
}

/// The distances as they are kept. A value that is no number is left out.
fn kept(distances: &ClassDistances) -> impl Iterator<Item = QualityFigure> {
    let number = |value: &f64| value.is_finite();
    distances.distances.iter().filter(|distance| distance.value.is_finite()).map(move |distance| {
        QualityFigure {
            features: distances.features.name().to_owned(),
            name: distances.features.figure(distance.measure).to_owned(),
            value: distance.value,
            sd: distance.sd.filter(number),
            floor: distance.floor.filter(number),
            n_real: count(distance.n_real),
            n_made: count(distance.n_made),
        }
    })
}

/// Diversity over pixels. Between real images it is 1, whatever their number: a mean over pairs has no bias.
fn varied(training: &TrainingSet, real: &[usize], made: &[Picture], seed: u64) -> Option<QualityFigure> {
    let real = rows(spread(real).map(|&position| training.picture(position)))?;
    let made = rows(spread(made).cloned())?;
    let found = diversity(&Ctx::default(), &real, &made, DIVERSITY_PAIRS, seed).ok()?;
    Some(QualityFigure {
        features: PIXELS.to_owned(),
        name: DIVERSITY.to_owned(),
        value: found.ratio,
        sd: None,
        floor: Some(1.0),
        n_real: count(real.rows()),
        n_made: count(made.rows()),
    })
}

/// Share of near copies, beside the share of real images that are near another one.
fn copied(made: &MadeOfClass<'_>) -> Option<QualityFigure> {
    let ((copies, of), usual) = made.near_copies.zip(made.usual)?;
    Some(QualityFigure {
        features: PIXELS.to_owned(),
        name: NEAR_COPIES.to_owned(),
        value: share(copies, of)?,
        sd: None,
        floor: share(usual.near_copies, usual.images),
        n_real: count(usual.images),
        n_made: count(of),
    })
}

/// Share of all made images that the judge takes for their class, beside its recall on real ones: those of the
/// validation part in `held`, or what it learnt from.
fn told(
    model: &dyn Model,
    training: &TrainingSet,
    class: usize,
    held: &[Picture],
    judged: Judged,
) -> Result<Option<QualityFigure>, JobError> {
    let Some(value) = share(judged.right, judged.of) else { return Ok(None) };
    let learnt;
    let (features, real) = if held.is_empty() {
        learnt = pictures(training, &training.originals_of_class(class));
        (JUDGE_LEARNT, learnt.as_slice())
    } else {
        (JUDGE_HELD_OUT, held)
    };
    let said = model.judged(real).map_err(method_error)?.unwrap_or_default();
    let found = said.iter().filter(|said| **said == class).count();
    Ok(Some(QualityFigure {
        features: features.to_owned(),
        name: JUDGE_ACCURACY.to_owned(),
        value,
        sd: None,
        floor: share(found, said.len()),
        n_real: count(said.len()),
        n_made: count(judged.of),
    }))
}

/// How far made images are from the nearest training image, beside real ones: those of the validation part in `held`,
/// or each training image without itself.
fn nearest(made: &MadeOfClass<'_>, held: &[Picture]) -> Vec<QualityFigure> {
    let found = |pictures: &[Picture]| Nearest::of(&made.neighbours.distances(pictures));
    let Some(of_made) = found(made.pictures) else { return Vec::new() };
    let (features, real) = match found(held) {
        Some(real) => (PIXELS_HELD_OUT, Some(real)),
        None => (PIXELS_LEFT_OUT, made.usual.map(Nearest::from)),
    };
    let figure = |name: &str, of: fn(&Nearest) -> f64| QualityFigure {
        features: features.to_owned(),
        name: name.to_owned(),
        value: of(&of_made),
        sd: None,
        floor: real.as_ref().map(of),
        n_real: real.map_or(0, |real| count(real.images)),
        n_made: count(of_made.images),
    };
    vec![figure(NEAREST, |of| of.median), figure(NEAREST_CLOSEST, |of| of.closest_percent)]
}

/// What is kept of a class. There are no `distances` where there were too few images of a side, or no judge.
///
/// # Errors
/// The device's.
pub(super) fn of_class(
    model: &dyn Model,
    real: &Real<'_>,
    class: usize,
    made: &MadeOfClass<'_>,
    distances: &[ClassDistances],
    seed: u64,
) -> Result<ClassQuality, JobError> {
    let training = real.training;
    let originals = training.originals_of_class(class);
    let held = real.validation.map_or_else(Vec::new, |held| pictures(held, &held.of_class(class)));
    let mut figures: Vec<QualityFigure> = distances.iter().flat_map(kept).collect();
    figures.extend(varied(training, &originals, made.pictures, seed));
    figures.extend(copied(made));
    figures.extend(told(model, training, class, &held, made.judged)?);
    figures.extend(nearest(made, &held));
    Ok(ClassQuality {
        class: training.classes.get(class).cloned().unwrap_or_default(),
        made: count(made.count),
        real: count(originals.len()),
        figures,
    })
}
