//! The lines that made rows lie on: from a row of the class that is filled towards one of its neighbours.
//!
//! The rules of SMOTE's family differ in which lines there are and how likely each one is; what is made of a
//! line is the same for all. Positions here are those of the whole training part, so that a made row can name
//! the two images it stands between.

use std::fmt;

use rayon::prelude::*;

use super::nearest::Neighbours;
use super::smote::Draw;
use super::{Labelled, RowsError};
use crate::domain::classes::ClassId;
use crate::domain::random::{Stage, stream};
use crate::domain::task::Ctx;

/// Where one made row lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// The row it starts from, which is of the class that is filled.
    pub from: usize,
    /// The row it goes towards.
    pub to: usize,
    /// How far, in \[0, 1).
    pub u: f64,
}

/// Why plain SMOTE over the whole class stands in for the rule that was asked for. The caller announces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// Borderline-SMOTE found no row in danger; imbalanced-learn leaves such a class unbalanced in silence.
    NoDanger,
    /// ADASYN found no row with one of another class among its nearest; imbalanced-learn refuses such data.
    NoOthers,
}

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = match self {
            Fallback::NoDanger => "no image of the class lies on the border to other classes",
            Fallback::NoOthers => "no image of the class has one of another class among its nearest",
        };
        write!(f, "{cause}, so plain SMOTE over the whole class is used")
    }
}

/// The lines that rows of one class are made on, and how likely each is.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines {
    starts: Vec<usize>,
    /// Entry i has those of `starts[i]`.
    ends: Neighbours,
    law: Law,
}

#[derive(Clone, Debug, PartialEq)]
enum Law {
    /// Each line is as likely as the others.
    Even,
    /// The same, and a step towards another class is shortened. True for each line that goes there.
    Shortened(Vec<bool>),
    /// Running sums of how likely each start is; its lines share that evenly.
    Weighted(Vec<usize>),
}

/// Below this lies the factor that shortens a step towards another class.
const GAP: f64 = 0.5;

impl Lines {
    /// Those of plain SMOTE: from every row of a class to its `k` nearest in the class, or to all others of a
    /// class that has fewer.
    ///
    /// # Errors
    /// `OneImage`, `NoImage`, `NoNeighbour`, values that are not finite, or a cancel.
    pub fn plain(ctx: &Ctx, set: &Labelled<'_>, class: ClassId, k: usize) -> Result<Self, RowsError> {
        let members = set.members(class)?;
        let ends = set.nearest_within(ctx, &members, k)?;
        Ok(Self::even(members, ends))
    }

    pub(super) fn even(starts: Vec<usize>, ends: Neighbours) -> Self {
        Lines { starts, ends, law: Law::Even }
    }

    /// With a step towards a row that is not of `class` shortened.
    pub(super) fn shortened(
        set: &Labelled<'_>,
        class: ClassId,
        starts: Vec<usize>,
        ends: Neighbours,
    ) -> Self {
        let others = (0..starts.len())
            .flat_map(|at| ends.of(at).iter().map(|&end| set.classes[end] != class))
            .collect();
        Lines { starts, ends, law: Law::Shortened(others) }
    }

    /// With starts as likely as their `weights`, of which one at least is not zero.
    pub(super) fn weighted(starts: Vec<usize>, ends: Neighbours, weights: &[usize]) -> Self {
        let sums = weights.iter().scan(0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        Lines { starts, ends, law: Law::Weighted(sums.collect()) }
    }

    /// The rows that lines start from, by position.
    pub fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// Where lines end: entry i has the neighbours of `starts()[i]`, by position; fewer than were asked for where there
    /// are no more rows.
    pub fn ends(&self) -> &Neighbours {
        &self.ends
    }

    /// The line of one made row of a class. It depends on `key` and nothing else that is made; a caller that
    /// may try a slot again puts slot and attempt into the key.
    pub fn draw(&self, seed: u64, class: ClassId, key: u64) -> Line {
        let mut draws = stream(seed, Stage::SeedImage, class as u64, key);
        let draw = match &self.law {
            Law::Even | Law::Shortened(_) => Draw::take(&mut draws, &self.ends),
            Law::Weighted(sums) => {
                let at = draws.below(sums.last().copied().unwrap_or_default());
                let base = sums.partition_point(|&sum| sum <= at);
                Draw { base, rank: draws.below(self.ends.k()), u: draws.uniform() }
            }
        };
        self.line(draw, || GAP * draws.uniform())
    }

    /// The lines of given draws, whose `base` counts [`Lines::starts`]. `gap`, in \[0, 0.5), is asked for
    /// each line that Borderline-SMOTE 2 shortens, in their order.
    ///
    /// # Errors
    /// A draw of something that is not there.
    pub fn of_draws(&self, draws: &[Draw], mut gap: impl FnMut() -> f64) -> Result<Vec<Line>, RowsError> {
        let there = |draw: &Draw| draw.base < self.starts.len() && draw.rank < self.ends.k();
        match draws.iter().position(|draw| !there(draw)) {
            Some(wrong) => Err(RowsError::Draw(wrong)),
            None => Ok(draws.iter().map(|&draw| self.line(draw, &mut gap)).collect()),
        }
    }

    fn line(&self, draw: Draw, gap: impl FnOnce() -> f64) -> Line {
        let shortened = match &self.law {
            Law::Shortened(others) => others[draw.base * self.ends.k() + draw.rank],
            Law::Even | Law::Weighted(_) => false,
        };
        let u = if shortened { draw.u * gap() } else { draw.u };
        Line { from: self.starts[draw.base], to: self.ends.of(draw.base)[draw.rank], u }
    }
}

/// `from + u (to - from)` for each line: as many rows as lines, in their order.
///
/// # Errors
/// Values that are not whole rows, or a line between rows that are not there or with a step outside \[0, 1).
pub fn along(rows: &[f32], features: usize, lines: &[Line]) -> Result<Vec<f32>, RowsError> {
    if features == 0 || !rows.len().is_multiple_of(features) {
        let n = rows.len() / features.max(1);
        return Err(RowsError::Shape { values: rows.len(), rows: n, features });
    }
    let n = rows.len() / features;
    let there = |line: &Line| line.from < n && line.to < n && (0.0..1.0).contains(&line.u);
    if let Some(wrong) = lines.iter().position(|line| !there(line)) {
        return Err(RowsError::Draw(wrong));
    }
    let row = |row: usize| &rows[row * features..(row + 1) * features];
    let mut made = vec![0.0; lines.len() * features];
    made.par_chunks_mut(features).with_min_len(WRITE_ROWS).zip(lines).for_each(|(out, line)| {
        between(row(line.from), row(line.to), line.u, out);
    });
    Ok(made)
}

/// Rows that a thread writes at least.
pub(super) const WRITE_ROWS: usize = 64;

/// The arithmetic of imbalanced-learn, number for number: the difference in f32, the rest in f64. What
/// rounding carries out of the segment is brought back.
pub(super) fn between(from: &[f32], to: &[f32], u: f64, out: &mut [f32]) {
    for ((out, &from), &to) in out.iter_mut().zip(from).zip(to) {
        let value = (f64::from(from) + u * f64::from(to - from)) as f32;
        *out = value.max(from.min(to)).min(from.max(to));
    }
}
