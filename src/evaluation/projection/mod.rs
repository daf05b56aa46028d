//! Rows of features as points in the plane: principal components, and t-SNE.
//!
//! For looking, not for measuring. Of principal components distances in the plane say something, and the shares
//! of variance say how much. Of t-SNE one may read which points are neighbours, and nothing else: the size of a
//! cluster, the gap between two, and the direction of either mean nothing. Where made points form an island of
//! their own, the figures of [`super::distance`] say how far off they are.
//!
//! Rows come with a class and with where they are from. The picture is drawn from all of them, the scale of the
//! features is that of the real training rows alone. Nothing here is fitted that anything is measured or trained
//! with, so held-out rows may be drawn beside the others. Knows rows alone, no network and no image.

pub mod principal;
pub mod tsne;

use super::distance::{DistanceError, FeatureRows, Standardisation};
use crate::domain::decisions::Decision;
use crate::domain::numbers::{counted, percent};
use crate::domain::task::{Cancelled, Ctx};
use principal::Principal;

/// Rows that a picture needs: with fewer hardly a neighbour is left to be told from the others.
pub const LEAST_ROWS: usize = 5;
/// Rows of a picture at most: t-SNE looks at every pair of them in each step.
pub const MOST_ROWS: usize = 2000;
/// Principal components that t-SNE starts from, at most: 30 in the paper, 50 in most programs since.
pub const COMPONENTS: usize = 50;

/// Why there is no picture. Sentences with a remedy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProjectionError {
    #[error("cancelled")]
    Cancelled,
    #[error("{have} images are too few for a picture, which needs {need}: take in more of each class")]
    TooFew { have: usize, need: usize },
    #[error("{have} images are more than the {most} that are drawn at once: take fewer of each class")]
    TooMany { have: usize, most: usize },
    /// A mistake of the caller, not of the data.
    #[error("{labels} labels are not one for each of {rows} rows")]
    Labels { labels: usize, rows: usize },
    #[error("the scale of features is that of real training images, so two of them are needed: add them")]
    NoReal,
    #[error(
        "all images look the same in these features, so there is nothing to draw: look at the classifier"
    )]
    Alike,
    #[error("the perplexity must lie from 1 to {most:.1}, a third of the other images: leave it out")]
    Perplexity { most: f64 },
    #[error(
        "the principal components of these features were not found: look at where the features come from"
    )]
    NoConvergence,
    #[error("{0}")]
    Rows(#[from] DistanceError),
}

impl From<Cancelled> for ProjectionError {
    fn from(_: Cancelled) -> Self {
        ProjectionError::Cancelled
    }
}

/// Where an image is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A real image of the training split.
    Real,
    /// A real image that nothing was trained on.
    HeldOut,
    /// Derived or synthetic.
    Made,
}

impl Origin {
    /// In the order in which they are listed.
    pub const ALL: [Origin; 3] = [Origin::Real, Origin::HeldOut, Origin::Made];

    /// The word for legends and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Origin::Real => "real",
            Origin::HeldOut => "held-out",
            Origin::Made => "made",
        }
    }
}

/// What the sign of a point says: where its image is from and, of a made one, what is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    Real,
    HeldOut,
    Undecided,
    Accepted,
    Rejected,
}

impl Mark {
    /// In the order of the legend; later ones are painted over earlier ones.
    pub const ALL: [Mark; 5] = [Mark::Real, Mark::HeldOut, Mark::Undecided, Mark::Accepted, Mark::Rejected];

    pub const fn text(self) -> &'static str {
        match self {
            Mark::Real => Origin::Real.name(),
            Mark::HeldOut => Origin::HeldOut.name(),
            Mark::Undecided => "made, undecided",
            Mark::Accepted => "made, accepted",
            Mark::Rejected => "made, rejected",
        }
    }

    /// The sign of a made image.
    pub const fn of(decision: Decision) -> Self {
        match decision {
            Decision::Undecided => Mark::Undecided,
            Decision::Accepted => Mark::Accepted,
            Decision::Rejected => Mark::Rejected,
        }
    }
}

/// What is known of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    pub class: usize,
    pub origin: Origin,
}

/// How rows become points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Projector {
    /// The first two principal components.
    Pca,
    /// t-SNE of the first [`COMPONENTS`] principal components.
    Tsne(tsne::Settings),
}

impl Projector {
    /// What people call it.
    pub const fn name(&self) -> &'static str {
        match self {
            Projector::Pca => "PCA",
            Projector::Tsne(_) => "t-SNE",
        }
    }
}

/// One image in the plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// To the right and upwards. Without a unit; the middle of all points is at 0, 0.
    pub at: [f64; 2],
    /// Index of the row.
    pub row: usize,
    pub class: usize,
    pub origin: Origin,
}

/// What has to be said beside the points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Caption {
    Pca {
        /// Shares of the variance that each direction shows, in \[0, 1\]; 0 for a direction that there is not.
        shares: [f64; 2],
    },
    Tsne {
        /// How many neighbours a point has, about.
        perplexity: f64,
        /// Steps that were done: fewer than asked for where it was stopped.
        iterations: usize,
        /// Kullback-Leibler divergence of the picture from the rows, in nats; the smaller, the truer.
        divergence: f64,
        /// Principal components that it started from.
        components: usize,
        /// Share of the variance in these, in \[0, 1\].
        share: f64,
    },
}

impl Caption {
    /// How the picture is called.
    pub const fn title(&self) -> &'static str {
        match self {
            Caption::Pca { .. } => "Feature map by principal components",
            Caption::Tsne { .. } => "Feature map by t-SNE",
        }
    }

    /// How far the points are to be believed.
    pub fn sentences(&self) -> Vec<String> {
        match *self {
            Caption::Pca { shares: [right, up] } => vec![format!(
                "Principal components: {} of the variance to the right, {} upwards; the other directions are not \
                 seen.",
                percent(right),
                percent(up)
            )],
            Caption::Tsne { perplexity, iterations, divergence, components, share } => vec![
                format!(
                    "t-SNE: perplexity {perplexity:.1}, {} from {} with {} of the variance; divergence \
                     {divergence:.2} nats.",
                    counted(iterations, "step", "steps"),
                    counted(components, "principal component", "principal components"),
                    percent(share)
                ),
                "Only neighbours are to be read from it: how large a cluster is and how far apart two are means \
                 little."
                    .to_owned(),
            ],
        }
    }
}

/// Points, in the order of the rows, and what has to be said beside them.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    pub points: Vec<Point>,
    pub caption: Caption,
}

/// Rows of features, which are brought to the scale of the real training rows, as points.
///
/// The same rows, labels and settings give the same points, for any number of threads.
///
/// # Errors
/// Fewer rows than [`LEAST_ROWS`] or more than [`MOST_ROWS`], labels that are not one for each row, fewer than
/// two real training rows, rows that are all the same, a perplexity that so many rows do not have, or a cancel.
pub fn project(
    ctx: &Ctx,
    rows: &FeatureRows,
    labels: &[Label],
    projector: &Projector,
) -> Result<Projection, ProjectionError> {
    check_size(rows.rows())?;
    if labels.len() != rows.rows() {
        return Err(ProjectionError::Labels { labels: labels.len(), rows: rows.rows() });
    }
    let real: Vec<usize> = (0..labels.len()).filter(|&row| labels[row].origin == Origin::Real).collect();
    if real.len() < 2 {
        return Err(ProjectionError::NoReal);
    }
    ctx.check()?;
    ctx.progress("principal components", 0, 1);
    let rows = Standardisation::of(&rows.select(&real))?.apply(rows)?;
    let most = match projector {
        Projector::Pca => 2,
        Projector::Tsne(_) => COMPONENTS,
    };
    let principal = Principal::of(&rows, most)?;
    let scores = principal.apply(&rows)?;
    let shares = principal.shares();
    ctx.progress("principal components", 1, 1);
    let (places, caption) = match projector {
        Projector::Pca => {
            let place = |row: usize| [scores.row(row)[0], scores.row(row).get(1).copied().unwrap_or(0.0)];
            let shares = [shares[0], shares.get(1).copied().unwrap_or(0.0)];
            ((0..scores.rows()).map(place).collect(), Caption::Pca { shares })
        }
        Projector::Tsne(settings) => {
            let found = tsne::embed(ctx, &scores, settings)?;
            let caption = Caption::Tsne {
                perplexity: found.perplexity,
                iterations: found.iterations,
                divergence: found.divergence,
                components: principal.components(),
                share: shares.iter().sum(),
            };
            (found.points, caption)
        }
    };
    let points = places.iter().zip(labels).enumerate();
    let points =
        points.map(|(row, (&at, label))| Point { at, row, class: label.class, origin: label.origin });
    Ok(Projection { points: points.collect(), caption })
}

/// Refuses too few and too many rows.
fn check_size(have: usize) -> Result<(), ProjectionError> {
    if have < LEAST_ROWS {
        return Err(ProjectionError::TooFew { have, need: LEAST_ROWS });
    }
    if have > MOST_ROWS {
        return Err(ProjectionError::TooMany { have, most: MOST_ROWS });
    }
    Ok(())
}
