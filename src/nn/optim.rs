//! Stochastic gradient descent with momentum, its state kept by parameter path.
//!
//! burn's own optimiser keys its state by parameter ids, which a weights file drops; a path survives, so a
//! resumed run goes on exactly where it stopped. Source: torch.optim.SGD without Nesterov and with dampening 0:
//! `g += weight_decay * w`, `v = momentum * v + g` (first step `v = g`), `w -= lr * v`.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Gradients, Shape, Tensor, TensorData};

use super::parameters::{HostTensor, PathStack, TensorMap};

/// SGD with momentum and L2 weight decay on every parameter (batch norm and bias too, as published).
#[derive(Debug)]
pub struct Sgd {
    pub momentum: f64,
    pub weight_decay: f64,
    /// Flat velocity by parameter path.
    velocity: BTreeMap<String, Tensor<1>>,
}

impl Sgd {
    pub fn new(momentum: f64, weight_decay: f64) -> Self {
        Sgd { momentum, weight_decay, velocity: BTreeMap::new() }
    }

    /// One step; parameters without a gradient stay as they are.
    pub fn step<M: Module>(&mut self, network: M, grads: &Gradients, lr: f64) -> M {
        network.map(&mut Step { sgd: self, grads, lr, path: PathStack::default() })
    }

    /// The state, for a checkpoint.
    pub fn state(&self) -> TensorMap {
        self.velocity.iter().map(|(path, tensor)| (path.clone(), HostTensor::of(tensor.clone()))).collect()
    }

    /// Puts a checkpoint's state back, on the job's device (without gradients).
    pub fn restore(&mut self, state: &TensorMap, device: &Device) {
        self.velocity = state
            .iter()
            .map(|(path, host)| {
                let data = TensorData::new(host.values.clone(), [host.values.len()]);
                (path.clone(), Tensor::from_data(data, device))
            })
            .collect();
    }
}

struct Step<'a> {
    sgd: &'a mut Sgd,
    grads: &'a Gradients,
    lr: f64,
    path: PathStack,
}

impl ModuleMapper for Step<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(grad) = param.val().grad(self.grads) else { return param };
        let path = self.path.path();
        let shape: Shape = grad.shape();
        let weights = param.val().inner();
        let count = shape.num_elements();
        let grad = (grad + weights.clone() * self.sgd.weight_decay).reshape([count]);
        let velocity = match self.sgd.velocity.remove(&path) {
            Some(velocity) => velocity * self.sgd.momentum + grad,
            None => grad,
        };
        self.sgd.velocity.insert(path, velocity.clone());
        let dims: [usize; D] = weights.dims();
        let updated = weights - velocity.reshape(dims) * self.lr;
        param.map(|_| Tensor::from_inner(updated).require_grad())
    }
}
