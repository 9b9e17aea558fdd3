//! The identifiers of one customer.
//!
//! A customer who has one identifier only needs none of this. Invariants:
//! 1. `identifiers` are different, and one of them at least is a user's or a visitor's.
//! 2. Whoever has something to do with this customer without being the same (a device went from one
//!    to the other, a tie was taken back or did not fit) is among those that `related` identifies.

use std::sync::Arc;

use crate::base::limits::MAX_IDENTIFIERS;
use crate::base::time::Time;
use crate::model::identifier::{Identifier, IdentifierKind, OwnedIdentifier};
use crate::rules::identifiers::IdentifierRules;

/// By what a customer is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownAs {
    pub(crate) identifiers: Vec<Known>,
    /// Identifiers of others, sorted.
    pub(crate) related: Vec<OwnedIdentifier>,
    /// The time of the last message that tied or parted identifiers.
    pub(crate) last_tie: Time,
    /// Whether a message took ties back.
    pub(crate) has_parted: bool,
}

/// One identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) identifier: OwnedIdentifier,
    /// When a message first had it; nothing if it was only named as somebody's previous id.
    pub(crate) first_seen: Option<Time>,
}

impl KnownAs {
    /// A customer known under one identifier.
    pub(crate) fn one(identifier: OwnedIdentifier, first_seen: Option<Time>) -> KnownAs {
        let identifiers = vec![Known { identifier, first_seen }];
        KnownAs { identifiers, related: Vec::new(), last_tie: Time::BEFORE_ALL, has_parted: false }
    }

    /// Whether this identifier is one of the customer's.
    pub(crate) fn has(&self, identifier: Identifier<'_>) -> bool {
        self.identifiers.iter().any(|known| known.identifier.borrowed() == identifier)
    }

    /// Whether a user's id is known, so that this is no anonymous customer.
    pub(crate) fn has_user(&self) -> bool {
        self.seen(IdentifierKind::User).next().is_some()
    }

    /// Whether no message ever had one of its identifiers: then this is nobody.
    pub(crate) fn is_unseen(&self) -> bool {
        self.identifiers.iter().all(|known| known.first_seen.is_none())
    }

    /// Whether there is one identifier, and nothing to remember beside it.
    pub(crate) fn is_plain(&self) -> bool {
        self.identifiers.len() == 1 && self.has_simple_past()
    }

    /// Whether its identifiers have never belonged to anybody else, nor been taken apart, nor are those of
    /// several users that an alias joined: then the order in which claims are heard does not matter.
    pub(crate) fn has_simple_past(&self) -> bool {
        self.related.is_empty() && !self.has_parted && self.seen(IdentifierKind::User).nth(1).is_none()
    }

    fn seen(&self, kind: IdentifierKind) -> impl Iterator<Item = &Known> {
        let of_kind = move |known: &&Known| known.first_seen.is_some() && known.identifier.kind == kind;
        self.identifiers.iter().filter(of_kind)
    }

    /// The identifier of a kind that was seen first; of several, the one whose text comes first.
    pub(crate) fn first_seen(&self, kind: IdentifierKind) -> Option<&Known> {
        self.seen(kind).min_by_key(|known| (known.first_seen, &known.identifier.text))
    }

    /// The identifier that the customer is shown under: the user's id seen first, or else the visitor's.
    pub(crate) fn shown(&self) -> &Arc<str> {
        let shown = self.first_seen(IdentifierKind::User);
        let shown = shown.or_else(|| self.first_seen(IdentifierKind::Anonymous));
        &shown.or(self.identifiers.first()).expect("a customer has an identifier").identifier.text
    }

    /// The identifier that the profile is stored under, whatever the order in which it got them: the
    /// least of the users' ids, or else of the visitors'.
    pub(crate) fn stored_under(&self) -> &OwnedIdentifier {
        let least = |kind| self.seen(kind).map(|known| &known.identifier).min();
        let least = least(IdentifierKind::User).or_else(|| least(IdentifierKind::Anonymous));
        least.unwrap_or_else(|| &self.identifiers.first().expect("a customer has an identifier").identifier)
    }

    /// Notes that a message at `time` had this identifier, which is the customer's.
    pub(crate) fn see(&mut self, identifier: Identifier<'_>, time: Time) {
        let known = self.identifiers.iter_mut().find(|known| known.identifier.borrowed() == identifier);
        if let Some(known) = known {
            known.first_seen = Some(known.first_seen.map_or(time, |first| first.min(time)));
        }
    }

    /// About how many bytes it takes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        let of = |identifier: &OwnedIdentifier| size_of::<Known>() + identifier.text.len() + 100;
        let identifiers = self.identifiers.iter().map(|known| of(&known.identifier));
        identifiers.chain(self.related.iter().map(of)).sum()
    }

    /// Whether the catalog allows these two to be one customer.
    pub(crate) fn fits(&self, other: &[Known], rules: &IdentifierRules) -> bool {
        if self.identifiers.len() + other.len() > MAX_IDENTIFIERS {
            return false;
        }
        other.iter().all(|known| {
            let identifier = known.identifier.borrowed();
            let Some(limit) = rules.limit(identifier) else { return true };
            let all = self.identifiers.iter().chain(other).map(|known| known.identifier.borrowed());
            let is_like = |like: &Identifier<'_>| {
                like.kind == identifier.kind && like.kind_name() == identifier.kind_name()
            };
            all.filter(is_like).count() <= limit as usize
        })
    }
}
