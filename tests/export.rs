//! The export: names, contents, counts, provenance, all or nothing, and the proof.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use counterpoise::domain::decisions::{DecidedBy, Decision, Verdict};
use counterpoise::domain::plan::{Plan, Rejected, Target};
use counterpoise::domain::provenance::{Findings, Kind, Parts};
use counterpoise::domain::samples::Dataset;
use counterpoise::domain::splits::Split;
use counterpoise::domain::task::{Ctx, Event, Sink};
use counterpoise::export::{
    Card, ExportError, ExportRequest, MadeImage, Originals, Row, VerifyError, enough_space, file_plan,
    free_space, verify, write,
};
use counterpoise::imaging::decode::{Limits, decode};
use counterpoise::imaging::hash::sha256_hex;
use counterpoise::imaging::resize::Fit;
use counterpoise::imaging::training_set::Spec;
use counterpoise::jobs::export::{ExportJob, Undecided, export, preview};
use counterpoise::jobs::{JobError, verify as verify_job};

#[path = "common/store.rs"]
mod support;

use support::{Bench, SIDE, candidates, folder, image, sample};

/// An export of `dataset` to the largest class without any made image.
fn request(dataset: Dataset, out: PathBuf) -> ExportRequest {
    let counts = dataset.training_counts();
    ExportRequest {
        plan: Plan::new(&dataset.classes, &counts, &Target::Max, None).unwrap(),
        spec: Spec { size: SIDE, channels: 1, bits: 8, fit: Fit::Pad },
        dataset,
        accepted: Vec::new(),
        rejected: Rejected::Repeat,
        seed: 3,
        originals: Originals::Keep,
        out,
        method: "m2m".to_owned(),
        card: Card { title: "Pets: \"both\"".to_owned(), ..Card::default() },
    }
}

fn made(dir: &Path, class: &str, slot: u32) -> MadeImage {
    let bytes = image(500 + slot as usize);
    let file = dir.join(format!("made-{slot}.png"));
    fs::write(&file, &bytes).unwrap();
    MadeImage {
        class: class.to_owned(),
        file,
        sha256: sha256_hex(&bytes),
        kind: Kind::Derived,
        method: "m2m".to_owned(),
        model_hash: "abcd".to_owned(),
        seed_file: Some("dog/1.png".to_owned()),
        seed_class: Some("dog".to_owned()),
        seed_sha256: Some("00ff".to_owned()),
        parts: Parts { p_accept: Some(0.3), draw: Some(0.1), confidence: Some(0.95), threshold: Some(0.9) },
        verdict: Verdict::Accepted,
        decision: Decision::Accepted,
        decided_by: Some(DecidedBy::Person),
        nearest_file: Some("cat/0.png".to_owned()),
        nearest_distance: Some(0.5),
        own_score: Some(("code kept".to_owned(), 0.75)),
        findings: Findings {
            usual_distance: Some(2.0),
            near_copy: Some(true),
            judge_says: Some("cat".to_owned()),
            ..Findings::default()
        },
        group: Some("patient 7".to_owned()),
        slot,
        seed: u64::MAX,
    }
}

fn run(request: &ExportRequest) -> Result<counterpoise::export::ExportReport, ExportError> {
    let ctx = Ctx::default();
    write(&ctx, request, &file_plan(request)?)
}

fn manifest(dir: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(dir.join("manifest.csv")).unwrap();
    reader.deserialize().collect::<Result<_, _>>().unwrap()
}

/// Names in a folder.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Every file of a tree with its bytes.
fn tree(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(tree(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

#[test]
fn a_balanced_folder_with_its_provenance() {
    let temp = tempfile::tempdir().unwrap();
    let source = temp.path().join("source");
    let dataset = folder(&source);
    let before = tree(&source);
    let out = temp.path().join("out");
    let mut request = request(dataset, out.clone());
    request.accepted = vec![made(temp.path(), "cat", 0)];
    let report = run(&request).unwrap();

    assert_eq!(tree(&source), before, "the source is as it was");
    assert_eq!(names(&out), ["README.md", "cat", "dog", "manifest.csv"]);
    let totals: Vec<_> = report
        .classes
        .iter()
        .map(|c| (c.name.as_str(), c.original, c.derived, c.repeated, c.total))
        .collect();
    assert_eq!(totals, [("cat", 3, 1, 2, 6), ("dog", 6, 0, 0, 6)]);
    assert_eq!((names(&out.join("cat")).len(), names(&out.join("dog")).len()), (6, 6));
    for i in 0..3 {
        let name = format!("cat/{i}.png");
        assert_eq!(fs::read(out.join(&name)).unwrap(), fs::read(source.join(&name)).unwrap());
    }

    let header = fs::read_to_string(out.join("manifest.csv")).unwrap();
    assert_eq!(
        header.lines().next().unwrap(),
        "file,label,split,kind,method,seed_file,seed_class,p_accept,prior_draw,confidence,verdict,decision,\
         decided_by,nearest_file,nearest_distance,sha256,group,seed,slot,model,seed_sha256,source_file,\
         own_score_name,own_score,usual_distance,usual_of_others,near_copy,exact_copy,diversity,judge_says"
    );
    let rows = manifest(&out);
    assert_eq!(rows.len(), 12);
    for row in &rows {
        assert_eq!(row.sha256, sha256_hex(fs::read(out.join(&row.file)).unwrap()), "{}", row.file);
        assert_eq!(row.split, Split::Train);
    }
    let syn = rows.iter().find(|row| row.kind == Kind::Derived).unwrap();
    assert!(syn.file.starts_with("cat/syn_m2m_cat_") && syn.file.ends_with(".png"), "{}", syn.file);
    assert_eq!((syn.p_accept, syn.prior_draw, syn.confidence), (Some(0.3), Some(0.1), Some(0.95)));
    assert_eq!((syn.seed, syn.group.as_deref()), (Some(u64::MAX), Some("patient 7")));
    assert_eq!((syn.verdict, syn.decided_by), (Some(Verdict::Accepted), Some(DecidedBy::Person)));
    assert_eq!((syn.own_score_name.as_deref(), syn.own_score), (Some("code kept"), Some(0.75)));
    assert_eq!((syn.usual_distance, syn.near_copy, syn.exact_copy), (Some(2.0), Some(true), None));
    assert_eq!((syn.diversity, syn.judge_says.as_deref()), (None, Some("cat")));
    let bytes = fs::read(out.join(&syn.file)).unwrap();
    for text in
        ["Software\0counterpoise", "kind\0derived", "method\0m2m", "seed_sha256\x0000ff", "class\0cat"]
    {
        assert!(bytes.windows(text.len()).any(|w| w == text.as_bytes()), "{text:?}");
    }
    let pixels = |path: &Path| decode(path, &Limits::default()).unwrap().picture;
    assert_eq!(
        pixels(&out.join(&syn.file)),
        pixels(&request.accepted[0].file),
        "the pixels are the candidate's"
    );

    // Repeats are copies of two different originals.
    let repeats: Vec<&Row> = rows.iter().filter(|row| row.kind == Kind::Repeated).collect();
    let from: HashSet<&str> = repeats.iter().map(|row| row.source_file.as_deref().unwrap()).collect();
    assert_eq!(from.len(), 2);
    for row in repeats {
        let original = row.source_file.as_deref().unwrap();
        assert_eq!(fs::read(out.join(&row.file)).unwrap(), fs::read(source.join(original)).unwrap());
        assert!(row.file.starts_with("cat/rep_"), "{}", row.file);
    }

    let card = fs::read_to_string(out.join("README.md")).unwrap();
    assert!(card.starts_with("---\npretty_name: \"Pets: \\\"both\\\"\"\n"), "{card}");
    assert!(card.contains("| train | cat | 3 | 1 | 0 | 2 | 6 |"), "{card}");
    assert!(card.contains("changed real images") && card.contains("not the training"), "{card}");
    assert!(!card.contains("license") && !card.contains(temp.path().to_str().unwrap()), "{card}");

    let proof = verify(&Ctx::default(), &out).unwrap();
    assert!(proof.ok, "{proof:?}");
    assert_eq!(proof.files, 12);

    // The same request makes the same folder.
    request.out = temp.path().join("again");
    run(&request).unwrap();
    let relative = |dir: &Path| -> Vec<(PathBuf, Vec<u8>)> {
        tree(dir).into_iter().map(|(p, b)| (p.strip_prefix(dir).unwrap().to_path_buf(), b)).collect()
    };
    assert_eq!(relative(&out), relative(&request.out));
}

#[test]
fn repeats_use_every_original_before_one_twice() {
    let temp = tempfile::tempdir().unwrap();
    let mut request = request(folder(&temp.path().join("source")), temp.path().join("out"));
    request.plan = Plan::new(&request.dataset.classes, &[3, 6], &Target::Count(11), None).unwrap();
    let plan = file_plan(&request).unwrap();
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    for file in plan.files.iter().filter(|f| f.row.kind == Kind::Repeated && f.row.label == "cat") {
        *used.entry(file.row.source_file.as_deref().unwrap()).or_default() += 1;
    }
    let mut counts: Vec<usize> = used.values().copied().collect();
    counts.sort_unstable();
    assert_eq!(counts, [2, 3, 3]);
    request.rejected = Rejected::Leave;
    let plan = file_plan(&request).unwrap();
    assert_eq!(plan.classes[0].total, 3);
    assert!(plan.warnings.iter().any(|w| w.contains("8 below its target")), "{:?}", plan.warnings);
}

#[test]
fn splits_are_kept_and_made_images_go_into_training() {
    let temp = tempfile::tempdir().unwrap();
    let source = temp.path().join("source");
    let mut dataset =
        Dataset { root: source.clone(), classes: vec!["cat".into(), "dog".into()], ..Dataset::default() };
    let wanted = [
        ("test/cat/a.png", 0, Split::Test),
        ("test/dog/a.png", 1, Split::Test),
        ("train/cat/a.png", 0, Split::Train),
        ("train/dog/a.png", 1, Split::Train),
        ("train/dog/b.png", 1, Split::Train),
        ("val/dog/c.png", 1, Split::Validation),
    ];
    for (value, (path, class, split)) in wanted.into_iter().enumerate() {
        dataset.samples.push(sample(&source, path, class, split, value));
    }
    dataset.has_splits = true;
    let out = temp.path().join("out");
    let mut request = request(dataset, out.clone());
    let seed = |file: &str| MadeImage { seed_file: Some(file.to_owned()), ..made(temp.path(), "cat", 0) };
    // A changed test image would leak into training.
    request.accepted = vec![seed("test/dog/a.png")];
    let plan = file_plan(&request).unwrap();
    assert_eq!((plan.classes[0].derived, plan.classes[0].repeated), (0, 1));
    assert!(plan.warnings.iter().any(|w| w.contains("no longer in training")), "{:?}", plan.warnings);
    request.accepted = vec![seed("train/dog/a.png")];
    run(&request).unwrap();
    assert_eq!(names(&out), ["README.md", "manifest.csv", "test", "train", "validation"]);
    assert_eq!(names(&out.join("validation")), ["dog"], "no empty class folders");
    assert_eq!(names(&out.join("train/cat")).len(), 2);
    assert_eq!(names(&out.join("test/cat")), ["a.png"]);
    assert!(verify(&Ctx::default(), &out).unwrap().ok);
}

#[test]
fn names_are_safe_and_unique_on_every_system() {
    let temp = tempfile::tempdir().unwrap();
    let source = temp.path().join("source");
    let mut dataset = Dataset { root: source.clone(), ..Dataset::default() };
    dataset.classes =
        ["Cat", "cat", "caf\u{e9}", "cafe\u{301}", "CON", "\u{732b}"].map(str::to_owned).to_vec();
    let long = format!("cat/{}.png", "x".repeat(200));
    let wanted = [
        ("Cat/1.png", 0),
        ("cat/A.png", 1),
        ("cat/a.png", 1),
        ("cat/aux.png", 1),
        ("cat/n\u{e9}.png", 1),
        ("cat/ne\u{301}.png", 1),
        ("cat/p 1/scan.png", 1),
        ("cat/p 2/scan.png", 1),
        ("cat/what?.png", 1),
        (long.as_str(), 1),
        ("caf\u{e9}/1.png", 2),
        ("cafe\u{301}/1.png", 3),
        ("CON/1.png", 4),
        ("\u{732b}/\u{6a5f}.png", 5),
    ];
    for (value, (path, class)) in wanted.into_iter().enumerate() {
        dataset.samples.push(sample(&source, path, class, Split::Train, value));
    }
    let mut request = request(dataset, temp.path().join("out"));
    request.rejected = Rejected::Leave;
    let plan = file_plan(&request).unwrap();
    let lower: HashSet<String> = plan.files.iter().map(|f| f.row.file.to_lowercase()).collect();
    assert_eq!(lower.len(), wanted.len(), "no two names are the same but for case");
    let files: Vec<&str> = plan.files.iter().map(|f| f.row.file.as_str()).collect();
    assert_eq!(files[0], "Cat/1.png");
    assert!(files[1].starts_with("cat-") && files[1].ends_with("/A.png"), "{}", files[1]);
    for part in ["/_aux.png", "/p 1_scan.png", "/p 2_scan.png", "/what_.png", "_CON/1.png"] {
        assert!(files.iter().any(|f| f.ends_with(part)), "{part} in {files:?}");
    }
    assert!(files.iter().all(|f| f.split('/').all(|part| part.len() <= 140)), "{files:?}");
    assert!(files.contains(&"\u{732b}/\u{6a5f}.png"), "letters of any script stay");
    assert!(plan.warnings.iter().any(|w| w.contains("\"CON\"")), "{:?}", plan.warnings);
    assert!(plan.warnings.iter().any(|w| w.contains("case or Unicode form")), "{:?}", plan.warnings);
    assert_eq!(plan, file_plan(&request).unwrap(), "the same every time");
    run(&request).unwrap();
    assert!(verify(&Ctx::default(), &request.out).unwrap().ok);
}

#[test]
fn edits_reach_the_export() {
    let temp = tempfile::tempdir().unwrap();
    let mut dataset = folder(&temp.path().join("source"));
    dataset.samples[3].class = 0; // dog/0.png, relabelled
    dataset.samples[4].excluded = true; // dog/1.png
    dataset.samples[5].kind = Kind::Repeated; // dog/2.png, from an earlier export
    let mut request = request(dataset, temp.path().join("out"));
    request.rejected = Rejected::Leave;
    let plan = file_plan(&request).unwrap();
    let sources: Vec<&str> = plan.files.iter().map(|f| f.row.source_file.as_deref().unwrap()).collect();
    assert_eq!(sources.len(), 7);
    assert!(!sources.contains(&"dog/1.png") && !sources.contains(&"dog/2.png"));
    let moved = plan.files.iter().find(|f| f.row.source_file.as_deref() == Some("dog/0.png")).unwrap();
    assert_eq!(moved.row.label, "cat");
    assert!(moved.row.file.starts_with("cat/0-"), "{}: cat/0.png is taken", moved.row.file);
    assert!(plan.warnings.iter().any(|w| w.contains("repeated images of the source")), "{:?}", plan.warnings);
    // A candidate whose seed image is excluded now.
    request.accepted = vec![made(temp.path(), "cat", 0)];
    assert_eq!(file_plan(&request).unwrap().classes[0].derived, 0);
}

#[test]
fn originals_at_training_size_are_png_of_that_size() {
    let temp = tempfile::tempdir().unwrap();
    let mut request = request(folder(&temp.path().join("source")), temp.path().join("out"));
    request.spec.size = 4;
    request.accepted = vec![made(temp.path(), "cat", 0)];
    let keep = file_plan(&request).unwrap();
    assert!(keep.warnings.iter().any(|w| w.contains("another size")), "{:?}", keep.warnings);
    request.originals = Originals::TrainingSize;
    run(&request).unwrap();
    for row in manifest(&request.out).iter().filter(|row| row.kind != Kind::Derived) {
        let picture = decode(&request.out.join(&row.file), &Limits::default()).unwrap().picture;
        assert_eq!((picture.width, picture.height), (4, 4));
    }
    assert!(verify(&Ctx::default(), &request.out).unwrap().ok);
}

#[test]
fn made_images_of_an_earlier_export_stay_made() {
    let temp = tempfile::tempdir().unwrap();
    let mut first = request(folder(&temp.path().join("source")), temp.path().join("first"));
    first.accepted = vec![made(temp.path(), "cat", 0)];
    run(&first).unwrap();
    let rows = manifest(&first.out);
    let mut dataset =
        Dataset { root: first.out.clone(), classes: first.dataset.classes.clone(), ..Dataset::default() };
    for row in &rows {
        let class = usize::from(row.label == "dog");
        let mut sample = sample(temp.path(), "scratch.png", class, Split::Train, 0);
        (sample.path, sample.kind) = (row.file.clone(), row.kind);
        dataset.samples.push(sample);
    }
    dataset.samples.sort_by(|a, b| a.path.cmp(&b.path));
    let second = request(dataset, temp.path().join("second"));
    let report = run(&second).unwrap();
    let cat = &report.classes[0];
    assert_eq!((cat.original, cat.derived, cat.repeated, cat.total), (3, 1, 2, 6));
    let syn = manifest(&second.out).into_iter().find(|row| row.kind == Kind::Derived).unwrap();
    assert_eq!((syn.p_accept, syn.seed_file.as_deref()), (Some(0.3), Some("dog/1.png")));
    assert_eq!((syn.own_score, syn.near_copy), (Some(0.75), Some(true)));
}

#[test]
fn a_manifest_of_an_older_version_is_still_read() {
    let temp = tempfile::tempdir().unwrap();
    let mut request = request(folder(&temp.path().join("source")), temp.path().join("out"));
    request.accepted = vec![made(temp.path(), "cat", 0)];
    run(&request).unwrap();
    // It had no columns after the source file.
    let path = request.out.join("manifest.csv");
    let cut = |record: &csv::StringRecord| record.iter().take(22).map(str::to_owned).collect::<Vec<String>>();
    let mut reader = csv::Reader::from_path(&path).unwrap();
    let mut rows = vec![cut(reader.headers().unwrap())];
    assert_eq!(rows[0].last().unwrap(), "source_file");
    rows.extend(reader.records().map(|record| cut(&record.unwrap())));
    let mut writer = csv::Writer::from_path(&path).unwrap();
    for row in &rows {
        writer.write_record(row).unwrap();
    }
    writer.flush().unwrap();
    assert!(verify(&Ctx::default(), &request.out).unwrap().ok);
    let syn = manifest(&request.out).into_iter().find(|row| row.kind == Kind::Derived).unwrap();
    assert_eq!((syn.nearest_distance, syn.own_score, syn.near_copy), (Some(0.5), None, None));
}

#[test]
fn nothing_is_written_over_or_into_the_source() {
    let temp = tempfile::tempdir().unwrap();
    let source = temp.path().join("source");
    let out = temp.path().join("out");
    let mut request = request(folder(&source), out.clone());
    let plan = file_plan(&request).unwrap();
    fs::create_dir(&out).unwrap();
    assert!(matches!(file_plan(&request), Err(ExportError::Exists(_))), "an empty folder is a folder");
    assert!(matches!(write(&Ctx::default(), &request, &plan), Err(ExportError::Exists(_))));
    assert!(names(&out).is_empty());
    request.out = source.join("cat").join("out");
    assert!(matches!(file_plan(&request), Err(ExportError::InsideSource(_))));
    request.out = temp.path().join("x").join("..").join("source").join("new");
    assert!(matches!(file_plan(&request), Err(ExportError::InsideSource(_))));
    request.out = PathBuf::from("/");
    assert!(matches!(file_plan(&request), Err(ExportError::NoName(_))));
    assert_eq!(names(temp.path()), ["out", "source"], "nothing partial is left");
}

/// Cancels after some events.
struct CancelAfter {
    left: AtomicU64,
    ctx: std::sync::OnceLock<Ctx>,
}

impl Sink for &'static CancelAfter {
    fn event(&self, _: Event) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1
            && let Some(ctx) = self.ctx.get()
        {
            ctx.cancel();
        }
    }
}

#[test]
fn a_failed_or_cancelled_export_leaves_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let source = temp.path().join("source");
    let mut request = request(folder(&source), temp.path().join("out"));
    request.accepted = vec![made(temp.path(), "cat", 0)];
    let plan = file_plan(&request).unwrap();
    let left = || names(temp.path()).into_iter().filter(|n| n.contains("out")).collect::<Vec<_>>();

    for events in 1..3 {
        let sink: &'static CancelAfter = Box::leak(Box::new(CancelAfter {
            left: AtomicU64::new(events),
            ctx: std::sync::OnceLock::new(),
        }));
        let ctx = Ctx::new(sink);
        assert!(sink.ctx.set(ctx.clone()).is_ok());
        assert!(matches!(write(&ctx, &request, &plan), Err(ExportError::Cancelled(_))), "{events}");
        assert!(left().is_empty(), "{:?}", left());
    }

    let candidate = fs::read(&request.accepted[0].file).unwrap();
    fs::write(&request.accepted[0].file, b"another").unwrap();
    assert!(matches!(write(&Ctx::default(), &request, &plan), Err(ExportError::CandidateChanged(_))));
    fs::write(&request.accepted[0].file, candidate).unwrap();
    fs::rename(source.join("dog/5.png"), temp.path().join("away.png")).unwrap();
    let error = write(&Ctx::default(), &request, &plan).unwrap_err();
    assert!(error.to_string().ends_with("5.png"), "the path comes last: {error}");
    #[cfg(unix)]
    {
        // A link that leaves the source folder is not followed.
        std::os::unix::fs::symlink(temp.path().join("away.png"), source.join("dog/5.png")).unwrap();
        assert!(matches!(write(&Ctx::default(), &request, &plan), Err(ExportError::Outside(_))));
    }
    assert!(left().is_empty(), "{:?}", left());

    // What a killed export left is named and kept.
    let stale = temp.path().join(".out.partial-1-0000abcd");
    fs::create_dir(&stale).unwrap();
    let plan = file_plan(&request).unwrap();
    assert!(plan.warnings.iter().any(|w| w.contains(".out.partial-1-0000abcd")), "{:?}", plan.warnings);
    assert!(plan.remarks.iter().all(|r| !r.contains("partial")));
    assert!(stale.exists());
}

#[test]
fn too_little_space_is_said_before_anything_is_written() {
    let temp = tempfile::tempdir().unwrap();
    let request =
        request(folder(&temp.path().join("source")), temp.path().join("not").join("yet").join("out"));
    let out = request.out.as_path();
    assert!(enough_space(4_200_000, Some(4_200_000), out).is_ok());
    assert!(enough_space(4_200_000, None, out).is_ok(), "what is not known refuses nothing");
    let error = enough_space(4_200_000, Some(4_199_999), out).unwrap_err();
    assert!(matches!(error, ExportError::NoSpace { .. }), "{error:?}");
    let error = enough_space(4_200_000, Some(999), out).unwrap_err();
    assert!(error.to_string().contains("needs about 4.2 MB and 999 B is free"), "{error}");
    assert!(error.to_string().ends_with(&out.display().to_string()), "the path comes last: {error}");
    assert!(matches!(JobError::from(error), JobError::Resource(_)));

    let mut plan = file_plan(&request).unwrap();
    // No disk has as much.
    plan.bytes = u64::MAX;
    if cfg!(unix) {
        assert!(free_space(out).is_some_and(|free| free < u64::MAX), "the folders above are not there yet");
        assert!(matches!(write(&Ctx::default(), &request, &plan), Err(ExportError::NoSpace { .. })));
        assert_eq!(names(temp.path()), ["source"], "not even the folders above the target were made");
    } else {
        assert_eq!(free_space(out), None);
    }
}

/// Does something once, when a stage first tells how far it is; the export waits for it meanwhile.
#[cfg(unix)]
struct AtStage<F> {
    stage: &'static str,
    left: AtomicU64,
    act: F,
}

#[cfg(unix)]
impl<F: Fn() + Send + Sync> Sink for AtStage<F> {
    fn event(&self, event: Event) {
        if matches!(&event, Event::Progress { stage, .. } if stage == self.stage)
            && self.left.swap(0, Ordering::SeqCst) == 1
        {
            (self.act)();
        }
    }
}

#[cfg(unix)]
#[test]
fn a_drive_that_vanishes_leaves_no_export_anywhere() {
    // Where a drive was mounted, an empty folder stays or none does.
    for (stage, mount_point_stays) in
        [("writing", false), ("writing", true), ("proving", false), ("proving", true)]
    {
        let temp = tempfile::tempdir().unwrap();
        let source = temp.path().join("source");
        let (drive, away) = (temp.path().join("drive"), temp.path().join("away"));
        fs::create_dir(&drive).unwrap();
        let mut request = request(folder(&source), drive.join("out"));
        // More files than are written between two looks at cancel, so that the drive goes in the middle.
        request.plan = Plan::new(&request.dataset.classes, &[3, 6], &Target::Count(80), None).unwrap();
        let plan = file_plan(&request).unwrap();
        assert_eq!(plan.files.len(), 160);
        let before = tree(&source);

        let (from, to) = (drive.clone(), away.clone());
        let act = move || {
            fs::rename(&from, &to).unwrap();
            if mount_point_stays {
                fs::create_dir(&from).unwrap();
            }
        };
        let ctx = Ctx::new(AtStage { stage, left: AtomicU64::new(1), act });
        let error = write(&ctx, &request, &plan).unwrap_err();
        assert!(matches!(error, ExportError::Io { .. }), "{stage}: {error:?}");
        assert!(error.to_string().contains("check that the drive is there"), "{error}");
        assert!(!error.is_resource() && !error.is_input());

        // Nothing is begun anew where the drive was; on the drive is what no program can reach any more.
        assert_eq!(drive.exists(), mount_point_stays, "{stage}");
        assert!(!mount_point_stays || names(&drive).is_empty(), "{:?}", names(&drive));
        let left = names(&away);
        assert_eq!(left.len(), 1, "{left:?}");
        assert!(left[0].starts_with(".out.partial-"), "{left:?}");
        assert_eq!(tree(&source), before, "the source is as it was");

        // The drive is back: what it holds is named, and the same export goes through.
        fs::rename(&away, &drive).unwrap();
        let plan = file_plan(&request).unwrap();
        assert!(plan.warnings.iter().any(|w| w.contains(&left[0])), "{:?}", plan.warnings);
        write(&Ctx::default(), &request, &plan).unwrap();
        assert!(verify(&Ctx::default(), &request.out).unwrap().ok);
    }
}

#[test]
fn verify_names_every_difference() {
    let temp = tempfile::tempdir().unwrap();
    let request = request(folder(&temp.path().join("source")), temp.path().join("out"));
    run(&request).unwrap();
    let out = &request.out;
    let mut bytes = fs::read(out.join("dog/3.png")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(out.join("dog/3.png"), bytes).unwrap();
    fs::remove_file(out.join("cat/1.png")).unwrap();
    fs::create_dir(out.join("bird")).unwrap();
    fs::write(out.join("bird/new.png"), b"new").unwrap();
    fs::remove_file(out.join("README.md")).unwrap();
    let proof = verify(&Ctx::default(), out).unwrap();
    assert!(!proof.ok);
    assert_eq!(proof.files, 12);
    assert_eq!(proof.missing, ["cat/1.png"]);
    assert_eq!(proof.changed, ["dog/3.png"]);
    assert_eq!(proof.extra, ["bird/new.png"], "the card may be rewritten or dropped");
    assert_eq!(verify_job::verify(&Ctx::default(), out).unwrap(), proof);

    assert!(matches!(verify(&Ctx::default(), temp.path()), Err(VerifyError::NoManifest(_))));
    let table = fs::read_to_string(out.join("manifest.csv")).unwrap();
    fs::write(out.join("manifest.csv"), table.replace("dog/4.png", "../source/dog/4.png")).unwrap();
    assert!(matches!(verify(&Ctx::default(), out), Err(VerifyError::Outside { .. })));
    fs::write(out.join("manifest.csv"), "file,label\n1,2,3\n").unwrap();
    assert!(matches!(verify(&Ctx::default(), out), Err(VerifyError::Manifest { .. })));
    let ctx = Ctx::default();
    ctx.cancel();
    fs::write(out.join("manifest.csv"), table).unwrap();
    assert!(matches!(verify(&ctx, out), Err(VerifyError::Cancelled(_))));
}

/// The export of a bench's project to a folder beside it.
fn job(bench: &Bench, name: &str, undecided: Undecided) -> ExportJob {
    ExportJob {
        project: bench.dir.clone(),
        out: bench.temp.path().join(name),
        originals: Originals::Keep,
        undecided,
        rejected: Rejected::Repeat,
    }
}

#[test]
fn a_project_is_exported_as_it_was_decided() {
    let bench = Bench::new(4);
    let mut project = bench.open();
    project.decide(&bench.ids[..1], Decision::Accepted, DecidedBy::Person).unwrap();
    let job = |name: &str, undecided| job(&bench, name, undecided);
    let ctx = Ctx::default();
    let refused = export(&ctx, &job("a", Undecided::Refuse), &project).unwrap_err();
    assert!(
        matches!(&refused, JobError::Input(text) if text.contains("3 candidates are undecided")),
        "{refused}"
    );

    // Slots 0 and 2 by person and verdict; the owner stays open while a preview reads.
    let before = preview(&job("b", Undecided::Verdict)).unwrap();
    assert_eq!(before.plan.classes[0].derived, 2);
    assert_eq!(before.free.is_some(), cfg!(unix));
    let report = export(&ctx, &job("b", Undecided::Verdict), &project).unwrap();
    let cat = &report.classes[0];
    assert_eq!((cat.original, cat.derived, cat.repeated, cat.total), (3, 2, 1, 6));
    let by: Vec<_> = manifest(&report.out).iter().filter_map(|row| row.decided_by).collect();
    assert_eq!(by, [DecidedBy::Person, DecidedBy::Rule]);
    let report = export(&ctx, &job("c", Undecided::Leave), &project).unwrap();
    assert_eq!(report.classes[0].derived, 1);
    assert_eq!(project.candidates().unwrap()[2].decision, Decision::Undecided, "an export decides nothing");
    assert!(verify(&ctx, &report.out).unwrap().ok);

    // The seed image is excluded: its candidates stay out.
    project.exclude(&["dog/1.png".to_owned()], true).unwrap();
    let report = export(&ctx, &job("d", Undecided::Leave), &project).unwrap();
    assert_eq!(report.classes[0].derived, 0);
    fs::remove_dir_all(&bench.source).unwrap();
    let gone = export(&ctx, &job("e", Undecided::Leave), &project).unwrap_err();
    assert!(matches!(gone, JobError::Input(_)), "{gone}");
}

#[test]
fn candidates_from_before_a_part_was_held_out_are_not_exported() {
    let bench = Bench::new(2);
    let mut project = bench.open();
    project.decide(&bench.ids, Decision::Accepted, DecidedBy::Person).unwrap();
    let job = |name: &str, undecided| job(&bench, name, undecided);
    let made = |undecided| preview(&job("out", undecided)).map(|preview| preview.plan.classes[0].derived);
    assert_eq!(made(Undecided::Refuse), Ok(2));
    // The same data set again holds out nothing.
    project.set_dataset(&folder(&bench.source)).unwrap();
    assert_eq!(made(Undecided::Refuse), Ok(2));

    let old = project.latest_run().unwrap().unwrap();
    project.cut_splits("50/25/25".parse().unwrap(), 0).unwrap();
    assert!(project.made_before_cut(old).unwrap());
    for undecided in Undecided::ALL {
        let refused = made(undecided).unwrap_err();
        assert!(
            matches!(&refused, JobError::Input(text) if text.contains("make candidates again")),
            "{refused}"
        );
    }
    // Rejected ones are not exported anyway.
    project.decide(&bench.ids, Decision::Rejected, DecidedBy::Person).unwrap();
    assert_eq!(made(Undecided::Refuse), Ok(0));
    project.undo().unwrap();
    assert!(made(Undecided::Refuse).is_err());

    drop(project);
    let mut project = bench.open();
    assert!(project.made_before_cut(old).unwrap(), "it is kept");
    let run = project.new_run("generate", &serde_json::json!({})).unwrap();
    let mut new = candidates(&bench.dir, run, 2);
    new.iter_mut().for_each(|candidate| candidate.kind = Kind::Synthetic);
    let ids = project.add_candidates(run, &new).unwrap();
    project.finish_run(run, "finished").unwrap();
    project.decide(&ids, Decision::Accepted, DecidedBy::Person).unwrap();
    assert!(!project.made_before_cut(run).unwrap());
    assert!(made(Undecided::Refuse).is_ok(), "what is made since is exported");
}
