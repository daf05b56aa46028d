//! Treatments of imbalance that need no generator, by name: what each does to sampling, loss, batches or
//! probabilities, and which of them go together.
//!
//! One table says what there is; [`fit()`] trains a classifier under one of them, or under several that
//! change different parts of a training (`mixup+drs`). All treatments of a comparison start from the same
//! weights, take the same number of steps with the same schedule and batch, and differ in what they are
//! about. Whatever is deferred begins where the learning rate first drops, at four fifths of the steps.

mod combination;
mod ensemble;
mod fit;
mod mixup;
mod recipe;
mod sampler;
mod saved;
mod threshold;
mod tree;

use std::fmt;
use std::str::FromStr;

pub use combination::{CombinationError, Correction, Member, Overlap, Part, check};
pub use ensemble::{Boosted, Ensemble, EnsembleSettings, cascade_pools};
pub use fit::{FitError, Fitted, Options, Preset, Step, fit};
pub use mixup::{blend, share};
pub use recipe::{Draw, Recipe, start_bias};
pub use sampler::Sampler;
pub use saved::{Classifier, Owner, Reading, SavedClassifier, SavedError};
pub use threshold::{Rescale, rescale};
pub use tree::{Rows, Tree};

use crate::domain::imbalance::Scheme;

/// The values that a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values {
    /// From `min` to `max`, both allowed.
    Number { default: f64, min: f64, max: f64 },
    /// The first is the default.
    Word(&'static [&'static str]),
    /// A share for each class in class order, with `/` between; as many of each where it is left out.
    Shares,
}

/// A parameter of a treatment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParamInfo {
    pub name: &'static str,
    /// What it does, for people.
    pub help: &'static str,
    /// Where the default comes from.
    pub source: &'static str,
    pub values: Values,
}

/// What a treatment is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TreatmentInfo {
    /// The id on the command line and in results.
    pub id: &'static str,
    /// Other words that stand for it.
    pub aliases: &'static [&'static str],
    /// For people.
    pub label: &'static str,
    /// One sentence on what it does.
    pub summary: &'static str,
    /// Where it was published.
    pub source: &'static str,
    pub params: &'static [ParamInfo],
    /// What of a training it changes; none for plain training.
    pub parts: &'static [Part],
    /// How far it corrects for the shares of the classes.
    pub corrects: Correction,
    kind: Kind,
}

/// What the recipe is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    None,
    Oversample,
    ClassAware,
    Undersample,
    Weights(Scheme),
    LoweredWeights,
    RaisedWeights,
    BalancedSoftmax,
    BalancedSigmoid,
    BalancedFocal,
    Focal,
    Margin,
    MarginDeferred,
    DeferredSampling,
    DeferredWeights,
    Mixup,
    MixupDeferred,
    Threshold,
    EasyEnsemble,
    BalanceCascade,
}

impl Kind {
    const fn parts(self) -> &'static [Part] {
        match self {
            Kind::None => &[],
            Kind::Oversample | Kind::ClassAware | Kind::Undersample | Kind::DeferredSampling => {
                &[Part::Batches]
            }
            Kind::Weights(_) | Kind::DeferredWeights => &[Part::Weights],
            Kind::LoweredWeights | Kind::RaisedWeights => &[Part::Batches, Part::Weights],
            Kind::BalancedSoftmax | Kind::BalancedSigmoid | Kind::BalancedFocal | Kind::MarginDeferred => {
                &[Part::Loss, Part::Weights]
            }
            Kind::Focal | Kind::Margin => &[Part::Loss],
            Kind::Mixup => &[Part::Blend],
            Kind::MixupDeferred => &[Part::Blend, Part::Weights],
            Kind::Threshold | Kind::EasyEnsemble | Kind::BalanceCascade => &[Part::Outputs],
        }
    }

    const fn corrects(self) -> Correction {
        match self {
            Kind::None | Kind::Focal | Kind::Mixup => Correction::None,
            Kind::Weights(Scheme::Isns) | Kind::Margin => Correction::Partial,
            _ => Correction::Full,
        }
    }
}

/// What is compared with plain training where nothing else is asked for: the remedies that cost nothing more and were
/// among the first on one data set or another (docs/experiments.md), and the weights that everybody knows.
pub const FIRST_CHOICE: [&str; 6] =
    ["undersample", "class-aware", "weights-balanced", "drs", "mixup-drw", "threshold"];

const BETA: ParamInfo = ParamInfo {
    name: "beta",
    help: "Of the effective number of samples; nearer to 1 weighs rare classes more.",
    source: "the papers: 0.999 and 0.9999; M2m's release: 0.999",
    values: Values::Number { default: 0.999, min: 0.0, max: 0.999_999 },
};
const COUNTS: ParamInfo = ParamInfo {
    name: "counts",
    help: "Weights from the counts of the training part, or of each batch over the classes in it.",
    source: "both are in use; the released code of class-balanced losses counts the training part",
    values: Values::Word(&["training", "batch"]),
};
const FOCUSING: ParamInfo = ParamInfo {
    name: "focusing",
    help: "How much less an image that is already told right counts.",
    source: "Cui et al. on CIFAR and M2m's release: 1; Lin et al.: 2",
    values: Values::Number { default: 1.0, min: 0.0, max: 10.0 },
};
const MARGIN: ParamInfo = ParamInfo {
    name: "margin",
    help: "Margin of the rarest class, in cosines.",
    source: "release of LDAM: 0.5",
    values: Values::Number { default: 0.5, min: 0.0, max: 1.0 },
};
const SCALE: ParamInfo = ParamInfo {
    name: "scale",
    help: "What cosines are multiplied with.",
    source: "release of LDAM: 30",
    values: Values::Number { default: 30.0, min: 1.0, max: 100.0 },
};
const ALPHA: ParamInfo = ParamInfo {
    name: "alpha",
    help: "Of the beta law of the share of the first image; 1 is uniform, smaller blends less.",
    source: "Zhang et al. on CIFAR: 1",
    values: Values::Number { default: 1.0, min: 0.05, max: 2.0 },
};
const STRENGTH: ParamInfo = ParamInfo {
    name: "strength",
    help: "Power of the correction: 0 changes nothing, 1 is the whole of it.",
    source: "Bayes' rule: 1",
    values: Values::Number { default: 1.0, min: 0.0, max: 1.0 },
};
const PRIOR: ParamInfo = ParamInfo {
    name: "prior",
    help: "Shares of the classes where the classifier will be used.",
    source: "as many of each class, which is what ACSA asks for",
    values: Values::Shares,
};

const POWER: ParamInfo = ParamInfo {
    name: "power",
    help: "Resampling brings n images part of the way, in proportion to n to this power; weights do the rest. 0 is \
           all resampling, 1 all weights.",
    source: "ours: half the way; the tables with US+CS and OS+CS name no shares",
    values: Values::Number { default: 0.5, min: 0.0, max: 1.0 },
};
const SUBSETS: ParamInfo = ParamInfo {
    name: "subsets",
    help: "Balanced subsets, each with trees of its own.",
    source: "Liu et al.: 4; imbalanced-learn's EasyEnsembleClassifier: 10",
    values: Values::Word(&["4", "2", "3", "5", "10", "20"]),
};
const ROUNDS: ParamInfo = ParamInfo {
    name: "rounds",
    help: "Trees of each subset.",
    source: "Liu et al.: 10",
    values: Values::Word(&["10", "1", "5", "20", "50"]),
};
const DEPTH: ParamInfo = ParamInfo {
    name: "depth",
    help: "Levels of splits of a tree; 1 is a stump.",
    source: "ours: 3, which can name eight classes; scikit-learn's AdaBoostClassifier: 1",
    values: Values::Word(&["3", "1", "2", "4", "5", "6"]),
};

const fn row(
    kind: Kind,
    id: &'static str,
    label: &'static str,
    summary: &'static str,
    source: &'static str,
    params: &'static [ParamInfo],
) -> TreatmentInfo {
    let (parts, corrects) = (kind.parts(), kind.corrects());
    TreatmentInfo { id, aliases: &[], label, summary, source, params, parts, corrects, kind }
}

const fn also(aliases: &'static [&'static str], info: TreatmentInfo) -> TreatmentInfo {
    TreatmentInfo { aliases, ..info }
}

static TABLE: [TreatmentInfo; 23] = [
    also(
        &["erm"],
        row(
            Kind::None,
            "none",
            "Plain training",
            "Cross entropy over each image once an epoch: empirical risk minimisation.",
            "-",
            &[],
        ),
    ),
    also(
        &["random-oversampling"],
        row(
            Kind::Oversample,
            "oversample",
            "Random oversampling",
            "Training images are repeated until each class has as many as the largest.",
            "common practice",
            &[],
        ),
    ),
    also(
        &["balanced-sampling"],
        row(
            Kind::ClassAware,
            "class-aware",
            "Class-aware sampling",
            "A class of equal chance is drawn, then an image of it.",
            "Shen et al., ECCV 2016",
            &[],
        ),
    ),
    also(
        &["undersampling"],
        row(
            Kind::Undersample,
            "undersample",
            "Random undersampling",
            "Each class keeps as many training images as the smallest, chosen once.",
            "common practice",
            &[],
        ),
    ),
    row(
        Kind::Weights(Scheme::Balanced),
        "weights-balanced",
        "Weights, balanced",
        "An image's loss is weighed with N / (C n); the mean weight of an image is 1.",
        "scikit-learn's compute_class_weight",
        &[COUNTS],
    ),
    row(
        Kind::Weights(Scheme::Ins),
        "weights-ins",
        "Weights, inverse counts",
        "An image's loss is weighed with 1 / n, scaled to the sum C; the loss as a whole shrinks.",
        "Huang et al., CVPR 2016",
        &[COUNTS],
    ),
    row(
        Kind::Weights(Scheme::Isns),
        "weights-isns",
        "Weights, inverse roots of counts",
        "An image's loss is weighed with 1 / sqrt(n), scaled to the sum C.",
        "Mahajan et al., ECCV 2018",
        &[COUNTS],
    ),
    row(
        Kind::Weights(Scheme::Ens),
        "weights-ens",
        "Weights, effective numbers",
        "An image's loss is weighed with 1 over the effective number of its class, scaled to the sum C.",
        "Cui et al., CVPR 2019",
        &[BETA, COUNTS],
    ),
    row(
        Kind::LoweredWeights,
        "us-cs",
        "Undersampling and weights",
        "Undersampling part of the way, and weights for what it leaves; the mean weight of an image is 1.",
        "rows US+CS of Sahoo et al. 2020; the shares of the mix are ours",
        &[POWER],
    ),
    row(
        Kind::RaisedWeights,
        "os-cs",
        "Oversampling and weights",
        "Oversampling part of the way, and weights for what it leaves; the mean weight of an image is 1.",
        "rows OS+CS of Sahoo et al. 2020; the shares of the mix are ours",
        &[POWER],
    ),
    row(
        Kind::BalancedSoftmax,
        "cb-softmax",
        "Class-balanced softmax",
        "Cross entropy weighed by effective numbers, divided by the images of a batch.",
        "Cui et al., CVPR 2019",
        &[BETA],
    ),
    row(
        Kind::BalancedSigmoid,
        "cb-sigmoid",
        "Class-balanced sigmoid",
        "A logistic loss for each class, summed, weighed by the effective number of the true one.",
        "Cui et al., CVPR 2019",
        &[BETA],
    ),
    row(
        Kind::BalancedFocal,
        "cb-focal",
        "Class-balanced focal",
        "As cb-sigmoid, with images that are already told right counting less.",
        "Cui et al., CVPR 2019",
        &[BETA, FOCUSING],
    ),
    row(
        Kind::Focal,
        "focal",
        "Focal loss",
        "Cross entropy of the softmax, images already told right counting less; logistic: cb-focal:beta=0.",
        "Lin et al., ICCV 2017",
        &[FOCUSING],
    ),
    row(
        Kind::Margin,
        "ldam",
        "LDAM",
        "Cross entropy of scaled cosines; rare classes have to be told with a larger margin.",
        "Cao et al., NeurIPS 2019",
        &[MARGIN, SCALE],
    ),
    row(
        Kind::MarginDeferred,
        "ldam-drw",
        "LDAM, deferred weights",
        "LDAM, weighed by effective numbers in the last fifth of the steps.",
        "Cao et al., NeurIPS 2019",
        &[MARGIN, SCALE, BETA],
    ),
    row(
        Kind::DeferredSampling,
        "drs",
        "Deferred resampling",
        "Plain training, then class-aware sampling in the last fifth of the steps.",
        "Cao et al., NeurIPS 2019",
        &[],
    ),
    row(
        Kind::DeferredWeights,
        "drw",
        "Deferred weights",
        "Plain training, then weights by effective numbers in the last fifth of the steps.",
        "Cao et al., NeurIPS 2019",
        &[BETA],
    ),
    row(
        Kind::Mixup,
        "mixup",
        "Mixup",
        "Images of a batch are blended in pairs, and so are their labels.",
        "Zhang et al., ICLR 2018",
        &[ALPHA],
    ),
    row(
        Kind::MixupDeferred,
        "mixup-drw",
        "Mixup, deferred weights",
        "Mixup, weighed by effective numbers in the last fifth of the steps.",
        "Zhang et al., ICLR 2018; Cao et al., NeurIPS 2019",
        &[ALPHA, BETA],
    ),
    also(
        &["logit-adjusted"],
        row(
            Kind::Threshold,
            "threshold",
            "Threshold scaling",
            "Plain training; its probabilities are then divided by the shares of the classes.",
            "Buda et al. 2018; Menon et al., ICLR 2021",
            &[STRENGTH, PRIOR],
        ),
    ),
    row(
        Kind::EasyEnsemble,
        "easy-ensemble",
        "EasyEnsemble on features",
        "Plain training; AdaBoost of trees on balanced subsets of its features replaces the last layer.",
        "Liu, Wu and Zhou 2009; several classes by SAMME, Zhu et al. 2009",
        &[SUBSETS, ROUNDS, DEPTH],
    ),
    row(
        Kind::BalanceCascade,
        "balance-cascade",
        "BalanceCascade on features",
        "As EasyEnsemble; what a subset tells right leaves the larger classes before the next is drawn.",
        "Liu, Wu and Zhou 2009; several classes by SAMME, Zhu et al. 2009",
        &[SUBSETS, ROUNDS, DEPTH],
    ),
];

/// What is wrong with a treatment's name or parameters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    #[error("there is no treatment \"{0}\"; use {1}")]
    Unknown(String, String),
    #[error("{id} has no parameter \"{name}\"; it has {known}")]
    Param { id: &'static str, name: String, known: String },
    #[error("\"{text}\" is no parameter; write them after the name, as in cb-softmax:beta=0.99")]
    Form { text: String },
    #[error("{id}: {name} must be {wanted}, not {found}")]
    Value { id: &'static str, name: &'static str, wanted: String, found: String },
    #[error("{0}")]
    Combination(#[from] CombinationError),
}

impl Values {
    /// The values that are allowed, in words.
    pub fn describe(&self) -> String {
        match self {
            Values::Number { min, max, .. } => format!("a number from {min} to {max}"),
            Values::Word(words) => format!("one of {}", words.join(", ")),
            Values::Shares => "a share above 0 for each class, with / between".to_owned(),
        }
    }

    /// The default, in words.
    pub fn default_text(&self) -> String {
        match self {
            Values::Number { default, .. } => default.to_string(),
            Values::Word(words) => words.first().copied().unwrap_or_default().to_owned(),
            Values::Shares => "as many of each".to_owned(),
        }
    }

    fn parse(&self, text: &str) -> Option<Given> {
        match self {
            Values::Number { min, max, .. } => {
                let number: f64 = text.parse().ok()?;
                (*min <= number && number <= *max).then_some(Given::Number(number))
            }
            Values::Word(words) => words.iter().copied().find(|word| *word == text).map(Given::Word),
            Values::Shares => {
                let shares: Vec<f64> =
                    text.split('/').map(|share| share.trim().parse()).collect::<Result<_, _>>().ok()?;
                shares
                    .iter()
                    .all(|share: &f64| share.is_finite() && *share > 0.0)
                    .then_some(Given::Shares(shares))
            }
        }
    }
}

/// A value that was given.
#[derive(Clone, Debug, PartialEq)]
enum Given {
    Number(f64),
    Word(&'static str),
    Shares(Vec<f64>),
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Given::Number(number) => write!(f, "{number}"),
            Given::Word(word) => f.write_str(word),
            Given::Shares(shares) => {
                let shares: Vec<String> = shares.iter().map(f64::to_string).collect();
                f.write_str(&shares.join("/"))
            }
        }
    }
}

/// One row of the table with its parameters.
#[derive(Clone, Debug, PartialEq)]
struct One {
    info: &'static TreatmentInfo,
    /// What differs from the defaults, in the table's order.
    given: Vec<(&'static str, Given)>,
}

impl One {
    fn given(&self, name: &str) -> Option<&Given> {
        self.given.iter().find(|(given, _)| *given == name).map(|(_, value)| value)
    }

    fn values(&self, name: &str) -> Option<Values> {
        self.info.params.iter().find(|info| info.name == name).map(|info| info.values)
    }

    /// A number of the table; 0 for a name that this treatment does not have.
    fn number(&self, name: &str) -> f64 {
        match (self.given(name), self.values(name)) {
            (Some(Given::Number(number)), _) => *number,
            (_, Some(Values::Number { default, .. })) => default,
            _ => 0.0,
        }
    }

    /// A word of the table that is a whole number; 0 for a name that this treatment does not have.
    fn whole(&self, name: &str) -> usize {
        let word = match (self.given(name), self.values(name)) {
            (Some(Given::Word(word)), _) => Some(*word),
            (_, Some(Values::Word(words))) => words.first().copied(),
            _ => None,
        };
        word.and_then(|word| word.parse().ok()).unwrap_or(0)
    }

    fn takes_weights_of_batches(&self) -> bool {
        matches!(self.given("counts"), Some(Given::Word("batch")))
    }
}

impl FromStr for One {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut parts = text.split(':').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let info =
            TABLE.iter().find(|info| info.id == name || info.aliases.contains(&name)).ok_or_else(|| {
                let ids: Vec<&str> = TABLE.iter().map(|info| info.id).collect();
                ParseError::Unknown(name.to_owned(), ids.join(", "))
            })?;
        let mut found: Vec<Option<Given>> = vec![None; info.params.len()];
        for part in parts {
            let (name, value) =
                part.split_once('=').ok_or_else(|| ParseError::Form { text: part.to_owned() })?;
            let Some(at) = info.params.iter().position(|param| param.name == name) else {
                let known: Vec<&str> = info.params.iter().map(|param| param.name).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(ParseError::Param { id: info.id, name: name.to_owned(), known });
            };
            let param = &info.params[at];
            let given = param.values.parse(value).ok_or_else(|| ParseError::Value {
                id: info.id,
                name: param.name,
                wanted: param.values.describe(),
                found: value.to_owned(),
            })?;
            found[at] = Some(given);
        }
        let given = info.params.iter().zip(found).filter_map(|(param, given)| {
            let given = given.filter(|given| given.to_string() != param.values.default_text())?;
            Some((param.name, given))
        });
        Ok(One { info, given: given.collect() })
    }
}

impl fmt::Display for One {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.info.id)?;
        self.given.iter().try_for_each(|(name, value)| write!(f, ":{name}={value}"))
    }
}

/// A treatment with its parameters, or several that go together.
#[derive(Clone, Debug, PartialEq)]
pub struct Treatment {
    first: One,
    /// Those behind it in the table.
    more: Vec<One>,
}

impl Treatment {
    /// Every treatment there is, in the order of lists.
    pub fn table() -> &'static [TreatmentInfo] {
        &TABLE
    }

    /// Plain training.
    pub fn none() -> Self {
        Treatment { first: One { info: &TABLE[0], given: Vec::new() }, more: Vec::new() }
    }

    fn all(&self) -> impl Iterator<Item = &One> {
        std::iter::once(&self.first).chain(&self.more)
    }

    /// Of the first one, where several go together.
    pub fn info(&self) -> &'static TreatmentInfo {
        self.first.info
    }

    /// For people: the labels of all.
    pub fn label(&self) -> String {
        let labels: Vec<&str> = self.all().map(|one| one.info.label).collect();
        labels.join(" and ")
    }

    /// Each of them as a combination sees it.
    pub fn members(&self) -> Vec<Member> {
        self.all().map(|one| Member { id: one.info.id, parts: one.info.parts }).collect()
    }

    /// True where the network is that of plain training, and only what is made of its outputs differs.
    pub fn trains_plainly(&self) -> bool {
        self.all().all(|one| one.info.parts.iter().all(|part| *part == Part::Outputs))
    }

    /// True where it corrects for the shares of the classes at all.
    pub fn corrects(&self) -> bool {
        self.all().any(|one| one.info.corrects != Correction::None)
    }

    /// How the last layer gives way to trees, where it does.
    pub fn ensemble(&self) -> Option<EnsembleSettings> {
        self.all().find_map(|one| {
            let cascade = match one.info.kind {
                Kind::EasyEnsemble => false,
                Kind::BalanceCascade => true,
                _ => return None,
            };
            let [subsets, rounds, depth] = ["subsets", "rounds", "depth"].map(|name| one.whole(name));
            Some(EnsembleSettings { cascade, subsets, rounds, depth })
        })
    }

    /// Two corrections of the same thing among these, on such counts of training images.
    pub fn overlap(&self, counts: &[usize]) -> Option<Overlap> {
        /// What counts as even.
        const EVEN: f64 = 0.01;
        let named = |one: &One| one.to_string();
        let in_training = |one: &&One| {
            let parts = one.info.parts;
            one.info.corrects == Correction::Full
                && (parts.contains(&Part::Batches) || parts.contains(&Part::Weights))
        };
        let full: Vec<&One> = self.all().filter(in_training).collect();
        if let [first, second] = full[..] {
            let shares = self.recipe(counts).ok()?.shares(counts)?;
            let present = || (0..counts.len()).filter(|&class| counts[class] > 0);
            let rarest = present().min_by_key(|&class| counts[class])?;
            let largest = present().max_by_key(|&class| counts[class])?;
            let factor = shares[rarest] / shares[largest];
            let (first, second) = (named(first), named(second));
            return (factor > 1.0 + EVEN).then_some(Overlap::Twice { first, second, factor });
        }
        let threshold = self.all().find(|one| one.info.kind == Kind::Threshold)?;
        let other = self.all().find(|one| one.info.corrects != Correction::None && *one != threshold)?;
        let rescale = self.rescaling(counts)?;
        let idle = rescale
            .target
            .iter()
            .zip(&rescale.prior)
            .all(|(target, prior)| (target / prior - 1.0).abs() < EVEN || *prior == 0.0);
        idle.then(|| Overlap::Idle { first: named(other), second: named(threshold) })
    }
}

impl FromStr for Treatment {
    type Err = ParseError;

    /// `id` or `id:name=value:name=value`, or several of these with `+` between. The order does not matter.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut all = text
            .split('+')
            .map(|part| part.trim().parse::<One>())
            .collect::<Result<Vec<One>, ParseError>>()?;
        all.sort_by_key(|one| TABLE.iter().position(|info| info.id == one.info.id));
        let members: Vec<Member> =
            all.iter().map(|one| Member { id: one.info.id, parts: one.info.parts }).collect();
        check(&members)?;
        let weights = all.iter().find(|one| one.takes_weights_of_batches());
        let outputs = all.iter().find(|one| one.info.kind == Kind::Threshold);
        if let (Some(weights), Some(outputs)) = (weights, outputs) {
            let (weights, outputs) = (weights.info.id, outputs.info.id);
            return Err(CombinationError::UnknownShares { weights, outputs }.into());
        }
        let first = all.remove(0);
        Ok(Treatment { first, more: all })
    }
}

impl fmt::Display for Treatment {
    /// The ids and what differs from the defaults; reads back to the same treatment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        self.more.iter().try_for_each(|one| write!(f, "+{one}"))
    }
}
