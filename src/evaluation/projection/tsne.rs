//! t-SNE: points in the plane whose neighbours are those of the rows (van der Maaten and Hinton 2008), exactly.
//!
//! - Similarities of rows: a Gaussian around each, as wide as gives it the perplexity, by bisection;
//!   `p_ij = (p_j|i + p_i|j) / 2n` (section 3.1).
//! - Similarities of points: `q_ij = (1 + |y_i - y_j|^2)^-1 / Z` over all pairs.
//! - Descent on the divergence of q from p, with momentum and a gain for each coordinate. In the first 250 of
//!   1,000 steps p is 12 times too large and the momentum 0.5, then 0.8. The step is `max(n / 12, 50)` along the
//!   gradient without its factor 4, as in the authors' own program (the 12 and the step: Belkina et al. 2019).
//! - The start is the first two principal components, made small (Kobak and Berens 2019), and a hundredth of that
//!   as noise, since rows along a line would never leave it. The seed draws the noise alone: another seed moves
//!   points, and seldom clusters.
//!
//! Every pair is looked at in every step, which is why the number of rows is bounded. All sums are taken in an
//! order that is fixed.

use rayon::prelude::*;

use super::principal::Principal;
use super::{ProjectionError, check_size};
use crate::domain::random::{Stage, stream};
use crate::domain::task::{Cancelled, Ctx};
use crate::evaluation::distance::{FeatureRows, squared_distance};

/// Perplexity where rows are many.
const USUAL_PERPLEXITY: f64 = 30.0;
/// Steps that are usual.
const ITERATIONS: usize = 1000;
/// Steps of the first stage, in which clusters form.
const EARLY: usize = 250;
/// How much too large similarities are in the first stage.
const EXAGGERATION: f64 = 12.0;
/// Momentum of the first stage, and of the second.
const MOMENTUM: [f64; 2] = [0.5, 0.8];
/// The step is never shorter.
const LEAST_RATE: f64 = 50.0;
/// A gain never falls below this.
const LEAST_GAIN: f64 = 0.01;
/// Standard deviation of the start along the first component.
const START: f64 = 1e-4;
/// Standard deviation of the start's noise.
const NOISE: f64 = 1e-6;
/// Halvings or doublings until a Gaussian has its width.
const BISECTIONS: usize = 64;
/// How near its entropy, in nats, must come to that of the perplexity.
const TOLERANCE: f64 = 1e-5;
/// Steps between two words of progress.
const TOLD: usize = 10;
/// Pairs whose sums run side by side.
const LANES: usize = 8;
/// Rows that a thread takes at once.
const ROWS: usize = 16;

/// What a person may choose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// How many neighbours a point has, about; `None` for [`usual_perplexity`].
    pub perplexity: Option<f64>,
    /// Steps, 1000 being usual.
    pub iterations: usize,
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { perplexity: None, iterations: ITERATIONS, seed: 0 }
    }
}

/// Points and how they were found.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// One for each row; their mean is 0.
    pub points: Vec<[f64; 2]>,
    pub perplexity: f64,
    /// Steps that were done.
    pub iterations: usize,
    /// Of the points from the rows, in nats, at least 0.
    pub divergence: f64,
}

/// 30, or a third of the other rows where that is less.
pub fn usual_perplexity(rows: usize) -> f64 {
    most_perplexity(rows).min(USUAL_PERPLEXITY)
}

/// A Gaussian of a perplexity reaches to about three times as many rows.
fn most_perplexity(rows: usize) -> f64 {
    rows.saturating_sub(1) as f64 / 3.0
}

/// Points for rows of any width. After `stop_and_keep` these are the points of the steps until then.
///
/// # Errors
/// Fewer or more rows than a picture has, rows that are all the same, a perplexity out of range, or a cancel.
pub fn embed(ctx: &Ctx, rows: &FeatureRows, settings: &Settings) -> Result<Embedding, ProjectionError> {
    check_size(rows.rows())?;
    let perplexity = settings.perplexity.unwrap_or_else(|| usual_perplexity(rows.rows()));
    let mut layout = Layout::start(rows, settings.seed)?;
    let similar = similarities(ctx, rows, perplexity)?;
    let (mut done, total) = (0_usize, settings.iterations as u64);
    while done < settings.iterations {
        ctx.check()?;
        if ctx.is_stopping() {
            break;
        }
        if done.is_multiple_of(TOLD) {
            ctx.progress("t-SNE", done as u64, total);
        }
        layout.step(&similar, done);
        done += 1;
    }
    ctx.progress("t-SNE", done as u64, total);
    let divergence = layout.divergence(&similar);
    Ok(Embedding { points: layout.points(), perplexity, iterations: done, divergence })
}

/// Similarities of all pairs of rows, `n * n`, row after row: symmetric, 0 for a row and itself, 1 in sum.
///
/// # Errors
/// As for [`embed`], but for rows that are all the same.
pub fn similarities(ctx: &Ctx, rows: &FeatureRows, perplexity: f64) -> Result<Vec<f64>, ProjectionError> {
    let n = rows.rows();
    check_size(n)?;
    let most = most_perplexity(n);
    // Also refuses what is no number.
    if !(1.0..=most).contains(&perplexity) {
        return Err(ProjectionError::Perplexity { most });
    }
    let mut similar = vec![0.0_f64; n * n];
    similar.par_chunks_mut(n).enumerate().try_for_each_init(
        Vec::new,
        |away: &mut Vec<f64>, (own, out)| {
            ctx.check()?;
            away.clear();
            let others = (0..n).filter(|&other| other != own);
            away.extend(others.map(|other| squared_distance(rows.row(own), rows.row(other))));
            conditional(away, perplexity);
            let (before, after) = away.split_at(own);
            out[..own].copy_from_slice(before);
            out[own + 1..].copy_from_slice(after);
            Ok::<(), Cancelled>(())
        },
    )?;
    join(&mut similar, n);
    Ok(similar)
}

/// Turns `p_j|i` of all pairs of `n` rows, row after row, into `p_ij = (p_j|i + p_i|j) / 2n`.
pub fn join(similar: &mut [f64], n: usize) {
    let share = 1.0 / (2.0 * n as f64);
    for one in 0..n {
        for other in 0..one {
            let both = (similar[one * n + other] + similar[other * n + one]) * share;
            similar[one * n + other] = both;
            similar[other * n + one] = both;
        }
    }
}

/// Turns the squared distances of a row to all others, one at least, into `p_j|i`: weights of sum 1 that have this
/// perplexity. Where so many others are equally near that it cannot be that small, these share the weight.
pub fn conditional(away: &mut [f64], perplexity: f64) {
    let nearest = away.iter().copied().fold(f64::INFINITY, f64::min);
    // Weights do not change with what all distances share; without it the nearest weighs 1: no sum vanishes.
    away.iter_mut().for_each(|distance| *distance -= nearest);
    let mean = away.iter().sum::<f64>() / away.len() as f64;
    if mean > 0.0 {
        away.iter_mut().for_each(|distance| *distance /= mean);
    }
    let wanted = perplexity.ln();
    let (mut least, mut precision, mut most) = (0.0_f64, 1.0_f64, f64::INFINITY);
    for _ in 0..BISECTIONS {
        let (mut sum, mut weighted) = (0.0_f64, 0.0_f64);
        for distance in away.iter() {
            let weight = (-precision * distance).exp();
            sum += weight;
            weighted += weight * distance;
        }
        let above = sum.ln() + precision * weighted / sum - wanted;
        if above.abs() < TOLERANCE {
            break;
        }
        if above > 0.0 {
            least = precision;
        } else {
            most = precision;
        }
        precision = if most.is_finite() { (least + most) / 2.0 } else { 2.0 * precision };
    }
    away.iter_mut().for_each(|distance| *distance = (-precision * *distance).exp());
    let sum: f64 = away.iter().sum();
    away.iter_mut().for_each(|weight| *weight /= sum);
}

/// What acts on a point, before the parts are put together.
#[derive(Clone, Copy, Default)]
struct Forces {
    /// Sum of `(1 + |y_i - y_j|^2)^-1` over the others: the point's part of Z.
    kernels: f64,
    attraction: [f64; 2],
    /// Times Z.
    repulsion: [f64; 2],
}

impl Forces {
    /// Of all points on one; `similar` is its row of similarities.
    fn on(own: usize, x: &[f64], y: &[f64], similar: &[f64]) -> Self {
        let (own_x, own_y) = (x[own], y[own]);
        let mut sums = [[0.0_f64; LANES]; 5];
        let mut add = |lane: usize, x: f64, y: f64, similarity: f64| {
            let (across, up) = (own_x - x, own_y - y);
            let kernel = 1.0 / (1.0 + across * across + up * up);
            let (pull, push) = (similarity * kernel, kernel * kernel);
            sums[0][lane] += kernel;
            sums[1][lane] += pull * across;
            sums[2][lane] += pull * up;
            sums[3][lane] += push * across;
            sums[4][lane] += push * up;
        };
        let (xs, x_rest) = x.as_chunks::<LANES>();
        let (ys, y_rest) = y.as_chunks::<LANES>();
        let (similars, similar_rest) = similar.as_chunks::<LANES>();
        for ((xs, ys), similars) in xs.iter().zip(ys).zip(similars) {
            for lane in 0..LANES {
                add(lane, xs[lane], ys[lane], similars[lane]);
            }
        }
        let rest = x_rest.iter().zip(y_rest).zip(similar_rest);
        for (lane, ((x, y), similarity)) in rest.enumerate() {
            add(lane, *x, *y, *similarity);
        }
        let [kernels, pull_x, pull_y, push_x, push_y] = sums.map(|lanes| lanes.iter().sum::<f64>());
        // Of the point with itself there is a kernel of 1 and no force.
        Forces { kernels: kernels - 1.0, attraction: [pull_x, pull_y], repulsion: [push_x, push_y] }
    }
}

/// The points on their way.
struct Layout {
    x: Vec<f64>,
    y: Vec<f64>,
    velocities: Vec<[f64; 2]>,
    gains: Vec<[f64; 2]>,
    forces: Vec<Forces>,
}

impl Layout {
    fn start(rows: &FeatureRows, seed: u64) -> Result<Self, ProjectionError> {
        let n = rows.rows();
        let principal = Principal::of(rows, 2)?;
        let scores = principal.apply(rows)?;
        let scale = START / principal.variances()[0].sqrt();
        let (mut x, mut y) = (Vec::with_capacity(n), Vec::with_capacity(n));
        for row in 0..n {
            let mut draws = stream(seed, Stage::Layout, 0, row as u64);
            let mut place = |axis: usize| {
                // Rows that differ in one direction alone have no second score.
                let score = scores.row(row).get(axis).copied().unwrap_or(0.0);
                score * scale + NOISE * draws.normal()
            };
            x.push(place(0));
            y.push(place(1));
        }
        centre(&mut x);
        centre(&mut y);
        let (velocities, gains) = (vec![[0.0; 2]; n], vec![[1.0; 2]; n]);
        Ok(Layout { x, y, velocities, gains, forces: vec![Forces::default(); n] })
    }

    /// One step of the descent.
    fn step(&mut self, similar: &[f64], iteration: usize) {
        let Layout { x, y, velocities, gains, forces } = self;
        let n = x.len();
        let (seen_x, seen_y) = (x.as_slice(), y.as_slice());
        forces
            .par_iter_mut()
            .zip(similar.par_chunks(n))
            .enumerate()
            .with_min_len(ROWS)
            .for_each(|(own, (forces, similar))| *forces = Forces::on(own, seen_x, seen_y, similar));
        let (exaggeration, momentum) =
            if iteration < EARLY { (EXAGGERATION, MOMENTUM[0]) } else { (1.0, MOMENTUM[1]) };
        let rate = (n as f64 / EXAGGERATION).max(LEAST_RATE);
        let share = 1.0 / normaliser(forces.iter().map(|forces| forces.kernels));
        for (at, forces) in forces.iter().enumerate() {
            for (axis, place) in [&mut x[at], &mut y[at]].into_iter().enumerate() {
                let (velocity, gain) = (&mut velocities[at][axis], &mut gains[at][axis]);
                let gradient = exaggeration * forces.attraction[axis] - forces.repulsion[axis] * share;
                // Downhill still, or past the bottom.
                *gain = if gradient * *velocity < 0.0 { *gain + 0.2 } else { (*gain * 0.8).max(LEAST_GAIN) };
                *velocity = momentum * *velocity - rate * *gain * gradient;
                *place += *velocity;
            }
        }
        centre(x);
        centre(y);
    }

    /// `sum p ln(p / q)` over all pairs. With `q = kernel / Z` and similarities of sum 1 it is the sum of
    /// `p ln(p / kernel)`, and ln Z.
    fn divergence(&self, similar: &[f64]) -> f64 {
        let n = self.x.len();
        let of_row = |(own, similar): (usize, &[f64])| {
            let (mut kernels, mut terms) = (0.0_f64, 0.0_f64);
            for (other, similarity) in similar.iter().enumerate().filter(|(other, _)| *other != own) {
                let (across, up) = (self.x[own] - self.x[other], self.y[own] - self.y[other]);
                let away = 1.0 + across * across + up * up;
                kernels += 1.0 / away;
                if *similarity > 0.0 {
                    terms += similarity * (similarity * away).ln();
                }
            }
            (kernels, terms)
        };
        let found: Vec<(f64, f64)> = similar.par_chunks(n).enumerate().map(of_row).collect();
        let terms: f64 = found.iter().map(|(_, terms)| terms).sum();
        (terms + normaliser(found.iter().map(|(kernels, _)| *kernels)).ln()).max(0.0)
    }

    fn points(&self) -> Vec<[f64; 2]> {
        self.x.iter().zip(&self.y).map(|(x, y)| [*x, *y]).collect()
    }
}

/// Z, which rounding never makes 0.
fn normaliser(kernels: impl Iterator<Item = f64>) -> f64 {
    kernels.sum::<f64>().max(f64::MIN_POSITIVE)
}

/// Moves the mean to 0.
fn centre(values: &mut [f64]) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter_mut().for_each(|value| *value -= mean);
}
