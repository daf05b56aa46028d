//! Rows of features of pictures: what a figure on them is called, and those of MobileNet with weights that the user has.
//!
//! Real and made pictures come through one door: three channels, the network's side, one way of resizing. Knows pictures
//! and the network; knows no method, no class and no job.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use rayon::prelude::*;

use super::distance::{DistanceError, FeatureRows, Measure};
use crate::domain::task::{Cancelled, Ctx};
use crate::imaging::picture::Picture;
use crate::imaging::resize::{self, Fit};
use crate::nn::ComputeDevice;
use crate::nn::input_gradient::Images;
use crate::nn::mobilenet::{FEATURES, MAX_BYTES, MobileNet, MobileNetError, MobileNetWeights, SIDE};

/// What the features of a figure are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureSpace {
    /// The last layer of classifier g, which learnt from the real images: figures compare under one g alone. On the scale
    /// of the real training images ([`super::distance::Standardisation`]).
    Judge,
    /// MobileNet v1 1.0 224 with the user's weights: figures compare wherever the weights are the same. On the network's
    /// own scale, which no data set changes.
    MobileNet,
}

impl FeatureSpace {
    /// In the order in which figures are given.
    pub const ALL: [FeatureSpace; 2] = [FeatureSpace::Judge, FeatureSpace::MobileNet];

    /// What tables and files call the features.
    pub fn name(self) -> &'static str {
        match self {
            FeatureSpace::Judge => "g",
            FeatureSpace::MobileNet => "MobileNet",
        }
    }

    /// What they call a figure on them: `FD-g`, `FD-MobileNet`. Never FID or KID alone, which are Inception's.
    pub fn figure(self, measure: Measure) -> &'static str {
        match (self, measure) {
            (FeatureSpace::MobileNet, Measure::Frechet) => "FD-MobileNet",
            (FeatureSpace::MobileNet, Measure::Kernel) => "KID-MobileNet",
            (_, measure) => measure.name(),
        }
    }
}

/// Why there are no features. Sentences with a remedy; paths last.
#[derive(Debug, thiserror::Error)]
pub enum FeaturesError {
    #[error("cancelled")]
    Cancelled,
    #[error("there is no such weights file; name another, or measure without one: {}", .0.display())]
    Missing(PathBuf),
    #[error(
        "the weights file cannot be read ({reason}); check what it is and who may read it: {}",
        .path.display()
    )]
    Unreadable { reason: String, path: PathBuf },
    #[error("the weights file is refused: {error}: {}", .path.display())]
    Refused { error: MobileNetError, path: PathBuf },
    #[error(
        "the device did not give the features back; it may be out of memory. Use --device cpu, or measure without it"
    )]
    Device,
    #[error("its features cannot be used with these weights ({0})")]
    Rows(#[from] DistanceError),
}

impl From<Cancelled> for FeaturesError {
    fn from(_: Cancelled) -> Self {
        FeaturesError::Cancelled
    }
}

/// Reads and checks a weights file of MobileNet; never more of it than such a file may have.
///
/// # Errors
/// No file there, one that cannot be read, or one that [`MobileNetWeights::from_bytes`] refuses.
pub fn read_weights(path: &Path) -> Result<MobileNetWeights, FeaturesError> {
    let bytes = limited(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => FeaturesError::Missing(path.to_owned()),
        _ => FeaturesError::Unreadable { reason: error.to_string(), path: path.to_owned() },
    })?;
    MobileNetWeights::from_bytes(&bytes)
        .map_err(|error| FeaturesError::Refused { error, path: path.to_owned() })
}

/// The bytes of a file, or one more than a weights file may have.
fn limited(path: &Path) -> io::Result<Vec<u8>> {
    // A pipe would keep its reader waiting.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Pictures per forward. The largest maps take 3 MB for each.
const BATCH: usize = 16;

/// MobileNet on a device, and pictures to it.
pub struct MobileNetFeatures {
    network: MobileNet,
    device: Device,
}

impl MobileNetFeatures {
    pub fn new(weights: &MobileNetWeights, device: &ComputeDevice) -> Self {
        let device = device.plain();
        MobileNetFeatures { network: weights.on(&device), device }
    }

    /// A row of 1024 features for each picture, of any size, depth and number of channels. Grey pictures have three equal
    /// channels; what is not square is centred on black.
    ///
    /// # Errors
    /// `Cancelled`, a device that gives nothing back, or weights whose features are no numbers.
    pub fn rows(&self, ctx: &Ctx, pictures: &[Picture]) -> Result<FeatureRows, FeaturesError> {
        let mut rows = Vec::with_capacity(pictures.len() * FEATURES);
        for (batch, chunk) in pictures.chunks(BATCH).enumerate() {
            ctx.check()?;
            ctx.progress("features of MobileNet", (batch * BATCH) as u64, pictures.len() as u64);
            let values: Vec<Vec<f32>> = chunk.par_iter().map(input).collect();
            let images = Images { shape: [chunk.len(), 3, SIDE, SIDE], values: values.concat() };
            let found = self.network.features(images.to_tensor(&self.device));
            rows.extend(found.try_into_vec_as::<f32>().map_err(|_| FeaturesError::Device)?);
        }
        Ok(FeatureRows::from_f32(&rows, pictures.len(), FEATURES)?)
    }
}

/// What the network sees of a picture, in \[0, 1\]. Channels come before the size, so that grey takes the same way.
fn input(picture: &Picture) -> Vec<f32> {
    resize::fit(&picture.to_colour(), SIDE as u32, Fit::Pad).to_f32()
}
