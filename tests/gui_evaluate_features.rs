//! The feature map of the Evaluate workspace through the accessibility tree: its empty, running, failed and drawn
//! faces in both themes, legend, keys, clicks, what is said of an image and of a map that is old; and a map that
//! the app draws of the bundled example.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use counterpoise::domain::decisions::{Decision, Verdict};
use counterpoise::domain::provenance::{Kind, Parts};
use counterpoise::domain::splits::Split;
use counterpoise::domain::task::Level;
use counterpoise::evaluation::projection::tsne::Settings as TsneSettings;
use counterpoise::evaluation::projection::{Caption, Mark, Origin, Point, Projection, Projector};
use counterpoise::gui::app::{App, AppOptions};
use counterpoise::gui::command::{Action, Command};
use counterpoise::gui::state::{
    Face, FeatureMap, FeaturesForm, JobKind, JobSlot, MapImage, ModelFile, Pane, State, Step, ThemeChoice,
    Workspace,
};
use counterpoise::gui::theme::LIGHT;
use counterpoise::gui::views::evaluate::{cloud, evaluate_ui, why_no_map};
use counterpoise::jobs::projection::{FeatureProjection, Shown, save};
use counterpoise::jobs::{JobState, JobView};
use counterpoise::project::{CandidateRow, NewCandidate};
use egui::accesskit::Role;
use egui::{Key, Theme, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

#[path = "common/gui.rs"]
mod support;

#[path = "common/window.rs"]
mod app_window;

use app_window::settle;
use support::{THEMES, World, assert_sees, commands, evaluated, sees, shown};

const MODEL: &str = "/nowhere/project/models/m2m-1.safetensors";

fn harness(state: State, theme: Theme) -> Harness<'static, World> {
    shown(vec2(1200.0, 900.0), true, evaluate_ui, state, theme)
}

/// Training and test images of the classes across and down, in the pane of the map.
fn open(across: [usize; 2], down: [usize; 2]) -> State {
    let mut state = evaluated(&[("across", across[0], across[1]), ("down", down[0], down[1])]);
    state.evaluate.pane = Pane::Features;
    state
}

fn with_model(mut state: State) -> State {
    state.train.model = Face::Full(ModelFile {
        path: PathBuf::from(MODEL),
        method: "m2m".to_owned(),
        facts: Vec::new(),
        beta: None,
        params: Default::default(),
        warning: None,
    });
    state
}

fn with_job(mut state: State, job: JobState) -> State {
    let view = JobView {
        name: "feature map".to_owned(),
        state: job,
        stage: "features of classifier g".to_owned(),
        done: 256,
        total: 1200,
        elapsed: Duration::from_secs(5),
        time_left: None,
        unmeasured: String::new(),
        series: Arc::default(),
        notes: Vec::new(),
        previews: Arc::default(),
    };
    state.jobs.push(JobSlot { kind: JobKind::Features, view });
    state
}

/// A candidate of the class down that is rejected with 15 percent.
fn candidate(id: i64, run: i64, decision: Decision) -> CandidateRow {
    let parts = Parts { p_accept: Some(0.85), draw: Some(0.4), confidence: Some(0.95), threshold: Some(0.9) };
    CandidateRow {
        id,
        run,
        decision,
        decided_by: None,
        made: Arc::new(NewCandidate {
            class: "down".to_owned(),
            slot: id as u32,
            attempt: 0,
            file: format!("candidates/{run}/{id}.png"),
            sha256: String::new(),
            method: "m2m".to_owned(),
            model_hash: String::new(),
            kind: Kind::Derived,
            seed: 0,
            seed_file: Some("train/across/3.png".to_owned()),
            seed_class: Some("across".to_owned()),
            seed_sha256: None,
            verdict: Verdict::of(&parts),
            parts,
            own_score: None,
            nearest_file: None,
            nearest_distance: None,
            extra: serde_json::Value::Null,
        }),
    }
}

fn undecided() -> Vec<CandidateRow> {
    [7, 8, 9].map(|id| candidate(id, 1, Decision::Undecided)).to_vec()
}

/// Seven points; the third one lies in the middle.
fn drawn(caption: Caption) -> FeatureProjection {
    let of = [
        ([-2.0, 0.0], 0, Origin::Real, Shown::Sample(0)),
        ([2.0, 0.0], 0, Origin::Real, Shown::Sample(1)),
        ([0.0, 0.0], 0, Origin::HeldOut, Shown::Sample(4)),
        ([0.0, 1.0], 1, Origin::Real, Shown::Sample(6)),
        ([0.0, -1.0], 1, Origin::Made, Shown::Candidate(7)),
        ([1.0, -1.0], 1, Origin::Made, Shown::Candidate(8)),
        ([-1.0, -1.0], 1, Origin::Made, Shown::Candidate(9)),
    ];
    let points = of.iter().enumerate().map(|(row, (at, class, origin, _))| Point {
        at: *at,
        row,
        class: *class,
        origin: *origin,
    });
    FeatureProjection {
        projection: Projection { points: points.collect(), caption },
        images: of.iter().map(|(.., image)| *image).collect(),
        per_class: 200,
    }
}

const PCA: Caption = Caption::Pca { shares: [0.5, 0.25] };

/// The map of the seven points, and the candidates as they were decided since: left, accepted and rejected.
fn mapped(caption: Caption) -> State {
    let mut state = with_model(open([4, 2], [2, 1]));
    let project = state.project.as_mut().unwrap();
    let map = FeatureMap::of(&drawn(caption), &project.dataset, &undecided(), "m2m", Path::new(MODEL));
    let decided = [(7, Decision::Undecided), (8, Decision::Accepted), (9, Decision::Rejected)];
    project.candidates = Arc::new(decided.map(|(id, decision)| candidate(id, 1, decision)).to_vec());
    project.refresh();
    state.evaluate.features.take(map);
    state
}

fn chosen(harness: &Harness<'_, World>) -> Option<usize> {
    harness.state().state.evaluate.features.chosen
}

fn press(harness: &mut Harness<'_, World>, key: Key) {
    harness.key_press(key);
    harness.run_steps(2);
}

#[test]
fn the_panes_of_evaluate_are_a_row_of_labels() {
    let mut state = open([4, 2], [2, 1]);
    state.evaluate.pane = Pane::default();
    let mut harness = harness(state, Theme::Dark);
    assert_sees(&harness, &["Nothing compared yet", "Free remedies"]);
    harness.get_by_label("Feature map").click();
    harness.run_steps(3);
    assert_eq!(harness.state().state.evaluate.pane, Pane::Features);
    assert_sees(&harness, &["No feature map yet"]);
    assert!(!sees(&harness, "Free remedies"));
    harness.get_by_label("Figures").click();
    harness.run_steps(3);
    assert_sees(&harness, &["Nothing compared yet"]);
}

#[test]
fn every_face_before_a_map_in_both_themes() {
    for theme in THEMES {
        let mut none = harness(open([4, 2], [2, 1]), theme);
        assert_sees(
            &none,
            &["No feature map yet", "It needs a trained model; train or load one first.", "Load a model…"],
        );
        none.get_by_label("Train").click();
        none.run_steps(3);
        assert_eq!(commands(&none), [Command::GoTrain]);

        let mut reading = open([4, 2], [2, 1]);
        reading.train.model = Face::Loading;
        assert_sees(&harness(reading, theme), &["Reading the model"]);

        let few = harness(with_model(open([2, 0], [2, 0])), theme);
        assert_sees(&few, &["4\u{a0}images are too few for a map, which needs 5; add images"]);

        let mut ready = harness(with_model(open([4, 2], [2, 1])), theme);
        assert_sees(&ready, &["There are no candidates yet, so the real images are drawn alone."]);
        ready.get_by_label("Draw the feature map").click();
        ready.run_steps(3);
        ready.get_by_label("Draw").click();
        ready.run_steps(3);
        assert_eq!(commands(&ready), [Command::DrawFeatures; 2]);

        let mut running = harness(with_job(with_model(open([4, 2], [2, 1])), JobState::Running), theme);
        assert_sees(
            &running,
            &[
                "Drawing the feature map",
                "features of classifier g · 256 of 1\u{a0}200",
                "Pause",
                "Stop and keep",
            ],
        );
        running.get_by_label("Cancel").click();
        running.run_steps(3);
        let cancels = |action: &Action| matches!(action, Action::CancelJob(JobKind::Features));
        assert!(running.state().out.iter().any(cancels), "{:?}", running.state().out);

        let broken = JobState::Failed("the device was lost".to_owned());
        let failed = harness(with_job(with_model(open([4, 2], [2, 1])), broken), theme);
        assert_sees(
            &failed,
            &["The feature map was not drawn", "the device was lost", "Draw the feature map"],
        );
    }
}

#[test]
fn what_stops_a_map_is_said_with_its_remedy() {
    let mut state = open([4, 2], [2, 1]);
    assert_eq!(Command::DrawFeatures.why_disabled(&state), why_no_map(&state));
    state.train.model = Face::Failed("another size".to_owned());
    assert!(why_no_map(&state).unwrap().contains("train or load another one"));
    let mut state = with_model(state);
    assert_eq!(why_no_map(&state), None);
    assert!(Command::DrawFeatures.enabled(&state));
    state.project.as_mut().unwrap().source_missing = Some(PathBuf::from("/elsewhere"));
    assert!(why_no_map(&state).unwrap().contains("say first where they are"));
    state.project.as_mut().unwrap().source_missing = None;
    // Held-out images and candidates count where they are drawn.
    let mut small = with_model(open([2, 2], [2, 1]));
    assert!(why_no_map(&small).is_some());
    small.evaluate.features.held_out = Some(Split::Test);
    assert_eq!(why_no_map(&small), None);
    small.evaluate.features.held_out = None;
    small.project.as_mut().unwrap().candidates = Arc::new(undecided());
    assert_eq!(why_no_map(&small), None);

    // A map takes the whole machine, one at a time, and so does what keeps it from being drawn.
    let busy = with_job(state, JobState::Running);
    assert!(!Command::DrawFeatures.enabled(&busy) && !Command::StartTraining.enabled(&busy));
    assert!(Command::DrawFeatures.why_disabled(&busy).unwrap().contains("wait for it or stop it"));
    assert!(Command::PauseJob.enabled(&busy) && Command::StopAndKeep.enabled(&busy));
}

#[test]
fn a_map_tells_its_classes_signs_and_caption() {
    for theme in THEMES {
        let pca = harness(mapped(PCA), theme);
        assert_sees(
            &pca,
            &[
                // With what was decided since it was drawn.
                "Feature map by principal components, 7\u{a0}points. across: 2 real; 1 held-out. down: 1 real; \
                 1 made, undecided; 1 made, accepted; 1 made, rejected.",
                "real: 3\u{a0}points",
                "made, accepted: 1\u{a0}point",
                "across: 3\u{a0}points",
                "Principal components: 50\u{a0}% of the variance to the right, 25\u{a0}% upwards",
                "Features of classifier g (M2m, major-to-minor translation; m2m-1.safetensors)",
                "Draw again",
                "Click a point to see its image.",
            ],
        );
        assert!(!sees(&pca, "Only neighbours"), "distances of components say something");

        let caption = Caption::Tsne {
            perplexity: 49.0 / 3.0,
            iterations: 1000,
            divergence: 0.412,
            components: 8,
            share: 1.0,
        };
        let mut state = mapped(caption);
        state.evaluate.features.projector = Projector::Tsne(TsneSettings::default());
        let tsne = harness(state, theme);
        assert_sees(
            &tsne,
            &[
                "Feature map by t-SNE, 7\u{a0}points",
                "t-SNE: perplexity 16.3, 1000 steps from 8 principal components with 100\u{a0}% of the variance; \
                 divergence 0.41 nats.",
                "how far apart two are means little",
            ],
        );
    }
}

#[test]
fn the_legend_hides_and_shows() {
    let mut harness = harness(mapped(PCA), Theme::Light);
    harness.get_by_role_and_label(Role::CheckBox, "held-out: 1\u{a0}point").click();
    harness.run_steps(3);
    harness.get_by_role_and_label(Role::CheckBox, "down: 4\u{a0}points").click();
    harness.run_steps(3);
    assert_sees(&harness, &["Feature map by principal components, 2\u{a0}points. across: 2 real."]);
    // The keyboard goes to what is shown.
    press(&mut harness, Key::End);
    assert_eq!(chosen(&harness), Some(1));
    harness.get_by_role_and_label(Role::CheckBox, "across: 3\u{a0}points").click();
    harness.run_steps(3);
    assert_sees(&harness, &["0\u{a0}points", "Every point is hidden"]);
    harness.get_by_label("Show all").click();
    harness.run_steps(3);
    assert_sees(&harness, &["7\u{a0}points"]);

    // The histogram leaves one class alone.
    harness.state_mut().state.class_filter = Some(1);
    harness.run_steps(2);
    assert_sees(&harness, &["4\u{a0}points. down: 1 real"]);
    harness.get_by_label("only down").click();
    harness.run_steps(3);
    assert_eq!(commands(&harness), [Command::AllClasses]);
}

#[test]
fn what_is_hidden_stays_hidden_while_the_classes_are_the_same() {
    let mut form = mapped(PCA).evaluate.features;
    let map = FeatureMap::clone(form.map.as_ref().unwrap());
    form.hidden_classes.insert(0);
    form.hidden_marks.insert(Mark::Rejected);
    form.chosen = Some(3);
    form.take(map.clone());
    assert_eq!((form.hidden_classes.len(), form.chosen, form.number), (1, None, 2));
    form.take(FeatureMap { classes: vec!["one".to_owned(), "other".to_owned()], ..map });
    assert_eq!((form.hidden_classes.len(), form.hidden_marks.len()), (0, 1));
}

#[test]
fn keys_go_from_point_to_point() {
    let mut harness = harness(mapped(PCA), Theme::Dark);
    press(&mut harness, Key::ArrowRight);
    assert_sees(
        &harness,
        &[
            "Point 1 of 7",
            "across, real: train/across/0.png",
            "Image of across, real: train/across/0.png",
            "Show in Data",
        ],
    );
    for (key, place) in [
        (Key::ArrowRight, 1),
        (Key::ArrowDown, 2),
        (Key::ArrowDown, 3),
        (Key::ArrowUp, 2),
        (Key::ArrowUp, 0),
        (Key::ArrowLeft, 0),
        (Key::End, 6),
        // To the first of its own group.
        (Key::ArrowUp, 4),
        (Key::ArrowLeft, 3),
        (Key::Home, 0),
    ] {
        press(&mut harness, key);
        assert_eq!(chosen(&harness), Some(place), "{key:?}");
    }
    // Two presses of a slow frame.
    for _ in 0..2 {
        harness.key_press(Key::ArrowRight);
    }
    harness.run_steps(4);
    assert_eq!(chosen(&harness), Some(2));

    // The points are a stop of the Tab key, and keep the arrow keys while they have it.
    harness.get_by_label_contains("Feature map by").focus();
    harness.run_steps(3);
    press(&mut harness, Key::ArrowRight);
    assert_eq!(chosen(&harness), Some(3));
    assert!(harness.get_by_label_contains("Feature map by").is_focused());
    // Another widget that has the keyboard keeps them, too.
    harness.get_by_role_and_label(Role::Button, "Draw again").focus();
    harness.run_steps(3);
    press(&mut harness, Key::ArrowRight);
    assert_eq!(chosen(&harness), Some(3));

    harness.get_by_label("Next").click();
    harness.run_steps(3);
    assert_sees(&harness, &["Point 5 of 7", "down, made, undecided: candidate 7, reject 15\u{a0}%"]);
    harness.get_by_label("Previous").click();
    harness.run_steps(3);
    assert_sees(&harness, &["Point 4 of 7", "down, real: train/down/0.png"]);
}

#[test]
fn without_a_chosen_point_both_ends_are_near() {
    let mut form = FeaturesForm::default();
    form.go(Step::Next, &[0, 1]);
    assert_eq!(form.chosen, None, "there is no map");
    let map = FeatureMap::clone(mapped(PCA).evaluate.features.map.as_ref().unwrap());
    for (step, place) in
        [(Step::Next, 1), (Step::Previous, 5), (Step::NextGroup, 1), (Step::PreviousGroup, 4)]
    {
        form.take(map.clone());
        form.go(step, &[1, 4, 5]);
        assert_eq!(form.chosen, Some(place), "{step:?}");
        form.go(step, &[]);
        assert_eq!(form.chosen, Some(place), "nothing is shown, so it stays");
    }
}

#[test]
fn a_click_opens_the_image_of_a_point() {
    let mut harness = harness(mapped(PCA), Theme::Dark);
    harness.get_by_label_contains("Feature map by").click();
    harness.run_steps(3);
    assert_eq!(chosen(&harness), Some(2));
    assert_sees(&harness, &["Point 3 of 7", "across, held-out: test/across/0.png", "0.png"]);
    // A point that is hidden is not there for the pointer.
    harness.state_mut().state.evaluate.features.chosen = None;
    harness.state_mut().state.evaluate.features.hidden_marks.insert(Mark::HeldOut);
    harness.run_steps(2);
    harness.get_by_label_contains("Feature map by").click();
    harness.run_steps(3);
    assert_eq!(chosen(&harness), None);
}

#[test]
fn a_candidate_has_its_numbers_unless_one_is_blind() {
    let mut state = mapped(PCA);
    state.evaluate.features.chosen = Some(4);
    state.review.blind = true;
    let mut harness = harness(state, Theme::Light);
    assert_sees(&harness, &["down, made, undecided: candidate 7", "Blind mode"]);
    assert!(!sees(&harness, "reject 15") && !sees(&harness, "Verdict"));
    // What is decided may be compared with the verdict.
    press(&mut harness, Key::ArrowRight);
    assert_sees(&harness, &["down, made, accepted: candidate 8, reject 15\u{a0}%", "Verdict"]);
}

#[test]
fn an_image_is_found_again_in_data_and_in_review() {
    let mut state = mapped(PCA);
    state.evaluate.features.chosen = Some(3);
    state.data.find = "nothing".to_owned();
    state.data.split = Some(Split::Test);
    let mut harness = harness(state, Theme::Dark);
    harness.get_by_label("Show in Data").click();
    harness.run_steps(3);
    let data = &harness.state().state.data;
    assert_eq!((data.tiles.cursor, data.split, data.find.as_str()), (Some(6), None, ""));
    assert_eq!(commands(&harness), [Command::GoData]);

    harness.state_mut().out.clear();
    harness.state_mut().state.review.filter = "accepted".to_owned();
    harness.state_mut().state.evaluate.features.chosen = Some(4);
    harness.run_steps(2);
    harness.get_by_label("Show in Review").click();
    harness.run_steps(3);
    let review = &harness.state().state.review;
    assert_eq!((review.tiles.cursor, review.filter.as_str()), (Some(7), ""));
    assert_eq!(commands(&harness), [Command::GoReview]);

    // The folder was read again without that image.
    harness.state_mut().out.clear();
    let state = &mut harness.state_mut().state;
    Arc::make_mut(&mut state.project.as_mut().unwrap().dataset).samples.truncate(6);
    state.evaluate.features.chosen = Some(3);
    harness.run_steps(2);
    harness.get_by_label("Show in Data").click();
    harness.run_steps(3);
    let out = &harness.state().out;
    assert!(
        matches!(&out[..], [Action::Notify(Level::Warning, words)] if words.contains("not in the folder"))
    );
}

#[test]
fn an_old_map_says_so() {
    let mut state = mapped(PCA);
    state.evaluate.features.chosen = Some(5);
    state.project.as_mut().unwrap().candidates = Arc::new(vec![candidate(20, 2, Decision::Undecided)]);
    if let Face::Full(model) = &mut state.train.model {
        model.path = PathBuf::from("/nowhere/project/models/m2m-2.safetensors");
    }
    state.evaluate.features.edits = 1;
    let broken = JobState::Failed("the disk is full".to_owned());
    let old = harness(with_job(state, broken), Theme::Dark);
    assert_sees(
        &old,
        &[
            "of an earlier run: draw again",
            "Another model is in use since",
            "The data were changed since this map was drawn: draw again",
            "Drawing again failed, and this is the map before: the disk is full",
            // As it was when the map was drawn.
            "down, made, undecided: candidate 8",
            "Of an earlier run, which Review does not show.",
        ],
    );
    assert!(old.query_by_label("Show in Review").is_none());

    // Without candidates it says that as well, until there are some.
    let mut state = with_model(open([4, 2], [2, 1]));
    let project = state.project.as_mut().unwrap();
    let mut alone = drawn(PCA);
    alone.projection.points.truncate(4);
    let map = FeatureMap::of(&alone, &project.dataset, &[], "m2m", Path::new(MODEL));
    state.evaluate.features.take(map);
    let mut alone = harness(state, Theme::Light);
    assert_sees(&alone, &["There were no candidates: these are the real images alone.", "4\u{a0}points"]);
    alone.state_mut().state.project.as_mut().unwrap().candidates = Arc::new(undecided());
    alone.run_steps(2);
    assert_sees(&alone, &["Candidates were made since this map was drawn: draw again"]);
}

#[test]
fn what_the_job_said_stays_with_the_map() {
    let mut state = mapped(PCA);
    let project = state.project.as_ref().unwrap();
    // One candidate is known of three.
    let known = [candidate(7, 1, Decision::Undecided)];
    let mut map = FeatureMap::of(&drawn(PCA), &project.dataset, &known, "m2m", Path::new(MODEL));
    assert_eq!((map.points.len(), map.unknown), (5, 2));
    assert!(matches!(&map.points[4].image, MapImage::Candidate(row) if row.id == 7));
    map.notes = vec![
        (Level::Info, "at most 200 images of each class are drawn".to_owned()),
        (Level::Warning, "1 candidate is of a class that is gone".to_owned()),
    ];
    state.evaluate.features.take(map);
    assert_sees(
        &harness(state, Theme::Dark),
        &[
            "2\u{a0}candidates are left out: another window made them.",
            "At most 200 images of each class are drawn.",
            "of a class that is gone",
            "5\u{a0}points",
        ],
    );
}

#[test]
fn a_small_window_has_room_for_all_of_it() {
    for theme in THEMES {
        let mut state = mapped(PCA);
        state.evaluate.features.chosen = Some(5);
        // As the workspace of a window of 960 by 600.
        let harness = shown(vec2(616.0, 524.0), false, evaluate_ui, state, theme);
        assert_sees(&harness, &["Feature map by principal components", "Point 6 of 7", "Draw again"]);
        let points = harness.get_by_label_contains("Feature map by").rect();
        // The page scrolls to the ways of saving, for which its bar takes a little of the width.
        assert!(points.height() >= 200.0 && points.width() >= 290.0, "{points:?}");
        assert!(points.bottom() <= 524.0, "{points:?}");
    }
}

#[test]
fn a_map_is_saved_as_it_is_shown() {
    assert!(cloud(&open([20, 5], [9, 4])).is_none() && !Command::SaveFeatures.enabled(&State::new()));
    let mut state = mapped(PCA);
    let whole = cloud(&state).unwrap();
    assert_eq!((whole.dots.len(), whole.classes.len()), (7, 2));
    let svg = whole.svg();
    let hex = |class: usize| {
        let colour = LIGHT.classes[class];
        format!("fill=\"#{:02x}{:02x}{:02x}\"", colour.r(), colour.g(), colour.b())
    };
    for words in
        ["Feature map by principal components", "7 points", "Principal components: ", "made, undecided"]
    {
        assert!(svg.contains(words), "{words} in {svg}");
    }
    assert!(svg.contains(&hex(0)) && svg.contains(&hex(1)) && svg.contains("xmlns="));
    // What is hidden is not in the file.
    state.evaluate.features.hidden_classes.insert(0);
    let part = cloud(&state).unwrap();
    assert!(part.dots.len() == 4 && !part.svg().contains(&hex(0)));

    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["map.svg", "map.png"] {
        let written = fs::read(save(&whole, &path(name), &[]).unwrap()).unwrap();
        assert!(written.starts_with(if name == "map.svg" { b"<?xml" } else { b"\x89PNG\r" }), "{name}");
    }
    let refused =
        |name: &str, sources: &[PathBuf]| save(&whole, &path(name), sources).unwrap_err().to_string();
    assert!(refused("map.svg", &[]).contains("never overwritten"));
    assert!(refused("map.txt", &[]).contains(".png"));
    assert!(refused("other.svg", &[folder.path().to_path_buf()]).contains("image folder"));

    let mut harness = harness(state, Theme::Light);
    harness.get_by_label("Save the feature map…").click();
    harness.run_steps(2);
    assert!(commands(&harness).contains(&Command::SaveFeatures));
    harness.get_by_role_and_label(Role::TextInput, "Path of a file for the map").focus();
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::TextInput, "Path of a file for the map").type_text("/data/map.svg");
    harness.run_steps(2);
    press(&mut harness, Key::Enter);
    let saves = |a: &Action| matches!(a, Action::SaveFeatures(path) if path == Path::new("/data/map.svg"));
    assert!(harness.state().out.iter().any(saves), "{:?}", harness.state().out);
}

// ---- the app ----

#[test]
fn the_app_draws_the_example_and_opens_its_images() {
    let folder = tempfile::tempdir().unwrap();
    let options = AppOptions {
        data_dir: Some(folder.path().join("data")),
        theme: Some(ThemeChoice::Dark),
        ..AppOptions::default()
    };
    let builder = Harness::builder().with_size(vec2(1440.0, 900.0));
    let mut harness = builder.build_eframe(move |cc| App::new(&cc.egui_ctx, options));
    harness.state_mut().act(Action::OpenExample);
    settle(&mut harness, "the example", |app| app.state.train.model.full().is_some());
    let state = &mut harness.state_mut().state;
    state.project.as_mut().unwrap().settings.device = "cpu".to_owned();
    let form = &mut state.evaluate.features;
    (form.held_out, form.per_class) = (Some(Split::Test), 5);
    // From Data: the map brings its pane along.
    harness.state_mut().act(Action::Do(Command::DrawFeatures));
    assert_eq!(harness.state().state.making(), Some(JobKind::Features));
    settle(&mut harness, "the map", |app| app.state.evaluate.features.map.is_some());
    let state = &harness.state().state;
    assert_eq!((state.workspace, state.evaluate.pane), (Workspace::Evaluate, Pane::Features));
    let map = state.evaluate.features.map.clone().unwrap();
    let root = state.project.as_ref().unwrap().dataset.root.clone();
    let of = |origin: Origin| map.points.iter().filter(|point| point.origin == origin).count();
    assert_eq!((of(Origin::Real), of(Origin::HeldOut), of(Origin::Made)), (20, 20, 0));
    for point in &map.points {
        let MapImage::File(path) = &point.image else { panic!("{:?}", point.image) };
        assert!(root.join(path).is_file(), "{path}");
        assert!(path.contains(map.class(point)), "{path} is of {}", map.class(point));
    }
    assert!(matches!(map.caption, Caption::Pca { .. }));
    harness.run_steps(3);
    harness.check_accessibility();
    harness.key_press(Key::ArrowRight);
    settle(&mut harness, "the picture", App::is_idle);
    harness.run_steps(2);
    let MapImage::File(path) = &map.points[0].image else { panic!("{:?}", map.points[0].image) };
    for words in ["Point 1 of 40", path.as_str(), "There were no candidates", "Features of classifier g"] {
        assert!(harness.query_all_by_label_contains(words).next().is_some(), "{words}");
    }

    let file = folder.path().join("map.png");
    harness.state_mut().act(Action::SaveFeatures(file.clone()));
    settle(&mut harness, "the file", |app| app.state.evaluate.features.saved != Face::Loading);
    let saved = &harness.state().state.evaluate.features.saved;
    assert!(saved.full().is_some() && file.is_file(), "{saved:?}");

    // A cancel leaves the map that is there.
    harness.state_mut().act(Action::Do(Command::DrawFeatures));
    harness.state_mut().act(Action::CancelJob(JobKind::Features));
    settle(&mut harness, "the cancel", |app| app.state.running(JobKind::Features).is_none());
    assert_eq!(harness.state().state.evaluate.features.number, 1);
    harness.run_steps(3);
    assert!(harness.query_all_by_label_contains("Feature map by principal").next().is_some());

    harness.state_mut().state.evaluate.features.projector = Projector::Tsne(TsneSettings::default());
    harness.state_mut().act(Action::Do(Command::DrawFeatures));
    settle(&mut harness, "t-SNE", |app| app.state.evaluate.features.number == 2);
    harness.run_steps(3);
    assert!(harness.query_all_by_label_contains("Feature map by t-SNE, 40").next().is_some());
    settle(&mut harness, "rest", App::is_idle);
}
