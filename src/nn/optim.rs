//! Optimisers, their state kept by parameter path: stochastic gradient descent with momentum, and Adam.
//!
//! burn's own optimisers key their state by parameter ids, which a weights file drops; a path survives, so a
//! resumed run goes on exactly where it stopped. The arithmetic of one parameter is a function of flat tensors, one
//! per optimiser, so that a faster kernel has one place to go.

use std::collections::BTreeMap;

use burn::backend::Dispatch;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Gradients, Shape, Tensor, TensorData};

use super::cpu::ops::OptimOps;
use super::cpu::{AdamSettings, absent, has_kernels};
use super::parameters::{HostTensor, PathStack, TensorMap};

/// SGD with momentum and L2 weight decay on every parameter (batch norm and bias too, as published) but one that may be
/// named.
///
/// Source: torch.optim.SGD without Nesterov and with dampening 0.
#[derive(Debug)]
pub struct Sgd {
    pub momentum: f64,
    pub weight_decay: f64,
    /// Path of a parameter that does not decay.
    undecayed: Option<String>,
    /// Flat velocity by parameter path.
    velocity: BTreeMap<String, Tensor<1>>,
}

impl Sgd {
    pub fn new(momentum: f64, weight_decay: f64) -> Self {
        Sgd { momentum, weight_decay, undecayed: None, velocity: BTreeMap::new() }
    }

    /// Without decay of the parameter at this path.
    #[must_use]
    pub fn without_decay_of(self, path: &str) -> Self {
        Sgd { undecayed: Some(path.to_owned()), ..self }
    }

    /// One step; parameters without a gradient stay as they are.
    pub fn step<M: Module>(&mut self, network: M, grads: &Gradients, lr: f64) -> M {
        let (momentum, weight_decay) = (self.momentum, self.weight_decay);
        let (all, undecayed) = (&mut self.velocity, self.undecayed.as_deref());
        step(network, grads, |path, weights, grad| {
            let decay = if undecayed == Some(path.as_str()) { 0.0 } else { weight_decay };
            let (weights, velocity) = sgd_update(weights, grad, all.remove(&path), momentum, decay, lr);
            all.insert(path, velocity);
            weights
        })
    }

    /// The state, for a checkpoint.
    pub fn state(&self) -> TensorMap {
        self.velocity.iter().map(|(path, tensor)| (path.clone(), HostTensor::of(tensor.clone()))).collect()
    }

    /// Puts a checkpoint's state back, on the job's device (without gradients).
    pub fn restore(&mut self, state: &TensorMap, device: &Device) {
        self.velocity = state.iter().map(|(path, host)| (path.clone(), flat(host, device))).collect();
    }
}

/// New weights and velocity of one parameter: `g += weight_decay * w`, `v = momentum * v + g` (first step `v = g`),
/// `w -= lr * v`.
fn sgd_update(
    weights: Tensor<1>,
    grad: Tensor<1>,
    velocity: Option<Tensor<1>>,
    momentum: f64,
    weight_decay: f64,
    lr: f64,
) -> (Tensor<1>, Tensor<1>) {
    if has_kernels(&weights.device()) {
        let velocity = velocity.unwrap_or_else(|| absent(&weights.device()));
        let (weights, velocity) = Dispatch::sgd_step(
            weights.into_dispatch(),
            grad.into_dispatch(),
            velocity.into_dispatch(),
            momentum,
            weight_decay,
            lr,
        );
        return (Tensor::from_dispatch(weights), Tensor::from_dispatch(velocity));
    }
    let grad = grad + weights.clone() * weight_decay;
    let velocity = match velocity {
        Some(velocity) => velocity * momentum + grad,
        None => grad,
    };
    (weights - velocity.clone() * lr, velocity)
}

/// Adam (Kingma and Ba, ICLR 2015) without weight decay.
///
/// Source: torch.optim.Adam, whose defaults `default` has.
#[derive(Debug)]
pub struct Adam {
    /// Decay of the first and of the second moment.
    pub betas: [f64; 2],
    /// Added to the root of the corrected second moment.
    pub epsilon: f64,
    /// By parameter path.
    moments: BTreeMap<String, Moments>,
}

/// What Adam keeps of one parameter.
#[derive(Debug)]
struct Moments {
    first: Tensor<1>,
    second: Tensor<1>,
    /// Steps taken; a parameter that has no gradient in a step does not count it.
    steps: u64,
}

/// Ends of the names under which a checkpoint holds the moments of a parameter.
const FIRST: &str = ".first_moment";
const SECOND: &str = ".second_moment";
const STEPS: &str = ".steps";

impl Default for Adam {
    fn default() -> Self {
        Self::new([0.9, 0.999])
    }
}

impl Adam {
    /// With the usual epsilon of 1e-8.
    pub fn new(betas: [f64; 2]) -> Self {
        Adam { betas, epsilon: 1e-8, moments: BTreeMap::new() }
    }

    /// One step; parameters without a gradient stay as they are.
    pub fn step<M: Module>(&mut self, network: M, grads: &Gradients, lr: f64) -> M {
        let (betas, epsilon) = (self.betas, self.epsilon);
        let all = &mut self.moments;
        step(network, grads, |path, weights, grad| {
            let (old, steps) = match all.remove(&path) {
                Some(old) => (Some([old.first, old.second]), old.steps.saturating_add(1)),
                None => (None, 1),
            };
            let settings = AdamSettings { rate: lr, betas, epsilon, step: steps };
            let (weights, [first, second]) = adam_update(weights, grad, old, settings);
            all.insert(path, Moments { first, second, steps });
            weights
        })
    }

    /// The state, for a checkpoint: three tensors for each parameter.
    pub fn state(&self) -> TensorMap {
        self.moments
            .iter()
            .flat_map(|(path, moments)| {
                // Exact up to 2^24 steps, and the corrections are 1 long before.
                let steps = HostTensor { shape: vec![1], values: vec![moments.steps as f32] };
                [
                    (format!("{path}{FIRST}"), HostTensor::of(moments.first.clone())),
                    (format!("{path}{SECOND}"), HostTensor::of(moments.second.clone())),
                    (format!("{path}{STEPS}"), steps),
                ]
            })
            .collect()
    }

    /// Puts a checkpoint's state back, on the job's device (without gradients). A parameter of which a part is
    /// missing begins anew.
    pub fn restore(&mut self, state: &TensorMap, device: &Device) {
        let moments = state.iter().filter_map(|(name, first)| {
            let path = name.strip_suffix(FIRST)?;
            let second = state.get(&format!("{path}{SECOND}"))?;
            let steps = *state.get(&format!("{path}{STEPS}"))?.values.first()? as u64;
            let moments = Moments { first: flat(first, device), second: flat(second, device), steps };
            Some((path.to_owned(), moments))
        });
        self.moments = moments.collect();
    }
}

/// New weights, first and second moment of one parameter: `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g²` (both
/// from 0), `w -= rate / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + epsilon)`.
fn adam_update(
    weights: Tensor<1>,
    grad: Tensor<1>,
    moments: Option<[Tensor<1>; 2]>,
    settings: AdamSettings,
) -> (Tensor<1>, [Tensor<1>; 2]) {
    if has_kernels(&weights.device()) {
        let device = weights.device();
        let [first, second] = moments.unwrap_or_else(|| [absent(&device), absent(&device)]);
        let (weights, first, second) = Dispatch::adam_step(
            weights.into_dispatch(),
            grad.into_dispatch(),
            first.into_dispatch(),
            second.into_dispatch(),
            settings,
        );
        let moments = [Tensor::from_dispatch(first), Tensor::from_dispatch(second)];
        return (Tensor::from_dispatch(weights), moments);
    }
    let AdamSettings { rate, betas: [beta1, beta2], epsilon, step } = settings;
    let correction = |beta: f64| 1.0 - beta.powf(step as f64);
    let (new1, new2) = (grad.clone() * (1.0 - beta1), grad.square() * (1.0 - beta2));
    let (first, second) = match moments {
        Some([first, second]) => (first * beta1 + new1, second * beta2 + new2),
        None => (new1, new2),
    };
    let spread = second.clone().sqrt() / correction(beta2).sqrt() + epsilon;
    let weights = weights - first.clone() / spread * (rate / correction(beta1));
    (weights, [first, second])
}

/// A checkpoint's tensor without its shape, on a device.
fn flat(host: &HostTensor, device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(host.values.clone(), [host.values.len()]), device)
}

/// Gives every parameter that has a gradient its new weights; `update` gets path, weights and gradient, flat.
fn step<M, F>(network: M, grads: &Gradients, update: F) -> M
where
    M: Module,
    F: FnMut(String, Tensor<1>, Tensor<1>) -> Tensor<1>,
{
    network.map(&mut Step { update, grads, path: PathStack::default() })
}

struct Step<'a, F> {
    update: F,
    grads: &'a Gradients,
    path: PathStack,
}

impl<F: FnMut(String, Tensor<1>, Tensor<1>) -> Tensor<1>> ModuleMapper for Step<'_, F> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(grad) = param.val().grad(self.grads) else { return param };
        let shape: Shape = grad.shape();
        let count = shape.num_elements();
        let weights = param.val().inner();
        let dims: [usize; D] = weights.dims();
        let updated = (self.update)(self.path.path(), weights.reshape([count]), grad.reshape([count]));
        let updated: Tensor<D> = updated.reshape(dims);
        param.map(|_| Tensor::from_inner(updated).require_grad())
    }
}
