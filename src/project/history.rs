//! Decisions and edits, each gesture one transaction and one undo step; undo and redo across restarts.
//!
//! Decisions are only ever added: undoing one adds the decision that stood before. A step keeps what it
//! changed, before and after, so undo and redo need nothing else. A new step drops those that were undone.

use rusqlite::{OptionalExtension as _, Transaction, params};
use serde::{Deserialize, Serialize};

use super::candidates::{RunId, decision, now};
use super::error::ProjectError;
use super::store::{Project, from_json, json};
use crate::domain::decisions::{DecidedBy, Decision};
use crate::domain::numbers::counted;

/// What stands for a candidate after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided {
    pub id: i64,
    pub decision: Decision,
    pub by: Option<DecidedBy>,
}

/// A step that is committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Number of the step; 0 where nothing had to change and none was recorded.
    pub seq: i64,
    /// What the step does, a phrase such as `accept 12 candidates`.
    pub sentence: String,
    /// Candidates or images that it changes.
    pub changed: usize,
    /// Candidates whose decision changed, as they are now.
    pub decided: Vec<Decided>,
    /// True where labels or exclusions changed: read the data set again.
    pub edited: bool,
}

/// A decision and who took it.
type Stands = (Decision, Option<DecidedBy>);

/// What a person changed about an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Edit {
    label: Option<String>,
    excluded: bool,
}

/// What a step changes: what, before, after.
#[derive(Debug, Serialize, Deserialize)]
enum Payload {
    Decisions(Vec<(i64, Stands, Stands)>),
    Edits(Vec<(String, Option<Edit>, Option<Edit>)>),
}

#[derive(Clone, Copy)]
enum Side {
    Before,
    After,
}

/// Brings the store to one side of a step and says which decisions that touched.
fn apply(tx: &Transaction<'_>, seq: i64, payload: &Payload, side: Side) -> rusqlite::Result<Vec<Decided>> {
    match payload {
        Payload::Decisions(changes) => {
            let mut add = tx.prepare_cached(
                "INSERT INTO decisions (step, candidate, decision, decided_by, decided_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            let at = now();
            let decided = changes.iter().map(|&(id, before, after)| {
                let (decision, by) = if matches!(side, Side::Before) { before } else { after };
                add.execute(params![seq, id, decision.as_str(), by.map(DecidedBy::as_str), at])?;
                Ok(Decided { id, decision, by })
            });
            decided.collect()
        }
        Payload::Edits(changes) => {
            let mut set = tx.prepare_cached("INSERT OR REPLACE INTO edits VALUES (?1, ?2, ?3)")?;
            let mut clear = tx.prepare_cached("DELETE FROM edits WHERE path = ?1")?;
            for (path, before, after) in changes {
                match if matches!(side, Side::Before) { before } else { after } {
                    Some(edit) => set.execute(params![path, edit.label, edit.excluded])?,
                    None => clear.execute([path])?,
                };
            }
            Ok(Vec::new())
        }
    }
}

impl Project {
    /// Decides candidates: one step. Durable when it returns.
    ///
    /// # Errors
    /// Read-only; an unknown candidate. Then nothing is changed.
    pub fn decide(&mut self, ids: &[i64], decision: Decision, by: DecidedBy) -> Result<Step, ProjectError> {
        let wanted: Vec<(i64, Decision)> = ids.iter().map(|&id| (id, decision)).collect();
        let verb = match decision {
            Decision::Accepted => "accept",
            Decision::Rejected => "reject",
            Decision::Undecided => "take back the decision on",
        };
        self.decide_each(&wanted, by, |n| format!("{verb} {}", counted(n, "candidate", "candidates")))
    }

    /// Decides candidates one by one, for example from a table: one step.
    ///
    /// # Errors
    /// As for [`Project::decide`].
    pub fn decide_list(&mut self, wanted: &[(i64, Decision)], by: DecidedBy) -> Result<Step, ProjectError> {
        self.decide_each(wanted, by, |n| {
            format!("decide {} from a list", counted(n, "candidate", "candidates"))
        })
    }

    /// Lets the verdict decide what nobody decided in a run: one step, by rule.
    ///
    /// # Errors
    /// Read-only, or the database fails.
    pub fn decide_by_verdict(&mut self, run: RunId) -> Result<Step, ProjectError> {
        let undecided = self.candidates_of(run)?.into_iter().filter(|c| c.decision == Decision::Undecided);
        let wanted: Vec<(i64, Decision)> = undecided.map(|c| (c.id, c.verdict.rule())).collect();
        self.decide_each(&wanted, DecidedBy::Rule, |n| {
            format!("decide {} by verdict", counted(n, "candidate", "candidates"))
        })
    }

    fn decide_each(
        &mut self,
        wanted: &[(i64, Decision)],
        by: DecidedBy,
        sentence: impl Fn(usize) -> String,
    ) -> Result<Step, ProjectError> {
        self.check_writable()?;
        let tx = self.begin()?;
        let mut changes = Vec::new();
        {
            let mut current = self.sql(tx.prepare_cached(
                "SELECT d.decision, d.decided_by FROM candidates c LEFT JOIN decisions d
                 ON d.id = (SELECT max(id) FROM decisions WHERE candidate = c.id) WHERE c.id = ?1",
            ))?;
            for &(id, wanted) in wanted {
                let before = self.sql(current.query_row([id], |row| decision(row, 0)).optional())?;
                let before = before.ok_or(ProjectError::UnknownCandidate(id))?;
                let after = (wanted, (wanted != Decision::Undecided).then_some(by));
                if before != after {
                    changes.push((id, before, after));
                }
            }
        }
        let sentence = sentence(changes.len());
        self.record(tx, "decide", sentence, changes.len(), &Payload::Decisions(changes))
    }

    /// Gives images a class of the data set by path: one step. Back to the folder's class by its name.
    ///
    /// # Errors
    /// Read-only; an unknown class or image. Then nothing is changed.
    pub fn relabel(&mut self, paths: &[String], class: &str) -> Result<Step, ProjectError> {
        self.check_writable()?;
        let classes = self.class_names()?;
        if !classes.iter().any(|name| name == class) {
            return Err(ProjectError::UnknownClass(class.to_owned()));
        }
        self.edit(
            "relabel",
            paths,
            |n| format!("relabel {} as {class}", counted(n, "image", "images")),
            |own, edit| {
                let own_name = classes.get(own).map(String::as_str);
                Edit { label: (own_name != Some(class)).then(|| class.to_owned()), ..edit }
            },
        )
    }

    /// Leaves images out, or takes them in again, by path: one step. The files stay.
    ///
    /// # Errors
    /// Read-only; an unknown image. Then nothing is changed.
    pub fn exclude(&mut self, paths: &[String], excluded: bool) -> Result<Step, ProjectError> {
        self.check_writable()?;
        let sentence = |n| match excluded {
            true => format!("exclude {}", counted(n, "image", "images")),
            false => format!("include {} again", counted(n, "image", "images")),
        };
        self.edit("exclude", paths, sentence, |_, edit| Edit { excluded, ..edit })
    }

    fn class_names(&self) -> Result<Vec<String>, ProjectError> {
        let names = self.db.query_row("SELECT classes FROM dataset", [], |row| from_json(row, 0)).optional();
        self.sql(names)?.ok_or_else(|| ProjectError::NoDataset(self.dir().to_path_buf()))
    }

    /// `change` gets the class of the image's folder and the edit that stands.
    fn edit(
        &mut self,
        kind: &str,
        paths: &[String],
        sentence: impl Fn(usize) -> String,
        change: impl Fn(usize, Edit) -> Edit,
    ) -> Result<Step, ProjectError> {
        let tx = self.begin()?;
        let mut changes = Vec::new();
        {
            let mut current = self.sql(tx.prepare_cached(
                "SELECT s.class, s.excluded, e.path IS NOT NULL, e.label, e.excluded
                 FROM samples s LEFT JOIN edits e ON e.path = s.path WHERE s.path = ?1",
            ))?;
            for path in paths {
                let found = current.query_row([path], |row| {
                    let unedited = Edit { label: None, excluded: row.get(1)? };
                    let before = match row.get::<_, bool>(2)? {
                        true => Some(Edit { label: row.get(3)?, excluded: row.get(4)? }),
                        false => None,
                    };
                    Ok((usize::try_from(row.get::<_, i64>(0)?).unwrap_or(usize::MAX), unedited, before))
                });
                let found = self.sql(found.optional())?;
                let (own, unedited, before) =
                    found.ok_or_else(|| ProjectError::UnknownImage(path.clone()))?;
                let after = change(own, before.clone().unwrap_or_else(|| unedited.clone()));
                let after = (after != unedited).then_some(after);
                if before != after {
                    changes.push((path.clone(), before, after));
                }
            }
        }
        let sentence = sentence(changes.len());
        self.record(tx, kind, sentence, changes.len(), &Payload::Edits(changes))
    }

    /// Writes a step down, does it and commits. A step that changes nothing is not recorded.
    fn record(
        &self,
        tx: Transaction<'_>,
        kind: &str,
        sentence: String,
        changes: usize,
        payload: &Payload,
    ) -> Result<Step, ProjectError> {
        if changes == 0 {
            return Ok(Step { sentence, ..Step::default() });
        }
        let write = || -> rusqlite::Result<Step> {
            tx.execute("DELETE FROM steps WHERE done = 0", [])?;
            let insert = "INSERT INTO steps (kind, sentence, payload, done) VALUES (?1, ?2, ?3, 1)";
            tx.execute(insert, params![kind, sentence, json(payload)?])?;
            let seq = tx.last_insert_rowid();
            let decided = apply(&tx, seq, payload, Side::After)?;
            Ok(Step {
                seq,
                sentence: sentence.clone(),
                changed: changes,
                decided,
                edited: matches!(payload, Payload::Edits(_)),
            })
        };
        let step = self.sql(write())?;
        self.sql(tx.commit())?;
        Ok(step)
    }

    /// Takes the last step back; `None` where there is none. Durable when it returns.
    ///
    /// # Errors
    /// Read-only, or the database fails.
    pub fn undo(&mut self) -> Result<Option<Step>, ProjectError> {
        self.travel(Side::Before)
    }

    /// Does the step again that was undone last; `None` where there is none. Durable when it returns.
    ///
    /// # Errors
    /// Read-only, or the database fails.
    pub fn redo(&mut self) -> Result<Option<Step>, ProjectError> {
        self.travel(Side::After)
    }

    fn travel(&mut self, side: Side) -> Result<Option<Step>, ProjectError> {
        self.check_writable()?;
        let (find, mark) = match side {
            Side::Before => (LAST_DONE, "UPDATE steps SET done = 0 WHERE id = ?1"),
            Side::After => (FIRST_UNDONE, "UPDATE steps SET done = 1 WHERE id = ?1"),
        };
        let tx = self.begin()?;
        let found = tx.query_row(find, [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, from_json::<Payload>(row, 2)?))
        });
        let Some((seq, sentence, payload)) = self.sql(found.optional())? else {
            return Ok(None);
        };
        let write = || -> rusqlite::Result<Vec<Decided>> {
            let decided = apply(&tx, seq, &payload, side)?;
            tx.execute(mark, [seq])?;
            Ok(decided)
        };
        let decided = self.sql(write())?;
        self.sql(tx.commit())?;
        let (changed, edited) = match &payload {
            Payload::Decisions(list) => (list.len(), false),
            Payload::Edits(list) => (list.len(), true),
        };
        Ok(Some(Step { seq, sentence, changed, decided, edited }))
    }

    /// What [`Project::undo`] would take back, a phrase.
    ///
    /// # Errors
    /// The database fails.
    pub fn can_undo(&self) -> Result<Option<String>, ProjectError> {
        self.sql(self.db.query_row(LAST_DONE, [], |row| row.get(1)).optional())
    }

    /// What [`Project::redo`] would do again, a phrase.
    ///
    /// # Errors
    /// The database fails.
    pub fn can_redo(&self) -> Result<Option<String>, ProjectError> {
        self.sql(self.db.query_row(FIRST_UNDONE, [], |row| row.get(1)).optional())
    }
}

const LAST_DONE: &str = "SELECT id, sentence, payload FROM steps WHERE done = 1 ORDER BY id DESC LIMIT 1";
const FIRST_UNDONE: &str = "SELECT id, sentence, payload FROM steps WHERE done = 0 ORDER BY id LIMIT 1";
