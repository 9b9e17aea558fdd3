//! The one way in which the live store fails: it is not to be believed any more.
//!
//! There is nothing to tell apart for the caller: whatever the reason, it sets the store aside and
//! rebuilds it. The reason is for people.

use std::fmt;

/// Why the live store is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Distrust {
    /// In words, lower case, no full stop.
    pub(crate) reason: String,
}

impl Distrust {
    /// A doubt, for this reason.
    pub(crate) fn new(reason: impl Into<String>) -> Distrust {
        Distrust { reason: reason.into() }
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the live store is not believed: {}", self.reason)
    }
}

impl std::error::Error for Distrust {}
