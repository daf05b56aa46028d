//! `counterpoise decide`: a person's decisions from a CSV, all or none, one undo step.

use std::collections::BTreeMap;

use serde_json::json;

use super::args::FromCsv;
use super::output::Outcome;
use super::{Failure, Result, input};
use crate::domain::decisions::{DecidedBy, Decision};
use crate::domain::numbers::counted;

pub fn run(args: &FromCsv) -> Result<Outcome> {
    let csv = input::Csv::read(&args.from)?;
    let refuse = |cause: String| Failure::refused(format!("{cause}: {}", args.from.display()));
    let (Some(candidate), Some(decision)) = (csv.column("candidate"), csv.column("decision")) else {
        return Err(refuse("the CSV needs the columns candidate and decision".to_owned()));
    };
    // The last row of a candidate stands.
    let mut wanted: BTreeMap<i64, Decision> = BTreeMap::new();
    for (line, row) in csv.rows() {
        let (id, word) = (row.get(candidate).unwrap_or(""), row.get(decision).unwrap_or(""));
        let id = id.parse::<i64>().map_err(|_| {
            refuse(format!(
                "line {line} has no candidate's number (\"{id}\"); use those that `candidates` lists"
            ))
        })?;
        let word = Decision::parse(word).ok_or_else(|| {
            refuse(format!("line {line} says \"{word}\"; use accepted, rejected or undecided"))
        })?;
        wanted.insert(id, word);
    }
    let mut project = input::writable_project(&args.project)?;
    // What stands already is not decided again: a person who saved an untouched list has decided nothing.
    let mut changed = Vec::new();
    for (&id, &decision) in &wanted {
        if project.candidate(id)?.decision != decision {
            changed.push((id, decision));
        }
    }
    project.decide_list(&changed, DecidedBy::Person)?;
    let count = |decision| changed.iter().filter(|(_, d)| *d == decision).count();
    let (accepted, rejected) = (count(Decision::Accepted), count(Decision::Rejected));
    let undecided = count(Decision::Undecided);
    let left = project.candidates()?.iter().filter(|c| c.decision == Decision::Undecided).count();
    let text = format!(
        "{accepted} accepted, {rejected} rejected, {undecided} set back to undecided, {} unchanged; {} still \
         undecided.",
        wanted.len() - changed.len(),
        counted(left, "is", "are")
    );
    let object = json!({
        "changed": changed.len(),
        "accepted": accepted,
        "rejected": rejected,
        "undecided": undecided,
        "still_undecided": left,
    });
    Ok(Outcome::new(object, text))
}
