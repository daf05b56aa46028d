//! Cutting validation and test parts off a folder, and folds: stratified, group-aware, seeded, kind to tiny
//! classes.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use counterpoise::domain::provenance::Kind;
use counterpoise::domain::samples::{Dataset, ImageInfo, Sample};
use counterpoise::domain::splits::{Shares, Split, cut, folds, thin};
use proptest::prelude::*;

fn sample(class: usize, number: usize, group: Option<String>) -> Sample {
    Sample {
        path: format!("class{class}/{number:05}.png"),
        class,
        split: Split::Train,
        group,
        kind: Kind::Original,
        info: ImageInfo { width: 28, height: 28, channels: 1, bits: 8, bytes: 500 },
        excluded: false,
    }
}

/// `images_per_group` 0 means that no image has a group.
fn dataset(counts: &[usize], images_per_group: usize) -> Dataset {
    let samples = counts.iter().enumerate().flat_map(move |(class, &n)| {
        (0..n).map(move |i| {
            sample(class, i, i.checked_div(images_per_group).map(|g| format!("patient {class}-{g}")))
        })
    });
    Dataset {
        classes: (0..counts.len()).map(|c| format!("class{c}")).collect(),
        samples: samples.collect(),
        ..Dataset::default()
    }
}

fn shares(text: &str) -> Shares {
    text.parse().unwrap()
}

#[test]
fn shares_are_read() {
    let s = shares("70/15/15");
    assert!((s.train - 0.7).abs() < 1e-12 && (s.validation - 0.15).abs() < 1e-12);
    assert_eq!(shares("7/1.5/1.5"), s, "only the proportions count");
    assert_eq!(shares("1/0/0").test, 0.0);
    for text in ["", "70", "70/30", "0/50/50", "70/-15/45", "a/b/c", "70/15/15/0", "nan/1/1", "inf/1/1"] {
        assert!(text.parse::<Shares>().is_err(), "{text}");
    }
}

#[test]
fn a_training_part_is_thinned() {
    let mut whole = dataset(&[50, 20, 4], 0);
    cut(&mut whole, shares("80/10/10"), 1);
    let test = whole.counts(Split::Test);
    let repeated = whole.samples.iter().position(|sample| sample.split == Split::Train).unwrap();
    whole.samples[repeated].kind = Kind::Repeated;
    let thinned = |most: &[usize], seed: u64| {
        let mut data = whole.clone();
        thin(&mut data, most, seed);
        data
    };
    let some = thinned(&[30, 5, 9], 0);
    assert_eq!(some.training_counts()[..2], [30, 5]);
    assert_eq!(some.training_counts()[2], whole.training_counts()[2], "no more than there are");
    assert_eq!(some.counts(Split::Test), test, "the other parts stay");
    assert!(some.samples.iter().all(|sample| sample.kind == Kind::Original), "a copy stands for no image");
    assert!(some.samples.is_sorted_by(|a, b| a.path < b.path), "in their order, each once");
    assert_eq!(thinned(&[30, 5, 9], 0), some, "the same draw");
    assert_ne!(thinned(&[30, 5, 9], 1), some, "of another seed another one");
    // What is drawn of a class does not hang on the others, and fewer are some of the same.
    let of_first = |data: &Dataset| -> Vec<String> {
        let first = data.samples.iter().filter(|sample| sample.class == 0 && sample.split == Split::Train);
        first.map(|sample| sample.path.clone()).collect()
    };
    assert_eq!(of_first(&thinned(&[30, 1, 1], 0)), of_first(&some));
    let fewer = of_first(&thinned(&[10, 5, 9], 0));
    assert!(fewer.len() == 10 && fewer.iter().all(|path| of_first(&some).contains(path)));
}

#[test]
fn every_class_is_cut_alike() {
    let mut data = dataset(&[1000, 100, 40], 0);
    cut(&mut data, shares("70/15/15"), 1);
    assert!(data.has_splits);
    assert_eq!(data.counts(Split::Test), [150, 15, 6]);
    assert_eq!(data.counts(Split::Validation), [150, 15, 6]);
    assert_eq!(data.training_counts(), [700, 70, 28]);
}

#[test]
fn groups_stay_whole() {
    let mut data = dataset(&[300, 60], 5);
    cut(&mut data, shares("60/20/20"), 9);
    let mut split_of: BTreeMap<&str, Split> = BTreeMap::new();
    for s in &data.samples {
        let first = *split_of.entry(s.group.as_deref().unwrap()).or_insert(s.split);
        assert_eq!(first, s.split, "{} is divided", s.group.as_deref().unwrap());
    }
    assert_eq!(
        data.counts(Split::Test),
        [60, 15],
        "whole groups of five, the wish of 12 is exceeded by less than one"
    );
}

#[test]
fn a_group_that_spans_classes_stays_whole() {
    let mut data = dataset(&[40, 40], 0);
    for (i, s) in data.samples.iter_mut().enumerate() {
        // Patient p has two images in class 0 and two in class 1.
        s.group = Some(format!("p{}", i % 40 / 2));
    }
    cut(&mut data, shares("50/25/25"), 3);
    let mut split_of: BTreeMap<String, Split> = BTreeMap::new();
    for s in &data.samples {
        assert_eq!(*split_of.entry(s.group.clone().unwrap()).or_insert(s.split), s.split);
    }
    assert!(data.counts(Split::Test).iter().all(|&n| n > 0));
}

#[test]
fn the_seed_decides() {
    let cut_with = |seed| {
        let mut data = dataset(&[80, 30], 0);
        cut(&mut data, shares("70/15/15"), seed);
        data.samples.iter().map(|s| s.split).collect::<Vec<_>>()
    };
    assert_eq!(cut_with(5), cut_with(5));
    assert_ne!(cut_with(5), cut_with(6));
}

#[test]
fn another_class_does_not_move_images() {
    let mut small = dataset(&[80, 30], 0);
    let mut large = dataset(&[80, 30, 500], 0);
    cut(&mut small, shares("70/15/15"), 5);
    cut(&mut large, shares("70/15/15"), 5);
    assert_eq!(small.samples, large.samples[..110]);
}

#[test]
fn tiny_classes_keep_a_training_image() {
    for n in 1..6 {
        let mut data = dataset(&[n, 200], 0);
        cut(&mut data, shares("10/45/45"), 2);
        assert!(data.training_counts()[0] >= 1, "{n} images");
    }
    let mut one_patient = dataset(&[50, 50], 50);
    cut(&mut one_patient, shares("70/15/15"), 2);
    assert_eq!(one_patient.training_counts(), [50, 50], "a single group cannot be divided");
}

#[test]
fn made_excluded_and_held_out_images_stay_where_they_are() {
    let mut data = dataset(&[60], 0);
    for (i, s) in data.samples.iter_mut().enumerate() {
        match i {
            0..10 => s.kind = Kind::Synthetic,
            10..15 => s.kind = Kind::Derived,
            15..20 => s.kind = Kind::Repeated,
            20..25 => s.excluded = true,
            25..30 => s.split = Split::Test,
            _ => {}
        }
    }
    let before = data.samples.clone();
    cut(&mut data, shares("40/30/30"), 4);
    assert_eq!(before[..30], data.samples[..30]);
    assert!(data.samples[30..].iter().any(|s| s.split == Split::Validation));
}

#[test]
fn folds_hold_every_image_out_once_and_every_class_alike() {
    let classes: Vec<usize> = [vec![0; 103], vec![1; 11], vec![2; 3]].concat();
    let alone: Vec<usize> = (0..classes.len()).collect();
    let of = folds(&classes, &alone, 5, 1);
    assert!(of.iter().all(Option::is_some));
    let counts = |class: usize| -> Vec<usize> {
        (0..5)
            .map(|fold| classes.iter().zip(&of).filter(|(c, f)| **c == class && **f == Some(fold)).count())
            .collect()
    };
    for class in 0..3 {
        let counts = counts(class);
        let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
        assert!(most - least <= 1, "class {class}: {counts:?}");
    }
    let sizes: Vec<usize> = (0..5).map(|fold| of.iter().filter(|f| **f == Some(fold)).count()).collect();
    assert!(sizes.iter().all(|n| (22..=25).contains(n)), "{sizes:?}");
    assert_eq!(of, folds(&classes, &alone, 5, 1));
    assert_ne!(of, folds(&classes, &alone, 5, 2));
}

#[test]
fn a_class_is_never_held_out_as_a_whole() {
    // One image; one group of three; two images; a group that has the only image of a fourth class.
    let classes = [0, 1, 1, 1, 2, 2, 3, 4, 4, 4, 4, 4];
    let units = [0, 1, 1, 1, 2, 3, 4, 4, 5, 6, 7, 8];
    for seed in 0..20 {
        let of = folds(&classes, &units, 4, seed);
        assert_eq!(of[..4], [None::<usize>; 4], "the image and the group alone");
        assert!(of[4].is_some() && of[5].is_some() && of[4] != of[5]);
        assert_eq!(of[6..8], [None::<usize>; 2], "the group goes as a whole");
        assert!(of[8..].iter().all(Option::is_some));
    }
    assert!(folds(&[], &[], 5, 1).is_empty());
    assert_eq!(folds(&[0, 0], &[0, 1], 1, 1), [None::<usize>; 2], "one fold holds nothing out");
}

proptest! {
    #[test]
    fn a_cut_divides_and_loses_nothing(
        counts in proptest::collection::vec(1_usize..120, 1..6),
        per_group in 0_usize..6,
        validation in 0_usize..50,
        test in 0_usize..50,
        seed in any::<u64>(),
    ) {
        let before = dataset(&counts, per_group);
        let mut data = before.clone();
        cut(&mut data, shares(&format!("50/{validation}/{test}")), seed);
        let whole = 50.0 + validation as f64 + test as f64;
        let mut paths = data.samples.iter().zip(&before.samples);
        prop_assert!(paths.all(|(a, b)| a.path == b.path && a.class == b.class));
        for (class, &n) in counts.iter().enumerate() {
            let of = |split| data.counts(split)[class];
            let (t, v) = (of(Split::Test), of(Split::Validation));
            prop_assert_eq!(of(Split::Train) + t + v, n);
            prop_assert!(of(Split::Train) >= 1);
            // No more than the wish, rounded, and the rest of one group.
            let group = per_group.max(1);
            prop_assert!(t <= (n as f64 * test as f64 / whole).round() as usize + group);
            prop_assert!(v <= (n as f64 * validation as f64 / whole).round() as usize + group);
        }
    }

    #[test]
    fn folds_keep_units_whole_and_classes_learnable(
        images in proptest::collection::vec((0_usize..5, 0_usize..25), 1..150),
        count in 2_usize..8,
        seed in any::<u64>(),
    ) {
        let (classes, units): (Vec<usize>, Vec<usize>) = images.into_iter().unzip();
        let of = folds(&classes, &units, count, seed);
        prop_assert_eq!(of.len(), classes.len());
        for (a, unit) in units.iter().enumerate() {
            prop_assert!(of[a].is_none_or(|fold| fold < count));
            for (b, other) in units.iter().enumerate() {
                prop_assert!(unit != other || of[a] == of[b], "images {} and {} of one unit", a, b);
            }
        }
        for fold in 0..count {
            for class in 0..5 {
                let mut of_class = (0..classes.len()).filter(|&image| classes[image] == class).peekable();
                let learnt = of_class.peek().is_none() || of_class.any(|image| of[image] != Some(fold));
                prop_assert!(learnt, "class {} has nothing left beside fold {}", class, fold);
            }
        }
    }
}
