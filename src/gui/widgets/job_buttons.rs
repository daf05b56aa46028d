//! The buttons of a job that runs: pause, stop and keep, cancel. Knows no view; asks by actions.

use egui::{Button, Ui};

use crate::gui::command::{Action, Command};
use crate::gui::state::JobKind;
use crate::jobs::{JobState, JobView};

/// What the two ways to end a job are called and do.
pub struct JobEnds<'a> {
    /// What cancel does.
    pub cancel: &'a str,
    pub keep: &'a str,
    /// What that does.
    pub keep_hint: &'a str,
}

/// From right to left: cancel, stop and keep, pause.
pub fn job_buttons(ui: &mut Ui, kind: JobKind, job: &JobView, ends: &JobEnds<'_>, out: &mut Vec<Action>) {
    let cancelling = job.state == JobState::Cancelling;
    let ending = cancelling || job.state == JobState::Stopping;
    let words = if cancelling { "Cancelling…" } else { "Cancel" };
    let cancel = ui.add_enabled(!cancelling, Button::new(words));
    if cancel.on_hover_text(ends.cancel).clicked() {
        out.push(Action::CancelJob(kind));
    }
    let keep = ui.add_enabled(!ending, Button::new(ends.keep));
    if keep.on_hover_text(ends.keep_hint).clicked() {
        out.push(Action::StopAndKeep(kind));
    }
    pause_button(ui, kind, job, out);
}

/// Pauses a job, or lets it go on.
pub fn pause_button(ui: &mut Ui, kind: JobKind, job: &JobView, out: &mut Vec<Action>) {
    let ending = matches!(job.state, JobState::Cancelling | JobState::Stopping);
    let paused = job.state == JobState::Paused;
    let words = if paused { "Resume" } else { "Pause" };
    let pause = ui.add_enabled(!ending, Button::new(words));
    if pause.on_hover_text(Command::PauseJob.hint(ui.ctx())).clicked() {
        out.push(Action::PauseJob(kind, !paused));
    }
}
