//! What every trained generator shares: the loop of its training, the judge, model files, candidates and gauges.
//!
//! A method's file says which networks there are, what one step does to them and how a picture of a class is drawn;
//! it knows no checkpoint, no progress and no model file. Networks see images in \[-1, 1\] on a [`Canvas`] whose side
//! they can halve; candidates are cut back to the training size.

mod canvas;
mod fit;
mod gauges;
mod ground;
mod judge;
mod model;
mod prior;
pub(super) mod space;
mod trained;

use std::path::Path;

use burn::tensor::{Device, Int, Tensor};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(super) use canvas::Canvas;
pub(super) use fit::{Setup, sampling};
pub(super) use ground::{Ground, Memory, Rows, rows_error};
pub(super) use trained::{
    Second, Trained, drawn_labels, latent_of, loaded, mean, named, normal, share_right, together, uniform,
};

use super::params::complete;
use super::{FitRequest, MethodError, MethodInfo, Model, Oversampler, ParamInfo, ParamMap, ParamsError};
use crate::classify::batches::Sampling;
use crate::classify::trainer::StepError;
use crate::domain::random::{Stage, Stream, stream};
use crate::domain::task::Ctx;
use crate::imaging::training_set::TrainingSet;
use crate::nn::ComputeDevice;
use crate::nn::parameters::{ParametersError, TensorMap};
use crate::nn::resnet::ResNet;
use crate::nn::weights::Weights;

/// Losses and other figures of a step, by name.
pub(super) type Figures = Vec<(&'static str, f64)>;

/// The name under which a step tells which share of its codes or images the discriminator had right.
pub(super) const RIGHT: &str = "discriminator right";

/// Epochs of one kind.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    /// For people: `pre-training the autoencoder`.
    pub name: &'static str,
    pub epochs: usize,
    pub sampling: Sampling,
}

/// One batch of a training.
pub(super) struct Step<'a> {
    /// `[batch, channels, side, side]` in \[-1, 1\], on the autodiff device.
    pub images: Tensor<4>,
    pub labels: &'a [usize],
    /// The same on the device.
    pub classes: Tensor<1, Int>,
    /// Number of the step, all parts counted.
    pub key: u64,
    pub seed: u64,
    /// Autodiff.
    pub device: &'a Device,
    /// Where the batch comes from, for what a step needs beside it.
    pub scene: &'a Scene<'a>,
}

impl Step<'_> {
    /// Draws of this step for one purpose of the method's own.
    pub fn draws(&self, purpose: u64) -> Stream {
        stream(self.seed, Stage::TrainingStep, purpose, self.key)
    }
}

/// What a method is made from besides its networks.
pub(super) struct Scene<'a> {
    pub set: &'a TrainingSet,
    pub canvas: Canvas,
    pub device: &'a ComputeDevice,
    pub seed: u64,
    /// What the last class stood on.
    pub memory: &'a Memory,
    /// Classifier g, trained before any of the method's networks; without gradients.
    pub judge: &'a ResNet,
    /// What making may ask: the parameters in force.
    pub params: &'a ParamMap,
}

impl<'a> Scene<'a> {
    /// That of a training.
    fn of(request: &FitRequest<'a>, canvas: Canvas, memory: &'a Memory, judge: &'a ResNet) -> Self {
        let FitRequest { training, device, seed, params, .. } = *request;
        Scene { set: training, canvas, device, seed, memory, judge, params }
    }

    /// Refuses a class of which nothing was learnt.
    ///
    /// # Errors
    /// A class without a training image.
    pub fn check_learnt(&self, class: usize) -> Result<(), MethodError> {
        if self.set.labels.contains(&class) {
            return Ok(());
        }
        let name = self.set.classes.get(class).map_or("this class", String::as_str);
        Err(MethodError::Data(format!(
            "{name} has no training image, so nothing was learnt of it; add images of it, or make none"
        )))
    }
}

/// The networks and optimisers of a method while they learn.
pub(super) trait Learner {
    /// What is trained, one part after the other; none for a method whose judge is all there is to train.
    fn parts(&self) -> Vec<Part>;

    /// Before the first step of a part, and not again after a checkpoint inside it. A run that was stopped between
    /// this and the first step goes on with this once more, on what the checkpoint gave back.
    ///
    /// # Errors
    /// What the data do not allow, or `Cancelled`.
    fn begin(&mut self, ctx: &Ctx, part: usize, scene: &Scene<'_>) -> Result<(), MethodError>;

    /// One batch.
    ///
    /// # Errors
    /// A loss that is not a number: the networks are then as before the step.
    fn step(&mut self, part: usize, step: &Step<'_>) -> Result<Figures, StepError>;

    /// Every tensor that a checkpoint needs.
    fn tensors(&self) -> TensorMap;

    /// Puts a checkpoint's tensors back.
    ///
    /// # Errors
    /// Tensors of other networks.
    fn restore(&mut self, weights: &Weights) -> Result<(), ParametersError>;

    /// The networks as they are now, for inference.
    fn maker(&self) -> Box<dyn Maker>;
}

/// A trained generator.
pub(super) trait Maker: Send {
    /// The networks, so that a model file can build them again.
    fn networks(&self) -> Value;

    /// Their tensors.
    fn tensors(&self) -> TensorMap;

    /// Ready to draw pictures of one class.
    ///
    /// # Errors
    /// A class that the method can make nothing of, or `Cancelled`.
    fn of_class<'a>(
        &'a self,
        ctx: &Ctx,
        scene: &'a Scene<'a>,
        class: usize,
    ) -> Result<Box<dyn Source + 'a>, MethodError>;

    /// What the networks make of real images `[batch, channels, side, side]`; none without an encoder.
    fn reconstruct(
        &self,
        _scene: &Scene<'_>,
        _images: Tensor<4>,
        _classes: Tensor<1, Int>,
    ) -> Option<Tensor<4>> {
        None
    }

    /// Codes `[batch, latent]` of real images; none where codes follow no prior.
    fn codes(&self, _images: Tensor<4>) -> Option<Tensor<2>> {
        None
    }
}

/// Draws pictures of one class.
pub(super) trait Source {
    /// One picture for each key; a picture depends on its key alone.
    ///
    /// # Errors
    /// The device's.
    fn make(&self, keys: &[u64]) -> Result<Made, MethodError>;

    /// What a person should know of the class, where it is not made as the method has it; said once.
    fn remark(&self) -> Option<String> {
        None
    }
}

/// Pictures before anybody judged them; all lists have one entry per picture.
pub(super) struct Made {
    /// At training size in \[0, 1\], channel after channel, one picture after the other ([`Canvas::cut`]).
    pub images: Vec<f32>,
    /// Position of the real image each began from, where there is one.
    pub origins: Vec<Option<usize>>,
    /// The method's own score by name.
    pub scores: Option<(&'static str, Vec<f64>)>,
    /// What else the manifest should say of each: JSON objects.
    pub extra: Vec<Value>,
}

/// A method whose training, judging and model files are those of this ground: all of an [`Oversampler`] follows.
pub(super) trait Generative: Send + Sync {
    fn info(&self) -> &'static MethodInfo;

    /// Its parameters: names, defaults with source, ranges.
    fn param_table(&self) -> &'static [ParamInfo];

    /// What a training starts from.
    ///
    /// # Errors
    /// Parameters or data that the method cannot use.
    fn setup(&self, ctx: &Ctx, request: &FitRequest<'_>) -> Result<(Setup, Box<dyn Learner>), MethodError>;

    /// Networks out of a model file, on the device without gradients.
    ///
    /// # Errors
    /// In words, networks that cannot exist or tensors that are not theirs.
    fn maker(
        &self,
        networks: &Value,
        weights: &Weights,
        params: &ParamMap,
        device: &Device,
    ) -> Result<Box<dyn Maker>, String>;
}

impl<M: Generative> Oversampler for M {
    fn info(&self) -> &'static MethodInfo {
        Generative::info(self)
    }

    fn param_table(&self) -> &'static [ParamInfo] {
        Generative::param_table(self)
    }

    fn prior_beta(&self, params: &ParamMap) -> Result<Option<f64>, ParamsError> {
        complete(Generative::param_table(self), params).map(|_| None)
    }

    fn fit(&self, ctx: &Ctx, request: &FitRequest<'_>) -> Result<Box<dyn Model>, MethodError> {
        let (setup, learner) = self.setup(ctx, request)?;
        let (info, table) = (Generative::info(self), Generative::param_table(self));
        fit::fit(ctx, request, (info, table), &setup, learner)
    }

    fn load(
        &self,
        path: &Path,
        training: &TrainingSet,
        device: &ComputeDevice,
    ) -> Result<Box<dyn Model>, MethodError> {
        model::load(self, path, training, device)
    }
}

/// The networks that a model file tells of.
///
/// # Errors
/// In words, what is not a description of them, or one of networks that cannot exist.
pub(super) fn described<N: DeserializeOwned>(
    networks: &Value,
    is_sane: impl FnOnce(&N) -> bool,
) -> Result<N, String> {
    let networks: N = serde_json::from_value(networks.clone()).map_err(|error| error.to_string())?;
    if is_sane(&networks) {
        return Ok(networks);
    }
    Err("it describes a network that cannot exist".to_owned())
}
