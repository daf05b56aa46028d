//! The frame and the views of Welcome, Data, Plan, Messages and Settings through the accessibility tree:
//! their empty, loading, full and failed faces in both themes, keys, selection, the command list, the
//! histogram.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use counterpoise::domain::imbalance::Scheme;
use counterpoise::domain::numbers::percent;
use counterpoise::domain::plan::{Rejected, Target};
use counterpoise::domain::provenance::Kind;
use counterpoise::domain::samples::{Dataset, ImageInfo, Sample, Unreadable};
use counterpoise::domain::splits::Split;
use counterpoise::domain::task::Level;
use counterpoise::export::{ClassWeights, WeightsFormat};
use counterpoise::gui::app::{App, AppOptions};
use counterpoise::gui::command::{Action, Command};
use counterpoise::gui::regions::Region;
use counterpoise::gui::shell;
use counterpoise::gui::state::{
    DataView, DeviceRow, Face, JobKind, JobSlot, ModelFile, ProjectState, Sheet, Source, State, ThemeChoice,
    Workspace,
};
use counterpoise::gui::textures::Textures;
use counterpoise::gui::views::data::data_ui;
use counterpoise::gui::views::plan::plan_ui;
use counterpoise::gui::views::welcome::{typed_path, welcome_ui};
use counterpoise::gui::widgets::class_panel::{bars, class_panel_ui};
use counterpoise::gui::widgets::histogram::length;
use counterpoise::gui::widgets::palette::found;
use counterpoise::gui::widgets::status_bar::{
    bytes_words, counted, moment_words, number, status_bar_ui, time_words,
};
use counterpoise::imaging::encode::png;
use counterpoise::imaging::picture::{Picture, Pixels};
use counterpoise::imaging::resize::Fit;
use counterpoise::jobs::{JobState, JobView};
use counterpoise::project::{Recent, Settings};
use egui::accesskit::Role;
use egui::{Key, Modifiers, Theme, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use egui_kittest::{Harness, SnapshotResults, try_image_snapshot};

#[path = "common/gui.rs"]
mod support;

use support::{THEMES, View, World, assert_sees, sees, shown};

fn harness(view: View, state: State, theme: Theme) -> Harness<'static, World> {
    shown(vec2(1300.0, 1000.0), false, view, state, theme)
}

/// Types into a text box that has a name.
fn type_into(harness: &mut Harness<'_, World>, name: &str, text: &str) {
    harness.get_by_label(name).focus();
    harness.run_steps(1);
    harness.get_by_label(name).type_text(text);
    harness.run_steps(1);
}

/// Presses a key and lets a few frames pass.
fn press<S>(harness: &mut Harness<'_, S>, modifiers: Modifiers, key: Key) {
    harness.key_press_modifiers(modifiers, key);
    harness.run_steps(2);
}

fn sample(path: &str, class: usize, split: Split) -> Sample {
    Sample {
        path: path.to_owned(),
        class,
        split,
        group: None,
        kind: Kind::Original,
        info: ImageInfo { width: 40, height: 28, channels: 1, bits: 8, bytes: 900 },
        excluded: false,
    }
}

/// `counts` training images per class, at a place that does not exist.
fn dataset(counts: &[(&str, usize)]) -> Dataset {
    let mut samples = Vec::new();
    for (class, (name, count)) in counts.iter().enumerate() {
        samples.extend((0..*count).map(|i| sample(&format!("{name}/{i:05}.png"), class, Split::Train)));
    }
    Dataset {
        root: PathBuf::from("/nowhere/set"),
        classes: counts.iter().map(|(name, _)| (*name).to_owned()).collect(),
        samples,
        ..Dataset::default()
    }
}

fn state_of(dataset: Dataset) -> State {
    let mut state = State::new();
    let dir = PathBuf::from("/nowhere/project");
    state.project = Some(ProjectState::new("set".to_owned(), dir, Arc::new(dataset), Settings::default()));
    state.source = Source::Open;
    state
}

fn full() -> State {
    state_of(dataset(&[("normal", 12), ("pneumonia", 40)]))
}

fn job(state: JobState, stage: &str, done: u64, total: u64) -> JobView {
    JobView {
        name: "test".to_owned(),
        state,
        stage: stage.to_owned(),
        done,
        total,
        elapsed: Duration::from_secs(20),
        time_left: Some(Duration::from_secs(65)),
        unmeasured: String::new(),
        series: Arc::default(),
        notes: Vec::new(),
        previews: Arc::default(),
    }
}

fn panel(ui: &mut egui::Ui, state: &mut State, _: &mut Textures, out: &mut Vec<Action>) {
    ui.set_max_width(236.0);
    class_panel_ui(ui, state, out);
}

fn status(ui: &mut egui::Ui, state: &mut State, _: &mut Textures, out: &mut Vec<Action>) {
    status_bar_ui(ui, state, out);
}

fn sheets(ui: &mut egui::Ui, state: &mut State, _: &mut Textures, out: &mut Vec<Action>) {
    shell::sheet_ui(ui, state, out);
    shell::confirm_ui(ui, state, out);
    shell::toasts_ui(ui, state, out);
}

fn rail(ui: &mut egui::Ui, state: &mut State, _: &mut Textures, out: &mut Vec<Action>) {
    // The top bar takes all the height it is given.
    shell::rail_ui(ui, state, out);
    shell::top_bar_ui(ui, state, out);
}

// ---- welcome ----

#[test]
fn welcome_offers_every_way_in() {
    for theme in THEMES {
        let mut state = State::new();
        state.recent = vec![Recent {
            name: "chest".to_owned(),
            folder: PathBuf::from("/data/chest"),
            project: PathBuf::from("/projects/chest"),
        }];
        let mut harness = harness(welcome_ui, state, theme);
        assert_sees(
            &harness,
            &["Open folder…", "Path of a folder", "Open the example", "Open project chest"],
        );
        harness.get_by_label("Open the example").click();
        harness.run_steps(2);
        assert!(harness.state().out.iter().any(|a| matches!(a, Action::OpenExample)));
        harness.get_by_label("Open project chest").click();
        harness.run_steps(2);
        let opened = |a: &Action| matches!(a, Action::Open(path) if path == Path::new("/projects/chest"));
        assert!(harness.state().out.iter().any(opened));
        harness.get_by_label("Take chest off the list").click();
        harness.run_steps(2);
        assert!(harness.state().out.iter().any(|a| matches!(a, Action::ForgetRecent(_))));
    }
}

#[test]
fn welcome_opens_a_typed_path_on_enter() {
    let mut harness = harness(welcome_ui, State::new(), Theme::Dark);
    type_into(&mut harness, "Path of a folder", "\"/data/my set\"");
    press(&mut harness, Modifiers::NONE, Key::Enter);
    let opened = |a: &Action| matches!(a, Action::Open(path) if path == Path::new("/data/my set"));
    assert!(harness.state().out.iter().any(opened), "{:?}", harness.state().out);
}

#[test]
fn welcome_says_how_reading_goes_and_why_it_failed() {
    for theme in THEMES {
        let mut state = State::new();
        state.source = Source::Reading(PathBuf::from("/data/chest"));
        state.jobs.push(JobSlot {
            kind: JobKind::Scan,
            view: job(JobState::Running, "reading headers", 1200, 5000),
        });
        let mut loading = harness(welcome_ui, state, theme);
        assert_sees(
            &loading,
            &["Reading chest", "of 5\u{a0}000", "1 min 5 s left", "Nothing is ever written"],
        );
        loading.get_by_label("Cancel").click();
        loading.run_steps(2);
        assert!(loading.state().out.iter().any(|a| matches!(a, Action::CancelJob(JobKind::Scan))));

        let mut state = State::new();
        let message = "there is no class folder here; open the folder above: /data/chest".to_owned();
        state.source = Source::Failed { folder: PathBuf::from("/data/chest"), message };
        state.asked = Some(Action::OpenExample);
        let mut failed = harness(welcome_ui, state, theme);
        assert_sees(&failed, &["This folder could not be opened", "there is no class folder", "Try again"]);
        failed.get_by_label("Try again").click();
        failed.run_steps(2);
        assert!(failed.state().out.iter().any(|a| matches!(a, Action::OpenExample)));
    }
}

#[test]
fn typed_paths_lose_quotes_and_know_home() {
    assert_eq!(typed_path(" '/a b' "), PathBuf::from("/a b"));
    assert_eq!(typed_path("file:///a/b"), PathBuf::from("/a/b"));
    assert_eq!(typed_path("a/b"), PathBuf::from("a/b"));
    if let Some(home) = std::env::home_dir() {
        assert_eq!(typed_path("~/x"), home.join("x"));
    }
}

// ---- data ----

#[test]
fn data_shows_images_selects_and_relabels_with_keys() {
    for theme in THEMES {
        let mut harness = harness(data_ui, full(), theme);
        assert_sees(
            &harness,
            &["image 1 of 52, normal", "52\u{a0}images", "Click an image", "Training images"],
        );
        harness.get_by_label_contains("image 1 of 52").click();
        harness.run_steps(2);
        assert_eq!(harness.state().state.data.tiles.cursor, Some(0));
        assert_sees(&harness, &["normal/00000.png", "40 × 28, 8 bit, grey", "PNG"]);
        press(&mut harness, Modifiers::NONE, Key::ArrowRight);
        assert_eq!(harness.state().state.data.tiles.cursor, Some(1));
        press(&mut harness, Modifiers::SHIFT, Key::ArrowRight);
        press(&mut harness, Modifiers::SHIFT, Key::ArrowRight);
        let selected: Vec<usize> = harness.state().state.data.tiles.selected.iter().copied().collect();
        assert_eq!(selected, [1, 2, 3]);
        press(&mut harness, Modifiers::NONE, Key::Num2);
        let relabel = |a: &Action| matches!(a, Action::Relabel(list, 1) if list == &[1, 2, 3]);
        assert!(harness.state().out.iter().any(relabel), "{:?}", harness.state().out);
        harness.get_by_label("Exclude").click();
        harness.run_steps(2);
        let exclude = |a: &Action| matches!(a, Action::Exclude(list, true) if list.len() == 3);
        assert!(harness.state().out.iter().any(exclude));
    }
}

#[test]
fn data_selects_with_ctrl_and_shift() {
    let mut harness = harness(data_ui, full(), Theme::Dark);
    harness.get_by_label_contains("image 2 of 52").click();
    harness.run_steps(2);
    harness.get_by_label_contains("image 4 of 52").click_modifiers(Modifiers::COMMAND);
    harness.run_steps(2);
    let selected: Vec<usize> = harness.state().state.data.tiles.selected.iter().copied().collect();
    assert_eq!(selected, [1, 3]);
    harness.get_by_label_contains("image 6 of 52").click_modifiers(Modifiers::SHIFT);
    harness.run_steps(2);
    let selected: Vec<usize> = harness.state().state.data.tiles.selected.iter().copied().collect();
    assert_eq!(selected, [3, 4, 5]);
}

#[test]
fn data_proposes_splits_and_can_put_it_off() {
    for theme in THEMES {
        let mut harness = harness(data_ui, full(), theme);
        assert_sees(&harness, &["Cut validation and test parts off first", "Training / validation / test"]);
        harness.get_by_label("Cut the parts off").click();
        harness.run_steps(2);
        let cut = |a: &Action| matches!(a, Action::CutSplits(s) if (s.train - 0.7).abs() < 1e-9);
        assert!(harness.state().out.iter().any(cut));
        harness.get_by_label("Not now").click();
        harness.run_steps(2);
        assert!(!sees(&harness, "Cut validation and test parts off first"));
    }
}

#[test]
fn data_has_empty_faces() {
    for theme in THEMES {
        let nothing = harness(data_ui, state_of(dataset(&[])), theme);
        assert_sees(&nothing, &["No image could be read", "Show unreadable files"]);
        let mut state = full();
        state.data.find = "no such file".to_owned();
        let mut filtered = harness(data_ui, state, theme);
        assert_sees(&filtered, &["No image matches"]);
        filtered.get_by_label("Show all images").click();
        filtered.run_steps(3);
        assert_sees(&filtered, &["image 1 of 52"]);
    }
}

#[test]
fn data_draws_only_what_is_seen_of_a_hundred_thousand() {
    let state = state_of(dataset(&[("a", 60_000), ("b", 40_000)]));
    let mut harness = harness(data_ui, state, Theme::Dark);
    let tiles = |harness: &Harness<'_, World>| harness.query_all_by_label_contains(" of 100000, ").count();
    assert!((1..400).contains(&tiles(&harness)), "{} tiles", tiles(&harness));
    press(&mut harness, Modifiers::NONE, Key::End);
    harness.run_steps(3);
    assert_eq!(harness.state().state.data.tiles.cursor, Some(99_999));
    assert_sees(&harness, &["image 100000 of 100000, b"]);
    assert!((1..400).contains(&tiles(&harness)), "{} tiles", tiles(&harness));
}

#[test]
fn data_changes_size_and_fit() {
    let mut harness = harness(data_ui, full(), Theme::Light);
    harness.get_by_label_contains("Fit images by crop").click();
    harness.run_steps(2);
    assert_eq!(harness.state().state.project.as_ref().unwrap().settings.fit, Fit::Crop);
    assert!(harness.state().out.iter().any(|a| matches!(a, Action::SettingsChanged)));
}

#[test]
fn a_project_of_another_window_cannot_be_edited() {
    let mut state = full();
    state.project.as_mut().unwrap().read_only = Some("another window has it open".to_owned());
    assert!(!Command::StartTraining.enabled(&state));
    let why = "This project can be looked at only: another window has it open.";
    for command in [Command::StartTraining, Command::Generate, Command::Evaluate] {
        assert_eq!(command.why_disabled(&state).as_deref(), Some(why), "{}", command.text());
    }
    assert_eq!(state.why_not_make().as_deref(), Some(why));
    let mut harness = harness(data_ui, state, Theme::Dark);
    harness.get_by_label_contains("image 1 of 52").click();
    harness.run_steps(2);
    press(&mut harness, Modifiers::NONE, Key::Num2);
    assert!(!harness.state().out.iter().any(|a| matches!(a, Action::Relabel(..))));
}

// ---- plan ----

#[test]
fn plan_shows_the_table_and_changes_targets() {
    for theme in THEMES {
        let mut harness = harness(plan_ui, full(), theme);
        assert_sees(
            &harness,
            &["Imbalance ratio", "3.33 → 1.00", "Effective", "The largest class, 40", "28\u{a0}images"],
        );
        harness.get_by_label("The median class").click();
        harness.run_steps(2);
        assert_eq!(harness.state().state.project.as_ref().unwrap().settings.target, Target::Median);
        harness.get_by_label("Leave it empty").click();
        harness.run_steps(2);
        assert_eq!(harness.state().state.project.as_ref().unwrap().settings.rejected, Rejected::Leave);
        assert!(harness.state().out.iter().filter(|a| matches!(a, Action::SettingsChanged)).count() >= 2);
    }
}

#[test]
fn plan_shows_the_target_in_force() {
    let shown = |target: Target| {
        let mut state = full();
        state.project.as_mut().unwrap().settings.target = target.clone();
        let mut harness = harness(plan_ui, state, Theme::Dark);
        harness.run_steps(2);
        let state = &harness.state().state;
        assert_eq!(state.project.as_ref().unwrap().settings.target, target, "looking at it changed it");
        assert!(harness.state().out.is_empty());
        (state.plan.count, state.plan.ratio)
    };
    assert_eq!(shown(Target::Count(60)).0, 60);
    assert_eq!(shown(Target::Count(2_000_000)).0, 2_000_000);
    assert_eq!(shown(Target::Ratio(3.125)).1, 3.125);
    assert_eq!(shown(Target::Ratio(150.0)).1, 150.0);
}

#[test]
fn plan_offers_a_beta_and_applies_it_only_when_asked() {
    let mut harness = harness(plan_ui, full(), Theme::Dark);
    let beta = |harness: &Harness<'_, World>| harness.state().state.project.as_ref().unwrap().beta().unwrap();
    assert!((beta(&harness) - 0.999).abs() < 1e-12);
    assert_sees(&harness, &["A beta that fits", "Use this beta", "the prior rejects most candidates"]);
    harness.get_by_label("Use this beta").click();
    harness.run_steps(2);
    // (1 - 0.7)^(1/28), rounded to six digits as shown.
    assert!((beta(&harness) - 0.957_912).abs() < 2e-6, "{}", beta(&harness));
}

#[test]
fn plan_copies_class_weights_for_other_programs() {
    // Tall enough for all of the view.
    let mut harness = shown(vec2(1300.0, 1600.0), false, plan_ui, full(), Theme::Dark);
    harness.get_by_label("Class weights, for training without made images").click_accesskit();
    // The list opens in steps.
    harness.run_steps(30);
    assert_sees(&harness, &["Copy for a program that trains"]);
    harness.get_by_role_and_label(Role::Button, "Inverse").click_accesskit();
    harness.run_steps(4);
    harness.get_by_role_and_label(Role::Button, "Keras").click_accesskit();
    harness.run_steps(2);
    let copied = harness.state().out.iter().find_map(|action| match action {
        Action::Copy(text) => Some(text.as_str()),
        _ => None,
    });
    // 2 * (1 / 12) / (1 / 12 + 1 / 40) is 20 / 13.
    let copied = copied.unwrap();
    assert!(copied.contains("Scheme: ins") && copied.contains("\n    0: 1.538461538461"), "{copied}");
}

#[test]
fn plan_offers_class_weights_as_a_file() {
    let mut harness = shown(vec2(1300.0, 1600.0), false, plan_ui, full(), Theme::Dark);
    harness.get_by_label("Class weights, for training without made images").click_accesskit();
    harness.run_steps(30);
    harness.check_accessibility();
    harness.get_by_role_and_label(Role::ComboBox, "Format of the file").click_accesskit();
    harness.run_steps(4);
    harness.get_by_label_contains("CSV, a row for each image").click_accesskit();
    harness.run_steps(2);
    assert_eq!(harness.state().state.plan.format, WeightsFormat::Csv);
    harness.get_by_role_and_label(Role::Button, Command::SaveWeights.text()).click_accesskit();
    harness.run_steps(2);
    assert!(support::commands(&harness).contains(&Command::SaveWeights));
    type_into(&mut harness, "Path of a file of weights", "/elsewhere/weights.csv");
    press(&mut harness, Modifiers::NONE, Key::Enter);
    let saves =
        |a: &Action| matches!(a, Action::SaveWeights(path) if path == Path::new("/elsewhere/weights.csv"));
    assert!(harness.state().out.iter().any(saves), "{:?}", harness.state().out);
}

#[test]
fn app_saves_class_weights_in_every_format_and_over_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = opened(folder.path());
    let dataset = harness.state().state.project.as_ref().unwrap().dataset.clone();
    let weights = ClassWeights::new(&dataset, Scheme::Ins, 0.999).unwrap();
    harness.state_mut().state.plan.scheme = Scheme::Ins;
    for format in WeightsFormat::ALL {
        let path = folder.path().join(format!("weights-{}", format.as_str()));
        harness.state_mut().state.plan.format = format;
        harness.state_mut().act(Action::SaveWeights(path.clone()));
        settle(&mut harness, "save", |app| app.is_idle());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), weights.text(format).unwrap());
    }
    let path = folder.path().join("weights-csv");
    let before = std::fs::read(&path).unwrap();
    harness.state_mut().state.plan.format = WeightsFormat::Json;
    for place in [path.clone(), dataset.root.join("weights.json")] {
        harness.state_mut().act(Action::SaveWeights(place));
        settle(&mut harness, "refuse", |app| app.is_idle());
    }
    let said = |text: &str| harness.state().state.notifications.log().any(|m| m.text.contains(text));
    assert!(said("The class weights are saved") && said("is never written over"));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert!(!dataset.root.join("weights.json").exists());
}

#[test]
fn plan_has_its_other_faces() {
    for theme in THEMES {
        let one = harness(plan_ui, state_of(dataset(&[("alone", 9)])), theme);
        assert_sees(&one, &["Nothing to balance"]);
        let even = harness(plan_ui, state_of(dataset(&[("a", 9), ("b", 9)])), theme);
        assert_sees(&even, &["nothing is to be made"]);
        let poor = harness(plan_ui, state_of(dataset(&[("a", 0), ("b", 3), ("c", 90)])), theme);
        assert_sees(&poor, &["a has no training image", "b has 3\u{a0}training images", "none → "]);
    }
}

// ---- frame ----

#[test]
fn class_panel_filters_and_counts() {
    for theme in THEMES {
        let mut set = dataset(&[("normal", 12), ("pneumonia", 40)]);
        set.unreadable =
            vec![Unreadable { path: "normal/x.png".to_owned(), reason: "it is cut short".to_owned() }];
        let mut harness = harness(panel, state_of(set), theme);
        assert_sees(&harness, &["normal: 12 real, target 40", "Imbalance ratio", "3.3 → 1.0 planned", "28"]);
        assert_sees(&harness, &["No held-out images", "1\u{a0}file could not be read"]);
        harness.get_by_label_contains("normal: 12 real").click();
        harness.run_steps(2);
        assert_eq!(harness.state().state.class_filter, Some(0));
        harness.get_by_label_contains("normal: 12 real").click();
        harness.run_steps(2);
        assert_eq!(harness.state().state.class_filter, None);
        harness.get_by_label("Show").click();
        harness.run_steps(2);
        assert!(harness.state().out.iter().any(|a| matches!(a, Action::OpenSheet(Sheet::Files))));
        harness.get_by_label("log").click();
        harness.run_steps(2);
        assert!(harness.state().out.iter().any(|a| matches!(a, Action::Do(Command::LogScale))));
    }
}

#[test]
fn class_panel_without_a_project_says_so() {
    for theme in THEMES {
        assert_sees(&harness(panel, State::new(), theme), &["No folder open"]);
        let mut state = State::new();
        state.source = Source::Reading(PathBuf::from("/data/x"));
        assert_sees(&harness(panel, state, theme), &["Reading the folder"]);
    }
}

#[test]
fn known_made_images_are_told_apart() {
    let mut set = dataset(&[("a", 5), ("b", 9)]);
    set.samples[0].kind = Kind::Derived;
    set.samples[1].kind = Kind::Repeated;
    let state = state_of(set);
    let bars = bars(state.project.as_ref().unwrap());
    assert_eq!((bars[0].real, bars[0].made), (3, 1));
    assert_eq!((bars[1].real, bars[1].made), (9, 0));
}

#[test]
fn lengths_of_bars() {
    assert_eq!(length(0, 0, false), 0.0);
    assert_eq!(length(50, 100, false), 0.5);
    assert!(length(10, 10_000, true) > 0.25);
    assert_eq!(length(10_000, 10_000, true), 1.0);
}

#[test]
fn rail_goes_to_workspaces_and_is_off_without_a_project() {
    for theme in THEMES {
        let mut harness = harness(rail, full(), theme);
        harness.get_by_role_and_label(Role::Tab, "Plan").click();
        harness.run_steps(2);
        assert!(harness.state().out.iter().any(|a| matches!(a, Action::Do(Command::GoPlan))));
        // Beside the five that are the order of the work.
        let tabs = harness.query_all_by_role(egui::accesskit::Role::Tab).count();
        assert_eq!(tabs, 6);
        assert_eq!(Workspace::ALL[4..], [Workspace::Export, Workspace::Evaluate]);
    }
    assert!(Workspace::ALL.into_iter().all(|w| !Command::go(w).enabled(&State::new())));
}

#[test]
fn status_bar_tells_saving_and_the_job() {
    for theme in THEMES {
        let mut state = full();
        state.jobs.push(JobSlot { kind: JobKind::Train, view: job(JobState::Running, "training g", 3, 10) });
        let mut harness = harness(status, state, theme);
        assert_sees(
            &harness,
            &["Saved", "52\u{a0}images", "Training g", "3 of 10", "1 min 5 s left", "Pause"],
        );
        harness.get_by_label("Cancel").click();
        harness.run_steps(2);
        assert!(harness.state().out.iter().any(|a| matches!(a, Action::CancelJob(JobKind::Train))));
    }
}

#[test]
fn sheets_show_what_they_are_for() {
    for theme in THEMES {
        let mut state = full();
        state.sheet = Some(Sheet::Keys);
        assert_sees(
            &harness(sheets, state, theme),
            &["All keys", "Next undecided", "In their places", "Feature map", "PgDn"],
        );

        let mut state = full();
        state.sheet = Some(Sheet::Settings);
        let row = DeviceRow { id: "cpu".to_owned(), name: "16 threads".to_owned(), kind: "CPU".to_owned() };
        state.devices = Face::Full(vec![row]);
        let mut settings = harness(sheets, state, theme);
        assert_sees(&settings, &["Theme", "Scale", "16 threads"]);
        settings.get_by_label("150 %").click();
        settings.run_steps(2);
        assert!(
            settings.state().out.iter().any(|a| matches!(a, Action::SetZoom(z) if (z - 1.5).abs() < 1e-6))
        );

        let mut state = full();
        state.sheet = Some(Sheet::Log);
        assert_sees(&harness(sheets, state, theme), &["Nothing was said yet"]);
        let mut state = full();
        state.sheet = Some(Sheet::Log);
        state.notifications.push(Level::Warning, "the disk is slow");
        let log = harness(sheets, state, theme);
        assert_sees(&log, &["The disk is slow", "Warning"]);
        assert_eq!(log.state().state.notifications.unread(), 0);

        let mut set = dataset(&[("a", 1), ("b", 2)]);
        set.unreadable =
            vec![Unreadable { path: "a/x.png".to_owned(), reason: "it is cut short".to_owned() }];
        set.notes = vec!["2 images have an alpha channel".to_owned()];
        let mut state = state_of(set);
        state.sheet = Some(Sheet::Files);
        assert_sees(
            &harness(sheets, state, theme),
            &["a/x.png", "it is cut short", "2 images have an alpha"],
        );
    }
}

#[test]
fn palette_finds_and_runs_commands() {
    assert_eq!(found("").len(), Command::ALL.len());
    assert_eq!(found("next und").first(), Some(&Command::NextUndecided));
    assert!(found("zzzz").is_empty());
    for theme in THEMES {
        let mut state = full();
        state.sheet = Some(Sheet::Palette);
        let mut harness = harness(sheets, state, theme);
        harness.get_by_label("Command").type_text("messages");
        harness.run_steps(2);
        press(&mut harness, Modifiers::NONE, Key::Enter);
        assert!(harness.state().out.iter().any(|a| matches!(a, Action::Do(Command::Log))));
    }
}

#[test]
fn palette_says_why_a_command_cannot_run() {
    let mut state = full();
    state.sheet = Some(Sheet::Palette);
    let mut harness = harness(sheets, state, Theme::Dark);
    harness.get_by_label("Command").type_text("undo");
    harness.run_steps(2);
    press(&mut harness, Modifiers::NONE, Key::Enter);
    let why = |a: &Action| matches!(a, Action::Notify(_, text) if text == "There is nothing to undo.");
    assert!(harness.state().out.iter().any(why), "{:?}", harness.state().out);
    for command in Command::ALL {
        for state in [State::new(), full()] {
            assert_eq!(command.why_disabled(&state).is_none(), command.enabled(&state), "{}", command.text());
        }
    }
}

#[test]
fn another_folder_is_opened_by_its_path() {
    for theme in THEMES {
        let mut state = full();
        state.sheet = Some(Sheet::OpenPath);
        let mut harness = harness(sheets, state, theme);
        type_into(&mut harness, "Path to open", "/data/other");
        press(&mut harness, Modifiers::NONE, Key::Enter);
        let opened = |a: &Action| matches!(a, Action::Open(path) if path == Path::new("/data/other"));
        assert!(harness.state().out.iter().any(opened), "{:?}", harness.state().out);
    }
}

#[test]
fn training_images_come_first() {
    let mut set = dataset(&[("a", 3), ("b", 2)]);
    set.samples[0].split = Split::Test;
    set.samples[1].split = Split::Validation;
    let mut view = DataView::default();
    view.refresh(&set, None);
    assert_eq!(*view.tiles.order, [2, 3, 4, 1, 0]);
}

#[test]
fn settings_remember_the_model() {
    let mut settings = Settings::default();
    let project = Path::new("/projects/set");
    for model in ["/projects/set/models/m2m-1.safetensors", "/elsewhere/m2m.safetensors"] {
        settings.keep_model(project, Path::new(model));
        assert_eq!(settings.model_path(project), Some(PathBuf::from(model)));
    }
    settings.keep_model(project, Path::new("/projects/set/models/m2m-1.safetensors"));
    assert_eq!(settings.model.as_deref(), Some("models/m2m-1.safetensors"), "the project may be moved");
    for bad in ["../other.safetensors", "/etc/passwd", ""] {
        settings.model = Some(bad.to_owned());
        assert_eq!(settings.model_path(project), None, "{bad}");
    }
}

#[test]
fn every_command_is_named_explained_and_its_keys_are_its_own() {
    let names: HashSet<&str> = Command::ALL.iter().map(|c| c.text()).collect();
    assert_eq!(names.len(), Command::ALL.len());
    assert!(Command::ALL.iter().all(|c| !c.tooltip().is_empty() && !c.tooltip().ends_with('.')));
    let mut keys = HashSet::new();
    for command in Command::ALL {
        for shortcut in command.shortcuts() {
            assert!(keys.insert(*shortcut), "{} shares a key", command.text());
        }
    }
}

#[test]
fn words_for_numbers() {
    assert_eq!(number(12_345), "12\u{a0}345");
    assert_eq!(counted(1, "image", "images"), "1\u{a0}image");
    assert_eq!(bytes_words(4_200_000), "4.2 MB");
    assert_eq!(bytes_words(999), "999 B");
    assert_eq!(percent(0.71), "71\u{a0}%");
    assert_eq!(percent(0.002), "0.2\u{a0}%");
    assert_eq!(percent(0.9996), "100.0\u{a0}%");
    assert_eq!(time_words(Duration::from_secs(3725)), "1 h 2 min");
    for (seconds, words) in [
        (0, "1970-01-01 00:00 UTC"),
        (951_782_400, "2000-02-29 00:00 UTC"),
        (951_868_800, "2000-03-01 00:00 UTC"),
        (1_767_225_599, "2025-12-31 23:59 UTC"),
        (4_107_542_400, "2100-03-01 00:00 UTC"),
        (-1, "1969-12-31 23:59 UTC"),
    ] {
        assert_eq!(moment_words(seconds), words);
    }
}

// ---- the app ----

fn write_set(root: &Path) {
    for (class, count) in [("normal", 3_usize), ("pneumonia", 8)] {
        std::fs::create_dir_all(root.join(class)).unwrap();
        for i in 0..count {
            let values = (0..28 * 28).map(|p| ((p * (i + 1)) % 251) as u8).collect();
            let picture = Picture::new(28, 28, 1, Pixels::U8(values)).unwrap();
            std::fs::write(root.join(class).join(format!("{i}.png")), png(&picture, &[]).unwrap()).unwrap();
        }
    }
}

/// Steps the app until it is idle and `done` holds; fails after a minute.
#[track_caller]
fn settle(harness: &mut Harness<'_, App>, what: &str, done: impl Fn(&App) -> bool) {
    let begun = Instant::now();
    loop {
        harness.step();
        if done(harness.state()) {
            return;
        }
        let message = format!("{what}: {:?}", harness.state().state.source);
        assert!(begun.elapsed() < Duration::from_secs(60), "{message}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The window on a folder or project; what it keeps goes to `data`.
fn started(data: &Path, start: &Path) -> Harness<'static, App> {
    let options = AppOptions {
        data_dir: Some(data.to_path_buf()),
        start: Some(start.to_path_buf()),
        theme: Some(ThemeChoice::Dark),
    };
    let builder = Harness::builder().with_size(vec2(1440.0, 900.0));
    builder.build_eframe(|cc| App::new(&cc.egui_ctx, options))
}

/// The same on the small set of this file, opened and at rest.
fn opened(folder: &Path) -> Harness<'static, App> {
    let set = folder.join("set");
    write_set(&set);
    let mut harness = started(&folder.join("data"), &set);
    settle(&mut harness, "open", |app| app.state.project.is_some() && app.is_idle());
    harness
}

#[test]
fn app_opens_relabels_excludes_undoes_and_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let (set, data) = (folder.path().join("set"), folder.path().join("data"));
    write_set(&set);
    let class_of_first = |app: &App| app.state.project.as_ref().map(|p| p.dataset.samples[0].class);
    let excluded = |app: &App| app.state.project.as_ref().map(|p| p.figures.excluded);
    {
        let mut harness = started(&data, &set);
        settle(&mut harness, "open", |app| app.state.project.is_some());
        let project = harness.state().state.project.as_ref().unwrap();
        assert_eq!(project.dataset.classes, ["normal", "pneumonia"]);
        assert_eq!(project.figures.plan.total_to_make(), 5);

        harness.state_mut().act(Action::Relabel(vec![0], 1));
        settle(&mut harness, "relabel", |app| class_of_first(app) == Some(1));
        harness.state_mut().act(Action::Do(Command::Undo));
        settle(&mut harness, "undo", |app| class_of_first(app) == Some(0));
        harness.state_mut().act(Action::Exclude(vec![1], true));
        settle(&mut harness, "exclude", |app| excluded(app) == Some(1));
        for workspace in Workspace::ALL {
            harness.state_mut().act(Action::Do(Command::go(workspace)));
            harness.run_steps(3);
            assert_eq!(harness.state().state.workspace, workspace);
        }
        settle(&mut harness, "rest", App::is_idle);
    }
    let mut harness = started(&data, &set);
    settle(&mut harness, "open again", |app| app.state.project.is_some());
    assert_eq!(excluded(harness.state()), Some(1));
    settle(&mut harness, "recent", |app| app.state.recent.len() == 1);
}

#[test]
fn app_undoes_a_relabel_from_before_a_cut_and_reads_the_same_parts_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = opened(folder.path());
    let first = |app: &App| app.state.project.as_ref().map(|p| p.dataset.samples[0].class);
    harness.state_mut().act(Action::Relabel(vec![0], 1));
    settle(&mut harness, "relabel", |app| first(app) == Some(1));
    harness.state_mut().act(Action::CutSplits("50/25/25".parse().unwrap()));
    settle(&mut harness, "cut", |app| app.state.project.as_ref().is_some_and(|p| p.dataset.has_splits));
    assert_eq!(first(harness.state()), Some(1));
    let parts = |app: &App| -> Vec<Split> {
        app.state.project.as_ref().unwrap().dataset.samples.iter().map(|s| s.split).collect()
    };
    let cut = parts(harness.state());
    assert!(cut.contains(&Split::Test));
    harness.state_mut().act(Action::Do(Command::Undo));
    settle(&mut harness, "undo", |app| first(app) == Some(0));
    settle(&mut harness, "rest", App::is_idle);
    harness.state_mut().act(Action::Do(Command::ReadAgain));
    settle(&mut harness, "read again", App::is_idle);
    assert_eq!(parts(harness.state()), cut);
}

#[test]
fn app_unloads_the_model_when_parts_are_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = opened(folder.path());
    harness.state_mut().state.train.model = Face::Full(ModelFile {
        path: folder.path().join("m.safetensors"),
        method: "m2m".to_owned(),
        facts: Vec::new(),
        beta: None,
        params: Default::default(),
        warning: None,
    });
    harness.state_mut().act(Action::Exclude(vec![0], true));
    settle(&mut harness, "exclude", |app| {
        app.state.project.as_ref().is_some_and(|p| p.figures.excluded == 1)
    });
    assert!(harness.state().state.train.model.full().is_some(), "nothing was held out");
    harness.state_mut().act(Action::CutSplits("50/25/25".parse().unwrap()));
    settle(&mut harness, "cut", |app| app.state.project.as_ref().is_some_and(|p| p.dataset.has_splits));
    assert_eq!(harness.state().state.train.model, Face::Empty);
    let said = |text: &str| harness.state().state.notifications.log().any(|m| m.text.contains(text));
    assert!(said("held out from now on") && said("was unloaded: train anew"));
}

#[test]
fn app_asks_before_it_drops_the_checkpoint_of_a_method_chosen_since() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = {
        let harness = opened(folder.path());
        harness.state().state.project.as_ref().unwrap().dir.join("runs").join("acgan.checkpoint")
    };
    std::fs::write(&checkpoint, b"hours of work").unwrap();

    let mut harness = started(&folder.path().join("data"), &folder.path().join("set"));
    settle(&mut harness, "open again", |app| app.state.project.is_some() && app.is_idle());
    let choose = |harness: &mut Harness<'_, App>, method: &str| {
        let app = harness.state_mut();
        app.state.project.as_mut().unwrap().settings.method = method.to_owned();
        app.act(Action::SettingsChanged);
    };
    assert_eq!(harness.state().state.train.checkpoint, None, "it is of another method");
    choose(&mut harness, "acgan");
    assert_eq!(harness.state().state.train.checkpoint.as_deref(), Some(checkpoint.as_path()));
    harness.state_mut().act(Action::Do(Command::StartTraining));
    assert!(harness.state().state.confirm.as_ref().is_some_and(|asked| asked.title == "Start anew?"));
    assert!(checkpoint.is_file(), "nothing is dropped before the answer");
    choose(&mut harness, "m2m");
    assert_eq!(harness.state().state.train.checkpoint, None);
}

#[test]
fn app_reads_the_csv_again_that_a_project_came_from() {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set");
    write_set(&set);
    let table = "file,label\nnormal/0.png,odd\nnormal/1.png,even\nnormal/2.png,even\npneumonia/0.png,odd\n";
    std::fs::write(set.join("labels.CSV"), table).unwrap();
    let data = folder.path().join("data");
    let csv = set.join("labels.CSV");
    let dir = {
        let mut harness = started(&data, &csv);
        settle(&mut harness, "open", |app| app.state.project.is_some() && app.is_idle());
        harness.state().state.project.as_ref().unwrap().dir.clone()
    };
    let mut harness = started(&data, &dir);
    settle(&mut harness, "open the project", |app| app.state.project.is_some() && app.is_idle());
    harness.state_mut().act(Action::Do(Command::ReadAgain));
    settle(&mut harness, "read again", App::is_idle);
    let dataset = &harness.state().state.project.as_ref().unwrap().dataset;
    assert_eq!(dataset.classes, ["even", "odd"]);
    assert_eq!(dataset.samples.len(), 4);
}

#[test]
fn app_says_why_a_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = started(&folder.path().join("data"), &folder.path().join("gone"));
    settle(&mut harness, "refusal", |app| matches!(app.state.source, Source::Failed { .. }));
    harness.run_steps(2);
    assert!(harness.query_by_label("This folder could not be opened").is_some());
    let state = &harness.state().state;
    assert!(state.project.is_none());
    let gone = folder.path().join("gone");
    assert!(matches!(&state.asked, Some(Action::Open(place)) if *place == gone), "{:?}", state.asked);
}

#[test]
fn app_makes_no_project_inside_of_the_images() {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set");
    write_set(&set);
    let mut harness = started(&set.join("data"), &set);
    settle(&mut harness, "refusal", |app| matches!(app.state.source, Source::Failed { .. }));
    let Source::Failed { message, .. } = &harness.state().state.source else { unreachable!() };
    assert!(message.contains("inside the image folder"), "{message}");
    assert!(!set.join("data").exists(), "nothing was made");
}

/// Name of the region that has the keyboard.
fn region_of_keyboard(harness: &Harness<'_, App>) -> Option<String> {
    let focused = harness.query_all_by(|node| node.is_focused()).next()?;
    let around = std::iter::successors(focused.parent(), |node| node.parent());
    let mut names = around.filter_map(|node| node.accesskit_node().label());
    names.find(|name| Region::ALL.iter().any(|region| region.text() == name.as_str()))
}

#[test]
fn f6_takes_the_keyboard_through_the_regions() {
    let folder = tempfile::tempdir().unwrap();
    let options = AppOptions {
        data_dir: Some(folder.path().to_path_buf()),
        theme: Some(ThemeChoice::Dark),
        ..AppOptions::default()
    };
    let builder = Harness::builder().with_size(vec2(1440.0, 900.0));
    let mut harness = builder.build_eframe(|cc| App::new(&cc.egui_ctx, options));
    let State { project, source, .. } = full();
    let state = &mut harness.state_mut().state;
    (state.project, state.source) = (project, source);
    harness.run_steps(3);
    for (role, name) in [
        (Role::Banner, "Menu bar"),
        (Role::Navigation, "Navigation rail"),
        (Role::Complementary, "Class panel"),
        (Role::Toolbar, "Tools bar"),
        (Role::Main, "Main region"),
        (Role::Complementary, "Side panel"),
        (Role::Status, "Status bar"),
    ] {
        assert!(harness.query_by_role_and_label(role, name).is_some(), "{name}");
    }
    #[track_caller]
    fn goes(harness: &mut Harness<'_, App>, modifiers: Modifiers, region: &str) {
        press(harness, modifiers, Key::F6);
        assert_eq!(region_of_keyboard(harness).as_deref(), Some(region));
    }
    let (on, back) = (Modifiers::NONE, Modifiers::SHIFT);

    // All around, also out of text boxes: the first controls of Tools and of Main are such.
    assert_eq!(region_of_keyboard(&harness), None);
    for region in ["Main region", "Side panel", "Status bar", "Menu bar", "Navigation rail", "Class panel"] {
        goes(&mut harness, on, region);
    }
    goes(&mut harness, on, "Tools bar");
    assert!(harness.get_by_label("Find in paths").is_focused());
    goes(&mut harness, on, "Main region");
    goes(&mut harness, back, "Tools bar");
    goes(&mut harness, back, "Class panel");
    goes(&mut harness, back, "Navigation rail");

    // A region gets the keyboard where it had it.
    press(&mut harness, on, Key::Tab);
    assert!(harness.get_by_role_and_label(Role::Tab, "Plan").is_focused());
    goes(&mut harness, on, "Class panel");
    goes(&mut harness, back, "Navigation rail");
    assert!(harness.get_by_role_and_label(Role::Tab, "Plan").is_focused());

    // From nowhere to the main region; what a workspace does not have is passed over.
    press(&mut harness, on, Key::Escape);
    assert_eq!(region_of_keyboard(&harness), None);
    harness.state_mut().act(Action::Do(Command::GoPlan));
    harness.run_steps(3);
    goes(&mut harness, back, "Main region");
    goes(&mut harness, back, "Class panel");
    for region in ["Main region", "Next step", "Side panel"] {
        goes(&mut harness, on, region);
    }

    // A sheet keeps the keyboard, and lists the keys; the palette gives it on.
    harness.state_mut().act(Action::OpenSheet(Sheet::Keys));
    harness.run_steps(2);
    press(&mut harness, on, Key::F6);
    assert_eq!(region_of_keyboard(&harness), None);
    assert!(harness.query_by_label("Next region").is_some());
    assert!(harness.query_by_label("F6").is_some());
    harness.state_mut().act(Action::CloseSheet);
    harness.run_steps(2);
    harness.state_mut().act(Action::Do(Command::Palette));
    harness.run_steps(2);
    harness.get_by_label("Command").type_text("previous region");
    harness.run_steps(2);
    press(&mut harness, on, Key::Enter);
    harness.run_steps(3);
    assert_eq!(region_of_keyboard(&harness).as_deref(), Some("Main region"));
}

#[test]
fn textures_load_show_and_fail() {
    use counterpoise::gui::textures::{PictureKey, Shown};
    let folder = tempfile::tempdir().unwrap();
    write_set(folder.path());
    let ctx = egui::Context::default();
    let mut textures = Textures::new(&ctx);
    let good = PictureKey::thumbnail(folder.path().join("normal/0.png"), 100.0, 1.0);
    let bad = PictureKey::thumbnail(folder.path().join("normal/none.png"), 100.0, 1.0);
    let begun = Instant::now();
    loop {
        textures.begin_frame();
        let (a, b) = (textures.get(&good), textures.get(&bad));
        if let (Shown::Full(texture), Shown::Failed(reason)) = (&a, &b) {
            assert_eq!(texture.size, vec2(28.0, 28.0));
            assert!(reason.ends_with("none.png"), "{reason}");
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(textures.bytes() >= 28 * 28 * 4);
    textures.forget();
    assert_eq!(textures.bytes(), 0);
}

/// How views look, not what they say: spacing, lines and colours. `UPDATE_SNAPSHOTS=1` takes the pictures anew.
#[test]
fn views_look_as_they_did() {
    let picture = |view: View, state: State, theme: Theme| {
        let mut harness = shown(vec2(960.0, 600.0), false, view, state, theme);
        // Without a graphics adapter the renderer panics.
        catch_unwind(AssertUnwindSafe(|| harness.render().unwrap()))
    };
    let mut results = SnapshotResults::new();
    for theme in THEMES {
        let word = if theme == Theme::Dark { "dark" } else { "light" };
        let views: [(&str, View, State); 2] =
            [("welcome", welcome_ui, State::new()), ("plan", plan_ui, full())];
        for (name, view, state) in views {
            match picture(view, state, theme) {
                Ok(image) => results.add(try_image_snapshot(&image, format!("{name}_{word}"))),
                Err(_) => {
                    let required = std::env::var_os("COUNTERPOISE_REQUIRE_WGPU").is_some();
                    assert!(!required, "a graphics adapter is required here");
                    println!("SKIPPED, NOT RUN: no graphics adapter to draw with");
                }
            }
        }
    }
    results.unwrap();
}
