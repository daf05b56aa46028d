//! Pictures of maps: colour over the grey picture, a legend at its side, and a PNG that says what it shows.

use super::{SaliencyError, SaliencyMap, named, shape_of};
use crate::imaging::encode::{self, EncodeError};
use crate::imaging::picture::{Picture, Pixels};

/// The colour map viridis of Smith and van der Walt (2015, CC0) at eighths: its lightness rises evenly from 0
/// to 1, also in grey print and for eyes that do not tell red from green.
const VIRIDIS: [[u8; 3]; 9] = [
    [0x44, 0x01, 0x54],
    [0x47, 0x2d, 0x7b],
    [0x3b, 0x52, 0x8b],
    [0x2c, 0x72, 0x8e],
    [0x21, 0x90, 0x8c],
    [0x27, 0xad, 0x81],
    [0x5d, 0xc8, 0x63],
    [0xaa, 0xdc, 0x32],
    [0xfd, 0xe7, 0x25],
];

/// What the legend means, for a text beside it.
pub const LEGEND: &str = "dark violet 0 (below) to yellow 1 (above), where the picture looked at is grey";

/// Share of colour in a painted pixel that leaves the picture to be seen.
pub const OPACITY: f64 = 0.5;

/// The colour of a value in \[0, 1\], linear between the eighths; what lies outside has the colour of the
/// nearer end.
pub fn colour(value: f64) -> [u8; 3] {
    let last = VIRIDIS.len() - 1;
    let place = value.clamp(0.0, 1.0) * last as f64;
    let first = (place.floor() as usize).min(last);
    let (from, to) = (VIRIDIS[first], VIRIDIS[(first + 1).min(last)]);
    std::array::from_fn(|channel| mixed(from[channel], to[channel], place - first as f64))
}

fn mixed(from: u8, to: u8, share: f64) -> u8 {
    (f64::from(from) * (1.0 - share) + f64::from(to) * share).round() as u8
}

/// The picture in grey under the colours of its map, as 8-bit RGB of the same size. `opacity` is the share of
/// colour in \[0, 1\], for example [`OPACITY`]. Over a blank map there is no colour: one colour everywhere
/// would look like a finding.
///
/// # Errors
/// A map of another size.
pub fn paint(picture: &Picture, map: &SaliencyMap, opacity: f64) -> Result<Picture, SaliencyError> {
    let [channels, height, width] = shape_of(picture);
    if map.size() != [height, width] {
        let [rows, columns] = map.size();
        return Err(SaliencyError::Shape {
            what: "a picture to paint on".to_owned(),
            found: named([channels, height, width]),
            wanted: format!("{rows} x {columns}"),
        });
    }
    let opacity = if map.is_blank() { 0.0 } else { opacity.clamp(0.0, 1.0) };
    let samples = picture.to_grey().to_u8().into_iter().zip(map.values());
    let samples =
        samples.flat_map(|(grey, &value)| colour(value).map(|channel| mixed(grey, channel, opacity)));
    let pixels = Pixels::U8(samples.collect());
    Ok(Picture { width: picture.width, height: picture.height, channels: 3, pixels })
}

/// A painted picture with a strip of the colours at its right, 0 below and 1 above, behind a white gap.
pub fn with_legend(painted: &Picture) -> Picture {
    let painted = painted.to_colour();
    let (width, height) = (painted.width as usize, painted.height as usize);
    let bar = (width / 12).max(3);
    let gap = (bar / 2).max(1);
    let samples = painted.to_u8();
    let mut out = Vec::with_capacity((width + gap + bar) * height * 3);
    for (row, line) in samples.chunks((width * 3).max(1)).enumerate() {
        out.extend_from_slice(line);
        out.extend(std::iter::repeat_n(255, gap * 3));
        let value = 1.0 - row as f64 / height.saturating_sub(1).max(1) as f64;
        out.extend(std::iter::repeat_n(colour(value), bar).flatten());
    }
    Picture {
        width: (width + gap + bar) as u32,
        height: painted.height,
        channels: 3,
        pixels: Pixels::U8(out),
    }
}

/// A PNG file of a painted picture with its legend; the map's caption and what the colours mean are its
/// texts.
///
/// # Errors
/// As [`encode::png`].
pub fn png(painted: &Picture, map: &SaliencyMap) -> Result<Vec<u8>, EncodeError> {
    encode::png(&with_legend(painted), &[("Description", map.caption().as_str()), ("Comment", LEGEND)])
}
