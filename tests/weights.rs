//! Class weights for other programs: what each format says, in which order, how it survives any class name, and
//! that a file of it is new and outside of the image folder.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use counterpoise::domain::classes::sorted_names;
use counterpoise::domain::imbalance::{Scheme, WeightsError, weights};
use counterpoise::domain::provenance::Kind;
use counterpoise::domain::samples::{Dataset, ImageInfo, Sample};
use counterpoise::domain::splits::Split;
use counterpoise::export::{ClassWeights, ExportError, WeightsFormat};
use counterpoise::jobs::{self, JobError};
use proptest::prelude::*;
use serde_json::Value;

const PYTHON: [WeightsFormat; 3] = [WeightsFormat::Keras, WeightsFormat::Torch, WeightsFormat::Sklearn];

fn sample(path: String, class: usize) -> Sample {
    let info = ImageInfo { width: 8, height: 8, channels: 1, bits: 8, bytes: 100 };
    Sample { path, class, split: Split::Train, group: None, kind: Kind::Original, info, excluded: false }
}

/// Training images alone, the classes in natural order; paths have the class's position, not its name.
fn dataset(counts: &[(&str, usize)]) -> Dataset {
    let classes = sorted_names(counts.iter().map(|(name, _)| (*name).to_owned()).collect());
    let mut samples = Vec::new();
    for (class, name) in classes.iter().enumerate() {
        let (_, count) = counts.iter().find(|(n, _)| n == name).unwrap();
        samples.extend((0..*count).map(|i| sample(format!("{class}/{i}.png"), class)));
    }
    Dataset { root: PathBuf::from("/nowhere/set"), classes, samples, ..Dataset::default() }
}

fn text(dataset: &Dataset, scheme: Scheme, format: WeightsFormat) -> String {
    ClassWeights::new(dataset, scheme, 0.9).unwrap().text(format).unwrap()
}

/// Two classes whose natural order is not that of loaders. Balanced: 5 / (2 * 1) and 5 / (2 * 4).
fn two() -> Dataset {
    dataset(&[("class2", 4), ("class10", 1)])
}

// ---- reading back ----

/// The Python string that `text` begins with, and what follows it.
fn literal(text: &str) -> (String, &str) {
    let mut rest = text.strip_prefix('"').unwrap().chars();
    let mut out = String::new();
    loop {
        match rest.next().unwrap() {
            '"' => return (out, rest.as_str()),
            '\\' => {
                let kind = rest.next().unwrap();
                let digits = match kind {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    other => {
                        assert!(matches!(other, '"' | '\\'), "\\{other}");
                        out.push(other);
                        continue;
                    }
                };
                let hex: String = rest.by_ref().take(digits).collect();
                out.push(char::from_u32(u32::from_str_radix(&hex, 16).unwrap()).unwrap());
            }
            c => {
                assert!(c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric(), "{c:?} is not escaped");
                out.push(c);
            }
        }
    }
}

/// The lines of a Python list or dict.
fn block<'a>(text: &'a str, open: &str) -> Vec<&'a str> {
    let mut lines = text.lines().skip_while(|line| *line != open);
    assert_eq!(lines.next(), Some(open));
    lines.take_while(|line| !matches!(*line, "]" | "}")).map(str::trim_start).collect()
}

/// The number that `text` begins with.
fn number(text: &str) -> f64 {
    text.split(',').next().unwrap().parse().unwrap()
}

fn numbers(text: &str, open: &str) -> Vec<f64> {
    block(text, open).into_iter().map(number).collect()
}

fn class_names(text: &str) -> Vec<String> {
    block(text, "class_names = [").into_iter().map(|line| literal(line).0).collect()
}

/// File, label, weight and sampler weight.
type Row = (String, String, f64, f64);

/// The rows of the table.
fn rows(text: &str) -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(reader.headers().unwrap(), vec!["file", "label", "weight", "sampler_weight"]);
    let row = |record: &csv::StringRecord| -> Row {
        let number = |at: usize| -> f64 { record[at].parse().unwrap() };
        (record[0].to_owned(), record[1].to_owned(), number(2), number(3))
    };
    reader.records().map(|record| row(&record.unwrap())).collect()
}

/// Class names and weights in the order of the file; of the table each class once.
fn read(text: &str, format: WeightsFormat) -> Vec<(String, f64)> {
    match format {
        WeightsFormat::Json => {
            let object: Value = serde_json::from_str(text).unwrap();
            let classes = object["classes"].as_array().unwrap();
            let names = classes.iter().map(|class| class["name"].as_str().unwrap().to_owned());
            // The reader of serde_json may miss the last bit; what matters is what is written.
            let weights = text.lines().filter_map(|line| line.trim_start().strip_prefix("\"weight\": "));
            let weights: Vec<f64> = weights.map(number).collect();
            assert_eq!(weights.len(), classes.len());
            names.zip(weights).collect()
        }
        WeightsFormat::Keras => {
            let weights = block(text, "class_weight = {").into_iter().enumerate().map(|(index, line)| {
                let (key, rest) = line.split_once(": ").unwrap();
                assert_eq!(key.parse::<usize>().unwrap(), index);
                number(rest)
            });
            let names = class_names(text);
            assert_eq!(names.len(), weights.len());
            names.into_iter().zip(weights).collect()
        }
        WeightsFormat::Torch => {
            let (names, weights) = (class_names(text), numbers(text, "class_weights = ["));
            assert_eq!(names.len(), weights.len());
            names.into_iter().zip(weights).collect()
        }
        WeightsFormat::Sklearn => {
            let entry = |line: &str| {
                let (name, rest) = literal(line);
                (name, number(rest.strip_prefix(": ").unwrap()))
            };
            block(text, "class_weight = {").into_iter().map(entry).collect()
        }
        WeightsFormat::Csv => {
            let mut found: BTreeMap<String, f64> = BTreeMap::new();
            for (_, label, weight, _) in rows(text) {
                let known = *found.entry(label).or_insert(weight);
                assert_eq!(known.to_bits(), weight.to_bits(), "one weight for a class");
            }
            found.into_iter().collect()
        }
    }
}

// ---- by hand ----

#[test]
fn the_words_of_formats() {
    for format in WeightsFormat::ALL {
        assert_eq!(format.as_str().parse::<WeightsFormat>().unwrap(), format);
    }
    assert!("yaml".parse::<WeightsFormat>().is_err());
    assert_eq!(WeightsFormat::default(), WeightsFormat::Json);
}

#[test]
fn keras_has_indices_in_the_loaders_order() {
    let text = text(&two(), Scheme::Balanced, WeightsFormat::Keras);
    let end = "\
class_names = [
    \"class10\",  # index 0, images 1
    \"class2\",  # index 1, images 4
]
class_weight = {
    0: 2.5,  # \"class10\"
    1: 0.625,  # \"class2\"
}
";
    assert!(text.ends_with(end), "{text}");
    assert!(text.contains("class_names=class_names"), "the loader is told the order");
}

#[test]
fn torch_has_weights_of_the_loss_and_of_the_sampler() {
    let text = text(&two(), Scheme::Balanced, WeightsFormat::Torch);
    let end = "\
import torch

class_names = [
    \"class10\",  # index 0, images 1
    \"class2\",  # index 1, images 4
]
class_weights = [
    2.5,  # \"class10\"
    0.625,  # \"class2\"
]
sampler_weights = [
    1.0,  # \"class10\"
    0.25,  # \"class2\"
]
weight = torch.tensor(class_weights, dtype=torch.float32)
";
    assert!(text.ends_with(end), "{text}");
    assert!(text.contains("CrossEntropyLoss(weight=weight") && text.contains("WeightedRandomSampler("));
}

#[test]
fn sklearn_has_names() {
    let text = text(&two(), Scheme::Balanced, WeightsFormat::Sklearn);
    let end = "\
class_weight = {
    \"class10\": 2.5,  # index 0, images 1
    \"class2\": 0.625,  # index 1, images 4
}
";
    assert!(text.ends_with(end), "{text}");
    assert!(text.contains("sample_weight=[class_weight[label] for label in y]"));
}

#[test]
fn the_table_has_a_row_for_each_training_image() {
    let mut set = two();
    // The natural order is class2, class10.
    set.samples[1].excluded = true;
    set.samples[2].split = Split::Test;
    set.samples.push(Sample { kind: Kind::Repeated, ..sample("1/rep.png".to_owned(), 1) });
    set.samples.push(Sample { kind: Kind::Derived, ..sample("1/a,\"b\".png".to_owned(), 1) });
    // 4 images: 4 / (2 * 2) for both.
    let table = text(&set, Scheme::Balanced, WeightsFormat::Csv);
    assert_eq!(
        table,
        "file,label,weight,sampler_weight\r\n\
         0/0.png,class2,1.0,0.5\r\n\
         0/3.png,class2,1.0,0.5\r\n\
         1/0.png,class10,1.0,0.5\r\n\
         \"1/a,\"\"b\"\".png\",class10,1.0,0.5\r\n"
    );
    assert_eq!(rows(&table)[3].0, "1/a,\"b\".png");
    let keras = text(&set, Scheme::Balanced, WeightsFormat::Keras);
    assert!(
        keras.contains("# Counts: 4 images")
            && keras.contains("holds 1 repeated image, which is not counted"),
        "{keras}"
    );
}

#[test]
fn json_says_where_the_numbers_come_from() {
    let object: Value = serde_json::from_str(&text(&two(), Scheme::Balanced, WeightsFormat::Json)).unwrap();
    assert_eq!(object["counterpoise"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&object["folder"], &object["split"]), (&Value::from("set"), &Value::from("train")));
    assert_eq!((&object["scheme"], &object["beta"]), (&Value::from("balanced"), &Value::Null));
    assert_eq!(object["images"], 5);
    assert_eq!(
        object["classes"],
        serde_json::json!([
            { "index": 0, "name": "class10", "images": 1, "weight": 2.5 },
            { "index": 1, "name": "class2", "images": 4, "weight": 0.625 },
        ])
    );
    let ens: Value = serde_json::from_str(&text(&two(), Scheme::Ens, WeightsFormat::Json)).unwrap();
    assert_eq!(ens["beta"], 0.9);
    assert!(ens["normalisation"].as_str().unwrap().contains("sum to the number of classes"));
}

#[test]
fn python_says_where_the_numbers_come_from() {
    for format in PYTHON {
        let ens = text(&two(), Scheme::Ens, format);
        for line in [
            concat!(
                "# Class weights of the image folder \"set\", by counterpoise ",
                env!("CARGO_PKG_VERSION"),
                "."
            ),
            "# Beta: 0.9",
            "# Normalisation: the weights sum to the number of classes.",
            "# Counts: 5 images of the training split in 2 classes, without excluded and repeated ones.",
        ] {
            assert!(ens.lines().any(|l| l == line), "{line}\n{ens}");
        }
        assert!(ens.contains("# Scheme: ens, ") && ens.contains("never both"));
        assert!(!text(&two(), Scheme::Ins, format).contains("Beta"), "it has none");
        assert!(!ens.contains("nowhere"), "no path");
    }
}

#[test]
fn code_points_order_the_classes() {
    let set = dataset(&[("éa", 1), ("apple", 1), ("Zebra", 1), ("肺", 1), ("a10", 1), ("a9", 1)]);
    let want = ["Zebra", "a10", "a9", "apple", "éa", "肺"];
    for format in WeightsFormat::ALL {
        let names: Vec<String> =
            read(&text(&set, Scheme::Ins, format), format).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, want, "{}", format.as_str());
    }
    let weights = ClassWeights::new(&set, Scheme::Ins, 0.9).unwrap();
    let natural: Vec<&str> = weights.classes().iter().map(|class| class.name.as_str()).collect();
    assert_eq!(natural, set.classes, "the data set's own order stays");
    for class in weights.classes() {
        assert_eq!(want[class.index], class.name);
    }
}

#[test]
fn hard_names_are_escaped() {
    for (name, python) in [
        ("it's \"so\"", r#""it's \"so\"""#),
        (r"a\n", r#""a\\n""#),
        ("a\nimport os\r\t", r#""a\x0aimport os\x0d\x09""#),
        ("nul\0", r#""nul\x00""#),
        ("肺炎 é", r#""肺炎 é""#),
        // A letter and a mark that combines, as some systems store it, is another name than the letter above.
        ("e\u{301}", r#""e\u0301""#),
        ("\u{202e}gnp", r#""\u202egnp""#),
        ("\u{a0}\u{2028}", r#""\xa0\u2028""#),
        ("\u{1f600}", r#""\U0001f600""#),
        ("{braces} # 'x' %s", r#""{braces} # 'x' %s""#),
        ("", r#""""#),
    ] {
        let set = dataset(&[(name, 2), ("other", 1)]);
        for format in WeightsFormat::ALL {
            let text = text(&set, Scheme::Ins, format);
            assert!(
                read(&text, format).iter().any(|(n, _)| n == name),
                "{name:?} in {}:\n{text}",
                format.as_str()
            );
            if PYTHON.contains(&format) {
                assert!(text.contains(python), "{python}:\n{text}");
                assert!(!text.lines().any(|line| line.starts_with("import os")), "{text}");
            }
        }
    }
    // A comment is one line whatever the folder is called.
    let mut set = two();
    set.root = PathBuf::from("/nowhere/set\nimport os");
    for format in PYTHON {
        assert!(!text(&set, Scheme::Ins, format).lines().any(|line| line.starts_with("import os")));
    }
}

#[test]
fn an_empty_class_has_no_weight() {
    let mut set = two();
    set.samples.retain(|sample| sample.class == 0);
    assert_eq!(ClassWeights::new(&set, Scheme::Ins, 0.9).unwrap_err(), WeightsError::EmptyClass(1));
    assert_eq!(ClassWeights::new(&two(), Scheme::Ens, 1.0).unwrap_err(), WeightsError::Beta(1.0));
}

fn name() -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<char>(), 0..8).prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_format_carries_every_class_once_and_its_weight_to_the_last_bit(
        counts in proptest::collection::btree_map(name(), 1_usize..40, 1..6),
        beta in 0.0_f64..0.9999,
    ) {
        let counts: Vec<(&str, usize)> = counts.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        let set = dataset(&counts);
        for scheme in Scheme::ALL {
            let values = weights(&set.training_counts(), scheme, beta).unwrap();
            let mut want: Vec<(String, u64)> =
                set.classes.iter().cloned().zip(values.iter().map(|w| w.to_bits())).collect();
            want.sort();
            let given = ClassWeights::new(&set, scheme, beta).unwrap();
            for format in WeightsFormat::ALL {
                let text = given.text(format).unwrap();
                let got: Vec<(String, u64)> =
                    read(&text, format).into_iter().map(|(name, w)| (name, w.to_bits())).collect();
                prop_assert_eq!(&got, &want, "{} in\n{}", format.as_str(), text);
            }
            let sampler = numbers(&given.text(WeightsFormat::Torch).unwrap(), "sampler_weights = [");
            let table = rows(&given.text(WeightsFormat::Csv).unwrap());
            prop_assert_eq!(table.len(), set.samples.len());
            for (class, one) in given.classes().iter().enumerate() {
                prop_assert_eq!(sampler[one.index], 1.0 / one.images as f64);
                let of_class: Vec<&Row> =
                    table.iter().filter(|row| row.0.starts_with(&format!("{class}/"))).collect();
                let sum: f64 = of_class.iter().map(|row| row.3).sum();
                prop_assert_eq!(of_class.len(), one.images);
                prop_assert!((sum - 1.0).abs() < 1e-9, "a sampler draws every class equally often");
                prop_assert!(of_class.iter().all(|row| row.1 == one.name));
            }
        }
    }
}

// ---- files ----

/// Names in a folder.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_new_whole_and_outside_of_the_source() {
    let temp = tempfile::tempdir().unwrap();
    let source = temp.path().join("source");
    fs::create_dir_all(source.join("class2")).unwrap();
    let set = Dataset { root: source.clone(), ..two() };
    let weights = ClassWeights::new(&set, Scheme::Isns, 0.9).unwrap();
    for format in WeightsFormat::ALL {
        let out = temp.path().join("made").join(format.as_str());
        weights.write(format, &out).unwrap();
        assert_eq!(fs::read_to_string(&out).unwrap(), weights.text(format).unwrap());
    }
    assert_eq!(
        names(&temp.path().join("made")),
        ["csv", "json", "keras", "sklearn", "torch"],
        "nothing partial"
    );

    let json = WeightsFormat::Json;
    let taken = temp.path().join("taken.json");
    fs::write(&taken, "mine").unwrap();
    assert!(matches!(weights.write(json, &taken), Err(ExportError::Exists(_))));
    assert!(matches!(jobs::weights::write(&weights, json, &taken), Err(JobError::Input(_))));
    assert_eq!(fs::read_to_string(&taken).unwrap(), "mine");
    assert!(matches!(weights.write(json, &temp.path().join("made")), Err(ExportError::Exists(_))));
    let odd = temp.path().join("x").join("..").join("source").join("w.json");
    for inside in [source.join("w.json"), source.join("class2").join("new").join("w.json"), odd] {
        assert!(matches!(weights.write(json, &inside), Err(ExportError::InsideSource(_))));
    }
    assert!(matches!(weights.write(json, Path::new("/")), Err(ExportError::NoName(_))));
    assert_eq!(names(&source), ["class2"]);
    assert!(names(&source.join("class2")).is_empty());
    assert_eq!(names(temp.path()), ["made", "source", "taken.json"]);
}

#[cfg(unix)]
#[test]
fn links_are_no_way_in_or_over() {
    let temp = tempfile::tempdir().unwrap();
    let source = temp.path().join("source");
    fs::create_dir_all(&source).unwrap();
    std::os::unix::fs::symlink(&source, temp.path().join("door")).unwrap();
    std::os::unix::fs::symlink(temp.path().join("gone"), temp.path().join("dangling")).unwrap();
    let set = Dataset { root: source.clone(), ..two() };
    let weights = ClassWeights::new(&set, Scheme::Ins, 0.9).unwrap();
    let write = |name: &str| weights.write(WeightsFormat::Json, &temp.path().join(name));
    assert!(matches!(write("door/w.json"), Err(ExportError::InsideSource(_))));
    assert!(matches!(write("dangling"), Err(ExportError::Exists(_))));
    assert!(names(&source).is_empty());
    assert_eq!(names(temp.path()), ["dangling", "door", "source"]);
}

// ---- Python ----

/// `tests/weights.py` parses the files as Python, JSON and CSV and tells what they hold, weights as their bits.
#[test]
fn python_reads_what_was_written() {
    let Some(python) = std::env::var_os("COUNTERPOISE_PYTHON") else {
        println!("SKIPPED, NOT RUN: COUNTERPOISE_PYTHON names no Python to read the files with");
        return;
    };
    let names = ["it's \"so\"", r"a\n", "a\nimport os\r\t", "肺炎 é", "e\u{301}", "\u{202e}x\u{1f600}"];
    let counts: Vec<(&str, usize)> = names.iter().enumerate().map(|(i, name)| (*name, 3 * i + 1)).collect();
    let set = dataset(&counts);
    let weights = ClassWeights::new(&set, Scheme::Ens, 0.99).unwrap();
    let temp = tempfile::tempdir().unwrap();
    for format in WeightsFormat::ALL {
        weights.write(format, &temp.path().join(format.as_str())).unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights.py");
    let output = Command::new(&python).arg(script).arg(temp.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let got: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut want: Vec<(String, String)> =
        weights.classes().iter().map(|c| (c.name.clone(), format!("{:016x}", c.weight.to_bits()))).collect();
    want.sort();
    for format in WeightsFormat::ALL {
        assert_eq!(got[format.as_str()], serde_json::json!(want), "{}", format.as_str());
    }
}
