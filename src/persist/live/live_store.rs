//! The live store's handle: opening, reading, checkpoints.
//!
//! Locks, in this order: `writing` (one checkpoint at a time), `state` (readers share it; a checkpoint
//! takes it for the batch alone, and not while it drafts, syncs or writes the witness), the gate in
//! `guarded.rs`. Guarded threads take none of them.
//!
//! A checkpoint: draft (reads what it replaces) → witness's slot, synced → batch → flush and sync. A
//! crash before the batch is whole leaves the store at the checkpoint before, which is the other slot's.
//! So the caller keeps its journal from the sequence of the *last but one* checkpoint on.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::BuildHasher;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use parking_lot::{Mutex, RwLock};

use crate::base::error::{Error, ErrorKind};
use crate::persist::disk::failure::failed;

use super::changes::{Counts, ProfileChange};
use super::distrust::Distrust;
use super::draft::Draft;
use super::files::{self, Synced};
use super::guarded::SLED;
use super::keys::{self, BUCKETS, Key};
use super::meta::Meta;
use super::reader::Reader;
use super::sealed::{self, Trailer};
use super::slot::Slot;
use super::sums::{Share, Sums};
use super::survey::Survey;
use super::tree::{Bytes, Tree};
use super::verified::Verified;
use super::witness::Witness;

/// How many entries of a copy are written at once.
const COPIED_AT_ONCE: usize = 2_000;

/// Where a live store is and what it may use.
#[derive(Clone, Debug)]
pub(crate) struct LiveOptions {
    /// sled's folder; nothing else is in it.
    pub(crate) folder: PathBuf,
    /// The witness, outside of the folder.
    pub(crate) witness: PathBuf,
    /// sled's cache of pages.
    pub(crate) cache_bytes: u64,
    /// How long opening may take before it counts as hanging.
    pub(crate) open_limit: Duration,
    /// The same for each other call, and for each step of calls that read much.
    pub(crate) call_limit: Duration,
}

/// An open live store.
#[derive(Debug)]
pub(crate) struct Live {
    reader: Option<Reader>,
    options: LiveOptions,
    writing: Mutex<Writing>,
    state: RwLock<State>,
    /// Why it is not believed any more.
    distrust: OnceLock<Distrust>,
}

#[derive(Debug)]
struct Writing {
    witness: Witness,
    synced: Synced,
}

#[derive(Debug)]
struct State {
    meta: Meta,
    sums: Sums,
    verified: Verified,
}

impl Live {
    /// Makes an empty store, at checkpoint 0 and sequence 0. What was there before must have been set aside.
    pub(crate) fn create(options: LiveOptions) -> Result<Live, Error> {
        let folder = options.folder.clone();
        let path = folder.display().to_string();
        let failed = |error: io::Error| failed("make", &folder, error);
        if fs::read_dir(&options.folder).is_ok_and(|mut entries| entries.next().is_some()) {
            let text = format!("the live store {path} is there already; set it aside first");
            return Err(Error::new(ErrorKind::Io, text));
        }
        fs::create_dir_all(&options.folder).map_err(failed)?;
        let sums = Sums::default();
        let meta_hash = Meta::hash_of_callers(&[]);
        let slot = Slot { store_id: new_store_id(), number: 0, sequence: 0, meta_hash, sums: sums.clone() };
        let (witness, slot_hash) = Witness::create(&options.witness, &slot).map_err(failed)?;
        let meta = Meta::new(&slot, slot_hash, &[]);
        let doubtful = |distrust: Distrust| {
            let text = format!("the live store {path} could not be made: {}", distrust.reason);
            Error::new(ErrorKind::Io, text).caused_by(distrust)
        };
        let reader = Live::open_tree(&options).map_err(doubtful)?;
        let live = Live::assemble(options, reader, witness, meta, sums);
        let first = live.state.read().meta.write();
        live.apply(vec![(keys::META.to_vec(), Some(first))]).map_err(doubtful)?;
        live.sync(&mut live.writing.lock().synced).map_err(doubtful)?;
        files::sync_folder(live.options.folder.parent().unwrap_or(&live.options.folder)).map_err(failed)?;
        Ok(live)
    }

    /// Opens a store, if it holds one of the witness's checkpoints.
    pub(crate) fn open(options: LiveOptions) -> Result<Live, Distrust> {
        let (witness, slots) = Witness::open(&options.witness)?;
        if !Tree::is_there(&options.folder) {
            return Err(Distrust::new(format!("there is no store in {}", options.folder.display())));
        }
        let reader = Live::open_tree(&options)?;
        let tree = Arc::clone(&reader.tree);
        let found = SLED.limited(options.open_limit, "opening", move || tree.get(keys::META));
        let read = |value: Option<Bytes>| {
            let value = value.ok_or_else(|| Distrust::new("the store is empty"))?;
            Meta::read(&value).ok_or_else(|| Distrust::new("the store's checkpoint record is damaged"))
        };
        match found.and_then(read).and_then(|meta| chosen(meta, slots)) {
            Ok((meta, sums)) => Ok(Live::assemble(options, reader, witness, meta, sums)),
            Err(distrust) => {
                close(reader, options.call_limit);
                Err(distrust)
            }
        }
    }

    /// Why the store is not believed any more, if it is not.
    pub(crate) fn distrusted(&self) -> Option<&Distrust> {
        self.distrust.get()
    }

    /// The sequence of the journal that the store was brought up to.
    pub(crate) fn sequence(&self) -> u64 {
        self.state.read().meta.sequence
    }

    /// The caller's bytes of the last checkpoint.
    pub(crate) fn meta(&self) -> Vec<u8> {
        self.state.read().meta.callers.clone()
    }

    /// A profile's record.
    pub(crate) fn profile(&self, key: &[u8]) -> Result<Option<Bytes>, Distrust> {
        self.answer(|reader, state| {
            let record_key = keys::profile(key);
            let value = state.profile_at(reader, key, &record_key)?;
            value.map(|value| record_in(&record_key, value)).transpose()
        })
    }

    /// Shows every profile's key and record, bucket by bucket. Not one instant: a checkpoint may come
    /// between two buckets. A doubt of the visitor ends it.
    pub(crate) fn for_each_profile(
        &self,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), Distrust>,
    ) -> Result<(), Distrust> {
        (0..BUCKETS as u16).try_for_each(|bucket| self.for_each_profile_of(bucket, &mut visit))
    }

    /// The same for one bucket.
    pub(crate) fn for_each_profile_of(
        &self,
        bucket: u16,
        visit: &mut impl FnMut(&[u8], &[u8]) -> Result<(), Distrust>,
    ) -> Result<(), Distrust> {
        let entries = self.answer(|reader, state| state.profiles_of(reader, bucket))?;
        for (record_key, value) in entries {
            if let Some(Key::Profile { key, .. }) = Key::read(&record_key) {
                visit(key, &record_in(&record_key, value)?)?;
            }
        }
        Ok(())
    }

    /// The chunks of a profile's history from the one on that holds `from_place`, ascending. All are read,
    /// because together they must be what the profile's record says.
    pub(crate) fn history(&self, key: &[u8], from_place: u32) -> Result<Vec<(u32, Bytes)>, Distrust> {
        self.answer(|reader, state| {
            let record_key = keys::profile(key);
            let trailer = match state.profile_at(reader, key, &record_key)? {
                Some(value) => Some(trailer_of(&record_key, &value)?),
                None => None,
            };
            let mut chunks = Vec::new();
            let mut sum = 0u64;
            reader.walk(keys::history_of(key), "reading a history", &mut |chunk_key, value| {
                let Some(Key::History { first_place, .. }) = Key::read(&chunk_key) else {
                    return Err(Distrust::new("a history's key is damaged"));
                };
                if first_place <= from_place {
                    chunks.clear();
                }
                let (length, check) = sealed::read_chunk(&chunk_key, &value)
                    .ok_or_else(|| Distrust::new("a chunk of a history is damaged"))?;
                sum = sum.wrapping_add(check);
                chunks.push((first_place, value.first(length)));
                Ok(ControlFlow::Continue(()))
            })?;
            if sum != trailer.map_or(0, |trailer| trailer.history_sum) {
                return Err(Distrust::new("a history is not what its profile says"));
            }
            Ok(chunks)
        })
    }

    /// Single chunks of histories, in order: each by its profile's key and its first place. Whether one is
    /// the newest is not checked; if it is not, that is found when the whole history is read.
    pub(crate) fn chunks(&self, places: &[(&[u8], u32)]) -> Result<Vec<Bytes>, Distrust> {
        self.answer(|reader, _| {
            let keys: Vec<_> = places.iter().map(|(key, place)| keys::history(key, *place)).collect();
            let values = reader.values(keys.clone(), "reading the ends of histories")?;
            let chunk = |(key, value): (Vec<u8>, Option<Bytes>)| {
                let value = value?;
                let (length, _) = sealed::read_chunk(&key, &value)?;
                Some(value.first(length))
            };
            let chunks: Option<Vec<_>> = keys.into_iter().zip(values).map(chunk).collect();
            chunks.ok_or_else(|| Distrust::new("a chunk of a history is damaged or missing"))
        })
    }

    /// The first profiles whose deadline is not after `until_ms`, at most so many, earliest first.
    pub(crate) fn due(&self, until_ms: i64, most: usize) -> Result<Vec<(i64, Vec<u8>)>, Distrust> {
        self.answer(|reader, state| {
            state.verify_deadlines(reader, keys::deadline_bucket(until_ms))?;
            let mut found = Vec::new();
            if most == 0 {
                return Ok(found);
            }
            reader.walk(keys::deadlines_until(until_ms), "reading deadlines", &mut |entry, _| {
                if let Some(Key::Deadline { deadline_ms, key }) = Key::read(&entry) {
                    found.push((deadline_ms, key.to_vec()));
                }
                Ok(if found.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
            })?;
            Ok(found)
        })
    }

    /// Makes all changes at once and durably: the store then holds everything up to `sequence`.
    pub(crate) fn checkpoint(
        &self,
        sequence: u64,
        callers: &[u8],
        changes: Vec<ProfileChange>,
    ) -> Result<(), Distrust> {
        let mut writing = self.writing.lock();
        self.noticing(|| {
            let reader = self.reader()?;
            let (last, sums) = {
                let state = self.state.read();
                (state.meta.clone(), state.sums.clone())
            };
            let draft = Draft::new(Arc::clone(&reader.tree), sums);
            let drafted =
                SLED.limited(self.options.call_limit, "drafting a checkpoint", move || draft.take(changes))?;
            let slot = Slot {
                store_id: last.store_id,
                number: last.number + 1,
                sequence,
                meta_hash: Meta::hash_of_callers(callers),
                sums: drafted.sums,
            };
            let slot_hash = writing.witness.write(&slot).map_err(|error| {
                let path = self.options.witness.display();
                Distrust::passing(format!("the witness {path} could not be written: {error}"))
            })?;
            let meta = Meta::new(&slot, slot_hash, callers);
            let mut writes = drafted.writes;
            writes.push((keys::META.to_vec(), Some(meta.write())));
            let mut state = self.state.write();
            self.apply(writes)?;
            state.meta = meta;
            state.sums = slot.sums;
            drop(state);
            self.sync(&mut writing.synced)
        })
    }

    /// Reads everything and compares it with the witness.
    pub(crate) fn verify(&self) -> Result<Counts, Distrust> {
        let _writing = self.writing.lock();
        self.answer(|reader, state| {
            let found = Survey::of(reader)?;
            state.compare(&found)?;
            Ok(found.counts)
        })
    }

    /// Makes another store of what is in this one, at the same checkpoint, and closes it. Nothing but what this
    /// store holds gets into its files: of what was removed or replaced here nothing does.
    pub(crate) fn copy_to(&self, options: LiveOptions) -> Result<(), Distrust> {
        let not_made = |error: Error| Distrust::passing(error.to_string());
        let copy = Live::create(options).map_err(not_made)?;
        let _writing = self.writing.lock();
        let found = self.answer(|reader, state| {
            let mut piece = Vec::new();
            let found = Survey::of_each(reader, &mut |key, value| {
                if *key != *keys::META {
                    piece.push((key.to_vec(), Some(value.to_vec())));
                }
                if piece.len() < COPIED_AT_ONCE { Ok(()) } else { copy.apply(std::mem::take(&mut piece)) }
            })?;
            state.compare(&found)?;
            copy.apply(piece)?;
            Ok(found)
        })?;
        copy.state.write().sums = found.sums;
        copy.checkpoint(self.sequence(), &self.meta(), Vec::new())
    }

    /// How large the store is with its witness, bytes.
    pub(crate) fn size_on_disk(&self) -> io::Result<u64> {
        Ok(files::size_of_folder(&self.options.folder)? + fs::metadata(&self.options.witness)?.len())
    }

    fn open_tree(options: &LiveOptions) -> Result<Reader, Distrust> {
        let (folder, cache_bytes) = (options.folder.clone(), options.cache_bytes);
        let tree = SLED.limited(options.open_limit, "opening", move || Tree::open(&folder, cache_bytes))?;
        Ok(Reader { tree: Arc::new(tree), limit: options.call_limit })
    }

    fn assemble(options: LiveOptions, reader: Reader, witness: Witness, meta: Meta, sums: Sums) -> Live {
        Live {
            reader: Some(reader),
            options,
            writing: Mutex::new(Writing { witness, synced: Synced::default() }),
            state: RwLock::new(State { meta, sums, verified: Verified::default() }),
            distrust: OnceLock::new(),
        }
    }

    fn reader(&self) -> Result<&Reader, Distrust> {
        self.reader.as_ref().ok_or_else(|| Distrust::new("the store is closed"))
    }

    fn apply(&self, writes: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Result<(), Distrust> {
        let tree = Arc::clone(&self.reader()?.tree);
        SLED.alone(self.options.call_limit, "writing a checkpoint", move || tree.apply(writes))
    }

    fn sync(&self, synced: &mut Synced) -> Result<(), Distrust> {
        let tree = Arc::clone(&self.reader()?.tree);
        SLED.limited(self.options.call_limit, "flushing a checkpoint", move || tree.flush())?;
        synced.sync(&self.options.folder).map_err(|error| {
            let path = self.options.folder.display();
            Distrust::new(format!("the store's files in {path} could not be synced: {error}"))
        })
    }

    fn answer<T>(&self, ask: impl FnOnce(&Reader, &State) -> Result<T, Distrust>) -> Result<T, Distrust> {
        let state = self.state.read();
        self.noticing(|| ask(self.reader()?, &state))
    }

    /// Refuses everything after the first doubt.
    fn noticing<T>(&self, call: impl FnOnce() -> Result<T, Distrust>) -> Result<T, Distrust> {
        if let Some(distrust) = self.distrust.get() {
            return Err(distrust.clone());
        }
        call().inspect_err(|distrust| self.doubt(distrust))
    }

    /// Believes the store no longer, unless the doubt passes.
    pub(crate) fn doubt(&self, distrust: &Distrust) {
        if !distrust.passes {
            // Only the first is kept.
            let _ = self.distrust.set(distrust.clone());
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            close(reader, self.options.call_limit);
        }
    }
}

impl State {
    /// That what was found in the store is what the witness says.
    fn compare(&self, found: &Survey) -> Result<(), Distrust> {
        let is_same = found.sums == self.sums && found.meta.as_ref() == Some(&self.meta);
        if is_same && found.histories_match() {
            return Ok(());
        }
        Err(Distrust::new("the store is not what the witness says"))
    }

    /// What is stored of a profile, out of a verified bucket.
    fn profile_at(&self, reader: &Reader, key: &[u8], record_key: &[u8]) -> Result<Option<Bytes>, Distrust> {
        let bucket = keys::profile_bucket(key);
        if !self.verified.profiles.has(bucket) {
            self.profiles_of(reader, bucket)?;
        }
        reader.get(record_key)
    }

    /// The entries of a bucket of profiles, verified.
    fn profiles_of(&self, reader: &Reader, bucket: u16) -> Result<Vec<(Bytes, Bytes)>, Distrust> {
        let entries = reader.all(keys::profiles_of(bucket), "reading profiles")?;
        if sum_of(&entries)? != self.sums.profiles_of(bucket) {
            return Err(Distrust::new("a bucket of profiles is not what the witness says"));
        }
        self.verified.profiles.set(bucket);
        Ok(entries)
    }

    /// Verifies all buckets of deadlines up to this one: what is missing is noticed too.
    fn verify_deadlines(&self, reader: &Reader, until: u16) -> Result<(), Distrust> {
        let first = self.verified.deadlines_below();
        let Some(start) = u16::try_from(first).ok().filter(|start| *start <= until) else { return Ok(()) };
        let mut sums = Sums::default();
        reader.walk(keys::deadlines_of(start, until), "reading deadlines", &mut |key, value| {
            sums.add(Share::of(&key, &value).ok_or_else(|| Distrust::new("a deadline is damaged"))?);
            Ok(ControlFlow::Continue(()))
        })?;
        let end = u32::from(until) + 1;
        if !sums.deadlines_of(first..end).eq(self.sums.deadlines_of(first..end)) {
            return Err(Distrust::new("the index of deadlines is not what the witness says"));
        }
        self.verified.set_deadlines_below(end);
        Ok(())
    }
}

/// The checkpoint that the store holds, if it is one of the witness's.
fn chosen(meta: Meta, slots: Vec<(Slot, u64)>) -> Result<(Meta, Sums), Distrust> {
    if slots.iter().any(|(slot, _)| slot.store_id != meta.store_id) {
        return Err(Distrust::new("the store and the witness are not of one making"));
    }
    let numbers: Vec<u64> = slots.iter().map(|(slot, _)| slot.number).collect();
    if let [first, second] = numbers[..]
        && first.abs_diff(second) != 1
    {
        return Err(Distrust::new("the slots of the witness do not follow each other"));
    }
    let number = meta.number;
    match slots.into_iter().find(|(slot, slot_hash)| meta.names(slot, *slot_hash)) {
        Some((slot, _)) => Ok((meta, slot.sums)),
        None => Err(Distrust::new(format!(
            "the store holds checkpoint {number}, which is none of the witness's ({numbers:?})"
        ))),
    }
}

fn trailer_of(record_key: &[u8], value: &[u8]) -> Result<Trailer, Distrust> {
    sealed::read_profile(record_key, value).ok_or_else(|| Distrust::new("a profile is damaged"))
}

fn record_in(record_key: &[u8], value: Bytes) -> Result<Bytes, Distrust> {
    let trailer = trailer_of(record_key, &value)?;
    Ok(value.first(trailer.record_bytes))
}

fn sum_of(entries: &[(Bytes, Bytes)]) -> Result<u64, Distrust> {
    let mut sum = 0u64;
    for (key, value) in entries {
        let share = Share::of(key, value).ok_or_else(|| Distrust::new("an entry is damaged"))?;
        sum = sum.wrapping_add(share.hash());
    }
    Ok(sum)
}

/// Closing flushes, so it can fail in every way that a call can. There is nobody to tell: everything that
/// was promised has been synced by its checkpoint.
fn close(reader: Reader, limit: Duration) {
    let _ = SLED.limited(limit, "closing", move || {
        drop(reader);
        Ok(())
    });
}

/// Differs between stores; nothing else is asked of it.
fn new_store_id() -> u64 {
    RandomState::new().hash_one((std::process::id(), SystemTime::now()))
}
