//! Who is who, the slow way: from all messages, each time, with nothing kept.
//!
//! The yardstick for `facts/identity`, written down apart from it and as plainly as can be. It shares
//! with it what a message's ids are (`facts/identity/ties.rs`), and nothing of what follows from them.

use std::collections::BTreeMap;

use crate::base::limits::MAX_IDENTIFIERS;
use crate::base::time::Time;
use crate::facts::identity::ties::{Home, TieKind, Ties};
use crate::model::identifier::{IdentifierKind, OwnedIdentifier};
use crate::model::message::Message;
use crate::rules::identifiers::IdentifierRules;

/// A customer: identifiers, each with when it was first seen, and the places of the messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Person {
    pub(crate) identifiers: BTreeMap<OwnedIdentifier, Option<Time>>,
    pub(crate) messages: Vec<usize>,
}

/// Everybody, and what had no effect.
#[derive(Clone, Debug, Default)]
pub(crate) struct Everybody {
    pub(crate) people: Vec<Person>,
    /// Whether the message asked about asks for more identifiers of one customer than are allowed.
    pub(crate) is_too_much: bool,
    /// Ties that were taken back, or did not fit: the message's place, and the other identifier.
    pub(crate) idle: Vec<(usize, OwnedIdentifier)>,
}

/// All customers after these messages, which are sorted by time and id; `asked` is the id of the message
/// asked about.
pub(crate) fn everybody(
    messages: &[(Time, &str, &Message)],
    rules: &IdentifierRules,
    asked: Option<&str>,
) -> Everybody {
    let mut people: Vec<Person> = Vec::new();
    let mut idle = Vec::new();
    let mut too_many = false;
    for (place, (time, id, message)) in messages.iter().enumerate() {
        let home = Home::of_accepted(message, rules).identifier().to_owned();
        let mut me = whose(&people, &home).unwrap_or_else(|| {
            people.push(Person::default());
            people.len() - 1
        });
        see(&mut people[me], &home, *time);
        people[me].messages.push(place);
        let Some(ties) = Ties::of(message, rules) else { continue };
        let back: Vec<bool> =
            ties.others.iter().map(|other| is_parted(messages, rules, other, place)).collect();
        for (other, is_back) in ties.others.into_iter().zip(&back) {
            // A previous id is one id, of whatever kind.
            let is_back = *is_back || (ties.kind == TieKind::Join && back.contains(&true));
            if is_back || is_parted(messages, rules, &home, place) {
                idle.push((place, other));
                continue;
            }
            let seen_at = (ties.kind == TieKind::Claim).then_some(*time);
            match whose(&people, &other) {
                Some(owner) if owner == me => {}
                None if fits(&people[me], [&other], rules) => {
                    people[me].identifiers.insert(other.clone(), None);
                }
                None => {
                    too_many |= asked == Some(*id);
                    idle.push((place, other.clone()));
                    people.push(Person::default());
                    people.last_mut().expect("it was pushed").identifiers.insert(other.clone(), None);
                }
                Some(owner) => {
                    let changes_hands =
                        ties.kind == TieKind::Claim && is_known(&people[me]) && is_known(&people[owner]);
                    let moving: Vec<OwnedIdentifier> = match changes_hands {
                        true => vec![other.clone()],
                        false => people[owner].identifiers.keys().cloned().collect(),
                    };
                    if !fits(&people[me], &moving, rules) {
                        too_many |= asked == Some(*id);
                        idle.push((place, other));
                        continue;
                    }
                    if changes_hands {
                        people[owner].identifiers.remove(&other);
                        people[me].identifiers.insert(other.clone(), Some(*time));
                    } else {
                        let gone = std::mem::take(&mut people[owner]);
                        people[me].identifiers.extend(gone.identifiers);
                        people[me].messages.extend(gone.messages);
                        people.remove(owner);
                        me -= usize::from(owner < me);
                    }
                }
            }
            if let (Some(owner), Some(time)) = (whose(&people, &other), seen_at) {
                see(&mut people[owner], &other, time);
            }
        }
    }
    people.iter_mut().for_each(|person| person.messages.sort_unstable());
    Everybody { people, is_too_much: too_many && asked.is_some(), idle }
}

impl Person {
    /// The identifier of a kind that was seen first, and when.
    pub(crate) fn first_seen(&self, kind: IdentifierKind) -> Option<(Time, &str)> {
        let of_kind = self.identifiers.iter().filter(|(id, _)| id.kind == kind);
        of_kind.filter_map(|(id, seen)| Some(((*seen)?, &*id.text))).min()
    }

    /// The id that the customer is shown under.
    pub(crate) fn shown(&self) -> &str {
        let shown = self.first_seen(IdentifierKind::User);
        let shown = shown.or_else(|| self.first_seen(IdentifierKind::Anonymous));
        match (shown, self.identifiers.keys().next()) {
            (Some((_, text)), _) => text,
            (None, Some(first)) => &first.text,
            (None, None) => "",
        }
    }
}

fn whose(people: &[Person], identifier: &OwnedIdentifier) -> Option<usize> {
    people.iter().position(|person| person.identifiers.contains_key(identifier))
}

fn see(person: &mut Person, identifier: &OwnedIdentifier, time: Time) {
    let seen = person.identifiers.entry(identifier.clone()).or_default();
    *seen = Some(seen.map_or(time, |seen| seen.min(time)));
}

fn is_known(person: &Person) -> bool {
    person.identifiers.iter().any(|(id, seen)| id.kind == IdentifierKind::User && seen.is_some())
}

/// Whether ties of an identifier that were heard at `place` are taken back by a later message.
fn is_parted(
    messages: &[(Time, &str, &Message)],
    rules: &IdentifierRules,
    identifier: &OwnedIdentifier,
    place: usize,
) -> bool {
    messages[place + 1..].iter().any(|(_, _, message)| {
        Ties::of(message, rules).is_some_and(|ties| ties.kind == TieKind::Part)
            && Home::of_accepted(message, rules).identifier() == identifier.borrowed()
    })
}

fn fits<'a>(
    person: &'a Person,
    more: impl IntoIterator<Item = &'a OwnedIdentifier>,
    rules: &IdentifierRules,
) -> bool {
    let more: Vec<&OwnedIdentifier> = more.into_iter().collect();
    let all: Vec<&OwnedIdentifier> = person.identifiers.keys().chain(more.iter().copied()).collect();
    let is_within = |added: &&OwnedIdentifier| {
        let added = added.borrowed();
        let alike = all.iter().map(|id| id.borrowed());
        let alike = alike.filter(|id| id.kind == added.kind && id.kind_name() == added.kind_name());
        rules.limit(added).is_none_or(|limit| alike.count() <= limit as usize)
    };
    all.len() <= MAX_IDENTIFIERS && more.iter().all(is_within)
}
