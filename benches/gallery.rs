//! Frame times of the Data gallery and of Review while they are scrolled, with many images and as many
//! candidates; and the frames after a search, another sort and decisions, until the new order is there.
//!
//! `cargo bench --bench gallery -- [N] [--folder DIR]`: N (100000) images, made once in DIR as for the bench
//! of the scan. The whole app runs without a window at 60 frames per second, once on an idle machine and once
//! while it trains M2m on these images, on all cores. A frame is what the processor does for it: the app's
//! logic, all of its painting, the accessibility tree (a window builds it only for who asks) and the triangles.
//! Left out is what the graphics card and its driver do: uploads and drawing. Pictures are read and decoded in
//! the background meanwhile.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use counterpoise::domain::decisions::{DecidedBy, Decision, Verdict};
use counterpoise::domain::provenance::{Kind, Parts};
use counterpoise::gui::app::{App, AppOptions};
use counterpoise::gui::command::{Action, Command};
use counterpoise::gui::filter::Measure;
use counterpoise::gui::state::{JobKind, Source, State, ThemeChoice, Workspace};
use counterpoise::jobs;
use counterpoise::project::{CandidateRow, Decided, NewCandidate};
use egui::{
    Context, Event, FullOutput, Modifiers, MouseWheelSource, MouseWheelUnit, TexturesDelta, TouchPhase, pos2,
    vec2,
};
use egui_kittest::kittest::Queryable as _;
use egui_kittest::{Harness, TestRenderer};

#[path = "common/many_files.rs"]
mod many_files;

use many_files::{Many, name};

/// At 60 frames per second.
const FRAME: Duration = Duration::from_micros(16_667);
const FRAMES: usize = 300;
/// Points in a frame: a wheel turned slowly, turned fast, and the bar dragged.
const SPEEDS: [(&str, f32); 3] = [("slowly", 30.0), ("fast", 600.0), ("by the bar", 4000.0)];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let Some(many) = Many::of(&args) else {
        println!("usage: cargo bench --bench gallery -- [N] [--folder DIR]");
        return;
    };
    let folder = many.folder();
    // As the program does.
    jobs::workers::give_way_to_a_window();
    for load in ["idle", "training"] {
        // A fresh app each time: no picture is there yet.
        let data = tempfile::tempdir().unwrap();
        let options = AppOptions {
            data_dir: Some(data.path().to_path_buf()),
            start: Some(folder.clone()),
            theme: Some(ThemeChoice::Dark),
        };
        let mut harness = Harness::builder()
            .with_size(vec2(1440.0, 900.0))
            .with_step_dt(FRAME.as_secs_f32())
            .with_accessibility_check(false)
            .allow_missing_glyphs()
            .renderer(Nowhere)
            .build_eframe(|cc| App::new(&cc.egui_ctx, options));
        open(&mut harness, load);
        let training = load == "training";
        if training {
            train(&mut harness);
        }
        data_gallery(&mut harness, load, many.count);
        review(&mut harness, load, &folder, many.count);
        assert_eq!(is_training(harness.state()), training, "the training ended too early");
    }
}

/// Takes textures and forgets them.
struct Nowhere;

impl TestRenderer for Nowhere {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        delta.clear();
    }

    fn render(&mut self, _: &Context, _: &FullOutput) -> Result<image::RgbaImage, String> {
        Err("nothing is drawn here".to_owned())
    }
}

/// Lets the app read the folder, and prints the longest frame meanwhile.
fn open(harness: &mut Harness<'_, App>, load: &str) {
    let begun = Instant::now();
    let mut longest = 0.0_f64;
    loop {
        longest = longest.max(frame(harness));
        let app = harness.state();
        if let Source::Failed { message, .. } = &app.state.source {
            panic!("{message}");
        }
        if app.state.project.is_some() && app.is_idle() {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(600), "the folder does not open");
        thread::sleep(Duration::from_millis(5));
    }
    println!("open, {load}: {:.1} s, longest frame {longest:.1} ms", begun.elapsed().as_secs_f64());
}

fn data_gallery(harness: &mut Harness<'_, App>, load: &str, count: usize) {
    // The worst place for a cursor: it is looked for from the front.
    harness.state_mut().state.data.tiles.cursor = Some(count - 1);
    scroll(harness, "Data", load, "image 1 of ");
    let letter = after(harness, |state| state.data.find = "7".to_owned());
    println!("Data, {load}: a letter in the find box: {letter}");
}

fn review(harness: &mut Harness<'_, App>, load: &str, folder: &Path, count: usize) {
    // Smooth scrolling goes on for a while; what is left of it belongs to the gallery.
    harness.run_steps(120);
    let app = harness.state_mut();
    let project = app.state.project.as_mut().unwrap();
    // Candidates are looked for below the project; the images lie in their place.
    project.dir = folder.parent().unwrap().to_path_buf();
    project.candidates = Arc::new((0..count).map(|number| candidate(number, count)).collect());
    project.refresh_candidates();
    app.state.review.clear();
    app.act(Action::Do(Command::go(Workspace::Review)));
    let say = |what: &str, taken: String| println!("Review, {load}: {what}: {taken}");
    say("opened with candidates that have no order yet", after(harness, |_| {}));
    harness.state_mut().act(Action::Do(Command::go(Workspace::Data)));
    harness.run_steps(2);
    harness.state_mut().act(Action::Do(Command::go(Workspace::Review)));
    say("opened again", after(harness, |_| {}));
    scroll(harness, "Review", load, "Candidate 1, ");

    say("another sort", after(harness, |state| state.review.sort = Measure::Confidence));
    // What the app does when the store says that decisions are committed.
    let decide = |ids: RangeInclusive<i64>, decision: Decision| {
        let by = (decision != Decision::Undecided).then_some(DecidedBy::Person);
        let decided: Vec<Decided> = ids.map(|id| Decided { id, decision, by }).collect();
        move |state: &mut State| state.decided(&decided)
    };
    let all = 1..=count as i64;
    for filter in ["", "undecided"] {
        harness.state_mut().state.review.filter = filter.to_owned();
        after(harness, |_| {});
        let shown = if filter.is_empty() { "all shown" } else { "undecided shown" };
        for (what, ids) in [("one decision", 7..=7), ("a thousand", 101..=1100), ("of all", all.clone())] {
            say(&format!("{what}, {shown}"), after(harness, decide(ids.clone(), Decision::Accepted)));
            let back = after(harness, decide(ids, Decision::Undecided));
            say(&format!("{what} taken back, {shown}"), back);
        }
    }
}

/// Frames from a change until the order that it asks for is there, in words. The change is in the first one.
fn after(harness: &mut Harness<'_, App>, change: impl FnOnce(&mut State)) -> String {
    let begun = Instant::now();
    change(&mut harness.state_mut().state);
    let first = begun.elapsed().as_secs_f64() * 1e3 + frame(harness);
    let (mut longest, mut frames) = (first, 1);
    let mut due = begun;
    while harness.state().state.data.is_waiting() || harness.state().state.review.is_waiting() {
        assert!(begun.elapsed() < Duration::from_secs(60), "no order arrives");
        due = (due + FRAME).max(Instant::now());
        thread::sleep(due.saturating_duration_since(Instant::now()));
        longest = longest.max(frame(harness));
        frames += 1;
    }
    let until = begun.elapsed().as_secs_f64() * 1e3;
    format!(
        "{first:.1} ms for the frame; {frames} frames until the order is there, after {until:.0} ms, the \
         longest {longest:.1} ms"
    )
}

/// Scrolls down at each speed and prints the frame times. `first` begins the name of the first tile only.
fn scroll(harness: &mut Harness<'_, App>, view: &str, load: &str, first: &str) {
    // Over the tiles, right of the class histogram.
    harness.hover_at(pos2(640.0, 600.0));
    harness.run_steps(30);
    assert!(harness.query_all_by_label_contains(first).next().is_some(), "{view} shows no tile");
    for (speed, points) in SPEEDS {
        let mut times = Vec::with_capacity(FRAMES);
        // Beside a training the app is never idle, whatever its pictures do.
        let (training, mut loading) = (is_training(harness.state()), 0);
        let mut due = Instant::now();
        for _ in 0..FRAMES {
            harness.event(Event::MouseWheel {
                unit: MouseWheelUnit::Point,
                delta: vec2(0.0, -points),
                phase: TouchPhase::Move,
                source: MouseWheelSource::Wheel,
                modifiers: Modifiers::NONE,
            });
            times.push(frame(harness));
            loading += usize::from(!harness.state().is_idle());
            due = (due + FRAME).max(Instant::now());
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        assert!(harness.query_all_by_label_contains(first).next().is_none(), "{view} did not scroll");
        times.sort_by(f64::total_cmp);
        let at = |part: f64| times[((times.len() - 1) as f64 * part).round() as usize];
        let late = times.iter().filter(|&&t| t > FRAME.as_secs_f64() * 1e3).count();
        let pictures = if training { String::new() } else { format!("; pictures were loading in {loading}") };
        println!(
            "{view}, {load}, scrolled {speed}: median {:.2} ms, p95 {:.2}, p99 {:.2}, most {:.2}; {late} of \
             {FRAMES} over 16.7 ms{pictures}",
            at(0.5),
            at(0.95),
            at(0.99),
            at(1.0)
        );
    }
}

/// One frame with its triangles, in milliseconds.
fn frame(harness: &mut Harness<'_, App>) -> f64 {
    let begun = Instant::now();
    harness.step();
    let output = harness.output();
    // A window hands its shapes over; the copy is counted here.
    black_box(harness.ctx.tessellate(output.shapes.clone(), output.pixels_per_point));
    begun.elapsed().as_secs_f64() * 1e3
}

/// Starts a training as the button does, and waits for its first steps. It is far longer than the bench, and ends
/// with the app.
fn train(harness: &mut Harness<'_, App>) {
    let app = harness.state_mut();
    let settings = &mut app.state.project.as_mut().unwrap().settings;
    settings.method = "m2m".to_owned();
    settings.network = Some("small".to_owned());
    settings.epochs = Some(10_000);
    settings.device = "cpu".to_owned();
    app.act(Action::SettingsChanged);
    app.act(Action::Train { resume: false });
    let begun = Instant::now();
    loop {
        let view = harness.state().state.job(JobKind::Train).unwrap();
        assert!(!view.state.is_over(), "the training does not run: {view:?}");
        // Images are decoded before.
        if view.stage.starts_with("training") {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(600), "the training does not begin");
        frame(harness);
        thread::sleep(Duration::from_millis(5));
    }
}

fn is_training(app: &App) -> bool {
    app.state.running(JobKind::Train).is_some()
}

/// Candidate `number`, whose file is one of the images, the last first.
fn candidate(number: usize, count: usize) -> CandidateRow {
    let spread = |by: usize| (number * by % 1000) as f64 / 1000.0;
    let parts = Parts {
        p_accept: Some(spread(37)),
        draw: Some(spread(101)),
        confidence: Some(spread(733)),
        threshold: Some(0.5),
    };
    CandidateRow {
        id: number as i64 + 1,
        run: 1,
        decision: Decision::Undecided,
        decided_by: None,
        made: Arc::new(NewCandidate {
            class: "class-0".to_owned(),
            slot: number as u32,
            attempt: 0,
            file: format!("set/{}", name(count - 1 - number)),
            sha256: String::new(),
            method: "m2m".to_owned(),
            model_hash: String::new(),
            kind: Kind::Derived,
            seed: 0,
            seed_file: Some(name(number)),
            seed_class: Some("class-1".to_owned()),
            seed_sha256: None,
            verdict: Verdict::of(&parts),
            parts,
            own_score: None,
            nearest_file: Some(name(number / 2)),
            nearest_distance: Some(spread(17)),
            extra: serde_json::Value::Null,
        }),
    }
}
