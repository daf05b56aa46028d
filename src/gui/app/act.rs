//! Carrying out what views, menus and keys ask for.

use std::path::Path;

use egui::ViewportCommand;

use super::{App, BROKEN_OFF, Done, data_dir};
use crate::domain::decisions::{DecidedBy, Decision};
use crate::domain::task::Level;
use crate::gui::command::{Action, Command};
use crate::gui::dialogs::Ask;
use crate::gui::regions::Way;
use crate::gui::shell::OPEN_BOX;
use crate::gui::state::{Confirm, Face, Sheet, ThemeChoice, Workspace, id_at};
use crate::gui::views::data::FIND_BOX;
use crate::gui::views::welcome::typed_path;
use crate::gui::widgets::status_bar::{capital, counted};
use crate::imaging::files::write_atomic;
use crate::jobs::store::StoreCommand;
use crate::jobs::{JobError, JobState};

impl App {
    /// Carries out what a view asked for.
    pub fn act(&mut self, action: Action) {
        match action {
            Action::Do(command) => self.command(command),
            Action::Open(path) => self.open_if_idle(path),
            Action::OpenExample => self.open_example_if_idle(),
            Action::ForgetRecent(project) => self.forget_recent(&project),
            Action::RelocateSource(folder) => self.send(StoreCommand::FindSource(folder)),
            Action::Relabel(samples, class) => self.relabel(&samples, class),
            Action::Exclude(samples, excluded) => self.exclude(&samples, excluded),
            Action::CutSplits(shares) => {
                let Some(project) = &mut self.state.project else { return };
                project.settings.shares = Some(shares);
                let seed = project.settings.seed;
                self.settings_changed();
                // First: a folder that is read again is cut by what the settings say.
                self.flush_settings();
                self.send(StoreCommand::CutSplits { shares, seed });
            }
            Action::OfferSplits => self.state.data.splits_later = false,
            Action::SettingsChanged => self.settings_changed(),
            Action::Train { resume } => self.train(resume),
            Action::LoadModel(path) => self.load_model(path),
            Action::ForgetModel => self.forget_model(),
            Action::UseFeatures(path) => self.read_features(path),
            Action::ForgetFeatures => self.forget_features(),
            Action::PauseJob(kind, paused) => {
                if let Some(job) = self.job(kind) {
                    job.pause(paused);
                }
            }
            Action::CancelJob(kind) => {
                if let Some(job) = self.job(kind) {
                    job.cancel();
                }
            }
            Action::StopAndKeep(kind) => {
                if let Some(job) = self.job(kind) {
                    job.stop_and_keep();
                }
            }
            Action::Decide(ids, decision) => self.decide(ids, decision),
            Action::PlanExport => {
                // A plan on its way was made from other choices.
                self.plan_is_old();
                self.state.export.plan = Face::Loading;
                self.wants_plan = true;
            }
            Action::Export => self.command(Command::Export),
            Action::Verify(folder) => self.verify(typed_path(&folder.to_string_lossy())),
            Action::SaveTable(path) => self.save_table(path),
            Action::LeaveOut(name) => self.leave_out(name),
            Action::SaveWeights(path) => self.save_weights(path),
            Action::SaveFeatures(path) => self.save_features(path),
            Action::SaveMaps(path) => self.save_maps(path),
            Action::ListTestImages => self.list_test_images(),
            Action::ShowMaps => self.show_maps(),
            Action::Copy(text) => self.ctx.copy_text(text),
            Action::Notify(level, text) => self.say(level, text),
            Action::Ask(confirm) => self.state.confirm = Some(*confirm),
            Action::Dismiss(place) => self.state.notifications.dismiss(place),
            Action::OpenSheet(sheet) => self.open_sheet(sheet),
            Action::CloseSheet => self.state.sheet = None,
            Action::SetTheme(choice) => self.set_theme(choice),
            Action::SetZoom(zoom) => self.set_zoom(zoom),
            Action::CloseNow => self.close(),
            Action::GenerateNow => self.generate(),
            Action::QuitNow => {
                self.quitting = true;
                self.ctx.send_viewport_cmd(ViewportCommand::Close);
            }
        }
    }

    pub(super) fn open_sheet(&mut self, sheet: Sheet) {
        // A menu that is open would stay open below it.
        egui::Popup::close_all(&self.ctx);
        self.state.sheet = Some(sheet);
        match sheet {
            Sheet::Palette => {
                self.state.palette_text.clear();
                self.state.palette_row = 0;
            }
            Sheet::Settings => self.find_devices(),
            Sheet::OpenPath => {
                self.state.folder_box.clear();
                self.focus(OPEN_BOX);
            }
            _ => {}
        }
    }

    fn forget_recent(&mut self, project: &Path) {
        self.state.recent.retain(|recent| recent.project != project);
        let (list, dir) = (self.state.recent.clone(), self.data_dir.clone());
        self.start(None, "recent projects", Done::Recent, move |_| {
            let dir = data_dir(dir.as_deref())?;
            let text = serde_json::to_string_pretty(&list).unwrap_or_default();
            let path = dir.join("recent.json");
            write_atomic(&path, text.as_bytes()).map_err(|error| {
                JobError::Failed(format!("the list was not kept ({error}): {}", path.display()))
            })?;
            Ok(list)
        });
    }

    /// The paths of samples, by their positions.
    fn paths(&self, samples: &[usize]) -> Vec<String> {
        let Some(project) = &self.state.project else { return Vec::new() };
        samples.iter().filter_map(|&i| project.dataset.samples.get(i)).map(|s| s.path.clone()).collect()
    }

    fn relabel(&mut self, samples: &[usize], class: usize) {
        let paths = self.paths(samples);
        let name = self.state.project.as_ref().and_then(|p| p.dataset.classes.get(class)).cloned();
        if let Some(class) = name.filter(|_| !paths.is_empty()) {
            self.send(StoreCommand::Relabel { paths, class });
        }
    }

    fn exclude(&mut self, samples: &[usize], excluded: bool) {
        let paths = self.paths(samples);
        if !paths.is_empty() {
            self.send(StoreCommand::Exclude { paths, excluded });
        }
    }

    /// Decides; after a single candidate the cursor goes on to the next one.
    fn decide(&mut self, ids: Vec<i64>, decision: Decision) {
        if ids.is_empty() {
            return;
        }
        let review = &mut self.state.review;
        if let Some(project) = &self.state.project
            && decision != Decision::Undecided
            && review.tiles.selected.is_empty()
            && ids.len() == 1
            && ids.first().copied() == review.tiles.cursor
        {
            let place = review.cursor_place(&project.candidates);
            let next = place.and_then(|place| review.tiles.order.get(place + 1));
            if let Some(row) = next.and_then(|&index| project.candidates.get(index)) {
                review.tiles.go(row.id);
            }
        }
        review.tiles.selected.clear();
        self.send(StoreCommand::Decide { ids, decision, by: DecidedBy::Person });
    }

    fn decide_targets(&mut self, decision: Decision) {
        let ids = self.state.review.tiles.targets();
        self.decide(ids, decision);
    }

    /// Asks before everything that is shown is decided at once.
    fn decide_shown(&mut self, decision: Decision) {
        let Some(project) = &self.state.project else { return };
        let shown = &self.state.review.tiles.order;
        let rows = shown.iter().filter_map(|&index| project.candidates.get(index));
        let mut ids: Vec<i64> = rows.filter(|row| row.decision != decision).map(|row| row.id).collect();
        // In the order of the list, in which the store, undo and the window find them fastest.
        ids.sort_unstable();
        if ids.is_empty() {
            self.say(Level::Info, "Every candidate shown is decided so already.");
            return;
        }
        let verb = if decision == Decision::Accepted { "Accept" } else { "Reject" };
        let count = counted(ids.len(), "candidate", "candidates");
        let hidden = project.candidates.len().saturating_sub(shown.len());
        let rest = if hidden == 0 {
            "These are all candidates of the run.".to_owned()
        } else {
            format!(
                "{} stay as they are, because the filter hides them.",
                capital(&counted(hidden, "other", "others"))
            )
        };
        self.state.confirm = Some(Confirm {
            title: format!("{verb} {count}?"),
            text: format!("{rest} One undo takes it back."),
            yes: format!("{verb} {count}"),
            action: Action::Decide(ids, decision),
        });
    }

    fn next_undecided(&mut self) {
        let Some(project) = &self.state.project else { return };
        let review = &mut self.state.review;
        let start = review.cursor_place(&project.candidates).map_or(0, |place| place + 1);
        let len = review.tiles.order.len();
        let undecided = (0..len).map(|step| (start + step) % len).find_map(|place| {
            let row = review.tiles.order.get(place).and_then(|&index| project.candidates.get(index))?;
            (row.decision == Decision::Undecided).then_some(row.id)
        });
        match undecided {
            Some(id) => {
                review.tiles.go(id);
                review.tiles.selected.clear();
            }
            None => self.say(Level::Info, "No undecided candidate passes the filter."),
        }
    }

    pub(super) fn command(&mut self, command: Command) {
        if !command.enabled(&self.state) {
            return;
        }
        if let Some(workspace) = command.workspace() {
            self.state.workspace = workspace;
            return;
        }
        match command {
            Command::OpenFolder => self.ask(Ask::Folder),
            Command::OpenPath => self.open_sheet(Sheet::OpenPath),
            Command::OpenExample => self.open_example_if_idle(),
            Command::ReadAgain => self.read_again(),
            Command::FindImages => self.ask(Ask::Source),
            Command::CloseProject => self.close_or_ask(),
            Command::Quit => self.ctx.send_viewport_cmd(ViewportCommand::Close),
            Command::Undo => self.send(StoreCommand::Undo),
            Command::Redo => self.send(StoreCommand::Redo),
            Command::SelectAll => self.select_all(),
            Command::ClearSelection => self.clear_selection(),
            Command::ToggleExcluded => {
                let targets = self.state.data.tiles.targets();
                let Some(project) = &self.state.project else { return };
                let samples = &project.dataset.samples;
                let all_out = targets.iter().all(|&i| samples.get(i).is_some_and(|s| s.excluded));
                self.exclude(&targets, !all_out);
            }
            Command::FindFile => self.focus(FIND_BOX),
            Command::ShowFiles => self.open_sheet(Sheet::Files),
            Command::StartTraining => self.train_or_ask(),
            Command::ResumeTraining => self.train(true),
            Command::PauseJob => {
                if let Some(kind) = self.state.making() {
                    let paused = self.state.job(kind).is_some_and(|view| view.state == JobState::Paused);
                    self.act(Action::PauseJob(kind, !paused));
                }
            }
            Command::StopAndKeep => {
                if let Some(kind) = self.state.making() {
                    self.act(Action::StopAndKeep(kind));
                }
            }
            Command::CancelJob => {
                if let Some(kind) = self.state.current_job().map(|(kind, _)| kind) {
                    self.act(Action::CancelJob(kind));
                }
            }
            Command::LoadModel => self.ask(Ask::Model),
            Command::ChooseFeatures => self.ask(Ask::Features),
            Command::Generate => self.generate_or_ask(),
            Command::Accept => self.decide_targets(Decision::Accepted),
            Command::Reject => self.decide_targets(Decision::Rejected),
            Command::Undecide => self.decide_targets(Decision::Undecided),
            Command::AcceptShown => self.decide_shown(Decision::Accepted),
            Command::RejectShown => self.decide_shown(Decision::Rejected),
            Command::NextUndecided => self.next_undecided(),
            Command::LargeView => self.state.review.large = !self.state.review.large,
            Command::Overlay => self.state.review.overlay = !self.state.review.overlay,
            Command::Blind => self.state.review.blind = !self.state.review.blind,
            Command::PictureLarger => self.magnify(1.25),
            Command::PictureSmaller => self.magnify(0.8),
            Command::PictureFit => {
                self.state.review.zoom = 1.0;
                self.state.review.pan = [0.0, 0.0];
            }
            Command::ChooseExportFolder => self.ask(Ask::ExportPlace),
            Command::TypeExportFolder => self.type_export_folder(),
            Command::Export => self.wants_export = true,
            Command::VerifyFolder => self.ask(Ask::Verify),
            Command::SaveWeights => self.ask(Ask::Weights(self.state.plan.format)),
            Command::Evaluate => self.compare(),
            Command::TimeSteps => self.time_steps(),
            Command::AddFolder => self.ask(Ask::ComparedFolder),
            Command::SaveTable => self.ask(Ask::Table),
            Command::SaveReport => self.ask(Ask::Report),
            Command::SaveChart => self.ask(Ask::Chart),
            Command::DrawFeatures => self.draw_features(),
            Command::SaveFeatures => self.ask(Ask::FeatureMap),
            Command::SaveMaps => self.ask(Ask::Maps),
            Command::TilesLarger => self.resize_tiles(1.2),
            Command::TilesSmaller => self.resize_tiles(1.0 / 1.2),
            Command::LogScale => {
                self.state.log_scale = !self.state.log_scale;
                self.keep();
            }
            Command::AllClasses => self.state.class_filter = None,
            Command::NextRegion => self.want_region(Way::Next),
            Command::PreviousRegion => self.want_region(Way::Previous),
            Command::ThemeSystem => self.set_theme(ThemeChoice::System),
            Command::ThemeLight => self.set_theme(ThemeChoice::Light),
            Command::ThemeDark => self.set_theme(ThemeChoice::Dark),
            Command::ZoomIn => self.set_zoom(((self.state.zoom + 0.1) * 10.0).round() / 10.0),
            Command::ZoomOut => self.set_zoom(((self.state.zoom - 0.1) * 10.0).round() / 10.0),
            Command::ZoomReset => self.set_zoom(1.0),
            Command::Palette => self.open_sheet(Sheet::Palette),
            Command::Settings => self.open_sheet(Sheet::Settings),
            Command::Keys => self.open_sheet(Sheet::Keys),
            Command::Log => self.open_sheet(Sheet::Log),
            // Handled above: they only change the workspace.
            Command::GoData
            | Command::GoPlan
            | Command::GoTrain
            | Command::GoReview
            | Command::GoExport
            | Command::GoEvaluate => {}
        }
    }

    fn close_or_ask(&mut self) {
        if self.state.is_busy() {
            self.state.confirm = Some(Confirm {
                title: "Close the project while work runs?".to_owned(),
                text: format!("The running work is cancelled. {BROKEN_OFF}"),
                yes: "Cancel the work and close".to_owned(),
                action: Action::CloseNow,
            });
        } else {
            self.close();
        }
    }

    fn train_or_ask(&mut self) {
        if self.state.train.checkpoint.is_none() {
            return self.train(false);
        }
        self.state.confirm = Some(Confirm {
            title: "Start anew?".to_owned(),
            text: "There is an unfinished training of this method. Starting anew drops its checkpoint; \
                   resuming goes on from there."
                .to_owned(),
            yes: "Start anew".to_owned(),
            action: Action::Train { resume: false },
        });
    }

    fn generate_or_ask(&mut self) {
        let Some(project) = &self.state.project else { return };
        let decided = project.candidates.iter().filter(|row| row.decision != Decision::Undecided).count();
        if decided == 0 {
            return self.generate();
        }
        self.state.confirm = Some(Confirm {
            title: "Make new candidates?".to_owned(),
            text: format!(
                "The review then shows the new run. {} of the run before stay in the project, and are not \
                 exported.",
                capital(&counted(decided, "decision", "decisions"))
            ),
            yes: "Make new candidates".to_owned(),
            action: Action::GenerateNow,
        });
    }

    fn want_region(&mut self, way: Way) {
        self.region_wanted = Some(way);
        // A menu or the palette asks after the frame was painted.
        self.ctx.request_repaint();
    }

    fn select_all(&mut self) {
        match self.state.workspace {
            Workspace::Data => {
                let tiles = &mut self.state.data.tiles;
                tiles.selected = tiles.order.iter().copied().collect();
            }
            Workspace::Review => {
                let Some(project) = &self.state.project else { return };
                let tiles = &mut self.state.review.tiles;
                // In the order of the ids, from which the set is built without searching.
                let mut shown = tiles.order.to_vec();
                shown.sort_unstable();
                let ids = shown.into_iter().filter_map(|position| id_at(&project.candidates, position));
                tiles.selected = ids.collect();
            }
            _ => {}
        }
    }

    fn clear_selection(&mut self) {
        match self.state.workspace {
            Workspace::Data => self.state.data.tiles.selected.clear(),
            Workspace::Review if self.state.review.large => self.state.review.large = false,
            Workspace::Review => self.state.review.tiles.selected.clear(),
            _ => {}
        }
    }

    fn magnify(&mut self, by: f32) {
        self.state.review.zoom = (self.state.review.zoom * by).clamp(1.0, 32.0);
    }

    fn resize_tiles(&mut self, by: f32) {
        let side = match self.state.workspace {
            Workspace::Data => &mut self.state.data.tiles.side,
            Workspace::Review => &mut self.state.review.tiles.side,
            _ => return,
        };
        *side = (*side * by).clamp(56.0, 280.0);
    }
}
