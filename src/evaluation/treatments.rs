//! Treatments with a generator behind them: training images made until each class has its target, or M2m
//! while its classifier learns.
//!
//! A generator stands for which training images there are; what is trained on them is a treatment of
//! [`crate::classify::treatments`], plain training where nothing is said. Generators come through the trait
//! of methods alone, and see the training images that they are given. Knows no file and no device.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::generators::{MadeAlone, MadeClass};
use crate::classify::treatments::{CombinationError, Member, Overlap, ParseError, Part, Treatment, check};
use crate::domain::classes::ClassId;
use crate::domain::decisions::Verdict;
use crate::domain::provenance::Kind;
use crate::domain::random::{Stage, stream};
use crate::domain::task::Ctx;
use crate::imaging::picture::Picture;
use crate::imaging::training_set::TrainingSet;
use crate::oversampling::{
    Candidate, GenerateRequest, Judged, MethodError, MethodInfo, Model, Oversampler, ParamInfo, ParamMap,
    ParamsError, method, registry,
};

/// The method that also trains a classifier for use while it makes images.
const WITH_CLASSIFIER: &str = "m2m";
/// What a generator changes.
const DATA: &[Part] = &[Part::Data];
/// Slots made between two reports.
const CHUNK: usize = 64;
/// Made images that figures are taken of, at most.
pub const MEASURED: usize = 1000;
/// Counts that differ by less than this share are even.
const EVEN: f64 = 0.01;
/// The parameter that says how long a method trains.
const EPOCHS: &str = "epochs";

/// What a treatment with a generator is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MadeInfo {
    /// The id on the command line and in results.
    pub id: &'static str,
    /// Other words that stand for it.
    pub aliases: &'static [&'static str],
    /// For people.
    pub label: &'static str,
    /// One sentence on what it does.
    pub summary: &'static str,
    /// The same in everyday words.
    pub hint: &'static str,
    pub method: &'static MethodInfo,
    /// Those of the method.
    pub params: &'static [ParamInfo],
    /// True where the classifier that the method trains is the one that is measured.
    pub online: bool,
}

impl MadeInfo {
    /// The parameter that says how many epochs the method trains; `None` for one without, and for M2m while its
    /// classifier learns, which is as long as the classifiers that it is measured beside.
    pub fn epochs(&self) -> Option<&'static ParamInfo> {
        self.params.iter().find(|info| info.name == EPOCHS && !self.online)
    }
}

/// A generator with its parameters, and what is trained on its images.
#[derive(Clone, Debug, PartialEq)]
pub struct MadeTreatment {
    info: MadeInfo,
    /// What differs from the defaults.
    params: ParamMap,
    then: Treatment,
}

impl MadeTreatment {
    /// Every treatment with a generator, in the order of the methods.
    pub fn table() -> Vec<MadeInfo> {
        let mut table = Vec::new();
        for method in registry() {
            let info = method.info();
            let images = MadeInfo {
                id: info.id,
                aliases: &[],
                label: info.name,
                summary: info.summary,
                hint: info.hint,
                method: info,
                params: method.param_table(),
                online: false,
            };
            if info.id == WITH_CLASSIFIER {
                table.push(MadeInfo {
                    id: "m2m-online",
                    aliases: &["m2m"],
                    label: "M2m while its classifier learns",
                    summary: "M2m's own training: images are translated in the batches of its classifier.",
                    hint: "Changes images of large classes while the compared classifier learns; keeps none.",
                    online: true,
                    ..images
                });
                table.push(MadeInfo { id: "m2m-export", ..images });
            } else {
                table.push(images);
            }
        }
        table
    }

    pub fn info(&self) -> &MadeInfo {
        &self.info
    }

    /// What is trained on its images.
    pub fn then(&self) -> &Treatment {
        &self.then
    }

    /// For people.
    pub fn label(&self) -> String {
        if self.then == Treatment::none() {
            self.info.label.to_owned()
        } else {
            format!("{} and {}", self.info.label, self.then.label())
        }
    }

    /// The generator alone, without what is trained on its images: id and parameters.
    pub fn generator(&self) -> String {
        let mut text = self.info.id.to_owned();
        for info in self.info.params {
            match self.params.get(info.name) {
                Some(Value::String(word)) => text += &format!(":{}={word}", info.name),
                Some(value) => text += &format!(":{}={value}", info.name),
                None => {}
            }
        }
        text
    }

    /// The same for so many epochs, where that can be said and nobody said it.
    #[must_use]
    pub fn lasting(&self, epochs: usize) -> Self {
        let mut lasting = self.clone();
        if self.info.epochs().is_some() {
            lasting.params.entry(EPOCHS).or_insert_with(|| epochs.into());
        }
        lasting
    }

    /// The method behind it; the registry has every one.
    pub fn method(&self) -> Option<&'static dyn Oversampler> {
        method(self.info.method.id)
    }

    /// True where images are made, and not only repeated.
    pub fn makes_images(&self) -> bool {
        self.info.method.makes != Kind::Repeated
    }

    /// True where it can make images of every class, the largest too: what changes images of larger classes has none for
    /// that, and repeats are not made.
    pub fn makes_every_class(&self) -> bool {
        self.info.method.makes == Kind::Synthetic && !self.info.online
    }

    /// Its parameters, and of `wanted` those that the method has and nobody gave, in the order of its table.
    ///
    /// # Errors
    /// A value out of range.
    pub fn params(&self, wanted: &[(&str, Value)]) -> Result<ParamMap, ParamsError> {
        let mut params = self.params.clone();
        for (name, value) in wanted {
            let known = self.info.params.iter().any(|info| info.name == *name);
            if known && !params.contains_key(*name) {
                params.insert((*name).to_owned(), value.clone());
            }
        }
        // The method reads all of them to say this.
        if let Some(method) = self.method() {
            method.prior_beta(&params)?;
        }
        // In the order of the table, so that the same parameters are the same text however they were given.
        let in_order = |info: &ParamInfo| Some((info.name.to_owned(), params.get(info.name)?.clone()));
        Ok(self.info.params.iter().filter_map(in_order).collect())
    }

    /// A second correction on top of its own, where the classes have these counts once they are filled.
    pub fn overlap(&self, filled: &[usize]) -> Option<Overlap> {
        let (least, most) = (filled.iter().min()?, filled.iter().max()?);
        if *most as f64 > *least as f64 * (1.0 + EVEN) {
            return self.then.overlap(filled);
        }
        let (first, second) = (self.info.id.to_owned(), self.then.to_string());
        self.then.corrects().then_some(Overlap::Idle { first, second })
    }
}

impl fmt::Display for MadeTreatment {
    /// The ids and what differs from the defaults; reads back to the same treatment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.generator())?;
        if self.then != Treatment::none() {
            write!(f, "+{}", self.then)?;
        }
        Ok(())
    }
}

/// A treatment as it is asked for by name.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// Without a generator.
    Plain(Treatment),
    Made(MadeTreatment),
}

impl FromStr for Asked {
    type Err = ParseError;

    /// As [`Treatment`], where one of the ids with `+` between may be a generator's, with the method's
    /// parameters.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let table = MadeTreatment::table();
        let (mut makers, mut others) = (Vec::new(), Vec::new());
        for part in text.split('+').map(str::trim) {
            let id = part.split(':').next().unwrap_or_default().trim();
            match table.iter().find(|info| info.id == id || info.aliases.contains(&id)) {
                Some(info) => makers.push((info, part)),
                None => others.push(part),
            }
        }
        let of_both = |error: ParseError| match error {
            ParseError::Unknown(name, known) => {
                let ids: Vec<&str> = table.iter().map(|info| info.id).collect();
                ParseError::Unknown(name, format!("{known}, {}", ids.join(", ")))
            }
            other => other,
        };
        let Some(&(info, part)) = makers.first() else {
            return text.parse::<Treatment>().map(Asked::Plain).map_err(of_both);
        };
        let then = if others.is_empty() {
            None
        } else {
            Some(others.join("+").parse::<Treatment>().map_err(of_both)?)
        };
        let mut members: Vec<Member> =
            makers.iter().map(|(info, _)| Member { id: info.id, parts: DATA }).collect();
        members.extend(then.iter().flat_map(Treatment::members));
        check(&members)?;
        if info.online && members.len() > 1 {
            return Err(CombinationError::Alone(info.id).into());
        }
        let params = given(info, part)?;
        Ok(Asked::Made(MadeTreatment { info: *info, params, then: then.unwrap_or_else(Treatment::none) }))
    }
}

impl fmt::Display for Asked {
    /// Reads back to the same treatment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Asked::Plain(treatment) => fmt::Display::fmt(treatment, f),
            Asked::Made(treatment) => fmt::Display::fmt(treatment, f),
        }
    }
}

/// The parameters behind a generator's id that differ from the defaults.
fn given(info: &MadeInfo, text: &str) -> Result<ParamMap, ParseError> {
    let mut params = ParamMap::new();
    for part in text.split(':').skip(1).map(str::trim) {
        let (name, value) = part.split_once('=').ok_or_else(|| ParseError::Form { text: part.to_owned() })?;
        let Some(param) = info.params.iter().find(|param| param.name == name) else {
            let known: Vec<&str> = info.params.iter().map(|param| param.name).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(ParseError::Param { id: info.id, name: name.to_owned(), known });
        };
        let parsed = param.kind.parse(param.name, value).map_err(|_| ParseError::Value {
            id: info.id,
            name: param.name,
            wanted: param.kind.describe(),
            found: value.to_owned(),
        })?;
        if parsed == param.default {
            params.remove(name);
        } else {
            params.insert(name.to_owned(), parsed);
        }
    }
    Ok(params)
}

/// Slots of a treatment with a generator, and how many of them got a made image; the others got a repeat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filled {
    pub slots: usize,
    pub made: usize,
}

/// What a generator gave under one seed, over all folds of a cross-validation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MadeOf {
    /// Of the treatment.
    pub name: String,
    pub seed: u64,
    /// `None` where the method's own classifier is measured, and nothing is filled.
    pub filled: Option<Filled>,
    /// Seconds of learning and making, pauses left out; `None` where these were not done in one go, so that
    /// nobody measured them as a whole.
    pub seconds: Option<f64>,
    /// How good its images are, of each class that it made any of; empty where an earlier version made them.
    #[serde(default)]
    pub classes: Vec<MadeClass>,
    /// What a classifier learns from its images alone; with the first treatment of a generator, where it was asked for.
    #[serde(default)]
    pub alone: Option<MadeAlone>,
}

impl Filled {
    /// Slots that got a repeat.
    pub const fn repeats(&self) -> usize {
        self.slots.saturating_sub(self.made)
    }
}

impl MadeOf {
    /// `12 of 16 slots have an accepted image, 4 a repeat; 41.2 s of learning and making`.
    pub fn words(&self) -> String {
        let filled = match self.filled {
            None => "images were made in the batches of its own classifier".to_owned(),
            Some(Filled { slots: 0, .. }) => "no slot to fill".to_owned(),
            Some(Filled { slots, made: 0 }) => format!("all {slots} slots have a repeat"),
            Some(Filled { slots, made }) if made >= slots => {
                format!("all {slots} slots have an accepted image")
            }
            Some(filled) => format!(
                "{} of {} slots have an accepted image, {} a repeat",
                filled.made,
                filled.slots,
                filled.repeats()
            ),
        };
        match self.seconds {
            Some(seconds) => format!("{filled}; {seconds:.1} s of learning and making"),
            None => format!("{filled}; not done in one go, so its time was not measured"),
        }
    }
}

/// A made image that stands in a slot.
#[derive(Clone, Debug, PartialEq)]
pub struct MadePicture {
    pub slot: u32,
    pub kind: Kind,
    pub picture: Picture,
}

/// What came of making images of a class.
#[derive(Clone, Debug, PartialEq)]
pub struct MadeImages {
    /// Those that the method's own test accepts, in the order of the slots.
    pub accepted: Vec<MadePicture>,
    /// The first ones, accepted or not; [`MEASURED`] at most.
    pub first: Vec<Picture>,
    /// All that were made, accepted or not.
    pub made: usize,
    pub judged: Judged,
}

/// Makes an image for each of so many slots of a class and keeps those that the method's own test accepts.
///
/// # Errors
/// As [`Model::generate`].
pub fn accepted(
    ctx: &Ctx,
    model: &dyn Model,
    training: &TrainingSet,
    class: ClassId,
    slots: usize,
    params: &ParamMap,
    seed: u64,
) -> Result<MadeImages, MethodError> {
    let name = training.classes.get(class).map_or("", String::as_str);
    let all: Vec<u32> = (0..u32::try_from(slots).unwrap_or(u32::MAX)).collect();
    let mut images =
        MadeImages { accepted: Vec::new(), first: Vec::new(), made: 0, judged: Judged::default() };
    for (chunk, slots) in all.chunks(CHUNK).enumerate() {
        ctx.progress(format!("making images of {name}"), (chunk * CHUNK) as u64, all.len() as u64);
        let request = GenerateRequest { training, class, slots, attempt: 0, params, seed };
        let mut receive = |candidate: Candidate| -> Result<(), MethodError> {
            images.made += 1;
            images.judged.count(&candidate, name);
            if images.first.len() < MEASURED {
                images.first.push(candidate.picture.clone());
            }
            if candidate.verdict == Verdict::Accepted {
                let Candidate { slot, kind, picture, .. } = candidate;
                images.accepted.push(MadePicture { slot, kind, picture });
            }
            Ok(())
        };
        model.generate(ctx, &request, &mut receive)?;
    }
    images.accepted.sort_by_key(|made| made.slot);
    Ok(images)
}

/// Positions of the images that stand in the empty slots of a class: its originals in random order, each
/// once before one comes again, as an export repeats them. Empty for a class without an original.
pub fn repeats(training: &TrainingSet, class: ClassId, slots: usize, seed: u64) -> Vec<usize> {
    let originals = training.originals_of_class(class);
    let mut chosen = Vec::with_capacity(slots);
    let mut round = 0;
    while chosen.len() < slots && !originals.is_empty() {
        let mut order = originals.clone();
        stream(seed, Stage::Repeat, class as u64, round).shuffle(&mut order);
        chosen.extend(order.into_iter().take(slots - chosen.len()));
        round += 1;
    }
    chosen
}
