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

/// MurmurHash3 of 32 bits (Austin Appleby, `MurmurHash3_x86_32`): by it others place customers in variants.
pub(crate) fn murmur3_32(bytes: &[u8], seed: u32) -> u32 {
    let mixed = |block: u32| block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let (blocks, rest) = bytes.as_chunks::<4>();
    let mut hash = seed;
    for block in blocks {
        hash ^= mixed(u32::from_le_bytes(*block));
        hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    hash ^= mixed(u32::from_le_bytes(last));
    hash ^= bytes.len() as u32;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// From the reference implementation, as others repeat them.
    #[test]
    fn murmur3_is_the_reference() {
        for (text, seed, hash) in [
            ("", 0, 0),
            ("", 1, 0x514e_28b7),
            ("", u32::MAX, 0x81f1_6f39),
            ("\0\0\0\0", 0, 0x2362_f9de),
            ("a", 0x9747_b28c, 0x7fa0_9ea6),
            ("aaaa", 0x9747_b28c, 0x5a97_808a),
            ("Hello, world!", 0x9747_b28c, 0x2488_4cba),
            ("The quick brown fox jumps over the lazy dog", 0x9747_b28c, 0x2fa8_26cd),
        ] {
            assert_eq!(murmur3_32(text.as_bytes(), seed), hash, "{text}");
        }
    }
}
