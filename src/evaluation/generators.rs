//! How good the images of generators are inside a comparison, class by class: each figure beside the same between real
//! images, and the generators of a class side by side.
//!
//! Knows names and numbers that were measured elsewhere.

use serde::{Deserialize, Serialize};

use super::treatments::MadeOf;
use crate::domain::numbers::figure;

/// Decimals of a figure in words.
const DECIMALS: usize = 3;

/// One figure of the images that a generator made of a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MadeFigure {
    /// What images are seen through: `g`, the generator's own judge, or `pixels`; behind a comma which real images the
    /// figure stands beside, where these are not those of the training part, or not against each other.
    pub features: String,
    pub name: String,
    pub value: f64,
    /// Standard deviation over the draws of images; `None` for one draw.
    pub sd: Option<f64>,
    /// The same between real images; `None` where these are too few.
    pub floor: Option<f64>,
    /// Made images that enter.
    pub n_made: u32,
    /// Real images that enter.
    pub n_real: u32,
}

/// What a generator made of a class under one seed, of a cross-validation in one fold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MadeClass {
    /// Class name.
    pub class: String,
    /// From 0; `None` where there is a test part.
    pub fold: Option<usize>,
    pub made: usize,
    /// Those that the method's own test accepts.
    pub accepted: usize,
    /// Of all that were made, accepted or not. Empty where an earlier version made them.
    pub figures: Vec<MadeFigure>,
}

/// What a classifier found of real test images that learnt from the images of a generator alone: as many of each class
/// as it has real training images, plainly.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MadeAlone {
    /// The generator, without what else is trained on its images.
    pub generator: String,
    /// Real training images, over all folds.
    pub slots: usize,
    /// Made images that the method's own test accepts, in their place.
    pub made: usize,
    /// `None` without test images.
    pub acsa: Option<f64>,
    /// In class order.
    pub recalls: Vec<ClassRecall>,
}

/// The recall of one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassRecall {
    /// Class name.
    pub class: String,
    /// `None` without test images.
    pub recall: Option<f64>,
}

/// A share as tables show it.
pub fn share(value: Option<f64>) -> String {
    value.filter(|value| value.is_finite()).map_or_else(|| "-".to_owned(), |value| figure(value, DECIMALS))
}

impl MadeAlone {
    /// `smote with seed 5, trained on made images alone: ACSA 0.700, 32 of 32 images; recall across 0.900, down 0.500`.
    pub fn words(&self, seed: u64) -> String {
        let recalls: Vec<String> =
            self.recalls.iter().map(|of| format!("{} {}", of.class, share(of.recall))).collect();
        format!(
            "{} with seed {seed}, trained on made images alone: ACSA {}, {} of {} images; recall {}",
            self.generator,
            share(self.acsa),
            self.made,
            self.slots,
            recalls.join(", ")
        )
    }
}

/// A figure over seeds and folds.
#[derive(Clone, Debug, PartialEq)]
pub struct MeanFigure {
    /// As [`MadeFigure::features`].
    pub features: String,
    pub name: String,
    /// The mean over those that have it.
    pub value: f64,
    /// The same between real images; `None` unless all of them have it.
    pub floor: Option<f64>,
    /// The fewest made images that entered.
    pub n_made: u32,
    /// The fewest real images that entered.
    pub n_real: u32,
    /// Seeds and folds that have it.
    pub times: usize,
}

impl MeanFigure {
    fn first(of: &MadeFigure) -> Self {
        MeanFigure {
            features: of.features.clone(),
            name: of.name.clone(),
            value: of.value,
            floor: of.floor,
            n_made: of.n_made,
            n_real: of.n_real,
            times: 1,
        }
    }

    fn add(&mut self, of: &MadeFigure) {
        let n = self.times as f64;
        let mean = |so_far: f64, value: f64| (so_far * n + value) / (n + 1.0);
        self.value = mean(self.value, of.value);
        self.floor = self.floor.zip(of.floor).map(|(so_far, floor)| mean(so_far, floor));
        self.n_made = self.n_made.min(of.n_made);
        self.n_real = self.n_real.min(of.n_real);
        self.times += 1;
    }

    /// The same between real images, as tables show it; `None` where it is not known.
    pub fn real(&self) -> Option<String> {
        self.floor.filter(|floor| floor.is_finite()).map(|floor| figure(floor, DECIMALS))
    }

    /// `real held out 0.900`: what it stands beside, in words.
    pub fn beside(&self) -> String {
        let which = self.features.split_once(", ").map_or(String::new(), |(_, which)| format!("{which} "));
        self.real().map_or_else(|| "real not known".to_owned(), |real| format!("real {which}{real}"))
    }

    /// `N 30`, or `N 100 made, 30 real`.
    pub fn images(&self) -> String {
        if self.n_made == self.n_real {
            format!("N {}", self.n_made)
        } else {
            format!("N {} made, {} real", self.n_made, self.n_real)
        }
    }

    /// The value as tables show it.
    pub fn text(&self) -> String {
        figure(self.value, DECIMALS)
    }
}

/// The images of one class under one treatment, over seeds and folds.
#[derive(Clone, Debug, PartialEq)]
pub struct MadeRow {
    pub treatment: String,
    /// Class name.
    pub class: String,
    /// Over all seeds and folds.
    pub made: usize,
    /// Over all seeds and folds.
    pub accepted: usize,
    pub figures: Vec<MeanFigure>,
}

impl MadeRow {
    /// What generators made, those of one class one behind the other; classes and treatments as they come.
    pub fn all(made: &[MadeOf]) -> Vec<Self> {
        let mut rows: Vec<MadeRow> = Vec::new();
        for of in made {
            for class in &of.classes {
                let known = rows.iter().position(|row| row.treatment == of.name && row.class == class.class);
                let at = known.unwrap_or_else(|| {
                    rows.push(MadeRow::empty(&of.name, &class.class));
                    rows.len() - 1
                });
                rows[at].add(class);
            }
        }
        let mut classes: Vec<String> = Vec::new();
        for row in &rows {
            if !classes.contains(&row.class) {
                classes.push(row.class.clone());
            }
        }
        rows.sort_by_key(|row| classes.iter().position(|class| *class == row.class));
        rows
    }

    fn empty(treatment: &str, class: &str) -> Self {
        let (treatment, class) = (treatment.to_owned(), class.to_owned());
        MadeRow { treatment, class, made: 0, accepted: 0, figures: Vec::new() }
    }

    fn add(&mut self, class: &MadeClass) {
        self.made += class.made;
        self.accepted += class.accepted;
        for of in &class.figures {
            let known =
                self.figures.iter_mut().find(|known| known.features == of.features && known.name == of.name);
            match known {
                Some(known) => known.add(of),
                None => self.figures.push(MeanFigure::first(of)),
            }
        }
    }

    /// The figure of this name on these features.
    pub fn figure(&self, features: &str, name: &str) -> Option<&MeanFigure> {
        self.figures.iter().find(|figure| figure.features == features && figure.name == name)
    }

    /// `down by smote: 16 made, 12 accepted; KID-g 0.012 (real 0.001, N 8); ...`
    pub fn words(&self) -> String {
        let MadeRow { treatment, class, made, accepted, figures } = self;
        let mut words = format!("{class} by {treatment}: {made} made, {accepted} accepted");
        for of in figures {
            words += &format!("; {} {} ({}, {})", of.name, of.text(), of.beside(), of.images());
        }
        words
    }
}
