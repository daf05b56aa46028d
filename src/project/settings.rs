//! The choices of a project: what to make, how, and where it runs. Plain data, stored as JSON.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::is_inside;
use crate::domain::plan::{Rejected, Target};
use crate::domain::splits::Shares;
use crate::imaging::resize::Fit;

/// Everything a person chooses in a project. Missing fields of an older file take their defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub target: Target,
    pub rejected: Rejected,
    /// Method id.
    pub method: String,
    /// The method's parameters by kebab-case name; what is missing has its default.
    pub params: serde_json::Map<String, serde_json::Value>,
    /// Training size in pixels; `None` follows the data.
    pub size: Option<u32>,
    pub fit: Fit,
    /// Parts to cut off; `None` leaves the folder's own splits.
    pub shares: Option<Shares>,
    pub seed: u64,
    /// `small` or `resnet32`; `None` follows the device.
    pub network: Option<String>,
    /// Epochs in each training stage; `None` follows the method.
    pub epochs: Option<u32>,
    /// auto, gpu, cpu or software.
    pub device: String,
    /// The model in use: relative to the project folder with `/` where it lies inside, else absolute. Read it
    /// with [`Settings::model_path`].
    pub model: Option<String>,
    /// A weights file of MobileNet v1 1.0 224, absolute, on whose features made images are measured as well. Read it
    /// with [`Settings::features_path`].
    pub features: Option<String>,
}

impl Settings {
    /// Remembers the model in use; a path that is not Unicode is not remembered.
    pub fn keep_model(&mut self, project: &Path, model: &Path) {
        self.model = match model.strip_prefix(project) {
            Ok(inside) => {
                let parts: Option<Vec<&str>> = inside.iter().map(|part| part.to_str()).collect();
                parts.map(|parts| parts.join("/"))
            }
            Err(_) => std::path::absolute(model).ok().and_then(|path| path.to_str().map(str::to_owned)),
        };
    }

    /// Where the remembered model should be. The store is an untrusted file: what lies outside of the project
    /// is only taken where it is named like a model.
    pub fn model_path(&self, project: &Path) -> Option<PathBuf> {
        let text = self.model.as_deref()?;
        if is_inside(text) {
            return Some(project.join(text));
        }
        let path = PathBuf::from(text);
        let is_model = path.extension().is_some_and(|extension| extension == "safetensors");
        (path.is_absolute() && is_model).then_some(path)
    }

    /// Remembers the weights file that made images are measured with as well; a path that is not Unicode is not
    /// remembered.
    pub fn keep_features(&mut self, file: &Path) {
        self.features = std::path::absolute(file).ok().and_then(|path| path.to_str().map(str::to_owned));
    }

    /// Where the remembered weights file should be; as [`Settings::model_path`], taken only where it is named like one.
    pub fn features_path(&self) -> Option<PathBuf> {
        let text = self.features.as_deref()?;
        let is_weights = [".safetensors", ".safetensors.gz"].iter().any(|end| text.ends_with(end));
        let path = PathBuf::from(text);
        (path.is_absolute() && is_weights).then_some(path)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            target: Target::default(),
            rejected: Rejected::default(),
            method: "m2m".to_owned(),
            params: serde_json::Map::new(),
            size: None,
            fit: Fit::default(),
            shares: None,
            seed: 0,
            network: None,
            epochs: None,
            device: "auto".to_owned(),
            model: None,
            features: None,
        }
    }
}
