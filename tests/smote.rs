//! SMOTE's core: exact neighbours, and rows on the lines between them.
#![allow(clippy::unwrap_used)]

use counterpoise::domain::random::{Stage, stream};
use counterpoise::domain::task::Ctx;
use counterpoise::oversampling::rows::RowsError;
use counterpoise::oversampling::rows::nearest::{Neighbours, nearest};
use counterpoise::oversampling::rows::smote::{Draw, interpolate, resample};
use proptest::prelude::*;

fn ctx() -> Ctx {
    Ctx::default()
}

/// The k nearest by comparing with every other row in f64; ties to the lower position.
fn brute(rows: &[f32], n: usize, features: usize, k: usize) -> Vec<usize> {
    let row = |at: usize| &rows[at * features..(at + 1) * features];
    let mut out = Vec::new();
    for at in 0..n {
        let mut all: Vec<(f64, usize)> = (0..n)
            .filter(|other| *other != at)
            .map(|other| {
                let squares =
                    row(at).iter().zip(row(other)).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
                (squares.sum(), other)
            })
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        out.extend(all.iter().take(k.min(n - 1)).map(|found| found.1));
    }
    out
}

fn flat(found: &Neighbours) -> Vec<usize> {
    (0..found.rows()).flat_map(|row| found.of(row).to_vec()).collect()
}

#[test]
fn neighbours_on_a_line() {
    // 0, 1, 3, 7: the nearest two of each by hand.
    let found = nearest(&ctx(), &[0.0, 1.0, 3.0, 7.0], 4, 1, 2).unwrap();
    assert_eq!(flat(&found), [1, 2, 0, 2, 1, 0, 2, 1]);
    // A copy of a row is its neighbour; the row itself is not. Ties go to the lower position.
    let found = nearest(&ctx(), &[5.0, 5.0, 4.0, 6.0], 4, 1, 2).unwrap();
    assert_eq!(flat(&found), [1, 2, 0, 2, 0, 1, 0, 1]);
}

#[test]
fn small_classes_have_fewer_neighbours_or_a_sentence() {
    let two = nearest(&ctx(), &[0.0, 1.0, 2.0, 3.0], 2, 2, 5).unwrap();
    assert_eq!((two.k(), flat(&two)), (1, vec![1, 0]));
    assert_eq!(nearest(&ctx(), &[0.0, 1.0], 1, 2, 5), Err(RowsError::OneImage));
    assert!(RowsError::OneImage.to_string().contains("repeat the image"));
    assert_eq!(nearest(&ctx(), &[], 0, 2, 5), Err(RowsError::NoImage));
    assert_eq!(nearest(&ctx(), &[0.0, f32::NAN, 1.0], 3, 1, 1), Err(RowsError::NotFinite(1)));
    let cancelled = ctx();
    cancelled.cancel();
    assert_eq!(nearest(&cancelled, &[0.0, 1.0, 2.0], 3, 1, 1), Err(RowsError::Cancelled));
}

#[test]
fn a_made_row_is_where_the_draw_says() {
    let rows = [0.0, 0.0, 4.0, 8.0];
    let neighbours = nearest(&ctx(), &rows, 2, 2, 1).unwrap();
    let draws = [Draw { base: 0, rank: 0, u: 0.25 }, Draw { base: 1, rank: 0, u: 0.5 }];
    assert_eq!(interpolate(&rows, 2, &neighbours, &draws).unwrap(), [1.0, 2.0, 2.0, 4.0]);
    let wrong = [Draw { base: 2, rank: 0, u: 0.5 }];
    assert_eq!(interpolate(&rows, 2, &neighbours, &wrong), Err(RowsError::Draw(0)));
}

#[test]
fn more_rows_do_not_change_the_first_ones_and_threads_change_nothing() {
    let mut draws = stream(4, Stage::Other, 0, 0);
    let (features, counts) = (30, [400_usize, 250, 9]);
    let classes: Vec<usize> =
        counts.iter().enumerate().flat_map(|(class, &count)| std::iter::repeat_n(class, count)).collect();
    let rows: Vec<f32> = (0..classes.len() * features).map(|_| draws.normal() as f32).collect();
    let run = |threads: usize, target: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| resample(&ctx(), &rows, features, &classes, target, 5, 11).unwrap())
    };
    let one = run(1, 400);
    assert!(run(2, 400) == one && run(5, 400) == one);
    assert_eq!(one.classes.len(), 1200);
    assert_eq!(&one.rows[..rows.len()], &rows[..]);
    // Class 1 begins right after the originals in either.
    let more = run(2, 500);
    let at = |made: &counterpoise::oversampling::rows::smote::Resampled, class: usize| {
        let start = classes.len() + made.classes[classes.len()..].iter().position(|c| *c == class).unwrap();
        made.rows[start * features..(start + 100) * features].to_vec()
    };
    assert_eq!(at(&one, 1), at(&more, 1));
    assert_eq!(at(&one, 2), at(&more, 2));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn neighbours_are_those_of_a_full_search(
        (n, features, k) in (2..450_usize, 1..40_usize, 1..8_usize),
        (offset, grain) in (prop::sample::select(vec![0.0_f32, 1000.0]), prop::sample::select(vec![0.0_f32, 0.5, 1e-4])),
        copies in 0..20_usize,
        seed in any::<u64>(),
    ) {
        // Coarse grains make ties and near ties; an offset makes products cancel; copies make distances of zero.
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
        let found = nearest(&ctx(), &rows, n, features, k).unwrap();
        prop_assert_eq!(flat(&found), brute(&rows, n, features, k));
    }

    #[test]
    fn made_rows_lie_on_their_segments(
        (n, features) in (2..40_usize, 1..20_usize),
        seed in any::<u64>(),
    ) {
        let mut draws = stream(seed, Stage::Other, 0, 0);
        let rows: Vec<f32> = (0..n * features).map(|_| draws.normal() as f32).collect();
        let neighbours = nearest(&ctx(), &rows, n, features, 5).unwrap();
        let taken: Vec<Draw> = (0..30).map(|index| Draw::of(seed, 1, index, &neighbours)).collect();
        let made = interpolate(&rows, features, &neighbours, &taken).unwrap();
        for (draw, made) in taken.iter().zip(made.chunks(features)) {
            let from = &rows[draw.base * features..][..features];
            let to = &rows[neighbours.of(draw.base)[draw.rank] * features..][..features];
            for ((made, from), to) in made.iter().zip(from).zip(to) {
                let wanted = f64::from(*from) + draw.u * (f64::from(*to) - f64::from(*from));
                prop_assert!((f64::from(*made) - wanted).abs() < 1e-6);
                prop_assert!(*made >= from.min(*to) && *made <= from.max(*to));
            }
        }
    }
}
