//! The feature map: what classifier g sees of each image, as points; choose one to see its image.
//!
//! Paints what was drawn and what of it is shown. Drawing leaves as a command, and so does the way to an image in
//! Data or Review.

use std::collections::BTreeSet;
use std::sync::Arc;

use egui::accesskit::Live;
use egui::{
    Align, Button, CentralPanel, ComboBox, DragValue, Frame, Id, Key, Label, Layout, Margin, Modifiers,
    Panel, ScrollArea, Ui,
};

use super::{MAP_BOX, saved_ui};
use crate::domain::decisions::Decision;
use crate::domain::numbers::percent;
use crate::domain::splits::Split;
use crate::domain::task::Level;
use crate::evaluation::projection::tsne::Settings as TsneSettings;
use crate::evaluation::projection::{LEAST_ROWS, MOST_ROWS, Mark, Origin, Projector};
use crate::evaluation::report::Cloud;
use crate::gui::command::{Action, Command};
use crate::gui::icons::Icon;
use crate::gui::regions::Region;
use crate::gui::state::{
    Face, FeatureMap, FeaturesForm, JobKind, MapImage, ProjectState, State, Step, split_position,
};
use crate::gui::textures::{PictureKey, Shown, Textures};
use crate::gui::theme::{Tokens, caption, muted, section, size, space};
use crate::gui::views::review::side_width;
use crate::gui::views::train::bar_frame;
use crate::gui::widgets::class_panel::fact;
use crate::gui::widgets::empty_state::{
    command_button, empty, failed, loading, primary_button, warning_line,
};
use crate::gui::widgets::job_buttons::{JobEnds, job_buttons};
use crate::gui::widgets::path_box::{BEHIND, Words, path_box};
use crate::gui::widgets::picture_view::{self, picture_pane};
use crate::gui::widgets::probability::{rule_sentences, verdict_words};
use crate::gui::widgets::scatter::{Dot, Entry, Scatter, has_keyboard, legend_entry};
use crate::gui::widgets::status_bar::{capital, counted, number};
use crate::jobs::projection::source_words;
use crate::project::CandidateRow;

/// Least height of the points.
const LEAST_PLOT: f32 = 200.0;
/// Height that legend and words take before it is known.
const BESIDE: f32 = 140.0;
/// Most height of the legend, which scrolls then.
const LEGEND: f32 = 84.0;
/// Width of the panel about the chosen image.
const SIDE: f32 = 260.0;
/// Largest side of its picture.
const PICTURE: f32 = 240.0;
/// The keys that go from point to point.
const KEYS: [(Key, Step); 6] = [
    (Key::ArrowLeft, Step::Previous),
    (Key::ArrowRight, Step::Next),
    (Key::ArrowUp, Step::PreviousGroup),
    (Key::ArrowDown, Step::NextGroup),
    (Key::Home, Step::First),
    (Key::End, Step::Last),
];

/// Why no map can be drawn as things are, a sentence; `None` where it can, and without a project.
pub fn why_no_map(state: &State) -> Option<String> {
    let project = state.project.as_ref()?;
    if project.source_missing.is_some() {
        return Some("The images of this project are gone; say first where they are now.".to_owned());
    }
    match &state.train.model {
        Face::Full(_) => {}
        Face::Loading => return Some("The model is being read; wait a moment.".to_owned()),
        Face::Failed(_) => {
            return Some("The model of this project cannot be used; train or load another one.".to_owned());
        }
        Face::Empty => return Some("It needs a trained model; train or load one first.".to_owned()),
    }
    let figures = &project.figures;
    let real: usize =
        figures.counts.iter().zip(&figures.known_made).map(|(all, made)| all.saturating_sub(*made)).sum();
    let held_out = state.evaluate.features.held_out.map_or(0, |split| images_of(project, split));
    let images = real + held_out + project.candidates.len();
    (images < LEAST_ROWS).then(|| {
        let have = counted(images, "image is", "images are");
        format!("{have} too few for a map, which needs {LEAST_ROWS}; add images or make candidates.")
    })
}

fn images_of(project: &ProjectState, split: Split) -> usize {
    project.figures.splits[split_position(split)]
}

/// The map with what follows from the decisions and the legend as they are now.
struct Scene {
    map: Arc<FeatureMap>,
    marks: Vec<Mark>,
    /// Places of the points that are not hidden, in the order of the map.
    shown: Vec<usize>,
    /// The class that the histogram leaves alone.
    only: Option<String>,
}

impl Scene {
    fn of(state: &State, map: Arc<FeatureMap>) -> Self {
        let marks = map.marks(candidates(state));
        let names = state.project.as_ref().map(|project| project.dataset.classes.as_slice());
        let only = state.class_filter.and_then(|class| names?.get(class)).cloned();
        let form = &state.evaluate.features;
        let points = map.points.iter().zip(&marks).enumerate();
        let shown = points.filter(|(_, (point, mark))| {
            !form.hidden_classes.contains(&point.class)
                && !form.hidden_marks.contains(*mark)
                && only.as_ref().is_none_or(|only| map.class(point) == only)
        });
        let shown = shown.map(|(place, _)| place).collect();
        Scene { map, marks, shown, only }
    }
}

fn candidates(state: &State) -> &[CandidateRow] {
    state.project.as_ref().map(|project| project.candidates.as_slice()).unwrap_or_default()
}

/// The pane of the feature map.
pub(super) fn features_ui(
    ui: &mut Ui,
    t: &Tokens,
    state: &mut State,
    textures: &mut Textures,
    out: &mut Vec<Action>,
) {
    Panel::top("feature map tools").exact_size(size::TOOLS).frame(bar_frame(t)).show(ui, |ui| {
        Region::Tools.mark(ui);
        tools(ui, state, out);
    });
    let ground = Frame::new().fill(t.background).inner_margin(Margin::same(16));
    let drawing = state.running(JobKind::Features).is_some();
    let Some(map) = state.evaluate.features.map.clone().filter(|_| !drawing) else {
        CentralPanel::default().frame(ground).show(ui, |ui| {
            Region::Main.mark(ui);
            nothing_yet(ui, state, out);
        });
        return;
    };
    let scene = Scene::of(state, map);
    keys(ui, state, &scene.shown);
    Panel::right("feature image")
        .exact_size(side_width(ui, SIDE))
        .resizable(false)
        .frame(Frame::new().fill(t.panel).inner_margin(Margin::same(16)))
        .show(ui, |ui| {
            Region::Right.mark(ui);
            chosen_ui(ui, t, state, textures, &scene, out);
        });
    CentralPanel::default().frame(ground).show(ui, |ui| {
        Region::Main.mark(ui);
        page(ui, t, state, &scene, out);
    });
}

/// What is to be drawn, and the button.
fn tools(ui: &mut Ui, state: &mut State, out: &mut Vec<Action>) {
    let why = Command::DrawFeatures.why_disabled(state);
    let idle = state.running(JobKind::Features).is_none();
    ui.horizontal_centered(|ui| {
        let State { project, evaluate, .. } = &mut *state;
        let Some(project) = project else { return };
        let form = &mut evaluate.features;
        ui.add_enabled_ui(idle, |ui| choices(ui, project, form));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let words = if form.map.is_some() { "Draw again" } else { "Draw" };
            let draw = primary_button(ui, words, why.is_none());
            let draw = draw.on_hover_text(Command::DrawFeatures.hint(ui.ctx()));
            let reason = why.as_deref().unwrap_or(Command::DrawFeatures.tooltip());
            if draw.on_disabled_hover_text(reason).clicked() {
                out.push(Action::Do(Command::DrawFeatures));
            }
        });
    });
}

fn choices(ui: &mut Ui, project: &ProjectState, form: &mut FeaturesForm) {
    let shown = ComboBox::from_id_salt("projection")
        .width(84.0)
        .selected_text(form.projector.name())
        .show_ui(ui, |ui| {
            ui.selectable_value(&mut form.projector, Projector::Pca, "Principal components (PCA)");
            ui.selectable_value(&mut form.projector, Projector::Tsne(TsneSettings::default()), "t-SNE");
        });
    shown.response.accessible_name("Projection").on_hover_text(
        "Of principal components distances say something; t-SNE shows neighbours and nothing else",
    );
    form.held_out = form.held_out.filter(|split| images_of(project, *split) > 0);
    let words = |split: Option<Split>| match split {
        Some(Split::Validation) => "with validation",
        Some(Split::Test) => "with test",
        _ => "no held-out images",
    };
    let shown = ComboBox::from_id_salt("held-out images")
        .width(124.0)
        .selected_text(words(form.held_out))
        .show_ui(ui, |ui| {
            for split in [None, Some(Split::Validation), Some(Split::Test)] {
                let there = split.is_none_or(|split| images_of(project, split) > 0);
                ui.add_enabled_ui(there, |ui| {
                    ui.selectable_value(&mut form.held_out, split, words(split));
                });
            }
        });
    shown
        .response
        .accessible_name("Held-out images")
        .on_hover_text("Real images that nothing was trained on");
    let most = DragValue::new(&mut form.per_class).range(LEAST_ROWS..=MOST_ROWS).speed(1.0);
    ui.add(most.prefix("at most ").suffix(" of each"))
        .accessible_name("Images of each class and origin at most")
        .on_hover_text(
            "Images of each class, real, held-out and made, evenly spread over those that there are",
        );
}

/// Before there is a map: being drawn, failed, or not begun.
fn nothing_yet(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    if let Some(job) = state.running(JobKind::Features) {
        loading(ui, JobKind::Features.text(), Some(job), |ui| {
            let ends = JobEnds {
                cancel: "End within one step; the map before it stays",
                keep: "Stop and keep",
                keep_hint: "t-SNE ends with the picture that it has by now",
            };
            job_buttons(ui, JobKind::Features, job, &ends, out);
        });
        return;
    }
    if let Some(message) = state.failure(JobKind::Features) {
        failed(ui, "The feature map was not drawn", message, |ui| {
            command_button(ui, state, Command::DrawFeatures, out);
            command_button(ui, state, Command::GoTrain, out);
        });
        return;
    }
    if state.train.model == Face::Loading {
        loading(ui, "Reading the model", state.job(JobKind::Model), |_| {});
        return;
    }
    let why = Command::DrawFeatures.why_disabled(state);
    let what = "Every image is a point, where classifier g of the trained model sees it: real, held-out and made \
                images of each class told apart. Choose a point to see its image.";
    let mut text = what.to_owned();
    match &why {
        Some(why) => text += &format!(" {why}"),
        None if candidates(state).is_empty() => {
            text += " There are no candidates yet, so the real images are drawn alone.";
        }
        None => {}
    }
    empty(ui, Icon::Evaluate, "No feature map yet", &text, |ui| {
        if state.train.model.full().is_some() {
            command_button(ui, state, Command::DrawFeatures, out);
        } else {
            command_button(ui, state, Command::GoTrain, out);
            command_button(ui, state, Command::LoadModel, out);
        }
    });
}

/// Takes the keys that go from point to point.
fn keys(ui: &Ui, state: &mut State, shown: &[usize]) {
    let covered = state.sheet.is_some() || state.confirm.is_some() || egui::Popup::is_any_open(ui.ctx());
    if covered || ui.ctx().text_edit_focused() || !has_keyboard(ui) {
        return;
    }
    let pressed = ui
        .input_mut(|input| KEYS.map(|(key, step)| (step, input.count_and_consume_key(Modifiers::NONE, key))));
    for (step, times) in pressed {
        for _ in 0..times {
            state.evaluate.features.go(step, shown);
        }
    }
}

/// Legend, points and words, as high as the window; a low one scrolls.
fn page(ui: &mut Ui, t: &Tokens, state: &mut State, scene: &Scene, out: &mut Vec<Action>) {
    let room = ui.available_height();
    ScrollArea::vertical().id_salt("feature map").auto_shrink(false).show(ui, |ui| {
        // The points take what the rest left in the last frame.
        let key = Id::unique("feature map: height of the rest");
        let rest = ui.data(|data| data.get_temp::<f32>(key)).unwrap_or(BESIDE);
        let height = (room - rest - 1.0).max(LEAST_PLOT);
        let top = ui.cursor().top();
        remarks(ui, state, scene);
        legend(ui, t, state, scene, out);
        points(ui, t, state, scene, height);
        captions(ui, &scene.map);
        save_ui(ui, t, state, out);
        let used = ui.cursor().top() - top - height;
        if (used - rest).abs() > 0.5 {
            ui.data_mut(|data| data.insert_temp(key, used));
            ui.ctx().request_repaint();
        }
    });
}

/// What one should know of the map before looking at it.
fn remarks(ui: &mut Ui, state: &State, scene: &Scene) {
    let map = &scene.map;
    if let Some(message) = state.failure(JobKind::Features) {
        warning_line(ui, &format!("Drawing again failed, and this is the map before: {message}"));
    }
    let run = candidates(state).first().map(|row| row.run);
    if run != map.run {
        let words = match map.run {
            Some(_) => "The candidates of this map are of an earlier run: draw again for those of today.",
            None => "Candidates were made since this map was drawn: draw again to see them.",
        };
        warning_line(ui, words);
    } else if run.is_none() {
        ui.label(caption(ui, "There were no candidates: these are the real images alone."));
    }
    if state.train.model.full().is_some_and(|model| model.path != map.model) {
        warning_line(ui, "Another model is in use since: draw again to see what it sees.");
    }
    if state.evaluate.features.edits != map.edits {
        warning_line(
            ui,
            "The data were changed since this map was drawn: draw again to see them as they are.",
        );
    }
    if map.unknown > 0 {
        let left = counted(map.unknown, "candidate is left out: another", "candidates are left out: another");
        warning_line(ui, &format!("{left} window made them. Open the project again to see them."));
    }
    for (_, text) in map.notes.iter().filter(|(level, _)| *level != Level::Info) {
        warning_line(ui, text);
    }
}

/// Signs and classes with how many points they have; each hides and shows its own.
fn legend(ui: &mut Ui, t: &Tokens, state: &mut State, scene: &Scene, out: &mut Vec<Action>) {
    let map = &scene.map;
    let mut of_class = vec![0; map.classes.len()];
    for point in &map.points {
        if let Some(count) = of_class.get_mut(point.class) {
            *count += 1;
        }
    }
    let form = &mut state.evaluate.features;
    ScrollArea::vertical().id_salt("feature legend").max_height(LEGEND).auto_shrink([false, true]).show(
        ui,
        |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing = egui::vec2(space::XS, 2.0);
                for mark in Mark::ALL {
                    let count = scene.marks.iter().filter(|other| **other == mark).count();
                    let on = !form.hidden_marks.contains(&mark);
                    if count > 0 && legend_entry(ui, t, Entry::Mark(mark), mark.text(), count, on).clicked() {
                        toggle(&mut form.hidden_marks, mark);
                    }
                }
                for (class, (name, count)) in map.classes.iter().zip(of_class).enumerate() {
                    let on = !form.hidden_classes.contains(&class);
                    if count > 0 && legend_entry(ui, t, Entry::Class(class), name, count, on).clicked() {
                        toggle(&mut form.hidden_classes, class);
                    }
                }
                let hidden = form.hidden_marks.len() + form.hidden_classes.len();
                if hidden > 0 && ui.link("Show all").clicked() {
                    form.hidden_marks.clear();
                    form.hidden_classes.clear();
                }
                if let Some(name) = &scene.only {
                    let button = ui.add(Button::selectable(true, format!("only {name}")));
                    if button.on_hover_text(Command::AllClasses.hint(ui.ctx())).clicked() {
                        out.push(Action::Do(Command::AllClasses));
                    }
                }
            });
        },
    );
}

fn toggle<K: Ord>(hidden: &mut BTreeSet<K>, key: K) {
    if !hidden.remove(&key) {
        hidden.insert(key);
    }
}

fn points(ui: &mut Ui, t: &Tokens, state: &mut State, scene: &Scene, height: f32) {
    if scene.shown.is_empty() {
        ui.label(caption(ui, "Every point is hidden: choose a name above to show it again."));
    }
    let of_map = scene.map.points.iter().zip(&scene.marks);
    let mut dots: Vec<Dot> = of_map
        .map(|(point, mark)| Dot { at: point.at, class: point.class, mark: *mark, shown: false })
        .collect();
    for &place in &scene.shown {
        dots[place].shown = true;
    }
    let form = &state.evaluate.features;
    let name = map_words(scene);
    let scatter = Scatter { number: form.number, height, dots: &dots, chosen: form.chosen, name: &name };
    let output = scatter.show(ui, t);
    if let Some(place) = output.clicked {
        state.evaluate.features.chosen = Some(place);
    }
    if let Some(place) = output.hovered {
        output.response.on_hover_text_at_pointer(point_words(state, scene, place));
    }
}

/// The points as one sentence: how many of each class and sign.
fn map_words(scene: &Scene) -> String {
    let map = &scene.map;
    let mut counts = vec![[0; Mark::ALL.len()]; map.classes.len()];
    for &place in &scene.shown {
        let (point, mark) = (&map.points[place], scene.marks[place]);
        let sign = Mark::ALL.iter().position(|other| *other == mark);
        if let (Some(counts), Some(sign)) = (counts.get_mut(point.class), sign) {
            counts[sign] += 1;
        }
    }
    let points = counted(scene.shown.len(), "point", "points");
    let mut words = format!("{}, {points}.", map.caption.title());
    for (name, counts) in map.classes.iter().zip(counts) {
        let signs = Mark::ALL.iter().zip(counts).filter(|(_, count)| *count > 0);
        let signs: Vec<String> =
            signs.map(|(mark, count)| format!("{} {}", number(count), mark.text())).collect();
        if !signs.is_empty() {
            words += &format!(" {name}: {}.", signs.join("; "));
        }
    }
    words
}

/// What has to be said beside the points, and what the job had to say.
fn captions(ui: &mut Ui, map: &FeatureMap) {
    let notes = map.notes.iter().filter(|(level, _)| *level == Level::Info);
    for words in caption_words(map).into_iter().chain(notes.map(|(_, text)| format!("{}.", capital(text)))) {
        ui.add(Label::new(caption(ui, words)).wrap());
    }
}

/// The ways to take the map along.
fn save_ui(ui: &mut Ui, t: &Tokens, state: &mut State, out: &mut Vec<Action>) {
    ui.horizontal_wrapped(|ui| {
        command_button(ui, state, Command::SaveFeatures, out);
        let words =
            Words { hint: "or a path that ends with .svg or .png", name: "Path of a file for the map" };
        let path = path_box(ui, MAP_BOX, &mut state.evaluate.features.file, BEHIND, words);
        out.extend(path.map(Action::SaveFeatures));
    });
    saved_ui(ui, t, &state.evaluate.features.saved);
}

/// The points that are shown as a drawing; `None` without a map.
pub fn cloud(state: &State) -> Option<Cloud> {
    let scene = Scene::of(state, state.evaluate.features.map.clone()?);
    let map = &scene.map;
    let dots = scene.shown.iter().filter_map(|&place| {
        let (point, mark) = (map.points.get(place)?, *scene.marks.get(place)?);
        Some((point.at, point.class, mark))
    });
    Some(Cloud::of_map(&map.caption, source_words(&map.method, &map.model), &map.classes, dots))
}

/// How far the points are to be believed, and what they are of.
fn caption_words(map: &FeatureMap) -> Vec<String> {
    let mut words = map.caption.sentences();
    words.push(source_words(&map.method, &map.model));
    words
}

/// What the method thinks of a candidate is hidden.
fn is_hidden(state: &State, row: &CandidateRow) -> bool {
    state.review.blind && row.decision == Decision::Undecided
}

/// A point in words: class, sign and image.
fn point_words(state: &State, scene: &Scene, place: usize) -> String {
    let Some(point) = scene.map.points.get(place) else { return String::new() };
    let mark = scene.marks.get(place).map_or("", |mark| mark.text());
    let image = match &point.image {
        MapImage::File(path) => path.clone(),
        MapImage::Candidate(row) => {
            let row = FeatureMap::now(row, candidates(state));
            let reject = percent(row.verdict.rejection_probability(&row.parts));
            let reject = if is_hidden(state, row) { String::new() } else { format!(", reject {reject}") };
            format!("candidate {}{reject}", row.id)
        }
    };
    format!("{}, {mark}: {image}", scene.map.class(point))
}

/// The panel about the chosen image.
fn chosen_ui(
    ui: &mut Ui,
    t: &Tokens,
    state: &mut State,
    textures: &mut Textures,
    scene: &Scene,
    out: &mut Vec<Action>,
) {
    let room = ui.available_height();
    ScrollArea::vertical().id_salt("feature image").auto_shrink(false).show(ui, |ui| {
        let map = &scene.map;
        let chosen = state.evaluate.features.chosen.filter(|place| *place < map.points.len());
        let total = map.points.len();
        let head = match chosen {
            Some(place) => format!("Point {} of {}", number(place + 1), number(total)),
            None => counted(total, "point", "points"),
        };
        ui.label(section(ui, &head));
        ui.horizontal(|ui| {
            for (words, step) in [("Previous", Step::Previous), ("Next", Step::Next)] {
                if ui.add_enabled(!scene.shown.is_empty(), Button::new(words)).clicked() {
                    state.evaluate.features.go(step, &scene.shown);
                }
            }
        });
        let Some(place) = chosen else {
            let words = "Click a point to see its image. With the keyboard: left and right go from point to \
                         point, up and down from one class and origin to the next.";
            ui.add(Label::new(muted(ui, words)).wrap());
            return;
        };
        let words = point_words(state, scene, place);
        let side = ui.available_width().min(room * 0.6).clamp(64.0, PICTURE);
        picture(ui, t, state, textures, &map.points[place].image, (side, &words));
        let label = ui.add(Label::new(words).wrap().selectable(true));
        ui.ctx().accesskit_node_builder(label.id, |node| node.set_live(Live::Polite));
        ui.add_space(space::XS);
        ui.spacing_mut().item_spacing.y = space::XS;
        fact(ui, "Class", map.class(&map.points[place]));
        match &map.points[place].image {
            MapImage::File(path) => {
                let held_out = map.points[place].origin == Origin::HeldOut;
                fact(ui, "Part", if held_out { "held-out" } else { "training" });
                fact(ui, "File", path.as_str()).on_hover_text(path);
                if ui.button("Show in Data").clicked() {
                    show_in_data(state, path, out);
                }
            }
            MapImage::Candidate(row) => {
                let now = FeatureMap::now(row, candidates(state)).clone();
                candidate_facts(ui, &now, is_hidden(state, &now));
                // Rows of another run are as they were drawn.
                if candidates(state).first().is_none_or(|first| first.run != now.run) {
                    ui.add(Label::new(caption(ui, "Of an earlier run, which Review does not show.")).wrap());
                } else if ui.button("Show in Review").clicked() {
                    show_in_review(state, now.id, out);
                }
            }
        }
    });
}

/// The image of a point, named with its words.
fn picture(
    ui: &mut Ui,
    t: &Tokens,
    state: &State,
    textures: &mut Textures,
    image: &MapImage,
    (side, words): (f32, &str),
) {
    let Some(project) = &state.project else { return };
    let (path, below) = match image {
        MapImage::File(path) => {
            let file = path.rsplit('/').next().unwrap_or(path);
            (project.source_path(path), file.to_owned())
        }
        MapImage::Candidate(row) => (project.candidate_path(row), format!("candidate {}", row.id)),
    };
    let picture = match path {
        Some(path) => textures.get(&PictureKey::thumbnail(path, side, ui.ctx().pixels_per_point())),
        None => Shown::Failed(Arc::from("this file lies outside its folder")),
    };
    let name = format!("Image of {words}");
    let pane = picture_view::Pane { picture, absent: None, caption: &below, name: &name };
    picture_pane(ui, t, side, &pane, None);
}

fn candidate_facts(ui: &mut Ui, row: &CandidateRow, hidden: bool) {
    fact(ui, "Candidate", row.id.to_string());
    if hidden {
        ui.add(Label::new(caption(ui, "Blind mode: what the method thinks is hidden.")).wrap());
    } else {
        let reject = percent(row.verdict.rejection_probability(&row.parts));
        fact(ui, "Rejection probability", reject).on_hover_text(rule_sentences(row.verdict, &row.parts));
        fact(ui, "Verdict", verdict_words(row.verdict));
    }
    fact(ui, "Decision", row.decision.as_str());
    if let Some(file) = &row.seed_file {
        fact(ui, "Seed image", file.as_str()).on_hover_text(file);
    }
}

/// Goes to an image in Data, with every filter off that might hide it.
fn show_in_data(state: &mut State, path: &str, out: &mut Vec<Action>) {
    let samples = state.project.as_ref().map(|project| project.dataset.samples.as_slice());
    let place = samples.and_then(|samples| samples.iter().position(|sample| sample.path == path));
    let Some(place) = place else {
        let words = "This image is not in the folder any more.".to_owned();
        out.push(Action::Notify(Level::Warning, words));
        return;
    };
    state.class_filter = None;
    let data = &mut state.data;
    (data.split, data.show_excluded) = (None, true);
    data.find.clear();
    data.tiles.selected.clear();
    data.tiles.go(place);
    out.push(Action::Do(Command::GoData));
}

/// Goes to a candidate in Review, in the same way.
fn show_in_review(state: &mut State, id: i64, out: &mut Vec<Action>) {
    state.class_filter = None;
    let review = &mut state.review;
    (review.verdict, review.decision, review.large) = (None, None, false);
    review.filter.clear();
    review.tiles.selected.clear();
    review.tiles.go(id);
    out.push(Action::Do(Command::GoReview));
}
