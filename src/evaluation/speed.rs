//! The work whose speed is measured: single steps of training and of making images, on drawn pictures.
//!
//! Each function sets one row up, for pictures of some [`Size`] in colour, and hands back the work of one repeat;
//! docs/benchmarks.md has the rows in words. A repeat ends when the device has done all of it.

use burn::module::Module as _;
use burn::tensor::{Device, Int, Tensor};

use crate::classify::trainer::labels_tensor;
use crate::domain::random::{Stage, stream};
use crate::domain::task::{Cancelled, Ctx};
use crate::nn::ComputeDevice;
use crate::nn::autoencoder::AutoencoderConfig;
use crate::nn::cyclegan::{Generator, GeneratorConfig, PatchGan, PatchGanConfig};
use crate::nn::init::Init;
use crate::nn::input_gradient::{Images, walk};
use crate::nn::layers::Pass;
use crate::nn::loss::{cross_entropy, pick};
use crate::nn::optim::Adam;
use crate::nn::resnet::{ResNet, ResNetConfig};

/// One repeat of a row.
pub type Work = Box<dyn FnMut(&Ctx) -> Result<(), SpeedError>>;

/// Why a repeat did not end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpeedError {
    #[error("cancelled")]
    Cancelled,
    #[error("the device did not do its work; it may be out of memory: {0}")]
    Device(String),
}

impl From<Cancelled> for SpeedError {
    fn from(_: Cancelled) -> Self {
        SpeedError::Cancelled
    }
}

/// How many pictures, and how large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Pictures in a batch.
    pub batch: usize,
    /// Pixels of a side.
    pub side: usize,
}

const CLASSES: usize = 10;
/// Adam's default step, which the rows train with.
const LEARNING_RATE: f64 = 1e-3;

/// Work that ends when `device` has nothing left to do.
fn on(device: &ComputeDevice, mut run: impl FnMut(&Ctx) -> Result<(), SpeedError> + 'static) -> Work {
    let device = device.plain();
    Box::new(move |ctx: &Ctx| {
        run(ctx)?;
        device.sync().map_err(|error| SpeedError::Device(error.to_string()))
    })
}

/// Uniform draws in \[low, 1), one stream per picture; `set` tells the batches of a row apart.
fn pictures(seed: u64, set: u64, shape: [usize; 4], low: f32) -> Images {
    let [batch, channels, height, width] = shape;
    let row = channels * height * width;
    let mut values = Vec::with_capacity(batch * row);
    for image in 0..batch {
        let mut draws = stream(seed, Stage::Other, set, image as u64);
        values.extend((0..row).map(|_| low + draws.uniform_f32() * (1.0 - low)));
    }
    Images { shape, values }
}

/// ResNet-32 with 1x1 convolutions on the shortcuts that change shape.
fn classifier(seed: u64, network: u64, device: &Device) -> ResNet {
    let config = ResNetConfig { projection: true, ..ResNetConfig::resnet32(3, CLASSES) };
    config.build(&mut Init::new(seed, network, device))
}

fn batch(seed: u64, size: Size) -> Images {
    pictures(seed, 0, [size.batch, 3, size.side, size.side], 0.0)
}

/// The class of each picture of a batch, or the one `step` after it.
fn labels(size: Size, step: usize, device: &Device) -> Tensor<1, Int> {
    let labels: Vec<usize> = (0..size.batch).map(|image| (image + step) % CLASSES).collect();
    labels_tensor(&labels, device)
}

/// One step of ResNet-32: cross entropy, Adam, running statistics.
pub fn classifier_train(device: &ComputeDevice, seed: u64, size: Size) -> Work {
    let autodiff = device.autodiff();
    let (x, y) = (batch(seed, size).to_tensor(&autodiff), labels(size, 0, &autodiff));
    let mut network = classifier(seed, 0, &autodiff);
    let mut adam = Adam::default();
    on(device, move |_| {
        let mut pass = Pass::training();
        let loss = cross_entropy(network.forward(x.clone(), &mut pass), y.clone()).mean();
        let grads = loss.backward();
        network = adam.step(network.clone(), &grads, LEARNING_RATE).absorb(pass);
        Ok(())
    })
}

/// Logits of one batch with running statistics and without gradients, read back.
pub fn classifier_infer(device: &ComputeDevice, seed: u64, size: Size) -> Work {
    let plain = device.plain();
    let x = batch(seed, size).to_tensor(&plain);
    let network = classifier(seed, 0, &plain);
    on(device, move |_| {
        let logits = network.forward(x.clone(), &mut Pass::inference());
        // A device that works ahead may leave out what nobody reads.
        read(logits)
    })
}

/// Ten steps of M2m's walk on one batch, with its usual length of step and weight of f.
pub fn m2m_generate(device: &ComputeDevice, seed: u64, size: Size) -> Work {
    const STEPS: usize = 10;
    const ETA: f32 = 0.1;
    const LAMBDA: f64 = 0.5;
    let autodiff = device.autodiff();
    let start = batch(seed, size);
    let (from, to) = (labels(size, 0, &autodiff), labels(size, 1, &autodiff));
    let g = classifier(seed, 0, &autodiff).freeze();
    let f = classifier(seed, 1, &autodiff).freeze();
    on(device, move |ctx| {
        let objective = |x: Tensor<4>| {
            let of_g = cross_entropy(g.forward(x.clone(), &mut Pass::inference()), to.clone());
            of_g + pick(f.forward(x, &mut Pass::inference()), from.clone()) * LAMBDA
        };
        read(walk(ctx, &start, STEPS, ETA, &autodiff, objective)?)
    })
}

fn read<const D: usize>(tensor: Tensor<D>) -> Result<(), SpeedError> {
    match tensor.try_into_vec_as::<f32>() {
        Ok(_) => Ok(()),
        Err(error) => Err(SpeedError::Device(error.to_string())),
    }
}

/// One step of the DCGAN autoencoder, on a side that [`AutoencoderConfig::is_sane`] allows: mean squared error, Adam.
pub fn autoencoder_train(device: &ComputeDevice, seed: u64, size: Size) -> Work {
    let autodiff = device.autodiff();
    let x = pictures(seed, 0, [size.batch, 3, size.side, size.side], -1.0).to_tensor(&autodiff);
    let mut network = AutoencoderConfig::dcgan(3, size.side).build(&mut Init::new(seed, 0, &autodiff));
    let mut adam = Adam::default();
    on(device, move |_| {
        let mut pass = Pass::training();
        let loss = (network.forward(x.clone(), &mut pass) - x.clone()).square().mean();
        let grads = loss.backward();
        network = adam.step(network.clone(), &grads, LEARNING_RATE).absorb(pass);
        Ok(())
    })
}

/// One step of a CycleGAN's two generators and one of its two discriminators, on a batch of each domain: least squares, cycle weight 10, identity weight 5, Adam with 2e-4 and betas 0.5 and 0.999.
///
/// The discriminators stand still in the generators' step, so that gradients nobody uses are not made. What goes
/// through the same network goes together: nothing in these networks looks across a batch.
pub fn cyclegan_train(device: &ComputeDevice, seed: u64, size: Size) -> Work {
    const BETAS: [f64; 2] = [0.5, 0.999];
    const RATE: f64 = 2e-4;
    let autodiff = device.autodiff();
    let shape = [size.batch, 3, size.side, size.side];
    let [a, b] = [0, 1].map(|domain| pictures(seed, domain, shape, -1.0).to_tensor(&autodiff));
    let init = |network| Init::new(seed, network, &autodiff);
    let generator = GeneratorConfig { channels: 3, width: 32, blocks: 4 };
    let patches = PatchGanConfig { channels: 3, width: 32, layers: 2 };
    // From a to b and from b to a; the judges of a and of b.
    let mut generators: (Generator, Generator) =
        (generator.build(&mut init(0)), generator.build(&mut init(1)));
    let mut judges: (PatchGan, PatchGan) = (patches.build(&mut init(2)), patches.build(&mut init(3)));
    let (mut of_generators, mut of_judges) = (Adam::new(BETAS), Adam::new(BETAS));
    on(device, move |_| {
        let (to_b, to_a) = &generators;
        let (judge_a, judge_b) = (judges.0.clone().freeze(), judges.1.clone().freeze());
        // Each generator makes images of the other domain and should leave its own domain's images as they are.
        let [made_b, same_b] = halves(to_b.forward(both(&a, &b)));
        let [made_a, same_a] = halves(to_a.forward(both(&b, &a)));
        let (held_b, held_a) = (made_b.clone().detach(), made_a.clone().detach());
        let fooled =
            towards(judge_b.forward(made_b.clone()), 1.0) + towards(judge_a.forward(made_a.clone()), 1.0);
        let cycle = apart(to_a.forward(made_b), a.clone()) + apart(to_b.forward(made_a), b.clone());
        let identity = apart(same_b, b.clone()) + apart(same_a, a.clone());
        let grads = (fooled + cycle * 10.0 + identity * 5.0).backward();
        generators = of_generators.step(generators.clone(), &grads, RATE);

        let judged = |judge: &PatchGan, real: &Tensor<4>, made: &Tensor<4>| {
            let [real, made] = halves(judge.forward(both(real, made)));
            towards(real, 1.0) + towards(made, 0.0)
        };
        let (of_a, of_b) = (judged(&judges.0, &a, &held_a), judged(&judges.1, &b, &held_b));
        let grads = ((of_a + of_b) * 0.5).backward();
        judges = of_judges.step(judges.clone(), &grads, RATE);
        Ok(())
    })
}

/// One batch after the other.
fn both(first: &Tensor<4>, second: &Tensor<4>) -> Tensor<4> {
    Tensor::cat(vec![first.clone(), second.clone()], 0)
}

/// The inverse of [`both`] for batches of one size.
fn halves(batch: Tensor<4>) -> [Tensor<4>; 2] {
    let [images, channels, height, width] = batch.dims();
    let half = images / 2;
    let part =
        |images: std::ops::Range<usize>| batch.clone().slice([images, 0..channels, 0..height, 0..width]);
    [part(0..half), part(half..images)]
}

/// Mean squared distance of verdicts to a target.
fn towards(verdict: Tensor<4>, target: f64) -> Tensor<1> {
    (verdict - target).square().mean()
}

/// Mean absolute difference.
fn apart(x: Tensor<4>, y: Tensor<4>) -> Tensor<1> {
    (x - y).abs().mean()
}
