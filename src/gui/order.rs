//! Which rows a workspace shows, and in which order.
//!
//! A rule makes an order of a whole list, or changes one in place where single rows changed; both give the
//! same. A short list is put in order at once. For a long one the view asks ([`Pending`]), the app lets a job
//! make the order, and the old one stays until the new one is there. Knows rows and filters, no window and no
//! thread.

use std::collections::{HashMap, HashSet};

use super::filter::{Filter, Measure};
use super::state::{facts, split_position};
use crate::domain::classes::{ClassId, natural_order};
use crate::domain::decisions::{Decision, Verdict};
use crate::domain::samples::Dataset;
use crate::domain::splits::Split;
use crate::jobs::store::place_of;
use crate::project::CandidateRow;

/// Changed rows up to which an order is changed in place: each costs a search in it.
pub const IN_PLACE: usize = 1024;

/// Which candidates are shown, and by what they are sorted.
#[derive(Clone, Debug)]
pub struct CandidateRule {
    /// Name of the only class that is shown.
    pub class: Option<String>,
    pub verdict: Option<Verdict>,
    pub decision: Option<Decision>,
    pub filter: Filter,
    /// Slots are sorted by class first; candidates without the measure come last either way.
    pub sort: Measure,
    pub descending: bool,
    /// Classes of the data set; candidates may name others.
    pub classes: Vec<String>,
}

impl CandidateRule {
    pub fn shows(&self, row: &CandidateRow) -> bool {
        self.class.as_ref().is_none_or(|class| row.class == *class)
            && self.verdict.is_none_or(|verdict| row.verdict == verdict)
            && self.decision.is_none_or(|decision| row.decision == decision)
            && self.filter.passes(&facts(row))
    }

    /// Puts all that is shown of a list in order. Keys are made once a row, not once a comparison.
    pub fn make(self, rows: &[CandidateRow]) -> CandidateOrder {
        let ranks =
            if self.sort == Measure::Slot { class_ranks(rows, &self.classes) } else { HashMap::new() };
        let sorter = Sorter { rule: self, ranks };
        // Candidates of a class mostly lie together.
        let mut last: Option<(&str, u32)> = None;
        let shown = rows.iter().enumerate().filter(|(_, row)| sorter.rule.shows(row));
        let mut keyed: Vec<(Key, usize)> = shown
            .map(|(position, row)| {
                let name = row.class.as_str();
                let rank = match last {
                    Some((known, rank)) if known == name => rank,
                    _ => sorter.rank(name).unwrap_or_default(),
                };
                last = Some((name, rank));
                (sorter.key(row, rank), position)
            })
            .collect();
        keyed.sort_unstable();
        let positions = keyed.into_iter().map(|(_, position)| position).collect();
        CandidateOrder { sorter, positions }
    }
}

/// Candidates in order.
#[derive(Clone, Debug)]
pub struct CandidateOrder {
    pub sorter: Sorter,
    /// Positions in the list.
    pub positions: Vec<usize>,
}

/// What an order was made by: enough to find a candidate in it, and to put one in.
#[derive(Clone, Debug)]
pub struct Sorter {
    rule: CandidateRule,
    /// Places of the classes in natural order; empty where candidates are not sorted by class.
    ranks: HashMap<String, u32>,
}

/// What becomes of an order when rows changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It stays as it is.
    Nothing,
    Order(Vec<usize>),
    /// It has to be made anew: a row is of a class that was not there.
    Anew,
}

/// What a candidate is sorted by. Ids differ, so no two keys are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    class: u32,
    absent: bool,
    part: u64,
    id: i64,
}

impl Sorter {
    pub fn rule(&self) -> &CandidateRule {
        &self.rule
    }

    /// True where the candidate with this id is there and shown.
    pub fn has(&self, rows: &[CandidateRow], id: i64) -> bool {
        let row = place_of(rows, id).and_then(|position| rows.get(position));
        row.is_some_and(|row| self.rule.shows(row))
    }

    /// A decision may change what is shown.
    pub fn asks_decision(&self) -> bool {
        self.rule.decision.is_some() || self.rule.filter.asks_decision()
    }

    /// An order brought up to date after these rows changed or were added, by position: those that are not
    /// shown any more are taken out, those that are shown now are put in where they belong. The same as an
    /// order made anew.
    pub fn change(&self, order: &[usize], rows: &[CandidateRow], changed: &[usize]) -> Change {
        let key_at = |position: usize| {
            let row = rows.get(position)?;
            Some(self.key(row, self.rank(&row.class)?))
        };
        let mut changed = changed.to_vec();
        changed.sort_unstable();
        changed.dedup();
        // What a row is sorted by never changes: it is found, or missed, where it belongs.
        let mut gone: Vec<usize> = Vec::new();
        let mut new: Vec<(usize, Key, usize)> = Vec::new();
        for position in changed {
            let (Some(row), Some(key)) = (rows.get(position), key_at(position)) else {
                return Change::Anew;
            };
            let found = order.binary_search_by(|&other| key_at(other).cmp(&Some(key)));
            match (found, self.rule.shows(row)) {
                (Ok(place), false) => gone.push(place),
                (Err(place), true) => new.push((place, key, position)),
                (Ok(_), true) | (Err(_), false) => {}
            }
        }
        if gone.is_empty() && new.is_empty() {
            return Change::Nothing;
        }
        gone.sort_unstable();
        new.sort_unstable();
        let mut next = Vec::with_capacity(order.len() + new.len() - gone.len());
        let (mut gone, mut new) = (gone.into_iter().peekable(), new.into_iter().peekable());
        for (place, &position) in order.iter().enumerate() {
            while let Some((_, _, added)) = new.next_if(|(before, ..)| *before == place) {
                next.push(added);
            }
            if gone.next_if_eq(&place).is_none() {
                next.push(position);
            }
        }
        next.extend(new.map(|(_, _, added)| added));
        Change::Order(next)
    }

    /// Place of a class, 0 where classes do not count; `None` for one that was not there.
    fn rank(&self, class: &str) -> Option<u32> {
        match self.rule.sort {
            Measure::Slot => self.ranks.get(class).copied(),
            _ => Some(0),
        }
    }

    fn key(&self, row: &CandidateRow, class: u32) -> Key {
        let part = self.rule.sort.of(&facts(row)).map(sortable);
        let part = if self.rule.descending { part.map(|part| !part) } else { part };
        Key { class, absent: part.is_none(), part: part.unwrap_or_default(), id: row.id }
    }
}

/// A whole number in the order of [`f64::total_cmp`].
fn sortable(value: f64) -> u64 {
    const SIGN: u64 = 1 << 63;
    let bits = value.to_bits();
    // The bits of negative numbers run backwards, and begin with the sign.
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

/// Place of each class in natural order: those of the data set, and any other that candidates name.
fn class_ranks(rows: &[CandidateRow], classes: &[String]) -> HashMap<String, u32> {
    let mut names: Vec<&str> = classes.iter().map(String::as_str).collect();
    let mut known: HashSet<&str> = names.iter().copied().collect();
    let mut last = "";
    for row in rows {
        let name = row.class.as_str();
        if name != last && known.insert(name) {
            names.push(name);
        }
        last = name;
    }
    names.sort_by(|a, b| natural_order(a, b));
    names.into_iter().zip(0..).map(|(name, rank)| (name.to_owned(), rank)).collect()
}

/// Which images are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRule {
    pub class: Option<ClassId>,
    pub split: Option<Split>,
    /// Excluded ones are shown too.
    pub excluded: bool,
    /// Text in the path, in lower case; empty lets all through.
    pub find: String,
}

impl ImageRule {
    /// Positions of the images that are shown: the training part first, which is what the plan counts and the
    /// methods learn from, then in the order of the data set.
    pub fn make(&self, dataset: &Dataset) -> Vec<usize> {
        let mut parts: [Vec<usize>; 3] = Default::default();
        for (position, sample) in dataset.samples.iter().enumerate() {
            let shown = self.class.is_none_or(|class| sample.class == class)
                && self.split.is_none_or(|split| sample.split == split)
                && (self.excluded || !sample.excluded)
                && (self.find.is_empty() || sample.path.to_lowercase().contains(&self.find));
            if shown {
                parts[split_position(sample.split)].push(position);
            }
        }
        parts.concat()
    }
}

/// An order that is wanted and not there yet. At most one is being made at a time.
#[derive(Clone, Debug)]
pub struct Pending<R> {
    /// Counts what was asked for, so that nothing older takes the place of what is wanted now.
    number: u64,
    /// Waits for a job.
    asked: Option<R>,
    /// Number of the order that a job makes.
    making: Option<u64>,
}

/// An order to be made.
#[derive(Clone, Debug)]
pub struct Asked<R> {
    pub number: u64,
    pub rule: R,
}

impl<R> Default for Pending<R> {
    fn default() -> Self {
        Pending { number: 0, asked: None, making: None }
    }
}

impl<R> Pending<R> {
    /// This order is wanted, and no older one.
    pub fn ask(&mut self, rule: R) {
        self.number += 1;
        self.asked = Some(rule);
    }

    /// None is wanted, not even the one that is being made.
    pub fn forget(&mut self) {
        self.number += 1;
        self.asked = None;
    }

    /// What a job should make now; `None` where nothing is wanted or a job is at work.
    pub fn begin(&mut self) -> Option<Asked<R>> {
        if self.making.is_some() {
            return None;
        }
        let rule = self.asked.take()?;
        self.making = Some(self.number);
        Some(Asked { number: self.number, rule })
    }

    /// The job with this number has ended; true where its order is still the one that is wanted.
    pub fn arrived(&mut self, number: u64) -> bool {
        self.making.take_if(|making| *making == number).is_some() && number == self.number
    }

    /// A newer order is on its way.
    pub fn is_waiting(&self) -> bool {
        self.asked.is_some() || self.making == Some(self.number)
    }
}
