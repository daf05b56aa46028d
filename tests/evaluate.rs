//! `counterpoise evaluate`: tables, JSON names, resuming, exported folders, and what it refuses.
#![allow(clippy::unwrap_used)]

#[path = "common/evaluation.rs"]
mod evaluation;
#[path = "common/place.rs"]
mod place;
#[path = "common/shapes.rs"]
mod shapes;
#[path = "common/training.rs"]
mod training;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use counterpoise::classify::treatments::Preset;
use counterpoise::domain::plan::Target;
use counterpoise::domain::provenance::Kind;
use counterpoise::domain::random::{Stage, stream};
use counterpoise::domain::samples::Dataset;
use counterpoise::domain::task::{Ctx, Event, Level, Sink};
use counterpoise::evaluation::comparison::{Adds, Comparison, Entry, Run, TestPart, sentence};
use counterpoise::evaluation::metrics::bootstrap::{Interval, Settings};
use counterpoise::evaluation::metrics::{Confusion, Figure, MetricsError};
use counterpoise::evaluation::treatments::{Asked, Filled, MadeOf, repeats};
use counterpoise::imaging::scan::{ScanOptions, scan};
use counterpoise::jobs::JobError;
use counterpoise::jobs::evaluate::{
    Budget, Choice, EvaluateRequest, LeftOut, NamedFolder, evaluate, evaluate_keeping, learnt_from,
    time_steps, usual_folds,
};
use evaluation::chosen;
use place::Place;
use serde_json::{Value, json};
use training::recorder;

/// What lies in a finished folder.
const FINISHED: [&str; 8] = [
    "charts",
    "classifiers",
    "confusion.csv",
    "report.html",
    "results.json",
    "runs.jsonl",
    "table.csv",
    "table.md",
];
const QUICK: &str = "--steps 6 --seeds 2 --device cpu --network small";

/// With a folder of two classes of bars in it.
impl Place {
    fn new() -> Self {
        let place = Place::empty();
        place.class("source/train/across", 0, 0..24);
        place.class("source/train/down", 1, 0..8);
        place.class("source/test/across", 0, 100..110);
        place.class("source/test/down", 1, 100..106);
        place
    }

    fn dataset(&self, name: &str) -> Dataset {
        scan(&Ctx::default(), &self.path(name), &ScanOptions::default()).unwrap()
    }

    fn request(&self, treatments: &[&str], out: Option<&str>) -> EvaluateRequest {
        self.request_on("source", treatments, out)
    }

    fn request_on(&self, folder: &str, treatments: &[&str], out: Option<&str>) -> EvaluateRequest {
        evaluation::request(self.dataset(folder), treatments, out.map(|out| self.path(out)))
    }
}

fn list<'a>(object: &'a Value, name: &str) -> &'a Vec<Value> {
    object[name].as_array().unwrap_or_else(|| panic!("no list {name} in {object}"))
}

fn named<'a>(object: &'a Value, name: &str) -> &'a Value {
    list(object, "treatments").iter().find(|t| t["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<String> {
    let mut found: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    found
}

#[test]
fn the_names_that_scripts_rely_on() {
    let place = Place::new();
    let got =
        place.done(&format!("evaluate source --treatments class-aware,threshold {QUICK} --out results"));
    let names: Vec<&str> = list(&got, "treatments").iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["none", "class-aware", "threshold"], "plain training is always there, and first");
    for treatment in list(&got, "treatments") {
        for key in ["acsa", "f1_macro", "gm", "gm_macro", "accuracy", "auroc", "calibration_error"] {
            let value = treatment[key].as_f64().unwrap_or_else(|| panic!("no {key} in {treatment}"));
            assert!((0.0..=1.0).contains(&value), "{key}");
            assert!(treatment[format!("{key}_sd")].as_f64().unwrap() >= 0.0, "{key}");
        }
        assert_eq!(list(treatment, "seeds").len(), 2);
        let classes = list(treatment, "classes");
        assert_eq!(
            classes.iter().map(|c| c["name"].as_str().unwrap()).collect::<Vec<_>>(),
            ["across", "down"]
        );
        let mean: f64 = classes.iter().map(|c| c["recall"].as_f64().unwrap()).sum::<f64>() / 2.0;
        assert!((mean - treatment["acsa"].as_f64().unwrap()).abs() < 1e-5, "ACSA is the mean recall");
        for class in classes {
            assert!(class["precision"].is_number() && class["f1"].is_number() && class["f05"].is_number());
            assert!(class["recall_sd"].is_number() && class["never_said"].is_u64());
        }
        let answers = |truth: usize| -> u64 {
            list(treatment, "confusion")[truth].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum()
        };
        assert_eq!((answers(0), answers(1)), (20, 12), "10 and 6 test images, two seeds");
        let of_recall = classes.iter().map(|class| &class["recall_interval"]);
        for interval in
            ["acsa", "mcc", "kappa"].map(|key| &treatment["intervals"][key]).into_iter().chain(of_recall)
        {
            assert!(interval["low"].as_f64().unwrap() <= interval["high"].as_f64().unwrap(), "{interval}");
        }
    }
    assert!(named(&got, "none")["difference"].is_null());
    let difference = &named(&got, "class-aware")["difference"];
    assert_eq!(difference["against"], "none");
    assert!(difference["acsa"]["low"].is_number() && difference["acsa"]["high"].is_number());
    assert!(difference["mcc"]["low"].is_number() && difference["kappa"]["high"].is_number());
    let of_class = |name: &str| named(&got, name)["classes"][1]["recall_difference"].clone();
    assert!(of_class("none").is_null() && of_class("class-aware")["low"].is_number());
    assert!(difference["sentence"].as_str().unwrap().contains("plain training"));
    assert_eq!((&got["test_images"], &got["steps"]), (&Value::from(16), &Value::from(6)));
    assert_eq!(got["classes"][1], serde_json::json!({ "name": "down", "training": 8, "test": 6 }));
    assert!(!list(&got, "summary").is_empty() && list(&got, "failed").is_empty());
    assert!(got["seconds"].is_number() && got.get("peak_mb").is_some());

    let out = place.path("results");
    assert_eq!(files(&out), FINISHED);
    let written: Value = serde_json::from_slice(&fs::read(out.join("results.json")).unwrap()).unwrap();
    assert_eq!(written["treatments"], got["treatments"]);
    let page = fs::read_to_string(out.join("table.md")).unwrap();
    assert!(page.contains("| class-aware |") && page.contains("ACSA against none") && page.contains("±"));
    let heads: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).collect();
    for (_, name) in Comparison::figure_names() {
        assert!(heads.iter().any(|head| head.contains(&format!("| {name} |"))), "{name} in {page}");
    }
    for figure in ["recall", "precision", "F1", "F0.5", "answers of none", "answers of threshold"] {
        assert!(
            page.contains(&format!("\n| {figure} | across | down |\n|---|---:|---:|\n")),
            "{figure} in {page}"
        );
    }
    let drawn = [
        "acsa",
        "change-02-class-aware",
        "change-03-threshold",
        "confusion-01-none",
        "confusion-02-class-aware",
        "confusion-03-threshold",
        "recall",
    ];
    let drawn: Vec<String> =
        drawn.iter().flat_map(|name| [format!("{name}.png"), format!("{name}.svg")]).collect();
    assert_eq!(files(&out.join("charts")), drawn);
    for name in drawn.iter().filter(|name| name.ends_with(".png")) {
        assert!(fs::read(out.join("charts").join(name)).unwrap().starts_with(b"\x89PNG"), "{name}");
    }
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    for words in [
        "--treatments class-aware,threshold --seed 0 --seeds 2 --steps 6 --network small",
        "32 original",
        "3.00 (24 to 8)",
        concat!("counterpoise ", env!("CARGO_PKG_VERSION"), ", burn 0."),
        "<th scope=\"row\">machine</th>",
        std::env::consts::OS,
        std::env::consts::ARCH,
        "Processor, ",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(got["machine"].as_str().unwrap().contains("Processor, ") && got["burn"].is_string());
    let mut table = csv::Reader::from_path(out.join("table.csv")).unwrap();
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 3 * (Comparison::figure_names().len() + 2 * 4), "figures, and four of each class");
    // Treatment, class, figure; then mean, sd, seeds, interval and difference.
    let bounded = |class: &str, figure: &str| {
        let row = rows
            .iter()
            .find(|row| [&row[0], &row[1], &row[2]] == ["class-aware", class, figure])
            .unwrap_or_else(|| panic!("no {figure} of {class}"));
        (6..11).map(|column| !row[column].is_empty()).collect::<Vec<bool>>()
    };
    for (class, figure) in [("", "acsa"), ("", "mcc"), ("", "kappa"), ("down", "recall")] {
        assert_eq!(bounded(class, figure), [true; 5], "{figure}");
    }
    for (class, figure) in [("", "auroc"), ("", "recall_few"), ("down", "precision")] {
        assert_eq!(bounded(class, figure), [false; 5], "{figure}");
    }
    let mut table = csv::Reader::from_path(out.join("confusion.csv")).unwrap();
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 3 * 2 * 2, "each class said of each");
    let answers = |treatment: &str, class: &str, said: &str| -> u64 {
        let row = rows.iter().find(|row| [&row[0], &row[1], &row[2]] == [treatment, class, said]).unwrap();
        row[3].parse().unwrap()
    };
    assert_eq!(
        answers("none", "down", "down") + answers("none", "down", "across"),
        12,
        "6 images, two seeds"
    );
    assert_eq!(named(&got, "none")["confusion"][1][0], answers("none", "down", "across"));

    // Never over an existing folder; and a table for people.
    assert_eq!(place.fails(&format!("evaluate source {QUICK} --out results")).0, 3);
    let output = place.run("evaluate source --treatments none --steps 2 --seeds 1 --device cpu");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && text.contains("macro F1") && text.contains("nothing to compare"),
        "{text}"
    );
}

/// Training images that are moved are other images to learn from; the page says so, and says how to run it again.
#[test]
fn training_images_are_cropped_and_mirrored_where_asked_for() {
    let place = Place::new();
    let line = "evaluate source --treatment drs --steps 5 --seeds 1 --seed 7 --device cpu --network small";
    let (plain, moved) = (place.done(line), place.done(&format!("{line} --crop --flip --out results")));
    assert_eq!((&plain["crop"], &plain["flip"]), (&Value::from(false), &Value::from(false)));
    assert_eq!((&moved["crop"], &moved["flip"]), (&Value::from(true), &Value::from(true)));
    assert_ne!(plain["treatments"], moved["treatments"]);
    let page = fs::read_to_string(place.path("results/report.html")).unwrap();
    for words in ["cropped out of a border of 4 pixels and mirrored", "--fit pad --device cpu --crop --flip"]
    {
        assert!(page.contains(words), "{words}");
    }
    let mirrored = place.done(&format!("{line} --flip"));
    assert_ne!(mirrored["treatments"], moved["treatments"]);
}

#[test]
fn the_same_call_gives_the_same_figures_and_one_seed_has_no_deviation() {
    let place = Place::new();
    let line = "evaluate source --treatment drs --steps 5 --seeds 1 --seed 7 --device cpu --network small";
    let (first, second) = (place.done(line), place.done(line));
    assert_eq!(first["treatments"], second["treatments"]);
    assert!(named(&first, "drs").get("acsa_sd").is_none());
    assert_eq!(named(&first, "drs")["seeds"], serde_json::json!([7]));
}

#[test]
fn a_folder_of_test_images_and_a_cut_do_as_well() {
    let place = Place::new();
    let quick = "--treatments none --steps 3 --seeds 1 --device cpu --network small";
    let apart = place.done(&format!("evaluate --train source/train --test source/test {quick}"));
    let whole = place.done(&format!("evaluate source {quick}"));
    assert_eq!(apart["treatments"], whole["treatments"], "the same images, the same figures");
    let cut = place.done(&format!("evaluate source/train --split 70/0/30 {quick}"));
    assert_eq!(cut["test_images"], 9, "7 of 24 and 2 of 8");
    // A class may lack in the test part, and is then left out of the means.
    fs::remove_dir_all(place.path("source/test/down")).unwrap();
    let got = place.done(&format!("evaluate --train source/train --test source/test {quick}"));
    let none = named(&got, "none");
    assert!(none["classes"][1]["recall"].is_null());
    assert_eq!(none["acsa"], none["classes"][0]["recall"]);
}

#[test]
fn refusals_say_what_to_do() {
    let place = Place::new();
    place.class("alone/across", 0, 0..5);
    place.class("flat/across", 0, 0..5);
    place.class("flat/down", 1, 0..5);
    place.class("single/across", 0, 0..1);
    place.class("single/down", 1, 0..1);
    for (line, code, word) in [
        ("evaluate single", 3, "too few images or groups"),
        ("evaluate flat --folder made=source/train", 3, "cross-validation holds out"),
        ("evaluate source --folds 3", 3, "leave --folds out"),
        ("evaluate source --treatments drs+class-aware", 2, "how images are drawn"),
        ("evaluate source --treatments baegan+smote", 2, "the training images"),
        ("evaluate source --treatments m2m-online+mixup", 2, "use it alone"),
        ("evaluate source --treatments smote:size=5", 2, "no parameter"),
        ("evaluate source --treatments smote:epochs=0", 2, "epochs"),
        ("evaluate alone --split 60/0/40", 3, "one class"),
        ("evaluate source --treatments nothing", 2, "class-aware"),
        ("evaluate source --treatments drw:beta=2", 2, "beta"),
        ("evaluate source --treatments threshold:prior=1/2/3", 3, "3 shares"),
        ("evaluate source --steps 3 --epochs 2", 2, "--epochs"),
        ("evaluate source --folder made", 2, "NAME=DIR"),
        ("evaluate source --folder none=flat", 3, "taken"),
        ("evaluate source --out source/train/results", 3, "inside"),
        ("evaluate source --split 70/15/15", 3, "splits"),
        ("evaluate nowhere", 3, "no such folder"),
        ("evaluate", 2, "FOLDER"),
        ("evaluate pets --treatments none,drs --tstr", 2, "--tstr trains on the images of generators"),
    ] {
        let (got, said) = place.fails(&format!("{line} --device cpu"));
        assert_eq!(got, code, "{line}: {said}");
        assert!(said.contains(word), "{line}: {said}");
    }
    assert_eq!(files(&place.path("source")), ["test", "train"], "nothing is written into an image folder");
}

#[test]
fn exported_folders_are_trained_on_as_they_are() {
    let place = Place::new();
    let balanced = place.run("balance source --method random --out balanced --device cpu");
    assert!(balanced.status.success());
    let got =
        place.done(&format!("evaluate source --treatments oversample {QUICK} --folder repeats=balanced"));
    let repeats = named(&got, "repeats");
    assert_eq!(repeats["makes_images"], false, "it repeats what is there");
    assert_eq!(repeats["difference"]["against"], "none");
    assert_eq!(repeats["difference_free"]["against"], "oversample");
    let told = list(&got, "summary").iter().map(|text| text.as_str().unwrap()).collect::<Vec<_>>().join("\n");
    assert!(!told.contains("made images"), "{told}");
    // 24 of each class and not 24 to 8: another training than the plain one.
    assert_ne!(repeats["calibration_error"], named(&got, "none")["calibration_error"]);

    // Another data set with the same class names, and one with other names.
    place.class("foreign/train/across", 0, 500..520);
    place.class("foreign/train/down", 1, 500..510);
    let balanced = place.run("balance foreign/train --method random --out foreign-balanced --device cpu");
    assert!(balanced.status.success());
    place.class("strange/left", 0, 0..4);
    place.class("strange/right", 1, 0..4);
    // Test images in the training part.
    place.class("leaky/across", 0, 0..24);
    place.class("leaky/down", 1, 0..8);
    place.class("leaky/down", 1, 100..103);
    // The training part of one class.
    place.class("half/across", 0, 0..24);
    for (folder, word) in [
        ("foreign-balanced", "another data set"),
        ("strange", "no class of the evaluated folder"),
        ("leaky", "3 of its training images are test images"),
        ("half", "no training image of the class down"),
        ("nowhere", "no such folder"),
    ] {
        let (code, said) = place.fails(&format!("evaluate source {QUICK} --folder made={folder}"));
        assert_eq!(code, 3, "{folder}: {said}");
        assert!(said.contains(word), "{folder}: {said}");
    }
    // Without a manifest nothing says what was made, and that is said.
    place.class("loose/across", 0, 0..24);
    place.class("loose/down", 1, 0..20);
    let output = place.run("evaluate source --treatments folder:loose --steps 2 --seeds 1 --device cpu");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("no manifest"), "{said}");
}

#[test]
fn a_cancelled_evaluation_goes_on_where_it_was() {
    let place = Place::new();
    let (_, ctx) = recorder(None);
    let whole = evaluate(&ctx, &place.request(&["class-aware", "threshold"], None)).unwrap();

    let request = place.request(&["class-aware", "threshold"], Some("results"));
    let (_, ctx) = recorder(Some(("training class-aware with seed 6", Ctx::cancel)));
    assert_eq!(evaluate(&ctx, &request).unwrap_err(), JobError::Cancelled);
    assert!(!place.path("results").exists());
    let partial = place.path(".results.evaluating");
    let kept = fs::read_to_string(partial.join("runs.jsonl")).unwrap();
    assert_eq!(kept.lines().count(), 1 + 4, "three of the first seed and one of the second");

    // Another evaluation is not mixed with it.
    let other = chosen(request.clone(), |choice| choice.budget = Budget::Steps(7));
    let refused = evaluate(&Ctx::default(), &other).unwrap_err();
    assert!(
        matches!(&refused, JobError::Input(text) if text.contains("other images or settings")),
        "{refused}"
    );

    // A line that was cut short is measured again.
    fs::write(partial.join("runs.jsonl"), format!("{kept}{{\"images\":\"\",\"sec")).unwrap();
    let (told, ctx) = recorder(None);
    let outcome = evaluate(&ctx, &request).unwrap();
    assert_eq!(outcome.resumed, 4);
    assert!(told.says(Level::Info, "going on: 4"));
    assert_eq!(outcome.out, Some(place.path("results")));
    assert!(!partial.exists());
    assert_eq!(outcome.comparison.json(), whole.comparison.json(), "as if it had never stopped");
    assert_eq!(files(&place.path("results")), FINISHED);
}

#[test]
fn what_was_measured_serves_later_evaluations() {
    let place = Place::new();
    let kept = place.path("kept");
    let (_, ctx) = recorder(None);
    let first = evaluate_keeping(&ctx, &place.request(&["class-aware"], None), &kept).unwrap();
    assert!(first.complete && first.resumed == 0 && first.step_seconds.is_some_and(|seconds| seconds > 0.0));
    assert_eq!(first.out, None);

    // Only what is new is trained, and all of it is told.
    let (told, ctx) = recorder(None);
    let more = evaluate_keeping(&ctx, &place.request(&["class-aware", "mixup"], None), &kept).unwrap();
    assert_eq!(more.resumed, 4);
    assert_eq!(told.curve("ACSA · none").len(), 2, "also what was measured before");
    assert!(told.curve("loss · none, seed 5").is_empty() && !told.curve("loss · mixup, seed 5").is_empty());
    let same = |name: &str| {
        let confusion = |outcome: &Comparison| outcome.treatment(name).unwrap().confusion.clone();
        confusion(&first.comparison) == confusion(&more.comparison)
    };
    assert!(same("none") && same("class-aware"));
    let again = evaluate_keeping(&Ctx::default(), &place.request(&["mixup"], None), &kept).unwrap();
    assert_eq!((again.resumed, again.step_seconds), (4, None), "nothing was left to train");
    assert_eq!(again.setting.test, first.setting.test);

    // Other settings and other images lie elsewhere; what was cut short is measured again.
    assert_eq!(files(&kept).len(), 1);
    let other = chosen(place.request(&[], None), |choice| choice.budget = Budget::Steps(4));
    assert_eq!(evaluate_keeping(&Ctx::default(), &other, &kept).unwrap().resumed, 0);
    assert_eq!(files(&kept).len(), 2);
    fs::remove_file(place.path("source/train/down/007.png")).unwrap();
    let fewer = evaluate_keeping(&Ctx::default(), &place.request(&[], None), &kept).unwrap();
    assert_eq!((fewer.resumed, files(&kept).len()), (0, 3));
    assert_ne!(fewer.setting.training, first.setting.training);
    let (_, ctx) = recorder(Some(("training none with seed 6", Ctx::cancel)));
    let request = chosen(place.request(&[], None), |choice| choice.budget = Budget::Steps(5));
    assert_eq!(evaluate_keeping(&ctx, &request, &kept).unwrap_err(), JobError::Cancelled);
    assert_eq!(evaluate_keeping(&Ctx::default(), &request, &kept).unwrap().resumed, 1);
}

#[test]
fn what_was_measured_is_read_as_it_was_written_to_the_last_bit() {
    const FIGURES: [&str; 3] = ["auroc", "auprc", "calibration_error"];
    let place = Place::new();
    let kept = place.path("kept");
    let request = chosen(place.request(&[], None), |choice| {
        (choice.budget, choice.seeds) = (Budget::Steps(1), 8);
    });
    evaluate_keeping(&Ctx::default(), &request, &kept).unwrap();
    let runs = kept.join(&files(&kept)[0]).join("runs.jsonl");

    // Any figures in the place of what was measured; the first one is read wrongly by serde_json itself.
    let mut draws = stream(3, Stage::Other, 0, 0);
    let mut wanted: Vec<[f64; 3]> = (0..8).map(|_| FIGURES.map(|_| draws.uniform())).collect();
    wanted[0][0] = 0.001_090_548_350_475_728_5;
    let mut text = String::new();
    for (number, line) in fs::read_to_string(&runs).unwrap().lines().enumerate() {
        // The head says which evaluation it is.
        if number == 0 {
            text += &format!("{line}\n");
            continue;
        }
        let mut record: Value = serde_json::from_str(line).unwrap();
        assert_eq!(record["run"]["seed"], request.choice.seed + number as u64 - 1);
        for (name, value) in FIGURES.into_iter().zip(wanted[number - 1]) {
            record["run"][name] = json!(value);
        }
        text += &format!("{record}\n");
    }
    fs::write(&runs, text).unwrap();

    for (after, wanted) in wanted.into_iter().enumerate() {
        let one = chosen(request.clone(), |choice| {
            (choice.seed, choice.seeds) = (choice.seed + after as u64, 1);
        });
        let outcome = evaluate_keeping(&Ctx::default(), &one, &kept).unwrap();
        assert_eq!(outcome.resumed, 1, "what was measured is taken");
        let plain = outcome.comparison.treatment("none").unwrap();
        for (name, wanted) in FIGURES.into_iter().zip(wanted) {
            let found = plain.figure(name).unwrap().mean;
            assert_eq!(
                found.to_bits(),
                wanted.to_bits(),
                "{name} of seed {}: {found}, not {wanted}",
                one.choice.seed
            );
        }
    }
}

#[test]
fn what_was_measured_of_folds_serves_later_evaluations() {
    let place = Place::new();
    let kept = place.path("kept");
    place.class("flat/across", 0, 0..12);
    place.class("flat/down", 1, 0..6);
    let folded = |treatments: &[&str], folds: usize| {
        let request = place.request_on("flat", treatments, None);
        chosen(request, |choice| (choice.budget, choice.folds) = (Budget::Steps(3), Some(folds)))
    };
    let first = evaluate_keeping(&Ctx::default(), &folded(&[], 3), &kept).unwrap();
    assert!(first.complete && first.resumed == 0 && first.step_seconds.is_some());
    let (told, ctx) = recorder(None);
    let more = evaluate_keeping(&ctx, &folded(&["drs"], 3), &kept).unwrap();
    assert_eq!(more.resumed, 2 * 3, "a classifier of each seed and fold");
    assert_eq!(told.curve("ACSA · none").len(), 2, "a seed is told once, as a whole");
    assert_eq!(told.curve("ACSA · drs").len(), 2);
    assert!(told.curve("loss · none, seed 5, fold 1").is_empty());
    assert_eq!(told.curve("loss · drs, seed 6, fold 3").len(), 3);
    assert_eq!((&more.setting.training, &more.setting.test), (&first.setting.training, &first.setting.test));

    // The same images are asked about, by classifiers that learnt from others.
    let other = evaluate_keeping(&Ctx::default(), &folded(&[], 4), &kept).unwrap();
    assert_eq!((other.resumed, other.setting.folds), (0, Some(4)));
    assert_eq!(other.setting.test, first.setting.test);
    assert_ne!(other.setting.training, first.setting.training);
}

#[test]
fn a_step_is_timed_and_the_length_is_known_before() {
    let place = Place::new();
    let timed = time_steps(&Ctx::default(), &place.request(&["mixup"], None)).unwrap();
    assert!(timed.step_seconds > 0.0 && timed.network == Preset::Small);
    // Without a test part, too, but not without a class to learn.
    place.class("flat/across", 0, 0..12);
    place.class("flat/down", 1, 0..6);
    assert!(time_steps(&Ctx::default(), &place.request_on("flat", &[], None)).unwrap().step_seconds > 0.0);
    assert_eq!((usual_folds(0), usual_folds(6)), (Some(5), None));
    assert_eq!((learnt_from(18, Some(5)), learnt_from(18, None)), (15, 18));
    fs::remove_dir_all(place.path("source/train/down")).unwrap();
    let refused = time_steps(&Ctx::default(), &place.request(&[], None)).unwrap_err();
    assert!(matches!(&refused, JobError::Input(text) if text.contains("down")), "{refused}");

    assert_eq!(Budget::Usual.steps(Preset::Small, 300), 2000);
    assert_eq!(Budget::Usual.steps(Preset::Resnet32, 300), 600, "three batches, 200 times");
    assert_eq!(Budget::Epochs(4).steps(Preset::Small, 300), 12);
    assert_eq!(Budget::Epochs(4).steps(Preset::Small, 10), 4, "fewer images than a batch are one");
    assert_eq!(Budget::Steps(0).steps(Preset::Small, 300), 1);
}

#[test]
fn stop_and_keep_compares_what_is_there() {
    let place = Place::new();
    let (told, ctx) = recorder(Some(("training none with seed 6", Ctx::stop_and_keep)));
    let outcome = evaluate(&ctx, &place.request(&["class-aware"], Some("results"))).unwrap();
    assert_eq!(outcome.out, None);
    assert!(told.says(Level::Warning, "stopped before the end"));
    let aware = outcome.comparison.treatment("class-aware").unwrap();
    assert_eq!(aware.seeds, [5]);
    assert_eq!(aware.against_baseline.as_ref().unwrap().seeds, 1, "on the seed that both have");
    assert!(place.path(".results.evaluating/runs.jsonl").exists());
}

#[test]
fn what_the_job_tells() {
    let place = Place::new();
    let (told, ctx) = recorder(None);
    let again = NamedFolder { name: "again".to_owned(), dir: place.path("source/train") };
    let request = chosen(place.request(&["mixup"], None), |choice| choice.folders = vec![again]);
    evaluate(&ctx, &request).unwrap();
    assert_eq!(told.curve("ACSA · mixup").len(), 2, "one point a seed");
    assert_eq!(told.curve("loss · none, seed 5").len(), 6);
    assert!(told.says(Level::Warning, "no manifest"));
    // A training image that lies in the test part, too.
    fs::copy(place.path("source/train/down/000.png"), place.path("source/test/down/999.png")).unwrap();
    let (told, ctx) = recorder(None);
    let request = chosen(place.request(&[], None), |choice| {
        (choice.budget, choice.seeds) = (Budget::Epochs(1), 1);
    });
    let outcome = evaluate(&ctx, &request).unwrap();
    assert!(told.says(Level::Warning, "1 of 17 test images are also training images"));
    assert!(outcome.warnings[0].contains("1 of 17 test images"), "what is wrong stays with the figures");
    assert_eq!((outcome.setting.batch, outcome.setting.steps), (32, 1), "32 images are one batch");
    assert!(!outcome.comparison.summary.join(" ").contains("groups"));

    // One patient in both parts, and three of the test images of another.
    let mut request = request;
    for sample in &mut Arc::make_mut(&mut request.dataset).samples {
        let of = |names: &[&str]| names.iter().any(|name| sample.path.ends_with(name));
        if of(&["train/across/000.png", "test/across/100.png", "test/down/100.png"]) {
            sample.group = Some("patient 1".to_owned());
        } else if of(&["test/across/101.png", "test/across/102.png", "test/across/103.png"]) {
            sample.group = Some("patient 2".to_owned());
        }
    }
    let (told, ctx) = recorder(None);
    let outcome = evaluate(&ctx, &request).unwrap();
    assert!(told.says(Level::Warning, "2 of 17 test images are of groups that training images are of"));
    let summary = outcome.comparison.summary.join(" ");
    assert!(summary.contains("The 17 test images are of 14 groups, which intervals draw whole"), "{summary}");
}

/// A generator that learns next to nothing in next to no time.
const QUICK_SMOTE: &str = "smote:space=pixels:epochs=4:batch=8";

/// The one folder below another whose name begins so.
fn folder_of(place: &Path, begins: &str) -> PathBuf {
    let found: Vec<String> = files(place).into_iter().filter(|name| name.starts_with(begins)).collect();
    assert_eq!(found.len(), 1, "{begins} in {:?}", files(place));
    place.join(&found[0])
}

#[test]
fn generators_are_treatments() {
    let place = Place::new();
    let got = place.done(&format!(
        "evaluate source --treatments {QUICK_SMOTE},{QUICK_SMOTE}+mixup,m2m-online:beta=0.5,random {QUICK} --out made"
    ));
    let names: Vec<&str> = list(&got, "treatments").iter().map(|t| t["name"].as_str().unwrap()).collect();
    let both = format!("{QUICK_SMOTE}+mixup");
    let smote = names.iter().find(|name| name.starts_with("smote") && !name.contains('+')).unwrap();
    // Names read back, with the parameters in the table's order.
    assert_eq!(smote.parse::<Asked>().unwrap(), QUICK_SMOTE.parse::<Asked>().unwrap());
    assert!(names.iter().any(|name| name.parse::<Asked>().unwrap() == both.parse::<Asked>().unwrap()));
    assert_eq!((names[0], names[4], names.len()), ("none", "random", 5));
    assert_eq!(names[3], "m2m-online:beta=0.5");
    for (name, made) in [(*smote, true), ("m2m-online:beta=0.5", true), ("random", false)] {
        assert_eq!(named(&got, name)["makes_images"], made, "{name}");
        assert_eq!(named(&got, name)["difference"]["against"], "none");
        assert!(named(&got, name)["acsa_sd"].is_number());
    }
    // 24 of one class and 8 of the other: 16 slots, for the images of a generator alone.
    let filled = list(&got, "made");
    assert_eq!(filled.len(), 3 * 2, "three that fill, under two seeds");
    for of in filled {
        assert_eq!(
            (&of["slots"], of["made"].as_u64().unwrap() + of["repeats"].as_u64().unwrap()),
            (&Value::from(16), 16)
        );
        assert!(of["seconds"].as_f64().unwrap() >= 0.0, "each learnt in one go: {of}");
    }
    // How good the images are, beside real ones, for each that made any.
    let mut rows = csv::Reader::from_path(place.path("made/generators.csv")).unwrap();
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    for of in filled.iter().filter(|of| of["name"] != "random") {
        let [class] = list(of, "classes").as_slice() else { panic!("one class was filled: {of}") };
        assert_eq!((&class["class"], &class["made"]), (&Value::from("down"), &Value::from(16)));
        assert_eq!(class["accepted"], of["made"]);
        let figures = list(class, "figures");
        for name in ["KID-g", "coverage", "diversity", "near copies", "judge accuracy", "nearest median"] {
            let figure = figures.iter().find(|figure| figure["name"] == name).unwrap();
            assert!(figure["value"].is_number() && figure["n_made"].as_u64() >= Some(8), "{figure}");
        }
        let seed = of["seed"].to_string();
        let mine = rows.iter().filter(|row| of["name"] == row[0] && row[1] == seed);
        assert_eq!(mine.count(), figures.len());
    }
    assert_eq!(&rows[0][3], "down");
    let page = fs::read_to_string(place.path("made/report.html")).unwrap();
    assert!(page.contains("judge accuracy<small>g, learnt</small>"), "side by side in the page");
    let of_random = filled.iter().filter(|of| of["name"] == "random").all(|of| of["made"] == 0);
    assert!(of_random, "it repeats alone");
    assert!(list(&got, "failed").is_empty());

    // One model serves both that learn from its images; what it made lies beside it, and no checkpoint is
    // left.
    let kept = place.path("made/generators");
    assert_eq!(files(&kept).len(), 2 * 2, "{:?}", files(&kept));
    for seed in 0..2 {
        let smote = folder_of(&kept, &format!("smote-seed{seed}"));
        assert_eq!(files(&smote), ["images", "model.safetensors"]);
        assert_eq!(files(&smote.join("images")), ["1-16", "1-16.json"], "class 1, 16 slots");
        let wanted = filled.iter().find(|of| of["seed"] == seed && of["name"] != "random").unwrap();
        assert_eq!(files(&smote.join("images/1-16")).len() as u64, wanted["made"].as_u64().unwrap());
        assert_eq!(files(&folder_of(&kept, &format!("m2m-seed{seed}"))), ["model.safetensors"]);
    }
    let output = place.run(
        "evaluate source --treatments class-aware+weights-balanced --steps 2 --seeds 1 --device cpu --json",
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("the correction is made twice"), "{said}");
    let got: Value = serde_json::from_slice(&output.stdout).unwrap();
    let warning = list(&got, "warnings")[0].as_str().unwrap();
    assert!(warning.contains("the correction is made twice"), "it stays with the figures: {warning}");
    let line =
        format!("evaluate source --treatments {QUICK_SMOTE}+class-aware --steps 2 --seeds 1 --device cpu");
    let said = String::from_utf8_lossy(&place.run(&line).stderr).into_owned();
    assert!(said.contains("nothing left to correct"), "{said}");
}

#[test]
fn what_is_kept_nowhere_is_shown_where_it_ends_early() {
    let place = Place::new();
    let request = place.request(&["class-aware", "mixup"], None);
    let (told, ctx) = recorder(Some(("training mixup with seed 5", Ctx::cancel)));
    let outcome = evaluate(&ctx, &request).unwrap();
    assert_eq!((outcome.ended, outcome.complete), (Some(JobError::Cancelled), false));
    let names: Vec<&str> = outcome.comparison.treatments.iter().map(|of| of.name.as_str()).collect();
    assert_eq!(names, ["none", "class-aware"]);
    assert!(told.says(Level::Warning, "kept nowhere"));
    // One alone is compared with nothing, and what lies on the disk needs no showing.
    let acts = [(None, "training class-aware with seed 5"), (Some("results"), "training mixup with seed 5")];
    for (out, stage) in acts {
        let (_, ctx) = recorder(Some((stage, Ctx::cancel)));
        let request = place.request(&["class-aware", "mixup"], out);
        assert_eq!(evaluate(&ctx, &request).unwrap_err(), JobError::Cancelled, "{stage}");
    }
}

/// Takes treatments off while the one before them is trained.
struct TakesOff(LeftOut);

impl Sink for TakesOff {
    fn event(&self, event: Event) {
        if matches!(&event, Event::Progress { stage, .. } if stage.starts_with("training class-aware with seed 5"))
        {
            ["none", "mixup"].into_iter().for_each(|name| self.0.add(name));
        }
    }
}

#[test]
fn a_treatment_that_waits_is_taken_off_a_comparison_that_runs() {
    let place = Place::new();
    let request = place.request(&["class-aware", "mixup"], Some("results"));
    let outcome = evaluate(&Ctx::new(TakesOff(request.left_out.clone())), &request).unwrap();
    assert!(outcome.complete, "what was taken off lacks nowhere");
    let without = evaluate(&Ctx::default(), &place.request(&["class-aware"], None)).unwrap();
    assert_eq!(outcome.comparison.json(), without.comparison.json(), "plain training stays");
    assert_eq!(files(&place.path("results")), FINISHED);

    let choice = chosen(place.request(&["drs", "mixup:alpha=0.2"], None), |_| {}).choice;
    let left = choice.without(|name| name == "drs");
    assert_eq!(left.treatments, ["mixup:alpha=0.2"]);
    assert_eq!(choice.without(|_| false), choice);
}

#[cfg(unix)]
#[test]
fn an_interrupted_comparison_is_printed_and_exits_130() {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::process::{Command, Stdio};

    let place = Place::new();
    let line =
        "evaluate source --treatments class-aware --steps 20 --seeds 100 --device cpu --network small -v";
    let mut child = Command::new(env!("CARGO_BIN_EXE_counterpoise"))
        .args(line.split(' '))
        .current_dir(place.path("."))
        .env("COUNTERPOISE_DATA_DIR", place.path("data"))
        .env("XDG_CACHE_HOME", place.path("cache"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut heard = String::new();
    // Both treatments of the first seed are measured once another one is trained.
    loop {
        let mut text = String::new();
        assert!(said.read_line(&mut text).unwrap() > 0, "it ended by itself: {heard}");
        heard += &text;
        if text.contains("with seed ") && !text.trim_end().ends_with("with seed 0") {
            break;
        }
    }
    let kill = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap();
    assert!(kill.success());
    said.read_to_string(&mut heard).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{heard}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("class-aware"), "{heard}");
    assert!(heard.contains("kept nowhere") && !heard.contains("saving"), "{heard}");
}

#[test]
fn steps_of_a_classifier_in_whole_epochs_are_said() {
    // 32 images in batches of 8 are epochs of 4 steps.
    let place = Place::new();
    let request =
        chosen(place.request(&["drs", "m2m-online:batch=8:epochs=2"], None), |choice| choice.seeds = 1);
    let outcome = evaluate(&Ctx::default(), &request).unwrap();
    assert_eq!(outcome.setting.online.len(), 1, "{:?}", outcome.setting.online);
    let (name, steps) = &outcome.setting.online[0];
    assert!(name.starts_with("m2m-online") && *steps == 8, "{name}: {steps}");
    let lines = outcome.lines().join("\n");
    assert!(
        lines.contains(&format!("6 steps of 32 images for every treatment ({name}: 8, in whole")),
        "{lines}"
    );
    let rows = outcome.page(&request).about.settings;
    assert!(rows.contains(&(format!("steps of {name}"), "8, in whole epochs".to_owned())), "{rows:?}");
}

#[test]
fn an_evaluation_goes_on_inside_a_generator() {
    let place = Place::new();
    let asked = [QUICK_SMOTE];
    let (_, ctx) = recorder(None);
    let whole = evaluate(&ctx, &place.request(&asked, None)).unwrap();

    // Once the images of the first seed are there, the model is not wanted any more.
    let request = place.request(&asked, Some("results"));
    let (_, ctx) = recorder(Some(("training smote", Ctx::cancel)));
    assert_eq!(evaluate(&ctx, &request).unwrap_err(), JobError::Cancelled);
    let kept = place.path(".results.evaluating/generators");
    let first = folder_of(&kept, "smote-seed5");
    fs::remove_file(first.join("model.safetensors")).unwrap();

    let (_, ctx) = recorder(Some(("with seed 6: training the judge", Ctx::cancel)));
    assert_eq!(evaluate(&ctx, &request).unwrap_err(), JobError::Cancelled);
    assert!(!first.join("model.safetensors").exists(), "the images were enough");
    let second = folder_of(&kept, "smote-seed6");
    assert_eq!(files(&second), ["model.safetensors.checkpoint"]);

    let (told, ctx) = recorder(None);
    let outcome = evaluate(&ctx, &request).unwrap();
    assert_eq!(outcome.resumed, 3, "both of the first seed and one of the second");
    assert!(told.says(Level::Info, "going on from a checkpoint"));
    assert_eq!(outcome.comparison.json(), whole.comparison.json(), "as if it had never stopped");
    let filled = |made: &[MadeOf]| made.iter().map(|of| (of.seed, of.filled)).collect::<Vec<_>>();
    assert_eq!(filled(&outcome.made), filled(&whole.made));
    // Figures of the first seed were read, those of the second taken.
    for (of, whole) in outcome.made.iter().zip(&whole.made) {
        let (of, whole) = (&of.classes[0], &whole.classes[0]);
        assert_eq!(
            (of.made, of.accepted, of.figures.len()),
            (whole.made, whole.accepted, whole.figures.len())
        );
        for (of, whole) in of.figures.iter().zip(&whole.figures) {
            assert!(of.name == whole.name && (of.value - whole.value).abs() < 1e-6, "{of:?} {whole:?}");
        }
    }
    assert!(whole.made.iter().all(|of| of.seconds.is_some_and(|seconds| seconds > 0.0)));
    assert!(outcome.made.iter().all(|of| of.seconds.is_none()), "neither was made in one go");
    assert_eq!(outcome.out, Some(place.path("results")));
}

#[test]
fn made_images_alone_are_learnt_from_where_asked_for() {
    // Whatever its judge says, each image is taken.
    let asked = [QUICK_SMOTE, ":judge-threshold=0"].concat();
    let place = Place::new();
    let request =
        |out| chosen(place.request(&[asked.as_str(), "random"], out), |choice| choice.made_alone = true);
    let choice = request(None).choice;
    assert_eq!((choice.trainings(), choice.of_every_class().len()), (4 * 2, 1), "what repeats makes nothing");
    let whole = evaluate(&Ctx::default(), &request(None)).unwrap();
    assert!(whole.failed.is_empty() && whole.complete, "{:?}", whole.failed);
    assert_eq!(whole.comparison.treatments.len(), 3, "it is no treatment");
    assert!(
        whole.warnings.iter().any(|words| words.contains("images of random alone")),
        "{:?}",
        whole.warnings
    );
    for of in &whole.made {
        let Some(alone) = &of.alone else { continue };
        // Less what is a copy to the last pixel.
        assert_eq!(alone.slots, 24 + 8, "as many of each class as it has real ones");
        assert!((28..=32).contains(&alone.made), "{}", alone.made);
        let recalls: Vec<f64> = alone.recalls.iter().map(|of| of.recall.unwrap()).collect();
        assert!((alone.acsa.unwrap() - (recalls[0] + recalls[1]) / 2.0).abs() < 1e-12);
    }
    let alone =
        |made: &[MadeOf]| made.iter().filter_map(|of| Some((of.seed, of.alone.clone()?))).collect::<Vec<_>>();
    assert_eq!(alone(&whole.made).len(), 2, "under each seed");

    // It goes on where it was.
    let stage = "on made images alone with seed 6";
    let (_, ctx) = recorder(Some((stage, Ctx::cancel)));
    assert_eq!(evaluate(&ctx, &request(Some("results"))).unwrap_err(), JobError::Cancelled);
    let (_, ctx) = recorder(None);
    let outcome = evaluate(&ctx, &request(Some("results"))).unwrap();
    assert_eq!(outcome.resumed, 4 + 2, "all of the first seed, two of the second");
    assert_eq!(alone(&outcome.made), alone(&whole.made), "as if it had never stopped");
    let out = place.path("results");
    let rows = |name: &str| -> Vec<csv::StringRecord> {
        csv::Reader::from_path(out.join(name)).unwrap().records().map(Result::unwrap).collect()
    };
    let table = rows("table.csv");
    let of: Vec<_> = table.iter().filter(|row| row[2].ends_with("_made_alone")).collect();
    assert_eq!(
        (of.len(), &of[0][1], &of[1][1], &of[2][1]),
        (3, "", "across", "down"),
        "ACSA and two recalls"
    );
    assert!(of.iter().all(|row| &row[5] == "2"), "over two seeds");
    assert_eq!(rows("generators.csv").iter().filter(|row| &row[6] == "made images alone").count(), 2 * 3);
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("Trained on made images alone, plainly") && page.contains("--tstr"));
    assert!(!page.contains("on made images alone</bdi>"), "no row among the treatments");
    assert_eq!(
        page.matches("<img alt=\"made image ").count(),
        8,
        "of the one generator and class that was filled"
    );
    let written: Value = serde_json::from_slice(&fs::read(out.join("results.json")).unwrap()).unwrap();
    assert!(list(&written, "made")[0]["alone"]["acsa"].is_number());
    assert!(outcome.lines().join("\n").contains("with seed 6, trained on made images alone: ACSA"));
}

#[test]
fn generators_of_other_lengths_take_no_line_of_each_other() {
    let place = Place::new();
    let kept = place.path("kept");
    let lasting = |epochs: Option<usize>| {
        chosen(place.request(&["smote:space=pixels:batch=8"], None), |choice| {
            (choice.seeds, choice.generator_epochs) = (1, epochs);
        })
    };
    let first = evaluate_keeping(&Ctx::default(), &lasting(Some(2)), &kept).unwrap();
    assert_eq!(first.resumed, 0);
    let longer = evaluate_keeping(&Ctx::default(), &lasting(Some(3)), &kept).unwrap();
    assert_eq!(longer.resumed, 1, "plain training alone");
    let generators = folder_of(&kept, "").join("generators");
    assert_eq!(files(&generators).len(), 2, "a folder for each length: {:?}", files(&generators));
    let again = evaluate_keeping(&Ctx::default(), &lasting(Some(2)), &kept).unwrap();
    assert_eq!((again.resumed, again.step_seconds), (2, None), "nothing was left to train");
    assert_eq!(again.comparison.json(), first.comparison.json());
    // Another target is other images of the same model.
    let half = chosen(lasting(Some(2)), |choice| choice.target = Target::Count(16));
    let outcome = evaluate_keeping(&Ctx::default(), &half, &kept).unwrap();
    assert_eq!((outcome.resumed, outcome.made[0].filled.unwrap().slots), (1, 8));
    assert_eq!(files(&generators).len(), 2, "it was not trained again");
    assert_eq!(outcome.made[0].seconds, None, "only a part of the work was done now");

    // The name stays as it was asked for; the command line that repeats it says the epochs.
    assert_eq!(first.made[0].name, "smote:batch=8:space=pixels".parse::<Asked>().unwrap().to_string());
    let command = first.page(&lasting(Some(2))).about.command;
    assert!(command.contains("epochs=2") && command.contains("--target max"), "{command}");
    // Of a length in epochs generators have as many, as on the command line, unless theirs is said.
    let of = |change: fn(&mut Choice)| chosen(lasting(None), change).choice.lasting();
    assert_eq!(of(|choice: &mut Choice| choice.budget = Budget::Epochs(4)), Some(4));
    assert_eq!(of(|choice: &mut Choice| choice.budget = Budget::Steps(4)), None);
    let both = |choice: &mut Choice| {
        (choice.budget, choice.generator_epochs) = (Budget::Epochs(4), Some(9));
    };
    assert_eq!(of(both), Some(9));
}

#[test]
fn the_time_left_counts_generators_once_one_was_measured() {
    let place = Place::new();
    let (told, ctx) = recorder(None);
    evaluate(&ctx, &place.request(&["class-aware"], None)).unwrap();
    assert!(told.times().is_empty(), "the pace of the steps says it");
    evaluate(&ctx, &place.request(&[QUICK_SMOTE, "random"], None)).unwrap();
    let times = told.times();
    let (first, words) = &times[0];
    assert!(first.is_none() && words.contains("not measured yet (smote"), "{first:?} {words}");
    assert!(!words.contains("random"), "it learns nothing");
    let begins = times.iter().position(|(_, words)| words.is_empty()).unwrap();
    assert!(times[1..begins].iter().any(|(left, _)| left.is_some()), "of the classifiers");
    assert!(times[begins..].iter().all(|(left, words)| left.is_some() && words.is_empty()));
    assert!(times[begins].0.unwrap() > Duration::ZERO, "the second seed is ahead");
    assert_eq!(times.last().unwrap().0, Some(Duration::ZERO));
}

#[test]
fn what_a_generator_gave_in_words() {
    let of = |filled: Option<Filled>, seconds| {
        MadeOf { name: "smote".to_owned(), seed: 5, filled, seconds, ..MadeOf::default() }.words()
    };
    let filled = |slots, made| Some(Filled { slots, made });
    assert_eq!(
        of(filled(16, 12), Some(41.23)),
        "12 of 16 slots have an accepted image, 4 a repeat; 41.2 s of learning and making"
    );
    assert!(of(filled(16, 16), None).starts_with("all 16 slots have an accepted image; not done in one go"));
    assert!(of(filled(16, 0), None).starts_with("all 16 slots have a repeat"), "no image was made");
    assert!(of(filled(0, 0), None).starts_with("no slot to fill"));
    assert!(of(None, Some(1.0)).contains("its own classifier; 1.0 s"));
}

#[test]
fn a_stopped_generator_is_no_result() {
    let place = Place::new();
    let (told, ctx) = recorder(Some(("with seed 5: training the judge", Ctx::stop_and_keep)));
    let outcome = evaluate(&ctx, &place.request(&[QUICK_SMOTE], Some("results"))).unwrap();
    assert_eq!(outcome.out, None);
    assert!(told.says(Level::Warning, "stopped before the end"));
    assert_eq!(outcome.comparison.treatments.len(), 1, "plain training alone");
    assert!(outcome.made.is_empty() && outcome.failed.is_empty());
}

#[test]
fn without_a_test_part_each_image_is_held_out_in_turn() {
    let place = Place::new();
    place.class("flat/across", 0, 0..12);
    place.class("flat/down", 1, 0..7);
    place.class("flat/single", 2, 0..1);
    let line = "evaluate flat --treatments class-aware --steps 3 --seeds 1 --device cpu --network small";
    let got = place.done(&format!("{line} --folds 3"));
    assert_eq!((&got["folds"], &got["test_images"]), (&Value::from(3), &Value::from(19)));
    assert_eq!(got["classes"][0], serde_json::json!({ "name": "across", "training": 12, "test": 12 }));
    assert_eq!(got["classes"][2], serde_json::json!({ "name": "single", "training": 1, "test": 0 }));
    assert!(named(&got, "class-aware")["classes"][2]["recall"].is_null());
    assert!(named(&got, "none")["intervals"]["acsa"]["low"].is_number());
    let summary =
        list(&got, "summary").iter().map(|text| text.as_str().unwrap()).collect::<Vec<_>>().join("\n");
    assert!(summary.contains("3-fold cross-validation"), "{summary}");
    assert!(summary.contains("Never held out") && summary.contains("1 of single"), "{summary}");
    assert_eq!(place.done(line)["folds"], 5, "five where nothing is said");
    let output = place.run(line);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("5-fold cross-validation"), "{text}");
}

#[test]
fn folds_keep_groups_and_go_on() {
    let place = Place::new();
    place.class("flat/across", 0, 0..12);
    place.class("flat/down", 1, 0..6);
    // Copies of one picture, and a group over both classes.
    fs::copy(place.path("flat/across/000.png"), place.path("flat/across/copy.png")).unwrap();
    let folded = |out: Option<&str>| {
        let mut request = place.request_on("flat", &["threshold", QUICK_SMOTE], out);
        for sample in &mut Arc::make_mut(&mut request.dataset).samples {
            if sample.path.ends_with("001.png") || sample.path.ends_with("002.png") {
                sample.group = Some("one patient".to_owned());
            }
        }
        (request.choice.seeds, request.choice.folds) = (1, Some(3));
        request
    };
    let (_, ctx) = recorder(None);
    let whole = evaluate(&ctx, &folded(None)).unwrap();
    assert_eq!(whole.setting.folds, Some(3));
    assert_eq!(whole.comparison.test.truth.len(), 19, "every image is told once");
    assert!(whole.failed.is_empty(), "{:?}", whole.failed);
    let slots: Vec<usize> = whole.made.iter().map(|of| of.filled.unwrap().slots).collect();
    assert!(slots.len() == 1 && slots[0] > 0, "one sum over the folds: {slots:?}");

    // Other folds under each seed, so that no chance keeps together what nothing else does.
    for seed in 5..15 {
        let name = format!("seed{seed}");
        let request = chosen(folded(Some(&name)), |choice| {
            (choice.seed, choice.budget) = (seed, Budget::Steps(1));
            choice.treatments.clear();
        });
        let (_, ctx) = recorder(Some(("fold 2", Ctx::cancel)));
        assert_eq!(evaluate(&ctx, &request).unwrap_err(), JobError::Cancelled);
        let kept = fs::read(place.path(&format!(".{name}.evaluating/classifiers/held-out.json"))).unwrap();
        let kept: Value = serde_json::from_slice(&kept).unwrap();
        let held: Vec<&str> =
            list(&kept, "images").iter().map(|image| image["path"].as_str().unwrap()).collect();
        assert!((1..19).contains(&held.len()), "{held:?}");
        for (ends, all) in [(["001.png", "002.png"], 4), (["across/000.png", "across/copy.png"], 2)] {
            let inside = held.iter().filter(|path| ends.iter().any(|end| path.ends_with(end))).count();
            assert!(
                inside == 0 || inside == all,
                "{inside} of {all} in the first fold of seed {seed}: {held:?}"
            );
        }
    }

    let request = folded(Some("results"));
    let (_, ctx) = recorder(Some(("training none with seed 5, fold 2", Ctx::cancel)));
    assert_eq!(evaluate(&ctx, &request).unwrap_err(), JobError::Cancelled);
    let runs = place.path(".results.evaluating/runs.jsonl");
    assert_eq!(fs::read_to_string(&runs).unwrap().lines().count(), 1 + 3, "three of the first fold");
    // Another number of folds is another evaluation.
    let other = chosen(request.clone(), |choice| choice.folds = Some(4));
    assert!(matches!(evaluate(&Ctx::default(), &other).unwrap_err(), JobError::Input(_)));
    let (_, ctx) = recorder(None);
    let outcome = evaluate(&ctx, &request).unwrap();
    assert_eq!(outcome.resumed, 3);
    assert_eq!(outcome.comparison.json(), whole.comparison.json(), "as if it had never stopped");
    assert_eq!(outcome.out, Some(place.path("results")));
}

#[test]
fn answers_of_a_fold_are_kept_as_they_were_said_and_older_ones_read() {
    let place = Place::new();
    place.class("flat/across", 0, 0..12);
    place.class("flat/down", 1, 0..6);
    let request = place.request_on("flat", &["threshold"], Some("results"));
    let request = chosen(request, |choice| (choice.seeds, choice.folds) = (1, Some(3)));
    let (_, ctx) = recorder(Some(("training none with seed 5, fold 2", Ctx::cancel)));
    assert_eq!(evaluate(&ctx, &request).unwrap_err(), JobError::Cancelled);
    let runs = place.path(".results.evaluating/runs.jsonl");
    let text = fs::read_to_string(&runs).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 1 + 2, "both of the first fold");
    let mut finer = 0;
    for line in &mut lines[1..] {
        let mut record: Value = serde_json::from_str(line).unwrap();
        let rows: Vec<Vec<f64>> = serde_json::from_value(record["fold"]["probabilities"].clone()).unwrap();
        let scaled: Vec<Vec<f64>> = rows.iter().map(|row| row.iter().map(|p| p * 1e6).collect()).collect();
        finer += scaled.iter().flatten().filter(|p| (*p - p.round()).abs() > 1e-3).count();
        // As an earlier version kept it.
        let rounded: Vec<Vec<u32>> =
            scaled.iter().map(|row| row.iter().map(|p| p.round() as u32).collect()).collect();
        record["fold"] = json!({ "number": record["fold"]["number"], "millionths": rounded });
        *line = record.to_string();
    }
    assert!(finer > 0, "probabilities have more than six digits");
    fs::write(&runs, lines.join("\n") + "\n").unwrap();
    let outcome = evaluate(&Ctx::default(), &request).unwrap();
    assert_eq!((outcome.resumed, outcome.complete), (2, true), "what was kept is gone on with");
}

#[test]
fn slots_without_an_image_get_repeats_as_an_export_has_them() {
    let set = shapes::set(&[9, 4], 8, 1, false);
    let chosen = repeats(&set, 1, 10, 3);
    let times: Vec<usize> =
        set.of_class(1).iter().map(|at| chosen.iter().filter(|chosen| *chosen == at).count()).collect();
    assert_eq!(times.iter().sum::<usize>(), 10, "all of the class");
    assert!(times.iter().all(|n| (2..=3).contains(n)), "each once before one comes again: {times:?}");
    assert_eq!(chosen[..4], repeats(&set, 1, 4, 3), "more slots change no earlier one");
    assert_ne!(chosen, repeats(&set, 1, 10, 4));

    let made = vec![(1, Kind::Synthetic, shapes::picture(1, 500, 8, 1, false))];
    let filled = set.filled(&made, &chosen).unwrap();
    assert_eq!(filled.counts(), [9, 4 + 10 + 1]);
    assert_eq!(filled.made.iter().filter(|made| **made).count(), 1);
    assert_eq!(filled.picture(filled.len() - 1), made[0].2);
    assert_eq!(filled.picture(13), set.picture(chosen[0]), "repeats come behind the images themselves");
    assert!(set.filled(&[(2, Kind::Synthetic, made[0].2.clone())], &[]).is_err(), "no such class");

    // One fold: made images are in neither part.
    let held: Vec<bool> = (0..filled.len()).map(|image| image % 3 == 0).collect();
    let (learnt, test) = filled.apart(&held).unwrap();
    assert_eq!(learnt.len() + test.len(), filled.len() - 1);
    assert_eq!(test.picture(1), filled.picture(3));
    assert!(learnt.made.iter().chain(&test.made).all(|made| !made));
}

/// Answers of one treatment that are wrong on every `wrong`th image.
fn run(name: &str, seed: u64, truth: &[usize], wrong: usize) -> Run {
    let said = truth
        .iter()
        .enumerate()
        .map(|(image, &class)| if (image + seed as usize).is_multiple_of(wrong) { 1 - class } else { class });
    Run {
        name: name.to_owned(),
        seed,
        said: said.collect(),
        auroc: Some(0.5),
        auprc: None,
        calibration_error: Some(0.1),
    }
}

fn entry(name: &str, adds: Adds) -> Entry {
    Entry { name: name.to_owned(), label: name.to_owned(), adds }
}

#[test]
fn sentences_say_no_more_than_the_intervals() {
    let truth: Vec<usize> = (0..400).map(|image| image % 2).collect();
    let test = TestPart {
        classes: vec!["a".to_owned(), "b".to_owned()],
        training: vec![300, 15],
        truth: truth.clone(),
        units: Vec::new(),
    };
    let mut runs = Vec::new();
    for seed in 0..3 {
        runs.push(run("none", seed, &truth, 3));
        runs.push(run("good", seed, &truth, 11));
        runs.push(run("like good", seed, &truth, 11));
        runs.push(run("poor", seed, &truth, 2));
        runs.push(run("made", seed, &truth, 5));
        runs.push(run("repeated", seed, &truth, 5));
    }
    let entries = [
        entry("none", Adds::Nothing),
        entry("good", Adds::Nothing),
        entry("like good", Adds::Nothing),
        entry("poor", Adds::Nothing),
        entry("made", Adds::Made),
        entry("repeated", Adds::Repeats),
        entry("absent", Adds::Nothing),
    ];
    let settings = Settings { draws: 300, ..Settings::default() };
    let ctx = Ctx::default();
    let compare = |runs: &[Run]| Comparison::of(&ctx, test.clone(), &entries, "none", runs, &settings);
    let comparison = compare(&runs).unwrap();
    assert_eq!(comparison.treatments.len(), 6, "what did not run is left out");
    let against = |name: &str| comparison.treatment(name).unwrap().against_baseline.clone().unwrap();
    assert!(against("good").sentence.contains("good is better than plain training"));
    assert!(against("poor").sentence.contains("poor is worse than plain training"));
    let made = comparison.treatment("made").unwrap();
    assert!(made.against_free.as_ref().unwrap().sentence.contains("made is worse than good"));
    // The same in the tables, of those that add images alone.
    assert_eq!(comparison.best_free(), Some("good"));
    let table = comparison.table();
    assert_eq!(table[0].last().unwrap(), "ACSA against good");
    let cell = |name: &str| table.iter().find(|row| row[0] == name).unwrap().last().unwrap().clone();
    assert_eq!(cell("like good"), "-");
    let found = made.against_free.as_ref().unwrap().differences.acsa().unwrap();
    assert!(cell("made").starts_with(&format!("{:+.3} (", found.value)), "{}", cell("made"));
    let csv = comparison.csv().unwrap();
    let mut csv = csv::Reader::from_reader(csv.as_slice());
    let heads = csv.headers().unwrap().clone();
    let place = |head: &str| heads.iter().position(|other| other == head).unwrap();
    let rows: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
    let row = |name: &str| rows.iter().find(|row| &row[0] == name && &row[2] == "acsa").unwrap();
    for (head, value) in [
        ("difference_free", found.value),
        ("difference_free_low", found.low),
        ("difference_free_high", found.high),
    ] {
        let written: f64 = row("made")[place(head)].parse().unwrap();
        assert!((written - value).abs() < 1e-6, "{head}");
        assert_eq!(&row("good")[place(head)], "", "{head}");
    }
    let summary = comparison.summary.join("\n");
    assert!(summary.contains("good is better than plain training"), "{summary}");
    assert!(summary.contains("Not told apart from good: like good."), "{summary}");
    assert!(summary.contains("the made images of made are not shown to do more than good"), "{summary}");
    assert!(
        summary.contains("the repeated images of repeated are not shown to do more than good"),
        "{summary}"
    );
    assert!(!summary.contains("made images of repeated"), "{summary}");
    assert!(summary.contains("one in twenty misses by chance, and here are 5"), "{summary}");
    assert_eq!(comparison.treatment("none").unwrap().figure("recall_medium"), None);
    assert!(comparison.treatment("none").unwrap().figure("recall_few").is_some(), "b has 15 training images");
    let confusion = Confusion::of(2, &truth, &runs[0].said).unwrap();
    let first = comparison.treatment("none").unwrap().figure(Figure::Acsa.key()).unwrap();
    assert!((first.mean - confusion.acsa().unwrap()).abs() < 0.02);

    let alone: Vec<Run> = runs.iter().filter(|run| run.name != "none").cloned().collect();
    let apart = compare(&alone).unwrap();
    assert_eq!(apart.treatments.len(), 5, "what was measured is there without plain training");
    assert!(apart.treatments.iter().all(|result| result.against_baseline.is_none()));
    assert!(apart.treatment("made").unwrap().against_free.is_some());
    assert!(apart.summary[0].contains("no result of plain training"), "{}", apart.summary[0]);
    assert!(!apart.summary.join(" ").contains("better than plain training"), "{:?}", apart.summary);
    assert_eq!(compare(&[]).unwrap_err(), MetricsError::NoRuns);
    let level: Vec<Run> =
        runs.iter().filter(|run| run.name == "none" || run.name == "poor").cloned().collect();
    assert!(compare(&level).unwrap().summary[0].contains("Nothing here is shown to be better"));
}

#[test]
fn the_forms_of_a_sentence() {
    let of = |value, low, high, seeds| sentence("drs", "none", &Interval { value, low, high }, seeds, 120);
    assert_eq!(
        of(0.05, 0.01, 0.09, 3),
        "drs is better than plain training: ACSA +0.050 (95 % interval +0.010 to +0.090; 3 seeds, 120 test images)."
    );
    assert!(of(-0.05, -0.09, -0.01, 3).starts_with("drs is worse than plain training"));
    let open = of(0.01, -0.02, 0.04, 1);
    assert!(
        open.contains("not told apart") && open.contains("More seeds") && open.contains("one seed"),
        "{open}"
    );
    assert_eq!(of(0.0, 0.0, 0.0, 2), "drs finds exactly what plain training finds.");
}
