//! What a convolution looks like to the kernels: one gather over a padded input, whatever it was called.
//!
//! A convolution, a transposed convolution and the gradient of either to its input are the same thing: every output
//! position sums weighted inputs at fixed offsets. With a stride between the positions of the *output* the offsets
//! depend on the position modulo the stride, so the output falls into phases with fewer taps each.

use super::buffers::Buffer;
use super::simd::LANES;

/// Output channels whose weights lie side by side.
pub const TILE: usize = 8;

/// How a batch lies in blocks of 16 lanes.
///
/// A lane holds an image, or an upright strip of one: few images then fill a block, as strips of as many columns side
/// by side, `lane = image * strips + strip`. The last strip's columns beyond the image hold nothing, as do lanes beyond
/// the last image: values there mean nothing, gradients there are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pub images: usize,
    /// Strips of an image: 1, 2, 4 or 8.
    pub strips: usize,
    /// Columns of a whole image.
    pub width: usize,
}

/// Columns that a strip has at least when a batch is laid out.
const MIN_COLUMNS: usize = 8;

impl Layout {
    /// One image in each lane.
    pub fn whole(images: usize, width: usize) -> Self {
        Layout { images, strips: 1, width }
    }

    /// The fewest strips that leave next to no lane empty.
    pub fn filled(images: usize, width: usize) -> Self {
        let used =
            |layout: &Layout| (images * layout.strips) as f64 / (LANES * layout.blocks()).max(1) as f64;
        let mut best = Layout::whole(images, width);
        for strips in [2, 4, 8] {
            let next = Layout { strips, ..best };
            // What a strip reads beyond its edges has to pay.
            if width >= strips * MIN_COLUMNS && used(&next) > 1.2 * used(&best) {
                best = next;
            }
        }
        best
    }

    /// The same for maps of another width.
    #[must_use]
    pub fn with_width(self, width: usize) -> Self {
        Layout { width, ..self }
    }

    pub fn images_in_block(&self) -> usize {
        LANES / self.strips
    }

    pub fn blocks(&self) -> usize {
        self.images.div_ceil(self.images_in_block())
    }

    /// Columns of a strip.
    pub fn columns(&self) -> usize {
        self.width.div_ceil(self.strips)
    }

    /// True where the last strip has columns beyond the image.
    pub fn is_ragged(&self) -> bool {
        !self.width.is_multiple_of(self.strips)
    }

    /// Whole images as one long row of pixels, which is the same in memory; strips as they are.
    pub fn in_one_row(self, height: usize) -> (usize, Self) {
        if self.strips == 1 { (1, self.with_width(height * self.width)) } else { (height, self) }
    }

    /// Images of one block.
    pub fn held(&self, block: usize) -> usize {
        self.images.saturating_sub(block * self.images_in_block()).min(self.images_in_block())
    }

    /// 1 where a column and lane of a block hold a pixel, 0 elsewhere, `[columns, 16]`. None where all hold one.
    pub fn mask(&self, block: usize) -> Option<Vec<f32>> {
        let (held, columns) = (self.held(block), self.columns());
        if held == self.images_in_block() && !self.is_ragged() {
            return None;
        }
        let mut mask = Vec::with_capacity(columns * LANES);
        for column in 0..columns {
            for lane in 0..LANES {
                let inside = lane % self.strips * columns + column < self.width;
                mask.push(if inside && lane / self.strips < held { 1.0 } else { 0.0 });
            }
        }
        Some(mask)
    }
}

/// How the border is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    Zero,
    /// Mirrored without repeating the edge, as PyTorch's ReflectionPad2d.
    Reflect,
}

/// A convolution as its owner describes it. Kernels are square, strides equal in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvShape {
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    pub border: Border,
    /// True for a transposed convolution; weights are then `[in, out, kernel, kernel]`.
    pub transposed: bool,
    /// Rows and columns added at the far sides of a transposed convolution's output.
    pub output_padding: usize,
}

impl ConvShape {
    /// Side of the output for a side of the input.
    ///
    /// A kernel larger than the padded input gives 0.
    pub fn output_side(&self, input: usize) -> usize {
        if self.transposed {
            ((input.max(1) - 1) * self.stride + self.kernel + self.output_padding)
                .saturating_sub(2 * self.padding)
        } else {
            (input + 2 * self.padding).checked_sub(self.kernel).map_or(0, |free| free / self.stride + 1)
        }
    }

    /// `[in, out]` channels of a weight tensor.
    pub fn channels(&self, weight: [usize; 4]) -> [usize; 2] {
        if self.transposed { [weight[0], weight[1]] } else { [weight[1], weight[0]] }
    }

    /// True where each strip of a result comes from the same strip of the input and its neighbours.
    pub fn keeps_strips(&self, layout: Layout) -> bool {
        if layout.strips == 1 {
            return true;
        }
        let (here, there) = (layout.columns(), layout.with_width(self.output_side(layout.width)).columns());
        if self.transposed {
            there == here * self.stride
        } else {
            let mirrored = self.border == Border::Reflect && self.padding > 0;
            here == there * self.stride && !(mirrored && self.stride > 1)
        }
    }

    /// Forward: from `[channels, height]` of the input and how it lies to the result's channels.
    pub fn forward(&self, [channels, height]: [usize; 2], layout: Layout, outputs: usize) -> Gather {
        let result = layout.with_width(self.output_side(layout.width));
        let input = [channels, height, layout.columns()];
        let out = [outputs, self.output_side(height), result.columns()];
        if self.transposed {
            self.spread(input, layout, out, [self.padding; 2])
        } else {
            self.slide(input, layout, out, self.border)
        }
    }

    /// Gradient to the input: from `[channels, height, columns]` of the output gradient, which lies as `layout` says,
    /// to those of the input. A mirrored border is [`ConvShape::backward_padded`].
    pub fn backward(&self, gradient: [usize; 3], layout: Layout, input: [usize; 3]) -> Gather {
        if self.transposed {
            self.slide(gradient, layout, input, Border::Zero)
        } else {
            self.spread(gradient, layout, input, [self.padding; 2])
        }
    }

    /// Gradient to the *padded* input, `padded` of it as `[channels, rows, columns]`: all its rows, and its columns
    /// from `columns_from` on.
    pub fn backward_padded(
        &self,
        gradient: [usize; 3],
        layout: Layout,
        padded: [usize; 3],
        columns_from: usize,
    ) -> Gather {
        self.spread(gradient, layout, padded, [0, columns_from])
    }

    /// Positions of the output walk over the input in steps of the stride.
    fn slide(&self, input: [usize; 3], layout: Layout, output: [usize; 3], border: Border) -> Gather {
        let padding = self.padding;
        let needed = |side: usize| (side.max(1) - 1) * self.stride + self.kernel;
        let [_, height, width] = input;
        let taps = (0..self.kernel * self.kernel)
            .map(|index| Tap { row: index / self.kernel, column: index % self.kernel, weight: index })
            .collect();
        let phase = Phase { row: 0, column: 0, rows: output[1], columns: output[2], taps };
        Gather {
            input,
            layout,
            output,
            before: [padding; 2],
            padded: [needed(output[1]).max(height + padding), needed(output[2]).max(width + padding)],
            border,
            step: self.stride,
            spread: 1,
            phases: vec![phase],
        }
    }

    /// Positions of the output lie between those of the input. `padding` is of rows and of columns.
    fn spread(&self, input: [usize; 3], layout: Layout, output: [usize; 3], padding: [usize; 2]) -> Gather {
        // Offsets of the input that each phase of one direction reads, with the kernel's index; rows or columns put
        // before the input; height or width with its border.
        let direction = |padding: usize, input: usize, output: usize| {
            let phases: Vec<Vec<(isize, usize)>> = (0..self.stride)
                .map(|phase| {
                    let first = (phase + padding) % self.stride;
                    let at = |index: usize| (phase + padding) as isize - index as isize;
                    (first..self.kernel)
                        .step_by(self.stride)
                        .map(|index| (at(index) / self.stride as isize, index))
                        .collect()
                })
                .collect();
            let offsets = || phases.iter().flatten().map(|offset| offset.0);
            let before = offsets().min().unwrap_or(0).min(0).unsigned_abs();
            let most = offsets().max().unwrap_or(0).max(0).unsigned_abs();
            let positions = output.div_ceil(self.stride).max(1);
            (phases, before, (before + input).max(before + positions + most))
        };
        let (rows, above, tall) = direction(padding[0], input[1], output[1]);
        let (columns, left, wide) = direction(padding[1], input[2], output[2]);
        let place = |offset: isize, before: usize| offset.saturating_add_unsigned(before) as usize;
        let count = |side: usize, phase: usize| side.saturating_sub(phase).div_ceil(self.stride);
        let mut phases = Vec::new();
        for (row, of_rows) in rows.iter().enumerate() {
            for (column, of_columns) in columns.iter().enumerate() {
                let mut taps = Vec::new();
                for &(dr, kr) in of_rows {
                    for &(dc, kc) in of_columns {
                        let weight = kr * self.kernel + kc;
                        taps.push(Tap { row: place(dr, above), column: place(dc, left), weight });
                    }
                }
                let (rows, columns) = (count(output[1], row), count(output[2], column));
                if rows > 0 && columns > 0 {
                    phases.push(Phase { row, column, rows, columns, taps });
                }
            }
        }
        Gather {
            input,
            layout,
            output,
            before: [above, left],
            padded: [tall, wide],
            border: Border::Zero,
            step: 1,
            spread: self.stride,
            phases,
        }
    }
}

/// One weight of a kernel and where its input lies, in rows and columns of the padded input.
#[derive(Clone, Copy, Debug)]
pub struct Tap {
    pub row: usize,
    pub column: usize,
    /// Index in the square kernel.
    pub weight: usize,
}

/// Output positions that share their taps: `row + q * spread`, for q below `rows`; columns alike.
#[derive(Clone, Debug)]
pub struct Phase {
    pub row: usize,
    pub column: usize,
    pub rows: usize,
    pub columns: usize,
    pub taps: Vec<Tap>,
}

/// A convolution or gradient as the kernels run it.
#[derive(Clone, Debug)]
pub struct Gather {
    /// `[channels, height, columns of a strip]`.
    pub input: [usize; 3],
    /// How the input lies.
    pub layout: Layout,
    /// `[channels, height, columns of a strip]`.
    pub output: [usize; 3],
    /// Rows and columns put before the input.
    pub before: [usize; 2],
    /// Height and columns of a strip with the border.
    pub padded: [usize; 2],
    pub border: Border,
    /// Rows of the padded input from one position of a phase to the next.
    pub step: usize,
    /// Rows of the output from one position of a phase to the next.
    pub spread: usize,
    pub phases: Vec<Phase>,
}

impl Gather {
    /// Rows of the phase that has most of them.
    pub fn most_rows(&self) -> usize {
        self.phases.iter().map(|phase| phase.rows).max().unwrap_or(0)
    }

    /// The row of the input that stands at `index` of the padded one; none in a border of zeros.
    pub fn row(&self, index: usize) -> Option<usize> {
        source(index, self.before[0], self.input[1], self.border)
    }

    /// The column of whole images that stands at `index` of the padded ones; none in a border of zeros.
    pub fn whole_column(&self, index: usize) -> Option<usize> {
        source(index, self.before[1], self.layout.width, self.border)
    }

    /// Where each lane of a padded column comes from: `column * 16 + lane` of the input's strip. None where that is the
    /// same column and lane for all.
    pub fn column(&self, index: usize) -> Option<[Option<usize>; LANES]> {
        let Layout { strips, width, .. } = self.layout;
        let columns = self.input[2];
        let lanes: [Option<usize>; LANES] = std::array::from_fn(|lane| {
            let strip = lane % strips;
            let found = source(strip * columns + index, self.before[1], width, self.border)?;
            Some(found % columns * LANES + lane - strip + found / columns)
        });
        let inside = index.checked_sub(self.before[1]).filter(|column| *column < columns);
        let same = inside.is_some_and(|column| {
            lanes.iter().enumerate().all(|(lane, found)| *found == Some(column * LANES + lane))
        });
        (!same).then_some(lanes)
    }

    /// Leaves out taps that read nothing but a border of zeros, at any position of a row.
    pub fn without_idle_taps(mut self) -> Self {
        let (before, width, border) = (self.before[1], self.layout.width, self.border);
        for phase in &mut self.phases {
            let positions = 0..phase.columns;
            phase.taps.retain(|tap| {
                positions.clone().any(|at| source(at + tap.column, before, width, border).is_some())
            });
        }
        self
    }
}

/// The row or column of an input of `side` that stands at `index` once `before` were put in front.
fn source(index: usize, before: usize, side: usize, border: Border) -> Option<usize> {
    if let Some(inside) = index.checked_sub(before)
        && inside < side
    {
        return Some(inside);
    }
    if border == Border::Zero {
        return None;
    }
    // Beyond the mirrored border lies room that kernels add to fill a tile.
    let mirrored = match before.checked_sub(index) {
        Some(ahead) => ahead,
        None => (2 * (side - 1)).checked_sub(index - before)?,
    };
    (mirrored < side).then_some(mirrored)
}

/// Weights in the order in which a kernel reads them: phase, tile of [`TILE`] output channels, input channel, tap,
/// channel in the tile. Channels beyond the last are zero.
pub struct Packed {
    values: Buffer,
    /// Where each phase begins, and the values of one tile in it.
    phases: Vec<(usize, usize)>,
}

impl Packed {
    /// `input_first` says that `weight` is `[gather input, gather output, k, k]` and not the other way round.
    pub fn new(weight: &[f32], gather: &Gather, kernel: usize, input_first: bool) -> Self {
        use rayon::prelude::*;
        let [inputs, ..] = gather.input;
        let [outputs, ..] = gather.output;
        let (area, tiles) = (kernel * kernel, outputs.div_ceil(TILE));
        let mut phases = Vec::with_capacity(gather.phases.len());
        let mut total = 0;
        for phase in &gather.phases {
            let tile = inputs * phase.taps.len() * TILE;
            phases.push((total, tile));
            total += tile * tiles;
        }
        let mut values = Buffer::dirty(total);
        let mut rest: &mut [f32] = &mut values;
        for (phase, &(_, tile)) in gather.phases.iter().zip(&phases) {
            let (here, after) = rest.split_at_mut(tile * tiles);
            rest = after;
            if tile == 0 {
                continue;
            }
            here.par_chunks_mut(tile).enumerate().with_min_len((16 * 1024 / tile).max(1)).for_each(
                |(index, out)| {
                    let taps = phase.taps.len();
                    for (input, out) in out.chunks_exact_mut(taps * TILE).enumerate() {
                        for (tap, out) in phase.taps.iter().zip(out.chunks_exact_mut(TILE)) {
                            for (lane, out) in out.iter_mut().enumerate() {
                                let output = index * TILE + lane;
                                let row = if input_first {
                                    input * outputs + output
                                } else {
                                    output * inputs + input
                                };
                                *out = if output < outputs { weight[row * area + tap.weight] } else { 0.0 };
                            }
                        }
                    }
                },
            );
        }
        Packed { values, phases }
    }

    /// The weights of one tile of output channels in one phase.
    #[inline(always)]
    pub fn tile(&self, phase: usize, tile: usize) -> &[f32] {
        let (start, len) = self.phases[phase];
        &self.values[start + tile * len..][..len]
    }
}
