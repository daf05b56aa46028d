//! The class panel that every workspace has: the histogram, ratio before and after, what is still to make,
//! splits, files that could not be read.

use egui::{Align, Button, Layout, ScrollArea, Ui};

use super::empty_state::hint_line;
use super::histogram::{ACCEPTED, Bar, histogram_ui, legend_ui};
use super::status_bar::{count_words, counted, number};
use crate::domain::numbers::percent;
use crate::domain::splits::Split;
use crate::gui::command::{Action, Command};
use crate::gui::state::{JobKind, ProjectState, Sheet, Source, State};
use crate::gui::theme::{SMALL, caption, hint, muted, section, space, tokens};

/// The histogram's bars of a project as it stands.
pub fn bars(project: &ProjectState) -> Vec<Bar> {
    let figures = &project.figures;
    let plan = &figures.plan.classes;
    let classes = project.dataset.classes.iter().enumerate();
    let bar = |(class, name): (usize, &String)| {
        let target = plan.get(class).map(|c| c.target).filter(|&t| t > 0);
        let have = figures.counts.get(class).copied().unwrap_or(0);
        let known = figures.known_made.get(class).copied().unwrap_or(0).min(have);
        let accepted = figures.accepted.get(class).copied().unwrap_or(0);
        Bar { class, name: name.clone(), real: have - known, made: known + accepted, repeated: 0, target }
    };
    classes.map(bar).collect()
}

/// A name and its value at the right edge.
pub fn fact(ui: &mut Ui, name: &str, value: impl Into<egui::WidgetText>) -> egui::Response {
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = 20.0;
        ui.horizontal(|ui| {
            ui.label(muted(ui, name));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.add(egui::Label::new(value).truncate().selectable(true))
            })
            .inner
        })
        .inner
    })
    .inner
}

/// The panel.
pub fn class_panel_ui(ui: &mut Ui, state: &mut State, out: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.label(section(ui, "Classes"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let text = egui::RichText::new("log").size(SMALL);
            let button = ui.add(Button::selectable(state.log_scale, text));
            if button.on_hover_text(Command::LogScale.hint(ui.ctx())).clicked() {
                out.push(Action::Do(Command::LogScale));
            }
            if state.class_filter.is_some() {
                let text = egui::RichText::new("show all").size(SMALL);
                if ui
                    .add(Button::new(text).frame(false))
                    .on_hover_text(Command::AllClasses.hint(ui.ctx()))
                    .clicked()
                {
                    out.push(Action::Do(Command::AllClasses));
                }
            }
        });
    });
    let Some(project) = state.project.as_ref() else {
        closed_ui(ui, state);
        return;
    };
    let bars = bars(project);
    let below = 300.0;
    let room = (ui.available_height() - below).max(120.0);
    let clicked = ScrollArea::vertical()
        .id_salt("classes")
        .max_height(room)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            ui.add_space(2.0);
            histogram_ui(ui, "class", &bars, state.log_scale, state.class_filter, ACCEPTED)
        })
        .inner;
    if let Some(class) = clicked {
        state.class_filter = if state.class_filter == Some(class) { None } else { Some(class) };
    }
    legend_ui(ui);
    if state.log_scale {
        hint_line(ui, "logarithmic: equal lengths are equal factors");
    }
    ui.separator();
    if let Some(project) = state.project.as_ref() {
        balance_ui(ui, project);
        ui.separator();
        splits_ui(ui, project, out);
        files_ui(ui, project, out);
    }
}

fn balance_ui(ui: &mut Ui, project: &ProjectState) {
    let figures = &project.figures;
    let accepted: usize = figures.accepted.iter().sum();
    let ratio = |value: Option<f64>| value.map_or_else(|| "none".to_owned(), |r| format!("{r:.1}"));
    let (before, now) = (ratio(figures.before.ratio), ratio(figures.now.ratio));
    let planned = ratio(figures.planned.ratio);
    let help = format!(
        "Largest class over smallest, training images: {before} as it is, {now} with what is accepted, \
         {planned} as planned"
    );
    if accepted > 0 {
        // Three numbers do not fit beside the name.
        ui.label(muted(ui, "Imbalance ratio"));
        ui.horizontal(|ui| {
            ui.spacing_mut().interact_size.y = 20.0;
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let text = egui::Label::new(format!("{before} → {now} now, {planned} planned"));
                ui.add(text.truncate().selectable(true)).on_hover_text(help);
            });
        });
    } else {
        fact(ui, "Imbalance ratio", format!("{before} → {planned} planned")).on_hover_text(help);
    }
    fact(ui, "Still to make", number(project.still_to_make()));
    let expected = project.expected_acceptance().map_or_else(|| "–".to_owned(), percent);
    fact(ui, "Expected acceptance", expected).on_hover_text(
        "Share of candidates that the prior is expected to pass, from the counts and beta alone; a dash \
         where nothing is to be made or the method has no prior",
    );
    if figures.undecided > 0 {
        fact(ui, "Undecided candidates", number(figures.undecided));
    }
}

fn splits_ui(ui: &mut Ui, project: &ProjectState, out: &mut Vec<Action>) {
    ui.label(section(ui, "Splits"));
    let names =
        [(Split::Train, "Training"), (Split::Validation, "Validation"), (Split::Test, "Test, real only")];
    for (place, (_, name)) in names.iter().enumerate() {
        let images = project.figures.splits[place];
        if place > 0 && images == 0 {
            continue;
        }
        let groups = project.figures.groups[place];
        let mut text = number(images);
        if groups > 0 {
            text.push_str(&format!(" · {}", counted(groups, "group", "groups")));
        }
        fact(ui, name, text);
    }
    if !project.dataset.has_splits {
        ui.horizontal_wrapped(|ui| {
            ui.label(caption(ui, "No held-out images").color(tokens(ui).warning));
            if ui.link(egui::RichText::new("Cut parts off…").size(SMALL)).clicked() {
                out.push(Action::Do(Command::GoData));
                out.push(Action::OfferSplits);
            }
        });
    }
}

fn files_ui(ui: &mut Ui, project: &ProjectState, out: &mut Vec<Action>) {
    let dataset = &project.dataset;
    if dataset.unreadable.is_empty() && dataset.notes.is_empty() && dataset.ignored == 0 {
        return;
    }
    ui.with_layout(Layout::bottom_up(Align::Min), |ui| {
        ui.horizontal_wrapped(|ui| {
            let unreadable = dataset.unreadable.len();
            let text = if unreadable > 0 {
                format!("{} could not be read", counted(unreadable, "file", "files"))
            } else if !dataset.notes.is_empty() {
                counted(dataset.notes.len(), "note on the files", "notes on the files")
            } else {
                format!("{} ignored", counted(dataset.ignored, "other file", "other files"))
            };
            ui.label(caption(ui, text));
            if ui.link(egui::RichText::new("Show").size(SMALL)).clicked() {
                out.push(Action::OpenSheet(Sheet::Files));
            }
        });
    });
}

fn closed_ui(ui: &mut Ui, state: &State) {
    match &state.source {
        Source::Reading(_) => {
            let job = state.job(JobKind::Scan);
            let words = job.map_or_else(String::new, |job| count_words(job.done, job.total));
            ui.label(muted(ui, "Reading the folder"));
            ui.label(caption(ui, words));
        }
        Source::Failed { .. } => {
            ui.label(muted(ui, "The folder could not be opened"));
        }
        _ => {
            ui.label(muted(ui, "No folder open"));
            ui.add_space(space::XS);
            ui.add(egui::Label::new(hint(ui, "The histogram of your classes will stand here")).wrap());
        }
    }
}
