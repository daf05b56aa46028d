//! One network, its optimiser and its steps.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::objective::Objective;
use crate::nn::input_gradient::Images;
use crate::nn::layers::Pass;
use crate::nn::optim::Sgd;
use crate::nn::parameters::{self, ParametersError, TensorMap};
use crate::nn::resnet::ResNet;

/// Why a step could not be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    #[error("the loss is not a number any more")]
    NotFinite,
    #[error("the device did not give its result back; it may be out of memory or lost")]
    Device,
}

/// What a batch should be taken for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Labels<'a> {
    pub of_images: &'a [usize],
    /// A second label for each image, and the share of the first one in \[0, 1\]: for images that were blended.
    pub blended: Option<(&'a [usize], f64)>,
}

/// A classifier in training, on an autodiff device.
pub struct Trainer {
    pub network: ResNet,
    sgd: Sgd,
    device: Device,
}

impl Trainer {
    pub fn new(network: ResNet, momentum: f64, weight_decay: f64, autodiff: &Device) -> Self {
        Trainer { network, sgd: Sgd::new(momentum, weight_decay), device: autodiff.clone() }
    }

    /// The same without weight decay of the parameter at this path.
    #[must_use]
    pub fn without_decay_of(self, path: &str) -> Self {
        Trainer { sgd: self.sgd.without_decay_of(path), ..self }
    }

    /// One step of plain cross entropy (mean over the batch); the loss before the step.
    ///
    /// # Errors
    /// A loss that is not finite: the weights are then those before the step.
    pub fn step(&mut self, images: &Images, labels: &[usize], lr: f64) -> Result<f64, StepError> {
        self.minimise(&Objective::default(), images, Labels { of_images: labels, blended: None }, lr)
    }

    /// One step towards an objective (its mean over the batch); the loss before the step.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    pub fn minimise(
        &mut self,
        objective: &Objective,
        images: &Images,
        labels: Labels<'_>,
        lr: f64,
    ) -> Result<f64, StepError> {
        let x = images.to_tensor(&self.device);
        let mut pass = Pass::training();
        let outputs = objective.loss.forward(&self.network, x, &mut pass);
        let losses = match labels.blended {
            None => objective.losses(outputs, labels.of_images),
            Some((others, share)) => {
                objective.losses(outputs.clone(), labels.of_images) * share
                    + objective.losses(outputs, others) * (1.0 - share)
            }
        };
        // Summed on the host in order, because a device sums in an order of its own.
        let values = losses.clone().detach().try_to_vec_as::<f32>().map_err(|_| StepError::Device)?;
        let count = labels.of_images.len().max(1) as f64;
        let loss = values.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
        if !loss.is_finite() {
            return Err(StepError::NotFinite);
        }
        let grads = (losses.sum() / count).backward();
        // A clone shares the tensors, so the network stays whole whatever happens in between.
        let stepped = self.sgd.step(self.network.clone(), &grads, lr);
        self.network = stepped.absorb(pass);
        Ok(loss)
    }

    /// The network for inference without gradients.
    pub fn plain(&self) -> ResNet {
        self.network.valid()
    }

    /// The network for input gradients: on the autodiff device, nothing of its own tracked.
    pub fn frozen(&self) -> ResNet {
        self.network.clone().freeze()
    }

    /// Parameters and optimiser state, for a checkpoint.
    pub fn state(&self) -> (TensorMap, TensorMap) {
        (parameters::read(&self.network), self.sgd.state())
    }

    /// Puts a checkpoint back.
    ///
    /// # Errors
    /// Parameters of another network.
    pub fn restore(&mut self, weights: &TensorMap, velocity: &TensorMap) -> Result<(), ParametersError> {
        self.network = parameters::write(self.network.clone(), weights)?;
        self.sgd.restore(velocity, &self.device.clone().inner());
        Ok(())
    }
}

/// Labels as a tensor.
pub fn labels_tensor(labels: &[usize], device: &Device) -> Tensor<1, Int> {
    let labels: Vec<i32> = labels.iter().map(|&label| label as i32).collect();
    let count = labels.len();
    Tensor::from_data(TensorData::new(labels, [count]), device)
}
