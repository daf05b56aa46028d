//! The bundled example: a small real imbalanced set and an M2m model trained on it, unpacked into the user's
//! data folder.
//!
//! The images are a subset of Fashion-MNIST (MIT licence, assets/README.md), kept in the program as one sheet of
//! tiles per split and class.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::JobError;
use crate::imaging::decode::{Limits, decode_bytes};
use crate::imaging::encode::png;
use crate::imaging::files::write_atomic;
use crate::imaging::picture::{Picture, Pixels};
use crate::oversampling::ParamMap;
use crate::project::default_place;

/// Side of a tile in pixels.
const TILE: usize = 28;
/// Written last: a folder without it is unpacked again.
const DONE: &str = ".complete";

static INDEX: &str = include_str!("../../assets/fashion-example/index.csv");
static MODEL: &[u8] = include_bytes!("../../models/fashion-example-m2m.safetensors");

macro_rules! sheets {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../assets/fashion-example/", $name)))),*]
    };
}

static SHEETS: &[(&str, &[u8])] = sheets![
    "train-ankle_boot.png",
    "train-bag.png",
    "train-sandal.png",
    "train-sneaker.png",
    "validation-ankle_boot.png",
    "validation-bag.png",
    "validation-sandal.png",
    "validation-sneaker.png",
    "test-ankle_boot.png",
    "test-bag.png",
    "test-sandal.png",
    "test-sneaker.png",
];

fn failed(error: impl std::fmt::Display, path: &Path) -> JobError {
    JobError::Failed(format!("the example could not be unpacked ({error}): {}", path.display()))
}

/// What the bundled model was trained with, and a training of the demo uses where nothing else is said: classes of a
/// few hundred images need a smaller beta than the paper's, and footwear is far enough from bags for the paper's
/// whole step.
pub fn params() -> ParamMap {
    ParamMap::from_iter([("beta".to_owned(), Value::from(0.99)), ("eta".to_owned(), Value::from(0.1))])
}

/// Unpacks the images below the user's data folder, once, and returns the folder of class folders.
///
/// # Errors
/// A data folder that cannot be written.
pub fn unpack() -> Result<PathBuf, JobError> {
    let folder = default_place::data_dir()
        .map_err(|error| JobError::Failed(error.to_string()))?
        .join("example")
        .join("fashion");
    unpack_to(&folder)?;
    Ok(folder)
}

/// Unpacks the images into `folder` unless they are there.
///
/// # Errors
/// A folder that cannot be written.
pub fn unpack_to(folder: &Path) -> Result<(), JobError> {
    let done = folder.join(DONE);
    if done.exists() {
        return Ok(());
    }
    for line in INDEX.lines().skip(1) {
        let mut fields = line.split(',');
        let (Some(split), Some(class), Some(count)) =
            (fields.next(), fields.next(), fields.next().and_then(|n| n.parse::<usize>().ok()))
        else {
            continue;
        };
        let sheet = format!("{split}-{class}.png");
        let bytes = SHEETS
            .iter()
            .find(|(name, _)| *name == sheet)
            .map(|(_, bytes)| *bytes)
            .ok_or_else(|| failed("a sheet is missing", folder))?;
        let sheet = decode_bytes(bytes, &Limits::default()).map_err(|error| failed(error, folder))?.picture;
        for index in 0..count {
            let tile = tile(&sheet, index).ok_or_else(|| failed("a sheet is too small", folder))?;
            let path = folder.join(split).join(class).join(format!("{class}_{index:04}.png"));
            let bytes = png(&tile, &[]).map_err(|error| failed(error, &path))?;
            std::fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(|error| failed(error, &path))?;
            std::fs::write(&path, bytes).map_err(|error| failed(error, &path))?;
        }
    }
    write_atomic(&done, b"").map_err(|error| failed(error, &done))
}

/// Writes the bundled model beside the example's images and returns its path.
///
/// # Errors
/// A data folder that cannot be written.
pub fn unpack_model(folder: &Path) -> Result<PathBuf, JobError> {
    let path = folder.join("fashion-example-m2m.safetensors");
    write_atomic(&path, MODEL).map_err(|error| failed(error, &path))?;
    Ok(path)
}

fn tile(sheet: &Picture, index: usize) -> Option<Picture> {
    let Pixels::U8(pixels) = &sheet.pixels else { return None };
    let width = sheet.width as usize;
    let per_row = width / TILE;
    let (left, top) = (index % per_row * TILE, index / per_row * TILE);
    let mut values = Vec::with_capacity(TILE * TILE);
    for y in top..top + TILE {
        values.extend_from_slice(pixels.get(y * width + left..y * width + left + TILE)?);
    }
    Picture::new(TILE as u32, TILE as u32, 1, Pixels::U8(values))
}
