//! Does M2m's training help? ERM, class-balanced sampling (DRS) and M2m on a folder with train and a balanced
//! test part, several seeds, the same schedule, network and start weights; real test images only. ERM and DRS are the
//! treatments that `counterpoise evaluate` compares; M2m while it trains is not among these.
//!
//! `cargo bench --bench m2m_classifiers -- FOLDER [--seeds N] [--epochs N] [--drop F] [--beta B]`
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::time::Instant;

use counterpoise::classify::recalls::confusion;
use counterpoise::classify::treatments::{Options as FitOptions, Preset, Treatment, fit};
use counterpoise::domain::splits::Split;
use counterpoise::domain::task::Ctx;
use counterpoise::evaluation::metrics::{Confusion, Scores};
use counterpoise::imaging::resize::Fit;
use counterpoise::imaging::scan::{ScanOptions, scan};
use counterpoise::imaging::training_set::{HeldOut, Spec, TrainingSet};
use counterpoise::nn::ComputeDevice;
use counterpoise::nn::init::Init;
use counterpoise::nn::parameters;
use counterpoise::nn::resnet::ResNet;
use counterpoise::oversampling::{FitRequest, ParamMap, method, model_file};
use serde_json::json;

/// Images per step, as M2m's default.
const BATCH: usize = 128;

struct Options {
    folder: PathBuf,
    seeds: u64,
    epochs: usize,
    beta: f64,
    drop: f64,
}

fn options() -> Option<Options> {
    let mut args = std::env::args().skip(1).filter(|a| a != "--bench");
    let mut options =
        Options { folder: PathBuf::from(args.next()?), seeds: 3, epochs: 40, beta: 0.999, drop: 10.0 };
    while let Some(flag) = args.next() {
        let value = args.next()?;
        match flag.as_str() {
            "--seeds" => options.seeds = value.parse().ok()?,
            "--epochs" => options.epochs = value.parse().ok()?,
            "--drop" => options.drop = value.parse().ok()?,
            "--beta" => options.beta = value.parse().ok()?,
            _ => return None,
        }
    }
    Some(options)
}

/// What a treatment says of the test part.
fn treated(name: &str, set: &TrainingSet, test: &HeldOut, seed: u64, options: &Options) -> Confusion {
    let (ctx, treatment): (Ctx, Treatment) = (Ctx::default(), name.parse().unwrap());
    let steps = options.epochs * set.len().div_ceil(BATCH);
    let common =
        FitOptions { drop: options.drop, batch: BATCH, ..FitOptions::new(Preset::Small, steps, seed) };
    let fitted = fit(&ctx, &treatment, set, &common, &ComputeDevice::cpu(), &mut |_| {}).unwrap();
    let rows = fitted.probabilities(&ctx, test).unwrap();
    let scores = Scores::new(set.classes.len(), test.labels.clone(), rows).unwrap();
    Confusion::of(set.classes.len(), &test.labels, &scores.said()).unwrap()
}

fn m2m(set: &TrainingSet, seed: u64, options: &Options, device: &ComputeDevice) -> ResNet {
    let mut params = ParamMap::new();
    params.insert("epochs".to_owned(), json!(options.epochs));
    params.insert("drop".to_owned(), json!(options.drop));
    params.insert("beta".to_owned(), json!(options.beta));
    let request =
        FitRequest { training: set, validation: None, params: &params, seed, device, checkpoint: None };
    let model = method("m2m").unwrap().fit(&Ctx::default(), &request).unwrap();
    println!("  record {}", model.summary()["record"]);
    let path = std::env::temp_dir().join(format!("m2m_classifiers-{}.safetensors", std::process::id()));
    model.save(&path).unwrap();
    let (config, weights) = model_file::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let fresh = config.networks["f"].build(&mut Init::new(0, 0, &device.plain()));
    parameters::write(fresh, &weights.part("f")).unwrap()
}

fn main() {
    let Some(options) = options() else {
        println!(
            "usage: cargo bench --bench m2m_classifiers -- FOLDER [--seeds N] [--epochs N] [--drop F] [--beta B]"
        );
        return;
    };
    let ctx = Ctx::default();
    let dataset = scan(&ctx, &options.folder, &ScanOptions::default()).unwrap();
    let spec = Spec::of(&dataset, None, Fit::default());
    let set = TrainingSet::load(&ctx, &dataset, &spec).unwrap();
    let test = HeldOut::load(&ctx, &dataset, Split::Test, &spec).unwrap();
    let device = ComputeDevice::cpu();
    println!("{} training images {:?}, {} test", set.len(), set.counts(), test.len());
    for name in ["erm", "drs", "M2m"] {
        let mut scores = Vec::new();
        let mut per_class = vec![0.0; set.classes.len()];
        let begun = Instant::now();
        for seed in 0..options.seeds {
            let table = match name {
                "M2m" => {
                    let network = m2m(&set, seed, &options, &device);
                    let table = confusion(&ctx, &network, &test, usize::MAX, &device.plain()).unwrap();
                    Confusion::new(&table).unwrap()
                }
                _ => treated(name, &set, &test, seed, &options),
            };
            let (of, score) = (table.recalls(), table.acsa().unwrap());
            println!("  {name} seed {seed}: ACSA {score:.4}, recalls {of:.3?}");
            scores.push(score);
            per_class.iter_mut().zip(of).for_each(|(sum, r)| *sum += r.unwrap_or(0.0) / options.seeds as f64);
        }
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        let variance =
            scores.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / (scores.len().max(2) - 1) as f64;
        println!(
            "{name}: ACSA {mean:.4} sd {:.4}, mean recalls {per_class:.3?}, {:.0} s a seed",
            variance.sqrt(),
            begun.elapsed().as_secs_f64() / options.seeds as f64
        );
    }
}
