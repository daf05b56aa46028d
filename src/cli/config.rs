//! `--config FILE`: a JSON object with the flags' names, put before the flags of the command line, which win.
//! Knows no command.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Failure, Result};

/// The value of the last `--name VALUE` or `--name=VALUE` before `--`.
pub fn last_value(arguments: &[OsString], name: &str) -> Option<OsString> {
    let flag = format!("--{name}");
    let mut found = None;
    let mut rest = arguments.iter().take_while(|a| *a != OsStr::new("--"));
    while let Some(argument) = rest.next() {
        if *argument == OsStr::new(&flag) {
            found = rest.next().cloned().or(found);
        } else if let Some(value) = argument.to_str().and_then(|a| a.strip_prefix(&flag)?.strip_prefix('=')) {
            found = Some(OsString::from(value));
        }
    }
    found
}

/// The flags of a configuration file, as arguments. `takes_bool` says which flags want `=true` or `=false`; of
/// the others true is the bare flag and false is nothing.
///
/// # Errors
/// A file that cannot be read, is no JSON object, or holds something that is no flag's value.
pub fn arguments(path: &Path, takes_bool: impl Fn(&str) -> bool) -> Result<Vec<OsString>> {
    let refuse = |cause: String| Failure::refused(format!("{cause}: {}", path.display()));
    let text = std::fs::read_to_string(path)
        .map_err(|error| refuse(format!("the configuration could not be read ({error}); check the path")))?;
    let value: Value = serde_json::from_str(&text)
        .map_err(|error| refuse(format!("the configuration is no JSON ({error}); correct it")))?;
    let Value::Object(map) = value else {
        return Err(refuse(
            "the configuration must be a JSON object of flags without their dashes".to_owned(),
        ));
    };
    let mut found = Vec::new();
    for (name, value) in map {
        let is_flag = name != "config"
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !is_flag {
            return Err(refuse(format!("\"{name}\" in the configuration is not the name of a flag")));
        }
        let value = match &value {
            Value::Null => continue,
            Value::Bool(on) if !takes_bool(&name) => {
                if *on {
                    found.push(OsString::from(format!("--{name}")));
                }
                continue;
            }
            Value::Array(items) => match items.iter().map(scalar).collect::<Option<Vec<_>>>() {
                Some(items) => items.join(","),
                None => return Err(refuse(format!("\"{name}\" in the configuration is no list of values"))),
            },
            value => match scalar(value) {
                Some(text) => text,
                None => return Err(refuse(format!("\"{name}\" in the configuration is no value of a flag"))),
            },
        };
        found.push(OsString::from(format!("--{name}={value}")));
    }
    Ok(found)
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(on) => Some(on.to_string()),
        _ => None,
    }
}

/// Where the arguments name a configuration.
pub fn path(arguments: &[OsString]) -> Option<PathBuf> {
    last_value(arguments, "config").map(PathBuf::from)
}
