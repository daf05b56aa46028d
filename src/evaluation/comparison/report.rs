//! A comparison as JSON, Markdown and CSV.

use serde_json::{Map, Value, json};

use super::{Adds, Against, ClassResult, Comparison, TreatmentResult};
use crate::evaluation::metrics::bootstrap::{Interval, Intervals};
use crate::evaluation::metrics::{Figure, Spread};

/// Decimals in JSON and CSV: more than any test part can show, and the same after numbers went through a
/// file.
const DIGITS: i32 = 6;

/// Figures of the first table; the others have a table of their own.
const FIRST: [&str; 7] = [
    Figure::Acsa.key(),
    Figure::F1Macro.key(),
    Figure::GMean.key(),
    Figure::GMeanMacro.key(),
    Figure::Accuracy.key(),
    "auroc",
    "calibration_error",
];

fn is_first(key: &str) -> bool {
    FIRST.contains(&key)
}

fn rounded(value: f64) -> f64 {
    let scale = 10_f64.powi(DIGITS);
    // Adding nothing turns -0 into 0.
    (value * scale).round() / scale + 0.0
}

fn put(object: &mut Map<String, Value>, key: &str, spread: Option<Spread>) {
    object.insert(key.to_owned(), spread.map_or(Value::Null, |spread| json!(rounded(spread.mean))));
    if let Some(sd) = spread.and_then(|spread| spread.sd) {
        object.insert(format!("{key}_sd"), json!(rounded(sd)));
    }
}

fn interval(of: &Interval) -> Value {
    json!({ "value": rounded(of.value), "low": rounded(of.low), "high": rounded(of.high) })
}

fn by_figure(of: &Intervals) -> Map<String, Value> {
    Figure::ALL
        .iter()
        .zip(&of.figures)
        .map(|(figure, found)| (figure.key().to_owned(), found.as_ref().map_or(Value::Null, interval)))
        .collect()
}

fn against(of: Option<&Against>) -> Value {
    let Some(of) = of else { return Value::Null };
    let mut object = Map::new();
    object.insert("against".to_owned(), json!(of.baseline));
    object.extend(by_figure(&of.differences));
    object.insert("seeds".to_owned(), json!(of.seeds));
    object.insert("sentence".to_owned(), json!(of.sentence));
    Value::Object(object)
}

impl ClassResult {
    /// `recall` are the interval of the recall and its differences against the baseline and the best treatment that
    /// adds no images.
    fn json(&self, name: &str, recall: [Option<Interval>; 3]) -> Value {
        let mut object = Map::new();
        object.insert("name".to_owned(), json!(name));
        put(&mut object, "recall", self.recall);
        let names = ["recall_interval", "recall_difference", "recall_difference_free"];
        for (key, found) in names.into_iter().zip(recall) {
            object.insert(key.to_owned(), found.as_ref().map_or(Value::Null, interval));
        }
        put(&mut object, "precision", self.precision);
        put(&mut object, "f1", self.f1);
        put(&mut object, "f05", self.f05);
        object.insert("never_said".to_owned(), json!(self.never_said));
        Value::Object(object)
    }
}

impl TreatmentResult {
    /// Of something that has intervals: its own, and its differences against the baseline and the best treatment that
    /// adds no images.
    fn bounds(&self, of: impl Fn(&Intervals) -> Option<Interval>) -> [Option<Interval>; 3] {
        let against = |other: &Option<Against>| other.as_ref().and_then(|other| of(&other.differences));
        [of(&self.intervals), against(&self.against_baseline), against(&self.against_free)]
    }

    /// The same for the recall of a class.
    fn recall_bounds(&self, class: usize) -> [Option<Interval>; 3] {
        self.bounds(|found| found.recalls.get(class).copied().flatten())
    }

    fn json(&self, classes: &[String]) -> Value {
        let mut object = Map::new();
        object.insert("name".to_owned(), json!(self.name));
        object.insert("label".to_owned(), json!(self.label));
        object.insert("makes_images".to_owned(), json!(self.adds == Adds::Made));
        object.insert("seeds".to_owned(), json!(self.seeds));
        for (key, spread) in &self.figures {
            put(&mut object, key, *spread);
        }
        object.insert("intervals".to_owned(), Value::Object(by_figure(&self.intervals)));
        let classes = classes.iter().zip(&self.classes).enumerate();
        let classes = classes.map(|(at, (name, class))| class.json(name, self.recall_bounds(at)));
        object.insert("classes".to_owned(), Value::Array(classes.collect()));
        object.insert("confusion".to_owned(), json!(self.confusion.rows()));
        object.insert("difference".to_owned(), against(self.against_baseline.as_ref()));
        object.insert("difference_free".to_owned(), against(self.against_free.as_ref()));
        Value::Object(object)
    }
}

/// The columns of [`Comparison::csv`].
pub const CSV_COLUMNS: [&str; 14] = [
    "treatment",
    "class",
    "figure",
    "mean",
    "sd",
    "seeds",
    "low",
    "high",
    "difference",
    "difference_low",
    "difference_high",
    "difference_free",
    "difference_free_low",
    "difference_free_high",
];

/// `0.812 ± 0.010`, `0.812` for one seed, `-` where there is no value.
fn cell(spread: Option<Spread>) -> String {
    match spread {
        Some(Spread { mean, sd: Some(sd) }) => format!("{mean:.3} ± {sd:.3}"),
        Some(Spread { mean, sd: None }) => format!("{mean:.3}"),
        None => "-".to_owned(),
    }
}

/// `+0.052 (+0.021 to +0.083)`, or `-`.
fn difference(of: Option<&Against>) -> String {
    match of.and_then(|of| of.differences.acsa()) {
        Some(Interval { value, low, high }) => format!("{value:+.3} ({low:+.3} to {high:+.3})"),
        None => "-".to_owned(),
    }
}

impl Comparison {
    /// An object with `treatments`, `baseline`, `summary`, `test_images` and `classes` (name, training and
    /// test images).
    pub fn json(&self) -> Value {
        let mut supports = vec![0_usize; self.test.classes.len()];
        self.test.truth.iter().for_each(|&class| supports[class] += 1);
        let classes = self.test.classes.iter().zip(&self.test.training).zip(&supports);
        let treatments = self.treatments.iter().map(|result| result.json(&self.test.classes));
        json!({
            "treatments": treatments.collect::<Vec<Value>>(),
            "baseline": self.baseline,
            "summary": self.summary,
            "test_images": self.test.truth.len(),
            "classes": classes
                .map(|((name, training), test)| json!({ "name": name, "training": training, "test": test }))
                .collect::<Vec<Value>>(),
        })
    }

    /// Heads and rows of a table for people: the figures, and the difference of ACSA against the baseline and, where
    /// a treatment adds images, against the best one that adds none.
    pub fn table(&self) -> Vec<Vec<String>> {
        let mut rows = self.figure_table(is_first);
        let free = self.best_free();
        let heads = std::iter::once(self.baseline.as_str()).chain(free);
        let heads: Vec<String> = heads.map(|name| format!("ACSA against {name}")).collect();
        let against = self.treatments.iter().map(|result| {
            let mut cells = vec![difference(result.against_baseline.as_ref())];
            cells.extend(free.map(|_| difference(result.against_free.as_ref())));
            cells
        });
        rows.iter_mut().zip(std::iter::once(heads).chain(against)).for_each(|(row, cells)| row.extend(cells));
        rows
    }

    /// Heads and rows of some figures: a row for each treatment.
    fn figure_table(&self, wanted: fn(&str) -> bool) -> Vec<Vec<String>> {
        let names = Comparison::figure_names();
        let columns: Vec<(&str, &str)> = names.into_iter().filter(|(key, _)| wanted(key)).collect();
        let mut head = vec!["treatment".to_owned()];
        head.extend(columns.iter().map(|(_, name)| (*name).to_owned()));
        let rows = self.treatments.iter().map(|result| {
            let cells = columns.iter().map(|(key, _)| cell(result.figure(key)));
            std::iter::once(result.name.clone()).chain(cells).collect::<Vec<String>>()
        });
        std::iter::once(head).chain(rows).collect()
    }

    /// Heads and rows of the recalls: a row for each treatment, a column for each class.
    pub fn recall_table(&self) -> Vec<Vec<String>> {
        self.class_table("recall", |class| class.recall)
    }

    /// Heads and rows of one figure of the classes.
    fn class_table(&self, figure: &str, of: fn(&ClassResult) -> Option<Spread>) -> Vec<Vec<String>> {
        let mut head = vec![figure.to_owned()];
        head.extend(self.test.classes.iter().cloned());
        let rows = self.treatments.iter().map(|result| {
            let cells = result.classes.iter().map(|class| cell(of(class)));
            std::iter::once(result.name.clone()).chain(cells).collect::<Vec<String>>()
        });
        std::iter::once(head).chain(rows).collect()
    }

    /// Heads and rows of the answers of a treatment: a row for each true class, a column for each that was said.
    fn answers_table(&self, result: &TreatmentResult) -> Vec<Vec<String>> {
        let mut head = vec![format!("answers of {}", result.name)];
        head.extend(self.test.classes.iter().cloned());
        let rows = self.test.classes.iter().zip(result.confusion.rows()).map(|(name, counts)| {
            let counts = counts.iter().map(u64::to_string);
            std::iter::once(name.clone()).chain(counts).collect::<Vec<String>>()
        });
        std::iter::once(head).chain(rows).collect()
    }

    /// The tables and sentences as a page in Markdown; `setting` are lines on how it was run.
    pub fn markdown(&self, setting: &[String]) -> String {
        let mut text = "# Treatments compared on real test images\n\n".to_owned();
        self.summary.iter().for_each(|sentence| text += &format!("{sentence}\n"));
        for table in [
            self.table(),
            self.figure_table(|key| !is_first(key)),
            self.recall_table(),
            self.class_table("precision", |class| class.precision),
            self.class_table("F1", |class| class.f1),
            self.class_table("F0.5", |class| class.f05),
        ] {
            text += &written(&table);
        }
        text += "\nMean ± standard deviation over seeds. Differences are paired by seed and image, with their \
                 95 % intervals over test images and seeds. GM is the root of the product of the recalls; its \
                 macro form is the one that published tables of generators use: the specificity of a class counts \
                 the images of all others, so it is near 1 and the figure lies higher, and with as many test images \
                 of each class it follows from ACSA and says nothing more.\n\n\
                 Answers of all seeds together: rows are true classes, columns what was said.\n";
        self.treatments.iter().for_each(|result| text += &written(&self.answers_table(result)));
        text += "\n";
        setting.iter().for_each(|line| text += &format!("- {line}\n"));
        text
    }

    /// Every figure of every treatment and class in long form: treatment, class, figure, mean, sd, seeds, and
    /// where there is an interval low, high, difference, difference_low, difference_high (against the baseline),
    /// difference_free, difference_free_low, difference_free_high (against the best treatment that adds no images,
    /// for those that do). Of classes the recall has one.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(CSV_COLUMNS)?;
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| rounded(value).to_string());
        for result in &self.treatments {
            let seeds = result.seeds.len().to_string();
            let mut write = |class: &str, figure: &str, spread: Option<Spread>, of: [Option<Interval>; 3]| {
                let [own, difference, free] = of;
                let bounds = [
                    own.map(|own| own.low),
                    own.map(|own| own.high),
                    difference.map(|difference| difference.value),
                    difference.map(|difference| difference.low),
                    difference.map(|difference| difference.high),
                    free.map(|difference| difference.value),
                    free.map(|difference| difference.low),
                    free.map(|difference| difference.high),
                ];
                let mut record = vec![result.name.clone(), class.to_owned(), figure.to_owned()];
                record.push(number(spread.map(|spread| spread.mean)));
                record.push(number(spread.and_then(|spread| spread.sd)));
                record.push(seeds.clone());
                record.extend(bounds.map(number));
                writer.write_record(&record)
            };
            for (key, spread) in &result.figures {
                let at = Figure::ALL.iter().position(|figure| figure.key() == *key);
                write("", key, *spread, result.bounds(|found| found.figures[at?]))?;
            }
            for (at, (name, class)) in self.test.classes.iter().zip(&result.classes).enumerate() {
                write(name, "recall", class.recall, result.recall_bounds(at))?;
                for (figure, spread) in [("precision", class.precision), ("f1", class.f1), ("f05", class.f05)]
                {
                    write(name, figure, spread, [None; 3])?;
                }
            }
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    }

    /// The answers of every treatment in long form, all seeds together: treatment, class, said, answers.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn confusion_csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["treatment", "class", "said", "answers"])?;
        for result in &self.treatments {
            for (name, counts) in self.test.classes.iter().zip(result.confusion.rows()) {
                for (said, count) in self.test.classes.iter().zip(counts) {
                    let count = count.to_string();
                    writer.write_record([
                        result.name.as_str(),
                        name.as_str(),
                        said.as_str(),
                        count.as_str(),
                    ])?;
                }
            }
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    }
}

/// A table in Markdown, after an empty line.
fn written(table: &[Vec<String>]) -> String {
    let mut text = "\n".to_owned();
    for (at, row) in table.iter().enumerate() {
        let cells: Vec<String> = row.iter().map(|cell| escaped(cell)).collect();
        text += &format!("| {} |\n", cells.join(" | "));
        if at == 0 {
            text += &format!("|---|{}\n", "---:|".repeat(row.len().saturating_sub(1)));
        }
    }
    text
}

/// A cell that cannot break its table.
fn escaped(cell: &str) -> String {
    cell.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().replace('|', "\\|")
}
