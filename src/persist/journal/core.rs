//! The state of an open journal that its threads share, and the one way by which appended frames reach
//! the disk: a thread that needs them there becomes the *leader*, takes everything appended so far,
//! writes it in one call, syncs if that is what callers wait for, and wakes all.
//!
//! The next leader starts when the last sync returns, with what has come in meanwhile: measured, any
//! fixed interval only makes callers wait longer. There are two buffers: one takes records while the
//! other is written. After the first rounds nothing is allocated.
//!
//! Invariants:
//! 1. `durable <= written <= last`.
//! 2. One thread leads at a time. Only it touches the writer; it does so without holding the queue.
//! 3. After a failure nothing is written any more, and nothing counts as written or durable that did
//!    not before. A sync is never tried again: the system may have dropped what it could not write.
//! 4. Locks are taken in the order queue, files of `segments`; the writer's and the syncing lock never
//!    while the queue is held.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::durability::Durability;
use super::frame::lay_out;
use super::segments::{OpenSegment, Segments};
use super::sequence::Sequence;
use super::stats::Counters;
use super::writer::Writer;
use crate::base::error::{Error, ErrorKind};
use crate::base::limits::{MAX_RECORD_BYTES, MAX_UNWRITTEN_BYTES};

/// How far a record has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// The system has it: it survives the end of the process.
    Written,
    /// It is on stable storage.
    Durable,
    /// It is, and what follows goes into another segment.
    Closed,
}

#[derive(Debug)]
pub(super) struct Core {
    pub(super) durability: Durability,
    pub(super) segments: Arc<Segments>,
    pub(super) counters: Arc<Counters>,
    pub(super) queue: Mutex<Queue>,
    /// Told when a leader is done, or something failed.
    progress: Condvar,
    /// Told when the background thread has something to do.
    pub(super) wake: Condvar,
    writer: Mutex<Writer>,
}

#[derive(Debug)]
pub(super) struct Queue {
    /// Laid-out frames that nobody has taken yet.
    frames: Vec<u8>,
    /// The other buffer, empty, while no leader has it.
    idle: Vec<u8>,
    pub(super) last: Sequence,
    pub(super) written: Sequence,
    pub(super) durable: Sequence,
    /// The highest sequence that something on disk says is durable.
    pub(super) marked: Sequence,
    /// The segment in which the last written record is.
    pub(super) open: OpenSegment,
    leading: bool,
    pub(super) failure: Option<Arc<Error>>,
    pub(super) closed: bool,
    /// The background thread waits for an append.
    pub(super) drowsy: bool,
}

impl Core {
    /// Of a journal in which everything up to `last` is stable, and is said to be up to `marked`.
    pub(super) fn new(
        durability: Durability,
        segments: Arc<Segments>,
        open: OpenSegment,
        last: Sequence,
        marked: Sequence,
    ) -> Core {
        let counters = Arc::new(Counters::default());
        let writer = Writer { segments: segments.clone(), counters: counters.clone(), open: open.clone() };
        let queue = Queue {
            frames: Vec::new(),
            idle: Vec::new(),
            last,
            written: last,
            durable: last,
            marked,
            open,
            leading: false,
            failure: None,
            closed: false,
            drowsy: false,
        };
        Core {
            durability,
            segments,
            counters,
            queue: Mutex::new(queue),
            progress: Condvar::new(),
            wake: Condvar::new(),
            writer: Mutex::new(writer),
        }
    }

    /// Takes a record into memory; waits only if too much is unwritten.
    pub(super) fn append(&self, pieces: &[&[u8]]) -> Result<Sequence, Error> {
        let length = pieces.iter().map(|piece| piece.len()).sum();
        if length > MAX_RECORD_BYTES {
            let message = format!("a record of {length} bytes is larger than {MAX_RECORD_BYTES}; split it");
            return Err(Error::new(ErrorKind::InvalidCall, message));
        }
        let mut queue = self.queue.lock();
        loop {
            self.check(&queue)?;
            if queue.closed {
                return Err(self.refusal("it is closed"));
            }
            if queue.frames.len() < MAX_UNWRITTEN_BYTES {
                break;
            }
            self.lead_or_wait(&mut queue, Reached::Written);
        }
        let sequence = queue.last.next();
        lay_out(&mut queue.frames, sequence, pieces, length);
        queue.last = sequence;
        if queue.drowsy {
            queue.drowsy = false;
            self.wake.notify_one();
        }
        Ok(sequence)
    }

    /// Waits until a record is as far as asked, and leads if nobody does.
    pub(super) fn reach(&self, up_to: Sequence, reached: Reached) -> Result<(), Error> {
        let mut queue = self.queue.lock();
        if up_to > queue.last {
            let message = format!("record {up_to} was never appended; the last is {}", queue.last);
            return Err(Error::new(ErrorKind::InvalidCall, message));
        }
        loop {
            let now = match reached {
                Reached::Written => queue.written,
                Reached::Durable | Reached::Closed => queue.durable,
            };
            if now >= up_to {
                return Ok(());
            }
            self.check(&queue)?;
            self.lead_or_wait(&mut queue, reached);
        }
    }

    fn lead_or_wait(&self, queue: &mut MutexGuard<'_, Queue>, reached: Reached) {
        if queue.leading {
            self.progress.wait(queue);
        } else {
            self.lead(queue, reached);
        }
    }

    /// Writes everything appended so far.
    fn lead(&self, queue: &mut MutexGuard<'_, Queue>, reached: Reached) {
        queue.leading = true;
        let idle = std::mem::take(&mut queue.idle);
        let mut frames = std::mem::replace(&mut queue.frames, idle);
        let (last, durable) = (queue.last, queue.durable);
        let done = MutexGuard::unlocked(queue, || {
            let mut writer = self.writer.lock();
            let mut durable = writer.write(&mut frames, durable)?;
            if reached != Reached::Written {
                writer.sync()?;
                durable = last;
            }
            if reached == Reached::Closed {
                writer.rotate(last.next(), 0)?;
            }
            frames.clear();
            // A record of many megabytes does not keep its memory for ever.
            frames.shrink_to(2 * MAX_UNWRITTEN_BYTES);
            Ok((durable, writer.open.clone()))
        });
        queue.leading = false;
        match done {
            Ok((durable, open)) => {
                queue.idle = frames;
                queue.written = last;
                queue.durable = queue.durable.max(durable);
                queue.open = open;
            }
            Err(error) => self.fail(queue, error),
        }
        self.progress.notify_all();
    }

    /// Brings everything appended so far to stable storage and begins a new segment behind it; returns the
    /// last record before that.
    pub(super) fn close_segment(&self) -> Result<Sequence, Error> {
        let mut queue = self.queue.lock();
        while queue.leading {
            self.progress.wait(&mut queue);
        }
        self.check(&queue)?;
        self.lead(&mut queue, Reached::Closed);
        self.check(&queue)?;
        Ok(queue.written)
    }

    /// Makes what is written stable, while others go on appending and writing.
    ///
    /// If a leader goes on to another segment meanwhile, it has synced this one.
    pub(super) fn sync_written(&self) -> Result<Sequence, Error> {
        let mut queue = self.queue.lock();
        self.check(&queue)?;
        let (written, open) = (queue.written, queue.open.clone());
        if queue.durable < written {
            self.counters.syncs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            match MutexGuard::unlocked(&mut queue, || self.segments.sync(&open)) {
                Ok(()) => queue.durable = queue.durable.max(written),
                Err(error) => {
                    self.fail(&mut queue, error);
                    self.check(&queue)?;
                }
            }
            self.progress.notify_all();
        }
        Ok(written)
    }

    /// Says on disk that everything is durable, if it is and nothing there says so yet. That is not
    /// synced: a mark that gets lost proves nothing, and nothing wrong.
    pub(super) fn mark(&self) {
        let mut queue = self.queue.lock();
        let known = queue.durable < queue.last || queue.marked >= queue.last;
        if queue.failure.is_some() || queue.leading || known {
            return;
        }
        queue.leading = true;
        let last = queue.last;
        let done = MutexGuard::unlocked(&mut queue, || self.writer.lock().mark(last));
        queue.leading = false;
        match done {
            Ok(()) => queue.marked = last,
            Err(error) => self.fail(&mut queue, error),
        }
        self.progress.notify_all();
    }

    /// Syncs after a mark.
    pub(super) fn sync_mark(&self) -> Result<(), Error> {
        let done = self.writer.lock().sync();
        let mut queue = self.queue.lock();
        if let Err(error) = done {
            self.fail(&mut queue, error);
        }
        self.check(&queue)
    }

    /// Notes the first failure, and tells everybody.
    fn fail(&self, queue: &mut Queue, error: Error) {
        queue.failure.get_or_insert_with(|| Arc::new(error));
        self.progress.notify_all();
    }

    /// Refuses if something failed before.
    pub(super) fn check(&self, queue: &Queue) -> Result<(), Error> {
        match &queue.failure {
            None => Ok(()),
            Some(first) => Err(self.refusal(&first.to_string()).caused_by(first.clone())),
        }
    }

    fn refusal(&self, why: &str) -> Error {
        let message = format!(
            "the journal in `{}` takes no more records: {why}; what was not acknowledged may be lost; \
             correct the cause and open the database again",
            self.segments.folder.display()
        );
        Error::new(ErrorKind::ReadOnly, message)
    }
}
