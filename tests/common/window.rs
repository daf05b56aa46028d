//! The whole app without a screen, on a folder of its own.
#![allow(dead_code)]

use std::path::Path;
use std::time::{Duration, Instant};

use counterpoise::gui::app::{App, AppOptions};
use counterpoise::gui::command::{Action, Command};
use counterpoise::gui::state::ThemeChoice;
use egui::vec2;
use egui_kittest::Harness;

/// A window on the folder `set` below this one, in the Evaluate workspace.
pub fn window(folder: &Path) -> Harness<'static, App> {
    let options = AppOptions {
        data_dir: Some(folder.join("data")),
        start: Some(folder.join("set")),
        theme: Some(ThemeChoice::Dark),
    };
    let builder = Harness::builder().with_size(vec2(1440.0, 900.0));
    let mut harness = builder.build_eframe(move |cc| App::new(&cc.egui_ctx, options));
    settle(&mut harness, "open", |app| app.state.project.is_some());
    harness.state_mut().act(Action::Do(Command::GoEvaluate));
    harness.run_steps(2);
    harness
}

/// Frames until this is done; fails after 90 seconds with how the jobs stand.
#[track_caller]
pub fn settle(harness: &mut Harness<'_, App>, what: &str, done: impl Fn(&App) -> bool) {
    let begun = Instant::now();
    loop {
        harness.step();
        if done(harness.state()) {
            return;
        }
        let jobs: Vec<String> =
            harness.state().state.jobs.iter().map(|slot| format!("{:?}", slot.view.state)).collect();
        assert!(begun.elapsed() < Duration::from_secs(90), "{what}: {jobs:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
