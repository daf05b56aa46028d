//! The program: parse the arguments, then hand over to the window or the command line.

use std::process::ExitCode;

use counterpoise::{cli, gui};

fn main() -> ExitCode {
    let path = match cli::start(std::env::args_os()) {
        cli::Start::Done(code) => return ExitCode::from(code),
        cli::Start::Window(path) => path,
    };
    match gui::run(path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("counterpoise: {error}");
            ExitCode::from(cli::FAILED)
        }
    }
}
