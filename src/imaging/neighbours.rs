//! The nearest real training images of a class, and what distance is usual inside it.
//!
//! Exact brute force over pixels in \[0, 1\] at training size, L2. A candidate much closer to a training image
//! than real images are to each other is a copy; M2m's are close to their seed by design, which is of another
//! class.

use rayon::prelude::*;

use super::picture::Picture;
use super::training_set::TrainingSet;

/// One neighbour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// Position in the training set.
    pub position: usize,
    /// L2 over pixels in \[0, 1\].
    pub distance: f64,
}

/// Distances from each real image of a class to the nearest other one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    pub median: f64,
    /// One in a hundred is closer than this.
    pub closest_percent: f64,
    /// Real images that were looked at.
    pub images: usize,
    /// Those of them that are as near to another one as a near copy is: a folder may hold an image twice.
    pub near_copies: usize,
    /// The class has one image, so that this is from other classes: [`Usual::of_others`].
    pub of_others: bool,
}

/// Share of the usual distance under which a made image is called near a copy. Decoded images are smooth, and so nearer
/// to everything than real ones are: on chest images of 28 pixels codes between two images decode to 0.4 to 0.6 of the
/// usual distance, a copy under noise of one in a hundred to less than 0.1.
const NEAR_COPY: f64 = 0.25;

impl Usual {
    /// What stands in for a class of one image: the class in the middle of those with two or more, by their medians, the
    /// lower one of two. `None` where there is no such class.
    pub fn of_others(set: &TrainingSet) -> Option<Self> {
        let classes = 0..set.classes.len();
        let mut found: Vec<Usual> =
            classes.filter_map(|class| ClassNeighbours::new(set, class).usual()).collect();
        found.sort_by(|a, b| a.median.total_cmp(&b.median));
        let middle = found.get(found.len().saturating_sub(1) / 2)?;
        // No image of the class itself was looked at.
        Some(Usual { images: 0, near_copies: 0, of_others: true, ..*middle })
    }

    /// True for a distance to the nearest training image that is a quarter of the usual one, or less.
    pub fn is_near_copy(&self, distance: f64) -> bool {
        distance <= NEAR_COPY * self.median
    }
}

/// How far some images are from the nearest training image of their class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearest {
    pub median: f64,
    /// One in a hundred is closer than this.
    pub closest_percent: f64,
    /// Images that were looked at.
    pub images: usize,
}

impl Nearest {
    /// Of distances, shortest first; `None` for none.
    pub fn of(distances: &[f64]) -> Option<Self> {
        let last = distances.len().checked_sub(1)?;
        let at = |share: f64| distances[(last as f64 * share) as usize];
        Some(Nearest { median: at(0.5), closest_percent: at(0.01), images: distances.len() })
    }
}

impl From<Usual> for Nearest {
    fn from(usual: Usual) -> Self {
        let Usual { median, closest_percent, images, .. } = usual;
        Nearest { median, closest_percent, images }
    }
}

/// The real training images of one class, ready to be searched.
pub struct ClassNeighbours {
    positions: Vec<usize>,
    pixels: usize,
    values: Vec<f32>,
}

/// Images whose nearest training image is looked up for [`Usual`] and [`Nearest`].
const USUAL_SAMPLE: usize = 400;

impl ClassNeighbours {
    pub fn new(set: &TrainingSet, class: usize) -> Self {
        let positions = set.originals_of_class(class);
        let pixels = set.pixels_per_image();
        let mut values = vec![0.0_f32; positions.len() * pixels];
        for (&position, out) in positions.iter().zip(values.chunks_mut(pixels.max(1))) {
            set.f32_chw(position, out);
        }
        ClassNeighbours { positions, pixels, values }
    }

    /// The `k` nearest, nearest first; ties go to the earlier image.
    pub fn nearest(&self, picture: &Picture, k: usize) -> Vec<Neighbour> {
        self.search(&picture.to_f32(), k, None)
    }

    fn search(&self, query: &[f32], k: usize, skip: Option<usize>) -> Vec<Neighbour> {
        if query.len() != self.pixels {
            return Vec::new();
        }
        let mut best: Vec<Neighbour> = Vec::with_capacity(k + 1);
        for (index, (image, &position)) in
            self.values.chunks(self.pixels.max(1)).zip(&self.positions).enumerate()
        {
            if Some(index) == skip {
                continue;
            }
            let squares: f64 = image.iter().zip(query).map(|(a, b)| f64::from((a - b) * (a - b))).sum();
            let distance = squares.sqrt();
            if best.len() < k || best.last().is_some_and(|worst| distance < worst.distance) {
                let at = best.partition_point(|n| n.distance <= distance);
                best.insert(at, Neighbour { position, distance });
                best.truncate(k);
            }
        }
        best
    }

    /// The distance from pictures to the nearest image of the class, shortest first; from an evenly spread part of many
    /// pictures. Empty for a class without an image, and for pictures of another size.
    pub fn distances(&self, pictures: &[Picture]) -> Vec<f64> {
        let stride = pictures.len().div_ceil(USUAL_SAMPLE).max(1);
        let mut distances: Vec<f64> = (0..pictures.len())
            .into_par_iter()
            .step_by(stride)
            .filter_map(|index| self.nearest(&pictures[index], 1).first().map(|n| n.distance))
            .collect();
        distances.sort_by(f64::total_cmp);
        distances
    }

    /// Positions in the training set of the images that are searched.
    pub fn positions(&self) -> &[usize] {
        &self.positions
    }

    /// What is usual in this class; `None` for fewer than two images, see [`Usual::of_others`].
    pub fn usual(&self) -> Option<Usual> {
        if self.positions.len() < 2 {
            return None;
        }
        let stride = self.positions.len().div_ceil(USUAL_SAMPLE);
        let mut distances: Vec<f64> = (0..self.positions.len())
            .into_par_iter()
            .step_by(stride)
            .filter_map(|index| {
                let query = &self.values[index * self.pixels..(index + 1) * self.pixels];
                self.search(query, 1, Some(index)).first().map(|n| n.distance)
            })
            .collect();
        distances.sort_by(f64::total_cmp);
        let Nearest { median, closest_percent, images } = Nearest::of(&distances)?;
        let near_copies = distances.partition_point(|distance| *distance <= NEAR_COPY * median);
        Some(Usual { median, closest_percent, images, near_copies, of_others: false })
    }
}
