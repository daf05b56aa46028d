//! Images of any shape to square training images, and shrinking with the shape kept.
//!
//! Knows no files. Depth and channels are kept. Shrinking uses Lanczos (after averaging blocks where there is
//! much to shrink, see [`SPARE`]), enlarging bilinear interpolation.

use std::ops::AddAssign;
use std::str::FromStr;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3, U16, U16x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use serde::{Deserialize, Serialize};

use super::picture::{Picture, Pixels};

/// Much to shrink: whole blocks of pixels are averaged first, down to no less than this many times the wanted
/// size, and Lanczos does the rest. Lanczos alone computes weights and reads lines for every pixel of the file,
/// which costs more than decoding it; at 2 the result differs from it by less than one level of 255 in the mean.
const SPARE: u32 = 2;
/// Pixels along a side of a block, so that sums of samples fit their types.
const MAX_BLOCK: u32 = 64;

/// How an image that is not square becomes square.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// All of the image, centred on black.
    #[default]
    Pad,
    /// The largest square in the middle.
    Crop,
    /// All of the image, its shape changed.
    Stretch,
}

/// An unknown way to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown way to fit images; use pad, crop or stretch")]
pub struct FitError;

impl Fit {
    pub const ALL: [Fit; 3] = [Fit::Pad, Fit::Crop, Fit::Stretch];

    pub const fn as_str(self) -> &'static str {
        match self {
            Fit::Pad => "pad",
            Fit::Crop => "crop",
            Fit::Stretch => "stretch",
        }
    }
}

impl FromStr for Fit {
    type Err = FitError;

    fn from_str(text: &str) -> Result<Self, FitError> {
        Fit::ALL.into_iter().find(|f| f.as_str() == text).ok_or(FitError)
    }
}

/// The picture as `size * size` pixels. A picture that has this size already is returned as it is.
pub fn fit(picture: &Picture, size: u32, fit: Fit) -> Picture {
    let size = size.max(1);
    if (picture.width, picture.height) == (size, size) {
        return picture.clone();
    }
    match fit {
        Fit::Stretch => resize(picture, size, size, Part::all(picture)),
        Fit::Crop => {
            let side = picture.width.min(picture.height);
            let (left, top) = ((picture.width - side) / 2, (picture.height - side) / 2);
            resize(picture, size, size, Part { left, top, width: side, height: side })
        }
        Fit::Pad => {
            let (width, height) = within(picture.width, picture.height, size);
            centred(&resize(picture, width, height, Part::all(picture)), size)
        }
    }
}

/// The picture with its longer side at most `side`, shape kept; never enlarged.
pub fn shrink(picture: &Picture, side: u32) -> Picture {
    let side = side.max(1);
    if picture.width.max(picture.height) <= side {
        return picture.clone();
    }
    let (width, height) = within(picture.width, picture.height, side);
    resize(picture, width, height, Part::all(picture))
}

/// Width and height scaled so that the longer is `side`, each at least 1.
fn within(width: u32, height: u32, side: u32) -> (u32, u32) {
    let longer = u64::from(width.max(height).max(1));
    let scaled = |v: u32| ((u64::from(v) * u64::from(side) * 2 + longer) / (2 * longer)).max(1) as u32;
    (scaled(width), scaled(height))
}

/// The picture in the middle of a black square; both its sides are at most `size`.
fn centred(picture: &Picture, size: u32) -> Picture {
    let place = Place {
        row: picture.width as usize * usize::from(picture.channels),
        left: ((size - picture.width) / 2) as usize * usize::from(picture.channels),
        top: ((size - picture.height) / 2) as usize,
        stride: size as usize * usize::from(picture.channels),
        rows: size as usize,
    };
    let pixels = match &picture.pixels {
        Pixels::U8(v) => Pixels::U8(place.copy(v)),
        Pixels::U16(v) => Pixels::U16(place.copy(v)),
    };
    Picture { width: size, height: size, channels: picture.channels, pixels }
}

/// Where a small picture lies in a larger one; all but the rows counted in samples.
struct Place {
    row: usize,
    left: usize,
    top: usize,
    stride: usize,
    rows: usize,
}

impl Place {
    fn copy<T: Copy + Default>(&self, samples: &[T]) -> Vec<T> {
        let mut out = vec![T::default(); self.stride * self.rows];
        let targets = out.chunks_exact_mut(self.stride).skip(self.top);
        for (source, target) in samples.chunks_exact(self.row).zip(targets) {
            target[self.left..self.left + self.row].copy_from_slice(source);
        }
        out
    }
}

/// A rectangle of a picture, in pixels.
#[derive(Clone, Copy)]
struct Part {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
}

impl Part {
    fn all(picture: &Picture) -> Self {
        Part { left: 0, top: 0, width: picture.width, height: picture.height }
    }
}

/// A part of the picture at another size.
fn resize(picture: &Picture, width: u32, height: u32, part: Part) -> Picture {
    let enlarges = width > part.width || height > part.height;
    let filter = if enlarges { FilterType::Bilinear } else { FilterType::Lanczos3 };
    let (across, down) = (block(part.width, width), block(part.height, height));
    let small;
    let (picture, [left, top, part_width, part_height]) = if (across, down) == (1, 1) {
        (picture, [part.left, part.top, part.width, part.height].map(f64::from))
    } else {
        small = averaged(picture, part, across, down);
        // The last column and row may stand for less than a block.
        let blocks = |side: u32, block: u32| f64::from(side) / f64::from(block);
        (&small, [0.0, 0.0, blocks(part.width, across), blocks(part.height, down)])
    };
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(filter))
        .crop(left, top, part_width, part_height)
        .use_alpha(false);
    let from = (picture.width, picture.height);
    let to = (width, height);
    let pixels = match (&picture.pixels, picture.channels) {
        (Pixels::U8(v), 1) => Pixels::U8(convolve8::<U8>(v, from, to, &options)),
        (Pixels::U8(v), _) => Pixels::U8(convolve8::<U8x3>(v, from, to, &options)),
        (Pixels::U16(v), 1) => {
            let source: Vec<U16> = v.iter().map(|&s| U16::new(s)).collect();
            Pixels::U16(convolve(&source, from, to, &options).iter().map(|p| p.0).collect())
        }
        (Pixels::U16(v), _) => {
            let source: Vec<U16x3> = v.chunks_exact(3).map(|s| U16x3::new([s[0], s[1], s[2]])).collect();
            Pixels::U16(convolve(&source, from, to, &options).iter().flat_map(|p| p.0).collect())
        }
    };
    Picture { width, height, channels: picture.channels, pixels }
}

/// One resampling of typed pixels. A source that does not fill its size (which [`Picture::new`] rules out)
/// gives black.
fn convolve<P: PixelTrait>(
    source: &[P],
    (width, height): (u32, u32),
    (to_width, to_height): (u32, u32),
    options: &ResizeOptions,
) -> Vec<P> {
    let mut target = TypedImage::<P>::new(to_width, to_height);
    if let Ok(view) = TypedImageRef::<P>::new(width, height, source) {
        // The only errors are a part outside the picture and a filter without support; neither can be here.
        let _ = Resizer::new().resize_typed(&view, &mut target, options);
    }
    target.pixels().to_vec()
}

/// As [`convolve`] for pixels of bytes, which need no copy to be typed.
fn convolve8<P: PixelTrait>(
    source: &[u8],
    (width, height): (u32, u32),
    (to_width, to_height): (u32, u32),
    options: &ResizeOptions,
) -> Vec<u8> {
    let mut out = vec![0; to_width as usize * to_height as usize * size_of::<P>()];
    let source = TypedImageRef::<P>::from_buffer(width, height, source);
    let target = TypedImage::<P>::from_buffer(to_width, to_height, &mut out);
    if let (Ok(source), Ok(mut target)) = (source, target) {
        let _ = Resizer::new().resize_typed(&source, &mut target, options);
    }
    out
}

/// Pixels along one side of the blocks that are averaged before `from` pixels become `to`.
fn block(from: u32, to: u32) -> u32 {
    (from / to.saturating_mul(SPARE).max(1)).clamp(1, MAX_BLOCK)
}

/// A part of the picture with each block of `across * down` pixels as one; the blocks at the right and at the
/// bottom may be smaller.
fn averaged(picture: &Picture, part: Part, across: u32, down: u32) -> Picture {
    let (row, block) = (picture.width as usize, (across as usize, down as usize));
    let pixels = match (&picture.pixels, picture.channels) {
        (Pixels::U8(v), 1) => Pixels::U8(average::<u8, 1>(v, row, part, block)),
        (Pixels::U8(v), _) => Pixels::U8(average::<u8, 3>(v, row, part, block)),
        (Pixels::U16(v), 1) => Pixels::U16(average::<u16, 1>(v, row, part, block)),
        (Pixels::U16(v), _) => Pixels::U16(average::<u16, 3>(v, row, part, block)),
    };
    let (width, height) = (part.width.div_ceil(across), part.height.div_ceil(down));
    Picture { width, height, channels: picture.channels, pixels }
}

/// A sample that can be averaged.
trait Sample: Copy {
    /// Holds the sum of [`MAX_BLOCK`] samples; narrow, so that many are added at once.
    type Sum: Copy + Default + AddAssign + Into<u32>;

    fn widen(self) -> Self::Sum;

    /// The mean of samples, which is in their range.
    fn of_mean(mean: u32) -> Self;
}

impl Sample for u8 {
    type Sum = u16;

    fn widen(self) -> u16 {
        self.into()
    }

    fn of_mean(mean: u32) -> u8 {
        mean as u8
    }
}

impl Sample for u16 {
    type Sum = u32;

    fn widen(self) -> u32 {
        self.into()
    }

    fn of_mean(mean: u32) -> u16 {
        mean as u16
    }
}

/// Means of blocks, of `C` channels. `row` is the width of the picture in pixels.
fn average<T: Sample, const C: usize>(
    samples: &[T],
    row: usize,
    part: Part,
    (across, down): (usize, usize),
) -> Vec<T> {
    let [left, top, width, height] = [part.left, part.top, part.width, part.height].map(|v| v as usize);
    let stride = (row * C).max(1);
    let rows = samples.get(top * stride..(top + height) * stride).unwrap_or_default();
    let mut out = Vec::with_capacity(width.div_ceil(across) * height.div_ceil(down) * C);
    let mut columns = vec![T::Sum::default(); width * C];
    for rows in rows.chunks(down * stride) {
        columns.fill(T::Sum::default());
        for row in rows.chunks_exact(stride) {
            for (sum, &sample) in columns.iter_mut().zip(&row[left * C..]) {
                *sum += sample.widen();
            }
        }
        let tall = rows.len() / stride;
        let whole = Mean::of(across * tall);
        for block in columns.chunks(across * C) {
            let mut sums = [0_u32; C];
            for pixel in block.chunks_exact(C) {
                for (sum, &value) in sums.iter_mut().zip(pixel) {
                    let value: u32 = value.into();
                    *sum += value;
                }
            }
            let wide = block.len() / C;
            let mean = if wide == across { whole } else { Mean::of(wide * tall) };
            out.extend_from_slice(&sums.map(|sum| T::of_mean(mean.round(sum))));
        }
    }
    out
}

/// Division by a number of samples, as a multiplication: exact for sums of a block.
#[derive(Clone, Copy)]
struct Mean {
    half: u64,
    reciprocal: u64,
}

impl Mean {
    /// More than the bits of the largest sum (28) and of the largest count (12).
    const SHIFT: u32 = 41;

    fn of(count: usize) -> Self {
        let count = (count as u64).max(1);
        Mean { half: count / 2, reciprocal: (1_u64 << Self::SHIFT).div_ceil(count) }
    }

    /// The quotient, rounded half up.
    fn round(self, sum: u32) -> u32 {
        (((u64::from(sum) + self.half) * self.reciprocal) >> Self::SHIFT) as u32
    }
}
