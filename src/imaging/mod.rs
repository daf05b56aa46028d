//! Files to pixels: folder scan, decoding behind one door with limits, encoding, resizing, hashes,
//! thumbnails.
//!
//! Knows [`crate::domain`] alone: no tensors, no database, no window. Source folders are only ever read here.

pub mod decode;
pub mod encode;
pub mod exported;
pub mod files;
pub mod folder;
pub mod hash;
pub mod neighbours;
pub mod picture;
pub mod resize;
pub mod scan;
pub mod thumbnails;
pub mod training_set;

mod table;
