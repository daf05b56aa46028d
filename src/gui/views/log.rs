//! Messages: everything the program said in this window, newest first. And the files of the scan: what could
//! not be read, and what was done to pixels.

use egui::{Label, Modal, ScrollArea, Ui};

use crate::domain::task::Level;
use crate::gui::command::Action;
use crate::gui::icons::{Icon, icon};
use crate::gui::state::State;
use crate::gui::theme::{caption, muted, section, space, tokens};
use crate::gui::widgets::status_bar::{counted, level_word, time_words};

/// Paints the log over the window.
pub fn log_ui(ui: &mut Ui, state: &mut State, out: &mut Vec<Action>) {
    state.notifications.mark_read();
    let modal = Modal::new(egui::Id::unique("log")).show(ui.ctx(), |ui| {
        ui.set_width(640.0);
        let mut close = title_ui(ui, "Messages");
        if state.notifications.is_empty() {
            ui.label(muted(ui, "Nothing was said yet. Warnings and errors of this window are kept here."));
            return close;
        }
        ScrollArea::vertical().max_height(460.0).auto_shrink([false, true]).show(ui, |ui| {
            for message in state.notifications.log() {
                ui.horizontal_top(|ui| {
                    let t = tokens(ui);
                    let (sign, colour) = sign(t, message.level);
                    icon(ui, sign, 16.0, colour);
                    ui.vertical(|ui| {
                        ui.add(Label::new(message.text.as_str()).wrap().selectable(true));
                        let mut words = format!(
                            "{} · {} ago",
                            level_word(message.level),
                            time_words(message.at.elapsed())
                        );
                        if message.times > 1 {
                            words.push_str(&format!(" · {} times", message.times));
                        }
                        ui.label(caption(ui, words));
                    });
                });
                ui.add_space(space::XS);
            }
        });
        ui.horizontal(|ui| {
            if ui.button("Copy all").clicked() {
                let lines = state.notifications.log().map(|m| format!("{}: {}", level_word(m.level), m.text));
                out.push(Action::Copy(lines.collect::<Vec<_>>().join("\n")));
            }
            close |= ui.button("Close").clicked();
        });
        close
    });
    if modal.inner || modal.should_close() {
        out.push(Action::CloseSheet);
    }
}

/// Icon and colour of a level; the word stands beside them.
pub const fn sign(t: &crate::gui::theme::Tokens, level: Level) -> (Icon, egui::Color32) {
    match level {
        Level::Info => (Icon::Info, t.muted),
        Level::Warning => (Icon::Warning, t.warning),
        Level::Error => (Icon::Warning, t.failure),
    }
}

/// A sheet's title with a cross; true where the cross was pressed.
pub fn title_ui(ui: &mut Ui, title: &str) -> bool {
    let close = ui.horizontal(|ui| {
        ui.heading(title);
        let right = egui::Layout::right_to_left(egui::Align::Center);
        ui.with_layout(right, |ui| crate::gui::icons::button(ui, Icon::Close, "Close")).inner.clicked()
    });
    ui.add_space(space::XS);
    close.inner
}

/// Paints the list of unreadable files and notes over the window.
pub fn files_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    let Some(project) = state.project.as_ref() else {
        out.push(Action::CloseSheet);
        return;
    };
    let dataset = &project.dataset;
    let modal = Modal::new(egui::Id::unique("files")).show(ui.ctx(), |ui| {
        ui.set_width(640.0);
        let close = title_ui(ui, "Files of this folder");
        let readable = counted(dataset.samples.len(), "image was read", "images were read");
        let ignored = counted(dataset.ignored, "other file is ignored", "other files are ignored");
        ui.label(muted(ui, format!("{readable}, {ignored}.")));
        ui.add_space(space::S);
        if !dataset.notes.is_empty() {
            ui.label(section(ui, "Notes"));
            for note in &dataset.notes {
                ui.add(Label::new(note.as_str()).wrap().selectable(true));
            }
            ui.add_space(space::S);
        }
        ui.label(section(ui, "Unreadable"));
        if dataset.unreadable.is_empty() {
            ui.label(muted(ui, "Every image could be read."));
            return close;
        }
        ui.label(caption(ui, "left out of every count, model and export; the files stay as they are"));
        let height = 40.0;
        let rows = ScrollArea::vertical().max_height(360.0).auto_shrink([false, true]);
        rows.show_rows(ui, height, dataset.unreadable.len(), |ui, range| {
            for file in dataset.unreadable.get(range).unwrap_or_default() {
                ui.vertical(|ui| {
                    ui.set_height(height);
                    ui.spacing_mut().item_spacing.y = 2.0;
                    ui.add(Label::new(file.path.as_str()).truncate().selectable(true))
                        .on_hover_text(&file.path);
                    ui.add(Label::new(caption(ui, file.reason.as_str())).truncate())
                        .on_hover_text(&file.reason);
                });
            }
        });
        if ui.button("Copy the list").clicked() {
            let lines = dataset.unreadable.iter().map(|f| format!("{}: {}", f.reason, f.path));
            out.push(Action::Copy(lines.collect::<Vec<_>>().join("\n")));
        }
        close
    });
    if modal.inner || modal.should_close() {
        out.push(Action::CloseSheet);
    }
}
