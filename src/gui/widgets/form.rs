//! A form made from a method's table of parameters.
//!
//! Each row has its label, the default with its source at the right edge, the field, and the help as a
//! tooltip. The table is the only source of names, ranges and defaults. Only values that differ from their
//! default are kept, so that a later default reaches old projects.

use std::collections::BTreeMap;

use egui::{Align, CollapsingHeader, ComboBox, Label, Layout, RichText, TextEdit, Ui};
use serde_json::Value;

use crate::gui::theme::{self, Tokens};
use crate::oversampling::{ParamInfo, ParamKind, ParamMap};

/// What the words of a source mean, for its tooltip.
const SOURCE_HELP: &str = "Where the default comes from: a paper, published code, this program (ours), or inferred \
                           where nobody published it.";
/// Shown where a parameter has no fixed default.
const FROM_DATA: &str = "from the data";

/// A value as text, the way fields and hints show it.
pub fn value_text(value: &Value) -> String {
    match value {
        Value::Null => FROM_DATA.to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(word) => word.clone(),
        other => other.to_string(),
    }
}

/// The fields of a table; true where a value changed. `texts` keeps what a person typed that is no value, by
/// parameter name; `open_all` opens every group, else the first is open.
pub fn param_form(
    ui: &mut Ui,
    t: &Tokens,
    table: &[ParamInfo],
    params: &mut ParamMap,
    texts: &mut BTreeMap<String, String>,
    open_all: &mut bool,
) -> bool {
    let mut changed = false;
    let mut groups: Vec<&str> = Vec::new();
    for info in table {
        if !groups.contains(&info.group) {
            groups.push(info.group);
        }
    }
    let mut toggled = false;
    if groups.len() > 1 {
        let words = if *open_all { "Show less" } else { "Show all settings" };
        if ui.link(RichText::new(words).size(theme::SMALL)).clicked() {
            *open_all = !*open_all;
            toggled = true;
        }
    }
    for (place, group) in groups.iter().enumerate() {
        let rows = || table.iter().filter(move |info| info.group == *group);
        let edited = rows().filter(|info| params.contains_key(info.name)).count();
        let title = if edited > 0 { format!("{group} · {edited} changed") } else { (*group).to_owned() };
        // A field that does not hold must be seen.
        let wrong = rows().any(|info| texts.contains_key(info.name));
        let open = (toggled && (place > 0 || *open_all)).then_some(*open_all).or(wrong.then_some(true));
        CollapsingHeader::new(theme::section(ui, &title))
            .id_salt(("group of settings", *group))
            .default_open(place == 0 || *open_all)
            .open(open)
            .show_unindented(ui, |ui| {
                for info in rows() {
                    changed |= param_row(ui, t, info, params, texts);
                    ui.add_space(theme::space::XS);
                }
            });
    }
    changed
}

fn param_row(
    ui: &mut Ui,
    t: &Tokens,
    info: &ParamInfo,
    params: &mut ParamMap,
    texts: &mut BTreeMap<String, String>,
) -> bool {
    let mut changed = false;
    let is_bool = info.kind == ParamKind::Bool;
    let value = params.get(info.name).unwrap_or(&info.default).clone();
    ui.horizontal(|ui| {
        if is_bool {
            let mut on = value.as_bool().unwrap_or(false);
            if ui.checkbox(&mut on, info.label).on_hover_text(info.help).changed() {
                keep(params, info, Value::Bool(on));
                changed = true;
            }
        } else {
            ui.label(info.label).on_hover_text(info.help);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if params.contains_key(info.name) {
                let words = format!("back to {}", value_text(&info.default));
                let link = ui.link(RichText::new("reset").size(theme::SMALL)).on_hover_text(words);
                if link.accessible_name(format!("Reset {}", info.label)).clicked() {
                    params.remove(info.name);
                    texts.remove(info.name);
                    changed = true;
                }
            }
            let caption = Label::new(theme::caption(ui, info.source)).truncate();
            ui.add(caption).on_hover_text(format!("{}\n{SOURCE_HELP}\n{}", info.source, info.help));
        });
    });
    match info.kind {
        ParamKind::Bool => {}
        ParamKind::Choice(words) => changed |= choice_field(ui, info, words, &value, params),
        ParamKind::Int { .. } | ParamKind::Float { .. } => {
            changed |= number_field(ui, t, info, &value, params, texts);
        }
    }
    changed
}

fn choice_field(ui: &mut Ui, info: &ParamInfo, words: &[&str], value: &Value, params: &mut ParamMap) -> bool {
    let mut chosen = value.clone();
    let response = ComboBox::from_id_salt(("setting", info.name))
        .width(ui.available_width())
        .selected_text(value_text(value))
        .show_ui(ui, |ui| {
            if info.default.is_null() {
                ui.selectable_value(&mut chosen, Value::Null, FROM_DATA);
            }
            for word in words {
                ui.selectable_value(&mut chosen, Value::from(*word), *word);
            }
        })
        .response
        .on_hover_text(info.help);
    response.accessible_name(info.label);
    let changed = chosen != *value;
    if changed {
        keep(params, info, chosen);
    }
    changed
}

fn number_field(
    ui: &mut Ui,
    t: &Tokens,
    info: &ParamInfo,
    value: &Value,
    params: &mut ParamMap,
    texts: &mut BTreeMap<String, String>,
) -> bool {
    let id = ui.make_persistent_id(("setting", info.name));
    let mut changed = false;
    // While a person types, the text is theirs: `0.` must not jump to `0`.
    let typed = if ui.memory(|memory| memory.has_focus(id)) {
        ui.data(|data| data.get_temp::<String>(id))
    } else {
        None
    };
    let kept = || if value.is_null() { String::new() } else { value_text(value) };
    let mut text = typed.or_else(|| texts.get(info.name).cloned()).unwrap_or_else(kept);
    let hint = if info.default.is_null() { FROM_DATA.to_owned() } else { value_text(&info.default) };
    let response = ui
        .add(
            TextEdit::singleline(&mut text)
                .id(id)
                .desired_width(f32::INFINITY)
                .hint_text(hint)
                .char_limit(32),
        )
        .on_hover_text(info.help)
        .accessible_name(info.label);
    if response.changed() {
        let trimmed = text.trim();
        let parsed =
            if trimmed.is_empty() { Ok(info.default.clone()) } else { info.kind.parse(info.name, trimmed) };
        match parsed {
            Ok(parsed) => {
                texts.remove(info.name);
                changed = parsed != *value;
                keep(params, info, parsed);
            }
            Err(_) => {
                texts.insert(info.name.to_owned(), text.clone());
            }
        }
        ui.data_mut(|data| data.insert_temp(id, text));
    }
    if response.lost_focus() {
        ui.data_mut(|data| data.remove::<String>(id));
    }
    if texts.contains_key(info.name) {
        let words = format!("Needs {}", info.kind.describe());
        ui.label(RichText::new(words).size(theme::SMALL).color(t.failure));
    }
    changed
}

/// Keeps a value; a default is kept by leaving it out.
fn keep(params: &mut ParamMap, info: &ParamInfo, value: Value) {
    if value == info.default {
        params.remove(info.name);
    } else {
        params.insert(info.name.to_owned(), value);
    }
}
