//! Generators at work inside an evaluation: trained on the training images of one seed, their images on the
//! disk, the classes filled.
//!
//! Everything goes through the trait of methods, as in a training job: one fit with its checkpoint, one
//! model file. What is there is not made again, so that an evaluation that was killed goes on. Nothing here
//! sees a test image, but for asking a classifier that has finished to learn.

use std::cell::OnceCell;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::Ending;
use super::arms::Generator;
use super::pace::Stopwatch;
use super::results::failed;
use crate::classify::treatments::SavedClassifier;
use crate::domain::plan::{Plan, Target};
use crate::domain::provenance::Kind;
use crate::domain::task::{Ctx, Level};
use crate::evaluation::distance::Standardisation;
use crate::evaluation::generators::{MadeClass, MadeFigure};
use crate::evaluation::treatments::{Filled, MadeImages, MadePicture, accepted, repeats};
use crate::imaging::decode::{Limits, decode};
use crate::imaging::encode::png;
use crate::imaging::files::{sync_folder, write_atomic};
use crate::imaging::neighbours::ClassNeighbours;
use crate::imaging::picture::Picture;
use crate::imaging::training_set::{HeldOut, ImageSet, TrainingSet};
use crate::jobs::JobError;
use crate::jobs::compute::Compute;
use crate::jobs::distances::{self, Spaces};
use crate::jobs::quality::{self, MadeOfClass, Real};
use crate::jobs::train::{checkpoint_of, find};
use crate::nn::weights::read_exactly;
use crate::oversampling::{FitRequest, Model};
use crate::project::quality::QualityFigure;

/// Name of the model file of a generator.
const MODEL: &str = "model.safetensors";
/// Folder of the images that it made to fill classes.
const IMAGES: &str = "images";
/// Folder of those that are learnt from alone.
const ALONE: &str = "alone";

/// A generator at work.
struct Effort {
    /// Once it is wanted.
    model: Option<Box<dyn Model>>,
    watch: Stopwatch,
    /// Seconds of taking figures, which are no part of learning and making.
    measuring: f64,
    /// True as long as nothing of it comes from an earlier call.
    whole: bool,
}

/// Training images with what a generator made of them.
#[derive(Clone)]
pub(super) struct Outcome {
    pub set: TrainingSet,
    pub filled: Filled,
    /// How good the images are, of each class that any was made of.
    pub classes: Vec<MadeClass>,
    /// Of learning and making; `None` where an earlier call did a part of that.
    pub seconds: Option<f64>,
}

/// What the classifier says that a method trained for use.
pub(super) struct OnlineAnswers {
    /// Probabilities of each class for each image.
    pub rows: Vec<Vec<f64>>,
    /// As it is saved.
    pub classifier: Option<SavedClassifier>,
    /// Of its training; `None` where an earlier call did a part of that.
    pub seconds: Option<f64>,
}

/// A generator under one seed, with the images it learns from.
pub(super) struct Studio<'a> {
    /// Of this generator alone.
    pub ctx: Ctx,
    pub device: &'a Compute,
    pub training: &'a TrainingSet,
    /// For figures alone.
    pub validation: Option<&'a HeldOut>,
    pub generator: &'a Generator,
    pub seed: u64,
    /// From 0; `None` where there is a test part.
    pub fold: Option<usize>,
    /// Of the features of its judge, once it is wanted.
    pub scale: OnceCell<Option<Standardisation>>,
    /// Its own; nothing is kept without one.
    pub folder: Option<PathBuf>,
}

impl Studio<'_> {
    /// Ends here where the person asked for it.
    fn go_on(&self) -> Result<(), Ending> {
        self.ctx.check()?;
        if self.ctx.is_stopping() { Err(Ending::Stopped) } else { Ok(()) }
    }

    fn begin(&self) -> Effort {
        Effort { model: None, watch: Stopwatch::start(&self.ctx), measuring: 0.0, whole: true }
    }

    /// The seconds of work that was all done now.
    fn seconds(&self, effort: &Effort) -> Option<f64> {
        effort.whole.then(|| (effort.watch.seconds(&self.ctx) - effort.measuring).max(0.0))
    }

    /// The trained model: from an earlier call, or trained now.
    fn model<'e>(&self, effort: &'e mut Effort) -> Result<&'e dyn Model, Ending> {
        let model = match effort.model.take() {
            Some(model) => model,
            None => self.trained(&mut effort.whole)?,
        };
        let model = effort.model.insert(model);
        Ok(&**model)
    }

    /// `whole` becomes false where an earlier call did a part of the training.
    fn trained(&self, whole: &mut bool) -> Result<Box<dyn Model>, Ending> {
        let method = find(self.generator.made.info().method.id)?;
        let path = self.folder.as_ref().map(|folder| folder.join(MODEL));
        if let Some(path) = path.as_ref().filter(|path| path.exists()) {
            match method.load(path, self.training, self.device) {
                Ok(model) => {
                    *whole = false;
                    return Ok(model);
                }
                Err(error) => self.ctx.note(Level::Warning, format!("it is trained anew, because {error}")),
            }
        }
        let checkpoint = path.as_deref().map(checkpoint_of);
        *whole &= !checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.exists());
        let fit = FitRequest {
            training: self.training,
            // Figures of a training alone; none of them is asked for here.
            validation: None,
            params: &self.generator.params,
            seed: self.seed,
            device: self.device,
            checkpoint: checkpoint.as_deref(),
        };
        let model = method.fit(&self.ctx, &fit);
        // A training that was stopped and kept is no whole one; its checkpoint is gone on with.
        self.go_on()?;
        let model = model?;
        if let Some(path) = path.filter(|_| method.info().needs_training) {
            model.save(&path)?;
            fs::remove_file(checkpoint_of(&path)).ok();
        }
        Ok(model)
    }

    /// The training images with every class filled to its target: accepted images first, repeats in the
    /// slots that are left. What is in `held` afterwards is the model, where it was wanted.
    pub fn filled(&self, target: &Target, held: &mut Option<Box<dyn Model>>) -> Result<Outcome, Ending> {
        let mut effort = self.begin();
        let training = self.training;
        let plan = Plan::new(&training.classes, &training.counts(), target, None)
            .map_err(|error| Ending::Over(JobError::Input(error.to_string())))?;
        let mut filled = Filled { slots: plan.total_to_make(), made: 0 };
        let (mut pictures, mut copies, mut classes) = (Vec::new(), Vec::new(), Vec::new());
        for (class, planned) in plan.classes.iter().enumerate().filter(|(_, planned)| planned.make > 0) {
            let made = if self.generator.made.makes_images() {
                let (made, told) = self.of_class(class, planned.make, IMAGES, &mut effort)?;
                classes.push(told);
                made
            } else {
                Vec::new()
            };
            filled.made += made.len();
            copies.extend(repeats(training, class, planned.make.saturating_sub(made.len()), self.seed));
            pictures.extend(made.into_iter().map(|made| (class, made.kind, made.picture)));
        }
        self.tell(&filled);
        let set = training.filled(&pictures, &copies).map_err(JobError::from)?;
        let seconds = self.seconds(&effort);
        *held = effort.model;
        Ok(Outcome { set, filled, classes, seconds })
    }

    /// Made images alone, as many of each class as it has real ones, less those that the method's own test rejects.
    /// `held` is the model where it is at hand.
    pub fn alone(&self, held: Option<Box<dyn Model>>) -> Result<(TrainingSet, Filled), Ending> {
        let mut effort = Effort { model: held, ..self.begin() };
        let (mut filled, mut pictures) = (Filled::default(), Vec::new());
        for (class, name) in self.training.classes.iter().enumerate() {
            let slots = self.training.originals_of_class(class).len();
            let (made, _) = self.of_class(class, slots, ALONE, &mut effort)?;
            if made.is_empty() {
                return Err(Ending::Nothing(format!(
                    "none of its {slots} images of {name} passed its test, so no classifier can learn from made \
                     images alone"
                )));
            }
            filled = Filled { slots: filled.slots + slots, made: filled.made + made.len() };
            pictures.extend(made.into_iter().map(|made| (class, made.kind, made.picture)));
        }
        Ok((self.training.made_alone(&pictures).map_err(JobError::from)?, filled))
    }

    fn tell(&self, filled: &Filled) {
        let Filled { slots, made } = *filled;
        if slots == 0 || !self.generator.made.makes_images() {
            return;
        }
        let (level, text) = if made == 0 {
            let text = format!(
                "none of its {slots} images passed its test, so what is trained is oversampling by repeats"
            );
            (Level::Warning, text)
        } else {
            (Level::Info, format!("{made} of {slots} slots have a made image, the others a repeat"))
        };
        self.ctx.note(level, text);
    }

    /// The accepted images of a class, from an earlier call or made now, and how good those are that were made; of those
    /// that are learnt from alone that is not measured.
    fn of_class(
        &self,
        class: usize,
        slots: usize,
        purpose: &str,
        effort: &mut Effort,
    ) -> Result<(Vec<MadePicture>, MadeClass), Ending> {
        let info = self.generator.made.info();
        let place = self.place(class, slots, purpose);
        if let Some(made) = place.as_deref().and_then(|place| kept(place, info.method.makes)) {
            effort.whole = false;
            let told = place.as_deref().and_then(|place| read_quality(place, self.fold));
            let told = told.unwrap_or_else(|| self.told(class, slots, made.len(), Vec::new()));
            return Ok((made, told));
        }
        let model = self.model(effort)?;
        let params = &self.generator.params;
        let made = accepted(&self.ctx, model, self.training, class, slots, params, self.seed)?;
        self.go_on()?;
        let watch = Stopwatch::start(&self.ctx);
        let figures = if purpose == IMAGES { self.figures(model, class, &made)? } else { Vec::new() };
        effort.measuring += watch.seconds(&self.ctx);
        let told = self.told(class, made.made, made.accepted.len(), figures);
        let made = made.accepted;
        if let Some(place) = &place {
            // Before the images, so that these never lie there without it.
            write_quality(place, &told)?;
            let text = [
                ("Software", concat!("counterpoise ", env!("CARGO_PKG_VERSION"))),
                ("kind", info.method.makes.as_str()),
                ("method", info.method.id),
                ("class", self.training.classes[class].as_str()),
            ];
            keep(place, &made, &text)?;
        }
        Ok((made, told))
    }

    /// Where the images of a class lie; `None` where nothing is kept.
    fn place(&self, class: usize, slots: usize, purpose: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(purpose).join(format!("{class}-{slots}")))
    }

    /// At most so many of the accepted images of each class that is filled, the first ones, as they lie on the disk.
    pub fn shown(&self, target: &Target, most: usize) -> Vec<(usize, Vec<Picture>)> {
        let training = self.training;
        let Ok(plan) = Plan::new(&training.classes, &training.counts(), target, None) else {
            return Vec::new();
        };
        let classes = plan.classes.iter().enumerate().filter(|(_, planned)| planned.make > 0);
        let of = |(class, slots): (usize, usize)| {
            let entries = fs::read_dir(self.place(class, slots, IMAGES)?).ok()?;
            let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
            paths.sort();
            let pictures = paths.iter().take(most).filter_map(|path| decode(path, &Limits::default()).ok());
            Some((class, pictures.map(|decoded| decoded.picture).collect()))
        };
        classes.filter_map(|(class, planned)| of((class, planned.make))).collect()
    }

    fn told(&self, class: usize, made: usize, accepted: usize, figures: Vec<MadeFigure>) -> MadeClass {
        let class = self.training.classes.get(class).cloned().unwrap_or_default();
        MadeClass { class, fold: self.fold, made, accepted, figures }
    }

    /// How good the made images of a class are.
    fn figures(&self, model: &dyn Model, class: usize, made: &MadeImages) -> Result<Vec<MadeFigure>, Ending> {
        let (training, seed) = (self.training, self.seed);
        let scale = match self.scale.get() {
            Some(scale) => scale.clone(),
            None => {
                let scale = distances::scale(model, training)?;
                self.scale.get_or_init(|| scale).clone()
            }
        };
        let found = Spaces::scaled(model, training, scale).figures(&self.ctx, class, &made.first, seed)?;
        let neighbours = ClassNeighbours::new(training, class);
        let usual = neighbours.usual();
        // Derived images are near their seed by design, so none is called a copy.
        let looked = usual.filter(|_| self.generator.made.info().method.makes == Kind::Synthetic);
        let near_copies = looked.map(|usual| {
            let distances = neighbours.distances(&made.first);
            (distances.iter().filter(|distance| usual.is_near_copy(**distance)).count(), distances.len())
        });
        let of = MadeOfClass {
            pictures: &made.first,
            count: made.made,
            judged: made.judged,
            neighbours: &neighbours,
            usual,
            near_copies,
        };
        let real = Real { training, validation: self.validation };
        let quality = quality::of_class(model, &real, class, &of, &found, seed)?;
        Ok(quality.figures.into_iter().filter_map(figure).collect())
    }

    /// What the classifier that the method trains for use says of images, that classifier, and the seconds of its
    /// training.
    pub fn says(&self, images: &ImageSet) -> Result<OnlineAnswers, Ending> {
        let mut effort = self.begin();
        let model = self.model(&mut effort)?;
        let said = model.says(&self.ctx, images)?;
        let nothing = || Ending::Nothing("its training ended before its classifier was there".to_owned());
        let (rows, classifier) = (said.ok_or_else(nothing)?, model.classifier());
        Ok(OnlineAnswers { rows, classifier, seconds: self.seconds(&effort) })
    }
}

/// A figure as results keep it; `None` where its value is no number.
fn figure(of: QualityFigure) -> Option<MadeFigure> {
    let QualityFigure { features, name, value, sd, floor, n_real, n_made } = of;
    let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
    let value = finite(Some(value))?;
    Some(MadeFigure { features, name, value, sd: finite(sd), floor: finite(floor), n_made, n_real })
}

/// Writes how good the images of a class are beside the folder that they will lie in.
fn write_quality(place: &Path, told: &MadeClass) -> Result<(), JobError> {
    let path = place.with_extension("json");
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| failed("make the folder", &error, folder))?;
    }
    let text = serde_json::to_vec(told)
        .map_err(|error| JobError::Failed(format!("a figure could not be written down: {error}")))?;
    write_atomic(&path, &text).map_err(|error| failed("write the file", &error, &path))
}

/// What an earlier call wrote so; `None` where an earlier version made the images.
fn read_quality(place: &Path, fold: Option<usize>) -> Option<MadeClass> {
    let text = fs::read_to_string(place.with_extension("json")).ok()?;
    let told: MadeClass = serde_json::from_value(read_exactly(&text).ok()?).ok()?;
    Some(MadeClass { fold, ..told })
}

/// Writes the made images of a class: all of them or none.
fn keep(place: &Path, made: &[MadePicture], text: &[(&str, &str)]) -> Result<(), JobError> {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let partial = place.with_file_name(format!(".{name}.partial"));
    fs::remove_dir_all(&partial).ok();
    fs::create_dir_all(&partial).map_err(|error| failed("make the folder", &error, &partial))?;
    for made in made {
        let path = partial.join(format!("{:06}.png", made.slot));
        let bytes = png(&made.picture, text)
            .map_err(|error| JobError::Failed(format!("a made image could not be encoded: {error}")))?;
        flushed(&path, &bytes).map_err(|error| failed("write the image", &error, &path))?;
    }
    // What is there is not whole, or it would have been read.
    fs::remove_dir_all(place).ok();
    fs::rename(&partial, place).map_err(|error| failed("name the folder", &error, place))?;
    match place.parent() {
        Some(folder) => sync_folder(folder).map_err(|error| failed("flush the folder", &error, folder)),
        None => Ok(()),
    }
}

fn flushed(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The made images of a class that an earlier call wrote; none where they are not there as a whole.
fn kept(place: &Path, kind: Kind) -> Option<Vec<MadePicture>> {
    let mut made = Vec::new();
    for entry in fs::read_dir(place).ok()? {
        let path = entry.ok()?.path();
        let slot = path.file_stem()?.to_str()?.parse().ok()?;
        let picture = decode(&path, &Limits::default()).ok()?.picture;
        made.push(MadePicture { slot, kind, picture });
    }
    made.sort_by_key(|made| made.slot);
    Some(made)
}
