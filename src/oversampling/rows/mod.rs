//! Resampling rows of features: who is near whom, rows on the lines between, rows by a [`normal`] law, and how far two
//! sets of rows are apart by a [`kernel`].
//!
//! Pixels, features of a classifier and codes of an autoencoder are all rows here. Nothing in this folder
//! knows an image, a network or a method. A method finds the [`lines::Lines`] of a class once, draws one for
//! each slot, and has rows made with [`lines::along`].

pub mod adasyn;
pub mod borderline;
pub mod kernel;
pub mod lines;
pub(crate) mod matrix;
pub mod nearest;
pub mod normal;
pub(crate) mod scale;
pub mod smote;

use std::borrow::Cow;

use nearest::{Neighbours, nearest, nearest_of};

use crate::domain::classes::ClassId;
use crate::domain::task::{Cancelled, Ctx};

/// Why rows could not be made. Sentences with a remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowsError {
    #[error("cancelled")]
    Cancelled,
    /// The caller may repeat the image instead.
    #[error("the class has one image and SMOTE needs two: repeat the image, or add another")]
    OneImage,
    #[error("the class has no image to start from: add images, or leave the class as it is")]
    NoImage,
    #[error("SMOTE needs at least one neighbour: use 5, its usual number")]
    NoNeighbour,
    #[error("row {0} holds a value that is not finite: leave it out or look at where it comes from")]
    NotFinite(usize),
    /// A mistake of the caller, not of the data.
    #[error("{values} values are not {rows} rows of {features} features")]
    Shape { values: usize, rows: usize, features: usize },
    /// A mistake of the caller, not of the data.
    #[error("there is no row {0}")]
    NoRow(usize),
    /// A mistake of the caller, not of the data.
    #[error("draw {0} names a row or a neighbour that is not there, or lies outside [0, 1)")]
    Draw(usize),
}

impl From<Cancelled> for RowsError {
    fn from(_: Cancelled) -> Self {
        RowsError::Cancelled
    }
}

/// Rows of features with their classes. Only ever of the training part: a neighbour that is held out would
/// leak.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a> {
    rows: &'a [f32],
    features: usize,
    classes: &'a [ClassId],
}

impl<'a> Labelled<'a> {
    /// A class for each row of `features` values.
    ///
    /// # Errors
    /// Another number of values.
    pub fn new(rows: &'a [f32], features: usize, classes: &'a [ClassId]) -> Result<Self, RowsError> {
        if features == 0 || classes.len().checked_mul(features) != Some(rows.len()) {
            return Err(RowsError::Shape { values: rows.len(), rows: classes.len(), features });
        }
        Ok(Labelled { rows, features, classes })
    }

    /// Positions of the rows of a class, two at least.
    fn members(&self, class: ClassId) -> Result<Vec<usize>, RowsError> {
        let members: Vec<usize> = (0..self.classes.len()).filter(|&row| self.classes[row] == class).collect();
        match members.len() {
            0 => Err(RowsError::NoImage),
            1 => Err(RowsError::OneImage),
            _ => Ok(members),
        }
    }

    /// The nearest rows of each of a class among those of the class; entry i is of `members[i]`.
    fn nearest_within(&self, ctx: &Ctx, members: &[usize], k: usize) -> Result<Neighbours, RowsError> {
        let rows = gathered(self.rows, self.features, members);
        match nearest(ctx, &rows, members.len(), self.features, k) {
            Err(RowsError::NotFinite(row)) => Err(RowsError::NotFinite(members[row])),
            found => Ok(found?.renamed(members)),
        }
    }

    /// The nearest rows of each of a class among all rows; entry i is of `members[i]`.
    fn nearest_around(&self, ctx: &Ctx, members: &[usize], k: usize) -> Result<Neighbours, RowsError> {
        nearest_of(ctx, self.rows, self.classes.len(), self.features, members, k)
    }

    /// How many of these rows are of other classes.
    fn others(&self, class: ClassId, rows: &[usize]) -> usize {
        rows.iter().filter(|&&row| self.classes[row] != class).count()
    }
}

/// The rows of one class; as they lie where they lie together.
fn gathered<'a>(rows: &'a [f32], features: usize, members: &[usize]) -> Cow<'a, [f32]> {
    match members {
        [first, .., last] if last - first + 1 == members.len() => {
            Cow::Borrowed(&rows[first * features..(last + 1) * features])
        }
        _ => Cow::Owned(
            members.iter().flat_map(|row| &rows[row * features..(row + 1) * features]).copied().collect(),
        ),
    }
}
