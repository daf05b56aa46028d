//! A trained generator with its judge: model files, and candidates with what the judge says of them.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde_json::{Value, json};

use super::{Canvas, Generative, Made, Maker, Memory, Scene, judge};
use crate::classify::recalls::{argmax, features, probabilities, said};
use crate::domain::decisions::Verdict;
use crate::domain::provenance::Parts;
use crate::domain::task::{Ctx, Level};
use crate::imaging::picture::{Picture, Pixels};
use crate::imaging::training_set::TrainingSet;
use crate::nn::ComputeDevice;
use crate::nn::init::Init;
use crate::nn::input_gradient::Images;
use crate::nn::parameters;
use crate::nn::resnet::ResNet;
use crate::nn::weights::Weights;
use crate::oversampling::model_file::{self, ModelConfig};
use crate::oversampling::params::in_force;
use crate::oversampling::{
    Candidate, GenerateRequest, MethodError, MethodInfo, Model, ParamInfo, ParamMap, ParamsError,
    device_lost, slot_key,
};

/// Slots made at a time.
const BATCH: usize = 64;
/// The parameter every generator has.
const THRESHOLD: &str = "judge-threshold";
/// Why a candidate is rejected whatever the judge says of it.
const EXACT_COPY: &str = "an exact copy of a training image";

/// The model of a generator.
pub(super) struct GeneratorModel {
    pub info: &'static MethodInfo,
    pub table: &'static [ParamInfo],
    pub config: ModelConfig,
    /// Without gradients.
    pub judge: ResNet,
    pub maker: Box<dyn Maker>,
    pub memory: Memory,
    pub device: ComputeDevice,
}

/// Loads a model file of `method` for a training set.
///
/// # Errors
/// A file that is not a model of this method, or was trained on other data: the difference is named.
pub fn load(
    method: &impl Generative,
    path: &Path,
    training: &TrainingSet,
    device: &ComputeDevice,
) -> Result<Box<dyn Model>, MethodError> {
    let (config, weights) = model_file::read(path)?;
    let refused = |reason: String| MethodError::Model { reason, path: path.to_owned() };
    let id = method.info().id;
    model_file::check_method(&config, id, path)?;
    model_file::check_fits(&config, &training.classes, &training.spec, path)?;
    let broken = |what: String| refused(format!("the model file is refused: {what}"));
    let of_judge = config.networks.get("g").ok_or_else(|| broken("it holds no classifier g".to_owned()))?;
    // Start weights are replaced at once; the seed does not matter.
    let plain = device.plain();
    let fresh = of_judge.build(&mut Init::new(0, 0, &plain));
    let judge = parameters::write(fresh, &weights.part("g")).map_err(|error| broken(error.to_string()))?;
    let networks = config.generator.clone().unwrap_or(Value::Null);
    if !fits(&networks, Canvas::around(training)?, training.classes.len()) {
        return Err(broken("its networks are for other images than it says".to_owned()));
    }
    let maker = method.maker(&networks, &weights, &config.params, &plain).map_err(broken)?;
    Ok(Box::new(GeneratorModel {
        info: method.info(),
        table: method.param_table(),
        config,
        judge,
        maker,
        memory: Memory::default(),
        device: device.clone(),
    }))
}

/// True where every network of a file is for this canvas and these classes, or for none; a file may say one thing of its
/// images and another of its networks.
fn fits(networks: &Value, canvas: Canvas, classes: usize) -> bool {
    match networks {
        Value::Object(fields) => fields.iter().all(|(name, value)| match (name.as_str(), value.as_u64()) {
            ("size", Some(size)) => size == canvas.side as u64,
            ("channels", Some(channels)) => channels == canvas.channels as u64,
            ("classes", Some(number)) => number == 0 || number == classes as u64,
            _ => fits(value, canvas, classes),
        }),
        Value::Array(items) => items.iter().all(|item| fits(item, canvas, classes)),
        _ => true,
    }
}

impl GeneratorModel {
    fn weights(&self) -> Weights {
        let config = serde_json::to_value(&self.config).unwrap_or_default();
        let mut weights = Weights { config, tensors: self.maker.tensors() };
        weights.add("g", parameters::read(&self.judge));
        weights
    }

    /// The least confidence that passes; none where the judge knows too little of the class, or nothing is known.
    fn threshold(&self, class: usize, params: &ParamMap) -> Option<f64> {
        let recall = self.config.record.get("g")?.get("recall")?.get(class)?.as_f64()?;
        let wanted = params.get(THRESHOLD)?.as_f64()?;
        (recall >= judge::LEAST_RECALL).then_some(wanted)
    }
}

/// The bytes of a picture, to tell exact copies.
fn bytes(picture: &Picture) -> Vec<u8> {
    match &picture.pixels {
        Pixels::U8(values) => values.clone(),
        Pixels::U16(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }
}

/// Made pictures rounded to the set's bit depth: exactly what would be exported.
pub(super) fn rounded(values: &[f32], set: &TrainingSet) -> Vec<Picture> {
    let (side, channels) = (set.spec.size, set.spec.channels);
    values
        .chunks(set.pixels_per_image().max(1))
        .map(|chw| Picture::from_f32_chw(chw, side, side, channels, set.spec.depth()))
        .collect()
}

impl Model for GeneratorModel {
    fn info(&self) -> &'static MethodInfo {
        self.info
    }

    fn hash(&self) -> String {
        self.weights().hash()
    }

    fn save(&self, path: &Path) -> Result<(), MethodError> {
        model_file::write(path, &self.weights())
    }

    fn summary(&self) -> Value {
        json!({
            "method": self.config.method,
            "params": self.config.params,
            "classes": self.config.classes,
            "counts": self.config.counts,
            "seed": self.config.seed,
            "record": self.config.record,
        })
    }

    fn in_force(&self, given: &ParamMap) -> Result<ParamMap, ParamsError> {
        in_force(self.table, &self.config.params, given)
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

    fn generate(
        &self,
        ctx: &Ctx,
        request: &GenerateRequest<'_>,
        receive: &mut dyn FnMut(Candidate) -> Result<(), MethodError>,
    ) -> Result<(), MethodError> {
        ctx.check()?;
        let (set, class) = (request.training, request.class);
        if request.slots.is_empty() {
            return Ok(());
        }
        let params = self.in_force(request.params)?;
        let name = set.classes.get(class).cloned().unwrap_or_default();
        let threshold = self.threshold(class, &params);
        let first = request.attempt == 0 && request.slots.first() == Some(&0);
        if first && threshold.is_none() {
            ctx.note(
                Level::Warning,
                format!(
                    "g recognises fewer than half of the images of {name}, so its confidence decides nothing there: \
                     every candidate that is no copy passes. Look at them yourself"
                ),
            );
        }
        let real: HashSet<Vec<u8>> =
            set.of_class(class).into_iter().map(|position| bytes(&set.picture(position))).collect();
        let last = self.config.record.get("last");
        let diversity = last.and_then(|last| last.get(format!("diversity · {name}"))).cloned();
        let canvas = Canvas::around(set)?;
        let (device, seed, memory, judge) = (&self.device, request.seed, &self.memory, &self.judge);
        let scene = Scene { set, canvas, device, seed, memory, judge, params: &params };
        let source = self.maker.of_class(ctx, &scene, class)?;
        if let Some(remark) = source.remark().filter(|_| first) {
            ctx.note(Level::Warning, format!("{name}: {remark}"));
        }
        for slots in request.slots.chunks(BATCH) {
            ctx.check()?;
            let keys: Vec<u64> = slots.iter().map(|&slot| slot_key(slot, request.attempt)).collect();
            let Made { images, origins, scores, extra } = source.make(&keys)?;
            let pictures = rounded(&images, set);
            let values: Vec<f32> = pictures.iter().flat_map(Picture::to_f32).collect();
            let side = set.spec.size as usize;
            let shape = [pictures.len(), canvas.channels, side, side];
            let says = probabilities(&self.judge, &Images { shape, values }, &self.device.plain());
            if pictures.len() != slots.len() || says.len() != slots.len() {
                return Err(device_lost());
            }
            let made = pictures.into_iter().zip(says).zip(extra).zip(slots).enumerate();
            for (index, (((picture, says), mut extra), &slot)) in made {
                let copy = real.contains(&bytes(&picture));
                let parts = Parts {
                    p_accept: None,
                    draw: None,
                    confidence: says.get(class).map(|&p| f64::from(p)),
                    threshold,
                };
                let verdict = if copy { Verdict::RejectedOther } else { Verdict::of(&parts) };
                if let Value::Object(extra) = &mut extra {
                    extra.insert("judge_says".to_owned(), json!(set.classes[argmax(&says)]));
                    extra.insert("exact_copy".to_owned(), json!(copy));
                    if copy {
                        extra.insert("reason".to_owned(), json!(EXACT_COPY));
                    }
                    if let Some(diversity) = &diversity {
                        extra.insert("diversity".to_owned(), diversity.clone());
                    }
                }
                receive(Candidate {
                    class,
                    slot,
                    attempt: request.attempt,
                    kind: self.info().makes,
                    picture,
                    seed_image: origins.get(index).copied().flatten(),
                    parts,
                    verdict,
                    own_score: scores
                        .as_ref()
                        .and_then(|(name, of)| Some(((*name).to_owned(), *of.get(index)?))),
                    extra,
                })?;
            }
        }
        Ok(())
    }
}

/// The configuration of a model file.
pub(super) fn config(
    info: &'static MethodInfo,
    set: &TrainingSet,
    seed: u64,
    params: ParamMap,
    judge: crate::nn::resnet::ResNetConfig,
    generator: Value,
    record: Value,
) -> ModelConfig {
    ModelConfig {
        version: model_file::VERSION,
        method: info.id.to_owned(),
        spec: set.spec.clone(),
        classes: set.classes.clone(),
        counts: set.counts(),
        seed,
        params,
        networks: BTreeMap::from([("g".to_owned(), judge)]),
        generator: Some(generator),
        record,
    }
}
