//! What SMOTE's family stands on: the rows of real images in some space, and the lines that made rows lie on.

use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::Tensor;

use super::Scene;
use crate::domain::random::{Stage, stream};
use crate::domain::task::Ctx;
use crate::oversampling::checkpoint::fingerprint;
use crate::oversampling::rows::lines::{Fallback, Line, Lines, along};
use crate::oversampling::rows::normal::around;
use crate::oversampling::rows::{Labelled, RowsError};
use crate::oversampling::{MethodError, device_lost};

/// Images encoded at a time.
const BATCH: usize = 128;

/// Rows of real images.
pub struct Rows {
    /// One row after the other.
    values: Vec<f32>,
    features: usize,
    /// Position of each row in the training set.
    positions: Vec<usize>,
}

impl Rows {
    /// What `encode` makes of the images at `positions`: `[batch, channels, side, side]` in \[-1, 1\] to
    /// `[batch, features]`.
    ///
    /// # Errors
    /// `Cancelled`, or the device's.
    pub fn encoded(
        ctx: &Ctx,
        scene: &Scene<'_>,
        positions: Vec<usize>,
        encode: impl Fn(Tensor<4>) -> Tensor<2>,
    ) -> Result<Self, MethodError> {
        let device = scene.device.plain();
        let (mut values, mut features) = (Vec::new(), 0);
        for chunk in positions.chunks(BATCH) {
            ctx.check()?;
            let codes = encode(scene.canvas.batch(scene.set, chunk, &device));
            features = codes.dims()[1];
            values.extend(codes.try_into_vec_as::<f32>().map_err(|_| device_lost())?);
        }
        Ok(Rows { values, features, positions })
    }

    /// The values, one row after the other, and how many there are in a row.
    pub fn into_values(self) -> (Vec<f32>, usize) {
        (self.values, self.features)
    }

    /// The pixels of the images at `positions`: at training size in \[0, 1\], channel after channel.
    ///
    /// # Errors
    /// `Cancelled`.
    pub fn pixels(ctx: &Ctx, scene: &Scene<'_>, positions: Vec<usize>) -> Result<Self, MethodError> {
        let features = scene.set.pixels_per_image();
        let mut values = vec![0.0; positions.len() * features];
        for (&position, row) in positions.iter().zip(values.chunks_mut(features.max(1))) {
            ctx.check()?;
            scene.set.f32_chw(position, row);
        }
        Ok(Rows { values, features, positions })
    }
}

/// Rows of real images, and lines between them.
pub struct Ground {
    rows: Arc<Rows>,
    stand: Stand,
    fallback: Option<Fallback>,
    /// Said where there are too few images for as many neighbours as were asked for.
    fewer: Option<String>,
    /// What a method measures its made rows by.
    pub usual: Option<f64>,
}

enum Stand {
    Lines(Lines),
    /// The one row of a class with one image.
    Alone(usize),
}

/// A made row.
pub struct MadeRow {
    pub values: Vec<f32>,
    /// Position in the training set of the image it begins at, and of the one it goes towards.
    pub from: usize,
    pub to: Option<usize>,
    /// How far, in \[0, 1).
    pub u: f64,
}

/// What was asked for last, dear to make and the same for every slot: the ground of a class, and the rows of all
/// images.
#[derive(Default)]
pub struct Memory {
    ground: Last<Ground>,
    rows: Last<Rows>,
}

impl Memory {
    /// What is remembered of a class, or what `make` makes.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn of(
        &self,
        scene: &Scene<'_>,
        class: usize,
        make: impl FnOnce() -> Result<Ground, MethodError>,
    ) -> Result<Arc<Ground>, MethodError> {
        let params = serde_json::to_string(scene.params).unwrap_or_default();
        self.ground.of(format!("{class} of {} by {params}", fingerprint(scene.set)), make)
    }

    /// The rows of all images, remembered or made.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn rows(
        &self,
        scene: &Scene<'_>,
        make: impl FnOnce() -> Result<Rows, MethodError>,
    ) -> Result<Arc<Rows>, MethodError> {
        self.rows.of(fingerprint(scene.set), make)
    }
}

/// The last thing made, with what it was asked for by.
struct Last<T>(Mutex<Option<(String, Arc<T>)>>);

impl<T> Default for Last<T> {
    fn default() -> Self {
        Last(Mutex::new(None))
    }
}

impl<T> Last<T> {
    fn of(
        &self,
        wanted: String,
        make: impl FnOnce() -> Result<T, MethodError>,
    ) -> Result<Arc<T>, MethodError> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, thing)) = held.as_ref()
            && *of == wanted
        {
            return Ok(thing.clone());
        }
        let thing = Arc::new(make()?);
        *held = Some((wanted, thing.clone()));
        Ok(thing)
    }
}

/// An error about rows as a method's.
pub fn rows_error(error: RowsError) -> MethodError {
    match error {
        RowsError::Cancelled => MethodError::Cancelled,
        other => MethodError::Data(other.to_string()),
    }
}

/// What is said where `found` neighbours stand in for those `asked` for. Each image has all others as neighbours then;
/// where these are not the `members` of the class, they are all images.
fn fewer(members: usize, found: usize, asked: usize) -> Option<String> {
    if found >= asked {
        return None;
    }
    let images = found + 1;
    let whose = if images == members { "the class has" } else { "all classes together have" };
    Some(match found {
        1 => format!(
            "{whose} 2 images: 1 neighbour instead of {asked}, so all that is made lies on the line between them"
        ),
        _ => format!("{whose} {images} images: {found} neighbours instead of {asked}"),
    })
}

impl Ground {
    /// Plain SMOTE inside one class: the codes of its real images, and lines to the `k` nearest.
    ///
    /// # Errors
    /// A class without a real image, `Cancelled`, or the device's.
    pub fn of_class(
        ctx: &Ctx,
        scene: &Scene<'_>,
        class: usize,
        k: usize,
        encode: impl Fn(Tensor<4>) -> Tensor<2>,
    ) -> Result<Self, MethodError> {
        let rows = Rows::encoded(ctx, scene, scene.set.originals_of_class(class), encode)?;
        Self::on(scene, class, Arc::new(rows), k, |set| Ok((Lines::plain(ctx, set, class, k)?, None)))
    }

    /// The lines that a rule finds for a class among rows, which may be of other classes too; `k` is the number of
    /// neighbours that it was asked for.
    ///
    /// # Errors
    /// A class without a row, `Cancelled`, or rows that are not finite.
    pub fn on(
        scene: &Scene<'_>,
        class: usize,
        rows: Arc<Rows>,
        k: usize,
        rule: impl FnOnce(&Labelled<'_>) -> Result<(Lines, Option<Fallback>), RowsError>,
    ) -> Result<Self, MethodError> {
        let classes: Vec<usize> = rows.positions.iter().map(|&at| scene.set.labels[at]).collect();
        let labelled = Labelled::new(&rows.values, rows.features.max(1), &classes).map_err(rows_error)?;
        let (stand, fallback, fewer) = match rule(&labelled) {
            Ok((lines, fallback)) => {
                let members = classes.iter().filter(|&&of| of == class).count();
                let fewer = fewer(members, lines.ends().k(), k);
                (Stand::Lines(lines), fallback, fewer)
            }
            Err(RowsError::OneImage) => {
                let row = classes.iter().position(|&of| of == class);
                (Stand::Alone(row.ok_or(RowsError::NoImage).map_err(rows_error)?), None, None)
            }
            Err(error) => return Err(rows_error(error)),
        };
        Ok(Ground { rows, stand, fallback, fewer, usual: None })
    }

    /// Numbers of a row.
    pub fn features(&self) -> usize {
        self.rows.features
    }

    /// Why plain SMOTE stands in for the rule that was asked for, where it does.
    pub fn fallback(&self) -> Option<Fallback> {
        self.fallback
    }

    /// What a person should know where rows of the class are not made as the method has it.
    pub fn remark(&self) -> Option<String> {
        if let Stand::Alone(_) = self.stand {
            return Some(
                "the class has one image and nothing to go towards, so that image is made again with a little noise"
                    .to_owned(),
            );
        }
        let fallback = self.fallback.map(|fallback| fallback.to_string());
        let parts: Vec<String> = fallback.into_iter().chain(self.fewer.clone()).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// One row for each key. A class with one image gets that image's row and a little noise.
    ///
    /// # Errors
    /// A mistake of the caller.
    pub fn make(&self, seed: u64, class: usize, keys: &[u64]) -> Result<Vec<MadeRow>, MethodError> {
        let Rows { values, features, positions } = self.rows.as_ref();
        let lines = match &self.stand {
            Stand::Lines(lines) => lines,
            Stand::Alone(row) => return Ok(self.alone(*row, seed, class, keys)),
        };
        let drawn: Vec<Line> = keys.iter().map(|&key| lines.draw(seed, class, key)).collect();
        let rows = along(values, *features, &drawn).map_err(rows_error)?;
        let made = rows.chunks(*features).zip(drawn).map(|(values, line)| MadeRow {
            values: values.to_vec(),
            from: positions[line.from],
            to: Some(positions[line.to]),
            u: line.u,
        });
        Ok(made.collect())
    }

    fn alone(&self, row: usize, seed: u64, class: usize, keys: &[u64]) -> Vec<MadeRow> {
        let Rows { values, features, positions } = self.rows.as_ref();
        let from = positions[row];
        let row = &values[row * features..(row + 1) * features];
        let made = keys.iter().map(|&key| {
            let values = around(row, &mut stream(seed, Stage::Latent, class as u64, key));
            MadeRow { values, from, to: None, u: 0.0 }
        });
        made.collect()
    }
}
