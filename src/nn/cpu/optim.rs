//! Optimiser steps in one pass: every weight, gradient and moment is read and written once.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::buffers::Buffer;
use super::simd::dispatch;

/// Values of one task.
const CHUNK: usize = 32 * 1024;

/// Weights and velocity after `g += decay * w`, `v = momentum * v + g`, `w -= rate * v`; `v = g` at first.
/// `[momentum, decay, rate]`.
pub fn sgd(
    weights: &[f32],
    gradient: &[f32],
    velocity: Option<&[f32]>,
    [momentum, decay, rate]: [f32; 3],
) -> [Buffer; 2] {
    let (mut moved, mut next) = (Buffer::dirty(weights.len()), Buffer::dirty(weights.len()));
    moved.par_chunks_mut(CHUNK).zip(next.par_chunks_mut(CHUNK)).enumerate().for_each(
        |(index, (moved, next))| {
            let span = index * CHUNK..index * CHUNK + moved.len();
            let old = velocity.map(|velocity| &velocity[span.clone()]);
            let inputs = weights[span.clone()].iter().zip(&gradient[span]);
            for (at, (&weight, &gradient)) in inputs.enumerate() {
                let gradient = gradient + weight * decay;
                let velocity = old.map_or(gradient, |old| old[at] * momentum + gradient);
                next[at] = velocity;
                moved[at] = weight - velocity * rate;
            }
        },
    );
    [moved, next]
}

/// What a step of Adam needs beside its tensors (Kingma and Ba 2015, as torch.optim.Adam computes it).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    pub rate: f64,
    pub betas: [f64; 2],
    pub epsilon: f64,
    /// 1 at the first step.
    pub step: u64,
}

/// Weights, first and second moment after a step.
pub fn adam(
    weights: &[f32],
    gradient: &[f32],
    first: Option<&[f32]>,
    second: Option<&[f32]>,
    settings: Adam,
) -> [Buffer; 3] {
    let Adam { rate, betas, epsilon, step } = settings;
    let corrections = betas.map(|beta| 1.0 - beta.powf(step as f64));
    let scale = rate / corrections[0];
    let factors = Factors {
        first: betas[0] as f32,
        new_first: (1.0 - betas[0]) as f32,
        second: betas[1] as f32,
        new_second: (1.0 - betas[1]) as f32,
        root: (1.0 / corrections[1].sqrt()) as f32,
        epsilon: epsilon as f32,
        scale: scale as f32,
    };
    let len = weights.len();
    let mut out = [Buffer::dirty(len), Buffer::dirty(len), Buffer::dirty(len)];
    let [moved, next_first, next_second] = &mut out;
    moved
        .par_chunks_mut(CHUNK)
        .zip(next_first.par_chunks_mut(CHUNK))
        .zip(next_second.par_chunks_mut(CHUNK))
        .enumerate()
        .for_each(|(index, ((moved, next_first), next_second))| {
            let span = index * CHUNK..index * CHUNK + moved.len();
            match (first, second) {
                (Some(first), Some(second)) => {
                    next_first.copy_from_slice(&first[span.clone()]);
                    next_second.copy_from_slice(&second[span.clone()]);
                }
                _ => {
                    next_first.fill(0.0);
                    next_second.fill(0.0);
                }
            }
            moved.copy_from_slice(&weights[span.clone()]);
            let gradient = &gradient[span];
            dispatch(Chunk { weights: moved, gradient, first: next_first, second: next_second, factors });
        });
    out
}

#[derive(Clone, Copy)]
struct Factors {
    first: f32,
    new_first: f32,
    second: f32,
    new_second: f32,
    root: f32,
    epsilon: f32,
    scale: f32,
}

struct Chunk<'a> {
    weights: &'a mut [f32],
    gradient: &'a [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
    factors: Factors,
}

impl WithSimd for Chunk<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Factors { first, new_first, second, new_second, root, epsilon, scale } = self.factors;
        let moments = self.first.iter_mut().zip(self.second.iter_mut());
        // Plain loops: the compiler makes vectors of them once it knows the instruction set.
        for ((weight, &gradient), (m, v)) in self.weights.iter_mut().zip(self.gradient).zip(moments) {
            *m = first * *m + new_first * gradient;
            *v = second * *v + new_second * (gradient * gradient);
            *weight -= scale * *m / (v.sqrt() * root + epsilon);
        }
    }
}
