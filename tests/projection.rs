//! Rows of features as points: principal components and t-SNE, cases worked by hand and what holds for all rows;
//! and the job that draws a project's images, for the window and as a command.
#![allow(clippy::unwrap_used)]

#[path = "common/balance.rs"]
mod balance;
#[path = "common/store.rs"]
mod store;
#[path = "common/training.rs"]
mod training;
#[path = "common/vectors.rs"]
mod vectors;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use balance::Balance;
use counterpoise::domain::random::{Stage, stream};
use counterpoise::domain::samples::Dataset;
use counterpoise::domain::splits::Split;
use counterpoise::domain::task::{Ctx, Level};
use counterpoise::evaluation::distance::{DistanceError, FeatureRows};
use counterpoise::evaluation::projection::principal::Principal;
use counterpoise::evaluation::projection::tsne::{
    Settings, conditional, embed, join, similarities, usual_perplexity,
};
use counterpoise::evaluation::projection::{
    Caption, Label, MOST_ROWS, Origin, Point, Projection, ProjectionError, Projector, project,
};
use counterpoise::imaging::decode::{self, Limits};
use counterpoise::jobs::JobError;
use counterpoise::jobs::generate::generate;
use counterpoise::jobs::projection::{ProjectionRequest, Shown, projection};
use counterpoise::jobs::train::train;
use serde_json::json;
use training::recorder;
use vectors::{Book, Precision::F64, floats};

fn ctx() -> Ctx {
    Ctx::default()
}

fn table(rows: &[&[f64]]) -> FeatureRows {
    FeatureRows::new(rows.concat(), rows.len(), rows[0].len()).unwrap()
}

fn row(rows: &FeatureRows, at: usize) -> &[f64] {
    &rows.values()[at * rows.features()..(at + 1) * rows.features()]
}

/// Each row as `change` makes it.
fn changed(rows: &FeatureRows, change: impl Fn(&[f64]) -> Vec<f64>) -> FeatureRows {
    let values: Vec<f64> = (0..rows.rows()).flat_map(|at| change(row(rows, at))).collect();
    FeatureRows::new(values, rows.rows(), rows.features()).unwrap()
}

/// Independent normal features, the first with the largest spread.
fn cloud(seed: u64, rows: usize, features: usize) -> FeatureRows {
    let mut draws = stream(seed, Stage::Other, 0, 0);
    let values = (0..rows * features).map(|at| draws.normal() * 4.0 / (1 + at % features) as f64);
    FeatureRows::new(values.collect(), rows, features).unwrap()
}

/// Clusters of `each` rows with deviation 1 around centres drawn with deviation `apart`; the cluster is the class.
fn clusters(seed: u64, count: usize, each: usize, features: usize, apart: f64) -> (FeatureRows, Vec<Label>) {
    let mut draws = stream(seed, Stage::Other, 1, 0);
    let centres: Vec<f64> = (0..count * features).map(|_| draws.normal() * apart).collect();
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for at in 0..count * each {
        let class = at / each;
        let centre = &centres[class * features..(class + 1) * features];
        values.extend(centre.iter().map(|middle| middle + draws.normal()));
        labels.push(Label { class, origin: Origin::ALL[at % 3] });
    }
    (FeatureRows::new(values, count * each, features).unwrap(), labels)
}

fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn assert_close(a: &[f64], b: &[f64], within: f64, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= within), "{what}: {a:?} and {b:?}");
}

/// Points whose nearest other point is of another class.
fn strangers(points: &[Point]) -> usize {
    let nearest = |own: &Point| {
        let others = points.iter().filter(|other| other.row != own.row);
        others.min_by(|a, b| squared(&a.at, &own.at).total_cmp(&squared(&b.at, &own.at))).unwrap()
    };
    points.iter().filter(|own| nearest(own).class != own.class).count()
}

fn tsne(settings: Settings) -> Projector {
    Projector::Tsne(settings)
}

// ------------------------------------------------------------------ principal components

#[test]
fn a_cross_has_its_arms_as_components() {
    // Variances 2 * 4 / 3 and 2 * 1 / 3, about a mean of (5, 3).
    let rows = table(&[&[7.0, 3.0], &[3.0, 3.0], &[5.0, 4.0], &[5.0, 2.0]]);
    let found = Principal::of(&rows, 5).unwrap();
    assert_eq!(found.components(), 2);
    assert_close(found.component(0), &[1.0, 0.0], 1e-12, "the longer arm");
    assert_close(found.component(1), &[0.0, 1.0], 1e-12, "the shorter arm");
    assert_close(found.variances(), &[8.0 / 3.0, 2.0 / 3.0], 1e-12, "variances");
    assert_close(&found.shares(), &[0.8, 0.2], 1e-12, "shares");
    let scores = found.apply(&rows).unwrap();
    assert_close(scores.values(), &[2.0, 0.0, -2.0, 0.0, 0.0, 1.0, 0.0, -1.0], 1e-12, "scores");
    // A row that was not there is seen along the same components.
    assert_close(found.apply(&table(&[&[6.0, 7.0]])).unwrap().values(), &[1.0, 4.0], 1e-12, "another row");
}

#[test]
fn equal_loadings_take_the_sign_of_the_first() {
    let rows = table(&[&[2.0, 2.0], &[-2.0, -2.0], &[1.0, -1.0], &[-1.0, 1.0]]);
    let half = 0.5_f64.sqrt();
    for rows in [rows.clone(), changed(&rows, |row| vec![-row[0], -row[1]])] {
        let found = Principal::of(&rows, 2).unwrap();
        assert_close(found.component(0), &[half, half], 1e-12, "the diagonal");
        assert_close(found.component(1), &[half, -half], 1e-12, "across it");
        assert_close(&found.shares(), &[0.8, 0.2], 1e-12, "shares");
    }
}

#[test]
fn the_largest_loading_is_positive_and_components_are_orthonormal() {
    for (rows, features) in [(40, 6), (5, 9)] {
        let found = Principal::of(&cloud(3, rows, features), 100).unwrap();
        // Centred rows have a rank of one less than there are.
        assert_eq!(found.components(), features.min(rows - 1));
        for one in 0..found.components() {
            let loadings = found.component(one);
            let largest = loadings.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap();
            assert!(largest > 0.0, "component {one}: {loadings:?}");
            for other in 0..=one {
                let product: f64 = loadings.iter().zip(found.component(other)).map(|(a, b)| a * b).sum();
                let wanted = if one == other { 1.0 } else { 0.0 };
                assert!((product - wanted).abs() < 1e-10, "{one} and {other}: {product}");
            }
        }
        assert!(found.variances().windows(2).all(|pair| pair[0] >= pair[1]));
        assert!((found.shares().iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}

#[test]
fn fewer_components_have_less_of_the_variance() {
    let rows = cloud(4, 50, 5);
    let (all, some) = (Principal::of(&rows, 5).unwrap(), Principal::of(&rows, 2).unwrap());
    assert_eq!(some.components(), 2);
    assert_eq!(some.shares(), all.shares()[..2]);
    assert!(some.shares().iter().sum::<f64>() < 0.99);
}

#[test]
fn moved_and_turned_rows_have_the_same_scores() {
    let rows = cloud(5, 30, 4);
    let found = Principal::of(&rows, 4).unwrap();
    let scores = found.apply(&rows).unwrap();

    let moved = changed(&rows, |row| row.iter().map(|value| value + 100.0).collect());
    let of_moved = Principal::of(&moved, 4).unwrap();
    assert_close(of_moved.apply(&moved).unwrap().values(), scores.values(), 1e-9, "moved");

    let (sine, cosine) = 0.6_f64.sin_cos();
    let turned = changed(&rows, |row| {
        let first = [cosine * row[0] - sine * row[1], sine * row[0] + cosine * row[1]];
        let (second, third) = (cosine * first[1] - sine * row[2], sine * first[1] + cosine * row[2]);
        vec![first[0], second, third, row[3]]
    });
    let of_turned = Principal::of(&turned, 4).unwrap();
    assert_close(of_turned.variances(), found.variances(), 1e-9, "variances, turned");
    let of_turned = of_turned.apply(&turned).unwrap();
    // The direction of a component may turn round, and all rows with it.
    for component in 0..4 {
        let column = |scores: &FeatureRows| -> Vec<f64> {
            scores.values().iter().skip(component).step_by(4).copied().collect()
        };
        let (one, other) = (column(&scores), column(&of_turned));
        let sign = (one[0] * other[0]).signum();
        let other: Vec<f64> = other.iter().map(|value| sign * value).collect();
        assert_close(&one, &other, 1e-9, "scores, turned");
    }
}

#[test]
fn rows_without_a_difference_have_no_components() {
    let alike = table(&[&[0.1, 7.3][..]; 10]);
    assert_eq!(Principal::of(&alike, 2).err(), Some(ProjectionError::Alike));
    let one = Principal::of(&table(&[&[1.0, 2.0]]), 2).err();
    assert_eq!(one, Some(ProjectionError::Rows(DistanceError::TooFew { have: 1, need: 2 })));
    // Rows along one line, far from 0, have one.
    let line = table(&[&[1e6, 5.0], &[1e6 + 1.0, 5.0], &[1e6 + 2.0, 5.0]]);
    let found = Principal::of(&line, 2).unwrap();
    assert_eq!(found.components(), 1);
    assert_close(&found.shares(), &[1.0], 1e-12, "its share");
    let other = Principal::of(&cloud(1, 9, 3), 2).unwrap().apply(&line).err();
    assert_eq!(other, Some(DistanceError::Width { real: 3, made: 2 }));
}

// ------------------------------------------------------------------ t-SNE

#[test]
fn similarities_of_five_points_on_a_line_are_the_reference_s() {
    let book = Book::read("weights_and_metrics");
    let vector = book.get("5.6-tsne");
    let perplexity = vector.input("perplexity").as_f64().unwrap();
    let distances: Vec<Vec<f64>> =
        vector.input("squared_distances").as_array().unwrap().iter().map(floats).collect();
    let n = distances.len();
    let mut similar = Vec::with_capacity(n * n);
    for (own, row) in distances.iter().enumerate() {
        let mut away = row.clone();
        away.remove(own);
        conditional(&mut away, perplexity);
        away.insert(own, 0.0);
        similar.extend(away);
    }
    let nested = |all: &[f64]| json!(all.chunks(n).collect::<Vec<_>>());
    let (of_rows, first) = (nested(&similar), similar[..n].to_vec());
    join(&mut similar, n);
    let got = json!({ "conditional": of_rows, "joint": nested(&similar), "row_0_solved_to_1e-13": first });
    vector.check(F64, &got);
}

#[test]
fn similarities_have_the_perplexity_that_was_asked_for() {
    // On a regular polygon every row sees the same, so a row of the symmetric similarities is its own, over n.
    let n = 24_usize;
    let corner = |at: usize| (at as f64 * std::f64::consts::TAU / n as f64).sin_cos();
    let values = (0..n).flat_map(|at| [corner(at).0, corner(at).1]).collect();
    let rows = FeatureRows::new(values, n, 2).unwrap();
    for perplexity in [2.5, 4.0, 7.6] {
        let similar = similarities(&ctx(), &rows, perplexity).unwrap();
        assert!((similar.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for one in 0..n {
            assert_eq!(similar[one * n + one], 0.0);
            let own: Vec<f64> = similar[one * n..(one + 1) * n].iter().map(|p| p * n as f64).collect();
            let entropy: f64 = own.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
            assert!((entropy.exp() - perplexity).abs() < 1e-3, "{} for {perplexity}", entropy.exp());
            assert!((0..n).all(|other| similar[one * n + other] == similar[other * n + one]));
        }
    }
}

#[test]
fn far_and_equal_rows_have_similarities_too() {
    // Two heaps of equal rows, one row at each end of what a number may be.
    let mut values = vec![0.0; 6];
    values.extend([1.0; 6]);
    values.extend([1e30, -1e-30]);
    let similar = similarities(&ctx(), &FeatureRows::new(values, 14, 1).unwrap(), 2.0).unwrap();
    assert!(similar.iter().all(|p| p.is_finite() && *p >= 0.0));
    assert!((similar.iter().sum::<f64>() - 1.0).abs() < 1e-12);
}

/// Divergence of points from similarities and its whole gradient, as the paper writes them.
fn divergence_and_gradient(similar: &[f64], points: &[[f64; 2]]) -> (f64, f64) {
    let n = points.len();
    let kernel = |i: usize, j: usize| 1.0 / (1.0 + squared(&points[i], &points[j]));
    let pairs = || (0..n).flat_map(move |i| (0..n).filter(move |j| *j != i).map(move |j| (i, j)));
    let z: f64 = pairs().map(|(i, j)| kernel(i, j)).sum();
    let mut divergence = 0.0_f64;
    let mut gradient = vec![[0.0_f64; 2]; n];
    for (i, j) in pairs() {
        let (p, q) = (similar[i * n + j], kernel(i, j) / z);
        divergence += if p > 0.0 { p * (p / q).ln() } else { 0.0 };
        for axis in 0..2 {
            gradient[i][axis] += 4.0 * (p - q) * (points[i][axis] - points[j][axis]) * kernel(i, j);
        }
    }
    (divergence, gradient.iter().flatten().map(|g| g * g).sum::<f64>().sqrt())
}

#[test]
fn the_descent_ends_where_the_divergence_has_no_slope() {
    let (rows, _) = clusters(6, 4, 20, 5, 6.0);
    let at = |iterations: usize| {
        let settings = Settings { perplexity: Some(8.0), iterations, seed: 2 };
        embed(&ctx(), &rows, &settings).unwrap()
    };
    let similar = similarities(&ctx(), &rows, 8.0).unwrap();
    let (start, end) = (at(0), at(1000));
    assert_eq!((start.iterations, end.iterations, end.perplexity), (0, 1000, 8.0));
    for found in [&start, &end] {
        let (divergence, _) = divergence_and_gradient(&similar, &found.points);
        assert!((divergence - found.divergence).abs() < 1e-9, "{divergence}, {}", found.divergence);
        let mean = |axis: usize| found.points.iter().map(|point| point[axis]).sum::<f64>();
        assert!(mean(0).abs() < 1e-6 && mean(1).abs() < 1e-6);
    }
    assert!(end.divergence < 0.5 * start.divergence, "{} from {}", end.divergence, start.divergence);
    let (_, slope) = divergence_and_gradient(&similar, &end.points);
    assert!(slope < 1e-2, "{slope}");
    // A picture twice as wide is a worse one.
    let wide: Vec<[f64; 2]> = end.points.iter().map(|[x, y]| [2.0 * x, 2.0 * y]).collect();
    let (wide, slope_of_wide) = divergence_and_gradient(&similar, &wide);
    assert!(wide > end.divergence && slope_of_wide > slope);
}

#[test]
fn clusters_stay_apart() {
    let (rows, labels) = clusters(7, 2, 25, 8, 15.0);
    let found = project(&ctx(), &rows, &labels, &tsne(Settings::default())).unwrap();
    assert_eq!(strangers(&found.points), 0);
    let Caption::Tsne { perplexity, iterations, components, share, .. } = found.caption else {
        panic!("{:?}", found.caption)
    };
    assert_eq!((perplexity, iterations, components), (49.0 / 3.0, 1000, 8));
    assert!((share - 1.0).abs() < 1e-12);

    // More clusters than a plane of components can hold apart.
    let (rows, labels) = clusters(8, 6, 15, 8, 15.0);
    let settings = Settings { perplexity: Some(5.0), ..Settings::default() };
    let found = project(&ctx(), &rows, &labels, &tsne(settings)).unwrap();
    assert!(strangers(&found.points) <= 2, "{}", strangers(&found.points));
}

#[test]
fn each_point_says_what_it_is_of() {
    let (rows, labels) = clusters(9, 2, 12, 6, 9.0);
    for projector in [Projector::Pca, tsne(Settings { iterations: 20, ..Settings::default() })] {
        let found = project(&ctx(), &rows, &labels, &projector).unwrap();
        assert_eq!(found.points.len(), labels.len());
        for (row, (point, label)) in found.points.iter().zip(&labels).enumerate() {
            assert_eq!((point.row, point.class, point.origin), (row, label.class, label.origin));
        }
    }
    assert_eq!(Origin::ALL.map(Origin::name), ["real", "held-out", "made"]);
}

#[test]
fn the_scale_is_that_of_the_real_rows_and_the_picture_that_of_all() {
    // The second feature is the same in all real rows: nothing may be seen of it in the made ones.
    let rows = table(&[&[0.0, 5.0], &[2.0, 5.0], &[4.0, 5.0], &[2.0, 9.0], &[8.0, -3.0]]);
    let origins = [Origin::Real, Origin::Real, Origin::Real, Origin::Made, Origin::Made];
    let labels = origins.map(|origin| Label { class: 0, origin });
    let found = project(&ctx(), &rows, &labels, &Projector::Pca).unwrap();
    assert_eq!(found.caption, Caption::Pca { shares: [1.0, 0.0] });
    // Real rows have mean 2 and variance 8 / 3; all rows have mean 3.2.
    let deviation = (8.0_f64 / 3.0).sqrt();
    let wanted = [0.0, 2.0, 4.0, 2.0, 8.0].map(|value: f64| (value - 3.2) / deviation);
    let right: Vec<f64> = found.points.iter().map(|point| point.at[0]).collect();
    assert_close(&right, &wanted, 1e-12, "along the one component");
    assert!(found.points.iter().all(|point| point.at[1] == 0.0));
}

#[test]
fn the_same_seed_gives_the_same_points_on_any_number_of_threads() {
    let (rows, labels) = clusters(10, 3, 20, 7, 5.0);
    let run = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let settings = Settings { iterations: 300, seed, ..Settings::default() };
        pool.install(|| project(&ctx(), &rows, &labels, &tsne(settings)).unwrap())
    };
    let one = run(1, 4);
    assert_eq!(run(1, 4), one, "the same again");
    assert_eq!(run(3, 4), one, "3 threads");
    assert_ne!(run(1, 5).points, one.points, "another seed");
}

#[test]
fn equal_rows_and_rows_along_a_line_stay_numbers() {
    let mut values = vec![0.0; 20];
    values.extend([3.0; 20]);
    let heaps = FeatureRows::new(values, 20, 2).unwrap();
    let line = FeatureRows::new((0..20).map(f64::from).collect(), 20, 1).unwrap();
    let labels: Vec<Label> =
        (0..20).map(|at| Label { class: at / 10, origin: Origin::ALL[at % 3] }).collect();
    for rows in [heaps, line] {
        let found = project(&ctx(), &rows, &labels, &tsne(Settings::default())).unwrap();
        assert!(found.points.iter().all(|point| point.at.iter().all(|value| value.is_finite())));
        let Caption::Tsne { divergence, components, .. } = found.caption else {
            panic!("{:?}", found.caption)
        };
        assert!(divergence.is_finite());
        assert_eq!(components, 1);
        // There is a second direction, though the rows have none.
        assert!(found.points.iter().any(|point| point.at[1] != 0.0));
    }
}

#[test]
fn a_picture_hears_cancel_and_stop() {
    let (rows, labels) = clusters(11, 2, 15, 4, 8.0);
    let (_, cancelled) = recorder(Some(("t-SNE", Ctx::cancel)));
    let found = project(&cancelled, &rows, &labels, &tsne(Settings::default()));
    assert_eq!(found, Err(ProjectionError::Cancelled));
    let before = ctx();
    before.cancel();
    for projector in [Projector::Pca, tsne(Settings::default())] {
        assert_eq!(project(&before, &rows, &labels, &projector), Err(ProjectionError::Cancelled));
    }
    assert_eq!(similarities(&before, &rows, 5.0), Err(ProjectionError::Cancelled));

    let (_, stopped) = recorder(Some(("t-SNE", Ctx::stop_and_keep)));
    let Projection { points, caption } =
        project(&stopped, &rows, &labels, &tsne(Settings::default())).unwrap();
    let Caption::Tsne { iterations, .. } = caption else { panic!("{caption:?}") };
    assert!(iterations < 1000, "{iterations}");
    assert_eq!(points.len(), 30);
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let (rows, labels) = clusters(12, 2, 10, 3, 8.0);
    let some = |count: usize| FeatureRows::new(rows.values()[..3 * count].to_vec(), count, 3).unwrap();
    let settings = |perplexity: f64| Settings { perplexity: Some(perplexity), ..Settings::default() };
    let refused = |rows: &FeatureRows, labels: &[Label], projector: &Projector| {
        project(&ctx(), rows, labels, projector).unwrap_err()
    };
    for projector in [Projector::Pca, tsne(Settings::default())] {
        let few = ProjectionError::TooFew { have: 4, need: 5 };
        assert_eq!(refused(&some(4), &labels[..4], &projector), few);
        assert_eq!(
            refused(&rows, &labels[1..], &projector),
            ProjectionError::Labels { labels: 19, rows: 20 }
        );
        let made = vec![Label { class: 0, origin: Origin::Made }; 20];
        assert_eq!(refused(&rows, &made, &projector), ProjectionError::NoReal);
        let alike = FeatureRows::new(vec![1.5; 60], 20, 3).unwrap();
        assert_eq!(refused(&alike, &labels, &projector), ProjectionError::Alike);
        let many = FeatureRows::new(vec![0.0; MOST_ROWS + 1], MOST_ROWS + 1, 1).unwrap();
        let wanted = ProjectionError::TooMany { have: 2001, most: 2000 };
        assert_eq!(refused(&many, &labels, &projector), wanted);
    }
    assert!(project(&ctx(), &some(5), &labels[..5], &tsne(Settings::default())).is_ok(), "five are enough");
    for perplexity in [0.5, 19.0 / 3.0 + 0.1, f64::NAN, f64::INFINITY, -1.0] {
        let wanted = ProjectionError::Perplexity { most: 19.0 / 3.0 };
        assert_eq!(refused(&rows, &labels, &tsne(settings(perplexity))), wanted, "{perplexity}");
    }
    assert_eq!((usual_perplexity(5), usual_perplexity(1000)), (4.0 / 3.0, 30.0));
    for broken in [f64::NAN, f64::INFINITY] {
        let mut values = rows.values().to_vec();
        values[7] = broken;
        assert_eq!(FeatureRows::new(values, 20, 3), Err(DistanceError::NotFinite(2)));
    }
}

// ------------------------------------------------------------------ the job

/// A folder of two classes with a validation part.
fn pets(root: &Path) -> Dataset {
    let mut dataset = store::class_folders(root, &[("cat", 10), ("dog", 14)]);
    for (class, name) in ["cat", "dog"].into_iter().enumerate() {
        for i in 0..3 {
            let path = format!("{name}/held-{i}.png");
            dataset.samples.push(store::sample(root, &path, class, Split::Validation, class * 100 + 50 + i));
        }
    }
    dataset.samples.sort_by(|a, b| a.path.cmp(&b.path));
    dataset.has_splits = true;
    dataset
}

#[test]
fn a_projects_images_become_points_that_lead_back_to_them() {
    let temp = tempfile::tempdir().unwrap();
    let dataset = pets(&temp.path().join("source"));
    let mut work = Balance::smote(temp.path(), dataset.clone(), 2);
    train(&ctx(), &work.training()).unwrap();
    assert_eq!(generate(&ctx(), &work.making(), &mut work.project).unwrap().candidates, 4);

    let request = ProjectionRequest {
        data: work.data.clone(),
        project: work.dir.clone(),
        method: "smote".to_owned(),
        model: work.model.clone(),
        held_out: Some(Split::Validation),
        per_class: 8,
        projector: tsne(Settings { iterations: 30, ..Settings::default() }),
        device: "cpu".to_owned(),
    };
    let (told, ctx) = recorder(None);
    let found = projection(&ctx, &request).unwrap();
    assert_eq!(found.per_class, 8);
    assert!(told.says(Level::Info, "at most 8"), "more than eight dogs were there");
    let mut counts: HashMap<(usize, Origin), usize> = HashMap::new();
    for (row, point) in found.projection.points.iter().enumerate() {
        assert_eq!(point.row, row);
        *counts.entry((point.class, point.origin)).or_default() += 1;
        match found.images[point.row] {
            Shown::Sample(index) => {
                let sample = &dataset.samples[index];
                let split = if point.origin == Origin::Real { Split::Train } else { Split::Validation };
                assert_eq!((sample.class, sample.split), (point.class, split), "{}", sample.path);
            }
            Shown::Candidate(id) => {
                assert_eq!(point.origin, Origin::Made);
                let row = work.project.candidate(id).unwrap();
                assert_eq!(row.class, dataset.classes[point.class]);
            }
        }
    }
    let wanted = [
        ((0, Origin::Real), 8),
        ((0, Origin::HeldOut), 3),
        ((0, Origin::Made), 4),
        ((1, Origin::Real), 8),
        ((1, Origin::HeldOut), 3),
    ];
    assert_eq!(counts, HashMap::from(wanted));
    let mut images: Vec<String> = found.images.iter().map(|image| format!("{image:?}")).collect();
    images.sort();
    images.dedup();
    assert_eq!(images.len(), 26, "each image once");

    // Without a held-out part, by components.
    let request = ProjectionRequest { held_out: None, projector: Projector::Pca, per_class: 200, ..request };
    let (told, ctx) = recorder(None);
    let found = projection(&ctx, &request).unwrap();
    assert_eq!((found.projection.points.len(), found.per_class), (10 + 14 + 4, 200));
    assert!(found.projection.points.iter().all(|point| point.origin != Origin::HeldOut));
    assert!(!told.says(Level::Info, "at most"), "all of them are drawn");

    // What has no classifier g, what is too little, and a cancel.
    let random = ProjectionRequest { method: "random".to_owned(), ..request.clone() };
    let Err(JobError::Input(error)) = projection(&ctx, &random) else { panic!("random has no judge") };
    assert!(error.contains("no classifier g"), "{error}");
    let few = ProjectionRequest { per_class: 1, ..request.clone() };
    let Err(JobError::Input(error)) = projection(&ctx, &few) else { panic!("three points are no picture") };
    assert!(error.contains("3 images are too few"), "{error}");
    ctx.cancel();
    assert_eq!(projection(&ctx, &request).err(), Some(JobError::Cancelled));

    // The command writes the same points, each with its image; never into the image folder or over another one.
    let command = |projector: &str, out: &Path| {
        Command::new(env!("CARGO_BIN_EXE_counterpoise"))
            .args(["features", "--device", "cpu", "--size", "16", "--json", "--held-out", "validation"])
            .args(["--projector", projector, "--model"])
            .arg(&work.model)
            .arg("--out")
            .arg(out)
            .arg(&work.dir)
            .env("COUNTERPOISE_DATA_DIR", temp.path().join("data"))
            .output()
            .unwrap()
    };
    let request = ProjectionRequest { held_out: Some(Split::Validation), ..request };
    let found = projection(&Ctx::default(), &request).unwrap();
    let out = temp.path().join("map");
    let done = command("pca", &out);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let told: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let counts = ["real", "held_out", "made"].map(|name| told[name].as_u64().unwrap());
    assert_eq!(counts, [24, 6, 4]);
    assert_eq!(told["figures"]["variance"].as_array().unwrap().len(), 2);
    let mut table = csv::Reader::from_path(out.join("points.csv")).unwrap();
    assert_eq!(table.headers().unwrap(), vec!["image", "class", "origin", "x", "y"]);
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), found.projection.points.len());
    for (row, point) in rows.iter().zip(&found.projection.points) {
        let below = if point.origin == Origin::Made { &work.dir } else { &dataset.root };
        assert!(below.join(&row[0]).is_file(), "{}", &row[0]);
        assert_eq!((&row[1], &row[2]), (dataset.classes[point.class].as_str(), point.origin.name()));
        for (text, at) in [&row[3], &row[4]].into_iter().zip(point.at) {
            assert!((text.parse::<f64>().unwrap() - at).abs() < 1e-6, "{text} instead of {at}");
        }
    }
    // The picture has a point for each row and says whose features they are.
    let drawing = fs::read_to_string(out.join("map.svg")).unwrap();
    assert!(drawing.contains("Feature map by principal components"), "{drawing}");
    assert!(drawing.contains(&format!("{} points", rows.len())), "{drawing}");
    assert!(drawing.contains("Features of classifier g"), "{drawing}");
    let picture = decode::decode(&out.join("map.png"), &Limits::default()).unwrap().picture;
    assert!(picture.width > 500 && picture.height > 500);
    assert_eq!(command("pca", &out).status.code(), Some(3), "over another folder");
    assert_eq!(command("pca", &dataset.root.join("map")).status.code(), Some(3), "into the images");
    assert!(!dataset.root.join("map").exists());
    let done = command("tsne", &temp.path().join("neighbours"));
    let told: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((told["projector"].as_str(), told["points"].as_u64()), (Some("tsne"), Some(34)));
}
