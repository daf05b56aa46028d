//! Minimal filtering in one direction (Winograd; Lavin and Gray, CVPR 2016): its three linear steps, their transposes,
//! and what convolutions share that turn into one matrix product per point of a tile.
//!
//! A tile of `IN` by `IN` values becomes as many points, and so do the weights; sums of products at a point become
//! `OUT` by `OUT` results. The gradient to the weights goes the same way back: transposed steps of the result's
//! gradient, products with the points of the input, and the transpose of the weights' step.

use std::marker::PhantomData;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::buffers::Buffer;
use super::simd::{LANES, dispatch, load, store};

/// Points of a tile in one direction at most.
pub const MOST: usize = 6;
/// Weights of a pair of channels at most.
const AREA: usize = 16;
/// Rows of a product that one task makes.
pub const ROWS: usize = 128;

/// Values of a square between its two directions: row, column, lane.
pub type Half = [f32; MOST * MOST * LANES];
pub const BLANK: Half = [0.0; MOST * MOST * LANES];

/// What the gradient to the weights needs of minimal filtering with `TAPS` weights and `IN = OUT + TAPS - 1` values.
pub trait Slopes<const IN: usize, const OUT: usize, const TAPS: usize>: Sync + Send {
    fn input<S: Simd>(simd: S, d: [S::f32s; IN]) -> [S::f32s; IN];
    fn weights_back<S: Simd>(simd: S, u: [S::f32s; IN]) -> [S::f32s; TAPS];
    fn output_back<S: Simd>(simd: S, y: [S::f32s; OUT]) -> [S::f32s; IN];
}

/// All of it, with two weights.
pub trait Minimal<const IN: usize, const OUT: usize>: Slopes<IN, OUT, 2> {
    fn input_back<S: Simd>(simd: S, v: [S::f32s; IN]) -> [S::f32s; IN];
    fn weights<S: Simd>(simd: S, g: [S::f32s; 2]) -> [S::f32s; IN];
    fn output<S: Simd>(simd: S, m: [S::f32s; IN]) -> [S::f32s; OUT];
}

/// F(4, 2) at the points 0, 1, -1, 2 and infinity.
pub struct Four;

impl Slopes<5, 4, 2> for Four {
    #[inline(always)]
    fn input<S: Simd>(simd: S, [a, b, c, d, e]: [S::f32s; 5]) -> [S::f32s; 5] {
        let (two, minus_two) = (simd.splat_f32s(2.0), simd.splat_f32s(-2.0));
        let far = simd.sub_f32s(d, b);
        let near = simd.sub_f32s(d, c);
        [
            simd.mul_add_e_f32s(two, simd.sub_f32s(a, c), far),
            simd.mul_add_e_f32s(minus_two, b, near),
            simd.mul_add_e_f32s(two, simd.sub_f32s(b, c), near),
            far,
            simd.mul_add_e_f32s(minus_two, far, simd.sub_f32s(e, c)),
        ]
    }

    #[inline(always)]
    fn weights_back<S: Simd>(simd: S, [a, b, c, d, e]: [S::f32s; 5]) -> [S::f32s; 2] {
        let (half, sixth) = (simd.splat_f32s(0.5), simd.splat_f32s(1.0 / 6.0));
        let first = simd.mul_f32s(simd.sub_f32s(a, b), half);
        let second = simd.mul_add_e_f32s(b, simd.splat_f32s(-0.5), e);
        let twice = simd.mul_add_e_f32s(d, simd.splat_f32s(2.0), c);
        [simd.mul_add_e_f32s(simd.sub_f32s(d, c), sixth, first), simd.mul_add_e_f32s(twice, sixth, second)]
    }

    #[inline(always)]
    fn output_back<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 5] {
        let (even, odd) = (simd.add_f32s(a, c), simd.add_f32s(b, d));
        let (two, four, eight) = (simd.splat_f32s(2.0), simd.splat_f32s(4.0), simd.splat_f32s(8.0));
        let low = simd.mul_add_e_f32s(b, two, a);
        [
            a,
            simd.add_f32s(even, odd),
            simd.sub_f32s(even, odd),
            simd.mul_add_e_f32s(d, eight, simd.mul_add_e_f32s(c, four, low)),
            d,
        ]
    }
}

impl Minimal<5, 4> for Four {
    #[inline(always)]
    fn input_back<S: Simd>(simd: S, [v, w, x, y, z]: [S::f32s; 5]) -> [S::f32s; 5] {
        let (two, minus_two) = (simd.splat_f32s(2.0), simd.splat_f32s(-2.0));
        let odd = simd.sub_f32s(simd.add_f32s(x, z), w);
        let all = simd.add_f32s(simd.add_f32s(v, y), simd.add_f32s(w, x));
        let even = simd.add_f32s(simd.add_f32s(w, x), z);
        [
            simd.mul_f32s(two, v),
            simd.mul_add_e_f32s(two, odd, simd.neg_f32s(simd.add_f32s(v, y))),
            simd.mul_add_e_f32s(minus_two, simd.add_f32s(v, x), simd.neg_f32s(even)),
            simd.mul_add_e_f32s(minus_two, z, all),
            z,
        ]
    }

    #[inline(always)]
    fn weights<S: Simd>(simd: S, [g, h]: [S::f32s; 2]) -> [S::f32s; 5] {
        let (half, sixth) = (simd.splat_f32s(0.5), simd.splat_f32s(1.0 / 6.0));
        [
            simd.mul_f32s(g, half),
            simd.mul_f32s(simd.add_f32s(g, h), simd.splat_f32s(-0.5)),
            simd.mul_f32s(simd.sub_f32s(h, g), sixth),
            simd.mul_f32s(simd.mul_add_e_f32s(h, simd.splat_f32s(2.0), g), sixth),
            h,
        ]
    }

    #[inline(always)]
    fn output<S: Simd>(simd: S, [m, n, o, p, q]: [S::f32s; 5]) -> [S::f32s; 4] {
        let (even, odd) = (simd.add_f32s(n, o), simd.sub_f32s(n, o));
        [
            simd.add_f32s(simd.add_f32s(m, even), p),
            simd.mul_add_e_f32s(p, simd.splat_f32s(2.0), odd),
            simd.mul_add_e_f32s(p, simd.splat_f32s(4.0), even),
            simd.mul_add_e_f32s(p, simd.splat_f32s(8.0), simd.add_f32s(odd, q)),
        ]
    }
}

/// F(2, 2) at the points 0, 1 and infinity.
pub struct Two;

impl Slopes<3, 2, 2> for Two {
    #[inline(always)]
    fn input<S: Simd>(simd: S, [a, b, c]: [S::f32s; 3]) -> [S::f32s; 3] {
        [simd.sub_f32s(a, b), b, simd.sub_f32s(c, b)]
    }

    #[inline(always)]
    fn weights_back<S: Simd>(simd: S, [a, b, c]: [S::f32s; 3]) -> [S::f32s; 2] {
        [simd.add_f32s(a, b), simd.add_f32s(b, c)]
    }

    #[inline(always)]
    fn output_back<S: Simd>(simd: S, [a, b]: [S::f32s; 2]) -> [S::f32s; 3] {
        [a, simd.add_f32s(a, b), b]
    }
}

impl Minimal<3, 2> for Two {
    #[inline(always)]
    fn input_back<S: Simd>(simd: S, [v, w, x]: [S::f32s; 3]) -> [S::f32s; 3] {
        [v, simd.sub_f32s(w, simd.add_f32s(v, x)), x]
    }

    #[inline(always)]
    fn weights<S: Simd>(simd: S, [g, h]: [S::f32s; 2]) -> [S::f32s; 3] {
        [g, simd.add_f32s(g, h), h]
    }

    #[inline(always)]
    fn output<S: Simd>(simd: S, [m, n, o]: [S::f32s; 3]) -> [S::f32s; 2] {
        [simd.add_f32s(m, n), simd.add_f32s(n, o)]
    }
}

/// F(4, 3) at the points 0, 1, -1, 2, -2 and infinity, as `winograd` has it.
pub struct Three;

impl Slopes<6, 4, 3> for Three {
    #[inline(always)]
    fn input<S: Simd>(simd: S, d: [S::f32s; 6]) -> [S::f32s; 6] {
        super::winograd::spread(simd, d)
    }

    #[inline(always)]
    fn weights_back<S: Simd>(simd: S, [a, b, c, d, e, f]: [S::f32s; 6]) -> [S::f32s; 3] {
        let sixth = simd.splat_f32s(1.0 / 6.0);
        let (near, far) = (simd.add_f32s(b, c), simd.add_f32s(d, e));
        let (near_odd, far_odd) = (simd.sub_f32s(c, b), simd.sub_f32s(d, e));
        let first = simd.mul_f32s(simd.mul_add_e_f32s(far, sixth, a), simd.splat_f32s(0.25));
        [
            simd.mul_add_e_f32s(near, simd.splat_f32s(-1.0 / 6.0), first),
            simd.mul_f32s(simd.mul_add_e_f32s(far_odd, simd.splat_f32s(0.5), near_odd), sixth),
            simd.mul_add_e_f32s(simd.sub_f32s(far, near), sixth, f),
        ]
    }

    #[inline(always)]
    fn output_back<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 6] {
        let (even, odd) = (simd.add_f32s(a, c), simd.add_f32s(b, d));
        let (two, four, eight) = (simd.splat_f32s(2.0), simd.splat_f32s(4.0), simd.splat_f32s(8.0));
        let far = simd.mul_add_e_f32s(c, four, a);
        let far_odd = simd.mul_add_e_f32s(d, eight, simd.mul_f32s(b, two));
        [
            a,
            simd.add_f32s(even, odd),
            simd.sub_f32s(even, odd),
            simd.add_f32s(far, far_odd),
            simd.sub_f32s(far, far_odd),
            d,
        ]
    }
}

/// A linear step in both directions: rows of what `$take` gives, then columns of those, each value to `$put`. A macro,
/// because a closure is not sure to be compiled for the instruction set of its caller.
macro_rules! both_ways {
    ($S:ty, $simd:expr, $half:expr, $from:expr => $to:expr, $step:expr, |$r:ident, $c:ident| $take:expr, |$i:ident, $j:ident, $v:ident| $put:expr) => {
        for $r in 0..$from {
            let mut line = [$simd.splat_f32s(0.0); $from];
            for ($c, value) in line.iter_mut().enumerate() {
                *value = $take;
            }
            for (column, value) in $step($simd, line).into_iter().enumerate() {
                store::<$S>(&mut $half[($r * MOST + column) * LANES..], value);
            }
        }
        for $j in 0..$to {
            let mut line = [$simd.splat_f32s(0.0); $from];
            for (row, value) in line.iter_mut().enumerate() {
                *value = load::<$S>(&$half[(row * MOST + $j) * LANES..]);
            }
            for ($i, $v) in $step($simd, line).into_iter().enumerate() {
                $put;
            }
        }
    };
}
pub(super) use both_ways;

/// Blocks whose tiles meet in one product.
#[derive(Clone, Copy)]
pub struct Group {
    pub first: usize,
    pub end: usize,
    /// Lanes of the tiles of a block.
    pub per_block: usize,
}

impl Group {
    pub fn lanes(self) -> usize {
        (self.end - self.first) * self.per_block
    }

    /// Groups of about `lanes` lanes of tiles of `out` by `out` results of a map, whatever the number of threads.
    pub fn all(
        blocks: usize,
        [height, width]: [usize; 2],
        out: usize,
        lanes: usize,
    ) -> impl Iterator<Item = Group> {
        let per_block = height.div_ceil(out) * width.div_ceil(out) * LANES;
        let step = (lanes / per_block).max(1);
        (0..blocks).step_by(step).map(move |first| Group {
            first,
            end: (first + step).min(blocks),
            per_block,
        })
    }
}

/// Every `step`th row of `columns` values, from row `first` on.
pub fn rows_of(values: &[f32], first: usize, rows: usize, columns: usize, step: usize) -> MatRef<'_, f32> {
    let stride = step * columns;
    let values = &values[first * columns..][..rows.saturating_sub(1) * stride + columns];
    MatRef::from_row_major_slice_with_stride(values, rows, columns, stride)
}

pub fn product(out: MatMut<'_, f32>, add: Accum, left: MatRef<'_, f32>, right: MatRef<'_, f32>) {
    matmul(out, add, left, right, 1.0, Par::Seq);
}

/// Tiles of the side that a result has, `[channels, height, columns]` of each block, at each point:
/// `[channels, points, blocks of the group, tiles, 16]`. What a tile has beyond the map is zero.
pub fn spread_result<T: Slopes<IN, OUT, TAPS>, const IN: usize, const OUT: usize, const TAPS: usize>(
    values: &[f32],
    map: [usize; 3],
    group: Group,
) -> Buffer {
    let of_channel = IN * IN * group.lanes();
    let mut out = Buffer::dirty(map[0] * of_channel);
    out.par_chunks_mut(of_channel).enumerate().for_each(|(channel, out)| {
        dispatch(SpreadResult::<T, IN, OUT, TAPS> { map, group, values, channel, out, way: PhantomData });
    });
    out
}

struct SpreadResult<'a, T, const IN: usize, const OUT: usize, const TAPS: usize> {
    map: [usize; 3],
    group: Group,
    values: &'a [f32],
    channel: usize,
    /// Point, block of the group, tile, lane.
    out: &'a mut [f32],
    way: PhantomData<T>,
}

impl<T: Slopes<IN, OUT, TAPS>, const IN: usize, const OUT: usize, const TAPS: usize> WithSimd
    for SpreadResult<'_, T, IN, OUT, TAPS>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let [channels, height, width] = self.map;
        let plane = height * width * LANES;
        let lanes = self.group.lanes();
        let mut half = BLANK;
        let mut to = 0;
        for block in self.group.first..self.group.end {
            let values = &self.values[(block * channels + self.channel) * plane..][..plane];
            for top in (0..height).step_by(OUT) {
                for left in (0..width).step_by(OUT) {
                    for part in (0..LANES).step_by(S::F32_LANES) {
                        both_ways!(
                            S,
                            simd,
                            half,
                            OUT => IN,
                            T::output_back,
                            |row, column| if top + row < height && left + column < width {
                                load::<S>(&values[((top + row) * width + left + column) * LANES + part..])
                            } else {
                                simd.splat_f32s(0.0)
                            },
                            |i, j, value| store::<S>(&mut self.out[(i * IN + j) * lanes + to + part..], value)
                        );
                    }
                    to += LANES;
                }
            }
        }
    }
}

/// Adds one group's part to the gradient at each point, `[points, rows, columns]` with rows of `depth` values: the
/// result's points times the input's, of `columns` rows each.
pub fn add_products(
    sums: &mut [f32],
    [points, rows, columns, depth]: [usize; 4],
    of_result: &[f32],
    of_input: &[f32],
    group: Group,
) {
    let lanes = group.lanes();
    let add = if group.first == 0 { Accum::Replace } else { Accum::Add };
    sums.par_chunks_mut(rows * depth).enumerate().for_each(|(point, sums)| {
        let of_input = rows_of(of_input, point, columns, lanes, points).transpose();
        sums.par_chunks_mut(ROWS * depth).enumerate().for_each(|(part, sums)| {
            let (first, rows) = (part * ROWS, sums.len() / depth);
            product(
                // faer 0.24's own view of rows with a stride takes them for columns.
                MatMut::from_column_major_slice_with_stride_mut(sums, columns, rows, depth).transpose_mut(),
                add,
                rows_of(of_result, first * points + point, rows, lanes, points),
                of_input,
            );
        });
    });
}

/// The gradient to the weights of each row's channel out of sums at each point: `[rows, inputs, side, side]`. The
/// kernel's every `step`th row and column belong to a phase; sums are `[points, rows, step * step, inputs]`, each phase
/// padded to whole blocks of 16 inputs.
pub fn gather_weights<T: Slopes<IN, OUT, TAPS>, const IN: usize, const OUT: usize, const TAPS: usize>(
    sums: &[f32],
    [rows, inputs, step]: [usize; 3],
) -> Buffer {
    let depth = step * step * inputs.next_multiple_of(LANES);
    let per_row = inputs * (TAPS * step) * (TAPS * step);
    let mut out = Buffer::dirty(rows * per_row);
    out.par_chunks_mut(per_row).enumerate().for_each(|(row, out)| {
        let (sums, stride) = (&sums[row * depth..], rows * depth);
        dispatch(GatherWeights::<T, IN, OUT, TAPS> { inputs, step, sums, stride, out, way: PhantomData });
    });
    out
}

struct GatherWeights<'a, T, const IN: usize, const OUT: usize, const TAPS: usize> {
    inputs: usize,
    step: usize,
    /// Phase, input; `stride` values from one point to the next.
    sums: &'a [f32],
    stride: usize,
    /// Input, row, column.
    out: &'a mut [f32],
    way: PhantomData<T>,
}

impl<T: Slopes<IN, OUT, TAPS>, const IN: usize, const OUT: usize, const TAPS: usize> WithSimd
    for GatherWeights<'_, T, IN, OUT, TAPS>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (step, side) = (self.step, self.step * TAPS);
        let area = side * side;
        let per_phase = self.inputs.next_multiple_of(LANES);
        let mut half = BLANK;
        let mut turned = [0.0; AREA * LANES];
        for first in (0..self.inputs).step_by(LANES) {
            for phase in 0..step * step {
                let corner = phase / step * side + phase % step;
                for part in (0..LANES).step_by(S::F32_LANES) {
                    let from = phase * per_phase + first + part;
                    both_ways!(
                        S,
                        simd,
                        half,
                        IN => TAPS,
                        T::weights_back,
                        |row, column| load::<S>(&self.sums[(row * IN + column) * self.stride + from..]),
                        |i, j, value| store::<S>(
                            &mut turned[(corner + (i * side + j) * step) * LANES + part..],
                            value
                        )
                    );
                }
            }
            for (lane, weights) in self.out[first * area..].chunks_exact_mut(area).take(LANES).enumerate() {
                for (at, weight) in weights.iter_mut().enumerate() {
                    *weight = turned[at * LANES + lane];
                }
            }
        }
    }
}
