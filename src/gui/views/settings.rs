//! Settings of the window, and the sheet of keys. Both are generated from the state and the command list.

use egui::{Modal, ScrollArea, Ui};

use super::log::title_ui;
use crate::gui::command::{Action, Command, Menu};
use crate::gui::state::{Face, State, ThemeChoice};
use crate::gui::theme::{caption, muted, section, space};
use crate::gui::widgets::class_panel::fact;
use crate::gui::widgets::keycap::keycap;

/// Keys that are not commands: they belong to a place.
const PLACE_KEYS: [(&str, &str, &str); 11] = [
    ("Data", "1 2 … 9 0", "Give the selected images the class of that number"),
    ("Data", "← → ↑ ↓", "Move; with shift, select a range"),
    ("Data", "PgUp PgDn Home End", "Move by a page or to an end; with shift, select a range"),
    ("Review", "← → ↑ ↓", "Move; with shift, select a range"),
    ("Review", "PgUp PgDn Home End", "Move by a page or to an end; with shift, select a range"),
    ("Review", "Z", "Large view, beside the keys of the command"),
    ("Feature map", "← → ↑ ↓", "Go to the next point of a class, or to the next class"),
    ("Feature map", "Home End", "Go to the first or the last point"),
    ("Everywhere", "Tab", "Go to the next control"),
    ("Everywhere", "Space", "Press the control that has the keyboard"),
    ("Everywhere", "Esc", "Close what lies on top"),
];

/// Paints the settings over the window.
pub fn settings_ui(ui: &mut Ui, state: &mut State, out: &mut Vec<Action>) {
    let modal = Modal::new(egui::Id::unique("settings")).show(ui.ctx(), |ui| {
        ui.set_width(440.0);
        let close = title_ui(ui, "Settings");
        ui.label(section(ui, "Theme"));
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 24.0;
            for choice in ThemeChoice::ALL {
                if ui.radio(state.theme == choice, choice.text()).clicked() {
                    out.push(Action::SetTheme(choice));
                }
            }
        });
        ui.add_space(space::S);
        ui.label(section(ui, "Scale"));
        ui.horizontal(|ui| {
            let mut among = false;
            for percent in [100_u8, 125, 150, 175, 200] {
                let zoom = f32::from(percent) / 100.0;
                let chosen = (state.zoom - zoom).abs() < 0.01;
                among |= chosen;
                if ui.selectable_label(chosen, format!("{percent} %")).clicked() {
                    out.push(Action::SetZoom(zoom));
                }
            }
            if !among {
                ui.label(muted(ui, format!("now {:.0} %", state.zoom * 100.0)));
            }
        });
        ui.add_space(space::S);
        ui.label(section(ui, "Devices"));
        match &state.devices {
            Face::Empty | Face::Loading => {
                ui.label(muted(ui, "Looking for devices"));
            }
            Face::Failed(why) => {
                ui.label(muted(ui, why.as_str()));
            }
            Face::Full(devices) => {
                for device in devices {
                    fact(ui, &device.id, format!("{} · {}", device.name, device.kind));
                }
            }
        }
        ui.label(caption(ui, "which one a training uses is chosen in Train"));
        ui.add_space(space::S);
        ui.label(section(ui, "About"));
        fact(ui, "counterpoise", env!("CARGO_PKG_VERSION"));
        ui.label(caption(ui, "not a medical device; made images are marked in every export"));
        close
    });
    if modal.inner || modal.should_close() {
        out.push(Action::CloseSheet);
    }
}

/// Paints the list of all keys over the window.
pub fn keys_ui(ui: &mut Ui, out: &mut Vec<Action>) {
    let modal = Modal::new(egui::Id::unique("keys")).show(ui.ctx(), |ui| {
        ui.set_width(600.0);
        let close = title_ui(ui, "All keys");
        let height = (ui.ctx().content_rect().height() - 160.0).clamp(160.0, 520.0);
        ScrollArea::vertical().max_height(height).auto_shrink([false, true]).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            for menu in Menu::ALL {
                let commands =
                    Command::ALL.into_iter().filter(|c| c.menu() == menu && !c.shortcuts().is_empty());
                let commands: Vec<Command> = commands.collect();
                if commands.is_empty() {
                    continue;
                }
                ui.add_space(space::XS);
                ui.label(section(ui, menu.text()));
                for command in commands {
                    let keys = command.all_keys(ui.ctx());
                    key_row(ui, &keys, command.text(), command.tooltip());
                }
            }
            ui.add_space(space::XS);
            ui.label(section(ui, "In their places"));
            for (place, keys, meaning) in PLACE_KEYS {
                let keys: Vec<String> = keys.split(' ').map(str::to_owned).collect();
                key_row(ui, &keys, place, meaning);
            }
        });
        close
    });
    if modal.inner || modal.should_close() {
        out.push(Action::CloseSheet);
    }
}

fn key_row(ui: &mut Ui, keys: &[String], name: &str, meaning: &str) {
    ui.horizontal_top(|ui| {
        let width = 190.0;
        ui.allocate_ui_with_layout(
            egui::vec2(width, 20.0),
            egui::Layout::left_to_right(egui::Align::Center),
            |ui| {
                ui.set_width(width);
                ui.spacing_mut().item_spacing.x = 4.0;
                for key in keys {
                    keycap(ui, key);
                }
            },
        );
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            ui.label(name);
            ui.add(egui::Label::new(caption(ui, meaning)).wrap());
        });
    });
}
