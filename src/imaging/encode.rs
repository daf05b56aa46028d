//! PNG writing: 8 or 16 bit, grey or colour, with text chunks and, for drawings, their size on paper.
//!
//! The same picture and text give the same bytes: no time, no path and no machine enters the file.

use png::text_metadata::ITXtChunk;
use png::{BitDepth, ColorType, Encoder, PixelDimensions, Unit};

use super::picture::{Picture, Pixels};

/// An inch in metres.
const INCH: f64 = 0.0254;

/// Why a picture could not be written as PNG.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error("the picture cannot be written as PNG: {0}")]
    Png(#[from] png::EncodingError),
    #[error("the picture has {0} channels; PNG files are written with 1 or 3")]
    Channels(u8),
    #[error("\"{0}\" is no key of a PNG text; use 1 to 79 Latin letters")]
    Key(String),
}

/// True where every character is Latin-1, which is what a tEXt chunk can hold.
fn is_latin1(text: &str) -> bool {
    text.chars().all(|c| u32::from(c) < 256)
}

/// A PNG file of the picture. A text value becomes a tEXt chunk where it is Latin-1, else an iTXt chunk.
///
/// # Errors
/// A key that is empty, longer than 79 letters or not Latin-1; a picture whose samples do not fit its size.
pub fn png(picture: &Picture, text: &[(&str, &str)]) -> Result<Vec<u8>, EncodeError> {
    written(picture, text, None)
}

/// As [`png`], for a drawing that is as large on paper as so many pixels an inch make it (a pHYs chunk).
///
/// # Errors
/// As [`png`].
pub fn png_of_density(
    picture: &Picture,
    text: &[(&str, &str)],
    per_inch: f64,
) -> Result<Vec<u8>, EncodeError> {
    let per_metre = (per_inch / INCH).round() as u32;
    let density = PixelDimensions { xppu: per_metre, yppu: per_metre, unit: Unit::Meter };
    written(picture, text, Some(density))
}

fn written(
    picture: &Picture,
    text: &[(&str, &str)],
    density: Option<PixelDimensions>,
) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, picture.width, picture.height);
    encoder.set_color(match picture.channels {
        1 => ColorType::Grayscale,
        3 => ColorType::Rgb,
        other => return Err(EncodeError::Channels(other)),
    });
    encoder.set_pixel_dims(density);
    for (key, value) in text {
        if !is_latin1(key) || !(1..=79).contains(&key.chars().count()) {
            return Err(EncodeError::Key((*key).to_owned()));
        }
        if is_latin1(value) {
            encoder.add_text_chunk((*key).to_owned(), (*value).to_owned())?;
        }
    }
    let bytes = match &picture.pixels {
        Pixels::U8(v) => {
            encoder.set_depth(BitDepth::Eight);
            v.clone()
        }
        Pixels::U16(v) => {
            encoder.set_depth(BitDepth::Sixteen);
            v.iter().flat_map(|s| s.to_be_bytes()).collect()
        }
    };
    let mut writer = encoder.write_header()?;
    for (key, value) in text.iter().filter(|(_, value)| !is_latin1(value)) {
        writer.write_text_chunk(&ITXtChunk::new(*key, *value))?;
    }
    writer.write_image_data(&bytes)?;
    writer.finish()?;
    Ok(out)
}
