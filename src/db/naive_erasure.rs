//! Erasing, the slow way: from a list of all messages, which becomes a shorter one.
//!
//! The yardstick for `db/erasing`, written down apart from it. It shares with it what names a customer in a
//! message (`facts/identity`), and nothing of what follows from that.

use std::collections::BTreeSet;

use crate::base::time::{Duration, Time};
use crate::db::naive_identity::Everybody;
use crate::facts::identity::named::named;
use crate::facts::identity::ties::{Home, TieKind, Ties};
use crate::model::identifier::{IdentifierKind, OwnedIdentifier};
use crate::model::message::Message;
use crate::rules::identifiers::{Form, IdentifierRules};

/// An identifier that was an erased customer's for a while.
#[derive(Clone, Debug)]
pub(crate) struct Grave {
    identifier: OwnedIdentifier,
    form: Form,
    from: Time,
    until: Time,
}

/// What becomes of a message: it stays, without these fields, or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    Whole,
    Without(Vec<String>),
    Nothing,
}

/// What becomes of each message when person `number` is erased at `now`, and who is remembered. Messages
/// are sorted by time and id; `everybody` is after those up to now.
pub(crate) fn erase(
    messages: &[(Time, &Message)],
    everybody: &Everybody,
    number: usize,
    rules: &IdentifierRules,
    now: Time,
) -> (Vec<Left>, Vec<Grave>) {
    let person = &everybody.people[number];
    let is_theirs = |identifier: &OwnedIdentifier| person.identifiers.contains_key(identifier);
    let mut left = Vec::new();
    // Of each message that counts: its time, its identifiers, and whether it is theirs.
    let mut seen: Vec<(Time, Vec<OwnedIdentifier>, bool)> = Vec::new();
    for (place, (time, message)) in messages.iter().enumerate() {
        let home = Home::of_accepted(message, rules).identifier().to_owned();
        let ties = Ties::of(message, rules);
        let others: Vec<OwnedIdentifier> = ties.iter().flat_map(|ties| ties.others.to_vec()).collect();
        let is_later = *time > now;
        let is_of_them = if is_later { is_theirs(&home) } else { person.messages.contains(&place) };
        let is_idle = |other: &OwnedIdentifier| is_later || everybody.idle.contains(&(place, other.clone()));
        let idle: Vec<&OwnedIdentifier> = others.iter().filter(|other| is_idle(other)).collect();
        let idle_of_them: Vec<&OwnedIdentifier> =
            idle.iter().copied().filter(|other| is_theirs(other)).collect();
        left.push(match ties.map(|ties| ties.kind) {
            _ if is_of_them => Left::Nothing,
            Some(TieKind::Join) if !idle_of_them.is_empty() && (is_later || idle.len() == others.len()) => {
                Left::Nothing
            }
            Some(TieKind::Claim) if !idle_of_them.is_empty() => {
                let field = |other: &&OwnedIdentifier| match other.kind {
                    IdentifierKind::Anonymous => "anonymousId".to_owned(),
                    _ => format!("traits.{}", other.borrowed().kind_name()),
                };
                Left::Without(idle_of_them.iter().map(field).collect())
            }
            _ => Left::Whole,
        });
        if !is_later || is_of_them {
            let counting = others.iter().filter(|other| !is_idle(other)).cloned();
            seen.push((*time, counting.chain([home]).collect(), is_of_them));
        }
    }
    let last = seen.iter().filter(|(.., theirs)| *theirs).map(|(time, ..)| *time).max();
    let cut_off = last.map_or(now, |last| last.max(now));
    let all: BTreeSet<OwnedIdentifier> = seen.iter().flat_map(|(_, named, _)| named.clone()).collect();
    let graves = all.into_iter().flat_map(|identifier| graves(&identifier, &seen, cut_off, rules));
    (left, graves.collect())
}

/// When an identifier was theirs: from a message that took it until one that took it away.
fn graves(
    identifier: &OwnedIdentifier,
    seen: &[(Time, Vec<OwnedIdentifier>, bool)],
    cut_off: Time,
    rules: &IdentifierRules,
) -> Vec<Grave> {
    let seen: Vec<(Time, bool)> = seen
        .iter()
        .filter(|(_, named, _)| named.contains(identifier))
        .map(|(time, _, theirs)| (*time, *theirs))
        .collect();
    let form = match identifier.kind {
        IdentifierKind::User => rules.user.form,
        IdentifierKind::Anonymous => rules.anonymous.form,
        IdentifierKind::Declared => {
            rules.declared(identifier.borrowed().kind_name()).map_or(rules.user.form, |rule| rule.form)
        }
    };
    let mut graves: Vec<Grave> = Vec::new();
    let mut before = None;
    for (time, theirs) in seen {
        match (before, theirs) {
            (Some(true), true) => {
                if let Some(grave) = graves.last_mut() {
                    grave.from = grave.from.min(time);
                }
            }
            (Some(true), false) => {
                if let Some(grave) = graves.last_mut() {
                    grave.until = grave.until.max(time - Duration::from_millis(1));
                }
            }
            (before, true) => {
                let from = if before.is_none() { Time::BEFORE_ALL } else { time };
                graves.push(Grave { identifier: identifier.clone(), form, from, until: time });
            }
            (_, false) => {}
        }
        if let Some(grave) = graves.last_mut().filter(|_| theirs) {
            grave.until = grave.until.max(time);
        }
        before = Some(theirs);
    }
    if let Some(grave) = graves.last_mut().filter(|_| before == Some(true)) {
        grave.until = cut_off;
    }
    graves
}

/// Whether a message is of somebody who was erased.
pub(crate) fn is_of_the_erased(
    message: &Message,
    time: Time,
    graves: &[Grave],
    rules: &IdentifierRules,
) -> bool {
    named(message, rules).iter().any(|named| {
        graves.iter().any(|grave| {
            grave.identifier.kind == named.kind
                && named.read_as(grave.form) == grave.identifier
                && (grave.from..=grave.until).contains(&time)
        })
    })
}
