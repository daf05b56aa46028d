//! A network with its optimiser, as a step uses and a checkpoint keeps it.

use burn::module::Module;
use burn::tensor::{Device, Gradients, Tensor, TensorData};

use crate::classify::trainer::StepError;
use crate::domain::random::{Stage, Stream, stream};
use crate::nn::optim::Adam;
use crate::nn::parameters::{self, ParametersError, TensorMap};
use crate::nn::weights::Weights;

/// One network in training, on an autodiff device.
pub struct Trained<M> {
    pub network: M,
    adam: Adam,
}

impl<M: Module> Trained<M> {
    pub fn new(network: M, betas: [f64; 2]) -> Self {
        Trained { network, adam: Adam::new(betas) }
    }

    /// Moves what has a gradient.
    pub fn step(&mut self, grads: &Gradients, rate: f64) {
        // A clone shares the tensors.
        self.network = self.adam.step(self.network.clone(), grads, rate);
    }

    /// Network and optimiser under `name`, for a checkpoint.
    pub fn tensors(&self, name: &str) -> TensorMap {
        let mut weights = Weights { config: serde_json::Value::Null, tensors: TensorMap::new() };
        weights.add(name, parameters::read(&self.network));
        weights.add(&format!("{name}_adam"), self.adam.state());
        weights.tensors
    }

    /// The inverse of [`Trained::tensors`]; `device` is the job's, autodiff.
    ///
    /// # Errors
    /// Tensors of another network.
    pub fn restore(&mut self, weights: &Weights, name: &str, device: &Device) -> Result<(), ParametersError> {
        self.network = parameters::write(self.network.clone(), &weights.part(name))?;
        self.adam.restore(&weights.part(&format!("{name}_adam")), &device.clone().inner());
        Ok(())
    }
}

/// A second optimiser over a network that [`Trained`] has: each loss keeps moments of its own.
pub struct Second(Adam);

impl Second {
    pub fn new(betas: [f64; 2]) -> Self {
        Second(Adam::new(betas))
    }

    /// Moves what has a gradient.
    pub fn step<M: Module>(&mut self, of: &mut Trained<M>, grads: &Gradients, rate: f64) {
        of.network = self.0.step(of.network.clone(), grads, rate);
    }

    /// Its state under `name`.
    pub fn tensors(&self, name: &str) -> TensorMap {
        let mut weights = Weights { config: serde_json::Value::Null, tensors: TensorMap::new() };
        weights.add(&format!("{name}_adam"), self.0.state());
        weights.tensors
    }

    /// The inverse of [`Second::tensors`].
    pub fn restore(&mut self, weights: &Weights, name: &str, device: &Device) {
        self.0.restore(&weights.part(&format!("{name}_adam")), &device.clone().inner());
    }
}

/// Mean of a loss per sample, summed on the host in order, because a device sums in an order of its own.
///
/// # Errors
/// A mean that is not a number, or a device that cannot be read.
pub fn mean(per_sample: Tensor<1>) -> Result<f64, StepError> {
    let values = per_sample.detach().try_into_vec_as::<f32>().map_err(|_| StepError::Device)?;
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len().max(1) as f64;
    if mean.is_finite() { Ok(mean) } else { Err(StepError::NotFinite) }
}

/// Standard normal numbers `[rows, width]`.
pub fn normal(draws: &mut Stream, rows: usize, width: usize, device: &Device) -> Tensor<2> {
    let values: Vec<f32> = (0..rows * width).map(|_| draws.normal() as f32).collect();
    Tensor::from_data(TensorData::new(values, [rows, width]), device)
}

/// Uniform numbers in \[0, 1), `[rows]`.
pub fn uniform(draws: &mut Stream, rows: usize, device: &Device) -> Tensor<1> {
    let values: Vec<f32> = (0..rows).map(|_| draws.uniform_f32()).collect();
    Tensor::from_data(TensorData::new(values, [rows]), device)
}

/// Labels of made images: each of `classes`, of which there is one at least, as likely as the others.
pub fn drawn_labels(draws: &mut Stream, classes: &[usize], count: usize) -> Vec<usize> {
    (0..count).map(|_| classes[draws.below(classes.len())]).collect()
}

/// Standard normal numbers `[keys, width]` of candidates of a class; a row depends on its key alone.
pub fn latent_of(seed: u64, class: usize, keys: &[u64], width: usize, device: &Device) -> Tensor<2> {
    let mut values = Vec::with_capacity(keys.len() * width);
    for &key in keys {
        let mut draws = stream(seed, Stage::Latent, class as u64, key);
        values.extend((0..width).map(|_| draws.normal() as f32));
    }
    Tensor::from_data(TensorData::new(values, [keys.len(), width]), device)
}

/// Share of right answers, real ones and made ones counting the same: scores of real images `[batch]` above `bar`,
/// those of made ones not above it.
///
/// # Errors
/// A device that cannot be read.
pub fn share_right(real: Tensor<1>, made: Tensor<1>, bar: f32) -> Result<f64, StepError> {
    let share = |scores: Tensor<1>, above: bool| -> Result<f64, StepError> {
        let scores = scores.detach().try_into_vec_as::<f32>().map_err(|_| StepError::Device)?;
        let right = scores.iter().filter(|score| (**score > bar) == above).count();
        Ok(right as f64 / scores.len().max(1) as f64)
    };
    Ok((share(real, true)? + share(made, false)?) / 2.0)
}

/// Tensors of a model file or checkpoint under the names of several networks.
pub fn together(parts: impl IntoIterator<Item = TensorMap>) -> TensorMap {
    parts.into_iter().flatten().collect()
}

/// A network of a model file: built by `fresh`, with the tensors under `name`.
///
/// # Errors
/// In words, tensors of another network.
pub fn loaded<M: Module>(fresh: M, weights: &Weights, name: &str) -> Result<M, String> {
    parameters::write(fresh, &weights.part(name)).map_err(|error| error.to_string())
}

/// The tensors of a network under `name`, for a model file.
pub fn named<M: Module>(name: &str, network: &M) -> TensorMap {
    let mut weights = Weights { config: serde_json::Value::Null, tensors: TensorMap::new() };
    weights.add(name, parameters::read(network));
    weights.tensors
}
