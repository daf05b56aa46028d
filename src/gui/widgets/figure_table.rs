//! A table of figures: rows painted by hand, that read as one sentence each and, where they are of treatments, can be
//! chosen by mouse and keys.

use egui::{
    Align2, Color32, FontId, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2,
    vec2,
};

use super::histogram::truncated;
use crate::gui::icons::{self, Icon};
use crate::gui::theme::{self, Tokens, space};

/// Height of a line of a row.
const LINE: f32 = 22.0;
/// Room of a figure: `0.812 ± 0.010`.
const CELL: f32 = 98.0;
/// Least room of a name.
const NAME: f32 = 96.0;
/// Room of what stands behind the figures: `+0.052 (+0.021 to +0.083)` and a sign.
const NOTE: f32 = 196.0;

/// Where the columns are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Columns {
    name: f32,
    /// Figures that have room; the others are in the row's words.
    pub shown: usize,
    /// The note stands behind the figures, else below the name.
    beside: bool,
}

impl Columns {
    /// Of a table with so many figures and, where `note` is true, something behind them.
    pub fn of(width: f32, figures: usize, note: bool) -> Self {
        let behind = if note { NOTE } else { 0.0 };
        let beside = width >= NAME + figures as f32 * CELL + behind;
        let room = if beside { width - behind } else { width };
        let shown = (((room - NAME) / CELL).floor().max(1.0) as usize).min(figures);
        Columns { name: (room - shown as f32 * CELL).max(NAME / 2.0), shown, beside }
    }

    /// Right edge of a figure, from the left.
    fn end(&self, figure: usize) -> f32 {
        self.name + (figure + 1) as f32 * CELL
    }
}

/// What stands behind the figures of a row, with a sign that says the same.
#[derive(Clone, Debug)]
pub struct Note {
    pub text: String,
    pub sign: Option<(Icon, Color32)>,
}

/// One row.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    pub name: &'a str,
    pub cells: &'a [String],
    pub note: Option<Note>,
    /// The whole row for assistive technology.
    pub words: String,
    pub tip: String,
    pub selected: bool,
}

/// The names over the columns; `words` say them to assistive technology.
pub fn head_ui(ui: &mut Ui, t: &Tokens, columns: Columns, names: &[&str], note: Option<&str>, words: &str) {
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, LINE), Sense::hover());
    if ui.is_rect_visible(rect) {
        let painter = ui.painter();
        let y = rect.center().y;
        let font = FontId::proportional(theme::SMALL);
        for (place, name) in names.iter().take(columns.shown).enumerate() {
            let at = pos2(rect.left() + columns.end(place), y);
            painter.text(at, Align2::RIGHT_CENTER, *name, font.clone(), t.muted);
        }
        if let Some(note) = note.filter(|_| columns.beside) {
            let at = pos2(rect.left() + columns.end(columns.shown.saturating_sub(1)) + space::L, y);
            painter.text(at, Align2::LEFT_CENTER, note, font, t.muted);
        }
        painter.hline(rect.x_range(), rect.bottom() - 1.0, Stroke::new(1.0, t.line));
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words));
}

/// A row that can be chosen; `table` tells it from the row of the same name in another table.
pub fn row_ui(ui: &mut Ui, t: &Tokens, columns: Columns, table: &str, row: &Row<'_>) -> Response {
    let response = room(ui, columns, table, row, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, row.selected, &row.words));
    seen(ui, t, columns, row, response)
}

/// A row that is read and not chosen; keys reach it all the same.
pub fn line_ui(ui: &mut Ui, t: &Tokens, columns: Columns, table: &str, row: &Row<'_>) -> Response {
    let response = room(ui, columns, table, row, Sense::focusable_noninteractive());
    response.widget_info(|| WidgetInfo::labeled(Role::Row, true, &row.words));
    seen(ui, t, columns, row, response)
}

fn room(ui: &mut Ui, columns: Columns, table: &str, row: &Row<'_>, sense: Sense) -> Response {
    let width = ui.available_width();
    let below = row.note.is_some() && !columns.beside;
    let height = if below { 2.0 * LINE } else { LINE + 4.0 };
    let (_, rect) = ui.allocate_space(vec2(width, height));
    let id = ui.make_persistent_id((table, row.name));
    ui.interact(rect, id, sense)
}

fn seen(ui: &Ui, t: &Tokens, columns: Columns, row: &Row<'_>, response: Response) -> Response {
    let rect = response.rect;
    if ui.is_rect_visible(rect) {
        paint(ui, t, columns, row, rect, &response);
    }
    if response.gained_focus() {
        response.scroll_to_me(None);
    }
    response.on_hover_text(&row.tip)
}

fn paint(ui: &Ui, t: &Tokens, columns: Columns, row: &Row<'_>, rect: Rect, response: &Response) {
    let painter = ui.painter();
    if row.selected || response.hovered() || response.has_focus() {
        let ground = if row.selected { t.accent_ground } else { t.raised };
        let stroke = if response.has_focus() { Stroke::new(2.0, t.accent) } else { Stroke::NONE };
        painter.rect(rect.expand2(vec2(6.0, 0.0)), theme::RADIUS, ground, stroke, StrokeKind::Inside);
    }
    let below = row.note.is_some() && !columns.beside;
    let y = if below { rect.top() + LINE / 2.0 } else { rect.center().y };
    let font = FontId::proportional(13.0);
    let name = truncated(painter, row.name, font, t.text, columns.name - space::S);
    painter.galley(pos2(rect.left(), y - name.size().y / 2.0), name, t.text);
    let font = FontId::proportional(12.5);
    for (place, cell) in row.cells.iter().take(columns.shown).enumerate() {
        let at = pos2(rect.left() + columns.end(place), y);
        painter.text(at, Align2::RIGHT_CENTER, cell, font.clone(), t.text);
    }
    let Some(note) = &row.note else { return };
    let at = if below {
        pos2(rect.left() + space::M, rect.bottom() - LINE / 2.0)
    } else {
        pos2(rect.left() + columns.end(columns.shown.saturating_sub(1)) + space::L, y)
    };
    let left = match note.sign {
        Some((sign, colour)) => {
            let place = Rect::from_center_size(at + vec2(7.0, 0.0), Vec2::splat(13.0));
            icons::paint(painter, place, sign, colour);
            at.x + 18.0
        }
        None => at.x,
    };
    let words = truncated(painter, &note.text, font, t.muted, rect.right() - left);
    painter.galley(pos2(left, at.y - words.size().y / 2.0), words, t.muted);
}
