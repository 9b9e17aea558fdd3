//! The slot of least weight among slots whose weights only grow.
//!
//! A heap keeps each slot with a weight that it had once. What is on top is looked at again when somebody asks:
//! has it grown meanwhile, it goes back with its weight of now. So a change costs nothing, and asking costs at
//! most as many steps as there were changes since.
//!
//! Invariants:
//! 1. Each slot is in the heap once.
//! 2. The weight it is there with is at most its own.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::crowd::weight::Weight;

/// Slots by their weights.
#[derive(Clone, Debug, Default)]
pub(crate) struct Least(BinaryHeap<Reverse<(Weight, u32)>>);

impl Least {
    /// The slot of least weight; of equals the first. `weight` tells what each weighs, `slots` of them.
    pub(crate) fn find(&mut self, slots: u32, weight: impl Fn(u32) -> Weight) -> Option<u32> {
        if self.0.len() != slots as usize {
            self.0 = (0..slots).map(|slot| Reverse((weight(slot), slot))).collect();
        }
        loop {
            let mut top = self.0.peek_mut()?;
            let Reverse((known, slot)) = *top;
            let is = weight(slot);
            debug_assert!(known <= is, "weights only grow");
            if known == is {
                return Some(slot);
            }
            *top = Reverse((is, slot));
        }
    }

    /// Its bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<Reverse<(Weight, u32)>>()
    }
}
