//! Export: what the folder will be, what will be written where, the writing, and the proof.
//!
//! Nothing is written before the person asks; the button says beside it why it cannot be pressed. What would
//! be written is planned off the UI thread whenever the form or the decisions changed.

use std::path::Path;
use std::sync::Arc;

use egui::{
    Align, Button, CentralPanel, Frame, Grid, Id, Label, Layout, Margin, OpenUrl, Panel, ProgressBar,
    RichText, Role, ScrollArea, TextEdit, Ui, WidgetInfo,
};

use super::review::side_width;
use super::welcome::typed_path;
use crate::domain::plan::Rejected;
use crate::domain::task::Level;
use crate::export::{ClassTotals, ExportReport, FilePlan, Originals, Verification};
use crate::gui::command::{Action, Command};
use crate::gui::icons::{Icon, icon};
use crate::gui::regions::Region;
use crate::gui::state::{ExportForm, Face, JobKind, ProjectState, State};
use crate::gui::textures::Textures;
use crate::gui::theme::{Tokens, caption, muted, section, size, space, tokens};
use crate::gui::widgets::class_panel::{bars, fact};
use crate::gui::widgets::curves::card;
use crate::gui::widgets::empty_state::{command_button, empty, failure_card, primary_button, warning_line};
use crate::gui::widgets::histogram::{ACCEPTED, Bar, histogram_ui};
use crate::gui::widgets::status_bar::{bytes_words, count_words, counted, number, time_words};
use crate::jobs::export::Undecided;
use crate::jobs::{JobState, JobView};

/// Id of the path box of the new folder; the app gives it the keyboard.
pub const FOLDER_BOX: &str = "export folder";
/// What to do after an export, before another one.
const WRITTEN: &str = "This folder was written just now; name another one to export again.";
/// Letters of a class name shown in a table.
const NAME: usize = 40;
/// Paths listed of each kind of difference.
const LISTED: usize = 50;

/// The Export workspace.
pub fn export_ui(ui: &mut Ui, state: &mut State, _textures: &mut Textures, out: &mut Vec<Action>) {
    let t = tokens(ui);
    if state.project.is_none() {
        Region::Main.mark(ui);
        empty(ui, Icon::Export, "Nothing to export", "Open a folder of images first.", |ui| {
            command_button(ui, state, Command::OpenFolder, out);
            command_button(ui, state, Command::VerifyFolder, out);
        });
        return;
    }
    Panel::right("export form")
        .exact_size(side_width(ui, size::DETAIL))
        .resizable(false)
        .frame(Frame::new().fill(t.panel).inner_margin(Margin::same(16)))
        .show(ui, |ui| {
            Region::Right.mark(ui);
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| form(ui, t, state, out));
        });
    plan_again(ui, state, out);
    CentralPanel::default().frame(Frame::new().fill(t.background).inner_margin(Margin::same(16))).show(
        ui,
        |ui| {
            Region::Main.mark(ui);
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = space::M;
                overview(ui, t, state, out);
            });
        },
    );
}

/// Candidates nobody decided, counted only where they stop the export.
fn blocking(project: &ProjectState, form: &ExportForm) -> usize {
    if matches!(form.undecided, Undecided::Refuse) { project.figures.undecided } else { 0 }
}

/// The folder in the box is the one that was exported last.
fn is_written(form: &ExportForm) -> bool {
    form.report.full().is_some_and(|report| report.out == typed_path(&form.folder))
}

/// Why the export cannot start, beside the button; `None` where it can.
pub fn why_not(state: &State) -> Option<String> {
    let project = state.project.as_ref()?;
    let form = &state.export;
    let blocking = blocking(project, form);
    if state.running(JobKind::Export).is_some() {
        Some("An export is running.".to_owned())
    } else if state.running(JobKind::Generate).is_some() {
        Some("Candidates are being made; wait for them or stop.".to_owned())
    } else if blocking > 0 {
        let words = counted(blocking, "candidate is", "candidates are");
        Some(format!("{words} undecided. Decide in Review, or choose above what becomes of them."))
    } else if form.folder.trim().is_empty() {
        Some("Say where the new folder is made.".to_owned())
    } else {
        match &form.plan {
            Face::Full(_) => None,
            Face::Failed(_) if is_written(form) => Some(WRITTEN.to_owned()),
            Face::Failed(why) => Some(why.clone()),
            Face::Empty | Face::Loading => Some("Planning what will be written…".to_owned()),
        }
    }
}

/// Asks for a new plan where the old one no longer holds. Typing a path asks once, when it is done.
fn plan_again(ui: &Ui, state: &mut State, out: &mut Vec<Action>) {
    let Some(project) = &state.project else { return };
    let form = &mut state.export;
    let depends = format!(
        "{:p} {:p} {:?} {:?} {:?} {:?} {:?} {}",
        Arc::as_ptr(&project.candidates),
        Arc::as_ptr(&project.dataset),
        project.settings.rejected,
        project.settings.size,
        project.settings.fit,
        form.originals,
        form.undecided,
        form.folder.trim(),
    );
    let id = Id::unique("export: what the plan was made from");
    let known = ui.data(|data| data.get_temp::<String>(id));
    if known.as_ref() != Some(&depends) {
        if known.is_some() {
            form.plan = Face::Empty;
        }
        ui.data_mut(|data| data.insert_temp(id, depends));
    }
    let wanted = form.plan == Face::Empty
        && !form.folder.trim().is_empty()
        && blocking(project, form) == 0
        && !ui.ctx().text_edit_focused();
    if wanted {
        out.push(Action::PlanExport);
    }
}

fn form(ui: &mut Ui, t: &Tokens, state: &mut State, out: &mut Vec<Action>) {
    let writing = state.running(JobKind::Export).is_some();
    ui.add_enabled_ui(!writing, |ui| {
        ui.label(section(ui, "The new folder"));
        let hint = state.project.as_ref().map(|p| proposal(&p.dataset.root)).unwrap_or_default();
        ui.add(
            TextEdit::singleline(&mut state.export.folder)
                .id(Id::unique(FOLDER_BOX))
                .hint_text(hint.clone())
                .desired_width(f32::INFINITY)
                .char_limit(4000),
        )
        .accessible_name("Export folder");
        ui.horizontal_wrapped(|ui| {
            let choose = ui.add_enabled(Command::ChooseExportFolder.enabled(state), Button::new("Choose…"));
            if choose.on_hover_text(Command::ChooseExportFolder.tooltip()).clicked() {
                out.push(Action::Do(Command::ChooseExportFolder));
            }
            if state.export.folder.trim().is_empty() && !hint.is_empty() {
                let proposed = ui.link("beside the source").on_hover_text(hint.as_str());
                if proposed.clicked() {
                    state.export.folder.clone_from(&hint);
                }
            }
        });
        ui.label(caption(ui, "It must not exist yet: nothing is ever overwritten."));
        ui.add_space(space::S);

        ui.label(section(ui, "Original images"));
        let originals = &mut state.export.originals;
        ui.radio_value(originals, Originals::Keep, "As they are, byte for byte");
        ui.radio_value(originals, Originals::TrainingSize, "At the training size, like the made ones");
        ui.add_space(space::S);

        if let Some(project) = &mut state.project {
            undecided_form(ui, t, project.figures.undecided, &mut state.export.undecided);
            ui.label(section(ui, "Slots without an accepted image"));
            let before = project.settings.rejected;
            ui.add_enabled_ui(project.read_only.is_none(), |ui| {
                let rejected = &mut project.settings.rejected;
                ui.radio_value(rejected, Rejected::Repeat, "Repeat a training image of the class");
                ui.radio_value(rejected, Rejected::Retry, "Try other seed images when made, then repeat");
                ui.radio_value(rejected, Rejected::Leave, "Leave the class below its target");
            });
            if project.settings.rejected != before {
                out.push(Action::SettingsChanged);
            }
        }
        ui.add_space(space::S);
    });
    let reason = why_not(state);
    ui.horizontal_wrapped(|ui| {
        let button =
            primary_button(ui, Command::Export.text(), reason.is_none() && Command::Export.enabled(state));
        if button.on_hover_text(Command::Export.hint(ui.ctx())).clicked() {
            out.push(Action::Do(Command::Export));
        }
    });
    if let Some(reason) = reason {
        ui.add(Label::new(caption(ui, reason)).wrap());
    }
    ui.add_space(space::M);
    verify_form(ui, t, state, out);
}

fn undecided_form(ui: &mut Ui, t: &Tokens, count: usize, undecided: &mut Undecided) {
    ui.label(section(ui, "Undecided candidates"));
    let words = counted(count, "candidate is", "candidates are");
    let colour = if count > 0 && matches!(undecided, Undecided::Refuse) { t.warning } else { t.muted };
    ui.label(caption(ui, format!("{words} undecided now")).color(colour));
    ui.radio_value(undecided, Undecided::Refuse, "Do not export while there are any");
    ui.radio_value(undecided, Undecided::Verdict, "Follow the method's verdict, marked as by rule");
    ui.radio_value(undecided, Undecided::Leave, "Leave them out");
    ui.add_space(space::S);
}

/// A folder beside the source that says what it is.
fn proposal(root: &Path) -> String {
    match (root.parent(), root.file_name()) {
        (Some(parent), Some(name)) => {
            parent.join(format!("{}-balanced", name.to_string_lossy())).display().to_string()
        }
        _ => String::new(),
    }
}

fn verify_form(ui: &mut Ui, t: &Tokens, state: &mut State, out: &mut Vec<Action>) {
    ui.separator();
    ui.label(section(ui, "Prove a folder"));
    let running = state.running(JobKind::Verify).is_some();
    ui.add_enabled_ui(!running, |ui| {
        ui.add(
            TextEdit::singleline(&mut state.export.verify_folder)
                .hint_text("a folder that was exported before")
                .desired_width(f32::INFINITY)
                .char_limit(4000),
        )
        .accessible_name("Folder to verify");
        ui.horizontal_wrapped(|ui| {
            let folder = state.export.verify_folder.trim();
            let verify = ui.add_enabled(!folder.is_empty(), Button::new("Verify"));
            if verify.on_hover_text(Command::VerifyFolder.tooltip()).clicked() {
                out.push(Action::Verify(folder.into()));
            }
            command_button(ui, state, Command::VerifyFolder, out);
        });
    });
    if let Some(why) = &state.no_dialogs {
        ui.add(Label::new(caption(ui, why.as_str()).color(t.warning)).wrap());
    }
}

/// The middle: progress or failure first, then the report and its proof, then the plan.
fn overview(ui: &mut Ui, t: &Tokens, state: &State, out: &mut Vec<Action>) {
    let Some(project) = &state.project else { return };
    if let Some(job) = state.running(JobKind::Export) {
        running(ui, t, "Exporting", JobKind::Export, job, out);
    } else if let Some(message) = state.failure(JobKind::Export) {
        failure_card(ui, "The export failed; nothing was left behind", message);
    }
    match &state.export.report {
        Face::Full(done) => report(ui, t, state, done, out),
        Face::Failed(message) if state.failure(JobKind::Export).is_none() => {
            failure_card(ui, "The export failed; nothing was left behind", message);
        }
        _ => {}
    }
    if let Some(job) = state.running(JobKind::Verify) {
        running(ui, t, "Verifying", JobKind::Verify, job, out);
    }
    match &state.export.verification {
        Face::Full(proof) => verification(ui, t, proof),
        Face::Failed(message) => failure_card(ui, "The folder could not be verified", message),
        Face::Empty | Face::Loading => {}
    }
    let columns = if ui.available_width() > 560.0 { 2 } else { 1 };
    let plan = state.export.plan.full();
    ui.columns(columns, |uis| {
        let mut uis = uis.iter_mut();
        if let Some(ui) = uis.next() {
            card(ui, t, |ui| {
                ui.label(section(ui, "Before"));
                histogram_ui(ui, "before", &before_bars(project), state.log_scale, None, ACCEPTED);
            });
            if columns == 1 {
                card(ui, t, |ui| after(ui, state, project, plan));
            }
        }
        if let Some(ui) = uis.next() {
            card(ui, t, |ui| after(ui, state, project, plan));
        }
    });
    card(ui, t, |ui| file_plan(ui, t, state, project));
}

fn before_bars(project: &ProjectState) -> Vec<Bar> {
    let counts = &project.figures.counts;
    let mut bars = bars(project);
    for bar in &mut bars {
        let have = counts.get(bar.class).copied().unwrap_or(0);
        bar.made = have.saturating_sub(bar.real);
        bar.target = None;
    }
    bars
}

/// The classes as the export leaves them: from the plan where there is one, else from the decisions so far.
fn after_bars(project: &ProjectState, plan: Option<&Arc<FilePlan>>) -> Vec<Bar> {
    let mut bars = bars(project);
    for bar in &mut bars {
        let name = &bar.name;
        if let Some(totals) = plan.and_then(|plan| plan.classes.iter().find(|c| c.name == *name)) {
            bar.real = totals.original;
            bar.made = totals.derived + totals.synthetic;
            bar.repeated = totals.repeated;
            continue;
        }
        let target = bar.target.unwrap_or(0);
        if project.settings.rejected != Rejected::Leave {
            bar.repeated = target.saturating_sub(bar.real + bar.made);
        }
    }
    bars
}

fn after(ui: &mut Ui, state: &State, project: &ProjectState, plan: Option<&Arc<FilePlan>>) {
    let title = if plan.is_some() { "After" } else { "After, as decided so far" };
    ui.label(section(ui, title));
    let bars = after_bars(project, plan);
    histogram_ui(ui, "after", &bars, state.log_scale, None, ACCEPTED);
    // A column would stretch the words of a wrapped line.
    ui.with_layout(Layout::top_down(Align::Min), |ui| {
        ui.label(caption(ui, "solid original · hatched made · outlined repeated · line target"));
    });
}

/// What will be written, or why that is not known.
fn file_plan(ui: &mut Ui, t: &Tokens, state: &State, project: &ProjectState) {
    ui.label(section(ui, "What will be written"));
    let form = &state.export;
    match &form.plan {
        Face::Full(plan) => {
            let training: usize = plan.classes.iter().map(|class| class.total).sum();
            fact(ui, "Folder", form.folder.trim());
            fact(ui, "Files", format!("{}, and manifest.csv and README.md", number(plan.files.len())));
            if plan.files.len() > training {
                let others = plan.files.len() - training;
                fact(ui, "Of these in validation and test", format!("{}, as they are", number(others)));
            }
            fact(ui, "Space needed", bytes_words(plan.bytes));
            if let Some(free) = form.free {
                fact(ui, "Space free there", bytes_words(free));
                if free < plan.bytes {
                    // The button stays: space may have become free since, and the export looks again.
                    warning_line(ui, "There is too little space: free some, or choose another drive.");
                }
            }
            ui.add_space(space::XS);
            totals(ui, "planned totals", &plan.classes);
            for warning in &plan.warnings {
                warning_line(ui, warning);
            }
        }
        Face::Loading => {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label("Planning what will be written");
            });
        }
        Face::Failed(_) if is_written(form) => {
            ui.label(muted(ui, WRITTEN));
        }
        Face::Failed(why) => {
            ui.horizontal(|ui| {
                icon(ui, Icon::Warning, 16.0, t.failure);
                ui.label("This cannot be exported as it stands");
            });
            ui.add(Label::new(why.as_str()).wrap().selectable(true));
        }
        Face::Empty if blocking(project, form) > 0 => {
            ui.label(muted(ui, "Planned as soon as no candidate is undecided."));
        }
        Face::Empty => {
            ui.label(muted(ui, "Planned as soon as there is a folder to make."));
        }
    }
}

/// Images per class and kind as a table.
fn totals(ui: &mut Ui, salt: &str, classes: &[ClassTotals]) {
    // Without a number of columns, so that the last one is as narrow as the others.
    Grid::new(salt).striped(false).spacing([18.0, 4.0]).show(ui, |ui| {
        ui.label(muted(ui, "Class"));
        for head in ["original", "derived", "synthetic", "repeated", "total"] {
            let head = muted(ui, head);
            right(ui, head);
        }
        ui.end_row();
        for class in classes {
            let name = short(&class.name);
            ui.add(Label::new(name.as_str()).extend()).on_hover_text(class.name.as_str());
            for count in [class.original, class.derived, class.synthetic, class.repeated, class.total] {
                right(ui, RichText::new(number(count)));
            }
            ui.end_row();
        }
    });
}

/// A text at the right edge of its cell.
fn right(ui: &mut Ui, text: RichText) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.add(Label::new(text).extend()));
}

/// A name that does not push the numbers out of sight.
fn short(name: &str) -> String {
    match name.char_indices().nth(NAME) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or(name)),
        None => name.to_owned(),
    }
}

fn running(ui: &mut Ui, t: &Tokens, title: &str, kind: JobKind, job: &JobView, out: &mut Vec<Action>) {
    card(ui, t, |ui| {
        let cancelling = job.state == JobState::Cancelling;
        ui.horizontal(|ui| {
            ui.strong(if cancelling { "Cancelling…" } else { title });
            let cancel = ui.add_enabled(!cancelling, Button::new("Cancel"));
            if cancel.on_hover_text("Nothing is left behind").clicked() {
                out.push(Action::CancelJob(kind));
            }
        });
        let share = if job.total == 0 { 0.0 } else { job.done as f32 / job.total as f32 };
        let mut words = vec![job.stage.clone(), count_words(job.done, job.total)];
        words.extend(job.time_left.map(|left| format!("{} left", time_words(left))));
        words.retain(|word| !word.is_empty());
        let words = words.join(" · ");
        let bar = ProgressBar::new(share.clamp(0.0, 1.0))
            .desired_height(6.0)
            .desired_width(ui.available_width())
            .fill(t.accent);
        ui.add(bar)
            .widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, format!("{title}: {words}")));
        ui.label(muted(ui, words.as_str()));
        for (_, text) in job.notes.iter().filter(|(level, _)| *level != Level::Info) {
            warning_line(ui, text);
        }
    });
}

/// What was written, and what to do with it.
fn report(ui: &mut Ui, t: &Tokens, state: &State, report: &ExportReport, out: &mut Vec<Action>) {
    card(ui, t, |ui| {
        ui.horizontal(|ui| {
            icon(ui, Icon::Check, 18.0, t.accent);
            ui.strong(format!("Exported {}", counted(report.files, "file", "files")));
        });
        let path = report.out.display().to_string();
        ui.add(Label::new(path.as_str()).wrap().selectable(true));
        totals(ui, "exported totals", &report.classes);
        for warning in &report.warnings {
            warning_line(ui, warning);
        }
        ui.horizontal_wrapped(|ui| {
            if ui.button("Open folder").clicked() {
                ui.ctx().open_url(OpenUrl::new_tab(file_url(&report.out)));
            }
            let idle = state.running(JobKind::Verify).is_none();
            let verify = ui.add_enabled(idle, Button::new("Verify this export"));
            if verify.on_hover_text("Hash every file again and compare with the manifest").clicked() {
                out.push(Action::Verify(report.out.clone()));
            }
            if ui.button("Copy the path").clicked() {
                out.push(Action::Copy(path.clone()));
            }
        });
    });
}

/// A path as a link the system opens in its file manager; every byte that is not plain is escaped.
pub fn file_url(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', "/");
    let mut url = "file://".to_owned();
    if !text.starts_with('/') {
        url.push('/');
    }
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~:".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url += &format!("%{byte:02X}");
        }
    }
    url
}

/// The proof: counts, and what differs by name.
fn verification(ui: &mut Ui, t: &Tokens, proof: &Verification) {
    card(ui, t, |ui| {
        let files = counted(proof.files, "file", "files");
        ui.horizontal(|ui| {
            if proof.ok {
                icon(ui, Icon::Check, 18.0, t.accent);
                ui.strong(format!("Verified: {files} as the manifest says"));
            } else {
                icon(ui, Icon::Warning, 18.0, t.failure);
                ui.strong(format!("Not as the manifest says: {files} checked"));
            }
        });
        let kinds = [("missing", &proof.missing), ("changed", &proof.changed), ("extra", &proof.extra)];
        let words: Vec<String> =
            kinds.iter().map(|(kind, files)| format!("{} {kind}", number(files.len()))).collect();
        ui.label(muted(ui, words.join(" · ")));
        for (kind, files) in kinds {
            for file in files.iter().take(LISTED) {
                let line = RichText::new(format!("{kind}: {file}")).color(t.failure);
                ui.add(Label::new(line).wrap().selectable(true));
            }
            if files.len() > LISTED {
                ui.label(caption(ui, format!("and {} more {kind}", number(files.len() - LISTED))));
            }
        }
    });
}
