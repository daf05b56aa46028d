//! The status bar: saved or not, the job that runs, how far it is, time left, pause and cancel; and the words
//! for counts and times that every view shares.

use std::time::Duration;

use egui::{Align, Button, Label, Layout, Ui, vec2};

use super::probability::progress_bar;
use crate::domain::task::Level;
use crate::export::Bytes;
use crate::gui::command::{Action, Command};
use crate::gui::icons::{Icon, icon};
use crate::gui::state::{JobKind, Saving, Sheet, State};
use crate::gui::theme::{SMALL, caption, space, tokens};
use crate::jobs::{JobState, JobView};

/// `2 min 5 s`, `1 h 20 min`.
pub fn time_words(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => "a moment".to_owned(),
        1..60 => format!("{seconds} s"),
        60..600 => format!("{} min {} s", seconds / 60, seconds % 60),
        600..3600 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// How long a job still takes by what was measured of it, and what was not; `None` where neither is known.
pub fn left_words(job: &JobView) -> Option<String> {
    let left = job.time_left.map(|left| format!("{} left", time_words(left)));
    if job.unmeasured.is_empty() {
        return left;
    }
    Some(match left {
        Some(left) => format!("{left}, plus {}", job.unmeasured),
        None => format!("time left not known: {}", job.unmeasured),
    })
}

/// `2026-07-18 14:32 UTC`, of seconds since 1970.
pub fn moment_words(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // In years that begin in March leap days come last, and 400 of them have 146 097 days.
    let shifted = days.saturating_add(719_468);
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Months from March on, 153 days in each five.
    let from_march = (5 * day + 2) / 153;
    let day = day - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", second / 3600, second / 60 % 60)
}

/// `339 of 1 900`; `339` while the total is unknown; empty before anything is done.
pub fn count_words(done: u64, total: u64) -> String {
    match (done, total) {
        (0, 0) => String::new(),
        (done, 0) => number(done as usize),
        (done, total) => format!("{} of {}", number(done as usize), number(total as usize)),
    }
}

/// Digits in groups of three with a thin gap: `12 345`.
pub fn number(value: usize) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text
}

/// `1 image`, `12 images`.
pub fn counted(value: usize, one: &str, many: &str) -> String {
    format!("{}\u{a0}{}", number(value), if value == 1 { one } else { many })
}

/// `4.2 MB`, in powers of ten.
pub fn bytes_words(bytes: u64) -> String {
    Bytes(bytes).to_string()
}

/// The line at the foot of the window.
pub fn status_bar_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    let t = tokens(ui);
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = space::S;
        match state.project.as_ref() {
            None => {
                ui.label(caption(ui, "No project open"));
            }
            Some(project) => {
                if let Some(why) = &project.read_only {
                    icon(ui, Icon::Warning, 14.0, t.warning);
                    ui.label(caption(ui, "Read only").color(t.warning)).on_hover_text(why);
                }
                match &project.saving {
                    Saving::Saved => {
                        icon(ui, Icon::Check, 14.0, t.muted);
                        ui.label(caption(ui, "Saved"));
                    }
                    Saving::Saving => {
                        ui.label(caption(ui, "Saving"));
                    }
                    Saving::Failed(why) => {
                        icon(ui, Icon::Warning, 14.0, t.failure);
                        ui.label(caption(ui, "Not saved").color(t.failure)).on_hover_text(why);
                    }
                }
                let images = project.figures.splits.iter().sum::<usize>();
                let mut words = counted(images, "image", "images");
                if project.figures.excluded > 0 {
                    words.push_str(&format!(" · {} excluded", number(project.figures.excluded)));
                }
                ui.label(caption(ui, words));
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let unread = state.notifications.unread();
            let words = if unread == 0 { "Messages".to_owned() } else { format!("Messages ({unread})") };
            let colour = if unread == 0 { t.muted } else { t.warning };
            let text = egui::RichText::new(words).size(SMALL).color(colour);
            let button = ui.add(Button::new(text).frame(false));
            if button.on_hover_text(Command::Log.tooltip()).clicked() {
                out.push(Action::OpenSheet(Sheet::Log));
            }
            job_ui(ui, state, out);
        });
    });
}

/// Right to left: cancel, pause, words, bar, name.
fn job_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    let Some((kind, job)) = state.current_job() else { return };
    ui.add_space(space::S);
    let small = |text: &str| Button::new(egui::RichText::new(text).size(SMALL)).min_size(vec2(0.0, 20.0));
    ui.scope(|ui| {
        ui.spacing_mut().button_padding = vec2(8.0, 1.0);
        ui.spacing_mut().interact_size.y = 20.0;
        let ending = matches!(job.state, JobState::Cancelling | JobState::Stopping);
        if ui.add_enabled(!ending, small("Cancel")).clicked() {
            out.push(Action::CancelJob(kind));
        }
        if JobKind::MAKING.contains(&kind) {
            let paused = job.state == JobState::Paused;
            let text = if paused { "Go on" } else { "Pause" };
            if ui.add_enabled(!ending, small(text)).clicked() {
                out.push(Action::PauseJob(kind, !paused));
            }
        }
    });
    let mut words = vec![count_words(job.done, job.total)];
    match job.state {
        JobState::Paused => words = vec!["paused".to_owned()],
        JobState::Cancelling => words = vec!["cancelling".to_owned()],
        JobState::Stopping => words = vec!["stopping at the next good point".to_owned()],
        _ => {
            // The names of what was not measured have no room here.
            let more = if job.unmeasured.is_empty() { "" } else { ", plus what was not measured" };
            words.extend(job.time_left.map(|left| format!("{} left{more}", time_words(left))));
        }
    }
    words.retain(|w| !w.is_empty());
    ui.label(caption(ui, words.join(" · ")));
    let part = if job.total == 0 { 0.0 } else { job.done as f32 / job.total as f32 };
    progress_bar(ui, part, vec2(180.0, 5.0), kind.text());
    let stage = if job.stage.is_empty() { kind.text() } else { job.stage.as_str() };
    ui.add(Label::new(caption(ui, capital(stage))).truncate());
}

/// The text with a capital first letter, as the beginning of a line.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// A word for a level, said beside its colour.
pub const fn level_word(level: Level) -> &'static str {
    match level {
        Level::Info => "Note",
        Level::Warning => "Warning",
        Level::Error => "Error",
    }
}
