//! Looking at image sets and classifiers: features of pictures, distances between sets of feature rows, rows as points,
//! figures of classifiers on real test images, comparisons as pages and charts, maps of what a classifier looks at, and
//! the work that speed is measured on. Real images are the measure; nothing here makes an image that is kept.

pub mod comparison;
pub mod distance;
pub mod features;
pub mod generators;
pub mod metrics;
pub mod projection;
pub mod published;
pub mod report;
pub mod saliency;
pub mod speed;
pub mod treatments;
