//! Borderline-SMOTE: rows are made from those rows of a class alone that lie on its border to other classes.
//!
//! Source: Han, Wang, Mao, "Borderline-SMOTE: A New Over-Sampling Method in Imbalanced Data Sets Learning",
//! ICIC 2005, read as imbalanced-learn 0.14 does. Of a row's m nearest in the whole set, some number is of
//! other classes: all of them, and the row is noise; half of them or more, and it is in danger; else it is
//! safe. With more than two classes each is set against all others together. Two things differ here: a row is
//! left out of its own neighbours by position and not as the first of the list, so that copies count, and a
//! class without a row in danger is filled all the same.

use super::lines::{Fallback, Lines};
use super::{Labelled, RowsError};
use crate::domain::classes::ClassId;
use crate::domain::task::Ctx;

/// Which of the paper's two rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// borderline-1: towards the nearest of the class.
    One,
    /// borderline-2: towards the nearest of the whole set. Where that one is of another class, the difference
    /// is scaled by U\[0, 0.5) before the step is taken, so that the row lies nearer to its start.
    Two,
}

/// What was found of one class.
#[derive(Clone, Debug, PartialEq)]
pub struct Borderline {
    /// From the rows in danger; from all rows of the class under a fallback.
    pub lines: Lines,
    /// Positions of the rows that are noise.
    pub noise: Vec<usize>,
    pub fallback: Option<Fallback>,
}

impl Borderline {
    /// Positions of the rows in danger.
    pub fn danger(&self) -> &[usize] {
        if self.fallback.is_some() { &[] } else { self.lines.starts() }
    }
}

/// The lines of a class. `m` neighbours (10 by custom) say where a row lies, `k` (5) are gone towards; where
/// there are fewer rows, all others are.
///
/// # Errors
/// `OneImage`, `NoImage`, `NoNeighbour`, values that are not finite, or a cancel.
pub fn find(
    ctx: &Ctx,
    set: &Labelled<'_>,
    class: ClassId,
    kind: Kind,
    m: usize,
    k: usize,
) -> Result<Borderline, RowsError> {
    let members = set.members(class)?;
    if m == 0 || k == 0 {
        return Err(RowsError::NoNeighbour);
    }
    let wide = if kind == Kind::Two { m.max(k) } else { m };
    let around = set.nearest_around(ctx, &members, wide)?;
    let m = m.min(around.k());
    // Places in the class.
    let (mut danger, mut noise) = (Vec::new(), Vec::new());
    for at in 0..members.len() {
        let others = set.others(class, &around.of(at)[..m]);
        if others == m {
            noise.push(at);
        } else if 2 * others >= m {
            danger.push(at);
        }
    }
    let positions = |places: &[usize]| places.iter().map(|&at| members[at]).collect::<Vec<usize>>();
    let (starts, noise) = (positions(&danger), positions(&noise));
    let (lines, fallback) = match kind {
        _ if danger.is_empty() => {
            let ends = set.nearest_within(ctx, &members, k)?;
            (Lines::even(members, ends), Some(Fallback::NoDanger))
        }
        Kind::One => {
            let ends = set.nearest_within(ctx, &members, k)?;
            (Lines::even(starts, ends.part(&danger, k)), None)
        }
        Kind::Two => (Lines::shortened(set, class, starts, around.part(&danger, k)), None),
    };
    Ok(Borderline { lines, noise, fallback })
}
