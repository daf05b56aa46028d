//! What the benches of networks share: the threads they run with, and the line that says on what.

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
