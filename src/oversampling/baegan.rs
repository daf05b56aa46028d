//! BAEGAN: a conditional autoencoder whose codes a critic pulls towards a prior, and SMOTE between the codes of a class.
//!
//! Source: Zhi, Chang, Lu and Geng, "Adversarial Autoencoders Oversampling Algorithm for Imbalanced Image Data", JEIT
//! 46(11), 2024. The paper gives the algorithm and a table of layers; its equations, settings and code are not public.
//! What is inferred is marked so in the table of parameters. The encoder is the adversarial part's generator (they
//! share their weights, or that part would change nothing), the critic judges codes, and real images stay real: only
//! codes between them are decoded.
//!
//! Made images are blurred a little by the decoder and real ones are not, so a classifier may learn to take blur for a
//! small class. A control against that trains on reconstructions in place of the originals, as a later study of
//! DeepSMOTE's penalty does. There is no such switch here: an export keeps each original byte for byte, and what is
//! measured is what is exported.

use burn::module::Module as _;
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::generative::{
    self, Canvas, Figures, Generative, Ground, Learner, Made, Maker, Part, RIGHT, Scene, Second, Setup,
    Source, Step, Trained, latent_of, loaded, mean, named, normal, sampling, share_right, together, uniform,
};
use super::params::{ParamKind, judged_params};
use super::{FitRequest, MethodError, MethodInfo, ParamInfo, ParamMap, device_lost};
use crate::classify::batches::epochs_for;
use crate::classify::trainer::{StepError, labels_tensor};
use crate::domain::imbalance::{Scheme, weights_of_present};
use crate::domain::provenance::Kind;
use crate::domain::task::{Ctx, Level};
use crate::nn::ComputeDevice;
use crate::nn::autoencoder::{Autoencoder, AutoencoderConfig};
use crate::nn::critic::{
    LatentCritic, LatentCriticConfig, fused_direction, fused_score, gradient_penalty, single_direction,
};
use crate::nn::device::DeviceKind;
use crate::nn::init::Init;
use crate::nn::layers::Pass;
use crate::nn::loss::{absolute_error, bce_with_logits, focal, squared_error};
use crate::nn::parameters::{ParametersError, TensorMap};
use crate::nn::weights::Weights;

/// The method.
pub struct Baegan;

static INFO: MethodInfo = MethodInfo {
    id: "baegan",
    name: "BAEGAN, adversarial autoencoder with SMOTE",
    summary: "Learns codes of all classes that follow one law, and decodes codes between images of a class.",
    hint: "Learns one way to redraw all classes, then draws what lies between two of a class.",
    paper: Some(
        "Zhi, Chang, Lu and Geng, \"Adversarial Autoencoders Oversampling Algorithm for Imbalanced Image \
         Data\", JEIT 46(11), 2024",
    ),
    needs_training: true,
    makes: Kind::Synthetic,
    has_prior: false,
    fixed: &[
        (
            "Adam's betas",
            "0.5 and 0.9; 0.5 and 0.999 without a gradient penalty",
            "BAGAN-GP and DCGAN papers (inferred)",
        ),
        ("critic's hidden widths", "512 and 256", "PyTorch-GAN's adversarial autoencoder (inferred)"),
        ("prior of the codes", "N(0, I)", "BAGAN-GP paper's noise (inferred)"),
    ],
};

judged_params! {
    /// Parameters of BAEGAN.
    pub struct Params {
        /// Epochs of the adversarial part, and of the pre-training and the judge too where nothing else is said. Left
        /// open: as many as about 1,500 steps take, at most 300, and on a graphics card at least 100.
        epochs: Option<u32> = None, "epochs", "Epochs",
        "BAGAN-GP code: 100 (inferred); ours: 1,500 steps, at most 300 epochs",
        ParamKind::Int { min: 1, max: 10_000 }, "Training";
        /// Epochs of the autoencoder alone, before the critic comes in. Left open: as many as about 1,500 steps take,
        /// at most 300, and on a graphics card at least 30.
        pretrain_epochs: Option<u32> = None, "pretrain-epochs", "Epochs of pre-training",
        "BAGAN-GP code: 30 (inferred); ours: 1,500 steps, at most 300 epochs",
        ParamKind::Int { min: 1, max: 10_000 }, "Training";
        /// Images in a batch.
        batch: u32 = 128, "batch", "Batch", "BAGAN-GP paper: 128 (inferred)",
        ParamKind::Int { min: 2, max: 4096 }, "Training";
        /// Learning rate of the reconstruction, by Adam.
        learning_rate: f64 = 2e-4, "learning-rate", "Learning rate", "BAGAN-GP paper: 2e-4 (inferred)",
        ParamKind::Float { min: 1e-6, max: 1.0 }, "Training";
        /// Learning rate of encoder and critic in the adversarial part.
        adversarial_rate: f64 = 1e-4, "adversarial-rate", "Adversarial learning rate",
        "inferred: half of the other", ParamKind::Float { min: 1e-6, max: 1.0 }, "Training";
        /// Natural batches have each image once an epoch; balanced ones have the classes equally often.
        batches: String = "natural".to_owned(), "batches", "Batches", "paper: natural",
        ParamKind::Choice(&["natural", "balanced"]), "Training";
        /// Numbers of a code.
        latent: u32 = 128, "latent", "Length of a code", "BAGAN-GP paper: 128 (inferred)",
        ParamKind::Int { min: 2, max: 1024 }, "Networks";
        /// Factor on the channels of the published table. Left open: 1 on a graphics card, 0.5 on a processor, which is
        /// a quarter of the work.
        width: Option<f64> = None, "width", "Width", "paper: 1; ours on cpu: 0.5",
        ParamKind::Float { min: 0.05, max: 2.0 }, "Networks";
        /// What reconstruction is measured by: mean squared or mean absolute error.
        reconstruction: String = "mse".to_owned(), "reconstruction", "Reconstruction error",
        "BAGAN and DeepSMOTE code: mse (inferred)", ParamKind::Choice(&["mse", "mae"]), "Losses";
        /// The critic's answers: one softmax over the classes and the prior, or a score beside a softmax over classes.
        head: String = "fused".to_owned(), "head", "Head of the critic", "inferred from \"improved output structure\"",
        ParamKind::Choice(&["fused", "dual"]), "Losses";
        /// Focal loss' exponent: how little easy samples count.
        focusing: f64 = 2.0, "focusing", "Focusing γ", "focal loss paper: 2 (inferred)",
        ParamKind::Float { min: 0.0, max: 10.0 }, "Losses";
        /// Weights of classes in the focal loss: all 1, or by effective numbers with beta 0.9999.
        class_weights: String = "none".to_owned(), "class-weights", "Class weights", "inferred",
        ParamKind::Choice(&["none", "effective"]), "Losses";
        /// Weight of the gradient penalty.
        penalty: f64 = 10.0, "penalty", "Gradient penalty λ", "WGAN-GP paper: 10 (inferred)",
        ParamKind::Float { min: 0.0, max: 1000.0 }, "Losses";
        /// Steps of the critic for each step of the encoder.
        critic_steps: u32 = 1, "critic-steps", "Steps of the critic", "paper: 1; BAGAN-GP code: 5",
        ParamKind::Int { min: 1, max: 20 }, "Training";
        /// Nearest images of the class that a code may go towards.
        neighbours: u32 = 5, "neighbours", "Neighbours k", "SMOTE and DeepSMOTE code: 5 (inferred)",
        ParamKind::Int { min: 1, max: 100 }, "Making", making;
        /// Off leaves the pre-training out (the paper's ablation -AE).
        pretraining: bool = true, "pretraining", "Pre-training", "paper: yes; no is its ablation -AE",
        ParamKind::Bool, "Ablations";
        /// Off puts a plain real-or-made loss in the place of focal loss and penalty (the paper's ablation -L).
        fused_loss: bool = true, "fused-loss", "Fused loss", "paper: yes; no is its ablation -L",
        ParamKind::Bool, "Ablations";
        /// Off decodes draws of the prior and not codes between images (the paper's ablation -S).
        smote: bool = true, "smote", "SMOTE between codes", "paper: yes; no is its ablation -S",
        ParamKind::Bool, "Ablations", making;
    }
}

/// Steps of each part where no number of epochs is given, as far as 300 epochs go.
const STEPS: u32 = 1500;
/// Beta of class weights by effective numbers.
const BETA: f64 = 0.9999;
/// Keys of the networks in random streams.
const AUTOENCODER: u64 = 10;
const CRITIC: u64 = 11;
/// Purposes of a step's draws: the prior's codes and how far between, for each step of the critic.
const PRIOR: u64 = 0;
const BETWEEN: u64 = 1;

impl Params {
    /// With what the program chooses filled in.
    fn resolved(mut self, device: &ComputeDevice, images: usize) -> Self {
        let gpu = device.info.kind == DeviceKind::Gpu;
        let enough = epochs_for(STEPS, images, self.batch).clamp(5, 300);
        let given = self.epochs;
        self.epochs.get_or_insert(if gpu { enough.max(100) } else { enough });
        self.pretrain_epochs.get_or_insert(given.unwrap_or(if gpu { enough.max(30) } else { enough }));
        self.width.get_or_insert(if gpu { 1.0 } else { 0.5 });
        self
    }

    fn betas(&self) -> [f64; 2] {
        // As WGAN-GP where there is a penalty, as DCGAN elsewhere.
        if self.fused_loss && self.penalty > 0.0 { [0.5, 0.9] } else { [0.5, 0.999] }
    }

    /// True where the critic's score is Wasserstein's: it has no zero of its own and is no probability.
    fn is_wasserstein(&self) -> bool {
        self.fused_loss && self.head == "dual"
    }

    /// Outputs of the critic.
    fn outputs(&self, classes: usize) -> usize {
        if self.fused_loss { classes + 1 } else { 1 }
    }
}

/// The networks as a model file holds them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Networks {
    autoencoder: AutoencoderConfig,
    critic: LatentCriticConfig,
}

impl Generative for Baegan {
    fn info(&self) -> &'static MethodInfo {
        &INFO
    }

    fn param_table(&self) -> &'static [ParamInfo] {
        Params::table()
    }

    fn setup(&self, ctx: &Ctx, request: &FitRequest<'_>) -> Result<(Setup, Box<dyn Learner>), MethodError> {
        let set = request.training;
        let given = Params::from_map(request.params)?;
        let judged = given.epochs;
        let params = given.resolved(request.device, set.len());
        // Without the fused loss nothing is weighed.
        if params.fused_loss && params.batches == "balanced" && params.class_weights == "effective" {
            ctx.note(
                Level::Warning,
                "balanced batches and class weights both correct the imbalance, so minority classes weigh more than \
                 others; one of the two is enough",
            );
        }
        let canvas = Canvas::around(set)?;
        let learner = BaeganLearner::new(params.clone(), canvas, request)?;
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
        let params = Params::from_map(params).map_err(|error| error.to_string())?;
        let networks = generative::described(networks, |Networks { autoencoder: of, critic }| {
            let of_codes = (critic.latent, critic.outputs) == (of.latent, params.outputs(of.classes));
            of.is_sane() && critic.is_sane() && of_codes
        })?;
        // Start weights are replaced at once; the seed does not matter.
        let init = &mut Init::new(0, 0, device);
        let autoencoder = loaded(networks.autoencoder.build(init), weights, "autoencoder")?;
        let critic = if has_any(weights, "critic.") {
            Some(loaded(networks.critic.build(init), weights, "critic")?)
        } else {
            None
        };
        Ok(Box::new(BaeganMaker { networks, params, autoencoder, critic }))
    }
}

/// True where a model file or a checkpoint has tensors whose names begin so.
fn has_any(weights: &Weights, prefix: &str) -> bool {
    weights.tensors.keys().any(|name| name.starts_with(prefix))
}

struct BaeganLearner {
    params: Params,
    networks: Networks,
    autoencoder: Trained<Autoencoder>,
    /// The encoder as the adversarial part's generator.
    encoder: Second,
    critic: Trained<LatentCritic>,
    /// True from the critic's first step on: before it, it says nothing of a code.
    adversarial: bool,
    /// Weight of each class and of the prior in the focal loss.
    alpha: Option<Vec<f64>>,
    classes: usize,
    device: Device,
}

impl BaeganLearner {
    fn new(params: Params, canvas: Canvas, request: &FitRequest<'_>) -> Result<Self, MethodError> {
        let (set, device) = (request.training, request.device.autodiff());
        let classes = set.classes.len();
        let width = params.width.unwrap_or(1.0);
        let latent = params.latent as usize;
        let networks = Networks {
            autoencoder: AutoencoderConfig::baegan(canvas.channels, canvas.side, classes, latent, width),
            critic: LatentCriticConfig::new(latent, params.outputs(classes)),
        };
        let autoencoder = networks.autoencoder.build(&mut Init::new(request.seed, AUTOENCODER, &device));
        let critic = networks.critic.build(&mut Init::new(request.seed, CRITIC, &device));
        let alpha = match params.class_weights.as_str() {
            "effective" => {
                let mut alpha = weights_of_present(&set.counts(), Scheme::Ens, BETA)
                    .map_err(|error| MethodError::Data(error.to_string()))?;
                // They sum to the number of classes that have images; the prior gets their mean.
                alpha.push(1.0);
                Some(alpha)
            }
            _ => None,
        };
        let betas = params.betas();
        Ok(BaeganLearner {
            autoencoder: Trained::new(autoencoder, betas),
            encoder: Second::new(betas),
            critic: Trained::new(critic, betas),
            adversarial: false,
            params,
            networks,
            alpha,
            classes,
            device,
        })
    }

    fn reconstruct(&mut self, step: &Step<'_>) -> Result<f64, StepError> {
        let mut pass = Pass::training();
        let network = &self.autoencoder.network;
        let made = network.reconstruct(step.images.clone(), step.classes.clone(), &mut pass);
        let losses = match self.params.reconstruction.as_str() {
            "mae" => absolute_error(made, step.images.clone()),
            _ => squared_error(made, step.images.clone()),
        };
        let loss = mean(losses.clone())?;
        let grads = losses.mean().backward();
        self.autoencoder.step(&grads, self.params.learning_rate);
        self.autoencoder.network = self.autoencoder.network.clone().absorb(pass);
        Ok(loss)
    }

    /// Codes of a batch with the batch's own statistics, which are not kept.
    fn codes(&self, step: &Step<'_>) -> Tensor<2> {
        self.autoencoder.network.encode(step.images.clone(), &mut Pass::training())
    }

    /// Loss of the critic per sample of codes that should be taken for the prior's (`None`) or for made ones of a class.
    fn judged(&self, logits: Tensor<2>, classes: Option<Tensor<1, Int>>) -> Tensor<1> {
        let batch = logits.dims()[0];
        let device = logits.device();
        let (gamma, alpha) = (self.params.focusing, self.alpha.as_deref());
        let of_prior = || labels_tensor(&vec![self.classes; batch], &device);
        if !self.params.fused_loss {
            // Real or made, and nothing else.
            let target = if classes.is_some() {
                Tensor::zeros([batch], &device)
            } else {
                Tensor::ones([batch], &device)
            };
            return bce_with_logits(logits.squeeze_dim::<1>(1), target);
        }
        if self.params.head == "fused" {
            return focal(logits, classes.unwrap_or_else(of_prior), gamma, alpha);
        }
        // The score stands first, the classes after it.
        let score = logits.clone().narrow(1, 0, 1).squeeze_dim::<1>(1);
        match classes {
            Some(classes) => {
                let of_classes = logits.narrow(1, 1, self.classes);
                score + focal(of_classes, classes, gamma, alpha.map(|alpha| &alpha[..self.classes]))
            }
            None => score.neg(),
        }
    }

    /// How much the critic takes a code for the prior's: above 0 it does, but see [`Params::is_wasserstein`].
    fn score(&self, logits: Tensor<2>) -> Tensor<1> {
        score(&self.params, logits)
    }

    fn critic_step(&mut self, step: &Step<'_>, made: Tensor<2>, round: u64) -> Result<[f64; 3], StepError> {
        let [batch, latent] = made.dims();
        let prior = normal(&mut step.draws(PRIOR + 2 * round), batch, latent, step.device);
        let critic = &self.critic.network;
        let (of_prior, of_made) = (critic.forward(prior.clone()), critic.forward(made.clone()));
        let losses =
            self.judged(of_prior.clone(), None) + self.judged(of_made.clone(), Some(step.classes.clone()));
        let mut total = losses.clone().mean();
        let mut penalty = 0.0;
        if self.params.fused_loss && self.params.penalty > 0.0 {
            let u = uniform(&mut step.draws(BETWEEN + 2 * round), batch, step.device).reshape([batch, 1]);
            let between = prior * u.clone() + made * (u.neg() + 1.0);
            let fused = self.params.head == "fused";
            let direction = if fused { fused_direction } else { single_direction };
            let (_, gradient) = critic.forward_with_gradient(between, direction);
            let penalties = gradient_penalty(gradient);
            penalty = mean(penalties.clone())?;
            total = total + penalties.mean() * self.params.penalty;
        }
        let loss = mean(losses)?;
        let (of_prior, of_made) = (self.score(of_prior), self.score(of_made));
        let bar = if self.params.is_wasserstein() {
            (mean(of_prior.clone())? + mean(of_made.clone())?) / 2.0
        } else {
            0.0
        };
        let right = share_right(of_prior, of_made, bar as f32)?;
        let grads = total.backward();
        self.critic.step(&grads, self.params.adversarial_rate);
        Ok([loss, penalty, right])
    }

    fn encoder_step(&mut self, step: &Step<'_>) -> Result<f64, StepError> {
        // Codes before the critic stands still: it may be its own network on the same device.
        let codes = self.codes(step);
        let logits = self.critic.network.clone().freeze().forward(codes);
        let batch = step.labels.len();
        let mut losses = match (self.params.fused_loss, self.params.head.as_str()) {
            (true, "dual") => {
                let score = logits.clone().narrow(1, 0, 1).squeeze_dim::<1>(1);
                let of_classes = logits.narrow(1, 1, self.classes);
                let alpha = self.alpha.as_deref().map(|alpha| &alpha[..self.classes]);
                focal(of_classes, step.classes.clone(), self.params.focusing, alpha) - score
            }
            _ => self.judged(logits, None),
        };
        // Without the fused loss nothing is weighed: the critic's loss has no classes to weigh by.
        if self.params.fused_loss
            && let (Some(alpha), "fused") = (&self.alpha, self.params.head.as_str())
        {
            let weights: Vec<f32> = step.labels.iter().map(|&label| alpha[label] as f32).collect();
            losses = losses * Tensor::from_data(TensorData::new(weights, [batch]), step.device);
        }
        let loss = mean(losses.clone())?;
        let grads = losses.mean().backward();
        self.encoder.step(&mut self.autoencoder, &grads, self.params.adversarial_rate);
        Ok(loss)
    }
}

/// How much the critic takes codes `[batch, latent]` for the prior's, from its logits.
fn score(params: &Params, logits: Tensor<2>) -> Tensor<1> {
    if params.fused_loss && params.head == "fused" {
        return fused_score(logits);
    }
    logits.narrow(1, 0, 1).squeeze_dim::<1>(1)
}

impl Learner for BaeganLearner {
    fn parts(&self) -> Vec<Part> {
        let sampling = sampling(&self.params.batches);
        let mut parts = Vec::new();
        if self.params.pretraining {
            let epochs = self.params.pretrain_epochs.unwrap_or(1) as usize;
            parts.push(Part { name: "pre-training the autoencoder", epochs, sampling });
        }
        let epochs = self.params.epochs.unwrap_or(1) as usize;
        parts.push(Part { name: "training encoder and critic", epochs, sampling });
        parts
    }

    fn begin(&mut self, ctx: &Ctx, _: usize, _: &Scene<'_>) -> Result<(), MethodError> {
        Ok(ctx.check()?)
    }

    fn step(&mut self, part: usize, step: &Step<'_>) -> Result<Figures, StepError> {
        let reconstruction = self.reconstruct(step)?;
        if part == 0 && self.params.pretraining {
            return Ok(vec![("reconstruction", reconstruction)]);
        }
        self.adversarial = true;
        let mut last = [0.0; 3];
        for round in 0..u64::from(self.params.critic_steps) {
            let made = self.codes(step).detach();
            last = self.critic_step(step, made, round)?;
        }
        let encoder = self.encoder_step(step)?;
        let [critic, penalty, right] = last;
        let mut figures = vec![
            ("reconstruction", reconstruction),
            ("critic", critic),
            ("encoder", encoder),
            (RIGHT, right),
        ];
        if self.params.fused_loss && self.params.penalty > 0.0 {
            figures.push(("penalty", penalty));
        }
        Ok(figures)
    }

    fn tensors(&self) -> TensorMap {
        together([
            self.autoencoder.tensors("autoencoder"),
            self.encoder.tensors("encoder"),
            self.critic.tensors("critic"),
        ])
    }

    fn restore(&mut self, weights: &Weights) -> Result<(), ParametersError> {
        self.autoencoder.restore(weights, "autoencoder", &self.device)?;
        self.encoder.restore(weights, "encoder", &self.device);
        // Its optimiser has a state from its first step on.
        self.adversarial = has_any(weights, "critic_adam.");
        self.critic.restore(weights, "critic", &self.device)
    }

    fn maker(&self) -> Box<dyn Maker> {
        Box::new(BaeganMaker {
            networks: self.networks.clone(),
            params: self.params.clone(),
            autoencoder: self.autoencoder.network.valid(),
            critic: self.adversarial.then(|| self.critic.network.valid()),
        })
    }
}

struct BaeganMaker {
    networks: Networks,
    params: Params,
    autoencoder: Autoencoder,
    /// None where training was stopped before the critic learnt.
    critic: Option<LatentCritic>,
}

impl Maker for BaeganMaker {
    fn networks(&self) -> Value {
        serde_json::to_value(&self.networks).unwrap_or_default()
    }

    fn tensors(&self) -> TensorMap {
        let critic = self.critic.as_ref().map(|critic| named("critic", critic));
        together([Some(named("autoencoder", &self.autoencoder)), critic].into_iter().flatten())
    }

    fn of_class<'a>(
        &'a self,
        ctx: &Ctx,
        scene: &'a Scene<'a>,
        class: usize,
    ) -> Result<Box<dyn Source + 'a>, MethodError> {
        scene.check_learnt(class)?;
        let asked = Params::from_map(scene.params)?;
        let ground = if asked.smote {
            let make = || {
                let encode = |images| self.autoencoder.encode(images, &mut Pass::inference());
                Ground::of_class(ctx, scene, class, asked.neighbours as usize, encode)
            };
            Some(scene.memory.of(scene, class, make)?)
        } else {
            None
        };
        Ok(Box::new(BaeganSource { maker: self, scene, class, ground }))
    }

    fn reconstruct(&self, _: &Scene<'_>, images: Tensor<4>, classes: Tensor<1, Int>) -> Option<Tensor<4>> {
        Some(self.autoencoder.reconstruct(images, classes, &mut Pass::inference()))
    }

    fn codes(&self, images: Tensor<4>) -> Option<Tensor<2>> {
        Some(self.autoencoder.encode(images, &mut Pass::inference()))
    }
}

struct BaeganSource<'a> {
    maker: &'a BaeganMaker,
    scene: &'a Scene<'a>,
    class: usize,
    /// None where codes are drawn from the prior.
    ground: Option<std::sync::Arc<Ground>>,
}

impl Source for BaeganSource<'_> {
    fn make(&self, keys: &[u64]) -> Result<Made, MethodError> {
        let (seed, class, device) = (self.scene.seed, self.class, self.scene.device.plain());
        let latent = self.maker.networks.autoencoder.latent;
        let path = |position: usize| self.scene.set.paths.get(position);
        let (mut origins, mut extra) = (Vec::new(), Vec::new());
        let codes: Tensor<2> = match &self.ground {
            Some(ground) => {
                let mut codes = Vec::new();
                for row in ground.make(seed, class, keys)? {
                    extra.push(json!({ "towards": row.to.and_then(path), "step": row.u }));
                    origins.push(Some(row.from));
                    codes.extend(row.values);
                }
                Tensor::from_data(TensorData::new(codes, [keys.len(), latent]), &device)
            }
            None => {
                origins.resize(keys.len(), None);
                extra.resize(keys.len(), json!({ "code": "drawn from the prior" }));
                latent_of(seed, class, keys, latent, &device)
            }
        };
        let scores = match &self.maker.critic {
            Some(critic) => {
                let params = &self.maker.params;
                let scores = score(params, critic.forward(codes.clone()));
                let (name, scores) = if params.is_wasserstein() {
                    ("critic's score", scores)
                } else {
                    ("code is the prior's", sigmoid(scores))
                };
                let scores = scores.try_into_vec_as::<f32>().map_err(|_| device_lost())?;
                Some((name, scores.into_iter().map(f64::from).collect()))
            }
            None => None,
        };
        let labels = labels_tensor(&vec![class; keys.len()], &device);
        let network = &self.maker.autoencoder;
        let images = network.decode(network.embed(codes, labels), &mut Pass::inference());
        let images = self.scene.canvas.cut(images).ok_or_else(device_lost)?;
        Ok(Made { images, origins, scores, extra })
    }

    fn remark(&self) -> Option<String> {
        self.ground.as_ref()?.remark()
    }
}
