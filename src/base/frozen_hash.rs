//! Hashes that are written down or must be the same on every device, for ever: XXH3.
//!
//! In-memory tables use `ahash`, which may change with every release; nothing that is stored,
//! compared between machines or used to place a customer in a variant may depend on that one.

use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_64;
use xxhash_rust::xxh3::xxh3_64_with_seed;
use xxhash_rust::xxh3::xxh3_128;

/// The 64-bit hash of some bytes.
pub(crate) fn hash64(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// The 64-bit hash of some bytes by a seed: the checks of files.
pub(crate) fn seeded_hash64(bytes: &[u8], seed: u64) -> u64 {
    xxh3_64_with_seed(bytes, seed)
}

/// A 128-bit hash of a sequence of fields; each is preceded by its length, so that fields do not
/// run into each other.
#[derive(Default)]
pub(crate) struct Fingerprint(SmallVec<[u8; 256]>);

impl Fingerprint {
    /// Adds one field.
    pub(crate) fn field(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.0.extend_from_slice(bytes);
    }

    /// The hash of all fields added.
    pub(crate) fn finish(&self) -> u128 {
        xxh3_128(&self.0)
    }
}
