//! EasyEnsemble and BalanceCascade on features of a trained network: AdaBoost on several balanced subsets
//! of the training images, so that undersampling throws nothing away for good.
//!
//! Source: Liu, Wu and Zhou, "Exploratory undersampling for class-imbalance learning", IEEE SMC-B 2009,
//! which has two classes and the attributes of its data. Here the attributes are what the last layer of the
//! network sees, the weak learners are decision trees, and AdaBoost is SAMME (Zhu, Zou, Rosset and Hastie
//! 2009), which is AdaBoost for two classes. A subset has as many rows of each class as the smallest class
//! has. With more than two classes every class larger than the smallest is what the paper calls the
//! majority, each with thresholds and deletions of its own. The weak learners of all subsets make one sum,
//! as in the paper, and not a vote of the subsets.

use rayon::prelude::*;

use super::tree::{Rows, Tree};
use crate::domain::random::{Stage, stream};
use crate::domain::task::{Cancelled, Ctx};

/// Streams of subsets begin here, behind those of repeats and of what undersampling keeps.
const FIRST_SUBSET: u64 = 2;

/// How an ensemble is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnsembleSettings {
    /// BalanceCascade: what is told right already leaves before the next subset is drawn. Else
    /// EasyEnsemble: every subset is drawn from all.
    pub cascade: bool,
    /// Balanced subsets; at least 1.
    pub subsets: usize,
    /// Trees of each subset; at least 1.
    pub rounds: usize,
    /// Levels of splits of a tree; at least 1.
    pub depth: usize,
}

/// AdaBoost of trees.
#[derive(Clone, Debug, PartialEq)]
pub struct Boosted {
    classes: usize,
    /// Each tree with the weight of its word.
    trees: Vec<(f64, Tree)>,
}

impl Boosted {
    /// SAMME: each tree learns on the weights that the ones before left, its word counts `ln((1 - e) / e) +
    /// ln(C - 1)` for its weighted error e, and the rows that it has wrong gain that much in the exponent.
    /// Ends early after a tree without an error, and before one that is no better than chance. C is the
    /// number of classes that have rows.
    pub fn fit(rows: &Rows<'_>, rounds: usize, depth: usize) -> Self {
        let mut boosted = Boosted { classes: rows.classes, trees: Vec::new() };
        let present = (0..rows.classes).filter(|class| rows.labels.contains(class)).count();
        if present < 2 {
            return boosted;
        }
        let (count, others) = (rows.len() as f64, present as f64 - 1.0);
        let orders = rows.orders();
        let mut weights = vec![1.0 / count; rows.len()];
        for _ in 0..rounds {
            let tree = Tree::fit(rows, &orders, &weights, depth);
            let wrong: Vec<bool> =
                (0..rows.len()).map(|row| tree.says(rows.row(row)) != rows.labels[row]).collect();
            let error: f64 =
                weights.iter().zip(&wrong).filter(|(_, wrong)| **wrong).map(|(weight, _)| weight).sum();
            // A tree without an error would count without end.
            let bounded = error.max(0.5 / count);
            let word = ((1.0 - bounded) / bounded).ln() + others.ln();
            if word <= 0.0 {
                break;
            }
            boosted.trees.push((word, tree));
            if error == 0.0 {
                break;
            }
            for (weight, _) in weights.iter_mut().zip(&wrong).filter(|(_, wrong)| **wrong) {
                *weight *= word.exp();
            }
            let sum: f64 = weights.iter().sum();
            weights.iter_mut().for_each(|weight| *weight /= sum);
        }
        boosted
    }

    /// What the word of each tree counts.
    pub fn words(&self) -> Vec<f64> {
        self.trees.iter().map(|(word, _)| *word).collect()
    }

    /// For each class the sum of the words that say it.
    pub fn scores(&self, row: &[f32]) -> Vec<f64> {
        let mut scores = vec![0.0; self.classes];
        for (word, tree) in &self.trees {
            scores[tree.says(row)] += word;
        }
        scores
    }
}

/// A subset's weak learners, and what their sum is moved by.
#[derive(Clone, Debug, PartialEq)]
struct Member {
    boosted: Boosted,
    /// Of each class; 0 in EasyEnsemble.
    thresholds: Vec<f64>,
}

/// A trained ensemble.
#[derive(Clone, Debug, PartialEq)]
pub struct Ensemble {
    classes: usize,
    members: Vec<Member>,
}

/// Rows of a class of `count` that a cascade still has when it draws each of its subsets: the share
/// `(least / count)^(1 / (subsets - 1))` stays each time, so that the last subset finds about `least`, the
/// size of the smallest class.
pub fn cascade_pools(count: usize, least: usize, subsets: usize) -> Vec<usize> {
    let share = kept_share(count, least, subsets);
    let left = |subset: i32| (count as f64 * share.powi(subset)).round() as usize;
    (0..subsets).map(|subset| left(i32::try_from(subset).unwrap_or(i32::MAX)).max(least)).collect()
}

/// The share of a class that is left from one subset of a cascade to the next, which is also the rate of
/// false alarms that each subset is set to.
fn kept_share(count: usize, least: usize, subsets: usize) -> f64 {
    if count == 0 || subsets < 2 {
        return 1.0;
    }
    (least as f64 / count as f64).powf(1.0 / (subsets as f64 - 1.0)).min(1.0)
}

/// The rows of a subset by their positions, copied.
struct Subset {
    values: Vec<f32>,
    labels: Vec<usize>,
}

impl Subset {
    /// As many rows of each class as the smallest has, from what is left of the classes.
    fn draw(rows: &Rows<'_>, pools: &[Vec<usize>], least: usize, seed: u64, number: usize) -> Self {
        let mut subset = Subset { values: Vec::new(), labels: Vec::new() };
        for (class, pool) in pools.iter().enumerate() {
            let mut pool = pool.clone();
            stream(seed, Stage::Resample, class as u64, FIRST_SUBSET + number as u64).shuffle(&mut pool);
            for &row in pool.iter().take(least) {
                subset.values.extend_from_slice(rows.row(row));
                subset.labels.push(class);
            }
        }
        subset
    }

    fn boosted(&self, of: &Rows<'_>, settings: &EnsembleSettings) -> Boosted {
        let rows = Rows { values: &self.values, labels: &self.labels, ..*of };
        Boosted::fit(&rows, settings.rounds, settings.depth)
    }
}

/// How much more another class is said of a row than its own: above 0 where it is told wrong.
fn miss(scores: &[f64], class: usize) -> f64 {
    let others = scores.iter().enumerate().filter(|(other, _)| *other != class).map(|(_, score)| *score);
    others.fold(f64::NEG_INFINITY, f64::max) - scores[class]
}

impl Ensemble {
    /// Trains on feature rows; the same seed gives the same ensemble, whatever the number of threads.
    ///
    /// # Errors
    /// `Cancelled`.
    pub fn fit(
        ctx: &Ctx,
        rows: &Rows<'_>,
        settings: &EnsembleSettings,
        seed: u64,
    ) -> Result<Self, Cancelled> {
        let mut pools: Vec<Vec<usize>> = vec![Vec::new(); rows.classes];
        for (row, &class) in rows.labels.iter().enumerate() {
            pools[class].push(row);
        }
        let least = pools.iter().map(Vec::len).filter(|&n| n > 0).min().unwrap_or(0);
        let members = if settings.cascade {
            cascade(ctx, rows, settings, pools, least, seed)?
        } else {
            (0..settings.subsets)
                .into_par_iter()
                .map(|number| {
                    ctx.check()?;
                    let boosted = Subset::draw(rows, &pools, least, seed, number).boosted(rows, settings);
                    Ok(Member { boosted, thresholds: vec![0.0; rows.classes] })
                })
                .collect::<Result<Vec<Member>, Cancelled>>()?
        };
        Ok(Ensemble { classes: rows.classes, members })
    }

    /// The class with the highest probability is that of the sum over all weak learners of all subsets. The
    /// probabilities, with the sum 1, are the softmax of the mean over the subsets: what SAMME's scores
    /// stand for where it has learnt all there is.
    pub fn probabilities(&self, row: &[f32]) -> Vec<f64> {
        let mut sums = vec![0.0; self.classes];
        for member in &self.members {
            let scores = member.boosted.scores(row);
            for ((sum, score), threshold) in sums.iter_mut().zip(scores).zip(&member.thresholds) {
                *sum += (score + threshold) / self.members.len() as f64;
            }
        }
        let most = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers: Vec<f64> = sums.iter().map(|sum| (sum - most).exp()).collect();
        let whole: f64 = powers.iter().sum();
        powers.into_iter().map(|power| power / whole).collect()
    }
}

/// BalanceCascade: subset after subset, each drawn from what the ones before leave.
fn cascade(
    ctx: &Ctx,
    rows: &Rows<'_>,
    settings: &EnsembleSettings,
    mut pools: Vec<Vec<usize>>,
    least: usize,
    seed: u64,
) -> Result<Vec<Member>, Cancelled> {
    let counts: Vec<usize> = pools.iter().map(Vec::len).collect();
    let mut members = Vec::with_capacity(settings.subsets);
    for number in 0..settings.subsets {
        ctx.check()?;
        let boosted = Subset::draw(rows, &pools, least, seed, number).boosted(rows, settings);
        let mut thresholds = vec![0.0; rows.classes];
        for (class, pool) in pools.iter_mut().enumerate().filter(|(class, _)| counts[*class] > least) {
            let scored = pool.par_iter().map(|&row| (miss(&boosted.scores(rows.row(row)), class), row));
            let mut hardest: Vec<(f64, usize)> = scored.collect();
            // Of rows that miss alike, chance says which ones leave.
            let draw = FIRST_SUBSET + (settings.subsets + number) as u64;
            stream(seed, Stage::Resample, class as u64, draw).shuffle(&mut hardest);
            hardest.sort_by(|a, b| b.0.total_cmp(&a.0));
            let alarms = pool.len() as f64 * kept_share(counts[class], least, settings.subsets);
            thresholds[class] = threshold(&hardest, alarms.round() as usize);
            if let Some(left) = cascade_pools(counts[class], least, settings.subsets).get(number + 1) {
                *pool = hardest.iter().take(*left).map(|(_, row)| *row).collect();
                pool.sort_unstable();
            }
        }
        members.push(Member { boosted, thresholds });
    }
    Ok(members)
}

/// Half the way between the rows that are false alarms and those that are told right, where at most so many
/// may be false alarms; rows go by falling miss. 0, which moves nothing, where no threshold parts them:
/// trees that have learnt their subset by heart miss most rows alike.
fn threshold(hardest: &[(f64, usize)], alarms: usize) -> f64 {
    let mut at = alarms.min(hardest.len().saturating_sub(1));
    while at > 0 && hardest[at - 1].0 == hardest[at].0 {
        at -= 1;
    }
    if at == 0 { 0.0 } else { (hardest[at - 1].0 + hardest[at].0) / 2.0 }
}
