//! What the live store and bases hold of one profile beside its messages.
//!
//! The image comes last and is handed on as it is.

use std::borrow::Cow;

use crate::facts::stamp::HistoryPlace;
use crate::persist::record::fields::{Fields, put_short_text};

const VERSION: u8 = 1;

/// A profile's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProfileRecord<'a> {
    /// The journal's number of the last message that the image knows.
    pub(crate) sequence: u64,
    pub(crate) history: HistoryInfo,
    /// The message that changed the profile last.
    pub(crate) last_cause: Option<(HistoryPlace, Cow<'a, str>)>,
    /// The image of the cell; empty if there is none, and the cell has to be made from the messages.
    pub(crate) image: &'a [u8],
}

/// What must be found in a profile's history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HistoryInfo {
    /// How many messages.
    pub(crate) messages: u32,
    /// Their hash, see `HistoryEntry::hash_after`.
    pub(crate) hash: u64,
}

impl<'a> ProfileRecord<'a> {
    /// The bytes.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64 + self.image.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.sequence.to_le_bytes());
        bytes.extend_from_slice(&self.history.messages.to_le_bytes());
        bytes.extend_from_slice(&self.history.hash.to_le_bytes());
        match &self.last_cause {
            None => bytes.push(0),
            Some((place, id)) => {
                bytes.push(1);
                bytes.extend_from_slice(&place.0.to_le_bytes());
                put_short_text(&mut bytes, id);
            }
        }
        bytes.extend_from_slice(self.image);
        bytes
    }

    /// The record in these bytes; `None` if they are none.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<ProfileRecord<'a>> {
        let mut fields = Fields(bytes);
        if fields.u8()? != VERSION {
            return None;
        }
        let sequence = fields.u64()?;
        let history = HistoryInfo { messages: fields.u32()?, hash: fields.u64()? };
        let last_cause = match fields.u8()? {
            0 => None,
            1 => Some((HistoryPlace(fields.u32()?), Cow::Borrowed(fields.short_text()?))),
            _ => return None,
        };
        Some(ProfileRecord { sequence, history, last_cause, image: fields.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back() {
        let history = HistoryInfo { messages: 70, hash: 9 };
        for last_cause in [None, Some((HistoryPlace(69), Cow::Borrowed("m69")))] {
            let record = ProfileRecord { sequence: 1 << 40, history, last_cause, image: b"image" };
            let bytes = record.write();
            assert_eq!(ProfileRecord::read(&bytes), Some(record));
            assert_eq!(ProfileRecord::read(&bytes[..30.min(bytes.len() - 6)]).map(|_| ()), None);
        }
    }
}
