//! Evaluate, in panes. Figures: what is to be compared on the left, and what came of it on the right; in a narrow
//! window one of the two. Feature map: what classifier g sees. Where it looks: maps of what the classifiers of a
//! comparison look at.
//!
//! Trains nothing itself: starting, pausing and stopping leave as actions, and what is shown of a comparison
//! is what was kept of it.

mod features;
mod form;
mod looks;
mod results;

use std::path::PathBuf;

use egui::{Align, CentralPanel, Frame, Label, Layout, Margin, Panel, ScrollArea, Ui};

pub use features::{cloud, why_no_map};
pub use form::why_no_comparison;
pub use looks::why_no_maps;
pub use results::{measured_words, queue_words};

use super::train::bar_frame;
use crate::gui::command::{Action, Command};
use crate::gui::icons::{Icon, icon};
use crate::gui::regions::Region;
use crate::gui::state::{Face, JobKind, Pane, State};
use crate::gui::textures::Textures;
use crate::gui::theme::{Tokens, caption, muted, size, space, tokens};
use crate::gui::widgets::empty_state::{command_button, empty, warning_line};
use crate::gui::widgets::job_buttons::{JobEnds, job_buttons};
use crate::gui::widgets::status_bar::time_words;
use crate::jobs::{JobState, JobView};

/// Id of the path box of a folder to compare; the app gives it the keyboard.
pub const COMPARED_BOX: &str = "compared folder";
/// Id of the path box of a table; the app gives it the keyboard.
pub const TABLE_BOX: &str = "comparison table";
/// Id of the path box of a feature map; the app gives it the keyboard.
pub const MAP_BOX: &str = "feature map file";
/// Id of the path box of a folder for maps; the app gives it the keyboard.
pub const MAPS_BOX: &str = "folder for maps";
/// Width of the form.
const FORM: f32 = 312.0;
/// Least width at which the form stands beside the results.
const BESIDE: f32 = 800.0;
/// Height of the row of panes, with the room above it.
const PANES: f32 = size::CONTROL + space::S;

/// The Evaluate workspace.
pub fn evaluate_ui(ui: &mut Ui, state: &mut State, textures: &mut Textures, out: &mut Vec<Action>) {
    let t = tokens(ui);
    if state.project.is_none() {
        Region::Main.mark(ui);
        empty(ui, Icon::Evaluate, "Nothing to compare", "Open a folder of images first.", |ui| {
            command_button(ui, state, Command::OpenFolder, out);
        });
        return;
    }
    if let Some(project) = &state.project {
        state.evaluate.offer(&project.exports);
    }
    let row = Margin { left: 16, right: 16, top: 8, bottom: 0 };
    Panel::top("evaluate panes")
        .exact_size(PANES)
        .frame(Frame::new().fill(t.background).inner_margin(row))
        .show_separator_line(false)
        .show(ui, |ui| {
            Region::Panes.mark(ui);
            panes(ui, state);
        });
    match state.evaluate.pane {
        Pane::Figures => figures_ui(ui, t, state, out),
        Pane::Features => features::features_ui(ui, t, state, textures, out),
        Pane::Looks => looks::looks_ui(ui, t, state, textures, out),
    }
}

fn panes(ui: &mut Ui, state: &mut State) {
    ui.horizontal(|ui| {
        for pane in Pane::ALL {
            ui.selectable_value(&mut state.evaluate.pane, pane, pane.text());
        }
    });
}

/// The pane of comparisons.
fn figures_ui(ui: &mut Ui, t: &Tokens, state: &mut State, out: &mut Vec<Action>) {
    let beside = ui.available_width() >= BESIDE;
    Panel::top("evaluate tools").exact_size(size::TOOLS).frame(bar_frame(t)).show(ui, |ui| {
        Region::Tools.mark(ui);
        tools(ui, state, beside, out);
    });
    if beside {
        Panel::left("evaluate form")
            .exact_size(FORM)
            .resizable(false)
            .frame(Frame::new().fill(t.panel).inner_margin(Margin::same(16)))
            .show(ui, |ui| {
                Region::Left.mark(ui);
                form::form_ui(ui, t, state, out);
            });
    }
    let alone = !beside && state.evaluate.form_open;
    let ground = if alone { t.panel } else { t.background };
    CentralPanel::default().frame(Frame::new().fill(ground).inner_margin(Margin::same(16))).show(ui, |ui| {
        Region::Main.mark(ui);
        if alone {
            form::form_ui(ui, t, state, out);
        } else {
            page(ui, t, state, beside, out);
        }
    });
}

fn tools(ui: &mut Ui, state: &mut State, beside: bool, out: &mut Vec<Action>) {
    ui.horizontal_centered(|ui| {
        if !beside {
            for (open, words) in [(true, "Choose"), (false, "Results")] {
                if ui.selectable_label(state.evaluate.form_open == open, words).clicked() {
                    state.evaluate.form_open = open;
                }
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let running = state.running(JobKind::Evaluate);
            if let Some(job) = running {
                let ends = JobEnds {
                    cancel: "End within one step; what was measured stays",
                    keep: "Stop and compare",
                    keep_hint: "End after this training and compare what was measured",
                };
                job_buttons(ui, JobKind::Evaluate, job, &ends, out);
            }
            // Before the buttons, as much of it as there is room for.
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                if beside {
                    ui.strong(if running.is_some() { JobKind::Evaluate.text() } else { "Comparison" });
                }
                let words = match running {
                    Some(job) => results::progress_words(job, state.evaluate.running.as_ref()),
                    None => state.job(JobKind::Evaluate).map(ended_words).unwrap_or_default(),
                };
                ui.add(Label::new(muted(ui, words)).truncate());
            });
        });
    });
}

/// How the last comparison of this window ended.
fn ended_words(job: &JobView) -> String {
    match &job.state {
        JobState::Finished => format!("finished after {}", time_words(job.elapsed)),
        JobState::Cancelled => "cancelled; what was measured is kept".to_owned(),
        JobState::Failed(_) => format!("failed after {}", time_words(job.elapsed)),
        _ => String::new(),
    }
}

/// What runs, what failed, what did not end, and the comparison that is shown.
fn page(ui: &mut Ui, t: &Tokens, state: &mut State, beside: bool, out: &mut Vec<Action>) {
    if results::is_empty(state) {
        let text = "A balanced folder is worth what it does to a classifier on real images that nothing was \
                    made or learnt from. The same network is trained under each treatment with several seeds \
                    and measured on the test images, or on the training images in turn where there are none; \
                    the window stays usable meanwhile, and closing it loses no classifier that was measured.";
        empty(ui, Icon::Evaluate, "Nothing compared yet", text, |ui| {
            // Beside it the next step is the button at the foot of the form.
            if !beside && ui.button("Choose what to compare").clicked() {
                state.evaluate.form_open = true;
            }
        });
        return;
    }
    ScrollArea::vertical().id_salt("comparison").auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = space::M;
        results::running_ui(ui, t, state, out);
        results::report_ui(ui, t, state, out);
    });
}

/// What came of saving.
fn saved_ui(ui: &mut Ui, t: &Tokens, saved: &Face<PathBuf>) {
    match saved {
        Face::Empty => {}
        Face::Loading => {
            ui.label(caption(ui, "Saving"));
        }
        Face::Full(path) => {
            ui.horizontal(|ui| {
                icon(ui, Icon::Check, 16.0, t.accent);
                ui.add(Label::new(format!("Saved: {}", path.display())).truncate());
            });
        }
        Face::Failed(why) => warning_line(ui, why),
    }
}
