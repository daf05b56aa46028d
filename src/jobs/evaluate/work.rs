//! The trainings of one evaluation: seed by seed, fold by fold, one arm after the other.

use std::time::Instant;

use super::arms::{Arm, Generator, Images};
use super::pace::median;
use super::parts::{Cut, Parts};
use super::results::{Fold, Record, Results};
use super::studio::Studio;
use super::{Ending, FailedRun, MadeOf, acsa_curve, stage, title};
use crate::classify::treatments::{FitError, Fitted, Options, fit};
use crate::domain::plan::Target;
use crate::domain::task::{Ctx, Level};
use crate::evaluation::comparison::Run;
use crate::evaluation::metrics::{Confusion, Scores};
use crate::evaluation::treatments::Filled;
use crate::imaging::training_set::TrainingSet;
use crate::jobs::JobError;
use crate::jobs::compute::Compute;

/// Points of a loss curve.
const POINTS: usize = 50;

/// The trainings of one evaluation.
pub(super) struct Work<'a> {
    pub ctx: &'a Ctx,
    pub arms: &'a [Arm],
    pub parts: &'a Parts,
    /// The classes of all images that are asked about.
    pub truth: &'a [usize],
    pub device: &'a Compute,
    pub options: Options,
    /// Up to where generators fill the classes.
    pub target: &'a Target,
    pub results: Results,
}

/// What the arms of one seed and fold have in common.
#[derive(Default)]
struct Shared {
    /// The plain network, once there is one.
    plain: Option<Fitted>,
    /// Filled training images that another arm wants, too, by their hash.
    filled: Vec<(String, TrainingSet, Filled)>,
}

/// Steps of all trainings.
struct Steps {
    /// Those that were taken, or are not needed any more.
    done: u64,
    total: u64,
    /// Of each training the median of the seconds of its steps: a pause in one of them changes nothing.
    paces: Vec<f64>,
}

impl Work<'_> {
    fn find(&self, arm: &Arm, seed: u64, fold: Option<usize>) -> Option<&Record> {
        self.results.find(&arm.entry.name, seed, arm.fingerprint(), fold)
    }

    /// Each seed with each fold.
    fn cells(&self, seeds: &[u64]) -> Vec<(u64, Option<usize>)> {
        let numbers = self.parts.numbers();
        let mut cells = Vec::with_capacity(seeds.len() * numbers.len());
        for &seed in seeds {
            cells.extend(numbers.iter().map(|&fold| (seed, fold)));
        }
        cells
    }

    /// Arms without a classifier of one seed and fold.
    fn missing(&self, seed: u64, fold: Option<usize>) -> Vec<&Arm> {
        self.arms.iter().filter(|arm| self.find(arm, seed, fold).is_none()).collect()
    }

    /// How many of the wanted classifiers are measured.
    pub fn known(&self, seeds: &[u64]) -> usize {
        let cells = self.cells(seeds);
        cells.iter().map(|&(seed, fold)| self.arms.len() - self.missing(seed, fold).len()).sum()
    }

    /// What an arm said of all images under a seed, where all of it is known: in a cross-validation the
    /// answers of all folds, pooled.
    fn run_of(&self, arm: &Arm, seed: u64) -> Option<Run> {
        if self.parts.count().is_none() {
            return self.find(arm, seed, None).map(|record| record.run.clone());
        }
        let mut rows: Vec<Vec<f64>> = vec![Vec::new(); self.truth.len()];
        for number in self.parts.numbers().into_iter().flatten() {
            let fold = self.find(arm, seed, Some(number))?.fold.as_ref()?;
            for (place, row) in self.parts.places(number).into_iter().zip(fold.rows()) {
                rows[place] = row;
            }
        }
        // An image without an answer has a row of no length, which is refused.
        let scores = self.scores(self.truth.to_vec(), rows).ok()?;
        Some(run(&arm.entry.name, seed, &scores))
    }

    /// The wanted results.
    pub fn runs(&self, seeds: &[u64]) -> Vec<Run> {
        let wanted = seeds.iter().flat_map(|&seed| self.arms.iter().map(move |arm| (arm, seed)));
        wanted.filter_map(|(arm, seed)| self.run_of(arm, seed)).collect()
    }

    /// What generators filled, over the folds of each seed.
    pub fn filled(&self, seeds: &[u64]) -> Vec<MadeOf> {
        let numbers = self.parts.numbers();
        let mut all = Vec::new();
        for arm in self.arms {
            for &seed in seeds {
                let found = numbers.iter().filter_map(|&fold| self.find(arm, seed, fold)?.filled);
                let sum = found.reduce(|a, b| Filled { slots: a.slots + b.slots, made: a.made + b.made });
                all.extend(sum.map(|filled| MadeOf { name: arm.entry.name.clone(), seed, filled }));
            }
        }
        all
    }

    /// True where every arm has its answers under every seed, or failed there.
    pub fn is_complete(&self, seeds: &[u64], failed: &[FailedRun]) -> bool {
        let done = |arm: &Arm, seed: u64| {
            failed.iter().any(|run| run.name == arm.entry.name && run.seed == seed)
                || self.run_of(arm, seed).is_some()
        };
        seeds.iter().all(|&seed| self.arms.iter().all(|arm| done(arm, seed)))
    }

    /// Steps that are still to take. The first plain network that is trained under a seed serves all that
    /// share it.
    fn steps_left(&self, seeds: &[u64]) -> usize {
        let of_cell = |(seed, fold): (u64, Option<usize>)| {
            let wanted = self.missing(seed, fold);
            let plain = wanted.iter().filter(|arm| arm.shares_plain()).count();
            wanted.len() - plain + plain.min(1)
        };
        self.cells(seeds).into_iter().map(of_cell).sum::<usize>() * self.options.steps
    }

    /// Seed by seed, so that the first comparisons are there early. A training that gave no classifier is
    /// left out and told of. Gives these, and the mean of the seconds that a step of each training took;
    /// `None` where none was trained step by step.
    ///
    /// # Errors
    /// What ends the whole evaluation; what was measured is kept.
    pub fn all(&mut self, seeds: &[u64]) -> Result<(Vec<FailedRun>, Option<f64>), JobError> {
        let mut steps = Steps { done: 0, total: self.steps_left(seeds) as u64, paces: Vec::new() };
        let failed = self.train_all(seeds, &mut steps)?;
        let paces = steps.paces;
        let step_seconds = (!paces.is_empty()).then(|| paces.iter().sum::<f64>() / paces.len() as f64);
        Ok((failed, step_seconds))
    }

    fn train_all(&mut self, seeds: &[u64], steps: &mut Steps) -> Result<Vec<FailedRun>, JobError> {
        let mut failed: Vec<FailedRun> = Vec::new();
        let (arms, parts) = (self.arms, self.parts);
        for &seed in seeds {
            // What was measured before is told as what is measured now.
            arms.iter().for_each(|arm| self.tell(arm, seed));
            for fold in parts.numbers() {
                if self.missing(seed, fold).is_empty() {
                    continue;
                }
                let cut = parts.cut(fold)?;
                let mut shared = Shared::default();
                for arm in arms {
                    // One fold less, and the answers of a seed are not whole.
                    let given_up = failed.iter().any(|run| run.name == arm.entry.name && run.seed == seed);
                    if given_up || self.find(arm, seed, fold).is_some() {
                        continue;
                    }
                    self.ctx.check()?;
                    if self.ctx.is_stopping() {
                        return Ok(failed);
                    }
                    match self.one(arm, seed, &cut, &mut shared, steps) {
                        Ok(record) => {
                            self.results.add(record)?;
                            self.tell(arm, seed);
                        }
                        Err(Ending::Stopped) => return Ok(failed),
                        Err(Ending::Over(error)) => return Err(error),
                        Err(Ending::Nothing(reason)) => {
                            let name = arm.entry.name.clone();
                            self.ctx.note(Level::Error, format!("{}: {reason}", self.title(arm, seed, fold)));
                            failed.push(FailedRun { name, seed, reason });
                        }
                    }
                }
            }
        }
        Ok(failed)
    }

    /// The mean recall of a seed, once all of it is known.
    fn tell(&self, arm: &Arm, seed: u64) {
        let Some(run) = self.run_of(arm, seed) else { return };
        let classes = self.parts.training().set.classes.len();
        let confusion = Confusion::of(classes, self.truth, &run.said).ok();
        if let Some(acsa) = confusion.and_then(|confusion| confusion.acsa()) {
            self.ctx.metric(acsa_curve(&arm.entry.name), seed as f64, acsa);
        }
    }

    /// One training in words.
    fn title(&self, arm: &Arm, seed: u64, fold: Option<usize>) -> String {
        title(&arm.entry.name, seed) + &fold_words(fold)
    }

    /// Trains and asks one classifier.
    fn one(
        &self,
        arm: &Arm,
        seed: u64,
        cut: &Cut<'_>,
        shared: &mut Shared,
        steps: &mut Steps,
    ) -> Result<Record, Ending> {
        let begun = Instant::now();
        let mut filled = None;
        let rows = match &arm.images {
            Images::Own => {
                let plain = if arm.shares_plain() { shared.plain.as_ref() } else { None };
                let derived = match plain {
                    Some(plain) => plain.under(self.ctx, &arm.treatment, &cut.training, seed)?,
                    None => None,
                };
                let fitted = match derived {
                    Some(fitted) => fitted,
                    None => self.train(arm, seed, cut.fold, &cut.training, steps)?,
                };
                let rows = fitted.probabilities(self.ctx, &cut.test)?;
                if arm.shares_plain() && shared.plain.is_none() {
                    shared.plain = Some(fitted);
                }
                rows
            }
            Images::Exported(set, _) => {
                self.train(arm, seed, cut.fold, set, steps)?.probabilities(self.ctx, &cut.test)?
            }
            Images::Made(generator) if generator.made.info().online => {
                let said = self.studio(generator, arm, seed, cut).says(&cut.test);
                steps.done += self.options.steps as u64;
                said?
            }
            Images::Made(generator) => {
                let known = shared.filled.iter().find(|(hash, _, _)| *hash == generator.filled);
                let own;
                let (set, found) = match known {
                    Some((_, set, found)) => (set, *found),
                    None => {
                        own = self.studio(generator, arm, seed, cut).filled(self.target)?;
                        (&own.0, own.1)
                    }
                };
                filled = Some(found);
                let fitted = self.train(arm, seed, cut.fold, set, steps)?;
                let rows = fitted.probabilities(self.ctx, &cut.test)?;
                let wanted = self.arms.iter().filter(|arm| arm.fingerprint() == generator.filled).count() > 1;
                if known.is_none() && wanted {
                    let set = set.clone();
                    shared.filled.push((generator.filled.clone(), set, found));
                }
                rows
            }
        };
        let fold = cut.fold.map(|number| Fold::new(number, &rows));
        let scores = self.scores(cut.test.labels.clone(), rows)?;
        let run = run(&arm.entry.name, seed, &scores);
        let seconds = begun.elapsed().as_secs_f64();
        Ok(Record { images: arm.fingerprint().to_owned(), seconds, run, fold, filled })
    }

    /// A generator at its place, on the images of one seed and fold.
    fn studio<'s>(&'s self, generator: &'s Generator, arm: &Arm, seed: u64, cut: &'s Cut<'_>) -> Studio<'s> {
        let short: String = generator.model.chars().take(8).collect();
        let fold = cut.fold.map(|number| format!("-fold{}", number + 1)).unwrap_or_default();
        let id = generator.made.info().method.id;
        let folder = self.results.generators().map(|all| all.join(format!("{id}-seed{seed}{fold}-{short}")));
        let ctx = self.ctx.within(&self.title(arm, seed, cut.fold));
        Studio { ctx, device: self.device, training: &cut.training, generator, seed, folder }
    }

    /// Trains the classifier of an arm on these images.
    fn train(
        &self,
        arm: &Arm,
        seed: u64,
        fold: Option<usize>,
        set: &TrainingSet,
        steps: &mut Steps,
    ) -> Result<Fitted, Ending> {
        let options = Options { seed, ..self.options };
        let of_fold = fold_words(fold);
        let stage = stage(&arm.entry.name, seed) + &of_fold;
        let curve = format!("loss · {}, seed {seed}{of_fold}", arm.entry.name);
        let every = options.steps.div_ceil(POINTS).max(1);
        let (mut sum, mut count) = (0.0, 0.0);
        let before = steps.done;
        let (mut times, mut last) = (Vec::new(), Instant::now());
        let ended = fit(self.ctx, &arm.treatment, set, &options, self.device, &mut |step| {
            times.push(last.elapsed().as_secs_f64());
            last = Instant::now();
            steps.done += 1;
            self.ctx.progress(stage.clone(), steps.done, steps.total);
            (sum, count) = (sum + step.loss, count + 1.0);
            if step.number.is_multiple_of(every) {
                self.ctx.metric(curve.clone(), step.number as f64, sum / count);
                (sum, count) = (0.0, 0.0);
            }
        });
        // Steps that a training did not take any more are done with, too.
        steps.done = before + options.steps as u64;
        let fitted = ended?;
        steps.paces.extend(median(times));
        Ok(fitted)
    }

    fn scores(&self, truth: Vec<usize>, rows: Vec<Vec<f64>>) -> Result<Scores, Ending> {
        let classes = self.parts.training().set.classes.len();
        Scores::new(classes, truth, rows).map_err(|_| FitError::Diverged { step: self.options.steps }.into())
    }
}

/// `, fold N` from 1; nothing outside of a cross-validation.
fn fold_words(fold: Option<usize>) -> String {
    fold.map(|number| format!(", fold {}", number + 1)).unwrap_or_default()
}

fn run(name: &str, seed: u64, scores: &Scores) -> Run {
    Run {
        name: name.to_owned(),
        seed,
        said: scores.said(),
        auroc: scores.auroc(),
        auprc: scores.auprc(),
        calibration_error: scores.calibration_error(),
    }
}
