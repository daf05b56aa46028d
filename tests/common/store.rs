//! A small image folder on disk with its data set, and candidates to put into a project.
#![allow(dead_code, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use counterpoise::domain::decisions::Verdict;
use counterpoise::domain::provenance::{Kind, Parts};
use counterpoise::domain::samples::{Dataset, ImageInfo, Sample};
use counterpoise::domain::splits::Split;
use counterpoise::imaging::encode::png;
use counterpoise::imaging::hash::sha256_hex;
use counterpoise::imaging::picture::{Picture, Pixels};
use counterpoise::project::files::write_candidates;
use counterpoise::project::{NewCandidate, Project, RunId};
use serde_json::json;

/// Side of every image.
pub const SIDE: u32 = 8;

/// A grey PNG whose pixels follow from `value`.
pub fn image(value: usize) -> Vec<u8> {
    let pixels = (0..SIDE * SIDE).map(|p| (p as usize * 3 + value * 7) as u8).collect();
    png(&Picture::new(SIDE, SIDE, 1, Pixels::U8(pixels)).unwrap(), &[]).unwrap()
}

/// Writes an image and says what a scan would say of it.
pub fn sample(root: &Path, path: &str, class: usize, split: Split, value: usize) -> Sample {
    let bytes = image(value);
    let file = root.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, &bytes).unwrap();
    let info = ImageInfo { width: SIDE, height: SIDE, channels: 1, bits: 8, bytes: bytes.len() as u64 };
    Sample { path: path.to_owned(), class, split, group: None, kind: Kind::Original, info, excluded: false }
}

/// A folder of class folders: `cat` with 3 images, `dog` with 6.
pub fn folder(root: &Path) -> Dataset {
    let mut samples = Vec::new();
    for (class, (name, count)) in [("cat", 3), ("dog", 6)].into_iter().enumerate() {
        for i in 0..count {
            samples.push(sample(root, &format!("{name}/{i}.png"), class, Split::Train, class * 100 + i));
        }
    }
    samples.sort_by(|a, b| a.path.cmp(&b.path));
    Dataset {
        root: root.to_path_buf(),
        classes: vec!["cat".to_owned(), "dog".to_owned()],
        samples,
        ..Dataset::default()
    }
}

/// Writes class folders with so many training images each.
pub fn class_folders(root: &Path, counts: &[(&str, usize)]) -> Dataset {
    let mut samples = Vec::new();
    for (class, (name, count)) in counts.iter().enumerate() {
        for i in 0..*count {
            let path = format!("{name}/{i:02}.png");
            samples.push(sample(root, &path, class, Split::Train, class * 100 + i));
        }
    }
    let classes = counts.iter().map(|(name, _)| (*name).to_owned()).collect();
    Dataset { root: root.to_path_buf(), classes, samples, ..Dataset::default() }
}

/// Writes candidate files of class `cat` and describes them; verdicts alternate, accepted first.
pub fn candidates(project_dir: &Path, run: RunId, count: usize) -> Vec<NewCandidate> {
    let files: Vec<(String, Vec<u8>)> =
        (0..count).map(|i| (format!("cat-{i}.png"), image(1000 + i))).collect();
    let names = write_candidates(project_dir, run, &files).unwrap();
    let described = names.into_iter().zip(files).enumerate().map(|(i, (file, (_, bytes)))| NewCandidate {
        class: "cat".to_owned(),
        slot: i as u32,
        attempt: 0,
        file,
        sha256: sha256_hex(&bytes),
        method: "m2m".to_owned(),
        model_hash: "abcd".to_owned(),
        kind: Kind::Derived,
        seed: u64::MAX - i as u64,
        seed_file: Some("dog/1.png".to_owned()),
        seed_class: Some("dog".to_owned()),
        seed_sha256: Some("00ff".to_owned()),
        parts: Parts {
            p_accept: Some(0.25),
            draw: Some(0.1),
            confidence: Some(0.1 + 0.2),
            threshold: Some(0.9),
        },
        own_score: Some(("distance".to_owned(), 1.5)),
        verdict: if i % 2 == 0 { Verdict::Accepted } else { Verdict::RejectedConfidence },
        nearest_file: Some("cat/0.png".to_owned()),
        nearest_distance: Some(0.75),
        extra: json!({ "steps": 10 }),
    });
    described.collect()
}

/// A project with the folder's data set and a finished run of candidates.
pub struct Bench {
    pub temp: tempfile::TempDir,
    pub source: PathBuf,
    pub dir: PathBuf,
    pub ids: Vec<i64>,
}

impl Bench {
    pub fn new(count: usize) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let (source, dir) = (temp.path().join("source"), temp.path().join("work").join("project"));
        let dataset = folder(&source);
        let mut project = Project::create(&dir, "pets").unwrap();
        project.set_dataset(&dataset).unwrap();
        let run = project.new_run("generate", &json!({ "params": { "beta": 0.99 } })).unwrap();
        let ids = project.add_candidates(run, &candidates(&dir, run, count)).unwrap();
        project.finish_run(run, "finished").unwrap();
        Bench { temp, source, dir, ids }
    }

    pub fn open(&self) -> Project {
        Project::open(&self.dir).unwrap()
    }
}
