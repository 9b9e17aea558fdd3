//! Which buckets were read whole, with the right sum, since the store was opened.
//!
//! Marks are set by readers that share the lock; setting one twice does no harm. A checkpoint keeps them:
//! it changes records and sums together.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::keys::BUCKETS;

const WORDS: usize = BUCKETS / u64::BITS as usize;

/// One mark for each bucket of profiles.
#[derive(Debug)]
pub(crate) struct Marks([AtomicU64; WORDS]);

/// All marks.
#[derive(Debug, Default)]
pub(crate) struct Verified {
    pub(crate) profiles: Marks,
    /// All buckets of deadlines below this one.
    deadlines_below: AtomicU32,
}

impl Default for Marks {
    fn default() -> Marks {
        Marks([const { AtomicU64::new(0) }; WORDS])
    }
}

impl Marks {
    /// Whether the bucket was verified.
    pub(crate) fn has(&self, bucket: u16) -> bool {
        let (word, bit) = Marks::place(bucket);
        self.0[word].load(Ordering::Acquire) & bit != 0
    }

    /// The bucket was verified.
    pub(crate) fn set(&self, bucket: u16) {
        let (word, bit) = Marks::place(bucket);
        self.0[word].fetch_or(bit, Ordering::AcqRel);
    }

    fn place(bucket: u16) -> (usize, u64) {
        (usize::from(bucket) / u64::BITS as usize, 1 << (u32::from(bucket) % u64::BITS))
    }
}

impl Verified {
    /// The first bucket of deadlines that was not verified.
    pub(crate) fn deadlines_below(&self) -> u32 {
        self.deadlines_below.load(Ordering::Acquire)
    }

    /// All buckets of deadlines below this one were verified.
    pub(crate) fn set_deadlines_below(&self, bucket: u32) {
        self.deadlines_below.fetch_max(bucket, Ordering::AcqRel);
    }
}
