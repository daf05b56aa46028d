//! Training one classifier under a treatment, and asking it.

use std::str::FromStr;

use burn::tensor::{Device, Tensor};

use super::Treatment;
use super::ensemble::Ensemble;
use super::mixup::blend;
use super::recipe::Recipe;
use super::sampler::Sampler;
use super::saved::{Reading, SavedClassifier};
use super::threshold::Rescale;
use super::tree::Rows;
use crate::classify::batches::{Augment, channel_statistics, gather};
use crate::classify::schedule::Schedule;
use crate::classify::trainer::{Labels, StepError, Trainer};
use crate::domain::imbalance::WeightsError;
use crate::domain::random::{Stage, stream};
use crate::domain::task::{Cancelled, Ctx};
use crate::imaging::training_set::{ImageSet, TrainingSet};
use crate::nn::ComputeDevice;
use crate::nn::init::Init;
use crate::nn::layers::Pass;
use crate::nn::parameters;
use crate::nn::resnet::{HEAD_BIAS, ResNet, ResNetConfig};

/// The classifier's key in random streams: that of f, so that every treatment starts from the weights that f
/// starts from.
pub(super) const NETWORK: u64 = 1;
/// Images per forward where a trained classifier is asked.
const ASKED: usize = 256;
/// Of 200, where deferred parts begin, as published.
const DEFERRAL: usize = 160;

/// A network by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    Small,
    Resnet32,
}

impl Preset {
    pub const fn as_str(self) -> &'static str {
        match self {
            Preset::Small => "small",
            Preset::Resnet32 => "resnet32",
        }
    }

    /// Without a normaliser.
    pub fn config(self, channels: usize, classes: usize) -> ResNetConfig {
        match self {
            Preset::Small => ResNetConfig::small(channels, classes),
            Preset::Resnet32 => ResNetConfig::resnet32(channels, classes),
        }
    }
}

/// An unknown network name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown network; use small or resnet32")]
pub struct PresetError;

impl FromStr for Preset {
    type Err = PresetError;

    fn from_str(text: &str) -> Result<Self, PresetError> {
        [Preset::Small, Preset::Resnet32]
            .into_iter()
            .find(|preset| preset.as_str() == text)
            .ok_or(PresetError)
    }
}

/// What every treatment of a comparison has in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    pub network: Preset,
    /// Optimiser steps; at least 1.
    pub steps: usize,
    /// Images per step; at least 2, because batch norm needs two.
    pub batch: usize,
    /// Highest learning rate; it climbs first and drops at four fifths and at nine tenths of the steps.
    pub learning_rate: f64,
    /// What the rate is divided by at each of the two.
    pub drop: f64,
    pub momentum: f64,
    pub weight_decay: f64,
    pub augment: Augment,
    pub seed: u64,
}

impl Options {
    /// As M2m's classifiers: batch 128, rate 0.1, momentum 0.9, weight decay 2e-4; the rate drops by 100 for
    /// ResNet-32 as published, by 10 for the small network, whose few steps after a drop would otherwise move
    /// nothing.
    pub fn new(network: Preset, steps: usize, seed: u64) -> Self {
        Options {
            network,
            steps,
            batch: 128,
            learning_rate: 0.1,
            drop: if network == Preset::Resnet32 { 100.0 } else { 10.0 },
            momentum: 0.9,
            weight_decay: 2e-4,
            augment: Augment::default(),
            seed,
        }
    }
}

/// A step that was taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// From 1.
    pub number: usize,
    /// Mean weighted loss of the batch before it.
    pub loss: f64,
    pub learning_rate: f64,
}

/// Why there is no classifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    #[error("cancelled")]
    Cancelled,
    /// The training images do not allow it.
    #[error("{0}")]
    Data(String),
    #[error(
        "training ran away: the loss was not a number at step {step}; try fewer steps or another network"
    )]
    Diverged { step: usize },
    #[error("the device did not give its result back; it may be out of memory. Use --device cpu")]
    Device,
}

impl From<Cancelled> for FitError {
    fn from(_: Cancelled) -> Self {
        FitError::Cancelled
    }
}

/// A trained classifier.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// Without gradients.
    network: ResNet,
    /// What the network is built from.
    config: ResNetConfig,
    recipe: Recipe,
    /// Training images of each class.
    counts: Vec<usize>,
    rescale: Option<Rescale>,
    /// In place of the last layer.
    ensemble: Option<Ensemble>,
    device: Device,
}

/// Trains a classifier on the training images. The same seed gives the same start weights to every treatment
/// and the same classifier to the same treatment. `told` hears of each step.
///
/// # Errors
/// Cancelled; fewer than two classes with images; a class without images, where the treatment divides by its
/// count; a prior for another number of classes; a loss that is no number; a device that gave out.
pub fn fit(
    ctx: &Ctx,
    treatment: &Treatment,
    training: &TrainingSet,
    options: &Options,
    device: &ComputeDevice,
    told: &mut dyn FnMut(Step),
) -> Result<Fitted, FitError> {
    let counts = training.counts();
    if counts.iter().filter(|&&n| n > 0).count() < 2 {
        return Err(FitError::Data(
            "a classifier needs at least two classes with training images; add images to another class"
                .to_owned(),
        ));
    }
    let (recipe, rescale) = prepared(treatment, &counts, &training.classes)?;

    let autodiff = device.autodiff();
    let (mean, deviation) = channel_statistics(training);
    let preset = options.network.config(usize::from(training.spec.channels), counts.len());
    let config = ResNetConfig { mean, deviation, ..preset };
    let network = config.build(&mut Init::new(options.seed, NETWORK, &autodiff));
    let (momentum, decay) = (options.momentum, options.weight_decay);
    let mut trainer = match recipe.start_bias {
        Some(bias) => Trainer::new(network.with_head_bias(bias as f32), momentum, decay, &autodiff)
            .without_decay_of(HEAD_BIAS),
        None => Trainer::new(network, momentum, decay, &autodiff),
    };
    let schedule =
        Schedule { learning_rate: options.learning_rate, epochs: options.steps, drop: options.drop };
    let deferral = schedule.milestone(DEFERRAL);
    let mut sampler = Sampler::new(recipe.draw[0], training, options.seed);
    let moves = options.augment != Augment::default();
    for step in 0..options.steps {
        ctx.check()?;
        if step == deferral && recipe.draw[1] != recipe.draw[0] {
            sampler = Sampler::new(recipe.draw[1], training, options.seed);
        }
        let positions = sampler.take(options.batch);
        let draws = moves.then(|| stream(options.seed, Stage::Augment, NETWORK, step as u64));
        let mut batch = gather(training, &positions, options.augment, draws);
        let partners = recipe.mixup.map(|alpha| {
            blend(&mut batch, alpha, &mut stream(options.seed, Stage::Blend, NETWORK, step as u64))
        });
        let blended = partners.as_ref().map(|(labels, share)| (labels.as_slice(), *share));
        let labels = Labels { of_images: &batch.labels, blended };
        // Steps stand for epochs: the schedule only knows shares of the whole.
        let rate = schedule.at(step, 0, 1);
        let objective = &recipe.objective[usize::from(step >= deferral)];
        let loss = trainer.minimise(objective, &batch.images, labels, rate).map_err(|error| match error {
            StepError::NotFinite => FitError::Diverged { step: step + 1 },
            StepError::Device => FitError::Device,
        })?;
        told(Step { number: step + 1, loss, learning_rate: rate });
    }
    let (network, device) = (trainer.plain(), device.plain());
    let fitted = Fitted { network, config, recipe, counts, rescale, ensemble: None, device };
    fitted.with_ensemble(ctx, treatment, training, options.seed)
}

/// What a treatment trains and does to probabilities, where it can.
fn prepared(
    treatment: &Treatment,
    counts: &[usize],
    classes: &[String],
) -> Result<(Recipe, Option<Rescale>), FitError> {
    let recipe = treatment.recipe(counts).map_err(|error| of_weights(error, classes))?;
    Ok((recipe, checked(treatment, counts, classes)?))
}

/// What a treatment does to probabilities, where it can.
fn checked(treatment: &Treatment, counts: &[usize], classes: &[String]) -> Result<Option<Rescale>, FitError> {
    let Some(rescale) = treatment.rescaling(counts) else { return Ok(None) };
    if rescale.target.len() != counts.len() {
        return Err(FitError::Data(format!(
            "{treatment} names {} shares and there are {} classes; give one for each, in the order {}",
            rescale.target.len(),
            counts.len(),
            classes.join(", ")
        )));
    }
    match counts.iter().position(|&n| n == 0) {
        Some(empty) => Err(of_weights(WeightsError::EmptyClass(empty), classes)),
        None => Ok(Some(rescale)),
    }
}

fn of_weights(error: WeightsError, classes: &[String]) -> FitError {
    FitError::Data(match error {
        WeightsError::EmptyClass(class) => format!(
            "the class {} has no training image, so it has no weight; give it images or leave it out",
            classes.get(class).map_or("", String::as_str)
        ),
        other => other.to_string(),
    })
}

impl Treatment {
    /// Looks whether these training images allow it, before anything is trained.
    ///
    /// # Errors
    /// As [`fit`], of the images.
    pub fn check(&self, training: &ImageSet) -> Result<(), FitError> {
        prepared(self, &training.counts(), &training.classes).map(|_| ())
    }
}

impl Fitted {
    /// The classifier of another treatment that trains exactly as this one did, on the same images with the
    /// same seed, and differs in what is made of the network's outputs; `None` where it would train
    /// otherwise.
    ///
    /// # Errors
    /// Cancelled, or a device that gave out.
    pub fn under(
        &self,
        ctx: &Ctx,
        treatment: &Treatment,
        training: &TrainingSet,
        seed: u64,
    ) -> Result<Option<Fitted>, FitError> {
        // What does not fit the counts is left to `fit`, which says why.
        let Ok((recipe, rescale)) = prepared(treatment, &self.counts, &[]) else { return Ok(None) };
        if recipe != self.recipe {
            return Ok(None);
        }
        let fitted = Fitted { rescale, ensemble: None, ..self.clone() };
        fitted.with_ensemble(ctx, treatment, training, seed).map(Some)
    }

    /// With the trees that a treatment puts in the place of the last layer, where it does.
    fn with_ensemble(
        self,
        ctx: &Ctx,
        treatment: &Treatment,
        training: &TrainingSet,
        seed: u64,
    ) -> Result<Self, FitError> {
        let Some(settings) = treatment.ensemble() else { return Ok(self) };
        let (values, width) = self.features(ctx, training)?;
        let (values, labels) = (values.as_slice(), training.labels.as_slice());
        let rows = Rows { values, width, labels, classes: training.classes.len() };
        let ensemble = Ensemble::fit(ctx, &rows, &settings, seed)?;
        Ok(Fitted { ensemble: Some(ensemble), ..self })
    }

    /// What the network makes of each image: rows of as many numbers as the second value says.
    fn outputs(
        &self,
        ctx: &Ctx,
        images: &ImageSet,
        of: impl Fn(Tensor<4>) -> Tensor<2>,
    ) -> Result<(Vec<f32>, usize), FitError> {
        let positions: Vec<usize> = (0..images.len()).collect();
        let (mut rows, mut width) = (Vec::new(), 1);
        for chunk in positions.chunks(ASKED) {
            ctx.check()?;
            let batch = gather(images, chunk, Augment::default(), None);
            let outputs = of(batch.images.to_tensor(&self.device));
            width = outputs.dims()[1].max(1);
            rows.extend(outputs.try_into_vec_as::<f32>().map_err(|_| FitError::Device)?);
        }
        if rows.len() == images.len() * width { Ok((rows, width)) } else { Err(FitError::Device) }
    }

    /// What the last layer sees of each image.
    fn features(&self, ctx: &Ctx, images: &ImageSet) -> Result<(Vec<f32>, usize), FitError> {
        self.outputs(ctx, images, |x| self.network.features(x, &mut Pass::inference()))
    }

    /// Probabilities of each class for each image of a set, in \[0, 1\] with the sum 1.
    ///
    /// # Errors
    /// Cancelled, or a device that gave out.
    pub fn probabilities(&self, ctx: &Ctx, images: &ImageSet) -> Result<Vec<Vec<f64>>, FitError> {
        if let Some(ensemble) = &self.ensemble {
            let (rows, width) = self.features(ctx, images)?;
            return Ok(rows.chunks(width).map(|row| ensemble.probabilities(row)).collect());
        }
        let reading = self.reading();
        let (rows, width) = self.outputs(ctx, images, |x| reading.outputs(&self.network, x))?;
        Ok(rows.chunks(width).map(|row| reading.answer(row)).collect())
    }

    /// How the network's outputs become probabilities, where no trees stand in the place of its last layer.
    fn reading(&self) -> Reading {
        Reading { loss: self.recipe.objective[1].loss.clone(), rescale: self.rescale.clone() }
    }

    /// The classifier as it is saved; `None` where trees stand in the place of the network's last layer.
    pub fn saved(&self) -> Option<SavedClassifier> {
        self.ensemble.is_none().then(|| SavedClassifier {
            network: self.config.clone(),
            tensors: parameters::read(&self.network),
            reading: self.reading(),
        })
    }
}
