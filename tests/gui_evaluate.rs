//! The Evaluate workspace through the accessibility tree: its empty, running, failed, partial and finished
//! faces in both themes, the form, the table, the classes, the answers, comparisons of other days; and whole
//! comparisons of the app, over a cancel and over restarts.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use counterpoise::classify::batches::Augment;
use counterpoise::classify::treatments::{FIRST_CHOICE, Preset};
use counterpoise::domain::plan::Target;
use counterpoise::domain::task::{Ctx, Level};
use counterpoise::evaluation::comparison::{Adds, Change, Comparison, Entry, Run, TestPart};
use counterpoise::evaluation::generators::{ClassRecall, MadeAlone, MadeClass, MadeFigure};
use counterpoise::evaluation::metrics::bootstrap::Settings as Draws;
use counterpoise::evaluation::report::{About, Page};
use counterpoise::evaluation::treatments::{Filled, MadeOf, MadeTreatment};
use counterpoise::gui::app::App;
use counterpoise::gui::command::{Action, Command};
use counterpoise::gui::state::{Face, JobKind, JobSlot, Length, Pace, State};
use counterpoise::gui::views::evaluate::{evaluate_ui, measured_words, queue_words, why_no_comparison};
use counterpoise::gui::widgets::class_charts::mean_words;
use counterpoise::gui::widgets::figure_table::Columns;
use counterpoise::imaging::encode::png;
use counterpoise::jobs::comparisons::{
    Choice, ClassFigures, ClassImages, Difference, Kept, Mean, Report, TreatmentFigures, Workload,
};
use counterpoise::jobs::evaluate::{Budget, FailedRun, NamedFolder};
use counterpoise::jobs::{JobState, JobView, Series};
use counterpoise::project::Settings;
use egui::accesskit::Role;
use egui::{Key, Modifiers, Pos2, Rect, Theme, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

#[path = "common/gui.rs"]
mod support;

#[path = "common/window.rs"]
mod app_window;

#[path = "common/shapes.rs"]
mod shapes;

use app_window::{settle, window};
use support::{THEMES, World, assert_sees, commands, evaluated, sees, shown};

fn harness(state: State, theme: Theme) -> Harness<'static, World> {
    shown(vec2(1500.0, 3600.0), true, evaluate_ui, state, theme)
}

fn bars() -> State {
    evaluated(&[("across", 400, 40), ("down", 15, 20)])
}

fn job(state: JobState) -> JobView {
    let series = |name: &str, points: &[[f64; 2]]| Series { name: name.to_owned(), points: points.to_vec() };
    JobView {
        name: "evaluate".to_owned(),
        state,
        stage: "training drs with seed 6".to_owned(),
        done: 1200,
        total: 6000,
        elapsed: Duration::from_secs(75),
        time_left: Some(Duration::from_secs(125)),
        unmeasured: String::new(),
        series: Arc::new(vec![
            series("ACSA · none", &[[5.0, 0.5], [6.0, 0.5625]]),
            series("ACSA · drs", &[[5.0, 0.75]]),
        ]),
        notes: vec![
            (Level::Warning, "the folder holds 3 made images".to_owned()),
            (Level::Error, "mixup with seed 5: training ran away".to_owned()),
        ],
        previews: Arc::default(),
    }
}

fn choice() -> Choice {
    Choice {
        treatments: vec!["drs".to_owned(), "mixup".to_owned()],
        folders: Vec::new(),
        seed: 5,
        seeds: 3,
        budget: Budget::Steps(1000),
        network: Some("small".to_owned()),
        device: "cpu".to_owned(),
        target: Target::Max,
        generator_epochs: None,
        augment: Augment::default(),
        folds: None,
        made_alone: false,
    }
}

/// Settings of a project on the processor.
fn settings() -> Settings {
    Settings { device: "cpu".to_owned(), ..Settings::default() }
}

fn workload() -> Workload {
    Workload {
        network: Some("small".to_owned()),
        device: "cpu".to_owned(),
        size: 28,
        channels: 1,
        images: 415,
    }
}

fn mean(mean: f64) -> Option<Mean> {
    Some(Mean { mean, sd: Some(0.01) })
}

/// A treatment with the recalls of its two or more classes.
fn treatment(name: &str, recalls: &[f64], difference: Option<[f64; 3]>) -> TreatmentFigures {
    let acsa = recalls.iter().sum::<f64>() / recalls.len() as f64;
    let figure = |key: &str, value: f64| (key.to_owned(), Mean { mean: value, sd: Some(0.02) });
    let classes = recalls.iter().map(|&recall| ClassFigures {
        recall: mean(recall),
        precision: mean(recall / 2.0),
        f1: mean(recall),
        f05: mean(recall),
        never_said: usize::from(recall == 0.0),
    });
    TreatmentFigures {
        name: name.to_owned(),
        label: format!("All about {name}"),
        made: false,
        seeds: vec![5, 6, 7],
        figures: vec![
            figure("acsa", acsa),
            figure("f1_macro", 0.5),
            figure("gm", 0.4),
            figure("accuracy", 0.9),
            figure("recall_many", recalls[0]),
            figure("recall_few", recalls[recalls.len() - 1]),
        ],
        difference: difference.map(|[value, low, high]| Difference { value, low, high }),
        sentence: difference.map(|_| format!("{name} stands in a sentence.")),
        classes: classes.collect(),
        confusion: vec![vec![90, 30], vec![15, 45]],
    }
}

fn report() -> Report {
    Report {
        choice: choice(),
        workload: workload(),
        network: "small".to_owned(),
        steps: 1000,
        folds: None,
        training: "training".to_owned(),
        test: "test".to_owned(),
        setting: vec!["network small, 28 pixels a side, grey".to_owned()],
        classes: vec![
            ClassImages { name: "down".to_owned(), training: 15, test: 20 },
            ClassImages { name: "across".to_owned(), training: 400, test: 40 },
        ],
        treatments: vec![
            treatment("none", &[0.0, 0.8], None),
            treatment("drs", &[0.75, 0.6], Some([0.275, 0.21, 0.44])),
            treatment("mixup", &[0.3, 0.9], Some([0.2, -0.05, 0.45])),
        ],
        summary: vec![
            "drs is better than plain training: ACSA +0.275.".to_owned(),
            "Not told apart from drs: mixup.".to_owned(),
        ],
        made: Vec::new(),
        failed: Vec::new(),
        unreadable: 0,
        warnings: Vec::new(),
        complete: true,
        step_seconds: Some(0.25),
        markdown: "# Treatments".to_owned(),
        csv: "treatment,class".to_owned(),
        page: None,
        classifiers: None,
    }
}

/// 2025-12-31 23:59 UTC.
const LATE: i64 = 1_767_225_599;

fn kept(run: i64, started: i64, report: Report) -> Arc<Kept> {
    Arc::new(Kept {
        run,
        started: Some(started),
        status: "finished".to_owned(),
        choice: Some(report.choice.clone()),
        report: Some(Arc::new(report)),
    })
}

fn compared(report: Report) -> State {
    let mut state = bars();
    state.project.as_mut().unwrap().comparisons = vec![kept(4, LATE, report)];
    state
}

fn with_job(mut state: State, kind: JobKind, view: JobView) -> State {
    state.jobs.push(JobSlot { kind, view });
    state
}

#[test]
fn every_face_in_both_themes() {
    for theme in THEMES {
        assert_sees(&harness(State::new(), theme), &["Nothing to compare", "Open folder…"]);
        assert_sees(
            &harness(bars(), theme),
            &[
                "Nothing compared yet",
                "60\u{a0}real images of the test part",
                "across 40, down 20",
                "Plain training",
                "Free remedies: no image is made",
                "Exported folders",
                "Seeds",
                "Device",
                "18\u{a0}trainings",
                "Time: not known yet",
                "Compare the treatments",
                "Time a few steps",
            ],
        );

        let mut running = with_job(bars(), JobKind::Evaluate, job(JobState::Running));
        running.evaluate.running = Some(choice());
        assert_sees(
            &harness(running, theme),
            &[
                "training drs with seed 6 · 1\u{a0}200 of 6\u{a0}000 · 1 min 15 s · 2 min 5 s left",
                "none: ACSA 0.500, 0.562 · 1\u{a0}seed to go",
                "drs: ACSA 0.750 · training with seed 6 · 1\u{a0}seed to go",
                "mixup: seed 5 failed · 2\u{a0}seeds to go",
                "the folder holds 3 made images",
                "mixup with seed 5: training ran away",
                "Pause",
                "Stop and compare",
                "Cancel",
                "a comparison runs; wait for it or stop it",
            ],
        );
        let paused = with_job(bars(), JobKind::Evaluate, job(JobState::Paused));
        assert_sees(&harness(paused, theme), &["Paused: nothing is lost", "Resume"]);
        let cancelling = with_job(bars(), JobKind::Evaluate, job(JobState::Cancelling));
        assert_sees(&harness(cancelling, theme), &["Cancelling…"]);
        let broken = JobState::Failed("the disk is full: /nowhere".to_owned());
        let failed = with_job(bars(), JobKind::Evaluate, job(broken));
        assert_sees(
            &harness(failed, theme),
            &["The comparison failed; what was measured is kept", "the disk is full", "failed after"],
        );
        assert_sees(
            &harness(compared(report()), theme),
            &[
                "2025-12-31 23:59 UTC · small · 1\u{a0}000\u{a0}steps · 3\u{a0}seeds · 60\u{a0}test images",
                "drs is better than plain training",
                "drs: ACSA 0.675 ± 0.020, macro F1 0.500 ± 0.020, G-mean 0.400 ± 0.020, accuracy 0.900 ± \
                 0.020; against none +0.275 (+0.210 to +0.440), better",
                "against none +0.200 (-0.050 to +0.450), not told apart",
                "the others are held against it",
                "across, 400 training and 40 test images: recall 0.800 ± 0.010 with none, 0.600 ± 0.010 with \
                 drs",
                "across, 400 training images: recall -25\u{a0}%, precision -25\u{a0}%, F0.5 -25\u{a0}% with \
                 drs against none",
                "down, 15 training images: recall from 0, precision from 0, F0.5 from 0 with drs",
                "down, 120 answers: 90 said down, 30 said across",
                "network small, 28 pixels a side, grey",
                "Copy as Markdown",
            ],
        );
    }
}

#[test]
fn without_a_test_part_folds_are_offered() {
    let mut harness = harness(evaluated(&[("across", 40, 0), ("down", 15, 0)]), Theme::Dark);
    assert_sees(
        &harness,
        &[
            "There is no test part, so the images are held out in turn: 5-fold cross-validation",
            "at most 90\u{a0}trainings",
        ],
    );
    assert!(Command::Evaluate.enabled(&harness.state().state));
    harness.get_by_label("Cut parts off in Data…").click();
    harness.run_steps(2);
    let out = &harness.state().out;
    assert!(
        matches!(out[0], Action::Do(Command::GoData)) && matches!(out[1], Action::OfferSplits),
        "{out:?}"
    );
    // 55 images, 44 of them learnt from: one batch.
    let state = &mut harness.state_mut().state;
    state.evaluate.network = Some("small".to_owned());
    (state.evaluate.length, state.evaluate.epochs) = (Length::Epochs, 7);
    harness.run_steps(2);
    assert_sees(&harness, &["at most 90\u{a0}trainings of about 7\u{a0}steps each"]);
    harness.state_mut().state.evaluate.length = Length::Steps;
    harness.run_steps(2);
    assert_sees(&harness, &["at most 90\u{a0}trainings of 1\u{a0}000\u{a0}steps each"]);
    // Another number of folds, which a choice keeps.
    assert_sees(&harness, &["Folds"]);
    assert!(!sees(&self::harness(bars(), Theme::Dark), "Folds"), "there is a test part");
    let state = &mut harness.state_mut().state;
    state.evaluate.folds = Some(3);
    let chosen = state.evaluate.choice(&settings()).unwrap();
    assert_eq!(chosen.folds, Some(3));
    harness.run_steps(2);
    assert_sees(&harness, &["in turn: 3-fold cross-validation", "at most 54\u{a0}trainings of 1"]);
    let state = &mut harness.state_mut().state;
    state.evaluate.take(&choice());
    assert_eq!(state.evaluate.folds, None);
    state.evaluate.take(&chosen);
    assert_eq!(state.evaluate.folds, Some(3));
    let state = &mut harness.state_mut().state;
    state.evaluate.add_folder(Path::new("/data/balanced"));
    let why = why_no_comparison(state).unwrap();
    assert!(why.contains("cross-validation holds out") && why.contains("Leave the folders out"), "{why}");
    assert!(!Command::Evaluate.enabled(state));

    // A folder of parts gets its test part as a folder.
    let mut parts = evaluated(&[("across", 40, 0), ("down", 15, 0)]);
    Arc::make_mut(&mut parts.project.as_mut().unwrap().dataset).has_splits = true;
    let harness = self::harness(parts, Theme::Light);
    assert_sees(&harness, &["5-fold cross-validation", "into a folder test, then read again"]);
    assert!(harness.query_by_label("Cut parts off in Data…").is_none());

    let folds = Report { folds: Some(5), ..report() };
    assert_eq!(measured_words(&folds), "60\u{a0}images in 5 folds");
    assert_sees(&self::harness(compared(folds), Theme::Dark), &["3\u{a0}seeds · 60\u{a0}images in 5 folds"]);
}

#[test]
fn what_stops_a_comparison_is_said_with_its_remedy() {
    for (state, word) in [
        (evaluated(&[("across", 40, 20)]), "one class alone"),
        (evaluated(&[("across", 40, 20), ("down", 0, 20)]), "down has no training image"),
    ] {
        let why = why_no_comparison(&state).unwrap();
        assert!(why.contains(word), "{why}");
        assert_eq!(Command::Evaluate.why_disabled(&state), Some(why));
    }
    let mut state = evaluated(&[("across", 40, 20), ("down", 9, 20)]);
    assert_eq!(why_no_comparison(&state), None);
    assert!(Command::Evaluate.enabled(&state));
    state.evaluate.chosen.clear();
    assert!(why_no_comparison(&state).unwrap().contains("at least one"));
    state.evaluate.typed = "drw:beta=2".to_owned();
    assert!(why_no_comparison(&state).unwrap().contains("beta must be"));
    state.evaluate.typed = "drw:beta=0.9".to_owned();
    assert_eq!(why_no_comparison(&state), None);
    // Work that takes the whole machine, one at a time.
    state.jobs.push(JobSlot { kind: JobKind::Train, view: job(JobState::Running) });
    assert!(!Command::Evaluate.enabled(&state) && !Command::TimeSteps.enabled(&state));
    state.jobs[0].kind = JobKind::Evaluate;
    assert!(!Command::StartTraining.enabled(&state) && Command::PauseJob.enabled(&state));
    state.jobs.clear();
    state.project.as_mut().unwrap().read_only = Some("another window has it open".to_owned());
    assert!(!Command::Evaluate.enabled(&state));
}

#[test]
fn the_form_chooses_and_counts() {
    let mut harness = harness(bars(), Theme::Light);
    let chosen = |harness: &Harness<'_, World>| harness.state().state.evaluate.chosen.clone();
    assert_eq!(chosen(&harness), BTreeSet::from(FIRST_CHOICE));
    harness.get_by_role_and_label(Role::CheckBox, "Mixup").click();
    harness.run_steps(2);
    assert!(chosen(&harness).contains("mixup"));
    // Threshold scaling takes the plain network of its seed.
    assert_sees(&harness, &["21\u{a0}trainings"]);
    harness.get_by_label("Choose none").click();
    harness.run_steps(2);
    assert!(chosen(&harness).is_empty());
    assert_sees(&harness, &["Choose at least one treatment"]);
    harness.get_by_label("Choose all").click();
    harness.run_steps(2);
    assert_eq!(chosen(&harness).len(), 22);

    let typed = "Treatments with other parameters";
    harness.get_by_role_and_label(Role::TextInput, typed).focus();
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::TextInput, typed).type_text("nothing");
    harness.run_steps(2);
    assert_sees(&harness, &["there is no treatment \"nothing\""]);
    harness.state_mut().state.evaluate.typed = "mixup+ldam, drs+class-aware".to_owned();
    harness.run_steps(2);
    assert_sees(&harness, &["both change how images are drawn"]);
    harness.state_mut().state.evaluate.typed = "drw:beta=0.9, mixup+drs".to_owned();
    harness.run_steps(2);
    assert!(!sees(&harness, "do not combine") && !sees(&harness, "there is no treatment"));
    // Before anything is trained.
    assert!(!sees(&harness, "made twice") && !sees(&harness, "nothing left to correct"));
    harness.state_mut().state.evaluate.typed = "class-aware+weights-balanced, random+drs".to_owned();
    harness.run_steps(2);
    assert_sees(
        &harness,
        &[
            "the correction is made twice: the rarest class counts 26.7 times",
            "drs has nothing left to correct",
        ],
    );
    harness.state_mut().state.evaluate.typed = "drw:beta=0.9, mixup+drs".to_owned();
    harness.run_steps(2);

    // The form is longer than the window: a box below its edge is pressed by its name.
    for box_name in ["cropped at random", "mirrored at random"] {
        harness.get_by_role_and_label(Role::CheckBox, box_name).click_accesskit();
        harness.run_steps(2);
    }
    assert_eq!(harness.state().state.evaluate.augment, Augment { crop: true, flip: true });

    // A folder by its path, and off again.
    harness.get_by_role_and_label(Role::TextInput, "Path of an exported folder").focus();
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::TextInput, "Path of an exported folder").type_text("/data/mixup");
    harness.run_steps(2);
    harness.key_press_modifiers(Modifiers::NONE, Key::Enter);
    harness.run_steps(2);
    let folders = harness.state().state.evaluate.folders.clone();
    assert_eq!((folders[0].name.as_str(), folders[0].chosen), ("mixup-2", true), "no treatment's name");
    harness.get_by_label("Remove mixup-2").click();
    harness.run_steps(2);
    assert!(harness.state().state.evaluate.folders.is_empty());
    // What this project exported is offered, not chosen.
    harness.state_mut().state.project.as_mut().unwrap().exports = vec![PathBuf::from("/data/bars-balanced")];
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::CheckBox, "bars-balanced").click();
    harness.run_steps(2);
    assert!(harness.query_by_label("Remove bars-balanced").is_none());
    let state = &harness.state().state;
    let choice = state.evaluate.choice(&settings()).unwrap();
    let folder = NamedFolder { name: "bars-balanced".to_owned(), dir: PathBuf::from("/data/bars-balanced") };
    assert_eq!(choice.folders, [folder]);
    assert_eq!(choice.treatments.len(), 24);
    // 19 of the table train by themselves, plain training, two that were typed and the folder; three seeds.
    assert_eq!(choice.trainings(), (19 + 1 + 2 + 1) * 3);
    assert_eq!(choice.names()[0], "none");
    assert!(choice.names().contains(&"drs+mixup".to_owned()), "in the order of the table");
    let mut again = State::new();
    again.evaluate.take(&choice);
    assert_eq!(again.evaluate.choice(&settings()).unwrap(), choice, "what was chosen is filled in again");

    harness.key_press_modifiers(Modifiers::COMMAND, Key::R);
    harness.run_steps(2);
    assert!(commands(&harness).contains(&Command::Evaluate));
}

#[test]
fn generators_are_chosen_by_name() {
    let mut state = bars();
    state.evaluate.chosen.clear();
    state.evaluate.network = Some("small".to_owned());
    (state.evaluate.length, state.evaluate.steps) = (Length::Steps, 1000);
    state.project.as_mut().unwrap().settings.device = "cpu".to_owned();
    let mut harness = harness(state, Theme::Dark);
    assert_sees(
        &harness,
        &[
            "Generators",
            "makes more of the small classes, up to the target of Plan",
            "Slow: each is trained anew",
        ],
    );
    assert!(harness.state().state.evaluate.generators.is_empty(), "none is chosen at first");
    // Of each method, what it does in everyday words.
    let jargon =
        [" GAN", "latent", "discriminator", "critic", "encoder", "decode", "code", "adversarial", "gradient"];
    for info in MadeTreatment::table() {
        assert!(info.hint.ends_with('.') && info.hint.chars().count() <= 90, "{}", info.hint);
        assert!(!jargon.iter().any(|word| info.hint.contains(word)), "{}", info.hint);
        assert!(sees(&harness, info.hint), "{}", info.hint);
        let short = info.label.split(',').next().unwrap();
        let more = if info.method.needs_training { "" } else { " to the target" };
        let name = format!("{short}{more}");
        assert!(harness.query_by_role_and_label(Role::CheckBox, name.as_str()).is_some(), "{name}");
    }
    assert!(!sees(&harness, "Generators: "), "none has to learn");
    let chosen = |harness: &Harness<'_, World>| harness.state().state.evaluate.choice(&settings()).unwrap();
    harness.get_by_role_and_label(Role::CheckBox, "BAEGAN").click();
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::CheckBox, "Random oversampling to the target").click();
    harness.run_steps(2);
    assert_eq!(chosen(&harness).treatments, ["baegan", "random"]);
    assert!(
        sees(&harness, "Train on made images alone, too") && !chosen(&harness).made_alone,
        "only where asked"
    );
    let state = &mut harness.state_mut().state;
    state.evaluate.made_alone = true;
    assert!(chosen(&harness).made_alone);
    let without = BTreeSet::new();
    let with = std::mem::replace(&mut harness.state_mut().state.evaluate.generators, without);
    assert!(!chosen(&harness).made_alone, "nothing is made");
    harness.state_mut().state.evaluate.generators = with;
    assert_eq!(chosen(&harness).of_every_class(), ["baegan"]);
    assert_eq!(chosen(&harness).trainings(), 12, "one more with each seed");
    harness.state_mut().state.evaluate.made_alone = false;
    harness.run_steps(2);
    // A classifier of its own for each and plain training, with three seeds; what repeats has nothing to learn.
    assert_sees(
        &harness,
        &[
            "Classifiers: 9\u{a0}trainings of 1\u{a0}000\u{a0}steps each. Generators: 3\u{a0}trainings.",
            "Time a few steps to see that of the classifiers; the generators' own training is not measured yet \
             (baegan) and may take much longer.",
        ],
    );
    let workload = harness.state().state.workload().unwrap();
    let pace = Pace { workload: workload.clone(), network: Preset::Small, step_seconds: 0.1, of: None };
    harness.state_mut().state.evaluate.timed = Face::Full(pace);
    harness.run_steps(2);
    assert_sees(
        &harness,
        &["About 15 min of training: 0.100 s a step, as timed here; plus the generators' own training, not \
             measured yet (baegan), which may take much longer."],
    );
    // What a comparison of the same work measured counts, for each seed.
    let of = |seed: u64, seconds| MadeOf {
        name: "baegan+mixup".to_owned(),
        seed,
        filled: Some(Filled { slots: 385, made: 300 }),
        seconds,
        ..MadeOf::default()
    };
    let measured = Report {
        choice: Choice { treatments: vec!["baegan+mixup".to_owned()], ..chosen(&harness) },
        workload,
        made: vec![of(5, Some(500.0)), of(6, Some(700.0)), of(7, None)],
        ..report()
    };
    let state = &mut harness.state_mut().state;
    state.project.as_mut().unwrap().comparisons = vec![kept(4, LATE, measured)];
    harness.run_steps(2);
    // 15 minutes and three times 600 seconds.
    assert_sees(
        &harness,
        &["About 45 min of training", "baegan 600 s under each seed, as in the comparison of 2025-12-31"],
    );
    assert!(!sees(&harness, "not measured yet"));

    // Of many only some are named, so that the button below stays where it is.
    let all: BTreeSet<_> = MadeTreatment::table().iter().map(|info| info.id).collect();
    let state = &mut harness.state_mut().state;
    let few = std::mem::replace(&mut state.evaluate.generators, all);
    harness.run_steps(2);
    assert_sees(
        &harness,
        &["not measured yet (m2m-online, m2m-export, deepsmote and 7 more), which may take"],
    );
    let names: Vec<String> = chosen(&harness).generators();
    let state = &mut harness.state_mut().state;
    let first = Arc::make_mut(&mut state.project.as_mut().unwrap().comparisons[0]);
    let report = Arc::make_mut(first.report.as_mut().unwrap());
    let made = names.iter().map(|name| MadeOf { name: name.clone(), ..of(5, Some(60.0)) });
    report.made = made.collect();
    harness.run_steps(2);
    assert_sees(
        &harness,
        &["m2m-export 60 s under each seed, as in", "; with 8\u{a0}more generators that were measured."],
    );
    assert!(!sees(&harness, "not measured yet") && !sees(&harness, "deepsmote 60 s"));
    harness.get_by_label("Choose none of the generators").click();
    harness.run_steps(2);
    let state = &mut harness.state_mut().state;
    assert!(state.evaluate.generators.is_empty());
    state.evaluate.generators = few;
    harness.run_steps(2);

    // Another length is another time, and stays with the choice.
    harness.get_by_role_and_label(Role::CheckBox, "Epochs of each generator").click();
    harness.run_steps(2);
    harness.state_mut().state.evaluate.generator_epochs = 7;
    harness.run_steps(2);
    assert_sees(&harness, &["not measured yet (baegan)"]);
    let choice = chosen(&harness);
    assert_eq!((choice.generator_epochs, choice.lasting()), (Some(7), Some(7)));
    harness.state_mut().state.evaluate.typed = "smote+mixup, baegan:epochs=3".to_owned();
    let choice = chosen(&harness);
    assert_eq!(choice.names(), ["none", "baegan", "random", "smote+mixup", "baegan:epochs=3"]);
    assert_eq!(choice.generators(), ["baegan", "smote", "baegan:epochs=3"]);
    assert_eq!(choice.trainings(), 5 * 3);
    let mut again = State::new();
    again.evaluate.take(&choice);
    assert_eq!(again.evaluate.choice(&settings()).unwrap(), choice, "what was chosen is filled in again");
    // Classes are filled as Plan has it, and M2m on-line trains its own classifier and fills none.
    let halved = Settings { target: Target::Count(200), ..settings() };
    assert_eq!(again.evaluate.choice(&halved).unwrap().target, Target::Count(200));
    again.evaluate.typed.clear();
    again.evaluate.generators = BTreeSet::from(["m2m-online"]);
    let choice = again.evaluate.choice(&halved).unwrap();
    assert_eq!((choice.target.clone(), choice.generator_epochs), (Target::Max, None));
    assert_eq!((choice.trainings(), choice.generators()), (3, vec!["m2m-online".to_owned()]));
    assert!(why_no_comparison(&harness.state().state).is_none());
}

#[test]
fn a_generator_at_work_says_its_stage() {
    let with = |stage: &str, done: u64, total: u64| JobView {
        stage: stage.to_owned(),
        done,
        total,
        unmeasured: "the generators' own training, not measured yet (baegan)".to_owned(),
        ..job(JobState::Running)
    };
    let choice = Choice { treatments: vec!["drs".to_owned(), "baegan".to_owned()], ..choice() };
    for theme in THEMES {
        let view = with("baegan with seed 6: training the judge, epoch 3 of 20", 120, 3000);
        let mut running = with_job(bars(), JobKind::Evaluate, view);
        running.evaluate.running = Some(choice.clone());
        assert_sees(
            &harness(running, theme),
            &[
                "fitting baegan, seed 2 of 3: training the judge, epoch 3 of 20 · 120 of 3\u{a0}000",
                "2 min 5 s left, plus the generators' own training, not measured yet (baegan)",
                "baegan: fitting with seed 6: training the judge, epoch 3 of 20 · 2\u{a0}seeds to go",
                "drs: ACSA 0.750 · 2\u{a0}seeds to go",
                "Pause",
            ],
        );
    }
    let making = with("baegan with seed 5, fold 2: making images of down", 64, 112);
    assert_eq!(
        queue_words(&making, &choice, "baegan"),
        "with seed 5, fold 2: making images of down, 64 of 112 · 2\u{a0}seeds to go"
    );
    let mut running = with_job(bars(), JobKind::Evaluate, making);
    running.evaluate.running = Some(choice.clone());
    assert_sees(&harness(running, Theme::Light), &["baegan, seed 1 of 3, fold 2: making images of down"]);
    // Its own notes are no failure of what goes on.
    let mut noted = with("training baegan with seed 5", 1, 2);
    noted.notes = vec![(Level::Error, "baegan with seed 5: training ran away; the model keeps".to_owned())];
    assert_eq!(queue_words(&noted, &choice, "baegan"), "training with seed 5 · 2\u{a0}seeds to go");
}

#[test]
fn what_generators_gave_stands_in_the_report() {
    let of = |seed: u64, made: usize, seconds| MadeOf {
        name: "smote".to_owned(),
        seed,
        filled: Some(Filled { slots: 16, made }),
        seconds,
        ..MadeOf::default()
    };
    let whole = Report { made: vec![of(5, 12, Some(41.23)), of(6, 0, None)], ..report() };
    for theme in THEMES {
        assert_sees(
            &harness(compared(whole.clone()), theme),
            &[
                "What generators gave",
                "smote: seed 5, 12 of 16 slots have an accepted image, 4 a repeat; 41.2 s of learning",
                "smote: seed 6, all 16 slots have a repeat; not done in one go",
            ],
        );
        assert!(!sees(&harness(compared(report()), theme), "What generators gave"));
    }
    let recalls = vec![ClassRecall { class: "down".to_owned(), recall: Some(0.25) }];
    let alone = MadeAlone { generator: "smote".to_owned(), slots: 40, made: 38, acsa: Some(0.5), recalls };
    let made = vec![MadeOf { alone: Some(alone), ..of(5, 12, None) }];
    assert_sees(
        &harness(compared(Report { made, ..report() }), Theme::Light),
        &[
            "Trained on made images alone",
            "smote with seed 5, trained on made images alone: ACSA 0.500, 38 of 40 images; recall down 0.250",
        ],
    );
    // Two of them side by side, class by class.
    let figure = MadeFigure {
        features: "g, held out".to_owned(),
        name: "judge accuracy".to_owned(),
        value: 0.5,
        sd: None,
        floor: Some(0.75),
        n_made: 16,
        n_real: 4,
    };
    let told = |value: f64| MadeClass {
        class: "down".to_owned(),
        fold: None,
        made: 16,
        accepted: 12,
        figures: vec![MadeFigure { value, ..figure.clone() }],
    };
    let with = |name: &str, seed: u64, value: f64| MadeOf {
        name: name.to_owned(),
        classes: vec![told(value)],
        ..of(seed, 12, None)
    };
    let made = vec![with("smote", 5, 0.5), with("smote", 6, 0.7), with("baegan", 5, 0.25)];
    assert_sees(
        &harness(compared(Report { made, ..report() }), Theme::Dark),
        &[
            "down by smote: 32 made, 24 accepted; judge accuracy 0.600 (real held out 0.750, N 16 made, 4 real)",
            "down by baegan: 16 made, 12 accepted; judge accuracy 0.250",
        ],
    );
}

#[test]
fn a_time_is_shown_only_where_steps_were_measured() {
    let mut state = bars();
    state.evaluate.chosen = BTreeSet::from(["class-aware", "drs", "threshold"]);
    state.evaluate.network = Some("small".to_owned());
    (state.evaluate.length, state.evaluate.steps) = (Length::Steps, 1000);
    state.project.as_mut().unwrap().settings.device = "cpu".to_owned();
    let mut harness = harness(state, Theme::Dark);
    assert_sees(&harness, &["9\u{a0}trainings of 1\u{a0}000\u{a0}steps each", "Time: not known yet"]);
    harness.get_by_label("Time a few steps").click();
    harness.run_steps(2);
    assert_eq!(commands(&harness), [Command::TimeSteps]);
    harness.state_mut().state.evaluate.timed = Face::Loading;
    harness.run_steps(2);
    assert_sees(&harness, &["Timing a few steps"]);
    harness.state_mut().state.evaluate.timed = Face::Failed("the device was lost".to_owned());
    harness.run_steps(2);
    assert_sees(&harness, &["the device was lost"]);
    let workload = harness.state().state.workload().unwrap();
    let pace = Pace { workload, network: Preset::Small, step_seconds: 0.1, of: None };
    harness.state_mut().state.evaluate.timed = Face::Full(pace);
    harness.run_steps(2);
    assert_sees(&harness, &["About 15 min of training: 0.100 s a step, as timed here."]);
    // Other images, other time.
    harness.state_mut().state.project.as_mut().unwrap().settings.size = Some(64);
    harness.run_steps(2);
    assert_sees(&harness, &["Time: not known yet"]);
    // A comparison of the same work says it too.
    let state = &mut harness.state_mut().state;
    state.project.as_mut().unwrap().settings.size = None;
    state.evaluate.timed = Face::Empty;
    let same = Report { workload: state.workload().unwrap(), ..report() };
    state.project.as_mut().unwrap().comparisons = vec![kept(4, LATE, same)];
    harness.run_steps(2);
    assert_sees(&harness, &["About 37 min of training: 0.250 s a step, as in the comparison of 2025-12-31"]);
    let state = &mut harness.state_mut().state;
    state.evaluate.length = Length::Epochs;
    // 415 images are four batches.
    assert_eq!(state.estimate().unwrap().steps, Some(80));
    state.evaluate.length = Length::Usual;
    assert_eq!(state.estimate().unwrap().steps, Some(2000));
    state.evaluate.network = None;
    assert_eq!(state.estimate().unwrap().time(), None, "another network was timed");
}

#[test]
fn rows_are_in_order_and_choose_what_the_charts_show() {
    let mut harness = harness(compared(report()), Theme::Dark);
    let names = |harness: &Harness<'_, World>| -> Vec<String> {
        let rows = harness.query_all_by(|node| {
            node.role() == Role::Button && node.label().is_some_and(|label| label.contains(": ACSA "))
        });
        let mut rows: Vec<(f32, String)> = rows
            .map(|node| {
                use egui_kittest::kittest::NodeT as _;
                let name = node.accesskit_node().label().unwrap_or_default();
                (node.rect().top(), name.split(':').next().unwrap_or_default().to_owned())
            })
            .collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        rows.into_iter().map(|(_, name)| name).collect()
    };
    assert_eq!(names(&harness), ["drs", "mixup", "none"], "by falling ACSA");
    assert_sees(&harness, &["Recall of each class · drs", "Answers · drs"]);
    harness.get_by_label_contains("mixup: ACSA").click();
    harness.run_steps(2);
    assert_eq!(harness.state().state.evaluate.treatment.as_deref(), Some("mixup"));
    assert_sees(
        &harness,
        &["Recall of each class · mixup", "across, 400 training images: recall +12\u{a0}%"],
    );
    harness.get_by_label_contains("none: ACSA").click();
    harness.run_steps(2);
    assert!(!sees(&harness, "Change against none"), "it does not change against itself");
    assert_sees(&harness, &["down was never said with 1\u{a0}seed: its precision is 0 of 0."]);
    assert!(!sees(&harness, "Recall by number of training images"), "two classes are no groups");

    harness.get_by_label("Copy as CSV").click();
    harness.run_steps(2);
    harness.get_by_label("Copy as Markdown").click();
    harness.run_steps(2);
    let out = &harness.state().out;
    assert!(matches!(&out[0], Action::Copy(text) if text == "treatment,class"), "{out:?}");
    assert!(matches!(&out[1], Action::Copy(text) if text == "# Treatments"), "{out:?}");
    let saves = [Command::SaveTable, Command::SaveReport, Command::SaveChart];
    for dialog_open in [true, false] {
        harness.state_mut().state.dialog_open = dialog_open;
        harness.run_steps(2);
        harness.state_mut().out.clear();
        for command in saves {
            harness.get_by_role_and_label(Role::Button, command.text()).click();
            harness.run_steps(2);
        }
        assert_eq!(commands(&harness), if dialog_open { Vec::new() } else { saves.to_vec() });
    }
    harness.get_by_role_and_label(Role::TextInput, "Path of a file to save").focus();
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::TextInput, "Path of a file to save").type_text("/data/table.csv");
    harness.run_steps(2);
    harness.key_press_modifiers(Modifiers::NONE, Key::Enter);
    harness.run_steps(2);
    let saves = |a: &Action| matches!(a, Action::SaveTable(path) if path == Path::new("/data/table.csv"));
    assert!(harness.state().out.iter().any(saves));
    harness.state_mut().state.evaluate.saved = Face::Failed("the file exists".to_owned());
    harness.run_steps(2);
    assert_sees(&harness, &["the file exists"]);
}

/// The page of a comparison of the same names, mixup taken for a generator.
fn page() -> Page {
    let part = TestPart {
        classes: vec!["down".to_owned(), "across".to_owned()],
        training: vec![15, 400],
        truth: vec![0, 0, 1, 1],
        units: Vec::new(),
    };
    let entry = |name: &str, adds| Entry { name: name.to_owned(), label: name.to_owned(), adds };
    let entries = [entry("none", Adds::Nothing), entry("drs", Adds::Nothing), entry("mixup", Adds::Made)];
    let run = |name: &str, said: [usize; 4]| Run {
        name: name.to_owned(),
        seed: 5,
        said: said.to_vec(),
        auroc: None,
        auprc: None,
        calibration_error: None,
    };
    let runs = [run("none", [1, 1, 1, 1]), run("drs", [0, 0, 1, 0]), run("mixup", [0, 1, 1, 1])];
    let draws = Draws { draws: 50, ..Draws::default() };
    let found = Comparison::of(&Ctx::default(), part, &entries, "none", &runs, &draws).unwrap();
    Page::of(&found, About::default())
}

#[test]
fn more_figures_are_a_click_away() {
    for theme in THEMES {
        let whole = Report { page: Some(page()), ..report() };
        let mut harness = harness(compared(whole), theme);
        assert_sees(&harness, &["Images added, against drs", "mixup: against drs +0.000 ("]);
        assert!(!sees(&harness, "MCC of drs"), "folded away");
        harness.get_by_label("More figures · drs").click();
        harness.run_steps(30);
        for (_, name) in Comparison::figure_names() {
            assert_sees(&harness, &[format!("{name} of drs: mean ± SD ").as_str()]);
        }
        assert_sees(
            &harness,
            &[
                "ACSA of drs: mean ± SD 0.675 ± 0.020, 95 % interval ",
                "none 0.400 ± 0.020; against none +0.250 (",
                "AUPRC of drs: mean ± SD –, 95 % interval –, none –",
                "across with drs: precision 0.300 ± 0.010, recall 0.600 ± 0.010, F1 0.600 ± 0.010, F0.5 0.600 ± 0.010; \
                 recall 95 % interval ",
                ", against none +",
                "across with drs: precision 0.300 ± 0.010, recall 0.600 ± 0.010, F1 0.600 ± 0.010, F0.5 0.600",
                "near 1 and the figure lies higher",
            ],
        );
        // Of what is chosen, and read by keys as the rows above.
        harness.get_by_label_contains("mixup: against drs").click();
        harness.run_steps(30);
        assert_eq!(harness.state().state.evaluate.treatment.as_deref(), Some("mixup"));
        assert_sees(&harness, &["ACSA of mixup: mean ± SD ", "down with mixup: precision 0.150 ± 0.010"]);
        let row = "AUPRC of mixup: mean ± SD –, 95 % interval –, none –";
        harness.get_by_role_and_label(Role::Row, row).focus();
        harness.run_steps(2);
        assert!(harness.get_by_role_and_label(Role::Row, row).is_focused());
    }
    // An earlier version kept no page: means stand alone.
    let mut harness = harness(compared(report()), Theme::Dark);
    assert!(!sees(&harness, "Images added"));
    harness.get_by_label("More figures · drs").click();
    harness.run_steps(30);
    assert_sees(&harness, &["ACSA of drs: mean ± SD 0.675 ± 0.020, 95 % interval –, none 0.400 ± 0.020"]);
}

#[test]
fn groups_stand_where_there_are_enough_classes() {
    let mut three = report();
    three.classes.push(ClassImages { name: "both".to_owned(), training: 40, test: 30 });
    for treatment in &mut three.treatments {
        let third = treatment.classes[0];
        treatment.classes.push(third);
        treatment.confusion = vec![vec![1, 0, 0]; 3];
    }
    let harness = harness(compared(three), Theme::Light);
    assert_sees(
        &harness,
        &[
            "Recall by number of training images",
            "drs: recall of classes with many (over 100) 0.750 ± 0.020, medium –, few (under 20) 0.600",
        ],
    );
}

#[test]
fn what_is_missing_of_a_comparison_is_said() {
    for theme in THEMES {
        let mut part = report();
        part.complete = false;
        part.unreadable = 2;
        part.warnings = vec!["1 of 60 test images are also training images".to_owned()];
        part.failed =
            vec![FailedRun { name: "mixup".to_owned(), seed: 6, reason: "training ran away".to_owned() }];
        assert_sees(
            &harness(compared(part), theme),
            &[
                "It was stopped before its end",
                "1\u{a0}training gave no classifier",
                "mixup with seed 6: training ran away",
                "2\u{a0}images could not be decoded",
                "1 of 60 test images are also training images",
            ],
        );

        // One that was killed goes on.
        let mut state = bars();
        let killed = Kept {
            run: 5,
            started: Some(LATE),
            status: "interrupted".to_owned(),
            choice: Some(choice()),
            report: None,
        };
        state.project.as_mut().unwrap().comparisons = vec![Arc::new(killed)];
        let mut harness = harness(state, theme);
        assert_sees(&harness, &["The comparison of 2025-12-31 23:59 UTC did not end (interrupted)"]);
        harness.get_by_label("Go on").click();
        harness.run_steps(2);
        assert_eq!(commands(&harness), [Command::Evaluate]);
        assert_eq!(harness.state().state.evaluate.choice(&settings()).unwrap(), choice());
        // Without its images it would start nothing.
        harness.state_mut().out.clear();
        harness.state_mut().state.project.as_mut().unwrap().source_missing = Some(PathBuf::from("/gone"));
        harness.run_steps(2);
        harness.get_by_label("Go on").click();
        harness.run_steps(2);
        assert!(commands(&harness).is_empty());
    }
}

#[test]
fn comparisons_of_other_days_stand_beside() {
    let mut state = bars();
    let mut old = report();
    old.treatments = vec![treatment("none", &[0.0, 0.8], None), treatment("drs", &[0.7, 0.6], None)];
    let other = Report { test: "another test part".to_owned(), ..report() };
    state.project.as_mut().unwrap().comparisons =
        vec![kept(1, 0, old), kept(2, 951_782_400, other), kept(4, LATE, report())];
    let mut harness = harness(state, Theme::Dark);
    assert_sees(
        &harness,
        &[
            "1970-01-01 00:00 UTC · 2\u{a0}treatments · 3\u{a0}seeds · ACSA none 0.400, drs 0.650 · same \
             images and settings",
            "2000-02-29 00:00 UTC · 3\u{a0}treatments · 3\u{a0}seeds · ACSA none 0.400, drs 0.675 · other \
             test images: not comparable",
        ],
    );
    assert!(sees(&harness, "mixup: ACSA"));
    // Beside that of the same test images, not of the newer one of others.
    assert_sees(
        &harness,
        &[
            "Then is 1970-01-01 00:00 UTC: same images and settings",
            "drs now and then: ACSA 0.675 ± 0.020, then 0.650 ± 0.020, difference +0.025",
            "none now and then: ACSA 0.400 ± 0.020, then 0.400 ± 0.020, difference +0.000",
        ],
    );
    assert!(!sees(&harness, "mixup now and then"), "it was not compared then");
    harness.get_by_label_contains("1970-01-01 00:00 UTC · 2").click();
    harness.run_steps(2);
    assert_eq!(harness.state().state.evaluate.shown, Some(1));
    assert!(!sees(&harness, "mixup: ACSA"), "the older one has no mixup");
    assert_sees(&harness, &["drs now and then: ACSA 0.650 ± 0.020, then 0.675 ± 0.020, difference -0.025"]);
    harness.state_mut().state.evaluate.shown = Some(2);
    harness.run_steps(2);
    assert!(!sees(&harness, "now and then"), "nothing has its test images");
}

#[test]
fn a_narrow_window_shows_one_of_the_two() {
    for theme in THEMES {
        let mut state = compared(report());
        state.evaluate.form_open = false;
        // As the workspace of a window of 960 by 600.
        let mut harness = shown(vec2(616.0, 524.0), false, evaluate_ui, state, theme);
        assert_sees(&harness, &["Treatments by ACSA", "drs: ACSA"]);
        assert!(!sees(&harness, "Free remedies"));
        harness.get_by_label("Choose").click();
        harness.run_steps(2);
        assert_sees(&harness, &["Free remedies", "Compare the treatments"]);
        assert!(!sees(&harness, "Treatments by ACSA"));
        harness.get_by_label("Results").click();
        harness.run_steps(2);
        assert!(sees(&harness, "Treatments by ACSA"));
        let empty = shown(vec2(616.0, 524.0), false, evaluate_ui, bars(), theme);
        assert_sees(&empty, &["Free remedies"]);
    }
    // All four figures have room there.
    assert_eq!(Columns::of(556.0, 4, true).shown, 4);
    assert_eq!(Columns::of(200.0, 4, true).shown, 1);
}

#[test]
fn in_a_small_window_the_form_scrolls_and_its_button_stays() {
    // As the workspace of a window of 960 by 600, and of one as low where the form stands beside the results.
    for (theme, size) in THEMES.into_iter().zip([vec2(616.0, 524.0), vec2(1000.0, 524.0)]) {
        let window = Rect::from_min_size(Pos2::ZERO, size);
        let mut state = bars();
        state.evaluate.generators = MadeTreatment::table().iter().map(|info| info.id).collect();
        let mut harness = shown(size, false, evaluate_ui, state, theme);
        let button = |harness: &Harness<'_, World>| {
            harness.get_by_role_and_label(Role::Button, "Compare the treatments").rect()
        };
        let place = |harness: &Harness<'_, World>, name: &str| harness.get_by_label(name).rect();
        let start = button(&harness);
        assert!(window.contains_rect(start), "{start:?}");
        let (first, last) = ("Plain training", "Number of epochs");
        assert!(place(&harness, first).bottom() < start.top(), "there is room for the form");
        assert!(place(&harness, last).top() > start.bottom(), "its end does not fit");
        harness.get_by_label(last).scroll_to_me();
        harness.run_steps(3);
        assert_eq!(button(&harness), start);
        assert!(window.contains_rect(place(&harness, last)) && place(&harness, last).bottom() < start.top());
        assert!(place(&harness, first).bottom() < 0.0);
        // Beside words of what is wrong, too.
        harness.state_mut().state.evaluate.typed = "nothing".to_owned();
        harness.run_steps(3);
        assert!(sees(&harness, "there is no treatment \"nothing\""));
        assert!(window.contains_rect(button(&harness)), "{:?}", button(&harness));
    }
}

#[test]
fn words_of_changes_and_of_the_queue() {
    let at = |mean: f64| Some(Mean { mean, sd: None });
    for (before, now, words) in [
        (at(0.5), at(0.59), "+18\u{a0}%"),
        (at(0.5), at(0.25), "-50\u{a0}%"),
        (at(0.5), at(0.501), "0\u{a0}%"),
        (at(0.0), at(0.3), "from 0"),
        (at(0.0), at(0.0), "0\u{a0}%"),
        (None, at(0.3), "–"),
    ] {
        let change = Change::of(before.map(|mean| mean.mean), now.map(|mean| mean.mean));
        assert_eq!(change.words('\u{a0}', "–"), words);
    }
    assert_eq!(mean_words(at(0.5)), "0.500");
    let mut view = job(JobState::Running);
    view.notes.clear();
    assert_eq!(queue_words(&view, &choice(), "mixup"), "waiting");
    view.stage = "training mixup with seed 6, fold 2".to_owned();
    view.notes = vec![(Level::Error, "mixup with seed 5, fold 1: training ran away".to_owned())];
    assert_eq!(
        queue_words(&view, &choice(), "mixup"),
        "seed 5 failed · training with seed 6, fold 2 · 1\u{a0}seed to go"
    );
    // Another seed that begins with the same digit.
    view.stage = "training mixup with seed 60".to_owned();
    view.notes = vec![(Level::Error, "mixup with seed 50: training ran away".to_owned())];
    assert_eq!(queue_words(&view, &choice(), "mixup"), "waiting");
}

#[test]
fn a_treatment_that_waits_can_be_left_out() {
    let mut view = job(JobState::Running);
    view.notes.clear();
    let mut running = with_job(bars(), JobKind::Evaluate, view);
    running.evaluate.running = Some(choice());
    let mut harness = harness(running, Theme::Dark);
    assert_sees(&harness, &["mixup: waiting"]);
    assert!(!sees(&harness, "Leave drs out"), "it is at work");
    harness.get_by_role_and_label(Role::Button, "Leave mixup out").click_accesskit();
    harness.run_steps(2);
    let left = |action: &Action| matches!(action, Action::LeaveOut(name) if name == "mixup");
    assert!(harness.state().out.iter().any(left), "{:?}", harness.state().out);
    harness.state_mut().state.evaluate.left_out.insert("mixup".to_owned());
    harness.run_steps(2);
    assert_sees(&harness, &["mixup: left out"]);
    assert!(!sees(&harness, "Leave mixup out"));
}

// ---- the app ----

const SIDE: u32 = 12;

/// A folder of bars with a test part.
fn write_set(root: &Path) {
    for (split, class, name, count) in [
        ("train", 0, "across", 24),
        ("train", 1, "down", 8),
        ("test", 0, "across", 10),
        ("test", 1, "down", 6),
    ] {
        let folder = root.join(split).join(name);
        fs::create_dir_all(&folder).unwrap();
        let first = if split == "test" { 100 } else { 0 };
        for number in first..first + count {
            let bytes = png(&shapes::picture(class, number, SIDE, 1, false), &[]).unwrap();
            fs::write(folder.join(format!("{number:03}.png")), bytes).unwrap();
        }
    }
}

/// A folder of bars without parts.
fn write_flat(root: &Path) {
    for (class, name, count) in [(0, "across", 10), (1, "down", 6)] {
        let folder = root.join(name);
        fs::create_dir_all(&folder).unwrap();
        for number in 0..count {
            let bytes = png(&shapes::picture(class, number, SIDE, 1, false), &[]).unwrap();
            fs::write(folder.join(format!("{number:03}.png")), bytes).unwrap();
        }
    }
}

/// Reports of the project, the oldest first.
fn reports(app: &App) -> Vec<Arc<Report>> {
    let project = app.state.project.as_ref();
    project.map(|p| p.comparisons.iter().filter_map(|kept| kept.report.clone()).collect()).unwrap_or_default()
}

fn is_over(app: &App) -> bool {
    app.state.running(JobKind::Evaluate).is_none()
}

#[test]
fn a_comparison_of_the_app_is_there_after_a_restart_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    write_set(&folder.path().join("set"));
    {
        let mut harness = window(folder.path());
        assert!(harness.query_by_label("Nothing compared yet").is_some());
        let state = &mut harness.state_mut().state;
        let form = &mut state.evaluate;
        form.chosen = BTreeSet::from(["class-aware"]);
        // As chosen before there was a test part: it is passed over.
        form.folds = Some(3);
        (form.seeds, form.length, form.steps) = (2, Length::Steps, 3);
        form.network = Some("small".to_owned());
        let settings = &mut state.project.as_mut().unwrap().settings;
        (settings.device, settings.size) = ("cpu".to_owned(), Some(SIDE));
        harness.state_mut().act(Action::SettingsChanged);
        settle(&mut harness, "saved", App::is_idle);
        harness.state_mut().act(Action::Do(Command::TimeSteps));
        settle(&mut harness, "a time", |app| app.state.evaluate.timed.full().is_some());
        harness.run_steps(2);
        assert!(harness.query_all_by_label_contains("as timed here").next().is_some());

        harness.state_mut().act(Action::Do(Command::Evaluate));
        settle(&mut harness, "the comparison", |app| reports(app).len() == 1 && is_over(app));
        harness.run_steps(3);
        harness.check_accessibility();
        for words in
            ["Treatments by ACSA", "class-aware: ACSA", "16\u{a0}test images", "Answers · class-aware"]
        {
            assert!(harness.query_all_by_label_contains(words).next().is_some(), "{words}");
        }
        let report = reports(harness.state()).remove(0);
        assert!(report.complete && report.failed.is_empty() && report.step_seconds.is_some());
        assert_eq!(
            report.treatments.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(),
            ["none", "class-aware"]
        );
        let images: u64 = report.treatments[1].confusion.iter().flatten().sum();
        assert_eq!(images, 32, "16 test images, two seeds");

        // Tables in new files alone, and never among the images.
        let table = folder.path().join("table.csv");
        for (path, done) in [
            (table.clone(), true),
            (table.clone(), false),
            (folder.path().join("table.txt"), false),
            (folder.path().join("set/table.md"), false),
            (folder.path().join("page.md"), true),
            (folder.path().join("report.html"), true),
            (folder.path().join("report.html"), false),
            (folder.path().join("chart.svg"), true),
            (folder.path().join("chart.PNG"), true),
            (folder.path().join("chart.PNG"), false),
        ] {
            harness.state_mut().act(Action::SaveTable(path.clone()));
            settle(&mut harness, "a table", |app| app.state.evaluate.saved != Face::Loading);
            assert_eq!(harness.state().state.evaluate.saved.full().is_some(), done, "{}", path.display());
        }
        assert_eq!(fs::read_to_string(&table).unwrap(), report.csv);
        assert!(!folder.path().join("set/table.md").exists());
        let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
        assert!(page.contains("class-aware") && page.contains("--treatments class-aware --seed"), "{page}");
        let chart = fs::read_to_string(folder.path().join("chart.svg")).unwrap();
        assert!(chart.contains("ACSA of each treatment"), "{chart}");
        assert!(fs::read(folder.path().join("chart.PNG")).unwrap().starts_with(b"\x89PNG"));

        // Cancelled at once.
        harness.state_mut().state.evaluate.steps = 200_000;
        harness.state_mut().act(Action::Do(Command::Evaluate));
        settle(&mut harness, "steps", |app| {
            app.state.job(JobKind::Evaluate).is_some_and(|job| job.total > 1000)
        });
        harness.state_mut().act(Action::CancelJob(JobKind::Evaluate));
        settle(&mut harness, "the cancel", is_over);
        assert_eq!(harness.state().state.job(JobKind::Evaluate).unwrap().state, JobState::Cancelled);
        assert_eq!(reports(harness.state()).len(), 1);
        settle(&mut harness, "rest", App::is_idle);
    }
    {
        let mut harness = window(folder.path());
        assert_eq!(reports(harness.state()).len(), 1);
        for words in ["class-aware: ACSA", "did not end (cancelled)"] {
            assert!(harness.query_all_by_label_contains(words).next().is_some(), "{words}");
        }
        // What was chosen last is chosen; with another treatment only that is trained.
        let form = &mut harness.state_mut().state.evaluate;
        assert_eq!((form.seeds, form.steps), (2, 200_000));
        form.steps = 3;
        form.chosen.insert("mixup");
        harness.state_mut().act(Action::Do(Command::Evaluate));
        settle(&mut harness, "the second comparison", |app| reports(app).len() == 2 && is_over(app));
        let notes = harness.state().state.job(JobKind::Evaluate).unwrap().notes.clone();
        assert!(
            notes.iter().any(|(_, text)| text == "going on: 4 classifiers were measured before"),
            "{notes:?}"
        );
        let (old, new) = (reports(harness.state()).remove(0), reports(harness.state()).remove(1));
        assert_eq!(new.treatments.len(), 3);
        assert_eq!(new.treatments[1].confusion, old.treatments[1].confusion, "the same answers");
        assert_eq!((&new.test, &new.training), (&old.test, &old.training));
        harness.run_steps(3);
        assert!(harness.query_by_label("All comparisons of this project").is_some());
        assert!(harness.query_by_label("Go on").is_none());
        settle(&mut harness, "rest", App::is_idle);
    }
}

#[test]
fn a_generator_of_the_app_goes_on_after_a_cancel() {
    let folder = tempfile::tempdir().unwrap();
    write_set(&folder.path().join("set"));
    let mut harness = window(folder.path());
    let state = &mut harness.state_mut().state;
    let form = &mut state.evaluate;
    form.chosen.clear();
    form.typed = "smote:space=pixels:batch=8".to_owned();
    (form.generator_epochs, form.sets_generator_epochs) = (2000, true);
    (form.seeds, form.length, form.steps) = (1, Length::Steps, 2);
    form.network = Some("small".to_owned());
    let settings = &mut state.project.as_mut().unwrap().settings;
    (settings.device, settings.size) = ("cpu".to_owned(), Some(SIDE));
    harness.state_mut().act(Action::SettingsChanged);
    settle(&mut harness, "saved", App::is_idle);
    // Long enough to be cancelled inside of it.
    harness.state_mut().act(Action::Do(Command::Evaluate));
    settle(&mut harness, "the generator", |app| {
        let job = app.state.job(JobKind::Evaluate);
        job.is_some_and(|job| job.stage.contains("with seed 0: training the judge"))
    });
    harness.run_steps(2);
    for words in ["fitting smote", "seed 1 of 1: training the judge"] {
        assert!(harness.query_all_by_label_contains(words).next().is_some(), "{words}");
    }
    harness.state_mut().act(Action::PauseJob(JobKind::Evaluate, true));
    settle(&mut harness, "the pause", |app| {
        app.state.job(JobKind::Evaluate).is_some_and(|job| job.state == JobState::Paused)
    });
    harness.state_mut().act(Action::CancelJob(JobKind::Evaluate));
    settle(&mut harness, "the cancel", is_over);
    settle(&mut harness, "rest", App::is_idle);

    // The same again goes on from its checkpoint; a shorter one is another generator.
    harness.state_mut().act(Action::Do(Command::Evaluate));
    settle(&mut harness, "the checkpoint", |app| {
        let job = app.state.job(JobKind::Evaluate);
        job.is_some_and(|job| job.notes.iter().any(|(_, text)| text.contains("going on from a checkpoint")))
    });
    harness.state_mut().act(Action::CancelJob(JobKind::Evaluate));
    settle(&mut harness, "the cancel", is_over);
    settle(&mut harness, "rest", App::is_idle);
    harness.state_mut().state.evaluate.generator_epochs = 2;
    harness.state_mut().act(Action::Do(Command::Evaluate));
    settle(&mut harness, "the comparison", |app| reports(app).len() == 1 && is_over(app));
    harness.run_steps(3);
    let report = reports(harness.state()).remove(0);
    assert_eq!((report.choice.generator_epochs, report.made.len()), (Some(2), 1));
    assert!(report.made[0].seconds.is_some(), "it took nothing from the longer one");
    for words in ["What generators gave", "seed 0, "] {
        assert!(harness.query_all_by_label_contains(words).next().is_some(), "{words}");
    }
    settle(&mut harness, "rest", App::is_idle);
}

#[test]
fn a_failure_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    write_set(&folder.path().join("set"));
    let mut harness = window(folder.path());
    let state = &mut harness.state_mut().state;
    let form = &mut state.evaluate;
    form.chosen.clear();
    form.add_folder(&folder.path().join("nowhere"));
    form.network = Some("small".to_owned());
    let settings = &mut state.project.as_mut().unwrap().settings;
    (settings.device, settings.size) = ("cpu".to_owned(), Some(SIDE));
    harness.state_mut().act(Action::Do(Command::Evaluate));
    settle(&mut harness, "the failure", |app| app.state.failure(JobKind::Evaluate).is_some());
    settle(&mut harness, "rest", App::is_idle);
    harness.run_steps(3);
    assert!(harness.query_by_label("The comparison failed; what was measured is kept").is_some());
    assert!(harness.query_all_by_label_contains("no such folder").next().is_some());
    let messages = &harness.state().state.notifications;
    let says = |text: &str| text.contains("no such folder");
    assert!(!messages.toasts().iter().any(|(_, message)| says(&message.text)));
    assert!(messages.log().any(|message| says(&message.text)), "the log has it");
}

#[test]
fn a_folder_without_a_test_part_is_compared_in_folds() {
    let folder = tempfile::tempdir().unwrap();
    write_flat(&folder.path().join("set"));
    let mut harness = window(folder.path());
    let state = &mut harness.state_mut().state;
    let form = &mut state.evaluate;
    form.chosen = BTreeSet::from(["threshold"]);
    (form.seeds, form.length, form.steps) = (1, Length::Steps, 2);
    form.network = Some("small".to_owned());
    let settings = &mut state.project.as_mut().unwrap().settings;
    (settings.device, settings.size) = ("cpu".to_owned(), Some(SIDE));
    harness.state_mut().act(Action::SettingsChanged);
    settle(&mut harness, "saved", App::is_idle);
    harness.state_mut().act(Action::Do(Command::Evaluate));
    settle(&mut harness, "the comparison", |app| reports(app).len() == 1 && is_over(app));
    harness.run_steps(3);
    let report = reports(harness.state()).remove(0);
    assert_eq!((report.folds, report.test_images(), report.complete), (Some(5), 16, true));
    assert!(
        report.summary.iter().any(|text| text.contains("5-fold cross-validation")),
        "{:?}",
        report.summary
    );
    for words in ["16\u{a0}images in 5 folds", "the figures are from 5-fold cross-validation"] {
        assert!(harness.query_all_by_label_contains(words).next().is_some(), "{words}");
    }
    harness.state_mut().state.evaluate.folds = Some(3);
    harness.state_mut().act(Action::Do(Command::Evaluate));
    settle(&mut harness, "the comparison in three folds", |app| reports(app).len() == 2 && is_over(app));
    let report = reports(harness.state()).remove(1);
    assert_eq!((report.folds, report.choice.folds, report.test_images()), (Some(3), Some(3), 16));
    settle(&mut harness, "rest", App::is_idle);
}
