//! `counterpoise weights`: class weights that answer the imbalance, shown or written for another program.

use serde_json::{Value, json};

use super::args::WeightsArgs;
use super::output::Outcome;
use super::tables::Table;
use super::terminal::Terminal;
use super::{Failure, Result, input};
use crate::domain::imbalance::WeightsError;
use crate::export::ClassWeights;
use crate::jobs;

pub fn run(args: WeightsArgs, terminal: &Terminal) -> Result<Outcome> {
    if let Some(out) = &args.out {
        input::refuse_existing(out)?;
    }
    let dataset = input::headers(&args.folder, &args.common, terminal)?;
    let weights = ClassWeights::new(&dataset, args.scheme, args.beta).map_err(|error| match error {
        WeightsError::EmptyClass(class) => Failure::refused(format!(
            "a class has no training image, so it has no weight; give it images or leave it out: {}",
            dataset.classes.get(class).map_or("", String::as_str)
        )),
        WeightsError::Beta(_) => Failure::usage(format!("--beta: {error}")),
    })?;
    let mut table = Table::new(&["class", "images", "weight"]);
    let mut classes = Vec::new();
    for class in weights.classes() {
        table.row([class.name.clone(), class.images.to_string(), format!("{:.6}", class.weight)]);
        classes.push(json!({ "name": class.name, "images": class.images, "weight": class.weight }));
    }
    let mut object = json!({
        "scheme": args.scheme.as_str(),
        "beta": args.beta,
        "classes": Value::Array(classes),
    });
    let mut text = table.to_string();
    if let Some(out) = &args.out {
        let format = args.format.unwrap_or_default();
        jobs::weights::write(&weights, format, out)?;
        for note in weights.notes() {
            terminal.say(&note);
        }
        let place = out.display().to_string();
        text += &format!("\nwritten as {}: {place}", format.as_str());
        object["format"] = json!(format.as_str());
        object["out"] = json!(place);
    }
    Ok(Outcome::new(object, text))
}
