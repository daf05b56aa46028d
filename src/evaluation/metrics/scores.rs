//! What probabilities say beyond the class that they name: ranking and calibration.

use super::MetricsError;
use super::confusion::check_answers;

/// Probabilities of some test images with their true classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    classes: usize,
    truth: Vec<usize>,
    /// A row of `classes` numbers in \[0, 1\] for each image.
    rows: Vec<Vec<f64>>,
}

/// Bins of the calibration error, as Guo et al., ICML 2017 ("On calibration of modern neural networks").
const BINS: usize = 15;
/// How far outside of \[0, 1\] rounding may bring a probability.
const SLACK: f64 = 1e-6;

impl Scores {
    /// `rows[i]` has the probability of each class for image i, whose class is `truth[i]`.
    ///
    /// # Errors
    /// Lists of two lengths, a class that is not below `classes`, a row of another length, or a value outside
    /// \[0, 1\].
    pub fn new(classes: usize, truth: Vec<usize>, rows: Vec<Vec<f64>>) -> Result<Self, MetricsError> {
        if rows.len() != truth.len() {
            return Err(MetricsError::Length { images: truth.len(), answers: rows.len() });
        }
        check_answers(classes, &truth, &truth)?;
        let fits =
            |row: &Vec<f64>| row.len() == classes && row.iter().all(|p| (-SLACK..=1.0 + SLACK).contains(p));
        match rows.iter().position(|row| !fits(row)) {
            Some(image) => Err(MetricsError::NotAProbability(image)),
            None => Ok(Scores { classes, truth, rows }),
        }
    }

    /// The class with the highest probability of each image; the first of equals.
    pub fn said(&self) -> Vec<usize> {
        self.rows
            .iter()
            .map(|row| {
                let mut best = 0;
                for (class, p) in row.iter().enumerate() {
                    if *p > row[best] {
                        best = class;
                    }
                }
                best
            })
            .collect()
    }

    /// One class against all others: its probabilities, and which images are of it.
    fn one_against_rest(&self, class: usize) -> (Vec<f64>, Vec<bool>) {
        self.rows.iter().zip(&self.truth).map(|(row, &truth)| (row[class], truth == class)).unzip()
    }

    fn mean_over_classes(&self, area: impl Fn(&[f64], &[bool]) -> Option<f64>) -> Option<f64> {
        let areas: Vec<f64> = (0..self.classes)
            .filter_map(|class| {
                let (scores, positive) = self.one_against_rest(class);
                area(&scores, &positive)
            })
            .collect();
        (!areas.is_empty()).then(|| areas.iter().sum::<f64>() / areas.len() as f64)
    }

    /// Area under the ROC curve, each class against all others, mean over the classes that have images on
    /// both sides.
    ///
    /// For two classes this is the usual binary area, because both ways of looking have the same one.
    pub fn auroc(&self) -> Option<f64> {
        self.mean_over_classes(area_under_roc)
    }

    /// Area under the precision-recall curve, each class against all others, mean over the classes that have
    /// test images. Chance is the share of a class, so it compares on one test part only.
    pub fn auprc(&self) -> Option<f64> {
        self.mean_over_classes(area_under_precision_recall)
    }

    /// Expected calibration error in \[0, 1\]: in 15 bins of equal width of the highest probability, the mean
    /// distance of accuracy and confidence, weighted by the images of the bin. `None` without an image.
    pub fn calibration_error(&self) -> Option<f64> {
        if self.rows.is_empty() {
            return None;
        }
        let mut bins = [(0.0_f64, 0.0_f64); BINS];
        for ((row, &truth), said) in self.rows.iter().zip(&self.truth).zip(self.said()) {
            let confidence = row[said].clamp(0.0, 1.0);
            // A bin holds its upper edge and not its lower one.
            let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
            bins[bin].0 += confidence;
            bins[bin].1 += f64::from(u8::from(said == truth));
        }
        let off: f64 = bins.iter().map(|(confidence, hits)| (confidence - hits).abs()).sum();
        Some(off / self.rows.len() as f64)
    }
}

/// Positions by falling score.
fn ranked(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    order
}

/// Area under the ROC curve of some scores: the chance that a positive has a higher score than a negative,
/// ties counted half (Mann and Whitney). `None` where one side has no image, or the lists differ in length.
pub fn area_under_roc(scores: &[f64], positive: &[bool]) -> Option<f64> {
    let positives = positive.iter().filter(|is| **is).count();
    let negatives = positive.len() - positives;
    if positives == 0 || negatives == 0 || scores.len() != positive.len() {
        return None;
    }
    let order = ranked(scores);
    // Negatives below each positive: those not yet met, and half of those with the same score.
    let (mut below, mut area) = (negatives as f64, 0.0);
    for tie in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let here = tie.iter().filter(|&&at| positive[at]).count() as f64;
        let others = tie.len() as f64 - here;
        area += here * (below - others / 2.0);
        below -= others;
    }
    Some(area / (positives as f64 * negatives as f64))
}

/// Area under the precision-recall curve as average precision: the sum over falling scores of precision times
/// the gain in recall, ties as one step (scikit-learn's `average_precision_score`). `None` without a
/// positive, or where the lists differ in length.
pub fn area_under_precision_recall(scores: &[f64], positive: &[bool]) -> Option<f64> {
    let positives = positive.iter().filter(|is| **is).count();
    if positives == 0 || scores.len() != positive.len() {
        return None;
    }
    let order = ranked(scores);
    let (mut found, mut met, mut area) = (0.0, 0.0, 0.0);
    for tie in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let here = tie.iter().filter(|&&at| positive[at]).count() as f64;
        found += here;
        met += tie.len() as f64;
        area += here / positives as f64 * (found / met);
    }
    Some(area)
}
