//! How the time of networks grows with batch and side of the images, and that of SMOTE with the number of rows.
//!
//! `cargo bench --bench scaling -- [--threads N] [--most-seconds S]`: on the processor, ResNet-32 with 1x1 convolutions
//! on the shortcuts that change shape (logits of a batch read back; a step of Adam), the DCGAN autoencoder (a step of
//! Adam) and SMOTE, each as the row of the same work in `counterpoise bench`. Batches of 8 to 256 at 32 x 32, then
//! batches of 64 at other sides, those that the network allows. SMOTE gets rows of 300 features in ten classes, their
//! numbers in the ratio of that row, and fills every class up to the largest.
//!
//! Times are medians of five repeats after one that warms up; of three or four where five would take longer than S
//! seconds (60). A number of rows at which one run of SMOTE would take longer than S is left out; the time expected is
//! that of the number before, times the square of the growth. The largest network rows hold some gigabytes.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use burn::tensor::Device;
use counterpoise::classify::trainer::labels_tensor;
use counterpoise::domain::random::{Stage, stream};
use counterpoise::domain::task::Ctx;
use counterpoise::nn::autoencoder::AutoencoderConfig;
use counterpoise::nn::cpu::release;
use counterpoise::nn::init::Init;
use counterpoise::nn::layers::Pass;
use counterpoise::nn::loss::cross_entropy;
use counterpoise::nn::optim::Adam;
use counterpoise::nn::resnet::{ResNet, ResNetConfig};
use counterpoise::oversampling::rows::smote::resample;

#[path = "common/network.rs"]
mod network;

use network::{drawn, start};

/// Images of a batch, at [`SIDE`].
const BATCHES: [usize; 6] = [8, 16, 32, 64, 128, 256];
const SIDE: usize = 32;
/// Other sides, in batches of [`BATCH`].
const SIDES: [usize; 3] = [28, 64, 128];
const BATCH: usize = 64;
const CLASSES: usize = 10;
const LEARNING_RATE: f64 = 1e-3;

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
}

/// Reads `[--threads N] [--most-seconds S]`; `None` where it is something else.
fn options() -> Option<Options> {
    let mut args = std::env::args().skip(1).filter(|a| a != "--bench");
    let mut options = Options { threads: 0, most: Duration::from_secs(60) };
    while let Some(flag) = args.next() {
        let value = args.next()?;
        match flag.as_str() {
            "--threads" => options.threads = value.parse().ok()?,
            "--most-seconds" => options.most = Duration::try_from_secs_f64(value.parse().ok()?).ok()?,
            _ => return None,
        }
    }
    Some(options)
}

fn main() {
    let Some(options) = options() else {
        println!("usage: cargo bench --bench scaling -- [--threads N] [--most-seconds S]");
        return;
    };
    start(options.threads);
    table("ResNet-32, inference", sizes(), options.most, classifier_infer);
    table("ResNet-32, training step", sizes(), options.most, classifier_train);
    let allowed = sizes().filter(|&(_, side)| AutoencoderConfig::dcgan(3, side).is_sane());
    table("DCGAN autoencoder, training step", allowed, options.most, autoencoder_train);
    smote(options.most);
}

/// Batch and side of each row of a network's table.
fn sizes() -> impl Iterator<Item = (usize, usize)> {
    let batches = BATCHES.into_iter().map(|batch| (batch, SIDE));
    batches.chain(SIDES.into_iter().map(|side| (BATCH, side)))
}

/// One repeat.
type Work = Box<dyn FnMut()>;

/// Prints the rows of a network; `build` sets one up for a batch and a side.
fn table(
    name: &str,
    sizes: impl Iterator<Item = (usize, usize)>,
    most: Duration,
    build: impl Fn(usize, usize) -> Work,
) {
    println!();
    println!("{name}");
    println!("{:>7} {:>7} {:>11} {:>11} {:>7}", "batch", "side", "ms", "images/s", "repeats");
    for (batch, side) in sizes {
        let (ms, repeats) = median(build(batch, side), most);
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

fn classifier(device: &Device) -> ResNet {
    let config = ResNetConfig { projection: true, ..ResNetConfig::resnet32(3, CLASSES) };
    config.build(&mut Init::new(0, 0, device))
}

/// Logits of a batch with running statistics, read back.
fn classifier_infer(batch: usize, side: usize) -> Work {
    let plain = Device::flex();
    let x = drawn([batch, 3, side, side], 0.0, &plain);
    let network = classifier(&plain);
    Box::new(move || {
        let logits = network.forward(x.clone(), &mut Pass::inference());
        black_box(logits.try_into_vec_as::<f32>().unwrap());
    })
}

/// Cross entropy, Adam, running statistics.
fn classifier_train(batch: usize, side: usize) -> Work {
    let autodiff = Device::flex().autodiff();
    let x = drawn([batch, 3, side, side], 0.0, &autodiff);
    let labels: Vec<usize> = (0..batch).map(|image| image % CLASSES).collect();
    let y = labels_tensor(&labels, &autodiff);
    let mut network = classifier(&autodiff);
    let mut adam = Adam::default();
    Box::new(move || {
        let mut pass = Pass::training();
        let loss = cross_entropy(network.forward(x.clone(), &mut pass), y.clone()).mean();
        let grads = loss.backward();
        network = adam.step(network.clone(), &grads, LEARNING_RATE).absorb(pass);
    })
}

/// Mean squared error, Adam, running statistics.
fn autoencoder_train(batch: usize, side: usize) -> Work {
    let autodiff = Device::flex().autodiff();
    let x = drawn([batch, 3, side, side], -1.0, &autodiff);
    let mut network = AutoencoderConfig::dcgan(3, side).build(&mut Init::new(0, 0, &autodiff));
    let mut adam = Adam::default();
    Box::new(move || {
        let mut pass = Pass::training();
        let loss = (network.forward(x.clone(), &mut pass) - x.clone()).square().mean();
        let grads = loss.backward();
        network = adam.step(network.clone(), &grads, LEARNING_RATE).absorb(pass);
    })
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
