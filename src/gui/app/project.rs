//! Opening and closing projects, and taking in what their store tells.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::ViewportCommand;

use super::{App, Done, Opening, Place, data_dir, wait_for};
use crate::domain::samples::Dataset;
use crate::domain::task::{Ctx, Level};
use crate::gui::command::Action;
use crate::gui::state::{
    EvaluateForm, ExportForm, Face, JobKind, ProjectState, Saving, Source, TrainView, Workspace,
};
use crate::gui::widgets::status_bar::counted;
use crate::imaging::scan::Reading;
use crate::jobs::store::{Opened, StoreCommand, StoreEvent, StoreHandle, patch};
use crate::jobs::{self, JobError};
use crate::project::store::check_place;
use crate::project::{ClassQuality, Recent, default_place, recent};

impl App {
    pub(super) fn open(&mut self, place: PathBuf) {
        self.close();
        self.state.source = Source::Reading(place.clone());
        self.state.asked = Some(Action::Open(place.clone()));
        let (closing, dir) = (self.closing.take(), self.data_dir.clone());
        self.start(Some(JobKind::Scan), "read folder", Done::Opening, move |ctx| {
            wait_for(closing);
            opening(ctx, &place, dir.as_deref()).map(|place| Opening { place, model: None })
        });
    }

    pub(super) fn open_example(&mut self) {
        self.close();
        self.state.source = Source::Reading(PathBuf::from("example"));
        self.state.asked = Some(Action::OpenExample);
        let (closing, dir) = (self.closing.take(), self.data_dir.clone());
        self.start(Some(JobKind::Scan), "unpack example", Done::Opening, move |ctx| {
            wait_for(closing);
            ctx.progress("unpacking the example", 0, 0);
            let example = data_dir(dir.as_deref())?.join("example");
            let folder = example.join("fashion");
            jobs::example::unpack_to(&folder)?;
            let model = Some(jobs::example::unpack_model(&example)?);
            Ok(Opening { place: opening(ctx, &folder, dir.as_deref())?, model })
        });
    }

    pub(super) fn open_example_if_idle(&mut self) {
        if self.may_leave() {
            self.open_example();
        }
    }

    /// The place is known: its project is opened by the store.
    pub(super) fn opened_place(&mut self, opening: Opening) {
        self.pending_model = opening.model;
        let (dir, name) = match opening.place {
            Place::Project(dir) => (dir, None),
            Place::Folder { dataset, project, name } => {
                self.pending = Some(dataset);
                (project, Some(name))
            }
        };
        let store = match name {
            Some(name) => StoreHandle::open_or_create(&dir, &name, self.wake.clone()),
            None => StoreHandle::open(&dir, self.wake.clone()),
        };
        match store {
            Ok(store) => self.store = Some(store),
            Err(error) => {
                let message = format!("the system would not start another thread ({error})");
                self.state.source = Source::Failed { folder: dir, message };
            }
        }
    }

    /// Lets go of the project. Jobs that belong to it are cancelled; what was decided is committed.
    pub(super) fn close(&mut self) {
        self.flush_settings();
        for running in self.running.iter().filter(|running| running.of_project) {
            running.job.cancel();
        }
        self.running.retain(|running| !running.of_project);
        self.state.jobs.retain(|slot| slot.kind == JobKind::Devices);
        if let Some(store) = self.store.take() {
            // Dropping the handle waits for the last commit, so a thread of its own does it.
            let before = self.closing.take();
            let work = move || {
                wait_for(before);
                drop(store);
            };
            self.closing = std::thread::Builder::new().name("close project".to_owned()).spawn(work).ok();
        }
        self.opened = None;
        self.pending = None;
        self.pending_model = None;
        self.wants_plan = false;
        self.wants_export = false;
        self.sent = 0;
        if let Some(project) = self.state.project.take() {
            self.let_go((project.dataset, project.candidates));
        }
        let state = &mut self.state;
        state.source = Source::Nothing;
        state.class_filter = None;
        state.workspace = Workspace::Data;
        state.data = state.data.anew();
        state.review = state.review.anew();
        state.train = TrainView::default();
        state.export = ExportForm::default();
        state.evaluate.replace(EvaluateForm::default());
        state.sheet = None;
        self.textures.forget();
        self.ctx.send_viewport_cmd(ViewportCommand::Title("counterpoise".to_owned()));
    }

    pub(super) fn send(&mut self, command: StoreCommand) {
        let Some(store) = &self.store else { return };
        match store.send(command) {
            Ok(seq) => {
                self.sent = seq;
                if let Some(project) = &mut self.state.project {
                    project.saving = Saving::Saving;
                }
            }
            Err(error) => self.say(Level::Error, error.to_string()),
        }
    }

    pub(super) fn take_store(&mut self) {
        let events = self.store.as_ref().map(StoreHandle::events).unwrap_or_default();
        for event in events {
            self.store_event(event);
        }
    }

    fn store_event(&mut self, event: StoreEvent) {
        match event {
            StoreEvent::Opened(opened) => self.opened_project(opened),
            StoreEvent::NotOpened(message) => {
                let folder = match &self.state.source {
                    Source::Reading(folder) => folder.clone(),
                    _ => PathBuf::new(),
                };
                self.state.source = Source::Failed { folder, message };
                self.store = None;
            }
            StoreEvent::Dataset(dataset) => self.dataset_changed(dataset),
            StoreEvent::Saved(seq) => {
                if let Some(project) = self.state.project.as_mut().filter(|_| seq >= self.sent) {
                    project.saving = Saving::Saved;
                }
            }
            StoreEvent::Failed { seq, message } => {
                if self.state.project.is_none() {
                    // The data set of a new project was not taken: there is nothing to show.
                    self.store = None;
                    self.state.source = Source::Failed { folder: PathBuf::new(), message };
                    return;
                }
                self.say(Level::Error, format!("This was not saved: {message}"));
                if let Some(project) = self.state.project.as_mut().filter(|_| seq >= self.sent) {
                    project.saving = Saving::Failed(message);
                }
            }
            StoreEvent::RunBegan(_) => {
                self.run_began();
                self.quality_changed(|list| *list = Arc::default());
            }
            StoreEvent::Measured(quality) => {
                self.quality_changed(|list| Arc::make_mut(list).push(ClassQuality::clone(&quality)));
            }
            StoreEvent::Compared(kept) => self.compared(kept),
            StoreEvent::Added(rows) => match &mut self.opened {
                // Told before the data set was there.
                Some(opened) => Arc::make_mut(&mut opened.candidates).extend_from_slice(&rows),
                None => {
                    self.state.added(&rows);
                    self.plan_is_old();
                }
            },
            StoreEvent::Decided(decided) => match &mut self.opened {
                Some(opened) => {
                    let rows: &mut Vec<_> = Arc::make_mut(&mut opened.candidates);
                    patch(rows, &decided);
                }
                None => {
                    self.state.decided(&decided);
                    self.plan_is_old();
                }
            },
            StoreEvent::Did { phrase, undone } => {
                if undone {
                    self.say(Level::Info, format!("Undone: {phrase}"));
                } else {
                    self.state.notifications.record(Level::Info, phrase);
                }
            }
            StoreEvent::History(history) => {
                if let Some(project) = &mut self.state.project {
                    project.can_undo = history.undo;
                    project.can_redo = history.redo;
                }
            }
            StoreEvent::Closed(None) => {}
            StoreEvent::Closed(Some(message)) => {
                if let Some(project) = &mut self.state.project {
                    project.read_only = Some(message.clone());
                }
                self.say(Level::Error, message);
            }
        }
    }

    fn opened_project(&mut self, opened: Box<Opened>) {
        let pending = self.pending.take();
        let read_only = opened.read_only.is_some();
        match (pending, opened.dataset.is_some()) {
            (Some(dataset), _) if !read_only => {
                let (shares, seed) = (opened.settings.shares, opened.settings.seed);
                self.opened = Some(opened);
                match shares.filter(|_| !dataset.has_splits) {
                    Some(shares) => self.cut(Arc::new(dataset), shares, seed),
                    None => self.send(StoreCommand::SetDataset(Arc::new(dataset))),
                }
            }
            (_, true) => {
                let dataset = opened.dataset.clone().unwrap_or_default();
                self.opened = Some(opened);
                self.dataset_changed(dataset);
            }
            _ => {
                let message = "this project holds no images yet; open their folder instead".to_owned();
                self.state.source = Source::Failed { folder: opened.dir.clone(), message };
                self.store = None;
            }
        }
    }

    /// The data set is there: for the first time, or changed.
    fn dataset_changed(&mut self, dataset: Arc<Dataset>) {
        self.state.data.invalidate();
        self.state.review.invalidate();
        self.plan_is_old();
        if let Some(project) = &mut self.state.project {
            if project.dataset.root != dataset.root || project.source_missing.is_some() {
                self.textures.forget();
            }
            project.source_missing = None;
            let held_out = dataset.held_out_since(&project.dataset);
            let old = std::mem::replace(&mut project.dataset, dataset);
            project.refresh();
            self.state.evaluate.features.edits += 1;
            self.let_go(old);
            if held_out > 0 {
                self.held_out(held_out);
            }
            return;
        }
        let Some(opened) = self.opened.take() else { return };
        let mut project = ProjectState::new(opened.name, opened.dir, dataset, opened.settings);
        project.read_only = opened.read_only;
        project.source_missing = opened.source_missing;
        project.candidates = opened.candidates;
        project.quality = opened.quality;
        project.comparisons = opened.comparisons;
        project.exports = opened.exports;
        project.can_undo = opened.history.undo;
        project.can_redo = opened.history.redo;
        project.refresh_plan();
        if let Some(why) = project.why_read_only() {
            self.state.notifications.push(Level::Warning, why);
        }
        let title = ViewportCommand::Title(format!("{} – counterpoise", project.name));
        self.ctx.send_viewport_cmd(title);
        let recent = Recent {
            name: project.name.clone(),
            folder: project.dataset.root.clone(),
            project: project.dir.clone(),
        };
        self.state.evaluate.replace(EvaluateForm::of(&project.settings, &project.comparisons));
        self.state.project = Some(project);
        self.state.source = Source::Open;
        let dir = self.data_dir.clone();
        self.start(None, "recent projects", Done::Recent, move |_| {
            let dir = data_dir(dir.as_deref())?;
            recent::add_to(&dir, &recent).map_err(|error| JobError::Failed(error.to_string()))?;
            Ok(recent::load_from(&dir))
        });
        self.look_around();
        self.find_devices();
    }

    /// Images left the training part: what was learnt and made from them is not used on.
    fn held_out(&mut self, images: usize) {
        let mut words = format!("{} held out from now on.", counted(images, "image is", "images are"));
        if self.state.train.model != Face::Empty {
            self.drop_job(JobKind::Model);
            self.forget_model();
            words += " The model may have been trained on them and was unloaded: train anew.";
        }
        if self.state.project.as_ref().is_some_and(|project| !project.candidates.is_empty()) {
            words += " Candidates made before are not exported: make candidates again.";
        }
        self.say(Level::Warning, words);
    }

    /// What a run makes is a new list.
    fn run_began(&mut self) {
        if let Some(opened) = &mut self.opened {
            opened.candidates = Arc::default();
            return;
        }
        self.state.review.clear();
        if let Some(project) = &mut self.state.project {
            let old = std::mem::take(&mut project.candidates);
            project.refresh_candidates();
            self.let_go(old);
        }
        self.plan_is_old();
    }

    fn quality_changed(&mut self, change: impl FnOnce(&mut Arc<Vec<ClassQuality>>)) {
        if let Some(opened) = &mut self.opened {
            change(&mut opened.quality);
        } else if let Some(project) = &mut self.state.project {
            change(&mut project.quality);
        }
    }

    /// Frees what may be large, a hundred thousand rows, where no frame waits for it.
    fn let_go<T: Send + 'static>(&mut self, old: T) {
        let done = |_: Result<(), JobError>| Done::Nothing;
        self.start(None, "free memory", done, move |_| {
            drop(old);
            Ok(())
        });
    }

    /// The plan of the export holds no longer, not even the one that is being made: the Export workspace asks
    /// for a new one.
    pub(super) fn plan_is_old(&mut self) {
        self.drop_job(JobKind::FilePlan);
        self.wants_plan = false;
        self.state.export.plan = Face::Empty;
    }
}

/// What a path is: a project folder, or images to read. Belongs on a job's thread.
fn opening(ctx: &Ctx, place: &Path, dir: Option<&Path>) -> Result<Place, JobError> {
    let is_project = |folder: &Path| folder.join("project.sqlite").is_file();
    if is_project(place) {
        return Ok(Place::Project(place.to_path_buf()));
    }
    if let Some(parent) = place.parent().filter(|_| place.file_name().is_some_and(|n| n == "project.sqlite"))
    {
        return Ok(Place::Project(parent.to_path_buf()));
    }
    let dataset = jobs::scan::scan(ctx, place, Reading::Headers)?;
    let project = default_place::for_source_in(&data_dir(dir)?, &dataset.source());
    // Before the store makes it: nothing is ever written into the image folder.
    check_place(&project, &dataset.root)?;
    let name =
        place.file_name().map_or_else(|| "project".to_owned(), |name| name.to_string_lossy().into_owned());
    Ok(Place::Folder { dataset, project, name })
}
