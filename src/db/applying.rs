//! The way of a message: checked, not seen before, typed, put on record, applied.

use std::sync::atomic::Ordering;

use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::applied::Applied;
use crate::db::database::{Database, name_turns};
use crate::engine::typed_message::{Content, Misfits};
use crate::model::message::{Message, MessageKind};
use crate::model::refusal::{Refusal, RefusalReason};
use crate::store::history::Entry;
use crate::store::message_index::{Claim, Known};
use crate::store::profile::Identifier;
use crate::store::shard::Arriving;

/// How often what is on disk is made anew for one message, before giving up.
const MOST_MENDED: u32 = 3;
/// About how many bytes a message adds to its profile's state.
const STATE_BYTES: u64 = 200;

impl Database {
    /// Applies a message: when the call returns, every answer takes it into account.
    ///
    /// # Errors
    /// If the message is refused; then nothing has changed, and the refusal says why.
    pub fn apply(&self, message: Message) -> Result<Applied, Refusal> {
        let applied = self.try_apply(message);
        if applied.is_err() {
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
        }
        applied
    }

    fn try_apply(&self, message: Message) -> Result<Applied, Refusal> {
        if self.is_read_only {
            let detail = "the database is open for reading only: open it for writing";
            return Err(Refusal::new(RefusalReason::Storage, "", detail));
        }
        message.check()?;
        let now = self.now();
        let message_id = match message.message_id() {
            Some(id) => id.to_owned(),
            None => self.give_id(now),
        };
        let content_hash = message.fingerprint();
        let time = message.timestamp().unwrap_or(now);
        // The message itself moves into the history, so the id outlives it as a copy.
        let named = identifier(&message)?;
        let id = named.text().to_owned();
        let identifier = named.with_text(&id);
        let mut mended = 0;
        let (claim, mut shard) = loop {
            // Nothing here may wait for upkeep while it holds the claim.
            let loaded = self.load(identifier, now)?;
            let claim = self.messages.claim(&message_id);
            let known = match self.content_on_disk(&claim) {
                Ok(on_disk) => Known::of(claim.content().or(on_disk), content_hash),
                Err(error) if mended == MOST_MENDED => return Err(error.into()),
                Err(error) => {
                    drop(claim);
                    self.mend(error)?;
                    mended += 1;
                    continue;
                }
            };
            match known {
                Known::New => {}
                Known::Same => {
                    drop(claim);
                    self.commit_all()?;
                    self.counts.duplicates.fetch_add(1, Ordering::Relaxed);
                    return Ok(Applied { message_id, duplicate: true, transitions: Vec::new() });
                }
                Known::Other => return Err(conflict(message_id)),
            }
            let shard = self.shards[self.shard_of(identifier)].write();
            if shard.find(identifier).is_some() || loaded.is_absent_from(&shard) {
                break (claim, shard);
            }
        };
        let definitions = &shard.program.definitions;
        if time > now + definitions.max_skew {
            let detail = format!(
                "it is later than the clock ({now}) by more than the {} that the catalog allows",
                definitions.max_skew
            );
            return Err(Refusal::new(RefusalReason::Skew, "timestamp", detail).with_value(time.to_string()));
        }
        let content = Content::of(&message, definitions, Misfits::Refuse)?;
        let entry = Entry { time, message_id: message_id.as_str().into(), message };
        let bytes = entry.bytes();
        let turns = shard.apply(identifier, Arriving { entry, content, now }, |entry| {
            Ok(self.upkeep.as_ref().map_or(Ok(0), |upkeep| upkeep.folder.record(now, entry))?)
        })?;
        claim.accept(content_hash);
        let sequence = shard.profile(turns.profile).sequence;
        let transitions = name_turns(&shard, &turns);
        drop(shard);
        if let Some(upkeep) = &self.upkeep {
            upkeep.grew(bytes as u64 + STATE_BYTES);
            upkeep.folder.commit(sequence)?;
        }
        self.keep(&transitions);
        Ok(Applied { message_id, duplicate: false, transitions })
    }

    /// Waits until everything accepted so far is as safe as the durability asks. Who brings a message
    /// again is told the same of it as who brought it first.
    fn commit_all(&self) -> Result<(), Error> {
        let Some(upkeep) = &self.upkeep else { return Ok(()) };
        upkeep.folder.commit(upkeep.folder.journal.last().0)
    }

    /// The content under which a message of the claimed id is on disk.
    fn content_on_disk(&self, claim: &Claim<'_>) -> Result<Option<u128>, Error> {
        let Some(upkeep) = &self.upkeep else { return Ok(None) };
        upkeep.folder.content_of(claim.id())
    }

    /// Applies a message that the journal holds, unless its profile knows it already.
    pub(crate) fn replay_message(
        &self,
        sequence: u64,
        now: Time,
        time: Time,
        message_id: &str,
        json: &str,
    ) -> Result<(), Error> {
        self.time.reach(now);
        let message = Message::parse(json)?;
        let content_hash = message.fingerprint();
        let claim = self.messages.claim(message_id);
        match self.content_on_disk(&claim)? {
            None => claim.accept(content_hash),
            // Loading the profile may wait for upkeep, which waits for every claim.
            Some(_) => drop(claim),
        }
        let named = identifier(&message)?;
        let id = named.text().to_owned();
        let identifier = named.with_text(&id);
        let loaded = self.load(identifier, now)?;
        let mut shard = self.shards[self.shard_of(identifier)].write();
        debug_assert!(
            shard.find(identifier).is_some() || loaded.is_absent_from(&shard),
            "nobody else is here"
        );
        let known = shard.find(identifier).map(|place| shard.profile(place).sequence);
        if known.is_some_and(|known| known >= sequence) {
            return Ok(());
        }
        // It was accepted, so what does not fit by now is left out.
        let definitions = &shard.program.definitions;
        let content = Content::of(&message, definitions, Misfits::LeaveOut).unwrap_or(Content::Presence);
        let entry = Entry { time, message_id: message_id.into(), message };
        let bytes = entry.bytes();
        shard.apply(identifier, Arriving { entry, content, now }, |_| Ok(sequence))?;
        drop(shard);
        self.upkeep.as_ref().map_or(Ok(()), |upkeep| {
            upkeep.grew(bytes as u64 + STATE_BYTES);
            if upkeep.is_over_budget() { upkeep.relieve() } else { Ok(()) }
        })
    }

    /// An id that no other message of this database was given.
    fn give_id(&self, now: Time) -> String {
        let number = self.counts.given_ids.fetch_add(1, Ordering::Relaxed);
        let chance = self.hasher.hash_one((now.millis(), number));
        format!("habitue-{:012x}-{number:08x}-{chance:016x}", now.millis())
    }
}

fn conflict(message_id: String) -> Refusal {
    let detail = "a message with this id and other content was accepted before";
    Refusal::new(RefusalReason::Conflict, "messageId", detail).with_value(message_id)
}

/// Whose message it is. Merging profiles is not there yet, so a message that asks for it is refused.
pub(crate) fn identifier(message: &Message) -> Result<Identifier<'_>, Refusal> {
    let not_yet = |what: &str| {
        let detail =
            format!("{what} joins two customers, which this version does not do yet: send one id only");
        Refusal::new(RefusalReason::NotYet, "type", detail)
    };
    match (message.kind(), message.user_id(), message.anonymous_id()) {
        (MessageKind::Alias { .. }, _, _) => Err(not_yet("an `alias`")),
        (MessageKind::Identify, Some(_), Some(_)) => Err(not_yet("an `identify` with both ids")),
        (_, Some(user), _) => Ok(Identifier::User(user)),
        (_, None, Some(visitor)) => Ok(Identifier::Anonymous(visitor)),
        (_, None, None) => Err(Refusal::new(RefusalReason::Schema, "userId", "the message names nobody")),
    }
}
