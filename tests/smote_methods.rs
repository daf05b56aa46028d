//! DeepSMOTE, SMOTE, Borderline-SMOTE and ADASYN as methods: they learn, resume exactly, and make images in each space.
#![allow(clippy::unwrap_used)]

#[path = "common/shapes.rs"]
mod shapes;

use std::path::Path;
use std::sync::{Arc, Mutex};

use burn::tensor::{Tensor, TensorData};
use counterpoise::domain::decisions::Verdict;
use counterpoise::domain::provenance::Kind;
use counterpoise::domain::task::{Ctx, Event, Level, Sink};
use counterpoise::imaging::picture::{Picture, Pixels};
use counterpoise::imaging::resize::Fit;
use counterpoise::imaging::training_set::{Spec, TrainingSet};
use counterpoise::nn::ComputeDevice;
use counterpoise::nn::autoencoder::{Autoencoder, AutoencoderConfig};
use counterpoise::nn::init::Init;
use counterpoise::nn::layers::Pass;
use counterpoise::nn::loss::squared_error;
use counterpoise::nn::parameters;
use counterpoise::nn::resnet::ResNetConfig;
use counterpoise::nn::weights::Weights;
use counterpoise::oversampling::{
    Candidate, FitRequest, GenerateRequest, MethodError, Model, ParamMap, method,
};
use serde_json::{Value, json};

/// A stage of the training at which it is cancelled.
type Stage = &'static str;

/// Keeps every event, and cancels at a stage.
#[derive(Default)]
struct Recorder {
    events: Mutex<Vec<Event>>,
    ctx: Mutex<Option<Ctx>>,
    cancel_at: Option<Stage>,
}

struct Shared(Arc<Recorder>);

impl Sink for Shared {
    fn event(&self, event: Event) {
        let Shared(recorder) = self;
        if let (Event::Progress { stage, .. }, Some(at)) = (&event, recorder.cancel_at)
            && stage.contains(at)
            && let Some(ctx) = recorder.ctx.lock().unwrap().as_ref()
        {
            ctx.cancel();
        }
        recorder.events.lock().unwrap().push(event);
    }
}

fn recorder(cancel_at: Option<Stage>) -> (Arc<Recorder>, Ctx) {
    let recorder = Arc::new(Recorder { cancel_at, ..Default::default() });
    let ctx = Ctx::new(Shared(recorder.clone()));
    *recorder.ctx.lock().unwrap() = Some(ctx.clone());
    (recorder, ctx)
}

impl Recorder {
    fn curve(&self, name: &str) -> Vec<f64> {
        let events = self.events.lock().unwrap();
        let points = events.iter().filter_map(|event| match event {
            Event::Metric { series, value, .. } if series == name => Some(*value),
            _ => None,
        });
        points.collect()
    }

    /// How often something is said that contains `text`.
    fn says(&self, level: Level, text: &str) -> usize {
        let events = self.events.lock().unwrap();
        let notes = events.iter().filter_map(|event| match event {
            Event::Note { level, text } => Some((*level, text)),
            _ => None,
        });
        notes.filter(|(of, said)| *of == level && said.contains(text)).count()
    }
}

/// Small networks and few epochs, and what `more` says of them.
fn params(more: &[(&str, Value)]) -> ParamMap {
    let small = [("epochs", json!(2)), ("batch", json!(16)), ("latent", json!(8)), ("width", json!(0.05))];
    small.iter().chain(more).map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn fit_with(
    ctx: &Ctx,
    id: &str,
    set: &TrainingSet,
    params: &ParamMap,
    checkpoint: Option<&Path>,
) -> Result<Box<dyn Model>, MethodError> {
    let device = ComputeDevice::cpu();
    let request =
        FitRequest { training: set, validation: None, params, seed: 3, device: &device, checkpoint };
    method(id).unwrap().fit(ctx, &request)
}

fn fit(id: &str, set: &TrainingSet, more: &[(&str, Value)]) -> Box<dyn Model> {
    fit_with(&Ctx::default(), id, set, &params(more), None).unwrap()
}

fn generate_with(
    ctx: &Ctx,
    model: &dyn Model,
    set: &TrainingSet,
    class: usize,
    slots: &[u32],
) -> Result<Vec<Candidate>, MethodError> {
    generate_by(ctx, model, set, class, slots, &ParamMap::new())
}

/// The same with what is asked of making.
fn generate_by(
    ctx: &Ctx,
    model: &dyn Model,
    set: &TrainingSet,
    class: usize,
    slots: &[u32],
    params: &ParamMap,
) -> Result<Vec<Candidate>, MethodError> {
    let request = GenerateRequest { training: set, class, slots, attempt: 0, params, seed: 3 };
    let mut made = Vec::new();
    model.generate(ctx, &request, &mut |candidate| {
        made.push(candidate);
        Ok(())
    })?;
    Ok(made)
}

fn generate(model: &dyn Model, set: &TrainingSet, class: usize, count: u32) -> Vec<Candidate> {
    let slots: Vec<u32> = (0..count).collect();
    generate_with(&Ctx::default(), model, set, class, &slots).unwrap()
}

/// What a model file of `model` holds.
fn weights_of(model: &dyn Model) -> Weights {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    Weights::from_bytes(&std::fs::read(&path).unwrap()).unwrap()
}

/// A file as if it were written by another program.
fn load(id: &str, weights: &Weights, set: &TrainingSet) -> Result<Box<dyn Model>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    std::fs::write(&path, weights.to_bytes().unwrap()).unwrap();
    method(id).unwrap().load(&path, set, &ComputeDevice::cpu()).map_err(|error| error.to_string())
}

/// The autoencoder of a model.
fn autoencoder_of(weights: &Weights) -> Autoencoder {
    let config: AutoencoderConfig =
        serde_json::from_value(weights.config["generator"]["autoencoder"].clone()).unwrap();
    let fresh = config.build(&mut Init::new(0, 0, &ComputeDevice::cpu().plain()));
    parameters::write(fresh, &weights.part("autoencoder")).unwrap()
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt()
}

/// Distance to the nearest training image of a class.
fn nearest(set: &TrainingSet, class: usize, row: &[f32]) -> f64 {
    let of_class = set.of_class(class);
    of_class.iter().map(|&at| distance(&set.picture(at).to_f32(), row)).fold(f64::INFINITY, f64::min)
}

#[test]
fn deepsmote_makes_unseen_images_again_and_images_of_the_class_asked_for() {
    let set = shapes::set(&[80, 40], 16, 1, false);
    let (recorder, ctx) = recorder(None);
    let wanted = params(&[
        ("epochs", json!(20)),
        ("batch", json!(20)),
        ("latent", json!(16)),
        ("width", json!(0.12)),
        ("learning-rate", json!(2e-3)),
    ]);
    let model = fit_with(&ctx, "deepsmote", &set, &wanted, None).unwrap();
    let loss = recorder.curve("loss · reconstruction");
    assert!(*loss.last().unwrap() < loss[0] / 2.0, "{loss:?}");

    // Images that no training saw, in [-1, 1]; the mean image is the best that a network without a code can do.
    let rows = |positions: Vec<Picture>| -> Vec<Vec<f32>> {
        positions.iter().map(|picture| picture.to_f32().iter().map(|v| v * 2.0 - 1.0).collect()).collect()
    };
    let unseen =
        rows((0..2).flat_map(|c| (0..20).map(move |i| shapes::picture(c, 5000 + i, 16, 1, false))).collect());
    let seen = rows((0..set.len()).map(|at| set.picture(at)).collect());
    let mean: Vec<f32> =
        (0..256).map(|pixel| seen.iter().map(|row| row[pixel]).sum::<f32>() / seen.len() as f32).collect();
    let of_mean: f64 =
        unseen.iter().map(|row| distance(row, &mean).powi(2) / 256.0).sum::<f64>() / unseen.len() as f64;
    let device = ComputeDevice::cpu().plain();
    let images: Tensor<4> =
        Tensor::from_data(TensorData::new(unseen.concat(), [unseen.len(), 1, 16, 16]), &device);
    let network = autoencoder_of(&weights_of(model.as_ref()));
    let again = network.forward(images.clone(), &mut Pass::inference());
    let errors = squared_error(again, images).try_into_vec_as::<f32>().unwrap();
    let of_network = errors.iter().map(|e| f64::from(*e)).sum::<f64>() / errors.len() as f64;
    assert!(of_network < of_mean / 2.0, "{of_network} against {of_mean} of the mean image");

    let made = generate(model.as_ref(), &set, 1, 40);
    let right = made.iter().filter(|candidate| {
        let row = candidate.picture.to_f32();
        nearest(&set, 1, &row) < nearest(&set, 0, &row)
    });
    assert!(right.count() >= 36, "made images of class 1 look like class 0");
    for candidate in &made {
        assert_eq!(candidate.kind, Kind::Synthetic);
        assert_eq!(set.labels[candidate.seed_image.unwrap()], 1);
        let towards: usize = candidate.extra["towards"].as_str().unwrap().parse().unwrap();
        assert_eq!(set.labels[towards], 1, "SMOTE stays inside the class");
        let (name, score) = candidate.own_score.clone().unwrap();
        assert!(name == "code kept" && score > 0.0 && score <= 1.0, "{name}: {score}");
    }
}

#[test]
fn penalties_train_what_they_say_and_keep_no_statistics_of_one_class() {
    let set = shapes::set(&[20, 8], 16, 1, false);
    // One step: what is different then comes from the penalty's gradient alone.
    let run = |penalty: &str| {
        let (recorder, ctx) = recorder(None);
        let wanted = params(&[("epochs", json!(1)), ("batch", json!(64)), ("penalty", json!(penalty))]);
        let model = fit_with(&ctx, "deepsmote", &set, &wanted, None).unwrap();
        (weights_of(model.as_ref()).part("autoencoder"), recorder.curve("loss · penalty"))
    };
    let ((code, of_code), (paper, of_paper), (none, of_none)) = (run("code"), run("paper"), run("none"));
    assert!(of_none.is_empty() && !of_code.is_empty() && !of_paper.is_empty());
    assert!(of_code.iter().chain(&of_paper).all(|loss| loss.is_finite() && *loss > 0.0));
    assert_ne!(of_code, of_paper, "the paper compares other images");
    let mut halves = [0, 0];
    for (name, tensor) in &none {
        if name.contains("running") {
            assert!(code[name] == *tensor && paper[name] == *tensor, "{name} moved by a batch of one class");
        } else if name.starts_with("encoder.") && name.ends_with("weight") {
            assert_eq!(code[name], *tensor, "{name}: the code's penalty is the decoder's alone");
            assert_ne!(paper[name], *tensor, "{name}");
            halves[0] += 1;
        } else if name.ends_with("weight") {
            assert!(code[name] != *tensor && paper[name] != *tensor && code[name] != paper[name], "{name}");
            halves[1] += 1;
        }
    }
    assert!(halves[0] > 1 && halves[1] > 1, "{halves:?}");
}

#[test]
fn a_penalty_on_a_class_of_one_image_is_no_trouble() {
    let set = shapes::set(&[20, 1], 16, 3, false);
    for penalty in ["code", "paper"] {
        let model = fit("deepsmote", &set, &[("penalty", json!(penalty))]);
        assert_eq!(generate(model.as_ref(), &set, 1, 3).len(), 3);
    }
}

#[test]
fn a_cancelled_run_goes_on_to_the_same_model() {
    let set = shapes::set(&[30, 10], 16, 1, false);
    let folder = tempfile::tempdir().unwrap();
    let features = [("space", json!("features")), ("epochs", json!(3))];
    for (id, more, stages) in [
        ("deepsmote", vec![("epochs", json!(3))], ["judge, epoch 2", "autoencoder, epoch 2"]),
        ("smote", features.to_vec(), ["judge, epoch 3", "decoder of features, epoch 2"]),
    ] {
        let wanted = fit(id, &set, &more).hash();
        for stage in stages {
            let checkpoint = folder.path().join(format!("{id} {stage}"));
            let (_, ctx) = recorder(Some(stage));
            let ended = fit_with(&ctx, id, &set, &params(&more), Some(&checkpoint));
            assert!(matches!(ended, Err(MethodError::Cancelled)), "{id}: not cancelled at {stage}");
            assert!(checkpoint.exists(), "{id}: no checkpoint at {stage}");
            let (resumed, ctx) = recorder(None);
            let model = fit_with(&ctx, id, &set, &params(&more), Some(&checkpoint)).unwrap();
            assert_eq!(resumed.says(Level::Info, "going on from a checkpoint"), 1, "{id} {stage}");
            assert_eq!(model.hash(), wanted, "{id}: another model after {stage}");
        }
    }
}

#[test]
fn the_rule_of_making_can_be_another_one_than_in_the_training() {
    let set = shapes::set(&[30, 12], 16, 1, false);
    let pixels = ("space", json!("pixels"));
    for (id, more) in [
        ("smote", ("neighbours", json!(1))),
        ("adasyn", ("neighbours", json!(1))),
        ("borderline-smote", ("neighbours", json!(1))),
        ("deepsmote", ("neighbours", json!(1))),
    ] {
        let own = if id == "deepsmote" { vec![] } else { vec![pixels.clone()] };
        let model = fit(id, &set, &own);
        let made = |params: &[(&str, Value)]| {
            let params: ParamMap =
                params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            let slots: Vec<u32> = (0..8).collect();
            let made = generate_by(&Ctx::default(), model.as_ref(), &set, 1, &slots, &params).unwrap();
            made.into_iter().map(|of| (of.picture, of.extra["towards"].clone())).collect::<Vec<_>>()
        };
        let (usual, other) = (made(&[]), made(std::slice::from_ref(&more)));
        assert_ne!(usual, other, "{id}: {} says nothing", more.0);
        assert_eq!(made(&[]), usual, "{id}: the ground of one rule is not the other's");
        // No weight depends on the rule: the same images as of a model that was trained with it.
        let trained = fit(id, &set, &[own, vec![more]].concat());
        let again: Vec<_> = generate(trained.as_ref(), &set, 1, 8)
            .into_iter()
            .map(|of| (of.picture, of.extra["towards"].clone()))
            .collect();
        assert_eq!(again, other, "{id}");
    }
}

#[test]
fn every_space_makes_images_of_the_right_size() {
    // 13 is no side of a network, and colour.
    let set = shapes::set(&[20, 6], 13, 3, false);
    for id in ["smote", "borderline-smote", "adasyn"] {
        for space in ["latent", "features", "pixels"] {
            let (recorder, ctx) = recorder(None);
            let model = fit_with(&ctx, id, &set, &params(&[("space", json!(space))]), None).unwrap();
            assert_eq!(
                recorder.says(Level::Warning, "double exposure"),
                usize::from(space == "pixels"),
                "{id}"
            );
            let weights = weights_of(model.as_ref());
            assert_eq!(weights.config["generator"]["space"], space);
            let made = generate(model.as_ref(), &set, 1, 4);
            assert_eq!(made.len(), 4, "{id} in {space}");
            for candidate in &made {
                let Picture { width, height, channels, .. } = candidate.picture;
                assert_eq!((width, height, channels), (13, 13, 3), "{id} in {space}");
                assert_eq!(candidate.own_score.is_some(), space != "pixels", "{id} in {space}");
            }
            let loaded = load(id, &weights, &set).unwrap();
            assert_eq!(generate(loaded.as_ref(), &set, 1, 4), made, "{id} in {space} from a file");
        }
    }
}

#[test]
fn an_exact_copy_is_rejected_with_its_reason() {
    // Between two equal images lies nothing but that image.
    let equal = shapes::picture(1, 0, 16, 1, false);
    let various = (0..20).map(|index| (0, shapes::picture(0, index, 16, 1, false)));
    let pictures = various.chain((0..4).map(|_| (1, equal.clone()))).collect();
    let spec = Spec { size: 16, channels: 1, bits: 8, fit: Fit::Pad };
    let set =
        TrainingSet::from_pictures(spec, vec!["class0".to_owned(), "class1".to_owned()], pictures).unwrap();
    let model = fit("smote", &set, &[("space", json!("pixels"))]);
    for candidate in generate(model.as_ref(), &set, 1, 3) {
        assert_eq!(candidate.picture, equal);
        assert_eq!(candidate.verdict, Verdict::RejectedOther);
        assert_eq!(candidate.extra["reason"], "an exact copy of a training image");
        assert_eq!(candidate.extra["exact_copy"], json!(true));
        assert_eq!(candidate.verdict.rejection_probability(&candidate.parts), 1.0);
    }
    for candidate in generate(model.as_ref(), &set, 0, 3) {
        assert_eq!(candidate.extra["exact_copy"], json!(false));
        assert!(candidate.extra.get("reason").is_none() && candidate.verdict != Verdict::RejectedOther);
    }
}

#[test]
fn the_judge_has_the_network_that_is_asked_for() {
    let set = shapes::set(&[8, 4], 16, 1, false);
    for (asked, name, wanted) in [
        (None, "small", ResNetConfig::small(1, 2)),
        (Some("resnet32"), "resnet32", ResNetConfig::resnet32(1, 2)),
    ] {
        let asked = asked.map(|asked| ("judge-network", json!(asked)));
        let more = [("space", json!("pixels")), ("epochs", json!(1))];
        let model = fit("smote", &set, &more.into_iter().chain(asked).collect::<Vec<_>>());
        assert_eq!(model.summary()["params"]["judge-network"], name, "also what was left open");
        let network = weights_of(model.as_ref()).config["networks"]["g"].clone();
        let network: ResNetConfig = serde_json::from_value(network).unwrap();
        let (mean, deviation) = (network.mean.clone(), network.deviation.clone());
        assert_eq!(network, ResNetConfig { mean, deviation, ..wanted });
    }
}

#[test]
fn features_are_what_the_last_layer_of_a_classifier_sees() {
    let device = ComputeDevice::cpu().plain();
    let config = ResNetConfig::small(1, 3);
    let network = config.build(&mut Init::new(1, 0, &device));
    let pixels: Vec<f32> =
        (0..2).flat_map(|index| shapes::picture(index, 0, 16, 1, false).to_f32()).collect();
    let images: Tensor<4> = Tensor::from_data(TensorData::new(pixels, [2, 1, 16, 16]), &device);
    let features = network.features(images.clone(), &mut Pass::inference());
    assert_eq!(features.dims(), [2, config.features()]);
    let features = features.try_into_vec_as::<f32>().unwrap();
    assert!(features.iter().all(|value| *value >= 0.0) && features.iter().any(|value| *value > 0.0));
    let head = parameters::read(&network);
    let (weight, bias) = (&head["head.weight"].values, &head["head.bias"].values);
    let logits = network.forward(images, &mut Pass::inference()).try_into_vec_as::<f32>().unwrap();
    for (row, logits) in features.chunks(config.features()).zip(logits.chunks(3)) {
        for (class, logit) in logits.iter().enumerate() {
            let sum: f32 = row.iter().enumerate().map(|(at, value)| value * weight[at * 3 + class]).sum();
            assert!((sum + bias[class] - logit).abs() < 1e-4, "{sum} and {logit}");
        }
    }
}

#[test]
fn a_decoder_learns_to_make_images_again_from_features() {
    let set = shapes::set(&[60, 30], 16, 1, false);
    let (recorder, ctx) = recorder(None);
    let more = [
        ("space", json!("features")),
        ("epochs", json!(10)),
        ("width", json!(0.1)),
        ("learning-rate", json!(2e-3)),
    ];
    let model = fit_with(&ctx, "smote", &set, &params(&more), None).unwrap();
    let loss = recorder.curve("loss · reconstruction");
    assert!(*loss.last().unwrap() < loss[0] * 0.8, "{loss:?}");
    // Rows are as long as the last layer's input, whatever the length of a code.
    let decoder = &weights_of(model.as_ref()).config;
    assert_eq!(decoder["generator"]["autoencoder"]["latent"], decoder["networks"]["g"]["widths"][2]);
}

#[test]
fn pixel_candidates_lie_between_their_two_images() {
    for sixteen in [false, true] {
        let set = shapes::set(&[30, 12], 16, 1, sixteen);
        let half_a_step = if sixteen { 0.5 / 65535.0 } else { 0.5 / 255.0 };
        for id in ["smote", "borderline-smote", "adasyn"] {
            let model = fit(id, &set, &[("space", json!("pixels"))]);
            let made = generate(model.as_ref(), &set, 1, 30);
            for candidate in &made {
                let from = candidate.seed_image.unwrap();
                let to: usize = candidate.extra["towards"].as_str().unwrap().parse().unwrap();
                let u = candidate.extra["step"].as_f64().unwrap();
                assert!(from != to && set.labels[from] == 1 && set.labels[to] == 1, "{id}: {from} to {to}");
                assert!((0.0..1.0).contains(&u), "{id}: {u}");
                let (from, to) = (set.picture(from).to_f32(), set.picture(to).to_f32());
                for ((made, from), to) in candidate.picture.to_f32().iter().zip(&from).zip(&to) {
                    let wanted = f64::from(*from) + u * f64::from(to - from);
                    assert!(
                        (f64::from(*made) - wanted).abs() <= half_a_step + 1e-6,
                        "{id}: {made}, {wanted}"
                    );
                }
            }
            // Steps differ, so candidates do.
            assert!(made.windows(2).any(|pair| pair[0].picture != pair[1].picture), "{id}");
        }
    }
}

/// Class 0 is dark and class 1 bright, so that neither lies on the border of the other.
fn apart(counts: [usize; 2]) -> TrainingSet {
    let like = shapes::set(&[1, 1], 16, 1, false);
    let flat = |class: usize, index: usize| {
        let level = [30, 200][class];
        let values = (0..256).map(|pixel| level + ((pixel * 7 + index * 13) % 23) as u8).collect();
        Picture::new(16, 16, 1, Pixels::U8(values)).unwrap()
    };
    let pictures = (0..2)
        .flat_map(|class| (0..counts[class]).map(move |index| (class, index)))
        .map(|(class, index)| (class, flat(class, index)))
        .collect();
    TrainingSet::from_pictures(like.spec.clone(), like.classes.clone(), pictures).unwrap()
}

#[test]
fn a_fallback_is_said_once_and_recorded() {
    let set = apart([30, 15]);
    for id in ["borderline-smote", "adasyn"] {
        let model = fit(id, &set, &[("space", json!("pixels"))]);
        let (recorder, ctx) = recorder(None);
        for slots in [[0, 1, 2], [3, 4, 5]] {
            let made = generate_with(&ctx, model.as_ref(), &set, 1, &slots).unwrap();
            assert!(made.iter().all(|candidate| candidate.extra["rule"] == "plain SMOTE"), "{id}");
        }
        assert_eq!(recorder.says(Level::Warning, "class1: no image of the class"), 1, "{id}");
        assert_eq!(recorder.says(Level::Warning, "plain SMOTE over the whole class is used"), 1, "{id}");
    }
    // SMOTE has no other rule to fall back from.
    let model = fit("smote", &set, &[("space", json!("pixels"))]);
    let (recorder, ctx) = recorder(None);
    let made = generate_with(&ctx, model.as_ref(), &set, 1, &[0]).unwrap();
    assert!(made[0].extra.get("rule").is_none());
    assert_eq!(recorder.says(Level::Warning, "plain SMOTE"), 0);
}

#[test]
fn where_classes_meet_no_rule_falls_back() {
    // Both classes are drawn from the same pictures.
    let like = shapes::set(&[1, 1], 16, 1, false);
    let pictures =
        (0..45).map(|index| (usize::from(index % 3 == 0), shapes::picture(0, index, 16, 1, false)));
    let set =
        TrainingSet::from_pictures(like.spec.clone(), like.classes.clone(), pictures.collect()).unwrap();
    for id in ["borderline-smote", "adasyn"] {
        let model = fit(id, &set, &[("space", json!("pixels"))]);
        let (recorder, ctx) = recorder(None);
        let made = generate_with(&ctx, model.as_ref(), &set, 1, &[0, 1, 2]).unwrap();
        assert!(made.iter().all(|candidate| candidate.extra.get("rule").is_none()), "{id}");
        assert_eq!(recorder.says(Level::Warning, "plain SMOTE"), 0, "{id}");
    }
    // Rule 2 of Borderline-SMOTE leaves the class, and goes less than half of the way there.
    for (kind, leaves) in [(1, false), (2, true)] {
        let model = fit("borderline-smote", &set, &[("space", json!("pixels")), ("kind", json!(kind))]);
        let steps: Vec<f64> = generate(model.as_ref(), &set, 1, 20)
            .iter()
            .filter(|candidate| {
                let to: usize = candidate.extra["towards"].as_str().unwrap().parse().unwrap();
                set.labels[to] != 1
            })
            .map(|candidate| candidate.extra["step"].as_f64().unwrap())
            .collect();
        assert_eq!(!steps.is_empty(), leaves, "rule {kind}");
        assert!(steps.iter().all(|step| *step < 0.5), "{steps:?}");
    }
}

#[test]
fn a_class_of_one_image_gets_noise_and_a_class_of_none_a_sentence() {
    let set = shapes::set(&[20, 1, 0], 16, 1, false);
    for id in ["deepsmote", "smote", "borderline-smote", "adasyn"] {
        let more = if id == "deepsmote" { vec![] } else { vec![("space", json!("pixels"))] };
        let model = fit(id, &set, &more);
        let (recorder, ctx) = recorder(None);
        let made = generate_with(&ctx, model.as_ref(), &set, 1, &[0, 1]).unwrap();
        assert_eq!(recorder.says(Level::Warning, "class1: the class has one image"), 1, "{id}");
        for candidate in &made {
            assert_eq!(candidate.seed_image, Some(20), "{id}");
            assert!(candidate.extra["towards"].is_null(), "{id}");
        }
        if id != "deepsmote" {
            let real = set.picture(20);
            assert!(made[0].picture != real && made[0].picture != made[1].picture, "{id}: no noise");
            let apart = distance(&made[0].picture.to_f32(), &real.to_f32());
            assert!(apart < 2.0, "{id}: {apart} is not a little");
        }
        let error = generate_with(&ctx, model.as_ref(), &set, 2, &[0]).unwrap_err().to_string();
        assert!(error.contains("no image to start from"), "{id}: {error}");
    }
}

#[test]
fn a_class_too_small_for_its_neighbours_is_made_with_fewer_and_said() {
    let set = shapes::set(&[30, 1, 2, 5, 10], 16, 1, false);
    let said = [
        None,
        Some("the class has one image and nothing to go towards"),
        Some("the class has 2 images: 1 neighbour instead of 5, so all that is made lies on the line"),
        Some("the class has 5 images: 4 neighbours instead of 5"),
        None,
    ];
    for (id, more) in [
        ("baegan", vec![("epochs", json!(1))]),
        ("deepsmote", vec![("epochs", json!(1))]),
        ("smote", vec![("space", json!("pixels"))]),
        ("borderline-smote", vec![("space", json!("pixels"))]),
        ("borderline-smote", vec![("space", json!("pixels")), ("kind", json!(2))]),
        ("adasyn", vec![("space", json!("pixels"))]),
    ] {
        let model = fit(id, &set, &more);
        for (class, said) in said.iter().enumerate() {
            let (recorder, ctx) = recorder(None);
            assert_eq!(generate_with(&ctx, model.as_ref(), &set, class, &[0, 1]).unwrap().len(), 2, "{id}");
            let shrunk = recorder.says(Level::Warning, "instead of 5");
            match said {
                // Towards all classes there are enough neighbours, unless no image of the class is on the border.
                Some(_) if more.len() == 2 && class > 1 => {
                    assert_eq!(shrunk, recorder.says(Level::Warning, "plain SMOTE"), "{id}: class{class}");
                }
                Some(text) => {
                    let note = format!("class{class}: ");
                    let (named, told) =
                        (recorder.says(Level::Warning, &note), recorder.says(Level::Warning, text));
                    assert_eq!((named, told), (1, 1), "{id}: {note}{text}");
                    assert_eq!(shrunk, usize::from(class > 1), "{id}: class{class}");
                }
                None => assert_eq!(shrunk, 0, "{id}: class{class}"),
            }
        }
    }
    // BAEGAN that draws codes from the prior goes towards no neighbour.
    let model = fit("baegan", &set, &[("epochs", json!(1)), ("smote", json!(false))]);
    let (recorder, ctx) = recorder(None);
    generate_with(&ctx, model.as_ref(), &set, 2, &[0]).unwrap();
    assert_eq!(recorder.says(Level::Warning, "neighbour"), 0);
}

#[test]
fn fewer_images_than_neighbours_in_all_classes_are_said_as_such() {
    // Rule 2 of Borderline-SMOTE goes towards all classes; both have the same pictures, so all lie on the border.
    let like = shapes::set(&[1, 1], 16, 1, false);
    let pictures = (0..8).map(|index| (index % 2, shapes::picture(0, index, 16, 1, false))).collect();
    let set = TrainingSet::from_pictures(like.spec.clone(), like.classes.clone(), pictures).unwrap();
    let more = [("space", json!("pixels")), ("kind", json!(2)), ("neighbours", json!(20))];
    let model = fit("borderline-smote", &set, &more);
    let (recorder, ctx) = recorder(None);
    generate_with(&ctx, model.as_ref(), &set, 1, &[0]).unwrap();
    assert_eq!(
        recorder.says(Level::Warning, "all classes together have 8 images: 7 neighbours instead of 20"),
        1
    );
}

#[test]
fn balanced_batches_beside_a_penalty_of_each_class_are_said() {
    let set = shapes::set(&[20, 6], 16, 1, false);
    let warns = |more: &[(&str, Value)]| {
        let (recorder, ctx) = recorder(None);
        // What is said comes before the first step.
        ctx.cancel();
        let ended = fit_with(&ctx, "deepsmote", &set, &params(more), None);
        assert!(matches!(ended, Err(MethodError::Cancelled)));
        recorder.says(Level::Warning, "one of the two is enough") == 1
    };
    let balanced = ("batches", json!("balanced"));
    assert!(warns(std::slice::from_ref(&balanced)));
    assert!(warns(&[balanced.clone(), ("penalty", json!("paper"))]));
    assert!(!warns(&[balanced, ("penalty", json!("none"))]));
    assert!(!warns(&[]));
}

#[test]
fn a_model_of_another_method_space_or_size_is_refused() {
    let set = shapes::set(&[20, 6], 16, 1, false);
    let pixels = weights_of(fit("smote", &set, &[("space", json!("pixels"))]).as_ref());
    let refusal = |id: &str, weights: &Weights| load(id, weights, &set).err().unwrap_or_default();
    for id in ["adasyn", "borderline-smote", "deepsmote"] {
        let text = refusal(id, &pixels);
        assert!(
            text.contains(&format!("this is a model of smote, not of {id}: choose smote as the method")),
            "{text}"
        );
    }
    let mut other = pixels.clone();
    other.config["generator"]["space"] = json!("latent");
    assert!(refusal("smote", &other).contains("another space"));
    other.config["params"]["space"] = json!("latent");
    assert!(refusal("smote", &other).contains("cannot exist"));

    // Networks for 16 pixels in a file that says 32.
    let latent = weights_of(fit("smote", &set, &[]).as_ref());
    let mut larger = latent.clone();
    larger.config["spec"]["size"] = json!(32);
    let wide = shapes::set(&[20, 6], 32, 1, false);
    let text = load("smote", &larger, &wide).err().unwrap_or_default();
    assert!(text.contains("refused") && text.contains("other images"), "{text}");
}
