//! The number of a record.

use std::fmt;

/// The number of a record in its journal: from 1, without holes. 0 is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Sequence(pub(crate) u64);

impl Sequence {
    /// The number after this one.
    pub(crate) fn next(self) -> Sequence {
        Sequence(self.0 + 1)
    }

    /// How many records lie between this one and an earlier one, that one not counted.
    pub(crate) fn since(self, earlier: Sequence) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
