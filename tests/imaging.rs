//! Decoding, encoding, fitting and hashing, on files that the tests make.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use counterpoise::imaging::decode::{
    DecodeError, Format, Limits, Note, decode, decode_bytes, header, is_image_extension,
};
use counterpoise::imaging::encode;
use counterpoise::imaging::hash::{file_sha256, sha256_hex};
use counterpoise::imaging::picture::{Depth, Picture, Pixels};
use counterpoise::imaging::resize::{Fit, fit, shrink};
use counterpoise::imaging::thumbnails::thumbnail;
use counterpoise::imaging::training_set::{Spec, TrainingSet, memory_bytes};
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

#[test]
fn a_watched_decode_gives_the_same_and_can_run_out_of_time() {
    let folder = tempfile::tempdir().unwrap();
    let large = grey8(900, 700);
    let path = written(folder.path(), "large.png", &dynamic(&large), ImageFormat::Png);
    assert_eq!(decode(&path, &Limits::default()).unwrap().picture, large);
    assert_eq!(decode_bytes(&fs::read(&path).unwrap(), &Limits::default()).unwrap().picture, large);
    // A bomb of 36 megapixels in some kilobytes takes longer than no time at all.
    let bomb = DynamicImage::ImageLuma8(image::GrayImage::new(6000, 6000));
    let path = written(folder.path(), "bomb.png", &bomb, ImageFormat::Png);
    let hurried = Limits { timeout: Duration::ZERO, ..Limits::default() };
    assert!(matches!(decode(&path, &hurried), Ok(_) | Err(DecodeError::TimedOut { .. })));
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
