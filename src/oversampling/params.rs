//! Parameters of methods: one macro writes the struct, its serde form and the table of fields.
//!
//! The table is what the window's form, the command line's flags and the documentation are made from; names,
//! defaults with their source, and ranges stand in the method's file and nowhere else.

use serde_json::{Map, Value};

/// Parameters as they travel: kebab-case names to JSON values.
pub type ParamMap = Map<String, Value>;

/// What values a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParamKind {
    Int { min: i64, max: i64 },
    Float { min: f64, max: f64 },
    Bool,
    Choice(&'static [&'static str]),
}

/// One row of a method's table.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamInfo {
    /// Kebab-case; also the flag's name.
    pub name: &'static str,
    /// For the form.
    pub label: &'static str,
    /// What it does, in sentences.
    pub help: &'static str,
    /// Where the default comes from: a paper, published code, ours, or inferred where nobody published it. A paper or
    /// code without a name is the method's own.
    pub source: &'static str,
    pub kind: ParamKind,
    /// `Null` where the program chooses from the data or the device.
    pub default: Value,
    /// Heading in the form.
    pub group: &'static str,
    /// True where making images asks it, so that it may be another one then than in the training.
    pub making: bool,
}

/// What is wrong with a parameter.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParamsError {
    #[error("there is no parameter \"{0}\" for this method")]
    Unknown(String),
    #[error("\"{name}\" must be {wanted}, not {found}")]
    Value { name: &'static str, wanted: String, found: String },
    #[error(
        "\"{name}\" was {trained} when this model was trained, and making images with it cannot change that to \
         {given}; leave it out, or train a model with it"
    )]
    Trained { name: &'static str, trained: String, given: String },
}

impl ParamKind {
    /// The values allowed, in words.
    pub fn describe(&self) -> String {
        match self {
            ParamKind::Int { min, max } => format!("a whole number from {min} to {max}"),
            ParamKind::Float { min, max } => format!("a number from {min} to {max}"),
            ParamKind::Bool => "true or false".to_owned(),
            ParamKind::Choice(words) => format!("one of {}", words.join(", ")),
        }
    }

    fn takes(&self, value: &Value) -> bool {
        match self {
            ParamKind::Int { min, max } => value.as_i64().is_some_and(|v| (*min..=*max).contains(&v)),
            ParamKind::Float { min, max } => value.as_f64().is_some_and(|v| *min <= v && v <= *max),
            ParamKind::Bool => value.is_boolean(),
            ParamKind::Choice(words) => value.as_str().is_some_and(|v| words.contains(&v)),
        }
    }

    /// The value that a flag's text stands for.
    ///
    /// # Errors
    /// Text outside the values allowed.
    pub fn parse(&self, name: &'static str, text: &str) -> Result<Value, ParamsError> {
        let value = match self {
            ParamKind::Int { .. } => text.parse::<i64>().ok().map(Value::from),
            ParamKind::Float { .. } => text.parse::<f64>().ok().map(Value::from),
            ParamKind::Bool => text.parse::<bool>().ok().map(Value::from),
            ParamKind::Choice(_) => Some(Value::from(text)),
        };
        value.filter(|value| self.takes(value)).ok_or_else(|| ParamsError::Value {
            name,
            wanted: self.describe(),
            found: text.to_owned(),
        })
    }
}

/// Where each default of a table comes from, by name: what a model file keeps of it.
pub fn sources(table: &[ParamInfo]) -> ParamMap {
    table.iter().map(|info| (info.name.to_owned(), Value::from(info.source))).collect()
}

/// The defaults of a table.
pub fn defaults(table: &[ParamInfo]) -> ParamMap {
    table.iter().map(|info| (info.name.to_owned(), info.default.clone())).collect()
}

/// The map with every missing name at its default.
///
/// # Errors
/// An unknown name or a value out of range.
pub fn complete(table: &'static [ParamInfo], map: &ParamMap) -> Result<ParamMap, ParamsError> {
    let mut whole = defaults(table);
    for (name, value) in map {
        let Some(info) = table.iter().find(|info| info.name == name) else {
            return Err(ParamsError::Unknown(name.clone()));
        };
        let free = value.is_null() && info.default.is_null();
        if !free && !info.kind.takes(value) {
            let (name, wanted) = (info.name, info.kind.describe());
            return Err(ParamsError::Value { name, wanted, found: value.to_string() });
        }
        whole.insert(name.clone(), value.clone());
    }
    Ok(whole)
}

/// What is in force when a model that was trained with `trained` makes images: of the parameters that are `given`,
/// those that making asks stand in the place of the model's. Null says nothing.
///
/// # Errors
/// An unknown name, a value out of range, or a parameter of the training that the model was trained otherwise with.
pub fn in_force(
    table: &'static [ParamInfo],
    trained: &ParamMap,
    given: &ParamMap,
) -> Result<ParamMap, ParamsError> {
    complete(table, given)?;
    let mut whole = complete(table, trained)?;
    for info in table {
        let Some(value) = given.get(info.name).filter(|value| !value.is_null()) else { continue };
        let Some(before) = whole.get_mut(info.name) else { continue };
        if info.making {
            *before = value.clone();
        } else if !is_same(before, value) {
            let words = |value: &Value| match value {
                Value::Null => "left open".to_owned(),
                value => value.to_string(),
            };
            let (name, trained, given) = (info.name, words(before), words(value));
            return Err(ParamsError::Trained { name, trained, given });
        }
    }
    Ok(whole)
}

/// True for one value, also where one of the two was written as a text and read again.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-12 * a.abs().max(b.abs()),
        _ => a == b,
    }
}

/// The parameters of training alone that a form has otherwise than a model was trained with, by label, and those of
/// making that a form leaves at another default than the model's, by label with the model's value.
pub fn differing(
    table: &'static [ParamInfo],
    trained: &ParamMap,
    form: &ParamMap,
) -> (Vec<&'static str>, Vec<(&'static str, Value)>) {
    let (mut later, mut kept) = (Vec::new(), Vec::new());
    for info in table {
        let before = trained.get(info.name).unwrap_or(&info.default);
        match form.get(info.name).filter(|value| !value.is_null()) {
            Some(value) if !info.making && !is_same(before, value) => later.push(info.label),
            None if info.making && !info.default.is_null() && !is_same(before, &info.default) => {
                kept.push((info.label, before.clone()));
            }
            _ => {}
        }
    }
    (later, kept)
}

/// True where the row of a table is marked `making`.
pub(crate) fn is_making(marks: &[&str]) -> bool {
    marks.contains(&"making")
}

/// Writes a `Params` struct with serde, defaults and its table.
///
/// Each field: doc lines (the help), `name: type = default, "flag-name", "label", "source", kind, "group";`, with
/// `, making` before the semicolon where [`ParamInfo::making`] holds. A field whose program-chosen default is `None` is
/// an `Option`.
macro_rules! params {
    ($(#[$meta:meta])* pub struct $name:ident { $(
        $(#[doc = $doc:literal])+
        $field:ident : $ty:ty = $default:expr, $flag:literal, $label:literal, $source:literal, $kind:expr,
        $group:literal $(, $making:ident)?;
    )* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $(
            $(#[doc = $doc])+
            #[serde(rename = $flag)]
            pub $field: $ty,
        )* }

        impl Default for $name {
            fn default() -> Self {
                $name { $($field: $default,)* }
            }
        }

        impl $name {
            /// The rows for forms, flags and documentation.
            pub fn table() -> &'static [$crate::oversampling::params::ParamInfo] {
                static TABLE: std::sync::OnceLock<Vec<$crate::oversampling::params::ParamInfo>> =
                    std::sync::OnceLock::new();
                TABLE.get_or_init(|| {
                    let defaults = $name::default();
                    vec![$(
                        $crate::oversampling::params::ParamInfo {
                            name: $flag,
                            label: $label,
                            help: concat!($($doc),+).trim_start(),
                            source: $source,
                            kind: $kind,
                            default: serde_json::to_value(&defaults.$field).unwrap_or_default(),
                            group: $group,
                            making: $crate::oversampling::params::is_making(&[$(stringify!($making))?]),
                        },
                    )*]
                })
            }

            /// Reads a map; missing names take their default.
            ///
            /// # Errors
            /// An unknown name or a value out of range.
            pub fn from_map(
                map: &$crate::oversampling::params::ParamMap,
            ) -> Result<Self, $crate::oversampling::params::ParamsError> {
                let whole = $crate::oversampling::params::complete(Self::table(), map)?;
                serde_json::from_value(serde_json::Value::Object(whole)).map_err(|error| {
                    $crate::oversampling::params::ParamsError::Unknown(error.to_string())
                })
            }
        }
    };
}
pub(crate) use params;

/// As [`params!`], with what every method asks whose candidates classifier g judges at the end.
macro_rules! judged_params {
    ($(#[$meta:meta])* pub struct $name:ident { $($own:tt)* }) => {
        $crate::oversampling::params::params! {
            $(#[$meta])*
            pub struct $name {
                $($own)*
                /// Confidence of classifier g that a candidate needs.
                judge_threshold: f64 = 0.5, "judge-threshold", "Confidence needed", "ours: 0.5",
                $crate::oversampling::params::ParamKind::Float { min: 0.0, max: 1.0 }, "Acceptance", making;
                /// Batches of classifier g: balanced ones let it name a class of a few dozen images.
                judge_batches: String = "balanced".to_owned(), "judge-batches", "Batches of the judge",
                "ours: balanced",
                $crate::oversampling::params::ParamKind::Choice(&["natural", "balanced"]), "Acceptance";
                /// Network of classifier g, the judge. Left open: small on a processor, ResNet-32 on a graphics card.
                judge_network: Option<String> = None, "judge-network", "Network of the judge",
                "ours: small on cpu, else resnet32",
                $crate::oversampling::params::ParamKind::Choice(&["small", "resnet32"]), "Acceptance";
            }
        }
    };
}
pub(crate) use judged_params;
