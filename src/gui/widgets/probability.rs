//! Probabilities on screen: words, bars, the rows of a candidate's parts.
//!
//! Knows the theme and the parts of the acceptance test; decides nothing.

use egui::{
    Align2, Color32, FontId, Painter, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
    pos2, vec2,
};

use crate::domain::decisions::Verdict;
use crate::domain::numbers::percent;
use crate::domain::provenance::Parts;
use crate::gui::icons::{Icon, paint};
use crate::gui::theme::{Tokens, tokens};

/// The method's verdict in words, with the part that failed.
pub const fn verdict_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accepted => "accepted",
        Verdict::RejectedPrior => "rejected by the prior",
        Verdict::RejectedConfidence => "rejected by the confidence",
        Verdict::RejectedOther => "rejected by another test",
    }
}

/// How the rejection probability comes about, with the numbers of one candidate.
pub fn rule_sentences(verdict: Verdict, parts: &Parts) -> String {
    let mut text =
        "Rejection probability = 1 − P_accept where the confidence passes, and 1 where it does not."
            .to_owned();
    let rejection = percent(verdict.rejection_probability(parts));
    if verdict == Verdict::RejectedOther {
        return text + &format!("\nHere another test of the method failed: {rejection}.");
    }
    match (parts.confidence, parts.threshold) {
        (Some(c), Some(t)) if c < t => {
            text += &format!("\nHere the confidence {c:.3} is below {t:.3}: {rejection}.");
        }
        (Some(c), Some(t)) => text += &format!("\nHere the confidence {c:.3} reaches {t:.3}"),
        _ => text += "\nHere the confidence is not tested",
    }
    if parts.confidence_passes() {
        match parts.p_accept {
            Some(p) => text += &format!(" and P_accept is {p:.3}: {rejection}."),
            None => text += &format!(" and the method has no prior: {rejection}."),
        }
    }
    text
}

/// Paints a bar over its ground; an absent value leaves a thin outline, so that it does not read as zero.
pub fn paint_bar(painter: &Painter, rect: Rect, value: Option<f64>, fill: Color32, ground: Color32) {
    let round = (rect.height() / 2.0).min(3.0);
    match value {
        Some(value) => {
            painter.rect_filled(rect, round, ground);
            let share = value.clamp(0.0, 1.0) as f32;
            if share > 0.0 {
                // A sliver keeps its length: it is not rounded up to a blob.
                let width = (rect.width() * share).max(1.0);
                let filled = Rect::from_min_size(rect.min, vec2(width, rect.height()));
                painter.rect_filled(filled, round.min(width / 2.0), fill);
            }
        }
        None => {
            painter.rect_stroke(rect, round, Stroke::new(1.0, ground), StrokeKind::Inside);
        }
    }
}

/// How far a piece of work is, `share` in \[0, 1\]; empty at 0.
pub fn progress_bar(ui: &mut Ui, share: f32, size: Vec2, name: &str) -> Response {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let share = f64::from(share).clamp(0.0, 1.0);
    if ui.is_rect_visible(rect) {
        paint_bar(ui.painter(), rect, Some(share), t.accent, t.line);
    }
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ProgressIndicator, true, name);
        info.value = Some((share * 100.0).floor());
        info
    });
    response
}

/// One part of a candidate's test as a row: name, bar with the threshold as a line, number, tick or cross.
pub struct PartRow<'a> {
    pub label: &'a str,
    pub value: Option<f64>,
    /// What the value is compared with, in \[0, 1\].
    pub threshold: Option<f64>,
    /// `None` where the part decides nothing by itself.
    pub passes: Option<bool>,
    /// Shown instead of the number where the value is absent.
    pub absent: &'a str,
    pub tip: &'a str,
}

const ROW_HEIGHT: f32 = 24.0;

/// Paints a row over the whole width.
pub fn part_row(ui: &mut Ui, t: &Tokens, row: &PartRow<'_>) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW_HEIGHT), Sense::hover());
    let number = row.value.map_or_else(|| row.absent.to_owned(), |v| format!("{v:.3}"));
    if ui.is_rect_visible(rect) {
        let painter = ui.painter();
        let font = FontId::proportional(13.0);
        let y = rect.center().y;
        painter.text(pos2(rect.left(), y), Align2::LEFT_CENTER, row.label, font.clone(), t.muted);
        let label = (rect.width() * 0.36).min(124.0);
        let value = 78.0;
        let bar = Rect::from_min_max(
            pos2(rect.left() + label, y - 4.0),
            pos2((rect.right() - value).max(rect.left() + label + 8.0), y + 4.0),
        );
        if row.value.is_some() {
            paint_bar(painter, bar, row.value, t.text, t.raised);
            if let Some(threshold) = row.threshold {
                let x = bar.left() + bar.width() * threshold.clamp(0.0, 1.0) as f32;
                painter.vline(x, (y - 8.0)..=(y + 8.0), Stroke::new(2.0, t.warning));
            }
            painter.text(
                pos2(bar.right() + 10.0, y),
                Align2::LEFT_CENTER,
                &number,
                FontId::proportional(13.0),
                t.text,
            );
        } else {
            painter.text(pos2(bar.left(), y), Align2::LEFT_CENTER, &number, font, t.muted);
        }
        let mark = Rect::from_center_size(pos2(rect.right() - 8.0, y), Vec2::splat(15.0));
        match row.passes {
            Some(true) => paint(painter, mark, Icon::Check, t.accepted),
            Some(false) => paint(painter, mark, Icon::Cross, t.rejected),
            None => {}
        }
    }
    response.widget_info(|| {
        let mut name = format!("{} {number}", row.label);
        if let Some(threshold) = row.threshold {
            name += &format!(", compared with {threshold:.3}");
        }
        name += match row.passes {
            Some(true) => ", passes",
            Some(false) => ", does not pass",
            None => "",
        };
        WidgetInfo::labeled(Role::Meter, true, name)
    });
    response.on_hover_text(row.tip)
}

/// A thin bar with a label before it and a number behind it, for shares and progress.
pub fn share_row(ui: &mut Ui, t: &Tokens, label: &str, share: f64, number: &str, fill: Color32) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW_HEIGHT), Sense::hover());
    if ui.is_rect_visible(rect) {
        let painter = ui.painter();
        let font = FontId::proportional(13.0);
        let y = rect.center().y;
        let left = (rect.width() * 0.36).min(140.0);
        let clipped = painter
            .with_clip_rect(Rect::from_min_max(rect.min, pos2(rect.left() + left - 6.0, rect.bottom())));
        clipped.text(pos2(rect.left(), y), Align2::LEFT_CENTER, label, font.clone(), t.muted);
        let bar = Rect::from_min_max(
            pos2(rect.left() + left, y - 4.0),
            pos2((rect.right() - 84.0).max(rect.left() + left + 8.0), y + 4.0),
        );
        paint_bar(painter, bar, Some(share), fill, t.raised);
        painter.text(pos2(bar.right() + 10.0, y), Align2::LEFT_CENTER, number, font, t.text);
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Meter, true, format!("{label} {number}")));
    response
}
