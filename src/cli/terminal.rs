//! Running a job in front of a person: progress on a terminal, notes on standard error, Ctrl-C. Knows no command.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::Common;
use super::{INTERRUPTED, Result};
use crate::domain::task::{Ctx, Level};
use crate::jobs::{self, JobError, JobView};

/// How often Ctrl-C was pressed.
static PRESSED: AtomicUsize = AtomicUsize::new(0);

/// What the first Ctrl-C does to a job.
#[derive(Clone, Copy)]
enum OnPress {
    Cancel,
    Keep,
}

/// Standard error and what may be said there.
pub struct Terminal {
    quiet: bool,
    verbose: u8,
}

impl Terminal {
    /// Takes over Ctrl-C and limits the threads where that is asked for.
    pub fn new(common: &Common) -> Self {
        let terminal = Terminal { quiet: common.quiet, verbose: common.verbose };
        let handler = ctrlc::set_handler(|| {
            if PRESSED.fetch_add(1, Ordering::SeqCst) > 0 {
                std::process::exit(i32::from(INTERRUPTED));
            }
        });
        if let Err(error) = handler {
            terminal.say(&format!("Ctrl-C will end the program without saving: {error}"));
        }
        if let Some(threads) = common.threads
            && let Err(error) = jobs::workers::limit(threads)
        {
            terminal.say(&format!("--threads has no effect: {error}"));
        }
        terminal
    }

    /// One line on standard error, unless `-q`.
    pub fn say(&self, line: &str) {
        if !self.quiet {
            to_stderr(line);
        }
    }

    /// Runs `work` on its own thread until it ends, showing how far it is.
    ///
    /// The first Ctrl-C cancels the job, which saves what can be gone on with; the second ends the program.
    pub fn job<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&Ctx) -> std::result::Result<T, JobError> + Send + 'static,
    ) -> Result<T> {
        Ok(self.run(name, OnPress::Cancel, work)?)
    }

    /// The same, but that the first Ctrl-C lets the job end at its next good point with its result so far. True beside
    /// how it ended where that was asked for.
    pub fn job_or_keep<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&Ctx) -> std::result::Result<T, JobError> + Send + 'static,
    ) -> (std::result::Result<T, JobError>, bool) {
        let result = self.run(name, OnPress::Keep, work);
        (result, PRESSED.load(Ordering::SeqCst) > 0)
    }

    fn run<T: Send + 'static>(
        &self,
        name: &str,
        on_press: OnPress,
        work: impl FnOnce(&Ctx) -> std::result::Result<T, JobError> + Send + 'static,
    ) -> std::result::Result<T, JobError> {
        let job = jobs::spawn(name, Arc::new(|| {}), work);
        let bar = self.bar();
        let mut told = Told::default();
        let mut ending = false;
        loop {
            let over = job.wait_timeout(Duration::from_millis(100));
            if PRESSED.load(Ordering::SeqCst) > 0 && !ending {
                ending = true;
                let words = match on_press {
                    OnPress::Cancel => {
                        job.cancel();
                        "Stopping; press Ctrl-C again to end at once."
                    }
                    OnPress::Keep => {
                        job.stop_and_keep();
                        "Stopping at the next good point, to keep what is there; press Ctrl-C again to end at once."
                    }
                };
                bar.suspend(|| self.say(words));
            }
            let view = job.view();
            self.show(&bar, &view, &mut told);
            if over {
                break;
            }
        }
        bar.finish_and_clear();
        job.wait()
    }

    fn bar(&self) -> ProgressBar {
        if self.quiet || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar
    }

    fn show(&self, bar: &ProgressBar, view: &JobView, told: &mut Told) {
        for (level, text) in view.notes.iter().skip(told.notes) {
            bar.suspend(|| match level {
                Level::Info => self.say(text),
                // Warnings and errors are said even with -q.
                Level::Warning => to_stderr(&format!("warning: {text}")),
                Level::Error => to_stderr(&format!("error: {text}")),
            });
        }
        told.notes = told.notes.max(view.notes.len());
        if self.verbose > 0 && view.stage != told.stage {
            told.stage.clone_from(&view.stage);
            bar.suspend(|| self.say(&format!("[{:.1} s] {}", view.elapsed.as_secs_f64(), view.stage)));
        }
        if self.verbose > 1 {
            for (index, series) in view.series.iter().enumerate() {
                let Some([step, value]) = series.points.last() else { continue };
                if told.steps.len() <= index {
                    told.steps.resize(index + 1, f64::NEG_INFINITY);
                }
                let known = told.steps.get_mut(index);
                if let Some(known) = known.filter(|known| **known != *step) {
                    *known = *step;
                    bar.suspend(|| self.say(&format!("{} at {step}: {value:.4}", series.name)));
                }
            }
        }
        bar.set_message(progress_line(view));
        bar.tick();
    }
}

/// What was said already.
#[derive(Default)]
struct Told {
    notes: usize,
    stage: String,
    /// Last step shown of each curve.
    steps: Vec<f64>,
}

fn progress_line(view: &JobView) -> String {
    let mut line = view.stage.clone();
    const WIDTH: u64 = 24;
    if let Some(full) = (view.done.min(view.total) * WIDTH).checked_div(view.total) {
        let full = full as usize;
        let (full, empty) = ("█".repeat(full), "░".repeat(WIDTH as usize - full));
        line += &format!(" {full}{empty} {} of {}", view.done, view.total);
    } else if view.done > 0 {
        line += &format!(" {}", view.done);
    }
    if let Some(left) = view.time_left {
        let seconds = left.as_secs();
        line += &match seconds {
            0..60 => format!(", {seconds} s left"),
            60..3600 => format!(", {} min left", seconds.div_ceil(60)),
            _ => format!(", {} h {} min left", seconds / 3600, seconds % 3600 / 60),
        };
    }
    if !view.unmeasured.is_empty() {
        let before = if view.time_left.is_some() { "plus" } else { "time left not known:" };
        line += &format!(", {before} {}", view.unmeasured);
    }
    line
}

fn to_stderr(line: &str) {
    // Nothing is left to do where standard error is gone.
    let _ = writeln!(std::io::stderr(), "{line}");
}
