//! Classifier g as the judge of a generator's candidates: trained on real images alone, before the generator.
//! Images of an earlier export are no real ones: it would judge by what another generator made.

use serde::{Deserialize, Serialize};

use crate::classify::batches::{Augment, Sampling, channel_statistics_of, epochs_for, gather};
use crate::classify::recalls::{confusion, confusion_of, recalls};
use crate::classify::schedule::Schedule;
use crate::classify::trainer::{StepError, Trainer};
use crate::classify::treatments::Preset;
use crate::domain::task::{Cancelled, Ctx};
use crate::imaging::training_set::{HeldOut, TrainingSet};
use crate::nn::ComputeDevice;
use crate::nn::device::DeviceKind;
use crate::nn::init::Init;
use crate::nn::resnet::{ResNet, ResNetConfig};

/// Steps that the judge gets where no number of epochs is given, as far as 100 epochs go.
const STEPS: u32 = 1000;
/// The parameter that names its network.
pub(super) const ASKED: &str = "judge-network";
/// Key of the judge in random streams, apart from the networks of methods.
pub(super) const NETWORK: u64 = 100;
/// Recall under which the judge's word on a class is not asked for.
pub(super) const LEAST_RECALL: f64 = 0.5;
/// As M2m's g: SGD with momentum 0.9 and weight decay 2e-4 from 0.1.
const LEARNING_RATE: f64 = 0.1;
const MOMENTUM: f64 = 0.9;
const WEIGHT_DECAY: f64 = 2e-4;

/// How the judge is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgeSettings {
    pub epochs: usize,
    pub batch: usize,
    /// With balanced batches a class of 40 images is still a class that the judge names.
    pub sampling: JudgeSampling,
    /// Small or resnet32; left open it follows the device.
    pub network: Option<String>,
}

/// Batches of the judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JudgeSampling {
    Natural,
    Balanced,
}

impl JudgeSettings {
    /// `epochs` as asked for, or as many as [`STEPS`] take; `images` is the number of real ones.
    pub fn new(
        epochs: Option<u32>,
        batch: u32,
        balanced: bool,
        network: Option<&str>,
        images: usize,
    ) -> Self {
        let enough = epochs_for(STEPS, images, batch).clamp(3, 100);
        JudgeSettings {
            epochs: epochs.unwrap_or(enough) as usize,
            batch: batch.max(1) as usize,
            sampling: if balanced { JudgeSampling::Balanced } else { JudgeSampling::Natural },
            network: network.map(str::to_owned),
        }
    }

    pub fn sampling(&self) -> Sampling {
        match self.sampling {
            JudgeSampling::Natural => Sampling::Natural,
            JudgeSampling::Balanced => Sampling::ClassBalanced,
        }
    }
}

/// The judge in training.
pub struct Judge {
    pub config: ResNetConfig,
    pub trainer: Trainer,
    schedule: Schedule,
}

/// The network of the judge: what is asked for by name, or what the device is for.
pub(super) fn preset(asked: Option<&str>, device: &ComputeDevice) -> Preset {
    match (asked.and_then(|name| name.parse::<Preset>().ok()), device.info.kind) {
        (Some(preset), _) => preset,
        (None, DeviceKind::Gpu) => Preset::Resnet32,
        (None, _) => Preset::Small,
    }
}

/// The same for a set, before its normaliser is known.
fn network(set: &TrainingSet, asked: Option<&str>, device: &ComputeDevice) -> ResNetConfig {
    preset(asked, device).config(usize::from(set.spec.channels), set.classes.len())
}

/// How many features the judge of a set gives.
pub(super) fn features(set: &TrainingSet, asked: Option<&str>, device: &ComputeDevice) -> usize {
    network(set, asked, device).features()
}

impl Judge {
    pub fn new(set: &TrainingSet, settings: &JudgeSettings, seed: u64, device: &ComputeDevice) -> Self {
        let (mean, deviation) = channel_statistics_of(set, &set.originals());
        let config = ResNetConfig { mean, deviation, ..network(set, settings.network.as_deref(), device) };
        let autodiff = device.autodiff();
        let network = config.build(&mut Init::new(seed, NETWORK, &autodiff));
        let trainer = Trainer::new(network, MOMENTUM, WEIGHT_DECAY, &autodiff);
        let schedule = Schedule { learning_rate: LEARNING_RATE, epochs: settings.epochs, drop: 10.0 };
        Judge { config, trainer, schedule }
    }

    /// One batch of real images.
    pub fn step(
        &mut self,
        set: &TrainingSet,
        positions: &[usize],
        (epoch, step, steps): (usize, usize, usize),
    ) -> Result<f64, StepError> {
        let data = gather(set, positions, Augment::default(), None);
        self.trainer.step(&data.images, &data.labels, self.schedule.at(epoch, step, steps))
    }
}

/// Recall of each class on images the judge did not learn from where there are any, else on those it did.
///
/// # Errors
/// `Cancelled`.
pub fn recall(
    ctx: &Ctx,
    judge: &ResNet,
    set: &TrainingSet,
    validation: Option<&HeldOut>,
    device: &ComputeDevice,
) -> Result<Vec<Option<f64>>, Cancelled> {
    const SAMPLE: usize = 512;
    let classes = 0..set.classes.len();
    let learnt: Vec<usize> =
        classes.flat_map(|class| set.originals_of_class(class).into_iter().take(SAMPLE)).collect();
    let trained = recalls(&confusion_of(ctx, judge, set, &learnt, &device.plain())?);
    let Some(validation) = validation else { return Ok(trained) };
    let held = recalls(&confusion(ctx, judge, validation, SAMPLE, &device.plain())?);
    Ok(held.into_iter().zip(trained).map(|(held, trained)| held.or(trained)).collect())
}
