//! Looking at image sets: neighbours and distances. Real images are the measure; nothing here makes an image.

pub mod neighbours;
