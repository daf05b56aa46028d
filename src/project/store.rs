//! The store of one project: opening, owning, data set and settings.
//!
//! A [`Project`] belongs to one thread. Whoever opens it first owns it by an operating system lock on
//! `project.lock`, which ends with the process however that ends; everybody else reads. SQLite runs with a
//! write-ahead log, flushes at every commit and checks foreign keys. What a method returned without error is
//! committed and survives a kill or a power cut.

use std::collections::{HashMap, HashSet};
use std::ffi::c_int;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::config::DbConfig;
use rusqlite::types::Type;
use rusqlite::{
    Connection, OpenFlags, OptionalExtension as _, Row, Transaction, TransactionBehavior, params,
};
use serde::de::DeserializeOwned;

use super::candidates::RunId;
use super::error::{ASKED, NOT_WRITABLE, OWNED, ProjectError};
use super::files::{self, CANDIDATES};
use super::schema::{self, Found};
use super::settings::Settings;
use super::source;
use crate::domain::provenance::Kind;
use crate::domain::samples::{Dataset, ImageInfo, Sample, Unreadable};
use crate::domain::splits::{Shares, Split, cut};
use crate::imaging::files::sync_folder;

const DATABASE: &str = "project.sqlite";
const LOCK: &str = "project.lock";
const MODELS: &str = "models";
const RUNS: &str = "runs";

/// In `info`: the CSV in the source folder that the data set was read from, by its name.
const TABLE: &str = "table";

/// In `info`: the newest run when images of the training part were last held out.
const HELD_OUT_AFTER: &str = "held_out_after";

/// How long a statement waits for another connection, which only ever holds the database for a moment.
const BUSY: Duration = Duration::from_secs(5);

/// When a copy that found the database locked is tried again.
const COPY_AGAIN: Duration = Duration::from_millis(10);

/// Samples with what a person changed about them.
const EDITED: &str = "
SELECT s.path, s.class, s.split, s.grp, s.kind, s.width, s.height, s.channels, s.bits, s.bytes,
       coalesce(e.excluded, s.excluded), e.label
FROM samples s LEFT JOIN edits e ON e.path = s.path ORDER BY s.path";

/// Samples as their folder was read.
const AS_READ: &str = "
SELECT path, class, split, grp, kind, width, height, channels, bits, bytes, excluded, NULL
FROM samples ORDER BY path";

/// A project, opened. Not for sharing between threads: one owns it.
#[derive(Debug)]
pub struct Project {
    pub(super) db: Connection,
    dir: PathBuf,
    name: String,
    read_only: Option<String>,
    /// Where the images are now, where a read-only project cannot write that down.
    pub(super) moved_source: Option<PathBuf>,
    /// Held, never read: dropping it ends the ownership.
    _lock: Option<File>,
}

/// Whether this process got the project's lock.
enum Ownership {
    Mine(File),
    NotMine(&'static str),
}

fn take_lock(dir: &Path) -> Result<Ownership, ProjectError> {
    let path = dir.join(LOCK);
    let file = match OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path) {
        Ok(file) => file,
        Err(e) if matches!(e.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => {
            return Ok(Ownership::NotMine(NOT_WRITABLE));
        }
        Err(e) => return Err(ProjectError::io("open the lock file", &path, e)),
    };
    match file.try_lock() {
        Ok(()) => Ok(Ownership::Mine(file)),
        Err(TryLockError::WouldBlock) => Ok(Ownership::NotMine(OWNED)),
        Err(TryLockError::Error(e)) => Err(ProjectError::io("lock the project", &path, e)),
    }
}

/// Opens the database file without changing it, with everything off that a hostile schema could use.
fn connect(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(BUSY)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    db.pragma_update(None, "foreign_keys", true)?;
    Ok(db)
}

/// A database of an older schema as it is now, in memory and brought up to date there.
fn up_to_date_copy(db: &Connection, version: i64) -> rusqlite::Result<Connection> {
    let mut copy = connect(Path::new(":memory:"), writable())?;
    // All pages in one step, so that no commit comes between two of them.
    Backup::new(db, &mut copy)?.run_to_completion(c_int::MAX, COPY_AGAIN, None)?;
    schema::migrate(&copy, version)?;
    Ok(copy)
}

/// Makes every commit survive a power cut, and readers not wait for the writer.
fn make_durable(db: &Connection) -> rusqlite::Result<()> {
    db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "FULL")
}

fn writable() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
}

/// Refuses a place for a project that lies in the image folder, where nothing is ever written.
///
/// # Errors
/// [`ProjectError::InsideSource`].
pub fn check_place(dir: &Path, source: &Path) -> Result<(), ProjectError> {
    let (dir, source) = (source::real(dir), source::real(source));
    if dir.starts_with(&source) { Err(ProjectError::InsideSource(dir)) } else { Ok(()) }
}

impl Project {
    /// Makes a project in a folder that is new or empty. A making that was interrupted is finished.
    ///
    /// # Errors
    /// A project or anything else is there; the folder cannot be written; another process is making it.
    pub fn create(dir: &Path, name: &str) -> Result<Self, ProjectError> {
        let dir = &source::real(dir);
        fs::create_dir_all(dir).map_err(|e| ProjectError::io("make the folder", dir, e))?;
        let entries = fs::read_dir(dir).map_err(|e| ProjectError::io("read the folder", dir, e))?;
        let ours = [LOCK, MODELS, CANDIDATES, RUNS];
        for entry in entries {
            let entry = entry.map_err(|e| ProjectError::io("read the folder", dir, e))?.file_name();
            let entry = entry.to_string_lossy();
            if !ours.contains(&&*entry) && !entry.starts_with(DATABASE) {
                return Err(ProjectError::NotEmpty(dir.clone()));
            }
        }
        let lock = match take_lock(dir)? {
            Ownership::Mine(lock) => lock,
            Ownership::NotMine(NOT_WRITABLE) => return Err(ProjectError::Denied(dir.clone())),
            Ownership::NotMine(_) => return Err(ProjectError::AlreadyExists(dir.clone())),
        };
        for folder in [MODELS, CANDIDATES, RUNS] {
            let path = dir.join(folder);
            fs::create_dir_all(&path).map_err(|e| ProjectError::io("make the folder", &path, e))?;
        }
        let path = dir.join(DATABASE);
        let failed = |e| ProjectError::sqlite(&path, e);
        let db = connect(&path, writable()).map_err(failed)?;
        match schema::look(&db).map_err(failed)? {
            Found::Nothing => {}
            Found::Foreign => return Err(ProjectError::WrongFile(path)),
            Found::Version(_) => return Err(ProjectError::AlreadyExists(dir.clone())),
        }
        make_durable(&db).map_err(failed)?;
        schema::migrate(&db, 0).map_err(failed)?;
        let project = Project {
            db,
            dir: dir.clone(),
            name: name.to_owned(),
            read_only: None,
            moved_source: None,
            _lock: Some(lock),
        };
        project.set_info("name", name)?;
        sync_folder(dir).map_err(|e| ProjectError::io("write the folder", dir, e))?;
        Ok(project)
    }

    /// Opens a project: as its owner where nobody else has it open and it can be written, else for reading.
    ///
    /// An older schema is brought up to date; runs that were killed are marked interrupted; candidate files
    /// without a row are removed. Where it is opened for reading nothing of this is done, see
    /// [`Project::open_read_only`].
    ///
    /// # Errors
    /// No project, another program's database, a newer schema, a damaged database.
    pub fn open(dir: &Path) -> Result<Self, ProjectError> {
        let dir = source::real(dir);
        if !dir.join(DATABASE).is_file() {
            return Err(ProjectError::NotAProject(dir));
        }
        match take_lock(&dir)? {
            Ownership::Mine(lock) => {
                let project = Self::open_as(dir, None, Some(lock))?;
                let interrupted = "UPDATE runs SET status = 'interrupted' WHERE status = 'running'";
                project.sql(project.db.execute(interrupted, []))?;
                project.sweep_candidates()?;
                Ok(project)
            }
            Ownership::NotMine(reason) => Self::open_as(dir, Some(reason), None),
        }
    }

    /// Opens a project for reading, whoever owns it; what was committed is seen.
    ///
    /// A project of an older schema is read from a copy in memory, as it is at this moment: what its version
    /// did not keep is not there, and its folder stays as it is.
    ///
    /// # Errors
    /// As for [`Project::open`].
    pub fn open_read_only(dir: &Path) -> Result<Self, ProjectError> {
        let dir = source::real(dir);
        if !dir.join(DATABASE).is_file() {
            return Err(ProjectError::NotAProject(dir));
        }
        Self::open_as(dir, Some(ASKED), None)
    }

    /// Opens the project in this folder, or makes one of this name where there is none.
    ///
    /// # Errors
    /// As for [`Project::open`] and [`Project::create`].
    pub fn open_or_create(dir: &Path, name: &str) -> Result<Self, ProjectError> {
        match Self::open(dir) {
            Err(ProjectError::NotAProject(_)) => Self::create(dir, name),
            other => other,
        }
    }

    fn open_as(dir: PathBuf, reason: Option<&str>, lock: Option<File>) -> Result<Self, ProjectError> {
        let path = dir.join(DATABASE);
        let failed = |e| ProjectError::sqlite(&path, e);
        let access = if lock.is_some() { writable() } else { OpenFlags::SQLITE_OPEN_READ_ONLY };
        let mut db = connect(&path, access).map_err(failed)?;
        let version = match schema::look(&db).map_err(failed)? {
            Found::Nothing => return Err(ProjectError::NotAProject(dir)),
            Found::Foreign => return Err(ProjectError::WrongFile(path)),
            Found::Version(found) if found > schema::NEWEST => {
                return Err(ProjectError::Newer { found, known: schema::NEWEST, path });
            }
            Found::Version(version) => version,
        };
        let check: String = db.pragma_query_value(None, "quick_check", |row| row.get(0)).map_err(failed)?;
        if check != "ok" {
            return Err(ProjectError::Corrupt { what: check, path });
        }
        if lock.is_some() {
            make_durable(&db).map_err(failed)?;
        }
        if version < schema::NEWEST {
            if lock.is_some() {
                schema::migrate(&db, version).map_err(failed)?;
            } else {
                db = up_to_date_copy(&db, version).map_err(failed)?;
            }
        }
        let mut project = Project {
            db,
            dir,
            name: String::new(),
            read_only: reason.map(str::to_owned),
            moved_source: None,
            _lock: lock,
        };
        project.name = project.info("name")?.unwrap_or_default();
        Ok(project)
    }

    /// The project folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// True where nothing can be changed.
    pub fn is_read_only(&self) -> bool {
        self.read_only.is_some()
    }

    /// Why nothing can be changed, a phrase.
    pub fn read_only_reason(&self) -> Option<&str> {
        self.read_only.as_deref()
    }

    /// The place of a model file of this name.
    ///
    /// # Errors
    /// A name that leaves the folder.
    pub fn model_path(&self, name: &str) -> Result<PathBuf, ProjectError> {
        let models = self.dir.join(MODELS);
        if files::is_inside(name) {
            Ok(models.join(name))
        } else {
            Err(ProjectError::Outside { file: name.to_owned(), path: models })
        }
    }

    /// The folder of what runs leave behind, such as checkpoints.
    pub fn runs_dir(&self) -> PathBuf {
        self.dir.join(RUNS)
    }

    /// Replaces the data set. Edits stay with their paths; candidates and decisions stay. Where it holds out
    /// images that were in training, the runs so far are marked, see [`Project::made_before_cut`].
    ///
    /// # Errors
    /// Read-only; a root that is not Unicode or holds the project; files that cannot be read for their hash.
    pub fn set_dataset(&mut self, dataset: &Dataset) -> Result<(), ProjectError> {
        self.check_writable()?;
        let root = source::real(&dataset.root);
        check_place(&self.dir, &root)?;
        let (root_text, from_project) = source::as_text(&self.dir, &root)?;
        let fingerprint = source::fingerprint(&root, &dataset.samples)?;
        let unreadable: Vec<(&str, &str)> =
            dataset.unreadable.iter().map(|u| (u.path.as_str(), u.reason.as_str())).collect();
        // One that is not there, or cannot be read, is only replaced.
        let before = self.dataset_of(AS_READ).ok();
        let tx = self.begin()?;
        if before.is_some_and(|before| dataset.held_out_since(&before) > 0) {
            let newest = tx.query_row("SELECT max(id) FROM runs", [], |row| row.get::<_, Option<RunId>>(0));
            if let Some(newest) = self.sql(newest)? {
                self.set_info(HELD_OUT_AFTER, &newest.to_string())?;
            }
        }
        let write = || -> rusqlite::Result<()> {
            tx.execute("DELETE FROM samples", [])?;
            tx.execute(
                "INSERT OR REPLACE INTO dataset VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    root_text,
                    from_project,
                    json(&dataset.classes)?,
                    dataset.has_splits,
                    json(&unreadable)?,
                    i64::try_from(dataset.ignored).unwrap_or(i64::MAX),
                    json(&dataset.notes)?,
                    json(&fingerprint)?,
                ],
            )?;
            let mut insert =
                tx.prepare("INSERT INTO samples VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")?;
            for sample in &dataset.samples {
                insert.execute(params![
                    sample.path,
                    i64::try_from(sample.class).unwrap_or(i64::MAX),
                    sample.split.as_str(),
                    sample.group,
                    sample.kind.as_str(),
                    sample.info.width,
                    sample.info.height,
                    sample.info.channels,
                    sample.info.bits,
                    i64::try_from(sample.info.bytes).unwrap_or(i64::MAX),
                    sample.excluded,
                ])?;
            }
            Ok(())
        };
        self.sql(write())?;
        match &dataset.table {
            Some(table) => self.set_info(TABLE, table)?,
            None => {
                self.sql(tx.execute("DELETE FROM info WHERE key = ?1", [TABLE]))?;
            }
        }
        self.sql(tx.commit())?;
        self.moved_source = None;
        Ok(())
    }

    /// Cuts parts off the data set as it was read, so that edits stay edits and reading the folder again cuts the
    /// same parts; see [`cut`]. One that has splits stays as it is.
    ///
    /// # Errors
    /// As for [`Project::set_dataset`] and [`Project::dataset`].
    pub fn cut_splits(&mut self, shares: Shares, seed: u64) -> Result<(), ProjectError> {
        let mut dataset = self.dataset_of(AS_READ)?;
        if dataset.has_splits {
            return Ok(());
        }
        cut(&mut dataset, shares, seed);
        self.set_dataset(&dataset)
    }

    /// True once a data set was stored.
    ///
    /// # Errors
    /// The database fails.
    pub fn has_dataset(&self) -> Result<bool, ProjectError> {
        self.sql(self.db.query_row("SELECT EXISTS (SELECT 1 FROM dataset)", [], |row| row.get(0)))
    }

    /// The data set with the edits (relabelled, excluded) applied; samples sorted by path.
    ///
    /// # Errors
    /// No data set yet; a path that leaves the source folder; a class that does not exist.
    pub fn dataset(&self) -> Result<Dataset, ProjectError> {
        self.dataset_of(EDITED)
    }

    /// The data set with the samples that this query gives.
    fn dataset_of(&self, samples: &str) -> Result<Dataset, ProjectError> {
        let root = self.root()?.ok_or_else(|| ProjectError::NoDataset(self.dir.clone()))?;
        let table = self.info(TABLE)?.filter(|table| files::is_inside(table));
        let head = self.sql(self.db.query_row(
            "SELECT classes, has_splits, unreadable, ignored, notes FROM dataset",
            [],
            |row| {
                let unreadable: Vec<(String, String)> = from_json(row, 2)?;
                Ok(Dataset {
                    root,
                    table,
                    classes: from_json(row, 0)?,
                    samples: Vec::new(),
                    has_splits: row.get(1)?,
                    unreadable: unreadable
                        .into_iter()
                        .map(|(path, reason)| Unreadable { path, reason })
                        .collect(),
                    ignored: usize::try_from(row.get::<_, i64>(3)?).unwrap_or(0),
                    notes: from_json(row, 4)?,
                })
            },
        ))?;
        self.with_samples(head, samples)
    }

    fn with_samples(&self, mut dataset: Dataset, query: &str) -> Result<Dataset, ProjectError> {
        let of_name: HashMap<&str, usize> =
            dataset.classes.iter().enumerate().map(|(class, name)| (name.as_str(), class)).collect();
        let mut statement = self.sql(self.db.prepare(query))?;
        let mut rows = self.sql(statement.query([]))?;
        let (mut samples, mut lost_labels) = (Vec::new(), 0_usize);
        while let Some(row) = self.sql(rows.next())? {
            let (mut sample, label) = self.sql(sample(row))?;
            if !files::is_inside(&sample.path) {
                return Err(ProjectError::Outside { file: sample.path, path: dataset.root });
            }
            if let Some(label) = label {
                match of_name.get(label.as_str()) {
                    Some(&class) => sample.class = class,
                    None => lost_labels += 1,
                }
            }
            if sample.class >= dataset.classes.len() {
                let what = format!("class number {}", sample.class);
                return Err(ProjectError::Corrupt { what, path: self.dir.join(DATABASE) });
            }
            samples.push(sample);
        }
        dataset.samples = samples;
        if lost_labels > 0 {
            dataset.notes.push(format!(
                "{lost_labels} relabelled images have the class of their folder again, because the class \
                 they were given is gone"
            ));
        }
        Ok(dataset)
    }

    /// True where images that were in the training part when this run began may be held out now: what it made can
    /// hold what a test must not have been learnt from.
    ///
    /// # Errors
    /// The database fails.
    pub fn made_before_cut(&self, run: RunId) -> Result<bool, ProjectError> {
        // What is no number marks every run: nobody knows which it was.
        let last = self.info(HELD_OUT_AFTER)?.map(|text| text.parse().unwrap_or(RunId::MAX));
        Ok(last.is_some_and(|last| run <= last))
    }

    /// The choices of this project; defaults where nothing was chosen.
    ///
    /// # Errors
    /// Settings that cannot be understood.
    pub fn settings(&self) -> Result<Settings, ProjectError> {
        let Some(text) = self.info("settings")? else {
            return Ok(Settings::default());
        };
        serde_json::from_str(&text).map_err(|e| ProjectError::Corrupt {
            what: format!("settings: {e}"),
            path: self.dir.join(DATABASE),
        })
    }

    /// Stores the choices.
    ///
    /// # Errors
    /// Read-only, or the database fails.
    pub fn set_settings(&mut self, settings: &Settings) -> Result<(), ProjectError> {
        self.check_writable()?;
        let text = self.sql(json(settings))?;
        self.set_info("settings", &text)
    }

    pub(super) fn info(&self, key: &str) -> Result<Option<String>, ProjectError> {
        let query = "SELECT value FROM info WHERE key = ?1";
        self.sql(self.db.query_row(query, [key], |row| row.get(0)).optional())
    }

    fn set_info(&self, key: &str, value: &str) -> Result<(), ProjectError> {
        self.sql(self.db.execute("INSERT OR REPLACE INTO info VALUES (?1, ?2)", [key, value]))?;
        Ok(())
    }

    /// Removes candidate files without a row. For the owner alone.
    pub(super) fn sweep_candidates(&self) -> Result<usize, ProjectError> {
        let mut statement = self.sql(self.db.prepare("SELECT file FROM candidates"))?;
        let known: rusqlite::Result<HashSet<String>> =
            self.sql(statement.query_map([], |row| row.get::<_, String>(0)))?.collect();
        Ok(files::sweep(&self.dir, &self.sql(known)?))
    }

    pub(super) fn check_writable(&self) -> Result<(), ProjectError> {
        match &self.read_only {
            None => Ok(()),
            Some(reason) => Err(ProjectError::ReadOnly { reason: reason.clone(), path: self.dir.clone() }),
        }
    }

    pub(super) fn begin(&self) -> Result<Transaction<'_>, ProjectError> {
        self.sql(Transaction::new_unchecked(&self.db, TransactionBehavior::Immediate))
    }

    /// Gives a database error its place and sentence.
    pub(super) fn sql<T>(&self, result: rusqlite::Result<T>) -> Result<T, ProjectError> {
        result.map_err(|e| ProjectError::sqlite(&self.dir.join(DATABASE), e))
    }
}

/// A value as JSON text for the database.
pub(super) fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}

/// JSON text of the database as a value.
pub(super) fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(e)))
}

/// A word of the database as what it stands for.
pub(super) fn word<T>(
    row: &Row<'_>,
    column: usize,
    parse: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    parse(&text).ok_or_else(|| {
        let what = format!("unknown word \"{}\"", text.escape_debug());
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, what.into())
    })
}

/// A sample with the class of its folder, and the label it was given instead.
fn sample(row: &Row<'_>) -> rusqlite::Result<(Sample, Option<String>)> {
    let sample = Sample {
        path: row.get(0)?,
        class: usize::try_from(row.get::<_, i64>(1)?).unwrap_or(usize::MAX),
        split: word(row, 2, Split::parse)?,
        group: row.get(3)?,
        kind: word(row, 4, Kind::parse)?,
        info: ImageInfo {
            width: row.get(5)?,
            height: row.get(6)?,
            channels: row.get(7)?,
            bits: row.get(8)?,
            bytes: u64::try_from(row.get::<_, i64>(9)?).unwrap_or(0),
        },
        excluded: row.get(10)?,
    };
    Ok((sample, row.get(11)?))
}
