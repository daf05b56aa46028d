//! Weights as safetensors bytes with the whole configuration in the metadata. Loading runs no code.
//!
//! Knows bytes, not files. A file from elsewhere is hostile until checked: sizes, types and names are verified
//! before a network takes anything.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors, TensorView};
use sha2::{Digest, Sha256};

use super::parameters::{HostTensor, TensorMap};

/// Largest weights file read, in bytes.
pub const MAX_BYTES: u64 = 1 << 30;

/// The metadata entry that holds the configuration.
const KEY: &str = "counterpoise";

/// Tensors by name and a configuration in JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    pub config: serde_json::Value,
    pub tensors: TensorMap,
}

/// Why bytes are not weights of ours.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    #[error("this is not a complete safetensors file ({0})")]
    Format(String),
    #[error("this safetensors file was not written by counterpoise: it holds no configuration of ours")]
    Foreign,
    #[error("the configuration inside cannot be read ({0})")]
    Config(String),
    #[error("the tensor \"{0}\" is not 32-bit float")]
    Type(String),
    #[error("the tensor \"{0}\" holds values that are not numbers")]
    NotFinite(String),
}

impl From<SafeTensorError> for WeightsError {
    fn from(error: SafeTensorError) -> Self {
        WeightsError::Format(error.to_string())
    }
}

impl Weights {
    /// The bytes of a safetensors file; the same weights give the same bytes.
    ///
    /// # Errors
    /// A value that is not a number: such weights are never saved.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WeightsError> {
        if let Some((name, _)) = self.tensors.iter().find(|(_, tensor)| !tensor.is_finite()) {
            return Err(WeightsError::NotFinite(name.clone()));
        }
        let raw: Vec<(&String, &HostTensor, Vec<u8>)> = self
            .tensors
            .iter()
            .map(|(name, t)| (name, t, t.values.iter().flat_map(|v| v.to_le_bytes()).collect()))
            .collect();
        let mut views = Vec::with_capacity(raw.len());
        for (name, tensor, bytes) in &raw {
            views.push((name.as_str(), TensorView::new(Dtype::F32, tensor.shape.clone(), bytes)?));
        }
        let metadata = HashMap::from([(KEY.to_owned(), self.config.to_string())]);
        Ok(safetensors::serialize(views, Some(metadata))?)
    }

    /// Reads and checks.
    ///
    /// # Errors
    /// Anything that is not a complete file of ours with finite 32-bit floats.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WeightsError> {
        let (_, metadata) = SafeTensors::read_metadata(bytes)?;
        let config = metadata.metadata().as_ref().and_then(|m| m.get(KEY)).ok_or(WeightsError::Foreign)?;
        let config = read_exactly(config).map_err(|error| WeightsError::Config(error.to_string()))?;
        Ok(Weights { config, tensors: read_tensors(bytes)? })
    }

    /// SHA-256 over the tensors sorted by name and the configuration, in hex: the model's hash, whatever the
    /// file around it looks like.
    pub fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        for (name, tensor) in &self.tensors {
            hasher.update(name.as_bytes());
            for side in &tensor.shape {
                hasher.update((*side as u64).to_le_bytes());
            }
            for value in &tensor.values {
                hasher.update(value.to_le_bytes());
            }
        }
        hasher.update(canonical(&self.config).as_bytes());
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The tensors whose names begin with `prefix.`, without it.
    pub fn part(&self, prefix: &str) -> TensorMap {
        let prefix = format!("{prefix}.");
        self.tensors
            .iter()
            .filter_map(|(name, tensor)| Some((name.strip_prefix(&prefix)?.to_owned(), tensor.clone())))
            .collect()
    }

    /// Adds tensors under `prefix.`.
    pub fn add(&mut self, prefix: &str, tensors: TensorMap) {
        self.tensors.extend(tensors.into_iter().map(|(name, tensor)| (format!("{prefix}.{name}"), tensor)));
    }
}

/// The tensors of a safetensors file, whoever wrote it; its metadata say nothing here.
///
/// # Errors
/// Anything that is not a complete file of finite 32-bit floats.
pub fn read_tensors(bytes: &[u8]) -> Result<TensorMap, WeightsError> {
    let mut tensors = TensorMap::new();
    for (name, view) in SafeTensors::deserialize(bytes)?.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(WeightsError::Type(name));
        }
        let values: Vec<f32> =
            view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let tensor = HostTensor { shape: view.shape().to_vec(), values };
        if !tensor.is_finite() {
            return Err(WeightsError::NotFinite(name));
        }
        tensors.insert(name, tensor);
    }
    Ok(tensors)
}

/// JSON with every float as it was written. serde_json reads some one step beside (its feature against that would
/// build all of burn anew), and then a model that was saved and read back would have another hash, and what was
/// measured would change a little each time it is read.
///
/// # Errors
/// Text that is no JSON.
pub fn read_exactly(text: &str) -> Result<serde_json::Value, serde_json::Error> {
    // Floats go through as strings behind a character that no name of a file, class or treatment can hold.
    let mut marked = String::with_capacity(text.len() + text.len() / 8);
    let (mut rest, mut in_string) = (text, false);
    while let Some(next) = rest.chars().next() {
        let end = if in_string {
            let end = if next == '\\' { 2 } else { 1 };
            in_string = next != '"';
            rest.char_indices().nth(end).map_or(rest.len(), |(at, _)| at)
        } else if next == '-' || next.is_ascii_digit() {
            let is_number = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
            rest.find(|c| !is_number(c)).unwrap_or(rest.len())
        } else {
            in_string = next == '"';
            next.len_utf8()
        };
        let (token, after) = rest.split_at(end);
        if !in_string && token.contains(['.', 'e', 'E']) && token.parse::<f64>().is_ok() {
            marked.push_str("\"\\u0000");
            marked.push_str(token);
            marked.push('"');
        } else {
            marked.push_str(token);
        }
        rest = after;
    }
    let mut value = serde_json::from_str(&marked)?;
    unmark(&mut value);
    Ok(value)
}

/// Marked strings back to floats.
fn unmark(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => {
            let float = text.strip_prefix('\0').and_then(|text| text.parse::<f64>().ok());
            if let Some(number) = float.and_then(serde_json::Number::from_f64) {
                *value = serde_json::Value::Number(number);
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(unmark),
        serde_json::Value::Object(map) => map.values_mut().for_each(unmark),
        _ => {}
    }
}

/// JSON with sorted keys, so that equal configurations have equal text.
fn canonical(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Object(map) => {
            let sorted: std::collections::BTreeMap<&String, String> =
                map.iter().map(|(key, value)| (key, canonical(value))).collect();
            let fields: Vec<String> = sorted.iter().map(|(key, value)| format!("{key:?}:{value}")).collect();
            format!("{{{}}}", fields.join(","))
        }
        serde_json::Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}
