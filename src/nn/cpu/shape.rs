//! What a convolution looks like to the kernels: one gather over a padded input, whatever it was called.
//!
//! A convolution, a transposed convolution and the gradient of either to its input are the same thing: every output
//! position sums weighted inputs at fixed offsets. With a stride between the positions of the *output* the offsets
//! depend on the position modulo the stride, so the output falls into phases with fewer taps each.

use super::buffers::Buffer;

/// Output channels whose weights lie side by side.
pub const TILE: usize = 8;

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

    /// Forward: `[channels, height, width]` of the input to those of the output.
    pub fn forward(&self, [channels, height, width]: [usize; 3], outputs: usize) -> Gather {
        let out = [outputs, self.output_side(height), self.output_side(width)];
        if self.transposed {
            self.spread([channels, height, width], out, self.padding)
        } else {
            self.slide([channels, height, width], out, self.padding, self.border)
        }
    }

    /// Gradient to the input: from `[channels, height, width]` of the output gradient to those of the input. With a
    /// mirrored border it is the gradient of the *padded* input, larger by the padding on each side.
    pub fn backward(&self, gradient: [usize; 3], input: [usize; 3]) -> Gather {
        if self.transposed {
            self.slide(gradient, input, self.padding, Border::Zero)
        } else if self.border == Border::Reflect {
            let [channels, height, width] = input;
            let padded = [channels, height + 2 * self.padding, width + 2 * self.padding];
            self.spread(gradient, padded, 0)
        } else {
            self.spread(gradient, input, self.padding)
        }
    }

    /// Positions of the output walk over the input in steps of the stride.
    fn slide(&self, input: [usize; 3], output: [usize; 3], padding: usize, border: Border) -> Gather {
        let needed = |side: usize| (side.max(1) - 1) * self.stride + self.kernel;
        let [_, height, width] = input;
        let taps = (0..self.kernel * self.kernel)
            .map(|index| Tap { row: index / self.kernel, column: index % self.kernel, weight: index })
            .collect();
        let phase = Phase { row: 0, column: 0, rows: output[1], columns: output[2], taps };
        Gather {
            input,
            output,
            top: padding,
            padded: [needed(output[1]).max(height + padding), needed(output[2]).max(width + padding)],
            border,
            step: self.stride,
            spread: 1,
            phases: vec![phase],
        }
    }

    /// Positions of the output lie between those of the input.
    fn spread(&self, input: [usize; 3], output: [usize; 3], padding: usize) -> Gather {
        let (kernel, stride) = (self.kernel as isize, self.stride as isize);
        // Offsets of the input that a phase of one direction reads, with the kernel's index.
        let offsets = |phase: isize| -> Vec<(isize, usize)> {
            let first = (phase + padding as isize) % stride;
            (first..kernel)
                .step_by(self.stride)
                .map(|index| ((phase + padding as isize - index) / stride, index as usize))
                .collect()
        };
        let all: Vec<isize> = (0..stride).flat_map(|phase| offsets(phase).into_iter().map(|o| o.0)).collect();
        let least = all.iter().copied().min().unwrap_or(0).min(0);
        let most = all.iter().copied().max().unwrap_or(0).max(0);
        let top = least.unsigned_abs();
        let count = |side: usize, phase: usize| side.saturating_sub(phase).div_ceil(self.stride);
        let padded = |input: usize, output: usize| {
            (top + input).max(top + count(output, 0).max(1) - 1 + most.unsigned_abs() + 1)
        };
        let mut phases = Vec::new();
        for row in 0..self.stride {
            for column in 0..self.stride {
                let mut taps = Vec::new();
                for (dr, kr) in offsets(row as isize) {
                    for (dc, kc) in offsets(column as isize) {
                        taps.push(Tap {
                            row: (dr - least) as usize,
                            column: (dc - least) as usize,
                            weight: kr * self.kernel + kc,
                        });
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
            output,
            top,
            padded: [padded(input[1], output[1]), padded(input[2], output[2])],
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
    /// `[channels, height, width]`.
    pub input: [usize; 3],
    /// `[channels, height, width]`.
    pub output: [usize; 3],
    /// Rows and columns put before the input.
    pub top: usize,
    /// Height and width with the border.
    pub padded: [usize; 2],
    pub border: Border,
    /// Rows of the padded input from one position of a phase to the next.
    pub step: usize,
    /// Rows of the output from one position of a phase to the next.
    pub spread: usize,
    pub phases: Vec<Phase>,
}

impl Gather {
    /// The row (or column) of the input that stands at `index` of the padded one; none in a border of zeros.
    pub fn source(&self, index: usize, side: usize) -> Option<usize> {
        if let Some(inside) = index.checked_sub(self.top)
            && inside < side
        {
            return Some(inside);
        }
        if self.border == Border::Zero {
            return None;
        }
        // Beyond the mirrored border lies room that kernels add to fill a tile.
        let mirrored = match self.top.checked_sub(index) {
            Some(before) => before,
            None => (2 * (side - 1)).checked_sub(index - self.top)?,
        };
        (mirrored < side).then_some(mirrored)
    }

    /// Multiplications per image.
    pub fn work(&self) -> usize {
        let per_phase = |phase: &Phase| phase.rows * phase.columns * phase.taps.len();
        self.phases.iter().map(per_phase).sum::<usize>() * self.input[0] * self.output[0]
    }
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
