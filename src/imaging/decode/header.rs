//! What the start of a file says: format, size, samples, orientation. Reads kilobytes, decodes nothing.

use std::io::{BufRead, Read as _, Seek, SeekFrom};

use image::codecs::{bmp::BmpDecoder, gif::GifDecoder, png::PngDecoder};
use image::codecs::{pnm::PnmDecoder, tiff::TiffDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{ColorType, ExtendedColorType, ImageDecoder, ImageError};

use super::{DecodeError, Format, Limits, Note, jpeg, palette};
use crate::domain::samples::ImageInfo;

/// Bytes that tell the format.
pub(super) const SIGNATURE: usize = 32;

/// A header, before the orientation is applied.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    pub format: Format,
    /// As stored.
    pub width: u32,
    /// As stored.
    pub height: u32,
    /// 1 or 3, without alpha.
    pub channels: u8,
    /// 8 or 16, as decoded.
    pub bits: u8,
    /// Bytes of a pixel while it is decoded (with alpha).
    pub bytes_per_pixel: u8,
    pub orientation: Orientation,
    pub notes: Vec<Note>,
}

impl Probe {
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Bytes of the decoded image.
    pub fn memory(&self) -> u64 {
        self.pixels().saturating_mul(u64::from(self.bytes_per_pixel))
    }

    pub fn info(&self, bytes: u64) -> ImageInfo {
        let turned = matches!(
            self.orientation,
            Orientation::Rotate90
                | Orientation::Rotate270
                | Orientation::Rotate90FlipH
                | Orientation::Rotate270FlipH
        );
        let (width, height) = if turned { (self.height, self.width) } else { (self.width, self.height) };
        ImageInfo { width, height, channels: self.channels, bits: self.bits, bytes }
    }
}

/// The format of a file that starts like this.
///
/// `promised` is true where the name has a known extension. Without it the short signatures of BMP and PNM
/// need a plausible header behind them: a text that begins with "BM" or "P1" is no image.
pub(super) fn sniff(start: &[u8], promised: bool) -> Option<Format> {
    if start.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some(Format::Png);
    }
    if start.starts_with(&[0xff, 0xd8, 0xff]) {
        return Some(Format::Jpeg);
    }
    // 42 is TIFF, 43 BigTIFF.
    if [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"].iter().any(|s| start.starts_with(*s)) {
        return Some(Format::Tiff);
    }
    if start.starts_with(b"GIF87a") || start.starts_with(b"GIF89a") {
        return Some(Format::Gif);
    }
    if start.starts_with(b"RIFF") && start.get(8..12) == Some(b"WEBP".as_slice()) {
        return Some(Format::WebP);
    }
    if start.starts_with(b"BM") && (promised || is_plausible_bmp(start)) {
        return Some(Format::Bmp);
    }
    if let [b'P', kind @ b'1'..=b'7', rest @ ..] = start
        && (promised || is_plausible_pnm(*kind, rest))
    {
        return Some(Format::Pnm);
    }
    None
}

fn is_plausible_bmp(start: &[u8]) -> bool {
    let header_size = start.get(14..18).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    matches!(header_size, Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// White space behind the magic number, then a comment or a digit (or, for PAM, its first word).
fn is_plausible_pnm(kind: u8, rest: &[u8]) -> bool {
    if !rest.first().is_some_and(u8::is_ascii_whitespace) {
        return false;
    }
    match rest.iter().find(|b| !b.is_ascii_whitespace()) {
        Some(b'#') => true,
        Some(first) if kind == b'7' => first.is_ascii_uppercase(),
        Some(first) => first.is_ascii_digit(),
        None => false,
    }
}

/// Reads the header. The reader stands at the start before and anywhere after.
pub(super) fn probe<R: BufRead + Seek>(
    reader: &mut R,
    format: Format,
    bytes: u64,
    limits: &Limits,
) -> Result<Probe, DecodeError> {
    let fail = |error| DecodeError::of(format, limits, error);
    match format {
        Format::Jpeg => jpeg::probe(reader),
        Format::Png => {
            let mut probe = {
                let mut decoder =
                    PngDecoder::with_limits(&mut *reader, limits.for_decoder()).map_err(fail)?;
                let mut probe = of_decoder(&mut decoder, format).map_err(fail)?;
                if decoder.is_apng().map_err(fail)? {
                    probe.notes.push(Note::FirstFrame);
                }
                probe
            };
            narrow_palette(reader, &mut probe);
            Ok(probe)
        }
        Format::Tiff => {
            let mut probe = {
                let mut decoder = TiffDecoder::new(&mut *reader).map_err(fail)?;
                of_decoder(&mut decoder, format).map_err(fail)?
            };
            if has_second_page(reader) {
                probe.notes.push(Note::FirstFrame);
            }
            Ok(probe)
        }
        Format::Bmp => {
            let mut probe = {
                let mut decoder = BmpDecoder::new(&mut *reader).map_err(fail)?;
                of_decoder(&mut decoder, format).map_err(fail)?
            };
            narrow_palette(reader, &mut probe);
            Ok(probe)
        }
        Format::WebP => {
            let mut probe = {
                let decoder = WebPDecoder::new(&mut *reader).map_err(fail)?;
                let mut probe = of_samples(&decoder, format).map_err(fail)?;
                if decoder.has_animation() {
                    probe.notes.push(Note::FirstFrame);
                }
                probe
            };
            probe.turn(webp_orientation(reader, bytes));
            Ok(probe)
        }
        Format::Pnm => {
            let mut decoder = PnmDecoder::new(reader).map_err(fail)?;
            of_decoder(&mut decoder, format).map_err(fail)
        }
        Format::Gif => {
            let mut probe = {
                let mut decoder = GifDecoder::new(&mut *reader).map_err(fail)?;
                of_decoder(&mut decoder, format).map_err(fail)?
            };
            // Every GIF decodes with alpha; whether any of it is used is known after decoding.
            probe.notes = vec![Note::FirstFrame];
            narrow_palette(reader, &mut probe);
            Ok(probe)
        }
    }
}

impl Probe {
    /// Sets the orientation and notes it where it changes the image.
    pub fn turn(&mut self, orientation: Orientation) {
        self.orientation = orientation;
        if orientation != Orientation::NoTransforms {
            self.notes.push(Note::Oriented);
        }
    }
}

/// A palette of greys is a grey image.
fn narrow_palette<R: BufRead + Seek>(reader: &mut R, probe: &mut Probe) {
    if probe.channels == 3 && probe.bits == 8 && palette::is_grey(reader, probe.format) {
        probe.channels = 1;
    }
}

fn of_decoder(decoder: &mut impl ImageDecoder, format: Format) -> Result<Probe, ImageError> {
    let mut probe = of_samples(&*decoder, format)?;
    // A damaged orientation is no reason to refuse the image.
    probe.turn(decoder.orientation().unwrap_or(Orientation::NoTransforms));
    Ok(probe)
}

fn of_samples(decoder: &impl ImageDecoder, format: Format) -> Result<Probe, ImageError> {
    let (width, height) = decoder.dimensions();
    let colour = decoder.color_type();
    let (channels, bits) = match colour {
        ColorType::L8 | ColorType::La8 => (1, 8),
        ColorType::L16 | ColorType::La16 => (1, 16),
        ColorType::Rgb8 | ColorType::Rgba8 => (3, 8),
        ColorType::Rgb16 | ColorType::Rgba16 => (3, 16),
        // 32-bit float: there is no scale that turns it into 8 or 16 bit without guessing.
        other => {
            let kind = image::error::UnsupportedErrorKind::Color(other.into());
            let hint = image::error::ImageFormatHint::Unknown;
            let error = image::error::UnsupportedError::from_format_and_kind(hint, kind);
            return Err(ImageError::Unsupported(error));
        }
    };
    let mut notes = Vec::new();
    if colour.has_alpha() {
        notes.push(Note::AlphaComposited);
    }
    if matches!(decoder.original_color_type(), ExtendedColorType::Cmyk8 | ExtendedColorType::Cmyk16) {
        notes.push(Note::Cmyk);
    }
    let bytes_per_pixel = colour.bytes_per_pixel();
    let orientation = Orientation::NoTransforms;
    Ok(Probe { format, width, height, channels, bits, bytes_per_pixel, orientation, notes })
}

/// True where a TIFF file has a page behind the first.
fn has_second_page<R: BufRead + Seek>(reader: &mut R) -> bool {
    fn next<R: BufRead + Seek>(reader: &mut R) -> std::io::Result<u64> {
        reader.seek(SeekFrom::Start(0))?;
        let mut head = [0_u8; 16];
        reader.read_exact(&mut head[..8])?;
        let little = head[0] == b'I';
        let u16_of = |b: [u8; 2]| if little { u16::from_le_bytes(b) } else { u16::from_be_bytes(b) };
        let u32_of = |b: [u8; 4]| if little { u32::from_le_bytes(b) } else { u32::from_be_bytes(b) };
        let u64_of = |b: [u8; 8]| if little { u64::from_le_bytes(b) } else { u64::from_be_bytes(b) };
        let mut eight = [0_u8; 8];
        if u16_of([head[2], head[3]]) == 43 {
            reader.read_exact(&mut eight)?;
            reader.seek(SeekFrom::Start(u64_of(eight)))?;
            reader.read_exact(&mut eight)?;
            // 20 bytes an entry; a hostile count ends behind the file and reads nothing.
            let entries = i64::try_from(u64_of(eight)).unwrap_or(i64::MAX / 20).min(i64::MAX / 20);
            reader.seek(SeekFrom::Current(entries * 20))?;
            reader.read_exact(&mut eight)?;
            return Ok(u64_of(eight));
        }
        reader.seek(SeekFrom::Start(u32_of([head[4], head[5], head[6], head[7]]).into()))?;
        let mut two = [0_u8; 2];
        reader.read_exact(&mut two)?;
        reader.seek(SeekFrom::Current(i64::from(u16_of(two)) * 12))?;
        let mut four = [0_u8; 4];
        reader.read_exact(&mut four)?;
        Ok(u32_of(four).into())
    }
    next(reader).is_ok_and(|offset| offset > 0)
}

/// The orientation in a WebP file's EXIF chunk. Read here because a chunk's length is not checked elsewhere.
fn webp_orientation<R: BufRead + Seek>(reader: &mut R, bytes: u64) -> Orientation {
    fn exif<R: BufRead + Seek>(reader: &mut R, bytes: u64) -> std::io::Result<Vec<u8>> {
        let mut at = 12;
        let mut head = [0_u8; 8];
        while at + 8 <= bytes {
            reader.seek(SeekFrom::Start(at))?;
            reader.read_exact(&mut head)?;
            let size = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
            if head.starts_with(b"EXIF") {
                let mut chunk = Vec::new();
                reader.by_ref().take(size.min(64 * 1024)).read_to_end(&mut chunk)?;
                return Ok(chunk);
            }
            at = at.saturating_add(8).saturating_add(size + size % 2);
        }
        Ok(Vec::new())
    }
    let chunk = exif(reader, bytes).unwrap_or_default();
    let tiff = chunk.strip_prefix(b"Exif\0\0".as_slice()).unwrap_or(&chunk);
    Orientation::from_exif_chunk(tiff).unwrap_or(Orientation::NoTransforms)
}
