//! Looking at image sets: features of pictures, distances between sets of feature rows, and the work that speed is measured on. Real images are the measure; nothing here makes an image that is kept.

pub mod distance;
pub mod features;
pub mod speed;
