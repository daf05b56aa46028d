//! One candidate in the review grid: the picture, the rejection probability, the verdict, three bars, and the
//! decision as outline and word.
//!
//! Top left the rejection probability in words with a bar under it, top right the method's verdict, below
//! prior, draw and confidence in that order, empty where the method has no such part. The person's decision
//! is the outline and a word, so that nothing is told by colour alone.

use egui::{
    Align2, Color32, CornerRadius, FontId, Painter, Rect, Response, Role, Stroke, StrokeKind, TextureId, Ui,
    Vec2, WidgetInfo, pos2, vec2,
};

use super::probability::{paint_bar, verdict_words};
use super::status_bar::percent;
use crate::domain::decisions::{Decision, Verdict};
use crate::domain::provenance::Parts;
use crate::gui::icons::{self, Icon};
use crate::gui::theme::{ON_PICTURE, PICTURE_GROUND, PICTURE_LABEL, Tokens};

/// The picture of a tile, as far as it is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TilePicture {
    /// Texture and its size in pixels.
    Ready(TextureId, Vec2),
    Loading,
    Failed,
}

/// What a tile shows.
pub struct Tile<'a> {
    /// Place in the list of candidates, from 1.
    pub number: usize,
    pub class: &'a str,
    pub parts: &'a Parts,
    pub verdict: Verdict,
    pub decision: Decision,
    pub picture: TilePicture,
    /// Has the keyboard.
    pub focused: bool,
    pub selected: bool,
    /// Probability, parts and verdict are hidden, also from assistive technology.
    pub blind: bool,
    /// Probability, parts and verdict are painted.
    pub overlay: bool,
}

impl Tile<'_> {
    /// The name for assistive technology.
    pub fn name(&self) -> String {
        let decision = self.decision.as_str();
        if self.blind {
            return format!("Candidate {}, {}, {decision}", self.number, self.class);
        }
        format!(
            "Candidate {}, {}, reject {}, verdict {}, {decision}",
            self.number,
            self.class,
            spoken_percent(self.parts.rejection_probability()),
            verdict_words(self.verdict),
        )
    }
}

fn spoken_percent(p: f64) -> String {
    percent(p).replace("\u{a0}%", " percent")
}

/// Paints a tile into `rect` and names it. `response` is the grid's, which also owns focus and clicks.
pub fn candidate_tile(ui: &Ui, t: &Tokens, rect: Rect, response: &Response, tile: &Tile<'_>) {
    paint(ui.painter(), t, rect, tile, response.hovered());
    response.widget_info(|| {
        WidgetInfo::selected(Role::ListBoxOption, true, tile.selected || tile.focused, tile.name())
    });
}

fn paint(painter: &Painter, t: &Tokens, rect: Rect, tile: &Tile<'_>, hovered: bool) {
    let radius = CornerRadius::same(6);
    painter.rect_filled(rect, radius, PICTURE_GROUND);
    let dimmed = tile.decision == Decision::Rejected && tile.overlay;
    match tile.picture {
        TilePicture::Ready(texture, size) => {
            let scale = (rect.width() / size.x.max(1.0)).min(rect.height() / size.y.max(1.0));
            let place = Rect::from_center_size(rect.center(), size * scale);
            let tint = if dimmed { Color32::from_gray(110) } else { Color32::WHITE };
            painter.image(texture, place, Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0)), tint);
        }
        TilePicture::Loading => {}
        TilePicture::Failed => {
            painter.text(
                rect.center(),
                Align2::CENTER_CENTER,
                "not readable",
                FontId::proportional(11.0),
                ON_PICTURE.gamma_multiply(0.7),
            );
        }
    }
    if tile.overlay && !tile.blind {
        overlay(painter, rect, tile);
    }
    decision(painter, t, rect, tile);
    if tile.selected {
        painter.rect_stroke(
            rect.shrink(3.0),
            CornerRadius::same(4),
            Stroke::new(1.5, ON_PICTURE),
            StrokeKind::Inside,
        );
    }
    if tile.focused {
        painter.rect_stroke(
            rect.expand(2.0),
            CornerRadius::same(8),
            Stroke::new(2.0, t.text),
            StrokeKind::Outside,
        );
    } else if hovered {
        painter.rect_stroke(rect, radius, Stroke::new(1.0, t.muted), StrokeKind::Outside);
    }
}

/// Probability, verdict and parts over the picture.
fn overlay(painter: &Painter, rect: Rect, tile: &Tile<'_>) {
    let rejection = tile.parts.rejection_probability();
    let small = rect.width() < 84.0;
    let words = if small { percent(rejection) } else { format!("reject {}", percent(rejection)) };
    let galley = painter.layout_no_wrap(words, FontId::proportional(11.0), ON_PICTURE);
    let pill = Rect::from_min_size(rect.min + vec2(6.0, 6.0), galley.size() + vec2(10.0, 7.0));
    painter.rect_filled(pill, CornerRadius::same(4), PICTURE_LABEL);
    painter.galley(pill.min + vec2(5.0, 2.0), galley, ON_PICTURE);
    let bar = Rect::from_min_max(
        pos2(pill.left() + 5.0, pill.bottom() - 4.0),
        pos2(pill.right() - 5.0, pill.bottom() - 2.0),
    );
    paint_bar(painter, bar, Some(rejection), ON_PICTURE, ON_PICTURE.gamma_multiply(0.25));

    let mark = Rect::from_min_size(pos2(rect.right() - 6.0 - 19.0, rect.top() + 6.0), vec2(19.0, 19.0));
    painter.rect_filled(mark, CornerRadius::same(4), PICTURE_LABEL);
    let sign = if tile.verdict == Verdict::Accepted { Icon::Check } else { Icon::Cross };
    icons::paint(painter, mark.shrink(3.0), sign, ON_PICTURE);

    let strip = Rect::from_min_max(pos2(rect.left(), rect.bottom() - 14.0), rect.max);
    let bottom = CornerRadius { nw: 0, ne: 0, sw: 6, se: 6 };
    painter.rect_filled(strip, bottom, PICTURE_LABEL);
    let gap = 5.0;
    let width = (strip.width() - 12.0 - 2.0 * gap) / 3.0;
    for (place, value) in
        [tile.parts.p_accept, tile.parts.draw, tile.parts.confidence].into_iter().enumerate()
    {
        let left = strip.left() + 6.0 + place as f32 * (width + gap);
        let bar = Rect::from_min_size(pos2(left, strip.center().y - 2.5), vec2(width, 5.0));
        paint_bar(painter, bar, value, ON_PICTURE, ON_PICTURE.gamma_multiply(0.25));
    }
}

/// The decision: outline and word.
fn decision(painter: &Painter, t: &Tokens, rect: Rect, tile: &Tile<'_>) {
    let (colour, word) = match tile.decision {
        Decision::Undecided => {
            painter.rect_stroke(rect, CornerRadius::same(6), Stroke::new(1.0, t.line), StrokeKind::Inside);
            return;
        }
        Decision::Accepted => (t.accepted, "accepted"),
        Decision::Rejected => (t.rejected, "rejected"),
    };
    painter.rect_stroke(rect, CornerRadius::same(6), Stroke::new(2.0, colour), StrokeKind::Inside);
    let galley = painter.layout_no_wrap(word.to_owned(), FontId::proportional(11.0), t.on_accent);
    let lift = if tile.overlay && !tile.blind { 18.0 } else { 6.0 };
    let size = galley.size() + vec2(22.0, 4.0);
    let badge = Rect::from_min_size(pos2(rect.left() + 6.0, rect.bottom() - lift - size.y), size);
    painter.rect_filled(badge, CornerRadius::same(4), colour);
    let sign = if tile.decision == Decision::Accepted { Icon::Check } else { Icon::Cross };
    let place = Rect::from_center_size(pos2(badge.left() + 9.5, badge.center().y), Vec2::splat(13.0));
    icons::paint(painter, place, sign, t.on_accent);
    painter.galley(pos2(badge.left() + 17.0, badge.top() + 2.0), galley, t.on_accent);
}
