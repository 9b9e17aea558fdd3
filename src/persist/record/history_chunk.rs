//! A run of one profile's messages, compressed together.
//!
//! Messages of one customer repeat each other's keys and names, so some dozens of them together take
//! a fraction of their JSON. Chunk `n` holds the messages from place `n * FULL` on; the last one is
//! written anew as it grows, full ones are left alone.

use std::borrow::Cow;

use crate::base::frozen_hash::hash64;
use crate::base::time::Time;
use crate::persist::record::fields::{Fields, put_short_text, put_text};

/// How many messages a full chunk holds.
pub(crate) const FULL: u32 = 64;

const PLAIN: u8 = 0;
const PACKED: u8 = 1;

/// One message of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HistoryEntry<'a> {
    pub(crate) time: Time,
    pub(crate) message_id: Cow<'a, str>,
    /// The message as JSON.
    pub(crate) json: Cow<'a, str>,
}

impl HistoryEntry<'_> {
    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.time.millis().to_le_bytes());
        put_short_text(bytes, &self.message_id);
        put_text(bytes, &self.json);
    }

    /// The hash of a history that ends with this message and had `before` without it.
    pub(crate) fn hash_after(&self, before: u64) -> u64 {
        let mut bytes = before.to_le_bytes().to_vec();
        self.put(&mut bytes);
        hash64(&bytes)
    }
}

/// The chunk of these messages.
pub(crate) fn write(entries: &[HistoryEntry<'_>]) -> Vec<u8> {
    let mut plain = Vec::new();
    entries.iter().for_each(|entry| entry.put(&mut plain));
    let packed = lz4_flex::compress(&plain);
    let (kind, content) = if packed.len() < plain.len() { (PACKED, &packed) } else { (PLAIN, &plain) };
    let len = u32::try_from(plain.len()).expect("a chunk holds few messages, each bounded");
    let mut bytes = Vec::with_capacity(5 + content.len());
    bytes.push(kind);
    bytes.extend_from_slice(&len.to_le_bytes());
    bytes.extend_from_slice(content);
    bytes
}

/// The messages of a chunk; `None` if it is none.
pub(crate) fn read(bytes: &[u8]) -> Option<Vec<HistoryEntry<'static>>> {
    let mut fields = Fields(bytes);
    let (kind, len) = (fields.u8()?, fields.u32()? as usize);
    let plain = match kind {
        PLAIN => Cow::Borrowed(fields.0),
        // A byte of LZ4 stands for 255 at most, so a false length cannot ask for much memory.
        PACKED if len <= fields.0.len().saturating_mul(256) => {
            Cow::Owned(lz4_flex::decompress(fields.0, len).ok()?)
        }
        _ => return None,
    };
    if plain.len() != len {
        return None;
    }
    let mut fields = Fields(&plain);
    let mut entries = Vec::new();
    while !fields.0.is_empty() {
        entries.push(HistoryEntry {
            time: Time::from_raw(fields.i64()?),
            message_id: Cow::Owned(fields.short_text()?.to_owned()),
            json: Cow::Owned(fields.text()?.to_owned()),
        });
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_read_back_and_damage_is_seen_or_harmless() {
        let entries: Vec<_> = (0..40_i64)
            .map(|number| HistoryEntry {
                time: Time::from_raw(number),
                message_id: format!("m{number}").into(),
                json: r#"{"type":"track","event":"Product Viewed"}"#.into(),
            })
            .collect();
        let bytes = write(&entries);
        assert!(bytes.len() < 1_000, "forty messages of 41 bytes take {}", bytes.len());
        assert_eq!(read(&bytes).unwrap(), entries);
        for len in 0..bytes.len() {
            let _ = read(&bytes[..len]);
        }
    }
}
