//! Small pictures for the gallery: decoded through the one door, shrunk with their shape kept, 8 bit.

use std::path::Path;

use super::decode::{self, DecodeError, Limits};
use super::picture::{Depth, Picture};
use super::resize;

/// The image with its longer side at most `side` pixels, 8 bit, grey or colour. Smaller images keep their
/// size.
///
/// # Errors
/// As [`decode::decode`].
pub fn thumbnail(path: &Path, side: u32, limits: &Limits) -> Result<Picture, DecodeError> {
    let decoded = decode::decode(path, limits)?;
    Ok(resize::shrink(&decoded.picture, side).into_depth(Depth::Eight))
}
