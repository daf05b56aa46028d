//! Normalisation, residual sum and activation in one pass over blocks of 16 lanes, and their gradients.
//!
//! Batch statistics come from per-block means and sums of squared deviations, put together in 64 bit in the order of
//! the blocks (Chan, Golub and LeVeque 1979): no cancellation, and the same values for any number of threads. Lanes
//! beyond the last image of a batch count for nothing, and their gradients are zero.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::activation::Activation;
use super::buffers::Buffer;
use super::shape::Layout;
use super::simd::{LANES, dispatch, load, store, vectors, vectors_mut};

/// A batch in blocks.
#[derive(Clone, Debug)]
pub struct Batch {
    layout: Layout,
    blocks: usize,
    channels: usize,
    height: usize,
    /// Values of one channel of one block: height * columns * 16.
    plane: usize,
    /// Of each block: where it holds pixels, if that is not everywhere.
    masks: Vec<Option<Vec<f32>>>,
}

impl Batch {
    /// From the layout and `[blocks, channels, height, columns, 16]`.
    pub fn new(layout: Layout, [blocks, channels, height, columns, _]: [usize; 5]) -> Self {
        let masks = (0..blocks).map(|block| layout.mask(block)).collect();
        Batch { layout, blocks, channels, height, plane: height * columns * LANES, masks }
    }

    /// Values of one channel of one block that are pixels.
    fn held(&self, block: usize) -> f64 {
        (self.layout.held(block) * self.height * self.layout.width) as f64
    }

    /// Values per channel.
    fn count(&self) -> f64 {
        (self.layout.images * self.height * self.layout.width) as f64
    }

    fn mask(&self, block: usize) -> Option<&[f32]> {
        self.masks[block].as_deref()
    }

    /// The mask where an image's own lanes hold more than its pixels.
    fn ragged_mask(&self, block: usize) -> Option<&[f32]> {
        self.mask(block).filter(|_| self.layout.is_ragged())
    }
}

/// Mean and biased variance per channel.
pub fn statistics(values: &[f32], batch: &Batch) -> (Vec<f32>, Vec<f32>) {
    /// Values, where they are pixels, and how many are.
    struct Plane<'a>(&'a [f32], Option<&'a [f32]>, f64);
    impl WithSimd for Plane<'_> {
        /// Mean and sum of squared deviations.
        type Output = (f64, f64);
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> (f64, f64) {
            let Plane(values, mask, count) = self;
            let values = vectors::<S>(values);
            let masks = mask.map(vectors::<S>);
            let mut sum = simd.splat_f32s(0.0);
            match masks {
                Some(masks) => {
                    for line in values.chunks_exact(masks.len()) {
                        for (&value, &mask) in line.iter().zip(masks) {
                            sum = simd.mul_add_e_f32s(value, mask, sum);
                        }
                    }
                }
                None => {
                    for &value in values {
                        sum = simd.add_f32s(sum, value);
                    }
                }
            }
            let mean = f64::from(simd.reduce_sum_f32s(sum)) / count.max(1.0);
            let centre = simd.splat_f32s(mean as f32);
            let mut squares = simd.splat_f32s(0.0);
            match masks {
                Some(masks) => {
                    for line in values.chunks_exact(masks.len()) {
                        for (&value, &mask) in line.iter().zip(masks) {
                            let off = simd.mul_f32s(simd.sub_f32s(value, centre), mask);
                            squares = simd.mul_add_e_f32s(off, off, squares);
                        }
                    }
                }
                None => {
                    for &value in values {
                        let off = simd.sub_f32s(value, centre);
                        squares = simd.mul_add_e_f32s(off, off, squares);
                    }
                }
            }
            (mean, f64::from(simd.reduce_sum_f32s(squares)))
        }
    }
    let &Batch { blocks, channels, plane, .. } = batch;
    let parts: Vec<(f64, f64)> = values
        .par_chunks(plane.max(1))
        .enumerate()
        .with_min_len(8)
        .map(|(index, plane)| {
            let block = index / channels;
            dispatch(Plane(plane, batch.mask(block), batch.held(block)))
        })
        .collect();
    (0..channels)
        .map(|channel| {
            let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
            for block in 0..blocks {
                let (of_block, off) = parts[block * channels + channel];
                let here = batch.held(block);
                let total: f64 = count + here;
                if here == 0.0 {
                    continue;
                }
                let shift = of_block - mean;
                mean += shift * here / total;
                squares += off + shift * shift * count * here / total;
                count = total;
            }
            (mean as f32, (squares / count.max(1.0)) as f32)
        })
        .unzip()
}

/// `activation(x * scale + shift + residual)`, scale and shift per channel.
pub fn affine(
    x: &[f32],
    scale: &[f32],
    shift: &[f32],
    residual: Option<&[f32]>,
    activation: Activation,
    batch: &Batch,
) -> Buffer {
    struct Plane<'a> {
        x: &'a [f32],
        scale: f32,
        shift: f32,
        residual: Option<&'a [f32]>,
        activation: Activation,
        out: &'a mut [f32],
    }
    impl WithSimd for Plane<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let (scale, shift) = (simd.splat_f32s(self.scale), simd.splat_f32s(self.shift));
            let out = vectors_mut::<S>(self.out).iter_mut().zip(vectors::<S>(self.x));
            match self.residual {
                Some(residual) => {
                    for ((out, &x), &residual) in out.zip(vectors::<S>(residual)) {
                        let sum = simd.add_f32s(simd.mul_add_e_f32s(x, scale, shift), residual);
                        *out = self.activation.apply(simd, sum);
                    }
                }
                None => {
                    for (out, &x) in out {
                        *out = self.activation.apply(simd, simd.mul_add_e_f32s(x, scale, shift));
                    }
                }
            }
        }
    }
    let mut out = Buffer::dirty(x.len());
    let plane = batch.plane.max(1);
    out.par_chunks_mut(plane).enumerate().with_min_len(8).for_each(|(index, out)| {
        let channel = index % batch.channels;
        let span = index * plane..(index + 1) * plane;
        dispatch(Plane {
            x: &x[span.clone()],
            scale: scale[channel],
            shift: shift[channel],
            residual: residual.map(|values| &values[span]),
            activation,
            out,
        });
    });
    out
}

/// What a training normalisation sends back.
pub struct Gradients {
    pub x: Buffer,
    /// The gradient before the normalisation, where a residual wants it.
    pub residual: Option<Buffer>,
    pub gamma: Vec<f32>,
    pub beta: Vec<f32>,
}

/// Gradients of `activation(gamma * (x - mean) * inverse + beta + residual)`, mean and inverse deviation being those
/// of x itself. `activated` is the result of the forward.
#[allow(clippy::too_many_arguments)]
pub fn batch_backward(
    gradient: &[f32],
    x: &[f32],
    activated: &[f32],
    mean: &[f32],
    inverse: &[f32],
    gamma: &[f32],
    activation: Activation,
    with_residual: bool,
    batch: &Batch,
) -> Gradients {
    struct Sums<'a>(&'a [f32], &'a [f32], &'a [f32], f32, f32, Activation);
    impl WithSimd for Sums<'_> {
        type Output = (f64, f64);
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> (f64, f64) {
            let Sums(gradient, x, activated, mean, inverse, activation) = self;
            let mean = simd.splat_f32s(mean);
            let (mut sum, mut product) = (simd.splat_f32s(0.0), simd.splat_f32s(0.0));
            let values = vectors::<S>(gradient).iter().zip(vectors::<S>(x)).zip(vectors::<S>(activated));
            for ((&gradient, &x), &activated) in values {
                let gradient = activation.undo(simd, gradient, activated);
                sum = simd.add_f32s(sum, gradient);
                product = simd.mul_add_e_f32s(gradient, simd.sub_f32s(x, mean), product);
            }
            let product = f64::from(simd.reduce_sum_f32s(product)) * f64::from(inverse);
            (f64::from(simd.reduce_sum_f32s(sum)), product)
        }
    }
    struct Back<'a> {
        gradient: &'a [f32],
        x: &'a [f32],
        activated: &'a [f32],
        /// x gradient = gradient * factors[0] + x * factors[1] + factors[2].
        factors: [f32; 3],
        activation: Activation,
        mask: Option<&'a [f32]>,
        out: &'a mut [f32],
        residual: Option<&'a mut [f32]>,
    }
    impl WithSimd for Back<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let [of_gradient, of_x, constant] = self.factors.map(|factor| simd.splat_f32s(factor));
            let masks = self.mask.map(vectors::<S>);
            let values = vectors::<S>(self.gradient).iter().zip(vectors::<S>(self.x));
            let values = values.zip(vectors::<S>(self.activated)).zip(vectors_mut::<S>(self.out)).enumerate();
            let mut residual = self.residual.map(vectors_mut::<S>);
            for (index, (((&gradient, &x), &activated), out)) in values {
                let gradient = self.activation.undo(simd, gradient, activated);
                let value = simd.mul_add_e_f32s(x, of_x, constant);
                let mut value = simd.mul_add_e_f32s(gradient, of_gradient, value);
                if let Some(masks) = masks {
                    value = simd.mul_f32s(value, masks[index % masks.len()]);
                }
                *out = value;
                if let Some(residual) = residual.as_deref_mut() {
                    residual[index] = gradient;
                }
            }
        }
    }
    let &Batch { blocks, channels, plane, .. } = batch;
    let plane = plane.max(1);
    let span = |index: usize| index * plane..(index + 1) * plane;
    let parts: Vec<(f64, f64)> = gradient
        .par_chunks(plane)
        .enumerate()
        .with_min_len(8)
        .map(|(index, gradient)| {
            let channel = index % channels;
            let (x, activated) = (&x[span(index)], &activated[span(index)]);
            dispatch(Sums(gradient, x, activated, mean[channel], inverse[channel], activation))
        })
        .collect();
    let of = |channel: usize, pick: fn(&(f64, f64)) -> f64| -> f64 {
        (0..blocks).map(|block| pick(&parts[block * channels + channel])).sum()
    };
    let beta: Vec<f64> = (0..channels).map(|channel| of(channel, |part| part.0)).collect();
    let along: Vec<f64> = (0..channels).map(|channel| of(channel, |part| part.1)).collect();
    let count = batch.count().max(1.0);
    let factors: Vec<[f32; 3]> = (0..channels)
        .map(|channel| {
            let (mean, inverse) = (f64::from(mean[channel]), f64::from(inverse[channel]));
            let scale = f64::from(gamma[channel]) * inverse;
            let of_x = -scale * inverse * along[channel] / count;
            let constant = -scale * beta[channel] / count - of_x * mean;
            [scale as f32, of_x as f32, constant as f32]
        })
        .collect();
    let mut out = Buffer::dirty(gradient.len());
    let mut residual = with_residual.then(|| Buffer::dirty(gradient.len()));
    let run = |index: usize, out: &mut [f32], residual: Option<&mut [f32]>| {
        let block = index / channels;
        dispatch(Back {
            gradient: &gradient[span(index)],
            x: &x[span(index)],
            activated: &activated[span(index)],
            factors: factors[index % channels],
            activation,
            mask: batch.mask(block),
            out,
            residual,
        });
    };
    match residual.as_mut() {
        Some(residual) => {
            out.par_chunks_mut(plane)
                .zip(residual.par_chunks_mut(plane))
                .enumerate()
                .with_min_len(8)
                .for_each(|(index, (out, residual))| run(index, out, Some(residual)));
        }
        None => out
            .par_chunks_mut(plane)
            .enumerate()
            .with_min_len(8)
            .for_each(|(index, out)| run(index, out, None)),
    }
    Gradients {
        x: out,
        residual,
        gamma: along.into_iter().map(|value| value as f32).collect(),
        beta: beta.into_iter().map(|value| value as f32).collect(),
    }
}

/// Sums of lanes to the sum of the image that each lane belongs to.
#[inline(always)]
fn per_image(sums: &mut [f32; LANES], strips: usize) {
    if strips > 1 {
        for of_image in sums.chunks_exact_mut(strips) {
            let sum = of_image.iter().sum::<f32>();
            of_image.fill(sum);
        }
    }
}

/// `activation((x - mean) * inverse + residual)` with the statistics of each image and channel by itself. Also gives
/// mean and inverse deviation, `[blocks, channels, 2, 16]`.
pub fn instance(
    x: &[f32],
    residual: Option<&[f32]>,
    activation: Activation,
    epsilon: f32,
    batch: &Batch,
) -> (Buffer, Buffer) {
    struct Plane<'a> {
        x: &'a [f32],
        residual: Option<&'a [f32]>,
        activation: Activation,
        epsilon: f32,
        strips: usize,
        /// One by the pixels of an image.
        share: f32,
        mask: Option<&'a [f32]>,
        out: &'a mut [f32],
        statistics: &'a mut [f32],
    }
    impl WithSimd for Plane<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let masks = self.mask;
            let masked = |value: S::f32s, at: usize| match masks {
                Some(masks) => simd.mul_f32s(value, load::<S>(&masks[at % masks.len()..])),
                None => value,
            };
            let positions = |part: usize| (part..self.x.len()).step_by(LANES);
            let (mut means, mut inverses) = ([0.0; LANES], [0.0; LANES]);
            for part in (0..LANES).step_by(S::F32_LANES) {
                let mut sum = simd.splat_f32s(0.0);
                for at in positions(part) {
                    sum = simd.add_f32s(sum, masked(load::<S>(&self.x[at..]), at));
                }
                store::<S>(&mut means[part..], sum);
            }
            per_image(&mut means, self.strips);
            means.iter_mut().for_each(|mean| *mean *= self.share);
            for part in (0..LANES).step_by(S::F32_LANES) {
                let mean = load::<S>(&means[part..]);
                let mut squares = simd.splat_f32s(0.0);
                for at in positions(part) {
                    let off = masked(simd.sub_f32s(load::<S>(&self.x[at..]), mean), at);
                    squares = simd.mul_add_e_f32s(off, off, squares);
                }
                store::<S>(&mut inverses[part..], squares);
            }
            per_image(&mut inverses, self.strips);
            inverses.iter_mut().for_each(|sum| *sum = 1.0 / (*sum * self.share + self.epsilon).sqrt());
            for part in (0..LANES).step_by(S::F32_LANES) {
                let (mean, inverse) = (load::<S>(&means[part..]), load::<S>(&inverses[part..]));
                for at in positions(part) {
                    let off = simd.sub_f32s(load::<S>(&self.x[at..]), mean);
                    let mut value = simd.mul_f32s(off, inverse);
                    if let Some(residual) = self.residual {
                        value = simd.add_f32s(value, load::<S>(&residual[at..]));
                    }
                    store::<S>(&mut self.out[at..], self.activation.apply(simd, value));
                }
            }
            self.statistics[..LANES].copy_from_slice(&means);
            self.statistics[LANES..].copy_from_slice(&inverses);
        }
    }
    let plane = batch.plane.max(1);
    let share = 1.0 / (batch.height * batch.layout.width).max(1) as f32;
    let mut out = Buffer::dirty(x.len());
    let mut statistics = Buffer::dirty(batch.blocks * batch.channels * 2 * LANES);
    out.par_chunks_mut(plane).zip(statistics.par_chunks_mut(2 * LANES)).enumerate().for_each(
        |(index, (out, statistics))| {
            let span = index * plane..(index + 1) * plane;
            dispatch(Plane {
                x: &x[span.clone()],
                residual: residual.map(|values| &values[span]),
                activation,
                epsilon,
                strips: batch.layout.strips,
                share,
                mask: batch.ragged_mask(index / batch.channels),
                out,
                statistics,
            });
        },
    );
    (out, statistics)
}

/// Gradient of [`instance`] to x, and before the normalisation where a residual wants it.
pub fn instance_backward(
    gradient: &[f32],
    x: &[f32],
    activated: &[f32],
    statistics: &[f32],
    activation: Activation,
    batch: &Batch,
) -> (Buffer, Buffer) {
    struct Plane<'a> {
        gradient: &'a [f32],
        x: &'a [f32],
        activated: &'a [f32],
        statistics: &'a [f32],
        activation: Activation,
        strips: usize,
        share: f32,
        mask: Option<&'a [f32]>,
        out: &'a mut [f32],
        before: &'a mut [f32],
    }
    impl WithSimd for Plane<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let (mut sums, mut alongs) = ([0.0; LANES], [0.0; LANES]);
            for part in (0..LANES).step_by(S::F32_LANES) {
                let mean = load::<S>(&self.statistics[part..]);
                let inverse = load::<S>(&self.statistics[LANES + part..]);
                let (mut sum, mut along) = (simd.splat_f32s(0.0), simd.splat_f32s(0.0));
                for at in (part..self.x.len()).step_by(LANES) {
                    let (gradient, activated) =
                        (load::<S>(&self.gradient[at..]), load::<S>(&self.activated[at..]));
                    let gradient = self.activation.undo(simd, gradient, activated);
                    store::<S>(&mut self.before[at..], gradient);
                    let off = simd.mul_f32s(simd.sub_f32s(load::<S>(&self.x[at..]), mean), inverse);
                    sum = simd.add_f32s(sum, gradient);
                    along = simd.mul_add_e_f32s(gradient, off, along);
                }
                store::<S>(&mut sums[part..], sum);
                store::<S>(&mut alongs[part..], along);
            }
            per_image(&mut sums, self.strips);
            per_image(&mut alongs, self.strips);
            let share = simd.splat_f32s(self.share);
            for part in (0..LANES).step_by(S::F32_LANES) {
                let mean = load::<S>(&self.statistics[part..]);
                let inverse = load::<S>(&self.statistics[LANES + part..]);
                let sum = simd.mul_f32s(load::<S>(&sums[part..]), share);
                let along = simd.mul_f32s(load::<S>(&alongs[part..]), share);
                for at in (part..self.x.len()).step_by(LANES) {
                    let off = simd.mul_f32s(simd.sub_f32s(load::<S>(&self.x[at..]), mean), inverse);
                    let gradient = simd.sub_f32s(load::<S>(&self.before[at..]), sum);
                    let value = simd.sub_f32s(gradient, simd.mul_f32s(off, along));
                    let mut value = simd.mul_f32s(value, inverse);
                    if let Some(masks) = self.mask {
                        value = simd.mul_f32s(value, load::<S>(&masks[at % masks.len()..]));
                    }
                    store::<S>(&mut self.out[at..], value);
                }
            }
        }
    }
    let plane = batch.plane.max(1);
    let share = 1.0 / (batch.height * batch.layout.width).max(1) as f32;
    let mut out = Buffer::dirty(x.len());
    let mut before = Buffer::dirty(x.len());
    out.par_chunks_mut(plane).zip(before.par_chunks_mut(plane)).enumerate().for_each(
        |(index, (out, before))| {
            let span = index * plane..(index + 1) * plane;
            dispatch(Plane {
                gradient: &gradient[span.clone()],
                x: &x[span.clone()],
                activated: &activated[span],
                statistics: &statistics[index * 2 * LANES..][..2 * LANES],
                activation,
                strips: batch.layout.strips,
                share,
                mask: batch.ragged_mask(index / batch.channels),
                out,
                before,
            });
        },
    );
    (out, before)
}
