//! One candidate in the review grid: the picture, the rejection probability, the verdict, three bars, and the
//! decision as outline and word.
//!
//! Top left the rejection probability in words, top right the method's verdict, below prior, draw and
//! confidence in that order as bars with the letters of [`BARS`], empty where the method has no such part. The
//! person's decision is the outline and a word, so that nothing is told by colour alone.

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

/// What the letters before the three bars of a tile mean.
pub const BARS: &str = "p prior · u draw · c confidence";

/// Least width of a tile whose bars have their letters.
const LETTERS: f32 = 96.0;
/// Height of the ground of the three bars.
const STRIP: f32 = 17.0;
/// Width of the ring around the tile that has the keyboard.
const RING: f32 = 3.0;

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
            spoken_percent(self.verdict.rejection_probability(self.parts)),
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
    // Inside the tile, where no scroll area cuts the ring; the decision's outline moves in with a dark gap.
    let inset = if tile.focused { RING + 1.0 } else { 0.0 };
    decision(painter, t, rect, inset, tile);
    if tile.selected {
        painter.rect_stroke(
            rect.shrink(inset + 3.0),
            CornerRadius::same(4),
            Stroke::new(1.5, ON_PICTURE),
            StrokeKind::Inside,
        );
    }
    if tile.focused {
        painter.rect_stroke(rect, radius, Stroke::new(RING + 1.0, PICTURE_GROUND), StrokeKind::Inside);
        painter.rect_stroke(rect, radius, Stroke::new(RING, t.accent), StrokeKind::Inside);
    } else if hovered {
        painter.rect_stroke(rect, radius, Stroke::new(1.0, t.muted), StrokeKind::Inside);
    }
}

/// Probability, verdict and parts over the picture.
fn overlay(painter: &Painter, rect: Rect, tile: &Tile<'_>) {
    let rejection = tile.verdict.rejection_probability(tile.parts);
    let small = rect.width() < 84.0;
    let words = if small { percent(rejection) } else { format!("reject {}", percent(rejection)) };
    let galley = painter.layout_no_wrap(words, FontId::proportional(11.0), ON_PICTURE);
    let pill = Rect::from_min_size(rect.min + vec2(6.0, 6.0), galley.size() + vec2(10.0, 4.0));
    painter.rect_filled(pill, CornerRadius::same(4), PICTURE_LABEL);
    painter.galley(pill.min + vec2(5.0, 2.0), galley, ON_PICTURE);

    let mark = Rect::from_min_size(pos2(rect.right() - 6.0 - 19.0, rect.top() + 6.0), vec2(19.0, 19.0));
    painter.rect_filled(mark, CornerRadius::same(4), PICTURE_LABEL);
    let sign = if tile.verdict == Verdict::Accepted { Icon::Check } else { Icon::Cross };
    icons::paint(painter, mark.shrink(3.0), sign, ON_PICTURE);

    let strip = Rect::from_min_max(pos2(rect.left(), rect.bottom() - STRIP), rect.max);
    let bottom = CornerRadius { nw: 0, ne: 0, sw: 6, se: 6 };
    painter.rect_filled(strip, bottom, PICTURE_LABEL);
    let gap = 5.0;
    let width = (strip.width() - 12.0 - 2.0 * gap) / 3.0;
    let letter_width = if rect.width() < LETTERS { 0.0 } else { 9.0 };
    let parts = [("p", tile.parts.p_accept), ("u", tile.parts.draw), ("c", tile.parts.confidence)];
    // Clear of the cursor's ring and the outline.
    let middle = strip.center().y - 2.0;
    for (place, (letter, value)) in parts.into_iter().enumerate() {
        let left = strip.left() + 6.0 + place as f32 * (width + gap);
        if letter_width > 0.0 {
            let font = FontId::proportional(10.0);
            painter.text(pos2(left, middle), Align2::LEFT_CENTER, letter, font, ON_PICTURE);
        }
        let size = vec2((width - letter_width).max(2.0), 4.0);
        let bar = Rect::from_min_size(pos2(left + letter_width, middle - 2.0), size);
        paint_bar(painter, bar, value, ON_PICTURE, ON_PICTURE.gamma_multiply(0.25));
    }
}

/// The decision: outline, `inset` points from the edge, and word.
fn decision(painter: &Painter, t: &Tokens, rect: Rect, inset: f32, tile: &Tile<'_>) {
    let outline = rect.shrink(inset);
    let (colour, word) = match tile.decision {
        Decision::Undecided => {
            painter.rect_stroke(outline, CornerRadius::same(6), Stroke::new(1.0, t.line), StrokeKind::Inside);
            return;
        }
        Decision::Accepted => (t.accepted, "accepted"),
        Decision::Rejected => (t.rejected, "rejected"),
    };
    painter.rect_stroke(outline, CornerRadius::same(6), Stroke::new(2.0, colour), StrokeKind::Inside);
    let galley = painter.layout_no_wrap(word.to_owned(), FontId::proportional(11.0), t.on_accent);
    let lift = if tile.overlay && !tile.blind { STRIP + 3.0 } else { 6.0 };
    let size = galley.size() + vec2(22.0, 4.0);
    let badge = Rect::from_min_size(pos2(rect.left() + 6.0, rect.bottom() - lift - size.y), size);
    painter.rect_filled(badge, CornerRadius::same(4), colour);
    let sign = if tile.decision == Decision::Accepted { Icon::Check } else { Icon::Cross };
    let place = Rect::from_center_size(pos2(badge.left() + 9.5, badge.center().y), Vec2::splat(13.0));
    icons::paint(painter, place, sign, t.on_accent);
    painter.galley(pos2(badge.left() + 17.0, badge.top() + 2.0), galley, t.on_accent);
}
