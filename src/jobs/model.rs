//! What a model file says of itself and whether it fits a data set, before anything is made with it.

use std::path::{Path, PathBuf};

use super::JobError;
use super::train::{find, method_error};
use crate::domain::samples::Dataset;
use crate::imaging::training_set::Spec;
use crate::oversampling::{ParamMap, model_file};

/// A model file that fits.
#[derive(Clone, Debug)]
pub struct ModelFacts {
    pub path: PathBuf,
    /// Method id.
    pub method: String,
    pub method_name: &'static str,
    pub spec: Spec,
    /// Training images per class when it was trained, in class order.
    pub counts: Vec<usize>,
    pub seed: u64,
    pub params: ParamMap,
    /// Names of its networks.
    pub networks: Vec<String>,
    /// What to know where it was trained on other numbers of images, a phrase.
    pub warning: Option<String>,
}

/// Reads a model file and compares it with the data set it would be used on.
///
/// # Errors
/// A file that is no model, or one for other classes, channels or size: the difference is named.
pub fn look(path: &Path, dataset: &Dataset, spec: &Spec) -> Result<ModelFacts, JobError> {
    let (config, _) = model_file::read(path).map_err(method_error)?;
    let method = find(&config.method)?;
    model_file::check_fits(&config, &dataset.classes, spec, path).map_err(method_error)?;
    let of_generator = config.generator.as_ref().and_then(|of| of.as_object());
    let mut networks: Vec<String> = config.networks.into_keys().collect();
    networks.extend(
        of_generator.into_iter().flatten().filter(|(_, of)| of.is_object()).map(|(name, _)| name.clone()),
    );
    Ok(ModelFacts {
        path: path.to_path_buf(),
        warning: model_file::other_counts(&config.counts, &dataset.training_counts()),
        method_name: method.info().name,
        method: config.method,
        spec: config.spec,
        counts: config.counts,
        seed: config.seed,
        params: config.params,
        networks,
    })
}
