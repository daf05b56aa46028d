//! Samples and the data set they form: what a folder scan returns and everything else starts from.

use std::path::PathBuf;

use super::classes::ClassId;
use super::provenance::Kind;
use super::splits::Split;

/// What the header of an image file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageInfo {
    /// Pixels, after the EXIF orientation is applied.
    pub width: u32,
    /// Pixels, after the EXIF orientation is applied.
    pub height: u32,
    /// 1 (grey) or 3 (colour); an alpha channel is composited and does not count.
    pub channels: u8,
    /// 8 or 16 bits per channel.
    pub bits: u8,
    /// Size of the file.
    pub bytes: u64,
}

/// One readable image of the data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Relative to the root, with `/` between the parts.
    pub path: String,
    pub class: ClassId,
    pub split: Split,
    /// Patient or other group that must not be divided over splits.
    pub group: Option<String>,
    /// Original, unless the folder's manifest says that the image was made or repeated.
    pub kind: Kind,
    pub info: ImageInfo,
    /// Left out by the person; the file stays.
    pub excluded: bool,
}

impl Sample {
    /// True where it is not excluded and not a repeated copy.
    pub fn counts(&self) -> bool {
        !self.excluded && self.kind != Kind::Repeated
    }
}

/// A file that looks like an image and cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Relative to the root, with `/` between the parts.
    pub path: String,
    /// A sentence without the path.
    pub reason: String,
}

/// A folder of class folders, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dataset {
    pub root: PathBuf,
    /// Name of the CSV in the root that says which images there are; `None` where the folders say it.
    pub table: Option<String>,
    /// Class names in natural order.
    pub classes: Vec<String>,
    /// Sorted by path.
    pub samples: Vec<Sample>,
    /// True where the folder itself (or its CSV, or a cut) names splits; otherwise all is training.
    pub has_splits: bool,
    pub unreadable: Vec<Unreadable>,
    /// Files that are neither images nor look like one.
    pub ignored: usize,
    /// What was done to pixels or passed over, in sentences, for the report (GIF's first frame, alpha, links).
    pub notes: Vec<String>,
}

impl Dataset {
    /// What was opened and is read again: the CSV where there is one, else the root.
    pub fn source(&self) -> PathBuf {
        self.table.as_ref().map_or_else(|| self.root.clone(), |table| self.root.join(table))
    }

    /// Samples that count, with their index.
    pub fn counted(&self) -> impl Iterator<Item = (usize, &Sample)> {
        self.samples.iter().enumerate().filter(|(_, sample)| sample.counts())
    }

    /// Counted images per class in one split.
    pub fn counts(&self, split: Split) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for (_, sample) in self.counted().filter(|(_, s)| s.split == split) {
            counts[sample.class] += 1;
        }
        counts
    }

    /// Counted images per class in the training split: what plans, weights and models start from.
    pub fn training_counts(&self) -> Vec<usize> {
        self.counts(Split::Train)
    }

    /// Images that were in the training split of `before`, by path, and are in another one here.
    pub fn held_out_since(&self, before: &Dataset) -> usize {
        let held_out =
            self.samples.iter().enumerate().filter(|(_, s)| s.split != Split::Train && !s.excluded);
        let was_trained_on = |(at, sample): &(usize, &Sample)| {
            // Mostly nothing came or went, and the place is the same.
            let same_place = before.samples.get(*at).filter(|s| s.path == sample.path);
            let was = same_place.or_else(|| {
                let found = before.samples.binary_search_by(|s| s.path.cmp(&sample.path));
                found.ok().and_then(|place| before.samples.get(place))
            });
            was.is_some_and(|s| s.split == Split::Train)
        };
        held_out.filter(was_trained_on).count()
    }

    /// 1 if every counted image is grey, else 3.
    pub fn channels(&self) -> u8 {
        if self.counted().all(|(_, s)| s.info.channels == 1) { 1 } else { 3 }
    }

    /// 16 if any counted image has more than 8 bits, else 8.
    pub fn bits(&self) -> u8 {
        if self.counted().any(|(_, s)| s.info.bits > 8) { 16 } else { 8 }
    }

    /// The training size offered first: the smallest of 28, 32, 64, 128 that holds the median longer side.
    pub fn default_size(&self) -> u32 {
        let mut sides: Vec<u32> = self.counted().map(|(_, s)| s.info.width.max(s.info.height)).collect();
        if sides.is_empty() {
            return 32;
        }
        sides.sort_unstable();
        let median = sides[sides.len() / 2];
        SIZES.into_iter().find(|&s| s >= median).unwrap_or(64)
    }
}

/// Training sizes in pixels that a person may choose.
pub const SIZES: [u32; 4] = [28, 32, 64, 128];
