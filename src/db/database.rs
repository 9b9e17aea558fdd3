//! The database: messages in, answers out.
//!
//! A call resolves its names, finds the profile's shard, brings the profile to `now` and asks or
//! changes it there. Reads take the shard's lock for reading and write only when the profile's deadline
//! has passed since anybody looked. Locks are taken in this order: a shard of the message index, one
//! shard of profiles (several only in their order), the list of transitions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLockReadGuard};

use crate::base::clock::Clock;
use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::applied::Transition;
use crate::db::catalog::Catalog;
use crate::db::changing::{advance, advance_due, catch_up};
use crate::db::crowds::recounting::Recounting;
use crate::db::database_time::DatabaseTime;
use crate::db::durable::loading::Loaded;
use crate::db::durable::upkeep::{Upkeep, UpkeepThread};
use crate::db::erasing::tombstones::Tombstones;
use crate::db::held::Heldback;
use crate::db::hold_times::HoldTimes;
use crate::db::reports::Reports;
use crate::db::stats::Stats;
use crate::db::subscribing::stream::Patience;
use crate::db::sweep::Sweep;
use crate::derived::work::Work;
use crate::engine::program::Program;
use crate::model::identifier::{Identifier, OwnedIdentifier};
use crate::store::crowds::{Crowds, Progress};
use crate::store::history::Archive;
use crate::store::holds::{Held, Holder};
use crate::store::message_index::MessageIndex;
use crate::store::programs::Programs;
use crate::store::shard::Shard;
use crate::store::shards::Shards;

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
    pub(crate) time: Arc<DatabaseTime>,
    pub(crate) shards: Arc<Shards>,
    pub(crate) messages: Arc<MessageIndex>,
    pub(crate) reports: Arc<Reports>,
    /// What is counted over all customers.
    pub(crate) crowds: Arc<Crowds>,
    /// What counts what was there before.
    pub(crate) recounting: Recounting,
    /// Who was erased.
    pub(crate) tombstones: Arc<Tombstones>,
    /// Held by whoever erases.
    pub(crate) erasing: Mutex<()>,
    pub(crate) hasher: ahash::RandomState,
    pub(crate) counts: Counts,
    /// Messages of the future that will tie identifiers.
    pub(crate) held: Arc<Mutex<Vec<Heldback>>>,
    /// When the first of them takes effect, milliseconds.
    pub(crate) held_until: AtomicI64,
    /// Held by whoever lets them take effect.
    pub(crate) settling: Mutex<()>,
    /// The catalogs since it was opened, packed, by their revisions; the last is in force. Held by whoever
    /// replaces it.
    pub(crate) catalogs: Mutex<BTreeMap<u64, String>>,
    /// What brings profiles under it.
    pub(crate) sweep: Arc<Sweep>,
    /// What a database in a folder has beside.
    pub(crate) upkeep: Option<Arc<Upkeep>>,
    pub(crate) thread: Option<UpkeepThread>,
    /// Whether it was opened for reading only.
    pub(crate) is_read_only: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Ids given to messages that came without.
    pub(crate) given_ids: AtomicU64,
    pub(crate) duplicates: AtomicU64,
    pub(crate) refused: AtomicU64,
    /// What was decided for calls that say more than who asks, under locks for reading.
    decisions: AtomicU64,
    conditions: AtomicU64,
}

impl Counts {
    /// Counts what was done for a call.
    pub(crate) fn add(&self, Work { decisions, conditions, .. }: Work) {
        self.decisions.fetch_add(decisions, Ordering::Relaxed);
        self.conditions.fetch_add(conditions, Ordering::Relaxed);
    }

    /// What was done for calls.
    fn work(&self) -> Work {
        Work {
            decisions: self.decisions.load(Ordering::Relaxed),
            conditions: self.conditions.load(Ordering::Relaxed),
            ..Work::default()
        }
    }
}

/// A profile that was found, with its shard locked for reading.
pub(crate) struct Reading<'a> {
    pub(crate) shard: RwLockReadGuard<'a, Shard>,
    pub(crate) place: u32,
}

/// A profile that was found, with its shard locked for writing.
pub(crate) struct Writing<'a> {
    pub(crate) shard: Held<'a>,
    pub(crate) place: u32,
}

/// A number that nobody knows before.
fn chance() -> u64 {
    ahash::RandomState::new().hash_one(())
}

impl Database {
    /// An empty database in memory, on the system's clock.
    pub fn in_memory(catalog: Catalog) -> Database {
        Database::in_memory_with_clock(catalog, Clock::System)
    }

    /// An empty database in memory, on a clock of the caller's.
    pub fn in_memory_with_clock(catalog: Catalog, clock: Clock) -> Database {
        let packed = catalog.text.pack();
        let program = Arc::new(Program::new(catalog.definitions, 1));
        let crowds = Crowds::new(&program.definitions, chance(), Progress::Complete);
        let mut database = Database::empty(Programs::only(program), clock, Time::MIN, None);
        database.crowds = Arc::new(crowds);
        database.catalogs.lock().insert(1, packed);
        database
    }

    /// A database without profiles in memory; others are in `archive`.
    pub(crate) fn empty(
        programs: Programs,
        clock: Clock,
        since: Time,
        archive: Option<Arc<dyn Archive>>,
    ) -> Database {
        let crowds = Crowds::new(&programs.current.definitions, chance(), Progress::Waiting);
        let shards = Arc::new(Shards::new(programs, archive.as_ref()));
        let reports = Arc::new(Reports::default());
        Database {
            time: Arc::new(DatabaseTime::new(clock, since)),
            sweep: Arc::new(Sweep::new(Arc::clone(&shards), Arc::clone(&reports), None)),
            shards,
            messages: Arc::new(MessageIndex::new()),
            reports,
            crowds: Arc::new(crowds),
            recounting: Recounting::default(),
            tombstones: Arc::new(Tombstones::of(None)),
            erasing: Mutex::default(),
            hasher: ahash::RandomState::new(),
            counts: Counts::default(),
            held: Arc::default(),
            held_until: AtomicI64::new(Time::NEVER.millis()),
            settling: Mutex::default(),
            catalogs: Mutex::default(),
            upkeep: None,
            thread: None,
            is_read_only: false,
        }
    }

    /// Gives it what a database in a folder has beside.
    pub(crate) fn set_upkeep(&mut self, upkeep: Arc<Upkeep>) {
        let (shards, reports) = (Arc::clone(&self.shards), Arc::clone(&self.reports));
        self.sweep = Arc::new(Sweep::new(shards, reports, Some(Arc::clone(&upkeep))));
        self.upkeep = Some(upkeep);
    }

    /// The catalog in force, packed.
    pub(crate) fn packed_catalog(&self) -> String {
        let catalogs = self.catalogs.lock();
        catalogs.last_key_value().map(|(_, packed)| packed.clone()).expect("a catalog is in force")
    }

    /// The database's time: the clock's, or the last one if the clock went backwards.
    pub fn now(&self) -> Time {
        let now = self.time.now();
        if let Err(error) = self.settle_held(now)
            && let Some(upkeep) = &self.upkeep
        {
            upkeep.folder.warn(format!("a message whose time has come is tried again: {error}"));
        }
        now
    }

    /// Brings every profile whose time has come to now, and all under the catalog in force, so that their
    /// transitions are reported. Answers do not depend on this: a read does that for its own profile.
    ///
    /// # Errors
    /// If a profile cannot be read from disk.
    pub fn advance(&self) -> Result<(), Error> {
        self.advance_all(Patience::Waits)
    }

    /// The same; of subscribers who do not keep up, only who has patience waits.
    pub(crate) fn advance_all(&self, patience: Patience) -> Result<(), Error> {
        self.trusting(|| self.sweep.finish())?;
        let now = self.now();
        let hold = |shard| self.shards.holds.hold(shard, Holder::Timers);
        let count = |shard| (shard, hold(shard).count_due(now));
        let mut due: Vec<_> = self.shards.iter().map(count).filter(|(_, due)| *due > 0).collect();
        // One from each shard in turn: whoever finds a shard held has it before its next profile.
        while !due.is_empty() {
            due.retain_mut(|(shard, left)| {
                advance_due(&mut hold(shard), now, &self.reports);
                self.reports.hand_on(patience);
                *left -= 1;
                *left > 0
            });
        }
        self.advance_on_disk(now)?;
        self.reports.hand_on(patience);
        Ok(())
    }

    /// The changes of memberships since the last call, each profile's in the order of time. Up to a million
    /// are kept; then the oldest are dropped, and counted ([`Stats::transitions_dropped`]).
    ///
    /// This is the list of whoever does not subscribe. A [subscription](Database::subscribe) is told the same
    /// changes, and takes none of them from here.
    pub fn take_transitions(&self) -> Vec<Transition> {
        self.reports.take()
    }

    /// What the database holds and has done.
    pub fn stats(&self) -> Stats {
        let mut work = self.counts.work();
        let (mut profiles, mut in_memory, mut revision) = (0_i64, 0, 0);
        let (transitions, transitions_dropped) = self.reports.counts();
        let stored = self.upkeep.as_ref().map(|upkeep| upkeep.stored());
        let (profiles_on_disk, on_disk) = stored.unwrap_or_default();
        for shard in self.shards.iter() {
            let shard = shard.read();
            profiles += match stored {
                None => shard.begun(),
                Some(_) => shard.not_stored(),
            };
            in_memory += shard.in_memory();
            work += shard.work();
            revision = shard.program.revision;
        }
        Stats {
            profiles: profiles_on_disk.saturating_add_signed(profiles),
            in_memory,
            loaded: self.upkeep.as_ref().map_or(0, |upkeep| upkeep.loaded.load(Ordering::Relaxed)),
            accepted: self.messages.len() as u64 + on_disk,
            duplicates: self.counts.duplicates.load(Ordering::Relaxed),
            refused: self.counts.refused.load(Ordering::Relaxed),
            transitions,
            transitions_dropped,
            revision,
            work,
            holds: HoldTimes::of(&self.shards.holds),
            disk: self.upkeep.as_ref().and_then(|upkeep| upkeep.folder.sizes().ok()),
        }
    }

    /// The profile that `id` names, brought to `now`, for reading.
    pub(crate) fn read(&self, id: &str, now: Time) -> Result<Option<Reading<'_>>, Error> {
        self.each_identifier(id, |identifier| {
            if let Some((shard, place)) = self.shards.read(identifier) {
                let profile = shard.profile(place);
                if !profile.is_meant_by(identifier) {
                    return Ok(None);
                }
                if shard.is_current(place) && profile.standing().deadline() > now {
                    profile.ask();
                    return Ok(Some(Reading { shard, place }));
                }
            }
            let writing = self.write_meant(identifier, now)?;
            Ok(writing.map(|Writing { shard, place }| Reading { shard: shard.downgrade(), place }))
        })
    }

    /// The same, for writing.
    pub(crate) fn write(&self, id: &str, now: Time) -> Result<Option<Writing<'_>>, Error> {
        self.each_identifier(id, |identifier| self.write_meant(identifier, now))
    }

    fn write_meant(&self, identifier: Identifier<'_>, now: Time) -> Result<Option<Writing<'_>>, Error> {
        let found = self.write_one(identifier, now)?;
        Ok(found.filter(|Writing { shard, place }| shard.profile(*place).is_meant_by(identifier)))
    }

    /// What the first identifier gives that a bare id can be: a user's, a visitor's, or one that the
    /// catalog declares.
    pub(crate) fn each_identifier<T>(
        &self,
        id: &str,
        mut ask: impl FnMut(Identifier<'_>) -> Result<Option<T>, Error>,
    ) -> Result<Option<T>, Error> {
        if self.shards.reads_ids_as_they_are() {
            for identifier in [Identifier::user(id), Identifier::anonymous(id)] {
                if let Some(found) = ask(identifier)? {
                    return Ok(Some(found));
                }
            }
            return Ok(None);
        }
        let program = self.shards.program();
        let rules = &program.definitions.identifiers;
        if let Some(found) = ask(Identifier::user(&rules.user.look_up(id)))? {
            return Ok(Some(found));
        }
        if let Some(found) = ask(Identifier::anonymous(&rules.anonymous.look_up(id)))? {
            return Ok(Some(found));
        }
        for (attribute, rule) in &rules.declared {
            let Some(value) = rule.read(id) else { continue };
            let identifier = OwnedIdentifier::declared(attribute, &value);
            if let Some(found) = ask(identifier.borrowed())? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    pub(crate) fn write_one(
        &self,
        identifier: Identifier<'_>,
        now: Time,
    ) -> Result<Option<Writing<'_>>, Error> {
        loop {
            if let Some((mut shard, place)) = self.shards.write(identifier, Holder::Read) {
                let is_behind = !shard.is_current(place);
                if let Err(error) = catch_up(&mut shard, place, &self.reports) {
                    drop(shard);
                    self.mend(error)?;
                    continue;
                }
                let is_due = advance(&mut shard, place, now, &self.reports).is_some();
                if (is_behind || is_due) && self.reports.is_untold() {
                    drop(shard);
                    self.reports.hand_on(Patience::Never);
                    continue;
                }
                shard.profile(place).ask();
                return Ok(Some(Writing { shard, place }));
            }
            if self.load(identifier, now)? != Loaded::Present {
                return Ok(None);
            }
        }
    }
}
