//! 4x4 convolutions with stride 2 and a border of one, which halve a map, and their transposes, which double one, in
//! less than half of the multiplications: Winograd's minimal filtering F(4, 2) or F(2, 2) in each direction (Lavin and
//! Gray, CVPR 2016).
//!
//! Even and odd rows and columns of the bordered large map are four phases. In each the kernel has 2x2 weights and
//! stride 1, and one tile of sums serves all four. A tile of 5x5 pixels (3x3) becomes 25 points (9); at each point small
//! channels, large channels in their phases, and tiles of all images meet in one matrix product. Both gradients are
//! the transposes of the same three steps, so that they cost what the way forward costs.

use std::marker::PhantomData;

use faer::{Accum, MatMut};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::buffers::Buffer;
use super::conv::{Finish, finish_plane};
use super::minimal::{
    BLANK, Four, Group, MOST, Minimal, ROWS, Two, add_products, both_ways, gather_weights, product, rows_of,
    spread_result,
};
use super::shape::{Border, ConvShape, Layout};
use super::simd::{LANES, dispatch, load, store};

/// Even and odd rows times even and odd columns.
const PHASES: usize = 4;
/// Weights of a small and a large channel.
const AREA: usize = 16;
/// Lanes of tiles that meet in one product: with 256 channels the values of a point fit in a second-level cache.
const LANES_AT_ONCE: usize = 512;
/// Blocks times positions from which the transform of the weights is worth it.
const LEAST_POSITIONS: usize = 32;

/// A pair of maps, one half as wide and high as the other.
#[derive(Clone, Copy, Debug)]
pub struct Halving {
    blocks: usize,
    /// Channels of the large map.
    large: usize,
    /// Channels of the small map.
    small: usize,
    /// Rows of the small map.
    height: usize,
    /// Columns of the small map.
    width: usize,
    /// True for F(4, 2), false for F(2, 2).
    by_four: bool,
}

impl Halving {
    /// The way from or to a map of half the side, where this is one and worth its transforms. `input` and `output` are
    /// `[channels, height, columns]` of the convolution or transposed convolution that `shape` is.
    pub fn of(shape: ConvShape, layout: Layout, input: [usize; 3], output: [usize; 3]) -> Option<Self> {
        let (large, small) = if shape.transposed { (output, input) } else { (input, output) };
        let fits = (shape.kernel, shape.stride, shape.padding, shape.output_padding) == (4, 2, 1, 0)
            && (shape.transposed || shape.border == Border::Zero)
            && layout.strips == 1
            && large[1..] == [2 * small[1], 2 * small[2]]
            && large[0].is_multiple_of(LANES)
            && small[0] >= LANES;
        let [_, height, width] = small;
        let blocks = layout.blocks();
        let cost = |out: usize| height.div_ceil(out) * width.div_ceil(out) * (out + 1) * (out + 1) * PHASES;
        let least = cost(4).min(cost(2));
        let pays = least * 3 <= height * width * AREA * 2 && blocks * height * width >= LEAST_POSITIONS;
        (fits && pays).then_some(Halving {
            blocks,
            large: large[0],
            small: small[0],
            height,
            width,
            by_four: cost(4) <= cost(2),
        })
    }

    /// From the large map to the small one: `[blocks, small, height, width, 16]`. `weight` is `[small, large, 4, 4]`.
    pub fn halve(self, large: &[f32], weight: &[f32], finish: Finish<'_>) -> Buffer {
        if self.by_four {
            self.halve_by::<Four, 5, 4>(large, weight, finish)
        } else {
            self.halve_by::<Two, 3, 2>(large, weight, finish)
        }
    }

    /// From the small map to the large one: `[blocks, large, 2 * height, 2 * width, 16]`. `weight` is
    /// `[small, large, 4, 4]`.
    pub fn double(self, small: &[f32], weight: &[f32], finish: Finish<'_>) -> Buffer {
        if self.by_four {
            self.double_by::<Four, 5, 4>(small, weight, finish)
        } else {
            self.double_by::<Two, 3, 2>(small, weight, finish)
        }
    }

    /// Gradient to the weights, `[small, large, 4, 4]`, from both maps: one of them a gradient.
    pub fn weight_gradient(self, large: &[f32], small: &[f32]) -> Buffer {
        if self.by_four {
            self.weight_gradient_by::<Four, 5, 4>(large, small)
        } else {
            self.weight_gradient_by::<Two, 3, 2>(large, small)
        }
    }

    fn halve_by<T: Minimal<IN, OUT>, const IN: usize, const OUT: usize>(
        self,
        large: &[f32],
        weight: &[f32],
        finish: Finish<'_>,
    ) -> Buffer {
        let (points, depth) = (IN * IN, PHASES * self.large);
        let weights = self.spread_weights::<T, IN, OUT>(weight);
        let plane = self.height * self.width * LANES;
        let mut out = Buffer::dirty(self.blocks * self.small * plane);
        for group in self.groups::<OUT>() {
            let lanes = group.lanes();
            let values = self.spread_large::<T, IN, OUT>(large, group);
            let mut sums = Buffer::dirty(points * self.small * lanes);
            sums.par_chunks_mut(self.small * lanes).enumerate().for_each(|(point, sums)| {
                sums.par_chunks_mut(ROWS * lanes).enumerate().for_each(|(part, sums)| {
                    let (first, rows) = (part * ROWS, sums.len() / lanes);
                    product(
                        MatMut::from_row_major_slice_mut(sums, rows, lanes),
                        Accum::Replace,
                        rows_of(&weights, first * points + point, rows, depth, points),
                        rows_of(&values, point, depth, lanes, points),
                    );
                });
            });
            let here = group.first * self.small * plane..group.end * self.small * plane;
            out[here.clone()].par_chunks_mut(plane).enumerate().for_each(|(index, out)| {
                let (block, channel) = (index / self.small, index % self.small);
                let finish = Finish {
                    bias: finish.bias.map(|bias| &bias[channel..=channel]),
                    residual: finish.residual.map(|all| &all[here.start + index * plane..][..plane]),
                    ..finish
                };
                let sums = &sums[channel * lanes + block * group.per_block..];
                dispatch(Halved::<T, IN, OUT> {
                    of: self,
                    sums,
                    stride: self.small * lanes,
                    finish,
                    out,
                    way: PhantomData,
                });
            });
        }
        out
    }

    fn double_by<T: Minimal<IN, OUT>, const IN: usize, const OUT: usize>(
        self,
        small: &[f32],
        weight: &[f32],
        finish: Finish<'_>,
    ) -> Buffer {
        let (points, depth) = (IN * IN, PHASES * self.large);
        let weights = self.spread_weights::<T, IN, OUT>(weight);
        let plane = 4 * self.height * self.width * LANES;
        let mut out = Buffer::dirty(self.blocks * self.large * plane);
        for group in self.groups::<OUT>() {
            let lanes = group.lanes();
            let values = self.spread_small::<T, IN, OUT>(small, group);
            let mut products = Buffer::dirty(points * depth * lanes);
            products.par_chunks_mut(depth * lanes).enumerate().for_each(|(point, products)| {
                let weights = rows_of(&weights, point, self.small, depth, points);
                let values = rows_of(&values, point, self.small, lanes, points);
                products.par_chunks_mut(ROWS * lanes).enumerate().for_each(|(part, products)| {
                    let (first, rows) = (part * ROWS, products.len() / lanes);
                    product(
                        MatMut::from_row_major_slice_mut(products, rows, lanes),
                        Accum::Replace,
                        weights.subcols(first, rows).transpose(),
                        values,
                    );
                });
            });
            let here = group.first * self.large * plane..group.end * self.large * plane;
            out[here.clone()].par_chunks_mut(plane).enumerate().for_each(|(index, out)| {
                let (block, channel) = (index / self.large, index % self.large);
                let finish = Finish {
                    bias: finish.bias.map(|bias| &bias[channel..=channel]),
                    residual: finish.residual.map(|all| &all[here.start + index * plane..][..plane]),
                    ..finish
                };
                dispatch(Doubled::<T, IN, OUT> {
                    of: self,
                    products: &products[channel * lanes + block * group.per_block..],
                    phase: self.large * lanes,
                    stride: depth * lanes,
                    finish,
                    out,
                    way: PhantomData,
                });
            });
        }
        out
    }

    fn weight_gradient_by<T: Minimal<IN, OUT>, const IN: usize, const OUT: usize>(
        self,
        large: &[f32],
        small: &[f32],
    ) -> Buffer {
        let (points, depth) = (IN * IN, PHASES * self.large);
        let mut sums = Buffer::dirty(points * self.small * depth);
        for group in self.groups::<OUT>() {
            let of_large = self.spread_large::<T, IN, OUT>(large, group);
            let of_small = self.spread_small::<T, IN, OUT>(small, group);
            add_products(&mut sums, [points, self.small, depth, depth], &of_small, &of_large, group);
        }
        gather_weights::<T, IN, OUT, 2>(&sums, [self.small, self.large, 2])
    }

    fn groups<const OUT: usize>(self) -> impl Iterator<Item = Group> {
        Group::all(self.blocks, [self.height, self.width], OUT, LANES_AT_ONCE)
    }

    /// Weights at each point: `[small, points, phases, large]`.
    fn spread_weights<T: Minimal<IN, OUT>, const IN: usize, const OUT: usize>(
        self,
        weight: &[f32],
    ) -> Buffer {
        let mut out = Buffer::dirty(self.small * IN * IN * PHASES * self.large);
        let of_channel = IN * IN * PHASES * self.large;
        out.par_chunks_mut(of_channel).zip(weight.par_chunks(self.large * AREA)).for_each(|(out, weight)| {
            dispatch(SpreadWeights::<T, IN, OUT> { large: self.large, weight, out, way: PhantomData });
        });
        out
    }

    /// Tiles of the large map at each point: `[phases, large, points, blocks of the group, tiles, 16]`.
    fn spread_large<T: Minimal<IN, OUT>, const IN: usize, const OUT: usize>(
        self,
        large: &[f32],
        group: Group,
    ) -> Buffer {
        let of_channel = IN * IN * group.lanes();
        let mut out = Buffer::dirty(PHASES * self.large * of_channel);
        out.par_chunks_mut(of_channel).enumerate().for_each(|(index, out)| {
            let (phase, channel) = (index / self.large, index % self.large);
            dispatch(SpreadLarge::<T, IN, OUT> {
                of: self,
                group,
                values: large,
                phase,
                channel,
                out,
                way: PhantomData,
            });
        });
        out
    }

    fn spread_small<T: Minimal<IN, OUT>, const IN: usize, const OUT: usize>(
        self,
        small: &[f32],
        group: Group,
    ) -> Buffer {
        spread_result::<T, IN, OUT, 2>(small, [self.small, self.height, self.width], group)
    }
}

struct SpreadWeights<'a, T, const IN: usize, const OUT: usize> {
    large: usize,
    /// Of one small channel: large channel, row, column.
    weight: &'a [f32],
    /// Point, phase, large channel.
    out: &'a mut [f32],
    way: PhantomData<T>,
}

impl<T: Minimal<IN, OUT>, const IN: usize, const OUT: usize> WithSimd for SpreadWeights<'_, T, IN, OUT> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let mut half = BLANK;
        let mut turned = [0.0; AREA * LANES];
        for first in (0..self.large).step_by(LANES) {
            for (lane, weights) in self.weight[first * AREA..].chunks_exact(AREA).take(LANES).enumerate() {
                for (at, weight) in weights.iter().enumerate() {
                    turned[at * LANES + lane] = *weight;
                }
            }
            for phase in 0..PHASES {
                let corner = phase / 2 * 4 + phase % 2;
                for part in (0..LANES).step_by(S::F32_LANES) {
                    let to = phase * self.large + first + part;
                    both_ways!(
                        S,
                        simd,
                        half,
                        2 => IN,
                        T::weights,
                        |row, column| load::<S>(&turned[(corner + row * 8 + column * 2) * LANES + part..]),
                        |i, j, value| store::<S>(
                            &mut self.out[(i * IN + j) * PHASES * self.large + to..],
                            value
                        )
                    );
                }
            }
        }
    }
}

/// The row or column of the large map that stands at `index` of a phase, 0 for even places of the bordered map and 1
/// for odd ones; none in the border and beyond the far side.
#[inline(always)]
fn place(index: usize, phase: usize, side: usize) -> Option<usize> {
    (2 * index + phase).checked_sub(1).filter(|&place| place < side)
}

struct SpreadLarge<'a, T, const IN: usize, const OUT: usize> {
    of: Halving,
    group: Group,
    values: &'a [f32],
    phase: usize,
    channel: usize,
    /// Point, block of the group, tile, lane.
    out: &'a mut [f32],
    way: PhantomData<T>,
}

impl<T: Minimal<IN, OUT>, const IN: usize, const OUT: usize> WithSimd for SpreadLarge<'_, T, IN, OUT> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (tall, wide) = (2 * self.of.height, 2 * self.of.width);
        let plane = tall * wide * LANES;
        let lanes = self.group.lanes();
        let mut half = BLANK;
        let mut to = 0;
        for block in self.group.first..self.group.end {
            let values = &self.values[(block * self.of.large + self.channel) * plane..][..plane];
            for top in (0..self.of.height).step_by(OUT) {
                for left in (0..self.of.width).step_by(OUT) {
                    let (mut rows, mut columns) = ([None; IN], [None; IN]);
                    for index in 0..IN {
                        rows[index] = place(top + index, self.phase / 2, tall).map(|row| row * wide * LANES);
                        columns[index] =
                            place(left + index, self.phase % 2, wide).map(|column| column * LANES);
                    }
                    for part in (0..LANES).step_by(S::F32_LANES) {
                        both_ways!(
                            S,
                            simd,
                            half,
                            IN => IN,
                            T::input,
                            |row, column| match (rows[row], columns[column]) {
                                (Some(row), Some(column)) => load::<S>(&values[row + column + part..]),
                                _ => simd.splat_f32s(0.0),
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

struct Halved<'a, T, const IN: usize, const OUT: usize> {
    of: Halving,
    /// Of one channel and block: tile, lane; `stride` values from one point to the next.
    sums: &'a [f32],
    stride: usize,
    finish: Finish<'a>,
    out: &'a mut [f32],
    way: PhantomData<T>,
}

impl<T: Minimal<IN, OUT>, const IN: usize, const OUT: usize> WithSimd for Halved<'_, T, IN, OUT> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Halving { height, width, .. } = self.of;
        let mut half = BLANK;
        let mut from = 0;
        for top in (0..height).step_by(OUT) {
            for left in (0..width).step_by(OUT) {
                for part in (0..LANES).step_by(S::F32_LANES) {
                    both_ways!(
                        S,
                        simd,
                        half,
                        IN => OUT,
                        T::output,
                        |row, column| load::<S>(&self.sums[(row * IN + column) * self.stride + from + part..]),
                        |i, j, value| if top + i < height && left + j < width {
                            let at = ((top + i) * width + left + j) * LANES + part;
                            store::<S>(&mut self.out[at..], value);
                        }
                    );
                }
                from += LANES;
            }
        }
        finish_plane(simd, self.finish, self.out);
    }
}

struct Doubled<'a, T, const IN: usize, const OUT: usize> {
    of: Halving,
    /// Of one channel and block: tile, lane; `stride` values from one point to the next, `phase` from one phase to the
    /// next.
    products: &'a [f32],
    phase: usize,
    stride: usize,
    finish: Finish<'a>,
    out: &'a mut [f32],
    way: PhantomData<T>,
}

impl<T: Minimal<IN, OUT>, const IN: usize, const OUT: usize> WithSimd for Doubled<'_, T, IN, OUT> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (tall, wide) = (2 * self.of.height, 2 * self.of.width);
        let mut half = BLANK;
        // Neighbouring tiles of a phase share a row or a column.
        self.out.fill(0.0);
        for phase in 0..PHASES {
            let mut from = phase * self.phase;
            for top in (0..self.of.height).step_by(OUT) {
                for left in (0..self.of.width).step_by(OUT) {
                    let (mut rows, mut columns) = ([None; IN], [None; IN]);
                    for index in 0..IN {
                        rows[index] = place(top + index, phase / 2, tall).map(|row| row * wide * LANES);
                        columns[index] = place(left + index, phase % 2, wide).map(|column| column * LANES);
                    }
                    for part in (0..LANES).step_by(S::F32_LANES) {
                        both_ways!(
                            S,
                            simd,
                            half,
                            IN => IN,
                            T::input_back,
                            |row, column| load::<S>(
                                &self.products[(row * IN + column) * self.stride + from + part..]
                            ),
                            |i, j, value| if let (Some(row), Some(column)) = (rows[i], columns[j]) {
                                let out = &mut self.out[row + column + part..];
                                let sum = simd.add_f32s(load::<S>(out), value);
                                store::<S>(out, sum);
                            }
                        );
                    }
                    from += LANES;
                }
            }
        }
        finish_plane(simd, self.finish, self.out);
    }
}
