//! The pure rules of M2m and of class weights against the reference vectors.
#![allow(clippy::unwrap_used)]

#[path = "common/vectors.rs"]
mod vectors;

use counterpoise::classify::batches::{chunks, class_balanced, shuffled};
use counterpoise::domain::acceptance::{
    batch_slots, beta_for, gap_for, keep_probabilities, p_accept, pick, scaled_eta, seed_law,
    threshold_from_loss,
};
use counterpoise::domain::imbalance::{Scheme, effective_number, long_tail_counts, weights};
use counterpoise::domain::plan::{Plan, Target};
use serde_json::{Map, Value, json};
use vectors::{Book, Precision::F64, Vector, counts, floats};

#[test]
fn a1_long_tail_counts() {
    let book = Book::read("m2m");
    let vector = book.get("A1");
    let cases = vector.input("cases").as_array().unwrap().iter().map(|case| {
        let number = |name: &str| case[name].as_u64().unwrap();
        let counts =
            long_tail_counts(number("n_max") as usize, number("classes") as usize, number("rho") as f64);
        json!({ "counts": counts, "sum": counts.iter().sum::<usize>() })
    });
    vector.check(F64, &json!({ "cases": cases.collect::<Vec<_>>() }));
    assert_eq!(long_tail_counts(7, 1, 100.0), [7]);
    assert!(long_tail_counts(7, 0, 100.0).is_empty());
}

#[test]
fn b1_acceptance_probability() {
    let book = Book::read("m2m");
    let vector = book.get("B1");
    let deltas: Vec<i64> =
        vector.input("deltas").as_array().unwrap().iter().map(|d| d.as_i64().unwrap()).collect();
    let target = 100;
    let mut table = Map::new();
    for beta in floats(vector.input("betas")) {
        let row: Vec<f64> =
            deltas.iter().map(|d| p_accept((target + d) as usize, target as usize, beta)).collect();
        table.insert(beta.to_string(), json!(row));
    }
    vector.check(F64, &json!({ "p_accept": table }));
}

#[test]
fn seed_weight_of_unsorted_targets() {
    let book = Book::read("weights_and_metrics");
    let vector = book.get("1.7-seed-weight");
    let (images, beta) = (counts(vector.input("counts")), vector.input("beta").as_f64().unwrap());
    let rows: Map<String, Value> = counts(vector.input("targets"))
        .into_iter()
        .map(|n| {
            let row: Vec<f64> = images.iter().map(|&seed| p_accept(seed, n, beta)).collect();
            (n.to_string(), json!(row))
        })
        .collect();
    vector.check(F64, &json!({ "weight": rows }));
}

#[test]
fn b2_b4_gap_and_beta() {
    let book = Book::read("m2m");
    let vector = book.get("B2");
    let p = vector.input("p").as_f64().unwrap();
    let gaps: Vec<f64> = floats(vector.input("betas")).into_iter().map(|beta| gap_for(p, beta)).collect();
    vector.check(F64, &json!({ "delta": gaps }));

    let vector = book.get("B4");
    let betas: Vec<f64> = vector
        .input("cases")
        .as_array()
        .unwrap()
        .iter()
        .map(|c| beta_for(c["p_star"].as_f64().unwrap(), c["delta"].as_u64().unwrap() as usize).unwrap())
        .collect();
    vector.check(F64, &json!({ "beta": betas }));
    assert_eq!(beta_for(0.5, 0), None);
    assert_eq!(beta_for(1.0, 10), None);
    assert_eq!(beta_for(0.0, 10), None);
}

fn laws(vector: Vector<'_>, targets: &[usize]) -> Value {
    let counts = counts(vector.input("counts"));
    let beta = vector.input("beta").as_f64().unwrap();
    let laws = targets.iter().map(|&target| {
        let law = seed_law(&counts, target, beta);
        json!({ "target": target, "p_accept": law.p_accept, "q": law.q, "pass_rate": law.pass_rate })
    });
    Value::Array(laws.collect())
}

#[test]
fn c_and_e_seed_laws() {
    let book = Book::read("m2m");
    for id in ["C1", "C2", "C3", "E1", "E2", "E3"] {
        let vector = book.get(id);
        vector.check(F64, &json!({ "laws": laws(vector, &counts(vector.input("targets"))) }));
    }
}

#[test]
fn d_unsorted_counts() {
    let book = Book::read("m2m");
    let vector = book.get("D1");
    let keep = keep_probabilities(&counts(vector.input("counts")));
    vector.check(F64, &json!({ "keep": keep, "laws": laws(vector, &[0, 1, 2, 3, 4]) }));
    book.get("D2").check_differs(F64, "keep_wrong", &json!(keep));
}

#[test]
fn f1_slots_of_a_batch() {
    let book = Book::read("m2m");
    let vector = book.get("F1");
    let counts = counts(vector.input("counts"));
    let (beta, batch) = (vector.input("beta").as_f64().unwrap(), vector.input("batch").as_f64().unwrap());
    let keep = keep_probabilities(&counts);
    let classes = counts.len() as f64;
    let mean = keep.iter().sum::<f64>() / classes;
    let passing: f64 = (0..counts.len())
        .map(|k| batch / classes * (1.0 - keep[k]) * seed_law(&counts, k, beta).pass_rate.unwrap_or(0.0))
        .sum();
    let slots = batch * (1.0 - mean);
    vector.check(
        F64,
        &json!({ "keep": keep, "mean_keep": mean, "expected_slots": slots, "expected_passing": passing }),
    );
}

/// Acceptance of every image of a batch as a seed of `target`, and the cumulative pick law.
fn batch_row(counts: &[usize], labels: &[usize], target: usize, beta: f64) -> (Vec<f64>, Vec<f64>) {
    let row: Vec<f64> = labels.iter().map(|&seed| p_accept(counts[seed], counts[target], beta)).collect();
    let sum: f64 = row.iter().sum();
    let mut total = 0.0;
    let cdf = row.iter().map(|p| {
        total += p / sum;
        total
    });
    (row.clone(), cdf.collect())
}

#[test]
fn g1_one_batch() {
    let book = Book::read("m2m");
    let vector = book.get("G1");
    let (images, labels) = (counts(vector.input("counts")), counts(vector.input("labels")));
    let beta = vector.input("beta").as_f64().unwrap();
    let mut u_pick = floats(vector.input("u_pick")).into_iter();
    let mut u_accept = floats(vector.input("u_accept")).into_iter();
    let slots = batch_slots(
        &images,
        beta,
        &labels,
        &floats(vector.input("u_keep")),
        || u_pick.next().unwrap(),
        || u_accept.next().unwrap(),
    );
    let rows = slots.iter().map(|slot| {
        let (row, cdf) = batch_row(&images, &labels, slot.target, beta);
        json!({
            "p_accept_row": row,
            "cdf": cdf,
            "seed_position": slot.seed_position,
            "seed_class": slot.seed_class,
            "p_accept": slot.p_accept,
            "accepted": slot.prior_passes,
        })
    });
    let got = json!({
        "slots": slots.iter().map(|s| s.position).collect::<Vec<_>>(),
        "targets": slots.iter().map(|s| s.target).collect::<Vec<_>>(),
        "rows": rows.collect::<Vec<_>>(),
    });
    vector.check(F64, &got);
    assert_eq!((u_pick.next(), u_accept.next()), (None, None), "one draw of each kind per slot");
}

#[test]
fn g2_pick_probabilities() {
    let book = Book::read("m2m");
    let vector = book.get("G2");
    let (images, labels) = (counts(vector.input("counts")), counts(vector.input("labels")));
    let beta = vector.input("beta").as_f64().unwrap();
    let rows = [9, 1].map(|target| {
        let (row, cdf) = batch_row(&images, &labels, target, beta);
        // The law that `pick` follows, measured by where it changes its answer.
        for (position, &edge) in cdf.iter().enumerate().filter(|&(i, _)| row[i] > 0.0) {
            assert_eq!(pick(&row, edge - 1e-9), Some(position));
        }
        let sum: f64 = row.iter().sum();
        let probability: Vec<f64> = row.iter().map(|p| p / sum).collect();
        json!({ "target": target, "p_accept_row": row, "pick_probability": probability })
    });
    vector.check(F64, &json!({ "rows": rows }));
}

#[test]
fn x1_two_readings_of_gamma() {
    let book = Book::read("m2m");
    let vector = book.get("X1");
    let gammas = floats(vector.input("gammas"));
    let got = json!({
        "p_for_ce_0_9": threshold_from_loss(gammas[0]),
        "ce_for_p_0_9": -gammas[0].ln(),
        "ce_for_p_0_99": -gammas[1].ln(),
    });
    vector.check(F64, &got);
    for gamma in gammas {
        assert!((threshold_from_loss(-gamma.ln()) - gamma).abs() < 1e-12, "one reading undoes the other");
    }
}

#[test]
fn x3_step_length_by_size() {
    let book = Book::read("m2m");
    let vector = book.get("X3");
    let etas: Map<String, Value> = vector
        .input("pixels")
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, d)| (name.clone(), json!(scaled_eta(d.as_u64().unwrap() as usize))))
        .collect();
    vector.check_part(F64, "eta", &Value::Object(etas));
}

#[test]
fn weights_by_inverse_counts() {
    let book = Book::read("weights_and_metrics");
    let vector = book.get("5.1-schemes");
    let images = counts(vector.input("counts"));
    let total: usize = images.iter().sum();
    let of = |scheme| weights(&images, scheme, 0.999).unwrap();
    let [balanced, ins, isns] = [Scheme::Balanced, Scheme::Ins, Scheme::Isns].map(of);
    let per_sample =
        |w: &[f64]| w.iter().zip(&images).map(|(w, &n)| w * n as f64).sum::<f64>() / total as f64;
    let spread =
        |w: &[f64]| w.iter().copied().fold(0.0, f64::max) / w.iter().copied().fold(f64::MAX, f64::min);
    let got = json!({
        "balanced": balanced,
        "ins": ins,
        "isns": isns,
        "balanced_over_ins": balanced[0] / ins[0],
        "ins_max_over_min": spread(&ins),
        "isns_max_over_min": spread(&isns),
        "mean_sample_weight": {
            "balanced": per_sample(&balanced), "ins": per_sample(&ins), "isns": per_sample(&isns),
        },
    });
    vector.check(F64, &got);
}

#[test]
fn weights_by_effective_numbers() {
    let book = Book::read("weights_and_metrics");
    let mut seen = 0;
    for vector in book.all().filter(|v| v.id().starts_with("5.1-ens-")) {
        let images = counts(vector.input("counts"));
        let beta = vector.input("beta").as_f64().unwrap();
        let total: usize = images.iter().sum();
        let w = weights(&images, Scheme::Ens, beta).unwrap();
        let effective: Vec<f64> = images.iter().map(|&n| effective_number(n, beta)).collect();
        let mean = w.iter().zip(&images).map(|(w, &n)| w * n as f64).sum::<f64>() / total as f64;
        let max = w.iter().copied().fold(0.0, f64::max);
        let min = w.iter().copied().fold(f64::MAX, f64::min);
        vector.check(
            F64,
            &json!({
                "effective_number": effective,
                "weights": w,
                "max_over_min": max / min,
                "mean_sample_weight": mean,
            }),
        );
        seen += 1;
    }
    assert!(seen >= 6, "the file lost vectors");

    let vector = book.get("5.1-saturation");
    let n = vector.input("n").as_u64().unwrap() as usize;
    let effective: Vec<f64> =
        floats(vector.input("betas")).into_iter().map(|beta| effective_number(n, beta)).collect();
    vector.check(F64, &json!({ "effective_number": effective }));
}

#[test]
fn tv11_totals_of_a_plan() {
    let book = Book::read("baegan");
    let vector = book.get("TV11-totals");
    let mut totals = Map::new();
    for name in ["MNIST", "CIFAR", "CelebA"] {
        let images = counts(vector.input(name));
        let names: Vec<String> = (0..images.len()).map(|class| class.to_string()).collect();
        let plan = Plan::new(&names, &images, &Target::Max, None).unwrap();
        totals.insert(name.to_owned(), json!(plan.total_to_make()));
    }
    vector.check(F64, &Value::Object(totals));
}

#[test]
fn tv11_natural_batches_often_lack_a_small_class() {
    let book = Book::read("baegan");
    let vector = book.get("TV11-absent");
    let number = |name: &str| vector.input(name).as_u64().unwrap() as usize;
    let (small, total, batch) = (number("class_count"), number("total"), number("batch"));
    let share_without = |epoch_of: &dyn Fn(u64) -> Vec<usize>| {
        let (mut without, mut all) = (0.0, 0.0);
        for epoch in 0..60 {
            let order = epoch_of(epoch);
            for positions in chunks(&order, batch).into_iter().filter(|positions| positions.len() == batch) {
                all += 1.0;
                without += f64::from(u8::from(positions.iter().all(|&position| position >= small)));
            }
        }
        without / all
    };
    let positions: Vec<usize> = (0..total).collect();
    let natural = share_without(&|epoch| shuffled(&positions, 0, 0, epoch));
    // The vector draws with replacement, which 4200 batches do not tell from without.
    let wanted = vector.expected()["p_absent"].as_f64().unwrap();
    assert!((natural - wanted).abs() < 0.04, "{natural} instead of {wanted}");
    let by_class = [positions[..small].to_vec(), positions[small..].to_vec()];
    assert_eq!(share_without(&|epoch| class_balanced(&by_class, total, 0, 0, epoch)), 0.0);
}

#[test]
fn weights_refuse_what_has_none() {
    assert!(weights(&[10, 0], Scheme::Balanced, 0.999).is_err());
    assert!(weights(&[10, 5], Scheme::Ens, 1.0).is_err());
    assert!(weights(&[10, 5], Scheme::Ens, -0.1).is_err());
    assert!(weights(&[10, 5], Scheme::Ens, f64::NAN).is_err());
    assert_eq!(weights(&[], Scheme::Ins, 0.999).unwrap(), Vec::<f64>::new());
}
