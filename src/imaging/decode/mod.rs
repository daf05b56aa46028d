//! The one door from image files to pixels.
//!
//! Order of things: size of the file, signature, header, limits, and only then pixels. Every decoder runs
//! with panics caught. A file whose decoding is bounded by its size runs where it is called; a larger or
//! suspiciously small one runs on a named thread of its own that is given up after [`Limits::timeout`] (see
//! [`watch`]).
//!
//! Formats are told by content, never by name. Transparent pixels are composited on black, the colour that
//! padding has too. EXIF orientation is applied. 16 bit stay 16 bit; 1, 2 and 4 bit become 8.

mod alpha;
mod header;
mod jpeg;
mod palette;
pub mod watch;

use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use image::codecs::{bmp::BmpDecoder, gif::GifDecoder, jpeg::JpegDecoder, png::PngDecoder};
use image::codecs::{pnm::PnmDecoder, tiff::TiffDecoder, webp::WebPDecoder};
use image::error::UnsupportedErrorKind;
use image::{DynamicImage, ImageDecoder, ImageError};

use super::picture::Picture;
use crate::domain::samples::ImageInfo;
use header::Probe;

/// What a file may cost. Checked from the header, before any pixel is decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Pixels along one side.
    pub max_side: u32,
    /// Pixels in all.
    pub max_pixels: u64,
    /// Bytes of the file.
    pub max_bytes: u64,
    /// Bytes a decoder may hold at once.
    pub max_alloc: u64,
    /// A decode that takes longer is reported and given up.
    pub timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_side: 32_768,
            max_pixels: 100_000_000,
            max_bytes: 512 << 20,
            max_alloc: 1 << 30,
            timeout: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// Sides are checked here and not by the decoders, so that the reason is always the same.
    fn for_decoder(&self) -> image::Limits {
        let mut limits = image::Limits::no_limits();
        limits.max_alloc = Some(self.max_alloc);
        limits
    }

    fn check_file(&self, bytes: u64) -> Result<(), DecodeError> {
        if bytes == 0 {
            return Err(DecodeError::Empty);
        }
        if bytes > self.max_bytes {
            return Err(DecodeError::FileTooLarge { bytes, max: self.max_bytes });
        }
        Ok(())
    }

    fn check_probe(&self, probe: &Probe) -> Result<(), DecodeError> {
        let (width, height) = (probe.width, probe.height);
        if width == 0 || height == 0 {
            return Err(DecodeError::NoPixels);
        }
        let pixels = u64::from(width) * u64::from(height);
        if width > self.max_side || height > self.max_side || pixels > self.max_pixels {
            return Err(DecodeError::TooManyPixels {
                width,
                height,
                max_side: self.max_side,
                max_pixels: self.max_pixels,
            });
        }
        if probe.memory() > self.max_alloc {
            return Err(DecodeError::TooMuchMemory { max: self.max_alloc });
        }
        Ok(())
    }
}

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    Png,
    Jpeg,
    Tiff,
    Bmp,
    WebP,
    Pnm,
    Gif,
}

impl Format {
    pub const ALL: [Format; 7] =
        [Format::Png, Format::Jpeg, Format::Tiff, Format::Bmp, Format::WebP, Format::Pnm, Format::Gif];

    pub const fn as_str(self) -> &'static str {
        match self {
            Format::Png => "PNG",
            Format::Jpeg => "JPEG",
            Format::Tiff => "TIFF",
            Format::Bmp => "BMP",
            Format::WebP => "WebP",
            Format::Pnm => "PNM",
            Format::Gif => "GIF",
        }
    }

    /// File name extensions of the format, lower case.
    pub const fn extensions(self) -> &'static [&'static str] {
        match self {
            Format::Png => &["png", "apng"],
            Format::Jpeg => &["jpg", "jpeg", "jpe", "jfif"],
            Format::Tiff => &["tif", "tiff"],
            Format::Bmp => &["bmp", "dib"],
            Format::WebP => &["webp"],
            Format::Pnm => &["pnm", "pbm", "pgm", "ppm", "pam"],
            Format::Gif => &["gif"],
        }
    }

    /// The format that a file's name promises.
    pub fn of_name(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        Format::ALL.into_iter().find(|f| f.extensions().contains(&extension.as_str()))
    }
}

/// True where the name ends like an image that is read here.
pub fn is_image_extension(path: &Path) -> bool {
    Format::of_name(path).is_some()
}

/// What was done to an image, or should be known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Note {
    /// GIF, animated PNG and WebP, TIFF with several pages: the first is read.
    FirstFrame,
    /// The file has an alpha channel; transparent pixels are composited on black.
    AlphaComposited,
    /// The name promises another format than the content has, or none.
    WrongExtension,
    /// CMYK was converted to red, green and blue without a colour profile.
    Cmyk,
    /// The orientation in the file's metadata was applied.
    Oriented,
}

impl Note {
    /// Said of one image or of many.
    pub const fn sentence(self) -> &'static str {
        match self {
            Note::FirstFrame => "only the first frame or page is read",
            Note::AlphaComposited => "transparent pixels are composited on black",
            Note::WrongExtension => "the name does not say the format; the content decides",
            Note::Cmyk => "CMYK is converted to RGB without a colour profile",
            Note::Oriented => "the orientation in the file's metadata is applied",
        }
    }
}

/// What the start of a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub format: Format,
    pub info: ImageInfo,
    pub notes: Vec<Note>,
}

/// An image and what was done to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    pub picture: Picture,
    pub notes: Vec<Note>,
}

/// Why a file is no image to us. The sentences have no path in them: callers put it last.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("the file is empty")]
    Empty,
    #[error("it is not a regular file")]
    NotAFile,
    #[error("the file cannot be read ({0})")]
    Io(#[source] io::Error),
    #[error("its content is none of PNG, JPEG, TIFF, BMP, WebP, PNM and GIF")]
    UnknownFormat,
    #[error("the file has {bytes} bytes, more than the {max} that are allowed")]
    FileTooLarge { bytes: u64, max: u64 },
    #[error("its {width} x {height} pixels are more than {max_side} a side or {max_pixels} in all")]
    TooManyPixels { width: u32, height: u32, max_side: u32, max_pixels: u64 },
    #[error("decoding would need more than the {max} bytes that are allowed")]
    TooMuchMemory { max: u64 },
    #[error("the image has no pixels")]
    NoPixels,
    #[error("its {format} content is damaged or cut short ({reason})")]
    Damaged { format: &'static str, reason: String },
    #[error("its {format} content has {what}, which is not read; save it as 8 or 16 bit PNG")]
    Unsupported { format: &'static str, what: String },
    #[error("the {format} decoder failed on it")]
    Panicked { format: &'static str },
    #[error("decoding took longer than {seconds} s and was given up")]
    TimedOut { seconds: u64 },
    #[error("{0} decodes that were given up still run; restart the program to read this one")]
    Stuck(usize),
    #[error("no thread could be started to decode it ({0})")]
    Thread(#[source] io::Error),
    #[error("decoding was cancelled")]
    Cancelled,
}

impl DecodeError {
    fn of(format: Format, limits: &Limits, error: ImageError) -> Self {
        let format = format.as_str();
        match error {
            ImageError::IoError(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                DecodeError::Damaged { format, reason: "the file ends too early".to_owned() }
            }
            ImageError::IoError(e) if e.raw_os_error().is_some() => DecodeError::Io(e),
            ImageError::Limits(_) => DecodeError::TooMuchMemory { max: limits.max_alloc },
            ImageError::Unsupported(e) => {
                let what = match e.kind() {
                    UnsupportedErrorKind::Color(c) | UnsupportedErrorKind::ColorLayout(c) => {
                        format!("samples of the kind {c:?}")
                    }
                    UnsupportedErrorKind::GenericFeature(feature) => feature,
                    _ => e.to_string(),
                };
                DecodeError::Unsupported { format, what }
            }
            other => DecodeError::Damaged { format, reason: one_line(&other.to_string()) },
        }
    }
}

/// The text in one line of at most 200 characters, without control characters: it comes from a hostile file.
fn one_line(text: &str) -> String {
    let words: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn regular(path: &Path) -> Result<Metadata, DecodeError> {
    let metadata = std::fs::metadata(path).map_err(DecodeError::Io)?;
    if metadata.is_file() { Ok(metadata) } else { Err(DecodeError::NotAFile) }
}

/// Opens a regular file within the limits and reads its signature. The reader stands at the start again.
fn open(path: &Path, limits: &Limits) -> Result<(BufReader<File>, Option<Format>, u64), DecodeError> {
    // Looked at before it is opened: opening a pipe would wait for its writer.
    let bytes = regular(path)?.len();
    limits.check_file(bytes)?;
    let mut reader = BufReader::with_capacity(4096, File::open(path).map_err(DecodeError::Io)?);
    let mut start = [0_u8; header::SIGNATURE];
    let mut filled = 0;
    while filled < start.len() {
        match reader.read(&mut start[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(DecodeError::Io(e)),
        }
    }
    reader.seek_relative(-(filled as i64)).map_err(DecodeError::Io)?;
    let format = header::sniff(&start[..filled], is_image_extension(path));
    Ok((reader, format, bytes))
}

/// The format that the content of a file has, whatever its name; `None` where it is none of ours.
///
/// # Errors
/// The file is empty, too large or cannot be read.
pub fn signature(path: &Path, limits: &Limits) -> Result<Option<Format>, DecodeError> {
    open(path, limits).map(|(_, format, _)| format)
}

/// True for a file of DICOM, which is none of ours, by its name or by the mark behind its preamble (PS3.10, 7.1).
///
/// For a file that [`signature`] could open.
pub(super) fn is_dicom(path: &Path) -> bool {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("dcm")) {
        return true;
    }
    let mut start = [0_u8; 132];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start.ends_with(b"DICM")
}

/// Reads the header alone: a few kilobytes, whatever the size of the file.
///
/// # Errors
/// The file cannot be read, is no image, or exceeds a limit.
pub fn header(path: &Path, limits: &Limits) -> Result<Header, DecodeError> {
    let (mut reader, format, bytes) = open(path, limits)?;
    let format = format.ok_or(DecodeError::UnknownFormat)?;
    let probe = probe(&mut reader, format, bytes, limits)?;
    let mut notes = probe.notes.clone();
    if Format::of_name(path) != Some(format) {
        notes.push(Note::WrongExtension);
    }
    Ok(Header { format, info: probe.info(bytes), notes })
}

/// Decodes a file.
///
/// # Errors
/// As [`header`], and whatever is wrong with the pixels; more than [`Limits::timeout`] of decoding.
pub fn decode(path: &Path, limits: &Limits) -> Result<Decoded, DecodeError> {
    decode_while(path, limits, &|| true).map(|(_, decoded)| decoded)
}

/// As [`decode`], with what the header says, and gives up with [`DecodeError::Cancelled`] soon after `go_on`
/// says no.
pub(super) fn decode_while(
    path: &Path,
    limits: &Limits,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Result<(ImageInfo, Decoded), DecodeError> {
    let (mut reader, format, bytes) = open(path, limits)?;
    let format = format.ok_or(DecodeError::UnknownFormat)?;
    let (probe, mut decoded) = if watch::is_large(bytes) {
        let probe = probe(&mut reader, format, bytes, limits)?;
        reader.rewind().map_err(DecodeError::Io)?;
        let (owned, limits_of_thread) = (probe.clone(), limits.clone());
        let reader = BufReader::with_capacity(64 * 1024, reader.into_inner());
        let work = move || pixels(reader, &owned, &limits_of_thread);
        let decoded = watch::run(probe.memory() + bytes, limits, go_on, work)?;
        (probe, decoded)
    } else {
        let mut content = Vec::with_capacity(bytes as usize);
        // A file that grows while it is read stays within what its metadata said.
        reader.take(bytes).read_to_end(&mut content).map_err(DecodeError::Io)?;
        decode_content(content, format, limits, go_on)?
    };
    if Format::of_name(path) != Some(format) {
        decoded.notes.push(Note::WrongExtension);
    }
    Ok((probe.info(bytes), decoded))
}

/// Decodes a file that is in memory.
///
/// # Errors
/// As [`decode`].
pub fn decode_bytes(bytes: &[u8], limits: &Limits) -> Result<Decoded, DecodeError> {
    let size = bytes.len() as u64;
    limits.check_file(size)?;
    let start = &bytes[..bytes.len().min(header::SIGNATURE)];
    let format = header::sniff(start, true).ok_or(DecodeError::UnknownFormat)?;
    decode_content(bytes, format, limits, &|| true).map(|(_, decoded)| decoded)
}

/// Decodes what is in memory; it is copied only where it is borrowed and a thread must own it.
fn decode_content<C: AsRef<[u8]> + Into<Vec<u8>>>(
    content: C,
    format: Format,
    limits: &Limits,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Result<(Probe, Decoded), DecodeError> {
    let bytes = content.as_ref().len() as u64;
    let probe = probe(&mut Cursor::new(content.as_ref()), format, bytes, limits)?;
    let passes = if format == Format::Jpeg { jpeg::scans(content.as_ref()) } else { 1 };
    if !watch::is_needed(probe.pixels(), passes, bytes) {
        let decoded = pixels(Cursor::new(content.as_ref()), &probe, limits)?;
        return Ok((probe, decoded));
    }
    let (owned, limits_of_thread) = (probe.clone(), limits.clone());
    let content: Vec<u8> = content.into();
    let work = move || pixels(Cursor::new(content), &owned, &limits_of_thread);
    let decoded = watch::run(probe.memory() + bytes, limits, go_on, work)?;
    Ok((probe, decoded))
}

/// The header of an open file, checked against the limits; the reader stands anywhere afterwards.
fn probe<R: BufRead + Seek>(
    reader: &mut R,
    format: Format,
    bytes: u64,
    limits: &Limits,
) -> Result<Probe, DecodeError> {
    let caught = catch_unwind(AssertUnwindSafe(|| header::probe(reader, format, bytes, limits)));
    let probe = caught.unwrap_or(Err(DecodeError::Panicked { format: format.as_str() }))?;
    limits.check_probe(&probe)?;
    Ok(probe)
}

/// Decodes what was probed, with panics of the decoder caught. The reader stands at the start.
fn pixels<R: BufRead + Seek>(reader: R, probe: &Probe, limits: &Limits) -> Result<Decoded, DecodeError> {
    let caught = catch_unwind(AssertUnwindSafe(|| read_pixels(reader, probe, limits)));
    caught.unwrap_or(Err(DecodeError::Panicked { format: probe.format.as_str() }))
}

fn read_pixels<R: BufRead + Seek>(reader: R, probe: &Probe, limits: &Limits) -> Result<Decoded, DecodeError> {
    let fail = |error| DecodeError::of(probe.format, limits, error);
    let image = match probe.format {
        Format::Png => PngDecoder::with_limits(reader, limits.for_decoder()).and_then(|d| read(d, limits)),
        Format::Jpeg => JpegDecoder::new(reader).and_then(|d| read(d, limits)),
        Format::Tiff => TiffDecoder::new(reader).and_then(|d| read(d, limits)),
        Format::Bmp => BmpDecoder::new(reader).and_then(|d| read(d, limits)),
        Format::WebP => WebPDecoder::new(reader).and_then(|d| read(d, limits)),
        Format::Pnm => PnmDecoder::new(reader).and_then(|d| read(d, limits)),
        Format::Gif => GifDecoder::new(reader).and_then(|d| read(d, limits)),
    };
    let mut image = image.map_err(fail)?;
    image.apply_orientation(probe.orientation);
    let (picture, transparent) = alpha::composite(image, probe.format)?;
    let picture = picture.into_channels(probe.channels);
    let mut notes = probe.notes.clone();
    // The header can only say that there is an alpha channel; here it is known whether it does anything.
    notes.retain(|&note| note != Note::AlphaComposited);
    if transparent {
        notes.push(Note::AlphaComposited);
    }
    Ok(Decoded { picture, notes })
}

fn read(mut decoder: impl ImageDecoder, limits: &Limits) -> Result<DynamicImage, ImageError> {
    decoder.set_limits(limits.for_decoder())?;
    DynamicImage::from_decoder(decoder)
}
