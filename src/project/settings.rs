//! The choices of a project: what to make, how, and where it runs. Plain data, stored as JSON.

use serde::{Deserialize, Serialize};

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
        }
    }
}
