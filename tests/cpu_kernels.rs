//! The processor's kernels against burn's own operations, over random shapes; gradients included.
#![allow(clippy::unwrap_used)]

use burn::module::Module as _;
use burn::tensor::activation::{leaky_relu, relu, tanh};
use burn::tensor::module::{avg_pool2d, batch_norm_train, conv_transpose2d, conv2d, linear};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, ConvTransposeOptions, PadMode};
use burn::tensor::{Device, Tensor, TensorData};
use counterpoise::classify::trainer::labels_tensor;
use counterpoise::domain::random::{Stage, Stream, stream};
use counterpoise::domain::task::Ctx;
use counterpoise::nn::autoencoder::AutoencoderConfig;
use counterpoise::nn::cpu::instruction_set;
use counterpoise::nn::init::Init;
use counterpoise::nn::input_gradient::{Images, walk};
use counterpoise::nn::layers::{
    Activation, BatchNorm, Conv2d, ConvTranspose2d, Convolution, FeatureMap, Padding, Pass, conv_norm,
    instance_norm,
};
use counterpoise::nn::loss::{cross_entropy, pick, squared_error};
use counterpoise::nn::optim::{Adam, Sgd};
use counterpoise::nn::parameters::{self, TensorMap};
use counterpoise::nn::resnet::{ResNet, ResNetConfig};
use proptest::prelude::*;

/// Largest difference allowed, as a share of the largest value.
const TOLERANCE: f32 = 1e-4;

fn random<const D: usize>(draws: &mut Stream, shape: [usize; D], device: &Device) -> Tensor<D> {
    let count = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|_| draws.normal() as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as::<f32>().unwrap()
}

fn close(name: &str, ours: &[f32], theirs: &[f32]) -> Result<(), TestCaseError> {
    close_sums(name, ours, theirs, 1e-3)
}

/// For sums whose terms may cancel: `usual` is the size that such sums mostly have.
fn close_sums(name: &str, ours: &[f32], theirs: &[f32], usual: f32) -> Result<(), TestCaseError> {
    prop_assert_eq!(ours.len(), theirs.len(), "{}", name);
    let scale = theirs.iter().fold(usual, |most, value| most.max(value.abs()));
    for (index, (a, b)) in ours.iter().zip(theirs).enumerate() {
        prop_assert!((a - b).abs() <= TOLERANCE * scale, "{} at {}: {} and {}", name, index, a, b);
    }
    Ok(())
}

fn activate(x: Tensor<4>, activation: Activation) -> Tensor<4> {
    match activation {
        Activation::None => x,
        Activation::Relu => relu(x),
        Activation::LeakyRelu => leaky_relu(x, 0.2),
        Activation::Tanh => tanh(x),
    }
}

#[derive(Clone, Debug)]
struct Case {
    batch: usize,
    channels: [usize; 2],
    sides: [usize; 2],
    kernel: usize,
    stride: usize,
    padding: usize,
    reflect: bool,
    transposed: bool,
    output_padding: usize,
    bias: bool,
    residual: bool,
    activation: Activation,
    /// Lanes hold strips of images.
    few: bool,
    seed: u64,
}

/// As a network takes its images in.
fn taken_in(few: bool, images: Tensor<4>) -> FeatureMap {
    if few { FeatureMap::from_few_images(images) } else { FeatureMap::from_images(images) }
}

fn activations() -> impl Strategy<Value = Activation> {
    prop::sample::select(vec![Activation::None, Activation::Relu, Activation::LeakyRelu, Activation::Tanh])
}

fn cases() -> impl Strategy<Value = Case> {
    let first = (1..40_usize, [1..20_usize, 1..20_usize], [1..13_usize, 1..13_usize]);
    let second = (prop::sample::select(vec![1_usize, 2, 3, 4, 5, 7]), 1..4_usize, 0..4_usize);
    let third = (any::<bool>(), any::<bool>(), 0..3_usize, any::<bool>(), any::<bool>());
    (first, second, third, activations(), any::<u64>()).prop_filter_map(
        "the kernel fits",
        |((batch, channels, sides), (kernel, stride, padding), third, activation, seed)| {
            let (reflect, transposed, output_padding, bias, residual) = third;
            let reflect = reflect && !transposed;
            let fits = sides.iter().all(|side| {
                if transposed {
                    (side - 1) * stride + kernel + output_padding.min(stride - 1) > 2 * padding
                } else {
                    side + 2 * padding >= kernel && (!reflect || padding < *side)
                }
            });
            let output_padding = output_padding.min(stride - 1);
            (fits && padding < kernel).then_some(Case {
                batch,
                channels,
                sides,
                kernel,
                stride,
                padding,
                reflect,
                transposed,
                output_padding,
                bias,
                residual,
                activation,
                few: false,
                seed,
            })
        },
    )
}

/// Result and gradients to image, weights, bias and residual.
type Outcome = (Vec<f32>, Vec<Option<Vec<f32>>>);

fn gradients(loss: Tensor<4>, along: Tensor<4>, inputs: [Tensor<4>; 3], bias: Tensor<1>) -> Outcome {
    let out = host(loss.clone());
    let grads = (loss * along).sum().backward();
    let mut found: Vec<Option<Vec<f32>>> = inputs.iter().map(|input| input.grad(&grads).map(host)).collect();
    found.push(bias.grad(&grads).map(host));
    (out, found)
}

fn ours(case: &Case, parts: &[Tensor<4>; 4], bias: &Tensor<1>) -> Outcome {
    let [x, weight, residual, along] = parts.clone();
    let (x, weight, residual) = (x.require_grad(), weight.require_grad(), residual.require_grad());
    let bias = bias.clone().require_grad();
    let device = x.device();
    let mut init = Init::new(0, 0, &device);
    let map = taken_in(case.few, x.clone());
    let given_bias = case.bias.then(|| bias.clone());
    let given_residual = case.residual.then(|| taken_in(case.few, residual.clone()));
    let (a, w) = (case.activation, weight.clone());
    let out = if case.transposed {
        let (padding, extra) = (case.padding, case.output_padding);
        ConvTranspose2d::new(&mut init, case.channels, case.kernel, case.stride, padding, extra, 1.0).run(
            map,
            w,
            given_bias,
            given_residual,
            a,
        )
    } else {
        let padding = if case.reflect { Padding::Reflect(case.padding) } else { Padding::Zero(case.padding) };
        Conv2d::new(&mut init, case.channels, case.kernel, case.stride, padding, 1.0).run(
            map,
            w,
            given_bias,
            given_residual,
            a,
        )
    };
    gradients(out.into_images(), along, [x, weight, residual], bias)
}

fn theirs(case: &Case, parts: &[Tensor<4>; 4], bias: &Tensor<1>) -> Outcome {
    let [x, weight, residual, along] = parts.clone();
    let (x, weight, residual) = (x.require_grad(), weight.require_grad(), residual.require_grad());
    let bias = bias.clone().require_grad();
    let (stride, padding) = ([case.stride; 2], [case.padding; 2]);
    let given = case.bias.then(|| bias.clone());
    let mut out = if case.transposed {
        let options = ConvTransposeOptions::new(stride, padding, [case.output_padding; 2], [1, 1], 1);
        conv_transpose2d(x.clone(), weight.clone(), given, options)
    } else if case.reflect && case.padding > 0 {
        let p = case.padding;
        let padded = x.clone().pad((p, p, p, p), PadMode::Reflect);
        conv2d(padded, weight.clone(), given, ConvOptions::new(stride, [0, 0], [1, 1], 1))
    } else {
        conv2d(x.clone(), weight.clone(), given, ConvOptions::new(stride, padding, [1, 1], 1))
    };
    if case.residual {
        out = out + residual.clone();
    }
    gradients(activate(out, case.activation), along, [x, weight, residual], bias)
}

fn output_side(case: &Case, side: usize) -> usize {
    if case.transposed {
        (side - 1) * case.stride + case.kernel + case.output_padding - 2 * case.padding
    } else {
        (side + 2 * case.padding - case.kernel) / case.stride + 1
    }
}

/// A gradient without its values where an activation's input is within rounding of zero, and may fall on either side of
/// a kink.
fn off_the_kink(along: Tensor<4>, inputs: Vec<f32>) -> Tensor<4> {
    let (shape, device) = (along.dims(), along.device());
    let kept: Vec<f32> = inputs.iter().map(|input| f32::from(u8::from(input.abs() > 1e-3))).collect();
    along * Tensor::from_data(TensorData::new(kept, shape), &device)
}

fn compare(case: &Case) -> Result<(), TestCaseError> {
    let device = Device::flex().autodiff();
    let mut draws = stream(case.seed, Stage::Other, 0, 0);
    let [input, output] = case.channels;
    let [height, width] = case.sides;
    let weights = if case.transposed { [input, output] } else { [output, input] };
    let out = [case.batch, output, output_side(case, height), output_side(case, width)];
    // Sums of about 1, as in a network: an activation then sees values in its own range.
    let fan_in = (input * case.kernel * case.kernel) as f64;
    let weight = random(&mut draws, [weights[0], weights[1], case.kernel, case.kernel], &device);
    let mut parts = [
        random(&mut draws, [case.batch, input, height, width], &device),
        weight / fan_in.sqrt(),
        random(&mut draws, out, &device),
        random(&mut draws, out, &device),
    ];
    let bias = random(&mut draws, [output], &device);
    let sums = theirs(&Case { activation: Activation::None, ..case.clone() }, &parts, &bias).0;
    parts[3] = off_the_kink(parts[3].clone(), sums);
    let (ours, theirs) = (ours(case, &parts, &bias), theirs(case, &parts, &bias));
    close("result", &ours.0, &theirs.0)?;
    for (name, (ours, theirs)) in
        ["image", "weights", "residual", "bias"].iter().zip(ours.1.into_iter().zip(theirs.1))
    {
        let asked = match *name {
            "residual" => case.residual,
            "bias" => case.bias,
            _ => true,
        };
        prop_assert_eq!(ours.is_some(), asked, "gradient to the {}", name);
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            // A bias may have one gradient, the sum of as many terms of about 1 as the result has pixels.
            let terms = out.iter().product::<usize>() / output;
            let usual = if *name == "bias" { (terms as f32).sqrt() } else { 1e-3 };
            close_sums(name, &ours, &theirs, usual)?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn a_convolution_is_burns(case in cases()) {
        compare(&case)?;
    }

    /// The sizes that go by tiles: kernel 3, stride 1, eight channels and more.
    #[test]
    fn a_convolution_by_tiles_is_burns(
        (batch, channels, sides) in (1..30_usize, [8..80_usize, 8..80_usize], [4..16_usize, 4..16_usize]),
        (padding, border, transposed) in (0..3_usize, any::<bool>(), any::<bool>()),
        (bias, residual, activation, seed) in (any::<bool>(), any::<bool>(), activations(), any::<u64>()),
    ) {
        let reflect = border && !transposed;
        compare(&Case {
            batch, channels, sides, kernel: 3, stride: 1, padding, reflect, transposed, output_padding: 0, bias,
            residual, activation, few: false, seed,
        })?;
    }

    /// Maps that a 4x4 convolution halves or its transpose doubles, in every way their tiles can end.
    #[test]
    fn a_convolution_that_halves_is_burns(
        (batch, large, small) in (1..140_usize, 1..4_usize, 16..41_usize),
        sides in [1..11_usize, 1..11_usize],
        (transposed, bias, residual) in (any::<bool>(), any::<bool>(), any::<bool>()),
        (activation, seed) in (activations(), any::<u64>()),
    ) {
        let large = 16 * large;
        let (channels, sides) =
            if transposed { ([small, large], sides) } else { ([large, small], sides.map(|side| 2 * side)) };
        compare(&Case {
            batch, channels, sides, kernel: 4, stride: 2, padding: 1, reflect: false, transposed, output_padding: 0, bias,
            residual, activation, few: false, seed,
        })?;
    }

    /// Kernels of one weight, which are products of matrices.
    #[test]
    fn a_convolution_of_one_weight_is_burns(
        (batch, channels, sides) in (1..40_usize, [6..80_usize, 1..80_usize], [1..10_usize, 1..10_usize]),
        (transposed, bias, residual) in (any::<bool>(), any::<bool>(), any::<bool>()),
        (few, activation, seed) in (any::<bool>(), activations(), any::<u64>()),
    ) {
        compare(&Case {
            batch, channels, sides, kernel: 1, stride: 1, padding: 0, reflect: false, transposed, output_padding: 0, bias,
            residual, activation, few, seed,
        })?;
    }

    /// Too few images and channels for the threads, but many rows.
    #[test]
    fn a_convolution_by_bands_of_rows_is_burns(
        (batch, channels, sides) in (1..20_usize, [1..12_usize, 1..5_usize], [16..45_usize, 7..20_usize]),
        (kernel, stride, padding) in (prop::sample::select(vec![2_usize, 5, 7]), 1..3_usize, 0..4_usize),
        (reflect, transposed, bias, residual) in (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()),
        (few, activation, seed) in (any::<bool>(), activations(), any::<u64>()),
    ) {
        let padding = padding.min((kernel - 1) / 2);
        compare(&Case {
            batch, channels, sides, kernel, stride, padding, reflect: reflect && !transposed, transposed,
            output_padding: 0, bias, residual, activation, few, seed,
        })?;
    }

    /// Widths that fall into strips evenly and not, with the kernels of translation networks.
    #[test]
    fn a_convolution_of_strips_is_burns(
        (batch, channels) in (1..26_usize, [1..20_usize, 1..20_usize]),
        sides in [4..20_usize, 16..70_usize],
        (kind, reflect, output_padding) in (0..6_usize, any::<bool>(), 0..2_usize),
        (bias, residual, activation, seed) in (any::<bool>(), any::<bool>(), activations(), any::<u64>()),
    ) {
        let (kernel, stride, padding, transposed) = [
            (3, 1, 1, false), (7, 1, 3, false), (3, 2, 1, false), (4, 2, 1, false), (4, 1, 1, false), (3, 2, 1, true),
        ][kind];
        let output_padding = if transposed { output_padding } else { 0 };
        compare(&Case {
            batch, channels, sides, kernel, stride, padding, reflect: reflect && !transposed, transposed, output_padding,
            bias, residual, activation, few: true, seed,
        })?;
    }

    /// Layer after layer, so that strips with columns beyond the image go in and out of each.
    #[test]
    fn layers_of_strips_are_layers_of_images(
        (batch, channels, height, width) in (1..12_usize, 1..10_usize, 8..20_usize, 16..68_usize),
        (norm, seed) in (0..3_usize, any::<u64>()),
    ) {
        let device = Device::flex().autodiff();
        let mut draws = stream(seed, Stage::Other, 0, 0);
        let x = random(&mut draws, [batch, channels, height, width], &device);
        let init = &mut Init::new(seed, 0, &device);
        let first = Conv2d::new(init, [channels, 9], 4, 2, Padding::Zero(1), 0.2).with_bias(init);
        let second = Conv2d::new(init, [9, 10], 4, 1, Padding::Zero(1), 0.2).with_bias(init);
        let third = Conv2d::new(init, [10, 10], 3, 1, Padding::Reflect(1), 0.2).with_bias(init);
        let last = ConvTranspose2d::new(init, [10, 3], 3, 2, 1, 1, 0.2).with_bias(init);
        let batch_norm = BatchNorm::new(init, 10);
        let run = |few: bool| {
            let x = x.clone().require_grad();
            let mut pass = Pass::training();
            let mut normed = |map: FeatureMap, residual: Option<FeatureMap>| match norm {
                0 => map,
                1 => instance_norm(map, residual, Activation::Tanh),
                _ => batch_norm.forward(map, residual, Activation::Tanh, &mut pass),
            };
            let map = first.forward(taken_in(few, x.clone()), Activation::Tanh);
            let map = normed(second.forward(map, Activation::None), None);
            let map = normed(third.forward(map.clone(), Activation::None), Some(map));
            let out = last.forward(map, Activation::Tanh).into_images();
            let held = host(out.clone());
            let grads = (out.clone() * out).sum().backward();
            (held, host(x.grad(&grads).unwrap()), host(second.weight().grad(&grads).unwrap()))
        };
        let (strips, images) = (run(true), run(false));
        close("result", &strips.0, &images.0)?;
        close("image", &strips.1, &images.1)?;
        close("weights", &strips.2, &images.2)?;
    }

    /// Along a random direction of the image and of the weights, against the difference of two results.
    #[test]
    fn a_gradient_is_the_slope(
        (batch, channels) in (1..20_usize, [1..10_usize, 1..10_usize]),
        (kind, few, reflect, width, seed) in (0..5_usize, any::<bool>(), any::<bool>(), 8..36_usize, any::<u64>()),
    ) {
        let (kernel, stride, padding, transposed) =
            [(3, 1, 1, false), (4, 2, 1, false), (1, 1, 0, false), (7, 1, 3, false), (3, 2, 1, true)][kind];
        let reflect = reflect && padding > 0 && !transposed;
        let device = Device::flex().autodiff();
        let mut draws = stream(seed, Stage::Other, 0, 0);
        let [input, output] = channels;
        let case = Case {
            batch, channels, sides: [8, width], kernel, stride, padding, reflect, transposed, output_padding: 0,
            bias: false, residual: false, activation: Activation::Tanh, few, seed,
        };
        let weights = if transposed { [input, output] } else { [output, input] };
        let fan_in = (input * kernel * kernel) as f64;
        let weight = random(&mut draws, [weights[0], weights[1], kernel, kernel], &device) / fan_in.sqrt();
        let x = random(&mut draws, [batch, input, 8, width], &device);
        let out = [batch, output, output_side(&case, 8), output_side(&case, width)];
        let along = random(&mut draws, out, &device);
        let bias = Tensor::<1>::zeros([output], &device);
        let run = |x: Tensor<4>, weight: Tensor<4>| {
            ours(&case, &[x, weight, Tensor::zeros(out, &device), along.clone()], &bias)
        };
        let gradients = run(x.clone(), weight.clone()).1;
        let value = |x: Tensor<4>, weight: Tensor<4>| -> f64 {
            let held = run(x, weight).0;
            held.iter().zip(host(along.clone())).map(|(out, along)| f64::from(*out) * f64::from(along)).sum()
        };
        // Long enough that rounding does not drown the difference, short enough that tanh is straight over it.
        const STEP: f64 = 1e-2;
        for (index, at) in [&x, &weight].into_iter().enumerate() {
            let length = if index == 0 { 1.0 } else { fan_in.sqrt() };
            let towards = random(&mut draws, at.dims(), &device) / length;
            let moved = |step: f64| at.clone() + towards.clone() * step;
            let ends = [STEP, -STEP].map(|step| {
                if index == 0 { value(moved(step), weight.clone()) } else { value(x.clone(), moved(step)) }
            });
            let measured = (ends[0] - ends[1]) / (2.0 * STEP);
            let gradient = gradients[index].clone().unwrap();
            let direction = host(towards);
            let expected: f64 =
                gradient.iter().zip(&direction).map(|(g, d)| f64::from(*g) * f64::from(*d)).sum();
            let scale: f64 = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
            prop_assert!((measured - expected).abs() < 0.02 * scale / length, "{} and {} of {}", measured, expected, scale);
        }
    }

    /// The first convolution of a block takes the residual's gradient along.
    #[test]
    fn a_block_sums_the_gradients_of_both_ways(
        (batch, channels, height, width) in (1..20_usize, 1..12_usize, 4..12_usize, 4..36_usize),
        (few, reflect, norm) in (any::<bool>(), any::<bool>(), 0..3_usize),
        seed in any::<u64>(),
    ) {
        let device = Device::flex().autodiff();
        let mut draws = stream(seed, Stage::Other, 0, 0);
        let x = random(&mut draws, [batch, channels, height, width], &device);
        let init = &mut Init::new(seed, 0, &device);
        let padding = if reflect { Padding::Reflect(1) } else { Padding::Zero(1) };
        let stem = Conv2d::new(init, [channels, channels], 1, 1, Padding::Zero(0), 0.5);
        let [first, second] = [0, 1].map(|_| Conv2d::new(init, [channels, channels], 3, 1, padding, 0.2));
        let batch_norm = BatchNorm::new(init, channels);
        let run = |forked: bool| {
            let x = x.clone().require_grad();
            let map = stem.forward(taken_in(few, x.clone()), Activation::Tanh);
            let into = if forked { map.clone().forked() } else { map.clone() };
            let inside = first.forward(into, Activation::Tanh);
            let mut pass = Pass::training();
            let out = match norm {
                0 => second.run(inside, second.weight(), None, Some(map), Activation::Tanh),
                1 => instance_norm(second.forward(inside, Activation::None), Some(map), Activation::Tanh),
                _ => {
                    let out = second.forward(inside, Activation::None);
                    batch_norm.forward(out, Some(map), Activation::Tanh, &mut pass)
                }
            };
            let out = out.into_images();
            let grads = (out.clone() * out).sum().backward();
            (host(x.grad(&grads).unwrap()), host(first.weight().grad(&grads).unwrap()))
        };
        let (together, apart) = (run(true), run(false));
        close("image", &together.0, &apart.0)?;
        close("weights", &together.1, &apart.1)?;
    }

    #[test]
    fn a_training_norm_is_burns(
        (batch, channels, height, width) in (2..40_usize, 1..12_usize, 1..9_usize, prop_oneof![1..9_usize, 16..40_usize]),
        (with_residual, few) in (any::<bool>(), any::<bool>()),
        activation in activations(),
        seed in any::<u64>(),
    ) {
        let device = Device::flex().autodiff();
        let mut draws = stream(seed, Stage::Other, 0, 0);
        let shape = [batch, channels, height, width];
        // Far from zero, where a sum of squares would cancel.
        let x = random(&mut draws, shape, &device) + 30.0;
        let (residual, along) = (random(&mut draws, shape, &device), random(&mut draws, shape, &device));
        let normed = |x: Tensor<4>, residual: Tensor<4>| {
            let (ones, zeros) = (Tensor::ones([channels], &device), Tensor::zeros([channels], &device));
            let out = batch_norm_train(x, ones, zeros, 1e-5).output;
            if with_residual { out + residual } else { out }
        };
        let along = off_the_kink(along, host(normed(x.clone(), residual.clone())));
        let run = |ours: bool| {
            let (x, residual) = (x.clone().require_grad(), residual.clone().require_grad());
            let norm = BatchNorm::new(&mut Init::new(0, 0, &device), channels);
            let mut pass = Pass::training();
            let out = if ours {
                let given = with_residual.then(|| taken_in(few, residual.clone()));
                norm.forward(taken_in(few, x.clone()), given, activation, &mut pass).into_images()
            } else {
                activate(normed(x.clone(), residual.clone()), activation)
            };
            let out_host = host(out.clone());
            let grads = (out * along.clone()).sum().backward();
            (out_host, host(x.grad(&grads).unwrap()), residual.grad(&grads).map(host))
        };
        let (ours, theirs) = (run(true), run(false));
        close("result", &ours.0, &theirs.0)?;
        // Few values make a small deviation, and that a large factor on both sides' rounding.
        if batch * height * width > 16 {
            close("image", &ours.1, &theirs.1)?;
        }
        prop_assert_eq!(ours.2.is_some(), with_residual);
        if let (Some(ours), Some(theirs)) = (ours.2, theirs.2) {
            close("residual", &ours, &theirs)?;
        }
    }

    #[test]
    fn an_instance_norm_is_its_formula(
        (batch, channels, height, width) in (1..20_usize, 1..6_usize, 2..9_usize, prop_oneof![2..9_usize, 16..70_usize]),
        (with_residual, few) in (any::<bool>(), any::<bool>()),
        activation in activations(),
        seed in any::<u64>(),
    ) {
        let device = Device::flex().autodiff();
        let mut draws = stream(seed, Stage::Other, 0, 0);
        let shape = [batch, channels, height, width];
        let parts: [Tensor<4>; 3] = std::array::from_fn(|_| random(&mut draws, shape, &device));
        let normed = |x: Tensor<4>, residual: Tensor<4>| {
            let flat = x.reshape([batch, channels, height * width]);
            let off = flat.clone() - flat.mean_dim(2);
            let variance = off.clone().square().mean_dim(2);
            let out = (off / (variance + 1e-5).sqrt()).reshape(shape);
            if with_residual { out + residual } else { out }
        };
        let [x, residual, along] = parts;
        let along = off_the_kink(along, host(normed(x.clone(), residual.clone())));
        let parts = [x, residual, along];
        let run = |ours: bool| {
            let [x, residual, along] = parts.clone();
            let (x, residual) = (x.require_grad(), residual.require_grad());
            let out = if ours {
                let given = with_residual.then(|| taken_in(few, residual.clone()));
                instance_norm(taken_in(few, x.clone()), given, activation).into_images()
            } else {
                activate(normed(x.clone(), residual.clone()), activation)
            };
            let out_host = host(out.clone());
            let grads = (out * along).sum().backward();
            (out_host, host(x.grad(&grads).unwrap()), residual.grad(&grads).map(host))
        };
        let (ours, theirs) = (run(true), run(false));
        close("result", &ours.0, &theirs.0)?;
        close("image", &ours.1, &theirs.1)?;
        if let (Some(ours), Some(theirs)) = (ours.2, theirs.2) {
            close("residual", &ours, &theirs)?;
        }
    }

    #[test]
    fn moving_pixels_loses_nothing(
        (batch, channels, height, width) in (1..40_usize, 1..6_usize, 1..9_usize, 1..9_usize),
        (stride, before, after) in (1..3_usize, 0..3_usize, 0..3_usize),
        seed in any::<u64>(),
    ) {
        let device = Device::flex().autodiff();
        let mut draws = stream(seed, Stage::Other, 0, 0);
        let shape = [batch, channels, height, width];
        let x = random(&mut draws, shape, &device).require_grad();
        let map = FeatureMap::from_images(x.clone());
        prop_assert_eq!(map.dims(), shape);
        prop_assert_eq!(host(map.clone().into_images()), host(x.clone()));
        let features = map.clone().flatten();
        let again = FeatureMap::from_features(features, [channels, height, width]).into_images();
        prop_assert_eq!(host(again), host(x.clone()));
        // Means, and their gradients.
        let means = map.clone().mean_pixels();
        let plain = x.clone().reshape([batch, channels, height * width]).mean_dim(2).squeeze_dim::<2>(2);
        close("mean", &host(means.clone()), &host(plain.clone()))?;
        let along = random(&mut draws, [batch, channels], &device);
        let ours = (means * along.clone()).sum().backward();
        let ours = host(x.grad(&ours).unwrap());
        let along = host(along);
        let pixels = height * width;
        let theirs: Vec<f32> = (0..ours.len()).map(|index| along[index / pixels] / pixels as f32).collect();
        close("gradient of the mean", &ours, &theirs)?;
        // The shortcut against slices.
        let x = x.detach().require_grad();
        let short = FeatureMap::from_images(x.clone()).shortcut(stride, before, after).into_images();
        let [_, total, tall, wide] = short.dims();
        prop_assert_eq!([total, tall, wide], [before + channels + after, height.div_ceil(stride), width.div_ceil(stride)]);
        let (values, from) = (host(short.clone()), host(x.clone()));
        for image in 0..batch {
            for channel in 0..total {
                for row in 0..tall {
                    for column in 0..wide {
                        let inside = channel.checked_sub(before).filter(|c| *c < channels);
                        let wanted = inside.map_or(0.0, |c| {
                            from[((image * channels + c) * height + row * stride) * width + column * stride]
                        });
                        let found = values[((image * total + channel) * tall + row) * wide + column];
                        prop_assert_eq!(found, wanted);
                    }
                }
            }
        }
        let along = random(&mut draws, [batch, total, tall, wide], &device);
        let grads = (short * along.clone()).sum().backward();
        let back = host(x.grad(&grads).unwrap());
        let along = host(along);
        for (index, value) in back.iter().enumerate() {
            let (column, rest) = (index % width, index / width);
            let (row, rest) = (rest % height, rest / height);
            let (channel, image) = (rest % channels, rest / channels);
            let taken = row % stride == 0 && column % stride == 0;
            let at = ((image * total + before + channel) * tall + row / stride) * wide + column / stride;
            prop_assert_eq!(*value, if taken { along[at] } else { 0.0 });
        }
    }
}

#[test]
fn inference_folds_the_norm_into_the_convolution() {
    let device = Device::flex();
    let mut draws = stream(3, Stage::Other, 0, 0);
    for transposed in [false, true] {
        let mut init = Init::new(5, 0, &device);
        let x = random(&mut draws, [19, 6, 8, 8], &device);
        // A training pass first, so that the running statistics are not those of the start.
        let mut norm = BatchNorm::new(&mut init, 10);
        let mut pass = Pass::training();
        let map = FeatureMap::from_images(x.clone());
        let run = |convolution: &dyn Fn(&BatchNorm, &mut Pass) -> FeatureMap,
                   norm: &BatchNorm,
                   pass: &mut Pass| { convolution(norm, pass) };
        let plain = Conv2d::new(&mut init, [6, 10], 3, 1, Padding::Zero(1), 0.3).with_bias(&mut init);
        let spread = ConvTranspose2d::new(&mut init, [6, 10], 4, 2, 1, 0, 0.3);
        let fused = |norm: &BatchNorm, pass: &mut Pass| {
            if transposed {
                conv_norm(&spread, norm, map.clone(), None, Activation::Relu, pass)
            } else {
                conv_norm(&plain, norm, map.clone(), None, Activation::Relu, pass)
            }
        };
        run(&fused, &norm, &mut pass);
        norm = counterpoise::nn::layers::Absorb::new(pass).next(norm);
        let folded = host(run(&fused, &norm, &mut Pass::inference()).into_images());
        let apart = {
            let out = if transposed {
                spread.forward(map.clone(), Activation::None)
            } else {
                plain.forward(map.clone(), Activation::None)
            };
            host(norm.forward(out, None, Activation::Relu, &mut Pass::inference()).into_images())
        };
        close("folded", &folded, &apart).unwrap();
        assert!(folded.iter().any(|value| *value > 0.1));
    }
}

#[test]
fn a_value_that_is_not_a_number_is_not_hidden() {
    let device = Device::flex();
    let mut init = Init::new(0, 0, &device);
    let convolution = Conv2d::new(&mut init, [1, 4], 3, 1, Padding::Zero(1), 1.0);
    let mut values = vec![0.5_f32; 2 * 36];
    values[40] = f32::NAN;
    let x = Tensor::<4>::from_data(TensorData::new(values, [2, 1, 6, 6]), &device);
    for activation in [Activation::Relu, Activation::LeakyRelu, Activation::Tanh] {
        let out = host(convolution.forward(FeatureMap::from_images(x.clone()), activation).into_images());
        assert!(out[..4 * 36].iter().all(|value| value.is_finite()), "the other image is whole");
        assert!(out[4 * 36..].iter().any(|value| value.is_nan()), "{activation:?}");
    }
}

/// The same bits whatever the number of threads, forward and backward.
#[test]
fn the_number_of_threads_changes_nothing() {
    let case = |batch, channels, side, stride, transposed| Case {
        batch,
        channels,
        sides: [side, side],
        kernel: 3,
        stride,
        padding: 1,
        reflect: false,
        transposed,
        output_padding: 0,
        bias: true,
        residual: true,
        activation: Activation::Relu,
        few: false,
        seed: 7,
    };
    let cases = [
        case(1, [3, 20], 9, 1, false),
        case(40, [16, 24], 8, 2, false),
        case(70, [8, 8], 12, 1, false),
        case(33, [12, 5], 5, 2, true),
        Case { few: true, reflect: true, ..case(4, [12, 16], 32, 1, false) },
        Case { kernel: 4, ..case(130, [32, 40], 16, 2, false) },
        Case { kernel: 4, ..case(70, [140, 16], 6, 2, true) },
        // One block, few channels: cut by rows, and their weights by weights.
        Case { kernel: 7, padding: 3, reflect: true, ..case(5, [12, 3], 41, 1, false) },
        case(3, [6, 2], 23, 2, true),
    ];
    for case in &cases {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let device = Device::flex().autodiff();
                let mut draws = stream(case.seed, Stage::Other, 0, 0);
                let [input, output] = case.channels;
                let side = case.sides[0];
                let weights = if case.transposed { [input, output] } else { [output, input] };
                let out = output_side(case, side);
                let parts = [
                    random(&mut draws, [case.batch, input, side, side], &device),
                    random(&mut draws, [weights[0], weights[1], case.kernel, case.kernel], &device),
                    random(&mut draws, [case.batch, output, out, out], &device),
                    random(&mut draws, [case.batch, output, out, out], &device),
                ];
                let bias = random(&mut draws, [output], &device);
                ours(case, &parts, &bias)
            })
        };
        let one = run(1);
        for threads in [2, 3, 7] {
            assert!(run(threads) == one, "{threads} threads, {case:?}");
        }
    }
}

/// A run for another instruction set would say nothing if it had the usual one.
#[test]
fn the_instruction_set_is_the_one_asked_for() {
    match std::env::var("COUNTERPOISE_INSTRUCTION_SET").as_deref() {
        Ok("scalar") => assert_eq!(instruction_set(), "scalar"),
        Ok("avx2") => assert_ne!(instruction_set(), "AVX-512"),
        _ => assert!(["AVX-512", "AVX2", "NEON", "scalar"].contains(&instruction_set())),
    }
}

/// Images of the classifier below.
const BATCH: usize = 40;
const SIDE: usize = 16;
const CLASSES: usize = 4;

/// The small classifier after so many steps of its training.
fn classifier(steps: usize) -> ResNet {
    let device = Device::flex().autodiff();
    let mut draws = stream(21, Stage::Other, 0, 0);
    let x = random(&mut draws, [BATCH, 3, SIDE, SIDE], &device) * 0.25 + 0.5;
    let labels: Vec<usize> = (0..BATCH).map(|image| image % CLASSES).collect();
    let labels = labels_tensor(&labels, &device);
    let mut network = ResNetConfig::small(3, CLASSES).build(&mut Init::new(21, 0, &device));
    let mut sgd = Sgd::new(0.9, 2e-4);
    for _ in 0..steps {
        let mut pass = Pass::training();
        let loss = cross_entropy(network.forward(x.clone(), &mut pass), labels.clone()).mean();
        network = sgd.step(network.clone(), &loss.backward(), 0.05).absorb(pass);
    }
    network
}

/// An autoencoder after so many steps, whose linear layers are large enough for burn to divide them.
fn autoencoder(steps: usize) -> TensorMap {
    let device = Device::flex().autodiff();
    let x = random(&mut stream(22, Stage::Other, 0, 0), [48, 3, SIDE, SIDE], &device).tanh();
    let mut network = AutoencoderConfig::deepsmote(3, SIDE, 300, 0.25).build(&mut Init::new(22, 0, &device));
    let mut adam = Adam::default();
    for _ in 0..steps {
        let mut pass = Pass::training();
        let loss = squared_error(network.forward(x.clone(), &mut pass), x.clone()).mean();
        network = adam.step(network.clone(), &loss.backward(), 1e-3).absorb(pass);
    }
    parameters::read(&network)
}

/// Not kernels alone: two steps leave the same bits in every parameter and every running statistic.
#[test]
fn the_number_of_threads_changes_no_training() {
    let classifier = |steps: usize| parameters::read(&classifier(steps));
    let networks: [(&str, &(dyn Fn(usize) -> TensorMap + Sync)); 2] =
        [("classifier", &classifier), ("autoencoder", &autoencoder)];
    for (name, train) in networks {
        let run = |threads: usize, steps: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| train(steps))
        };
        let one = run(1, 2);
        let start = run(1, 0);
        assert!(one.values().all(|tensor| tensor.is_finite()), "{name}");
        assert!(one.iter().all(|(path, tensor)| start[path] != *tensor), "a part of the {name} stands still");
        for threads in [2, 3] {
            let other = run(threads, 2);
            let differ: Vec<&String> =
                one.iter().filter(|(path, tensor)| other[*path] != **tensor).map(|(path, _)| path).collect();
            assert!(differ.is_empty(), "{name}, {threads} threads: {differ:?}");
        }
    }
}

/// The small classifier's inference in burn's own operations.
struct OfBurn {
    tensors: TensorMap,
    device: Device,
}

impl OfBurn {
    fn tensor<const D: usize>(&self, path: &str) -> Tensor<D> {
        let host = &self.tensors[path];
        let shape: [usize; D] = host.shape.clone().try_into().unwrap();
        Tensor::from_data(TensorData::new(host.values.clone(), shape), &self.device)
    }

    fn conv_norm(&self, x: Tensor<4>, conv: &str, norm: &str, stride: usize) -> Tensor<4> {
        let options = ConvOptions::new([stride; 2], [1, 1], [1, 1], 1);
        let x = conv2d(x, self.tensor(&format!("{conv}.weight")), None, options);
        let of = |name: &str| self.tensor::<1>(&format!("{norm}.{name}"));
        let scale = of("gamma") / (of("running_var") + 1e-5).sqrt();
        let shift = of("beta") - of("running_mean") * scale.clone();
        let [channels] = scale.dims();
        x * scale.reshape([1, channels, 1, 1]) + shift.reshape([1, channels, 1, 1])
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let mut x = relu(self.conv_norm((x - 0.5) / 0.25, "stem", "stem_norm", 2));
        for block in 0..3 {
            let path = |name: &str| format!("blocks.{block}.{name}");
            let stride = if block == 0 { 1 } else { 2 };
            let inside = relu(self.conv_norm(x.clone(), &path("conv1"), &path("norm1"), stride));
            let out = self.conv_norm(inside, &path("conv2"), &path("norm2"), 1);
            let shortcut = if block == 0 { x } else { widened(x) };
            x = relu(out + shortcut);
        }
        let [batch, channels, height, width] = x.dims();
        let means = x.reshape([batch, channels, height * width]).mean_dim(2).squeeze_dim::<2>(2);
        linear(means, self.tensor("head.weight"), Some(self.tensor("head.bias")))
    }
}

/// Every other pixel, with half as many empty channels before and behind.
fn widened(x: Tensor<4>) -> Tensor<4> {
    let x = avg_pool2d(x, AvgPoolOptions::new([1, 1]).with_stride([2, 2]));
    let [batch, channels, height, width] = x.dims();
    let none = Tensor::<4>::zeros([batch, channels / 2, height, width], &x.device());
    Tensor::cat(vec![none.clone(), x, none], 1)
}

/// M2m's walk on the kernels ends at most one step of 8 bits from the one on burn's own operations.
#[test]
fn a_walk_makes_the_pixels_that_burns_operations_make() {
    let device = Device::flex().autodiff();
    let g = classifier(2).freeze();
    let of_burn = OfBurn { tensors: parameters::read(&g), device: device.clone() };
    let mut draws = stream(23, Stage::Other, 0, 0);
    let shape = [20, 3, SIDE, SIDE];
    let count: usize = shape.iter().product();
    let values = (0..count).map(|_| draws.uniform_f32()).collect();
    let start = Images { shape, values };
    let labels = |step: usize| {
        let labels: Vec<usize> = (0..shape[0]).map(|image| (image + step) % CLASSES).collect();
        labels_tensor(&labels, &device)
    };
    let (from, to) = (labels(0), labels(1));
    let pixels = |logits: &dyn Fn(Tensor<4>) -> Tensor<2>| -> Vec<i32> {
        let objective = |x: Tensor<4>| {
            let logits = logits(x);
            cross_entropy(logits.clone(), to.clone()) + pick(logits, from.clone()) * 0.5
        };
        let walked = walk(&Ctx::default(), &start, 10, 0.1, &device, objective).unwrap();
        host(walked).iter().map(|value| (value * 255.0).round() as i32).collect()
    };
    let ours = pixels(&|x| g.forward(x, &mut Pass::inference()));
    let theirs = pixels(&|x| of_burn.forward(x));
    let apart = |a: i32, b: i32| (a - b).abs();
    let most = ours.iter().zip(&theirs).map(|(a, b)| apart(*a, *b)).max().unwrap();
    assert!(most <= 1, "{most} steps apart");
    let begun = start.values.iter().map(|value| (value * 255.0).round() as i32);
    let moved = ours.iter().zip(begun).filter(|(a, b)| apart(**a, *b) > 3).count();
    assert!(moved > ours.len() / 10, "{moved} of {} pixels moved", ours.len());
}
