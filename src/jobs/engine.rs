//! The job engine: a named thread per job, a snapshot of how far it is, and exactly one ending.
//!
//! A job ends Finished, Cancelled or Failed. A panic inside it is caught and becomes Failed, so it never takes
//! the window along. The engine knows no job kind.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::task::{Cancelled, Ctx, Event, Level, Preview, Sink};

/// Why a job did not finish. The text says cause and remedy, and the path last.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    #[error("cancelled")]
    Cancelled,
    /// The input was refused (exit code 3).
    #[error("{0}")]
    Input(String),
    /// A check failed (exit code 4).
    #[error("{0}")]
    Check(String),
    /// Disk, memory or device ran out (exit code 5).
    #[error("{0}")]
    Resource(String),
    #[error("{0}")]
    Failed(String),
}

impl From<Cancelled> for JobError {
    fn from(_: Cancelled) -> Self {
        JobError::Cancelled
    }
}

/// How a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    Running,
    Paused,
    /// Cancel was asked for and the work has not looked yet.
    Cancelling,
    /// Stop and keep was asked for.
    Stopping,
    Finished,
    Cancelled,
    Failed(String),
}

impl JobState {
    /// True once the job has ended, however it did.
    pub const fn is_over(&self) -> bool {
        matches!(self, JobState::Finished | JobState::Cancelled | JobState::Failed(_))
    }
}

/// A named curve.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    pub name: String,
    /// Step and value.
    pub points: Vec<[f64; 2]>,
}

/// A snapshot of a job, cheap to clone.
#[derive(Clone, Debug)]
pub struct JobView {
    pub name: String,
    pub state: JobState,
    /// What is being done, for example `training g`.
    pub stage: String,
    pub done: u64,
    /// 0 while unknown.
    pub total: u64,
    pub elapsed: Duration,
    /// As the work tells it, else from the pace of the current stage: `None` in its first second and while the
    /// total is unknown.
    pub time_left: Option<Duration>,
    /// What comes on top of that and was never measured, in words; empty where nothing does.
    pub unmeasured: String,
    pub series: Arc<Vec<Series>>,
    pub notes: Vec<(Level, String)>,
    pub previews: Arc<Vec<Preview>>,
}

/// The time that is left, as the work told it.
struct Told {
    at: Instant,
    left: Option<Duration>,
    unmeasured: String,
}

/// Points kept per curve; a longer one is thinned by half, so that a long run stays bounded.
const MAX_POINTS: usize = 4096;
/// Previews kept; of more, every second of the older ones is dropped.
const MAX_PREVIEWS: usize = 24;
/// Previews of the same things that there is room for in any case.
const LEAST_PREVIEWS: usize = 6;

struct Shared {
    name: String,
    state: JobState,
    stage: String,
    done: u64,
    total: u64,
    started: Instant,
    ended: Option<Instant>,
    stage_started: Instant,
    stage_first_done: u64,
    told: Option<Told>,
    paused_since: Option<Instant>,
    series: Arc<Vec<Series>>,
    series_index: HashMap<String, usize>,
    notes: Vec<(Level, String)>,
    previews: Arc<Vec<Preview>>,
}

impl Shared {
    /// True where the event says something new.
    fn take_in(&mut self, event: Event) -> bool {
        match event {
            Event::Progress { stage, done, total } => {
                if (stage.as_str(), done, total) == (self.stage.as_str(), self.done, self.total) {
                    return false;
                }
                // The pace is that of one count: a new total or a step back begins another.
                if total != self.total || done < self.done {
                    self.stage_started = Instant::now();
                    self.stage_first_done = done;
                }
                (self.stage, self.done, self.total) = (stage, done, total);
            }
            Event::Metric { series, step, value } => {
                let all = Arc::make_mut(&mut self.series);
                let index = *self.series_index.entry(series).or_insert_with_key(|name| {
                    all.push(Series { name: name.clone(), points: Vec::new() });
                    all.len() - 1
                });
                let Some(curve) = all.get_mut(index) else { return false };
                curve.points.push([step, value]);
                if curve.points.len() > MAX_POINTS {
                    let mut keep = false;
                    curve.points.retain(|_| {
                        keep = !keep;
                        keep
                    });
                }
            }
            Event::Note { level, text } => {
                if self.notes.iter().any(|(_, known)| *known == text) {
                    return false;
                }
                self.notes.push((level, text));
            }
            Event::TimeLeft { left, unmeasured } => {
                self.told = Some(Told { at: Instant::now(), left, unmeasured });
            }
            Event::Preview(preview) => {
                let previews = Arc::make_mut(&mut self.previews);
                previews.push(preview);
                // Whose row each is: the place of the first one of the same things.
                let of: Vec<usize> = previews
                    .iter()
                    .map(|one| previews.iter().position(|first| first.same_things(one)).unwrap_or_default())
                    .collect();
                let things = of.iter().enumerate().filter(|(place, first)| place == *first).count();
                if previews.len() > MAX_PREVIEWS.max(LEAST_PREVIEWS * things) {
                    // The first and the newest of the same things stay; the middle thins out.
                    let mut left = vec![0_usize; of.len()];
                    of.iter().for_each(|&first| left[first] += 1);
                    let mut seen = vec![0_usize; of.len()];
                    let mut rows = of.iter();
                    previews.retain(|_| {
                        let Some(&first) = rows.next() else { return true };
                        seen[first] += 1;
                        seen[first] == left[first] || seen[first] % 2 == 1
                    });
                }
            }
        }
        true
    }

    fn view(&self) -> JobView {
        let now = self.ended.or(self.paused_since).unwrap_or_else(Instant::now);
        let in_stage = now.saturating_duration_since(self.stage_started);
        let made = self.done.saturating_sub(self.stage_first_done);
        let by_pace = || {
            let known = self.total > 0 && made > 0 && in_stage > Duration::from_secs(1);
            known.then(|| in_stage.mul_f64(self.total.saturating_sub(self.done) as f64 / made as f64))
        };
        let told = self.told.as_ref().filter(|_| self.state == JobState::Running);
        let time_left = match (told, &self.state) {
            // What runs now may be what was never measured, and then nothing of the rest goes by.
            (Some(told), _) if !told.unmeasured.is_empty() => told.left,
            (Some(told), _) => {
                told.left.map(|left| left.saturating_sub(now.saturating_duration_since(told.at)))
            }
            (None, JobState::Running) => by_pace(),
            (None, _) => None,
        };
        JobView {
            name: self.name.clone(),
            state: self.state.clone(),
            stage: self.stage.clone(),
            done: self.done,
            total: self.total,
            elapsed: now.saturating_duration_since(self.started),
            time_left,
            unmeasured: told.map_or_else(String::new, |told| told.unmeasured.clone()),
            series: self.series.clone(),
            notes: self.notes.clone(),
            previews: self.previews.clone(),
        }
    }
}

struct EngineSink {
    shared: Arc<Mutex<Shared>>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Sink for EngineSink {
    fn event(&self, event: Event) {
        let news = lock(&self.shared).take_in(event);
        if news {
            (self.wake)();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Ending<T> {
    result: Mutex<Option<Result<T, JobError>>>,
    over: Condvar,
}

/// A piece of work on its own thread. Dropping the handle does not stop it: cancel first.
pub struct Job<T> {
    ctx: Ctx,
    shared: Arc<Mutex<Shared>>,
    ending: Arc<Ending<T>>,
}

/// Starts `work` on a thread called `name`. `wake` is called after every event that says something
/// new, and at the end.
pub fn spawn<T: Send + 'static>(
    name: &str,
    wake: Arc<dyn Fn() + Send + Sync>,
    work: impl FnOnce(&Ctx) -> Result<T, JobError> + Send + 'static,
) -> Job<T> {
    let now = Instant::now();
    let shared = Arc::new(Mutex::new(Shared {
        name: name.to_owned(),
        state: JobState::Running,
        stage: String::new(),
        done: 0,
        total: 0,
        started: now,
        ended: None,
        stage_started: now,
        stage_first_done: 0,
        told: None,
        paused_since: None,
        series: Arc::default(),
        series_index: HashMap::new(),
        notes: Vec::new(),
        previews: Arc::default(),
    }));
    let ctx = Ctx::new(EngineSink { shared: shared.clone(), wake: wake.clone() });
    let ending = Arc::new(Ending { result: Mutex::new(None), over: Condvar::new() });
    let finish = {
        let (shared, ending, wake) = (shared.clone(), ending.clone(), wake.clone());
        move |result: Result<T, JobError>| {
            let state = match &result {
                Ok(_) => JobState::Finished,
                Err(JobError::Cancelled) => JobState::Cancelled,
                Err(error) => JobState::Failed(error.to_string()),
            };
            // The result is there before the state says so: who sees the end can take it.
            *lock(&ending.result) = Some(result);
            {
                let mut shared = lock(&shared);
                shared.ended = Some(Instant::now());
                shared.state = state;
            }
            ending.over.notify_all();
            wake();
        }
    };
    let thread_ctx = ctx.clone();
    let thread_finish = finish.clone();
    // Deep networks recurse while their graph is freed; the default stack of a thread is small.
    let started = std::thread::Builder::new().name(name.to_owned()).stack_size(16 << 20).spawn(move || {
        super::workers::yield_to_window();
        let result = catch_unwind(AssertUnwindSafe(|| work(&thread_ctx)))
            .unwrap_or_else(|panic| Err(JobError::Failed(panic_sentence(panic.as_ref()))));
        thread_finish(result);
    });
    if let Err(error) = started {
        finish(Err(JobError::Resource(format!("the system would not start another thread: {error}"))));
    }
    Job { ctx, shared, ending }
}

fn panic_sentence(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    let first = text.lines().next().unwrap_or_default();
    format!(
        "the work stopped on an internal error; what was saved before is safe, so start it again: {first}"
    )
}

impl<T> Job<T> {
    pub fn ctx(&self) -> &Ctx {
        &self.ctx
    }

    pub fn view(&self) -> JobView {
        lock(&self.shared).view()
    }

    /// Shown as cancelling at once; the work ends within one step.
    pub fn cancel(&self) {
        self.ask(JobState::Cancelling);
        self.ctx.cancel();
    }

    /// The work ends at the next good point and its result so far is kept.
    pub fn stop_and_keep(&self) {
        self.ask(JobState::Stopping);
        self.ctx.stop_and_keep();
    }

    pub fn pause(&self, paused: bool) {
        {
            let mut shared = lock(&self.shared);
            match (&shared.state, paused) {
                (JobState::Running, true) => {
                    shared.state = JobState::Paused;
                    shared.paused_since = Some(Instant::now());
                }
                (JobState::Paused, false) => {
                    shared.state = JobState::Running;
                    if let Some(since) = shared.paused_since.take() {
                        let pause = since.elapsed();
                        shared.stage_started += pause;
                        shared.started += pause;
                        if let Some(told) = &mut shared.told {
                            told.at += pause;
                        }
                    }
                }
                _ => return,
            }
        }
        self.ctx.set_paused(paused);
    }

    fn ask(&self, state: JobState) {
        let mut shared = lock(&self.shared);
        if !shared.state.is_over() && shared.state != JobState::Cancelling {
            shared.state = state;
        }
    }

    pub fn is_over(&self) -> bool {
        lock(&self.shared).state.is_over()
    }

    /// The result, once, after the end.
    pub fn take(&self) -> Option<Result<T, JobError>> {
        lock(&self.ending.result).take()
    }

    /// Blocks until the end; for callers without a window.
    pub fn wait(&self) -> Result<T, JobError> {
        let mut result = lock(&self.ending.result);
        loop {
            if let Some(result) = result.take() {
                return result;
            }
            if self.is_over() {
                return Err(JobError::Failed("the result of this work was taken already".to_owned()));
            }
            result = self.ending.over.wait(result).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Blocks until the end or `timeout`; true at the end.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        let result = lock(&self.ending.result);
        if result.is_some() || self.is_over() {
            return true;
        }
        let (result, _) =
            self.ending.over.wait_timeout(result, timeout).unwrap_or_else(PoisonError::into_inner);
        result.is_some() || self.is_over()
    }
}
