//! The store: what it keeps, what it refuses, undo across restarts, migrations, moved folders, hostile files.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use counterpoise::domain::decisions::{DecidedBy, Decision};
use counterpoise::domain::plan::Target;
use counterpoise::domain::splits::{Shares, Split, cut};
use counterpoise::jobs::store::{StoreCommand, StoreEvent, StoreHandle, patch};
use counterpoise::project::comparisons::EVALUATE;
use counterpoise::project::quality::{DIVERSITY, JUDGE, NEAR_COPIES, PIXELS};
use counterpoise::project::{
    CandidateSink, ClassQuality, Project, ProjectError, QualityFigure, Recent, Settings, default_place,
    recent,
};
use rusqlite::Connection;
use serde_json::json;

#[path = "common/store.rs"]
mod support;

use support::{Bench, candidates, folder};

fn decisions(project: &Project) -> Vec<(Decision, Option<DecidedBy>)> {
    project.candidates().unwrap().into_iter().map(|c| (c.decision, c.decided_by)).collect()
}

fn paths(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn what_is_stored_comes_back() {
    let bench = Bench::new(3);
    let mut project = bench.open();
    let mut dataset = folder(&bench.source);
    dataset.root = fs::canonicalize(&dataset.root).unwrap();
    assert_eq!(project.dataset().unwrap(), dataset);
    assert_eq!(project.name(), "pets");
    assert!(!project.is_read_only());

    let rows = project.candidates().unwrap();
    let run = project.runs().unwrap().pop().unwrap();
    assert_eq!((run.status.as_str(), run.kind.as_str()), ("finished", "generate"));
    assert_eq!(rows.iter().map(|c| c.id).collect::<Vec<_>>(), bench.ids);
    assert_eq!(rows[1].seed, u64::MAX - 1, "64 bit seeds keep their bits");
    assert_eq!(rows[0].parts.confidence, Some(0.1 + 0.2), "numbers keep their bits");
    assert_eq!(rows[0].extra, json!({ "steps": 10 }));
    assert_eq!(rows[0].decision, Decision::Undecided);
    assert!(project.candidate_file(&rows[0]).unwrap().is_file());
    assert!(project.source_file("cat/0.png").unwrap().is_file());

    assert_eq!(project.settings().unwrap(), Settings::default());
    let settings = Settings { target: Target::Ratio(2.0), seed: 7, ..Settings::default() };
    project.set_settings(&settings).unwrap();
    drop(project);
    assert_eq!(bench.open().settings().unwrap(), settings);
}

#[test]
fn decisions_undo_and_redo_across_restarts() {
    let bench = Bench::new(4);
    let person = Some(DecidedBy::Person);
    let mut project = bench.open();
    let step = project.decide(&bench.ids[..2], Decision::Accepted, DecidedBy::Person).unwrap();
    assert_eq!(step.sentence, "accept 2 candidates");
    assert_eq!(step.decided.len(), 2);
    project.decide(&bench.ids[1..2], Decision::Rejected, DecidedBy::Person).unwrap();
    let after = decisions(&project);
    assert_eq!(after[0], (Decision::Accepted, person));
    assert_eq!(after[1], (Decision::Rejected, person));

    drop(project);
    let mut project = bench.open();
    assert_eq!(decisions(&project), after);
    assert_eq!(project.can_undo().unwrap().as_deref(), Some("reject 1 candidate"));
    let undone = project.undo().unwrap().unwrap();
    assert_eq!(undone.decided[0].decision, Decision::Accepted);
    drop(project);
    let mut project = bench.open();
    assert_eq!(project.can_redo().unwrap().as_deref(), Some("reject 1 candidate"));
    project.undo().unwrap().unwrap();
    assert!(decisions(&project).iter().all(|d| *d == (Decision::Undecided, None)));
    assert!(project.undo().unwrap().is_none());
    project.redo().unwrap().unwrap();
    project.redo().unwrap().unwrap();
    assert!(project.redo().unwrap().is_none());
    assert_eq!(decisions(&project), after);

    // A new step drops what was undone; a step that changes nothing is none.
    project.undo().unwrap().unwrap();
    project.decide(&bench.ids[3..], Decision::Rejected, DecidedBy::Person).unwrap();
    assert!(project.can_redo().unwrap().is_none());
    let nothing = project.decide(&bench.ids[3..], Decision::Rejected, DecidedBy::Person).unwrap();
    assert_eq!((nothing.seq, nothing.decided.len()), (0, 0));
}

#[test]
fn the_verdict_decides_what_nobody_decided() {
    let bench = Bench::new(4);
    let mut project = bench.open();
    project.decide(&bench.ids[..1], Decision::Rejected, DecidedBy::Person).unwrap();
    let run = project.latest_run().unwrap().unwrap();
    let step = project.decide_by_verdict(run).unwrap();
    assert_eq!(step.decided.len(), 3);
    let (person, rule) = (Some(DecidedBy::Person), Some(DecidedBy::Rule));
    let want = [
        (Decision::Rejected, person),
        (Decision::Rejected, rule),
        (Decision::Accepted, rule),
        (Decision::Rejected, rule),
    ];
    assert_eq!(decisions(&project), want);
}

#[test]
fn decisions_are_only_ever_added() {
    let bench = Bench::new(1);
    let mut project = bench.open();
    project.decide(&bench.ids, Decision::Accepted, DecidedBy::Person).unwrap();
    project.undo().unwrap();
    drop(project);
    let db = Connection::open(bench.dir.join("project.sqlite")).unwrap();
    let rows: i64 = db.query_row("SELECT count(*) FROM decisions", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 2);
    assert!(db.execute("DELETE FROM decisions", []).is_err());
    assert!(db.execute("UPDATE decisions SET decision = 'rejected'", []).is_err());
}

#[test]
fn edits_apply_undo_and_outlive_a_new_scan() {
    let bench = Bench::new(0);
    let mut project = bench.open();
    let step = project.relabel(&paths(&["dog/0.png", "dog/1.png"]), "cat").unwrap();
    assert!(step.edited);
    project.exclude(&paths(&["dog/2.png"]), true).unwrap();
    assert_eq!(project.dataset().unwrap().training_counts(), [5, 3]);
    project.set_dataset(&folder(&bench.source)).unwrap();
    drop(project);
    let mut project = bench.open();
    assert_eq!(project.dataset().unwrap().training_counts(), [5, 3]);
    assert_eq!(project.undo().unwrap().unwrap().sentence, "exclude 1 image");
    assert_eq!(project.dataset().unwrap().training_counts(), [5, 4]);
    project.undo().unwrap();
    assert_eq!(project.dataset().unwrap().training_counts(), [3, 6]);

    assert!(matches!(project.relabel(&paths(&["dog/0.png"]), "bird"), Err(ProjectError::UnknownClass(_))));
    let unknown = project.exclude(&paths(&["dog/0.png", "dog/99.png"]), true);
    assert!(matches!(unknown, Err(ProjectError::UnknownImage(_))));
    assert_eq!(project.dataset().unwrap().training_counts(), [3, 6], "a refused gesture changes nothing");
    let unknown = project.decide(&[12345], Decision::Accepted, DecidedBy::Person);
    assert!(matches!(unknown, Err(ProjectError::UnknownCandidate(12345))));
}

#[test]
fn a_cut_keeps_edits_as_edits_and_is_that_of_a_new_scan() {
    let bench = Bench::new(0);
    let mut project = bench.open();
    project.relabel(&paths(&["dog/0.png", "dog/1.png"]), "cat").unwrap();
    project.exclude(&paths(&["dog/2.png"]), true).unwrap();
    let shares: Shares = "50/25/25".parse().unwrap();
    project.cut_splits(shares, 3).unwrap();
    let edited = project.dataset().unwrap();
    assert!(edited.has_splits);
    assert_eq!(edited.samples.iter().filter(|s| s.class == 0).count(), 5);
    assert_eq!(edited.samples.iter().filter(|s| s.excluded).count(), 1);

    let mut scanned = folder(&bench.source);
    cut(&mut scanned, shares, 3);
    let splits = |samples: &[counterpoise::domain::samples::Sample]| -> Vec<Split> {
        samples.iter().map(|sample| sample.split).collect()
    };
    assert_eq!(splits(&edited.samples), splits(&scanned.samples));
    project.undo().unwrap();
    project.undo().unwrap();
    assert_eq!(project.dataset().unwrap().samples, scanned.samples, "undo reaches edits from before the cut");
    project.cut_splits(shares, 4).unwrap();
    assert_eq!(project.dataset().unwrap().samples, scanned.samples, "what is cut is not cut again");
}

#[test]
fn the_csv_that_the_images_were_read_from_is_kept() {
    let bench = Bench::new(0);
    let mut project = bench.open();
    let root = fs::canonicalize(&bench.source).unwrap();
    assert_eq!(project.dataset().unwrap().source(), root, "none is known of a folder");
    let listed = counterpoise::domain::samples::Dataset {
        table: Some("labels.CSV".to_owned()),
        ..folder(&bench.source)
    };
    project.set_dataset(&listed).unwrap();
    project.cut_splits("50/25/25".parse().unwrap(), 0).unwrap();
    drop(project);
    let mut project = bench.open();
    assert_eq!(project.dataset().unwrap().source(), root.join("labels.CSV"));

    let db = Connection::open(bench.dir.join("project.sqlite")).unwrap();
    db.execute("UPDATE info SET value = '../labels.csv' WHERE key = 'table'", []).unwrap();
    assert_eq!(project.dataset().unwrap().table, None, "nothing outside of the folder is read");
    project.set_dataset(&listed).unwrap();
    project.set_dataset(&folder(&bench.source)).unwrap();
    assert_eq!(project.dataset().unwrap().table, None, "now the folders say it");
}

#[test]
fn the_second_window_reads_and_says_so() {
    let bench = Bench::new(2);
    let mut first = bench.open();
    let mut second = bench.open();
    assert!(second.is_read_only());
    let refused = second.decide(&bench.ids, Decision::Accepted, DecidedBy::Person).unwrap_err();
    assert!(matches!(refused, ProjectError::ReadOnly { .. }));
    assert!(refused.to_string().contains("close the other"), "{refused}");
    first.decide(&bench.ids, Decision::Accepted, DecidedBy::Person).unwrap();
    assert_eq!(decisions(&second)[0].0, Decision::Accepted, "what was committed is seen");
    drop(second);
    assert!(!first.is_read_only());
    drop(first);
    assert!(!bench.open().is_read_only(), "the lock ends with its owner");
}

/// The schema as version 1 wrote it, with one decided candidate. It never changes.
const VERSION_1: &str = "
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
INSERT INTO info VALUES ('name', 'old');
INSERT INTO runs (kind, config, status) VALUES ('generate', '{}', 'running');
INSERT INTO candidates (run, class, slot, attempt, file, sha256, method, model_hash, kind, seed, verdict,
    extra) VALUES (1, 'cat', 0, 0, 'candidates/1/a.png', '00', 'm2m', '', 'derived', 5, 'accepted', '{}');
INSERT INTO steps (kind, sentence, payload, done) VALUES ('decide', 'accept 1 candidate',
    '{\"Decisions\":[[1,[\"undecided\",null],[\"accepted\",\"person\"]]]}', 1);
INSERT INTO decisions (step, candidate, decision, decided_by) VALUES (1, 1, 'accepted', 'person');
PRAGMA application_id = 1668312937;
PRAGMA user_version = 1;
";

/// What version 2 added. It never changes.
const VERSION_2: &str = "
ALTER TABLE runs ADD COLUMN started INTEGER;
ALTER TABLE decisions ADD COLUMN decided_at INTEGER;
CREATE INDEX decisions_of_candidate ON decisions (candidate);
CREATE TRIGGER decisions_stay BEFORE UPDATE ON decisions
    BEGIN SELECT RAISE(ABORT, 'decisions are only ever added'); END;
CREATE TRIGGER decisions_are_kept BEFORE DELETE ON decisions
    BEGIN SELECT RAISE(ABORT, 'decisions are only ever added'); END;
PRAGMA user_version = 2;
";

/// What version 3 added. It never changes.
const VERSION_3: &str = "
CREATE TABLE quality (
    id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL REFERENCES runs (id), class TEXT NOT NULL,
    made INTEGER NOT NULL, originals INTEGER NOT NULL, UNIQUE (run, class)
) STRICT;
CREATE TABLE figures (
    id INTEGER PRIMARY KEY AUTOINCREMENT, quality INTEGER NOT NULL REFERENCES quality (id),
    features TEXT NOT NULL, name TEXT NOT NULL, value REAL NOT NULL, sd REAL, floor REAL,
    n_real INTEGER NOT NULL, n_made INTEGER NOT NULL, UNIQUE (quality, features, name)
) STRICT;
PRAGMA user_version = 3;
";

fn old_project(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    Connection::open(dir.join("project.sqlite")).unwrap().execute_batch(VERSION_1).unwrap();
}

fn schema(dir: &Path) -> Vec<(String, String)> {
    let db = Connection::open(dir.join("project.sqlite")).unwrap();
    let mut query =
        db.prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").unwrap();
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn an_old_project_is_brought_up_to_date_with_its_decisions() {
    let bench = Bench::new(0);
    let dir = bench.temp.path().join("old");
    old_project(&dir);
    let mut project = Project::open(&dir).unwrap();
    assert_eq!(project.name(), "old");
    assert_eq!(decisions(&project), [(Decision::Accepted, Some(DecidedBy::Person))]);
    assert_eq!(project.runs().unwrap()[0].status, "interrupted");
    assert!(project.undo().unwrap().is_some(), "steps of the old version can be undone");
    assert_eq!(decisions(&project), [(Decision::Undecided, None)]);
    drop(project);
    assert_eq!(schema(&dir), schema(&bench.dir), "an old project ends with the schema of a new one");
}

#[test]
fn an_old_project_is_read_without_a_change_to_it() {
    let bench = Bench::new(0);
    let newer = [VERSION_2, VERSION_3];
    for version in 1..=3 {
        let dir = bench.temp.path().join(format!("version {version}"));
        old_project(&dir);
        let path = dir.join("project.sqlite");
        let db = Connection::open(&path).unwrap();
        newer[..version - 1].iter().for_each(|more| db.execute_batch(more).unwrap());
        // As an owner leaves it; the first stays as SQLite makes it.
        if version > 1 {
            db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
        }
        drop(db);
        let before = fs::read(&path).unwrap();
        let read = |mut project: Project| {
            assert!(project.is_read_only());
            assert_eq!(project.name(), "old");
            assert_eq!(decisions(&project), [(Decision::Accepted, Some(DecidedBy::Person))]);
            let run = project.runs().unwrap().pop().unwrap();
            assert_eq!((run.status.as_str(), run.started), ("running", None), "it may be at work");
            assert!(project.quality().unwrap().is_empty() && project.comparisons().unwrap().is_empty());
            assert!(project.exports().unwrap().is_empty());
            assert!(matches!(project.undo(), Err(ProjectError::ReadOnly { .. })));
        };
        read(Project::open_read_only(&dir).unwrap());
        if version == 1 {
            assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "nothing lies beside it");
        }
        // An older program owns it.
        let lock = fs::File::create(dir.join("project.lock")).unwrap();
        lock.lock().unwrap();
        read(Project::open(&dir).unwrap());
        drop(lock);
        assert!(fs::read(&path).unwrap() == before, "version {version}");

        let project = Project::open(&dir).unwrap();
        assert!(!project.is_read_only());
        drop(project);
        assert_eq!(schema(&dir), schema(&bench.dir), "its owner brings it up to date");
    }
}

#[test]
fn a_project_from_before_the_quality_of_runs_opens_with_none() {
    let bench = Bench::new(0);
    let dir = bench.temp.path().join("old");
    old_project(&dir);
    Connection::open(dir.join("project.sqlite")).unwrap().execute_batch(VERSION_2).unwrap();
    let mut project = Project::open(&dir).unwrap();
    assert_eq!(decisions(&project), [(Decision::Accepted, Some(DecidedBy::Person))]);
    let run = project.latest_run().unwrap().unwrap();
    assert!(project.quality().unwrap().is_empty());
    project.add_quality(run, &quality("cat")).unwrap();
    assert_eq!(project.quality().unwrap(), [quality("cat")]);
    drop(project);
    assert_eq!(schema(&dir), schema(&bench.dir));
}

#[test]
fn a_project_from_before_comparisons_opens_with_none() {
    let bench = Bench::new(0);
    let dir = bench.temp.path().join("old");
    old_project(&dir);
    let db = Connection::open(dir.join("project.sqlite")).unwrap();
    db.execute_batch(VERSION_2).unwrap();
    db.execute_batch(VERSION_3).unwrap();
    drop(db);
    let mut project = Project::open(&dir).unwrap();
    assert_eq!(decisions(&project), [(Decision::Accepted, Some(DecidedBy::Person))]);
    assert!(project.comparisons().unwrap().is_empty() && project.exports().unwrap().is_empty());
    let run = project.new_run(EVALUATE, &json!({ "seeds": 3 })).unwrap();
    project.add_comparison(run, "finished", &json!({ "acsa": 0.5 })).unwrap();
    assert_eq!(project.comparisons().unwrap().len(), 1);
    drop(project);
    assert_eq!(schema(&dir), schema(&bench.dir));
}

#[test]
fn comparisons_and_exports_come_back() {
    let bench = Bench::new(2);
    let mut project = bench.open();
    let candidates = project.candidates().unwrap();
    let config = json!({ "treatments": ["drs"], "seeds": 3 });
    let whole = project.new_run(EVALUATE, &config).unwrap();
    let report = json!({ "acsa": 0.1 + 0.2, "summary": ["drs is better"] });
    project.add_comparison(whole, "finished", &report).unwrap();
    let killed = project.new_run(EVALUATE, &config).unwrap();
    let (first, second) = (bench.temp.path().join("one"), bench.temp.path().join("two"));
    for folder in [&first, &second, &first] {
        project.add_export(folder).unwrap();
    }

    // Once, and of a run that compares.
    assert!(project.add_comparison(whole, "finished", &report).is_err());
    let generate = project.latest_run().unwrap().unwrap();
    for run in [generate, 99] {
        let refused = project.add_comparison(run, "finished", &report);
        assert!(matches!(refused, Err(ProjectError::UnknownRun(_))), "{run}");
    }
    drop(project);

    let project = bench.open();
    let rows = project.comparisons().unwrap();
    assert_eq!(rows.iter().map(|row| row.run).collect::<Vec<_>>(), [whole, killed], "the oldest first");
    assert_eq!((rows[0].status.as_str(), &rows[0].config), ("finished", &config));
    assert_eq!(rows[0].report.as_ref().unwrap()["summary"], report["summary"]);
    assert!(rows[0].started.is_some());
    assert_eq!((rows[1].status.as_str(), &rows[1].report), ("interrupted", &None), "it was never ended");
    assert_eq!(project.comparison(whole).unwrap(), rows[0]);
    assert!(matches!(project.comparison(generate), Err(ProjectError::UnknownRun(_))));
    let exports = project.exports().unwrap();
    let names: Vec<_> = exports.iter().map(|folder| folder.file_name().unwrap()).collect();
    assert_eq!(names, ["one", "two"], "the newest first, each once");
    assert_eq!(project.candidates().unwrap(), candidates, "no run of candidates is hidden by them");
    drop(project);

    let mut reader = Project::open_read_only(&bench.dir).unwrap();
    assert_eq!(reader.comparisons().unwrap(), rows);
    assert!(matches!(reader.add_comparison(killed, "kept", &report), Err(ProjectError::ReadOnly { .. })));
    assert!(matches!(reader.add_export(&first), Err(ProjectError::ReadOnly { .. })));
}

fn figure(features: &str, name: &str, value: f64, floor: Option<f64>) -> QualityFigure {
    let (features, name) = (features.to_owned(), name.to_owned());
    QualityFigure { features, name, value, sd: floor.map(|_| 0.1 + 0.2), floor, n_real: 20, n_made: 30 }
}

/// Not in the order of the alphabet, and one name under two features.
fn quality(class: &str) -> ClassQuality {
    let figures = vec![
        figure(JUDGE, "FD-g", 1.0 / 3.0, Some(0.1)),
        figure(JUDGE, "coverage", 0.5, None),
        figure("another", "coverage", 0.25, None),
        figure(PIXELS, DIVERSITY, 0.9, Some(1.0)),
        figure(PIXELS, NEAR_COPIES, 0.1, Some(0.0)),
    ];
    ClassQuality { class: class.to_owned(), made: 30, real: 40, figures }
}

#[test]
fn what_was_measured_of_a_run_comes_back() {
    let bench = Bench::new(2);
    let mut project = bench.open();
    assert!(project.quality().unwrap().is_empty());
    let first = project.latest_run().unwrap().unwrap();
    let bare = ClassQuality { class: "cat".to_owned(), made: 2, real: 3, figures: Vec::new() };
    let measured = [quality("dog"), bare];
    for one in &measured {
        project.add_quality(first, one).unwrap();
    }
    drop(project);
    let mut project = bench.open();
    assert_eq!(
        project.quality().unwrap(),
        measured,
        "numbers keep their bits, classes and figures their order"
    );
    assert_eq!(measured[0].near_copies(), Some(3));
    assert_eq!(measured[1].near_copies(), None);

    // Once, whole, and of a run that there is.
    assert!(project.add_quality(first, &quality("cat")).is_err());
    let mut broken = quality("eel");
    broken.figures[4].value = f64::NAN;
    assert!(project.add_quality(first, &broken).is_err());
    assert_eq!(project.quality().unwrap(), measured);
    assert!(matches!(project.add_quality(99, &quality("cat")), Err(ProjectError::UnknownRun(99))));

    // It belongs to its run.
    let second = project.new_run("generate", &json!({})).unwrap();
    project.finish_run(second, "finished").unwrap();
    assert!(project.quality().unwrap().is_empty());
    assert_eq!(project.quality_of(first).unwrap(), measured);
    let mut reader = Project::open_read_only(&bench.dir).unwrap();
    assert_eq!(reader.quality_of(first).unwrap(), measured);
    assert!(matches!(reader.add_quality(second, &quality("cat")), Err(ProjectError::ReadOnly { .. })));
}

#[test]
fn other_files_are_refused_in_a_sentence() {
    let bench = Bench::new(0);
    let open = |sql: &str| {
        let dir = tempfile::tempdir_in(bench.temp.path()).unwrap();
        let path = dir.path().join("project.sqlite");
        fs::copy(bench.dir.join("project.sqlite"), &path).unwrap();
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        Project::open(dir.path()).map(|_| ()).unwrap_err()
    };
    assert!(matches!(open("PRAGMA user_version = 999"), ProjectError::Newer { found: 999, .. }));
    assert!(matches!(open("PRAGMA application_id = 1"), ProjectError::WrongFile(_)));
    assert!(open("PRAGMA user_version = 999").to_string().contains("newer"));

    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(Project::open(empty.path()), Err(ProjectError::NotAProject(_))));
    fs::write(empty.path().join("project.sqlite"), b"not a database at all, but long enough for a header")
        .unwrap();
    assert!(matches!(Project::open(empty.path()), Err(ProjectError::Corrupt { .. })));
    assert!(matches!(Project::create(&bench.dir, "again"), Err(ProjectError::AlreadyExists(_))));
    assert!(matches!(Project::create(&bench.source, "here"), Err(ProjectError::NotEmpty(_))));

    // A making that was interrupted is finished.
    let begun = bench.temp.path().join("begun");
    fs::create_dir_all(begun.join("models")).unwrap();
    fs::write(begun.join("project.sqlite"), b"").unwrap();
    assert!(matches!(Project::open(&begun), Err(ProjectError::NotAProject(_))));
    assert_eq!(Project::open_or_create(&begun, "begun").unwrap().name(), "begun");
}

#[test]
fn a_project_never_lies_in_its_source() {
    let bench = Bench::new(0);
    let inside = bench.source.join("project");
    assert!(matches!(
        counterpoise::project::store::check_place(&inside, &bench.source),
        Err(ProjectError::InsideSource(_))
    ));
    assert!(!inside.exists());
}

#[test]
fn paths_of_a_hostile_database_do_not_leave_the_folders() {
    let bench = Bench::new(1);
    let db = Connection::open(bench.dir.join("project.sqlite")).unwrap();
    fs::write(bench.temp.path().join("secret.png"), b"secret").unwrap();
    for path in ["../../secret.png", "/etc/passwd", "candidates/../../../secret.png", ""] {
        db.execute("UPDATE candidates SET file = ?1", [path]).unwrap();
        let project = Project::open(&bench.dir).unwrap();
        let row = project.candidates().unwrap().pop().unwrap();
        assert!(project.candidate_file(&row).is_err(), "{path}");
        assert!(project.source_file(path).is_err(), "{path}");
    }
    db.execute("UPDATE samples SET path = '../../secret.png' WHERE path = 'cat/0.png'", []).unwrap();
    let project = Project::open(&bench.dir).unwrap();
    assert!(matches!(project.dataset(), Err(ProjectError::Outside { .. })));
    assert!(project.model_path("../x").is_err());
    assert!(project.model_path("m2m.safetensors").is_ok());
    drop(project);
    db.execute("UPDATE candidates SET verdict = 'whatever'", []).unwrap();
    assert!(matches!(bench.open().candidates(), Err(ProjectError::Corrupt { .. })));
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_project_is_not_followed() {
    let bench = Bench::new(1);
    let project = bench.open();
    let row = project.candidates().unwrap().pop().unwrap();
    let file = project.candidate_file(&row).unwrap();
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink(bench.source.join("cat/0.png"), &file).unwrap();
    assert!(matches!(project.candidate_file(&row), Err(ProjectError::Outside { .. })));
}

#[test]
fn files_without_rows_are_swept_and_rows_need_files() {
    let bench = Bench::new(2);
    let run_dir = bench.dir.join("candidates").join("1");
    fs::write(run_dir.join("orphan.png"), b"half a candidate").unwrap();
    let mut project = bench.open();
    assert!(!run_dir.join("orphan.png").exists());
    assert_eq!(fs::read_dir(&run_dir).unwrap().count(), 2);
    fs::write(run_dir.join("orphan.png"), b"half a candidate").unwrap();
    let run = project.new_run("generate", &json!({})).unwrap();
    assert!(!run_dir.join("orphan.png").exists());

    let mut new = candidates(&bench.dir, run, 1);
    new[0].file = "candidates/2/gone.png".to_owned();
    assert!(project.add_candidates(run, &new).is_err());
    let new = candidates(&bench.dir, run, 1);
    assert!(matches!(project.add_candidates(99, &new), Err(ProjectError::UnknownRun(99))));
    assert_eq!(project.candidates().unwrap().len(), 2, "the newest run that made any");
    project.add_candidates(run, &new).unwrap();
    assert_eq!(project.candidates().unwrap().len(), 1);
    drop(project);
    assert_eq!(bench.open().runs().unwrap()[1].status, "interrupted");
}

#[test]
fn moved_projects_and_sources_are_found_again() {
    let bench = Bench::new(1);
    // Together: the way from one to the other stays.
    let moved = tempfile::tempdir().unwrap();
    fs::rename(&bench.source, moved.path().join("source")).unwrap();
    fs::create_dir(moved.path().join("work")).unwrap();
    let dir = moved.path().join("work").join("project");
    fs::rename(&bench.dir, &dir).unwrap();
    let mut project = Project::open(&dir).unwrap();
    let found = project.find_source(None).unwrap();
    assert_eq!(found, fs::canonicalize(moved.path().join("source")).unwrap());
    assert_eq!(project.dataset().unwrap().root, found);
    assert!(project.candidate_file(&project.candidates().unwrap()[0]).is_ok());

    // The source alone, to a place that has to be named; its parent will do.
    let elsewhere = tempfile::tempdir().unwrap();
    fs::rename(moved.path().join("source"), elsewhere.path().join("source")).unwrap();
    assert!(matches!(project.find_source(None), Err(ProjectError::SourceMissing(_))));
    project.find_source(Some(elsewhere.path())).unwrap();
    assert!(project.source_file("dog/0.png").is_ok());

    // Beside the project, under its old name.
    fs::rename(elsewhere.path().join("source"), moved.path().join("work").join("source")).unwrap();
    project.find_source(None).unwrap();

    // Other content is another folder.
    let other = tempfile::tempdir().unwrap();
    folder(other.path());
    fs::write(other.path().join("cat/1.png"), support::image(77)).unwrap();
    match project.relocate_source(other.path()) {
        Err(ProjectError::OtherSource { same, images, .. }) => assert_eq!((same, images), (8, 9)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn default_places_and_recent_projects() {
    let temp = tempfile::tempdir().unwrap();
    let (data, bench) = (temp.path().join("data"), Bench::new(0));
    let place = default_place::for_source_in(&data, &bench.source);
    assert!(place.starts_with(data.join("projects")));
    assert_eq!(place, default_place::for_source_in(&data, &bench.source.join("..").join("source")));
    assert_ne!(place, default_place::for_source_in(&data, bench.temp.path()));

    assert!(recent::load_from(&data).is_empty());
    let here = Recent { name: "pets".to_owned(), folder: bench.source.clone(), project: bench.dir.clone() };
    let gone = Recent { project: temp.path().join("gone"), ..here.clone() };
    for entry in [&here, &gone, &here] {
        recent::add_to(&data, entry).unwrap();
    }
    assert_eq!(recent::load_from(&data), [here]);
    fs::write(data.join("recent.json"), "{ not json").unwrap();
    assert!(recent::load_from(&data).is_empty());
}

/// Waits for the event that `pick` takes.
fn until<T>(store: &StoreHandle, mut pick: impl FnMut(StoreEvent) -> Option<T>) -> T {
    loop {
        let event = store.wait().expect("the store ended");
        if let StoreEvent::Failed { message, .. } | StoreEvent::NotOpened(message) = &event {
            panic!("{message}");
        }
        if let Some(found) = pick(event) {
            return found;
        }
    }
}

#[test]
fn the_store_thread_saves_and_tells() {
    let bench = Bench::new(3);
    let store = StoreHandle::open(&bench.dir, Arc::new(|| ())).unwrap();
    let opened = until(&store, |event| match event {
        StoreEvent::Opened(opened) => Some(opened),
        _ => None,
    });
    assert_eq!((opened.name.as_str(), opened.read_only.as_deref()), ("pets", None));
    let mut rows = opened.candidates.to_vec();

    let ids = bench.ids[..2].to_vec();
    let by = DecidedBy::Person;
    let seq = store.send(StoreCommand::Decide { ids, decision: Decision::Accepted, by }).unwrap();
    let mut undo = None;
    until(&store, |event| match event {
        StoreEvent::Decided(decided) => {
            patch(&mut rows, &decided);
            None
        }
        StoreEvent::History(history) => {
            undo = history.undo;
            None
        }
        StoreEvent::Saved(saved) => (saved == seq).then_some(()),
        _ => None,
    });
    assert_eq!(undo.as_deref(), Some("accept 2 candidates"));
    let reader = Project::open_read_only(&bench.dir).unwrap();
    assert_eq!(reader.candidates().unwrap(), rows, "saved means committed, and patching gives the same list");

    let mut sink = store.sink();
    let run = sink.new_run("generate", &json!({})).unwrap();
    let dir = sink.project_dir().to_path_buf();
    let added = sink.add(run, candidates(&dir, run, 2)).unwrap();
    sink.finish(run, "finished").unwrap();
    let told = until(&store, |event| match event {
        StoreEvent::Added(rows) => Some(rows),
        _ => None,
    });
    assert_eq!(told.iter().map(|c| c.id).collect::<Vec<_>>(), added);

    sink.measured(run, &quality("cat")).unwrap();
    let told = until(&store, |event| match event {
        StoreEvent::Measured(quality) => Some(quality),
        _ => None,
    });
    assert_eq!(*told, quality("cat"));
    store.send(StoreCommand::Reload).unwrap();
    let again = until(&store, |event| match event {
        StoreEvent::Opened(opened) => Some(opened),
        _ => None,
    });
    assert_eq!(*again.quality, [quality("cat")]);
    until(&store, |event| matches!(event, StoreEvent::Saved(_)).then_some(()));

    let run = sink.new_run(EVALUATE, &json!({})).unwrap();
    sink.compared(run, "kept", json!({ "of": "another version" })).unwrap();
    let told = until(&store, |event| match event {
        StoreEvent::Compared(kept) => Some(kept),
        _ => None,
    });
    assert_eq!((told.run, told.status.as_str()), (run, "kept"));
    assert_eq!((&told.choice, &told.report), (&None, &None), "what is not understood is not shown");
    store.send(StoreCommand::Exported(bench.temp.path().join("balanced"))).unwrap();
    until(&store, |event| matches!(event, StoreEvent::Saved(_)).then_some(()));
    store.send(StoreCommand::Reload).unwrap();
    let again = until(&store, |event| match event {
        StoreEvent::Opened(opened) => Some(opened),
        _ => None,
    });
    assert_eq!(again.comparisons, [told]);
    assert!(again.exports[0].ends_with("balanced"));
    until(&store, |event| matches!(event, StoreEvent::Saved(_)).then_some(()));

    let bad = StoreCommand::Relabel { paths: paths(&["dog/0.png"]), class: "bird".to_owned() };
    let seq = store.send(bad).unwrap();
    match store.wait().unwrap() {
        StoreEvent::Failed { seq: failed, message } => {
            assert_eq!(failed, seq);
            assert!(message.contains("bird"));
        }
        other => panic!("{other:?}"),
    }
    // Commands that were taken are committed before the handle is gone.
    store.send(StoreCommand::Exclude { paths: paths(&["dog/0.png"]), excluded: true }).unwrap();
    drop(store);
    assert_eq!(bench.open().dataset().unwrap().training_counts(), [3, 5]);
    assert!(sink.new_run("generate", &json!({})).is_err());
}
