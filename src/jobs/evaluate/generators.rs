//! What generators gave, as tables: how good their images are under every seed and fold, and what a classifier learns
//! from these alone.

use super::EvaluateOutcome;
use crate::evaluation::comparison::CSV_COLUMNS;
use crate::evaluation::generators::MadeAlone;
use crate::evaluation::metrics::Spread;

/// What the rows of figures say that come from training on made images alone.
const ALONE: &str = "made images alone";

const COLUMNS: [&str; 13] = [
    "treatment",
    "seed",
    "fold",
    "class",
    "made",
    "accepted",
    "features",
    "figure",
    "value",
    "sd",
    "real",
    "n_made",
    "n_real",
];

impl EvaluateOutcome {
    /// The table of the comparison as CSV, and below it what a classifier learns from made images alone: ACSA and the
    /// recall of each class over the seeds, in rows of the same columns by the generators' names.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(self.comparison.csv()?);
        let all: Vec<&MadeAlone> = self.made.iter().filter_map(|of| of.alone.as_ref()).collect();
        let mut write = |generator: &str, class: &str, figure: &str, values: &[Option<f64>]| {
            let values: Vec<f64> = values.iter().copied().flatten().collect();
            let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
            let spread = Spread::of(&values);
            let mut record = vec![generator.to_owned(), class.to_owned(), figure.to_owned()];
            record.push(number(spread.map(|spread| spread.mean)));
            record.push(number(spread.and_then(|spread| spread.sd)));
            record.push(values.len().to_string());
            record.resize(CSV_COLUMNS.len(), String::new());
            writer.write_record(&record)
        };
        for (place, first) in all.iter().enumerate() {
            if all[..place].iter().any(|of| of.generator == first.generator) {
                continue;
            }
            let of: Vec<&&MadeAlone> = all.iter().filter(|of| of.generator == first.generator).collect();
            let values: Vec<Option<f64>> = of.iter().map(|of| of.acsa).collect();
            write(&first.generator, "", "acsa_made_alone", &values)?;
            for (class, recall) in first.recalls.iter().enumerate() {
                let values: Vec<Option<f64>> =
                    of.iter().map(|of| of.recalls.get(class).and_then(|of| of.recall)).collect();
                write(&first.generator, &recall.class, "recall_made_alone", &values)?;
            }
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    }

    /// CSV with a row for each figure of each class that a generator made images of; `real` is the same figure between
    /// real images, folds count from 1. A class without figures has one row. Behind them stand ACSA and recalls of what
    /// learnt from made images alone.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn generators_csv(&self) -> Result<Vec<u8>, csv::Error> {
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(COLUMNS)?;
        for of in &self.made {
            for class in &of.classes {
                let head = [
                    of.name.clone(),
                    of.seed.to_string(),
                    class.fold.map_or_else(String::new, |fold| (fold + 1).to_string()),
                    class.class.clone(),
                    class.made.to_string(),
                    class.accepted.to_string(),
                ];
                if class.figures.is_empty() {
                    let rest = std::iter::repeat_n(String::new(), COLUMNS.len() - head.len());
                    writer.write_record(head.iter().cloned().chain(rest))?;
                }
                for figure in &class.figures {
                    let rest = [
                        figure.features.clone(),
                        figure.name.clone(),
                        figure.value.to_string(),
                        number(figure.sd),
                        number(figure.floor),
                        figure.n_made.to_string(),
                        figure.n_real.to_string(),
                    ];
                    writer.write_record(head.iter().chain(&rest))?;
                }
            }
            let Some(alone) = &of.alone else { continue };
            let recalls = alone.recalls.iter().map(|of| (of.class.as_str(), "recall", of.recall));
            for (class, figure, value) in std::iter::once(("", "acsa", alone.acsa)).chain(recalls) {
                let (made, accepted) = (alone.slots.to_string(), alone.made.to_string());
                let (seed, value) = (of.seed.to_string(), number(value));
                let head =
                    [alone.generator.as_str(), &seed, "", class, &made, &accepted, ALONE, figure, &value];
                let rest = std::iter::repeat_n("", COLUMNS.len() - head.len());
                writer.write_record(head.into_iter().chain(rest))?;
            }
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    }
}
