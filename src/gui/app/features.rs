//! Drawing the feature map, and taking it in.

use std::path::PathBuf;

use super::{App, Done, training_data};
use crate::domain::task::Level;
use crate::evaluation::projection::Projector;
use crate::evaluation::projection::tsne::Settings as TsneSettings;
use crate::gui::state::{Face, FeatureMap, JobKind, Pane, Workspace};
use crate::gui::views::evaluate::cloud;
use crate::gui::views::welcome::typed_path;
use crate::gui::widgets::status_bar::counted;
use crate::jobs::JobError;
use crate::jobs::projection::{ProjectionRequest, projection, save};

impl App {
    /// Draws what classifier g of the loaded model sees, as the form says, and shows it.
    pub(super) fn draw_features(&mut self) {
        if self.is_making() {
            return;
        }
        let (Some(project), Some(model)) = (&self.state.project, self.state.train.model.full()) else {
            return;
        };
        let (settings, form) = (&project.settings, &self.state.evaluate.features);
        let projector = match form.projector {
            Projector::Pca => Projector::Pca,
            Projector::Tsne(tsne) => Projector::Tsne(TsneSettings { seed: settings.seed, ..tsne }),
        };
        let request = ProjectionRequest {
            data: training_data(project),
            project: project.dir.clone(),
            method: model.method.clone(),
            model: model.path.clone(),
            held_out: form.held_out,
            per_class: form.per_class,
            projector,
            device: settings.device.clone(),
        };
        let (candidates, edits) = (project.candidates.clone(), form.edits);
        self.flush_settings();
        self.state.workspace = Workspace::Evaluate;
        self.state.evaluate.pane = Pane::Features;
        self.start(Some(JobKind::Features), "feature map", Done::Drawn, move |ctx| {
            let drawn = projection(ctx, &request)?;
            let (dataset, method, model) = (request.data.dataset(), &request.method, &request.model);
            let map = FeatureMap::of(&drawn, dataset, &candidates, method, model);
            Ok(Box::new(FeatureMap { edits, ..map }))
        });
    }

    pub(super) fn features_drawn(&mut self, result: Result<Box<FeatureMap>, JobError>) {
        match result {
            Ok(mut map) => {
                let job = self.state.job(JobKind::Features);
                map.notes = job.map(|job| job.notes.clone()).unwrap_or_default();
                let images = counted(map.points.len(), "image", "images");
                if !self.is_seen(Pane::Features) {
                    self.say(Level::Info, format!("The feature map of {images} is drawn."));
                }
                self.state.evaluate.features.take(*map);
            }
            Err(error) => self.failed_in(Pane::Features, "The feature map was not drawn", &error),
        }
    }

    /// Writes the points that are shown to a new file.
    pub(super) fn save_features(&mut self, path: PathBuf) {
        let (Some(project), Some(cloud)) = (&self.state.project, cloud(&self.state)) else { return };
        let sources = [project.dataset.root.clone()];
        let path = typed_path(&path.to_string_lossy());
        self.state.evaluate.features.saved = Face::Loading;
        self.start(Some(JobKind::SaveFeatures), "save feature map", Done::FeaturesSaved, move |_| {
            save(&cloud, &path, &sources)
        });
    }

    pub(super) fn features_saved(&mut self, result: Result<PathBuf, JobError>) {
        self.state.evaluate.features.saved = match result {
            Ok(path) => {
                self.say(Level::Info, format!("The feature map is saved: {}", path.display()));
                Face::Full(path)
            }
            Err(JobError::Cancelled) => Face::Empty,
            Err(error) => Face::Failed(error.to_string()),
        };
    }
}
