//! What a run keeps of the quality of a class: the distances in features, and two figures over pixels.
//!
//! Diversity needs no judge, so every method has it; near copies are looked for where images are synthetic.

use super::distances::ClassDistances;
use crate::domain::task::Ctx;
use crate::evaluation::distance::FeatureRows;
use crate::evaluation::distance::manifold::{DIVERSITY_PAIRS, diversity};
use crate::imaging::neighbours::Usual;
use crate::imaging::picture::Picture;
use crate::imaging::training_set::TrainingSet;
use crate::project::quality::{ClassQuality, DIVERSITY, NEAR_COPIES, PIXELS, QualityFigure};

/// Images of a side whose diversity is taken, at most: over a thousand pairs say enough.
const VARIED: usize = 48;

/// The images made of a class.
pub(super) struct MadeOfClass<'a> {
    /// Those that the distances are of: the first ones.
    pub pictures: &'a [Picture],
    /// All of them.
    pub count: usize,
    /// How many may be copies, beside what is usual; `None` where that was not looked for.
    pub near_copies: Option<(usize, Usual)>,
}

fn count(images: usize) -> u32 {
    u32::try_from(images).unwrap_or(u32::MAX)
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
    let (copies, usual) = made.near_copies?;
    let share = |some: usize, of: usize| (of > 0).then(|| some as f64 / of as f64);
    Some(QualityFigure {
        features: PIXELS.to_owned(),
        name: NEAR_COPIES.to_owned(),
        value: share(copies, made.count)?,
        sd: None,
        floor: share(usual.near_copies, usual.images),
        n_real: count(usual.images),
        n_made: count(made.count),
    })
}

/// What is kept of a class. There are no `distances` where there were too few images of a side, or no judge.
pub(super) fn of_class(
    training: &TrainingSet,
    class: usize,
    made: &MadeOfClass<'_>,
    distances: &[ClassDistances],
    seed: u64,
) -> ClassQuality {
    let real = training.originals_of_class(class);
    let mut figures: Vec<QualityFigure> = distances.iter().flat_map(kept).collect();
    figures.extend(varied(training, &real, made.pictures, seed));
    figures.extend(copied(made));
    ClassQuality {
        class: training.classes.get(class).cloned().unwrap_or_default(),
        made: count(made.count),
        real: count(real.len()),
        figures,
    }
}
