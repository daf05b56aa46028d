//! An exported folder loads in torchvision's ImageFolder and in Hugging Face's imagefolder with the right
//! counts.
//!
//! The loaders are Python's: `tests/loaders.py` runs them. Without `python3` (or `COUNTERPOISE_PYTHON`) that
//! has torchvision and datasets, the test says that it is skipped.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use counterpoise::imaging::encode::png;
use counterpoise::imaging::picture::{Picture, Pixels};
use serde_json::{Value, json};

/// Exit code of the script where a loader is not installed.
const MISSING: i32 = 77;

fn write_images(folder: &Path, prefix: &str, count: usize) {
    fs::create_dir_all(folder).unwrap();
    for number in 0..count {
        let pixels = (0..256).map(|i| ((i * 3 + number * 37 + i / 16 * 5) % 256) as u8).collect();
        let picture = Picture::new(16, 16, 1, Pixels::U8(pixels)).unwrap();
        fs::write(folder.join(format!("{prefix}{number}.png")), png(&picture, &[]).unwrap()).unwrap();
    }
}

fn balance(place: &Path, source: &str, out: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_counterpoise"))
        .args(["balance", source, "--method", "random", "--out", out, "-q"])
        .current_dir(place)
        .env("COUNTERPOISE_DATA_DIR", place.join("data"))
        .env("XDG_CACHE_HOME", place.join("cache"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The script's report; `None`, said loudly, where Python or a loader is missing.
fn load(folder: &Path) -> Option<Value> {
    let python = std::env::var_os("COUNTERPOISE_PYTHON").unwrap_or_else(|| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/loaders.py");
    let Output { status, stdout, stderr } = match Command::new(&python).arg(script).arg(folder).output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("SKIPPED: {} does not start ({error})", python.display());
            return None;
        }
    };
    let said = String::from_utf8_lossy(&stderr);
    if status.code() == Some(MISSING) {
        eprintln!("{}", said.trim_end());
        return None;
    }
    assert!(status.success(), "{said}");
    let stdout = String::from_utf8(stdout).unwrap();
    Some(serde_json::from_str(stdout.lines().last().unwrap()).unwrap())
}

#[test]
fn a_folder_with_splits_loads_split_by_split() {
    let place = tempfile::tempdir().unwrap();
    for (folder, count) in [
        ("train/cat", 12),
        ("train/dog", 5),
        ("val/cat", 2),
        ("val/dog", 2),
        ("test/cat", 3),
        ("test/dog", 4),
    ] {
        write_images(&place.path().join("source").join(folder), "", count);
    }
    balance(place.path(), "source", "out");
    let Some(report) = load(&place.path().join("out")) else { return };
    let counts = json!({
        "test": { "cat": 3, "dog": 4 },
        "train": { "cat": 12, "dog": 12 },
        "validation": { "cat": 2, "dog": 2 },
    });
    assert_eq!(report["manifest"], counts);
    for loader in ["ImageFolder", "imagefolder by README.md", "imagefolder by names"] {
        assert_eq!(report[loader], "as the manifest", "{loader}");
    }
}

#[test]
fn hard_names_load_too() {
    let place = tempfile::tempdir().unwrap();
    // Names that Hugging Face takes for splits or for folders to pass over, and a single class.
    for (folder, prefix, count) in [
        ("hard/__cat", "test_", 9),
        ("hard/train set", "val-", 3),
        ("hard/[x] 肺", "", 2),
        ("one/only", "", 4),
    ] {
        write_images(&place.path().join(folder), prefix, count);
    }
    for (source, counts) in [
        ("hard", json!({ "train": { "[x] 肺": 9, "__cat": 9, "train set": 9 } })),
        ("one", json!({ "train": { "only": 4 } })),
    ] {
        let out = format!("{source}-out");
        balance(place.path(), source, &out);
        let Some(report) = load(&place.path().join(out)) else { return };
        assert_eq!(report["manifest"], counts);
        for loader in ["ImageFolder", "imagefolder by README.md"] {
            assert_eq!(report[loader], "as the manifest", "{loader}");
        }
    }
}
