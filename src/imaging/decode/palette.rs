//! Whether an image with a palette has only greys in it: then it is a grey image, however it is stored.

use std::io::{self, BufRead, Seek, SeekFrom};

use super::Format;

/// True where the file has a palette and each of its colours is grey. Anything unexpected counts as colour.
pub(super) fn is_grey<R: BufRead + Seek>(reader: &mut R, format: Format) -> bool {
    let colours = match format {
        Format::Png => png(reader),
        Format::Bmp => bmp(reader),
        Format::Gif => gif(reader),
        _ => return false,
    };
    let equal = |c: &[u8; 3]| c[0] == c[1] && c[1] == c[2];
    colours.is_ok_and(|c| !c.is_empty() && c.iter().all(equal))
}

type Colours = io::Result<Vec<[u8; 3]>>;

fn read<const N: usize, R: BufRead>(reader: &mut R) -> io::Result<[u8; N]> {
    let mut bytes = [0_u8; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn triples<R: BufRead>(reader: &mut R, count: usize) -> Colours {
    (0..count).map(|_| read::<3, R>(reader)).collect()
}

/// The PLTE chunk, where the colour type says that it is used.
fn png<R: BufRead + Seek>(reader: &mut R) -> Colours {
    reader.seek(SeekFrom::Start(25))?;
    let [colour_type] = read(reader)?;
    if colour_type != 3 {
        return Ok(Vec::new());
    }
    reader.seek(SeekFrom::Start(33))?;
    loop {
        let [a, b, c, d, name @ ..] = read::<8, R>(reader)?;
        let length = u32::from_be_bytes([a, b, c, d]);
        match &name {
            b"PLTE" => return triples(reader, (length as usize / 3).min(256)),
            b"IDAT" | b"IEND" => return Ok(Vec::new()),
            _ => reader.seek_relative(i64::from(length) + 4)?,
        }
    }
}

fn bmp<R: BufRead + Seek>(reader: &mut R) -> Colours {
    reader.seek(SeekFrom::Start(14))?;
    let size = u32::from_le_bytes(read(reader)?);
    let (bits, used) = if size == 12 {
        let [_, _, _, _, _, _, low, high] = read::<8, R>(reader)?;
        (u16::from_le_bytes([low, high]), 0)
    } else if size >= 40 {
        reader.seek(SeekFrom::Start(14 + 14))?;
        let bits = u16::from_le_bytes(read(reader)?);
        reader.seek(SeekFrom::Start(14 + 32))?;
        (bits, u32::from_le_bytes(read(reader)?))
    } else {
        return Ok(Vec::new());
    };
    if !matches!(bits, 1 | 2 | 4 | 8) {
        return Ok(Vec::new());
    }
    let most = 1_usize << bits;
    let count = if used == 0 { most } else { most.min(used as usize) };
    reader.seek(SeekFrom::Start(14 + u64::from(size)))?;
    if size == 12 {
        return triples(reader, count);
    }
    (0..count).map(|_| read::<4, R>(reader).map(|[b, g, r, _]| [b, g, r])).collect()
}

/// The palette of the first frame: its own, or the common one.
fn gif<R: BufRead + Seek>(reader: &mut R) -> Colours {
    reader.seek(SeekFrom::Start(10))?;
    let [flags, _, _] = read(reader)?;
    let entries = |flags: u8| if flags & 0x80 == 0 { 0 } else { 2_usize << (flags & 7) };
    let common = triples(reader, entries(flags))?;
    loop {
        let [kind] = read(reader)?;
        match kind {
            0x21 => {
                let [_label] = read(reader)?;
                loop {
                    let [length] = read(reader)?;
                    if length == 0 {
                        break;
                    }
                    reader.seek_relative(i64::from(length))?;
                }
            }
            0x2c => {
                let [.., flags] = read::<9, R>(reader)?;
                let own = triples(reader, entries(flags))?;
                return Ok(if own.is_empty() { common } else { own });
            }
            _ => return Ok(Vec::new()),
        }
    }
}
