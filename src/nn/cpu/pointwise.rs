//! 1x1 convolutions with stride 1: matrix products as they lie in memory, forward and back.

use std::ops::Range;

use faer::{Accum, MatMut, MatRef};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::buffers::Buffer;
use super::conv::{Finish, finish_plane};
use super::minimal::product;
use super::shape::{ConvShape, Gather};
use super::simd::{LANES, dispatch};

/// Output channels that a task makes.
const CHANNELS: usize = 64;
/// Channels from which a product is worth its preparation.
const LEAST_CHANNELS: usize = 8;

/// True where every position sees itself alone.
pub fn is_pointwise(gather: &Gather) -> bool {
    let ([phase], 1, 1, [0, 0]) = (gather.phases.as_slice(), gather.step, gather.spread, gather.before)
    else {
        return false;
    };
    phase.taps.len() == 1 && gather.input[1..] == gather.output[1..] && gather.input[0] >= LEAST_CHANNELS
}

/// The same of a convolution whose gradient to the weights is asked for.
pub fn has_products(shape: ConvShape, channels: usize) -> bool {
    (shape.kernel, shape.stride, shape.padding) == (1, 1, 0) && channels >= LEAST_CHANNELS
}

/// Weights as `[output, input]`.
pub fn weights(weight: &[f32], [inputs, outputs]: [usize; 2], input_first: bool) -> Buffer {
    let mut out = Buffer::dirty(outputs * inputs);
    if input_first {
        for (output, row) in out.chunks_exact_mut(inputs).enumerate() {
            row.iter_mut().zip(weight[output..].iter().step_by(outputs)).for_each(|(to, from)| *to = *from);
        }
    } else {
        out.copy_from_slice(weight);
    }
    out
}

/// As `conv::gather`, with weights of [`weights`].
pub fn run(input: &[f32], gather: &Gather, weights: &[f32], finish: Finish<'_>) -> Buffer {
    let (inputs, [outputs, height, width]) = (gather.input[0], gather.output);
    let plane = height * width * LANES;
    let blocks = input.len() / (inputs * plane).max(1);
    let mut out = Buffer::dirty(blocks * outputs * plane);
    out.par_chunks_mut(outputs * plane).enumerate().for_each(|(block, out)| {
        let input =
            MatRef::from_row_major_slice(&input[block * inputs * plane..][..inputs * plane], inputs, plane);
        out.par_chunks_mut(CHANNELS * plane).enumerate().for_each(|(part, out)| {
            let (first, rows) = (part * CHANNELS, out.len() / plane);
            let weights =
                MatRef::from_row_major_slice(&weights[first * inputs..][..rows * inputs], rows, inputs);
            product(MatMut::from_row_major_slice_mut(out, rows, plane), Accum::Replace, weights, input);
            let start = (block * outputs + first) * plane;
            dispatch(FinishPlanes { plane, channels: first..first + rows, start, finish, out });
        });
    });
    out
}

/// Bias, residual and activation of some channels of a block; `start` is where they are in the residual.
struct FinishPlanes<'a> {
    plane: usize,
    channels: Range<usize>,
    start: usize,
    finish: Finish<'a>,
    out: &'a mut [f32],
}

impl WithSimd for FinishPlanes<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Finish { bias, residual, activation } = self.finish;
        for (index, (channel, out)) in self.channels.zip(self.out.chunks_exact_mut(self.plane)).enumerate() {
            let finish = Finish {
                bias: bias.map(|bias| &bias[channel..=channel]),
                residual: residual.map(|all| &all[self.start + index * self.plane..][..self.plane]),
                activation,
            };
            finish_plane(simd, finish, out);
        }
    }
}

/// Gradient to the weights, `[small channels, large channels]`, both sides with their channels and values of `plane`
/// positions; blocks are added in their order.
pub fn weight_gradient(large: (&[f32], usize), small: (&[f32], usize), plane: usize) -> Buffer {
    let len = small.1 * large.1;
    let blocks = small.0.len() / (small.1 * plane).max(1);
    let mut parts = Buffer::dirty(blocks.max(1) * len);
    parts.par_chunks_mut(len).enumerate().for_each(|(block, out)| {
        let of = |channels: usize| block * channels * plane..(block + 1) * channels * plane;
        let rows = MatRef::from_row_major_slice(&small.0[of(small.1)], small.1, plane);
        let columns = MatRef::from_row_major_slice(&large.0[of(large.1)], large.1, plane).transpose();
        product(MatMut::from_row_major_slice_mut(out, small.1, large.1), Accum::Replace, rows, columns);
    });
    let mut sum = Buffer::dirty(len);
    let (first, others) = parts.split_at(len);
    sum.copy_from_slice(first);
    for part in others.chunks_exact(len) {
        sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
    sum
}
