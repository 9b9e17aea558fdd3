//! An import under way: each row is applied, or only checked, and counted.

use std::path::Path;
use std::sync::mpsc::Receiver;

use habitue::{Database, Message, Refusal, RefusalReason};
use indicatif::HumanCount;

use super::mark::Marks;
use super::reading::{Batch, Files, Prepared, Sent, Start};
use super::summary::Summary;
use crate::console::Console;
use crate::failure::Failure;
use crate::ingest::rejects::{Reject, Rejects};
use crate::progress;

/// An import under way.
pub(super) struct Load<'a> {
    pub(super) files: &'a Files<'a>,
    pub(super) database: &'a Database,
    pub(super) rejects: Rejects,
    pub(super) summary: Summary,
    /// Where marks are set, if they are.
    pub(super) marks: Option<Marks>,
}

impl Load<'_> {
    /// Takes everything that is read, until the end or a failure.
    pub(super) fn take_all(
        &mut self,
        batches: Receiver<Sent>,
        total: Option<u64>,
        console: &mut Console,
    ) -> Result<(), Failure> {
        let bar = progress::reading(total);
        for batch in batches {
            let Batch { file, rows, bytes_read, words } = batch.map_err(|problem| {
                let stored = if self.summary.dry_run { "" } else { "; what was read before it is stored" };
                Failure::Stopped(format!("cannot read {problem}{stored}"))
            })?;
            let path = &*self.files.paths[file];
            for word in words {
                console.say(&format!("{}: {word}\n", path.display()));
            }
            for row in rows {
                self.take(file, path, row, console)?;
            }
            // Nobody here asks who entered which segment.
            drop(self.database.take_transitions());
            bar.set_position(bytes_read);
            bar.set_message(format!("{} rows", HumanCount(self.summary.rows)));
        }
        bar.finish_and_clear();
        Ok(())
    }

    fn take(
        &mut self,
        file: usize,
        path: &Path,
        Prepared { row, message }: Prepared,
        console: &mut Console,
    ) -> Result<(), Failure> {
        self.summary.rows += 1;
        let refusal = match message.and_then(|message| self.apply(*message)) {
            Ok(duplicate) => {
                *(if duplicate { &mut self.summary.duplicates } else { &mut self.summary.accepted }) += 1;
                return self.mark(Start { file, rows: row.number });
            }
            Err(refusal) => refusal,
        };
        if refusal.reason == RefusalReason::Storage {
            let place = format!("{}, {}", path.display(), row.place());
            return Err(Failure::Stopped(format!("{place}: cannot be stored: {}", refusal.detail)));
        }
        self.summary.rejected += 1;
        self.rejects.add(&Reject::of(path, row.place(), &refusal, row.to_json()), console)
    }

    /// Applies a message, or looks whether it could be; says whether it was there already.
    fn apply(&self, message: Message) -> Result<bool, Refusal> {
        match self.summary.dry_run {
            true => self.database.check(&message).map(|checked| checked.duplicate),
            false => self.database.apply(message).map(|applied| applied.duplicate),
        }
    }

    fn mark(&mut self, start: Start) -> Result<(), Failure> {
        let Some(marks) = self.marks.as_mut().filter(|marks| marks.is_due()) else { return Ok(()) };
        let rejects_bytes = self.rejects.sync()?;
        marks.set(start, self.summary.skipped + self.summary.rows, rejects_bytes)
    }
}
