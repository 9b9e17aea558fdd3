//! Puts laid-out frames into segments: seals them, writes them in as few calls as there are segments,
//! and goes on to the next segment when one is full. One thread at a time does this.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::frame::{self, HEAD_BYTES, laid_out, seal};
use super::segments::{OpenSegment, Segments};
use super::sequence::Sequence;
use super::stats::Counters;
use crate::base::error::Error;
use crate::persist::disk::failure::failed;

#[derive(Debug)]
pub(super) struct Writer {
    pub(super) segments: Arc<Segments>,
    pub(super) counters: Arc<Counters>,
    pub(super) open: OpenSegment,
}

impl Writer {
    /// Writes frames of which everything up to `durable` is stable already; returns up to where it is
    /// now. After an error it is not known what was written.
    pub(super) fn write(&mut self, frames: &mut [u8], durable: Sequence) -> Result<Sequence, Error> {
        let mut durable = durable;
        let mut rest = frames;
        while !rest.is_empty() {
            let run = self.seal_fitting(rest, durable);
            let (now, later) = rest.split_at_mut(run);
            self.put(now)?;
            rest = later;
            if !rest.is_empty() {
                let (length, first) = laid_out(rest);
                self.rotate(first, length as u64)?;
                durable = Sequence(first.0 - 1);
            }
        }
        Ok(durable)
    }

    /// Seals the frames that fit into the segment; returns their bytes.
    fn seal_fitting(&self, frames: &mut [u8], durable: Sequence) -> usize {
        let room = self.open.room();
        let mut run = 0;
        while run < frames.len() {
            let (length, _) = laid_out(&frames[run..]);
            if (run + length) as u64 > room {
                break;
            }
            seal(&mut frames[run..run + length], self.open.salt, durable);
            run += length;
        }
        run
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        let written = self.open.file.write_at(self.open.offset, bytes);
        written.map_err(|error| failed("write", &self.open.path, error))?;
        self.open.offset += bytes.len() as u64;
        self.counters.writes.fetch_add(1, Relaxed);
        self.counters.bytes.fetch_add(bytes.len() as u64, Relaxed);
        Ok(())
    }

    /// Goes on in a new segment, with room for a frame of these bytes.
    pub(super) fn rotate(&mut self, first: Sequence, frame: u64) -> Result<(), Error> {
        self.sync()?;
        self.open = self.segments.start(self.open.number + 1, first, frame)?;
        self.counters.rotations.fetch_add(1, Relaxed);
        Ok(())
    }

    /// Makes everything that was written stable.
    pub(super) fn sync(&self) -> Result<(), Error> {
        self.counters.syncs.fetch_add(1, Relaxed);
        self.segments.sync(&self.open)
    }

    /// Writes that everything up to the last record is durable.
    pub(super) fn mark(&mut self, last: Sequence) -> Result<(), Error> {
        // There is room, because records leave it and a mark comes only after a record; but a file
        // from elsewhere may be full.
        if self.open.offset + HEAD_BYTES as u64 <= self.open.file_bytes {
            self.put(&frame::mark(self.open.salt, last))?;
        }
        Ok(())
    }
}
