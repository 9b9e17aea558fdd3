//! One profile: its ids, its messages, and the state made of them.

use std::sync::Arc;

use crate::engine::cell::Cell;
use crate::store::history::History;

/// Which kind of id a text is; a user and a visitor may have the same text as their id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Identifier<'a> {
    User(&'a str),
    Anonymous(&'a str),
}

/// A profile.
#[derive(Debug)]
pub(crate) struct Profile {
    /// The id it is shown under.
    pub(crate) name: Arc<str>,
    pub(crate) cell: Cell,
    pub(crate) history: History,
}

impl<'a> Identifier<'a> {
    /// An id of the same kind, of another text.
    pub(crate) fn with_text(self, text: &str) -> Identifier<'_> {
        match self {
            Identifier::User(_) => Identifier::User(text),
            Identifier::Anonymous(_) => Identifier::Anonymous(text),
        }
    }

    /// The id's text.
    pub(crate) fn text(self) -> &'a str {
        match self {
            Identifier::User(text) | Identifier::Anonymous(text) => text,
        }
    }
}

impl Profile {
    /// A profile without messages.
    pub(crate) fn new(identifier: Identifier<'_>) -> Profile {
        Profile { name: Arc::from(identifier.text()), cell: Cell::new(), history: History::default() }
    }
}
