//! What is true of all profiles together at a checkpoint.

use crate::base::time::Time;
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
    /// How many messages were accepted.
    pub(crate) messages: u64,
    /// Of each segment, how many members it has.
    pub(crate) sizes: Vec<u64>,
}

impl StoreMeta {
    /// The number of profiles of a store that a checkpoint was not finished with: profiles, messages and
    /// sizes have to be counted.
    pub(crate) const NOT_COUNTED: u64 = u64::MAX;

    /// The bytes.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        let StoreMeta { lineage, program, revision, now, profiles, messages, .. } = *self;
        let numbers = [lineage, program, revision, now.millis() as u64, profiles, messages];
        for number in numbers.iter().chain(&self.sizes) {
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
        let (now, profiles, messages) = (Time::from_raw(fields.i64()?), fields.u64()?, fields.u64()?);
        let mut sizes = Vec::new();
        while !fields.0.is_empty() {
            sizes.push(fields.u64()?);
        }
        Some(StoreMeta { lineage, program, revision, now, profiles, messages, sizes })
    }
}
