//! What a database in a folder can be told beside messages: to write, to close.

use std::path::Path;
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind};
use crate::db::database::Database;
use crate::db::durable::folder::Access;
use crate::db::durable::open_options::OpenOptions;
use crate::db::durable::opening::unpack;
use crate::db::durable::recovery::RecoveryWork;
use crate::db::summarising::Summarised;
use crate::persist::record::journal_record::JournalRecord;

impl Database {
    /// Opens the database in a folder, with its own catalog and the usual options.
    ///
    /// # Errors
    /// See [`OpenOptions::open`].
    pub fn open(folder: impl AsRef<Path>) -> Result<Database, Error> {
        OpenOptions::new().open(folder)
    }

    /// Applies what the journal holds beyond the live store.
    pub(crate) fn replay(&self, records: &[(u64, Vec<u8>)]) -> Result<(), Error> {
        let Some(upkeep) = &self.upkeep else { return Ok(()) };
        let all = records.len() as u64;
        self.reports.set_deaf(true);
        for (done, (sequence, bytes)) in (1..).zip(records) {
            *upkeep.replayed.lock() = Some(sequence - 1);
            match JournalRecord::read(bytes)? {
                JournalRecord::Message { now, time, message_id, json } => {
                    self.replay_message(*sequence, now, time, message_id, json)?;
                }
                JournalRecord::Catalog { now, text } => {
                    self.time.reach(now);
                    self.swap_catalog(|_| unpack(text).map(Some), now, |_| Ok(*sequence))?;
                }
            }
            upkeep.folder.listener.tell(RecoveryWork::Replaying, done, all);
        }
        *upkeep.replayed.lock() = None;
        self.reports.set_deaf(false);
        Ok(())
    }

    /// Brings everything accepted so far to stable storage, and the live store up to it, so that the
    /// next opening has nothing to apply again.
    ///
    /// # Errors
    /// If writing fails. In memory there is nothing to do.
    pub fn checkpoint(&self) -> Result<(), Error> {
        let Some(upkeep) = &self.upkeep else { return Ok(()) };
        upkeep.folder.check_changeable()?;
        self.trusting(|| upkeep.checkpoint())
    }

    /// That the database may be changed.
    ///
    /// # Errors
    /// `ReadOnly` if it is open for reading only, or for questions only.
    pub(crate) fn check_changeable(&self) -> Result<(), Error> {
        if self.is_read_only {
            let message = "the database is open for reading only: open it for writing";
            return Err(Error::new(ErrorKind::ReadOnly, message));
        }
        self.upkeep.as_ref().map_or(Ok(()), |upkeep| upkeep.folder.check_changeable())
    }

    /// Lets go of what need not be kept: puts summaries in the place of messages that are older than the
    /// catalog keeps them ([`Database::summarise_history`]), and makes a new base of everything accepted so
    /// far, so that the journal can be let go of. The database does the latter by itself as the journal grows.
    /// Gives what went into summaries.
    ///
    /// # Errors
    /// If writing fails.
    pub fn compact(&self) -> Result<Summarised, Error> {
        let summarised = self.summarise_history()?;
        if let Some(upkeep) = &self.upkeep {
            self.checkpoint()?;
            upkeep.build_base()?;
        }
        Ok(summarised)
    }

    /// What the database had to say of its files since it was opened: what was mended, what was given up.
    pub fn warnings(&self) -> Vec<String> {
        self.upkeep.as_ref().map(|upkeep| upkeep.folder.warnings.lock().clone()).unwrap_or_default()
    }

    /// Writes everything and closes the database. Dropping it does the same, but cannot tell of errors.
    ///
    /// # Errors
    /// If writing fails.
    pub fn close(mut self) -> Result<(), Error> {
        self.shut()
    }

    pub(crate) fn shut(&mut self) -> Result<(), Error> {
        self.reports.wait_no_more();
        self.sweep.stop();
        self.recounting.stop();
        drop(self.thread.take());
        let reports = Arc::clone(&self.reports);
        let shut = self.shut_folder();
        reports.close();
        shut
    }

    fn shut_folder(&mut self) -> Result<(), Error> {
        let Some(upkeep) = self.upkeep.clone() else { return Ok(()) };
        let writes = upkeep.folder.access == Access::Everything;
        let is_behind = || upkeep.last.lock().sequence < upkeep.folder.journal.last().0;
        // What time has brought about is told once.
        let has_moved = || self.shards.iter().any(|shard| shard.read().has_unstored());
        let checkpoint = if writes && (is_behind() || has_moved()) { self.checkpoint() } else { Ok(()) };
        self.upkeep = None;
        let closed = upkeep.folder.journal.close();
        if writes { closed.and_then(|()| upkeep.folder.note_end()).and(checkpoint) } else { closed }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Nobody is left to tell of an error; what was acknowledged is in the journal.
        let _ = self.shut();
    }
}
