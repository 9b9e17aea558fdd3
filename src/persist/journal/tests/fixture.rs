//! A journal in the folder `/j` of a simulated disk, and what it should hold.

use std::path::{Path, PathBuf};

use crate::base::error::Error;
use crate::base::frozen_hash::hash64;
use crate::persist::disk::simulated_disk::SimulatedDisk;
use crate::persist::journal::durability::Durability;
use crate::persist::journal::journal::{Journal, JournalOptions};
use crate::persist::journal::recovery::{Recovered, Salvage};
use crate::persist::journal::sequence::Sequence;

/// Small, so that a few records fill one.
pub(super) const SEGMENT: u64 = 8192;

pub(super) fn folder() -> &'static Path {
    Path::new("/j")
}

pub(super) fn segment(number: u64) -> PathBuf {
    folder().join(format!("{number:08}.journal"))
}

pub(super) fn options(durability: Durability) -> JournalOptions {
    JournalOptions { segment_bytes: SEGMENT, durability }
}

/// A record's bytes, as its sequence says; of very different lengths.
pub(super) fn payload(sequence: u64) -> Vec<u8> {
    let hash = hash64(&sequence.to_le_bytes());
    let length = match hash % 64 {
        0 => 0,
        1 => 3000,
        2 => 9000,
        n => n * 7,
    };
    (0..length).map(|at| (hash >> (at % 57)) as u8 ^ at as u8).collect()
}

/// Records as they were handed out, checked against `payload`.
pub(super) struct Opened {
    pub(super) journal: Journal,
    pub(super) recovered: Recovered,
    /// The sequences handed out: the first and how many.
    pub(super) records: u64,
}

pub(super) fn open_with(
    disk: &SimulatedDisk,
    durability: Durability,
    after: u64,
    salvage: Salvage,
) -> Result<Opened, Error> {
    let mut last = after;
    let (journal, recovered) = Journal::open(
        disk.process(),
        folder(),
        options(durability),
        Sequence(after),
        salvage,
        &mut |sequence, bytes| {
            assert_eq!(sequence.0, last + 1, "a hole or a repetition");
            assert!(bytes == payload(sequence.0), "record {sequence} is not what was appended");
            last = sequence.0;
            Ok(())
        },
    )?;
    assert_eq!((recovered.last.0, recovered.records), (last, last - after));
    assert_eq!(journal.last().0, last);
    Ok(Opened { journal, recovered, records: last - after })
}

pub(super) fn open(disk: &SimulatedDisk, durability: Durability, after: u64) -> Opened {
    open_with(disk, durability, after, Salvage::No).unwrap_or_else(|error| panic!("{error}"))
}

/// Appends the next record, which is what its sequence says.
pub(super) fn append(journal: &Journal) -> Result<Sequence, Error> {
    let expected = journal.last().next();
    let sequence = journal.append(&payload(expected.0))?;
    assert_eq!(sequence, expected);
    Ok(sequence)
}

pub(super) fn append_many(journal: &Journal, count: u64) -> Sequence {
    for _ in 0..count {
        append(journal).unwrap();
    }
    journal.last()
}

/// A disk with a closed journal of some records, appended by batches of 5.
pub(super) fn closed_journal(records: u64) -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    let journal = open(&disk, Durability::Sync, 0).journal;
    for _ in 0..records.div_ceil(5) {
        let left = records - journal.last().0;
        let last = append_many(&journal, left.min(5));
        journal.commit(last).unwrap();
    }
    journal.close().unwrap();
    drop(journal);
    disk
}
