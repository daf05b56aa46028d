//! The histogram of classes: real images solid, made and accepted ones hatched, the target as a line, the
//! counts in words. Clicking a class filters by it.

use egui::{
    Align2, Color32, FontId, Painter, Pos2, Rect, Role, Sense, Stroke, StrokeKind, TextStyle, Ui, WidgetInfo,
    pos2, vec2,
};

use super::status_bar::number;
use crate::domain::classes::ClassId;
use crate::gui::theme::{RADIUS, Tokens, blend, caption, class_colour, class_is_dotted, tokens};

/// One class of a histogram.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    pub class: ClassId,
    pub name: String,
    /// Original images.
    pub real: usize,
    /// Made images that count: accepted candidates, or made images of an exported folder.
    pub made: usize,
    /// Byte copies of real images, in an export.
    pub repeated: usize,
    pub target: Option<usize>,
}

/// Height of one class, name and bar.
pub const ROW: f32 = 40.0;

/// The hatched parts are images that were made.
pub const ACCEPTED: &str = "made and accepted";

/// The hatched parts are not made yet.
pub const PLANNED: &str = "made as planned";

/// Least width of a part that is there: hatching is told from a solid end from here on.
const LEAST: f32 = 3.0;

/// What the fills and the line mean, on two lines under a histogram.
pub fn legend_ui(ui: &mut Ui) {
    let t = tokens(ui);
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = 15.0;
        ui.spacing_mut().item_spacing = vec2(5.0, 3.0);
        ui.horizontal(|ui| {
            sample_ui(ui, "real", |painter, rect| {
                painter.rect_filled(rect, 2, t.muted);
            });
            sample_ui(ui, ACCEPTED, |painter, rect| hatch(painter, rect, t.muted, t));
        });
        ui.horizontal(|ui| {
            sample_ui(ui, "target", |painter, rect| {
                painter.vline(rect.center().x, rect.y_range(), Stroke::new(2.0, t.text));
            });
        });
    });
}

/// A sign of the legend and its meaning.
fn sample_ui(ui: &mut Ui, words: &str, paint: impl FnOnce(&Painter, Rect)) {
    let (rect, _) = ui.allocate_exact_size(vec2(14.0, 10.0), Sense::hover());
    paint(ui.painter(), rect);
    ui.label(caption(ui, words));
    ui.add_space(7.0);
}

/// Bars of all classes, one below the other, in the full width; `made` says what the hatched parts are,
/// [`ACCEPTED`] or [`PLANNED`]. Returns a class that was clicked.
pub fn histogram_ui(
    ui: &mut Ui,
    salt: &str,
    bars: &[Bar],
    log: bool,
    selected: Option<ClassId>,
    made: &str,
) -> Option<ClassId> {
    let largest =
        bars.iter().map(|b| (b.real + b.made + b.repeated).max(b.target.unwrap_or(0))).max().unwrap_or(0);
    let mut clicked = None;
    for bar in bars {
        let words = words(bar, made);
        if bar_ui(ui, (salt, bar, words.as_str()), largest, log, selected == Some(bar.class)) {
            clicked = Some(bar.class);
        }
    }
    clicked
}

/// Share of the full width for a count, in \[0, 1\].
pub fn length(count: usize, largest: usize, log: bool) -> f32 {
    if largest == 0 {
        return 0.0;
    }
    let share =
        if log { (count as f64).ln_1p() / (largest as f64).ln_1p() } else { count as f64 / largest as f64 };
    share.clamp(0.0, 1.0) as f32
}

fn bar_ui(
    ui: &mut Ui,
    (salt, bar, words): (&str, &Bar, &str),
    largest: usize,
    log: bool,
    selected: bool,
) -> bool {
    let t = tokens(ui);
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), ROW - ui.spacing().item_spacing.y));
    let id = ui.make_persistent_id((salt, bar.class));
    let response = ui.interact(rect, id, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, words));
    if ui.is_rect_visible(rect) {
        let lit = response.hovered() || response.has_focus() || selected;
        if lit {
            let ground = if selected { t.accent_ground } else { t.raised };
            let stroke = if response.has_focus() { Stroke::new(2.0, t.accent) } else { Stroke::NONE };
            ui.painter().rect(rect.expand2(vec2(6.0, 2.0)), RADIUS, ground, stroke, StrokeKind::Inside);
        }
        paint(ui, rect, bar, largest, log);
    }
    let response = response.on_hover_ui(|ui| {
        ui.label(words);
        ui.label(if selected { "Click to show all classes" } else { "Click to show this class alone" });
    });
    response.clicked()
}

/// The bar as a sentence, for the tooltip and for screen readers; `made` says what the hatched part is.
fn words(bar: &Bar, made: &str) -> String {
    let mut text = format!("{}: {} real", bar.name, number(bar.real));
    if bar.made > 0 {
        text.push_str(&format!(", {} {made}", number(bar.made)));
    }
    if bar.repeated > 0 {
        text.push_str(&format!(", {} repeated", number(bar.repeated)));
    }
    if let Some(target) = bar.target {
        text.push_str(&format!(", target {}", number(target)));
    }
    text
}

fn paint(ui: &Ui, rect: Rect, bar: &Bar, largest: usize, log: bool) {
    let t = tokens(ui);
    let painter = ui.painter_at(rect.expand(2.0));
    let font = TextStyle::Body.resolve(ui.style());
    let right = match (bar.made, bar.repeated) {
        (0, 0) => number(bar.real),
        (made, 0) => format!("{} + {} made", number(bar.real), number(made)),
        (0, repeated) => format!("{} + {} repeated", number(bar.real), number(repeated)),
        (made, repeated) => {
            format!("{} + {} made + {} repeated", number(bar.real), number(made), number(repeated))
        }
    };
    let right = painter.layout_no_wrap(right, font.clone(), t.text);
    let left_room = (rect.width() - right.size().x - 8.0).max(24.0);
    let name = truncated(&painter, &bar.name, font, t.text, left_room);
    painter.galley(rect.left_top(), name, t.text);
    painter.galley(pos2(rect.right() - right.size().x, rect.top()), right, t.text);

    let track =
        Rect::from_min_max(pos2(rect.left(), rect.top() + 19.0), pos2(rect.right(), rect.top() + 31.0));
    painter.rect_filled(track, 3, t.raised);
    let at = |count: usize| track.left() + track.width() * length(count, largest, log);
    let colour = class_colour(t, bar.class);
    // A few images are still seen beside thousands: each part that is there has its least width, from where
    // the one before it ends.
    let mut end = track.left();
    let mut part = |count: usize, until: usize| {
        let right = at(until).max(end + if count > 0 { LEAST } else { 0.0 }).min(track.right());
        let left = if count > 0 { end.min(right - LEAST) } else { right };
        end = right;
        Rect::from_x_y_ranges(left..=right, track.y_range())
    };
    let made_end = bar.real + bar.made;
    let solid = part(bar.real, bar.real);
    let made = part(bar.made, made_end);
    let repeated = part(bar.repeated, made_end + bar.repeated);
    if bar.real > 0 {
        painter.rect_filled(solid, 3.0_f32.min(solid.width() / 2.0), colour);
        if class_is_dotted(bar.class) {
            dots(&painter, solid, t.panel);
        }
    }
    if bar.made > 0 {
        hatch(&painter, made, colour, t);
    }
    if bar.repeated > 0 {
        let area = repeated;
        painter.rect_filled(area, 0, blend(t.raised, colour, 0.18));
        painter.rect_stroke(area, 0, Stroke::new(1.0, colour), StrokeKind::Inside);
    }
    if let Some(target) = bar.target {
        let x = at(target).clamp(track.left() + 1.0, track.right() - 1.0);
        painter.vline(x, track.top() - 3.0..=track.bottom() + 3.0, Stroke::new(2.0, t.text));
    }
}

/// Diagonal lines on a dimmed ground: the sign of made images everywhere.
pub fn hatch(painter: &Painter, rect: Rect, colour: Color32, t: &Tokens) {
    if rect.width() <= 0.0 {
        return;
    }
    painter.rect_filled(rect, 0, blend(t.panel, colour, 0.3));
    let inside = painter.with_clip_rect(painter.clip_rect().intersect(rect));
    let height = rect.height();
    let stroke = Stroke::new(1.6, colour);
    let mut x = rect.left() - height;
    while x < rect.right() {
        inside.line_segment([pos2(x, rect.bottom()), pos2(x + height, rect.top())], stroke);
        x += 5.0;
    }
    // A border would fill a sliver, and it would read as solid.
    if rect.width() >= 6.0 {
        painter.rect_stroke(rect, 0, Stroke::new(1.0, colour), StrokeKind::Inside);
    }
}

/// The second pattern, for classes past the seventh.
fn dots(painter: &Painter, rect: Rect, colour: Color32) {
    let inside = painter.with_clip_rect(painter.clip_rect().intersect(rect));
    let mut x = rect.left() + 4.0;
    while x < rect.right() {
        inside.circle_filled(pos2(x, rect.center().y), 1.6, colour);
        x += 7.0;
    }
}

/// A small square in the colour and pattern of a class, to stand beside its name.
pub fn class_swatch(ui: &mut Ui, class: ClassId) {
    let t = tokens(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
    ui.painter().rect_filled(rect, 2, class_colour(t, class));
    if class_is_dotted(class) {
        ui.painter().circle_filled(rect.center(), 2.0, t.panel);
    }
}

/// One line of text that ends in an ellipsis where it is too long.
pub fn truncated(
    painter: &Painter,
    text: &str,
    font: FontId,
    colour: Color32,
    width: f32,
) -> std::sync::Arc<egui::Galley> {
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, colour);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width);
    painter.layout_job(job)
}

/// Text over a picture on a dark ground, anchored at a corner; returns the ground.
pub fn picture_label(painter: &Painter, at: Pos2, anchor: Align2, text: &str, width: f32) -> Rect {
    let font = FontId::proportional(crate::gui::theme::SMALL);
    let galley = truncated(painter, text, font, crate::gui::theme::ON_PICTURE, width - 10.0);
    let size = galley.size() + vec2(10.0, 4.0);
    let rect = anchor.anchor_size(at, size);
    painter.rect_filled(rect, 3, crate::gui::theme::PICTURE_LABEL);
    painter.galley(rect.min + vec2(5.0, 2.0), galley, crate::gui::theme::ON_PICTURE);
    rect
}
