//! How long a scan of many small files takes, how much memory it holds at most, and how soon it ends when it
//! is cancelled.
//!
//! `cargo bench --bench scan -- [N] [--folder DIR]`: N images (100000) in ten class folders, made once in DIR
//! (the system's folder for temporary files) and kept there. Each reading has a process of its own, so that
//! peaks do not mix. The figures are those of a warm cache: the first scan reads all files once and is not
//! counted.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use counterpoise::domain::task::Ctx;
use counterpoise::imaging::scan::{Reading, ScanError, ScanOptions, scan};

#[path = "common/many_files.rs"]
mod many_files;

use many_files::Many;

/// Runs one reading in this process.
const READ: &str = "--read";
/// Scans that are cancelled, spread over the time a scan takes.
const CANCELS: u32 = 10;
const AFTER: Duration = Duration::from_millis(500);

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [read, reading, folder] = args.as_slice()
        && read == READ
    {
        return measure(reading, Path::new(folder));
    }
    let Some(many) = Many::of(&args) else {
        println!("usage: cargo bench --bench scan -- [N] [--folder DIR]");
        return;
    };
    let folder = many.folder();
    scan(&Ctx::default(), &folder, &ScanOptions::default()).unwrap();
    for reading in ["headers", "decode"] {
        let program = std::env::current_exe().unwrap();
        let status = Command::new(program).args([READ, reading]).arg(&folder).status().unwrap();
        assert!(status.success(), "{reading}: {status}");
    }
}

fn measure(reading: &str, folder: &Path) {
    let kind = if reading == "decode" { Reading::Decode } else { Reading::Headers };
    let options = ScanOptions { reading: kind, ..ScanOptions::default() };
    let before = memory("VmRSS:");
    let begun = Instant::now();
    let dataset = scan(&Ctx::default(), folder, &options).unwrap();
    let taken = begun.elapsed();
    let peak = memory("VmHWM:");
    let images = dataset.samples.len();
    assert!(dataset.unreadable.is_empty());
    println!(
        "{reading}: {images} images in {:.2} s, {:.0} files per second; memory {} at most, {} before",
        taken.as_secs_f64(),
        images as f64 / taken.as_secs_f64(),
        megabytes(peak),
        megabytes(before)
    );
    drop(dataset);

    match time_to_cancel(folder, &options, AFTER) {
        Some(time) => println!("{reading}: cancelled after 0.5 s, back in {:.1} ms", milliseconds(time)),
        None => println!("{reading}: the scan was over before it could be cancelled after 0.5 s"),
    }
    let moments = (1..=CANCELS).map(|n| taken.mul_f64(f64::from(n) / f64::from(CANCELS + 1)));
    let mut times: Vec<Duration> =
        moments.filter_map(|after| time_to_cancel(folder, &options, after)).collect();
    times.sort_unstable();
    if let (Some(median), Some(worst)) = (times.get(times.len() / 2), times.last()) {
        println!(
            "{reading}: cancelled at {} moments of the scan, back in {:.1} ms (median), {:.1} ms (most)",
            times.len(),
            milliseconds(*median),
            milliseconds(*worst)
        );
    }
}

/// From the cancel, `after` the begin, to the return of the scan; `None` where it was over by then.
fn time_to_cancel(folder: &Path, options: &ScanOptions, after: Duration) -> Option<Duration> {
    let ctx = Ctx::default();
    let other = ctx.clone();
    let canceller = thread::spawn(move || {
        thread::sleep(after);
        let asked = Instant::now();
        other.cancel();
        asked
    });
    let result = scan(&ctx, folder, options);
    let back = Instant::now();
    let asked = canceller.join().unwrap();
    matches!(result, Err(ScanError::Cancelled)).then(|| back.saturating_duration_since(asked))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// A line of the kernel's account of this process, in kB; `None` on other systems.
fn memory(line: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|l| l.strip_prefix(line))?.split_whitespace().next()?.parse().ok()
}

fn megabytes(kilobytes: Option<u64>) -> String {
    kilobytes.map_or_else(|| "unknown".to_owned(), |kb| format!("{:.1} MB", kb as f64 * 1.024e-3))
}
