//! A trained classifier as it is saved: the weights of its network, and how its outputs become probabilities.
//!
//! Knows weights and their configuration; where a file lies is its caller's matter.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::threshold::Rescale;
use crate::classify::objective::Loss;
use crate::imaging::training_set::Spec;
use crate::nn::ComputeDevice;
use crate::nn::init::Init;
use crate::nn::input_gradient::Images;
use crate::nn::layers::Pass;
use crate::nn::parameters::{self, ParametersError, TensorMap};
use crate::nn::resnet::{ResNet, ResNetConfig};
use crate::nn::weights::Weights;

/// Version of the configuration; a newer file is refused.
const VERSION: u32 = 1;
/// What the names of its tensors begin with.
const PART: &str = "classifier";

/// How the outputs of a network become probabilities.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// The loss that it was trained with.
    pub loss: Loss,
    pub rescale: Option<Rescale>,
}

impl Reading {
    /// What the network says before any rescaling: `[batch, channels, side, side]` in \[0, 1\] to `[batch, classes]`,
    /// each row with the sum 1.
    pub fn outputs(&self, network: &ResNet, x: Tensor<4>) -> Tensor<2> {
        self.loss.probabilities(self.loss.forward(network, x, &mut Pass::inference()))
    }

    /// The probabilities of one image, from its row of [`Reading::outputs`].
    pub fn answer(&self, row: &[f32]) -> Vec<f64> {
        let row: Vec<f64> = row.iter().map(|p| f64::from(*p)).collect();
        match &self.rescale {
            Some(rescale) => rescale.of(&row),
            None => row,
        }
    }

    /// True where it fits so many classes.
    fn fits(&self, classes: usize) -> bool {
        let margins = match &self.loss {
            Loss::Margin { margins, .. } => margins.len() == classes,
            _ => true,
        };
        let shares = |rescale: &Rescale| rescale.prior.len() == classes && rescale.target.len() == classes;
        margins && self.rescale.as_ref().is_none_or(shares)
    }
}

/// Whose a classifier is, and of which images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// Name of the treatment in results.
    pub treatment: String,
    pub seed: u64,
    /// Of a cross-validation, from 0.
    pub fold: Option<usize>,
    /// In class order.
    pub classes: Vec<String>,
    /// What its images look like.
    pub spec: Spec,
}

/// A trained classifier on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedClassifier {
    pub network: ResNetConfig,
    /// The network's parameters by path.
    pub tensors: TensorMap,
    pub reading: Reading,
}

/// Why weights are no classifier of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SavedError {
    #[error("the classifier was written by a newer counterpoise; update the program")]
    Newer,
    #[error("the file holds no classifier of a comparison ({0})")]
    Config(String),
    #[error("the classifier is refused: it describes a network that cannot exist")]
    Network,
    #[error("the classifier is refused: {0}")]
    Parameters(#[from] ParametersError),
}

/// What the file says of itself.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    version: u32,
    owner: Owner,
    network: ResNetConfig,
    reading: Reading,
}

impl SavedClassifier {
    /// As weights with the whole configuration.
    pub fn weights(&self, owner: &Owner) -> Weights {
        let config = Config {
            version: VERSION,
            owner: owner.clone(),
            network: self.network.clone(),
            reading: self.reading.clone(),
        };
        let config = serde_json::to_value(&config).unwrap_or_default();
        let mut weights = Weights { config, tensors: TensorMap::new() };
        weights.add(PART, self.tensors.clone());
        weights
    }

    /// Reads what [`SavedClassifier::weights`] gave, with distrust.
    ///
    /// # Errors
    /// Other weights, a newer version, or a network that could not exist.
    pub fn read(weights: &Weights) -> Result<(Owner, Self), SavedError> {
        let version = weights.config.get("version").and_then(Value::as_u64).unwrap_or(0);
        if version > u64::from(VERSION) {
            return Err(SavedError::Newer);
        }
        let config: Config = serde_json::from_value(weights.config.clone())
            .map_err(|error| SavedError::Config(error.to_string()))?;
        let Config { owner, network, reading, .. } = config;
        let classes = owner.classes.len();
        let sane = network.is_sane()
            && network.classes == classes
            && network.channels == usize::from(owner.spec.channels)
            && (1..=4096).contains(&owner.spec.size)
            && reading.fits(classes);
        if !sane {
            return Err(SavedError::Network);
        }
        Ok((owner, SavedClassifier { network, tensors: weights.part(PART), reading }))
    }

    /// The classifier on a device, for inference.
    ///
    /// # Errors
    /// Parameters of another network.
    pub fn on(&self, device: &ComputeDevice) -> Result<Classifier, SavedError> {
        // Start weights are replaced at once; the seed does not matter.
        let fresh = self.network.build(&mut Init::new(0, 0, &device.plain()));
        let network = parameters::write(fresh, &self.tensors)?;
        Ok(Classifier { network, reading: self.reading.clone(), device: device.clone() })
    }
}

/// A saved classifier on a device.
#[derive(Clone, Debug)]
pub struct Classifier {
    network: ResNet,
    reading: Reading,
    device: ComputeDevice,
}

impl Classifier {
    pub fn network(&self) -> &ResNet {
        &self.network
    }

    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    pub fn device(&self) -> &ComputeDevice {
        &self.device
    }

    /// Probabilities of each class for each image, in \[0, 1\] with the sum 1: what the treatment's classifier said when
    /// it was measured. `None` where the device could not be read.
    pub fn says(&self, images: &Images) -> Option<Vec<Vec<f64>>> {
        let outputs = self.reading.outputs(&self.network, images.to_tensor(&self.device.plain()));
        let [rows, classes] = outputs.dims();
        let flat = outputs.try_into_vec_as::<f32>().ok()?;
        let whole = flat.len() == rows * classes;
        whole.then(|| flat.chunks(classes.max(1)).map(|row| self.reading.answer(row)).collect())
    }
}
