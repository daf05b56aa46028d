//! Work off the main thread: one engine, one file per job kind.
//!
//! The window and the command line start the same jobs; neither knows a thread, a tensor or a transaction.

pub mod bench;
pub mod comparisons;
mod compute;
pub mod devices;
pub mod distances;
pub mod engine;
pub mod evaluate;
pub mod example;
pub mod export;
pub mod generate;
pub mod model;
mod new_folder;
pub mod projection;
mod quality;
pub mod reproduce;
pub mod saliency;
pub mod scan;
pub mod store;
pub mod train;
pub mod training_data;
pub mod verify;
pub mod weights;
pub mod workers;

pub use engine::{Job, JobError, JobState, JobView, Series, spawn};
