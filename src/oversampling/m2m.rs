//! M2m, major-to-minor translation: minority images made by walking majority images towards a classifier's idea
//! of the minority.
//!
//! Source: Kim, Jeong, Shin, "M2m: Imbalanced Classification via Major-to-minor Translation", CVPR 2020, and the
//! figures its release states. Classifier g learns from the imbalanced data as they are; classifier f learns
//! afterwards, and from epoch `warm` on its batches are class balanced with slots translated on line by the
//! current f, tested, and left real where the test fails. Making images for export is another thing and named as
//! such: g and f stand still, every slot is translated and the parts of its test are recorded.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::Module as _;
use burn::tensor::{Int, Tensor};
use serde_json::{Value, json};

use super::model_file::{self, ModelConfig};
use super::params::{ParamKind, in_force, params};
use super::{
    Candidate, FitRequest, GenerateRequest, MethodError, MethodInfo, Model, Oversampler, ParamInfo, ParamMap,
    ParamsError, device_lost, slot_key,
};
use crate::classify::batches::{Augment, epochs_for, gather};
use crate::classify::recalls::{argmax, features, probabilities, said};
use crate::classify::trainer::labels_tensor;
use crate::classify::treatments::{Reading, SavedClassifier};
use crate::domain::acceptance::{pick, scaled_eta, seed_law, threshold_from_loss};
use crate::domain::decisions::Verdict;
use crate::domain::provenance::{Kind, Parts};
use crate::domain::random::{Stage, Stream, stream};
use crate::domain::task::{Ctx, Level};
use crate::imaging::picture::{Depth, Picture};
use crate::imaging::training_set::{ImageSet, TrainingSet};
use crate::nn::ComputeDevice;
use crate::nn::device::DeviceKind;
use crate::nn::init::Init;
use crate::nn::input_gradient::{Images, renorm, renorm_per_channel, walk};
use crate::nn::layers::Pass;
use crate::nn::loss;
use crate::nn::parameters;
use crate::nn::resnet::{ResNet, ResNetConfig};
use crate::nn::weights::Weights;

mod training;

/// The method.
pub struct M2m;

static INFO: MethodInfo = MethodInfo {
    id: "m2m",
    name: "M2m, major-to-minor translation",
    summary: "Changes majority images a little, until a classifier takes them for the minority class.",
    hint: "Changes real images of large classes a little, until they pass for a small class.",
    paper: Some(
        "Kim, Jeong and Shin, \"M2m: Imbalanced Classification via Major-to-minor Translation\", \
         CVPR 2020",
    ),
    needs_training: true,
    makes: Kind::Derived,
    has_prior: true,
    fixed: &[],
};

params! {
    /// Parameters of M2m.
    pub struct Params {
        /// Base of the prior 1 - beta^(difference in counts). Smaller accepts more. With the default, nine of ten
        /// images of a class of a few hundred are rejected: the plan offers a fitted value.
        beta: f64 = 0.999, "beta", "β, prior", "code: 0.999", ParamKind::Float { min: 0.0, max: 0.999_999 },
        "Acceptance", making;
        /// Confidence of classifier g that a candidate needs.
        gamma: f64 = 0.9, "gamma", "γ, confidence needed", "code: 0.9",
        ParamKind::Float { min: 0.0, max: 100.0 }, "Acceptance", making;
        /// Whether gamma bounds the probability from below (the release) or the cross entropy from above (the
        /// paper's Algorithm 1; 0.9 then means a probability of 0.41).
        gamma_form: String = "probability".to_owned(), "gamma-form", "γ is given as", "code: probability",
        ParamKind::Choice(&["probability", "loss"]), "Acceptance", making;
        /// Weight of the term that lowers f's logit of the seed class; 0 uses g alone.
        lambda: f64 = 0.5, "lambda", "λ, weight of f", "code: 0.5", ParamKind::Float { min: 0.0, max: 100.0 },
        "Translation", making;
        /// Number of steps T.
        steps: u32 = 10, "steps", "Steps T", "code: 10", ParamKind::Int { min: 1, max: 1000 }, "Translation",
        making;
        /// Length of a step in L2 over pixels in [0, 1]. Left open it is 0.1 at 32x32x3 and scales with the
        /// square root of the number of pixels, so that the change per pixel stays the same.
        eta: Option<f64> = None, "eta", "Step length η", "code: 0.1 at 32x32x3, scaled",
        ParamKind::Float { min: 0.000_1, max: 10.0 }, "Translation", making;
        /// Start noise: at most 0.5 in L2 for each image, or for each channel over the whole batch as the release
        /// has it (its size then depends on the batch), or none.
        noise: String = "image".to_owned(), "noise", "Start noise", "ours: per image; code: per batch",
        ParamKind::Choice(&["image", "batch", "none"]), "Translation", making;
        /// The network of g and f. Left open: small on a processor, ResNet-32 on a graphics card.
        network: Option<String> = None, "network", "Network", "code: resnet32; ours on cpu: small",
        ParamKind::Choice(&["small", "resnet32"]), "Training";
        /// Shortcuts that change shape: zero channels without parameters, or 1x1 convolutions.
        shortcut: String = "pad".to_owned(), "shortcut", "Shortcuts", "code: pad",
        ParamKind::Choice(&["pad", "projection"]), "Training";
        /// Epochs of g, and again of f. Left open: 200 for ResNet-32; for the small network about 2,000 steps,
        /// between 10 and 200 epochs.
        epochs: Option<u32> = None, "epochs", "Epochs", "code: 200; ours for small: 2,000 steps",
        ParamKind::Int { min: 1, max: 10_000 }, "Training";
        /// Epoch of f from which slots are translated. Left open: four fifths of the epochs, and at most the last.
        warm: Option<u32> = None, "warm", "Translation from epoch", "code: 160 of 200",
        ParamKind::Int { min: 0, max: 10_000 }, "Training";
        /// Images per step.
        batch: u32 = 128, "batch", "Batch", "code: 128", ParamKind::Int { min: 2, max: 4096 }, "Training";
        /// Highest learning rate; it climbs first and drops at four fifths and at nine tenths of the epochs.
        learning_rate: f64 = 0.1, "learning-rate", "Learning rate", "code: 0.1",
        ParamKind::Float { min: 1e-6, max: 10.0 }, "Training";
        /// What the learning rate is divided by at each of the two milestones. Left open: 100 for ResNet-32, 10 for
        /// the small network, whose few steps after the first drop would otherwise move nothing.
        drop: Option<f64> = None, "drop", "Rate drops by", "code: 100; ours for small: 10",
        ParamKind::Float { min: 1.0, max: 1000.0 }, "Training";
        /// Momentum of SGD, without dampening.
        momentum: f64 = 0.9, "momentum", "Momentum", "code: 0.9", ParamKind::Float { min: 0.0, max: 0.999 },
        "Training";
        /// L2 penalty on every parameter.
        weight_decay: f64 = 2e-4, "weight-decay", "Weight decay", "code: 2e-4",
        ParamKind::Float { min: 0.0, max: 1.0 }, "Training";
        /// Random crop out of a border of 4 pixels while training. Off, because it can cut a finding at the rim.
        crop: bool = false, "crop", "Random crop", "code: on; ours: off for medical images", ParamKind::Bool,
        "Training";
        /// Mirror left and right while training. Off, because a mirrored chest has its heart on the wrong side.
        flip: bool = false, "flip", "Random flip", "code: on; ours: off for medical images", ParamKind::Bool,
        "Training";
    }
}

impl Params {
    /// The least probability that passes.
    fn threshold(&self) -> f64 {
        if self.gamma_form == "loss" { threshold_from_loss(self.gamma) } else { self.gamma }
    }

    fn augment(&self) -> Augment {
        Augment { crop: self.crop, flip: self.flip }
    }

    /// With everything the program chooses filled in.
    fn resolved(mut self, device: &ComputeDevice, images: usize, pixels: usize) -> Self {
        let preset = if device.info.kind == DeviceKind::Gpu { "resnet32" } else { "small" };
        let network = self.network.get_or_insert_with(|| preset.to_owned()).clone();
        let for_small = epochs_for(SMALL_STEPS, images, self.batch).clamp(10, 200);
        let epochs = *self.epochs.get_or_insert(if network == "resnet32" { 200 } else { for_small });
        // The last epoch translates, however few there are.
        let warm = (f64::from(epochs) * 0.8).round() as u32;
        self.warm.get_or_insert(warm.min(epochs.saturating_sub(1)));
        self.drop.get_or_insert(if network == "resnet32" { 100.0 } else { 10.0 });
        self.eta.get_or_insert(scaled_eta(pixels));
        self
    }

    fn network(&self, channels: usize, classes: usize, statistics: (Vec<f32>, Vec<f32>)) -> ResNetConfig {
        let preset = match self.network.as_deref() {
            Some("resnet32") => ResNetConfig::resnet32(channels, classes),
            _ => ResNetConfig::small(channels, classes),
        };
        let (mean, deviation) = statistics;
        ResNetConfig { projection: self.shortcut == "projection", mean, deviation, ..preset }
    }
}

/// Steps of each classifier that the small network gets where no number of epochs is given.
const SMALL_STEPS: u32 = 2000;

/// Noise key of translations inside training, apart from those of candidates.
const TRAINING_NOISE: u64 = u64::MAX;

/// Seed images on their way to target classes.
struct Translation {
    images: Images,
    seed_classes: Vec<usize>,
    targets: Vec<usize>,
}

/// How to translate: the frozen networks and the numbers of the walk.
struct Translator<'a> {
    g: &'a ResNet,
    /// `None` where lambda is 0 or there is no f.
    f: Option<&'a ResNet>,
    lambda: f64,
    steps: usize,
    eta: f64,
    noise: &'a str,
    /// Autodiff.
    device: burn::tensor::Device,
}

impl Translator<'_> {
    /// Adds start noise (one stream per image) and walks; the result is in \[0, 1\].
    fn run(
        &self,
        ctx: &Ctx,
        job: &Translation,
        mut noise: impl FnMut(usize) -> Stream,
    ) -> Result<Images, MethodError> {
        let mut start = job.images.clone();
        let [batch, channels, height, width] = start.shape;
        let row = channels * height * width;
        if self.noise != "none" {
            let mut added = Vec::with_capacity(batch * row);
            for image in 0..batch {
                let mut draws = noise(image);
                added.extend((0..row).map(|_| draws.uniform_f32() - 0.5));
            }
            match self.noise {
                "batch" => renorm_per_channel(&mut added, channels, height * width, 0.5),
                _ => renorm(&mut added, row, 0.5),
            }
            for (value, noise) in start.values.iter_mut().zip(added) {
                *value = (*value + noise).clamp(0.0, 1.0);
            }
        }
        let targets: Tensor<1, Int> = labels_tensor(&job.targets, &self.device);
        let seeds: Tensor<1, Int> = labels_tensor(&job.seed_classes, &self.device);
        let objective = |x: Tensor<4>| {
            let z = self.g.forward(x.clone(), &mut Pass::inference());
            let value = loss::cross_entropy(z, targets.clone());
            match self.f {
                Some(f) => {
                    let z = f.forward(x, &mut Pass::inference());
                    value + loss::pick(z, seeds.clone()) * self.lambda
                }
                None => value,
            }
        };
        let walked = walk(ctx, &start, self.steps, self.eta as f32, &self.device, objective)?;
        Images::of(walked).ok_or_else(device_lost)
    }
}

impl Oversampler for M2m {
    fn info(&self) -> &'static MethodInfo {
        &INFO
    }

    fn param_table(&self) -> &'static [ParamInfo] {
        Params::table()
    }

    fn prior_beta(&self, params: &ParamMap) -> Result<Option<f64>, ParamsError> {
        Params::from_map(params).map(|params| Some(params.beta))
    }

    fn fit(&self, ctx: &Ctx, request: &FitRequest<'_>) -> Result<Box<dyn Model>, MethodError> {
        training::fit(ctx, request).map(|model| Box::new(model) as Box<dyn Model>)
    }

    fn load(
        &self,
        path: &Path,
        training: &TrainingSet,
        device: &ComputeDevice,
    ) -> Result<Box<dyn Model>, MethodError> {
        let (config, weights) = model_file::read(path)?;
        let refused = |reason: String| MethodError::Model { reason, path: path.to_owned() };
        model_file::check_method(&config, INFO.id, path)?;
        model_file::check_fits(&config, &training.classes, &training.spec, path)?;
        Params::from_map(&config.params)
            .map_err(|error| refused(format!("the model file is refused: {error}")))?;
        let mut networks = BTreeMap::new();
        for name in ["g", "f"] {
            if let Some(network) = config.networks.get(name) {
                // Start weights are replaced at once; the seed does not matter.
                let fresh = network.build(&mut Init::new(0, 0, &device.autodiff()));
                let network = parameters::write(fresh, &weights.part(name))
                    .map_err(|error| refused(format!("the model file is refused: {error}")))?;
                networks.insert(name, network);
            }
        }
        let g = networks
            .remove("g")
            .ok_or_else(|| refused("the model file is refused: it holds no classifier g".to_owned()))?;
        let f = networks.remove("f");
        Ok(Box::new(M2mModel::new(config, g, f, device.clone())))
    }
}

/// Trained g and, unless training stopped before it, f.
struct M2mModel {
    config: ModelConfig,
    /// Frozen, on the autodiff device.
    g: ResNet,
    f: Option<ResNet>,
    /// g without gradients, for confidences.
    judge: ResNet,
    device: ComputeDevice,
}

/// Images that f is asked about at a time.
const ASKED: usize = 256;
/// Slots translated at a time when making images.
const GENERATE_BATCH: usize = 64;

impl M2mModel {
    fn new(config: ModelConfig, g: ResNet, f: Option<ResNet>, device: ComputeDevice) -> Self {
        let judge = g.valid();
        M2mModel { config, g: g.freeze(), f: f.map(|f| f.freeze()), judge, device }
    }

    fn weights(&self) -> Weights {
        let mut weights = Weights {
            config: serde_json::to_value(&self.config).unwrap_or_default(),
            tensors: Default::default(),
        };
        weights.add("g", parameters::read(&self.g));
        if let Some(f) = &self.f {
            weights.add("f", parameters::read(f));
        }
        weights
    }
}

impl Model for M2mModel {
    fn info(&self) -> &'static MethodInfo {
        &INFO
    }

    fn hash(&self) -> String {
        self.weights().hash()
    }

    fn save(&self, path: &Path) -> Result<(), MethodError> {
        model_file::write(path, &self.weights())
    }

    fn summary(&self) -> Value {
        json!({
            "method": INFO.id,
            "params": self.config.params,
            "classes": self.config.classes,
            "counts": self.config.counts,
            "seed": self.config.seed,
            "record": self.config.record,
            "export": "translated images with g and f standing still, not the paper's training",
        })
    }

    fn in_force(&self, given: &ParamMap) -> Result<ParamMap, ParamsError> {
        in_force(Params::table(), &self.config.params, given)
    }

    fn stopped(&self) -> Option<&str> {
        self.config.stopped()
    }

    fn features(&self, pictures: &[Picture]) -> Result<Option<(Vec<f32>, usize)>, MethodError> {
        features(&self.judge, pictures, &self.device.plain()).ok_or_else(device_lost).map(Some)
    }

    fn judged(&self, pictures: &[Picture]) -> Result<Option<Vec<usize>>, MethodError> {
        said(&self.judge, pictures, &self.device.plain()).ok_or_else(device_lost).map(Some)
    }

    fn says(&self, ctx: &Ctx, images: &ImageSet) -> Result<Option<Vec<Vec<f64>>>, MethodError> {
        let Some(f) = &self.f else { return Ok(None) };
        let (f, device) = (f.valid(), self.device.plain());
        let positions: Vec<usize> = (0..images.len()).collect();
        let mut rows: Vec<Vec<f64>> = Vec::with_capacity(images.len());
        for chunk in positions.chunks(ASKED) {
            ctx.check()?;
            let batch = gather(images, chunk, Augment::default(), None);
            let said = probabilities(&f, &batch.images, &device);
            rows.extend(said.iter().map(|row| row.iter().map(|p| f64::from(*p)).collect::<Vec<f64>>()));
        }
        if rows.len() == images.len() { Ok(Some(rows)) } else { Err(device_lost()) }
    }

    fn classifier(&self) -> Option<SavedClassifier> {
        let network = self.config.networks.get("f")?.clone();
        let tensors = parameters::read(self.f.as_ref()?);
        Some(SavedClassifier { network, tensors, reading: Reading::default() })
    }

    fn generate(
        &self,
        ctx: &Ctx,
        request: &GenerateRequest<'_>,
        receive: &mut dyn FnMut(Candidate) -> Result<(), MethodError>,
    ) -> Result<(), MethodError> {
        let set = request.training;
        let params = Params::from_map(&self.in_force(request.params)?)?;
        let name = set.classes.get(request.class).cloned().unwrap_or_default();
        let law = seed_law(&set.counts(), request.class, params.beta);
        let originals: Vec<Vec<usize>> = (0..set.classes.len()).map(|c| set.originals_of_class(c)).collect();
        // A class whose images were all made cannot seed.
        let weights: Vec<f64> =
            law.p_accept.iter().zip(&originals).map(|(p, of)| if of.is_empty() { 0.0 } else { *p }).collect();
        if !request.slots.is_empty() && pick(&weights, 0.0).is_none() {
            ctx.note(
                Level::Warning,
                format!("no class is larger than {name}, so M2m has no seed images for it; nothing was made"),
            );
            return Ok(());
        }
        let pixels = set.pixels_per_image();
        let translator = Translator {
            g: &self.g,
            f: self.f.as_ref().filter(|_| params.lambda > 0.0),
            lambda: params.lambda,
            steps: params.steps as usize,
            eta: params.eta.unwrap_or_else(|| scaled_eta(pixels)),
            noise: &params.noise,
            device: self.device.autodiff(),
        };
        let class_key = request.class as u64;
        let (side, channels) = (set.spec.size, set.spec.channels);
        let depth = if set.spec.bits > 8 { Depth::Sixteen } else { Depth::Eight };
        for slots in request.slots.chunks(GENERATE_BATCH) {
            ctx.check()?;
            let mut seeds = Vec::with_capacity(slots.len());
            for &slot in slots {
                let mut draws =
                    stream(request.seed, Stage::SeedImage, class_key, slot_key(slot, request.attempt));
                let (u_class, u_image) = (draws.uniform(), draws.uniform());
                let Some(seed_class) = pick(&weights, u_class) else { continue };
                let members = &originals[seed_class];
                let member = ((u_image * members.len() as f64) as usize).min(members.len() - 1);
                seeds.push((slot, members[member], seed_class));
            }
            let mut values = vec![0.0_f32; seeds.len() * pixels];
            for ((_, image, _), out) in seeds.iter().zip(values.chunks_mut(pixels)) {
                set.f32_chw(*image, out);
            }
            let images =
                Images { shape: [seeds.len(), usize::from(channels), side as usize, side as usize], values };
            let job = Translation {
                images,
                seed_classes: seeds.iter().map(|s| s.2).collect(),
                targets: vec![request.class; seeds.len()],
            };
            let made = translator.run(ctx, &job, |image| {
                let key = slot_key(seeds[image].0, request.attempt);
                stream(request.seed, Stage::Noise, class_key, key)
            })?;
            // What is tested is what is exported: rounded to the project's bit depth first.
            let pictures: Vec<Picture> = made
                .values
                .chunks(pixels)
                .map(|chw| Picture::from_f32_chw(chw, side, side, channels, depth))
                .collect();
            let rounded: Vec<f32> = pictures.iter().flat_map(Picture::to_f32).collect();
            let rounded = Images { shape: made.shape, values: rounded };
            let before = probabilities(&self.judge, &made, &self.device.plain());
            let after = probabilities(&self.judge, &rounded, &self.device.plain());
            if after.len() != seeds.len() || before.len() != seeds.len() {
                return Err(device_lost());
            }
            for (index, (picture, (slot, seed_image, seed_class))) in
                pictures.into_iter().zip(&seeds).enumerate()
            {
                let key = slot_key(*slot, request.attempt);
                let parts = Parts {
                    p_accept: Some(law.p_accept[*seed_class]),
                    draw: Some(stream(request.seed, Stage::Prior, class_key, key).uniform()),
                    confidence: Some(f64::from(after[index][request.class])),
                    threshold: Some(params.threshold()),
                };
                let verdict = Verdict::of(&parts);
                let span = index * pixels..(index + 1) * pixels;
                let moved: f64 = rounded.values[span.clone()]
                    .iter()
                    .zip(&job.images.values[span])
                    .map(|(a, b)| f64::from(a - b).powi(2))
                    .sum::<f64>()
                    .sqrt();
                receive(Candidate {
                    class: request.class,
                    slot: *slot,
                    attempt: request.attempt,
                    kind: Kind::Derived,
                    picture,
                    seed_image: Some(*seed_image),
                    parts,
                    verdict,
                    own_score: None,
                    extra: json!({
                        "confidence_before_rounding": before[index][request.class],
                        "judge_says": set.classes[argmax(&after[index])],
                        "moved_l2": moved,
                        "beta": params.beta,
                        "gamma": params.gamma,
                        "lambda": params.lambda,
                        "eta": translator.eta,
                        "steps": params.steps,
                    }),
                })?;
            }
        }
        Ok(())
    }
}
