//! Values with a checksum over key and value behind them, so that neither a damaged value nor one that
//! lies under another key is believed.
//!
//! A profile's record is followed by its deadline (a byte that says whether there is one, and an i64) and
//! the sum of the checksums of its chunks of history (u64), all little-endian and before the checksum.
//! The deadline is kept here because the index of deadlines has to lose exactly the old one when a profile
//! changes, and the old record is read then anyway. The sum of the history is kept here so that histories
//! need no buckets: a profile's record is verified, and with it what its history must be. What the caller
//! stored comes first, so that it can be read in place.

use crate::base::frozen_hash::seeded_hash64;

const CHECK: usize = size_of::<u64>();
const BEHIND: usize = 1 + size_of::<i64>() + size_of::<u64>();

/// What stands behind a profile's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trailer {
    /// How long the record is.
    pub(crate) record_bytes: usize,
    pub(crate) deadline_ms: Option<i64>,
    /// The sum of the checksums of all chunks of the history.
    pub(crate) history_sum: u64,
    /// The hash of key, record and what is behind it: what the bucket's sum adds up.
    pub(crate) check: u64,
}

/// The hash of an entry.
pub(crate) fn hash_of(key: &[u8], value: &[u8]) -> u64 {
    seeded_hash64(value, seeded_hash64(key, 0))
}

/// A chunk of history with its checksum.
pub(crate) fn seal_chunk(key: &[u8], mut chunk: Vec<u8>) -> Vec<u8> {
    let check = hash_of(key, &chunk);
    chunk.extend_from_slice(&check.to_le_bytes());
    chunk
}

/// How long the chunk in a value is, and its checksum; none if it is damaged.
pub(crate) fn read_chunk(key: &[u8], value: &[u8]) -> Option<(usize, u64)> {
    body(key, value).map(|(body, check)| (body.len(), check))
}

/// A profile's record with its deadline, the sum of its history, and its checksum.
pub(crate) fn seal_profile(
    key: &[u8],
    mut record: Vec<u8>,
    deadline_ms: Option<i64>,
    history_sum: u64,
) -> Vec<u8> {
    record.push(u8::from(deadline_ms.is_some()));
    record.extend_from_slice(&deadline_ms.unwrap_or(0).to_le_bytes());
    record.extend_from_slice(&history_sum.to_le_bytes());
    seal_chunk(key, record)
}

/// What stands behind a profile's record; none if it is damaged.
pub(crate) fn read_profile(key: &[u8], value: &[u8]) -> Option<Trailer> {
    let (body, check) = body(key, value)?;
    let (record, behind) = body.split_last_chunk::<BEHIND>()?;
    let (&has_deadline, numbers) = behind.split_first()?;
    let (deadline, history_sum) = numbers.split_first_chunk()?;
    let deadline_ms = i64::from_le_bytes(*deadline);
    let history_sum = u64::from_le_bytes(history_sum.try_into().ok()?);
    let deadline_ms = match has_deadline {
        0 => None,
        1 => Some(deadline_ms),
        _ => return None,
    };
    Some(Trailer { record_bytes: record.len(), deadline_ms, history_sum, check })
}

fn body<'a>(key: &[u8], value: &'a [u8]) -> Option<(&'a [u8], u64)> {
    let (body, check) = value.split_last_chunk::<CHECK>()?;
    let check = u64::from_le_bytes(*check);
    (check == hash_of(key, body)).then_some((body, check))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flip_is_found() {
        for deadline_ms in [None, Some(-5)] {
            let sealed = seal_profile(b"key", b"a record".to_vec(), deadline_ms, 7);
            let trailer = read_profile(b"key", &sealed).expect("it is whole");
            assert_eq!((trailer.record_bytes, trailer.deadline_ms, trailer.history_sum), (8, deadline_ms, 7));
            assert_eq!(read_profile(b"kez", &sealed), None);
            for bit in 0..sealed.len() * 8 {
                let mut damaged = sealed.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(read_profile(b"key", &damaged), None);
            }
            for length in 0..sealed.len() {
                assert_eq!(read_profile(b"key", &sealed[..length]), None);
            }
        }
    }
}
