//! The feature map of the Evaluate workspace: what is to be drawn, what was drawn, and what of it is shown.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Face;
use crate::domain::classes::ClassId;
use crate::domain::samples::Dataset;
use crate::domain::splits::Split;
use crate::domain::task::Level;
use crate::evaluation::projection::{Caption, Mark, Origin, Projector};
use crate::jobs::projection::{FeatureProjection, PER_CLASS, Shown};
use crate::jobs::store::place_of;
use crate::project::{CandidateRow, RunId};

/// The image of a point.
#[derive(Clone, Debug, PartialEq)]
pub enum MapImage {
    /// A file, by its path in the source folder.
    File(String),
    /// A candidate as it was when the map was drawn; see [`FeatureMap::now`].
    Candidate(CandidateRow),
}

/// A point of the map.
#[derive(Clone, Debug, PartialEq)]
pub struct MapPoint {
    /// To the right and upwards, without a unit.
    pub at: [f64; 2],
    /// Index into [`FeatureMap::classes`].
    pub class: ClassId,
    pub origin: Origin,
    pub image: MapImage,
}

/// A map as it was drawn. It names its images by itself, so that it stays true when the data are edited.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureMap {
    /// Class by class and in the order of origins.
    pub points: Vec<MapPoint>,
    pub classes: Vec<String>,
    pub caption: Caption,
    /// The method whose classifier g it is, by its id, and the model file.
    pub method: String,
    pub model: PathBuf,
    /// The run whose candidates are drawn; `None` where there were none.
    pub run: Option<RunId>,
    /// Candidates that this window does not know; they are left out.
    pub unknown: usize,
    /// [`FeaturesForm::edits`] of the data that it was drawn from.
    pub edits: u64,
    /// What the job had to say.
    pub notes: Vec<(Level, String)>,
}

impl FeatureMap {
    /// A map of what a job drew of this data set and these candidates, of data that nobody changed, the notes left
    /// empty.
    pub fn of(
        drawn: &FeatureProjection,
        dataset: &Dataset,
        candidates: &[CandidateRow],
        method: &str,
        model: &Path,
    ) -> Self {
        let image = |row: usize| match drawn.images.get(row)? {
            Shown::Sample(index) => {
                dataset.samples.get(*index).map(|sample| MapImage::File(sample.path.clone()))
            }
            Shown::Candidate(id) => {
                candidates.get(place_of(candidates, *id)?).cloned().map(MapImage::Candidate)
            }
        };
        let all = &drawn.projection.points;
        let points: Vec<MapPoint> = all
            .iter()
            .filter_map(|point| {
                let image = image(point.row)?;
                Some(MapPoint { at: point.at, class: point.class, origin: point.origin, image })
            })
            .collect();
        FeatureMap {
            unknown: all.len() - points.len(),
            edits: 0,
            points,
            classes: dataset.classes.clone(),
            caption: drawn.projection.caption,
            method: method.to_owned(),
            model: model.to_path_buf(),
            run: candidates.first().map(|row| row.run),
            notes: Vec::new(),
        }
    }

    /// The name of a point's class.
    pub fn class(&self, point: &MapPoint) -> &str {
        self.classes.get(point.class).map_or("", String::as_str)
    }

    /// The sign of each point, with what is decided by now.
    pub fn marks(&self, candidates: &[CandidateRow]) -> Vec<Mark> {
        let mark = |point: &MapPoint| match (&point.image, point.origin) {
            (MapImage::Candidate(row), _) => Mark::of(Self::now(row, candidates).decision),
            (MapImage::File(_), Origin::HeldOut) => Mark::HeldOut,
            (MapImage::File(_), _) => Mark::Real,
        };
        self.points.iter().map(mark).collect()
    }

    /// A candidate as the project has it now; as it was drawn where the project shows another run.
    pub fn now<'a>(row: &'a CandidateRow, candidates: &'a [CandidateRow]) -> &'a CandidateRow {
        place_of(candidates, row.id).and_then(|place| candidates.get(place)).unwrap_or(row)
    }
}

/// Where the keyboard goes among the points that are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Previous,
    Next,
    /// To the first point of the class and origin before; within one, to its own first point.
    PreviousGroup,
    NextGroup,
    First,
    Last,
}

/// What is to be drawn, the map, and what of it is shown.
#[derive(Clone, Debug)]
pub struct FeaturesForm {
    /// With the seed of the settings, whatever its own is.
    pub projector: Projector,
    /// The part that is drawn beside.
    pub held_out: Option<Split>,
    /// Images of each class and origin at most.
    pub per_class: usize,
    /// The last one that was drawn.
    pub map: Option<Arc<FeatureMap>>,
    /// Counts the maps of this window: each is looked at afresh.
    pub number: u64,
    /// Counts how often the data of this project were changed.
    pub edits: u64,
    pub hidden_classes: BTreeSet<ClassId>,
    pub hidden_marks: BTreeSet<Mark>,
    /// The point whose image is shown, by its place in the map.
    pub chosen: Option<usize>,
    /// Where the map is saved, as typed.
    pub file: String,
    pub saved: Face<PathBuf>,
}

impl Default for FeaturesForm {
    fn default() -> Self {
        FeaturesForm {
            projector: Projector::Pca,
            held_out: None,
            per_class: PER_CLASS,
            map: None,
            number: 0,
            edits: 0,
            hidden_classes: BTreeSet::new(),
            hidden_marks: BTreeSet::new(),
            chosen: None,
            file: String::new(),
            saved: Face::Empty,
        }
    }
}

impl FeaturesForm {
    /// Shows a map that was drawn. What is hidden stays hidden while the classes are the same.
    pub fn take(&mut self, map: FeatureMap) {
        if self.map.as_ref().is_none_or(|old| old.classes != map.classes) {
            self.hidden_classes.clear();
        }
        self.chosen = None;
        self.saved = Face::Empty;
        self.number += 1;
        self.map = Some(Arc::new(map));
    }

    /// Goes from the chosen point to another of those `shown`, which are places in the map in their order; stays
    /// where there is none. Without a chosen point the ends are beside it.
    pub fn go(&mut self, step: Step, shown: &[usize]) {
        let Some(map) = &self.map else { return };
        let group = |place: usize| map.points.get(place).map(|point| (point.class, point.origin));
        let is_start = |(index, place): &(usize, &usize)| {
            *index == 0 || shown.get(*index - 1).is_some_and(|before| group(*before) != group(**place))
        };
        let starts = || shown.iter().enumerate().filter(is_start).map(|(_, place)| *place);
        let after = |place: &usize| self.chosen.is_none_or(|chosen| *place > chosen);
        let before = |place: &usize| self.chosen.is_none_or(|chosen| *place < chosen);
        let found = match step {
            Step::Next => shown.iter().copied().find(after),
            Step::Previous => shown.iter().copied().rev().find(before),
            Step::NextGroup => starts().find(after),
            Step::PreviousGroup => starts().rev().find(before),
            Step::First => shown.first().copied(),
            Step::Last => shown.last().copied(),
        };
        self.chosen = found.or(self.chosen);
    }
}
