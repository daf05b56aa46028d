//! Images of any shape to square training images, and shrinking with the shape kept.
//!
//! Knows no files. Depth and channels are kept. Shrinking uses Lanczos, enlarging bilinear interpolation.

use std::str::FromStr;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3, U16, U16x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use serde::{Deserialize, Serialize};

use super::picture::{Picture, Pixels};

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
        Fit::Stretch => resize(picture, size, size, None),
        Fit::Crop => {
            let side = f64::from(picture.width.min(picture.height));
            let left = (f64::from(picture.width) - side) / 2.0;
            let top = (f64::from(picture.height) - side) / 2.0;
            resize(picture, size, size, Some([left.floor(), top.floor(), side, side]))
        }
        Fit::Pad => {
            let (width, height) = within(picture.width, picture.height, size);
            centred(&resize(picture, width, height, None), size)
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
    resize(picture, width, height, None)
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

/// The picture (or its part `[left, top, width, height]`) at another size.
fn resize(picture: &Picture, width: u32, height: u32, part: Option<[f64; 4]>) -> Picture {
    let [left, top, part_width, part_height] =
        part.unwrap_or([0.0, 0.0, f64::from(picture.width), f64::from(picture.height)]);
    let enlarges = f64::from(width) > part_width || f64::from(height) > part_height;
    let filter = if enlarges { FilterType::Bilinear } else { FilterType::Lanczos3 };
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(filter))
        .crop(left, top, part_width, part_height)
        .use_alpha(false);
    let from = (picture.width, picture.height);
    let to = (width, height);
    let pixels = match (&picture.pixels, picture.channels) {
        (Pixels::U8(v), 1) => {
            let source: Vec<U8> = v.iter().map(|&s| U8::new(s)).collect();
            Pixels::U8(convolve(&source, from, to, &options).iter().map(|p| p.0).collect())
        }
        (Pixels::U8(v), _) => {
            let source: Vec<U8x3> = v.chunks_exact(3).map(|s| U8x3::new([s[0], s[1], s[2]])).collect();
            Pixels::U8(convolve(&source, from, to, &options).iter().flat_map(|p| p.0).collect())
        }
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
