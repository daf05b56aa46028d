//! How long our whole pass over a folder takes: listing it, decoding every image and bringing each to the training
//! size, all in memory.
//!
//! `cargo bench --bench folder_load -- --folder DIR [--size PIXELS]`: the median of five passes after one that warms
//! the cache. Without a size each image gets that which the folder suggests.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::time::Instant;

use counterpoise::domain::task::Ctx;
use counterpoise::imaging::folder::{self, FolderImages};
use counterpoise::imaging::resize::Fit;

/// Passes after the first; odd, so that one of them is the median.
const REPEATS: usize = 5;

struct Options {
    folder: PathBuf,
    size: Option<u32>,
}

/// Reads `--folder DIR [--size PIXELS]`; `None` where it is something else.
fn options() -> Option<Options> {
    let mut args = std::env::args().skip(1).filter(|a| a != "--bench");
    let (mut folder, mut size) = (None, None);
    while let Some(flag) = args.next() {
        let value = args.next()?;
        match flag.as_str() {
            "--folder" => folder = Some(PathBuf::from(value)),
            "--size" => size = Some(value.parse().ok()?),
            _ => return None,
        }
    }
    Some(Options { folder: folder?, size })
}

fn main() {
    let Some(options) = options() else {
        println!("usage: cargo bench --bench folder_load -- --folder DIR [--size PIXELS]");
        return;
    };
    let pass = || -> (f64, FolderImages) {
        let begun = Instant::now();
        let loaded = folder::load(&Ctx::default(), &options.folder, options.size, Fit::default()).unwrap();
        (begun.elapsed().as_secs_f64() * 1e3, loaded)
    };
    let (_, first) = pass();
    // The images of a pass are dropped before the next begins, and outside its time.
    let mut times: Vec<f64> = (0..REPEATS).map(|_| pass().0).collect();
    times.sort_by(f64::total_cmp);
    println!("images {}", first.images.len());
    println!("unreadable {}", first.unreadable.len());
    println!("size {}", first.images.spec.size);
    println!("ms {:.1}", times[REPEATS / 2]);
}
