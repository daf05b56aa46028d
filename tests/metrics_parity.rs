//! Parity with scikit-learn and imbalanced-learn on random cases: figures of confusion tables and of
//! probabilities, class weights, and how many rows a resampling leaves.
//!
//! `tests/metrics_parity.py` computes everything anew with the two and holds it against what is written here.
//! It runs under the Python that `COUNTERPOISE_PYTHON` names; without one that is said. The same cases are
//! held against laws that need no Python.
#![allow(clippy::unwrap_used)]

#[path = "common/shapes.rs"]
mod shapes;

use std::fs;
use std::path::Path;
use std::process::Command;

use counterpoise::classify::treatments::{Draw, Sampler};
use counterpoise::domain::imbalance::{Scheme, long_tail_counts, weights};
use counterpoise::domain::plan::{Plan, Target};
use counterpoise::domain::random::{Stage, Stream, stream};
use counterpoise::domain::task::Ctx;
use counterpoise::evaluation::metrics::{
    Confusion, Figure, Scores, area_under_precision_recall, area_under_roc,
};
use counterpoise::oversampling::rows::adasyn::{self, Adasyn};
use counterpoise::oversampling::rows::borderline::{self, Borderline};
use counterpoise::oversampling::rows::lines::{Fallback, Lines, along};
use counterpoise::oversampling::rows::smote::{Resampled, resample};
use counterpoise::oversampling::rows::{Labelled, RowsError};
use serde_json::{Value, json};

const SEED: u64 = 41;
/// Exit code of the script where scikit-learn or imbalanced-learn is not installed.
const MISSING: i32 = 77;

#[track_caller]
fn close(got: f64, want: f64) {
    assert!((got - want).abs() < 1e-12, "{got} instead of {want}");
}

fn draws_of(purpose: u64, index: u64) -> Stream {
    stream(SEED, Stage::Other, purpose, index)
}

/// Some of the classes: one at least and never all.
fn some(classes: usize, draws: &mut Stream) -> Vec<bool> {
    let mut picked: Vec<bool> = (0..classes).map(|_| draws.uniform() < 0.3).collect();
    let first = draws.below(classes);
    picked[first] = true;
    picked[(first + 1) % classes] = false;
    picked
}

// ---- confusion tables ----

/// What is particular about a table.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Any,
    /// Some classes have no image, and may be said.
    NoImage,
    /// Some classes are never said.
    NeverSaid,
    /// Some classes have no image and are never said.
    Nowhere,
    Perfect,
    /// No answer is right.
    Worst,
    /// Every answer is the same class.
    OneAnswer,
    /// Every image is of one class.
    OneClass,
    /// The same, and all of them are found.
    OneClassFound,
    /// One image of each class.
    Single,
}

const KINDS: [Kind; 10] = [
    Kind::Any,
    Kind::NoImage,
    Kind::NeverSaid,
    Kind::Nowhere,
    Kind::Perfect,
    Kind::Worst,
    Kind::OneAnswer,
    Kind::OneClass,
    Kind::OneClassFound,
    Kind::Single,
];
const TABLES_OF_KIND: u64 = 32;

/// Images of each class with a long tail or without, and answers as good as chance has it.
fn table(kind: Kind, draws: &mut Stream) -> Vec<Vec<usize>> {
    let classes = 2 + draws.below(11);
    let ratio = [1.0, 10.0, 100.0][draws.below(3)];
    let mut supports = long_tail_counts(20 + draws.below(180), classes, ratio);
    draws.shuffle(&mut supports);
    let (picked, one, skill) = (some(classes, draws), draws.below(classes), draws.uniform());
    for (class, support) in supports.iter_mut().enumerate() {
        *support = match kind {
            Kind::NoImage | Kind::Nowhere if picked[class] => 0,
            Kind::OneClass | Kind::OneClassFound if class != one => 0,
            Kind::Single => 1,
            _ => (*support).max(1),
        };
    }
    let may_be_said: Vec<usize> = (0..classes)
        .filter(|&class| match kind {
            Kind::NeverSaid | Kind::Nowhere => !picked[class],
            Kind::OneAnswer => class == one,
            _ => true,
        })
        .collect();
    let mut rows = vec![vec![0; classes]; classes];
    for (class, &support) in supports.iter().enumerate() {
        for _ in 0..support {
            let said = match kind {
                Kind::Perfect | Kind::OneClassFound => class,
                Kind::Worst => (class + 1 + draws.below(classes - 1)) % classes,
                _ if may_be_said.contains(&class) && draws.uniform() < skill => class,
                _ => may_be_said[draws.below(may_be_said.len())],
            };
            rows[class][said] += 1;
        }
    }
    rows
}

fn tables() -> Vec<(Kind, Vec<Vec<usize>>)> {
    let of_kind = |(number, &kind): (usize, &Kind)| {
        (0..TABLES_OF_KIND).map(move |index| (kind, table(kind, &mut draws_of(number as u64, index))))
    };
    KINDS.iter().enumerate().flat_map(of_kind).collect()
}

fn figures_of_table(rows: &[Vec<usize>]) -> Value {
    let confusion = Confusion::new(rows).unwrap();
    json!({
        "accuracy": confusion.accuracy(),
        "acsa": confusion.acsa(),
        "chance_adjusted": confusion.chance_adjusted(),
        "recall": confusion.recalls(),
        "specificity": confusion.specificities(),
        "precision": confusion.precisions(),
        "f1": confusion.f_scores(1.0),
        "f05": confusion.f_scores(0.5),
        "macro_f1": confusion.macro_f(1.0),
        "macro_f05": confusion.macro_f(0.5),
        "g_mean": confusion.g_mean(),
        "g_mean_macro": confusion.g_mean_macro(),
        "mcc": confusion.mcc(),
        "kappa": confusion.kappa(),
    })
}

/// The true class of each image of a table, and what was said of it.
fn answers(rows: &[Vec<usize>]) -> (Vec<usize>, Vec<usize>) {
    let cells = rows
        .iter()
        .enumerate()
        .flat_map(|(truth, row)| row.iter().enumerate().map(move |(said, &count)| ((truth, said), count)));
    cells.flat_map(|(pair, count)| std::iter::repeat_n(pair, count)).unzip()
}

#[test]
fn figures_of_tables_keep_their_laws() {
    for (kind, rows) in tables() {
        let confusion = Confusion::new(&rows).unwrap();
        let (truth, said) = answers(&rows);
        assert_eq!(Confusion::of(rows.len(), &truth, &said).unwrap(), confusion);
        let (recalls, precisions) = (confusion.recalls(), confusion.precisions());
        let (supports, answered) = (confusion.supports(), confusion.said());
        let present = supports.iter().filter(|n| **n > 0).count();

        // What was found of a class, counted by its images and by its answers.
        for class in 0..rows.len() {
            let found = rows[class][class] as f64;
            close(recalls[class].unwrap_or(0.0) * supports[class] as f64, found);
            close(precisions[class] * answered[class] as f64, found);
            assert_eq!(recalls[class].is_none(), supports[class] == 0);
        }
        // An F score is the weighted harmonic mean of precision and recall.
        for beta in [0.5, 1.0] {
            let (square, mut sum) = (beta * beta, 0.0);
            for ((f, recall), precision) in confusion.f_scores(beta).iter().zip(&recalls).zip(&precisions) {
                assert_eq!(f.is_some(), recall.is_some());
                let (Some(f), Some(recall)) = (f, recall) else { continue };
                let below = square * precision + recall;
                close(*f, if below == 0.0 { 0.0 } else { (1.0 + square) * precision * recall / below });
                sum += f;
            }
            close(confusion.macro_f(beta).unwrap(), sum / present as f64);
        }
        close(confusion.acsa().unwrap(), recalls.iter().flatten().sum::<f64>() / present as f64);
        assert!(confusion.g_mean().unwrap() <= confusion.acsa().unwrap() + 1e-12);

        // Truth and answers change places.
        let turned = Confusion::of(rows.len(), &said, &truth).unwrap();
        for (precision, recall) in turned.precisions().into_iter().zip(&recalls) {
            close(precision, recall.unwrap_or(0.0));
        }
        close(turned.accuracy().unwrap(), confusion.accuracy().unwrap());
        close(turned.mcc().unwrap(), confusion.mcc().unwrap());
        close(turned.kappa().unwrap(), confusion.kappa().unwrap());

        match kind {
            Kind::Perfect => {
                for figure in Figure::ALL {
                    close(figure.of(&confusion).unwrap(), 1.0);
                }
                close(confusion.mcc().unwrap(), 1.0);
                close(confusion.kappa().unwrap(), 1.0);
            }
            Kind::Worst => {
                assert_eq!((confusion.accuracy(), confusion.macro_f(1.0)), (Some(0.0), Some(0.0)));
                assert!(confusion.mcc().unwrap() <= 0.0 && confusion.kappa().unwrap() <= 0.0);
            }
            Kind::OneAnswer => {
                close(confusion.acsa().unwrap(), 1.0 / present as f64);
                assert_eq!((confusion.mcc(), confusion.g_mean()), (Some(0.0), Some(0.0)));
                close(confusion.kappa().unwrap(), 0.0);
            }
            Kind::OneClass | Kind::OneClassFound => {
                assert_eq!((present, confusion.g_mean_macro()), (1, None));
                assert_eq!((confusion.chance_adjusted(), confusion.mcc()), (None, Some(0.0)));
            }
            Kind::Any | Kind::NoImage | Kind::NeverSaid | Kind::Nowhere | Kind::Single => {}
        }
    }
}

#[test]
fn tables_are_of_their_kinds() {
    let all = tables();
    assert!(all.len() >= 300);
    let some = |kind: Kind, what: &dyn Fn(usize, usize) -> bool| {
        let of_kind = all.iter().filter(|(k, _)| *k == kind);
        let with = of_kind.filter(|(_, rows)| {
            let confusion = Confusion::new(rows).unwrap();
            confusion.supports().into_iter().zip(confusion.said()).any(|(images, said)| what(images, said))
        });
        with.count()
    };
    assert!(some(Kind::NoImage, &|images, said| images == 0 && said > 0) > 20);
    assert_eq!(some(Kind::NeverSaid, &|images, said| images > 0 && said == 0), TABLES_OF_KIND as usize);
    assert_eq!(some(Kind::Nowhere, &|images, said| images == 0 && said == 0), TABLES_OF_KIND as usize);
    let largest = all.iter().map(|(_, rows)| rows.len()).max().unwrap();
    let smallest = all.iter().map(|(_, rows)| rows.len()).min().unwrap();
    assert_eq!((smallest, largest), (2, 12));
}

// ---- probabilities ----

/// What is particular about probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Says {
    /// No two are equal.
    Smooth,
    /// In sixteenths, so that many are equal.
    Tied,
    /// The same of every image.
    Same,
    Perfect,
    /// Sure, and never right.
    Worst,
    /// Some classes have no image.
    NoImage,
    /// Every image is of one class.
    OneClass,
}

const SAYS: [Says; 7] =
    [Says::Smooth, Says::Tied, Says::Same, Says::Perfect, Says::Worst, Says::NoImage, Says::OneClass];
const SCORES_OF_KIND: u64 = 20;

struct Case {
    kind: Says,
    classes: usize,
    truth: Vec<usize>,
    rows: Vec<Vec<f64>>,
}

/// Probabilities of an image of a class. Sixteenths are exact, and none but 0 and 1 is the edge of one of the
/// fifteen bins of a calibration error.
fn row(kind: Says, class: usize, classes: usize, skill: f64, draws: &mut Stream) -> Vec<f64> {
    let other = (class + 1 + draws.below(classes - 1)) % classes;
    let sure =
        |said: usize| -> Vec<f64> { (0..classes).map(|class| f64::from(u8::from(class == said))).collect() };
    match kind {
        Says::Perfect => sure(class),
        Says::Worst => sure(other),
        Says::Tied | Says::Same => {
            let mut row = vec![0.0; classes];
            for _ in 0..16 {
                let said = if draws.uniform() < skill { class } else { draws.below(classes) };
                row[said] += 1.0 / 16.0;
            }
            row
        }
        Says::Smooth | Says::NoImage | Says::OneClass => {
            let lead = |at: usize| if at == class { 3.0 * skill } else { 0.0 };
            let powers: Vec<f64> = (0..classes).map(|at| (draws.normal() + lead(at)).exp()).collect();
            let whole: f64 = powers.iter().sum();
            powers.into_iter().map(|power| power / whole).collect()
        }
    }
}

fn case(kind: Says, draws: &mut Stream) -> Case {
    let (classes, images) = (2 + draws.below(11), 5 + draws.below(120));
    let (picked, one, skill) = (some(classes, draws), draws.below(classes), draws.uniform());
    let present: Vec<usize> = (0..classes)
        .filter(|&class| match kind {
            Says::NoImage => !picked[class],
            Says::OneClass => class == one,
            _ => true,
        })
        .collect();
    let truth: Vec<usize> = (0..images).map(|_| present[draws.below(present.len())]).collect();
    let mut rows: Vec<Vec<f64>> =
        truth.iter().map(|&class| row(kind, class, classes, skill, draws)).collect();
    if kind == Says::Same {
        rows = vec![rows[0].clone(); images];
    }
    Case { kind, classes, truth, rows }
}

fn cases() -> Vec<Case> {
    let of_kind = |(number, &kind): (usize, &Says)| {
        (0..SCORES_OF_KIND).map(move |index| case(kind, &mut draws_of(100 + number as u64, index)))
    };
    SAYS.iter().enumerate().flat_map(of_kind).collect()
}

impl Case {
    fn scores(&self) -> Scores {
        Scores::new(self.classes, self.truth.clone(), self.rows.clone()).unwrap()
    }

    /// The probabilities of one class, and which images are of it.
    fn column(&self, class: usize) -> (Vec<f64>, Vec<bool>) {
        self.rows.iter().zip(&self.truth).map(|(row, &truth)| (row[class], truth == class)).unzip()
    }

    fn areas(&self, area: fn(&[f64], &[bool]) -> Option<f64>) -> Vec<Option<f64>> {
        (0..self.classes)
            .map(|class| {
                let (scores, positive) = self.column(class);
                area(&scores, &positive)
            })
            .collect()
    }

    fn json(&self) -> Value {
        let scores = self.scores();
        json!({
            "kind": format!("{:?}", self.kind),
            "truth": self.truth,
            "rows": self.rows,
            "figures": {
                "said": scores.said(),
                "auroc_of_class": self.areas(area_under_roc),
                "auprc_of_class": self.areas(area_under_precision_recall),
                "auroc": scores.auroc(),
                "auprc": scores.auprc(),
                "calibration_error": scores.calibration_error(),
            },
        })
    }
}

#[test]
fn figures_of_probabilities_keep_their_laws() {
    let cases = cases();
    assert!(cases.len() >= 120);
    for case in cases {
        let scores = case.scores();
        let error = scores.calibration_error().unwrap();
        assert!((0.0..=1.0).contains(&error), "{error}");
        for (mean, areas) in [
            (scores.auroc(), case.areas(area_under_roc)),
            (scores.auprc(), case.areas(area_under_precision_recall)),
        ] {
            let known: Vec<f64> = areas.into_iter().flatten().collect();
            assert!(known.iter().all(|area| (0.0..=1.0 + 1e-12).contains(area)), "{known:?}");
            match mean {
                Some(mean) => close(mean, known.iter().sum::<f64>() / known.len() as f64),
                None => assert!(known.is_empty()),
            }
        }
        for class in 0..case.classes {
            let (scores, positive) = case.column(class);
            let images = positive.iter().filter(|is| **is).count();
            let precision = area_under_precision_recall(&scores, &positive);
            assert_eq!(precision.is_some(), images > 0);
            let area = area_under_roc(&scores, &positive);
            assert_eq!(area.is_some(), images > 0 && images < positive.len());
            let Some(area) = area else { continue };
            match case.kind {
                Says::Tied => {
                    let turned: Vec<f64> = scores.iter().map(|p| 1.0 - p).collect();
                    close(area + area_under_roc(&turned, &positive).unwrap(), 1.0);
                }
                Says::Same => {
                    close(area, 0.5);
                    close(precision.unwrap(), images as f64 / positive.len() as f64);
                }
                Says::Perfect => assert_eq!((area, precision), (1.0, Some(1.0))),
                Says::Worst => assert!(area <= 0.5),
                _ => {}
            }
        }
        match case.kind {
            Says::Perfect => assert_eq!((&scores.said(), error), (&case.truth, 0.0)),
            Says::Worst => {
                assert!(scores.said().iter().zip(&case.truth).all(|(said, truth)| said != truth));
                close(error, 1.0);
            }
            Says::OneClass => assert_eq!(scores.auroc(), None),
            _ => {}
        }
    }
}

// ---- class weights ----

fn class_counts() -> Vec<Vec<usize>> {
    (0..60)
        .map(|index| {
            let mut draws = draws_of(200, index);
            let most = [10, 300, 5000][draws.below(3)];
            (0..1 + draws.below(12)).map(|_| 1 + draws.below(most)).collect()
        })
        .collect()
}

#[test]
fn balanced_weights_keep_the_mean_of_a_sample_at_one() {
    for counts in class_counts() {
        let by = weights(&counts, Scheme::Balanced, 0.999).unwrap();
        let sum: f64 = by.iter().zip(&counts).map(|(weight, &n)| weight * n as f64).sum();
        close(sum / counts.iter().sum::<usize>() as f64, 1.0);
    }
}

// ---- resampling ----

const RESAMPLINGS: u64 = 24;
/// Distances between the centres of classes: mixed, side by side, and so far apart that no row has one of
/// another class near it.
const APART: [f64; 3] = [0.7, 2.0, 40.0];

/// Rows of some classes.
struct Set {
    counts: Vec<usize>,
    features: usize,
    rows: Vec<f32>,
    classes: Vec<usize>,
    /// Neighbours inside the class. Shares of four and of eight are exact, so that halves of a row are rounded
    /// alike in whatever order the shares are summed.
    k: usize,
    /// Neighbours that say where a row lies.
    m: usize,
    apart: bool,
}

fn set(index: u64) -> Set {
    let mut draws = draws_of(300, index);
    // Twelve at least, because imbalanced-learn wants more rows than neighbours where counterpoise takes all.
    let mut counts: Vec<usize> = (0..2 + draws.below(3)).map(|_| 12 + draws.below(50)).collect();
    if counts.len() > 2 && draws.uniform() < 0.5 {
        let empty = draws.below(counts.len());
        counts[empty] = 0;
    }
    let mut classes: Vec<usize> =
        counts.iter().enumerate().flat_map(|(class, &count)| std::iter::repeat_n(class, count)).collect();
    draws.shuffle(&mut classes);
    let kind = index as usize % APART.len();
    let features = 2 + draws.below(4);
    let mut rows = Vec::with_capacity(classes.len() * features);
    for &class in &classes {
        rows.extend((0..features).map(|_| (class as f64 * APART[kind] + draws.normal()) as f32));
    }
    let (k, m) = ([4, 8][draws.below(2)], [3, 10][draws.below(2)]);
    Set { counts, features, rows, classes, k, m, apart: kind == 2 }
}

fn of_each(classes: usize, labels: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let mut counts = vec![0; classes];
    labels.into_iter().for_each(|class| counts[class] += 1);
    counts
}

impl Set {
    fn target(&self) -> usize {
        self.counts.iter().copied().max().unwrap()
    }

    fn present(&self) -> usize {
        self.counts.iter().filter(|count| **count > 0).count()
    }

    /// The classes that are filled.
    fn short(&self) -> Vec<usize> {
        let short = |class: &usize| (1..self.target()).contains(&self.counts[*class]);
        (0..self.counts.len()).filter(short).collect()
    }

    /// Positions of one epoch under a way of drawing, and how many there are of each class.
    fn epoch(&self, draw: Draw, of_a_class: usize) -> (Vec<usize>, Vec<usize>) {
        let images = shapes::set(&self.counts, 8, 1, false);
        let positions = Sampler::new(draw, &images, SEED).take(self.present() * of_a_class);
        let counts = of_each(self.counts.len(), positions.iter().map(|&position| images.labels[position]));
        (positions, counts)
    }

    fn oversampled(&self) -> (Vec<usize>, Vec<usize>) {
        self.epoch(Draw::Oversampled, self.target())
    }

    fn undersampled(&self) -> (Vec<usize>, Vec<usize>) {
        let least = self.counts.iter().copied().filter(|&count| count > 0).min().unwrap();
        self.epoch(Draw::Undersampled, least)
    }

    fn planned(&self) -> Vec<usize> {
        let names: Vec<String> = (0..self.counts.len()).map(|class| format!("class{class}")).collect();
        let plan = Plan::new(&names, &self.counts, &Target::Max, None).unwrap();
        plan.classes.iter().map(|class| class.have + class.make).collect()
    }

    fn smote(&self) -> Resampled {
        let ctx = Ctx::default();
        resample(&ctx, &self.rows, self.features, &self.classes, self.target(), self.k, SEED).unwrap()
    }

    fn labelled(&self) -> Labelled<'_> {
        Labelled::new(&self.rows, self.features, &self.classes).unwrap()
    }

    fn borderline(&self, class: usize, kind: borderline::Kind) -> Borderline {
        borderline::find(&Ctx::default(), &self.labelled(), class, kind, self.m, self.k).unwrap()
    }

    fn adasyn(&self, class: usize) -> Adasyn {
        adasyn::find(&Ctx::default(), &self.labelled(), class, self.k).unwrap()
    }

    fn missing(&self, class: usize) -> usize {
        self.target() - self.counts[class]
    }

    /// How many rows are made where a class is filled along these lines.
    fn made(&self, class: usize, lines: &Lines) -> usize {
        let slots = (0..self.missing(class) as u64).map(|slot| lines.draw(SEED, class, slot));
        along(&self.rows, self.features, &slots.collect::<Vec<_>>()).unwrap().len() / self.features
    }

    fn json(&self) -> Value {
        let rows: Vec<Vec<f64>> =
            self.rows.chunks(self.features).map(|row| row.iter().map(|&v| f64::from(v)).collect()).collect();
        let (mut of_borderline, mut of_adasyn) = (Vec::new(), Vec::new());
        for class in self.short() {
            for (number, kind) in [(1, borderline::Kind::One), (2, borderline::Kind::Two)] {
                let found = self.borderline(class, kind);
                of_borderline.push(json!({
                    "class": class,
                    "kind": number,
                    "danger": found.danger(),
                    "plain": found.fallback.is_some(),
                    "made": self.made(class, &found.lines),
                }));
            }
            let found = self.adasyn(class);
            of_adasyn.push(json!({
                "class": class,
                "apportioned": found.apportioned(self.missing(class)).iter().sum::<usize>(),
                "plain": found.fallback.is_some(),
                "made": self.made(class, &found.lines),
            }));
        }
        json!({
            "counts": self.counts,
            "rows": rows,
            "classes": self.classes,
            "k": self.k,
            "m": self.m,
            "target": self.target(),
            "oversampled": self.oversampled().1,
            "undersampled": self.undersampled().1,
            "planned": self.planned(),
            "smote": of_each(self.counts.len(), self.smote().classes),
            "borderline": of_borderline,
            "adasyn": of_adasyn,
        })
    }
}

#[test]
fn resampling_meets_its_counts() {
    let (mut fell_back, mut kept) = (0, 0);
    for set in (0..RESAMPLINGS).map(set) {
        let target = set.target();
        let filled = |class: usize| if set.counts[class] == 0 { 0 } else { target };
        let wanted: Vec<usize> = (0..set.counts.len()).map(filled).collect();

        let (positions, counts) = set.oversampled();
        assert_eq!(counts, wanted);
        assert!((0..set.classes.len()).all(|position| positions.contains(&position)), "none is left out");
        let (mut positions, counts) = set.undersampled();
        let least = set.counts.iter().copied().filter(|&count| count > 0).min().unwrap();
        assert_eq!(counts, wanted.iter().map(|&n| n.min(least)).collect::<Vec<usize>>());
        let drawn = positions.len();
        positions.sort_unstable();
        positions.dedup();
        assert_eq!(positions.len(), drawn, "none comes twice");
        assert_eq!(set.planned(), vec![target; set.counts.len()]);

        let smote = set.smote();
        assert_eq!(of_each(set.counts.len(), smote.classes.iter().copied()), wanted);
        assert_eq!(&smote.rows[..set.rows.len()], &set.rows[..]);

        for class in set.short() {
            for kind in [borderline::Kind::One, borderline::Kind::Two] {
                let found = set.borderline(class, kind);
                assert!(found.danger().iter().all(|&row| set.classes[row] == class));
                assert_eq!(set.made(class, &found.lines), set.missing(class));
                match found.fallback {
                    None => kept += 1,
                    Some(Fallback::NoDanger) => fell_back += 1,
                    Some(other) => panic!("{other}"),
                }
                assert!(!set.apart || found.fallback.is_some());
            }
            let found = set.adasyn(class);
            assert_eq!(set.made(class, &found.lines), set.missing(class));
            assert_eq!(found.fallback.is_some(), found.others.iter().all(|&others| others == 0));
            assert!(!set.apart || found.fallback == Some(Fallback::NoOthers));
            close(found.densities().iter().sum(), 1.0);
            // Half a row at most is rounded away from each.
            let rounded: usize = found.apportioned(set.missing(class)).iter().sum();
            assert!(2 * rounded.abs_diff(set.missing(class)) <= set.counts[class]);
        }
        for (class, _) in set.counts.iter().enumerate().filter(|(_, count)| **count == 0) {
            let error = adasyn::find(&Ctx::default(), &set.labelled(), class, set.k).unwrap_err();
            assert_eq!(error, RowsError::NoImage);
        }
    }
    assert!(fell_back > 5 && kept > 5, "{fell_back} and {kept}");
}

// ---- Python ----

#[test]
fn scikit_learn_and_imbalanced_learn_say_the_same() {
    let Some(python) = std::env::var_os("COUNTERPOISE_PYTHON") else {
        println!(
            "SKIPPED, NOT RUN: COUNTERPOISE_PYTHON names no Python with scikit-learn and imbalanced-learn to \
             compare with"
        );
        return;
    };
    let of_table = |(kind, rows): (Kind, Vec<Vec<usize>>)| {
        let figures = figures_of_table(&rows);
        json!({ "kind": format!("{kind:?}"), "rows": rows, "figures": figures })
    };
    let of_counts = |counts: Vec<usize>| {
        let balanced = weights(&counts, Scheme::Balanced, 0.999).unwrap();
        json!({ "counts": counts, "balanced": balanced })
    };
    let all = json!({
        "tables": tables().into_iter().map(of_table).collect::<Vec<Value>>(),
        "scores": cases().iter().map(Case::json).collect::<Vec<Value>>(),
        "weights": class_counts().into_iter().map(of_counts).collect::<Vec<Value>>(),
        "resampling": (0..RESAMPLINGS).map(|index| set(index).json()).collect::<Vec<Value>>(),
    });
    let temp = tempfile::tempdir().unwrap();
    let place = temp.path().join("cases.json");
    fs::write(&place, serde_json::to_vec(&all).unwrap()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/metrics_parity.py");
    let output = Command::new(&python).arg(script).arg(&place).output().unwrap();
    let (said, complaints) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code() == Some(MISSING) {
        println!("{}", complaints.trim_end());
        return;
    }
    assert!(output.status.success(), "{said}{complaints}");
    println!("{said}");
}
