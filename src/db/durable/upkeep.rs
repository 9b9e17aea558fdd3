//! What is done beside the calls: checkpoints, keeping to the memory budget, bases.
//!
//! One thread looks after all of it; whoever needs it sooner does it in its stead, one at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, RwLock};

use crate::base::error::Error;
use crate::db::database_time::DatabaseTime;
use crate::db::durable::folder::{Access, Folder};
use crate::db::held::Heldback;
use crate::model::identifier::OwnedIdentifier;
use crate::store::holds::Holder;
use crate::store::message_index::MessageIndex;
use crate::store::profile::Profile;
use crate::store::shard::Shard;
use crate::store::shards::{Place, Shards};

/// How many profiles are looked at before others get their shard.
const MOST_AT_ONCE: usize = 256;
/// How long the thread sleeps between looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The longest time, and the most messages, between two checkpoints: what recovery has to apply again.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);
const CHECKPOINT_MESSAGES: u64 = 100_000;
/// The least that the journal grows between two bases.
const BASE_BYTES: u64 = 64 * 1024 * 1024;
/// How long no upkeep is tried after it failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// What upkeep needs.
#[derive(Debug)]
pub(crate) struct Upkeep {
    pub(crate) folder: Arc<Folder>,
    pub(crate) shards: Arc<Shards>,
    pub(crate) messages: Arc<MessageIndex>,
    pub(crate) time: Arc<DatabaseTime>,
    /// Messages of the future that will tie identifiers.
    pub(crate) held: Arc<Mutex<Vec<Heldback>>>,
    /// Held for reading by whoever changes who is who, which moves messages from one profile to another.
    pub(crate) moving: RwLock<()>,
    /// Most bytes that profiles may take in memory.
    pub(crate) budget: Option<u64>,
    /// About how many bytes profiles take: counted now and then, and added to in between.
    pub(crate) resident_bytes: AtomicU64,
    /// How often a profile was brought from disk.
    pub(crate) loaded: AtomicU64,
    /// How many profiles are on disk, as of the last checkpoint.
    pub(crate) stored_profiles: AtomicU64,
    pub(crate) last: Mutex<LastCheckpoint>,
    pub(crate) stop: Mutex<bool>,
    pub(crate) wake: Condvar,
    /// How many need that no profile leaves memory for now.
    pub(crate) keeping: AtomicU64,
    /// While the journal is replayed: up to which record that was done.
    pub(crate) replayed: Mutex<Option<u64>>,
}

/// The last checkpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LastCheckpoint {
    pub(crate) sequence: u64,
    pub(crate) at: Instant,
}

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct UpkeepThread {
    upkeep: Arc<Upkeep>,
    thread: Option<JoinHandle<()>>,
}

/// While it is there, no more profiles leave memory.
#[derive(Debug)]
pub(crate) struct Kept(Arc<Upkeep>);

impl Kept {
    /// Keeps what is in memory.
    pub(crate) fn of(upkeep: &Arc<Upkeep>) -> Kept {
        upkeep.keeping.fetch_add(1, Ordering::SeqCst);
        Kept(Arc::clone(upkeep))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.keeping.fetch_sub(1, Ordering::SeqCst);
    }
}

impl UpkeepThread {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(crate) fn start(upkeep: Arc<Upkeep>) -> std::io::Result<UpkeepThread> {
        let shared = Arc::clone(&upkeep);
        let thread = std::thread::Builder::new().name("habitue-upkeep".to_owned());
        let thread = thread.spawn(move || shared.run())?;
        Ok(UpkeepThread { upkeep, thread: Some(thread) })
    }
}

impl Drop for UpkeepThread {
    fn drop(&mut self) {
        *self.upkeep.stop.lock() = true;
        self.upkeep.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported where it happened; nothing is left to do here.
            let _ = thread.join();
        }
    }
}

impl Upkeep {
    /// How many profiles and messages are on disk.
    pub(crate) fn stored(&self) -> (u64, u64) {
        (self.stored_profiles.load(Ordering::Relaxed), self.folder.messages.entries())
    }

    fn run(&self) {
        let mut pause_until = Instant::now();
        loop {
            {
                let mut stop = self.stop.lock();
                if !*stop {
                    self.wake.wait_for(&mut stop, LOOK_EVERY);
                }
                if *stop {
                    return;
                }
            }
            if Instant::now() >= pause_until
                && let Err(error) = self.look()
            {
                self.folder.warn(format!("upkeep failed and is tried again: {error}"));
                pause_until = Instant::now() + PAUSE_AFTER_FAILURE;
            }
        }
    }

    /// Does what is due.
    fn look(&self) -> Result<(), Error> {
        let LastCheckpoint { sequence, at } = *self.last.lock();
        let since = self.folder.journal.last().0 - sequence;
        if since >= CHECKPOINT_MESSAGES || (since > 0 && at.elapsed() >= CHECKPOINT_EVERY) {
            self.checkpoint()?;
        }
        if self.is_over_budget() {
            self.relieve()?;
        }
        // The segment that is being written, and the one made ready, are always there.
        let journal =
            self.folder.journal.stats().segments.saturating_sub(2) as u64 * self.folder.segment_bytes;
        let base = self.folder.state.lock().base.as_ref().map_or(0, |base| base.file.file_bytes());
        // What a base takes over is sorted in memory.
        let least = self.budget.map_or(BASE_BYTES, |budget| BASE_BYTES.min(budget / 8));
        if journal >= least.max(base / 2) && !self.folder.is_erasing() {
            self.checkpoint()?;
            self.build_base()?;
        }
        Ok(())
    }

    /// Makes a new base of what the last checkpoint holds; a base that knows more than the live store
    /// would make that useless after a crash.
    ///
    /// # Errors
    /// `Io`, and `Damaged` if base or journal cannot be read.
    pub(crate) fn build_base(&self) -> Result<(), Error> {
        let up_to = self.last.lock().sequence;
        self.folder.build_base(up_to)
    }

    /// Counts bytes that came into memory.
    pub(crate) fn grew(&self, bytes: u64) {
        self.resident_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether profiles take more memory than they may.
    pub(crate) fn is_over_budget(&self) -> bool {
        let bounded = self.budget.filter(|_| self.keeping.load(Ordering::SeqCst) == 0);
        bounded.is_some_and(|budget| self.resident_bytes.load(Ordering::Relaxed) > budget)
    }

    /// Brings the profiles in memory below the budget: writes what changed, and takes out those that
    /// nobody asked for lately.
    ///
    /// # Errors
    /// If the live store cannot be written.
    pub(crate) fn relieve(&self) -> Result<(), Error> {
        let Some(budget) = self.budget else { return Ok(()) };
        let _upkeep = self.folder.upkeep.lock();
        if !self.is_over_budget() {
            return Ok(());
        }
        let target = budget - budget / 4;
        for pass in 0..3 {
            if self.evict(target) <= budget {
                return Ok(());
            }
            // What is left has changed, or was asked for since the last pass.
            if pass == 0 && self.folder.access == Access::Everything {
                self.checkpoint_alone()?;
            }
        }
        Ok(())
    }

    /// Takes out of memory all profiles of more than one identifier: before the live store is made anew,
    /// which has all that they know.
    pub(crate) fn evict_joined(&self) {
        for shard in self.shards.iter() {
            let joined: Vec<Place> = {
                let shard = shard.read();
                let joined = shard.profiles().filter(|(_, profile)| profile.known_as.is_some());
                joined.map(|(slot, _)| shard.place(slot)).collect()
            };
            joined.into_iter().for_each(|place| self.evict_one(place, |_| true));
        }
    }

    /// Takes those out of memory, of these, that are stored and that nobody asked for.
    pub(crate) fn evict_unasked(&self, identifiers: &[OwnedIdentifier]) {
        let _upkeep = self.folder.upkeep.lock();
        if self.keeping.load(Ordering::SeqCst) > 0 {
            return;
        }
        for identifier in identifiers {
            let place = self.shards.read(identifier.borrowed()).map(|(shard, slot)| shard.place(slot));
            if let Some(place) = place {
                self.evict_one(place, |profile| profile.is_stored && !profile.take_asked());
            }
        }
    }

    /// Takes a profile out of memory, if it still may go once the shards of all its identifiers are locked.
    fn evict_one(&self, place: Place, may_go: impl Fn(&Profile) -> bool) {
        let identifiers: Vec<OwnedIdentifier> = {
            let shard = self.shards[place.shard as usize].read();
            shard.at(place.slot).iter().flat_map(|profile| profile.identifiers()).cloned().collect()
        };
        let all = identifiers.iter().map(OwnedIdentifier::borrowed);
        let mut locked = self.shards.lock_of(all, Holder::Storage);
        let is_same = locked
            .profile(place)
            .is_some_and(|profile| profile.identifiers().eq(&identifiers) && may_go(profile));
        if is_same {
            locked.take(place);
        }
    }

    /// Takes profiles out of memory until those left take no more than `target`; returns what they take.
    fn evict(&self, target: u64) -> u64 {
        let bytes_of = |shard: &RwLock<Shard>| {
            shard.read().profiles().map(|(_, profile)| profile.bytes() as u64).sum::<u64>()
        };
        let mut resident: u64 = self.shards.iter().map(bytes_of).sum();
        let mut joined = Vec::new();
        for shard in self.shards.iter() {
            let mut slots = 0..;
            let mut is_over = resident <= target;
            while !is_over {
                let mut shard = self.shards.holds.hold(shard, Holder::Storage);
                for slot in slots.by_ref().take(MOST_AT_ONCE) {
                    is_over |= slot >= shard.slots() || resident <= target;
                    let idle = |profile: &&Profile| profile.is_stored && !profile.take_asked();
                    let Some(profile) = shard.at(slot).filter(|_| !is_over).filter(idle) else { continue };
                    resident = resident.saturating_sub(profile.bytes() as u64);
                    match profile.known_as {
                        Some(_) => joined.push(shard.place(slot)),
                        None => drop(shard.evict(slot)),
                    }
                }
            }
        }
        joined.into_iter().for_each(|place| self.evict_one(place, |profile| profile.is_stored));
        self.resident_bytes.store(resident, Ordering::Relaxed);
        resident
    }
}
