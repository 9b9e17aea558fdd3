//! Bringing what changed in memory to the live store.
//!
//! Order matters: the journal is on stable storage up to everything that a checkpoint may have seen,
//! before the live store is written. So the live store never knows a message that the journal could
//! still lose; otherwise a message that was never acknowledged would be called a duplicate when it comes
//! again.

use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::base::error::{Error, ErrorKind};
use crate::base::time::Time;
use crate::db::durable::upkeep::Upkeep;
use crate::engine::image::Image;
use crate::engine::program::Program;
use crate::engine::standing::Standing;
use crate::facts::stamp::HistoryPlace;
use crate::persist::live::changes::ProfileChange;
use crate::persist::live::distrust::Distrust;
use crate::persist::live::keys::profile_bucket;
use crate::persist::record::history_chunk::{self, FULL, HistoryEntry};
use crate::persist::record::profile_record::{HistoryInfo, ProfileRecord};
use crate::persist::record::store_meta::StoreMeta;
use crate::store::history::{Entry, Stored};
use crate::store::profile::{Body, Profile};

/// Most profiles written at once.
const PIECE: usize = 1_000;

/// A profile that changed, as it was under the shard's lock.
struct Changed {
    shard: usize,
    place: u32,
    key: Vec<u8>,
    sequence: u64,
    stamp: u64,
    deadline: Time,
    image: Vec<u8>,
    last_cause: Option<(HistoryPlace, Box<str>)>,
    stored: Stored,
    later: Vec<HistoryEntry<'static>>,
}

impl Upkeep {
    /// Writes all that changed since the last checkpoint.
    ///
    /// # Errors
    /// If journal or live store cannot be written.
    pub(crate) fn checkpoint(&self) -> Result<(), Error> {
        let _upkeep = self.folder.upkeep.lock();
        self.checkpoint_alone()
    }

    /// The same, for one who holds the lock of upkeep.
    pub(crate) fn checkpoint_alone(&self) -> Result<(), Error> {
        // While the journal is replayed, what follows in it is not in memory yet.
        let sequence = self.replayed.lock().unwrap_or_else(|| self.folder.journal.last().0);
        let (changed, mut meta) = self.collect();
        let messages = self.messages.begin_leaving();
        self.folder.journal.sync()?;
        let runs = &self.folder.messages;
        let prepared = self.folder.ask(|_| runs.prepare(messages).map_err(not_prepared))?;
        meta.runs = prepared.names();
        let begun = changed.iter().filter(|profile| profile.stored.messages == 0).count() as u64;
        meta.profiles = self.stored_profiles.load(Ordering::Relaxed) + begun;
        self.write(sequence, &meta, changed)?;
        runs.adopt(prepared);
        runs.remove_unused();
        self.messages.forget_left();
        self.stored_profiles.store(meta.profiles, Ordering::Relaxed);
        let mut last = self.last.lock();
        (last.sequence, last.at) = (sequence, Instant::now());
        Ok(())
    }

    /// Writes in pieces, each of neighbours in the store: sled takes large batches, and scattered ones,
    /// badly. All but the last say that they are not the whole.
    fn write(&self, sequence: u64, meta: &StoreMeta, mut changed: Vec<Changed>) -> Result<(), Error> {
        let in_between = StoreMeta { profiles: StoreMeta::NOT_COUNTED, ..meta.clone() }.write();
        changed.sort_by(|a, b| (profile_bucket(&a.key), &a.key).cmp(&(profile_bucket(&b.key), &b.key)));
        for piece in changed.chunks(PIECE) {
            let written = self.folder.ask(|live| {
                let growing: Vec<_> = piece.iter().filter_map(Changed::growing_chunk).collect();
                let mut grown = live.chunks(&growing)?.into_iter();
                let mut change = |profile: &Changed| {
                    profile.change(profile.growing_chunk().and_then(|_| grown.next()).as_deref())
                };
                let changes = piece.iter().map(&mut change).collect::<Result<Vec<_>, _>>()?;
                let (changes, stored): (Vec<_>, Vec<_>) = changes.into_iter().unzip();
                live.checkpoint(live.sequence(), &in_between, changes)?;
                Ok(stored)
            })?;
            for (profile, stored) in piece.iter().zip(written) {
                let mut shard = self.shards[profile.shard].write();
                shard.set_stored(profile.place, stored, profile.sequence, profile.stamp);
            }
        }
        self.folder.ask(|live| live.checkpoint(sequence, &meta.write(), Vec::new()))
    }

    /// The profiles that changed, and what is true of all. Each shard is as of one instant.
    fn collect(&self) -> (Vec<Changed>, StoreMeta) {
        let mut changed = Vec::new();
        let mut sizes: Vec<i64> = Vec::new();
        let (mut program, mut revision) = (0, 0);
        for (number, shard) in self.shards.iter().enumerate() {
            let shard = shard.read();
            (program, revision) = (shard.program.fingerprint, shard.program.revision);
            sizes.resize(shard.sizes().len(), 0);
            sizes.iter_mut().zip(shard.sizes()).for_each(|(size, more)| *size += more);
            let to_store = shard.profiles().filter(|(_, profile)| !profile.is_stored);
            let to_store =
                to_store.map(|(place, profile)| Changed::of(number, place, profile, &shard.program));
            changed.extend(to_store);
        }
        let sizes = sizes.into_iter().map(|size| u64::try_from(size).unwrap_or_default()).collect();
        let now = self.time.now();
        let lineage = self.folder.state.lock().manifest.lineage;
        (changed, StoreMeta { lineage, program, revision, now, profiles: 0, runs: Vec::new(), sizes })
    }
}

impl Changed {
    fn of(shard: usize, place: u32, profile: &Profile, program: &Program) -> Changed {
        let standing: Standing<'_> = profile.standing();
        let image = match &profile.body {
            Body::Cell(cell) => Image::of(cell, program).bytes().to_vec(),
            Body::Image(image) => image.bytes().to_vec(),
        };
        Changed {
            shard,
            place,
            key: profile.identifier().key(),
            sequence: profile.sequence,
            stamp: standing.stamp(),
            deadline: standing.deadline(),
            image,
            last_cause: profile.history.last_cause().cloned(),
            stored: profile.history.stored(),
            later: profile.history.unstored().iter().map(history_entry).collect(),
        }
    }

    /// The place of the chunk that later messages go into, if one is begun.
    fn growing_chunk(&self) -> Option<(&[u8], u32)> {
        let first = self.stored.messages / FULL * FULL;
        (first < self.stored.messages && !self.later.is_empty()).then_some((&*self.key, first))
    }

    /// What the live store has to change, and what is then stored of the history; `chunk` is the one that
    /// grows.
    fn change(&self, chunk: Option<&[u8]>) -> Result<(ProfileChange, Stored), Distrust> {
        let first = self.stored.messages / FULL * FULL;
        let mut entries = Vec::new();
        if let Some(chunk) = chunk {
            entries = history_chunk::read(chunk)
                .ok_or_else(|| Distrust::new("the last chunk of a history is damaged"))?;
            entries.truncate((self.stored.messages - first) as usize);
        }
        entries.extend(self.later.iter().cloned());
        let hash = self.later.iter().fold(self.stored.hash, |hash, entry| entry.hash_after(hash));
        let stored = Stored { messages: self.stored.messages + self.later.len() as u32, hash };
        let chunks = entries.chunks(FULL as usize).map(history_chunk::write);
        let places = (first..).step_by(FULL as usize);
        let last_cause = self.last_cause.as_ref().map(|(place, id)| (*place, (&**id).into()));
        let record = ProfileRecord {
            sequence: self.sequence,
            history: HistoryInfo { messages: stored.messages, hash },
            last_cause,
            image: &self.image,
        };
        let change = ProfileChange {
            key: self.key.clone(),
            record: Some(record.write()),
            deadline_ms: (self.deadline != Time::NEVER).then(|| self.deadline.millis()),
            history: places.zip(chunks).collect(),
        };
        Ok((change, stored))
    }
}

/// Why runs could not be prepared: a full disk makes no doubt, a damaged run does.
fn not_prepared(error: Error) -> Distrust {
    match error.kind() {
        ErrorKind::Damaged => Distrust::new(error.to_string()),
        _ => Distrust::passing(error.to_string()),
    }
}

fn history_entry(entry: &Entry) -> HistoryEntry<'static> {
    HistoryEntry {
        time: entry.time,
        message_id: entry.message_id.to_string().into(),
        json: entry.message.to_json().to_string().into(),
    }
}
