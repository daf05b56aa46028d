//! ACGAN and CGAN: each class gets images of its own, each network learns from its own loss alone, a stopped training
//! goes on exactly, and what cannot be made is refused in a sentence.
#![allow(clippy::unwrap_used)]

#[path = "common/shapes.rs"]
mod shapes;
#[path = "common/training.rs"]
mod training;

use std::path::Path;

use counterpoise::domain::provenance::Kind;
use counterpoise::domain::task::{Ctx, Level};
use counterpoise::imaging::resize::Fit;
use counterpoise::imaging::training_set::{Spec, TrainingSet};
use counterpoise::nn::ComputeDevice;
use counterpoise::nn::weights::Weights;
use counterpoise::oversampling::{Candidate, GenerateRequest, MethodError, ParamMap, method};
use serde_json::{Value, json};
use training::{fit, generate, params, recorder};

const BOTH: [&str; 2] = ["acgan", "cgan"];

/// Parameters of a quick training, and others.
fn small(more: &[(&str, Value)]) -> ParamMap {
    let mut all =
        params(&[("epochs", json!(2)), ("batch", json!(16)), ("latent", json!(8)), ("width", json!(0.1))]);
    all.extend(params(more));
    all
}

fn weights(path: &Path) -> Weights {
    Weights::from_bytes(&std::fs::read(path).unwrap()).unwrap()
}

/// Two classes with 60 images each, of four pictures a class, so that the mean images lie far apart.
fn bars() -> TrainingSet {
    let spec = Spec { size: 16, channels: 1, bits: 8, fit: Fit::Pad };
    let classes = vec!["across".to_owned(), "down".to_owned()];
    let pictures =
        (0..120).map(|index| (index % 2, shapes::picture(index % 2, index / 2 % 4, 16, 1, false))).collect();
    TrainingSet::from_pictures(spec, classes, pictures).unwrap()
}

fn mean_image(pictures: impl Iterator<Item = Vec<f32>>) -> Vec<f64> {
    let mut sum: Vec<f64> = Vec::new();
    let mut count = 0.0;
    for picture in pictures {
        sum.resize(picture.len(), 0.0);
        sum.iter_mut().zip(&picture).for_each(|(sum, value)| *sum += f64::from(*value));
        count += 1.0;
    }
    sum.into_iter().map(|sum| sum / count).collect()
}

fn apart(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn what_is_made_of_a_class_looks_like_the_class() {
    let set = bars();
    let real: Vec<Vec<f64>> = (0..2)
        .map(|class| mean_image(set.of_class(class).into_iter().map(|at| set.picture(at).to_f32())))
        .collect();
    let params = params(&[
        ("epochs", json!(30)),
        ("batch", json!(32)),
        ("latent", json!(16)),
        ("width", json!(0.25)),
        ("learning-rate", json!(2e-3)),
    ]);
    for id in BOTH {
        let (recorder, ctx) = recorder(None);
        let model = fit(id, &ctx, &set, &params, None).unwrap();
        for curve in ["loss · discriminator", "loss · generator", "discriminator · right"] {
            let points = recorder.curve(curve);
            assert!(points.len() >= 30, "{id}: {curve} has {} points", points.len());
            assert!(points.iter().all(|(_, value)| value.is_finite()), "{id}: {curve}");
        }
        for class in 0..2 {
            let made = generate(model.as_ref(), &set, class, &ParamMap::new(), 32);
            assert!(made.iter().all(|c| c.kind == Kind::Synthetic && c.seed_image.is_none()));
            assert!(made.iter().any(|c| c.picture != made[0].picture), "{id} makes one image");
            let mean = mean_image(made.iter().map(|c| c.picture.to_f32()));
            let (own, other) = (apart(&mean, &real[class]), apart(&mean, &real[1 - class]));
            assert!(
                own + 0.2 < other,
                "{id}: class {class} is {own} from its own and {other} from the other"
            );

            let scores: Vec<f64> = made.iter().map(|c| c.own_score.clone().unwrap().1).collect();
            assert!(scores.iter().all(|score| score.is_finite()));
            if id == "acgan" {
                assert_eq!(made[0].own_score.clone().unwrap().0, "discriminator takes it for real");
                assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)), "{scores:?}");
                let of_class = |c: &Candidate| c.extra["discriminator_class_probability"].as_f64().unwrap();
                assert!(made.iter().all(|c| (0.0..=1.0).contains(&of_class(c))));
            } else {
                assert_eq!(made[0].own_score.clone().unwrap().0, "discriminator's score");
            }
        }
    }
}

#[test]
fn a_cancelled_training_goes_on_to_the_same_model_and_curves() {
    let set = shapes::set(&[40, 12], 16, 1, false);
    for id in BOTH {
        training::assert_goes_on(
            id,
            &set,
            &small(&[("epochs", json!(3))]),
            &["training the judge, epoch 2", "training generator and discriminator, epoch 2"],
            &[
                "loss · judge",
                "loss · discriminator",
                "loss · generator",
                "discriminator · right",
                "diversity · class1",
                "KID-g · class1",
            ],
        );
    }
}

#[test]
fn each_optimiser_moves_its_network_once_a_step() {
    let set = shapes::set(&[24, 8], 16, 1, false);
    let folder = tempfile::tempdir().unwrap();
    for id in BOTH {
        let checkpoint = folder.path().join(id);
        let (_, ctx) = recorder(Some(("training generator and discriminator, epoch 2", Ctx::cancel)));
        let cancelled = fit(id, &ctx, &set, &small(&[]), Some(&checkpoint)).err().unwrap();
        assert!(matches!(cancelled, MethodError::Cancelled), "{id}: {cancelled}");
        let held = weights(&checkpoint);
        // Two steps of the first epoch and one of the second.
        assert_eq!(held.config["position"]["key"], json!(3), "{id}");
        for network in ["generator", "discriminator"] {
            let (tensors, adam) = (held.part(network), held.part(&format!("{network}_adam")));
            let trained: Vec<&String> = tensors.keys().filter(|name| !name.contains("running_")).collect();
            assert!(trained.len() > 5, "{id}: {network}");
            assert_eq!(adam.len(), 3 * trained.len(), "{id}: moments of {network}");
            for name in trained {
                assert_eq!(adam[&format!("{name}.steps")].values, [3.0], "{id}: {network}.{name}");
            }
        }
    }
}

#[test]
fn the_first_step_is_no_longer_than_the_learning_rate() {
    // Adam's first step of a weight is the learning rate times the sign of its gradient. A network that the other's
    // loss moves too would go further.
    let set = shapes::set(&[24, 8], 16, 1, false);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    for id in BOTH {
        let [still, moved] = [1e-6, 1e-3].map(|rate| {
            let one = [("epochs", json!(1)), ("batch", json!(32)), ("learning-rate", json!(rate))];
            fit(id, &Ctx::default(), &set, &small(&one), None).unwrap().save(&path).unwrap();
            weights(&path)
        });
        for network in ["generator", "discriminator"] {
            let (before, after) = (still.part(network), moved.part(network));
            let mut longest = 0.0_f32;
            for (name, tensor) in before.iter().filter(|(name, _)| !name.contains("running_")) {
                for (a, b) in tensor.values.iter().zip(&after[name].values) {
                    longest = longest.max((a - b).abs());
                }
            }
            assert!((0.95e-3..1.01e-3).contains(&longest), "{id}: {network} went {longest}");
        }
    }
}

#[test]
fn every_side_is_trained_or_refused_in_a_sentence() {
    let quick =
        small(&[("epochs", json!(1)), ("batch", json!(8)), ("latent", json!(4)), ("width", json!(0.05))]);
    for id in BOTH {
        for (size, channels) in [(16, 1), (28, 3), (64, 1), (100, 1)] {
            let set = shapes::set(&[6, 4], size, channels, false);
            let model = fit(id, &Ctx::default(), &set, &quick, None).unwrap();
            let made = generate(model.as_ref(), &set, 1, &ParamMap::new(), 2);
            assert_eq!(made.len(), 2);
            for candidate in made {
                assert_eq!((candidate.picture.width, candidate.picture.height), (size, size));
                assert_eq!(candidate.picture.channels, channels);
            }
        }
        let large = shapes::set(&[3, 2], 130, 1, false);
        let error = fit(id, &Ctx::default(), &large, &quick, None).err().unwrap().to_string();
        assert!(error.contains("at most 128 pixels") && error.contains("--size"), "{id}: {error}");
    }
    // Noise of 1,024 numbers at full width and 128 pixels would unfold into a gigabyte of weights.
    let set = shapes::set(&[3, 2], 100, 1, false);
    let huge = small(&[("latent", json!(1024)), ("width", json!(2.0))]);
    let error = fit("acgan", &Ctx::default(), &set, &huge, None).err().unwrap().to_string();
    assert!(error.contains("too large") && error.contains("--width"), "{error}");
}

#[test]
fn nothing_is_made_of_a_class_without_images() {
    let set = shapes::set(&[20, 10, 0], 16, 1, false);
    let none = ParamMap::new();
    for id in ["acgan", "cgan", "bagan-gp"] {
        let (recorder, ctx) = recorder(None);
        let model = fit(id, &ctx, &set, &small(&[]), None).unwrap();
        assert!(recorder.says(Level::Warning, "class2 has no training image"), "{id}");
        let request =
            GenerateRequest { training: &set, class: 2, slots: &[0], attempt: 0, params: &none, seed: 3 };
        let refused = model.generate(&Ctx::default(), &request, &mut |_| Ok(())).unwrap_err();
        assert!(matches!(refused, MethodError::Data(_)), "{id}: {refused}");
        assert!(refused.to_string().contains("class2 has no training image"), "{id}: {refused}");
    }
}

#[test]
fn the_judge_learns_from_real_images_alone() {
    let set = shapes::set(&[24, 8], 16, 1, false);
    // Bars of the other class, as an earlier export may have made them.
    let made: Vec<_> =
        (0..30).map(|index| (1, Kind::Synthetic, shapes::picture(0, 100 + index, 16, 1, false))).collect();
    let filled = set.filled(&made, &[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let judge = |set: &TrainingSet| {
        let (recorder, ctx) = recorder(None);
        let model = fit("cgan", &ctx, set, &small(&[]), None).unwrap();
        model.save(&path).unwrap();
        let all = weights(&path);
        let warned = ["class1 has only 8 training images", "class1 has only 8 real training images"]
            .map(|text| recorder.says(Level::Warning, text));
        let recall = model.summary()["record"]["g"]["recall"].clone();
        ((all.part("g"), recall), all.part("generator"), warned)
    };
    let (alone, before, [warned, _]) = judge(&set);
    let (beside, after, [_, warned_of_real]) = judge(&filled);
    assert!(alone == beside, "g learnt from made images or was asked about them");
    assert!(before != after, "the generator learns from all");
    assert!(warned && warned_of_real);
    // A class that has made images alone is none that g can judge.
    let set = shapes::set(&[24, 8, 0], 16, 1, false);
    let made: Vec<_> =
        (0..6).map(|index| (2, Kind::Synthetic, shapes::picture(2, index, 16, 1, false))).collect();
    let (recorder, ctx) = recorder(None);
    let model = fit("cgan", &ctx, &set.filled(&made, &[]).unwrap(), &small(&[]), None).unwrap();
    assert!(recorder.says(Level::Warning, "class2 has made training images alone"));
    assert!(model.summary()["record"]["g"]["recall"][2].is_null());
}

#[test]
fn a_file_that_names_another_size_than_its_networks_have_is_refused() {
    let set = shapes::set(&[20, 10], 16, 1, false);
    let larger = shapes::set(&[20, 10], 20, 1, false);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    for id in BOTH {
        fit(id, &Ctx::default(), &set, &small(&[]), None).unwrap().save(&path).unwrap();
        let mut lying = weights(&path);
        lying.config["spec"]["size"] = json!(20);
        std::fs::write(&path, lying.to_bytes().unwrap()).unwrap();
        let error =
            method(id).unwrap().load(&path, &larger, &ComputeDevice::cpu()).err().unwrap().to_string();
        assert!(error.contains("the model file is refused"), "{id}: {error}");
    }
}
