//! Between `[images, channels, height, width]` and blocks of 16 images, and the operations that only move or average
//! pixels of blocks.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::buffers::Buffer;
use super::simd::{LANES, dispatch, vectors, vectors_mut};

/// `[images, channels, pixels]` to `[blocks, channels, pixels, 16]`; lanes beyond the last image are zero.
pub fn from_images(images: &[f32], count: usize, channels: usize, pixels: usize) -> Buffer {
    let blocks = count.div_ceil(LANES);
    let row = channels * pixels;
    let mut out = Buffer::dirty(blocks * row * LANES);
    out.par_chunks_mut((pixels * LANES).max(1)).enumerate().with_min_len(4).for_each(|(index, out)| {
        let (block, channel) = (index / channels, index % channels);
        let first = block * LANES;
        let here = (count - first).min(LANES);
        let mut lanes = [&images[..0]; LANES];
        for (lane, values) in lanes.iter_mut().enumerate().take(here) {
            *values = &images[(first + lane) * row + channel * pixels..][..pixels];
        }
        for (pixel, out) in out.chunks_exact_mut(LANES).enumerate() {
            for (out, values) in out.iter_mut().zip(lanes) {
                *out = values.get(pixel).copied().unwrap_or(0.0);
            }
        }
    });
    out
}

/// The other way; lanes beyond the last image are dropped.
pub fn to_images(blocks: &[f32], count: usize, channels: usize, pixels: usize) -> Buffer {
    let row = channels * pixels;
    let mut out = Buffer::dirty(count * row);
    out.par_chunks_mut(row.max(1)).enumerate().for_each(|(image, out)| {
        let (block, lane) = (image / LANES, image % LANES);
        let values = &blocks[block * row * LANES..][..row * LANES];
        for (out, pixel) in out.iter_mut().zip(values.chunks_exact(LANES)) {
            *out = pixel[lane];
        }
    });
    out
}

/// Mean over the pixels of each channel: `[blocks, channels, pixels, 16]` to `[images, channels]`.
pub fn mean_pixels(blocks: &[f32], count: usize, channels: usize, pixels: usize) -> Buffer {
    struct Mean<'a>(&'a [f32], &'a mut [f32; LANES]);
    impl WithSimd for Mean<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let out = vectors_mut::<S>(self.1);
            let parts = out.len();
            out.fill(simd.splat_f32s(0.0));
            for pixel in vectors::<S>(self.0).chunks_exact(parts) {
                for (sum, &value) in out.iter_mut().zip(pixel) {
                    *sum = simd.add_f32s(*sum, value);
                }
            }
            let share = simd.splat_f32s(LANES as f32 / self.0.len() as f32);
            for sum in out {
                *sum = simd.mul_f32s(*sum, share);
            }
        }
    }
    let planes: Vec<[f32; LANES]> = blocks
        .par_chunks((pixels * LANES).max(1))
        .with_min_len(16)
        .map(|plane| {
            let mut mean = [0.0; LANES];
            dispatch(Mean(plane, &mut mean));
            mean
        })
        .collect();
    let mut out = Buffer::dirty(count * channels);
    for (image, out) in out.chunks_exact_mut(channels.max(1)).enumerate() {
        let (block, lane) = (image / LANES, image % LANES);
        for (channel, out) in out.iter_mut().enumerate() {
            *out = planes[block * channels + channel][lane];
        }
    }
    out
}

/// Gradient of [`mean_pixels`]: `[images, channels]` to `[blocks, channels, pixels, 16]`.
pub fn spread_mean(gradient: &[f32], count: usize, channels: usize, pixels: usize) -> Buffer {
    let mut out = Buffer::dirty(count.div_ceil(LANES) * channels * pixels * LANES);
    let share = 1.0 / pixels.max(1) as f32;
    out.par_chunks_mut((pixels * LANES).max(1)).enumerate().with_min_len(16).for_each(|(index, out)| {
        let (block, channel) = (index / channels, index % channels);
        let lanes: [f32; LANES] = std::array::from_fn(|lane| {
            let image = block * LANES + lane;
            if image < count { gradient[image * channels + channel] * share } else { 0.0 }
        });
        for pixel in out.chunks_exact_mut(LANES) {
            pixel.copy_from_slice(&lanes);
        }
    });
    out
}

/// Every `stride`th row and column, and zero channels before and after: the shortcut without parameters of He et al.
/// From `[blocks, channels, height, width, 16]`.
pub fn shortcut(values: &[f32], dims: [usize; 5], stride: usize, before: usize, after: usize) -> Buffer {
    let [blocks, channels, height, width, _] = dims;
    let (tall, wide) = (height.div_ceil(stride), width.div_ceil(stride));
    let total = before + channels + after;
    let mut out = Buffer::dirty(blocks * total * tall * wide * LANES);
    out.par_chunks_mut((tall * wide * LANES).max(1)).enumerate().with_min_len(8).for_each(|(index, out)| {
        let (block, channel) = (index / total, index % total);
        let Some(channel) = channel.checked_sub(before).filter(|channel| *channel < channels) else {
            out.fill(0.0);
            return;
        };
        let plane =
            &values[(block * channels + channel) * height * width * LANES..][..height * width * LANES];
        for (row, out) in out.chunks_exact_mut(wide * LANES).enumerate() {
            for (column, out) in out.chunks_exact_mut(LANES).enumerate() {
                out.copy_from_slice(&plane[(row * width + column) * stride * LANES..][..LANES]);
            }
        }
    });
    out
}

/// Gradient of [`shortcut`]; `dims` are those of its input.
pub fn shortcut_backward(
    gradient: &[f32],
    dims: [usize; 5],
    stride: usize,
    before: usize,
    after: usize,
) -> Buffer {
    let [_, channels, height, width, _] = dims;
    let (tall, wide) = (height.div_ceil(stride), width.div_ceil(stride));
    let total = before + channels + after;
    let mut out = Buffer::dirty(dims.iter().product());
    out.par_chunks_mut((height * width * LANES).max(1)).enumerate().with_min_len(8).for_each(
        |(index, out)| {
            let (block, channel) = (index / channels, index % channels);
            let plane = (block * total + before + channel) * tall * wide * LANES;
            for (row, out) in out.chunks_exact_mut(width * LANES).enumerate() {
                for (column, out) in out.chunks_exact_mut(LANES).enumerate() {
                    if row.is_multiple_of(stride) && column.is_multiple_of(stride) {
                        let at = plane + (row / stride * wide + column / stride) * LANES;
                        out.copy_from_slice(&gradient[at..at + LANES]);
                    } else {
                        out.fill(0.0);
                    }
                }
            }
        },
    );
    out
}
