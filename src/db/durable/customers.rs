//! All customers with all their messages, from base and journal: as the messages say who is who.
//!
//! Base and journal know nothing of who is who: they have messages by the ids under which they came. Most
//! customers have one id, and are visited as they are read. Ids that messages tie to each other are
//! found in a first pass, and each such family is then brought together by looking its ids up.
//!
//! Cost: two passes over the base, and in memory the tied ids and the messages of one family.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::durable::base::Base;
use crate::db::durable::everything::{Everything, Tail, for_each, visit_one};
use crate::db::durable::folder::{entry_of, in_doubt};
use crate::facts::identity::known_as::KnownAs;
use crate::facts::identity::resolution::{Heard, Resolution};
use crate::facts::identity::ties::{Home, TieKind, Ties};
use crate::model::identifier::{Identifier, OwnedIdentifier};
use crate::persist::record::history_chunk::HistoryEntry;
use crate::rules::identifiers::IdentifierRules;
use crate::store::history::Entry;

/// Where all customers are read from.
pub(crate) struct Truth<'a> {
    pub(crate) base: Option<&'a Arc<Base>>,
    pub(crate) tail: &'a Tail,
    pub(crate) rules: &'a IdentifierRules,
    /// The database's time: later messages tie nothing yet.
    pub(crate) now: Time,
}

/// A customer.
pub(crate) struct Customer<'a> {
    /// What the profile is stored under.
    pub(crate) key: OwnedIdentifier,
    /// By what else the customer is known.
    pub(crate) known_as: Option<KnownAs>,
    pub(crate) messages: Vec<(HistoryEntry<'static>, Entry)>,
    /// Messages of the future which tie nothing: they wait with the customer, or apart.
    pub(crate) waiting: Vec<Entry>,
    /// The journal's number of the last message.
    pub(crate) sequence: u64,
    /// What base and journal have under the one id, if there is one only.
    pub(crate) only: Option<&'a Everything<'a>>,
}

/// A message that takes effect later, and is no customer's until then.
pub(crate) type Later = (u64, Entry);

/// Ids that messages tie to each other.
#[derive(Default)]
struct Tied {
    numbers: BTreeMap<OwnedIdentifier, usize>,
    /// Of each, another one of its family, or itself.
    parents: Vec<usize>,
}

impl Truth<'_> {
    /// Visits every customer. Gives the messages that are no customer's yet.
    ///
    /// # Errors
    /// What `visit` returns, and `Damaged` or `Io` for what cannot be read.
    pub(crate) fn for_each_customer(
        &self,
        visit: &mut dyn FnMut(Customer<'_>) -> Result<(), Error>,
    ) -> Result<Vec<Later>, Error> {
        let mut tied = self.tied()?;
        let mut later = Vec::new();
        for_each(self.base, self.tail, &mut |everything| {
            let Some(identifier) = Identifier::of_key(everything.key) else { return Ok(()) };
            if tied.has(&identifier.to_owned()) {
                return Ok(());
            }
            let (messages, sequence) = (self.messages(&everything)?, everything.sequence());
            if messages.iter().all(|(_, entry)| entry.time > self.now) {
                later.extend(messages.into_iter().map(|(_, entry)| (sequence, entry)));
                return Ok(());
            }
            let (key, only) = (identifier.to_owned(), (!everything.is_sieved()).then_some(&everything));
            visit(Customer { key, known_as: None, messages, waiting: Vec::new(), sequence, only })
        })?;
        for family in tied.families() {
            later.append(&mut self.visit_family(&family, visit)?);
        }
        Ok(later)
    }

    fn messages(&self, everything: &Everything<'_>) -> Result<Vec<(HistoryEntry<'static>, Entry)>, Error> {
        let messages = everything.messages(self.base)?.into_iter();
        messages.map(|message| entry_of(&message).map(|entry| (message, entry)).map_err(in_doubt)).collect()
    }

    /// The first pass: who has to do with whom.
    fn tied(&self) -> Result<Tied, Error> {
        let mut tied = Tied::default();
        for_each(self.base, self.tail, &mut |everything| {
            let Some(written) = Identifier::of_key(everything.key) else { return Ok(()) };
            for (_, Entry { message, .. }) in self.messages(&everything)? {
                let home = Home::of_accepted(&message, self.rules);
                let home = home.identifier();
                if home != written {
                    tied.tie(written, home);
                }
                let Some(ties) = Ties::of(&message, self.rules) else { continue };
                if ties.kind == TieKind::Part {
                    // That ties were taken back is remembered of who has none.
                    tied.tie(home, home);
                }
                ties.others.iter().for_each(|other| tied.tie(home, other.borrowed()));
            }
            Ok(())
        })?;
        Ok(tied)
    }

    fn visit_family(
        &self,
        family: &[OwnedIdentifier],
        visit: &mut dyn FnMut(Customer<'_>) -> Result<(), Error>,
    ) -> Result<Vec<Later>, Error> {
        let (mut all, mut later, mut sequence) = (Vec::new(), Vec::new(), 0);
        for identifier in family {
            let key = identifier.borrowed().key();
            visit_one(self.base, self.tail, &key, |everything| {
                sequence = sequence.max(everything.sequence());
                for (message, entry) in self.messages(&everything)? {
                    if entry.time > self.now {
                        later.push((everything.sequence(), entry));
                    } else {
                        all.push((message, entry));
                    }
                }
                Ok(())
            })?;
        }
        all.sort_by(|(_, a), (_, b)| (a.time, &a.message_id).cmp(&(b.time, &b.message_id)));
        let heard: Vec<Heard<'_>> = all.iter().map(|(_, entry)| entry.heard()).collect();
        for resolved in Resolution::new(self.rules, &heard).finish() {
            let key = resolved.known_as.stored_under().clone();
            let messages = resolved.messages.iter().map(|place| all[*place].clone()).collect();
            let is_of = |entry: &Entry| {
                let home = Home::of_accepted(&entry.message, self.rules);
                Ties::of(&entry.message, self.rules).is_none() && resolved.known_as.has(home.identifier())
            };
            let waiting = later.iter().map(|(_, entry)| entry).filter(|entry| is_of(entry)).cloned();
            let waiting = waiting.collect();
            let known_as = (!resolved.known_as.is_plain()).then_some(resolved.known_as);
            visit(Customer { key, known_as, messages, waiting, sequence, only: None })?;
        }
        Ok(later)
    }
}

impl Tied {
    fn tie(&mut self, a: Identifier<'_>, b: Identifier<'_>) {
        let (a, b) = (self.number(a), self.number(b));
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a.max(b)] = a.min(b);
    }

    fn has(&self, identifier: &OwnedIdentifier) -> bool {
        self.numbers.contains_key(identifier)
    }

    fn number(&mut self, identifier: Identifier<'_>) -> usize {
        let next = self.parents.len();
        let number = *self.numbers.entry(identifier.to_owned()).or_insert(next);
        if number == next {
            self.parents.push(next);
        }
        number
    }

    fn root(&mut self, mut number: usize) -> usize {
        while self.parents[number] != number {
            // Halves the way for the next one.
            self.parents[number] = self.parents[self.parents[number]];
            number = self.parents[number];
        }
        number
    }

    fn families(&mut self) -> Vec<Vec<OwnedIdentifier>> {
        let identifiers = std::mem::take(&mut self.numbers);
        let mut families: BTreeMap<usize, Vec<OwnedIdentifier>> = BTreeMap::new();
        for (identifier, number) in identifiers {
            let root = self.root(number);
            families.entry(root).or_default().push(identifier);
        }
        families.into_values().collect()
    }
}
