//! What a command hands back: a JSON object for scripts and a table for people. Knows no command.

use serde_json::{Map, Value, json};

use super::tables::Table;
use crate::export::ExportReport;

/// The result of a command.
pub struct Outcome {
    pub json: Map<String, Value>,
    pub text: String,
    /// 0, 4 where a check failed and the object says so, or the code of what ended it where a part of it is shown.
    pub code: u8,
}

impl Outcome {
    /// `object` must be a JSON object; anything else becomes an empty one.
    pub fn new(object: Value, text: impl Into<String>) -> Self {
        let json = match object {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        Outcome { json, text: text.into(), code: 0 }
    }
}

/// `value` to `digits` decimals; null where it is no number.
pub fn rounded(value: f64, digits: i32) -> Value {
    let scale = 10_f64.powi(digits);
    json!((value * scale).round() / scale)
}

/// The most memory this process held, in MB (2^20 bytes); null where the system does not tell.
pub fn peak_mb() -> Value {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.map_or(Value::Null, |kb| rounded(kb / 1024.0, 1))
}

/// `0.1307` or `-`.
pub fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| format!("{v:.4}"))
}

/// The classes of an exported folder, for JSON.
pub fn exported_classes(report: &ExportReport) -> Value {
    let classes = report.classes.iter().map(|class| {
        json!({
            "name": class.name,
            "original": class.original,
            "derived": class.derived,
            "synthetic": class.synthetic,
            "repeated": class.repeated,
            "total": class.total,
        })
    });
    Value::Array(classes.collect())
}

/// The same for people, with the warnings of the export below.
pub fn exported_table(report: &ExportReport) -> String {
    let mut table = Table::new(&["class", "original", "derived", "synthetic", "repeated", "total"]);
    for class in &report.classes {
        table.row([
            class.name.clone(),
            class.original.to_string(),
            class.derived.to_string(),
            class.synthetic.to_string(),
            class.repeated.to_string(),
            class.total.to_string(),
        ]);
    }
    table.to_string()
}
