//! The class weights of the note on sample weighting: its schemes on given counts. Nothing is trained for it.

use serde_json::{Map, Value, json};

use super::Table;
use crate::domain::imbalance::{Scheme, WeightsError, weights};

/// The schemes, and of effective numbers the betas of the search in Cui et al., CVPR 2019.
const COLUMNS: [(&str, Scheme, Option<f64>); 7] = [
    ("balanced", Scheme::Balanced, None),
    ("INS", Scheme::Ins, None),
    ("ISNS", Scheme::Isns, None),
    ("ENS 0.9", Scheme::Ens, Some(0.9)),
    ("ENS 0.99", Scheme::Ens, Some(0.99)),
    ("ENS 0.999", Scheme::Ens, Some(0.999)),
    ("ENS 0.9999", Scheme::Ens, Some(0.9999)),
];

/// Weights by one scheme.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: &'static str,
    pub scheme: Scheme,
    /// Of effective numbers.
    pub beta: Option<f64>,
    /// In class order.
    pub weights: Vec<f64>,
}

/// The weights of one set of counts by every scheme.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighing {
    /// Where the counts are from.
    pub title: String,
    /// Names with their training images.
    pub classes: Vec<(String, usize)>,
    pub columns: Vec<Column>,
}

impl Column {
    /// Largest over smallest weight.
    pub fn ratio(&self) -> f64 {
        let most = self.weights.iter().copied().fold(f64::MIN, f64::max);
        most / self.weights.iter().copied().fold(f64::MAX, f64::min)
    }
}

impl Weighing {
    /// # Errors
    /// A class without images.
    pub fn of(title: impl Into<String>, classes: Vec<(String, usize)>) -> Result<Self, WeightsError> {
        let counts: Vec<usize> = classes.iter().map(|(_, images)| *images).collect();
        let mut columns = Vec::with_capacity(COLUMNS.len());
        for (name, scheme, beta) in COLUMNS {
            let weights = weights(&counts, scheme, beta.unwrap_or(0.0))?;
            columns.push(Column { name, scheme, beta, weights });
        }
        Ok(Weighing { title: title.into(), classes, columns })
    }

    /// Those of the counts of every published table.
    ///
    /// # Errors
    /// None for tables whose classes all have images.
    pub fn published() -> Result<Vec<Self>, WeightsError> {
        let of = |table: &Table| {
            let classes = table.classes.iter().map(|class| (class.name.to_owned(), class.training));
            Weighing::of(format!("{}: {}", table.id, table.data), classes.collect())
        };
        Table::all().iter().map(of).collect()
    }

    /// What one has to know to read them, in sentences.
    pub fn notes() -> [&'static str; 4] {
        [
            "INS, ISNS and ENS are scaled to the sum C (Cui et al., CVPR 2019, for ENS); balanced is N / (C n), whose \
             mean over images is 1. balanced and INS are in the same ratios, so only the learning rate tells them apart.",
            "The note weighs texts with 29 labels, several to a text, so the weights stand here on the counts of \
             image tables or of the folder.",
            "The note may be read as counting in each batch; these count the training part. Both can be trained: \
             weights-ins and weights-ins:counts=batch.",
            "Its result, F0.5 2.5 % higher under INS than without weights, is of those texts and is not rebuilt; \
             `evaluate` measures the same change on images.",
        ]
    }

    /// Head and rows of a table for people; the last row has the ratios of largest to smallest weight.
    pub fn rows_for_people(&self) -> Vec<Vec<String>> {
        let mut head = vec!["class".to_owned(), "images".to_owned()];
        head.extend(self.columns.iter().map(|column| column.name.to_owned()));
        let mut rows = vec![head];
        for (place, (name, images)) in self.classes.iter().enumerate() {
            let mut row = vec![name.clone(), images.to_string()];
            row.extend(self.columns.iter().map(|column| format!("{:.6}", column.weights[place])));
            rows.push(row);
        }
        let mut last = vec!["largest / smallest".to_owned(), String::new()];
        last.extend(self.columns.iter().map(|column| format!("{:.3}", column.ratio())));
        rows.push(last);
        rows
    }

    /// A part of a page.
    pub fn markdown(&self) -> String {
        let mut page = format!("## {}\n\n", self.title);
        for (number, row) in self.rows_for_people().iter().enumerate() {
            let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
            page += &format!("| {} |\n", cells.join(" | "));
            if number == 0 {
                page += &format!("|{}\n", "---|".repeat(row.len()));
            }
        }
        page
    }

    /// An object with `title` and `classes` (name, images) and `columns` (name, scheme, beta, weights, ratio).
    pub fn json(&self) -> Value {
        let classes = self.classes.iter().map(|(name, images)| json!({ "name": name, "images": images }));
        let columns = self.columns.iter().map(|column| {
            let mut object = Map::new();
            object.insert("name".to_owned(), json!(column.name));
            object.insert("scheme".to_owned(), json!(column.scheme.as_str()));
            object.insert("beta".to_owned(), json!(column.beta));
            object.insert("weights".to_owned(), json!(column.weights));
            object.insert("ratio".to_owned(), json!(column.ratio()));
            Value::Object(object)
        });
        json!({
            "title": self.title,
            "classes": classes.collect::<Vec<Value>>(),
            "columns": columns.collect::<Vec<Value>>(),
        })
    }
}
