//! Mixup: images of a batch blended in pairs (Zhang et al., ICLR 2018).

use crate::classify::batches::Batch;
use crate::domain::random::Stream;

/// A number of the symmetric beta law with this alpha, in \[0, 1\] (Jöhnk 1964). `alpha` is above 0 and not
/// far above 1, where few draws are kept.
pub fn share(alpha: f64, draws: &mut Stream) -> f64 {
    loop {
        let (a, b) = (draws.uniform().powf(1.0 / alpha), draws.uniform().powf(1.0 / alpha));
        if a + b > 0.0 && a + b <= 1.0 {
            return a / (a + b);
        }
    }
}

/// Blends each image of a batch with one of the same batch, all with one share, as the release does. Gives
/// the labels of the partners and the share of the first image.
pub fn blend(batch: &mut Batch, alpha: f64, draws: &mut Stream) -> (Vec<usize>, f64) {
    let share = share(alpha, draws);
    let mut partners: Vec<usize> = (0..batch.labels.len()).collect();
    draws.shuffle(&mut partners);
    let row = batch.images.shape[1..].iter().product::<usize>().max(1);
    let own = &batch.images.values;
    let (of_own, of_partner) = (share as f32, (1.0 - share) as f32);
    let mut blended = Vec::with_capacity(own.len());
    for (image, &partner) in own.chunks(row).zip(&partners) {
        let other = &own[partner * row..(partner + 1) * row];
        blended.extend(image.iter().zip(other).map(|(a, b)| a * of_own + b * of_partner));
    }
    batch.images.values = blended;
    (partners.iter().map(|&partner| batch.labels[partner]).collect(), share)
}
