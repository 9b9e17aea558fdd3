//! What the journal holds: what the engine was told, and when.

use crate::base::error::{Error, ErrorKind};
use crate::base::time::Time;
use crate::persist::record::fields::{Fields, put_short_text, put_text};

const MESSAGE: u8 = 1;
const CATALOG: u8 = 2;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JournalRecord<'a> {
    /// A message was accepted.
    Message {
        /// The database's time when it was.
        now: Time,
        /// The event time.
        time: Time,
        message_id: &'a str,
        /// The message as JSON.
        json: &'a str,
    },
    /// The catalog was replaced.
    Catalog { now: Time, text: &'a str },
}

impl<'a> JournalRecord<'a> {
    /// The bytes.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            JournalRecord::Message { now, time, message_id, json } => {
                bytes.reserve(32 + message_id.len() + json.len());
                bytes.push(MESSAGE);
                bytes.extend_from_slice(&now.millis().to_le_bytes());
                bytes.extend_from_slice(&time.millis().to_le_bytes());
                put_short_text(&mut bytes, message_id);
                put_text(&mut bytes, json);
            }
            JournalRecord::Catalog { now, text } => {
                bytes.push(CATALOG);
                bytes.extend_from_slice(&now.millis().to_le_bytes());
                put_text(&mut bytes, text);
            }
        }
        bytes
    }

    /// The record in these bytes.
    ///
    /// # Errors
    /// `Incompatible` if it is of a kind that this version does not know.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<JournalRecord<'a>, Error> {
        JournalRecord::parse(bytes).ok_or_else(|| {
            let message = "the journal has a record of a kind that this version does not know; \
                           open the database with the release that wrote it, or a newer one";
            Error::new(ErrorKind::Incompatible, message)
        })
    }

    fn parse(bytes: &'a [u8]) -> Option<JournalRecord<'a>> {
        let mut fields = Fields(bytes);
        let kind = fields.u8()?;
        let now = Time::from_raw(fields.i64()?);
        let record = match kind {
            MESSAGE => JournalRecord::Message {
                now,
                time: Time::from_raw(fields.i64()?),
                message_id: fields.short_text()?,
                json: fields.text()?,
            },
            CATALOG => JournalRecord::Catalog { now, text: fields.text()? },
            _ => return None,
        };
        fields.0.is_empty().then_some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back_and_nothing_else_does() {
        let (now, time) = (Time::from_raw(5), Time::from_raw(-7));
        let message = JournalRecord::Message { now, time, message_id: "m1", json: "{\"a\":1}" };
        let catalog = JournalRecord::Catalog { now, text: "schema = 1" };
        for record in [message, catalog] {
            let bytes = record.write();
            assert_eq!(JournalRecord::read(&bytes).unwrap(), record);
            for len in 0..bytes.len() {
                assert_eq!(JournalRecord::read(&bytes[..len]).unwrap_err().kind(), ErrorKind::Incompatible);
            }
        }
    }
}
