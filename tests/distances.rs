//! Distances between sets of feature rows: the reference vectors, cases worked by hand, and what holds for all rows.
#![allow(clippy::unwrap_used)]

#[path = "common/vectors.rs"]
mod vectors;

use counterpoise::domain::numbers::figure;
use counterpoise::domain::random::{Stage, stream};
use counterpoise::domain::task::Ctx;
use counterpoise::evaluation::distance::frechet::{Moments, frechet, from_moments, from_samples};
use counterpoise::evaluation::distance::kernel::kernel;
use counterpoise::evaluation::distance::manifold::{diversity, manifold, manifold_of_two, nearest_accuracy};
use counterpoise::evaluation::distance::{
    Distance, DistanceError, FeatureRows, Measure, Settings, Standardisation, compare, split_floor,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use vectors::{Book, Precision::F64, counts, floats};

fn ctx() -> Ctx {
    Ctx::default()
}

/// Rows from a table of a vector file.
fn table(value: &Value) -> FeatureRows {
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(floats).collect();
    FeatureRows::new(rows.concat(), rows.len(), rows[0].len()).unwrap()
}

/// Rows of one feature.
fn line(values: &[f64]) -> FeatureRows {
    FeatureRows::new(values.to_vec(), values.len(), 1).unwrap()
}

/// Independent normal features, times `scale` and plus `shift`.
fn normal(seed: u64, rows: usize, features: usize, scale: f64, shift: f64) -> FeatureRows {
    let mut draws = stream(seed, Stage::Other, 0, 0);
    let values = (0..rows * features).map(|_| draws.normal() * scale + shift).collect();
    FeatureRows::new(values, rows, features).unwrap()
}

fn close(a: f64, b: f64, within: f64) -> bool {
    (a - b).abs() <= within
}

fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn row(rows: &FeatureRows, at: usize) -> &[f64] {
    &rows.values()[at * rows.features()..(at + 1) * rows.features()]
}

// ------------------------------------------------------------------ reference vectors

#[test]
fn tv7_frechet_of_gaussians() {
    let book = Book::read("baegan");
    let vector = book.get("TV7");
    let mut got = Map::new();
    for name in vector.expected().as_object().unwrap().keys() {
        let case = vector.input(name);
        let moments = |mean: &str, covariance: &str| {
            Moments::new(floats(&case[mean]), table(&case[covariance]).values().to_vec()).unwrap()
        };
        let found = from_moments(&moments("m1", "S1"), &moments("m2", "S2")).unwrap();
        got.insert(name.clone(), json!({ "d2": found.squared, "trace_sqrt": found.trace_sqrt }));
    }
    assert!(got.len() >= 5, "the file lost cases");
    vector.check(F64, &Value::Object(got));
}

#[test]
fn tv7_frechet_of_samples() {
    let book = Book::read("baegan");
    let vector = book.get("TV7-samples");
    let (real, fake) = (table(vector.input("real")), table(vector.input("fake")));
    let (of_real, of_fake) = (Moments::of(&real).unwrap(), Moments::of(&fake).unwrap());
    let from_both = [from_moments(&of_real, &of_fake).unwrap(), from_samples(&real, &fake).unwrap()];
    // Covariances divided by n, which is not the definition.
    let by_n = |moments: &Moments| {
        let covariance = moments.covariance().iter().map(|value| value * 0.75).collect();
        Moments::new(moments.mean().to_vec(), covariance).unwrap()
    };
    let nested = |moments: &Moments| json!(moments.covariance().chunks(2).collect::<Vec<_>>());
    for found in from_both {
        let got = json!({
            "mean_real": of_real.mean(),
            "mean_fake": of_fake.mean(),
            "cov_real": nested(&of_real),
            "cov_fake": nested(&of_fake),
            "d2": found.squared,
            "trace_sqrt": from_both[0].trace_sqrt,
            "nuclear_norm": from_both[1].trace_sqrt,
            "d2_with_n": from_moments(&by_n(&of_real), &by_n(&of_fake)).unwrap().squared,
        });
        vector.check(F64, &got);
    }
}

#[test]
fn tv7_two_samples_of_one_law_are_apart() {
    let book = Book::read("baegan");
    let vector = book.get("TV7-floor");
    let features = vector.input("dimension").as_u64().unwrap() as usize;
    let means = counts(vector.input("n")).into_iter().map(|n| {
        // Few rows scatter more: a mean over more repeats.
        let repeats = (2000 / n).clamp(2, 20);
        let sum: f64 = (0..repeats as u64)
            .map(|repeat| {
                let sample = |side: u64| normal(1000 * n as u64 + 2 * repeat + side, n, features, 1.0, 0.0);
                frechet(&sample(0), &sample(1)).unwrap().squared
            })
            .sum();
        sum / repeats as f64
    });
    vector.check(F64, &json!({ "d2_about": means.collect::<Vec<_>>() }));
}

#[test]
fn tv8_kernel_distance() {
    let book = Book::read("baegan");
    let vector = book.get("TV8");
    let pairs = vector.input("pairs").as_array().unwrap().iter().map(|pair| {
        let found = kernel(&ctx(), &table(&pair["x"]), &table(&pair["y"])).unwrap();
        json!({ "unbiased": found.unbiased, "biased": found.biased })
    });
    vector.check(F64, &json!({ "pairs": pairs.collect::<Vec<_>>() }));
}

#[test]
fn tv9_precision_recall_density_coverage() {
    let book = Book::read("baegan");
    let vector = book.get("TV9");
    let (real, fake) = (table(vector.input("real")), table(vector.input("fake")));
    let mut got = Map::new();
    for k in counts(vector.input("k")) {
        let found = manifold(&ctx(), &real, &fake, k).unwrap();
        assert_eq!(found.k, k);
        let figures = json!({
            "precision": found.precision,
            "recall": found.recall,
            "density": found.density,
            "coverage": found.coverage,
        });
        got.insert(format!("k{k}"), figures);
    }
    vector.check(F64, &Value::Object(got));
}

// ------------------------------------------------------------------ worked by hand

#[test]
fn frechet_of_one_feature() {
    // Means 1 and 5, variances 2 and 8: 16 + 2 + 8 - 2 sqrt(16).
    let (real, made) = (line(&[0.0, 2.0]), line(&[3.0, 7.0]));
    let of = |rows: &FeatureRows| Moments::of(rows).unwrap();
    for found in [from_moments(&of(&real), &of(&made)), from_samples(&real, &made), frechet(&real, &made)]
        .map(Result::unwrap)
    {
        assert!(close(found.squared, 18.0, 1e-12) && close(found.trace_sqrt, 4.0, 1e-12), "{found:?}");
    }
    // Without spread only the means are left.
    assert_eq!(frechet(&line(&[1.0, 1.0]), &line(&[4.0, 4.0, 4.0])).unwrap().squared, 9.0);
}

#[test]
fn both_forms_of_frechet_agree_on_either_side_of_the_number_of_features() {
    for (n, m, features) in [(5, 9, 40), (40, 12, 20), (60, 80, 10), (2, 2, 3)] {
        let (real, made) = (normal(1, n, features, 1.0, 0.0), normal(2, m, features, 1.5, 0.3));
        let samples = from_samples(&real, &made).unwrap();
        let moments = from_moments(&Moments::of(&real).unwrap(), &Moments::of(&made).unwrap()).unwrap();
        assert!(close(samples.squared, moments.squared, 1e-4), "{samples:?} {moments:?}");
        assert!(samples.squared > 0.1);
        let chosen = frechet(&real, &made).unwrap();
        assert_eq!(chosen, if n.max(m) < features { samples } else { moments });
    }
}

#[test]
fn kernel_of_one_feature() {
    // k(a, b) = (ab + 1)^3. Pairs of {0, 1}: 1; of {1, 2}: 27; across: 1, 1, 8, 27; selves: 1, 8 and 8, 125.
    let found = kernel(&ctx(), &line(&[0.0, 1.0]), &line(&[1.0, 2.0])).unwrap();
    assert!(close(found.unbiased, 1.0 + 27.0 - 18.5, 1e-12));
    assert!(close(found.biased, 11.0 / 4.0 + 187.0 / 4.0 - 18.5, 1e-12));
    // One set against itself: below 0, and given as it is.
    let same = kernel(&ctx(), &line(&[0.0, 1.0]), &line(&[0.0, 1.0])).unwrap();
    assert!(close(same.unbiased, -3.5, 1e-12) && close(same.biased, 0.0, 1e-12));
}

#[test]
fn a_set_against_itself() {
    for (n, features) in [(30, 6), (20, 50), (200, 6)] {
        let rows = normal(3, n, features, 1.0, 0.0);
        assert!(frechet(&rows, &rows).unwrap().squared < 1e-7);
        assert!(kernel(&ctx(), &rows, &rows).unwrap().biased.abs() < 1e-10);
        let found = manifold(&ctx(), &rows, &rows, 3).unwrap();
        // Each ball holds its own row and all but the last of its k neighbours: the last lies on the edge.
        assert_eq!([found.precision, found.recall, found.density, found.coverage], [1.0; 4]);
        let nearest = nearest_accuracy(&ctx(), &rows, &rows).unwrap();
        assert_eq!(
            [nearest.all, nearest.real, nearest.made],
            [0.0; 3],
            "every row has its copy on the other side"
        );
        let found = diversity(&ctx(), &rows, &rows, 100_000, 1).unwrap();
        assert_eq!((found.ratio, found.real), (1.0, found.made));
    }
}

#[test]
fn sets_that_lie_apart() {
    let (real, made) = (normal(4, 40, 5, 1.0, 0.0), normal(5, 50, 5, 1.0, 100.0));
    let found = manifold(&ctx(), &real, &made, 5).unwrap();
    assert_eq!([found.precision, found.recall, found.density, found.coverage], [0.0; 4]);
    assert_eq!(nearest_accuracy(&ctx(), &real, &made).unwrap().all, 1.0);
    assert!(frechet(&real, &made).unwrap().squared > 5.0 * 99.0 * 99.0);
    assert!(kernel(&ctx(), &real, &made).unwrap().unbiased > 1e6);
}

#[test]
fn the_edge_of_a_ball_is_outside() {
    // Radii of 0, 1 and 3 for one neighbour: 1, 1, 2. The made row lies at 1 from the first.
    let real = line(&[0.0, 1.0, 3.0]);
    let found = manifold(&ctx(), &real, &line(&[-1.0, 100.0]), 1).unwrap();
    assert_eq!([found.precision, found.density, found.coverage], [0.0; 3]);
    let nearer = manifold(&ctx(), &real, &line(&[-0.999, 100.0]), 1).unwrap();
    assert_eq!((nearer.precision, nearer.density, nearer.coverage), (0.5, 0.5, 1.0 / 3.0));
    // A copy is a neighbour: the ball of a row that has one is empty, even for a row at its centre.
    let copies = line(&[5.0, 5.0, 9.0]);
    let found = manifold(&ctx(), &copies, &line(&[5.0, 5.0]), 1).unwrap();
    assert_eq!((found.precision, found.coverage, found.recall), (0.0, 0.0, 0.0));
    // With a second neighbour it is not: radius 4, and 4 again for the third row, whose edge they lie on.
    let found = manifold(&ctx(), &copies, &line(&[5.0, 5.0, 5.0]), 2).unwrap();
    assert_eq!((found.precision, found.density, found.coverage), (1.0, 1.0, 2.0 / 3.0));
}

#[test]
fn nearest_rows_that_tie_count_half() {
    // 0 has 2 and -2 at the same distance, 2 has 0 alone; the made rows have real ones nearest.
    let found = nearest_accuracy(&ctx(), &line(&[0.0, 2.0]), &line(&[-2.0, 100.0])).unwrap();
    assert_eq!((found.all, found.real, found.made), (0.375, 0.75, 0.0));
}

#[test]
fn diversity_of_a_class() {
    // Distances 2, 4, 2 and 1, 2, 1.
    let real = line(&[0.0, 2.0, 4.0]);
    let found = diversity(&ctx(), &real, &line(&[7.0, 8.0, 9.0]), 100, 0).unwrap();
    assert!(close(found.real, 8.0 / 3.0, 1e-15) && close(found.made, 4.0 / 3.0, 1e-15));
    assert_eq!((found.ratio, found.pairs), (0.5, (3, 3)));
    assert_eq!(diversity(&ctx(), &real, &line(&[3.0, 3.0]), 100, 0).unwrap().ratio, 0.0, "collapsed");
    assert_eq!(diversity(&ctx(), &line(&[3.0, 3.0]), &real, 100, 0), Err(DistanceError::Alike));

    // More pairs than are looked at: 2 / sqrt(pi) between two normal values, and half of that.
    let (real, made) = (normal(6, 2000, 1, 1.0, 0.0), normal(7, 3000, 1, 0.5, 9.0));
    let found = diversity(&ctx(), &real, &made, 20_000, 0).unwrap();
    assert_eq!(found.pairs, (20_000, 20_000));
    assert!(
        close(found.real, 2.0 / std::f64::consts::PI.sqrt(), 0.08) && close(found.ratio, 0.5, 0.05),
        "{found:?}"
    );
    assert_ne!(found, diversity(&ctx(), &real, &made, 20_000, 1).unwrap());
    // No row is drawn with itself.
    let real = line(&[0.0, 2.0, 4.0]);
    for seed in 0..50 {
        let found = diversity(&ctx(), &real, &real, 1, seed).unwrap();
        assert!(found.real >= 2.0 && found.made >= 2.0 && found.pairs == (1, 1), "{found:?}");
    }
}

#[test]
fn features_of_any_scale() {
    // Two features with means 3 and -200 and standard deviations 1 and 100, and one that is constant.
    let real = FeatureRows::new(vec![2.0, -300.0, 0.1, 4.0, -100.0, 0.1], 2, 3).unwrap();
    let scale = Standardisation::of(&real).unwrap();
    assert_eq!(scale.constants(), 1);
    assert_eq!(scale.apply(&real).unwrap().values(), [-1.0, -1.0, 0.0, 1.0, 1.0, 0.0]);
    let made = FeatureRows::from_f32(&[5.0, -200.0, 77.0], 1, 3).unwrap();
    assert_eq!(scale.apply(&made).unwrap().values(), [2.0, 0.0, 0.0]);
    // What f32 rounds off is no scale.
    let noise = Standardisation::of(&line(&[1.0, 1.0 + 1e-8, 1.0 - 1e-8])).unwrap();
    assert_eq!(noise.constants(), 1);
    assert_eq!(noise.apply(&real), Err(DistanceError::Width { real: 1, made: 3 }));
    assert_eq!(Standardisation::of(&line(&[1.0])), Err(DistanceError::TooFew { have: 1, need: 2 }));

    // Figures on standardised features do not depend on the scale they came with.
    let (real, made) = (normal(12, 60, 4, 1.0, 0.0), normal(13, 50, 4, 1.2, 0.2));
    let stretched = |rows: &FeatureRows| {
        let values =
            rows.values().iter().enumerate().map(|(at, value)| value * 1e6_f64.powi(at as i32 % 4) - 7.0);
        FeatureRows::new(values.collect(), rows.rows(), 4).unwrap()
    };
    let figures = |real: &FeatureRows, made: &FeatureRows| {
        let scale = Standardisation::of(real).unwrap();
        compare(&ctx(), &scale.apply(real).unwrap(), &scale.apply(made).unwrap(), &Settings::default())
            .unwrap()
    };
    for (one, other) in figures(&real, &made).iter().zip(figures(&stretched(&real), &stretched(&made))) {
        assert!(close(one.value, other.value, 1e-7), "{one:?} {other:?}");
    }
}

// ------------------------------------------------------------------ beside the floor

fn of(distances: &[Distance], measure: Measure) -> Distance {
    *distances.iter().find(|distance| distance.measure == measure).unwrap()
}

#[test]
fn every_figure_stands_beside_its_floor() {
    let real = normal(20, 240, 6, 1.0, 0.0);
    let settings = Settings { draws: 4, ..Settings::default() };
    let good = compare(&ctx(), &real, &normal(21, 500, 6, 1.0, 0.0), &settings).unwrap();
    let bad = compare(&ctx(), &real, &normal(22, 500, 6, 1.0, 1.0), &settings).unwrap();
    assert_eq!(good.iter().map(|distance| distance.measure).collect::<Vec<_>>(), Measure::ALL);
    for distance in good.iter().chain(&bad) {
        // Half of the real rows on either side.
        assert_eq!((distance.n_real, distance.n_made), (120, 120));
        assert!(distance.floor.is_some() && distance.sd.is_some_and(|sd| sd >= 0.0));
        assert_eq!(distance.measures_sample_size(), distance.measure == Measure::Frechet);
    }
    // The floor has the real rows alone in it.
    for (one, other) in good.iter().zip(&bad) {
        assert_eq!(one.floor, other.floor);
    }
    let fd = of(&good, Measure::Frechet);
    assert!(fd.value < 3.0 * fd.floor.unwrap() && fd.floor.unwrap() < 3.0 * fd.value, "{fd:?}");
    let fd = of(&bad, Measure::Frechet);
    assert!(fd.value > 5.0 && fd.floor.unwrap() < 1.0, "{fd:?}");
    let kid = of(&bad, Measure::Kernel);
    assert!(kid.value > 10.0 * kid.floor.unwrap().abs(), "{kid:?}");
    let nearest = [of(&good, Measure::NearestNeighbour), of(&bad, Measure::NearestNeighbour)];
    assert!(close(nearest[0].value, 0.5, 0.1) && nearest[1].value > 0.7, "{nearest:?}");
    let coverage = [of(&good, Measure::Coverage), of(&bad, Measure::Coverage)];
    assert!(coverage[0].value > 0.9 && coverage[1].value < coverage[0].value - 0.2, "{coverage:?}");

    assert_eq!(of(&good, Measure::Frechet).measure.name(), "FD-g");
    assert_eq!(of(&good, Measure::Kernel).measure.name(), "KID-g");
    assert!(Measure::ALL.iter().all(|measure| !measure.name().contains("FID")));
}

#[test]
fn precision_and_recall_look_at_three_neighbours_and_density_and_coverage_at_five() {
    let real = line(&[1.0, -6.0, -4.0, -3.0, 0.0, 7.0, 6.0]);
    let made = line(&[8.5, 4.5, 3.5, 5.5, 19.5, 9.5, 14.5]);
    let [three, five] = [3, 5].map(|k| manifold(&ctx(), &real, &made, k).unwrap());
    assert!(three.precision < five.precision && three.recall < five.recall, "{three:?} {five:?}");
    assert!(three.density < five.density && three.coverage < five.coverage, "{three:?} {five:?}");
    let both = manifold_of_two(&ctx(), &real, &made, 3, 5).unwrap();
    assert_eq!((both.k_precision, both.k), (3, 5));
    assert_eq!((both.precision, both.recall), (three.precision, three.recall));
    assert_eq!((both.density, both.coverage), (five.density, five.coverage));
    // All rows of both sides are in the one draw of so few, in whichever order.
    let found = compare(&ctx(), &real, &made, &Settings::default()).unwrap();
    for (measure, want) in [
        (Measure::Precision, 5.0 / 7.0),
        (Measure::Recall, 4.0 / 7.0),
        (Measure::Density, 27.0 / 35.0),
        (Measure::Coverage, 1.0),
    ] {
        let got = of(&found, measure).value;
        assert!(close(got, want, 1e-12), "{}: {got} instead of {want}", measure.name());
    }
}

#[test]
fn n_is_what_both_sides_can_give() {
    let real = normal(23, 500, 4, 1.0, 0.0);
    let made = normal(24, 210, 4, 1.0, 0.0);
    let one_draw = Settings { draws: 1, ..Settings::default() };
    // Fewer made rows than half of the real ones: as many as there are made ones. Enough for a Fréchet distance.
    let found = compare(&ctx(), &real, &made, &one_draw).unwrap();
    for distance in &found {
        assert_eq!((distance.n_real, distance.n_made, distance.sd), (210, 210, None));
        assert!(!distance.measures_sample_size());
    }
    // Ten real rows cannot be parted into twice six: no floor, and nothing but the number says so.
    let few = normal(25, 10, 4, 1.0, 0.0);
    for distance in compare(&ctx(), &few, &made, &one_draw).unwrap() {
        assert_eq!((distance.n_real, distance.n_made, distance.floor), (10, 10, None));
    }
    // All rows of both sides: there is one draw, whatever was asked for.
    let equal = normal(26, 10, 4, 1.0, 0.0);
    for distance in compare(&ctx(), &few, &equal, &Settings::default()).unwrap() {
        assert_eq!((distance.floor, distance.sd), (None, None));
    }
    // A class of five images has no distance.
    let five = normal(27, 5, 4, 1.0, 0.0);
    let refused = DistanceError::TooFew { have: 5, need: 6 };
    assert_eq!(compare(&ctx(), &five, &made, &Settings::default()), Err(refused.clone()));
    assert_eq!(compare(&ctx(), &real, &five, &Settings::default()), Err(refused));
    let eight = Settings { k: 8, ..Settings::default() };
    assert_eq!(compare(&ctx(), &equal, &few, &eight).unwrap()[0].n_real, 10);
    assert_eq!(
        compare(&ctx(), &equal, &few, &Settings { k: 10, ..eight }),
        Err(DistanceError::TooFew { have: 10, need: 11 })
    );
    // Twenty real rows cannot be parted into twice eleven.
    let (real, made) = (normal(28, 20, 4, 1.0, 0.0), normal(29, 30, 4, 1.0, 0.0));
    let ten = compare(&ctx(), &real, &made, &Settings { k: 10, ..one_draw }).unwrap();
    assert!(ten.iter().all(|distance| distance.n_made == 20 && distance.floor.is_none()));
}

#[test]
fn the_floor_is_between_parts_that_share_no_row() {
    let real = line(&(0..50).map(f64::from).collect::<Vec<_>>());
    let taken = |seed: u64, draw: u64| {
        split_floor(&real, 20, seed, draw, |one, other| Ok([one.values(), other.values()].concat())).unwrap()
    };
    let rows = taken(1, 0);
    assert_eq!(rows.len(), 40);
    let mut sorted = rows.clone();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup();
    assert_eq!(sorted.len(), 40, "a row is in both parts, or twice in one");
    assert_eq!(rows, taken(1, 0));
    assert_ne!(rows, taken(1, 1));
    assert_ne!(rows, taken(2, 0));
    let refused = split_floor(&real, 26, 1, 0, |one, other| Ok(frechet(one, other)?.squared));
    assert_eq!(refused, Err(DistanceError::TooFew { have: 50, need: 52 }));
    let floor = split_floor(&real, 25, 1, 0, |one, other| Ok(frechet(one, other)?.squared)).unwrap();
    assert!(floor > 0.0 && floor < frechet(&real, &line(&[100.0, 120.0])).unwrap().squared);
}

// ------------------------------------------------------------------ what holds for all rows

#[test]
fn threads_change_no_bit() {
    let (real, made) = (normal(30, 330, 17, 1.0, 0.1), normal(31, 290, 17, 1.1, 0.0));
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let ctx = ctx();
            (
                compare(&ctx, &real, &made, &Settings { draws: 2, ..Settings::default() }).unwrap(),
                kernel(&ctx, &real, &made).unwrap(),
                manifold(&ctx, &real, &made, 3).unwrap(),
                nearest_accuracy(&ctx, &real, &made).unwrap(),
                diversity(&ctx, &real, &made, 5000, 3).unwrap(),
                frechet(&real, &made).unwrap(),
            )
        })
    };
    let one = run(1);
    for threads in [2, 5] {
        assert_eq!(run(threads), one, "{threads} threads");
    }
}

#[test]
fn what_cannot_be_measured_is_said() {
    let shape = FeatureRows::new(vec![1.0; 5], 2, 3);
    assert_eq!(shape, Err(DistanceError::Shape { values: 5, rows: 2, features: 3 }));
    assert!(FeatureRows::new(Vec::new(), 3, 0).is_err());
    assert_eq!(FeatureRows::new(Vec::new(), 0, 3).unwrap().rows(), 0);
    assert_eq!(FeatureRows::from_f32(&[0.0, 1.0, f32::NAN, 3.0], 2, 2), Err(DistanceError::NotFinite(1)));
    assert_eq!(FeatureRows::new(vec![0.0, f64::INFINITY], 2, 1), Err(DistanceError::NotFinite(1)));
    assert_eq!(FeatureRows::new(vec![0.0, -1e31], 2, 1), Err(DistanceError::TooLarge(1)));

    let (rows, wide, one) =
        (normal(40, 9, 2, 1.0, 0.0), normal(41, 9, 3, 1.0, 0.0), normal(42, 1, 2, 1.0, 0.0));
    let width = DistanceError::Width { real: 2, made: 3 };
    assert_eq!(frechet(&rows, &wide), Err(width.clone()));
    assert_eq!(from_samples(&rows, &wide), Err(width.clone()));
    assert_eq!(from_moments(&Moments::of(&rows).unwrap(), &Moments::of(&wide).unwrap()), Err(width.clone()));
    assert_eq!(kernel(&ctx(), &rows, &wide), Err(width.clone()));
    assert_eq!(manifold(&ctx(), &rows, &wide, 1), Err(width.clone()));
    assert_eq!(nearest_accuracy(&ctx(), &rows, &wide), Err(width.clone()));
    assert_eq!(diversity(&ctx(), &rows, &wide, 5, 0), Err(width.clone()));
    assert_eq!(compare(&ctx(), &rows, &wide, &Settings::default()), Err(width));

    let few = DistanceError::TooFew { have: 1, need: 2 };
    assert_eq!(frechet(&rows, &one), Err(few.clone()));
    assert_eq!(from_samples(&one, &rows), Err(few.clone()));
    assert_eq!(kernel(&ctx(), &one, &rows), Err(few.clone()));
    assert_eq!(nearest_accuracy(&ctx(), &rows, &one), Err(few.clone()));
    assert_eq!(diversity(&ctx(), &rows, &one, 5, 0), Err(few));
    assert_eq!(manifold(&ctx(), &rows, &rows, 9), Err(DistanceError::TooFew { have: 9, need: 10 }));
    assert!(manifold(&ctx(), &rows, &rows, 8).is_ok());
    assert_eq!(manifold(&ctx(), &rows, &rows, 0), Err(DistanceError::NoNeighbour));

    for (mean, covariance) in [
        (vec![], vec![]),
        (vec![0.0; 2], vec![1.0; 3]),
        (vec![0.0; 2], vec![1.0, 0.5, 0.4, 1.0]),
        (vec![0.0; 2], vec![1.0, 0.0, 0.0, -1.0]),
        (vec![0.0, f64::NAN], vec![1.0, 0.0, 0.0, 1.0]),
        (vec![0.0; 2], vec![1.0, f64::INFINITY, f64::INFINITY, 1.0]),
    ] {
        let (features, values) = (mean.len(), covariance.len());
        assert_eq!(Moments::new(mean, covariance), Err(DistanceError::NotACovariance(values, features)));
    }

    let cancelled = ctx();
    cancelled.cancel();
    assert_eq!(kernel(&cancelled, &rows, &rows), Err(DistanceError::Cancelled));
    assert_eq!(manifold(&cancelled, &rows, &rows, 1), Err(DistanceError::Cancelled));
    assert_eq!(nearest_accuracy(&cancelled, &rows, &rows), Err(DistanceError::Cancelled));
    assert_eq!(diversity(&cancelled, &rows, &rows, 5, 0), Err(DistanceError::Cancelled));
    assert_eq!(compare(&cancelled, &rows, &rows, &Settings::default()), Err(DistanceError::Cancelled));
}

/// Squared distances from a row to all rows of a set, but for one of them.
fn distances(from: &[f64], to: &FeatureRows, skip: Option<usize>) -> Vec<f64> {
    let others = (0..to.rows()).filter(|other| Some(*other) != skip);
    others.map(|other| squared(from, row(to, other))).collect()
}

/// Precision, recall, density and coverage, pair by pair.
fn brute_manifold(real: &FeatureRows, made: &FeatureRows, k: usize) -> [f64; 4] {
    let radii = |rows: &FeatureRows| -> Vec<f64> {
        let of = |at: usize| {
            let mut all = distances(row(rows, at), rows, Some(at));
            all.sort_by(f64::total_cmp);
            all[k - 1]
        };
        (0..rows.rows()).map(of).collect()
    };
    let (real_radii, made_radii) = (radii(real), radii(made));
    let in_real = |at: usize, other: usize| squared(row(real, at), row(made, other)) < real_radii[at];
    let in_made = |at: usize, other: usize| squared(row(real, at), row(made, other)) < made_radii[other];
    let (n, m) = (real.rows(), made.rows());
    let balls: usize = (0..m).map(|other| (0..n).filter(|at| in_real(*at, other)).count()).sum();
    [
        (0..m).filter(|other| (0..n).any(|at| in_real(at, *other))).count() as f64 / m as f64,
        (0..n).filter(|at| (0..m).any(|other| in_made(*at, other))).count() as f64 / n as f64,
        balls as f64 / (k * m) as f64,
        (0..n).filter(|at| (0..m).any(|other| in_real(*at, other))).count() as f64 / n as f64,
    ]
}

/// Points of the rows of one set whose nearest other row is looked for in both.
fn brute_nearest(own: &FeatureRows, other: &FeatureRows) -> f64 {
    let least = |values: Vec<f64>| values.into_iter().fold(f64::INFINITY, f64::min);
    let points = (0..own.rows()).map(|at| {
        let same = least(distances(row(own, at), own, Some(at)));
        let across = least(distances(row(own, at), other, None));
        if same < across { 1.0 } else { f64::from(u8::from(same == across)) / 2.0 }
    });
    points.sum::<f64>() / own.rows() as f64
}

/// Unbiased and biased kernel distance, pair by pair.
fn brute_kernel(x: &FeatureRows, y: &FeatureRows) -> (f64, f64) {
    let mean = |a: &FeatureRows, b: &FeatureRows, selves: bool| {
        let (mut sum, mut pairs) = (0.0, 0.0);
        for at in 0..a.rows() {
            for other in (0..b.rows()).filter(|other| selves || *other != at) {
                let product: f64 = row(a, at).iter().zip(row(b, other)).map(|(a, b)| a * b).sum();
                sum += (product / a.features() as f64 + 1.0).powi(3);
                pairs += 1.0;
            }
        }
        sum / pairs
    };
    let cross = 2.0 * mean(x, y, true);
    (mean(x, x, false) + mean(y, y, false) - cross, mean(x, x, true) + mean(y, y, true) - cross)
}

/// Normal values, rounded to a grain, which makes ties, around an offset, which makes products cancel. Some made rows
/// are copies of real ones, and some real ones of each other.
fn rough(
    seed: u64,
    n: usize,
    m: usize,
    features: usize,
    offset: f64,
    grain: f64,
) -> (FeatureRows, FeatureRows) {
    let mut draws = stream(seed, Stage::Other, 1, 0);
    let mut values: Vec<f64> = (0..(n + m) * features)
        .map(|_| {
            let value = draws.normal();
            offset + if grain > 0.0 { (value / grain).round() * grain } else { value }
        })
        .collect();
    for _ in 0..draws.below(20) {
        let (from, to) = (draws.below(n), draws.below(n + m));
        values.copy_within(from * features..(from + 1) * features, to * features);
    }
    let made = values.split_off(n * features);
    (FeatureRows::new(values, n, features).unwrap(), FeatureRows::new(made, m, features).unwrap())
}

#[test]
fn a_figure_of_any_size_is_written_shortly() {
    for (value, decimals, shown) in [
        (0.5, 4, "0.5000"),
        (0.000_123, 5, "0.00012"),
        (-0.0002, 4, "-0.0002"),
        (-0.0002, 3, "0.000"),
        (12.346, 3, "12.35"),
        (12.346, 0, "12"),
        (-120.04, 3, "-120.0"),
        (999.97, 3, "1000"),
        (-1998.4, 4, "-1998"),
        (43_210.9, 3, "43211"),
        (99_999.6, 3, "1.00e5"),
        (12_345_678.0, 3, "1.23e7"),
        (-2e9, 3, "-2.00e9"),
    ] {
        assert_eq!(figure(value, decimals), shown);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn neighbours_are_those_of_a_full_search(
        (n, m, features, k) in (9..150_usize, 9..150_usize, 1..30_usize, 1..8_usize),
        offset in prop::sample::select(vec![0.0, 1000.0, 1e9]),
        grain in prop::sample::select(vec![0.0, 0.5, 1.0]),
        seed in any::<u64>(),
    ) {
        let (real, made) = rough(seed, n, m, features, offset, grain);
        let found = manifold(&ctx(), &real, &made, k).unwrap();
        let wanted = brute_manifold(&real, &made, k);
        for (found, wanted) in [found.precision, found.recall, found.density, found.coverage].iter().zip(wanted) {
            prop_assert!(close(*found, wanted, 1e-12), "{} instead of {}", found, wanted);
        }
        let found = nearest_accuracy(&ctx(), &real, &made).unwrap();
        prop_assert!(close(found.real, brute_nearest(&real, &made), 1e-12));
        prop_assert!(close(found.made, brute_nearest(&made, &real), 1e-12));
        let all = (found.real * n as f64 + found.made * m as f64) / (n + m) as f64;
        prop_assert!(close(found.all, all, 1e-12));
    }

    #[test]
    fn the_kernel_distance_is_that_of_all_pairs(
        (n, m, features) in (2..150_usize, 2..150_usize, 1..30_usize),
        seed in any::<u64>(),
    ) {
        let (x, y) = rough(seed, n, m, features, 0.2, 0.0);
        let (found, wanted) = (kernel(&ctx(), &x, &y).unwrap(), brute_kernel(&x, &y));
        prop_assert!(close(found.unbiased, wanted.0, 1e-9 * (1.0 + wanted.0.abs())));
        prop_assert!(close(found.biased, wanted.1, 1e-9 * (1.0 + wanted.1.abs())));
        let turned = kernel(&ctx(), &y, &x).unwrap();
        prop_assert!(close(found.unbiased, turned.unbiased, 1e-9 * (1.0 + wanted.0.abs())));
    }

    #[test]
    fn frechet_is_symmetric_and_not_negative_and_does_not_see_a_shift(
        (n, m, features) in (2..60_usize, 2..60_usize, 1..30_usize),
        (scale, shift) in (0.0..3.0_f64, -20.0..20.0_f64),
        seed in any::<u64>(),
    ) {
        let (real, made) = (normal(seed, n, features, 1.0, 0.0), normal(seed ^ 1, m, features, scale, 1.0));
        let found = frechet(&real, &made).unwrap();
        prop_assert!(found.squared >= 0.0 && found.trace_sqrt >= 0.0);
        let turned = frechet(&made, &real).unwrap();
        prop_assert!(close(found.squared, turned.squared, 1e-4), "{:?} {:?}", found, turned);
        let itself = frechet(&made, &made).unwrap().squared;
        prop_assert!((0.0..1e-4).contains(&itself), "{}", itself);
        let shifted = |rows: &FeatureRows| {
            let values = rows.values().iter().enumerate().map(|(at, value)| value + shift * (at % features) as f64);
            FeatureRows::new(values.collect(), rows.rows(), features).unwrap()
        };
        let moved = frechet(&shifted(&real), &shifted(&made)).unwrap();
        prop_assert!(close(found.squared, moved.squared, 1e-4), "{:?} {:?}", found, moved);
        // Where only one side is shifted, the distance of the means is added.
        let apart = frechet(&real, &FeatureRows::new(
            real.values().iter().map(|value| value + shift).collect(), n, features,
        ).unwrap()).unwrap();
        prop_assert!(close(apart.squared, shift * shift * features as f64, 1e-4));
    }
}
