//! Profiles that come from disk when they are asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::base::error::{Error, ErrorKind};
use crate::base::time::Time;
use crate::db::database::Database;
use crate::db::durable::folder::{Access, Found, profile_of};
use crate::db::durable::rebuild::OldStore;
use crate::db::durable::upkeep::Upkeep;
use crate::engine::program::Program;
use crate::model::identifier::{Identifier, OwnedIdentifier};
use crate::persist::live::distrust::Distrust;
use crate::persist::live::live_store::Live;
use crate::persist::record::profile_record::read_lead;
use crate::store::holds::Holder;
use crate::store::profile::Profile;
use crate::store::programs::Programs;
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
        match &self.upkeep {
            Some(upkeep) => upkeep.load(identifier, now),
            None => {
                let shard = self.shards[self.shards.of(identifier)].read();
                Ok(match shard.find(identifier) {
                    Some(_) => Loaded::Present,
                    None => Loaded::Absent { evictions: shard.evictions() },
                })
            }
        }
    }

    /// Asks the live store, and again after making it anew if it was in doubt.
    pub(crate) fn trusting<T>(&self, ask: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
        match &self.upkeep {
            Some(upkeep) => upkeep.trusting(ask),
            None => ask(),
        }
    }

    /// Makes the live store anew if it is in doubt; any other error is the caller's. No shard and no
    /// message id may be held.
    pub(crate) fn mend(&self, error: Error) -> Result<(), Error> {
        match &self.upkeep {
            Some(upkeep) => upkeep.mend(error),
            None => Err(error),
        }
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

    /// What `pick` takes of the profiles on disk, by their keys. Nothing if some of them are not under the
    /// program.
    pub(crate) fn pick_on_disk<T>(
        &self,
        program: &Program,
        pick: impl Fn(&Profile) -> Option<T>,
    ) -> Result<Option<BTreeMap<Vec<u8>, T>>, Error> {
        let Some(upkeep) = &self.upkeep else { return Ok(Some(BTreeMap::new())) };
        let programs = self.shards.programs();
        let on_disk = |live: &Live| {
            let (mut picked, mut behind) = (BTreeMap::new(), Vec::new());
            let given_up = upkeep.folder.given_up.lock().clone();
            live.for_each_profile(|key, record| {
                let Some(identifier) = Identifier::of_key(key) else { return Ok(()) };
                if read_lead(record).is_some() || given_up.contains(key) {
                    return Ok(());
                }
                match profile_of(identifier, record, &programs)? {
                    Some(profile) if profile.revision == program.revision => {
                        picked.extend(pick(&profile).map(|taken| (key.to_vec(), taken)));
                    }
                    _ => behind.push(identifier.to_owned()),
                }
                Ok(())
            })?;
            Ok((picked, behind))
        };
        self.trusting(|| {
            // Nothing leaves memory meanwhile, so what is not in memory now is seen on disk.
            let _upkeep = upkeep.folder.upkeep.lock();
            let (picked, behind) = upkeep.folder.ask(on_disk)?;
            // Those in memory have caught up, unless the catalog was replaced again.
            let is_whole = behind.iter().all(|behind| self.shards.is_in_memory(behind.borrowed()));
            Ok(is_whole.then_some(picked))
        })
    }
}

impl Upkeep {
    /// Brings a profile from disk into memory, if it is there.
    pub(crate) fn load(&self, identifier: Identifier<'_>, now: Time) -> Result<Loaded, Error> {
        let shard = &self.shards[self.shards.of(identifier)];
        for _ in 0..MOST_TRIES {
            // Before and not after: else a profile larger than the budget would leave at once.
            self.make_room()?;
            let (evictions, programs) = {
                let shard = shard.read();
                if shard.find(identifier).is_some() {
                    return Ok(Loaded::Present);
                }
                (shard.evictions(), shard.programs().clone())
            };
            match self.trusting(|| self.folder.find(identifier, &programs))? {
                Found::Nothing => return Ok(Loaded::Absent { evictions }),
                Found::Under(other) => {
                    let loaded = self.load(other.borrowed(), now)?;
                    if loaded == Loaded::Present
                        && let Some(evictions) = self.leads_nowhere(identifier, other.borrowed())
                    {
                        return Ok(Loaded::Absent { evictions });
                    }
                }
                Found::OfAnotherProgram if Arc::ptr_eq(&self.shards.program(), &programs.current) => {
                    let unknown = || Distrust::new("a profile is of a catalog that nobody knows");
                    self.trusting(|| self.folder.ask(|_| Err::<(), _>(unknown())))?;
                }
                Found::OfAnotherProgram => {}
                Found::Profile(profile) => {
                    if self.take_in(*profile, evictions, &programs, now)? {
                        return Ok(Loaded::Present);
                    }
                }
            }
        }
        let message = format!("the profile {identifier} could not be kept in memory; give it more");
        Err(Error::new(ErrorKind::Io, message))
    }

    /// Whether an identifier that leads to a profile on disk is nobody's by now: the profile is in memory
    /// and has it no longer. Gives the count of evictions while that holds.
    fn leads_nowhere(&self, identifier: Identifier<'_>, to: Identifier<'_>) -> Option<u64> {
        // It may be stored under another one than it was on disk, and so in a third shard.
        let stored_under = {
            let (shard, slot) = self.shards.read(to)?;
            shard.profile(slot).key().to_owned()
        };
        let locked = self.shards.lock_of([identifier, to, stored_under.borrowed()], Holder::Storage);
        let profile = locked.find(to).and_then(|place| locked.profile(place))?;
        let is_nobodys = locked.find(identifier).is_none() && !profile.has(identifier);
        let shard = locked.get(locked.number_of(identifier)).filter(|_| is_nobodys)?;
        Some(shard.evictions())
    }

    /// Takes in a profile that was read from disk when its shard's count of evictions was this; says
    /// whether it is in memory.
    fn take_in(
        &self,
        profile: Profile,
        evictions: u64,
        programs: &Programs,
        now: Time,
    ) -> Result<bool, Error> {
        let identifiers: Vec<OwnedIdentifier> = profile.identifiers().cloned().collect();
        let key = profile.key().to_owned();
        // What such a profile is asked may compare messages that are not in its state.
        let needs_messages = programs.compare_old_messages() || profile.standing().has_pending();
        let all = identifiers.iter().map(OwnedIdentifier::borrowed);
        let mut locked = self.shards.lock_of(all, Holder::Storage);
        let number = locked.number_of(key.borrowed());
        let Some(shard) = locked.get(number) else { return Ok(false) };
        if shard.find(key.borrowed()).is_some() {
            return Ok(true);
        }
        if shard.evictions() != evictions || !Arc::ptr_eq(&shard.program, &programs.current) {
            return Ok(false);
        }
        self.grew(profile.bytes() as u64);
        self.loaded.fetch_add(1, Ordering::Relaxed);
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
        if !self.is_over_budget() {
            return Ok(());
        }
        match self.relieve() {
            Err(error) if self.folder.was_in_doubt(&error) => self.mend(error),
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
        let _alone = self.folder.upkeep.lock();
        if !self.folder.is_in_doubt() {
            return if self.folder.was_in_doubt(&error) { Ok(()) } else { Err(error) };
        }
        if self.replayed.lock().is_some() {
            return Err(error);
        }
        self.make_live_anew(OldStore::InDoubt(&error.to_string()))
    }

    /// Makes the live store anew, for one who holds the lock of upkeep.
    ///
    /// # Errors
    /// `Io`, and `Damaged` if base or journal cannot be read.
    pub(crate) fn make_live_anew(&self, old: OldStore<'_>) -> Result<(), Error> {
        // What is asked about a time leaves no trace of it on disk.
        let now = match self.folder.access {
            Access::Everything => self.time.now(),
            Access::Questions => Time::MIN,
        };
        // Nobody goes from one profile to another from here on, and none is looked up on disk; what was
        // read there before does not come in any more. To leave, a profile needs the lock of upkeep.
        let _nobody_moves = self.moving.write();
        let _nobody_looks = self.folder.looking.write();
        for number in 0..self.shards.len() {
            self.shards.hold(number, Holder::Storage).turn_away_what_was_read();
        }
        self.evict_joined();
        let program = self.shards.program();
        let in_memory: BTreeSet<Vec<u8>> = (0..self.shards.len())
            .flat_map(|number| self.shards.hold(number, Holder::Storage).leave_disk())
            .collect();
        let is_in_memory = |key: &[u8]| in_memory.contains(key);
        let not_stored: i64 = self.shards.iter().map(|shard| shard.read().not_stored()).sum();
        let rebuilt = self.folder.rebuild_live(&program, now, old, &is_in_memory)?;
        self.folder.given_up.lock().clear();
        // Those in memory do not count themselves as stored yet.
        let stored = rebuilt.meta.profiles.saturating_add_signed(-not_stored);
        self.stored_profiles.store(stored, Ordering::Relaxed);
        let mut shard = self.shards.hold(0, Holder::Storage);
        // Under a program that was replaced meanwhile, nobody is counted before they catch up.
        if Arc::ptr_eq(&shard.program, &program) {
            shard.add_sizes(&rebuilt.not_in_memory);
        }
        Ok(())
    }
}
