//! Looking at image sets: neighbours and distances, and the work that speed is measured on. Real images are the
//! measure; nothing here makes an image that is kept.

pub mod neighbours;
pub mod speed;
