//! The command line: everything the window does, through the same jobs.
//!
//! Knows jobs, project, domain, imaging, the registry of methods and the result types of the rest; never the
//! window. The only place that prints: one JSON object or a table on standard output, all else on standard error.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::jobs::JobError;
use crate::project::ProjectError;

mod args;
mod balance;
mod bench;
mod candidates;
mod config;
mod decide;
mod demo;
mod devices;
mod evaluate;
mod export;
mod features;
mod generate;
mod input;
mod methods;
mod output;
mod plan;
mod relabel;
mod reproduce;
mod scan;
mod tables;
mod terminal;
mod train;
mod verify;
mod weights;

use args::{Command, Parsed};
use output::Outcome;
use terminal::Terminal;

/// Exit codes of the contract; 0 is done.
pub const FAILED: u8 = 1;
const USAGE: u8 = 2;
const REFUSED: u8 = 3;
const CHECK: u8 = 4;
const RESOURCE: u8 = 5;
const INTERRUPTED: u8 = 130;

/// What the arguments ask for.
pub enum Start {
    /// The window, on a folder or project if one is given.
    Window(Option<PathBuf>),
    /// The command ran; this is the exit code.
    Done(u8),
}

/// Why a command did not do its work.
struct Failure {
    code: u8,
    /// A sentence with the remedy; the path is last.
    message: String,
}

impl Failure {
    fn refused(message: impl Into<String>) -> Self {
        Failure { code: REFUSED, message: message.into() }
    }

    fn usage(message: impl Into<String>) -> Self {
        Failure { code: USAGE, message: message.into() }
    }

    /// Of a command that was to write into a folder, and was given `out` for it: where it had none, an interruption
    /// leaves nothing.
    fn keeping(self, out: bool) -> Self {
        if out || self.code != INTERRUPTED {
            return self;
        }
        let message = "interrupted, and nothing was kept; with an --out the same call goes on where it was";
        Failure { message: message.to_owned(), ..self }
    }
}

impl From<JobError> for Failure {
    fn from(error: JobError) -> Self {
        let code = match &error {
            JobError::Cancelled => INTERRUPTED,
            JobError::Input(_) => REFUSED,
            JobError::Check(_) => CHECK,
            JobError::Resource(_) => RESOURCE,
            JobError::Failed(_) => FAILED,
        };
        let message = match error {
            JobError::Cancelled => "interrupted; what was saved can be gone on with".to_owned(),
            error => error.to_string(),
        };
        Failure { code, message }
    }
}

impl From<ProjectError> for Failure {
    fn from(error: ProjectError) -> Self {
        let code = match &error {
            error if error.is_resource() => RESOURCE,
            error if error.is_input() => REFUSED,
            _ => FAILED,
        };
        Failure { code, message: error.to_string() }
    }
}

type Result<T> = std::result::Result<T, Failure>;

/// Reads the arguments (the program's name first) and runs a command, or says that the window is wanted.
pub fn start(arguments: impl IntoIterator<Item = OsString>) -> Start {
    let started = Instant::now();
    let parsed = match args::parse(arguments.into_iter().collect()) {
        Ok(parsed) => parsed,
        Err(args::Refusal::Usage(error)) => {
            // Help and version come this way too, with code 0. A reader that went away is no failure.
            let _ = error.print();
            return Start::Done(u8::try_from(error.exit_code()).unwrap_or(USAGE));
        }
        Err(args::Refusal::Failure(failure)) => return Start::Done(complain(&failure)),
    };
    let Parsed { path, command, params } = parsed;
    let Some(command) = command else {
        return match path {
            Some(path) if !path.exists() => Start::Done(complain(&not_there(&path))),
            path => Start::Window(path),
        };
    };
    let common = command.common();
    let (json, terminal) = (common.json, Terminal::new(common));
    // The object of bench holds the times of its rows alone; the run's own would read as one of them.
    let with_cost = !matches!(command, Command::Bench(_));
    Start::Done(match run(command, &params, &terminal) {
        Ok(outcome) => {
            let code = outcome.code;
            match print(outcome, json, with_cost, started) {
                Ok(()) => code,
                Err(error) => complain(&Failure {
                    code: RESOURCE,
                    message: format!("the result could not be written: {error}"),
                }),
            }
        }
        Err(failure) => complain(&failure),
    })
}

/// Why no window opens on what is not there: a command that was mistyped, or a folder.
fn not_there(path: &Path) -> Failure {
    match path.to_str().and_then(args::close_command) {
        Some(name) => Failure::usage(format!(
            "there is no command {}; did you mean {name}? counterpoise --help lists the commands",
            path.display()
        )),
        None => Failure::refused(format!(
            "this is neither a command nor a folder; counterpoise --help lists the commands: {}",
            path.display()
        )),
    }
}

fn run(command: Command, params: &crate::oversampling::ParamMap, terminal: &Terminal) -> Result<Outcome> {
    match command {
        Command::Scan(args) => scan::run(args, terminal),
        Command::Plan(args) => plan::run(args, params, terminal),
        Command::Weights(args) => weights::run(args, terminal),
        Command::Methods(_) => Ok(methods::run()),
        Command::Devices(_) => devices::run(terminal),
        Command::Train(args) => train::run(args, params, terminal),
        Command::Generate(args) => generate::run(args, params, terminal),
        Command::Balance(args) => balance::run(args, params, terminal),
        Command::Candidates(args) => candidates::run(&args),
        Command::Decide(args) => decide::run(&args),
        Command::Relabel(args) => relabel::run(&args),
        Command::Export(args) => export::run(args, terminal),
        Command::Verify(args) => verify::run(args, terminal),
        Command::Demo(args) => demo::run(args, params, terminal),
        Command::Evaluate(args) => evaluate::run(args, terminal),
        Command::Features(args) => features::run(args, terminal),
        Command::Reproduce(args) => reproduce::run(args, terminal),
        Command::Bench(args) => bench::run(args, terminal),
    }
}

/// One object or one table on standard output. A reader that went away (`| head`) is no failure.
///
/// `with_cost` adds the seconds and the memory of this run to the object.
fn print(mut outcome: Outcome, json: bool, with_cost: bool, started: Instant) -> std::io::Result<()> {
    let text = if json {
        if with_cost {
            outcome.json.insert("seconds".to_owned(), output::rounded(started.elapsed().as_secs_f64(), 3));
            outcome.json.insert("peak_mb".to_owned(), output::peak_mb());
        }
        format!("{:#}\n", serde_json::Value::Object(outcome.json))
    } else {
        let peak = output::peak_mb().as_f64().map(|mb| format!(", {mb} MB at most")).unwrap_or_default();
        format!("{}\n{:.1} s{peak}\n", outcome.text.trim_end(), started.elapsed().as_secs_f64())
    };
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

fn complain(failure: &Failure) -> u8 {
    // Nothing is left to do where even standard error is gone.
    let _ = writeln!(std::io::stderr(), "counterpoise: {}", failure.message);
    failure.code
}
