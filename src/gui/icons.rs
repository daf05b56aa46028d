//! Icons as strokes in a grid of 24 units, so that they follow the text's colour and need no font and no
//! file.

use egui::{
    Color32, Painter, Pos2, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, vec2,
};

use super::theme::tokens;

/// One icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Data,
    Plan,
    Train,
    Review,
    Export,
    Evaluate,
    Folder,
    Check,
    Cross,
    Dash,
    Undo,
    Redo,
    Close,
    Warning,
    Info,
    Search,
    Pause,
    Play,
    Stop,
    Settings,
    Excluded,
    Keyboard,
    Bell,
    ChevronDown,
    ChevronRight,
}

/// The parts of an icon, in grid units.
enum Part {
    Line(&'static [(f32, f32)]),
    Closed(&'static [(f32, f32)]),
    Circle(f32, f32, f32),
    /// Left, top, width, height.
    Box(f32, f32, f32, f32),
    Dot(f32, f32, f32),
}

use Part::{Box, Circle, Closed, Dot, Line};

impl Icon {
    const fn parts(self) -> &'static [Part] {
        match self {
            Icon::Data => &[
                Box(4.0, 4.0, 6.5, 6.5),
                Box(13.5, 4.0, 6.5, 6.5),
                Box(4.0, 13.5, 6.5, 6.5),
                Box(13.5, 13.5, 6.5, 6.5),
            ],
            Icon::Plan => &[
                Line(&[(3.5, 20.0), (20.5, 20.0)]),
                Line(&[(6.5, 20.0), (6.5, 12.0)]),
                Line(&[(12.0, 20.0), (12.0, 4.0)]),
                Line(&[(17.5, 20.0), (17.5, 9.0)]),
            ],
            Icon::Train => &[
                Line(&[(4.0, 4.0), (4.0, 20.0), (20.5, 20.0)]),
                Line(&[(7.0, 6.0), (8.5, 11.0), (11.0, 14.0), (14.5, 15.8), (20.0, 16.5)]),
            ],
            Icon::Review => &[
                Closed(&[
                    (2.5, 12.0),
                    (5.5, 8.2),
                    (8.6, 6.3),
                    (12.0, 5.6),
                    (15.4, 6.3),
                    (18.5, 8.2),
                    (21.5, 12.0),
                    (18.5, 15.8),
                    (15.4, 17.7),
                    (12.0, 18.4),
                    (8.6, 17.7),
                    (5.5, 15.8),
                ]),
                Circle(12.0, 12.0, 3.0),
            ],
            Icon::Export => &[
                Line(&[(12.0, 3.5), (12.0, 15.0)]),
                Line(&[(7.0, 10.5), (12.0, 15.5), (17.0, 10.5)]),
                Line(&[(4.0, 20.0), (20.0, 20.0)]),
            ],
            Icon::Evaluate => &[
                Line(&[(4.5, 17.0), (9.5, 11.5), (13.5, 14.0), (19.5, 7.0)]),
                Dot(4.5, 17.0, 1.9),
                Dot(9.5, 11.5, 1.9),
                Dot(13.5, 14.0, 1.9),
                Dot(19.5, 7.0, 1.9),
            ],
            Icon::Folder => {
                &[Closed(&[(3.5, 19.0), (3.5, 5.0), (9.5, 5.0), (11.5, 7.5), (20.5, 7.5), (20.5, 19.0)])]
            }
            Icon::Check => &[Line(&[(5.0, 12.5), (10.0, 17.5), (19.5, 7.0)])],
            Icon::Cross | Icon::Close => {
                &[Line(&[(6.0, 6.0), (18.0, 18.0)]), Line(&[(18.0, 6.0), (6.0, 18.0)])]
            }
            Icon::Dash => &[Line(&[(6.0, 12.0), (18.0, 12.0)])],
            Icon::Undo => &[
                Line(&[(8.5, 4.5), (4.0, 9.0), (8.5, 13.5)]),
                Line(&[
                    (4.0, 9.0),
                    (14.5, 9.0),
                    (18.0, 10.5),
                    (19.5, 14.0),
                    (18.0, 17.5),
                    (14.5, 19.0),
                    (10.0, 19.0),
                ]),
            ],
            Icon::Redo => &[
                Line(&[(15.5, 4.5), (20.0, 9.0), (15.5, 13.5)]),
                Line(&[
                    (20.0, 9.0),
                    (9.5, 9.0),
                    (6.0, 10.5),
                    (4.5, 14.0),
                    (6.0, 17.5),
                    (9.5, 19.0),
                    (14.0, 19.0),
                ]),
            ],
            Icon::Warning => &[
                Closed(&[(12.0, 3.5), (21.5, 20.0), (2.5, 20.0)]),
                Line(&[(12.0, 9.5), (12.0, 14.5)]),
                Dot(12.0, 17.3, 1.1),
            ],
            Icon::Info => {
                &[Circle(12.0, 12.0, 8.5), Line(&[(12.0, 11.0), (12.0, 16.5)]), Dot(12.0, 7.8, 1.1)]
            }
            Icon::Search => &[Circle(10.5, 10.5, 6.0), Line(&[(15.0, 15.0), (20.5, 20.5)])],
            Icon::Pause => &[Line(&[(8.5, 5.0), (8.5, 19.0)]), Line(&[(15.5, 5.0), (15.5, 19.0)])],
            Icon::Play => &[Closed(&[(7.0, 4.5), (19.5, 12.0), (7.0, 19.5)])],
            Icon::Stop => &[Box(6.0, 6.0, 12.0, 12.0)],
            Icon::Settings => &[
                Line(&[(3.5, 7.0), (20.5, 7.0)]),
                Line(&[(3.5, 17.0), (20.5, 17.0)]),
                Circle(9.0, 7.0, 2.6),
                Circle(15.0, 17.0, 2.6),
            ],
            Icon::Excluded => &[Circle(12.0, 12.0, 8.5), Line(&[(6.2, 6.2), (17.8, 17.8)])],
            Icon::Keyboard => &[
                Box(2.5, 6.0, 19.0, 12.0),
                Line(&[(8.0, 14.5), (16.0, 14.5)]),
                Dot(6.5, 10.0, 1.0),
                Dot(10.2, 10.0, 1.0),
                Dot(13.8, 10.0, 1.0),
                Dot(17.5, 10.0, 1.0),
            ],
            Icon::Bell => &[
                Closed(&[
                    (5.0, 17.0),
                    (6.8, 14.5),
                    (7.2, 9.5),
                    (9.0, 6.5),
                    (12.0, 5.5),
                    (15.0, 6.5),
                    (16.8, 9.5),
                    (17.2, 14.5),
                    (19.0, 17.0),
                ]),
                Line(&[(10.5, 20.0), (13.5, 20.0)]),
            ],
            Icon::ChevronDown => &[Line(&[(6.0, 9.5), (12.0, 15.5), (18.0, 9.5)])],
            Icon::ChevronRight => &[Line(&[(9.5, 6.0), (15.5, 12.0), (9.5, 18.0)])],
        }
    }
}

/// Paints an icon into the largest centred square of `rect`.
pub fn paint(painter: &Painter, rect: Rect, icon: Icon, colour: Color32) {
    let side = rect.width().min(rect.height());
    let unit = side / 24.0;
    let origin = rect.center() - vec2(side, side) / 2.0;
    let at = |x: f32, y: f32| -> Pos2 { origin + vec2(x, y) * unit };
    let stroke = Stroke::new((1.7 * unit).max(1.1), colour);
    for part in icon.parts() {
        match part {
            Line(points) => {
                let points: Vec<Pos2> = points.iter().map(|&(x, y)| at(x, y)).collect();
                painter.add(Shape::line(points, stroke));
            }
            Closed(points) => {
                let points: Vec<Pos2> = points.iter().map(|&(x, y)| at(x, y)).collect();
                painter.add(Shape::closed_line(points, stroke));
            }
            Circle(x, y, radius) => {
                painter.circle_stroke(at(*x, *y), radius * unit, stroke);
            }
            Box(x, y, width, height) => {
                let area = Rect::from_min_size(at(*x, *y), vec2(*width, *height) * unit);
                painter.rect_stroke(area, 1.5 * unit, stroke, StrokeKind::Middle);
            }
            Dot(x, y, radius) => {
                painter.circle_filled(at(*x, *y), radius * unit, colour);
            }
        }
    }
}

/// An icon that takes the place of a word in a line of text.
pub fn icon(ui: &mut Ui, icon: Icon, points: f32, colour: Color32) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(points, points), Sense::hover());
    if ui.is_rect_visible(rect) {
        paint(ui.painter(), rect, icon, colour);
    }
    response
}

/// A button that shows an icon alone; `name` is what screen readers and the tooltip say.
pub fn button(ui: &mut Ui, icon: Icon, name: &str) -> Response {
    let side = super::theme::size::CONTROL;
    let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, name));
    if ui.is_rect_visible(rect) {
        let t = tokens(ui);
        let visuals = ui.style().interact(&response);
        let active = response.hovered() || response.has_focus() || response.is_pointer_button_down_on();
        if active {
            ui.painter().rect(
                rect,
                visuals.corner_radius,
                visuals.weak_bg_fill,
                visuals.bg_stroke,
                StrokeKind::Inside,
            );
        }
        let colour = if active { t.text } else { t.muted };
        paint(ui.painter(), rect.shrink(6.0), icon, colour);
    }
    response.on_hover_text(name)
}
