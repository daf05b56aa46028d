//! `counterpoise export`: the balanced folder of a project.

use serde_json::json;

use super::args::ExportArgs;
use super::output::{Outcome, exported_classes, exported_table};
use super::terminal::Terminal;
use super::{Result, input};
use crate::domain::numbers::counted;
use crate::jobs;
use crate::jobs::export::ExportJob;
use crate::project::Project;

pub fn run(args: ExportArgs, terminal: &Terminal) -> Result<Outcome> {
    input::refuse_existing(&args.out)?;
    let mut project = Project::open_read_only(&args.project)?;
    project.find_source(None)?;
    let job = ExportJob {
        rejected: args.common.rejected.unwrap_or(project.settings()?.rejected),
        project: args.project,
        out: args.out,
        originals: args.originals.originals,
        undecided: args.undecided.unwrap_or_default(),
    };
    let report = terminal.job("export", move |ctx| jobs::export::export(ctx, &job, &project))?;
    let out = report.out.display().to_string();
    let files = counted(report.files, "file was", "files were");
    let text = format!("{}\n{files} written and verified: {out}", exported_table(&report));
    let object = json!({
        "out": out,
        "files": report.files,
        "classes": exported_classes(&report),
        "warnings": report.warnings,
    });
    Ok(Outcome::new(object, text))
}
