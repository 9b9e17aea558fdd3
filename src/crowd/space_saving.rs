//! The heaviest of many items, in a table of fixed size, each with what it may be wrong by.
//!
//! Space-Saving (Metwally, Agrawal and El Abbadi, ICDT 2005) with weights that decay forward: an item that finds
//! the table full takes the place of the lightest one, and what that one had at most. Beside that usual upper
//! bound each item has what was counted while it was here: the truth is between the two, and the list is in the
//! order of what is sure. The usual order, by the upper bound, lets an item that came a moment ago stand before
//! one that has been here for long.
//!
//! With at most `capacity` different items nothing is ever pushed out, and both bounds are the same number. A
//! hash of 32 bits of each item lies beside the others', so looking one up is a scan over 4 bytes each, which
//! for some hundreds of items is as fast as a hash table and takes a third of its room.
//!
//! Invariants:
//! 1. What an item weighs is at least `sure` and at most `most` of its entry.
//! 2. What an item weighs that has no entry is at most `unseen`, and that is at most the least `most`.

use crate::base::frozen_hash::hash64;
use crate::crowd::item::Item;
use crate::crowd::least::Least;
use crate::crowd::weight::Weight;

/// How many hashes are compared at once.
const PIECE: usize = 64;

/// What a weight is at least, and at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) sure: Weight,
    pub(crate) most: Weight,
}

/// A table of the heaviest items.
#[derive(Clone, Debug)]
pub(crate) struct SpaceSaving {
    capacity: u32,
    hashes: Vec<u32>,
    entries: Vec<(Item, Bounds)>,
    unseen: Weight,
    least: Least,
}

impl Bounds {
    /// Of what was not counted, but may have been there.
    pub(crate) const fn unseen(most: Weight) -> Bounds {
        Bounds { sure: Weight::NONE, most }
    }

    /// With one weight more.
    pub(crate) fn plus(self, weight: Weight) -> Bounds {
        let sure = self.sure.plus(weight);
        // Nearly always nothing had to give way.
        Bounds { sure, most: if self.most == self.sure { sure } else { self.most.plus(weight) } }
    }
}

impl SpaceSaving {
    /// A table without items, of which none weighs more than `unseen` yet.
    pub(crate) fn new(capacity: u32, unseen: Weight) -> SpaceSaving {
        let (hashes, entries) = (Vec::new(), Vec::new());
        SpaceSaving { capacity, hashes, entries, unseen, least: Least::default() }
    }

    /// Adds to what an item weighs.
    pub(crate) fn add(&mut self, item: &Item, weight: Weight) {
        debug_assert!(self.capacity > 0, "a table has room");
        let hash = hash(item);
        if let Some(place) = self.place(item, hash) {
            let bounds = &mut self.entries[place].1;
            *bounds = bounds.plus(weight);
            return;
        }
        if self.entries.len() < self.capacity as usize {
            self.hashes.push(hash);
            self.entries.push((item.clone(), Bounds::unseen(self.unseen).plus(weight)));
            return;
        }
        let entries = &mut self.entries;
        let least = self.least.find(entries.len() as u32, |slot| entries[slot as usize].1.most);
        let Some(place) = least.map(|slot| slot as usize) else { return };
        self.unseen = entries[place].1.most;
        entries[place] = (item.clone(), Bounds::unseen(self.unseen).plus(weight));
        self.hashes[place] = hash;
    }

    /// What an item weighs.
    pub(crate) fn bounds(&self, item: &Item) -> Bounds {
        self.place(item, hash(item)).map_or(Bounds::unseen(self.unseen), |place| self.entries[place].1)
    }

    /// All items that have one.
    pub(crate) fn entries(&self) -> &[(Item, Bounds)] {
        &self.entries
    }

    /// Its bytes in memory, beside itself.
    pub(crate) fn bytes(&self) -> usize {
        let texts: usize = self.entries.iter().map(|(item, _)| item.text_bytes()).sum();
        self.hashes.capacity() * size_of::<u32>()
            + self.entries.capacity() * size_of::<(Item, Bounds)>()
            + self.least.bytes()
            + texts
    }

    /// Panics unless the invariants hold, as far as they can be seen.
    #[cfg(test)]
    pub(crate) fn validate(&self) {
        assert!(self.entries.len() <= self.capacity as usize && self.entries.len() == self.hashes.len());
        for (place, (item, bounds)) in self.entries.iter().enumerate() {
            assert!(bounds.sure <= bounds.most && self.unseen <= bounds.most, "{item:?}: {bounds:?}");
            assert_eq!(self.place(item, hash(item)), Some(place));
        }
    }

    fn place(&self, item: &Item, hash: u32) -> Option<usize> {
        // Whole pieces are compared at once; only one in which there is something is looked at closely.
        for (piece, hashes) in self.hashes.chunks(PIECE).enumerate() {
            if hashes.iter().fold(false, |is_there, known| is_there | (*known == hash)) {
                let places = (piece * PIECE..).zip(hashes).filter(|(_, known)| **known == hash);
                let mut places = places.map(|(place, _)| place);
                if let Some(place) = places.find(|place| self.entries[*place].0 == *item) {
                    return Some(place);
                }
            }
        }
        None
    }
}

fn hash(item: &Item) -> u32 {
    match item {
        Item::Int(number) => hash64(&number.to_le_bytes()) as u32,
        Item::Text(text) => hash64(text.as_bytes()) as u32,
    }
}
