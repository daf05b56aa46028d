//! MobileNet's features of pictures: the reference of the weights file where there is one, what holds for any weights,
//! hostile weights files, and the figures of a run on them.
#![allow(clippy::unwrap_used)]

#[path = "common/balance.rs"]
mod balance;
#[path = "common/data.rs"]
mod data;
#[path = "common/shapes.rs"]
mod shapes;
#[path = "common/store.rs"]
mod store;
#[path = "common/training.rs"]
mod training;
#[path = "common/window.rs"]
mod window;

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use balance::Balance;
use burn::tensor::{Tensor, TensorData};
use counterpoise::domain::random::{Stage, stream};
use counterpoise::domain::task::{Ctx, Level};
use counterpoise::evaluation::distance::{FeatureRows, Measure};
use counterpoise::evaluation::features::{FeatureSpace, FeaturesError, MobileNetFeatures, read_weights};
use counterpoise::gui::app::App;
use counterpoise::gui::command::{Action, Command};
use counterpoise::gui::state::{Face, JobKind, ModelFile};
use counterpoise::imaging::picture::{Depth, Picture, Pixels};
use counterpoise::jobs::JobError;
use counterpoise::jobs::generate::{GenerateRequest, generate};
use counterpoise::jobs::train::train;
use counterpoise::nn::ComputeDevice;
use counterpoise::nn::layers::FixedConv2d;
use counterpoise::nn::mobilenet::{FEATURES, MAX_BYTES, MobileNetError, MobileNetWeights, SIDE};
use counterpoise::nn::parameters::{HostTensor, ParametersError, TensorMap};
use counterpoise::nn::weights::{Weights, WeightsError};
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use window::{settle, window};

/// Names and shapes of the published network, written down apart from the code.
fn shapes_of_tensors() -> Vec<(String, Vec<usize>)> {
    let mut found = vec![("conv0".to_owned(), vec![32, 3, 3, 3])];
    let widths = [32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024];
    for (block, pair) in widths.windows(2).enumerate() {
        found.push((format!("block{}.dw", block + 1), vec![pair[0], 1, 3, 3]));
        found.push((format!("block{}.pw", block + 1), vec![pair[1], pair[0], 1, 1]));
    }
    found
}

/// Random weights that keep values at their size from layer to layer, made once.
fn tensors() -> &'static TensorMap {
    static TENSORS: OnceLock<TensorMap> = OnceLock::new();
    TENSORS.get_or_init(|| {
        let mut tensors = TensorMap::new();
        for (index, (name, shape)) in shapes_of_tensors().into_iter().enumerate() {
            let mut draws = stream(1, Stage::Other, 0, index as u64);
            let inputs: usize = shape[1..].iter().product();
            let bound = (6.0 / inputs as f32).sqrt();
            let outputs = shape[0];
            let values = (0..outputs * inputs).map(|_| (draws.uniform_f32() * 2.0 - 1.0) * bound).collect();
            let bias = (0..outputs).map(|_| draws.uniform_f32() * 0.2).collect();
            tensors.insert(format!("{name}.weight"), HostTensor { shape, values });
            tensors.insert(format!("{name}.bias"), HostTensor { shape: vec![outputs], values: bias });
        }
        tensors
    })
}

/// The safetensors file of some tensors.
fn file(tensors: &TensorMap) -> Vec<u8> {
    Weights { config: Value::Null, tensors: tensors.clone() }.to_bytes().unwrap()
}

/// A safetensors file with any header.
fn raw(header: &str, values: &[u8]) -> Vec<u8> {
    let mut out = (header.len() as u64).to_le_bytes().to_vec();
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(values);
    out
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// The network with random weights on the processor.
fn network() -> MobileNetFeatures {
    let weights = MobileNetWeights::from_bytes(&file(tensors())).unwrap();
    MobileNetFeatures::new(&weights, &ComputeDevice::cpu())
}

fn row(rows: &FeatureRows, at: usize) -> &[f64] {
    &rows.values()[at * FEATURES..(at + 1) * FEATURES]
}

fn apart(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

// ------------------------------------------------------------------ the network

/// The two images that the weights file's reference was computed on, by its formulas.
fn formula(name: &str) -> Picture {
    let side = SIDE as u32;
    let pixels: Vec<u8> = match name {
        "gradient" => (0..side * side)
            .flat_map(|at| {
                let (y, x) = (at / side, at % side);
                [y, x, (y + x) / 2].map(|value| value as u8)
            })
            .collect(),
        "lcg_noise" => (0..u64::from(side * side * 3))
            .map(|at| (((at * 1_103_515_245 + 12_345) >> 16) & 255) as u8)
            .collect(),
        other => panic!("no formula for {other}"),
    };
    Picture::new(side, side, 3, Pixels::U8(pixels)).unwrap()
}

#[test]
fn features_of_the_published_weights_are_the_reference() {
    let Some(weights) = data::file("weights/mobilenet_v1_1.0_224_features.f32.safetensors.gz") else {
        return;
    };
    let Some(golden) = data::file("weights/golden.json") else { return };
    let golden: Value = serde_json::from_str(&fs::read_to_string(golden).unwrap()).unwrap();
    let network = MobileNetFeatures::new(&read_weights(&weights).unwrap(), &ComputeDevice::cpu());
    let features = golden["features"].as_object().unwrap();
    assert!(features.len() >= 2, "the reference lost an image");
    for (name, wanted) in features {
        let wanted: Vec<f64> = wanted.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        let found = network.rows(&Ctx::default(), &[formula(name)]).unwrap();
        let mean =
            found.values().iter().zip(&wanted).map(|(a, b)| (a - b).abs()).sum::<f64>() / FEATURES as f64;
        let most = apart(found.values(), &wanted);
        println!("{name}: features differ by {mean:.2e} in the mean and {most:.2e} at most");
        assert!(most < 2e-3 && mean < 1e-4, "{name}: {mean} in the mean, {most} at most");
    }
}

#[test]
fn the_border_is_tensorflows() {
    let device = ComputeDevice::cpu().plain();
    let tensor = |shape: [usize; 4], values: Vec<f32>| -> Tensor<4> {
        Tensor::from_data(TensorData::new(values, shape), &device)
    };
    // Two channels with the same image 0, 1, 2 ..: sums of 3x3 pixels, and twice those and 100.
    let run = |side: usize, stride: usize| {
        let weight = [vec![1.0; 9], vec![2.0; 9]].concat();
        let bias: Tensor<1> = Tensor::from_data(TensorData::new(vec![0.0_f32, 100.0], [2]), &device);
        let filters = FixedConv2d::new(tensor([2, 1, 3, 3], weight), bias, stride, 2);
        let image: Vec<f32> = (0..side * side).map(|value| value as f32).collect();
        let out = filters.forward(tensor([1, 2, side, side], [image.clone(), image].concat()));
        out.try_into_vec_as::<f32>().unwrap()
    };
    let both =
        |sums: [f32; 4]| sums.into_iter().chain(sums.map(|sum| 2.0 * sum + 100.0)).collect::<Vec<f32>>();
    // An even side: the border is below and at the right alone.
    assert_eq!(run(4, 2), both([45.0, 39.0, 66.0, 50.0]));
    // An odd side: all around.
    assert_eq!(run(3, 2), both([8.0, 12.0, 20.0, 24.0]));
    assert_eq!(run(2, 1), both([6.0; 4]));
}

#[test]
fn a_picture_has_its_features_in_any_batch() {
    let network = network();
    // More than one batch, of two sizes.
    let pictures: Vec<Picture> = (0..18)
        .map(|index| shapes::picture(index % 3, index, if index % 2 == 0 { 28 } else { 64 }, 3, false))
        .collect();
    let together = network.rows(&Ctx::default(), &pictures).unwrap();
    assert_eq!((together.rows(), together.features()), (18, 1024));
    assert!(together.values().iter().all(|value| (0.0..=6.0).contains(value)), "ReLU6 at the end");
    for alone in [0..1, 17..18, 4..7] {
        let rows = network.rows(&Ctx::default(), &pictures[alone.clone()]).unwrap();
        for (at, index) in alone.enumerate() {
            let difference = apart(row(&rows, at), row(&together, index));
            assert!(difference < 1e-5, "{index}: {difference}");
        }
    }
    assert!(apart(row(&together, 0), row(&together, 1)) > 1e-3, "features say nothing");
    assert_eq!(network.rows(&Ctx::default(), &[]).unwrap().rows(), 0);

    let cancelled = Ctx::default();
    cancelled.cancel();
    assert!(matches!(network.rows(&cancelled, &pictures), Err(FeaturesError::Cancelled)));
}

#[test]
fn grey_is_colour_with_equal_channels() {
    let network = network();
    let (small, large) = (shapes::picture(0, 1, 28, 1, false), shapes::picture(1, 2, SIDE as u32, 1, false));
    let pictures = [small.clone(), small.to_colour(), large.clone(), large.to_depth(Depth::Sixteen)];
    let rows = network.rows(&Ctx::default(), &pictures).unwrap();
    assert!(apart(row(&rows, 0), row(&rows, 1)) < 1e-6, "three channels");
    assert!(apart(row(&rows, 2), row(&rows, 3)) < 1e-5, "16 bit");
    assert!(apart(row(&rows, 0), row(&rows, 2)) > 1e-3);
    // Red first: a picture with its channels turned round is another one.
    let colour = shapes::picture(2, 3, 28, 3, false);
    let Pixels::U8(values) = &colour.pixels else { panic!("8 bit") };
    let turned = values.chunks(3).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect();
    let turned = Picture::new(28, 28, 3, Pixels::U8(turned)).unwrap();
    let rows = network.rows(&Ctx::default(), &[colour, turned]).unwrap();
    assert!(apart(row(&rows, 0), row(&rows, 1)) > 1e-4);
}

#[test]
fn figures_are_named_for_their_features() {
    let names = |space: FeatureSpace| Measure::ALL.map(|measure| space.figure(measure));
    assert_eq!(names(FeatureSpace::Judge), Measure::ALL.map(Measure::name));
    assert_eq!(
        names(FeatureSpace::MobileNet),
        ["FD-MobileNet", "KID-MobileNet", "precision", "recall", "density", "coverage", "1-NN accuracy"]
    );
    assert_eq!(FeatureSpace::ALL.map(FeatureSpace::name), ["g", "MobileNet"]);
}

// ------------------------------------------------------------------ the weights file

#[track_caller]
fn refused(bytes: &[u8]) -> MobileNetError {
    let error = MobileNetWeights::from_bytes(bytes).unwrap_err();
    let remedy = if matches!(error, MobileNetError::Gzip(_)) { "copy" } else { "MobileNet v1 1.0 224" };
    assert!(error.to_string().contains(remedy), "no remedy: {error}");
    error
}

#[test]
fn other_tensors_are_refused_by_name() {
    let changed = |change: fn(&mut TensorMap)| {
        let mut tensors = tensors().clone();
        change(&mut tensors);
        refused(&file(&tensors))
    };
    let missing = changed(|tensors| {
        tensors.remove("block7.dw.bias");
    });
    assert!(
        matches!(&missing, MobileNetError::Parameters(ParametersError::Missing(name)) if name == "block7.dw.bias"),
        "{missing}"
    );
    // As many values in another shape.
    let shape = changed(|tensors| tensors.get_mut("block3.pw.weight").unwrap().shape = vec![64, 256, 1, 1]);
    assert!(
        matches!(
            &shape,
            MobileNetError::Parameters(ParametersError::Shape { name, found, wanted })
                if name == "block3.pw.weight" && *found == [64, 256, 1, 1] && *wanted == [128, 128, 1, 1]
        ),
        "{shape}"
    );
    // A normalisation that was not folded.
    let unknown = changed(|tensors| {
        tensors.insert("block1.bn.weight".to_owned(), HostTensor { shape: vec![1], values: vec![1.0] });
    });
    assert!(
        matches!(&unknown, MobileNetError::Parameters(ParametersError::Unknown(name)) if name == "block1.bn.weight"),
        "{unknown}"
    );
}

#[test]
fn what_is_no_file_of_weights_is_refused() {
    let whole = file(tensors());
    let cut = &whole[..whole.len() - 1];
    let far = r#"{"conv0.weight":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}"#;
    let overflow =
        r#"{"conv0.weight":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,4]}}"#;
    let broken = [
        Vec::new(),
        vec![0x1f],
        whole[..7].to_vec(),
        cut.to_vec(),
        [whole.as_slice(), &[0]].concat(),
        u64::MAX.to_le_bytes().to_vec(),
        b"\x89PNG\r\n\x1a\n and so on".to_vec(),
        raw("{", &[]),
        raw(far, &[0; 4]),
        raw(overflow, &[0; 4]),
    ];
    for bytes in broken {
        let error = refused(&bytes);
        assert!(matches!(error, MobileNetError::Weights(WeightsError::Format(_))), "{error}");
    }
    let half = raw(r#"{"conv0.weight":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}"#, &[0; 2]);
    assert!(matches!(refused(&half), MobileNetError::Weights(WeightsError::Type(_))));
    assert!(matches!(refused(&raw("{}", &[])), MobileNetError::Parameters(ParametersError::Missing(_))));
    let mut no_number = whole.clone();
    let end = no_number.len() - 4;
    no_number[end..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(matches!(refused(&no_number), MobileNetError::Weights(WeightsError::NotFinite(_))));
    assert!(matches!(refused(&vec![0; MAX_BYTES + 1]), MobileNetError::TooLarge));
}

#[test]
fn gzip_is_unpacked_within_bounds() {
    let whole = file(tensors());
    let small = packed(&whole);
    assert_eq!(MobileNetWeights::from_bytes(&small).unwrap(), MobileNetWeights::from_bytes(&whole).unwrap());
    for length in [3, 15, small.len() / 2, small.len() - 1] {
        assert!(matches!(refused(&small[..length]), MobileNetError::Gzip(_)), "{length}");
    }
    let mut flipped = small.clone();
    // The checksum is in the last eight bytes.
    let at = flipped.len() - 7;
    flipped[at] ^= 1;
    assert!(matches!(refused(&flipped), MobileNetError::Gzip(_)));
    let bomb = packed(&vec![0; MAX_BYTES + 1]);
    assert!(bomb.len() < MAX_BYTES / 50);
    assert!(matches!(refused(&bomb), MobileNetError::TooLarge));
    // What was packed is looked at as if it were plain.
    assert!(matches!(refused(&packed(b"{}")), MobileNetError::Weights(WeightsError::Format(_))));
}

#[test]
fn a_file_is_read_within_bounds_and_named_last() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let refused = |path: PathBuf| {
        let error = read_weights(&path).unwrap_err();
        let text = error.to_string();
        assert!(text.ends_with(&path.display().to_string()), "{text}");
        error
    };
    assert!(matches!(refused(place("nowhere")), FeaturesError::Missing(_)));
    assert!(matches!(refused(folder.path().to_owned()), FeaturesError::Unreadable { .. }));
    fs::write(place("cut"), &file(tensors())[..5000]).unwrap();
    assert!(matches!(
        refused(place("cut")),
        FeaturesError::Refused { error: MobileNetError::Weights(WeightsError::Format(_)), .. }
    ));
    fs::File::create(place("huge")).unwrap().set_len(4 * MAX_BYTES as u64).unwrap();
    assert!(matches!(refused(place("huge")), FeaturesError::Refused { error: MobileNetError::TooLarge, .. }));
    fs::write(place("whole"), file(tensors())).unwrap();
    assert_eq!(
        read_weights(&place("whole")).unwrap(),
        MobileNetWeights::from_bytes(&file(tensors())).unwrap()
    );
}

// ------------------------------------------------------------------ a run

#[test]
fn a_run_gives_figures_on_both_kinds_of_features() {
    let temp = tempfile::tempdir().unwrap();
    let dataset = store::class_folders(&temp.path().join("source"), &[("cat", 12), ("dog", 20)]);
    let mut work = Balance::m2m(temp.path(), dataset);
    let (recorder, ctx) = training::recorder(None);
    train(&ctx, &work.training()).unwrap();

    let weights = temp.path().join("weights.safetensors.gz");
    let request = GenerateRequest { features: Some(weights.clone()), ..work.making() };
    let missing = generate(&ctx, &request, &mut work.project).unwrap_err();
    assert!(matches!(&missing, JobError::Input(text) if text.contains("no such weights file")), "{missing}");

    fs::write(&weights, packed(&file(tensors()))).unwrap();
    let made = generate(&ctx, &request, &mut work.project).unwrap();
    assert_eq!(made.candidates, 8);
    let shown: Vec<Value> = made.distances.iter().map(|of| of.json()).collect();
    let features: Vec<&str> = shown.iter().map(|of| of["features"].as_str().unwrap()).collect();
    assert_eq!(features, ["g", "MobileNet"]);
    for (of, space) in shown.iter().zip(FeatureSpace::ALL) {
        assert_eq!(of["name"], "cat");
        let figures = of["distances"].as_array().unwrap();
        assert_eq!(figures.len(), Measure::ALL.len());
        for (figure, measure) in figures.iter().zip(Measure::ALL) {
            assert_eq!(figure["name"], space.figure(measure));
            // Half of the real images on either side.
            assert_eq!(figure["n"], 6);
            assert_eq!(figure["says_little"], measure == Measure::Frechet);
            assert!(figure["value"].is_number() && figure["floor"].is_number(), "{figure}");
        }
    }
    for name in ["KID-g", "KID-MobileNet"] {
        assert!(recorder.says(Level::Info, &format!("cat: {name}")), "{name} is not told");
    }
    let said: Vec<String> = made.distances.iter().map(|of| of.sentence().unwrap()).collect();
    let learnt = |text: &String| text.contains("the judge learnt from these real images");
    assert_eq!(said.iter().map(learnt).collect::<Vec<bool>>(), [true, false], "{said:?}");

    // Without a weights file there are the judge's alone, and they are the same.
    let again = generate(&ctx, &work.making(), &mut work.project).unwrap();
    assert_eq!(again.distances, made.distances[..1]);
}

#[test]
fn the_window_looks_at_feature_weights_before_it_uses_them_and_keeps_them() {
    let temp = tempfile::tempdir().unwrap();
    store::class_folders(&temp.path().join("set"), &[("cat", 6), ("dog", 9)]);
    let place = |name: &str| temp.path().join(name);
    let good = place("weights.safetensors");
    fs::write(&good, file(tensors())).unwrap();
    fs::copy(&good, place("weights.bin")).unwrap();
    fs::write(place("other.safetensors"), b"no weights at all").unwrap();
    let used = |app: &App| app.state.project.as_ref().and_then(|project| project.settings.features_path());
    {
        let mut harness = window(temp.path());
        for (name, why) in [
            ("nowhere.safetensors", "no such weights file"),
            ("other.safetensors", "other.safetensors"),
            ("weights.bin", "ends with .safetensors"),
        ] {
            harness.state_mut().act(Action::UseFeatures(place(name)));
            let refused =
                |app: &App| matches!(&app.state.train.features, Face::Failed(text) if text.contains(why));
            settle(&mut harness, why, refused);
            assert_eq!(used(harness.state()), None, "{name}");
        }
        harness.state_mut().act(Action::UseFeatures(good.clone()));
        settle(&mut harness, "use", |app| used(app).as_ref() == Some(&good) && app.is_idle());
    }
    let mut harness = window(temp.path());
    assert_eq!(used(harness.state()), Some(good.clone()), "after a restart");
    harness.state_mut().act(Action::Do(Command::GoTrain));
    harness.run_steps(3);
    assert!(harness.query_by_label("weights.safetensors").is_some());

    // They reach the run, which says at once that they are gone since.
    fs::remove_file(&good).unwrap();
    let (path, method) = (place("m2m.safetensors"), "m2m".to_owned());
    let model =
        ModelFile { params: Default::default(), path, method, facts: Vec::new(), beta: None, warning: None };
    harness.state_mut().state.train.model = Face::Full(model);
    harness.state_mut().act(Action::Do(Command::Generate));
    let failed = |app: &App| app.state.failure(JobKind::Generate).map(str::to_owned);
    settle(&mut harness, "fail", |app| failed(app).is_some());
    assert!(failed(harness.state()).unwrap().contains("no such weights file"));

    harness.state_mut().act(Action::Do(Command::GoTrain));
    harness.run_steps(3);
    harness.get_by_role_and_label(Role::Button, "Clear").click_accesskit();
    harness.run_steps(3);
    assert_eq!(used(harness.state()), None);
    assert!(harness.query_by_role_and_label(Role::TextInput, "Path of feature weights").is_some());
}
