//! The command line as a contract: JSON names, exit codes, whole flows through the built program.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use counterpoise::classify::treatments::Treatment;
use counterpoise::cli::{Start, start};
use counterpoise::domain::imbalance::{Scheme, weights};
use counterpoise::evaluation::treatments::MadeTreatment;
use counterpoise::imaging::encode::png;
use counterpoise::imaging::hash::sha256_hex;
use counterpoise::imaging::picture::{Picture, Pixels};
use counterpoise::project::default_place::for_source_in;
use counterpoise::project::{ClassQuality, Project, QualityFigure, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;

const CLASSES: [(&str, usize); 3] = [("cat", 12), ("dog", 5), ("eel", 2)];

/// Every command, in the order of the help.
const COMMANDS: [&str; 18] = [
    "scan",
    "plan",
    "weights",
    "methods",
    "devices",
    "train",
    "generate",
    "balance",
    "candidates",
    "decide",
    "relabel",
    "export",
    "verify",
    "demo",
    "evaluate",
    "features",
    "reproduce",
    "bench",
];

/// Those that take the flags of a method.
const WITH_METHOD: [&str; 5] = ["plan", "train", "generate", "balance", "demo"];

/// A grey picture that is different for every class and number.
fn picture(class: usize, number: usize) -> Vec<u8> {
    let pixels = (0..256).map(|i| ((i * (class + 2) + number * 37 + i / 16 * 5) % 256) as u8).collect();
    png(&Picture::new(16, 16, 1, Pixels::U8(pixels)).unwrap(), &[]).unwrap()
}

/// A working place with a source folder in it, and the program's own data kept inside.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Place(tempfile::tempdir().unwrap());
        for (class, (name, count)) in CLASSES.iter().enumerate() {
            place.class("source", name, class, *count);
        }
        place
    }

    fn class(&self, below: &str, name: &str, class: usize, count: usize) {
        let folder = self.path(below).join(name);
        fs::create_dir_all(&folder).unwrap();
        for number in 0..count {
            fs::write(folder.join(format!("{number:03}.png")), picture(class, number)).unwrap();
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_counterpoise"));
        command
            .args(line.split_whitespace())
            .current_dir(self.0.path())
            .env("COUNTERPOISE_DATA_DIR", self.path("data"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .stdin(Stdio::null());
        command
    }

    fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    /// Runs with --json; the exit code and the object that standard output is.
    fn object(&self, line: &str) -> (i32, Value) {
        let output = self.run(&format!("{line} --json"));
        let text = String::from_utf8(output.stdout).unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let object: Value =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{line}: {e}\nout: {text}\nerr: {said}"));
        assert!(object["seconds"].is_number(), "{line}: no seconds");
        assert!(object.get("peak_mb").is_some(), "{line}: no peak_mb");
        if cfg!(target_os = "linux") {
            assert!(object["peak_mb"].as_f64().unwrap() > 1.0);
        }
        (output.status.code().unwrap(), object)
    }

    /// The object of a command that must succeed.
    fn done(&self, line: &str) -> Value {
        let (code, object) = self.object(line);
        assert_eq!(code, 0, "{line}: {object}");
        object
    }

    /// The exit code of a command that must fail, and what it says.
    fn fails(&self, line: &str) -> (i32, String) {
        let output = self.run(line);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let code = output.status.code().unwrap();
        assert_ne!(code, 0, "{line} should fail");
        assert!(output.stdout.is_empty(), "{line}: standard output is for results");
        assert!(!said.trim().is_empty() && !said.contains("panicked"), "{line}: {said}");
        (code, said)
    }

    /// The help that a line asks for.
    fn help(&self, line: &str) -> String {
        let output = self.run(line);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{line}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The choices that a project keeps.
    fn settings(&self, project: &str) -> Settings {
        Project::open_read_only(&self.path(project)).unwrap().settings().unwrap()
    }
}

/// The lines of a help below a heading.
fn below<'a>(help: &'a str, heading: &str) -> Vec<&'a str> {
    let lines = help.lines().skip_while(|line| *line != heading).skip(1);
    lines.take_while(|line| line.is_empty() || line.starts_with(' ')).collect()
}

/// The long flags that begin lines of a help.
fn flags<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let flag = |line: &'a str| {
        // They stand six columns in, behind a short one if there is one; what is said of them stands further in.
        let before = line.get(..6)?;
        let listed = before.trim().is_empty() || before.starts_with("  -");
        let rest = line.get(6..)?.strip_prefix("--").filter(|_| listed)?;
        rest.split(|c: char| c != '-' && !c.is_ascii_alphanumeric()).next()
    };
    lines.into_iter().filter_map(flag).collect()
}

/// Every file below a folder with the hash of its bytes.
fn hashes(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy().replace('\\', "/");
                found.insert(name, sha256_hex(fs::read(path).unwrap()));
            }
        }
    }
    found
}

/// The rows of a manifest or another CSV with a head, by column.
fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize::<BTreeMap<String, String>>().map(Result::unwrap).collect()
}

fn list<'a>(object: &'a Value, name: &str) -> &'a Vec<Value> {
    object[name].as_array().unwrap_or_else(|| panic!("no list {name} in {object}"))
}

fn names(object: &Value, list_name: &str) -> Vec<String> {
    list(object, list_name).iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn scan_counts_and_lists() {
    let place = Place::new();
    fs::write(place.path("source/cat/notes.txt"), "no image").unwrap();
    fs::write(place.path("source/dog/broken.png"), b"\x89PNG\r\n\x1a\nand then nothing").unwrap();
    let got = place.done("scan source");
    assert_eq!(got["images"], 19);
    assert_eq!(got["ignored"], 1);
    assert_eq!(got["imbalance_ratio"], 6.0);
    assert_eq!(names(&got, "classes"), ["cat", "dog", "eel"]);
    assert_eq!(list(&got, "classes")[1]["images"], 5);
    assert_eq!(got["splits"], serde_json::json!({ "train": 19 }));
    let unreadable = list(&got, "unreadable");
    assert_eq!(unreadable.len(), 1);
    assert_eq!(unreadable[0]["path"], "dog/broken.png");
    assert!(!unreadable[0]["reason"].as_str().unwrap().is_empty());

    let cut = place.done("scan source --split 50/25/25 --seed 3");
    assert_eq!(cut["splits"]["train"].as_u64().unwrap() as usize, cut["images"].as_u64().unwrap() as usize);
    assert_eq!(cut["splits"]["test"], 5, "3 of 12, 1 of 5, 1 of 2: rounded");
    assert_eq!(cut, {
        let mut again = place.done("scan source --split 50/25/25 --seed 3");
        again["seconds"] = cut["seconds"].clone();
        again["peak_mb"] = cut["peak_mb"].clone();
        again
    });
}

#[test]
fn scan_reads_splits_and_refuses_to_cut_them() {
    let place = Place::new();
    place.class("parts/train", "a", 0, 6);
    place.class("parts/train", "b", 1, 2);
    place.class("parts/test", "a", 0, 3);
    place.class("parts/test", "b", 1, 3);
    let got = place.done("scan parts");
    assert_eq!(got["images"], 8, "counts of the training part");
    assert_eq!(got["splits"], serde_json::json!({ "train": 8, "test": 6 }));
    assert_eq!(place.fails("scan parts --split 70/15/15").0, 3);
}

#[test]
fn tables_for_people() {
    let place = Place::new();
    for line in ["scan source", "plan source", "weights source --scheme ens", "methods", "devices"] {
        let output = place.run(line);
        assert!(output.status.success(), "{line}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(serde_json::from_str::<Value>(&text).is_err() && text.lines().count() > 2, "{line}: {text}");
    }
}

#[test]
fn columns_of_a_table_line_up_whatever_a_class_is_called() {
    let place = Place::new();
    place.class("words", "a", 0, 10);
    place.class("words", "längere", 1, 7);
    let text = String::from_utf8(place.run("scan words").stdout).unwrap();
    assert!(text.starts_with("class    train\na           10\nlängere      7\n"), "{text}");
}

#[test]
fn plan_gives_targets_and_expectations() {
    let place = Place::new();
    let got = place.done("plan source --method m2m --beta 0.9");
    let classes = list(&got, "classes");
    assert_eq!(names(&got, "classes"), ["cat", "dog", "eel"]);
    let column = |name: &str| classes.iter().map(|c| c[name].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(column("have"), [12, 5, 2]);
    assert_eq!(column("target"), [12, 12, 12]);
    assert_eq!(column("make"), [0, 7, 10]);
    assert!(classes[0]["expected_acceptance"].is_null());
    let expected = classes[1]["expected_acceptance"].as_f64().unwrap();
    assert!((expected - (1.0 - 0.9_f64.powi(7))).abs() < 1e-12);

    let random = place.done("plan source --method random --target ratio:2");
    assert!(list(&random, "classes")[2]["expected_acceptance"].is_null(), "no prior");
    assert_eq!(list(&random, "classes")[2]["target"], 6);
    let wished = place.done("plan source --acceptance 0.8");
    let beta = wished["beta_for_wish"].as_f64().unwrap();
    assert!((1.0 - beta.powi(10) - 0.8).abs() < 1e-9, "the largest gap is 10");
    assert_eq!(place.fails("plan source --target 1,2").0, 2, "two targets for three classes");
}

#[test]
fn an_image_whose_pixels_are_cut_off_is_told_and_left_out() {
    let place = Place::new();
    let whole = picture(1, 9);
    fs::write(place.path("source/dog/cut.png"), &whole[..whole.len() * 2 / 3]).unwrap();
    let heard = |line: &str| {
        let output = place.run(&format!("{line} --json"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{line}: {said}");
        (serde_json::from_slice::<Value>(&output.stdout).unwrap(), said)
    };
    let images = |object: &Value, column: &str| -> Vec<u64> {
        list(object, "classes").iter().map(|class| class[column].as_u64().unwrap()).collect()
    };
    let told = "1 file could not be read and is left out";

    // Where counts are all that is needed, no pixel is looked at, and that is said.
    for (line, column) in [("plan source --method random", "have"), ("weights source --scheme ins", "images")]
    {
        let (object, said) = heard(line);
        assert_eq!(images(&object, column), [12, 6, 2], "{line}");
        assert!(said.contains("counts of headers") && !said.contains(told), "{line}: {said}");
    }
    let (scanned, said) = heard("scan source");
    assert_eq!((images(&scanned, "images"), said.contains(told)), (vec![12, 5, 2], true));

    let small = "--device cpu --network small --size 16 --seed 2";
    let (trained, said) =
        heard(&format!("train source --method m2m --model m.safetensors --epochs 1 {small}"));
    assert!(said.contains(told), "{said}");
    assert_eq!(trained["summary"]["counts"], serde_json::json!([12, 5, 2]));
    let model = "--method m2m --model m.safetensors --steps 2";
    for line in [
        format!("balance source {model} --target 6 --out balanced --project p {small}"),
        "balance source --method random --target 6 --out repeated --project q".to_owned(),
    ] {
        let (made, said) = heard(&line);
        assert!(said.contains(told), "{line}: {said}");
        assert_eq!(images(&made, "original"), [12, 5, 2], "{line}");
        assert_eq!(images(&made, "total"), [12, 6, 6], "{line}");
    }
    for folder in ["balanced", "repeated"] {
        let rows = rows(&place.path(folder).join("manifest.csv"));
        assert!(rows.iter().all(|row| !row["file"].contains("cut") && !row["seed_file"].contains("cut")));
    }

    // A file without a header is known at once.
    fs::write(place.path("source/dog/cut.png"), b"\x89PNG\r\n\x1a\nand then nothing").unwrap();
    let (plan, said) = heard("plan source --method random");
    assert_eq!((images(&plan, "have"), said.contains(told)), (vec![12, 5, 2], true));
}

#[test]
fn weights_are_the_schemes() {
    let place = Place::new();
    for scheme in Scheme::ALL {
        let got = place.done(&format!("weights source --scheme {} --beta 0.99", scheme.as_str()));
        assert_eq!(got["scheme"], scheme.as_str());
        assert_eq!(got["beta"], 0.99);
        let want = weights(&[12, 5, 2], scheme, 0.99).unwrap();
        for (class, want) in list(&got, "classes").iter().zip(want) {
            assert!((class["weight"].as_f64().unwrap() - want).abs() < 1e-12);
            assert!(class["images"].is_u64());
        }
    }
    assert_eq!(place.fails("weights source --scheme ens --beta 1").0, 2);
    assert_eq!(place.fails("weights source").0, 2, "no scheme");
}

#[test]
fn weights_files_are_new_and_outside_of_the_source() {
    let place = Place::new();
    let before = hashes(&place.path("source"));
    let shown = place.done("weights source --scheme ens --beta 0.99");
    let got = place.done("weights source --scheme ens --beta 0.99 --out w.json");
    assert_eq!((&got["out"], &got["format"]), (&Value::from("w.json"), &Value::from("json")));
    assert_eq!(got["classes"], shown["classes"]);
    let file: Value = serde_json::from_slice(&fs::read(place.path("w.json")).unwrap()).unwrap();
    assert_eq!((&file["folder"], &file["images"]), (&Value::from("source"), &Value::from(19)));
    for (class, told) in list(&file, "classes").iter().zip(list(&got, "classes")) {
        assert_eq!((&class["name"], &class["weight"]), (&told["name"], &told["weight"]));
    }

    // The format comes from its flag alone.
    let output = place.run("weights source --scheme ins --out deep/w.json --format keras");
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("never both"));
    assert!(fs::read_to_string(place.path("deep/w.json")).unwrap().contains("class_weight = {\n    0: "));
    place.done("weights source --scheme ins --out w.csv --format csv --split 50/25/25 --seed 3");
    let table = rows(&place.path("w.csv"));
    assert_eq!(table.len() as u64, place.done("scan source --split 50/25/25 --seed 3")["images"]);
    assert!(table.iter().all(|row| place.path("source").join(&row["file"]).is_file()));

    let written = fs::read(place.path("w.json")).unwrap();
    for (line, code) in [
        ("weights source --scheme ins --out w.json", 3),
        ("weights source --scheme ins --out source", 3),
        ("weights source --scheme ins --out source/cat/w.json", 3),
        ("weights source --scheme ins --out new.json --format yaml", 2),
        ("weights source --scheme ins --format keras", 2),
    ] {
        assert_eq!(place.fails(line).0, code, "{line}");
    }
    assert_eq!(fs::read(place.path("w.json")).unwrap(), written);
    assert!(!place.path("new.json").exists());
    assert_eq!(hashes(&place.path("source")), before, "the source is read-only");
}

#[test]
fn methods_and_devices() {
    let place = Place::new();
    let methods = place.done("methods");
    let ids: Vec<&str> = list(&methods, "methods").iter().map(|m| m["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&"m2m") && ids.contains(&"random"), "{ids:?}");
    for method in list(&methods, "methods") {
        assert!(method["name"].is_string() && method["needs_training"].is_boolean());
        for param in list(method, "params") {
            assert!(param["name"].is_string() && param["source"].is_string());
            assert!(param.get("default").is_some());
        }
    }
    let devices = place.done("devices");
    let kinds: Vec<&str> = list(&devices, "devices").iter().map(|d| d["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"cpu"), "{kinds:?}");
    assert!(list(&devices, "devices").iter().all(|d| d["id"].is_string() && d["name"].is_string()));
}

#[test]
fn exit_codes_of_refusals() {
    let place = Place::new();
    fs::create_dir(place.path("taken")).unwrap();
    fs::create_dir(place.path("empty")).unwrap();
    for (line, code) in [
        ("scan nowhere", 3),
        ("scan empty", 3),
        ("scan", 2),
        ("scan source --no-such-flag", 2),
        ("blance source", 2),
        ("blance", 2),
        ("scna", 2),
        ("nowhere", 3),
        ("blance/source", 3),
        ("plan source --method nothing", 2),
        ("plan source --beta 2", 2),
        ("balance source --method random --out taken", 3),
        ("balance source --method random", 2),
        ("train source --method random --model m.safetensors", 3),
        ("train source --method m2m --device cpu --model source/new/m.safetensors", 3),
        ("train source --method m2m --device cpu --model taken", 3),
        ("generate source --model nowhere.safetensors --project p", 3),
        ("candidates nowhere", 3),
        ("decide nowhere --from nowhere.csv", 3),
        ("export nowhere --out x", 3),
        ("verify nowhere", 3),
        ("verify empty", 3),
        ("scan source --config nowhere.json", 3),
        ("scan source --device abacus", 2),
    ] {
        let (got, said) = place.fails(line);
        assert_eq!(got, code, "{line}: {said}");
    }
    for line in ["scna", "scna source", "scna source --json"] {
        assert!(place.fails(line).1.contains("did you mean scan?"), "{line}");
    }
    assert!(!place.path("x").exists() && !place.path("m.safetensors").exists());
    assert!(!place.path("source/new").exists(), "the source is read-only");
    for line in ["--help", "balance --help", "balance --method random --help", "--version"] {
        assert!(place.run(line).status.success(), "{line}");
    }
    let help = place.run("train --method m2m --help");
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("--gamma") && help.contains("source: "), "the method's flags and their sources");
}

/// What is wrong with the arguments themselves is said before any work.
#[test]
fn wrong_values_are_usage_errors() {
    let place = Place::new();
    for line in [
        "scan",
        "scan x --split 70/30",
        "plan x --target most",
        "plan x --acceptance 1",
        "plan x --method random --beta 0.99",
        "plan x --beta 7",
        "plan x --method nothing",
        "weights x --scheme heavy",
        "weights x --scheme ins --out y --format yaml",
        "weights x --scheme ins --format csv",
        "scan x --threads 0",
        "balance x --rejected maybe --out y",
        "export x",
        "features p --model m",
        "features p --out y",
        "features p --model m --out y --projector umap",
        "features p --model m --out y --held-out train",
        "bench --rows classifier",
        "bench --repeats 0",
        "reproduce nothing",
        "reproduce weights --scale large",
        "reproduce baegan-mnist x --data y",
        "evaluate",
        "evaluate x --seeds 0",
        "evaluate x --folds 1",
        "evaluate --train y --test z --folds 3",
        "evaluate x --train y",
        "evaluate --train y",
        "evaluate --train y --test z --split 70/15/15",
        "evaluate x --project p --out y",
        "evaluate --train y --test z --project p",
        "evaluate x --maps 2",
        "evaluate x --out y --maps 0",
        "evaluate x --out y --explainer rise",
        "evaluate x --out y --maps 2 --explainer lime",
        "evaluate x --out y --maps 2 --maps-of both",
    ] {
        let (code, said) = place.fails(line);
        // What a command finds begins with the program's name.
        assert!(code == 2 && said.starts_with("error: "), "{line}: {code}: {said}");
    }
}

/// Every command is in the help, reads its configuration before it asks for what it lacks, and lists no flag twice.
#[test]
fn every_command_is_known_everywhere() {
    let place = Place::new();
    let help = place.help("--help");
    let listed = below(&help, "Commands:").into_iter().filter(|line| !line.starts_with("   "));
    let listed: Vec<&str> = listed.filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(listed, [COMMANDS.as_slice(), &["help"]].concat());
    for command in COMMANDS {
        let (code, said) = place.fails(&format!("{command} --config nowhere.json"));
        assert!(code == 3 && said.contains("the configuration could not be read"), "{command}: {said}");
        let help = place.help(&format!("{command} --help"));
        let mut found = flags(help.lines());
        assert!(found.contains(&"json") && found.contains(&"quiet"), "{command}: {help}");
        let all = found.len();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), all, "{command}: {help}");
    }
}

/// A build with debug assertions has clap look at each of these commands, too.
#[test]
fn every_method_has_its_own_flags_in_the_help_of_each_command_that_takes_one() {
    let place = Place::new();
    let methods = place.done("methods");
    for method in list(&methods, "methods") {
        let id = method["id"].as_str().unwrap();
        // Those two are shared flags as well.
        let mut own = names(method, "params");
        own.retain(|name| !["network", "epochs"].contains(&name.as_str()));
        assert_eq!(own.is_empty(), id == "random");
        for command in WITH_METHOD {
            let help = place.help(&format!("{command} --help --method {id}"));
            assert_eq!(flags(below(&help, "Parameters of the method:")), own, "{command} --method {id}");
            let mut all = flags(help.lines());
            let listed = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), listed, "{command} --method {id}: {help}");
        }
    }
}

/// The parameters that a line gives to a method. There is no model, and the project keeps them before that is found.
fn given(place: &Place, project: &str, line: &str) -> Value {
    let (code, said) = place.fails(&format!("generate source --project {project} --device cpu {line}"));
    assert!(code == 3 && said.contains("needs a model"), "{line}: {code}: {said}");
    Value::Object(place.settings(project).params)
}

#[test]
fn a_method_brings_its_flags() {
    let place = Place::new();
    let line = "--beta 0.99 --flip --crop=false --network small";
    let want = json!({ "beta": 0.99, "network": "small", "crop": false, "flip": true });
    assert_eq!(given(&place, "p", line), want);
    assert_eq!(place.done(&format!("plan source {line}"))["beta"], 0.99);
    // The method is found behind = as well: its arguments are whole, and the folder is not there.
    assert_eq!(place.fails("balance nowhere --method=random --out y").0, 3);
}

#[test]
fn network_is_the_judges_where_a_method_has_no_other() {
    let place = Place::new();
    assert_eq!(given(&place, "m2m", "--network small"), json!({ "network": "small" }), "M2m's g and f");
    let bagan = "--method bagan --network small";
    assert_eq!(given(&place, "shared", bagan), json!({ "judge-network": "small" }));
    let both = given(&place, "both", &format!("{bagan} --judge-network resnet32"));
    assert_eq!(both, json!({ "judge-network": "resnet32" }), "the flag of the method itself wins");
    for (method, shown) in [("m2m", true), ("bagan", true), ("random", false)] {
        let help = place.help(&format!("balance --help --method {method}"));
        for flag in ["network", "epochs"] {
            assert_eq!(flags(help.lines()).contains(&flag), shown, "--{flag} of {method}");
        }
    }
}

#[test]
fn the_last_flag_wins_and_shared_flags_are_taken_everywhere() {
    let place = Place::new();
    let line = "--seed 1 --device cpu --seed 2 --epochs 3";
    place.done(&format!("scan source {line}"));
    place.done(&format!("generate source --method random --project p {line}"));
    let kept = place.settings("p");
    assert_eq!((kept.seed, kept.device.as_str(), kept.epochs), (2, "cpu", Some(3)));
    // Not only where a project keeps it: the same images are cut off.
    let listing = "weights source --scheme ins --split 50/25/25 --format csv";
    let cut = |name: &str, seeds: &str| {
        place.done(&format!("{listing} --out {name} {seeds}"));
        fs::read_to_string(place.path(name)).unwrap()
    };
    let last = cut("last.csv", line);
    assert_eq!(last, cut("second.csv", "--seed 2"));
    assert_ne!(last, cut("first.csv", "--seed 1"));
}

#[test]
fn the_window_takes_a_folder() {
    let place = Place::new();
    let program = OsString::from("counterpoise");
    assert!(matches!(start([program.clone()]), Start::Window(None)));
    let folder = place.path("source");
    let wanted = start([program, folder.clone().into_os_string()]);
    assert!(matches!(wanted, Start::Window(Some(path)) if path == folder));
}

#[test]
fn lists_of_treatments_name_treatments_generators_and_folders() {
    let place = Place::new();
    // The project keeps what was asked for before it is found that a cross-validation takes no exported folder.
    let asked = |treatments: &str, folder: &str| {
        let mut command = place.command("evaluate source --project p --device cpu");
        let output = command.args(["--treatments", treatments, "--folder", folder]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{treatments}: {said}");
        assert!(said.contains("cross-validation holds out"), "{treatments}: {said}");
        let kept = Project::open_read_only(&place.path("p")).unwrap().comparisons().unwrap();
        kept.last().unwrap().config.clone()
    };
    let got = asked("none,cb-focal:beta=0.9, folder:some/dir,smote+mixup:alpha=0.2", "m2m=a/b=c");
    assert_eq!(got["treatments"], json!(["none", "cb-focal:beta=0.9", "smote+mixup:alpha=0.2"]));
    let folders =
        [json!({ "name": "folder:some/dir", "dir": "some/dir" }), json!({ "name": "m2m", "dir": "a/b=c" })];
    assert_eq!(got["folders"], json!(folders));
    let plain: Vec<&str> = Treatment::table().iter().map(|info| info.id).collect();
    assert_eq!(asked("all", "x=y")["treatments"], json!(plain));
    let made: Vec<&str> = MadeTreatment::table().iter().map(|info| info.id).collect();
    assert_eq!(asked("generators", "x=y")["treatments"], json!(made));
    for wrong in ["treatments none,nothing", "treatments drs+class-aware", "folder m2m", "folder =dir"] {
        assert_eq!(place.fails(&format!("evaluate source --{wrong}")).0, 2, "{wrong}");
    }
    let help = place.help("evaluate --help");
    for words in ["  drs: ", "focusing", "  m2m-online: "] {
        assert!(help.contains(words), "{words}: {help}");
    }
}

#[test]
fn a_frechet_distance_of_few_images_has_its_caution() {
    let place = Place::new();
    for (project, name, images, starred) in [
        ("a", "FD-g", 199, true),
        ("b", "FD-MobileNet", 6, true),
        ("c", "FD-g", 200, false),
        ("d", "KID-g", 6, false),
    ] {
        let figure = QualityFigure {
            features: "g".to_owned(),
            name: name.to_owned(),
            value: 2.5,
            sd: None,
            floor: None,
            n_real: images,
            n_made: 300,
        };
        let quality =
            ClassQuality { class: "cat".to_owned(), made: 300, real: images, figures: vec![figure] };
        place.done(&format!("generate source --method random --project {project}"));
        let mut kept = Project::open(&place.path(project)).unwrap();
        let run = kept.latest_run().unwrap().unwrap();
        kept.add_quality(run, &quality).unwrap();
        drop(kept);
        let text = String::from_utf8(place.run(&format!("candidates {project}")).stdout).unwrap();
        assert!(text.contains(name) && text.contains("2.5"), "{text}");
        assert_eq!(text.contains(&format!("{name} *")), starred, "{text}");
        assert_eq!(text.contains("fewer than 200 images"), starred, "{text}");
    }
}

#[test]
fn no_project_is_made_inside_the_image_folder() {
    let place = Place::new();
    let before = hashes(&place.path("source"));
    for line in [
        "generate source --method random --project source/p",
        "balance source --method random --project source/cat/p --out balanced",
    ] {
        let (code, said) = place.fails(line);
        assert_eq!(code, 3, "{line}: {said}");
        assert!(said.contains("inside the image folder"), "{said}");
    }
    assert_eq!(hashes(&place.path("source")), before, "the source is read-only");
    assert!(!place.path("source/p").exists() && !place.path("source/cat/p").exists());
    assert!(!place.path("balanced").exists());
}

#[test]
fn balance_refuses_a_bad_out_before_any_work_and_says_what_a_failure_left() {
    let place = Place::new();
    let (code, said) = place.fails("balance source --method random --project p --out source/cat/balanced");
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("inside the image folder"), "{said}");
    assert!(!place.path("p").exists(), "nothing was done");

    // The export alone finds that a file is in its way.
    fs::write(place.path("file"), "").unwrap();
    let (_, said) = place.fails("balance source --method random --project p --out file/balanced");
    assert!(said.contains("counterpoise export p --out NEW") && said.trim().ends_with("is in p"), "{said}");
    assert!(!said.contains("--model"), "nothing was trained: {said}");
    place.done("export p --out balanced --undecided verdict");
}

#[test]
fn a_csv_has_the_project_that_the_window_opens_for_it() {
    let place = Place::new();
    let table = "file,label\ncat/000.png,a\ncat/001.png,a\ndog/000.png,b\n";
    fs::write(place.path("source/list.csv"), table).unwrap();
    let got = place.done("balance source/list.csv --method random --out balanced");
    let project = for_source_in(&place.path("data"), &place.path("source/list.csv"));
    assert_eq!(got["project"], project.display().to_string());
    assert_ne!(project, for_source_in(&place.path("data"), &place.path("source")));
}

#[test]
fn a_configuration_gives_way_to_flags() {
    let place = Place::new();
    let config = r#"{"target": 9, "method": "m2m", "beta": 0.5, "flip": true, "json": true}"#;
    fs::write(place.path("c.json"), config).unwrap();
    let output = place.run("plan source --config c.json");
    let got: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list(&got, "classes")[2]["target"], 9);
    assert_eq!(got["beta"], 0.5);
    let got = place.done("plan source --config c.json --target 10 --beta 0.25");
    assert_eq!(list(&got, "classes")[2]["target"], 10);
    assert_eq!(got["beta"], 0.25);
    for (text, code) in [("[1]", 3), ("{\"a b\": 1}", 3), ("{", 3), ("{\"no-such-flag\": 1}", 2)] {
        fs::write(place.path("bad.json"), text).unwrap();
        assert_eq!(place.fails("plan source --config bad.json").0, code, "{text}");
    }
}

#[test]
fn random_balances_end_to_end() {
    let place = Place::new();
    let before = hashes(&place.path("source"));
    let got = place.done("balance source --method random --out balanced --seed 4");
    assert!(got["out"].as_str().unwrap().ends_with("balanced"));
    assert_eq!((&got["candidates"], &got["accepted"]), (&Value::from(0), &Value::from(0)));
    for part in ["prior", "confidence", "other"] {
        assert_eq!(got["rejected"][part], 0);
    }
    for (class, (name, count)) in list(&got, "classes").iter().zip(CLASSES) {
        assert_eq!(class["name"], name);
        assert_eq!(class["original"], count);
        assert_eq!(class["repeated"], 12 - count);
        assert_eq!((&class["derived"], &class["synthetic"]), (&Value::from(0), &Value::from(0)));
        assert_eq!(class["total"], 12, "total = target");
    }
    assert_eq!(hashes(&place.path("source")), before, "the source is read-only");

    let manifest = rows(&place.path("balanced/manifest.csv"));
    assert_eq!(manifest.len(), 36);
    let written = hashes(&place.path("balanced"));
    for row in &manifest {
        assert_eq!(written[&row["file"]], row["sha256"], "{}", row["file"]);
        let name = row["file"].rsplit('/').next().unwrap();
        match row["kind"].as_str() {
            "original" => assert!(before.values().any(|hash| *hash == row["sha256"]), "byte for byte"),
            "repeated" => {
                assert!(name.starts_with("rep_"), "{name}");
                assert!(before.values().any(|hash| *hash == row["sha256"]), "a byte copy");
            }
            other => panic!("{other} from a method that makes nothing"),
        }
    }
    assert!(written.contains_key("README.md"), "the dataset card");

    let proof = place.done("verify balanced");
    assert_eq!(proof["ok"], true);
    assert!(proof["files"].as_u64().unwrap() >= 36);
    // Known by its manifest, repeated images are not counted again.
    assert_eq!(place.done("scan balanced")["images"], 19);
    // The same seed repeats the same images.
    place.done("balance source --method random --out again --seed 4");
    let images = |all: &BTreeMap<String, String>| {
        all.iter()
            .filter(|(file, _)| *file != "README.md")
            .map(|(f, h)| (f.clone(), h.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(images(&hashes(&place.path("again"))), images(&written));
    assert_eq!(
        place.fails("balance source --method random --out balanced").0,
        3,
        "never over an existing one"
    );
    assert_eq!(hashes(&place.path("balanced")), written);
}

#[test]
fn weights_that_are_not_mobilenets_are_refused_before_any_work() {
    let place = Place::new();
    fs::write(place.path("else.safetensors"), b"something else").unwrap();
    for line in ["generate source --project p", "balance source --project p --out out"] {
        let (code, said) = place.fails(&format!("{line} --features missing.safetensors"));
        assert_eq!(code, 3);
        assert!(
            said.contains("no such weights file") && said.trim().ends_with("missing.safetensors"),
            "{said}"
        );
        let (code, said) = place.fails(&format!("{line} --features else.safetensors"));
        assert_eq!(code, 3);
        assert!(said.contains("MobileNet v1 1.0 224") && said.trim().ends_with("else.safetensors"), "{said}");
    }
    assert!(!place.path("p").exists() && !place.path("out").exists());
}

#[test]
fn a_later_run_that_makes_nothing_leaves_no_older_candidates_in_the_export() {
    let place = Place::new();
    place.done(
        "balance source --method m2m --epochs 1 --size 28 --beta 0.5 --gamma 0 --project p --out first",
    );
    let object = place.done("balance source --method random --project p --out second");
    for class in list(&object, "classes") {
        assert_eq!(class["derived"], 0, "{class}");
    }
    assert_eq!(object["candidates"], 0);
}

#[test]
fn verify_names_each_difference() {
    let place = Place::new();
    place.done("balance source --method random --out balanced");
    let all: Vec<String> =
        hashes(&place.path("balanced")).into_keys().filter(|f| f.ends_with(".png")).collect();
    fs::write(place.path("balanced").join(&all[0]), b"something else").unwrap();
    fs::remove_file(place.path("balanced").join(&all[1])).unwrap();
    fs::write(place.path("balanced/dog/new.png"), picture(1, 99)).unwrap();
    let (code, proof) = place.object("verify balanced");
    assert_eq!(code, 4);
    assert_eq!(proof["ok"], false);
    assert_eq!(list(&proof, "changed"), &[Value::from(all[0].as_str())]);
    assert_eq!(list(&proof, "missing"), &[Value::from(all[1].as_str())]);
    assert_eq!(list(&proof, "extra"), &[Value::from("dog/new.png")]);
}

#[test]
fn splits_are_kept_and_only_training_is_balanced() {
    let place = Place::new();
    place.class("parts/train", "a", 0, 6);
    place.class("parts/train", "b", 1, 2);
    place.class("parts/test", "a", 0, 3);
    place.class("parts/test", "b", 1, 1);
    let got = place.done("balance parts --method random --out balanced");
    assert_eq!(names(&got, "classes"), ["a", "b"]);
    let written = hashes(&place.path("balanced"));
    let below = |prefix: &str| written.keys().filter(|file| file.starts_with(prefix)).count();
    assert_eq!((below("train/a/"), below("train/b/")), (6, 6));
    assert_eq!((below("test/a/"), below("test/b/")), (3, 1), "held-out parts are copied as they are");
}

#[test]
fn leave_keeps_a_class_below_its_target() {
    let place = Place::new();
    let got = place.done("balance source --method random --rejected leave --out left");
    let totals: Vec<u64> = list(&got, "classes").iter().map(|c| c["total"].as_u64().unwrap()).collect();
    assert_eq!(totals, [12, 5, 2]);
}

/// Train, generate, decide, export: M2m with a network of a few steps, so that it runs in seconds.
#[test]
fn a_person_decides_and_exports() {
    let place = Place::new();
    let before = hashes(&place.path("source"));
    // Folders above the model and the list are made, as above every other output.
    let small = "--device cpu --network small --size 16 --seed 2";
    let trained =
        place.done(&format!("train source --method m2m --model models/new/m.safetensors --epochs 2 {small}"));
    assert!(place.path("models/new/m.safetensors").is_file());
    assert!(!trained["model_hash"].as_str().unwrap().is_empty());

    let generate = "generate source --model models/new/m.safetensors --project review --target 6 --steps 2";
    let made = place.done(&format!("{generate} {small}"));
    assert_eq!(made["candidates"], 5, "1 dog and 4 eels");
    let rejected: u64 =
        ["prior", "confidence", "other"].map(|part| made["rejected"][part].as_u64().unwrap()).iter().sum();
    assert_eq!(made["accepted"].as_u64().unwrap() + rejected, 5);

    // The model has seen what is held out here, and the other one has not.
    let held_out = generate.replace("review", "cut");
    let output = place.run(&format!("{held_out} {small} --split 60/20/20"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("trained on 12, 5, 2 images per class"), "{said}");
    let again = place.run(&format!("{} {small}", generate.replace("review", "same")));
    assert!(!String::from_utf8_lossy(&again.stderr).contains("the model was trained on"));

    // Nobody has decided yet.
    assert_eq!(place.fails("export review --out early").0, 3);
    assert!(!place.path("early").exists());

    let listed = place.done("candidates review --csv lists/list.csv");
    assert_eq!(list(&listed, "candidates").len(), 5);
    for candidate in list(&listed, "candidates") {
        assert_eq!(candidate["decision"], "undecided");
        assert_eq!(candidate["kind"], "derived");
        assert!(candidate["p_accept"].is_number() && candidate["prior_draw"].is_number());
        assert!(candidate["confidence"].is_number() && candidate["seed_file"].is_string());
        assert!(candidate["usual_distance"].is_number() && candidate["judge_says"].is_string());
        assert!(candidate["own_score"].is_null() && candidate["near_copy"].is_null(), "M2m has none");
    }
    // What was measured when they were made: one made image is not varied, and two real images are too few for
    // distances.
    let quality = list(&listed, "quality");
    assert_eq!(names(&listed, "quality"), ["dog", "eel"]);
    for (class, made, real) in [(&quality[0], 1, 5), (&quality[1], 4, 2)] {
        assert_eq!((&class["made"], &class["real"]), (&Value::from(made), &Value::from(real)));
        assert!(class["near_copies"].is_null(), "images of M2m are near their seed by design");
    }
    let of_any = ["judge accuracy", "nearest median", "nearest 1 %"];
    assert_eq!(names(&quality[0], "figures"), of_any);
    assert_eq!(names(&quality[1], "figures"), [["diversity"].as_slice(), of_any.as_slice()].concat());
    let diversity = &list(&quality[1], "figures")[0];
    assert!(diversity["value"].as_f64().unwrap() > 0.0 && diversity["sd"].is_null());
    assert_eq!((&diversity["features"], &diversity["floor"]), (&Value::from("pixels"), &Value::from(1.0)));
    assert_eq!((&diversity["n_made"], &diversity["n_real"]), (&Value::from(4), &Value::from(2)));
    assert_eq!(diversity["says_little"], false, "that is of Fréchet distances alone");
    let table = String::from_utf8(place.run("candidates review").stdout).unwrap();
    for words in ["between real", "diversity", "judge accuracy", "g, learnt", "pixels, left out"] {
        assert!(table.contains(words), "{words}: {table}");
    }
    assert_eq!(place.fails("candidates review --csv lists/list.csv").0, 3, "never over an existing file");
    // The same figures as a file, a row for each.
    let measured = "candidates review --quality-csv measured/quality.csv";
    place.done(measured);
    let mut written = csv::Reader::from_path(place.path("measured/quality.csv")).unwrap();
    let heads = "class,measure,features,value,sd,floor,n_made,n_real,says_little";
    assert_eq!(written.headers().unwrap().iter().collect::<Vec<_>>().join(","), heads);
    let written: Vec<csv::StringRecord> = written.records().map(Result::unwrap).collect();
    let figures: Vec<(&Value, &Value)> = quality
        .iter()
        .flat_map(|class| list(class, "figures").iter().map(move |figure| (&class["name"], figure)))
        .collect();
    assert_eq!((written.len(), figures.len()), (7, 7));
    for (row, (class, figure)) in written.iter().zip(figures) {
        let named = [class, &figure["name"], &figure["features"]].map(|name| name.as_str().unwrap());
        assert_eq!([&row[0], &row[1], &row[2]], named);
        for (column, name) in [(3, "value"), (4, "sd"), (5, "floor")] {
            let got = row[column].parse::<f64>().ok();
            assert_eq!(got.is_some(), figure[name].is_number(), "{name}");
            assert!((got.unwrap_or(0.0) - figure[name].as_f64().unwrap_or(0.0)).abs() < 1e-9, "{name}");
        }
        for (column, name) in [(6, "n_made"), (7, "n_real"), (8, "says_little")] {
            assert_eq!(&row[column], figure[name].to_string(), "{name}");
        }
    }
    let (code, said) = place.fails(measured);
    assert!(code == 3 && said.contains("--quality-csv"), "{said}");
    // Of two lists neither is written where one is refused.
    for wrong in ["source/cat/quality.csv", "measured/quality.csv", "lists/both.csv"] {
        assert_eq!(
            place.fails(&format!("candidates review --csv lists/both.csv --quality-csv {wrong}")).0,
            3
        );
        assert!(!place.path("lists/both.csv").exists(), "{wrong}");
    }
    assert_eq!(
        place.fails("candidates review --csv source/cat/list.csv").0,
        3,
        "never into the image folder"
    );

    let mut decisions = "candidate,decision\n".to_owned();
    let header = fs::read_to_string(place.path("lists/list.csv")).unwrap();
    assert!(header.lines().next().unwrap().ends_with(
        "nearest_distance,own_score_name,own_score,usual_distance,usual_of_others,near_copy,exact_copy,\
         diversity,judge_says"
    ));
    for (i, row) in rows(&place.path("lists/list.csv")).iter().enumerate() {
        decisions += &format!("{},{}\n", row["candidate"], if i < 3 { "accepted" } else { "rejected" });
    }
    fs::write(place.path("wrong.csv"), format!("{decisions}1,perhaps\n")).unwrap();
    assert_eq!(place.fails("decide review --from wrong.csv").0, 3);
    fs::write(place.path("unknown.csv"), format!("{decisions}999999,accepted\n")).unwrap();
    assert_eq!(place.fails("decide review --from unknown.csv").0, 3);
    assert_eq!(place.fails("export review --out early").0, 3, "a refused list decides nothing");
    fs::write(place.path("decided.csv"), &decisions).unwrap();
    let decided = place.done("decide review --from decided.csv");
    assert_eq!((&decided["accepted"], &decided["rejected"]), (&Value::from(3), &Value::from(2)));
    assert_eq!(
        place.done("decide review --from decided.csv")["changed"],
        0,
        "the same again changes nothing"
    );

    let exported = place.done("export review --out balanced");
    let column =
        |name: &str| list(&exported, "classes").iter().map(|c| c[name].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(column("total"), [12, 6, 6]);
    assert_eq!(column("derived").iter().sum::<u64>(), 3);
    assert_eq!(column("repeated").iter().sum::<u64>(), 2, "a rejected slot is filled by a repeat");
    let manifest = rows(&place.path("balanced/manifest.csv"));
    let derived: Vec<_> = manifest.iter().filter(|row| row["kind"] == "derived").collect();
    assert_eq!(derived.len(), 3);
    for row in derived {
        assert_eq!((row["decision"].as_str(), row["decided_by"].as_str()), ("accepted", "person"));
        assert_eq!(row["method"], "m2m");
        assert!(row["file"].rsplit('/').next().unwrap().starts_with("syn_"));
        assert!(before.contains_key(&row["seed_file"]), "the seed image is a file of the source");
        assert!(!row["p_accept"].is_empty() && !row["prior_draw"].is_empty() && !row["verdict"].is_empty());
        assert!(!row["usual_distance"].is_empty() && !row["judge_says"].is_empty());
    }
    assert_eq!(place.done("verify balanced")["ok"], true);
    assert_eq!(hashes(&place.path("source")), before, "the source is read-only");

    // The exported folder is known: what was made stays made and is no seed for more.
    assert_eq!(place.done("scan balanced")["images"], 22, "19 originals and 3 derived, repeats not counted");

    // Relabel and exclude are edits of the project; the files stay.
    fs::write(place.path("edit.csv"), "file,label\ncat/000.png,dog\ncat/001.png,exclude\n").unwrap();
    let edited = place.done("relabel review --from edit.csv");
    assert_eq!((&edited["relabelled"], &edited["excluded"]), (&Value::from(1), &Value::from(1)));
    let again = place.done("relabel review --from edit.csv");
    assert_eq!(
        (&again["relabelled"], &again["excluded"]),
        (&Value::from(0), &Value::from(0)),
        "nothing changed"
    );
    fs::write(place.path("edit.csv"), "file,label\nnowhere.png,dog\n").unwrap();
    assert_eq!(place.fails("relabel review --from edit.csv").0, 3);
    assert_eq!(hashes(&place.path("source")), before);
}

#[test]
fn the_demo_does_the_main_job() {
    let place = Place::new();
    let got = place.done("demo --target ratio:16 --device cpu --out shown");
    assert_eq!(names(&got, "classes"), ["ankle_boot", "bag", "sandal", "sneaker"]);
    assert_eq!(list(&got, "classes")[1]["total"], 63, "ceil(1000 / 16)");
    assert_eq!(got["candidates"], 13);
    assert_eq!(place.done("verify shown")["ok"], true);
    assert_eq!(place.fails("demo --out shown").0, 3);
}

/// Starts a line, presses Ctrl-C once it says `stage`, and waits for its end; what it said is with the output.
#[cfg(unix)]
fn interrupted(place: &Place, line: &str, stage: &str) -> Output {
    use std::io::{BufRead as _, BufReader, Read as _};

    let mut child = place.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut heard = String::new();
    while !heard.contains(stage) {
        let mut text = String::new();
        assert!(said.read_line(&mut text).unwrap() > 0, "it ended by itself: {heard}");
        heard += &text;
    }
    let kill = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap();
    assert!(kill.success());
    said.read_to_string(&mut heard).unwrap();
    let output = child.wait_with_output().unwrap();
    Output { stderr: heard.into_bytes(), ..output }
}

#[cfg(unix)]
#[test]
fn an_interrupted_training_exits_130_and_leaves_no_half_model() {
    let place = Place::new();
    let line = "train source --model m.safetensors --epochs 5000 --network small --size 32 --device cpu -v";
    let output = interrupted(&place, line, "training g");
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!place.path("m.safetensors").exists());
}

#[cfg(unix)]
#[test]
fn an_interrupted_training_keeps_a_model_where_that_was_asked_for() {
    let place = Place::new();
    let line = "train source --model m.safetensors --epochs 5000 --network small --size 16 --device cpu -v";
    let line = format!("{line} --keep --json");
    for goes_on in [false, true] {
        let output = interrupted(&place, &line, "training g");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(130), "{said}");
        assert!(said.contains("to keep what is there; press Ctrl-C again"), "{said}");
        assert_eq!(said.contains("going on from a checkpoint"), goes_on, "{said}");
        let object: Value = serde_json::from_slice(&output.stdout).unwrap();
        let stopped = object["stopped"].as_str().unwrap();
        assert!(stopped.starts_with("g, after epoch ") && stopped.ends_with(" of 5000"), "{stopped}");
        assert_eq!(object["summary"]["record"]["stopped"], stopped);
        assert!(place.path("m.safetensors.checkpoint").exists(), "it can be gone on with");
    }
    // It is a model like any other.
    let made =
        place.done("generate source --model m.safetensors --project p --steps 2 --size 16 --device cpu");
    assert_eq!(made["candidates"], 17, "7 dogs and 10 eels");
}

/// The judge of a generator makes no image, and what it learnt is kept.
#[cfg(unix)]
#[test]
fn a_training_that_is_interrupted_before_there_is_a_model_exits_130_too() {
    let place = Place::new();
    let line = "train source --model m.safetensors --method deepsmote --epochs 5000 --device cpu -v --keep";
    let output = interrupted(&place, line, "training the judge");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(output.stdout.is_empty() && said.contains("no generator to keep"), "{said}");
    assert!(place.path("m.safetensors.checkpoint").exists() && !place.path("m.safetensors").exists());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = Place::new();
    let mut child =
        place.command("methods --json").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// With no display the program says so and names the next command.
#[cfg(target_os = "linux")]
#[test]
fn without_a_display_the_demo_is_named() {
    let place = Place::new();
    let output = place.command("").env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("counterpoise demo") && !said.contains("panicked"), "{said}");
}
