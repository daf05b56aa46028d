//! The confusion table and what follows from it alone.

use super::MetricsError;

/// How often each class was said of the images of each class: rows are the truth, columns what was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// Row after row.
    counts: Vec<u64>,
}

/// Where classes begin to be many-shot and few-shot, by their training images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Groups {
    /// A class with more training images than this is many-shot.
    pub many_above: usize,
    /// A class with fewer training images than this is few-shot.
    pub few_below: usize,
}

impl Default for Groups {
    /// More than 100 and fewer than 20, as Liu et al., CVPR 2019 ("Large-scale long-tailed recognition in an
    /// open world").
    fn default() -> Self {
        Groups { many_above: 100, few_below: 20 }
    }
}

/// Mean recall of the classes of a group; `None` where no class with test images is in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupRecalls {
    pub many: Option<f64>,
    pub medium: Option<f64>,
    pub few: Option<f64>,
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0_usize);
    for value in values {
        sum += value;
        count += 1;
    }
    (count > 0).then(|| sum / count as f64)
}

impl Confusion {
    /// From a square table.
    ///
    /// # Errors
    /// A row with another number of columns than there are rows.
    pub fn new(rows: &[Vec<usize>]) -> Result<Self, MetricsError> {
        if let Some(row) = rows.iter().find(|row| row.len() != rows.len()) {
            return Err(MetricsError::NotSquare { rows: rows.len(), columns: row.len() });
        }
        Ok(Confusion { classes: rows.len(), counts: rows.iter().flatten().map(|&n| n as u64).collect() })
    }

    /// From the true class of each image and the class that was said of it.
    ///
    /// # Errors
    /// Lists of two lengths, or a class that is not below `classes`.
    pub fn of(classes: usize, truth: &[usize], said: &[usize]) -> Result<Self, MetricsError> {
        check_answers(classes, truth, said)?;
        let mut confusion = Confusion::empty(classes);
        for (&truth, &said) in truth.iter().zip(said) {
            confusion.add(truth, said, 1);
        }
        Ok(confusion)
    }

    pub(super) fn empty(classes: usize) -> Self {
        Confusion { classes, counts: vec![0; classes * classes] }
    }

    /// Counts an image `times` times; both classes are below [`Confusion::classes`].
    pub(super) fn add(&mut self, truth: usize, said: usize, times: u64) {
        self.counts[truth * self.classes + said] += times;
    }

    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Images of class `truth` that were said to be of class `said`; 0 for classes that are not there.
    pub fn count(&self, truth: usize, said: usize) -> usize {
        if truth >= self.classes || said >= self.classes {
            return 0;
        }
        self.counts[truth * self.classes + said] as usize
    }

    /// The whole table, row after row.
    pub fn rows(&self) -> Vec<Vec<u64>> {
        self.counts.chunks(self.classes.max(1)).map(<[u64]>::to_vec).collect()
    }

    fn row(&self, class: usize) -> u64 {
        self.counts[class * self.classes..(class + 1) * self.classes].iter().sum()
    }

    fn column(&self, class: usize) -> u64 {
        self.counts.iter().skip(class).step_by(self.classes).sum()
    }

    fn hit(&self, class: usize) -> u64 {
        self.counts[class * self.classes + class]
    }

    /// Test images in all.
    pub fn total(&self) -> usize {
        self.counts.iter().sum::<u64>() as usize
    }

    /// Test images of each class.
    pub fn supports(&self) -> Vec<usize> {
        (0..self.classes).map(|class| self.row(class) as usize).collect()
    }

    /// How often each class was said.
    pub fn said(&self) -> Vec<usize> {
        (0..self.classes).map(|class| self.column(class) as usize).collect()
    }

    fn recall_of(&self, class: usize) -> Option<f64> {
        let support = self.row(class);
        (support > 0).then(|| self.hit(class) as f64 / support as f64)
    }

    /// Share of the images of each class that were found; `None` for a class without test images.
    pub fn recalls(&self) -> Vec<Option<f64>> {
        (0..self.classes).map(|class| self.recall_of(class)).collect()
    }

    /// `total` is [`Confusion::total`], which is the same for every class.
    fn specificity_of(&self, class: usize, total: usize) -> Option<f64> {
        let others = total as u64 - self.row(class);
        let alarms = self.column(class) - self.hit(class);
        (others > 0).then(|| (others - alarms) as f64 / others as f64)
    }

    /// Share of the images of all other classes that were not said to be of this one; `None` where there is
    /// no other image.
    pub fn specificities(&self) -> Vec<Option<f64>> {
        let total = self.total();
        (0..self.classes).map(|class| self.specificity_of(class, total)).collect()
    }

    /// Share of what was said to be of each class that is; 0 for a class that was never said.
    pub fn precisions(&self) -> Vec<f64> {
        (0..self.classes)
            .map(|class| match self.column(class) {
                0 => 0.0,
                said => self.hit(class) as f64 / said as f64,
            })
            .collect()
    }

    fn f_of(&self, class: usize, beta: f64) -> Option<f64> {
        let support = self.row(class);
        if support == 0 {
            return None;
        }
        let (hit, square) = (self.hit(class) as f64, beta * beta);
        Some((1.0 + square) * hit / (square * support as f64 + self.column(class) as f64))
    }

    /// F score of each class, `(1 + b²) P R / (b² P + R)`; `None` for a class without test images. `beta` is
    /// above 0: 1 for F1, 0.5 for F0.5.
    pub fn f_scores(&self, beta: f64) -> Vec<Option<f64>> {
        (0..self.classes).map(|class| self.f_of(class, beta)).collect()
    }

    /// Mean F score of the classes that have test images.
    pub fn macro_f(&self, beta: f64) -> Option<f64> {
        mean((0..self.classes).filter_map(|class| self.f_of(class, beta)))
    }

    /// Share of all images that were found.
    pub fn accuracy(&self) -> Option<f64> {
        let total = self.total();
        let hits: u64 = (0..self.classes).map(|class| self.hit(class)).sum();
        (total > 0).then(|| hits as f64 / total as f64)
    }

    /// Mean recall of the classes that have test images: average class-specific accuracy, or balanced
    /// accuracy.
    pub fn acsa(&self) -> Option<f64> {
        mean((0..self.classes).filter_map(|class| self.recall_of(class)))
    }

    /// ACSA on a scale where chance is 0: `(a - 1/C) / (1 - 1/C)`, C the classes with test images; `None` for
    /// fewer than two.
    pub fn chance_adjusted(&self) -> Option<f64> {
        let present = (0..self.classes).filter(|&class| self.row(class) > 0).count();
        if present < 2 {
            return None;
        }
        let chance = 1.0 / present as f64;
        self.acsa().map(|acsa| (acsa - chance) / (1.0 - chance))
    }

    /// Root of the product of the recalls of the classes that have test images; 0 where one of them is 0.
    pub fn g_mean(&self) -> Option<f64> {
        // By logarithms: a product of many recalls is lost below the smallest number.
        let recalls = (0..self.classes).filter_map(|class| self.recall_of(class));
        mean(recalls.map(f64::ln)).map(f64::exp)
    }

    /// The macro form of published tables, `sqrt(mean recall * mean specificity)`, over the classes that have
    /// test images; `None` where these are fewer than two.
    pub fn g_mean_macro(&self) -> Option<f64> {
        let present = (0..self.classes).filter(|&class| self.row(class) > 0);
        let total = self.total();
        let specificity = mean(present.filter_map(|class| self.specificity_of(class, total)))?;
        self.acsa().map(|recall| (recall * specificity).sqrt())
    }

    /// Matthews' correlation of truth and answers, in \[-1, 1\] (the form for several classes, Gorodkin
    /// 2004); 0 where one of the two never changes.
    pub fn mcc(&self) -> Option<f64> {
        let total = self.total() as f64;
        if total == 0.0 {
            return None;
        }
        let (mut hits, mut both, mut said, mut truth) = (0.0, 0.0, 0.0, 0.0);
        for class in 0..self.classes {
            let (p, t) = (self.column(class) as f64, self.row(class) as f64);
            hits += self.hit(class) as f64;
            both += p * t;
            said += p * p;
            truth += t * t;
        }
        let spread = ((total * total - said) * (total * total - truth)).sqrt();
        Some(if spread == 0.0 { 0.0 } else { (hits * total - both) / spread })
    }

    /// Cohen's kappa: agreement beyond that of chance, at most 1; 0 where chance alone agrees on everything.
    pub fn kappa(&self) -> Option<f64> {
        let accuracy = self.accuracy()?;
        let total = self.total() as f64;
        let both: f64 =
            (0..self.classes).map(|class| self.column(class) as f64 * self.row(class) as f64).sum();
        let chance = both / (total * total);
        Some(if chance == 1.0 { 0.0 } else { (accuracy - chance) / (1.0 - chance) })
    }

    /// Mean recall of many-shot, medium-shot and few-shot classes. `training` are the training images of each
    /// class; a class beyond the end of it has none.
    pub fn group_recalls(&self, training: &[usize], groups: Groups) -> GroupRecalls {
        let of = |wanted: &dyn Fn(usize) -> bool| {
            let members =
                (0..self.classes).filter(|&class| wanted(training.get(class).copied().unwrap_or(0)));
            mean(members.filter_map(|class| self.recall_of(class)))
        };
        let (many, few) = (groups.many_above, groups.few_below);
        GroupRecalls {
            many: of(&|n| n > many),
            medium: of(&|n| n <= many && n >= few),
            few: of(&|n| n <= many && n < few),
        }
    }
}

/// Each image has one answer, and every class is below `classes`.
pub(super) fn check_answers(classes: usize, truth: &[usize], said: &[usize]) -> Result<(), MetricsError> {
    if truth.len() != said.len() {
        return Err(MetricsError::Length { images: truth.len(), answers: said.len() });
    }
    let unknown = |list: &[usize]| list.iter().position(|&class| class >= classes);
    for list in [truth, said] {
        if let Some(image) = unknown(list) {
            return Err(MetricsError::Class { image, class: list[image], classes });
        }
    }
    Ok(())
}
