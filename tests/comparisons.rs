//! Comparisons of a project with generators: they go on inside a generator after a cancel, take what was measured,
//! and never what another length or target of the same generator gave; a command keeps them as the window does.
#![allow(clippy::unwrap_used)]

#[path = "common/place.rs"]
mod place;
#[path = "common/shapes.rs"]
mod shapes;
#[path = "common/training.rs"]
mod training;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use counterpoise::classify::batches::Augment;
use counterpoise::domain::plan::Target;
use counterpoise::domain::task::{Ctx, Level};
use counterpoise::imaging::resize::Fit;
use counterpoise::imaging::scan::{ScanOptions, scan};
use counterpoise::imaging::training_set::Spec;
use counterpoise::jobs::JobError;
use counterpoise::jobs::comparisons::{Choice, Report, compare};
use counterpoise::jobs::evaluate::{Budget, EvaluateRequest};
use counterpoise::jobs::store::StoreHandle;
use counterpoise::project::Project;
use place::{Place, SIDE};
use serde_json::json;
use training::recorder;

/// A generator that learns next to nothing in next to no time.
const SMOTE: &str = "smote:space=pixels:batch=8";

/// With a folder of two classes of bars, and a project of it.
impl Place {
    fn new() -> Self {
        let place = Place::empty();
        place.class("source/train/across", 0, 0..20);
        place.class("source/train/down", 1, 0..8);
        place.class("source/test/across", 0, 100..106);
        place.class("source/test/down", 1, 100..106);
        place
    }

    fn store(&self) -> StoreHandle {
        StoreHandle::open_or_create(&self.path("project"), "bars", Arc::new(|| {})).unwrap()
    }

    fn request(&self, treatments: &[&str], seeds: usize, epochs: usize) -> EvaluateRequest {
        let dataset = scan(&Ctx::default(), &self.path("source"), &ScanOptions::default()).unwrap();
        let spec = Spec::of(&dataset, Some(SIDE), Fit::default());
        let choice = Choice {
            treatments: treatments.iter().map(|name| (*name).to_owned()).collect(),
            folders: Vec::new(),
            seed: 5,
            seeds,
            budget: Budget::Steps(4),
            network: Some("small".to_owned()),
            device: "cpu".to_owned(),
            target: Target::Max,
            generator_epochs: Some(epochs),
            augment: Augment::default(),
            folds: None,
            made_alone: false,
        };
        EvaluateRequest::new(Arc::new(dataset), spec, choice)
    }

    fn compare(&self, ctx: &Ctx, request: &EvaluateRequest) -> Result<Report, JobError> {
        compare(ctx, request, &mut self.store().sink())
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut found: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    found
}

#[test]
fn a_comparison_goes_on_inside_a_generator() {
    let place = Place::new();
    let request = place.request(&["random", SMOTE], 2, 3);
    let (_, ctx) = recorder(Some(("with seed 6: training the judge", Ctx::cancel)));
    assert_eq!(place.compare(&ctx, &request).unwrap_err(), JobError::Cancelled);

    // It lies in the project, with what its classifiers said.
    let kept = place.path("project/runs/evaluations");
    let evaluations = names(&kept);
    assert_eq!(evaluations.len(), 1);
    let generators = kept.join(&evaluations[0]).join("generators");
    let of_seed = |seed: u64| {
        let found = names(&generators);
        let name = found.iter().find(|name| name.starts_with(&format!("smote-seed{seed}-"))).unwrap();
        generators.join(name)
    };
    assert_eq!(names(&of_seed(5)), ["images", "model.safetensors"]);
    assert_eq!(names(&of_seed(6)), ["model.safetensors.checkpoint"]);

    let (told, ctx) = recorder(None);
    let report = place.compare(&ctx, &request).unwrap();
    assert!(told.says(Level::Info, "going on from a checkpoint"));
    assert!(
        told.says(Level::Info, "going on: 5 classifiers were measured before"),
        "three of the first seed, two of the second"
    );
    assert!(report.complete && report.failed.is_empty());
    let shown: Vec<&str> = report.treatments.iter().map(|treatment| treatment.name.as_str()).collect();
    assert_eq!(shown, request.choice.names());
    // Only what was done in one go has a time.
    let smote: Vec<_> = report.made.iter().filter(|of| of.name.starts_with("smote")).collect();
    assert!(smote[0].seconds.is_some_and(|seconds| seconds > 0.0) && smote[1].seconds.is_none());
    assert!(report.made.iter().all(|of| of.filled.is_some_and(|filled| filled.slots == 12)));
    let random = report.made.iter().find(|of| of.name == "random").unwrap();
    assert!(random.words().starts_with("all 12 slots have a repeat"), "{}", random.words());
    assert_eq!(report.generator_seconds(&smote[0].name), smote[0].seconds, "of the seed that was measured");
    let html = report.page.as_ref().unwrap().html();
    assert!(html.contains("What generators gave") && html.contains("repeated images; seeds 5, 6"), "{html}");
    assert!(
        report.markdown.contains("random with seed 5: all 12 slots have a repeat"),
        "{}",
        report.markdown
    );
    let told = report.summary.join("\n");
    assert!(!told.contains("made images of random"), "{told}");

    // The same again has nothing to do, and the project keeps what was shown.
    let again = place.compare(&Ctx::default(), &request).unwrap();
    assert_eq!(again.step_seconds, None);
    assert_eq!(again.made, report.made, "with the time that was measured then");
    let project = Project::open(&place.path("project")).unwrap();
    let all = project.comparisons().unwrap();
    assert_eq!(
        all.iter().map(|row| row.status.as_str()).collect::<Vec<_>>(),
        ["cancelled", "finished", "finished"]
    );
    let read: Report = serde_json::from_value(all[2].report.clone().unwrap()).unwrap();
    let known = |report: &Report| -> Vec<_> {
        report.made.iter().map(|of| (of.name.clone(), of.seed, of.filled, of.seconds.is_some())).collect()
    };
    assert_eq!(known(&read), known(&again));
    assert_eq!(read.choice, request.choice);
}

#[test]
fn other_lengths_of_a_generator_share_plain_training_alone() {
    let place = Place::new();
    let first = place.compare(&Ctx::default(), &place.request(&[SMOTE], 1, 2)).unwrap();
    let (told, ctx) = recorder(None);
    let longer = place.compare(&ctx, &place.request(&[SMOTE], 1, 3)).unwrap();
    assert!(told.says(Level::Info, "going on: 1 classifier was measured before"));
    assert_eq!(first.treatments[1].name, longer.treatments[1].name, "the name says what was asked for");
    let (told, ctx) = recorder(None);
    let mut halved = place.request(&[SMOTE], 1, 2);
    halved.choice.target = Target::Count(14);
    let halved = place.compare(&ctx, &halved).unwrap();
    assert!(told.says(Level::Info, "going on: 1 classifier was measured before"));
    assert_eq!(halved.made[0].filled.unwrap().slots, 6);
    let (told, ctx) = recorder(None);
    let again = place.compare(&ctx, &place.request(&[SMOTE], 1, 2)).unwrap();
    assert!(told.says(Level::Info, "going on: 2 classifiers were measured before"));
    assert_eq!(again.treatments[1].confusion, first.treatments[1].confusion, "the same answers");
    assert_ne!(again.generator_load(), longer.generator_load());
    assert_ne!(again.generator_load(), halved.generator_load());
    assert_eq!(again.generator_load(), first.generator_load());

    // However its parameters were said: with the epochs among them it is the same generator.
    let (told, ctx) = recorder(None);
    let mut said = place.request(&["smote:batch=8:epochs=2:space=pixels+mixup"], 1, 9);
    said.choice.treatments.push(SMOTE.to_owned());
    said.choice.generator_epochs = Some(2);
    place.compare(&ctx, &said).unwrap();
    assert!(told.says(Level::Info, "going on: 2 classifiers were measured before"));
    let kept = place.path("project/runs/evaluations");
    let generators = kept.join(&names(&kept)[0]).join("generators");
    assert_eq!(names(&generators).len(), 2, "one of each length: {:?}", names(&generators));

    // A choice from before there were generators is still one, and a name that there is not is refused.
    let mut old = serde_json::to_value(&first.choice).unwrap();
    let fields = old.as_object_mut().unwrap();
    fields.remove("target");
    fields.remove("generator_epochs");
    let old: Choice = serde_json::from_value(old).unwrap();
    assert_eq!((old.target.clone(), old.generator_epochs), (Target::Max, None));
    let refused = place.compare(&Ctx::default(), &place.request(&["nothing"], 1, 2)).unwrap_err();
    assert!(matches!(&refused, JobError::Input(text) if text.contains("no treatment")), "{refused}");
}

#[test]
fn a_command_keeps_its_comparison_in_the_project() {
    let place = Place::new();
    let quick =
        format!("--treatments oversample --steps 4 --seeds 1 --device cpu --network small --size {SIDE}");
    let reports = |project: &str| -> Vec<Report> {
        let rows = Project::open_read_only(&place.path(project)).unwrap().comparisons().unwrap();
        assert!(rows.iter().all(|row| row.status == "finished" && row.started.is_some()));
        rows.into_iter().map(|row| serde_json::from_value(row.report.unwrap()).unwrap()).collect()
    };
    let got = place.done(&format!("evaluate source {quick} --seed 5 --project project"));
    assert_eq!((&got["project"], &got["resumed"], &got["out"]), (&json!("project"), &json!(0), &json!(null)));
    let kept = reports("project");
    let shown: Vec<&str> = kept[0].treatments.iter().map(|treatment| treatment.name.as_str()).collect();
    assert_eq!(shown, ["none", "oversample"]);
    let acsa = got["treatments"][1]["acsa"].as_f64().unwrap();
    assert!((kept[0].treatments[1].acsa().unwrap() - acsa).abs() < 1e-5, "what was printed");

    // The window trains none of it again.
    let (told, ctx) = recorder(None);
    let again = place.compare(&ctx, &place.request(&["oversample"], 1, 1)).unwrap();
    assert!(told.says(Level::Info, "going on: 2 classifiers were measured before"));
    assert_eq!(again.treatments[1].confusion, kept[0].treatments[1].confusion);
    assert_eq!((&again.test, &again.training), (&kept[0].test, &kept[0].training), "the figures compare");

    // A cut stays that of the project, whatever the seed of a later call.
    place.class("flat/across", 0, 0..20);
    place.class("flat/down", 1, 0..10);
    let first = place.done(&format!("evaluate flat {quick} --seed 5 --split 70/0/30 --project cut"));
    assert_eq!(first["test_images"], 9);
    assert_eq!(place.done(&format!("evaluate flat {quick} --seed 6 --project cut"))["test_images"], 9);
    let cut = reports("cut");
    assert_eq!((&cut[0].test, &cut[0].training), (&cut[1].test, &cut[1].training));

    // Another folder does not take the place of the project's, and none is written into an image folder.
    let (code, said) = place.fails(&format!("evaluate flat {quick} --project project"));
    assert!(code == 3 && said.contains("of another folder"), "{code}: {said}");
    let (code, said) = place.fails(&format!("evaluate flat {quick} --project flat/project"));
    assert!(code == 3 && said.contains("inside"), "{code}: {said}");
    assert_eq!(reports("project").len(), 2);
    assert_eq!(names(&place.path("flat")), ["across", "down"]);
}
