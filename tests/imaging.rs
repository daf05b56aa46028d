//! Decoding, encoding, fitting and hashing, on files that the tests make.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use counterpoise::imaging::decode::{
    DecodeError, Format, Limits, Note, decode, decode_bytes, header, is_image_extension,
};
use counterpoise::imaging::encode;
use counterpoise::imaging::hash::{file_sha256, sha256_hex};
use counterpoise::imaging::neighbours::{ClassNeighbours, Usual};
use counterpoise::imaging::picture::{Depth, Picture, Pixels};
use counterpoise::imaging::resize::{Fit, fit, shrink};
use counterpoise::imaging::thumbnails::thumbnail;
use counterpoise::imaging::training_set::{Spec, TrainingSet, memory_bytes};
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, ExtendedColorType, ImageEncoder as _, ImageFormat};
use proptest::prelude::*;

fn grey8(width: u32, height: u32) -> Picture {
    let samples = (0..width * height).map(|i| (i * 7 % 256) as u8).collect();
    Picture::new(width, height, 1, Pixels::U8(samples)).unwrap()
}

fn colour8(width: u32, height: u32) -> Picture {
    let samples = (0..width * height * 3).map(|i| (i * 11 % 256) as u8).collect();
    Picture::new(width, height, 3, Pixels::U8(samples)).unwrap()
}

fn grey16(width: u32, height: u32) -> Picture {
    let samples = (0..width * height).map(|i| (i * 4099 % 65_536) as u16).collect();
    Picture::new(width, height, 1, Pixels::U16(samples)).unwrap()
}

/// The picture as an image of the `image` crate, which writes the test files.
fn dynamic(picture: &Picture) -> DynamicImage {
    let (w, h) = (picture.width, picture.height);
    match (&picture.pixels, picture.channels) {
        (Pixels::U8(v), 1) => image::GrayImage::from_raw(w, h, v.clone()).unwrap().into(),
        (Pixels::U8(v), _) => image::RgbImage::from_raw(w, h, v.clone()).unwrap().into(),
        (Pixels::U16(v), 1) => {
            DynamicImage::ImageLuma16(image::ImageBuffer::from_raw(w, h, v.clone()).unwrap())
        }
        (Pixels::U16(v), _) => {
            DynamicImage::ImageRgb16(image::ImageBuffer::from_raw(w, h, v.clone()).unwrap())
        }
    }
}

fn written(folder: &Path, name: &str, image: &DynamicImage, format: ImageFormat) -> PathBuf {
    let path = folder.join(name);
    image.save_with_format(&path, format).unwrap();
    path
}

#[test]
fn lossless_formats_keep_every_sample() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits::default();
    let cases = [
        ("g.png", ImageFormat::Png, Format::Png, grey8(13, 7)),
        ("c.png", ImageFormat::Png, Format::Png, colour8(13, 7)),
        ("g16.png", ImageFormat::Png, Format::Png, grey16(13, 7)),
        ("g.tif", ImageFormat::Tiff, Format::Tiff, grey8(13, 7)),
        ("c.tif", ImageFormat::Tiff, Format::Tiff, colour8(13, 7)),
        ("g16.tiff", ImageFormat::Tiff, Format::Tiff, grey16(13, 7)),
        ("c.bmp", ImageFormat::Bmp, Format::Bmp, colour8(13, 7)),
        ("g.bmp", ImageFormat::Bmp, Format::Bmp, grey8(13, 7)),
        ("c.webp", ImageFormat::WebP, Format::WebP, colour8(13, 7)),
        ("g.pgm", ImageFormat::Pnm, Format::Pnm, grey8(13, 7)),
        ("c.ppm", ImageFormat::Pnm, Format::Pnm, colour8(13, 7)),
    ];
    for (name, format, ours, picture) in cases {
        let path = written(folder.path(), name, &dynamic(&picture), format);
        let head = header(&path, &limits).unwrap();
        assert_eq!(head.format, ours, "{name}");
        let info = head.info;
        assert_eq!(
            (info.width, info.height, info.channels, info.bits),
            (13, 7, picture.channels, picture.depth().bits()),
            "{name}"
        );
        assert_eq!(info.bytes, fs::metadata(&path).unwrap().len());
        let decoded = decode(&path, &limits).unwrap();
        assert_eq!(decoded.picture, picture, "{name}");
        assert_eq!(decode_bytes(&fs::read(&path).unwrap(), &limits).unwrap().picture, picture, "{name}");
        assert!(decoded.notes.is_empty(), "{name}: {:?}", decoded.notes);
    }
}

#[test]
fn sixteen_bit_pnm_is_kept_and_twelve_bit_fills_the_range() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twelve.pgm");
    let mut bytes = b"P5 2 1 4095\n".to_vec();
    bytes.extend([0x0f, 0xff, 0x00, 0x00]);
    fs::write(&path, bytes).unwrap();
    let decoded = decode(&path, &Limits::default()).unwrap();
    assert_eq!(decoded.picture.pixels, Pixels::U16(vec![65_535, 0]));
}

#[test]
fn jpeg_is_near_and_gif_is_read_as_one_frame() {
    let folder = tempfile::tempdir().unwrap();
    let flat = Picture::new(16, 16, 3, Pixels::U8([200, 90, 30].repeat(256))).unwrap();
    let jpeg = written(folder.path(), "a.jpg", &dynamic(&flat), ImageFormat::Jpeg);
    let near = decode(&jpeg, &Limits::default()).unwrap().picture.to_u8();
    assert!(near.iter().zip(flat.to_u8()).all(|(a, b)| a.abs_diff(b) < 8));
    let gif = written(folder.path(), "a.gif", &dynamic(&flat), ImageFormat::Gif);
    let head = header(&gif, &Limits::default()).unwrap();
    assert_eq!((head.info.width, head.info.channels), (16, 3));
    assert!(head.notes.contains(&Note::FirstFrame));
    assert!(decode(&gif, &Limits::default()).unwrap().notes.contains(&Note::FirstFrame));
}

#[test]
fn a_grey_palette_is_a_grey_image() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, palette: Vec<u8>| {
        let path = folder.path().join(name);
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 2, 1);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_palette(palette);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&[0, 1]).unwrap();
        writer.finish().unwrap();
        fs::write(&path, bytes).unwrap();
        path
    };
    let grey = write("grey.png", vec![10, 10, 10, 200, 200, 200]);
    assert_eq!(header(&grey, &Limits::default()).unwrap().info.channels, 1);
    assert_eq!(decode(&grey, &Limits::default()).unwrap().picture.pixels, Pixels::U8(vec![10, 200]));
    let colour = write("colour.png", vec![10, 20, 30, 200, 200, 200]);
    assert_eq!(header(&colour, &Limits::default()).unwrap().info.channels, 3);
    let pixels = decode(&colour, &Limits::default()).unwrap().picture.pixels;
    assert_eq!(pixels, Pixels::U8(vec![10, 20, 30, 200, 200, 200]));
}

#[test]
fn alpha_is_composited_on_black_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let image = image::RgbaImage::from_raw(2, 1, vec![200, 100, 50, 128, 9, 8, 7, 255]).unwrap();
    let path = written(folder.path(), "a.png", &image.into(), ImageFormat::Png);
    let decoded = decode(&path, &Limits::default()).unwrap();
    assert_eq!(decoded.picture.pixels, Pixels::U8(vec![100, 50, 25, 9, 8, 7]));
    assert_eq!(decoded.notes, [Note::AlphaComposited]);
    let opaque = image::RgbaImage::from_raw(1, 1, vec![1, 2, 3, 255]).unwrap();
    let path = written(folder.path(), "b.png", &opaque.into(), ImageFormat::Png);
    assert!(decode(&path, &Limits::default()).unwrap().notes.is_empty());
    let deep = image::ImageBuffer::<image::LumaA<u16>, _>::from_raw(1, 1, vec![40_000_u16, 32_768]).unwrap();
    let path = written(folder.path(), "c.png", &DynamicImage::ImageLumaA16(deep), ImageFormat::Png);
    let decoded = decode(&path, &Limits::default()).unwrap();
    assert_eq!(decoded.picture.pixels, Pixels::U16(vec![20_000]));
}

/// A JPEG file with an EXIF orientation put behind its start marker.
fn oriented_jpeg(picture: &Picture, orientation: u8) -> Vec<u8> {
    let mut plain = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut plain, 100);
    let colour = ExtendedColorType::L8;
    encoder.write_image(&picture.to_u8(), picture.width, picture.height, colour).unwrap();
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01".to_vec();
    exif.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]);
    let mut bytes = vec![0xff, 0xd8, 0xff, 0xe1];
    bytes.extend((exif.len() as u16 + 2).to_be_bytes());
    bytes.extend(exif);
    bytes.extend(&plain[2..]);
    bytes
}

#[test]
fn exif_orientation_is_applied_in_header_and_pixels() {
    // Left half black, right half white.
    let samples = (0..16 * 8).map(|i| if i % 16 < 8 { 0 } else { 255 }).collect();
    let picture = Picture::new(16, 8, 1, Pixels::U8(samples)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("turned.jpg");
    fs::write(&path, oriented_jpeg(&picture, 6)).unwrap();
    let head = header(&path, &Limits::default()).unwrap();
    assert_eq!((head.info.width, head.info.height), (8, 16));
    assert_eq!(head.notes, [Note::Oriented]);
    let turned = decode(&path, &Limits::default()).unwrap().picture;
    assert_eq!((turned.width, turned.height), (8, 16));
    let samples = turned.to_u8();
    assert!(samples[0] < 30 && samples[8 * 16 - 1] > 225, "turned clockwise: black is on top");
    fs::write(&path, oriented_jpeg(&picture, 3)).unwrap();
    let turned = decode(&path, &Limits::default()).unwrap().picture;
    assert_eq!((turned.width, turned.height), (16, 8));
    assert!(turned.to_u8()[0] > 225);
}

#[test]
fn content_decides_not_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits::default();
    let path = written(folder.path(), "really_png.jpg", &dynamic(&grey8(4, 4)), ImageFormat::Png);
    let head = header(&path, &limits).unwrap();
    assert_eq!((head.format, head.notes), (Format::Png, vec![Note::WrongExtension]));
    assert_eq!(decode(&path, &limits).unwrap().picture, grey8(4, 4));
    assert!(is_image_extension(Path::new("A.JPEG")) && !is_image_extension(Path::new("a.txt")));
    for text in ["P1 is a word", "BM is short for beaten metal", "GIF", ""] {
        let path = folder.path().join("text.png");
        fs::write(&path, text).unwrap();
        assert!(decode(&path, &limits).is_err(), "{text}");
    }
}

/// A PNG header that promises these sides, and no pixels.
fn promising_png(width: u32, height: u32) -> Vec<u8> {
    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0_u32, |crc, &byte| {
            (0..8)
                .fold(crc ^ u32::from(byte), |c, _| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 })
        })
    }
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |name: &[u8; 4], body: &[u8]| {
        out.extend((body.len() as u32).to_be_bytes());
        let both = [name.as_slice(), body].concat();
        out.extend(&both);
        out.extend(crc(&both).to_be_bytes());
    };
    let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
    chunk(b"IHDR", &[sides.as_slice(), &[8, 0, 0, 0, 0]].concat());
    chunk(b"IDAT", &[]);
    chunk(b"IEND", &[]);
    out
}

#[test]
fn limits_refuse_from_the_header() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.png");
    let limits = Limits::default();
    fs::write(&path, promising_png(60_000, 60_000)).unwrap();
    assert!(header(&path, &limits).is_err());
    assert!(decode(&path, &limits).is_err());
    fs::write(&path, promising_png(20_000, 20_000)).unwrap();
    assert!(matches!(header(&path, &limits), Err(DecodeError::TooManyPixels { width: 20_000, .. })));
    assert!(matches!(decode(&path, &limits), Err(DecodeError::TooManyPixels { .. })));
    let small = Limits { max_bytes: 10, ..Limits::default() };
    assert!(matches!(decode(&path, &small), Err(DecodeError::FileTooLarge { max: 10, .. })));
    let path = written(folder.path(), "fine.png", &dynamic(&grey8(20, 20)), ImageFormat::Png);
    let few = Limits { max_pixels: 399, ..Limits::default() };
    assert!(matches!(decode(&path, &few), Err(DecodeError::TooManyPixels { .. })));
    let tight = Limits { max_alloc: 399, ..Limits::default() };
    assert!(decode(&path, &tight).is_err());
}

/// A marker of a JPEG file with its segment.
fn jpeg_segment(out: &mut Vec<u8>, marker: u8, body: &[u8]) {
    out.extend([0xff, marker]);
    out.extend((body.len() as u16 + 2).to_be_bytes());
    out.extend(body);
}

/// Quantisation by 1; sizes of mean values as codes of 4 bits; for the rest one code, the bit 0, with this meaning.
fn jpeg_tables(out: &mut Vec<u8>, rest: u8) {
    let codes = |bits: usize, count: u8| -> [u8; 16] {
        let mut of_length = [0; 16];
        of_length[bits - 1] = count;
        of_length
    };
    let sizes: Vec<u8> = (0..12).collect();
    jpeg_segment(out, 0xdb, &[[0].as_slice(), &[1; 64]].concat());
    jpeg_segment(out, 0xc4, &[[0x00].as_slice(), &codes(4, 12), &sizes].concat());
    jpeg_segment(out, 0xc4, &[[0x10].as_slice(), &codes(1, 1), &[rest]].concat());
}

/// Compressed pixels of a JPEG file, bit by bit.
struct Bits {
    out: Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        for bit in (0..count).rev() {
            self.held = (self.held << 1) | ((value >> bit) & 1);
            self.count += 1;
            if self.count == 8 {
                self.out.push(self.held as u8);
                if self.held == 0xff {
                    self.out.push(0);
                }
                (self.held, self.count) = (0, 0);
            }
        }
    }
}

/// A JPEG file of 640 x 480 pixels in two halves: the stored values of each component left and right.
fn halves_jpeg(components: &[[u8; 2]], progressive: bool) -> Vec<u8> {
    let mut out = vec![0xff, 0xd8];
    if components.len() == 4 {
        jpeg_segment(&mut out, 0xee, b"Adobe\0\x64\0\0\0\0\0");
    }
    jpeg_tables(&mut out, 0);
    let count = components.len() as u8;
    let sides = [480_u16.to_be_bytes(), 640_u16.to_be_bytes()].concat();
    let listed: Vec<u8> = (1..=count).flat_map(|id| [id, 0x11, 0]).collect();
    let (frame, last) = if progressive { (0xc2, 0) } else { (0xc0, 63) };
    jpeg_segment(&mut out, frame, &[[8].as_slice(), &sides, &[count], &listed].concat());
    let listed: Vec<u8> = (1..=count).flat_map(|id| [id, 0]).collect();
    jpeg_segment(&mut out, 0xda, &[[count].as_slice(), &listed, &[0, last, 0]].concat());
    let mut bits = Bits { out, held: 0, count: 0 };
    let mut before = vec![0_i32; components.len()];
    for block in 0..80 * 60 {
        let right = usize::from(block % 80 >= 40);
        for (values, before) in components.iter().zip(&mut before) {
            let mean = (i32::from(values[right]) - 128) * 8;
            let change = mean - *before;
            *before = mean;
            let size = 32 - change.unsigned_abs().leading_zeros();
            bits.push(size, 4);
            let stored = if change < 0 { change + (1 << size) - 1 } else { change };
            bits.push(stored as u32, size);
            if !progressive {
                bits.push(0, 1);
            }
        }
    }
    bits.push(0x7f, 7);
    [bits.out.as_slice(), &[0xff, 0xd9]].concat()
}

/// A JPEG file of some kilobytes that goes over all its pixels 99 times and changes none of them.
fn slow_jpeg(side: u16) -> Vec<u8> {
    let mut out = vec![0xff, 0xd8];
    // The code 0 and 14 zeros: the next 2^14 blocks are as they were.
    jpeg_tables(&mut out, 0xe0);
    let [high, low] = side.to_be_bytes();
    jpeg_segment(&mut out, 0xc2, &[8, high, low, high, low, 1, 1, 0x11, 0]);
    let blocks = usize::from(side).div_ceil(8).pow(2);
    let zeros = (blocks.div_ceil(1 << 14) * 15).div_ceil(8);
    for scan in 0..99 {
        let refines = if scan == 0 { 0x01 } else { 0x10 };
        jpeg_segment(&mut out, 0xda, &[1, 1, 0, 1, 63, refines]);
        out.resize(out.len() + zeros, 0);
    }
    out.extend([0xff, 0xd9]);
    out
}

#[test]
fn a_watched_decode_gives_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let large = grey8(1400, 1000);
    let path = written(folder.path(), "large.png", &dynamic(&large), ImageFormat::Png);
    assert_eq!(decode(&path, &Limits::default()).unwrap().picture, large);
    assert_eq!(decode_bytes(&fs::read(&path).unwrap(), &Limits::default()).unwrap().picture, large);
}

#[test]
fn a_decode_that_outlasts_its_limit_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slow.jpg");
    // Some 0.6 s of work in 10 kB; who waits for a decode looks every 30 ms whether its time is over.
    fs::write(&path, slow_jpeg(7000)).unwrap();
    let patient = Limits { timeout: Duration::from_secs(300), ..Limits::default() };
    let begun = Instant::now();
    let picture = decode(&path, &patient).unwrap().picture;
    let whole = begun.elapsed();
    assert_eq!((picture.width, picture.height, picture.channels), (7000, 7000, 1));
    drop(picture);
    let hurried = Limits { timeout: Duration::ZERO, ..Limits::default() };
    let begun = Instant::now();
    let result = decode(&path, &hurried).map(|decoded| decoded.notes);
    let given_up = begun.elapsed();
    assert!(matches!(result, Err(DecodeError::TimedOut { seconds: 0 })), "{result:?}");
    assert!(given_up < whole / 2, "given up after {given_up:?}; all of it takes {whole:?}");
    // The thread that was given up still works, and nothing waits for it: neither a watched decode nor another.
    let large = grey8(1400, 1000);
    let beside = written(folder.path(), "large.png", &dynamic(&large), ImageFormat::Png);
    assert_eq!(decode(&beside, &Limits::default()).unwrap().picture, large);
    let beside = written(folder.path(), "small.png", &dynamic(&grey8(9, 9)), ImageFormat::Png);
    assert_eq!(decode(&beside, &Limits::default()).unwrap().picture, grey8(9, 9));
}

#[test]
fn every_kind_of_jpeg_keeps_its_colours_at_training_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halves.jpg");
    let grey = [[200_u8, 40]];
    let colour = [[120_u8, 60], [90, 128], [160, 128]];
    // Adobe stores ink inverted: 255 is none.
    let ink = [[200_u8, 255], [100, 255], [50, 255], [255, 128]];
    type Halves<'a> = (&'a [[u8; 2]], &'a [u8], &'a [u8]);
    let cases: [Halves; 3] = [
        (&grey, &[200], &[40]),
        (&colour, &[165, 110, 53], &[60, 60, 60]),
        (&ink, &[200, 100, 50], &[128, 128, 128]),
    ];
    for (components, left, right) in cases {
        for progressive in [false, true] {
            fs::write(&path, halves_jpeg(components, progressive)).unwrap();
            let decoded = decode(&path, &Limits::default()).unwrap();
            assert_eq!((decoded.picture.width, decoded.picture.height), (640, 480));
            assert_eq!(decoded.notes.contains(&Note::Cmyk), components.len() == 4);
            let channels = left.len() as u8;
            let spec = Spec { size: 64, channels, bits: 8, fit: Fit::Pad };
            let small = spec.apply(&decoded.picture);
            assert_eq!((decoded.picture.channels, small.width, small.height), (channels, 64, 64));
            let samples = small.to_u8();
            let at = |x: usize, y: usize| &samples[(y * 64 + x) * left.len()..][..left.len()];
            let near = |got: &[u8], wanted: &[u8]| got.iter().zip(wanted).all(|(a, b)| a.abs_diff(*b) <= 2);
            assert!(near(at(10, 32), left), "{:?}, not {left:?}", at(10, 32));
            assert!(near(at(54, 32), right), "{:?}, not {right:?}", at(54, 32));
            assert!(at(10, 4).iter().all(|&v| v == 0), "padding");
        }
    }
    let samples = (0..640 * 480).map(|i| if i % 640 < 320 { 0 } else { 255 }).collect();
    let picture = Picture::new(640, 480, 1, Pixels::U8(samples)).unwrap();
    fs::write(&path, oriented_jpeg(&picture, 6)).unwrap();
    let small = thumbnail(&path, 64, &Limits::default()).unwrap();
    assert_eq!((small.width, small.height, small.channels), (48, 64, 1));
    let samples = small.to_u8();
    assert!(samples[..48 * 24].iter().all(|&v| v < 30) && samples[48 * 40..].iter().all(|&v| v > 225));
}

#[test]
fn damage_is_an_error_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    for (name, format) in [
        ("a.png", ImageFormat::Png),
        ("a.tif", ImageFormat::Tiff),
        ("a.bmp", ImageFormat::Bmp),
        ("a.webp", ImageFormat::WebP),
        ("a.ppm", ImageFormat::Pnm),
    ] {
        let path = written(folder.path(), name, &dynamic(&colour8(40, 40)), format);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let error = decode(&path, &Limits::default()).unwrap_err().to_string();
        assert!(!error.is_empty() && !error.contains(name), "{name}: {error}");
        for length in [0, 1, 2, 8, 20, 30] {
            fs::write(&path, &bytes[..length]).unwrap();
            assert!(decode(&path, &Limits::default()).is_err(), "{name} cut to {length}");
            // The header of a short format may be whole.
            assert!(length > 8 || header(&path, &Limits::default()).is_err(), "{name} cut to {length}");
        }
    }
    assert!(matches!(decode(folder.path(), &Limits::default()), Err(DecodeError::NotAFile)));
    assert!(matches!(decode(&folder.path().join("none.png"), &Limits::default()), Err(DecodeError::Io(_))));
}

#[test]
fn flipped_bytes_never_crash() {
    let mut files = Vec::new();
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::Tiff,
        ImageFormat::Bmp,
        ImageFormat::WebP,
        ImageFormat::Pnm,
        ImageFormat::Gif,
    ] {
        let mut bytes = std::io::Cursor::new(Vec::new());
        dynamic(&colour8(9, 9)).write_to(&mut bytes, format).unwrap();
        files.push(bytes.into_inner());
    }
    let limits = Limits { max_pixels: 1_000_000, max_alloc: 64 << 20, ..Limits::default() };
    for bytes in files {
        for position in 0..bytes.len().min(120) {
            for value in [0, 0x7f, 0xff] {
                let mut broken = bytes.clone();
                broken[position] = value;
                let _ = decode_bytes(&broken, &limits);
            }
        }
    }
}

#[test]
fn png_text_and_bytes_are_the_same_every_time() {
    for picture in [grey8(5, 4), colour8(5, 4), grey16(5, 4)] {
        let text = [("Software", "counterpoise"), ("seed", "나비")];
        let bytes = encode::png(&picture, &text).unwrap();
        assert_eq!(bytes, encode::png(&picture, &text).unwrap());
        assert_eq!(decode_bytes(&bytes, &Limits::default()).unwrap().picture, picture);
        let reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        let info = reader.info();
        assert_eq!(info.uncompressed_latin1_text[0].text, "counterpoise");
        assert_eq!(info.utf8_text[0].get_text().unwrap(), "나비");
    }
    assert!(encode::png(&grey8(2, 2), &[("", "x")]).is_err());
}

#[test]
fn hashes_are_sha256() {
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(sha256_hex(b"abc"), abc);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("abc");
    fs::write(&path, b"abc").unwrap();
    assert_eq!(file_sha256(&path).unwrap(), abc);
    assert!(file_sha256(&folder.path().join("none")).is_err());
}

#[test]
fn pad_crop_and_stretch_place_what_they_say() {
    let white = Picture::new(8, 4, 1, Pixels::U8(vec![255; 32])).unwrap();
    let padded = fit(&white, 8, Fit::Pad).to_u8();
    assert_eq!(padded[..16], [0; 16]);
    assert_eq!(padded[16..48], [255; 32]);
    assert_eq!(padded[48..], [0; 16]);
    assert_eq!(fit(&white, 8, Fit::Crop).to_u8(), vec![255; 64]);
    assert_eq!(fit(&white, 8, Fit::Stretch).to_u8(), vec![255; 64]);
    let square = colour8(28, 28);
    assert_eq!(fit(&square, 28, Fit::Pad), square);
    assert_eq!("crop".parse::<Fit>(), Ok(Fit::Crop));
    assert!("squash".parse::<Fit>().is_err());
    assert_eq!(Fit::default(), Fit::Pad);
}

/// Waves, edges and noise, in colour.
fn photo(width: u32, height: u32) -> Picture {
    let sample = |x: u32, y: u32, c: u32| {
        let wave = 60.0 * (f64::from(x * (c + 1)) * 0.013 + 0.7).sin() * (f64::from(y) * 0.017).cos();
        let edge = if (x / 53 + y / 41).is_multiple_of(2) { 25.0 } else { -25.0 };
        let noise = ((x * 7919 + y * 104_729 + c * 31).wrapping_mul(2_654_435_761) >> 16) % 41;
        (108.0 + wave + edge + f64::from(noise)) as u8
    };
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let samples = places.flat_map(|(x, y)| [0, 1, 2].map(|c| sample(x, y, c))).collect();
    Picture::new(width, height, 3, Pixels::U8(samples)).unwrap()
}

/// All of the picture at another size, by Lanczos alone.
fn lanczos(picture: &Picture, (width, height): (u32, u32)) -> Vec<u8> {
    let samples = picture.to_u8();
    let source = TypedImageRef::<U8x3>::from_buffer(picture.width, picture.height, &samples).unwrap();
    let mut out = vec![0; width as usize * height as usize * 3];
    let mut target = TypedImage::<U8x3>::from_buffer(width, height, &mut out).unwrap();
    let options =
        ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).use_alpha(false);
    Resizer::new().resize_typed(&source, &mut target, &options).unwrap();
    drop(target);
    out
}

#[test]
fn much_shrinking_is_near_lanczos_alone() {
    for (width, height, side, shape) in
        [(640, 480, 64, (64, 48)), (641, 479, 64, (64, 48)), (700, 1000, 28, (20, 28))]
    {
        let picture = photo(width, height);
        let small = shrink(&picture, side);
        assert_eq!((small.width, small.height), shape);
        let exact = lanczos(&picture, shape);
        let off: Vec<u8> = small.to_u8().iter().zip(&exact).map(|(a, b)| a.abs_diff(*b)).collect();
        let mean = off.iter().map(|&v| f64::from(v)).sum::<f64>() / off.len() as f64;
        let most = off.iter().max().copied().unwrap_or(0);
        // On photographs it is a third of this.
        assert!(mean < 2.0 && most <= 16, "{width} x {height}: {mean:.2} in the mean, {most} at most");
    }
}

#[test]
fn flat_pictures_stay_flat_at_every_depth_and_shape() {
    for (width, height) in [(1003, 517), (200, 9), (4096, 70), (67, 2000)] {
        let count = width as usize * height as usize;
        let flat = [
            Picture::new(width, height, 1, Pixels::U8(vec![255; count])).unwrap(),
            Picture::new(width, height, 3, Pixels::U8([200, 90, 3].repeat(count))).unwrap(),
            Picture::new(width, height, 1, Pixels::U16(vec![65_535; count])).unwrap(),
            Picture::new(width, height, 3, Pixels::U16([40_000, 300, 7].repeat(count))).unwrap(),
        ];
        for picture in flat {
            for way in [Fit::Crop, Fit::Stretch] {
                let small = fit(&picture, 16, way);
                let channels = usize::from(picture.channels);
                let all_near = match (&small.pixels, &picture.pixels) {
                    (Pixels::U8(a), Pixels::U8(b)) => a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= 1),
                    (Pixels::U16(a), Pixels::U16(b)) => a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= 2),
                    _ => false,
                };
                assert!(all_near, "{width} x {height}, {channels} channels, {}", way.as_str());
                assert_eq!(small.len(), 16 * 16 * channels);
            }
        }
    }
}

#[test]
fn thumbnails_keep_the_shape_and_are_eight_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "wide.png", &dynamic(&grey16(60, 30)), ImageFormat::Png);
    let small = thumbnail(&path, 20, &Limits::default()).unwrap();
    assert_eq!((small.width, small.height, small.depth()), (20, 10, Depth::Eight));
    let same = thumbnail(&path, 100, &Limits::default()).unwrap();
    assert_eq!((same.width, same.height), (60, 30));
    assert_eq!(shrink(&grey8(1000, 1), 10).height, 1);
}

#[test]
fn grey_and_colour_convert() {
    let colour = Picture::new(1, 1, 3, Pixels::U8(vec![255, 0, 0])).unwrap();
    assert_eq!(colour.to_grey().pixels, Pixels::U8(vec![76]));
    let grey = Picture::new(1, 1, 1, Pixels::U16(vec![777])).unwrap();
    assert_eq!(grey.to_colour().pixels, Pixels::U16(vec![777; 3]));
    assert_eq!(grey.to_colour().to_grey(), grey);
    assert!(Picture::new(2, 2, 1, Pixels::U8(vec![0; 3])).is_none());
    assert!(Picture::new(1, 1, 2, Pixels::U8(vec![0; 2])).is_none());
    let deep = grey8(9, 9).to_depth(Depth::Sixteen);
    assert_eq!(deep.to_depth(Depth::Eight), grey8(9, 9));
}

#[test]
fn values_outside_the_range_are_clamped() {
    let values = [f32::NAN, -1.0, 2.0, 0.6 / 255.0];
    let picture = Picture::from_f32_chw(&values, 2, 2, 1, Depth::Eight);
    assert_eq!(picture.pixels, Pixels::U8(vec![0, 0, 255, 1]));
}

#[test]
fn a_training_set_of_pictures() {
    let spec = Spec { size: 6, channels: 3, bits: 16, fit: Fit::Pad };
    let classes = vec!["a".to_owned(), "b".to_owned()];
    let pictures = vec![(1, grey8(6, 6)), (0, colour8(12, 6)), (1, grey16(3, 3))];
    let set = TrainingSet::from_pictures(spec.clone(), classes.clone(), pictures).unwrap();
    assert_eq!((set.len(), set.counts(), set.of_class(1)), (3, vec![1, 2], vec![0, 2]));
    assert_eq!(set.originals_of_class(0), [1]);
    assert_eq!(set.paths, ["0", "1", "2"]);
    let mut floats = vec![0.0; set.pixels_per_image()];
    set.f32_chw(0, &mut floats);
    assert_eq!(floats, set.picture(0).to_f32());
    assert_eq!(floats[1], 7.0 / 255.0);
    assert_eq!(memory_bytes(3, &spec), 3 * 6 * 6 * 3 * 2);
    let wrong = TrainingSet::from_pictures(spec, classes, vec![(2, grey8(2, 2))]);
    assert!(wrong.is_err());
}

/// Classes of flat grey pictures of 4 x 4 pixels with these values.
fn flat_set(classes: &[&[u8]]) -> TrainingSet {
    let picture = |value: u8| Picture::new(4, 4, 1, Pixels::U8(vec![value; 16])).unwrap();
    let of_class = |class: usize| classes[class].iter().map(move |&value| (class, picture(value)));
    let pictures = (0..classes.len()).flat_map(of_class).collect();
    let names = (0..classes.len()).map(|class| class.to_string()).collect();
    let spec = Spec { size: 4, channels: 1, bits: 8, fit: Fit::Pad };
    TrainingSet::from_pictures(spec, names, pictures).unwrap()
}

#[test]
fn a_class_of_one_image_takes_what_is_usual_in_the_class_in_the_middle() {
    let set = flat_set(&[&[0, 10], &[50], &[0, 40], &[0, 20, 40], &[7]]);
    let alone = ClassNeighbours::new(&set, 1);
    assert_eq!(alone.usual(), None);
    let usual = Usual::of_others(&set).unwrap();
    // 16 pixels that are 20 of 255 apart.
    let distance = |apart: f64| 4.0 * apart / 255.0;
    assert!((usual.median - distance(20.0)).abs() < 1e-6, "{usual:?}");
    assert!(usual.of_others && usual.images == 0 && usual.near_copies == 0, "{usual:?}");
    assert!(usual.is_near_copy(distance(4.9)) && !usual.is_near_copy(distance(5.1)));
    let own = ClassNeighbours::new(&set, 2).usual().unwrap();
    assert!(!own.of_others && own.images == 2);
    // Of two the lower one.
    let two = Usual::of_others(&flat_set(&[&[0, 40], &[50], &[0, 10]])).unwrap();
    assert!((two.median - distance(10.0)).abs() < 1e-6, "{two:?}");
    assert_eq!(Usual::of_others(&flat_set(&[&[1], &[2]])), None);
}

fn any_picture() -> impl Strategy<Value = Picture> {
    (1_u32..20, 1_u32..20, any::<bool>(), any::<bool>()).prop_flat_map(|(w, h, colour, deep)| {
        let channels = if colour { 3_u8 } else { 1_u8 };
        let count = w as usize * h as usize * usize::from(channels);
        prop::collection::vec(any::<u16>(), count).prop_map(move |samples| {
            let pixels = if deep {
                Pixels::U16(samples)
            } else {
                Pixels::U8(samples.into_iter().map(|s| (s >> 8) as u8).collect())
            };
            Picture::new(w, h, channels, pixels).unwrap()
        })
    })
}

proptest! {
    #[test]
    fn fitting_gives_the_size_and_keeps_the_rest(
        picture in any_picture(),
        size in 1_u32..40,
        way in 0_usize..3,
    ) {
        let fitted = fit(&picture, size, Fit::ALL[way]);
        prop_assert_eq!((fitted.width, fitted.height), (size, size));
        prop_assert_eq!((fitted.channels, fitted.depth()), (picture.channels, picture.depth()));
        prop_assert_eq!(fitted.len(), (size * size) as usize * usize::from(picture.channels));
    }

    #[test]
    fn floats_and_back_is_the_same_picture(picture in any_picture()) {
        let floats = picture.to_f32();
        prop_assert!(floats.iter().all(|v| (0.0..=1.0).contains(v)));
        let (w, h) = (picture.width, picture.height);
        let back = Picture::from_f32_chw(&floats, w, h, picture.channels, picture.depth());
        prop_assert_eq!(back, picture);
    }

    #[test]
    fn any_picture_survives_png(picture in any_picture()) {
        let bytes = encode::png(&picture, &[]).unwrap();
        prop_assert_eq!(decode_bytes(&bytes, &Limits::default()).unwrap().picture, picture);
    }

    #[test]
    fn any_bytes_decode_or_fail_without_a_crash(
        kind in 0_usize..8,
        tail in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let starts: [&[u8]; 8] = [
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff",
            b"II*\0",
            b"MM\0*",
            b"BM",
            b"RIFF\0\0\0\0WEBP",
            b"GIF89a",
            b"P5\n",
        ];
        let bytes = [starts[kind], tail.as_slice()].concat();
        let limits = Limits { max_pixels: 1_000_000, max_alloc: 64 << 20, ..Limits::default() };
        let _ = decode_bytes(&bytes, &limits);
    }
}
