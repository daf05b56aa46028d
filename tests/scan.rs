//! Folder layouts, names, links, tables, manifests and cancel.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use counterpoise::domain::classes::sorted_names;
use counterpoise::domain::provenance::Kind;
use counterpoise::domain::samples::Dataset;
use counterpoise::domain::splits::Split;
use counterpoise::domain::task::{Ctx, Event, Sink};
use counterpoise::imaging::encode;
use counterpoise::imaging::exported::Manifest;
use counterpoise::imaging::folder::load;
use counterpoise::imaging::picture::{Picture, Pixels};
use counterpoise::imaging::resize::Fit;
use counterpoise::imaging::scan::{Reading, ScanError, ScanOptions, read, scan};
use counterpoise::imaging::training_set::{HeldOut, LoadError, Spec, TrainingSet};
use tempfile::TempDir;

/// A grey image of 4 x 4 pixels.
fn png(value: u8) -> Vec<u8> {
    let picture = Picture::new(4, 4, 1, Pixels::U8(vec![value; 16])).unwrap();
    encode::png(&picture, &[]).unwrap()
}

/// A folder with an image at each of these paths.
fn folder(images: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (value, path) in images.iter().enumerate() {
        put(folder.path(), path, &png(value as u8));
    }
    folder
}

fn put(root: &Path, path: &str, content: &[u8]) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn scan_all(path: &Path) -> Result<Dataset, ScanError> {
    scan(&Ctx::default(), path, &ScanOptions { reading: Reading::Decode, ..ScanOptions::default() })
}

/// Scans with headers and with pixels, which must agree on healthy folders.
fn scanned(path: &Path) -> Dataset {
    let decoded = scan_all(path).unwrap();
    assert_eq!(scan(&Ctx::default(), path, &ScanOptions::default()).unwrap(), decoded);
    decoded
}

fn paths(dataset: &Dataset) -> Vec<&str> {
    dataset.samples.iter().map(|s| s.path.as_str()).collect()
}

#[test]
fn a_class_is_the_first_folder_with_all_below_it_in_natural_order() {
    let folder = folder(&["c10/a.png", "c2/deep/er/b.png", "c2/a.png", "c1/a.png"]);
    let dataset = scanned(folder.path());
    assert_eq!(dataset.classes, ["c1", "c2", "c10"]);
    assert_eq!(dataset.counts(Split::Train), [1, 2, 1]);
    assert!(!dataset.has_splits);
    assert_eq!(paths(&dataset), ["c1/a.png", "c10/a.png", "c2/a.png", "c2/deep/er/b.png"]);
    assert_eq!((dataset.channels(), dataset.bits(), dataset.default_size()), (1, 8, 28));
}

#[test]
fn splits_are_splits_only_where_every_top_folder_is_one() {
    let images = ["train/a/1.png", "train/b/2.png", "val/a/3.png", "Test/b/4.png"];
    let root = folder(&images);
    put(root.path(), "docs/readme.txt", b"nothing to see");
    let dataset = scanned(root.path());
    assert!(dataset.has_splits);
    assert_eq!(dataset.classes, ["a", "b"]);
    assert_eq!(dataset.counts(Split::Train), [1, 1]);
    assert_eq!(dataset.counts(Split::Validation), [1, 0]);
    assert_eq!(dataset.counts(Split::Test), [0, 1]);
    put(root.path(), "more/c/5.png", &png(5));
    let dataset = scanned(root.path());
    assert!(!dataset.has_splits);
    let names = ["Test", "more", "train", "val"].map(str::to_owned).to_vec();
    assert_eq!(dataset.classes, sorted_names(names));
    assert!(dataset.notes.iter().any(|n| n.contains("taken as a class")), "{:?}", dataset.notes);
}

#[test]
fn hidden_and_other_files_are_counted_and_loose_images_said() {
    let root = folder(&["a/1.png", "a/.hidden.png", ".git/x.png", "__MACOSX/a/1.png", "loose.png"]);
    put(root.path(), "a/Thumbs.db", b"\xd0\xcf\x11\xe0");
    put(root.path(), "a/notes.txt", b"P1 is my favourite");
    put(root.path(), "a/BM.dat", b"BM but no bitmap at all, just text");
    put(root.path(), "empty/.keep", b"");
    let dataset = scanned(root.path());
    assert_eq!(paths(&dataset), ["a/1.png"]);
    assert_eq!(dataset.ignored, 8);
    assert_eq!(dataset.classes, ["a", "empty"]);
    assert_eq!(dataset.training_counts(), [1, 0]);
    assert!(dataset.unreadable.is_empty());
    assert!(dataset.notes.iter().any(|n| n.contains("in no class folder")), "{:?}", dataset.notes);
    assert!(dataset.notes.iter().any(|n| n.contains("hidden")), "{:?}", dataset.notes);
}

#[test]
fn images_without_an_extension_are_known_by_content() {
    let root = folder(&["a/1.png", "a/scan_without_extension"]);
    put(root.path(), "a/image.pgm.txt", b"P2\n1 1\n255\n7\n");
    let dataset = scanned(root.path());
    assert_eq!(dataset.samples.len(), 3);
    assert!(dataset.notes.iter().any(|n| n.starts_with("2 images: the name")), "{:?}", dataset.notes);
}

#[test]
fn unreadable_files_are_listed_and_not_counted() {
    let root = folder(&["a/1.png", "b/2.png"]);
    put(root.path(), "a/text.jpg", b"no image at all");
    put(root.path(), "a/empty.png", b"");
    let whole = png(7);
    put(root.path(), "b/cut.png", &whole[..whole.len() / 2]);
    let dataset = scan_all(root.path()).unwrap();
    assert_eq!(dataset.training_counts(), [1, 1]);
    let listed: Vec<&str> = dataset.unreadable.iter().map(|u| u.path.as_str()).collect();
    assert_eq!(listed, ["a/empty.png", "a/text.jpg", "b/cut.png"]);
    assert!(dataset.unreadable.iter().all(|u| !u.reason.is_empty() && !u.reason.contains(&u.path)));
}

#[test]
fn names_in_any_script_and_case_twins_stay_apart() {
    let root = folder(&["고양이/사진.png", "قطة/صورة.png", "a/X.png", "a/x.png", "A/x.png"]);
    let dataset = scanned(root.path());
    assert_eq!(dataset.samples.len(), 5);
    assert_eq!(dataset.classes.len(), 4);
    assert!(dataset.classes.iter().any(|c| c == "고양이") && dataset.classes.iter().any(|c| c == "قطة"));
}

#[cfg(unix)]
#[test]
fn links_lead_nowhere_outside_and_never_in_circles() {
    use std::os::unix::fs::symlink;
    let outside = folder(&["secret/s.png"]);
    let root = folder(&["a/1.png", "b/2.png"]);
    symlink(outside.path().join("secret/s.png"), root.path().join("a/out.png")).unwrap();
    symlink(outside.path().join("secret"), root.path().join("a/out")).unwrap();
    symlink("..", root.path().join("a/circle")).unwrap();
    symlink("loop.png", root.path().join("a/loop.png")).unwrap();
    symlink("../b/2.png", root.path().join("a/inside.png")).unwrap();
    let dataset = scanned(root.path());
    assert_eq!(paths(&dataset), ["a/1.png", "a/inside.png", "b/2.png"]);
    assert_eq!(dataset.ignored, 4);
    assert!(dataset.notes.iter().any(|n| n.contains("4 symbolic links")), "{:?}", dataset.notes);
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_not_unicode_is_listed() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let root = folder(&["a/1.png"]);
    let name = OsStr::from_bytes(b"bad\xff.png");
    if fs::write(root.path().join("a").join(name), png(1)).is_err() {
        println!("SKIPPED: this file system takes Unicode names only");
        return;
    }
    let dataset = scanned(root.path());
    assert_eq!(dataset.samples.len(), 1);
    assert!(dataset.unreadable[0].reason.contains("Unicode"));
}

#[test]
fn a_table_names_files_labels_splits_and_groups() {
    let root = folder(&["img/1.png", "img/2.png", "img/3.png"]);
    put(
        root.path(),
        "labels.csv",
        b"Label;FILE;split;Group\nx;img/1.png;train;p1\ny;./img/../img/2.png;test;\nx;img/none.png;;p2\n",
    );
    let dataset = scanned(&root.path().join("labels.csv"));
    assert_eq!(dataset.table.as_deref(), Some("labels.csv"));
    assert_eq!(paths(&dataset), ["img/1.png", "img/2.png"]);
    assert_eq!(dataset.classes, ["x", "y"]);
    assert!(dataset.has_splits);
    assert_eq!(dataset.samples[0].group.as_deref(), Some("p1"));
    assert_eq!((dataset.samples[1].split, &dataset.samples[1].group), (Split::Test, &None));
    assert_eq!(dataset.unreadable[0].path, "img/none.png");
    assert_eq!(dataset.root, root.path().canonicalize().unwrap());
}

#[test]
fn wrong_tables_are_refused_with_their_row() {
    let root = folder(&["1.png"]);
    let cases: [(&[u8], &str); 9] = [
        (b"name,class\n1.png,a\n", "columns file and label"),
        (b"file,label\n../1.png,a\n", "row 2: the file's path leaves"),
        (b"file,label\n/etc/1.png,a\n", "row 2: the file's path must be relative"),
        (b"file,label\n1.png,a\n1.png,b\n", "row 3: the file is named in row 2"),
        (b"file,label\n1.png,\n", "row 2: the label"),
        (b"file,label\n1.png,a/b\n", "row 2: the label"),
        (b"file,label,split\n1.png,a,later\n", "row 2: the split \"later\""),
        (b"file,label\n1.png,a,b,c\n", "row 2: it has 4 columns"),
        (b"file,label\n1.png,\xff\n", "row 2: the text is not UTF-8"),
    ];
    for (content, wanted) in cases {
        put(root.path(), "t.csv", content);
        let error = scan_all(&root.path().join("t.csv")).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
        assert!(error.ends_with("t.csv"), "{error}");
    }
}

#[test]
fn an_exported_folder_is_known_by_its_manifest() {
    let root = folder(&[
        "train/a/1.png",
        "train/a/syn_1.png",
        "train/a/rep_1.png",
        "train/b/2.png",
        "test/b/3.png",
        "test/b/syn_2.png",
        "train/b/new.png",
    ]);
    put(
        root.path(),
        "manifest.csv",
        b"file,label,split,kind,method,group\ntrain/a/1.png,a,train,original,,p1\n\
          train/a/syn_1.png,a,train,derived,m2m,p1\ntrain/a/rep_1.png,a,train,repeated,,\n\
          train/b/2.png,b,train,original,,\ntest/b/3.png,b,test,original,,\n\
          test/b/syn_2.png,b,test,synthetic,smote,\n",
    );
    let dataset = scanned(root.path());
    let kind = |path: &str| dataset.samples.iter().find(|s| s.path == path).unwrap().kind;
    assert_eq!(kind("train/a/syn_1.png"), Kind::Derived);
    assert_eq!(kind("train/a/rep_1.png"), Kind::Repeated);
    assert_eq!(kind("train/a/1.png"), Kind::Original);
    assert_eq!(
        dataset.samples.iter().find(|s| s.path == "train/a/1.png").unwrap().group.as_deref(),
        Some("p1")
    );
    assert_eq!(dataset.training_counts(), [2, 2]);
    assert_eq!(dataset.counts(Split::Test), [0, 1]);
    assert!(dataset.notes.iter().any(|n| n.contains("left out")), "{:?}", dataset.notes);
    assert!(dataset.notes.iter().any(|n| n.contains("not in the folder's manifest")), "{:?}", dataset.notes);
    // A split of it, opened alone, still knows.
    let train = scanned(&root.path().join("train"));
    assert_eq!(train.samples.iter().filter(|s| s.kind == Kind::Derived).count(), 1);
    assert_eq!(Manifest::of_folder(root.path()).unwrap().unwrap().len(), 6);
    put(root.path(), "manifest.csv", b"file,label,split,kind\ntrain/a/1.png,a,train,made up\n");
    assert!(matches!(scan_all(root.path()), Err(ScanError::Manifest(_))));
    put(root.path(), "manifest.csv", b"some,other,table\n1,2,3\n");
    assert_eq!(scanned(root.path()).samples.len(), 7);
}

#[test]
fn folders_that_are_no_data_set_are_refused() {
    let root = folder(&["loose.png"]);
    assert!(matches!(scan_all(root.path()), Err(ScanError::NoClasses(_))));
    assert!(matches!(scan_all(&root.path().join("loose.png")), Err(ScanError::NotAFolder(_))));
    assert!(matches!(scan_all(&root.path().join("none")), Err(ScanError::NotFound(_))));
    let empty = tempfile::tempdir().unwrap();
    let error = scan_all(empty.path()).unwrap_err();
    assert!(matches!(error, ScanError::NoImages { .. }));
    assert!(error.to_string().ends_with(empty.path().to_str().unwrap()));
}

#[test]
fn dicom_is_told_from_other_files() {
    let mut dicom = vec![0_u8; 128];
    dicom.extend_from_slice(b"DICM rest");
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "a/IM0001", &dicom);
    put(root.path(), "b/x.DCM", b"no preamble");
    let error = scan_all(root.path()).unwrap_err();
    assert!(matches!(error, ScanError::Dicom { files: 2, .. }), "{error}");
    assert!(error.to_string().contains("convert it to PNG"), "{error}");
    // A table names them.
    put(root.path(), "list.csv", b"file,label\na/IM0001,a\nb/x.DCM,b\n");
    let error = scan_all(&root.path().join("list.csv")).unwrap_err();
    assert!(matches!(error, ScanError::Dicom { files: 2, .. }), "{error}");
    // Beside images they are ignored as other files are, and told.
    put(root.path(), "a/1.png", &png(1));
    put(root.path(), "b/1.png", &png(2));
    let dataset = scanned(root.path());
    assert_eq!((dataset.samples.len(), dataset.unreadable.len()), (2, 0));
    assert!(dataset.notes.iter().any(|n| n.starts_with("2 files are DICOM")), "{:?}", dataset.notes);
    // Other files without an image are no DICOM.
    let other = tempfile::tempdir().unwrap();
    put(other.path(), "a/notes.txt", &[b'x'; 200]);
    assert!(matches!(scan_all(other.path()), Err(ScanError::NoImages { .. })));
}

/// Cancels at the first report.
struct CancelAtOnce(Arc<Mutex<Option<Ctx>>>);

impl Sink for CancelAtOnce {
    fn event(&self, event: Event) {
        if let (Event::Progress { .. }, Some(ctx)) = (event, self.0.lock().unwrap().as_ref()) {
            ctx.cancel();
        }
    }
}

#[test]
fn cancel_ends_the_scan() {
    let root = folder(&["a/1.png", "b/2.png"]);
    let own = Arc::new(Mutex::new(None));
    let ctx = Ctx::new(CancelAtOnce(Arc::clone(&own)));
    *own.lock().unwrap() = Some(ctx.clone());
    assert!(matches!(scan(&ctx, root.path(), &ScanOptions::default()), Err(ScanError::Cancelled)));
    *own.lock().unwrap() = None;
}

/// A PNG whose header is whole and whose pixels are cut off.
fn cut_short() -> Vec<u8> {
    let picture = Picture::new(16, 16, 1, Pixels::U8((0..=255).collect())).unwrap();
    let whole = encode::png(&picture, &[]).unwrap();
    whole[..whole.len() * 2 / 3].to_vec()
}

#[test]
fn what_a_scan_decoded_is_what_loading_decodes() {
    let root = folder(&["a/1.png", "a/2.png", "a/3.png", "b/4.png", "b/5.png", "b/6.png", "loose.png"]);
    put(root.path(), "a/0.png", &cut_short());
    let ctx = Ctx::default();
    let (mut dataset, images) = read(&ctx, root.path(), Some(4), Fit::Pad).unwrap();
    assert_eq!(dataset, scan_all(root.path()).unwrap());
    assert_eq!(dataset.unreadable.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["a/0.png"]);

    // Edited and cut since.
    dataset.samples[0].excluded = true;
    dataset.samples[1].class = 1;
    dataset.samples[2].split = Split::Validation;
    dataset.samples[3].split = Split::Validation;
    let spec = Spec::of(&dataset, Some(4), Fit::Pad);
    let training = TrainingSet::load(&ctx, &dataset, &spec).unwrap();
    let validation = HeldOut::load(&ctx, &dataset, Split::Validation, &spec).unwrap();
    assert_eq!((training.len(), validation.len()), (3, 2));
    assert_eq!(images.held_out(&dataset, Split::Validation, &spec), Some(validation));
    assert_eq!(images.held_out(&dataset, Split::Train, &spec), None);
    let larger = Spec { size: 5, ..spec.clone() };
    assert_eq!(images.held_out(&dataset, Split::Validation, &larger), None, "of another size");
    let mut newer = dataset.clone();
    newer.samples[3].path = "b/new.png".to_owned();
    assert_eq!(images.held_out(&newer, Split::Validation, &spec), None, "one was not there");
    assert_eq!(images.into_training(&dataset, &spec), Some(training));

    // The order of a table is not that of the paths.
    put(root.path(), "list.csv", b"file,label\nb/5.png,x\na/2.png,y\na/0.png,x\na/1.png,x\n");
    let (dataset, images) = read(&ctx, &root.path().join("list.csv"), Some(4), Fit::Pad).unwrap();
    assert_eq!(paths(&dataset), ["a/1.png", "a/2.png", "b/5.png"]);
    let training = TrainingSet::load(&ctx, &dataset, &spec).unwrap();
    assert_eq!(images.into_training(&dataset, &spec), Some(training));
}

#[test]
fn sets_hold_the_split_they_say() {
    let root = folder(&["train/a/1.png", "train/b/2.png", "train/b/3.png", "test/a/4.png"]);
    let dataset = scanned(root.path());
    let spec = Spec::of(&dataset, Some(4), Fit::Pad);
    assert_eq!(spec, Spec { size: 4, channels: 1, bits: 8, fit: Fit::Pad });
    let ctx = Ctx::default();
    let training = TrainingSet::load(&ctx, &dataset, &spec).unwrap();
    assert_eq!((training.len(), training.counts()), (3, vec![1, 2]));
    assert_eq!(training.paths, ["train/a/1.png", "train/b/2.png", "train/b/3.png"]);
    assert_eq!(training.picture(2).to_u8(), vec![2; 16]);
    assert!(training.sample.iter().all(|&s| dataset.samples[s].split == Split::Train));
    let test = HeldOut::load(&ctx, &dataset, Split::Test, &spec).unwrap();
    assert_eq!((test.len(), test.picture(0).to_u8()), (1, vec![3; 16]));
    assert!(matches!(HeldOut::load(&ctx, &dataset, Split::Train, &spec), Err(LoadError::TrainingSplit)));
    fs::write(root.path().join("train/b/3.png"), b"gone bad").unwrap();
    let error = TrainingSet::load(&ctx, &dataset, &spec).unwrap_err();
    assert!(matches!(error, LoadError::Unreadable { count: 1, .. }));
    assert!(error.to_string().ends_with("3.png"), "{error}");
    ctx.cancel();
    assert!(matches!(TrainingSet::load(&ctx, &dataset, &spec), Err(LoadError::Cancelled)));
}

#[test]
fn a_folder_is_loaded_whole_and_says_what_does_not_decode() {
    let root = folder(&["train/a/1.png", "train/b/2.png", "test/a/3.png"]);
    let noise = (0..1600_u32).map(|i| (i * i % 251) as u8).collect();
    let whole = encode::png(&Picture::new(40, 40, 1, Pixels::U8(noise)).unwrap(), &[]).unwrap();
    put(root.path(), "train/b/cut.png", &whole[..whole.len() / 2]);
    put(root.path(), "train/a/none.png", b"no image");
    put(root.path(), "train/a/notes.txt", b"no image");
    let loaded = load(&Ctx::default(), root.path(), Some(4), Fit::Pad).unwrap();
    assert_eq!(loaded.images.paths, ["test/a/3.png", "train/a/1.png", "train/b/2.png"]);
    assert_eq!(loaded.images.picture(2).to_u8(), vec![1; 16]);
    let unreadable: Vec<&str> = loaded.unreadable.iter().map(|u| u.path.as_str()).collect();
    assert_eq!(unreadable, ["train/a/none.png", "train/b/cut.png"]);
    assert!(loaded.unreadable.iter().all(|u| !u.reason.is_empty()));
    assert_eq!(loaded.ignored, 1);
    assert_eq!(load(&Ctx::default(), root.path(), None, Fit::Pad).unwrap().images.spec.size, 28);
    let cancelled = Ctx::default();
    cancelled.cancel();
    assert!(load(&cancelled, root.path(), None, Fit::Pad).unwrap_err().is_cancel());
    let missing = load(&Ctx::default(), &root.path().join("missing"), None, Fit::Pad);
    assert!(!missing.unwrap_err().is_cancel());
}
