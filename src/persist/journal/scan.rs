//! Reads a journal without opening it: for checking, for opening read-only, and for making a base
//! while records are appended.

use std::path::Path;

use super::damage::Damage;
use super::reading::{self, OnRecord};
use super::sequence::Sequence;
use crate::base::error::Error;
use crate::persist::disk::file_calls::Disk;

/// What a journal holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "what is damaged is said here, not by an error"]
pub(crate) struct Scan {
    /// The last record that can be read, or where the base ends.
    pub(crate) last: Sequence,
    /// How many were handed out.
    pub(crate) records: u64,
    pub(crate) segments: usize,
    pub(crate) damage: Option<Damage>,
}

impl Scan {
    /// The scan, if nothing is damaged.
    pub(crate) fn whole(self) -> Result<Scan, Error> {
        match self.damage {
            None => Ok(self),
            Some(damage) => Err(damage.into_error()),
        }
    }
}

/// Hands out the records after `after` and up to `up_to`, which a process that appends meanwhile must
/// have committed; behind that nothing is looked at. That process must not recycle records that are
/// still to be read.
///
/// # Errors
/// `Incompatible`, `Io`, `Damaged` for a misnamed file, and what `on_record` returns. Damage within
/// the journal is in the answer.
pub(crate) fn scan(
    disk: &dyn Disk,
    folder: &Path,
    after: Sequence,
    up_to: Option<Sequence>,
    on_record: &mut OnRecord<'_>,
) -> Result<Scan, Error> {
    let up_to = up_to.unwrap_or(Sequence(u64::MAX));
    let reading = reading::read(disk, folder, after, up_to, on_record)?;
    Ok(Scan {
        last: reading.last.max(after),
        records: reading.records,
        segments: reading.segments.len(),
        damage: reading.damage,
    })
}
