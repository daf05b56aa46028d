//! The repository keeps its own promises: one wgpu, documented modules, the pages that others rely on.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(place: &str) -> String {
    std::fs::read_to_string(root().join(place)).unwrap_or_else(|e| panic!("{place}: {e}"))
}

/// Files below some folders whose name has one of the extensions.
fn files(folders: &[&str], extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|f| root().join(f)).filter(|f| f.is_dir()).collect();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| extensions.iter().any(|x| e == *x)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn one_wgpu() {
    let count = read("Cargo.lock").lines().filter(|line| *line == "name = \"wgpu\"").count();
    assert_eq!(count, 1, "burn and the window must share one wgpu");
}

#[test]
fn reports_name_the_burn_that_is_locked() {
    let lock = read("Cargo.lock");
    let mut lines = lock.lines().skip_while(|line| *line != "name = \"burn\"");
    let version = format!("version = \"{}\"", counterpoise::nn::device::BURN);
    assert_eq!(lines.nth(1), Some(version.as_str()));
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let files = files(&["src", "tests", "benches"], &["rs"]);
    assert!(files.len() > 20);
    let silent: Vec<_> = files
        .iter()
        .filter(|path| !std::fs::read_to_string(path).unwrap().starts_with("//!"))
        .map(|path| path.display().to_string())
        .collect();
    assert!(silent.is_empty(), "no //! at the top of:\n{}", silent.join("\n"));
}

#[test]
fn no_test_is_inside_the_sources() {
    let files = files(&["src"], &["rs"]);
    assert!(files.len() > 20);
    let inside: Vec<_> = files
        .iter()
        .filter(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            ["#[test]", "cfg(test", "cfg_attr(test"].iter().any(|mark| text.contains(mark))
        })
        .map(|path| path.display().to_string())
        .collect();
    assert!(
        inside.is_empty(),
        "Cargo.toml builds no tests of the library, so these never run; move them to tests:\n{}",
        inside.join("\n")
    );
}

#[test]
fn the_pages_exist() {
    for place in [
        "README.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "docs/architecture.md",
        "docs/CHANGELOG.md",
        "assets/README.md",
        "assets/LICENSE.fashion-mnist",
        ".ci/run",
    ] {
        assert!(!read(place).trim().is_empty(), "{place} is empty");
    }
    assert!(!files(&["docs/decisions"], &["md"]).is_empty());
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut pages = files(&["docs", "assets"], &["md"]);
    pages.push(root().join("README.md"));
    let mut broken = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = target.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            if !page.parent().unwrap().join(target).exists() {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn the_architecture_names_every_folder_and_only_tests_that_exist() {
    let page = read("docs/architecture.md");
    for entry in std::fs::read_dir(root().join("src")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert!(page.contains(&format!("`{name}`")), "docs/architecture.md does not name {name}");
        }
    }
    for word in page.split('`').filter(|w| w.starts_with("tests/") && w.ends_with(".rs")) {
        assert!(root().join(word).is_file(), "docs/architecture.md names {word}, which does not exist");
    }
}

#[test]
fn no_machine_paths() {
    // Written in halves, so that this file does not find itself.
    let places = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
        concat!("C:\\", "Users"),
    ];
    let mut all =
        files(&["src", "tests", "benches", "docs", "assets"], &["rs", "md", "py", "toml", "csv", "json"]);
    for place in ["README.md", "Cargo.toml", ".ci/run", ".gitignore"] {
        all.push(root().join(place));
    }
    let mut found = Vec::new();
    for path in all {
        let text = std::fs::read_to_string(&path).unwrap();
        for place in places {
            if text.contains(place) {
                found.push(format!("{}: {place}", path.display()));
            }
        }
    }
    assert!(found.is_empty(), "paths of one machine:\n{}", found.join("\n"));
}

#[test]
fn the_example_is_whole_and_small() {
    let index = read("assets/fashion-example/index.csv");
    let mut lines = index.lines();
    assert_eq!(lines.next(), Some("split,class,count,sheet"));
    let mut training = Vec::new();
    let mut test = Vec::new();
    let mut bytes = 0;
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        let [split, class, count, sheet] = fields[..] else { panic!("{line}") };
        let count: u64 = count.parse().unwrap();
        assert!(sheet.contains(split) && sheet.contains(class));
        let sheet = root().join("assets/fashion-example").join(sheet);
        bytes += std::fs::metadata(&sheet).unwrap().len();
        match split {
            "train" => training.push(count),
            "test" => test.push(count),
            _ => {}
        }
    }
    assert!(training.len() >= 4);
    assert!(training.iter().max().unwrap() / training.iter().min().unwrap() >= 20);
    assert!(test.iter().all(|&n| n == test[0]), "the test part is balanced");
    assert!(bytes < 3_000_000);
}
