//! Everything the views read and the forms they edit.
//!
//! Views may edit what belongs to the window alone (selection, filters, text boxes, the form's settings);
//! what touches a disk, a job or the undo history leaves them as an [`super::command::Action`]. Knows no file
//! and no thread.

mod evaluate;
mod features;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

pub use evaluate::{Estimate, EvaluateForm, FolderChoice, GeneratorPace, Length, LooksView, Pace, Pane};
pub use features::{FeatureMap, FeaturesForm, MapImage, MapPoint, Step};

use super::command::Action;
use super::filter::{Facts, Filter, Measure};
use super::notify::Notifications;
use super::order::{Asked, CandidateOrder, CandidateRule, Change, IN_PLACE, ImageRule, Pending, Sorter};
use super::tiles::Tiles;
use super::widgets::status_bar::{capital, counted, number};
use crate::domain::classes::ClassId;
use crate::domain::decisions::{Decision, Verdict};
use crate::domain::imbalance::{Imbalance, Scheme};
use crate::domain::plan::{Plan, Target};
use crate::domain::samples::Dataset;
use crate::domain::splits::Split;
use crate::export::{ExportReport, FilePlan, Originals, Verification, WeightsFormat};
use crate::jobs::comparisons::Kept;
use crate::jobs::export::Undecided;
use crate::jobs::model::ModelFacts;
use crate::jobs::store::{patch, place_of};
use crate::jobs::{JobState, JobView};
use crate::oversampling::{self, ParamMap};
use crate::project::{CandidateRow, ClassQuality, Decided, Recent, Settings, files};

/// The rail, in the order of the work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Workspace {
    #[default]
    Data,
    Plan,
    Train,
    Review,
    Export,
    Evaluate,
}

impl Workspace {
    pub const ALL: [Workspace; 6] = [
        Workspace::Data,
        Workspace::Plan,
        Workspace::Train,
        Workspace::Review,
        Workspace::Export,
        Workspace::Evaluate,
    ];

    pub const fn text(self) -> &'static str {
        match self {
            Workspace::Data => "Data",
            Workspace::Plan => "Plan",
            Workspace::Train => "Train",
            Workspace::Review => "Review",
            Workspace::Export => "Export",
            Workspace::Evaluate => "Evaluate",
        }
    }
}

/// Light, dark or as the system has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThemeChoice {
    #[default]
    System,
    Light,
    Dark,
}

impl ThemeChoice {
    pub const ALL: [ThemeChoice; 3] = [ThemeChoice::System, ThemeChoice::Light, ThemeChoice::Dark];

    pub const fn text(self) -> &'static str {
        match self {
            ThemeChoice::System => "Follow the system",
            ThemeChoice::Light => "Light",
            ThemeChoice::Dark => "Dark",
        }
    }
}

/// The four faces of anything that has to be fetched or computed.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Face<T> {
    #[default]
    Empty,
    Loading,
    Full(T),
    /// A sentence with the remedy, the path last.
    Failed(String),
}

impl<T> Face<T> {
    pub const fn full(&self) -> Option<&T> {
        match self {
            Face::Full(value) => Some(value),
            _ => None,
        }
    }
}

/// What the window was asked to open. The open project itself is [`State::project`].
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Source {
    /// Nothing yet: the welcome view.
    #[default]
    Nothing,
    /// Being read; the numbers are in the [`JobKind::Scan`] job.
    Reading(PathBuf),
    /// Refused or unreadable.
    Failed { folder: PathBuf, message: String },
    /// [`State::project`] is there.
    Open,
}

/// Why a button is off while other work takes the whole machine.
pub const BUSY: &str = "A training, a making of candidates or maps, a feature map or a comparison runs; wait \
                        for it or stop it.";

/// Why a button that asks for a file is off while another one is asked for.
pub const DIALOG: &str = "A file dialog is open already.";

/// The jobs the window starts; at most one of a kind runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    Scan,
    Train,
    /// Reading a model file and comparing it with the project.
    Model,
    Generate,
    /// Computing what an export would write.
    FilePlan,
    Export,
    Verify,
    Devices,
    /// Training classifiers under treatments and comparing them.
    Evaluate,
    /// A few steps, to see how long one takes.
    TimeSteps,
    /// Writing a table, report or chart of a comparison.
    SaveTable,
    /// Writing a feature map.
    SaveFeatures,
    /// Writing maps of what classifiers look at.
    SaveMaps,
    /// Drawing the features of classifier g.
    Features,
    /// Making maps of what classifiers look at.
    Looks,
}

impl JobKind {
    /// Work that takes the whole machine, so that a window runs one of these at a time; each can be paused.
    pub const MAKING: [JobKind; 5] =
        [JobKind::Train, JobKind::Generate, JobKind::Evaluate, JobKind::Features, JobKind::Looks];

    /// For the status bar.
    pub const fn text(self) -> &'static str {
        match self {
            JobKind::Scan => "Reading the folder",
            JobKind::Train => "Training",
            JobKind::Model => "Reading the model",
            JobKind::Generate => "Making candidates",
            JobKind::FilePlan => "Planning the export",
            JobKind::Export => "Exporting",
            JobKind::Verify => "Verifying",
            JobKind::Devices => "Looking for devices",
            JobKind::Evaluate => "Comparing treatments",
            JobKind::TimeSteps => "Timing a few steps",
            JobKind::SaveTable => "Saving the comparison",
            JobKind::SaveFeatures => "Saving the feature map",
            JobKind::SaveMaps => "Saving the maps",
            JobKind::Features => "Drawing the feature map",
            JobKind::Looks => "Making maps",
        }
    }
}

/// The last job of a kind, running or over; its curves and notes stay until the next one starts.
#[derive(Clone, Debug)]
pub struct JobSlot {
    pub kind: JobKind,
    pub view: JobView,
}

/// What the store says about saving.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Saving {
    /// All that was done is committed.
    #[default]
    Saved,
    Saving,
    Failed(String),
}

/// A model that fits the project.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFile {
    pub path: PathBuf,
    /// Method id.
    pub method: String,
    /// What the file says of itself, as rows of a table.
    pub facts: Vec<(String, String)>,
    /// The prior's beta it was trained with, which generating takes too.
    pub beta: Option<f64>,
    /// Every parameter it was trained with.
    pub params: ParamMap,
    /// What to know where it was trained on other numbers of images than the training part has, a sentence.
    pub warning: Option<String>,
}

impl ModelFile {
    /// The facts of a model as rows.
    pub fn of(facts: ModelFacts) -> Self {
        let images: usize = facts.counts.iter().sum();
        let per_class: Vec<String> = facts.counts.iter().map(|&n| number(n)).collect();
        let colour = if facts.spec.channels == 1 { "grey" } else { "colour" };
        let mut rows = vec![
            ("Method".to_owned(), facts.method_name.to_owned()),
            ("Trained on".to_owned(), counted(images, "image", "images")),
            ("Per class".to_owned(), per_class.join(", ")),
            ("Size".to_owned(), format!("{} px, {colour}", facts.spec.size)),
            ("Networks".to_owned(), facts.networks.join(" and ")),
            ("Seed".to_owned(), facts.seed.to_string()),
        ];
        for name in ["beta", "gamma", "epochs"] {
            if let Some(value) = facts.params.get(name).filter(|value| !value.is_null()) {
                rows.push((capital(name), value.to_string()));
            }
        }
        let beta = facts.params.get("beta").and_then(serde_json::Value::as_f64);
        let warning = facts.warning.map(|phrase| format!("{}.", capital(&phrase)));
        ModelFile { path: facts.path, method: facts.method, facts: rows, beta, params: facts.params, warning }
    }
}

/// A device that training can run on.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceRow {
    /// For `--device`: auto, gpu, cpu, software.
    pub id: String,
    pub name: String,
    /// For example `GPU · Vulkan`.
    pub kind: String,
}

/// The open project, as the store last said it is, with figures computed once per change.
#[derive(Clone, Debug)]
pub struct ProjectState {
    pub name: String,
    /// The project folder.
    pub dir: PathBuf,
    /// Why nothing can be changed, where another window owns the project.
    pub read_only: Option<String>,
    /// Where the images were, when they are not there.
    pub source_missing: Option<PathBuf>,
    /// With edits (relabelled, excluded) applied.
    pub dataset: Arc<Dataset>,
    /// Edited in place by the forms, followed by [`Action::SettingsChanged`].
    pub settings: Settings,
    pub candidates: Arc<Vec<CandidateRow>>,
    /// What was measured of the classes of the same run, as far as they are made.
    pub quality: Arc<Vec<ClassQuality>>,
    /// Comparisons of treatments, the oldest first, also those that ended early.
    pub comparisons: Vec<Arc<Kept>>,
    /// Folders that were exported, the newest first, without those that are known to be gone.
    pub exports: Vec<PathBuf>,
    /// What undo would undo, a phrase; `None` where there is nothing.
    pub can_undo: Option<String>,
    pub can_redo: Option<String>,
    pub saving: Saving,
    /// The beta of the loaded model: what generating uses where the person set none.
    pub model_beta: Option<f64>,
    pub figures: Figures,
}

/// Figures of a project that many views show. Computed by [`ProjectState::refresh`].
#[derive(Clone, Debug)]
pub struct Figures {
    /// Counts of the training split.
    pub counts: Vec<usize>,
    pub plan: Plan,
    /// Of the training counts.
    pub before: Imbalance,
    /// Of the counts the export would have now: training images, accepted candidates.
    pub now: Imbalance,
    /// Of the targets.
    pub planned: Imbalance,
    /// Made images that the folder itself holds (it was exported by this program), part of the counts.
    pub known_made: Vec<usize>,
    /// Candidates accepted so far, per class.
    pub accepted: Vec<usize>,
    /// Candidates without a decision, over all classes.
    pub undecided: usize,
    /// The training size in pixels that the data suggest.
    pub suggested_size: u32,
    /// Training, validation, test.
    pub splits: [usize; 3],
    /// Distinct groups of training, validation, test; zero where none are known.
    pub groups: [usize; 3],
    pub excluded: usize,
    /// Images of each class in the test part.
    pub test: Vec<usize>,
    /// 1 where every image is grey, else 3.
    pub channels: u8,
}

impl Default for Figures {
    fn default() -> Self {
        let nothing = Imbalance::of(&[]);
        Figures {
            counts: Vec::new(),
            plan: Plan::default(),
            before: nothing.clone(),
            now: nothing.clone(),
            planned: nothing,
            known_made: Vec::new(),
            accepted: Vec::new(),
            undecided: 0,
            suggested_size: Dataset::default().default_size(),
            splits: [0; 3],
            groups: [0; 3],
            excluded: 0,
            test: Vec::new(),
            channels: 1,
        }
    }
}

impl ProjectState {
    /// Why it cannot be changed, a sentence.
    pub fn why_read_only(&self) -> Option<String> {
        self.read_only.as_ref().map(|why| format!("This project can be looked at only: {why}."))
    }

    /// A project as it was just opened.
    pub fn new(name: String, dir: PathBuf, dataset: Arc<Dataset>, settings: Settings) -> Self {
        let mut project = ProjectState {
            name,
            dir,
            read_only: None,
            source_missing: None,
            dataset,
            settings,
            candidates: Arc::default(),
            quality: Arc::default(),
            comparisons: Vec::new(),
            exports: Vec::new(),
            can_undo: None,
            can_redo: None,
            saving: Saving::Saved,
            model_beta: None,
            figures: Figures::default(),
        };
        project.refresh();
        project
    }

    /// The prior's beta of the chosen method; `None` where the method has no prior.
    pub fn beta(&self) -> Option<f64> {
        let method = oversampling::method(&self.settings.method)?;
        let beta = method.prior_beta(&self.settings.params).ok().flatten()?;
        let set = self.settings.params.contains_key("beta");
        Some(self.model_beta.filter(|_| !set).unwrap_or(beta))
    }

    /// Recomputes all figures; call it after the data set changed.
    pub fn refresh(&mut self) {
        let dataset = &self.dataset;
        let figures = &mut self.figures;
        figures.counts = dataset.training_counts();
        figures.before = Imbalance::of(&figures.counts);
        figures.known_made = vec![0; figures.counts.len()];
        figures.splits = [0; 3];
        let mut groups: [HashSet<&str>; 3] = Default::default();
        for (_, sample) in dataset.counted() {
            let split = split_position(sample.split);
            figures.splits[split] += 1;
            if sample.kind.is_made()
                && sample.split == Split::Train
                && let Some(slot) = figures.known_made.get_mut(sample.class)
            {
                *slot += 1;
            }
            if let Some(group) = &sample.group {
                groups[split].insert(group);
            }
        }
        figures.groups = groups.map(|g| g.len());
        figures.excluded = dataset.samples.iter().filter(|s| s.excluded).count();
        figures.suggested_size = dataset.default_size();
        figures.test = dataset.counts(Split::Test);
        figures.channels = dataset.channels();
        self.refresh_plan();
    }

    /// Recomputes what follows from the settings and the candidates; call it after the settings changed.
    pub fn refresh_plan(&mut self) {
        let (names, counts, beta) = (&self.dataset.classes, &self.figures.counts, self.beta());
        self.figures.plan = Plan::new(names, counts, &self.settings.target, beta)
            .or_else(|_| Plan::new(names, counts, &Target::Max, beta))
            .unwrap_or_default();
        let targets: Vec<usize> = self.figures.plan.classes.iter().map(|c| c.target).collect();
        self.figures.planned = Imbalance::of(&targets);
        self.refresh_candidates();
    }

    /// Recomputes what follows from the candidates; call it after the whole list changed.
    pub fn refresh_candidates(&mut self) {
        self.figures.accepted = vec![0; self.figures.counts.len()];
        self.figures.undecided = 0;
        let mut tally = Tally::new(&self.dataset.classes, &mut self.figures);
        for row in self.candidates.iter() {
            tally.add(&row.class, row.decision);
        }
        self.refresh_now();
    }

    /// Takes in decisions that are committed, with what follows from them; the positions of the candidates
    /// that they are about.
    pub fn decided(&mut self, decided: &[Decided]) -> Vec<usize> {
        let rows: &mut Vec<_> = Arc::make_mut(&mut self.candidates);
        let changed = patch(rows, decided);
        let mut tally = Tally::new(&self.dataset.classes, &mut self.figures);
        for &(position, before, now) in &changed {
            if let Some(row) = self.candidates.get(position) {
                tally.take(&row.class, before);
                tally.add(&row.class, now);
            }
        }
        self.refresh_now();
        changed.into_iter().map(|(position, ..)| position).collect()
    }

    /// Takes in candidates that were made, with what follows from them; their positions.
    pub fn added(&mut self, rows: &[CandidateRow]) -> Vec<usize> {
        let list = Arc::make_mut(&mut self.candidates);
        let first = list.len();
        list.extend_from_slice(rows);
        let mut tally = Tally::new(&self.dataset.classes, &mut self.figures);
        for row in rows {
            tally.add(&row.class, row.decision);
        }
        self.refresh_now();
        (first..self.candidates.len()).collect()
    }

    fn refresh_now(&mut self) {
        let figures = &mut self.figures;
        let now: Vec<usize> =
            figures.counts.iter().zip(&figures.accepted).map(|(have, made)| have + made).collect();
        figures.now = Imbalance::of(&now);
    }

    /// The image file of a candidate; `None` for a path that leaves the project folder.
    pub fn candidate_path(&self, row: &CandidateRow) -> Option<PathBuf> {
        files::is_inside(&row.file).then(|| self.dir.join(&row.file))
    }

    /// A file of the source folder; `None` for a path that leaves it.
    pub fn source_path(&self, relative: &str) -> Option<PathBuf> {
        files::is_inside(relative).then(|| self.dataset.root.join(relative))
    }

    /// Expected acceptance over all that is to be made, weighted by how many; `None` without a prior.
    pub fn expected_acceptance(&self) -> Option<f64> {
        let classes = self.figures.plan.classes.iter();
        let known = classes.filter_map(|c| c.expected_acceptance.map(|p| (p, c.make as f64)));
        let (sum, weight) = known.fold((0.0, 0.0), |(s, w), (p, make)| (s + p * make, w + make));
        (weight > 0.0).then(|| sum / weight)
    }

    /// Images still to make or accept before every class has its target.
    pub fn still_to_make(&self) -> usize {
        let made = self.figures.accepted.iter();
        self.figures.plan.classes.iter().zip(made).map(|(c, made)| c.make.saturating_sub(*made)).sum()
    }

    /// The training size in force: the person's choice or the one the data suggests.
    pub fn size(&self) -> u32 {
        self.settings.size.unwrap_or(self.figures.suggested_size)
    }
}

/// Counts decisions in and out of [`Figures`].
struct Tally<'a> {
    names: &'a [String],
    class_of: HashMap<&'a str, usize>,
    /// Candidates of a class mostly follow each other.
    last: usize,
    figures: &'a mut Figures,
}

impl<'a> Tally<'a> {
    fn new(names: &'a [String], figures: &'a mut Figures) -> Self {
        let class_of = names.iter().enumerate().map(|(class, name)| (name.as_str(), class)).collect();
        Tally { names, class_of, last: 0, figures }
    }

    fn add(&mut self, class: &str, decision: Decision) {
        match decision {
            Decision::Accepted => self.accepted(class, |count| count + 1),
            Decision::Undecided => self.figures.undecided += 1,
            Decision::Rejected => {}
        }
    }

    fn take(&mut self, class: &str, decision: Decision) {
        match decision {
            Decision::Accepted => self.accepted(class, |count| count.saturating_sub(1)),
            Decision::Undecided => self.figures.undecided = self.figures.undecided.saturating_sub(1),
            Decision::Rejected => {}
        }
    }

    /// Candidates of a class that the data set does not have are counted nowhere.
    fn accepted(&mut self, class: &str, change: impl Fn(usize) -> usize) {
        if self.names.get(self.last).is_none_or(|name| name != class) {
            let Some(&found) = self.class_of.get(class) else { return };
            self.last = found;
        }
        if let Some(count) = self.figures.accepted.get_mut(self.last) {
            *count = change(*count);
        }
    }
}

/// Place of a split in [`Split::ALL`].
pub const fn split_position(split: Split) -> usize {
    match split {
        Split::Train => 0,
        Split::Validation => 1,
        Split::Test => 2,
    }
}

/// The gallery of the Data workspace.
#[derive(Clone, Debug)]
pub struct DataView {
    pub split: Option<Split>,
    pub show_excluded: bool,
    /// Text that the file's path must contain, in lower case.
    pub find: String,
    /// Tiles known by their position in `dataset.samples`; for their order see [`DataView::refresh`].
    pub tiles: Tiles<usize>,
    /// Images up to which an order is made at once; more wait for a job, see [`DataView::begin`].
    pub at_once: usize,
    /// Shares in the text box of the split proposal.
    pub shares: String,
    /// The proposal to cut splits was put away.
    pub splits_later: bool,
    /// What the order is made by, or will be; `None` where it has to be made anew.
    rule: Option<ImageRule>,
    /// Images of the data set that the order was made of.
    images: usize,
    pending: Pending<ImageRule>,
}

impl Default for DataView {
    fn default() -> Self {
        DataView {
            split: None,
            show_excluded: true,
            find: String::new(),
            tiles: Tiles::new(104.0),
            at_once: usize::MAX,
            shares: "70/15/15".to_owned(),
            splits_later: false,
            rule: None,
            images: 0,
            pending: Pending::default(),
        }
    }
}

impl DataView {
    /// A new view that keeps what belongs to the window.
    pub fn anew(&self) -> Self {
        DataView { tiles: Tiles::new(self.tiles.side), at_once: self.at_once, ..Self::default() }
    }

    /// The data set changed: the next [`DataView::refresh`] makes the order again.
    pub fn invalidate(&mut self) {
        self.rule = None;
        self.pending.forget();
    }

    /// Makes the order again where the filter changed; cheap otherwise. With more than [`DataView::at_once`]
    /// images it is only asked for, and the old one stays.
    pub fn refresh(&mut self, dataset: &Dataset, class: Option<ClassId>) {
        let rule = ImageRule {
            class,
            split: self.split,
            excluded: self.show_excluded,
            find: self.find.to_lowercase(),
        };
        if self.rule.as_ref() == Some(&rule) {
            return;
        }
        if dataset.samples.len() > self.at_once {
            if self.images != dataset.samples.len() {
                // Its positions mean other images now.
                self.tiles.order = Arc::default();
            }
            self.pending.ask(rule.clone());
        } else {
            self.pending.forget();
            self.show(rule.make(dataset), dataset);
        }
        self.rule = Some(rule);
    }

    /// The order that a job should make of the data set as it is now, for [`DataView::take`].
    pub fn begin(&mut self) -> Option<Asked<ImageRule>> {
        self.pending.begin()
    }

    /// Takes in the order with this number, unless another one was asked for since.
    pub fn take(&mut self, number: u64, order: Vec<usize>, dataset: &Dataset) {
        if self.pending.arrived(number) {
            self.show(order, dataset);
        }
    }

    /// No job can make an order: from now on they are made at once.
    pub fn make_at_once(&mut self) {
        self.at_once = usize::MAX;
        self.invalidate();
    }

    /// Another order is on its way.
    pub fn is_waiting(&self) -> bool {
        self.pending.is_waiting()
    }

    fn show(&mut self, order: Vec<usize>, dataset: &Dataset) {
        let tiles = &mut self.tiles;
        tiles.order = Arc::new(order);
        let len = dataset.samples.len();
        tiles.selected.retain(|&index| index < len);
        tiles.cursor = tiles.cursor.filter(|&index| index < len);
        tiles.anchor = tiles.anchor.filter(|&index| index < len);
        self.images = len;
    }
}

/// The form of the Plan workspace that is not part of the settings.
#[derive(Clone, Debug)]
pub struct PlanView {
    /// Acceptance wished at the largest gap, in \[0.5, 0.99\].
    pub wished: f64,
    /// Numbers of the target forms, kept while another one is chosen.
    pub count: usize,
    pub ratio: f64,
    /// Class weights to save, and what their file is for.
    pub scheme: Scheme,
    pub format: WeightsFormat,
    /// Path of their file as typed.
    pub weights_box: String,
}

impl Default for PlanView {
    fn default() -> Self {
        PlanView {
            wished: 0.7,
            count: 500,
            ratio: 1.5,
            scheme: Scheme::Balanced,
            format: WeightsFormat::default(),
            weights_box: String::new(),
        }
    }
}

/// The Train workspace beside the settings.
#[derive(Clone, Debug, Default)]
pub struct TrainView {
    /// The model that Generate uses.
    pub model: Face<ModelFile>,
    /// Text boxes of the form that hold something the parameter does not take yet, by parameter name.
    pub texts: BTreeMap<String, String>,
    /// Parameters that are rarely changed are shown.
    pub all_params: bool,
    /// A checkpoint of an unfinished training of the chosen method, to resume from.
    pub checkpoint: Option<PathBuf>,
    /// Those of all methods, as last looked for.
    pub checkpoints: Vec<PathBuf>,
    /// Path of a model as typed.
    pub model_box: String,
    /// The feature weights as last asked for: being read, or why they cannot be used. What is in use is among the
    /// settings.
    pub features: Face<()>,
    /// Their path as typed.
    pub features_box: String,
}

/// The Review workspace.
#[derive(Clone, Debug)]
pub struct ReviewView {
    /// Quick filters beside the text.
    pub verdict: Option<Verdict>,
    pub decision: Option<Decision>,
    /// The filter as typed; the last one that parsed stays in force.
    pub filter: String,
    /// What is wrong with the filter as typed.
    pub filter_error: Option<String>,
    pub sort: Measure,
    pub descending: bool,
    /// Hides probabilities, parts and verdicts until a decision is taken.
    pub blind: bool,
    /// Probability and parts on the tiles.
    pub overlay: bool,
    /// Tiles known by candidate id, their order by position in `project.candidates`; see
    /// [`ReviewView::refresh`].
    pub tiles: Tiles<i64>,
    /// Candidates up to which an order is made at once; more wait for a job, see [`ReviewView::begin`].
    pub at_once: usize,
    /// The large view fills the workspace.
    pub large: bool,
    /// Magnification of the pictures in the large view, 1 = fitted; shared by seed, candidate, difference.
    pub zoom: f32,
    /// Shift of the pictures in the large view, in parts of their side; shared.
    pub pan: [f32; 2],
    /// Amplification of the difference picture.
    pub gain: u32,
    parsed: Filter,
    /// What the order is made from, or will be; `None` where it has to be made anew.
    key: Option<ReviewKey>,
    /// What the order that is shown was made by.
    sorter: Option<Sorter>,
    pending: Pending<CandidateRule>,
    /// Positions of candidates that changed since a job took the list.
    since: Vec<usize>,
}

/// What the order of [`ReviewView::tiles`] is made from beside the candidates: class, quick filters, text,
/// sort, descending, blind.
type ReviewKey = (Option<ClassId>, Option<Verdict>, Option<Decision>, String, Measure, bool, bool);

impl Default for ReviewView {
    fn default() -> Self {
        ReviewView {
            verdict: None,
            decision: None,
            filter: String::new(),
            filter_error: None,
            sort: Measure::Slot,
            descending: false,
            blind: false,
            overlay: true,
            tiles: Tiles::new(112.0),
            at_once: usize::MAX,
            large: false,
            zoom: 1.0,
            pan: [0.0, 0.0],
            gain: 8,
            parsed: Filter::default(),
            key: None,
            sorter: None,
            pending: Pending::default(),
            since: Vec::new(),
        }
    }
}

impl ReviewView {
    /// A new view that keeps what belongs to the window.
    pub fn anew(&self) -> Self {
        ReviewView { tiles: Tiles::new(self.tiles.side), at_once: self.at_once, ..Self::default() }
    }

    /// The candidates changed as a whole, and their positions did not: the next [`ReviewView::refresh`] makes
    /// the order again. Single ones: [`ReviewView::decided`], [`ReviewView::added`]. Another list:
    /// [`ReviewView::clear`].
    pub fn invalidate(&mut self) {
        self.key = None;
        self.pending.forget();
        self.since.clear();
    }

    /// Another list of candidates begins.
    pub fn clear(&mut self) {
        self.invalidate();
        self.sorter = None;
        self.tiles.order = Arc::default();
        self.tiles.selected.clear();
        self.tiles.cursor = None;
    }

    /// Makes the order again where filter or sort changed; cheap otherwise. With more than
    /// [`ReviewView::at_once`] candidates it is only asked for, and the old one stays.
    ///
    /// Where the candidate under the cursor left the order (it was decided and the filter is on decisions),
    /// the cursor goes to the one that took its place. In blind mode, filters and sorts that would tell what
    /// the method thinks are not applied.
    pub fn refresh(&mut self, candidates: &[CandidateRow], classes: &[String], class: Option<ClassId>) {
        let key =
            (class, self.verdict, self.decision, self.filter.clone(), self.sort, self.descending, self.blind);
        if self.key.as_ref() == Some(&key) {
            return;
        }
        match Filter::parse(&self.filter) {
            Ok(filter) => {
                self.parsed = filter;
                self.filter_error = None;
            }
            Err(error) => self.filter_error = Some(error.to_string()),
        }
        let blind = self.blind;
        let hidden = blind && self.parsed.asks_judgement();
        let rule = CandidateRule {
            class: class.and_then(|c| classes.get(c)).cloned(),
            verdict: self.verdict.filter(|_| !blind),
            decision: self.decision,
            filter: if hidden { Filter::default() } else { self.parsed.clone() },
            sort: if blind && self.sort.is_judgement() { Measure::Slot } else { self.sort },
            descending: self.descending,
            classes: classes.to_vec(),
        };
        self.key = Some(key);
        if candidates.len() > self.at_once {
            self.pending.ask(rule);
        } else {
            self.pending.forget();
            self.since.clear();
            self.show(rule.make(candidates), candidates);
        }
    }

    /// The order that a job should make of the candidates as they are now, for [`ReviewView::take`].
    pub fn begin(&mut self) -> Option<Asked<CandidateRule>> {
        let asked = self.pending.begin()?;
        self.since.clear();
        Some(asked)
    }

    /// Takes in the order with this number, unless another one was asked for since. Candidates that changed
    /// while it was made are put where they belong.
    pub fn take(&mut self, number: u64, mut order: CandidateOrder, candidates: &[CandidateRow]) {
        if !self.pending.arrived(number) {
            return;
        }
        let since = std::mem::take(&mut self.since);
        match order.sorter.change(&order.positions, candidates, &since) {
            Change::Nothing => {}
            Change::Order(positions) => order.positions = positions,
            Change::Anew => self.key = None,
        }
        self.show(order, candidates);
    }

    /// No job can make an order: from now on they are made at once.
    pub fn make_at_once(&mut self) {
        self.at_once = usize::MAX;
        self.invalidate();
    }

    /// Another order is on its way.
    pub fn is_waiting(&self) -> bool {
        self.pending.is_waiting()
    }

    /// Brings the order up to date after the decisions on these candidates, by position, changed.
    pub fn decided(&mut self, candidates: &[CandidateRow], changed: &[usize]) {
        let asked = self.decision.is_some() || self.parsed.asks_decision();
        if asked || self.sorter.as_ref().is_some_and(Sorter::asks_decision) {
            self.changed(candidates, changed);
        }
    }

    /// Brings the order up to date after these candidates, by position, were made.
    pub fn added(&mut self, candidates: &[CandidateRow], added: &[usize]) {
        self.changed(candidates, added);
    }

    fn changed(&mut self, candidates: &[CandidateRow], changed: &[usize]) {
        if self.key.is_none() {
            // It is made anew in any case.
            return;
        }
        if self.pending.is_waiting() {
            self.since.extend_from_slice(changed);
        }
        if changed.len().max(self.since.len()) > IN_PLACE {
            return self.invalidate();
        }
        let Some(sorter) = &self.sorter else { return };
        let positions = match sorter.change(&self.tiles.order, candidates, changed) {
            Change::Nothing => return,
            Change::Anew => return self.invalidate(),
            Change::Order(positions) => positions,
        };
        let place = self.cursor_place(candidates);
        self.tiles.order = Arc::new(positions);
        for row in changed.iter().filter_map(|&position| candidates.get(position)) {
            if !sorter.rule().shows(row) {
                self.tiles.selected.remove(&row.id);
            }
        }
        keep_cursor(&mut self.tiles, sorter, place, candidates);
    }

    fn show(&mut self, order: CandidateOrder, candidates: &[CandidateRow]) {
        let place = self.cursor_place(candidates);
        let CandidateOrder { sorter, positions } = order;
        self.tiles.order = Arc::new(positions);
        self.tiles.selected.retain(|&id| sorter.has(candidates, id));
        keep_cursor(&mut self.tiles, &sorter, place, candidates);
        self.sorter = Some(sorter);
    }

    /// Place of the cursor in the order.
    pub fn cursor_place(&self, candidates: &[CandidateRow]) -> Option<usize> {
        self.tiles.place_of(place_of(candidates, self.tiles.cursor?)?)
    }
}

/// The cursor stays on its candidate; where that is not shown any more, it goes to the one in its `place`.
fn keep_cursor(tiles: &mut Tiles<i64>, sorter: &Sorter, place: Option<usize>, candidates: &[CandidateRow]) {
    if tiles.cursor.is_some_and(|id| sorter.has(candidates, id)) {
        return;
    }
    let next = place.unwrap_or(0).min(tiles.order.len().saturating_sub(1));
    tiles.cursor = tiles.order.get(next).and_then(|&position| id_at(candidates, position));
}

/// Id of the candidate at a position of the list.
pub fn id_at(candidates: &[CandidateRow], position: usize) -> Option<i64> {
    candidates.get(position).map(|row| row.id)
}

/// What the filter may ask of a candidate.
pub fn facts(row: &CandidateRow) -> Facts<'_> {
    Facts {
        class: &row.class,
        seed_class: row.seed_class.as_deref(),
        seed_file: row.seed_file.as_deref(),
        parts: &row.parts,
        verdict: row.verdict,
        decision: row.decision,
        distance: row.nearest_distance,
        score: row.own_score.as_ref().map(|(_, score)| *score),
        slot: row.slot,
    }
}

/// The Export workspace.
#[derive(Clone, Debug)]
pub struct ExportForm {
    /// The new folder, as typed.
    pub folder: String,
    pub originals: Originals,
    pub undecided: Undecided,
    /// What would be written; recomputed with [`Action::PlanExport`]. Empty where it no longer holds: a plan
    /// that arrives then is not taken.
    pub plan: Face<Arc<FilePlan>>,
    /// Bytes that were free at the folder when the plan was made; `None` where the system does not say.
    pub free: Option<u64>,
    pub report: Face<Arc<ExportReport>>,
    /// Any exported folder can be verified.
    pub verify_folder: String,
    pub verification: Face<Arc<Verification>>,
}

impl Default for ExportForm {
    fn default() -> Self {
        ExportForm {
            folder: String::new(),
            originals: Originals::Keep,
            undecided: Undecided::Refuse,
            plan: Face::Empty,
            free: None,
            report: Face::Empty,
            verify_folder: String::new(),
            verification: Face::Empty,
        }
    }
}

/// What lies over the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sheet {
    Palette,
    Keys,
    Log,
    Settings,
    /// Unreadable files and notes of the scan.
    Files,
    /// A path box for another folder.
    OpenPath,
}

/// A question before something that cannot be taken back with one key.
#[derive(Clone, Debug)]
pub struct Confirm {
    pub title: String,
    pub text: String,
    /// The button that does it.
    pub yes: String,
    pub action: Action,
}

/// Everything the window shows.
#[derive(Default)]
pub struct State {
    pub workspace: Workspace,
    pub theme: ThemeChoice,
    /// Scale of the whole window, 1.0 to 2.0.
    pub zoom: f32,
    /// The histogram's scale.
    pub log_scale: bool,
    /// The class that the histogram filters by.
    pub class_filter: Option<ClassId>,
    pub source: Source,
    /// What was last asked to be opened, to try it again; the example is no path.
    pub asked: Option<Action>,
    /// Path box of the welcome view and of the sheet that opens a path.
    pub folder_box: String,
    pub recent: Vec<Recent>,
    pub project: Option<ProjectState>,
    pub data: DataView,
    pub plan: PlanView,
    pub train: TrainView,
    pub review: ReviewView,
    pub export: ExportForm,
    pub evaluate: EvaluateForm,
    pub jobs: Vec<JobSlot>,
    pub devices: Face<Vec<DeviceRow>>,
    pub notifications: Notifications,
    pub sheet: Option<Sheet>,
    pub confirm: Option<Confirm>,
    /// Text and selected row of the palette.
    pub palette_text: String,
    pub palette_row: usize,
    /// A dialog of the system is open; a second one is not started.
    pub dialog_open: bool,
    /// Why the system's file dialogs do not work here, once that is known.
    pub no_dialogs: Option<String>,
    /// Files are being dragged over the window.
    pub drop_hover: bool,
}

impl State {
    pub fn new() -> Self {
        State { zoom: 1.0, ..State::default() }
    }

    /// Takes in decisions that are committed: candidates, figures and the order of Review change in place.
    pub fn decided(&mut self, decided: &[Decided]) {
        if let Some(project) = &mut self.project {
            let changed = project.decided(decided);
            self.review.decided(&project.candidates, &changed);
        }
    }

    /// Takes in candidates that were made, in the same way.
    pub fn added(&mut self, rows: &[CandidateRow]) {
        if let Some(project) = &mut self.project {
            let added = project.added(rows);
            self.review.added(&project.candidates, &added);
        }
    }

    /// Brings the orders of all workspaces up to date, so that one that is opened shows what it has at once.
    /// Cheap where nothing changed.
    pub fn put_in_order(&mut self) {
        if let Some(project) = &self.project {
            self.data.refresh(&project.dataset, self.class_filter);
            self.review.refresh(&project.candidates, &project.dataset.classes, self.class_filter);
        }
    }

    /// The last job of a kind, running or over.
    pub fn job(&self, kind: JobKind) -> Option<&JobView> {
        self.jobs.iter().find(|slot| slot.kind == kind).map(|slot| &slot.view)
    }

    /// The job of a kind, where it is not over.
    pub fn running(&self, kind: JobKind) -> Option<&JobView> {
        self.job(kind).filter(|view| !view.state.is_over())
    }

    /// The job the status bar speaks of: the running one that matters most.
    pub fn current_job(&self) -> Option<(JobKind, &JobView)> {
        let order = [
            JobKind::Train,
            JobKind::Generate,
            JobKind::Evaluate,
            JobKind::Features,
            JobKind::Looks,
            JobKind::Export,
            JobKind::Verify,
            JobKind::Scan,
            JobKind::TimeSteps,
            JobKind::FilePlan,
            JobKind::Model,
        ];
        order.into_iter().find_map(|kind| self.running(kind).map(|view| (kind, view)))
    }

    /// The long work that runs, where there is any: one of [`JobKind::MAKING`].
    pub fn making(&self) -> Option<JobKind> {
        JobKind::MAKING.into_iter().find(|kind| self.running(*kind).is_some())
    }

    /// Why no long work on the open project can be started, a sentence; `None` where it can.
    pub fn why_not_make(&self) -> Option<String> {
        self.why_read_only().or_else(|| self.making().map(|_| BUSY.to_owned()))
    }

    /// Why nothing of the open project can be changed, a sentence; `None` where it can, and without a project.
    pub fn why_read_only(&self) -> Option<String> {
        self.project.as_ref()?.why_read_only()
    }

    /// Work runs that closing the window would break off.
    pub fn is_busy(&self) -> bool {
        self.making().is_some() || self.running(JobKind::Export).is_some()
    }

    /// Why a kind of job failed, where its last one did.
    pub fn failure(&self, kind: JobKind) -> Option<&str> {
        match self.job(kind).map(|view| &view.state) {
            Some(JobState::Failed(message)) => Some(message),
            _ => None,
        }
    }

    /// The project can be changed: it is open and this window owns it.
    pub fn can_edit(&self) -> bool {
        self.project.as_ref().is_some_and(|p| p.read_only.is_none())
    }
}
