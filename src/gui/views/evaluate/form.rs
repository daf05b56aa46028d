//! The form of a comparison: test images, treatments, exported folders, how long and where, and what that
//! would take.

use std::collections::BTreeSet;
use std::path::PathBuf;

use egui::{
    Align, Button, Checkbox, ComboBox, DragValue, Frame, Id, Key, Label, Layout, Margin, Panel, RichText,
    ScrollArea, TextEdit, Ui,
};

use super::COMPARED_BOX;
use crate::classify::treatments::{Preset, Treatment};
use crate::domain::plan::Plan;
use crate::evaluation::treatments::MadeTreatment;
use crate::gui::command::{Action, Command};
use crate::gui::state::{Estimate, EvaluateForm, Face, JobKind, Length, ProjectState, State};
use crate::gui::theme::{self, Tokens, caption, section, space};
use crate::gui::views::train::device_field;
use crate::gui::views::welcome::typed_path;
use crate::gui::widgets::empty_state::{command_button, primary_button, warning_line};
use crate::gui::widgets::status_bar::{counted, moment_words, number, time_words};
use crate::jobs::comparisons::Choice;

/// Classes that are listed with their test images.
const LISTED: usize = 12;
/// Seeds that may be asked for.
const MOST_SEEDS: usize = 50;
/// Folds that may be asked for.
const MOST_FOLDS: usize = 20;
/// Steps and epochs that may be asked for.
const LONGEST: usize = 1_000_000;
/// Epochs of a generator that may be asked for, as the methods have it.
const MOST_GENERATOR_EPOCHS: usize = 10_000;
/// Generators that are named in what a comparison would take; of more their number is said.
const NAMED: usize = 3;

/// Why nothing can be compared as it is chosen, a sentence; `None` where it can, and without a project.
pub fn why_no_comparison(state: &State) -> Option<String> {
    let project = state.project.as_ref()?;
    why_no_images(project).or_else(|| match state.evaluate.choice(&project.settings) {
        Err(why) => Some(why),
        Ok(choice) => why_not_chosen(project, &choice),
    })
}

/// Why what was compared or begun before cannot be compared again now, a sentence; `None` where it can.
pub(super) fn why_not_again(state: &State, choice: &Choice) -> Option<String> {
    let project = state.project.as_ref()?;
    state.why_not_make().or_else(|| why_no_images(project)).or_else(|| why_not_chosen(project, choice))
}

/// Why the images allow no comparison at all.
fn why_no_images(project: &ProjectState) -> Option<String> {
    let (classes, counts) = (&project.dataset.classes, &project.figures.counts);
    if project.source_missing.is_some() {
        return Some("The images of this project are gone; say first where they are now.".to_owned());
    }
    if classes.len() < 2 {
        return Some("There is one class alone, and treatments of imbalance need two.".to_owned());
    }
    let (name, _) = classes.iter().zip(counts).find(|(_, count)| **count == 0)?;
    Some(format!("The class {name} has no training image, so no classifier can learn it."))
}

/// Why just this cannot be compared.
fn why_not_chosen(project: &ProjectState, choice: &Choice) -> Option<String> {
    if choice.treatments.is_empty() && choice.folders.is_empty() {
        return Some(
            "Choose at least one treatment, generator or folder to compare with plain training.".to_owned(),
        );
    }
    (!choice.folders.is_empty() && project.folds(choice.folds).is_some()).then(|| {
        "An exported folder was made from images that a cross-validation holds out. Leave the folders out, or \
         make a test part first and export from what is left."
            .to_owned()
    })
}

pub(super) fn form_ui(ui: &mut Ui, t: &Tokens, state: &mut State, out: &mut Vec<Action>) {
    Panel::bottom("evaluate start")
        .frame(Frame::new().fill(t.panel).inner_margin(Margin { top: 12, ..Margin::ZERO }))
        .show_separator_line(false)
        .show(ui, |ui| start(ui, state, out));
    let idle = state.running(JobKind::Evaluate).is_none();
    ScrollArea::vertical().id_salt("comparison form").auto_shrink(false).show(ui, |ui| {
        ui.add_enabled_ui(idle, |ui| {
            let editable = state.can_edit();
            let adds = Command::AddFolder.enabled(state);
            let State { project, evaluate, devices, .. } = &mut *state;
            let Some(project) = project else { return };
            test_images(ui, project, evaluate, out);
            ui.add_space(space::S);
            treatments(ui, evaluate);
            ui.add_space(space::S);
            generators(ui, evaluate);
            ui.add_space(space::S);
            typed(ui, t, evaluate, &project.figures.plan);
            ui.add_space(space::S);
            folders(ui, evaluate, &project.exports, adds, out);
            ui.add_space(space::S);
            how(ui, evaluate);
            let changed = ui.add_enabled_ui(editable, |ui| {
                ui.label("Device");
                device_field(ui, &mut project.settings.device, devices)
            });
            if changed.inner {
                out.push(Action::SettingsChanged);
            }
        });
    });
}

/// What all classifiers are measured on.
fn test_images(ui: &mut Ui, project: &ProjectState, form: &mut EvaluateForm, out: &mut Vec<Action>) {
    ui.label(section(ui, "Test images"));
    if let Some(folds) = project.folds(form.folds) {
        let text = format!(
            "There is no test part, so the images are held out in turn: {folds}-fold cross-validation, with up \
             to {folds} trainings in place of one. Groups and copies are kept together."
        );
        ui.add(Label::new(text).wrap());
        ui.horizontal(|ui| {
            let label = ui.label("Folds");
            let mut asked = folds;
            // What a command asked for stays what it is.
            let drag = DragValue::new(&mut asked).range(2..=MOST_FOLDS.max(folds)).speed(0.05);
            let tip = "More of them take longer, and each classifier learns from more of the images";
            if ui.add(drag).labelled_by(label.id).on_hover_text(tip).changed() {
                // As many as are usual are not asked for, so that what was measured of them counts.
                form.folds = Some(asked).filter(|_| project.folds(None) != Some(asked));
            }
        });
        if project.dataset.has_splits {
            let words =
                "For a test part put class folders of real images into a folder test, then read again.";
            ui.add(Label::new(caption(ui, words)).wrap());
        } else if ui.link("Cut parts off in Data…").clicked() {
            out.push(Action::Do(Command::GoData));
            out.push(Action::OfferSplits);
        }
        return;
    }
    let counts = &project.figures.test;
    let of_class = project.dataset.classes.iter().zip(counts);
    let mut words: Vec<String> =
        of_class.take(LISTED).map(|(name, count)| format!("{name} {}", number(*count))).collect();
    if counts.len() > LISTED {
        words.push(format!("and {} more", counted(counts.len() - LISTED, "class", "classes")));
    }
    let total = counted(counts.iter().sum(), "real image", "real images");
    let text = format!("{total} of the test part, which no treatment learns from: {}", words.join(", "));
    ui.add(Label::new(text).wrap());
}

fn treatments(ui: &mut Ui, form: &mut EvaluateForm) {
    let free = || Treatment::table().iter().filter(|info| info.id != Treatment::none().info().id);
    ui.horizontal(|ui| {
        ui.label(section(ui, "Treatments"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.link(RichText::new("Choose none").size(theme::SMALL)).clicked() {
                form.chosen.clear();
            }
            if ui.link(RichText::new("Choose all").size(theme::SMALL)).clicked() {
                form.chosen = free().map(|info| info.id).collect();
            }
        });
    });
    ui.label(caption(ui, "Nothing: the others are held against it"));
    let mut always = true;
    let plain = Treatment::none().info();
    ui.add_enabled(false, Checkbox::new(&mut always, plain.label)).on_disabled_hover_text(plain.summary);
    ui.label(caption(ui, "Free remedies: no image is made"));
    for info in free() {
        let tip = format!("{}\n{}", info.summary, info.source);
        choice_ui(ui, &mut form.chosen, info.id, info.label, tip);
    }
}

/// A box for one of the treatments with its usual parameters.
fn choice_ui(ui: &mut Ui, chosen: &mut BTreeSet<&'static str>, id: &'static str, label: &str, tip: String) {
    ui.horizontal(|ui| {
        let mut on = chosen.contains(id);
        if ui.checkbox(&mut on, label).on_hover_text(tip).changed() {
            if on {
                chosen.insert(id);
            } else {
                chosen.remove(id);
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add(Label::new(caption(ui, id)).truncate());
        });
    });
}

/// Every method of the registry, and how long each of them learns.
fn generators(ui: &mut Ui, form: &mut EvaluateForm) {
    ui.horizontal(|ui| {
        ui.label(section(ui, "Generators"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let none = ui.link(RichText::new("Choose none").size(theme::SMALL));
            if none.accessible_name("Choose none of the generators").clicked() {
                form.generators.clear();
            }
        });
    });
    let words = "A generator learns from the training images and makes more of the small classes, up to the \
                 target of Plan; real images are repeated where too few are accepted. Slow: each is trained \
                 anew for each seed, and most learn longer than a classifier.";
    ui.add(Label::new(caption(ui, words)).wrap());
    for info in MadeTreatment::table() {
        let length = match info.epochs() {
            Some(param) => format!("Epochs where nothing else is said: {}.", param.source),
            None if info.online => "Learns as long as the classifiers beside it.".to_owned(),
            None => "Learns nothing.".to_owned(),
        };
        // What a name is short for has no room here; what learns nothing is also a free remedy, by another name.
        let short = info.label.split(',').next().unwrap_or(info.label);
        let more = if info.method.needs_training { "" } else { " to the target" };
        let tip = format!("{}\n{}\n{length}", info.label, info.summary);
        ui.scope(|ui| {
            // Close under its box, and in line with its name.
            ui.spacing_mut().item_spacing.y = 0.0;
            choice_ui(ui, &mut form.generators, info.id, &format!("{short}{more}"), tip);
            let spacing = ui.spacing();
            let left = (spacing.icon_width + spacing.icon_spacing) as i8;
            Frame::new().inner_margin(Margin { left, ..Margin::ZERO }).show(ui, |ui| {
                ui.add(Label::new(caption(ui, info.hint)).wrap());
            });
        });
    }
    ui.horizontal(|ui| {
        let tip = "Of those that have epochs to choose; left open each is as long as its method says, or as many \
                   epochs as the classifiers where their length is in epochs";
        ui.checkbox(&mut form.sets_generator_epochs, "Epochs of each generator").on_hover_text(tip);
        let drag = DragValue::new(&mut form.generator_epochs).range(1..=MOST_GENERATOR_EPOCHS).speed(0.5);
        if ui.add(drag).accessible_name("Number of epochs of each generator").changed() {
            form.sets_generator_epochs = true;
        }
    });
    let tip = "As many of each class as it has real ones, asked about the real test images; one making and one training \
               more for each generator and seed. A generator that makes none of the largest class is left out";
    ui.checkbox(&mut form.made_alone, "Train on made images alone, too").on_hover_text(tip);
}

/// Treatments by their names, as the command line has them.
fn typed(ui: &mut Ui, t: &Tokens, form: &mut EvaluateForm, plan: &Plan) {
    ui.label(caption(ui, "With other parameters or together, a comma between"));
    let hint = "cb-focal:beta=0.99, smote+mixup";
    let edit = TextEdit::singleline(&mut form.typed).hint_text(hint).desired_width(f32::INFINITY);
    ui.add(edit.char_limit(1000)).accessible_name("Treatments with other parameters");
    if let Err(why) = form.typed_names() {
        ui.add(Label::new(RichText::new(why).size(theme::SMALL).color(t.failure)).wrap());
    }
    for overlap in form.overlaps(plan) {
        warning_line(ui, &overlap);
    }
}

fn folders(ui: &mut Ui, form: &mut EvaluateForm, exports: &[PathBuf], adds: bool, out: &mut Vec<Action>) {
    ui.label(section(ui, "Exported folders"));
    if form.folders.is_empty() {
        let words =
            "What is exported from this project is listed here; any other exported folder can be added.";
        ui.add(Label::new(caption(ui, words)).wrap());
    }
    let mut dropped = None;
    for (place, folder) in form.folders.iter_mut().enumerate() {
        ui.horizontal(|ui| {
            let path = folder.dir.display().to_string();
            ui.checkbox(&mut folder.chosen, folder.name.as_str()).on_hover_text(path);
            // What was exported from here stays listed.
            if !exports.contains(&folder.dir) {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let link = ui.link(RichText::new("remove").size(theme::SMALL));
                    if link.accessible_name(format!("Remove {}", folder.name)).clicked() {
                        dropped = Some(place);
                    }
                });
            }
        });
    }
    if let Some(place) = dropped {
        form.folders.remove(place);
    }
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 68.0).max(80.0);
        let edit = TextEdit::singleline(&mut form.folder_box)
            .id(Id::unique(COMPARED_BOX))
            .hint_text("Path of a folder, then Enter")
            .desired_width(width)
            .char_limit(4000);
        let response = ui.add(edit).accessible_name("Path of an exported folder");
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let filled = !form.folder_box.trim().is_empty();
        let pressed = ui.add_enabled(filled, Button::new("Add")).clicked();
        if (entered || pressed) && filled {
            let path = typed_path(&form.folder_box);
            form.add_folder(&path);
            form.folder_box.clear();
        }
    });
    let choose = ui.add_enabled(adds, Button::new(Command::AddFolder.text()));
    if choose.on_hover_text(Command::AddFolder.tooltip()).clicked() {
        out.push(Action::Do(Command::AddFolder));
    }
}

fn how(ui: &mut Ui, form: &mut EvaluateForm) {
    ui.label(section(ui, "How"));
    ui.horizontal(|ui| {
        let label = ui.label("Seeds");
        let seeds = DragValue::new(&mut form.seeds).range(1..=MOST_SEEDS).speed(0.05);
        let tip =
            "Each treatment is trained once with each seed; more of them tell smaller differences apart";
        ui.add(seeds).labelled_by(label.id).on_hover_text(tip);
        let label = ui.label("from");
        ui.add(DragValue::new(&mut form.seed).speed(0.1)).labelled_by(label.id).on_hover_text("First seed");
    });
    let tip = "2 000 steps of the small network, 200 epochs of ResNet-32";
    ui.radio_value(&mut form.length, Length::Usual, "The usual length").on_hover_text(tip);
    for (length, words) in [(Length::Steps, "Steps"), (Length::Epochs, "Epochs of the training part")] {
        ui.horizontal(|ui| {
            ui.radio_value(&mut form.length, length, words);
            let value = if length == Length::Steps { &mut form.steps } else { &mut form.epochs };
            let drag = DragValue::new(value).range(1..=LONGEST).speed(1.0);
            let name = if length == Length::Steps { "Number of steps" } else { "Number of epochs" };
            if ui.add(drag).accessible_name(name).changed() {
                form.length = length;
            }
        });
    }
    let words = |network: Option<&str>| match network {
        None => "By the device",
        Some("resnet32") => "ResNet-32",
        Some(_) => "Small",
    };
    ui.label("Network");
    let shown = ComboBox::from_id_salt("compared network")
        .width(ui.available_width())
        .selected_text(words(form.network.as_deref()))
        .show_ui(ui, |ui| {
            for network in [None, Some(Preset::Small.as_str()), Some(Preset::Resnet32.as_str())] {
                ui.selectable_value(&mut form.network, network.map(str::to_owned), words(network));
            }
        });
    shown.response.accessible_name("Network");
    ui.label("Training images are");
    let tip =
        "Real ones, out of a border of 4 pixels, while a classifier learns; it can cut a finding at the rim";
    ui.checkbox(&mut form.augment.crop, "cropped at random").on_hover_text(tip);
    let tip = "Real ones, left and right with a chance of one half, while a classifier learns; a mirrored chest has its \
               heart on the wrong side";
    ui.checkbox(&mut form.augment.flip, "mirrored at random").on_hover_text(tip);
}

/// What it would take, and the button; the reason beside it where it cannot be pressed.
fn start(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    if why_no_comparison(state).is_none()
        && let Some(estimate) = state.estimate()
    {
        estimate_ui(ui, state, &estimate);
    }
    let why = Command::Evaluate.why_disabled(state);
    if let Some(why) = &why {
        ui.add(Label::new(caption(ui, why.as_str())).wrap());
    }
    ui.horizontal_wrapped(|ui| {
        let compare = primary_button(ui, Command::Evaluate.text(), why.is_none());
        if compare.on_hover_text(Command::Evaluate.hint(ui.ctx())).clicked() {
            out.push(Action::Do(Command::Evaluate));
        }
        command_button(ui, state, Command::TimeSteps, out);
    });
    if let Some(why) = &state.no_dialogs {
        warning_line(ui, why);
    }
}

fn estimate_ui(ui: &mut Ui, state: &State, estimate: &Estimate) {
    // Small classes fill fewer folds, and folds differ by some images.
    let most = if estimate.folds.is_some() { "at most " } else { "" };
    let about =
        if estimate.folds.is_some() && state.evaluate.length != Length::Steps { "about " } else { "" };
    let trainings = counted(estimate.trainings, "training", "trainings");
    let mut words = match estimate.steps {
        Some(steps) => {
            format!("Classifiers: {most}{trainings} of {about}{} each.", counted(steps, "step", "steps"))
        }
        None => format!("Classifiers: {most}{trainings}."),
    };
    if estimate.makings() > 0 {
        let times = counted(estimate.makings(), "training", "trainings");
        words += &format!(" Generators: {most}{times}.");
    }
    words += " What was measured before is not trained again.";
    ui.add(Label::new(caption(ui, words)).wrap());
    match &state.evaluate.timed {
        Face::Loading => {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label(caption(ui, "Timing a few steps"));
            });
        }
        Face::Failed(why) if estimate.pace.is_none() => warning_line(ui, why),
        _ => {
            let time = Label::new(caption(ui, time_of(estimate, NAMED))).wrap();
            ui.add(time).on_hover_text(time_of(estimate, usize::MAX));
        }
    }
}

/// What it would take, as far as any of it was measured. Of the generators that were measured, and of those
/// that were not, at most so many are named.
fn time_of(estimate: &Estimate, named: usize) -> String {
    let source = |of: Option<i64>| match of {
        Some(started) => format!("as in the comparison of {}", moment_words(started)),
        None => "as timed here".to_owned(),
    };
    let unmeasured = estimate.generators.iter().filter(|generator| generator.seconds.is_none());
    let unmeasured = several(&unmeasured.map(|generator| generator.name.as_str()).collect::<Vec<_>>(), named);
    let (Some(time), Some(pace)) = (estimate.time(), &estimate.pace) else {
        let mut words = "Time: not known yet. Time a few steps to see".to_owned();
        if !unmeasured.is_empty() {
            words += &format!(
                " that of the classifiers; the generators' own training is not measured yet ({unmeasured}) \
                 and may take much longer"
            );
        }
        return words + ".";
    };
    let (time, step) = (time_words(time), pace.step_seconds);
    let mut words = format!("About {time} of training: {step:.3} s a step, {}", source(pace.of));
    let measured: Vec<_> = estimate.generators.iter().filter_map(|of| Some((of, of.seconds?))).collect();
    for (generator, seconds) in measured.iter().take(named) {
        let (name, of) = (&generator.name, source(generator.of));
        words += &format!("; {name} {seconds:.0} s under each seed, {of}");
    }
    if measured.len() > named {
        let (one, many) = ("more generator that was measured", "more generators that were measured");
        words += &format!("; with {}", counted(measured.len() - named, one, many));
    }
    if !unmeasured.is_empty() {
        words += &format!(
            "; plus the generators' own training, not measured yet ({unmeasured}), which may take much longer"
        );
    }
    words + "."
}

/// Names with commas between, at most so many of them and then how many more there are.
fn several(names: &[&str], most: usize) -> String {
    let shown = names[..names.len().min(most)].join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
