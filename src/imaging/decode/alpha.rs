//! Decoded samples to a [`Picture`]: transparent pixels are composited on black.

use image::DynamicImage;

use super::super::picture::{Picture, Pixels};
use super::{DecodeError, Format};

/// Composites on black and says whether any pixel was transparent.
pub(super) fn composite(image: DynamicImage, format: Format) -> Result<(Picture, bool), DecodeError> {
    let (width, height) = (image.width(), image.height());
    let mut transparent = false;
    let (channels, pixels) = match image {
        DynamicImage::ImageLuma8(i) => (1, Pixels::U8(i.into_raw())),
        DynamicImage::ImageRgb8(i) => (3, Pixels::U8(i.into_raw())),
        DynamicImage::ImageLuma16(i) => (1, Pixels::U16(i.into_raw())),
        DynamicImage::ImageRgb16(i) => (3, Pixels::U16(i.into_raw())),
        DynamicImage::ImageLumaA8(i) => (1, Pixels::U8(on_black8(i.into_raw(), 2, &mut transparent))),
        DynamicImage::ImageRgba8(i) => (3, Pixels::U8(on_black8(i.into_raw(), 4, &mut transparent))),
        DynamicImage::ImageLumaA16(i) => (1, Pixels::U16(on_black16(&i.into_raw(), 2, &mut transparent))),
        DynamicImage::ImageRgba16(i) => (3, Pixels::U16(on_black16(&i.into_raw(), 4, &mut transparent))),
        other => {
            return Err(DecodeError::Unsupported {
                format: format.as_str(),
                what: format!("samples of the kind {:?}", other.color()),
            });
        }
    };
    let picture = Picture::new(width, height, channels, pixels).ok_or(DecodeError::NoPixels)?;
    Ok((picture, transparent))
}

/// Drops the last of `step` samples of each pixel after multiplying the others with it; rounded.
fn on_black8(mut samples: Vec<u8>, step: usize, transparent: &mut bool) -> Vec<u8> {
    let (mut write, colours) = (0, step - 1);
    for read in (0..samples.len()).step_by(step) {
        let alpha = u32::from(samples[read + colours]);
        *transparent |= alpha < 255;
        for offset in 0..colours {
            let value = u32::from(samples[read + offset]);
            samples[write] = ((value * alpha + 127) / 255) as u8;
            write += 1;
        }
    }
    samples.truncate(write);
    samples
}

/// As [`on_black8`] for 16 bit.
fn on_black16(samples: &[u16], step: usize, transparent: &mut bool) -> Vec<u16> {
    let mut out = Vec::with_capacity(samples.len() / step * (step - 1));
    for pixel in samples.chunks_exact(step) {
        let alpha = u64::from(pixel[step - 1]);
        *transparent |= alpha < 65_535;
        out.extend(pixel[..step - 1].iter().map(|&v| ((u64::from(v) * alpha + 32_767) / 65_535) as u16));
    }
    out
}
