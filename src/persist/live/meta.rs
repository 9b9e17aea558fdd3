//! The record `M`, which is part of every batch: which checkpoint the store holds.
//!
//! | bytes | what, little-endian |
//! |---|---|
//! | 4 | version of the format, 1 |
//! | 8 | id of the store |
//! | 8 | number of the checkpoint |
//! | 8 | sequence of the journal |
//! | 8 | hash of the witness's slot |
//! | any | the caller's bytes |
//! | 8 | hash of the key and all before |
//!
//! The hash of the slot alone would name it; the rest is there so that a doubt can be said in words.

use super::keys;
use super::sealed;
use super::slot::Slot;

const VERSION: u32 = 1;
const HEAD: usize = 36;

/// Which checkpoint a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) store_id: u64,
    pub(crate) number: u64,
    pub(crate) sequence: u64,
    pub(crate) slot_hash: u64,
    pub(crate) callers: Vec<u8>,
}

impl Meta {
    /// The record for a slot with this hash.
    pub(crate) fn new(slot: &Slot, slot_hash: u64, callers: &[u8]) -> Meta {
        Meta {
            store_id: slot.store_id,
            number: slot.number,
            sequence: slot.sequence,
            slot_hash,
            callers: callers.to_vec(),
        }
    }

    /// The hash of the caller's bytes that the slot keeps.
    pub(crate) fn hash_of_callers(callers: &[u8]) -> u64 {
        sealed::hash_of(keys::META, callers)
    }

    /// Whether this record names that slot.
    pub(crate) fn names(&self, slot: &Slot, slot_hash: u64) -> bool {
        let same_hash = self.slot_hash == slot_hash && slot.meta_hash == Meta::hash_of_callers(&self.callers);
        let named = (self.store_id, self.number, self.sequence);
        same_hash && named == (slot.store_id, slot.number, slot.sequence)
    }

    /// The record as bytes.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut bytes = VERSION.to_le_bytes().to_vec();
        for number in [self.store_id, self.number, self.sequence, self.slot_hash] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        debug_assert_eq!(bytes.len(), HEAD);
        bytes.extend_from_slice(&self.callers);
        sealed::seal_chunk(keys::META, bytes)
    }

    /// The record in a value; none if it is damaged or of another version.
    pub(crate) fn read(value: &[u8]) -> Option<Meta> {
        let body = &value[..sealed::read_chunk(keys::META, value)?.0];
        let (head, callers) = body.split_at_checked(HEAD)?;
        let (version, words) = head.split_first_chunk()?;
        let (words, _) = words.as_chunks();
        let [store_id, number, sequence, slot_hash] = words else { return None };
        (u32::from_le_bytes(*version) == VERSION).then(|| Meta {
            store_id: u64::from_le_bytes(*store_id),
            number: u64::from_le_bytes(*number),
            sequence: u64::from_le_bytes(*sequence),
            slot_hash: u64::from_le_bytes(*slot_hash),
            callers: callers.to_vec(),
        })
    }
}
