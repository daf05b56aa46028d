//! How sure a figure is: intervals by resampling the test images and the seeds, and differences on the same
//! of both.
//!
//! A draw takes test images with replacement *within their class*, as many as the class has: the counts of a
//! test part are chosen by whoever cut it, and no class can vanish from a draw. It also takes seeds with
//! replacement, where there are several, so that an interval speaks of other images and of other starts. A
//! comparison takes the same images and the same seeds for both sides, so what makes an image hard, or a
//! start lucky, falls out of the difference.
//!
//! Intervals are the percentiles of the draws (Efron and Tibshirani 1993, chapter 13). Two or three seeds
//! show little of the spread between starts, so such an interval is rather too narrow; the sentences of a
//! comparison give the number.

use rayon::prelude::*;

use super::confusion::{Confusion, check_answers};
use super::{Figure, MetricsError};
use crate::domain::random::{Stage, stream};
use crate::domain::task::Ctx;

/// What the classifiers of one treatment said of the same test images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answers<'a> {
    /// For each seed the class that was said of each image. Two sides of a comparison have the same seeds in
    /// one order.
    pub said: &'a [&'a [usize]],
}

/// The test images that all answers are about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Truth<'a> {
    pub classes: usize,
    /// The class of each image.
    pub of_images: &'a [usize],
}

/// How many draws, how wide the interval, and from which stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// At least 1.
    pub draws: usize,
    /// Share of the draws inside the interval, in (0, 1).
    pub level: f64,
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { draws: 2000, level: 0.95, seed: 0 }
    }
}

/// A value and where it would lie with other test images and seeds.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Interval {
    /// Of the images and seeds as they are.
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// The intervals of [`Figure::ALL`], in that order; `None` for a figure that these test images do not have.
pub type Intervals = [Option<Interval>; Figure::ALL.len()];

type Row = [f64; Figure::ALL.len()];

/// Intervals of each figure's mean over the seeds.
///
/// # Errors
/// Answers that do not fit the images, no image, or a cancel.
pub fn intervals(
    ctx: &Ctx,
    truth: Truth<'_>,
    answers: Answers<'_>,
    settings: &Settings,
) -> Result<Intervals, MetricsError> {
    let draws = resample(ctx, truth, &[answers], settings)?;
    Ok(summed_up(&plain(truth, answers), draws.iter().map(|sides| sides[0]).collect(), settings.level))
}

/// Intervals of each figure's difference, `treatment - baseline`, in the mean over the seeds.
///
/// # Errors
/// As [`intervals`], and sides with different numbers of seeds.
pub fn differences(
    ctx: &Ctx,
    truth: Truth<'_>,
    treatment: Answers<'_>,
    baseline: Answers<'_>,
    settings: &Settings,
) -> Result<Intervals, MetricsError> {
    let (left, right) = (treatment.said.len(), baseline.said.len());
    if left != right {
        return Err(MetricsError::Unpaired { left, right });
    }
    let draws = resample(ctx, truth, &[treatment, baseline], settings)?;
    let minus = |a: Row, b: Row| -> Row { std::array::from_fn(|at| a[at] - b[at]) };
    let value = minus(plain(truth, treatment), plain(truth, baseline));
    Ok(summed_up(&value, draws.iter().map(|sides| minus(sides[0], sides[1])).collect(), settings.level))
}

/// The figures of one table; NaN where a figure has no value.
fn figures(confusion: &Confusion) -> Row {
    Figure::ALL.map(|figure| figure.of(confusion).unwrap_or(f64::NAN))
}

fn mean(rows: &[Row]) -> Row {
    std::array::from_fn(|at| rows.iter().map(|row| row[at]).sum::<f64>() / rows.len() as f64)
}

/// Figures of the images as they are, mean over the seeds. The answers were checked.
fn plain(truth: Truth<'_>, answers: Answers<'_>) -> Row {
    let rows: Vec<Row> = answers
        .said
        .iter()
        .map(|said| {
            let mut confusion = Confusion::empty(truth.classes);
            truth.of_images.iter().zip(*said).for_each(|(&truth, &said)| confusion.add(truth, said, 1));
            figures(&confusion)
        })
        .collect();
    mean(&rows)
}

/// For each draw and each side the figures, mean over the drawn seeds. Every draw has a stream of its own, so
/// the result does not depend on threads.
fn resample(
    ctx: &Ctx,
    truth: Truth<'_>,
    sides: &[Answers<'_>],
    settings: &Settings,
) -> Result<Vec<Vec<Row>>, MetricsError> {
    let images = truth.of_images.len();
    let seeds = sides.first().map_or(0, |side| side.said.len());
    if images == 0 || seeds == 0 {
        return Err(MetricsError::NoImages);
    }
    for said in sides.iter().flat_map(|side| side.said) {
        check_answers(truth.classes, truth.of_images, said)?;
    }
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); truth.classes];
    for (image, &class) in truth.of_images.iter().enumerate() {
        members[class].push(image);
    }
    (0..settings.draws.max(1))
        .into_par_iter()
        .map_init(Vec::new, |times: &mut Vec<u64>, draw| {
            ctx.check()?;
            let mut draws = stream(settings.seed, Stage::Bootstrap, 0, draw as u64);
            let mut of_seed = vec![0_usize; seeds];
            (0..seeds).for_each(|_| of_seed[draws.below(seeds)] += 1);
            times.clear();
            times.resize(images, 0);
            for class in &members {
                for _ in class {
                    times[class[draws.below(class.len())]] += 1;
                }
            }
            let of_side = |side: &Answers<'_>| {
                let mut rows = Vec::with_capacity(seeds);
                for (said, &count) in side.said.iter().zip(&of_seed).filter(|(_, count)| **count > 0) {
                    let mut confusion = Confusion::empty(truth.classes);
                    for ((&truth, &said), &times) in truth.of_images.iter().zip(*said).zip(times.iter()) {
                        confusion.add(truth, said, times);
                    }
                    let row = figures(&confusion);
                    rows.extend(std::iter::repeat_n(row, count));
                }
                mean(&rows)
            };
            Ok(sides.iter().map(of_side).collect::<Vec<Row>>())
        })
        .collect::<Result<Vec<Vec<Row>>, MetricsError>>()
}

fn summed_up(value: &Row, draws: Vec<Row>, level: f64) -> Intervals {
    std::array::from_fn(|at| {
        if value[at].is_nan() {
            return None;
        }
        let mut column: Vec<f64> = draws.iter().map(|row| row[at]).collect();
        column.sort_by(f64::total_cmp);
        let outside = (1.0 - level.clamp(0.0, 1.0)) / 2.0;
        Some(Interval {
            value: value[at],
            low: quantile(&column, outside),
            high: quantile(&column, 1.0 - outside),
        })
    })
}

/// The quantile of sorted values, linear between two of them; there is at least one.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}
