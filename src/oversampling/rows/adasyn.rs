//! ADASYN: the more rows of other classes lie around a row of a class, the more rows are made from it.
//!
//! Source: He, Bai, Garcia, Li, "ADASYN: Adaptive Synthetic Sampling Approach for Imbalanced Learning", IJCNN
//! 2008, as imbalanced-learn 0.14 reads it: the share of other classes among the nearest in the whole set,
//! divided by the sum of all shares, is the density of a row; rows are made towards the nearest in the class;
//! with more than two classes each is set against all others together.
//!
//! The paper makes `density * n` rows from each row, rounded, which misses n by a few and moves every later
//! row when another is added. Slots are to be filled exactly and apart from each other. So here the start of
//! each made row is drawn with the density as its probability ([`Lines::draw`]), which gives each row the
//! paper's number on average. [`Adasyn::apportioned`] has the rounded numbers, for comparison with
//! imbalanced-learn.

use super::lines::{Fallback, Lines};
use super::{Labelled, RowsError};
use crate::domain::classes::ClassId;
use crate::domain::task::Ctx;

/// What was found of one class.
#[derive(Clone, Debug, PartialEq)]
pub struct Adasyn {
    /// From all rows of the class to their nearest in it; the start is drawn by density, or evenly under a
    /// fallback.
    pub lines: Lines,
    /// For each row of the class, in the order of the set: how many of its nearest in the whole set are of
    /// others.
    pub others: Vec<usize>,
    /// How many nearest in the whole set were looked at.
    pub around: usize,
    pub fallback: Option<Fallback>,
}

impl Adasyn {
    /// The density of each row of the class, which sums to 1; the same for all under a fallback.
    pub fn densities(&self) -> Vec<f64> {
        if self.fallback.is_some() {
            return vec![1.0 / self.others.len() as f64; self.others.len()];
        }
        let shares = self.others.iter().map(|&others| others as f64 / self.around as f64);
        let sum: f64 = shares.clone().sum();
        shares.map(|share| share / sum).collect()
    }

    /// How many of `n` rows the paper makes from each row of the class: `density * n`, halves to even, as
    /// imbalanced-learn rounds. Their sum may miss `n`.
    pub fn apportioned(&self, n: usize) -> Vec<usize> {
        self.densities().iter().map(|density| (density * n as f64).round_ties_even() as usize).collect()
    }
}

/// The lines of a class. `k` (5 by custom) neighbours in the whole set give the densities, and `k` in the
/// class are gone towards; where there are fewer rows, all others are.
///
/// # Errors
/// `OneImage`, `NoImage`, `NoNeighbour`, values that are not finite, or a cancel.
pub fn find(ctx: &Ctx, set: &Labelled<'_>, class: ClassId, k: usize) -> Result<Adasyn, RowsError> {
    let members = set.members(class)?;
    let around = set.nearest_around(ctx, &members, k)?;
    let others: Vec<usize> = (0..members.len()).map(|at| set.others(class, around.of(at))).collect();
    let ends = set.nearest_within(ctx, &members, k)?;
    let (lines, fallback) = if others.iter().all(|&others| others == 0) {
        (Lines::even(members, ends), Some(Fallback::NoOthers))
    } else {
        (Lines::weighted(members, ends, &others), None)
    };
    Ok(Adasyn { lines, others, around: around.k(), fallback })
}
