//! Train: the form of a method on the left, and what the training does on the right.
//!
//! The form comes from the method's table of parameters. On the right: progress in words, curves, the same
//! seed images over time, acceptance by part, and the notes of the run. Starting, pausing and stopping leave
//! as actions.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use egui::{
    Button, Color32, ComboBox, CornerRadius, DragValue, Id, Key, Label, Panel, ProgressBar, Rect, RichText,
    Role, ScrollArea, Sense, StrokeKind, TextEdit, Ui, WidgetInfo, pos2, vec2,
};

use super::review::side_width;
use super::welcome::typed_path;
use crate::domain::numbers::percent;
use crate::domain::task::{Level, Preview};
use crate::gui::command::{Action, Command};
use crate::gui::icons::{Icon, icon};
use crate::gui::regions::Region;
use crate::gui::state::{DeviceRow, Face, JobKind, ModelFile, ProjectState, State};
use crate::gui::textures::Textures;
use crate::gui::theme::{self, PICTURE_GROUND, Tokens, caption, muted, section, size, space, tokens};
use crate::gui::widgets::curves::{Curves, card};
use crate::gui::widgets::empty_state::{
    command_button, empty, failure_card, hint_line, primary_button, warning_line,
};
use crate::gui::widgets::form::{param_form, value_text};
use crate::gui::widgets::job_buttons::{JobEnds, job_buttons};
use crate::gui::widgets::probability::share_row;
use crate::gui::widgets::status_bar::{count_words, counted, left_words, time_words};
use crate::jobs::{JobState, JobView, Series};
use crate::oversampling;

/// Id of the path box of a model; the app gives it the keyboard.
pub const MODEL_BOX: &str = "model file";
/// Id of the path box of feature weights; the app gives it the keyboard.
pub const FEATURES_BOX: &str = "feature weights";
/// What feature weights are for.
const FEATURES: &str = "How far made images are from real ones is measured on features of classifier g. With the \
                        weights of MobileNet v1 1.0 224 in a safetensors file it is measured on features of that \
                        network as well, which learnt from photographs and saw none of these images.";
/// Width of the form.
const FORM: f32 = 312.0;
/// Side of a preview picture in points.
const PREVIEW: f32 = 64.0;

/// What is computed once per change and belongs to no state: converted curves, and which run pictures are
/// from.
#[derive(Default)]
struct Derived {
    curves: Curves,
    run: u64,
    elapsed: Duration,
}

/// The Train workspace.
pub fn train_ui(ui: &mut Ui, state: &mut State, textures: &mut Textures, out: &mut Vec<Action>) {
    let t = tokens(ui);
    if state.project.is_none() {
        Region::Main.mark(ui);
        empty(ui, Icon::Train, "Nothing to train on", "Open a folder of images first.", |ui| {
            command_button(ui, state, Command::OpenFolder, out);
        });
        return;
    }
    Panel::top("train tools").exact_size(size::TOOLS).frame(bar_frame(t)).show(ui, |ui| {
        Region::Tools.mark(ui);
        tools(ui, state, out);
    });
    Panel::left("train form")
        .exact_size(side_width(ui, FORM))
        .resizable(false)
        .frame(egui::Frame::new().fill(t.panel).inner_margin(egui::Margin::same(16)))
        .show(ui, |ui| {
            Region::Left.mark(ui);
            form(ui, t, state, out);
        });
    egui::CentralPanel::default()
        .frame(egui::Frame::new().fill(t.background).inner_margin(egui::Margin::same(16)))
        .show(ui, |ui| {
            Region::Main.mark(ui);
            run(ui, t, state, textures, out);
        });
}

/// The ground of the bar of tools over a workspace.
pub(super) fn bar_frame(t: &Tokens) -> egui::Frame {
    egui::Frame::new().fill(t.background).inner_margin(egui::Margin::symmetric(16, 8))
}

fn tools(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    ui.horizontal_centered(|ui| {
        let running = [JobKind::Train, JobKind::Generate]
            .into_iter()
            .find_map(|kind| state.running(kind).map(|job| (kind, job)));
        match running {
            Some((kind, job)) => {
                ui.strong(kind.text());
                ui.add(Label::new(muted(ui, progress_words(job))).truncate());
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let ends = JobEnds {
                        cancel: "End within one step; the last checkpoint stays",
                        keep: "Stop and keep",
                        keep_hint: Command::StopAndKeep.tooltip(),
                    };
                    job_buttons(ui, kind, job, &ends, out);
                });
            }
            None => {
                let method = state.project.as_ref().and_then(|p| oversampling::method(&p.settings.method));
                ui.strong(method.map_or("No method", |m| m.info().name));
                if let Some(job) = state.job(JobKind::Train) {
                    ui.label(muted(ui, ended_words(job)));
                }
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let enabled = Command::Generate.enabled(state);
                    let button = primary_button(ui, Command::Generate.text(), enabled);
                    if button.on_hover_text(Command::Generate.hint(ui.ctx())).clicked() {
                        out.push(Action::Do(Command::Generate));
                    }
                    if let Some(why) = Command::Generate.why_disabled(state) {
                        ui.add(Label::new(caption(ui, why)).truncate());
                    }
                });
            }
        }
    });
}

/// Why no training can start as the form stands, a sentence; `None` where one can.
pub fn why_no_training(state: &State) -> Option<String> {
    let project = state.project.as_ref()?;
    if oversampling::method(&project.settings.method).is_none_or(|m| !m.info().needs_training) {
        return Some("This method needs no training.".to_owned());
    }
    let wrong = state.train.texts.len();
    (wrong > 0).then(|| format!("{} of the form cannot be read.", counted(wrong, "field", "fields")))
}

/// Why no candidates can be made by the plan, the method and the model that is loaded, a sentence; `None` where
/// they can.
pub fn why_no_candidates(state: &State) -> Option<String> {
    let project = state.project.as_ref()?;
    if project.figures.plan.total_to_make() == 0 {
        return Some("The plan makes nothing.".to_owned());
    }
    let method = &project.settings.method;
    if oversampling::method(method).is_some_and(|m| !m.info().needs_training) {
        return None;
    }
    match state.train.model.full() {
        None => Some("Train or load a model first.".to_owned()),
        Some(model) if model.method == *method => None,
        Some(model) => {
            let name = oversampling::method(&model.method).map_or(model.method.as_str(), |m| m.info().name);
            Some(format!(
                "The loaded model is of {name}; choose that method, or train or load a model of this one."
            ))
        }
    }
}

/// Stage, count, elapsed and time left of a job that runs.
fn progress_words(job: &JobView) -> String {
    progress_of(job, &job.stage)
}

/// The same with other words for the stage.
pub(super) fn progress_of(job: &JobView, stage: &str) -> String {
    let mut words = match job.state {
        JobState::Paused => vec!["Paused".to_owned()],
        JobState::Cancelling => vec!["Cancelling…".to_owned()],
        JobState::Stopping => vec!["Stopping at the next good point…".to_owned()],
        _ => Vec::new(),
    };
    words.push(stage.to_owned());
    words.push(count_words(job.done, job.total));
    words.push(time_words(job.elapsed));
    words.extend(left_words(job));
    words.retain(|word| !word.is_empty());
    words.join(" · ")
}

/// How the last training ended.
fn ended_words(job: &JobView) -> String {
    match &job.state {
        JobState::Finished => format!("finished after {}", time_words(job.elapsed)),
        JobState::Cancelled => "cancelled".to_owned(),
        JobState::Failed(_) => format!("failed after {}", time_words(job.elapsed)),
        _ => String::new(),
    }
}

fn form(ui: &mut Ui, t: &Tokens, state: &mut State, out: &mut Vec<Action>) {
    let busy = state.running(JobKind::Train).is_some() || state.running(JobKind::Generate).is_some();
    let editable = state.can_edit() && !busy;
    Panel::bottom("train start")
        .frame(egui::Frame::new().fill(t.panel).inner_margin(egui::Margin { top: 12, ..egui::Margin::ZERO }))
        .show_separator_line(false)
        .show(ui, |ui| start(ui, t, state, out));
    let mut changed = false;
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.add_enabled_ui(editable, |ui| {
            let State { project, devices, train, .. } = &mut *state;
            let Some(project) = project else { return };
            let settings = &mut project.settings;
            ui.label(section(ui, "Method"));
            let before = settings.method.clone();
            let method = oversampling::method(&settings.method);
            let chosen = method.map_or(settings.method.clone(), |m| m.info().name.to_owned());
            ComboBox::from_id_salt("method")
                .width(ui.available_width())
                .selected_text(chosen)
                .truncate()
                .show_ui(ui, |ui| {
                    for method in oversampling::registry() {
                        let info = method.info();
                        ui.selectable_value(&mut settings.method, info.id.to_owned(), info.name)
                            .on_hover_text(info.summary);
                    }
                })
                .response
                .accessible_name("Method");
            if settings.method != before {
                // Another method has other parameters.
                settings.params.clear();
                train.texts.clear();
                changed = true;
            }
            if let Some(method) = method {
                hint_line(ui, method.info().summary);
                ui.add_space(space::XS);
                let table = method.param_table();
                changed |=
                    param_form(ui, t, table, &mut settings.params, &mut train.texts, &mut train.all_params);
            }
            ui.add_space(space::S);
            ui.label(section(ui, "Where it runs"));
            changed |= device_field(ui, &mut settings.device, devices);
            ui.add_space(space::XS);
            ui.horizontal(|ui| {
                let label = ui.label("Seed");
                let seed = DragValue::new(&mut settings.seed).speed(0.1);
                let response = ui.add(seed).labelled_by(label.id);
                changed |=
                    response.on_hover_text("The same seed makes the same images on this machine").changed();
            });
            ui.add_space(space::S);
            features_ui(ui, state, out);
        });
    });
    if changed {
        out.push(Action::SettingsChanged);
    }
}

/// The weights file on whose features made images are measured as well: the one in use, or the ways to choose one.
fn features_ui(ui: &mut Ui, state: &mut State, out: &mut Vec<Action>) {
    ui.label(section(ui, "Feature weights")).on_hover_text(FEATURES);
    let used = state.project.as_ref().and_then(|project| project.settings.features_path());
    if let Some(path) = used {
        ui.horizontal(|ui| {
            if ui.button("Clear").on_hover_text("Measure on features of classifier g alone").clicked() {
                out.push(Action::ForgetFeatures);
            }
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            ui.add(Label::new(name).truncate()).on_hover_text(path.display().to_string());
        });
    } else {
        hint_line(ui, "none: distances are measured on features of classifier g alone");
        command_button(ui, state, Command::ChooseFeatures, out);
        ui.horizontal(|ui| {
            let width = (ui.available_width() - 72.0).max(80.0);
            let edit = TextEdit::singleline(&mut state.train.features_box)
                .id(Id::unique(FEATURES_BOX))
                .hint_text("or its path, then Enter")
                .desired_width(width)
                .char_limit(4000);
            let response = ui.add(edit).accessible_name("Path of feature weights").on_hover_text(FEATURES);
            let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            let path = state.train.features_box.trim();
            let pressed = ui.add_enabled(!path.is_empty(), Button::new("Use")).clicked();
            if (entered || pressed) && !path.is_empty() {
                out.push(Action::UseFeatures(PathBuf::from(path)));
            }
        });
    }
    match &state.train.features {
        Face::Loading => {
            ui.label(caption(ui, "Reading the weights"));
        }
        Face::Failed(why) => warning_line(ui, why),
        Face::Empty | Face::Full(()) => {}
    }
}

/// Device choice with what each one is; true where it changed.
pub(super) fn device_field(ui: &mut Ui, device: &mut String, devices: &Face<Vec<DeviceRow>>) -> bool {
    let before = device.clone();
    let rows = devices.full().map_or(&[] as &[DeviceRow], Vec::as_slice);
    let words = |row: &DeviceRow| format!("{} · {}", row.kind, row.name);
    let shown = rows.iter().find(|row| row.id == *device).map_or_else(|| device.clone(), words);
    ComboBox::from_id_salt("device")
        .width(ui.available_width())
        .selected_text(shown)
        .truncate()
        .show_ui(ui, |ui| {
            if !rows.iter().any(|row| row.id == "auto") {
                ui.selectable_value(device, "auto".to_owned(), "auto · a graphics card where there is one");
            }
            for row in rows {
                ui.selectable_value(device, row.id.clone(), words(row));
            }
        })
        .response
        .accessible_name("Device");
    match devices {
        Face::Loading => {
            ui.label(caption(ui, "Looking for devices"));
        }
        Face::Failed(why) => {
            warning_line(ui, why);
        }
        _ => {}
    }
    *device != before
}

/// The buttons at the foot of the form, with the reason beside what cannot be done.
fn start(ui: &mut Ui, t: &Tokens, state: &mut State, out: &mut Vec<Action>) {
    if let Some(reason) = why_no_training(state) {
        ui.add(Label::new(caption(ui, reason)).wrap());
    }
    if state.train.checkpoint.is_some() && state.running(JobKind::Train).is_none() {
        ui.add(
            Label::new(caption(ui, "A training was stopped before its end; its last checkpoint is kept."))
                .wrap(),
        );
    }
    ui.horizontal_wrapped(|ui| {
        let enabled = Command::StartTraining.enabled(state);
        // Over a checkpoint it is asked first.
        let words = if state.train.checkpoint.is_some() { "Train anew…" } else { "Train" };
        let train = primary_button(ui, words, enabled);
        if train.on_hover_text(Command::StartTraining.hint(ui.ctx())).clicked() {
            out.push(Action::Do(Command::StartTraining));
        }
        if state.train.checkpoint.is_some() {
            command_button(ui, state, Command::ResumeTraining, out);
        }
        command_button(ui, state, Command::LoadModel, out);
    });
    model_path_ui(ui, state, out);
    if let Some(why) = &state.no_dialogs {
        ui.add(Label::new(RichText::new(why).size(theme::SMALL).color(t.warning)).wrap());
    }
}

/// The path box of a model: as good a way as the dialog, and the only one where the system has none.
fn model_path_ui(ui: &mut Ui, state: &mut State, out: &mut Vec<Action>) {
    let enabled = state.can_edit() && state.running(JobKind::Train).is_none();
    ui.add_enabled_ui(enabled, |ui| {
        ui.horizontal(|ui| {
            let width = (ui.available_width() - 72.0).max(80.0);
            let edit = TextEdit::singleline(&mut state.train.model_box)
                .id(Id::unique(MODEL_BOX))
                .hint_text("or its path, then Enter")
                .desired_width(width)
                .char_limit(4000);
            let response = ui.add(edit).accessible_name("Path of a model");
            let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            let path = state.train.model_box.trim();
            let pressed = ui.add_enabled(!path.is_empty(), Button::new("Load")).clicked();
            if (entered || pressed) && !path.is_empty() {
                out.push(Action::LoadModel(typed_path(path)));
            }
        });
    });
}

fn run(ui: &mut Ui, t: &Tokens, state: &State, textures: &mut Textures, out: &mut Vec<Action>) {
    let Some(project) = &state.project else { return };
    let job = state.job(JobKind::Train);
    if job.is_none() && state.train.model == Face::Empty && state.job(JobKind::Generate).is_none() {
        let info = oversampling::method(&project.settings.method).map(|m| m.info());
        if info.is_some_and(|info| !info.needs_training) {
            empty(
                ui,
                Icon::Train,
                "Nothing to train",
                "This method makes images without a model. Make the candidates, then look at each of them.",
                |ui| command_button(ui, state, Command::Generate, out),
            );
        } else {
            empty(
                ui,
                Icon::Train,
                "No model yet",
                "Train one with the settings on the left, or load a model that fits this folder. The window \
                 stays usable meanwhile; a checkpoint is kept, so closing it loses nothing.",
                // The next steps are the buttons at the foot of the form.
                |_| {},
            );
        }
        return;
    }
    let id = Id::unique("train: derived");
    let derived = ui.data_mut(|data| Arc::clone(data.get_temp_mut_or_default::<Arc<Mutex<Derived>>>(id)));
    let mut derived = derived.lock().unwrap_or_else(PoisonError::into_inner);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = space::M;
        if let Some(message) = state.failure(JobKind::Generate) {
            failure_card(ui, "Making candidates failed", message);
        }
        // While a model is being made, the one before it stands below.
        let working = job.is_some_and(|job| !job.state.is_over());
        if !working {
            model_card(ui, t, state, out);
        }
        let Some(job) = job else { return };
        if let JobState::Failed(message) = &job.state {
            failure_card(ui, "Training failed", message);
        }
        if !job.state.is_over() {
            progress(ui, t, job);
        }
        if job.elapsed < derived.elapsed {
            derived.run += 1;
        }
        derived.elapsed = job.elapsed;
        derived.curves.update(&job.series);
        if derived.curves.is_empty() && !job.state.is_over() {
            ui.label(muted(ui, "Curves appear after the first epoch."));
        }
        derived.curves.show(ui, t, &project.dataset.classes);
        if !job.previews.is_empty() {
            card(ui, t, |ui| previews(ui, t, &job.previews, derived.run, textures));
        }
        let parts = acceptance(&job.series);
        if !parts.is_empty() {
            card(ui, t, |ui| {
                ui.label(section(ui, "Acceptance, last epoch"));
                for (name, value) in parts {
                    share_row(ui, t, name, value, &percent(value), t.accent);
                }
            });
        }
        notes(ui, t, job);
        if working {
            model_card(ui, t, state, out);
        }
    });
}

/// What the loaded model says of itself.
fn model_card(ui: &mut Ui, t: &Tokens, state: &State, out: &mut Vec<Action>) {
    match &state.train.model {
        Face::Empty => {}
        Face::Loading => {
            card(ui, t, |ui| {
                ui.horizontal(|ui| {
                    ui.spinner();
                    ui.label("Reading the model");
                });
            });
        }
        Face::Failed(message) => failure_card(ui, "This model cannot be used", message),
        Face::Full(model) => card(ui, t, |ui| {
            ui.horizontal(|ui| {
                icon(ui, Icon::Check, 16.0, t.accent);
                let name = model.path.file_name().map(|n| n.to_string_lossy().into_owned());
                ui.add(Label::new(RichText::new(name.unwrap_or_default()).strong()).truncate())
                    .on_hover_text(model.path.display().to_string());
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if ui.add_enabled(!state.is_busy(), Button::new("Unload").small()).clicked() {
                        out.push(Action::ForgetModel);
                    }
                });
            });
            egui::Grid::new("model facts").num_columns(2).spacing([16.0, 4.0]).show(ui, |ui| {
                for (name, value) in &model.facts {
                    ui.label(muted(ui, name.as_str()));
                    ui.add(Label::new(value.as_str()).wrap());
                    ui.end_row();
                }
            });
            if let Some(warning) = &model.warning {
                warning_line(ui, warning);
            }
            for words in state.project.iter().flat_map(|project| differences(project, model)) {
                ui.add(Label::new(caption(ui, words)).wrap());
            }
        }),
    }
}

/// Where images are made otherwise than the form says, because the loaded model was trained otherwise: sentences.
fn differences(project: &ProjectState, model: &ModelFile) -> Vec<String> {
    let settings = &project.settings;
    let Some(method) = oversampling::method(&model.method).filter(|_| model.method == settings.method) else {
        return Vec::new();
    };
    let table = method.param_table();
    let (later, kept) = oversampling::params::differing(table, &model.params, &settings.params);
    let mut words = Vec::new();
    if !later.is_empty() {
        words.push(format!(
            "This model was trained with other settings: {}. What the form says there is for the next training; images \
             are made with the model as it is.",
            later.join(", ")
        ));
    }
    if !kept.is_empty() {
        let kept: Vec<String> =
            kept.iter().map(|(label, value)| format!("{label} {}", value_text(value))).collect();
        words.push(format!(
            "Images are made with the model's own settings, where the form leaves them as they are: {}.",
            kept.join(", ")
        ));
    }
    words
}

fn progress(ui: &mut Ui, t: &Tokens, job: &JobView) {
    let share = if job.total == 0 { 0.0 } else { job.done as f32 / job.total as f32 };
    let words = progress_words(job);
    let bar = ProgressBar::new(share.clamp(0.0, 1.0))
        .desired_height(6.0)
        .desired_width(ui.available_width())
        .fill(if job.state == JobState::Paused { t.muted } else { t.accent });
    ui.add(bar)
        .widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, format!("Training: {words}")));
}

/// Groups of rows; rows are moments, columns the same things.
fn previews(ui: &mut Ui, t: &Tokens, previews: &[Preview], run: u64, textures: &mut Textures) {
    let mut groups: Vec<&Preview> = Vec::new();
    for preview in previews {
        if !groups.iter().any(|first| first.same_things(preview)) {
            groups.push(preview);
        }
    }
    for (index, first) in groups.into_iter().enumerate() {
        if index > 0 {
            ui.add_space(space::M);
        }
        let rows: Vec<&Preview> = previews.iter().filter(|preview| preview.same_things(first)).collect();
        preview_group(ui, t, first.group, &rows, run, textures);
    }
}

fn preview_group(
    ui: &mut Ui,
    t: &Tokens,
    group: &str,
    previews: &[&Preview],
    run: u64,
    textures: &mut Textures,
) {
    let captions = previews.first().map_or(&[] as &[String], |p| p.captions.as_slice());
    ui.horizontal(|ui| {
        ui.label(section(ui, group));
        let same = captions.first().filter(|first| captions.iter().all(|c| c == *first));
        if let Some(same) = same {
            ui.label(caption(ui, same.as_str()));
        }
    });
    let label = 96.0;
    let room = ((ui.available_width() - label) / (PREVIEW + space::XS)).floor().max(1.0) as usize;
    let job = format!("training {run}");
    for preview in previews {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::XS;
            let (rect, _) = ui.allocate_exact_size(vec2(label - space::XS, PREVIEW), Sense::hover());
            if !ui.is_rect_visible(rect) {
                return;
            }
            ui.put(rect, Label::new(caption(ui, preview.label.as_str())).truncate());
            for index in 0..preview.images.len().min(room) {
                let (rect, response) = ui.allocate_exact_size(vec2(PREVIEW, PREVIEW), Sense::hover());
                ui.painter().rect_filled(rect, CornerRadius::same(4), PICTURE_GROUND);
                if let Some(texture) = textures.preview(&job, preview, index) {
                    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
                    ui.painter().image(texture.id, rect, whole, Color32::WHITE);
                }
                ui.painter().rect_stroke(rect, CornerRadius::same(4), (1.0, t.line), StrokeKind::Inside);
                let words = preview.captions.get(index).map_or("", String::as_str);
                let name = format!("{group}, {}, picture {}, {words}", preview.label, index + 1);
                response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
                if !words.is_empty() {
                    response.on_hover_text(words);
                }
            }
        });
    }
}

/// The last value of each curve of the group "acceptance".
fn acceptance(series: &[Series]) -> Vec<(&str, f64)> {
    series
        .iter()
        .filter_map(|one| {
            let part = one.name.strip_prefix("acceptance · ")?;
            let value = one.points.last()?[1];
            value.is_finite().then_some((part, value))
        })
        .collect()
}

fn notes(ui: &mut Ui, t: &Tokens, job: &JobView) {
    if job.notes.is_empty() {
        return;
    }
    card(ui, t, |ui| {
        ui.label(section(ui, "Notes of this run"));
        for (level, text) in &job.notes {
            match level {
                Level::Info => {
                    ui.add(Label::new(text.as_str()).wrap());
                }
                Level::Warning => warning_line(ui, text),
                Level::Error => {
                    ui.add(Label::new(RichText::new(text).color(t.failure)).wrap());
                }
            }
        }
    });
}
