//! What the benches of networks share: the threads they run with, the line that says on what, and drawn numbers.

use burn::tensor::{Device, Tensor, TensorData};
use counterpoise::domain::random::{Stage, stream};
use counterpoise::nn::cpu::instruction_set;

/// Gives rayon's global pool as many threads, 0 for all of the machine; prints and returns how many there are.
///
/// The kernels of `nn::cpu`, burn's flex backend and SMOTE all run on that pool.
pub fn start(threads: usize) -> usize {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().unwrap();
    let threads = rayon::current_num_threads();
    println!("threads {threads}, kernels with {}", instruction_set());
    threads
}

/// Uniform draws in \[low, 1).
pub fn drawn<const D: usize>(shape: [usize; D], low: f32, device: &Device) -> Tensor<D> {
    let mut draws = stream(0, Stage::Other, 0, 0);
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|_| low + draws.uniform_f32() * (1.0 - low)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}
