//! Networks on a graphics adapter: a test binary of its own, because burn's runtime starts once per process.
//!
//! Runs where an adapter is found, software or real; says loudly when none is. With COUNTERPOISE_REQUIRE_WGPU=1
//! a missing adapter is a failure.
#![allow(clippy::unwrap_used)]

#[path = "common/shapes.rs"]
mod shapes;

use burn::module::Module as _;
use burn::tensor::{Tensor, TensorData};
use counterpoise::classify::batches::{Augment, gather};
use counterpoise::classify::trainer::{Trainer, labels_tensor};
use counterpoise::domain::random::{Stage, stream};
use counterpoise::domain::task::Ctx;
use counterpoise::nn::acgan::AcganConfig;
use counterpoise::nn::autoencoder::AutoencoderConfig;
use counterpoise::nn::bagan::BaganConfig;
use counterpoise::nn::critic::{LatentCriticConfig, PairCriticConfig, fused_direction, gradient_penalty};
use counterpoise::nn::init::Init;
use counterpoise::nn::input_gradient::{Images, walk};
use counterpoise::nn::layers::{FixedConv2d, Pass};
use counterpoise::nn::loss::cross_entropy;
use counterpoise::nn::resnet::ResNetConfig;
use counterpoise::nn::{ComputeDevice, DeviceError};

fn device() -> Option<ComputeDevice> {
    match ComputeDevice::select("gpu").or_else(|_| ComputeDevice::select("software")) {
        Ok(device) => {
            println!("running on {}", device.info.name);
            Some(device)
        }
        Err(error) => {
            assert!(
                std::env::var_os("COUNTERPOISE_REQUIRE_WGPU").is_none(),
                "a graphics adapter is required here: {error}"
            );
            println!("SKIPPED, NOT RUN: no graphics adapter ({error})");
            None
        }
    }
}

/// One test, so that the runtime is used from one thread.
#[test]
fn training_and_translation_agree_with_the_processor() {
    let Some(gpu) = device() else { return };
    let set = shapes::set(&[48, 16], 16, 1, false);
    // One block: every shape costs a software adapter seconds of compiling.
    let config = ResNetConfig { widths: vec![8], ..ResNetConfig::small(1, 2) };
    let positions: Vec<usize> = (0..32).map(|i| i * 2).collect();
    let batch = gather(&set, &positions, Augment::default(), None);
    let run = |device: &ComputeDevice| {
        let network = config.build(&mut Init::new(9, 0, &device.autodiff()));
        let mut trainer = Trainer::new(network, 0.9, 2e-4, &device.autodiff());
        let losses: Vec<f64> =
            (0..6).map(|_| trainer.step(&batch.images, &batch.labels, 0.05).unwrap()).collect();
        let frozen = trainer.frozen();
        let labels =
            labels_tensor(&batch.labels.iter().map(|l| 1 - l).collect::<Vec<_>>(), &device.autodiff());
        let walked = walk(&Ctx::default(), &batch.images, 2, 0.1, &device.autodiff(), |x| {
            cross_entropy(frozen.forward(x, &mut Pass::inference()), labels.clone())
        });
        (losses, Images::of(walked.unwrap()).unwrap().values, frozen.num_params())
    };
    let (cpu_losses, cpu_pixels, cpu_count) = run(&ComputeDevice::cpu());
    // Tuning takes the kernel that was fastest. On a software adapter under load it was once seen to take one whose
    // gradients were no numbers, so a disagreement has to show twice.
    let agree = || {
        let (gpu_losses, gpu_pixels, gpu_count) = run(&gpu);
        assert_eq!(cpu_count, gpu_count);
        assert!(gpu_losses.last().unwrap() < gpu_losses.first().unwrap(), "no learning: {gpu_losses:?}");
        for (a, b) in cpu_losses.iter().zip(&gpu_losses) {
            assert!((a - b).abs() < 2e-2 * (1.0 + a.abs()), "{cpu_losses:?} and {gpu_losses:?}");
        }
        let apart = cpu_pixels.iter().zip(&gpu_pixels).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        println!("pixels differ by {apart}");
        apart < 0.05
    };
    assert!(agree() || agree(), "pixels differ twice");
    generator_networks_agree(&gpu);
}

/// Every layer that the generators and MobileNet add: embeddings, doubling, dropout, products of maps, exact penalties,
/// filters of single channels.
fn generator_networks_agree(gpu: &ComputeDevice) {
    let run = |device: &ComputeDevice| -> Vec<(&'static str, Vec<f32>)> {
        let device = device.autodiff();
        let tensor = |shape: [usize; 4], seed: u64| -> Tensor<4> {
            let mut draws = stream(seed, Stage::Other, 0, 0);
            let values: Vec<f32> =
                (0..shape.iter().product()).map(|_| draws.uniform_f32() * 2.0 - 1.0).collect();
            Tensor::from_data(TensorData::new(values, shape), &device)
        };
        let codes = |seed: u64| tensor([4, 6, 1, 1], seed).reshape([4, 6]);
        let host = |images: Tensor<4>| images.try_into_vec_as::<f32>().unwrap();
        let labels = labels_tensor(&[0, 1, 1, 0], &device);
        let images = tensor([4, 1, 16, 16], 1);
        let mut out = Vec::new();

        let autoencoder = AutoencoderConfig::baegan(1, 16, 2, 6, 0.03).build(&mut Init::new(3, 0, &device));
        let again = autoencoder.reconstruct(images.clone(), labels.clone(), &mut Pass::training());
        out.push(("autoencoder", host(again)));

        let critic = LatentCriticConfig { latent: 6, hidden: vec![8], outputs: 3 };
        let critic = critic.build(&mut Init::new(3, 1, &device));
        let (_, gradient) = critic.forward_with_gradient(codes(2), fused_direction);
        out.push(("penalty of codes", gradient_penalty(gradient).try_into_vec_as::<f32>().unwrap()));

        let pairs = PairCriticConfig {
            widths: vec![4, 4],
            embedding: 4,
            hidden: 4,
            ..PairCriticConfig::new(1, 16, 2)
        };
        let pairs = pairs.build(&mut Init::new(3, 2, &device));
        let (_, gradient) = pairs.forward_with_gradient(images.clone(), labels.clone());
        let penalty = gradient_penalty(gradient);
        out.push(("penalty of images", penalty.clone().try_into_vec_as::<f32>().unwrap()));
        let leaf = images.clone().require_grad();
        let (_, gradient) = pairs.forward_with_gradient(leaf, labels.clone());
        // Its way back must at least exist there.
        gradient_penalty(gradient).sum().backward();

        let acgan = AcganConfig { latent: 6, width: 8, ..AcganConfig::new(1, 16, 2) };
        let generator = acgan.build_generator(&mut Init::new(3, 3, &device));
        out.push(("acgan", host(generator.forward(codes(4), labels.clone(), &mut Pass::training()))));
        let judge = acgan.build_discriminator(&mut Init::new(3, 4, &device));
        let mut draws = stream(5, Stage::Other, 0, 0);
        let (real, _) = judge.forward(images.clone(), Some(&mut draws), &mut Pass::training());
        out.push(("acgan's discriminator", real.try_into_vec_as::<f32>().unwrap()));

        let bagan = BaganConfig { latent: 6, width: 2, ..BaganConfig::new(1, 16, 2) };
        let generator = bagan.build_generator(&mut Init::new(3, 5, &device));
        out.push(("bagan", host(generator.forward(codes(6)))));

        // A filter for each channel, with a border of one row and column on one side alone.
        let bias = tensor([6, 1, 1, 1], 9).reshape([6]);
        let filters = FixedConv2d::new(tensor([6, 1, 3, 3], 8), bias, 2, 6);
        out.push(("filters", host(filters.forward(tensor([2, 6, 8, 8], 10)))));
        out
    };
    for ((name, cpu), (_, gpu)) in run(&ComputeDevice::cpu()).into_iter().zip(run(gpu)) {
        assert_eq!(cpu.len(), gpu.len(), "{name}");
        let apart = cpu.iter().zip(&gpu).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 2e-3, "{name} differs by {apart}");
    }
}

#[test]
fn a_device_that_is_not_there_is_named() {
    assert!(matches!(ComputeDevice::select("quantum"), Err(DeviceError::Unknown(_))));
    let auto = ComputeDevice::select("auto").unwrap();
    assert_ne!(auto.info.kind, counterpoise::nn::DeviceKind::Software, "auto never takes a software adapter");
}
