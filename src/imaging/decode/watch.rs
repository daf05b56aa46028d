//! Decodes that are watched: on a named thread each, given up after a time, within a common memory budget.
//!
//! A thread cannot be stopped from outside. One that is given up runs on until its decoder ends; its result
//! is dropped. Starting a thread costs 30 to 80 microseconds, and memory is mapped anew in each: little beside
//! what a watched decode takes, so there is no pool, and parallel callers never wait for each other's decoders,
//! only for memory. Of a photo of 640 x 480, decoded in half a millisecond, it would be an eighth and more: such
//! a one is not watched.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{DecodeError, Decoded, Limits};

/// Up to here the work of any decoder is bounded by the size of the file and of the image (well under a
/// second). Pixels count as often as the decoder may go over them.
const FREE_PIXELS: u64 = 1024 * 1024;
const FREE_BYTES: u64 = 1024 * 1024;
/// Pixels per byte above which a file is suspicious, where it has more than [`FREE_SMALL`] pixels.
const FREE_RATIO: u64 = 256;
const FREE_SMALL: u64 = 64 * 1024;
/// Threads that were given up and still run, above which no further watched decode starts.
const MAX_STUCK: usize = 16;
/// How often a waiting caller looks whether it should go on.
const LOOK: Duration = Duration::from_millis(30);

static STUCK: AtomicUsize = AtomicUsize::new(0);
static BUDGET: Budget = Budget { used: Mutex::new(0), freed: Condvar::new() };

/// True where a decode must be watched for the size of its file alone.
pub(super) fn is_large(bytes: u64) -> bool {
    bytes > FREE_BYTES
}

/// True where a decode must be watched: of an image of so many `pixels` in a file of so many `bytes`. `passes` is how often
/// the decoder may go over the pixels.
pub fn is_needed(pixels: u64, passes: u64, bytes: u64) -> bool {
    is_large(bytes)
        || pixels.saturating_mul(passes) > FREE_PIXELS
        || (pixels > FREE_SMALL && pixels > bytes * FREE_RATIO)
}

/// Memory that watched decodes hold together.
struct Budget {
    used: Mutex<u64>,
    freed: Condvar,
}

/// A part of the budget, given back when dropped.
struct Share(u64);

impl Drop for Share {
    fn drop(&mut self) {
        let mut used = BUDGET.used.lock().unwrap_or_else(PoisonError::into_inner);
        *used = used.saturating_sub(self.0);
        BUDGET.freed.notify_all();
    }
}

impl Budget {
    /// Waits until `bytes` fit into `max`, or until nobody else holds any.
    fn share(&self, bytes: u64, max: u64, go_on: &(dyn Fn() -> bool + Sync)) -> Result<Share, DecodeError> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        while *used > 0 && used.saturating_add(bytes) > max {
            if !go_on() {
                return Err(DecodeError::Cancelled);
            }
            used = self.freed.wait_timeout(used, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        *used = used.saturating_add(bytes);
        Ok(Share(bytes))
    }
}

/// How a watched decode stands.
const RUNS: u8 = 0;
const ENDED: u8 = 1;
const GIVEN_UP: u8 = 2;

/// Threads of the whole process that were given up and still run. With too many of them no further watched decode starts
/// ([`DecodeError::Stuck`]).
pub fn stuck() -> usize {
    STUCK.load(Ordering::SeqCst)
}

/// Runs `work`, which will hold about `memory` bytes, on a thread of its own.
///
/// The caller holds the share of the budget, not the thread: one that is stuck must not starve the others.
/// The number of stuck threads is bounded instead.
///
/// # Errors
/// Those of `work`; one that takes longer than [`Limits::timeout`] or panics; too many that were given up still run
/// ([`stuck`]); [`DecodeError::Cancelled`] soon after `go_on` says no.
pub fn run(
    memory: u64,
    limits: &Limits,
    go_on: &(dyn Fn() -> bool + Sync),
    work: impl FnOnce() -> Result<Decoded, DecodeError> + Send + 'static,
) -> Result<Decoded, DecodeError> {
    let running = stuck();
    if running >= MAX_STUCK {
        return Err(DecodeError::Stuck(running));
    }
    let _share = BUDGET.share(memory, limits.max_alloc.saturating_mul(2), go_on)?;
    let (sender, receiver) = channel();
    let state = Arc::new(AtomicU8::new(RUNS));
    let of_thread = Arc::clone(&state);
    let body = move || {
        let result = work();
        // Whoever comes second sees what the first wrote, so the count of stuck threads is exact.
        if of_thread.swap(ENDED, Ordering::SeqCst) == GIVEN_UP {
            STUCK.fetch_sub(1, Ordering::SeqCst);
        }
        // Nobody listens where the decode was given up.
        let _ = sender.send(result);
    };
    thread::Builder::new().name("image decode".to_owned()).spawn(body).map_err(DecodeError::Thread)?;
    let start = Instant::now();
    let give_up = |error| {
        STUCK.fetch_add(1, Ordering::SeqCst);
        if state.swap(GIVEN_UP, Ordering::SeqCst) == ENDED {
            STUCK.fetch_sub(1, Ordering::SeqCst);
        }
        Err(error)
    };
    loop {
        match receiver.recv_timeout(LOOK) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Disconnected) => return Err(DecodeError::Panicked { format: "image" }),
            Err(RecvTimeoutError::Timeout) if !go_on() => return give_up(DecodeError::Cancelled),
            Err(RecvTimeoutError::Timeout) if start.elapsed() > limits.timeout => {
                return give_up(DecodeError::TimedOut { seconds: limits.timeout.as_secs() });
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}
