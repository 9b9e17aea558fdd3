//! The keys of the one tree, and which bucket each belongs to.
//!
//! | key | value |
//! |---|---|
//! | `p`, bucket (u16), profile key | the profile's record, sealed with its deadline |
//! | `h`, bucket (u16), length of the profile key (u32), profile key, first place (u32) | a chunk of its history, sealed |
//! | `d`, deadline (i64 with its sign turned), profile key | nothing |
//! | `M` | which checkpoint this is |
//!
//! All numbers are big-endian, so that keys sort as what they mean. A profile's bucket is the low twelve
//! bits of the hash of its key. A bucket of deadlines is 2^27 ms, a day and a half; those before 1970 and
//! after 2248 share the first and the last, so that there are never more than 65,536.

use std::ops::Range;

use crate::base::frozen_hash::seeded_hash64;

/// How many buckets profiles have.
pub(crate) const BUCKETS: usize = 4096;
/// The key of the record that says which checkpoint this is.
pub(crate) const META: &[u8] = b"M";

const PROFILE: u8 = b'p';
const HISTORY: u8 = b'h';
const DEADLINE: u8 = b'd';
/// The tag and the bucket.
const PREFIX: usize = 3;
const LAST_DEADLINE_BUCKET: u16 = u16::MAX;
const DEADLINE_SHIFT: u32 = 27;

/// What a key of the tree means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key<'a> {
    Profile { bucket: u16, key: &'a [u8] },
    History { key: &'a [u8], first_place: u32 },
    Deadline { deadline_ms: i64, key: &'a [u8] },
    Meta,
}

impl Key<'_> {
    /// What this key means; none if it is none of ours.
    pub(crate) fn read(key: &[u8]) -> Option<Key<'_>> {
        let (&tag, rest) = key.split_first()?;
        match tag {
            PROFILE => {
                let (bucket, key) = rest.split_first_chunk()?;
                let bucket = u16::from_be_bytes(*bucket);
                (bucket == profile_bucket(key)).then_some(Key::Profile { bucket, key })
            }
            HISTORY => {
                let (bucket, rest) = rest.split_first_chunk()?;
                let (length, rest) = rest.split_first_chunk()?;
                let (key, place) = rest.split_last_chunk()?;
                let fits = u32::from_be_bytes(*length) as usize == key.len()
                    && u16::from_be_bytes(*bucket) == profile_bucket(key);
                fits.then_some(Key::History { key, first_place: u32::from_be_bytes(*place) })
            }
            DEADLINE => {
                let (deadline, key) = rest.split_first_chunk()?;
                Some(Key::Deadline { deadline_ms: unsigned_to_ms(u64::from_be_bytes(*deadline)), key })
            }
            _ => (key == META).then_some(Key::Meta),
        }
    }
}

/// The bucket of a profile.
pub(crate) fn profile_bucket(key: &[u8]) -> u16 {
    (seeded_hash64(key, 0) % BUCKETS as u64) as u16
}

/// The bucket of a deadline.
pub(crate) fn deadline_bucket(deadline_ms: i64) -> u16 {
    (deadline_ms >> DEADLINE_SHIFT).clamp(0, i64::from(LAST_DEADLINE_BUCKET)) as u16
}

/// The key of a profile's record.
pub(crate) fn profile(key: &[u8]) -> Vec<u8> {
    let mut bytes = bucket_of(PROFILE, profile_bucket(key));
    bytes.extend_from_slice(key);
    bytes
}

/// The key of a chunk of a profile's history.
pub(crate) fn history(key: &[u8], first_place: u32) -> Vec<u8> {
    let mut bytes = history_prefix(key);
    bytes.extend_from_slice(&first_place.to_be_bytes());
    bytes
}

/// The key of a deadline.
pub(crate) fn deadline(deadline_ms: i64, key: &[u8]) -> Vec<u8> {
    let mut bytes = deadline_start(deadline_ms);
    bytes.extend_from_slice(key);
    bytes
}

/// All profiles of a bucket.
pub(crate) fn profiles_of(bucket: u16) -> Range<Vec<u8>> {
    bucket_of(PROFILE, bucket)..bucket_of(PROFILE, bucket + 1)
}

/// All chunks of a profile's history.
pub(crate) fn history_of(key: &[u8]) -> Range<Vec<u8>> {
    let mut end = history(key, u32::MAX);
    end.push(0);
    history_prefix(key)..end
}

/// All deadlines up to `until_ms`, and at it.
pub(crate) fn deadlines_until(until_ms: i64) -> Range<Vec<u8>> {
    let end = until_ms.checked_add(1).map_or_else(|| vec![DEADLINE + 1], deadline_start);
    vec![DEADLINE]..end
}

/// All deadlines of the buckets from `first` to `last`.
pub(crate) fn deadlines_of(first: u16, last: u16) -> Range<Vec<u8>> {
    let start_of = |bucket: u16| deadline_start(i64::from(bucket) << DEADLINE_SHIFT);
    let start = if first == 0 { vec![DEADLINE] } else { start_of(first) };
    start..last.checked_add(1).map_or_else(|| vec![DEADLINE + 1], start_of)
}

/// Everything.
pub(crate) fn everything() -> Range<Vec<u8>> {
    Vec::new()..vec![u8::MAX]
}

fn bucket_of(tag: u8, bucket: u16) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(PREFIX);
    bytes.push(tag);
    bytes.extend_from_slice(&bucket.to_be_bytes());
    bytes
}

fn history_prefix(key: &[u8]) -> Vec<u8> {
    let mut bytes = bucket_of(HISTORY, profile_bucket(key));
    let length = u32::try_from(key.len()).expect("a profile's key is shorter than 4 GiB");
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(key);
    bytes
}

fn deadline_start(deadline_ms: i64) -> Vec<u8> {
    let mut bytes = vec![DEADLINE];
    bytes.extend_from_slice(&ms_to_unsigned(deadline_ms).to_be_bytes());
    bytes
}

fn ms_to_unsigned(ms: i64) -> u64 {
    ms.cast_unsigned() ^ (1 << 63)
}

fn unsigned_to_ms(ms: u64) -> i64 {
    (ms ^ (1 << 63)).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_and_lie_in_their_ranges() {
        for deadline_ms in [i64::MIN, -1, 0, 1, 1 << 27, (1 << 27) - 1, 1 << 44, i64::MAX] {
            let key = deadline(deadline_ms, b"ana");
            assert_eq!(Key::read(&key), Some(Key::Deadline { deadline_ms, key: b"ana" }));
            let bucket = deadline_bucket(deadline_ms);
            assert!(deadlines_of(bucket, bucket).contains(&key), "{deadline_ms}");
            assert!(deadlines_until(deadline_ms).contains(&key), "{deadline_ms}");
            assert!(deadline_ms == i64::MIN || !deadlines_until(deadline_ms - 1).contains(&key));
        }
        for key in [&b""[..], b"a", b"ana", &[0xff; 40]] {
            let bucket = profile_bucket(key);
            assert_eq!(Key::read(&profile(key)), Some(Key::Profile { bucket, key }));
            assert!(profiles_of(bucket).contains(&profile(key)));
            for first_place in [0, 1, u32::MAX] {
                assert_eq!(Key::read(&history(key, first_place)), Some(Key::History { key, first_place }));
                assert!(history_of(key).contains(&history(key, first_place)));
            }
        }
        assert_eq!(Key::read(META), Some(Key::Meta));
        assert_eq!([&b""[..], b"x", b"MM", b"p", b"d123"].map(Key::read), [None; 5]);
    }
}
