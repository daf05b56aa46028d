//! Maps of what classifiers look at: listing the test images of a comparison, and asking its classifiers.

use std::path::PathBuf;
use std::sync::Arc;

use super::{App, Done};
use crate::domain::task::Level;
use crate::evaluation::saliency::side_by_side::Question;
use crate::gui::state::{Face, JobKind, Pane};
use crate::gui::views::evaluate::why_no_maps;
use crate::gui::views::welcome::typed_path;
use crate::gui::widgets::status_bar::counted;
use crate::jobs::JobError;
use crate::jobs::comparisons::Report;
use crate::jobs::evaluate::Classifiers;
use crate::jobs::saliency::{self, Maps, MapsRequest, TestImages};
use crate::project::RunId;

impl App {
    /// The comparison that is shown, with its kept classifiers where they lie now.
    fn classifiers(&self) -> Option<(RunId, Arc<Report>, Classifiers)> {
        let project = self.state.project.as_ref()?;
        let (kept, report) = self.state.evaluate.shown(project)?;
        let classifiers = report.classifiers.clone().filter(Classifiers::can_be_asked)?.at(&project.dir);
        Some((kept.run, Arc::clone(report), classifiers))
    }

    pub(super) fn list_test_images(&mut self) {
        let Some((run, report, classifiers)) = self.classifiers() else { return };
        // Maps of another comparison are nobody's any more.
        self.drop_job(JobKind::Looks);
        let looks = &mut self.state.evaluate.looks;
        *looks = looks.anew(run, &report);
        self.start_of_project("list test images", Done::TestImages, move |_| {
            Ok((run, saliency::test_images(&classifiers)?))
        });
    }

    pub(super) fn test_images_listed(&mut self, result: Result<(RunId, TestImages), JobError>) {
        let looks = &mut self.state.evaluate.looks;
        match result {
            Ok((run, _)) if looks.of != Some(run) => {}
            Ok((_, images)) => {
                looks.chosen = images.sample(1).into_iter().collect();
                looks.images = Face::Full(Arc::new(images));
            }
            Err(error) if looks.images == Face::Loading => looks.images = Face::Failed(error.to_string()),
            Err(_) => {}
        }
    }

    pub(super) fn show_maps(&mut self) {
        if why_no_maps(&self.state).is_some() {
            return;
        }
        let Some((run, _, classifiers)) = self.classifiers() else { return };
        let Some(project) = &self.state.project else { return };
        let looks = &self.state.evaluate.looks;
        // As on the command line, so that both make the same maps.
        let question = Question { seed: classifiers.seed, ..looks.question };
        let request = MapsRequest {
            root: project.dataset.root.clone(),
            classifiers,
            treatments: looks.treatments.iter().cloned().collect(),
            images: looks.chosen.iter().copied().collect(),
            question,
            device: project.settings.device.clone(),
        };
        // Maps that are shown stay until there are others; why there were none is of no use any more.
        let maps = &mut self.state.evaluate.looks.maps;
        if maps.full().is_none() {
            *maps = Face::Empty;
        }
        self.start(Some(JobKind::Looks), "maps", Done::Maps, move |ctx| {
            Ok((run, Box::new(saliency::maps(ctx, &request)?)))
        });
    }

    /// Writes the maps that are shown into a new folder.
    pub(super) fn save_maps(&mut self, folder: PathBuf) {
        let looks = &self.state.evaluate.looks;
        let (Some(project), Some(maps)) = (&self.state.project, looks.maps.full().cloned()) else { return };
        let sources = [project.dataset.root.clone()];
        let folder = typed_path(&folder.to_string_lossy());
        self.state.evaluate.looks.saved = Face::Loading;
        self.start(Some(JobKind::SaveMaps), "save maps", Done::MapsSaved, move |ctx| {
            maps.save(ctx, &folder, &sources)
        });
    }

    pub(super) fn maps_saved(&mut self, result: Result<PathBuf, JobError>) {
        self.state.evaluate.looks.saved = match result {
            Ok(folder) => {
                self.say(Level::Info, format!("The maps are saved: {}", folder.display()));
                Face::Full(folder)
            }
            Err(JobError::Cancelled) => Face::Empty,
            Err(error) => Face::Failed(error.to_string()),
        };
    }

    pub(super) fn maps_made(&mut self, result: Result<(RunId, Box<Maps>), JobError>) {
        let looks = &mut self.state.evaluate.looks;
        match result {
            Ok((run, _)) if looks.of != Some(run) => {}
            Ok((_, maps)) => {
                looks.number += 1;
                looks.saved = Face::Empty;
                let images = counted(maps.rows.len(), "image", "images");
                looks.maps = Face::Full(Arc::new(*maps));
                if !self.is_seen(Pane::Looks) {
                    let words = format!("The maps of {images} are made: see Where it looks in Evaluate.");
                    self.say(Level::Info, words);
                }
            }
            Err(JobError::Cancelled) => {}
            Err(error) => {
                looks.maps = Face::Failed(error.to_string());
                self.failed_in(Pane::Looks, "The maps could not be made", &error);
            }
        }
    }
}
