//! The Evaluate workspace beside the settings: what is chosen to be compared, and what is shown of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{Face, FeaturesForm, ProjectState, State};
use crate::classify::batches::Augment;
use crate::classify::treatments::{FIRST_CHOICE, Preset, Treatment};
use crate::domain::plan::{Plan, Target};
use crate::evaluation::report::Chart;
use crate::evaluation::saliency::side_by_side::Question;
use crate::evaluation::treatments::{Asked, MadeTreatment};
use crate::jobs::comparisons::{Choice, GeneratorLoad, Kept, Report, TreatmentFigures, Workload};
use crate::jobs::devices::DeviceKind;
use crate::jobs::evaluate::{Budget, NamedFolder, learnt_from, usual_folds, usual_network};
use crate::jobs::saliency::{Maps, TestImages};
use crate::project::{RunId, Settings};

/// What the Evaluate workspace shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// The form and the figures of comparisons.
    #[default]
    Figures,
    /// What classifier g sees.
    Features,
    /// What the classifiers of a comparison look at in some test images.
    Looks,
}

impl Pane {
    /// In the order of their labels.
    pub const ALL: [Pane; 3] = [Pane::Figures, Pane::Features, Pane::Looks];

    pub const fn text(self) -> &'static str {
        match self {
            Pane::Figures => "Figures",
            Pane::Features => "Feature map",
            Pane::Looks => "Where it looks",
        }
    }
}

/// How the length of a training is chosen. The numbers of the other ways stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Length {
    #[default]
    Usual,
    Steps,
    Epochs,
}

/// An exported folder that may be trained on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderChoice {
    /// In results.
    pub name: String,
    pub dir: PathBuf,
    pub chosen: bool,
}

/// How long a step takes, as it was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Pace {
    /// What it was measured on; it says nothing of anything else.
    pub workload: Workload,
    pub network: Preset,
    pub step_seconds: f64,
    /// Seconds since 1970 of the comparison that it is from; `None` where it was timed by itself.
    pub of: Option<i64>,
}

/// A generator of a comparison, and how long it took when it was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratorPace {
    /// With its parameters, without what is trained on its images.
    pub name: String,
    /// Seconds under one seed, all folds together; `None` where nobody measured this work.
    pub seconds: Option<f64>,
    /// Seconds since 1970 of the comparison that they are from.
    pub of: Option<i64>,
}

/// What a comparison would take.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Classifiers to train, where none is known yet; in a cross-validation at most.
    pub trainings: usize,
    /// Each learns once under each seed, in a cross-validation for each fold.
    pub generators: Vec<GeneratorPace>,
    pub seeds: usize,
    /// Folds of a cross-validation; `None` where there is a test part.
    pub folds: Option<usize>,
    /// Of each training; `None` while the network is not known.
    pub steps: Option<usize>,
    /// `None` where no step of this work was measured on this machine.
    pub pace: Option<Pace>,
}

impl Estimate {
    /// Of all classifiers and of the generators that were measured; `None` where no step was.
    pub fn time(&self) -> Option<Duration> {
        let (steps, pace) = (self.steps?, self.pace.as_ref()?);
        let classifiers = (self.trainings as f64) * (steps as f64) * pace.step_seconds;
        let generators: f64 = self.generators.iter().filter_map(|generator| generator.seconds).sum();
        Duration::try_from_secs_f64(classifiers + generators * self.seeds as f64).ok()
    }

    /// How often a generator learns.
    pub fn makings(&self) -> usize {
        self.generators.len() * self.seeds * self.folds.unwrap_or(1)
    }
}

/// Treatments whose maps are chosen first: plain training and the best of the others.
const FIRST_MAPS: usize = 4;

/// What classifiers look at: what is chosen, and the maps that were made last.
#[derive(Clone, Debug, Default)]
pub struct LooksView {
    pub question: Question,
    /// The comparison that all below is of.
    pub of: Option<RunId>,
    /// Its test images, once they are listed.
    pub images: Face<Arc<TestImages>>,
    /// Positions of the chosen ones.
    pub chosen: BTreeSet<usize>,
    /// Names of the chosen treatments.
    pub treatments: BTreeSet<String>,
    /// Only images that treatments disagree on are offered.
    pub disputed: bool,
    pub maps: Face<Arc<Maps>>,
    /// Counts maps that were made, so that a picture of older ones is never shown for them.
    pub number: u64,
    /// Where they are saved, as typed.
    pub folder: String,
    pub saved: Face<PathBuf>,
}

impl LooksView {
    /// The view of another comparison, whose images are on their way. How maps are made stays.
    pub fn anew(&self, run: RunId, report: &Report) -> Self {
        let mapped = |treatment: &&TreatmentFigures| {
            let mut kept = report.classifiers.iter().flat_map(|kept| &kept.of);
            kept.any(|kept| kept.name == treatment.name && kept.file.is_some())
        };
        let plain = report.plain();
        let is_other = |treatment: &&TreatmentFigures| plain.is_none_or(|plain| plain.name != treatment.name);
        let others = report.by_acsa().into_iter().filter(is_other);
        let first = plain.into_iter().chain(others).filter(mapped).take(FIRST_MAPS);
        LooksView {
            question: self.question,
            of: Some(run),
            images: Face::Loading,
            treatments: first.map(|treatment| treatment.name.clone()).collect(),
            disputed: self.disputed,
            number: self.number,
            ..Self::default()
        }
    }

    /// The maps that are shown of a comparison.
    pub fn maps_of(&self, run: RunId) -> Option<&Arc<Maps>> {
        self.maps.full().filter(|_| self.of == Some(run))
    }

    /// The images that are offered, of one class or of all, by their positions.
    pub fn offered(&self, images: &TestImages, class: Option<&str>) -> Vec<usize> {
        let class = class.and_then(|name| images.classes.iter().position(|known| known == name));
        let all = images.images.iter().enumerate();
        all.filter(|(_, image)| class.is_none_or(|class| image.class == class))
            .filter(|(_, image)| !self.disputed || image.is_disputed())
            .map(|(position, _)| position)
            .collect()
    }
}

/// The Evaluate workspace.
#[derive(Clone, Debug)]
pub struct EvaluateForm {
    pub pane: Pane,
    pub features: FeaturesForm,
    pub looks: LooksView,
    /// Ids of treatments with their usual parameters; plain training is always compared and not among them.
    pub chosen: BTreeSet<&'static str>,
    /// Ids of treatments with a generator with its usual parameters.
    pub generators: BTreeSet<&'static str>,
    /// Epochs of each generator, and whether they are asked for.
    pub generator_epochs: usize,
    pub sets_generator_epochs: bool,
    /// Treatments with other parameters, as typed.
    pub typed: String,
    pub folders: Vec<FolderChoice>,
    /// Path of another folder, as typed.
    pub folder_box: String,
    /// The first seed, and how many.
    pub seed: u64,
    pub seeds: usize,
    pub length: Length,
    pub steps: usize,
    pub epochs: usize,
    /// small or resnet32; `None` follows the device.
    pub network: Option<String>,
    /// How real training images are changed while a classifier learns.
    pub augment: Augment,
    /// Folds of a cross-validation; `None` for as many as are usual.
    pub folds: Option<usize>,
    /// Also learn from the images of each generator alone.
    pub made_alone: bool,
    /// What was timed by itself last.
    pub timed: Face<Pace>,
    /// What is being compared, or was last.
    pub running: Option<Choice>,
    /// Treatments that were taken off it while it runs, by name.
    pub left_out: BTreeSet<String>,
    /// The comparison that is shown; the newest where there is none of this number.
    pub shown: Option<RunId>,
    /// Name of the treatment that charts and table are of; the best where there is none of this name.
    pub treatment: Option<String>,
    /// In a narrow window the form takes the place of the results.
    pub form_open: bool,
    /// The chart that is saved where the name of the file ends with .svg or .png.
    pub chart: Chart,
    /// Where the table is saved, as typed.
    pub table: String,
    pub saved: Face<PathBuf>,
}

impl Default for EvaluateForm {
    fn default() -> Self {
        EvaluateForm {
            pane: Pane::default(),
            features: FeaturesForm::default(),
            looks: LooksView::default(),
            chosen: FIRST_CHOICE.into_iter().collect(),
            generators: BTreeSet::new(),
            generator_epochs: 50,
            sets_generator_epochs: false,
            typed: String::new(),
            folders: Vec::new(),
            folder_box: String::new(),
            seed: 0,
            seeds: 3,
            length: Length::Usual,
            steps: 1000,
            epochs: 20,
            network: None,
            augment: Augment::default(),
            folds: None,
            made_alone: false,
            timed: Face::Empty,
            running: None,
            left_out: BTreeSet::new(),
            shown: None,
            treatment: None,
            form_open: true,
            chart: Chart::default(),
            table: String::new(),
            saved: Face::Empty,
        }
    }
}

impl EvaluateForm {
    /// The form of a project that was just opened: with what was chosen last.
    pub fn of(settings: &Settings, comparisons: &[Arc<Kept>]) -> Self {
        let mut form = EvaluateForm { seed: settings.seed, ..Self::default() };
        if let Some(choice) = comparisons.iter().rev().find_map(|kept| kept.choice.as_ref()) {
            form.take(choice);
        }
        form.form_open = !comparisons.iter().any(|kept| kept.report.is_some());
        form
    }

    /// Puts the form of another project in the place of this one. Feature maps are counted on, because the window
    /// remembers how the points of each number were magnified.
    pub fn replace(&mut self, other: Self) {
        let number = self.features.number;
        *self = other;
        self.features.number = number;
    }

    /// What of these settings is other than a comparison had it, a sentence: going on takes those of today. `None`
    /// where nothing is.
    pub fn changed_since(choice: &Choice, settings: &Settings) -> Option<String> {
        let mut changed = Vec::new();
        if choice.fills() && choice.target != settings.target {
            changed.push(format!("the target of Plan ({} then, {} now)", choice.target, settings.target));
        }
        if choice.device != settings.device {
            changed.push(format!("the device ({} then, {} now)", choice.device, settings.device));
        }
        let changed = changed.join(" and ");
        (!changed.is_empty())
            .then(|| format!("Changed since: {changed}. What that changes is measured anew."))
    }

    /// Fills in what was chosen before.
    pub fn take(&mut self, choice: &Choice) {
        self.chosen.clear();
        self.generators.clear();
        let mut typed = Vec::new();
        for text in &choice.treatments {
            match text.parse::<Asked>() {
                Ok(Asked::Plain(treatment)) if treatment == Treatment::none() => {}
                Ok(Asked::Plain(treatment)) if treatment.to_string() == treatment.info().id => {
                    self.chosen.insert(treatment.info().id);
                }
                Ok(Asked::Made(treatment)) if treatment.to_string() == treatment.info().id => {
                    self.generators.insert(treatment.info().id);
                }
                _ => typed.push(text.clone()),
            }
        }
        self.typed = typed.join(", ");
        self.folders.iter_mut().for_each(|folder| folder.chosen = false);
        for NamedFolder { name, dir } in &choice.folders {
            match self.folders.iter_mut().find(|folder| folder.dir == *dir) {
                Some(folder) => (folder.chosen, folder.name) = (true, name.clone()),
                None => {
                    self.folders.push(FolderChoice { name: name.clone(), dir: dir.clone(), chosen: true })
                }
            }
        }
        (self.seed, self.seeds) = (choice.seed, choice.seeds.max(1));
        match choice.budget {
            Budget::Usual => self.length = Length::Usual,
            Budget::Steps(steps) => (self.length, self.steps) = (Length::Steps, steps),
            Budget::Epochs(epochs) => (self.length, self.epochs) = (Length::Epochs, epochs),
        }
        self.network.clone_from(&choice.network);
        self.augment = choice.augment;
        self.folds = choice.folds;
        self.made_alone = choice.made_alone;
        self.sets_generator_epochs = choice.generator_epochs.is_some();
        self.generator_epochs = choice.generator_epochs.unwrap_or(self.generator_epochs);
    }

    /// Lists exported folders that are not listed yet.
    pub fn offer(&mut self, exports: &[PathBuf]) {
        for dir in exports {
            if !self.folders.iter().any(|folder| folder.dir == *dir) {
                let name = self.free_name(dir);
                self.folders.push(FolderChoice { name, dir: dir.clone(), chosen: false });
            }
        }
    }

    /// Takes a folder in, chosen.
    pub fn add_folder(&mut self, dir: &Path) {
        self.offer(&[dir.to_path_buf()]);
        if let Some(folder) = self.folders.iter_mut().find(|folder| folder.dir == dir) {
            folder.chosen = true;
        }
    }

    /// A name for a folder that nothing else in a comparison has.
    fn free_name(&self, dir: &Path) -> String {
        let name = dir.file_name().map(|name| name.to_string_lossy().trim().to_owned());
        let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| "folder".to_owned());
        let taken = |name: &str| {
            name.parse::<Asked>().is_ok() || self.folders.iter().any(|folder| folder.name == name)
        };
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let found = std::iter::once(name.clone()).chain(numbered).find(|name| !taken(name));
        found.unwrap_or(name)
    }

    /// How long each training is.
    pub fn budget(&self) -> Budget {
        match self.length {
            Length::Usual => Budget::Usual,
            Length::Steps => Budget::Steps(self.steps),
            Length::Epochs => Budget::Epochs(self.epochs),
        }
    }

    /// The treatments that were typed, by their names.
    ///
    /// # Errors
    /// One of them is none, a sentence.
    pub fn typed_names(&self) -> Result<Vec<String>, String> {
        let mut names = Vec::new();
        for text in self.typed.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            let asked = text.parse::<Asked>().map_err(|error| format!("{error}."))?;
            if asked != Asked::Plain(Treatment::none()) {
                names.push(asked.to_string());
            }
        }
        Ok(names)
    }

    /// Which of the typed treatments correct for the shares of the classes twice on this plan, in sentences.
    pub fn overlaps(&self, plan: &Plan) -> Vec<String> {
        let counts: Vec<usize> = plan.classes.iter().map(|class| class.have).collect();
        let filled: Vec<usize> = plan.classes.iter().map(|class| class.target).collect();
        let texts = self.typed.split(',').filter_map(|text| text.trim().parse::<Asked>().ok());
        let overlap = |asked: Asked| match asked {
            Asked::Plain(treatment) => treatment.overlap(&counts),
            Asked::Made(made) => made.overlap(&filled),
        };
        texts.filter_map(overlap).map(|overlap| overlap.to_string()).collect()
    }

    /// What is chosen, on the device of these settings and up to their target.
    ///
    /// # Errors
    /// As [`EvaluateForm::typed_names`].
    pub fn choice(&self, settings: &Settings) -> Result<Choice, String> {
        let plain = Treatment::table().iter().map(|info| info.id).filter(|id| self.chosen.contains(id));
        let made = MadeTreatment::table().into_iter().map(|info| info.id);
        let made = made.filter(|id| self.generators.contains(id));
        let mut treatments: Vec<String> = plain.chain(made).map(str::to_owned).collect();
        treatments.extend(self.typed_names()?);
        let chosen = self.folders.iter().filter(|folder| folder.chosen);
        let mut choice = Choice {
            treatments,
            folders: chosen
                .map(|folder| NamedFolder { name: folder.name.clone(), dir: folder.dir.clone() })
                .collect(),
            seed: self.seed,
            seeds: self.seeds,
            budget: self.budget(),
            network: self.network.clone(),
            device: settings.device.clone(),
            target: Target::default(),
            generator_epochs: None,
            augment: self.augment,
            folds: self.folds,
            made_alone: false,
        };
        // What changes nothing is not asked for, so that it cannot be wrong.
        if choice.fills() {
            choice.target = settings.target.clone();
            choice.generator_epochs = self.sets_generator_epochs.then_some(self.generator_epochs);
            choice.made_alone = self.made_alone;
        }
        Ok(choice)
    }

    /// The treatment of a report that charts are of: the one that was chosen, else the best, else the only one.
    pub fn treatment_of<'a>(&self, report: &'a Report) -> Option<&'a TreatmentFigures> {
        let chosen = self.treatment.as_ref().and_then(|name| report.treatment(name));
        chosen.or_else(|| report.best()).or_else(|| report.plain())
    }

    /// The comparison that is shown, with its report.
    pub fn shown<'a>(&self, project: &'a ProjectState) -> Option<(&'a Kept, &'a Arc<Report>)> {
        let with_report = |kept: &'a Arc<Kept>| Some((&**kept, kept.report.as_ref()?));
        let mut all = project.comparisons.iter().rev();
        let chosen = self.shown.and_then(|run| all.clone().find(|kept| kept.run == run));
        chosen.and_then(with_report).or_else(|| all.find_map(with_report))
    }
}

impl ProjectState {
    /// Folds of the cross-validation that a comparison would be, the usual ones where none are asked for; `None` where
    /// there is a test part.
    pub fn folds(&self, asked: Option<usize>) -> Option<usize> {
        usual_folds(self.figures.test.iter().sum()).map(|usual| asked.unwrap_or(usual))
    }
}

impl State {
    /// What the time of a step of the chosen comparison depends on.
    pub fn workload(&self) -> Option<Workload> {
        let project = self.project.as_ref()?;
        Some(Workload {
            network: self.evaluate.network.clone(),
            device: project.settings.device.clone(),
            size: project.size().max(1),
            channels: project.figures.channels,
            images: project.figures.counts.iter().sum(),
        })
    }

    /// How long a step of the chosen comparison takes, where that was ever measured.
    fn pace(&self) -> Option<Pace> {
        let workload = self.workload()?;
        if let Some(pace) = self.evaluate.timed.full().filter(|pace| pace.workload == workload) {
            return Some(pace.clone());
        }
        let kept = self.project.as_ref()?.comparisons.iter().rev();
        kept.filter_map(|kept| Some((kept.started?, kept.report.as_ref()?))).find_map(|(started, report)| {
            let network = report.network.parse::<Preset>().ok()?;
            let step_seconds = report.step_seconds.filter(|_| report.workload == workload)?;
            Some(Pace { workload: workload.clone(), network, step_seconds, of: Some(started) })
        })
    }

    /// The network that would be trained; `None` where that depends on a device that is not known yet.
    fn network(&self, pace: Option<&Pace>) -> Option<Preset> {
        if let Some(network) = &self.evaluate.network {
            return network.parse().ok();
        }
        if let Some(pace) = pace {
            return Some(pace.network);
        }
        let kind = match self.project.as_ref()?.settings.device.as_str() {
            "gpu" => DeviceKind::Gpu,
            "auto" if self.devices.full()?.iter().any(|device| device.id == "gpu") => DeviceKind::Gpu,
            _ => DeviceKind::Cpu,
        };
        Some(usual_network(kind))
    }

    /// What the chosen comparison would take; `None` where the choice is not one.
    pub fn estimate(&self) -> Option<Estimate> {
        let project = self.project.as_ref()?;
        let choice = self.evaluate.choice(&project.settings).ok()?;
        let (pace, folds) = (self.pace(), project.folds(choice.folds));
        let images = learnt_from(project.figures.counts.iter().sum(), folds);
        let steps = match choice.budget {
            Budget::Steps(steps) => Some(steps.max(1)),
            budget => self.network(pace.as_ref()).map(|network| budget.steps(network, images)),
        };
        Some(Estimate {
            trainings: choice.trainings() * folds.unwrap_or(1),
            generators: self.generator_paces(&choice, folds),
            seeds: choice.seeds.max(1),
            folds,
            steps,
            pace,
        })
    }

    /// The generators of a choice, with how long each took in the newest comparison that measured the same work.
    fn generator_paces(&self, choice: &Choice, folds: Option<usize>) -> Vec<GeneratorPace> {
        let Some((project, workload)) = self.project.as_ref().zip(self.workload()) else { return Vec::new() };
        let load = GeneratorLoad::of(choice, workload, folds.is_some());
        let measured = |name: &str| {
            let kept = project.comparisons.iter().rev();
            kept.filter_map(|kept| Some((kept.started?, kept.report.as_ref()?)))
                .filter(|(_, report)| report.generator_load() == load)
                .find_map(|(started, report)| Some((started, report.generator_seconds(name)?)))
        };
        let pace = |name: String| {
            let (of, seconds) = measured(&name).unzip();
            GeneratorPace { name, seconds, of }
        };
        choice.generators().into_iter().map(pace).collect()
    }
}
