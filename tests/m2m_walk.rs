//! M2m's generation step, schedule and noise against tests/vectors/m2m.json (H to O, X).
#![allow(clippy::unwrap_used)]

#[path = "common/vectors.rs"]
mod vectors;

use burn::tensor::activation::softmax;
use burn::tensor::{Int, Tensor, TensorData};
use counterpoise::classify::recalls::recalls;
use counterpoise::classify::schedule::Schedule;
use counterpoise::domain::task::Ctx;
use counterpoise::nn::ComputeDevice;
use counterpoise::nn::init::Init;
use counterpoise::nn::input_gradient::{Images, renorm, renorm_per_channel, walk};
use counterpoise::nn::loss::{cross_entropy, pick};
use counterpoise::nn::resnet::ResNetConfig;
use serde_json::Value;
use vectors::{Book, Vector};

/// The toy problem: two linear classifiers of three pixels, with a normaliser inside.
struct Toy {
    wg: Vec<f32>,
    bg: Vec<f32>,
    wf: Vec<f32>,
    bf: Vec<f32>,
    mean: Vec<f32>,
    std: Vec<f32>,
    seed: usize,
    target: usize,
    lambda: f64,
    /// Factor on g's weights, and on the whole objective.
    sharpen: f32,
    scale: f64,
}

/// Every number in a value, in order.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

/// Compares by the vector's tolerance for 32-bit work.
fn assert_close(vector: Vector<'_>, got: &[f64], want: &[f64], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    let tolerance = &vector.0["tolerance"]["f32"];
    let (abs, rel) = (tolerance["abs"].as_f64().unwrap(), tolerance["rel"].as_f64().unwrap());
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() <= abs + rel * want.abs(), "{what}: got {got}, want {want}");
    }
}

fn floats(value: &Value) -> Vec<f32> {
    numbers(value).into_iter().map(|v| v as f32).collect()
}

impl Toy {
    fn of(inputs: &Value) -> Self {
        let m = &inputs["model"];
        Toy {
            wg: floats(&m["Wg"]),
            bg: floats(&m["bg"]),
            wf: floats(&m["Wf"]),
            bf: floats(&m["bf"]),
            mean: floats(&m["mean"]),
            std: floats(&m["std"]),
            seed: inputs["seed_class"].as_u64().unwrap() as usize,
            target: inputs["target_class"].as_u64().unwrap() as usize,
            lambda: inputs["lambda"].as_f64().unwrap(),
            sharpen: 1.0,
            scale: 1.0,
        }
    }

    fn logits(&self, w: &[f32], b: &[f32], x: Tensor<4>) -> Tensor<2> {
        let device = x.device();
        let batch = x.dims()[0];
        let row = |v: &[f32]| Tensor::<2>::from_data(TensorData::new(v.to_vec(), [1, 3]), &device);
        let u = (x.reshape([batch, 3]) - row(&self.mean)) / row(&self.std);
        let w = Tensor::<2>::from_data(TensorData::new(w.to_vec(), [3, 3]), &device);
        u.matmul(w.transpose()) + row(b)
    }

    fn g(&self, x: Tensor<4>) -> Tensor<2> {
        let w: Vec<f32> = self.wg.iter().map(|v| v * self.sharpen).collect();
        self.logits(&w, &self.bg, x)
    }

    fn classes(&self, class: usize, like: &Tensor<4>) -> Tensor<1, Int> {
        let batch = like.dims()[0];
        Tensor::from_data(TensorData::new(vec![class as i32; batch], [batch]), &like.device())
    }

    fn objective(&self, x: Tensor<4>) -> Tensor<1> {
        let (k, k0) = (self.classes(self.target, &x), self.classes(self.seed, &x));
        let z_f = self.logits(&self.wf, &self.bf, x.clone());
        (cross_entropy(self.g(x), k) + pick(z_f, k0) * self.lambda) * self.scale
    }

    fn walk(&self, x0: &[f32], steps: usize, eta: f32) -> Vec<f32> {
        let start = Images { shape: [x0.len() / 3, 3, 1, 1], values: x0.to_vec() };
        let device = ComputeDevice::cpu().autodiff();
        let x = walk(&Ctx::default(), &start, steps, eta, &device, |x| self.objective(x)).unwrap();
        Images::of(x).unwrap().values
    }

    fn confidence(&self, x: &[f32]) -> f64 {
        let images = Images { shape: [1, 3, 1, 1], values: x.to_vec() };
        let p = softmax(self.g(images.to_tensor(&ComputeDevice::cpu().plain())), 1);
        f64::from(p.try_into_vec_as::<f32>().unwrap()[self.target])
    }
}

fn f64s(values: &[f32]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v)).collect()
}

#[test]
fn ten_steps_follow_the_golden_paths() {
    let book = Book::read("m2m");
    for id in ["H2", "H4", "I1"] {
        let vector = book.get(id);
        let toy = Toy::of(&vector.0["inputs"]);
        let x0 = floats(&vector.0["inputs"]["x0"]);
        for point in vector.expected()["path"].as_array().unwrap() {
            let t = point["t"].as_u64().unwrap() as usize;
            let x = toy.walk(&x0, t, 0.1);
            assert_close(vector, &f64s(&x), &numbers(&point["x"]), &format!("{id} step {t}"));
            let p = toy.confidence(&x);
            assert_close(vector, &[p], &numbers(&point["p_g_target"]), &format!("{id} confidence {t}"));
        }
    }
}

#[test]
fn the_first_step_is_none_of_the_known_mistakes() {
    let book = Book::read("m2m");
    let vector = book.get("H5");
    let x = Toy::of(&vector.0["inputs"]).walk(&floats(&vector.0["inputs"]["x0"]), 1, 0.1);
    for (mistake, wrong) in vector.expected().as_object().unwrap() {
        let apart = f64s(&x).iter().zip(numbers(wrong)).any(|(a, b)| (a - b).abs() > 2e-4);
        assert!(apart, "the step equals the mistake {mistake}");
    }
}

#[test]
fn the_length_of_a_gradient_does_not_matter() {
    let book = Book::read("m2m");
    let vector = book.get("H6");
    let mut toy = Toy::of(&vector.0["inputs"]);
    toy.scale = vector.0["inputs"]["gradient_scale"].as_f64().unwrap();
    let x = toy.walk(&floats(&vector.0["inputs"]["x0"]), 1, 0.1);
    assert_close(vector, &f64s(&x), &numbers(&vector.expected()["x1"]), "H6");
}

#[test]
fn gamma_reads_differently_as_probability_and_as_loss() {
    let book = Book::read("m2m");
    let vector = book.get("H3");
    let toy = Toy::of(&vector.0["inputs"]);
    let x = toy.walk(&floats(&vector.0["inputs"]["x0"]), 10, 0.1);
    let p = toy.confidence(&x);
    let gamma = vector.0["inputs"]["gamma"].as_f64().unwrap();
    assert_eq!(Value::from(p >= gamma), vector.expected()["accept_probability_reading"]);
    let loss_bound = counterpoise::domain::acceptance::threshold_from_loss(gamma);
    assert_eq!(Value::from(p >= loss_bound), vector.expected()["accept_loss_reading"]);
}

#[test]
fn pixels_stay_in_range_and_images_do_not_meet_in_a_batch() {
    let book = Book::read("m2m");
    let j = book.get("J1");
    let x = Toy::of(&j.0["inputs"]).walk(&floats(&j.0["inputs"]["x0"]), 1, 0.1);
    assert_close(j, &f64s(&x), &numbers(&j.expected()["x1"]), "J1");
    let k = book.get("K1");
    let x = Toy::of(&k.0["inputs"]).walk(&floats(&k.0["inputs"]["x0"]), 1, 0.1);
    assert_close(k, &f64s(&x), &numbers(&k.expected()["x1"]), "K1");
}

#[test]
fn a_vanishing_gradient_barely_moves_and_a_zero_one_not_at_all() {
    let book = Book::read("m2m");
    let k = book.get("K2");
    let mut toy = Toy::of(&k.0["inputs"]);
    toy.sharpen = 60.0;
    let x0 = floats(&k.0["inputs"]["x0"]);
    let x = toy.walk(&x0, 1, 0.1);
    let moved: f64 = x.iter().zip(&x0).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt();
    assert!(moved < 1e-8, "moved {moved}");
    let start = Images { shape: [1, 3, 1, 1], values: vec![0.2, 0.4, 0.6] };
    let device = ComputeDevice::cpu().autodiff();
    let still = walk(&Ctx::default(), &start, 3, 0.1, &device, |x| {
        (x * 0.0).reshape([1, 3]).sum_dim(1).squeeze_dim::<1>(1)
    });
    assert_eq!(Images::of(still.unwrap()).unwrap().values, start.values);
}

#[test]
fn rounding_to_eight_bits_is_what_the_confidence_is_taken_of() {
    let book = Book::read("m2m");
    let vector = book.get("H7");
    let toy = Toy::of(&vector.0["inputs"]);
    let x = floats(&vector.0["inputs"]["x"]);
    let picture = counterpoise::imaging::picture::Picture::from_f32_chw(
        &x,
        1,
        1,
        3,
        counterpoise::imaging::picture::Depth::Eight,
    );
    let levels: Vec<f64> = picture.to_u8().iter().map(|v| f64::from(*v)).collect();
    assert_eq!(levels, numbers(&vector.expected()["levels"]));
    assert_close(vector, &f64s(&picture.to_f32()), &numbers(&vector.expected()["x_8bit"]), "H7");
    let p = toy.confidence(&picture.to_f32());
    assert_close(vector, &[p], &numbers(&vector.expected()["p_g_target"]), "H7 confidence");
}

#[test]
fn learning_rates_are_the_published_ones() {
    let book = Book::read("m2m");
    let vector = book.get("L1");
    let schedule = Schedule { learning_rate: 0.1, epochs: 200, drop: 100.0 };
    let epochs = vector.0["inputs"]["epochs"].as_array().unwrap();
    let rates: Vec<f64> = epochs.iter().map(|e| schedule.at(e.as_u64().unwrap() as usize, 3, 97)).collect();
    assert_close(vector, &rates, &numbers(&vector.expected()["lr"]), "L1");
}

#[test]
fn milestones_scale_and_a_short_run_still_warms_up() {
    let schedule = Schedule { learning_rate: 0.1, epochs: 20, drop: 100.0 };
    assert_eq!((schedule.milestone(160), schedule.milestone(180)), (16, 18));
    assert!(schedule.at(0, 0, 100) < 0.01);
    assert!(schedule.at(0, 0, 100) > 0.0);
    assert!((schedule.at(0, 99, 100) - 0.1).abs() < 1e-12);
    let one = Schedule { learning_rate: 0.1, epochs: 1, drop: 100.0 };
    assert!(one.at(0, 0, 5) < 0.1, "at least one step of warm-up");
}

#[test]
fn recalls_keep_a_class_that_is_never_found() {
    let book = Book::read("m2m");
    for id in ["N1", "N2"] {
        let vector = book.get(id);
        let confusion: Vec<Vec<usize>> =
            serde_json::from_value(vector.0["inputs"]["confusion"].clone()).unwrap();
        let of: Vec<f64> = recalls(&confusion).into_iter().flatten().collect();
        assert_close(vector, &of, &numbers(&vector.expected()["recalls"]), id);
    }
}

#[test]
fn start_noise_is_capped_per_image_or_per_channel_and_never_grows() {
    let book = Book::read("m2m");
    for id in ["O1", "O2"] {
        let vector = book.get(id);
        let noise = floats(&vector.0["inputs"]["noise"]);
        let mut per_image = noise.clone();
        renorm(&mut per_image, 8, 0.5);
        assert_close(vector, &f64s(&per_image), &numbers(&vector.expected()["per_image"]), id);
        let mut compat = noise;
        renorm_per_channel(&mut compat, 2, 4, 0.5);
        assert_close(vector, &f64s(&compat), &numbers(&vector.expected()["compat"]), id);
    }
}

#[test]
fn resnet32_has_the_published_number_of_parameters() {
    let book = Book::read("m2m");
    let vector = book.get("X4");
    let device = ComputeDevice::cpu().plain();
    let classes = vector.0["inputs"]["classes"].as_array().unwrap();
    for (classes, expected) in classes.iter().zip(numbers(&vector.expected()["parameters"])) {
        let config = ResNetConfig::resnet32(3, classes.as_u64().unwrap() as usize);
        let network = config.build(&mut Init::new(1, 0, &device));
        assert_eq!(network.trained_parameters() as f64, expected);
    }
}
