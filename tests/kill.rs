//! Kills the program at random moments of review and export. No decision that was confirmed is ever lost, the
//! project always opens, and an export is absent or whole.
//!
//! `COUNTERPOISE_KILLS=200 cargo test --release --test kill` is the long run; the default is short.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use counterpoise::domain::decisions::{DecidedBy, Decision};
use counterpoise::domain::task::Ctx;
use counterpoise::export::{Originals, verify};
use counterpoise::jobs::export::{ExportJob, Undecided, export};
use counterpoise::project::Project;

#[path = "common/store.rs"]
mod support;

use support::Bench;

/// What the child does: `review` or `export`.
const ROLE: &str = "COUNTERPOISE_KILL_ROLE";
const PROJECT: &str = "COUNTERPOISE_KILL_PROJECT";
const OUT: &str = "COUNTERPOISE_KILL_OUT";
/// The number of the first thing the child does.
const FROM: &str = "COUNTERPOISE_KILL_FROM";
const CANDIDATES: usize = 7;

fn kills() -> usize {
    std::env::var("COUNTERPOISE_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(15)
}

/// Decision number n is about candidate n modulo 7; every round over all turns the answer.
fn answer(number: usize) -> Decision {
    if (number / CANDIDATES).is_multiple_of(2) { Decision::Accepted } else { Decision::Rejected }
}

/// The decisions that stand after `count` of them.
fn standing(count: usize) -> Vec<Decision> {
    let last = |candidate: usize| (0..count).rev().find(|n| n % CANDIDATES == candidate);
    (0..CANDIDATES).map(|c| last(c).map_or(Decision::Undecided, answer)).collect()
}

/// The project as its owner; the lock of a killed process may take a moment to go.
fn own(dir: &Path) -> Project {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let project = Project::open(dir).unwrap();
        if !project.is_read_only() {
            return project;
        }
        assert!(Instant::now() < until, "the project stays locked");
        drop(project);
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Does nothing unless this process was started by [`spawn`]: then it works until it is killed.
#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let dir = std::env::var_os(PROJECT).unwrap();
    let from: usize = std::env::var(FROM).unwrap().parse().unwrap();
    let mut project = own(Path::new(&dir));
    if role == "review" {
        let ids: Vec<i64> = project.candidates().unwrap().iter().map(|c| c.id).collect();
        for number in from.. {
            project.decide(&[ids[number % CANDIDATES]], answer(number), DecidedBy::Person).unwrap();
            println!("confirmed {number}");
        }
    } else {
        let out = std::env::var_os(OUT).unwrap();
        for number in from.. {
            let job = ExportJob {
                project: dir.clone().into(),
                out: Path::new(&out).join(format!("export-{number}")),
                originals: Originals::Keep,
                undecided: Undecided::Verdict,
                rejected: Default::default(),
            };
            export(&Ctx::default(), &job, &project).unwrap();
            println!("confirmed {number}");
        }
    }
}

fn spawn(role: &str, bench: &Bench, from: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .env(PROJECT, &bench.dir)
        .env(OUT, bench.temp.path())
        .env(FROM, from.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Lets the child confirm something, kills it at a random moment after that and returns the last number it
/// confirmed.
fn kill_at_random(mut child: Child) -> usize {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (tell, told) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut last = None;
        for line in lines.map_while(Result::ok) {
            // The test harness writes its own words on the same line; a line this short is written whole.
            if let Some((_, number)) = line.split_once("confirmed ") {
                last = number.parse::<usize>().ok().or(last);
                let _ = tell.send(());
            }
        }
        last
    });
    told.recv_timeout(Duration::from_secs(60)).expect("the child confirms nothing");
    let random = RandomState::new().build_hasher().finish();
    std::thread::sleep(Duration::from_micros(random % 40_000));
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap().unwrap()
}

#[test]
fn nothing_confirmed_is_lost_and_nothing_is_half_written() {
    let bench = Bench::new(CANDIDATES);
    let mut done = 0;
    for round in 0..kills() {
        let confirmed = kill_at_random(spawn("review", &bench, done)) + 1;
        let project = own(&bench.dir);
        let found: Vec<Decision> = project.candidates().unwrap().iter().map(|c| c.decision).collect();
        // The kill may fall between the commit and the word about it.
        done = [confirmed, confirmed + 1]
            .into_iter()
            .find(|&count| standing(count) == found)
            .unwrap_or_else(|| panic!("round {round}: {confirmed} confirmed, but the project has {found:?}"));
    }
    // Every one of them can be undone, which reads every step back.
    let mut project = own(&bench.dir);
    for _ in 0..done.min(100) {
        assert!(project.undo().unwrap().is_some());
    }
    assert_eq!(
        project.candidates().unwrap().iter().map(|c| c.decision).collect::<Vec<_>>(),
        standing(done - done.min(100))
    );
    drop(project);

    let mut next = 0;
    for round in 0..kills() {
        let confirmed = kill_at_random(spawn("export", &bench, next));
        let mut whole = 0;
        for entry in fs::read_dir(bench.temp.path()).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if name.starts_with("export-") {
                let proof = verify(&Ctx::default(), &entry.path()).unwrap();
                assert!(proof.ok, "round {round}, {name}: {proof:?}");
                whole += 1;
                fs::remove_dir_all(entry.path()).unwrap();
            } else if name.starts_with('.') {
                fs::remove_dir_all(entry.path()).unwrap();
            }
        }
        let made = confirmed + 1 - next;
        assert!((made..=made + 1).contains(&whole), "round {round}: {made} confirmed, {whole} found");
        next = confirmed + 2;
    }
}
