//! The header of a JPEG file: its markers up to the frame. Read here because the decoder wants the whole
//! file.

use std::io::{self, BufRead, Read as _, Seek};

use image::metadata::Orientation;

use super::header::Probe;
use super::{DecodeError, Format, Note};

/// Segments that are looked at before the frame must have come.
const MAX_SEGMENTS: usize = 4096;

fn damaged(reason: &str) -> DecodeError {
    DecodeError::Damaged { format: "JPEG", reason: reason.to_owned() }
}

fn of_io(error: io::Error) -> DecodeError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => damaged("the file ends before its header does"),
        _ => DecodeError::Io(error),
    }
}

/// Size, samples and orientation of a JPEG file. The reader stands at the start.
pub(super) fn probe<R: BufRead + Seek>(reader: &mut R) -> Result<Probe, DecodeError> {
    let mut two = [0_u8; 2];
    reader.read_exact(&mut two).map_err(of_io)?;
    let mut orientation = Orientation::NoTransforms;
    for _ in 0..MAX_SEGMENTS {
        let marker = next_marker(reader)?;
        match marker {
            // Without a length: padding, restarts, a second start.
            0x00 | 0x01 | 0xd0..=0xd8 => continue,
            0xd9 | 0xda => return Err(damaged("pixels begin before the frame is described")),
            _ => {}
        }
        reader.read_exact(&mut two).map_err(of_io)?;
        let length = u64::from(u16::from_be_bytes(two));
        let Some(length) = length.checked_sub(2) else {
            return Err(damaged("a segment has an impossible length"));
        };
        match marker {
            0xc0..=0xc2 => return frame(reader, length, orientation),
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Err(DecodeError::Unsupported {
                    format: "JPEG",
                    what: "lossless, hierarchical or arithmetic coding".to_owned(),
                });
            }
            0xe1 => {
                let mut segment = Vec::new();
                let read = reader.by_ref().take(length).read_to_end(&mut segment).map_err(of_io)?;
                if (read as u64) < length {
                    return Err(damaged("the file ends before its header does"));
                }
                if let Some(tiff) = segment.strip_prefix(b"Exif\0\0".as_slice()) {
                    orientation = Orientation::from_exif_chunk(tiff).unwrap_or(orientation);
                }
            }
            _ => reader.seek_relative(length as i64).map_err(of_io)?,
        }
    }
    Err(damaged("it has no frame"))
}

/// How often a decoder may go over the pixels: each scan begins with a marker, which compressed pixels never
/// look like. A few bytes of header make a scan, so the size of the file does not bound the work.
pub(super) fn scans(content: &[u8]) -> u64 {
    (content.windows(2).filter(|pair| matches!(pair, [0xff, 0xda])).count() as u64).max(1)
}

/// The next marker's second byte; bytes between segments are skipped as decoders do.
fn next_marker<R: BufRead>(reader: &mut R) -> Result<u8, DecodeError> {
    // Junk is bounded so that a large file of zeros ends soon.
    let mut bounded = reader.take(64 * 1024);
    let mut byte = [0_u8; 1];
    loop {
        bounded.read_exact(&mut byte).map_err(of_io)?;
        if byte[0] != 0xff {
            continue;
        }
        while byte[0] == 0xff {
            bounded.read_exact(&mut byte).map_err(of_io)?;
        }
        if byte[0] != 0 {
            return Ok(byte[0]);
        }
    }
}

fn frame<R: BufRead>(reader: &mut R, length: u64, orientation: Orientation) -> Result<Probe, DecodeError> {
    if length < 6 {
        return Err(damaged("its frame is too short"));
    }
    let mut frame = [0_u8; 6];
    reader.read_exact(&mut frame).map_err(of_io)?;
    let [precision, h1, h2, w1, w2, components] = frame;
    if precision != 8 {
        let what = format!("{precision} bits per sample");
        return Err(DecodeError::Unsupported { format: "JPEG", what });
    }
    let (channels, notes) = match components {
        1 => (1, Vec::new()),
        3 => (3, Vec::new()),
        4 => (3, vec![Note::Cmyk]),
        other => {
            let what = format!("{other} components");
            return Err(DecodeError::Unsupported { format: "JPEG", what });
        }
    };
    let mut probe = Probe {
        format: Format::Jpeg,
        width: u16::from_be_bytes([w1, w2]).into(),
        height: u16::from_be_bytes([h1, h2]).into(),
        channels,
        bits: 8,
        bytes_per_pixel: channels,
        orientation: Orientation::NoTransforms,
        notes,
    };
    probe.turn(orientation);
    Ok(probe)
}
