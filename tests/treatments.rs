//! Treatments of imbalance: losses and weights are the reference's, gradients are exact, each treatment does
//! what its name says and trains, and all of them begin alike.
#![allow(clippy::unwrap_used)]

#[path = "common/shapes.rs"]
mod shapes;
#[path = "common/vectors.rs"]
mod vectors;

use burn::tensor::{Device, Tensor, TensorData};
use counterpoise::classify::batches::{Augment, chunks, epochs_for, gather, steps_of_epoch};
use counterpoise::classify::objective::{ClassWeights, Loss, Objective};
use counterpoise::classify::trainer::labels_tensor;
use counterpoise::classify::treatments::{
    Boosted, CombinationError, Correction, Draw, Ensemble, EnsembleSettings, FitError, Fitted, Options,
    Overlap, ParseError, Part, Preset, Rescale, Rows, Sampler, Step, Treatment, Tree, Values, blend,
    cascade_pools, fit, rescale, share, start_bias,
};
use counterpoise::domain::imbalance::{Scheme, lowered, margins, raised, weights};
use counterpoise::domain::random::{Stage, stream};
use counterpoise::domain::task::Ctx;
use counterpoise::imaging::training_set::TrainingSet;
use counterpoise::nn::ComputeDevice;
use counterpoise::nn::init::Init;
use counterpoise::nn::layers::{Linear, Pass};
use counterpoise::nn::loss::{focal, margin_cross_entropy, one_against_all};
use counterpoise::nn::parameters;
use counterpoise::nn::resnet::{HEAD_BIAS, ResNetConfig};
use serde_json::{Map, Value, json};
use vectors::{Book, Precision::F32, Precision::F64, Vector, counts, floats};

fn plain() -> Device {
    ComputeDevice::cpu().plain()
}

fn autodiff() -> Device {
    ComputeDevice::cpu().autodiff()
}

fn matrix(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(floats).collect()
}

fn tensor(rows: &[Vec<f64>], device: &Device) -> Tensor<2> {
    let flat: Vec<f32> = rows.iter().flatten().map(|v| *v as f32).collect();
    Tensor::from_data(TensorData::new(flat, [rows.len(), rows[0].len()]), device)
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as::<f32>().unwrap()
}

fn mean(values: &[f32]) -> f64 {
    values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64
}

fn treatment(text: &str) -> Treatment {
    text.parse().unwrap()
}

/// The objective of a treatment before the deferral.
fn objective(text: &str, counts: &[usize]) -> Objective {
    treatment(text).recipe(counts).unwrap().objective[0].clone()
}

fn of(objective: &Objective, vector: Vector<'_>) -> f64 {
    let logits = tensor(&matrix(vector.input("logits")), &plain());
    mean(&host(objective.losses(logits, &counts(vector.input("labels")))))
}

#[test]
fn losses_of_single_images() {
    let book = Book::read("weights_and_metrics");
    let vector = book.get("5.2-rows");
    let labels = counts(vector.input("labels"));
    let rows = |loss: &Loss| {
        let logits = tensor(&matrix(vector.input("logits")), &plain());
        host(loss.of(logits, &labels))
    };
    let logistic = |focusing| rows(&Loss::OneAgainstAll { focusing });
    vector.check(
        F32,
        &json!({
            "sigmoid_ce": logistic(0.0),
            "focal_0.5": logistic(0.5),
            "focal_1": logistic(1.0),
            "focal_2": logistic(2.0),
            "softmax_ce": rows(&Loss::CrossEntropy),
        }),
    );
}

#[test]
fn class_balanced_losses() {
    let book = Book::read("weights_and_metrics");
    let mut seen = 0;
    for vector in book.all().filter(|v| v.id().starts_with("5.2-loss-")) {
        let counts = counts(vector.input("counts"));
        let beta = vector.input("beta").as_f64().unwrap();
        let by_class = weights(&counts, Scheme::Ens, beta).unwrap();
        vector.check_part(F64, "class_weights", &json!(by_class));
        let softmax = of(&objective(&format!("cb-softmax:beta={beta}"), &counts), vector);
        vector.check_part(F32, "cb_softmax", &json!(softmax));
        let sigmoid = of(&objective(&format!("cb-sigmoid:beta={beta}"), &counts), vector);
        vector.check_part(F32, "cb_sigmoid", &json!(sigmoid));
        let focal: Map<String, Value> = [0.5, 1.0, 2.0]
            .into_iter()
            .map(|focusing| {
                let name = format!("cb-focal:beta={beta}:focusing={focusing}");
                (format!("{focusing:?}"), json!(of(&objective(&name, &counts), vector)))
            })
            .collect();
        vector.check_part(F32, "cb_focal", &Value::Object(focal));
        // Divided by the images and never by the weights.
        let by_weights = vector.expected()["softmax_over_sum_w"].as_f64().unwrap();
        assert!(beta == 0.0 || (softmax - by_weights).abs() > 0.01, "beta {beta}");
        seen += 1;
    }
    assert!(seen >= 5, "the file lost vectors");

    let vector = book.get("5.2-wrong");
    let counts = counts(vector.input("counts"));
    for (name, own) in [
        ("bce_on_softmax", "cb-softmax"),
        ("bce_column_weights", "cb-sigmoid"),
        ("focal_on_softmax", "cb-focal:focusing=2"),
    ] {
        vector.check_differs(F32, name, &json!(of(&objective(own, &counts), vector)));
    }
}

#[test]
fn the_gradient_of_the_class_balanced_focal_loss() {
    let book = Book::read("weights_and_metrics");
    let vector = book.get("5.2-gradient");
    let logits = tensor(&matrix(vector.input("logits")), &autodiff()).require_grad();
    let labels = counts(vector.input("labels"));
    let objective = objective("cb-focal:focusing=2", &counts(vector.input("counts")));
    let losses = objective.losses(logits.clone(), &labels).sum() / labels.len() as f64;
    let gradient = host(logits.grad(&losses.backward()).unwrap());
    vector.check(F32, &json!({ "gradient": gradient.chunks(3).collect::<Vec<&[f32]>>() }));
}

#[test]
fn the_modulator_is_stable() {
    let book = Book::read("weights_and_metrics");
    let vector = book.get("5.2-modulator");
    let focusing = vector.input("gamma").as_f64().unwrap();
    // The other class is told with certainty, so that only the logit under test has a loss.
    for (name, label, other) in [("positive", 0, -200.0), ("negative", 1, 200.0)] {
        for (z, modulator) in floats(vector.input("z")).into_iter().zip(floats(&vector.expected()[name])) {
            let logits = tensor(&[vec![z, other]], &autodiff()).require_grad();
            let losses = one_against_all(logits.clone(), labels_tensor(&[label], &autodiff()), focusing);
            let cross_entropy = if (z < 0.0) == (label == 0) { z.abs() } else { 0.0 };
            let loss = f64::from(host(losses.clone())[0]);
            assert!((loss - modulator * cross_entropy).abs() < 1e-4, "{name} {z}: {loss}");
            let gradient = host(logits.grad(&losses.sum().backward()).unwrap());
            assert!(gradient.iter().all(|g| g.is_finite()), "{name} {z}: {gradient:?}");
        }
    }
}

#[test]
fn weights_margins_and_focal_loss_of_m2m() {
    let book = Book::read("m2m");
    let vector = book.get("M1");
    let images = counts(vector.input("counts"));
    let by_beta: Map<String, Value> = floats(vector.input("betas"))
        .into_iter()
        .map(|beta| {
            let scheme = if beta == 1.0 { Scheme::Ins } else { Scheme::Ens };
            (format!("{beta:?}"), json!(weights(&images, scheme, beta.min(0.9999)).unwrap()))
        })
        .collect();
    vector.check(F64, &json!({ "weights": by_beta }));

    let vector = book.get("M2");
    let most = vector.input("max_margin").as_f64().unwrap();
    vector.check(F64, &json!({ "margins": margins(&counts(vector.input("counts")), most).unwrap() }));
    assert!(margins(&[3, 0], 0.5).is_err());

    let vector = book.get("M3");
    let gamma = vector.input("gamma").as_f64().unwrap();
    let focal: Vec<f32> = floats(vector.input("cross_entropy"))
        .into_iter()
        .map(|loss| {
            let p = (-loss).exp();
            let logits = tensor(&[vec![p.ln(), (1.0 - p).ln()]], &plain());
            host(focal(logits, labels_tensor(&[0], &plain()), gamma, None))[0]
        })
        .collect();
    vector.check(F32, &json!({ "focal": focal }));
}

#[test]
fn margins_by_hand() {
    // Cosines 0.6 and 0.2, margin 0.1 for the true class, scale 10: the logits are 5 and 2.
    let cosines = tensor(&[vec![0.6, 0.2]], &plain());
    let loss = host(margin_cross_entropy(cosines, labels_tensor(&[0], &plain()), &[0.1, 0.5], 10.0))[0];
    let wanted = (1.0 + (-3.0_f64).exp()).ln();
    assert!((f64::from(loss) - wanted).abs() < 1e-6, "{loss} instead of {wanted}");

    let linear = Linear::new(&mut Init::new(3, 0, &plain()), 4, 3);
    let rows = [vec![1.0, 2.0, -1.0, 0.5], vec![0.0; 4], vec![3.0, 6.0, -3.0, 1.5]];
    let cosines = host(linear.cosines(tensor(&rows, &plain())));
    assert!(cosines.iter().all(|c| c.abs() <= 1.0 + 1e-6), "{cosines:?}");
    assert!(cosines[..3].iter().any(|c| c.abs() > 0.05));
    assert_eq!(cosines[3..6], [0.0; 3], "a row of zeros has no direction");
    for (a, b) in cosines[..3].iter().zip(&cosines[6..]) {
        assert!((a - b).abs() < 1e-6, "the length of a row does not matter");
    }
}

/// The derivative of a sum with respect to each input against differences of it.
fn assert_exact(what: &str, rows: &[Vec<f64>], loss: impl Fn(Tensor<2>) -> Tensor<1>) {
    const STEP: f64 = 4e-3;
    let x = tensor(rows, &autodiff()).require_grad();
    let gradient = host(x.grad(&loss(x.clone()).sum().backward()).unwrap());
    let value = |rows: &[Vec<f64>]| {
        let values = host(loss(tensor(rows, &plain())));
        values.iter().map(|v| f64::from(*v)).sum::<f64>()
    };
    let columns = rows[0].len();
    for row in 0..rows.len() {
        for column in 0..columns {
            let moved = |by: f64| {
                let mut rows = rows.to_vec();
                rows[row][column] += by;
                value(&rows)
            };
            let wanted = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            let got = f64::from(gradient[row * columns + column]);
            assert!(
                (got - wanted).abs() < 2e-3 + 1e-2 * wanted.abs(),
                "{what}, {row} {column}: {got} instead of {wanted}"
            );
        }
    }
}

#[test]
fn gradients_are_those_of_the_losses() {
    let rows = [vec![0.3, -0.8, 0.5], vec![1.1, 0.2, -0.4], vec![-0.6, 0.9, 0.1]];
    let labels = [0, 2, 1];
    let by_class = [0.5, 1.5, 2.0];
    let margin = Loss::Margin { margins: vec![0.1, 0.2, 0.3], scale: 4.0 };
    for loss in [
        Loss::CrossEntropy,
        Loss::Focal { focusing: 1.5 },
        Loss::OneAgainstAll { focusing: 0.0 },
        Loss::OneAgainstAll { focusing: 1.5 },
        margin.clone(),
    ] {
        for weights in [
            ClassWeights::Equal,
            ClassWeights::Fixed(by_class.to_vec()),
            ClassWeights::OfBatch { scheme: Scheme::Isns, beta: 0.0 },
        ] {
            let objective = Objective { loss: loss.clone(), weights };
            assert_exact(&format!("{objective:?}"), &rows, |x| objective.losses(x, &labels));
        }
    }
    // Blended labels, and the way from features to cosines.
    assert_exact("blended", &rows, |x| {
        Loss::CrossEntropy.of(x.clone(), &labels) * 0.3 + Loss::CrossEntropy.of(x, &[1, 0, 1]) * 0.7
    });
    assert_exact("cosines", &rows, |x| {
        let device = x.device();
        let linear = Linear::new(&mut Init::new(3, 0, &device), 3, 3);
        margin.of(linear.cosines(x), &labels)
    });
}

#[test]
fn weights_of_a_batch_skip_absent_classes() {
    let logits = tensor(&[vec![0.0; 4], vec![0.0; 4], vec![0.0; 4]], &plain());
    let objective = objective("weights-ins:counts=batch", &[100, 50, 20, 5]);
    let losses = host(objective.losses(logits, &[0, 2, 0]));
    // Two classes in the batch with 2 and 1 images: weights 2/3 and 4/3, whatever the training part has.
    let plain = 4.0_f32.ln();
    for (got, weight) in losses.iter().zip([2.0 / 3.0, 4.0 / 3.0, 2.0 / 3.0]) {
        assert!((got / plain - weight).abs() < 1e-5, "{losses:?}");
    }
}

#[test]
fn effective_numbers_of_a_batch_are_those_worked_by_hand() {
    let logits = tensor(&[vec![0.0; 4], vec![0.0; 4], vec![0.0; 4]], &plain());
    let objective = objective("weights-ens:beta=0.9:counts=batch", &[100, 50, 20, 5]);
    let losses = host(objective.losses(logits, &[0, 2, 0]));
    // Two images have the effective number (1 - 0.9^2) / (1 - 0.9) = 1.9, one image has 1. The weights 1 / 1.9 and 1
    // are as 10 to 19, and have the sum 2 of the classes in the batch: 20 / 29 and 38 / 29.
    let plain = 4.0_f32.ln();
    for (got, weight) in losses.iter().zip([20.0 / 29.0, 38.0 / 29.0, 20.0 / 29.0]) {
        assert!((got / plain - weight).abs() < 1e-5, "{losses:?}");
    }
}

#[test]
fn threshold_scaling() {
    let book = Book::read("weights_and_metrics");
    let vector = book.get("5.3-ts");
    let images = counts(vector.input("counts"));
    let rescaling = |text: &str| treatment(text).rescaling(&images).unwrap();
    let rows = matrix(vector.input("p"));
    let best = |rows: &[Vec<f64>]| -> Vec<usize> {
        rows.iter().map(|row| (0..3).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap()).collect()
    };
    let by = |rescale: &Rescale| -> Vec<Vec<f64>> { rows.iter().map(|row| rescale.of(row)).collect() };
    let (full, half) = (by(&rescaling("threshold")), by(&rescaling("threshold:strength=0.5")));
    vector.check(
        F64,
        &json!({
            "prior": rescaling("threshold").prior,
            "full": full,
            "argmax_before": best(&rows),
            "argmax_after": best(&full),
            "half": half,
            "argmax_half": best(&half),
        }),
    );
    for (got, want) in by(&rescaling("threshold:strength=0")).iter().flatten().zip(rows.iter().flatten()) {
        assert!((got - want).abs() < 1e-12, "no strength changes nothing");
    }

    let vector = book.get("5.3-target");
    let tau: Vec<String> = floats(vector.input("tau")).iter().map(f64::to_string).collect();
    let scaled = by(&rescaling(&format!("threshold:prior={}", tau.join("/"))));
    vector.check(F64, &json!({ "scaled": scaled }));
    // Shares need no sum.
    let scaled = by(&rescaling("threshold:prior=5/3/2"));
    vector.check(F64, &json!({ "scaled": scaled }));

    let vector = book.get("5.3-binary");
    let images = counts(vector.input("counts"));
    let threshold = treatment("threshold").rescaling(&images).unwrap().prior[1];
    vector.check(F64, &json!({ "threshold": threshold }));
    let even = rescale(&[1.0 - threshold, threshold], &[1.0 - threshold, threshold], &[0.5, 0.5], 1.0);
    assert!((even[0] - 0.5).abs() < 1e-12, "{even:?}");
    // Nothing left to scale.
    assert_eq!(rescale(&[1.0, 0.0], &[0.5, 0.5], &[0.0, 1.0], 1.0), [1.0, 0.0]);
}

#[test]
fn the_start_bias_of_logistic_losses() {
    let book = Book::read("weights_and_metrics");
    let vector = book.get("5.2-bias");
    let bias: Vec<f64> = counts(vector.input("classes")).into_iter().map(start_bias).collect();
    vector.check(F64, &json!({ "bias": bias }));
    assert_eq!((start_bias(2), start_bias(1)), (0.0, 0.0));
    for (text, has) in [("cb-sigmoid", true), ("cb-focal", true), ("focal", false), ("none", false)] {
        assert_eq!(treatment(text).recipe(&[5, 4, 3]).unwrap().start_bias.is_some(), has, "{text}");
    }
    let network = ResNetConfig::small(1, 3).build(&mut Init::new(1, 1, &autodiff())).with_head_bias(-0.5);
    let held = parameters::read(&network);
    assert_eq!(held[HEAD_BIAS].values, [-0.5; 3]);
}

#[test]
fn names_and_parameters_are_read_and_written() {
    let table = Treatment::table();
    for (at, info) in table.iter().enumerate() {
        for name in info.aliases.iter().chain([&info.id]) {
            assert_eq!(treatment(name).info().id, info.id);
            assert!(!table[..at].iter().any(|other| other.id == *name || other.aliases.contains(name)));
        }
        assert_eq!(treatment(info.id).to_string(), info.id);
        assert!(!info.summary.is_empty() && !info.source.is_empty() && !info.label.is_empty());
        for param in info.params {
            assert!(!param.help.is_empty() && !param.source.is_empty(), "{}: {}", info.id, param.name);
            // The default itself is no difference.
            let text = param.values.default_text();
            if !matches!(param.values, Values::Shares) {
                assert_eq!(treatment(&format!("{}:{}={text}", info.id, param.name)).to_string(), info.id);
            }
        }
        treatment(info.id).recipe(&[9, 4, 2]).unwrap();
    }
    for text in ["cb-focal:beta=0.5:focusing=2", "threshold:prior=1/2/3", "weights-ens:counts=batch"] {
        assert_eq!(treatment(text).to_string(), text);
    }
    assert_eq!(treatment("cb-focal:focusing=2:beta=0.5").to_string(), "cb-focal:beta=0.5:focusing=2");
    for text in [
        "nothing",
        "none:beta=0.9",
        "drw:beta",
        "drw:beta=1",
        "drw:beta=x",
        "weights-ins:counts=some",
        "threshold:prior=1/0",
        "threshold:strength=2",
        "",
    ] {
        let error = text.parse::<Treatment>().unwrap_err().to_string();
        assert!(error.len() > 20, "{text}: {error}");
    }
    assert!("nothing".parse::<Treatment>().unwrap_err().to_string().contains("class-aware"));
}

#[test]
fn what_is_deferred_changes_at_the_deferral_alone() {
    let counts = [90, 40, 5];
    let recipe = |text: &str| treatment(text).recipe(&counts).unwrap();
    for text in ["drw", "ldam-drw", "mixup-drw"] {
        let [before, after] = recipe(text).objective;
        assert_eq!(before.weights, ClassWeights::Equal, "{text}");
        let by_class = weights(&counts, Scheme::Ens, 0.999).unwrap();
        assert_eq!(after.weights, ClassWeights::Fixed(by_class), "{text}");
        assert_eq!(before.loss, after.loss, "{text}");
    }
    assert_eq!(recipe("drs").draw, [Draw::Natural, Draw::ClassAware]);
    assert_eq!(recipe("class-aware").draw, [Draw::ClassAware; 2]);
    assert_eq!(recipe("mixup").mixup, Some(1.0));
    assert_eq!(recipe("threshold"), recipe("none"), "they train the same network");
    assert!(treatment("weights-ins").recipe(&[4, 0]).is_err(), "a class without images has no weight");
    assert!(treatment("none").recipe(&[4, 0]).is_ok());
}

/// Draws of each position over some epochs' worth of batches.
fn drawn(draw: Draw, set: &TrainingSet, draws: usize) -> Vec<usize> {
    let mut sampler = Sampler::new(draw, set, 4);
    let mut times = vec![0; set.len()];
    for _ in 0..draws / 8 {
        let positions = sampler.take(8);
        assert_eq!(positions.len(), 8, "every batch is full");
        positions.into_iter().for_each(|position| times[position] += 1);
    }
    times
}

#[test]
fn epochs_are_counted_in_the_batches_that_they_have() {
    for images in 1..200 {
        let order: Vec<usize> = (0..images).collect();
        for batch in 1..40 {
            let steps = steps_of_epoch(images, batch);
            assert_eq!(steps, chunks(&order, batch).len(), "{images} images in batches of {batch}");
            for wanted in [1, 7, 100] {
                let epochs = epochs_for(wanted, images, batch as u32) as usize;
                let (least, wanted) = ((epochs - 1) * steps, wanted as usize);
                assert!(least < wanted && wanted <= epochs * steps, "{wanted} steps of {images} in {batch}");
            }
        }
    }
    assert_eq!(epochs_for(2000, 1600, 128), 154, "12 batches and a half are 13 steps");
    assert_eq!(epochs_for(0, 10, 4), 1);
    assert_eq!(epochs_for(5, 0, 4), 5);
}

#[test]
fn each_way_of_drawing_keeps_its_promise() {
    let set = shapes::set(&[40, 8, 0, 4], 8, 1, false);
    let of_class = |times: &[usize], class: usize| -> Vec<usize> {
        set.of_class(class).into_iter().map(|position| times[position]).collect()
    };
    // 52 images: 26 batches of 8 go through all of them four times.
    let natural = drawn(Draw::Natural, &set, 208);
    assert!(natural.iter().all(|&n| n == 4), "{natural:?}");

    // 40 of each of three classes: 120 in an epoch.
    let over = drawn(Draw::Oversampled, &set, 240);
    for class in [0, 1, 3] {
        assert_eq!(of_class(&over, class).iter().sum::<usize>(), 80, "class {class}");
        assert!(of_class(&over, class).iter().all(|&n| n >= 2), "every image is there");
    }
    assert!(of_class(&over, 0).iter().all(|&n| n == 2));

    // Four of each: 12 in an epoch, and always the same ones.
    let under = drawn(Draw::Undersampled, &set, 24 * 4);
    for class in [0, 1, 3] {
        let times = of_class(&under, class);
        assert_eq!(times.iter().filter(|&&n| n > 0).count(), 4, "class {class}");
        assert!(times.iter().all(|&n| n == 0 || n == 8), "{times:?}");
    }

    let aware = drawn(Draw::ClassAware, &set, 2400);
    for class in [0, 1, 3] {
        let sum: usize = of_class(&aware, class).iter().sum();
        assert!((700..900).contains(&sum), "class {class}: {sum} of 2400");
    }
}

#[test]
fn blends_are_what_they_say() {
    let set = shapes::set(&[6, 4], 8, 3, false);
    let positions: Vec<usize> = (0..10).collect();
    let plain = gather(&set, &positions, Augment::default(), None);
    let mut batch = plain.clone();
    let (others, share_of_first) = blend(&mut batch, 1.0, &mut stream(1, Stage::Other, 0, 0));
    assert_eq!(batch.labels, plain.labels);
    assert!(share_of_first > 0.0 && share_of_first < 1.0);
    let row = 3 * 8 * 8;
    for (image, label) in others.iter().enumerate() {
        let made = &batch.images.values[image * row..(image + 1) * row];
        let own = &plain.images.values[image * row..(image + 1) * row];
        let partner = (0..10).find(|&other| {
            let other = &plain.images.values[other * row..(other + 1) * row];
            made.iter().zip(own).zip(other).all(|((made, own), other)| {
                (f64::from(*made)
                    - share_of_first * f64::from(*own)
                    - (1.0 - share_of_first) * f64::from(*other))
                .abs()
                    < 1e-5
            })
        });
        assert_eq!(plain.labels[partner.expect("a partner from the batch")], *label);
    }
    // The law of the shares: mean one half, variance 1 / (4 (2 alpha + 1)).
    for alpha in [0.2, 1.0, 2.0] {
        let mut draws = stream(2, Stage::Other, 0, 0);
        let shares: Vec<f64> = (0..4000).map(|_| share(alpha, &mut draws)).collect();
        let mean = shares.iter().sum::<f64>() / 4000.0;
        let variance = shares.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / 4000.0;
        assert!((mean - 0.5).abs() < 0.03, "alpha {alpha}: {mean}");
        let wanted = 0.25 / (2.0 * alpha + 1.0);
        assert!((variance / wanted - 1.0).abs() < 0.1, "alpha {alpha}: {variance} instead of {wanted}");
    }
}

fn options(steps: usize) -> Options {
    Options { batch: 32, ..Options::new(Preset::Small, steps, 3) }
}

fn train(text: &str, set: &TrainingSet, steps: usize) -> (Fitted, Vec<Step>) {
    let mut taken = Vec::new();
    let fitted =
        fit(&Ctx::default(), &treatment(text), set, &options(steps), &ComputeDevice::cpu(), &mut |step| {
            taken.push(step)
        });
    (fitted.unwrap(), taken)
}

fn asked(fitted: &Fitted, set: &TrainingSet) -> Vec<Vec<f64>> {
    fitted.probabilities(&Ctx::default(), set).unwrap()
}

#[test]
fn every_treatment_trains_and_says_probabilities() {
    let set = shapes::set(&[60, 12, 6], 12, 1, false);
    for info in Treatment::table() {
        let (fitted, steps) = train(info.id, &set, 20);
        assert_eq!(steps.len(), 20, "{}", info.id);
        assert!(steps.iter().all(|step| step.loss.is_finite() && step.loss > 0.0), "{}", info.id);
        assert!(steps[17].learning_rate < steps[10].learning_rate / 5.0, "the rate drops at four fifths");
        for row in asked(&fitted, &set) {
            let sum: f64 = row.iter().sum();
            assert!(row.len() == 3 && (sum - 1.0).abs() < 1e-5, "{}: {row:?}", info.id);
            assert!(row.iter().all(|p| (0.0..=1.0).contains(p)), "{}: {row:?}", info.id);
        }
    }
}

#[test]
fn treatments_learn() {
    let set = shapes::set(&[150, 30], 16, 1, false);
    for text in ["none", "class-aware", "ldam-drw", "cb-focal:beta=0.99", "mixup-drw"] {
        let (fitted, _) = train(text, &set, 90);
        let said = asked(&fitted, &set);
        let right = |class: usize| {
            let members = set.of_class(class);
            let hits = members.iter().filter(|&&position| said[position][class] > 0.5).count();
            hits as f64 / members.len() as f64
        };
        let acsa = (right(0) + right(1)) / 2.0;
        assert!(acsa > 0.75, "{text}: {acsa}");
    }
}

#[test]
fn all_begin_alike_and_end_the_same_again() {
    let set = shapes::set(&[40, 10], 12, 1, false);
    // The first loss is that of the start weights on the same first batch.
    let first = |text: &str| train(text, &set, 1).1[0].loss;
    let plain = first("none");
    for text in ["drs", "drw", "threshold"] {
        assert!((first(text) - plain).abs() < 1e-9, "{text}");
    }
    let twice = [(); 2].map(|()| asked(&train("drs", &set, 12).0, &set));
    assert_eq!(twice[0], twice[1], "the same seed gives the same classifier");
    assert_ne!(twice[0], asked(&train("none", &set, 12).0, &set));
}

#[test]
fn threshold_scaling_needs_no_training_of_its_own() {
    let set = shapes::set(&[40, 10], 12, 1, false);
    let (none, _) = train("none", &set, 15);
    let (trained, _) = train("threshold:strength=0.5", &set, 15);
    let under = |text: &str| none.under(&Ctx::default(), &treatment(text), &set, 3).unwrap();
    let derived = under("threshold:strength=0.5").unwrap();
    assert_eq!(asked(&derived, &set), asked(&trained, &set));
    assert_ne!(asked(&derived, &set), asked(&none, &set));
    assert!(under("class-aware").is_none(), "that is another training");
    assert!(under("threshold:prior=1/2/3").is_none(), "three shares for two classes");
    // Trees in the place of the last layer need none either.
    let (trained, _) = train("easy-ensemble", &set, 15);
    assert_eq!(asked(&under("easy-ensemble").unwrap(), &set), asked(&trained, &set));
    assert_ne!(asked(&trained, &set), asked(&none, &set));
}

#[test]
fn what_cannot_be_trained_is_refused_in_a_sentence() {
    let device = ComputeDevice::cpu();
    let try_to = |ctx: &Ctx, text: &str, set: &TrainingSet| {
        fit(ctx, &treatment(text), set, &options(3), &device, &mut |_| {}).map(|_| ()).unwrap_err()
    };
    let ctx = Ctx::default();
    let alone = shapes::set(&[8, 0], 8, 1, false);
    assert!(matches!(try_to(&ctx, "none", &alone), FitError::Data(_)));
    let empty = shapes::set(&[8, 4, 0], 8, 1, false);
    for text in ["weights-ins", "ldam", "threshold"] {
        let error = try_to(&ctx, text, &empty);
        assert!(error.to_string().contains("class2"), "{text}: {error}");
    }
    let set = shapes::set(&[8, 4], 8, 1, false);
    let error = try_to(&ctx, "threshold:prior=1/1/1", &set).to_string();
    assert!(error.contains("3 shares") && error.contains("class0, class1"), "{error}");
    let cancelled = Ctx::default();
    cancelled.cancel();
    assert_eq!(try_to(&cancelled, "none", &set), FitError::Cancelled);
}

#[test]
fn cosines_of_a_network_do_not_see_its_bias() {
    let config = ResNetConfig::small(1, 2);
    let network = config.build(&mut Init::new(5, 1, &plain()));
    let set = shapes::set(&[3, 3], 12, 1, false);
    let images = gather(&set, &[0, 1, 2, 3, 4, 5], Augment::default(), None).images;
    let of = |network: &counterpoise::nn::resnet::ResNet| {
        host(network.cosines(images.to_tensor(&plain()), &mut Pass::inference()))
    };
    let cosines = of(&network);
    assert!(cosines.iter().all(|c| c.abs() <= 1.0 + 1e-6) && cosines.len() == 12);
    assert_eq!(of(&network.with_head_bias(3.0)), cosines);
}

#[test]
fn what_changes_different_parts_goes_together() {
    let counts = [90, 40, 5];
    let recipe = |text: &str| treatment(text).recipe(&counts).unwrap();
    // The order does not matter, and the name reads back.
    assert_eq!(treatment("mixup + drs").to_string(), "drs+mixup");
    assert_eq!(treatment("drs+mixup"), treatment("mixup+drs"));
    assert_eq!(treatment("focal:focusing=2+drw:beta=0.9").to_string(), "focal:focusing=2+drw:beta=0.9");
    assert!(treatment("drs+mixup").label().contains(" and "));
    let both = recipe("mixup+drs");
    assert_eq!((both.draw, both.mixup), (recipe("drs").draw, recipe("mixup").mixup));
    let both = recipe("ldam+drw");
    assert_eq!(both, recipe("ldam-drw"), "a row of its own");
    let both = recipe("cb-sigmoid+class-aware+mixup");
    assert_eq!(both.objective, recipe("cb-sigmoid").objective);
    assert_eq!(both.start_bias, recipe("cb-sigmoid").start_bias);
    assert_eq!(both.draw, [Draw::ClassAware; 2]);
    assert!(treatment("easy-ensemble").trains_plainly() && !treatment("mixup+threshold").trains_plainly());
    for info in Treatment::table() {
        assert_eq!(info.parts.is_empty(), info.id == "none", "{}", info.id);
        assert!(!info.parts.contains(&Part::Data), "{} makes no images", info.id);
        if info.parts.iter().all(|part| matches!(part, Part::Blend)) {
            assert_eq!(info.corrects, Correction::None, "{}", info.id);
        }
    }
    // Every pair either shares a part and is refused, or reads back.
    for first in Treatment::table() {
        for second in Treatment::table() {
            let text = format!("{}+{}", first.id, second.id);
            let shared = first.parts.iter().find(|part| second.parts.contains(part));
            match (text.parse::<Treatment>(), shared) {
                (Ok(both), None) => assert_eq!(both.to_string().parse::<Treatment>().unwrap(), both),
                (Err(ParseError::Combination(CombinationError::Clash { part, .. })), Some(shared)) => {
                    assert_eq!(part, *shared, "{text}");
                }
                (Err(ParseError::Combination(CombinationError::Plain(id))), None) => {
                    assert_eq!(id, "none", "{text}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }
    let error = "weights-ins:counts=batch+threshold".parse::<Treatment>().unwrap_err();
    assert!(matches!(error, ParseError::Combination(CombinationError::UnknownShares { .. })), "{error}");
    let error = "drs+class-aware".parse::<Treatment>().unwrap_err().to_string();
    assert!(error.contains("how images are drawn"), "{error}");
}

#[test]
fn a_correction_made_twice_is_told() {
    let counts = [80, 20, 10];
    let overlap = |text: &str| treatment(text).overlap(&counts);
    // Draws make them even, and weights count the rarest eight times on top.
    let Some(Overlap::Twice { factor, .. }) = overlap("class-aware+weights-balanced") else {
        panic!("not told of")
    };
    assert!((factor - 8.0).abs() < 1e-9, "{factor}");
    assert!(matches!(overlap("drs+drw"), Some(Overlap::Twice { .. })));
    let Some(idle @ Overlap::Idle { .. }) = overlap("undersample+threshold") else { panic!("not told of") };
    assert!(idle.to_string().contains("nothing left to correct"), "{idle}");
    assert!(matches!(overlap("us-cs+threshold"), Some(Overlap::Idle { .. })));
    for text in ["none", "drs", "mixup+drs", "weights-isns+threshold", "class-aware+weights-isns", "ldam+drs"]
    {
        assert_eq!(overlap(text), None, "{text}");
    }
    assert_eq!(treatment("class-aware+weights-balanced").overlap(&[9, 9]), None, "nothing to correct");
}

#[test]
fn threshold_scaling_divides_by_what_was_learnt() {
    let counts = [64, 16, 4];
    let prior = |text: &str| treatment(text).rescaling(&counts).unwrap().prior;
    let near = |got: Vec<f64>, want: [f64; 3]| {
        let sum: f64 = want.iter().sum();
        got.iter().zip(want).all(|(got, want)| (got - want / sum).abs() < 1e-9)
    };
    assert!(near(prior("threshold"), [64.0, 16.0, 4.0]));
    assert!(near(prior("mixup+threshold"), [64.0, 16.0, 4.0]));
    assert!(near(prior("weights-isns+threshold"), [8.0, 4.0, 2.0]), "the roots correct half of it");
    assert!(near(prior("weights-balanced+threshold"), [1.0; 3]));
    assert!(near(prior("oversample+threshold"), [1.0; 3]));
    assert!(near(prior("drs+weights-balanced+threshold"), [1.0 / 64.0, 1.0 / 16.0, 0.25]), "inverted");
    assert!(treatment("class-aware").rescaling(&counts).is_none());
}

#[test]
fn resampling_part_of_the_way() {
    let counts = [400, 100, 0, 4];
    assert_eq!(raised(&counts, 0.5), [400, 200, 0, 40]);
    assert_eq!(lowered(&counts, 0.5), [40, 20, 0, 4]);
    assert_eq!(raised(&counts, 0.0), [400, 400, 0, 400]);
    assert_eq!(lowered(&counts, 0.0), [4, 4, 0, 4]);
    assert_eq!((raised(&counts, 1.0), lowered(&counts, 1.0)), (counts.to_vec(), counts.to_vec()));
    assert_eq!((raised(&[], 0.5), lowered(&[0], 0.5)), (vec![], vec![0]));

    // What resampling leaves, weights do: together the classes count the same, whatever the mix.
    let counts = [400, 100, 4];
    for text in ["us-cs", "os-cs", "us-cs:power=0.3", "os-cs:power=1", "us-cs:power=0"] {
        let recipe = treatment(text).recipe(&counts).unwrap();
        let shares = recipe.shares(&counts).unwrap();
        assert!(shares.iter().all(|share| (share - 1.0 / 3.0).abs() < 1e-9), "{text}: {shares:?}");
    }
    let recipe = treatment("os-cs").recipe(&counts).unwrap();
    assert_eq!(recipe.draw, [Draw::Raised { power: 0.5 }; 2]);
    let left = weights(&[400, 200, 40], Scheme::Balanced, 0.0).unwrap();
    assert_eq!(recipe.objective[0].weights, ClassWeights::Fixed(left));
    assert!(treatment("us-cs").recipe(&[4, 0]).is_err(), "a class without images has no weight");

    // 40, 20 and 4 images of 400, 100 and 4: those of the smaller draw are among those of the larger one.
    let set = shapes::set(&[40, 10, 4], 8, 1, false);
    let of_class = |draw: Draw, class: usize, draws: usize| -> Vec<usize> {
        let times = drawn(draw, &set, draws);
        set.of_class(class).into_iter().map(|position| times[position]).collect()
    };
    let used = |times: &[usize]| times.iter().filter(|&&n| n > 0).count();
    // The root of 4 times 40 is 12.6, of 4 times 10 is 6.3.
    let half = of_class(Draw::Lowered { power: 0.5 }, 0, 23 * 8);
    assert_eq!(used(&half), 13);
    assert_eq!(used(&of_class(Draw::Lowered { power: 0.5 }, 1, 23 * 8)), 6);
    let all = of_class(Draw::Undersampled, 0, 12 * 8);
    assert!(all.iter().zip(&half).all(|(all, half)| *all == 0 || *half > 0), "a smaller share of the same");
    // 40, 20 and 13 draws in an epoch of 73.
    let rare = of_class(Draw::Raised { power: 0.5 }, 2, 73 * 8);
    assert_eq!(rare.iter().sum::<usize>(), 13 * 8);
    assert!(rare.iter().all(|&n| n >= 8), "every image is there");
}

/// The example of AdaBoost in textbooks: ten points on a line, three stumps.
#[test]
fn adaptive_boosting_is_the_textbooks() {
    let values: Vec<f32> = (0..10).map(|x| x as f32).collect();
    let labels = [1, 1, 1, 0, 0, 0, 1, 1, 1, 0];
    let rows = Rows { values: &values, width: 1, labels: &labels, classes: 2 };
    let boosted = Boosted::fit(&rows, 3, 1);
    // Half the logarithm there, the whole of it here.
    for (got, want) in boosted.words().into_iter().zip([0.4236, 0.6496, 0.7520]) {
        assert!((got / 2.0 - want).abs() < 2e-4, "{got}");
    }
    assert_eq!(boosted.words().len(), 3);
    for (x, label) in labels.iter().enumerate() {
        let scores = boosted.scores(&[x as f32]);
        assert!(scores[*label] > scores[1 - label], "{x}: {scores:?}");
    }
    // No errors are left after the third, and a point between two belongs to its side.
    assert!(boosted.scores(&[2.4])[1] > boosted.scores(&[2.4])[0]);
    // One class alone teaches nothing; a tree without an error ends it.
    let alone = Rows { labels: &[1; 10], ..rows };
    assert!(Boosted::fit(&alone, 3, 1).words().is_empty());
    let clear = Rows { labels: &[0, 0, 0, 0, 0, 1, 1, 1, 1, 1], ..rows };
    assert_eq!(Boosted::fit(&clear, 5, 1).words().len(), 1);
}

#[test]
fn trees_split_where_the_classes_part() {
    // Class 2 lies high in the second feature, the others part at 1.5 in the first.
    let values = [0.0, 1.0, 1.0, 2.0, 2.0, 1.0, 3.0, 2.0, 0.0, 6.0, 3.0, 7.0];
    let labels = [0, 0, 1, 1, 2, 2];
    let rows = Rows { values: &values, width: 2, labels: &labels, classes: 3 };
    let weights = [1.0 / 6.0; 6];
    let tree = Tree::fit(&rows, &rows.orders(), &weights, 2);
    for (index, label) in labels.iter().enumerate() {
        assert_eq!(tree.says(rows.row(index)), *label, "row {index}");
    }
    assert_eq!((tree.says(&[1.4, 3.0]), tree.says(&[1.6, 3.0]), tree.says(&[9.0, 9.0])), (0, 1, 2));
    // Nothing to gain: the class with the most weight.
    let same = Rows { values: &[1.0; 12], ..rows };
    let tree = Tree::fit(&same, &same.orders(), &[0.1, 0.1, 0.3, 0.3, 0.1, 0.1], 3);
    assert_eq!(tree.says(&[0.0, 0.0]), 1);
    assert_eq!(
        Tree::fit(&rows, &rows.orders(), &weights, 0).says(&[9.0, 9.0]),
        0,
        "no split, the first of equals"
    );
}

#[test]
fn ensembles_of_balanced_subsets() {
    assert_eq!(cascade_pools(1000, 10, 4), [1000, 215, 46, 10]);
    assert_eq!(cascade_pools(10, 10, 4), [10; 4]);
    assert_eq!(cascade_pools(50, 1, 1), [50]);

    // Two clouds, 400 rows to 20; others of the same law are asked.
    let clouds = |counts: [usize; 2], key: u64| {
        let mut draws = stream(9, Stage::Other, 0, key);
        let labels: Vec<usize> = [vec![0; counts[0]], vec![1; counts[1]]].concat();
        let at = |class: usize, draws: &mut counterpoise::domain::random::Stream| {
            (1.5 * class as f64 + 0.4 * draws.normal()) as f32
        };
        let values: Vec<f32> =
            labels.iter().flat_map(|&class| [at(class, &mut draws), at(class, &mut draws)]).collect();
        (values, labels)
    };
    let (values, labels) = clouds([400, 20], 1);
    let rows = Rows { values: &values, width: 2, labels: &labels, classes: 2 };
    let (others, truth) = clouds([200, 200], 2);
    let ctx = Ctx::default();
    for cascade in [false, true] {
        let settings = EnsembleSettings { cascade, subsets: 4, rounds: 10, depth: 3 };
        let ensemble = Ensemble::fit(&ctx, &rows, &settings, 5).unwrap();
        assert_eq!(ensemble, Ensemble::fit(&ctx, &rows, &settings, 5).unwrap(), "the same seed");
        assert_ne!(
            ensemble,
            Ensemble::fit(&ctx, &rows, &settings, 6).unwrap(),
            "another seed, other subsets"
        );
        let mut right = [0.0; 2];
        for (row, &class) in others.chunks(2).zip(&truth) {
            let said = ensemble.probabilities(row);
            assert!((said.iter().sum::<f64>() - 1.0).abs() < 1e-9 && said.iter().all(|p| *p >= 0.0));
            right[class] += f64::from(u8::from(said[class] > 0.5)) / 200.0;
        }
        assert!(right.iter().all(|recall| *recall > 0.8), "cascade {cascade}: {right:?}");
        let cancelled = Ctx::default();
        cancelled.cancel();
        assert!(Ensemble::fit(&cancelled, &rows, &settings, 5).is_err());
    }
    // Three classes, one of them with a single row.
    let labels = [0, 0, 0, 0, 0, 0, 1, 1, 1, 2];
    let values: Vec<f32> = labels.iter().enumerate().map(|(at, &c)| c as f32 + at as f32 / 100.0).collect();
    let rows = Rows { values: &values, width: 1, labels: &labels, classes: 3 };
    for cascade in [false, true] {
        let settings = EnsembleSettings { cascade, subsets: 3, rounds: 4, depth: 2 };
        let ensemble = Ensemble::fit(&ctx, &rows, &settings, 1).unwrap();
        let said = ensemble.probabilities(&[2.1]);
        assert!(said[2] > said[1] && said[2] > said[0], "{said:?}");
    }
}
