//! Targets, how many to make, and the laws of the acceptance rule.
#![allow(clippy::unwrap_used)]

use counterpoise::domain::acceptance::{
    batch_slots, beta_for, gap_for, keep_probabilities, p_accept, pick, seed_law,
};
use counterpoise::domain::imbalance::{Imbalance, Scheme, effective_number, weights};
use counterpoise::domain::plan::{Plan, PlanError, Target};
use proptest::prelude::*;

fn names(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("class{i}")).collect()
}

fn plan(counts: &[usize], target: &str) -> Plan {
    Plan::new(&names(counts.len()), counts, &target.parse().unwrap(), Some(0.999)).unwrap()
}

fn makes(counts: &[usize], target: &str) -> Vec<usize> {
    plan(counts, target).classes.iter().map(|c| c.make).collect()
}

#[test]
fn targets_resolve() {
    let counts = [40, 200, 100];
    assert_eq!(makes(&counts, "max"), [160, 0, 100]);
    assert_eq!(makes(&counts, "median"), [60, 0, 0]);
    assert_eq!(makes(&counts, "150"), [110, 0, 50]);
    assert_eq!(makes(&counts, "ratio:2"), [60, 0, 0]);
    assert_eq!(makes(&counts, "ratio:3"), [27, 0, 0], "ceil(200 / 3) = 67");
    assert_eq!(makes(&counts, "41,0,300"), [1, 0, 200]);
    assert_eq!(makes(&counts, "0"), [0, 0, 0], "a class is never cut");
    assert_eq!(makes(&counts, "500"), [460, 300, 400], "a number above the largest class counts for all");
    assert_eq!(makes(&[10, 20, 31, 40], "median"), [16, 6, 0, 0], "mean of 20 and 31, rounded up");
    assert_eq!(makes(&[49, 490], "ratio:10"), [0, 0], "an exact ratio makes nothing");
}

#[test]
fn targets_are_read_and_written() {
    for text in ["max", "median", "250", "ratio:2.5", "1,2,3"] {
        assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
    }
    for text in ["", "most", "-1", "1.5", "ratio:0.5", "ratio:nan", "ratio:inf", "ratio:", "1,x", "1,,2"] {
        assert_eq!(text.parse::<Target>(), Err(PlanError::Target), "{text}");
    }
    let refused = Plan::new(&names(3), &[1, 2, 3], &Target::PerClass(vec![5, 5]), None);
    assert_eq!(refused, Err(PlanError::PerClass { given: 2, classes: 3 }));
}

#[test]
fn ties_one_class_and_empty_classes() {
    assert_eq!(makes(&[70, 70, 70], "max"), [0, 0, 0]);
    let tie = plan(&[100, 100, 20], "max");
    assert_eq!(tie.classes[2].make, 80);
    assert!(tie.classes[0].expected_acceptance.is_none(), "nothing is to be made");
    let law = seed_law(&[100, 100, 20], 2, 0.99);
    assert_eq!(law.q.unwrap(), [0.5, 0.5, 0.0], "equal counts share the seeds");

    let one = plan(&[30], "max");
    assert_eq!((one.classes[0].make, one.classes[0].expected_acceptance), (0, None));
    let grown = plan(&[30], "50");
    assert_eq!((grown.classes[0].make, grown.classes[0].expected_acceptance), (20, None), "no seed class");

    let empty = plan(&[0, 500], "max");
    assert_eq!(empty.classes[0].make, 500);
    assert!((empty.classes[0].expected_acceptance.unwrap() - p_accept(500, 0, 0.999)).abs() < 1e-12);
    assert_eq!(makes(&[0, 0], "max"), [0, 0]);
    assert_eq!(makes(&[], "max"), [0_usize; 0]);
    assert_eq!(plan(&[], "median").total_to_make(), 0);
}

#[test]
fn a_class_without_a_possible_seed_has_no_expectation() {
    // The largest class is grown too: nothing is larger, so no seed exists and no NaN appears.
    let grown = plan(&[20, 60], "100");
    assert!(grown.classes[0].expected_acceptance.is_some());
    assert_eq!(grown.classes[1].expected_acceptance, None);
    assert_eq!(grown.largest_gap(), 40);
    // Beta 1 accepts nothing, and a method without a prior has no expectation at all.
    let never = Plan::new(&names(2), &[20, 60], &Target::Max, Some(1.0)).unwrap();
    assert_eq!(never.classes[0].expected_acceptance, None);
    let without = Plan::new(&names(2), &[20, 60], &Target::Max, None).unwrap();
    assert_eq!((without.classes[0].make, without.classes[0].expected_acceptance), (40, None));
}

#[test]
fn imbalance_figures() {
    let figures = Imbalance::of(&[50, 50]);
    assert_eq!((figures.total, figures.ratio, figures.entropy), (100, Some(1.0), Some(1.0)));
    assert_eq!(Imbalance::of(&[20, 5]).ratio, Some(4.0));
    let empty = Imbalance::of(&[10, 0]);
    assert_eq!((empty.ratio, empty.entropy), (None, Some(0.0)));
    let none = Imbalance::of(&[]);
    assert_eq!((none.total, none.ratio, none.entropy), (0, None, None));
    assert_eq!(Imbalance::of(&[0, 0]).shares, [0.0, 0.0]);
    assert_eq!(Imbalance::of(&[7]).entropy, None);
}

#[test]
fn a_slot_without_a_seed_in_its_batch_stays_real() {
    let slots =
        batch_slots(&[100, 10], 0.9, &[1, 1], &[0.99, 0.99], || panic!("no pick"), || panic!("no draw"));
    assert!(slots.is_empty());
    // u exactly at the keep probability is a slot; just below it is not.
    let keep = keep_probabilities(&[100, 10])[1];
    let at = |u: f64| batch_slots(&[100, 10], 0.9, &[0, 1], &[0.0, u], || 0.5, || 0.0).len();
    assert_eq!((at(keep), at(keep - 1e-12)), (1, 0));
}

proptest! {
    #[test]
    fn laws_of_the_prior(
        counts in proptest::collection::vec(0_usize..3000, 1..12),
        beta in 0.0_f64..=1.0,
        pick_at in 0.0_f64..1.0,
    ) {
        for target in 0..counts.len() {
            let law = seed_law(&counts, target, beta);
            for (seed, &p) in law.p_accept.iter().enumerate() {
                prop_assert!((0.0..=1.0).contains(&p));
                prop_assert!(p == 0.0 || counts[seed] > counts[target], "only larger classes give seeds");
            }
            match (law.q, law.pass_rate) {
                (Some(q), Some(rate)) => {
                    prop_assert!((q.iter().sum::<f64>() - 1.0).abs() < 1e-9);
                    prop_assert!(q.iter().all(|v| (0.0..=1.0).contains(v)));
                    let largest = law.p_accept.iter().copied().fold(0.0, f64::max);
                    prop_assert!(rate > 0.0 && rate <= largest + 1e-12, "a mean lies below its largest part");
                    let picked = pick(&q, pick_at).unwrap();
                    prop_assert!(q[picked] > 0.0);
                }
                (None, None) => prop_assert!(law.p_accept.iter().all(|&p| p == 0.0)),
                other => return Err(TestCaseError::fail(format!("one without the other: {other:?}"))),
            }
        }
    }

    #[test]
    fn the_prior_is_monotone(n in 0_usize..500, gap in 0_usize..500, beta in 0.0_f64..1.0) {
        let p = p_accept(n + gap, n, beta);
        prop_assert!(p_accept(n + gap + 1, n, beta) >= p - 1e-12, "a larger gap passes more often");
        prop_assert!(p_accept(n + gap, n, (beta + 1.0) / 2.0) <= p + 1e-12, "a larger beta passes less often");
        prop_assert_eq!(p_accept(n, n + gap, beta), 0.0);
    }

    #[test]
    fn a_fitted_beta_gives_what_was_wished(wish in 0.01_f64..0.99, gap in 1_usize..5000) {
        let beta = beta_for(wish, gap).unwrap();
        prop_assert!((p_accept(gap, 0, beta) - wish).abs() < 1e-9);
        prop_assert!((gap_for(wish, beta) - gap as f64).abs() < 1e-6 * gap as f64);
    }

    #[test]
    fn a_plan_never_cuts_and_reaches_its_target(
        counts in proptest::collection::vec(0_usize..400, 1..10),
        wanted in 0_usize..600,
        ratio in 1.0_f64..50.0,
    ) {
        let largest = *counts.iter().max().unwrap();
        for target in [Target::Max, Target::Median, Target::Count(wanted), Target::Ratio(ratio)] {
            let plan = Plan::new(&names(counts.len()), &counts, &target, Some(0.999)).unwrap();
            prop_assert_eq!(plan.classes.len(), counts.len());
            for (class, &have) in plan.classes.iter().zip(&counts) {
                prop_assert_eq!(class.have, have);
                prop_assert_eq!(class.have + class.make, class.target, "total = target where all slots are filled");
                prop_assert!(class.target >= have);
                if let Some(expected) = class.expected_acceptance {
                    prop_assert!(expected > 0.0 && expected <= 1.0 && class.make > 0);
                }
                match target {
                    Target::Max => prop_assert_eq!(class.target, largest),
                    Target::Ratio(r) => {
                        prop_assert!(class.target as f64 * r >= largest as f64 - 1e-6);
                        prop_assert!(class.target <= largest.max(have));
                    }
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn laws_of_the_weights(counts in proptest::collection::vec(1_usize..5000, 1..12), beta in 0.0_f64..0.9999) {
        for scheme in Scheme::ALL {
            let w = weights(&counts, scheme, beta).unwrap();
            prop_assert!(w.iter().all(|v| v.is_finite() && *v > 0.0));
            if scheme == Scheme::Balanced {
                let total: usize = counts.iter().sum();
                let per_sample: f64 = w.iter().zip(&counts).map(|(w, &n)| w * n as f64).sum();
                prop_assert!((per_sample / total as f64 - 1.0).abs() < 1e-9);
            } else {
                prop_assert!((w.iter().sum::<f64>() - counts.len() as f64).abs() < 1e-9);
            }
            for i in 0..counts.len() {
                for j in 0..counts.len() {
                    prop_assert!(counts[i] > counts[j] || w[i] >= w[j] - 1e-12, "smaller classes weigh no less");
                }
            }
        }
    }

    #[test]
    fn the_effective_number_lies_between_one_and_n(n in 1_usize..100_000, beta in 0.0_f64..=1.0) {
        let e = effective_number(n, beta);
        prop_assert!(e >= 1.0 - 1e-9 && e <= n as f64 * (1.0 + 1e-9), "{}", e);
    }
}
