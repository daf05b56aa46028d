//! How codes of real images lie against the standard normal law that an adversarial part pulls them to.
//!
//! A mean over the numbers of a code hides what the numbers do: half of them without any spread and half with twice as
//! much as wanted have the wanted deviation on average. So the ends of the spread and the shares of numbers that are
//! off stand beside it.

use std::ops::RangeInclusive;

/// Ranges that a number of a code is in where its codes are near the law. Wide enough for the chance of a hundred
/// images, and for kurtosis from that of an even law (1.8) to that of a double exponential one (6).
const MEAN: RangeInclusive<f64> = -0.5..=0.5;
const DEVIATION: RangeInclusive<f64> = 0.5..=1.5;
const KURTOSIS: RangeInclusive<f64> = 1.5..=6.0;
/// Share of a code's numbers that may be out of one of the ranges before it is said.
const MISSED: f64 = 0.25;

/// What codes look like, over the numbers of a code.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Codes {
    /// Mean of |mean|: 0 is wanted, and n codes of the law have about 0.8 / sqrt(n).
    pub mean: f64,
    /// Mean of the deviations, divisor the number of codes: 1 is wanted.
    pub deviation: f64,
    /// Mean of the kurtoses: 3 is wanted.
    kurtosis: f64,
    /// The deviation of the number that has the least, and of the one that has the greatest.
    least: f64,
    greatest: f64,
    /// Shares of the numbers whose mean, deviation and kurtosis are out of range.
    outside: [f64; 3],
}

impl Codes {
    /// Of codes of `latent` numbers, one after the other; `None` where there is none.
    pub fn of(values: &[f32], latent: usize) -> Option<Self> {
        let rows = values.len().checked_div(latent).filter(|rows| *rows > 0)?;
        let mut sums = [0.0; 3];
        let mut outside = [0.0; 3];
        let (mut least, mut greatest) = (f64::INFINITY, 0.0_f64);
        for number in 0..latent {
            let of = || (0..rows).map(|row| f64::from(values[row * latent + number]));
            let mean = of().sum::<f64>() / rows as f64;
            let variance = of().map(|v| (v - mean).powi(2)).sum::<f64>() / rows as f64;
            let fourth = of().map(|v| (v - mean).powi(4)).sum::<f64>() / rows as f64;
            let (deviation, kurtosis) = (variance.sqrt(), fourth / variance.powi(2).max(1e-12));
            for (sum, value) in sums.iter_mut().zip([mean.abs(), deviation, kurtosis]) {
                *sum += value;
            }
            (least, greatest) = (least.min(deviation), greatest.max(deviation));
            let inside = [MEAN.contains(&mean), DEVIATION.contains(&deviation), KURTOSIS.contains(&kurtosis)];
            for (count, inside) in outside.iter_mut().zip(inside) {
                *count += if inside { 0.0 } else { 1.0 };
            }
        }
        let [mean, deviation, kurtosis] = sums.map(|sum: f64| sum / latent as f64);
        let outside = outside.map(|count: f64| count / latent as f64);
        Some(Codes { mean, deviation, kurtosis, least, greatest, outside })
    }

    /// What is drawn of all images together, by the names of the curves.
    pub fn curves(&self) -> [(&'static str, f64); 8] {
        let [mean, deviation, kurtosis] = self.outside;
        [
            ("codes · mean (0 wanted)", self.mean),
            ("codes · deviation (1 wanted)", self.deviation),
            ("codes · kurtosis (3 wanted)", self.kurtosis),
            ("codes · least deviation", self.least),
            ("codes · greatest deviation", self.greatest),
            ("codes out of range · mean beyond ±0.5", mean),
            ("codes out of range · deviation beyond 0.5 to 1.5", deviation),
            ("codes out of range · kurtosis beyond 1.5 to 6", kurtosis),
        ]
    }

    /// What a person should know where more than a quarter of a code's numbers are out of one of the ranges.
    pub fn warning(&self) -> Option<String> {
        let [mean, deviation, kurtosis] = self.outside.map(|share| 100.0 * share);
        self.outside.iter().any(|share| *share > MISSED).then(|| {
            format!(
                "the codes miss the law that they are pulled to: of the numbers of a code {mean:.0} % have a mean \
                 beyond ±0.5, {deviation:.0} % a deviation beyond 0.5 to 1.5 (least {:.2}, greatest {:.2}, 1 wanted) \
                 and {kurtosis:.0} % a kurtosis beyond 1.5 to 6. Images from drawn codes suffer most, those between \
                 codes of real images least. Try more epochs, a higher adversarial learning rate or a shorter code",
                self.least, self.greatest
            )
        })
    }
}
