//! Making a new base while the database works.
//!
//! The new base is the old one merged with what the journal holds since. Images are taken from the live
//! store, if they know just the messages that the base will hold; else a profile goes in without one,
//! and is made from its messages when it is needed.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::durable::base::{Base, BaseEntry, base_path};
use crate::db::durable::everything::{Everything, Tail, for_each};
use crate::db::durable::folder::{Folder, FolderState};
use crate::db::durable::manifest::Manifest;
use crate::persist::block_file::writer::BlockFileWriter;
use crate::persist::disk::unfinished;
use crate::persist::journal::sequence::Sequence;
use crate::persist::record::history_chunk::{FULL, HistoryEntry, write};
use crate::persist::record::profile_record::{HistoryInfo, ProfileRecord};
use crate::persist::record::store_meta::StoreMeta;

/// Most bytes of a base written per second, so that the till beside it is not disturbed.
const BYTES_PER_SECOND: u64 = 64 * 1024 * 1024;

impl Folder {
    /// Writes a new base that holds everything up to a checkpoint of the live store, and lets go of what
    /// the journal no longer needs to hold.
    ///
    /// # Errors
    /// `Io`; then the old base and the journal are as they were.
    pub(crate) fn build_base(&self, up_to: u64) -> Result<(), Error> {
        let _building = self.building.lock();
        let (manifest, old) = {
            let state = self.state.lock();
            (state.manifest.clone(), state.base.clone())
        };
        // An unfinished erasure makes a base of its own, which says that it has been through it.
        if up_to <= manifest.base_sequence || self.is_erasing() {
            return Ok(());
        }
        let tail = self.tail(&manifest, Some(up_to))?;
        let number = manifest.base + 1;
        let path = base_path(&self.path, number);
        let new = self.write_base(&path, old.as_ref(), tail, &manifest)?;
        let new = Manifest { base: number, ..new };
        let base = Arc::new(Base::open(&*self.disk, path, up_to)?);
        new.write(&*self.disk, &self.path)?;
        *self.state.lock() = FolderState { manifest: new, base: Some(base) };
        self.journal.recycle(Sequence(up_to))?;
        if let Some(old) = old {
            // Nobody needs it any more; a base left over is only in the way, and is removed at opening.
            let _ = self.disk.remove(&old.path);
        }
        Ok(())
    }

    /// Writes a base to `path`, by way of an unfinished file beside it. Gives the manifest that `manifest`
    /// becomes with it, but for the base's number.
    pub(crate) fn write_base(
        &self,
        path: &Path,
        old: Option<&Arc<Base>>,
        tail: Tail,
        manifest: &Manifest,
    ) -> Result<Manifest, Error> {
        let new = tail.carried_over(manifest);
        let unfinished = unfinished::begin(&*self.disk, path)?;
        let mut pace = pace();
        let mut writer = BlockFileWriter::create(&*self.disk, &unfinished, &mut pace)?;
        for_each(old, &tail, &mut |profile| self.add_to_base(&mut writer, profile, old))?;
        writer.finish(&new.base_sequence.to_le_bytes())?;
        unfinished::finish(&*self.disk, &unfinished, path)?;
        // Images come from the live store, whose time may be later than that of the last message.
        let of_live = self.ask(|live| Ok(StoreMeta::read(&live.meta()).map(|meta| meta.now)));
        let now = new.now().max(of_live.ok().flatten().unwrap_or(Time::MIN));
        Ok(Manifest { now_ms: Some(now.millis()), ..new })
    }

    fn add_to_base(
        &self,
        writer: &mut BlockFileWriter<'_>,
        profile: Everything<'_>,
        old: Option<&Arc<Base>>,
    ) -> Result<(), Error> {
        if let (Some(base), None, false) = (&profile.base, &profile.later, profile.is_sieved()) {
            return writer.add(profile.key, &base.write());
        }
        let messages = profile.messages(old)?;
        if messages.is_empty() {
            return Ok(());
        }
        let history = info(&messages);
        let chunks = chunks(&messages);
        let chunks = chunks.iter().map(Vec::as_slice).collect();
        let in_live = self.ask(|live| live.profile(profile.key)).ok().flatten();
        let in_live = in_live.as_deref().and_then(ProfileRecord::read);
        // One that has other identifiers too has other messages too.
        let is_same = |record: &ProfileRecord<'_>| record.history == history && record.known_as.is_none();
        let record = match in_live.filter(is_same) {
            Some(record) => record,
            None => ProfileRecord {
                sequence: profile.sequence(),
                history,
                last_cause: None,
                known_as: None,
                image: &[],
            },
        };
        writer.add(profile.key, &BaseEntry { record, chunks }.write())
    }
}

/// What a profile's record says of these messages.
pub(crate) fn info(messages: &[HistoryEntry<'_>]) -> HistoryInfo {
    let hash = messages.iter().fold(0, |hash, entry| entry.hash_after(hash));
    HistoryInfo { messages: messages.len() as u32, hash }
}

/// The chunks of a whole history.
pub(crate) fn chunks(messages: &[HistoryEntry<'_>]) -> Vec<Vec<u8>> {
    messages.chunks(FULL as usize).map(write).collect()
}

/// Waits whenever more was written than time allows.
fn pace() -> impl FnMut(u64) -> Result<(), Error> {
    let begun = Instant::now();
    let mut written = 0;
    move |bytes| {
        written += bytes;
        let due = Duration::from_millis(written * 1_000 / BYTES_PER_SECOND);
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
        Ok(())
    }
}
