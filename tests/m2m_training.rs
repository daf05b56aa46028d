//! M2m learns, tests what it makes, resumes exactly, and survives what goes wrong.
#![allow(clippy::unwrap_used)]

#[path = "common/shapes.rs"]
mod shapes;

use std::path::Path;
use std::sync::{Arc, Mutex};

use counterpoise::domain::decisions::Verdict;
use counterpoise::domain::task::{Ctx, Event, Level, Sink};
use counterpoise::imaging::training_set::TrainingSet;
use counterpoise::nn::ComputeDevice;
use counterpoise::nn::weights::Weights;
use counterpoise::oversampling::{
    Candidate, FitRequest, GenerateRequest, MethodError, Model, ParamMap, method,
};
use serde_json::json;

/// A stage of the training, and what to do when it is reached.
type Act = (&'static str, fn(&Ctx));

/// Keeps every event, and acts on some.
#[derive(Default)]
struct Recorder {
    events: Mutex<Vec<Event>>,
    ctx: Mutex<Option<Ctx>>,
    /// Stage to act at, and what to do there.
    act: Option<Act>,
}

struct Shared(Arc<Recorder>);

impl Sink for Shared {
    fn event(&self, event: Event) {
        let Shared(recorder) = self;
        if let (Event::Progress { stage, .. }, Some((at, act))) = (&event, recorder.act)
            && stage.contains(at)
            && let Some(ctx) = recorder.ctx.lock().unwrap().as_ref()
        {
            act(ctx);
        }
        recorder.events.lock().unwrap().push(event);
    }
}

fn recorder(act: Option<Act>) -> (Arc<Recorder>, Ctx) {
    let recorder = Arc::new(Recorder { act, ..Default::default() });
    let ctx = Ctx::new(Shared(recorder.clone()));
    *recorder.ctx.lock().unwrap() = Some(ctx.clone());
    (recorder, ctx)
}

impl Recorder {
    /// The points of every curve, in order.
    fn curve(&self, name: &str) -> Vec<(f64, f64)> {
        let events = self.events.lock().unwrap();
        events
            .iter()
            .filter_map(|event| match event {
                Event::Metric { series, step, value } if series == name => Some((*step, *value)),
                _ => None,
            })
            .collect()
    }

    fn says(&self, level: Level, text: &str) -> bool {
        let events = self.events.lock().unwrap();
        events.iter().any(
            |event| matches!(event, Event::Note { level: l, text: t } if *l == level && t.contains(text)),
        )
    }
}

fn params(pairs: &[(&str, serde_json::Value)]) -> ParamMap {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn fit(
    ctx: &Ctx,
    set: &TrainingSet,
    params: &ParamMap,
    checkpoint: Option<&Path>,
) -> Result<Box<dyn Model>, MethodError> {
    let device = ComputeDevice::cpu();
    let request =
        FitRequest { training: set, validation: None, params, seed: 3, device: &device, checkpoint };
    method("m2m").unwrap().fit(ctx, &request)
}

fn generate(model: &dyn Model, set: &TrainingSet, params: &ParamMap, count: u32) -> Vec<Candidate> {
    let slots: Vec<u32> = (0..count).collect();
    let request = GenerateRequest { training: set, class: 1, slots: &slots, attempt: 0, params, seed: 3 };
    let mut made = Vec::new();
    model
        .generate(&Ctx::default(), &request, &mut |c| {
            made.push(c);
            Ok(())
        })
        .unwrap();
    made
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
    let folder = tempfile::tempdir().unwrap();
    let (whole, ctx) = recorder(None);
    let wanted = fit(&ctx, &set, &params, None).unwrap();
    for stage in ["training g, epoch 3", "training f, epoch 2", "with translation, epoch 4"] {
        let checkpoint = folder.path().join(stage);
        let (_, ctx) = recorder(Some((stage, Ctx::cancel)));
        match fit(&ctx, &set, &params, Some(&checkpoint)) {
            Err(MethodError::Cancelled) => {}
            Err(other) => panic!("{stage}: {other}"),
            Ok(_) => panic!("{stage}: not cancelled"),
        }
        assert!(checkpoint.exists(), "no checkpoint at {stage}");
        let (resumed, ctx) = recorder(None);
        let model = fit(&ctx, &set, &params, Some(&checkpoint)).unwrap();
        assert!(resumed.says(Level::Info, "going on"), "{stage}");
        assert_eq!(model.hash(), wanted.hash(), "another model after {stage}");
        for curve in ["loss · g", "loss · f", "acceptance · slots", "recall of f, training · class1"] {
            let (a, b) = (whole.curve(curve), resumed.curve(curve));
            assert_eq!(a.len(), b.len(), "{curve} after {stage}");
            assert!(
                a.iter().zip(&b).all(|(a, b)| a.0 == b.0 && (a.1 - b.1).abs() < 1e-6),
                "{curve} after {stage}"
            );
        }
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
