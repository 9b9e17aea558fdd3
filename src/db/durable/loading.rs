//! Profiles that come from disk when they are asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::database::Database;
use crate::db::durable::folder::{Access, Found, profile_of};
use crate::db::questions::is_member;
use crate::engine::program::Program;
use crate::model::identifier::{Identifier, OwnedIdentifier};
use crate::model::ids::SegmentId;
use crate::persist::live::live_store::Live;
use crate::persist::record::profile_record::read_lead;
use crate::store::profile::Profile;
use crate::store::shard::Shard;

/// How often a profile is looked for while others keep moving it, before giving up.
const MOST_TRIES: usize = 100;

/// What became of looking for a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loaded {
    /// It is in memory, or was a moment ago.
    Present,
    /// It is nowhere. That holds while the shard's count of evictions is this one.
    Absent { evictions: u64 },
}

impl Loaded {
    /// Whether nobody has an identifier still, now that its shard is locked.
    pub(crate) fn is_absent_from(self, identifier: Identifier<'_>, shard: &Shard) -> bool {
        shard.find(identifier).is_none()
            && matches!(self, Loaded::Absent { evictions } if evictions == shard.evictions())
    }
}

impl Database {
    /// Brings a profile from disk into memory, if it is there. It may leave again as soon as nobody
    /// holds its shard.
    pub(crate) fn load(&self, identifier: Identifier<'_>, now: Time) -> Result<Loaded, Error> {
        let shard = &self.shards[self.shards.of(identifier)];
        for _ in 0..MOST_TRIES {
            // Before and not after: else a profile larger than the budget would leave at once.
            self.make_room()?;
            let (evictions, program) = {
                let shard = shard.read();
                if shard.find(identifier).is_some() {
                    return Ok(Loaded::Present);
                }
                (shard.evictions(), Arc::clone(&shard.program))
            };
            let Some(upkeep) = &self.upkeep else { return Ok(Loaded::Absent { evictions }) };
            match self.trusting(|| upkeep.folder.find(identifier, &program))? {
                Found::Nothing => return Ok(Loaded::Absent { evictions }),
                Found::Under(other) => {
                    self.load(other.borrowed(), now)?;
                }
                Found::Profile(profile) => {
                    if self.take_in(*profile, evictions, &program, now)? {
                        return Ok(Loaded::Present);
                    }
                }
            }
        }
        let message = format!("the profile {identifier} could not be kept in memory; give it more");
        Err(Error::new(crate::base::error::ErrorKind::Io, message))
    }

    /// Takes in a profile that was read from disk when its shard's count of evictions was this; says
    /// whether it is in memory.
    fn take_in(
        &self,
        profile: Profile,
        evictions: u64,
        program: &Arc<Program>,
        now: Time,
    ) -> Result<bool, Error> {
        let identifiers: Vec<OwnedIdentifier> = profile.identifiers().cloned().collect();
        let key = profile.key().to_owned();
        // What such a profile is asked may compare messages that are not in its state.
        let needs_messages = program.compares_old_messages() || profile.standing().has_pending();
        let mut locked = self.shards.lock_of(identifiers.iter().map(OwnedIdentifier::borrowed));
        let number = locked.number_of(key.borrowed());
        let Some(shard) = locked.get(number) else { return Ok(false) };
        if shard.find(key.borrowed()).is_some() {
            return Ok(true);
        }
        if shard.evictions() != evictions || !Arc::ptr_eq(&shard.program, program) {
            return Ok(false);
        }
        if let Some(upkeep) = &self.upkeep {
            upkeep.grew(profile.bytes() as u64);
        }
        self.counts.loaded.fetch_add(1, Ordering::Relaxed);
        let Some(place) = locked.insert(profile, now) else { return Ok(false) };
        let completed = match locked.shard(number) {
            Some(shard) if needs_messages => shard.complete(place.slot),
            _ => Ok(()),
        };
        if let Err(error) = completed {
            locked.take(place);
            drop(locked);
            self.mend(error)?;
            return Ok(false);
        }
        Ok(true)
    }

    /// Sees to it that profiles keep to the budget, as far as they can be written: that they cannot is no
    /// reason to refuse a question.
    fn make_room(&self) -> Result<(), Error> {
        let Some(upkeep) = self.upkeep.as_ref().filter(|upkeep| upkeep.is_over_budget()) else {
            return Ok(());
        };
        match upkeep.relieve() {
            Err(error) if upkeep.folder.was_in_doubt(&error) => self.mend(error),
            _ => Ok(()),
        }
    }

    /// Asks the live store, and again after making it anew if it was in doubt.
    pub(crate) fn trusting<T>(&self, ask: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
        ask().or_else(|error| {
            self.mend(error)?;
            ask()
        })
    }

    /// Makes the live store anew if it is in doubt; any other error is the caller's. No shard and no
    /// message id may be held. While the journal is replayed, opening makes it anew by itself.
    pub(crate) fn mend(&self, error: Error) -> Result<(), Error> {
        let Some(upkeep) = &self.upkeep else { return Err(error) };
        let _alone = upkeep.folder.upkeep.lock();
        if !upkeep.folder.is_in_doubt() {
            return if upkeep.folder.was_in_doubt(&error) { Ok(()) } else { Err(error) };
        }
        if upkeep.replayed.lock().is_some() {
            return Err(error);
        }
        let program = self.shards.program();
        // What is asked about a time leaves no trace of it on disk.
        let now = match upkeep.folder.access {
            Access::Everything => self.time.now(),
            Access::Questions => Time::MIN,
        };
        // No profile comes in or leaves from here on: that needs the live store, or the lock of upkeep.
        upkeep.evict_joined();
        let in_memory: BTreeSet<Vec<u8>> =
            self.shards.iter().flat_map(|shard| shard.write().leave_disk()).collect();
        let is_in_memory = |key: &[u8]| in_memory.contains(key);
        let rebuilt = upkeep.folder.rebuild_live(&program, now, &error.to_string(), &is_in_memory)?;
        self.shards[0].write().add_sizes(&rebuilt.not_in_memory);
        Ok(())
    }

    /// Brings profiles on disk whose time has come to now.
    pub(crate) fn advance_on_disk(&self, now: Time) -> Result<(), Error> {
        let Some(upkeep) = &self.upkeep else { return Ok(()) };
        let due = self.trusting(|| upkeep.folder.ask(|live| live.due(now.millis(), usize::MAX)))?;
        for (_, key) in due {
            let Some(identifier) = Identifier::of_key(&key) else { continue };
            if !self.shards.is_in_memory(identifier) {
                self.write_one(identifier, now)?;
            }
        }
        Ok(())
    }

    /// The members of a segment among the profiles on disk: the key of each, and the id it is shown under.
    pub(crate) fn members_on_disk(
        &self,
        program: &Program,
        segment: SegmentId,
    ) -> Result<BTreeMap<Vec<u8>, String>, Error> {
        let Some(upkeep) = &self.upkeep else { return Ok(BTreeMap::new()) };
        let on_disk = |live: &Live| {
            let mut members = BTreeMap::new();
            live.for_each_profile(|key, record| {
                let Some(identifier) = Identifier::of_key(key) else { return Ok(()) };
                if read_lead(record).is_some() {
                    return Ok(());
                }
                let profile = profile_of(identifier, record, program)?;
                if is_member(program, profile.standing(), segment) {
                    members.insert(key.to_vec(), profile.name.to_string());
                }
                Ok(())
            })?;
            Ok(members)
        };
        self.trusting(|| {
            // Nothing leaves memory meanwhile, so what is not in memory now is seen on disk.
            let _upkeep = upkeep.folder.upkeep.lock();
            upkeep.folder.ask(on_disk)
        })
    }
}
