//! A comparison that is killed at any moment goes on to the very figures it would have given.
//!
//! Kills the built program with SIGKILL once so many trainings are measured; COUNTERPOISE_KILLS is the least number of
//! kills (3 here, 200 for the long check).
#![allow(clippy::unwrap_used)]

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use counterpoise::domain::random::{Stage, stream};
use place::Place;
use serde_json::Value;

#[path = "common/place.rs"]
mod place;
#[path = "common/shapes.rs"]
mod shapes;

/// Nine trainings of 20 steps, those of one treatment on images that a generator makes first.
fn compare(place: &Place, out: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_counterpoise"));
    command
        .args([
            "evaluate",
            "source",
            "--treatments",
            "class-aware,smote:space=pixels:epochs=2",
            "--steps",
            "20",
        ])
        .args(["--seeds", "3", "--device", "cpu", "--network", "small", "--threads", "1", "--json"])
        .args(["--out", out])
        .current_dir(place.path("."))
        .env("COUNTERPOISE_DATA_DIR", place.path("data"))
        .env("XDG_CACHE_HOME", place.path("cache"))
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// What it prints, once it has ended by itself.
fn whole(place: &Place, out: &str) -> Value {
    let output = compare(place, out).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// All of results.json but the time that a generator took.
fn results(place: &Place, out: &str) -> Value {
    let bytes = fs::read(place.path(out).join("results.json")).unwrap();
    let mut results: Value = serde_json::from_slice(&bytes).unwrap();
    let made = results["made"].as_array_mut().unwrap();
    assert_eq!(made.len(), 3, "under each seed");
    made.iter_mut().for_each(|of| of["seconds"] = Value::Null);
    results
}

#[test]
fn a_killed_comparison_ends_in_the_same_figures() {
    let kills: usize = std::env::var("COUNTERPOISE_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    let place = Place::empty();
    place.class("source/train/across", 0, 0..24);
    place.class("source/train/down", 1, 0..8);
    place.class("source/test/across", 0, 100..110);
    place.class("source/test/down", 1, 100..106);
    whole(&place, "undisturbed");
    let wanted = results(&place, "undisturbed");
    let mut draws = stream(12, Stage::Other, 0, 0);
    let mut killed = 0;
    while killed < kills {
        fs::remove_dir_all(place.path("killed")).ok();
        // Lines of the file of results: its head, then one for each training that was measured.
        for lines in [1, 3, 6] {
            let mut child = compare(&place, "killed").stdout(Stdio::null()).spawn().unwrap();
            let begun = Instant::now();
            let measured = || {
                let text = fs::read(place.path(".killed.evaluating/runs.jsonl")).unwrap_or_default();
                text.iter().filter(|byte| **byte == b'\n').count()
            };
            while measured() < lines {
                assert!(child.try_wait().unwrap().is_none(), "it ended before {lines} lines");
                assert!(begun.elapsed() < Duration::from_secs(60), "{lines} lines do not come");
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_millis(15).mul_f64(draws.uniform()));
            child.kill().unwrap();
            child.wait().unwrap();
            killed += 1;
            assert!(!place.path("killed").exists(), "nothing half done has its name");
        }
        let told = whole(&place, "killed");
        assert!(told["resumed"].as_u64().unwrap() >= 5, "what was measured is not measured again: {told}");
        assert_eq!(results(&place, "killed"), wanted, "after {killed} kills");
        assert!(!place.path(".killed.evaluating").exists());
    }
}
