//! The kernels as operations of burn's flex backend and of its autodiff wrapper.
//!
//! Only these two backends are listed: `nn::layers` calls burn's own operations on any other device. A tensor without
//! elements stands for one that is absent. Gradients are made only for the inputs that ask for one: a walk over pixels
//! (M2m) never makes a gradient to the weights.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, TensorMetadata as _, backend_extension};
use burn::tensor::{DType, Shape, TensorData};

use super::activation::Activation;
use super::buffers::Buffer;
use super::conv::{self, Filter, Finish, Through};
use super::halving::Halving;
use super::norm::{self, Batch};
use super::shape::{Border, ConvShape, Gather, Layout};
use super::simd::LANES;
use super::{lanes, optim};

type Flat = FloatTensor<Flex>;

/// One use of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct ConvCall {
    /// How the input lies.
    pub layout: Layout,
    pub shape: ConvShape,
    pub activation: Activation,
    /// A promise that the same blocks are a residual of a later operation, whose gradient then is there first.
    pub forked: bool,
}

/// Operations on blocks of 16 lanes, `[blocks, channels, height, columns, 16]`, which lie as their [`Layout`] says.
#[backend_extension(Autodiff, Flex)]
pub trait LaneOps: Backend {
    /// `[images, channels, height, width]` to blocks; what holds no pixel is zero.
    fn lanes_from_images(images: FloatTensor<Self>, layout: Layout) -> FloatTensor<Self>;

    /// Blocks to `[images, channels, height, width]`.
    fn lanes_to_images(blocks: FloatTensor<Self>, layout: Layout) -> FloatTensor<Self>;

    /// Mean over the pixels of whole images: `[images, channels]`.
    fn lanes_mean_pixels(blocks: FloatTensor<Self>, images: usize) -> FloatTensor<Self>;

    /// Every `stride`th pixel of whole images, with zero channels before and after.
    fn lanes_shortcut(
        blocks: FloatTensor<Self>,
        stride: usize,
        before: usize,
        after: usize,
    ) -> FloatTensor<Self>;

    /// `activation(convolution(blocks, weight) + bias + residual)`; bias and residual may be absent.
    fn lanes_conv(
        blocks: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        call: ConvCall,
    ) -> FloatTensor<Self>;

    /// `activation(gamma * (x - mean) / sqrt(variance + epsilon) + beta + residual)` with the statistics of this batch;
    /// also those, mean and biased variance per channel, without gradients. The residual may be absent.
    fn lanes_batch_norm(
        blocks: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        epsilon: f64,
        activation: Activation,
        layout: Layout,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// `activation((x - mean) / sqrt(variance + epsilon) + residual)` with the statistics of each image and channel.
    fn lanes_instance_norm(
        blocks: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        epsilon: f64,
        activation: Activation,
        layout: Layout,
    ) -> FloatTensor<Self>;
}

/// Optimiser steps in one pass over memory; without gradients, so flex alone.
#[backend_extension(Flex)]
pub trait OptimOps: Backend {
    /// Weights and velocity after a step of SGD with momentum and L2 decay. An absent velocity counts as none yet.
    fn sgd_step(
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        momentum: f64,
        decay: f64,
        rate: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Weights and both moments after a step of Adam. Absent moments count as zero.
    fn adam_step(
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        settings: optim::Adam,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// The tensor with its values in one piece.
fn whole(tensor: Flat) -> Flat {
    if tensor.as_slice::<f32>().is_some() { tensor } else { tensor.to_contiguous() }
}

/// The values of a [`whole`] tensor of 32-bit floats.
fn values(tensor: &Flat) -> &[f32] {
    tensor.as_slice().unwrap_or(&[])
}

/// The values of a tensor that may be absent.
fn present(tensor: &Flat) -> Option<&[f32]> {
    Some(values(tensor)).filter(|values| !values.is_empty())
}

fn tensor<const D: usize>(buffer: Buffer, dims: [usize; D]) -> Flat {
    Flat::from_data(TensorData::from_bytes(buffer.into_bytes(), Shape::from(dims), DType::F32))
}

fn vector(values: Vec<f32>) -> Flat {
    let len = values.len();
    Flat::from_data(TensorData::new(values, [len]))
}

fn dims<const D: usize>(tensor: &Flat) -> [usize; D] {
    let shape = tensor.shape();
    std::array::from_fn(|index| shape[index])
}

/// `[channels, height, width]` of blocks.
fn map_of([_, channels, height, width, _]: [usize; 5]) -> [usize; 3] {
    [channels, height, width]
}

/// As [`LaneOps::lanes_conv`].
fn convolve(x: &Flat, weight: &Flat, bias: &Flat, residual: &Flat, call: ConvCall) -> Flat {
    let ConvCall { layout, shape, activation, .. } = call;
    let input = dims::<5>(x);
    let [_, outputs] = shape.channels(dims(weight));
    let gather = shape.forward([input[1], input[2]], layout, outputs);
    let finish = Finish { bias: present(bias), residual: present(residual), activation };
    let out = match Halving::of(shape, layout, gather.input, gather.output) {
        Some(halving) if shape.transposed => halving.double(values(x), values(weight), finish),
        Some(halving) => halving.halve(values(x), values(weight), finish),
        None => {
            let filter = Filter::new(values(weight), &gather, shape.kernel, shape.transposed);
            conv::gather(values(x), None, input[0], &gather, &filter, finish)
        }
    };
    let [channels, height, columns] = gather.output;
    tensor(out, [input[0], channels, height, columns, LANES])
}

fn normalise(
    x: &Flat,
    gamma: &Flat,
    beta: &Flat,
    residual: &Flat,
    epsilon: f64,
    activation: Activation,
    layout: Layout,
) -> (Flat, Vec<f32>, Vec<f32>) {
    let shape = dims::<5>(x);
    let batch = Batch::new(layout, shape);
    let (mean, variance) = norm::statistics(values(x), &batch);
    let scale: Vec<f32> = values(gamma)
        .iter()
        .zip(&variance)
        .map(|(gamma, variance)| gamma * inverse(*variance, epsilon))
        .collect();
    let shift: Vec<f32> =
        values(beta).iter().zip(&mean).zip(&scale).map(|((beta, mean), scale)| beta - mean * scale).collect();
    let out = norm::affine(values(x), &scale, &shift, present(residual), activation, &batch);
    (tensor(out, shape), mean, variance)
}

fn inverse(variance: f32, epsilon: f64) -> f32 {
    (1.0 / (f64::from(variance) + epsilon).sqrt()) as f32
}

impl LaneOps for Flex {
    fn lanes_from_images(images: Flat, layout: Layout) -> Flat {
        let images = whole(images);
        let [_, channels, height, _] = dims::<4>(&images);
        let out = lanes::from_images(values(&images), [channels, height], layout);
        tensor(out, [layout.blocks(), channels, height, layout.columns(), LANES])
    }

    fn lanes_to_images(blocks: Flat, layout: Layout) -> Flat {
        let blocks = whole(blocks);
        let [_, channels, height, ..] = dims::<5>(&blocks);
        let out = lanes::to_images(values(&blocks), [channels, height], layout);
        tensor(out, [layout.images, channels, height, layout.width])
    }

    fn lanes_mean_pixels(blocks: Flat, images: usize) -> Flat {
        let blocks = whole(blocks);
        let [_, channels, height, width, _] = dims::<5>(&blocks);
        tensor(lanes::mean_pixels(values(&blocks), images, channels, height * width), [images, channels])
    }

    fn lanes_shortcut(blocks: Flat, stride: usize, before: usize, after: usize) -> Flat {
        let blocks = whole(blocks);
        let shape = dims::<5>(&blocks);
        let [count, channels, height, width, _] = shape;
        let out = lanes::shortcut(values(&blocks), shape, stride, before, after);
        let (height, width) = (height.div_ceil(stride), width.div_ceil(stride));
        tensor(out, [count, before + channels + after, height, width, LANES])
    }

    fn lanes_conv(blocks: Flat, weight: Flat, bias: Flat, residual: Flat, call: ConvCall) -> Flat {
        convolve(&whole(blocks), &whole(weight), &whole(bias), &whole(residual), call)
    }

    fn lanes_batch_norm(
        blocks: Flat,
        gamma: Flat,
        beta: Flat,
        residual: Flat,
        epsilon: f64,
        activation: Activation,
        layout: Layout,
    ) -> (Flat, Flat, Flat) {
        let (blocks, gamma, beta, residual) = (whole(blocks), whole(gamma), whole(beta), whole(residual));
        let (out, mean, variance) = normalise(&blocks, &gamma, &beta, &residual, epsilon, activation, layout);
        (out, vector(mean), vector(variance))
    }

    fn lanes_instance_norm(
        blocks: Flat,
        residual: Flat,
        epsilon: f64,
        activation: Activation,
        layout: Layout,
    ) -> Flat {
        let (blocks, residual) = (whole(blocks), whole(residual));
        let shape = dims::<5>(&blocks);
        let batch = Batch::new(layout, shape);
        let out = norm::instance(values(&blocks), present(&residual), activation, epsilon as f32, &batch).0;
        tensor(out, shape)
    }
}

impl OptimOps for Flex {
    fn sgd_step(
        weights: Flat,
        gradient: Flat,
        velocity: Flat,
        momentum: f64,
        decay: f64,
        rate: f64,
    ) -> (Flat, Flat) {
        let shape = weights.shape();
        let (weights, gradient, velocity) = (whole(weights), whole(gradient), whole(velocity));
        let [moved, velocity] = optim::sgd(
            values(&weights),
            values(&gradient),
            present(&velocity),
            [momentum, decay, rate].map(|value| value as f32),
        );
        let count = shape.num_elements();
        (tensor(moved, [count]).reshape(shape), tensor(velocity, [count]))
    }

    fn adam_step(
        weights: Flat,
        gradient: Flat,
        first: Flat,
        second: Flat,
        settings: optim::Adam,
    ) -> (Flat, Flat, Flat) {
        let shape = weights.shape();
        let (weights, gradient, first, second) =
            (whole(weights), whole(gradient), whole(first), whole(second));
        let [moved, first, second] =
            optim::adam(values(&weights), values(&gradient), present(&first), present(&second), settings);
        let count = shape.num_elements();
        (tensor(moved, [count]).reshape(shape), tensor(first, [count]), tensor(second, [count]))
    }
}

/// What a backward pass may read: shape of the input and how many images there are.
#[derive(Clone, Debug)]
struct Pixels {
    shape: [usize; 5],
    images: usize,
}

#[derive(Debug)]
struct FromImages;

impl Backward<Flex, 1> for FromImages {
    type State = Layout;

    fn backward(self, ops: Ops<Layout, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node);
        if let [Some(node)] = ops.parents {
            grads.register::<Flex>(node.id, Flex::lanes_to_images(gradient, ops.state));
        }
    }
}

#[derive(Debug)]
struct ToImages;

impl Backward<Flex, 1> for ToImages {
    type State = Layout;

    fn backward(self, ops: Ops<Layout, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node);
        if let [Some(node)] = ops.parents {
            grads.register::<Flex>(node.id, Flex::lanes_from_images(gradient, ops.state));
        }
    }
}

#[derive(Debug)]
struct MeanPixels;

impl Backward<Flex, 1> for MeanPixels {
    type State = Pixels;

    fn backward(self, ops: Ops<Pixels, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let gradient = whole(grads.consume::<Flex>(&ops.node));
        if let [Some(node)] = ops.parents {
            let Pixels { shape, images } = ops.state;
            let out = lanes::spread_mean(values(&gradient), images, shape[1], shape[2] * shape[3]);
            grads.register::<Flex>(node.id, tensor(out, shape));
        }
    }
}

#[derive(Debug)]
struct Shortcut;

impl Backward<Flex, 1> for Shortcut {
    type State = ([usize; 5], [usize; 3]);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let gradient = whole(grads.consume::<Flex>(&ops.node));
        if let [Some(node)] = ops.parents {
            let (shape, [stride, before, after]) = ops.state;
            let out = lanes::shortcut_backward(values(&gradient), shape, stride, before, after);
            grads.register::<Flex>(node.id, tensor(out, shape));
        }
    }
}

#[derive(Debug)]
struct Convolution;

/// Input, weights, result, and what was done.
#[derive(Clone, Debug)]
struct ConvState {
    x: Flat,
    weight: Flat,
    out: Flat,
    call: ConvCall,
}

impl Backward<Flex, 4> for Convolution {
    type State = ConvState;

    fn backward(self, ops: Ops<ConvState, 4>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let [x_node, weight_node, bias_node, residual_node] = ops.parents;
        let ConvState { x, weight, out, call: ConvCall { layout, shape, activation, forked } } = ops.state;
        let mut gradient = whole(grads.consume::<Flex>(&ops.node));
        let (input, output) = (dims::<5>(&x), dims::<5>(&out));
        let result = layout.with_width(shape.output_side(layout.width));
        let (input_map, output_map) = (map_of(input), map_of(output));
        let halving = Halving::of(shape, layout, input_map, output_map);
        let mirrored = shape.border == Border::Reflect && shape.padding > 0 && !shape.transposed;
        let mut through = None;
        if activation != Activation::None {
            let pass = Through { activated: values(&out), activation };
            // One reader undoes the activation while it pads; several share one copy.
            let alone = weight_node.is_none() && bias_node.is_none() && residual_node.is_none();
            if alone && !mirrored && halving.is_none() {
                through = Some(pass);
            } else {
                gradient = tensor(conv::through(values(&gradient), pass), output);
            }
        }
        if let Some(node) = residual_node {
            grads.register::<Flex>(node.id, gradient.clone());
        }
        if let Some(node) = bias_node {
            let sums = conv::channel_sums(values(&gradient), output[0], output[1]);
            grads.register::<Flex>(node.id, vector(sums));
        }
        if let Some(node) = weight_node {
            let (x, gradient) = ((values(&x), input_map), (values(&gradient), output_map));
            let out = match halving {
                Some(halving) if shape.transposed => halving.weight_gradient(gradient.0, x.0),
                Some(halving) => halving.weight_gradient(x.0, gradient.0),
                None if shape.transposed => conv::weight_gradient(shape, gradient, result, x),
                None => conv::weight_gradient(shape, x, layout, gradient),
            };
            grads.register::<Flex>(node.id, tensor(out, dims::<4>(&weight)));
        }
        if let Some(node) = x_node {
            let filter =
                |gather: &Gather| Filter::new(values(&weight), gather, shape.kernel, !shape.transposed);
            // What came in from the residual already; registering would sum in a pass of its own.
            let other = forked.then(|| whole(grads.consume::<Flex>(&node)));
            let onto = other.as_ref().map(values);
            let finish = Finish { residual: onto, ..Finish::NOTHING };
            let mut back = if let Some(halving) = halving {
                if shape.transposed {
                    halving.halve(values(&gradient), values(&weight), finish)
                } else {
                    halving.double(values(&gradient), values(&weight), finish)
                }
            } else if mirrored {
                let (gradient, width) = (values(&gradient), layout.width);
                conv::mirrored_backward(shape, gradient, output_map, result, input_map, width, onto, filter)
            } else {
                let gather = shape.backward(output_map, result, input_map);
                let filter = filter(&gather);
                conv::gather(values(&gradient), through, input[0], &gather, &filter, finish)
            };
            if layout.is_ragged() {
                lanes::clear_beyond(&mut back, layout);
            }
            grads.register::<Flex>(node.id, tensor(back, input));
        }
    }
}

#[derive(Debug)]
struct BatchNorm;

/// Input, result, gamma, mean, inverse deviation, activation, and how all lies.
type NormState = (Flat, Flat, Flat, Vec<f32>, Vec<f32>, Activation, Layout);

impl Backward<Flex, 4> for BatchNorm {
    type State = NormState;

    fn backward(self, ops: Ops<NormState, 4>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let [x_node, gamma_node, beta_node, residual_node] = ops.parents;
        let (x, out, gamma, mean, inverse, activation, layout) = ops.state;
        let gradient = whole(grads.consume::<Flex>(&ops.node));
        let shape = dims::<5>(&x);
        let back = norm::batch_backward(
            values(&gradient),
            values(&x),
            values(&out),
            &mean,
            &inverse,
            values(&gamma),
            activation,
            residual_node.is_some(),
            &Batch::new(layout, shape),
        );
        if let Some(node) = gamma_node {
            grads.register::<Flex>(node.id, vector(back.gamma));
        }
        if let Some(node) = beta_node {
            grads.register::<Flex>(node.id, vector(back.beta));
        }
        if let (Some(node), Some(residual)) = (residual_node, back.residual) {
            grads.register::<Flex>(node.id, tensor(residual, shape));
        }
        if let Some(node) = x_node {
            grads.register::<Flex>(node.id, tensor(back.x, shape));
        }
    }
}

#[derive(Debug)]
struct InstanceNorm;

/// Input, result, statistics, activation, and how all lies.
type InstanceState = (Flat, Flat, Flat, Activation, Layout);

impl Backward<Flex, 2> for InstanceNorm {
    type State = InstanceState;

    fn backward(self, ops: Ops<InstanceState, 2>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let [x_node, residual_node] = ops.parents;
        let (x, out, statistics, activation, layout) = ops.state;
        let gradient = whole(grads.consume::<Flex>(&ops.node));
        let shape = dims::<5>(&x);
        let (back, before) = norm::instance_backward(
            values(&gradient),
            values(&x),
            values(&out),
            values(&statistics),
            activation,
            &Batch::new(layout, shape),
        );
        if let Some(node) = residual_node {
            grads.register::<Flex>(node.id, tensor(before, shape));
        }
        if let Some(node) = x_node {
            grads.register::<Flex>(node.id, tensor(back, shape));
        }
    }
}

/// The result of an operation with one input, and its way back where a gradient is wanted.
fn recorded<C: CheckpointStrategy, Op: Backward<Flex, 1>>(
    operation: Op,
    input: FloatTensor<Autodiff<Flex, C>>,
    state: Op::State,
    run: impl FnOnce(Flat) -> Flat,
) -> FloatTensor<Autodiff<Flex, C>> {
    let prep = operation.prepare::<C>([input.node()]).compute_bound().stateful();
    let out = run(input.into_primitive());
    match prep {
        OpsKind::Tracked(prep) => prep.finish(state, out),
        OpsKind::UnTracked(prep) => prep.finish(out),
    }
}

impl<C: CheckpointStrategy> LaneOps for Autodiff<Flex, C> {
    fn lanes_from_images(images: FloatTensor<Self>, layout: Layout) -> FloatTensor<Self> {
        recorded::<C, _>(FromImages, images, layout, |images| Flex::lanes_from_images(images, layout))
    }

    fn lanes_to_images(blocks: FloatTensor<Self>, layout: Layout) -> FloatTensor<Self> {
        recorded::<C, _>(ToImages, blocks, layout, |blocks| Flex::lanes_to_images(blocks, layout))
    }

    fn lanes_mean_pixels(blocks: FloatTensor<Self>, images: usize) -> FloatTensor<Self> {
        let state = Pixels { shape: dims::<5>(blocks.primitive()), images };
        recorded::<C, _>(MeanPixels, blocks, state, |blocks| Flex::lanes_mean_pixels(blocks, images))
    }

    fn lanes_shortcut(
        blocks: FloatTensor<Self>,
        stride: usize,
        before: usize,
        after: usize,
    ) -> FloatTensor<Self> {
        let state = (dims::<5>(blocks.primitive()), [stride, before, after]);
        recorded::<C, _>(Shortcut, blocks, state, |blocks| {
            Flex::lanes_shortcut(blocks, stride, before, after)
        })
    }

    fn lanes_conv(
        blocks: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        call: ConvCall,
    ) -> FloatTensor<Self> {
        let nodes = [blocks.node(), weight.node(), bias.node(), residual.node()];
        let prep = Convolution.prepare::<C>(nodes).compute_bound().stateful();
        let (x, weight) = (whole(blocks.into_primitive()), whole(weight.into_primitive()));
        let (bias, residual) = (whole(bias.into_primitive()), whole(residual.into_primitive()));
        let out = convolve(&x, &weight, &bias, &residual, call);
        match prep {
            OpsKind::Tracked(prep) => prep.finish(ConvState { x, weight, out: out.clone(), call }, out),
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }

    fn lanes_batch_norm(
        blocks: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        epsilon: f64,
        activation: Activation,
        layout: Layout,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [blocks.node(), gamma.node(), beta.node(), residual.node()];
        let prep = BatchNorm.prepare::<C>(nodes).compute_bound().stateful();
        let (x, gamma) = (whole(blocks.into_primitive()), whole(gamma.into_primitive()));
        let (beta, residual) = (whole(beta.into_primitive()), whole(residual.into_primitive()));
        let (out, mean, variance) = normalise(&x, &gamma, &beta, &residual, epsilon, activation, layout);
        let constants = (vector(mean.clone()), vector(variance.clone()));
        let out = match prep {
            OpsKind::Tracked(prep) => {
                let inverse = variance.iter().map(|variance| inverse(*variance, epsilon)).collect();
                prep.finish((x, out.clone(), gamma, mean, inverse, activation, layout), out)
            }
            OpsKind::UnTracked(prep) => prep.finish(out),
        };
        let constant = <Self as burn::backend::AutodiffBackend>::from_inner;
        (out, constant(constants.0), constant(constants.1))
    }

    fn lanes_instance_norm(
        blocks: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        epsilon: f64,
        activation: Activation,
        layout: Layout,
    ) -> FloatTensor<Self> {
        let prep = InstanceNorm.prepare::<C>([blocks.node(), residual.node()]).compute_bound().stateful();
        let (x, residual) = (whole(blocks.into_primitive()), whole(residual.into_primitive()));
        let shape = dims::<5>(&x);
        let batch = Batch::new(layout, shape);
        let (out, statistics) =
            norm::instance(values(&x), present(&residual), activation, epsilon as f32, &batch);
        let out = tensor(out, shape);
        match prep {
            OpsKind::Tracked(prep) => {
                let statistics = tensor(statistics, [shape[0], shape[1], 2 * LANES]);
                prep.finish((x, out.clone(), statistics, activation, layout), out)
            }
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }
}
