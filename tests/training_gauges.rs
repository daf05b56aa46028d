//! What a person sees while a generator learns: rows of pictures and gauges of every class, how codes lie against their
//! law, and a sentence where it goes wrong.
#![allow(clippy::unwrap_used)]

#[path = "common/shapes.rs"]
mod shapes;
#[path = "common/training.rs"]
mod training;

use counterpoise::domain::random::{Stage, stream};
use counterpoise::domain::task::{Ctx, Level, Preview};
use counterpoise::imaging::picture::{Depth, Picture, Pixels};
use counterpoise::imaging::training_set::TrainingSet;
use counterpoise::oversampling::{MethodError, ParamMap};
use serde_json::{Value, json};
use training::{Recorder, fit, generate, params, recorder};

const RECONSTRUCTED: &str = "Real images, and what the networks make of them";
const MADE: &str = "Made from the same draws over time";

/// Parameters of a quick training, and others.
fn small(more: &[(&str, Value)]) -> ParamMap {
    let mut all =
        params(&[("epochs", json!(2)), ("batch", json!(32)), ("latent", json!(8)), ("width", json!(0.05))]);
    all.extend(params(more));
    all
}

/// The rows of a group, by label.
fn rows(recorder: &Recorder, group: &str) -> Vec<Preview> {
    recorder.previews().into_iter().filter(|preview| preview.group == group).collect()
}

fn labels(rows: &[Preview]) -> Vec<&str> {
    rows.iter().map(|preview| preview.label.as_str()).collect()
}

#[test]
fn every_class_has_its_gauges_and_its_row() {
    // Eight classes, of which four were left out when six were gauged and four shown.
    let set = shapes::set(&[20, 12, 9, 8, 7, 6, 5, 4], 16, 1, false);
    let (recorder, ctx) = recorder(None);
    let model = fit("smote", &ctx, &set, &small(&[]), None).unwrap();
    let made = rows(&recorder, MADE);
    for class in &set.classes {
        assert_eq!(recorder.curve(&format!("diversity · {class}")).len(), 2, "{class}");
        assert_eq!(recorder.curve(&format!("copies · {class}")).len(), 2, "{class}");
        let of_class: Vec<Preview> =
            made.iter().filter(|row| row.captions == vec![class.clone(); 8]).cloned().collect();
        assert_eq!(labels(&of_class), ["epoch 1", "epoch 2"], "{class}");
        assert!(of_class.iter().all(|row| row.images.len() == 8));
    }
    assert_eq!(made.len(), 2 * set.classes.len());
    // The figure of the training goes with the candidates of each class, the largest too.
    for class in 0..set.classes.len() {
        let candidates = generate(model.as_ref(), &set, class, &ParamMap::new(), 1);
        let told = recorder.curve(&format!("diversity · {}", set.classes[class]));
        let wanted = told[told.len() - 1].1;
        assert!((candidates[0].extra["diversity"].as_f64().unwrap() - wanted).abs() < 1e-3, "class {class}");
    }
    assert!(!recorder.says(Level::Info, "gauged while training"));
}

#[test]
fn the_distance_to_real_images_is_told_where_a_class_has_enough_of_them() {
    let set = shapes::set(&[20, 6, 5, 2], 16, 1, false);
    let (told, ctx) = recorder(None);
    fit("smote", &ctx, &set, &small(&[]), None).unwrap();
    for class in ["class0", "class1"] {
        let curve = told.curve(&format!("KID-g · {class}"));
        assert_eq!(curve.iter().map(|(x, _)| *x).collect::<Vec<f64>>(), [1.0, 2.0], "{class}");
        assert!(curve.iter().all(|(_, value)| value.is_finite() && *value != 0.0), "{class}: {curve:?}");
    }
    for class in ["class2", "class3"] {
        assert!(told.curve(&format!("KID-g · {class}")).is_empty(), "{class}");
        assert_eq!(told.curve(&format!("diversity · {class}")).len(), 2, "{class}");
    }
    // The same images look the same to the same judge.
    let (again, ctx) = recorder(None);
    fit("smote", &ctx, &set, &small(&[]), None).unwrap();
    assert_eq!(again.curve("KID-g · class0"), told.curve("KID-g · class0"));
}

#[test]
fn classes_beyond_twenty_are_left_out_in_words() {
    let mut counts = vec![2; 21];
    counts.extend([5, 0]);
    let set = shapes::set(&counts, 16, 1, false);
    let (recorder, ctx) = recorder(None);
    fit("smote", &ctx, &set, &small(&[("epochs", json!(1))]), None).unwrap();
    assert!(recorder.says(Level::Info, "22 classes have images: the 20 with the fewest are shown and"));
    for (class, told) in [(0, true), (19, true), (20, false), (21, false), (22, false)] {
        assert_eq!(!recorder.curve(&format!("diversity · class{class}")).is_empty(), told, "class {class}");
    }
    let made = rows(&recorder, MADE);
    assert_eq!(made.len(), 20);
}

#[test]
fn real_images_stand_above_what_is_made_of_them_also_after_going_on() {
    let set = shapes::set(&[20, 8], 16, 1, false);
    let folder = tempfile::tempdir().unwrap();
    // SMOTE in features decodes what the judge sees of an image.
    for (id, space) in [("smote", "latent"), ("smote", "features"), ("deepsmote", "latent")] {
        let more = [("epochs", json!(3)), ("space", json!(space))];
        let wanted = small(if id == "smote" { &more[..] } else { &more[..1] });
        let (whole, ctx) = recorder(None);
        fit(id, &ctx, &set, &wanted, None).unwrap();
        let shown = rows(&whole, RECONSTRUCTED);
        assert_eq!(labels(&shown), ["real images", "epoch 1", "epoch 2", "epoch 3"], "{id} in {space}");
        for row in &shown {
            assert_eq!((row.images.len(), &row.captions), (8, &shown[0].captions), "{id} in {space}");
        }
        let first = set.picture(20).to_depth(Depth::Eight).to_u8();
        assert_eq!(shown[0].images[0], first, "the smallest class comes first");
        assert_ne!(shown[1].images, shown[0].images, "{id} in {space}");

        let stage = if space == "features" { "decoder of features, epoch 3" } else { "autoencoder, epoch 3" };
        let checkpoint = folder.path().join(format!("{id} {space}"));
        let (_, ctx) = recorder(Some((stage, Ctx::cancel)));
        let ended = fit(id, &ctx, &set, &wanted, Some(&checkpoint));
        assert!(matches!(ended, Err(MethodError::Cancelled)), "{id} in {space}");
        let (resumed, ctx) = recorder(None);
        fit(id, &ctx, &set, &wanted, Some(&checkpoint)).unwrap();
        assert!(resumed.says(Level::Info, "going on from a checkpoint"));
        let again = rows(&resumed, RECONSTRUCTED);
        assert_eq!(labels(&again), ["real images", "epoch 3"], "{id} in {space}");
        assert_eq!(again, [shown[0].clone(), shown[3].clone()], "{id} in {space}");
    }
}

/// Pictures of 16 pixels, two classes with these counts.
fn pictures(counts: [usize; 2], value: impl Fn(f64) -> f64) -> TrainingSet {
    let like = shapes::set(&[1, 1], 16, 1, false);
    let picture = |class: usize, index: usize| {
        let mut draws = stream(11, Stage::Other, class as u64, index as u64);
        let values = (0..256).map(|_| value(draws.uniform()) as u8).collect();
        (class, Picture::new(16, 16, 1, Pixels::U8(values)).unwrap())
    };
    let all = (0..2).flat_map(|class| (0..counts[class]).map(move |index| (class, index)));
    let all = all.map(|(class, index)| picture(class, index)).collect();
    TrainingSet::from_pictures(like.spec.clone(), like.classes.clone(), all).unwrap()
}

#[test]
fn codes_that_miss_their_law_are_told_number_by_number_and_said_once() {
    // Grey images that differ little, and rates at which nothing moves: their codes have little spread.
    let set = pictures([24, 12], |uniform| 110.0 + 40.0 * uniform);
    let still = [
        ("learning-rate", json!(1e-6)),
        ("adversarial-rate", json!(1e-6)),
        ("latent", json!(32)),
        ("pretrain-epochs", json!(1)),
    ];
    let (recorder, ctx) = recorder(None);
    fit("baegan", &ctx, &set, &small(&still), None).unwrap();
    let last = |curve: &str| {
        let points = recorder.curve(curve);
        assert_eq!(points.len(), 3, "{curve}");
        points[2].1
    };
    let deviation = last("codes · deviation (1 wanted)");
    let (least, greatest) = (last("codes · least deviation"), last("codes · greatest deviation"));
    assert!(0.0 <= least && least < deviation && deviation < greatest, "{least}, {deviation}, {greatest}");
    assert!(last("codes · kurtosis (3 wanted)") >= 1.0, "no law has less");
    let out = [
        "codes out of range · mean beyond ±0.5",
        "codes out of range · deviation beyond 0.5 to 1.5",
        "codes out of range · kurtosis beyond 1.5 to 6",
    ]
    .map(last);
    // Shares of 32 numbers.
    assert!(out.iter().all(|share| (0.0..=1.0).contains(share) && (share * 32.0).fract() == 0.0), "{out:?}");
    assert_eq!(out[1] > 0.0, least < 0.5 || greatest > 1.5, "{least} to {greatest}, {out:?}");
    assert!(out.iter().any(|share| *share > 0.25), "{out:?}");
    assert_eq!(recorder.times_said(Level::Warning, "the codes miss the law"), 1);
    assert!(recorder.says(Level::Warning, "Try more epochs, a higher adversarial learning rate"));

    // A method whose codes follow no law says nothing of it.
    let (recorder, ctx) = training::recorder(None);
    fit("smote", &ctx, &set, &small(&[]), None).unwrap();
    assert!(recorder.curve("codes · least deviation").is_empty());
    assert!(!recorder.says(Level::Warning, "the codes miss the law"));
}

#[test]
fn a_critic_that_is_always_right_is_said_once() {
    let set = shapes::set(&[24, 8], 16, 1, false);
    // Twenty steps of the critic for one of the encoder, and nothing that keeps it smooth: it knows every code.
    let far_ahead = [
        ("epochs", json!(8)),
        ("pretrain-epochs", json!(1)),
        ("latent", json!(256)),
        ("critic-steps", json!(20)),
        ("fused-loss", json!(false)),
        ("adversarial-rate", json!(1e-3)),
    ];
    let (recorder, ctx) = recorder(None);
    fit("baegan", &ctx, &set, &small(&far_ahead), None).unwrap();
    let right = recorder.curve("discriminator · right");
    // The first epoch of a critic says nothing yet.
    let late = right.iter().filter(|(x, right)| *x > 2.0 && *right > 0.995).count();
    assert!(late > 0, "{right:?}");
    assert_eq!(recorder.times_said(Level::Warning, "the discriminator is right in"), 1);
    assert!(recorder.says(Level::Warning, "fewer steps of the discriminator"));
}

#[test]
fn a_generator_that_makes_one_image_is_said_while_it_learns() {
    // Coin flips, of which a code of two numbers can tell next to nothing: the best it allows is the mean image.
    let set = pictures([120, 40], |uniform| if uniform < 0.5 { 0.0 } else { 255.0 });
    let blind = [
        ("epochs", json!(8)),
        ("batch", json!(16)),
        ("latent", json!(2)),
        ("width", json!(0.1)),
        ("learning-rate", json!(5e-3)),
    ];
    let (recorder, ctx) = recorder(None);
    fit("smote", &ctx, &set, &small(&blind), None).unwrap();
    let diversity = recorder.curve("diversity · class1");
    // The first half of a training says nothing yet.
    assert!(diversity.iter().any(|(x, value)| *x > 4.0 && *value < 0.2), "{diversity:?}");
    let said = "images made of class1 are hardly different from each other";
    assert_eq!(recorder.times_said(Level::Warning, said), 1);
}
