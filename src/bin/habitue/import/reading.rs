//! Rows and the messages made of them, in batches, beside the thread that applies them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;

use habitue::{Message, Refusal, Time};

use crate::rows::{self, Format, Row};

use super::columns::Plan;

/// How many rows go to the other thread at once, and how many batches wait there at most.
const BATCH_ROWS: usize = 256;
pub(super) const MOST_BATCHES: usize = 8;

/// The files to read, and how.
pub(super) struct Files<'a> {
    pub(super) paths: &'a [PathBuf],
    pub(super) format: Option<Format>,
    /// Of each, the time of rows that do not say theirs.
    pub(super) times: Vec<Option<Time>>,
    pub(super) plan: &'a Plan,
}

/// Where reading begins: so many rows of a file are done, and all files before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) file: usize,
    pub(super) rows: u64,
}

/// Rows of one file.
pub(super) struct Batch {
    pub(super) file: usize,
    pub(super) rows: Vec<Prepared>,
    /// How many bytes of all files were read so far.
    pub(super) bytes_read: u64,
    /// What is to be said of columns.
    pub(super) words: Vec<String>,
}

/// A row, and what became of it so far.
pub(super) struct Prepared {
    pub(super) row: Row,
    pub(super) message: Result<Box<Message>, Refusal>,
}

/// A batch, or why there are no more.
pub(super) type Sent = Result<Batch, String>;

impl Files<'_> {
    /// Reads all files from a place on and sends what is in them, until the other side hangs up.
    pub(super) fn read_all(&self, start: Start, to: &SyncSender<Sent>) {
        let bytes = AtomicU64::new(0);
        for (file, path) in self.paths.iter().enumerate() {
            if file < start.file {
                bytes.fetch_add(crate::ingest::source::length(path), Ordering::Relaxed);
                continue;
            }
            let done = if file == start.file { start.rows } else { 0 };
            match self.read(file, done, &bytes, to) {
                Ok(true) => {}
                Ok(false) => return,
                Err(problem) => {
                    let _nobody_waits = to.send(Err(format!("`{}`: {problem}", path.display())));
                    return;
                }
            }
        }
    }

    /// Reads one file; says whether anybody still listens.
    fn read(&self, file: usize, done: u64, bytes: &AtomicU64, to: &SyncSender<Sent>) -> Result<bool, String> {
        let plan = self.plan;
        let mut reading = rows::open(&self.paths[file], self.format, plan.mapping.delimiter, bytes)?;
        plan.check_file(&reading)?;
        reading.pass_over(done)?;
        let (mut roles, mut words) = (plan.roles(), Vec::new());
        // Columns that are known from the beginning were spoken of then.
        for column in reading.columns().unwrap_or_default() {
            roles.of(column, &mut Vec::new());
        }
        let mut rows = Vec::with_capacity(BATCH_ROWS);
        loop {
            let next = reading.next_row();
            let is_end = !matches!(next, Ok(Some(_)));
            let mut failed = None;
            match next {
                Ok(row) => rows.extend(row.map(|row| {
                    let message = plan.message(&row, self.times[file], &mut roles, &mut words);
                    Prepared { row, message: message.map(Box::new) }
                })),
                // What was read before it is applied.
                Err(problem) => failed = Some(problem),
            }
            if rows.len() >= BATCH_ROWS || is_end {
                let bytes_read = bytes.load(Ordering::Relaxed);
                let batch = Batch { file, rows, bytes_read, words: std::mem::take(&mut words) };
                if to.send(Ok(batch)).is_err() {
                    return Ok(false);
                }
                rows = Vec::with_capacity(BATCH_ROWS);
            }
            if is_end {
                return failed.map_or(Ok(true), Err);
            }
        }
    }

    /// The message of one row, by its number from 1.
    pub(super) fn message_at(&self, start: Start) -> Option<Message> {
        let bytes = AtomicU64::new(0);
        let path = self.paths.get(start.file)?;
        let mut reading = rows::open(path, self.format, self.plan.mapping.delimiter, &bytes).ok()?;
        reading.pass_over(start.rows.checked_sub(1)?).ok()?;
        let row = reading.next_row().ok()??;
        self.plan.message(&row, self.times[start.file], &mut self.plan.roles(), &mut Vec::new()).ok()
    }
}
