//! BAGAN: an autoencoder of all classes, whose halves go on as a GAN that makes images of each class.
//!
//! Source: Mariani, Scheidegger, Istrate, Bekas and Malossi, "BAGAN: Data Augmentation with Balancing GAN",
//! arXiv:1803.09655, 2018, and the code that IBM released with it. The autoencoder sees no labels. Its
//! decoder goes on as the generator, its encoder's convolutions as those of the discriminator, and the codes
//! of a class' images give the class a prior, a normal law that stays as it is from then on. The
//! discriminator names the class of an image or calls it made. The generator draws from all classes equally
//! often and is rewarded where its image is taken for the class.
//!
//! Mistakes of the released code are left out: the covariance of a class with one image is not a number; the
//! last convolution, 2x2, shifts images by half a pixel; the last, smaller batch of an epoch is not learnt
//! from; a run that goes on from a backup has lost the moments of its optimisers.

use std::borrow::Cow;
use std::collections::BTreeMap;

use burn::module::Module as _;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use serde_json::{Value, json};

use super::generative::{
    self, Canvas, Figures, Generative, Learner, Made, Maker, Part, RIGHT, Rows, Scene, Setup, Source, Step,
    Trained, loaded, mean, named, rows_error, sampling, together,
};
use super::params::{ParamKind, judged_params};
use super::rows::normal::NormalLaw;
use super::{FitRequest, MethodError, MethodInfo, ParamInfo, ParamMap, device_lost};
use crate::classify::batches::epochs_for;
use crate::classify::trainer::{StepError, labels_tensor};
use crate::domain::provenance::Kind;
use crate::domain::random::{Stage, stream};
use crate::domain::task::{Ctx, Level};
use crate::nn::ComputeDevice;
use crate::nn::bagan::{BaganConfig, BaganGenerator, BaganJudge};
use crate::nn::critic::fused_score;
use crate::nn::device::DeviceKind;
use crate::nn::init::Init;
use crate::nn::loss::{cross_entropy, squared_error};
use crate::nn::parameters::{HostTensor, ParametersError, TensorMap};
use crate::nn::weights::Weights;

/// The method.
pub struct Bagan;

static INFO: MethodInfo = MethodInfo {
    id: "bagan",
    name: "BAGAN, balancing GAN",
    summary: "Turns an autoencoder of all classes into a GAN and draws codes by a normal law of each class.",
    hint: "Two networks compete: one draws what a class usually looks like, one spots fakes.",
    paper: Some(
        "Mariani, Scheidegger, Istrate, Bekas and Malossi, \"BAGAN: Data Augmentation with Balancing GAN\", \
         arXiv:1803.09655, 2018",
    ),
    needs_training: true,
    makes: Kind::Synthetic,
    has_prior: false,
    fixed: &[
        ("Adam's betas", "0.5 and 0.999", "code: 0.5; the second is Keras' default"),
        ("slope of leaky ReLUs", "0.2", "ours; code: 0.3"),
        ("law of a class' codes", "normal, by mean and covariance of its images' codes", "paper and code"),
    ],
};

judged_params! {
    /// Parameters of BAGAN.
    pub struct Params {
        /// Epochs of the GAN, and of the autoencoder and the judge too where nothing else is said. Left open:
        /// 150 on a graphics card, or as many as about 10,000 steps take, at most 3,000; on a processor as many
        /// as about 1,500 steps take, at most 1,000.
        epochs: Option<u32> = None, "epochs", "Epochs", "code: 150; ours: 10,000 steps or more, on cpu 1,500",
        ParamKind::Int { min: 1, max: 10_000 }, "Training";
        /// Epochs of the autoencoder, before its halves become the GAN.
        pretrain_epochs: Option<u32> = None, "pretrain-epochs", "Epochs of the autoencoder",
        "code: as many as of the GAN", ParamKind::Int { min: 1, max: 10_000 }, "Training";
        /// Real images in a batch. The discriminator sees as many made ones beside them as a balanced batch
        /// has of one class.
        batch: u32 = 128, "batch", "Batch", "code: 128", ParamKind::Int { min: 2, max: 4096 }, "Training";
        /// Learning rate of the autoencoder, by Adam. Left open: 5e-5 on a graphics card, 5e-4 on a
        /// processor, whose steps are few.
        learning_rate: Option<f64> = None, "learning-rate", "Learning rate", "code: 5e-5; ours on cpu: 5e-4",
        ParamKind::Float { min: 1e-6, max: 1.0 }, "Training";
        /// Learning rate of generator and discriminator, by Adam. Left open: 5e-5 on a graphics card, 2e-4 on
        /// a processor.
        adversarial_rate: Option<f64> = None, "adversarial-rate", "Adversarial learning rate",
        "code: 5e-5; ours on cpu: 2e-4", ParamKind::Float { min: 1e-6, max: 1.0 }, "Training";
        /// Natural batches have each real image once an epoch; balanced ones have the classes equally often.
        /// Made images are balanced in both.
        batches: String = "natural".to_owned(), "batches", "Batches", "code: natural",
        ParamKind::Choice(&["natural", "balanced"]), "Training";
        /// Numbers of a code.
        latent: u32 = 100, "latent", "Length of a code", "code: 100", ParamKind::Int { min: 2, max: 1024 },
        "Networks";
        /// Factor on the published channels. Left open: 1 on a graphics card, 0.25 on a processor, which is a
        /// sixteenth of the work.
        width: Option<f64> = None, "width", "Width", "code: 1; ours on cpu: 0.25",
        ParamKind::Float { min: 0.05, max: 2.0 }, "Networks";
    }
}

/// Steps of each part on a processor where no number of epochs is given.
const STEPS: u32 = 1500;
/// Steps of each part on a graphics card, at least: at the published rate the GAN first undoes what the
/// decoder knew, and thousands of steps pass before it has learnt better.
const GPU_STEPS: u32 = 10_000;
/// The published learning rate.
const RATE: f64 = 5e-5;
/// Adam's decays: the first is published, the second is the usual one.
const BETAS: [f64; 2] = [0.5, 0.999];
/// Codes that the prior of a class is made from, at most: they are kept in the model file. A larger class is
/// represented by as many of its images, drawn once.
const CODES: usize = 512;
/// Images of a class up to which it is said how little their prior spreads.
const FEW: usize = 10;
/// Number of that draw among those that choose images of a class.
const CHOSEN: u64 = 2;
/// Where tensors keep the codes of class k: `codes.k`.
const PRIOR: &str = "codes";
/// Keys of the networks in random streams.
const ENCODER: u64 = 10;
const DECODER: u64 = 11;
const DISCRIMINATOR: u64 = 12;
/// Purposes of a step's draws: what the encoder leaves out; made images for the discriminator and what it
/// leaves out; images that the generator is rewarded for, and what the discriminator leaves out of them.
const ENCODER_DROPOUT: u64 = 0;
const MADE: u64 = 1;
const MADE_DROPOUT: u64 = 2;
const WANTED: u64 = 3;
const WANTED_DROPOUT: u64 = 4;

impl Params {
    /// With what the program chooses filled in.
    fn resolved(mut self, device: &ComputeDevice, images: usize) -> Self {
        let gpu = device.info.kind == DeviceKind::Gpu;
        let enough = |steps| epochs_for(steps, images, self.batch);
        let enough = if gpu { enough(GPU_STEPS).clamp(150, 3000) } else { enough(STEPS).clamp(5, 1000) };
        let epochs = *self.epochs.get_or_insert(enough);
        self.pretrain_epochs.get_or_insert(epochs);
        self.learning_rate.get_or_insert(if gpu { RATE } else { 5e-4 });
        self.adversarial_rate.get_or_insert(if gpu { RATE } else { 2e-4 });
        self.width.get_or_insert(if gpu { 1.0 } else { 0.25 });
        self
    }
}

/// The law of each class' codes.
type Priors = BTreeMap<usize, NormalLaw>;

/// The prior of a class: the law of its original images' codes. None for a class without one.
fn prior_of(
    ctx: &Ctx,
    scene: &Scene<'_>,
    encoder: &BaganJudge,
    class: usize,
) -> Result<Option<NormalLaw>, MethodError> {
    let mut positions = scene.set.originals_of_class(class);
    if positions.is_empty() {
        return Ok(None);
    }
    if positions.len() > CODES {
        stream(scene.seed, Stage::Subset, class as u64, CHOSEN).shuffle(&mut positions);
        positions.truncate(CODES);
        positions.sort_unstable();
    }
    let rows = Rows::encoded(ctx, scene, positions, |images| encoder.forward(images, None))?;
    let (rows, features) = rows.into_values();
    NormalLaw::of(rows, features).map(Some).map_err(rows_error)
}

/// Priors as tensors `codes.k` of `[images, latent]`.
fn tensors_of(priors: &Priors) -> TensorMap {
    let tensors = priors.iter().map(|(class, prior)| {
        let tensor =
            HostTensor { shape: vec![prior.count(), prior.features()], values: prior.rows().to_vec() };
        (format!("{PRIOR}.{class}"), tensor)
    });
    tensors.collect()
}

/// The inverse of [`tensors_of`].
///
/// # Errors
/// Codes of another class or length than the networks have, or more than a prior is made from.
fn priors_of(weights: &Weights, config: &BaganConfig) -> Result<Priors, ParametersError> {
    let mut priors = Priors::new();
    for (class, HostTensor { shape, values }) in weights.part(PRIOR) {
        let name = format!("{PRIOR}.{class}");
        let Some(class) = class.parse::<usize>().ok().filter(|class| *class < config.classes) else {
            return Err(ParametersError::Unknown(name));
        };
        let fits = matches!(shape[..], [1..=CODES, latent] if latent == config.latent);
        let Some(prior) = NormalLaw::of(values, config.latent).ok().filter(|_| fits) else {
            return Err(ParametersError::Shape { name, found: shape, wanted: vec![CODES, config.latent] });
        };
        priors.insert(class, prior);
    }
    Ok(priors)
}

impl Generative for Bagan {
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
        let learner = BaganLearner::new(params.clone(), Canvas::around(set)?, request);
        let setup = Setup::new(&params, params.batch, judged, &params.judge_batches, set.originals().len());
        Ok((setup, Box::new(learner)))
    }

    fn maker(
        &self,
        networks: &Value,
        weights: &Weights,
        params: &ParamMap,
        device: &Device,
    ) -> Result<Box<dyn Maker>, String> {
        Params::from_map(params).map_err(|error| error.to_string())?;
        let config = generative::described(networks, BaganConfig::is_sane)?;
        // Start weights are replaced at once; the seed does not matter.
        let init = &mut Init::new(0, 0, device);
        let encoder = loaded(config.build_encoder(init), weights, "encoder")?;
        let generator = loaded(config.build_generator(init), weights, "generator")?;
        let discriminator = loaded(config.build_discriminator(init), weights, "discriminator")?;
        let priors = priors_of(weights, &config).map_err(|error| error.to_string())?;
        Ok(Box::new(BaganMaker { config, encoder, generator, discriminator, priors }))
    }
}

struct BaganLearner {
    params: Params,
    config: BaganConfig,
    encoder: Trained<BaganJudge>,
    /// The decoder of the autoencoder, and from the second part on the generator.
    generator: Trained<BaganGenerator>,
    discriminator: Trained<BaganJudge>,
    /// Empty before the second part.
    priors: Priors,
    device: Device,
}

impl BaganLearner {
    fn new(params: Params, canvas: Canvas, request: &FitRequest<'_>) -> Self {
        let device = request.device.autodiff();
        let published = BaganConfig::new(canvas.channels, canvas.side, request.training.classes.len());
        let width = published.width as f64 * params.width.unwrap_or(1.0);
        let config = BaganConfig {
            latent: params.latent as usize,
            width: (width.round() as usize).max(1),
            ..published
        };
        let init = |network| Init::new(request.seed, network, &device);
        BaganLearner {
            encoder: Trained::new(config.build_encoder(&mut init(ENCODER)), BETAS),
            generator: Trained::new(config.build_generator(&mut init(DECODER)), BETAS),
            discriminator: Trained::new(config.build_discriminator(&mut init(DISCRIMINATOR)), BETAS),
            priors: Priors::new(),
            params,
            config,
            device,
        }
    }

    fn reconstruct(&mut self, step: &Step<'_>) -> Result<f64, StepError> {
        let mut draws = step.draws(ENCODER_DROPOUT);
        let codes = self.encoder.network.forward(step.images.clone(), Some(&mut draws));
        let made = self.generator.network.forward(codes);
        let losses = squared_error(made, step.images.clone());
        let loss = mean(losses.clone())?;
        let grads = losses.mean().backward();
        let rate = self.params.learning_rate.unwrap_or(RATE);
        self.encoder.step(&grads, rate);
        self.generator.step(&grads, rate);
        Ok(loss)
    }

    /// Made images that go with `real` ones: as many as a balanced batch has of one class.
    fn made_beside(&self, real: usize) -> usize {
        real.div_ceil(self.priors.len().max(1))
    }

    /// Labels, each as likely as the others, and a code by the prior of each, `[count, latent]`.
    fn drawn(&self, step: &Step<'_>, purpose: u64, count: usize) -> (Vec<usize>, Tensor<2>) {
        let mut draws = step.draws(purpose);
        let priors: Vec<(usize, &NormalLaw)> =
            self.priors.iter().map(|(class, prior)| (*class, prior)).collect();
        let (mut labels, mut codes) = (Vec::with_capacity(count), Vec::new());
        for _ in 0..count {
            let (class, prior) = priors[draws.below(priors.len())];
            labels.push(class);
            codes.extend(prior.draw(&mut draws));
        }
        let codes = TensorData::new(codes, [count, self.config.latent]);
        (labels, Tensor::from_data(codes, step.device))
    }

    /// Loss, and the share of images that it told right to be real or made.
    fn discriminator_step(&mut self, step: &Step<'_>) -> Result<[f64; 2], StepError> {
        let real = step.labels.len();
        let (_, codes) = self.drawn(step, MADE, self.made_beside(real));
        let made = self.generator.network.forward(codes).detach();
        // The label after the last class says that an image is made.
        let mut labels = step.labels.to_vec();
        labels.resize(real + made.dims()[0], self.config.classes);
        let images = Tensor::cat(vec![step.images.clone(), made], 0);
        let mut draws = step.draws(MADE_DROPOUT);
        let logits = self.discriminator.network.forward(images, Some(&mut draws));
        let losses = cross_entropy(logits.clone(), labels_tensor(&labels, step.device));
        let loss = mean(losses.clone())?;
        // Above 0 where the last label is likelier than all classes together.
        let says = fused_score(logits.detach()).try_into_vec_as::<f32>().map_err(|_| StepError::Device)?;
        let share = |says: &[f32], made: bool| {
            says.iter().filter(|score| (**score > 0.0) == made).count() as f64 / says.len().max(1) as f64
        };
        let right = (share(&says[..real], false) + share(&says[real..], true)) / 2.0;
        let grads = losses.mean().backward();
        self.discriminator.step(&grads, self.params.adversarial_rate.unwrap_or(RATE));
        Ok([loss, right])
    }

    fn generator_step(&mut self, step: &Step<'_>) -> Result<f64, StepError> {
        let real = step.labels.len();
        let (labels, codes) = self.drawn(step, WANTED, real + self.made_beside(real));
        let made = self.generator.network.forward(codes);
        let discriminator = self.discriminator.network.clone().freeze();
        let mut draws = step.draws(WANTED_DROPOUT);
        let logits = discriminator.forward(made, Some(&mut draws));
        let losses = cross_entropy(logits, labels_tensor(&labels, step.device));
        let loss = mean(losses.clone())?;
        let grads = losses.mean().backward();
        self.generator.step(&grads, self.params.adversarial_rate.unwrap_or(RATE));
        Ok(loss)
    }
}

impl Learner for BaganLearner {
    fn parts(&self) -> Vec<Part> {
        let sampling = sampling(&self.params.batches);
        let epochs = |epochs: Option<u32>| epochs.unwrap_or(1) as usize;
        vec![
            Part { name: "training the autoencoder", epochs: epochs(self.params.pretrain_epochs), sampling },
            Part {
                name: "training generator and discriminator",
                epochs: epochs(self.params.epochs),
                sampling,
            },
        ]
    }

    fn begin(&mut self, ctx: &Ctx, part: usize, scene: &Scene<'_>) -> Result<(), MethodError> {
        ctx.check()?;
        if part == 0 {
            return Ok(());
        }
        let encoder = self.encoder.network.valid();
        let mut priors = Priors::new();
        let (mut alone, mut few, mut represented) = (Vec::new(), Vec::new(), Vec::new());
        for (class, name) in scene.set.classes.iter().enumerate() {
            let Some(prior) = prior_of(ctx, scene, &encoder, class)? else { continue };
            match prior.count() {
                1 => alone.push(name.as_str()),
                count @ 2..=FEW if count <= prior.features() => {
                    few.push(format!("{name} ({count} images)"));
                }
                CODES if scene.set.originals_of_class(class).len() > CODES => represented.push(name.as_str()),
                _ => {}
            }
            priors.insert(class, prior);
        }
        if priors.is_empty() {
            return Err(MethodError::Data(
                "BAGAN makes the prior of a class from its original images, and all images here were made; \
                 add original ones"
                    .to_owned(),
            ));
        }
        // The networks are as the first part left them, also when this comes a second time.
        self.priors = priors;
        self.generator = Trained::new(self.generator.network.clone(), BETAS);
        let discriminator = self.discriminator.network.clone().with_convolutions_of(&self.encoder.network);
        self.discriminator = Trained::new(discriminator, BETAS);
        if !represented.is_empty() {
            let names = represented.join(", ");
            ctx.note(
                Level::Info,
                format!("{CODES} images, drawn once, stand for all in the prior of {names}"),
            );
        }
        if !alone.is_empty() {
            let names = alone.join(", ");
            let text = "one image has no covariance, so the prior is its code and a little noise";
            ctx.note(Level::Warning, format!("{text}: {names}"));
        }
        if !few.is_empty() {
            let names = few.join(", ");
            let text = "the prior of so few images spreads in one direction less than there are of them";
            ctx.note(Level::Warning, format!("{text}: {names}"));
        }
        Ok(())
    }

    fn step(&mut self, part: usize, step: &Step<'_>) -> Result<Figures, StepError> {
        if part == 0 {
            return Ok(vec![("reconstruction", self.reconstruct(step)?)]);
        }
        let [discriminator, right] = self.discriminator_step(step)?;
        let generator = self.generator_step(step)?;
        Ok(vec![("discriminator", discriminator), ("generator", generator), (RIGHT, right)])
    }

    fn tensors(&self) -> TensorMap {
        together([
            self.encoder.tensors("encoder"),
            self.generator.tensors("generator"),
            self.discriminator.tensors("discriminator"),
            tensors_of(&self.priors),
        ])
    }

    fn restore(&mut self, weights: &Weights) -> Result<(), ParametersError> {
        self.encoder.restore(weights, "encoder", &self.device)?;
        self.generator.restore(weights, "generator", &self.device)?;
        self.discriminator.restore(weights, "discriminator", &self.device)?;
        self.priors = priors_of(weights, &self.config)?;
        Ok(())
    }

    fn maker(&self) -> Box<dyn Maker> {
        Box::new(BaganMaker {
            config: self.config.clone(),
            encoder: self.encoder.network.valid(),
            generator: self.generator.network.valid(),
            discriminator: self.discriminator.network.valid(),
            priors: self.priors.clone(),
        })
    }
}

struct BaganMaker {
    config: BaganConfig,
    encoder: BaganJudge,
    generator: BaganGenerator,
    /// Has learnt nothing where there are no priors.
    discriminator: BaganJudge,
    /// Empty where training was stopped before the GAN.
    priors: Priors,
}

impl Maker for BaganMaker {
    fn networks(&self) -> Value {
        serde_json::to_value(&self.config).unwrap_or_default()
    }

    fn tensors(&self) -> TensorMap {
        together([
            named("encoder", &self.encoder),
            named("generator", &self.generator),
            named("discriminator", &self.discriminator),
            tensors_of(&self.priors),
        ])
    }

    fn of_class<'a>(
        &'a self,
        ctx: &Ctx,
        scene: &'a Scene<'a>,
        class: usize,
    ) -> Result<Box<dyn Source + 'a>, MethodError> {
        let prior = match self.priors.get(&class) {
            Some(prior) => Some(Cow::Borrowed(prior)),
            // Until the GAN begins, a prior follows the encoder.
            None if self.priors.is_empty() => prior_of(ctx, scene, &self.encoder, class)?.map(Cow::Owned),
            None => None,
        };
        let prior = prior.ok_or_else(|| {
            let name = scene.set.classes.get(class).cloned().unwrap_or_default();
            MethodError::Data(format!(
                "BAGAN knows no original image of {name}, so it has no prior for that class; add images and \
                 train again, or leave the class as it is"
            ))
        })?;
        Ok(Box::new(BaganSource { maker: self, scene, class, prior }))
    }

    fn reconstruct(&self, _: &Scene<'_>, images: Tensor<4>, _: Tensor<1, Int>) -> Option<Tensor<4>> {
        Some(self.generator.forward(self.encoder.forward(images, None)))
    }
}

struct BaganSource<'a> {
    maker: &'a BaganMaker,
    scene: &'a Scene<'a>,
    class: usize,
    prior: Cow<'a, NormalLaw>,
}

impl Source for BaganSource<'_> {
    fn make(&self, keys: &[u64]) -> Result<Made, MethodError> {
        let BaganMaker { config, generator, discriminator, priors, .. } = self.maker;
        let (seed, class) = (self.scene.seed, self.class);
        let code = |&key: &u64| self.prior.draw(&mut stream(seed, Stage::Latent, class as u64, key));
        let codes: Vec<f32> = keys.iter().flat_map(code).collect();
        let codes = TensorData::new(codes, [keys.len(), config.latent]);
        let images = generator.forward(Tensor::from_data(codes, &self.scene.device.plain()));
        let scores = if priors.is_empty() {
            None
        } else {
            let says = softmax(discriminator.forward(images.clone(), None), 1);
            let says: Tensor<1> = says.narrow(1, class, 1).squeeze_dim::<1>(1);
            let says = says.try_into_vec_as::<f32>().map_err(|_| device_lost())?;
            Some(("discriminator says the class", says.into_iter().map(f64::from).collect()))
        };
        Ok(Made {
            images: self.scene.canvas.cut(images).ok_or_else(device_lost)?,
            origins: vec![None; keys.len()],
            scores,
            extra: vec![json!({ "code": "drawn from the prior of the class" }); keys.len()],
        })
    }
}
