//! Writing an export, all or nothing.
//!
//! Everything goes into `.NAME.partial-<process>-<random>` beside the target: files, manifest and card are
//! written, flushed, read again and compared with their hashes, folders are flushed, and only then the folder
//! gets its name. Whatever goes wrong before that removes the partial folder; a kill, or a drive that vanishes,
//! leaves it under its partial name, never under the target's.
//!
//! Where the file system says that it has too little space, nothing is begun. The space needed is an
//! estimate, and others write too: a disk that is full later ends the export like any other failure.
//!
//! The target is never written over: its absence is checked first and last. Between the last check and the
//! rename somebody else may still make it; systems refuse to rename a folder over a file or over a folder
//! that holds anything, so the worst that can happen is that an empty folder made in that moment is replaced.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::card;
use super::error::ExportError;
use super::manifest::{self, MANIFEST, README, Row};
use super::plan::{ClassTotals, Content, ExportRequest, FilePlan, PlannedFile, partial_prefix, target};
use super::space::{enough_space, free_space};
use crate::domain::task::Ctx;
use crate::imaging::decode::{self, Limits};
use crate::imaging::encode;
use crate::imaging::files::sync_folder;
use crate::imaging::hash::{file_sha256, sha256_hex};
use crate::imaging::training_set::Spec;

/// Files between two looks at cancel; they are written in parallel.
const BATCH: usize = 64;

/// The name of this program in PNG files.
const SOFTWARE: &str = concat!("counterpoise ", env!("CARGO_PKG_VERSION"));

/// What was exported.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExportReport {
    pub out: PathBuf,
    /// Of the training split, in class order.
    pub classes: Vec<ClassTotals>,
    /// Files with a manifest row.
    pub files: usize,
    pub warnings: Vec<String>,
}

/// A place beside the target `name` for what is not yet whole; another one at each call.
pub(super) fn partial_path(parent: &Path, name: &str) -> PathBuf {
    let random = RandomState::new().build_hasher().finish() as u32;
    parent.join(format!("{}{}-{random:08x}", partial_prefix(name), std::process::id()))
}

/// The partial folder; removed when dropped before it got its name.
struct Staging {
    path: PathBuf,
    named: bool,
}

impl Staging {
    fn new(parent: &Path, name: &str) -> Result<Self, ExportError> {
        fs::create_dir_all(parent).map_err(|e| ExportError::io("make the folder", parent, e))?;
        loop {
            let path = partial_path(parent, name);
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Staging { path, named: false }),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(ExportError::io("make the folder", &path, e)),
            }
        }
    }

    fn rename(mut self, out: &Path) -> Result<(), ExportError> {
        if fs::symlink_metadata(out).is_ok() {
            return Err(ExportError::Exists(out.to_path_buf()));
        }
        fs::rename(&self.path, out).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists
            | io::ErrorKind::DirectoryNotEmpty
            | io::ErrorKind::NotADirectory => ExportError::Exists(out.to_path_buf()),
            _ => ExportError::io("name the folder", out, e),
        })?;
        self.named = true;
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.named {
            // What cannot be removed keeps its partial name and the next export tells of it.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), ExportError> {
    let written = File::create_new(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|e| ExportError::io("write the file", path, e))
}

/// The source file, followed through links and still in the source folder. `root` has its links followed.
fn checked(root: &Path, path: &Path) -> Result<PathBuf, ExportError> {
    let real = fs::canonicalize(path).map_err(|e| ExportError::io("read the image", path, e))?;
    if real.starts_with(root) { Ok(real) } else { Err(ExportError::Outside(path.to_path_buf())) }
}

/// Writes one file and says which hash it must have. The hash of a copy is that of its source, so that the
/// proof compares both.
fn write_file(stage: &Path, root: &Path, spec: &Spec, file: &PlannedFile) -> Result<String, ExportError> {
    let target = stage.join(&file.row.file);
    match &file.content {
        Content::Copy(source) => {
            let source = checked(root, source)?;
            let read = |e| ExportError::io("read the image", &source, e);
            let mut from = File::open(&source).map_err(read)?;
            let mut to =
                File::create_new(&target).map_err(|e| ExportError::io("write the file", &target, e))?;
            io::copy(&mut from, &mut to).map_err(|e| ExportError::io("write the file", &target, e))?;
            file_sha256(&source).map_err(read)
        }
        Content::Resize(source) => {
            let source = checked(root, source)?;
            let failed = |reason: String| ExportError::Picture { reason, path: source.clone() };
            let decoded = decode::decode(&source, &Limits::default()).map_err(|e| failed(e.to_string()))?;
            let picture = spec.apply(&decoded.picture);
            let mut text = vec![("Software", SOFTWARE)];
            if file.row.kind.is_made() {
                text.push(("kind", file.row.kind.as_str()));
            }
            let bytes = encode::png(&picture, &text).map_err(|e| failed(e.to_string()))?;
            write_new(&target, &bytes)?;
            Ok(sha256_hex(&bytes))
        }
        Content::Made { file: candidate, sha256 } => {
            let bytes =
                fs::read(candidate).map_err(|e| ExportError::io("read the candidate", candidate, e))?;
            if sha256_hex(&bytes) != *sha256 {
                return Err(ExportError::CandidateChanged(candidate.clone()));
            }
            let failed = |reason: String| ExportError::Picture { reason, path: candidate.clone() };
            let decoded =
                decode::decode_bytes(&bytes, &Limits::default()).map_err(|e| failed(e.to_string()))?;
            let text = provenance(&file.row);
            let text: Vec<(&str, &str)> = text.iter().map(|(key, value)| (*key, value.as_str())).collect();
            let bytes = encode::png(&decoded.picture, &text).map_err(|e| failed(e.to_string()))?;
            write_new(&target, &bytes)?;
            Ok(sha256_hex(&bytes))
        }
    }
}

/// What a made PNG says of itself, in case it loses its manifest.
fn provenance(row: &Row) -> Vec<(&'static str, String)> {
    let number = |value: Option<f64>| value.map(|v| v.to_string());
    let all = [
        ("Software", Some(SOFTWARE.to_owned())),
        ("kind", Some(row.kind.as_str().to_owned())),
        ("class", Some(row.label.clone())),
        ("method", row.method.clone()),
        ("model", row.model.clone()),
        ("seed_sha256", row.seed_sha256.clone()),
        ("seed_class", row.seed_class.clone()),
        ("p_accept", number(row.p_accept)),
        ("confidence", number(row.confidence)),
    ];
    all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

/// Flushes a written file, reads it again and compares.
fn prove(stage: &Path, file: &str, sha256: &str) -> Result<(), ExportError> {
    let path = stage.join(file);
    let failed = |e| ExportError::io("read the written file", &path, e);
    // Writing access, because not every system flushes through a handle that only reads.
    OpenOptions::new().read(true).write(true).open(&path).and_then(|f| f.sync_all()).map_err(failed)?;
    if file_sha256(&path).map_err(failed)? == sha256 { Ok(()) } else { Err(ExportError::Unproven(path)) }
}

/// Writes what was planned. When it returns, the folder is there, whole, proven and flushed; on an error or a
/// cancel nothing is there. Folders above the target are made where they lack and stay.
///
/// # Errors
/// See [`ExportError`].
pub fn write(ctx: &Ctx, request: &ExportRequest, plan: &FilePlan) -> Result<ExportReport, ExportError> {
    ctx.check()?;
    let (parent, name) = target(&request.out, &request.dataset.root)?;
    let root = &request.dataset.root;
    let root = fs::canonicalize(root).map_err(|e| ExportError::io("open the image folder", root, e))?;
    enough_space(plan.bytes, free_space(&parent), &request.out)?;
    let staging = Staging::new(&parent, &name)?;
    let stage = staging.path.as_path();

    let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
    for file in &plan.files {
        folders.extend(Path::new(&file.row.file).ancestors().skip(1).map(|folder| stage.join(folder)));
    }
    for folder in &folders {
        fs::create_dir_all(folder).map_err(|e| ExportError::io("make the folder", folder, e))?;
    }

    let total = plan.files.len() as u64;
    let mut rows: Vec<Row> = Vec::with_capacity(plan.files.len());
    for batch in plan.files.chunks(BATCH) {
        ctx.check()?;
        let write_one = |file: &PlannedFile| write_file(stage, &root, &request.spec, file);
        let hashes: Vec<String> = batch.par_iter().map(write_one).collect::<Result<_, _>>()?;
        rows.extend(batch.iter().zip(hashes).map(|(file, sha256)| Row { sha256, ..file.row.clone() }));
        ctx.progress("writing", rows.len() as u64, total);
    }
    let table = manifest::bytes(&rows)
        .map_err(|e| ExportError::io("write the manifest", &stage.join(MANIFEST), io::Error::other(e)))?;
    let card = card::text(request, plan);
    for (name, bytes) in [(MANIFEST, table.as_slice()), (README, card.as_bytes())] {
        write_new(&stage.join(name), bytes)?;
        prove(stage, name, &sha256_hex(bytes))?;
    }

    let mut proven = 0;
    for batch in rows.chunks(BATCH) {
        ctx.check()?;
        batch.par_iter().try_for_each(|row| prove(stage, &row.file, &row.sha256))?;
        proven += batch.len() as u64;
        ctx.progress("proving", proven, total);
    }
    for folder in folders.iter().rev() {
        sync_folder(folder).map_err(|e| ExportError::io("flush the folder", folder, e))?;
    }
    ctx.check()?;
    staging.rename(&parent.join(&name))?;

    let mut warnings = plan.warnings.clone();
    if let Err(error) = sync_folder(&parent) {
        warnings.push(format!(
            "the export is there, but its name could not be flushed ({error}); keep the power on a while: {}",
            parent.display()
        ));
    }
    let out = request.out.clone();
    Ok(ExportReport { out, classes: plan.classes.clone(), files: rows.len(), warnings })
}
