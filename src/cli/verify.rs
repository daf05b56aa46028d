//! `counterpoise verify`: proves an exported folder against its manifest; exit code 4 where it differs.

use serde_json::json;

use super::args::VerifyArgs;
use super::output::Outcome;
use super::terminal::Terminal;
use super::{CHECK, Result};
use crate::export::Verification;
use crate::jobs;

pub fn run(args: VerifyArgs, terminal: &Terminal) -> Result<Outcome> {
    let folder = args.folder;
    let proof = terminal.job("verify", move |ctx| jobs::verify::verify(ctx, &folder))?;
    Ok(outcome(&proof))
}

fn outcome(proof: &Verification) -> Outcome {
    let mut text = String::new();
    for (word, files) in [("missing", &proof.missing), ("changed", &proof.changed), ("extra", &proof.extra)] {
        for file in files {
            text += &format!("{word}: {file}\n");
        }
    }
    text += &if proof.ok {
        match proof.files {
            1 => "The one file is as the manifest says.".to_owned(),
            files => format!("All {files} files are as the manifest says."),
        }
    } else {
        format!(
            "The folder differs from its manifest: {} missing, {} changed, {} extra.",
            proof.missing.len(),
            proof.changed.len(),
            proof.extra.len()
        )
    };
    let object = json!({
        "ok": proof.ok,
        "files": proof.files,
        "missing": proof.missing,
        "changed": proof.changed,
        "extra": proof.extra,
    });
    let code = if proof.ok { 0 } else { CHECK };
    Outcome { code, ..Outcome::new(object, text) }
}
