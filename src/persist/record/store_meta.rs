//! What is true of all profiles together at a checkpoint.

use crate::base::time::Time;
use crate::persist::message_runs::run::RunName;
use crate::persist::record::fields::Fields;

const VERSION: u8 = 1;

/// What a checkpoint says of the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoreMeta {
    /// The lineage of the messages.
    pub(crate) lineage: u64,
    /// The fingerprint of the program that all images are of.
    pub(crate) program: u64,
    /// The revision of the catalog.
    pub(crate) revision: u64,
    /// The database's time.
    pub(crate) now: Time,
    /// How many profiles there are.
    pub(crate) profiles: u64,
    /// The runs that hold the ids of all accepted messages.
    pub(crate) runs: Vec<RunName>,
    /// Of each segment, how many members it has.
    pub(crate) sizes: Vec<u64>,
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
        for number in numbers.into_iter().chain(runs).chain(self.sizes.iter().copied()) {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// What these bytes say; `None` if they are none.
    pub(crate) fn read(bytes: &[u8]) -> Option<StoreMeta> {
        let mut fields = Fields(bytes);
        if fields.u8()? != VERSION {
            return None;
        }
        let (lineage, program, revision) = (fields.u64()?, fields.u64()?, fields.u64()?);
        let (now, profiles) = (Time::from_raw(fields.i64()?), fields.u64()?);
        let mut runs = Vec::new();
        for _ in 0..fields.u64()? {
            runs.push(RunName { number: fields.u64()?, entries: fields.u64()?, check: fields.u64()? });
        }
        let mut sizes = Vec::new();
        while !fields.0.is_empty() {
            sizes.push(fields.u64()?);
        }
        Some(StoreMeta { lineage, program, revision, now, profiles, runs, sizes })
    }
}
