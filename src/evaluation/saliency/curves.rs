//! Deletion and insertion: what the classifier says while the pixels that a map marks are hidden,
//! or shown, one after another.
//!
//! Source: Petsiuk, Das and Saenko, BMVC 2018, section 4.2. Here both begin or end at one picture,
//! the baseline in every pixel (the mean of the training images, say), where the paper's code inserts
//! into a blurred picture. Pixels go by falling value of the map; pixels of one value go in a random
//! order that the seed names, because rows first would be a map of its own. So a blank map gives the
//! curves of a random order, which others may be held against.
//!
//! The areas compare maps of one classifier, or classifiers on one picture, with the same settings and
//! baseline. A hidden pixel makes pictures that no classifier was trained on, so a difference of some
//! hundredths says little.

use super::{Answer, Baseline, SaliencyError, SaliencyMap, Subjects, ask};
use crate::domain::random::{Stage, stream};
use crate::domain::task::Ctx;
use crate::nn::input_gradient::Images;

/// Class of the stream that orders pixels of one value.
const TIES: u64 = 1;

/// How curves are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Steps from none to all pixels, at least 1; more than pixels are as many as pixels. Step k of K changes
    /// the first `k * pixels / K` pixels, rounded.
    pub steps: usize,
    /// Pictures per forward, at least 1.
    pub batch: usize,
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { steps: 64, batch: 64, seed: 0 }
    }
}

/// One walk from none to all pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Share of the pixels that are changed, from 0 to 1, and the probability of the class.
    pub points: Vec<[f64; 2]>,
    /// Area under the curve by the trapezoid rule, in \[0, 1\].
    pub area: f64,
}

impl Curve {
    fn new(points: Vec<[f64; 2]>) -> Self {
        let area = points.windows(2).map(|pair| (pair[1][0] - pair[0][0]) * (pair[0][1] + pair[1][1]) / 2.0);
        Curve { area: area.sum(), points }
    }
}

/// Both walks along one map.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    /// From the picture to the baseline: a small area is good.
    pub deletion: Curve,
    /// From the baseline to the picture: a large area is good.
    pub insertion: Curve,
}

/// Curves of one map for each picture. `says` and `baseline` as in [`super::rise::rise`].
///
/// # Errors
/// Cancelled, within one forward; another number of maps than pictures, or maps of another size; a setting
/// out of its range; a baseline of other channels; what `says` refuses; a class it has no probability of, or
/// one that is no number.
pub fn curves(
    ctx: &Ctx,
    says: impl Fn(&Images) -> Answer,
    subjects: &Subjects<'_>,
    maps: &[SaliencyMap],
    baseline: &Baseline,
    settings: &Settings,
) -> Result<Vec<Curves>, SaliencyError> {
    let [channels, height, width] = subjects.shape;
    let pixels = height * width;
    baseline.check(channels)?;
    if settings.steps == 0 || settings.batch == 0 {
        return Err(SaliencyError::Settings(
            "a curve needs at least one step and one picture at a time; use 64 of both",
        ));
    }
    if maps.len() != subjects.len() {
        return Err(SaliencyError::Count { what: "maps", found: maps.len(), wanted: subjects.len() });
    }
    if let Some(other) = maps.iter().find(|map| map.size() != [height, width]) {
        let [rows, columns] = other.size();
        return Err(SaliencyError::Shape {
            what: "a map".to_owned(),
            found: format!("{rows} x {columns}"),
            wanted: format!("{height} x {width}"),
        });
    }
    let steps = settings.steps.min(pixels);
    let counts: Vec<usize> = (0..=steps).map(|step| (step * pixels + steps / 2) / steps).collect();
    let total = (2 * counts.len() * subjects.len()) as u64;
    let mut found = Vec::with_capacity(subjects.len());
    for ((picture, &class), map) in subjects.pictures.iter().zip(subjects.classes).zip(maps) {
        let image = picture.to_f32();
        let order = ranked(map.values(), settings.seed);
        let before = 2 * counts.len() * found.len();
        // `start` is how much of each pixel is shown at first: all of it or nothing.
        let follow = |start: f32, before: usize| -> Result<Curve, SaliencyError> {
            let mut shown = vec![start; pixels];
            let mut points: Vec<[f64; 2]> = Vec::with_capacity(counts.len());
            let mut changed = 0;
            for chunk in counts.chunks(settings.batch) {
                ctx.check()?;
                ctx.progress("deletion and insertion", (before + points.len()) as u64, total);
                let mut values = Vec::with_capacity(chunk.len() * image.len());
                for &count in chunk {
                    for &pixel in &order[changed..count] {
                        shown[pixel] = 1.0 - start;
                    }
                    changed = count;
                    baseline.blend(&image, &shown, &mut values);
                }
                let images = Images { shape: [chunk.len(), channels, height, width], values };
                let scores = ask(&says, &images, class)?;
                let shares = chunk.iter().map(|&count| count as f64 / pixels as f64);
                points.extend(shares.zip(scores).map(|(share, score)| [share, score]));
            }
            Ok(Curve::new(points))
        };
        let deletion = follow(1.0, before)?;
        let insertion = follow(0.0, before + counts.len())?;
        found.push(Curves { deletion, insertion });
    }
    ctx.progress("deletion and insertion", total, total);
    Ok(found)
}

/// Pixels by falling value.
fn ranked(values: &[f64], seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    stream(seed, Stage::Mask, TIES, 0).shuffle(&mut order);
    // Stable, so pixels of one value keep the order they were shuffled to.
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    order
}
