//! A working place for tests of the command line: a folder of its own, the program's data kept inside, pictures of bars.
#![allow(dead_code)]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use counterpoise::imaging::encode::png;
use serde_json::Value;
use tempfile::TempDir;

/// Side of the pictures.
pub const SIDE: u32 = 12;

pub struct Place(pub TempDir);

impl Place {
    pub fn empty() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    /// Pictures of a class below the place, by their numbers.
    pub fn class(&self, below: &str, class: usize, numbers: std::ops::Range<usize>) {
        let folder = self.path(below);
        fs::create_dir_all(&folder).unwrap();
        for number in numbers {
            let bytes = png(&crate::shapes::picture(class, number, SIDE, 1, false), &[]).unwrap();
            fs::write(folder.join(format!("{number:03}.png")), bytes).unwrap();
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn run(&self, line: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_counterpoise"))
            .args(line.split_whitespace())
            .current_dir(self.0.path())
            .env("COUNTERPOISE_DATA_DIR", self.path("data"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    pub fn done(&self, line: &str) -> Value {
        let output = self.run(&format!("{line} --json"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{line}: {said}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{line}: {e}: {said}"))
    }

    pub fn fails(&self, line: &str) -> (i32, String) {
        let output = self.run(line);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.stdout.is_empty() && !said.contains("panicked"), "{line}: {said}");
        (output.status.code().unwrap(), said)
    }
}
