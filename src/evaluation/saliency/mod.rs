//! Which pixels a classifier's word rests on: maps by Grad-CAM and RISE, curves that measure a map,
//! and pictures of it.
//!
//! A map belongs to one classifier, one picture and one class. Maps of several classifiers stand side by
//! side only where all else is the same: the same pictures, the same [`rise::Settings`] (a seed names
//! the same masks for everyone) and the same [`Baseline`]. So these are given from outside and never
//! taken from a classifier in passing.
//!
//! # What a map does not say
//!
//! A map shows what moves the classifier, not what is right. Grad-CAM sees as finely as the last maps are,
//! and where all that it sees speaks against the class, its map is blank ([`SaliencyMap::is_blank`]),
//! which is said and never painted. RISE hides large soft patches, so a small object has a wide halo,
//! and few masks leave noise. [`curves::curves`] asks the classifier whether a map holds: hiding what
//! it marks should make the class unlikely, showing it alone likely.
//!
//! [`side_by_side`] asks one classifier after another all of this alike.
//!
//! Knows networks, pictures and functions from images to probabilities; knows no file, no treatment's name
//! and no job.

pub mod curves;
pub mod grad_cam;
pub mod paint;
pub mod rise;
pub mod side_by_side;

use crate::classify::recalls::probabilities;
use crate::domain::task::Cancelled;
use crate::imaging::picture::Picture;
use crate::nn::ComputeDevice;
use crate::nn::input_gradient::Images;
use crate::nn::resnet::ResNet;

/// Why there is no map. Sentences with a remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaliencyError {
    #[error("cancelled")]
    Cancelled,
    #[error("there is no picture to explain; choose at least one")]
    NoPicture,
    #[error("{found} {what} are given for {wanted} pictures; give one for each")]
    Count { what: &'static str, found: usize, wanted: usize },
    #[error("{what} is {found} where {wanted} is needed; bring all to one size and number of channels first")]
    Shape { what: String, found: String, wanted: String },
    #[error(
        "class {class} is asked about, and the classifier knows {classes}, from 0; ask about one of them"
    )]
    Class { class: usize, classes: usize },
    #[error("{0}")]
    Settings(&'static str),
    #[error("the classifier gave a value that is no number; it is broken, so train it again")]
    NotFinite,
    #[error("the device did not give its result back; it may be out of memory. Use --device cpu")]
    Device,
}

impl From<Cancelled> for SaliencyError {
    fn from(_: Cancelled) -> Self {
        SaliencyError::Cancelled
    }
}

/// How a map was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explainer {
    GradCam,
    Rise {
        /// Masks that went into it.
        masks: usize,
    },
}

/// A range this small beside the values in it is rounding of 32-bit probabilities.
const ROUNDING: f64 = 1e-6;

/// How much each pixel of a picture matters for a class.
#[derive(Clone, Debug, PartialEq)]
pub struct SaliencyMap {
    explainer: Explainer,
    size: [usize; 2],
    values: Vec<f64>,
    range: [f64; 2],
}

impl SaliencyMap {
    /// A map of `[height, width]` from what a method gave for each pixel, rows first.
    ///
    /// Grad-CAM is divided by its maximum; below 0 is 0. RISE is brought from its lowest and highest value to
    /// 0 and 1, because its lowest is about the score of a half hidden picture and says nothing of a place. A
    /// range that is rounding alone makes the map blank, all 0.
    ///
    /// # Errors
    /// Another number of values than pixels, none at all, or one that is no number.
    pub fn new(explainer: Explainer, size: [usize; 2], raw: &[f64]) -> Result<Self, SaliencyError> {
        if raw.is_empty() || raw.len() != size[0] * size[1] {
            return Err(SaliencyError::Shape {
                what: "a map".to_owned(),
                found: format!("{} values", raw.len()),
                wanted: format!("{} x {}", size[0], size[1]),
            });
        }
        if raw.iter().any(|value| !value.is_finite()) {
            return Err(SaliencyError::NotFinite);
        }
        let lowest = match explainer {
            Explainer::GradCam => 0.0,
            Explainer::Rise { .. } => raw.iter().copied().fold(f64::INFINITY, f64::min),
        };
        let highest = raw.iter().copied().fold(lowest, f64::max);
        let span = highest - lowest;
        let blank = span <= highest.abs() * ROUNDING;
        let values =
            raw.iter().map(|value| if blank { 0.0 } else { ((value - lowest) / span).clamp(0.0, 1.0) });
        Ok(SaliencyMap { explainer, size, values: values.collect(), range: [lowest, highest] })
    }

    pub fn explainer(&self) -> Explainer {
        self.explainer
    }

    /// `[height, width]`.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// In \[0, 1\], rows first; the highest is 1 unless the map is blank.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// What 0 and 1 stand for: weighted sums of feature maps for Grad-CAM, expected probabilities for RISE.
    pub fn range(&self) -> [f64; 2] {
        self.range
    }

    /// True where no pixel stands out, and every value is 0: with Grad-CAM nothing in the last maps speaks
    /// for the class, with RISE no mask changes the score.
    pub fn is_blank(&self) -> bool {
        self.values.iter().all(|value| *value == 0.0)
    }

    /// One line to stand under a picture of the map: how it was made and from what to what it goes, or that
    /// it is blank.
    pub fn caption(&self) -> String {
        let [low, high] = self.range;
        match (self.explainer, self.is_blank()) {
            (Explainer::GradCam, true) => "Grad-CAM: blank, nothing seen speaks for this class".to_owned(),
            (Explainer::GradCam, false) => format!("Grad-CAM: 0 to {high:.3}"),
            (Explainer::Rise { masks }, true) => {
                format!("RISE, {masks} masks: blank, the score is {high:.3} whatever is hidden")
            }
            (Explainer::Rise { masks }, false) => {
                format!("RISE, {masks} masks: score {low:.3} to {high:.3}")
            }
        }
    }
}

/// `[channels, height, width]` of a picture.
fn shape_of(picture: &Picture) -> [usize; 3] {
    [usize::from(picture.channels), picture.height as usize, picture.width as usize]
}

fn named([channels, height, width]: [usize; 3]) -> String {
    format!("{height} x {width} with {channels} channels")
}

/// Pictures of one size, and the class that is asked about for each.
#[derive(Clone, Copy, Debug)]
pub struct Subjects<'a> {
    pictures: &'a [Picture],
    classes: &'a [usize],
    shape: [usize; 3],
}

impl<'a> Subjects<'a> {
    /// # Errors
    /// No picture, another number of classes than pictures, or pictures of several sizes or numbers of
    /// channels.
    pub fn new(pictures: &'a [Picture], classes: &'a [usize]) -> Result<Self, SaliencyError> {
        let Some(first) = pictures.first() else { return Err(SaliencyError::NoPicture) };
        if pictures.len() != classes.len() {
            let (found, wanted) = (classes.len(), pictures.len());
            return Err(SaliencyError::Count { what: "classes", found, wanted });
        }
        let shape = shape_of(first);
        for (position, picture) in pictures.iter().enumerate() {
            let found = shape_of(picture);
            if found != shape {
                return Err(SaliencyError::Shape {
                    what: format!("picture {position}"),
                    found: named(found),
                    wanted: named(shape),
                });
            }
        }
        Ok(Subjects { pictures, classes, shape })
    }

    /// `[channels, height, width]` of each picture.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    pub fn len(&self) -> usize {
        self.pictures.len()
    }

    /// False: there is at least one picture.
    pub fn is_empty(&self) -> bool {
        self.pictures.is_empty()
    }
}

/// What a classifier says of images: a row of probabilities for each.
pub type Answer = Result<Vec<Vec<f64>>, SaliencyError>;

/// A network's softmax probabilities as a function of images, for RISE and for the curves. The network is for
/// inference and lives on `device`.
pub fn softmax_of(network: &ResNet, device: &ComputeDevice) -> impl Fn(&Images) -> Answer {
    let device = device.plain();
    move |images: &Images| -> Answer {
        let rows = probabilities(network, images, &device);
        Ok(rows.into_iter().map(|row| row.into_iter().map(f64::from).collect()).collect())
    }
}

/// The probability of one class for each image.
fn ask(says: &impl Fn(&Images) -> Answer, images: &Images, class: usize) -> Result<Vec<f64>, SaliencyError> {
    let rows = says(images)?;
    if rows.len() != images.shape[0] {
        return Err(SaliencyError::Device);
    }
    rows.iter()
        .map(|row| match row.get(class) {
            Some(probability) if probability.is_finite() => Ok(*probability),
            Some(_) => Err(SaliencyError::NotFinite),
            None => Err(SaliencyError::Class { class, classes: row.len() }),
        })
        .collect()
}

/// What stands where a pixel is hidden: one value for each channel.
///
/// Hidden is never black by default, which in an X-ray is air and in a photograph night. The mean of the
/// training images is what a network's normaliser brings to 0, so a picture mixed with it is the product of
/// mask and image that RISE is published with. Treatments may train on other images and so have other means:
/// take one baseline for all that are held against each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline(Vec<f32>);

impl Baseline {
    /// Any values in \[0, 1\], one for each channel; `None` for others.
    pub fn new(values: &[f32]) -> Option<Self> {
        let fits = values.iter().all(|value| (0.0..=1.0).contains(value));
        fits.then(|| Baseline(values.to_vec()))
    }

    /// The mean of the images that a network learnt from, as its normaliser has it.
    pub fn of_network(network: &ResNet) -> Self {
        Baseline(network.mean().iter().map(|mean| mean.clamp(0.0, 1.0)).collect())
    }

    /// The mean grey, or mean colour, of some pictures, each picture counted once. `None` without a picture,
    /// and where the numbers of channels differ.
    pub fn of_pictures(pictures: &[Picture]) -> Option<Self> {
        let channels = pictures.first()?.channels;
        if pictures.iter().any(|picture| picture.channels != channels || picture.is_empty()) {
            return None;
        }
        let mut sums = vec![0.0_f64; usize::from(channels)];
        for picture in pictures {
            let values = picture.to_f32();
            let plane = values.len() / sums.len();
            for (sum, values) in sums.iter_mut().zip(values.chunks(plane.max(1))) {
                *sum += values.iter().map(|value| f64::from(*value)).sum::<f64>() / plane as f64;
            }
        }
        Some(Baseline(sums.into_iter().map(|sum| (sum / pictures.len() as f64) as f32).collect()))
    }

    /// One value for each channel.
    pub fn values(&self) -> &[f32] {
        &self.0
    }

    /// # Errors
    /// Pictures of another number of channels.
    fn check(&self, channels: usize) -> Result<(), SaliencyError> {
        if self.0.len() == channels {
            return Ok(());
        }
        Err(SaliencyError::Shape {
            what: "the baseline".to_owned(),
            found: format!("{} channels", self.0.len()),
            wanted: format!("{channels} channels"),
        })
    }

    /// Appends an image of which each pixel shows as much as `shown` says, in \[0, 1\], and for the rest the
    /// baseline. `image` has channel after channel, each with as many pixels as `shown`.
    fn blend(&self, image: &[f32], shown: &[f32], out: &mut Vec<f32>) {
        for (plane, hidden) in image.chunks(shown.len().max(1)).zip(&self.0) {
            // This form gives the pixel itself at 1 and the baseline itself at 0.
            out.extend(plane.iter().zip(shown).map(|(value, shown)| shown * value + (1.0 - shown) * hidden));
        }
    }
}

/// Where a pixel of an enlarged row reads the small one: two places, and the share of the second. Pixels are
/// areas whose borders meet, and outside of the outermost centres the edge goes on.
fn source(small: usize, large: usize, at: usize) -> (usize, usize, f64) {
    let last = small.saturating_sub(1);
    let place = ((at as f64 + 0.5) * small as f64 / large as f64 - 0.5).clamp(0.0, last as f64);
    let first = place.floor() as usize;
    (first, (first + 1).min(last), place - first as f64)
}

/// A part of a small map enlarged bilinearly: `values` of `small` (rows, columns) as they would be at
/// `large`, of that `size` pixels from `corner` on.
fn enlarged(
    values: &[f64],
    small: [usize; 2],
    large: [usize; 2],
    corner: [usize; 2],
    size: [usize; 2],
) -> Vec<f64> {
    let columns: Vec<(usize, usize, f64)> =
        (0..size[1]).map(|at| source(small[1], large[1], corner[1] + at)).collect();
    let mut out = Vec::with_capacity(size[0] * size[1]);
    for at in 0..size[0] {
        let (above, below, down) = source(small[0], large[0], corner[0] + at);
        let (above, below) = (&values[above * small[1]..], &values[below * small[1]..]);
        out.extend(columns.iter().map(|&(left, right, across)| {
            let upper = above[left] * (1.0 - across) + above[right] * across;
            let lower = below[left] * (1.0 - across) + below[right] * across;
            upper * (1.0 - down) + lower * down
        }));
    }
    out
}
