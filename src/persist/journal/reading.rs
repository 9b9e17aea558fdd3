//! Reads a journal from its files: the records in order, where they end, and why there.
//!
//! A place without a valid frame ends the journal. Whether that is the torn end of a crash, which is
//! normal, or damage, is decided by what proves that there was more on stable storage: a later segment
//! (`segment_header.rs`, invariant 1), or a valid frame behind the place that knew of more
//! (`beyond.rs`). A file that is shorter than it was made is damage in any case.
//!
//! Records that the base covers (`after`) are not needed: whole segments of them are not looked at, and
//! holes among them are passed over.
//!
//! Invariants:
//! 1. Records are handed out in the order of their sequences, from `after` on, without holes.
//! 2. A frame is handed out only if its check is right.
//! 3. Nothing is written.

use std::path::{Path, PathBuf};

use super::beyond::{Beyond, next_frame};
use super::damage::Damage;
use super::folder;
use super::frame::Frame;
use super::segment_header::{FRAMES_FROM, HEADER_BYTES, HeaderFault, SegmentHeader};
use super::sequence::Sequence;
use crate::base::error::{Error, ErrorKind};
use crate::persist::disk::failure::failed;
use crate::persist::disk::file_calls::Disk;

/// Takes a record; an error ends the reading.
pub(crate) type OnRecord<'a> = dyn FnMut(Sequence, &[u8]) -> Result<(), Error> + 'a;

/// A segment's file as it was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) number: u64,
    pub(super) path: PathBuf,
    /// Or what is wrong with it, in words.
    pub(super) header: Result<SegmentHeader, String>,
}

/// Where the journal can be read to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// Which of the segments found.
    pub(super) segment: usize,
    pub(super) offset: u64,
    /// Where the last valid frame behind the end ends, if a crash left any: it must not come back.
    pub(super) torn_until: u64,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) segments: Vec<Found>,
    /// The last record that was read, also if the base covers it.
    pub(super) last: Sequence,
    /// The highest record that some frame knew to be stable.
    pub(super) marked: Sequence,
    /// Records handed out.
    pub(super) records: u64,
    /// None if no segment could be used.
    pub(super) end: Option<End>,
    pub(super) damage: Option<Damage>,
}

/// Reads all records after `after` and up to `up_to`.
pub(super) fn read(
    disk: &dyn Disk,
    folder: &Path,
    after: Sequence,
    up_to: Sequence,
    on_record: &mut OnRecord<'_>,
) -> Result<Reading, Error> {
    let mut walk = Walk {
        disk,
        after,
        up_to,
        on_record,
        bytes: Vec::new(),
        reading: Reading {
            segments: find(disk, folder)?,
            last: after,
            marked: Sequence(0),
            records: 0,
            end: None,
            damage: None,
        },
    };
    walk.run()?;
    Ok(walk.reading)
}

/// The segments in a folder, with their headers.
fn find(disk: &dyn Disk, folder: &Path) -> Result<Vec<Found>, Error> {
    let mut journal = None;
    let mut found = Vec::new();
    for (number, path) in folder::list(disk, folder)?.segments {
        let file = disk.open_read_only(&path).map_err(|error| failed("open", &path, error))?;
        let mut head = [0; HEADER_BYTES];
        let count = file.read_at(0, &mut head).map_err(|error| failed("read", &path, error))?;
        let header = match SegmentHeader::read(&head[..count]) {
            Ok(header) if header.number != number => {
                Err(format!("is segment {} under another's name", header.number))
            }
            Ok(header) if header.journal != *journal.get_or_insert(header.journal) => {
                Err("belongs to another journal".to_owned())
            }
            Ok(header) => Ok(header),
            Err(fault @ HeaderFault::Version(_)) => {
                let message = format!(
                    "`{}` {}; use the release that wrote it, or a newer one",
                    path.display(),
                    fault.describe()
                );
                return Err(Error::new(ErrorKind::Incompatible, message));
            }
            Err(fault) => Err(fault.describe()),
        };
        found.push(Found { number, path, header });
    }
    Ok(found)
}

struct Walk<'a> {
    disk: &'a dyn Disk,
    after: Sequence,
    up_to: Sequence,
    on_record: &'a mut OnRecord<'a>,
    /// The segment at hand.
    bytes: Vec<u8>,
    reading: Reading,
}

impl Walk<'_> {
    fn run(&mut self) -> Result<(), Error> {
        let needed = self.after.next();
        let begins_early = |found: &Found| found.header.as_ref().is_ok_and(|header| header.first <= needed);
        let Some(start) = self.reading.segments.iter().rposition(begins_early) else {
            return self.without_start();
        };
        for index in start..self.reading.segments.len() {
            let Some(header) = self.header(index, start)? else { return Ok(()) };
            if index == start {
                self.reading.last = Sequence(header.first.0.saturating_sub(1));
            }
            let length = self.load(index, header.file_bytes)?;
            let offset = self.frames(header.salt)?;
            self.reading.end = Some(End { segment: index, offset, torn_until: 0 });
            if self.reading.last >= self.up_to {
                return Ok(());
            }
            if length < header.file_bytes {
                let what = format!("the file was {} bytes long and is {length}", header.file_bytes);
                return self.damaged(index, offset.min(length), what);
            }
        }
        self.tail()
    }

    /// No segment begins where the base ends, or before.
    fn without_start(&mut self) -> Result<(), Error> {
        let Some(first) = self.reading.segments.first() else { return Ok(()) };
        let what = match &first.header {
            Err(fault) => format!("the file {fault}"),
            Ok(header) => format!(
                "it begins with record {}, and records from {} on are missing",
                header.first,
                self.after.next()
            ),
        };
        self.damaged(0, 0, what)
    }

    /// The header of a segment that goes on where the one before ended; none if that is damage.
    fn header(&mut self, index: usize, start: usize) -> Result<Option<SegmentHeader>, Error> {
        let found = self.reading.segments[index].clone();
        if index > start && found.number != self.reading.segments[index - 1].number + 1 {
            let missing = self.reading.segments[index - 1].number + 1;
            let what = format!("the segment before it, number {missing}, is missing");
            self.damaged(index, 0, what)?;
            return Ok(None);
        }
        let header = match found.header {
            Ok(header) => header,
            Err(fault) => {
                self.damaged(index, 0, format!("the file {fault}"))?;
                return Ok(None);
            }
        };
        let expected = self.reading.last.next();
        if index == start || header.first == expected {
            return Ok(Some(header));
        }
        match self.reading.end {
            Some(end) if header.first > expected => {
                let proved = Sequence(header.first.0 - 1);
                self.damaged(end.segment, end.offset, unreadable(expected, proved))?;
            }
            _ => {
                let what = format!("it begins with record {} instead of {expected}", header.first);
                self.damaged(index, 0, what)?;
            }
        }
        Ok(None)
    }

    /// Reads a segment's file up to the length it was made with; returns how much there is.
    fn load(&mut self, index: usize, file_bytes: u64) -> Result<u64, Error> {
        let path = &self.reading.segments[index].path;
        let file = self.disk.open_read_only(path).map_err(|error| failed("open", path, error))?;
        let length = file.len().map_err(|error| failed("read", path, error))?;
        self.bytes.resize(length.min(file_bytes) as usize, 0);
        let count = file.read_at(0, &mut self.bytes).map_err(|error| failed("read", path, error))?;
        self.bytes.truncate(count);
        Ok(count as u64)
    }

    /// Hands out the records of the segment at hand; returns where its frames end.
    fn frames(&mut self, salt: u64) -> Result<u64, Error> {
        let reading = &mut self.reading;
        let mut at = FRAMES_FROM;
        while reading.last < self.up_to {
            let here = self.bytes.get(at as usize..).unwrap_or(&[]);
            match Frame::read(here, salt) {
                Ok(frame) if in_order(&frame, reading.last) => {
                    at += frame.length as u64;
                    reading.marked = reading.marked.max(frame.durable);
                    reading.last = frame.sequence;
                    if let Some(payload) = frame.payload.filter(|_| frame.sequence > self.after) {
                        reading.records += 1;
                        (self.on_record)(frame.sequence, payload)?;
                    }
                }
                // What is missing here may be in the base.
                _ if reading.last < self.after => match next_frame(&self.bytes, at, salt) {
                    Some((place, frame)) if goes_on(&frame, reading.last, self.after) => {
                        at = place;
                        reading.last = Sequence(frame.sequence.0 - 1);
                    }
                    _ => break,
                },
                _ => break,
            }
        }
        Ok(at)
    }

    /// Decides what the end of the last segment is. Its bytes are at hand.
    fn tail(&mut self) -> Result<(), Error> {
        let Some(end) = self.reading.end else { return Ok(()) };
        let Ok(header) = self.reading.segments[end.segment].header else { return Ok(()) };
        let known = self.known();
        let beyond = Beyond::look(&self.bytes, end.offset, header.salt, known);
        if beyond.durable > known {
            return self.damaged(
                end.segment,
                end.offset,
                unreadable(self.reading.last.next(), beyond.durable),
            );
        }
        self.reading.end = Some(End { torn_until: beyond.until, ..end });
        Ok(())
    }

    /// The last record that is known from the journal or the base.
    fn known(&self) -> Sequence {
        self.reading.last.max(self.after)
    }

    /// Notes the damage, with what is readable behind it.
    fn damaged(&mut self, index: usize, offset: u64, what: String) -> Result<(), Error> {
        let known = self.known();
        let mut highest = known;
        let mut readable_after = 0;
        for later in index..self.reading.segments.len() {
            let Ok(header) = self.reading.segments[later].header else { continue };
            self.load(later, header.file_bytes)?;
            let from = if later == index { offset.max(FRAMES_FROM) } else { FRAMES_FROM };
            let beyond = Beyond::look(&self.bytes, from, header.salt, known);
            let before = Sequence(header.first.0.saturating_sub(1));
            highest = highest.max(before).max(beyond.highest).max(beyond.durable);
            readable_after += beyond.records;
        }
        self.reading.damage = Some(Damage {
            file: self.reading.segments[index].path.clone(),
            offset,
            what,
            last: self.reading.last,
            readable_before: self.reading.records,
            lost: highest.since(known).saturating_sub(readable_after),
            readable_after,
        });
        Ok(())
    }
}

fn in_order(frame: &Frame<'_>, last: Sequence) -> bool {
    match frame.payload {
        Some(_) => frame.sequence == last.next() && frame.durable < frame.sequence,
        None => frame.sequence == last && frame.durable <= last,
    }
}

/// Whether only records that the base covers are missing before a frame.
fn goes_on(frame: &Frame<'_>, last: Sequence, after: Sequence) -> bool {
    frame.payload.is_some() && frame.sequence > last && frame.sequence <= after.next()
}

fn unreadable(record: Sequence, proved: Sequence) -> String {
    format!("record {record} cannot be read, though all up to {proved} were on stable storage")
}
