//! M2m's training of g and f, with checkpoints a killed run goes on from exactly.
//!
//! Every draw is keyed by (seed, stage, network, step), so a checkpoint needs no generator's state: weights,
//! velocities, the step and the sums of the running epoch are all there is.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{INFO, M2mModel, Params, TRAINING_NOISE, Translation, Translator};
use crate::classify::batches::{Batch, Sampling, channel_statistics, chunks, epoch_order, gather};
use crate::classify::recalls::{argmax, confusion, probabilities, recalls};
use crate::classify::schedule::Schedule;
use crate::classify::trainer::{StepError, Trainer};
use crate::domain::acceptance::{batch_slots, pick, seed_law};
use crate::domain::random::{Stage, stream};
use crate::domain::task::{Ctx, Event, Level, Preview};
use crate::imaging::picture::{Depth, Picture};
use crate::imaging::training_set::{ImageSet, TrainingSet};
use crate::nn::init::Init;
use crate::nn::input_gradient::Images;
use crate::nn::parameters::{HostTensor, TensorMap};
use crate::nn::resnet::{ResNet, ResNetConfig};
use crate::nn::weights::Weights;
use crate::oversampling::checkpoint;
use crate::oversampling::model_file::{ModelConfig, SOURCES, STOPPED, VERSION};
use crate::oversampling::params::sources;
use crate::oversampling::{FitRequest, MethodError, ParamMap, device_lost};

/// Images of each class asked for a recall while training; all of them at the end.
const RECALL_SAMPLE: usize = 256;
/// What one step with translation costs in plain steps, roughly, for the time left.
const TRANSLATION_COST: u64 = 8;
/// Recall of g on training images below which its judgement is doubtful.
const RECALL_WANTED: f64 = 0.9;

/// The two classifiers; the number is their key in random streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Net {
    G = 0,
    F = 1,
}

impl Net {
    const fn name(self) -> &'static str {
        match self {
            Net::G => "g",
            Net::F => "f",
        }
    }
}

/// Counts of one epoch with translation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Acceptance {
    images: usize,
    slots: usize,
    prior: usize,
    confidence: usize,
    /// Accepted images that f itself takes for the target class.
    agrees: usize,
}

/// Where a run is: enough to go on from.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Position {
    net: Net,
    epoch: usize,
    step: usize,
    loss_sum: f64,
    acceptance: Acceptance,
    /// Curves so far, by name.
    curves: BTreeMap<String, Vec<[f64; 2]>>,
}

impl Position {
    fn start(net: Net, curves: BTreeMap<String, Vec<[f64; 2]>>) -> Self {
        Position { net, epoch: 0, step: 0, loss_sum: 0.0, acceptance: Acceptance::default(), curves }
    }
}

/// How a stage ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Complete,
    StoppedKept,
    Diverged,
}

struct Run<'a> {
    ctx: &'a Ctx,
    request: &'a FitRequest<'a>,
    set: &'a TrainingSet,
    params: Params,
    network: ResNetConfig,
    counts: Vec<usize>,
    /// What a checkpoint must agree on.
    identity: Value,
    at: Position,
    last_saved: Instant,
    epochs: usize,
    warm: usize,
    /// Where it was stopped and kept.
    stopped: Option<String>,
}

/// Trains g, then f.
pub(super) fn fit(ctx: &Ctx, request: &FitRequest<'_>) -> Result<M2mModel, MethodError> {
    let set = request.training;
    let counts = set.counts();
    if counts.iter().filter(|&&n| n > 0).count() < 2 {
        return Err(MethodError::Data(
            "M2m needs at least two classes with training images; add images or choose another folder"
                .to_owned(),
        ));
    }
    let params =
        Params::from_map(request.params)?.resolved(request.device, set.len(), set.pixels_per_image());
    let network = params.network(usize::from(set.spec.channels), set.classes.len(), channel_statistics(set));
    let identity = json!({
        "params": params,
        "seed": request.seed,
        "spec": set.spec,
        "classes": set.classes,
        "network": network,
        "device": request.device.info.kind.as_str(),
        "images": checkpoint::fingerprint(set),
    });
    let epochs = params.epochs.unwrap_or(1) as usize;
    let warm = (params.warm.unwrap_or(0) as usize).min(epochs);
    let mut run = Run {
        ctx,
        request,
        set,
        params,
        network,
        counts,
        identity,
        at: Position::start(Net::G, BTreeMap::new()),
        last_saved: Instant::now(),
        epochs,
        warm,
        stopped: None,
    };
    run.warn_of_data();
    let mut g = run.trainer(Net::G);
    let mut f = None;
    if let Some((position, weights)) = checkpoint::read::<Position>(ctx, request.checkpoint, &run.identity) {
        run.at = position;
        restore(&mut g, &weights, Net::G)?;
        if run.at.net == Net::F {
            let mut trainer = run.trainer(Net::F);
            restore(&mut trainer, &weights, Net::F)?;
            f = Some(trainer);
        }
        ctx.note(
            Level::Info,
            format!("going on from a checkpoint, epoch {} of {}", run.at.epoch + 1, epochs),
        );
        for (series, points) in &run.at.curves {
            for [step, value] in points {
                ctx.metric(series.clone(), *step, *value);
            }
        }
    }
    if run.at.net == Net::G {
        match run.stage(&mut g, None)? {
            Ending::Complete => {}
            Ending::StoppedKept => {
                ctx.note(
                    Level::Warning,
                    "stopped while training g: the model has no f, so lambda counts as 0",
                );
                run.stopped = Some(format!("g, after epoch {} of {epochs}", run.at.epoch));
                return run.model(g, None);
            }
            Ending::Diverged => {
                return Err(MethodError::Training(format!(
                    "training g ran away: its loss was not a number in epoch {}. The weights before that are in \
                     the checkpoint; start again with a lower learning rate (it was {})",
                    run.at.epoch + 1,
                    run.params.learning_rate
                )));
            }
        }
        run.judge_g(&g)?;
        let curves = std::mem::take(&mut run.at.curves);
        run.at = Position::start(Net::F, curves);
    }
    let mut f = f.unwrap_or_else(|| run.trainer(Net::F));
    match run.stage(&mut f, Some(&g))? {
        Ending::Complete => {}
        Ending::StoppedKept => {
            let (epoch, step) = (run.at.epoch, run.at.step);
            let inside =
                if step > 0 { format!(" and the first {step} steps of the next") } else { String::new() };
            ctx.note(Level::Info, format!("stopped and kept after epoch {epoch} of f{inside}"));
            run.stopped = Some(format!("f, after epoch {epoch} of {epochs}{inside}"));
        }
        Ending::Diverged => ctx.note(
            Level::Error,
            format!(
                "training f ran away: its loss was not a number in epoch {}. The model keeps the last good \
                 weights of f; train again with a lower learning rate (it was {})",
                run.at.epoch + 1,
                run.params.learning_rate
            ),
        ),
    }
    run.model(g, Some(f))
}

fn restore(trainer: &mut Trainer, weights: &Weights, net: Net) -> Result<(), MethodError> {
    let name = net.name();
    trainer
        .restore(&weights.part(name), &weights.part(&format!("{name}_velocity")))
        .map_err(|error| MethodError::Training(format!("the checkpoint does not fit this network: {error}")))
}

impl Run<'_> {
    fn warn_of_data(&self) {
        for (class, &count) in self.counts.iter().enumerate() {
            let name = &self.set.classes[class];
            let text = match count {
                0 => format!("{name} has no training image: nothing can be learnt of it"),
                1..=4 => {
                    format!("{name} has only {count} training images: what is learnt of it is those images")
                }
                _ => continue,
            };
            self.ctx.note(Level::Warning, text);
        }
    }

    fn trainer(&self, net: Net) -> Trainer {
        let device = self.request.device.autodiff();
        let network = self.network.build(&mut Init::new(self.request.seed, net as u64, &device));
        Trainer::new(network, self.params.momentum, self.params.weight_decay, &device)
    }

    fn metric(&mut self, series: String, x: f64, value: f64) {
        // A 32-bit value survives the checkpoint's text to the last digit.
        let value = f64::from(value as f32);
        self.ctx.metric(series.clone(), x, value);
        self.at.curves.entry(series).or_default().push([x, value]);
    }

    fn schedule(&self) -> Schedule {
        Schedule {
            learning_rate: self.params.learning_rate,
            epochs: self.epochs,
            drop: self.params.drop.unwrap_or(100.0),
        }
    }

    /// Trains one classifier to its end; `judge` is the finished g while f trains.
    fn stage(&mut self, trainer: &mut Trainer, judge: Option<&Trainer>) -> Result<Ending, MethodError> {
        let net = self.at.net;
        let batch = self.params.batch as usize;
        let frozen_g = judge.map(Trainer::frozen);
        let plain_g = judge.map(Trainer::plain);
        let mut good = trainer.state();
        while self.at.epoch < self.epochs {
            let epoch = self.at.epoch;
            let translating = net == Net::F && epoch >= self.warm;
            let sampling = if translating { Sampling::ClassBalanced } else { Sampling::Natural };
            let order = epoch_order(self.set, sampling, self.request.seed, net as u64, epoch as u64);
            let batches = chunks(&order, batch);
            while self.at.step < batches.len() {
                self.go_on(trainer, judge)?;
                let step = self.at.step;
                let step_key = (epoch * batches.len() + step) as u64;
                let draws = stream(self.request.seed, Stage::Augment, net as u64, step_key);
                let mut data = gather(self.set, batches[step], self.params.augment(), Some(draws));
                if translating && let (Some(g), Some(plain)) = (&frozen_g, &plain_g) {
                    let translated = self.translate(trainer, g, plain, &mut data, step_key);
                    if let Err(MethodError::Cancelled) = translated {
                        self.save(trainer, judge)?;
                    }
                    translated?;
                }
                let lr = self.schedule().at(epoch, step, batches.len());
                match trainer.step(&data.images, &data.labels, lr) {
                    Ok(loss) => self.at.loss_sum += loss,
                    Err(StepError::NotFinite) => return self.diverged(trainer, judge, &good),
                    Err(StepError::Device) => return Err(device_lost()),
                }
                self.at.step += 1;
                self.tell(step, batches.len(), lr);
                if self.last_saved.elapsed() > checkpoint::EVERY && !self.save(trainer, judge)? {
                    return self.diverged(trainer, judge, &good);
                }
                let keeps = self.ctx.is_stopping() && net == Net::F && !self.ctx.is_cancelled();
                if keeps && self.at.step < batches.len() {
                    if !trainer.state().0.values().all(HostTensor::is_finite) {
                        return self.diverged(trainer, judge, &good);
                    }
                    // Going on from here is going on inside the epoch: no step of it is lost.
                    self.save(trainer, judge)?;
                    return Ok(Ending::StoppedKept);
                }
            }
            let state = trainer.state();
            if !state.0.values().all(HostTensor::is_finite) {
                return self.diverged(trainer, judge, &good);
            }
            let curves = self.at.curves.clone();
            let ended = self.end_of_epoch(trainer, frozen_g.as_ref(), translating);
            if let Err(MethodError::Cancelled) = ended {
                // The end of this epoch comes again, whole.
                self.at.curves = curves;
                self.save(trainer, judge)?;
            }
            ended?;
            good = state;
            self.at.epoch += 1;
            self.at.step = 0;
            self.at.loss_sum = 0.0;
            self.at.acceptance = Acceptance::default();
            if self.at.epoch == self.epochs || self.last_saved.elapsed() > checkpoint::EPOCH {
                self.save(trainer, judge)?;
            }
            if self.ctx.is_stopping() && self.at.epoch < self.epochs {
                self.go_on(trainer, judge)?;
                self.save(trainer, judge)?;
                return Ok(Ending::StoppedKept);
            }
        }
        Ok(Ending::Complete)
    }

    /// Waits while paused. A cancel ends the training with a checkpoint of where it is, or with the one before
    /// where the weights are no numbers.
    fn go_on(&mut self, trainer: &Trainer, judge: Option<&Trainer>) -> Result<(), MethodError> {
        if let Err(cancelled) = self.ctx.check() {
            self.save(trainer, judge)?;
            return Err(cancelled.into());
        }
        Ok(())
    }

    /// Back to the last good weights, which the checkpoint then holds too.
    fn diverged(
        &mut self,
        trainer: &mut Trainer,
        judge: Option<&Trainer>,
        good: &(TensorMap, TensorMap),
    ) -> Result<Ending, MethodError> {
        trainer.restore(&good.0, &good.1).map_err(|error| MethodError::Training(error.to_string()))?;
        (self.at.step, self.at.loss_sum, self.at.acceptance) = (0, 0.0, Acceptance::default());
        self.save(trainer, judge)?;
        Ok(Ending::Diverged)
    }

    /// Progress over both classifiers, in plain steps.
    fn tell(&mut self, step: usize, steps: usize, lr: f64) {
        let (epoch, net) = (self.at.epoch, self.at.net);
        let cost = |epochs: usize, from: usize| (epochs.saturating_sub(from) * steps) as u64;
        let f_total = cost(self.warm, 0) + cost(self.epochs, self.warm) * TRANSLATION_COST;
        let g_total = cost(self.epochs, 0);
        let in_epoch = (step + 1) as u64;
        let done = match net {
            Net::G => cost(epoch, 0) + in_epoch,
            Net::F if epoch < self.warm => g_total + cost(epoch, 0) + in_epoch,
            Net::F => g_total + cost(self.warm, 0) + (cost(epoch, self.warm) + in_epoch) * TRANSLATION_COST,
        };
        let what = if net == Net::F && epoch >= self.warm { " with translation" } else { "" };
        let stage = format!("training {}{what}, epoch {} of {}", net.name(), epoch + 1, self.epochs);
        self.ctx.progress(stage, done, g_total + f_total);
        // About ten points of each curve per epoch.
        if (step + 1).is_multiple_of(steps.div_ceil(10).max(1)) || step + 1 == steps {
            let x = epoch as f64 + (step + 1) as f64 / steps as f64;
            let mean = self.at.loss_sum / (step + 1) as f64;
            self.metric(format!("loss · {}", net.name()), x, mean);
            self.metric(format!("learning rate · {}", net.name()), x, lr);
        }
    }

    /// Translates the slots of a class-balanced batch in place; accepted ones replace their real image.
    fn translate(
        &mut self,
        trainer: &Trainer,
        g: &ResNet,
        plain_g: &ResNet,
        data: &mut Batch,
        step_key: u64,
    ) -> Result<(), MethodError> {
        let seed = self.request.seed;
        let mut keep = stream(seed, Stage::Slots, 1, step_key);
        let u_keep: Vec<f64> = data.labels.iter().map(|_| keep.uniform()).collect();
        let mut picks = stream(seed, Stage::Pick, 1, step_key);
        let mut accepts = stream(seed, Stage::Accept, 1, step_key);
        let slots = batch_slots(
            &self.counts,
            self.params.beta,
            &data.labels,
            &u_keep,
            || picks.uniform(),
            || accepts.uniform(),
        );
        // The draw comes first: nothing is made where the prior says no, or where the seed was itself made.
        let passing: Vec<_> = slots
            .iter()
            .filter(|slot| slot.prior_passes && !self.set.made[data.positions[slot.seed_position]])
            .collect();
        self.at.acceptance.images += data.labels.len();
        self.at.acceptance.slots += slots.len();
        self.at.acceptance.prior += passing.len();
        if passing.is_empty() {
            return Ok(());
        }
        let row = self.set.pixels_per_image();
        let image = |position: usize| &data.images.values[position * row..(position + 1) * row];
        let [_, channels, height, width] = data.images.shape;
        let job = Translation {
            images: Images {
                shape: [passing.len(), channels, height, width],
                values: passing.iter().flat_map(|slot| image(slot.seed_position).iter().copied()).collect(),
            },
            seed_classes: passing.iter().map(|slot| slot.seed_class).collect(),
            targets: passing.iter().map(|slot| slot.target).collect(),
        };
        let frozen_f = (self.params.lambda > 0.0).then(|| trainer.frozen());
        let translator = self.translator(g, frozen_f.as_ref());
        let made = translator.run(self.ctx, &job, |index| {
            let key = step_key << 16 | passing[index].position as u64;
            stream(seed, Stage::Noise, TRAINING_NOISE, key)
        })?;
        let device = self.request.device.plain();
        let judged = probabilities(plain_g, &made, &device);
        let f_says = probabilities(&trainer.plain(), &made, &device);
        if judged.len() != passing.len() || f_says.len() != passing.len() {
            return Err(device_lost());
        }
        let threshold = self.params.threshold();
        let accepted: Vec<usize> = (0..passing.len())
            .filter(|&index| f64::from(judged[index][passing[index].target]) >= threshold)
            .collect();
        self.at.acceptance.confidence += accepted.len();
        self.at.acceptance.agrees +=
            accepted.iter().filter(|&&index| argmax(&f_says[index]) == passing[index].target).count();
        // Seeds were copied before: a slot that seeds another keeps its real image for that.
        for index in accepted {
            let position = passing[index].position;
            data.images.values[position * row..(position + 1) * row]
                .copy_from_slice(&made.values[index * row..(index + 1) * row]);
        }
        Ok(())
    }

    fn translator<'b>(&'b self, g: &'b ResNet, f: Option<&'b ResNet>) -> Translator<'b> {
        Translator {
            g,
            f,
            lambda: self.params.lambda,
            steps: self.params.steps as usize,
            eta: self.params.eta.unwrap_or(0.1),
            noise: &self.params.noise,
            device: self.request.device.autodiff(),
        }
    }

    /// Recalls, acceptance and the preview, once an epoch.
    fn end_of_epoch(
        &mut self,
        trainer: &Trainer,
        frozen_g: Option<&ResNet>,
        translating: bool,
    ) -> Result<(), MethodError> {
        let x = self.at.epoch as f64 + 1.0;
        let plain = trainer.plain();
        let name = self.at.net.name();
        // Every epoch of a short run; of a long one about a hundred times.
        let due = self.epochs <= 100 || (self.at.epoch + 1).is_multiple_of(self.epochs.div_ceil(100));
        if due || self.at.epoch + 1 == self.epochs {
            self.recalls(&plain, &format!("recall of {name}, training"), self.set, x)?;
            if let Some(validation) = self.request.validation {
                self.recalls(&plain, &format!("recall of {name}, validation"), validation, x)?;
            }
        }
        if translating {
            let of = self.at.acceptance;
            let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
            self.metric("acceptance · slots".to_owned(), x, share(of.slots, of.images));
            self.metric("acceptance · prior passed".to_owned(), x, share(of.prior, of.slots));
            self.metric("acceptance · confidence passed".to_owned(), x, share(of.confidence, of.prior));
            self.metric("acceptance · f agrees".to_owned(), x, share(of.agrees, of.confidence));
        }
        if let Some(g) = frozen_g {
            self.preview(trainer, g)?;
        }
        Ok(())
    }

    fn recalls(&mut self, network: &ResNet, series: &str, set: &ImageSet, x: f64) -> Result<(), MethodError> {
        let table = confusion(self.ctx, network, set, RECALL_SAMPLE, &self.request.device.plain())?;
        for (class, recall) in recalls(&table).into_iter().enumerate() {
            if let Some(recall) = recall {
                self.metric(format!("{series} · {}", self.set.classes[class]), x, recall);
            }
        }
        Ok(())
    }

    /// Says plainly where g is too weak to judge.
    fn judge_g(&mut self, g: &Trainer) -> Result<(), MethodError> {
        let device = self.request.device.plain();
        let table = confusion(self.ctx, &g.plain(), self.set, usize::MAX, &device)?;
        let largest = self.counts.iter().copied().max().unwrap_or(0);
        for (class, recall) in recalls(&table).into_iter().enumerate() {
            let Some(recall) = recall else { continue };
            if self.counts[class] < largest && recall < RECALL_WANTED {
                self.ctx.note(
                    Level::Warning,
                    format!(
                        "g recognises only {:.0} % of the training images of {}: its confidence there says little. \
                         Train longer, or lower the learning rate",
                        recall * 100.0,
                        self.set.classes[class]
                    ),
                );
            }
        }
        Ok(())
    }

    /// The same seed images, translated by g and the current f.
    fn preview(&self, trainer: &Trainer, g: &ResNet) -> Result<(), MethodError> {
        const IMAGES: usize = 8;
        let seed = self.request.seed;
        let mut classes: Vec<usize> =
            (0..self.counts.len()).filter(|&c| self.counts[c] > 0 && self.seeds(c).is_some()).collect();
        classes.sort_by_key(|&class| (self.counts[class], class));
        if classes.is_empty() {
            return Ok(());
        }
        let row = self.set.pixels_per_image();
        let mut job = Translation {
            images: Images { shape: [0, 0, 0, 0], values: Vec::new() },
            seed_classes: Vec::new(),
            targets: Vec::new(),
        };
        let mut captions = Vec::new();
        for index in 0..IMAGES {
            let target = classes[index % classes.len()];
            let Some(weights) = self.seeds(target) else { continue };
            let mut draws = stream(seed, Stage::Other, 1, index as u64);
            let Some(seed_class) = pick(&weights, draws.uniform()) else { continue };
            let members = self.set.originals_of_class(seed_class);
            let mut chw = vec![0.0; row];
            self.set.f32_chw(members[draws.below(members.len())], &mut chw);
            job.images.values.extend(chw);
            job.seed_classes.push(seed_class);
            job.targets.push(target);
            captions.push(format!("{} to {}", self.set.classes[seed_class], self.set.classes[target]));
        }
        let side = self.set.spec.size as usize;
        job.images.shape = [captions.len(), usize::from(self.set.spec.channels), side, side];
        if self.at.epoch == 0 || (self.request.checkpoint.is_some() && self.at.step == 0) {
            self.show("seed images".to_owned(), &job.images, captions.clone());
        }
        let frozen_f = (self.params.lambda > 0.0).then(|| trainer.frozen());
        let translator = self.translator(g, frozen_f.as_ref());
        let made = translator
            .run(self.ctx, &job, |index| stream(seed, Stage::Noise, TRAINING_NOISE - 1, index as u64))?;
        self.show(format!("epoch {}", self.at.epoch + 1), &made, captions);
        Ok(())
    }

    /// Weights of the seed classes of a target; `None` where no original image may seed it.
    fn seeds(&self, target: usize) -> Option<Vec<f64>> {
        let law = seed_law(&self.counts, target, self.params.beta);
        let weights: Vec<f64> = law
            .p_accept
            .iter()
            .enumerate()
            .map(|(class, p)| if self.set.originals_of_class(class).is_empty() { 0.0 } else { *p })
            .collect();
        pick(&weights, 0.0).map(|_| weights)
    }

    fn show(&self, label: String, images: &Images, captions: Vec<String>) {
        let [_, channels, side, _] = images.shape;
        let pictures = images
            .values
            .chunks(self.set.pixels_per_image())
            .map(|chw| {
                let side = side as u32;
                Picture::from_f32_chw(chw, side, side, channels as u8, Depth::Eight).to_u8()
            })
            .collect();
        let (size, channels) = (side as u32, channels as u8);
        self.ctx.event(Event::Preview(Preview {
            group: "The same seed images over time",
            label,
            size,
            channels,
            images: pictures,
            captions,
        }));
    }

    /// Writes a checkpoint where one is wanted. False where weights are no numbers any more: the checkpoint before
    /// stays, because such weights are never written.
    fn save(&mut self, trainer: &Trainer, judge: Option<&Trainer>) -> Result<bool, MethodError> {
        self.last_saved = Instant::now();
        let Some(path) = self.request.checkpoint else { return Ok(true) };
        let mut weights = Weights { config: Value::Null, tensors: TensorMap::new() };
        let mut add = |net: Net, trainer: &Trainer| {
            let (tensors, velocity) = trainer.state();
            weights.add(net.name(), tensors);
            weights.add(&format!("{}_velocity", net.name()), velocity);
        };
        add(self.at.net, trainer);
        if let Some(judge) = judge {
            add(Net::G, judge);
        }
        if !weights.tensors.values().all(HostTensor::is_finite) {
            return Ok(false);
        }
        checkpoint::write(path, &self.identity, &self.at, weights.tensors).map(|()| true)
    }

    fn model(mut self, g: Trainer, f: Option<Trainer>) -> Result<M2mModel, MethodError> {
        let device = self.request.device.plain();
        let mut record = serde_json::Map::new();
        for (net, trainer) in [(Net::G, Some(&g)), (Net::F, f.as_ref())] {
            let Some(trainer) = trainer else { continue };
            let plain = trainer.plain();
            let table = confusion(self.ctx, &plain, self.set, usize::MAX, &device)?;
            let mut of = json!({ "recall_training": recalls(&table) });
            if let Some(validation) = self.request.validation {
                let table = confusion(self.ctx, &plain, validation, usize::MAX, &device)?;
                of["recall_validation"] = json!(recalls(&table));
            }
            let curve = self.at.curves.get(&format!("loss · {}", net.name()));
            of["loss"] = json!(curve.and_then(|points| points.last()).map(|point| point[1]));
            of["epochs"] = json!(if net == self.at.net { self.at.epoch } else { self.epochs });
            record.insert(net.name().to_owned(), of);
        }
        for part in ["slots", "prior passed", "confidence passed", "f agrees"] {
            let curve = self.at.curves.remove(&format!("acceptance · {part}"));
            if let Some(value) = curve.and_then(|points| points.last().copied()) {
                record.insert(format!("acceptance, {part}"), json!(value[1]));
            }
        }
        record.insert(SOURCES.to_owned(), Value::Object(sources(Params::table())));
        if let Some(place) = &self.stopped {
            record.insert(STOPPED.to_owned(), json!(place));
        }
        let params: ParamMap = match serde_json::to_value(&self.params) {
            Ok(Value::Object(map)) => map,
            _ => ParamMap::new(),
        };
        let mut networks = BTreeMap::from([("g".to_owned(), self.network.clone())]);
        if f.is_some() {
            networks.insert("f".to_owned(), self.network.clone());
        }
        let config = ModelConfig {
            version: VERSION,
            method: INFO.id.to_owned(),
            spec: self.set.spec.clone(),
            classes: self.set.classes.clone(),
            counts: self.counts.clone(),
            seed: self.request.seed,
            params,
            networks,
            generator: None,
            record: Value::Object(record),
        };
        let device = self.request.device.clone();
        Ok(M2mModel::new(config, g.network, f.map(|f| f.network), device))
    }
}
