//! BAEGAN: the adversarial part reaches what is made, codes move towards the prior, every ablation works, real images
//! stay real, and a training goes on exactly or says what went wrong.
#![allow(clippy::unwrap_used)]

#[path = "common/shapes.rs"]
mod shapes;
#[path = "common/training.rs"]
mod training;

use std::path::Path;

use counterpoise::domain::decisions::Verdict;
use counterpoise::domain::imbalance::{Scheme, weights as class_weights, weights_of_present};
use counterpoise::domain::provenance::Kind;
use counterpoise::domain::task::{Ctx, Level};
use counterpoise::imaging::training_set::TrainingSet;
use counterpoise::nn::ComputeDevice;
use counterpoise::nn::weights::Weights;
use counterpoise::oversampling::{Candidate, GenerateRequest, MethodError, Model, ParamMap, method};
use serde_json::{Value, json};
use training::{params, recorder};

/// Parameters of a quick training, and others.
fn small(more: &[(&str, Value)]) -> ParamMap {
    let mut all = params(&[
        ("epochs", json!(2)),
        ("pretrain-epochs", json!(2)),
        ("batch", json!(16)),
        ("latent", json!(8)),
        ("width", json!(0.1)),
    ]);
    all.extend(params(more));
    all
}

fn fit(
    ctx: &Ctx,
    set: &TrainingSet,
    params: &ParamMap,
    checkpoint: Option<&Path>,
) -> Result<Box<dyn Model>, MethodError> {
    training::fit("baegan", ctx, set, params, checkpoint)
}

fn generate(model: &dyn Model, set: &TrainingSet, class: usize, count: u32) -> Vec<Candidate> {
    training::generate(model, set, class, &ParamMap::new(), count)
}

#[test]
fn reconstruction_falls_and_codes_move_towards_the_prior() {
    let set = shapes::set(&[120, 60], 16, 1, false);
    let pretraining = 20;
    // A pre-training long and fast enough to carry the codes far beyond the prior.
    let params = small(&[
        ("epochs", json!(15)),
        ("pretrain-epochs", json!(pretraining)),
        ("batch", json!(32)),
        ("learning-rate", json!(5e-3)),
        ("adversarial-rate", json!(2e-3)),
    ]);
    let (recorder, ctx) = recorder(None);
    fit(&ctx, &set, &params, None).unwrap();

    let loss = recorder.curve("loss · reconstruction");
    let (first, last) = (loss[0].1, loss[loss.len() - 1].1);
    assert!(last < first / 4.0, "reconstruction went from {first} to {last}");

    let deviation = recorder.curve("codes · deviation (1 wanted)");
    let before = deviation.iter().rfind(|(x, _)| *x <= f64::from(pretraining)).unwrap().1;
    let after = deviation[deviation.len() - 1].1;
    assert!((after - 1.0).abs() < 0.6 * (before - 1.0).abs(), "deviation went from {before} to {after}");

    // Each class has curves of its own, which are not those of all together.
    let of_class = recorder.curve("deviation of codes (1 wanted) · class1");
    assert_eq!(of_class.len(), deviation.len());
    assert_ne!(of_class, deviation);
    assert_eq!(recorder.curve("mean of codes (0 wanted) · class0").len(), deviation.len());

    // The critic comes in after the pre-training, and is told of nowhere else.
    let right = recorder.curve("discriminator · right");
    assert!(!right.is_empty() && right.iter().all(|(x, _)| *x > f64::from(pretraining)));
}

#[test]
fn the_adversarial_part_changes_what_is_made() {
    // With an encoder that is not the part's generator the rate would reach the critic alone.
    let set = shapes::set(&[40, 12], 16, 1, false);
    let made = |rate: f64| {
        let params = small(&[
            ("epochs", json!(4)),
            ("pretrain-epochs", json!(6)),
            ("learning-rate", json!(2e-3)),
            ("adversarial-rate", json!(rate)),
        ]);
        let model = fit(&Ctx::default(), &set, &params, None).unwrap();
        let (seeds, pictures): (Vec<_>, Vec<_>) = generate(model.as_ref(), &set, 1, 6)
            .into_iter()
            .map(|candidate| (candidate.seed_image, candidate.picture))
            .unzip();
        (seeds, pictures)
    };
    let ((seeds, slow), (same_seeds, fast)) = (made(1e-5), made(5e-3));
    assert_eq!(seeds, same_seeds, "the draws are the same");
    assert_ne!(slow, fast);
}

#[test]
fn every_ablation_trains_saves_loads_and_makes() {
    let set = shapes::set(&[30, 10], 16, 1, false);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let cases: [&[(&str, Value)]; 8] = [
        &[],
        &[("pretraining", json!(false))],
        &[("fused-loss", json!(false))],
        &[("smote", json!(false))],
        &[("head", json!("dual"))],
        &[("head", json!("dual")), ("class-weights", json!("effective")), ("reconstruction", json!("mae"))],
        &[("class-weights", json!("effective")), ("penalty", json!(0.0))],
        &[("fused-loss", json!(false)), ("pretraining", json!(false)), ("smote", json!(false))],
    ];
    let mut first = None;
    for case in cases {
        let switched = |name: &str| case.iter().any(|(of, value)| *of == name && *value == json!(false));
        let params = small(case);
        let (recorder, ctx) = recorder(None);
        let model = fit(&ctx, &set, &params, None).unwrap();
        let epochs = if switched("pretraining") { 2 } else { 4 };
        assert_eq!(model.summary()["record"]["epochs"], json!(epochs), "{case:?}");
        let penalised = !switched("fused-loss") && params.get("penalty") != Some(&json!(0.0));
        assert_eq!(!recorder.curve("loss · penalty").is_empty(), penalised, "{case:?}");
        assert!(!recorder.curve("loss · critic").is_empty() && !recorder.curve("loss · encoder").is_empty());

        model.save(&path).unwrap();
        let loaded = method("baegan").unwrap().load(&path, &set, &ComputeDevice::cpu()).unwrap();
        assert_eq!(loaded.hash(), model.hash(), "{case:?}");
        let made = generate(loaded.as_ref(), &set, 1, 3);
        assert_eq!(made, generate(model.as_ref(), &set, 1, 3), "{case:?}");
        for candidate in made {
            let (name, score) = candidate.own_score.unwrap();
            if params.get("head") == Some(&json!("dual")) {
                // Its level is free, so it is no probability.
                assert!(name == "critic's score" && score.is_finite(), "{case:?}: {score}");
            } else {
                assert!(name == "code is the prior's" && (0.0..=1.0).contains(&score), "{case:?}: {score}");
            }
            assert_eq!(candidate.seed_image.is_none(), switched("smote"), "{case:?}");
            assert_eq!(candidate.extra.get("code").is_some(), switched("smote"), "{case:?}");
        }
        // Every switch but that of the making reaches the weights.
        let tensors = Weights::from_bytes(&std::fs::read(&path).unwrap()).unwrap().tensors;
        let same = first.get_or_insert_with(|| tensors.clone()) == &tensors;
        assert_eq!(same, case.iter().all(|(name, _)| *name == "smote"), "{case:?}");
    }
}

#[test]
fn an_empty_class_takes_no_weight_from_others() {
    // Effective numbers with beta 0.9999: 3297 of 4000 and 39.9 of 40, their inverses scaled to sum 2.
    let weights = weights_of_present(&[4000, 40, 0], Scheme::Ens, 0.9999).unwrap();
    for (weight, wanted) in weights.iter().zip([0.0239, 1.9761, 0.0]) {
        assert!((weight - wanted).abs() < 1e-4, "{weights:?}");
    }
    assert_eq!(weights_of_present(&[3, 7], Scheme::Ens, 0.9), class_weights(&[3, 7], Scheme::Ens, 0.9));
    // A training beside an empty class takes them.
    let set = shapes::set(&[30, 10, 0], 16, 1, false);
    let model = fit(&Ctx::default(), &set, &small(&[("class-weights", json!("effective"))]), None).unwrap();
    assert_eq!(generate(model.as_ref(), &set, 1, 2).len(), 2);
}

#[test]
fn the_plain_loss_knows_no_class_weights() {
    let set = shapes::set(&[30, 10], 16, 1, false);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let [plain, weighed] = ["none", "effective"].map(|scheme| {
        let params = small(&[("fused-loss", json!(false)), ("class-weights", json!(scheme))]);
        fit(&Ctx::default(), &set, &params, None).unwrap().save(&path).unwrap();
        Weights::from_bytes(&std::fs::read(&path).unwrap()).unwrap().tensors
    });
    assert!(plain == weighed, "class weights reach the ablation -L");
}

#[test]
fn real_images_stay_real() {
    let set = shapes::set(&[30, 8], 16, 1, false);
    let model = fit(&Ctx::default(), &set, &small(&[]), None).unwrap();
    let made = generate(model.as_ref(), &set, 1, 12);
    assert_eq!(made.iter().map(|c| c.slot).collect::<Vec<_>>(), (0..12).collect::<Vec<u32>>());
    for candidate in &made {
        assert_eq!(candidate.kind, Kind::Synthetic);
        assert_eq!(set.labels[candidate.seed_image.unwrap()], 1, "a code of another class");
        let towards = candidate.extra["towards"].as_str().unwrap();
        let towards = set.paths.iter().position(|path| path == towards).unwrap();
        assert!(set.labels[towards] == 1 && Some(towards) != candidate.seed_image);
        let copy = set.of_class(1).into_iter().any(|at| set.picture(at) == candidate.picture);
        assert_eq!(candidate.extra["exact_copy"], json!(copy));
        assert!(!copy || candidate.verdict == Verdict::RejectedOther);
    }
}

#[test]
fn a_cancelled_training_goes_on_to_the_same_model_and_curves() {
    training::assert_goes_on(
        "baegan",
        &shapes::set(&[40, 12], 16, 1, false),
        &small(&[("epochs", json!(3))]),
        &[
            "training the judge, epoch 2",
            "pre-training the autoencoder, epoch 2",
            "training encoder and critic, epoch 2",
        ],
        &[
            "loss · judge",
            "loss · reconstruction",
            "loss · critic",
            "loss · encoder",
            "loss · penalty",
            "codes · deviation (1 wanted)",
            "diversity · class1",
            "KID-g · class1",
        ],
    );
}

#[test]
fn a_stopped_training_keeps_a_model_once_there_is_one() {
    let set = shapes::set(&[40, 12], 16, 1, false);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let stopped = |stage: &'static str| {
        let (_, ctx) = recorder(Some((stage, Ctx::stop_and_keep)));
        fit(&ctx, &set, &small(&[]), None)
    };
    // Stopped after the first of four steps: the epochs that are told are whole ones.
    for (stage, epochs) in [("pre-training the autoencoder, epoch 1", 0), ("encoder and critic, epoch 1", 2)]
    {
        let model = stopped(stage).unwrap();
        assert_eq!(model.summary()["record"]["epochs"], json!(epochs), "{stage}");
        let made = generate(model.as_ref(), &set, 1, 3);
        assert_eq!(made.len(), 3, "{stage}");
        // A critic that has learnt nothing says nothing, also not out of a file.
        assert!(made.iter().all(|candidate| candidate.own_score.is_some() == (epochs == 2)), "{stage}");
        model.save(&path).unwrap();
        let loaded = method("baegan").unwrap().load(&path, &set, &ComputeDevice::cpu()).unwrap();
        assert_eq!(generate(loaded.as_ref(), &set, 1, 3), made, "{stage}");
        assert!(model.stopped().unwrap().contains("after epoch 0 of 2 and 1 of 4 steps"), "{stage}");
        assert_eq!(loaded.stopped(), model.stopped(), "{stage}");
    }
    let whole = fit(&Ctx::default(), &set, &small(&[]), None).unwrap();
    assert_eq!(whole.stopped(), None);
    let error = stopped("training the judge, epoch 1").err().unwrap();
    assert!(matches!(error, MethodError::Training(_)));
    assert!(error.to_string().contains("the judge still learnt"), "{error}");
}

#[test]
fn a_learning_rate_far_too_high_ends_in_words_or_in_a_whole_model() {
    let set = shapes::set(&[40, 12], 16, 1, false);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    for case in [
        small(&[("learning-rate", json!(1.0)), ("adversarial-rate", json!(1.0)), ("epochs", json!(6))]),
        small(&[("adversarial-rate", json!(1.0)), ("penalty", json!(1000.0)), ("epochs", json!(6))]),
        small(&[("learning-rate", json!(1.0)), ("adversarial-rate", json!(1.0)), ("head", json!("dual"))]),
    ] {
        let (recorder, ctx) = recorder(None);
        match fit(&ctx, &set, &case, None) {
            Ok(model) => {
                // Numbers that are none are never written.
                model.save(&path).unwrap();
                if recorder.says(Level::Error, "ran away") {
                    assert!(recorder.says(Level::Error, "keeps the weights of the last whole epoch"));
                }
                let params = ParamMap::new();
                let slots = [0, 1, 2];
                let request = GenerateRequest {
                    training: &set,
                    class: 1,
                    slots: &slots,
                    attempt: 0,
                    params: &params,
                    seed: 3,
                };
                let mut made = 0;
                let result = model.generate(&Ctx::default(), &request, &mut |_| {
                    made += 1;
                    Ok(())
                });
                match result {
                    Ok(()) => assert_eq!(made, 3),
                    Err(error) => assert!(matches!(error, MethodError::Data(_)), "{error}"),
                }
            }
            Err(MethodError::Training(text)) => {
                assert!(text.contains("ran away") && text.contains("lower learning rate"), "{text}");
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn smote_is_left_out_of_making_without_another_training() {
    let set = shapes::set(&[20, 10], 16, 1, false);
    let model = fit(&Ctx::default(), &set, &small(&[]), None).unwrap();
    let made = |smote: bool| {
        let params = ParamMap::from_iter([("smote".to_owned(), json!(smote))]);
        training::generate(model.as_ref(), &set, 1, &params, 2)
    };
    assert!(made(true).iter().all(|candidate| candidate.seed_image.is_some()));
    for candidate in made(false) {
        assert_eq!(candidate.extra["code"], "drawn from the prior");
        assert_eq!(candidate.seed_image, None);
    }
}

/// The paper's page tells neither its settings nor its equations; what it does tell is not among these.
#[test]
fn what_the_paper_does_not_tell_is_called_inferred() {
    let table = method("baegan").unwrap().param_table().iter();
    let inferred: Vec<&str> =
        table.filter(|info| info.source.contains("inferred")).map(|info| info.name).collect();
    assert_eq!(
        inferred,
        [
            "epochs",
            "pretrain-epochs",
            "batch",
            "learning-rate",
            "adversarial-rate",
            "latent",
            "reconstruction",
            "head",
            "focusing",
            "class-weights",
            "penalty",
            "neighbours"
        ]
    );
}

#[test]
fn two_corrections_of_the_imbalance_at_once_are_said() {
    let set = shapes::set(&[20, 6], 16, 1, false);
    let warns = |pairs: &[(&str, Value)]| {
        let (recorder, ctx) = recorder(None);
        // What is said comes before the first step.
        ctx.cancel();
        assert!(matches!(fit(&ctx, &set, &small(pairs), None), Err(MethodError::Cancelled)));
        recorder.says(Level::Warning, "one of the two is enough")
    };
    let (batches, weights) = (("batches", json!("balanced")), ("class-weights", json!("effective")));
    assert!(warns(&[batches.clone(), weights.clone()]));
    // The plain loss weighs nothing, so there is one correction.
    assert!(!warns(&[batches.clone(), weights.clone(), ("fused-loss", json!(false))]));
    assert!(!warns(&[batches]));
    assert!(!warns(&[weights]));
}

#[test]
fn tiny_classes_get_their_images_and_a_note() {
    let set = shapes::set(&[30, 1, 2, 5, 10], 16, 1, false);
    let (recorder, ctx) = recorder(None);
    let model = fit(&ctx, &set, &small(&[]), None).unwrap();
    for (class, count) in [(1, "1 training image:"), (2, "2 training images:"), (3, "5 "), (4, "10 ")] {
        let note = format!("class{class} has only {count}");
        assert!(recorder.says(Level::Warning, &note), "nobody says: {note}");
        let made = generate(model.as_ref(), &set, class, 3);
        assert_eq!(made.len(), 3, "class {class}");
        for candidate in &made {
            assert_eq!(set.labels[candidate.seed_image.unwrap()], class);
            // A class with one image has no second code to go towards.
            assert_eq!(candidate.extra["towards"].is_null(), class == 1);
        }
    }
    assert!(!recorder.says(Level::Warning, "class0 has only"));
    // Five codes say nothing of a law, ten do.
    for (class, told) in [(0, true), (1, false), (2, false), (3, false), (4, true)] {
        let curve = recorder.curve(&format!("deviation of codes (1 wanted) · class{class}"));
        assert_eq!(!curve.is_empty(), told, "class {class}");
    }
}

#[test]
fn a_file_that_names_another_size_than_its_networks_have_is_refused() {
    let set = shapes::set(&[20, 10], 16, 1, false);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    fit(&Ctx::default(), &set, &small(&[]), None).unwrap().save(&path).unwrap();
    let whole = Weights::from_bytes(&std::fs::read(&path).unwrap()).unwrap();
    let refusal = |lying: &Weights, side: u32| {
        std::fs::write(&path, lying.to_bytes().unwrap()).unwrap();
        let set = shapes::set(&[20, 10], side, 1, false);
        let loaded = method("baegan").unwrap().load(&path, &set, &ComputeDevice::cpu());
        loaded.err().unwrap().to_string()
    };
    let mut lying = whole.clone();
    lying.config["spec"]["size"] = json!(20);
    assert!(refusal(&lying, 20).contains("the model file is refused"));
    // Parameters that the critic was not built for.
    let mut lying = whole;
    lying.config["params"]["fused-loss"] = json!(false);
    assert!(refusal(&lying, 16).contains("the model file is refused"));
}
