//! The views: one function each, `NAME_ui(ui, state, textures, out)`.
//!
//! A view paints the state, edits what belongs to the window alone and pushes everything else to `out`. It
//! touches no file, no store and no thread.

pub mod data;
pub mod evaluate;
pub mod export;
pub mod log;
pub mod plan;
pub mod quality;
pub mod review;
pub mod settings;
pub mod train;
pub mod welcome;
