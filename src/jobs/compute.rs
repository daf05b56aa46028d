//! The device of one job, and the end of what the job left in memory.

use std::ops::Deref;

use super::JobError;
use crate::nn::{ComputeDevice, DeviceError, cpu};

/// A device for as long as a job computes. However the job ends, the memory that its tensors left for others
/// then goes back to the system.
///
/// It is made before the job's first tensor, so that it is dropped after the last one. Another job that
/// computes at that moment keeps its tensors and only has to allocate anew.
pub(super) struct Compute(ComputeDevice);

impl Compute {
    /// The device for `auto`, `gpu`, `cpu` or `software`.
    ///
    /// # Errors
    /// An unknown word, or a kind that this machine lacks.
    pub(super) fn start(device: &str) -> Result<Self, JobError> {
        ComputeDevice::select(device).map(Compute).map_err(|error| match error {
            DeviceError::Unknown(_) => JobError::Input(error.to_string()),
            _ => JobError::Resource(error.to_string()),
        })
    }
}

impl Deref for Compute {
    type Target = ComputeDevice;

    fn deref(&self) -> &ComputeDevice {
        &self.0
    }
}

impl Drop for Compute {
    fn drop(&mut self) {
        cpu::release();
    }
}
