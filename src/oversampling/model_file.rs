//! Model files: safetensors with the whole configuration inside, written atomically and read with distrust.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{MethodError, ParamMap};
use crate::imaging::files::write_atomic;
use crate::imaging::training_set::Spec;
use crate::nn::resnet::ResNetConfig;
use crate::nn::weights::{MAX_BYTES, Weights};

/// Version of [`ModelConfig`]; a newer file is refused.
pub const VERSION: u32 = 1;
/// Field of the record of a training that was stopped and kept before its end: where that was, a phrase.
pub const STOPPED: &str = "stopped";

/// Name in the record of the map from each parameter to the source of its default. Files from before have none.
pub const SOURCES: &str = "sources";

/// What a model file says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    pub version: u32,
    /// The method's id.
    pub method: String,
    pub spec: Spec,
    pub classes: Vec<String>,
    /// Training images per class when it was trained.
    pub counts: Vec<usize>,
    pub seed: u64,
    /// Every parameter, defaults included.
    pub params: ParamMap,
    /// Each classifier by name, for example `g` and `f`.
    pub networks: BTreeMap<String, ResNetConfig>,
    /// The networks of a generator, in the words of its method, which checks them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator: Option<Value>,
    /// What the training showed: epochs, losses, recalls; and where the defaults come from ([`SOURCES`]).
    pub record: Value,
}

impl ModelConfig {
    /// Where the training was stopped and kept; `None` for one that reached its end.
    pub fn stopped(&self) -> Option<&str> {
        self.record.get(STOPPED)?.as_str()
    }
}

/// A figure of a record with seven digits: short enough that its text reads back as the same number, and so the same
/// hash.
pub fn short(value: f64) -> f64 {
    format!("{value:.6e}").parse().unwrap_or(value)
}

fn refused(reason: impl Into<String>, path: &Path) -> MethodError {
    MethodError::Model { reason: reason.into(), path: path.to_owned() }
}

/// Reads weights and their raw configuration; the file's size is checked first.
///
/// # Errors
/// Anything that is not a complete file of ours.
pub fn read_weights(path: &Path) -> Result<Weights, MethodError> {
    let size = fs::metadata(path).map_err(|error| refused(disk(&error), path))?.len();
    if size > MAX_BYTES {
        return Err(refused("this file is larger than any model of counterpoise (1 GiB)", path));
    }
    let bytes = fs::read(path).map_err(|error| refused(disk(&error), path))?;
    Weights::from_bytes(&bytes).map_err(|error| refused(format!("the model file is refused: {error}"), path))
}

/// Reads a model file and checks its configuration.
///
/// # Errors
/// A file that is not a model, a newer version, or a network that could not exist.
pub fn read(path: &Path) -> Result<(ModelConfig, Weights), MethodError> {
    let weights = read_weights(path)?;
    let version = weights.config.get("version").and_then(Value::as_u64).unwrap_or(0);
    if version > u64::from(VERSION) {
        return Err(refused("the model was written by a newer counterpoise; update the program", path));
    }
    let config: ModelConfig = serde_json::from_value(weights.config.clone()).map_err(|error| {
        refused(format!("the model file is refused: its configuration is not one ({error})"), path)
    })?;
    let classes = config.classes.len();
    let sane = config.networks.values().all(|n| n.is_sane() && n.classes == classes)
        && config.counts.len() == classes
        && (1..=4096).contains(&config.spec.size);
    if !sane {
        return Err(refused("the model file is refused: it describes a network that cannot exist", path));
    }
    Ok((config, weights))
}

/// Writes a model file.
///
/// # Errors
/// Weights that are not finite, or the disk's error.
pub fn write(path: &Path, weights: &Weights) -> Result<(), MethodError> {
    let bytes = weights.to_bytes().map_err(|error| MethodError::Training(error.to_string()))?;
    write_atomic(path, &bytes).map_err(|error| {
        MethodError::Resource(format!("the model could not be written ({error}): {}", path.display()))
    })
}

/// Refuses a model of another method than `id`, naming its own.
///
/// # Errors
/// A model of another method.
pub fn check_method(config: &ModelConfig, id: &str, path: &Path) -> Result<(), MethodError> {
    if config.method == id {
        return Ok(());
    }
    let reason = format!("this is a model of {0}, not of {id}: choose {0} as the method", config.method);
    Err(refused(reason, path))
}

/// Refuses a model for other data, naming the difference.
///
/// # Errors
/// Other classes, channels or size.
pub fn check_fits(
    config: &ModelConfig,
    classes: &[String],
    ours: &Spec,
    path: &Path,
) -> Result<(), MethodError> {
    let theirs = &config.spec;
    let difference = if config.classes != classes {
        Some(format!(
            "the model knows the classes {}, this data set has {}",
            config.classes.join(", "),
            classes.join(", ")
        ))
    } else if theirs.channels != ours.channels {
        let word = |channels| if channels == 1 { "grey" } else { "colour" };
        Some(format!("the model is for {} images, these are {}", word(theirs.channels), word(ours.channels)))
    } else if theirs.size != ours.size {
        Some(format!(
            "the model is for images of {} pixels, this project trains at {}; choose size {}",
            theirs.size, ours.size, theirs.size
        ))
    } else {
        None
    };
    match difference {
        Some(difference) => Err(refused(format!("the model does not fit: {difference}"), path)),
        None => Ok(()),
    }
}

/// What a person should know where a model was trained on other numbers of images than the training part has now, a
/// phrase without a full stop; `None` where they are the same. Both are images per class, in class order.
pub fn other_counts(trained: &[usize], now: &[usize]) -> Option<String> {
    if trained == now {
        return None;
    }
    let list = |counts: &[usize]| counts.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let words = format!(
        "the model was trained on {} images per class, while the training part has {} now",
        list(trained),
        list(now)
    );
    Some(if trained.iter().zip(now).any(|(had, have)| had > have) {
        format!(
            "{words}; where images were held out since, it has seen them, and what is tested on them looks too \
             good: train it anew"
        )
    } else {
        format!("{words}; train it anew to use them all")
    })
}

fn disk(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such model file".to_owned(),
        _ => format!("the model file cannot be read ({error})"),
    }
}
