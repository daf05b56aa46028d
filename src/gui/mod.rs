//! The window: a rail of workspaces over one project.
//!
//! Knows jobs, project, domain, imaging, the registry of methods and the result types of the rest; never the
//! command line. [`state`] is what views read, [`command`] what they may ask for, [`app`] the one place where
//! it is done. Nothing here blocks a frame: files, the store and tensors live on other threads, and lists too
//! long for a frame are put in order there ([`order`]).

pub mod app;
pub mod command;
pub mod dialogs;
pub mod filter;
pub mod fonts;
pub mod icons;
pub mod notify;
pub mod order;
pub mod pace;
pub mod regions;
pub mod run;
pub mod shell;
pub mod state;
pub mod textures;
pub mod theme;
pub mod tiles;
pub mod views;
pub mod widgets;

pub use run::{RunError, run};
