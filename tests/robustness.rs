//! A collection of damaged, hostile and odd image files: each is read, listed or ignored, and the scan ends; and what
//! watches over decodes that might not end.
#![allow(clippy::unwrap_used)]

#[path = "common/data.rs"]
mod data;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use counterpoise::domain::task::Ctx;
use counterpoise::imaging::decode::watch::{is_needed, run, stuck};
use counterpoise::imaging::decode::{DecodeError, Limits};
use counterpoise::imaging::scan::{Reading, ScanOptions, scan};

/// Regular files below a folder.
fn files_below(folder: &Path) -> usize {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() { files_below(&entry.path()) } else { 1 }
        })
        .sum()
}

#[test]
fn every_file_is_read_listed_or_ignored() {
    let Some(archive) = data::file("robustness/robustness_images.tar.gz") else { return };
    let folder = tempfile::tempdir().unwrap();
    let unpacked =
        Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(folder.path()).status().unwrap();
    assert!(unpacked.success());
    let on_disk = files_below(folder.path());
    let options = ScanOptions { reading: Reading::Decode, ..ScanOptions::default() };
    let dataset = scan(&Ctx::default(), folder.path(), &options).unwrap();
    let (read, listed) = (dataset.samples.len(), dataset.unreadable.len());
    println!("{on_disk} files: {read} read, {listed} unreadable, {} ignored", dataset.ignored);
    for note in &dataset.notes {
        println!("note: {note}");
    }
    for unreadable in &dataset.unreadable {
        println!("unreadable: {} ({})", unreadable.path, unreadable.reason);
        assert!(!unreadable.reason.is_empty());
        assert!(!unreadable.reason.contains("took longer"), "{}", unreadable.path);
    }
    assert_eq!(read + listed + dataset.ignored, on_disk);
    assert!(read > 300, "most of the collection is readable");
    assert!(dataset.samples.iter().all(|s| s.info.width > 0 && s.info.height > 0));

    let headers = scan(&Ctx::default(), folder.path(), &ScanOptions::default()).unwrap();
    assert_eq!(headers.samples.len() + headers.unreadable.len() + headers.ignored, on_disk);
    // What decodes has a good header that says the same.
    for sample in &dataset.samples {
        let place = headers.samples.binary_search_by(|s| s.path.cmp(&sample.path)).unwrap();
        assert_eq!(headers.samples[place].info, sample.info, "{}", sample.path);
    }
}

/// Waits until the number of stuck threads is this; false where it never is.
fn comes_to(wanted: usize) -> bool {
    (0..500).any(|_| {
        thread::sleep(Duration::from_millis(10));
        stuck() == wanted
    })
}

/// The number is of the whole process: no other test of this file may have a decode given up.
#[test]
fn a_decode_that_does_not_end_is_given_up_and_those_beside_it_go_on() {
    let hurried = Limits { timeout: Duration::ZERO, ..Limits::default() };
    let (release, waits) = channel::<()>();
    // Nothing but the end of this test lets it end.
    let endless = move || {
        waits.recv().ok();
        Err(DecodeError::Empty)
    };
    let result = run(1, &hurried, &|| true, endless);
    assert!(matches!(result, Err(DecodeError::TimedOut { seconds: 0 })), "{result:?}");
    assert!(comes_to(1), "the thread that was given up is counted");
    // It does not hold its share of the memory: one that wants all of it starts.
    let all = hurried.max_alloc * 2;
    let result = run(all, &Limits::default(), &|| true, || Err(DecodeError::NoPixels));
    assert!(matches!(result, Err(DecodeError::NoPixels)), "{result:?}");
    let (release_second, waits) = channel::<()>();
    let result = run(1, &Limits::default(), &|| false, move || {
        waits.recv().ok();
        Err(DecodeError::Empty)
    });
    assert!(matches!(result, Err(DecodeError::Cancelled)), "{result:?}");
    assert!(comes_to(2));
    drop((release, release_second));
    assert!(comes_to(0), "a thread that ended after all is no longer counted");
}

#[test]
fn a_decode_is_watched_by_pixels_times_passes_and_by_bytes() {
    let (photo, bytes, many) = (640 * 480, 20_000, 1024 * 1024);
    assert!(!is_needed(photo, 1, bytes) && is_needed(photo, 10, bytes));
    assert!(!is_needed(many, 1, bytes) && is_needed(2 * many, 1, bytes));
    assert!(!is_needed(1, 1, many) && is_needed(1, 1, many + 1));
    assert!(is_needed(photo, 1, 1000), "300 pixels a byte");
}
