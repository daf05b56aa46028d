//! One candidate in the review grid: the picture, the rejection probability, the verdict, what it rests on, and
//! the decision as outline and word.
//!
//! Top left the rejection probability in words, top right the method's verdict. Below prior, draw and
//! confidence in that order as bars with the letters of [`legend`], empty where the candidate has no such part;
//! a method without a prior has its own score and the distance to the nearest training image there, beside the
//! confidence. Copies and images of a collapsed class have a badge with a word. The person's decision is the
//! outline and a word, so that nothing is told by colour alone.

use egui::{
    Align2, Color32, CornerRadius, FontId, Painter, Rect, Response, Role, Stroke, StrokeKind, TextureId, Ui,
    Vec2, WidgetInfo, pos2, vec2,
};

use super::probability::{paint_bar, verdict_words};
use crate::domain::decisions::{Decision, Verdict};
use crate::domain::numbers::figure;
use crate::domain::numbers::percent;
use crate::domain::provenance::Parts;
use crate::gui::icons::{self, Icon};
use crate::gui::theme::{ON_PICTURE, PICTURE_GROUND, PICTURE_LABEL, Tokens};

/// What the letters at the foot of a tile mean, and a sentence about what stands there.
pub fn legend(parts: &Parts) -> (&'static str, &'static str) {
    if has_prior(parts) {
        ("p prior · u draw · c confidence", "The three bars of a tile, from the left")
    } else {
        (
            "c confidence · s own score · d distance",
            "What stands at the foot of a tile, from the left. The distance is that to the nearest training \
             image, as a multiple of what is usual between real images of the class",
        )
    }
}

/// True for a candidate of a method that has a prior part.
fn has_prior(parts: &Parts) -> bool {
    parts.p_accept.is_some() || parts.draw.is_some()
}

/// A distance as a multiple of the usual one, or a method's own score, as people read it.
pub fn short(value: f64) -> String {
    figure(value, 2)
}

/// How near a candidate is to a training image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// Much nearer than is usual.
    Near,
    /// The same pixels.
    Exact,
}

impl Copied {
    /// The word of the badge.
    pub const fn as_str(self) -> &'static str {
        match self {
            Copied::Near => "near copy",
            Copied::Exact => "copy",
        }
    }
}

/// Least width of a tile whose bars have their letters.
const LETTERS: f32 = 96.0;
/// Height of the ground of the three bars.
const STRIP: f32 = 17.0;
/// The badge of a candidate whose class has hardly different images.
const ALIKE: &str = "alike";
/// Stands for a number that the candidate does not have.
const ABSENT: &str = "–";
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
    /// Name and value of the method's own score.
    pub own_score: Option<(&'a str, f64)>,
    /// Distance to the nearest training image, as a multiple of the usual one.
    pub distance: Option<f64>,
    pub copied: Option<Copied>,
    /// The made images of the class are hardly different from each other.
    pub alike: bool,
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
        let mut name = format!(
            "Candidate {}, {}, reject {}, verdict {}",
            self.number,
            self.class,
            spoken_percent(self.verdict.rejection_probability(self.parts)),
            verdict_words(self.verdict),
        );
        if !has_prior(self.parts) {
            if let Some(confidence) = self.parts.confidence {
                name += &format!(", confidence {confidence:.3}");
            }
            if let Some((score, value)) = self.own_score {
                name += &format!(", {score} {}", short(value));
            }
            if let Some(times) = self.distance {
                name += &format!(", {} times the usual distance", short(times));
            }
        }
        if let Some(copied) = self.copied {
            name += &format!(", {} of a training image", copied.as_str());
        }
        if self.alike {
            name += ", images of the class alike";
        }
        format!("{name}, {decision}")
    }

    /// The words of the badge; `None` where nothing is wrong.
    fn badge(&self) -> Option<String> {
        match (self.copied, self.alike) {
            (None, false) => None,
            (None, true) => Some(ALIKE.to_owned()),
            (Some(copied), false) => Some(copied.as_str().to_owned()),
            (Some(copied), true) => Some(format!("{} · {ALIKE}", copied.as_str())),
        }
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
        overlay(painter, t, rect, tile);
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

/// Probability, verdict, badge and parts over the picture.
fn overlay(painter: &Painter, t: &Tokens, rect: Rect, tile: &Tile<'_>) {
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

    if let Some(words) = tile.badge() {
        let painter = painter.with_clip_rect(rect);
        let galley = painter.layout_no_wrap(words, FontId::proportional(11.0), t.on_accent);
        let place = pos2(pill.left(), pill.bottom() + 3.0);
        let badge = Rect::from_min_size(place, galley.size() + vec2(10.0, 4.0));
        painter.rect_filled(badge, CornerRadius::same(4), t.warning);
        painter.galley(badge.min + vec2(5.0, 2.0), galley, t.on_accent);
    }

    let strip = Rect::from_min_max(pos2(rect.left(), rect.bottom() - STRIP), rect.max);
    let bottom = CornerRadius { nw: 0, ne: 0, sw: 6, se: 6 };
    painter.rect_filled(strip, bottom, PICTURE_LABEL);
    if has_prior(tile.parts) {
        bars(painter, strip, tile);
    } else {
        figures(painter, strip, tile);
    }
}

/// Prior, draw and confidence.
fn bars(painter: &Painter, strip: Rect, tile: &Tile<'_>) {
    let gap = 5.0;
    let width = (strip.width() - 12.0 - 2.0 * gap) / 3.0;
    let letter_width = if strip.width() < LETTERS { 0.0 } else { 9.0 };
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

/// The confidence as a bar; own score and distance have no upper end and are numbers.
fn figures(painter: &Painter, strip: Rect, tile: &Tile<'_>) {
    let painter = painter.with_clip_rect(strip);
    let (ground, left) = (ON_PICTURE.gamma_multiply(0.25), strip.left() + 6.0);
    // Clear of the cursor's ring and the outline.
    let (width, middle) = (strip.width() - 12.0, strip.center().y - 2.0);
    if strip.width() < LETTERS {
        let bar = Rect::from_min_size(pos2(left, middle - 2.0), vec2(width.max(2.0), 4.0));
        paint_bar(&painter, bar, tile.parts.confidence, ON_PICTURE, ground);
        return;
    }
    let [score_at, distance_at] = [0.28, 0.62].map(|share| left + width * share);
    let bar = Rect::from_min_max(pos2(left + 9.0, middle - 2.0), pos2(score_at - 6.0, middle + 2.0));
    paint_bar(&painter, bar, tile.parts.confidence, ON_PICTURE, ground);
    let score = tile.own_score.map_or_else(|| ABSENT.to_owned(), |(_, value)| short(value));
    let distance = tile.distance.map_or_else(|| ABSENT.to_owned(), |times| short(times) + "×");
    let places =
        [(left, "c".to_owned()), (score_at, format!("s {score}")), (distance_at, format!("d {distance}"))];
    for (place, words) in places {
        let font = FontId::proportional(10.0);
        painter.text(pos2(place, middle), Align2::LEFT_CENTER, words, font, ON_PICTURE);
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
