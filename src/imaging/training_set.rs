//! Decoded images at training size, held in memory in 8 or 16 bit and turned into floats when asked.
//!
//! [`TrainingSet`] can be made from the training split alone, [`HeldOut`] never from what is learnt from:
//! it is another split, or one part of a training split that was taken in two. What a model is fitted on
//! and what it is measured on are different types. Both can be taken from [`DecodedImages`], what a scan of a
//! whole folder keeps.

use std::ops::Deref;
use std::path::PathBuf;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::decode::{self, DecodeError, Limits};
use super::hash::sha256_hex;
use super::picture::{self, Depth, Picture, Pixels};
use super::resize::{self, Fit};
use crate::domain::classes::ClassId;
use crate::domain::provenance::Kind;
use crate::domain::samples::{Dataset, ImageInfo, Sample, Unreadable};
use crate::domain::splits::Split;
use crate::domain::task::{Cancelled, Ctx};

/// Images decoded between two looks at pause.
const CHUNK: usize = 256;

/// What every image of a set looks like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// Side in pixels.
    pub size: u32,
    /// 1 or 3.
    pub channels: u8,
    /// 8 or 16.
    pub bits: u8,
    pub fit: Fit,
}

impl Spec {
    /// The spec that a data set asks for: grey only where every counted image is grey, 16 bit where any is.
    pub fn of(dataset: &Dataset, size: Option<u32>, fit: Fit) -> Self {
        let size = size.unwrap_or_else(|| dataset.default_size()).max(1);
        Spec { size, channels: dataset.channels(), bits: dataset.bits(), fit }
    }

    /// Samples of one image: `channels * size * size`.
    pub fn samples(&self) -> usize {
        usize::from(self.channels) * self.size as usize * self.size as usize
    }

    pub const fn depth(&self) -> Depth {
        Depth::of_bits(self.bits)
    }

    /// The picture in this size, depth and number of channels.
    pub fn apply(&self, picture: &Picture) -> Picture {
        // Channels before size: grey is a third of the work.
        let grey = (self.channels == 1 && picture.channels != 1).then(|| picture.to_grey());
        let fitted = resize::fit(grey.as_ref().unwrap_or(picture), self.size, self.fit);
        fitted.into_channels(self.channels).into_depth(self.depth())
    }
}

/// Bytes that `count` images of this spec take in memory.
pub fn memory_bytes(count: usize, spec: &Spec) -> u64 {
    (count as u64).saturating_mul(spec.samples() as u64).saturating_mul(u64::from(spec.bits) / 8)
}

/// Why a set could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("loading was cancelled")]
    Cancelled,
    #[error("a held-out set cannot be made from the training split")]
    TrainingSplit,
    #[error("images of {channels} channels, {bits} bit and {size} pixels a side cannot be trained on")]
    Spec { size: u32, channels: u8, bits: u8 },
    #[error("the images need {bytes} bytes of memory, more than there are; choose a smaller size")]
    Memory { bytes: u64 },
    #[error("image {index} belongs to class {class}, and there are {classes} classes")]
    Class { index: usize, class: usize, classes: usize },
    #[error(
        "{count} of the images cannot be decoded; scan the folder again with every image decoded, or leave \
         them out; the first, because {reason}: {}",
        .path.display()
    )]
    Unreadable { count: usize, reason: String, path: PathBuf },
}

impl From<Cancelled> for LoadError {
    fn from(_: Cancelled) -> Self {
        LoadError::Cancelled
    }
}

/// Decoded images with what is known of each. All lists have one entry per image.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageSet {
    pub spec: Spec,
    /// Class names in natural order.
    pub classes: Vec<String>,
    /// Class of each image.
    pub labels: Vec<usize>,
    /// Index into the data set's samples.
    pub sample: Vec<usize>,
    /// Relative to the data set's root.
    pub paths: Vec<String>,
    pub groups: Vec<Option<String>>,
    /// True for images that are derived or synthetic; they are never seeds.
    pub made: Vec<bool>,
    /// One image after the other, rows first, interleaved.
    pixels: Pixels,
}

impl ImageSet {
    fn empty(spec: &Spec, classes: Vec<String>, count: usize) -> Result<Self, LoadError> {
        if spec.size == 0 || !matches!(spec.channels, 1 | 3) || !matches!(spec.bits, 8 | 16) {
            return Err(LoadError::Spec { size: spec.size, channels: spec.channels, bits: spec.bits });
        }
        let no_memory = |_| LoadError::Memory { bytes: memory_bytes(count, spec) };
        let samples = count.saturating_mul(spec.samples());
        let pixels = match spec.depth() {
            Depth::Eight => {
                let mut v = Vec::new();
                v.try_reserve_exact(samples).map_err(no_memory)?;
                Pixels::U8(v)
            }
            Depth::Sixteen => {
                let mut v = Vec::new();
                v.try_reserve_exact(samples).map_err(no_memory)?;
                Pixels::U16(v)
            }
        };
        Ok(Self::of_pixels(spec, classes, count, pixels))
    }

    /// A set of `count` images, of which nothing but the pixels is known yet.
    fn of_pixels(spec: &Spec, classes: Vec<String>, count: usize, pixels: Pixels) -> Self {
        ImageSet {
            spec: spec.clone(),
            classes,
            labels: Vec::with_capacity(count),
            sample: Vec::with_capacity(count),
            paths: Vec::with_capacity(count),
            groups: Vec::with_capacity(count),
            made: Vec::with_capacity(count),
            pixels,
        }
    }

    fn load(
        ctx: &Ctx,
        dataset: &Dataset,
        spec: &Spec,
        wanted: impl Fn(&Sample) -> bool,
    ) -> Result<Self, LoadError> {
        let (set, unreadable) = Self::read(ctx, dataset, spec, wanted)?;
        match unreadable.first() {
            None => Ok(set),
            Some(first) => Err(LoadError::Unreadable {
                count: unreadable.len(),
                reason: first.reason.clone(),
                path: dataset.root.join(&first.path),
            }),
        }
    }

    /// Decodes the wanted samples in parallel. What cannot be decoded is listed and is not in the set.
    pub(super) fn read(
        ctx: &Ctx,
        dataset: &Dataset,
        spec: &Spec,
        wanted: impl Fn(&Sample) -> bool,
    ) -> Result<(Self, Vec<Unreadable>), LoadError> {
        let chosen: Vec<(usize, &Sample)> = dataset.counted().filter(|(_, s)| wanted(s)).collect();
        let mut set = Self::empty(spec, dataset.classes.clone(), chosen.len())?;
        let mut unreadable = Vec::new();
        let limits = Limits::default();
        let total = chosen.len() as u64;
        ctx.progress("Loading images", 0, total);
        for chunk in chosen.chunks(CHUNK) {
            ctx.check()?;
            let go_on = || !ctx.is_cancelled();
            let decoded: Vec<Result<Picture, DecodeError>> = chunk
                .par_iter()
                .map(|(_, sample)| {
                    if !go_on() {
                        return Err(DecodeError::Cancelled);
                    }
                    let path = dataset.root.join(&sample.path);
                    let (_, decoded) = decode::decode_while(&path, &limits, &go_on)?;
                    Ok(spec.apply(&decoded.picture))
                })
                .collect();
            ctx.check()?;
            for (&(index, sample), result) in chunk.iter().zip(decoded) {
                match result {
                    Ok(picture) => set.push(index, sample, picture),
                    Err(error) => {
                        let (path, reason) = (sample.path.clone(), error.to_string());
                        unreadable.push(Unreadable { path, reason });
                    }
                }
            }
            ctx.progress("Loading images", (set.len() + unreadable.len()) as u64, total);
        }
        Ok((set, unreadable))
    }

    fn push(&mut self, index: usize, sample: &Sample, picture: Picture) {
        match (&mut self.pixels, picture.pixels) {
            (Pixels::U8(all), Pixels::U8(v)) => all.extend_from_slice(&v),
            (Pixels::U16(all), Pixels::U16(v)) => all.extend_from_slice(&v),
            // `Spec::apply` gives the depth of the spec, which is that of the set.
            _ => return,
        }
        self.list(index, sample);
    }

    /// What is known of the image whose pixels come next.
    fn list(&mut self, index: usize, sample: &Sample) {
        self.labels.push(sample.class);
        self.sample.push(index);
        self.paths.push(sample.path.clone());
        self.groups.push(sample.group.clone());
        self.made.push(sample.kind.is_made());
    }

    /// Appends made pictures, brought to this spec and named by their number; their samples count from `first`.
    fn add_made(&mut self, first: usize, made: &[(ClassId, Kind, Picture)]) -> Result<(), LoadError> {
        for (index, (class, kind, picture)) in made.iter().enumerate() {
            if *class >= self.classes.len() {
                return Err(LoadError::Class { index, class: *class, classes: self.classes.len() });
            }
            let sample = in_memory(format!("made {index}"), *class, *kind, picture);
            let picture = self.spec.apply(picture);
            self.push(first + index, &sample, picture);
        }
        Ok(())
    }

    /// Appends image `index` of another set of this spec.
    fn copy(&mut self, from: &ImageSet, index: usize) {
        let n = self.pixels_per_image();
        let range = index * n..(index + 1) * n;
        match (&mut self.pixels, &from.pixels) {
            (Pixels::U8(all), Pixels::U8(v)) => all.extend_from_slice(&v[range]),
            (Pixels::U16(all), Pixels::U16(v)) => all.extend_from_slice(&v[range]),
            _ => return,
        }
        self.labels.push(from.labels[index]);
        self.sample.push(from.sample[index]);
        self.paths.push(from.paths[index].clone());
        self.groups.push(from.groups[index].clone());
        self.made.push(from.made[index]);
    }

    /// The images at these positions, in this order.
    fn some(&self, positions: &[usize]) -> Result<Self, LoadError> {
        let mut set = Self::empty(&self.spec, self.classes.clone(), positions.len())?;
        positions.iter().for_each(|&position| set.copy(self, position));
        Ok(set)
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Images per class, made ones included.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for &label in &self.labels {
            counts[label] += 1;
        }
        counts
    }

    /// Samples of one image: `channels * size * size`.
    pub fn pixels_per_image(&self) -> usize {
        self.spec.samples()
    }

    /// Image `index`, which is below [`ImageSet::len`], in the set's depth.
    pub fn picture(&self, index: usize) -> Picture {
        let n = self.pixels_per_image();
        let range = index * n..(index + 1) * n;
        let pixels = match &self.pixels {
            Pixels::U8(v) => Pixels::U8(v[range].to_vec()),
            Pixels::U16(v) => Pixels::U16(v[range].to_vec()),
        };
        Picture { width: self.spec.size, height: self.spec.size, channels: self.spec.channels, pixels }
    }

    /// Writes image `index` as floats in \[0, 1\], channel after channel, into `out`, which has
    /// [`ImageSet::pixels_per_image`] places.
    pub fn f32_chw(&self, index: usize, out: &mut [f32]) {
        let n = self.pixels_per_image();
        let range = index * n..(index + 1) * n;
        match &self.pixels {
            Pixels::U8(v) => picture::chw(&v[range], self.spec.channels, Depth::Eight, out),
            Pixels::U16(v) => picture::chw(&v[range], self.spec.channels, Depth::Sixteen, out),
        }
    }

    /// SHA-256 of the stored samples of image `index`, which is below [`ImageSet::len`]: the same for the
    /// same picture in any set of this spec, whatever its file looks like.
    pub fn pixel_hash(&self, index: usize) -> String {
        let n = self.pixels_per_image();
        let range = index * n..(index + 1) * n;
        match &self.pixels {
            Pixels::U8(v) => sha256_hex(&v[range]),
            Pixels::U16(v) => {
                sha256_hex(v[range].iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<u8>>())
            }
        }
    }

    /// Positions of the images of a class, made ones included.
    pub fn of_class(&self, class: usize) -> Vec<usize> {
        (0..self.len()).filter(|&i| self.labels[i] == class).collect()
    }

    /// Positions of the images that were not made.
    pub fn originals(&self) -> Vec<usize> {
        (0..self.len()).filter(|&i| !self.made[i]).collect()
    }

    /// Positions of the images of a class that were not made: the only possible seeds.
    pub fn originals_of_class(&self, class: usize) -> Vec<usize> {
        (0..self.len()).filter(|&i| self.labels[i] == class && !self.made[i]).collect()
    }
}

/// The training split, decoded. Made images of an earlier export are in it, marked.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingSet(ImageSet);

impl Deref for TrainingSet {
    type Target = ImageSet;

    fn deref(&self) -> &ImageSet {
        &self.0
    }
}

impl TrainingSet {
    /// Decodes the training split in parallel. Excluded and repeated images are not in it.
    ///
    /// # Errors
    /// An image cannot be decoded (nothing is skipped in silence), memory is short, or the work was
    /// cancelled.
    pub fn load(ctx: &Ctx, dataset: &Dataset, spec: &Spec) -> Result<Self, LoadError> {
        ImageSet::load(ctx, dataset, spec, |s| s.split == Split::Train).map(TrainingSet)
    }

    /// As [`TrainingSet::load`], but what cannot be decoded is listed and left out.
    ///
    /// # Errors
    /// Memory is short, or the work was cancelled.
    pub fn load_readable(
        ctx: &Ctx,
        dataset: &Dataset,
        spec: &Spec,
    ) -> Result<(Self, Vec<Unreadable>), LoadError> {
        let (set, unreadable) = ImageSet::read(ctx, dataset, spec, |s| s.split == Split::Train)?;
        Ok((TrainingSet(set), unreadable))
    }

    /// A set of pictures in memory, for tests and tools: all originals, named by their position.
    ///
    /// # Errors
    /// A class that is not in `classes`, or a spec that no set can have.
    pub fn from_pictures(
        spec: Spec,
        classes: Vec<String>,
        pictures: Vec<(usize, Picture)>,
    ) -> Result<Self, LoadError> {
        let known = classes.len();
        let mut set = ImageSet::empty(&spec, classes, pictures.len())?;
        for (index, (class, picture)) in pictures.iter().enumerate() {
            if *class >= known {
                return Err(LoadError::Class { index, class: *class, classes: known });
            }
            let sample = in_memory(index.to_string(), *class, Kind::Original, picture);
            set.push(index, &sample, spec.apply(picture));
        }
        Ok(TrainingSet(set))
    }

    /// The set with made pictures and repeats of its own images behind it, for a training on both. The
    /// pictures are brought to this spec and are named by their number; `repeats` are positions of this
    /// set.
    ///
    /// # Errors
    /// A class that the set does not have, or memory is short.
    pub fn filled(&self, made: &[(ClassId, Kind, Picture)], repeats: &[usize]) -> Result<Self, LoadError> {
        let count = self.len() + made.len() + repeats.len();
        let mut set = ImageSet::empty(&self.spec, self.classes.clone(), count)?;
        (0..self.len()).chain(repeats.iter().copied()).for_each(|position| set.copy(self, position));
        set.add_made(self.len(), made)?;
        Ok(TrainingSet(set))
    }

    /// Made pictures alone, of the classes and the spec of this set, named as by [`TrainingSet::filled`].
    ///
    /// # Errors
    /// A class that the set does not have, or memory is short.
    pub fn made_alone(&self, made: &[(ClassId, Kind, Picture)]) -> Result<Self, LoadError> {
        let mut set = ImageSet::empty(&self.spec, self.classes.clone(), made.len())?;
        set.add_made(self.len(), made)?;
        Ok(TrainingSet(set))
    }

    /// The set in two for one fold of a cross-validation: what is learnt from, and the images where `held`
    /// is true, which are not in it. `held` has one entry per image. Made images are in neither part,
    /// because some were made from images that are held out.
    ///
    /// # Errors
    /// Memory is short.
    pub fn apart(&self, held: &[bool]) -> Result<(TrainingSet, HeldOut), LoadError> {
        let of = |wanted: bool| -> Vec<usize> {
            let real = (0..self.len()).filter(|&position| !self.made[position]);
            real.filter(|&position| held.get(position).copied().unwrap_or(false) == wanted).collect()
        };
        Ok((TrainingSet(self.some(&of(false))?), HeldOut(self.some(&of(true))?)))
    }
}

/// What is known of a picture that lies in memory alone.
fn in_memory(path: String, class: ClassId, kind: Kind, picture: &Picture) -> Sample {
    let info = ImageInfo {
        width: picture.width,
        height: picture.height,
        channels: picture.channels,
        bits: picture.depth().bits(),
        bytes: 0,
    };
    Sample { path, class, split: Split::Train, group: None, kind, info, excluded: false }
}

/// A validation or test split, decoded. Made images are never in it.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldOut(ImageSet);

impl Deref for HeldOut {
    type Target = ImageSet;

    fn deref(&self) -> &ImageSet {
        &self.0
    }
}

impl HeldOut {
    /// Decodes a held-out split in parallel.
    ///
    /// # Errors
    /// As [`TrainingSet::load`], and the training split.
    pub fn load(ctx: &Ctx, dataset: &Dataset, split: Split, spec: &Spec) -> Result<Self, LoadError> {
        if split == Split::Train {
            return Err(LoadError::TrainingSplit);
        }
        ImageSet::load(ctx, dataset, spec, |s| s.split == split && !s.kind.is_made()).map(HeldOut)
    }

    /// As [`HeldOut::load`], but what cannot be decoded is listed and left out.
    ///
    /// # Errors
    /// As [`TrainingSet::load_readable`], and the training split.
    pub fn load_readable(
        ctx: &Ctx,
        dataset: &Dataset,
        split: Split,
        spec: &Spec,
    ) -> Result<(Self, Vec<Unreadable>), LoadError> {
        if split == Split::Train {
            return Err(LoadError::TrainingSplit);
        }
        let wanted = |s: &Sample| s.split == split && !s.kind.is_made();
        let (set, unreadable) = ImageSet::read(ctx, dataset, spec, wanted)?;
        Ok((HeldOut(set), unreadable))
    }
}

/// The counted images of a folder as a scan decoded them, at training size: before anybody cut parts off,
/// edited labels or left images out, so that none of this decodes an image again.
#[derive(Debug)]
pub struct DecodedImages {
    spec: Spec,
    /// Sorted.
    paths: Vec<String>,
    /// In the order of the paths, one image after the other.
    pixels: Pixels,
}

impl DecodedImages {
    /// Room for so many images.
    pub(super) fn new(spec: &Spec, count: usize) -> Result<Self, LoadError> {
        let ImageSet { spec, pixels, .. } = ImageSet::empty(spec, Vec::new(), count)?;
        Ok(DecodedImages { spec, paths: Vec::with_capacity(count), pixels })
    }

    /// Adds the next image in the order of the paths; [`Spec::apply`] made the picture.
    pub(super) fn push(&mut self, path: &str, picture: Picture) {
        match (&mut self.pixels, picture.pixels) {
            (Pixels::U8(all), Pixels::U8(v)) => all.extend_from_slice(&v),
            (Pixels::U16(all), Pixels::U16(v)) => all.extend_from_slice(&v),
            _ => return,
        }
        self.paths.push(path.to_owned());
    }

    /// A held-out split of the data set, copied. `None` where `spec` is another one or an image is not here;
    /// [`HeldOut::load`] decodes it then. Also `None` for the training split.
    pub fn held_out(&self, dataset: &Dataset, split: Split, spec: &Spec) -> Option<HeldOut> {
        if split == Split::Train {
            return None;
        }
        let places = self.places(dataset, spec, |s| s.split == split && !s.kind.is_made())?;
        let n = spec.samples();
        let ranges = places.iter().map(|&(place, _)| place * n..(place + 1) * n);
        let pixels = match &self.pixels {
            Pixels::U8(v) => Pixels::U8(ranges.flat_map(|range| v[range].iter().copied()).collect()),
            Pixels::U16(v) => Pixels::U16(ranges.flat_map(|range| v[range].iter().copied()).collect()),
        };
        Some(HeldOut(of_places(dataset, spec, &places, pixels)))
    }

    /// The training split of the data set, as it is cut and edited now. `None` where `spec` is another one or
    /// an image is not here; [`TrainingSet::load`] decodes it then.
    pub fn into_training(mut self, dataset: &Dataset, spec: &Spec) -> Option<TrainingSet> {
        let places = self.places(dataset, spec, |s| s.split == Split::Train)?;
        let n = spec.samples();
        // Within the buffer: a copy would need the memory of all images twice.
        match &mut self.pixels {
            Pixels::U8(v) => close_ranks(v, n, &places),
            Pixels::U16(v) => close_ranks(v, n, &places),
        }
        Some(TrainingSet(of_places(dataset, spec, &places, self.pixels)))
    }

    /// Where the pixels of each wanted image lie, and its index in the data set; places rise.
    fn places(
        &self,
        dataset: &Dataset,
        spec: &Spec,
        wanted: impl Fn(&Sample) -> bool,
    ) -> Option<Vec<(usize, usize)>> {
        if *spec != self.spec {
            return None;
        }
        let wanted = dataset.counted().filter(|(_, sample)| wanted(sample));
        let places: Option<Vec<(usize, usize)>> = wanted
            .map(|(index, sample)| self.paths.binary_search(&sample.path).ok().map(|place| (place, index)))
            .collect();
        places.filter(|places| places.is_sorted())
    }
}

/// Moves the images at these rising places to the front and gives the memory behind them back.
fn close_ranks<T: Copy>(pixels: &mut Vec<T>, n: usize, places: &[(usize, usize)]) {
    for (to, &(from, _)) in places.iter().enumerate() {
        pixels.copy_within(from * n..(from + 1) * n, to * n);
    }
    pixels.truncate(places.len() * n);
    pixels.shrink_to_fit();
}

/// The set of these images, whose pixels are in the same order.
fn of_places(dataset: &Dataset, spec: &Spec, places: &[(usize, usize)], pixels: Pixels) -> ImageSet {
    let mut set = ImageSet::of_pixels(spec, dataset.classes.clone(), places.len(), pixels);
    for &(_, index) in places {
        set.list(index, &dataset.samples[index]);
    }
    set
}
