//! What a person wants compared, by name: treatments, generators and exported folders, how long, with which
//! seeds and where.
//!
//! Kept with each comparison of a project, so names stay the words they are: what another version of this
//! program does not know can still be shown.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::{NONE, RESNET_EPOCHS, SMALL_STEPS, batch_of};
use crate::classify::batches::{Augment, steps_of_epoch};
use crate::classify::treatments::{Preset, Treatment};
use crate::domain::plan::Target;
use crate::evaluation::treatments::{Asked, MadeTreatment};
use crate::jobs::JobError;

/// How long each classifier is trained: the same number of steps for every treatment, for M2m while its classifier
/// learns up to whole epochs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Budget {
    /// 2,000 steps of the small network, 200 epochs of ResNet-32.
    #[default]
    Usual,
    Steps(usize),
    /// As many steps as so many epochs of the training part have.
    Epochs(usize),
}

impl Budget {
    /// Steps of each training, at least 1, with so many images to learn from.
    pub fn steps(self, network: Preset, images: usize) -> usize {
        let per_epoch = steps_of_epoch(images, batch_of(images));
        let steps = match (self, network) {
            (Budget::Steps(steps), _) => steps,
            (Budget::Epochs(epochs), _) => epochs.saturating_mul(per_epoch),
            (Budget::Usual, Preset::Small) => SMALL_STEPS,
            (Budget::Usual, Preset::Resnet32) => RESNET_EPOCHS * per_epoch,
        };
        steps.max(1)
    }
}

/// An exported folder to train on as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedFolder {
    /// In results; no treatment's name.
    pub name: String,
    pub dir: PathBuf,
}

/// What is to be compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Names with parameters, with and without a generator: `cb-focal:beta=0.99`, `smote+mixup`. Plain training
    /// need not be among them: it is always trained, because all others are held against it.
    pub treatments: Vec<String>,
    pub folders: Vec<NamedFolder>,
    /// The first seed.
    pub seed: u64,
    /// How many; at least 1.
    pub seeds: usize,
    pub budget: Budget,
    /// small or resnet32; `None` follows the device.
    pub network: Option<String>,
    /// auto, gpu, cpu or software.
    pub device: String,
    /// Up to where generators fill the classes.
    #[serde(default)]
    pub target: Target,
    /// Epochs of each generator whose name does not say them; `None` leaves them to [`Choice::lasting`].
    #[serde(default)]
    pub generator_epochs: Option<usize>,
    /// How real training images are changed while a classifier learns, under every treatment.
    #[serde(default)]
    pub augment: Augment,
    /// Folds of a cross-validation where there is no test part, at least 2; 5 where it is left out. Refused beside a
    /// test part.
    #[serde(default)]
    pub folds: Option<usize>,
    /// Also train on the images of each generator alone, and ask the real test images.
    #[serde(default)]
    pub made_alone: bool,
}

/// Treatments that a person takes off a comparison that runs, by their names in results; every copy is the same list.
#[derive(Clone, Debug, Default)]
pub struct LeftOut(Arc<Mutex<BTreeSet<String>>>);

impl LeftOut {
    /// What still waits of this treatment is not trained. Plain training always is: all others are held against it.
    pub fn add(&self, name: &str) {
        if name != NONE {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }
}

/// The treatments of a choice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Treatments {
    /// Without a generator: plain training first, each once.
    pub plain: Vec<Treatment>,
    /// With one, each once, which come behind the others. Each learns anew under each seed, from the training
    /// images alone.
    pub made: Vec<MadeTreatment>,
}

impl Choice {
    /// The treatments by their names.
    ///
    /// # Errors
    /// A name that is none.
    pub fn parsed(&self) -> Result<Treatments, JobError> {
        let mut all = Treatments { plain: vec![Treatment::none()], made: Vec::new() };
        for text in &self.treatments {
            match text.parse::<Asked>().map_err(|error| JobError::Input(error.to_string()))? {
                Asked::Plain(treatment) if !all.plain.contains(&treatment) => all.plain.push(treatment),
                Asked::Made(treatment) if !all.made.contains(&treatment) => all.made.push(treatment),
                _ => {}
            }
        }
        Ok(all)
    }

    /// The names in results, in their order.
    pub fn names(&self) -> Vec<String> {
        let Treatments { plain, made } = self.parsed().unwrap_or_default();
        let folders = self.folders.iter().map(|folder| folder.name.clone());
        let treatments = plain.iter().map(ToString::to_string).chain(made.iter().map(ToString::to_string));
        treatments.chain(folders).collect()
    }

    /// The same without the treatments and folders of which this holds, by their names in results.
    pub fn without(&self, is_gone: impl Fn(&str) -> bool) -> Choice {
        let mut choice = self.clone();
        choice
            .treatments
            .retain(|text| text.parse::<Asked>().ok().is_none_or(|of| !is_gone(&of.to_string())));
        choice.folders.retain(|folder| !is_gone(&folder.name));
        choice
    }

    /// Classifiers that have to be trained where none is known yet, in a cross-validation for each fold: all
    /// that train plainly share one, and M2m trains its own while it makes images.
    pub fn trainings(&self) -> usize {
        let Treatments { plain, made } = self.parsed().unwrap_or_default();
        let own = plain.iter().filter(|treatment| !treatment.trains_plainly()).count();
        let filled = made.iter().filter(|treatment| !treatment.info().online).count();
        let alone = if self.made_alone { self.of_every_class().len() } else { 0 };
        (own + 1 + filled + alone + self.folders.len()) * self.seeds.max(1)
    }

    /// The generators whose images a classifier can learn from alone, each once, by name with parameters.
    pub fn of_every_class(&self) -> Vec<String> {
        let mut names = Vec::new();
        for treatment in self.parsed().unwrap_or_default().made {
            let name = treatment.generator();
            if treatment.makes_every_class() && !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The generators that have to learn, each once, by name with parameters: they do so under each seed, in a
    /// cross-validation for each fold. Treatments that learn from the same images share one.
    pub fn generators(&self) -> Vec<String> {
        let mut names = Vec::new();
        for treatment in self.parsed().unwrap_or_default().made {
            let name = treatment.generator();
            if treatment.info().method.needs_training && !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// True where classes are filled to the target.
    pub fn fills(&self) -> bool {
        self.parsed().unwrap_or_default().made.iter().any(|treatment| !treatment.info().online)
    }

    /// Epochs of a generator whose name does not say them: those that are asked for, else as many as the
    /// classifiers where their length is in epochs. `None` leaves it to the method.
    pub fn lasting(&self) -> Option<usize> {
        self.generator_epochs.or(match self.budget {
            Budget::Epochs(epochs) => Some(epochs),
            Budget::Usual | Budget::Steps(_) => None,
        })
    }
}
