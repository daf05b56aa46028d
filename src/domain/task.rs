//! What every long piece of work takes along: cancel, pause, progress, metrics, notes.
//!
//! A [`Ctx`] is cheap to clone and knows no thread, window or file. Work calls [`Ctx::check`] at least once
//! per step; whoever started it reads the events from the [`Sink`] it gave.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The work was cancelled; nothing it was about to produce exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// How grave a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Info,
    Warning,
    Error,
}

/// Small pictures of the same things over time (the same seeds each epoch), 8 bit, interleaved.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// What the pictures are, for a heading: `The same seed images over time`. Rows of one group and the same
    /// captions stand together.
    pub group: &'static str,
    /// For example `epoch 12`.
    pub label: String,
    pub size: u32,
    /// 1 or 3.
    pub channels: u8,
    /// One picture each, `size * size * channels` bytes.
    pub images: Vec<Vec<u8>>,
    /// One caption each, for example `pneumonia to normal`.
    pub captions: Vec<String>,
}

impl Preview {
    /// True for pictures of the same things at another time.
    pub fn same_things(&self, other: &Preview) -> bool {
        self.group == other.group && self.captions == other.captions
    }
}

/// What work tells while it runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A new stage begins or the current one goes on; `total` 0 means unknown.
    Progress {
        stage: String,
        done: u64,
        total: u64,
    },
    /// A point of a named curve, for example `g loss` at step 120. Names with ` · ` in them group:
    /// `recall of g, training · normal`.
    Metric {
        series: String,
        step: f64,
        value: f64,
    },
    Note {
        level: Level,
        text: String,
    },
    Preview(Preview),
    /// How long the work still takes by what was measured of it; `None` where nothing was. What comes on top of
    /// that and was never measured is said in words, empty where nothing does.
    TimeLeft {
        left: Option<Duration>,
        unmeasured: String,
    },
}

impl Event {
    /// The event as that of a part of the work.
    fn within(self, name: &str) -> Event {
        match self {
            Event::Progress { stage, done, total } => {
                Event::Progress { stage: format!("{name}: {stage}"), done, total }
            }
            // Behind, so that curves of one kind still group.
            Event::Metric { series, step, value } => {
                Event::Metric { series: format!("{series}, {name}"), step, value }
            }
            Event::Note { level, text } => Event::Note { level, text: format!("{name}: {text}") },
            Event::Preview(preview) => {
                let label = format!("{name}: {}", preview.label);
                Event::Preview(Preview { label, ..preview })
            }
            // Of the whole, whoever tells it.
            Event::TimeLeft { .. } => self,
        }
    }
}

/// Takes events; called on the working thread, so it must be quick and must not block.
pub trait Sink: Send + Sync {
    fn event(&self, event: Event);
}

/// When the work was asked to stand still.
#[derive(Default)]
struct Pause {
    /// Since then, while it lasts.
    since: Option<Instant>,
    /// How long the pauses before this one were.
    before: Duration,
}

struct Inner {
    /// 0 run, 1 stop and keep, 2 cancel.
    stop: AtomicU8,
    paused: Mutex<Pause>,
    resumed: Condvar,
    sink: Option<Box<dyn Sink>>,
}

/// The handle that long work and its owner share.
#[derive(Clone)]
pub struct Ctx {
    inner: Arc<Inner>,
    /// The part of the work that this handle was given to, where it is not the whole.
    within: Option<Arc<str>>,
}

impl Default for Ctx {
    fn default() -> Self {
        Self::build(None)
    }
}

impl Ctx {
    pub fn new(sink: impl Sink + 'static) -> Self {
        Self::build(Some(Box::new(sink)))
    }

    fn build(sink: Option<Box<dyn Sink>>) -> Self {
        let inner = Inner { stop: AtomicU8::new(0), paused: Mutex::default(), resumed: Condvar::new(), sink };
        Ctx { inner: Arc::new(inner), within: None }
    }

    /// The same handle for a part of the work: what it tells is told with `name`, so that two parts of one
    /// kind are not taken for one. Cancel, stop and pause are those of the whole.
    #[must_use]
    pub fn within(&self, name: &str) -> Ctx {
        let name = match &self.within {
            Some(outer) => format!("{outer}, {name}"),
            None => name.to_owned(),
        };
        Ctx { inner: self.inner.clone(), within: Some(name.into()) }
    }

    /// Ends the work as soon as it looks; what it made so far may be thrown away.
    pub fn cancel(&self) {
        self.inner.stop.store(2, Ordering::SeqCst);
        self.inner.resumed.notify_all();
    }

    /// Ends the work at the next good point and keeps the result so far.
    pub fn stop_and_keep(&self) {
        self.inner.stop.fetch_max(1, Ordering::SeqCst);
        self.inner.resumed.notify_all();
    }

    pub fn set_paused(&self, paused: bool) {
        {
            let mut pause = self.inner.paused.lock().unwrap_or_else(PoisonError::into_inner);
            if !paused && let Some(since) = pause.since.take() {
                pause.before += since.elapsed();
            } else if paused && pause.since.is_none() {
                pause.since = Some(Instant::now());
            }
        }
        self.inner.resumed.notify_all();
    }

    pub fn is_paused(&self) -> bool {
        self.inner.paused.lock().unwrap_or_else(PoisonError::into_inner).since.is_some()
    }

    /// How long it was asked to stand still, all pauses together: no part of what the work took.
    pub fn paused_for(&self) -> Duration {
        let pause = self.inner.paused.lock().unwrap_or_else(PoisonError::into_inner);
        pause.before + pause.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    pub fn is_cancelled(&self) -> bool {
        self.inner.stop.load(Ordering::SeqCst) == 2
    }

    /// True after [`Ctx::stop_and_keep`] (and after cancel).
    pub fn is_stopping(&self) -> bool {
        self.inner.stop.load(Ordering::SeqCst) > 0
    }

    /// Waits while paused, then says whether to go on.
    pub fn check(&self) -> Result<(), Cancelled> {
        let mut paused = self.inner.paused.lock().unwrap_or_else(PoisonError::into_inner);
        while paused.since.is_some() && !self.is_stopping() {
            let wait = self.inner.resumed.wait_timeout(paused, Duration::from_millis(200));
            paused = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }

    pub fn event(&self, event: Event) {
        if let Some(sink) = &self.inner.sink {
            sink.event(match &self.within {
                Some(name) => event.within(name),
                None => event,
            });
        }
    }

    pub fn progress(&self, stage: impl Into<String>, done: u64, total: u64) {
        self.event(Event::Progress { stage: stage.into(), done, total });
    }

    pub fn metric(&self, series: impl Into<String>, step: f64, value: f64) {
        self.event(Event::Metric { series: series.into(), step, value });
    }

    pub fn note(&self, level: Level, text: impl Into<String>) {
        self.event(Event::Note { level, text: text.into() });
    }

    /// See [`Event::TimeLeft`].
    pub fn time_left(&self, left: Option<Duration>, unmeasured: impl Into<String>) {
        self.event(Event::TimeLeft { left, unmeasured: unmeasured.into() });
    }
}
