//! The square that a generator's networks see: images in \[-1, 1\], put in the middle of a side that halves well.

use burn::tensor::{Device, Tensor, TensorData};

use crate::imaging::training_set::ImageSet;
use crate::oversampling::MethodError;

/// Sides of the networks' profiles.
const SIDES: [usize; 4] = [16, 32, 64, 128];

/// Training size and the networks' side around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canvas {
    /// Side of the training images.
    pub size: usize,
    /// Side that the networks see, at least `size`.
    pub side: usize,
    /// 1 or 3.
    pub channels: usize,
}

impl Canvas {
    /// The smallest profile around `set`'s images: 28 pixels become 32 with a border of 2, without loss.
    ///
    /// # Errors
    /// Images larger than the largest profile.
    pub fn around(set: &ImageSet) -> Result<Self, MethodError> {
        let size = set.spec.size as usize;
        let Some(side) = SIDES.into_iter().find(|side| *side >= size) else {
            return Err(MethodError::Data(format!(
                "this method makes images of at most 128 pixels a side, and these train at {size}; choose a smaller \
                 size (--size 64)"
            )));
        };
        Ok(Canvas { size, side, channels: usize::from(set.spec.channels) })
    }

    /// Pixels before the image in each direction.
    fn before(self) -> usize {
        (self.side - self.size) / 2
    }

    /// Images of the set on the canvas; the border is black.
    pub fn batch(self, set: &ImageSet, positions: &[usize], device: &Device) -> Tensor<4> {
        let Canvas { size, side, channels } = self;
        let mut values = vec![-1.0_f32; positions.len() * channels * side * side];
        let mut image = vec![0.0_f32; channels * size * size];
        for (&position, out) in positions.iter().zip(values.chunks_mut(channels * side * side)) {
            set.f32_chw(position, &mut image);
            for (row, from) in image.chunks(size).enumerate() {
                let (channel, row) = (row / size, row % size);
                let start = (channel * side + row + self.before()) * side + self.before();
                for (out, value) in out[start..start + size].iter_mut().zip(from) {
                    *out = value * 2.0 - 1.0;
                }
            }
        }
        let shape = [positions.len(), channels, side, side];
        Tensor::from_data(TensorData::new(values, shape), device)
    }

    /// Back to training size, where they lie: `[batch, channels, side, side]` in \[-1, 1\] to `[batch, channels, size,
    /// size]` in \[0, 1\], as classifiers see images.
    pub fn uncovered(self, images: Tensor<4>) -> Tensor<4> {
        let inside = images.narrow(2, self.before(), self.size).narrow(3, self.before(), self.size);
        (inside + 1.0) * 0.5
    }

    /// Back to training size: channel after channel in \[0, 1\], one image after the other. None where the device could
    /// not be read.
    pub fn cut(self, images: Tensor<4>) -> Option<Vec<f32>> {
        let Canvas { size, side, channels } = self;
        let values = images.try_into_vec_as::<f32>().ok()?;
        let count = values.len() / (channels * side * side).max(1);
        let mut out = Vec::with_capacity(count * channels * size * size);
        for plane in values.chunks(side * side) {
            for row in plane.chunks(side).skip(self.before()).take(size) {
                let row = &row[self.before()..self.before() + size];
                out.extend(row.iter().map(|value| ((value + 1.0) * 0.5).clamp(0.0, 1.0)));
            }
        }
        Some(out)
    }
}
