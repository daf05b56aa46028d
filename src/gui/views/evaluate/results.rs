//! What came of a comparison: how far it is while it runs, then the sentences, the table, the classes and the
//! answers, and the comparisons of other days.

use std::sync::Arc;

use egui::{
    Button, CollapsingHeader, ComboBox, FontId, Label, RichText, Role, Sense, Ui, WidgetInfo, pos2, vec2,
};

use super::form::why_not_again;
use super::{TABLE_BOX, saved_ui};
use crate::domain::task::Level;
use crate::evaluation::comparison::{Change, Comparison};
use crate::evaluation::generators::{MadeRow, MeanFigure};
use crate::evaluation::metrics::Figure;
use crate::evaluation::metrics::bootstrap::Interval;
use crate::evaluation::report::{Chart, Page};
use crate::gui::command::{Action, Command};
use crate::gui::icons::Icon;
use crate::gui::state::{DIALOG, EvaluateForm, Face, JobKind, State};
use crate::gui::theme::{self, Tokens, caption, muted, section, space};
use crate::gui::views::train::progress_of;
use crate::gui::widgets::class_charts::{Changes, Recalls, changes_ui, mean_words, recalls_ui};
use crate::gui::widgets::confusion_table::confusion_ui;
use crate::gui::widgets::curves::card;
use crate::gui::widgets::empty_state::{failure_card, warning_line};
use crate::gui::widgets::figure_table::{Columns, Note, Row, head_ui, line_ui, row_ui};
use crate::gui::widgets::histogram::truncated;
use crate::gui::widgets::path_box::{Words, line_width, path_box};
use crate::gui::widgets::probability::progress_bar;
use crate::gui::widgets::status_bar::{count_words, counted, moment_words};
use crate::jobs::comparisons::{Choice, ClassFigures, Difference, Kept, Mean, Report, TreatmentFigures};
use crate::jobs::evaluate::{acsa_curve, stage, title};
use crate::jobs::{JobState, JobView};
use crate::project::RunId;

/// The figures of the table, with what they are.
const FIGURES: [(Figure, &str); 4] = [
    (Figure::Acsa, "ACSA"),
    (Figure::F1Macro, "macro F1"),
    (Figure::GMean, "G-mean"),
    (Figure::Accuracy, "accuracy"),
];
/// What the figures mean, under the table.
const MEANING: &str = "Mean ± standard deviation over the seeds. ACSA is the mean recall of the classes, \
                       G-mean the root of the product of their recalls. The difference is that of ACSA \
                       against plain training with the same seeds and images, with its 95 % interval over \
                       both. Choose a row to see its classes below.";
/// What the figures mean that stand behind the first ones.
const MORE: &str = "GM is the G-mean by the product of the recalls. Its macro form, the root of mean recall times \
                    mean specificity, is the one of published tables: the specificity of a class counts the images \
                    of all other classes, so it is near 1 and the figure lies higher. With as many test images of \
                    each class it follows from ACSA and says nothing more. What follows from the counts of answers \
                    has an interval; AUROC, AUPRC and calibration error, which need probabilities, have none, \
                    nor have the recalls of groups and, of a class, precision, F1 and F0.5.";
/// Groups of classes by their training images, by their names in JSON.
const GROUPS: [(&str, &str); 3] =
    [("recall_many", "many (over 100)"), ("recall_medium", "medium"), ("recall_few", "few (under 20)")];
/// Name of plain training.
const NONE: &str = "none";
/// How the words of a generator begin while it makes images.
const MAKING: &str = "making images";
/// What the queue says of a treatment of which nothing is measured or at work.
const WAITING: &str = "waiting";
/// Room for the button that takes a treatment off the queue.
const LEAVE: f32 = 88.0;
/// Least classes whose groups say something.
const GROUPED: usize = 3;
/// Least width at which two charts stand side by side.
const TWO: f32 = 640.0;

/// Nothing runs, failed or was ever compared.
pub(super) fn is_empty(state: &State) -> bool {
    let nothing_kept = state.project.as_ref().is_none_or(|project| {
        state.evaluate.shown(project).is_none() && unfinished(&project.comparisons).is_none()
    });
    nothing_kept && state.running(JobKind::Evaluate).is_none() && state.failure(JobKind::Evaluate).is_none()
}

/// The last comparison, where it ended without a report and is known well enough to go on.
fn unfinished(comparisons: &[Arc<Kept>]) -> Option<(&Kept, &Choice)> {
    let last: &Kept = comparisons.last().filter(|kept| kept.report.is_none() && kept.status != "running")?;
    Some((last, last.choice.as_ref()?))
}

/// What runs, what failed, and what did not end.
pub(super) fn running_ui(ui: &mut Ui, t: &Tokens, state: &mut State, out: &mut Vec<Action>) {
    if let Some(job) = state.running(JobKind::Evaluate) {
        card(ui, t, |ui| progress(ui, t, job, &state.evaluate, out));
        return;
    }
    if let Some(message) = state.failure(JobKind::Evaluate) {
        failure_card(ui, "The comparison failed; what was measured is kept", message);
    }
    let Some(project) = &state.project else { return };
    let Some((kept, choice)) = unfinished(&project.comparisons) else { return };
    // One of this window is told of above.
    if state.job(JobKind::Evaluate).is_some() {
        return;
    }
    let choice = choice.clone();
    let started = kept.started.map_or_else(String::new, |at| format!(" of {}", moment_words(at)));
    let mut words = format!(
        "The comparison{started} did not end ({}). What was measured is kept: going on trains the rest.",
        kept.status
    );
    if let Some(changed) = EvaluateForm::changed_since(&choice, &project.settings) {
        words += &format!(" {changed}");
    }
    let why = why_not_again(state, &choice);
    card(ui, t, |ui| {
        warning_line(ui, &words);
        let go_on = ui.add_enabled(why.is_none(), Button::new("Go on"));
        if go_on.on_disabled_hover_text(why.unwrap_or_default()).clicked() {
            state.evaluate.take(&choice);
            out.push(Action::Do(Command::Evaluate));
        }
    });
}

/// How far a comparison is, with a generator at work by its number among the seeds.
pub(super) fn progress_words(job: &JobView, choice: Option<&Choice>) -> String {
    let at_work = choice.and_then(|choice| generator_words(&job.stage, choice));
    progress_of(job, at_work.as_deref().unwrap_or(&job.stage))
}

/// `fitting baegan, seed 1 of 3: training the judge, epoch 3 of 20`; `None` where no generator is at work.
fn generator_words(stage: &str, choice: &Choice) -> Option<String> {
    let seeds = choice.seeds.max(1);
    for name in choice.names() {
        for number in 0..seeds as u64 {
            let seed = choice.seed.wrapping_add(number);
            let Some(rest) = behind(stage, &title(&name, seed)) else { continue };
            if let Some((fold, what)) = rest.split_once(": ") {
                let fitting = if what.starts_with(MAKING) { "" } else { "fitting " };
                return Some(format!("{fitting}{name}, seed {} of {seeds}{fold}: {what}", number + 1));
            }
        }
    }
    None
}

fn progress(ui: &mut Ui, t: &Tokens, job: &JobView, form: &EvaluateForm, out: &mut Vec<Action>) {
    let choice = form.running.as_ref();
    let words = progress_words(job, choice);
    ui.label(section(ui, "Running"));
    let share = if job.total == 0 { 0.0 } else { job.done as f32 / job.total as f32 };
    let width = ui.available_width();
    progress_bar(ui, share, vec2(width, 6.0), &format!("Comparing treatments: {words}"));
    ui.add(Label::new(muted(ui, words)).wrap());
    if let Some(choice) = choice {
        ui.spacing_mut().item_spacing.y = 0.0;
        let runs = matches!(job.state, JobState::Running | JobState::Paused);
        for (place, name) in choice.names().into_iter().enumerate() {
            let words = queue_words(job, choice, &name);
            let waits = words == WAITING;
            if waits && form.left_out.contains(&name) {
                queue_ui(ui, t, &name, "left out", 0.0);
                continue;
            }
            // Plain training, the first, is what all others are held against.
            let may_leave = waits && runs && place > 0;
            ui.horizontal(|ui| {
                queue_ui(ui, t, &name, &words, if may_leave { LEAVE } else { 0.0 });
                if may_leave {
                    let leave = ui.add(Button::new("Leave out").small());
                    let leave =
                        leave.on_hover_text("Compare the others without it; a later comparison can train it");
                    if leave.accessible_name(format!("Leave {name} out")).clicked() {
                        out.push(Action::LeaveOut(name.clone()));
                    }
                }
            });
        }
        ui.spacing_mut().item_spacing.y = space::S;
    }
    for (level, text) in &job.notes {
        match level {
            Level::Info => {
                ui.add(Label::new(muted(ui, text.as_str())).wrap());
            }
            Level::Warning => warning_line(ui, text),
            Level::Error => {
                ui.add(Label::new(RichText::new(text).color(t.failure)).wrap());
            }
        }
    }
    if job.state == JobState::Paused {
        ui.label(caption(ui, "Paused: nothing is lost."));
    }
}

/// A treatment of the queue and how far it is, with so much room left behind it.
fn queue_ui(ui: &mut Ui, t: &Tokens, name: &str, words: &str, room: f32) {
    let width = (ui.available_width() - room).max(0.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 22.0), Sense::hover());
    if ui.is_rect_visible(rect) {
        let font = FontId::proportional(13.0);
        let left = (rect.width() * 0.36).min(180.0);
        let painter = ui.painter();
        let name = truncated(painter, name, font.clone(), t.text, left - space::S);
        let y = rect.center().y;
        painter.galley(pos2(rect.left(), y - name.size().y / 2.0), name, t.text);
        let words = truncated(painter, words, font, t.muted, rect.width() - left);
        painter.galley(pos2(rect.left() + left, y - words.size().y / 2.0), words, t.muted);
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name}: {words}")));
    response.on_hover_text(words);
}

/// What comes behind the words for a training: nothing, its fold or a reason; `None` where they are not of it.
fn behind<'a>(text: &'a str, training: &str) -> Option<&'a str> {
    text.strip_prefix(training).filter(|rest| rest.is_empty() || rest.starts_with([',', ':']))
}

/// How far a treatment is: the ACSA of the seeds that are measured, the seed in training or whose generator is at
/// work, failed ones, and how many wait.
pub fn queue_words(job: &JobView, choice: &Choice, name: &str) -> String {
    let curve = acsa_curve(name);
    let curve = job.series.iter().find(|series| series.name == curve);
    let (mut measured, mut parts, mut waiting) = (Vec::new(), Vec::new(), 0);
    for number in 0..choice.seeds.max(1) as u64 {
        let seed = choice.seed.wrapping_add(number);
        let point = curve.and_then(|curve| curve.points.iter().find(|point| point[0] == seed as f64));
        let failed = format!("{name} with seed {seed}");
        let has_failed =
            |(level, text): &(Level, String)| *level == Level::Error && behind(text, &failed).is_some();
        if let Some(point) = point {
            measured.push(format!("{:.3}", point[1]));
        } else if let Some(fold) = behind(&job.stage, &stage(name, seed)) {
            parts.push(format!("training with seed {seed}{fold}"));
        } else if let Some(rest) = behind(&job.stage, &title(name, seed)) {
            parts.push(if rest.contains(MAKING) {
                format!("with seed {seed}{rest}, {}", count_words(job.done, job.total))
            } else {
                format!("fitting with seed {seed}{rest}")
            });
        } else if job.notes.iter().any(has_failed) {
            parts.push(format!("seed {seed} failed"));
        } else {
            waiting += 1;
        }
    }
    if !measured.is_empty() {
        parts.insert(0, format!("ACSA {}", measured.join(", ")));
    }
    if waiting > 0 && parts.is_empty() {
        parts.push(WAITING.to_owned());
    } else if waiting > 0 {
        parts.push(format!("{} to go", counted(waiting, "seed", "seeds")));
    }
    parts.join(" · ")
}

/// The comparison that is shown, with everything that follows from it; nothing where there is none.
pub(super) fn report_ui(ui: &mut Ui, t: &Tokens, state: &mut State, out: &mut Vec<Action>) {
    let Some(project) = &state.project else { return };
    let Some((kept, report)) = state.evaluate.shown(project) else { return };
    let (run, started, report) = (kept.run, kept.started, Arc::clone(report));
    let comparisons = project.comparisons.clone();
    let may_ask = !state.dialog_open;
    let form = &mut state.evaluate;
    card(ui, t, |ui| verdict(ui, t, &report, started));
    card(ui, t, |ui| table(ui, t, &report, form));
    if let Some(page) = &report.page
        && let Some(free) = page.best_free()
    {
        card(ui, t, |ui| against_free(ui, t, &report, page, free, form));
    }
    if report.classes.len() >= GROUPED && has_groups(&report) {
        card(ui, t, |ui| groups(ui, t, &report, form));
    }
    if let Some(chosen) = form.treatment_of(&report) {
        card(ui, t, |ui| more(ui, t, &report, chosen));
    }
    if let (Some(chosen), Some(plain)) = (form.treatment_of(&report), report.plain()) {
        classes(ui, t, &report, chosen, plain);
        card(ui, t, |ui| answers(ui, t, &report, chosen));
    }
    if !report.made.is_empty() {
        card(ui, t, |ui| made(ui, t, &report));
    }
    card(ui, t, |ui| keep(ui, t, (run, &report), form, may_ask, out));
    if comparisons.iter().filter(|kept| kept.report.is_some()).count() > 1 {
        card(ui, t, |ui| others(ui, t, &comparisons, run, &report, form));
    }
}

/// What the figures are of: `60 test images`, or `60 images in 5 folds`.
pub fn measured_words(report: &Report) -> String {
    let images = report.test_images();
    match report.folds {
        Some(folds) => format!("{} in {folds} folds", counted(images, "image", "images")),
        None => counted(images, "test image", "test images"),
    }
}

/// What to take from it, and what is missing.
fn verdict(ui: &mut Ui, t: &Tokens, report: &Report, started: Option<i64>) {
    let mut head = vec![
        report.network.clone(),
        counted(report.steps, "step", "steps"),
        counted(report.choice.seeds, "seed", "seeds"),
        measured_words(report),
    ];
    if let Some(started) = started {
        head.insert(0, moment_words(started));
    }
    ui.add(Label::new(caption(ui, head.join(" · "))).wrap());
    for (place, sentence) in report.summary.iter().enumerate() {
        let text = RichText::new(sentence);
        let text = if place == 0 { text.strong() } else { text };
        ui.add(Label::new(text).wrap().selectable(true));
    }
    if !report.complete {
        warning_line(ui, "It was stopped before its end: the figures are of what was measured until then.");
    }
    if !report.failed.is_empty() {
        let failed = counted(report.failed.len(), "training", "trainings");
        warning_line(ui, &format!("{failed} gave no classifier; the figures are of the other seeds."));
        for run in &report.failed {
            let line = format!("{} with seed {}: {}", run.name, run.seed, run.reason);
            ui.add(Label::new(RichText::new(line).color(t.failure)).wrap().selectable(true));
        }
    }
    if report.unreadable > 0 {
        let images = counted(report.unreadable, "image", "images");
        warning_line(ui, &format!("{images} could not be decoded and are left out."));
    }
    for warning in &report.warnings {
        warning_line(ui, warning);
    }
}

/// Whether a difference is shown: a word, a sign and a colour for it.
fn shown(difference: &Difference) -> (&'static str, Icon) {
    if difference.low > 0.0 {
        ("better", Icon::Check)
    } else if difference.high < 0.0 {
        ("worse", Icon::Cross)
    } else {
        ("not told apart", Icon::Dash)
    }
}

/// A difference with its sign, and what it shows in a word.
fn note_of(t: &Tokens, difference: &Difference) -> (Note, &'static str) {
    let (word, sign) = shown(difference);
    let colour = match sign {
        Icon::Check => t.accepted,
        Icon::Cross => t.rejected,
        _ => t.muted,
    };
    (Note { text: difference_words(difference), sign: Some((sign, colour)) }, word)
}

/// `+0.052 (+0.021 to +0.083)`.
fn difference_words(difference: &Difference) -> String {
    let Difference { value, low, high } = difference;
    format!("{value:+.3} ({low:+.3} to {high:+.3})")
}

/// All treatments by falling ACSA.
fn table(ui: &mut Ui, t: &Tokens, report: &Report, form: &mut EvaluateForm) {
    ui.label(section(ui, "Treatments by ACSA"));
    let columns = Columns::of(ui.available_width(), FIGURES.len(), true);
    let names: Vec<&str> = FIGURES.iter().map(|(_, name)| *name).collect();
    ui.spacing_mut().item_spacing.y = 0.0;
    head_ui(
        ui,
        t,
        columns,
        &names,
        Some("ACSA against none"),
        "ACSA, macro F1, G-mean, accuracy, difference",
    );
    let chosen = form.treatment_of(report).map(|treatment| treatment.name.clone());
    for treatment in report.by_acsa() {
        let cells: Vec<String> =
            FIGURES.iter().map(|(figure, _)| mean_words(treatment.figure(figure.key()))).collect();
        let told = FIGURES.iter().zip(&cells).map(|((_, name), cell)| format!("{name} {cell}"));
        let told = told.collect::<Vec<_>>().join(", ");
        let (note, against) = match &treatment.difference {
            Some(difference) => {
                let (note, word) = note_of(t, difference);
                let against = format!("against none {}, {word}", note.text);
                (note, against)
            }
            None if report.plain().is_some_and(|plain| plain.name == treatment.name) => {
                let words = "the others are held against it".to_owned();
                (Note { text: words.clone(), sign: None }, words)
            }
            None => (Note { text: "–".to_owned(), sign: None }, "no seed is shared with none".to_owned()),
        };
        let sentence = treatment.sentence.as_deref().unwrap_or_default();
        let row = Row {
            name: &treatment.name,
            cells: &cells,
            note: Some(note),
            words: format!("{}: {told}; {against}", treatment.name),
            tip: format!("{}\n{}\n{sentence}", treatment.label, seeds(treatment)).trim_end().to_owned(),
            selected: chosen.as_ref() == Some(&treatment.name),
        };
        if row_ui(ui, t, columns, "treatment", &row).clicked() {
            form.treatment = Some(treatment.name.clone());
        }
    }
    ui.add_space(space::S);
    ui.add(Label::new(caption(ui, MEANING)).wrap());
}

/// What adds images, held against the best treatment that adds none.
fn against_free(ui: &mut Ui, t: &Tokens, report: &Report, page: &Page, free: &str, form: &mut EvaluateForm) {
    ui.label(section(ui, &format!("Images added, against {free}")));
    let words = "That is the best treatment which adds no images: what makes or repeats them is worth its time where \
                 it is better.";
    ui.add(Label::new(caption(ui, words)).wrap());
    let columns = Columns::of(ui.available_width(), 1, true);
    let against = format!("ACSA against {free}");
    ui.spacing_mut().item_spacing.y = 0.0;
    head_ui(ui, t, columns, &["ACSA"], Some(&against), &format!("ACSA, difference against {free}"));
    let chosen = form.treatment_of(report).map(|treatment| treatment.name.clone());
    for treatment in report.by_acsa() {
        let row = page.treatment(&treatment.name);
        let Some(found) = row.and_then(|row| row.against_free.as_ref()) else { continue };
        let (note, words) = match found.differences.first().copied().flatten() {
            Some(Interval { value, low, high }) => {
                let (note, word) = note_of(t, &Difference { value, low, high });
                let words = format!("{}: against {free} {}, {word}", treatment.name, note.text);
                (note, words)
            }
            None => {
                let words = format!("{}: one of the two has no value", treatment.name);
                (Note { text: "–".to_owned(), sign: None }, words)
            }
        };
        let row = Row {
            name: &treatment.name,
            cells: &[mean_words(treatment.figure(Figure::Acsa.key()))],
            note: Some(note),
            words,
            tip: treatment.label.clone(),
            selected: chosen.as_ref() == Some(&treatment.name),
        };
        if row_ui(ui, t, columns, "free", &row).clicked() {
            form.treatment = Some(treatment.name.clone());
        }
    }
}

/// Every figure of a treatment, and those of its classes, folded away until they are wanted.
fn more(ui: &mut Ui, t: &Tokens, report: &Report, chosen: &TreatmentFigures) {
    let title = section(ui, &format!("More figures · {}", chosen.name));
    CollapsingHeader::new(title).id_salt("more figures").default_open(false).show_unindented(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        all_figures(ui, t, report, chosen);
        ui.add_space(space::M);
        class_figures(ui, t, report, chosen);
        ui.add_space(space::S);
        ui.add(Label::new(caption(ui, MORE)).wrap());
    });
}

/// Each figure with its deviation and, where there are such, its interval and its difference.
fn all_figures(ui: &mut Ui, t: &Tokens, report: &Report, chosen: &TreatmentFigures) {
    let row = report.page.as_ref().and_then(|page| page.treatment(&chosen.name));
    let plain = report.plain().filter(|plain| plain.name != chosen.name);
    let mut names = vec!["mean ± SD", "95 % interval"];
    names.extend(plain.map(|_| NONE));
    let columns = Columns::of(ui.available_width(), names.len(), plain.is_some());
    let words = format!("Every figure of {}: {}", chosen.name, names.join(", "));
    head_ui(ui, t, columns, &names, plain.map(|_| "against none"), &words);
    for (key, name) in Comparison::figure_names() {
        let place = Figure::ALL.iter().position(|figure| figure.key() == key);
        let of = |all: &[Option<Interval>]| place.and_then(|place| all.get(place).copied().flatten());
        let interval = row.and_then(|row| of(&row.intervals));
        let difference = row.and_then(|row| of(&row.differences));
        let mut cells = vec![
            mean_words(chosen.figure(key)),
            interval.map_or_else(|| "–".to_owned(), |of| format!("{:.3} to {:.3}", of.low, of.high)),
        ];
        cells.extend(plain.map(|plain| mean_words(plain.figure(key))));
        let told = names.iter().zip(&cells).map(|(name, cell)| format!("{name} {cell}"));
        let mut words = format!("{name} of {}: {}", chosen.name, told.collect::<Vec<_>>().join(", "));
        let note = difference.map(|Interval { value, low, high }| {
            let (note, word) = note_of(t, &Difference { value, low, high });
            words += &format!("; against none {}, {word}", note.text);
            note
        });
        let row = Row { name, cells: &cells, note, tip: words.clone(), words, selected: false };
        line_ui(ui, t, columns, "figure", &row);
    }
}

/// Precision, recall and the F scores of each class, by falling number of training images; of the recall also its
/// interval and its difference.
fn class_figures(ui: &mut Ui, t: &Tokens, report: &Report, chosen: &TreatmentFigures) {
    const NAMES: [&str; 4] = ["precision", "recall", "F1", "F0.5"];
    const HEADS: [&str; 5] = [NAMES[0], NAMES[1], NAMES[2], NAMES[3], "95 % of recall"];
    let row = report.page.as_ref().and_then(|page| page.treatment(&chosen.name));
    let noted = row.is_some_and(|row| row.classes.iter().any(|class| class.recall_difference.is_some()));
    let columns = Columns::of(ui.available_width(), HEADS.len(), noted);
    let words = format!("Classes with {}: {}", chosen.name, HEADS.join(", "));
    head_ui(ui, t, columns, &HEADS, noted.then_some("recall against none"), &words);
    for class in report.by_count() {
        let (of, Some(figures)) = (&report.classes[class], chosen.classes.get(class)) else { continue };
        let mut cells = [figures.precision, figures.recall, figures.f1, figures.f05].map(mean_words).to_vec();
        let told = NAMES.iter().zip(&cells).map(|(name, cell)| format!("{name} {cell}"));
        let mut words = format!("{} with {}: {}", of.name, chosen.name, told.collect::<Vec<_>>().join(", "));
        let kept = row.and_then(|row| row.classes.get(class));
        let interval = kept.and_then(|kept| kept.recall_interval);
        let interval =
            interval.map_or_else(|| "–".to_owned(), |of| format!("{:.3} to {:.3}", of.low, of.high));
        words += &format!("; recall 95 % interval {interval}");
        cells.push(interval);
        let difference = kept.and_then(|kept| kept.recall_difference);
        let note = difference.map(|Interval { value, low, high }| {
            let (note, word) = note_of(t, &Difference { value, low, high });
            words += &format!(", against none {}, {word}", note.text);
            note
        });
        let row = Row { name: &of.name, cells: &cells, note, tip: words.clone(), words, selected: false };
        line_ui(ui, t, columns, "class", &row);
    }
}

/// The seeds of a treatment.
fn seeds(treatment: &TreatmentFigures) -> String {
    let seeds: Vec<String> = treatment.seeds.iter().map(u64::to_string).collect();
    format!("seeds {}", seeds.join(", "))
}

/// At least two groups have classes in them.
fn has_groups(report: &Report) -> bool {
    let has = |key: &str| report.treatments.iter().any(|treatment| treatment.figure(key).is_some());
    GROUPS.iter().filter(|(key, _)| has(key)).count() > 1
}

/// Mean recall of the classes with many, medium and few training images.
fn groups(ui: &mut Ui, t: &Tokens, report: &Report, form: &mut EvaluateForm) {
    ui.label(section(ui, "Recall by number of training images"));
    let columns = Columns::of(ui.available_width(), GROUPS.len(), false);
    let names: Vec<&str> = GROUPS.iter().map(|(_, name)| *name).collect();
    ui.spacing_mut().item_spacing.y = 0.0;
    head_ui(ui, t, columns, &names, None, "Classes with many, medium and few training images");
    let chosen = form.treatment_of(report).map(|treatment| treatment.name.clone());
    for treatment in report.by_acsa() {
        let cells: Vec<String> = GROUPS.iter().map(|(key, _)| mean_words(treatment.figure(key))).collect();
        let told = GROUPS.iter().zip(&cells).map(|((_, name), cell)| format!("{name} {cell}"));
        let told = told.collect::<Vec<_>>().join(", ");
        let row = Row {
            name: &treatment.name,
            cells: &cells,
            note: None,
            words: format!("{}: recall of classes with {told}", treatment.name),
            tip: treatment.label.clone(),
            selected: chosen.as_ref() == Some(&treatment.name),
        };
        if row_ui(ui, t, columns, "group", &row).clicked() {
            form.treatment = Some(treatment.name.clone());
        }
    }
}

/// The two charts of the classes.
fn classes(ui: &mut Ui, t: &Tokens, report: &Report, chosen: &TreatmentFigures, plain: &TreatmentFigures) {
    let order = report.by_count();
    let of = |treatment: &TreatmentFigures, class: usize| treatment.classes.get(class).copied();
    let recalls: Vec<Recalls<'_>> = order
        .iter()
        .map(|&class| Recalls {
            class: &report.classes[class],
            plain: of(plain, class).and_then(|figures| figures.recall),
            treated: of(chosen, class).and_then(|figures| figures.recall),
        })
        .collect();
    let changes: Vec<Changes<'_>> = order
        .iter()
        .map(|&class| {
            let (before, now) = (of(plain, class), of(chosen, class));
            let change = |figure: fn(&ClassFigures) -> Option<Mean>| {
                let mean =
                    |class: &Option<ClassFigures>| class.as_ref().and_then(figure).map(|mean| mean.mean);
                Change::of(mean(&before), mean(&now))
            };
            Changes {
                class: &report.classes[class],
                changes: [change(|c| c.recall), change(|c| c.precision), change(|c| c.f05)],
            }
        })
        .collect();
    let recall = |ui: &mut Ui| {
        card(ui, t, |ui| {
            ui.label(section(ui, &format!("Recall of each class · {}", chosen.name)));
            let words = "hollow none, filled the treatment; lines one standard deviation over the seeds";
            ui.add(Label::new(caption(ui, words)).wrap());
            recalls_ui(ui, t, &chosen.name, &recalls);
        });
    };
    let change = |ui: &mut Ui| {
        card(ui, t, |ui| {
            ui.label(section(ui, &format!("Change against none · {}", chosen.name)));
            let words = "in percent of what plain training has; classes by falling number of training images";
            ui.add(Label::new(caption(ui, words)).wrap());
            changes_ui(ui, t, &chosen.name, &changes);
        });
    };
    if chosen.name == plain.name {
        // It does not change against itself.
        recall(ui);
    } else if ui.available_width() >= TWO {
        ui.columns(2, |uis| {
            if let [left, right] = uis {
                recall(left);
                change(right);
            }
        });
    } else {
        recall(ui);
        change(ui);
    }
}

/// What the classifiers of a treatment said.
fn answers(ui: &mut Ui, t: &Tokens, report: &Report, chosen: &TreatmentFigures) {
    ui.label(section(ui, &format!("Answers · {}", chosen.name)));
    let seeds = counted(chosen.seeds.len(), "seed", "seeds");
    let words = format!(
        "Rows are true classes, columns what was said, of {seeds} together; the shade is the share of a row."
    );
    ui.add(Label::new(caption(ui, words)).wrap());
    let names: Vec<&str> = report.classes.iter().map(|class| class.name.as_str()).collect();
    confusion_ui(ui, t, &names, &chosen.confusion);
    let of_class = report.classes.iter().zip(&chosen.classes);
    for (class, figures) in of_class.filter(|(class, figures)| class.test > 0 && figures.never_said > 0) {
        let times = counted(figures.never_said, "seed", "seeds");
        warning_line(ui, &format!("{} was never said with {times}: its precision is 0 of 0.", class.name));
    }
}

/// What each generator gave under each seed.
fn made(ui: &mut Ui, t: &Tokens, report: &Report) {
    ui.label(section(ui, "What generators gave"));
    for of in &report.made {
        queue_ui(ui, t, &of.name, &format!("seed {}, {}", of.seed, of.words()), 0.0);
    }
    alone(ui, report);
    let rows = MadeRow::all(&report.made);
    if rows.is_empty() {
        return;
    }
    ui.label(section(ui, "How good their images are"));
    let words = "All made images, accepted or not, beside real ones: means over seeds and folds. g is the judge \
                 of each generator itself, so its distances compare with those of real images first; figures \
                 over pixels compare as they are.";
    ui.add(Label::new(caption(ui, words)).wrap());
    for of_class in rows.chunk_by(|a, b| a.class == b.class) {
        quality(ui, t, of_class);
    }
}

/// The figures of the images of one class, a row for each treatment: of made images, then of real ones. What has no room
/// stands in the words of the row.
fn quality(ui: &mut Ui, t: &Tokens, rows: &[MadeRow]) {
    const IN_ORDER: [&str; 8] = [
        "KID-g",
        "coverage",
        "1-NN accuracy",
        "judge accuracy",
        "near copies",
        "diversity",
        "precision",
        "recall",
    ];
    let Some(first) = rows.first() else { return };
    fn figure<'a>(row: &'a MadeRow, name: &str) -> Option<&'a MeanFigure> {
        row.figures.iter().find(|of| of.name == name)
    }
    let heads: Vec<&str> =
        IN_ORDER.into_iter().filter(|name| rows.iter().any(|row| figure(row, name).is_some())).collect();
    let columns = Columns::of(ui.available_width(), heads.len(), false);
    ui.label(caption(ui, format!("{}: made · real", first.class)));
    let words =
        format!("Images made of {}, each figure beside that of real ones: {}", first.class, heads.join(", "));
    head_ui(ui, t, columns, &heads, None, &words);
    for row in rows {
        let cell = |name: &&str| match figure(row, name) {
            Some(of) => match of.real() {
                Some(real) => format!("{} · {real}", of.text()),
                None => of.text(),
            },
            None => "–".to_owned(),
        };
        let cells: Vec<String> = heads.iter().map(cell).collect();
        let (name, tip) = (row.treatment.as_str(), row.words());
        let row = Row { name, cells: &cells, note: None, words: tip.clone(), tip, selected: false };
        line_ui(ui, t, columns, &format!("made of {}", first.class), &row);
    }
}

/// What a classifier learns from the images of each generator alone.
fn alone(ui: &mut Ui, report: &Report) {
    if report.made.iter().all(|of| of.alone.is_none()) {
        return;
    }
    ui.label(section(ui, "Trained on made images alone"));
    let words = "Plain training on made images, as many of each class as it has real training images, less those that \
                 are not accepted; asked about the real test images.";
    ui.add(Label::new(caption(ui, words)).wrap());
    for of in &report.made {
        if let Some(alone) = &of.alone {
            ui.add(Label::new(muted(ui, alone.words(of.seed))).wrap());
        }
    }
}

/// A button that asks for a new file.
fn save_button(ui: &mut Ui, command: Command, may_ask: bool, out: &mut Vec<Action>) {
    let button = ui.add_enabled(may_ask, Button::new(command.text()));
    if button.on_hover_text(command.tooltip()).on_disabled_hover_text(DIALOG).clicked() {
        out.push(Action::Do(command));
    }
}

/// How it was run, and the ways to take the tables along; `of` is the comparison, and a dialog opens where it
/// `may_ask`.
fn keep(
    ui: &mut Ui,
    t: &Tokens,
    of: (RunId, &Report),
    form: &mut EvaluateForm,
    may_ask: bool,
    out: &mut Vec<Action>,
) {
    let (run, report) = of;
    ui.label(section(ui, "How it was run"));
    for line in &report.setting {
        ui.add(Label::new(muted(ui, line.as_str())).wrap());
    }
    ui.horizontal_wrapped(|ui| {
        if ui.button("Copy as Markdown").on_hover_text("The tables and sentences as a page").clicked() {
            out.push(Action::Copy(report.markdown.clone()));
        }
        if ui.button("Copy as CSV").on_hover_text("Every figure, a row for each").clicked() {
            out.push(Action::Copy(report.csv.clone()));
        }
        save_button(ui, Command::SaveTable, may_ask, out);
        save_button(ui, Command::SaveReport, may_ask, out);
    });
    ui.horizontal_wrapped(|ui| {
        let shown = ComboBox::from_id_salt("chart to save").selected_text(form.chart.name());
        let response = shown.show_ui(ui, |ui| {
            for chart in Chart::ALL {
                ui.selectable_value(&mut form.chart, chart, chart.name());
            }
        });
        response.response.accessible_name("Chart to save");
        save_button(ui, Command::SaveChart, may_ask, out);
    });
    ui.horizontal(|ui| {
        let hint = "or a path that ends with .csv, .md, .html, .svg or .png";
        let words = Words { hint, name: "Path of a file to save" };
        let path = path_box(ui, TABLE_BOX, &mut form.table, line_width(ui), words);
        out.extend(path.map(Action::SaveTable));
    });
    if let Some(maps) = form.looks.maps_of(run) {
        let images = counted(maps.rows.len(), "image", "images");
        let words = format!("A report (HTML) has the maps of {images} inside, as Where it looks shows them.");
        ui.add(Label::new(caption(ui, words)).wrap());
    }
    saved_ui(ui, t, &form.saved);
    ui.label(caption(ui, "A file that exists is never overwritten."));
}

/// The comparisons of other days, the newest first, and how far their figures compare with these.
fn others(
    ui: &mut Ui,
    t: &Tokens,
    comparisons: &[Arc<Kept>],
    run: i64,
    report: &Report,
    form: &mut EvaluateForm,
) {
    ui.label(section(ui, "All comparisons of this project"));
    for kept in comparisons.iter().rev() {
        let Some(other) = &kept.report else { continue };
        let started = kept.started.map_or_else(|| format!("run {}", kept.run), moment_words);
        let acsa = |treatment: Option<&TreatmentFigures>| {
            let treatment = treatment?;
            Some(format!("{} {:.3}", treatment.name, treatment.acsa()?))
        };
        let mut words = vec![
            started,
            counted(other.treatments.len(), "treatment", "treatments"),
            counted(other.choice.seeds, "seed", "seeds"),
        ];
        let figures: Vec<String> = [acsa(other.plain()), acsa(other.best())].into_iter().flatten().collect();
        words.push(format!("ACSA {}", figures.join(", ")));
        words.push(comparable(report, other).to_owned());
        let words = words.join(" · ");
        let selected = kept.run == run;
        let text = RichText::new(&words).size(theme::SMALL);
        let button = Button::selectable(selected, text.color(if selected { t.text } else { t.muted }));
        if ui.add(button.truncate()).on_hover_text(&words).clicked() {
            form.shown = Some(kept.run);
            form.treatment = None;
            form.saved = Face::Empty;
        }
    }
    if let Some(then) = same_images(comparisons, run, report) {
        then_ui(ui, t, report, then, form);
    }
}

/// The last comparison of the same test images before this one; where there is none the newest after it.
fn same_images<'a>(
    comparisons: &'a [Arc<Kept>],
    run: RunId,
    report: &Report,
) -> Option<(&'a Kept, &'a Report)> {
    let find = |earlier: bool| {
        comparisons.iter().rev().filter(|kept| kept.run != run && (kept.run < run) == earlier).find_map(
            |kept| {
                let other = kept.report.as_deref().filter(|other| other.test == report.test)?;
                Some((&**kept, other))
            },
        )
    };
    find(true).or_else(|| find(false))
}

/// ACSA of two days, for each treatment of both.
fn then_ui(
    ui: &mut Ui,
    t: &Tokens,
    report: &Report,
    (kept, other): (&Kept, &Report),
    form: &mut EvaluateForm,
) {
    let started = kept.started.map_or_else(|| format!("run {}", kept.run), moment_words);
    ui.add_space(space::S);
    ui.label(section(ui, "The same test images then"));
    let words = format!(
        "Then is {started}: {}. A difference between two comparisons has no interval.",
        comparable(report, other)
    );
    ui.add(Label::new(caption(ui, words)).wrap());
    let names = ["ACSA", "ACSA then", "difference"];
    let columns = Columns::of(ui.available_width(), names.len(), false);
    ui.spacing_mut().item_spacing.y = 0.0;
    head_ui(ui, t, columns, &names, None, "ACSA, ACSA then, difference");
    let chosen = form.treatment_of(report).map(|treatment| treatment.name.clone());
    let acsa = |treatment: &TreatmentFigures| treatment.figure(Figure::Acsa.key());
    for treatment in report.by_acsa() {
        let Some(before) = other.treatment(&treatment.name) else { continue };
        let (now, then) = (acsa(treatment), acsa(before));
        let by = now.zip(then).map(|(now, then)| format!("{:+.3}", now.mean - then.mean));
        let cells = [mean_words(now), mean_words(then), by.unwrap_or_else(|| "–".to_owned())];
        let row = Row {
            name: &treatment.name,
            cells: &cells,
            note: None,
            words: format!(
                "{} now and then: ACSA {}, then {}, difference {}",
                treatment.name, cells[0], cells[1], cells[2]
            ),
            tip: format!("{}\nnow {}\nthen {}", treatment.label, seeds(treatment), seeds(before)),
            selected: chosen.as_ref() == Some(&treatment.name),
        };
        if row_ui(ui, t, columns, "then", &row).clicked() {
            form.treatment = Some(treatment.name.clone());
        }
    }
}

/// How far the figures of another comparison compare with those of this one.
fn comparable(report: &Report, other: &Report) -> &'static str {
    if report.test != other.test {
        "other test images: not comparable"
    } else if (report.training.as_str(), &report.network, report.steps)
        == (other.training.as_str(), &other.network, other.steps)
    {
        "same images and settings"
    } else {
        "same test images, other training"
    }
}
