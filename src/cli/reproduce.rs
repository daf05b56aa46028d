//! `counterpoise reproduce`: published tables built again on a folder of their data, measured beside printed.

use serde_json::{Value, json};

use super::args::ReproduceArgs;
use super::output::Outcome;
use super::tables::Table as Cells;
use super::terminal::Terminal;
use super::{Failure, Result, input};
use crate::evaluation::published::{Scale, Table, Weighing};
use crate::imaging::scan::Reading;
use crate::jobs;
use crate::jobs::reproduce::{ReproduceOutcome, ReproduceRequest};

/// The table that is computed and not trained for.
const WEIGHTS: &str = "weights";

/// The tables by name.
pub fn tables() -> Vec<&'static str> {
    Table::all().iter().map(|table| table.id).chain([WEIGHTS]).collect()
}

pub fn run(args: ReproduceArgs, terminal: &Terminal) -> Result<Outcome> {
    let id = match &args.table {
        Some(id) if !args.list => id.as_str(),
        _ => return Ok(listed()),
    };
    if let Some(out) = &args.out {
        input::refuse_existing(out)?;
    }
    let Some(table) = Table::named(id) else { return weights(args, terminal) };
    let rows = table.chosen(&args.rows).map_err(|error| Failure::usage(format!("--rows: {error}")))?;
    let Some(folder) = args.folder.or(args.data) else {
        return Err(Failure::usage(format!(
            "name the folder of {}: class folders in train and test, {} training images in label order or more",
            table.data,
            counts(table)
        )));
    };
    // Headers alone: the images are decoded once, by the evaluation.
    let dataset = input::listed(&folder, &args.common, Reading::Headers, terminal)?;
    let request = ReproduceRequest {
        table: *table,
        rows,
        dataset,
        scale: args.scale,
        seed: args.common.seed,
        device: args.common.device,
        size: args.common.size,
        fit: args.common.fit,
        out: args.out,
    };
    let keeps = request.out.is_some();
    let ended = terminal.job("reproduce", move |ctx| jobs::reproduce::reproduce(ctx, &request));
    let outcome = ended.map_err(|failure| failure.keeping(keeps))?;
    let code = outcome.ended.clone().map_or(0, |error| Failure::from(error).code);
    Ok(Outcome { code, ..told(&outcome) })
}

/// `4000,2000,...`
fn counts(table: &Table) -> String {
    table.counts().iter().map(usize::to_string).collect::<Vec<String>>().join(",")
}

fn cells(rows: Vec<Vec<String>>) -> String {
    let mut rows = rows.into_iter();
    let head = rows.next().unwrap_or_default();
    let mut table = Cells::new(&head.iter().map(String::as_str).collect::<Vec<&str>>());
    rows.for_each(|row| table.row(row));
    table.to_string()
}

/// What there is.
fn listed() -> Outcome {
    let mut text = String::new();
    let mut list = Vec::new();
    for table in Table::all() {
        text += &format!(
            "{}: {}\n  {} with {} training images in label order, or more to draw these from, and a test part\n",
            table.id,
            table.title,
            table.data,
            counts(table)
        );
        let sources = Table::sources(table.rows);
        for source in &sources {
            let of = table.rows.iter().filter(|row| row.source == *source);
            let names: Vec<&str> = of.map(|row| row.name).collect();
            text += &format!("  {} ({})\n", names.join(", "), source.title);
        }
        list.push(json!({
            "id": table.id,
            "title": table.title,
            "data": table.data,
            "classes": table
                .classes
                .iter()
                .map(|class| json!({ "name": class.name, "training": class.training }))
                .collect::<Vec<Value>>(),
            "rows": table
                .rows
                .iter()
                .map(|row| json!({ "name": row.name, "treatment": row.treatment, "source": row.source.key }))
                .collect::<Vec<Value>>(),
            "sources": sources
                .iter()
                .map(|source| json!({ "name": source.key, "title": source.title }))
                .collect::<Vec<Value>>(),
        }));
    }
    text += &format!(
        "{WEIGHTS}: class weights by every scheme\n  on the counts of the tables above, or of a folder; nothing is \
         trained\n"
    );
    list.push(json!({ "id": WEIGHTS, "title": "Class weights by every scheme" }));
    text += "Scales\n";
    for scale in Scale::ALL {
        text += &format!("  {}: {}\n", scale.as_str(), scale.words());
    }
    let scales = Scale::ALL.map(|scale| json!({ "id": scale.as_str(), "what": scale.words() }));
    Outcome::new(json!({ "tables": list, "scales": scales }), text)
}

fn weights(args: ReproduceArgs, terminal: &Terminal) -> Result<Outcome> {
    let dataset = match args.folder.or(args.data) {
        Some(folder) => Some(input::listed(&folder, &args.common, Reading::Headers, terminal)?),
        None => None,
    };
    let weighings = jobs::reproduce::weigh(dataset.as_ref())?;
    let mut text = String::new();
    for weighing in &weighings {
        text += &format!("{}\n{}\n", weighing.title, cells(weighing.rows_for_people()));
    }
    for note in Weighing::notes() {
        text += &format!("{note}\n");
    }
    let mut object = jobs::reproduce::weights_json(&weighings);
    let source = dataset.as_ref().map(|dataset| dataset.root.as_path());
    let mut place = None;
    if let Some(out) = &args.out {
        jobs::reproduce::write_weights(&weighings, source, out)?;
        text += &format!("The weights are in {}\n", out.display());
        place = Some(out.display().to_string());
    }
    object.insert("out".to_owned(), json!(place));
    Ok(Outcome::new(Value::Object(object), text))
}

fn told(outcome: &ReproduceOutcome) -> Outcome {
    let mut text = format!("{}\n", cells(outcome.standing.rows_for_people()));
    for note in outcome.standing.notes() {
        text += &format!("{note}\n");
    }
    for failed in &outcome.failed {
        text += &format!("{} with seed {}: {}\n", failed.name, failed.seed, failed.reason);
    }
    text += &format!("\n{}\n", outcome.setting.join("; "));
    let out = outcome.out.as_ref().map(|out| out.display().to_string());
    if let Some(out) = &out {
        text += &format!("The results are in {out}\n");
    }
    let mut object = outcome.json();
    object.insert("resumed".to_owned(), json!(outcome.resumed));
    object.insert("out".to_owned(), json!(out));
    Outcome::new(Value::Object(object), text)
}
