//! Putting summaries in the place of messages that are no longer kept.
//!
//! A profile's messages are summarised home by home, so that the base, which knows messages by the ids under
//! which they came, can take out the same ones, and so that customers who come apart take their own along. Of
//! each home the first message stays, which says since when it is known, and the last one of each event, which
//! answers may name. A customer who shares a past with others (a device that changed hands, ties that were
//! taken back) keeps everything: whose those messages are may be decided anew.
//!
//! Invariants:
//! 1. Nothing that anybody can ask under the catalog in force is another thing afterwards.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::base::error::Error;
use crate::base::frozen_hash::hash64;
use crate::base::time::Time;
use crate::engine::cell::Cell;
use crate::engine::consents::Told as _;
use crate::engine::decide::Decisions;
use crate::engine::program::Program;
use crate::engine::step::Step;
use crate::engine::summary::coverage::{Coverage, ID_PREFIX, foldable_event, messages_stood_for};
use crate::engine::summary::digest::properties;
use crate::engine::transition::Trigger;
use crate::engine::typed_message::TypedMessage;
use crate::facts::identity::ties::written_home;
use crate::facts::stamp::HistoryPlace;
use crate::model::declaration::Kept;
use crate::model::identifier::{Identifier, IdentifierKind, OwnedIdentifier};
use crate::model::ids::EventId;
use crate::model::message::{Message, MessageKind};
use crate::store::history::{Entry, History};
use crate::store::packed_message::PackedMessage;
use crate::store::profile::{Body, Profile, ids};
use crate::store::rebuilding::{Identified, rebuild};
use crate::store::shard::Shard;

/// What becomes of one home's messages.
#[derive(Debug, Default)]
struct Due {
    coverage: Coverage,
    /// How many messages the summary will stand for, earlier summaries and those of theirs included.
    messages: u64,
    /// How many of them are there still.
    gone: u64,
    latest: Time,
}

impl Shard {
    /// The summaries that a profile's messages are due for at `now`, each in the place of at least so many.
    /// The profile is current.
    ///
    /// # Errors
    /// If its messages cannot be read.
    pub(crate) fn due_summaries(
        &mut self,
        place: u32,
        least: u64,
        now: Time,
    ) -> Result<Vec<(Entry, u64)>, Error> {
        self.complete(place)?;
        let profile = self.profile(place);
        let is_shared = profile.known_as.as_deref().is_some_and(|known_as| !known_as.has_simple_past());
        if is_shared || profile.standing().has_pending() {
            return Ok(Vec::new());
        }
        let program = Arc::clone(&self.program);
        let homes = due(&profile.history, &program, now);
        let mut summaries = Vec::new();
        for (home, due) in homes.into_iter().filter(|(_, due)| due.gone >= least) {
            let home = home.borrowed();
            let properties = self.properties(place, home, &due, now);
            let id = format!("{ID_PREFIX}{:016x}-{:x}", hash64(&home.key()), due.messages);
            let message = summary(home, &due, id, properties);
            // What it cannot hold stays as it is.
            if message.check().is_ok() {
                let message_id = message.message_id().unwrap_or_default().into();
                summaries.push((Entry { time: due.latest, message_id, message }, due.gone));
            }
        }
        Ok(summaries)
    }

    /// Puts a summary in the place of the messages that it stands for; `sequence` is its number on record.
    /// A checkpoint that looked at the profile before must not call it stored.
    ///
    /// # Errors
    /// If the profile's messages cannot be read; then nothing has changed.
    pub(crate) fn summarise(
        &mut self,
        place: u32,
        summary: PackedMessage,
        sequence: u64,
        now: Time,
    ) -> Result<(), Error> {
        self.complete(place)?;
        let Shard { program, slots, scratch, .. } = self;
        let profile = slots.taken(place);
        let Profile { key, known_as, body, history, .. } = &mut *profile;
        let before = body.cell(program);
        let last = match before.last_cause {
            Trigger::Message(place) => history.message_id(place).map(str::to_owned),
            Trigger::Time | Trigger::Catalog => None,
        };
        *history = std::mem::take(history).summarised(summary);
        let now = now.max(before.as_of);
        let stamp = before.stamp + 1;
        let cell = rebuild(program, ids(key, known_as.as_deref()), history, scratch, now);
        debug_assert!(
            program.graph.segments.iter().all(|literal| {
                let is_true =
                    |cell: &Cell| cell.conclusions.as_ref().is_some_and(|all| all.truths.get(*literal));
                is_true(before) == is_true(&cell)
            }),
            "a summary changes no answer"
        );
        // What was told stays the last word on the time before it.
        let last_change = before.last_change.max(cell.last_change);
        let last = last.and_then(|last| history.stamp_of(&last)).map(|stamp| Trigger::Message(stamp.place));
        let last_cause = match before.last_cause {
            Trigger::Message(_) => last.unwrap_or(cell.last_cause),
            other => other,
        };
        *body = Body::Cell(Cell { stamp, last_change, last_cause, ..cell });
        profile.decisions = Decisions::default();
        profile.sequence = sequence;
        // Those that are counted are never as great.
        profile.making = u64::MAX - sequence;
        profile.changed();
        self.arm(place, now);
        Ok(())
    }

    /// The properties of the summary of one home's messages.
    fn properties(&mut self, place: u32, home: Identifier<'_>, due: &Due, now: Time) -> Map<String, Json> {
        let Shard { program, slots, scratch, .. } = self;
        let profile = slots.taken(place);
        let Profile { key, known_as, history, .. } = profile;
        let ids = ids(key, known_as.as_deref());
        let is_covered: Vec<bool> = history
            .unpacked()
            .map(|entry| {
                written_home(&entry.message) == home
                    && due.coverage.covers(entry.time, &entry.message_id, &entry.message)
            })
            .collect();
        let mut told: Vec<TypedMessage> = history.told(&program.definitions);
        told.retain(|message| is_covered[message.stamp.place.0 as usize]);
        let identity = &Identified { program, ids };
        let customer =
            Step { program, past: history, identity, scratch, turns: &mut Vec::new() }.taken_in(&told, now);
        let id_of = |place: HistoryPlace| history.message_id(place).unwrap_or_default().to_owned();
        let mut properties = properties(program, &due.coverage, &customer, &id_of);
        properties.insert("messages".to_owned(), Json::from(due.messages));
        properties
    }
}

/// What of a whole history is due at `now`, by home.
fn due(history: &History, program: &Program, now: Time) -> Vec<(OwnedIdentifier, Due)> {
    let mut homes: BTreeMap<OwnedIdentifier, Vec<Entry>> = BTreeMap::new();
    for (_, entry) in history.in_order() {
        homes.entry(written_home(&entry.message).to_owned()).or_default().push(entry);
    }
    homes.into_iter().map(|(home, entries)| (home, Due::of(&entries, program, now))).collect()
}

/// Up to when messages of an event are no longer kept.
fn kept_after(program: &Program, event: &str, now: Time) -> Option<Time> {
    let number = program.definitions.event_names.get(event).map(EventId);
    match program.definitions.retention.kept(number) {
        Kept::Forever => None,
        Kept::For(kept) => Some(now - kept),
    }
}

fn summary(home: Identifier<'_>, due: &Due, id: String, properties: Map<String, Json>) -> Message {
    let message = Message::new(MessageKind::Summary, home.text).with_id(id).with_timestamp(due.latest);
    let message = if home.kind == IdentifierKind::Anonymous { message.anonymous() } else { message };
    message.with_properties(properties)
}

impl Due {
    /// What of one home's messages, in their order, is due at `now`.
    fn of(entries: &[Entry], program: &Program, now: Time) -> Due {
        let mut due = Due::default();
        let first = entries.first().map(|entry| &*entry.message_id);
        let mut last: BTreeMap<&str, &str> = BTreeMap::new();
        for entry in entries {
            last.extend(foldable_event(&entry.message).map(|event| (event, &*entry.message_id)));
            if let Some(earlier) = Coverage::of(&entry.message) {
                due.messages += 1 + messages_stood_for(&entry.message);
                due.latest = due.latest.max(entry.time);
                earlier.until.iter().for_each(|(event, until)| due.reach(event, *until));
            }
        }
        let mut staying = Vec::new();
        for entry in entries {
            let Some(event) = foldable_event(&entry.message) else { continue };
            let id = &*entry.message_id;
            let until = kept_after(program, event, now).filter(|until| entry.time <= *until);
            match until.filter(|_| first != Some(id) && last.get(event) != Some(&id)) {
                None => staying.push((event, entry)),
                Some(until) => {
                    due.reach(event, until);
                    due.messages += 1;
                    due.gone += 1;
                    due.latest = due.latest.max(entry.time);
                }
            }
        }
        for (event, entry) in staying {
            if due.coverage.until.get(event).is_some_and(|until| entry.time <= *until) {
                due.coverage.kept.insert(entry.message_id.to_string());
            }
        }
        due
    }

    /// Says that messages of an event are gone up to a time.
    fn reach(&mut self, event: &str, until: Time) {
        let reach = self.coverage.until.entry(event.to_owned()).or_insert(until);
        *reach = until.max(*reach);
    }
}
