//! Which folder is a class and which a split, told from what turned out to be an image.
//!
//! A class is the first folder under the root with all images below it, at any depth. Where every top folder
//! that holds an image is named like a split, the class is the folder below it.

use std::collections::{BTreeMap, BTreeSet};

use super::Outcome;
use super::walk::Walk;
use crate::domain::classes::sorted_names;
use crate::domain::numbers::counted;
use crate::domain::splits::Split;

/// Classes and splits of a folder.
pub(super) struct Layout {
    /// In natural order.
    pub classes: Vec<String>,
    pub has_splits: bool,
    pub notes: Vec<String>,
}

/// Split and class of a file; `None` where it is in no class folder.
pub(super) fn place(path: &str, has_splits: bool) -> Option<(Split, &str)> {
    let (top, rest) = path.split_once('/')?;
    if has_splits { Some((Split::parse(top)?, rest.split_once('/')?.0)) } else { Some((Split::Train, top)) }
}

impl Layout {
    /// `outcomes` belong to `walk.files`, one each.
    pub fn of(walk: &Walk, outcomes: &[Outcome]) -> Layout {
        // Top folders, and whether anything in them is, or should be, an image.
        let mut tops: BTreeMap<&str, bool> = BTreeMap::new();
        for (file, outcome) in walk.files.iter().zip(outcomes) {
            if let Some((top, _)) = file.path.split_once('/') {
                *tops.entry(top).or_default() |= !matches!(outcome, Outcome::Ignored | Outcome::Dicom);
            }
        }
        let (splits, others): (Vec<&str>, Vec<&str>) = tops
            .iter()
            .filter(|(_, holds)| **holds)
            .map(|(top, _)| *top)
            .partition(|t| Split::parse(t).is_some());
        let has_splits = !splits.is_empty() && others.is_empty();
        let mut notes = Vec::new();
        if let (Some(split), Some(other), false) = (splits.first(), others.first(), has_splits) {
            notes.push(format!(
                "the folder \"{split}\" is taken as a class, because \"{other}\" beside it is no split"
            ));
        }
        let (classes, empty, without) = classes(walk, outcomes, has_splits);
        if !empty.is_empty() {
            let folders = counted(empty.len(), "class folder has", "class folders have");
            notes.push(format!("{folders} no readable image: {}", list(&empty)));
        }
        if !without.is_empty() {
            let folders = counted(without.len(), "folder holds", "folders hold");
            notes.push(format!("{folders} other files only and no class: {}", list(&without)));
        }
        Layout { classes, has_splits, notes }
    }
}

/// The classes, those of them without a readable image, and the folders that are no class because all they
/// hold are other files.
fn classes(
    walk: &Walk,
    outcomes: &[Outcome],
    has_splits: bool,
) -> (Vec<String>, BTreeSet<String>, BTreeSet<String>) {
    let (mut readable, mut damaged, mut other) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (file, outcome) in walk.files.iter().zip(outcomes) {
        if !file.named {
            continue;
        }
        if let Some((_, class)) = place(&file.path, has_splits) {
            match outcome {
                Outcome::Image(..) => readable.insert(class),
                Outcome::Unreadable(_) => damaged.insert(class),
                Outcome::Ignored | Outcome::Dicom => other.insert(class),
            };
        }
    }
    // A folder is a class by its name alone, so an empty one can be filled by the methods' plan.
    let bare = walk.folders.iter().filter_map(|folder| {
        let inside = place_of_folder(folder, has_splits)?;
        (!other.contains(inside)).then_some(inside)
    });
    let all: BTreeSet<&str> = readable.iter().chain(&damaged).copied().chain(bare).collect();
    let empty = all.iter().filter(|c| !readable.contains(*c)).map(|c| (*c).to_owned()).collect();
    let without = other.iter().filter(|c| !all.contains(*c)).map(|c| (*c).to_owned()).collect();
    (sorted_names(all.into_iter().map(str::to_owned).collect()), empty, without)
}

/// The class that a folder is, by its place.
fn place_of_folder(folder: &str, has_splits: bool) -> Option<&str> {
    match (folder.split_once('/'), has_splits) {
        (None, false) => Some(folder),
        (Some((top, class)), true) if Split::parse(top).is_some() => Some(class),
        _ => None,
    }
}

/// At most five names.
fn list(names: &BTreeSet<String>) -> String {
    let first: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
    let more = names.len() - first.len();
    if more == 0 { first.join(", ") } else { format!("{} and {more} more", first.join(", ")) }
}
