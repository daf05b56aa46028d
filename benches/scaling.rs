//! How the time of each row of `counterpoise bench` grows: that of networks with batch and side of the images, that of
//! SMOTE with the number of rows, that of a folder with its images.
//!
//! `cargo bench --bench scaling -- [--threads N] [--most-seconds S] [--only ROW]`: on the processor, the networks' rows
//! as the command times them. Batches of 8 to 256 at 32 x 32, then batches of 64 at other sides, those that the network
//! allows; of CycleGAN batches of 1 to 16 at 64 x 64, then of 4 at other sides. SMOTE gets rows of 300 features in ten
//! classes, their numbers in the ratio of that row, and fills every class up to the largest. folder_load decodes PNG of
//! 28 x 28 in ten class folders, made once in the system's folder for temporary files and kept there.
//!
//! Times are medians of five repeats after one that warms up; of three or four where five would take longer than S
//! seconds (60). A number of rows at which one run of SMOTE would take longer than S is left out; the time expected is
//! that of the number before, times the square of the growth. The largest network rows hold some gigabytes.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use counterpoise::domain::random::{Stage, stream};
use counterpoise::domain::task::Ctx;
use counterpoise::evaluation::speed::{self, Size, Work};
use counterpoise::imaging::folder;
use counterpoise::imaging::resize::Fit;
use counterpoise::nn::ComputeDevice;
use counterpoise::nn::autoencoder::AutoencoderConfig;
use counterpoise::nn::cpu::release;
use counterpoise::oversampling::rows::smote::resample;

#[path = "common/many_files.rs"]
mod many_files;
#[path = "common/network.rs"]
mod network;

use many_files::Many;
use network::start;

/// Images of a batch, at [`SIDE`].
const BATCHES: [usize; 6] = [8, 16, 32, 64, 128, 256];
const SIDE: usize = 32;
/// Other sides, in batches of [`BATCH`].
const SIDES: [usize; 3] = [28, 64, 128];
const BATCH: usize = 64;

/// The same for the row that works on a few larger images.
const FEW_BATCHES: [usize; 5] = [1, 2, 4, 8, 16];
const FEW_SIDE: usize = 64;
const FEW_SIDES: [usize; 2] = [32, 128];
const FEW_BATCH: usize = 4;

/// Images of a folder.
const FILES: [usize; 3] = [1_000, 10_000, 100_000];

/// Rows that SMOTE gets; each time so many times as many.
const ROWS: [usize; 3] = [1_000, 10_000, 100_000];
const GROWTH: f64 = 10.0;
/// What the classes' numbers of rows are in ratio to; the largest first.
const COUNTS: [usize; 10] = [4000, 2000, 1000, 750, 500, 350, 200, 100, 60, 40];
const FEATURES: usize = 300;
const NEIGHBOURS: usize = 5;

const FEWEST_REPEATS: usize = 3;
const MOST_REPEATS: usize = 5;

struct Options {
    threads: usize,
    most: Duration,
    /// A row of the command; all of them where it is left out.
    only: Option<String>,
}

/// Reads the flags; `None` where it is something else.
fn options() -> Option<Options> {
    let mut args = std::env::args().skip(1).filter(|a| a != "--bench");
    let mut options = Options { threads: 0, most: Duration::from_secs(60), only: None };
    while let Some(flag) = args.next() {
        let value = args.next()?;
        match flag.as_str() {
            "--threads" => options.threads = value.parse().ok()?,
            "--most-seconds" => options.most = Duration::try_from_secs_f64(value.parse().ok()?).ok()?,
            "--only" => options.only = Some(value),
            _ => return None,
        }
    }
    Some(options)
}

fn main() {
    let Some(options) = options() else {
        println!("usage: cargo bench --bench scaling -- [--threads N] [--most-seconds S] [--only ROW]");
        return;
    };
    start(options.threads);
    let wanted = |row: &str| options.only.as_deref().is_none_or(|only| only == row);
    let most = options.most;
    let table = |row: &str, sizes: Vec<Size>, build: fn(&ComputeDevice, u64, Size) -> Work| {
        if wanted(row) {
            network_table(row, sizes, most, build);
        }
    };
    table("classifier_infer", sizes(), speed::classifier_infer);
    table("classifier_train", sizes(), speed::classifier_train);
    table("m2m_generate", sizes(), speed::m2m_generate);
    let allowed = sizes().into_iter().filter(|size| AutoencoderConfig::dcgan(3, size.side).is_sane());
    table("autoencoder_train", allowed.collect(), speed::autoencoder_train);
    table("cyclegan_train", few_sizes(), speed::cyclegan_train);
    if wanted("smote") {
        smote(most);
    }
    if wanted("folder_load") {
        folder_load(most);
    }
}

/// Batch and side of each row of a network's table.
fn sizes() -> Vec<Size> {
    let batches = BATCHES.into_iter().map(|batch| Size { batch, side: SIDE });
    batches.chain(SIDES.into_iter().map(|side| Size { batch: BATCH, side })).collect()
}

/// The same for the row that works on a few larger images.
fn few_sizes() -> Vec<Size> {
    let batches = FEW_BATCHES.into_iter().map(|batch| Size { batch, side: FEW_SIDE });
    batches.chain(FEW_SIDES.into_iter().map(|side| Size { batch: FEW_BATCH, side })).collect()
}

/// Prints the rows of a network; `build` sets one up.
fn network_table(name: &str, sizes: Vec<Size>, most: Duration, build: fn(&ComputeDevice, u64, Size) -> Work) {
    println!();
    println!("{name}");
    println!("{:>7} {:>7} {:>11} {:>11} {:>7}", "batch", "side", "ms", "images/s", "repeats");
    for size in sizes {
        let mut work = build(&ComputeDevice::cpu(), 0, size);
        let (ms, repeats) = median(|| work(&Ctx::default()).unwrap(), most);
        let Size { batch, side } = size;
        println!("{batch:>7} {side:>7} {ms:>11.2} {:>11.1} {repeats:>7}", batch as f64 / ms * 1e3);
        // Buffers of this size are of no use to the next.
        release();
    }
}

/// Milliseconds of the median repeat after one that warms up, of an even number the upper one; and how many there were.
fn median(mut work: impl FnMut(), most: Duration) -> (f64, usize) {
    work();
    let begun = Instant::now();
    let mut times: Vec<f64> = Vec::with_capacity(MOST_REPEATS);
    while times.len() < FEWEST_REPEATS || (times.len() < MOST_REPEATS && begun.elapsed() < most) {
        let started = Instant::now();
        work();
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times.len())
}

/// Prints the rows of a folder.
fn folder_load(most: Duration) {
    println!();
    println!("folder_load");
    println!("{:>7} {:>11} {:>11} {:>7}", "images", "ms", "images/s", "repeats");
    for images in FILES {
        let folder = Many::of(&[images.to_string()]).unwrap().folder();
        let pass = || {
            let loaded = folder::load(&Ctx::default(), &folder, None, Fit::default()).unwrap();
            assert_eq!(black_box(loaded).images.len(), images);
        };
        let (ms, repeats) = median(pass, most);
        println!("{images:>7} {ms:>11.2} {:>11.1} {repeats:>7}", images as f64 / ms * 1e3);
    }
}

/// Prints the rows of SMOTE.
fn smote(most: Duration) {
    println!();
    println!("SMOTE, {FEATURES} features, {NEIGHBOURS} neighbours, {} classes", COUNTS.len());
    println!("{:>7} {:>7} {:>11} {:>11} {:>7}", "rows", "made", "ms", "made/s", "repeats");
    let mut expected = 0.0;
    for rows in ROWS {
        if expected > most.as_secs_f64() {
            println!("{rows:>7} left out: one run would take about {expected:.0} s");
            break;
        }
        let (values, classes) = smote_data(rows);
        let target = classes.iter().filter(|&&class| class == 0).count();
        let run = || {
            let filled =
                resample(&Ctx::default(), &values, FEATURES, &classes, target, NEIGHBOURS, 0).unwrap();
            assert_eq!(filled.classes.len(), target * COUNTS.len());
        };
        let (ms, repeats) = median(run, most);
        let made = target * COUNTS.len() - rows;
        println!("{rows:>7} {made:>7} {ms:>11.2} {:>11.1} {repeats:>7}", made as f64 / ms * 1e3);
        expected = ms / 1e3 * GROWTH * GROWTH;
    }
}

/// Standard normal features, one stream for each row, and the classes they belong to.
fn smote_data(rows: usize) -> (Vec<f32>, Vec<usize>) {
    let whole: usize = COUNTS.iter().sum();
    let mut counts = COUNTS.map(|count| (count * rows + whole / 2) / whole);
    // What rounding leaves over or takes falls to the largest.
    counts[0] = rows - counts[1..].iter().sum::<usize>();
    let classes: Vec<usize> =
        counts.iter().enumerate().flat_map(|(class, &count)| std::iter::repeat_n(class, count)).collect();
    let mut values = Vec::with_capacity(rows * FEATURES);
    for (row, &class) in classes.iter().enumerate() {
        let mut draws = stream(0, Stage::Other, class as u64, row as u64);
        values.extend((0..FEATURES).map(|_| draws.normal() as f32));
    }
    (values, classes)
}
