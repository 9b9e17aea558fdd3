//! The sums of the hashes of all records, bucket by bucket: what the witness says of the store.
//!
//! A sum that wraps around can be kept up to date by adding and subtracting, in any order, and the sum of
//! an empty bucket is zero. It finds every lost, stale, doubled or invented record but for chance (one in
//! 2^64); it is no defence against somebody who computes records to fit.

use std::collections::BTreeMap;
use std::ops::Range;

use super::keys::{self, BUCKETS, Key};
use super::sealed::{self, hash_of};

/// Most buckets of deadlines.
pub(crate) const MAX_DEADLINE_BUCKETS: usize = 1 << 16;

/// The sums of every bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sums {
    profiles: Box<[u64]>,
    /// Buckets whose sum is not zero.
    deadlines: BTreeMap<u16, u64>,
}

/// What an entry of the tree adds to which sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    Profile {
        bucket: u16,
        hash: u64,
    },
    Deadline {
        bucket: u16,
        hash: u64,
    },
    /// A history's sum is in its profile's record.
    None,
}

impl Share {
    /// What an entry adds; none if it is damaged or not ours.
    pub(crate) fn of(key: &[u8], value: &[u8]) -> Option<Share> {
        match Key::read(key)? {
            Key::Profile { bucket, .. } => {
                sealed::read_profile(key, value).map(|trailer| Share::Profile { bucket, hash: trailer.check })
            }
            Key::History { .. } => sealed::read_chunk(key, value).map(|_| Share::None),
            Key::Deadline { deadline_ms, .. } => {
                let bucket = keys::deadline_bucket(deadline_ms);
                value.is_empty().then(|| Share::Deadline { bucket, hash: hash_of(key, value) })
            }
            Key::Meta => Some(Share::None),
        }
    }

    /// What is added.
    pub(crate) fn hash(self) -> u64 {
        match self {
            Share::Profile { hash, .. } | Share::Deadline { hash, .. } => hash,
            Share::None => 0,
        }
    }
}

impl Default for Sums {
    fn default() -> Sums {
        Sums { profiles: vec![0; BUCKETS].into_boxed_slice(), deadlines: BTreeMap::new() }
    }
}

impl Sums {
    /// Adds an entry's share.
    pub(crate) fn add(&mut self, share: Share) {
        self.change(share, u64::wrapping_add);
    }

    /// Takes an entry's share away.
    pub(crate) fn subtract(&mut self, share: Share) {
        self.change(share, u64::wrapping_sub);
    }

    fn change(&mut self, share: Share, change: fn(u64, u64) -> u64) {
        let sum = match share {
            Share::Profile { bucket, .. } => &mut self.profiles[usize::from(bucket)],
            Share::Deadline { bucket, .. } => self.deadlines.entry(bucket).or_default(),
            Share::None => return,
        };
        *sum = change(*sum, share.hash());
        if let Share::Deadline { bucket, .. } = share
            && self.deadlines.get(&bucket) == Some(&0)
        {
            self.deadlines.remove(&bucket);
        }
    }

    /// The sum of a bucket of profiles.
    pub(crate) fn profiles_of(&self, bucket: u16) -> u64 {
        self.profiles[usize::from(bucket)]
    }

    /// The sums of the buckets of deadlines in a range, without those that are zero.
    pub(crate) fn deadlines_of(&self, buckets: Range<u32>) -> impl Iterator<Item = (u16, u64)> {
        let known = self.deadlines.iter().map(|(bucket, sum)| (*bucket, *sum));
        known.filter(move |(bucket, _)| buckets.contains(&u32::from(*bucket)))
    }

    /// All sums as bytes, little-endian.
    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        for sum in &self.profiles {
            bytes.extend_from_slice(&sum.to_le_bytes());
        }
        for (bucket, sum) in &self.deadlines {
            bytes.extend_from_slice(&bucket.to_le_bytes());
            bytes.extend_from_slice(&sum.to_le_bytes());
        }
    }

    /// The sums in these bytes, all of them; none if they are no sums.
    pub(crate) fn read(bytes: &[u8]) -> Option<Sums> {
        let (profiles, deadlines) = bytes.split_at_checked(BUCKETS * size_of::<u64>())?;
        let (words, _) = profiles.as_chunks();
        let profiles = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let (pairs, rest) = deadlines.as_chunks::<10>();
        let pair = |pair: &[u8; 10]| {
            let (bucket, sum) = pair.split_first_chunk()?;
            Some((u16::from_le_bytes(*bucket), u64::from_le_bytes(sum.try_into().ok()?)))
        };
        let deadlines = pairs.iter().map(pair).collect::<Option<_>>()?;
        rest.is_empty().then_some(Sums { profiles, deadlines })
    }
}
