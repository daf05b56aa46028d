//! A collection of damaged, hostile and odd image files: each is read, listed or ignored, and the scan ends.
#![allow(clippy::unwrap_used)]

#[path = "common/data.rs"]
mod data;

use std::fs;
use std::path::Path;
use std::process::Command;

use counterpoise::domain::task::Ctx;
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
