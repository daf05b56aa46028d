//! Learning rates over epochs: linear warm-up, then two drops, as M2m's release has them, scaled to the run.

/// 200 epochs as published: warm-up over 5, a hundredth from 160, a ten-thousandth from 180.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    pub learning_rate: f64,
    pub epochs: usize,
    /// What the rate is divided by at each of the two milestones; 100 as published.
    pub drop: f64,
}

/// The published number of epochs that the milestones are stated for.
const PUBLISHED: f64 = 200.0;

impl Schedule {
    /// The epoch that stands at `published` of 200.
    pub fn milestone(&self, published: usize) -> usize {
        (published as f64 * self.epochs as f64 / PUBLISHED).round() as usize
    }

    /// Learning rate at a step of an epoch.
    ///
    /// The warm-up climbs once per epoch, as published; where it is shorter than an epoch it climbs per step and
    /// takes at least one.
    pub fn at(&self, epoch: usize, step: usize, steps_per_epoch: usize) -> f64 {
        let warm_up = 5.0 * self.epochs as f64 / PUBLISHED;
        if warm_up >= 1.0 {
            let epochs = warm_up.ceil();
            if (epoch as f64) < epochs {
                return self.learning_rate * (epoch as f64 + 1.0) / epochs;
            }
        } else {
            let steps = (warm_up * steps_per_epoch as f64).round().max(1.0);
            let done = (epoch * steps_per_epoch + step) as f64;
            if done < steps {
                return self.learning_rate * (done + 1.0) / (steps + 1.0);
            }
        }
        if epoch >= self.milestone(180) {
            self.learning_rate / (self.drop * self.drop)
        } else if epoch >= self.milestone(160) {
            self.learning_rate / self.drop
        } else {
            self.learning_rate
        }
    }
}
