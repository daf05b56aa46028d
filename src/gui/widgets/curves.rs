//! Live curves of a job: series grouped into plots by their names.
//!
//! `loss · g` and `loss · f` share the plot "loss"; `recall of g, training · normal` and `recall of g,
//! validation · normal` share "recall of g", validation dashed, each class in its own colour with its name in
//! the legend. Points are converted once per change, never per frame.

use std::sync::Arc;

use egui::{Color32, FontId, Role, Sense, Stroke, Ui, Vec2b, WidgetInfo, pos2, vec2};
use egui_plot::{AxisHints, GridInput, GridMark, Line, LineStyle, Plot, PlotPoint, PlotPoints};

use crate::gui::theme::{self, Tokens, class_colour};
use crate::jobs::Series;

/// Points painted per line; more cannot be told apart.
const PAINTED: usize = 800;

/// Curves ready to paint.
#[derive(Default)]
pub struct Curves {
    source: Option<Arc<Vec<Series>>>,
    plots: Vec<Group>,
}

struct Group {
    title: String,
    lines: Vec<Curve>,
    /// All values lie in \[0, 1\] by meaning, so that the axis shows all of it.
    share: bool,
}

struct Curve {
    name: String,
    /// Name without the part of the data, for colours: a class keeps its colour in both.
    key: String,
    dashed: bool,
    points: Vec<PlotPoint>,
}

/// How a series' name splits: plot, line, and whether it is about validation.
pub fn place_of(name: &str) -> (String, String, bool) {
    let (group, line) = match name.split_once(" · ") {
        Some((group, line)) => (group.trim(), line.trim()),
        // `g loss` and `f loss` share a plot as well.
        None => match name.rsplit_once(' ') {
            Some((line, "loss")) => ("loss", line),
            _ => (name, ""),
        },
    };
    let validation = group.contains("validation");
    let bare = group.replace(", training", "").replace(", validation", "");
    (bare, line.to_owned(), validation)
}

/// True for groups that are shares between 0 and 1.
fn is_share(title: &str) -> bool {
    [
        "recall",
        "acceptance",
        "accept",
        "agree",
        "accuracy",
        "passed",
        "copies",
        "discriminator",
        "out of range",
    ]
    .iter()
    .any(|word| title.contains(word))
}

impl Curves {
    /// Takes in the series of a job where they changed.
    pub fn update(&mut self, series: &Arc<Vec<Series>>) {
        // The old list is held here, so the same address cannot come back with other points.
        if self.source.as_ref().is_some_and(|known| Arc::ptr_eq(known, series)) {
            return;
        }
        self.plots.clear();
        for one in series.iter() {
            let (title, line, dashed) = place_of(&one.name);
            let step = one.points.len().div_ceil(PAINTED).max(1);
            let last = one.points.len().saturating_sub(1);
            let finite = |p: &&[f64; 2]| p[0].is_finite() && p[1].is_finite();
            let points = one
                .points
                .iter()
                .enumerate()
                .filter(|(place, _)| place % step == 0 || *place == last)
                .map(|(_, p)| p)
                .filter(finite)
                .map(|p| PlotPoint::new(p[0], p[1]))
                .collect();
            let suffix = if dashed { ", validation" } else { "" };
            let name = if line.is_empty() { format!("{title}{suffix}") } else { format!("{line}{suffix}") };
            let curve = Curve { name, key: line, dashed, points };
            match self.plots.iter_mut().find(|group| group.title == title) {
                Some(group) => group.lines.push(curve),
                None => self.plots.push(Group { share: is_share(&title), title, lines: vec![curve] }),
            }
        }
        self.source = Some(Arc::clone(series));
    }

    pub fn is_empty(&self) -> bool {
        self.plots.is_empty()
    }

    /// Plots as cards, two in a row where there is room.
    pub fn show(&self, ui: &mut Ui, t: &Tokens, classes: &[String]) {
        let columns = if ui.available_width() > 620.0 { 2 } else { 1 };
        for row in self.plots.chunks(columns) {
            ui.columns(columns, |uis| {
                for (ui, group) in uis.iter_mut().zip(row) {
                    card(ui, t, |ui| plot(ui, t, group, classes));
                }
            });
        }
    }
}

/// A panel with a thin border, the ground of everything in the Train and Export views.
pub fn card<R>(ui: &mut Ui, t: &Tokens, contents: impl FnOnce(&mut Ui) -> R) -> R {
    egui::Frame::new()
        .fill(t.panel)
        .stroke(Stroke::new(1.0, t.line))
        .corner_radius(theme::RADIUS_LARGE)
        .inner_margin(egui::Margin::same(14))
        .show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            contents(ui)
        })
        .inner
}

fn colour(t: &Tokens, curve: &Curve, place: usize, classes: &[String]) -> Color32 {
    if let Some(class) = classes.iter().position(|name| *name == curve.key) {
        return class_colour(t, class);
    }
    [t.accent, t.rejected, t.accepted, t.warning, t.muted][place % 5]
}

fn plot(ui: &mut Ui, t: &Tokens, group: &Group, classes: &[String]) {
    let mut keys: Vec<&str> = Vec::new();
    let colours: Vec<Color32> = group
        .lines
        .iter()
        .map(|curve| {
            let place = keys.iter().position(|key| *key == curve.key).unwrap_or_else(|| {
                keys.push(&curve.key);
                keys.len() - 1
            });
            colour(t, curve, place, classes)
        })
        .collect();
    let mut title = group.title.clone();
    if let Some(first) = title.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    ui.horizontal_wrapped(|ui| {
        ui.label(theme::section(ui, &title));
        if group.lines.len() > 1 || !group.lines.iter().all(|c| c.key.is_empty()) {
            for (curve, colour) in group.lines.iter().zip(&colours) {
                legend(ui, t, curve, *colour);
            }
        }
    });
    let name = spoken(&title, group);
    let response = Plot::new(("curves", &group.title))
        .height(150.0)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .show_background(false)
        .show_axes(Vec2b::TRUE)
        .show_grid(Vec2b::new(false, true))
        .set_margin_fraction(vec2(0.02, 0.06))
        .include_y(0.0)
        .include_y(if group.share { 1.0 } else { 0.0 })
        .y_grid_spacer(levels)
        .custom_y_axes(vec![level_axis()])
        .sense(Sense::hover())
        .show(ui, |plot_ui| {
            for (curve, colour) in group.lines.iter().zip(&colours) {
                let style = if curve.dashed { LineStyle::Dashed { length: 6.0 } } else { LineStyle::Solid };
                plot_ui.line(
                    Line::new(curve.name.as_str(), PlotPoints::Borrowed(&curve.points))
                        .color(*colour)
                        .width(1.6)
                        .style(style),
                );
            }
        })
        .response;
    response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, &name));
}

/// Numbers beside the levels, all of them, with the digits their distance needs.
fn level_axis() -> AxisHints<'static> {
    AxisHints::new_y().min_thickness(36.0).label_spacing(12.0..=18.0).formatter(|mark, _| {
        let decimals = (-mark.step_size.log10().floor()).max(0.0) as usize;
        // Rounding leaves minus signs at zero.
        let value = if mark.value.abs() < mark.step_size / 2.0 { 0.0 } else { mark.value };
        if decimals > 4 { format!("{value:.0e}") } else { format!("{value:.decimals$}") }
    })
}

/// Up to six levels a 1, 2 or 5 apart, so that at any height of a curve their labels have room.
fn levels(input: GridInput) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    let least = (high - low) / 5.0;
    if !least.is_finite() || least <= 0.0 {
        return Vec::new();
    }
    let power = 10_f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0].map(|factor| factor * power).into_iter().find(|step| *step >= least);
    let step = step.unwrap_or(10.0 * power);
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (first..=last).map(|index| GridMark { value: index as f64 * step, step_size: step }).collect()
}

/// A short stroke as the line is painted, and the name of the line with its last value.
fn legend(ui: &mut Ui, t: &Tokens, curve: &Curve, colour: Color32) {
    let font = FontId::proportional(theme::SMALL);
    let galley = ui.painter().layout_no_wrap(curve.name.clone(), font, t.muted);
    let size = vec2(galley.size().x + 22.0, galley.size().y.max(16.0));
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    if ui.is_rect_visible(rect) {
        let y = rect.center().y;
        let (left, right) = (rect.left(), rect.left() + 16.0);
        let stroke = Stroke::new(2.0, colour);
        if curve.dashed {
            ui.painter().hline(left..=(left + 6.0), y, stroke);
            ui.painter().hline((right - 6.0)..=right, y, stroke);
        } else {
            ui.painter().hline(left..=right, y, stroke);
        }
        let at = pos2(rect.left() + 20.0, y - galley.size().y / 2.0);
        ui.painter().galley(at, galley, t.muted);
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &curve.name));
    if let Some(last) = curve.points.last() {
        response.on_hover_text(format!("{} at step {:.0}", number(last.y), last.x));
    }
}

fn number(value: f64) -> String {
    if value != 0.0 && value.abs() < 0.001 { format!("{value:.1e}") } else { format!("{value:.3}") }
}

/// The plot for assistive technology: the last value of each line.
fn spoken(title: &str, group: &Group) -> String {
    let mut text = format!("{title} curve");
    for curve in &group.lines {
        if let Some(last) = curve.points.last() {
            text += &format!(", {} {}", curve.name, number(last.y));
        }
    }
    text
}
