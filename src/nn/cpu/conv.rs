//! Convolutions over blocks of 16 images: forward, gradient to the input, gradient to the weights.
//!
//! Activations are `[blocks, channels, height, width, 16]`; a vector holds the same pixel of neighbouring images, so no
//! kernel knows a border, a stride or an odd width inside its inner loop. Each output is summed by one task in an order
//! that depends on the shape alone: the same values for any number of threads.

use std::cell::RefCell;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::activation::Activation;
use super::buffers::Buffer;
use super::lanes;
use super::pointwise;
use super::shape::{ConvShape, Gather, Layout, Packed, Phase, TILE};
use super::simd::{LANES, dispatch, load, store};
use super::slopes;
use super::winograd::{self, Transformed};

thread_local! {
    /// Padded input of the task that this thread is at.
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
    /// The same of a task that filters by tiles.
    static TILES: RefCell<winograd::Scratch> = RefCell::default();
}

/// Output columns that are summed side by side.
const COLUMNS: usize = 3;
/// Values of input that several passes read again and again: half of a first-level cache of 32 KiB.
pub(super) const NEAR_VALUES: usize = 4 * 1024;
/// Rows that a task is cut into at least: each band reads the border rows of its neighbours again.
const LEAST_BAND: usize = 8;
/// Values of padded input that a task holds at a time: half of a second-level cache of 1 MiB. Processors with few
/// registers mostly have half of that.
const SCRATCH_VALUES: usize = 128 * 1024;

/// True where 24 sums, 3 inputs and a weight stay in registers.
#[inline(always)]
pub(super) fn has_many_registers<S: Simd>() -> bool {
    S::REGISTER_COUNT >= 32
}

/// How many of `left` neighbouring sums to make at a time: three, but never one alone where two and two do. With 16
/// registers two: the compiler does not keep 12 sums, 3 inputs and a weight in them, and a sum that goes through memory
/// takes twice as long.
#[inline(always)]
pub(super) fn neighbours<S: Simd>(left: usize) -> usize {
    if has_many_registers::<S>() && left != 4 { left.min(COLUMNS) } else { left.min(2) }
}

/// The same for a tile of `outputs` channels: three fit beside three columns.
#[inline(always)]
fn side_by_side<S: Simd>(outputs: usize, left: usize) -> usize {
    if outputs <= 3 && left != 4 { left.min(COLUMNS) } else { neighbours::<S>(left) }
}

/// What happens to a sum before it is stored: residual added, then activation.
#[derive(Clone, Copy)]
pub struct Finish<'a> {
    /// One value per output channel.
    pub bias: Option<&'a [f32]>,
    /// Same shape as the output.
    pub residual: Option<&'a [f32]>,
    pub activation: Activation,
}

impl Finish<'_> {
    /// The bare sum.
    pub const NOTHING: Finish<'static> = Finish { bias: None, residual: None, activation: Activation::None };
}

/// Bias, residual and activation of a whole plane of one channel.
#[inline(always)]
pub(super) fn finish_plane<S: Simd>(simd: S, finish: Finish<'_>, out: &mut [f32]) {
    let bias = finish.bias.and_then(<[f32]>::first).map(|bias| simd.splat_f32s(*bias));
    if bias.is_none() && finish.residual.is_none() && finish.activation == Activation::None {
        return;
    }
    for at in (0..out.len()).step_by(S::F32_LANES) {
        let mut value = load::<S>(&out[at..]);
        if let Some(bias) = bias {
            value = simd.add_f32s(value, bias);
        }
        if let Some(residual) = finish.residual {
            value = simd.add_f32s(value, load::<S>(&residual[at..]));
        }
        store::<S>(&mut out[at..], finish.activation.apply(simd, value));
    }
}

/// Gradient that is still to pass an activation: `value * activation'(of)`.
#[derive(Clone, Copy)]
pub struct Through<'a> {
    pub activated: &'a [f32],
    pub activation: Activation,
}

/// Weights as the kernel wants them that runs a gather fastest.
pub enum Filter {
    Direct(Packed),
    Winograd(Transformed),
    Pointwise(Buffer),
}

impl Filter {
    /// `input_first` says that `weight` is `[gather input, gather output, k, k]` and not the other way round.
    pub fn new(weight: &[f32], gather: &Gather, kernel: usize, input_first: bool) -> Self {
        if winograd::is_worth_it(gather) {
            Filter::Winograd(Transformed::new(weight, gather, input_first))
        } else if pointwise::is_pointwise(gather) {
            let channels = [gather.input[0], gather.output[0]];
            Filter::Pointwise(pointwise::weights(weight, channels, input_first))
        } else {
            Filter::Direct(Packed::new(weight, gather, kernel, input_first))
        }
    }
}

/// Runs a gather over `blocks` blocks.
pub fn gather(
    input: &[f32],
    through: Option<Through<'_>>,
    blocks: usize,
    gather: &Gather,
    filter: &Filter,
    finish: Finish<'_>,
) -> Buffer {
    if let Filter::Pointwise(weights) = filter {
        let undone = through.map(|pass| self::through(input, pass));
        return pointwise::run(undone.as_deref().unwrap_or(input), gather, weights, finish);
    }
    let [channels, height, width] = gather.output;
    let plane = height * width * LANES;
    let tiles = channels.div_ceil(TILE);
    let mut out = Buffer::dirty(blocks * channels * plane);
    let in_block = gather.input.iter().product::<usize>() * LANES;
    // Where blocks do not fill the threads, each is cut by output channels as well.
    let threads = rayon::current_num_threads();
    let even = |pieces: usize| pieces.is_multiple_of(threads) || pieces >= 4 * threads;
    let cuts = if even(blocks) { 1 } else { (2 * threads).div_ceil(blocks.max(1)).min(tiles) };
    let per_cut = tiles.div_ceil(cuts.max(1)).max(1);
    // Where these are few too, direct sums are cut by rows: filtering needs whole planes.
    let pieces = (blocks * tiles.div_ceil(per_cut)).max(1);
    let most = gather.most_rows();
    let bands = match filter {
        Filter::Direct(_) if !even(pieces) => (2 * threads).div_ceil(pieces).min(most / LEAST_BAND).max(1),
        _ => 1,
    };
    let band = most.div_ceil(bands).max(1);
    let mut tasks = Vec::new();
    let mut rest: &mut [f32] = &mut out;
    for block in 0..blocks {
        for first in (0..tiles).step_by(per_cut) {
            let last = (first + per_cut).min(tiles);
            let count = (last * TILE).min(channels) - first * TILE;
            let (here, after) = rest.split_at_mut(count * plane);
            rest = after;
            tasks.push((block, first..last, here));
        }
    }
    tasks.into_par_iter().for_each(|(block, tiles, out)| {
        let span = block * in_block..(block + 1) * in_block;
        let start = block * channels * plane + tiles.start * TILE * plane;
        let residual = finish.residual.map(|values| &values[start..start + out.len()]);
        let input = &input[span.clone()];
        let through = through.map(|t| Through { activated: &t.activated[span], ..t });
        let finish = Finish { residual, ..finish };
        match filter {
            Filter::Direct(weights) => {
                in_bands(out, plane, band * gather.spread * width * LANES)
                    .into_par_iter()
                    .enumerate()
                    .for_each(|(index, out)| {
                        let rows = index * band..(index + 1) * band;
                        let tiles = tiles.clone();
                        SCRATCH.with_borrow_mut(|scratch| {
                            dispatch(Task {
                                gather,
                                weights,
                                input,
                                through,
                                tiles,
                                rows,
                                finish,
                                out,
                                scratch,
                            });
                        });
                    });
            }
            Filter::Winograd(weights) => TILES.with_borrow_mut(|scratch| {
                dispatch(winograd::Task { gather, weights, input, through, tiles, finish, out, scratch });
            }),
            // Gone another way above.
            Filter::Pointwise(_) => {}
        }
    });
    out
}

/// Planes that lie one behind the other, cut into bands of `band` values: of each band its part of every plane.
fn in_bands(planes: &mut [f32], plane: usize, band: usize) -> Vec<Vec<&mut [f32]>> {
    let mut bands: Vec<Vec<&mut [f32]>> = (0..plane.div_ceil(band.max(1))).map(|_| Vec::new()).collect();
    for plane in planes.chunks_mut(plane.max(1)) {
        for (bands, part) in bands.iter_mut().zip(plane.chunks_mut(band.max(1))) {
            bands.push(part);
        }
    }
    bands
}

/// One block, some tiles of output channels, some rows of each phase.
struct Task<'a> {
    gather: &'a Gather,
    weights: &'a Packed,
    input: &'a [f32],
    through: Option<Through<'a>>,
    tiles: std::ops::Range<usize>,
    rows: std::ops::Range<usize>,
    /// The residual has all rows of the tiles' channels.
    finish: Finish<'a>,
    /// Of each channel of the tiles these rows.
    out: Vec<&'a mut [f32]>,
    scratch: &'a mut Vec<f32>,
}

impl WithSimd for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // Few channels leave a part of a tile idle.
        match self.gather.output[0] {
            ..=3 => self.run::<S, 3>(simd),
            5.. if has_many_registers::<S>() => self.run::<S, 8>(simd),
            _ => self.run::<S, 4>(simd),
        }
    }
}

impl Task<'_> {
    #[inline(always)]
    fn run<S: Simd, const OUT: usize>(mut self, simd: S) {
        let gather = self.gather;
        let pitch = gather.padded[1] * LANES;
        let most = gather.most_rows().min(self.rows.end);
        let reach = gather
            .phases
            .iter()
            .flat_map(|phase| phase.taps.iter().map(|tap| tap.row + 1))
            .max()
            .unwrap_or(1);
        let row_values = (gather.input[0] * pitch).max(1);
        let held = if has_many_registers::<S>() { SCRATCH_VALUES } else { SCRATCH_VALUES / 2 };
        let fitting = (held / row_values).saturating_sub(reach) / gather.step + 1;
        let band = fitting.clamp(1, most.max(1));
        let span = gather.phases.iter().flat_map(|phase| phase.taps.iter().map(|tap| tap.column + 1)).max();
        let near = reach * ((side_by_side::<S>(OUT, COLUMNS) - 1) * gather.step + span.unwrap_or(1)) * LANES;
        let mut offsets = Vec::new();
        for first in (self.rows.start..most).step_by(band) {
            let rows = (band.min(most - first) - 1) * gather.step + reach;
            let plane = rows * pitch;
            if self.scratch.len() < gather.input[0] * plane {
                self.scratch.resize(gather.input[0] * plane, 0.0);
            }
            let (input, through) = (self.input, self.through);
            pad(simd, gather, input, through, first * gather.step, rows, &mut self.scratch[..]);
            for (index, phase) in gather.phases.iter().enumerate() {
                offsets.clear();
                offsets.extend(phase.taps.iter().map(|tap| tap.row * pitch + tap.column * LANES));
                let last = phase.rows.min(first + band).min(most);
                for tile in self.tiles.clone() {
                    let weights = self.weights.tile(index, tile);
                    for row in first..last {
                        let from = (row - first) * gather.step * pitch;
                        let offsets = &offsets;
                        self.row::<S, OUT>(
                            simd,
                            Row { phase, tile, row, weights, offsets, from, plane, reach: near },
                        );
                    }
                }
            }
        }
    }

    /// One row of one tile of output channels in one phase.
    #[inline(always)]
    fn row<S: Simd, const OUT: usize>(&mut self, simd: S, of: Row<'_>) {
        // Where a tile takes several passes over its inputs, they go by parts that stay in the cache.
        let passes = TILE / OUT * LANES / S::F32_LANES;
        let channels = self.gather.input[0];
        let part =
            if passes > 1 { (NEAR_VALUES / of.reach).clamp(1, channels.max(1)) } else { channels.max(1) };
        let mut held = [0.0; TILE * COLUMNS * LANES];
        let mut column = 0;
        while column < of.phase.columns {
            let wide = side_by_side::<S>(OUT, of.phase.columns - column);
            for first in (0..channels.max(1)).step_by(part) {
                let inputs = first..(first + part).min(channels);
                for half in (0..TILE).step_by(OUT) {
                    for lane in (0..LANES).step_by(S::F32_LANES) {
                        let at = Spot { column, half, lane, inputs: inputs.clone() };
                        match wide {
                            3 => self.tile::<S, OUT, 3>(simd, of, at, &mut held),
                            2 => self.tile::<S, OUT, 2>(simd, of, at, &mut held),
                            _ => self.tile::<S, OUT, 1>(simd, of, at, &mut held),
                        }
                    }
                }
            }
            column += wide;
        }
    }

    /// `OUT` output channels at `WIDE` neighbouring columns, summed over some of the input channels.
    #[inline(always)]
    fn tile<S: Simd, const OUT: usize, const WIDE: usize>(
        &mut self,
        simd: S,
        of: Row<'_>,
        at: Spot,
        held: &mut [f32; TILE * COLUMNS * LANES],
    ) {
        let gather = self.gather;
        let [channels, height, width] = gather.output;
        let begun = self.rows.start * gather.spread * width * LANES;
        let first = of.tile * TILE + at.half;
        if first >= channels {
            return;
        }
        let held_at = |lane: usize, index: usize| ((at.half + lane) * COLUMNS + index) * LANES + at.lane;
        let mut sums = [[simd.splat_f32s(0.0); WIDE]; OUT];
        if at.inputs.start > 0 {
            for (lane, sums) in sums.iter_mut().enumerate() {
                for (index, sum) in sums.iter_mut().enumerate() {
                    *sum = load::<S>(&held[held_at(lane, index)..]);
                }
            }
        } else if let Some(bias) = self.finish.bias {
            for (sums, &bias) in sums.iter_mut().zip(&bias[first..]) {
                *sums = [simd.splat_f32s(bias); WIDE];
            }
        }
        let step = gather.step * LANES;
        let start = of.from + at.column * step + at.lane + at.inputs.start * of.plane;
        let per_input = of.offsets.len() * TILE;
        let sums = accumulate::<S, OUT, WIDE>(
            simd,
            &self.scratch[start..],
            step,
            of.plane,
            of.offsets,
            &of.weights[at.inputs.start * per_input..at.inputs.end * per_input],
            at.half,
            sums,
        );
        if at.inputs.end < gather.input[0] {
            for (lane, sums) in sums.into_iter().enumerate() {
                for (index, sum) in sums.into_iter().enumerate() {
                    store::<S>(&mut held[held_at(lane, index)..], sum);
                }
            }
            return;
        }
        let base = first - self.tiles.start * TILE;
        let finish = self.finish;
        for (lane, sums) in sums.into_iter().enumerate().take(channels - first) {
            let row = of.phase.row + of.row * gather.spread;
            let plane = (base + lane) * height * width * LANES;
            let out = &mut self.out[base + lane];
            for (index, sum) in sums.into_iter().enumerate() {
                let column = of.phase.column + (at.column + index) * gather.spread;
                let to = (row * width + column) * LANES + at.lane;
                let sum = match finish.residual {
                    Some(residual) => simd.add_f32s(sum, load::<S>(&residual[plane + to..])),
                    None => sum,
                };
                store::<S>(&mut out[to - begun..], finish.activation.apply(simd, sum));
            }
        }
    }
}

/// One row of one tile of output channels in one phase, and where its inputs and weights are.
#[derive(Clone, Copy)]
struct Row<'a> {
    phase: &'a Phase,
    tile: usize,
    row: usize,
    weights: &'a [f32],
    /// Of the taps, in a channel of the padded input.
    offsets: &'a [usize],
    /// Of the row's first position in the padded input.
    from: usize,
    /// Values of a channel of the padded input.
    plane: usize,
    /// Values of a channel that a tile reads.
    reach: usize,
}

/// A part of a row: from which column, which half of the tile's channels, which lanes, which input channels.
struct Spot {
    column: usize,
    half: usize,
    lane: usize,
    inputs: std::ops::Range<usize>,
}

/// The inner loop: `sums[out][column] += weight * input`, over input channels and taps.
#[allow(clippy::too_many_arguments)]
#[inline(always)]
pub(super) fn accumulate<S: Simd, const OUT: usize, const COLUMNS: usize>(
    simd: S,
    input: &[f32],
    step: usize,
    plane: usize,
    offsets: &[usize],
    weights: &[f32],
    half: usize,
    mut sums: [[S::f32s; COLUMNS]; OUT],
) -> [[S::f32s; COLUMNS]; OUT] {
    if offsets.is_empty() {
        return sums;
    }
    let span = (COLUMNS - 1) * step + S::F32_LANES;
    let mut base = 0;
    for of_channel in weights.chunks_exact(offsets.len() * TILE) {
        let (of_taps, _) = of_channel.as_chunks::<TILE>();
        for (&offset, weights) in offsets.iter().zip(of_taps) {
            let here = &input[base + offset..][..span];
            let mut x = [simd.splat_f32s(0.0); COLUMNS];
            for (column, x) in x.iter_mut().enumerate() {
                *x = load::<S>(&here[column * step..]);
            }
            for out in 0..OUT {
                let weight = simd.splat_f32s(weights[half + out]);
                for column in 0..COLUMNS {
                    sums[out][column] = simd.mul_add_e_f32s(weight, x[column], sums[out][column]);
                }
            }
        }
        base += plane;
    }
    sums
}

/// Writes rows `first..first + rows` of the padded input, `[channels, rows, padded columns, 16]`.
#[inline(always)]
pub(super) fn pad<S: Simd>(
    simd: S,
    gather: &Gather,
    input: &[f32],
    through: Option<Through<'_>>,
    first: usize,
    rows: usize,
    out: &mut [f32],
) {
    let [channels, height, columns] = gather.input;
    let (pitch, line) = (gather.padded[1] * LANES, columns * LANES);
    let inside = gather.before[1] * LANES..gather.before[1] * LANES + line;
    let edges: Vec<(usize, Edge)> = (0..gather.padded[1]).filter_map(|at| Edge::of(gather, at)).collect();
    for channel in 0..channels {
        for row in 0..rows {
            let out = &mut out[(channel * rows + row) * pitch..][..pitch];
            let Some(source) = gather.row(first + row) else {
                out.fill(0.0);
                continue;
            };
            let from = (channel * height + source) * line;
            let middle = &mut out[inside.clone()];
            match through {
                None => middle.copy_from_slice(&input[from..from + line]),
                Some(through) => {
                    let activated = &through.activated[from..from + line];
                    undo(simd, &input[from..from + line], activated, through.activation, middle);
                }
            }
            // What is read here is a pixel and so is never written here.
            for (at, edge) in &edges {
                let to = at * LANES..(at + 1) * LANES;
                match edge {
                    Edge::Zero => out[to].fill(0.0),
                    Edge::Same(from) => {
                        let from = inside.start + from * LANES;
                        out.copy_within(from..from + LANES, to.start);
                    }
                    Edge::Lanes(lanes) => {
                        let middle = &out[inside.clone()];
                        let mut values = [0.0; LANES];
                        for (value, found) in values.iter_mut().zip(lanes.iter()) {
                            *value = found.map_or(0.0, |found| middle[found]);
                        }
                        out[to].copy_from_slice(&values);
                    }
                }
            }
        }
    }
}

/// A padded column that is not simply a column of the input.
enum Edge {
    Zero,
    /// The same lanes of another column.
    Same(usize),
    /// Of the strips beside, and zeros.
    Lanes(Box<[Option<usize>; LANES]>),
}

impl Edge {
    fn of(gather: &Gather, at: usize) -> Option<(usize, Edge)> {
        if gather.layout.strips > 1 {
            return gather.column(at).map(|lanes| (at, Edge::Lanes(Box::new(lanes))));
        }
        match gather.whole_column(at) {
            None => Some((at, Edge::Zero)),
            Some(column) if column + gather.before[1] == at => None,
            Some(column) => Some((at, Edge::Same(column))),
        }
    }
}

#[inline(always)]
fn undo<S: Simd>(simd: S, gradient: &[f32], activated: &[f32], activation: Activation, out: &mut [f32]) {
    use super::simd::{vectors, vectors_mut};
    let inputs = vectors::<S>(gradient).iter().zip(vectors::<S>(activated));
    for (out, (&gradient, &activated)) in vectors_mut::<S>(out).iter_mut().zip(inputs) {
        *out = activation.undo(simd, gradient, activated);
    }
}

/// `gradient * activation'`, written once.
pub fn through(gradient: &[f32], through: Through<'_>) -> Buffer {
    struct Pass<'a>(&'a [f32], &'a [f32], Activation, &'a mut [f32]);
    impl WithSimd for Pass<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            undo(simd, self.0, self.1, self.2, self.3);
        }
    }
    const CHUNK: usize = 64 * 1024;
    let mut out = Buffer::dirty(gradient.len());
    let inputs = gradient.par_chunks(CHUNK).zip(through.activated.par_chunks(CHUNK));
    out.par_chunks_mut(CHUNK).zip(inputs).for_each(|(out, (gradient, activated))| {
        dispatch(Pass(gradient, activated, through.activation, out));
    });
    out
}

/// Sum over blocks, positions and lanes of each channel, in 64 bit.
pub fn channel_sums(values: &[f32], blocks: usize, channels: usize) -> Vec<f32> {
    struct Sum<'a>(&'a [f32]);
    impl WithSimd for Sum<'_> {
        type Output = f64;
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> f64 {
            let mut sum = simd.splat_f32s(0.0);
            for &value in super::simd::vectors::<S>(self.0) {
                sum = simd.add_f32s(sum, value);
            }
            f64::from(simd.reduce_sum_f32s(sum))
        }
    }
    let plane = values.len() / (blocks * channels).max(1);
    let parts: Vec<f64> = values.par_chunks(plane.max(1)).map(|plane| dispatch(Sum(plane))).collect();
    (0..channels)
        .map(|channel| (0..blocks).map(|block| parts[block * channels + channel]).sum::<f64>() as f32)
        .collect()
}

/// Gradient to the input of a convolution with a mirrored border. `gradient` is of the result, `map` its
/// `[channels, height, columns]`, and lies as `layout`; `input` is that of the input, `width` the columns of whole
/// images there; `onto` is added, lying as the input; `filter` makes the weights that a gather wants.
#[allow(clippy::too_many_arguments)]
pub fn mirrored_backward(
    shape: ConvShape,
    gradient: &[f32],
    map: [usize; 3],
    layout: Layout,
    input: [usize; 3],
    width: usize,
    onto: Option<&[f32]>,
    filter: impl Fn(&Gather) -> Filter,
) -> Buffer {
    let [channels, height, columns] = input;
    let padding = shape.padding;
    let tall = height + 2 * padding;
    let run = |gradient: &[f32], blocks: usize, window: &Gather| {
        gather(gradient, None, blocks, window, &filter(window), Finish::NOTHING)
    };
    if layout.strips == 1 {
        let window = shape.backward_padded(map, layout, [channels, tall, columns + 2 * padding], 0);
        let padded = run(gradient, layout.blocks(), &window);
        return fold_reflection(&padded, [height, columns], [padding; 2], onto);
    }
    // Without the columns of the border, which belong to no strip.
    let window = shape.backward_padded(map, layout, [channels, tall, columns], padding);
    let padded = run(gradient, layout.blocks(), &window);
    let mut out = fold_reflection(&padded, [height, columns], [padding, 0], onto);
    // These see nothing but the outermost columns of the result: narrow maps of whole images.
    let across = layout.width.min(padding);
    let narrow = Layout::whole(layout.images, across);
    let from = layout.with_width(width);
    for (first, columns_from, right) in
        [(0, 0, false), (layout.width - across, shape.kernel - 1 - padding + across, true)]
    {
        let edge = lanes::columns(gradient, [map[0], map[1]], layout, first, across);
        let window =
            shape.backward_padded([map[0], map[1], across], narrow, [channels, tall, padding], columns_from);
        let window = window.without_idle_taps();
        let padded = run(&edge, narrow.blocks(), &window);
        let folded = fold_reflection(&padded, [height, padding], [padding, 0], None);
        let mirrored: Vec<usize> =
            (0..padding).map(|column| if right { width - 2 - column } else { padding - column }).collect();
        lanes::add_columns(&mut out, [channels, height], from, &folded, &mirrored);
    }
    out
}

/// Adds what a mirrored border sent out to where it came from: `[.., height + 2p, columns + 2q, 16]` to
/// `[.., height, columns, 16]`, p and q being the padding of rows and of columns. On top of `onto` where given.
fn fold_reflection(
    padded: &[f32],
    [height, width]: [usize; 2],
    [rows, columns]: [usize; 2],
    onto: Option<&[f32]>,
) -> Buffer {
    let (tall, wide) = (height + 2 * rows, width + 2 * columns);
    let planes = padded.len() / (tall * wide * LANES).max(1);
    let plane = height * width * LANES;
    let mut out = Buffer::dirty(planes * plane);
    let mirror = |index: usize, side: usize, padding: usize| {
        let inside = index.abs_diff(padding);
        if index >= padding && inside >= side { 2 * (side - 1) - inside } else { inside }
    };
    out.par_chunks_mut(plane).zip(padded.par_chunks(tall * wide * LANES)).enumerate().for_each(
        |(index, (out, padded))| {
            match onto {
                Some(onto) => out.copy_from_slice(&onto[index * plane..(index + 1) * plane]),
                None => out.fill(0.0),
            }
            for (row, line) in padded.chunks_exact(wide * LANES).enumerate() {
                let to = mirror(row, height, rows) * width;
                for (column, pixel) in line.chunks_exact(LANES).enumerate() {
                    let to = (to + mirror(column, width, columns)) * LANES;
                    out[to..to + LANES].iter_mut().zip(pixel).for_each(|(out, value)| *out += value);
                }
            }
        },
    );
    out
}

/// Positions per block from which blocks are summed apart and added up afterwards.
const LARGE_MAP: usize = 48;
/// Small channels of a tile of [`weight_gradient`].
const ROWS: usize = 4;
/// Weights of each of them that it sums side by side, where there are registers for it; half of that elsewhere.
const MOST_WIDE: usize = 6;

/// Gradient to the weights of a convolution: `[small channels, large channels, k, k]`.
///
/// `large` is the side that the kernel slides over with the stride (the input of a convolution, the output gradient of
/// a transposed one) and lies as `layout`, `small` the other; both as `[channels, height, columns]` with their values.
pub fn weight_gradient(
    shape: ConvShape,
    large: (&[f32], [usize; 3]),
    layout: Layout,
    small: (&[f32], [usize; 3]),
) -> Buffer {
    let blocks = layout.blocks();
    let slide = ConvShape { transposed: false, ..shape };
    let mut window = slide.forward([large.1[0], large.1[1]], layout, small.1[0]);
    // A transposed convolution's output padding leaves rows that no position reaches.
    window.output = small.1;
    let [small_channels, rows, columns] = small.1;
    if slopes::is_worth_it(shape, [large.1[0], small_channels], [rows, columns]) {
        return slopes::weight_gradient(&window, large.0, small.0, blocks);
    }
    if pointwise::has_products(shape, small_channels.min(large.1[0])) {
        return pointwise::weight_gradient(
            (large.0, large.1[0]),
            (small.0, small_channels),
            rows * columns * LANES,
        );
    }
    let taps = shape.kernel * shape.kernel;
    let per_channel = large.1[0] * taps;
    let plane = window.padded[0] * window.padded[1] * LANES;
    let padded_block = large.1[0] * plane;
    let large_block = large.1.iter().product::<usize>() * LANES;
    let small_block = small_channels * rows * columns * LANES;
    let offsets: Vec<usize> = (0..per_channel)
        .map(|index| {
            let (channel, tap) = (index / taps, index % taps);
            let (row, column) = (tap / shape.kernel, tap % shape.kernel);
            channel * plane + (row * window.padded[1] + column) * LANES
        })
        .collect();
    let geometry = Products { window: &window, offsets: &offsets, padded_block, small_block };
    let pad_block = |block: usize, out: &mut [f32]| {
        struct Pad<'a>(&'a Gather, &'a [f32], &'a mut [f32]);
        impl WithSimd for Pad<'_> {
            type Output = ();
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                pad(simd, self.0, self.1, None, 0, self.0.padded[0], self.2);
            }
        }
        dispatch(Pad(&window, &large.0[block * large_block..][..large_block], out));
    };
    if rows * columns >= LARGE_MAP && blocks > 1 {
        // Each block by itself while it is in the cache; the blocks are added in their order.
        let len = small_channels * per_channel;
        let mut parts = Buffer::dirty(blocks * len);
        parts.par_chunks_mut(len).enumerate().for_each(|(block, out)| {
            SCRATCH.with_borrow_mut(|scratch| {
                if scratch.len() < padded_block {
                    scratch.resize(padded_block, 0.0);
                }
                pad_block(block, scratch);
                let small = &small.0[block * small_block..][..small_block];
                for (tile, out) in out.chunks_mut(ROWS * per_channel).enumerate() {
                    for (at, out) in in_bands(out, per_channel, per_channel).into_iter().enumerate() {
                        dispatch(geometry.tile(scratch, small, 1, [tile * ROWS, at * per_channel], out));
                    }
                }
            });
        });
        let mut sum = Buffer::dirty(len);
        sum.par_chunks_mut(4096).enumerate().for_each(|(chunk, out)| {
            let start = chunk * 4096;
            out.copy_from_slice(&parts[start..start + out.len()]);
            for block in 1..blocks {
                let part = &parts[block * len + start..][..out.len()];
                out.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            }
        });
        return sum;
    }
    let mut padded = Buffer::dirty(blocks * padded_block);
    padded.par_chunks_mut(padded_block.max(1)).enumerate().for_each(|(block, out)| pad_block(block, out));
    let mut out = Buffer::dirty(small_channels * per_channel);
    // Where tiles do not fill the threads, each is cut by the weights of a channel.
    let cuts = (2 * rayon::current_num_threads()).div_ceil(small_channels.div_ceil(ROWS).max(1));
    let wide = per_channel.div_ceil(cuts).next_multiple_of(MOST_WIDE);
    out.par_chunks_mut(ROWS * per_channel).enumerate().for_each(|(tile, out)| {
        in_bands(out, per_channel, wide).into_par_iter().enumerate().for_each(|(cut, out)| {
            dispatch(geometry.tile(&padded, small.0, blocks, [tile * ROWS, cut * wide], out));
        });
    });
    out
}

/// What all tiles of a weight gradient share.
#[derive(Clone, Copy)]
struct Products<'a> {
    window: &'a Gather,
    /// Of each weight of one small channel, in the padded large side.
    offsets: &'a [usize],
    padded_block: usize,
    small_block: usize,
}

impl<'a> Products<'a> {
    fn tile(
        self,
        padded: &'a [f32],
        small: &'a [f32],
        blocks: usize,
        [first, from]: [usize; 2],
        out: Vec<&'a mut [f32]>,
    ) -> WeightTile<'a> {
        WeightTile { products: self, padded, small, blocks, first, from, out }
    }
}

/// Some weights of each of [`ROWS`] small channels.
struct WeightTile<'a> {
    products: Products<'a>,
    padded: &'a [f32],
    small: &'a [f32],
    blocks: usize,
    /// Small channel.
    first: usize,
    /// Weight of each channel.
    from: usize,
    /// By small channel.
    out: Vec<&'a mut [f32]>,
}

impl WithSimd for WeightTile<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if has_many_registers::<S>() {
            self.run::<S, MOST_WIDE>(simd)
        } else {
            self.run::<S, { MOST_WIDE / 2 }>(simd)
        }
    }
}

impl WeightTile<'_> {
    #[inline(always)]
    fn run<S: Simd, const WIDE: usize>(mut self, simd: S) {
        let count = self.out.first().map_or(0, |weights| weights.len());
        let mut at = 0;
        while at < count {
            let wide = WIDE.min(count - at);
            let mut offsets = [0; WIDE];
            for (index, offset) in offsets.iter_mut().enumerate() {
                // Beyond the last the last is summed again and dropped.
                *offset = self.products.offsets[self.from + (at + index).min(count - 1)];
            }
            let sums = self.sums::<S, WIDE>(simd, offsets, self.out.len());
            for (out, sums) in self.out.iter_mut().zip(&sums) {
                for (out, &sum) in out[at..at + wide].iter_mut().zip(sums) {
                    *out = simd.reduce_sum_f32s(sum);
                }
            }
            at += wide;
        }
    }

    #[inline(always)]
    fn sums<S: Simd, const WIDE: usize>(
        &self,
        simd: S,
        offsets: [usize; WIDE],
        small_rows: usize,
    ) -> [[S::f32s; WIDE]; ROWS] {
        let Products { window, padded_block, small_block, .. } = self.products;
        let [_, rows, columns] = window.output;
        let (pitch, step) = (window.padded[1] * LANES, window.step * LANES);
        let (line, plane) = (columns * LANES, rows * columns * LANES);
        let mut sums = [[simd.splat_f32s(0.0); WIDE]; ROWS];
        for block in 0..self.blocks {
            let padded = &self.padded[block * padded_block..][..padded_block];
            let small = &self.small[block * small_block..][..small_block];
            for row in 0..rows {
                let mut smalls = [&small[..0]; ROWS];
                for (index, slice) in smalls.iter_mut().enumerate() {
                    let channel = self.first + index.min(small_rows - 1);
                    *slice = &small[channel * plane + row * line..][..line];
                }
                let from = row * window.step * pitch;
                let reach = (columns - 1) * step + LANES;
                let mut larges = [&padded[..0]; WIDE];
                for (slice, offset) in larges.iter_mut().zip(offsets) {
                    *slice = &padded[from + offset..][..reach];
                }
                for column in 0..columns {
                    for part in (0..LANES).step_by(S::F32_LANES) {
                        let (small_at, large_at) = (column * LANES + part, column * step + part);
                        let mut x = [simd.splat_f32s(0.0); WIDE];
                        for (x, slice) in x.iter_mut().zip(larges) {
                            *x = load::<S>(&slice[large_at..]);
                        }
                        for (sums, slice) in sums.iter_mut().zip(smalls) {
                            let small = load::<S>(&slice[small_at..]);
                            for (sum, &x) in sums.iter_mut().zip(&x) {
                                *sum = simd.mul_add_e_f32s(small, x, *sum);
                            }
                        }
                    }
                }
            }
        }
        sums
    }
}
