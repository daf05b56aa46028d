//! How good the images of generators are, as a table of every figure under every seed and fold.

use super::EvaluateOutcome;

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
    /// CSV with a row for each figure of each class that a generator made images of; `real` is the same figure between
    /// real images, folds count from 1. A class without figures has one row.
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
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    }
}
