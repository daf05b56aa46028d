//! The frame around the workspaces: top bar with menus, rail, toasts, questions, the sign for dropping.

use egui::{
    Align, Align2, Area, Button, Frame, Id, Key, Label, Layout, Margin, MenuBar, Modal, Order, Rect, Role,
    Sense, Stroke, StrokeKind, TextEdit, Ui, WidgetInfo, vec2,
};

use super::command::{Action, Command, Menu};
use super::icons::{self, Icon};
use super::state::{Sheet, Source, State, Workspace};
use super::theme::{RADIUS, RADIUS_LARGE, SMALL, caption, size, space, tokens};
use super::views::log::{sign, title_ui};
use super::views::welcome::typed_path;
use super::widgets::empty_state::primary_button;
use super::widgets::palette::{found, palette_ui};
use super::widgets::status_bar::{level_word, number};
use crate::domain::task::Level;

/// Id of the box of the sheet that opens a path; the app gives it the keyboard.
pub const OPEN_BOX: &str = "open a path";

/// Name, menus, project, what is true of every export, the device, the palette.
pub fn top_bar_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    let t = tokens(ui);
    ui.horizontal_centered(|ui| {
        ui.label(egui::RichText::new("counterpoise").size(15.0).strong());
        ui.add_space(space::XS);
        ui.scope(|ui| {
            ui.set_max_width(540.0);
            MenuBar::new().ui(ui, |ui| {
                ui.spacing_mut().item_spacing.x = space::XS;
                ui.spacing_mut().button_padding.x = 6.0;
                for menu in Menu::ALL {
                    ui.menu_button(menu.text(), |ui| menu_ui(ui, state, menu, out));
                }
            });
        });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let keys = Command::Palette.keys(ui.ctx());
            if ui.button(keys).on_hover_text(Command::Palette.tooltip()).clicked() {
                out.push(Action::Do(Command::Palette));
            }
            if let Some(words) = device_words(state) {
                pill(ui, &words, "The device that training and making use");
            }
            if let Some(project) = &state.project {
                if ui.available_width() > 620.0 {
                    let words = "derived and synthetic images are marked in every export";
                    pill(
                        ui,
                        words,
                        "In the file name, in the file itself, in the manifest and in the folder's card",
                    );
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let mut words = project.name.clone();
                    if let Some(row) = project.candidates.first() {
                        words.push_str(&format!(" / run {}", row.run));
                    }
                    let root = project.dataset.root.display().to_string();
                    ui.add(Label::new(egui::RichText::new(words).color(t.muted)).truncate())
                        .on_hover_text(root);
                });
            }
        });
    });
}

/// What the chosen device is, in words.
fn device_words(state: &State) -> Option<String> {
    let project = state.project.as_ref()?;
    let chosen = project.settings.device.as_str();
    let devices = state.devices.full()?;
    let device = if chosen == "auto" {
        devices.iter().find(|d| d.id == "gpu").or_else(|| devices.iter().find(|d| d.id == "cpu"))
    } else {
        devices.iter().find(|d| d.id == chosen)
    };
    device.map(|device| device.kind.clone())
}

fn pill(ui: &mut Ui, text: &str, help: &str) {
    let t = tokens(ui);
    // Laid out by hand: a frame in a centred row would take the height of the bar.
    let font = egui::TextStyle::Small.resolve(ui.style());
    let galley = ui.painter().layout_no_wrap(text.to_owned(), font, t.muted);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(20.0, 8.0), Sense::hover());
    let stroke = Stroke::new(1.0, t.line);
    ui.painter().rect(rect, rect.height() / 2.0, t.raised, stroke, egui::StrokeKind::Inside);
    ui.painter().galley(rect.min + vec2(10.0, 4.0), galley, t.muted);
    response.widget_info(|| egui::WidgetInfo::labeled(Role::Label, true, text));
    response.on_hover_text(help);
}

fn menu_ui(ui: &mut Ui, state: &State, menu: Menu, out: &mut Vec<Action>) {
    ui.set_min_width(240.0);
    for command in Command::ALL.into_iter().filter(|command| command.menu() == menu) {
        let button = Button::new(command.text()).shortcut_text(command.keys(ui.ctx()));
        let response = ui.add_enabled(command.enabled(state), button);
        let why = command.why_disabled(state).unwrap_or_default();
        if response.on_hover_text(command.tooltip()).on_disabled_hover_text(why).clicked() {
            out.push(Action::Do(command));
            ui.close();
        }
    }
}

/// The workspaces in the order of the work.
pub fn rail_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    ui.vertical_centered(|ui| {
        ui.spacing_mut().item_spacing.y = space::XS;
        ui.add_space(space::S);
        for workspace in Workspace::ALL {
            rail_item_ui(ui, state, workspace, out);
        }
    });
}

fn rail_item_ui(ui: &mut Ui, state: &State, workspace: Workspace, out: &mut Vec<Action>) {
    let t = tokens(ui);
    let command = Command::go(workspace);
    let enabled = command.enabled(state);
    let current = enabled && state.workspace == workspace;
    let (rect, response) = ui.allocate_exact_size(vec2(size::RAIL - 16.0, 58.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Tab, enabled, current, workspace.text()));
    if ui.is_rect_visible(rect) {
        let ground = match (current, enabled && response.hovered()) {
            (true, _) => t.accent_ground,
            (false, true) => t.raised,
            _ => t.panel,
        };
        let focus = if response.has_focus() { Stroke::new(2.0, t.accent) } else { Stroke::NONE };
        ui.painter().rect(rect, RADIUS_LARGE, ground, focus, StrokeKind::Inside);
        let colour = match (current, enabled) {
            (true, _) => t.accent,
            (false, true) => t.muted,
            _ => t.faint,
        };
        let icon = match workspace {
            Workspace::Data => Icon::Data,
            Workspace::Plan => Icon::Plan,
            Workspace::Train => Icon::Train,
            Workspace::Review => Icon::Review,
            Workspace::Export => Icon::Export,
            Workspace::Evaluate => Icon::Evaluate,
        };
        let place = Rect::from_center_size(rect.center() - vec2(0.0, 10.0), vec2(22.0, 22.0));
        icons::paint(ui.painter(), place, icon, colour);
        let at = rect.center() + vec2(0.0, 16.0);
        let font = egui::FontId::proportional(SMALL);
        ui.painter().text(at, Align2::CENTER_CENTER, workspace.text(), font, colour);
        let waiting = state.project.as_ref().map_or(0, |p| p.figures.undecided);
        if workspace == Workspace::Review && waiting > 0 {
            let text = if waiting > 999 { "999+".to_owned() } else { number(waiting) };
            let font = egui::FontId::proportional(9.5);
            let galley = ui.painter().layout_no_wrap(text, font, t.on_accent);
            let size = vec2((galley.size().x + 8.0).max(16.0), 14.0);
            let badge = Rect::from_min_size(rect.right_top() + vec2(-size.x - 2.0, 3.0), size);
            ui.painter().rect_filled(badge, 7, t.accent);
            let corner = badge.center() - galley.size() / 2.0;
            ui.painter().galley(corner, galley, t.on_accent);
        }
    }
    let hint = if enabled { command.hint(ui.ctx()) } else { "Open a folder first".to_owned() };
    if response.on_hover_text(hint).clicked() && enabled {
        out.push(Action::Do(command));
    }
}

/// Over the workspace where the images of a project are gone.
pub fn missing_source_ui(ui: &mut Ui, state: &mut State, out: &mut Vec<Action>) {
    let Some(missing) = state.project.as_ref().and_then(|p| p.source_missing.clone()) else { return };
    let t = tokens(ui);
    ui.horizontal_wrapped(|ui| {
        icons::icon(ui, Icon::Warning, 18.0, t.warning);
        ui.label("The images of this project are gone. Connect the drive, or say where they are now.");
        ui.label(caption(ui, missing.display().to_string()));
        if ui.button(Command::FindImages.text()).clicked() {
            out.push(Action::Do(Command::FindImages));
        }
        let edit = TextEdit::singleline(&mut state.folder_box).hint_text("or its path, then Enter");
        let response = ui.add(edit.desired_width(260.0)).accessible_name("New place of the images");
        let entered = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        if entered && !state.folder_box.trim().is_empty() {
            out.push(Action::RelocateSource(typed_path(&state.folder_box)));
        }
    });
}

/// Width of the panel at the right of the workspace, and height of the tools over it, where they are.
fn taken_by_panels(ui: &Ui, state: &State) -> egui::Vec2 {
    let room = ui.ctx().content_rect().width() - size::RAIL - size::CLASSES;
    let side = (room * 0.5).clamp(160.0, size::DETAIL);
    match state.workspace {
        _ if state.project.is_none() => vec2(0.0, 0.0),
        Workspace::Data | Workspace::Review => vec2(side, size::TOOLS),
        Workspace::Plan | Workspace::Export => vec2(side, 0.0),
        Workspace::Train | Workspace::Evaluate => vec2(0.0, size::TOOLS),
    }
}

/// Messages of the last seconds, at the upper right of the workspace: the panel beside it, with its form or its
/// keys, stays free.
pub fn toasts_ui(ui: &Ui, state: &State, out: &mut Vec<Action>) {
    let toasts = state.notifications.toasts();
    if toasts.is_empty() {
        return;
    }
    let area = Area::new(Id::unique("toasts")).order(Order::Foreground);
    let taken = taken_by_panels(ui, state);
    let offset = vec2(-taken.x - 16.0, size::TOP + taken.y + 12.0);
    area.anchor(Align2::RIGHT_TOP, offset).show(ui.ctx(), |ui| {
        let t = tokens(ui);
        for (place, message) in toasts {
            let (icon, colour) = sign(t, message.level);
            let frame = Frame::new().fill(t.panel).stroke(Stroke::new(1.0, t.line)).corner_radius(RADIUS);
            frame.shadow(ui.visuals().popup_shadow).inner_margin(Margin::same(12)).show(ui, |ui| {
                ui.set_width(380.0);
                ui.horizontal_top(|ui| {
                    icons::icon(ui, icon, 16.0, colour);
                    ui.with_layout(Layout::right_to_left(Align::TOP), |ui| {
                        if icons::button(ui, Icon::Close, "Close this message").clicked() {
                            out.push(Action::Dismiss(place));
                        }
                        ui.with_layout(Layout::top_down(Align::Min), |ui| {
                            ui.label(caption(ui, level_word(message.level)));
                            ui.add(Label::new(message.text.as_str()).wrap().selectable(true));
                        });
                    });
                });
            });
        }
    });
}

/// The question before something that one key cannot take back.
pub fn confirm_ui(ui: &Ui, state: &mut State, out: &mut Vec<Action>) {
    let Some(confirm) = state.confirm.clone() else { return };
    let modal = Modal::new(Id::unique("confirm")).show(ui.ctx(), |ui| {
        ui.set_width(400.0);
        ui.heading(confirm.title.as_str());
        ui.add(Label::new(confirm.text.as_str()).wrap());
        ui.add_space(space::S);
        ui.horizontal(|ui| {
            let yes = primary_button(ui, &confirm.yes, true);
            if ui.memory(|memory| memory.focused().is_none()) {
                yes.request_focus();
            }
            let no = ui.button("Cancel").clicked();
            (yes.clicked(), no)
        })
        .inner
    });
    let (yes, no) = modal.inner;
    if yes {
        out.push(confirm.action);
    }
    if yes || no || modal.should_close() {
        state.confirm = None;
    }
}

/// The sheet over the workspace.
pub fn sheet_ui(ui: &mut Ui, state: &mut State, out: &mut Vec<Action>) {
    match state.sheet {
        None => {}
        Some(Sheet::Palette) => {
            say_why_disabled(ui, state, out);
            palette_ui(ui, state, out);
        }
        Some(Sheet::Keys) => super::views::settings::keys_ui(ui, out),
        Some(Sheet::Log) => super::views::log::log_ui(ui, state, out),
        Some(Sheet::Settings) => super::views::settings::settings_ui(ui, state, out),
        Some(Sheet::Files) => super::views::log::files_ui(ui, state, out),
        Some(Sheet::OpenPath) => open_path_ui(ui, state, out),
    }
}

/// Enter on a row of the palette that cannot run says why.
fn say_why_disabled(ui: &Ui, state: &State, out: &mut Vec<Action>) {
    if !ui.input(|input| input.key_pressed(Key::Enter)) {
        return;
    }
    let chosen = found(&state.palette_text).get(state.palette_row).copied();
    if let Some(why) = chosen.and_then(|command| command.why_disabled(state)) {
        out.push(Action::Notify(Level::Info, why));
    }
}

/// A path box for another folder, where one is open already or the system has no dialog.
fn open_path_ui(ui: &Ui, state: &mut State, out: &mut Vec<Action>) {
    let modal = Modal::new(Id::unique("open path")).show(ui.ctx(), |ui| {
        ui.set_width(480.0);
        let mut close = title_ui(ui, "Open a path");
        let edit = TextEdit::singleline(&mut state.folder_box)
            .id(Id::unique(OPEN_BOX))
            .hint_text("Path of a folder, a CSV or a project, then Enter")
            .desired_width(f32::INFINITY)
            .char_limit(4000);
        let response = ui.add(edit).accessible_name("Path to open");
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        ui.add_space(space::S);
        ui.horizontal(|ui| {
            let path = state.folder_box.trim();
            let pressed = primary_button(ui, "Open", !path.is_empty()).clicked();
            if (entered || pressed) && !path.is_empty() {
                out.push(Action::Open(typed_path(path)));
                close = true;
            }
            close |= ui.button("Cancel").clicked();
        });
        close
    });
    if modal.inner || modal.should_close() {
        out.push(Action::CloseSheet);
    }
}

/// The sign that a drop would open what is held over the window.
pub fn drop_sign_ui(ui: &Ui, state: &State) {
    if !state.drop_hover || (state.project.is_none() && matches!(state.source, Source::Nothing)) {
        return;
    }
    let t = tokens(ui);
    let layer = egui::LayerId::new(Order::Foreground, Id::unique("drop sign"));
    let painter = ui.ctx().layer_painter(layer);
    let rect = ui.ctx().content_rect();
    painter.rect_filled(rect, 0, egui::Color32::from_black_alpha(120));
    let sign = Rect::from_center_size(rect.center(), vec2(320.0, 120.0));
    painter.rect(sign, RADIUS_LARGE, t.accent_ground, Stroke::new(2.0, t.accent), StrokeKind::Inside);
    painter.text(
        sign.center(),
        Align2::CENTER_CENTER,
        "Drop to open",
        egui::FontId::proportional(16.0),
        t.text,
    );
}
