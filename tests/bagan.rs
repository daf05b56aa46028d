//! BAGAN and BAGAN-GP: the prior of a class, where the GAN begins, what it learns, and that it resumes.
#![allow(clippy::unwrap_used)]

#[path = "common/shapes.rs"]
mod shapes;

use std::path::Path;
use std::sync::{Arc, Mutex};

use counterpoise::domain::random::{Stage, stream};
use counterpoise::domain::task::{Ctx, Event, Level, Sink};
use counterpoise::imaging::picture::{Picture, Pixels};
use counterpoise::imaging::resize::Fit;
use counterpoise::imaging::training_set::{Spec, TrainingSet};
use counterpoise::nn::ComputeDevice;
use counterpoise::nn::weights::Weights;
use counterpoise::oversampling::rows::RowsError;
use counterpoise::oversampling::rows::normal::{NormalLaw, around};
use counterpoise::oversampling::{
    Candidate, FitRequest, GenerateRequest, MethodError, Model, ParamMap, method,
};
use serde_json::{Value, json};

/// A text in a stage or a note, and what to do when it comes.
type Act = (&'static str, fn(&Ctx));

/// Keeps every event, and acts on some.
#[derive(Default)]
struct Recorder {
    events: Mutex<Vec<Event>>,
    ctx: Mutex<Option<Ctx>>,
    act: Option<Act>,
}

struct Shared(Arc<Recorder>);

impl Sink for Shared {
    fn event(&self, event: Event) {
        let Shared(recorder) = self;
        let text = match &event {
            Event::Progress { stage: text, .. } | Event::Note { text, .. } => text.as_str(),
            _ => "",
        };
        if let Some((at, act)) = recorder.act
            && text.contains(at)
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
    /// The values of a curve, in order.
    fn curve(&self, name: &str) -> Vec<f64> {
        let events = self.events.lock().unwrap();
        let values = events.iter().filter_map(|event| match event {
            Event::Metric { series, value, .. } if series == name => Some(*value),
            _ => None,
        });
        values.collect()
    }

    /// First and last value of a curve.
    fn ends(&self, name: &str) -> (f64, f64) {
        let curve = self.curve(name);
        (*curve.first().unwrap(), *curve.last().unwrap())
    }

    fn says(&self, level: Level, text: &str) -> bool {
        let events = self.events.lock().unwrap();
        events.iter().any(
            |event| matches!(event, Event::Note { level: l, text: t } if *l == level && t.contains(text)),
        )
    }
}

fn fit(
    ctx: &Ctx,
    id: &str,
    set: &TrainingSet,
    params: &Value,
    checkpoint: Option<&Path>,
) -> Result<Box<dyn Model>, MethodError> {
    let (params, device) = (params.as_object().unwrap().clone(), ComputeDevice::cpu());
    let request =
        FitRequest { training: set, validation: None, params: &params, seed: 3, device: &device, checkpoint };
    method(id).unwrap().fit(ctx, &request)
}

fn generate(model: &dyn Model, set: &TrainingSet, class: usize, count: u32) -> Vec<Candidate> {
    let (slots, params): (Vec<u32>, _) = ((0..count).collect(), ParamMap::new());
    let request =
        GenerateRequest { training: set, class, slots: &slots, attempt: 0, params: &params, seed: 3 };
    let mut made = Vec::new();
    model
        .generate(&Ctx::default(), &request, &mut |candidate| {
            made.push(candidate);
            Ok(())
        })
        .unwrap();
    made
}

/// What a model's file holds.
fn weights(model: &dyn Model) -> Weights {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    model.save(&path).unwrap();
    Weights::from_bytes(&std::fs::read(&path).unwrap()).unwrap()
}

/// The largest difference of two networks' parameters, running statistics left out.
fn apart(a: &Weights, part_of_a: &str, b: &Weights, part_of_b: &str) -> f32 {
    let (a, b) = (a.part(part_of_a), b.part(part_of_b));
    let shared: Vec<&String> =
        a.keys().filter(|name| b.contains_key(*name) && !name.contains("running")).collect();
    assert!(!shared.is_empty(), "{part_of_a} and {part_of_b} share no parameter");
    let differences = shared
        .into_iter()
        .flat_map(|name| a[name].values.iter().zip(&b[name].values).map(|(a, b)| (a - b).abs()));
    differences.fold(0.0, f32::max)
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt()
}

/// Share of pictures that are nearer to a real image of their class than to any image of another one.
fn at_home(set: &TrainingSet, made: &[Candidate]) -> f64 {
    let nearest = |made: &[f32], wanted: &dyn Fn(usize) -> bool| {
        let of = (0..set.len()).filter(|&at| wanted(set.labels[at]));
        of.map(|at| distance(made, &set.picture(at).to_f32())).fold(f64::INFINITY, f64::min)
    };
    let home = made.iter().filter(|candidate| {
        let (pixels, class) = (candidate.picture.to_f32(), candidate.class);
        nearest(&pixels, &|label| label == class) < nearest(&pixels, &|label| label != class)
    });
    home.count() as f64 / made.len() as f64
}

// The prior of a class

/// Mean and covariance, over n - 1, of rows.
fn moments(rows: &[Vec<f64>]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let (n, features) = (rows.len() as f64, rows[0].len());
    let mean: Vec<f64> = (0..features).map(|j| rows.iter().map(|row| row[j]).sum::<f64>() / n).collect();
    let covariance = |j: usize, k: usize| {
        rows.iter().map(|row| (row[j] - mean[j]) * (row[k] - mean[k])).sum::<f64>() / (n - 1.0)
    };
    let covariance = (0..features).map(|j| (0..features).map(|k| covariance(j, k)).collect()).collect();
    (mean, covariance)
}

fn wide(row: &[f32]) -> Vec<f64> {
    row.iter().map(|value| f64::from(*value)).collect()
}

#[test]
fn a_prior_has_the_mean_and_the_covariance_of_its_rows() {
    const DRAWS: usize = 40_000;
    // More rows than features, fewer, and two: the last two have singular covariances.
    for (count, features) in [(9, 3), (4, 6), (2, 3)] {
        let mut start = stream(1, Stage::Other, count as u64, features as u64);
        let rows: Vec<f32> = (0..count * features)
            .map(|at| (start.uniform() * (1 + at % features) as f64 + (at % features) as f64) as f32)
            .collect();
        let (mean, covariance) = moments(&rows.chunks(features).map(wide).collect::<Vec<_>>());
        let law = NormalLaw::of(rows.clone(), features).unwrap();
        assert_eq!((law.count(), law.features(), law.rows()), (count, features, rows.as_slice()));
        let drawn: Vec<Vec<f64>> = (0..DRAWS)
            .map(|index| wide(&law.draw(&mut stream(2, Stage::Other, count as u64, index as u64))))
            .collect();
        let (found_mean, found_covariance) = moments(&drawn);
        let n = DRAWS as f64;
        for j in 0..features {
            // Five standard errors each.
            let error = 5.0 * (covariance[j][j] / n).sqrt();
            assert!((found_mean[j] - mean[j]).abs() < error, "mean {j} of {count} rows");
            for k in 0..features {
                let spread = covariance[j][j] * covariance[k][k] + covariance[j][k].powi(2);
                let error = 5.0 * (spread / n).sqrt();
                let found = found_covariance[j][k];
                assert!(
                    (found - covariance[j][k]).abs() < error,
                    "covariance {j} {k} of {count} rows: {found}"
                );
            }
            // A normal law, and no other one with these moments.
            let fourth = drawn.iter().map(|row| (row[j] - found_mean[j]).powi(4)).sum::<f64>() / n;
            let kurtosis = fourth / found_covariance[j][j].powi(2);
            assert!((kurtosis - 3.0).abs() < 5.0 * (24.0 / n).sqrt(), "kurtosis {kurtosis}");
        }
    }
    let law = NormalLaw::of(vec![1.0, 2.0, 3.0, 5.0], 2).unwrap();
    let draw = |index| law.draw(&mut stream(2, Stage::Other, 0, index));
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
}

#[test]
fn one_row_gets_a_little_noise_and_none_is_refused() {
    let row = [0.5_f32, -1.0, 2.0, 4.0];
    let law = NormalLaw::of(row.to_vec(), 4).unwrap();
    let drawn: Vec<Vec<f64>> =
        (0..20_000).map(|index| wide(&law.draw(&mut stream(3, Stage::Other, 0, index)))).collect();
    let (mean, covariance) = moments(&drawn);
    // A tenth of the deviation of the row's four numbers.
    let centre = row.iter().sum::<f32>() / 4.0;
    let variance = row.iter().map(|value| f64::from(value - centre).powi(2)).sum::<f64>() / 4.0 / 100.0;
    for j in 0..4 {
        assert!((mean[j] - f64::from(row[j])).abs() < 5.0 * (variance / 20_000.0).sqrt());
        assert!((covariance[j][j] / variance - 1.0).abs() < 0.1, "{}", covariance[j][j]);
    }
    let draws = || stream(3, Stage::Other, 0, 1);
    assert_eq!(law.draw(&mut draws()), around(&row, &mut draws()));

    assert_eq!(NormalLaw::of(Vec::new(), 4), Err(RowsError::NoImage));
    assert_eq!(NormalLaw::of(vec![0.0; 7], 4), Err(RowsError::Shape { values: 7, rows: 1, features: 4 }));
    assert_eq!(NormalLaw::of(vec![0.0, 1.0, f32::NAN, 0.0], 2), Err(RowsError::NotFinite(1)));
}

// Where the GAN begins

/// Every part has one step an epoch, because a batch takes all images.
const SHORT: [usize; 2] = [30, 12];

#[test]
fn bagan_begins_with_the_decoder_and_the_encoder() {
    let set = shapes::set(&SHORT, 16, 1, false);
    // The least rate there is: what is seen after the GAN's one step is what it began with.
    let params = json!({
        "epochs": 1, "pretrain-epochs": 20, "batch": 64, "width": 0.1, "latent": 12,
        "learning-rate": 1e-3, "adversarial-rate": 1e-6,
    });
    let (_, ctx) = recorder(Some(("the autoencoder, epoch 20 of 20", Ctx::stop_and_keep)));
    let before = fit(&ctx, "bagan", &set, &params, None).unwrap();
    let after = fit(&Ctx::default(), "bagan", &set, &params, None).unwrap();
    let (first, second) = (weights(before.as_ref()), weights(after.as_ref()));
    // Adam's first step is as long as its rate.
    const STEP: f32 = 1.2e-6;
    let moved = apart(&first, "generator", &second, "generator");
    assert!(moved > 0.0 && moved < STEP, "the generator is {moved} from the decoder");
    let moved = apart(&first, "encoder.convs", &second, "discriminator.convs");
    assert!(moved > 0.0 && moved < STEP, "the discriminator is {moved} from the encoder");
    assert_eq!(apart(&first, "encoder", &second, "encoder"), 0.0);
    assert!(first.part("codes").is_empty() && second.part("codes").len() == 2);
    // And so the first images are those that the decoder made.
    for class in 0..2 {
        let (decoded, made) =
            (generate(before.as_ref(), &set, class, 6), generate(after.as_ref(), &set, class, 6));
        for (a, b) in decoded.iter().zip(&made) {
            let (Pixels::U8(x), Pixels::U8(y)) = (&a.picture.pixels, &b.picture.pixels) else {
                panic!("16 bits")
            };
            assert!(x.iter().zip(y).all(|(x, y)| x.abs_diff(*y) <= 1), "another image after the first step");
            assert!(a.own_score.is_none(), "a score of a discriminator that has learnt nothing");
            let (name, score) = b.own_score.clone().unwrap();
            assert!(name == "discriminator says the class" && (0.0..=1.0).contains(&score));
        }
    }
}

#[test]
fn bagan_gp_begins_with_the_trained_decoder() {
    let set = shapes::set(&SHORT, 16, 1, false);
    const RATE: f32 = 1e-3;
    let params = json!({
        "epochs": 1, "pretrain-epochs": 20, "batch": 64, "width": 0.1, "latent": 12, "learning-rate": RATE,
        "critic-steps": 1,
    });
    let stopped = |at| {
        let (_, ctx) = recorder(Some((at, Ctx::stop_and_keep)));
        fit(&ctx, "bagan-gp", &set, &params, None).unwrap()
    };
    let start = weights(stopped("the autoencoder, epoch 1 of 20").as_ref());
    let decoder = stopped("the autoencoder, epoch 20 of 20");
    assert!(generate(decoder.as_ref(), &set, 1, 1)[0].own_score.is_none());
    let decoder = weights(decoder.as_ref());
    let model = fit(&Ctx::default(), "bagan-gp", &set, &params, None).unwrap();
    let generator = weights(model.as_ref());
    // The autoencoder went far, the GAN's first step is as long as its rate.
    let learnt = apart(&start, "generator", &decoder, "generator");
    let moved = apart(&decoder, "generator", &generator, "generator");
    assert!(learnt > 2.5 * RATE, "the decoder learnt nothing: {learnt}");
    assert!(moved > 0.0 && moved < 1.05 * RATE, "the generator is {moved} from the decoder");
    let (name, score) = generate(model.as_ref(), &set, 1, 1)[0].own_score.clone().unwrap();
    assert!(name == "critic takes it for real" && (0.0..=1.0).contains(&score));
}

// What is learnt

#[test]
fn bagan_learns_which_codes_make_which_class() {
    let set = shapes::set(&[80, 30], 16, 1, false);
    let params = json!({
        "pretrain-epochs": 40, "learning-rate": 4e-3, "epochs": 40, "adversarial-rate": 1e-3,
        "batch": 32, "batches": "balanced", "width": 0.0625, "latent": 16,
    });
    let (recorder, ctx) = recorder(None);
    let model = fit(&ctx, "bagan", &set, &params, None).unwrap();
    let (first, last) = recorder.ends("loss · reconstruction");
    assert!(last < first / 3.0, "the autoencoder does not learn: {first} to {last}");
    // Labels that say nothing of the image leave ln 2 of two classes.
    let (first, last) = recorder.ends("loss · generator");
    assert!(last < 0.69, "the generator does not learn its classes: {first} to {last}");
    for class in 0..2 {
        let made = generate(model.as_ref(), &set, class, 24);
        let home = at_home(&set, &made);
        assert!(home >= 0.8, "{home} of the images of class {class} are nearest to their own");
    }
}

/// Class 0 is dark with light bars, class 1 light with dark ones.
fn dark_and_light(counts: [usize; 2]) -> TrainingSet {
    let spec = Spec { size: 16, channels: 1, bits: 8, fit: Fit::Pad };
    let picture = |class: usize, index: usize| {
        let picture = shapes::picture(class, index, 16, 1, false);
        let Pixels::U8(values) = picture.pixels else { panic!("16 bits") };
        let values = values.into_iter().map(|value| if class == 1 { 255 - value } else { value }).collect();
        (class, Picture { pixels: Pixels::U8(values), ..picture })
    };
    let pictures = (0..2).flat_map(|class| (0..counts[class]).map(move |index| (class, index)));
    let pictures = pictures.map(|(class, index)| picture(class, index)).collect();
    TrainingSet::from_pictures(spec, vec!["dark".to_owned(), "light".to_owned()], pictures).unwrap()
}

#[test]
fn the_critic_of_bagan_gp_learns_labels_and_stays_smooth() {
    let set = dark_and_light([80, 30]);
    let params = json!({
        "pretrain-epochs": 40, "epochs": 6, "learning-rate": 1e-3, "batch": 32, "batches": "balanced",
        "width": 0.1, "latent": 16,
    });
    let (recorder, ctx) = recorder(None);
    let model = fit(&ctx, "bagan-gp", &set, &params, None).unwrap();
    let (first, last) = recorder.ends("loss · reconstruction");
    assert!(last < first / 2.0, "the autoencoder does not learn: {first} to {last}");
    // A critic that is deaf to labels cannot tell real pairs from wrong ones and keeps 2 ln 2; wrong labels
    // that were the truth half of the time would leave it 0.95.
    let (first, last) = recorder.ends("loss · critic");
    assert!(last < 0.8, "the critic does not learn labels: {first} to {last}");
    let (first, last) = recorder.ends("loss · penalty");
    assert!(last < 0.3, "the critic is not smooth: {first} to {last}");
    let (_, last) = recorder.ends("diversity · light");
    assert!(last > 0.2, "the generator makes one image: {last}");
    assert_eq!(generate(model.as_ref(), &set, 1, 3).len(), 3);
}

// Going on

/// Stops a run at each place, goes on, and compares with a run that was left alone.
fn resumes(id: &str, set: &TrainingSet, params: &Value, places: &[&'static str]) {
    let folder = tempfile::tempdir().unwrap();
    let wanted = fit(&Ctx::default(), id, set, params, None).unwrap();
    for &place in places {
        let checkpoint = folder.path().join(place);
        let (_, ctx) = recorder(Some((place, Ctx::cancel)));
        match fit(&ctx, id, set, params, Some(&checkpoint)) {
            Err(MethodError::Cancelled) => {}
            Err(other) => panic!("{place}: {other}"),
            Ok(_) => panic!("{place}: not cancelled"),
        }
        assert!(checkpoint.exists(), "no checkpoint at {place}");
        let (resumed, ctx) = recorder(None);
        let model = fit(&ctx, id, set, params, Some(&checkpoint)).unwrap();
        assert!(resumed.says(Level::Info, "going on"), "{place}");
        assert_eq!(model.hash(), wanted.hash(), "another model after {place}");
    }
}

#[test]
fn bagan_goes_on_to_the_same_model() {
    let set = shapes::set(&[30, 12, 1], 16, 1, false);
    let params = json!({ "epochs": 2, "batch": 16, "width": 0.1, "latent": 8 });
    let places = [
        "the autoencoder, epoch 2",
        "no covariance",
        "and discriminator, epoch 1",
        "and discriminator, epoch 2",
    ];
    resumes("bagan", &set, &params, &places);
}

#[test]
fn bagan_gp_goes_on_to_the_same_model() {
    let set = shapes::set(&[30, 12], 16, 1, false);
    let params = json!({ "epochs": 2, "batch": 16, "width": 0.1, "latent": 8, "critic-steps": 2 });
    resumes(
        "bagan-gp",
        &set,
        &params,
        &["the autoencoder, epoch 2", "and critic, epoch 1", "and critic, epoch 2"],
    );
}

// Small classes, large ones, sides

#[test]
fn classes_of_one_and_two_images_work_with_their_note() {
    for (id, count) in [("bagan", 1), ("bagan", 2), ("bagan-gp", 1), ("bagan-gp", 2)] {
        let set = shapes::set(&[30, count], 16, 1, false);
        let params = json!({ "epochs": 2, "batch": 32, "width": 0.1, "latent": 8 });
        let (recorder, ctx) = recorder(None);
        let model = fit(&ctx, id, &set, &params, None).unwrap();
        assert!(recorder.says(Level::Warning, &format!("has only {count} training image")), "{id} {count}");
        assert_eq!(recorder.says(Level::Warning, "no covariance"), id == "bagan" && count == 1);
        let few = "spreads in one direction less than there are of them: class1 (2 images)";
        assert_eq!(recorder.says(Level::Warning, few), id == "bagan" && count == 2);
        assert_eq!(generate(model.as_ref(), &set, 1, 3).len(), 3);
        if id == "bagan" {
            assert_eq!(weights(model.as_ref()).tensors["codes.1"].shape, [count, 8]);
        }
    }
}

#[test]
fn a_prior_keeps_512_codes_at_most_and_tampered_ones_are_refused() {
    let set = shapes::set(&[530, 8], 16, 1, false);
    let params = json!({ "epochs": 1, "batch": 256, "width": 0.1, "latent": 8 });
    let (recorder, ctx) = recorder(None);
    let model = fit(&ctx, "bagan", &set, &params, None).unwrap();
    assert!(recorder.says(Level::Info, "512 images, drawn once, stand for all in the prior of class0"));
    let whole = weights(model.as_ref());
    assert_eq!(whole.tensors["codes.0"].shape, [512, 8]);
    assert_eq!(whole.tensors["codes.1"].shape, [8, 8]);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let load = |weights: &Weights| {
        std::fs::write(&path, weights.to_bytes().unwrap()).unwrap();
        method("bagan").unwrap().load(&path, &set, &ComputeDevice::cpu())
    };
    assert_eq!(load(&whole).unwrap().hash(), model.hash());
    let refused = |what: &str, change: &dyn Fn(&mut Weights)| {
        let mut other = whole.clone();
        change(&mut other);
        let text = load(&other).err().unwrap_or_else(|| panic!("{what} were taken")).to_string();
        assert!(text.contains("refused"), "{what}: {text}");
    };
    refused("codes of another length", &|weights| {
        weights.tensors.get_mut("codes.1").unwrap().shape = vec![4, 16];
    });
    refused("codes of a class that is not there", &|weights| {
        let codes = weights.tensors["codes.1"].clone();
        weights.tensors.insert("codes.2".to_owned(), codes);
    });
    refused("more codes than a prior is made from", &|weights| {
        let codes = weights.tensors.get_mut("codes.1").unwrap();
        *codes = counterpoise::nn::parameters::HostTensor { shape: vec![513, 8], values: vec![0.5; 513 * 8] };
    });
}

#[test]
fn every_side_works_or_is_refused_in_a_sentence() {
    for id in ["bagan", "bagan-gp"] {
        let params = json!({ "epochs": 1, "batch": 8, "width": 0.05, "latent": 6 });
        for (size, channels) in [(16, 3), (30, 1), (64, 1), (128, 1)] {
            let set = shapes::set(&[4, 3], size, channels, false);
            let model = fit(&Ctx::default(), id, &set, &params, None).unwrap();
            let made = generate(model.as_ref(), &set, 1, 2);
            assert!(
                made.len() == 2 && made.iter().all(|candidate| candidate.picture.width == size),
                "{id} {size}"
            );
        }
        let large = shapes::set(&[4, 3], 129, 1, false);
        let refusal = fit(&Ctx::default(), id, &large, &params, None).err().unwrap().to_string();
        assert!(refusal.contains("at most 128 pixels"), "{refusal}");
    }
}
