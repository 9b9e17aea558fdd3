//! One profile: its ids, its messages, and the state made of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::engine::cell::Cell;
use crate::engine::decide::Decisions;
use crate::engine::image::Image;
use crate::engine::program::Program;
use crate::engine::standing::Standing;
use crate::engine::transition::Trigger;
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
    /// The id it is shown under, and was created under.
    pub(crate) name: Arc<str>,
    is_user: bool,
    pub(crate) body: Body,
    pub(crate) decisions: Decisions,
    pub(crate) history: History,
    /// The journal's number of the last message applied; 0 without a journal.
    pub(crate) sequence: u64,
    /// Whether the state on disk is that in memory.
    pub(crate) is_stored: bool,
    /// Whether anybody asked since it was last looked at for eviction.
    asked: AtomicBool,
}

/// The state of a profile: to be changed, or as it came from disk.
#[derive(Debug)]
pub(crate) enum Body {
    Cell(Cell),
    Image(Image),
}

impl Body {
    /// How the customer stands.
    pub(crate) fn standing(&self) -> Standing<'_> {
        match self {
            Body::Cell(cell) => Standing::Cell(cell),
            Body::Image(image) => Standing::Image(image),
        }
    }

    /// The cell, decoded if it was an image.
    pub(crate) fn cell(&mut self, program: &Program) -> &mut Cell {
        if let Body::Image(image) = self {
            *self = Body::Cell(image.to_cell(program));
        }
        match self {
            Body::Cell(cell) => cell,
            Body::Image(_) => unreachable!("it was decoded just now"),
        }
    }

    /// About how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Body::Cell(cell) => cell.bytes(),
            Body::Image(image) => image.bytes().len(),
        }
    }
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

    /// The id as one piece of bytes: its kind, and its text.
    pub(crate) fn key(self) -> Vec<u8> {
        let (kind, text) = match self {
            Identifier::User(text) => (b'u', text),
            Identifier::Anonymous(text) => (b'a', text),
        };
        let mut key = Vec::with_capacity(1 + text.len());
        key.push(kind);
        key.extend_from_slice(text.as_bytes());
        key
    }

    /// The id of which [`Identifier::key`] gave these bytes.
    pub(crate) fn of_key(key: &'a [u8]) -> Option<Identifier<'a>> {
        let (kind, text) = key.split_first()?;
        let text = std::str::from_utf8(text).ok()?;
        match kind {
            b'u' => Some(Identifier::User(text)),
            b'a' => Some(Identifier::Anonymous(text)),
            _ => None,
        }
    }
}

impl Profile {
    /// A profile without messages.
    pub(crate) fn new(identifier: Identifier<'_>) -> Profile {
        Profile::with(identifier, Body::Cell(Cell::new()), History::default(), 0)
    }

    /// A profile of these parts.
    pub(crate) fn with(identifier: Identifier<'_>, body: Body, history: History, sequence: u64) -> Profile {
        Profile {
            name: Arc::from(identifier.text()),
            is_user: matches!(identifier, Identifier::User(_)),
            body,
            decisions: Decisions::default(),
            history,
            sequence,
            is_stored: false,
            asked: AtomicBool::new(true),
        }
    }

    /// The id it was created under.
    pub(crate) fn identifier(&self) -> Identifier<'_> {
        if self.is_user { Identifier::User(&self.name) } else { Identifier::Anonymous(&self.name) }
    }

    /// How the customer stands.
    pub(crate) fn standing(&self) -> Standing<'_> {
        self.body.standing()
    }

    /// Says that the state is another one than on disk.
    pub(crate) fn changed(&mut self) {
        self.is_stored = false;
        if let Trigger::Message(place) = self.body.standing().last_cause() {
            self.history.set_last_cause(place);
        }
    }

    /// Remembers that somebody asked.
    pub(crate) fn ask(&self) {
        if !self.asked.load(Ordering::Relaxed) {
            self.asked.store(true, Ordering::Relaxed);
        }
    }

    /// Whether anybody asked since this was last called.
    pub(crate) fn take_asked(&self) -> bool {
        self.asked.swap(false, Ordering::Relaxed)
    }

    /// About how many bytes it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Profile>() + 3 * self.name.len() + 80 + self.body.bytes() + self.history.bytes()
    }
}
