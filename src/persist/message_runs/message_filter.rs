//! Which ids a run may hold: a Bloom filter in blocks of one cache line each.
//!
//! All bits of an id are in one block of 512 (Putze, Sanders, Singler: "Cache-, hash- and space-efficient
//! Bloom filters", 2007), so asking touches memory once. With 10 bits for each id and 7 probes about
//! 1.2 % of the ids that a run does not hold may be in it as far as the filter tells. Ids are hashes
//! already: the filter takes its places from their bits.

const WORDS: usize = 8;
const BLOCK_BITS: u64 = (WORDS * 64) as u64;
const BITS_PER_ID: u64 = 10;
const PROBES: u32 = 7;
/// Bits of an id that one probe takes: 2^9 places.
const PROBE_BITS: u32 = BLOCK_BITS.ilog2();

/// A filter.
#[derive(Debug)]
pub(super) struct MessageFilter {
    blocks: Box<[[u64; WORDS]]>,
}

impl MessageFilter {
    /// An empty filter for so many ids.
    pub(super) fn for_ids(ids: u64) -> MessageFilter {
        let blocks = (ids * BITS_PER_ID).div_ceil(BLOCK_BITS).max(1);
        MessageFilter { blocks: vec![[0; WORDS]; blocks as usize].into_boxed_slice() }
    }

    /// Adds an id.
    pub(super) fn add(&mut self, id: u128) {
        let block = self.block_of(id);
        for (word, bit) in places(id) {
            self.blocks[block][word] |= bit;
        }
    }

    /// Whether the id may have been added; false if it was not.
    pub(super) fn may_hold(&self, id: u128) -> bool {
        let block = &self.blocks[self.block_of(id)];
        places(id).all(|(word, bit)| block[word] & bit != 0)
    }

    /// The bytes.
    pub(super) fn write(&self) -> Vec<u8> {
        self.blocks.iter().flatten().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// The filter in these bytes, if they are one.
    pub(super) fn read(bytes: &[u8]) -> Option<MessageFilter> {
        let (words, rest) = bytes.as_chunks();
        let words: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let (blocks, more) = words.as_chunks();
        let is_whole = rest.is_empty() && more.is_empty() && !blocks.is_empty();
        is_whole.then(|| MessageFilter { blocks: blocks.into() })
    }

    /// The low half of the id chooses the block, by its share of all numbers.
    fn block_of(&self, id: u128) -> usize {
        ((u128::from(id as u64) * self.blocks.len() as u128) >> 64) as usize
    }
}

/// The places of an id in its block, from its high half.
fn places(id: u128) -> impl Iterator<Item = (usize, u64)> {
    let high = (id >> 64) as u64;
    (0..PROBES).map(move |probe| {
        let place = (high >> (probe * PROBE_BITS)) % BLOCK_BITS;
        ((place / 64) as usize, 1 << (place % 64))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::frozen_hash::Fingerprint;

    fn id(number: u64) -> u128 {
        let mut fingerprint = Fingerprint::default();
        fingerprint.field(&number.to_le_bytes());
        fingerprint.finish()
    }

    #[test]
    fn what_was_added_is_held_and_little_else() {
        let mut filter = MessageFilter::for_ids(20_000);
        (0..20_000).for_each(|number| filter.add(id(number)));
        let filter = MessageFilter::read(&filter.write()).unwrap();
        assert!((0..20_000).all(|number| filter.may_hold(id(number))));
        let wrongly = (20_000..120_000).filter(|number| filter.may_hold(id(*number))).count();
        assert!((500..2_000).contains(&wrongly), "{wrongly} of 100,000");
        assert!(MessageFilter::read(&[]).is_none() && MessageFilter::read(&[0; 63]).is_none());
    }
}
