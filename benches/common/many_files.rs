//! Many small images in ten class folders, made once and kept for the next time; and the arguments that name
//! them.

use std::fs;
use std::path::{Path, PathBuf};

use counterpoise::imaging::encode::png;
use counterpoise::imaging::picture::{Picture, Pixels};

/// Different contents; the files repeat them under other names.
const CONTENTS: usize = 64;
const CLASSES: usize = 10;
const SIDE: u32 = 28;

/// How many images, and the folder that the folder of images is made in.
pub struct Many {
    pub count: usize,
    pub place: PathBuf,
}

impl Many {
    /// Reads `[N] [--folder DIR]`; `None` where it is something else.
    pub fn of(args: &[String]) -> Option<Many> {
        let mut many = Many { count: 100_000, place: std::env::temp_dir() };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--folder" => many.place = PathBuf::from(args.next()?),
                number => many.count = number.parse().ok()?,
            }
        }
        Some(many)
    }

    /// The folder of class folders; written where it is not there whole.
    pub fn folder(&self) -> PathBuf {
        let place = self.place.join(format!("counterpoise-many-{}", self.count));
        let (folder, whole) = (place.join("set"), place.join("whole"));
        if !whole.is_file() {
            println!("writing {} images: {}", self.count, folder.display());
            self.write(&folder);
            fs::write(whole, "").unwrap();
        }
        folder
    }

    fn write(&self, folder: &Path) {
        let contents: Vec<Vec<u8>> = (0..CONTENTS).map(content).collect();
        for class in 0..CLASSES {
            fs::create_dir_all(folder.join(format!("class-{class}"))).unwrap();
        }
        for number in 0..self.count {
            fs::write(folder.join(name(number)), &contents[number % CONTENTS]).unwrap();
        }
    }
}

/// Image `number`, relative to the folder.
pub fn name(number: usize) -> String {
    format!("class-{}/{number:06}.png", number % CLASSES)
}

/// A grey picture that does not shrink to nothing.
fn content(number: usize) -> Vec<u8> {
    let value = |p: u32| ((p % SIDE * 7 + p / SIDE * 5 + p * p % 61) as usize + number * 3) as u8;
    let pixels = (0..SIDE * SIDE).map(value).collect();
    png(&Picture::new(SIDE, SIDE, 1, Pixels::U8(pixels)).unwrap(), &[]).unwrap()
}
