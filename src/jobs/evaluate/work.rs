//! The trainings of one evaluation: seed by seed, fold by fold, one arm after the other.

use std::cell::OnceCell;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::arms::{Arm, Generator, Images};
use super::kept::{self, CLASSIFIERS, Classifiers, HELD_OUT, HeldImages};
use super::pace::{Stopwatch, median};
use super::parts::{Cut, Parts};
use super::results::{Fold, Record, Results, failed as disk};
use super::studio::{OnlineAnswers, Outcome, Studio};
use super::{Ending, FailedRun, LeftOut, MadeOf, acsa_curve, stage, title};
use crate::classify::treatments::{FitError, Fitted, Options, Owner, SavedClassifier, fit};
use crate::domain::plan::Target;
use crate::domain::task::{Ctx, Level};
use crate::evaluation::comparison::Run;
use crate::evaluation::generators::{ClassRecall, MadeAlone};
use crate::evaluation::metrics::{Confusion, Scores};
use crate::evaluation::report::MadeShown;
use crate::evaluation::treatments::Filled;
use crate::imaging::encode::png;
use crate::imaging::files::write_atomic;
use crate::imaging::resize::{self, Fit};
use crate::imaging::training_set::{HeldOut, TrainingSet};
use crate::jobs::JobError;
use crate::jobs::compute::Compute;
use crate::jobs::train::method_error;
use crate::oversampling::{Model, model_file};

/// Points of a loss curve.
const POINTS: usize = 50;
/// Made images of a class that are shown of each generator, and their side in pixels, at most.
const SHOWN: usize = 8;
const SHOWN_SIDE: u32 = 64;
/// Last steps of a running training that say its pace.
const LATEST: usize = 200;

/// The trainings of one evaluation.
pub(super) struct Work<'a> {
    pub ctx: &'a Ctx,
    pub arms: &'a [Arm],
    pub parts: &'a Parts,
    /// What figures of made images may see beside the training images.
    pub validation: Option<&'a HeldOut>,
    /// The classes of all images that are asked about.
    pub truth: &'a [usize],
    pub device: &'a Compute,
    /// The seed is the first one.
    pub options: Options,
    /// Up to where generators fill the classes.
    pub target: &'a Target,
    pub left_out: &'a LeftOut,
    pub results: Results,
}

/// What the arms of one seed and fold have in common.
#[derive(Default)]
struct Shared {
    /// The plain network, once there is one.
    plain: Option<Fitted>,
    /// Filled training images that another arm wants, too, by their hash.
    filled: Vec<(String, Outcome)>,
    /// The model of the latest generator, where its images are to be learnt from alone next, by its hash.
    model: Option<(String, Box<dyn Model>)>,
}

/// The seed and fold at work.
struct Here<'s> {
    seed: u64,
    fold: Option<usize>,
    /// How many of its arms are over, whatever came of them.
    over: usize,
    /// What its arms have in common so far.
    shared: &'s Shared,
}

/// A generator that still has to learn, once for each seed and fold that lacks it.
struct Waiting<'a> {
    /// Hash of what it makes.
    key: &'a str,
    /// Of the first treatment that wants its images.
    name: &'a str,
    times: usize,
}

/// What is still to do, with what is being done.
#[derive(Default)]
struct Ahead<'a> {
    /// Classifiers. One that its method trains belongs to the generators.
    trainings: usize,
    generators: Vec<Waiting<'a>>,
}

impl Ahead<'_> {
    /// One of these has learnt.
    fn learnt(&mut self, key: &str) {
        if let Some(waiting) = self.generators.iter_mut().find(|waiting| waiting.key == key) {
            waiting.times = waiting.times.saturating_sub(1);
        }
    }
}

/// How all trainings ended.
pub(super) struct Ended {
    /// Those that gave no classifier.
    pub failed: Vec<FailedRun>,
    /// The mean of the seconds that a step of each training took; `None` where none was trained step by step.
    pub step_seconds: Option<f64>,
    /// What ended the whole evaluation; `None` where nothing did.
    pub error: Option<JobError>,
}

/// How far all trainings are, and how long they take.
struct Account<'a> {
    /// Steps of classifiers that were taken, or are not needed any more.
    done: u64,
    total: u64,
    /// Of each training the median of the seconds of its steps: a pause in one of them changes nothing.
    paces: Vec<f64>,
    /// Seconds of generators that learnt and made their images in one go, by the hash of what they make.
    generators: Vec<(String, f64)>,
    ahead: Ahead<'a>,
}

impl<'a> Work<'a> {
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
    fn missing(&self, seed: u64, fold: Option<usize>) -> Vec<&'a Arm> {
        self.arms.iter().filter(|arm| self.find(arm, seed, fold).is_none()).collect()
    }

    /// True where a classifier of this arm is to be kept and is not: of the first seed, and of a cross-validation in
    /// its first fold.
    fn lacks_classifier(&self, arm: &Arm, seed: u64, fold: Option<usize>) -> bool {
        let first = seed == self.options.seed && self.parts.numbers().first() == Some(&fold);
        if !first || self.results.folder().is_none() || !kept::can_be_asked(arm) {
            return false;
        }
        !(self.has_list() && self.results.has(&kept::file_of(arm, seed)))
    }

    /// The list of the images that kept classifiers were asked about is there.
    fn has_list(&self) -> bool {
        self.results.has(&format!("{CLASSIFIERS}/{HELD_OUT}"))
    }

    /// True where an arm is to be trained: it was not measured, or its classifier is wanted again, and nobody took it
    /// off meanwhile.
    fn is_wanted(&self, arm: &Arm, seed: u64, fold: Option<usize>) -> bool {
        let lacks = self.find(arm, seed, fold).is_none() || self.lacks_classifier(arm, seed, fold);
        lacks && !self.left_out.has(&arm.entry.name)
    }

    /// What is kept of the classifiers of the first seed; `None` where there is no place.
    pub fn classifiers(&self) -> Option<Classifiers> {
        let (folder, seed) = (self.results.folder()?.to_path_buf(), self.options.seed);
        let fold = self.parts.numbers().first().copied().flatten();
        let exists = |file: &str| self.has_list() && self.results.has(file);
        let taken_off =
            |arm: &&Arm| self.left_out.has(&arm.entry.name) && self.find(arm, seed, fold).is_none();
        let shown = self.arms.iter().filter(|arm| !arm.is_alone() && !taken_off(arm));
        let of = shown.map(|arm| kept::kept_of(arm, seed, exists)).collect();
        Some(Classifiers { folder, seed, fold, of })
    }

    /// Puts right what is kept of classifiers and is of no use: a list that is damaged, or that names files as they
    /// were called before, is written again; a classifier that cannot be asked is removed, and so trained again.
    fn mend(&self) -> Result<(), JobError> {
        let Some(folder) = self.results.folder().filter(|_| self.has_list()) else { return Ok(()) };
        let cut = self.parts.cut(self.parts.numbers().first().copied().flatten())?;
        let list = HeldImages::of(&cut);
        if !matches!(HeldImages::read(folder), Ok(Some(known)) if known == list) {
            keep_list(folder, &list)?;
        }
        let seed = self.options.seed;
        for arm in self.arms.iter().filter(|arm| kept::can_be_asked(arm)) {
            self.ctx.check()?;
            let path = folder.join(kept::file_of(arm, seed));
            let whose = (arm.entry.name.as_str(), seed, cut.fold);
            if path.is_file() && kept::read_classifier(&path, whose, &list, self.device).is_err() {
                fs::remove_file(&path).map_err(|error| disk("remove the file", &error, &path))?;
            }
        }
        Ok(())
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

    /// The wanted results, but for those of made images alone, which are no treatments.
    pub fn runs(&self, seeds: &[u64]) -> Vec<Run> {
        let treatments = self.arms.iter().filter(|arm| !arm.is_alone());
        let wanted = seeds.iter().flat_map(|&seed| treatments.clone().map(move |arm| (arm, seed)));
        wanted.filter_map(|(arm, seed)| self.run_of(arm, seed)).collect()
    }

    /// What a classifier found that learnt from made images alone, where this is the arm behind `place`.
    fn alone(&self, place: usize, seed: u64) -> Option<MadeAlone> {
        let arm = self.arms.get(place + 1)?;
        let Images::Alone(generator) = &arm.images else { return None };
        let (run, classes) = (self.run_of(arm, seed)?, &self.parts.training().set.classes);
        let confusion = Confusion::of(classes.len(), self.truth, &run.said).ok()?;
        let records = self.parts.numbers().into_iter().filter_map(|fold| self.find(arm, seed, fold));
        let filled = records.filter_map(|record| record.filled);
        let filled = filled.reduce(|a, b| Filled { slots: a.slots + b.slots, made: a.made + b.made });
        let Filled { slots, made } = filled.unwrap_or_default();
        let recalls = classes.iter().zip(confusion.recalls());
        Some(MadeAlone {
            generator: generator.made.generator(),
            slots,
            made,
            acsa: confusion.acsa(),
            recalls: recalls.map(|(class, recall)| ClassRecall { class: class.clone(), recall }).collect(),
        })
    }

    /// What generators gave, over the folds of each seed.
    pub fn made(&self, seeds: &[u64]) -> Vec<MadeOf> {
        let numbers = self.parts.numbers();
        let mut all = Vec::new();
        let made = |(_, arm): &(usize, &Arm)| matches!(arm.images, Images::Made(_));
        for (place, arm) in self.arms.iter().enumerate().filter(made) {
            for &seed in seeds {
                let records: Vec<&Record> =
                    numbers.iter().filter_map(|&fold| self.find(arm, seed, fold)).collect();
                if records.is_empty() {
                    continue;
                }
                let filled = records.iter().filter_map(|record| record.filled);
                let filled = filled.reduce(|a, b| Filled { slots: a.slots + b.slots, made: a.made + b.made });
                // A sum with a part that is not known is not known.
                let whole = records.len() == numbers.len();
                let seconds: Option<f64> =
                    records.iter().map(|record| record.generator.filter(|_| whole)).sum();
                let classes = records.iter().flat_map(|record| record.classes.clone()).collect();
                let alone = self.alone(place, seed);
                all.push(MadeOf { name: arm.entry.name.clone(), seed, filled, seconds, classes, alone });
            }
        }
        all
    }

    /// Some images of each class that a generator filled under the first seed, of a cross-validation in the first fold:
    /// what lies on the disk, generators of one class together.
    ///
    /// # Errors
    /// Memory is short.
    pub fn shown(&self) -> Result<Vec<MadeShown>, JobError> {
        let mut seen: Vec<&str> = Vec::new();
        let mut all: Vec<(usize, MadeShown)> = Vec::new();
        if self.results.folder().is_none() {
            return Ok(Vec::new());
        }
        let mut first = None;
        for arm in self.arms {
            let Images::Made(generator) = &arm.images else { continue };
            if !generator.fills() || seen.contains(&arm.fingerprint()) {
                continue;
            }
            seen.push(arm.fingerprint());
            let cut = match first.take() {
                Some(cut) => cut,
                None => self.parts.cut(self.parts.numbers().first().copied().flatten())?,
            };
            let seed = self.options.seed;
            for (class, pictures) in self.studio(generator, arm, seed, &cut).shown(self.target, SHOWN) {
                let small = pictures.iter().filter_map(|picture| {
                    let side = picture.width.min(SHOWN_SIDE);
                    // A picture that cannot be encoded is not shown.
                    png(&resize::fit(picture, side, Fit::default()), &[("kind", "made")]).ok()
                });
                let files: Vec<Vec<u8>> = small.collect();
                let name = cut.training.classes.get(class).map_or("", String::as_str);
                if !files.is_empty() {
                    all.push((class, MadeShown::new(&arm.entry.name, seed, name, &files)));
                }
            }
            first = Some(cut);
        }
        all.sort_by_key(|(class, _)| *class);
        Ok(all.into_iter().map(|(_, shown)| shown).collect())
    }

    /// True where every arm has its answers under every seed, or failed there, or was taken off.
    pub fn is_complete(&self, seeds: &[u64], failed: &[FailedRun]) -> bool {
        let done = |arm: &Arm, seed: u64| {
            failed.iter().any(|run| run.name == arm.entry.name && run.seed == seed)
                || self.run_of(arm, seed).is_some()
                || self.left_out.has(&arm.entry.name)
        };
        seeds.iter().all(|&seed| self.arms.iter().all(|arm| done(arm, seed)))
    }

    /// What is still to do beside trainings that gave no classifier. The first plain network of a seed serves all
    /// that share it, and what a generator made serves all that learn from it.
    fn ahead(&self, seeds: &[u64], failed: &[FailedRun], here: Option<&Here<'_>>) -> Ahead<'a> {
        let (mut ahead, arms) = (Ahead::default(), self.arms);
        for (seed, fold) in self.cells(seeds) {
            let here = here.filter(|here| (here.seed, here.fold) == (seed, fold));
            let (over, shared) = here.map_or((0, None), |here| (here.over, Some(here.shared)));
            let mut plain = shared.is_some_and(|shared| shared.plain.is_some());
            let mut known: Vec<&str> =
                shared.into_iter().flat_map(|shared| &shared.filled).map(|(key, _)| key.as_str()).collect();
            for arm in arms.iter().skip(over) {
                if given_up(failed, arm, seed) || !self.is_wanted(arm, seed, fold) {
                    continue;
                }
                if let Images::Made(generator) = &arm.images
                    && generator.learns()
                    && !known.contains(&arm.fingerprint())
                {
                    let key = arm.fingerprint();
                    known.push(key);
                    match ahead.generators.iter_mut().find(|waiting| waiting.key == key) {
                        Some(waiting) => waiting.times += 1,
                        None => ahead.generators.push(Waiting { key, name: &arm.entry.name, times: 1 }),
                    }
                }
                let own = matches!(&arm.images, Images::Made(generator) if generator.made.info().online);
                let shares = arm.shares_plain() && std::mem::replace(&mut plain, true);
                if !(own || shares) {
                    ahead.trainings += 1;
                }
            }
        }
        ahead
    }

    /// Says how long all that is ahead takes, as far as any of it was measured. `now` is how many steps the running
    /// training has taken, and the pace of the latest of them. Without generators the pace of the steps says it.
    fn tell_time(&self, account: &Account<'_>, now: Option<(usize, f64)>) {
        let learns = |arm: &Arm| matches!(&arm.images, Images::Made(generator) if generator.learns());
        if !self.arms.iter().any(learns) {
            return;
        }
        let Ahead { trainings, generators } = &account.ahead;
        let taken = now.map_or(0, |(taken, _)| taken);
        let steps = (trainings * self.options.steps).saturating_sub(taken) as f64;
        let paces: Vec<f64> = account.paces.iter().copied().chain(now.map(|(_, pace)| pace)).collect();
        // No pace is needed for no step.
        let mut left = if steps == 0.0 { Some(0.0) } else { mean(&paces).map(|pace| steps * pace) };
        let mut unmeasured = Vec::new();
        for Waiting { key, name, times } in generators.iter().filter(|waiting| waiting.times > 0) {
            let of = account.generators.iter().filter(|(known, _)| known == key);
            match mean(&of.map(|(_, seconds)| *seconds).collect::<Vec<f64>>()) {
                Some(seconds) => left = left.map(|left| left + *times as f64 * seconds),
                None => unmeasured.push(*name),
            }
        }
        let words = if unmeasured.is_empty() {
            String::new()
        } else {
            format!("the generators' own training, not measured yet ({})", unmeasured.join(", "))
        };
        self.ctx.time_left(left.and_then(|left| Duration::try_from_secs_f64(left).ok()), words);
    }

    /// Seed by seed, so that the first comparisons are there early. A training that gave no classifier is
    /// left out and told of. Whatever ends it, what was measured is there.
    pub fn all(&mut self, seeds: &[u64]) -> Ended {
        let mended = self.mend();
        let steps = self.ahead(seeds, &[], None).trainings * self.options.steps;
        let known =
            self.results.records.iter().filter_map(|known| Some((known.images.clone(), known.generator?)));
        let generators = known.collect();
        let mut account =
            Account { done: 0, total: steps as u64, paces: Vec::new(), generators, ahead: Ahead::default() };
        let mut failed = Vec::new();
        let ended = mended.and_then(|()| self.train_all(seeds, &mut account, &mut failed));
        Ended { failed, step_seconds: mean(&account.paces), error: ended.err() }
    }

    fn train_all(
        &mut self,
        seeds: &[u64],
        account: &mut Account<'a>,
        failed: &mut Vec<FailedRun>,
    ) -> Result<(), JobError> {
        let (arms, parts) = (self.arms, self.parts);
        for &seed in seeds {
            // What was measured before is told as what is measured now.
            arms.iter().for_each(|arm| self.tell(arm, seed));
            for fold in parts.numbers() {
                if !arms.iter().any(|arm| self.is_wanted(arm, seed, fold)) {
                    continue;
                }
                let cut = parts.cut(fold)?;
                let mut shared = Shared::default();
                for (over, arm) in arms.iter().enumerate() {
                    // One fold less, and the answers of a seed are not whole.
                    if given_up(failed, arm, seed) || !self.is_wanted(arm, seed, fold) {
                        continue;
                    }
                    let known = self.find(arm, seed, fold).is_some();
                    let keeps = self.lacks_classifier(arm, seed, fold);
                    self.ctx.check()?;
                    if self.ctx.is_stopping() {
                        return Ok(());
                    }
                    if known {
                        let text = format!(
                            "{} is trained again, because its classifier was not kept; its figures stay",
                            self.title(arm, seed, fold)
                        );
                        self.ctx.note(Level::Info, text);
                    }
                    account.ahead =
                        self.ahead(seeds, failed, Some(&Here { seed, fold, over, shared: &shared }));
                    // What was taken off meanwhile is no part of the whole.
                    let whole = account.done + (account.ahead.trainings * self.options.steps) as u64;
                    account.total = account.total.min(whole);
                    self.tell_time(account, None);
                    match self.one(arm, seed, &cut, &mut shared, account) {
                        Ok((record, saved)) => {
                            if let Some(saved) = saved.filter(|_| keeps) {
                                self.keep(arm, seed, &cut, &saved)?;
                            }
                            if !known {
                                self.results.add(record)?;
                                self.tell(arm, seed);
                            }
                        }
                        Err(Ending::Stopped) => return Ok(()),
                        Err(Ending::Over(error)) => return Err(error),
                        Err(Ending::Nothing(reason)) => {
                            let name = arm.entry.name.clone();
                            self.ctx.note(Level::Error, format!("{}: {reason}", self.title(arm, seed, fold)));
                            // What was measured before stays, and only its maps lack.
                            if !known {
                                failed.push(FailedRun { name, seed, reason });
                            }
                        }
                    }
                }
            }
        }
        account.ahead = Ahead::default();
        self.tell_time(account, None);
        Ok(())
    }

    /// The mean recall of a seed, once all of it is known.
    fn tell(&self, arm: &Arm, seed: u64) {
        if arm.is_alone() {
            return;
        }
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

    /// Puts a classifier beside the results, to be asked again; when it returns, it is on the disk.
    fn keep(&self, arm: &Arm, seed: u64, cut: &Cut<'_>, saved: &SavedClassifier) -> Result<(), JobError> {
        let Some(folder) = self.results.folder() else { return Ok(()) };
        if !self.has_list() {
            keep_list(folder, &HeldImages::of(cut))?;
        }
        let owner = Owner {
            treatment: arm.entry.name.clone(),
            seed,
            fold: cut.fold,
            classes: cut.training.classes.clone(),
            spec: cut.training.spec.clone(),
        };
        let path = folder.join(kept::file_of(arm, seed));
        model_file::write(&path, &saved.weights(&owner)).map_err(method_error)
    }

    /// Trains and asks one classifier; that classifier comes along where it can be asked again.
    fn one(
        &self,
        arm: &Arm,
        seed: u64,
        cut: &Cut<'_>,
        shared: &mut Shared,
        account: &mut Account<'_>,
    ) -> Result<(Record, Option<SavedClassifier>), Ending> {
        let watch = Stopwatch::start(self.ctx);
        let (mut filled, mut learnt, mut classes) = (None, None, Vec::new());
        let saved_if = |fitted: &Fitted| {
            if self.lacks_classifier(arm, seed, cut.fold) { fitted.saved() } else { None }
        };
        let (rows, saved) = match &arm.images {
            Images::Own => {
                let plain = if arm.shares_plain() { shared.plain.as_ref() } else { None };
                let derived = match plain {
                    Some(plain) => plain.under(self.ctx, &arm.treatment, &cut.training, seed)?,
                    None => None,
                };
                let fitted = match derived {
                    Some(fitted) => fitted,
                    None => self.train(arm, seed, cut.fold, &cut.training, account)?,
                };
                let said = (fitted.probabilities(self.ctx, &cut.test)?, saved_if(&fitted));
                if arm.shares_plain() && shared.plain.is_none() {
                    shared.plain = Some(fitted);
                }
                said
            }
            Images::Exported(set, _) => {
                let fitted = self.train(arm, seed, cut.fold, set, account)?;
                (fitted.probabilities(self.ctx, &cut.test)?, saved_if(&fitted))
            }
            Images::Made(generator) if generator.made.info().online => {
                let OnlineAnswers { rows, classifier, seconds } =
                    self.studio(generator, arm, seed, cut).says(&cut.test)?;
                self.learnt(generator, seconds, account);
                learnt = seconds;
                (rows, classifier)
            }
            Images::Made(generator) => {
                let known = shared.filled.iter().find(|(hash, _)| *hash == generator.filled);
                let own;
                let outcome = match known {
                    Some((_, outcome)) => outcome,
                    None => {
                        let mut held = None;
                        own = self.studio(generator, arm, seed, cut).filled(self.target, &mut held)?;
                        if self.learns_alone(generator, seed, cut.fold) {
                            shared.model = held.map(|model| (generator.model.clone(), model));
                        }
                        self.learnt(generator, own.seconds, account);
                        &own
                    }
                };
                (filled, learnt, classes) = (Some(outcome.filled), outcome.seconds, outcome.classes.clone());
                let fitted = self.train(arm, seed, cut.fold, &outcome.set, account)?;
                let said = (fitted.probabilities(self.ctx, &cut.test)?, saved_if(&fitted));
                let wanted = self.arms.iter().filter(|arm| arm.fingerprint() == generator.filled).count() > 1;
                if known.is_none() && wanted {
                    let kept = (generator.filled.clone(), outcome.clone());
                    shared.filled.push(kept);
                }
                said
            }
            Images::Alone(generator) => {
                let held = shared.model.take().filter(|(model, _)| *model == generator.model);
                let studio = self.studio(generator, arm, seed, cut);
                let (set, found) = studio.alone(held.map(|(_, model)| model))?;
                filled = Some(found);
                let fitted = self.train(arm, seed, cut.fold, &set, account)?;
                (fitted.probabilities(self.ctx, &cut.test)?, None)
            }
        };
        let fold = cut.fold.map(|number| Fold::new(number, rows.clone()));
        let scores = self.scores(cut.test.labels.clone(), rows)?;
        let run = run(&arm.entry.name, seed, &scores);
        let (images, seconds) = (arm.fingerprint().to_owned(), watch.seconds(self.ctx));
        Ok((Record { images, seconds, run, fold, filled, generator: learnt, classes }, saved))
    }

    /// True where a classifier is still to learn from the images of this generator alone.
    fn learns_alone(&self, generator: &Generator, seed: u64, fold: Option<usize>) -> bool {
        let same = |arm: &&Arm| matches!(&arm.images, Images::Alone(of) if of.model == generator.model);
        self.arms.iter().filter(same).any(|arm| self.is_wanted(arm, seed, fold))
    }

    /// A generator has learnt and made its images.
    fn learnt(&self, generator: &Generator, seconds: Option<f64>, account: &mut Account<'_>) {
        account.generators.extend(seconds.map(|seconds| (generator.filled.clone(), seconds)));
        account.ahead.learnt(&generator.filled);
        self.tell_time(account, None);
    }

    /// A generator at its place, on the images of one seed and fold.
    fn studio<'s>(&'s self, generator: &'s Generator, arm: &Arm, seed: u64, cut: &'s Cut<'_>) -> Studio<'s> {
        let short: String = generator.model.chars().take(8).collect();
        let fold = cut.fold.map(|number| format!("-fold{}", number + 1)).unwrap_or_default();
        let id = generator.made.info().method.id;
        let folder = self.results.generators().map(|all| all.join(format!("{id}-seed{seed}{fold}-{short}")));
        Studio {
            ctx: self.ctx.within(&self.title(arm, seed, cut.fold)),
            device: self.device,
            training: &cut.training,
            validation: self.validation,
            generator,
            seed,
            fold: cut.fold,
            scale: OnceCell::new(),
            folder,
        }
    }

    /// Trains the classifier of an arm on these images.
    fn train(
        &self,
        arm: &Arm,
        seed: u64,
        fold: Option<usize>,
        set: &TrainingSet,
        account: &mut Account<'_>,
    ) -> Result<Fitted, Ending> {
        let options = Options { seed, ..self.options };
        let of_fold = fold_words(fold);
        let stage = stage(&arm.entry.name, seed) + &of_fold;
        let curve = format!("loss · {}, seed {seed}{of_fold}", arm.entry.name);
        let every = options.steps.div_ceil(POINTS).max(1);
        let (mut sum, mut count) = (0.0, 0.0);
        let before = account.done;
        let (mut times, mut last) = (Vec::new(), Instant::now());
        let ended = fit(self.ctx, &arm.treatment, set, &options, self.device, &mut |step| {
            times.push(last.elapsed().as_secs_f64());
            last = Instant::now();
            account.done += 1;
            self.ctx.progress(stage.clone(), account.done, account.total);
            (sum, count) = (sum + step.loss, count + 1.0);
            if step.number.is_multiple_of(every) {
                self.ctx.metric(curve.clone(), step.number as f64, sum / count);
                (sum, count) = (0.0, 0.0);
                let latest = times[times.len().saturating_sub(LATEST)..].to_vec();
                self.tell_time(account, median(latest).map(|pace| (step.number, pace)));
            }
        });
        // Steps that a training did not take any more are done with, too.
        account.done = before + options.steps as u64;
        let fitted = ended?;
        account.paces.extend(median(times));
        Ok(fitted)
    }

    fn scores(&self, truth: Vec<usize>, rows: Vec<Vec<f64>>) -> Result<Scores, Ending> {
        let classes = self.parts.training().set.classes.len();
        Scores::new(classes, truth, rows).map_err(|_| FitError::Diverged { step: self.options.steps }.into())
    }
}

/// Writes which images the kept classifiers were asked about.
fn keep_list(folder: &Path, list: &HeldImages) -> Result<(), JobError> {
    let path = folder.join(CLASSIFIERS).join(HELD_OUT);
    let list = serde_json::to_vec(list).map_err(|error| {
        JobError::Failed(format!("the list of the test images could not be written down: {error}"))
    })?;
    write_atomic(&path, &list).map_err(|error| disk("write the file", &error, &path))
}

/// True where the training gave no classifier under this seed, so that no other fold of it is of use.
fn given_up(failed: &[FailedRun], arm: &Arm, seed: u64) -> bool {
    failed.iter().any(|run| run.name == arm.entry.name && run.seed == seed)
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
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
