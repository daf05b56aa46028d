//! Opening the window, and saying plainly why it cannot be opened and what to run instead.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use eframe::NativeOptions;
use egui::{IconData, ViewportBuilder};

use super::app::{App, AppOptions};
use crate::jobs::workers;

/// Why there is no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    #[error(
        "no window can be opened, because there is no display (neither WAYLAND_DISPLAY nor DISPLAY is set); \
         without one, run `counterpoise demo` for the bundled images, or \
         `counterpoise balance FOLDER --method m2m --out DIR` for your own"
    )]
    NoDisplay,
    #[error(
        "the window could not be opened: {0}; on Debian or Ubuntu the packages libxkbcommon-x11-0, \
         libwayland-client0 and mesa-vulkan-drivers may be missing; without a window, run `counterpoise demo` \
         for the bundled images, or `counterpoise balance FOLDER --method m2m --out DIR` for your own"
    )]
    Window(String),
}

/// True where a window system can be reached, as far as the environment says.
fn has_display() -> bool {
    if cfg!(any(target_os = "windows", target_os = "macos")) {
        return true;
    }
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    set("WAYLAND_DISPLAY") || set("WAYLAND_SOCKET") || set("DISPLAY")
}

/// Opens the window and returns when it is closed. `start` is a folder, CSV or project to open first.
///
/// # Errors
/// No display, or a window system or graphics adapter that refuses.
pub fn run(start: Option<PathBuf>) -> Result<(), RunError> {
    if !has_display() {
        return Err(RunError::NoDisplay);
    }
    let viewport = ViewportBuilder::default()
        .with_app_id("counterpoise")
        .with_title("counterpoise")
        .with_icon(icon())
        .with_inner_size([1440.0, 900.0])
        .with_min_inner_size([960.0, 600.0])
        .with_drag_and_drop(true);
    let options = NativeOptions { viewport, ..NativeOptions::default() };
    workers::give_way_to_a_window();
    let start = AppOptions { start, ..AppOptions::default() };
    // A missing library of the window system is a panic in the crates below, not an error.
    let opened = catch_unwind(AssertUnwindSafe(|| {
        let create: eframe::AppCreator<'_> = Box::new(|cc| Ok(Box::new(App::new(&cc.egui_ctx, start))));
        eframe::run_native("counterpoise", options, create)
    }));
    match opened {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(RunError::Window(error.to_string())),
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("an internal error");
            Err(RunError::Window(text.lines().next().unwrap_or_default().to_owned()))
        }
    }
}

/// Two bars, the smaller one raised to the larger one's height by hatching.
fn icon() -> IconData {
    const SIDE: usize = 64;
    let (dark, large, small) = ([0x15, 0x17, 0x1a, 0xff], [0x5a, 0xa9, 0xe6, 0xff], [0xcc, 0x79, 0xa7, 0xff]);
    let mut rgba = Vec::with_capacity(SIDE * SIDE * 4);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let in_rows = (10..54).contains(&y);
            let colour = match x {
                12..28 if in_rows => large,
                36..52 if in_rows && (y >= 40 || (x + y) % 8 < 4) => small,
                _ => dark,
            };
            rgba.extend_from_slice(&colour);
        }
    }
    IconData { rgba, width: SIDE as u32, height: SIDE as u32 }
}
