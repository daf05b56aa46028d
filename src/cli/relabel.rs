//! `counterpoise relabel`: moves images to other classes or leaves them out, from a CSV. The files stay.

use std::collections::{BTreeMap, HashSet};

use serde_json::json;

use super::args::FromCsv;
use super::output::Outcome;
use super::{Failure, Result, input};
use crate::domain::numbers::counted;

/// The word of the label column that leaves an image out, unless a class has this name.
const EXCLUDE: &str = "exclude";

pub fn run(args: &FromCsv) -> Result<Outcome> {
    let csv = input::Csv::read(&args.from)?;
    let refuse = |cause: String| Failure::refused(format!("{cause}: {}", args.from.display()));
    let (label, exclude) = (csv.column("label"), csv.column(EXCLUDE));
    let (Some(file), true) = (csv.column("file"), label.is_some() || exclude.is_some()) else {
        return Err(refuse("the CSV needs the column file, and label or exclude".to_owned()));
    };
    let mut project = input::writable_project(&args.project)?;
    let dataset = project.dataset()?;
    let images: HashSet<&str> = dataset.samples.iter().map(|sample| sample.path.as_str()).collect();
    let mut labels: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut out, mut back) = (Vec::new(), Vec::new());
    for (line, row) in csv.rows() {
        let path = row.get(file).unwrap_or("");
        if !images.contains(path) {
            return Err(refuse(format!("line {line} names an image the project does not have ({path})")));
        }
        let cell = |column: Option<usize>| column.and_then(|c| row.get(c)).unwrap_or("");
        let class = cell(label);
        let known = dataset.classes.iter().any(|name| name == class);
        match cell(exclude).to_ascii_lowercase().as_str() {
            "" => {}
            "true" | "yes" | "1" | "x" | EXCLUDE => out.push(path.to_owned()),
            "false" | "no" | "0" => back.push(path.to_owned()),
            other => {
                return Err(refuse(format!("line {line} says exclude \"{other}\"; use true or false")));
            }
        }
        match class {
            "" => {}
            EXCLUDE if !known => out.push(path.to_owned()),
            _ if known => labels.entry(class.to_owned()).or_default().push(path.to_owned()),
            _ => {
                return Err(refuse(format!("line {line} names a class the project does not have ({class})")));
            }
        }
    }
    // What is so already does not count.
    let mut relabelled = 0;
    for (class, paths) in &labels {
        relabelled += project.relabel(paths, class)?.changed;
    }
    let excluded = if out.is_empty() { 0 } else { project.exclude(&out, true)?.changed };
    let included = if back.is_empty() { 0 } else { project.exclude(&back, false)?.changed };
    let text = format!(
        "{} another class now, {} left out, {} taken back in; the files stay as they are.",
        counted(relabelled, "image has", "images have"),
        counted(excluded, "is", "are"),
        counted(included, "is", "are")
    );
    let object = json!({ "relabelled": relabelled, "excluded": excluded, "included": included });
    Ok(Outcome::new(object, text))
}
