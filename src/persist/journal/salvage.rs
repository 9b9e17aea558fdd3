//! Cuts a journal at its damage, and keeps what is given up.
//!
//! The order of steps makes every power cut harmless: 1. the segment with the damage inside is copied
//! beside and the copy synced; 2. the segments behind it are renamed, the last first; so what is left
//! is at any time the same damage, or a journal that ends where it is cut; 3. the rest of the damaged
//! segment becomes zeros.

use std::path::{Path, PathBuf};

use super::damage::Damage;
use super::folder::aside_path;
use super::reading::Reading;
use super::segment_header::SegmentHeader;
use super::segments::zero;
use crate::base::error::Error;
use crate::persist::disk::failure::failed;
use crate::persist::disk::file_calls::Disk;

const PIECE: usize = 256 * 1024;

/// What a salvaged journal has given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GivenUp {
    pub(crate) damage: Damage,
    /// The files that hold what was given up; they are never deleted by the database.
    pub(crate) kept: Vec<PathBuf>,
}

/// Makes the journal end where it can be read to.
pub(super) fn cut(
    disk: &dyn Disk,
    folder: &Path,
    reading: &mut Reading,
    damage: Damage,
) -> Result<GivenUp, Error> {
    let mut kept = Vec::new();
    let good = reading.end.map_or(0, |end| end.segment + 1);
    if let Some(end) = reading.end {
        kept.push(copy_aside(disk, &reading.segments[end.segment].path)?);
    }
    let mut dropped = Vec::new();
    for segment in reading.segments.drain(good..).rev() {
        let aside = aside_path(disk, &segment.path)?;
        disk.rename(&segment.path, &aside).map_err(|error| failed("rename", &segment.path, error))?;
        // One by one, so that a power cut leaves no hole that was not there.
        disk.sync_folder(folder).map_err(|error| failed("sync", folder, error))?;
        dropped.push(aside);
    }
    kept.extend(dropped.into_iter().rev());
    if let Some(end) = reading.end
        && let Ok(header) = &reading.segments[end.segment].header
    {
        clear(disk, &reading.segments[end.segment].path, end.offset, header)?;
    }
    Ok(GivenUp { damage, kept })
}

/// Copies a file beside itself.
fn copy_aside(disk: &dyn Disk, path: &Path) -> Result<PathBuf, Error> {
    let aside = aside_path(disk, path)?;
    let from = disk.open_read_only(path).map_err(|error| failed("open", path, error))?;
    let to = disk.create(&aside).map_err(|error| failed("make", &aside, error))?;
    let mut piece = vec![0; PIECE];
    let mut at = 0;
    loop {
        let count = from.read_at(at, &mut piece).map_err(|error| failed("read", path, error))?;
        if count == 0 {
            break;
        }
        to.write_at(at, &piece[..count]).map_err(|error| failed("write", &aside, error))?;
        at += count as u64;
    }
    to.sync_data().map_err(|error| failed("sync", &aside, error))?;
    if let Some(folder) = path.parent() {
        disk.sync_folder(folder).map_err(|error| failed("sync", folder, error))?;
    }
    Ok(aside)
}

/// Gives a segment its length back, with nothing in it behind a place.
fn clear(disk: &dyn Disk, path: &Path, from: u64, header: &SegmentHeader) -> Result<(), Error> {
    let file = disk.open(path).map_err(|error| failed("open", path, error))?;
    let cleared = zero(&*file, from, header.file_bytes)
        .and_then(|()| file.set_len(header.file_bytes))
        .and_then(|()| file.sync_data());
    cleared.map_err(|error| failed("clear the end of", path, error))
}
