//! Resampling rows of features: who is near whom, and rows on the lines between.
//!
//! Pixels, features of a classifier and codes of an autoencoder are all rows here. Nothing in this folder knows an
//! image, a network or a method.

pub mod nearest;
pub mod smote;

use std::borrow::Cow;

use crate::domain::task::Cancelled;

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
    #[error("draw {0} names a row or a neighbour that is not there, or lies outside [0, 1)")]
    Draw(usize),
}

impl From<Cancelled> for RowsError {
    fn from(_: Cancelled) -> Self {
        RowsError::Cancelled
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
