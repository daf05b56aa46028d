//! File and folder names that every system can hold, unique where case and Unicode form do not count.
//!
//! A name keeps its letters and its Unicode form; only what some system refuses is replaced. All of it is
//! deterministic: the same paths in the same order get the same names.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization as _;

use crate::domain::splits::Split;
use crate::imaging::hash::sha256_hex;

/// Longest stem in bytes; longer ones are cut and marked with a hash.
const LONGEST: usize = 120;

/// Names that Windows keeps for devices, whatever the extension.
const RESERVED: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
    "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// The first eight hexadecimal digits of the text's hash.
pub(super) fn short_hash(text: &str) -> String {
    sha256_hex(text).chars().take(8).collect()
}

/// Stem and extension with its dot; a leading dot begins no extension.
fn divided(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if at > 0 => name.split_at(at),
        _ => (name, ""),
    }
}

/// The name where every system takes it, else one like it: refused and invisible characters become `_`, no
/// leading dot, no space or dot at the ends, no device name, at most 120 bytes before the extension.
pub(super) fn safe(name: &str) -> String {
    let replaced: String = name
        .chars()
        .map(|c| match c {
            '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' => '_',
            // Direction marks make a name read as another one.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '_',
            c if c.is_control() => '_',
            c => c,
        })
        .collect();
    let trimmed = replaced.trim_start().trim_end_matches([' ', '.']);
    let (stem, extension) = divided(trimmed);
    let device = stem.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let mark = if stem.is_empty() || stem.starts_with('.') || RESERVED.contains(&device.as_str()) {
        "_"
    } else {
        ""
    };
    if stem.len() + extension.len() <= LONGEST {
        return format!("{mark}{stem}{extension}");
    }
    // A very long extension is no extension.
    let (stem, extension) = if extension.len() > 16 { (trimmed, "") } else { (stem, extension) };
    let mut cut = LONGEST.min(stem.len());
    while !stem.is_char_boundary(cut) {
        cut -= 1;
    }
    let (head, _) = stem.split_at(cut);
    format!("{mark}{head}-{}{extension}", short_hash(name))
}

/// The form in which two names are the same on some system.
fn key(name: &str) -> String {
    name.nfc().flat_map(char::to_lowercase).nfc().collect()
}

/// The names taken in one folder.
#[derive(Debug, Default)]
pub(super) struct Taken(HashSet<String>);

impl Taken {
    /// `name` where it is free, else the name with a hash of `origin` before the extension.
    pub fn take(&mut self, name: &str, origin: &str) -> String {
        if self.0.insert(key(name)) {
            return name.to_owned();
        }
        let (stem, extension) = divided(name);
        let marked = format!("{stem}-{}", short_hash(origin));
        let mut unique = format!("{marked}{extension}");
        let mut number = 2;
        while !self.0.insert(key(&unique)) {
            unique = format!("{marked}-{number}{extension}");
            number += 1;
        }
        unique
    }
}

/// The name of a source file in its class folder: what lies between the class folder and the file is joined
/// with `_`, so that `train/cat/patient 1/a.png` becomes `patient 1_a.png`. Not yet made safe.
pub(super) fn flattened(path: &str, classes: &[String]) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let is_class = |at: usize| parts.get(at).is_some_and(|part| classes.iter().any(|class| class == part));
    let is_split = parts.first().is_some_and(|part| Split::parse(part).is_some());
    let skip = if parts.len() > 2 && is_split && is_class(1) {
        2
    } else {
        usize::from(parts.len() > 1 && is_class(0))
    };
    parts.iter().skip(skip).copied().collect::<Vec<_>>().join("_")
}

/// A class name for a file name: small ASCII letters, digits and hyphens.
pub(super) fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug: String = slug.trim_matches('-').chars().take(40).collect();
    if slug.is_empty() { "class".to_owned() } else { slug }
}
