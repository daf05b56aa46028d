//! The rules of SMOTE's family with given draws against the reference vectors, and what holds for any rows.
//!
//! tests/vectors/resampling.py writes the vectors of Borderline-SMOTE and ADASYN from imbalanced-learn.
#![allow(clippy::unwrap_used)]

#[path = "common/vectors.rs"]
mod vectors;

use counterpoise::domain::random::{Stage, stream};
use counterpoise::domain::task::Ctx;
use counterpoise::oversampling::rows::adasyn::{self, Adasyn};
use counterpoise::oversampling::rows::borderline::{self, Borderline, Kind};
use counterpoise::oversampling::rows::lines::{Fallback, Line, Lines, along};
use counterpoise::oversampling::rows::nearest::{Neighbours, nearest, nearest_of, squared_distance};
use counterpoise::oversampling::rows::smote::{Draw, interpolate, resample};
use counterpoise::oversampling::rows::{Labelled, RowsError};
use proptest::prelude::*;
use serde_json::{Value, json};
use vectors::{Book, Precision::F32, Precision::F64, Vector, counts, floats};

fn ctx() -> Ctx {
    Ctx::default()
}

/// Rows of a vector, one after the other, and the number of their features.
fn rows_of(value: &Value) -> (Vec<f32>, usize) {
    let rows = value.as_array().unwrap();
    let values: Vec<f32> = rows.iter().flat_map(floats).map(|value| value as f32).collect();
    (values, floats(&rows[0]).len())
}

fn nested(rows: &[f32], features: usize) -> Vec<Vec<f64>> {
    rows.chunks(features).map(|row| row.iter().map(|&value| f64::from(value)).collect()).collect()
}

fn table(found: &Neighbours) -> Vec<Vec<usize>> {
    (0..found.rows()).map(|row| found.of(row).to_vec()).collect()
}

fn draws_of(vector: Vector<'_>, rank: &str) -> Vec<Draw> {
    let (bases, ranks) = (counts(vector.input("base")), counts(vector.input(rank)));
    let steps = floats(vector.input("u"));
    bases.iter().zip(ranks).zip(steps).map(|((&base, rank), u)| Draw { base, rank, u }).collect()
}

/// Rows of a vector with their classes, and the class that is filled.
struct Case {
    rows: Vec<f32>,
    features: usize,
    classes: Vec<usize>,
    class: usize,
}

impl Case {
    fn of(vector: Vector<'_>) -> Self {
        let (rows, features) = rows_of(vector.input("rows"));
        let classes = counts(vector.input("classes"));
        Case { rows, features, classes, class: vector.input("class").as_u64().unwrap() as usize }
    }

    fn set(&self) -> Labelled<'_> {
        Labelled::new(&self.rows, self.features, &self.classes).unwrap()
    }

    fn borderline(&self, kind: Kind, m: usize, k: usize) -> Borderline {
        borderline::find(&ctx(), &self.set(), self.class, kind, m, k).unwrap()
    }

    fn adasyn(&self, k: usize) -> Adasyn {
        adasyn::find(&ctx(), &self.set(), self.class, k).unwrap()
    }

    fn plain(&self, k: usize) -> Lines {
        Lines::plain(&ctx(), &self.set(), self.class, k).unwrap()
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.rows[row * self.features..(row + 1) * self.features]
    }
}

#[test]
fn tv6_smote_with_given_draws() {
    let book = Book::read("baegan");
    let vector = book.get("TV6");
    let (rows, features) = rows_of(vector.input("X"));
    let n = rows.len() / features;
    let k = vector.input("k").as_u64().unwrap() as usize;
    let neighbours = nearest(&ctx(), &rows, n, features, k).unwrap();
    let draws = draws_of(vector, "neighbour_rank");
    let picked: Vec<usize> = draws.iter().map(|draw| neighbours.of(draw.base)[draw.rank]).collect();
    let samples = interpolate(&rows, features, &neighbours, &draws).unwrap();
    let got = json!({
        "neighbours": table(&neighbours),
        "picked": picked,
        "samples": nested(&samples, features),
    });
    vector.check(F32, &got);

    let classes = vec![0; n];
    let set = Labelled::new(&rows, features, &classes).unwrap();
    let lines = Lines::plain(&ctx(), &set, 0, k).unwrap().of_draws(&draws, || 0.0).unwrap();
    assert_eq!(along(&rows, features, &lines).unwrap(), samples);
}

#[test]
fn tv6b_the_order_of_draws() {
    let book = Book::read("baegan");
    let vector = book.get("TV6b");
    let (rows, features) = rows_of(vector.input("minority"));
    let k = vector.input("k").as_u64().unwrap() as usize;
    let positions = vector.input("neighbours").as_array().unwrap().iter().flat_map(counts).collect();
    let neighbours = Neighbours::from_table(k, positions).unwrap();
    let pairs = counts(vector.input("draw_index"));
    let steps = floats(vector.input("draw_step"));
    let draws: Vec<Draw> =
        pairs.iter().zip(steps).map(|(pair, u)| Draw { base: pair / k, rank: pair % k, u }).collect();
    let samples = interpolate(&rows, features, &neighbours, &draws).unwrap();
    vector.check(F32, &json!({ "samples": nested(&samples, features) }));
}

fn borderline_of(vector: Vector<'_>) -> (Case, Borderline) {
    let number = |name: &str| vector.input(name).as_u64().unwrap() as usize;
    let kind = if number("kind") == 1 { Kind::One } else { Kind::Two };
    let case = Case::of(vector);
    let found = case.borderline(kind, number("m"), number("k"));
    (case, found)
}

#[test]
fn borderline_smote_with_given_draws() {
    let book = Book::read("resampling");
    for id in ["borderline-1", "borderline-2", "borderline-1-classes", "borderline-2-classes"] {
        let vector = book.get(id);
        let (case, found) = borderline_of(vector);
        let mut gaps = floats(vector.input("gap")).into_iter();
        let lines = found.lines.of_draws(&draws_of(vector, "rank"), || gaps.next().unwrap()).unwrap();
        assert_eq!(gaps.next(), None, "{id}: a gap for each step towards another class, and no other");
        let samples = along(&case.rows, case.features, &lines).unwrap();
        let got = json!({
            "noise": found.noise,
            "danger": found.danger(),
            "neighbours": table(found.lines.ends()),
            "samples": nested(&samples, case.features),
        });
        vector.check(F32, &got);
        assert_eq!(found.fallback, None);
    }
}

/// Twelve rows of class 0, then six of class 1.
fn published(vector: Vector<'_>) -> Case {
    let (mut rows, features) = rows_of(vector.input("majority"));
    let majority = rows.len() / features;
    rows.extend(rows_of(vector.input("minority")).0);
    let classes = (0..rows.len() / features).map(|row| usize::from(row >= majority)).collect();
    Case { rows, features, classes, class: 1 }
}

#[test]
fn the_borderline_example_is_safe_in_danger_and_noise_where_it_should_be() {
    let book = Book::read("weights_and_metrics");
    for (id, listed) in [("5.5-borderline", true), ("5.5-borderline-10", false)] {
        let vector = book.get(id);
        let case = published(vector);
        let m = vector.input("m").as_u64().unwrap() as usize;
        let asked: Vec<usize> = (0..case.classes.len()).filter(|&row| case.classes[row] == 1).collect();
        assert_eq!(asked[0] as u64, vector.input("first_minority_index").as_u64().unwrap());
        let around = nearest_of(&ctx(), &case.rows, case.classes.len(), case.features, &asked, m).unwrap();
        let others = |at: usize| around.of(at).iter().filter(|&&row| case.classes[row] == 0).count();
        let found = case.borderline(Kind::One, m, 2);
        let kind = |row: &usize| match (found.noise.contains(row), found.danger().contains(row)) {
            (true, _) => "noise",
            (_, true) => "danger",
            _ => "safe",
        };
        let mut got = json!({
            "majority_neighbours": (0..asked.len()).map(others).collect::<Vec<_>>(),
            "kind": asked.iter().map(kind).collect::<Vec<_>>(),
        });
        if listed {
            let set = |at: usize| {
                let mut rows = around.of(at).to_vec();
                rows.sort_unstable();
                rows
            };
            let distances = |(at, &row): (usize, &usize)| -> Vec<f64> {
                let near = around.of(at).iter();
                near.map(|&other| squared_distance(case.row(row), case.row(other)).sqrt()).collect()
            };
            got["neighbour_sets"] = json!((0..asked.len()).map(set).collect::<Vec<_>>());
            got["neighbour_distances"] = json!(asked.iter().enumerate().map(distances).collect::<Vec<_>>());
            got["danger_index"] = json!(found.danger());
        }
        vector.check(F32, &got);
        assert_eq!(found.fallback, None);
    }
}

#[test]
fn the_borderline_example_has_its_neighbours_and_counts() {
    let book = Book::read("weights_and_metrics");
    let vector = book.get("5.5-neighbours");
    let number = |name: &str| vector.input(name).as_u64().unwrap() as usize;
    let (rows, features) = rows_of(vector.input("minority"));
    let (n, k) = (rows.len() / features, number("k"));
    let neighbours = nearest(&ctx(), &rows, n, features, k).unwrap();
    let rank = neighbours.of(number("from")).iter().position(|&row| row == number("to")).unwrap();
    let draw = Draw { base: number("from"), rank, u: vector.input("u").as_f64().unwrap() };
    let sample = interpolate(&rows, features, &neighbours, &[draw]).unwrap();
    // The class of twelve stands behind the six; what it looks like does not matter to plain SMOTE.
    let target = number("majority_count");
    let whole = [rows.clone(), vec![9.0; target * features]].concat();
    let classes: Vec<usize> = (0..n + target).map(|row| usize::from(row >= n)).collect();
    let filled = resample(&ctx(), &whole, features, &classes, target, k, 3).unwrap();
    let got = json!({
        "neighbours": table(&neighbours),
        "to_add": filled.classes.len() - classes.len(),
        "sample": sample,
    });
    vector.check(F32, &got);

    let vector = book.get("5.5-duplicates");
    let (rows, features) = rows_of(vector.input("points"));
    let k = vector.input("k").as_u64().unwrap() as usize;
    let found = nearest(&ctx(), &rows, rows.len() / features, features, k).unwrap();
    vector.check(F64, &json!({ "neighbours": table(&found) }));
}

#[test]
fn fewer_rows_than_neighbours_have_all_others_as_neighbours() {
    let book = Book::read("weights_and_metrics");
    let vector = book.get("5.5-too-few");
    let number = |name: &str| vector.input(name).as_u64().unwrap() as usize;
    let (n, k) = (number("minority_count"), number("k"));
    let rows: Vec<f32> = (0..n).map(|row| row as f32).collect();
    let found = nearest(&ctx(), &rows, n, 1, k).unwrap();
    assert_eq!(json!(found.k()), vector.expected()["k_effective"]);
    assert_eq!(nearest(&ctx(), &rows[..1], 1, 1, k), Err(RowsError::OneImage), "the caller copies it");
}

#[test]
fn a_class_without_danger_is_filled_by_plain_smote_and_says_so() {
    let book = Book::read("resampling");
    let (case, found) = borderline_of(book.get("borderline-apart"));
    assert_eq!((found.danger(), &found.noise[..]), (&[][..], &[][..]));
    assert_eq!(found.fallback, Some(Fallback::NoDanger));
    assert_eq!(found.lines, case.plain(5));
    assert!(Fallback::NoDanger.to_string().contains("plain SMOTE over the whole class"));
    assert_eq!(case.borderline(Kind::Two, 10, 5), found, "either rule falls back to the same");
}

#[test]
fn adasyn_with_given_draws() {
    let book = Book::read("resampling");
    for id in ["adasyn", "adasyn-classes"] {
        let vector = book.get(id);
        let number = |name: &str| vector.input(name).as_u64().unwrap() as usize;
        let case = Case::of(vector);
        let found = case.adasyn(number("k"));
        let draws = draws_of(vector, "rank");
        let apportioned = found.apportioned(number("n"));
        let bases = apportioned.iter().enumerate().flat_map(|(row, &count)| std::iter::repeat_n(row, count));
        assert!(bases.eq(draws.iter().map(|draw| draw.base)), "{id}: rows in the order of their starts");
        let lines = found.lines.of_draws(&draws, || 0.0).unwrap();
        let samples = along(&case.rows, case.features, &lines).unwrap();
        let got = json!({
            "others": found.others,
            "refused": found.fallback.is_some(),
            "densities": found.densities(),
            "apportioned": apportioned,
            "neighbours": table(found.lines.ends()),
            "samples": nested(&samples, case.features),
        });
        vector.check(F32, &got);
        vector.check_part(F64, "densities", &got["densities"]);
        assert_eq!(found.around, number("k"));
    }
}

#[test]
fn a_class_far_from_others_is_filled_by_plain_smote_and_says_so() {
    let book = Book::read("resampling");
    let vector = book.get("adasyn-apart");
    let case = Case::of(vector);
    let found = case.adasyn(5);
    vector.check(F64, &json!({ "others": found.others, "refused": found.fallback.is_some() }));
    assert_eq!(found.fallback, Some(Fallback::NoOthers));
    assert_eq!(found.lines, case.plain(5));
    assert!(Fallback::NoOthers.to_string().contains("plain SMOTE over the whole class"));
    assert_eq!(found.densities(), [1.0 / 12.0; 12], "no division by zero");
    assert_eq!(found.apportioned(24), [2; 12]);
}

/// The k nearest of all rows for those that are asked, by comparing with every other row in f64.
fn brute(rows: &[f32], features: usize, asked: &[usize], k: usize) -> Vec<Vec<usize>> {
    let n = rows.len() / features;
    let row = |at: usize| &rows[at * features..(at + 1) * features];
    let squares = |a: usize, b: usize| -> f64 {
        row(a).iter().zip(row(b)).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
    };
    let nearest = |at: usize| {
        let mut all: Vec<(f64, usize)> =
            (0..n).filter(|&other| other != at).map(|other| (squares(at, other), other)).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        all.iter().take(k).map(|found| found.1).collect()
    };
    asked.iter().map(|&at| nearest(at)).collect()
}

/// Rows of three classes that overlap, in mixed order: half of class 0, the rest of 1 and 2.
fn mixed(seed: u64, n: usize, features: usize) -> Case {
    let mut draws = stream(seed, Stage::Other, 0, 0);
    let classes: Vec<usize> = (0..n).map(|_| [0, 0, 1, 2][draws.below(4)]).collect();
    let rows: Vec<f32> = classes
        .iter()
        .flat_map(|&class| std::iter::repeat_n(class as f64 / 2.0, features))
        .map(|centre| (centre + draws.normal()) as f32)
        .collect();
    Case { rows, features, classes, class: 2 }
}

#[test]
fn neighbours_of_some_rows_on_a_line() {
    // 0, 1, 3, 7, asked in another order and twice.
    let rows = [0.0, 1.0, 3.0, 7.0];
    let found = nearest_of(&ctx(), &rows, 4, 1, &[3, 0, 3], 2).unwrap();
    assert_eq!(table(&found), [[2, 1], [1, 2], [2, 1]]);
    // A copy is a neighbour, the row itself is not; ties go to the lower position.
    let found = nearest_of(&ctx(), &[5.0, 5.0, 4.0, 6.0], 4, 1, &[1, 2], 9).unwrap();
    assert_eq!(table(&found), [[0, 2, 3], [0, 1, 3]]);
    let none = nearest_of(&ctx(), &rows, 4, 1, &[], 2).unwrap();
    assert_eq!((none.k(), none.rows()), (2, 0));
    assert_eq!(nearest_of(&ctx(), &rows, 4, 1, &[1, 4], 2), Err(RowsError::NoRow(4)));
    assert_eq!(nearest_of(&ctx(), &rows, 4, 1, &[1], 0), Err(RowsError::NoNeighbour));
    assert_eq!(nearest_of(&ctx(), &rows[..1], 1, 1, &[0], 2), Err(RowsError::OneImage));
    let cancelled = ctx();
    cancelled.cancel();
    assert_eq!(nearest_of(&cancelled, &rows, 4, 1, &[1], 2), Err(RowsError::Cancelled));
}

#[test]
fn more_features_than_one_product_sums() {
    let case = mixed(13, 40, 1300);
    let all: Vec<usize> = (0..40).rev().collect();
    let wanted = brute(&case.rows, 1300, &all, 6);
    assert_eq!(table(&nearest_of(&ctx(), &case.rows, 40, 1300, &all, 6).unwrap()), wanted);
    let each = table(&nearest(&ctx(), &case.rows, 40, 1300, 6).unwrap());
    assert!(each.iter().rev().eq(&wanted));
}

#[test]
fn tiny_classes() {
    let two = Case { rows: vec![0.0, 1.0, 2.0, 3.0], features: 1, classes: vec![1, 1, 0, 0], class: 1 };
    // Of three others two are of the other class: more than half, fewer than all.
    let found = two.borderline(Kind::One, 10, 5);
    assert_eq!((found.danger(), found.lines.ends().k()), (&[0, 1][..], 1));
    assert_eq!(table(found.lines.ends()), [[1], [0]]);
    assert_eq!(table(two.borderline(Kind::Two, 10, 5).lines.ends()), [[1, 2, 3], [0, 2, 3]]);
    let found = two.adasyn(5);
    assert_eq!((found.others, found.around, found.lines.ends().k()), (vec![2, 2], 3, 1));

    let one = Case { classes: vec![0, 1, 0, 0], ..two };
    let errors = |case: &Case, class: usize, k: usize| {
        [
            Lines::plain(&ctx(), &case.set(), class, k).unwrap_err(),
            borderline::find(&ctx(), &case.set(), class, Kind::One, 3, k).unwrap_err(),
            borderline::find(&ctx(), &case.set(), class, Kind::Two, 3, k).unwrap_err(),
            adasyn::find(&ctx(), &case.set(), class, k).unwrap_err(),
        ]
    };
    assert_eq!(errors(&one, 1, 5), [const { RowsError::OneImage }; 4]);
    assert_eq!(errors(&one, 7, 5), [const { RowsError::NoImage }; 4]);
    assert_eq!(errors(&one, 0, 0), [const { RowsError::NoNeighbour }; 4]);
    let broken = Case { rows: vec![0.0, 1.0, 2.0, f32::NAN], ..one };
    assert_eq!(errors(&broken, 0, 5), [const { RowsError::NotFinite(3) }; 4], "by its place in the set");
    assert_eq!(
        borderline::find(&ctx(), &broken.set(), 0, Kind::One, 0, 5),
        Err(RowsError::NoNeighbour),
        "m, too"
    );
    assert!(Labelled::new(&broken.rows, 2, &broken.classes).is_err());
}

#[test]
fn copies_are_neighbours_of_each_other_and_no_row_of_itself() {
    // Eight copies of one row, half of them in each class.
    let case = Case { rows: vec![2.0; 8], features: 1, classes: vec![1, 0, 1, 0, 1, 0, 1, 0], class: 1 };
    for lines in [
        case.plain(2),
        case.borderline(Kind::One, 7, 2).lines,
        case.borderline(Kind::Two, 7, 2).lines,
        case.adasyn(2).lines,
    ] {
        assert_eq!(lines.starts(), [0, 2, 4, 6]);
        for (start, ends) in lines.starts().iter().zip(table(lines.ends())) {
            assert!(!ends.contains(start) && ends.len() == 2, "{start}: {ends:?}");
        }
    }
    // Of the five at the lowest positions, three or two are of class 0.
    assert_eq!(case.adasyn(5).others, [3, 3, 3, 2]);
}

#[test]
fn a_line_that_is_not_there_is_refused() {
    let case = mixed(3, 40, 2);
    let lines = case.borderline(Kind::Two, 10, 5).lines;
    let last = lines.starts().len();
    let right = Draw { base: 0, rank: 0, u: 0.5 };
    for wrong in [Draw { base: last, ..right }, Draw { rank: 5, ..right }] {
        assert_eq!(lines.of_draws(&[right, wrong], || 0.25), Err(RowsError::Draw(1)));
    }
    let right = Line { from: 0, to: 1, u: 0.5 };
    for wrong in [Line { from: 40, ..right }, Line { to: 40, ..right }, Line { u: 1.0, ..right }] {
        assert_eq!(along(&case.rows, 2, &[right, wrong]), Err(RowsError::Draw(1)));
    }
    assert!(matches!(along(&case.rows[1..], 2, &[right]), Err(RowsError::Shape { .. })));
    assert!(matches!(along(&case.rows, 0, &[right]), Err(RowsError::Shape { .. })));
}

/// The lines of every rule for one class.
fn every_rule(case: &Case) -> [Lines; 4] {
    [
        case.plain(5),
        case.borderline(Kind::One, 10, 5).lines,
        case.borderline(Kind::Two, 10, 5).lines,
        case.adasyn(5).lines,
    ]
}

#[test]
fn a_slot_is_the_same_whatever_else_is_made() {
    let case = mixed(5, 120, 4);
    for lines in every_rule(&case) {
        let alone = lines.draw(9, 2, 17);
        let all: Vec<Line> = (0..40).map(|key| lines.draw(9, 2, key)).collect();
        assert_eq!(all[17], alone);
        let others = [lines.draw(10, 2, 17), lines.draw(9, 1, 17), lines.draw(9, 2, 17 | 1 << 32)];
        assert!(!others.contains(&alone), "seed, class, slot and attempt all count");
    }
    // Plain lines are those of the draws that SMOTE's other door takes.
    let members: Vec<usize> = (0..120).filter(|&row| case.classes[row] == 2).collect();
    let rows: Vec<f32> = members.iter().flat_map(|&row| case.row(row).to_vec()).collect();
    let neighbours = nearest(&ctx(), &rows, members.len(), 4, 5).unwrap();
    let lines = case.plain(5);
    for key in 0..30 {
        let draw = Draw::of(9, 2, key, &neighbours);
        let to = members[neighbours.of(draw.base)[draw.rank]];
        assert_eq!(lines.draw(9, 2, key), Line { from: members[draw.base], to, u: draw.u });
    }
}

#[test]
fn adasyn_draws_starts_by_their_density() {
    let case = Case::of(Book::read("resampling").get("adasyn"));
    let found = case.adasyn(5);
    let draws = 20_000;
    let mut starts = vec![0_usize; case.classes.len()];
    for key in 0..draws {
        starts[found.lines.draw(1, 1, key).from] += 1;
    }
    assert!(found.others.contains(&0), "a row that lies inside its class");
    for ((&row, &others), density) in found.lines.starts().iter().zip(&found.others).zip(found.densities()) {
        let wanted = density * draws as f64;
        assert!((starts[row] as f64 - wanted).abs() <= 5.0 * wanted.sqrt(), "{row}: {}", starts[row]);
        assert!(others > 0 || starts[row] == 0);
    }
}

#[test]
fn steps_towards_others_are_short_under_borderline_2_alone() {
    let case = mixed(8, 200, 3);
    let found = case.borderline(Kind::Two, 10, 5);
    let drawn: Vec<Line> = (0..2000).map(|key| found.lines.draw(3, 2, key)).collect();
    let (across, inside): (Vec<Line>, Vec<Line>) =
        drawn.iter().partition(|line| case.classes[line.to] != case.class);
    assert!(across.len() > 300 && inside.len() > 300);
    let longest = |lines: &[Line]| lines.iter().map(|line| line.u).fold(0.0, f64::max);
    assert!((0.4..0.5).contains(&longest(&across)), "{}", longest(&across));
    assert!(longest(&inside) > 0.9, "{}", longest(&inside));
    assert!(drawn.iter().all(|line| found.danger().contains(&line.from)));
}

#[test]
fn the_number_of_threads_changes_nothing() {
    // More rows than two blocks of the search, and more asked than one.
    let case = mixed(21, 1200, 20);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let lines = every_rule(&case);
            let drawn: Vec<Line> =
                lines.iter().flat_map(|lines| (0..300).map(|key| lines.draw(4, 2, key))).collect();
            let made = along(&case.rows, case.features, &drawn).unwrap();
            assert_eq!(made.len(), 1200 * case.features);
            (lines, made)
        })
    };
    let one = run(1);
    assert!(run(2) == one && run(3) == one);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn neighbours_of_some_rows_are_those_of_a_full_search(
        (n, features, k) in (2..450_usize, 1..40_usize, 1..12_usize),
        offset in prop::sample::select(vec![0.0_f32, 1000.0]),
        grain in prop::sample::select(vec![0.0_f32, 0.5, 1e-4]),
        (asked, copies) in (1..300_usize, 0..20_usize),
        seed in any::<u64>(),
    ) {
        // Grains make ties and near ties; an offset makes products cancel; copies make distances of zero.
        let mut draws = stream(seed, Stage::Other, 0, 0);
        let mut rows: Vec<f32> = (0..n * features).map(|_| {
            let value = draws.normal() as f32;
            offset + if grain > 0.0 { (value / grain).round() * grain } else { value }
        }).collect();
        for _ in 0..copies {
            let (from, to) = (draws.below(n), draws.below(n));
            let row = rows[from * features..(from + 1) * features].to_vec();
            rows[to * features..(to + 1) * features].copy_from_slice(&row);
        }
        let asked: Vec<usize> = (0..asked).map(|_| draws.below(n)).collect();
        let found = nearest_of(&ctx(), &rows, n, features, &asked, k).unwrap();
        prop_assert_eq!(found.k(), k.min(n - 1));
        prop_assert_eq!(table(&found), brute(&rows, features, &asked, k));
    }

    #[test]
    fn rows_are_made_between_a_row_of_the_class_and_a_neighbour(
        (n, features) in (20..90_usize, 1..12_usize),
        seed in any::<u64>(),
    ) {
        let mut case = mixed(seed, n, features);
        // Two rows of the class at least.
        case.classes[0] = 2;
        case.classes[1] = 2;
        for (rule, lines) in every_rule(&case).into_iter().enumerate() {
            let drawn: Vec<Line> = (0..25).map(|key| lines.draw(seed, 2, key)).collect();
            let made = along(&case.rows, features, &drawn).unwrap();
            prop_assert_eq!(made.len(), 25 * features);
            for (line, made) in drawn.iter().zip(made.chunks(features)) {
                prop_assert!(line.from != line.to && case.classes[line.from] == 2);
                // Borderline-SMOTE 2 alone goes towards other classes.
                prop_assert!(rule == 2 || case.classes[line.to] == 2);
                for ((made, from), to) in made.iter().zip(case.row(line.from)).zip(case.row(line.to)) {
                    let wanted = f64::from(*from) + line.u * (f64::from(*to) - f64::from(*from));
                    prop_assert!((f64::from(*made) - wanted).abs() < 1e-6);
                    prop_assert!(*made >= from.min(*to) && *made <= from.max(*to));
                }
            }
        }
    }
}
