//! The command palette: every command by its name, found by typing letters of it.

use egui::{Key, Modal, Modifiers, Role, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, vec2};

use crate::gui::command::{Action, Command};
use crate::gui::state::State;
use crate::gui::theme::{RADIUS, SMALL, muted, space, tokens};

/// Commands whose name has the letters in this order, the closest first.
pub fn found(text: &str) -> Vec<Command> {
    let wanted: Vec<char> = text.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    let mut hits: Vec<(usize, usize, Command)> = Command::ALL
        .into_iter()
        .enumerate()
        .filter_map(|(place, command)| {
            let name = format!("{} {}", command.text(), command.menu().text()).to_lowercase();
            distance(&name, &wanted).map(|d| (d, place, command))
        })
        .collect();
    hits.sort_by_key(|(distance, place, _)| (*distance, *place));
    hits.into_iter().map(|(_, _, command)| command).collect()
}

/// Letters skipped between the first and the last that is wanted, plus where the first one is; `None` where a
/// letter is missing.
fn distance(name: &str, wanted: &[char]) -> Option<usize> {
    let mut letters = name.chars().enumerate();
    let mut first = None;
    let mut last = 0;
    for &letter in wanted {
        let (place, _) = letters.find(|(_, c)| *c == letter)?;
        first.get_or_insert(place);
        last = place;
    }
    let first = first.unwrap_or(0);
    Some((last - first + 1).saturating_sub(wanted.len()) * 2 + first)
}

/// The palette over the window.
pub fn palette_ui(ui: &mut Ui, state: &mut State, out: &mut Vec<Action>) {
    let ctx = ui.ctx().clone();
    let modal = Modal::new(egui::Id::unique("palette")).show(&ctx, |ui| {
        ui.set_width(480.0);
        let hint = "Type the name of a command";
        let edit = TextEdit::singleline(&mut state.palette_text).hint_text(hint).desired_width(f32::INFINITY);
        let response = ui.add(edit).accessible_name("Command");
        response.request_focus();
        if response.changed() {
            state.palette_row = 0;
        }
        let commands = found(&state.palette_text);
        let last = commands.len().saturating_sub(1);
        let (up, down, enter) = ui.input_mut(|input| {
            (
                input.consume_key(Modifiers::NONE, Key::ArrowUp),
                input.consume_key(Modifiers::NONE, Key::ArrowDown),
                input.key_pressed(Key::Enter),
            )
        });
        if up {
            state.palette_row = state.palette_row.saturating_sub(1);
        }
        if down {
            state.palette_row += 1;
        }
        state.palette_row = state.palette_row.min(last);
        let mut chosen = None;
        if enter {
            chosen = commands.get(state.palette_row).copied();
        }
        ui.add_space(space::XS);
        ScrollArea::vertical().max_height(360.0).auto_shrink([false, true]).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            for (row, command) in commands.iter().enumerate() {
                if row_ui(ui, state, *command, row == state.palette_row, up || down) {
                    chosen = Some(*command);
                }
            }
            if commands.is_empty() {
                ui.label(muted(ui, "No command has these letters"));
            }
        });
        chosen
    });
    let closes = modal.should_close();
    match modal.inner {
        Some(command) if command.enabled(state) => {
            out.push(Action::CloseSheet);
            out.push(Action::Do(command));
        }
        _ if closes => out.push(Action::CloseSheet),
        _ => {}
    }
}

fn row_ui(ui: &mut Ui, state: &State, command: Command, current: bool, moved: bool) -> bool {
    let t = tokens(ui);
    let enabled = command.enabled(state);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, enabled, current, command.text()));
    if current && moved {
        response.scroll_to_me(None);
    }
    if ui.is_rect_visible(rect) {
        if current || response.hovered() {
            let ground = if current { t.accent_ground } else { t.raised };
            ui.painter().rect_filled(rect, RADIUS, ground);
        }
        let colour = if enabled { t.text } else { t.faint };
        let left = rect.left_center() + vec2(10.0, 0.0);
        let font = egui::FontId::proportional(13.0);
        let name = ui.painter().text(left, egui::Align2::LEFT_CENTER, command.text(), font, colour);
        let small = egui::FontId::proportional(SMALL);
        let menu = name.right_center() + vec2(10.0, 0.0);
        ui.painter().text(menu, egui::Align2::LEFT_CENTER, command.menu().text(), small.clone(), t.faint);
        let right = rect.right_center() - vec2(10.0, 0.0);
        let keys = command.keys(ui.ctx());
        ui.painter().text(right, egui::Align2::RIGHT_CENTER, keys, small, t.muted);
    }
    response.on_hover_text(command.tooltip()).clicked() && enabled
}
