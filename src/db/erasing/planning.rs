//! What an erasure takes, and what is left of those who had to do with it: decided without touching anything.
//!
//! - Every message of a person's profile goes.
//! - A message of another customer stays. If it names an identifier of theirs as one that was to be the
//!   other's, and that is not in effect (it was taken back, or exceeded a limit), it stays without it; an
//!   `alias` says nothing else, and goes.
//! - What is left is heard anew: who is who among the others is what their messages say.
//! - A person who is made anonymous leaves messages of somebody new (`anonymous.rs`), who is heard with them.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::time::Time;
use crate::db::erasing::anonymous::{NewIds, anonymous};
use crate::db::erasing::periods::{Periods, Whose};
use crate::db::held::Heldback;
use crate::db::tied::Concerned;
use crate::facts::identity::resolution::{Heard, Resolution, TieOutcome};
use crate::facts::identity::ties::{Home, TieKind, Ties, written_home};
use crate::model::identifier::{IdentifierKind, OwnedIdentifier};
use crate::model::message::Message;
use crate::persist::record::erasure_book::Fate;
use crate::rules::definitions::Definitions;
use crate::rules::identifiers::IdentifierRules;
use crate::store::history::Entry;
use crate::store::packed_message::PackedMessage;
use crate::store::profile::Profile;
use crate::store::regroup::Plan;

/// What an erasure does.
#[derive(Debug)]
pub(crate) struct Erasure {
    /// What becomes of the customers who are left.
    pub(crate) plan: Plan,
    /// How many are erased.
    pub(crate) customers: u64,
    /// Their identifiers.
    pub(crate) identifiers: BTreeSet<OwnedIdentifier>,
    pub(crate) periods: Periods,
    /// The last instant that the erasure is about.
    pub(crate) cut_off: Time,
    pub(crate) touched: Vec<Touched>,
    /// What goes on under anonymous ids; those of one in their order.
    pub(crate) anonymous: Vec<Entry>,
}

/// A message that is taken out, or changed.
#[derive(Debug)]
pub(crate) struct Touched {
    pub(crate) message_id: String,
    /// The id under which it came, as it is written.
    pub(crate) home: OwnedIdentifier,
    pub(crate) fate: Fate,
    /// Whether it was another customer's.
    pub(crate) is_anothers: bool,
    /// What it says then.
    pub(crate) left: Option<Message>,
}

/// All messages of those concerned, heard in their order.
struct Story<'a> {
    /// Each with the number of the profile that has it.
    messages: Vec<(Heard<'a>, usize)>,
    /// Ties that are not in effect, by the message's id.
    idle: BTreeSet<(String, OwnedIdentifier)>,
    /// Of each profile, whether it is erased.
    is_erased: Vec<bool>,
    /// The identifiers of those who are, each with the number of the profile.
    identifiers: BTreeMap<OwnedIdentifier, usize>,
}

impl Concerned<'_> {
    /// What erasing the customers of these identifiers does; all who ever had to do with them are here, and
    /// who is held back. Their messages go on under the anonymous ids, if any are given. Nothing if one of
    /// them is nobody's.
    pub(crate) fn without(
        &self,
        asked: &[OwnedIdentifier],
        anonymous_ids: &[OwnedIdentifier],
        held: &[Heldback],
        now: Time,
    ) -> Option<Erasure> {
        if !asked.iter().all(|identifier| self.profile_of(identifier.borrowed()).is_some()) {
            return None;
        }
        let program = self.locked.program();
        let rules = &program.definitions.identifiers;
        let entries = self.entries();
        let story = Story::of(self, &entries, asked, rules);
        let mut cut_off = now;
        let mut periods = Periods::default();
        let mut touched = Vec::new();
        for (heard, owner) in &story.messages {
            let is_erased = story.is_erased[*owner];
            let whose = if is_erased { Whose::Theirs } else { Whose::Anothers };
            let home = Home::of_accepted(heard.message, rules).identifier().to_owned();
            periods.see(&home, heard.time, whose);
            let ties = Ties::of(heard.message, rules);
            for other in ties.iter().flat_map(|ties| &ties.others) {
                if !story.is_idle(heard, other) {
                    periods.see(other, heard.time, whose);
                }
            }
            let fate = match is_erased {
                true => {
                    cut_off = cut_off.max(heard.time);
                    Some(Fate::Gone)
                }
                false => ties.and_then(|ties| story.fate_of_anothers(heard, &ties)),
            };
            touched.extend(fate.map(|fate| Touched::of(heard.message, heard.message_id, fate, !is_erased)));
        }
        for Heldback { incoming, .. } in held {
            let Some((fate, is_of_them)) = story.fate_of_held(&incoming.message, rules) else { continue };
            if is_of_them {
                cut_off = cut_off.max(incoming.time);
            }
            touched.push(Touched::of(&incoming.message, &incoming.message_id, fate, !is_of_them));
        }
        let anonymous = story.anonymous(held, anonymous_ids, &program.definitions);
        let plan = self.left(&story, &touched, &anonymous, rules);
        let customers = story.is_erased.iter().filter(|erased| **erased).count() as u64;
        let identifiers = story.identifiers.into_keys().collect();
        Some(Erasure { plan, customers, identifiers, periods, cut_off, touched, anonymous })
    }

    /// What becomes of those who are left.
    fn left(
        &self,
        story: &Story<'_>,
        touched: &[Touched],
        anonymous: &[Entry],
        rules: &IdentifierRules,
    ) -> Plan {
        let touched: BTreeMap<&str, &Touched> =
            touched.iter().map(|touched| (&*touched.message_id, touched)).collect();
        let mut kept: Vec<(Heard<'_>, usize)> = Vec::new();
        let mut changed: BTreeSet<usize> = BTreeSet::new();
        for (heard, owner) in &story.messages {
            match touched.get(heard.message_id) {
                None => kept.push((*heard, *owner)),
                Some(Touched { left, .. }) => {
                    changed.insert(*owner);
                    kept.extend(left.as_ref().map(|message| (Heard { message, ..*heard }, *owner)));
                }
            }
        }
        // Those of nobody that there was.
        kept.extend(anonymous.iter().map(|entry| (entry.heard(), usize::MAX)));
        kept.sort_by_key(|(heard, _)| (heard.time, heard.message_id));
        let heard: Vec<Heard<'_>> = kept.iter().map(|(heard, _)| *heard).collect();
        let totals: Vec<usize> = self.profiles().map(|profile| profile.history.iter().count()).collect();
        let mut new = Resolution::new(rules, &heard).finish();
        let mut messages = BTreeMap::new();
        for resolved in &mut new {
            let mut parts: BTreeMap<usize, usize> = BTreeMap::new();
            for place in &resolved.messages {
                *parts.entry(kept[*place].1).or_default() += 1;
            }
            let is_whole = |(owner, part): (&usize, &usize)| {
                !changed.contains(owner) && totals.get(*owner) == Some(part)
            };
            if !parts.is_empty() && parts.iter().all(is_whole) {
                resolved.whole = parts.into_keys().collect();
                resolved.messages.clear();
                continue;
            }
            for place in &resolved.messages {
                let Heard { time, message_id, message } = heard[*place];
                messages.insert(*place, PackedMessage::of(time, message_id, message));
            }
        }
        Plan { old: self.places().to_vec(), new, messages }
    }
}

impl<'a> Story<'a> {
    fn of(
        concerned: &Concerned<'_>,
        entries: &'a [Vec<Entry>],
        asked: &[OwnedIdentifier],
        rules: &IdentifierRules,
    ) -> Story<'a> {
        let mut messages: Vec<(Heard<'a>, usize)> = Vec::new();
        for (number, entries) in entries.iter().enumerate() {
            messages.extend(entries.iter().map(|entry| (entry.heard(), number)));
        }
        messages.sort_by_key(|(heard, _)| (heard.time, heard.message_id));
        messages.dedup_by_key(|(heard, _)| (heard.time, heard.message_id));
        let heard: Vec<Heard<'_>> = messages.iter().map(|(heard, _)| *heard).collect();
        let log = Resolution::new(rules, &heard).log.into_iter();
        let is_idle = |outcome| matches!(outcome, TieOutcome::TakenBack | TieOutcome::TooMany);
        let idle = log.filter(|tie| is_idle(tie.outcome)).map(|tie| (tie.message_id, tie.other));
        let asked: BTreeSet<&OwnedIdentifier> = asked.iter().collect();
        let has_asked = |profile: &Profile| profile.identifiers().any(|known| asked.contains(known));
        let erased = concerned.profiles().enumerate().filter(|(_, profile)| has_asked(profile));
        let identifiers = erased.flat_map(|(number, profile)| {
            profile.identifiers().map(move |identifier| (identifier.clone(), number))
        });
        Story {
            idle: idle.collect(),
            is_erased: concerned.profiles().map(has_asked).collect(),
            identifiers: identifiers.collect(),
            messages,
        }
    }

    /// What the erased leave behind under anonymous ids, one for each of them, if any are given.
    fn anonymous(
        &self,
        held: &[Heldback],
        anonymous_ids: &[OwnedIdentifier],
        definitions: &Definitions,
    ) -> Vec<Entry> {
        let rules = &definitions.identifiers;
        let of_held = held.iter().filter_map(|Heldback { incoming, .. }| {
            let home = Home::of_accepted(&incoming.message, rules);
            let owner = self.identifiers.get(&home.identifier().to_owned())?;
            Some((incoming.heard(), *owner))
        });
        let of_them = self.messages.iter().copied().filter(|(_, owner)| self.is_erased[*owner]);
        let mut of_each: BTreeMap<usize, Vec<Heard<'_>>> = BTreeMap::new();
        of_them.chain(of_held).for_each(|(heard, owner)| of_each.entry(owner).or_default().push(heard));
        let mut left = Vec::new();
        for (id, messages) in anonymous_ids.iter().zip(of_each.values_mut()) {
            messages.sort_by_key(|heard| (heard.time, heard.message_id));
            let ids = NewIds::of(id.borrowed(), messages);
            left.extend(messages.iter().map(|heard| anonymous(heard, &ids, definitions)));
        }
        left
    }

    fn is_idle(&self, heard: &Heard<'_>, other: &OwnedIdentifier) -> bool {
        self.idle.contains(&(heard.message_id.to_owned(), other.clone()))
    }

    /// What becomes of a message of the future that nobody has yet, and whether it is of the erased; nothing if
    /// all of it stays.
    fn fate_of_held(&self, message: &Message, rules: &IdentifierRules) -> Option<(Fate, bool)> {
        let is_theirs = |identifier: &OwnedIdentifier| self.identifiers.contains_key(identifier);
        if is_theirs(&Home::of_accepted(message, rules).identifier().to_owned()) {
            return Some((Fate::Gone, true));
        }
        let ties = Ties::of(message, rules)?;
        let claimed: Vec<String> =
            ties.others.iter().filter(|other| is_theirs(other)).map(field_of).collect();
        match ties.kind {
            _ if claimed.is_empty() => None,
            TieKind::Join => Some((Fate::Gone, false)),
            _ => Some((Fate::Without(claimed), false)),
        }
    }

    /// What becomes of a message of another customer, if not all of it stays.
    fn fate_of_anothers(&self, heard: &Heard<'_>, ties: &Ties) -> Option<Fate> {
        let names_them = |other: &&OwnedIdentifier| self.identifiers.contains_key(*other);
        let idle: Vec<&OwnedIdentifier> =
            ties.others.iter().filter(|other| self.is_idle(heard, other)).collect();
        let theirs: Vec<&OwnedIdentifier> = idle.iter().copied().filter(names_them).collect();
        match ties.kind {
            TieKind::Part => None,
            _ if theirs.is_empty() => None,
            TieKind::Join => (idle.len() == ties.others.len()).then_some(Fate::Gone),
            TieKind::Claim => Some(Fate::Without(theirs.into_iter().map(field_of).collect())),
        }
    }
}

/// The field in which an `identify` claims an identifier.
fn field_of(claimed: &OwnedIdentifier) -> String {
    match claimed.kind {
        IdentifierKind::User => "userId".to_owned(),
        IdentifierKind::Anonymous => "anonymousId".to_owned(),
        IdentifierKind::Declared => format!("traits.{}", claimed.borrowed().kind_name()),
    }
}

impl Touched {
    /// What becomes of a message.
    fn of(message: &Message, message_id: &str, fate: Fate, is_anothers: bool) -> Touched {
        let left = match &fate {
            Fate::Gone => None,
            Fate::Without(fields) => Some(message.clone().without(fields)),
        };
        let home = written_home(message).to_owned();
        Touched { message_id: message_id.to_owned(), home, fate, is_anothers, left }
    }
}
