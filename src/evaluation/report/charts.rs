//! Charts as SVG: texts are text, marks differ by shape as well as colour, and each chart says in its
//! description what it shows, so that it can be read alone and without eyes.

use std::fmt::Write as _;

use super::text::{
    NOTHING, bounds, difference, escaped, mean, number, share_interval, short, signed, verdict, width,
};
use super::{Chart, Page, TreatmentRow};
use crate::domain::numbers::counted;
use crate::evaluation::comparison::Change;
use crate::evaluation::metrics::{Figure, Spread};

/// Width of the charts of treatments and classes.
pub(super) const WIDTH: f64 = 860.0;
/// Where the names end and the marks begin.
const LEFT: f64 = 230.0;
/// Widest name, in Latin letters.
const NAME: usize = 30;
/// Where the first row is, under title and legend.
const TOP: f64 = 74.0;
/// Height of a treatment in the charts of ACSA and of recalls.
const ROW: f64 = 22.0;
/// Height of a bar of the chart of changes.
const BAR: f64 = 16.0;
/// Changes beyond this many percent are not told apart by length; their number says them.
const MOST: f64 = 100.0;
/// What the bars of a change are, with their colours.
const BARS: [(&str, &str); 3] = [("recall", "recall"), ("precision", "precision"), ("F0.5", "f05")];
/// Side of a table of answers, its cells at most and at least so large.
const TABLE: f64 = 640.0;
const CELL: (f64, f64) = (13.0, 48.0);
/// Smallest cell that has its number in it.
const NUMBERED: f64 = 26.0;
/// Opacity of a cell with all answers of its row; the number on it stays readable.
const SHADE: f64 = 0.55;
/// Below title and note, where a chart without a legend may begin.
const NOTED: f64 = 56.0;
/// Size of names.
const FONT: f64 = 13.0;

/// Colour of letters, light.
pub(super) const INK: &str = "#1d2226";

/// Names of the colours, light and dark: those of the window.
pub(super) const COLOURS: [(&str, &str, &str); 11] = [
    ("background", "#f4f5f6", "#15171a"),
    ("panel", "#ffffff", "#1b1e22"),
    ("raised", "#f0f2f3", "#23272c"),
    ("line", "#dcdfe2", "#2f343a"),
    ("text", INK, "#e6e8ea"),
    ("muted", "#5c666e", "#9aa3ab"),
    ("accent", "#0d7c80", "#4cc2c4"),
    ("accepted", "#0072b2", "#56b4e9"),
    ("rejected", "#b36b00", "#e69f00"),
    ("warning", "#8a6100", "#f0c05a"),
    ("failure", "#b23a26", "#e5705c"),
];

/// How the parts of a chart look; colours by name.
pub(super) const STYLE: &str = "\
.chart{font-family:system-ui,sans-serif;font-size:13px}\n\
.chart text{fill:var(--text)}\n\
.chart .title{font-size:15px;font-weight:600}\n\
.chart .dim{fill:var(--muted);font-size:12px}\n\
.chart .strong{font-weight:600}\n\
.chart .ground{fill:var(--panel)}\n\
.chart .rule{stroke:var(--line);stroke-width:1}\n\
.chart .zero{stroke:var(--muted);stroke-width:1.5}\n\
.chart .whisker{stroke:var(--muted);stroke-width:1.5}\n\
.chart .base{fill:var(--panel);stroke:var(--muted);stroke-width:1.5}\n\
.chart .free,.chart .recall,.chart .shade{fill:var(--accent)}\n\
.chart .made,.chart .precision{fill:var(--accepted)}\n\
.chart .f05{fill:var(--rejected)}\n\
.chart .cell{fill:none;stroke:var(--line);stroke-width:1}\n";

/// The chart; `None` for a treatment that is not there, and for the change of the baseline. `alone` is for a
/// file of its own, light; else it stands in the page, which brings the colours.
pub(super) fn chart(page: &Page, chart: Chart, treatment: &str, alone: bool) -> Option<String> {
    let place = page.treatments.iter().position(|row| row.name == treatment);
    let sheet = match chart {
        Chart::Acsa => acsa(page),
        Chart::Recall => recall(page),
        Chart::Change => {
            let base = page.treatment(&page.baseline)?;
            let row = page.treatments.get(place?).filter(|row| row.name != page.baseline)?;
            change(page, base, row)
        }
        Chart::Confusion => confusion(page, page.treatments.get(place?)?),
    };
    let id = match chart {
        Chart::Acsa | Chart::Recall => chart.file().to_owned(),
        Chart::Change | Chart::Confusion => format!("{}-{}", chart.file(), place?),
    };
    Some(sheet.finish(&id, alone))
}

/// A place in a chart.
pub(super) fn at(value: f64) -> String {
    if value.is_finite() { format!("{value:.1}") } else { "0".to_owned() }
}

/// A chart as it grows.
pub(super) struct Sheet {
    title: String,
    /// What it shows, in words.
    pub(super) told: Vec<String>,
    pub(super) body: String,
    width: f64,
    pub(super) height: f64,
}

impl Sheet {
    /// With its title and a line on what is drawn.
    pub(super) fn new(title: String, note: &str) -> Self {
        let mut sheet =
            Sheet { told: vec![note.to_owned()], body: String::new(), width: WIDTH, height: TOP, title };
        let title = short(&sheet.title, 90);
        sheet.text((16.0, 24.0), "title", "start", &title);
        sheet.text((16.0, 43.0), "dim", "start", note);
        sheet
    }

    pub(super) fn text(&mut self, (x, y): (f64, f64), class: &str, anchor: &str, words: &str) {
        let (x, y, words) = (at(x), at(y), escaped(words));
        let _ = writeln!(
            self.body,
            "<text x=\"{x}\" y=\"{y}\" class=\"{class}\" text-anchor=\"{anchor}\">{words}</text>"
        );
    }

    /// A name that may be cut off, with the whole of it for who points at it.
    fn name(&mut self, (x, y): (f64, f64), class: &str, anchor: &str, name: &str) {
        let (x, y, cut, whole) = (at(x), at(y), escaped(&short(name, NAME)), escaped(name));
        let _ = writeln!(
            self.body,
            "<text x=\"{x}\" y=\"{y}\" class=\"{class}\" text-anchor=\"{anchor}\"><title>{whole}</title>\
             {cut}</text>"
        );
    }

    fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let (x1, y1, x2, y2) = (at(x1), at(y1), at(x2), at(y2));
        let _ =
            writeln!(self.body, "<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>");
    }

    pub(super) fn bar(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
        let (x, y, width, height) = (at(x), at(y), at(width), at(height));
        let _ = writeln!(
            self.body,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
        );
    }

    /// Hollow for the baseline, a dot where no image is made, a diamond where images are.
    fn mark(&mut self, mark: Mark, x: f64, y: f64) {
        let _ = match mark {
            Mark::Base | Mark::Free => {
                let class = if mark == Mark::Base { "base" } else { "free" };
                let (x, y) = (at(x), at(y));
                writeln!(self.body, "<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"4.5\"/>")
            }
            Mark::Made => {
                let (left, right, top, bottom) = (at(x - 5.5), at(x + 5.5), at(y - 5.5), at(y + 5.5));
                let (x, y) = (at(x), at(y));
                writeln!(
                    self.body,
                    "<path class=\"made\" d=\"M{left} {y}L{x} {top}L{right} {y}L{x} {bottom}Z\"/>"
                )
            }
        };
    }

    /// The three marks with what they stand for.
    fn legend(&mut self, page: &Page) {
        let mut x = 22.0;
        let all = [
            (Mark::Base, page.baseline.as_str()),
            (Mark::Free, "no image is made"),
            (Mark::Made, "trained on made images"),
        ];
        for (mark, words) in all {
            if page.treatments.iter().any(|row| Mark::of(page, row) == mark) {
                self.mark(mark, x, 58.0);
                self.text((x + 12.0, 62.0), "dim", "start", words);
                x += 180.0;
            }
        }
    }

    pub(super) fn finish(self, id: &str, alone: bool) -> String {
        let (width, height) = (format!("{:.0}", self.width), format!("{:.0}", self.height));
        let (title, told) = (escaped(&self.title), escaped(&self.told.join(" ")));
        let mut out = String::new();
        let space = if alone {
            out += "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
            " xmlns=\"http://www.w3.org/2000/svg\""
        } else {
            ""
        };
        let _ = writeln!(
            out,
            "<svg{space} class=\"chart\" role=\"img\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" aria-labelledby=\"{id}-title {id}-desc\">\n\
             <title id=\"{id}-title\">{title}</title>\n<desc id=\"{id}-desc\">{told}</desc>"
        );
        if alone {
            let light = COLOURS.iter().fold(STYLE.to_owned(), |style, (name, light, _)| {
                style.replace(&format!("var(--{name})"), light)
            });
            let _ = writeln!(out, "<style>\n{light}</style>");
        }
        let _ = write!(
            out,
            "<rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>\n{}</svg>\n",
            self.body
        );
        out
    }
}

/// How a treatment is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Base,
    Free,
    Made,
}

impl Mark {
    fn of(page: &Page, row: &TreatmentRow) -> Self {
        match row.made {
            _ if row.name == page.baseline => Mark::Base,
            true => Mark::Made,
            false => Mark::Free,
        }
    }
}

/// Numbers along a line.
struct Scale {
    low: f64,
    high: f64,
    right: f64,
}

impl Scale {
    fn at(&self, value: f64) -> f64 {
        let span = (self.high - self.low).max(f64::MIN_POSITIVE);
        LEFT + ((value - self.low) / span).clamp(0.0, 1.0) * (self.right - LEFT)
    }
}

/// A round step of which about five make a span.
fn step(span: f64) -> f64 {
    let rough = (span / 5.0).max(0.001);
    let power = 10.0_f64.powf(rough.log10().floor());
    let lead = rough / power;
    let round = [1.0, 2.0, 5.0].into_iter().find(|round| lead <= *round);
    power * round.unwrap_or(10.0)
}

/// Differences of ACSA with their intervals, and the baseline at zero.
fn acsa(page: &Page) -> Sheet {
    let note = format!(
        "Difference of ACSA against {}, paired by seed and image; lines are 95 % intervals.",
        short(&page.baseline, NAME)
    );
    let mut sheet = Sheet::new("ACSA of each treatment".to_owned(), &note);
    sheet.legend(page);
    let known: Vec<f64> = page
        .treatments
        .iter()
        .filter_map(TreatmentRow::difference)
        .flat_map(|found| [found.low, found.value, found.high])
        .collect();
    let low = known.iter().copied().fold(-0.01, f64::min);
    let high = known.iter().copied().fold(0.01, f64::max);
    let step = step(high - low);
    let (first, last) = ((low / step).floor(), (high / step).ceil());
    let scale = Scale { low: first * step, high: last * step, right: 540.0 };
    let rows = page.by_acsa();
    let bottom = TOP + 14.0 + ROW * rows.len() as f64;
    let ticks = (last - first).clamp(1.0, 40.0) as usize;
    for tick in 0..=ticks {
        let value = (first + tick as f64) * step;
        let class = if value.abs() < step / 2.0 { "zero" } else { "rule" };
        sheet.line(class, (scale.at(value), TOP), (scale.at(value), bottom));
        sheet.text((scale.at(value), bottom + 16.0), "dim", "middle", &signed(value));
    }
    for (place, row) in rows.into_iter().enumerate() {
        let y = TOP + 18.0 + ROW * place as f64;
        let value = row.figure(Figure::Acsa.key());
        sheet.name((LEFT - 12.0, y + 4.0), "", "end", &row.name);
        let words = match row.difference() {
            _ if row.name == page.baseline => {
                sheet.mark(Mark::Base, scale.at(0.0), y);
                "the others are held against it".to_owned()
            }
            Some(found) => {
                sheet.line("whisker", (scale.at(found.low), y), (scale.at(found.high), y));
                sheet.mark(Mark::of(page, row), scale.at(found.value), y);
                format!("{} {}", difference(&found), verdict(&found))
            }
            None => format!("{NOTHING} (no shared seed)"),
        };
        let value = mean(value);
        sheet.told.push(format!("{}: ACSA {value}; {words}.", row.name));
        sheet.text((558.0, y + 4.0), "strong", "start", &value);
        sheet.text((668.0, y + 4.0), "dim", "start", &words);
    }
    // A difference with its verdict is longer than a name.
    sheet.width = WIDTH + 80.0;
    sheet.height = bottom + 30.0;
    sheet
}

/// Recalls of each class under each treatment, classes by falling number of training images.
fn recall(page: &Page) -> Sheet {
    let note =
        "Dots are means over the seeds, lines 95 % intervals over the test images of the class (Wilson).";
    let mut sheet = Sheet::new("Recall of each class under each treatment".to_owned(), note);
    sheet.legend(page);
    let scale = Scale { low: 0.0, high: 1.0, right: 640.0 };
    let mut y = TOP + 12.0;
    for class in page.by_count() {
        let of = &page.classes[class];
        let images = format!(
            "{}, {}",
            counted(of.training, "training image", "training images"),
            counted(of.test, "test image", "test images")
        );
        sheet.told.push(format!("{} ({images}):", of.name));
        y += 12.0;
        sheet.name((16.0, y), "strong", "start", &of.name);
        sheet.text((scale.right, y), "dim", "end", &images);
        y += 6.0;
        let rows = page.treatments.len();
        if of.test == 0 {
            sheet.text((LEFT, y + 14.0), "dim", "start", "- (no test image, so no recall)");
            sheet.told.push("no test image, so no recall.".to_owned());
            y += ROW + 8.0;
            continue;
        }
        for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
            let x = scale.at(share);
            sheet.line("rule", (x, y), (x, y + ROW * rows as f64));
        }
        for row in &page.treatments {
            let middle = y + ROW / 2.0;
            sheet.name((LEFT - 12.0, middle + 4.0), "", "end", &row.name);
            let found = row.classes.get(class).and_then(|figures| figures.recall);
            let words = match found.map(|found| (found, share_interval(found.mean, of.test))) {
                Some((found, Some(interval))) => {
                    let ends = (scale.at(interval.low), scale.at(interval.high));
                    sheet.line("whisker", (ends.0, middle), (ends.1, middle));
                    sheet.mark(Mark::of(page, row), scale.at(found.mean), middle);
                    format!("{} ({})", number(found.mean), bounds(&interval))
                }
                _ => format!("{NOTHING} (not measured)"),
            };
            sheet.text((scale.right + 16.0, middle + 4.0), "dim", "start", &words);
            sheet.told.push(format!("{} {words};", row.name));
            y += ROW;
        }
        y += 8.0;
    }
    for (share, words) in [(0.0, "0"), (0.5, "0.5"), (1.0, "1")] {
        sheet.text((scale.at(share), y + 8.0), "dim", "middle", words);
    }
    sheet.height = y + 24.0;
    sheet
}

/// Changes of each class under a treatment, classes by falling number of training images.
fn change(page: &Page, base: &TreatmentRow, row: &TreatmentRow) -> Sheet {
    let title = format!("Change of each class against {}: {}", base.name, row.name);
    let note = "In percent of what plain training has; classes by falling number of training images.";
    let mut sheet = Sheet::new(title, note);
    for (place, (name, class)) in BARS.into_iter().enumerate() {
        let x = 16.0 + 120.0 * place as f64;
        sheet.bar(class, (x, 53.0), (12.0, 10.0));
        sheet.text((x + 18.0, 62.0), "dim", "start", name);
    }
    let order = page.by_count();
    let changes: Vec<[Change; 3]> = order
        .iter()
        .map(|&class| {
            let (plain, treated) = (base.classes.get(class).copied(), row.classes.get(class).copied());
            let of = |figure: fn(&super::ClassFigures) -> Option<Spread>| {
                let mean =
                    |class: &Option<super::ClassFigures>| class.as_ref().and_then(figure).map(|s| s.mean);
                Change::of(mean(&plain), mean(&treated))
            };
            [of(|figures| figures.recall), of(|figures| figures.precision), of(|figures| figures.f05)]
        })
        .collect();
    let largest = changes.iter().flatten().fold(10.0_f64, |most, change| match change {
        Change::Percent(percent) if percent.is_finite() => most.max(percent.abs()),
        _ => most,
    });
    let reach = largest.min(MOST);
    let scale = Scale { low: -reach, high: reach, right: 700.0 };
    let height = BAR * BARS.len() as f64 + 12.0;
    let bottom = TOP + height * order.len() as f64;
    for share in [-reach, -reach / 2.0, 0.0, reach / 2.0, reach] {
        let class = if share == 0.0 { "zero" } else { "rule" };
        sheet.line(class, (scale.at(share), TOP), (scale.at(share), bottom));
        let words = if share == 0.0 { "0 %".to_owned() } else { format!("{share:+.0} %") };
        sheet.text((scale.at(share), bottom + 16.0), "dim", "middle", &words);
    }
    let zero = scale.at(0.0);
    for (place, (&class, changes)) in order.iter().zip(&changes).enumerate() {
        let of = &page.classes[class];
        let top = TOP + 6.0 + height * place as f64;
        sheet.name((LEFT - 12.0, top + 20.0), "", "end", &of.name);
        let images = counted(of.training, "training image", "training images");
        sheet.text((LEFT - 12.0, top + 36.0), "dim", "end", &images);
        let mut told = Vec::new();
        for (bar, ((name, colour), change)) in BARS.into_iter().zip(changes).enumerate() {
            let y = top + BAR * bar as f64;
            let words = match change {
                Change::Unknown => format!("{NOTHING} (no test image)"),
                Change::FromZero => "from 0".to_owned(),
                change => change.words(' ', NOTHING),
            };
            if let Change::Percent(percent) = change {
                let end = scale.at(*percent);
                sheet.bar(colour, (zero.min(end), y + 2.0), ((end - zero).abs(), BAR - 4.0));
            }
            sheet.text((scale.right + 12.0, y + 12.0), "dim", "start", &format!("{name} {words}"));
            told.push(format!("{name} {words}"));
        }
        sheet.told.push(format!("{}, {images}: {}.", of.name, told.join(", ")));
    }
    sheet.height = bottom + 30.0;
    sheet
}

/// What was said of the images of each class, as a table with shades.
fn confusion(page: &Page, row: &TreatmentRow) -> Sheet {
    let seeds = counted(row.seeds.len(), "seed", "seeds");
    let note = format!(
        "Rows are true classes, columns what was said, answers of {seeds} together; shade: share of the row."
    );
    let mut sheet = Sheet::new(format!("Answers: {}", row.name), &note);
    let count = page.classes.len().max(1) as f64;
    let cell = (TABLE / count).clamp(CELL.0, CELL.1);
    // Names of columns stand upright, in the order of the rows, with as much room as the longest takes.
    let columns: Vec<String> = page.classes.iter().map(|of| short(&of.name, NAME - 6)).collect();
    let longest = columns.iter().map(|name| width(name, FONT)).fold(0.0, f64::max);
    let top = NOTED + longest + 8.0;
    for (class, (of, cut)) in page.classes.iter().zip(&columns).enumerate() {
        let middle = LEFT + cell * (class as f64 + 0.5);
        let (x, y) = (at(middle + 4.0), at(top - 8.0));
        let (cut, whole) = (escaped(cut), escaped(&of.name));
        let _ = writeln!(
            sheet.body,
            "<text x=\"{x}\" y=\"{y}\" transform=\"rotate(-90 {x} {y})\"><title>{whole}</title>{cut}</text>"
        );
    }
    for (class, of) in page.classes.iter().enumerate() {
        let y = top + cell * class as f64;
        sheet.name((LEFT - 12.0, y + cell / 2.0 + 4.0), "", "end", &of.name);
        let counts: &[u64] = row.confusion.get(class).map(Vec::as_slice).unwrap_or_default();
        let all: u64 = counts.iter().sum();
        let mut told = Vec::new();
        for (said, (&images, other)) in counts.iter().zip(&page.classes).enumerate() {
            if images == 0 {
                continue;
            }
            told.push(format!("{images} {}", other.name));
            let share = images as f64 / all.max(1) as f64;
            let (x, y) = (LEFT + cell * said as f64, y);
            let words = escaped(&format!("{}, said to be {}: {images} of {all}", of.name, other.name));
            let _ = writeln!(
                sheet.body,
                "<rect class=\"shade\" x=\"{}\" y=\"{}\" width=\"{side}\" height=\"{side}\" \
                 fill-opacity=\"{:.3}\"><title>{words}</title></rect>",
                at(x),
                at(y),
                share * SHADE,
                side = at(cell),
            );
            if cell >= NUMBERED {
                let place = (x + cell / 2.0, y + cell / 2.0 + 4.0);
                sheet.text(place, "", "middle", &images.to_string());
            }
        }
        let told = if told.is_empty() { "no test image".to_owned() } else { told.join(", ") };
        if all == 0 {
            sheet.text((LEFT + 4.0, y + cell / 2.0 + 4.0), "dim", "start", "- (no test image)");
        }
        sheet.told.push(format!("{}: {told}.", of.name));
    }
    let side = cell * count;
    sheet.bar("cell", (LEFT, top), (side, side));
    sheet.width = (LEFT + side + 24.0).max(WIDTH);
    sheet.height = top + side + 20.0;
    sheet
}
