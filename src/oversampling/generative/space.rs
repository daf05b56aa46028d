//! What SMOTE, Borderline-SMOTE and ADASYN share: in which space an image is a row, and how a row is an image again.
//!
//! Rows lie between rows of real images ([`super::ground`]) by one of three rules; a space adds the way there and back.
//! Pixels need none. Codes and features need a network that this file trains, beside the judge, to make each image
//! again from its row. DeepSMOTE is SMOTE in the first of these, with a second loss.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ground::Rows;
use super::judge::{self};
use super::{
    Canvas, Figures, Ground, Learner, Made, Maker, Part, Scene, Setup, Source, Step, Trained, loaded, mean,
    named, sampling,
};
use crate::classify::batches::{Sampling, epochs_for};
use crate::classify::trainer::StepError;
use crate::domain::task::{Ctx, Level};
use crate::nn::autoencoder::{Autoencoder, AutoencoderConfig, Decoder};
use crate::nn::device::DeviceKind;
use crate::nn::init::Init;
use crate::nn::layers::{Absorb, Pass};
use crate::nn::loss::squared_error;
use crate::nn::parameters::{ParametersError, TensorMap};
use crate::nn::weights::Weights;
use crate::oversampling::rows::lines::{Fallback, Lines};
use crate::oversampling::rows::{Labelled, RowsError, adasyn, borderline};
use crate::oversampling::{FitRequest, MethodError, ParamMap, ParamsError, device_lost};

/// Writes the `Params` of a method of this family: its own, and those that all three have.
macro_rules! family_params {
    ($(#[$meta:meta])* pub struct $name:ident { $($own:tt)* }) => {
        $crate::oversampling::params::judged_params! {
            $(#[$meta])*
            pub struct $name {
                /// Where an image is a row: as code of an autoencoder (latent), as features of classifier g with a
                /// decoder of their own (features), or as its pixels, where two images are laid over each other
                /// (pixels).
                space: $crate::oversampling::generative::space::Space =
                    $crate::oversampling::generative::space::Space::Latent, "space", "Space",
                "ours: codes, as DeepSMOTE",
                $crate::oversampling::params::ParamKind::Choice(&["latent", "features", "pixels"]), "Making";
                $($own)*
                /// Epochs of the autoencoder or decoder, and of the judge too. Left open: as many as about 1,500
                /// steps take, at most 300, and on a graphics card at least 100; for the judge as many as 1,000 steps
                /// take, at most 100.
                epochs: Option<u32> = None, "epochs", "Epochs",
                "ours: BAEGAN's, 1,500 steps, at most 300 epochs",
                $crate::oversampling::params::ParamKind::Int { min: 1, max: 10_000 }, "Training";
                /// Images in a batch.
                batch: u32 = 128, "batch", "Batch", "ours: BAEGAN's 128",
                $crate::oversampling::params::ParamKind::Int { min: 2, max: 4096 }, "Training";
                /// Learning rate of autoencoder or decoder, by Adam.
                learning_rate: f64 = 2e-4, "learning-rate", "Learning rate", "DeepSMOTE paper: 2e-4",
                $crate::oversampling::params::ParamKind::Float { min: 1e-6, max: 1.0 }, "Training";
                /// Natural batches have each image once an epoch; balanced ones have the classes equally often.
                batches: String = "natural".to_owned(), "batches", "Batches", "DeepSMOTE paper: natural",
                $crate::oversampling::params::ParamKind::Choice(&["natural", "balanced"]), "Training";
                /// Numbers of a code in the latent space. Features are as many as classifier g has.
                latent: u32 = 128, "latent", "Length of a code", "ours: BAEGAN's 128",
                $crate::oversampling::params::ParamKind::Int { min: 2, max: 1024 }, "Networks";
                /// Factor on the channels of autoencoder or decoder. Left open: 1 on a graphics card, 0.5 on a
                /// processor, which is a quarter of the work.
                width: Option<f64> = None, "width", "Width", "ours: BAEGAN's, 1 or 0.5 on cpu",
                $crate::oversampling::params::ParamKind::Float { min: 0.05, max: 2.0 }, "Networks";
            }
        }
    };
}
pub(in crate::oversampling) use family_params;

/// Where an image is a row of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Space {
    /// Codes of an autoencoder without labels.
    Latent,
    /// What classifier g's last layer sees.
    Features,
    /// The image itself.
    Pixels,
}

/// Which lines rows are made on; `k` is the number of neighbours they go towards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    Smote { k: usize },
    Borderline { kind: borderline::Kind, m: usize, k: usize },
    Adasyn { k: usize },
}

/// The rule that a method's parameters say.
pub type RuleOf = fn(&ParamMap) -> Result<Rule, ParamsError>;

impl Rule {
    /// True where the rows of other classes are looked at too.
    fn sees_all(self) -> bool {
        !matches!(self, Rule::Smote { .. })
    }

    fn neighbours(self) -> usize {
        match self {
            Rule::Smote { k } | Rule::Borderline { k, .. } | Rule::Adasyn { k } => k,
        }
    }

    fn lines(
        self,
        ctx: &Ctx,
        set: &Labelled<'_>,
        class: usize,
    ) -> Result<(Lines, Option<Fallback>), RowsError> {
        match self {
            Rule::Smote { k } => Ok((Lines::plain(ctx, set, class, k)?, None)),
            Rule::Borderline { kind, m, k } => {
                let found = borderline::find(ctx, set, class, kind, m, k)?;
                Ok((found.lines, found.fallback))
            }
            Rule::Adasyn { k } => {
                let found = adasyn::find(ctx, set, class, k)?;
                Ok((found.lines, found.fallback))
            }
        }
    }
}

/// The networks as a model file holds them, beside the judge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Networks {
    pub space: Space,
    /// Of the latent space; of the features' space the half that decodes. None for pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autoencoder: Option<AutoencoderConfig>,
}

/// The parameters of the family that a training needs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Settings {
    space: Space,
    epochs: Option<u32>,
    batch: u32,
    learning_rate: f64,
    batches: String,
    latent: u32,
    width: Option<f64>,
    judge_batches: String,
    judge_network: Option<String>,
}

/// Steps of a network where no number of epochs is given, as far as 300 epochs go.
const STEPS: u32 = 1500;
/// Adam's as PyTorch has them.
const BETAS: [f64; 2] = [0.9, 0.999];
/// Real images of a class that say how far a code usually is from the one of its decoded image.
const USUAL: usize = 32;

/// Trains the judge and the network of a space for a method of the family; `params` is the method's whole struct.
///
/// # Errors
/// `Cancelled`, data that the method cannot use, or a training that failed.
pub fn setup(
    ctx: &Ctx,
    request: &FitRequest<'_>,
    params: &impl Serialize,
    rule: RuleOf,
) -> Result<(Setup, Box<dyn Learner>), MethodError> {
    let unreadable = |error: serde_json::Error| ParamsError::Unknown(error.to_string());
    let whole = serde_json::to_value(params).map_err(unreadable)?;
    let settings: Settings = serde_json::from_value(whole.clone()).map_err(unreadable)?;
    let mut params: ParamMap = serde_json::from_value(whole).map_err(unreadable)?;
    let (set, batch) = (request.training, settings.batch);
    let canvas = Canvas::around(set)?;
    let gpu = request.device.info.kind == DeviceKind::Gpu;
    let enough = epochs_for(STEPS, set.len(), batch).clamp(5, 300);
    let epochs = settings.epochs.unwrap_or(if gpu { enough.max(100) } else { enough });
    let width = settings.width.unwrap_or(if gpu { 1.0 } else { 0.5 });
    let lessons = Lessons {
        epochs: epochs as usize,
        sampling: sampling(&settings.batches),
        learning_rate: settings.learning_rate,
    };
    let latent = match settings.space {
        Space::Features => judge::features(set, settings.judge_network.as_deref(), request.device),
        Space::Latent | Space::Pixels => settings.latent as usize,
    };
    let config = AutoencoderConfig::baegan(canvas.channels, canvas.side, 0, latent, width);
    let learner: Box<dyn Learner> = match settings.space {
        Space::Pixels => {
            ctx.note(
                Level::Warning,
                "pixel space mixes two images into a double exposure: where they do not lie on each other, a candidate \
                 shows both at once. Look at the candidates, or choose the space latent",
            );
            Box::new(Untrained(rule))
        }
        Space::Latent => Box::new(NetworkLearner::<Autoencoder>::new(request, config, lessons, rule, None)),
        Space::Features => Box::new(NetworkLearner::<Decoder>::new(request, config, lessons, rule, None)),
    };
    if settings.space != Space::Pixels {
        params.insert("epochs".to_owned(), json!(epochs));
        params.insert("width".to_owned(), json!(width));
    }
    let setup = Setup::new(&params, batch, settings.epochs, &settings.judge_batches, set.originals().len());
    Ok((setup, learner))
}

/// The maker of a model file, which must be of `space`.
///
/// # Errors
/// In words, networks that cannot exist, another space, or tensors that are not theirs.
pub fn maker(
    networks: &Value,
    weights: &Weights,
    space: Space,
    rule: RuleOf,
    device: &Device,
) -> Result<Box<dyn Maker>, String> {
    let networks: Networks = serde_json::from_value(networks.clone()).map_err(|error| error.to_string())?;
    if networks.space != space {
        return Err("its networks are of another space than its parameters".to_owned());
    }
    // Start weights are replaced at once; the seed does not matter.
    let init = &mut Init::new(0, 0, device);
    let coder: Option<Box<dyn Coder>> = match (&networks.autoencoder, space) {
        (None, Space::Pixels) => None,
        (Some(config), Space::Latent) if config.is_sane() => {
            Some(Box::new(loaded(Autoencoder::fresh(config, init), weights, Autoencoder::NAME)?))
        }
        (Some(config), Space::Features) if config.is_sane() => {
            Some(Box::new(loaded(Decoder::fresh(config, init), weights, Decoder::NAME)?))
        }
        _ => return Err("it describes a network that cannot exist".to_owned()),
    };
    Ok(Box::new(SpaceMaker { networks, rule, coder }))
}

/// The way from images to rows and back, without gradients.
pub trait Coder: Send {
    /// `[batch, channels, side, side]` in \[-1, 1\] to `[batch, features]`.
    fn rows_of(&self, scene: &Scene<'_>, images: Tensor<4>) -> Tensor<2>;

    /// The other way.
    fn images_of(&self, rows: Tensor<2>) -> Tensor<4>;

    /// Of its network, under its name.
    fn tensors(&self) -> TensorMap;
}

/// A network that learns to make images again from their rows.
pub trait Network: Module + Coder + 'static {
    /// In files.
    const NAME: &'static str;
    /// Its training, for people.
    const TASK: &'static str;
    const SPACE: Space;

    /// With start weights.
    fn fresh(config: &AutoencoderConfig, init: &mut Init) -> Self;

    /// The images of a step, made again.
    fn again(&self, step: &Step<'_>, pass: &mut Pass) -> Tensor<4>;

    /// With the running statistics moved by a pass of [`Network::again`].
    #[must_use]
    fn with_statistics(self, pass: Pass) -> Self;
}

impl Coder for Autoencoder {
    fn rows_of(&self, _: &Scene<'_>, images: Tensor<4>) -> Tensor<2> {
        self.encode(images, &mut Pass::inference())
    }

    fn images_of(&self, rows: Tensor<2>) -> Tensor<4> {
        self.decode(rows, &mut Pass::inference())
    }

    fn tensors(&self) -> TensorMap {
        named(Self::NAME, self)
    }
}

impl Network for Autoencoder {
    const NAME: &'static str = "autoencoder";
    const TASK: &'static str = "training the autoencoder";
    const SPACE: Space = Space::Latent;

    fn fresh(config: &AutoencoderConfig, init: &mut Init) -> Self {
        config.build(init)
    }

    fn again(&self, step: &Step<'_>, pass: &mut Pass) -> Tensor<4> {
        self.forward(step.images.clone(), pass)
    }

    fn with_statistics(self, pass: Pass) -> Self {
        self.absorb(pass)
    }
}

impl Coder for Decoder {
    fn rows_of(&self, scene: &Scene<'_>, images: Tensor<4>) -> Tensor<2> {
        scene.judge.features(scene.canvas.uncovered(images), &mut Pass::inference())
    }

    fn images_of(&self, rows: Tensor<2>) -> Tensor<4> {
        self.forward(rows, &mut Pass::inference())
    }

    fn tensors(&self) -> TensorMap {
        named(Self::NAME, self)
    }
}

impl Network for Decoder {
    const NAME: &'static str = "decoder";
    const TASK: &'static str = "training the decoder of features";
    const SPACE: Space = Space::Features;

    fn fresh(config: &AutoencoderConfig, init: &mut Init) -> Self {
        config.build_decoder(init, config.latent)
    }

    fn again(&self, step: &Step<'_>, pass: &mut Pass) -> Tensor<4> {
        let features = self.rows_of(step.scene, step.images.clone().inner());
        self.forward(Tensor::from_inner(features), pass)
    }

    fn with_statistics(self, pass: Pass) -> Self {
        self.absorb(&mut Absorb::new(pass))
    }
}

/// How a network is trained.
pub struct Lessons {
    pub epochs: usize,
    pub sampling: Sampling,
    pub learning_rate: f64,
}

/// A second loss of a step, one value for each image that it looks at.
pub type Penalty<M> = Box<dyn Fn(&M, &Step<'_>) -> Tensor<1>>;

/// Key of the network in random streams.
const NETWORK: u64 = 10;

/// The network of a space while it learns.
pub struct NetworkLearner<M> {
    config: AutoencoderConfig,
    lessons: Lessons,
    rule: RuleOf,
    penalty: Option<Penalty<M>>,
    trained: Trained<M>,
    device: Device,
}

impl<M: Network> NetworkLearner<M> {
    pub fn new(
        request: &FitRequest<'_>,
        config: AutoencoderConfig,
        lessons: Lessons,
        rule: RuleOf,
        penalty: Option<Penalty<M>>,
    ) -> Self {
        let device = request.device.autodiff();
        let network = M::fresh(&config, &mut Init::new(request.seed, NETWORK, &device));
        NetworkLearner { config, lessons, rule, penalty, trained: Trained::new(network, BETAS), device }
    }
}

impl<M: Network> Learner for NetworkLearner<M> {
    fn parts(&self) -> Vec<Part> {
        vec![Part { name: M::TASK, epochs: self.lessons.epochs, sampling: self.lessons.sampling }]
    }

    fn begin(&mut self, ctx: &Ctx, _: usize, _: &Scene<'_>) -> Result<(), MethodError> {
        Ok(ctx.check()?)
    }

    fn step(&mut self, _: usize, step: &Step<'_>) -> Result<Figures, StepError> {
        let mut pass = Pass::training();
        let network = &self.trained.network;
        let losses = squared_error(network.again(step, &mut pass), step.images.clone());
        let mut figures = vec![("reconstruction", mean(losses.clone())?)];
        let mut total = losses.mean();
        if let Some(penalty) = &self.penalty {
            let losses = penalty(network, step);
            figures.push(("penalty", mean(losses.clone())?));
            total = total + losses.mean();
        }
        let grads = total.backward();
        self.trained.step(&grads, self.lessons.learning_rate);
        self.trained.network = self.trained.network.clone().with_statistics(pass);
        Ok(figures)
    }

    fn tensors(&self) -> TensorMap {
        self.trained.tensors(M::NAME)
    }

    fn restore(&mut self, weights: &Weights) -> Result<(), ParametersError> {
        self.trained.restore(weights, M::NAME, &self.device)
    }

    fn maker(&self) -> Box<dyn Maker> {
        Box::new(SpaceMaker {
            networks: Networks { space: M::SPACE, autoencoder: Some(self.config.clone()) },
            rule: self.rule,
            coder: Some(Box::new(self.trained.network.valid())),
        })
    }
}

/// Pixels, which nothing has to be learnt for.
struct Untrained(RuleOf);

impl Learner for Untrained {
    fn parts(&self) -> Vec<Part> {
        Vec::new()
    }

    fn begin(&mut self, ctx: &Ctx, _: usize, _: &Scene<'_>) -> Result<(), MethodError> {
        Ok(ctx.check()?)
    }

    fn step(&mut self, _: usize, _: &Step<'_>) -> Result<Figures, StepError> {
        Ok(Figures::new())
    }

    fn tensors(&self) -> TensorMap {
        TensorMap::new()
    }

    fn restore(&mut self, _: &Weights) -> Result<(), ParametersError> {
        Ok(())
    }

    fn maker(&self) -> Box<dyn Maker> {
        let networks = Networks { space: Space::Pixels, autoencoder: None };
        Box::new(SpaceMaker { networks, rule: self.0, coder: None })
    }
}

struct SpaceMaker {
    networks: Networks,
    rule: RuleOf,
    /// None for pixels.
    coder: Option<Box<dyn Coder>>,
}

impl SpaceMaker {
    fn rows(&self, ctx: &Ctx, scene: &Scene<'_>, positions: Vec<usize>) -> Result<Rows, MethodError> {
        match &self.coder {
            Some(coder) => Rows::encoded(ctx, scene, positions, |images| coder.rows_of(scene, images)),
            None => Rows::pixels(ctx, scene, positions),
        }
    }

    fn ground(&self, ctx: &Ctx, scene: &Scene<'_>, class: usize) -> Result<Ground, MethodError> {
        let (set, canvas, config) = (scene.set, scene.canvas, &self.networks.autoencoder);
        let other = |config: &AutoencoderConfig| {
            (config.size, config.channels, config.classes) != (canvas.side, canvas.channels, 0)
        };
        if config.as_ref().is_some_and(other) {
            return Err(unfit());
        }
        let rule = (self.rule)(scene.params)?;
        let rows = if rule.sees_all() {
            let originals = (0..set.len()).filter(|&at| !set.made[at]);
            scene.memory.rows(scene, || self.rows(ctx, scene, originals.collect()))?
        } else {
            Arc::new(self.rows(ctx, scene, set.originals_of_class(class))?)
        };
        let mut ground =
            Ground::on(scene, class, rows, rule.neighbours(), |labelled| rule.lines(ctx, labelled, class))?;
        if config.as_ref().is_some_and(|config| config.latent != ground.features()) {
            return Err(unfit());
        }
        if let Some(coder) = &self.coder {
            ground.usual = usual(coder.as_ref(), scene, class)?;
        }
        Ok(ground)
    }
}

/// Networks for other images or features than those that are there, which a file from elsewhere may hold.
fn unfit() -> MethodError {
    MethodError::Data(
        "the networks of this model do not fit each other or these images; train the model again".to_owned(),
    )
}

/// How far each of some rows is from another: two `[batch, features]` to one distance for each.
fn apart(a: Tensor<2>, b: Tensor<2>) -> Result<Vec<f64>, MethodError> {
    let squares: Tensor<2> = (a - b).square().sum_dim(1);
    let squares = squares.try_into_vec_as::<f32>().map_err(|_| device_lost())?;
    Ok(squares.into_iter().map(|square| f64::from(square).sqrt()).collect())
}

/// How far the row of a real image of a class is from the row of what is made of it, in the middle of a few images.
/// None where it is 0.
fn usual(coder: &dyn Coder, scene: &Scene<'_>, class: usize) -> Result<Option<f64>, MethodError> {
    let originals = scene.set.originals_of_class(class);
    let stride = originals.len().div_ceil(USUAL).max(1);
    let positions: Vec<usize> = originals.into_iter().step_by(stride).collect();
    let rows = coder.rows_of(scene, scene.canvas.batch(scene.set, &positions, &scene.device.plain()));
    let again = coder.rows_of(scene, coder.images_of(rows.clone()));
    let mut distances = apart(rows, again)?;
    distances.sort_by(f64::total_cmp);
    Ok(distances.get(distances.len() / 2).copied().filter(|&usual| usual > 0.0))
}

impl Maker for SpaceMaker {
    fn networks(&self) -> Value {
        serde_json::to_value(&self.networks).unwrap_or_default()
    }

    fn tensors(&self) -> TensorMap {
        self.coder.as_ref().map(|coder| coder.tensors()).unwrap_or_default()
    }

    fn of_class<'a>(
        &'a self,
        ctx: &Ctx,
        scene: &'a Scene<'a>,
        class: usize,
    ) -> Result<Box<dyn Source + 'a>, MethodError> {
        let ground = scene.memory.of(scene, class, || self.ground(ctx, scene, class))?;
        Ok(Box::new(SpaceSource { maker: self, scene, class, ground }))
    }

    fn reconstruct(&self, scene: &Scene<'_>, images: Tensor<4>, _: Tensor<1, Int>) -> Option<Tensor<4>> {
        let coder = self.coder.as_ref()?;
        Some(coder.images_of(coder.rows_of(scene, images)))
    }
}

struct SpaceSource<'a> {
    maker: &'a SpaceMaker,
    scene: &'a Scene<'a>,
    class: usize,
    ground: Arc<Ground>,
}

impl Source for SpaceSource<'_> {
    fn make(&self, keys: &[u64]) -> Result<Made, MethodError> {
        let path = |position: usize| self.scene.set.paths.get(position);
        let (mut rows, mut origins, mut extra) = (Vec::new(), Vec::new(), Vec::new());
        for row in self.ground.make(self.scene.seed, self.class, keys)? {
            let mut said = json!({ "towards": row.to.and_then(path), "step": row.u });
            if self.ground.fallback().is_some() {
                said["rule"] = json!("plain SMOTE");
            }
            extra.push(said);
            origins.push(Some(row.from));
            rows.extend(row.values);
        }
        let Some(coder) = &self.maker.coder else {
            // Noise may have left the range of pixels.
            let images = rows.into_iter().map(|value| value.clamp(0.0, 1.0)).collect();
            return Ok(Made { images, origins, scores: None, extra });
        };
        let shape = [keys.len(), self.ground.features()];
        let rows: Tensor<2> = Tensor::from_data(TensorData::new(rows, shape), &self.scene.device.plain());
        let images = coder.images_of(rows.clone());
        let scores = match self.ground.usual {
            Some(usual) => {
                let distances = apart(rows, coder.rows_of(self.scene, images.clone()))?;
                // 1 as near as real images are, less where the image says something else than its row.
                let kept = distances.into_iter().map(|distance| (usual / distance).min(1.0));
                Some(("code kept", kept.collect()))
            }
            None => None,
        };
        let images = self.scene.canvas.cut(images).ok_or_else(device_lost)?;
        Ok(Made { images, origins, scores, extra })
    }

    fn remark(&self) -> Option<String> {
        self.ground.remark()
    }
}
