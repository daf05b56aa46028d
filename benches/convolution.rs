//! How fast the processor's convolutions are, next to what the same processor reaches in matrix products.
//!
//! `cargo bench --bench convolution -- [--threads N]`. First the peak: products of square f32 matrices through faer,
//! on one thread and on all, the columns of the result dealt out evenly. Then forward, gradient to the input and
//! gradient to the weights of convolutions as networks have them. Every time is the least of several after one that
//! warms up, as the peak is, so that a share compares like with like.
//!
//! GFLOP/s count what a direct convolution has to do: two for each weight at each position of the output (of the input
//! where the convolution is transposed), those on a border included. Winograd's filtering does fewer, so a share
//! above 100 % is possible. The peak that shares refer to is the better of the two products on all threads of this
//! run; a share on one thread takes a run with `--threads 1`.
//!
//! Forward takes images that lie in blocks already; putting the weights in order is part of it, as in a network. A
//! gradient is `backward()` alone, the graph made before, and only the input or only the weights ask for one. Around
//! the convolution's own part it writes the gradient of a mean once in the size of the output, and that to the input
//! is also brought from blocks back to images. Both are no convolution: they are timed by themselves, printed in the row
//! `(around it)`, and taken off.
//!
//! `COUNTERPOISE_INSTRUCTION_SET=avx2` keeps the kernels from AVX-512. It says nothing to faer, whose products go on
//! with the widest instructions there are.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use burn::tensor::{Device, Tensor, TensorData};
use counterpoise::domain::random::{Stage, stream};
use counterpoise::nn::init::Init;
use counterpoise::nn::layers::{Activation, Conv2d, ConvTranspose2d, Convolution, FeatureMap, Padding};
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

#[path = "common/network.rs"]
mod network;

use network::start;

/// Sides of the matrices.
const PRODUCTS: [usize; 2] = [1024, 2048];
/// A time is the least of at least so many.
const REPEATS: usize = 7;
/// Repeats go on for this long.
const SPAN: Duration = Duration::from_millis(800);
/// Standard deviation of weights that have no say in how long anything takes.
const DEVIATION: f64 = 0.05;

#[derive(Clone, Copy)]
enum Kind {
    Zero,
    Reflect,
    Transposed,
}

struct Case {
    kind: Kind,
    kernel: usize,
    stride: usize,
    /// Of input and output.
    channels: [usize; 2],
    /// Of the input.
    side: usize,
    batch: usize,
}

const fn case(kind: Kind, [kernel, stride]: [usize; 2], channels: [usize; 2], side: usize) -> Case {
    Case { kind, kernel, stride, channels, side, batch: 128 }
}

const CASES: [Case; 12] = [
    case(Kind::Zero, [3, 1], [16, 16], 32),
    case(Kind::Zero, [3, 1], [32, 32], 16),
    case(Kind::Zero, [3, 1], [64, 64], 8),
    case(Kind::Zero, [3, 1], [128, 128], 8),
    case(Kind::Zero, [3, 1], [256, 256], 8),
    case(Kind::Zero, [3, 1], [512, 512], 4),
    case(Kind::Zero, [4, 2], [64, 128], 16),
    case(Kind::Zero, [4, 2], [128, 256], 8),
    case(Kind::Zero, [1, 1], [64, 128], 8),
    Case { kind: Kind::Reflect, kernel: 7, stride: 1, channels: [3, 32], side: 64, batch: 16 },
    Case { kind: Kind::Reflect, kernel: 7, stride: 1, channels: [32, 3], side: 64, batch: 16 },
    case(Kind::Transposed, [4, 2], [256, 128], 4),
];

impl Case {
    fn name(&self) -> String {
        let Case { kernel, stride, channels: [input, output], side, batch, .. } = self;
        let kind = match self.kind {
            Kind::Zero => "",
            Kind::Reflect => " reflect",
            Kind::Transposed => " transposed",
        };
        let map = format!("{input} to {output} at {side}x{side}");
        format!("{kernel}x{kernel}{kind} stride {stride}, {map}, batch {batch}")
    }

    /// A border that keeps the side, or halves or doubles it with the stride.
    fn build(&self, device: &Device) -> Box<dyn Convolution> {
        let (kernel, stride, channels) = (self.kernel, self.stride, self.channels);
        let border = (kernel - 1) / 2;
        let init = &mut Init::new(0, 0, device);
        match self.kind {
            Kind::Zero => {
                Box::new(Conv2d::new(init, channels, kernel, stride, Padding::Zero(border), DEVIATION))
            }
            Kind::Reflect => {
                Box::new(Conv2d::new(init, channels, kernel, stride, Padding::Reflect(border), DEVIATION))
            }
            Kind::Transposed => {
                Box::new(ConvTranspose2d::new(init, channels, kernel, stride, border, 0, DEVIATION))
            }
        }
    }

    /// Multiplications and additions of a direct convolution.
    fn operations(&self, convolution: &dyn Convolution) -> f64 {
        let side = match self.kind {
            Kind::Transposed => self.side,
            _ => convolution.shape().output_side(self.side),
        };
        let [input, output] = self.channels;
        2.0 * (self.batch * side * side * input * output * self.kernel * self.kernel) as f64
    }
}

/// Reads `[--threads N]`, 0 for all, and `[--only TEXT]`; `None` where it is something else.
fn arguments() -> Option<(usize, String)> {
    let mut args = std::env::args().skip(1).filter(|a| a != "--bench");
    let (mut threads, mut only) = (0, String::new());
    while let Some(flag) = args.next() {
        match flag.as_str() {
            "--threads" => threads = args.next()?.parse().ok()?,
            "--only" => only = args.next()?,
            _ => return None,
        }
    }
    Some((threads, only))
}

fn main() {
    let Some((threads, only)) = arguments() else {
        println!("usage: cargo bench --bench convolution -- [--threads N] [--only TEXT]");
        return;
    };
    let threads = start(threads);
    let peak = peak(threads);
    println!();
    println!("{:<54} {:<11} {:>9} {:>9} {:>8}", "convolution", "pass", "ms", "GFLOP/s", "of peak");
    for case in CASES.iter().filter(|case| case.name().contains(&only)) {
        measure(case, peak);
    }
}

/// Prints the rates of matrix products; the best on all threads, in operations per second.
fn peak(threads: usize) -> f64 {
    println!();
    println!("{:<15} {:>7} {:>9}", "product", "threads", "GFLOP/s");
    let counts = if threads == 1 { vec![1] } else { vec![1, threads] };
    let mut peak = 0.0_f64;
    for side in PRODUCTS {
        for &count in &counts {
            let rate = product_rate(side, count);
            println!("{:<15} {count:>7} {:>9.1}", format!("{side}x{side}x{side}"), rate / 1e9);
            if count == threads {
                peak = peak.max(rate);
            }
        }
    }
    peak
}

/// Operations per second of a product of square matrices, each thread at its own columns of the result.
fn product_rate(side: usize, threads: usize) -> f64 {
    let values = |first: usize| -> Vec<f32> {
        (first..first + side * side).map(|at| (at * 7 % 13) as f32 - 6.0).collect()
    };
    let (left, right) = (values(0), values(5));
    let mut product = vec![0.0_f32; side * side];
    let columns = side.div_ceil(threads) * side;
    let seconds = least(|| {
        let begun = Instant::now();
        product.par_chunks_mut(columns).zip(right.par_chunks(columns)).with_max_len(1).for_each(
            |(product, right)| {
                let width = right.len() / side;
                matmul(
                    MatMut::from_column_major_slice_mut(product, side, width),
                    Accum::Replace,
                    MatRef::from_column_major_slice(&left, side, side),
                    MatRef::from_column_major_slice(right, side, width),
                    1.0,
                    Par::Seq,
                );
            },
        );
        begun.elapsed().as_secs_f64()
    });
    black_box(&product);
    2.0 * (side * side * side) as f64 / seconds
}

/// Prints the rows of one convolution; `peak` is in operations per second.
fn measure(case: &Case, peak: f64) {
    let (plain, autodiff) = (Device::flex(), Device::flex().autodiff());
    let convolution = case.build(&plain);
    let shape = [case.batch, case.channels[0], case.side, case.side];
    let map = FeatureMap::from_images(drawn(shape, -1.0, &plain));
    let forward = least(|| {
        let map = map.clone();
        timed(|| convolution.forward(map, Activation::None))
    });
    let to_images = |map: &FeatureMap| {
        least(|| {
            let map = map.clone();
            timed(|| map.into_images())
        })
    };
    let input_to_images = to_images(&map);
    let result = convolution.forward(map, Activation::None);
    let result_to_images = to_images(&result);
    let result = drawn(result.into_images().dims(), -1.0, &autodiff).require_grad();
    let of_mean = least(|| {
        let loss = FeatureMap::from_images(result.clone()).mean_pixels().sum();
        timed(|| loss.backward())
    }) - result_to_images;

    let images = drawn(shape, -1.0, &autodiff);
    let weight = drawn(convolution.weight().dims(), -1.0, &autodiff);
    let backward = |map: FeatureMap, weight: Tensor<4>| {
        // A mean over pixels has the cheapest way back into blocks.
        let loss = convolution.run(map, weight, None, None, Activation::None).mean_pixels().sum();
        timed(|| loss.backward())
    };
    let to_input = least(|| backward(FeatureMap::from_images(images.clone().require_grad()), weight.clone()));
    let map = FeatureMap::from_images(images.clone());
    let to_weights = least(|| backward(map.clone(), weight.clone().require_grad()));
    let (to_input, to_weights) = (to_input - of_mean - input_to_images, to_weights - of_mean);

    let (name, operations) = (case.name(), case.operations(convolution.as_ref()));
    for (pass, seconds) in [("forward", forward), ("to input", to_input), ("to weights", to_weights)] {
        let rate = operations / seconds;
        let (ms, share) = (seconds * 1e3, rate / peak * 100.0);
        println!("{name:<54} {pass:<11} {ms:>9.3} {:>9.1} {share:>6.0} %", rate / 1e9);
    }
    let around = (of_mean + input_to_images) * 1e3;
    println!("{name:<54} {:<11} {around:>9.3}", "(around it)");
}

/// Uniform draws in \[low, 1).
fn drawn<const D: usize>(shape: [usize; D], low: f32, device: &Device) -> Tensor<D> {
    let mut draws = stream(0, Stage::Other, 0, 0);
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|_| low + draws.uniform_f32() * (1.0 - low)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Seconds until there is a result; it is dropped outside of them.
fn timed<T>(work: impl FnOnce() -> T) -> f64 {
    let begun = Instant::now();
    let result = work();
    let taken = begun.elapsed().as_secs_f64();
    black_box(result);
    taken
}

/// The least of several times that `run` takes by its own measure, after one that warms up.
fn least(mut run: impl FnMut() -> f64) -> f64 {
    run();
    let begun = Instant::now();
    let (mut shortest, mut repeats) = (f64::INFINITY, 0);
    while repeats < REPEATS || begun.elapsed() < SPAN {
        shortest = shortest.min(run());
        repeats += 1;
    }
    shortest
}
