//! One profile: its ids, its messages, and the state made of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::engine::cell::Cell;
use crate::engine::decide::Decisions;
use crate::engine::image::Image;
use crate::engine::program::Program;
use crate::engine::standing::Standing;
use crate::engine::transition::Trigger;
use crate::facts::identity::known_as::{Known, KnownAs};
use crate::facts::stamp::HistoryPlace;
use crate::facts::units::Units;
use crate::model::identifier::{Identifier, IdentifierKind, OwnedIdentifier};
use crate::store::history::History;
use crate::store::kept::KeptState;

/// A profile.
#[derive(Debug)]
pub(crate) struct Profile {
    /// The id it is shown under.
    pub(crate) name: Arc<str>,
    /// The identifier it is stored under.
    pub(crate) key: OwnedIdentifier,
    /// By what else the customer is known; nothing if there is one identifier only.
    pub(crate) known_as: Option<Box<KnownAs>>,
    pub(crate) body: Body,
    /// The revision of the program that the state is under.
    pub(crate) revision: u64,
    pub(crate) decisions: Decisions,
    pub(crate) history: History,
    /// The journal's number of the last message applied; 0 without a journal.
    pub(crate) sequence: u64,
    /// Whether the state on disk is that in memory.
    pub(crate) is_stored: bool,
    pub(crate) on_disk: OnDisk,
    /// Another number whenever this is no longer the profile that it was, but made anew of its messages
    /// and others'.
    pub(crate) making: u64,
    /// Whether anybody asked since it was last looked at for eviction.
    asked: AtomicBool,
    /// Whether its answers are at hand.
    pub(crate) kept: KeptState,
}

/// What is on disk under the identifiers of a profile, beside its state and its messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct OnDisk {
    /// Whether a profile is there under the key of this one.
    pub(crate) is_there: bool,
    /// Keys under which there are profiles that this one, or one made together with it, takes the place of.
    pub(crate) replaced: Vec<Vec<u8>>,
    /// Whether each of its other identifiers leads to this profile.
    pub(crate) leads_here: bool,
}

/// The ids of one customer, as lists of members may name them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ids<'a> {
    One(Identifier<'a>),
    Many(&'a KnownAs),
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

impl<'a> Ids<'a> {
    /// Whether one of them is among these texts, which are sorted.
    pub(crate) fn any_in(self, sorted: &[String]) -> bool {
        let is_in = |text: &str| sorted.binary_search_by(|listed| listed.as_str().cmp(text)).is_ok();
        match self {
            Ids::One(identifier) => is_in(identifier.value()),
            Ids::Many(known_as) => {
                known_as.identifiers.iter().any(|known| is_in(known.identifier.borrowed().value()))
            }
        }
    }

    /// The ids by which experiments know the customer.
    pub(crate) fn units(self) -> Units {
        match self {
            Ids::One(identifier) => Units::of_one(identifier),
            Ids::Many(known_as) => Units::of_many(known_as),
        }
    }
}

impl Profile {
    /// A profile without messages.
    pub(crate) fn new(identifier: Identifier<'_>, revision: u64) -> Profile {
        Profile::with(identifier, (Body::Cell(Cell::new()), revision), History::default(), 0)
    }

    /// A profile of these parts, known under one identifier; the state is under the program of a revision.
    pub(crate) fn with(
        identifier: Identifier<'_>,
        (body, revision): (Body, u64),
        history: History,
        sequence: u64,
    ) -> Profile {
        let key = identifier.to_owned();
        Profile {
            name: Arc::clone(&key.text),
            key,
            known_as: None,
            body,
            revision,
            decisions: Decisions::default(),
            history,
            sequence,
            is_stored: false,
            on_disk: OnDisk { leads_here: true, ..OnDisk::default() },
            making: 0,
            asked: AtomicBool::new(true),
            kept: KeptState::default(),
        }
    }

    /// Says by what the customer is known.
    pub(crate) fn set_known_as(&mut self, known_as: KnownAs) {
        debug_assert!(known_as.has(self.key.borrowed()), "a profile is stored under one of its identifiers");
        self.name = Arc::clone(known_as.shown());
        self.known_as = (!known_as.is_plain()).then(|| Box::new(known_as));
    }

    /// The identifier it is stored under.
    pub(crate) fn key(&self) -> Identifier<'_> {
        self.key.borrowed()
    }

    /// The text of that identifier.
    pub(crate) fn key_text(&self) -> Arc<str> {
        Arc::clone(&self.key.text)
    }

    /// Whether an identifier is one of the customer's.
    pub(crate) fn has(&self, identifier: Identifier<'_>) -> bool {
        match &self.known_as {
            None => self.key.borrowed() == identifier,
            Some(known_as) => known_as.has(identifier),
        }
    }

    /// Whether the customer is meant by a bare id that is this identifier: a user's id that nobody has
    /// used says nothing, nor does one that nobody has.
    pub(crate) fn is_meant_by(&self, identifier: Identifier<'_>) -> bool {
        let Some(known_as) = &self.known_as else { return true };
        let is_unused =
            |known: &Known| known.first_seen.is_none() && known.identifier.borrowed() == identifier;
        if known_as.is_unseen() {
            return false;
        }
        identifier.kind != IdentifierKind::User || !known_as.identifiers.iter().any(is_unused)
    }

    /// All identifiers of the customer.
    pub(crate) fn identifiers(&self) -> impl Iterator<Item = &OwnedIdentifier> {
        let many = self.known_as.iter().flat_map(|known_as| &known_as.identifiers);
        let one = self.known_as.is_none().then_some(&self.key);
        one.into_iter().chain(many.map(|known| &known.identifier))
    }

    /// All identifiers of the customer; with `family`, of all who ever had to do with them too.
    pub(crate) fn connected(&self, family: bool) -> impl Iterator<Item = &OwnedIdentifier> {
        let related = self.known_as.iter().filter(move |_| family).flat_map(|known_as| &known_as.related);
        self.identifiers().chain(related)
    }

    /// Its ids, as lists of members may name them.
    pub(crate) fn ids(&self) -> Ids<'_> {
        ids(&self.key, self.known_as.as_deref())
    }

    /// How the customer stands.
    pub(crate) fn standing(&self) -> Standing<'_> {
        self.body.standing()
    }

    /// Says that the state is another one than on disk.
    pub(crate) fn changed(&mut self) {
        self.is_stored = false;
    }

    /// The message that changed it last, by its place and its id.
    pub(crate) fn last_cause(&self) -> Option<(HistoryPlace, &str)> {
        match self.standing().last_cause() {
            Trigger::Message(place) => Some((place, self.history.message_id(place)?)),
            Trigger::Time | Trigger::Catalog => None,
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
        size_of::<Profile>()
            + 3 * self.name.len()
            + 80
            + self.known_as.as_ref().map_or(0, |known_as| known_as.bytes())
            + self.body.bytes()
            + self.history.bytes()
    }
}

/// The ids of a profile that is stored under `key`.
pub(crate) fn ids<'a>(key: &'a OwnedIdentifier, known_as: Option<&'a KnownAs>) -> Ids<'a> {
    known_as.map_or(Ids::One(key.borrowed()), Ids::Many)
}
