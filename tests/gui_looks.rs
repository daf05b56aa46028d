//! Where it looks, in the Evaluate workspace, through the accessibility tree: its empty, loading, failed and full faces in
//! both themes, what is chosen, and whole maps of the app over a restart.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use counterpoise::classify::batches::Augment;
use counterpoise::domain::plan::Target;
use counterpoise::evaluation::saliency::side_by_side::{About, Method, Question};
use counterpoise::evaluation::saliency::{Explainer, SaliencyMap};
use counterpoise::gui::app::App;
use counterpoise::gui::command::{Action, Command};
use counterpoise::gui::regions::Region;
use counterpoise::gui::state::{BUSY, Face, JobKind, JobSlot, Length, Pane, State};
use counterpoise::gui::textures::Textures;
use counterpoise::gui::views::evaluate::{evaluate_ui, why_no_maps};
use counterpoise::gui::widgets::status_bar::status_bar_ui;
use counterpoise::imaging::encode::png;
use counterpoise::imaging::picture::{Picture, Pixels};
use counterpoise::jobs::comparisons::{
    Choice, ClassFigures, ClassImages, Kept, Mean, Report, TreatmentFigures, Workload,
};
use counterpoise::jobs::evaluate::{Budget, Classifiers, KeptClassifier};
use counterpoise::jobs::saliency::{MapCell, MapRow, Maps, TestImage, TestImages};
use counterpoise::jobs::{JobState, JobView};
use egui::accesskit::Role;
use egui::{Theme, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

#[path = "common/gui.rs"]
mod support;

#[path = "common/window.rs"]
mod app_window;

#[path = "common/shapes.rs"]
mod shapes;

use app_window::{settle, window};
use support::{THEMES, World, assert_sees, evaluated, sees, shown};

fn harness(state: State, theme: Theme) -> Harness<'static, World> {
    shown(vec2(1500.0, 1800.0), false, evaluate_ui, state, theme)
}

/// Two classes with test images, in the pane of maps.
fn bars() -> State {
    let mut state = evaluated(&[("across", 20, 2), ("down", 20, 2)]);
    state.evaluate.pane = Pane::Looks;
    state
}

fn treatment(name: &str, acsa: f64) -> TreatmentFigures {
    let mean = |mean: f64| Mean { mean, sd: None };
    let class = ClassFigures {
        recall: Some(mean(acsa)),
        precision: Some(mean(acsa)),
        f1: Some(mean(acsa)),
        f05: Some(mean(acsa)),
        never_said: 0,
    };
    TreatmentFigures {
        name: name.to_owned(),
        label: format!("All about {name}"),
        made: false,
        seeds: vec![5],
        figures: vec![("acsa".to_owned(), mean(acsa))],
        difference: None,
        sentence: None,
        classes: vec![class; 2],
        confusion: vec![vec![1, 1]; 2],
    }
}

fn kept_classifiers() -> Classifiers {
    let of = |name: &str, file: bool, remark: Option<&str>| KeptClassifier {
        name: name.to_owned(),
        images: String::new(),
        file: file.then(|| format!("classifiers/{name}.safetensors")),
        remark: remark.map(str::to_owned),
    };
    Classifiers {
        folder: PathBuf::from("runs/evaluations/some"),
        seed: 5,
        fold: None,
        of: vec![
            of("none", true, None),
            of("drs", true, None),
            of("threshold", true, Some("It takes the plain network.")),
            of("easy-ensemble", false, Some("Its answers come from trees.")),
        ],
    }
}

fn report(classifiers: Option<Classifiers>) -> Report {
    let choice = Choice {
        treatments: vec!["drs".to_owned()],
        folders: Vec::new(),
        seed: 5,
        seeds: 1,
        budget: Budget::Steps(100),
        network: Some("small".to_owned()),
        device: "cpu".to_owned(),
        target: Target::Max,
        generator_epochs: None,
        augment: Augment::default(),
        folds: None,
        made_alone: false,
    };
    let workload = Workload { network: None, device: "cpu".to_owned(), size: 28, channels: 1, images: 40 };
    Report {
        choice,
        workload,
        network: "small".to_owned(),
        steps: 100,
        folds: None,
        training: "training".to_owned(),
        test: "test".to_owned(),
        setting: Vec::new(),
        classes: ["across", "down"]
            .map(|name| ClassImages { name: name.to_owned(), training: 20, test: 2 })
            .to_vec(),
        treatments: vec![
            treatment("none", 0.5),
            treatment("drs", 0.75),
            treatment("threshold", 0.6),
            treatment("easy-ensemble", 0.9),
        ],
        summary: vec!["Nothing here is shown to be better.".to_owned()],
        made: Vec::new(),
        failed: Vec::new(),
        unreadable: 0,
        warnings: Vec::new(),
        complete: true,
        step_seconds: None,
        markdown: String::new(),
        csv: String::new(),
        page: None,
        classifiers,
    }
}

fn compared(classifiers: Option<Classifiers>) -> State {
    let report = report(classifiers);
    let mut state = bars();
    let kept = Kept {
        run: 4,
        started: Some(0),
        status: "finished".to_owned(),
        choice: Some(report.choice.clone()),
        report: Some(Arc::new(report)),
    };
    state.project.as_mut().unwrap().comparisons = vec![Arc::new(kept)];
    state
}

fn images() -> TestImages {
    let image = |class: usize, name: &str, said: [usize; 4]| TestImage {
        path: format!("test/{name}.png"),
        class,
        said: said.map(Some).to_vec(),
    };
    TestImages {
        classes: ["across", "down"].map(str::to_owned).to_vec(),
        images: vec![
            image(0, "across/0", [0, 0, 0, 0]),
            image(0, "across/1", [0, 1, 0, 0]),
            image(1, "down/0", [0, 1, 1, 1]),
            image(1, "down/1", [1, 1, 1, 1]),
        ],
    }
}

/// The images are listed, one of each class is chosen.
fn listed() -> State {
    let mut state = compared(Some(kept_classifiers()));
    let report = state.project.as_ref().unwrap().comparisons[0].report.clone().unwrap();
    let looks = &mut state.evaluate.looks;
    *looks = looks.anew(4, &report);
    looks.images = Face::Full(Arc::new(images()));
    looks.chosen = images().sample(1).into_iter().collect();
    state
}

fn maps() -> Maps {
    let picture = Picture::new(2, 2, 1, Pixels::U8(vec![0, 80, 160, 240])).unwrap();
    let cell = |said: usize, raw: [f64; 4]| MapCell {
        said,
        probability: 0.875,
        class: 1,
        map: SaliencyMap::new(Explainer::GradCam, [2, 2], &raw).unwrap(),
        painted: picture.to_colour(),
        deletion: 0.125,
        insertion: 0.75,
    };
    Maps {
        question: Question::default(),
        seed: 5,
        fold: None,
        classes: ["across", "down"].map(str::to_owned).to_vec(),
        treatments: vec![
            ("none".to_owned(), None),
            ("drs".to_owned(), None),
            ("easy-ensemble".to_owned(), Some("Its answers come from trees.".to_owned())),
        ],
        chosen: None,
        rows: vec![MapRow {
            image: 2,
            path: "test/down/0.png".to_owned(),
            class: 1,
            picture: picture.clone(),
            cells: vec![
                Ok(cell(0, [0.0; 4])),
                Ok(cell(1, [0.0, 0.5, 0.0, 0.25])),
                Err("Its answers come from trees.".to_owned()),
            ],
        }],
        legend: vec![[68, 1, 84], [253, 231, 37]],
    }
}

fn job(stage: &str) -> JobView {
    JobView {
        name: "maps".to_owned(),
        state: JobState::Running,
        stage: stage.to_owned(),
        done: 120,
        total: 2000,
        elapsed: Duration::from_secs(3),
        time_left: None,
        unmeasured: String::new(),
        series: Arc::default(),
        notes: Vec::new(),
        previews: Arc::default(),
    }
}

fn asks(harness: &Harness<'_, World>, wanted: fn(&Action) -> bool) -> bool {
    harness.state().out.iter().any(wanted)
}

#[test]
fn every_face_in_both_themes() {
    for theme in THEMES {
        let mut nothing = harness(bars(), theme);
        assert_sees(&nothing, &["Figures", "Where it looks", "No classifier to ask"]);
        nothing.get_by_label("Choose what to compare").click();
        nothing.run_steps(2);
        assert_eq!(nothing.state().state.evaluate.pane, Pane::Figures);

        let mut before = harness(compared(None), theme);
        assert_sees(
            &before,
            &[
                "No maps of this comparison",
                "measured before classifiers were kept, or was stopped before one was. Compare again",
                "otherwise it is a new comparison",
                "Changed since: the device (cpu then, auto now). What that changes is measured anew.",
            ],
        );
        before.get_by_label("Compare again").click();
        before.run_steps(2);
        assert!(asks(&before, |action| matches!(action, Action::Do(Command::Evaluate))));
        assert!(before.state().state.evaluate.chosen.contains("drs"), "what was compared is chosen");

        // Without its images it would start nothing.
        let mut state = compared(None);
        state.project.as_mut().unwrap().source_missing = Some(PathBuf::from("/gone"));
        let mut gone = harness(state, theme);
        gone.get_by_label("Compare again").click();
        gone.run_steps(2);
        assert!(!asks(&gone, |action| matches!(action, Action::Do(Command::Evaluate))));

        let listing = harness(compared(Some(kept_classifiers())), theme);
        assert_sees(&listing, &["Listing the test images"]);
        assert!(asks(&listing, |action| matches!(action, Action::ListTestImages)));
        let mut state = listed();
        state.evaluate.looks.images = Face::Failed("the list cannot be read; compare again: /x".to_owned());
        let mut failed = harness(state, theme);
        assert_sees(&failed, &["cannot be listed", "the list cannot be read; compare again: /x"]);
        failed.get_by_label("Try again").click();
        failed.run_steps(2);
        assert!(asks(&failed, |action| matches!(action, Action::ListTestImages)));

        let full = harness(listed(), theme);
        assert!(!asks(&full, |action| matches!(action, Action::ListTestImages)), "they are listed");
        assert_sees(
            &full,
            &[
                "Grad-CAM, fast",
                "RISE, slow",
                "the true class",
                "2 chosen of 4\u{a0}images",
                "test/across/1.png, class across, treatments disagree",
                "test/down/1.png, class down",
                "threshold: It takes the plain network.",
                "easy-ensemble: Its answers come from trees.",
                "Show maps",
                "No maps yet",
            ],
        );

        let mut state = listed();
        state.jobs.push(JobSlot { kind: JobKind::Looks, view: job("drs, 2 of 3: RISE") });
        let mut running = harness(state, theme);
        assert_sees(&running, &["Making maps: drs, 2 of 3: RISE · 120 of 2\u{a0}000"]);
        running.get_by_label("Pause").click();
        running.run_steps(2);
        assert!(asks(&running, |action| matches!(action, Action::PauseJob(JobKind::Looks, true))));
        running.get_by_label("Cancel").click();
        running.run_steps(2);
        assert!(asks(&running, |action| matches!(action, Action::CancelJob(JobKind::Looks))));

        let mut state = listed();
        state.evaluate.looks.maps = Face::Failed("the test image cannot be read: /x".to_owned());
        assert_sees(&harness(state, theme), &["The maps could not be made", "the test image cannot be read"]);

        let mut state = listed();
        state.evaluate.looks.maps = Face::Full(Arc::new(maps()));
        assert_sees(
            &harness(state, theme),
            &[
                "Grad-CAM of the true class of each image; the classifiers of seed 5",
                "Colours of the maps: dark violet 0 (below) to yellow 1 (above)",
                "Hiding what a good map marks",
                "test/down/0.png, true class down",
                "none on test/down/0.png: says across with 0.88, wrong; map of down, Grad-CAM: blank, nothing seen \
                 speaks for this class; deletion 0.125, insertion 0.750",
                "drs on test/down/0.png: says down with 0.88, right; map of down, Grad-CAM: 0 to 0.500; deletion \
                 0.125, insertion 0.750",
                "easy-ensemble on test/down/0.png: no map. Its answers come from trees.",
            ],
        );
    }
}

#[test]
fn what_is_asked_is_chosen() {
    let mut harness = harness(listed(), Theme::Dark);
    let looks = |harness: &Harness<'_, World>| harness.state().state.evaluate.looks.clone();
    assert_eq!(looks(&harness).chosen, BTreeSet::from([1, 2]), "what treatments disagree on");
    // Plain training first, the others by falling ACSA, without those that have no map.
    assert_eq!(looks(&harness).treatments, BTreeSet::from(["drs", "none", "threshold"].map(str::to_owned)));
    harness.get_by_role_and_label(Role::CheckBox, "test/down/1.png, class down").click();
    harness.run_steps(2);
    harness
        .get_by_role_and_label(Role::CheckBox, "test/across/1.png, class across, treatments disagree")
        .click();
    harness.run_steps(2);
    assert_eq!(looks(&harness).chosen, BTreeSet::from([2, 3]));
    harness.get_by_role_and_label(Role::CheckBox, "threshold").click();
    harness.run_steps(2);
    assert!(!looks(&harness).treatments.contains("threshold"));
    assert!(!sees(&harness, "threshold: It takes the plain network."), "nobody asked for its maps");
    harness.get_by_role_and_label(Role::RadioButton, "RISE, slow").click();
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::RadioButton, "the class it says").click();
    harness.run_steps(2);
    let question = looks(&harness).question;
    assert_eq!((question.method, question.about, question.masks), (Method::Rise, About::Said, 1000));
    assert_sees(&harness, &["Number of masks"]);

    harness.get_by_role_and_label(Role::CheckBox, "Only where treatments disagree").click();
    harness.run_steps(2);
    assert!(!sees(&harness, "test/down/1.png, class down") && sees(&harness, "test/down/0.png, class down"));
    harness.state_mut().state.class_filter = Some(0);
    harness.run_steps(2);
    assert!(!sees(&harness, "test/down/0.png, class down"));
    assert_sees(&harness, &["of the class across, as the histogram filters"]);
    harness.get_by_label("Show maps").click();
    harness.run_steps(2);
    assert!(asks(&harness, |action| matches!(action, Action::ShowMaps)));

    harness.get_by_label("Choose no test image").click();
    harness.run_steps(2);
    assert_sees(&harness, &["Choose at least one test image."]);
    harness.get_by_label("One of each class").click();
    harness.run_steps(2);
    let state = &mut harness.state_mut().state;
    assert_eq!(why_no_maps(state), None);
    state.evaluate.looks.treatments.clear();
    assert_eq!(why_no_maps(state).unwrap(), "Choose at least one treatment.");
    state.jobs.push(JobSlot { kind: JobKind::Train, view: job("training g") });
    assert!(why_no_maps(state).unwrap().contains("wait for it or stop it"));
    state.project.as_mut().unwrap().source_missing = Some(PathBuf::from("/gone"));
    assert!(why_no_maps(state).unwrap().contains("are gone"));
}

/// The line at the foot of the window.
fn status(ui: &mut egui::Ui, state: &mut State, _: &mut Textures, out: &mut Vec<Action>) {
    status_bar_ui(ui, state, out);
}

#[test]
fn maps_run_alone() {
    let with = |kind: JobKind, mut state: State| {
        state.jobs.push(JobSlot { kind, view: job("none, 1 of 2: RISE") });
        state
    };
    let making = with(JobKind::Looks, listed());
    assert_eq!(making.making(), Some(JobKind::Looks));
    assert!(making.is_busy(), "closing the window asks first");
    for command in [
        Command::StartTraining,
        Command::Generate,
        Command::Evaluate,
        Command::TimeSteps,
        Command::DrawFeatures,
    ] {
        assert_eq!(command.why_disabled(&making).as_deref(), Some(BUSY), "{}", command.text());
    }
    assert!(Command::PauseJob.enabled(&making) && Command::CancelJob.enabled(&making));
    // A part of the masks makes no map that stands beside others.
    assert!(!Command::StopAndKeep.enabled(&making));
    assert!(Command::StopAndKeep.why_disabled(&making).unwrap().contains("whole or not at all"));
    assert!(Command::PauseJob.why_disabled(&listed()).unwrap().contains("candidates or maps"));
    for kind in JobKind::MAKING {
        let state = with(kind, listed());
        assert_eq!(why_no_maps(&state).as_deref(), Some(BUSY), "{}", kind.text());
        // Nor is a comparison from before made again meanwhile.
        let mut before = harness(with(kind, compared(None)), Theme::Dark);
        before.get_by_label("Compare again").click();
        before.run_steps(2);
        assert!(!asks(&before, |action| matches!(action, Action::Do(Command::Evaluate))));
    }
    for theme in THEMES {
        let mut bar = shown(vec2(1300.0, 100.0), false, status, with(JobKind::Looks, listed()), theme);
        assert_sees(&bar, &["None, 1 of 2: RISE", "120 of 2\u{a0}000"]);
        bar.get_by_label("Pause").click();
        bar.run_steps(2);
        assert!(asks(&bar, |action| matches!(action, Action::PauseJob(JobKind::Looks, true))));
    }
}

#[test]
fn it_is_a_pane_of_its_own_whose_parts_are_regions() {
    for state in [bars(), compared(None), listed()] {
        let mut harness = harness(state, Theme::Dark);
        harness.get_by_label("Figures").click();
        harness.run_steps(2);
        assert!(sees(&harness, "Free remedies"), "the form of comparisons");
        harness.get_by_label(Pane::Looks.text()).click();
        harness.run_steps(2);
        assert_eq!(harness.state().state.evaluate.pane, Pane::Looks);
        assert!(!sees(&harness, "Free remedies"));
        for (role, name) in [(Role::Region, Region::Panes), (Role::Main, Region::Main)] {
            assert!(harness.query_by_role_and_label(role, name.text()).is_some(), "{name:?}");
        }
    }
}

#[test]
fn maps_fit_a_small_window() {
    for theme in THEMES {
        let mut state = listed();
        state.evaluate.looks.maps = Face::Full(Arc::new(maps()));
        // As the workspace of a window of 960 by 600.
        let harness = shown(vec2(616.0, 524.0), false, evaluate_ui, state, theme);
        assert_sees(&harness, &["Figures", "Where it looks", "Grad-CAM, fast", "2 chosen of 4\u{a0}images"]);
    }
}

// ---- the app ----

const SIDE: u32 = 12;

/// A folder of bars with a test part.
fn write_set(root: &Path) {
    for (split, class, name, count) in [
        ("train", 0, "across", 24),
        ("train", 1, "down", 8),
        ("test", 0, "across", 4),
        ("test", 1, "down", 3),
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

/// Opens the pane and makes maps of what is chosen there at first.
fn made(harness: &mut Harness<'_, App>) -> Arc<Maps> {
    harness.state_mut().state.evaluate.pane = Pane::Looks;
    settle(harness, "the test images", |app| app.state.evaluate.looks.images.full().is_some());
    assert_eq!(harness.state().state.evaluate.looks.chosen.len(), 2, "one of each class");
    harness.state_mut().act(Action::ShowMaps);
    settle(harness, "the maps", App::is_idle);
    let maps = harness.state().state.evaluate.looks.maps.clone();
    maps.full().cloned().unwrap_or_else(|| panic!("{maps:?}"))
}

/// The section of maps in a report.
const LOOKED: &str = "Where the classifiers look";

/// The report of the comparison that is shown, saved to a new file.
fn saved(harness: &mut Harness<'_, App>, path: &Path) -> String {
    harness.state_mut().act(Action::SaveTable(path.to_path_buf()));
    settle(harness, "the report", |app| app.state.evaluate.saved != Face::Loading);
    let saved = &harness.state().state.evaluate.saved;
    assert!(saved.full().is_some(), "{saved:?}");
    fs::read_to_string(path).unwrap()
}

/// Begins maps that take long, asks for other work and for the end of the project, and cancels them.
fn nothing_runs_beside_maps(harness: &mut Harness<'_, App>) {
    let question = &mut harness.state_mut().state.evaluate.looks.question;
    (question.method, question.masks) = (Method::Rise, 100_000);
    let before = harness.state().state.evaluate.looks.maps.clone();
    harness.state_mut().act(Action::ShowMaps);
    assert_eq!(harness.state().state.making(), Some(JobKind::Looks));
    settle(harness, "masks", |app| {
        app.state.job(JobKind::Looks).is_some_and(|job| job.stage.ends_with("RISE") && job.done > 0)
    });
    // Another press does not begin them anew, and no other work begins.
    for action in [Action::ShowMaps, Action::Do(Command::Evaluate), Action::Do(Command::StartTraining)] {
        harness.state_mut().act(action);
    }
    let jobs = &harness.state().state.jobs;
    assert!(jobs.iter().all(|slot| slot.kind == JobKind::Looks || slot.view.state.is_over()));
    assert!(harness.state().state.job(JobKind::Looks).unwrap().done > 0);
    harness.state_mut().act(Action::Do(Command::CloseProject));
    let asked = harness.state_mut().state.confirm.take().unwrap();
    assert!(asked.text.contains("maps of where classifiers look, have to be made again"), "{}", asked.text);
    harness.state_mut().act(Action::PauseJob(JobKind::Looks, true));
    settle(harness, "the pause", |app| {
        app.state.job(JobKind::Looks).is_some_and(|job| job.state == JobState::Paused)
    });
    harness.state_mut().act(Action::CancelJob(JobKind::Looks));
    settle(harness, "the cancel", |app| app.state.making().is_none());
    settle(harness, "rest", App::is_idle);
    assert_eq!(harness.state().state.evaluate.looks.maps, before, "what was shown before is shown still");
}

#[test]
fn maps_of_the_app_are_there_after_a_restart_too() {
    let folder = tempfile::tempdir().unwrap();
    write_set(&folder.path().join("set"));
    let first = {
        let mut harness = window(folder.path());
        let state = &mut harness.state_mut().state;
        let form = &mut state.evaluate;
        form.chosen = BTreeSet::from(["class-aware"]);
        (form.seeds, form.length, form.steps) = (1, Length::Steps, 3);
        form.network = Some("small".to_owned());
        let settings = &mut state.project.as_mut().unwrap().settings;
        (settings.device, settings.size) = ("cpu".to_owned(), Some(SIDE));
        harness.state_mut().act(Action::SettingsChanged);
        settle(&mut harness, "saved", App::is_idle);
        harness.state_mut().act(Action::Do(Command::Evaluate));
        settle(&mut harness, "the comparison", |app| {
            app.state.running(JobKind::Evaluate).is_none()
                && app
                    .state
                    .project
                    .as_ref()
                    .is_some_and(|p| p.comparisons.iter().any(|c| c.report.is_some()))
        });
        let page = saved(&mut harness, &folder.path().join("before.html"));
        assert!(!page.contains(LOOKED) && !page.contains("data:image"), "nothing was asked yet");
        let maps = made(&mut harness);
        assert_eq!(
            maps.treatments.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["none", "class-aware"]
        );
        assert_eq!((maps.rows.len(), maps.classes.len()), (2, 2));
        assert!(maps.rows.iter().flat_map(|row| &row.cells).all(Result::is_ok));
        harness.run_steps(3);
        harness.check_accessibility();
        for words in ["Colours of the maps", "class-aware on test/", "true class down"] {
            assert!(harness.query_all_by_label_contains(words).next().is_some(), "{words}");
        }
        settle(&mut harness, "rest", App::is_idle);
        // In a new folder, a file for each of two images and four maps, and their list.
        assert!(harness.query_by_label("Save the maps…").is_some());
        let into = folder.path().join("looked at");
        for is_there in [false, true] {
            harness.state_mut().act(Action::SaveMaps(into.clone()));
            settle(&mut harness, "the files", |app| app.state.evaluate.looks.saved != Face::Loading);
            let saved = harness.state().state.evaluate.looks.saved.clone();
            match saved {
                Face::Full(_) => assert!(!is_there),
                Face::Failed(why) => assert!(is_there && why.contains("never overwritten"), "{why}"),
                other => panic!("{other:?}"),
            }
            let files: Vec<_> =
                fs::read_dir(into.join("maps")).unwrap().map(|file| file.unwrap().path()).collect();
            let ends = |ending: &str| files.iter().filter(|file| file.extension().unwrap() == ending).count();
            assert_eq!((ends("png"), ends("json"), files.len()), (2 * (1 + 2), 1, 7));
        }
        harness.state_mut().act(Action::SaveMaps(folder.path().join("set/maps")));
        settle(&mut harness, "the refusal", |app| app.state.evaluate.looks.saved != Face::Loading);
        let refused = &harness.state().state.evaluate.looks.saved;
        assert!(matches!(refused, Face::Failed(why) if why.contains("image folder")), "{refused:?}");
        assert!(!folder.path().join("set/maps").exists());
        // In the report, which stays one file: two images, each with two maps.
        harness.state_mut().state.evaluate.pane = Pane::Figures;
        harness.run_steps(3);
        let told = "has the maps of 2\u{a0}images inside";
        assert!(harness.query_all_by_label_contains(told).next().is_some());
        let page = saved(&mut harness, &folder.path().join("after.html"));
        let heading = maps.heading();
        for words in [LOOKED, heading.as_str(), "chosen in the window", "Charts"] {
            assert!(page.contains(words), "{words}");
        }
        for row in &maps.rows {
            assert!(page.contains(&row.path), "{}", row.path);
        }
        assert_eq!(page.matches(" src=\"data:image/png;base64,").count(), 2 * (1 + 2));
        assert_eq!(page.matches(" src=\"").count(), 6, "nothing lies beside it");
        // Maps of another comparison are none of this one's.
        let of = harness.state_mut().state.evaluate.looks.of.replace(-1);
        assert!(!saved(&mut harness, &folder.path().join("other.html")).contains(LOOKED));
        let state = &mut harness.state_mut().state;
        (state.evaluate.looks.of, state.evaluate.pane) = (of, Pane::Looks);
        nothing_runs_beside_maps(&mut harness);
        maps
    };
    let mut harness = window(folder.path());
    assert_eq!(*made(&mut harness), *first, "the classifiers are kept with the project");
    settle(&mut harness, "rest", App::is_idle);

    // What fails is heard of in another workspace, too.
    fs::remove_dir_all(folder.path().join("set/test")).unwrap();
    harness.state_mut().act(Action::Do(Command::GoData));
    harness.state_mut().act(Action::ShowMaps);
    settle(&mut harness, "the failure", App::is_idle);
    let state = &harness.state().state;
    assert!(
        matches!(&state.evaluate.looks.maps, Face::Failed(why) if why.contains("the test image cannot be read"))
    );
    let told = |text: &str| text.contains("under Where it looks");
    assert!(state.notifications.toasts().iter().any(|(_, message)| told(&message.text)));
    settle(&mut harness, "rest", App::is_idle);
}
