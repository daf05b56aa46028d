//! What was measured beside what is printed, as JSON, Markdown and rows for a terminal.

use serde_json::{Map, Value, json};

use super::{Row, Scale, Table, balanced_macro_gm};
use crate::classify::treatments::ParseError;
use crate::evaluation::comparison::Comparison;
use crate::evaluation::metrics::{Figure, Spread};

/// A printed GM that is farther than this from what its ACSA gives was not measured on a balanced test part in
/// the macro form; rounding alone makes a tenth of it.
const GM_TOLERANCE: f64 = 0.002;

/// A row and what was measured of its treatment.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub row: Row,
    /// In the order of the table's figures; `None` where there is no classifier of it.
    pub measured: Vec<Option<Spread>>,
    /// Seeds that were measured.
    pub seeds: usize,
}

/// A table with what was measured beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub table: Table,
    pub scale: Scale,
    /// In the table's order.
    pub lines: Vec<Line>,
    /// What the folder is apart from the table's data, in sentences.
    pub remarks: Vec<String>,
}

fn rounded(value: f64) -> f64 {
    // Adding nothing turns -0 into 0.
    (value * 1e6).round() / 1e6 + 0.0
}

/// `0.7830 ± 0.0016`, or `-`.
fn cell(value: Option<(f64, Option<f64>)>) -> String {
    match value {
        Some((value, Some(sd))) => format!("{value:.4} ± {sd:.4}"),
        Some((value, None)) => format!("{value:.4}"),
        None => "-".to_owned(),
    }
}

fn put(object: &mut Map<String, Value>, key: &str, value: Option<(f64, Option<f64>)>) {
    let Some((value, sd)) = value else {
        object.insert(key.to_owned(), Value::Null);
        return;
    };
    object.insert(key.to_owned(), json!(rounded(value)));
    if let Some(sd) = sd {
        object.insert(format!("{key}_sd"), json!(rounded(sd)));
    }
}

impl Line {
    fn printed(&self, place: usize) -> Option<(f64, Option<f64>)> {
        self.row.printed.get(place).copied().flatten().map(|printed| (printed.value, printed.sd))
    }

    fn measured(&self, place: usize) -> Option<(f64, Option<f64>)> {
        self.measured.get(place).copied().flatten().map(|spread| (spread.mean, spread.sd))
    }

    /// Measured minus printed, of the figure at a place; `None` where one of them is not there.
    pub fn difference(&self, place: usize) -> Option<f64> {
        Some(self.measured(place)?.0 - self.printed(place)?.0)
    }

    /// Who printed it, what is special about it.
    fn origin(&self) -> String {
        match self.row.note {
            "" => self.row.source.key.to_owned(),
            note => format!("{}; {note}", self.row.source.key),
        }
    }
}

impl Standing {
    /// Puts some rows of a table beside a comparison of their treatments.
    ///
    /// # Errors
    /// A row whose treatment there is not.
    pub fn of(
        table: &Table,
        rows: &[Row],
        scale: Scale,
        comparison: &Comparison,
        remarks: Vec<String>,
    ) -> Result<Self, ParseError> {
        let mut lines = Vec::with_capacity(rows.len());
        for row in rows {
            let result = comparison.treatment(&row.result_name()?);
            let figure = |figure: &Figure| result.and_then(|result| result.figure(figure.key()));
            lines.push(Line {
                row: *row,
                measured: table.figures.iter().map(figure).collect(),
                seeds: result.map_or(0, |result| result.seeds.len()),
            });
        }
        Ok(Standing { table: *table, scale, lines, remarks })
    }

    fn rows(&self) -> Vec<Row> {
        self.lines.iter().map(|line| line.row).collect()
    }

    /// What the printed GM of a line should be on a balanced test part; `None` where the table has no such
    /// figure.
    fn expected_gm(&self, line: &Line) -> Option<(f64, f64)> {
        let place = |wanted: Figure| self.table.figures.iter().position(|figure| *figure == wanted);
        let (acsa, _) = line.printed(place(Figure::Acsa)?)?;
        let (gm, _) = line.printed(place(Figure::GMeanMacro)?)?;
        Some((gm, balanced_macro_gm(acsa, self.table.classes.len())))
    }

    /// What one has to know to read the table, in sentences: protocols, differences, figures that cannot be.
    pub fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = Table::sources(&self.rows())
            .iter()
            .map(|source| format!("{}: {}. {}", source.key, source.title, source.protocol))
            .collect();
        notes.extend(self.scale.differs().map(str::to_owned));
        notes.extend(self.table.differs.iter().map(|text| (*text).to_owned()));
        for line in &self.lines {
            let Some((gm, expected)) = self.expected_gm(line) else { continue };
            if (gm - expected).abs() > GM_TOLERANCE {
                notes.push(format!(
                    "{}: the printed GM {gm:.4} is not what the printed ACSA gives on a balanced test part \
                     ({expected:.4}); it is another GM, another test part or a misprint, and no target.",
                    line.row.name
                ));
            }
        }
        notes.extend(self.remarks.iter().cloned());
        notes
    }

    /// Head and rows of a table for people.
    pub fn rows_for_people(&self) -> Vec<Vec<String>> {
        let mut head = vec!["row".to_owned(), "treatment".to_owned()];
        for figure in self.table.figures {
            head.extend(
                ["published", "measured", "difference"].map(|what| format!("{} {what}", figure.name())),
            );
        }
        head.extend(["seeds".to_owned(), "published by".to_owned()]);
        let mut rows = vec![head];
        for line in &self.lines {
            let mut row = vec![line.row.name.to_owned(), line.row.treatment.to_owned()];
            for place in 0..self.table.figures.len() {
                let difference = line.difference(place).map(|by| format!("{by:+.4}"));
                row.extend([
                    cell(line.printed(place)),
                    cell(line.measured(place)),
                    difference.unwrap_or_else(|| "-".to_owned()),
                ]);
            }
            row.extend([line.seeds.to_string(), line.origin()]);
            rows.push(row);
        }
        rows
    }

    /// A page with the table, and how it was made.
    pub fn markdown(&self, setting: &[String]) -> String {
        let mut page = format!("# {}, scale {}\n\n", self.table.title, self.scale.as_str());
        for (number, row) in self.rows_for_people().iter().enumerate() {
            page += &format!("| {} |\n", row.join(" | "));
            if number == 0 {
                page += &format!("|{}\n", "---|".repeat(row.len()));
            }
        }
        page +=
            "\nMeasured: mean and standard deviation over seeds. Difference: measured minus published.\n\n";
        for note in self.notes() {
            page += &format!("- {note}\n");
        }
        page += "\n## How it was run\n\n";
        for line in setting {
            page += &format!("- {line}\n");
        }
        page
    }

    /// An object with `table`, `title`, `scale`, `rows` (name, treatment, source, published, measured,
    /// difference, seeds), `sources` and `notes`.
    pub fn json(&self) -> Map<String, Value> {
        let rows = self.lines.iter().map(|line| {
            let (mut published, mut measured, mut difference) = (Map::new(), Map::new(), Map::new());
            for (place, figure) in self.table.figures.iter().enumerate() {
                put(&mut published, figure.key(), line.printed(place));
                put(&mut measured, figure.key(), line.measured(place));
                put(&mut difference, figure.key(), line.difference(place).map(|by| (by, None)));
            }
            json!({
                "name": line.row.name,
                "treatment": line.row.treatment,
                "source": line.row.source.key,
                "note": line.row.note,
                "published": Value::Object(published),
                "measured": Value::Object(measured),
                "difference": Value::Object(difference),
                "published_gm_expected": self.expected_gm(line).map(|(_, expected)| rounded(expected)),
                "seeds": line.seeds,
            })
        });
        let sources = Table::sources(&self.rows())
            .into_iter()
            .map(|source| json!({ "name": source.key, "title": source.title, "protocol": source.protocol }));
        let mut object = Map::new();
        object.insert("table".to_owned(), json!(self.table.id));
        object.insert("title".to_owned(), json!(self.table.title));
        object.insert("scale".to_owned(), json!(self.scale.as_str()));
        object.insert("rows".to_owned(), Value::Array(rows.collect()));
        object.insert("sources".to_owned(), Value::Array(sources.collect()));
        object.insert("notes".to_owned(), json!(self.notes()));
        object
    }
}
