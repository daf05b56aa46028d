//! Results of an evaluation on disk: a line for each classifier as soon as it is measured, and the finished
//! folder.
//!
//! While an evaluation runs, its results lie in `.NAME.evaluating` beside the folder that they will be. The
//! first line of `runs.jsonl` says which evaluation it is: images, network, steps. The same evaluation goes
//! on from there, another one is refused. What generators learnt and made lies beside them, and so do the
//! classifiers that can be asked again. Once all is measured, tables are written into it and the folder gets
//! its name; an existing one is never written over.
//!
//! A project keeps its results in one place for good: a folder for each set of images and settings, which
//! every later evaluation of the same takes what it needs from and adds to.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::evaluation::comparison::Run;
use crate::evaluation::generators::MadeClass;
use crate::evaluation::treatments::Filled;
use crate::imaging::files::{real, sync_folder, write_atomic};
use crate::imaging::hash::sha256_hex;
use crate::jobs::JobError;
use crate::nn::weights::read_exactly;

pub(super) const RUNS: &str = "runs.jsonl";
/// Folder of what generators learnt and made, beside the results.
const GENERATORS: &str = "generators";

/// One measured classifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Which training images it learnt from, where these are not the evaluation's own; else empty.
    pub images: String,
    /// Of all that was done for it, pauses left out.
    pub seconds: f64,
    /// Of a cross-validation: on the images of its fold alone.
    pub run: Run,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold: Option<Fold>,
    /// What a generator filled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filled: Option<Filled>,
    /// Seconds in which its generator learnt and made, where that was done in one go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator: Option<f64>,
    /// How good its images are, of each class that it made any of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<MadeClass>,
}

impl Record {
    /// A line as it was written, each number to its last bit; `None` where it is none.
    pub fn read(line: &str) -> Option<Self> {
        serde_json::from_value(read_exactly(line).ok()?).ok()
    }
}

/// What the classifier of one fold said, to be pooled with the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Fold {
    pub number: usize,
    /// Probabilities of each class for each image of the fold, as they were said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    probabilities: Vec<Vec<f64>>,
    /// The same as earlier versions kept them, in millionths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    millionths: Vec<Vec<u32>>,
}

/// Millionths in one.
const MILLION: f64 = 1e6;

impl Fold {
    pub fn new(number: usize, probabilities: Vec<Vec<f64>>) -> Self {
        Fold { number, probabilities, millionths: Vec::new() }
    }

    /// The probabilities again: those of earlier versions to six digits, others to the last bit.
    pub fn rows(&self) -> Vec<Vec<f64>> {
        if self.millionths.is_empty() {
            return self.probabilities.clone();
        }
        let share = |n: &u32| f64::from(*n) / MILLION;
        self.millionths.iter().map(|row| row.iter().map(share).collect()).collect()
    }
}

/// All results so far, in memory and, where there is a place, on disk.
pub(super) struct Results {
    pub records: Vec<Record>,
    place: Option<Place>,
}

struct Place {
    /// The folder that it will be; `None` where it stays what it is.
    out: Option<PathBuf>,
    /// Where it is until then.
    partial: PathBuf,
    /// Locked, and written at its end.
    file: File,
}

pub(super) fn failed(doing: &str, error: &io::Error, path: &Path) -> JobError {
    JobError::Resource(format!(
        "could not {doing} ({error}); check the drive and run it again, what was measured is kept: {}",
        path.display()
    ))
}

/// Refuses a place that results cannot go to: one that exists, has no name or lies in an image folder.
pub(in crate::jobs) fn check_place(out: &Path, sources: &[&Path]) -> Result<(), JobError> {
    if out.symlink_metadata().is_ok() {
        return Err(JobError::Input(format!(
            "the output exists and is never overwritten; choose another --out: {}",
            out.display()
        )));
    }
    if out.file_name().is_none() {
        return Err(JobError::Input(format!(
            "the output names no folder; end it with the name of a new folder: {}",
            out.display()
        )));
    }
    if sources.iter().any(|source| real(out).starts_with(real(source))) {
        return Err(JobError::Input(format!(
            "the output lies inside an image folder, where nothing is ever written; choose another place: {}",
            out.display()
        )));
    }
    Ok(())
}

impl Results {
    /// Results that are kept in memory alone.
    pub fn in_memory() -> Self {
        Results { records: Vec::new(), place: None }
    }

    /// Begins or goes on. `identity` is what a later call must agree on.
    ///
    /// # Errors
    /// Another evaluation was begun there, one runs there now, or the disk's.
    pub fn open(out: &Path, identity: &Value) -> Result<Self, JobError> {
        let name = out.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let partial = out.with_file_name(format!(".{name}.evaluating"));
        Self::begin(Some(out.to_owned()), partial, identity)
    }

    /// Begins or goes on in the folder of this evaluation below `dir`, where its results stay.
    ///
    /// # Errors
    /// The same evaluation runs there now, or the disk's.
    pub fn kept(dir: &Path, identity: &Value) -> Result<Self, JobError> {
        let hash = sha256_hex(identity.to_string());
        Self::begin(None, dir.join(hash.get(..16).unwrap_or_default()), identity)
    }

    fn begin(out: Option<PathBuf>, partial: PathBuf, identity: &Value) -> Result<Self, JobError> {
        fs::create_dir_all(&partial).map_err(|e| failed("make the folder", &e, &partial))?;
        let path = partial.join(RUNS);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.map_err(|e| failed("open the results", &e, &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JobError::Input(match &out {
                    Some(out) => format!(
                        "another evaluation is writing there; wait for it or choose another --out: {}",
                        out.display()
                    ),
                    None => format!(
                        "these images are being evaluated already; wait for that to end: {}",
                        partial.display()
                    ),
                }));
            }
            Err(TryLockError::Error(e)) => return Err(failed("lock the results", &e, &path)),
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|e| failed("read the results", &e, &path))?;
        let head = format!("{}\n", json!({ "evaluation": identity }));
        let mut place = Place { out, partial, file };
        let mut records = Vec::new();
        // A line that a kill cut short is measured again.
        let mut good = 0;
        for (number, line) in text.split_inclusive('\n').enumerate() {
            if number == 0 && line.ends_with('\n') && line != head {
                return Err(JobError::Input(format!(
                    "an evaluation of other images or settings was begun there; finish that one, choose \
                     another --out or remove it: {}",
                    place.partial.display()
                )));
            }
            if !line.ends_with('\n') {
                break;
            }
            if number > 0 {
                let Some(record) = Record::read(line) else { break };
                records.push(record);
            }
            good += line.len();
        }
        place.cut(good as u64)?;
        if good == 0 {
            place.append(&head)?;
        }
        Ok(Results { records, place: Some(place) })
    }

    /// The result of a treatment with a seed, of one fold where there are folds, where it is known.
    pub fn find(&self, name: &str, seed: u64, images: &str, fold: Option<usize>) -> Option<&Record> {
        self.records.iter().find(|record| {
            record.run.name == name
                && record.run.seed == seed
                && record.images == images
                && record.fold.as_ref().map(|fold| fold.number) == fold
        })
    }

    /// Where what generators learnt and made is kept; `None` where there is no place.
    pub fn generators(&self) -> Option<PathBuf> {
        self.place.as_ref().map(|place| place.partial.join(GENERATORS))
    }

    /// Where the results lie now; `None` where there is no place.
    pub fn folder(&self) -> Option<&Path> {
        self.place.as_ref().map(|place| place.partial.as_path())
    }

    /// True where a file lies beside the results, by its name below their folder.
    pub fn has(&self, name: &str) -> bool {
        self.folder().is_some_and(|folder| folder.join(name).is_file())
    }

    /// Keeps a result; when it returns, the line is on the disk.
    ///
    /// # Errors
    /// The disk's.
    pub fn add(&mut self, record: Record) -> Result<(), JobError> {
        if let Some(place) = &mut self.place {
            let line = serde_json::to_string(&record)
                .map_err(|error| JobError::Failed(format!("a result could not be written down: {error}")))?;
            place.append(&format!("{line}\n"))?;
        }
        self.records.push(record);
        Ok(())
    }

    /// Writes the files, whose names may lead into folders, beside the runs and gives the folder its name; `None`
    /// where there is no place, and where the results stay in theirs.
    ///
    /// # Errors
    /// Somebody else made the folder meanwhile, or the disk's. The results stay where they were.
    pub fn finish(self, files: &[(String, Vec<u8>)]) -> Result<Option<PathBuf>, JobError> {
        let Some(Place { out: Some(out), partial, file }) = self.place else { return Ok(None) };
        for (name, bytes) in files {
            let path = partial.join(name);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(|e| failed("make the folder", &e, folder))?;
            }
            write_atomic(&path, bytes).map_err(|e| failed("write the file", &e, &path))?;
        }
        // Some systems rename no folder with an open file in it.
        drop(file);
        check_place(&out, &[])?;
        fs::rename(&partial, &out).map_err(|e| failed("name the folder", &e, &out))?;
        if let Some(parent) = out.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync_folder(parent).map_err(|e| failed("flush the folder", &e, parent))?;
        }
        Ok(Some(out))
    }
}

impl Place {
    /// Drops what comes after `length` bytes and goes on from there.
    fn cut(&mut self, length: u64) -> Result<(), JobError> {
        let path = self.partial.join(RUNS);
        let cut = self.file.set_len(length).and_then(|()| self.file.seek(SeekFrom::Start(length)));
        cut.map(|_| ()).map_err(|e| failed("open the results", &e, &path))
    }

    fn append(&mut self, text: &str) -> Result<(), JobError> {
        let path = self.partial.join(RUNS);
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|e| failed("write a result", &e, &path))
    }
}
