//! A project of a small data set, and the requests of the jobs that train a method on it and make images with it.
#![allow(dead_code, clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use counterpoise::domain::plan::{Plan, Rejected, Target};
use counterpoise::domain::samples::Dataset;
use counterpoise::imaging::resize::Fit;
use counterpoise::imaging::training_set::Spec;
use counterpoise::jobs::generate::GenerateRequest;
use counterpoise::jobs::train::{TrainRequest, checkpoint_of};
use counterpoise::jobs::training_data::TrainingData;
use counterpoise::oversampling::ParamMap;
use counterpoise::project::Project;
use serde_json::{Value, json};

/// What the jobs of a balancing share: images at a side of 16, seed 2, the processor.
pub struct Balance {
    pub dir: PathBuf,
    pub project: Project,
    pub data: Arc<TrainingData>,
    /// File of the trained method.
    pub model: PathBuf,
    /// All classes as large as the largest.
    plan: Plan,
    method: &'static str,
    params: ParamMap,
}

impl Balance {
    /// M2m on a small network, trained and translated as shortly as can be.
    pub fn m2m(place: &Path, dataset: Dataset) -> Self {
        let params = [
            ("network", json!("small")),
            ("epochs", json!(2)),
            ("learning-rate", json!(0.01)),
            ("steps", json!(2)),
        ];
        Balance::new(place, dataset, "m2m", &params)
    }

    /// SMOTE of pixels, whose judge is trained for so many epochs.
    pub fn smote(place: &Path, dataset: Dataset, epochs: u32) -> Self {
        let params = [("space", json!("pixels")), ("epochs", json!(epochs))];
        Balance::new(place, dataset, "smote", &params)
    }

    /// ADASYN of pixels, on lines to the nearest image or the next one; its judge is hardly trained.
    pub fn adasyn(place: &Path, dataset: Dataset) -> Self {
        let params = [("space", json!("pixels")), ("epochs", json!(2)), ("neighbours", json!(2))];
        Balance::new(place, dataset, "adasyn", &params)
    }

    fn new(place: &Path, dataset: Dataset, method: &'static str, params: &[(&str, Value)]) -> Self {
        let dir = place.join("project");
        let mut project = Project::create(&dir, "pets").unwrap();
        project.set_dataset(&dataset).unwrap();
        let plan = Plan::new(&dataset.classes, &dataset.training_counts(), &Target::Max, None).unwrap();
        let spec = Spec::of(&dataset, Some(16), Fit::Pad);
        Balance {
            dir,
            project,
            data: Arc::new(TrainingData::new(dataset, spec)),
            model: place.join(format!("{method}.safetensors")),
            plan,
            method,
            params: params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        }
    }

    pub fn training(&self) -> TrainRequest {
        TrainRequest {
            data: self.data.clone(),
            method: self.method.to_owned(),
            params: self.params.clone(),
            device: "cpu".to_owned(),
            seed: 2,
            checkpoint: checkpoint_of(&self.model),
            model: self.model.clone(),
        }
    }

    pub fn making(&self) -> GenerateRequest {
        GenerateRequest {
            data: self.data.clone(),
            plan: self.plan.clone(),
            rejected: Rejected::Repeat,
            method: self.method.to_owned(),
            params: self.params.clone(),
            model: Some(self.model.clone()),
            features: None,
            device: "cpu".to_owned(),
            seed: 2,
        }
    }
}
