//! DeepSMOTE: an autoencoder that sees each class alone as well as all together, and SMOTE between its codes.
//!
//! Source: Dablain, Krawczyk and Chawla, "DeepSMOTE: Fusing Deep Learning and SMOTE for Imbalanced Data", TNNLS 2022,
//! and the code released with it. They differ in the second loss: the paper's Algorithm 1 decodes the codes of a
//! class in another order and compares them with the images in the first one; the code moves the images along, so
//! that each is compared with itself, and takes the codes as given. Either can be chosen; the code's is the
//! default, because it is what others have run.
//!
//! Five things of the released code are left out. It lets batches of one class move the running statistics of the
//! normalisations, with which images are then made; here such a batch moves none. It keeps the network of the lowest
//! training loss, which favours memorising; here the last one stands. It takes class 0 for the majority and makes
//! nothing of it; here every class can be made, as many as the plan says. It asks for one neighbour more and drops the
//! first of the list as the image itself, which drops another one where the class holds an image twice; here the image
//! is known by its position. And it squeezes every axis of length one from a code's tensor, also the one that counts
//! images, so that a batch of one image fails; here shapes are kept.
//!
//! The networks are not the paper's in depth: it halves the side four times whatever the size, which leaves 2 pixels
//! of 32 and 1 of 28. Here the smallest map has 4 to 7 pixels a side.

use burn::tensor::{Device, Tensor};
use serde_json::Value;

use super::generative::space::{self, Lessons, NetworkLearner, Penalty, Rule, Space};
use super::generative::{Canvas, Generative, Learner, Maker, Setup, Step, sampling};
use super::params::{ParamKind, judged_params};
use super::{FitRequest, MethodError, MethodInfo, ParamInfo, ParamMap, ParamsError};
use crate::classify::batches::epochs_for;
use crate::domain::provenance::Kind;
use crate::domain::task::{Ctx, Level};
use crate::imaging::training_set::TrainingSet;
use crate::nn::ComputeDevice;
use crate::nn::autoencoder::{Autoencoder, AutoencoderConfig, deepsmote_latent};
use crate::nn::device::DeviceKind;
use crate::nn::layers::Pass;
use crate::nn::loss::squared_error;
use crate::nn::weights::Weights;

/// The method.
pub struct DeepSmote;

static INFO: MethodInfo = MethodInfo {
    id: "deepsmote",
    name: "DeepSMOTE, autoencoder with SMOTE",
    summary: "Learns codes that images can be made again from, and decodes codes between images of a class.",
    hint: "Learns to redraw images, then draws what lies between two of the same class.",
    paper: Some(
        "Dablain, Krawczyk and Chawla, \"DeepSMOTE: Fusing Deep Learning and SMOTE for Imbalanced Data\", \
         TNNLS 2022",
    ),
    needs_training: true,
    makes: Kind::Synthetic,
    has_prior: false,
    fixed: &[
        ("Adam's betas", "0.9 and 0.999", "code: PyTorch's defaults"),
        (
            "halvings of the side",
            "as many as leave 4 to 7 pixels: three at 32 (64, 128 and 256 channels at width 1), two at 28",
            "ours; paper and code: four (64, 128, 256 and 512 channels)",
        ),
    ],
};

judged_params! {
    /// Parameters of DeepSMOTE.
    pub struct Params {
        /// Epochs of the autoencoder, and of the judge too. Left open: as many as about 2,500 steps take, at most 300,
        /// and on a graphics card at least 200; for the judge as many as 1,000 steps take, at most 100.
        epochs: Option<u32> = None, "epochs", "Epochs", "code: 200; ours: 2,500 steps, at most 300 epochs",
        ParamKind::Int { min: 1, max: 10_000 }, "Training";
        /// Images in a batch.
        batch: u32 = 100, "batch", "Batch", "code: 100", ParamKind::Int { min: 2, max: 4096 }, "Training";
        /// Learning rate, by Adam.
        learning_rate: f64 = 2e-4, "learning-rate", "Learning rate", "paper and code: 2e-4",
        ParamKind::Float { min: 1e-6, max: 1.0 }, "Training";
        /// Natural batches have each image once an epoch; balanced ones have the classes equally often.
        batches: String = "natural".to_owned(), "batches", "Batches", "paper and code: natural",
        ParamKind::Choice(&["natural", "balanced"]), "Training";
        /// The second loss of a step, on up to 100 images of one class. code: the decoder makes them again from their
        /// codes. paper: codes change places, so each image is compared with what the code of another image of its
        /// class gives. none: there is no second loss.
        penalty: String = "code".to_owned(), "penalty", "Penalty", "code; the paper's Algorithm 1 says otherwise",
        ParamKind::Choice(&["code", "paper", "none"]), "Losses";
        /// Numbers of a code. Left open: 300 for grey images, 600 for colour.
        latent: Option<u32> = None, "latent", "Length of a code", "paper: 300 grey, 600 colour",
        ParamKind::Int { min: 2, max: 1024 }, "Networks";
        /// Factor on the channels. Left open: 1 on a graphics card, 0.5 on a processor, which is a quarter of the work.
        width: Option<f64> = None, "width", "Width", "paper: 1; ours on cpu: 0.5",
        ParamKind::Float { min: 0.05, max: 2.0 }, "Networks";
        /// Nearest images of the class that a code may go towards.
        neighbours: u32 = 5, "neighbours", "Neighbours k", "code: 5", ParamKind::Int { min: 1, max: 100 }, "Making",
        making;
    }
}

/// Steps where no number of epochs is given, as far as 300 epochs go.
const STEPS: u32 = 2500;
/// Images of one class that the penalty looks at, at most.
const OF_CLASS: usize = 100;
/// Purpose of a step's draws: the class and the images of the penalty.
const PENALTY: u64 = 0;

impl Params {
    /// With what the program chooses filled in.
    fn resolved(mut self, device: &ComputeDevice, set: &TrainingSet) -> Self {
        let gpu = device.info.kind == DeviceKind::Gpu;
        let enough = epochs_for(STEPS, set.len(), self.batch).clamp(5, 300);
        self.epochs.get_or_insert(if gpu { enough.max(200) } else { enough });
        self.latent.get_or_insert(deepsmote_latent(usize::from(set.spec.channels)) as u32);
        self.width.get_or_insert(if gpu { 1.0 } else { 0.5 });
        self
    }

    /// The rule that parameters say.
    fn rule(params: &ParamMap) -> Result<Rule, ParamsError> {
        let params = Params::from_map(params)?;
        Ok(Rule::Smote { k: params.neighbours as usize })
    }

    fn penalty(&self) -> Option<Penalty<Autoencoder>> {
        match self.penalty.as_str() {
            "none" => None,
            "paper" => Some(Box::new(of_another)),
            _ => Some(Box::new(of_itself)),
        }
    }
}

/// Up to [`OF_CLASS`] images of one class in the order in which they are drawn: all classes that have images are
/// equally likely, no image comes twice. Images of an earlier export are among them, as in every batch that a generator
/// learns from; the lines between codes join real images alone.
fn one_class(step: &Step<'_>) -> Vec<usize> {
    let set = step.scene.set;
    let counts = set.counts();
    let present: Vec<usize> = (0..counts.len()).filter(|&class| counts[class] > 0).collect();
    let mut draws = step.draws(PENALTY);
    let class = present.get(draws.below(present.len())).copied();
    let mut positions = class.map(|class| set.of_class(class)).unwrap_or_default();
    draws.shuffle(&mut positions);
    positions.truncate(OF_CLASS);
    positions
}

/// The code's: how well images of one class are made again, for the decoder alone. Decoded by the batch's own
/// statistics, which are not kept.
fn of_itself(network: &Autoencoder, step: &Step<'_>) -> Tensor<1> {
    let scene = step.scene;
    let images = scene.canvas.batch(scene.set, &one_class(step), step.device);
    let codes = network.encode(images.clone(), &mut Pass::inference()).detach();
    squared_error(network.decode(codes, &mut Pass::training()), images)
}

/// The paper's: how far each image of one class is from what the code of the next one gives, for both halves.
fn of_another(network: &Autoencoder, step: &Step<'_>) -> Tensor<1> {
    let scene = step.scene;
    let mut positions = one_class(step);
    let images = scene.canvas.batch(scene.set, &positions, step.device);
    // Their order is drawn, so the next one is any other.
    let one = positions.len().min(1);
    positions.rotate_left(one);
    let others = scene.canvas.batch(scene.set, &positions, step.device);
    let codes = network.encode(others, &mut Pass::inference());
    squared_error(network.decode(codes, &mut Pass::training()), images)
}

impl Generative for DeepSmote {
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
        let params = given.resolved(request.device, set);
        if params.batches == "balanced" && params.penalty != "none" {
            ctx.note(
                Level::Warning,
                "balanced batches and the penalty, which takes each class equally often, both correct the imbalance, \
                 so images of minority classes are seen again and again; one of the two is enough",
            );
        }
        let canvas = Canvas::around(set)?;
        let (latent, width) = (params.latent.unwrap_or(2) as usize, params.width.unwrap_or(1.0));
        let config = AutoencoderConfig::deepsmote(canvas.channels, canvas.side, latent, width);
        let lessons = Lessons {
            epochs: params.epochs.unwrap_or(1) as usize,
            sampling: sampling(&params.batches),
            learning_rate: params.learning_rate,
        };
        let learner = NetworkLearner::new(request, config, lessons, Params::rule, params.penalty());
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
        space::maker(networks, weights, Space::Latent, Params::rule, device)
    }
}
