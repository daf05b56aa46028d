//! What a treatment does to each class, as charts: recalls beside those of plain training, and the change of
//! recall, precision and F0.5. Painted by hand; each class reads as one sentence.

use egui::{
    Align2, Color32, FontId, Painter, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2,
    vec2,
};

use super::histogram::truncated;
use super::status_bar::number;
use crate::evaluation::comparison::Change;
use crate::gui::theme::{self, Tokens, space};
use crate::jobs::comparisons::{ClassImages, Mean};

/// Height of a class in the chart of recalls.
const ROW: f32 = 38.0;
/// Height of a bar of the chart of changes.
const BAR: f32 = 15.0;
/// Changes beyond this many percent are not told apart by length; their number says them.
const MOST: f64 = 100.0;

/// Recalls of a class.
#[derive(Clone, Copy, Debug)]
pub struct Recalls<'a> {
    pub class: &'a ClassImages,
    pub plain: Option<Mean>,
    pub treated: Option<Mean>,
}

/// Changes of a class: recall, precision, F0.5.
#[derive(Clone, Copy, Debug)]
pub struct Changes<'a> {
    pub class: &'a ClassImages,
    pub changes: [Change; 3],
}

/// What the three bars are, as they stand.
const BARS: [&str; 3] = ["recall", "precision", "F0.5"];

/// `0.812 ± 0.010`; a dash where there is none.
pub fn mean_words(mean: Option<Mean>) -> String {
    match mean {
        Some(Mean { mean, sd: Some(sd) }) => format!("{mean:.3} ± {sd:.3}"),
        Some(Mean { mean, sd: None }) => format!("{mean:.3}"),
        None => "–".to_owned(),
    }
}

/// A class with its numbers at the left of a chart.
fn class_words(painter: &Painter, t: &Tokens, class: &ClassImages, rect: Rect, width: f32) {
    let name = truncated(painter, &class.name, FontId::proportional(13.0), t.text, width);
    let size = name.size().y;
    let top = rect.center().y - size;
    painter.galley(pos2(rect.left(), top), name, t.text);
    let images = format!("{} training", number(class.training));
    let images = truncated(painter, &images, FontId::proportional(theme::SMALL), t.muted, width);
    painter.galley(pos2(rect.left(), top + size), images, t.muted);
}

/// A row over the whole width: a stop of the Tab key that says `words`.
fn stop(ui: &mut Ui, t: &Tokens, id: (&str, &str), height: f32, words: &str) -> (Rect, Response) {
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), height));
    let id = ui.make_persistent_id(id);
    let response = ui.interact(rect, id, Sense::focusable_noninteractive());
    response.widget_info(|| WidgetInfo::labeled(Role::Meter, true, words));
    if response.gained_focus() {
        response.scroll_to_me(None);
    }
    if response.has_focus() && ui.is_rect_visible(rect) {
        let stroke = Stroke::new(2.0, t.accent);
        ui.painter().rect(rect, theme::RADIUS, t.raised, stroke, StrokeKind::Inside);
    }
    (rect, response)
}

/// Recalls of all classes in this order, `name` filled beside plain training hollow.
pub fn recalls_ui(ui: &mut Ui, t: &Tokens, name: &str, rows: &[Recalls<'_>]) {
    let left = (ui.available_width() * 0.34).clamp(72.0, 150.0);
    let ends = |rect: Rect| (rect.left() + left, (rect.right() - 44.0).max(rect.left() + left + 24.0));
    let (head, _) = ui.allocate_exact_size(vec2(ui.available_width(), 16.0), Sense::hover());
    if ui.is_rect_visible(head) {
        let (from, to) = ends(head);
        let font = FontId::proportional(theme::SMALL);
        for (share, words) in [(0.0, "0"), (0.5, "0.5"), (1.0, "1")] {
            let at = pos2(from + (to - from) * share, head.center().y);
            ui.painter().text(at, Align2::CENTER_CENTER, words, font.clone(), t.muted);
        }
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    for row in rows {
        let (plain, treated) = (mean_words(row.plain), mean_words(row.treated));
        let words = format!(
            "{}, {} training and {} test images: recall {plain} with none, {treated} with {name}",
            row.class.name,
            number(row.class.training),
            number(row.class.test)
        );
        let (rect, response) = stop(ui, t, ("recall of", row.class.name.as_str()), ROW, &words);
        if ui.is_rect_visible(rect) {
            let painter = ui.painter();
            class_words(painter, t, row.class, rect, left - space::S);
            let (from, to) = ends(rect);
            let at = |value: f64| from + (to - from) * value.clamp(0.0, 1.0) as f32;
            for share in [0.0, 0.5, 1.0] {
                painter.vline(at(share), rect.y_range(), Stroke::new(1.0, t.line));
            }
            let y = rect.center().y;
            dot(painter, row.plain, &at, y - 6.0, (t.muted, None));
            dot(painter, row.treated, &at, y + 6.0, (t.accent, Some(t.accent)));
            let text = row.treated.map_or_else(|| "–".to_owned(), |recall| format!("{:.2}", recall.mean));
            let place = pos2(rect.right(), y);
            painter.text(place, Align2::RIGHT_CENTER, text, FontId::proportional(12.5), t.text);
        }
        response.on_hover_text(words);
    }
}

/// A mean with its deviation as a line, filled or hollow.
fn dot(
    painter: &Painter,
    mean: Option<Mean>,
    at: &dyn Fn(f64) -> f32,
    y: f32,
    (line, fill): (Color32, Option<Color32>),
) {
    let Some(Mean { mean, sd }) = mean else { return };
    if let Some(sd) = sd {
        painter.hline(at(mean - sd)..=at(mean + sd), y, Stroke::new(1.5, line));
    }
    let centre = pos2(at(mean), y);
    match fill {
        Some(fill) => painter.circle_filled(centre, 4.0, fill),
        None => painter.circle_stroke(centre, 3.5, Stroke::new(1.5, line)),
    };
}

/// Changes of all classes in this order, to one scale.
pub fn changes_ui(ui: &mut Ui, t: &Tokens, name: &str, rows: &[Changes<'_>]) {
    let largest = rows.iter().flat_map(|row| row.changes).fold(10.0_f64, |most, change| match change {
        Change::Percent(percent) if percent.is_finite() => most.max(percent.abs()),
        _ => most,
    });
    let scale = largest.min(MOST);
    let left = (ui.available_width() * 0.34).clamp(72.0, 150.0);
    ui.spacing_mut().item_spacing.y = 0.0;
    for row in rows {
        let told: Vec<String> = BARS
            .iter()
            .zip(row.changes)
            .map(|(bar, change)| format!("{bar} {}", change.words('\u{a0}', "–")))
            .collect();
        let words = format!(
            "{}, {} training images: {} with {name} against none",
            row.class.name,
            number(row.class.training),
            told.join(", ")
        );
        let height = BAR * BARS.len() as f32 + space::S;
        let (rect, response) = stop(ui, t, ("change of", row.class.name.as_str()), height, &words);
        if ui.is_rect_visible(rect) {
            let painter = ui.painter();
            class_words(painter, t, row.class, rect, left - space::S);
            let area = Rect::from_min_max(pos2(rect.left() + left, rect.top()), rect.right_bottom());
            bars(painter, t, row, area, scale);
        }
        response.on_hover_text(words);
    }
}

fn bars(painter: &Painter, t: &Tokens, row: &Changes<'_>, area: Rect, scale: f64) {
    let (label, value) = (54.0, 50.0);
    let from = area.left() + label;
    let to = (area.right() - value).max(from + 16.0);
    let zero = (from + to) / 2.0;
    painter.vline(zero, area.y_range(), Stroke::new(1.0, t.line));
    let colours = [t.accent, t.accepted, t.rejected];
    let font = FontId::proportional(theme::SMALL);
    for (place, ((name, change), colour)) in BARS.iter().zip(row.changes).zip(colours).enumerate() {
        let y = area.top() + space::XS + BAR * (place as f32 + 0.5);
        painter.text(pos2(area.left(), y), Align2::LEFT_CENTER, *name, font.clone(), t.muted);
        let text = change.words('\u{a0}', "–");
        painter.text(pos2(area.right(), y), Align2::RIGHT_CENTER, text, font.clone(), t.text);
        if let Change::Percent(percent) = change {
            let share = (percent / scale).clamp(-1.0, 1.0) as f32;
            let end = zero + share * (to - from) / 2.0;
            let bar = Rect::from_x_y_ranges(zero.min(end)..=zero.max(end), y - 4.0..=y + 4.0);
            painter.rect_filled(bar, 2.0, colour);
        }
    }
}
