//! Whether enough different customers are behind a list.
//!
//! Of each customer the last time is known, and the customers with the latest times are kept, as many as the
//! floor asks for. That is exact, in any order of events: whoever is pushed out was last there before all who
//! are kept, and when they come again they come with a time of their own. Customers are numbers here, hashes of
//! ids by a key of the table's own; two of 20 are the same with a chance of 1 in 10^17.

use crate::base::time::{Duration, Time};

/// How many half-lives back a customer still counts: what they did is left with a thousandth of its weight.
const HALF_LIVES: i64 = 10;

/// The customers who were there last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct People(Vec<(u64, Time)>);

impl People {
    /// Notes that a customer was there, of whom there have to be `floor`.
    pub(crate) fn note(&mut self, who: u64, time: Time, floor: usize) {
        if let Some((_, last)) = self.0.iter_mut().find(|(known, _)| *known == who) {
            *last = time.max(*last);
        } else if self.0.len() < floor {
            self.0.push((who, time));
        } else if let Some(first) = self.0.iter_mut().min_by_key(|(who, last)| (*last, *who))
            && first.1 < time
        {
            *first = (who, time);
        }
    }

    /// Whether `floor` customers were there not longer ago than what they did has weight.
    pub(crate) fn are_enough(&self, floor: usize, now: Time, half_life: Duration) -> bool {
        let reach = half_life.millis().saturating_mul(HALF_LIVES);
        let is_recent = |(_, last): &&(u64, Time)| now.since(*last).millis() < reach;
        self.0.iter().filter(is_recent).count() >= floor
    }

    /// Forgets a customer.
    pub(crate) fn forget(&mut self, who: u64) {
        self.0.retain(|(known, _)| *known != who);
    }

    /// Its bytes in memory, beside itself.
    pub(crate) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<(u64, Time)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_were_there_last_are_kept_in_any_order() {
        let half_life = Duration::from_millis(10);
        // Customers 0 to 29, each at the times of its number and of its number doubled.
        let mut visits: Vec<(u64, i64)> =
            (0..30).flat_map(|who| [(who, who as i64), (who, 2 * who as i64)]).collect();
        for turn in 0..60 {
            visits.rotate_left(turn % 7);
            visits.swap(turn, 59 - turn);
            let mut people = People::default();
            visits.iter().for_each(|(who, time)| people.note(*who, Time::from_raw(*time), 20));
            people.0.sort_unstable();
            let expected: Vec<(u64, Time)> =
                (10..30).map(|who| (who, Time::from_raw(2 * who as i64))).collect();
            assert_eq!(people.0, expected);
            // The first of them was there at 20.
            assert!(people.are_enough(20, Time::from_raw(119), half_life));
            assert!(!people.are_enough(20, Time::from_raw(120), half_life));
            people.forget(12);
            assert!(!people.are_enough(20, Time::from_raw(60), half_life));
        }
    }

    #[test]
    fn the_same_customer_counts_once() {
        let mut people = People::default();
        (0..100).for_each(|time| people.note(7, Time::from_raw(time), 2));
        assert!(!people.are_enough(2, Time::from_raw(100), Duration::from_millis(1_000)));
    }
}
