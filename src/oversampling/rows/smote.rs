//! The core of SMOTE: rows on the lines between the rows of a class and their nearest.
//!
//! Source: Chawla, Bowyer, Hall, Kegelmeyer, "SMOTE: Synthetic Minority Over-sampling Technique", JAIR 16,
//! 2002. One step serves a whole row, so that it lies on a line, as the paper's text has it; its pseudo-code
//! draws one for every feature.

use rayon::prelude::*;

use super::lines::{Line, WRITE_ROWS, along, between};
use super::nearest::{Neighbours, nearest};
use super::{RowsError, gathered};
use crate::domain::classes::ClassId;
use crate::domain::random::{Stage, Stream, stream};
use crate::domain::task::Ctx;

/// What one made row is made from, by its place in a table of neighbours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    /// The row it starts from.
    pub base: usize,
    /// Which neighbour of that row it goes towards, 0 for the nearest.
    pub rank: usize,
    /// How far, in \[0, 1): one number for the whole row.
    pub u: f64,
}

impl Draw {
    /// Base and neighbour with equal chances, then the step; the order of imbalanced-learn.
    pub fn take(draws: &mut Stream, neighbours: &Neighbours) -> Self {
        let pair = draws.below(neighbours.rows() * neighbours.k());
        Draw { base: pair / neighbours.k(), rank: pair % neighbours.k(), u: draws.uniform() }
    }

    /// The draw of the made row `index` of a class, which depends on nothing else that is made.
    pub fn of(seed: u64, class: ClassId, index: u64, neighbours: &Neighbours) -> Self {
        Self::take(&mut stream(seed, Stage::SeedImage, class as u64, index), neighbours)
    }
}

/// `x + u (neighbour - x)` for each draw: as many rows as draws, in their order.
///
/// # Errors
/// Rows that do not belong to the neighbours, or a draw of something that is not there.
pub fn interpolate(
    rows: &[f32],
    features: usize,
    neighbours: &Neighbours,
    draws: &[Draw],
) -> Result<Vec<f32>, RowsError> {
    if features == 0 || neighbours.rows().checked_mul(features) != Some(rows.len()) {
        return Err(RowsError::Shape { values: rows.len(), rows: neighbours.rows(), features });
    }
    let there = |draw: &Draw| {
        draw.base < neighbours.rows() && draw.rank < neighbours.k() && (0.0..1.0).contains(&draw.u)
    };
    if let Some(wrong) = draws.iter().position(|draw| !there(draw)) {
        return Err(RowsError::Draw(wrong));
    }
    let lines: Vec<Line> = draws
        .iter()
        .map(|draw| Line { from: draw.base, to: neighbours.of(draw.base)[draw.rank], u: draw.u })
        .collect();
    along(rows, features, &lines)
}

/// Rows with their classes: the given ones in their order, then the made ones class by class.
#[derive(Clone, Debug, PartialEq)]
pub struct Resampled {
    pub rows: Vec<f32>,
    pub classes: Vec<ClassId>,
}

/// Fills every class up to `target` rows; a class that has as many is left as it is.
///
/// # Errors
/// A class of one image, values that are not finite, or a cancel. Classes are numbers from 0 on; one that has
/// no row at all is not made.
pub fn resample(
    ctx: &Ctx,
    rows: &[f32],
    features: usize,
    classes: &[ClassId],
    target: usize,
    k: usize,
    seed: u64,
) -> Result<Resampled, RowsError> {
    if features == 0 || classes.len().checked_mul(features) != Some(rows.len()) {
        return Err(RowsError::Shape { values: rows.len(), rows: classes.len(), features });
    }
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); classes.iter().max().map_or(0, |last| last + 1)];
    for (row, &class) in classes.iter().enumerate() {
        members[class].push(row);
    }
    let short: Vec<(ClassId, Vec<usize>)> = members
        .into_iter()
        .enumerate()
        .filter(|(_, members)| !members.is_empty() && members.len() < target)
        .collect();
    let neighbours = short
        .par_iter()
        .map(|(_, members)| nearest(ctx, &gathered(rows, features, members), members.len(), features, k))
        .collect::<Result<Vec<_>, _>>()?;

    let mut out_classes = classes.to_vec();
    for (class, members) in &short {
        out_classes.resize(out_classes.len() + target - members.len(), *class);
    }
    // Fresh memory is written by the threads alone, and once.
    let mut out = vec![0.0; out_classes.len() * features];
    let (given, mut made) = out.split_at_mut(rows.len());
    let mut parts = Vec::with_capacity(short.len());
    for ((class, members), neighbours) in short.iter().zip(&neighbours) {
        let (part, rest) = made.split_at_mut((target - members.len()) * features);
        parts.push((*class, members, neighbours, part));
        made = rest;
    }
    let row = |row: usize| &rows[row * features..(row + 1) * features];
    rayon::join(
        || {
            let stretch = WRITE_ROWS * features;
            given.par_chunks_mut(stretch).zip(rows.par_chunks(stretch)).for_each(|(out, rows)| {
                out.copy_from_slice(rows);
            });
        },
        || {
            parts.into_par_iter().try_for_each(|(class, members, neighbours, part)| {
                ctx.check()?;
                part.par_chunks_mut(features).with_min_len(WRITE_ROWS).enumerate().for_each(
                    |(index, out)| {
                        let draw = Draw::of(seed, class, index as u64, neighbours);
                        let other = neighbours.of(draw.base)[draw.rank];
                        between(row(members[draw.base]), row(members[other]), draw.u, out);
                    },
                );
                Ok::<(), RowsError>(())
            })
        },
    )
    .1?;
    Ok(Resampled { rows: out, classes: out_classes })
}
