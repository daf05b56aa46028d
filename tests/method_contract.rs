//! One suite over every registered method: what each must keep, whatever it does inside.
#![allow(clippy::unwrap_used)]

#[path = "common/shapes.rs"]
mod shapes;
#[path = "common/training.rs"]
mod training;

use std::path::Path;

use counterpoise::domain::provenance::Kind;
use counterpoise::domain::task::{Ctx, Event, Level, Sink};
use counterpoise::imaging::training_set::TrainingSet;
use counterpoise::nn::ComputeDevice;
use counterpoise::oversampling::{
    Candidate, FitRequest, GenerateRequest, MethodError, Model, Oversampler, ParamMap, registry,
};
use serde_json::json;

/// Parameters that keep the suite quick, for the names a method knows.
fn quick(method: &dyn Oversampler) -> ParamMap {
    let wanted = [
        ("epochs", json!(4)),
        ("batch", json!(32)),
        ("beta", json!(0.9)),
        ("steps", json!(3)),
        ("latent", json!(8)),
        ("width", json!(0.1)),
        ("critic-steps", json!(2)),
    ];
    let known = |name: &str| method.param_table().iter().any(|info| info.name == name);
    wanted.into_iter().filter(|(name, _)| known(name)).map(|(name, value)| (name.to_owned(), value)).collect()
}

fn fit(method: &dyn Oversampler, set: &TrainingSet, ctx: &Ctx) -> Result<Box<dyn Model>, MethodError> {
    fit_keeping(method, set, ctx, None)
}

/// The same with a checkpoint, from which it goes on.
fn fit_keeping(
    method: &dyn Oversampler,
    set: &TrainingSet,
    ctx: &Ctx,
    checkpoint: Option<&Path>,
) -> Result<Box<dyn Model>, MethodError> {
    let (params, device) = (quick(method), ComputeDevice::cpu());
    let request =
        FitRequest { training: set, validation: None, params: &params, seed: 5, device: &device, checkpoint };
    method.fit(ctx, &request)
}

fn generate(model: &dyn Model, set: &TrainingSet, class: usize, slots: &[u32]) -> Vec<Candidate> {
    let params = ParamMap::new();
    let request = GenerateRequest { training: set, class, slots, attempt: 0, params: &params, seed: 5 };
    let mut made = Vec::new();
    model
        .generate(&Ctx::default(), &request, &mut |candidate| {
            made.push(candidate);
            Ok(())
        })
        .unwrap();
    made
}

#[test]
fn ids_are_unique_and_tables_are_whole() {
    let mut ids: Vec<&str> = registry().iter().map(|m| m.info().id).collect();
    ids.sort_unstable();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all);
    let told = |source: &str| {
        let words: Vec<&str> = source.split(|c: char| !c.is_alphabetic()).collect();
        ["paper", "code", "ours", "inferred"].iter().any(|word| words.contains(word))
    };
    for method in registry() {
        for (name, value, source) in method.info().fixed {
            assert!(!name.is_empty() && !value.is_empty(), "{}: {name}", method.info().id);
            assert!(told(source), "{name}: nobody knows where \"{source}\" is from");
        }
        let generative = method.info().makes == Kind::Synthetic;
        assert_eq!(!method.info().fixed.is_empty(), generative, "{}", method.info().id);
        let mut names: Vec<&str> = Vec::new();
        for info in method.param_table() {
            assert!(
                !info.label.is_empty() && !info.help.is_empty() && !info.source.is_empty(),
                "{}",
                info.name
            );
            assert!(told(info.source), "{}: nobody knows where \"{}\" is from", info.name, info.source);
            assert!(!names.contains(&info.name), "{} twice", info.name);
            names.push(info.name);
        }
        let unknown = ParamMap::from_iter([("no-such-thing".to_owned(), json!(1))]);
        assert!(method.prior_beta(&unknown).is_err(), "{} takes any name", method.info().id);
    }
}

/// What may be asked of a trained model; all else is the training's.
#[test]
fn making_asks_these_parameters_alone() {
    for method in registry() {
        let wanted: &[&str] = match method.info().id {
            "m2m" => &["beta", "gamma", "gamma-form", "lambda", "steps", "eta", "noise"],
            "baegan" => &["neighbours", "smote", "judge-threshold"],
            "deepsmote" | "smote" | "adasyn" => &["neighbours", "judge-threshold"],
            "borderline-smote" => &["kind", "neighbours", "border-neighbours", "judge-threshold"],
            "random" => &[],
            _ => &["judge-threshold"],
        };
        let table = method.param_table().iter();
        let making: Vec<&str> = table.filter(|info| info.making).map(|info| info.name).collect();
        assert_eq!(making, wanted, "{}", method.info().id);
    }
}

/// A model takes what making asks over its own, and refuses another training than it had.
fn assert_takes_making_alone(method: &dyn Oversampler, model: &dyn Model, set: &TrainingSet) {
    let id = method.info().id;
    let given = |name: &str, value: serde_json::Value| ParamMap::from_iter([(name.to_owned(), value)]);
    let own = model.in_force(&ParamMap::new()).unwrap();
    assert_eq!(serde_json::Value::Object(own.clone()), model.summary()["params"], "{id}");
    assert_eq!(model.in_force(&quick(method)).unwrap(), own, "{id}: what it was trained with");
    let (making, value) = if id == "m2m" { ("beta", json!(0.5)) } else { ("judge-threshold", json!(0.25)) };
    let mut wanted = own;
    wanted.insert(making.to_owned(), value.clone());
    assert_eq!(model.in_force(&given(making, value)).unwrap(), wanted, "{id}");

    let error = model.in_force(&given("epochs", json!(77))).unwrap_err().to_string();
    assert!(
        error.contains("\"epochs\" was 4 when") && error.contains("to 77; leave it out"),
        "{id}: {error}"
    );
    assert!(model.in_force(&given("no-such-thing", json!(1))).is_err(), "{id}");
    assert!(model.in_force(&given(making, json!(-1))).is_err(), "{id}: out of range");
    let params = given("batch", json!(77));
    let request =
        GenerateRequest { training: set, class: 1, slots: &[0], attempt: 0, params: &params, seed: 5 };
    let refused = model.generate(&Ctx::default(), &request, &mut |_| Ok(()));
    assert!(matches!(refused, Err(MethodError::Params(_))), "{id} makes images with another batch");
}

#[test]
fn slots_are_met_classes_kept_and_pixels_repeat() {
    // 13 is no power of two and no multiple of the strides.
    for (size, channels, sixteen) in [(16, 1, false), (13, 3, false), (16, 1, true)] {
        let set = shapes::set(&[40, 12, 6], size, channels, sixteen);
        for method in registry() {
            let model = fit(*method, &set, &Ctx::default()).unwrap();
            let slots: Vec<u32> = (0..5).collect();
            let made = generate(model.as_ref(), &set, 2, &slots);
            if method.info().makes == Kind::Repeated {
                assert!(made.is_empty(), "a repeat is no candidate");
                continue;
            }
            assert_eq!(made.iter().map(|c| c.slot).collect::<Vec<_>>(), slots);
            for candidate in &made {
                assert_eq!(candidate.class, 2);
                assert_eq!(candidate.kind, method.info().makes);
                assert_eq!((candidate.picture.width, candidate.picture.height), (size, size));
                assert_eq!(candidate.picture.channels, channels);
                assert_eq!(candidate.picture.depth().bits() == 16, sixteen);
                if method.info().has_prior {
                    let seed = candidate.seed_image.unwrap();
                    assert_ne!(set.labels[seed], 2, "a seed of the class itself");
                    let parts = &candidate.parts;
                    assert!(parts.p_accept.is_some() && parts.draw.is_some() && parts.confidence.is_some());
                }
            }
            let again = fit(*method, &set, &Ctx::default()).unwrap();
            assert_eq!(again.hash(), model.hash(), "another model from the same seed");
            assert_eq!(generate(again.as_ref(), &set, 2, &slots), made);
            // Image 3 is the same when it is asked for alone, but for what a batch of another size rounds otherwise.
            let alone = generate(model.as_ref(), &set, 2, &[3]);
            let (alone, beside, id) = (&alone[0], &made[3], method.info().id);
            assert_eq!(alone.seed_image, beside.seed_image, "{id}");
            assert_eq!(alone.parts.draw, beside.parts.draw, "{id}");
            let (a, b) = (alone.picture.to_f32(), beside.picture.to_f32());
            let apart = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(a.len() == b.len() && apart < 1.01 / 255.0, "{id}: {apart} apart");
            assert_eq!(alone.own_score.is_some(), beside.own_score.is_some(), "{id}");
            if let (Some((name, score)), Some((same, other))) = (&alone.own_score, &beside.own_score) {
                assert_eq!(name, same, "{id}");
                assert!((score - other).abs() <= 1e-3 * (1.0 + other.abs()), "{id}: {score} and {other}");
            }
        }
    }
}

#[test]
fn a_saved_model_makes_the_same_pixels() {
    let set = shapes::set(&[40, 10], 16, 1, false);
    let folder = tempfile::tempdir().unwrap();
    for method in registry().iter().filter(|m| m.info().needs_training) {
        let model = fit(*method, &set, &Ctx::default()).unwrap();
        let path = folder.path().join(format!("{}.safetensors", method.info().id));
        model.save(&path).unwrap();
        let loaded = method.load(&path, &set, &ComputeDevice::cpu()).unwrap();
        assert_eq!(loaded.summary(), model.summary(), "{}", method.info().id);
        assert_eq!(loaded.hash(), model.hash(), "{}", method.info().id);
        assert_takes_making_alone(*method, loaded.as_ref(), &set);
        let summary = loaded.summary();
        for info in method.param_table() {
            let source = &summary["record"]["sources"][info.name];
            assert_eq!(*source, info.source, "{}: {}", method.info().id, info.name);
        }
        let slots = [0, 1, 2];
        assert_eq!(generate(loaded.as_ref(), &set, 1, &slots), generate(model.as_ref(), &set, 1, &slots));
    }
}

#[test]
fn a_model_for_other_data_is_refused_with_the_difference() {
    let set = shapes::set(&[40, 10], 16, 1, false);
    let folder = tempfile::tempdir().unwrap();
    for method in registry().iter().filter(|m| m.info().needs_training) {
        let path = folder.path().join("model.safetensors");
        fit(*method, &set, &Ctx::default()).unwrap().save(&path).unwrap();
        let refusal = |other: &TrainingSet| match method.load(&path, other, &ComputeDevice::cpu()) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("taken"),
        };
        assert!(refusal(&shapes::set(&[40, 10], 20, 1, false)).contains("16 pixels"));
        assert!(refusal(&shapes::set(&[40, 10], 16, 3, false)).contains("grey"));
        let classes = refusal(&shapes::set(&[40, 10, 5], 16, 1, false));
        assert!(classes.contains("class2"), "{classes}");
        assert!(classes.ends_with("model.safetensors"), "the path is last: {classes}");
    }
}

#[test]
fn hostile_model_files_are_refused_in_a_sentence() {
    let set = shapes::set(&[40, 10], 16, 1, false);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for method in registry().iter().filter(|m| m.info().needs_training) {
        fit(*method, &set, &Ctx::default()).unwrap().save(&path).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let refused = |bytes: &[u8], what: &str| {
            std::fs::write(&path, bytes).unwrap();
            let error = method.load(&path, &set, &ComputeDevice::cpu()).err();
            let text = error.unwrap_or_else(|| panic!("{what} was taken")).to_string();
            assert!(text.contains("refused"), "{what}: {text}");
        };
        for cut in [0, 1, 7, 8, 9, 100, whole.len() / 2, whole.len() - 1] {
            refused(&whole[..cut], &format!("a file cut at {cut}"));
        }
        refused(b"\xff\xff\xff\xff\xff\xff\xff\x7f{}", "a header of exabytes");
        refused(b"PK\x03\x04 pickled things", "another format");
        let mut nan = whole.clone();
        let end = nan.len();
        nan[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        refused(&nan, "a weight that is no number");
        // The same length, another network: 64 channels claimed as 60000.
        let text = String::from_utf8_lossy(&whole).find("[16,32,64]");
        if let Some(at) = text {
            let mut wide = whole.clone();
            wide[at..at + 10].copy_from_slice(b"[16,32,99]");
            refused(&wide, "a network of another width");
        }
        // Networks for images of another side than the file says, of the same length in digits.
        let text = String::from_utf8_lossy(&whole).find("\\\"size\\\":16,\\\"latent");
        if let Some(at) = text {
            let mut other = whole.clone();
            let digits = at + "\\\"size\\\":".len();
            other[digits..digits + 2].copy_from_slice(b"32");
            refused(&other, "networks of another side");
        }
    }
}

#[test]
fn cancel_is_heard_while_fitting_and_while_making() {
    struct CancelAt(&'static str, std::sync::Mutex<Option<Ctx>>);
    struct Shared(std::sync::Arc<CancelAt>);
    impl Sink for Shared {
        fn event(&self, event: Event) {
            if let Event::Progress { stage, .. } = event
                && stage.contains(self.0.0)
                && let Some(ctx) = self.0.1.lock().unwrap().as_ref()
            {
                ctx.cancel();
            }
        }
    }
    let set = shapes::set(&[60, 10], 16, 1, false);
    for method in registry().iter().filter(|m| m.info().needs_training) {
        let sink = std::sync::Arc::new(CancelAt("training", std::sync::Mutex::new(None)));
        let ctx = Ctx::new(Shared(sink.clone()));
        *sink.1.lock().unwrap() = Some(ctx.clone());
        assert!(matches!(fit(*method, &set, &ctx), Err(MethodError::Cancelled)));
        let model = fit(*method, &set, &Ctx::default()).unwrap();
        let ctx = Ctx::default();
        ctx.cancel();
        let params = ParamMap::new();
        let request = GenerateRequest {
            training: &set,
            class: 1,
            slots: &[0, 1],
            attempt: 0,
            params: &params,
            seed: 1,
        };
        let result = model.generate(&ctx, &request, &mut |_| Ok(()));
        assert!(matches!(result, Err(MethodError::Cancelled)));
    }
}

/// Epochs of one step, so that a cancel after it falls between two epochs.
#[test]
fn a_cancel_between_two_epochs_loses_none() {
    let set = shapes::set(&[20, 6], 16, 1, false);
    let folder = tempfile::tempdir().unwrap();
    for method in registry().iter().filter(|m| m.info().needs_training) {
        let id = method.info().id;
        let checkpoint = folder.path().join(id);
        let (_, ctx) = training::recorder(Some(("epoch 2", Ctx::cancel)));
        assert!(
            matches!(fit_keeping(*method, &set, &ctx, Some(&checkpoint)), Err(MethodError::Cancelled)),
            "{id}"
        );
        let (recorder, ctx) = training::recorder(None);
        fit_keeping(*method, &set, &ctx, Some(&checkpoint)).unwrap();
        assert!(recorder.says(Level::Info, "going on from a checkpoint"), "{id}");
    }
}

/// Two steps an epoch, so that most stops fall between the two; each run stops at its first step of a third epoch.
#[test]
fn a_stop_inside_an_epoch_loses_no_step() {
    let set = shapes::set(&[40, 12], 16, 1, false);
    let folder = tempfile::tempdir().unwrap();
    for method in registry().iter().filter(|m| m.info().needs_training) {
        let id = method.info().id;
        let whole = fit(*method, &set, &Ctx::default()).unwrap();
        let checkpoint = folder.path().join(id);
        let mut stops = 0;
        let model = loop {
            let (_, ctx) = training::recorder(Some(("epoch 3", Ctx::stop_and_keep)));
            let result = fit_keeping(*method, &set, &ctx, Some(&checkpoint));
            if !ctx.is_stopping() {
                break result.unwrap();
            }
            // A judge that still learns makes no model.
            assert!(matches!(result, Ok(_) | Err(MethodError::Training(_))), "{id}");
            stops += 1;
            assert!(stops < 10, "{id} does not go on");
        };
        assert!(stops > 1, "{id} was never stopped inside an epoch");
        assert_eq!(model.hash(), whole.hash(), "{id}: another model after {stops} stops");
    }
}

#[test]
fn every_method_makes_something_of_tiny_classes() {
    for count in [1, 2, 5] {
        let set = shapes::set(&[30, count], 16, 1, false);
        for method in registry() {
            let id = method.info().id;
            let model = fit(*method, &set, &Ctx::default())
                .unwrap_or_else(|error| panic!("{id}, a class of {count}: {error}"));
            let made = generate(model.as_ref(), &set, 1, &[0, 1, 2]);
            assert!(made.len() == 3 || method.info().makes == Kind::Repeated, "{id}, a class of {count}");
        }
    }
    // One class alone, and a class without a possible seed.
    let alone = shapes::set(&[10], 16, 1, false);
    let level = shapes::set(&[10, 10], 16, 1, false);
    for method in registry().iter().filter(|m| m.info().has_prior) {
        let error = fit(*method, &alone, &Ctx::default()).err().unwrap().to_string();
        assert!(error.contains("two classes"), "{error}");
        let model = fit(*method, &level, &Ctx::default()).unwrap();
        assert!(generate(model.as_ref(), &level, 1, &[0, 1]).is_empty());
    }
}
