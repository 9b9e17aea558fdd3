//! A fixed number of bits, such as one per segment or predicate of a catalog.
//!
//! The number is given once and never changes: a new catalog makes new bits. Readers that need every
//! bit set (or every bit that differs from an older copy) work on [`Bits::words`], 64 at a time.
//!
//! Invariants:
//! 1. There are just as many words as `len` bits need.
//! 2. Bits of the last word at and after `len` are zero, so words can be compared and counted whole.

use std::ops::Range;

use smallvec::SmallVec;

/// A fixed-length set of bits, all zero at first.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Bits {
    words: Box<[u64]>,
    len: usize,
}

impl Bits {
    /// `len` bits, all zero.
    pub(crate) fn new(len: usize) -> Bits {
        Bits { words: vec![0; len.div_ceil(64)].into(), len }
    }

    /// How many bits there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The bit at `index`.
    pub(crate) fn get(&self, index: usize) -> bool {
        debug_assert!(index < self.len, "bit {index} of {}", self.len);
        self.words[index / 64] >> (index % 64) & 1 == 1
    }

    /// Makes the bit at `index` equal to `value`.
    pub(crate) fn set(&mut self, index: usize, value: bool) {
        debug_assert!(index < self.len, "bit {index} of {}", self.len);
        let word = &mut self.words[index / 64];
        *word = *word & !(1 << (index % 64)) | u64::from(value) << (index % 64);
    }

    /// Turns the bit at `index` over.
    pub(crate) fn flip(&mut self, index: usize) {
        debug_assert!(index < self.len, "bit {index} of {}", self.len);
        self.words[index / 64] ^= 1 << (index % 64);
    }

    /// Bits `64 * place` to `64 * place + 63`, the first one lowest.
    pub(crate) fn word(&self, place: usize) -> u64 {
        self.words[place]
    }

    /// Turns over the bits of a word that are one in `mask`.
    pub(crate) fn flip_in_word(&mut self, place: usize, mask: u64) {
        self.words[place] ^= mask;
        debug_assert!(
            place + 1 < self.words.len()
                || self.len.is_multiple_of(64)
                || self.words[place] >> (self.len % 64) == 0
        );
    }

    /// How many bits of a range are one.
    pub(crate) fn count_ones_in(&self, range: Range<usize>) -> usize {
        let words = range.start / 64..range.end.div_ceil(64);
        words.map(|place| (self.words[place] & mask(place, &range)).count_ones() as usize).sum()
    }

    /// The places of the bits of a range that are one, ascending.
    pub(crate) fn ones_in(&self, range: Range<usize>) -> SmallVec<[usize; 8]> {
        let words = range.start / 64..range.end.div_ceil(64);
        let ones =
            |place: usize| Ones(self.words[place] & mask(place, &range)).map(move |bit| place * 64 + bit);
        words.flat_map(ones).collect()
    }

    /// Takes the bits from words.
    pub(crate) fn fill(&mut self, words: impl Iterator<Item = u64>) {
        self.words.iter_mut().zip(words).for_each(|(word, from)| *word = from);
    }

    /// The bits, 64 to a word, the first one lowest.
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    /// The places of all bits that are one, ascending.
    #[cfg(test)]
    pub(crate) fn iter_ones(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(place, &word)| Ones(word).map(move |bit| place * 64 + bit))
    }

    /// How many bits are one.
    #[cfg(test)]
    pub(crate) fn count_ones(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }
}

/// The bits of word `place` that lie in a range that ends behind the word's beginning.
pub(crate) fn mask(place: usize, range: &Range<usize>) -> u64 {
    let from = range.start.saturating_sub(place * 64);
    let to = (range.end - place * 64).min(64);
    (u64::MAX << from) & (u64::MAX >> (64 - to))
}

/// The places of the ones of a word, ascending.
struct Ones(u64);

impl Iterator for Ones {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let lowest = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(lowest)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::base::frozen_hash::hash64;

    #[test]
    fn bits_are_a_set_of_numbers() {
        for len in [1, 63, 64, 65, 200] {
            let mut bits = Bits::new(len);
            let mut model = BTreeSet::new();
            for step in 0..1_000_u64 {
                let random = hash64(&(step + len as u64 * 1_000).to_le_bytes()) as usize;
                let index = random / 4 % len;
                match random % 4 {
                    0 => bits.set(index, true),
                    1 => bits.set(index, false),
                    _ => bits.flip(index),
                }
                if random.is_multiple_of(4) || (random % 4 > 1 && !model.contains(&index)) {
                    model.insert(index);
                } else {
                    model.remove(&index);
                }
                assert_eq!(bits.get(index), model.contains(&index), "step {step} of {len}");
            }
            assert!(bits.iter_ones().eq(model.iter().copied()));
            for (start, end) in [(0, len), (len / 3, len - len / 5), (len / 2, len / 2 + 1)] {
                let ones: Vec<usize> = model.range(start..end).copied().collect();
                assert_eq!(bits.ones_in(start..end).as_slice(), ones);
                assert_eq!(bits.count_ones_in(start..end), ones.len());
            }
            assert_eq!(bits.count_ones(), model.len());
            assert_eq!(bits.words().len(), len.div_ceil(64));
            assert_eq!(bits.len(), len);
        }
    }

    #[test]
    fn equal_sets_are_equal() {
        let mut bits = Bits::new(70);
        let none = bits.clone();
        bits.set(69, true);
        assert_ne!(bits, none);
        bits.flip(69);
        assert_eq!(bits, none);
        assert_ne!(Bits::new(70), Bits::new(71));
        assert_eq!(Bits::new(0).iter_ones().count(), 0);
    }

    #[cfg(debug_assertions)]
    #[test]
    #[should_panic(expected = "bit 70 of 70")]
    fn a_bit_outside_is_refused() {
        Bits::new(70).get(70);
    }
}
