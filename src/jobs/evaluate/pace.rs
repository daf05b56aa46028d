//! How long a step of an evaluation takes on this machine, measured and never guessed.

use std::time::{Duration, Instant};

use super::{EvaluateRequest, check_classes, fit_error, learnt_from, options, usual_folds};
use crate::classify::treatments::{Options, Preset, Treatment, fit};
use crate::domain::provenance::Kind;
use crate::domain::samples::{Dataset, Sample};
use crate::domain::splits::Split;
use crate::domain::task::Ctx;
use crate::imaging::training_set::TrainingSet;
use crate::jobs::JobError;
use crate::jobs::compute::Compute;

/// Steps that are taken to see how long one takes, and how many of them only warm up.
const TIMED: usize = 12;
const WARMING: usize = 3;
/// Training images of each class that are decoded for that.
const TIMED_IMAGES: usize = 64;

/// How long a step of an evaluation takes on this machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timed {
    pub network: Preset,
    /// The median of a few steps of plain training.
    pub step_seconds: f64,
}

/// Takes a few steps of plain training to see how long one takes; nothing is kept.
///
/// # Errors
/// As [`super::evaluate`], of the training images and the device.
pub fn time_steps(ctx: &Ctx, request: &EvaluateRequest) -> Result<Timed, JobError> {
    check_classes(&request.dataset)?;
    let images: usize = request.dataset.training_counts().iter().sum();
    let test: usize = match &request.test {
        Some(test) => test.samples.len(),
        None => request.dataset.counts(Split::Test).iter().sum(),
    };
    let images = learnt_from(images, request.choice.folds.or(usual_folds(test)));
    // A step takes as long whichever images are in it.
    let mut few = Dataset::clone(&request.dataset);
    let mut left = vec![TIMED_IMAGES; few.classes.len()];
    let counts =
        |sample: &Sample| sample.split == Split::Train && !sample.excluded && sample.kind != Kind::Repeated;
    for sample in few.samples.iter_mut().filter(|sample| counts(sample)) {
        match left.get_mut(sample.class) {
            Some(left) if *left > 0 => *left -= 1,
            _ => sample.excluded = true,
        }
    }
    let (training, _) = TrainingSet::load_readable(ctx, &few, &request.spec)?;
    let device = Compute::start(&request.choice.device)?;
    let options = Options { steps: TIMED, ..options(request, device.info.kind, images)? };
    let (mut times, mut last) = (Vec::with_capacity(TIMED), Instant::now());
    fit(ctx, &Treatment::none(), &training, &options, &device, &mut |step| {
        ctx.progress("timing a few steps", step.number as u64, TIMED as u64);
        if step.number > WARMING {
            times.push(last.elapsed().as_secs_f64());
        }
        last = Instant::now();
    })
    .map_err(fit_error)?;
    let step_seconds = median(times)
        .ok_or_else(|| JobError::Failed("no step could be timed; start the comparison instead".to_owned()))?;
    Ok(Timed { network: options.network, step_seconds })
}

/// Measures work, without the time that it was paused.
pub(super) struct Stopwatch {
    begun: Instant,
    /// How long the work had been paused until then.
    paused: Duration,
}

impl Stopwatch {
    pub fn start(ctx: &Ctx) -> Self {
        Stopwatch { begun: Instant::now(), paused: ctx.paused_for() }
    }

    /// Seconds since the start.
    pub fn seconds(&self, ctx: &Ctx) -> f64 {
        let paused = ctx.paused_for().saturating_sub(self.paused);
        self.begun.elapsed().saturating_sub(paused).as_secs_f64()
    }
}

/// The middle of some values; `None` for none.
pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
