//! Training classifiers: batch sources, schedules, the training loop, recalls.
//!
//! Trains a network from batches on the host; knows no generator. M2m hands it batches with translated images in
//! them and it cannot tell.

pub mod batches;
pub mod recalls;
pub mod schedule;
pub mod trainer;
