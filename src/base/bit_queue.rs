//! A queue of small numbers that gives the least one first.
//!
//! Three levels of bitmaps, each bit saying that the word below it is not empty: inserting, toggling
//! and popping cost a handful of instructions whatever the queue holds, against the logarithm of a
//! binary heap. Numbers that follow one another are popped from the same word without looking at the
//! levels above. Popping may be mixed with inserting. One queue of 262,144 numbers takes 33 KB and is
//! reused for every message.
//!
//! Invariants:
//! 1. A bit of an upper level is set if the word below it is not empty; it may also be set over an empty
//!    word, which popping skips.
//! 2. No word before `least` holds a number.

/// The queue.
#[derive(Clone, Debug, Default)]
pub(crate) struct BitQueue {
    levels: [Vec<u64>; 3],
    top: Vec<u64>,
    least: usize,
}

impl BitQueue {
    /// Makes room for the numbers below `len`.
    pub(crate) fn reserve(&mut self, len: usize) {
        let mut words = len.div_ceil(64);
        for level in &mut self.levels {
            if level.len() < words {
                level.resize(words, 0);
            }
            words = words.div_ceil(64);
        }
        if self.top.len() < words {
            self.top.resize(words, 0);
        }
    }

    /// Puts `number` in.
    pub(crate) fn insert(&mut self, number: usize) {
        self.mark(number);
        self.levels[0][number / 64] |= 1 << (number % 64);
    }

    /// Puts `number` in, or takes it out if it is in.
    pub(crate) fn toggle(&mut self, number: usize) {
        self.mark(number);
        self.levels[0][number / 64] ^= 1 << (number % 64);
    }

    /// Says in the levels above that the word of `number` is not empty.
    fn mark(&mut self, number: usize) {
        let [first, second, third] = &mut self.levels;
        if first[number / 64] != 0 {
            return;
        }
        self.least = self.least.min(number / 64);
        second[number / 4_096] |= 1 << (number / 64 % 64);
        third[number / 262_144] |= 1 << (number / 4_096 % 64);
        self.top[number / 16_777_216] |= 1 << (number / 262_144 % 64);
    }

    /// Takes out the least number.
    pub(crate) fn pop(&mut self) -> Option<usize> {
        if self.levels[0].get(self.least).is_none_or(|word| *word == 0) {
            self.least = self.first_word();
        }
        let word = self.levels[0].get_mut(self.least)?;
        let number = self.least * 64 + word.trailing_zeros() as usize;
        *word &= *word - 1;
        Some(number)
    }

    /// The first word that holds a number; behind all words if there is none.
    fn first_word(&mut self) -> usize {
        let [first, second, third] = &mut self.levels;
        for (index, top) in self.top.iter_mut().enumerate() {
            while *top != 0 {
                let in_third = index * 64 + top.trailing_zeros() as usize;
                while third[in_third] != 0 {
                    let in_second = in_third * 64 + third[in_third].trailing_zeros() as usize;
                    while second[in_second] != 0 {
                        let word = in_second * 64 + second[in_second].trailing_zeros() as usize;
                        if first[word] != 0 {
                            return word;
                        }
                        second[in_second] &= second[in_second] - 1;
                    }
                    third[in_third] &= third[in_third] - 1;
                }
                *top &= *top - 1;
            }
        }
        usize::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_out_in_order_whatever_the_way_in() {
        let mut queue = BitQueue::default();
        queue.reserve(600_000);
        for number in [70_000, 3, 599_999, 64, 3, 4_096, 262_144] {
            queue.insert(number);
        }
        queue.toggle(64);
        queue.toggle(65);
        assert_eq!(queue.pop(), Some(3));
        queue.insert(5);
        let rest: Vec<usize> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(rest, [5, 65, 4_096, 70_000, 262_144, 599_999]);
        assert_eq!(queue.pop(), None);
        queue.insert(1);
        assert_eq!(queue.pop(), Some(1));
    }
}
