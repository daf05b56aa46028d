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
use super::conv::{Finish, Through, has_many_registers, neighbours, pad};
use super::shape::{Gather, TILE};
use super::simd::{LANES, dispatch, load, store};

/// Output pixels of a tile in one direction.
const OUT: usize = 4;
/// Input pixels of a tile in one direction.
const IN: usize = 6;
/// Values of a tile.
const POINTS: usize = IN * IN;
/// Transformed input that a task holds at a time, in values.
const HELD_VALUES: usize = 24 * 1024;
/// Padded strips that a task holds at a time: half of a second-level cache of 512 KiB.
const PADDED_VALUES: usize = 64 * 1024;
/// A tile of every lane, one point after the other.
type Tile = [f32; POINTS * LANES];
const BLANK: Tile = [0.0; POINTS * LANES];

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
    fn point(&self, tile: usize, point: usize) -> &[Tile8] {
        let len = self.inputs * TILE;
        self.values[(tile * POINTS + point) * len..][..len].as_chunks().0
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
pub(super) fn spread<S: Simd>(simd: S, d: [S::f32s; IN]) -> [S::f32s; IN] {
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

/// Some tiles of a plane, one after the other in the order of reading.
#[derive(Clone, Copy)]
struct Places {
    first: usize,
    count: usize,
    /// Tiles in a row of the plane.
    wide: usize,
}

impl Places {
    /// Row and column of one of them, in tiles.
    #[inline(always)]
    fn at(self, index: usize) -> (usize, usize) {
        ((self.first + index) / self.wide, (self.first + index) % self.wide)
    }
}

/// Scratch memory of a thread.
pub struct Scratch {
    padded: Vec<f32>,
    /// Transformed: place, channel.
    input: Vec<Tile>,
    /// For each place, those of a tile of output channels.
    sums: Vec<[Tile; TILE]>,
    /// A tile between the two directions of its transform: row, column, lane.
    half: Tile,
}

impl Default for Scratch {
    fn default() -> Self {
        Scratch { padded: Vec::new(), input: Vec::new(), sums: Vec::new(), half: BLANK }
    }
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
        let whole = self.gather.layout.strips == 1;
        let window = Gather { padded: [tall * OUT + 2, wide * OUT + 2], ..self.gather.clone() };
        let pitch = window.padded[1] * LANES;
        // Strips are padded first, as many rows as a task may hold.
        let held = (PADDED_VALUES / (channels * pitch)).saturating_sub(2) / OUT;
        let band = if whole { tall } else { held.clamp(1, tall) };
        // The rows and columns that each tile sees.
        let tops: Vec<[Option<usize>; IN]> =
            (0..tall).map(|tile| std::array::from_fn(|row| self.gather.row(tile * OUT + row))).collect();
        let lefts: Vec<[Option<usize>; IN]> = (0..wide)
            .map(|tile| std::array::from_fn(|column| self.gather.whole_column(tile * OUT + column)))
            .collect();
        let near = (HELD_VALUES / (POINTS * channels * LANES)).max(2);
        for first in (0..tall).step_by(band) {
            let rows = band.min(tall - first);
            let lines = rows * OUT + 2;
            if !whole {
                grow(&mut self.scratch.padded, channels * lines * pitch, 0.0);
                let (input, through) = (self.input, self.through);
                pad(simd, &window, input, through, first * OUT, lines, &mut self.scratch.padded);
            }
            // Few tiles at a time, so that all their points stay near; groups of one size, or one less.
            let all = rows * wide;
            let groups = all.div_ceil(near);
            let mut start = 0;
            for group in 0..groups {
                let end = all * (group + 1) / groups;
                let places = Places { first: first * wide + start, count: end - start, wide };
                start = end;
                grow(&mut self.scratch.input, channels * places.count, BLANK);
                grow(&mut self.scratch.sums, places.count, [BLANK; TILE]);
                if whole {
                    self.transform_images(simd, places, &tops, &lefts);
                } else {
                    self.transform_padded(simd, places, first, lines, pitch);
                }
                for tile in self.tiles.clone() {
                    for point in 0..POINTS {
                        let weights = self.weights.point(tile, point);
                        let Scratch { input, sums, .. } = &mut *self.scratch;
                        let sums = &mut sums[..places.count];
                        products::<S, WIDE>(simd, input, weights, point * LANES, sums);
                    }
                    self.finish_tile(simd, tile, places);
                }
            }
        }
    }

    /// Tiles out of the padded rows of a band that begins at tile row `first`.
    #[inline(always)]
    fn transform_padded<S: Simd>(
        &mut self,
        simd: S,
        places: Places,
        first: usize,
        lines: usize,
        pitch: usize,
    ) {
        let plane = lines * pitch;
        let Scratch { padded, input: out, half, .. } = &mut *self.scratch;
        let channels = self.gather.input[0];
        for channel in 0..channels {
            let padded = &padded[channel * plane..][..plane];
            for index in 0..places.count {
                let tile = &mut out[index * channels + channel];
                let (tile_row, tile_column) = places.at(index);
                let corner = (tile_row - first) * OUT * pitch + tile_column * OUT * LANES;
                for part in (0..LANES).step_by(S::F32_LANES) {
                    for row in 0..IN {
                        let from = &padded[corner + row * pitch + part..];
                        store_line::<S>(
                            half,
                            row,
                            part,
                            spread(simd, line::<S>(simd, from, Some(0), &[None; IN])),
                        );
                    }
                    transform_columns::<S>(simd, half, part, tile);
                }
            }
        }
    }

    /// Whole images need no padded copy: a tile knows which of its pixels are there.
    #[inline(always)]
    fn transform_images<S: Simd>(
        &mut self,
        simd: S,
        places: Places,
        tops: &[[Option<usize>; IN]],
        lefts: &[[Option<usize>; IN]],
    ) {
        let gather = self.gather;
        let [channels, height, width] = gather.input;
        let plane = height * width * LANES;
        let Scratch { input: out, half, .. } = &mut *self.scratch;
        for channel in 0..channels {
            let input = &self.input[channel * plane..][..plane];
            let through = self.through.map(|t| (&t.activated[channel * plane..][..plane], t.activation));
            for index in 0..places.count {
                let (tile_row, tile_column) = places.at(index);
                let (top, left) = (&tops[tile_row], &lefts[tile_column]);
                // Six neighbours, or one by one.
                let run = match (left[0], left[IN - 1]) {
                    (Some(first), Some(last)) if last == first + IN - 1 => Some(first * LANES),
                    _ => None,
                };
                let tile = &mut out[index * channels + channel];
                for part in (0..LANES).step_by(S::F32_LANES) {
                    for (row, top) in top.iter().enumerate() {
                        let start = top.map(|top| top * width * LANES + part);
                        let values = pixels::<S>(simd, input, through, start, run, left);
                        store_line::<S>(half, row, part, spread(simd, values));
                    }
                    transform_columns::<S>(simd, half, part, tile);
                }
            }
        }
    }

    /// Turns the sums of one tile of output channels into pixels.
    #[inline(always)]
    fn finish_tile<S: Simd>(&mut self, simd: S, tile: usize, places: Places) {
        let [channels, height, width] = self.gather.output;
        let base = (tile - self.tiles.start) * TILE;
        let Finish { bias, residual, activation } = self.finish;
        let Scratch { sums, half, .. } = &mut *self.scratch;
        for lane in 0..TILE.min(channels - tile * TILE) {
            let bias = simd.splat_f32s(bias.map_or(0.0, |bias| bias[tile * TILE + lane]));
            for (index, sums) in sums.iter().enumerate().take(places.count) {
                let (row, column) = places.at(index);
                let (row, column) = (row * OUT, column * OUT);
                let (down, right) = (OUT.min(height - row), OUT.min(width - column));
                for part in (0..LANES).step_by(S::F32_LANES) {
                    for column in 0..IN {
                        let [a, b, c, d] = gather_in(simd, load_column::<S>(&sums[lane], column, part));
                        store::<S>(&mut half[column * LANES + part..], a);
                        store::<S>(&mut half[(IN + column) * LANES + part..], b);
                        store::<S>(&mut half[(2 * IN + column) * LANES + part..], c);
                        store::<S>(&mut half[(3 * IN + column) * LANES + part..], d);
                    }
                    for line in 0..down {
                        let values = gather_in(simd, load_line::<S>(half, line, part));
                        let at = (((base + lane) * height + row + line) * width + column) * LANES + part;
                        let out = &mut self.out[at..];
                        let residual = residual.map(|residual| &residual[at..]);
                        finish_line::<S>(simd, values, bias, residual, activation, right, out);
                    }
                }
            }
        }
    }
}

/// Bias, residual and activation of up to four pixels of a row, stored.
#[inline(always)]
fn finish_line<S: Simd>(
    simd: S,
    values: [S::f32s; OUT],
    bias: S::f32s,
    residual: Option<&[f32]>,
    activation: Activation,
    count: usize,
    out: &mut [f32],
) {
    let [a, b, c, d] = values;
    let mut values =
        [simd.add_f32s(a, bias), simd.add_f32s(b, bias), simd.add_f32s(c, bias), simd.add_f32s(d, bias)];
    if let Some(residual) = residual {
        for (index, value) in values.iter_mut().enumerate().take(count) {
            *value = simd.add_f32s(*value, load::<S>(&residual[index * LANES..]));
        }
    }
    // One question for a row of pixels.
    let values = match activation {
        Activation::None => values,
        Activation::Relu => apply(simd, Activation::Relu, values),
        Activation::LeakyRelu => apply(simd, Activation::LeakyRelu, values),
        Activation::Tanh => apply(simd, Activation::Tanh, values),
    };
    for (index, value) in values.into_iter().enumerate().take(count) {
        store::<S>(&mut out[index * LANES..], value);
    }
}

#[inline(always)]
fn apply<S: Simd>(simd: S, activation: Activation, [a, b, c, d]: [S::f32s; OUT]) -> [S::f32s; OUT] {
    [
        activation.apply(simd, a),
        activation.apply(simd, b),
        activation.apply(simd, c),
        activation.apply(simd, d),
    ]
}

/// One row of 6 values of a half transformed tile.
#[inline(always)]
fn store_line<S: Simd>(half: &mut Tile, row: usize, part: usize, values: [S::f32s; IN]) {
    let [a, b, c, d, e, f] = values;
    let out = &mut half[row * IN * LANES + part..][..(IN - 1) * LANES + S::F32_LANES];
    store::<S>(out, a);
    store::<S>(&mut out[LANES..], b);
    store::<S>(&mut out[2 * LANES..], c);
    store::<S>(&mut out[3 * LANES..], d);
    store::<S>(&mut out[4 * LANES..], e);
    store::<S>(&mut out[5 * LANES..], f);
}

/// The inverse of [`store_line`].
#[inline(always)]
fn load_line<S: Simd>(half: &Tile, row: usize, part: usize) -> [S::f32s; IN] {
    let from = &half[row * IN * LANES + part..][..(IN - 1) * LANES + S::F32_LANES];
    [
        load::<S>(from),
        load::<S>(&from[LANES..]),
        load::<S>(&from[2 * LANES..]),
        load::<S>(&from[3 * LANES..]),
        load::<S>(&from[4 * LANES..]),
        load::<S>(&from[5 * LANES..]),
    ]
}

/// One column of 6 values of a tile.
#[inline(always)]
fn load_column<S: Simd>(tile: &Tile, column: usize, part: usize) -> [S::f32s; IN] {
    let from = &tile[column * LANES + part..][..(IN - 1) * IN * LANES + S::F32_LANES];
    [
        load::<S>(from),
        load::<S>(&from[IN * LANES..]),
        load::<S>(&from[2 * IN * LANES..]),
        load::<S>(&from[3 * IN * LANES..]),
        load::<S>(&from[4 * IN * LANES..]),
        load::<S>(&from[5 * IN * LANES..]),
    ]
}

/// The second half of the input's transform, into the 36 points of a tile.
#[inline(always)]
fn transform_columns<S: Simd>(simd: S, half: &Tile, part: usize, tile: &mut Tile) {
    for column in 0..IN {
        let [a, b, c, d, e, f] = spread(simd, load_column::<S>(half, column, part));
        let out = &mut tile[column * LANES + part..][..(IN - 1) * IN * LANES + S::F32_LANES];
        store::<S>(out, a);
        store::<S>(&mut out[IN * LANES..], b);
        store::<S>(&mut out[2 * IN * LANES..], c);
        store::<S>(&mut out[3 * IN * LANES..], d);
        store::<S>(&mut out[4 * IN * LANES..], e);
        store::<S>(&mut out[5 * IN * LANES..], f);
    }
}

fn grow<T: Clone>(scratch: &mut Vec<T>, len: usize, blank: T) {
    if scratch.len() < len {
        scratch.resize(len, blank);
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
    match activation {
        Activation::None => row,
        Activation::Relu => undo(simd, Activation::Relu, row, activated),
        Activation::LeakyRelu => undo(simd, Activation::LeakyRelu, row, activated),
        Activation::Tanh => undo(simd, Activation::Tanh, row, activated),
    }
}

#[inline(always)]
fn undo<S: Simd>(
    simd: S,
    activation: Activation,
    gradient: [S::f32s; IN],
    activated: [S::f32s; IN],
) -> [S::f32s; IN] {
    let ([a, b, c, d, e, f], [g, h, i, j, k, l]) = (gradient, activated);
    [
        activation.undo(simd, a, g),
        activation.undo(simd, b, h),
        activation.undo(simd, c, i),
        activation.undo(simd, d, j),
        activation.undo(simd, e, k),
        activation.undo(simd, f, l),
    ]
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

/// Products of one point summed over the input channels, for one tile of output channels: `at` is the point's place in
/// each tile.
#[inline(always)]
fn products<S: Simd, const WIDE: usize>(
    simd: S,
    input: &[Tile],
    weights: &[Tile8],
    at: usize,
    sums: &mut [[Tile; TILE]],
) {
    let channels = weights.len();
    let mut place = 0;
    while place < sums.len() {
        let wide = neighbours::<S>(sums.len() - place);
        let (input, sums) = (&input[place * channels..], &mut sums[place..place + wide]);
        for half in (0..TILE).step_by(WIDE) {
            for at in (at..at + LANES).step_by(S::F32_LANES) {
                match wide {
                    3 => product::<S, WIDE, 3>(simd, input, weights, half, at, sums),
                    2 => product::<S, WIDE, 2>(simd, input, weights, half, at, sums),
                    _ => product::<S, WIDE, 1>(simd, input, weights, half, at, sums),
                }
            }
        }
        place += wide;
    }
}

#[inline(always)]
fn product<S: Simd, const WIDE: usize, const PLACES: usize>(
    simd: S,
    input: &[Tile],
    weights: &[Tile8],
    half: usize,
    at: usize,
    sums: &mut [[Tile; TILE]],
) {
    let channels = weights.len();
    let mut rows = [&input[..channels]; PLACES];
    for (place, row) in rows.iter_mut().enumerate() {
        *row = &input[place * channels..][..channels];
    }
    let mut found = [[simd.splat_f32s(0.0); PLACES]; WIDE];
    for (channel, weights) in weights.iter().enumerate() {
        let mut x = [simd.splat_f32s(0.0); PLACES];
        for (x, row) in x.iter_mut().zip(rows) {
            *x = load::<S>(&row[channel][at..]);
        }
        for (found, &weight) in found.iter_mut().zip(&weights[half..half + WIDE]) {
            let weight = simd.splat_f32s(weight);
            for (sum, &x) in found.iter_mut().zip(&x) {
                *sum = simd.mul_add_e_f32s(weight, x, *sum);
            }
        }
    }
    for (lane, found) in found.into_iter().enumerate() {
        for (sums, value) in sums.iter_mut().zip(found) {
            store::<S>(&mut sums[half + lane][at..], value);
        }
    }
}
