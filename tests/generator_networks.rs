//! Networks and losses of the generative methods: reference vectors, exact gradient penalties, shapes, that each
//! learns, and what their files keep.
#![allow(clippy::unwrap_used)]

#[path = "common/vectors.rs"]
mod vectors;

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use counterpoise::classify::trainer::labels_tensor;
use counterpoise::domain::imbalance::{Scheme, weights};
use counterpoise::domain::random::{Stage, Stream, stream};
use counterpoise::nn::ComputeDevice;
use counterpoise::nn::acgan::AcganConfig;
use counterpoise::nn::autoencoder::{AutoencoderConfig, Start, deepsmote_latent};
use counterpoise::nn::bagan::BaganConfig;
use counterpoise::nn::cgan::CganConfig;
use counterpoise::nn::critic::{
    LatentCriticConfig, PairCritic, PairCriticConfig, fused_direction, fused_score, gradient_penalty,
    single_direction,
};
use counterpoise::nn::embedding::LabelEmbedding;
use counterpoise::nn::init::Init;
use counterpoise::nn::layers::{
    Activation, Conv2d, ConvTranspose2d, Convolution as _, FeatureMap, Padding, Pass,
};
use counterpoise::nn::loss::{
    absolute_error, bce_with_logits, binary_focal, cross_entropy, focal, squared_error,
};
use counterpoise::nn::optim::Adam;
use counterpoise::nn::parameters::{self, TensorMap};
use counterpoise::nn::weights::{Weights, WeightsError};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use vectors::{Book, Precision::F32, Precision::F64, Vector, counts, floats};

fn autodiff() -> Device {
    ComputeDevice::cpu().autodiff()
}

fn plain() -> Device {
    ComputeDevice::cpu().plain()
}

fn draws(key: u64) -> Stream {
    stream(11, Stage::Other, key, 0)
}

/// Standard normal values.
fn drawn<const D: usize>(key: u64, shape: [usize; D], device: &Device) -> Tensor<D> {
    let mut draws = draws(key);
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|_| draws.normal() as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as::<f32>().unwrap()
}

fn mean(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

fn row(values: &[f64], device: &Device) -> Tensor<1> {
    let values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}

fn rows(values: &[Vec<f64>], device: &Device) -> Tensor<2> {
    let flat: Vec<f32> = values.iter().flatten().map(|value| *value as f32).collect();
    Tensor::from_data(TensorData::new(flat, [values.len(), values[0].len()]), device)
}

fn matrix(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(floats).collect()
}

/// A matrix of the vectors, `[outputs][inputs]`, as a weight of a linear layer, `[inputs, outputs]`.
fn weight(matrix: &[Vec<f64>]) -> Vec<f64> {
    (0..matrix[0].len()).flat_map(|input| matrix.iter().map(move |output| output[input])).collect()
}

/// The network with these parameters and its own others.
fn with<M: Module>(network: M, values: &[(&str, Vec<f64>)]) -> M {
    let mut tensors = parameters::read(&network);
    for (name, values) in values {
        tensors.get_mut(*name).unwrap().values = values.iter().map(|value| *value as f32).collect();
    }
    parameters::write(network, &tensors).unwrap()
}

/// Gradients by parameter; none where nothing of the loss depends on it.
fn gradients_of<M: Module>(network: &M, grads: &Gradients) -> BTreeMap<String, Option<Vec<f32>>> {
    struct Collector<'a> {
        grads: &'a Gradients,
        path: Vec<String>,
        found: BTreeMap<String, Option<Vec<f32>>>,
    }
    impl ModuleVisitor for Collector<'_> {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let tensor = param.val();
            if tensor.is_require_grad() {
                self.found.insert(self.path.join("."), tensor.grad(self.grads).map(host));
            }
        }
    }
    let mut collector = Collector { grads, path: Vec::new(), found: BTreeMap::new() };
    network.visit(&mut collector);
    collector.found
}

fn close(what: &str, ours: &[f32], theirs: &[f32], tolerance: f32) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let scale = theirs.iter().fold(1e-6_f32, |most, value| most.max(value.abs()));
    for (at, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() <= tolerance * scale, "{what} at {at}: {a} and {b}");
    }
}

// Losses

#[test]
fn tv1_binary_focal() {
    let book = Book::read("baegan");
    let vector = book.get("TV1");
    let device = plain();
    let (alpha, gamma) = (vector.input("alpha").as_f64().unwrap(), vector.input("gamma").as_f64().unwrap());
    let logits = row(&floats(vector.input("logit")), &device);
    let targets: Vec<f64> = counts(vector.input("y")).into_iter().map(|y| y as f64).collect();
    let targets = row(&targets, &device);
    let focal = host(binary_focal(logits.clone(), targets.clone(), gamma, alpha));
    vector.check(F32, &json!({ "focal": focal, "cross_entropy": host(bce_with_logits(logits, targets)) }));
}

fn logits_and_labels(vector: Vector<'_>, device: &Device) -> (Tensor<2>, Tensor<1, Int>) {
    let labels = labels_tensor(&counts(vector.input("labels")), device);
    (rows(&matrix(vector.input("logits")), device), labels)
}

#[test]
fn tv2_softmax_focal() {
    let book = Book::read("baegan");
    let vector = book.get("TV2");
    let (logits, labels) = logits_and_labels(vector, &plain());
    let entropy = host(cross_entropy(logits.clone(), labels.clone()));
    let p_t: Vec<f64> = entropy.iter().map(|loss| (-f64::from(*loss)).exp()).collect();
    let (mut by_gamma, mut means) = (Map::new(), Map::new());
    for gamma in floats(vector.input("gammas")) {
        let losses = host(focal(logits.clone(), labels.clone(), gamma, None));
        means.insert(format!("{gamma:?}"), json!(mean(&losses)));
        by_gamma.insert(format!("{gamma:?}"), json!(losses));
    }
    close("gamma 0", &host(focal(logits, labels, 0.0, None)), &entropy, 1e-6);
    vector.check(
        F32,
        &json!({
            "p_t": p_t,
            "mean_cross_entropy": mean(&entropy),
            "cross_entropy": entropy,
            "focal": by_gamma,
            "mean_focal": means,
        }),
    );
}

#[test]
fn tv2_weights_of_classes() {
    let book = Book::read("baegan");
    let vector = book.get("TV2-alpha");
    let (logits, labels) = logits_and_labels(vector, &plain());
    let alpha = floats(vector.input("alpha"));
    let losses = host(focal(logits, labels, vector.input("gamma").as_f64().unwrap(), Some(&alpha)));
    let total: f64 = counts(vector.input("labels")).into_iter().map(|label| alpha[label]).sum();
    let sum = mean(&losses) * losses.len() as f64;
    vector.check(F32, &json!({ "mean": mean(&losses), "sum_over_sum_alpha": sum / total, "focal": losses }));
}

#[test]
fn tv2_gradient() {
    let book = Book::read("baegan");
    let vector = book.get("TV2-grad");
    let (logits, labels) = logits_and_labels(vector, &autodiff());
    let logits = logits.require_grad();
    let gamma = vector.input("gamma").as_f64().unwrap();
    let grads = focal(logits.clone(), labels, gamma, None).sum().backward();
    let gradient = host(logits.grad(&grads).unwrap());
    let gradient: Vec<&[f32]> = gradient.chunks(logits.dims()[1]).collect();
    vector.check(F32, &json!({ "gradient": gradient }));
}

#[test]
fn tv2b_the_fused_head() {
    let book = Book::read("baegan");
    let vector = book.get("TV2b");
    let device = plain();
    let gamma = vector.input("gamma").as_f64().unwrap();
    let index = |name: &str| vector.input(name).as_u64().unwrap() as usize;
    let loss = |logits: &str, target: usize| {
        let logits = rows(&[floats(vector.input(logits))], &device);
        host(focal(logits, labels_tensor(&[target], &device), gamma, None))[0]
    };
    let prior = index("prior_index");
    vector.check(
        F32,
        &json!({
            "d_fake": loss("fake_logits", index("fake_class")),
            "d_real": loss("real_logits", prior),
            "g": loss("fake_logits", prior),
        }),
    );
}

#[test]
fn tv3_class_balanced_weights() {
    let book = Book::read("baegan");
    for id in ["TV3-MNIST", "TV3-CIFAR"] {
        let vector = book.get(id);
        let images = counts(vector.input("counts"));
        let by_beta: Map<String, Value> = floats(vector.input("betas"))
            .into_iter()
            .map(|beta| (format!("{beta:?}"), json!(weights(&images, Scheme::Ens, beta).unwrap())))
            .collect();
        vector.check(F64, &json!({ "weights": by_beta }));
    }
}

#[test]
fn tv5_binary_cross_entropy() {
    let book = Book::read("baegan");
    let vector = book.get("TV5");
    let device = plain();
    let loss = |scores: &str, target: f64| {
        let scores = row(&floats(vector.input(scores)), &device);
        let targets = scores.ones_like() * target;
        mean(&host(bce_with_logits(scores, targets)))
    };
    let (real, fake) = (loss("real_scores", 1.0), loss("fake_scores", 0.0));
    vector.check_part(F32, "bce_d_real", &json!(real));
    vector.check_part(F32, "bce_d_fake", &json!(fake));
    vector.check_part(F32, "bce_d", &json!(real + fake));
    vector.check_part(F32, "bce_g_non_saturating", &json!(loss("fake_scores", 1.0)));
}

#[test]
fn losses_are_numbers_at_certainty() {
    let device = autodiff();
    // Certain and right, certain and wrong, and a class that has no other.
    let sure = rows(&[vec![200.0, -200.0], vec![-200.0, 200.0]], &device);
    let alone = rows(&[vec![3.0], vec![-3.0]], &device);
    for gamma in [0.0, 0.5, 2.0] {
        for (logits, wanted) in [(&sure, [0.0, 400.0]), (&alone, [0.0, 0.0])] {
            let logits = logits.clone().require_grad();
            let losses = focal(logits.clone(), labels_tensor(&[0, 0], &device), gamma, None);
            close("focal", &host(losses.clone()), &wanted, 1e-5);
            let gradient = host(logits.grad(&losses.sum().backward()).unwrap());
            assert!(gradient.iter().all(|g| g.is_finite()), "gamma {gamma}: {gradient:?}");
        }
        let logits = row(&[200.0, -200.0], &device).require_grad();
        let losses = binary_focal(logits.clone(), row(&[1.0, 1.0], &device), gamma, 0.25);
        close("binary focal", &host(losses.clone()), &[0.0, 50.0], 1e-5);
        let gradient = host(logits.grad(&losses.sum().backward()).unwrap());
        assert!(gradient.iter().all(|g| g.is_finite()), "gamma {gamma}: {gradient:?}");
    }
    let far = host(bce_with_logits(row(&[90.0, -90.0], &device), row(&[0.0, 1.0], &device)));
    close("cross entropy", &far, &[90.0, 90.0], 1e-5);
}

#[test]
fn errors_of_images_are_means_over_pixels() {
    let device = plain();
    let pixels = vec![1.0_f32, 0.0, 0.5, -1.0, 0.0, 0.0, 0.0, 0.0];
    let x: Tensor<4> = Tensor::from_data(TensorData::new(pixels, [2, 1, 2, 2]), &device);
    let y = x.zeros_like();
    assert_eq!(host(squared_error(x.clone(), y.clone())), [0.5625, 0.0]);
    assert_eq!(host(absolute_error(x, y)), [0.625, 0.0]);
}

// Gradient penalties

#[test]
fn tv4_linear() {
    let book = Book::read("baegan");
    let vector = book.get("TV4-linear");
    let device = plain();
    let (mut norms, mut penalties) = (Vec::new(), Vec::new());
    for w in matrix(vector.input("w")) {
        let config = LatentCriticConfig { latent: w.len(), hidden: Vec::new(), outputs: 1 };
        let critic = with(config.build(&mut Init::new(0, 0, &device)), &[("head.weight", w.clone())]);
        let codes = drawn(0, [1, w.len()], &device);
        let gradient = critic.forward_with_gradient(codes, single_direction).1;
        norms.push(norm(&host(gradient.clone())));
        penalties.push(f64::from(host(gradient_penalty(gradient))[0]));
    }
    let lambda = vector.input("lambda").as_f64().unwrap();
    let weighted: Vec<f64> = penalties.iter().map(|penalty| penalty * lambda).collect();
    vector.check(F32, &json!({ "norm": norms, "penalty": penalties, "times_lambda": weighted }));
}

#[test]
fn tv4_mlp_and_the_derivatives_of_its_penalty() {
    let book = Book::read("baegan");
    let vector = book.get("TV4-mlp");
    let device = autodiff();
    let (first, second) = (matrix(vector.input("W1")), floats(vector.input("w2")));
    let config = LatentCriticConfig { latent: 2, hidden: vec![3], outputs: 1 };
    let critic = with(
        config.build(&mut Init::new(0, 0, &device)),
        &[
            ("hidden.0.weight", weight(&first)),
            ("hidden.0.bias", floats(vector.input("b1"))),
            ("head.weight", second),
            ("head.bias", vec![vector.input("b2").as_f64().unwrap()]),
        ],
    );
    let (real, fake) = (matrix(vector.input("z_real")), matrix(vector.input("z_fake")));
    let between: Vec<Vec<f64>> = floats(vector.input("u"))
        .into_iter()
        .zip(real.iter().zip(&fake))
        .map(|(u, (real, fake))| real.iter().zip(fake).map(|(r, f)| u * r + (1.0 - u) * f).collect())
        .collect();
    vector.check_part(F32, "z_hat", &json!(between));
    let (scores, gradient) = critic.forward_with_gradient(rows(&between, &device), single_direction);
    close("scores", &host(scores.clone()), &host(critic.forward(rows(&between, &device))), 1e-6);
    vector.check_part(F32, "score", &json!(host(scores)));
    let held = host(gradient.clone());
    let by_row: Vec<&[f32]> = held.chunks(2).collect();
    vector.check_part(F32, "input_gradient", &json!(by_row));
    let norms: Vec<f64> = by_row.iter().map(|row| norm(row)).collect();
    vector.check_part(F32, "norm", &json!(norms));
    let penalties = gradient_penalty(gradient);
    let penalty = mean(&host(penalties.clone()));
    vector.check_part(F32, "penalty", &json!(penalty));
    let lambda = vector.input("lambda").as_f64().unwrap();
    vector.check_part(F32, "times_lambda", &json!(penalty * lambda));
    let grads = gradients_of(&critic, &penalties.mean().backward());
    vector.check_part(F32, "d_penalty_d_w2", &json!(grads["head.weight"].clone().unwrap()));
    let of_first = grads["hidden.0.weight"].clone().unwrap();
    let of_first: Vec<[f32; 2]> = (0..3).map(|unit| [of_first[unit], of_first[3 + unit]]).collect();
    vector.check_part(F32, "d_penalty_d_W1", &json!(of_first));
}

#[test]
fn tv4_the_score_of_the_fused_head() {
    let book = Book::read("baegan");
    let vector = book.get("TV4-head");
    let device = plain();
    let config = LatentCriticConfig { latent: 2, hidden: Vec::new(), outputs: 4 };
    let critic = with(
        config.build(&mut Init::new(0, 0, &device)),
        &[("head.weight", weight(&matrix(vector.input("A"))))],
    );
    let codes = rows(&[floats(vector.input("z"))], &device);
    let (logits, gradient) = critic.forward_with_gradient(codes, fused_direction);
    let score = f64::from(host(fused_score(logits.clone()))[0]);
    let held = host(gradient.clone());
    vector.check(
        F32,
        &json!({
            "logits": host(logits.clone()),
            "s": score,
            "norm": norm(&held),
            "gradient": held,
            "penalty": host(gradient_penalty(gradient))[0],
            "sigmoid_s": 1.0 / (1.0 + (-score).exp()),
            "softmax_n": host(softmax(logits, 1))[3],
        }),
    );
}

#[test]
fn a_penalty_at_zero_gradient_is_a_number() {
    let device = autodiff();
    let gradient: Tensor<2> = Tensor::zeros([2, 3], &device);
    let gradient = gradient.require_grad();
    let penalties = gradient_penalty(gradient.clone());
    close("penalty", &host(penalties.clone()), &[1.0, 1.0], 1e-5);
    let back = host(gradient.grad(&penalties.sum().backward()).unwrap());
    assert!(back.iter().all(|g| g.is_finite()), "{back:?}");
}

/// Half the way between the ends of a measured slope: a unit that crosses its kink in between spoils it,
/// which is rare.
const STEP: f32 = 5e-4;

/// The norms of the gradients of scores with respect to the rows of an input, from differences of scores.
fn measured_norms(input: &[f32], batch: usize, score: impl Fn(Vec<f32>) -> Vec<f32>) -> Vec<f64> {
    let width = input.len() / batch;
    let mut squares = vec![0.0_f64; batch];
    for column in 0..width {
        let moved = |step: f32| {
            let at = |(index, value): (usize, &f32)| value + if index % width == column { step } else { 0.0 };
            score(input.iter().enumerate().map(at).collect())
        };
        for (square, (up, down)) in squares.iter_mut().zip(moved(STEP).iter().zip(moved(-STEP))) {
            *square += (f64::from(up - down) / (2.0 * f64::from(STEP))).powi(2);
        }
    }
    squares.into_iter().map(f64::sqrt).collect()
}

fn assert_norms(gradient: &[f32], measured: &[f64]) {
    let ours = gradient.chunks(gradient.len() / measured.len()).map(norm);
    let alike = ours.zip(measured).filter(|(ours, measured)| (ours - *measured).abs() < 0.01 * *measured);
    let alike = alike.count();
    assert!(alike + 1 >= measured.len(), "{alike} of {} norms are as measured", measured.len());
}

/// The largest derivatives of a mean penalty with respect to each parameter, against differences of
/// penalties.
fn assert_derivatives<M: Module>(network: &M, penalties: impl Fn(&M) -> Tensor<1>) {
    let grads = gradients_of(network, &penalties(network).mean().backward());
    let values = parameters::read(network);
    let (mut tried, mut alike, mut reached) = (0, 0, 0);
    for (name, gradient) in &grads {
        let Some(gradient) = gradient.as_ref().filter(|g| g.iter().any(|value| *value != 0.0)) else {
            continue;
        };
        reached += usize::from(!name.ends_with("bias"));
        let mut order: Vec<usize> = (0..gradient.len()).collect();
        order.sort_by(|a, b| gradient[*b].abs().total_cmp(&gradient[*a].abs()));
        for &index in order.iter().take(3) {
            let at = |step: f32| {
                let mut values = values.clone();
                values.get_mut(name).unwrap().values[index] += step;
                mean(&host(penalties(&parameters::write(network.clone(), &values).unwrap())))
            };
            let measured = (at(STEP) - at(-STEP)) / (2.0 * f64::from(STEP));
            let expected = f64::from(gradient[index]);
            tried += 1;
            alike += usize::from((measured - expected).abs() <= 0.02 * expected.abs() + 5e-4);
        }
    }
    let weights = grads.keys().filter(|name| !name.ends_with("bias")).count();
    assert_eq!(reached, weights, "the penalty reaches every weight");
    assert!(4 * alike >= 3 * tried, "{alike} of {tried} derivatives are as measured");
}

#[test]
fn a_critic_of_codes_has_the_exact_gradient() {
    let device = autodiff();
    let config = LatentCriticConfig { latent: 5, hidden: vec![16, 12], outputs: 4 };
    let critic = config.build(&mut Init::new(3, 0, &device));
    let codes = drawn(1, [8, 5], &device).require_grad();
    let grads = fused_score(critic.forward(codes.clone())).sum().backward();
    let theirs = host(codes.grad(&grads).unwrap());
    let ours = host(critic.forward_with_gradient(codes.clone(), fused_direction).1);
    close("gradient", &ours, &theirs, 1e-4);
    let measured = measured_norms(&host(codes.clone()), 8, |values| {
        let codes = Tensor::from_data(TensorData::new(values, [8, 5]), &device);
        host(fused_score(critic.forward(codes)))
    });
    assert_norms(&ours, &measured);
    // A score that stands before other outputs.
    let first = critic.forward(codes.clone()).narrow(1, 0, 1).sum().backward();
    let theirs = host(codes.grad(&first).unwrap());
    close("first", &host(critic.forward_with_gradient(codes.clone(), single_direction).1), &theirs, 1e-4);
    let codes = codes.detach();
    assert_derivatives(&critic, |critic| {
        gradient_penalty(critic.forward_with_gradient(codes.clone(), fused_direction).1)
    });
}

/// Few channels, with weights large enough for scores of about 1.
fn tiny_pair_critic(size: usize, device: &Device) -> PairCritic {
    let config =
        PairCriticConfig { widths: vec![3, 4], embedding: 5, hidden: 6, ..PairCriticConfig::new(1, size, 3) };
    assert!(config.is_sane());
    let critic = config.build(&mut Init::new(3, 0, device));
    let mut values = parameters::read(&critic);
    for (name, tensor) in &mut values {
        if name.starts_with("convs") {
            tensor.values.iter_mut().for_each(|value| *value *= 15.0);
        }
    }
    parameters::write(critic, &values).unwrap()
}

#[test]
fn a_critic_of_images_has_the_exact_gradient() {
    let device = autodiff();
    // An odd side leaves a row that no kernel reaches, or one that only some do.
    for size in [8, 9, 10, 11] {
        let critic = tiny_pair_critic(size, &device);
        let labels = labels_tensor(&[0, 1, 2, 1], &device);
        let images = drawn(2, [4, 1, size, size], &device).require_grad();
        let scores = critic.forward(images.clone(), labels.clone());
        let held = host(scores.clone());
        let theirs = host(images.grad(&scores.sum().backward()).unwrap());
        let (again, gradient) = critic.forward_with_gradient(images.clone(), labels.clone());
        close("scores", &host(again), &held, 1e-6);
        assert_eq!(gradient.dims(), [4, 1, size, size]);
        close("gradient", &host(gradient), &theirs, 1e-4);
    }
    let critic = tiny_pair_critic(8, &device);
    let labels = labels_tensor(&[0, 1, 2, 1], &device);
    let images = drawn(2, [4, 1, 8, 8], &device);
    let gradient = host(critic.forward_with_gradient(images.clone(), labels.clone()).1);
    let measured = measured_norms(&host(images.clone()), 4, |values| {
        let images = Tensor::from_data(TensorData::new(values, [4, 1, 8, 8]), &device);
        host(critic.forward(images, labels.clone()))
    });
    assert_norms(&gradient, &measured);
    assert_derivatives(&critic, |critic| {
        gradient_penalty(critic.forward_with_gradient(images.clone(), labels.clone()).1)
    });
}

// Layers

#[test]
fn a_convolution_goes_back() {
    let device = autodiff();
    for (side, kernel) in [(8, 4), (7, 4), (32, 4), (7, 3), (8, 3)] {
        let mut init = Init::new(5, 0, &device);
        let conv = Conv2d::new(&mut init, [2, 3], kernel, 2, Padding::Zero(1), 0.3).with_bias(&mut init);
        let x = drawn(3, [3, 2, side, side], &device).require_grad();
        let out = conv.forward(FeatureMap::from_images(x.clone()), Activation::None).into_images();
        let along = drawn(4, out.dims(), &device);
        let grads = (out * along.clone()).sum().backward();
        let theirs = host(x.grad(&grads).unwrap());
        for map in [FeatureMap::from_images(along.clone()), FeatureMap::from_few_images(along)] {
            let back = conv.back(map, side).into_images();
            assert_eq!(back.dims(), [3, 2, side, side]);
            close("back", &host(back), &theirs, 1e-4);
        }
    }
}

#[test]
fn upsampling_repeats_pixels() {
    let device = autodiff();
    let [batch, channels, height, width] = [18, 3, 4, 16];
    let x = drawn(5, [batch, channels, height, width], &device).require_grad();
    for map in [FeatureMap::from_images(x.clone()), FeatureMap::from_few_images(x.clone())] {
        let map = map.upsample2();
        assert_eq!(map.dims(), [batch, channels, 2 * height, 2 * width]);
        let out = map.into_images();
        let (from, to) = (host(x.clone()), host(out.clone()));
        let along = drawn(6, out.dims(), &device);
        let grads = (out * along.clone()).sum().backward();
        let mut theirs = vec![0.0; from.len()];
        for (index, value) in host(along).into_iter().enumerate() {
            let (column, line) = (index % (2 * width), index / (2 * width));
            let source = (line / (2 * height) * height + line % (2 * height) / 2) * width + column / 2;
            assert_eq!(to[index], from[source]);
            theirs[source] += value;
        }
        close("gradient", &host(x.grad(&grads).unwrap()), &theirs, 1e-5);
    }
}

#[test]
fn dropout_follows_its_stream() {
    let device = autodiff();
    let shape = [40, 6, 5, 5];
    let x: Tensor<4> = Tensor::ones(shape, &device);
    let x = x.require_grad();
    let map = FeatureMap::from_images(x.clone());
    assert_eq!(host(map.clone().drop_values(0.3, None).into_images()), host(x.clone()), "inference");
    let dropped = |key: u64| map.clone().drop_values(0.3, Some(&mut draws(key))).into_images();
    let values = host(dropped(1));
    assert_eq!(values, host(dropped(1)));
    assert_ne!(values, host(dropped(2)));
    assert!(values.iter().all(|value| *value == 0.0 || (value - 1.0 / 0.7).abs() < 1e-6));
    let share = values.iter().filter(|value| **value == 0.0).count() as f64 / values.len() as f64;
    assert!((share - 0.3).abs() < 0.03, "{share}");
    let gradient = host(x.grad(&dropped(1).sum().backward()).unwrap());
    assert_eq!(gradient, values, "the gradient is dropped where the value is");

    let channels = host(map.drop_channels(0.25, Some(&mut draws(3))).into_images());
    let mut gone = 0;
    for channel in channels.chunks(25) {
        assert!(channel.iter().all(|value| *value == channel[0]), "a channel goes as a whole");
        gone += usize::from(channel[0] == 0.0);
    }
    assert!((40..80).contains(&gone), "{gone} of 240 channels");
}

#[test]
fn label_rows_start_where_they_are_meant_to() {
    let device = plain();
    let of = |embedding: &LabelEmbedding| {
        let values = parameters::read(embedding)["table"].values.clone();
        let middle = mean(&values);
        let off: Vec<f32> = values.iter().map(|value| value - middle as f32).collect();
        (middle, norm(&off) / (off.len() as f64).sqrt())
    };
    let (middle, deviation) = of(&LabelEmbedding::factors(&mut Init::new(1, 0, &device), 50, 64));
    assert!((middle - 1.0).abs() < 0.005 && (deviation - 0.02).abs() < 0.002, "{middle} {deviation}");
    let (middle, deviation) = of(&LabelEmbedding::features(&mut Init::new(1, 0, &device), 50, 64));
    assert!(middle.abs() < 0.1 && (deviation - 1.0).abs() < 0.1, "{middle} {deviation}");
}

#[test]
fn tv_permutation_of_codes_and_images() {
    let book = Book::read("baegan");
    let vector = book.get("TV-permutation");
    let device = plain();
    let roll = vector.input("roll").as_u64().unwrap() as usize;
    let (decoded, targets) = (matrix(vector.input("decoded")), matrix(vector.input("targets")));
    let rolled = |values: &[Vec<f64>]| {
        let mut values = values.to_vec();
        values.rotate_right(roll);
        values
    };
    let images = |values: &[Vec<f64>]| -> Tensor<4> {
        rows(values, &device).reshape([values.len(), 1, 1, values[0].len()])
    };
    let error = |made: &[Vec<f64>], real: &[Vec<f64>]| mean(&host(squared_error(images(made), images(real))));
    vector.check(
        F32,
        &json!({
            "mse": error(&decoded, &targets),
            "mse_both_rolled": error(&rolled(&decoded), &rolled(&targets)),
            "mse_only_codes_rolled": error(&rolled(&decoded), &targets),
        }),
    );
}

// Networks

#[test]
fn tv11_sides() {
    let book = Book::read("baegan");
    let vector = book.get("TV11-shapes");
    let device = plain();
    let mut init = Init::new(0, 0, &device);
    let down = Conv2d::new(&mut init, [1, 1], 4, 2, Padding::Zero(1), 0.1);
    let mut up = |stride, padding| ConvTranspose2d::new(&mut init, [1, 1], 4, stride, padding, 0, 0.1);
    let (first, double, wide) = (up(1, 0), up(2, 1), up(2, 0));
    let map = |side: usize| FeatureMap::from_images(drawn(0, [1, 1, side, side], &device));
    let halved = |side: usize| {
        let mut sides = vec![side];
        let mut x = map(side);
        for _ in 0..4 {
            x = down.forward(x, Activation::None);
            sides.push(x.dims()[3]);
        }
        sides
    };
    let doubled = |side: usize, layers: &[&ConvTranspose2d]| {
        let mut sides = vec![side];
        let mut x = map(side);
        for layer in layers {
            x = layer.forward(x, Activation::None);
            sides.push(x.dims()[3]);
        }
        sides
    };
    vector.check(
        F32,
        &json!({
            "encoder_64": halved(64),
            "encoder_32": halved(32),
            "encoder_28": halved(28),
            "decoder": doubled(1, &[&first, &double, &double, &double, &double]),
            "deepsmote_decoder": doubled(7, &[&first, &first, &wide]),
        }),
    );
}

#[test]
fn tv11_embedding_multiplies() {
    let book = Book::read("baegan");
    let vector = book.get("TV11-embedding");
    let device = plain();
    let config = AutoencoderConfig::baegan(1, 8, 1, 3, 0.02);
    let network =
        with(config.build(&mut Init::new(0, 0, &device)), &[("embedding.table", floats(vector.input("e")))]);
    let code = rows(&[floats(vector.input("z"))], &device);
    let embedded = network.embed(code.clone(), labels_tensor(&[0], &device));
    vector.check(F32, &json!({ "z_c": host(embedded) }));
    let without = AutoencoderConfig { classes: 0, ..config }.build(&mut Init::new(0, 0, &device));
    assert_eq!(host(without.embed(code.clone(), labels_tensor(&[0], &device))), host(code));
}

/// Weights of the parts of an autoencoder by name, and the pixels at which each is used.
fn weights_and_products(config: &AutoencoderConfig) -> (BTreeMap<String, usize>, BTreeMap<String, usize>) {
    let (mut weights, mut products) = (BTreeMap::new(), BTreeMap::new());
    let network = config.build(&mut Init::new(0, 0, &plain()));
    let bottom = config.size >> config.widths.len();
    for (name, tensor) in parameters::read(&network) {
        if !name.ends_with("weight") {
            continue;
        }
        let parts: Vec<&str> = name.split('.').collect();
        let side = match parts[..] {
            ["encoder", "downs", depth, ..] => config.size >> (depth.parse::<usize>().unwrap() + 1),
            ["encoder", "code", ..] | ["decoder", "ups", "0", ..] => 1,
            ["decoder", "ups", depth, ..] => bottom << (depth.parse::<usize>().unwrap() - 1),
            ["decoder", "image", ..] => config.size / 2,
            _ => panic!("{name}"),
        };
        *weights.entry(parts[0].to_owned()).or_insert(0) += tensor.values.len();
        *products.entry(parts[0].to_owned()).or_insert(0) += tensor.values.len() * side * side;
    }
    (weights, products)
}

#[test]
fn tv11_weights_and_products_of_the_profiles() {
    let book = Book::read("baegan");
    let vector = book.get("TV11-cost");
    let number = |name: &str| vector.input(name).as_u64().unwrap() as usize;
    let profile = |size| AutoencoderConfig::baegan(number("channels"), size, 0, number("z"), 1.0);
    let (weights, large) = weights_and_products(&profile(64));
    let small = weights_and_products(&profile(32)).1;
    vector.check(
        F32,
        &json!({
            "encoder_weights_64": weights["encoder"],
            "encoder_macs_64": large["encoder"],
            "encoder_plus_decoder_macs_32": small["encoder"] + small["decoder"],
        }),
    );
}

#[test]
fn profiles_fit_their_sizes() {
    let widths = |size| {
        let config = AutoencoderConfig::baegan(3, size, 10, 128, 1.0);
        assert!(config.is_sane(), "{size}");
        (config.widths, config.decoder)
    };
    assert_eq!(widths(64), (vec![64, 128, 256, 512], vec![512, 256, 128, 64]));
    assert_eq!(widths(32), (vec![64, 128, 256], vec![512, 256, 128]));
    assert_eq!(widths(16), (vec![64, 128], vec![512, 256]));
    assert_eq!(widths(28), (vec![64, 128], vec![512, 256]));
    assert_eq!(widths(128), (vec![32, 64, 128, 256, 512], vec![512, 256, 128, 64, 32]));
    let half = AutoencoderConfig::baegan(1, 32, 10, 128, 0.5);
    assert_eq!((half.widths, half.decoder), (vec![32, 64, 128], vec![256, 128, 64]));
    let deepsmote = AutoencoderConfig::deepsmote(1, 28, deepsmote_latent(1), 1.0);
    assert!(deepsmote.is_sane());
    assert_eq!((deepsmote.latent, deepsmote.start, deepsmote.classes), (300, Start::Linear, 0));
    assert_eq!(deepsmote_latent(3), 600);
    for wrong in [0, 3, 30, 33, 63, 1 << 20, usize::MAX] {
        assert!(!AutoencoderConfig::baegan(3, wrong, 10, 128, 1.0).is_sane(), "{wrong}");
    }
}

/// Builds the network twice from different draws, and moves the parameters of the first into the second. What
/// the first gives.
fn saved<M: Module>(what: &str, build: impl Fn(&mut Init) -> M, run: impl Fn(&M) -> Vec<f32>) -> Vec<f32> {
    let device = plain();
    let [one, other] = [1, 2].map(|seed| build(&mut Init::new(seed, 0, &device)));
    let held = run(&one);
    assert!(held.iter().all(|value| value.is_finite()), "{what}");
    assert_ne!(run(&other), held, "{what}: the start weights are drawn");
    let loaded = parameters::write(other, &parameters::read(&one)).unwrap();
    assert_eq!(run(&loaded), held, "{what}: loaded");
    held
}

fn images_of(made: Tensor<4>, shape: [usize; 4]) -> Vec<f32> {
    assert_eq!(made.dims(), shape);
    let values = host(made);
    assert!(values.iter().all(|value| value.abs() <= 1.0), "tanh at the end");
    values
}

#[test]
fn every_network_keeps_its_shapes_and_its_parameters() {
    let device = plain();
    let labels = || labels_tensor(&[2, 0], &device);
    for (channels, size) in [(1, 16), (3, 16), (1, 28), (1, 32), (3, 32), (1, 64), (3, 64)] {
        let what = format!("{channels} x {size}");
        let shape = [2, channels, size, size];
        let x = drawn(7, shape, &device).tanh();
        let noise = drawn(8, [2, 6], &device);
        let pass = Pass::inference;

        let baegan = AutoencoderConfig::baegan(channels, size, 3, 6, 1.0 / 32.0);
        let deepsmote = AutoencoderConfig::deepsmote(channels, size, 6, 1.0 / 32.0);
        for config in [&baegan, &deepsmote] {
            assert!(config.is_sane());
            saved(
                &what,
                |init| config.build(init),
                |network| {
                    assert_eq!(network.encode(x.clone(), &mut pass()).dims(), [2, 6]);
                    images_of(network.reconstruct(x.clone(), labels(), &mut Pass::training()), shape);
                    images_of(network.reconstruct(x.clone(), labels(), &mut pass()), shape)
                },
            );
        }
        saved(
            &what,
            |init| baegan.build(init).into_generator().unwrap(),
            |generator| images_of(generator.forward(noise.clone(), labels(), &mut pass()), shape),
        );

        let mut cgan = CganConfig::new(channels, size, 3, 1.0 / 32.0);
        cgan.trunk.latent = 6;
        assert!(cgan.is_sane() && cgan.embedding == 3);
        saved(
            &what,
            |init| cgan.build_generator(init),
            |generator| images_of(generator.forward(noise.clone(), labels(), &mut pass()), shape),
        );
        let scores = saved(
            &what,
            |init| cgan.build_discriminator(init),
            |judge| host(judge.forward(x.clone(), labels(), &mut pass())),
        );
        assert_eq!(scores.len(), 2);

        let acgan = AcganConfig { latent: 6, width: 16, ..AcganConfig::new(channels, size, 3) };
        assert!(acgan.is_sane());
        saved(
            &what,
            |init| acgan.build_generator(init),
            |generator| images_of(generator.forward(noise.clone(), labels(), &mut pass()), shape),
        );
        saved(
            &what,
            |init| acgan.build_discriminator(init),
            |judge| {
                let (source, class) = judge.forward(x.clone(), None, &mut pass());
                assert_eq!((source.dims(), class.dims()), ([2], [2, 3]));
                [host(source), host(class)].concat()
            },
        );

        let bagan = BaganConfig { latent: 6, width: 2, ..BaganConfig::new(channels, size, 3) };
        assert!(bagan.is_sane());
        let codes =
            saved(&what, |init| bagan.build_encoder(init), |encoder| host(encoder.forward(x.clone(), None)));
        assert_eq!(codes.len(), 2 * 6);
        let logits = saved(
            &what,
            |init| bagan.build_discriminator(init),
            |judge| host(judge.forward(x.clone(), Some(&mut draws(9)))),
        );
        assert_eq!(logits.len(), 2 * 4);
        saved(
            &what,
            |init| bagan.build_generator(init),
            |generator| images_of(generator.forward(noise.clone()), shape),
        );

        let pair = PairCriticConfig {
            widths: vec![4, 4, 8, 8],
            embedding: 5,
            hidden: 7,
            ..PairCriticConfig::new(channels, size, 3)
        };
        assert!(pair.is_sane());
        saved(
            &what,
            |init| pair.build(init),
            |critic| {
                let (scores, gradient) = critic.forward_with_gradient(x.clone(), labels());
                assert_eq!((scores.dims(), gradient.dims()), ([2], shape));
                host(scores)
            },
        );
    }
    let critic = LatentCriticConfig::new(6, 4);
    assert!(critic.is_sane() && critic.hidden == [512, 256]);
    let logits =
        saved("critic", |init| critic.build(init), |critic| host(critic.forward(drawn(8, [2, 6], &device))));
    assert_eq!(logits.len(), 2 * 4);
}

/// Light and dark stripes, other ones in each image and channel.
fn stripes(count: usize, channels: usize, size: usize, device: &Device) -> Tensor<4> {
    let mut values = Vec::with_capacity(count * channels * size * size);
    for plane in 0..count * channels {
        for y in 0..size {
            for x in 0..size {
                let along = if plane % 2 == 0 { x } else { y };
                let light = (along / (2 << (plane % 3)) + plane / 2).is_multiple_of(2);
                values.push(if light { 0.8_f32 } else { -0.8 });
            }
        }
    }
    Tensor::from_data(TensorData::new(values, [count, channels, size, size]), device)
}

/// Steps of Adam: a gradient reaches every weight, and the loss falls.
fn learns<M: Module>(what: &str, mut network: M, losses: impl Fn(&M) -> Tensor<1>) {
    let mut adam = Adam::default();
    let mut seen = Vec::new();
    for step in 0..15 {
        let losses = losses(&network);
        seen.push(mean(&host(losses.clone())));
        let grads = losses.mean().backward();
        if step == 0 {
            let reached = |gradient: &Option<Vec<f32>>| {
                gradient.as_ref().is_some_and(|g| {
                    g.iter().all(|value| value.is_finite()) && g.iter().any(|value| *value != 0.0)
                })
            };
            let unreached: Vec<String> = gradients_of(&network, &grads)
                .into_iter()
                .filter(|(name, gradient)| {
                    (name.ends_with("weight") || name.ends_with("table")) && !reached(gradient)
                })
                .map(|(name, _)| name)
                .collect();
            assert!(unreached.is_empty(), "{what}: no gradient at {unreached:?}");
        }
        network = adam.step(network, &grads, 2e-3);
    }
    let (first, last) = (seen[0], seen[seen.len() - 1]);
    assert!(last < first, "{what} does not learn: {seen:?}");
}

#[test]
fn autoencoders_and_generators_learn() {
    let device = autodiff();
    let x = stripes(6, 1, 16, &device);
    let labels = || labels_tensor(&[0, 1, 2, 0, 1, 2], &device);
    let noise = drawn(10, [6, 8], &device);
    let apart = |made: Tensor<4>| squared_error(made, x.clone());
    let init = || Init::new(4, 0, &device);
    let training = Pass::training;

    let baegan = AutoencoderConfig::baegan(1, 16, 3, 8, 1.0 / 16.0);
    learns("BAEGAN's autoencoder", baegan.build(&mut init()), |network| {
        apart(network.reconstruct(x.clone(), labels(), &mut training()))
    });
    let deepsmote = AutoencoderConfig::deepsmote(1, 16, 8, 1.0 / 16.0);
    learns("DeepSMOTE's autoencoder", deepsmote.build(&mut init()), |network| {
        absolute_error(network.forward(x.clone(), &mut training()), x.clone())
    });
    let generator = baegan.build(&mut init()).into_generator().unwrap();
    learns("BAGAN-GP's generator", generator, |generator| {
        apart(generator.forward(noise.clone(), labels(), &mut training()))
    });
    let mut cgan = CganConfig::new(1, 16, 3, 1.0 / 16.0);
    cgan.trunk.latent = 8;
    learns("CGAN's generator", cgan.build_generator(&mut init()), |generator| {
        apart(generator.forward(noise.clone(), labels(), &mut training()))
    });
    let acgan = AcganConfig { latent: 8, width: 16, ..AcganConfig::new(1, 16, 3) };
    learns("ACGAN's generator", acgan.build_generator(&mut init()), |generator| {
        apart(generator.forward(noise.clone(), labels(), &mut training()))
    });
    let bagan = BaganConfig { latent: 8, width: 4, ..BaganConfig::new(1, 16, 3) };
    learns("BAGAN's generator", bagan.build_generator(&mut init()), |generator| {
        apart(generator.forward(noise.clone()))
    });
}

#[test]
fn critics_and_discriminators_learn() {
    let device = autodiff();
    let x = stripes(6, 1, 16, &device);
    let labels = || labels_tensor(&[0, 1, 2, 0, 1, 2], &device);
    let targets = || row(&[1.0, 0.0, 1.0, 0.0, 1.0, 0.0], &device);
    let init = || Init::new(4, 0, &device);
    let training = Pass::training;

    let cgan = CganConfig::new(1, 16, 3, 1.0 / 16.0);
    learns("CGAN's discriminator", cgan.build_discriminator(&mut init()), |judge| {
        (judge.forward(x.clone(), labels(), &mut training()) - targets()).square()
    });
    let acgan = AcganConfig { width: 16, ..AcganConfig::new(1, 16, 3) };
    learns("ACGAN's discriminator", acgan.build_discriminator(&mut init()), |judge| {
        let (source, class) = judge.forward(x.clone(), Some(&mut draws(12)), &mut training());
        bce_with_logits(source, targets()) + cross_entropy(class, labels())
    });
    let bagan = BaganConfig { width: 4, ..BaganConfig::new(1, 16, 3) };
    learns("BAGAN's discriminator", bagan.build_discriminator(&mut init()), |judge| {
        cross_entropy(judge.forward(x.clone(), Some(&mut draws(13))), labels())
    });
    let codes = drawn(14, [6, 5], &device);
    let config = LatentCriticConfig { hidden: vec![16, 8], ..LatentCriticConfig::new(5, 4) };
    learns("the critic of codes", config.build(&mut init()), |critic| {
        let gradient = critic.forward_with_gradient(codes.clone(), fused_direction).1;
        focal(critic.forward(codes.clone()), labels(), 2.0, None) + gradient_penalty(gradient)
    });
    learns("the critic of images", tiny_pair_critic(16, &device), |critic| {
        let (scores, gradient) = critic.forward_with_gradient(x.clone(), labels());
        bce_with_logits(scores, targets()) + gradient_penalty(gradient)
    });
}

#[test]
fn a_discriminator_starts_from_a_trained_encoder() {
    let device = plain();
    let config = BaganConfig { width: 2, ..BaganConfig::new(1, 16, 3) };
    let encoder = config.build_encoder(&mut Init::new(1, 0, &device));
    let judge = config.build_discriminator(&mut Init::new(2, 1, &device));
    let (of_encoder, before) = (parameters::read(&encoder), parameters::read(&judge));
    let after = parameters::read(&judge.with_convolutions_of(&encoder));
    assert_eq!(after.len(), before.len());
    for (name, tensor) in &after {
        if name.starts_with("convs") {
            assert_eq!(tensor, &of_encoder[name], "{name}");
        } else {
            assert_eq!(tensor, &before[name], "{name}");
        }
    }
    assert_ne!(after["convs.0.weight"], before["convs.0.weight"]);
}

#[test]
fn a_generator_is_the_decoding_half() {
    let device = plain();
    let config = AutoencoderConfig::baegan(1, 16, 3, 6, 1.0 / 32.0);
    let network = config.build(&mut Init::new(1, 0, &device));
    let (noise, labels) = (drawn(15, [4, 6], &device), labels_tensor(&[0, 1, 2, 2], &device));
    let code = network.embed(noise.clone(), labels.clone());
    let decoded = host(network.decode(code, &mut Pass::inference()));
    let generator = network.into_generator().unwrap();
    assert_eq!(host(generator.forward(noise, labels, &mut Pass::inference())), decoded);
    let without = AutoencoderConfig { classes: 0, ..config };
    assert!(without.build(&mut Init::new(1, 0, &device)).into_generator().is_none());
}

/// Names of the running statistics that are not what they start as.
fn moved<M: Module>(network: &M) -> Vec<String> {
    let start = |name: &str| if name.ends_with("running_mean") { 0.0 } else { 1.0 };
    parameters::read(network)
        .into_iter()
        .filter(|(name, tensor)| {
            name.contains("running") && tensor.values.iter().any(|value| *value != start(name))
        })
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn a_training_pass_moves_the_running_statistics_of_its_half() {
    let device = plain();
    let x = drawn(16, [5, 1, 16, 16], &device).tanh();
    let labels = labels_tensor(&[0, 1, 2, 0, 1], &device);
    let config = AutoencoderConfig::baegan(1, 16, 3, 6, 1.0 / 32.0);
    let network = config.build(&mut Init::new(1, 0, &device));
    assert!(moved(&network).is_empty());
    let mut pass = Pass::training();
    network.reconstruct(x.clone(), labels.clone(), &mut pass);
    // One normalisation in the encoder, two in the decoder, two statistics each.
    let both = moved(&network.clone().absorb(pass));
    assert_eq!(both.len(), 6, "{both:?}");
    let mut pass = Pass::training();
    let code = network.encode(x.clone(), &mut pass);
    let of_encoder = moved(&network.clone().absorb_encoder(pass));
    assert!(of_encoder.len() == 2 && of_encoder.iter().all(|name| name.starts_with("encoder.")));
    let mut pass = Pass::training();
    network.decode(code, &mut pass);
    let of_decoder = moved(&network.clone().absorb_decoder(pass));
    assert!(of_decoder.len() == 4 && of_decoder.iter().all(|name| name.starts_with("decoder.")));

    let noise = drawn(17, [5, 6], &device);
    let mut pass = Pass::training();
    let generator = network.into_generator().unwrap();
    generator.forward(noise.clone(), labels.clone(), &mut pass);
    assert_eq!(moved(&generator.absorb(pass)).len(), 4);

    let mut cgan = CganConfig::new(1, 16, 3, 1.0 / 32.0);
    cgan.trunk.latent = 6;
    let (generator, judge) = (
        cgan.build_generator(&mut Init::new(1, 0, &device)),
        cgan.build_discriminator(&mut Init::new(1, 1, &device)),
    );
    let mut pass = Pass::training();
    generator.forward(noise.clone(), labels.clone(), &mut pass);
    assert_eq!(moved(&generator.absorb(pass)).len(), 4);
    let mut pass = Pass::training();
    judge.forward(x.clone(), labels.clone(), &mut pass);
    assert_eq!(moved(&judge.absorb(pass)).len(), 2);

    let acgan = AcganConfig { latent: 6, width: 16, ..AcganConfig::new(1, 16, 3) };
    let (generator, judge) = (
        acgan.build_generator(&mut Init::new(1, 0, &device)),
        acgan.build_discriminator(&mut Init::new(1, 1, &device)),
    );
    let mut pass = Pass::training();
    generator.forward(noise, labels, &mut pass);
    assert_eq!(moved(&generator.absorb(pass)).len(), 6);
    let mut pass = Pass::training();
    judge.forward(x, None, &mut pass);
    assert_eq!(moved(&judge.absorb(pass)).len(), 6);
}

/// What a file holds reads back as it was; one field more is refused.
fn kept<C>(config: &C)
where
    C: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let mut value = serde_json::to_value(config).unwrap();
    assert_eq!(&serde_json::from_value::<C>(value.clone()).unwrap(), config);
    value["more"] = json!(1);
    assert!(serde_json::from_value::<C>(value).is_err(), "{config:?}");
}

#[test]
fn configurations_from_elsewhere_are_bounded() {
    let autoencoder = AutoencoderConfig::baegan(3, 32, 10, 128, 1.0);
    kept(&autoencoder);
    // Files of before the profiles have four fields.
    let old = json!({ "channels": 1, "size": 32, "latent": 16, "widths": [8, 8] });
    let old: AutoencoderConfig = serde_json::from_value(old).unwrap();
    assert_eq!(old, AutoencoderConfig { latent: 16, widths: vec![8, 8], ..AutoencoderConfig::dcgan(1, 32) });
    for wrong in [
        AutoencoderConfig { decoder: vec![512], ..autoencoder.clone() },
        AutoencoderConfig { decoder: vec![512, 256, 1 << 20], ..autoencoder.clone() },
        AutoencoderConfig { classes: 1 << 20, ..autoencoder.clone() },
        AutoencoderConfig::baegan(3, 32, 10, 128, 1e9),
        AutoencoderConfig::baegan(2, 32, 10, 128, 1.0),
    ] {
        assert!(!wrong.is_sane(), "{wrong:?}");
    }

    let cgan = CganConfig::new(3, 32, 10, 1.0);
    kept(&cgan);
    assert!(cgan.is_sane());
    assert!(!CganConfig { embedding: 0, ..cgan.clone() }.is_sane());
    assert!(!CganConfig { trunk: AutoencoderConfig { classes: 0, ..autoencoder }, ..cgan }.is_sane());

    let acgan = AcganConfig::new(3, 32, 10);
    kept(&acgan);
    assert!(acgan.is_sane());
    for wrong in [
        AcganConfig { size: 30, ..acgan.clone() },
        AcganConfig { size: 1 << 20, ..acgan.clone() },
        AcganConfig { width: 12, ..acgan.clone() },
        AcganConfig { width: 1 << 20, ..acgan.clone() },
        AcganConfig { latent: 0, ..acgan.clone() },
        AcganConfig { latent: 1024, width: 512, size: 256, ..acgan.clone() },
        AcganConfig { classes: 0, ..acgan.clone() },
        AcganConfig { channels: 4, ..acgan.clone() },
    ] {
        assert!(!wrong.is_sane(), "{wrong:?}");
    }

    let bagan = BaganConfig::new(3, 64, 10);
    kept(&bagan);
    assert!(bagan.is_sane() && BaganConfig { size: 28, ..bagan.clone() }.is_sane());
    for wrong in [
        BaganConfig { size: 30, ..bagan.clone() },
        BaganConfig { size: usize::MAX, ..bagan.clone() },
        BaganConfig { width: 1 << 20, ..bagan.clone() },
        BaganConfig { latent: 1 << 20, ..bagan.clone() },
        BaganConfig { classes: 1 << 20, ..bagan.clone() },
        BaganConfig { channels: 0, ..bagan.clone() },
    ] {
        assert!(!wrong.is_sane(), "{wrong:?}");
    }

    let pair = PairCriticConfig::new(3, 64, 10);
    kept(&pair);
    assert!(pair.is_sane());
    for wrong in [
        PairCriticConfig { size: 1 << 20, ..pair.clone() },
        PairCriticConfig { size: 8, ..pair.clone() },
        PairCriticConfig { widths: Vec::new(), ..pair.clone() },
        PairCriticConfig { widths: vec![1 << 20], ..pair.clone() },
        PairCriticConfig { embedding: 0, ..pair.clone() },
        PairCriticConfig { hidden: 1 << 20, ..pair.clone() },
    ] {
        assert!(!wrong.is_sane(), "{wrong:?}");
    }

    let critic = LatentCriticConfig::new(128, 11);
    kept(&critic);
    assert!(critic.is_sane());
    for wrong in [
        LatentCriticConfig { latent: 0, ..critic.clone() },
        LatentCriticConfig { outputs: 0, ..critic.clone() },
        LatentCriticConfig { hidden: vec![1 << 20], ..critic.clone() },
        LatentCriticConfig { hidden: vec![8; 7], ..critic.clone() },
    ] {
        assert!(!wrong.is_sane(), "{wrong:?}");
    }
}

/// A configuration that went through a file without tensors, and the weights that it came in.
fn through_a_file(config: Value) -> (Weights, Weights) {
    let weights = Weights { config, tensors: TensorMap::new() };
    let read = Weights::from_bytes(&weights.to_bytes().unwrap()).unwrap();
    (weights, read)
}

proptest! {
    #[test]
    fn a_configuration_is_read_as_it_was_written(
        bits in prop::collection::vec(any::<u64>(), 1..40),
        small in prop::collection::vec(0.0..1.0_f64, 1..40),
        name in "[a-z0-9.\"\\\\ \u{e4}\u{4e2d}-]{0,12}",
        number in any::<i64>(),
    ) {
        let floats: Vec<f64> = bits.into_iter().map(f64::from_bits).filter(|value| value.is_finite()).collect();
        let mut config = json!({ "floats": floats, "loss": small, "number": number, "e": "1.5e3", "flag": true });
        config[&name] = json!([name, [0.1, -0.0, 1e300], null]);
        let (weights, read) = through_a_file(config);
        prop_assert_eq!(&read.config, &weights.config);
        prop_assert_eq!(read.hash(), weights.hash());
    }
}

#[test]
fn a_loss_that_serde_json_reads_one_step_beside_is_read_to_the_last_bit() {
    let loss = 0.001_090_548_350_475_728_5_f64;
    let (_, read) = through_a_file(json!({ "loss": loss }));
    assert_eq!(read.config["loss"].as_f64().unwrap().to_bits(), loss.to_bits());
}

#[test]
fn a_configuration_that_is_no_json_is_refused() {
    let read = |config: &str| {
        let header = json!({ "__metadata__": { "counterpoise": config } }).to_string();
        Weights::from_bytes(&[(header.len() as u64).to_le_bytes().as_slice(), header.as_bytes()].concat())
    };
    let whole = read("{\"loss\": 1.5}").unwrap();
    assert!(whole.config == json!({ "loss": 1.5 }) && whole.tensors.is_empty());
    for broken in ["{\"loss\": 1.5", "{\"loss\": 1.5.2}"] {
        let refused = read(broken);
        assert!(matches!(refused, Err(WeightsError::Config(_))), "{broken}: {refused:?}");
    }
}
