//! Training classifiers: batch sources, objectives, schedules, the training loop, recalls, and the treatments of
//! imbalance that need no generator.
//!
//! Trains a network from batches on the host; knows no generator. M2m hands it batches with translated images in
//! them and it cannot tell.

pub mod batches;
pub mod objective;
pub mod recalls;
pub mod schedule;
pub mod trainer;
pub mod treatments;
