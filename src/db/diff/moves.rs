//! How many profiles move between what they are shown, counted for each name apart.

use std::collections::{BTreeMap, BTreeSet};

use super::standings::{Choice, Choices};

/// How many profiles go from one list of names to another, or stay.
#[derive(Debug, Default)]
pub(super) struct Moves(BTreeMap<(Choice, Choice), u64>);

/// How many profiles have a name before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) before: u64,
    pub(super) after: u64,
    pub(super) gained: u64,
    pub(super) lost: u64,
}

impl Moves {
    pub(super) fn add(&mut self, before: Choice, after: Choice) {
        *self.0.entry((before, after)).or_default() += 1;
    }

    /// Those of a name; of none, those whose list is empty.
    pub(super) fn of(&self, name: Option<&str>, choices: &Choices) -> Moved {
        let has = |choice: Choice| {
            let names = choices.offers(choice);
            name.map_or(names.is_empty(), |name| names.iter().any(|known| **known == *name))
        };
        let mut moved = Moved::default();
        for ((before, after), profiles) in &self.0 {
            let (had, has) = (has(*before), has(*after));
            moved.before += if had { *profiles } else { 0 };
            moved.after += if has { *profiles } else { 0 };
            moved.gained += if has && !had { *profiles } else { 0 };
            moved.lost += if had && !has { *profiles } else { 0 };
        }
        moved
    }

    /// All names that somebody has.
    pub(super) fn names<'a>(&self, choices: &'a Choices) -> BTreeSet<&'a str> {
        let lists = self.0.keys().flat_map(|(before, after)| [*before, *after]);
        lists.flat_map(|choice| choices.offers(choice).iter().map(|name| &**name)).collect()
    }
}
