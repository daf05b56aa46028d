//! Figures of classifiers: reference vectors, cases worked by hand, what must hold for any answers, and
//! intervals that cover what they should.
#![allow(clippy::unwrap_used)]

#[path = "common/vectors.rs"]
mod vectors;

use counterpoise::domain::random::{Stage, stream};
use counterpoise::domain::task::Ctx;
use counterpoise::evaluation::metrics::bootstrap::{Answers, Settings, Truth, differences, intervals};
use counterpoise::evaluation::metrics::student::half_width;
use counterpoise::evaluation::metrics::{
    Confusion, Figure, Groups, MetricsError, Scores, Spread, area_under_precision_recall, area_under_roc,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use vectors::{Book, Precision::F64, Vector, counts, floats};

fn table(value: &Value) -> Confusion {
    let rows: Vec<Vec<usize>> = serde_json::from_value(value.clone()).unwrap();
    Confusion::new(&rows).unwrap()
}

fn of(vector: Vector<'_>) -> Confusion {
    table(vector.input("confusion"))
}

fn all(values: Vec<Option<f64>>) -> Vec<f64> {
    values.into_iter().map(Option::unwrap).collect()
}

fn close(got: f64, want: f64) {
    assert!((got - want).abs() < 1e-12, "{got} instead of {want}");
}

#[test]
fn reference_tables_of_three_classes() {
    let book = Book::read("weights_and_metrics");
    for id in ["5.4-three", "5.4-zero"] {
        let vector = book.get(id);
        let confusion = of(vector);
        let (recall, specificity) = (all(confusion.recalls()), all(confusion.specificities()));
        let both: Vec<f64> = recall.iter().zip(&specificity).map(|(r, s)| (r * s).sqrt()).collect();
        let f1 = all(confusion.f_scores(1.0));
        let supports = confusion.supports();
        let weighted =
            f1.iter().zip(&supports).map(|(f, n)| f * *n as f64).sum::<f64>() / confusion.total() as f64;
        for (name, got) in [
            ("accuracy", json!(confusion.accuracy().unwrap())),
            ("recall", json!(recall)),
            ("precision", json!(confusion.precisions())),
            ("specificity", json!(specificity)),
            ("acsa", json!(confusion.acsa().unwrap())),
            ("acsa_chance_adjusted", json!(confusion.chance_adjusted().unwrap())),
            ("f1", json!(f1)),
            ("macro_f1", json!(confusion.macro_f(1.0).unwrap())),
            // With one answer for each image the pooled F1 is accuracy.
            ("micro_f1", json!(confusion.accuracy().unwrap())),
            ("weighted_f1", json!(weighted)),
            ("f0.5", json!(all(confusion.f_scores(0.5)))),
            ("macro_f0.5", json!(confusion.macro_f(0.5).unwrap())),
            ("g_mean", json!(confusion.g_mean().unwrap())),
            ("sqrt_sensitivity_specificity", json!(both)),
            ("imblearn_macro_g_mean", json!(confusion.g_mean_macro().unwrap())),
            ("mcc", json!(confusion.mcc().unwrap())),
            ("kappa", json!(confusion.kappa().unwrap())),
        ] {
            vector.check_part(F64, name, &got);
        }
        let wrong = vector.expected()["f1_of_mean_precision_recall_wrong"].as_f64().unwrap();
        assert!((confusion.macro_f(1.0).unwrap() - wrong).abs() > 1e-4, "F1 of means is no mean of F1");
    }
}

#[test]
fn reference_tables_of_the_generators() {
    let book = Book::read("baegan");
    for name in ["imbalanced", "balanced", "zero_recall"] {
        let vector = book.get(&format!("TV10-{name}"));
        let confusion = of(vector);
        for (name, got) in [
            ("accuracy", json!(confusion.accuracy().unwrap())),
            ("recall", json!(all(confusion.recalls()))),
            ("precision", json!(confusion.precisions())),
            ("specificity", json!(all(confusion.specificities()))),
            ("f1", json!(all(confusion.f_scores(1.0)))),
            ("acsa", json!(confusion.acsa().unwrap())),
            ("macro_f1", json!(confusion.macro_f(1.0).unwrap())),
            ("gm_product", json!(confusion.g_mean().unwrap())),
            ("gm_macro", json!(confusion.g_mean_macro().unwrap())),
        ] {
            vector.check_part(F64, name, &got);
        }
    }
    let vector = book.get("TV10-identity");
    let classes = vector.input("classes").as_f64().unwrap();
    let by_formula: Vec<f64> = floats(vector.input("acsa"))
        .into_iter()
        .map(|a| (a * (1.0 - (1.0 - a) / (classes - 1.0))).sqrt())
        .collect();
    vector.check(F64, &json!({ "gm_macro": by_formula }));
    // The table with as many images of each class keeps that formula.
    let balanced = of(book.get("TV10-balanced"));
    let a = balanced.acsa().unwrap();
    close(balanced.g_mean_macro().unwrap(), (a * (1.0 - (1.0 - a) / 2.0)).sqrt());
}

#[test]
fn reference_tables_of_m2m() {
    let book = Book::read("m2m");
    for id in ["N1", "N2"] {
        let vector = book.get(id);
        let confusion = of(vector);
        vector.check(
            F64,
            &json!({
                "recalls": all(confusion.recalls()),
                "accuracy": confusion.accuracy().unwrap(),
                "bacc": confusion.acsa().unwrap(),
                "gm": confusion.g_mean().unwrap(),
            }),
        );
    }
}

#[test]
fn two_classes() {
    let book = Book::read("weights_and_metrics");
    let vector = book.get("5.4-binary");
    let confusion = of(vector);
    let minority = vector.input("minority").as_u64().unwrap() as usize;
    vector.check(
        F64,
        &json!({
            "minority_f1": confusion.f_scores(1.0)[minority].unwrap(),
            "acsa": confusion.acsa().unwrap(),
            "g_mean": confusion.g_mean().unwrap(),
            "accuracy": confusion.accuracy().unwrap(),
        }),
    );
    close(confusion.g_mean_macro().unwrap(), confusion.acsa().unwrap());

    // Minority recall r without a false alarm, in ten thousand images of each class.
    let vector = book.get("5.4-plausibility");
    let (mut f1, mut acsa) = (Vec::new(), Vec::new());
    for recall in floats(vector.input("recall")) {
        let found = (recall * 1e4).round() as usize;
        let confusion = Confusion::new(&[vec![10_000, 0], vec![10_000 - found, found]]).unwrap();
        f1.push(confusion.f_scores(1.0)[1].unwrap());
        acsa.push(confusion.acsa().unwrap());
    }
    vector.check(F64, &json!({ "f1": f1, "acsa": acsa }));
}

#[test]
fn what_cannot_be_divided_is_defined() {
    // Class 2 has no image and is said once; class 3 has images and is never said.
    let rows = [vec![3, 0, 1, 0], vec![0, 2, 0, 0], vec![0, 0, 0, 0], vec![1, 1, 0, 0]];
    let confusion = Confusion::new(&rows).unwrap();
    assert_eq!(confusion.recalls(), [Some(0.75), Some(1.0), None, Some(0.0)]);
    assert_eq!(confusion.precisions(), [0.75, 2.0 / 3.0, 0.0, 0.0]);
    assert_eq!(confusion.said(), [4, 3, 1, 0]);
    assert_eq!(confusion.f_scores(1.0)[2..], [None, Some(0.0)]);
    close(confusion.acsa().unwrap(), 1.75 / 3.0);
    close(confusion.macro_f(1.0).unwrap(), (0.75 + 0.8) / 3.0);
    assert_eq!(confusion.g_mean(), Some(0.0));

    let empty = Confusion::new(&[vec![0, 0], vec![0, 0]]).unwrap();
    for figure in Figure::ALL {
        assert_eq!(figure.of(&empty), None, "{}", figure.key());
    }
    assert_eq!((empty.mcc(), empty.kappa(), empty.chance_adjusted()), (None, None, None));
    assert_eq!(empty.precisions(), [0.0, 0.0]);

    // All of one class, all right: nothing to correlate with, nothing beyond chance, no specificity.
    let alone = Confusion::new(&[vec![5, 0], vec![0, 0]]).unwrap();
    assert_eq!((alone.acsa(), alone.mcc(), alone.kappa()), (Some(1.0), Some(0.0), Some(0.0)));
    assert_eq!((alone.g_mean_macro(), alone.chance_adjusted()), (None, None));
    assert_eq!(alone.specificities(), [None, Some(1.0)]);

    let none = Confusion::new(&[]).unwrap();
    assert_eq!((none.acsa(), none.total()), (None, 0));
}

#[test]
fn what_is_no_table_is_refused() {
    let error = Confusion::new(&[vec![1, 2], vec![3]]).unwrap_err();
    assert_eq!(error, MetricsError::NotSquare { rows: 2, columns: 1 });
    let error = Confusion::of(2, &[0, 1, 1], &[0, 2, 1]).unwrap_err();
    assert_eq!(error, MetricsError::Class { image: 1, class: 2, classes: 2 });
    let error = Confusion::of(2, &[0, 1], &[0]).unwrap_err();
    assert_eq!(error, MetricsError::Length { images: 2, answers: 1 });
    let rows = vec![vec![0.5, 0.5], vec![f64::NAN, 0.5]];
    assert_eq!(Scores::new(2, vec![0, 1], rows).unwrap_err(), MetricsError::NotAProbability(1));
    assert!(Scores::new(2, vec![0], vec![vec![0.2, 0.3, 0.5]]).is_err());
}

#[test]
fn groups_go_by_training_images() {
    let diagonal: Vec<Vec<usize>> =
        (0..4).map(|row| (0..4).map(|column| if row == column { row } else { 4 - row }).collect()).collect();
    let confusion = Confusion::new(&diagonal).unwrap();
    let recall = all(confusion.recalls());
    let groups = confusion.group_recalls(&[101, 100, 20, 19], Groups::default());
    assert_eq!(groups.many, Some(recall[0]));
    close(groups.medium.unwrap(), (recall[1] + recall[2]) / 2.0);
    assert_eq!(groups.few, Some(recall[3]));
    let groups = confusion.group_recalls(&[500; 4], Groups::default());
    assert_eq!((groups.medium, groups.few), (None, None));
    close(groups.many.unwrap(), confusion.acsa().unwrap());
}

#[test]
fn areas_under_curves() {
    // Positives at 0.8 and 0.35, negatives at 0.4 and 0.1: three of four pairs are in order.
    let (scores, positive) = ([0.1, 0.4, 0.35, 0.8], [false, false, true, true]);
    close(area_under_roc(&scores, &positive).unwrap(), 0.75);
    close(area_under_precision_recall(&scores, &positive).unwrap(), 0.5 + 0.5 * 2.0 / 3.0);
    // A tie counts half, and is one step of the precision-recall curve.
    let tied = [0.5, 0.5, 0.5, 0.9];
    close(area_under_roc(&tied, &positive).unwrap(), 0.75);
    close(area_under_precision_recall(&tied, &positive).unwrap(), 0.5 + 0.5 * 0.5);
    let same = [0.3; 4];
    close(area_under_roc(&same, &positive).unwrap(), 0.5);
    close(area_under_precision_recall(&same, &positive).unwrap(), 0.5);
    assert_eq!(area_under_roc(&scores, &[true; 4]), None);
    assert_eq!(area_under_precision_recall(&scores, &[false; 4]), None);

    // Two classes: both ways of looking have the same area, and the mean is it.
    let rows: Vec<Vec<f64>> = scores.iter().map(|p| vec![1.0 - p, *p]).collect();
    let scores = Scores::new(2, vec![0, 0, 1, 1], rows).unwrap();
    close(scores.auroc().unwrap(), 0.75);
    assert_eq!(scores.said(), [0, 0, 0, 1]);
}

#[test]
fn calibration_error_by_hand() {
    // Two images said with 0.9, one of them right; two with 0.6, both right.
    let rows = vec![vec![0.9, 0.1], vec![0.9, 0.1], vec![0.4, 0.6], vec![0.4, 0.6]];
    let scores = Scores::new(2, vec![0, 1, 1, 1], rows).unwrap();
    close(scores.calibration_error().unwrap(), (2.0 * (0.9 - 0.5) + 2.0 * (1.0 - 0.6)) / 4.0);
    let sure = Scores::new(2, vec![0, 1], vec![vec![1.0, 0.0], vec![0.0, 1.0]]).unwrap();
    close(sure.calibration_error().unwrap(), 0.0);
    assert_eq!(Scores::new(2, vec![], vec![]).unwrap().calibration_error(), None);
}

#[test]
fn the_spread_over_seeds() {
    assert_eq!(Spread::of(&[]), None);
    assert_eq!(Spread::of(&[0.5]), Some(Spread { mean: 0.5, sd: None }));
    let spread = Spread::of(&[1.0, 2.0, 3.0, 4.0]).unwrap();
    close(spread.mean, 2.5);
    close(spread.sd.unwrap(), (5.0_f64 / 3.0).sqrt());
}

/// Images of two classes and answers that are right with the chance `right`, for some seeds.
fn answers(images: usize, right: &[f64]) -> (Vec<usize>, Vec<Vec<usize>>) {
    let truth: Vec<usize> = (0..images).map(|image| usize::from(image % 4 == 0)).collect();
    let said = right.iter().enumerate().map(|(seed, right)| {
        let mut draws = stream(5, Stage::Other, seed as u64, 0);
        truth.iter().map(|&class| if draws.uniform() < *right { class } else { 1 - class }).collect()
    });
    let said = said.collect();
    (truth, said)
}

fn borrowed(said: &[Vec<usize>]) -> Vec<&[usize]> {
    said.iter().map(Vec::as_slice).collect()
}

#[test]
fn an_interval_has_the_width_of_its_law() {
    let (truth, said) = answers(400, &[0.8]);
    let truth = Truth { classes: 2, of_images: &truth, units: &[] };
    let found = intervals(&Ctx::default(), truth, Answers { said: &borrowed(&said) }, &Settings::default());
    let found = found.unwrap();
    let confusion = Confusion::of(2, truth.of_images, &said[0]).unwrap();
    for (figure, interval) in Figure::ALL.into_iter().zip(found.figures) {
        let interval = interval.unwrap();
        close(interval.value, figure.of(&confusion).unwrap());
        assert!(interval.low < interval.value && interval.value < interval.high, "{}", figure.key());
    }
    // ACSA of two recalls, each a share of its own images: the normal law's interval, within a tenth.
    let variance: f64 = confusion
        .recalls()
        .iter()
        .zip(confusion.supports())
        .map(|(recall, n)| recall.unwrap() * (1.0 - recall.unwrap()) / n as f64 / 4.0)
        .sum();
    let acsa = found.acsa().unwrap();
    let ratio = (acsa.high - acsa.low) / (2.0 * 1.96 * variance.sqrt());
    assert!((0.9..1.1).contains(&ratio), "{ratio}");
    // And each of the two alone.
    assert_eq!(found.recalls.len(), 2);
    for ((recall, n), interval) in
        confusion.recalls().into_iter().zip(confusion.supports()).zip(&found.recalls)
    {
        let (recall, interval) = (recall.unwrap(), interval.unwrap());
        close(interval.value, recall);
        let ratio =
            (interval.high - interval.low) / (2.0 * 1.96 * (recall * (1.0 - recall) / n as f64).sqrt());
        assert!((0.85..1.15).contains(&ratio), "{ratio}");
    }
}

#[test]
fn correlations_may_lie_below_zero_and_recalls_are_paired() {
    // The one turns every answer round, the other finds all of class 0 and, as the first, nothing of class 1; class 2
    // has no image.
    let truth: Vec<usize> = (0..80).map(|image| image % 2).collect();
    let turned: Vec<usize> = truth.iter().map(|class| 1 - class).collect();
    let zeros = vec![0; 80];
    let truth = Truth { classes: 3, of_images: &truth, units: &[] };
    let (turned, zeros) = ([turned.as_slice(); 2], [zeros.as_slice(); 2]);
    let (turned, zeros) = (Answers { said: &turned }, Answers { said: &zeros });
    let settings = Settings { draws: 200, ..Settings::default() };
    let found = intervals(&Ctx::default(), truth, turned, &settings).unwrap();
    let of = |figure: Figure| Figure::ALL.iter().position(|known| *known == figure).unwrap();
    for figure in [Figure::Mcc, Figure::Kappa] {
        let interval = found.figures[of(figure)].unwrap();
        close(interval.value, -1.0);
        close(interval.low, -1.0);
        close(interval.high, -1.0);
    }
    let against = differences(&Ctx::default(), truth, zeros, turned, &settings).unwrap();
    let mcc = against.figures[of(Figure::Mcc)].unwrap();
    close(mcc.value, 1.0);
    let recall = against.recalls[0].unwrap();
    close(recall.value, 1.0);
    assert!(recall.low > 0.0, "{recall:?}");
    let recall = against.recalls[1].unwrap();
    assert_eq!((recall.value, recall.low, recall.high), (0.0, 0.0, 0.0));
    assert_eq!((against.recalls[2], found.recalls[2]), (None, None));
}

#[test]
fn intervals_are_the_same_for_any_number_of_threads() {
    let (truth, said) = answers(60, &[0.7, 0.9]);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let truth = Truth { classes: 2, of_images: &truth, units: &[] };
        let settings = Settings { draws: 200, ..Settings::default() };
        pool.install(|| intervals(&Ctx::default(), truth, Answers { said: &borrowed(&said) }, &settings))
    };
    assert_eq!(run(1).unwrap(), run(3).unwrap());
}

#[test]
fn differences_are_paired() {
    let ctx = Ctx::default();
    // The second says what the first says, and finds ten more images: on the same images that is sure.
    let (truth, first) = answers(400, &[0.7, 0.7, 0.7]);
    let mut second = first.clone();
    for said in &mut second {
        let missed: Vec<usize> = (0..400).filter(|&image| said[image] != truth[image]).collect();
        missed.iter().take(24).for_each(|&image| said[image] = truth[image]);
    }
    let truth = Truth { classes: 2, of_images: &truth, units: &[] };
    let (first, second) = (borrowed(&first), borrowed(&second));
    let settings = Settings { draws: 500, ..Settings::default() };
    let compare = |a: &[&[usize]], b: &[&[usize]]| {
        differences(&ctx, truth, Answers { said: a }, Answers { said: b }, &settings)
    };
    let better = compare(&second, &first).unwrap().acsa().unwrap();
    assert!(better.low > 0.0 && better.low < better.value && better.value < better.high, "{better:?}");
    let worse = compare(&first, &second).unwrap().acsa().unwrap();
    close(worse.value, -better.value);
    close(worse.low, -better.high);
    // An unpaired look at the same answers sees far less.
    let alone =
        |said: &[&[usize]]| intervals(&ctx, truth, Answers { said }, &settings).unwrap().acsa().unwrap();
    let (a, b) = (alone(&first), alone(&second));
    assert!(better.high - better.low < 0.7 * ((a.high - a.low) + (b.high - b.low)));

    let same = compare(&first, &first).unwrap().acsa().unwrap();
    assert_eq!((same.value, same.low, same.high), (0.0, 0.0, 0.0));
    let error = compare(&first, &second[..2]).unwrap_err();
    assert_eq!(error, MetricsError::Unpaired { left: 3, right: 2 });
}

#[test]
fn the_spread_between_seeds_is_in_the_interval() {
    // One seed finds everything, the other half: resampling images alone would never show that.
    let truth: Vec<usize> = (0..400).map(|image| image % 2).collect();
    let poor: Vec<usize> =
        (0..400).map(|image| if image % 4 < 2 { truth[image] } else { 1 - truth[image] }).collect();
    let said = [truth.as_slice(), poor.as_slice()];
    let truth = Truth { classes: 2, of_images: &truth, units: &[] };
    let found = intervals(&Ctx::default(), truth, Answers { said: &said }, &Settings::default()).unwrap();
    let acsa = found.acsa().unwrap();
    close(acsa.value, 0.75);
    assert!(acsa.low < 0.55 && acsa.high > 0.95, "{acsa:?}");
}

/// Two sides whose classifiers differ by their starts alone: what is found has nothing to do with the treatment.
#[test]
fn differences_of_starts_alone_are_rarely_told_apart() {
    let truth: Vec<usize> = (0..200).map(|image| image % 2).collect();
    let said = |repeat: u64, network: u64| -> Vec<usize> {
        let mut draws = stream(11, Stage::Other, network, repeat);
        let right = 0.6 + 0.3 * draws.uniform();
        truth.iter().map(|&class| if draws.uniform() < right { class } else { 1 - class }).collect()
    };
    let settings = Settings { draws: 200, ..Settings::default() };
    let wrong = (0..200)
        .filter(|&repeat| {
            let side =
                |first: u64| (first..first + 3).map(|network| said(repeat, network)).collect::<Vec<_>>();
            let (ours, theirs) = (side(0), side(3));
            let truth = Truth { classes: 2, of_images: &truth, units: &[] };
            let (ours, theirs) = (borrowed(&ours), borrowed(&theirs));
            let (ours, theirs) = (Answers { said: &ours }, Answers { said: &theirs });
            let acsa = differences(&Ctx::default(), truth, ours, theirs, &settings).unwrap().acsa().unwrap();
            acsa.low > 0.0 || acsa.high < 0.0
        })
        .count();
    assert!(wrong <= 16, "{wrong} of 200; one in twenty is promised, resampled seeds give one in four");
}

#[test]
fn a_few_images_that_turn_right_show_nothing() {
    // Four hundred images that both find, and a rare class that the one misses and the other finds.
    let shown = |rare: usize| {
        let truth: Vec<usize> = (0..400 + rare).map(|image| usize::from(image >= 400)).collect();
        let missed = vec![0; 400 + rare];
        let truth_of = Truth { classes: 2, of_images: &truth, units: &[] };
        let (ours, theirs) = ([truth.as_slice(); 3], [missed.as_slice(); 3]);
        let (ours, theirs) = (Answers { said: &ours }, Answers { said: &theirs });
        differences(&Ctx::default(), truth_of, ours, theirs, &Settings::default()).unwrap().acsa().unwrap()
    };
    for rare in [1, 2, 4] {
        let acsa = shown(rare);
        close(acsa.value, 0.5);
        assert!(acsa.low == 0.0, "{rare} images: {acsa:?}");
    }
    // Eight of eight by chance is one in 128.
    assert!(shown(8).low > 0.0);
}

#[test]
fn images_of_one_patient_are_one_observation() {
    // Ten patients of each class with thirty images each, all of a patient's right or wrong together.
    let truth: Vec<usize> = (0..600).map(|image| image / 300).collect();
    let patients: Vec<usize> = (0..600).map(|image| image / 30).collect();
    let said: Vec<usize> = truth
        .iter()
        .zip(&patients)
        .map(|(&class, &of)| if of % 5 == 0 { 1 - class } else { class })
        .collect();
    let width = |units: &[usize]| {
        let truth = Truth { classes: 2, of_images: &truth, units };
        let said = [said.as_slice()];
        let found = intervals(&Ctx::default(), truth, Answers { said: &said }, &Settings::default()).unwrap();
        let acsa = found.acsa().unwrap();
        acsa.high - acsa.low
    };
    let ratio = width(&patients) / width(&[]);
    assert!((4.5..6.5).contains(&ratio), "thirty images in one are the root of thirty wider: {ratio}");
    let short = Truth { classes: 2, of_images: &truth, units: &patients[..5] };
    let found = intervals(&Ctx::default(), short, Answers { said: &[&said] }, &Settings::default());
    assert_eq!(found, Err(MetricsError::Length { images: 600, answers: 5 }));
}

#[test]
fn half_widths_have_the_quantiles_of_the_printed_tables_of_students_law() {
    for (freedom, t95, t99) in [
        (1, 12.706, 63.657),
        (2, 4.303, 9.925),
        (3, 3.182, 5.841),
        (4, 2.776, 4.604),
        (9, 2.262, 3.250),
        (30, 2.042, 2.750),
        (120, 1.980, 2.617),
    ] {
        let count: usize = freedom + 1;
        for (level, printed) in [(0.95, t95), (0.99, t99)] {
            // Of values that lie apart by the root of their count it is the quantile alone.
            let quantile = half_width((count as f64).sqrt(), count, level);
            assert!((quantile - printed).abs() < 6e-4, "{freedom}, {level}: {quantile}");
        }
    }
    assert!((half_width(0.3, 3, 0.95) - 4.3027 * 0.3 / 3.0_f64.sqrt()).abs() < 1e-3);
    assert!(half_width(0.3, 1, 0.95) == 0.0 && half_width(0.3, 0, 0.95) == 0.0);
}

#[test]
fn resampling_refuses_nothing_and_hears_a_cancel() {
    let empty = Truth { classes: 2, of_images: &[], units: &[] };
    let none: &[usize] = &[];
    let result = intervals(&Ctx::default(), empty, Answers { said: &[none] }, &Settings::default());
    assert_eq!(result, Err(MetricsError::NoImages));
    let ctx = Ctx::default();
    ctx.cancel();
    let images = [0, 1];
    let truth = Truth { classes: 2, of_images: &images, units: &[] };
    let result = intervals(&ctx, truth, Answers { said: &[&images] }, &Settings::default());
    assert_eq!(result, Err(MetricsError::Cancelled));
}

fn any_answers() -> impl Strategy<Value = (usize, Vec<(usize, usize)>)> {
    (2_usize..6)
        .prop_flat_map(|classes| (Just(classes), prop::collection::vec((0..classes, 0..classes), 1..60)))
}

fn figures(confusion: &Confusion) -> Vec<Option<f64>> {
    let mut all: Vec<Option<f64>> = Figure::ALL.into_iter().map(|figure| figure.of(confusion)).collect();
    all.extend([confusion.chance_adjusted(), confusion.macro_f(0.5)]);
    all
}

proptest! {
    #[test]
    fn figures_keep_their_bounds((classes, pairs) in any_answers()) {
        let (truth, said): (Vec<usize>, Vec<usize>) = pairs.into_iter().unzip();
        let confusion = Confusion::of(classes, &truth, &said).unwrap();
        prop_assert_eq!(confusion.total(), truth.len());
        for figure in Figure::ALL {
            if let Some(value) = figure.of(&confusion) {
                let least = figure.least() - 1e-12;
                prop_assert!((least..=1.0 + 1e-12).contains(&value), "{} {}", figure.key(), value);
            }
        }
        // The product form is never above the mean recall.
        prop_assert!(confusion.g_mean().unwrap() <= confusion.acsa().unwrap() + 1e-12);
    }

    #[test]
    fn the_order_of_classes_does_not_matter((classes, pairs) in any_answers(), turn in 0_usize..6) {
        let of = |pairs: &[(usize, usize)]| {
            let (truth, said): (Vec<usize>, Vec<usize>) = pairs.iter().copied().unzip();
            Confusion::of(classes, &truth, &said).unwrap()
        };
        let turned: Vec<(usize, usize)> =
            pairs.iter().rev().map(|(a, b)| ((a + turn) % classes, (b + turn) % classes)).collect();
        for (a, b) in figures(&of(&pairs)).into_iter().zip(figures(&of(&turned))) {
            prop_assert_eq!(a.is_some(), b.is_some());
            prop_assert!((a.unwrap_or(0.0) - b.unwrap_or(0.0)).abs() < 1e-12, "{:?} {:?}", a, b);
        }
    }

    #[test]
    fn perfect_and_constant_answers((classes, pairs) in any_answers()) {
        let truth: Vec<usize> = pairs.into_iter().map(|(truth, _)| truth).collect();
        let perfect = Confusion::of(classes, &truth, &truth).unwrap();
        let present = perfect.supports().iter().filter(|n| **n > 0).count();
        // Of one class alone there is nothing to correlate with.
        let defined = |figure: &Figure| present > 1 || figure.least() == 0.0;
        for figure in Figure::ALL.into_iter().filter(defined) {
            if let Some(value) = figure.of(&perfect) {
                prop_assert!((value - 1.0).abs() < 1e-12, "{}", figure.key());
            }
        }
        if present > 1 {
            prop_assert!((perfect.mcc().unwrap() - 1.0).abs() < 1e-12);
            prop_assert!((perfect.kappa().unwrap() - 1.0).abs() < 1e-12);
            let constant = Confusion::of(classes, &truth, &vec![truth[0]; truth.len()]).unwrap();
            prop_assert!((constant.acsa().unwrap() - 1.0 / present as f64).abs() < 1e-12);
            prop_assert_eq!(constant.g_mean(), Some(0.0));
            prop_assert_eq!(constant.mcc(), Some(0.0));
            prop_assert!(constant.kappa().unwrap().abs() < 1e-12);
            prop_assert!(constant.chance_adjusted().unwrap().abs() < 1e-12);
        }
    }

    #[test]
    fn areas_turn_with_their_scores(list in prop::collection::vec((0_u8..8, any::<bool>()), 2..40)) {
        let (scores, positive): (Vec<f64>, Vec<bool>) = list.iter().map(|(s, p)| (f64::from(*s), *p)).unzip();
        let turned: Vec<f64> = scores.iter().map(|s| -s).collect();
        if let Some(area) = area_under_roc(&scores, &positive) {
            prop_assert!((0.0..=1.0).contains(&area));
            prop_assert!((area + area_under_roc(&turned, &positive).unwrap() - 1.0).abs() < 1e-12);
        }
        if let Some(area) = area_under_precision_recall(&scores, &positive) {
            prop_assert!(area > 0.0 && area <= 1.0 + 1e-12);
        }
    }
}

#[test]
fn the_counts_of_a_table_are_those_it_was_made_from() {
    let confusion = Confusion::new(&[vec![1, 2], vec![3, 4]]).unwrap();
    assert_eq!((confusion.count(0, 1), confusion.count(1, 0), confusion.count(2, 0)), (2, 3, 0));
    assert_eq!((confusion.classes(), confusion.supports()), (2, counts(&json!([3, 7]))));
}
