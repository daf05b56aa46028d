//! The networks that bench trains, Adam, and the command itself.
//!
//! Counts of parameters and Adam's numbers are those of PyTorch for the same layers and gradients.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Output, Stdio};

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use counterpoise::domain::random::{Stage, stream};
use counterpoise::domain::task::Ctx;
use counterpoise::jobs::JobError;
use counterpoise::jobs::bench::{BenchRequest, bench, rows};
use counterpoise::nn::autoencoder::AutoencoderConfig;
use counterpoise::nn::cyclegan::{GeneratorConfig, PatchGanConfig};
use counterpoise::nn::init::Init;
use counterpoise::nn::layers::{Linear, Pass};
use counterpoise::nn::optim::Adam;
use counterpoise::nn::parameters::{self, HostTensor};
use counterpoise::nn::resnet::ResNetConfig;

fn autodiff() -> Device {
    Device::flex().autodiff()
}

fn init(device: &Device) -> Init {
    Init::new(7, 0, device)
}

/// Drawn values in \[-1, 1).
fn drawn(shape: [usize; 4], device: &Device) -> Tensor<4> {
    let mut draws = stream(3, Stage::Other, 0, 0);
    let values: Vec<f32> =
        (0..shape.iter().product::<usize>()).map(|_| draws.uniform_f32() * 2.0 - 1.0).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn scalar(tensor: Tensor<1>) -> f32 {
    tensor.try_into_vec_as::<f32>().unwrap()[0]
}

/// Visits what is trained: counts it, and looks for its gradients where some are given.
#[derive(Default)]
struct Trained<'a> {
    grads: Option<&'a Gradients>,
    path: Vec<String>,
    values: usize,
    tensors: usize,
    /// Parameters that no usable gradient reached.
    unreached: Vec<String>,
}

impl ModuleVisitor for Trained<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        if !tensor.is_require_grad() {
            return;
        }
        self.tensors += 1;
        self.values += tensor.shape().num_elements();
        let Some(grads) = self.grads else { return };
        let grad = tensor.grad(grads).map(|grad| grad.try_into_vec_as::<f32>().unwrap());
        // A bias before a normalisation has a gradient of zero; a kernel or matrix has not.
        let reached = grad.is_some_and(|grad| {
            grad.iter().all(|v| v.is_finite()) && (D < 2 || grad.iter().any(|v| *v != 0.0))
        });
        if !reached {
            self.unreached.push(self.path.join("."));
        }
    }
}

fn trained_values<M: Module>(network: &M) -> usize {
    let mut trained = Trained::default();
    network.visit(&mut trained);
    trained.values
}

fn assert_reached<M: Module>(network: &M, loss: Tensor<1>, what: &str) {
    let grads = loss.backward();
    let mut trained = Trained { grads: Some(&grads), ..Trained::default() };
    network.visit(&mut trained);
    assert!(trained.tensors > 5, "{what}: only {} parameters are trained", trained.tensors);
    assert!(trained.unreached.is_empty(), "{what}: no gradient at {:?}", trained.unreached);
}

/// Few channels, the whole depth.
fn tiny(size: usize) -> AutoencoderConfig {
    AutoencoderConfig { latent: 16, widths: vec![8, 8, 16, 16], ..AutoencoderConfig::dcgan(1, size) }
}

#[test]
fn the_networks_have_the_sizes_of_their_peers() {
    let device = autodiff();
    let mut init = init(&device);
    let autoencoder = |size| AutoencoderConfig::dcgan(3, size);
    assert_eq!(trained_values(&autoencoder(32).build(&mut init)), 6_041_347);
    assert_eq!(trained_values(&autoencoder(64).build(&mut init)), 7_614_211);
    let generator = GeneratorConfig { channels: 3, width: 32, blocks: 4 };
    assert_eq!(trained_values(&generator.build(&mut init)), 1_374_723);
    let patches = PatchGanConfig { channels: 3, width: 32, layers: 2 };
    assert_eq!(trained_values(&patches.build(&mut init)), 167_649);
    let classifier = ResNetConfig { projection: true, ..ResNetConfig::resnet32(3, 10) };
    assert_eq!(trained_values(&classifier.build(&mut init)), 466_714);
}

#[test]
fn the_autoencoder_gives_back_the_shape() {
    let device = Device::flex();
    for (size, batch) in [(32, 3), (64, 2)] {
        let network = tiny(size).build(&mut init(&device));
        let x = drawn([batch, 1, size, size], &device);
        for mut pass in [Pass::inference(), Pass::training()] {
            let code = network.encode(x.clone(), &mut pass);
            assert_eq!(code.dims(), [batch, 16]);
            let back = network.decode(code, &mut pass);
            assert_eq!(back.dims(), [batch, 1, size, size]);
            let values = back.try_into_vec_as::<f32>().unwrap();
            assert!(values.iter().all(|v| v.abs() <= 1.0), "tanh at the end");
        }
    }
}

#[test]
fn the_networks_of_a_cyclegan_keep_shape_and_judge_patches() {
    let device = Device::flex();
    for (channels, size) in [(1, 16), (3, 32)] {
        let x = drawn([2, channels, size, size], &device);
        let generator = GeneratorConfig { channels, width: 4, blocks: 2 }.build(&mut init(&device));
        let made = generator.forward(x.clone());
        assert_eq!(made.dims(), x.dims());
        assert!(made.try_into_vec_as::<f32>().unwrap().iter().all(|v| v.abs() <= 1.0), "tanh at the end");
        let judge = PatchGanConfig { channels, width: 4, layers: 2 }.build(&mut init(&device));
        // Halved twice, then one less for each of the two convolutions with stride 1.
        assert_eq!(judge.forward(x).dims(), [2, 1, size / 4 - 2, size / 4 - 2]);
    }
    let published = PatchGanConfig { channels: 3, width: 4, layers: 3 }.build(&mut init(&device));
    assert_eq!(published.forward(drawn([1, 3, 64, 64], &device)).dims(), [1, 1, 6, 6]);
}

#[test]
fn a_configuration_from_elsewhere_is_bounded() {
    assert!(tiny(32).is_sane() && AutoencoderConfig::dcgan(3, 64).is_sane());
    for wrong in [
        AutoencoderConfig { size: 33, ..tiny(32) },
        AutoencoderConfig { size: 8, ..tiny(32) },
        AutoencoderConfig { size: 1 << 20, ..tiny(32) },
        AutoencoderConfig { channels: 2, ..tiny(32) },
        AutoencoderConfig { latent: 0, ..tiny(32) },
        AutoencoderConfig { widths: Vec::new(), ..tiny(32) },
        AutoencoderConfig { widths: vec![1; 64], ..tiny(32) },
        AutoencoderConfig { widths: vec![8, 8, 16, 1 << 20], ..tiny(32) },
    ] {
        assert!(!wrong.is_sane(), "{wrong:?}");
    }
    assert!(GeneratorConfig { channels: 3, width: 64, blocks: 9 }.is_sane());
    assert!(!GeneratorConfig { channels: 3, width: 1 << 20, blocks: 9 }.is_sane());
    assert!(!GeneratorConfig { channels: 3, width: 64, blocks: 1 << 20 }.is_sane());
    assert!(PatchGanConfig { channels: 3, width: 64, layers: 3 }.is_sane());
    assert!(!PatchGanConfig { channels: 3, width: 64, layers: 0 }.is_sane());
}

#[test]
fn gradients_reach_every_parameter() {
    let device = autodiff();
    let x = drawn([4, 1, 32, 32], &device);
    let autoencoder = tiny(32).build(&mut init(&device));
    let back = autoencoder.forward(x.clone(), &mut Pass::training());
    assert_reached(&autoencoder, (back - x).square().mean(), "autoencoder");

    let x = drawn([2, 1, 16, 16], &device);
    let generator = GeneratorConfig { channels: 1, width: 4, blocks: 2 }.build(&mut init(&device));
    let far = (generator.forward(x.clone()) - x.clone()).square().mean();
    assert_reached(&generator, far, "generator");
    let judge = PatchGanConfig { channels: 1, width: 4, layers: 2 }.build(&mut init(&device));
    let far = (judge.forward(x) - 1.0).square().mean();
    assert_reached(&judge, far, "PatchGAN");
}

/// Upright stripes of 4 pixels and lying ones of 8, each in two phases, at -0.8 and 0.8.
fn stripes(count: usize, size: usize, device: &Device) -> Tensor<4> {
    let mut values = Vec::with_capacity(count * size * size);
    for image in 0..count {
        for y in 0..size {
            for x in 0..size {
                let along = if image % 2 == 0 { x } else { y };
                let light = (along / (4 << (image % 2)) + image / 2).is_multiple_of(2);
                values.push(if light { 0.8_f32 } else { -0.8 });
            }
        }
    }
    Tensor::from_data(TensorData::new(values, [count, 1, size, size]), device)
}

#[test]
fn the_autoencoder_learns_one_batch_by_heart() {
    let device = autodiff();
    let x = stripes(8, 32, &device);
    let mut network = tiny(32).build(&mut init(&device));
    let mut adam = Adam::default();
    let mut losses = Vec::new();
    // The same in PyTorch begins at 0.65 and is at 0.01 to 0.04 after 40 steps, whatever the seed.
    for _ in 0..40 {
        let mut pass = Pass::training();
        let loss = (network.forward(x.clone(), &mut pass) - x.clone()).square().mean();
        losses.push(scalar(loss.clone().detach()));
        let grads = loss.backward();
        network = adam.step(network.clone(), &grads, 0.01).absorb(pass);
    }
    let (first, last) = (losses[0], losses[losses.len() - 1]);
    assert!((0.5..0.8).contains(&first), "the start should be near the pictures' own square: {first}");
    assert!(last < first / 5.0, "no learning: {losses:?}");
    // The running statistics came along: they stand at 0 and 1 where nobody absorbs a pass.
    let tensors = parameters::read(&network);
    let of = |end: &str| tensors.iter().filter(move |(name, _)| name.ends_with(end)).collect::<Vec<_>>();
    assert_eq!((of("running_mean").len(), of("running_var").len()), (8, 8));
    assert!(of("running_mean").iter().all(|(_, t)| t.values.iter().any(|v| *v != 0.0)));
    assert!(of("running_var").iter().all(|(_, t)| t.values.iter().all(|v| *v != 1.0)));
}

/// One weight and one bias whose gradients are the input and 1.
struct Line {
    linear: Linear,
    device: Device,
}

impl Line {
    /// Weight 0.5, bias 0.25.
    fn new() -> Self {
        let device = autodiff();
        let linear = Linear::new(&mut init(&device), 1, 1);
        let mut values = parameters::read(&linear);
        values.insert("weight".to_owned(), HostTensor { shape: vec![1, 1], values: vec![0.5] });
        values.insert("bias".to_owned(), HostTensor { shape: vec![1], values: vec![0.25] });
        Line { linear: parameters::write(linear, &values).unwrap(), device }
    }

    /// A step of 0.1 with this gradient of the weight; the new weight and bias.
    fn step(&mut self, adam: &mut Adam, gradient: f32) -> [f32; 2] {
        let x = Tensor::<2>::from_data(TensorData::new(vec![gradient], [1, 1]), &self.device);
        let grads = self.linear.forward(x).sum().backward();
        self.linear = adam.step(self.linear.clone(), &grads, 0.1);
        let values = parameters::read(&self.linear);
        [values["weight"].values[0], values["bias"].values[0]]
    }
}

fn assert_near(got: f32, want: f64, what: &str) {
    assert!((f64::from(got) - want).abs() < 1e-6, "{what}: got {got}, want {want}");
}

#[test]
fn the_first_step_of_adam_by_hand() {
    // m = 0.1 g and v = 0.001 g², corrected to g and g²: a step of 0.1 g / (|g| + 1e-8), which is 0.1 for any g
    // that is far from 1e-8, and half of it at 1e-8.
    for (gradient, step) in [(1.0, 0.1), (-250.0, -0.1), (0.003, 0.1), (1e-8, 0.05)] {
        let [weight, bias] = Line::new().step(&mut Adam::default(), gradient);
        assert_near(weight, 0.5 - step, &format!("weight at {gradient}"));
        assert_near(bias, 0.15, "bias");
    }
    // No gradient, no movement: 0 / (0 + 1e-8).
    assert_near(Line::new().step(&mut Adam::default(), 0.0)[0], 0.5, "weight at 0");
}

#[test]
fn three_steps_of_adam_are_those_of_torch() {
    let sequences = [
        ([0.9, 0.999], [0.400_000_006, 0.436_610_341, 0.402_286_232], [-0.109_999_992, 0.201_000_005]),
        ([0.5, 0.999], [0.400_000_006, 0.463_236_064, 0.403_736_055], [-0.75, 1.125]),
    ];
    for (betas, weights, moments) in sequences {
        let (mut line, mut adam) = (Line::new(), Adam::new(betas));
        let gradients: [f32; 3] = [1.0, -2.0, 3.0];
        for (index, (gradient, want)) in gradients.into_iter().zip(weights).enumerate() {
            let [weight, bias] = line.step(&mut adam, gradient);
            assert_near(weight, want, &format!("{betas:?}, weight after {gradient}"));
            // The bias has gradient 1 each time, so both corrected moments are 1 and each step is 0.1.
            assert_near(bias, 0.25 - 0.1 * (index as f64 + 1.0), "bias");
            let state = adam.state();
            // In closed form a moment is (1 - b) times the sum of b^(t-i) over the gradients i up to t.
            let closed = |beta: f64, power: i32| {
                let ages = gradients[..=index].iter().rev().enumerate();
                let sum: f64 = ages.map(|(age, g)| beta.powi(age as i32) * f64::from(*g).powi(power)).sum();
                (1.0 - beta) * sum
            };
            let first = state["weight.first_moment"].values[0];
            assert_near(first, closed(betas[0], 1), "first moment");
            assert_near(state["weight.second_moment"].values[0], closed(betas[1], 2), "second moment");
            assert_eq!(state["weight.steps"].values, [index as f32 + 1.0]);
            if index > 0 {
                assert_near(first, moments[index - 1], "first moment of torch");
            }
        }
    }
}

#[test]
fn adam_goes_on_from_its_state() {
    let (mut line, mut adam) = (Line::new(), Adam::default());
    for gradient in [1.0, -2.0] {
        line.step(&mut adam, gradient);
    }
    let mut restored = Adam::default();
    restored.restore(&adam.state(), &Device::flex());
    assert_eq!(restored.state(), adam.state());
    let again = Line { linear: line.linear.clone(), device: line.device.clone() }.step(&mut restored, 3.0);
    assert_eq!(line.step(&mut adam, 3.0), again);
}

fn run(line: &str) -> Output {
    let place = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_counterpoise"))
        .args(line.split_whitespace())
        .current_dir(place.path())
        .env("COUNTERPOISE_DATA_DIR", place.path().join("data"))
        .env("XDG_CACHE_HOME", place.path().join("cache"))
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn bench_prints_the_rows_that_are_asked_for() {
    let output = run("bench --rows smote --repeats 1 --device cpu --threads 2 --json");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let object = object.as_object().unwrap();
    let times: Vec<&String> = object.keys().filter(|name| !name.starts_with('_')).collect();
    assert_eq!(times, ["smote"], "nothing but the row and names with an underscore");
    assert!(object["smote"].as_f64().unwrap() > 0.0);
    assert_eq!(object["_device"], "cpu");
    assert_eq!(object["_threads"], 2);
    assert!(object["_instruction_set"].is_string());
}

#[test]
fn bench_refuses_what_it_cannot_time() {
    let output = run("bench --rows smote,classifier --json");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(rows().iter().all(|row| said.contains(row)), "the known rows are named: {said}");
    assert!(output.stdout.is_empty());
    let output = run("bench --rows folder_load");
    assert_eq!(output.status.code(), Some(2), "a row of a folder needs one");
    assert!(String::from_utf8_lossy(&output.stderr).contains("--folder"));
}

#[test]
fn bench_as_a_job_refuses_and_cancels() {
    let request = |row: &str| BenchRequest {
        rows: vec![row.to_owned()],
        repeats: 1,
        device: "cpu".to_owned(),
        ..BenchRequest::default()
    };
    assert!(matches!(bench(&Ctx::default(), &request("speed")), Err(JobError::Input(_))));
    assert!(matches!(bench(&Ctx::default(), &request("folder_load")), Err(JobError::Input(_))));
    let ctx = Ctx::default();
    ctx.cancel();
    assert!(matches!(bench(&ctx, &request("classifier_infer")), Err(JobError::Cancelled)));
}
