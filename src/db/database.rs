//! The database: messages in, answers out.
//!
//! A call resolves its names, finds the profile's shard, brings the profile to `now` and asks or
//! changes it there. Reads take the shard's lock for reading and write only when the profile's deadline
//! has passed since anybody looked. Locks are taken in this order: a shard of the message index, one
//! shard of profiles (several only in their order), the list of transitions.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::base::clock::Clock;
use crate::base::time::Time;
use crate::db::applied::{Applied, Cause, Transition};
use crate::db::catalog::Catalog;
use crate::db::stats::Stats;
use crate::derived::work::Work;
use crate::engine::program::Program;
use crate::engine::transition::Trigger;
use crate::engine::typed_message::{Content, Misfits};
use crate::model::message::{Message, MessageKind};
use crate::model::refusal::{Refusal, RefusalReason};
use crate::store::history::Entry;
use crate::store::message_index::{Known, MessageIndex};
use crate::store::profile::Identifier;
use crate::store::shard::{Shard, Turns};

/// How many shards there are; a power of two.
const SHARDS: usize = 64;
/// Most transitions kept until somebody takes them; then the oldest are dropped, and counted.
const MAX_TRANSITIONS: usize = 1_000_000;

/// A database of customers.
///
/// ```
/// use habitue::{Catalog, Database, Message};
///
/// let catalog = Catalog::from_toml(r#"
///     schema = 1
///     [events."Product Viewed"]
///     category = "string"
///     [segments]
///     shoe_fan = 'events("Product Viewed").where(category == "shoes").within("24h").count() >= 2'
/// "#)?;
/// let database = Database::in_memory(catalog);
/// for id in ["m1", "m2"] {
///     database.apply(Message::track("ana", "Product Viewed").with_id(id).with_property("category", "shoes"))?;
/// }
/// assert!(database.is_member("ana", "shoe_fan")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Database {
    clock: Clock,
    /// The last reading: time does not run backwards.
    last_now: AtomicI64,
    pub(crate) shards: Box<[RwLock<Shard>]>,
    messages: MessageIndex,
    transitions: Mutex<VecDeque<Transition>>,
    hasher: ahash::RandomState,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    /// Ids given to messages that came without.
    given_ids: AtomicU64,
    duplicates: AtomicU64,
    refused: AtomicU64,
    transitions: AtomicU64,
    dropped: AtomicU64,
}

/// A profile found by an id: its shard and its place there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) shard: usize,
    pub(crate) place: u32,
}

impl Database {
    /// An empty database in memory, on the system's clock.
    pub fn in_memory(catalog: Catalog) -> Database {
        Database::in_memory_with_clock(catalog, Clock::System)
    }

    /// An empty database in memory, on a clock of the caller's.
    pub fn in_memory_with_clock(catalog: Catalog, clock: Clock) -> Database {
        let program = Arc::new(Program::new(catalog.definitions, 1));
        Database {
            clock,
            last_now: AtomicI64::new(i64::MIN),
            shards: (0..SHARDS).map(|_| RwLock::new(Shard::new(Arc::clone(&program)))).collect(),
            messages: MessageIndex::new(),
            transitions: Mutex::default(),
            hasher: ahash::RandomState::new(),
            counts: Counts::default(),
        }
    }

    /// The database's time: the clock's, or the last one if the clock went backwards.
    pub fn now(&self) -> Time {
        let now = self.clock.now().millis();
        Time::from_raw(self.last_now.fetch_max(now, Ordering::AcqRel).max(now))
    }

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
        message.check()?;
        let now = self.now();
        let message_id = match message.message_id() {
            Some(id) => id.to_owned(),
            None => self.give_id(now),
        };
        let content_hash = message.fingerprint();
        let claim = self.messages.claim(&message_id);
        match claim.known(content_hash) {
            Known::New => {}
            Known::Same => {
                self.counts.duplicates.fetch_add(1, Ordering::Relaxed);
                return Ok(Applied { message_id, duplicate: true, transitions: Vec::new() });
            }
            Known::Other => {
                let detail = "a message with this id and other content was accepted before";
                return Err(Refusal::new(RefusalReason::Conflict, "messageId", detail).with_value(message_id));
            }
        }
        let time = message.timestamp().unwrap_or(now);
        // The message itself moves into the history, so the id outlives it as a copy.
        let named = identifier(&message)?;
        let id = named.text().to_owned();
        let identifier = named.with_text(&id);
        let mut shard = self.shards[self.shard_of(identifier)].write();
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
        let turns = shard.apply(identifier, entry, content, now)?;
        claim.accept(content_hash);
        let transitions = name_turns(&shard, &turns);
        self.keep(&transitions);
        Ok(Applied { message_id, duplicate: false, transitions })
    }

    /// An id that no other message of this database was given.
    fn give_id(&self, now: Time) -> String {
        let number = self.counts.given_ids.fetch_add(1, Ordering::Relaxed);
        let chance = self.hasher.hash_one((now.millis(), number));
        format!("habitue-{:012x}-{number:08x}-{chance:016x}", now.millis())
    }

    /// Brings every profile whose time has come to now, so that its transitions are reported. Answers
    /// do not depend on this: a read brings its own profile to now.
    pub fn advance(&self) {
        let now = self.now();
        for shard in &self.shards {
            self.advance_shard(&mut shard.write(), now);
        }
    }

    pub(crate) fn advance_shard(&self, shard: &mut RwLockWriteGuard<'_, Shard>, now: Time) {
        for turns in shard.advance_due(now) {
            self.keep(&name_turns(shard, &turns));
        }
    }

    /// The changes of memberships since the last call, each profile's in the order of time.
    pub fn take_transitions(&self) -> Vec<Transition> {
        self.transitions.lock().drain(..).collect()
    }

    /// Replaces the catalog, and returns the new revision. From then on every answer is exact under the
    /// new catalog, as if it had been there from the start.
    pub fn replace_catalog(&self, catalog: Catalog) -> u64 {
        let now = self.now();
        let mut shards: Vec<_> = self.shards.iter().map(RwLock::write).collect();
        let revision = shards[0].program.revision + 1;
        let program = Arc::new(Program::new(catalog.definitions, revision));
        for shard in &mut shards {
            self.advance_shard(shard, now);
            let before = Arc::clone(&shard.program);
            let members: Vec<_> =
                shard.profiles().iter().map(|profile| profile.memberships(&before)).collect();
            shard.replace_program(Arc::clone(&program), now);
            for (profile, before) in shard.profiles().iter().zip(members) {
                let after = profile.memberships(&program);
                let left = before.iter().filter(|name| !after.contains(*name)).map(|name| (name, false));
                let entered = after.iter().filter(|name| !before.contains(*name)).map(|name| (name, true));
                let turned = left.chain(entered).map(|(segment, entered)| Transition {
                    profile: Arc::clone(&profile.name),
                    segment: Arc::from(segment.as_str()),
                    entered,
                    at: now,
                    cause: Cause::Catalog,
                });
                self.keep(&turned.collect::<Vec<_>>());
            }
        }
        revision
    }

    /// What the database holds and has done.
    pub fn stats(&self) -> Stats {
        let mut work = Work::default();
        let (mut profiles, mut revision) = (0, 0);
        for shard in &self.shards {
            let shard = shard.read();
            profiles += shard.profiles().len() as u64;
            work += shard.work();
            revision = shard.program.revision;
        }
        Stats {
            profiles,
            accepted: self.messages.len() as u64,
            duplicates: self.counts.duplicates.load(Ordering::Relaxed),
            refused: self.counts.refused.load(Ordering::Relaxed),
            transitions: self.counts.transitions.load(Ordering::Relaxed),
            transitions_dropped: self.counts.dropped.load(Ordering::Relaxed),
            revision,
            work,
        }
    }

    /// The profile that `id` names: a user's id, else a visitor's.
    pub(crate) fn find(&self, id: &str) -> Option<Found> {
        [Identifier::User(id), Identifier::Anonymous(id)].into_iter().find_map(|identifier| {
            let shard = self.shard_of(identifier);
            let place = self.shards[shard].read().find(identifier)?;
            Some(Found { shard, place })
        })
    }

    /// The shard of a profile that is brought to `now`, for reading.
    pub(crate) fn read_at(&self, found: Found, now: Time) -> RwLockReadGuard<'_, Shard> {
        let shard = &self.shards[found.shard];
        {
            let guard = shard.read();
            if guard.profile(found.place).cell.deadline > now {
                return guard;
            }
        }
        RwLockWriteGuard::downgrade(self.write_at(found, now))
    }

    /// The shard of a profile that is brought to `now`, for writing.
    pub(crate) fn write_at(&self, found: Found, now: Time) -> RwLockWriteGuard<'_, Shard> {
        let mut shard = self.shards[found.shard].write();
        if let Some(turns) = shard.advance(found.place, now) {
            self.keep(&name_turns(&shard, &turns));
        }
        shard
    }

    fn shard_of(&self, identifier: Identifier<'_>) -> usize {
        self.hasher.hash_one(identifier) as usize % SHARDS
    }

    fn keep(&self, transitions: &[Transition]) {
        if transitions.is_empty() {
            return;
        }
        self.counts.transitions.fetch_add(transitions.len() as u64, Ordering::Relaxed);
        let mut kept = self.transitions.lock();
        kept.extend(transitions.iter().cloned());
        let surplus = kept.len().saturating_sub(MAX_TRANSITIONS);
        kept.drain(..surplus);
        self.counts.dropped.fetch_add(surplus as u64, Ordering::Relaxed);
    }
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

/// Changes of memberships with their names.
fn name_turns(shard: &Shard, turns: &Turns) -> Vec<Transition> {
    let profile = shard.profile(turns.profile);
    let segments = &shard.program.definitions.segment_names;
    let named = turns.turns.iter().map(|turn| Transition {
        profile: Arc::clone(&profile.name),
        segment: Arc::from(segments.name(turn.segment.0)),
        entered: turn.entered,
        at: turn.at,
        cause: match turn.cause {
            Trigger::Message(place) => {
                Cause::Message(Arc::from(profile.history.message_id(place).unwrap_or_default()))
            }
            Trigger::Time => Cause::Time,
            Trigger::Catalog => Cause::Catalog,
        },
    });
    named.collect()
}
