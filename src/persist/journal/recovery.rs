//! Opens a journal: reads what is there, makes the end clean, and finds or begins the segment to go on
//! in.
//!
//! What was read may be in the system's memory only, if the process ended and the machine did not; it
//! is synced before anything builds on it, and so are the names in the folder. If a sync failed before
//! the process ended, a sync alone would not do: the system takes what it could not write as written.
//! So what nothing on disk says is stable is written again first. That can only be in the last segment,
//! because none is begun before the one before is synced.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::core::Core;
use super::damage::Damage;
use super::folder;
use super::journal::JournalOptions;
use super::reading::{self, OnRecord, Reading};
use super::salvage::{self, GivenUp};
use super::segment_header::FRAMES_FROM;
use super::segments::{OpenSegment, SegmentFile, Segments, fresh_number, zero};
use super::sequence::Sequence;
use crate::base::error::Error;
use crate::base::limits::MAX_SPARE_SEGMENTS;
use crate::persist::disk::failure::failed;
use crate::persist::disk::file_calls::{Disk, DiskFile};
use crate::persist::disk::stable_folder;

/// Bytes are written again in pieces of this many.
const PIECE: usize = 256 * 1024;

/// What to do with a damaged journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Salvage {
    /// Refuse it.
    No,
    /// Cut it at the damage, and keep what is given up beside.
    Allowed,
}

/// What opening found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recovered {
    /// The last record; the next is the one after it. At least where the base ends.
    pub(crate) last: Sequence,
    /// Records handed out.
    pub(crate) records: u64,
    /// Whether there was no segment at all, and a new journal was begun.
    pub(crate) fresh: bool,
    /// Where the torn end of a crash was taken away: records there that were never acknowledged, or
    /// whose durability promised no more.
    pub(crate) torn: Option<(PathBuf, u64)>,
    /// What salvage has given up.
    pub(crate) given_up: Option<GivenUp>,
}

/// Reads the journal in a folder and makes it ready to go on.
pub(super) fn recover(
    disk: Arc<dyn Disk>,
    folder: &Path,
    options: JournalOptions,
    after: Sequence,
    salvage: Salvage,
    on_record: &mut OnRecord<'_>,
) -> Result<(Core, Recovered), Error> {
    stable_folder::make(&*disk, folder)?;
    let mut reading = reading::read(&*disk, folder, after, Sequence(u64::MAX), on_record)?;
    let fresh = reading.segments.is_empty();
    let next_number = reading.segments.last().map_or(0, |found| found.number) + 1;
    let journal = reading.segments.iter().find_map(|found| Some(found.header.as_ref().ok()?.journal));
    let given_up = match reading.damage.take() {
        None => None,
        Some(damage) => Some(give_up(&*disk, folder, &mut reading, damage, salvage)?),
    };
    let torn = clean_end(&*disk, &reading)?;
    disk.sync_folder(folder).map_err(|error| failed("sync", folder, error))?;

    let last = reading.last.max(after);
    let spares = usable_spares(&*disk, folder, options.segment_bytes)?;
    let journal = journal.unwrap_or_else(fresh_number);
    let live = live(&reading);
    let segments =
        Arc::new(Segments::new(disk.clone(), folder, options.segment_bytes, journal, live, spares));
    let open = match reopen(&*disk, &reading, after)? {
        Some(open) => open,
        None => segments.start(next_number, last.next(), 0)?,
    };
    let core = Core::new(options.durability, segments, open, last, reading.marked.min(last));
    Ok((core, Recovered { last, records: reading.records, fresh, torn, given_up }))
}

fn give_up(
    disk: &dyn Disk,
    folder: &Path,
    reading: &mut Reading,
    damage: Damage,
    salvage: Salvage,
) -> Result<GivenUp, Error> {
    match salvage {
        Salvage::No => Err(damage.into_error()),
        Salvage::Allowed => salvage::cut(disk, folder, reading, damage),
    }
}

/// Overwrites the frames that a crash has left behind the end, so that they cannot come back when new
/// ones fill the hole before them; then makes the whole segment stable. Returns where, if there were
/// any.
fn clean_end(disk: &dyn Disk, reading: &Reading) -> Result<Option<(PathBuf, u64)>, Error> {
    let Some(end) = reading.end else { return Ok(None) };
    let path = &reading.segments[end.segment].path;
    let file = disk.open(path).map_err(|error| failed("open", path, error))?;
    if reading.marked < reading.last {
        write_again(&*file, FRAMES_FROM, end.offset).map_err(|error| failed("write", path, error))?;
    }
    zero(&*file, end.offset, end.torn_until).map_err(|error| failed("write", path, error))?;
    file.sync_data().map_err(|error| failed("sync", path, error))?;
    Ok((end.torn_until > end.offset).then(|| (path.clone(), end.offset)))
}

/// Writes a part of a file over itself, so that the next sync brings it to the disk.
fn write_again(file: &dyn DiskFile, from: u64, until: u64) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    let mut at = from;
    while at < until {
        let count = piece.len().min((until - at) as usize);
        if file.read_at(at, &mut piece[..count])? < count {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        file.write_at(at, &piece[..count])?;
        at += count as u64;
    }
    Ok(())
}

/// The segment to go on in; none if a new one has to begin.
fn reopen(disk: &dyn Disk, reading: &Reading, after: Sequence) -> Result<Option<OpenSegment>, Error> {
    let Some(end) = reading.end.filter(|_| reading.last >= after) else { return Ok(None) };
    let found = &reading.segments[end.segment];
    let Ok(header) = &found.header else { return Ok(None) };
    let file = disk.open(&found.path).map_err(|error| failed("open", &found.path, error))?;
    Ok(Some(OpenSegment {
        file: Arc::from(file),
        path: found.path.clone(),
        number: found.number,
        salt: header.salt,
        offset: end.offset,
        file_bytes: header.file_bytes,
    }))
}

fn live(reading: &Reading) -> VecDeque<SegmentFile> {
    let file = |found: &reading::Found| {
        // A covered segment whose header cannot be read is as good as an empty one, and not used again.
        let (first, file_bytes) =
            found.header.as_ref().map_or((Sequence(0), 0), |header| (header.first, header.file_bytes));
        SegmentFile { number: found.number, path: found.path.clone(), first, file_bytes }
    };
    reading.segments.iter().map(file).collect()
}

/// The spares that have the right length and are not too many; others are removed.
fn usable_spares(disk: &dyn Disk, folder: &Path, segment_bytes: u64) -> Result<Vec<(u64, PathBuf)>, Error> {
    let mut usable = Vec::new();
    for (number, path) in folder::list(disk, folder)?.spares {
        let file = disk.open_read_only(&path).map_err(|error| failed("open", &path, error))?;
        let length = file.len().map_err(|error| failed("read", &path, error))?;
        if length == segment_bytes && usable.len() < MAX_SPARE_SEGMENTS {
            usable.push((number, path));
        } else {
            drop(file);
            disk.remove(&path).map_err(|error| failed("remove", &path, error))?;
        }
    }
    Ok(usable)
}
