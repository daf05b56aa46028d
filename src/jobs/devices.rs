//! What tensors can run on, for lists and the form.

pub use crate::nn::device::{DeviceInfo, DeviceKind};

/// Every device of this machine, best first; asks the graphics drivers, so it belongs on a thread.
pub fn devices() -> Vec<DeviceInfo> {
    crate::nn::device::enumerate()
}
