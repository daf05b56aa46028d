//! Maps of a comparison's classifiers: what is kept of them and when, maps side by side, what is refused, and the files of
//! the command line.
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
use std::path::Path;

use counterpoise::classify::batches::{Augment, gather};
use counterpoise::classify::treatments::{
    Options, Owner, Preset, SavedClassifier, SavedError, Treatment, fit,
};
use counterpoise::domain::task::{Ctx, Level};
use counterpoise::evaluation::saliency::rise::{self, Weighing, rise};
use counterpoise::evaluation::saliency::side_by_side::{About, Method, Question, looks};
use counterpoise::evaluation::saliency::{Baseline, Explainer, SaliencyError, SaliencyMap, Subjects};
use counterpoise::imaging::scan::{ScanOptions, scan};
use counterpoise::jobs::JobError;
use counterpoise::jobs::evaluate::{
    Budget, Classifiers, EvaluateRequest, NamedFolder, evaluate, evaluate_keeping,
};
use counterpoise::jobs::saliency::{
    Maps, MapsRequest, TestImage, TestImages, evaluate_with_maps, maps, test_images,
};
use counterpoise::nn::ComputeDevice;
use counterpoise::nn::input_gradient::Images;
use counterpoise::nn::weights::Weights;
use evaluation::chosen;
use place::{Place, SIDE};
use training::recorder;

/// A folder of two classes of bars with a test part.
fn bars() -> Place {
    let place = Place::empty();
    place.class("source/train/across", 0, 0..24);
    place.class("source/train/down", 1, 0..8);
    place.class("source/test/across", 0, 100..106);
    place.class("source/test/down", 1, 100..104);
    place
}

fn request(place: &Place, folder: &str, treatments: &[&str], out: Option<&str>) -> EvaluateRequest {
    let dataset = scan(&Ctx::default(), &place.path(folder), &ScanOptions::default()).unwrap();
    evaluation::request(dataset, treatments, out.map(|out| place.path(out)))
}

/// The same with one seed.
fn once(request: EvaluateRequest) -> EvaluateRequest {
    chosen(request, |choice| choice.seeds = 1)
}

/// Maps of all test images by Grad-CAM.
fn asked(place: &Place, folder: &str, classifiers: &Classifiers) -> MapsRequest {
    MapsRequest {
        root: place.path(folder),
        classifiers: classifiers.clone(),
        treatments: Vec::new(),
        images: (0..test_images(classifiers).unwrap().images.len()).collect(),
        question: Question { seed: 9, ..Question::default() },
        device: "cpu".to_owned(),
    }
}

fn by_rise(masks: usize) -> Question {
    Question { method: Method::Rise, masks, grid: 4, seed: 9, ..Question::default() }
}

/// Names of what lies in a folder, in order.
fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut found: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    found.sort();
    found
}

/// Every classifier that can be asked says of each image what its line in the results says.
#[track_caller]
fn assert_says_what_was_measured(maps: &Maps, images: &TestImages) {
    let mut compared = 0;
    for row in &maps.rows {
        let known = &images.images[row.image];
        assert_eq!((row.path.as_str(), row.class), (known.path.as_str(), known.class));
        for (place, cell) in row.cells.iter().enumerate() {
            let Ok(cell) = cell else { continue };
            assert_eq!(Some(cell.said), known.said[place], "{} of {}", maps.treatments[place].0, row.path);
            assert!((1.0 / maps.classes.len() as f64 - 1e-9..=1.0).contains(&cell.probability));
            assert!((0.0..=1.0).contains(&cell.deletion) && (0.0..=1.0).contains(&cell.insertion));
            assert_eq!((cell.painted.width, cell.painted.channels), (SIDE, 3));
            compared += 1;
        }
    }
    assert!(compared > 0, "nothing was compared");
}

#[test]
fn kept_classifiers_say_what_was_measured() {
    let place = bars();
    let treatments = [
        "class-aware",
        "cb-focal",
        "ldam",
        "threshold",
        "mixup+threshold",
        "easy-ensemble",
        "m2m-online:beta=0.5",
        "smote:space=pixels:epochs=2:batch=8+mixup",
        "random",
    ];
    let out = evaluate(&Ctx::default(), &request(&place, "source", &treatments, Some("results"))).unwrap();
    assert!(out.failed.is_empty(), "{:?}", out.failed);
    let kept = out.classifiers.unwrap();
    assert_eq!((&kept.folder, kept.seed, kept.fold), (&place.path("results"), 5, None));
    let names: Vec<&str> = kept.of.iter().map(|of| of.name.as_str()).collect();
    assert_eq!(names[0], "none");
    assert_eq!(names.len(), 10);
    let of = |name: &str| kept.of.iter().find(|of| of.name == name).unwrap();
    assert!(of("none").remark.is_none() && of("mixup+threshold").remark.is_none());
    assert!(of("threshold").remark.as_ref().unwrap().contains("plain network"));
    let trees = of("easy-ensemble");
    assert!(trees.file.is_none() && trees.remark.as_ref().unwrap().contains("trees"));
    // The classifiers of the first seed, and which images they were asked about.
    let lying = files(&place.path("results/classifiers"));
    assert_eq!(lying.len(), 9 + 1, "{lying:?}");
    assert!(lying.iter().all(|name| name == "held-out.json" || name.contains("-seed5-")), "{lying:?}");

    let images = test_images(&kept).unwrap();
    assert_eq!(
        (images.classes.as_slice(), images.images.len()),
        (["across", "down"].map(str::to_owned).as_slice(), 10)
    );
    assert!(
        images.images.iter().all(|image| image.said.iter().all(Option::is_some)),
        "all answers are known"
    );
    let found = maps(&Ctx::default(), &asked(&place, "source", &kept)).unwrap();
    assert_says_what_was_measured(&found, &images);
    for row in &found.rows {
        for (cell, (name, _)) in row.cells.iter().zip(&found.treatments) {
            match cell {
                Err(reason) => {
                    assert!(name == "easy-ensemble" && reason.contains("trees"), "{name}: {reason}")
                }
                Ok(cell) => {
                    assert_eq!((cell.map.explainer(), cell.class), (Explainer::GradCam, row.class), "{name}");
                }
            }
        }
    }
    // Threshold scaling has the plain network, and says so.
    let plain = found.rows.iter().map(|row| row.cells[0].as_ref().unwrap());
    let place_of = |name: &str| found.treatments.iter().position(|(known, _)| known == name).unwrap();
    for (row, plain) in found.rows.iter().zip(plain) {
        assert_eq!(row.cells[place_of("threshold")].as_ref().unwrap().map, plain.map);
    }
    assert!(found.remarks().iter().any(|remark| remark.starts_with("threshold: ")), "{:?}", found.remarks());
    assert!(found.heading().contains("Grad-CAM of the true class") && found.heading().contains("seed 5"));
    assert!(found.reading().contains("so deletion and insertion of a row compare"), "{}", found.reading());
    assert!(found.chosen.is_none(), "the images were named");

    // Nothing is kept without a place.
    let request = once(request(&place, "source", &[], None));
    assert_eq!(evaluate(&Ctx::default(), &request).unwrap().classifiers, None);
}

#[test]
fn a_saved_classifier_says_the_same_whatever_it_was_trained_with() {
    let set = shapes::set(&[20, 8], 12, 1, false);
    let device = ComputeDevice::cpu();
    let options = Options { batch: 16, ..Options::new(Preset::Small, 4, 3) };
    let fitted = |text: &str| {
        let treatment: Treatment = text.parse().unwrap();
        fit(&Ctx::default(), &treatment, &set, &options, &device, &mut |_| {}).unwrap()
    };
    let positions: Vec<usize> = (0..set.len()).collect();
    let images = gather(&set, &positions, Augment::default(), None).images;
    let owner = |classes: &[String]| Owner {
        treatment: "some".to_owned(),
        seed: 3,
        fold: Some(1),
        classes: classes.to_vec(),
        spec: set.spec.clone(),
    };
    for text in ["none", "cb-focal", "ldam", "focal", "threshold:prior=3/1", "mixup-drw"] {
        let fitted = fitted(text);
        let bytes = fitted.saved().unwrap().weights(&owner(&set.classes)).to_bytes().unwrap();
        let (of, saved) = SavedClassifier::read(&Weights::from_bytes(&bytes).unwrap()).unwrap();
        assert_eq!(of, owner(&set.classes));
        let said = saved.on(&device).unwrap().says(&images).unwrap();
        assert_eq!(said, fitted.probabilities(&Ctx::default(), &set).unwrap(), "{text}");
    }
    assert_eq!(fitted("easy-ensemble").saved(), None, "trees are not saved");

    let saved = fitted("ldam").saved().unwrap();
    let mut other = owner(&set.classes);
    other.classes.push("more".to_owned());
    assert_eq!(SavedClassifier::read(&saved.weights(&other)).unwrap_err(), SavedError::Network);
    let mut newer = saved.weights(&owner(&set.classes));
    newer.config["version"] = serde_json::json!(9);
    assert_eq!(SavedClassifier::read(&newer).unwrap_err(), SavedError::Newer);
    let mut foreign = saved.weights(&owner(&set.classes));
    foreign.config = serde_json::json!({ "version": 1, "method": "m2m" });
    assert!(matches!(SavedClassifier::read(&foreign), Err(SavedError::Config(_))));
    let mut less = saved;
    less.tensors.remove("head.weight");
    assert!(matches!(less.on(&device), Err(SavedError::Parameters(_))));
}

#[test]
fn maps_of_rise_divide_by_how_much_each_pixel_was_shown() {
    let set = shapes::set(&[20, 8], 12, 1, false);
    let device = ComputeDevice::cpu();
    let options = Options { batch: 16, ..Options::new(Preset::Small, 4, 3) };
    let fitted = fit(&Ctx::default(), &Treatment::none(), &set, &options, &device, &mut |_| {}).unwrap();
    let classifier = fitted.saved().unwrap().on(&device).unwrap();
    let (pictures, truth) = ([set.picture(0), set.picture(25)], [0, 1]);
    let (baseline, question) = (Baseline::new(&[0.5]).unwrap(), by_rise(30));
    let found = looks(&Ctx::default(), &classifier, &pictures, &truth, &baseline, &question).unwrap();
    let found: Vec<SaliencyMap> = found.into_iter().map(|look| look.map).collect();
    let subjects = Subjects::new(&pictures, &truth).unwrap();
    let by = |weighing: Weighing| {
        let settings = rise::Settings { masks: 30, grid: 4, seed: 9, weighing, ..rise::Settings::default() };
        let says = |images: &Images| classifier.says(images).ok_or(SaliencyError::Device);
        rise(&Ctx::default(), says, &subjects, &baseline, &settings).unwrap()
    };
    assert_eq!(found, by(Weighing::Covered));
    assert_ne!(found, by(Weighing::Expected));
}

#[test]
fn maps_are_the_same_each_time_and_masks_are_shared() {
    let place = bars();
    let again = NamedFolder { name: "again".to_owned(), dir: place.path("source/train") };
    let evaluation = once(request(&place, "source", &["threshold:strength=0"], Some("results")));
    let evaluation = chosen(evaluation, |choice| choice.folders = vec![again]);
    let kept = evaluate(&Ctx::default(), &evaluation).unwrap().classifiers.unwrap();
    let request =
        MapsRequest { images: vec![0, 3, 7], question: by_rise(60), ..asked(&place, "source", &kept) };
    let first = maps(&Ctx::default(), &request).unwrap();
    assert_eq!(maps(&Ctx::default(), &request).unwrap(), first, "the same request, the same maps");
    assert_eq!(first.legend.first().unwrap(), &[0x44, 0x01, 0x54]);
    assert_eq!(first.legend.last().unwrap(), &[0xfd, 0xe7, 0x25]);
    assert_eq!(first.rows.iter().map(|row| row.image).collect::<Vec<_>>(), [0, 3, 7]);
    for row in &first.rows {
        let [plain, same, again] = [0, 1, 2].map(|place: usize| row.cells[place].as_ref().unwrap());
        assert_eq!(plain.map.explainer(), Explainer::Rise { masks: 60 });
        // The same images in the same order give the same classifier: all else is the same, too.
        assert_eq!(plain, again);
        // A correction of no strength leaves the answers, to rounding.
        assert!((plain.deletion - same.deletion).abs() < 1e-6);
        let apart = plain.map.values().iter().zip(same.map.values()).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f64::max) < 0.01);
    }
    // Other masks give another map, and fewer treatments the same one.
    let other = MapsRequest { question: Question { seed: 10, ..by_rise(60) }, ..request.clone() };
    let other = maps(&Ctx::default(), &other).unwrap();
    assert!(other.rows.iter().zip(&first.rows).any(|(a, b)| a.cells[0] != b.cells[0]));
    let alone = MapsRequest { treatments: vec!["again".to_owned()], ..request.clone() };
    let alone = maps(&Ctx::default(), &alone).unwrap();
    assert_eq!((alone.treatments.len(), alone.treatments[0].0.as_str()), (1, "again"));
    assert!(alone.rows.iter().zip(&first.rows).all(|(a, b)| a.cells[0] == b.cells[2]));
    // Why it says what it says.
    let said = Question { about: About::Said, ..by_rise(20) };
    let said = maps(&Ctx::default(), &MapsRequest { question: said, ..request }).unwrap();
    assert!(said.rows.iter().flat_map(|row| &row.cells).all(|cell| {
        let cell = cell.as_ref().unwrap();
        cell.class == cell.said
    }));
    assert!(said.heading().contains("RISE with 20 masks of the class that each classifier says"));
    assert!(said.reading().contains("only where that is the same class"), "{}", said.reading());
}

#[test]
fn a_comparison_that_goes_on_keeps_its_classifiers() {
    let place = bars();
    let evaluation = request(&place, "source", &["class-aware"], Some("results"));
    let (_, ctx) = recorder(Some(("training class-aware with seed 5", Ctx::cancel)));
    assert_eq!(evaluate(&ctx, &evaluation).unwrap_err(), JobError::Cancelled);
    // The classifier lies there as soon as its line does.
    let partial = place.path(".results.evaluating");
    assert_eq!(fs::read_to_string(partial.join("runs.jsonl")).unwrap().lines().count(), 1 + 1);
    assert_eq!(files(&partial.join("classifiers")).len(), 2);
    let (told, ctx) = recorder(None);
    let outcome = evaluate(&ctx, &evaluation).unwrap();
    assert_eq!(outcome.resumed, 1);
    assert!(told.curve("loss · none, seed 5").is_empty(), "what is kept is not trained again");
    let kept = outcome.classifiers.unwrap();
    assert!(kept.of.iter().all(|of| place.path("results").join(of.file.as_ref().unwrap()).is_file()));
    let found = maps(&Ctx::default(), &asked(&place, "source", &kept)).unwrap();
    assert_says_what_was_measured(&found, &test_images(&kept).unwrap());
}

#[test]
fn what_was_measured_before_classifiers_were_kept_is_said_and_mended_by_comparing_again() {
    let place = bars();
    let below = place.path("kept");
    let evaluation = request(&place, "source", &["class-aware"], None);
    let first = evaluate_keeping(&Ctx::default(), &evaluation, &below).unwrap();
    let kept = first.classifiers.clone().unwrap();
    assert!(kept.folder.starts_with(&below));
    let wanted = maps(&Ctx::default(), &asked(&place, "source", &kept)).unwrap();
    let asked = asked(&place, "source", &kept);
    // As an earlier version left it.
    fs::remove_dir_all(kept.folder.join("classifiers")).unwrap();
    for refused in [maps(&Ctx::default(), &asked).unwrap_err(), test_images(&kept).unwrap_err()] {
        assert!(
            matches!(&refused, JobError::Input(text) if text.contains("were kept; compare again")),
            "{refused}"
        );
    }
    let lines = fs::read_to_string(kept.folder.join("runs.jsonl")).unwrap();
    let (told, ctx) = recorder(None);
    let again = evaluate_keeping(&ctx, &evaluation, &below).unwrap();
    assert_eq!(again.resumed, 4, "every figure was known");
    assert_eq!(fs::read_to_string(kept.folder.join("runs.jsonl")).unwrap(), lines, "and none is added");
    assert_eq!(again.comparison.json(), first.comparison.json());
    assert!(told.says(Level::Info, "class-aware with seed 5 is trained again"));
    assert!(!told.curve("loss · none, seed 5").is_empty() && told.curve("loss · none, seed 6").is_empty());
    assert_eq!(maps(&Ctx::default(), &asked).unwrap(), wanted, "the same classifiers");
    // From there on nothing is left to train.
    let third = evaluate_keeping(&Ctx::default(), &evaluation, &below).unwrap();
    assert_eq!((third.resumed, third.step_seconds), (4, None));
}

#[test]
fn what_is_damaged_of_classifiers_is_mended_by_comparing_again() {
    let place = bars();
    let below = place.path("kept");
    let evaluation = request(&place, "source", &["class-aware"], None);
    let first = evaluate_keeping(&Ctx::default(), &evaluation, &below).unwrap();
    let kept = first.classifiers.clone().unwrap();
    let asked = asked(&place, "source", &kept);
    let wanted = maps(&Ctx::default(), &asked).unwrap();
    let list = kept.folder.join("classifiers/held-out.json");
    let file = kept.folder.join(kept.of[1].file.as_ref().unwrap());
    fs::write(&list, "{").unwrap();
    fs::write(&file, "no weights").unwrap();
    assert!(
        matches!(maps(&Ctx::default(), &asked), Err(JobError::Input(text)) if text.contains("compare again"))
    );
    let (told, ctx) = recorder(None);
    let again = evaluate_keeping(&ctx, &evaluation, &below).unwrap();
    assert_eq!((again.resumed, again.comparison.json()), (4, first.comparison.json()), "no figure changes");
    assert!(told.curve("loss · none, seed 5").is_empty(), "what is whole is not trained again");
    assert!(told.says(Level::Info, "class-aware with seed 5 is trained again"));
    assert_eq!(maps(&Ctx::default(), &asked).unwrap(), wanted, "the same classifiers");

    // The same images under another name.
    let down = place.path("source/test/down");
    fs::rename(down.join("103.png"), down.join("104.png")).unwrap();
    assert!(maps(&Ctx::default(), &asked).is_err(), "its file is gone");
    let renamed = request(&place, "source", &["class-aware"], None);
    let (told, ctx) = recorder(None);
    evaluate_keeping(&ctx, &renamed, &below).unwrap();
    assert!(told.curve("loss · none, seed 5").is_empty(), "the images are the same");
    let found = maps(&Ctx::default(), &asked).unwrap();
    assert_eq!(found.rows[9].path, "test/down/104.png");
    assert_eq!(found.rows[9].cells, wanted.rows[9].cells);
}

#[test]
fn of_a_cross_validation_the_first_fold_can_be_asked() {
    let place = Place::empty();
    place.class("flat/across", 0, 0..10);
    place.class("flat/down", 1, 0..6);
    let evaluation = request(&place, "flat", &["threshold"], Some("results"));
    let evaluation = chosen(evaluation, |choice| (choice.budget, choice.folds) = (Budget::Steps(3), Some(3)));
    let kept = evaluate(&Ctx::default(), &evaluation).unwrap().classifiers.unwrap();
    assert_eq!((kept.seed, kept.fold), (5, Some(0)));
    assert_eq!(files(&place.path("results/classifiers")).len(), 3, "one fold of one seed");
    let images = test_images(&kept).unwrap();
    assert!((1..16).contains(&images.images.len()), "those that were held out: {}", images.images.len());
    let found = maps(&Ctx::default(), &asked(&place, "flat", &kept)).unwrap();
    assert_says_what_was_measured(&found, &images);
    assert!(
        found.heading().ends_with("trained without fold 1, whose images these are"),
        "{}",
        found.heading()
    );
}

#[test]
fn images_that_treatments_disagree_on_come_first() {
    let image = |class: usize, said: &[Option<usize>]| TestImage {
        path: format!("{class}.png"),
        class,
        said: said.to_vec(),
    };
    let images = TestImages {
        classes: ["a", "b", "c"].map(str::to_owned).to_vec(),
        images: vec![
            image(0, &[Some(0), Some(0)]),
            image(0, &[Some(0), Some(1)]),
            image(1, &[Some(2), None]),
            image(0, &[Some(1), Some(0)]),
            image(1, &[None, None]),
        ],
    };
    let disputed: Vec<bool> = images.images.iter().map(TestImage::is_disputed).collect();
    assert_eq!(disputed, [false, true, false, true, false]);
    assert_eq!(images.sample(1), [1, 2], "the class without images has none");
    assert_eq!(images.sample(2), [1, 3, 2, 4]);
    assert_eq!(images.sample(9), [1, 3, 0, 2, 4]);
}

#[test]
fn what_cannot_be_asked_is_refused_in_a_sentence() {
    let place = bars();
    let evaluation = once(request(&place, "source", &["class-aware"], Some("results")));
    let kept = evaluate(&Ctx::default(), &evaluation).unwrap().classifiers.unwrap();
    let good = MapsRequest { images: vec![0, 9], ..asked(&place, "source", &kept) };
    let refused = |request: &MapsRequest, word: &str| {
        let error = maps(&Ctx::default(), request).unwrap_err();
        assert!(matches!(&error, JobError::Input(text) if text.contains(word)), "{error}");
    };
    refused(&MapsRequest { images: Vec::new(), ..good.clone() }, "choose at least one");
    refused(&MapsRequest { images: vec![10], ..good.clone() }, "there are 10");
    refused(&MapsRequest { treatments: vec!["drs".to_owned()], ..good.clone() }, "none, class-aware");
    refused(&MapsRequest { question: by_rise(0), ..good.clone() }, "at least one mask");
    refused(&MapsRequest { device: "abacus".to_owned(), ..good.clone() }, "abacus");
    refused(&MapsRequest { root: place.path("elsewhere"), ..good.clone() }, "cannot be read");
    let without = EvaluateRequest { out: None, ..evaluation };
    let error = evaluate_with_maps(&Ctx::default(), &without, 1, &Question::default()).unwrap_err();
    assert!(matches!(&error, JobError::Input(text) if text.contains("--out")), "{error}");

    // What is wrong with one classifier is said of it alone.
    let file = |place_of: usize| kept.folder.join(kept.of[place_of].file.as_ref().unwrap());
    let reasons = || {
        let found = maps(&Ctx::default(), &good).unwrap();
        found.rows.iter().map(|row| row.cells[1].clone().unwrap_err()).collect::<Vec<String>>()
    };
    let own = fs::read(file(1)).unwrap();
    fs::copy(file(0), file(1)).unwrap();
    assert!(reasons().iter().all(|reason| reason.contains("another classifier")));
    fs::write(file(1), &own[..own.len() / 2]).unwrap();
    assert!(reasons().iter().all(|reason| reason.contains("cannot be read")));
    fs::remove_file(file(1)).unwrap();
    assert_eq!(reasons(), ["Its classifier is not there any more; compare again."; 2]);
    assert!(maps(&Ctx::default(), &good).unwrap().rows.iter().all(|row| row.cells[0].is_ok()));
}

#[test]
fn cancelling_is_heard_and_no_map_rests_on_fewer_masks() {
    let place = bars();
    let evaluation = once(request(&place, "source", &["class-aware"], Some("results")));
    let kept = evaluate(&Ctx::default(), &evaluation).unwrap().classifiers.unwrap();
    let request = MapsRequest { images: vec![0], question: by_rise(200), ..asked(&place, "source", &kept) };
    let acts: [training::Act; 4] = [
        ("none, 1 of 2: RISE", Ctx::cancel),
        ("class-aware, 2 of 2: RISE", Ctx::stop_and_keep),
        ("class-aware, 2 of 2: deletion and insertion", Ctx::cancel),
        ("reading the test images", Ctx::cancel),
    ];
    for (stage, act) in acts {
        let (_, ctx) = recorder(Some((stage, act)));
        assert_eq!(maps(&ctx, &request).unwrap_err(), JobError::Cancelled, "{stage}");
    }
}

#[test]
fn the_command_line_writes_maps_beside_the_results() {
    let place = bars();
    let quick = "--treatments class-aware,easy-ensemble --steps 4 --seeds 1 --device cpu --network small";
    let line = format!("evaluate source {quick} --out results --maps 2 --explainer rise --masks 20");
    let got = place.done(&line);
    let told = &got["maps"];
    assert_eq!(told["explainer"], "rise");
    assert_eq!(told["masks"], 20);
    assert_eq!(told["of"], "true");
    let images = told["images"].as_array().unwrap();
    let classes: Vec<&str> = images.iter().map(|image| image["class"].as_str().unwrap()).collect();
    assert_eq!(classes, ["across", "across", "down", "down"], "two of each");
    let results = place.path("results");
    let is_png = |name: &serde_json::Value| {
        let bytes = fs::read(results.join(name.as_str().unwrap())).unwrap();
        assert_eq!(bytes[..4], [0x89, b'P', b'N', b'G'], "{name}");
    };
    assert_eq!(images[0]["file"], "maps/01-across-01.png");
    assert_eq!(images[3]["file"], "maps/02-down-02.png");
    for image in images {
        is_png(&image["file"]);
        let treatments = image["treatments"].as_array().unwrap();
        let names: Vec<&str> = treatments.iter().map(|of| of["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["none", "class-aware", "easy-ensemble"]);
        for of in &treatments[..2] {
            is_png(&of["file"]);
            assert!(of["probability"].as_f64().is_some_and(|p| (0.5..=1.0).contains(&p)), "{of}");
            assert!(of["deletion"].is_number() && of["insertion"].is_number());
            assert_eq!(of["right"].as_bool().unwrap(), of["said"] == image["class"]);
        }
        assert!(treatments[2]["reason"].as_str().unwrap().contains("trees"));
    }
    assert_eq!(images[1]["treatments"][1]["file"], "maps/01-across-02-02-class-aware.png");
    let listed: serde_json::Value =
        serde_json::from_slice(&fs::read(results.join("maps/maps.json")).unwrap()).unwrap();
    assert_eq!(listed["images"], told["images"]);
    let remark = listed["remarks"][0].as_str().unwrap();
    assert!(remark.starts_with("At most 2 test images of each class, first those that"), "{remark}");
    assert_eq!(files(&results.join("maps")).len(), 4 + 8 + 1);
    let page = fs::read_to_string(results.join("report.html")).unwrap();
    for words in [
        "Where the classifiers look",
        "first those that treatments disagree on",
        "img-src data:",
        // As it stands it can be called.
        "--out RESULTS --maps 2 --explainer rise --masks 20 --maps-of true",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert_eq!(page.matches("data:image/png;base64,").count(), 4 * 3);

    let plain = place.done("evaluate source --treatments none --steps 2 --seeds 1 --device cpu --out plain");
    assert!(plain["maps"].is_null() && !place.path("plain/maps").exists());
    let (code, said) = place.fails(&format!("evaluate source {quick} --out more --maps 1 --masks 9"));
    assert!(code == 2 && said.contains("--explainer rise"), "{said}");
}

#[test]
fn maps_that_were_broken_off_are_made_by_the_same_call() {
    let place = bars();
    let evaluation = once(request(&place, "source", &[], Some("results")));
    let question = Question { seed: 5, ..Question::default() };
    let (_, ctx) = recorder(Some(("maps, none, 1 of 1: Grad-CAM", Ctx::cancel)));
    assert_eq!(evaluate_with_maps(&ctx, &evaluation, 1, &question).unwrap_err(), JobError::Cancelled);
    assert!(!place.path("results").exists());
    let (told, ctx) = recorder(None);
    let (outcome, made) = evaluate_with_maps(&ctx, &evaluation, 1, &question).unwrap();
    assert_eq!((outcome.resumed, outcome.out), (1, Some(place.path("results"))));
    assert!(told.curve("loss · none, seed 5").is_empty());
    assert_eq!(made.unwrap().rows.len(), 2);
    assert!(place.path("results/maps/maps.json").exists());
}
