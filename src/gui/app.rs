//! The app: the one place where actions are carried out, jobs are started, and what jobs, store and dialogs
//! tell is taken in.
//!
//! Each frame first takes in ([`App::take_in`]), then paints the views, then carries out what they asked for.
//! Nothing here waits: files, hashes and the orders of long lists are on job threads, the project is on the
//! store's thread.

mod act;
mod evaluate;
mod features;
mod looks;
mod project;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use egui::{CentralPanel, Context, Event, Frame, Id, Margin, Panel, Stroke, Ui, ViewportCommand};
use serde::{Deserialize, Serialize};

use super::command::{Action, Command, hold_after_moves, take_shortcuts};
use super::dialogs::{Answer, Ask, Dialogs, NO_DIALOGS};
use super::order::CandidateOrder;
use super::pace::Pace;
use super::regions::{self, Region, Way};
use super::state::{
    Confirm, DeviceRow, Face, FeatureMap, JobKind, JobSlot, ModelFile, ProjectState, Saving, Sheet, Source,
    State, ThemeChoice, Workspace,
};
use super::textures::Textures;
use super::views::evaluate::{COMPARED_BOX, MAP_BOX, MAPS_BOX, TABLE_BOX};
use super::views::export::FOLDER_BOX;
use super::views::plan::{WEIGHTS_BOX, weights_beta};
use super::views::train::{FEATURES_BOX, MODEL_BOX};
use super::views::welcome::typed_path;
use super::widgets::status_bar::{capital, counted, number};
use super::{shell, theme, views, widgets};
use crate::domain::samples::Dataset;
use crate::domain::splits;
use crate::domain::task::{Ctx, Level};
use crate::export::{ClassWeights, ExportReport, Verification};
use crate::imaging::files::write_atomic;
use crate::imaging::scan::Reading;
use crate::imaging::training_set::Spec;
use crate::jobs::comparisons::{Report, Workload};
use crate::jobs::devices::{DeviceInfo, DeviceKind};
use crate::jobs::evaluate::{LeftOut, Timed};
use crate::jobs::export::{ExportJob, ExportPreview};
use crate::jobs::generate::{GenerateOutcome, GenerateRequest};
use crate::jobs::saliency::{Maps, TestImages};
use crate::jobs::store::{Opened, StoreCommand, StoreHandle};
use crate::jobs::train::{TrainOutcome, TrainRequest};
use crate::jobs::training_data::TrainingData;
use crate::jobs::{self, Job, JobError, JobState, JobView};
use crate::oversampling;
use crate::project::{Project, Recent, RunId, default_place, recent};

/// Settings of forms are saved when they have rested this long.
const SETTLED: Duration = Duration::from_millis(300);
/// How often the window looks at a running job, for times; its events wake the window by themselves.
const GLANCE: Duration = Duration::from_millis(500);
/// Images or candidates that are put in order at once, within a small part of a frame; a job orders more.
const AT_ONCE: usize = 4096;

/// What becomes of work that is broken off, for the questions before that.
const BROKEN_OFF: &str = "A training can be resumed from its last checkpoint, and a comparison goes on with \
                          what was not measured; a feature map, and maps of where classifiers look, have to \
                          be made again. Decisions and candidates are saved.";

/// How a window begins.
#[derive(Clone, Debug, Default)]
pub struct AppOptions {
    /// Another place than the user's data folder: for tests.
    pub data_dir: Option<PathBuf>,
    /// A folder, CSV or project to open first.
    pub start: Option<PathBuf>,
    /// Overrides the theme that was chosen last.
    pub theme: Option<ThemeChoice>,
}

/// What a window keeps for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    theme: ThemeChoice,
    zoom: f32,
    log_scale: bool,
}

impl Default for Kept {
    fn default() -> Self {
        Kept { theme: ThemeChoice::default(), zoom: 1.0, log_scale: false }
    }
}

/// File of [`Kept`] in the data folder.
const KEPT: &str = "window.json";

/// What a place turned out to be.
enum Place {
    Project(PathBuf),
    Folder { dataset: Dataset, project: PathBuf, name: String },
}

/// What opening a place gave.
struct Opening {
    place: Place,
    /// The bundled model, with the bundled images.
    model: Option<PathBuf>,
}

/// What lies in the project folder beside the store.
struct Found {
    /// Of unfinished trainings, whatever their method.
    checkpoints: Vec<PathBuf>,
    /// The model that was in use, where it is still there.
    used: Option<PathBuf>,
    /// The newest model.
    newest: Option<PathBuf>,
    /// Exported folders that are gone.
    gone: Vec<PathBuf>,
}

/// How a job ended.
enum Done {
    Opening(Result<Opening, JobError>),
    ReadAgain(Result<Dataset, JobError>),
    Cut(Result<Dataset, JobError>),
    Found(Result<Found, JobError>),
    Start(Result<(Vec<Recent>, Kept), JobError>),
    Recent(Result<Vec<Recent>, JobError>),
    Trained(Result<TrainOutcome, JobError>),
    Model(Result<ModelFile, JobError>),
    /// A model nobody asked for: it changes no settings.
    FoundModel(Result<ModelFile, JobError>),
    Generated(Result<GenerateOutcome, JobError>),
    Planned(Result<ExportPreview, JobError>),
    Exported(Result<ExportReport, JobError>),
    Verified(Result<Verification, JobError>),
    Compared(Result<Box<Report>, JobError>),
    Timed(Result<(Workload, Timed), JobError>),
    TableSaved(Result<PathBuf, JobError>),
    WeightsSaved(Result<PathBuf, JobError>),
    /// A weights file of MobileNet that was read.
    FeaturesRead(Result<PathBuf, JobError>),
    Drawn(Result<Box<FeatureMap>, JobError>),
    FeaturesSaved(Result<PathBuf, JobError>),
    MapsSaved(Result<PathBuf, JobError>),
    /// Test images of a comparison, by its number.
    TestImages(Result<(RunId, TestImages), JobError>),
    /// Maps of a comparison, by its number.
    Maps(Result<(RunId, Box<Maps>), JobError>),
    Devices(Result<Vec<DeviceInfo>, JobError>),
    /// An order of the images in Data, with its number.
    Images(Result<(u64, Vec<usize>), JobError>),
    /// An order of the candidates in Review, with its number.
    Candidates(Result<(u64, CandidateOrder), JobError>),
    Nothing,
}

/// A job of any result.
trait AnyJob {
    fn view(&self) -> JobView;
    fn cancel(&self);
    fn pause(&self, paused: bool);
    fn stop_and_keep(&self);
    fn take(&self) -> Option<Done>;
}

struct Typed<T> {
    job: Job<T>,
    done: fn(Result<T, JobError>) -> Done,
}

impl<T: Send + 'static> AnyJob for Typed<T> {
    fn view(&self) -> JobView {
        self.job.view()
    }

    fn cancel(&self) {
        self.job.cancel();
    }

    fn pause(&self, paused: bool) {
        self.job.pause(paused);
    }

    fn stop_and_keep(&self) {
        self.job.stop_and_keep();
    }

    fn take(&self) -> Option<Done> {
        self.job.take().map(self.done)
    }
}

struct Running {
    /// `None` for small work that nobody has to see.
    kind: Option<JobKind>,
    /// Its result belongs to the open project and to no other.
    of_project: bool,
    job: Box<dyn AnyJob>,
}

/// The window's app.
pub struct App {
    ctx: Context,
    /// What is shown.
    pub state: State,
    textures: Textures,
    dialogs: Dialogs,
    /// Wakes the window at once.
    wake: Arc<dyn Fn() + Send + Sync>,
    pace: Arc<Pace>,
    data_dir: Option<PathBuf>,
    running: Vec<Running>,
    store: Option<StoreHandle>,
    /// The last store on its way out; the next opening waits for it, on its own thread.
    closing: Option<JoinHandle<()>>,
    /// The project as it was opened, until its data set is there.
    opened: Option<Box<Opened>>,
    /// A data set that was read before its project was opened.
    pending: Option<Dataset>,
    /// The model that came with what is being opened.
    pending_model: Option<PathBuf>,
    /// Number of the last command to the store.
    sent: u64,
    settings_changed: Option<Instant>,
    /// What is taken off the comparison that runs.
    left_out: LeftOut,
    /// Work that waits until all is committed.
    wants_plan: bool,
    wants_export: bool,
    /// Presses that wait for the next frame, see [`hold_after_moves`].
    held: Vec<Event>,
    /// The keyboard is to go to another region, see [`App::change_region`].
    region_wanted: Option<Way>,
    kept: Kept,
    quitting: bool,
}

impl App {
    /// An app on an egui context; what it needs of the data folder is read in the background.
    pub fn new(ctx: &Context, options: AppOptions) -> Self {
        theme::install(ctx);
        let waker = ctx.clone();
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(move || waker.request_repaint());
        let waker = ctx.clone();
        let pace = Arc::new(Pace::new(move |delay| waker.request_repaint_after(delay)));
        let mut app = App {
            ctx: ctx.clone(),
            state: State::new(),
            textures: Textures::new(ctx),
            dialogs: Dialogs::new(wake.clone()),
            wake,
            pace,
            data_dir: options.data_dir,
            running: Vec::new(),
            store: None,
            closing: None,
            opened: None,
            pending: None,
            pending_model: None,
            sent: 0,
            settings_changed: None,
            left_out: LeftOut::default(),
            wants_plan: false,
            wants_export: false,
            held: Vec::new(),
            region_wanted: None,
            kept: Kept::default(),
            quitting: false,
        };
        app.state.data.at_once = AT_ONCE;
        app.state.review.at_once = AT_ONCE;
        if let Some(choice) = options.theme {
            app.state.theme = choice;
            theme::choose(ctx, choice);
        }
        let (given, dir) = (options.theme, app.data_dir.clone());
        app.start(None, "start", Done::Start, move |_| {
            let dir = data_dir(dir.as_deref())?;
            let text = std::fs::read_to_string(dir.join(KEPT)).unwrap_or_default();
            let mut kept: Kept = serde_json::from_str(&text).unwrap_or_default();
            kept.theme = given.unwrap_or(kept.theme);
            Ok((recent::load_from(&dir), kept))
        });
        if let Some(place) = options.start {
            app.open(place);
        }
        app
    }

    /// True where nothing is going on: no job, no waiting picture, all committed.
    pub fn is_idle(&self) -> bool {
        let saved = self.state.project.as_ref().is_none_or(|p| p.saving == Saving::Saved);
        self.running.is_empty()
            && self.textures.is_idle()
            && saved
            && self.settings_changed.is_none()
            && !matches!(self.state.source, Source::Reading(_))
    }

    /// Starts a job. One with a kind belongs to the open project, but for the look at devices. Work that makes
    /// something is only asked for where [`App::is_making`] and the like allow it: it is never cut short by
    /// another of its kind.
    fn start<T: Send + 'static>(
        &mut self,
        kind: Option<JobKind>,
        name: &str,
        done: fn(Result<T, JobError>) -> Done,
        work: impl FnOnce(&Ctx) -> Result<T, JobError> + Send + 'static,
    ) {
        if let Some(kind) = kind {
            // A newer look at something takes the place of the older one, whose result nobody wants any more.
            self.drop_job(kind);
        }
        let wake: Arc<dyn Fn() + Send + Sync> = if kind.is_some() {
            // What reports progress may do so a thousand times a second.
            let pace = self.pace.clone();
            Arc::new(move || pace.wake())
        } else {
            self.wake.clone()
        };
        let job = Typed { job: jobs::spawn(name, wake, work), done };
        if let Some(kind) = kind {
            set_slot(&mut self.state.jobs, kind, job.view());
        }
        let of_project = kind.is_some_and(|kind| kind != JobKind::Devices);
        self.running.push(Running { kind, of_project, job: Box::new(job) });
    }

    /// Cancels the job of a kind and drops its result.
    fn drop_job(&mut self, kind: JobKind) {
        for old in self.running.iter().filter(|r| r.kind == Some(kind)) {
            old.job.cancel();
        }
        self.running.retain(|r| r.kind != Some(kind));
        self.state.jobs.retain(|slot| slot.kind != kind);
    }

    /// A model is trained, candidates or maps are made, treatments compared or features drawn.
    fn is_making(&self) -> bool {
        self.state.making().is_some()
    }

    /// Starts small work of the open project; its result is dropped with the project.
    fn start_of_project<T: Send + 'static>(
        &mut self,
        name: &str,
        done: fn(Result<T, JobError>) -> Done,
        work: impl FnOnce(&Ctx) -> Result<T, JobError> + Send + 'static,
    ) {
        self.start(None, name, done, work);
        if let Some(last) = self.running.last_mut() {
            last.of_project = true;
        }
    }

    /// Lets jobs make the orders that the views asked for.
    fn start_orders(&mut self) {
        let Some(project) = &self.state.project else { return };
        let (dataset, candidates) = (project.dataset.clone(), project.candidates.clone());
        if let Some(asked) = self.state.data.begin() {
            self.start_of_project("order images", Done::Images, move |_| {
                Ok((asked.number, asked.rule.make(&dataset)))
            });
        }
        if let Some(asked) = self.state.review.begin() {
            self.start_of_project("order candidates", Done::Candidates, move |_| {
                Ok((asked.number, asked.rule.make(&candidates)))
            });
        }
    }

    fn job(&self, kind: JobKind) -> Option<&dyn AnyJob> {
        self.running.iter().find(|r| r.kind == Some(kind)).map(|r| r.job.as_ref())
    }

    fn say(&mut self, level: Level, text: impl Into<String>) {
        self.state.notifications.push(level, text);
    }

    /// Takes in what jobs, store and dialogs tell.
    pub fn take_in(&mut self) {
        // First: what is told from here on is not in this frame for certain.
        self.pace.begin_frame();
        self.take_jobs();
        self.take_store();
        for (ask, answer) in self.dialogs.answers() {
            self.answered(ask, answer);
        }
        self.save_settled();
        self.start_waiting();
        self.state.put_in_order();
        // Times go on; those of a paused job stand still.
        if self.state.jobs.iter().any(|slot| slot.view.state == JobState::Running) {
            self.ctx.request_repaint_after(GLANCE);
        }
        if let Some(end) = self.state.notifications.next_end() {
            self.ctx.request_repaint_after(end);
        }
    }

    fn take_jobs(&mut self) {
        let mut over = Vec::new();
        let state = &mut self.state;
        self.running.retain(|running| {
            let view = running.job.view();
            let ended = view.state.is_over();
            if let Some(kind) = running.kind {
                set_slot(&mut state.jobs, kind, view);
            }
            if ended {
                over.extend(running.job.take());
            }
            !ended
        });
        for done in over {
            self.done(done);
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Nothing => {}
            Done::Start(Ok((recent, kept))) => {
                self.state.recent = recent;
                let zoom = if kept.zoom.is_finite() { kept.zoom.clamp(1.0, 2.0) } else { 1.0 };
                self.kept = Kept { zoom, ..kept };
                self.state.log_scale = kept.log_scale;
                self.state.theme = kept.theme;
                self.state.zoom = zoom;
                theme::choose(&self.ctx, kept.theme);
                self.ctx.set_zoom_factor(zoom);
            }
            Done::Start(Err(error)) | Done::Recent(Err(error)) => self.failed(&error),
            Done::Recent(Ok(recent)) => self.state.recent = recent,
            Done::Opening(Ok(opening)) => self.opened_place(opening),
            Done::Opening(Err(JobError::Cancelled)) => self.state.source = Source::Nothing,
            Done::Opening(Err(error)) => {
                let folder = match &self.state.source {
                    Source::Reading(folder) => folder.clone(),
                    _ => PathBuf::new(),
                };
                self.state.source = Source::Failed { folder, message: error.to_string() };
            }
            Done::ReadAgain(Ok(dataset)) => {
                self.textures.forget();
                self.say(
                    Level::Info,
                    format!("Read {} again.", counted(dataset.samples.len(), "image", "images")),
                );
                self.send(StoreCommand::SetDataset(Arc::new(dataset)));
            }
            Done::Cut(Ok(dataset)) => self.send(StoreCommand::SetDataset(Arc::new(dataset))),
            Done::ReadAgain(Err(error)) | Done::Cut(Err(error)) | Done::Found(Err(error)) => {
                self.failed(&error)
            }
            Done::Found(Ok(found)) => {
                if let Some(project) = &mut self.state.project {
                    project.exports.retain(|folder| !found.gone.contains(folder));
                }
                self.state.train.checkpoints = found.checkpoints;
                self.choose_checkpoint();
                let model = found.used.or(self.pending_model.take()).or(found.newest);
                if let Some(model) = model.filter(|_| self.state.train.model == Face::Empty) {
                    self.read_model(model, Done::FoundModel);
                }
            }
            Done::Trained(Ok(outcome)) => {
                let path = outcome.model.display();
                if let Some(place) = &outcome.stopped {
                    let words =
                        "The training was stopped and its model is saved; Resume training goes on from";
                    self.say(Level::Info, format!("{words} {place}: {path}"));
                } else if self.warning_of(JobKind::Train).is_some() {
                    let words = "The model is trained and saved, with warnings that are listed in Train";
                    self.say(Level::Warning, format!("{words}: {path}"));
                } else {
                    self.say(Level::Info, format!("The model is trained and saved: {path}"));
                }
                self.load_model(outcome.model);
                self.look_around();
            }
            Done::Trained(Err(error)) => {
                self.failed(&error);
                self.look_around();
            }
            Done::FoundModel(Ok(model))
                if self.state.project.as_ref().is_some_and(|p| {
                    p.settings.method != model.method
                        || (p.settings.model.is_none() && model.warning.is_some())
                }) =>
            {
                // Another method was chosen since, and stays chosen; or it was trained on other images, such as
                // before a part was held out, and nobody said to use it.
                self.state.train.model = Face::Empty;
            }
            Done::Model(Ok(model)) | Done::FoundModel(Ok(model)) => self.use_model(model),
            Done::Model(Err(JobError::Cancelled)) | Done::FoundModel(Err(JobError::Cancelled)) => {
                self.state.train.model = Face::Empty;
            }
            Done::Model(Err(error)) | Done::FoundModel(Err(error)) => {
                self.state.train.model = Face::Failed(error.to_string());
            }
            Done::Generated(Ok(outcome)) => {
                let made = counted(outcome.candidates, "candidate", "candidates");
                let mut words = format!("{made} made: {}.", outcome.verdicts(number));
                let warning = self.warning_of(JobKind::Generate);
                let hint = hint(&outcome);
                let level = if warning.is_some() || hint.is_some() { Level::Warning } else { Level::Info };
                for more in [warning.as_deref().map(capital), hint.map(str::to_owned)].into_iter().flatten() {
                    words += &format!(" {}.", more.trim_end_matches('.'));
                }
                if outcome.candidates > 0 {
                    words += " Now you decide.";
                }
                self.say(level, words);
            }
            Done::Generated(Err(error)) => self.failed(&error),
            // What it was planned from has changed meanwhile, or is being planned again.
            Done::Planned(_) if self.state.export.plan != Face::Loading => {}
            Done::Planned(Ok(preview)) => {
                self.state.export.plan = Face::Full(Arc::new(preview.plan));
                self.state.export.free = preview.free;
            }
            Done::Planned(Err(JobError::Cancelled)) => self.state.export.plan = Face::Empty,
            Done::Planned(Err(error)) => self.state.export.plan = Face::Failed(error.to_string()),
            Done::Exported(Ok(report)) => {
                self.say(Level::Info, format!("Exported: {}", report.out.display()));
                let out = report.out.clone();
                self.remember_export(&out);
                self.state.export.report = Face::Full(Arc::new(report));
                self.state.export.verify_folder = out.display().to_string();
                // The folder is there now: it cannot be made again.
                self.plan_is_old();
                self.verify(out);
            }
            Done::Exported(Err(error)) => {
                self.failed(&error);
                self.state.export.report = match error {
                    JobError::Cancelled => Face::Empty,
                    error => Face::Failed(error.to_string()),
                };
            }
            Done::Verified(Ok(proof)) => {
                let files = counted(proof.files, "file", "files");
                if proof.ok {
                    self.say(Level::Info, format!("Verified: {files}, each as the manifest says."));
                } else {
                    let words = format!(
                        "Not as the manifest says: {} missing, {} changed, {} extra, of {files}.",
                        number(proof.missing.len()),
                        number(proof.changed.len()),
                        number(proof.extra.len())
                    );
                    self.say(Level::Error, words);
                }
                self.state.export.verification = Face::Full(Arc::new(proof));
            }
            Done::Verified(Err(JobError::Cancelled)) => self.state.export.verification = Face::Empty,
            Done::Verified(Err(error)) => self.state.export.verification = Face::Failed(error.to_string()),
            Done::Compared(result) => self.comparison_ended(result),
            Done::Timed(result) => self.steps_timed(result),
            Done::TableSaved(result) => self.table_saved(result),
            Done::WeightsSaved(Ok(path)) => {
                self.say(Level::Info, format!("The class weights are saved: {}", path.display()));
            }
            Done::WeightsSaved(Err(error)) => self.failed(&error),
            Done::FeaturesRead(Ok(path)) => self.use_features(&path),
            Done::FeaturesRead(Err(error)) => self.state.train.features = Face::Failed(error.to_string()),
            Done::Drawn(result) => self.features_drawn(result),
            Done::FeaturesSaved(result) => self.features_saved(result),
            Done::MapsSaved(result) => self.maps_saved(result),
            Done::TestImages(result) => self.test_images_listed(result),
            Done::Maps(result) => self.maps_made(result),
            Done::Devices(Ok(devices)) => {
                self.state.devices = Face::Full(devices.into_iter().map(device_row).collect());
            }
            Done::Devices(Err(error)) => self.state.devices = Face::Failed(error.to_string()),
            Done::Images(Ok((number, order))) => {
                if let Some(project) = &self.state.project {
                    self.state.data.take(number, order, &project.dataset);
                }
            }
            Done::Candidates(Ok((number, order))) => {
                if let Some(project) = &self.state.project {
                    self.state.review.take(number, order, &project.candidates);
                }
            }
            Done::Images(Err(_)) => self.state.data.make_at_once(),
            Done::Candidates(Err(_)) => self.state.review.make_at_once(),
        }
    }

    /// Says why a job ended early; a cancel was asked for and needs no words.
    fn failed(&mut self, error: &JobError) {
        if *error != JobError::Cancelled {
            self.say(Level::Error, error.to_string());
        }
    }

    /// The first warning of the last job of a kind.
    fn warning_of(&self, kind: JobKind) -> Option<String> {
        let notes = &self.state.job(kind)?.notes;
        notes.iter().find(|(level, _)| *level == Level::Warning).map(|(_, text)| text.clone())
    }

    /// Uses a model that was read and fits, and remembers it for the next window.
    fn use_model(&mut self, model: ModelFile) {
        if let Some(project) = &mut self.state.project {
            let settings = &mut project.settings;
            let before = settings.model.clone();
            settings.keep_model(&project.dir, &model.path);
            let kept_another = settings.model != before;
            if settings.method != model.method {
                settings.method.clone_from(&model.method);
                settings.params.clear();
                self.state.train.texts.clear();
                self.settings_changed();
            } else if kept_another {
                self.settings_changed = Some(Instant::now());
            }
        }
        if let Some(project) = &mut self.state.project {
            project.model_beta = model.beta;
            project.refresh_plan();
        }
        if let Some(warning) = &model.warning {
            self.say(Level::Warning, warning.clone());
        }
        self.state.train.model = Face::Full(model);
    }

    /// Generates without the model from now on; the file stays.
    fn forget_model(&mut self) {
        self.state.train.model = Face::Empty;
        if let Some(project) = &mut self.state.project {
            project.settings.model = None;
            project.model_beta = None;
            project.refresh_plan();
            self.settings_changed = Some(Instant::now());
        }
    }

    fn settings_changed(&mut self) {
        if let Some(project) = &mut self.state.project {
            project.refresh_plan();
        }
        self.choose_checkpoint();
        self.settings_changed = Some(Instant::now());
        self.plan_is_old();
    }

    /// What can be resumed is of the chosen method: training anew would delete it.
    fn choose_checkpoint(&mut self) {
        let Some(project) = &self.state.project else { return };
        let train = &mut self.state.train;
        train.checkpoint = Some(checkpoint(project)).filter(|path| train.checkpoints.contains(path));
    }

    fn save_settled(&mut self) {
        let Some(changed) = self.settings_changed else { return };
        match SETTLED.checked_sub(changed.elapsed()) {
            Some(left) if !left.is_zero() => self.ctx.request_repaint_after(left),
            _ => self.flush_settings(),
        }
    }

    fn flush_settings(&mut self) {
        if self.settings_changed.take().is_none() {
            return;
        }
        if let Some(project) = self.state.project.as_ref().filter(|p| p.read_only.is_none()) {
            let settings = Box::new(project.settings.clone());
            self.send(StoreCommand::SetSettings(settings));
        }
    }

    /// Exports and their plans read the store, so they begin when everything is committed.
    fn start_waiting(&mut self) {
        if !(self.wants_plan || self.wants_export) {
            return;
        }
        self.flush_settings();
        let Some(project) = &self.state.project else { return };
        if project.saving == Saving::Saving {
            return;
        }
        let form = &self.state.export;
        let job = ExportJob {
            project: project.dir.clone(),
            out: typed_path(&form.folder),
            originals: form.originals,
            undecided: form.undecided,
            rejected: project.settings.rejected,
        };
        if std::mem::take(&mut self.wants_export) {
            let busy = [JobKind::Export, JobKind::Generate];
            if busy.into_iter().any(|kind| self.state.running(kind).is_some()) {
                return;
            }
            self.state.export.report = Face::Loading;
            self.state.export.verification = Face::Empty;
            self.start(Some(JobKind::Export), "export", Done::Exported, move |ctx| {
                let project = Project::open_read_only(&job.project)?;
                jobs::export::export(ctx, &job, &project)
            });
        } else if std::mem::take(&mut self.wants_plan) {
            self.start(Some(JobKind::FilePlan), "plan export", Done::Planned, move |_| {
                jobs::export::preview(&job)
            });
        }
    }

    /// Looks for unfinished trainings and the newest model of the project.
    fn look_around(&mut self) {
        let Some(project) = &self.state.project else { return };
        let dir = project.dir.clone();
        let used = project.settings.model_path(&project.dir);
        let exports = project.exports.clone();
        self.start_of_project("look around", Done::Found, move |_| {
            let files = |dir: PathBuf, extension: &'static str| {
                let all = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
                all.filter(move |path| path.extension().is_some_and(|e| e == extension))
            };
            let models = files(dir.join("models"), "safetensors");
            let newest = models.max_by_key(|path| path.metadata().and_then(|m| m.modified()).ok());
            let checkpoints = files(dir.join("runs"), "checkpoint").filter(|path| path.is_file()).collect();
            let used = used.filter(|path| path.is_file());
            let gone = exports.into_iter().filter(|folder| !folder.is_dir()).collect();
            Ok(Found { checkpoints, used, newest, gone })
        });
    }

    fn find_devices(&mut self) {
        if self.state.devices == Face::Empty {
            self.state.devices = Face::Loading;
            self.start(Some(JobKind::Devices), "devices", Done::Devices, |_| Ok(jobs::devices::devices()));
        }
    }

    fn cut(&mut self, dataset: Arc<Dataset>, shares: splits::Shares, seed: u64) {
        self.start_of_project("cut splits", Done::Cut, move |_| {
            let mut dataset = Arc::unwrap_or_clone(dataset);
            splits::cut(&mut dataset, shares, seed);
            Ok(dataset)
        });
    }

    fn read_again(&mut self) {
        let Some(project) = &self.state.project else { return };
        let source = project.dataset.source();
        let (shares, seed) = (project.settings.shares, project.settings.seed);
        self.start(Some(JobKind::Scan), "read folder", Done::ReadAgain, move |ctx| {
            let mut dataset = jobs::scan::scan(ctx, &source, Reading::Headers)?;
            if let Some(shares) = shares.filter(|_| !dataset.has_splits) {
                splits::cut(&mut dataset, shares, seed);
            }
            Ok(dataset)
        });
    }

    fn train(&mut self, resume: bool) {
        if self.is_making() {
            return;
        }
        let Some(project) = &self.state.project else { return };
        let settings = &project.settings;
        let stamp = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let model = project.dir.join("models").join(format!("{}-{stamp}.safetensors", settings.method));
        let request = TrainRequest {
            data: training_data(project),
            method: settings.method.clone(),
            params: params(project),
            device: settings.device.clone(),
            seed: settings.seed,
            model,
            checkpoint: checkpoint(project),
        };
        self.flush_settings();
        self.start(Some(JobKind::Train), "train", Done::Trained, move |ctx| {
            if !resume {
                std::fs::remove_file(&request.checkpoint).ok();
            }
            jobs::train::train(ctx, &request)
        });
    }

    fn generate(&mut self) {
        if self.is_making() {
            return;
        }
        let (Some(project), Some(store)) = (&self.state.project, &self.store) else { return };
        let settings = &project.settings;
        let request = GenerateRequest {
            data: training_data(project),
            plan: project.figures.plan.clone(),
            rejected: settings.rejected,
            method: settings.method.clone(),
            params: making(project),
            model: self.state.train.model.full().map(|model| model.path.clone()),
            features: settings.features_path(),
            device: settings.device.clone(),
            seed: settings.seed,
        };
        let mut sink = store.sink();
        self.flush_settings();
        self.state.workspace = Workspace::Review;
        self.start(Some(JobKind::Generate), "generate", Done::Generated, move |ctx| {
            jobs::generate::generate(ctx, &request, &mut sink)
        });
    }

    fn load_model(&mut self, path: PathBuf) {
        self.read_model(path, Done::Model);
    }

    fn read_model(&mut self, path: PathBuf, done: fn(Result<ModelFile, JobError>) -> Done) {
        let Some(project) = &self.state.project else { return };
        let dataset = project.dataset.clone();
        let spec = Spec::of(dataset.as_ref(), project.settings.size, project.settings.fit);
        self.state.train.model = Face::Loading;
        self.start(Some(JobKind::Model), "read model", done, move |_| {
            jobs::model::look(&path, &dataset, &spec).map(ModelFile::of)
        });
    }

    /// Looks whether a file has MobileNet's weights, before images are made for hours.
    fn read_features(&mut self, path: PathBuf) {
        if self.is_making() || !self.state.can_edit() {
            return;
        }
        let path = typed_path(&path.to_string_lossy());
        self.state.train.features = Face::Loading;
        self.start_of_project("read feature weights", Done::FeaturesRead, move |_| {
            jobs::distances::check_features(&path)?;
            Ok(path)
        });
    }

    /// Measures made images with a weights file that was read, and remembers it for the next window.
    fn use_features(&mut self, path: &Path) {
        let Some(project) = &mut self.state.project else { return };
        let before = project.settings.features.clone();
        project.settings.keep_features(path);
        if project.settings.features_path().is_some() {
            self.state.train.features = Face::Empty;
            self.state.train.features_box.clear();
            self.settings_changed = Some(Instant::now());
        } else {
            project.settings.features = before;
            self.state.train.features = Face::Failed(format!(
                "The name of a weights file ends with .safetensors or .safetensors.gz; rename this one: {}",
                path.display()
            ));
        }
    }

    /// Measures on the judge's features alone from now on; the file stays.
    fn forget_features(&mut self) {
        if let Some(project) = &mut self.state.project {
            project.settings.features = None;
            self.state.train.features = Face::Empty;
            self.settings_changed = Some(Instant::now());
        }
    }

    /// Writes the class weights that are chosen in Plan to a new file.
    fn save_weights(&mut self, path: PathBuf) {
        let Some(project) = &self.state.project else { return };
        let (dataset, beta) = (project.dataset.clone(), weights_beta(project));
        let (scheme, format) = (self.state.plan.scheme, self.state.plan.format);
        let path = typed_path(&path.to_string_lossy());
        self.state.plan.weights_box = path.display().to_string();
        self.start_of_project("save weights", Done::WeightsSaved, move |_| {
            let weights = ClassWeights::new(&dataset, scheme, beta);
            let weights = weights.map_err(|error| JobError::Input(error.to_string()))?;
            jobs::weights::write(&weights, format, &path)?;
            Ok(path)
        });
    }

    fn verify(&mut self, folder: PathBuf) {
        self.state.export.verification = Face::Loading;
        self.start(Some(JobKind::Verify), "verify", Done::Verified, move |ctx| {
            jobs::verify::verify(ctx, &folder)
        });
    }

    fn ask(&mut self, ask: Ask) {
        if !self.state.dialog_open {
            self.state.dialog_open = true;
            self.dialogs.open(ask);
        }
    }

    fn answered(&mut self, ask: Ask, answer: Answer) {
        self.state.dialog_open = false;
        let path = match answer {
            Answer::Chosen(path) => path,
            Answer::Nothing => return,
            Answer::Missing(why) => {
                self.say(Level::Warning, why);
                self.state.no_dialogs = Some(format!("{NO_DIALOGS} Type the path instead."));
                match ask {
                    Ask::Folder if self.state.project.is_some() => self.open_sheet(Sheet::OpenPath),
                    Ask::Model => {
                        self.state.workspace = Workspace::Train;
                        self.focus(MODEL_BOX);
                    }
                    Ask::Features => {
                        self.state.workspace = Workspace::Train;
                        self.focus(FEATURES_BOX);
                    }
                    Ask::ExportPlace => self.type_export_folder(),
                    Ask::ComparedFolder => self.type_in_evaluate(COMPARED_BOX),
                    Ask::Table | Ask::Report | Ask::Chart => self.type_in_evaluate(TABLE_BOX),
                    Ask::Weights(_) => {
                        self.state.workspace = Workspace::Plan;
                        self.focus(WEIGHTS_BOX);
                    }
                    Ask::FeatureMap => self.type_in_evaluate(MAP_BOX),
                    Ask::Maps => self.type_in_evaluate(MAPS_BOX),
                    Ask::Folder | Ask::Verify | Ask::Source => {}
                }
                return;
            }
        };
        match ask {
            Ask::Folder => self.open_if_idle(path),
            Ask::Model => self.load_model(path),
            Ask::Features => self.read_features(path),
            Ask::Verify => self.verify(path),
            Ask::Source => self.send(StoreCommand::FindSource(path)),
            Ask::ComparedFolder => self.state.evaluate.add_folder(&path),
            Ask::Weights(_) => self.save_weights(path),
            Ask::Table | Ask::Report | Ask::Chart => {
                self.state.evaluate.table = path.display().to_string();
                self.save_table(path);
            }
            Ask::Maps => {
                self.state.evaluate.looks.folder = path.display().to_string();
                self.save_maps(path);
            }
            Ask::FeatureMap => {
                self.state.evaluate.features.file = path.display().to_string();
                self.save_features(path);
            }
            Ask::ExportPlace => {
                let name = self.state.project.as_ref().map_or("counterpoise", |p| p.name.as_str());
                self.state.export.folder = path.join(format!("{name}-balanced")).display().to_string();
                self.plan_is_old();
            }
        }
    }

    /// Gives the keyboard to a control, by the name of its id.
    fn focus(&self, name: &str) {
        self.ctx.memory_mut(|memory| memory.request_focus(Id::unique(name)));
    }

    fn type_export_folder(&mut self) {
        self.state.workspace = Workspace::Export;
        self.focus(FOLDER_BOX);
    }

    /// Says why where the open project cannot be left.
    fn may_leave(&mut self) -> bool {
        let busy = self.state.is_busy();
        if busy {
            self.say(
                Level::Warning,
                "Work is running on the open project; stop it before another one is opened.",
            );
        }
        !busy
    }

    fn open_if_idle(&mut self, place: PathBuf) {
        if self.may_leave() {
            self.open(place);
        }
    }

    fn set_theme(&mut self, choice: ThemeChoice) {
        self.state.theme = choice;
        theme::choose(&self.ctx, choice);
        self.keep();
    }

    fn set_zoom(&mut self, zoom: f32) {
        let zoom = if zoom.is_finite() { zoom.clamp(1.0, 2.0) } else { 1.0 };
        self.state.zoom = zoom;
        self.ctx.set_zoom_factor(zoom);
        self.keep();
    }

    /// Keeps the look for the next window, where it changed.
    fn keep(&mut self) {
        let state = &self.state;
        let kept = Kept { theme: state.theme, zoom: state.zoom, log_scale: state.log_scale };
        if kept == self.kept {
            return;
        }
        self.kept = kept;
        let dir = self.data_dir.clone();
        // A look that cannot be kept is no trouble worth words.
        self.start(
            None,
            "keep the look",
            |_: Result<(), JobError>| Done::Nothing,
            move |_| {
                let text = serde_json::to_string(&kept).unwrap_or_default();
                let path = data_dir(dir.as_deref())?.join(KEPT);
                write_atomic(&path, text.as_bytes()).ok();
                Ok(())
            },
        );
    }

    fn shortcuts(&mut self, ctx: &Context) {
        let covered = self.state.sheet.is_some() || self.state.confirm.is_some();
        let popup = egui::Popup::is_any_open(ctx);
        let allowed = |command: Command| {
            let everywhere = matches!(
                command,
                Command::Quit | Command::ZoomIn | Command::ZoomOut | Command::ZoomReset | Command::Palette
            );
            everywhere || !(covered || popup)
        };
        hold_after_moves(ctx, &mut self.held);
        for command in take_shortcuts(ctx, &self.state, allowed) {
            self.command(command);
        }
    }

    /// Moves the keyboard to another region where that was asked for. A sheet keeps the keyboard to itself until
    /// a frame after it was closed.
    fn change_region(&mut self, ctx: &Context) {
        let Some(way) = self.region_wanted else { return };
        let covered = self.state.sheet.is_some() || self.state.confirm.is_some();
        if !covered && ctx.memory(|memory| memory.top_modal_layer().is_some()) {
            ctx.request_repaint();
            return;
        }
        self.region_wanted = None;
        if !covered {
            regions::go(ctx, way);
        }
    }

    /// What the window system hands over: dropped files, and the wish to close.
    fn window_events(&mut self, ctx: &Context) {
        let (dropped, hover, close) = ctx.input(|input| {
            let dropped = input.raw.dropped_files.first().map(|file| file.path().to_path_buf());
            (dropped, !input.raw.hovered_files.is_empty(), input.viewport().close_requested())
        });
        self.state.drop_hover = hover;
        if let Some(path) = dropped.filter(|path| !path.as_os_str().is_empty()) {
            self.dropped(path);
        }
        if close && !self.quitting && self.state.is_busy() {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.state.confirm = Some(Confirm {
                title: "Quit while work runs?".to_owned(),
                text: format!("The running work ends. {BROKEN_OFF}"),
                yes: "Quit".to_owned(),
                action: Action::QuitNow,
            });
        } else if close {
            self.flush_settings();
        }
    }

    fn dropped(&mut self, path: PathBuf) {
        if path.extension().is_some_and(|e| e == "safetensors") && self.state.project.is_some() {
            self.load_model(path);
        } else if self.state.project.as_ref().is_some_and(|p| p.source_missing.is_some()) {
            self.send(StoreCommand::FindSource(path));
        } else {
            self.open_if_idle(path);
        }
    }

    fn paint(&mut self, ui: &mut Ui) -> Vec<Action> {
        let mut out = Vec::new();
        let (state, textures) = (&mut self.state, &mut self.textures);
        let t = theme::tokens(ui);
        let bar = Frame::new().fill(t.panel).inner_margin(Margin::symmetric(16, 0));
        Panel::top("top").exact_size(theme::size::TOP).resizable(false).frame(bar).show(ui, |ui| {
            Region::Menus.mark(ui);
            shell::top_bar_ui(ui, state, &mut out);
        });
        Panel::bottom("status").exact_size(theme::size::STATUS).resizable(false).frame(bar).show(ui, |ui| {
            Region::Status.mark(ui);
            widgets::status_bar::status_bar_ui(ui, state, &mut out);
        });
        let rail = Frame::new().fill(t.panel);
        Panel::left("rail").exact_size(theme::size::RAIL).resizable(false).frame(rail).show(ui, |ui| {
            Region::Rail.mark(ui);
            shell::rail_ui(ui, state, &mut out);
        });
        let classes = Frame::new().fill(t.panel).inner_margin(Margin::same(16));
        Panel::left("classes").exact_size(theme::size::CLASSES).resizable(false).frame(classes).show(
            ui,
            |ui| {
                Region::Classes.mark(ui);
                widgets::class_panel::class_panel_ui(ui, state, &mut out);
            },
        );
        if state.project.as_ref().is_some_and(|p| p.source_missing.is_some()) {
            let banner = Frame::new()
                .fill(t.accent_ground)
                .stroke(Stroke::new(1.0, t.line))
                .inner_margin(Margin::same(12));
            Panel::top("missing source").frame(banner).show(ui, |ui| {
                Region::Notice.mark(ui);
                shell::missing_source_ui(ui, state, &mut out);
            });
        }
        CentralPanel::no_frame().frame(Frame::new().fill(t.background)).show(ui, |ui| {
            if state.project.is_none() {
                return views::welcome::welcome_ui(ui, state, textures, &mut out);
            }
            match state.workspace {
                Workspace::Data => views::data::data_ui(ui, state, textures, &mut out),
                Workspace::Plan => views::plan::plan_ui(ui, state, textures, &mut out),
                Workspace::Train => views::train::train_ui(ui, state, textures, &mut out),
                Workspace::Review => views::review::review_ui(ui, state, textures, &mut out),
                Workspace::Export => views::export::export_ui(ui, state, textures, &mut out),
                Workspace::Evaluate => views::evaluate::evaluate_ui(ui, state, textures, &mut out),
            }
        });
        shell::sheet_ui(ui, state, &mut out);
        shell::confirm_ui(ui, state, &mut out);
        shell::toasts_ui(ui, state, &mut out);
        shell::drop_sign_ui(ui, state);
        out
    }
}

impl eframe::App for App {
    fn logic(&mut self, _ctx: &Context, _frame: &mut eframe::Frame) {
        self.take_in();
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        let ctx = ui.ctx().clone();
        self.textures.begin_frame();
        self.window_events(&ctx);
        self.shortcuts(&ctx);
        self.change_region(&ctx);
        for action in self.paint(ui) {
            self.act(action);
        }
        self.start_orders();
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.flush_settings();
        for running in &self.running {
            running.job.cancel();
        }
        // Waits for the last commit; the window is gone already.
        self.store = None;
        wait_for(self.closing.take());
    }
}

fn set_slot(slots: &mut Vec<JobSlot>, kind: JobKind, view: JobView) {
    match slots.iter_mut().find(|slot| slot.kind == kind) {
        Some(slot) => slot.view = view,
        None => slots.push(JobSlot { kind, view }),
    }
}

fn wait_for(thread: Option<JoinHandle<()>>) {
    if let Some(thread) = thread {
        // It only drops a store, whose own thread catches its panics.
        thread.join().ok();
    }
}

fn data_dir(given: Option<&Path>) -> Result<PathBuf, JobError> {
    match given {
        Some(dir) => Ok(dir.to_path_buf()),
        None => default_place::data_dir().map_err(|error| JobError::Failed(error.to_string())),
    }
}

/// Where the checkpoint of an unfinished training of the chosen method lies.
fn checkpoint(project: &ProjectState) -> PathBuf {
    project.dir.join("runs").join(format!("{}.checkpoint", project.settings.method))
}

/// The data as the person sees them now. Each job gets its own: training and generating may be hours and
/// edits apart, and the decoded images do not stay in memory between them.
fn training_data(project: &ProjectState) -> Arc<TrainingData> {
    let spec = Spec::of(&project.dataset, project.settings.size, project.settings.fit);
    Arc::new(TrainingData::new(project.dataset.clone(), spec))
}

/// What to change where most candidates are rejected; `None` where that is as it should be.
fn hint(outcome: &GenerateOutcome) -> Option<&'static str> {
    let rejected = &outcome.rejected;
    if outcome.candidates == 0 {
        None
    } else if rejected.confidence * 2 > outcome.candidates {
        Some("The judge is too weak for these classes: train more epochs, or take larger steps (η)")
    } else if outcome.accepted > 0 {
        None
    } else if rejected.prior >= rejected.other {
        Some("The prior passes none: use the beta that Plan fits to these counts")
    } else {
        Some("None passes: train more epochs, or take larger steps (η)")
    }
}

/// The method's parameters, with the project's network (of a generator its judge's) and epochs where the method knows
/// them and they are not set among the parameters.
fn params(project: &ProjectState) -> oversampling::ParamMap {
    let settings = &project.settings;
    let mut params = settings.params.clone();
    let table = oversampling::method(&settings.method).map(|method| method.param_table()).unwrap_or_default();
    let known = |name: &str| table.iter().any(|info| info.name == name);
    let of_network = ["network", "judge-network"].into_iter().find(|name| known(name));
    if let (Some(network), Some(name)) = (&settings.network, of_network) {
        params.entry(name).or_insert_with(|| network.clone().into());
    }
    if let Some(epochs) = settings.epochs.filter(|_| known("epochs")) {
        params.entry("epochs").or_insert_with(|| epochs.into());
    }
    params
}

/// Those of them that making asks. The others are for the next training, and the form may have them otherwise than the
/// loaded model; its card says so.
fn making(project: &ProjectState) -> oversampling::ParamMap {
    let method = oversampling::method(&project.settings.method);
    let table = method.map(|method| method.param_table()).unwrap_or_default();
    let asked = |name: &str| table.iter().any(|info| info.name == name && info.making);
    params(project).into_iter().filter(|(name, _)| asked(name)).collect()
}

fn device_row(device: DeviceInfo) -> DeviceRow {
    let kind = match device.kind {
        DeviceKind::Gpu => "GPU",
        DeviceKind::Cpu => "CPU",
        DeviceKind::Software => "Software GPU",
    };
    DeviceRow { id: device.kind.as_str().to_owned(), name: device.name, kind: kind.to_owned() }
}
