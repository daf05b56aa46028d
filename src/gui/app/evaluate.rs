//! Comparing treatments: starting it, and taking in what came of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{App, Done};
use crate::domain::task::Level;
use crate::gui::state::{Face, JobKind, Pace, Pane, Workspace};
use crate::gui::views::evaluate::{COMPARED_BOX, MAP_BOX, MAPS_BOX, measured_words};
use crate::gui::views::welcome::typed_path;
use crate::gui::widgets::status_bar::counted;
use crate::imaging::training_set::Spec;
use crate::jobs::JobError;
use crate::jobs::comparisons::{self, Kept, Report, Workload};
use crate::jobs::evaluate::{EvaluateRequest, Timed};
use crate::jobs::store::StoreCommand;

impl App {
    /// What the form asks for; `None` where it is no choice.
    fn comparison(&self) -> Option<EvaluateRequest> {
        let project = self.state.project.as_ref()?;
        let settings = &project.settings;
        let mut choice = self.state.evaluate.choice(settings).ok()?;
        // They may have been chosen before there was a test part.
        choice.folds = choice.folds.filter(|_| project.folds(None).is_some());
        let spec = Spec::of(&project.dataset, settings.size, settings.fit);
        Some(EvaluateRequest::new(project.dataset.clone(), spec, choice))
    }

    pub(super) fn compare(&mut self) {
        if self.is_making() {
            return;
        }
        let (Some(request), Some(store)) = (self.comparison(), &self.store) else { return };
        let mut sink = store.sink();
        self.flush_settings();
        // It would slow down what it is to time.
        self.drop_job(JobKind::TimeSteps);
        let form = &mut self.state.evaluate;
        if form.timed == Face::Loading {
            form.timed = Face::Empty;
        }
        form.running = Some(request.choice.clone());
        form.left_out.clear();
        self.left_out = request.left_out.clone();
        form.pane = Pane::Figures;
        form.form_open = false;
        self.start(Some(JobKind::Evaluate), "evaluate", Done::Compared, move |ctx| {
            comparisons::compare(ctx, &request, &mut sink).map(Box::new)
        });
    }

    /// Takes a treatment off the comparison that runs, as far as it waits.
    pub(super) fn leave_out(&mut self, name: String) {
        self.left_out.add(&name);
        self.state.evaluate.left_out.insert(name);
    }

    pub(super) fn comparison_ended(&mut self, result: Result<Box<Report>, JobError>) {
        match result {
            Ok(report) => {
                let treatments = counted(report.treatments.len(), "treatment", "treatments");
                let mut words = format!("Compared {treatments} on {}.", measured_words(&report));
                if !report.complete {
                    words += " It was stopped before its end.";
                }
                if !report.failed.is_empty() {
                    let failed = counted(report.failed.len(), "training", "trainings");
                    words += &format!(" {failed} gave no classifier.");
                }
                if let Some(first) = report.summary.first() {
                    words += &format!(" {first}");
                }
                let whole = report.complete && report.failed.is_empty();
                self.say(if whole { Level::Info } else { Level::Warning }, words);
            }
            Err(error) => self.failed_in(Pane::Figures, "The comparison failed", &error),
        }
    }

    /// A failure that a pane of Evaluate shows in a card of its own: a message over that would say it twice, so there
    /// is one only where the pane is out of sight.
    pub(super) fn failed_in(&mut self, pane: Pane, what: &str, error: &JobError) {
        if *error == JobError::Cancelled {
            return;
        }
        self.state.notifications.record(Level::Error, error.to_string());
        if !self.is_seen(pane) {
            self.say(Level::Warning, format!("{what}; Evaluate says why, under {}.", pane.text()));
        }
    }

    /// True where this pane is in view; what it shows by itself needs no message.
    pub(super) fn is_seen(&self, pane: Pane) -> bool {
        self.state.workspace == Workspace::Evaluate && self.state.evaluate.pane == pane
    }

    /// A comparison is in the store: it is shown from now on.
    pub(super) fn compared(&mut self, kept: Arc<Kept>) {
        let list = match (&mut self.opened, &mut self.state.project) {
            (Some(opened), _) => &mut opened.comparisons,
            (None, Some(project)) => &mut project.comparisons,
            (None, None) => return,
        };
        list.retain(|known| known.run != kept.run);
        list.push(kept);
        let form = &mut self.state.evaluate;
        form.shown = None;
        form.treatment = None;
        form.saved = Face::Empty;
    }

    pub(super) fn time_steps(&mut self) {
        if self.is_making() {
            return;
        }
        let Some(request) = self.comparison() else { return };
        self.state.evaluate.timed = Face::Loading;
        self.start(Some(JobKind::TimeSteps), "time steps", Done::Timed, move |ctx| {
            comparisons::time(ctx, &request)
        });
    }

    pub(super) fn steps_timed(&mut self, result: Result<(Workload, Timed), JobError>) {
        self.state.evaluate.timed = match result {
            Ok((workload, Timed { network, step_seconds })) => {
                Face::Full(Pace { workload, network, step_seconds, of: None })
            }
            Err(JobError::Cancelled) => Face::Empty,
            Err(error) => Face::Failed(error.to_string()),
        };
    }

    /// Writes the comparison that is shown, or a chart of it; a report with the maps that are shown of it.
    pub(super) fn save_table(&mut self, path: PathBuf) {
        let Some(project) = &self.state.project else { return };
        let Some((kept, report)) = self.state.evaluate.shown(project) else { return };
        let report = Arc::clone(report);
        let form = &self.state.evaluate;
        let maps = form.looks.maps_of(kept.run).cloned();
        let treatment = form.treatment_of(&report).map(|of| of.name.clone()).unwrap_or_default();
        let chart = form.chart;
        let folders = report.choice.folders.iter().map(|folder| folder.dir.clone());
        let sources: Vec<PathBuf> = std::iter::once(project.dataset.root.clone()).chain(folders).collect();
        let path = typed_path(&path.to_string_lossy());
        self.state.evaluate.saved = Face::Loading;
        self.start(Some(JobKind::SaveTable), "save table", Done::TableSaved, move |_| {
            comparisons::save(&report, &path, &sources, (chart, treatment.as_str()), maps.as_deref())
        });
    }

    pub(super) fn table_saved(&mut self, result: Result<PathBuf, JobError>) {
        self.state.evaluate.saved = match result {
            Ok(path) => {
                self.say(Level::Info, format!("The comparison is saved: {}", path.display()));
                Face::Full(path)
            }
            Err(JobError::Cancelled) => Face::Empty,
            Err(error) => Face::Failed(error.to_string()),
        };
    }

    /// Offers an exported folder for comparisons, also in the next window.
    pub(super) fn remember_export(&mut self, folder: &Path) {
        let writable = self.state.can_edit();
        let Some(project) = &mut self.state.project else { return };
        project.exports.retain(|known| known != folder);
        project.exports.insert(0, folder.to_path_buf());
        if writable {
            self.send(StoreCommand::Exported(folder.to_path_buf()));
        }
    }

    /// Gives the keyboard to a box of the Evaluate workspace.
    pub(super) fn type_in_evaluate(&mut self, name: &str) {
        self.state.workspace = Workspace::Evaluate;
        self.state.evaluate.pane = match name {
            MAP_BOX => Pane::Features,
            MAPS_BOX => Pane::Looks,
            _ => Pane::Figures,
        };
        self.state.evaluate.form_open = name == COMPARED_BOX;
        self.focus(name);
    }
}
