//! BAGAN-GP: an autoencoder that knows labels starts a conditional GAN, whose critic has a gradient penalty.
//!
//! Source: Huang and Jafari, "Enhanced balancing GAN: minority-class image generation", Neural Computing and
//! Applications, 2021 (arXiv:2011.00189), and the code released with it. The autoencoder multiplies a code
//! by the row of its label. Decoder and rows go on as the generator, which makes images from noise times a
//! row. The critic does not start from the encoder, because the authors found it better so. It judges pairs
//! of an image and a label, and a real image with a wrong label is to it what a made one is.
//!
//! Oddities of the released code are left out: the place between a real and a made image is drawn from a
//! normal law, and so lies outside two times in three; the two images have labels of their own, and the
//! penalty takes the real one's; a wrong label may be the true one; labels are drawn as fractions. The critic
//! has the published layers, the autoencoder those of BAEGAN. No code was ever pulled towards the noise that
//! images are made from; that step is BAEGAN's.

use burn::module::Module as _;
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::generative::{
    self, Canvas, Figures, Generative, Learner, Made, Maker, Part, RIGHT, Scene, Setup, Source, Step,
    Trained, loaded, mean, named, normal, sampling, together, uniform,
};
use super::params::{ParamKind, judged_params};
use super::{FitRequest, MethodError, MethodInfo, ParamInfo, ParamMap, device_lost};
use crate::classify::batches::epochs_for;
use crate::classify::trainer::{StepError, labels_tensor};
use crate::domain::provenance::Kind;
use crate::domain::random::{Stage, Stream, stream};
use crate::domain::task::Ctx;
use crate::nn::ComputeDevice;
use crate::nn::autoencoder::{Autoencoder, AutoencoderConfig, LabelledGenerator};
use crate::nn::critic::{PairCritic, PairCriticConfig, gradient_penalty};
use crate::nn::device::DeviceKind;
use crate::nn::init::Init;
use crate::nn::layers::Pass;
use crate::nn::loss::{absolute_error, bce_with_logits, squared_error};
use crate::nn::parameters::{ParametersError, TensorMap};
use crate::nn::weights::Weights;

/// The method.
pub struct BaganGp;

static INFO: MethodInfo = MethodInfo {
    id: "bagan-gp",
    name: "BAGAN-GP, balancing GAN with gradient penalty",
    summary: "Starts a GAN from an autoencoder that knows labels; its critic also learns from wrong labels.",
    hint: "As BAGAN, meant to learn more steadily; it also checks that image and class fit.",
    paper: Some(
        "Huang and Jafari, \"Enhanced balancing GAN: minority-class image generation\", Neural Computing \
         and Applications, 2021 (arXiv:2011.00189)",
    ),
    needs_training: true,
    makes: Kind::Synthetic,
    has_prior: false,
    fixed: &[("Adam's betas", "0.5 and 0.9", "paper: 0.5 and 0.9"), ("law of the noise", "N(0, I)", "paper")],
};

judged_params! {
    /// Parameters of BAGAN-GP.
    pub struct Params {
        /// Epochs of the GAN, and of the autoencoder and the judge too where nothing else is said. Left open:
        /// as many as about 1,500 steps take, at most 1,000, and on a graphics card at least 100.
        epochs: Option<u32> = None, "epochs", "Epochs", "code: 100; ours: 1,500 steps, at most 1,000 epochs",
        ParamKind::Int { min: 1, max: 10_000 }, "Training";
        /// Epochs of the autoencoder, before its decoder becomes the generator. Left open: as many as
        /// about 1,500 steps take, at most 1,000, and on a graphics card at least 30.
        pretrain_epochs: Option<u32> = None, "pretrain-epochs", "Epochs of the autoencoder",
        "code: 30; ours: 1,500 steps, at most 1,000 epochs",
        ParamKind::Int { min: 1, max: 10_000 }, "Training";
        /// Images in a batch.
        batch: u32 = 128, "batch", "Batch", "paper: 128", ParamKind::Int { min: 2, max: 4096 }, "Training";
        /// Learning rate of all networks, by Adam.
        learning_rate: f64 = 2e-4, "learning-rate", "Learning rate", "paper: 2e-4",
        ParamKind::Float { min: 1e-6, max: 1.0 }, "Training";
        /// Steps of the critic for each step of the generator.
        critic_steps: u32 = 5, "critic-steps", "Steps of the critic", "code: 5",
        ParamKind::Int { min: 1, max: 20 }, "Training";
        /// Natural batches have each real image once an epoch; balanced ones have the classes equally often.
        /// Made images are balanced in both.
        batches: String = "natural".to_owned(), "batches", "Batches", "code: natural",
        ParamKind::Choice(&["natural", "balanced"]), "Training";
        /// Numbers of a code, and of the noise.
        latent: u32 = 128, "latent", "Length of a code", "paper: 128", ParamKind::Int { min: 2, max: 1024 },
        "Networks";
        /// Factor on all channels. Left open: 1 on a graphics card, 0.5 on a processor, which is a quarter of
        /// the work.
        width: Option<f64> = None, "width", "Width", "paper: 1; ours on cpu: 0.5",
        ParamKind::Float { min: 0.05, max: 2.0 }, "Networks";
        /// What the autoencoder is measured by: mean absolute or mean squared error.
        reconstruction: String = "mae".to_owned(), "reconstruction", "Reconstruction error", "code: mae",
        ParamKind::Choice(&["mae", "mse"]), "Losses";
        /// Weight of the gradient penalty.
        penalty: f64 = 10.0, "penalty", "Gradient penalty λ", "paper: 10",
        ParamKind::Float { min: 0.0, max: 1000.0 }, "Losses";
    }
}

/// Steps of each part where no number of epochs is given, as far as 1,000 epochs go.
const STEPS: u32 = 1500;
/// Adam's decays (paper).
const BETAS: [f64; 2] = [0.5, 0.9];
/// Keys of the networks in random streams.
const AUTOENCODER: u64 = 10;
const CRITIC: u64 = 11;
/// Purposes of a step's draws: images for the generator's step, and from [`JUDGED`] on what each step of the
/// critic draws.
const REWARDED: u64 = 0;
const JUDGED: u64 = 1;

impl Params {
    /// With what the program chooses filled in.
    fn resolved(mut self, device: &ComputeDevice, images: usize) -> Self {
        let gpu = device.info.kind == DeviceKind::Gpu;
        let enough = epochs_for(STEPS, images, self.batch).clamp(5, 1000);
        let given = self.epochs;
        self.epochs.get_or_insert(if gpu { enough.max(100) } else { enough });
        self.pretrain_epochs.get_or_insert(given.unwrap_or(if gpu { enough.max(30) } else { enough }));
        self.width.get_or_insert(if gpu { 1.0 } else { 0.5 });
        self
    }
}

/// The networks as a model file holds them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Networks {
    /// Its decoder and its rows of labels are the generator.
    autoencoder: AutoencoderConfig,
    critic: PairCriticConfig,
}

impl Networks {
    fn new(canvas: Canvas, classes: usize, latent: usize, width: f64) -> Self {
        let Canvas { channels, side, .. } = canvas;
        let scaled = |published: usize| ((published as f64 * width).round() as usize).max(1);
        let published = PairCriticConfig::new(channels, side, classes);
        let mut widths = published.widths.clone();
        // The published four leave 4 pixels of 64, and 2 of 32. A side of 16 has one less, one of 128 one
        // more.
        if side <= 16 {
            widths.remove(1);
        } else if side >= 128 {
            widths.insert(0, 32);
        }
        Networks {
            autoencoder: AutoencoderConfig::baegan(channels, side, classes, latent, width),
            critic: PairCriticConfig {
                widths: widths.into_iter().map(scaled).collect(),
                embedding: scaled(published.embedding),
                hidden: scaled(published.hidden),
                ..published
            },
        }
    }

    /// True for networks that can exist and see the same images.
    fn is_sane(&self) -> bool {
        let Networks { autoencoder, critic } = self;
        autoencoder.is_sane()
            && critic.is_sane()
            && (autoencoder.channels, autoencoder.size, autoencoder.classes)
                == (critic.channels, critic.size, critic.classes)
    }
}

impl Generative for BaganGp {
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
        let learner = BaganGpLearner::new(params.clone(), Canvas::around(set)?, request)?;
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
        let networks = generative::described(networks, Networks::is_sane)?;
        // Start weights are replaced at once; the seed does not matter.
        let init = &mut Init::new(0, 0, device);
        let fresh = networks.autoencoder.build(init).into_generator();
        let fresh = fresh.ok_or_else(|| "it describes a generator without labels".to_owned())?;
        let generator = loaded(fresh, weights, "generator")?;
        let critic = if has_critic(weights) {
            Some(loaded(networks.critic.build(init), weights, "critic")?)
        } else {
            None
        };
        Ok(Box::new(BaganGpMaker { networks, generator, critic, autoencoder: None }))
    }
}

/// True for the tensors of a training that came to the GAN.
fn has_critic(weights: &Weights) -> bool {
    weights.tensors.keys().any(|name| name.starts_with("critic."))
}

struct BaganGpLearner {
    params: Params,
    networks: Networks,
    autoencoder: Trained<Autoencoder>,
    generator: Trained<LabelledGenerator>,
    critic: Trained<PairCritic>,
    /// Classes with images, in order: the labels that are drawn.
    present: Vec<usize>,
    /// True from the second part on, which the autoencoder has no part in.
    adversarial: bool,
    device: Device,
}

impl BaganGpLearner {
    fn new(params: Params, canvas: Canvas, request: &FitRequest<'_>) -> Result<Self, MethodError> {
        let (set, device) = (request.training, request.device.autodiff());
        let latent = params.latent as usize;
        let networks = Networks::new(canvas, set.classes.len(), latent, params.width.unwrap_or(1.0));
        let autoencoder = networks.autoencoder.build(&mut Init::new(request.seed, AUTOENCODER, &device));
        let generator = autoencoder.clone().into_generator().ok_or_else(|| {
            MethodError::Data("BAGAN-GP needs classes, and there is none; choose another folder".to_owned())
        })?;
        let critic = networks.critic.build(&mut Init::new(request.seed, CRITIC, &device));
        let counts = set.counts();
        Ok(BaganGpLearner {
            autoencoder: Trained::new(autoencoder, BETAS),
            generator: Trained::new(generator, BETAS),
            critic: Trained::new(critic, BETAS),
            present: (0..counts.len()).filter(|&class| counts[class] > 0).collect(),
            adversarial: false,
            params,
            networks,
            device,
        })
    }

    fn reconstruct(&mut self, step: &Step<'_>) -> Result<f64, StepError> {
        let mut pass = Pass::training();
        let network = &self.autoencoder.network;
        let made = network.reconstruct(step.images.clone(), step.classes.clone(), &mut pass);
        let losses = match self.params.reconstruction.as_str() {
            "mse" => squared_error(made, step.images.clone()),
            _ => absolute_error(made, step.images.clone()),
        };
        let loss = mean(losses.clone())?;
        let grads = losses.mean().backward();
        self.autoencoder.step(&grads, self.params.learning_rate);
        self.autoencoder.network = self.autoencoder.network.clone().absorb(pass);
        Ok(loss)
    }

    /// Labels, each as likely as the others.
    fn labels(&self, draws: &mut Stream, count: usize) -> Vec<usize> {
        (0..count).filter_map(|_| self.present.get(draws.below(self.present.len())).copied()).collect()
    }

    /// For each label another one, each as likely as the others.
    fn wrong(&self, draws: &mut Stream, labels: &[usize]) -> Vec<usize> {
        let others = self.present.len().saturating_sub(1);
        let wrong = labels.iter().map(|&label| {
            let mut other = self.present.iter().copied().filter(|&class| class != label);
            other.nth(draws.below(others)).unwrap_or(label)
        });
        wrong.collect()
    }

    fn noise(&self, draws: &mut Stream, step: &Step<'_>) -> Tensor<2> {
        normal(draws, step.labels.len(), self.params.latent as usize, step.device)
    }

    /// Images that the generator is not to learn from, by the statistics of their own batch, which are not
    /// kept.
    fn made(&self, noise: Tensor<2>, classes: Tensor<1, Int>) -> Tensor<4> {
        self.generator.network.forward(noise, classes, &mut Pass::training()).detach()
    }

    /// Loss without the penalty, the penalty, and the share of images that it told right to be real or made.
    fn critic_step(&mut self, step: &Step<'_>, round: u64) -> Result<[f64; 3], StepError> {
        let batch = step.labels.len();
        let mut draws = step.draws(JUDGED + round);
        let labels = |labels: Vec<usize>| labels_tensor(&labels, step.device);
        let wanted = labels(self.labels(&mut draws, batch));
        let wrong = labels(self.wrong(&mut draws, step.labels));
        let made = self.made(self.noise(&mut draws, step), wanted.clone());
        let critic = &self.critic.network;
        let of_real = critic.forward(step.images.clone(), step.classes.clone());
        let of_made = critic.forward(made, wanted);
        let of_wrong = critic.forward(step.images.clone(), wrong);
        let yes: Tensor<1> = Tensor::ones([batch], step.device);
        let no: Tensor<1> = Tensor::zeros([batch], step.device);
        let losses = bce_with_logits(of_real.clone(), yes)
            + bce_with_logits(of_made.clone(), no.clone())
            + bce_with_logits(of_wrong, no);
        let mut total = losses.clone().mean();
        let mut penalty = 0.0;
        if self.params.penalty > 0.0 {
            // Between a real and a made image of the same label.
            let pair = self.made(self.noise(&mut draws, step), step.classes.clone());
            let u: Tensor<4> = uniform(&mut draws, batch, step.device).reshape([batch, 1, 1, 1]);
            let between = step.images.clone() * u.clone() + pair * (u.neg() + 1.0);
            let (_, gradient) = critic.forward_with_gradient(between, step.classes.clone());
            let penalties = gradient_penalty(gradient);
            penalty = mean(penalties.clone())?;
            total = total + penalties.mean() * self.params.penalty;
        }
        let loss = mean(losses)?;
        let share = |scores: Tensor<1>, real: bool| -> Result<f64, StepError> {
            let scores = scores.detach().try_into_vec_as::<f32>().map_err(|_| StepError::Device)?;
            let right = scores.iter().filter(|score| (**score > 0.0) == real).count();
            Ok(right as f64 / scores.len().max(1) as f64)
        };
        let right = (share(of_real, true)? + share(of_made, false)?) / 2.0;
        let grads = total.backward();
        self.critic.step(&grads, self.params.learning_rate);
        Ok([loss, penalty, right])
    }

    fn generator_step(&mut self, step: &Step<'_>) -> Result<f64, StepError> {
        let batch = step.labels.len();
        let mut draws = step.draws(REWARDED);
        let classes = labels_tensor(&self.labels(&mut draws, batch), step.device);
        let noise = self.noise(&mut draws, step);
        let mut pass = Pass::training();
        let made = self.generator.network.forward(noise, classes.clone(), &mut pass);
        let scores = self.critic.network.clone().freeze().forward(made, classes);
        let losses = bce_with_logits(scores, Tensor::ones([batch], step.device));
        let loss = mean(losses.clone())?;
        let grads = losses.mean().backward();
        self.generator.step(&grads, self.params.learning_rate);
        self.generator.network = self.generator.network.clone().absorb(pass);
        Ok(loss)
    }
}

impl Learner for BaganGpLearner {
    fn parts(&self) -> Vec<Part> {
        let sampling = sampling(&self.params.batches);
        let epochs = |epochs: Option<u32>| epochs.unwrap_or(1) as usize;
        vec![
            Part { name: "training the autoencoder", epochs: epochs(self.params.pretrain_epochs), sampling },
            Part { name: "training generator and critic", epochs: epochs(self.params.epochs), sampling },
        ]
    }

    fn begin(&mut self, ctx: &Ctx, part: usize, _: &Scene<'_>) -> Result<(), MethodError> {
        ctx.check()?;
        // When this comes a second time, the generator is there and the autoencoder is not.
        if part > 0
            && !self.adversarial
            && let Some(generator) = self.autoencoder.network.clone().into_generator()
        {
            self.generator = Trained::new(generator, BETAS);
            self.adversarial = true;
        }
        Ok(())
    }

    fn step(&mut self, part: usize, step: &Step<'_>) -> Result<Figures, StepError> {
        if part == 0 {
            return Ok(vec![("reconstruction", self.reconstruct(step)?)]);
        }
        let mut last = [0.0; 3];
        for round in 0..u64::from(self.params.critic_steps) {
            last = self.critic_step(step, round)?;
        }
        let generator = self.generator_step(step)?;
        let [critic, penalty, right] = last;
        let mut figures = vec![("critic", critic), ("generator", generator), (RIGHT, right)];
        if self.params.penalty > 0.0 {
            figures.push(("penalty", penalty));
        }
        Ok(figures)
    }

    fn tensors(&self) -> TensorMap {
        if self.adversarial {
            together([self.generator.tensors("generator"), self.critic.tensors("critic")])
        } else {
            self.autoencoder.tensors("autoencoder")
        }
    }

    fn restore(&mut self, weights: &Weights) -> Result<(), ParametersError> {
        self.adversarial = has_critic(weights);
        if !self.adversarial {
            return self.autoencoder.restore(weights, "autoencoder", &self.device);
        }
        self.generator.restore(weights, "generator", &self.device)?;
        self.critic.restore(weights, "critic", &self.device)
    }

    fn maker(&self) -> Box<dyn Maker> {
        let networks = self.networks.clone();
        if self.adversarial {
            let (generator, critic) = (self.generator.network.valid(), self.critic.network.valid());
            return Box::new(BaganGpMaker { networks, generator, critic: Some(critic), autoencoder: None });
        }
        let autoencoder = self.autoencoder.network.valid();
        let generator = autoencoder.clone().into_generator();
        Box::new(BaganGpMaker {
            networks,
            generator: generator.unwrap_or_else(|| self.generator.network.valid()),
            critic: None,
            autoencoder: Some(autoencoder),
        })
    }
}

struct BaganGpMaker {
    networks: Networks,
    generator: LabelledGenerator,
    /// None where training was stopped before the GAN.
    critic: Option<PairCritic>,
    /// While it is the autoencoder that learns.
    autoencoder: Option<Autoencoder>,
}

impl Maker for BaganGpMaker {
    fn networks(&self) -> Value {
        serde_json::to_value(&self.networks).unwrap_or_default()
    }

    fn tensors(&self) -> TensorMap {
        let critic = self.critic.as_ref().map(|critic| named("critic", critic));
        together([Some(named("generator", &self.generator)), critic].into_iter().flatten())
    }

    fn of_class<'a>(
        &'a self,
        _: &Ctx,
        scene: &'a Scene<'a>,
        class: usize,
    ) -> Result<Box<dyn Source + 'a>, MethodError> {
        scene.check_learnt(class)?;
        Ok(Box::new(BaganGpSource { maker: self, scene, class }))
    }

    fn reconstruct(&self, _: &Scene<'_>, images: Tensor<4>, classes: Tensor<1, Int>) -> Option<Tensor<4>> {
        Some(self.autoencoder.as_ref()?.reconstruct(images, classes, &mut Pass::inference()))
    }
}

struct BaganGpSource<'a> {
    maker: &'a BaganGpMaker,
    scene: &'a Scene<'a>,
    class: usize,
}

impl Source for BaganGpSource<'_> {
    fn make(&self, keys: &[u64]) -> Result<Made, MethodError> {
        let BaganGpMaker { networks, generator, critic, .. } = self.maker;
        let (seed, class, device) = (self.scene.seed, self.class, self.scene.device.plain());
        let latent = networks.autoencoder.latent;
        let mut noise = Vec::with_capacity(keys.len() * latent);
        for &key in keys {
            let mut draws = stream(seed, Stage::Latent, class as u64, key);
            noise.extend((0..latent).map(|_| draws.normal() as f32));
        }
        let noise: Tensor<2> = Tensor::from_data(TensorData::new(noise, [keys.len(), latent]), &device);
        let labels = labels_tensor(&vec![class; keys.len()], &device);
        let images = generator.forward(noise, labels.clone(), &mut Pass::inference());
        let scores = match critic {
            Some(critic) => {
                let scores = sigmoid(critic.forward(images.clone(), labels));
                let scores = scores.try_into_vec_as::<f32>().map_err(|_| device_lost())?;
                Some(("critic takes it for real", scores.into_iter().map(f64::from).collect()))
            }
            None => None,
        };
        Ok(Made {
            images: self.scene.canvas.cut(images).ok_or_else(device_lost)?,
            origins: vec![None; keys.len()],
            scores,
            extra: vec![json!({ "code": "noise times the row of the class" }); keys.len()],
        })
    }
}
