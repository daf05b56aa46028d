//! Points in the plane, found by pointer and keyboard, and their legend.
//!
//! Colour says the class, the sign says where an image is from, so that nothing is told by colour alone. Both
//! directions have one scale. The wheel magnifies, a drag moves, a double click fits again. Knows no image.

use egui::{
    Color32, EventFilter, FontId, Id, Painter, Pos2, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind,
    Ui, Vec2, Vec2b, WidgetInfo, pos2, vec2,
};
use egui_plot::{Plot, PlotPoint, PlotResponse, PlotUi};

use super::histogram::truncated;
use super::status_bar::{counted, number};
use crate::domain::classes::ClassId;
use crate::evaluation::projection::Mark;
use crate::gui::theme::{self, Tokens, blend, class_colour, class_is_dotted};

/// Radius of discs and rings.
const DISC: f32 = 3.5;
/// Half the diagonal of a diamond.
const DIAMOND: f32 = 5.0;
/// Half the side of a cross.
const CROSS: f32 = 3.5;
/// How near the pointer must come to a point, in points of the screen.
const REACH: f32 = 10.0;
/// Widest name in the legend.
const NAME: f32 = 180.0;

/// A point as it is painted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dot {
    /// To the right and upwards.
    pub at: [f64; 2],
    pub class: ClassId,
    pub mark: Mark,
    /// Hidden ones keep their room.
    pub shown: bool,
}

/// How points are laid out.
#[derive(Clone, Copy, Debug)]
pub struct Scatter<'a> {
    /// Another number is looked at afresh.
    pub number: u64,
    pub height: f32,
    pub dots: &'a [Dot],
    pub chosen: Option<usize>,
    /// For assistive technology.
    pub name: &'a str,
}

/// What happened in a frame, by places in [`Scatter::dots`].
pub struct ScatterOutput {
    pub response: Response,
    pub hovered: Option<usize>,
    pub clicked: Option<usize>,
}

impl Scatter<'_> {
    /// Draws the points in the whole width.
    pub fn show(&self, ui: &mut Ui, t: &Tokens) -> ScatterOutput {
        let ((left, right), (bottom, top)) = (range(self.dots, 0), range(self.dots, 1));
        let plot = Plot::new(("scatter", self.number))
            .height(self.height)
            .data_aspect(1.0)
            .include_x(left)
            .include_x(right)
            .include_y(bottom)
            .include_y(top)
            .show_axes(Vec2b::FALSE)
            .show_grid(Vec2b::FALSE)
            .show_x(false)
            .show_y(false)
            .allow_scroll(false)
            .allow_boxed_zoom(false)
            .allow_axis_zoom_drag(false);
        let PlotResponse { response, transform, .. } = plot.show(ui, magnify);
        response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, self.name));
        ui.data_mut(|data| data.insert_temp(focus_key(), response.id));
        let focused = response.has_focus();
        if focused {
            // The arrow keys go from point to point and not to another widget.
            let filter =
                EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        }
        let at = |dot: &Dot| transform.position_from_point(&PlotPoint::new(dot.at[0], dot.at[1]));
        let hovered = response.hover_pos().and_then(|pointer| nearest(self.dots, pointer, at));
        let clicked = hovered.filter(|_| response.clicked());
        if clicked.is_some() {
            response.request_focus();
        }
        if ui.is_rect_visible(response.rect) {
            let painter = ui.painter_at(response.rect);
            self.paint(&painter, t, hovered, at);
            if focused {
                let stroke = Stroke::new(2.0, t.accent);
                painter.rect_stroke(response.rect, 2, stroke, StrokeKind::Inside);
            }
        }
        ScatterOutput { response, hovered, clicked }
    }

    fn paint(&self, painter: &Painter, t: &Tokens, hovered: Option<usize>, at: impl Fn(&Dot) -> Pos2) {
        for mark in Mark::ALL {
            for dot in self.dots.iter().filter(|dot| dot.shown && dot.mark == mark) {
                paint_mark(painter, t, at(dot), mark, Some(dot.class));
            }
        }
        let of = |place: Option<usize>| place.and_then(|place| self.dots.get(place));
        if let Some(dot) = of(hovered) {
            painter.circle_stroke(at(dot), DIAMOND + 3.0, Stroke::new(1.5, t.text));
        }
        if let Some(dot) = of(self.chosen).filter(|dot| dot.shown) {
            // A gap of the ground keeps the ring apart from what lies around.
            painter.circle_stroke(at(dot), DIAMOND + 2.5, Stroke::new(2.0, t.panel));
            painter.circle_stroke(at(dot), DIAMOND + 4.5, Stroke::new(2.5, t.accent));
        }
    }
}

/// True where the arrow keys are free for the points: they have the keyboard, or nothing has.
pub fn has_keyboard(ui: &Ui) -> bool {
    let points = ui.data(|data| data.get_temp::<Id>(focus_key()));
    ui.memory(|memory| memory.focused()).is_none_or(|focused| points == Some(focused))
}

/// Where it is kept which widget the points are.
fn focus_key() -> Id {
    Id::unique("scatter: id of the points")
}

/// The wheel magnifies the points instead of scrolling the page around them, so it is taken away.
fn magnify(plot: &mut PlotUi<'_>) {
    if !plot.response().hovered() {
        return;
    }
    let wheel = plot.ctx().input_mut(|input| {
        let wheel = input.smooth_scroll_delta().y;
        if wheel != 0.0 {
            input.smooth_scroll_delta = Vec2::ZERO;
        }
        wheel
    });
    if wheel != 0.0 {
        plot.zoom_bounds_around_hovered(Vec2::splat((wheel / 200.0).exp()));
    }
}

/// From where to where the points lie along an axis, hidden ones too; never nothing.
fn range(dots: &[Dot], axis: usize) -> (f64, f64) {
    let values = || dots.iter().map(|dot| dot.at[axis]).filter(|value| value.is_finite());
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    if low < high {
        (low, high)
    } else if low.is_finite() {
        (low - 0.5, low + 0.5)
    } else {
        (-0.5, 0.5)
    }
}

/// The shown point nearest to the pointer, where one is in reach.
fn nearest(dots: &[Dot], pointer: Pos2, at: impl Fn(&Dot) -> Pos2) -> Option<usize> {
    let shown = dots.iter().enumerate().filter(|(_, dot)| dot.shown);
    let near = shown.map(|(place, dot)| (place, at(dot).distance(pointer)));
    let reached = near.filter(|(_, distance)| *distance <= REACH);
    reached.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(place, _)| place)
}

/// Paints the sign of a point: a disc is real and a ring held-out; a diamond is made, filled where it is accepted,
/// and a cross rejected. A class past the seventh has a dot in its middle, as its bar has. Without a class it is the
/// sign alone.
pub fn paint_mark(painter: &Painter, t: &Tokens, at: Pos2, mark: Mark, class: Option<ClassId>) {
    let colour = class.map_or(t.muted, |class| class_colour(t, class));
    // Pale colours keep an edge on a light ground, dark ones on a dark one.
    let edge = blend(colour, t.text, 0.3);
    let line = Stroke::new(1.5, edge);
    let thin = Stroke::new(0.75, edge);
    let dot = match mark {
        Mark::Real => {
            painter.circle(at, DISC, colour, thin);
            t.panel
        }
        Mark::HeldOut => {
            painter.circle_stroke(at, DISC, line);
            edge
        }
        Mark::Undecided => {
            painter.add(diamond(at, Color32::TRANSPARENT, line));
            edge
        }
        Mark::Accepted => {
            painter.add(diamond(at, colour, thin));
            t.panel
        }
        Mark::Rejected => {
            for x in [CROSS, -CROSS] {
                painter.line_segment([at - vec2(x, CROSS), at + vec2(x, CROSS)], Stroke::new(2.0, edge));
            }
            t.panel
        }
    };
    if class.is_some_and(class_is_dotted) {
        painter.circle_filled(at, 1.4, dot);
    }
}

fn diamond(at: Pos2, fill: Color32, stroke: Stroke) -> Shape {
    let corners = [vec2(0.0, DIAMOND), vec2(-DIAMOND, 0.0), vec2(0.0, -DIAMOND), vec2(DIAMOND, 0.0)];
    Shape::convex_polygon(corners.map(|corner| at + corner).to_vec(), fill, stroke)
}

/// What an entry of the legend stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    Class(ClassId),
    Mark(Mark),
}

/// An entry of the legend with how many points it has; a click is to hide or show them.
pub fn legend_entry(ui: &mut Ui, t: &Tokens, entry: Entry, name: &str, count: usize, on: bool) -> Response {
    let colour = if on { t.text } else { t.muted };
    let words = format!("{name} {}", number(count));
    let galley = truncated(ui.painter(), &words, FontId::proportional(12.5), colour, NAME);
    let text = galley.size();
    let (rect, response) = ui.allocate_exact_size(vec2(text.x + 28.0, 24.0), Sense::click());
    let points = counted(count, "point", "points");
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, format!("{name}: {points}")));
    if ui.is_rect_visible(rect) {
        let painter = ui.painter();
        if response.has_focus() || response.hovered() {
            let stroke = if response.has_focus() { Stroke::new(2.0, t.accent) } else { Stroke::NONE };
            painter.rect(rect, theme::RADIUS, t.raised, stroke, StrokeKind::Inside);
        }
        let y = rect.center().y;
        let sign = pos2(rect.left() + 10.0, y);
        match entry {
            Entry::Mark(mark) => paint_mark(painter, t, sign, mark, None),
            Entry::Class(class) => {
                let square = Rect::from_center_size(sign, Vec2::splat(10.0));
                painter.rect_filled(square, 2, class_colour(t, class));
                if class_is_dotted(class) {
                    painter.circle_filled(sign, 2.0, t.panel);
                }
            }
        }
        let left = rect.left() + 20.0;
        painter.galley(pos2(left, y - text.y / 2.0), galley, colour);
        if !on {
            painter.hline(left..=left + text.x, y, Stroke::new(1.0, colour));
        }
    }
    let act = if on { "Hide these points" } else { "Show these points" };
    response.on_hover_text(act)
}
