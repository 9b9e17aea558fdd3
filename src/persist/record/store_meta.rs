//! What is true of all profiles together at a checkpoint.

use crate::base::time::Time;
use crate::persist::message_runs::run::RunName;
use crate::persist::record::fields::{Fields, put_short_text, put_text};

/// Without held messages, and without programs before the one in force.
const FIRST: u8 = 1;
/// Without the latter.
const SECOND: u8 = 2;
const VERSION: u8 = 3;

/// What a checkpoint says of the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoreMeta {
    /// The lineage of the messages.
    pub(crate) lineage: u64,
    /// The fingerprint of the program in force.
    pub(crate) program: u64,
    /// The revision of the catalog.
    pub(crate) revision: u64,
    /// The database's time.
    pub(crate) now: Time,
    /// How many profiles there are.
    pub(crate) profiles: u64,
    /// The runs that hold the ids of all accepted messages.
    pub(crate) runs: Vec<RunName>,
    /// Accepted messages of the future that no profile knows yet.
    pub(crate) held: Vec<HeldRecord>,
    /// The programs before the one in force that images may still be of, the oldest first.
    pub(crate) behind: Vec<BehindRecord>,
    /// Of each segment, how many members it has among the profiles under the program in force.
    pub(crate) sizes: Vec<u64>,
}

/// A program that was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BehindRecord {
    /// Its fingerprint.
    pub(crate) program: u64,
    /// The revision of its catalog.
    pub(crate) revision: u64,
    /// When it was replaced.
    pub(crate) until: Time,
}

/// An accepted message that no profile knows yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeldRecord {
    /// Its record's number in the journal.
    pub(crate) sequence: u64,
    /// The database's time when it was accepted.
    pub(crate) now: Time,
    /// The event time.
    pub(crate) time: Time,
    pub(crate) message_id: String,
    /// The message as JSON.
    pub(crate) json: String,
}

impl StoreMeta {
    /// The number of profiles of a store that a checkpoint was not finished with: profiles and sizes
    /// have to be counted.
    pub(crate) const NOT_COUNTED: u64 = u64::MAX;

    /// The bytes.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        let StoreMeta { lineage, program, revision, now, profiles, .. } = *self;
        let numbers = [lineage, program, revision, now.millis() as u64, profiles, self.runs.len() as u64];
        let runs = self.runs.iter().flat_map(|run| [run.number, run.entries, run.check]);
        for number in numbers.into_iter().chain(runs).chain([self.held.len() as u64]) {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for held in &self.held {
            bytes.extend_from_slice(&held.sequence.to_le_bytes());
            bytes.extend_from_slice(&held.now.millis().to_le_bytes());
            bytes.extend_from_slice(&held.time.millis().to_le_bytes());
            put_short_text(&mut bytes, &held.message_id);
            put_text(&mut bytes, &held.json);
        }
        bytes.extend_from_slice(&(self.behind.len() as u64).to_le_bytes());
        for BehindRecord { program, revision, until } in &self.behind {
            let numbers = [*program, *revision, until.millis() as u64];
            numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
        }
        self.sizes.iter().for_each(|size| bytes.extend_from_slice(&size.to_le_bytes()));
        bytes
    }

    /// What these bytes say; `None` if they are none.
    pub(crate) fn read(bytes: &[u8]) -> Option<StoreMeta> {
        let mut fields = Fields(bytes);
        let version = fields.u8()?;
        if !(FIRST..=VERSION).contains(&version) {
            return None;
        }
        let (lineage, program, revision) = (fields.u64()?, fields.u64()?, fields.u64()?);
        let (now, profiles) = (Time::from_raw(fields.i64()?), fields.u64()?);
        let mut runs = Vec::new();
        for _ in 0..fields.u64()? {
            runs.push(RunName { number: fields.u64()?, entries: fields.u64()?, check: fields.u64()? });
        }
        let mut held = Vec::new();
        for _ in 0..if version == FIRST { 0 } else { fields.u64()? } {
            held.push(HeldRecord {
                sequence: fields.u64()?,
                now: Time::from_raw(fields.i64()?),
                time: Time::from_raw(fields.i64()?),
                message_id: fields.short_text()?.to_owned(),
                json: fields.text()?.to_owned(),
            });
        }
        let mut behind = Vec::new();
        for _ in 0..if version <= SECOND { 0 } else { fields.u64()? } {
            let (program, revision) = (fields.u64()?, fields.u64()?);
            behind.push(BehindRecord { program, revision, until: Time::from_raw(fields.i64()?) });
        }
        let mut sizes = Vec::new();
        while !fields.0.is_empty() {
            sizes.push(fields.u64()?);
        }
        Some(StoreMeta { lineage, program, revision, now, profiles, runs, held, behind, sizes })
    }
}
