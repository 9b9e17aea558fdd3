//! The journal as its user sees it: append, commit, and now and then recycle.
//!
//! ```text
//! append(payload) -> sequence     into memory; callers may hold locks
//! commit(sequence)                waits until the record is as safe as the durability asks
//! recycle(sequence)               a base holds everything up to there
//! ```

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;

use parking_lot::Mutex;

use super::background;
use super::core::{Core, Reached};
use super::durability::Durability;
use super::reading::OnRecord;
use super::recovery::{self, Recovered, Salvage};
use super::sequence::Sequence;
use super::stats::JournalStats;
use crate::base::error::{Error, ErrorKind};
use crate::base::limits::MIN_SEGMENT_BYTES;
use crate::persist::disk::failure::failed;
use crate::persist::disk::file_calls::Disk;

/// How a journal is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JournalOptions {
    /// Length of a segment file. A record that does not fit gets a segment of its own.
    pub(crate) segment_bytes: u64,
    pub(crate) durability: Durability,
}

/// An open journal. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Journal {
    core: Arc<Core>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Journal {
    /// Opens the journal in a folder, or makes one, and hands out the records after `after`, up to
    /// which a base holds everything. All that was handed out is on stable storage on return; after an
    /// error, what was handed out does not count.
    ///
    /// # Errors
    /// `Damaged` and `Incompatible` for what is on disk, `Io`, and what `on_record` returns.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        folder: &Path,
        options: JournalOptions,
        after: Sequence,
        salvage: Salvage,
        on_record: &mut OnRecord<'_>,
    ) -> Result<(Journal, Recovered), Error> {
        if options.segment_bytes < MIN_SEGMENT_BYTES {
            let message = format!("segments of the journal must have at least {MIN_SEGMENT_BYTES} bytes");
            return Err(Error::new(ErrorKind::InvalidCall, message));
        }
        let (core, recovered) = recovery::recover(disk, folder, options, after, salvage, on_record)?;
        let core = Arc::new(core);
        let shared = core.clone();
        let thread = std::thread::Builder::new()
            .name("habitue-journal".to_owned())
            .spawn(move || background::run(&shared))
            .map_err(|error| failed("start a thread for", folder, error))?;
        Ok((Journal { core, thread: Mutex::new(Some(thread)) }, recovered))
    }

    /// Appends a record, in memory.
    ///
    /// # Errors
    /// `InvalidCall` for a record that is too large, `ReadOnly` after a failure or when closed.
    pub(crate) fn append(&self, payload: &[u8]) -> Result<Sequence, Error> {
        self.core.append(&[payload])
    }

    /// Appends a record that consists of several pieces.
    ///
    /// # Errors
    /// As for `append`.
    #[cfg(test)]
    pub(crate) fn append_pieces(&self, pieces: &[&[u8]]) -> Result<Sequence, Error> {
        self.core.append(pieces)
    }

    /// Waits until a record, and all before it, are as safe as the durability asks.
    ///
    /// # Errors
    /// `ReadOnly` if writing failed: whether the record will be there after opening is not known.
    pub(crate) fn commit(&self, up_to: Sequence) -> Result<(), Error> {
        match self.core.durability {
            Durability::Sync => self.core.reach(up_to, Reached::Durable),
            Durability::Group(_) => self.core.reach(up_to, Reached::Written),
            Durability::Memory => self.core.check(&self.core.queue.lock()),
        }
    }

    /// Brings everything appended so far to stable storage; returns up to where.
    ///
    /// # Errors
    /// `ReadOnly` if writing failed.
    pub(crate) fn sync(&self) -> Result<Sequence, Error> {
        let last = self.last();
        if self.core.durability == Durability::Sync {
            self.core.reach(last, Reached::Durable)?;
        } else {
            self.core.reach(last, Reached::Written)?;
            self.core.sync_written()?;
        }
        Ok(last)
    }

    /// Lets go of the segments in which a base holds everything.
    ///
    /// # Errors
    /// `Io`; nothing is lost then, and the journal goes on.
    pub(crate) fn recycle(&self, covered: Sequence) -> Result<(), Error> {
        self.core.segments.recycle(covered)
    }

    /// Brings everything appended so far to stable storage and goes on in a file that never held anything
    /// else; returns the last record before it. What salvage has put aside is removed.
    ///
    /// # Errors
    /// `Io` if a file cannot be removed, and `ReadOnly` if writing failed.
    pub(crate) fn begin_afresh(&self) -> Result<Sequence, Error> {
        self.core.segments.remove_put_aside()?;
        self.core.segments.remove_spares()?;
        // Made ahead, so that a full disk is no failure of the journal.
        self.core.segments.prepare()?;
        self.core.close_segment()
    }

    /// Removes the segments in which a base holds everything, and keeps none of them for use.
    ///
    /// # Errors
    /// `Io`; nothing is lost then, and the journal goes on.
    pub(crate) fn remove(&self, covered: Sequence) -> Result<(), Error> {
        self.core.segments.remove_covered(covered)
    }

    /// The last record appended.
    pub(crate) fn last(&self) -> Sequence {
        self.core.queue.lock().last
    }

    /// How far it is, and what it did.
    pub(crate) fn stats(&self) -> JournalStats {
        let (segments, spares) = self.core.segments.counts();
        let counters = &self.core.counters;
        let queue = self.core.queue.lock();
        JournalStats {
            last: queue.last,
            written: queue.written,
            durable: queue.durable,
            bytes: counters.bytes.load(Relaxed),
            writes: counters.writes.load(Relaxed),
            syncs: counters.syncs.load(Relaxed),
            rotations: counters.rotations.load(Relaxed),
            segments,
            spares,
        }
    }

    /// The folder it is in.
    #[cfg(test)]
    pub(crate) fn folder(&self) -> std::path::PathBuf {
        self.core.segments.folder.clone()
    }

    /// Takes no more records, brings all to stable storage, and says so there.
    ///
    /// # Errors
    /// `ReadOnly` if writing failed, now or before.
    pub(crate) fn close(&self) -> Result<(), Error> {
        let mut thread = self.thread.lock();
        let Some(running) = thread.take() else { return self.core.check(&self.core.queue.lock()) };
        let last = {
            let mut queue = self.core.queue.lock();
            queue.closed = true;
            self.core.wake.notify_all();
            queue.last
        };
        // A panic of the thread has been reported by the thread; closing does its work.
        let _ = running.join();
        self.core.reach(last, Reached::Written)?;
        self.core.sync_written()?;
        self.core.mark();
        self.core.sync_mark()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Whoever wants to know calls `close`.
        let _ = self.close();
    }
}
