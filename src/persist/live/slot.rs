//! One slot of the witness: what must be in the store after one checkpoint.
//!
//! | bytes | what, little-endian |
//! |---|---|
//! | 8 | `HABLIVE1` |
//! | 4 | version of the format, 1 |
//! | 4 | length of the whole slot |
//! | 8 | id of the store, made by chance when it is created |
//! | 8 | number of the checkpoint, from 0 |
//! | 8 | sequence of the journal up to which everything is in the store |
//! | 8 | hash of the caller's bytes in `M` |
//! | 32,768 | sums of the buckets of profiles |
//! | 10 each | buckets of deadlines that are not empty: number (u16), sum (u64) |
//! | 8 | hash of all before |

use crate::base::frozen_hash::seeded_hash64;

use super::keys::BUCKETS;
use super::sums::{MAX_DEADLINE_BUCKETS, Sums};

const MAGIC: &[u8; 8] = b"HABLIVE1";
const VERSION: u32 = 1;
const HEAD: usize = 48;
const CHECK: usize = 8;
/// The longest slot there can be.
pub(crate) const MAX_SLOT_BYTES: usize = HEAD + BUCKETS * 8 + MAX_DEADLINE_BUCKETS * 10 + CHECK;

/// What must be in the store after one checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) store_id: u64,
    pub(crate) number: u64,
    pub(crate) sequence: u64,
    pub(crate) meta_hash: u64,
    pub(crate) sums: Sums,
}

impl Slot {
    /// The slot as bytes, and the hash at their end, which is its name in `M`.
    pub(crate) fn write(&self) -> (Vec<u8>, u64) {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        for number in [self.store_id, self.number, self.sequence, self.meta_hash] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        debug_assert_eq!(bytes.len(), HEAD);
        self.sums.write(&mut bytes);
        let length = (bytes.len() + CHECK) as u32;
        bytes[12..16].copy_from_slice(&length.to_le_bytes());
        let check = seeded_hash64(&bytes, 0);
        bytes.extend_from_slice(&check.to_le_bytes());
        (bytes, check)
    }

    /// The slot at the beginning of some bytes, and its hash; none if there is no whole one.
    pub(crate) fn read(bytes: &[u8]) -> Option<(Slot, u64)> {
        let length = u32::from_le_bytes(bytes.get(12..16)?.try_into().ok()?) as usize;
        let (body, check) = bytes.get(..length)?.split_last_chunk()?;
        let check = u64::from_le_bytes(*check);
        let (head, sums) = body.split_at_checked(HEAD)?;
        let version = u32::from_le_bytes(head[8..12].try_into().ok()?);
        if !head.starts_with(MAGIC) || version != VERSION || check != seeded_hash64(body, 0) {
            return None;
        }
        let (words, _) = head[16..].as_chunks();
        let [store_id, number, sequence, meta_hash] = words else { return None };
        let slot = Slot {
            store_id: u64::from_le_bytes(*store_id),
            number: u64::from_le_bytes(*number),
            sequence: u64::from_le_bytes(*sequence),
            meta_hash: u64::from_le_bytes(*meta_hash),
            sums: Sums::read(sums)?,
        };
        Some((slot, check))
    }
}
