//! Train, Review and Export through the accessibility tree: their empty, loading, full and failed faces in
//! both themes, the keys, blind mode, bulk decisions, the form; and the pure parts they stand on.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use counterpoise::domain::decisions::{DecidedBy, Decision, Verdict};
use counterpoise::domain::provenance::{Kind, Parts};
use counterpoise::domain::samples::{Dataset, ImageInfo, Sample};
use counterpoise::domain::splits::Split;
use counterpoise::domain::task::{Level, Preview};
use counterpoise::export::{ClassTotals, ExportReport, FilePlan, Verification};
use counterpoise::gui::app::{App, AppOptions};
use counterpoise::gui::command::{Action, Command, hold_after_moves};
use counterpoise::gui::filter::{Filter, Measure};
use counterpoise::gui::state::{Face, JobKind, JobSlot, ModelFile, ProjectState, Saving, State, facts};
use counterpoise::gui::views::export::{export_ui, file_url, why_not};
use counterpoise::gui::views::quality::copies_filter;
use counterpoise::gui::views::review::{decision_sentence, nearest, review_ui, verdict_sentence};
use counterpoise::gui::views::train::{train_ui, why_no_candidates, why_no_training};
use counterpoise::gui::widgets::curves::place_of;
use counterpoise::gui::widgets::picture_view::Zoom;
use counterpoise::jobs::export::Undecided;
use counterpoise::jobs::{JobState, JobView, Series};
use counterpoise::oversampling::ParamMap;
use counterpoise::project::quality::{
    DIVERSITY, JUDGE, JUDGE_ACCURACY, JUDGE_HELD_OUT, JUDGE_LEARNT, NEAR_COPIES, NEAREST, PIXELS,
    PIXELS_HELD_OUT, PIXELS_LEFT_OUT,
};
use counterpoise::project::{CandidateRow, ClassQuality, NewCandidate, QualityFigure, Settings};
use egui::accesskit::Role;
use egui::{Key, Modifiers, Theme, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

#[path = "common/gui.rs"]
mod support;

use support::{THEMES, View, World, assert_sees, commands, sees, shown};

fn harness(view: View, state: State, theme: Theme) -> Harness<'static, World> {
    shown(vec2(1500.0, 1300.0), true, view, state, theme)
}

fn sample(class: usize, number: usize) -> Sample {
    let name = ["normal", "pneumonia"][class];
    Sample {
        path: format!("{name}/{number}.png"),
        class,
        split: Split::Train,
        group: None,
        kind: Kind::Original,
        info: ImageInfo { width: 28, height: 28, channels: 1, bits: 8, bytes: 800 },
        excluded: false,
    }
}

fn candidate(id: i64, p: f64, draw: f64, confidence: f64) -> CandidateRow {
    let parts =
        Parts { p_accept: Some(p), draw: Some(draw), confidence: Some(confidence), threshold: Some(0.9) };
    CandidateRow {
        id,
        run: 1,
        decision: Decision::Undecided,
        decided_by: None,
        made: Arc::new(NewCandidate {
            class: "normal".to_owned(),
            slot: id as u32,
            attempt: 0,
            file: format!("candidates/1/{id}.png"),
            sha256: String::new(),
            method: "m2m".to_owned(),
            model_hash: "0123456789abcdef0123".to_owned(),
            kind: Kind::Derived,
            seed: 0,
            seed_file: Some("pneumonia/3.png".to_owned()),
            seed_class: Some("pneumonia".to_owned()),
            seed_sha256: None,
            verdict: Verdict::of(&parts),
            parts,
            own_score: None,
            nearest_file: Some("normal/1.png".to_owned()),
            nearest_distance: Some(4.125),
            extra: serde_json::Value::Null,
        }),
    }
}

/// Two accepted by the method, one rejected by the prior, one by the confidence.
fn four() -> Vec<CandidateRow> {
    vec![
        candidate(1, 0.85, 0.4, 0.95),
        candidate(2, 0.85, 0.2, 0.99),
        candidate(3, 0.28, 0.6, 0.97),
        candidate(4, 0.85, 0.4, 0.5),
    ]
}

fn open(candidates: Vec<CandidateRow>) -> State {
    let samples = (0..4).map(|i| sample(0, i)).chain((0..20).map(|i| sample(1, i))).collect();
    let dataset = Dataset {
        root: PathBuf::from("/nowhere/x-rays"),
        classes: vec!["normal".to_owned(), "pneumonia".to_owned()],
        samples,
        ..Dataset::default()
    };
    let mut project = ProjectState::new(
        "x-rays".to_owned(),
        PathBuf::from("/nowhere/project"),
        Arc::new(dataset),
        Settings::default(),
    );
    project.candidates = Arc::new(candidates);
    project.refresh();
    let mut state = State::new();
    state.workspace = counterpoise::gui::state::Workspace::Review;
    state.project = Some(project);
    state
}

fn job(state: JobState) -> JobView {
    let series = |name: &str, last: f64| Series {
        name: name.to_owned(),
        points: vec![[0.0, 1.0], [1.0, 0.5], [2.0, last]],
    };
    JobView {
        name: "train".to_owned(),
        state,
        stage: "training g".to_owned(),
        done: 30,
        total: 200,
        elapsed: Duration::from_secs(75),
        time_left: Some(Duration::from_secs(125)),
        unmeasured: String::new(),
        series: Arc::new(vec![
            series("loss · g", 0.25),
            series("recall of g, training · normal", 0.75),
            series("recall of g, validation · normal", 0.5),
            series("acceptance · prior passed", 0.79),
        ]),
        notes: vec![(Level::Warning, "g recognises 78 % of the normal images".to_owned())],
        previews: Arc::new(vec![Preview {
            group: "The same seed images over time",
            label: "epoch 1".to_owned(),
            size: 2,
            channels: 1,
            images: vec![vec![0, 80, 160, 255]],
            captions: vec!["pneumonia to normal".to_owned()],
        }]),
    }
}

fn with_job(mut state: State, kind: JobKind, view: JobView) -> State {
    state.jobs.push(JobSlot { kind, view });
    state
}

#[test]
fn review_has_four_faces_in_both_themes() {
    for theme in THEMES {
        assert_sees(&harness(review_ui, State::new(), theme), &["Nothing to review", "Open folder…"]);
        assert_sees(&harness(review_ui, open(Vec::new()), theme), &["No candidates yet", "Make candidates"]);
        let making = with_job(open(Vec::new()), JobKind::Generate, job(JobState::Running));
        assert_sees(&harness(review_ui, making, theme), &["Making candidates", "Cancel"]);
        let broken = JobState::Failed("the disk is full: /nowhere".to_owned());
        let failed = with_job(open(Vec::new()), JobKind::Generate, job(broken));
        assert_sees(&harness(review_ui, failed, theme), &["Making candidates failed", "the disk is full"]);
        let full = harness(review_ui, open(four()), theme);
        assert_sees(
            &full,
            &[
                "Candidate 1, normal, reject 15 percent, verdict accepted, undecided",
                "Candidate 3, normal, reject 72 percent, verdict rejected by the prior, undecided",
                "Candidate 4, normal, reject 100 percent, verdict rejected by the confidence, undecided",
                "Review: 0 of 4 decided",
                "The method accepts. Nothing is decided until you do.",
                "Confidence of g 0.950, compared with 0.900, passes",
                "Nearest real image 1, distance 4.12",
                "Accept all shown…",
            ],
        );
    }
}

/// A candidate of a method without a prior, half as far from a training image as is usual.
fn generated(id: i64) -> CandidateRow {
    let mut row = candidate(id, 0.85, 0.4, 0.95);
    (row.parts.p_accept, row.parts.draw, row.parts.threshold) = (None, None, Some(0.5));
    row.verdict = Verdict::of(&row.parts);
    (row.method, row.kind) = ("deepsmote".to_owned(), Kind::Synthetic);
    row.own_score = Some(("code kept".to_owned(), 0.754));
    row.extra = serde_json::json!({ "usual_distance": 8.25, "near_copy": false, "exact_copy": false });
    row
}

#[test]
fn tiles_of_a_generator_show_what_it_has() {
    for theme in THEMES {
        let mut rows: Vec<CandidateRow> = (1..=5).map(generated).collect();
        rows[1].nearest_distance = Some(1.65);
        rows[1].extra["near_copy"] = true.into();
        rows[2].nearest_distance = Some(0.0);
        rows[2].verdict = Verdict::RejectedOther;
        for mark in ["near_copy", "exact_copy"] {
            rows[2].extra[mark] = true.into();
        }
        rows[3].own_score = None;
        rows[4].extra["diversity"] = serde_json::json!(0.1);
        rows[4].extra["usual_of_others"] = true.into();
        let mut view = harness(review_ui, open(rows), theme);
        let accepted = |number: usize, rest: &str| {
            format!(
                "Candidate {number}, normal, reject 0 percent, verdict accepted, confidence 0.950, {rest}"
            )
        };
        for name in [
            accepted(1, "code kept 0.75, 0.50 times the usual distance, undecided"),
            accepted(
                2,
                "code kept 0.75, 0.20 times the usual distance, near copy of a training image, undecided",
            ),
            "Candidate 3, normal, reject 100 percent, verdict rejected by another test, confidence 0.950, \
             code kept 0.75, 0.00 times the usual distance, copy of a training image, undecided"
                .to_owned(),
            accepted(4, "0.50 times the usual distance, undecided"),
            accepted(
                5,
                "code kept 0.75, 0.50 times the usual distance, images of the class alike, undecided",
            ),
        ] {
            assert!(view.query_by_label(&name).is_some(), "{name}");
        }
        assert_sees(
            &view,
            &[
                "c confidence · s own score · d distance",
                "Nearest real image 1, distance 4.12, 0.50 times the usual one",
                "real to real of this class: median 8.25",
            ],
        );
        let mut goes_to = |id: i64, texts: &[&str]| {
            view.state_mut().state.review.tiles.cursor = Some(id);
            view.run_steps(2);
            assert_sees(&view, texts);
        };
        goes_to(2, &["Four times nearer to a training image than real images usually are"]);
        goes_to(3, &["An exact copy of a training image", "The method rejects"]);
        goes_to(4, &["Own score"]);
        goes_to(
            5,
            &[
                "The model's images of normal are hardly different from each other (diversity 0.10",
                "real to real of other classes, for this one has one image: median 8.25",
            ],
        );
        assert!(view.query_by_label("the method has none").is_none());
        view.state_mut().state.review.tiles.cursor = Some(4);
        view.run_steps(2);
        assert!(view.query_by_label("the method has none").is_some());
    }
}

#[test]
fn what_was_measured_says_whether_a_class_is_alike() {
    let alike = |recorded: f64, measured_now: f64| {
        let mut row = generated(1);
        row.extra["diversity"] = recorded.into();
        let mut quality = measured("normal");
        quality.figures[7].value = measured_now;
        let mut state = open(vec![row]);
        state.project.as_mut().unwrap().quality = Arc::new(vec![quality]);
        sees(&harness(review_ui, state, Theme::Dark), "images of the class alike, undecided")
    };
    assert!(alike(0.9, 0.08));
    assert!(!alike(0.1, 0.7));
}

#[test]
fn a_decision_is_shown_as_saved_only_once_it_is() {
    let mut rows = four();
    rows[0].decision = Decision::Rejected;
    rows[0].decided_by = Some(DecidedBy::Person);
    let mut state = open(rows);
    state.project.as_mut().unwrap().saving = Saving::Saving;
    let mut harness = harness(review_ui, state, Theme::Dark);
    assert_sees(&harness, &["You rejected it against the method's verdict.", "Saving…"]);
    assert!(harness.query_by_label("Saved").is_none());
    harness.state_mut().state.project.as_mut().unwrap().saving = Saving::Saved;
    harness.run_steps(2);
    assert!(harness.query_by_label("Saved").is_some());
    harness.state_mut().state.project.as_mut().unwrap().saving = Saving::Failed("disk".to_owned());
    harness.run_steps(2);
    assert_sees(&harness, &["Not saved"]);
}

#[test]
fn keys_decide_move_and_look() {
    let mut harness = harness(review_ui, open(four()), Theme::Dark);
    assert_eq!(harness.state().state.review.tiles.cursor, Some(1));
    for (key, command) in [
        (Key::A, Command::Accept),
        (Key::X, Command::Reject),
        (Key::U, Command::Undecide),
        (Key::N, Command::NextUndecided),
        (Key::O, Command::Overlay),
        (Key::B, Command::Blind),
        (Key::Z, Command::LargeView),
    ] {
        harness.key_press(key);
        harness.run_steps(2);
        assert_eq!(commands(&harness), [command], "{key:?}");
        harness.state_mut().out.clear();
    }
    harness.key_press(Key::ArrowRight);
    harness.run_steps(2);
    assert_eq!(harness.state().state.review.tiles.cursor, Some(2));
    harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowRight);
    harness.run_steps(2);
    let review = &harness.state().state.review;
    assert_eq!(review.tiles.cursor, Some(3));
    assert_eq!(review.tiles.targets(), [2, 3]);
    assert!(commands(&harness).is_empty(), "moving decides nothing");
    assert_sees(&harness, &["Accept 2", "Reject 2"]);
}

#[test]
fn a_slot_has_the_number_that_the_filter_asks_for() {
    let mut row = candidate(6, 0.85, 0.4, 0.95);
    Arc::make_mut(&mut row.made).attempt = 2;
    let mut state = open(vec![row]);
    state.review.filter = "slot = 6".to_owned();
    assert_sees(&harness(review_ui, state, Theme::Dark), &["Where it comes from", "6, attempt 2"]);
}

fn press_of(key: Key) -> egui::Event {
    egui::Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers: Modifiers::NONE }
}

#[test]
fn every_press_of_a_slow_frame_counts() {
    let mut harness = harness(review_ui, open(four()), Theme::Dark);
    harness.input_mut().events.extend([Key::A, Key::X, Key::A].map(press_of));
    harness.run_steps(1);
    assert_eq!(commands(&harness), [Command::Accept, Command::Reject, Command::Accept]);
    harness.input_mut().events.extend([Key::ArrowRight, Key::ArrowRight].map(press_of));
    harness.run_steps(1);
    assert_eq!(harness.state().state.review.tiles.cursor, Some(3));
}

#[test]
fn what_is_pressed_after_a_move_waits_for_the_next_frame() {
    let ctx = egui::Context::default();
    let keys = [Key::A, Key::ArrowRight, Key::ArrowRight, Key::X, Key::ArrowLeft];
    let mut held = Vec::new();
    let mut frames = Vec::new();
    for events in [keys.map(press_of).to_vec(), Vec::new(), Vec::new()] {
        ctx.input_mut(|input| input.events = events);
        hold_after_moves(&ctx, &mut held);
        let key = |event: &egui::Event| match event {
            egui::Event::Key { key, .. } => Some(*key),
            _ => None,
        };
        frames.push(ctx.input(|input| input.events.iter().filter_map(key).collect::<Vec<_>>()));
    }
    let [a, x] = [&keys[..3], &keys[3..]];
    assert_eq!(frames, [a, x, &[]]);
}

#[test]
fn clicks_choose_extend_and_toggle() {
    let mut harness = harness(review_ui, open(four()), Theme::Dark);
    harness.get_by_label_contains("Candidate 2,").click();
    harness.run_steps(2);
    assert_eq!(harness.state().state.review.tiles.cursor, Some(2));
    harness.get_by_label_contains("Candidate 4,").click_modifiers(Modifiers::SHIFT);
    harness.run_steps(2);
    assert_eq!(harness.state().state.review.tiles.targets(), [2, 3, 4]);
    harness.get_by_label_contains("Candidate 3,").click_modifiers(Modifiers::COMMAND);
    harness.run_steps(2);
    assert_eq!(harness.state().state.review.tiles.targets(), [2, 4]);
}

#[test]
fn blind_mode_hides_numbers_verdicts_and_confidence() {
    let mut rows = four();
    rows[1].decision = Decision::Accepted;
    rows[1].decided_by = Some(DecidedBy::Person);
    let mut state = open(rows);
    state.review.blind = true;
    let harness = harness(review_ui, state, Theme::Dark);
    assert_sees(&harness, &["Candidate 1, normal, undecided", "hidden until you decide"]);
    for hidden in ["Rejection probability", "Confidence of g", "The method accepts", "Draw u"] {
        assert!(!sees(&harness, hidden), "{hidden}");
    }
    // What was decided already may be compared with the verdict.
    assert_sees(&harness, &["Candidate 2, normal, reject 15 percent, verdict accepted, accepted"]);
    assert!(!sees(&harness, "Candidate 1, normal, reject"));
}

#[test]
fn bulk_accept_asks_once_for_all_that_is_shown() {
    let mut state = open(four());
    state.review.filter = "verdict(accepted) && confidence > 0.9".to_owned();
    let mut harness = harness(review_ui, state, Theme::Dark);
    assert_sees(&harness, &["2 shown"]);
    harness.get_by_label("Accept all shown…").click();
    harness.run_steps(2);
    assert_eq!(commands(&harness), [Command::AcceptShown]);
    let state = &harness.state().state;
    let rows = &state.project.as_ref().unwrap().candidates;
    let shown: Vec<i64> = state.review.tiles.order.iter().map(|&i| rows[i].id).collect();
    assert_eq!(shown, [1, 2]);
}

#[test]
fn bulk_decisions_are_one_action_with_every_id_shown() {
    let dir = tempfile::tempdir().unwrap();
    let options = AppOptions { data_dir: Some(dir.path().to_path_buf()), ..AppOptions::default() };
    let mut app = App::new(&egui::Context::default(), options);
    app.state = open(four());
    let project = app.state.project.as_ref().unwrap();
    let (rows, classes) = (project.candidates.clone(), project.dataset.classes.clone());
    app.state.review.refresh(&rows, &classes, None);
    for cursor in [1, 2, 3] {
        // Two decisions of one frame go to two candidates.
        assert_eq!(app.state.review.tiles.cursor, Some(cursor));
        app.act(Action::Do(Command::Accept));
    }
    app.state.review.filter = "!verdict(prior)".to_owned();
    app.state.review.refresh(&rows, &classes, None);
    for (command, decision) in
        [(Command::AcceptShown, Decision::Accepted), (Command::RejectShown, Decision::Rejected)]
    {
        app.act(Action::Do(command));
        let confirm = app.state.confirm.take().unwrap();
        assert!(confirm.title.contains('3'), "the question shows the count: {}", confirm.title);
        let Action::Decide(ids, said) = confirm.action else { panic!("{:?}", confirm.action) };
        assert_eq!((ids.as_slice(), said), ([1, 2, 4].as_slice(), decision));
    }
}

#[test]
fn a_filter_that_matches_nothing_or_is_none_says_so() {
    let mut state = open(four());
    state.review.filter = "confidence > 2".to_owned();
    let mut harness = harness(review_ui, state, Theme::Light);
    assert_sees(&harness, &["Nothing matches"]);
    harness.get_by_label("Clear the filter").click();
    harness.run_steps(2);
    assert_eq!(harness.state().state.review.tiles.order.len(), 4);
    harness.state_mut().state.review.filter = "confidence >".to_owned();
    harness.run_steps(2);
    assert_sees(&harness, &["is no number", "Candidate 1,"]);
}

fn figure(features: &str, name: &str, value: f64, floor: Option<f64>, n: [u32; 2]) -> QualityFigure {
    let (features, name, [n_real, n_made]) = (features.to_owned(), name.to_owned(), n);
    QualityFigure { features, name, value, sd: None, floor, n_real, n_made }
}

/// All figures of a class of 80 real images.
fn measured(class: &str) -> ClassQuality {
    let of_judge = |name: &str, value: f64, floor: f64| figure(JUDGE, name, value, Some(floor), [40, 40]);
    let mut kernel = of_judge("KID-g", 0.0121, -0.0002);
    kernel.sd = Some(0.004);
    let figures = vec![
        of_judge("FD-g", 131.24, 60.0),
        kernel,
        of_judge("precision", 0.9, 0.8),
        of_judge("recall", 0.25, 0.75),
        of_judge("density", 1.5, 1.0),
        of_judge("coverage", 0.5, 0.9),
        of_judge("1-NN accuracy", 0.8, 0.5),
        figure(PIXELS, DIVERSITY, 0.7, Some(1.0), [48, 32]),
        figure(PIXELS, NEAR_COPIES, 0.02, Some(0.0), [80, 100]),
    ];
    ClassQuality { class: class.to_owned(), made: 100, real: 80, figures }
}

fn with_quality(quality: Vec<ClassQuality>) -> State {
    let mut state = open(four());
    state.project.as_mut().unwrap().quality = Arc::new(quality);
    state
}

fn open_quality(harness: &mut Harness<'_, World>) {
    harness.get_by_label_contains("Quality of").click();
    harness.run_steps(3);
    harness.check_accessibility();
}

/// How often a label of the accessibility tree contains a text.
fn times(harness: &Harness<'_, World>, text: &str) -> usize {
    harness.query_all_by_label_contains(text).count()
}

#[test]
fn quality_stands_beside_that_of_real_images() {
    for theme in THEMES {
        let mut harness = harness(review_ui, with_quality(vec![measured("normal")]), theme);
        assert_sees(&harness, &["Quality of normal: KID-g 0.012, real 0.000 · 2\u{a0}near copies"]);
        assert!(!sees(&harness, "between real images"), "closed until it is asked for");
        open_quality(&mut harness);
        assert_sees(
            &harness,
            &[
                "FD-g: made 131.2, between real images 60.00, 40 made and 40 real images, says little",
                "KID-g: made 0.012 ± 0.004, between real images 0.000, 40 made and 40 real images, closer",
                "precision: made 0.900, between real images 0.800",
                "recall: made 0.250, between real images 0.750, 40 made and 40 real images, as high as",
                "density: made 1.500, between real images 1.000",
                "coverage: made 0.500, between real images 0.900",
                "1-NN accuracy: made 0.800, between real images 0.500, 40 made and 40 real images, 0.5 is",
                "diversity: made 0.70, between real images 1.00, 32 made and 48 real images, 1 is as varied",
                "near copies: made 2\u{a0}%, between real images 0\u{a0}%, 100 made and 80 real images",
                "Figures in judge's features",
                "Figures in pixels",
                "100 made and 80 real images.",
            ],
        );
        assert!(!sees(&harness, "collapsed") && !sees(&harness, "Too few"));
        harness.get_by_label_contains("Quality of").click();
        harness.run_steps(3);
        assert!(!sees(&harness, "between real images"));
    }
}

#[test]
fn figures_say_which_real_images_they_stand_beside() {
    let beside = |judge: &str, pixels: &str| {
        let mut quality = measured("normal");
        quality.figures.retain(|of| of.features == PIXELS);
        quality.figures.push(figure(judge, JUDGE_ACCURACY, 0.75, Some(0.9), [20, 100]));
        quality.figures.push(figure(pixels, NEAREST, 3.25, Some(4.5), [20, 100]));
        let mut view = harness(review_ui, with_quality(vec![quality]), Theme::Dark);
        assert_sees(&view, &["Quality of normal: no distances"]);
        open_quality(&mut view);
        assert_sees(
            &view,
            &[
                "judge accuracy: made 75\u{a0}%, between real images 90\u{a0}%, 100 made and 20 real images",
                "nearest median: made 3.250, between real images 4.500",
                "No distances were taken",
            ],
        );
        view
    };
    let held = beside(JUDGE_HELD_OUT, PIXELS_HELD_OUT);
    assert_sees(
        &held,
        &["Figures in judge, held out", "the judge never saw", "the validation part is copying"],
    );
    let learnt = beside(JUDGE_LEARNT, PIXELS_LEFT_OUT);
    assert_sees(
        &learnt,
        &["Figures in judge, learnt", "the judge learnt from; fresh", "each without itself"],
    );
}

#[test]
fn large_figures_are_read_at_a_glance() {
    let mut quality = measured("normal");
    let kernel = &mut quality.figures[1];
    (kernel.value, kernel.sd, kernel.floor) = (12_345.6, Some(1_234_567.0), Some(-120.04));
    let mut view = harness(review_ui, with_quality(vec![quality]), Theme::Light);
    assert_sees(&view, &["Quality of normal: KID-g 12\u{a0}346, real -120.0"]);
    open_quality(&mut view);
    assert_sees(&view, &["KID-g: made 12\u{a0}346 ± 1.23e6, between real images -120.0, 40 made"]);
}

#[test]
fn quality_is_of_the_class_in_view() {
    let mut pneumonia = measured("pneumonia");
    pneumonia.figures.truncate(2);
    let state = with_quality(vec![measured("normal"), pneumonia]);
    let mut harness = harness(review_ui, state, Theme::Dark);
    assert_sees(&harness, &["Quality of normal: "]);
    harness.state_mut().state.class_filter = Some(1);
    harness.run_steps(2);
    assert_sees(&harness, &["Nothing matches", "Quality of pneumonia: KID-g 0.012, real 0.000"]);
    assert!(!sees(&harness, "Quality of normal"));
}

#[test]
fn a_collapsed_class_and_one_of_few_images_say_so() {
    let mut noise = measured("normal");
    (noise.figures[5].value, noise.figures[6].value) = (0.0, 1.0);
    let mut view = harness(review_ui, with_quality(vec![noise]), Theme::Light);
    assert_sees(&view, &["Quality of normal: not like the class · KID-g 0.012"]);
    open_quality(&mut view);
    assert_sees(
        &view,
        &["(coverage 0.00), and the nearest neighbour tells made from real in 100 % of the cases"],
    );

    let mut collapsed = measured("normal");
    collapsed.figures[7].value = 0.08;
    let mut view = harness(review_ui, with_quality(vec![collapsed]), Theme::Light);
    assert_sees(&view, &["Quality of normal: collapsed · KID-g 0.012"]);
    open_quality(&mut view);
    assert_sees(&view, &["hardly different from each other (diversity 0.08, real images 1)"]);

    // Distances, but nothing to hold them against.
    let mut few = measured("normal");
    few.real = 9;
    few.figures.iter_mut().filter(|figure| figure.features == JUDGE).for_each(|figure| figure.floor = None);
    let mut view = harness(review_ui, with_quality(vec![few]), Theme::Dark);
    assert_sees(&view, &["Quality of normal: KID-g 0.012 · 2"]);
    open_quality(&mut view);
    assert_sees(
        &view,
        &[
            "Too few real images to say how far real ones are from each other: 9, and 12 are needed",
            "recall: made 0.250, between real images not known",
            "diversity: made 0.70, between real images 1.00",
        ],
    );

    // No distances at all: too few images, or no features.
    for (real, says) in
        [(5, "Too few images for distances: 5 real and 100 made, 6 of each"), (80, "No distances")]
    {
        let mut bare = measured("normal");
        bare.real = real;
        bare.figures.retain(|figure| figure.features == PIXELS);
        let mut view = harness(review_ui, with_quality(vec![bare]), Theme::Dark);
        assert_sees(&view, &["Quality of normal: no distances · 2"]);
        open_quality(&mut view);
        assert_sees(&view, &[says, "near copies: made 2"]);
        assert!(!sees(&view, "Figures in judge's features"));
    }
}

#[test]
fn quality_that_is_not_there_says_why() {
    let mut older = harness(review_ui, with_quality(Vec::new()), Theme::Dark);
    assert_sees(&older, &["Quality of normal: not measured"]);
    open_quality(&mut older);
    assert_sees(&older, &["Nothing was measured in this run: it is older"]);
    let mut other = harness(review_ui, with_quality(vec![measured("pneumonia")]), Theme::Light);
    open_quality(&mut other);
    assert_sees(&other, &["Nothing was measured of this class"]);
    let making = with_job(with_quality(Vec::new()), JobKind::Generate, job(JobState::Running));
    let mut making = harness(review_ui, making, Theme::Dark);
    assert_sees(&making, &["Quality of normal: measured when all are made"]);
    open_quality(&mut making);
    assert_sees(&making, &["taken as soon as all its images are made"]);
}

#[test]
fn quality_is_read_by_the_keyboard() {
    let mut harness = harness(review_ui, with_quality(vec![measured("normal")]), Theme::Dark);
    harness.get_by_label_contains("Quality of").focus();
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    assert!(commands(&harness).is_empty(), "Enter is the panel's while it has the keyboard");
    let definition = "Share of real images in the reach of a made one";
    assert!(!sees(&harness, definition));
    harness.get_by_label_contains("recall: made").focus();
    harness.run_steps(3);
    assert!(harness.get_by_label_contains("recall: made").is_focused());
    assert_sees(&harness, &[definition]);
}

#[test]
fn quality_fits_the_smallest_window() {
    // What Review has of 960 x 600 points.
    let mut quality = measured("a class whose name is longer than any line of this narrow panel");
    quality.figures[7].value = 0.08;
    let mut state = with_quality(vec![quality]);
    let project = state.project.as_mut().unwrap();
    for row in Arc::make_mut(&mut project.candidates) {
        row.class = project.quality[0].class.clone();
    }
    let mut harness = shown(vec2(616.0, 524.0), true, review_ui, state, Theme::Dark);
    open_quality(&mut harness);
    let header = harness.get_by_label_contains("Quality of").rect();
    let shown: Vec<_> =
        harness.query_all_by_label_contains("between real images ").map(|row| row.rect()).collect();
    assert_eq!(shown.len(), 9);
    for row in shown {
        assert!(row.left() >= header.left() && row.right() <= header.right(), "{row:?} in {header:?}");
    }
    assert!(header.right() < 308.0, "beside the panel about the candidate");
    let tile = harness.get_by_label_contains("Candidate 1,").rect();
    assert!(tile.top() > header.bottom() && tile.top() < 524.0, "the pictures stay in sight: {tile:?}");
}

#[test]
fn near_copies_are_one_click_away() {
    let mut rows = four();
    for (row, distance) in rows.iter_mut().zip([0.5, 1.0 / 3.0]) {
        row.extra = serde_json::json!({ "near_copy": true });
        row.nearest_distance = Some(distance);
    }
    rows[2].extra = serde_json::json!({ "near_copy": false });
    assert_eq!(copies_filter(&rows, "normal").as_deref(), Some("distance <= 0.5"));
    assert_eq!(copies_filter(&rows[1..], "normal"), Some(format!("distance <= {}", 1.0 / 3.0)));
    assert_eq!(copies_filter(&rows, "pneumonia"), None);
    assert_eq!(copies_filter(&rows[2..], "normal"), None);

    let mut state = with_quality(vec![measured("normal")]);
    state.project.as_mut().unwrap().candidates = Arc::new(rows);
    state.review.decision = Some(Decision::Undecided);
    let mut harness = harness(review_ui, state, Theme::Dark);
    open_quality(&mut harness);
    harness.get_by_label("Show the 2\u{a0}near copies").click();
    harness.run_steps(3);
    let state = &harness.state().state;
    assert_eq!((state.class_filter, state.review.decision), (Some(0), None));
    assert_eq!(state.review.filter_error, None);
    assert_eq!(*state.review.tiles.order, [0, 1]);
    assert_eq!(times(&harness, "Candidate 3,"), 0);
    harness.get_by_label("Show all of normal again").click();
    harness.run_steps(3);
    assert_eq!(harness.state().state.review.tiles.order.len(), 4);
    assert_sees(&harness, &["Show the 2\u{a0}near copies"]);
    // A class that its images do not fill has no link.
    let mut none = measured("normal");
    none.figures[8].value = 0.0;
    harness.state_mut().state.project.as_mut().unwrap().quality = Arc::new(vec![none]);
    harness.run_steps(2);
    assert!(!sees(&harness, "Show the"));
}

#[test]
fn one_hundred_thousand_candidates_draw_only_what_is_seen() {
    let rows = (1..=100_000).map(|id| candidate(id, 0.85, 0.4, 0.95)).collect();
    let harness = harness(review_ui, open(rows), Theme::Dark);
    let drawn = harness.query_all_by_role(Role::ListBoxOption).count();
    assert!((1..400).contains(&drawn), "{drawn} tiles were drawn");
    assert_sees(&harness, &["Candidate 1 of 100"]);
}

#[test]
fn train_shows_every_face_in_both_themes() {
    for theme in THEMES {
        assert_sees(&harness(train_ui, State::new(), theme), &["Nothing to train on"]);
        assert_sees(
            &harness(train_ui, open(Vec::new()), theme),
            &["No model yet", "Load a model…", "Path of a model", "Method", "Device", "Seed", "code: 0.999"],
        );
        let mut empty = harness(train_ui, open(Vec::new()), theme);
        empty.get_by_role_and_label(Role::Button, "Train").click();
        empty.run_steps(2);
        assert_eq!(commands(&empty), [Command::StartTraining]);
        let running = with_job(open(Vec::new()), JobKind::Train, job(JobState::Running));
        assert_sees(
            &harness(train_ui, running, theme),
            &[
                "Pause",
                "Stop and keep",
                "Cancel",
                "Training: training g · 30 of 200",
                "Loss curve, g 0.250",
                "Recall of g curve, normal 0.750, normal, validation 0.500",
                "prior passed 79",
                "The same seed images over time, epoch 1, picture 1, pneumonia to normal",
                "g recognises 78 %",
            ],
        );
        let paused = with_job(open(Vec::new()), JobKind::Train, job(JobState::Paused));
        assert_sees(&harness(train_ui, paused, theme), &["Paused", "Resume"]);
        let cancelling = with_job(open(Vec::new()), JobKind::Train, job(JobState::Cancelling));
        assert_sees(&harness(train_ui, cancelling, theme), &["Cancelling…"]);
        let failed = JobState::Failed("the device was lost; try --device cpu".to_owned());
        let failed = with_job(open(Vec::new()), JobKind::Train, job(failed));
        assert_sees(&harness(train_ui, failed, theme), &["Training failed", "the device was lost"]);
        let mut done = with_job(open(Vec::new()), JobKind::Train, job(JobState::Finished));
        done.train.model = Face::Full(ModelFile {
            path: PathBuf::from("/nowhere/m2m.safetensors"),
            method: "m2m".to_owned(),
            facts: vec![("Size".to_owned(), "28 px, grey".to_owned())],
            beta: None,
            params: Default::default(),
            warning: Some("It was trained on others.".to_owned()),
        });
        let mut done = harness(train_ui, done, theme);
        assert_sees(
            &done,
            &["m2m.safetensors", "28 px, grey", "It was trained on others.", "finished after"],
        );
        done.get_by_label("Make candidates").click();
        done.run_steps(2);
        assert_eq!(commands(&done), [Command::Generate]);
    }
}

#[test]
fn the_card_of_a_model_says_where_it_differs_from_the_form() {
    let params = |pairs: &[(&str, f64)]| -> ParamMap {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect()
    };
    let with_form = |form: &[(&str, f64)]| {
        let mut state = open(Vec::new());
        state.train.model = Face::Full(ModelFile {
            path: PathBuf::from("/nowhere/m2m.safetensors"),
            method: "m2m".to_owned(),
            facts: Vec::new(),
            beta: Some(0.99),
            params: params(&[("epochs", 40.0), ("batch", 64.0), ("beta", 0.99), ("lambda", 0.25)]),
            warning: None,
        });
        state.project.as_mut().unwrap().settings.params = params(form);
        harness(train_ui, state, Theme::Dark)
    };
    // Epochs are the training's, lambda is making's; the form leaves batch and beta as they are.
    let other = with_form(&[("epochs", 100.0), ("lambda", 0.75)]);
    assert_sees(&other, &["trained with other settings: Epochs. What", "as they are: β, prior 0.99."]);
    let same = with_form(&[("epochs", 40.0), ("beta", 0.99), ("lambda", 0.25)]);
    assert!(!sees(&same, "trained with other settings") && !sees(&same, "the model's own settings"));
}

#[test]
fn pause_stop_and_cancel_name_their_job() {
    let running = with_job(open(Vec::new()), JobKind::Train, job(JobState::Running));
    let mut harness = harness(train_ui, running, Theme::Dark);
    for label in ["Pause", "Stop and keep", "Cancel"] {
        harness.get_by_role_and_label(Role::Button, label).click();
        harness.run_steps(2);
    }
    let out = &harness.state().out;
    assert!(matches!(out[0], Action::PauseJob(JobKind::Train, true)), "{out:?}");
    assert!(matches!(out[1], Action::StopAndKeep(JobKind::Train)), "{out:?}");
    assert!(matches!(out[2], Action::CancelJob(JobKind::Train)), "{out:?}");
}

#[test]
fn the_form_keeps_values_and_refuses_words() {
    let table = counterpoise::oversampling::method("m2m").unwrap().param_table();
    let label = table.iter().find(|info| info.name == "beta").unwrap().label;
    let mut harness = harness(train_ui, open(Vec::new()), Theme::Dark);
    let mut type_in = |text: &str| {
        harness.get_by_role_and_label(Role::TextInput, label).focus();
        harness.run_steps(2);
        harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        harness.run_steps(1);
        harness.get_by_role_and_label(Role::TextInput, label).type_text(text);
        harness.run_steps(2);
        let state = &harness.state().state;
        let beta = state.project.as_ref().unwrap().settings.params.get("beta").cloned();
        (beta, state.train.texts.contains_key("beta"), sees(&harness, "Needs a number from"))
    };
    assert_eq!(type_in("0.99"), (Some(0.99.into()), false, false));
    assert_eq!(type_in("many"), (Some(0.99.into()), true, true));
    assert_eq!(type_in("0.999"), (None, false, false), "a default is kept by leaving it out");
    let changed = harness.state().out.iter().filter(|a| matches!(a, Action::SettingsChanged)).count();
    assert!(changed >= 2);
}

#[test]
fn no_key_and_no_menu_trains_past_the_form() {
    let mut state = open(Vec::new());
    assert_eq!(why_no_training(&state), None);
    assert!(Command::StartTraining.enabled(&state) && !Command::ResumeTraining.enabled(&state));
    state.train.checkpoint = Some(PathBuf::from("/nowhere/checkpoint"));
    assert!(Command::ResumeTraining.enabled(&state));
    state.train.texts.insert("learning_rate".to_owned(), "0.0x".to_owned());
    for command in [Command::StartTraining, Command::ResumeTraining] {
        assert!(!command.enabled(&state));
        let why = command.why_disabled(&state).unwrap();
        assert_eq!(why, "1\u{a0}field of the form cannot be read.");
    }
    let mut wrong = harness(train_ui, state, Theme::Dark);
    assert_sees(&wrong, &["1\u{a0}field of the form cannot be read."]);
    press_train(&mut wrong);

    let mut state = open(Vec::new());
    state.project.as_mut().unwrap().settings.method = "random".to_owned();
    assert_eq!(
        Command::StartTraining.why_disabled(&state).as_deref(),
        Some("This method needs no training.")
    );
    press_train(&mut harness(train_ui, state, Theme::Dark));
}

#[test]
fn a_model_of_another_method_makes_no_candidates() {
    let mut state = open(Vec::new());
    assert_eq!(why_no_candidates(&state).as_deref(), Some("Train or load a model first."));
    state.train.model = Face::Full(ModelFile {
        path: PathBuf::from("/nowhere/m2m.safetensors"),
        method: "m2m".to_owned(),
        facts: Vec::new(),
        beta: None,
        params: Default::default(),
        warning: None,
    });
    assert_eq!(why_no_candidates(&state), None);
    assert!(Command::Generate.enabled(&state));
    state.project.as_mut().unwrap().settings.method = "baegan".to_owned();
    assert!(!Command::Generate.enabled(&state));
    let why = Command::Generate.why_disabled(&state).unwrap();
    assert!(why.contains("is of M2m, major-to-minor translation; choose that method"), "{why}");
    assert_sees(&harness(train_ui, state, Theme::Light), &[&why]);

    // What needs no model takes no notice of one.
    let mut state = open(Vec::new());
    state.project.as_mut().unwrap().settings.method = "random".to_owned();
    assert_eq!(why_no_candidates(&state), None);
}

/// The key does nothing.
#[track_caller]
fn press_train(harness: &mut Harness<'_, World>) {
    harness.key_press_modifiers(Modifiers::COMMAND, Key::T);
    harness.run_steps(2);
    assert!(commands(harness).is_empty());
}

fn planned() -> FilePlan {
    FilePlan {
        classes: vec![
            ClassTotals {
                name: "normal".to_owned(),
                original: 4,
                derived: 2,
                synthetic: 0,
                repeated: 14,
                total: 20,
            },
            ClassTotals {
                name: "pneumonia".to_owned(),
                original: 20,
                derived: 0,
                synthetic: 0,
                repeated: 0,
                total: 20,
            },
        ],
        bytes: 123_456,
        warnings: vec!["sizes differ".to_owned()],
        ..FilePlan::default()
    }
}

#[test]
fn export_says_why_it_cannot_and_what_it_would_write() {
    for theme in THEMES {
        assert_sees(&harness(export_ui, State::new(), theme), &["Nothing to export"]);
        let undecided = harness(export_ui, open(four()), theme);
        assert_sees(&undecided, &["undecided. Decide in Review", "Planned as soon as no candidate"]);

        let mut state = open(four());
        state.workspace = counterpoise::gui::state::Workspace::Export;
        state.export.undecided = Undecided::Leave;
        assert_eq!(why_not(&state).as_deref(), Some("Say where the new folder is made."));
        state.export.folder = "/nowhere/balanced".to_owned();
        let mut harness = harness(export_ui, state, theme);
        assert!(harness.state().out.iter().any(|a| matches!(a, Action::PlanExport)));
        harness.state_mut().out.clear();

        harness.state_mut().state.export.plan = Face::Loading;
        harness.run_steps(2);
        assert_sees(&harness, &["Planning what will be written"]);
        harness.state_mut().state.export.plan = Face::Failed("the folder exists already".to_owned());
        harness.run_steps(2);
        assert_sees(&harness, &["cannot be exported as it stands", "the folder exists already"]);
        harness.state_mut().state.export.plan = Face::Full(Arc::new(planned()));
        harness.run_steps(2);
        assert_sees(&harness, &["sizes differ", "normal: 4 real, 2 made and accepted, 14 repeated"]);
        assert!(!sees(&harness, "Space free there"), "not every system says");
        harness.state_mut().state.export.free = Some(9_000_000);
        harness.run_steps(2);
        assert_sees(&harness, &["Space needed", "123 kB", "Space free there", "9.0 MB"]);
        assert!(!sees(&harness, "too little space"));
        harness.state_mut().state.export.free = Some(123_455);
        harness.run_steps(2);
        assert_sees(&harness, &["There is too little space: free some"]);
        assert_eq!(why_not(&harness.state().state), None);
        harness.get_by_role_and_label(Role::Button, "Export the folder").click();
        harness.run_steps(2);
        assert_eq!(commands(&harness), [Command::Export]);
        // The key follows the button: not while an export or a making of candidates runs.
        for kind in [JobKind::Export, JobKind::Generate] {
            let state = &mut harness.state_mut().state;
            assert!(Command::Export.enabled(state));
            state.jobs = vec![JobSlot { kind, view: job(JobState::Running) }];
            assert!(!Command::Export.enabled(state));
            assert_eq!(Command::Export.why_disabled(state), why_not(state));
            state.jobs.clear();
        }
        // What was just exported is not promised again.
        let report = ExportReport { out: PathBuf::from("/nowhere/balanced"), ..ExportReport::default() };
        let export = &mut harness.state_mut().state.export;
        export.report = Face::Full(Arc::new(report));
        export.plan = Face::Failed("the target exists".to_owned());
        harness.run_steps(2);
        assert_sees(&harness, &["written just now; name another"]);
        assert!(!sees(&harness, "cannot be exported as it stands"));
    }
}

#[test]
fn export_shows_progress_failure_report_and_proof() {
    for theme in THEMES {
        let running = with_job(open(Vec::new()), JobKind::Export, job(JobState::Running));
        assert_sees(&harness(export_ui, running, theme), &["Exporting", "An export is running."]);
        let failed = JobState::Failed("the disk is full: /nowhere".to_owned());
        let failed = with_job(open(Vec::new()), JobKind::Export, job(failed));
        assert_sees(&harness(export_ui, failed, theme), &["nothing was left behind", "the disk is full"]);

        let mut state = open(Vec::new());
        state.export.report = Face::Full(Arc::new(ExportReport {
            out: PathBuf::from("/nowhere/balanced"),
            classes: planned().classes,
            files: 40,
            warnings: Vec::new(),
        }));
        state.export.verification = Face::Full(Arc::new(Verification {
            ok: false,
            files: 40,
            missing: vec!["normal/1.png".to_owned()],
            changed: Vec::new(),
            extra: Vec::new(),
        }));
        let mut harness = harness(export_ui, state, theme);
        assert_sees(&harness, &["Open folder", "missing: normal/1.png", "Not as the manifest says"]);
        harness.get_by_label("Verify this export").click();
        harness.run_steps(2);
        assert!(harness.state().out.iter().any(|a| matches!(a, Action::Verify(_))));
    }
}

#[test]
fn filters_parse_and_judge() {
    let row = candidate(7, 0.85, 0.4, 0.95);
    for (text, passes) in [
        ("", true),
        ("class(normal) && confidence > 0.6 && !accepted", true),
        ("class(pneumonia) || seed(pneumonia)", true),
        ("!(class(normal) && undecided)", false),
        ("rejection <= 15.1%", true),
        ("rejection < 15%", false),
        ("draw = 0.4", true),
        ("draw != 0.4", false),
        ("score > -1", false),
        ("!score > -1", true),
        ("slot >= 7", true),
        ("verdict(accepted)", true),
        ("verdict(prior) || verdict(other)", false),
        ("file(pneumonia/)", true),
        ("class(normal) || class(x) && class(y)", true),
        ("!!undecided", true),
    ] {
        assert_eq!(Filter::parse(text).unwrap().passes(&facts(&row)), passes, "{text}");
    }
    for text in [
        "class(normal",
        "confidence >",
        "confidence > many",
        "beauty > 1",
        "colour(red)",
        "verdict(perhaps)",
        "class(normal) &&",
        "class(normal) class(x)",
        "(undecided",
        "undecided)",
        "&& undecided",
        "accepted || || rejected",
        "(((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((undecided",
    ] {
        assert!(Filter::parse(text).is_err(), "{text}");
    }
    assert!(Filter::parse("undecided && draw > 0.5").unwrap().asks_judgement());
    assert!(!Filter::parse("undecided && slot > 5").unwrap().asks_judgement());
    assert_eq!(Measure::Rejection.of(&facts(&row)).map(|r| (r * 100.0).round()), Some(15.0));
}

#[test]
fn sentences_say_what_decided() {
    let rows = four();
    assert_eq!(verdict_sentence(&rows[0]), "The method accepts.");
    assert_eq!(
        verdict_sentence(&rows[2]),
        "The method rejects: the draw 0.600 is not below the prior 0.280."
    );
    assert_eq!(verdict_sentence(&rows[3]), "The method rejects: the confidence 0.500 is below 0.900.");
    let mut copy = candidate(1, 1.0, 0.0, 0.95);
    (copy.verdict, copy.parts.p_accept, copy.parts.draw) = (Verdict::RejectedOther, None, None);
    assert_eq!(verdict_sentence(&copy), "The method rejects: another of its tests failed.");
    copy.extra = serde_json::json!({ "reason": "an exact copy of a training image" });
    assert_eq!(verdict_sentence(&copy), "The method rejects: it is an exact copy of a training image.");
    assert_eq!(Measure::Rejection.of(&facts(&copy)), Some(1.0));
    let mut row = candidate(1, 0.85, 0.4, 0.95);
    row.decision = Decision::Accepted;
    row.decided_by = Some(DecidedBy::Rule);
    assert_eq!(decision_sentence(&row), "The rule accepted it; nobody has looked at it.");
    assert_eq!(nearest(&row), [("normal/1.png", Some(4.125))]);
    row.extra = serde_json::json!({ "nearest": [
        { "file": "normal/2.png", "distance": 1.0 },
        { "file": "normal/0.png" },
        { "distance": 3.0 },
    ] });
    assert_eq!(nearest(&row), [("normal/2.png", Some(1.0)), ("normal/0.png", None)]);
}

#[test]
fn series_find_their_plot() {
    let place = |name: &str| place_of(name);
    assert_eq!(place("loss · g"), ("loss".to_owned(), "g".to_owned(), false));
    assert_eq!(place("g loss"), ("loss".to_owned(), "g".to_owned(), false));
    assert_eq!(place("learning rate"), ("learning rate".to_owned(), String::new(), false));
    assert_eq!(
        place("recall of g, validation · normal"),
        ("recall of g".to_owned(), "normal".to_owned(), true)
    );
}

#[test]
fn magnifying_keeps_the_point_under_the_pointer() {
    let mut zoom = Zoom::default();
    let at = vec2(0.25, 0.75);
    let before = zoom.seen().min + zoom.seen().size() * at;
    zoom.magnify(4.0, at);
    let after = zoom.seen().min + zoom.seen().size() * at;
    assert!((before - after).length() < 1e-5);
    zoom.magnify(1e9, at);
    assert!(zoom.seen().min.x >= 0.0 && zoom.seen().max.y <= 1.0 + 1e-6);
    zoom.magnify(0.0, at);
    assert_eq!(zoom.factor, 1.0);
    assert!((zoom.seen().center() - egui::pos2(0.5, 0.5)).length() < 1e-5);
}

#[test]
fn a_path_becomes_a_link_without_special_bytes() {
    let url = file_url(std::path::Path::new("/tmp/a b/é#?.png"));
    assert_eq!(url, "file:///tmp/a%20b/%C3%A9%23%3F.png");
}
