//! The schema of `project.sqlite` and its migrations.
//!
//! Version n is what the first n migrations make, in order, from nothing: a new project runs them all, an old
//! one those it lacks, in its file where it is opened for writing and in a copy where it is only read. A
//! migration that was released is never changed.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// `cpoi`: says whose database this is.
pub(super) const APPLICATION_ID: i64 = 0x6370_6f69;

/// The newest schema.
pub(super) const NEWEST: i64 = MIGRATIONS.len() as i64;

const MIGRATIONS: [&str; 4] = [V1, V2, V3, V4];

const V1: &str = "
CREATE TABLE info (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE dataset (
    id INTEGER PRIMARY KEY CHECK (id = 1), root TEXT NOT NULL, from_project TEXT, classes TEXT NOT NULL,
    has_splits INTEGER NOT NULL, unreadable TEXT NOT NULL, ignored INTEGER NOT NULL, notes TEXT NOT NULL,
    fingerprint TEXT NOT NULL
) STRICT;
CREATE TABLE samples (
    path TEXT PRIMARY KEY, class INTEGER NOT NULL, split TEXT NOT NULL, grp TEXT, kind TEXT NOT NULL,
    width INTEGER NOT NULL, height INTEGER NOT NULL, channels INTEGER NOT NULL, bits INTEGER NOT NULL,
    bytes INTEGER NOT NULL, excluded INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE edits (path TEXT PRIMARY KEY, label TEXT, excluded INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, config TEXT NOT NULL, status TEXT NOT NULL
) STRICT;
CREATE TABLE candidates (
    id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL REFERENCES runs (id), class TEXT NOT NULL,
    slot INTEGER NOT NULL, attempt INTEGER NOT NULL, file TEXT NOT NULL, sha256 TEXT NOT NULL,
    method TEXT NOT NULL, model_hash TEXT NOT NULL, kind TEXT NOT NULL, seed INTEGER NOT NULL,
    seed_file TEXT, seed_class TEXT, seed_sha256 TEXT, p_accept REAL, draw REAL, confidence REAL,
    threshold REAL, score_name TEXT, score REAL, verdict TEXT NOT NULL, nearest_file TEXT,
    nearest_distance REAL, extra TEXT NOT NULL, UNIQUE (run, class, slot, attempt)
) STRICT;
CREATE TABLE decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, step INTEGER NOT NULL,
    candidate INTEGER NOT NULL REFERENCES candidates (id), decision TEXT NOT NULL, decided_by TEXT
) STRICT;
CREATE TABLE steps (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, sentence TEXT NOT NULL, payload TEXT NOT NULL,
    done INTEGER NOT NULL
) STRICT;
";

/// When a run began and a decision was taken (seconds since 1970), the newest decision of a candidate found
/// by index, and decisions that cannot be changed or removed once they stand.
const V2: &str = "
ALTER TABLE runs ADD COLUMN started INTEGER;
ALTER TABLE decisions ADD COLUMN decided_at INTEGER;
CREATE INDEX decisions_of_candidate ON decisions (candidate);
CREATE TRIGGER decisions_stay BEFORE UPDATE ON decisions
    BEGIN SELECT RAISE(ABORT, 'decisions are only ever added'); END;
CREATE TRIGGER decisions_are_kept BEFORE DELETE ON decisions
    BEGIN SELECT RAISE(ABORT, 'decisions are only ever added'); END;
";

/// What was measured of the made images of a class when they were made; runs before it have none.
const V3: &str = "
CREATE TABLE quality (
    id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL REFERENCES runs (id), class TEXT NOT NULL,
    made INTEGER NOT NULL, originals INTEGER NOT NULL, UNIQUE (run, class)
) STRICT;
CREATE TABLE figures (
    id INTEGER PRIMARY KEY AUTOINCREMENT, quality INTEGER NOT NULL REFERENCES quality (id),
    features TEXT NOT NULL, name TEXT NOT NULL, value REAL NOT NULL, sd REAL, floor REAL,
    n_real INTEGER NOT NULL, n_made INTEGER NOT NULL, UNIQUE (quality, features, name)
) STRICT;
";

/// Reports of comparisons of treatments, and the folders that were exported.
const V4: &str = "
CREATE TABLE comparisons (
    run INTEGER PRIMARY KEY REFERENCES runs (id), ended INTEGER NOT NULL, report TEXT NOT NULL
) STRICT;
CREATE TABLE exports (
    id INTEGER PRIMARY KEY AUTOINCREMENT, folder TEXT NOT NULL UNIQUE, exported INTEGER NOT NULL
) STRICT;
";

/// What a database file is, before anything in it is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// No table yet: a project whose making was interrupted, or that is being made.
    Nothing,
    Foreign,
    Version(i64),
}

pub(super) fn look(db: &Connection) -> rusqlite::Result<Found> {
    let number = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    if application == APPLICATION_ID && version > 0 {
        return Ok(Found::Version(version));
    }
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(if application == 0 && version == 0 && tables == 0 { Found::Nothing } else { Found::Foreign })
}

/// Brings the schema from `from` to the newest in one transaction; from 0 it makes a new one.
pub(super) fn migrate(db: &Connection, from: i64) -> rusqlite::Result<()> {
    let tx = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
    for migration in MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or(0)) {
        tx.execute_batch(migration)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", NEWEST)?;
    tx.commit()
}
