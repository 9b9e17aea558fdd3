//! What customers are shown, each once: rows of answers name it by a number, and it is read without a lock.
//!
//! Most offers say the same to everybody; one that names the customer is another for each. So there is a
//! bound, beyond which decisions are asked for under the lock.

use ahash::AHashMap;
use parking_lot::Mutex;

use crate::engine::decision::{Choice, Decision};

/// Most that are kept.
const MOST: usize = 1 << 16;

/// What is shown, by number.
#[derive(Debug, Default)]
pub(crate) struct Choices {
    by_number: boxcar::Vec<Choice>,
    numbers: Mutex<AHashMap<Choice, u32>>,
}

impl Choices {
    /// The number of what a decision shows; nothing if there is too much already.
    pub(crate) fn number(&self, decision: &Decision) -> Option<u32> {
        let choice = decision.choice();
        let mut numbers = self.numbers.lock();
        if let Some(number) = numbers.get(&choice) {
            return Some(*number);
        }
        if numbers.len() == MOST {
            return None;
        }
        let number = self.by_number.push(choice.clone()) as u32;
        numbers.insert(choice, number);
        Some(number)
    }

    /// Whether there is no room for more.
    pub(crate) fn is_full(&self) -> bool {
        self.by_number.count() >= MOST
    }

    /// What a number stands for.
    pub(crate) fn get(&self, number: u32) -> Option<&Choice> {
        self.by_number.get(number as usize)
    }
}
