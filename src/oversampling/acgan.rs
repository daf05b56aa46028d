//! ACGAN: a generator that makes images from noise and a class, and a discriminator that says of an image whether it
//! is real and of which class.
//!
//! Source: Odena, Olah and Shlens, "Conditional Image Synthesis With Auxiliary Classifier GANs", ICML 2017. With L_S
//! the log-likelihood of the right source and L_C that of the right class, both over real and made images, the
//! discriminator maximises L_S + L_C and the generator L_C - L_S. Networks and settings are those of PyTorch-GAN. The
//! generator's part of L_S has the usual form: that its images are taken for real (Goodfellow et al., NeurIPS 2014).
//!
//! Not taken over from PyTorch-GAN: a softmax before a cross entropy that takes one of its own, and normalisations
//! with an epsilon of 0.8. There, too, real and made images go through the discriminator apart. Its last layer before
//! the heads is a normalisation, which takes the mean out of either batch, so the answers to both have one mean and it
//! hardly learns to tell them. Here real and made images are one batch in every step.

use burn::module::Module as _;
use burn::tensor::activation::{sigmoid, softmax};
use burn::tensor::{Device, Int, Tensor};
use serde::{Deserialize, Serialize};
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
use crate::nn::acgan::{AcganConfig, AcganDiscriminator, AcganGenerator};
use crate::nn::device::DeviceKind;
use crate::nn::init::Init;
use crate::nn::layers::Pass;
use crate::nn::loss::{bce_with_logits, cross_entropy};
use crate::nn::parameters::{ParametersError, TensorMap};
use crate::nn::weights::Weights;

/// The method.
pub struct Acgan;

static INFO: MethodInfo = MethodInfo {
    id: "acgan",
    name: "ACGAN, GAN with an auxiliary classifier",
    summary: "Makes images from noise and a class, against a discriminator that names source and class of an image.",
    hint: "Two networks compete: one draws from random numbers, one spots fakes and names classes.",
    paper: Some(
        "Odena, Olah and Shlens, \"Conditional Image Synthesis With Auxiliary Classifier GANs\", \
         ICML 2017",
    ),
    needs_training: true,
    makes: Kind::Synthetic,
    has_prior: false,
    fixed: &[
        ("Adam's betas", "0.5 and 0.999", "PyTorch-GAN code: 0.5 and 0.999"),
        ("law of the noise", "N(0, I)", "PyTorch-GAN code"),
    ],
};

judged_params! {
    /// Parameters of ACGAN.
    pub struct Params {
        /// Epochs of the generator and the discriminator, and of the judge too where a number is given. Left open: 200
        /// on a graphics card, on a processor as many as about 2,500 steps take.
        epochs: Option<u32> = None, "epochs", "Epochs", "PyTorch-GAN code: 200; ours on cpu: 2,500 steps",
        ParamKind::Int { min: 1, max: 10_000 }, "Training";
        /// Real images in a batch, and as many made ones.
        batch: u32 = 64, "batch", "Batch", "PyTorch-GAN code: 64; paper: 100",
        ParamKind::Int { min: 2, max: 4096 }, "Training";
        /// Learning rate of both networks, by Adam.
        learning_rate: f64 = 2e-4, "learning-rate", "Learning rate", "paper and PyTorch-GAN code: 2e-4",
        ParamKind::Float { min: 1e-6, max: 1.0 }, "Training";
        /// Natural batches have each real image once an epoch; balanced ones have the classes equally often. Made
        /// images have the classes equally often in either.
        batches: String = "natural".to_owned(), "batches", "Batches", "PyTorch-GAN code: natural",
        ParamKind::Choice(&["natural", "balanced"]), "Training";
        /// Numbers of the noise an image is made from.
        latent: u32 = 100, "latent", "Length of the noise", "PyTorch-GAN code: 100",
        ParamKind::Int { min: 2, max: 1024 }, "Networks";
        /// Factor on the channels of the generator, and above 1 of the discriminator too, which is little work. Left
        /// open: 1 on a graphics card, 0.5 on a processor, which is a quarter of the work.
        width: Option<f64> = None, "width", "Width", "PyTorch-GAN code: 1; ours on cpu: 0.5",
        ParamKind::Float { min: 0.05, max: 2.0 }, "Networks";
    }
}

/// Steps on a processor where no number of epochs is given, and the least on a graphics card.
const STEPS: u32 = 2500;
/// Epochs on a graphics card.
const EPOCHS: u32 = 200;
/// Decays of both optimisers' moments (paper and PyTorch-GAN).
const BETAS: [f64; 2] = [0.5, 0.999];
/// Channels are counted in these.
const CHANNELS: usize = 8;
/// Keys of the networks in random streams.
const GENERATOR: u64 = 20;
const DISCRIMINATOR: u64 = 21;
/// Purposes of a step's draws: noise, labels, and what the discriminator leaves out in its own step and in the
/// generator's.
const NOISE: u64 = 0;
const LABELS: u64 = 1;
const DROPPED: u64 = 2;
const DROPPED_FOR_GENERATOR: u64 = 3;

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

/// The networks as a model file holds them. They differ in width alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Networks {
    generator: AcganConfig,
    discriminator: AcganConfig,
}

impl Networks {
    fn new(params: &Params, canvas: Canvas, classes: usize) -> Result<Self, MethodError> {
        let of_width = |factor: f64| {
            let published = AcganConfig::new(canvas.channels, canvas.side, classes);
            let eighths = (published.width as f64 * factor / CHANNELS as f64).round() as usize;
            AcganConfig { latent: params.latent as usize, width: eighths.max(1) * CHANNELS, ..published }
        };
        let width = params.width.unwrap_or(1.0);
        let networks = Networks { generator: of_width(width), discriminator: of_width(width.max(1.0)) };
        if networks.is_sane() {
            return Ok(networks);
        }
        Err(MethodError::Data(format!(
            "ACGAN's networks for {classes} classes at {} pixels a side would be too large; choose a smaller size \
             (--size 32), a smaller --width, shorter noise (--latent) or fewer classes",
            canvas.size
        )))
    }

    fn is_sane(&self) -> bool {
        self.generator.is_sane() && self.discriminator.is_sane()
    }
}

impl Generative for Acgan {
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
        let learner = AcganLearner::new(params.clone(), Canvas::around(set)?, request)?;
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
        let networks = generative::described(networks, Networks::is_sane)?;
        // Start weights are replaced at once; the seed does not matter.
        let init = &mut Init::new(0, 0, device);
        let generator = loaded(networks.generator.build_generator(init), weights, "generator")?;
        let fresh = networks.discriminator.build_discriminator(init);
        let discriminator = loaded(fresh, weights, "discriminator")?;
        Ok(Box::new(AcganMaker { networks, generator, discriminator }))
    }
}

struct AcganLearner {
    params: Params,
    networks: Networks,
    generator: Trained<AcganGenerator>,
    discriminator: Trained<AcganDiscriminator>,
    /// Classes with images: a made image is meant to be of one of them.
    present: Vec<usize>,
    device: Device,
}

/// What the discriminator says of the real images of a step and of as many made ones, the real ones first.
struct Answers {
    /// Logits of "real", `[2 batch]`.
    source: Tensor<1>,
    /// Logits of the classes, `[2 batch, classes]`.
    class: Tensor<2>,
}

impl Answers {
    fn of(
        discriminator: &AcganDiscriminator,
        step: &Step<'_>,
        made: Tensor<4>,
        purpose: u64,
        pass: &mut Pass,
    ) -> Self {
        let images = Tensor::cat(vec![step.images.clone(), made], 0);
        let mut draws = step.draws(purpose);
        let (source, class) = discriminator.forward(images, Some(&mut draws), pass);
        Answers { source, class }
    }
}

impl AcganLearner {
    fn new(params: Params, canvas: Canvas, request: &FitRequest<'_>) -> Result<Self, MethodError> {
        let (set, device) = (request.training, request.device.autodiff());
        let networks = Networks::new(&params, canvas, set.classes.len())?;
        let generator = networks.generator.build_generator(&mut Init::new(request.seed, GENERATOR, &device));
        let init = &mut Init::new(request.seed, DISCRIMINATOR, &device);
        let discriminator = networks.discriminator.build_discriminator(init);
        let counts = set.counts();
        Ok(AcganLearner {
            generator: Trained::new(generator, BETAS),
            discriminator: Trained::new(discriminator, BETAS),
            present: (0..counts.len()).filter(|&class| counts[class] > 0).collect(),
            params,
            networks,
            device,
        })
    }

    /// Minus the mean of L_S + L_C over real and made images, and the share of sources that it had right. `made` are
    /// cut off from the generator.
    fn discriminator_step(
        &mut self,
        step: &Step<'_>,
        made: Tensor<4>,
        wanted: Tensor<1, Int>,
    ) -> Result<[f64; 2], StepError> {
        let batch = step.labels.len();
        let mut pass = Pass::training();
        let Answers { source, class } =
            Answers::of(&self.discriminator.network, step, made, DROPPED, &mut pass);
        let ones: Tensor<1> = Tensor::ones([batch], step.device);
        let target = Tensor::cat(vec![ones, Tensor::zeros([batch], step.device)], 0);
        let classes = Tensor::cat(vec![step.classes.clone(), wanted], 0);
        let losses = bce_with_logits(source.clone(), target) + cross_entropy(class, classes);
        let loss = mean(losses.clone())?;
        let right = share_right(source.clone().narrow(0, 0, batch), source.narrow(0, batch, batch), 0.0)?;
        let grads = losses.mean().backward();
        self.discriminator.step(&grads, self.params.learning_rate);
        self.discriminator.network = self.discriminator.network.clone().absorb(pass);
        Ok([loss, right])
    }

    /// The mean over made images of how little they are taken for real and for their class.
    fn generator_step(
        &mut self,
        step: &Step<'_>,
        made: Tensor<4>,
        wanted: Tensor<1, Int>,
    ) -> Result<f64, StepError> {
        let batch = step.labels.len();
        let judge = self.discriminator.network.clone().freeze();
        // The batch statistics of this pass are not kept.
        let answers = Answers::of(&judge, step, made, DROPPED_FOR_GENERATOR, &mut Pass::training());
        let source = answers.source.narrow(0, batch, batch);
        let class = answers.class.narrow(0, batch, batch);
        let losses =
            bce_with_logits(source, Tensor::ones([batch], step.device)) + cross_entropy(class, wanted);
        let loss = mean(losses.clone())?;
        let grads = losses.mean().backward();
        self.generator.step(&grads, self.params.learning_rate);
        Ok(loss)
    }
}

impl Learner for AcganLearner {
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
        let noise = normal(&mut step.draws(NOISE), batch, self.networks.generator.latent, step.device);
        let wanted = drawn_labels(&mut step.draws(LABELS), &self.present, batch);
        let wanted = labels_tensor(&wanted, step.device);
        let mut pass = Pass::training();
        let made = self.generator.network.forward(noise, wanted.clone(), &mut pass);
        let [discriminator, right] = self.discriminator_step(step, made.clone().detach(), wanted.clone())?;
        let generator = self.generator_step(step, made, wanted)?;
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
        Box::new(AcganMaker {
            networks: self.networks.clone(),
            generator: self.generator.network.valid(),
            discriminator: self.discriminator.network.valid(),
        })
    }
}

struct AcganMaker {
    networks: Networks,
    generator: AcganGenerator,
    discriminator: AcganDiscriminator,
}

impl Maker for AcganMaker {
    fn networks(&self) -> Value {
        serde_json::to_value(&self.networks).unwrap_or_default()
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
        Ok(Box::new(AcganSource { maker: self, scene, class }))
    }
}

struct AcganSource<'a> {
    maker: &'a AcganMaker,
    scene: &'a Scene<'a>,
    class: usize,
}

impl Source for AcganSource<'_> {
    fn make(&self, keys: &[u64]) -> Result<Made, MethodError> {
        let (maker, class, device) = (self.maker, self.class, self.scene.device.plain());
        let latent = maker.networks.generator.latent;
        let noise = latent_of(self.scene.seed, class, keys, latent, &device);
        let labels = labels_tensor(&vec![class; keys.len()], &device);
        let images = maker.generator.forward(noise, labels, &mut Pass::inference());
        let (source, classes) = maker.discriminator.forward(images.clone(), None, &mut Pass::inference());
        let of_class = softmax(classes, 1).narrow(1, class, 1).squeeze_dim::<1>(1);
        let host = |values: Tensor<1>| values.try_into_vec_as::<f32>().map_err(|_| device_lost());
        let (scores, of_class) = (host(sigmoid(source))?, host(of_class)?);
        Ok(Made {
            images: self.scene.canvas.cut(images).ok_or_else(device_lost)?,
            origins: vec![None; keys.len()],
            scores: Some(("discriminator takes it for real", scores.into_iter().map(f64::from).collect())),
            extra: of_class.into_iter().map(|p| json!({ "discriminator_class_probability": p })).collect(),
        })
    }
}
