//! A confusion table: a row for each true class, a column for each class that was said. The shade of a cell
//! is its share of the row; the number stands in it, and a row reads as one sentence.

use egui::{Align2, FontId, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::histogram::truncated;
use super::status_bar::number;
use crate::gui::theme::{self, Tokens, blend, space};

/// Height of a row.
const ROW: f32 = 24.0;
/// Least width of a cell whose number is painted.
const NUMBERED: f32 = 26.0;
/// Share of the accent in a cell that has the whole row: text stays readable on it.
const SHADE: f32 = 0.45;

/// What was said of the images of a class, in a sentence.
fn words(classes: &[&str], truth: usize, row: &[u64]) -> String {
    let total: u64 = row.iter().sum();
    let name = classes.get(truth).copied().unwrap_or_default();
    let said = row.iter().zip(classes).filter(|(count, _)| **count > 0);
    let said: Vec<String> =
        said.map(|(count, class)| format!("{} said {class}", number(*count as usize))).collect();
    if said.is_empty() {
        format!("{name}: no test image")
    } else {
        format!("{name}, {} answers: {}", number(total as usize), said.join(", "))
    }
}

/// The table over the whole width.
pub fn confusion_ui(ui: &mut Ui, t: &Tokens, classes: &[&str], rows: &[Vec<u64>]) {
    let width = ui.available_width();
    let left = (width * 0.28).clamp(64.0, 150.0);
    let cell = ((width - left) / classes.len().max(1) as f32).min(84.0);
    ui.spacing_mut().item_spacing.y = 0.0;
    let (head, response) = ui.allocate_exact_size(vec2(width, 18.0), Sense::hover());
    if ui.is_rect_visible(head) {
        let font = FontId::proportional(theme::SMALL);
        for (place, class) in classes.iter().enumerate() {
            let galley = truncated(ui.painter(), class, font.clone(), t.muted, (cell - 4.0).max(4.0));
            let middle = head.left() + left + (place as f32 + 0.5) * cell;
            let at = pos2(middle - galley.size().x / 2.0, head.center().y - galley.size().y / 2.0);
            ui.painter().galley(at, galley, t.muted);
        }
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, "Rows: true class. Columns: said class"));
    for (truth, row) in rows.iter().enumerate() {
        let words = words(classes, truth, row);
        let (_, rect) = ui.allocate_space(vec2(width, ROW));
        let id = ui.make_persistent_id(("answers for", truth));
        let response = ui.interact(rect, id, Sense::focusable_noninteractive());
        response.widget_info(|| WidgetInfo::labeled(Role::Row, true, &words));
        if response.gained_focus() {
            response.scroll_to_me(None);
        }
        if ui.is_rect_visible(rect) {
            let painter = ui.painter();
            if response.has_focus() {
                let stroke = Stroke::new(2.0, t.accent);
                painter.rect(rect, theme::RADIUS, t.raised, stroke, StrokeKind::Inside);
            }
            let name = classes.get(truth).copied().unwrap_or_default();
            let font = FontId::proportional(13.0);
            let galley = truncated(painter, name, font, t.text, left - space::S);
            painter.galley(pos2(rect.left(), rect.center().y - galley.size().y / 2.0), galley, t.text);
            let total: u64 = row.iter().sum();
            for (place, &count) in row.iter().enumerate() {
                let x = rect.left() + left + place as f32 * cell;
                let area = Rect::from_min_size(pos2(x, rect.top()), vec2(cell, ROW)).shrink(1.0);
                let share = if total == 0 { 0.0 } else { count as f32 / total as f32 };
                painter.rect_filled(area, 3.0, blend(t.raised, t.accent, share * SHADE));
                if truth == place {
                    // The right answers, also where nothing is shaded.
                    painter.rect_stroke(area, 3.0, Stroke::new(1.0, t.muted), StrokeKind::Inside);
                }
                if cell >= NUMBERED && count > 0 {
                    let text = number(count as usize);
                    let font = FontId::proportional(if cell < 40.0 { 10.0 } else { 12.0 });
                    painter.text(area.center(), Align2::CENTER_CENTER, text, font, t.text);
                }
            }
        }
        response.on_hover_text(words);
    }
}
