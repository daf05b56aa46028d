//! Plain types and rules: classes, samples, splits, imbalance, plan, acceptance, decisions, provenance, and how
//! a figure of any size is written.
//!
//! Knows nobody: no files, no tensors, no window, no database. Everything here is a pure function of its
//! arguments, so every rule can be tested by hand. [`task`] and [`random`] are what all long work takes along.

pub mod acceptance;
pub mod classes;
pub mod decisions;
pub mod imbalance;
pub mod numbers;
pub mod plan;
pub mod provenance;
pub mod random;
pub mod samples;
pub mod splits;
pub mod task;
