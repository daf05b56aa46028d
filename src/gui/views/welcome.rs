//! The start: open a folder, drop one, type a path, take up a project, or look at the bundled example. Also
//! the faces of a folder that is being read or that was refused.

use std::path::{Path, PathBuf};

use egui::{Key, Label, Role, ScrollArea, Sense, StrokeKind, TextEdit, Ui, WidgetInfo, vec2};

use crate::gui::command::{Action, Command};
use crate::gui::icons::{self, Icon};
use crate::gui::regions::Region;
use crate::gui::state::{JobKind, Source, State};
use crate::gui::textures::Textures;
use crate::gui::theme::{RADIUS, RADIUS_LARGE, SMALL, caption, hint, muted, section, space, tokens};
use crate::gui::widgets::empty_state::{centred, failed, loading, primary_button, warning_line};

/// Paints the welcome view, or how the opening goes.
pub fn welcome_ui(ui: &mut Ui, state: &mut State, _textures: &mut Textures, out: &mut Vec<Action>) {
    Region::Main.mark(ui);
    match state.source.clone() {
        Source::Reading(folder) => reading_ui(ui, state, &folder, out),
        Source::Failed { folder, message } => {
            let title = "This folder could not be opened";
            failed(ui, title, &message, |ui| {
                if primary_button(ui, "Open another folder…", !state.dialog_open).clicked() {
                    out.push(Action::Do(Command::OpenFolder));
                }
                if ui.button("Try again").clicked() {
                    out.push(state.asked.clone().unwrap_or(Action::Open(folder)));
                }
                if ui.button("Back").clicked() {
                    out.push(Action::Do(Command::CloseProject));
                }
            });
        }
        Source::Nothing | Source::Open => start_ui(ui, state, out),
    }
}

fn reading_ui(ui: &mut Ui, state: &State, folder: &Path, out: &mut Vec<Action>) {
    let name =
        folder.file_name().map_or_else(|| folder.display().to_string(), |n| n.to_string_lossy().into_owned());
    loading(ui, &format!("Reading {name}"), state.job(JobKind::Scan), |ui| {
        if ui.button("Cancel").clicked() {
            out.push(Action::CancelJob(JobKind::Scan));
        }
        ui.add(Label::new(caption(ui, "Nothing is ever written to this folder")).truncate());
    });
}

fn start_ui(ui: &mut Ui, state: &mut State, out: &mut Vec<Action>) {
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        centred(ui, 560.0, 440.0, |ui| {
            ui.label(egui::RichText::new("Balance an imbalanced image folder").size(22.0).strong());
            ui.label(muted(
                ui,
                "Open a folder with one subfolder of images per class. See the imbalance, make minority \
                 images, judge each one, and export a balanced folder that says for ever which images \
                 are made.",
            ));
            ui.add_space(space::L);
            drop_area_ui(ui, state, out);
            ui.add_space(space::S);
            path_ui(ui, state, out);
            if let Some(why) = &state.no_dialogs {
                warning_line(ui, why);
            }
            ui.add_space(space::L);
            ui.label(section(ui, "Example"));
            ui.horizontal(|ui| {
                if ui.button(Command::OpenExample.text()).clicked() {
                    out.push(Action::OpenExample);
                }
                ui.label(caption(ui, Command::OpenExample.tooltip()));
            });
            ui.add_space(space::L);
            ui.label(section(ui, "Recent projects"));
            if state.recent.is_empty() {
                ui.label(hint(ui, "Projects you open are listed here"));
            }
            ui.spacing_mut().item_spacing.y = 2.0;
            for recent in &state.recent {
                ui.horizontal(|ui| {
                    let width = ui.available_width() - 36.0;
                    if recent_ui(ui, &recent.name, &recent.folder, width) {
                        out.push(Action::Open(recent.project.clone()));
                    }
                    let name = format!("Take {} off the list", recent.name);
                    if icons::button(ui, Icon::Close, &name).clicked() {
                        out.push(Action::ForgetRecent(recent.project.clone()));
                    }
                });
            }
        });
    });
}

/// The large button that is also where folders are dropped.
fn drop_area_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 112.0), Sense::click());
    let enabled = !state.dialog_open;
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, Command::OpenFolder.text()));
    if ui.is_rect_visible(rect) {
        let lit = state.drop_hover || response.hovered() || response.has_focus();
        let line = if lit { t.accent } else { t.line };
        let ground = if state.drop_hover { t.accent_ground } else { t.panel };
        let width = if response.has_focus() || state.drop_hover { 2.0 } else { 1.0 };
        ui.painter().rect(rect, RADIUS_LARGE, ground, egui::Stroke::new(width, line), StrokeKind::Inside);
        let middle = rect.center() - vec2(0.0, 22.0);
        let place = egui::Rect::from_center_size(middle, vec2(30.0, 30.0));
        icons::paint(ui.painter(), place, Icon::Folder, if lit { t.accent } else { t.muted });
        let font = egui::FontId::proportional(14.0);
        let words = if state.drop_hover { "Drop to open" } else { Command::OpenFolder.text() };
        let at = rect.center() + vec2(0.0, 12.0);
        ui.painter().text(at, egui::Align2::CENTER_CENTER, words, font, t.text);
        let at = rect.center() + vec2(0.0, 34.0);
        let small = egui::FontId::proportional(SMALL);
        let words = "or drop a folder, a CSV (file, label) or a project here";
        ui.painter().text(at, egui::Align2::CENTER_CENTER, words, small, t.muted);
    }
    if response.on_hover_text(Command::OpenFolder.hint(ui.ctx())).clicked() && enabled {
        out.push(Action::Do(Command::OpenFolder));
    }
}

/// The path box: as good a way in as the dialog, and the only one where the system has none.
fn path_ui(ui: &mut Ui, state: &mut State, out: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        let width = ui.available_width() - 76.0;
        let edit = TextEdit::singleline(&mut state.folder_box)
            .hint_text("Path of a folder, then Enter")
            .desired_width(width)
            .margin(egui::Margin::symmetric(10, 6));
        let response = ui.add(edit).accessible_name("Path of a folder");
        let entered = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        let path = state.folder_box.trim();
        let pressed = ui.add_enabled(!path.is_empty(), egui::Button::new("Open")).clicked();
        if (entered || pressed) && !path.is_empty() {
            out.push(Action::Open(typed_path(path)));
        }
    });
}

/// A typed path: quotes around it (as file managers copy them) and a leading `~` are understood.
pub fn typed_path(text: &str) -> PathBuf {
    let text = text.trim();
    let text = text.strip_prefix("file://").unwrap_or(text);
    let bare = ['"', '\''].into_iter().find_map(|q| text.strip_prefix(q)?.strip_suffix(q)).unwrap_or(text);
    match (bare.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(bare),
    }
}

fn recent_ui(ui: &mut Ui, name: &str, folder: &Path, width: f32) -> bool {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 40.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Open project {name}")));
    if ui.is_rect_visible(rect) {
        if response.hovered() || response.has_focus() {
            let line = if response.has_focus() { t.accent } else { t.line };
            ui.painter().rect(rect, RADIUS, t.raised, egui::Stroke::new(1.0, line), StrokeKind::Inside);
        }
        let inner = rect.shrink2(vec2(10.0, 4.0));
        let painter = ui.painter();
        let font = egui::FontId::proportional(13.0);
        painter.text(inner.left_top(), egui::Align2::LEFT_TOP, name, font, t.text);
        let small = egui::FontId::proportional(SMALL);
        let path = folder.display().to_string();
        let galley = crate::gui::widgets::histogram::truncated(painter, &path, small, t.muted, inner.width());
        painter.galley(inner.left_bottom() - vec2(0.0, galley.size().y), galley, t.muted);
    }
    response.on_hover_text(folder.display().to_string()).clicked()
}
