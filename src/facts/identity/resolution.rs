//! Who is who, from hearing messages in their order.
//!
//! It is the rule itself, written down once: heard from nothing it gives who is who for any set of
//! messages; heard on top of what is known, who is who after one more.
//!
//! - A message is of the customer who has its home at that time.
//! - A claim ties each identifier it names to its customer. One that nobody has becomes the customer's.
//!   If it is another customer's and one of the two has no user's id, they become one. If both are
//!   known, the identifier changes hands, and what came under it before stays where it is.
//! - A join makes one customer of those it names, known or not.
//! - A previous id may be a user's or a visitor's, so it is both; as a user's it counts for nothing until
//!   a message has it.
//! - A part takes back all earlier ties that name its home, as if they had never been.
//! - What would exceed a limit is not tied.

use ahash::{AHashMap, AHashSet};

use serde::Serialize;

use crate::base::time::Time;
use crate::facts::identity::known_as::{Known, KnownAs};
use crate::facts::identity::ties::{Home, TieKind, Ties};
use crate::model::identifier::{Identifier, OwnedIdentifier};
use crate::model::message::Message;
use crate::rules::identifiers::IdentifierRules;

/// A message that is heard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard<'a> {
    pub(crate) time: Time,
    pub(crate) message_id: &'a str,
    pub(crate) message: &'a Message,
}

/// Customers, and what each is made of.
#[derive(Debug)]
pub(crate) struct Resolution<'r> {
    rules: &'r IdentifierRules,
    customers: Vec<Customer>,
    owners: AHashMap<OwnedIdentifier, usize>,
    /// Of each identifier, the last time that something took its ties back.
    parted: AHashMap<OwnedIdentifier, (Time, String)>,
    /// Ties that were heard of: a message's home, and another identifier.
    heard: AHashSet<(OwnedIdentifier, OwnedIdentifier)>,
    /// What became of each tie, in the order of hearing.
    pub(crate) log: Vec<TieRecord>,
}

/// One customer.
#[derive(Debug)]
struct Customer {
    known_as: KnownAs,
    /// Customers of before, by their numbers, who are wholly this one.
    whole: Vec<usize>,
    /// Messages, by the order of hearing.
    messages: Vec<usize>,
    /// Another one who is the same.
    same_as: Option<usize>,
}

/// Who a customer is, and of what.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) known_as: KnownAs,
    /// Customers of before who are wholly this one, by the order in which they were given.
    pub(crate) whole: Vec<usize>,
    /// Messages by their places among those heard.
    pub(crate) messages: Vec<usize>,
}

/// What became of one tie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TieRecord {
    pub(crate) at: Time,
    pub(crate) message_id: String,
    pub(crate) home: OwnedIdentifier,
    pub(crate) other: OwnedIdentifier,
    pub(crate) outcome: TieOutcome,
}

/// What became of a tie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TieOutcome {
    /// They were one customer's already.
    Same,
    /// The identifier had been nobody's, and became the customer's.
    Added,
    /// Two customers became one.
    Joined,
    /// The identifier went from another known customer to this one; what came under it before stayed.
    ChangedHands,
    /// A limit on identifiers left it out.
    TooMany,
    /// An `unmerge` took it back.
    TakenBack,
}

impl<'r> Resolution<'r> {
    /// Nobody known yet, before these messages are heard in their order.
    pub(crate) fn new(rules: &'r IdentifierRules, messages: &[Heard<'_>]) -> Resolution<'r> {
        let mut resolution = Resolution::of(rules, []);
        for heard in messages {
            if Ties::of(heard.message, rules).is_some_and(|ties| ties.kind == TieKind::Part) {
                let home = Home::of_accepted(heard.message, rules).identifier().to_owned();
                resolution.parted.insert(home, (heard.time, heard.message_id.to_owned()));
            }
        }
        for (place, heard) in messages.iter().enumerate() {
            resolution.hear(*heard, Some(place));
        }
        resolution
    }

    /// These customers known already.
    pub(crate) fn of(
        rules: &'r IdentifierRules,
        customers: impl IntoIterator<Item = KnownAs>,
    ) -> Resolution<'r> {
        let mut resolution = Resolution {
            rules,
            customers: Vec::new(),
            owners: AHashMap::new(),
            parted: AHashMap::new(),
            heard: AHashSet::new(),
            log: Vec::new(),
        };
        for (number, known_as) in customers.into_iter().enumerate() {
            for known in &known_as.identifiers {
                resolution.owners.insert(known.identifier.clone(), number);
            }
            let customer = Customer { known_as, whole: vec![number], messages: Vec::new(), same_as: None };
            resolution.customers.push(customer);
        }
        resolution
    }

    /// Hears a message that is later than all before; `place` is where it is kept.
    pub(crate) fn hear(&mut self, heard: Heard<'_>, place: Option<usize>) {
        let rules = self.rules;
        let home = Home::of_accepted(heard.message, rules);
        let home = home.identifier();
        let customer = self.owner_or_new(home, heard.time);
        self.customers[customer].messages.extend(place);
        let Some(ties) = Ties::of(heard.message, rules) else { return };
        self.tied(customer, heard.time);
        self.customers[customer].known_as.has_parted |= ties.kind == TieKind::Part;
        let home = home.to_owned();
        // The others of a join are one id, of whatever kind.
        let is_one = ties.kind == TieKind::Join;
        let is_join_back = is_one && ties.others.iter().any(|other| self.is_taken_back(other, heard));
        for other in ties.others {
            let is_back =
                is_join_back || self.is_taken_back(&home, heard) || self.is_taken_back(&other, heard);
            let outcome = match is_back {
                true => self.leave(&other),
                false => self.tie(ties.kind, &home, &other, heard.time),
            };
            if let Some(owner) = self.owner(other.borrowed()) {
                self.tied(owner, heard.time);
            }
            self.heard.insert((home.clone(), other.clone()));
            let message_id = heard.message_id.to_owned();
            self.log.push(TieRecord { at: heard.time, message_id, home: home.clone(), other, outcome });
        }
    }

    fn is_taken_back(&self, identifier: &OwnedIdentifier, heard: Heard<'_>) -> bool {
        let parted = self.parted.get(identifier);
        parted.is_some_and(|(time, id)| (heard.time, heard.message_id) < (*time, id.as_str()))
    }

    /// Leaves an identifier untied. One that is nobody's is somebody's of its own from now on, unseen: whoever
    /// has it next has to do with those who had it before.
    fn leave(&mut self, other: &OwnedIdentifier) -> TieOutcome {
        if self.owner(other.borrowed()).is_none() {
            self.add(KnownAs::one(other.clone(), None));
        }
        TieOutcome::TakenBack
    }

    fn tie(
        &mut self,
        kind: TieKind,
        home: &OwnedIdentifier,
        other: &OwnedIdentifier,
        time: Time,
    ) -> TieOutcome {
        let customer = self.owner(home.borrowed()).expect("whoever a message is of is known");
        let Some(owner) = self.owner(other.borrowed()) else {
            // A previous id that nobody has used is not seen by being named.
            let known = Known { identifier: other.clone(), first_seen: None };
            let fits = self.customers[customer].known_as.fits(std::slice::from_ref(&known), self.rules);
            let owner = if fits { customer } else { self.add(KnownAs::one(other.clone(), None)) };
            if fits {
                self.customers[customer].known_as.identifiers.push(known);
                self.owners.insert(other.clone(), owner);
            }
            self.see(owner, kind, other, time);
            return if fits { TieOutcome::Added } else { TieOutcome::TooMany };
        };
        if owner == customer {
            self.see(owner, kind, other, time);
            return TieOutcome::Same;
        }
        let (a, b) = (&self.customers[customer].known_as, &self.customers[owner].known_as);
        let changes_hands = kind == TieKind::Claim && a.has_user() && b.has_user();
        let moved = Known { identifier: other.clone(), first_seen: Some(time) };
        let fits = match changes_hands {
            true => a.fits(std::slice::from_ref(&moved), self.rules),
            false => a.fits(&b.identifiers, self.rules),
        };
        let is_nobodys = b.is_unseen();
        if !fits {
            if is_nobodys {
                self.see(owner, kind, other, time);
            }
            return TieOutcome::TooMany;
        }
        if changes_hands {
            self.tied(owner, time);
            let before = self.customers[owner].known_as.stored_under().clone();
            self.customers[owner].known_as.related.push(home.clone());
            self.customers[customer].known_as.related.push(before);
            self.customers[owner].known_as.identifiers.retain(|known| known.identifier != *other);
            self.customers[customer].known_as.identifiers.push(moved);
            self.owners.insert(other.clone(), customer);
            return TieOutcome::ChangedHands;
        }
        let survivor = self.join(customer, owner);
        self.see(survivor, kind, other, time);
        if is_nobodys { TieOutcome::Added } else { TieOutcome::Joined }
    }

    /// Makes one customer of two.
    fn join(&mut self, a: usize, b: usize) -> usize {
        let (survivor, gone) = if self.customers[a].messages.len() >= self.customers[b].messages.len() {
            (a, b)
        } else {
            (b, a)
        };
        let Customer { known_as, whole, messages, same_as } = &mut self.customers[gone];
        *same_as = Some(survivor);
        let (whole, messages) = (std::mem::take(whole), std::mem::take(messages));
        let identifiers = std::mem::take(&mut known_as.identifiers);
        let related = std::mem::take(&mut known_as.related);
        let (last_tie, has_parted) = (known_as.last_tie, known_as.has_parted);
        let into = &mut self.customers[survivor];
        into.whole.extend(whole);
        into.messages.extend(messages);
        into.known_as.identifiers.extend(identifiers);
        into.known_as.related.extend(related);
        into.known_as.last_tie = into.known_as.last_tie.max(last_tie);
        into.known_as.has_parted |= has_parted;
        survivor
    }

    /// Notes that an identifier was named at `time`, if naming it so is seeing it: a previous id is not.
    fn see(&mut self, owner: usize, kind: TieKind, identifier: &OwnedIdentifier, time: Time) {
        if kind == TieKind::Claim {
            self.customers[owner].known_as.see(identifier.borrowed(), time);
        }
    }

    fn tied(&mut self, customer: usize, time: Time) {
        let known_as = &mut self.customers[customer].known_as;
        known_as.last_tie = known_as.last_tie.max(time);
    }

    fn owner(&self, identifier: Identifier<'_>) -> Option<usize> {
        let mut owner = *self.owners.get(&identifier.to_owned())?;
        while let Some(same) = self.customers[owner].same_as {
            owner = same;
        }
        Some(owner)
    }

    fn owner_or_new(&mut self, home: Identifier<'_>, time: Time) -> usize {
        if let Some(owner) = self.owner(home) {
            self.customers[owner].known_as.see(home, time);
            return owner;
        }
        self.add(KnownAs::one(home.to_owned(), Some(time)))
    }

    fn add(&mut self, known_as: KnownAs) -> usize {
        let number = self.customers.len();
        self.owners.insert(known_as.identifiers[0].identifier.clone(), number);
        self.customers.push(Customer { known_as, whole: Vec::new(), messages: Vec::new(), same_as: None });
        number
    }

    /// Who is who now.
    pub(crate) fn finish(mut self) -> Vec<Resolved> {
        for (home, other) in std::mem::take(&mut self.heard) {
            let (Some(a), Some(b)) = (self.owner(home.borrowed()), self.owner(other.borrowed())) else {
                continue;
            };
            if a != b {
                self.customers[a].known_as.related.push(other);
                self.customers[b].known_as.related.push(home);
            }
        }
        let owners: Vec<(OwnedIdentifier, usize)> = self.owners.drain().collect();
        let mut customers = self.customers;
        let mut all_owned: AHashMap<OwnedIdentifier, usize> = AHashMap::new();
        for (identifier, mut owner) in owners {
            while let Some(same) = customers[owner].same_as {
                owner = same;
            }
            all_owned.insert(identifier, owner);
        }
        for (number, customer) in customers.iter_mut().enumerate() {
            let related = &mut customer.known_as.related;
            related.sort_unstable();
            related.dedup();
            related.retain(|identifier| all_owned.get(identifier) != Some(&number));
        }
        let kept = customers.into_iter().filter(|customer| customer.same_as.is_none());
        let resolved = kept.map(|Customer { known_as, whole, mut messages, .. }| {
            messages.sort_unstable();
            Resolved { known_as, whole, messages }
        });
        resolved.collect()
    }
}
