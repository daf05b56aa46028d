//! The kernels' buffers under an address sanitizer: every way in and out of the unsafe blocks.
#![cfg(test)]

#[path = "../../../src/nn/cpu/buffers.rs"]
mod buffers;

use std::thread;

use buffers::{Buffer, release};

/// Above and below the size from which buffers go round.
const SIZES: [usize; 6] = [0, 1, 17, 4095, 4096, 70_001];

fn filled(len: usize, from: f32) -> Buffer {
    let mut buffer = Buffer::dirty(len);
    buffer.iter_mut().enumerate().for_each(|(index, value)| *value = from + index as f32);
    buffer
}

fn floats(bytes: &burn_std::Bytes) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

#[test]
fn bytes_are_the_values_and_writing_them_stays_inside() {
    for len in SIZES {
        let mut bytes = filled(len, 0.5).into_bytes();
        assert_eq!(bytes.len(), len * 4);
        assert!(floats(&bytes).iter().enumerate().all(|(index, value)| *value == 0.5 + index as f32));
        bytes.iter_mut().for_each(|byte| *byte = 0);
        assert!(floats(&bytes).iter().all(|value| *value == 0.0));
        let copy = bytes.clone();
        drop(bytes);
        assert_eq!(copy.len(), len * 4, "a copy outlives what it was copied from");
    }
}

#[test]
fn a_buffer_that_goes_round_belongs_to_one_at_a_time() {
    for len in SIZES {
        let first = filled(len, 1.0);
        let second = filled(len, 2.0);
        drop(first);
        let third = filled(len, 3.0);
        assert!(second.iter().enumerate().all(|(index, value)| *value == 2.0 + index as f32));
        assert!(third.iter().enumerate().all(|(index, value)| *value == 3.0 + index as f32));
        assert!(Buffer::zeros(len).iter().all(|value| *value == 0.0));
    }
}

#[test]
fn many_threads_take_and_give_back() {
    thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || {
                for round in 0..200 {
                    let len = SIZES[(number + round) % SIZES.len()];
                    let bytes = filled(len, number as f32).into_bytes();
                    if round % 3 == 0 {
                        thread::spawn(move || assert_eq!(bytes.len(), len * 4));
                    } else {
                        assert_eq!(floats(&bytes).first().copied(), (len > 0).then_some(number as f32));
                    }
                    if round % 50 == 49 {
                        release();
                    }
                }
            });
        }
    });
    release();
}
