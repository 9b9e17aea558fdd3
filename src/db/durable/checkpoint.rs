//! Bringing what changed in memory to the live store.
//!
//! Order matters: the journal is on stable storage up to everything that a checkpoint may have seen,
//! before the live store is written. So the live store never knows a message that the journal could
//! still lose; otherwise a message that was never acknowledged would be called a duplicate when it comes
//! again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::base::error::{Error, ErrorKind};
use crate::base::time::Time;
use crate::db::applying::Incoming;
use crate::db::durable::upkeep::Upkeep;
use crate::db::held::Heldback;
use crate::engine::image::Image;
use crate::engine::program::Program;
use crate::engine::standing::Standing;
use crate::facts::identity::known_as::KnownAs;
use crate::facts::stamp::HistoryPlace;
use crate::model::identifier::Identifier;
use crate::persist::live::changes::ProfileChange;
use crate::persist::live::distrust::Distrust;
use crate::persist::live::keys::profile_bucket;
use crate::persist::record::history_chunk::{self, FULL, HistoryEntry};
use crate::persist::record::profile_record::{HistoryInfo, ProfileRecord, write_lead};
use crate::persist::record::store_meta::{BehindRecord, HeldRecord, StoreMeta};
use crate::store::history::Stored;
use crate::store::holds::Holder;
use crate::store::packed_message::PackedMessage;
use crate::store::profile::{Body, OnDisk, Profile};
use crate::store::shard::AsOf;
use crate::store::shards::Place;

/// Most profiles written at once.
const PIECE: usize = 1_000;

/// A profile that changed, as it was under the shard's lock.
struct Changed {
    place: Place,
    key: Vec<u8>,
    as_of: AsOf,
    known_as: Option<KnownAs>,
    on_disk: OnDisk,
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
        let (sequence, changed, mut meta, all_caught_up) = loop {
            let program = self.shards.program();
            let all_caught_up = self.shards.all_caught_up(&program);
            // While the journal is replayed, what follows in it is not in memory yet.
            let sequence = self.replayed.lock().unwrap_or_else(|| self.folder.journal.last().0);
            let (changed, meta) = self.collect();
            // The record of a catalog that came meanwhile may be before the sequence or after it.
            if Arc::ptr_eq(&program, &self.shards.program()) {
                break (sequence, changed, meta, all_caught_up);
            }
        };
        let messages = self.messages.begin_leaving();
        self.folder.journal.sync()?;
        let runs = &self.folder.messages;
        let prepared = self.folder.ask(|_| runs.prepare(messages).map_err(not_prepared))?;
        meta.runs = prepared.names();
        let more: i64 = changed.iter().map(Changed::more_profiles).sum();
        meta.profiles = self.stored_profiles.load(Ordering::Relaxed).saturating_add_signed(more);
        self.write_pieces(&meta, changed)?;
        if all_caught_up {
            meta.behind.clear();
        }
        self.folder.ask(|live| live.checkpoint(sequence, &meta.write(), Vec::new()))?;
        if all_caught_up {
            self.shards.forget_past(meta.revision);
        }
        runs.adopt(prepared);
        runs.remove_unused();
        self.messages.forget_left();
        self.stored_profiles.store(meta.profiles, Ordering::Relaxed);
        let mut last = self.last.lock();
        (last.sequence, last.at) = (sequence, Instant::now());
        Ok(())
    }

    /// Writes in pieces, each of neighbours in the store: sled takes large batches, and scattered ones,
    /// badly. Customers who have to do with each other are in one piece, so that a crash never leaves a
    /// message with neither of them. They say that they are not the whole.
    fn write_pieces(&self, meta: &StoreMeta, changed: Vec<Changed>) -> Result<(), Error> {
        let in_between = StoreMeta { profiles: StoreMeta::NOT_COUNTED, ..meta.clone() }.write();
        for piece in pieces(changed) {
            let written = self.folder.ask(|live| {
                let growing: Vec<_> = piece.iter().filter_map(Changed::growing_chunk).collect();
                let mut grown = live.chunks(&growing)?.into_iter();
                let (mut changes, mut stored) = (Vec::new(), Vec::new());
                for profile in &piece {
                    profile.clear_the_way(&mut changes);
                    let chunk = profile.growing_chunk().and_then(|_| grown.next());
                    let (change, now_stored) = profile.change(chunk.as_deref())?;
                    changes.push(change);
                    stored.push(now_stored);
                }
                // Once every key that is given up is free.
                piece.iter().for_each(|profile| profile.lead_here(&mut changes));
                live.checkpoint(live.sequence(), &in_between, changes)?;
                Ok(stored)
            })?;
            for removed in piece.iter().flat_map(|profile| &profile.on_disk.replaced) {
                self.folder.given_up.lock().remove(removed);
            }
            for (profile, stored) in piece.iter().zip(written) {
                let mut shard = self.shards.hold(profile.place.shard as usize, Holder::Storage);
                let is_same = shard.set_stored(profile.place.slot, &profile.key, stored, profile.as_of);
                drop(shard);
                if !is_same {
                    self.note_on_disk(&profile.key);
                }
            }
        }
        Ok(())
    }

    /// Tells whoever has an identifier by now that a profile is on disk under it, which was written while
    /// who is who changed.
    fn note_on_disk(&self, key: &[u8]) {
        let Some(identifier) = Identifier::of_key(key) else { return };
        let Some((mut shard, slot)) = self.shards.write(identifier, Holder::Storage) else { return };
        shard.note_on_disk(slot, key);
    }

    /// The profiles that changed, and what is true of all. Each shard is as of one instant; meanwhile
    /// nobody goes from one to another.
    fn collect(&self) -> (Vec<Changed>, StoreMeta) {
        // Before profiles are: one that takes effect meanwhile is in both, which is seen by its id.
        let held = self.held.lock().iter().map(held_record).collect();
        let _nobody_moves = self.moving.write();
        let mut changed = Vec::new();
        let mut sizes: Vec<i64> = Vec::new();
        let programs = self.shards.programs();
        for shard in self.shards.iter() {
            let shard = shard.read();
            let _hold = self.shards.holds.begin(Holder::Checkpoint);
            sizes.resize(shard.sizes().len(), 0);
            sizes.iter_mut().zip(shard.sizes()).for_each(|(size, more)| *size += more);
            let to_store = shard.profiles().filter(|(_, profile)| !profile.is_stored);
            changed.extend(
                to_store.map(|(slot, profile)| {
                    Changed::of(shard.place(slot), profile, shard.program_of(profile))
                }),
            );
        }
        let sizes = sizes.into_iter().map(|size| u64::try_from(size).unwrap_or_default()).collect();
        let now = self.time.now();
        let lineage = self.folder.state.lock().manifest.lineage;
        let behind = programs.past.iter().map(|past| BehindRecord {
            program: past.program.fingerprint,
            revision: past.program.revision,
            until: past.until,
        });
        let meta = StoreMeta {
            lineage,
            program: programs.current.fingerprint,
            revision: programs.current.revision,
            now,
            profiles: 0,
            runs: Vec::new(),
            held,
            behind: behind.collect(),
            sizes,
        };
        (changed, meta)
    }
}

/// What changed in pieces, each of neighbours in the store or of customers who have to do with each other.
fn pieces(changed: Vec<Changed>) -> Vec<Vec<Changed>> {
    let (mut single, joined): (Vec<_>, Vec<_>) = changed
        .into_iter()
        .partition(|profile| profile.known_as.is_none() && profile.on_disk.replaced.is_empty());
    single.sort_by(|a, b| (profile_bucket(&a.key), &a.key).cmp(&(profile_bucket(&b.key), &b.key)));
    let mut pieces = Vec::new();
    let mut single = single.into_iter().peekable();
    while single.peek().is_some() {
        pieces.push(single.by_ref().take(PIECE).collect::<Vec<Changed>>());
    }
    for family in families(joined) {
        match pieces.last_mut() {
            Some(piece) if piece.len() + family.len() <= PIECE => piece.extend(family),
            _ => pieces.push(family),
        }
    }
    pieces
}

/// Customers who have to do with each other, together.
fn families(joined: Vec<Changed>) -> Vec<Vec<Changed>> {
    let mut family_of: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let mut families: Vec<Vec<Changed>> = Vec::new();
    for profile in joined {
        let keys = profile.keys_touched();
        let known: BTreeSet<usize> = keys.iter().filter_map(|key| family_of.get(key).copied()).collect();
        let number = known.first().copied().unwrap_or(families.len());
        if number == families.len() {
            families.push(Vec::new());
        }
        families[number].push(profile);
        for other in known.into_iter().skip(1) {
            let moved = std::mem::take(&mut families[other]);
            let keys = moved.iter().flat_map(Changed::keys_touched);
            family_of.extend(keys.map(|key| (key, number)));
            families[number].extend(moved);
        }
        family_of.extend(keys.into_iter().map(|key| (key, number)));
    }
    families.retain(|family| !family.is_empty());
    families
}

impl Changed {
    fn of(place: Place, profile: &Profile, program: &Program) -> Changed {
        let standing: Standing<'_> = profile.standing();
        let image = match &profile.body {
            Body::Cell(cell) => Image::of(cell, program).bytes().to_vec(),
            Body::Image(image) => image.bytes().to_vec(),
        };
        Changed {
            place,
            key: profile.key().key(),
            as_of: AsOf { sequence: profile.sequence, stamp: standing.stamp(), making: profile.making },
            known_as: profile.known_as.as_deref().cloned(),
            on_disk: profile.on_disk.clone(),
            deadline: standing.deadline(),
            image,
            last_cause: profile.last_cause().map(|(place, id)| (place, id.into())),
            stored: profile.history.stored(),
            later: profile.history.unstored().iter().map(history_entry).collect(),
        }
    }

    /// By how many profiles there are more on disk once this is written.
    fn more_profiles(&self) -> i64 {
        i64::from(!self.on_disk.is_there) - self.on_disk.replaced.len() as i64
    }

    /// All keys under which something is written, or that may belong to others who are written with it.
    fn keys_touched(&self) -> Vec<Vec<u8>> {
        let known_as = self.known_as.iter();
        let identifiers = known_as.flat_map(|known_as| {
            let own = known_as.identifiers.iter().map(|known| &known.identifier);
            own.chain(&known_as.related).map(|identifier| identifier.borrowed().key())
        });
        identifiers.chain(self.on_disk.replaced.iter().cloned()).chain([self.key.clone()]).collect()
    }

    /// Removes the profiles that this one takes the place of, and what is under its own key if none of its
    /// messages go on there.
    fn clear_the_way(&self, changes: &mut Vec<ProfileChange>) {
        let own = (self.on_disk.is_there && self.stored.messages == 0).then_some(&self.key);
        for key in self.on_disk.replaced.iter().chain(own) {
            changes.push(ProfileChange {
                key: key.clone(),
                record: None,
                deadline_ms: None,
                history: Vec::new(),
            });
        }
    }

    /// Lets its other identifiers lead to it.
    fn lead_here(&self, changes: &mut Vec<ProfileChange>) {
        let Some(known_as) = self.known_as.as_ref().filter(|_| !self.on_disk.leads_here) else { return };
        for known in &known_as.identifiers {
            let key = known.identifier.borrowed().key();
            if key != self.key {
                let record = Some(write_lead(&self.key));
                changes.push(ProfileChange { key, record, deadline_ms: None, history: Vec::new() });
            }
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
            sequence: self.as_of.sequence,
            history: HistoryInfo { messages: stored.messages, hash },
            last_cause,
            known_as: self.known_as.clone(),
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

fn held_record(held: &Heldback) -> HeldRecord {
    let Incoming { message, message_id, time, now } = &held.incoming;
    HeldRecord {
        sequence: held.sequence,
        now: *now,
        time: *time,
        message_id: message_id.clone(),
        json: message.json_text(),
    }
}

/// A message as files hold it.
pub(crate) fn history_entry(message: &PackedMessage) -> HistoryEntry<'static> {
    HistoryEntry {
        time: message.time,
        message_id: message.message_id().to_owned().into(),
        json: message.json().to_owned().into(),
    }
}
