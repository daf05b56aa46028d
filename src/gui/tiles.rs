//! What a workspace of tiles remembers: which ones it shows, which are chosen, where the keyboard is.
//!
//! A tile has a place in the order, and a key that stays with what it shows when the order changes.

use std::collections::BTreeSet;
use std::sync::Arc;

/// What a click or a step does to the selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The selection is dropped.
    Only,
    /// From the anchor to here.
    Extend,
    /// This one in or out.
    Toggle,
}

impl Reach {
    /// What is meant with these keys held down.
    pub const fn of(shift: bool, command: bool) -> Self {
        match (shift, command) {
            (true, _) => Reach::Extend,
            (false, true) => Reach::Toggle,
            (false, false) => Reach::Only,
        }
    }
}

/// The tiles of a workspace.
#[derive(Clone, Debug)]
pub struct Tiles<K> {
    /// Side of a tile in points.
    pub side: f32,
    pub selected: BTreeSet<K>,
    /// The tile that has the keyboard.
    pub cursor: Option<K>,
    /// Where a range selected with shift starts.
    pub anchor: Option<K>,
    /// Scroll to the cursor in the next frame.
    pub reveal: bool,
    /// What is shown, as positions in the list of all.
    pub order: Arc<Vec<usize>>,
    /// Tiles in a row of the last frame; up and down move by it.
    pub columns: usize,
}

impl<K: Copy + Ord> Tiles<K> {
    /// No tiles yet.
    pub fn new(side: f32) -> Self {
        Tiles {
            side,
            selected: BTreeSet::new(),
            cursor: None,
            anchor: None,
            reveal: false,
            order: Arc::default(),
            columns: 1,
        }
    }

    /// The selected ones, or the one under the cursor where nothing is selected.
    pub fn targets(&self) -> Vec<K> {
        if self.selected.is_empty() {
            self.cursor.into_iter().collect()
        } else {
            self.selected.iter().copied().collect()
        }
    }

    /// There is something that a command would work on.
    pub fn has_targets(&self) -> bool {
        self.cursor.is_some() || !self.selected.is_empty()
    }

    /// Place in the order of what stands at a position in the list of all; `None` where it is not shown.
    pub fn place_of(&self, position: usize) -> Option<usize> {
        self.order.iter().position(|&shown| shown == position)
    }

    /// Puts the cursor on a tile and brings it into sight; the selection stays.
    pub fn go(&mut self, to: K) {
        self.cursor = Some(to);
        self.anchor = Some(to);
        self.reveal = true;
    }

    /// Puts the cursor on a place of the order: alone, as the end of a range, or added or taken away.
    pub fn choose(&mut self, place: usize, reach: Reach, key: impl Fn(usize) -> Option<K>) {
        let order = Arc::clone(&self.order);
        let at = |place: usize| order.get(place).and_then(|&position| key(position));
        let Some(chosen) = at(place) else { return };
        match reach {
            Reach::Only => {
                self.selected.clear();
                self.anchor = Some(chosen);
            }
            Reach::Extend => {
                let from = self.anchor.or(self.cursor).unwrap_or(chosen);
                self.anchor = Some(from);
                let start = order.iter().position(|&position| key(position) == Some(from)).unwrap_or(place);
                self.selected = (start.min(place)..=start.max(place)).filter_map(at).collect();
            }
            Reach::Toggle => {
                if self.selected.is_empty() {
                    self.selected.extend(self.cursor);
                }
                if !self.selected.remove(&chosen) {
                    self.selected.insert(chosen);
                }
                self.anchor = Some(chosen);
            }
        }
        self.cursor = Some(chosen);
    }
}
