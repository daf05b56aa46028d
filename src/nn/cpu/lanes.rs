//! Between `[images, channels, height, width]` and blocks of 16 lanes, and the operations that only move or average
//! pixels of blocks.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::buffers::Buffer;
use super::shape::Layout;
use super::simd::{LANES, dispatch, vectors, vectors_mut};

/// `[images, channels, height, width]` to `[blocks, channels, height, columns, 16]`; what holds no pixel is zero.
pub fn from_images(images: &[f32], [channels, height]: [usize; 2], layout: Layout) -> Buffer {
    let (height, layout) = layout.in_one_row(height);
    let Layout { strips, width, .. } = layout;
    let (columns, pixels) = (layout.columns(), height * width);
    let row = channels * pixels;
    let mut out = Buffer::dirty(layout.blocks() * channels * height * columns * LANES);
    out.par_chunks_mut((height * columns * LANES).max(1)).enumerate().with_min_len(4).for_each(
        |(index, out)| {
            let (block, channel) = (index / channels, index % channels);
            let first = block * layout.images_in_block();
            let here = layout.held(block) * strips;
            let mut lanes = [&images[..0]; LANES];
            for (y, out) in out.chunks_exact_mut(columns * LANES).enumerate() {
                for (lane, values) in lanes.iter_mut().enumerate().take(here) {
                    let line =
                        &images[(first + lane / strips) * row + channel * pixels + y * width..][..width];
                    *values = &line[(lane % strips * columns).min(width)..];
                }
                for (column, out) in out.chunks_exact_mut(LANES).enumerate() {
                    for (out, values) in out.iter_mut().zip(lanes) {
                        *out = values.get(column).copied().unwrap_or(0.0);
                    }
                }
            }
        },
    );
    out
}

/// The other way; what holds no pixel is dropped.
pub fn to_images(blocks: &[f32], [channels, height]: [usize; 2], layout: Layout) -> Buffer {
    let (height, layout) = layout.in_one_row(height);
    let Layout { images, strips, width } = layout;
    let columns = layout.columns();
    let row = channels * height * width;
    let held = channels * height * columns * LANES;
    let mut out = Buffer::dirty(images * row);
    out.par_chunks_mut(row.max(1)).enumerate().for_each(|(image, out)| {
        let (block, lane) = (image / layout.images_in_block(), image % layout.images_in_block() * strips);
        let values = blocks[block * held..][..held].chunks_exact(columns * LANES);
        for (out, values) in out.chunks_exact_mut(width).zip(values) {
            for (strip, out) in out.chunks_mut(columns).enumerate() {
                for (out, pixel) in out.iter_mut().zip(values.chunks_exact(LANES)) {
                    *out = pixel[lane + strip];
                }
            }
        }
    });
    out
}

/// Makes zero what holds no pixel because the last strip is narrower.
pub fn clear_beyond(values: &mut [f32], layout: Layout) {
    let beyond: Vec<usize> = (0..layout.columns() * LANES)
        .filter(|at| at % LANES % layout.strips * layout.columns() + at / LANES >= layout.width)
        .collect();
    values.par_chunks_mut((layout.columns() * LANES).max(1)).with_min_len(256).for_each(|line| {
        for &at in &beyond {
            line[at] = 0.0;
        }
    });
}

/// `count` columns from `first` on as narrow maps of whole images, `[blocks, channels, height, count, 16]`.
pub fn columns(
    values: &[f32],
    [channels, height]: [usize; 2],
    layout: Layout,
    first: usize,
    count: usize,
) -> Buffer {
    let narrow = Layout::whole(layout.images, count);
    let line = layout.columns() * LANES;
    let mut out = Buffer::zeros(narrow.blocks() * channels * height * count * LANES);
    out.par_chunks_mut((count * LANES).max(1)).enumerate().with_min_len(64).for_each(|(index, out)| {
        let (block, rest) = (index / (channels * height), index % (channels * height));
        for (image, at, to) in lanes_of(layout, block, first, count) {
            let from = image / layout.images_in_block() * channels * height + rest;
            out[to] = values[from * line + at];
        }
    });
    out
}

/// Adds narrow maps of whole images, as [`columns`] makes them, to the columns that `places` names.
pub fn add_columns(
    values: &mut [f32],
    [channels, height]: [usize; 2],
    layout: Layout,
    narrow: &[f32],
    places: &[usize],
) {
    let line = layout.columns() * LANES;
    values.par_chunks_mut(line.max(1)).enumerate().with_min_len(64).for_each(|(index, line)| {
        let (block, rest) = (index / (channels * height), index % (channels * height));
        for held in 0..layout.held(block) {
            let image = block * layout.images_in_block() + held;
            let from = ((image / LANES * channels * height + rest) * places.len()) * LANES + image % LANES;
            for (index, place) in places.iter().enumerate() {
                let strip = place / layout.columns();
                let at = place % layout.columns() * LANES + held * layout.strips + strip;
                line[at] += narrow[from + index * LANES];
            }
        }
    });
}

/// For each image of a block of whole images and each of `count` columns from `first` on: the image, where in a row
/// of its own block the column stands, and where in a row of `count` columns.
fn lanes_of(
    layout: Layout,
    block: usize,
    first: usize,
    count: usize,
) -> impl Iterator<Item = (usize, usize, usize)> {
    let images = block * LANES..layout.images.min((block + 1) * LANES);
    images.flat_map(move |image| {
        (0..count).map(move |index| {
            let column = first + index;
            let lane = image % layout.images_in_block() * layout.strips + column / layout.columns();
            (image, column % layout.columns() * LANES + lane, index * LANES + image % LANES)
        })
    })
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
