//! A folder of class folders (or a CSV) becomes a [`Dataset`].
//!
//! First the names are listed, then headers are read in parallel (or every file is decoded, as asked), then
//! the layout is told from what turned out to be an image. No more than a few kilobytes of any file are held
//! while headers are read, and at most one decoded image per thread otherwise, but for what [`read`] keeps at
//! training size. The folder is only read.

mod layout;
mod walk;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::decode::{self, DecodeError, Limits, Note};
use super::exported::{Manifest, ManifestError};
use super::picture::Picture;
use super::resize::Fit;
use super::table::{self, TableError};
use super::training_set::{DecodedImages, LoadError, Spec};
use crate::domain::classes::sorted_names;
use crate::domain::numbers::counted;
use crate::domain::provenance::Kind;
use crate::domain::samples::{Dataset, ImageInfo, Sample, Unreadable};
use crate::domain::splits::Split;
use crate::domain::task::{Cancelled, Ctx};

/// Why a file that is named as an image, or by a table, is not read.
const NO_DICOM: &str = "it is DICOM, which is not read yet; convert it to PNG with 16 bits";

/// Files between two looks at pause; cancel is looked at before every file.
const CHUNK: usize = 512;
/// Least time between two reports of progress.
const REPORT: Duration = Duration::from_millis(50);

/// How much of each file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// Headers: counts within seconds. A file whose pixels are damaged is found later.
    #[default]
    Headers,
    /// Everything, pixels dropped at once: finds each unreadable file.
    Decode,
}

/// How to scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanOptions {
    pub reading: Reading,
    pub limits: Limits,
}

/// Why a folder is no data set. The path is last.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error("the scan was cancelled")]
    Cancelled,
    #[error("there is no such folder; check its name: {}", .0.display())]
    NotFound(PathBuf),
    #[error("a folder of class folders or a CSV file is needed: {}", .0.display())]
    NotAFolder(PathBuf),
    #[error(
        "its images are in no class folder; put them into one folder per class (train/class where there are \
         splits): {}",
        .0.display()
    )]
    NoClasses(PathBuf),
    #[error("no image can be read ({unreadable} unreadable, {ignored} other files): {}", .path.display())]
    NoImages { unreadable: usize, ignored: usize, path: PathBuf },
    #[error(
        "no image can be read, and DICOM ({files} of the files) is not read yet; convert it to PNG with 16 \
         bits and open the folder of the results: {}",
        .path.display()
    )]
    Dicom { files: usize, path: PathBuf },
    #[error("{problem}; correct the table: {}", .path.display())]
    Csv { problem: String, path: PathBuf },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// What is kept of the images does not fit into memory.
    #[error(transparent)]
    Kept(#[from] LoadError),
    #[error("it cannot be read ({error}): {}", .path.display())]
    Io { error: std::io::Error, path: PathBuf },
}

impl From<Cancelled> for ScanError {
    fn from(_: Cancelled) -> Self {
        ScanError::Cancelled
    }
}

/// What one file turned out to be.
#[derive(Clone, Debug)]
enum Outcome {
    Image(ImageInfo, Vec<Note>),
    Unreadable(String),
    Ignored,
    /// Ignored, and what a person may have meant to be read.
    Dicom,
}

/// A file to look at.
#[derive(Clone, Debug)]
struct Found {
    /// Relative to the root, `/` between the parts; with replacement characters where the name is not
    /// Unicode.
    path: String,
    /// False where any part of the name is not Unicode.
    named: bool,
}

/// What a scan that decodes keeps.
struct Keep<'a> {
    /// By the headers: what counts.
    expected: &'a Dataset,
    spec: Spec,
    images: DecodedImages,
}

impl Keep<'_> {
    fn wants(&self, path: &str) -> bool {
        let samples = &self.expected.samples;
        let found = samples.binary_search_by(|sample| sample.path.as_str().cmp(path));
        found.is_ok_and(|place| samples[place].counts())
    }
}

/// Reads a folder of class folders, `split/class` folders, or a CSV file.
///
/// # Errors
/// The folder is not there, holds no readable image in a class, its CSV or manifest is wrong, or the work was
/// cancelled.
pub fn scan(ctx: &Ctx, folder: &Path, options: &ScanOptions) -> Result<Dataset, ScanError> {
    scan_and_keep(ctx, folder, options, None)
}

/// As [`scan`] with every file decoded, and keeps what counts at the training size: `size` pixels a side, or
/// what the data set asks for.
///
/// Headers are read before, since the size and the channels of all images are those of each. Where damaged
/// files change them, what is kept is of no use, and is decoded again by whoever needs it.
///
/// # Errors
/// As [`scan`], and too little memory.
pub fn read(
    ctx: &Ctx,
    folder: &Path,
    size: Option<u32>,
    fit: Fit,
) -> Result<(Dataset, DecodedImages), ScanError> {
    let options = ScanOptions::default();
    let expected = scan(ctx, folder, &options)?;
    let spec = Spec::of(&expected, size, fit);
    let images = DecodedImages::new(&spec, expected.counted().count())?;
    let mut keep = Keep { expected: &expected, spec, images };
    let options = ScanOptions { reading: Reading::Decode, ..options };
    let dataset = scan_and_keep(ctx, folder, &options, Some(&mut keep))?;
    Ok((dataset, keep.images))
}

fn scan_and_keep(
    ctx: &Ctx,
    folder: &Path,
    options: &ScanOptions,
    keep: Option<&mut Keep<'_>>,
) -> Result<Dataset, ScanError> {
    ctx.check()?;
    let of_io = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => ScanError::NotFound(folder.to_owned()),
        _ => ScanError::Io { error, path: folder.to_owned() },
    };
    let root = folder.canonicalize().map_err(of_io)?;
    let (mut dataset, mut dicom) = if root.is_dir() {
        scan_folder(ctx, root, options, keep)?
    } else if root.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")) {
        (scan_table(ctx, &root, options, keep)?, 0)
    } else {
        return Err(ScanError::NotAFolder(folder.to_owned()));
    };
    if dataset.samples.is_empty() {
        dicom += dataset.unreadable.iter().filter(|file| file.reason == NO_DICOM).count();
        if dicom > 0 {
            return Err(ScanError::Dicom { files: dicom, path: folder.to_owned() });
        }
        return Err(ScanError::NoImages {
            unreadable: dataset.unreadable.len(),
            ignored: dataset.ignored,
            path: folder.to_owned(),
        });
    }
    leave_out_held_out_made(&mut dataset);
    dataset.unreadable.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(dataset)
}

/// The data set of a folder, and how many of the files that it ignores are DICOM.
fn scan_folder(
    ctx: &Ctx,
    root: PathBuf,
    options: &ScanOptions,
    keep: Option<&mut Keep<'_>>,
) -> Result<(Dataset, usize), ScanError> {
    let mut walk = walk::walk(ctx, &root)?;
    // Byte order, not natural order: the same on every machine and cheap for long lists. The samples, and what
    // is kept of them, have it too.
    walk.files.par_sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let manifest = Manifest::of_folder(&root)?;
    let outcomes = examine(ctx, &root, &walk.files, options, false, keep)?;
    let mut notes = walk.notes();
    let layout = layout::Layout::of(&walk, &outcomes);
    notes.extend(layout.notes.iter().cloned());
    let mut dataset = Dataset {
        classes: layout.classes.clone(),
        has_splits: layout.has_splits,
        ignored: walk.ignored,
        unreadable: walk.unreadable,
        root,
        ..Dataset::default()
    };
    let index = positions(&dataset.classes);
    let mut tally = Tally::default();
    let (mut loose, mut unlisted, mut dicom) = (0, 0, 0);
    for (file, outcome) in walk.files.into_iter().zip(outcomes) {
        let (info, of_file) = match outcome {
            Outcome::Image(info, notes) => (info, notes),
            Outcome::Unreadable(reason) => {
                dataset.unreadable.push(Unreadable { path: file.path, reason });
                continue;
            }
            Outcome::Ignored => {
                dataset.ignored += 1;
                continue;
            }
            Outcome::Dicom => {
                dataset.ignored += 1;
                dicom += 1;
                continue;
            }
        };
        let place = layout::place(&file.path, dataset.has_splits);
        let Some((split, class)) = place.and_then(|(s, name)| Some((s, *index.get(name)?))) else {
            loose += 1;
            continue;
        };
        tally.add(&of_file);
        let entry = manifest.as_ref().and_then(|m| m.entry(&file.path));
        unlisted += usize::from(manifest.is_some() && entry.is_none());
        let (kind, group) = entry.map_or((Kind::Original, None), |e| (e.kind, e.group.clone()));
        dataset.samples.push(Sample { path: file.path, class, split, group, kind, info, excluded: false });
    }
    drop(index);
    dataset.ignored += loose;
    if loose > 0 {
        notes.push(format!("{} in no class folder: ignored", counted(loose, "image is", "images are")));
    }
    if dicom > 0 {
        notes.push(format!(
            "{} DICOM, which is not read yet: ignored",
            counted(dicom, "file is", "files are")
        ));
    }
    if unlisted > 0 {
        let images = counted(unlisted, "image is", "images are");
        notes.push(format!("{images} not in the folder's manifest.csv: taken as original"));
    }
    if dataset.samples.is_empty() && loose > 0 {
        return Err(ScanError::NoClasses(dataset.root));
    }
    notes.extend(tally.sentences());
    dataset.notes = notes;
    Ok((dataset, dicom))
}

fn scan_table(
    ctx: &Ctx,
    path: &Path,
    options: &ScanOptions,
    keep: Option<&mut Keep<'_>>,
) -> Result<Dataset, ScanError> {
    let wrong = |problem: String| ScanError::Csv { problem, path: path.to_owned() };
    let mut table = table::read(path).map_err(|error| match error {
        TableError::Io(error) => ScanError::Io { error, path: path.to_owned() },
        other => wrong(other.to_string()),
    })?;
    let root = path.parent().unwrap_or(Path::new("")).to_owned();
    let mut lines: HashMap<&str, u64> = HashMap::new();
    for row in &table.rows {
        if let Some(first) = lines.insert(&row.file, row.line) {
            return Err(wrong(format!("row {}: the file is named in row {first} already", row.line)));
        }
    }
    drop(lines);
    // As the files of a folder.
    table.rows.par_sort_unstable_by(|a, b| a.file.cmp(&b.file));
    let files: Vec<Found> =
        table.rows.iter().map(|row| Found { path: row.file.clone(), named: true }).collect();
    let outcomes = examine(ctx, &root, &files, options, true, keep)?;
    let classes = sorted_names(table.rows.iter().map(|row| row.label.clone()).collect());
    let index = positions(&classes);
    let mut tally = Tally::default();
    let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let mut dataset = Dataset { root, table: name, has_splits: table.has_split, ..Dataset::default() };
    for (row, outcome) in table.rows.into_iter().zip(outcomes) {
        match outcome {
            Outcome::Image(info, notes) => {
                tally.add(&notes);
                let Some(&class) = index.get(row.label.as_str()) else { continue };
                dataset.samples.push(Sample {
                    path: row.file,
                    class,
                    split: row.split,
                    group: row.group,
                    kind: row.kind,
                    info,
                    excluded: false,
                });
            }
            Outcome::Unreadable(reason) => dataset.unreadable.push(Unreadable { path: row.file, reason }),
            Outcome::Ignored | Outcome::Dicom => dataset.ignored += 1,
        }
    }
    drop(index);
    dataset.classes = classes;
    dataset.notes = tally.sentences();
    Ok(dataset)
}

/// Made images never count for validation or test: found there, they are left out and this is said.
fn leave_out_held_out_made(dataset: &mut Dataset) {
    let mut left_out = 0;
    for sample in dataset.samples.iter_mut().filter(|s| s.kind.is_made() && s.split != Split::Train) {
        sample.excluded = true;
        left_out += 1;
    }
    if left_out > 0 {
        let images = counted(left_out, "made image is", "made images are");
        dataset.notes.push(format!("{images} in validation or test: left out"));
    }
}

fn positions(names: &[String]) -> HashMap<&str, usize> {
    names.iter().enumerate().map(|(position, name)| (name.as_str(), position)).collect()
}

/// How many images each note holds for.
#[derive(Default)]
struct Tally(BTreeMap<Note, usize>);

impl Tally {
    fn add(&mut self, notes: &[Note]) {
        for &note in notes {
            *self.0.entry(note).or_default() += 1;
        }
    }

    fn sentences(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|(note, &n)| format!("{}: {}", counted(n, "image", "images"), note.sentence()))
            .collect()
    }
}

/// Looks at every file in parallel. `wanted` is true where each file is asked for by name: then none is
/// ignored. The files are sorted by path.
fn examine(
    ctx: &Ctx,
    root: &Path,
    files: &[Found],
    options: &ScanOptions,
    wanted: bool,
    mut keep: Option<&mut Keep<'_>>,
) -> Result<Vec<Outcome>, ScanError> {
    let stage = match options.reading {
        Reading::Headers => "Reading headers",
        Reading::Decode => "Reading images",
    };
    let ticker = Ticker::new(stage, files.len() as u64);
    ticker.report(ctx, 0);
    let mut outcomes = Vec::with_capacity(files.len());
    for chunk in files.chunks(CHUNK) {
        ctx.check()?;
        let kept = keep.as_deref();
        let looked: Vec<(Outcome, Option<Picture>)> = chunk
            .par_iter()
            .map(|file| {
                if ctx.is_cancelled() {
                    return (Outcome::Ignored, None);
                }
                let mut fitted = None;
                let outcome = look(ctx, root, file, options, wanted, &mut |picture: &Picture| {
                    let keep = kept.filter(|keep| keep.wants(&file.path));
                    fitted = keep.map(|keep| keep.spec.apply(picture));
                });
                ticker.tick(ctx);
                (outcome, fitted)
            })
            .collect();
        for (file, (outcome, fitted)) in chunk.iter().zip(looked) {
            if let (Some(keep), Some(picture)) = (keep.as_deref_mut(), fitted) {
                keep.images.push(&file.path, picture);
            }
            outcomes.push(outcome);
        }
    }
    ctx.check()?;
    Ok(outcomes)
}

/// What a file is; `see` gets its pixels where they were decoded.
fn look(
    ctx: &Ctx,
    root: &Path,
    file: &Found,
    options: &ScanOptions,
    wanted: bool,
    see: &mut dyn FnMut(&Picture),
) -> Outcome {
    let limits = &options.limits;
    let promised = wanted || decode::is_image_extension(Path::new(&file.path));
    if !file.named {
        let reason = "its name is not valid Unicode; rename it".to_owned();
        return if promised { Outcome::Unreadable(reason) } else { Outcome::Ignored };
    }
    let path = root.join(&file.path);
    if wanted && !walk::is_inside(root, &path) {
        return Outcome::Unreadable("it is not there, or a link that leads out of the folder".to_owned());
    }
    if !promised {
        match decode::signature(&path, limits) {
            Ok(Some(_)) => {}
            Ok(None) if decode::is_dicom(&path) => return Outcome::Dicom,
            Ok(None) | Err(_) => return Outcome::Ignored,
        }
    }
    let read = match options.reading {
        Reading::Headers => decode::header(&path, limits).map(|h| (h.info, h.notes)),
        Reading::Decode => {
            decode::decode_while(&path, limits, &|| !ctx.is_cancelled()).map(|(info, decoded)| {
                see(&decoded.picture);
                (info, decoded.notes)
            })
        }
    };
    match read {
        Ok((info, notes)) => Outcome::Image(info, notes),
        // The whole scan ends right after this.
        Err(DecodeError::Cancelled) => Outcome::Ignored,
        Err(DecodeError::UnknownFormat) if decode::is_dicom(&path) => {
            Outcome::Unreadable(NO_DICOM.to_owned())
        }
        Err(error) => Outcome::Unreadable(error.to_string()),
    }
}

/// Progress from many threads, not too often.
struct Ticker {
    stage: &'static str,
    done: AtomicU64,
    total: u64,
    last: Mutex<Instant>,
}

impl Ticker {
    fn new(stage: &'static str, total: u64) -> Self {
        Ticker { stage, done: AtomicU64::new(0), total, last: Mutex::new(Instant::now()) }
    }

    fn report(&self, ctx: &Ctx, done: u64) {
        ctx.progress(self.stage, done, self.total);
    }

    fn tick(&self, ctx: &Ctx) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if done == self.total {
            return self.report(ctx, done);
        }
        // Whoever does not get the lock has nothing to report: somebody else is at it.
        if let Ok(mut last) = self.last.try_lock()
            && last.elapsed() >= REPORT
        {
            *last = Instant::now();
            self.report(ctx, self.done.load(Ordering::Relaxed));
        }
    }
}
