//! The training of a generator: the judge first, then the method's parts; checkpoints, curves, pictures, plain words.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::gauges::{self, Gauge, Sight};
use super::judge::{self, Judge, JudgeSettings};
use super::model::{GeneratorModel, config, rounded};
use super::prior::Codes;
use super::{Canvas, Figures, Learner, Memory, Part, RIGHT, Scene, Step};
use crate::classify::batches::{Sampling, chunks, epoch_order_of};
use crate::classify::trainer::{StepError, labels_tensor};
use crate::domain::task::{Ctx, Event, Level, Preview};
use crate::imaging::picture::{Depth, Picture};
use crate::imaging::training_set::TrainingSet;
use crate::nn::parameters::{HostTensor, TensorMap};
use crate::nn::weights::Weights;
use crate::oversampling::checkpoint;
use crate::oversampling::model_file::{SOURCES, STOPPED, short};
use crate::oversampling::params::sources;
use crate::oversampling::{
    COLLAPSED, FitRequest, MethodError, MethodInfo, Model, ParamInfo, ParamMap, device_lost,
};

/// Pictures in a row of previews.
const ROW: usize = 8;
/// Times a part shows pictures and gauges, at most.
const LOOKS: usize = 30;
/// Classes that are gauged at each look, at most: the smallest ones.
const GAUGED: usize = 20;
/// Share of right answers from which a discriminator teaches nothing any more.
const SATURATED: f64 = 0.995;
/// Real images whose codes are held against the prior.
const CODES: usize = 512;
/// Real images that a class needs before its codes are held against the prior alone.
const LEAST_CODES: usize = 8;
/// Streams of the networks' order of images begin here, apart from the judge's.
const ORDER: u64 = 200;
/// Headings of the rows of pictures.
const RECONSTRUCTED: &str = "Real images, and what the networks make of them";
const MADE: &str = "Made from the same draws over time";
/// The attempt that previews are drawn with, which no candidate has.
const PREVIEW_ATTEMPT: u32 = u32::MAX;

/// What a method hands over besides its networks.
pub struct Setup {
    /// Every parameter, with those the program chooses filled in.
    pub params: ParamMap,
    pub batch: usize,
    pub judge: JudgeSettings,
}

impl Setup {
    /// `judged` is the number of epochs that a person asked for, `images` how many real ones there are.
    pub fn new(
        params: &impl Serialize,
        batch: u32,
        judged: Option<u32>,
        judge_batches: &str,
        images: usize,
    ) -> Self {
        let params = match serde_json::to_value(params) {
            Ok(Value::Object(map)) => map,
            _ => ParamMap::new(),
        };
        let network = params.get(judge::ASKED).and_then(Value::as_str);
        let judge = JudgeSettings::new(judged, batch, judge_batches == "balanced", network, images);
        Setup { params, batch: batch as usize, judge }
    }
}

/// Where a run is: enough to go on from.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Position {
    /// 0 is the judge, then the method's parts.
    phase: usize,
    epoch: usize,
    step: usize,
    /// Steps of all phases, the judge's not counted.
    key: u64,
    /// Sums of the running epoch by name.
    sums: BTreeMap<String, f64>,
    /// Curves so far, by name.
    curves: BTreeMap<String, Vec<[f64; 2]>>,
    /// What was said once and is not said again.
    said: Vec<String>,
}

/// How a phase ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Complete,
    StoppedKept,
    Diverged,
}

struct Run<'a> {
    ctx: &'a Ctx,
    request: &'a FitRequest<'a>,
    info: &'static MethodInfo,
    table: &'static [ParamInfo],
    setup: &'a Setup,
    set: &'a TrainingSet,
    canvas: Canvas,
    /// Real images of each class.
    counts: Vec<usize>,
    parts: Vec<Part>,
    identity: Value,
    at: Position,
    last_saved: Instant,
    judge: Judge,
    learner: Box<dyn Learner>,
    /// None for a class that cannot be gauged.
    gauges: BTreeMap<usize, Option<Gauge>>,
    /// None until the first look. Not saved: who goes on looks again.
    sight: Option<Sight>,
    /// True once the real images of the reconstructions were shown. Not saved: who goes on shows them again.
    real_shown: bool,
    /// Where it was stopped and kept, if something of it is left to be done.
    stopped: Option<String>,
}

/// Trains the judge and then `learner`. The judge learns from real images alone, and those alone are shown, counted and
/// measured; the method's networks learn from all, those of an earlier export included.
///
/// # Errors
/// `Cancelled`, data that the method cannot use, or a training that failed before anything could be kept.
pub fn fit(
    ctx: &Ctx,
    request: &FitRequest<'_>,
    (info, table): (&'static MethodInfo, &'static [ParamInfo]),
    setup: &Setup,
    learner: Box<dyn Learner>,
) -> Result<Box<dyn Model>, MethodError> {
    let set = request.training;
    let counts: Vec<usize> =
        (0..set.classes.len()).map(|class| set.originals_of_class(class).len()).collect();
    if counts.iter().filter(|&&n| n > 0).count() < 2 {
        return Err(MethodError::Data(format!(
            "{} needs at least two classes with {}training images, for its judge; add images or choose another folder",
            info.name,
            real(set)
        )));
    }
    let identity = json!({
        "method": info.id,
        "params": setup.params,
        "judge": setup.judge,
        "seed": request.seed,
        "spec": set.spec,
        "classes": set.classes,
        "device": request.device.info.kind.as_str(),
        "images": checkpoint::fingerprint(set),
    });
    let mut run = Run {
        ctx,
        request,
        info,
        table,
        setup,
        set,
        canvas: Canvas::around(set)?,
        counts,
        parts: learner.parts(),
        identity,
        at: Position::default(),
        last_saved: Instant::now(),
        judge: Judge::new(set, &setup.judge, request.seed, request.device),
        learner,
        gauges: BTreeMap::new(),
        sight: None,
        real_shown: false,
        stopped: None,
    };
    run.warn_of_data();
    run.resume()?;
    while run.at.phase <= run.parts.len() {
        if run.at.phase > 0 && run.at.epoch == 0 && run.at.step == 0 {
            let (memory, judge) = (Memory::default(), run.judge.trainer.plain());
            let scene = Scene::of(request, run.canvas, &memory, &judge);
            run.learner.begin(ctx, run.at.phase - 1, &scene)?;
        }
        match run.phase()? {
            Ending::Complete => {
                run.at.phase += 1;
                run.at.epoch = 0;
                run.at.step = 0;
            }
            Ending::StoppedKept => break,
            Ending::Diverged => {
                run.ran_away()?;
                break;
            }
        }
    }
    if run.at.phase == 0 {
        return Err(MethodError::Training(
            "training was stopped while the judge still learnt, so there is no generator to keep; start it again and \
             it goes on from there"
                .to_owned(),
        ));
    }
    run.model()
}

/// True where every weight and every optimiser's state is finite.
fn are_numbers(tensors: &TensorMap) -> bool {
    tensors.values().all(HostTensor::is_finite)
}

/// The word before training images where others are among them.
fn real(set: &TrainingSet) -> &'static str {
    if set.made.contains(&true) { "real " } else { "" }
}

impl Run<'_> {
    fn warn_of_data(&self) {
        let real = real(self.set);
        for (class, &count) in self.counts.iter().enumerate() {
            let name = &self.set.classes[class];
            let text = match count {
                0 if self.set.labels.contains(&class) => format!(
                    "{name} has made training images alone and no real one: g learns nothing of it and cannot judge it"
                ),
                0 => format!("{name} has no training image: nothing can be learnt of it"),
                1..=10 => format!(
                    "{name} has only {count} {real}training {}: what is made of it will hardly differ from {}",
                    if count == 1 { "image" } else { "images" },
                    if count == 1 { "that image" } else { "those images" }
                ),
                _ => continue,
            };
            self.ctx.note(Level::Warning, text);
        }
        let classes = self.counts.iter().filter(|&&count| count > 0).count();
        if classes > GAUGED {
            self.ctx.note(
                Level::Info,
                format!(
                    "{classes} classes have images: the {GAUGED} with the fewest are shown and gauged while training, \
                     and candidates of the others have no figure of diversity"
                ),
            );
        }
    }

    fn resume(&mut self) -> Result<(), MethodError> {
        let found = checkpoint::read::<Position>(self.ctx, self.request.checkpoint, &self.identity);
        let Some((mut position, weights)) = found else { return Ok(()) };
        // A reader of decimals may be off by the last digit of 64 bits, which 32 bits do not have.
        for point in position.curves.values_mut().flatten() {
            point[1] = f64::from(point[1] as f32);
        }
        let broken = |error: &dyn std::fmt::Display| {
            MethodError::Training(format!("the checkpoint does not fit these networks: {error}"))
        };
        let judge = self.judge.trainer.restore(&weights.part("g"), &weights.part("g_velocity"));
        judge.map_err(|error| broken(&error))?;
        if position.phase > 0 {
            self.learner.restore(&weights).map_err(|error| broken(&error))?;
        }
        self.at = position;
        let (name, epochs) = self.phase_name();
        self.ctx.note(
            Level::Info,
            format!("going on from a checkpoint: {name}, epoch {} of {epochs}", self.at.epoch + 1),
        );
        for (series, points) in &self.at.curves {
            for [step, value] in points {
                self.ctx.metric(series.clone(), *step, *value);
            }
        }
        Ok(())
    }

    /// Name and epochs of the running phase.
    fn phase_name(&self) -> (&'static str, usize) {
        match self.at.phase.checked_sub(1).and_then(|part| self.parts.get(part)) {
            Some(part) => (part.name, part.epochs),
            None => ("training the judge", self.setup.judge.epochs),
        }
    }

    fn phase(&mut self) -> Result<Ending, MethodError> {
        let (_, epochs) = self.phase_name();
        let (sampling, batch) = match self.at.phase.checked_sub(1) {
            Some(part) => (self.parts[part].sampling, self.setup.batch),
            None => (self.setup.judge.sampling(), self.setup.judge.batch),
        };
        let pool = if self.at.phase == 0 { self.set.originals() } else { (0..self.set.len()).collect() };
        let mut good = self.tensors();
        while self.at.epoch < epochs {
            let network = if self.at.phase == 0 { judge::NETWORK } else { ORDER + self.at.phase as u64 };
            let (seed, epoch) = (self.request.seed, self.at.epoch as u64);
            let order = epoch_order_of(self.set, &pool, sampling, seed, network, epoch);
            let batches = chunks(&order, batch);
            while self.at.step < batches.len() {
                self.go_on()?;
                match self.step(batches[self.at.step], batches.len()) {
                    Ok(figures) => {
                        for (name, value) in figures {
                            *self.at.sums.entry(name.to_owned()).or_default() += value;
                        }
                    }
                    Err(StepError::NotFinite) => return self.put_back(&good),
                    Err(StepError::Device) => return Err(device_lost()),
                }
                self.at.step += 1;
                self.tell(batches.len(), epochs);
                if self.last_saved.elapsed() > checkpoint::EVERY && !self.save()? {
                    return self.put_back(&good);
                }
                let keeps = self.ctx.is_stopping() && !self.ctx.is_cancelled();
                if keeps && self.at.step < batches.len() {
                    if !are_numbers(&self.tensors()) {
                        return self.put_back(&good);
                    }
                    return self.kept(batches.len(), false);
                }
            }
            let state = self.tensors();
            if !are_numbers(&state) {
                return self.put_back(&good);
            }
            let looks =
                (self.at.epoch + 1).is_multiple_of(epochs.div_ceil(LOOKS)) || self.at.epoch + 1 == epochs;
            let before = self.at.clone();
            let ended = self.end_of_epoch(looks);
            if let Err(MethodError::Cancelled) = ended {
                // The end of this epoch comes again, whole.
                self.at = before;
                self.save()?;
            }
            ended?;
            good = state;
            self.at.epoch += 1;
            self.at.step = 0;
            self.at.sums.clear();
            if self.at.epoch == epochs || self.last_saved.elapsed() > checkpoint::EPOCH {
                self.save()?;
            }
            if self.ctx.is_stopping() {
                self.go_on()?;
                return self.kept(batches.len(), looks);
            }
        }
        Ok(Ending::Complete)
    }

    /// Ends the phase where it is, `steps` being those of an epoch. The checkpoint is written before a look that comes
    /// of the stop alone, so that going on from it tells the curves of a training that was never stopped.
    fn kept(&mut self, steps: usize, looked: bool) -> Result<Ending, MethodError> {
        self.save()?;
        if self.at.phase == 0 {
            return Ok(Ending::StoppedKept);
        }
        let (name, epochs) = self.phase_name();
        let (epoch, step) = (self.at.epoch, self.at.step);
        let inside =
            if step > 0 { format!(" and {step} of {steps} steps of the next") } else { String::new() };
        let place = format!("{name}, after epoch {epoch} of {epochs}{inside}");
        self.ctx.note(Level::Info, format!("stopped and kept: {place}"));
        let over = self.at.phase == self.parts.len() && epoch == epochs;
        self.stopped = (!over).then_some(place);
        if !looked {
            let share = (100.0 * step as f64 / steps.max(1) as f64).round() / 100.0;
            self.look((self.epochs_before() + epoch) as f64 + share)?;
        }
        Ok(Ending::StoppedKept)
    }

    /// Waits while paused. A cancel ends the training with a checkpoint of where it is, or with the one before
    /// where the weights are no numbers.
    fn go_on(&mut self) -> Result<(), MethodError> {
        if let Err(cancelled) = self.ctx.check() {
            self.save()?;
            return Err(cancelled.into());
        }
        Ok(())
    }

    fn step(&mut self, positions: &[usize], steps: usize) -> Result<Figures, StepError> {
        if self.at.phase == 0 {
            let at = (self.at.epoch, self.at.step, steps);
            return Ok(vec![("judge", self.judge.step(self.set, positions, at)?)]);
        }
        let device = self.request.device.autodiff();
        let (memory, judge) = (Memory::default(), self.judge.trainer.plain());
        let scene = Scene::of(self.request, self.canvas, &memory, &judge);
        let labels: Vec<usize> = positions.iter().map(|&position| self.set.labels[position]).collect();
        let step = Step {
            images: self.canvas.batch(self.set, positions, &device),
            classes: labels_tensor(&labels, &device),
            labels: &labels,
            key: self.at.key,
            seed: self.request.seed,
            device: &device,
            scene: &scene,
        };
        let figures = self.learner.step(self.at.phase - 1, &step)?;
        self.at.key += 1;
        Ok(figures)
    }

    fn put_back(&mut self, good: &TensorMap) -> Result<Ending, MethodError> {
        let weights = Weights { config: Value::Null, tensors: good.clone() };
        let restored = match self.at.phase {
            0 => self.judge.trainer.restore(&weights.part("g"), &weights.part("g_velocity")),
            _ => self.learner.restore(&weights),
        };
        restored.map_err(|error| MethodError::Training(error.to_string()))?;
        Ok(Ending::Diverged)
    }

    /// Says what a loss that is no number means, and whether anything is kept.
    fn ran_away(&mut self) -> Result<(), MethodError> {
        let (name, _) = self.phase_name();
        let text = format!(
            "training ran away: a loss was not a number while {name}, epoch {}. Train again with a lower learning rate",
            self.at.epoch + 1
        );
        if self.at.phase == 0 || (self.at.phase == 1 && self.at.epoch == 0) {
            return Err(MethodError::Training(text));
        }
        let text = format!("{text}; the model keeps the weights of the last whole epoch");
        self.ctx.note(Level::Error, text);
        Ok(())
    }

    /// All tensors of judge and learner, for a checkpoint.
    fn tensors(&self) -> TensorMap {
        let mut weights = Weights { config: Value::Null, tensors: TensorMap::new() };
        let (tensors, velocity) = self.judge.trainer.state();
        weights.add("g", tensors);
        weights.add("g_velocity", velocity);
        if self.at.phase > 0 {
            weights.tensors.extend(self.learner.tensors());
        }
        weights.tensors
    }

    /// Writes a checkpoint where one is wanted. False where weights are no numbers any more: the checkpoint before
    /// stays, because such weights are never written.
    fn save(&mut self) -> Result<bool, MethodError> {
        self.last_saved = Instant::now();
        let Some(path) = self.request.checkpoint else { return Ok(true) };
        let tensors = self.tensors();
        if !are_numbers(&tensors) {
            return Ok(false);
        }
        checkpoint::write(path, &self.identity, &self.at, tensors).map(|()| true)
    }

    fn metric(&mut self, series: String, x: f64, value: f64) {
        // A 32-bit value survives the checkpoint's text to the last digit.
        let value = f64::from(value as f32);
        self.ctx.metric(series.clone(), x, value);
        self.at.curves.entry(series).or_default().push([x, value]);
    }

    /// Epochs of the parts before the running one: parts follow one another on the curves' axis.
    fn epochs_before(&self) -> usize {
        let parts = self.at.phase.saturating_sub(1);
        self.parts[..parts.min(self.parts.len())].iter().map(|part| part.epochs).sum()
    }

    fn tell(&mut self, steps: usize, epochs: usize) {
        let (name, _) = self.phase_name();
        let all: usize = self.parts.iter().map(|part| part.epochs).sum();
        // A step of the judge is much less work than one of a generator.
        const JUDGE: usize = 4;
        let unit = steps.max(1) as u64;
        let judged = if self.at.phase == 0 { self.at.epoch } else { self.setup.judge.epochs } / JUDGE;
        let before = self.epochs_before() + if self.at.phase == 0 { 0 } else { self.at.epoch };
        let inside = self.at.step as u64 / if self.at.phase == 0 { JUDGE as u64 } else { 1 };
        let done = (judged + before) as u64 * unit + inside;
        let total = (self.setup.judge.epochs / JUDGE + all) as u64 * unit;
        let stage = format!("{name}, epoch {} of {epochs}", self.at.epoch + 1);
        self.ctx.progress(stage, done.min(total), total);
        if self.at.step.is_multiple_of(steps.div_ceil(10).max(1)) || self.at.step == steps {
            let x = (self.epochs_before() + self.at.epoch) as f64 + self.at.step as f64 / steps as f64;
            let sums: Vec<(String, f64)> =
                self.at.sums.iter().map(|(name, sum)| (name.clone(), sum / self.at.step as f64)).collect();
            for (name, mean) in sums {
                let series = if name == RIGHT {
                    "discriminator · right".to_owned()
                } else {
                    format!("loss · {name}")
                };
                self.metric(series, x, mean);
            }
        }
    }

    fn once(&mut self, key: String, level: Level, text: String) {
        if !self.at.said.contains(&key) {
            self.at.said.push(key);
            self.ctx.note(level, text);
        }
    }

    fn end_of_epoch(&mut self, looks: bool) -> Result<(), MethodError> {
        if self.at.phase == 0 {
            return Ok(());
        }
        if let Some(right) = self.at.sums.get(RIGHT).map(|sum| sum / self.at.step.max(1) as f64)
            && right > SATURATED
            && self.at.epoch > 0
        {
            self.once(
                "saturated".to_owned(),
                Level::Warning,
                format!(
                    "the discriminator is right in {:.1} % of the cases and teaches the generator little. Try a lower \
                     learning rate or, where the method has them, fewer steps of the discriminator or a longer \
                     pre-training",
                    right * 100.0
                ),
            );
        }
        if looks {
            self.look((self.epochs_before() + self.at.epoch + 1) as f64)?;
        }
        Ok(())
    }

    /// Pictures and gauges of the networks as they are, after `x` epochs.
    fn look(&mut self, x: f64) -> Result<(), MethodError> {
        let maker = self.learner.maker();
        let plain = self.request.device.plain();
        let (memory, judge) = (Memory::default(), self.judge.trainer.plain());
        let scene = Scene::of(self.request, self.canvas, &memory, &judge);
        let mut classes: Vec<usize> =
            (0..self.counts.len()).filter(|&class| self.counts[class] > 0).collect();
        classes.sort_by_key(|&class| (self.counts[class], class));

        // One real image of each class, smallest first, and what the networks make of it.
        let shown: Vec<usize> = classes
            .iter()
            .cycle()
            .take(classes.len().clamp(ROW, GAUGED))
            .enumerate()
            .filter_map(|(index, &class)| {
                let members = self.set.originals_of_class(class);
                members.get(index / classes.len() % members.len().max(1)).copied()
            })
            .collect();
        let names = |positions: &[usize]| -> Vec<String> {
            positions.iter().map(|&at| self.set.classes[self.set.labels[at]].clone()).collect()
        };
        let labels: Vec<usize> = shown.iter().map(|&at| self.set.labels[at]).collect();
        let real = self.canvas.batch(self.set, &shown, &plain);
        if let Some(again) = maker.reconstruct(&scene, real, labels_tensor(&labels, &plain)) {
            if !self.real_shown {
                self.real_shown = true;
                let pictures: Vec<Picture> = shown.iter().map(|&at| self.set.picture(at)).collect();
                self.show(RECONSTRUCTED, "real images".to_owned(), &pictures, names(&shown));
            }
            let again = self.canvas.cut(again).ok_or_else(device_lost)?;
            let pictures = rounded(&again, self.set);
            self.show(RECONSTRUCTED, format!("epoch {x}"), &pictures, names(&shown));
        }
        if let Some(codes) = self.codes(maker.as_ref(), self.set.originals()) {
            for (series, value) in codes.curves() {
                self.metric(series.to_owned(), x, value);
            }
            let last = self.at.phase == self.parts.len() && self.at.epoch + 1 >= self.phase_name().1;
            if let Some(text) = codes.warning().filter(|_| last) {
                self.once("prior missed".to_owned(), Level::Warning, text);
            }
            // All together may follow the prior where the codes of a small class do not.
            for &class in classes.iter().take(GAUGED) {
                self.ctx.check()?;
                let members = self.set.originals_of_class(class);
                if members.len() < LEAST_CODES {
                    continue;
                }
                let Some(Codes { mean, deviation, .. }) = self.codes(maker.as_ref(), members) else {
                    continue;
                };
                let name = self.set.classes[class].clone();
                self.metric(format!("mean of codes (0 wanted) · {name}"), x, mean);
                self.metric(format!("deviation of codes (1 wanted) · {name}"), x, deviation);
            }
        }
        let set = self.set;
        for &class in classes.iter().take(GAUGED) {
            self.ctx.check()?;
            let source = match maker.of_class(self.ctx, &scene, class) {
                Ok(source) => source,
                Err(MethodError::Cancelled) => return Err(MethodError::Cancelled),
                // What cannot be made is said when it is asked for.
                Err(_) => continue,
            };
            let keys: Vec<u64> = (0..gauges::SAMPLE as u32)
                .map(|slot| crate::oversampling::slot_key(slot, PREVIEW_ATTEMPT))
                .collect();
            let pictures = rounded(&source.make(&keys)?.images, self.set);
            let name = set.classes[class].clone();
            let row = &pictures[..pictures.len().min(ROW)];
            self.show(MADE, format!("epoch {x}"), row, vec![name.clone(); row.len()]);
            if self.counts[class] >= gauges::LEAST_REAL {
                let g = (&judge, &plain);
                let mut sight = match self.sight.take() {
                    Some(sight) => sight,
                    None => Sight::new(self.ctx, set, g)?,
                };
                let distance = sight.distance(self.ctx, set, g, class, &pictures)?;
                self.sight = Some(sight);
                if let Some(distance) = distance {
                    self.metric(format!("KID-g · {name}"), x, distance);
                }
            }
            let gauge = self.gauges.entry(class).or_insert_with(|| Gauge::new(set, class));
            let Some(reading) = gauge.as_ref().and_then(|gauge| gauge.read(set, &pictures)) else { continue };
            self.metric(format!("diversity · {name}"), x, reading.diversity);
            self.metric(format!("copies · {name}"), x, reading.copies);
            // In its first half a network has not learnt to tell images apart yet.
            let late = self.at.epoch * 2 >= self.phase_name().1;
            if reading.diversity < COLLAPSED && self.at.phase == self.parts.len() && late {
                self.once(
                    format!("collapsed {class}"),
                    Level::Warning,
                    format!(
                        "images made of {name} are hardly different from each other (diversity {:.2}, real images 1): \
                         the generator collapses there. Try a lower learning rate, balanced batches or, where the method \
                         has it, more pre-training",
                        reading.diversity
                    ),
                );
            }
        }
        Ok(())
    }

    /// How codes of the images at `positions`, at most [`CODES`] of them, lie against a standard normal law.
    fn codes(&self, maker: &dyn super::Maker, positions: Vec<usize>) -> Option<Codes> {
        let stride = positions.len().div_ceil(CODES).max(1);
        let positions: Vec<usize> = positions.into_iter().step_by(stride).collect();
        let images = self.canvas.batch(self.set, &positions, &self.request.device.plain());
        let codes = maker.codes(images)?;
        let [_, latent] = codes.dims();
        Codes::of(&codes.try_into_vec_as::<f32>().ok()?, latent)
    }

    fn show(&self, group: &'static str, label: String, pictures: &[Picture], captions: Vec<String>) {
        let images = pictures.iter().map(|picture| picture.to_depth(Depth::Eight).to_u8()).collect();
        let (size, channels) = (self.set.spec.size, self.set.spec.channels);
        self.ctx.event(Event::Preview(Preview { group, label, size, channels, images, captions }));
    }

    fn model(mut self) -> Result<Box<dyn Model>, MethodError> {
        let plain = self.judge.trainer.plain();
        let device = self.request.device;
        let recall = judge::recall(self.ctx, &plain, self.set, self.request.validation, device)?;
        let recall: Vec<Option<f64>> = recall.into_iter().map(|recall| recall.map(short)).collect();
        let mut record = serde_json::Map::new();
        record.insert(
            "g".to_owned(),
            json!({ "recall": recall, "on_validation": self.request.validation.is_some() }),
        );
        let curves = std::mem::take(&mut self.at.curves);
        let last: serde_json::Map<String, Value> = curves
            .into_iter()
            .filter_map(|(series, points)| points.last().map(|point| (series, json!(short(point[1])))))
            .collect();
        record.insert("last".to_owned(), Value::Object(last));
        let done = self.epochs_before() + if self.at.phase > self.parts.len() { 0 } else { self.at.epoch };
        record.insert("epochs".to_owned(), json!(done));
        record.insert(SOURCES.to_owned(), Value::Object(sources(self.table)));
        if let Some(place) = &self.stopped {
            record.insert(STOPPED.to_owned(), json!(place));
        }
        let maker = self.learner.maker();
        let mut params = self.setup.params.clone();
        let network = judge::preset(self.setup.judge.network.as_deref(), device);
        params.insert(judge::ASKED.to_owned(), json!(network.as_str()));
        let config = config(
            self.info,
            self.set,
            self.request.seed,
            params,
            self.judge.config.clone(),
            maker.networks(),
            Value::Object(record),
        );
        Ok(Box::new(GeneratorModel {
            info: self.info,
            table: self.table,
            config,
            judge: plain,
            maker,
            memory: Memory::default(),
            device: device.clone(),
        }))
    }
}

/// Natural or class-balanced batches by a parameter's word.
pub fn sampling(word: &str) -> Sampling {
    if word == "balanced" { Sampling::ClassBalanced } else { Sampling::Natural }
}
