//! Small picture sets that a network can learn, made from arithmetic: bars and dots on a noisy ground.
#![allow(dead_code, clippy::unwrap_used)]

use counterpoise::domain::random::{Stage, stream};
use counterpoise::imaging::picture::{Picture, Pixels};
use counterpoise::imaging::resize::Fit;
use counterpoise::imaging::training_set::{Spec, TrainingSet};

/// Class 0 has a horizontal bar, class 1 a vertical one, class 2 both; place and noise differ by image.
pub fn picture(class: usize, index: usize, size: u32, channels: u8, sixteen: bool) -> Picture {
    let mut draws = stream(7, Stage::Other, class as u64, index as u64);
    let side = size as usize;
    let (row, column) = (2 + draws.below(side - 4), 2 + draws.below(side - 4));
    let mut values = Vec::with_capacity(side * side * usize::from(channels));
    for y in 0..side {
        for x in 0..side {
            let on = (class != 1 && y.abs_diff(row) < 2) || (class != 0 && x.abs_diff(column) < 2);
            for channel in 0..channels {
                let ground = if on { 0.75 } else { 0.25 } + 0.05 * f64::from(channel);
                values.push((ground + 0.1 * (draws.uniform() - 0.5)).clamp(0.0, 1.0));
            }
        }
    }
    let pixels = if sixteen {
        Pixels::U16(values.iter().map(|v| (v * 65535.0) as u16).collect())
    } else {
        Pixels::U8(values.iter().map(|v| (v * 255.0) as u8).collect())
    };
    Picture::new(size, size, channels, pixels).unwrap()
}

/// A training set with these counts.
pub fn set(counts: &[usize], size: u32, channels: u8, sixteen: bool) -> TrainingSet {
    let spec = Spec { size, channels, bits: if sixteen { 16 } else { 8 }, fit: Fit::Pad };
    let classes = (0..counts.len()).map(|class| format!("class{class}")).collect();
    let pictures = counts
        .iter()
        .enumerate()
        .flat_map(|(class, &count)| {
            (0..count).map(move |index| (class, picture(class, index, size, channels, sixteen)))
        })
        .collect();
    TrainingSet::from_pictures(spec, classes, pictures).unwrap()
}
