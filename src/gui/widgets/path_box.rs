//! A box for the path of something new, with its Save button: the way where the system has no dialogs, and for who types.

use std::path::PathBuf;

use egui::{Button, Id, Key, TextEdit, Ui};

/// Characters of a path that are taken.
const MOST: usize = 4000;

/// Width of a box behind other buttons.
pub const BEHIND: f32 = 240.0;

/// The words of a box: what stands in it while it is empty, and its name for assistive technology.
pub struct Words {
    pub hint: &'static str,
    pub name: &'static str,
}

/// A box of so many points with the id `id`, which the app can give the keyboard, and its button: the path, once
/// something is to be saved there.
pub fn path_box(ui: &mut Ui, id: &str, text: &mut String, width: f32, words: Words) -> Option<PathBuf> {
    let edit = TextEdit::singleline(text).id(Id::unique(id)).hint_text(words.hint).desired_width(width);
    let response = ui.add(edit.char_limit(MOST)).accessible_name(words.name);
    let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    let path = text.trim();
    let pressed = ui.add_enabled(!path.is_empty(), Button::new("Save")).clicked();
    ((entered || pressed) && !path.is_empty()).then(|| PathBuf::from(path))
}

/// Width of a box that has a line to itself beside its button.
pub fn line_width(ui: &Ui) -> f32 {
    (ui.available_width() - 72.0).clamp(80.0, 420.0)
}
