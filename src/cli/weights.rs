//! `counterpoise weights`: class weights that answer the imbalance.

use serde_json::{Value, json};

use super::args::WeightsArgs;
use super::output::Outcome;
use super::tables::Table;
use super::terminal::Terminal;
use super::{Failure, Result, input};
use crate::domain::imbalance::{WeightsError, weights};

pub fn run(args: WeightsArgs, terminal: &Terminal) -> Result<Outcome> {
    let dataset = input::dataset(&args.folder, &args.common, terminal)?;
    let counts = dataset.training_counts();
    let weights = weights(&counts, args.scheme, args.beta).map_err(|error| match error {
        WeightsError::EmptyClass(class) => Failure::refused(format!(
            "a class has no training image, so it has no weight; give it images or leave it out: {}",
            dataset.classes.get(class).map_or("", String::as_str)
        )),
        WeightsError::Beta(_) => Failure::usage(format!("--beta: {error}")),
    })?;
    let mut table = Table::new(&["class", "images", "weight"]);
    let mut classes = Vec::new();
    for ((name, images), weight) in dataset.classes.iter().zip(&counts).zip(&weights) {
        table.row([name.clone(), images.to_string(), format!("{weight:.6}")]);
        classes.push(json!({ "name": name, "images": images, "weight": weight }));
    }
    let object = json!({
        "scheme": args.scheme.as_str(),
        "beta": args.beta,
        "classes": Value::Array(classes),
    });
    Ok(Outcome::new(object, table.to_string()))
}
