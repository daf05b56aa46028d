//! M2m's acceptance rule: the prior `P_accept`, the law of seed classes `Q`, and the slots of a training batch.
//!
//! Source: Kim, Jeong, Shin, "M2m: Imbalanced Classification via Major-to-minor Translation", CVPR 2020,
//! section 3.2. Every random draw is an argument, so the rules run on written-out numbers.

use super::classes::ClassId;

/// `P_accept(k0|k) = 1 - beta^max(N_k0 - N_k, 0)`, in \[0, 1\].
///
/// `beta` in \[0, 1\]; computed as `-expm1(d ln beta)`, which keeps the digits for small differences.
pub fn p_accept(seed_count: usize, target_count: usize, beta: f64) -> f64 {
    let difference = seed_count.saturating_sub(target_count);
    if difference == 0 || beta >= 1.0 {
        return 0.0;
    }
    if beta <= 0.0 {
        return 1.0;
    }
    -(difference as f64 * beta.ln()).exp_m1()
}

/// From which classes the seeds of one target class come, and how often the prior lets them pass.
#[derive(Clone, Debug, PartialEq)]
pub struct SeedLaw {
    /// `P_accept(j|k)` for every class j.
    pub p_accept: Vec<f64>,
    /// `Q(j|k) = P / sum P`; `None` where no class may be a seed.
    pub q: Option<Vec<f64>>,
    /// Expected share of draws that pass, `sum P^2 / sum P`; `None` as for `q`.
    pub pass_rate: Option<f64>,
}

/// The seed law of one target class.
pub fn seed_law(counts: &[usize], target: ClassId, beta: f64) -> SeedLaw {
    let p: Vec<f64> = counts.iter().map(|&n| p_accept(n, counts[target], beta)).collect();
    let sum: f64 = p.iter().sum();
    if sum <= 0.0 {
        return SeedLaw { p_accept: p, q: None, pass_rate: None };
    }
    let q = p.iter().map(|v| v / sum).collect();
    let squares: f64 = p.iter().map(|v| v * v).sum();
    SeedLaw { p_accept: p, q: Some(q), pass_rate: Some(squares / sum) }
}

/// Probability that a slot of a class-balanced batch keeps its real image: `N_k / max N`.
///
/// The maximum, not class 0: folder order is alphabetical.
pub fn keep_probabilities(counts: &[usize]) -> Vec<f64> {
    let max = counts.iter().copied().max().unwrap_or(0);
    counts.iter().map(|&n| if max == 0 { 1.0 } else { n as f64 / max as f64 }).collect()
}

/// The beta that gives acceptance `p` at the count difference `gap`: `(1 - p)^(1/gap)`; `None` for gap 0 or p
/// outside (0, 1).
pub fn beta_for(p: f64, gap: usize) -> Option<f64> {
    (gap > 0 && p > 0.0 && p < 1.0).then(|| ((-p).ln_1p() / gap as f64).exp())
}

/// The count difference at which the acceptance reaches `p`: `ln(1 - p) / ln(beta)`.
pub fn gap_for(p: f64, beta: f64) -> f64 {
    (-p).ln_1p() / beta.ln()
}

/// First position whose cumulative weight exceeds `u * sum`; `None` where all weights are zero.
///
/// A position of weight zero is never picked, even where rounding leaves `u` at the end.
pub fn pick(weights: &[f64], u: f64) -> Option<usize> {
    let sum: f64 = weights.iter().sum();
    if sum <= 0.0 || sum.is_nan() {
        return None;
    }
    let mut cumulative = 0.0;
    for (position, &weight) in weights.iter().enumerate() {
        cumulative += weight / sum;
        if weight > 0.0 && cumulative > u {
            return Some(position);
        }
    }
    weights.iter().rposition(|&w| w > 0.0)
}

/// What happens to one generation slot of a training batch.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchSlot {
    /// Position in the batch; its label is the target class.
    pub position: usize,
    pub target: ClassId,
    /// Position of the seed image in the same batch.
    pub seed_position: usize,
    pub seed_class: ClassId,
    pub p_accept: f64,
    /// The prior's draw passed (`u < p_accept`); only then is anything made.
    pub prior_passes: bool,
}

/// Generation slots of a class-balanced batch, with their seeds and the prior's verdict.
///
/// `labels` are the batch's classes; slot i is a generation slot where `u_keep[i] >= N_y / N_max`. `u_pick` and
/// `u_accept` are used in order of the slots that have a possible seed. A slot without one stays real.
pub fn batch_slots(
    counts: &[usize],
    beta: f64,
    labels: &[ClassId],
    u_keep: &[f64],
    mut u_pick: impl FnMut() -> f64,
    mut u_accept: impl FnMut() -> f64,
) -> Vec<BatchSlot> {
    let keep = keep_probabilities(counts);
    let mut slots = Vec::new();
    for (position, (&target, &u)) in labels.iter().zip(u_keep).enumerate() {
        if u < keep[target] {
            continue;
        }
        let row: Vec<f64> = labels.iter().map(|&seed| p_accept(counts[seed], counts[target], beta)).collect();
        if row.iter().all(|p| *p <= 0.0) {
            continue;
        }
        let Some(seed_position) = pick(&row, u_pick()) else {
            continue;
        };
        let p = row[seed_position];
        slots.push(BatchSlot {
            position,
            target,
            seed_position,
            seed_class: labels[seed_position],
            p_accept: p,
            prior_passes: u_accept() < p,
        });
    }
    slots
}

/// The least probability that passes, for a gamma given as a bound on the cross entropy (`exp(-gamma)`).
pub fn threshold_from_loss(gamma: f64) -> f64 {
    (-gamma).exp()
}

/// M2m's step length scaled to the image: `0.1 sqrt(D / 3072)`, D = channels * height * width. A rule of this
/// project that keeps the change per pixel, not the paper's.
pub fn scaled_eta(pixels: usize) -> f64 {
    0.1 * (pixels as f64 / 3072.0).sqrt()
}
