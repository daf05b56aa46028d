//! counterpoise: balance an imbalanced image folder, and never hide what was made.
//!
//! The map, from the ground up (docs/architecture.md has the arrows and invariants; tests/layers.rs checks them):
//! [`domain`] plain rules; [`imaging`] files to pixels; [`nn`] networks on a device; [`classify`] training
//! classifiers; [`oversampling`] the methods that make images; [`evaluation`] neighbours and metrics;
//! [`project`] the store; [`export`] writing and proving a balanced folder; [`jobs`] work off the main thread;
//! [`cli`] and [`gui`], which never know each other.

pub mod domain;
