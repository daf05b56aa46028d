//! Networks on a graphics adapter: a test binary of its own, because burn's runtime starts once per process.
//!
//! Runs where an adapter is found, software or real; says loudly when none is. With COUNTERPOISE_REQUIRE_WGPU=1
//! a missing adapter is a failure.
#![allow(clippy::unwrap_used)]

#[path = "common/shapes.rs"]
mod shapes;

use burn::module::Module as _;
use counterpoise::classify::batches::{Augment, gather};
use counterpoise::classify::trainer::Trainer;
use counterpoise::domain::task::Ctx;
use counterpoise::nn::init::Init;
use counterpoise::nn::input_gradient::{Images, walk};
use counterpoise::nn::layers::Pass;
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
        let labels = counterpoise::classify::trainer::labels_tensor(
            &batch.labels.iter().map(|l| 1 - l).collect::<Vec<_>>(),
            &device.autodiff(),
        );
        let walked = walk(&Ctx::default(), &batch.images, 2, 0.1, &device.autodiff(), |x| {
            cross_entropy(frozen.forward(x, &mut Pass::inference()), labels.clone())
        });
        (losses, Images::of(walked.unwrap()).unwrap().values, frozen.num_params())
    };
    let (cpu_losses, cpu_pixels, cpu_count) = run(&ComputeDevice::cpu());
    let (gpu_losses, gpu_pixels, gpu_count) = run(&gpu);
    assert_eq!(cpu_count, gpu_count);
    assert!(gpu_losses.last().unwrap() < gpu_losses.first().unwrap(), "no learning: {gpu_losses:?}");
    for (a, b) in cpu_losses.iter().zip(&gpu_losses) {
        assert!((a - b).abs() < 2e-2 * (1.0 + a.abs()), "{cpu_losses:?} and {gpu_losses:?}");
    }
    let apart = cpu_pixels.iter().zip(&gpu_pixels).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart < 0.05, "pixels differ by {apart}");
}

#[test]
fn a_device_that_is_not_there_is_named() {
    assert!(matches!(ComputeDevice::select("quantum"), Err(DeviceError::Unknown(_))));
    let auto = ComputeDevice::select("auto").unwrap();
    assert_ne!(auto.info.kind, counterpoise::nn::DeviceKind::Software, "auto never takes a software adapter");
}
