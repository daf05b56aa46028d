//! `counterpoise devices`: what can train here.

use serde_json::{Value, json};

use super::Result;
use super::output::Outcome;
use super::tables::Table;
use super::terminal::Terminal;
use crate::jobs;

pub fn run(terminal: &Terminal) -> Result<Outcome> {
    let devices = terminal.job("devices", |_| Ok(jobs::devices::devices()))?;
    let mut table = Table::new(&["--device", "name"]);
    for device in &devices {
        table.row([device.kind.as_str().to_owned(), device.name.clone()]);
    }
    let list: Vec<Value> = devices
        .iter()
        .map(|device| {
            let kind = device.kind.as_str();
            json!({ "id": kind, "name": device.name, "kind": kind })
        })
        .collect();
    Ok(Outcome::new(json!({ "devices": list }), table.to_string()))
}
