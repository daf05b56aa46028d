//! A training that is killed at any moment goes on to the very model it would have made.
//!
//! Kills the built program with SIGKILL at random moments; COUNTERPOISE_KILLS is the number of kills (5 here, 200
//! for the long check).
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use counterpoise::domain::random::{Stage, stream};
use counterpoise::imaging::encode::png;

#[path = "common/shapes.rs"]
mod shapes;

fn train(place: &Path, model: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_counterpoise"));
    command
        .args(["train", "source", "--method", "m2m", "--device", "cpu", "--size", "28", "--seed", "4"])
        .args(["--epochs", "40", "--batch", "16", "--beta", "0.9", "--warm", "20", "--model", model, "-q"])
        .current_dir(place)
        .env("COUNTERPOISE_DATA_DIR", place.join("data"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

#[test]
fn killed_training_ends_in_the_same_model() {
    let kills: usize = std::env::var("COUNTERPOISE_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    let place = tempfile::tempdir().unwrap();
    for (class, count) in [(0, 60), (1, 15)] {
        let folder = place.path().join(format!("source/class{class}"));
        std::fs::create_dir_all(&folder).unwrap();
        for index in 0..count {
            let bytes = png(&shapes::picture(class, index, 28, 1, false), &[]).unwrap();
            std::fs::write(folder.join(format!("{index:03}.png")), bytes).unwrap();
        }
    }
    let begun = std::time::Instant::now();
    assert!(train(place.path(), "whole.safetensors").status().unwrap().success());
    let whole_time = begun.elapsed();
    let whole = std::fs::read(place.path().join("whole.safetensors")).unwrap();
    let model = place.path().join("killed.safetensors");
    let mut draws = stream(11, Stage::Other, 0, 0);
    let mut killed = 0;
    let mut resumed = 0;
    while killed < kills {
        std::fs::remove_file(&model).ok();
        loop {
            let mut child = train(place.path(), "killed.safetensors").spawn().unwrap();
            let wait = whole_time.mul_f64(draws.uniform() * 1.1) + Duration::from_millis(5);
            std::thread::sleep(wait);
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success());
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            killed += 1;
            resumed += usize::from(place.path().join("killed.safetensors.checkpoint").exists());
            if killed >= kills {
                assert!(train(place.path(), "killed.safetensors").status().unwrap().success());
                break;
            }
        }
        assert!(std::fs::read(&model).unwrap() == whole, "another model after {killed} kills");
        let left: Vec<_> = std::fs::read_dir(place.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name.contains("checkpoint") && !name.starts_with('.'))
            .collect();
        assert!(left.is_empty(), "checkpoints of a finished training are left: {left:?}");
    }
    println!("{killed} kills, {resumed} left a checkpoint to go on from");
}
