//! The threads that compute, and how they stand beside a window: work gives way to whoever draws it.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::ThreadPoolBuilder;
use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};

/// Set once a window is there.
static BEHIND_A_WINDOW: AtomicBool = AtomicBool::new(false);

/// A quarter of the range from least to most: niceness 9 on Linux, where 0 is usual.
const BACKGROUND: u8 = 25;

/// From now on jobs and their helpers run at a lower priority than the thread that draws.
///
/// To be called before the first job; later it does not reach the helpers that run already. A system that refuses is
/// obeyed: the window then shares the cores evenly.
pub fn give_way_to_a_window() {
    BEHIND_A_WINDOW.store(true, Ordering::Relaxed);
    let _ = ThreadPoolBuilder::new().start_handler(|_| yield_to_window()).build_global();
}

/// Limits the helpers of all jobs to `threads`.
///
/// # Errors
/// A sentence, where they run already.
pub fn limit(threads: usize) -> Result<(), String> {
    ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(|error| error.to_string())
}

/// Lowers the calling thread where there is a window; for a thread that works beside it.
pub fn yield_to_window() {
    if BEHIND_A_WINDOW.load(Ordering::Relaxed)
        && let Ok(value) = ThreadPriorityValue::try_from(BACKGROUND)
    {
        let _ = set_current_thread_priority(ThreadPriority::Crossplatform(value));
    }
}
