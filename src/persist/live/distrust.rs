//! The one way in which the live store fails: it is not to be believed any more.
//!
//! There is little to tell apart for the caller: whatever the reason, it sets the store aside and
//! rebuilds it, unless the doubt passes. The reason is for people.

use std::fmt;

/// Why the live store is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Distrust {
    /// In words, lower case, no full stop.
    pub(crate) reason: String,
    /// Whether only this call failed, and the store is what it was before.
    pub(crate) passes: bool,
    /// Whether the disk is full, and nothing else is wrong.
    pub(crate) is_full: bool,
}

impl Distrust {
    /// A doubt, for this reason.
    pub(crate) fn new(reason: impl Into<String>) -> Distrust {
        Distrust { reason: reason.into(), passes: false, is_full: false }
    }

    /// A write failed for want of space: the store cannot be used any more, but there is nothing to be
    /// learnt from it.
    pub(crate) fn full() -> Distrust {
        Distrust { is_full: true, ..Distrust::new("the disk is full; free some space") }
    }

    /// A call that failed before it changed anything: a full disk does not make a store wrong.
    pub(crate) fn passing(reason: impl Into<String>) -> Distrust {
        Distrust { passes: true, ..Distrust::new(reason) }
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the live store is not believed: {}", self.reason)
    }
}

impl std::error::Error for Distrust {}
