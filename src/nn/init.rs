//! Start weights, drawn from our own streams and never from a backend's generator.

use burn::module::{Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};

use crate::domain::random::{Stage, stream};

/// Draws the parameters of one network in the order of their creation.
pub struct Init {
    seed: u64,
    network: u64,
    next: u64,
    device: Device,
}

impl Init {
    /// `network` tells the networks of one run apart (g is 0, f is 1).
    pub fn new(seed: u64, network: u64, device: &Device) -> Self {
        Init { seed, network, next: 0, device: device.clone() }
    }

    fn param<const D: usize>(&mut self, shape: [usize; D], values: Vec<f32>) -> Param<Tensor<D>> {
        let tensor = Tensor::from_data(TensorData::new(values, shape), &self.device);
        Param::initialized(ParamId::new(), tensor).set_require_grad(true)
    }

    /// Normal with mean 0 and the given standard deviation.
    pub fn normal<const D: usize>(&mut self, shape: [usize; D], deviation: f64) -> Param<Tensor<D>> {
        self.normal_around(0.0, shape, deviation)
    }

    /// Normal with the given mean and standard deviation.
    pub fn normal_around<const D: usize>(
        &mut self,
        mean: f64,
        shape: [usize; D],
        deviation: f64,
    ) -> Param<Tensor<D>> {
        let mut draws = stream(self.seed, Stage::Init, self.network, self.next);
        self.next += 1;
        let count = shape.iter().product();
        let values = (0..count).map(|_| (mean + draws.normal() * deviation) as f32).collect();
        self.param(shape, values)
    }

    /// Uniform in \[-bound, bound).
    pub fn uniform<const D: usize>(&mut self, shape: [usize; D], bound: f64) -> Param<Tensor<D>> {
        let mut draws = stream(self.seed, Stage::Init, self.network, self.next);
        self.next += 1;
        let count = shape.iter().product();
        let values = (0..count).map(|_| ((draws.uniform() * 2.0 - 1.0) * bound) as f32).collect();
        self.param(shape, values)
    }

    /// One value everywhere; uses no draw.
    pub fn constant<const D: usize>(&mut self, shape: [usize; D], value: f32) -> Param<Tensor<D>> {
        let count = shape.iter().product();
        self.param(shape, vec![value; count])
    }

    /// As [`Init::constant`], never trained (running statistics).
    pub fn buffer<const D: usize>(&mut self, shape: [usize; D], value: f32) -> Param<Tensor<D>> {
        self.constant(shape, value).set_require_grad(false)
    }
}
