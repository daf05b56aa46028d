//! Quality, in Review: how far the made images of a class are from real ones, beside how far real ones are
//! from each other.
//!
//! Shows what the run kept and measures nothing. The figures are of a class and not of a candidate, so blind
//! mode leaves them.

use std::sync::Arc;

use egui::{
    Align2, FontId, Frame, Id, Label, Margin, Rect, RichText, Role, ScrollArea, Sense, Stroke, StrokeKind,
    Ui, Vec2, WidgetInfo, pos2, vec2,
};

use crate::domain::numbers::{self, percent};
use crate::evaluation::distance::{FRECHET_ROWS, LEAST_ROWS, Measure};
use crate::gui::icons::{self, Icon};
use crate::gui::state::{JobKind, State};
use crate::gui::theme::{self, Tokens, caption, muted, size, space};
use crate::gui::widgets::empty_state::warning_line;
use crate::gui::widgets::histogram::truncated;
use crate::gui::widgets::status_bar::{counted, number};
use crate::jobs::distances::{collapsed, says_little, unlike};
use crate::project::CandidateRow;
use crate::project::quality::{
    ClassQuality, DIVERSITY, JUDGE, JUDGE_ACCURACY, JUDGE_HELD_OUT, JUDGE_LEARNT, NEAR_COPIES, NEAREST,
    NEAREST_CLOSEST, PIXELS, PIXELS_HELD_OUT, QualityFigure,
};

/// Height of a row of figures.
const ROW: f32 = 22.0;
/// Least width at which the words of a row stand beside its numbers, else below them.
const WIDE: f32 = 500.0;
/// Least height of the open table.
const LOW: f32 = 88.0;
/// How the kernel distances of all features begin.
const KERNEL: &str = "KID-";
/// The same of the Fréchet distances.
const FRECHET: &str = "FD-";

/// The panel about the class in view: the one that the histogram filters by, else that of the candidate under
/// the cursor. Nothing where there is neither.
pub fn quality_ui(
    ui: &mut Ui,
    t: &Tokens,
    state: &mut State,
    rows: &[CandidateRow],
    cursor: Option<&CandidateRow>,
) {
    let Some(class) = class_in_view(state, cursor) else { return };
    let kept = state.project.as_ref().map(|project| Arc::clone(&project.quality)).unwrap_or_default();
    let quality = kept.iter().find(|quality| quality.class == class);
    let making = state.running(JobKind::Generate).is_some();
    let copies_shown = are_copies_shown(ui, state, &class);
    let room = (ui.available_height() * 0.45 - size::CONTROL).max(LOW);
    let mut toggled = false;
    Frame::new()
        .fill(t.panel)
        .stroke(Stroke::new(1.0, t.line))
        .corner_radius(theme::RADIUS_LARGE)
        .inner_margin(Margin::symmetric(12, 4))
        .show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            if !header(ui, t, &class, quality, making) {
                return;
            }
            ScrollArea::vertical().id_salt("quality").max_height(room).auto_shrink([false, true]).show(
                ui,
                |ui| match quality {
                    Some(quality) => toggled = table(ui, t, quality, copies_shown),
                    None => {
                        ui.add(Label::new(muted(ui, absence(!kept.is_empty(), making))).wrap());
                    }
                },
            );
            ui.add_space(space::XS);
        });
    if toggled {
        toggle_copies(ui, state, rows, &class, copies_shown);
    }
}

fn class_in_view(state: &State, cursor: Option<&CandidateRow>) -> Option<String> {
    let names = &state.project.as_ref()?.dataset.classes;
    let filtered = state.class_filter.and_then(|class| names.get(class)).cloned();
    filtered.or_else(|| cursor.map(|row| row.class.clone()))
}

/// Why a class has no figures.
fn absence(others_have: bool, making: bool) -> &'static str {
    if making {
        "The figures of a class are taken as soon as all its images are made."
    } else if others_have {
        "Nothing was measured of this class: no images were made of it, or the run ended before all were."
    } else {
        "Nothing was measured in this run: it is older than these figures, or it ended before a class was \
         whole. Make the candidates anew to have them."
    }
}

/// The line that opens and closes the panel, with what matters most; true where it is open.
fn header(ui: &mut Ui, t: &Tokens, class: &str, quality: Option<&ClassQuality>, making: bool) -> bool {
    let key = Id::unique("review: quality is open");
    let mut open = ui.data(|data| data.get_temp::<bool>(key)).unwrap_or(false);
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), size::CONTROL));
    let id = ui.make_persistent_id("quality header");
    let response = ui.interact(rect, id, Sense::click());
    if response.clicked() {
        open = !open;
        ui.data_mut(|data| data.insert_temp(key, open));
    }
    let summary = match quality {
        Some(quality) => summary(quality),
        None if making => "measured when all are made".to_owned(),
        None => "not measured".to_owned(),
    };
    response.widget_info(|| {
        WidgetInfo::labeled(Role::DisclosureTriangle, true, format!("Quality of {class}: {summary}"))
    });
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_expanded(open));
    if ui.is_rect_visible(rect) {
        let painter = ui.painter();
        let focused = response.has_focus();
        if focused || response.hovered() {
            let stroke = if focused { Stroke::new(2.0, t.accent) } else { Stroke::NONE };
            let ground = rect.expand2(vec2(6.0, 0.0));
            painter.rect(ground, theme::RADIUS, t.raised, stroke, StrokeKind::Inside);
        }
        let y = rect.center().y;
        let sign = if open { Icon::ChevronDown } else { Icon::ChevronRight };
        let place = Rect::from_center_size(pos2(rect.left() + 8.0, y), Vec2::splat(16.0));
        icons::paint(painter, place, sign, t.muted);
        let left = rect.left() + 22.0;
        let font = FontId::proportional(12.5);
        let title = truncated(painter, &format!("Quality · {class}"), font, t.text, rect.width() * 0.5);
        let title_size = title.size();
        painter.galley(pos2(left, y - title_size.y / 2.0), title, t.text);
        let bad = |quality: &ClassQuality| collapse(quality).is_some() || not_alike(quality).is_some();
        let colour = if quality.is_some_and(bad) { t.warning } else { t.muted };
        let width = (rect.right() - left - title_size.x - space::M).max(24.0);
        let words = truncated(painter, &summary, FontId::proportional(theme::SMALL), colour, width);
        let words_size = words.size();
        painter.galley(pos2(rect.right() - words_size.x, y - words_size.y / 2.0), words, colour);
    }
    response.on_hover_text(
        "How far the made images of the class are from real ones, beside how far real ones are from each \
         other",
    );
    open
}

/// What one should know without opening the panel.
fn summary(quality: &ClassQuality) -> String {
    let mut words = Vec::new();
    if collapse(quality).is_some() {
        words.push("collapsed".to_owned());
    }
    if not_alike(quality).is_some() {
        words.push("not like the class".to_owned());
    }
    match quality.figures.iter().find(|figure| figure.name.starts_with(KERNEL)) {
        Some(kernel) => {
            let real =
                kernel.floor.map_or_else(String::new, |floor| format!(", real {}", text(kernel, floor)));
            words.push(format!("{} {}{real}", kernel.name, text(kernel, kernel.value)));
        }
        None => words.push("no distances".to_owned()),
    }
    let copies = quality.near_copies().unwrap_or(0);
    if copies > 0 {
        words.push(near_copies(copies));
    }
    words.join(" · ")
}

fn near_copies(count: u32) -> String {
    counted(count as usize, "near copy", "near copies")
}

/// Why the made images are hardly different from each other, a sentence.
fn collapse(quality: &ClassQuality) -> Option<String> {
    collapsed(&quality.class, quality.figure(DIVERSITY)?.value)
}

/// Why the made images are not like the class, a sentence.
fn not_alike(quality: &ClassQuality) -> Option<String> {
    let value = |measure: Measure| quality.figure(measure.name()).map(|figure| figure.value);
    unlike(&quality.class, value(Measure::Coverage)?, value(Measure::NearestNeighbour)?)
}

/// What one should know before reading any figure.
fn warnings(quality: &ClassQuality) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(collapse(quality));
    found.extend(not_alike(quality));
    let (real, made) = (quality.real as usize, quality.made as usize);
    let mut distances = quality.figures.iter().filter(|figure| figure.is_distance()).peekable();
    if distances.peek().is_none() {
        found.push(if real.min(made) < LEAST_ROWS {
            format!(
                "Too few images for distances: {} real and {} made, {LEAST_ROWS} of each are needed",
                number(real),
                number(made)
            )
        } else {
            "No distances were taken: this run had no features to compare the images of the class by"
                .to_owned()
        });
    } else if distances.all(|figure| figure.floor.is_none()) {
        found.push(format!(
            "Too few real images to say how far real ones are from each other: {}, and {} are needed. A \
             figure alone says little",
            number(real),
            2 * LEAST_ROWS
        ));
    }
    found
}

/// What opens below the header; true where the link to near copies was followed.
fn table(ui: &mut Ui, t: &Tokens, quality: &ClassQuality, copies_shown: bool) -> bool {
    for warning in warnings(quality) {
        warning_line(ui, &warning);
    }
    let copies = quality.near_copies().unwrap_or(0);
    let mut followed = false;
    if copies > 0 {
        let words = if copies_shown {
            format!("Show all of {} again", quality.class)
        } else {
            format!("Show the {}", near_copies(copies))
        };
        let link = ui.link(RichText::new(words).size(theme::SMALL));
        followed = link.on_hover_text("Filters by the distance to the nearest training image").clicked();
    }
    ui.spacing_mut().item_spacing.y = 2.0;
    let mut features = "";
    for figure in &quality.figures {
        if figure.features != features {
            features = &figure.features;
            head(ui, t, features);
        }
        figure_row(ui, t, figure);
    }
    let (made, real) = (number(quality.made as usize), number(quality.real as usize));
    let text = format!(
        "{made} made and {real} real images. N: images of each side that enter, made / real where they \
         differ. Distances of two runs compare under one judge only; it learnt from the real images, so that in \
         FD-g and KID-g fresh ones would lie above these, too."
    );
    ui.add(Label::new(caption(ui, text)).wrap());
    followed
}

/// Where the columns of numbers end, from the left, and where the words begin.
struct Columns {
    /// Room of the name.
    name: f32,
    made: f32,
    real: f32,
    images: f32,
    /// `None` where the words stand below the numbers.
    words: Option<f32>,
}

impl Columns {
    fn of(width: f32) -> Self {
        let wide = width >= WIDE;
        let [made, real, images] = if wide { [68.0, 96.0, 68.0] } else { [52.0, 52.0, 48.0] };
        let name = if wide { 104.0 } else { (width - made - real - images).max(40.0) };
        let (made, real, images) = (name + made, name + made + real, name + made + real + images);
        Columns { name, made, real, images, words: wide.then_some(images + space::L) }
    }
}

/// What the images of the rows below are seen through.
fn head(ui: &mut Ui, t: &Tokens, features: &str) {
    let words = match features {
        JUDGE => "judge's features".to_owned(),
        JUDGE_HELD_OUT => "judge, held out".to_owned(),
        JUDGE_LEARNT => "judge, learnt".to_owned(),
        PIXELS => "pixels".to_owned(),
        other => other.to_owned(),
    };
    let columns = Columns::of(ui.available_width());
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let real = if columns.words.is_some() { "between real" } else { "real" };
    if ui.is_rect_visible(rect) {
        let painter = ui.painter();
        let y = rect.bottom() - 4.0;
        let font = FontId::proportional(theme::SMALL);
        let name = truncated(painter, &words, font.clone(), t.muted, columns.name - space::XS);
        painter.galley(pos2(rect.left(), y - name.size().y), name, t.muted);
        for (end, word) in [(columns.made, "made"), (columns.real, real), (columns.images, "N")] {
            painter.text(pos2(rect.left() + end, y), Align2::RIGHT_BOTTOM, word, font.clone(), t.muted);
        }
        painter.hline(rect.x_range(), rect.bottom() - 1.0, Stroke::new(1.0, t.line));
    }
    response.widget_info(|| {
        WidgetInfo::labeled(Role::Label, true, format!("Figures in {words}: made, between real images, N"))
    });
}

/// One figure: a stop of the Tab key, so that what it means can be read without a mouse.
fn figure_row(ui: &mut Ui, t: &Tokens, figure: &QualityFigure) {
    let width = ui.available_width();
    let columns = Columns::of(width);
    let better = better(figure);
    let room = columns.words.map_or(width, |left| width - left);
    let words = ui.painter().layout(better.clone(), FontId::proportional(theme::SMALL), t.muted, room);
    let words_size = words.size();
    let height = match columns.words {
        Some(_) => ROW.max(words_size.y + 4.0),
        None => ROW + words_size.y,
    };
    let (_, rect) = ui.allocate_space(vec2(width, height));
    let id = ui.make_persistent_id(("figure", figure.features.as_str(), figure.name.as_str()));
    let response = ui.interact(rect, id, Sense::focusable_noninteractive());
    let made = text(figure, figure.value);
    let real = figure.floor.map_or_else(|| "–".to_owned(), |floor| text(figure, floor));
    let images = if figure.n_made == figure.n_real {
        number(figure.n_made as usize)
    } else {
        format!("{} / {}", number(figure.n_made as usize), number(figure.n_real as usize))
    };
    if ui.is_rect_visible(rect) {
        let painter = ui.painter();
        if response.has_focus() {
            let stroke = Stroke::new(2.0, t.accent);
            painter.rect(rect, theme::RADIUS, t.raised, stroke, StrokeKind::Inside);
        }
        let y = rect.top() + ROW / 2.0;
        let font = FontId::proportional(13.0);
        let name = truncated(painter, &figure.name, font.clone(), t.text, columns.name - space::XS);
        painter.galley(pos2(rect.left(), y - name.size().y / 2.0), name, t.text);
        for (end, number, colour) in
            [(columns.made, &made, t.text), (columns.real, &real, t.text), (columns.images, &images, t.muted)]
        {
            painter.text(pos2(rect.left() + end, y), Align2::RIGHT_CENTER, number, font.clone(), colour);
        }
        let place = match columns.words {
            Some(left) => pos2(rect.left() + left, rect.center().y - words_size.y / 2.0),
            None => pos2(rect.left(), rect.top() + ROW - 2.0),
        };
        painter.galley(place, words, t.muted);
    }
    let spread = figure.sd.map_or_else(String::new, |sd| format!(" ± {}", text(figure, sd)));
    let real = if figure.floor.is_some() { real } else { "not known".to_owned() };
    response.widget_info(|| {
        WidgetInfo::labeled(
            Role::Meter,
            true,
            format!(
                "{}: made {made}{spread}, between real images {real}, {} made and {} real images, {better}",
                figure.name, figure.n_made, figure.n_real
            ),
        )
    });
    let mut tip = definition(figure).to_owned();
    if figure.sd.is_some() {
        tip += &format!("\nMade: {made}{spread} over the draws of images.");
    }
    if response.gained_focus() {
        response.scroll_to_me(None);
    }
    if response.has_focus() && !response.hovered() {
        response.show_tooltip_ui(|ui| {
            ui.set_max_width(ui.spacing().tooltip_width);
            ui.label(tip.as_str());
        });
    }
    response.on_hover_text(tip);
}

/// A value of a figure as its column shows it.
fn text(figure: &QualityFigure, value: f64) -> String {
    let decimals = match figure.name.as_str() {
        NEAR_COPIES | JUDGE_ACCURACY => return percent(value),
        DIVERSITY => 2,
        _ => 3,
    };
    let text = numbers::figure(value, decimals);
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    match digits.parse::<usize>() {
        Ok(whole) => format!("{sign}{}", number(whole)),
        Err(_) => text,
    }
}

/// How a figure is read, in a few words.
fn better(figure: &QualityFigure) -> String {
    match figure.name.as_str() {
        _ if says_little(figure) => {
            format!("says little with fewer than {FRECHET_ROWS} images")
        }
        "precision" | "recall" | "coverage" => "as high as between real images is best".to_owned(),
        "1-NN accuracy" => "0.5 is best, 1 is far apart, 0 is copies".to_owned(),
        DIVERSITY => "1 is as varied as real images".to_owned(),
        NEAR_COPIES => "fewer is better".to_owned(),
        JUDGE_ACCURACY if figure.features == JUDGE_HELD_OUT => {
            "as high as on real images that the judge never saw is best".to_owned()
        }
        JUDGE_ACCURACY => "real images are those that the judge learnt from; fresh ones have less".to_owned(),
        NEAREST | NEAREST_CLOSEST if figure.features == PIXELS_HELD_OUT => {
            "far below real images of the validation part is copying".to_owned()
        }
        NEAREST | NEAREST_CLOSEST => "far below real images, each without itself, is copying".to_owned(),
        _ => "closer to real is better".to_owned(),
    }
}

/// What a figure is, in a sentence.
fn definition(figure: &QualityFigure) -> &'static str {
    match figure.name.as_str() {
        name if name.starts_with(FRECHET) => {
            "Squared Fréchet distance: how far mean and covariance of the features of made images are from \
             those of real ones."
        }
        name if name.starts_with(KERNEL) => {
            "Kernel distance: squared maximum mean discrepancy of the features under a cubic kernel, without \
             bias, so that equal sets have 0 on average."
        }
        "precision" => {
            "Share of made images in the reach of a real one, which ends at its third nearest real image."
        }
        "recall" => {
            "Share of real images in the reach of a made one, which ends at its third nearest made image."
        }
        "density" => {
            "In how many reaches of real images a made one lies, each to the fifth nearest, divided by five; 1 is \
             usual."
        }
        "coverage" => {
            "Share of real images that have a made one in their reach, which ends at their fifth nearest real \
             image."
        }
        "1-NN accuracy" => {
            "How often the nearest other image tells whether an image is made or real; 0.5 is by chance."
        }
        DIVERSITY => "Mean distance of two made images in pixels, divided by that of two real ones.",
        NEAR_COPIES => {
            "Share of images that are at least four times nearer to a training image than real images \
             usually are to each other."
        }
        JUDGE_ACCURACY => {
            "Share of all made images, accepted or not, that the judge takes for their class; of real images its \
             recall of the class."
        }
        NEAREST => "Median distance in pixels to the nearest training image of the class.",
        NEAREST_CLOSEST => {
            "The distance in pixels to the nearest training image that one image in a hundred is nearer than."
        }
        _ => "A figure of another version of this program.",
    }
}

/// Where the filter that the link set last is kept, for a class.
fn copies_key(class: &str) -> Id {
    Id::unique(("review: filter of near copies", class))
}

fn are_copies_shown(ui: &Ui, state: &State, class: &str) -> bool {
    let set = ui.data(|data| data.get_temp::<String>(copies_key(class)));
    set.is_some_and(|filter| !filter.is_empty() && filter == state.review.filter)
}

/// The filter that leaves the near copies of a class: up to the largest distance of one. The rule that marks
/// them is a bound on that distance, so no other candidate of the class passes.
pub fn copies_filter(rows: &[CandidateRow], class: &str) -> Option<String> {
    let is_copy = |row: &&CandidateRow| {
        row.class == class && row.extra.get("near_copy").and_then(|copy| copy.as_bool()) == Some(true)
    };
    let furthest = rows.iter().filter(is_copy).filter_map(|row| row.nearest_distance).reduce(f64::max)?;
    Some(format!("distance <= {furthest}"))
}

/// Filters to the near copies of the class, or takes that filter away.
fn toggle_copies(ui: &Ui, state: &mut State, rows: &[CandidateRow], class: &str, shown: bool) {
    if shown {
        state.review.filter.clear();
        return;
    }
    let Some(filter) = copies_filter(rows, class) else { return };
    ui.data_mut(|data| data.insert_temp(copies_key(class), filter.clone()));
    let names = state.project.as_ref().map(|project| project.dataset.classes.as_slice()).unwrap_or_default();
    state.class_filter = names.iter().position(|name| name == class);
    state.review.filter = filter;
    state.review.verdict = None;
    state.review.decision = None;
}
