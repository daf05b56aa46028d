//! CGAN: a generator that makes images from noise and a class, and a discriminator that scores an image beside the
//! class it is said to be of.
//!
//! Source: Mirza and Osindero, "Conditional Generative Adversarial Nets", 2014, with the losses of least squares that
//! PyTorch-GAN trains it with (Mao et al., ICCV 2017, equation 9 with a = 0 and b = c = 1). Its fully connected
//! networks are DCGAN's convolutions here (Radford, Metz and Chintala, ICLR 2016), with the label joined where theirs
//! have it. As in DCGAN real and made images go through the discriminator apart.
//!
//! Not taken over from PyTorch-GAN: normalisations with an epsilon of 0.8, a momentum's value that stands in the place
//! of epsilon and leaves maps of small variance nearly as they are. Here it is 1e-5.

use burn::module::Module as _;
use burn::tensor::{Device, Int, Tensor};
use serde_json::{Value, json};

use super::generative::{
    self, Canvas, Figures, Generative, Learner, Made, Maker, Part, RIGHT, Scene, Setup, Source, Step,
    Trained, drawn_labels, latent_of, loaded, mean, named, normal, sampling, share_right, together,
};
use super::params::{ParamKind, judged_params};
use super::{FitRequest, MethodError, MethodInfo, ParamInfo, ParamMap, device_lost};
use crate::classify::batches::epochs_for;
use crate::classify::trainer::{StepError, labels_tensor};
use crate::domain::provenance::Kind;
use crate::domain::task::Ctx;
use crate::nn::ComputeDevice;
use crate::nn::autoencoder::AutoencoderConfig;
use crate::nn::cgan::{CganConfig, CganDiscriminator, CganGenerator};
use crate::nn::device::DeviceKind;
use crate::nn::init::Init;
use crate::nn::layers::Pass;
use crate::nn::parameters::{ParametersError, TensorMap};
use crate::nn::weights::Weights;

/// The method.
pub struct Cgan;

static INFO: MethodInfo = MethodInfo {
    id: "cgan",
    name: "CGAN, conditional GAN",
    summary: "Makes images from noise and a class, against a discriminator that sees the class beside an image.",
    hint: "Two networks compete: one draws from random numbers, one, told the class, spots fakes.",
    paper: Some("Mirza and Osindero, \"Conditional Generative Adversarial Nets\", 2014"),
    needs_training: true,
    makes: Kind::Synthetic,
    has_prior: false,
    fixed: &[
        ("Adam's betas", "0.5 and 0.999", "DCGAN paper and PyTorch-GAN code: 0.5 and 0.999"),
        ("law of the noise", "N(0, I)", "PyTorch-GAN code"),
    ],
};

judged_params! {
    /// Parameters of CGAN.
    pub struct Params {
        /// Epochs of the generator and the discriminator, and of the judge too where a number is given. Left open: 200
        /// on a graphics card, on a processor as many as about 2,500 steps take.
        epochs: Option<u32> = None, "epochs", "Epochs", "PyTorch-GAN code: 200; ours on cpu: 2,500 steps",
        ParamKind::Int { min: 1, max: 10_000 }, "Training";
        /// Real images in a batch, and as many made ones.
        batch: u32 = 64, "batch", "Batch", "PyTorch-GAN code: 64; paper: 100",
        ParamKind::Int { min: 2, max: 4096 }, "Training";
        /// Learning rate of both networks, by Adam.
        learning_rate: f64 = 2e-4, "learning-rate", "Learning rate", "DCGAN paper and PyTorch-GAN code: 2e-4",
        ParamKind::Float { min: 1e-6, max: 1.0 }, "Training";
        /// Natural batches have each real image once an epoch; balanced ones have the classes equally often. Made
        /// images have the classes equally often in either.
        batches: String = "natural".to_owned(), "batches", "Batches", "PyTorch-GAN code: natural",
        ParamKind::Choice(&["natural", "balanced"]), "Training";
        /// Numbers of the noise an image is made from.
        latent: u32 = 100, "latent", "Length of the noise", "paper, DCGAN paper and PyTorch-GAN code: 100",
        ParamKind::Int { min: 2, max: 1024 }, "Networks";
        /// Factor on the channels of both networks. Left open: 1 on a graphics card, 0.5 on a processor, which is a
        /// quarter of the work.
        width: Option<f64> = None, "width", "Width",
        "half of the DCGAN paper's: 1 (inferred); ours on cpu: 0.5", ParamKind::Float { min: 0.05, max: 2.0 },
        "Networks";
    }
}

/// Steps on a processor where no number of epochs is given, and the least on a graphics card.
const STEPS: u32 = 2500;
/// Epochs on a graphics card.
const EPOCHS: u32 = 200;
/// Decays of both optimisers' moments (DCGAN and PyTorch-GAN).
const BETAS: [f64; 2] = [0.5, 0.999];
/// A score above this says "real": the middle between the two targets.
const BAR: f32 = 0.5;
/// Keys of the networks in random streams.
const GENERATOR: u64 = 30;
const DISCRIMINATOR: u64 = 31;
/// Purposes of a step's draws.
const NOISE: u64 = 0;
const LABELS: u64 = 1;

impl Params {
    /// With what the program chooses filled in.
    fn resolved(mut self, device: &ComputeDevice, images: usize) -> Self {
        let gpu = device.info.kind == DeviceKind::Gpu;
        let enough = epochs_for(STEPS, images, self.batch);
        self.epochs.get_or_insert(if gpu { EPOCHS.max(enough) } else { enough });
        self.width.get_or_insert(if gpu { 1.0 } else { 0.5 });
        self
    }
}

/// The networks for images on `canvas`.
///
/// # Errors
/// More classes than the discriminator has maps for.
fn configuration(params: &Params, canvas: Canvas, classes: usize) -> Result<CganConfig, MethodError> {
    let published = CganConfig::new(canvas.channels, canvas.side, classes, params.width.unwrap_or(1.0));
    let trunk = AutoencoderConfig { latent: params.latent as usize, ..published.trunk };
    let config = CganConfig { trunk, ..published };
    if config.is_sane() {
        return Ok(config);
    }
    Err(MethodError::Data(format!(
        "CGAN has no networks for {classes} classes at {} pixels a side, because a class is a map of that size; \
         choose fewer classes or a smaller size (--size 32)",
        canvas.size
    )))
}

impl Generative for Cgan {
    fn info(&self) -> &'static MethodInfo {
        &INFO
    }

    fn param_table(&self) -> &'static [ParamInfo] {
        Params::table()
    }

    fn setup(&self, _: &Ctx, request: &FitRequest<'_>) -> Result<(Setup, Box<dyn Learner>), MethodError> {
        let set = request.training;
        let given = Params::from_map(request.params)?;
        let judged = given.epochs;
        let params = given.resolved(request.device, set.len());
        let learner = CganLearner::new(params.clone(), Canvas::around(set)?, request)?;
        let setup = Setup::new(&params, params.batch, judged, &params.judge_batches, set.originals().len());
        Ok((setup, Box::new(learner)))
    }

    fn maker(
        &self,
        networks: &Value,
        weights: &Weights,
        _: &ParamMap,
        device: &Device,
    ) -> Result<Box<dyn Maker>, String> {
        let config = generative::described(networks, CganConfig::is_sane)?;
        // Start weights are replaced at once; the seed does not matter.
        let init = &mut Init::new(0, 0, device);
        let generator = loaded(config.build_generator(init), weights, "generator")?;
        let discriminator = loaded(config.build_discriminator(init), weights, "discriminator")?;
        Ok(Box::new(CganMaker { config, generator, discriminator }))
    }
}

struct CganLearner {
    params: Params,
    config: CganConfig,
    generator: Trained<CganGenerator>,
    discriminator: Trained<CganDiscriminator>,
    /// Classes with images: a made image is meant to be of one of them.
    present: Vec<usize>,
    device: Device,
}

impl CganLearner {
    fn new(params: Params, canvas: Canvas, request: &FitRequest<'_>) -> Result<Self, MethodError> {
        let (set, device) = (request.training, request.device.autodiff());
        let config = configuration(&params, canvas, set.classes.len())?;
        let generator = config.build_generator(&mut Init::new(request.seed, GENERATOR, &device));
        let init = &mut Init::new(request.seed, DISCRIMINATOR, &device);
        let discriminator = config.build_discriminator(init);
        let counts = set.counts();
        Ok(CganLearner {
            generator: Trained::new(generator, BETAS),
            discriminator: Trained::new(discriminator, BETAS),
            present: (0..counts.len()).filter(|&class| counts[class] > 0).collect(),
            params,
            config,
            device,
        })
    }

    /// The discriminator's loss, and the share of images that it had right. `made` are cut off from the generator.
    fn discriminator_step(
        &mut self,
        step: &Step<'_>,
        made: Tensor<4>,
        wanted: Tensor<1, Int>,
    ) -> Result<[f64; 2], StepError> {
        let (mut of_real, mut of_made) = (Pass::training(), Pass::training());
        let network = &self.discriminator.network;
        let real = network.forward(step.images.clone(), step.classes.clone(), &mut of_real);
        let made = network.forward(made, wanted, &mut of_made);
        let losses = ((real.clone() - 1.0).square() + made.clone().square()) * 0.5;
        let loss = mean(losses.clone())?;
        let right = share_right(real, made, BAR)?;
        let grads = losses.mean().backward();
        self.discriminator.step(&grads, self.params.learning_rate);
        self.discriminator.network = self.discriminator.network.clone().absorb(of_real).absorb(of_made);
        Ok([loss, right])
    }

    fn generator_step(&mut self, made: Tensor<4>, wanted: Tensor<1, Int>) -> Result<f64, StepError> {
        let judge = self.discriminator.network.clone().freeze();
        // The batch statistics of this pass are not kept.
        let scores = judge.forward(made, wanted, &mut Pass::training());
        let losses = (scores - 1.0).square() * 0.5;
        let loss = mean(losses.clone())?;
        let grads = losses.mean().backward();
        self.generator.step(&grads, self.params.learning_rate);
        Ok(loss)
    }
}

impl Learner for CganLearner {
    fn parts(&self) -> Vec<Part> {
        let epochs = self.params.epochs.unwrap_or(1) as usize;
        let sampling = sampling(&self.params.batches);
        vec![Part { name: "training generator and discriminator", epochs, sampling }]
    }

    fn begin(&mut self, ctx: &Ctx, _: usize, _: &Scene<'_>) -> Result<(), MethodError> {
        Ok(ctx.check()?)
    }

    fn step(&mut self, _: usize, step: &Step<'_>) -> Result<Figures, StepError> {
        let batch = step.labels.len();
        let noise = normal(&mut step.draws(NOISE), batch, self.config.trunk.latent, step.device);
        let wanted = drawn_labels(&mut step.draws(LABELS), &self.present, batch);
        let wanted = labels_tensor(&wanted, step.device);
        let mut pass = Pass::training();
        let made = self.generator.network.forward(noise, wanted.clone(), &mut pass);
        let [discriminator, right] = self.discriminator_step(step, made.clone().detach(), wanted.clone())?;
        let generator = self.generator_step(made, wanted)?;
        self.generator.network = self.generator.network.clone().absorb(pass);
        Ok(vec![("discriminator", discriminator), ("generator", generator), (RIGHT, right)])
    }

    fn tensors(&self) -> TensorMap {
        together([self.generator.tensors("generator"), self.discriminator.tensors("discriminator")])
    }

    fn restore(&mut self, weights: &Weights) -> Result<(), ParametersError> {
        self.generator.restore(weights, "generator", &self.device)?;
        self.discriminator.restore(weights, "discriminator", &self.device)
    }

    fn maker(&self) -> Box<dyn Maker> {
        Box::new(CganMaker {
            config: self.config.clone(),
            generator: self.generator.network.valid(),
            discriminator: self.discriminator.network.valid(),
        })
    }
}

struct CganMaker {
    config: CganConfig,
    generator: CganGenerator,
    discriminator: CganDiscriminator,
}

impl Maker for CganMaker {
    fn networks(&self) -> Value {
        serde_json::to_value(&self.config).unwrap_or_default()
    }

    fn tensors(&self) -> TensorMap {
        together([named("generator", &self.generator), named("discriminator", &self.discriminator)])
    }

    fn of_class<'a>(
        &'a self,
        _: &Ctx,
        scene: &'a Scene<'a>,
        class: usize,
    ) -> Result<Box<dyn Source + 'a>, MethodError> {
        scene.check_learnt(class)?;
        Ok(Box::new(CganSource { maker: self, scene, class }))
    }
}

struct CganSource<'a> {
    maker: &'a CganMaker,
    scene: &'a Scene<'a>,
    class: usize,
}

impl Source for CganSource<'_> {
    fn make(&self, keys: &[u64]) -> Result<Made, MethodError> {
        let (maker, class, device) = (self.maker, self.class, self.scene.device.plain());
        let latent = maker.config.trunk.latent;
        let noise = latent_of(self.scene.seed, class, keys, latent, &device);
        let labels = labels_tensor(&vec![class; keys.len()], &device);
        let images = maker.generator.forward(noise, labels.clone(), &mut Pass::inference());
        let scores = maker.discriminator.forward(images.clone(), labels, &mut Pass::inference());
        let scores = scores.try_into_vec_as::<f32>().map_err(|_| device_lost())?;
        Ok(Made {
            images: self.scene.canvas.cut(images).ok_or_else(device_lost)?,
            origins: vec![None; keys.len()],
            scores: Some(("discriminator's score", scores.into_iter().map(f64::from).collect())),
            extra: vec![json!({}); keys.len()],
        })
    }
}
