//! M2m learns, tests what it makes, resumes exactly, and survives what goes wrong.
#![allow(clippy::unwrap_used)]

#[path = "common/shapes.rs"]
mod shapes;
#[path = "common/training.rs"]
mod training;

use std::path::Path;

use counterpoise::domain::decisions::Verdict;
use counterpoise::domain::task::{Ctx, Level};
use counterpoise::imaging::training_set::TrainingSet;
use counterpoise::nn::weights::Weights;
use counterpoise::oversampling::{Candidate, MethodError, Model, ParamMap};
use serde_json::json;
use training::{params, recorder};

fn fit(
    ctx: &Ctx,
    set: &TrainingSet,
    params: &ParamMap,
    checkpoint: Option<&Path>,
) -> Result<Box<dyn Model>, MethodError> {
    training::fit("m2m", ctx, set, params, checkpoint)
}

fn generate(model: &dyn Model, set: &TrainingSet, params: &ParamMap, count: u32) -> Vec<Candidate> {
    training::generate(model, set, 1, params, count)
}

#[test]
fn it_learns_translates_and_tests_what_it_made() {
    let set = shapes::set(&[500, 50], 16, 1, false);
    let (recorder, ctx) = recorder(None);
    let params =
        params(&[("epochs", json!(10)), ("beta", json!(0.99)), ("batch", json!(64)), ("eta", json!(0.5))]);
    let model = fit(&ctx, &set, &params, None).unwrap();
    let summary = model.summary();
    for recall in summary["record"]["g"]["recall_training"].as_array().unwrap() {
        assert!(recall.as_f64().unwrap() > 0.95, "g did not learn: {summary}");
    }
    assert!(recorder.curve("acceptance · confidence passed").iter().any(|(_, share)| *share > 0.0));
    let loss = recorder.curve("loss · g");
    assert!(loss.last().unwrap().1 < loss.first().unwrap().1 / 4.0, "{loss:?}");

    let hash = model.hash();
    let made = generate(model.as_ref(), &set, &ParamMap::new(), 60);
    assert_eq!(model.hash(), hash, "generation changed a network");
    let accepted: Vec<&Candidate> = made.iter().filter(|c| c.verdict == Verdict::Accepted).collect();
    assert!(!accepted.is_empty(), "nothing was accepted");
    for candidate in &accepted {
        assert!(candidate.parts.confidence.unwrap() >= 0.9);
        assert!(candidate.parts.draw.unwrap() < candidate.parts.p_accept.unwrap());
    }
    for candidate in &made {
        assert_eq!(candidate.class, 1);
        assert_eq!(Verdict::of(&candidate.parts), candidate.verdict);
        let seed = set.picture(candidate.seed_image.unwrap()).to_f32();
        let now = candidate.picture.to_f32();
        let moved: f64 = seed.iter().zip(&now).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt();
        assert!(moved > 0.1 && moved < 10.0 * 0.5 + 0.6, "moved {moved}");
    }
    // g alone: another picture, and no f asked.
    let alone = generate(model.as_ref(), &set, &only("lambda", json!(0.0)), 4);
    assert_ne!(alone[0].picture, made[0].picture);
    assert_eq!(alone[0].seed_image, made[0].seed_image, "the draws are the same");
}

fn only(name: &str, value: serde_json::Value) -> ParamMap {
    params(&[(name, value)])
}

#[test]
fn a_cancelled_run_goes_on_to_the_same_model_and_curve() {
    let set = shapes::set(&[80, 20], 16, 1, false);
    let params =
        params(&[("epochs", json!(5)), ("beta", json!(0.9)), ("batch", json!(16)), ("warm", json!(2))]);
    training::assert_goes_on(
        "m2m",
        &set,
        &params,
        &["training g, epoch 3", "training f, epoch 2", "with translation, epoch 4"],
        &["loss · g", "loss · f", "acceptance · slots", "recall of f, training · class1"],
    );
}

#[test]
fn the_last_epoch_translates_however_few_there_are() {
    let set = shapes::set(&[40, 10], 16, 1, false);
    for epochs in [1, 2] {
        let few = params(&[("epochs", json!(epochs)), ("batch", json!(16)), ("beta", json!(0.5))]);
        let (_, ctx) = recorder(Some(("training f with translation", Ctx::cancel)));
        assert!(fit(&ctx, &set, &few, None).is_err(), "{epochs} epochs: cancelled while it translates");
    }
}

#[test]
fn a_checkpoint_of_another_run_or_a_broken_one_is_said_and_not_used() {
    let set = shapes::set(&[40, 10], 16, 1, false);
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = folder.path().join("c");
    let short = params(&[("epochs", json!(2)), ("batch", json!(16))]);
    let (_, ctx) = recorder(Some(("training g, epoch 2", Ctx::cancel)));
    assert!(fit(&ctx, &set, &short, Some(&checkpoint)).is_err());
    let other = params(&[("epochs", json!(3)), ("batch", json!(16))]);
    let (recorder_, ctx) = recorder(None);
    fit(&ctx, &set, &other, Some(&checkpoint)).unwrap();
    assert!(recorder_.says(Level::Warning, "other images or parameters"));
    std::fs::write(&checkpoint, b"half a file").unwrap();
    let (recorder_, ctx) = recorder(None);
    fit(&ctx, &set, &short, Some(&checkpoint)).unwrap();
    assert!(recorder_.says(Level::Warning, "begins anew"));
}

#[test]
fn stop_and_keep_gives_a_model_that_works() {
    let set = shapes::set(&[60, 15], 16, 1, false);
    let params = params(&[("epochs", json!(6)), ("batch", json!(16)), ("beta", json!(0.9))]);
    for (stage, has_f) in [("training g, epoch 2", false), ("training f, epoch 2", true)] {
        let (_, ctx) = recorder(Some((stage, Ctx::stop_and_keep)));
        let model = fit(&ctx, &set, &params, None).unwrap();
        assert_eq!(model.summary()["record"]["f"].is_object(), has_f);
        assert_eq!(generate(model.as_ref(), &set, &ParamMap::new(), 3).len(), 3);
    }
}

#[test]
fn a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_weights() {
    let set = shapes::set(&[60, 15], 16, 1, false);
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = folder.path().join("c");
    let wild = params(&[
        ("epochs", json!(40)),
        ("batch", json!(16)),
        ("learning-rate", json!(10.0)),
        ("weight-decay", json!(1.0)),
        ("momentum", json!(0.999)),
    ]);
    let error = match fit(&Ctx::default(), &set, &wild, Some(&checkpoint)) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("that cannot converge"),
    };
    assert!(error.contains("not a number") && error.contains("lower learning rate"), "{error}");
    let kept = Weights::from_bytes(&std::fs::read(&checkpoint).unwrap()).unwrap();
    assert!(kept.tensors.values().all(|tensor| tensor.is_finite()));
}

#[test]
fn a_weak_judge_is_said() {
    // One epoch over noise-like minority images cannot recognise them.
    let set = shapes::set(&[300, 4], 16, 1, false);
    let (recorder, ctx) = recorder(None);
    fit(&ctx, &set, &params(&[("epochs", json!(1)), ("learning-rate", json!(1e-5))]), None).unwrap();
    assert!(recorder.says(Level::Warning, "g recognises only"));
    assert!(recorder.says(Level::Warning, "only 4 training images"));
}
