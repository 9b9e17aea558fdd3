//! Tables of items, one for each context, of which there is a bounded number.
//!
//! Contexts are kept as items in a table are: one that finds no room takes the place of the lightest, and
//! whatever it counts may have been counted with that one before. So the bounds hold across contexts that come
//! and go.
//!
//! Invariants:
//! 1. The index names each table once, by its key.
//! 2. Nothing of a context without a table weighs more than `unseen`.

use std::sync::Arc;

use ahash::AHashMap;

use crate::crowd::item::Item;
use crate::crowd::least::Least;
use crate::crowd::people::People;
use crate::crowd::space_saving::{Bounds, SpaceSaving};
use crate::crowd::weight::Weight;

/// What a context is: the values that make it.
pub(crate) type Key = Arc<[Item]>;

/// What is counted under one half-life.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    /// All that was counted.
    pub(crate) total: Bounds,
    pub(crate) items: SpaceSaving,
}

/// What is counted of one context.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) key: Key,
    pub(crate) long: Counts,
    /// The same under the shorter half-life, if trends are asked for.
    pub(crate) short: Option<Counts>,
    pub(crate) people: People,
}

/// A weight under both half-lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weights {
    pub(crate) long: Weight,
    pub(crate) short: Option<Weight>,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) contexts: u32,
    /// Items of each context.
    pub(crate) items: u32,
}

/// All contexts.
#[derive(Clone, Debug)]
pub(crate) struct Contexts {
    room: Room,
    index: AHashMap<Key, u32>,
    tables: Vec<Table>,
    unseen: Weights,
    least: Least,
}

impl Counts {
    /// Nothing but what may have been there before.
    fn new(room: Room, unseen: Weight) -> Counts {
        Counts { total: Bounds::unseen(unseen), items: SpaceSaving::new(room.items, unseen) }
    }
}

impl Contexts {
    /// Without any; `has_short` if there is a shorter half-life.
    pub(crate) fn new(room: Room, has_short: bool) -> Contexts {
        let unseen = Weights { long: Weight::NONE, short: has_short.then_some(Weight::NONE) };
        Contexts { room, index: AHashMap::new(), tables: Vec::new(), unseen, least: Least::default() }
    }

    /// The table of a context, made if there is none, with its totals grown by `weights`.
    pub(crate) fn grow(&mut self, key: &[Item], weights: Weights) -> &mut Table {
        let slot = match self.index.get(key) {
            Some(slot) => *slot,
            None => self.begin(key),
        };
        let table = &mut self.tables[slot as usize];
        table.long.total = table.long.total.plus(weights.long);
        if let (Some(short), Some(weight)) = (&mut table.short, weights.short) {
            short.total = short.total.plus(weight);
        }
        table
    }

    /// The table of a context.
    pub(crate) fn get(&self, key: &[Item]) -> Option<&Table> {
        self.index.get(key).map(|slot| &self.tables[*slot as usize])
    }

    /// Panics unless the invariants hold.
    #[cfg(test)]
    pub(crate) fn validate(&self) {
        assert!(self.tables.len() <= self.room.contexts as usize && self.index.len() == self.tables.len());
        for (slot, table) in self.tables.iter().enumerate() {
            assert_eq!(self.index.get(&table.key), Some(&(slot as u32)));
            for counts in std::iter::once(&table.long).chain(&table.short) {
                counts.items.validate();
                assert!(counts.total.sure <= counts.total.most);
            }
        }
    }

    /// The most that anything of a context without a table weighs.
    pub(crate) fn unseen(&self) -> Weights {
        self.unseen
    }

    /// Forgets that a customer was anywhere.
    pub(crate) fn forget(&mut self, who: u64) {
        self.tables.iter_mut().for_each(|table| table.people.forget(who));
    }

    /// Its bytes in memory, beside itself.
    pub(crate) fn bytes(&self) -> usize {
        let of_counts = |counts: &Counts| counts.items.bytes();
        let of_table = |table: &Table| {
            let key: usize = table.key.iter().map(|item| size_of::<Item>() + item.text_bytes()).sum();
            let counts: usize = std::iter::once(&table.long).chain(&table.short).map(of_counts).sum();
            key + counts + table.people.bytes()
        };
        self.tables.iter().map(of_table).sum::<usize>()
            + self.tables.capacity() * size_of::<Table>()
            + self.index.capacity() * (size_of::<(Key, u32)>() + 1)
            + self.least.bytes()
    }

    fn begin(&mut self, key: &[Item]) -> u32 {
        let key: Key = key.into();
        let slot = if self.tables.len() < self.room.contexts as usize {
            self.tables.len() as u32
        } else {
            let tables = &self.tables;
            let least = self.least.find(tables.len() as u32, |slot| tables[slot as usize].long.total.most);
            let slot = least.expect("there is room for one context at least");
            let gone = &self.tables[slot as usize];
            self.unseen.long = self.unseen.long.max(gone.long.total.most);
            let most_short = gone.short.as_ref().map(|short| short.total.most);
            self.unseen.short = self.unseen.short.zip(most_short).map(|(unseen, gone)| unseen.max(gone));
            self.index.remove(&gone.key);
            slot
        };
        let table = Table {
            key: Arc::clone(&key),
            long: Counts::new(self.room, self.unseen.long),
            short: self.unseen.short.map(|unseen| Counts::new(self.room, unseen)),
            people: People::default(),
        };
        match self.tables.get_mut(slot as usize) {
            Some(gone) => *gone = table,
            None => self.tables.push(table),
        }
        self.index.insert(key, slot);
        slot
    }
}
