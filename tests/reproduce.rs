//! `counterpoise reproduce`: published figures and what they stand for, folders of the wrong counts and of more than
//! the right ones, and a small table built, interrupted and gone on with.
#![allow(clippy::unwrap_used)]

#[path = "common/place.rs"]
mod place;
#[path = "common/shapes.rs"]
mod shapes;
#[path = "common/training.rs"]
mod training;
#[path = "common/vectors.rs"]
mod vectors;

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use counterpoise::classify::batches::Augment;
use counterpoise::domain::imbalance::long_tail_counts;
use counterpoise::domain::splits::Split;
use counterpoise::domain::task::{Ctx, Level};
use counterpoise::evaluation::comparison::{Adds, Comparison, Entry, Run, TestPart};
use counterpoise::evaluation::metrics::Figure;
use counterpoise::evaluation::metrics::bootstrap::Settings;
use counterpoise::evaluation::published::{
    Class, CountsError, MOST, Printed, Row, Scale, Source, Standing, Table, balanced_macro_gm,
};
use counterpoise::imaging::resize::Fit;
use counterpoise::imaging::scan::{ScanOptions, scan};
use counterpoise::jobs::JobError;
use counterpoise::jobs::reproduce::{ReproduceRequest, reproduce};
use place::Place;
use serde_json::{Value, json};
use training::recorder;
use vectors::{Book, Precision::F64, floats};

const SIDE: u32 = 12;

const SOURCE: Source = Source { key: "nobody", title: "A table of two rows", protocol: "None." };
static CLASSES: [Class; 2] = [Class { name: "across", training: 24 }, Class { name: "down", training: 8 }];
static ROWS: [Row; 3] = [
    Row {
        name: "ERM",
        treatment: "none",
        source: &SOURCE,
        printed: [Some(Printed { value: 0.5, sd: Some(0.01) }), Some(Printed { value: 0.5, sd: None }), None],
        note: "",
    },
    Row {
        name: "DRS",
        treatment: "drs",
        source: &SOURCE,
        printed: [Some(Printed { value: 0.6, sd: None }), None, None],
        note: "",
    },
    Row {
        name: "SMOTE",
        treatment: "smote:space=pixels",
        source: &SOURCE,
        printed: [None, None, None],
        note: "of its own",
    },
];

fn small() -> Table {
    Table {
        id: "small",
        title: "Two rows on bars",
        data: "bars",
        figures: &[Figure::Acsa, Figure::GMeanMacro],
        classes: &CLASSES,
        rows: &ROWS,
        augment: Augment { crop: true, flip: false },
        differs: &["Everything differs."],
    }
}

/// With a folder of two classes of bars in it.
impl Place {
    fn new() -> Self {
        let place = Place::empty();
        place.class("source/train/across", 0, 0..24);
        place.class("source/train/down", 1, 0..8);
        place.class("source/test/across", 0, 100..106);
        place.class("source/test/down", 1, 100..106);
        place
    }

    fn request(&self, out: Option<&str>) -> ReproduceRequest {
        ReproduceRequest {
            table: small(),
            rows: ROWS.to_vec(),
            dataset: scan(&Ctx::default(), &self.path("source"), &ScanOptions::default()).unwrap(),
            scale: Scale::Smoke,
            seed: 5,
            device: "cpu".to_owned(),
            size: Some(SIDE),
            fit: Fit::default(),
            out: out.map(|out| self.path(out)),
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut found: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name != "generators")
        .collect();
    found.sort();
    found
}

#[test]
fn every_row_stands_for_a_treatment_of_ours() {
    let mut ids = HashSet::new();
    for table in Table::all() {
        assert!(ids.insert(table.id), "{} twice", table.id);
        assert_eq!(Table::named(table.id).map(|found| found.title), Some(table.title));
        assert!(table.figures.len() <= MOST && table.classes.len() == 10);
        let mut seen = HashSet::new();
        for row in table.rows {
            let name = row.result_name().unwrap_or_else(|e| panic!("{} {}: {e}", table.id, row.name));
            assert_eq!(name, row.treatment, "{}: written as results have it", row.name);
            assert!(seen.insert((row.name, row.source.key)), "{} {} twice", table.id, row.name);
            assert!(row.printed[0].is_some(), "{}: ACSA is always printed", row.name);
            assert!(row.printed.iter().skip(table.figures.len()).all(Option::is_none), "{}", row.name);
            for printed in row.printed.iter().flatten() {
                assert!(printed.value > 0.2 && printed.value < 1.0, "a share: {}", printed.value);
                assert!(printed.sd.is_none_or(|sd| sd > 0.0 && sd < 0.05));
            }
        }
        let (treatments, made) = Table::treatments(table.rows).unwrap();
        let wanted: HashSet<&str> = table.rows.iter().map(|row| row.treatment).collect();
        assert_eq!(treatments.len() + made.len(), wanted.len(), "each once");
    }
    assert_eq!(Table::named("m2m-cifar10").unwrap().counts(), long_tail_counts(5000, 10, 100.0));
    assert_eq!(Table::named("baegan-mnist").unwrap().counts().iter().sum::<usize>(), 9000);
    assert_eq!(Table::named("baegan-cifar10").unwrap().counts().iter().sum::<usize>(), 10_280);

    let table = Table::named("m2m-cifar10").unwrap();
    let chosen = |text: &str| table.chosen(&text.split(',').map(str::to_owned).collect::<Vec<_>>());
    let erm: Vec<f64> = chosen("erm").unwrap().iter().map(|row| row.printed[0].unwrap().value).collect();
    assert_eq!(erm.len(), 3, "of three sources");
    assert!((erm[0] - 0.687).abs() < 1e-12 && (erm[1] - 0.739).abs() < 1e-12);
    assert_eq!(chosen("none,DRS").unwrap().len(), 5, "by treatment and by name");
    let weighed = table.rows.iter().filter(|row| row.source.key == "imbalanced-DL");
    for row in weighed.filter(|row| row.name.ends_with("DRW")) {
        assert!(row.treatment.ends_with(":beta=0.9999"), "{}: the source's beta", row.name);
    }
    assert_eq!(table.chosen(&[]).unwrap().len(), table.rows.len());
    assert!(chosen("GAMO").unwrap_err().to_string().contains("LDAM-DRW"));
}

/// A comparison in which plain training alone ran.
fn plain_alone() -> Comparison {
    let test = TestPart {
        classes: vec!["a".to_owned(), "b".to_owned()],
        training: vec![3, 1],
        truth: vec![0, 0, 1, 1],
        units: Vec::new(),
    };
    let entries =
        [Entry { name: "none".to_owned(), label: "Plain training".to_owned(), adds: Adds::Nothing }];
    let run = Run {
        name: "none".to_owned(),
        seed: 0,
        said: vec![0, 0, 1, 0],
        auroc: None,
        auprc: None,
        calibration_error: None,
    };
    Comparison::of(&Ctx::default(), test, &entries, "none", &[run], &Settings::default()).unwrap()
}

#[test]
fn a_macro_gm_follows_from_acsa_on_a_balanced_test_part() {
    let book = Book::read("baegan");
    let vector = book.get("TV10-identity");
    let got: Vec<f64> =
        floats(vector.input("acsa")).into_iter().map(|acsa| balanced_macro_gm(acsa, 10)).collect();
    vector.check(F64, &json!({ "gm_macro": got }));

    let gap = |table: &str, name: &str| {
        let rows = Table::named(table).unwrap().chosen(&[name.to_owned()]).unwrap();
        let value = |place: usize| rows[0].printed[place].unwrap().value;
        value(2) - balanced_macro_gm(value(0), 10)
    };
    for table in ["baegan-mnist", "baegan-fmnist", "baegan-cifar10"] {
        assert!(gap(table, "DeepSMOTE").abs() < 2e-4, "{table}: a quoted row keeps to it");
        assert!(gap(table, "BAGAN").abs() < 2e-3, "{table}");
        assert!(gap(table, "BAEGAN").abs() > 4e-3, "{table}: its own rows do not");
    }
    assert!(gap("baegan-cifar10", "BAEGAN") > 0.01, "above what any balanced test part allows");

    let table = Table::named("baegan-cifar10").unwrap();
    let standing =
        Standing::of(table, table.rows, Scale::Cpu, &plain_alone(), vec!["A remark.".to_owned()]).unwrap();
    let notes = standing.notes();
    let about = |start: &str| notes.iter().any(|note| note.starts_with(start));
    assert!(about("BAEGAN: the printed GM 0.7301") && !about("DeepSMOTE: the printed GM"));
    assert!(about("Zhi et al. 2024: ") && about("Dablain et al. 2022: ") && about("Scale cpu"));
    assert!(about("A remark."));
    let quoted: Vec<&str> = standing
        .lines
        .iter()
        .filter(|line| line.row.note.starts_with("quoted"))
        .map(|line| line.row.name)
        .collect();
    assert_eq!(quoted, ["BAGAN", "DeepSMOTE"]);
    assert!(standing.lines.iter().all(|line| line.seeds == 0 && line.difference(0).is_none()));
    assert!(standing.markdown(&[]).contains("| BAEGAN | baegan | 0.5443 | - | - |"));
}

#[test]
fn counts_are_held_against_the_tables() {
    let table = Table::named("baegan-fmnist").unwrap();
    // The natural order of names, which is not that of the labels.
    let mut classes: Vec<(&str, usize)> = table.classes.iter().map(|c| (c.name, c.training)).collect();
    classes.sort_unstable();
    let names: Vec<String> = classes.iter().map(|(name, _)| (*name).to_owned()).collect();
    let counts: Vec<usize> = classes.iter().map(|(_, images)| *images).collect();
    let even = [1000; 10];
    assert_eq!(table.check(&names, &counts, &even), Ok(Vec::new()));
    // In label order, which is wrong for these names.
    let refused = table.check(&names, &table.counts(), &even).unwrap_err();
    assert!(matches!(refused, CountsError::Training { .. }));
    let said = refused.to_string();
    assert!(said.contains("ankle_boot has 4000 instead of 40") && said.contains("4000,2000,1000"), "{said}");
    // By label numbers, in any writing of names, and by strangers' names.
    let numbers: Vec<String> = (0..10).map(|label| label.to_string()).collect();
    assert_eq!(table.check(&numbers, &table.counts(), &even), Ok(Vec::new()));
    let spelt: Vec<String> = names.iter().map(|name| name.replace('_', " ").to_uppercase()).collect();
    assert_eq!(table.check(&spelt, &counts, &even), Ok(Vec::new()));
    let strange: Vec<String> = (0..10).map(|n| format!("class {n}")).collect();
    assert!(table.check(&strange, &counts, &even).unwrap()[0].contains("only the counts"));
    let mut other = counts.clone();
    other[3] += 1;
    assert!(matches!(table.check(&strange, &other, &even), Err(CountsError::Training { .. })));
    // More than the table has of every class: as many are taken, by name or label; of strangers' classes not.
    let official = [6000; 10];
    assert_eq!(table.taken(&names, &official), Some(counts.clone()));
    assert_eq!(table.taken(&numbers, &official), Some(table.counts()));
    assert_eq!(table.taken(&names, &other), Some(counts.clone()), "one image too many is enough");
    assert_eq!(table.taken(&names, &counts), None, "exactly those");
    assert_eq!(table.taken(&strange, &official), None);
    assert_eq!(table.taken(&names[1..], &official[1..]), None);
    let mut short = official.to_vec();
    short[names.iter().position(|name| name == "trouser").unwrap()] = 1999;
    assert_eq!(table.taken(&names, &short), None, "too few of one");
    let said = table.check(&names, &short, &even).unwrap_err().to_string();
    assert!(said.contains("trouser has 1999 instead of 2000") && said.contains("at least"), "{said}");
    // Test parts.
    let mut test = even;
    test[2] = 892;
    assert!(table.check(&names, &counts, &test).unwrap()[0].contains("892 to 1000"));
    test[2] = 0;
    assert!(matches!(table.check(&names, &counts, &test), Err(CountsError::Test { .. })));
    assert!(matches!(table.check(&names[1..], &counts[1..], &even[1..]), Err(CountsError::Classes { .. })));
}

#[test]
fn a_small_table_is_built_and_goes_on_where_it_was() {
    let place = Place::new();
    let whole = reproduce(&Ctx::default(), &place.request(None)).unwrap();
    assert!(whole.complete && whole.out.is_none() && whole.failed.is_empty());
    assert!(whole.setting.iter().any(|line| line.contains("cropped")));

    let request = place.request(Some("results"));
    let (_, ctx) = recorder(Some(("training drs with seed 5", Ctx::cancel)));
    assert_eq!(reproduce(&ctx, &request).unwrap_err(), JobError::Cancelled);
    assert!(!place.path("results").exists());
    // Another scale is another table.
    let other = ReproduceRequest { scale: Scale::Cpu, ..request.clone() };
    assert!(matches!(reproduce(&Ctx::default(), &other), Err(JobError::Input(_))));
    let got = reproduce(&Ctx::default(), &request).unwrap();
    assert!(got.complete && (1..3).contains(&got.resumed), "plain training was measured: {}", got.resumed);
    assert_eq!(got.standing, whole.standing);
    assert_eq!(got.out, Some(place.path("results")));
    assert_eq!(
        names(&place.path("results")),
        [
            "charts",
            "classifiers",
            "confusion.csv",
            "generators.csv",
            "published.json",
            "published.md",
            "report.html",
            "results.json",
            "runs.jsonl",
            "table.csv",
            "table.md"
        ]
    );

    let erm = &got.standing.lines[0];
    let measured = erm.measured[0].unwrap();
    assert!(erm.seeds == 1 && measured.sd.is_none());
    assert!((erm.difference(0).unwrap() - (measured.mean - 0.5)).abs() < 1e-12);
    let written: Value =
        serde_json::from_slice(&fs::read(place.path("results/published.json")).unwrap()).unwrap();
    assert_eq!((&written["table"], &written["scale"]), (&json!("small"), &json!("smoke")));
    let rows = written["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0]["published"], json!({ "acsa": 0.5, "acsa_sd": 0.01, "gm_macro": 0.5 }));
    assert_eq!(rows[0]["published_gm_expected"], json!(0.5), "two classes: GM is ACSA");
    assert!(rows[1]["published"]["gm_macro"].is_null() && rows[1]["measured"]["gm_macro"].is_number());
    assert!(rows[2]["difference"]["acsa"].is_null() && rows[2]["measured"]["acsa"].is_number());
    let evaluated: Value =
        serde_json::from_slice(&fs::read(place.path("results/results.json")).unwrap()).unwrap();
    let treatments = evaluated["treatments"].as_array().unwrap();
    assert_eq!(rows[2]["measured"]["acsa"], treatments[2]["acsa"], "the figures are the evaluation's");
    let page = fs::read_to_string(place.path("results/published.md")).unwrap();
    assert!(page.contains("| ERM | none | 0.5000 ± 0.0100 |") && page.contains("nobody; of its own"));
    assert!(page.contains("Everything differs.") && page.contains("Scale smoke"));
}

#[test]
fn a_long_tail_is_drawn_from_a_folder_of_more() {
    let place = Place::new();
    place.class("source/train/across", 0, 24..40);
    let request = |out: &str| ReproduceRequest { rows: ROWS[..2].to_vec(), ..place.request(Some(out)) };
    let (_, ctx) = recorder(Some(("training drs with seed 5", Ctx::cancel)));
    assert_eq!(reproduce(&ctx, &request("results")).unwrap_err(), JobError::Cancelled);
    let (told, ctx) = recorder(None);
    let got = reproduce(&ctx, &request("results")).unwrap();
    assert!(got.complete && got.resumed > 0, "it drew the same images");
    let remark = "took 24 of 40 of across. They";
    assert!(told.says(Level::Warning, remark));
    assert!(got.standing.notes().iter().any(|note| note.contains(remark)), "down has as many as the table");
    assert!(fs::read_to_string(place.path("results/published.md")).unwrap().contains(remark));

    // Another seed of the classifiers draws the same, and the list is the data set.
    let other = ReproduceRequest { rows: ROWS[..1].to_vec(), seed: 6, ..place.request(Some("other")) };
    reproduce(&Ctx::default(), &other).unwrap();
    let list = fs::read(place.path("results/images.csv")).unwrap();
    assert_eq!(fs::read(place.path("other/images.csv")).unwrap(), list);
    fs::write(place.path("source/images.csv"), &list).unwrap();
    let dataset = scan(&Ctx::default(), &place.path("source/images.csv"), &ScanOptions::default()).unwrap();
    assert_eq!((dataset.training_counts(), dataset.counts(Split::Test)), (vec![24, 8], vec![6, 6]));
    let again = ReproduceRequest { dataset, ..request("again") };
    let again = reproduce(&Ctx::default(), &again).unwrap();
    assert_eq!(again.standing.lines, got.standing.lines);
    assert!(!place.path("again/images.csv").exists(), "nothing was drawn");

    // Too few of one class is not made good by more of another.
    fs::remove_file(place.path("source/train/down/000.png")).unwrap();
    fs::remove_file(place.path("source/images.csv")).unwrap();
    let refused = reproduce(&Ctx::default(), &request("third")).unwrap_err();
    assert!(
        matches!(&refused, JobError::Input(text) if text.contains("down has 7 instead of 8")),
        "{refused}"
    );
}

#[test]
fn a_folder_of_other_counts_is_refused() {
    let place = Place::new();
    fs::remove_file(place.path("source/train/down/000.png")).unwrap();
    let refused = reproduce(&Ctx::default(), &place.request(None)).unwrap_err();
    assert!(
        matches!(&refused, JobError::Input(text) if text.contains("down has 7 instead of 8")),
        "{refused}"
    );
    let (code, said) = place.fails("reproduce baegan-mnist source --scale smoke --out results --device cpu");
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("10 classes and the folder 2"), "{said}");
    for class in 0..10 {
        place.class(&format!("digits/train/{class}"), class % 2, 0..2);
        place.class(&format!("digits/test/{class}"), class % 2, 10..11);
    }
    let (code, said) = place.fails("reproduce baegan-mnist --data digits --scale smoke --device cpu");
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("0 has 2 instead of 4000") && said.contains("4000,2000,1000,750"), "{said}");
    for (line, word) in [
        ("reproduce baegan-mnist", "4000,2000"),
        ("reproduce nothing", "baegan-fmnist"),
        ("reproduce baegan-mnist digits --rows GAMO", "ACGAN"),
        ("reproduce baegan-mnist digits --scale large", "smoke, cpu or paper"),
    ] {
        let (code, said) = place.fails(line);
        assert_eq!(code, 2, "{line}: {said}");
        assert!(said.contains(word), "{line}: {said}");
    }
    assert!(!place.path("results").exists());
}

#[test]
fn tables_are_listed_and_weights_are_computed() {
    let place = Place::new();
    let list = place.done("reproduce --list");
    let ids: Vec<&str> =
        list["tables"].as_array().unwrap().iter().map(|t| t["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["m2m-cifar10", "baegan-mnist", "baegan-fmnist", "baegan-cifar10", "weights"]);
    assert_eq!(list["tables"][1]["classes"][9], json!({ "name": "9", "training": 40 }));
    assert_eq!(list["scales"].as_array().unwrap().len(), 3);
    let output = place.run("reproduce");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("DeepSMOTE") && text.contains("paper"), "{text}");

    let got = place.done("reproduce weights --out weights");
    let sets = got["sets"].as_array().unwrap();
    assert_eq!(sets.len(), 4);
    let book = Book::read("weights_and_metrics");
    let columns = sets[1]["columns"].as_array().unwrap();
    let column = |name: &str| columns.iter().find(|column| column["name"] == name).unwrap();
    let agree = |got: &Value, want: &Value| {
        let (got, want) = (floats(got), floats(want));
        assert_eq!(got.len(), want.len());
        assert!(got.iter().zip(&want).all(|(g, w)| (g - w).abs() < 1e-9), "{got:?} and {want:?}");
    };
    let schemes = book.get("5.1-schemes").expected();
    for (name, key) in [("balanced", "balanced"), ("INS", "ins"), ("ISNS", "isns")] {
        agree(&column(name)["weights"], &schemes[key]);
    }
    for beta in ["0.9", "0.99", "0.999", "0.9999"] {
        let (column, want) = (column(&format!("ENS {beta}")), book.get(&format!("5.1-ens-{beta}")));
        agree(&column["weights"], &want.expected()["weights"]);
        let (ratio, most) =
            (column["ratio"].as_f64().unwrap(), want.expected()["max_over_min"].as_f64().unwrap());
        assert!((ratio - most).abs() < 1e-9, "{ratio} instead of {most}");
    }
    assert_eq!(names(&place.path("weights")), ["weights.json", "weights.md"]);
    assert!(fs::read_to_string(place.path("weights/weights.md")).unwrap().contains("| largest / smallest |"));
    // Of a folder; never over a folder, nor into the images.
    let got = place.done("reproduce weights source");
    assert_eq!(got["sets"][0]["classes"][1], json!({ "name": "down", "images": 8 }));
    assert_eq!(got["sets"].as_array().unwrap().len(), 1);
    assert!(got["seconds"].is_number() && got["out"].is_null());
    assert_eq!(place.fails("reproduce weights --out weights").0, 3);
    assert_eq!(place.fails("reproduce weights source --out source/train/weights").0, 3);
    assert!(!place.path("source/train/weights").exists());
}
