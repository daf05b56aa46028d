//! Buffers that go round: what a dropped tensor held is handed to the next one of the same size.
//!
//! A training step makes the same tensors again and again. Fresh memory of that size costs a page fault every 4 KiB
//! and a fill with zeros; a used buffer costs neither. The pool keeps a bounded number of bytes and is emptied by
//! [`release`] when a job ends.

use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use burn_std::{AccessError, AccessPolicy, AllocationController, AllocationProperty, Bytes};

/// Most bytes that wait in the pool.
const MAX_BYTES: usize = 1 << 30;
/// Smaller buffers are cheap to allocate.
const MIN_VALUES: usize = 4 * 1024;

#[derive(Default)]
struct Pool {
    free: Option<HashMap<usize, Vec<Vec<f32>>>>,
    bytes: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { free: None, bytes: 0 });

/// Values with undefined content on creation, given back when dropped.
#[derive(Debug)]
pub struct Buffer(Vec<f32>);

impl Buffer {
    /// A buffer whose values are whatever was there before; for results that are written whole.
    pub fn dirty(len: usize) -> Self {
        if len >= MIN_VALUES {
            let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
            let found = pool.free.as_mut().and_then(|free| free.get_mut(&len)).and_then(Vec::pop);
            if let Some(values) = found {
                pool.bytes -= len * size_of::<f32>();
                return Buffer(values);
            }
        }
        Buffer(vec![0.0; len])
    }

    /// A buffer of zeros.
    pub fn zeros(len: usize) -> Self {
        let mut buffer = Buffer::dirty(len);
        buffer.fill(0.0);
        buffer
    }

    /// The memory of a tensor.
    pub fn into_bytes(self) -> Bytes {
        let len = self.0.len() * size_of::<f32>();
        // SAFETY: the controller's memory is exactly `len` bytes, all of them initialised floats.
        #[allow(unsafe_code)]
        unsafe {
            Bytes::from_controller(Box::new(self), len)
        }
    }
}

impl Deref for Buffer {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let values = std::mem::take(&mut self.0);
        let bytes = values.len() * size_of::<f32>();
        if values.len() < MIN_VALUES {
            return;
        }
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.bytes + bytes <= MAX_BYTES {
            pool.bytes += bytes;
            pool.free.get_or_insert_default().entry(values.len()).or_default().push(values);
        }
    }
}

/// burn sees a buffer as the allocation behind a tensor's bytes.
impl AllocationController for Buffer {
    fn alloc_align(&self) -> usize {
        align_of::<f32>()
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Native
    }

    // SAFETY: the caller writes initialised bytes only, as the trait asks; any bytes are a valid float.
    #[allow(unsafe_code)]
    unsafe fn memory_mut(&mut self, _policy: AccessPolicy) -> Result<&mut [MaybeUninit<u8>], AccessError> {
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut self.0);
        let (pointer, len) = (bytes.as_mut_ptr().cast::<MaybeUninit<u8>>(), bytes.len());
        // SAFETY: the same memory with the same length and lifetime; MaybeUninit<u8> has the layout of u8.
        Ok(unsafe { std::slice::from_raw_parts_mut(pointer, len) })
    }

    fn memory(&self, _policy: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        let bytes: &[u8] = bytemuck::cast_slice(&self.0);
        // SAFETY: as above, for reading: initialised memory is always valid as MaybeUninit.
        #[allow(unsafe_code)]
        Ok(unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast::<MaybeUninit<u8>>(), bytes.len()) })
    }
}

/// Gives the pooled memory back to the system.
pub fn release() {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    *pool = Pool::default();
}
