//! `counterpoise candidates`: what a project's last run made, with the parts of each test, and what was
//! measured of each class; as tables, JSON or new CSV files.

use std::path::Path;

use serde_json::{Value, json};

use super::args::CandidatesArgs;
use super::output::{Outcome, share};
use super::tables::Table;
use super::{Failure, RESOURCE, Result};
use crate::domain::decisions::Verdict;
use crate::domain::numbers::{counted, figure};
use crate::evaluation::distance::FRECHET_ROWS;
use crate::imaging::files::real;
use crate::jobs::distances::says_little;
use crate::project::{CandidateRow, ClassQuality, Project};

/// Columns of the CSV and names in the JSON, in order.
const COLUMNS: [&str; 25] = [
    "candidate",
    "class",
    "slot",
    "attempt",
    "kind",
    "verdict",
    "decision",
    "decided_by",
    "p_accept",
    "prior_draw",
    "confidence",
    "threshold",
    "rejection_probability",
    "seed_class",
    "seed_file",
    "nearest_file",
    "nearest_distance",
    "own_score_name",
    "own_score",
    "usual_distance",
    "usual_of_others",
    "near_copy",
    "exact_copy",
    "diversity",
    "judge_says",
];

/// Columns of the CSV of what was measured, in order: a row for each figure of each class.
const QUALITY_COLUMNS: [&str; 9] =
    ["class", "measure", "features", "value", "sd", "floor", "n_made", "n_real", "says_little"];

/// Decimals of a small figure.
const DECIMALS: usize = 4;

pub fn run(args: &CandidatesArgs) -> Result<Outcome> {
    let project = Project::open_read_only(&args.project)?;
    let rows = project.candidates()?;
    let quality = project.quality()?;
    let cells: Vec<[Value; COLUMNS.len()]> = rows.iter().map(cells).collect();
    let figures: Vec<[Value; QUALITY_COLUMNS.len()]> = quality.iter().flat_map(figure_cells).collect();
    // What is asked for is written as a whole or not at all.
    for (option, path) in [("--csv", &args.csv), ("--quality-csv", &args.quality_csv)] {
        if let Some(path) = path {
            refuse(&project, option, path)?;
        }
    }
    if args.csv.is_some() && args.csv == args.quality_csv {
        return Err(Failure::refused("both lists would be one file; choose another --quality-csv"));
    }
    if let Some(path) = &args.csv {
        write(path, "--csv", COLUMNS, &cells)?;
    }
    if let Some(path) = &args.quality_csv {
        write(path, "--quality-csv", QUALITY_COLUMNS, &figures)?;
    }
    let mut table = Table::new(&["candidate", "class", "verdict", "decision", "prior", "draw", "confidence"]);
    for row in &rows {
        table.row([
            row.id.to_string(),
            row.class.clone(),
            row.verdict.as_str().to_owned(),
            row.decision.as_str().to_owned(),
            share(row.parts.p_accept),
            share(row.parts.draw),
            share(row.parts.confidence),
        ]);
    }
    let list = cells.into_iter().zip(&rows).map(|(cells, row)| {
        let mut object: serde_json::Map<String, Value> =
            COLUMNS.iter().map(|name| (*name).to_owned()).zip(cells).collect();
        object.insert("file".to_owned(), Value::from(row.file.as_str()));
        Value::Object(object)
    });
    let object = json!({
        "candidates": list.collect::<Vec<_>>(),
        "quality": quality.iter().map(quality_json).collect::<Vec<_>>(),
    });
    let count = counted(rows.len(), "candidate", "candidates");
    let written = |path: &Path, n: usize, one: &str, many: &str| {
        format!("{} written: {}", counted(n, one, many), path.display())
    };
    let lists: Vec<String> = [
        args.csv.as_ref().map(|path| written(path, rows.len(), "candidate was", "candidates were")),
        args.quality_csv.as_ref().map(|path| written(path, figures.len(), "figure was", "figures were")),
    ]
    .into_iter()
    .flatten()
    .collect();
    let text = if !lists.is_empty() {
        lists.join("\n")
    } else if figures.is_empty() {
        format!("{table}\n{count}")
    } else {
        format!("{table}\n{count}\n\n{}{}", quality_table(&quality), caution(&quality))
    };
    Ok(Outcome::new(object, text))
}

fn cells(row: &CandidateRow) -> [Value; COLUMNS.len()] {
    let other = row.verdict == Verdict::RejectedOther;
    let tested = other || row.parts.confidence.is_some() || row.parts.p_accept.is_some();
    let own_score = row.own_score.as_ref();
    let findings = row.findings();
    [
        json!(row.id),
        json!(row.class),
        json!(row.slot),
        json!(row.attempt),
        json!(row.kind.as_str()),
        json!(row.verdict.as_str()),
        json!(row.decision.as_str()),
        json!(row.decided_by.map(|by| by.as_str())),
        json!(row.parts.p_accept),
        json!(row.parts.draw),
        json!(row.parts.confidence),
        json!(row.parts.threshold),
        json!(tested.then(|| row.verdict.rejection_probability(&row.parts))),
        json!(row.seed_class),
        json!(row.seed_file),
        json!(row.nearest_file),
        json!(row.nearest_distance),
        json!(own_score.map(|(name, _)| name)),
        json!(own_score.map(|(_, value)| value)),
        json!(findings.usual_distance),
        json!(findings.usual_of_others),
        json!(findings.near_copy),
        json!(findings.exact_copy),
        json!(findings.diversity),
        json!(findings.judge_says),
    ]
}

/// What was measured of a class when its images were made, for scripts.
fn quality_json(quality: &ClassQuality) -> Value {
    let figures = quality.figures.iter().map(|figure| {
        json!({
            "features": figure.features,
            "name": figure.name,
            "value": figure.value,
            "sd": figure.sd,
            "floor": figure.floor,
            "n_real": figure.n_real,
            "n_made": figure.n_made,
            "says_little": says_little(figure),
        })
    });
    json!({
        "name": quality.class,
        "made": quality.made,
        "real": quality.real,
        "near_copies": quality.near_copies(),
        "figures": figures.collect::<Vec<_>>(),
    })
}

/// The same for people: each figure beside the same between real images.
fn quality_table(quality: &[ClassQuality]) -> Table {
    let mut table =
        Table::new(&["class", "features", "figure", "made", "between real", "made images", "real images"]);
    for class in quality {
        for row in &class.figures {
            table.row([
                class.class.clone(),
                row.features.clone(),
                if says_little(row) { format!("{} *", row.name) } else { row.name.clone() },
                figure(row.value, DECIMALS),
                row.floor.map_or_else(|| "-".to_owned(), |floor| figure(floor, DECIMALS)),
                row.n_made.to_string(),
                row.n_real.to_string(),
            ]);
        }
    }
    table
}

/// What a star in that table means; nothing where there is none.
fn caution(quality: &[ClassQuality]) -> String {
    if !quality.iter().flat_map(|class| &class.figures).any(says_little) {
        return String::new();
    }
    format!(
        "* a Fréchet distance of fewer than {FRECHET_ROWS} images says more about their number than about them; look \
         at KID and coverage\n"
    )
}

/// The figures of one class for the CSV.
fn figure_cells(quality: &ClassQuality) -> impl Iterator<Item = [Value; QUALITY_COLUMNS.len()]> {
    quality.figures.iter().map(move |figure| {
        [
            json!(quality.class),
            json!(figure.name),
            json!(figure.features),
            json!(figure.value),
            json!(figure.sd),
            json!(figure.floor),
            json!(figure.n_made),
            json!(figure.n_real),
            json!(says_little(figure)),
        ]
    })
}

/// Refuses a place that no list goes to: in the image folder, or where a file is.
fn refuse(project: &Project, option: &str, path: &Path) -> Result<()> {
    if let Some(root) = project.root()?
        && real(path).starts_with(real(&root))
    {
        return Err(Failure::refused(format!(
            "the file would lie inside the image folder, where nothing is ever written; choose another \
             {option}: {}",
            path.display()
        )));
    }
    if path.exists() {
        return Err(exists(option, path));
    }
    Ok(())
}

fn exists(option: &str, path: &Path) -> Failure {
    Failure::refused(format!("the file exists; choose another {option}: {}", path.display()))
}

fn write<const N: usize>(path: &Path, option: &str, columns: [&str; N], rows: &[[Value; N]]) -> Result<()> {
    let failed = |error: csv::Error| {
        let message =
            format!("the CSV could not be written ({error}); choose a new file: {}", path.display());
        match error.kind() {
            csv::ErrorKind::Io(io) if io.kind() == std::io::ErrorKind::AlreadyExists => exists(option, path),
            _ => Failure { code: RESOURCE, message },
        }
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| failed(error.into()))?;
    }
    let file = std::fs::File::create_new(path).map_err(|error| failed(error.into()))?;
    let mut writer = csv::Writer::from_writer(file);
    writer.write_record(columns).map_err(failed)?;
    for row in rows {
        let cells = row.iter().map(|value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            value => value.to_string(),
        });
        writer.write_record(cells).map_err(failed)?;
    }
    writer.flush().map_err(|error| failed(error.into()))
}
