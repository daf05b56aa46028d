//! Pictures side by side with one zoom and one pan.
//!
//! Enlarged pictures keep their pixels as squares, shrunk ones are smoothed, and the words of [`scale_words`]
//! say which. Knows textures and the theme, not where pictures come from.

use egui::{
    Color32, Context, CornerRadius, CursorIcon, FontId, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui,
    Vec2, WidgetInfo, pos2, vec2,
};

use crate::gui::textures::Shown;
use crate::gui::theme::{self, ON_PICTURE, PICTURE_GROUND, Tokens};
use crate::gui::widgets::histogram::truncated;

/// Largest magnification over the fitted size.
pub const ZOOM_MAX: f32 = 32.0;

/// The part of a picture that is seen; shared by all pictures that are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Zoom {
    /// 1 shows the whole picture.
    pub factor: f32,
    /// Shift of the centre in parts of the picture's side; 0 is the middle.
    pub pan: [f32; 2],
}

impl Default for Zoom {
    fn default() -> Self {
        Zoom { factor: 1.0, pan: [0.0, 0.0] }
    }
}

impl Zoom {
    /// Keeps the seen part inside the picture.
    pub fn clamped(self) -> Self {
        let factor = if self.factor.is_finite() { self.factor.clamp(1.0, ZOOM_MAX) } else { 1.0 };
        let room = 0.5 - 0.5 / factor;
        let pan = self.pan.map(|p| if p.is_finite() { p.clamp(-room, room) } else { 0.0 });
        Zoom { factor, pan }
    }

    /// The seen part in texture coordinates.
    pub fn seen(self) -> Rect {
        let zoom = self.clamped();
        let centre = pos2(0.5 + zoom.pan[0], 0.5 + zoom.pan[1]);
        Rect::from_center_size(centre, Vec2::splat(1.0 / zoom.factor))
    }

    /// Magnifies around a point of the picture given in parts of the seen part, (0, 0) top left.
    pub fn magnify(&mut self, by: f32, at: Vec2) {
        let before = self.seen();
        let fixed = before.min + before.size() * at;
        let factor = (self.factor * by).clamp(1.0, ZOOM_MAX);
        let size = Vec2::splat(1.0 / factor);
        let centre = fixed - size * at + size * 0.5;
        *self = Zoom { factor, pan: [centre.x - 0.5, centre.y - 0.5] }.clamped();
    }
}

/// One pane of a comparison.
pub struct Pane<'a> {
    pub picture: Shown,
    /// Shown instead where there is nothing to load.
    pub absent: Option<&'a str>,
    /// Below the picture, for example `seed · pneumonia`.
    pub caption: &'a str,
    /// For assistive technology.
    pub name: &'a str,
}

/// Height of the caption under a pane.
pub const CAPTION: f32 = 18.0;

/// How a picture fitted into `side` points is shown, in words: its scale, and what enlarging or shrinking
/// does to its pixels.
pub fn scale_words(ctx: &Context, size: Vec2, side: f32, zoom: Zoom) -> String {
    let longer = size.x.max(size.y).max(1.0);
    let scale = side * ctx.pixels_per_point() / longer * zoom.clamped().factor;
    let how = if (scale - 1.0).abs() < 1e-3 {
        "pixel for pixel"
    } else if scale > 1.0 {
        "pixels as squares"
    } else {
        "smoothed"
    };
    format!("{:.0} %, {how}", scale * 100.0)
}

/// Paints one pane of `side` points; wheel and drag change `zoom` for all panes that share it, a double click
/// fits again. Without `zoom` the whole picture is shown and the wheel is left to the panel around it.
pub fn picture_pane(
    ui: &mut Ui,
    t: &Tokens,
    side: f32,
    pane: &Pane<'_>,
    zoom: Option<&mut Zoom>,
) -> Response {
    let sense = if zoom.is_some() { Sense::click_and_drag() } else { Sense::hover() };
    let (all, response) = ui.allocate_exact_size(vec2(side, side + CAPTION), sense);
    let rect = Rect::from_min_size(all.min, Vec2::splat(side));
    let seen = match zoom {
        Some(zoom) => {
            gestures(ui, rect, &response, zoom);
            zoom.seen()
        }
        None => Zoom::default().seen(),
    };
    let painter = ui.painter();
    painter.rect_filled(rect, CornerRadius::same(6), PICTURE_GROUND);
    let failed;
    let words = match (pane.absent, &pane.picture) {
        (Some(words), _) => words,
        (None, Shown::Full(texture)) => {
            let scale = side / texture.size.x.max(texture.size.y).max(1.0);
            let place = Rect::from_center_size(rect.center(), texture.size * scale);
            painter.image(texture.id, place, seen, Color32::WHITE);
            ""
        }
        (None, Shown::Loading) => "Loading",
        (None, Shown::Failed(reason)) => {
            failed = reason.to_string();
            failed.as_str()
        }
    };
    if !words.is_empty() {
        let faded = ON_PICTURE.gamma_multiply(0.7);
        let font = FontId::proportional(theme::SMALL);
        let galley = painter.layout(words.to_owned(), font, faded, (side - 16.0).max(8.0));
        painter.with_clip_rect(rect).galley(rect.center() - galley.size() * 0.5, galley, faded);
    }
    painter.rect_stroke(rect, CornerRadius::same(6), Stroke::new(1.0, t.line), StrokeKind::Inside);
    let galley = truncated(painter, pane.caption, FontId::proportional(theme::SMALL), t.muted, side - 2.0);
    let elided = galley.elided;
    let middle = rect.bottom() + CAPTION * 0.5 + 1.0;
    painter.galley(pos2(rect.left() + 1.0, middle - galley.size().y * 0.5), galley, t.muted);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, pane.name));
    if elided { response.on_hover_text(pane.caption) } else { response }
}

fn gestures(ui: &Ui, rect: Rect, response: &Response, zoom: &mut Zoom) {
    if response.double_clicked() {
        *zoom = Zoom::default();
        return;
    }
    if response.dragged() && zoom.factor > 1.0 {
        let shift = response.drag_delta() / (rect.width().max(1.0) * zoom.factor);
        zoom.pan[0] -= shift.x;
        zoom.pan[1] -= shift.y;
        *zoom = zoom.clamped();
        ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
    }
    let Some(pointer) = response.hover_pos().filter(|p| rect.contains(*p)) else {
        return;
    };
    // The wheel magnifies here instead of scrolling the panel around it, so it is taken away.
    let by = ui.input_mut(|input| {
        let wheel = input.smooth_scroll_delta().y;
        let pinch = input.zoom_delta();
        if wheel != 0.0 {
            input.smooth_scroll_delta = Vec2::ZERO;
        }
        pinch * (wheel / 200.0).exp()
    });
    if by.is_finite() && (by - 1.0).abs() > 1e-4 {
        zoom.magnify(by, (pointer - rect.min) / rect.size());
    }
}
