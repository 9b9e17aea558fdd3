//! All shards of profiles, and which of them an identifier leads to.
//!
//! A profile is in the shard of the identifier that it is stored under. Each of its identifiers has an
//! entry in the index of that identifier's own shard, which names the profile's slot. So looking up by
//! any identifier is one hash, one look-up and one slot; by another than the one it is stored under,
//! there is one lock more, and no second look-up.
//!
//! Invariants:
//! 1. An entry is right: it is made, changed and removed while the shards of all identifiers of the
//!    profile are locked. Who follows one to another shard looks whether it still is.
//! 2. Shards are locked in the order of their numbers.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::base::time::Time;
use crate::engine::program::Program;
use crate::model::identifier::{Identifier, OwnedIdentifier};
use crate::store::answer_cache::{AnswerCache, Table};
use crate::store::exposed::Exposed;
use crate::store::history::Archive;
use crate::store::holds::{Held, Hold, Holder, Holds};
use crate::store::profile::Profile;
use crate::store::programs::Programs;
use crate::store::shard::Shard;

/// How many shards there are; a power of two.
const SHARDS: usize = 64;

/// All shards.
#[derive(Debug)]
pub(crate) struct Shards {
    shards: Box<[RwLock<Shard>]>,
    /// What is read of their profiles without their locks.
    pub(crate) answers: Arc<AnswerCache>,
    /// How often offers were shown.
    pub(crate) exposed: Arc<Exposed>,
    /// How long they were held.
    pub(crate) holds: Holds,
    hasher: ahash::RandomState,
    /// How often profiles were made anew.
    makings: AtomicU64,
    /// The programs, beside the shards: who only asks which are in force waits for none of them.
    programs: RwLock<Programs>,
    /// The revision of the last program that all profiles are under, those on disk too.
    caught_up: AtomicU64,
    /// Whether an id is a user's or a visitor's just as it is written, and nothing else.
    reads_as_they_are: AtomicBool,
}

/// Where a profile is in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) shard: u32,
    pub(crate) slot: u32,
}

/// Shards that are locked for writing together.
#[derive(Debug)]
pub(crate) struct Locked<'a> {
    shards: &'a Shards,
    /// By number.
    guards: Vec<(usize, RwLockWriteGuard<'a, Shard>)>,
    /// Of the first: let go of after all of them.
    _hold: Hold<'a>,
}

impl Deref for Shards {
    type Target = [RwLock<Shard>];

    fn deref(&self) -> &[RwLock<Shard>] {
        &self.shards
    }
}

impl Shards {
    /// Shards without profiles in memory; what is not there is in `archive`.
    pub(crate) fn new(programs: Programs, archive: Option<&Arc<dyn Archive>>) -> Shards {
        let answers = Arc::new(AnswerCache::new(&programs.current));
        let exposed = Arc::<Exposed>::default();
        let shard = |number| {
            let (answers, exposed) = (Arc::clone(&answers), Arc::clone(&exposed));
            RwLock::new(Shard::new(number, programs.clone(), archive.cloned(), answers, exposed))
        };
        Shards {
            shards: (0..SHARDS as u32).map(shard).collect(),
            answers,
            exposed,
            holds: Holds::default(),
            hasher: ahash::RandomState::new(),
            makings: AtomicU64::new(0),
            caught_up: AtomicU64::new(if programs.past.is_empty() { programs.current.revision } else { 0 }),
            reads_as_they_are: AtomicBool::new(programs.current.definitions.identifiers.keep_all()),
            programs: RwLock::new(programs),
        }
    }

    /// The number of an identifier's shard.
    pub(crate) fn of(&self, identifier: Identifier<'_>) -> usize {
        self.hasher.hash_one(identifier) as usize % SHARDS
    }

    /// Whether all profiles are under a program.
    pub(crate) fn all_caught_up(&self, program: &Program) -> bool {
        self.caught_up.load(Ordering::Acquire) == program.revision
    }

    /// Says that all profiles are under a program.
    pub(crate) fn set_all_caught_up(&self, program: &Program) {
        self.caught_up.fetch_max(program.revision, Ordering::AcqRel);
    }

    /// Lets go of the programs before the one of a revision, which no profile is under any more, in memory
    /// or on disk; not if another is in force by now.
    pub(crate) fn forget_past(&self, revision: u64) {
        let mut programs = self.programs.write();
        if programs.current.revision != revision || programs.past.is_empty() {
            return;
        }
        *programs = Programs::only(Arc::clone(&programs.current));
        drop(programs);
        for shard in &self.shards {
            let mut shard = self.holds.hold(shard, Holder::Sweep);
            if shard.program.revision == revision {
                shard.forget_past();
            }
        }
    }

    /// Whether an id is a user's or a visitor's just as it is written, and nothing else.
    pub(crate) fn reads_ids_as_they_are(&self) -> bool {
        self.reads_as_they_are.load(Ordering::Acquire)
    }

    /// A number that no profile has yet, for those that are made anew.
    pub(crate) fn next_making(&self) -> u64 {
        1 + self.makings.fetch_add(1, Ordering::Relaxed)
    }

    /// The program in force.
    pub(crate) fn program(&self) -> Arc<Program> {
        Arc::clone(&self.programs.read().current)
    }

    /// The programs that profiles may be under.
    pub(crate) fn programs(&self) -> Programs {
        self.programs.read().clone()
    }

    /// The profile of an identifier, if it is in memory: its shard locked for reading, and its slot.
    pub(crate) fn read(&self, identifier: Identifier<'_>) -> Option<(RwLockReadGuard<'_, Shard>, u32)> {
        let number = self.of(identifier);
        loop {
            let index = self.shards[number].read();
            let place = index.find(identifier)?;
            if place.shard as usize == number {
                return Some((index, place.slot));
            }
            drop(index);
            let shard = self.shards[place.shard as usize].read();
            if shard.has(place.slot, identifier) {
                return Some((shard, place.slot));
            }
        }
    }

    /// A shard by its number, locked for writing.
    pub(crate) fn hold(&self, number: usize, by: Holder) -> Held<'_> {
        self.holds.hold(&self.shards[number], by)
    }

    /// The profile of an identifier, if it is in memory: its shard locked for writing, and its slot.
    pub(crate) fn write(&self, identifier: Identifier<'_>, by: Holder) -> Option<(Held<'_>, u32)> {
        let number = self.of(identifier);
        loop {
            let index = self.hold(number, by);
            let place = index.find(identifier)?;
            if place.shard as usize == number {
                return Some((index, place.slot));
            }
            drop(index);
            let shard = self.hold(place.shard as usize, by);
            if shard.has(place.slot, identifier) {
                return Some((shard, place.slot));
            }
        }
    }

    /// Whether the profile of an identifier is in memory.
    pub(crate) fn is_in_memory(&self, identifier: Identifier<'_>) -> bool {
        self.read(identifier).is_some()
    }

    /// Locks the shards of these numbers, each once.
    pub(crate) fn lock(&self, numbers: impl IntoIterator<Item = usize>, by: Holder) -> Locked<'_> {
        let mut numbers: Vec<usize> = numbers.into_iter().collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut numbers = numbers.into_iter().map(|number| (number, self.shards[number].write()));
        let first = numbers.next();
        let hold = self.holds.begin(by);
        Locked { shards: self, guards: first.into_iter().chain(numbers).collect(), _hold: hold }
    }

    /// Locks the shards of these identifiers.
    pub(crate) fn lock_of<'i>(
        &self,
        identifiers: impl IntoIterator<Item = Identifier<'i>>,
        by: Holder,
    ) -> Locked<'_> {
        self.lock(identifiers.into_iter().map(|identifier| self.of(identifier)), by)
    }
}

impl Locked<'_> {
    /// A shard by its number, if it is among those locked.
    pub(crate) fn shard(&mut self, number: usize) -> Option<&mut Shard> {
        let at = self.guards.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        Some(&mut self.guards[at].1)
    }

    /// All locked shards.
    pub(crate) fn all(&mut self) -> impl Iterator<Item = &mut Shard> {
        self.guards.iter_mut().map(|(_, shard)| &mut **shard)
    }

    /// A locked shard.
    pub(crate) fn get(&self, number: usize) -> Option<&Shard> {
        let at = self.guards.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        Some(&self.guards[at].1)
    }

    /// The profile at a place, if its shard is locked and the place is taken.
    pub(crate) fn profile(&self, place: Place) -> Option<&Profile> {
        self.get(place.shard as usize)?.at(place.slot)
    }

    /// Where the profile of an identifier is: its own shard is locked.
    pub(crate) fn find(&self, identifier: Identifier<'_>) -> Option<Place> {
        self.get(self.shards.of(identifier))?.find(identifier)
    }

    /// The number of an identifier's own shard.
    pub(crate) fn number_of(&self, identifier: Identifier<'_>) -> usize {
        self.shards.of(identifier)
    }

    /// The program in force.
    pub(crate) fn program(&self) -> Arc<Program> {
        let (_, shard) = self.guards.first().expect("at least one shard is locked");
        Arc::clone(&shard.program)
    }

    /// Puts a program in force from `now` on; all shards are locked. Gives what is to be let go of once they
    /// no longer are.
    pub(crate) fn replace_program(&mut self, new: Arc<Program>, now: Time) -> Arc<Table> {
        debug_assert_eq!(self.guards.len(), self.shards.len(), "all shards have one program in force");
        let mut programs = self.shards.programs.write();
        *programs = programs.replaced_by(new, now);
        self.guards.iter_mut().for_each(|(_, shard)| shard.replace_program(programs.clone()));
        let keeps_all = programs.current.definitions.identifiers.keep_all();
        self.shards.reads_as_they_are.store(keeps_all, Ordering::Release);
        self.shards.answers.replace_program(&programs.current)
    }

    /// Puts in a profile, with entries of all its identifiers that lead nowhere else; their shards are
    /// locked. Gives its place.
    pub(crate) fn insert(&mut self, profile: Profile, now: Time) -> Option<Place> {
        let identifiers: Vec<OwnedIdentifier> = profile.identifiers().cloned().collect();
        let number = self.shards.of(profile.key());
        let slot = self.shard(number)?.insert(profile, now);
        let place = Place { shard: number as u32, slot };
        for identifier in identifiers.iter().map(OwnedIdentifier::borrowed) {
            let number = self.shards.of(identifier);
            if let Some(shard) = self.shard(number).filter(|shard| shard.find(identifier).is_none()) {
                shard.index(identifier, place);
            }
        }
        Some(place)
    }

    /// Takes a profile out, with the entries of all its identifiers; their shards are locked.
    pub(crate) fn take(&mut self, place: Place) -> Option<Profile> {
        let profile = self.shard(place.shard as usize)?.evict(place.slot)?;
        for identifier in profile.identifiers().map(OwnedIdentifier::borrowed) {
            let number = self.shards.of(identifier);
            if let Some(shard) = self.shard(number).filter(|shard| shard.find(identifier) == Some(place)) {
                shard.unindex(identifier);
            }
        }
        Some(profile)
    }
}
