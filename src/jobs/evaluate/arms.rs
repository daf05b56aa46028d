//! What is trained under each seed: treatments, treatments with a generator, and exported folders.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::parts::{Hashed, Parts, with_classes};
use super::{EvaluateRequest, Findings, NamedFolder, Treatments, fit_error};
use crate::classify::batches::{Augment, epochs_for, steps_of_epoch};
use crate::classify::treatments::{Options, Treatment};
use crate::domain::plan::Plan;
use crate::domain::provenance::Kind;
use crate::domain::samples::Unreadable;
use crate::domain::splits::Split;
use crate::domain::task::Ctx;
use crate::evaluation::comparison::{Adds, Entry};
use crate::evaluation::treatments::MadeTreatment;
use crate::imaging::exported::Manifest;
use crate::imaging::hash::sha256_hex;
use crate::imaging::scan::Reading;
use crate::imaging::training_set::{HeldOut, TrainingSet};
use crate::jobs::JobError;
use crate::oversampling::ParamMap;

/// Epochs of a generator, at most, as its parameters have it.
const MOST_EPOCHS: u32 = 10_000;

/// One thing to train under each seed.
pub(super) struct Arm {
    pub entry: Entry,
    /// Trained on the images below; not where a method trains its own classifier.
    pub treatment: Treatment,
    pub images: Images,
}

/// The images that an arm learns from.
pub(super) enum Images {
    /// The training images of the evaluation.
    Own,
    /// Those of an exported folder, and their fingerprint.
    Exported(TrainingSet, String),
    /// The training images with what a generator makes, which learns anew under each seed.
    Made(Generator),
    /// What such a generator makes, and nothing else.
    Alone(Generator),
}

/// A generator with all its parameters.
#[derive(Clone)]
pub(super) struct Generator {
    pub made: MadeTreatment,
    pub params: ParamMap,
    /// A hash of method and parameters: the same model under the same seed.
    pub model: String,
    /// A hash of these and of the target: the same images under the same seed. Where the method trains the
    /// classifier that is measured, nothing is filled and the target changes nothing.
    pub filled: String,
}

impl Arm {
    /// Which images it learns from, where these are not the evaluation's; for results.
    pub fn fingerprint(&self) -> &str {
        match &self.images {
            Images::Own => "",
            Images::Exported(_, fingerprint) => fingerprint,
            Images::Made(generator) | Images::Alone(generator) => &generator.filled,
        }
    }

    /// True where the plain network of the same seed serves it.
    pub fn shares_plain(&self) -> bool {
        matches!(self.images, Images::Own) && self.treatment.trains_plainly()
    }

    /// True where made images alone are learnt from: no treatment, and held against none.
    pub fn is_alone(&self) -> bool {
        matches!(self.images, Images::Alone(_))
    }

    /// True for plain training on the evaluation's own images, which the others are held against.
    pub fn is_plain(&self) -> bool {
        matches!(self.images, Images::Own) && self.treatment == Treatment::none()
    }
}

impl Generator {
    /// The same, where its images are learnt from alone: other images than those that fill.
    fn alone(&self) -> Self {
        let filled = sha256_hex(json!({ "model": self.model, "alone": true }).to_string());
        Generator { filled, ..self.clone() }
    }

    /// True where its images fill classes, and are not only repeats.
    pub fn fills(&self) -> bool {
        self.made.makes_images() && !self.made.info().online
    }

    /// False where nothing is learnt, so that no time is worth telling.
    pub fn learns(&self) -> bool {
        self.made.info().method.needs_training
    }

    /// Steps of the classifier that the method trains for use, on so many images; `None` where the method trains
    /// none.
    pub fn online_steps(&self, images: usize) -> Option<usize> {
        if !self.made.info().online {
            return None;
        }
        let of = |name: &str| usize::try_from(self.params.get(name)?.as_u64()?).ok();
        Some(of("epochs")?.saturating_mul(steps_of_epoch(images, of("batch")?)))
    }

    fn new(
        made: &MadeTreatment,
        request: &EvaluateRequest,
        options: &Options,
        images: usize,
    ) -> Result<Self, JobError> {
        let mut wanted = vec![("network", json!(options.network.as_str()))];
        let lasting = request.choice.lasting().map(|epochs| made.lasting(epochs));
        let lasting = lasting.as_ref().unwrap_or(made);
        if made.info().online {
            // The classifier is measured beside the others: as many steps, up to whole epochs, with their
            // batches and rates.
            let steps = u32::try_from(options.steps).unwrap_or(u32::MAX);
            let epochs = epochs_for(steps, images, options.batch as u32);
            wanted.extend([
                ("epochs", json!(epochs.min(MOST_EPOCHS))),
                ("batch", json!(options.batch)),
                ("learning-rate", json!(options.learning_rate)),
                ("drop", json!(options.drop)),
                ("momentum", json!(options.momentum)),
                ("weight-decay", json!(options.weight_decay)),
            ]);
            if options.augment != Augment::default() {
                wanted.push(("crop", json!(options.augment.crop)));
                wanted.push(("flip", json!(options.augment.flip)));
            }
        }
        let params = lasting
            .params(&wanted)
            .map_err(|error| JobError::Input(format!("{}: {error}", made.info().id)))?;
        let hash = |value: Value| sha256_hex(value.to_string());
        let method = made.info().method.id;
        let model = hash(json!({ "method": method, "params": params }));
        let filled = if made.info().online {
            model.clone()
        } else {
            hash(json!({ "model": model, "target": request.choice.target }))
        };
        Ok(Generator { made: made.clone(), params, model, filled })
    }
}

/// The treatments, generators and folders in the order of results, plain training first.
///
/// # Errors
/// A treatment that the counts do not allow, parameters out of range, a target that fits no class, a name
/// that is taken, an exported folder of other data, or one beside a cross-validation.
pub(super) fn arms(
    ctx: &Ctx,
    request: &EvaluateRequest,
    asked: &Treatments,
    parts: &Parts,
    options: &Options,
    findings: &mut Findings<'_>,
) -> Result<Vec<Arm>, JobError> {
    let training = &parts.training().set;
    let counts = training.counts();
    let mut arms = Vec::new();
    for treatment in &asked.plain {
        treatment.check(training).map_err(fit_error)?;
        if let Some(overlap) = treatment.overlap(&counts) {
            findings.warn(overlap.to_string());
        }
        let entry = Entry { name: treatment.to_string(), label: treatment.label(), adds: Adds::Nothing };
        arms.push(Arm { entry, treatment: treatment.clone(), images: Images::Own });
    }
    let plan = Plan::new(&training.classes, &counts, &request.choice.target, None)
        .map_err(|error| JobError::Input(error.to_string()))?;
    let filled: Vec<usize> = plan.classes.iter().map(|class| class.target).collect();
    for made in &asked.made {
        let (name, treatment) = (made.to_string(), made.then().clone());
        treatment.check(training).map_err(fit_error)?;
        if !made.info().online && plan.total_to_make() == 0 {
            findings.warn(format!("every class has its target already, so {name} has nothing to make"));
        } else if let Some(overlap) = made.overlap(&filled) {
            findings.warn(overlap.to_string());
        }
        let adds = if made.makes_images() { Adds::Made } else { Adds::Repeats };
        let entry = Entry { name, label: made.label(), adds };
        let generator = Generator::new(made, request, options, parts.learnt_from())?;
        let alone = request.choice.made_alone && is_first(&arms, &generator);
        let beside = alone.then(|| made_alone(&generator, findings)).flatten();
        arms.push(Arm { entry, treatment, images: Images::Made(generator) });
        // At once behind it, while its model is at hand.
        arms.extend(beside);
    }
    if request.choice.made_alone && !request.choice.folders.is_empty() {
        findings.warn(
            "exported folders are not trained on made images alone, because they have none of the largest class; \
             choose their generator beside them"
                .to_owned(),
        );
    }
    for folder in &request.choice.folders {
        if arms.iter().any(|arm| arm.entry.name == folder.name) {
            return Err(JobError::Input(format!(
                "the name \"{}\" is taken; give the folder another one: {}",
                folder.name,
                folder.dir.display()
            )));
        }
        let Parts::Apart { training, test } = parts else {
            return Err(JobError::Input(format!(
                "an exported folder was made from images that a cross-validation holds out; cut a test part \
                 off first with --split 70/15/15, and export from what is left: {}",
                folder.dir.display()
            )));
        };
        let (set, adds) = exported(ctx, request, folder, training, test, findings)?;
        let fingerprint = set.fingerprint();
        let label = "An exported folder, trained on plainly".to_owned();
        arms.push(Arm {
            entry: Entry { name: folder.name.clone(), label, adds },
            treatment: Treatment::none(),
            images: Images::Exported(set.set, fingerprint),
        });
    }
    Ok(arms)
}

/// True where no arm has this model yet.
fn is_first(arms: &[Arm], generator: &Generator) -> bool {
    !arms.iter().any(|arm| matches!(&arm.images, Images::Made(of) if of.model == generator.model))
}

/// Plain training on what a generator makes alone; `None`, and told, where it does not make every class.
fn made_alone(generator: &Generator, findings: &mut Findings<'_>) -> Option<Arm> {
    let name = generator.made.generator();
    if !generator.made.makes_every_class() {
        findings.warn(format!(
            "nothing is trained on images of {name} alone, because it makes none of the largest class"
        ));
        return None;
    }
    let name = format!("{name} on made images alone");
    let entry = Entry { label: name.clone(), name, adds: Adds::Made };
    Some(Arm { entry, treatment: Treatment::none(), images: Images::Alone(generator.alone()) })
}

/// The training part of an exported folder with all its images, made and repeated ones too, and which of these
/// there are.
fn exported(
    ctx: &Ctx,
    request: &EvaluateRequest,
    folder: &NamedFolder,
    training: &Hashed<TrainingSet>,
    test: &Hashed<HeldOut>,
    findings: &mut Findings<'_>,
) -> Result<(Hashed<TrainingSet>, Adds), JobError> {
    let scanned = crate::jobs::scan::scan(ctx, &folder.dir, Reading::Headers)?;
    let manifest = Manifest::of_folder(&scanned.root).map_err(|error| JobError::Input(error.to_string()))?;
    let mut dataset = with_classes(scanned, &request.dataset.classes)?;
    let has = |wanted: fn(Kind) -> bool| {
        let mut training = dataset.samples.iter().filter(|sample| sample.split == Split::Train);
        training.any(|sample| wanted(sample.kind))
    };
    let adds = if manifest.is_none() || has(Kind::is_made) {
        // Without a manifest nothing says that none was made.
        Adds::Made
    } else if has(|kind| kind == Kind::Repeated) {
        Adds::Repeats
    } else {
        Adds::Nothing
    };
    // Trained on as it is: a copy that fills a slot is an image like any other.
    for sample in dataset.samples.iter_mut().filter(|sample| sample.kind == Kind::Repeated) {
        sample.kind = Kind::Original;
    }
    let (set, lost) = TrainingSet::load_readable(ctx, &dataset, &request.spec)?;
    findings.unreadable.extend(lost.into_iter().map(|file| {
        let path = folder.dir.join(&file.path).to_string_lossy().into_owned();
        Unreadable { path, ..file }
    }));
    let counts = set.counts();
    if let Some(empty) = counts.iter().position(|&n| n == 0) {
        return Err(JobError::Input(format!(
            "it has no training image of the class {}; it is from another data set: {}",
            set.classes[empty],
            folder.dir.display()
        )));
    }
    let hashed = Hashed::new(ctx, set)?;
    check_origin(findings, folder, &hashed, manifest.is_some(), training, test)?;
    Ok((hashed, adds))
}

/// An exported folder has the evaluated folder's training images as its originals, and none of its test
/// images.
fn check_origin(
    findings: &mut Findings<'_>,
    folder: &NamedFolder,
    exported: &Hashed<TrainingSet>,
    has_manifest: bool,
    training: &Hashed<TrainingSet>,
    test: &Hashed<HeldOut>,
) -> Result<(), JobError> {
    let learnt: HashSet<&String> = training.hashes.iter().collect();
    let held: HashSet<&String> = test.hashes.iter().collect();
    let originals: Vec<&String> = exported
        .hashes
        .iter()
        .zip(&exported.set.made)
        .filter(|(_, made)| !**made)
        .map(|(hash, _)| hash)
        .collect();
    let leaked = originals.iter().filter(|hash| held.contains(*hash) && !learnt.contains(*hash)).count();
    let dir = folder.dir.display();
    if leaked > 0 {
        return Err(JobError::Input(format!(
            "{leaked} of its training images are test images of the evaluated folder, so it would be \
             measured on what it learnt; export it from the training part alone: {dir}"
        )));
    }
    let found = originals.iter().filter(|hash| learnt.contains(*hash)).count();
    // Without a manifest made images pass for originals, so only their complete absence says something.
    let foreign = if has_manifest { found * 2 < originals.len() } else { found == 0 };
    if foreign {
        return Err(JobError::Input(format!(
            "only {found} of its {} original images are training images of the evaluated folder at {} \
             pixels; it is from another data set, or its originals were exported at another size (--size): {dir}",
            originals.len(),
            exported.set.spec.size
        )));
    }
    if !has_manifest {
        findings
            .warn(format!("{} has no manifest, so nothing says which of its images were made", folder.name));
    } else if found < originals.len() {
        findings.warn(format!(
            "{} of the {} original images of {} are no training images of the evaluated folder",
            originals.len() - found,
            originals.len(),
            folder.name
        ));
    }
    Ok(())
}
