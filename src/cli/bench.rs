//! `counterpoise bench`: how fast this machine does the work of docs/benchmarks.md.

use serde_json::{Map, Value, json};

use super::args::BenchArgs;
use super::output::{Outcome, rounded};
use super::tables::Table;
use super::terminal::Terminal;
use super::{Failure, Result};
use crate::jobs;
use crate::jobs::bench::{BenchRequest, FOLDER_LOAD};

pub fn run(args: BenchArgs, terminal: &Terminal) -> Result<Outcome> {
    if args.folder.is_none() && args.rows.iter().any(|row| row == FOLDER_LOAD) {
        return Err(Failure::usage(format!("the row {FOLDER_LOAD} needs a folder of images: --folder DIR")));
    }
    let request = BenchRequest {
        rows: args.rows,
        folder: args.folder,
        repeats: args.repeats as usize,
        device: args.common.device,
        seed: args.common.seed,
    };
    let (times, machine) = terminal.job("bench", move |ctx| {
        // First, so that a device that is not there is heard of at once.
        let machine = jobs::bench::machine(&request.device)?;
        Ok((jobs::bench::bench(ctx, &request)?, machine))
    })?;
    let mut table = Table::new(&["row", "milliseconds"]);
    let mut object = Map::new();
    let mut images = String::new();
    for (name, value) in times {
        if name.starts_with('_') {
            images = format!(", {value} images in the folder");
            object.insert(name, json!(value as u64));
        } else {
            table.row([name.clone(), format!("{value:.1}")]);
            object.insert(name, rounded(value, 3));
        }
    }
    let text = format!(
        "{table}\non {} with {} threads and {}{images}\n",
        machine.device, machine.threads, machine.instruction_set
    );
    object.insert("_device".to_owned(), json!(machine.device));
    object.insert("_threads".to_owned(), json!(machine.threads));
    object.insert("_instruction_set".to_owned(), json!(machine.instruction_set));
    Ok(Outcome::new(Value::Object(object), text))
}
