//! Maps of one classifier after another that may stand side by side: the same pictures, the same masks, the same
//! colour where a pixel is hidden, and by default the same class.
//!
//! What a caller has to keep the same for all of them are pictures, baseline and [`Question`]; which treatment a
//! classifier is of is nobody's matter here.

use std::fmt;
use std::str::FromStr;

use super::curves::{self, curves};
use super::grad_cam::grad_cam_of;
use super::rise::{self, Weighing, rise};
use super::{Answer, Baseline, SaliencyError, SaliencyMap, Subjects, named};
use crate::classify::treatments::Classifier;
use crate::domain::task::Ctx;
use crate::imaging::picture::Picture;
use crate::nn::input_gradient::Images;

/// Masks of RISE that a person may ask for.
pub const MOST_MASKS: u32 = 100_000;
/// Pictures per forward where a classifier is asked what it says.
const BATCH: usize = 64;

/// How a map is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Method {
    /// One forward and one gradient for each picture.
    #[default]
    GradCam,
    /// A forward for each mask and picture.
    Rise,
}

impl Method {
    pub const ALL: [Method; 2] = [Method::GradCam, Method::Rise];

    /// The word on the command line and in results.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::GradCam => "grad-cam",
            Method::Rise => "rise",
        }
    }

    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Method::GradCam => "Grad-CAM",
            Method::Rise => "RISE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An unknown way to make maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such explainer; use grad-cam or rise")]
pub struct MethodError;

impl FromStr for Method {
    type Err = MethodError;

    fn from_str(text: &str) -> Result<Self, MethodError> {
        Method::ALL.into_iter().find(|method| method.as_str() == text).ok_or(MethodError)
    }
}

/// Which class a map is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum About {
    /// The true class of the picture: maps and areas of all classifiers are of one thing.
    #[default]
    True,
    /// The class that the classifier says, right or wrong: why it says so.
    Said,
}

impl About {
    pub const ALL: [About; 2] = [About::True, About::Said];

    /// The word on the command line and in results.
    pub const fn as_str(self) -> &'static str {
        match self {
            About::True => "true",
            About::Said => "said",
        }
    }

    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            About::True => "the true class",
            About::Said => "the class it says",
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An unknown word for the class of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("maps are of the class that is true or that is said; use true or said")]
pub struct AboutError;

impl FromStr for About {
    type Err = AboutError;

    fn from_str(text: &str) -> Result<Self, AboutError> {
        About::ALL.into_iter().find(|about| about.as_str() == text).ok_or(AboutError)
    }
}

/// What is asked of every classifier alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    pub method: Method,
    pub about: About,
    /// Masks of RISE, at least 1.
    pub masks: usize,
    /// Cells along a side of a mask, at least 1.
    pub grid: usize,
    /// Of the masks, and of the order of pixels that a map marks alike.
    pub seed: u64,
}

impl Default for Question {
    fn default() -> Self {
        let rise::Settings { masks, grid, seed, .. } = rise::Settings::default();
        Question { method: Method::default(), about: About::default(), masks, grid, seed }
    }
}

/// What one classifier says of one picture, and what that rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// The class with the highest probability; the first of equals.
    pub said: usize,
    /// Of that class, in \[0, 1\].
    pub probability: f64,
    /// The class that the map is of.
    pub class: usize,
    pub map: SaliencyMap,
    /// Area under the deletion curve of the map, in \[0, 1\]: small is good.
    pub deletion: f64,
    /// Area under the insertion curve of the map, in \[0, 1\]: large is good.
    pub insertion: f64,
}

/// What a classifier looks at in each picture, `truth` being their true classes.
///
/// # Errors
/// Cancelled, also where the work was asked to stop and keep: maps that rest on other masks do not stand side by side;
/// pictures of several sizes or of other channels than the classifier's; a setting out of its range; a class that it
/// does not know; values that are no numbers; a device that gave out.
pub fn looks(
    ctx: &Ctx,
    classifier: &Classifier,
    pictures: &[Picture],
    truth: &[usize],
    baseline: &Baseline,
    question: &Question,
) -> Result<Vec<Look>, SaliencyError> {
    let shape = Subjects::new(pictures, truth)?.shape();
    let [channels, height, width] = shape;
    let wanted = classifier.network().mean().len();
    if wanted != channels {
        return Err(SaliencyError::Shape {
            what: "a picture".to_owned(),
            found: named(shape),
            wanted: named([wanted, height, width]),
        });
    }
    let says = |images: &Images| -> Answer { classifier.says(images).ok_or(SaliencyError::Device) };
    let mut said: Vec<(usize, f64)> = Vec::with_capacity(pictures.len());
    for some in pictures.chunks(BATCH) {
        ctx.check()?;
        let values = some.iter().flat_map(Picture::to_f32).collect();
        let images = Images { shape: [some.len(), channels, height, width], values };
        for row in says(&images)? {
            said.push(highest(&row)?);
        }
    }
    if said.len() != pictures.len() {
        return Err(SaliencyError::Device);
    }
    let classes: Vec<usize> = match question.about {
        About::True => truth.to_vec(),
        About::Said => said.iter().map(|(class, _)| *class).collect(),
    };
    let subjects = Subjects::new(pictures, &classes)?;
    let maps = match question.method {
        Method::GradCam => {
            let loss = &classifier.reading().loss;
            grad_cam_of(ctx, classifier.network(), &subjects, classifier.device(), |network, maps| {
                loss.of_maps(network, maps)
            })?
        }
        Method::Rise => {
            let Question { masks, grid, seed, .. } = *question;
            // A thousand masks do not show every pixel as often: by chance alone the published divisor marks those
            // that were shown more.
            let weighing = Weighing::Covered;
            let settings = rise::Settings { masks, grid, seed, weighing, ..rise::Settings::default() };
            rise(ctx, says, &subjects, baseline, &settings)?
        }
    };
    if ctx.is_stopping() {
        return Err(SaliencyError::Cancelled);
    }
    let settings = curves::Settings { seed: question.seed, ..curves::Settings::default() };
    let walked = curves(ctx, says, &subjects, &maps, baseline, &settings)?;
    let answers = said.into_iter().zip(classes);
    let all = answers.zip(maps.into_iter().zip(walked));
    Ok(all
        .map(|(((said, probability), class), (map, walked))| Look {
            said,
            probability,
            class,
            map,
            deletion: walked.deletion.area,
            insertion: walked.insertion.area,
        })
        .collect())
}

/// The class with the highest probability and that probability; the first of equals.
fn highest(row: &[f64]) -> Result<(usize, f64), SaliencyError> {
    if row.iter().any(|probability| !probability.is_finite()) {
        return Err(SaliencyError::NotFinite);
    }
    let mut best = (0, *row.first().ok_or(SaliencyError::Device)?);
    for (class, &probability) in row.iter().enumerate() {
        if probability > best.1 {
            best = (class, probability);
        }
    }
    Ok(best)
}
