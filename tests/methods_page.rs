//! docs/methods.md is what the registry says: each method with its paper and its parameters.
//! `UPDATE_SNAPSHOTS=1` writes the page anew.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::Path;

use counterpoise::oversampling::{Oversampler, ParamInfo, registry};
use serde_json::Value;

const HEAD: &str = "\
# Methods

The methods that make images, in the order in which lists show them, with the defaults of their parameters.
`tests/methods_page.rs` writes this page from the methods' own tables; change those, not this.

Each default has its source: **paper** and **code** are the method's own where no name stands before them,
**ours** is this program's choice, and **inferred** means that nobody published it and it was concluded from
what is published. A model file keeps these sources beside the parameters. *When making* says which parameters
may be others when a trained model makes images than they were in its training; another one that differs from
the training is refused then. What no parameter changes is *fixed* and has its source too.
";

/// Text inside a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn default(info: &ParamInfo) -> String {
    match &info.default {
        Value::Null => "chosen by the program".to_owned(),
        Value::String(word) => word.clone(),
        value => value.to_string(),
    }
}

fn section(page: &mut String, method: &dyn Oversampler) {
    let info = method.info();
    writeln!(page, "\n## {}\n\n`{}`. {}\n", info.name, info.id, info.summary).unwrap();
    if let Some(paper) = info.paper {
        writeln!(page, "Paper: {paper}.\n").unwrap();
    }
    if method.param_table().is_empty() {
        page.push_str("It has no parameters.\n");
        return;
    }
    page.push_str("| parameter | default | values | source | when making | what it does |\n");
    page.push_str("|---|---|---|---|---|---|\n");
    for param in method.param_table() {
        let cells = [
            format!("`{}`", param.name),
            cell(&default(param)),
            cell(&param.kind.describe()),
            cell(param.source),
            if param.making { "yes" } else { "" }.to_owned(),
            cell(param.help),
        ];
        writeln!(page, "| {} |", cells.join(" | ")).unwrap();
    }
    if !info.fixed.is_empty() {
        page.push_str("\nFixed:\n\n| what | value | source |\n|---|---|---|\n");
        for (name, value, source) in info.fixed {
            writeln!(page, "| {} | {} | {} |", cell(name), cell(value), cell(source)).unwrap();
        }
    }
}

#[test]
fn the_page_is_what_the_methods_say() {
    let mut wanted = HEAD.to_owned();
    for method in registry() {
        section(&mut wanted, *method);
    }
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/methods.md");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| !value.is_empty() && value != "0") {
        std::fs::write(&place, &wanted).unwrap();
    }
    let page = std::fs::read_to_string(&place).unwrap().replace("\r\n", "\n");
    let line = page.lines().zip(wanted.lines()).take_while(|(page, wanted)| page == wanted).count();
    assert!(
        page == wanted,
        "docs/methods.md is not what the methods say from line {} on; write it anew with\n\
         UPDATE_SNAPSHOTS=1 cargo test --test methods_page\nis:     {}\nwanted: {}",
        line + 1,
        page.lines().nth(line).unwrap_or("nothing"),
        wanted.lines().nth(line).unwrap_or("nothing"),
    );
}
