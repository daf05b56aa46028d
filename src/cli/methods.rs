//! `counterpoise methods`: the methods that make images, with their parameters.

use serde_json::{Value, json};

use super::output::Outcome;
use super::tables::Table;
use crate::oversampling::{Oversampler, registry};

pub fn run() -> Outcome {
    let mut text = String::new();
    for method in registry() {
        let info = method.info();
        let training = if info.needs_training { "needs training" } else { "needs no training" };
        text += &format!("{}: {} ({training})\n{}\n", info.id, info.name, info.summary);
        let mut table = Table::new(&["  flag", "default", "source"]);
        for param in method.param_table() {
            let default = if param.default.is_null() { "-".to_owned() } else { param.default.to_string() };
            table.row([format!("  --{}", param.name), default, param.source.to_owned()]);
        }
        if !method.param_table().is_empty() {
            text += &table.to_string();
        }
        text += "\n";
    }
    let methods: Vec<Value> = registry().iter().map(|method| describe(*method)).collect();
    Outcome::new(json!({ "methods": methods }), text)
}

fn describe(method: &dyn Oversampler) -> Value {
    let info = method.info();
    let params = method.param_table().iter().map(|param| {
        json!({
            "name": param.name,
            "default": param.default,
            "source": param.source,
            "help": param.help,
            "making": param.making,
            "values": param.kind.describe(),
        })
    });
    json!({
        "id": info.id,
        "name": info.name,
        "needs_training": info.needs_training,
        "params": params.collect::<Vec<_>>(),
        "summary": info.summary,
        "paper": info.paper,
        "makes": info.makes.as_str(),
        "has_prior": info.has_prior,
    })
}
