//! Class weights as other programs take them: JSON, Keras, PyTorch, scikit-learn, and a table of images.
//!
//! The text is a pure function of a data set; [`ClassWeights::write`] makes a file of it, whole or not at all.
//!
//! Classes are numbered as torchvision's ImageFolder and Keras' image_dataset_from_directory number them: by the
//! code points of their names. Everywhere else they stand in natural order, and the two may differ: `class10`
//! comes before `class2` here.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::str::FromStr;

use serde_json::{Value, json};

use super::error::ExportError;
use super::new_file::write_new_file;
use crate::domain::imbalance::{Scheme, WeightsError, weights};
use crate::domain::numbers::counted;
use crate::domain::provenance::Kind;
use crate::domain::samples::{Dataset, Sample};
use crate::domain::splits::Split;

/// What a file of weights is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WeightsFormat {
    /// One object, for any program.
    #[default]
    Json,
    /// Python with a dict of class index and weight, for `model.fit`.
    Keras,
    /// Python with a tensor for `CrossEntropyLoss` and weights for `WeightedRandomSampler`.
    Torch,
    /// Python with a dict of class name and weight, for `class_weight` or `sample_weight`.
    Sklearn,
    /// A row for each training image.
    Csv,
}

/// An unknown format of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown format of weights; use json, keras, torch, sklearn or csv")]
pub struct WeightsFormatError;

impl WeightsFormat {
    pub const ALL: [WeightsFormat; 5] = [
        WeightsFormat::Json,
        WeightsFormat::Keras,
        WeightsFormat::Torch,
        WeightsFormat::Sklearn,
        WeightsFormat::Csv,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            WeightsFormat::Json => "json",
            WeightsFormat::Keras => "keras",
            WeightsFormat::Torch => "torch",
            WeightsFormat::Sklearn => "sklearn",
            WeightsFormat::Csv => "csv",
        }
    }
}

impl FromStr for WeightsFormat {
    type Err = WeightsFormatError;

    fn from_str(text: &str) -> Result<Self, WeightsFormatError> {
        WeightsFormat::ALL.into_iter().find(|f| f.as_str() == text).ok_or(WeightsFormatError)
    }
}

/// The weight of one class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassWeight {
    pub name: String,
    /// Of the training split, at least 1.
    pub images: usize,
    /// By the scheme, above 0.
    pub weight: f64,
    /// Position among the class names sorted by code points, from 0: the label that loaders give.
    pub index: usize,
}

impl ClassWeight {
    /// `1 / images`, with which a weighted sampler draws every class equally often.
    pub fn sampler_weight(&self) -> f64 {
        1.0 / self.images as f64
    }
}

/// What holds for every use of the weights.
const NEVER_BOTH: &str =
    "Weigh the loss, or draw images by weight or repeat them, never both: that corrects twice.";

const ORDER: &str = "class names by code points, as torchvision's ImageFolder and Keras' \
                     image_dataset_from_directory sort class folders; \"class10\" comes before \"class2\"";

const KERAS: &str = "\
#
# Use, with FOLDER the folder in which the class folders of the training images are; class_names keeps the order:
#
#     dataset = keras.utils.image_dataset_from_directory(FOLDER, class_names=class_names)
#     model.fit(dataset, class_weight=class_weight)
#
# Keras divides the weighted loss by the images of the batch: the scale of the weights scales the learning rate.

";

const TORCH: &str = "\
#
# Use, with dataset a torchvision.datasets.ImageFolder of the training images. Either weigh the loss:
#
#     assert dataset.classes == class_names
#     criterion = torch.nn.CrossEntropyLoss(weight=weight.to(device))
#
# CrossEntropyLoss divides by the weights of the batch: their scale does not matter, and in a batch of one class
# they cancel. Or draw every class equally often, whatever the scheme, by one over the images of the class:
#
#     assert dataset.classes == class_names
#     draws = [sampler_weights[target] for target in dataset.targets]
#     sampler = torch.utils.data.WeightedRandomSampler(draws, num_samples=len(draws))

import torch

";

const SKLEARN: &str = "\
#
# Use, with the class names in y:
#
#     LogisticRegression(class_weight=class_weight).fit(X, y)
#
# An estimator without class_weight takes a weight for each image instead:
#
#     estimator.fit(X, y, sample_weight=[class_weight[label] for label in y])
#
# scikit-learn multiplies class_weight and sample_weight: give one of them. Where y holds the labels of a loader:
#
#     {index: class_weight[name] for index, name in enumerate(sorted(class_weight))}

";

/// The weights of a data set's classes, from the counts of its training split.
#[derive(Clone, Debug)]
pub struct ClassWeights<'a> {
    dataset: &'a Dataset,
    scheme: Scheme,
    beta: f64,
    /// In the order of the data set.
    classes: Vec<ClassWeight>,
}

impl<'a> ClassWeights<'a> {
    /// `beta`, in \[0, 1), is used by [`Scheme::Ens`] alone.
    ///
    /// # Errors
    /// As [`weights`].
    pub fn new(dataset: &'a Dataset, scheme: Scheme, beta: f64) -> Result<Self, WeightsError> {
        let counts = dataset.training_counts();
        let weights = weights(&counts, scheme, beta)?;
        let mut sorted: Vec<&String> = dataset.classes.iter().collect();
        sorted.sort_unstable();
        let classes = dataset.classes.iter().zip(counts).zip(weights);
        let classes = classes.map(|((name, images), weight)| {
            let index = sorted.partition_point(|other| *other < name);
            ClassWeight { name: name.clone(), images, weight, index }
        });
        Ok(ClassWeights { dataset, scheme, beta, classes: classes.collect() })
    }

    /// In the order of the data set, which is the natural one.
    pub fn classes(&self) -> &[ClassWeight] {
        &self.classes
    }

    /// The whole file. Numbers are the shortest that read back to the same f64.
    ///
    /// The table follows RFC 4180: `file` relative to the image folder with `/`, `label`, `weight` by the scheme,
    /// and `sampler_weight`, which is [`ClassWeight::sampler_weight`]; only training images that count.
    ///
    /// # Errors
    /// None is known: the table's writer could refuse a row.
    pub fn text(&self, format: WeightsFormat) -> io::Result<String> {
        match format {
            WeightsFormat::Json => Ok(self.json()),
            WeightsFormat::Keras => Ok(self.keras()),
            WeightsFormat::Torch => Ok(self.torch()),
            WeightsFormat::Sklearn => Ok(self.sklearn()),
            WeightsFormat::Csv => self.csv(),
        }
    }

    /// Writes [`ClassWeights::text`] to the new file `out`, staged beside it and flushed.
    ///
    /// # Errors
    /// The file exists or lies in the image folder; disk and permissions.
    pub fn write(&self, format: WeightsFormat, out: &Path) -> Result<(), ExportError> {
        let text = self.text(format).map_err(|e| ExportError::io("write the file", out, e))?;
        write_new_file(&self.dataset.root, out, text.as_bytes())
    }

    /// In the order of their index.
    fn by_index(&self) -> Vec<&ClassWeight> {
        let mut classes: Vec<&ClassWeight> = self.classes.iter().collect();
        classes.sort_unstable_by_key(|class| class.index);
        classes
    }

    fn images(&self) -> usize {
        self.classes.iter().map(|class| class.images).sum()
    }

    /// The name of the image folder, without the way to it.
    fn folder(&self) -> String {
        self.dataset.root.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// How a raw weight follows from a count.
    fn rule(&self) -> &'static str {
        match self.scheme {
            Scheme::Balanced => {
                "all training images over the number of classes and over the images of the class"
            }
            Scheme::Ins => "one over the images n of the class",
            Scheme::Isns => "one over the square root of the images n of the class",
            Scheme::Ens => "one over the effective number of images of the class, (1 - beta^n) / (1 - beta)",
        }
    }

    /// `None` where the scheme has none.
    fn used_beta(&self) -> Option<f64> {
        (self.scheme == Scheme::Ens).then_some(self.beta)
    }

    fn normalisation(&self) -> &'static str {
        match self.scheme {
            Scheme::Balanced => "none; the mean weight of a training image is 1",
            Scheme::Ins | Scheme::Isns | Scheme::Ens => "the weights sum to the number of classes",
        }
    }

    /// Sentences that belong to the numbers; the table of images has no place for them.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = vec![NEVER_BOTH.to_owned()];
        let repeated = |s: &&Sample| !s.excluded && s.kind == Kind::Repeated && s.split == Split::Train;
        let repeated = self.dataset.samples.iter().filter(repeated).count();
        if repeated > 0 {
            notes.push(format!(
                "The folder holds {} not counted: a loader that reads them too corrects twice with these weights.",
                counted(repeated, "repeated image, which is", "repeated images, which are")
            ));
        }
        notes
    }

    fn json(&self) -> String {
        let classes = self.by_index().into_iter().map(|class| {
            json!({
                "index": class.index,
                "name": class.name,
                "images": class.images,
                "weight": class.weight,
            })
        });
        let object = json!({
            "counterpoise": env!("CARGO_PKG_VERSION"),
            "folder": self.folder(),
            "split": Split::Train.as_str(),
            "images": self.images(),
            "scheme": self.scheme.as_str(),
            "beta": self.used_beta(),
            "rule": self.rule(),
            "normalisation": self.normalisation(),
            "order": ORDER,
            "notes": self.notes(),
            "classes": Value::Array(classes.collect()),
        });
        format!("{object:#}\n")
    }

    fn keras(&self) -> String {
        let mut out = self.header() + KERAS;
        self.class_names(&mut out);
        self.block(&mut out, "class_weight = {", "}", |class| {
            (format!("{}: {}", class.index, number(class.weight)), literal(&class.name))
        });
        out
    }

    fn torch(&self) -> String {
        let mut out = self.header() + TORCH;
        self.class_names(&mut out);
        let named = |class: &ClassWeight, value: f64| (number(value), literal(&class.name));
        self.block(&mut out, "class_weights = [", "]", |class| named(class, class.weight));
        self.block(&mut out, "sampler_weights = [", "]", |class| named(class, class.sampler_weight()));
        out.push_str("weight = torch.tensor(class_weights, dtype=torch.float32)\n");
        out
    }

    fn sklearn(&self) -> String {
        let mut out = self.header() + SKLEARN;
        self.block(&mut out, "class_weight = {", "}", |class| {
            (format!("{}: {}", literal(&class.name), number(class.weight)), place(class))
        });
        out
    }

    fn csv(&self) -> io::Result<String> {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        writer.write_record(["file", "label", "weight", "sampler_weight"])?;
        for (_, sample) in self.dataset.counted().filter(|(_, s)| s.split == Split::Train) {
            let Some(class) = self.classes.get(sample.class) else { continue };
            let (weight, sampler) = (number(class.weight), number(class.sampler_weight()));
            writer.write_record([&sample.path, &class.name, &weight, &sampler])?;
        }
        let bytes = writer.into_inner().map_err(|e| e.into_error())?;
        String::from_utf8(bytes).map_err(io::Error::other)
    }

    /// Comments that say where the numbers come from.
    fn header(&self) -> String {
        let mut out = String::new();
        let folder = literal(&self.folder());
        let version = env!("CARGO_PKG_VERSION");
        let _ = writeln!(out, "# Class weights of the image folder {folder}, by counterpoise {version}.");
        let _ = writeln!(out, "# Scheme: {}, {}.", self.scheme.as_str(), self.rule());
        if let Some(beta) = self.used_beta() {
            let _ = writeln!(out, "# Beta: {}", number(beta));
        }
        let _ = writeln!(out, "# Normalisation: {}.", self.normalisation());
        let _ = writeln!(
            out,
            "# Counts: {} images of the training split in {} classes, without excluded and repeated ones.",
            self.images(),
            self.classes.len()
        );
        let _ = writeln!(out, "# Order: {ORDER}.");
        for note in self.notes() {
            let _ = writeln!(out, "# {note}");
        }
        out
    }

    fn class_names(&self, out: &mut String) {
        self.block(out, "class_names = [", "]", |class| (literal(&class.name), place(class)));
    }

    /// A Python list or dict with a line for each class: the entry and the comment behind it.
    fn block(
        &self,
        out: &mut String,
        open: &str,
        close: &str,
        line: impl Fn(&ClassWeight) -> (String, String),
    ) {
        let _ = writeln!(out, "{open}");
        for class in self.by_index() {
            let (entry, comment) = line(class);
            let _ = writeln!(out, "    {entry},  # {comment}");
        }
        let _ = writeln!(out, "{close}");
    }
}

/// Index and count, for a comment.
fn place(class: &ClassWeight) -> String {
    format!("index {}, images {}", class.index, class.images)
}

/// The shortest number that reads back to the same f64, in Python, JSON and tables.
fn number(value: f64) -> String {
    format!("{value:?}")
}

/// `text` as a Python string on one line. Letters and digits of any script stay; quotes, backslashes and all that
/// an editor could change or hide is escaped: line breaks, combining marks, marks of direction.
fn literal(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        let code = u32::from(c);
        let _ = match c {
            '"' | '\\' => write!(out, "\\{c}"),
            ' '..='~' => write!(out, "{c}"),
            _ if c.is_alphanumeric() => write!(out, "{c}"),
            ..='\u{ff}' => write!(out, "\\x{code:02x}"),
            ..='\u{ffff}' => write!(out, "\\u{code:04x}"),
            _ => write!(out, "\\U{code:08x}"),
        };
    }
    out.push('"');
    out
}
