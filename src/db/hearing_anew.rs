//! Who is who, heard anew from all messages of those concerned: the way of whatever cannot be heard on top of
//! who is who now.

use std::collections::BTreeMap;

use crate::base::time::Time;
use crate::db::tied::{Concerned, Planned, is_too_much};
use crate::facts::identity::resolution::{Heard, Resolution};
use crate::facts::identity::ties::Ties;
use crate::rules::identifiers::IdentifierRules;
use crate::store::history::Entry;
use crate::store::packed_message::PackedMessage;
use crate::store::regroup::Plan;

impl Concerned<'_> {
    /// Who is who, heard anew from all messages of all concerned, but for what ties identifiers after
    /// `until`: nobody has that.
    pub(crate) fn heard_anew(
        &self,
        last: Option<Heard<'_>>,
        until: Time,
        rules: &IdentifierRules,
    ) -> Planned {
        let mut all: Vec<(Heard<'_>, Option<usize>)> = last.iter().map(|last| (*last, None)).collect();
        let entries = self.entries();
        for (number, entries) in entries.iter().enumerate() {
            let heard = entries.iter().map(Entry::heard);
            all.extend(heard.filter(|heard| !waits(heard, until, rules)).map(|heard| (heard, Some(number))));
        }
        all.sort_by(|(a, from_a), (b, from_b)| {
            // Of a message that is there twice, the one that a profile has stays.
            (a.time, a.message_id, from_a.is_none()).cmp(&(b.time, b.message_id, from_b.is_none()))
        });
        all.dedup_by(|(a, _), (b, _)| (a.time, a.message_id) == (b.time, b.message_id));
        let messages: Vec<Heard<'_>> = all.iter().map(|(heard, _)| *heard).collect();
        let owners: Vec<Option<usize>> = all.iter().map(|(_, owner)| *owner).collect();
        let resolution = Resolution::new(rules, &messages);
        let is_too_much = last.is_some_and(|last| is_too_much(&resolution, last));
        let mut new = resolution.finish();
        // Of a message that two have after a crash, one of them is not wholly what it was.
        let totals: Vec<usize> = entries.iter().map(Vec::len).collect();
        let mut dealt = BTreeMap::new();
        let packed = self.profiles().flat_map(|profile| profile.history.iter().map(|(_, packed)| packed));
        let by_id: BTreeMap<&str, &PackedMessage> =
            packed.map(|packed| (packed.message_id(), packed)).collect();
        let mut recipient = None;
        for resolved in &mut new {
            if resolved.messages.iter().any(|place| owners[*place].is_none()) {
                recipient = Some(resolved.known_as.stored_under().clone());
            }
            let parts = counts(resolved.messages.iter().filter_map(|place| owners[*place]));
            if !parts.is_empty() && parts.iter().all(|(owner, part)| totals.get(*owner) == Some(part)) {
                resolved.whole = parts.into_keys().collect();
                resolved.messages.clear();
                continue;
            }
            resolved.messages.retain(|place| owners[*place].is_some());
            for place in &resolved.messages {
                if let Some(packed) = by_id.get(messages[*place].message_id) {
                    dealt.insert(*place, PackedMessage::clone(packed));
                }
            }
        }
        let plan = Plan { old: self.places().to_vec(), new, messages: dealt };
        Planned { plan, recipient, is_too_much }
    }
}

/// Whether a message ties identifiers, but not before its time comes.
pub(crate) fn waits(heard: &Heard<'_>, now: Time, rules: &IdentifierRules) -> bool {
    heard.time > now && Ties::of(heard.message, rules).is_some()
}

fn counts(of: impl Iterator<Item = usize>) -> BTreeMap<usize, usize> {
    let mut counts = BTreeMap::new();
    for one in of {
        *counts.entry(one).or_insert(0) += 1;
    }
    counts
}
