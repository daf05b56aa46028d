//! The empty, loading and failed faces of a view: one look for all of them, with the next step as a button.

use egui::{Align, Button, Layout, Ui};

use crate::gui::command::{Action, Command};
use crate::gui::icons::{Icon, icon};
use crate::gui::state::State;
use crate::gui::theme::{hint, muted, space, tokens};
use crate::gui::widgets::curves::card;
use crate::gui::widgets::probability::progress_bar;
use crate::gui::widgets::status_bar::time_words;
use crate::jobs::JobView;

/// A button that runs a command, disabled with the command's own words where it cannot run.
pub fn command_button(ui: &mut Ui, state: &State, command: Command, out: &mut Vec<Action>) {
    let keys = command.keys(ui.ctx());
    let button = Button::new(command.text());
    let response = ui.add_enabled(command.enabled(state), button);
    let text = if keys.is_empty() {
        command.tooltip().to_owned()
    } else {
        format!("{} ({keys})", command.tooltip())
    };
    if response.on_hover_text(text.clone()).on_disabled_hover_text(text).clicked() {
        out.push(Action::Do(command));
    }
}

/// The same, filled with the accent: the one next step of a view. Switched off it has the neutral ground of
/// other buttons, as a faded accent leaves its text unreadable.
pub fn primary_button(ui: &mut Ui, text: &str, enabled: bool) -> egui::Response {
    let t = tokens(ui);
    let label = egui::RichText::new(text).strong();
    let button = if enabled && ui.is_enabled() {
        Button::new(label.color(t.on_accent)).fill(t.accent)
    } else {
        Button::new(label.color(t.text)).fill(t.raised)
    };
    ui.add_enabled(enabled, button)
}

/// A column in the middle of what is left, `width` points wide at most and about `height` high: the lower the
/// window, the less room stays above it.
pub fn centred<R>(ui: &mut Ui, width: f32, height: f32, add: impl FnOnce(&mut Ui) -> R) -> R {
    let available = ui.available_size();
    let width = width.min(available.x - 2.0 * space::L).max(120.0);
    let side = ((available.x - width) / 2.0).max(0.0);
    ui.add_space(((available.y - height) * 0.4).clamp(space::S, 220.0));
    ui.horizontal_top(|ui| {
        ui.add_space(side);
        ui.allocate_ui_with_layout(egui::vec2(width, 0.0), Layout::top_down(Align::Min), |ui| {
            ui.set_width(width);
            add(ui)
        })
        .inner
    })
    .inner
}

/// Nothing here yet: what it would be, and what to do next.
pub fn empty(ui: &mut Ui, sign: Icon, title: &str, text: &str, add: impl FnOnce(&mut Ui)) {
    centred(ui, 440.0, 180.0, |ui| {
        icon(ui, sign, 30.0, tokens(ui).muted);
        ui.add_space(space::XS);
        ui.heading(title);
        ui.label(muted(ui, text));
        ui.add_space(space::S);
        ui.horizontal_wrapped(add);
    });
}

/// Work is going on: what, how far, how long still.
pub fn loading(ui: &mut Ui, title: &str, job: Option<&JobView>, add: impl FnOnce(&mut Ui)) {
    centred(ui, 440.0, 180.0, |ui| {
        ui.heading(title);
        let (done, total) = job.map_or((0, 0), |job| (job.done, job.total));
        let part = if total == 0 { 0.0 } else { done as f32 / total as f32 };
        let width = ui.available_width();
        progress_bar(ui, part, egui::vec2(width, 6.0), title);
        let mut words = Vec::new();
        if let Some(job) = job {
            if !job.stage.is_empty() {
                words.push(job.stage.clone());
            }
            words.push(super::status_bar::count_words(job.done, job.total));
            if let Some(left) = job.time_left {
                words.push(format!("{} left", time_words(left)));
            }
        }
        words.retain(|w| !w.is_empty());
        ui.label(muted(ui, words.join(" · ")));
        ui.add_space(space::S);
        ui.horizontal_wrapped(add);
    });
}

/// It did not work: why, and what can be done.
pub fn failed(ui: &mut Ui, title: &str, message: &str, add: impl FnOnce(&mut Ui)) {
    centred(ui, 520.0, 180.0, |ui| {
        icon(ui, Icon::Warning, 30.0, tokens(ui).failure);
        ui.add_space(space::XS);
        ui.heading(title);
        ui.add(egui::Label::new(message).wrap().selectable(true));
        ui.add_space(space::S);
        ui.horizontal_wrapped(add);
    });
}

/// The same as a card above others.
pub fn failure_card(ui: &mut Ui, title: &str, message: &str) {
    let t = tokens(ui);
    card(ui, t, |ui| {
        ui.horizontal(|ui| {
            icon(ui, Icon::Warning, 18.0, t.failure);
            ui.strong(title);
        });
        ui.add(egui::Label::new(message).wrap().selectable(true));
    });
}

/// A line of warning inside a view.
pub fn warning_line(ui: &mut Ui, text: &str) {
    let t = tokens(ui);
    ui.horizontal_top(|ui| {
        icon(ui, Icon::Warning, 16.0, t.warning);
        ui.add(egui::Label::new(egui::RichText::new(text).color(t.warning)).wrap());
    });
}

/// A line of explanation inside a view; never the only place of a fact.
pub fn hint_line(ui: &mut Ui, text: &str) {
    ui.add(egui::Label::new(hint(ui, text)).wrap());
}
