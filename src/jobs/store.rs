//! The thread that owns the window's project, so that no frame ever waits for the disk.
//!
//! Commands go in through a bounded channel, events come out; each command has a number, and
//! [`StoreEvent::Saved`] with that number is sent only after its commit. The window shows *saved* for nothing
//! else. Snapshots travel as `Arc`s. A decision does not send the whole list again: [`StoreEvent::Decided`]
//! says which candidates changed and the receiver patches its own list, with [`patch`].

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread::JoinHandle;

use serde_json::Value;

use super::JobError;
use super::comparisons::Kept;
use crate::domain::decisions::{DecidedBy, Decision};
use crate::domain::samples::Dataset;
use crate::domain::splits::Shares;
use crate::project::candidates::GENERATE;
use crate::project::{
    CandidateRow, CandidateSink, ClassQuality, Decided, NewCandidate, Project, ProjectError, RunId, Settings,
    Step,
};

/// Commands that may wait; a person does not click faster than the disk for long.
const WAITING: usize = 1024;

impl From<ProjectError> for JobError {
    fn from(error: ProjectError) -> Self {
        if error.is_resource() {
            JobError::Resource(error.to_string())
        } else if error.is_input() {
            JobError::Input(error.to_string())
        } else {
            JobError::Failed(error.to_string())
        }
    }
}

/// What the window asks of the store.
#[derive(Clone, Debug)]
pub enum StoreCommand {
    /// One gesture, one undo step.
    Decide {
        ids: Vec<i64>,
        decision: Decision,
        by: DecidedBy,
    },
    /// Lets the verdict decide what nobody decided in the newest run.
    DecideByVerdict,
    Relabel {
        paths: Vec<String>,
        class: String,
    },
    Exclude {
        paths: Vec<String>,
        excluded: bool,
    },
    Undo,
    Redo,
    SetSettings(Box<Settings>),
    SetDataset(Arc<Dataset>),
    /// Cuts validation and test parts off the data set as it was read; edits stay edits.
    CutSplits {
        shares: Shares,
        seed: u64,
    },
    /// Looks for the images in this folder, where they moved.
    FindSource(PathBuf),
    /// Remembers an exported folder.
    Exported(PathBuf),
    /// Sends everything again.
    Reload,
}

/// What undo and redo would do, as phrases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    pub undo: Option<String>,
    pub redo: Option<String>,
}

/// A project as it was opened.
#[derive(Clone, Debug)]
pub struct Opened {
    pub name: String,
    pub dir: PathBuf,
    /// Why nothing can be changed, a phrase; `None` for the owner.
    pub read_only: Option<String>,
    /// `None` before a folder was read.
    pub dataset: Option<Arc<Dataset>>,
    pub settings: Settings,
    pub candidates: Arc<Vec<CandidateRow>>,
    /// What was measured of the classes of the same run.
    pub quality: Arc<Vec<ClassQuality>>,
    /// The oldest first, also those that ended early.
    pub comparisons: Vec<Arc<Kept>>,
    /// Folders that were exported, the newest first; they may be gone.
    pub exports: Vec<PathBuf>,
    pub history: History,
    /// Where the images were, when they are not there and were not found again.
    pub source_missing: Option<PathBuf>,
}

/// What the store tells.
#[derive(Clone, Debug)]
pub enum StoreEvent {
    Opened(Box<Opened>),
    /// The store could not be opened; it ends.
    NotOpened(String),
    /// All commands up to this one are committed.
    Saved(u64),
    /// This command failed; the sentence says why. What it was about to change stands as it was.
    Failed {
        seq: u64,
        message: String,
    },
    /// The data set changed: read, edited or undone.
    Dataset(Arc<Dataset>),
    /// A run that makes candidates begins; what it makes is a new list.
    RunBegan(RunId),
    /// A run made these; they follow those there are.
    Added(Arc<Vec<CandidateRow>>),
    /// What was measured of a class of the run, all of it being made.
    Measured(Arc<ClassQuality>),
    /// A comparison of treatments ended with a report.
    Compared(Arc<Kept>),
    /// These decisions changed; see [`patch`].
    Decided(Arc<Vec<Decided>>),
    /// What was just done or undone, a phrase, for the message log.
    Did {
        phrase: String,
        undone: bool,
    },
    History(History),
    /// The store ended: closed, or failed beyond repair with a sentence.
    Closed(Option<String>),
}

/// Applies [`StoreEvent::Decided`] to a list; of each row that it names the position, the decision before and
/// the decision now. `rows` are in the order of their ids, as the store sends them.
pub fn patch(rows: &mut [CandidateRow], decided: &[Decided]) -> Vec<(usize, Decision, Decision)> {
    let mut changed = Vec::with_capacity(decided.len());
    for change in decided {
        if let Some(at) = place_of(rows, change.id)
            && let Some(row) = rows.get_mut(at)
        {
            changed.push((at, row.decision, change.decision));
            (row.decision, row.decided_by) = (change.decision, change.by);
        }
    }
    changed
}

/// Position of a candidate in a list that is in the order of its ids.
pub fn place_of(rows: &[CandidateRow], id: i64) -> Option<usize> {
    // The ids of a run mostly follow each other without a gap.
    let first = rows.first()?.id;
    let guess = id.checked_sub(first).and_then(|distance| usize::try_from(distance).ok());
    match guess.filter(|&at| rows.get(at).is_some_and(|row| row.id == id)) {
        Some(at) => Some(at),
        None => rows.binary_search_by_key(&id, |row| row.id).ok(),
    }
}

/// What travels to the thread.
enum Message {
    Command(u64, StoreCommand),
    NewRun(String, Value, Reply<RunId>),
    Add(RunId, Vec<NewCandidate>, Reply<Vec<i64>>),
    Measured(RunId, ClassQuality, Reply<()>),
    Compared(RunId, String, Value, Reply<()>),
    Finish(RunId, String, Reply<()>),
    Close,
}

type Reply<T> = Sender<Result<T, ProjectError>>;

/// Called after each event but [`StoreEvent::Added`], whose job tells of it; wakes the window.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    #[error("the disk is slower than the commands; wait a moment and do it again")]
    Busy,
    #[error("the project is closed; open it again")]
    Closed,
}

/// The window's end of the store. Dropping it waits until all commands are committed.
pub struct StoreHandle {
    dir: PathBuf,
    send: SyncSender<Message>,
    events: Receiver<StoreEvent>,
    next: AtomicU64,
    thread: Option<JoinHandle<()>>,
}

impl StoreHandle {
    /// Starts the thread, which opens the project. How that went is an event.
    ///
    /// # Errors
    /// The system starts no thread.
    pub fn open(dir: &Path, wake: Wake) -> io::Result<Self> {
        let folder = dir.to_path_buf();
        Self::start(dir, wake, move || Project::open(&folder))
    }

    /// As [`StoreHandle::open`]; a project of this name is made where there is none.
    ///
    /// # Errors
    /// The system starts no thread.
    pub fn open_or_create(dir: &Path, name: &str, wake: Wake) -> io::Result<Self> {
        let (folder, name) = (dir.to_path_buf(), name.to_owned());
        Self::start(dir, wake, move || Project::open_or_create(&folder, &name))
    }

    fn start(
        dir: &Path,
        wake: Wake,
        open: impl FnOnce() -> Result<Project, ProjectError> + Send + 'static,
    ) -> io::Result<Self> {
        let (send, receive) = sync_channel(WAITING);
        let (tell, events) = channel();
        let run = move || {
            let out = Out { tell, wake };
            let ended = catch_unwind(AssertUnwindSafe(|| serve(open, &receive, &out)));
            out.event(StoreEvent::Closed(ended.err().map(|_| {
                "the store stopped on an internal error; what was shown as saved is safe, open it again"
                    .to_owned()
            })));
        };
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(run)?;
        Ok(StoreHandle {
            dir: dir.to_path_buf(),
            send,
            events,
            next: AtomicU64::new(1),
            thread: Some(thread),
        })
    }

    /// Hands a command over without waiting; its number comes back in an event.
    ///
    /// # Errors
    /// The queue is full or the store has ended; the command is not taken then.
    pub fn send(&self, command: StoreCommand) -> Result<u64, SendError> {
        let seq = self.next.fetch_add(1, Ordering::Relaxed);
        match self.send.try_send(Message::Command(seq, command)) {
            Ok(()) => Ok(seq),
            Err(TrySendError::Full(_)) => Err(SendError::Busy),
            Err(TrySendError::Disconnected(_)) => Err(SendError::Closed),
        }
    }

    /// The events since the last call; never waits.
    pub fn events(&self) -> Vec<StoreEvent> {
        self.events.try_iter().collect()
    }

    /// Waits for the next event; for tests and tools. `None` once the store has ended.
    pub fn wait(&self) -> Option<StoreEvent> {
        self.events.recv().ok()
    }

    /// An end for a job that makes candidates, on its own thread.
    pub fn sink(&self) -> StoreSink {
        StoreSink { dir: self.dir.clone(), send: self.send.clone() }
    }
}

impl Drop for StoreHandle {
    fn drop(&mut self) {
        // Both fail only where the thread has ended already.
        let _ = self.send.send(Message::Close);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A job's end of the store: waits for each commit.
#[derive(Clone)]
pub struct StoreSink {
    dir: PathBuf,
    send: SyncSender<Message>,
}

impl StoreSink {
    fn ask<T>(&self, message: impl FnOnce(Reply<T>) -> Message) -> Result<T, ProjectError> {
        let closed = || ProjectError::Closed(self.dir.clone());
        let (reply, answer) = channel();
        self.send.send(message(reply)).map_err(|_| closed())?;
        answer.recv().map_err(|_| closed())?
    }
}

impl CandidateSink for StoreSink {
    fn project_dir(&self) -> &Path {
        &self.dir
    }

    fn new_run(&mut self, kind: &str, config: &Value) -> Result<RunId, ProjectError> {
        self.ask(|reply| Message::NewRun(kind.to_owned(), config.clone(), reply))
    }

    fn add(&mut self, run: RunId, candidates: Vec<NewCandidate>) -> Result<Vec<i64>, ProjectError> {
        self.ask(|reply| Message::Add(run, candidates, reply))
    }

    fn measured(&mut self, run: RunId, quality: &ClassQuality) -> Result<(), ProjectError> {
        self.ask(|reply| Message::Measured(run, quality.clone(), reply))
    }

    fn compared(&mut self, run: RunId, status: &str, report: Value) -> Result<(), ProjectError> {
        self.ask(|reply| Message::Compared(run, status.to_owned(), report, reply))
    }

    fn finish(&mut self, run: RunId, status: &str) -> Result<(), ProjectError> {
        self.ask(|reply| Message::Finish(run, status.to_owned(), reply))
    }
}

/// The way back to the window. A window that is gone does not stop the saving.
struct Out {
    tell: Sender<StoreEvent>,
    wake: Wake,
}

impl Out {
    fn event(&self, event: StoreEvent) {
        self.quietly(event);
        (self.wake)();
    }

    /// For what a job adds: the job's progress wakes the window, as often as that may.
    fn quietly(&self, event: StoreEvent) {
        let _ = self.tell.send(event);
    }
}

fn serve(open: impl FnOnce() -> Result<Project, ProjectError>, receive: &Receiver<Message>, out: &Out) {
    let opened = open().and_then(|mut project| {
        let event = snapshot(&mut project)?;
        Ok((project, event))
    });
    let mut project = match opened {
        Ok((project, event)) => {
            out.event(StoreEvent::Opened(Box::new(event)));
            project
        }
        Err(error) => return out.event(StoreEvent::NotOpened(error.to_string())),
    };
    while let Ok(message) = receive.recv() {
        match message {
            Message::Command(seq, command) => match obey(&mut project, command, out) {
                Ok(()) => out.event(StoreEvent::Saved(seq)),
                Err(error) => out.event(StoreEvent::Failed { seq, message: error.to_string() }),
            },
            // A job that is gone does not want its answer any more.
            Message::NewRun(kind, config, reply) => {
                let run = project.new_run(&kind, &config);
                if let (Ok(run), GENERATE) = (&run, kind.as_str()) {
                    out.event(StoreEvent::RunBegan(*run));
                }
                let _ = reply.send(run);
            }
            Message::Add(run, candidates, reply) => {
                let ids = project.add_candidates(run, &candidates);
                if let Ok(ids) = &ids {
                    let rows: Result<Vec<CandidateRow>, _> =
                        ids.iter().map(|&id| project.candidate(id)).collect();
                    if let Ok(rows) = rows {
                        out.quietly(StoreEvent::Added(Arc::new(rows)));
                    }
                }
                let _ = reply.send(ids);
            }
            Message::Measured(run, quality, reply) => {
                let kept = project.add_quality(run, &quality);
                if kept.is_ok() {
                    out.event(StoreEvent::Measured(Arc::new(quality)));
                }
                let _ = reply.send(kept);
            }
            Message::Compared(run, status, report, reply) => {
                let kept = project.add_comparison(run, &status, &report);
                if kept.is_ok()
                    && let Ok(row) = project.comparison(run)
                {
                    out.event(StoreEvent::Compared(Arc::new(Kept::of(row))));
                }
                let _ = reply.send(kept);
            }
            Message::Finish(run, status, reply) => {
                let _ = reply.send(project.finish_run(run, &status));
            }
            Message::Close => return,
        }
    }
}

fn history(project: &Project) -> Result<History, ProjectError> {
    Ok(History { undo: project.can_undo()?, redo: project.can_redo()? })
}

/// Everything the window shows; images that moved are looked for in the obvious places.
fn snapshot(project: &mut Project) -> Result<Opened, ProjectError> {
    let mut source_missing = None;
    if project.has_dataset()? {
        match project.find_source(None) {
            Ok(_) => {}
            Err(ProjectError::SourceMissing(old)) => source_missing = Some(old),
            Err(other) => return Err(other),
        }
    }
    Ok(Opened {
        name: project.name().to_owned(),
        dir: project.dir().to_path_buf(),
        read_only: project.read_only_reason().map(str::to_owned),
        dataset: if project.has_dataset()? { Some(Arc::new(project.dataset()?)) } else { None },
        settings: project.settings()?,
        candidates: Arc::new(project.candidates()?),
        quality: Arc::new(project.quality()?),
        comparisons: project.comparisons()?.into_iter().map(|row| Arc::new(Kept::of(row))).collect(),
        exports: project.exports()?,
        history: history(project)?,
        source_missing,
    })
}

/// Does one command; when it returns, what it did is committed. Events of what changed go out on the way.
fn obey(project: &mut Project, command: StoreCommand, out: &Out) -> Result<(), ProjectError> {
    match command {
        StoreCommand::Decide { ids, decision, by } => {
            let step = project.decide(&ids, decision, by)?;
            tell(project, step, false, out)
        }
        StoreCommand::DecideByVerdict => match project.latest_run()? {
            Some(run) => {
                let step = project.decide_by_verdict(run)?;
                tell(project, step, false, out)
            }
            None => Ok(()),
        },
        StoreCommand::Relabel { paths, class } => {
            let step = project.relabel(&paths, &class)?;
            tell(project, step, false, out)
        }
        StoreCommand::Exclude { paths, excluded } => {
            let step = project.exclude(&paths, excluded)?;
            tell(project, step, false, out)
        }
        StoreCommand::Undo => match project.undo()? {
            Some(step) => tell(project, step, true, out),
            None => Ok(()),
        },
        StoreCommand::Redo => match project.redo()? {
            Some(step) => tell(project, step, false, out),
            None => Ok(()),
        },
        StoreCommand::SetSettings(settings) => project.set_settings(&settings),
        StoreCommand::SetDataset(dataset) => {
            project.set_dataset(&dataset)?;
            out.event(StoreEvent::Dataset(Arc::new(project.dataset()?)));
            Ok(())
        }
        StoreCommand::CutSplits { shares, seed } => {
            project.cut_splits(shares, seed)?;
            out.event(StoreEvent::Dataset(Arc::new(project.dataset()?)));
            Ok(())
        }
        StoreCommand::FindSource(folder) => {
            project.find_source(Some(&folder))?;
            out.event(StoreEvent::Dataset(Arc::new(project.dataset()?)));
            Ok(())
        }
        StoreCommand::Exported(folder) => project.add_export(&folder),
        StoreCommand::Reload => {
            let all = snapshot(project)?;
            out.event(StoreEvent::Opened(Box::new(all)));
            Ok(())
        }
    }
}

fn tell(project: &Project, step: Step, undone: bool, out: &Out) -> Result<(), ProjectError> {
    if step.seq == 0 {
        return Ok(());
    }
    // First, so that who sees the change can take it back.
    out.event(StoreEvent::History(history(project)?));
    if !step.decided.is_empty() {
        out.event(StoreEvent::Decided(Arc::new(step.decided)));
    }
    if step.edited {
        out.event(StoreEvent::Dataset(Arc::new(project.dataset()?)));
    }
    out.event(StoreEvent::Did { phrase: step.sentence, undone });
    Ok(())
}
