//! Classes: names in natural order, and the index that stands for a name everywhere else.

use std::cmp::Ordering;

/// Position of a class in the natural order of the class names of its data set.
pub type ClassId = usize;

/// Natural order: runs of digits compare as numbers, so `class2` comes before `class10`; ties are broken by
/// code points so that the order is total and the same on every machine.
pub fn natural_order(a: &str, b: &str) -> Ordering {
    natord::compare(a, b).then_with(|| a.cmp(b))
}

/// Sorts names naturally and drops repeats.
pub fn sorted_names(mut names: Vec<String>) -> Vec<String> {
    names.sort_by(|a, b| natural_order(a, b));
    names.dedup();
    names
}
