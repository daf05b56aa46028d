//! `counterpoise scan`: what a folder holds.

use serde_json::{Map, Value, json};

use super::args::Folder;
use super::output::Outcome;
use super::tables::Table;
use super::terminal::Terminal;
use super::{Result, input};
use crate::domain::imbalance::Imbalance;
use crate::domain::numbers::counted;
use crate::domain::samples::Dataset;
use crate::domain::splits::Split;

/// Unreadable files shown to a person; `--json` lists them all.
const SHOWN: usize = 20;

pub fn run(args: Folder, terminal: &Terminal) -> Result<Outcome> {
    let dataset = input::dataset(&args.folder, &args.common, terminal)?;
    Ok(Outcome::new(json(&dataset), text(&dataset)))
}

fn json(dataset: &Dataset) -> Value {
    let counts = dataset.training_counts();
    let figures = Imbalance::of(&counts);
    let classes = dataset.classes.iter().zip(&counts);
    let splits: Map<String, Value> = Split::ALL
        .into_iter()
        .map(|split| (split, dataset.counts(split).iter().sum::<usize>()))
        .filter(|(split, images)| *split == Split::Train || *images > 0)
        .map(|(split, images)| (split.as_str().to_owned(), json!(images)))
        .collect();
    json!({
        "images": figures.total,
        "ignored": dataset.ignored,
        "imbalance_ratio": figures.ratio,
        "classes": classes.map(|(name, images)| json!({ "name": name, "images": images })).collect::<Vec<_>>(),
        "splits": splits,
        "unreadable": dataset
            .unreadable
            .iter()
            .map(|file| json!({ "path": file.path, "reason": file.reason }))
            .collect::<Vec<_>>(),
        "held_out": dataset.has_splits,
        "entropy": figures.entropy,
        "channels": dataset.channels(),
        "bits": dataset.bits(),
        "training_size": dataset.default_size(),
        "notes": dataset.notes,
    })
}

fn text(dataset: &Dataset) -> String {
    let shown: Vec<Split> = Split::ALL
        .into_iter()
        .filter(|&split| split == Split::Train || dataset.counts(split).iter().any(|&n| n > 0))
        .collect();
    let mut head = vec!["class"];
    head.extend(shown.iter().map(|split| split.as_str()));
    let mut table = Table::new(&head);
    for (class, name) in dataset.classes.iter().enumerate() {
        let counts = shown.iter().map(|&split| dataset.counts(split).get(class).copied().unwrap_or(0));
        table.row(std::iter::once(name.clone()).chain(counts.map(|n| n.to_string())));
    }
    let figures = Imbalance::of(&dataset.training_counts());
    let mut text = format!("{table}\n{}", counted(figures.total, "training image", "training images"));
    if let Some(ratio) = figures.ratio {
        text += &format!(", imbalance ratio {ratio:.1}");
    }
    let ignored = counted(dataset.ignored, "file", "files");
    text += &format!(", {ignored} ignored, {} unreadable\n", dataset.unreadable.len());
    for file in dataset.unreadable.iter().take(SHOWN) {
        text += &format!("unreadable: {}: {}\n", file.reason, file.path);
    }
    if dataset.unreadable.len() > SHOWN {
        text += &format!("and {} more; --json lists them all\n", dataset.unreadable.len() - SHOWN);
    }
    for note in &dataset.notes {
        text += &format!("{note}\n");
    }
    text
}
