//! counterpoise: balance an imbalanced image folder, and never hide what was made.
//!
//! The map, from the ground up (docs/architecture.md has the arrows and invariants; tests/layers.rs checks them):
//! [`domain`] plain rules; [`imaging`] files to pixels; [`nn`] networks on a device; [`classify`] training
//! classifiers; [`oversampling`] the methods that make images; [`evaluation`] neighbours and metrics;
//! [`project`] the store; [`export`] writing and proving a balanced folder; [`jobs`] work off the main thread;
//! [`cli`] and [`gui`], which never know each other.

pub mod classify;
pub mod cli;
pub mod domain;
pub mod evaluation;
pub mod export;
pub mod gui;
pub mod imaging;
pub mod jobs;
pub mod nn;
pub mod oversampling;
pub mod project;

/// Training allocates and frees large buffers at every step; this allocator keeps them instead of handing them
/// back to the system each time (docs/decisions/0010-mimalloc.md has the figures).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
