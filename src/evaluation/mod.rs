//! Looking at image sets: neighbours, distances between sets of feature rows, and the work that speed is measured
//! on. Real images are the measure; nothing here makes an image that is kept.

pub mod distance;
pub mod neighbours;
pub mod speed;
