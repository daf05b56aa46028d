//! 3x3 convolutions with stride 1 in a quarter of the multiplications: Winograd's minimal filtering F(4x4, 3x3)
//! (Lavin and Gray, CVPR 2016).
//!
//! Tiles of 6x6 input pixels become 36 values each, so do the weights; products of these are summed over the input
//! channels, and 36 sums become 4x4 output pixels. In blocks of 16 images every transform is arithmetic on whole
//! vectors. Rounding grows a little: results agree with the direct sum to about 1e-5 of the largest.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::activation::Activation;
use super::buffers::Buffer;
use super::conv::{Finish, NEAR_VALUES, Through, accumulate, has_many_registers, neighbours, pad};
use super::shape::{Gather, TILE};
use super::simd::{LANES, dispatch, load, store};

/// Output pixels of a tile in one direction.
const OUT: usize = 4;
/// Input pixels of a tile in one direction.
const IN: usize = 6;
/// Values of a tile.
const POINTS: usize = IN * IN;
/// Transformed input that a task holds at a time: a third of a second-level cache of 1 MiB.
const HELD_VALUES: usize = 80 * 1024;
/// Room after the values of one point, so that the 36 points of a tile do not fall into one set of the cache.
const GAP: usize = LANES;

/// True where this way is worth its transforms.
pub fn is_worth_it(gather: &Gather) -> bool {
    let [_, height, width] = gather.output;
    let ([phase], 1, 1) = (gather.phases.as_slice(), gather.step, gather.spread) else { return false };
    let square = phase.taps.len() == 9 && phase.taps.iter().all(|tap| tap.row < 3 && tap.column < 3);
    let tiles = height.div_ceil(OUT) * width.div_ceil(OUT);
    square && gather.input[0] >= 8 && gather.output[0] >= 8 && tiles * POINTS * 2 <= height * width * 9
}

/// Weights of each tile of [`TILE`] output channels: point, input channel, channel in the tile.
pub struct Transformed {
    values: Buffer,
    inputs: usize,
}

impl Transformed {
    /// As `Packed::new`.
    pub fn new(weight: &[f32], gather: &Gather, input_first: bool) -> Self {
        let (inputs, outputs) = (gather.input[0], gather.output[0]);
        let tile = POINTS * inputs * TILE;
        let mut order = [0; 9];
        for tap in gather.phases.iter().flat_map(|phase| &phase.taps) {
            order[tap.row * 3 + tap.column] = tap.weight;
        }
        let mut values = Buffer::dirty(outputs.div_ceil(TILE) * tile);
        values.par_chunks_mut(tile).enumerate().for_each(|(index, out)| {
            dispatch(Weights { weight, inputs, outputs, input_first, order, first: index * TILE, out });
        });
        Transformed { values, inputs }
    }

    /// Of one tile of output channels at one point.
    #[inline(always)]
    fn point(&self, tile: usize, point: usize) -> &[f32] {
        let len = self.inputs * TILE;
        &self.values[(tile * POINTS + point) * len..][..len]
    }
}

struct Weights<'a> {
    weight: &'a [f32],
    inputs: usize,
    outputs: usize,
    input_first: bool,
    order: [usize; 9],
    first: usize,
    out: &'a mut [f32],
}

type Tile8 = [f32; TILE];

/// One direction of the weights' transform, 3 values to 6.
#[inline(always)]
fn widen(g: [Tile8; 3]) -> [Tile8; IN] {
    let mut out = [[0.0; TILE]; IN];
    for lane in 0..TILE {
        let [a, b, c] = [g[0][lane], g[1][lane], g[2][lane]];
        let (even, odd) = (a + c, b);
        let (far, near) = (a / 24.0 + c / 6.0, b / 12.0);
        out[0][lane] = a / 4.0;
        out[1][lane] = -(even + odd) / 6.0;
        out[2][lane] = -(even - odd) / 6.0;
        out[3][lane] = far + near;
        out[4][lane] = far - near;
        out[5][lane] = c;
    }
    out
}

impl WithSimd for Weights<'_> {
    type Output = ();

    // Plain loops over eight channels: the compiler makes vectors of them once it knows the instruction set.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for input in 0..self.inputs {
            let mut g = [[[0.0; TILE]; 3]; 3];
            for (tap, &at) in self.order.iter().enumerate() {
                for (lane, g) in g[tap / 3][tap % 3].iter_mut().enumerate().take(self.outputs - self.first) {
                    let output = self.first + lane;
                    let row = if self.input_first {
                        input * self.outputs + output
                    } else {
                        output * self.inputs + input
                    };
                    *g = self.weight[row * 9 + at];
                }
            }
            // Columns first: wide[j][i] is row i of the transformed column j.
            let wide = [0, 1, 2].map(|column| widen([g[0][column], g[1][column], g[2][column]]));
            let [left, middle, right] = wide;
            for (row, ((left, middle), right)) in left.into_iter().zip(middle).zip(right).enumerate() {
                let values = widen([left, middle, right]);
                for (column, value) in values.iter().enumerate() {
                    let at = ((row * IN + column) * self.inputs + input) * TILE;
                    self.out[at..at + TILE].copy_from_slice(value);
                }
            }
        }
    }
}

/// One direction of the input's transform.
#[inline(always)]
fn spread<S: Simd>(simd: S, d: [S::f32s; IN]) -> [S::f32s; IN] {
    let four = simd.splat_f32s(-4.0);
    let five = simd.splat_f32s(-5.0);
    let two = simd.splat_f32s(2.0);
    let even = simd.mul_add_e_f32s(d[2], four, d[4]);
    let odd = simd.mul_add_e_f32s(d[1], four, d[3]);
    let near = simd.sub_f32s(d[4], d[2]);
    let far = simd.mul_f32s(simd.sub_f32s(d[3], d[1]), two);
    let plus = simd.splat_f32s(4.0);
    [
        simd.mul_add_e_f32s(d[0], plus, simd.mul_add_e_f32s(d[2], five, d[4])),
        simd.add_f32s(even, odd),
        simd.sub_f32s(even, odd),
        simd.add_f32s(near, far),
        simd.sub_f32s(near, far),
        simd.mul_add_e_f32s(d[1], plus, simd.mul_add_e_f32s(d[3], five, d[5])),
    ]
}

/// One direction of the output's transform.
#[inline(always)]
fn gather_in<S: Simd>(simd: S, m: [S::f32s; IN]) -> [S::f32s; OUT] {
    let (near, near_odd) = (simd.add_f32s(m[1], m[2]), simd.sub_f32s(m[1], m[2]));
    let (far, far_odd) = (simd.add_f32s(m[3], m[4]), simd.sub_f32s(m[3], m[4]));
    [
        simd.add_f32s(simd.add_f32s(m[0], near), far),
        simd.mul_add_e_f32s(far_odd, simd.splat_f32s(2.0), near_odd),
        simd.mul_add_e_f32s(far, simd.splat_f32s(4.0), near),
        simd.add_f32s(simd.mul_add_e_f32s(far_odd, simd.splat_f32s(8.0), near_odd), m[5]),
    ]
}

/// Scratch memory of a thread.
#[derive(Default)]
pub struct Scratch {
    padded: Vec<f32>,
    input: Vec<f32>,
    sums: Vec<f32>,
}

/// One block, some tiles of output channels; fields as in `conv::Task`.
pub struct Task<'a> {
    pub gather: &'a Gather,
    pub weights: &'a Transformed,
    pub input: &'a [f32],
    pub through: Option<Through<'a>>,
    pub tiles: std::ops::Range<usize>,
    pub finish: Finish<'a>,
    pub out: &'a mut [f32],
    pub scratch: &'a mut Scratch,
}

impl WithSimd for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if has_many_registers::<S>() { self.run::<S, 8>(simd) } else { self.run::<S, 4>(simd) }
    }
}

impl Task<'_> {
    #[inline(always)]
    fn run<S: Simd, const WIDE: usize>(mut self, simd: S) {
        let channels = self.gather.input[0];
        let [_, height, width] = self.gather.output;
        let (tall, wide) = (height.div_ceil(OUT), width.div_ceil(OUT));
        let window = Gather { padded: [tall * OUT + 2, wide * OUT + 2], ..self.gather.clone() };
        let pitch = window.padded[1] * LANES;
        let band = (HELD_VALUES / (POINTS * channels * wide * LANES)).clamp(1, tall);
        for first in (0..tall).step_by(band) {
            let rows = band.min(tall - first);
            let places = rows * wide;
            let lines = rows * OUT + 2;
            let plane = lines * pitch;
            let point = channels * places * LANES + GAP;
            let sum_point = TILE * places * LANES + GAP;
            grow(&mut self.scratch.input, POINTS * point);
            grow(&mut self.scratch.sums, POINTS * sum_point);
            if self.gather.layout.strips == 1 {
                self.transform_images(simd, first, rows, wide, point);
            } else {
                grow(&mut self.scratch.padded, channels * plane);
                let (input, through) = (self.input, self.through);
                pad(simd, &window, input, through, first * OUT, lines, &mut self.scratch.padded);
                for channel in 0..channels {
                    let padded = &self.scratch.padded[channel * plane..][..plane];
                    for place in 0..places {
                        let corner = place / wide * OUT * pitch + place % wide * OUT * LANES;
                        let to = (channel * places + place) * LANES;
                        for part in (0..LANES).step_by(S::F32_LANES) {
                            let from = &padded[corner + part..];
                            let near = (Some(0), &[None; IN]);
                            let tile = [
                                line::<S>(simd, from, near.0, near.1),
                                line::<S>(simd, &from[pitch..], near.0, near.1),
                                line::<S>(simd, &from[2 * pitch..], near.0, near.1),
                                line::<S>(simd, &from[3 * pitch..], near.0, near.1),
                                line::<S>(simd, &from[4 * pitch..], near.0, near.1),
                                line::<S>(simd, &from[5 * pitch..], near.0, near.1),
                            ];
                            transform(simd, tile, &mut self.scratch.input[to + part..], point);
                        }
                    }
                }
            }
            for tile in self.tiles.clone() {
                for at in 0..POINTS {
                    let weights = self.weights.point(tile, at);
                    let input = &self.scratch.input[at * point..][..point - GAP];
                    let sums = &mut self.scratch.sums[at * sum_point..][..sum_point - GAP];
                    products::<S, WIDE>(simd, input, weights, places, sums);
                }
                self.finish_tile(simd, tile, first, rows, wide, sum_point);
            }
        }
    }

    /// Whole images need no padded copy: a tile knows which of its pixels are there.
    #[inline(always)]
    fn transform_images<S: Simd>(&mut self, simd: S, first: usize, rows: usize, wide: usize, point: usize) {
        let gather = self.gather;
        let [channels, height, width] = gather.input;
        let (places, plane) = (rows * wide, height * width * LANES);
        let tops: Vec<[Option<usize>; IN]> = (first..first + rows)
            .map(|tile| std::array::from_fn(|row| gather.row(tile * OUT + row)))
            .collect();
        let lefts: Vec<[Option<usize>; IN]> = (0..wide)
            .map(|tile| std::array::from_fn(|column| gather.whole_column(tile * OUT + column)))
            .collect();
        for channel in 0..channels {
            let input = &self.input[channel * plane..][..plane];
            let through = self.through.map(|t| (&t.activated[channel * plane..][..plane], t.activation));
            for (tile_row, top) in tops.iter().enumerate() {
                for (tile_column, left) in lefts.iter().enumerate() {
                    // Six neighbours, or one by one.
                    let run = match (left[0], left[IN - 1]) {
                        (Some(first), Some(last)) if last == first + IN - 1 => Some(first * LANES),
                        _ => None,
                    };
                    let to = (channel * places + tile_row * wide + tile_column) * LANES;
                    for part in (0..LANES).step_by(S::F32_LANES) {
                        let rows = top.map(|row| row.map(|row| row * width * LANES + part));
                        // Written out: a loop would first fill the tile with zeros, in memory.
                        let tile = [
                            pixels::<S>(simd, input, through, rows[0], run, left),
                            pixels::<S>(simd, input, through, rows[1], run, left),
                            pixels::<S>(simd, input, through, rows[2], run, left),
                            pixels::<S>(simd, input, through, rows[3], run, left),
                            pixels::<S>(simd, input, through, rows[4], run, left),
                            pixels::<S>(simd, input, through, rows[5], run, left),
                        ];
                        transform(simd, tile, &mut self.scratch.input[to + part..], point);
                    }
                }
            }
        }
    }

    /// Turns the sums of one tile of output channels into pixels.
    #[inline(always)]
    fn finish_tile<S: Simd>(
        &mut self,
        simd: S,
        tile: usize,
        first: usize,
        rows: usize,
        wide: usize,
        sum_point: usize,
    ) {
        let [channels, height, width] = self.gather.output;
        let places = rows * wide;
        let base = (tile - self.tiles.start) * TILE;
        for lane in 0..TILE.min(channels - tile * TILE) {
            let bias = self.finish.bias.map_or(0.0, |bias| bias[tile * TILE + lane]);
            let bias = simd.splat_f32s(bias);
            for place in 0..places {
                let (row, column) = ((first + place / wide) * OUT, place % wide * OUT);
                let (down, right) = (OUT.min(height - row), OUT.min(width - column));
                for part in (0..LANES).step_by(S::F32_LANES) {
                    let from = &self.scratch.sums[(lane * places + place) * LANES + part..];
                    let columns = [
                        summed::<S>(simd, from, sum_point, 0),
                        summed::<S>(simd, from, sum_point, 1),
                        summed::<S>(simd, from, sum_point, 2),
                        summed::<S>(simd, from, sum_point, 3),
                        summed::<S>(simd, from, sum_point, 4),
                        summed::<S>(simd, from, sum_point, 5),
                    ];
                    let [a, b, c, d, e, f] = columns;
                    let lines = a.into_iter().zip(b).zip(c).zip(d).zip(e).zip(f).enumerate();
                    for (line, (((((a, b), c), d), e), f)) in lines.take(down) {
                        let points = [a, b, c, d, e, f];
                        let values = gather_in(simd, points);
                        let at = (((base + lane) * height + row + line) * width + column) * LANES + part;
                        for (index, value) in values.into_iter().enumerate().take(right) {
                            let at = at + index * LANES;
                            let mut value = simd.add_f32s(value, bias);
                            if let Some(residual) = self.finish.residual {
                                value = simd.add_f32s(value, load::<S>(&residual[at..]));
                            }
                            store::<S>(&mut self.out[at..], self.finish.activation.apply(simd, value));
                        }
                    }
                }
            }
        }
    }
}

/// The four values of one column of 6 sums, which stand `sum_point` times 6 apart.
#[inline(always)]
fn summed<S: Simd>(simd: S, from: &[f32], sum_point: usize, column: usize) -> [S::f32s; OUT] {
    let points = [
        load::<S>(&from[column * sum_point..]),
        load::<S>(&from[(IN + column) * sum_point..]),
        load::<S>(&from[(2 * IN + column) * sum_point..]),
        load::<S>(&from[(3 * IN + column) * sum_point..]),
        load::<S>(&from[(4 * IN + column) * sum_point..]),
        load::<S>(&from[(5 * IN + column) * sum_point..]),
    ];
    gather_in(simd, points)
}

fn grow(scratch: &mut Vec<f32>, len: usize) {
    if scratch.len() < len {
        scratch.resize(len, 0.0);
    }
}

/// Six pixels of a row that starts at `start`, with a gradient's way back through its activation; zero where there is
/// no row. The pixels are neighbours from `run` on, or the columns that `places` names, zero where it names none.
#[inline(always)]
fn pixels<S: Simd>(
    simd: S,
    values: &[f32],
    through: Option<(&[f32], Activation)>,
    start: Option<usize>,
    run: Option<usize>,
    places: &[Option<usize>; IN],
) -> [S::f32s; IN] {
    let zero = simd.splat_f32s(0.0);
    let Some(start) = start else { return [zero; IN] };
    let row = line::<S>(simd, &values[start..], run, places);
    let Some((activated, activation)) = through else { return row };
    let activated = line::<S>(simd, &activated[start..], run, places);
    let mut back = row;
    for (value, activated) in back.iter_mut().zip(activated) {
        *value = activation.undo(simd, *value, activated);
    }
    back
}

/// As [`pixels`], of one row.
#[inline(always)]
fn line<S: Simd>(simd: S, row: &[f32], run: Option<usize>, places: &[Option<usize>; IN]) -> [S::f32s; IN] {
    if let Some(run) = run {
        let near = &row[run..][..(IN - 1) * LANES + S::F32_LANES];
        return [
            load::<S>(near),
            load::<S>(&near[LANES..]),
            load::<S>(&near[2 * LANES..]),
            load::<S>(&near[3 * LANES..]),
            load::<S>(&near[4 * LANES..]),
            load::<S>(&near[5 * LANES..]),
        ];
    }
    let [a, b, c, d, e, f] = *places;
    [
        pixel::<S>(simd, row, a),
        pixel::<S>(simd, row, b),
        pixel::<S>(simd, row, c),
        pixel::<S>(simd, row, d),
        pixel::<S>(simd, row, e),
        pixel::<S>(simd, row, f),
    ]
}

#[inline(always)]
fn pixel<S: Simd>(simd: S, row: &[f32], column: Option<usize>) -> S::f32s {
    match column {
        Some(column) => load::<S>(&row[column * LANES..]),
        None => simd.splat_f32s(0.0),
    }
}

/// 6x6 pixels to 36 points, `point` values apart.
#[inline(always)]
fn transform<S: Simd>(simd: S, tile: [[S::f32s; IN]; IN], to: &mut [f32], point: usize) {
    let mut lines = tile;
    for line in &mut lines {
        *line = spread(simd, *line);
    }
    let [a, b, c, d, e, f] = lines;
    let columns = a.into_iter().zip(b).zip(c).zip(d).zip(e).zip(f).enumerate();
    for (column, (((((a, b), c), d), e), f)) in columns {
        let values = spread(simd, [a, b, c, d, e, f]);
        for (row, value) in values.into_iter().enumerate() {
            store::<S>(&mut to[(row * IN + column) * point..], value);
        }
    }
}

/// Products of one point summed over the input channels, for one tile of output channels.
#[inline(always)]
fn products<S: Simd, const WIDE: usize>(
    simd: S,
    input: &[f32],
    weights: &[f32],
    places: usize,
    sums: &mut [f32],
) {
    let plane = places * LANES;
    let channels = weights.len() / TILE;
    // Several passes over the same inputs go by parts that stay in the cache.
    let passes = TILE / WIDE * LANES / S::F32_LANES;
    let part = if passes > 1 { NEAR_VALUES / (3 * LANES) } else { channels.max(1) };
    let mut place = 0;
    while place < places {
        let wide = neighbours::<S>(places - place);
        for first in (0..channels).step_by(part) {
            let weights = &weights[first * TILE..(first + part).min(channels) * TILE];
            let input = &input[first * plane..];
            for half in (0..TILE).step_by(WIDE) {
                for lane in (0..LANES).step_by(S::F32_LANES) {
                    let start = place * LANES + lane;
                    let (input, onto) = (&input[start..], first > 0);
                    match wide {
                        3 => product::<S, WIDE, 3>(simd, input, weights, plane, half, start, sums, onto),
                        2 => product::<S, WIDE, 2>(simd, input, weights, plane, half, start, sums, onto),
                        _ => product::<S, WIDE, 1>(simd, input, weights, plane, half, start, sums, onto),
                    }
                }
            }
        }
        place += wide;
    }
}

/// `onto` says that sums of earlier channels are there.
#[allow(clippy::too_many_arguments)]
#[inline(always)]
fn product<S: Simd, const WIDE: usize, const PLACES: usize>(
    simd: S,
    input: &[f32],
    weights: &[f32],
    plane: usize,
    half: usize,
    start: usize,
    sums: &mut [f32],
    onto: bool,
) {
    let at = |lane: usize, index: usize| (half + lane) * plane + start + index * LANES;
    let mut found = [[simd.splat_f32s(0.0); PLACES]; WIDE];
    if onto {
        for (lane, found) in found.iter_mut().enumerate() {
            for (index, value) in found.iter_mut().enumerate() {
                *value = load::<S>(&sums[at(lane, index)..]);
            }
        }
    }
    let found = accumulate::<S, WIDE, PLACES>(simd, input, LANES, plane, &[0], weights, half, found);
    for (lane, found) in found.into_iter().enumerate() {
        for (index, value) in found.into_iter().enumerate() {
            store::<S>(&mut sums[at(lane, index)..], value);
        }
    }
}
