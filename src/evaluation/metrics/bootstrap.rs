//! How sure a figure is: intervals by resampling the test images, widened by the spread between seeds, and
//! differences on the same of both.
//!
//! A draw takes test images with replacement *within their class*, as many as the class has: the counts of a
//! test part are chosen by whoever cut it, and no class can vanish from a draw. Images that belong together (a
//! patient's, or copies of one) are drawn together, because ten slices of one patient are not ten patients. A
//! comparison takes the same images and the same seeds for both sides, so what makes an image hard, or a start
//! lucky, falls out of the difference.
//!
//! The images' part of an interval is the percentiles of the draws (Efron and Tibshirani 1993, chapter 13). Seeds
//! are too few to be resampled: of three draws of three seeds one in 27 takes the same seed each time, and the
//! percentiles end at the poorest seed. Their part is the interval of a mean by Student's law. The two lie on each
//! other as independent errors do, each side by itself (Zou and Donner, Stat. Med. 27, 2008: the limits of a sum
//! from the limits of its terms). With one seed there is no such part; the sentences of a comparison say so.
//!
//! Percentiles say nothing of what was never seen: where both images of a class turned from wrong to right, every
//! draw has it so. An interval of a difference therefore leaves zero out only where exchanging the two sides at
//! random, unit by unit, rarely gives as large a difference (a paired randomisation test: Noreen, *Computer-Intensive
//! Methods for Testing Hypotheses*, 1989); else it is brought up to zero.
//!
//! What follows from a confusion table is drawn again. Figures of probabilities, as the areas under curves, would need
//! those of every image in each draw, and have no interval.

use std::collections::HashMap;

use rayon::prelude::*;

use super::confusion::{Confusion, check_answers};
use super::student::half_width;
use super::{Figure, MetricsError, Spread};
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
    /// A number for each image: those that share one are drawn together. Empty where each stands by itself.
    pub units: &'a [usize],
}

impl Truth<'_> {
    /// The unit of an image.
    fn unit(&self, image: usize) -> usize {
        self.units.get(image).copied().unwrap_or(image)
    }

    /// The units of each class with their images, in the order of their first.
    fn drawn_together(&self) -> Vec<Vec<Vec<usize>>> {
        let mut classes: Vec<Vec<Vec<usize>>> = vec![Vec::new(); self.classes];
        let mut places: HashMap<(usize, usize), usize> = HashMap::new();
        for (image, &class) in self.of_images.iter().enumerate() {
            let place = *places.entry((class, self.unit(image))).or_insert(classes[class].len());
            match classes[class].get_mut(place) {
                Some(images) => images.push(image),
                None => classes[class].push(vec![image]),
            }
        }
        classes
    }

    /// Answers for each image, of a class each, and a unit for each or for none.
    fn check(&self, sides: &[Answers<'_>]) -> Result<(), MetricsError> {
        let images = self.of_images.len();
        if images == 0 || sides.iter().any(|side| side.said.is_empty()) {
            return Err(MetricsError::NoImages);
        }
        if !self.units.is_empty() && self.units.len() != images {
            return Err(MetricsError::Length { images, answers: self.units.len() });
        }
        sides
            .iter()
            .flat_map(|side| side.said)
            .try_for_each(|said| check_answers(self.classes, self.of_images, said))
    }
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

/// Intervals of what follows from a confusion table; `None` for what these test images do not have.
#[derive(Clone, Debug, PartialEq)]
pub struct Intervals {
    /// In the order of [`Figure::ALL`].
    pub figures: [Option<Interval>; Figure::ALL.len()],
    /// Of the recall of each class, in class order.
    pub recalls: Vec<Option<Interval>>,
}

impl Intervals {
    /// Of values as a [`Row`] has them.
    fn of(row: &[Option<Interval>]) -> Self {
        let (figures, recalls) = row.split_at(Figure::ALL.len());
        Intervals { figures: std::array::from_fn(|at| figures[at]), recalls: recalls.to_vec() }
    }

    /// That of ACSA, which comparisons are decided by.
    pub fn acsa(&self) -> Option<Interval> {
        self.figures[0]
    }
}

/// The figures in the order of [`Figure::ALL`], then the recall of each class; NaN where there is no value.
type Row = Vec<f64>;

/// The least value of an entry of a row; the highest is 1.
fn least(at: usize) -> f64 {
    Figure::ALL.get(at).map_or(0.0, |figure| figure.least())
}

/// Intervals of each figure's mean over the seeds, within what it can be.
///
/// # Errors
/// Answers or units that do not fit the images, no image, or a cancel.
pub fn intervals(
    ctx: &Ctx,
    truth: Truth<'_>,
    answers: Answers<'_>,
    settings: &Settings,
) -> Result<Intervals, MetricsError> {
    truth.check(&[answers])?;
    let draws = resample(ctx, truth, &[answers], settings)?;
    let draws: Vec<Row> = draws.into_iter().flatten().collect();
    let limits = |at: usize| (least(at), 1.0);
    Ok(Intervals::of(&summed_up(&of_seeds(truth, answers), &draws, settings.level, limits)))
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
    let sides = [treatment, baseline];
    truth.check(&sides)?;
    let draws = resample(ctx, truth, &sides, settings)?;
    let draws: Vec<Row> = draws.iter().map(|sides| minus(&sides[0], &sides[1])).collect();
    let of_seeds: Vec<Row> = of_seeds(truth, treatment)
        .into_iter()
        .zip(of_seeds(truth, baseline))
        .map(|(treatment, baseline)| minus(&treatment, &baseline))
        .collect();
    let limits = |at: usize| (least(at) - 1.0, 1.0 - least(at));
    let mut found = summed_up(&of_seeds, &draws, settings.level, limits);
    let chances = exchanged(ctx, truth, treatment, baseline, &mean(&of_seeds), settings)?;
    for (interval, chance) in found.iter_mut().zip(chances) {
        if let Some(interval) = interval.as_mut().filter(|_| chance > 1.0 - settings.level) {
            (interval.low, interval.high) = (interval.low.min(0.0), interval.high.max(0.0));
        }
    }
    Ok(Intervals::of(&found))
}

fn minus(a: &[f64], b: &[f64]) -> Row {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// The figures of one table.
fn figures(confusion: &Confusion) -> Row {
    let all = Figure::ALL.iter().map(|figure| figure.of(confusion));
    all.chain(confusion.recalls()).map(|value| value.unwrap_or(f64::NAN)).collect()
}

/// Of one row at least.
fn mean(rows: &[Row]) -> Row {
    let over = |at: usize| rows.iter().map(|row| row[at]).sum::<f64>() / rows.len() as f64;
    (0..rows[0].len()).map(over).collect()
}

/// Figures of the images as they are, for each seed. The answers were checked.
fn of_seeds(truth: Truth<'_>, answers: Answers<'_>) -> Vec<Row> {
    let of_seed = |said: &&[usize]| {
        let mut confusion = Confusion::empty(truth.classes);
        truth.of_images.iter().zip(*said).for_each(|(&truth, &said)| confusion.add(truth, said, 1));
        figures(&confusion)
    };
    answers.said.iter().map(of_seed).collect()
}

/// For each draw of images and each side the figures, mean over the seeds. Every draw has a stream of its own, so
/// the result does not depend on threads.
fn resample(
    ctx: &Ctx,
    truth: Truth<'_>,
    sides: &[Answers<'_>],
    settings: &Settings,
) -> Result<Vec<Vec<Row>>, MetricsError> {
    let classes = truth.drawn_together();
    (0..settings.draws.max(1))
        .into_par_iter()
        .map_init(Vec::new, |times: &mut Vec<u64>, draw| {
            ctx.check()?;
            let mut draws = stream(settings.seed, Stage::Bootstrap, 0, draw as u64);
            times.clear();
            times.resize(truth.of_images.len(), 0);
            for units in &classes {
                for _ in units {
                    units[draws.below(units.len())].iter().for_each(|&image| times[image] += 1);
                }
            }
            let of_seed = |said: &&[usize]| {
                let mut confusion = Confusion::empty(truth.classes);
                for ((&truth, &said), &times) in truth.of_images.iter().zip(*said).zip(times.iter()) {
                    confusion.add(truth, said, times);
                }
                figures(&confusion)
            };
            let of_side = |side: &Answers<'_>| mean(&side.said.iter().map(of_seed).collect::<Vec<Row>>());
            Ok(sides.iter().map(of_side).collect::<Vec<Row>>())
        })
        .collect()
}

/// For each figure the chance of a difference as large as `value` where the sides' answers are exchanged at random,
/// unit by unit and for all seeds alike.
fn exchanged(
    ctx: &Ctx,
    truth: Truth<'_>,
    treatment: Answers<'_>,
    baseline: Answers<'_>,
    value: &[f64],
    settings: &Settings,
) -> Result<Row, MetricsError> {
    /// What rounding leaves of an equal difference.
    const EQUAL: f64 = 1e-12;
    let pairs: Vec<(&[usize], &[usize])> =
        treatment.said.iter().copied().zip(baseline.said.iter().copied()).collect();
    // Where both said the same, nothing is exchanged: these are counted once.
    let differs = |image: usize| pairs.iter().any(|(ours, theirs)| ours[image] != theirs[image]);
    let (open, same): (Vec<usize>, Vec<usize>) =
        (0..truth.of_images.len()).partition(|&image| differs(image));
    let mut units: HashMap<usize, usize> = HashMap::new();
    let unit_of: Vec<usize> = open
        .iter()
        .map(|&image| {
            let next = units.len();
            *units.entry(truth.unit(image)).or_insert(next)
        })
        .collect();
    let settled: Vec<Confusion> = pairs
        .iter()
        .map(|(ours, _)| {
            let mut confusion = Confusion::empty(truth.classes);
            same.iter().for_each(|&image| confusion.add(truth.of_images[image], ours[image], 1));
            confusion
        })
        .collect();
    let draws = settings.draws.max(1);
    let rows: Vec<Row> = (0..draws)
        .into_par_iter()
        .map(|draw| {
            ctx.check()?;
            let mut draws = stream(settings.seed, Stage::Bootstrap, 1, draw as u64);
            let turned: Vec<bool> = (0..units.len()).map(|_| draws.below(2) == 1).collect();
            let of_seed = |((ours, theirs), settled): (&(&[usize], &[usize]), &Confusion)| {
                let (mut left, mut right) = (settled.clone(), settled.clone());
                for (&image, &unit) in open.iter().zip(&unit_of) {
                    let (mut a, mut b) = (ours[image], theirs[image]);
                    if turned[unit] {
                        std::mem::swap(&mut a, &mut b);
                    }
                    left.add(truth.of_images[image], a, 1);
                    right.add(truth.of_images[image], b, 1);
                }
                minus(&figures(&left), &figures(&right))
            };
            Ok(mean(&pairs.iter().zip(&settled).map(of_seed).collect::<Vec<Row>>()))
        })
        .collect::<Result<_, MetricsError>>()?;
    let chance = |(at, value): (usize, &f64)| {
        let as_large = rows.iter().filter(|row| row[at].abs() >= value.abs() - EQUAL).count();
        (as_large + 1) as f64 / (draws + 1) as f64
    };
    Ok(value.iter().enumerate().map(chance).collect())
}

/// Intervals from the figures of each seed and those of the draws, no farther than the limits of each entry.
fn summed_up(
    of_seeds: &[Row],
    draws: &[Row],
    level: f64,
    limits: impl Fn(usize) -> (f64, f64),
) -> Vec<Option<Interval>> {
    let of_entry = |(at, value): (usize, f64)| {
        if value.is_nan() {
            return None;
        }
        let mut column: Vec<f64> = draws.iter().map(|row| row[at]).collect();
        column.sort_by(f64::total_cmp);
        let outside = (1.0 - level.clamp(0.0, 1.0)) / 2.0;
        let (low, high) = (quantile(&column, outside), quantile(&column, 1.0 - outside));
        let seeds: Vec<f64> = of_seeds.iter().map(|row| row[at]).collect();
        let spread = Spread::of(&seeds).and_then(|spread| spread.sd);
        let of_seeds = spread.map_or(0.0, |sd| half_width(sd, seeds.len(), level));
        let (least, most) = limits(at);
        Some(Interval {
            value,
            low: (value - (value - low).max(0.0).hypot(of_seeds)).max(least),
            high: (value + (high - value).max(0.0).hypot(of_seeds)).min(most),
        })
    };
    mean(of_seeds).into_iter().enumerate().map(of_entry).collect()
}

/// The quantile of sorted values, linear between two of them; there is at least one.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}
