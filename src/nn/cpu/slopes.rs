//! Gradient to the weights of 3x3 convolutions with stride 1 in a quarter of the multiplications: F(4x4, 3x3) backwards,
//! one matrix product over all tiles of all images for each of its 36 points.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::buffers::Buffer;
use super::conv::pad;
use super::minimal::{
    BLANK, Group, MOST, Slopes as _, Three, add_products, both_ways, gather_weights, spread_result,
};
use super::shape::{ConvShape, Gather};
use super::simd::{LANES, dispatch, load, store};

const OUT: usize = 4;
const IN: usize = 6;
const POINTS: usize = IN * IN;
/// Points of both sides that are held at a time, in values.
const HELD_VALUES: usize = 2 * 1024 * 1024;
/// Lanes of tiles that meet in one product at least.
const LEAST_LANES: usize = 256;

/// True where this way is worth its transforms; channels and the result's `[height, columns]`.
pub fn is_worth_it(shape: ConvShape, channels: [usize; 2], [height, width]: [usize; 2]) -> bool {
    let tiles = height.div_ceil(OUT) * width.div_ceil(OUT);
    (shape.kernel, shape.stride) == (3, 1)
        && channels.iter().all(|&channels| channels >= 8)
        && tiles * POINTS * 2 <= height * width * 9
}

/// `[result channels, input channels, 3, 3]`. `window` is the gather from input to result, whose values are `input`;
/// `gradient` is the result's.
pub fn weight_gradient(window: &Gather, input: &[f32], gradient: &[f32], blocks: usize) -> Buffer {
    let [inputs, height, columns] = window.input;
    let [outputs, tall, wide] = window.output;
    let room = |side: usize, least: usize| least.max(side.div_ceil(OUT) * OUT + IN - OUT);
    // One channel at a time, with room for the last tile.
    let of_channel = Gather {
        input: [1, height, columns],
        padded: [room(tall, window.padded[0]), room(wide, window.padded[1])],
        ..window.clone()
    };
    let depth = inputs.next_multiple_of(LANES);
    let lanes = (HELD_VALUES / (POINTS * (inputs + outputs))).max(LEAST_LANES);
    let mut sums = Buffer::dirty(POINTS * outputs * depth);
    for group in Group::all(blocks, [tall, wide], OUT, lanes) {
        let of_result = spread_result::<Three, IN, OUT, 3>(gradient, window.output, group);
        let mut of_input = Buffer::dirty(inputs * POINTS * group.lanes());
        of_input.par_chunks_mut(POINTS * group.lanes()).enumerate().for_each_init(
            Vec::new,
            |padded, (channel, out)| {
                dispatch(SpreadInput {
                    window: &of_channel,
                    group,
                    inputs,
                    result: [tall, wide],
                    input,
                    channel,
                    padded,
                    out,
                });
            },
        );
        add_products(&mut sums, [POINTS, outputs, inputs, depth], &of_result, &of_input, group);
    }
    gather_weights::<Three, IN, OUT, 3>(&sums, [outputs, inputs, 1])
}

/// Tiles of one channel of the input at each point.
struct SpreadInput<'a> {
    /// Of one channel.
    window: &'a Gather,
    group: Group,
    inputs: usize,
    /// Rows and columns of the result.
    result: [usize; 2],
    input: &'a [f32],
    channel: usize,
    /// Scratch.
    padded: &'a mut Vec<f32>,
    /// Point, block of the group, tile, lane.
    out: &'a mut [f32],
}

impl WithSimd for SpreadInput<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let [rows, columns] = self.window.padded;
        let plane = self.window.input.iter().product::<usize>() * LANES;
        let lanes = self.group.lanes();
        self.padded.resize(rows * columns * LANES, 0.0);
        let mut half = BLANK;
        let mut to = 0;
        for block in self.group.first..self.group.end {
            let input = &self.input[(block * self.inputs + self.channel) * plane..][..plane];
            pad(simd, self.window, input, None, 0, rows, self.padded);
            for top in (0..self.result[0]).step_by(OUT) {
                for left in (0..self.result[1]).step_by(OUT) {
                    let corner = (top * columns + left) * LANES;
                    for part in (0..LANES).step_by(S::F32_LANES) {
                        both_ways!(
                            S,
                            simd,
                            half,
                            IN => IN,
                            Three::input,
                            |row, column| load::<S>(
                                &self.padded[corner + (row * columns + column) * LANES + part..]
                            ),
                            |i, j, value| store::<S>(&mut self.out[(i * IN + j) * lanes + to + part..], value)
                        );
                    }
                    to += LANES;
                }
            }
        }
    }
}
