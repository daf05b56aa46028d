//! How often work that tells of itself may wake the window. Knows no window: a function asks for a frame.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Least time between two frames that work asks for: a person reads no number that changes more often.
pub const PACE: Duration = Duration::from_millis(50);

/// Delay of a frame that is asked for at once; one that is asked for without any delay is painted twice.
const SOON: Duration = Duration::from_millis(1);

/// Wakes the window for all jobs together. One per window.
pub struct Pace {
    ask: Box<dyn Fn(Duration) + Send + Sync>,
    /// A frame was asked for and has not begun.
    asked: AtomicBool,
    /// When the last frame began, whoever asked for it.
    frame: Mutex<Option<Instant>>,
}

impl Pace {
    /// `ask` asks for a frame after at most a time, from any thread.
    pub fn new(ask: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        Pace { ask: Box::new(ask), asked: AtomicBool::new(false), frame: Mutex::new(None) }
    }

    /// Something new was told: asks for one frame, at once after a rest and else [`PACE`] after the last one.
    /// What is told before that frame begins is in it.
    pub fn wake(&self) {
        if self.asked.swap(true, Ordering::SeqCst) {
            return;
        }
        let rested = self.frame().map_or(PACE, |began| began.elapsed());
        (self.ask)(PACE.saturating_sub(rested).max(SOON));
    }

    /// A frame begins to take in what was told; what comes from now on needs another one.
    pub fn begin_frame(&self) {
        *self.frame() = Some(Instant::now());
        self.asked.store(false, Ordering::SeqCst);
    }

    fn frame(&self) -> MutexGuard<'_, Option<Instant>> {
        self.frame.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
