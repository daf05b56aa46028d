//! Networks on a device: device choice, layers, networks, losses, optimiser, input gradients, weights files.
//!
//! Knows burn and domain's `task` and `random`; knows no file of images, no class name and no method. Layers are
//! burn operations behind our own types ([`layers`]), so that a faster kernel reaches every network at once.

pub mod acgan;
pub mod autoencoder;
pub mod bagan;
pub mod cgan;
pub mod cpu;
pub mod critic;
pub mod cyclegan;
pub mod device;
pub mod embedding;
pub mod init;
pub mod input_gradient;
pub mod layers;
pub mod loss;
pub mod mobilenet;
pub mod optim;
pub mod parameters;
pub mod resnet;
pub mod weights;

pub use device::{ComputeDevice, DeviceError, DeviceKind};
