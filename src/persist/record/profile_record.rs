//! What the live store and bases hold of one profile beside its messages.
//!
//! The image comes last and is handed on as it is.

use std::borrow::Cow;

use crate::base::time::Time;
use crate::facts::identity::known_as::{Known, KnownAs};
use crate::facts::stamp::HistoryPlace;
use crate::model::identifier::{Identifier, OwnedIdentifier};
use crate::persist::record::fields::{Fields, put_short_text};

/// A record of a profile with one identifier, which is its key.
const ONE: u8 = 1;
/// A record of a profile with more.
const MANY: u8 = 2;
/// The time at which an identifier was first seen, if it was only named.
const NEVER_SEEN: i64 = i64::MAX;
/// No profile: the key is an identifier of one that is stored under another.
const LEADS: u8 = 16;

/// A profile's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProfileRecord<'a> {
    /// The journal's number of the last message that the image knows.
    pub(crate) sequence: u64,
    pub(crate) history: HistoryInfo,
    /// The message that changed the profile last.
    pub(crate) last_cause: Option<(HistoryPlace, Cow<'a, str>)>,
    /// By what the customer is known, if there is more than the key.
    pub(crate) known_as: Option<KnownAs>,
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
        bytes.push(if self.known_as.is_some() { MANY } else { ONE });
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
        if let Some(known_as) = &self.known_as {
            put_known_as(&mut bytes, known_as);
        }
        bytes.extend_from_slice(self.image);
        bytes
    }

    /// The record in these bytes; `None` if they are none.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<ProfileRecord<'a>> {
        let mut fields = Fields(bytes);
        let version = fields.u8()?;
        if version != ONE && version != MANY {
            return None;
        }
        let sequence = fields.u64()?;
        let history = HistoryInfo { messages: fields.u32()?, hash: fields.u64()? };
        let last_cause = match fields.u8()? {
            0 => None,
            1 => Some((HistoryPlace(fields.u32()?), Cow::Borrowed(fields.short_text()?))),
            _ => return None,
        };
        let known_as = if version == MANY { Some(read_known_as(&mut fields)?) } else { None };
        Some(ProfileRecord { sequence, history, last_cause, known_as, image: fields.0 })
    }
}

/// What is stored under an identifier that is not the one its profile is stored under.
pub(crate) fn write_lead(key: &[u8]) -> Vec<u8> {
    let mut bytes = vec![LEADS];
    bytes.extend_from_slice(key);
    bytes
}

/// The key of the profile that an identifier leads to; `None` if these bytes are no such record.
pub(crate) fn read_lead(bytes: &[u8]) -> Option<&[u8]> {
    let (tag, key) = bytes.split_first()?;
    (*tag == LEADS).then_some(key)
}

fn put_identifier(bytes: &mut Vec<u8>, identifier: &OwnedIdentifier) {
    let key = identifier.borrowed().key();
    let len = u16::try_from(key.len()).expect("identifiers are bounded far below 65,536 bytes");
    bytes.extend_from_slice(&len.to_le_bytes());
    bytes.extend_from_slice(&key);
}

fn read_identifier(fields: &mut Fields<'_>) -> Option<OwnedIdentifier> {
    let len = fields.u16()?;
    Some(Identifier::of_key(fields.bytes(usize::from(len))?)?.to_owned())
}

fn put_known_as(bytes: &mut Vec<u8>, known_as: &KnownAs) {
    let KnownAs { identifiers, related, last_tie, has_parted } = known_as;
    bytes.extend_from_slice(&(identifiers.len() as u32).to_le_bytes());
    for known in identifiers {
        put_identifier(bytes, &known.identifier);
        let first_seen = known.first_seen.map_or(NEVER_SEEN, Time::millis);
        bytes.extend_from_slice(&first_seen.to_le_bytes());
    }
    bytes.extend_from_slice(&(related.len() as u32).to_le_bytes());
    related.iter().for_each(|identifier| put_identifier(bytes, identifier));
    bytes.extend_from_slice(&last_tie.millis().to_le_bytes());
    bytes.push(u8::from(*has_parted));
}

fn read_known_as(fields: &mut Fields<'_>) -> Option<KnownAs> {
    let mut identifiers = Vec::new();
    for _ in 0..fields.u32()? {
        let identifier = read_identifier(fields)?;
        let first_seen = fields.i64()?;
        let first_seen = (first_seen != NEVER_SEEN).then(|| Time::from_raw(first_seen));
        identifiers.push(Known { identifier, first_seen });
    }
    let mut related = Vec::new();
    for _ in 0..fields.u32()? {
        related.push(read_identifier(fields)?);
    }
    let last_tie = Time::from_raw(fields.i64()?);
    let has_parted = fields.u8()? != 0;
    (!identifiers.is_empty()).then_some(KnownAs { identifiers, related, last_tie, has_parted })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back() {
        let history = HistoryInfo { messages: 70, hash: 9 };
        for last_cause in [None, Some((HistoryPlace(69), Cow::Borrowed("m69")))] {
            for known_as in [None, Some(known_as())] {
                let last_cause = last_cause.clone();
                let record =
                    ProfileRecord { sequence: 1 << 40, history, last_cause, known_as, image: b"image" };
                let bytes = record.write();
                assert_eq!(ProfileRecord::read(&bytes), Some(record));
                assert_eq!(ProfileRecord::read(&bytes[..20]).map(|_| ()), None);
                assert_eq!(read_lead(&bytes), None);
            }
        }
        assert_eq!(read_lead(&write_lead(b"uana")), Some(&b"uana"[..]));
        assert_eq!(ProfileRecord::read(&write_lead(b"uana")), None);
    }

    fn known_as() -> KnownAs {
        let email = OwnedIdentifier::declared("email", "a@x.test");
        let mut known_as = KnownAs::one(Identifier::user("ana").to_owned(), Some(Time::from_raw(7)));
        known_as.identifiers.push(Known { identifier: email, first_seen: None });
        known_as.related.push(Identifier::anonymous("device").to_owned());
        known_as
    }
}
