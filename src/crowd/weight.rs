//! A sum of weights that are halved in every half-life, as one number that time does not change.
//!
//! Forward decay (Cormode, Shkapenyuk, Srivastava and Xu, ICDE 2009): an event at `t` weighs `2^(t / half-life)`,
//! measured from a landmark, for ever. What is kept is the logarithm to base 2 of the sum, so nothing overflows
//! and no tick is needed. Two sums of one half-life are in the same order at all times, and an event that comes
//! late is one like others.
//!
//! The landmark is near the times that are counted, because what a float loses grows with its distance: with a
//! half-life of an hour and ten years from the landmark, one addition is wrong by 1e-11 of the sum at most.

use std::cmp::Ordering;

use crate::base::time::{Duration, Time};

/// 2026-01-01T00:00:00Z. It is in files: it never changes.
const LANDMARK_MS: i64 = 1_767_225_600_000;

/// The logarithm of a decaying sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Weight(f64);

impl Weight {
    /// The sum of nothing.
    pub(crate) const NONE: Weight = Weight(f64::NEG_INFINITY);

    /// The weight of one event.
    pub(crate) fn of(time: Time, half_life: Duration) -> Weight {
        Weight(halvings(time, half_life))
    }

    /// Its logarithm.
    pub(crate) fn log2(self) -> f64 {
        self.0
    }

    /// The sum of both.
    pub(crate) fn plus(self, other: Weight) -> Weight {
        let (less, more) = if self.0 < other.0 { (self.0, other.0) } else { (other.0, self.0) };
        if less == f64::NEG_INFINITY {
            return Weight(more);
        }
        Weight(more + libm::log1p(libm::exp2(less - more)) * std::f64::consts::LOG2_E)
    }

    /// So many times as much.
    pub(crate) fn times(self, times: usize) -> Weight {
        Weight(self.0 + libm::log2(times as f64))
    }

    /// What is left of it at `now`: how many events of this instant weigh as much.
    pub(crate) fn at(self, now: Time, half_life: Duration) -> f64 {
        libm::exp2(self.0 - halvings(now, half_life))
    }

    /// The greater of both.
    pub(crate) fn max(self, other: Weight) -> Weight {
        if self.0 < other.0 { other } else { self }
    }
}

impl Eq for Weight {}

impl PartialOrd for Weight {
    fn partial_cmp(&self, other: &Weight) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Weight {
    fn cmp(&self, other: &Weight) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

fn halvings(time: Time, half_life: Duration) -> f64 {
    (time.millis() - LANDMARK_MS) as f64 / half_life.millis() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(days: i64) -> Time {
        Time::from_raw(LANDMARK_MS + days * 86_400_000)
    }

    #[test]
    fn weights_are_halved_in_each_half_life_in_any_order() {
        let half_life = Duration::parse("1d").unwrap();
        let weight = |days| Weight::of(day(days), half_life);
        let sum = weight(0).plus(weight(1)).plus(weight(2));
        assert!((sum.at(day(2), half_life) - 1.75).abs() < 1e-12, "{sum:?}");
        assert!((weight(2).plus(weight(0)).plus(weight(1)).log2() - sum.log2()).abs() < 1e-12);
        assert_eq!(Weight::NONE.plus(weight(0)), weight(0));
        assert_eq!(Weight::NONE.plus(Weight::NONE).at(day(5), half_life), 0.0);
        assert!(weight(1) > weight(0) && weight(0) > Weight::NONE);
    }

    #[test]
    fn what_is_lost_to_rounding_stays_below_what_the_header_says() {
        let half_life = Duration::parse("1h").unwrap();
        let start = day(3_650);
        let sum = (0..100_000).fold(Weight::NONE, |sum, _| sum.plus(Weight::of(start, half_life)));
        let error = (sum.at(start, half_life) / 100_000.0 - 1.0).abs();
        assert!(error < 1e-7, "{error}");
    }
}
