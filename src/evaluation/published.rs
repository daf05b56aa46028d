//! Published tables of comparisons as data: what is printed, by whom and under which protocol, which treatment
//! of ours each row stands for, and the counts that a folder must have to be held against it.
//!
//! Knows names, counts and figures; no image, no network and no file.

mod standing;
mod tables;
mod weighing;

use std::collections::HashSet;
use std::str::FromStr;

pub use standing::{Line, Standing};
pub use weighing::{Column, Weighing};

use super::metrics::Figure;
use super::treatments::{Asked, MadeTreatment};
use crate::classify::batches::Augment;
use crate::classify::treatments::{ParseError, Preset, Treatment};

/// Figures of a table, at most.
pub const MOST: usize = 3;

/// A figure as it is printed, as a share of 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Printed {
    pub value: f64,
    /// The deviation over the authors' runs, where they give one.
    pub sd: Option<f64>,
}

/// Who printed a row, and how it came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Short, for a cell.
    pub key: &'static str,
    /// Paper and table.
    pub title: &'static str,
    /// How it was measured, and what is not said.
    pub protocol: &'static str,
}

/// A row of a published table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// As the source calls it.
    pub name: &'static str,
    /// The treatment of ours that comes nearest.
    pub treatment: &'static str,
    pub source: &'static Source,
    /// In the order of [`Table::figures`]; nothing after them.
    pub printed: [Option<Printed>; MOST],
    /// What is special about this row; may be empty.
    pub note: &'static str,
}

/// A class of the data set, in the order of its labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    pub name: &'static str,
    /// Training images.
    pub training: usize,
}

/// A published table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Table {
    /// The name on the command line.
    pub id: &'static str,
    pub title: &'static str,
    /// The data set, for people.
    pub data: &'static str,
    /// What is printed of each row; at most [`MOST`].
    pub figures: &'static [Figure],
    pub classes: &'static [Class],
    pub rows: &'static [Row],
    /// How real training images are changed, as the sources do.
    pub augment: Augment,
    /// What differs from the protocols, whatever the scale.
    pub differs: &'static [&'static str],
}

/// How much is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Minutes: shows that all of it runs, and nothing else.
    Smoke,
    /// What a processor can do: the small network, three seeds.
    Cpu,
    /// The network and the epochs of the papers.
    Paper,
}

/// An unknown scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown scale; use smoke, cpu or paper")]
pub struct ScaleError;

/// Why a folder cannot be held against a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CountsError {
    #[error(
        "{table} has {wanted} classes and the folder {found}; it takes {data} as class folders in train and test"
    )]
    Classes { table: &'static str, data: &'static str, wanted: usize, found: usize },
    #[error(
        "the training images are not those that {table} was measured with: {differences}; name a folder of {data}, \
         its classes called by their names or labels, with at least these counts in label order: {wanted}"
    )]
    Training { table: &'static str, data: &'static str, differences: String, wanted: String },
    #[error(
        "the class {class} has no test image; {table} needs a test part, with as many images of each class"
    )]
    Test { table: &'static str, class: String },
}

/// No row of the table has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no row \"{name}\"; use some of: {known}")]
pub struct RowError {
    name: String,
    known: String,
}

impl Scale {
    pub const ALL: [Scale; 3] = [Scale::Smoke, Scale::Cpu, Scale::Paper];

    pub const fn as_str(self) -> &'static str {
        match self {
            Scale::Smoke => "smoke",
            Scale::Cpu => "cpu",
            Scale::Paper => "paper",
        }
    }

    pub const fn network(self) -> Preset {
        match self {
            Scale::Smoke | Scale::Cpu => Preset::Small,
            Scale::Paper => Preset::Resnet32,
        }
    }

    /// How many seeds.
    pub const fn seeds(self) -> usize {
        match self {
            Scale::Smoke => 1,
            Scale::Cpu | Scale::Paper => 3,
        }
    }

    /// What it is, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Scale::Smoke => {
                "the small network for 1 epoch, generators too, one seed: the figures mean nothing"
            }
            Scale::Cpu => {
                "the small network for 2,000 steps, generators as long as they are by default, three seeds"
            }
            Scale::Paper => {
                "ResNet-32 for 200 epochs, generators as long as they are by default, three seeds"
            }
        }
    }

    /// What this scale changes about the protocols; `None` where it keeps to them.
    const fn differs(self) -> Option<&'static str> {
        match self {
            Scale::Smoke => Some(
                "Scale smoke: a small network for one epoch. It shows that the table can be built; its figures are \
                 not to be compared.",
            ),
            Scale::Cpu => Some(
                "Scale cpu: a smaller network and 2,000 steps instead of ResNet and 200 epochs. The order of rows may \
                 be compared, their values may not.",
            ),
            Scale::Paper => None,
        }
    }
}

impl FromStr for Scale {
    type Err = ScaleError;

    fn from_str(text: &str) -> Result<Self, ScaleError> {
        Scale::ALL.into_iter().find(|scale| scale.as_str() == text).ok_or(ScaleError)
    }
}

/// The macro form of the geometric mean where each of so many classes has as many test images: it follows from
/// ACSA, `sqrt(a (1 - (1 - a) / (C - 1)))`. `classes` is at least 2.
pub fn balanced_macro_gm(acsa: f64, classes: usize) -> f64 {
    (acsa * (1.0 - (1.0 - acsa) / (classes as f64 - 1.0))).max(0.0).sqrt()
}

/// A name without case and without signs.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl Row {
    /// The treatment of ours.
    ///
    /// # Errors
    /// A name that no treatment has.
    pub fn asked(&self) -> Result<Asked, ParseError> {
        self.treatment.parse()
    }

    /// The treatment's name in results.
    ///
    /// # Errors
    /// As [`Row::asked`].
    pub fn result_name(&self) -> Result<String, ParseError> {
        Ok(match self.asked()? {
            Asked::Plain(treatment) => treatment.to_string(),
            Asked::Made(made) => made.to_string(),
        })
    }
}

impl Table {
    /// Every table.
    pub fn all() -> &'static [Table] {
        &tables::ALL
    }

    /// A table by its id.
    pub fn named(id: &str) -> Option<&'static Table> {
        Table::all().iter().find(|table| table.id == id)
    }

    /// Training images of each class in label order.
    pub fn counts(&self) -> Vec<usize> {
        self.classes.iter().map(|class| class.training).collect()
    }

    /// Who printed the rows, each once.
    pub fn sources(rows: &[Row]) -> Vec<&'static Source> {
        let mut sources: Vec<&'static Source> = Vec::new();
        for row in rows {
            if !sources.contains(&row.source) {
                sources.push(row.source);
            }
        }
        sources
    }

    /// The rows of these names or treatments, case aside; all of them for no name.
    ///
    /// # Errors
    /// A name that no row has.
    pub fn chosen(&self, names: &[String]) -> Result<Vec<Row>, RowError> {
        let is = |row: &Row, name: &str| {
            row.name.eq_ignore_ascii_case(name.trim()) || row.treatment == name.trim()
        };
        if let Some(name) = names.iter().find(|name| !self.rows.iter().any(|row| is(row, name))) {
            let mut seen = HashSet::new();
            let known: Vec<&str> =
                self.rows.iter().map(|row| row.name).filter(|name| seen.insert(*name)).collect();
            return Err(RowError { name: name.trim().to_owned(), known: known.join(", ") });
        }
        let wanted = |row: &&Row| names.is_empty() || names.iter().any(|name| is(row, name));
        Ok(self.rows.iter().filter(wanted).copied().collect())
    }

    /// The treatments of some rows, each once: those without a generator, and those with one.
    ///
    /// # Errors
    /// A row whose treatment there is not.
    pub fn treatments(rows: &[Row]) -> Result<(Vec<Treatment>, Vec<MadeTreatment>), ParseError> {
        let (mut treatments, mut made): (Vec<Treatment>, Vec<MadeTreatment>) = Default::default();
        for row in rows {
            match row.asked()? {
                Asked::Plain(treatment) if !treatments.contains(&treatment) => treatments.push(treatment),
                Asked::Made(treatment) if !made.contains(&treatment) => made.push(treatment),
                _ => {}
            }
        }
        Ok((treatments, made))
    }

    /// The counts that classes of these names should have, in their order: by the names of the data set, or by
    /// the numbers of its labels. `None` where a name is neither.
    pub fn wanted(&self, names: &[String]) -> Option<Vec<usize>> {
        let by_name = |name: &String| {
            let class = self.classes.iter().find(|class| plain(class.name) == plain(name))?;
            Some(class.training)
        };
        let by_label = |name: &String| {
            let label = name.trim().parse::<usize>().ok()?;
            self.classes.get(label).map(|class| class.training)
        };
        let all: Option<Vec<usize>> = names.iter().map(by_name).collect();
        all.or_else(|| names.iter().map(by_label).collect())
    }

    /// How many training images of each class to take of a folder that has the table's counts and more, in the order of
    /// `names`. `None` where it has exactly those, too few of a class, or classes that are not known by name or label.
    pub fn taken(&self, names: &[String], training: &[usize]) -> Option<Vec<usize>> {
        let wanted = self.wanted(names).filter(|wanted| wanted.len() == self.classes.len())?;
        let enough = wanted.iter().zip(training).all(|(wanted, found)| wanted <= found);
        (enough && wanted != training).then_some(wanted)
    }

    /// Holds a folder's classes, training images and test images against the table's, and gives what is left to
    /// be said of them.
    ///
    /// # Errors
    /// Another number of classes, other training images, or a class without test images.
    pub fn check(
        &self,
        names: &[String],
        training: &[usize],
        test: &[usize],
    ) -> Result<Vec<String>, CountsError> {
        let (table, data) = (self.id, self.data);
        if names.len() != self.classes.len() {
            return Err(CountsError::Classes { table, data, wanted: self.classes.len(), found: names.len() });
        }
        let mut remarks = Vec::new();
        let wanted = self.wanted(names);
        let differences: Vec<String> = match &wanted {
            Some(wanted) => names
                .iter()
                .zip(wanted.iter().zip(training))
                .filter(|(_, (wanted, found))| wanted != found)
                .map(|(name, (wanted, found))| format!("{name} has {found} instead of {wanted}"))
                .collect(),
            None => {
                // Strangers' names: the counts alone can be held against each other.
                let (mut ours, mut theirs) = (training.to_vec(), self.counts());
                ours.sort_unstable();
                theirs.sort_unstable();
                let pairs = theirs.into_iter().zip(ours).rev();
                let other = pairs.filter(|(wanted, found)| wanted != found);
                other.map(|(wanted, found)| format!("{found} images instead of {wanted}")).collect()
            }
        };
        if !differences.is_empty() {
            let counts: Vec<String> = self.classes.iter().map(|class| class.training.to_string()).collect();
            let (differences, wanted) = (differences.join(", "), counts.join(","));
            return Err(CountsError::Training { table, data, differences, wanted });
        }
        if wanted.is_none() {
            remarks.push(format!(
                "The class names are not those of {data}, so only the counts were held against the table's."
            ));
        }
        if let Some((name, _)) = names.iter().zip(test).find(|(_, images)| **images == 0) {
            return Err(CountsError::Test { table, class: name.clone() });
        }
        let (least, most) = (test.iter().min().copied(), test.iter().max().copied());
        if least != most {
            remarks.push(format!(
                "The test part has {} to {} images of a class, and the published one as many of each: GM in its \
                 macro form does not follow from ACSA here.",
                least.unwrap_or(0),
                most.unwrap_or(0)
            ));
        }
        Ok(remarks)
    }
}
