//! A sum of weights that are halved in every half-life since their events.
//!
//! Forward decay (Cormode, Shkapenyuk, Srivastava and Xu, ICDE 2009): weights are measured from a
//! landmark, so the passing of time changes no stored number. The landmark is a whole number of
//! half-lives, so moving it multiplies by a power of two, which is exact; the sum itself is exact too
//! ([`ExactSum`]), so the result does not depend on the order in which events arrive.
//!
//! Invariants:
//! 1. The score at `now` is `sum * 2^(landmark - now / half_life)`, rounded by [`rounded_score`], with `landmark` the whole half-lives
//!    since the epoch at the latest event.
//! 2. A score that is not zero never becomes zero, however long ago its events were.
//!
//! Contributions more than about 1,000 half-lives older than the newest lose bits to underflow.

use std::cmp::Ordering;

use smallvec::SmallVec;

use crate::base::exact_sum::ExactSum;
use crate::base::limits::MAX_FLOAT;
use crate::base::time::{Duration, Time};
use crate::rules::motion::{LEAST_DIGIT, rounded_score};

/// A decaying sum.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DecayedSum {
    half_life: Duration,
    /// Whole half-lives from the epoch to the latest event.
    landmark: i64,
    /// The sum as it would be at the landmark.
    sum: ExactSum,
}

/// How large a decaying sum is, whenever it is asked: exactly but for what lies below [`LEAST_DIGIT`], and beyond the
/// range of floats.
#[derive(Clone, Debug)]
pub(crate) struct Magnitude {
    /// Floats whose sum it is, each a power of two and a fraction: [`ExactSum::nearest_floats`].
    digits: SmallVec<[(i64, f64); 1]>,
}

impl Magnitude {
    /// Which is greater.
    pub(crate) fn compare(&self, other: &Magnitude) -> Ordering {
        for place in 0..self.digits.len().max(other.digits.len()) {
            let digit =
                |magnitude: &Magnitude| magnitude.digits.get(place).copied().unwrap_or((i64::MIN, 0.0));
            let ((power, fraction), (other_power, other_fraction)) = (digit(self), digit(other));
            let order = match (fraction > 0.0, other_fraction > 0.0) {
                (true, true) => power.cmp(&other_power).then(fraction.total_cmp(&other_fraction)),
                (false, false) => other_power.cmp(&power).then(fraction.total_cmp(&other_fraction)),
                (is_positive, is_other) => is_positive.cmp(&is_other),
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }
}

impl DecayedSum {
    /// The sum of nothing.
    pub(crate) fn new(half_life: Duration) -> DecayedSum {
        DecayedSum { half_life, landmark: i64::MIN, sum: ExactSum::default() }
    }

    /// The half-life, the landmark and the sum.
    pub(crate) fn parts(&self) -> (Duration, i64, &ExactSum) {
        (self.half_life, self.landmark, &self.sum)
    }

    /// The sum of these parts.
    pub(crate) fn from_parts(half_life: Duration, landmark: i64, sum: ExactSum) -> DecayedSum {
        DecayedSum { half_life, landmark, sum }
    }

    /// The time in which it is halved.
    pub(crate) fn half_life(&self) -> Duration {
        self.half_life
    }

    /// Adds the weight of an event.
    pub(crate) fn add(&mut self, weight: f64, time: Time) {
        let (halvings, rest) = self.split(time);
        if self.landmark == i64::MIN {
            self.landmark = halvings;
        } else if halvings > self.landmark {
            self.sum.scale(power(self.landmark - halvings));
            self.landmark = halvings;
        }
        // The product is exact, so weights add up at one instant as they do on paper.
        let scale = power(halvings - self.landmark);
        self.sum.add_product(libm::scalbn(weight, scale), libm::exp2(rest));
    }

    /// Adds what another sum of the same half-life has added.
    pub(crate) fn absorb(&mut self, other: &DecayedSum) {
        self.absorb_times(other, 1.0);
    }

    /// Adds so many times what another sum of the same half-life has added.
    pub(crate) fn absorb_times(&mut self, other: &DecayedSum, times: f64) {
        let mut more = other.sum.clone();
        if self.landmark < other.landmark {
            self.sum.scale(power(self.landmark.saturating_sub(other.landmark)));
            self.landmark = other.landmark;
        } else {
            more.scale(power(other.landmark.saturating_sub(self.landmark)));
        }
        self.sum.add_times(&more, times);
    }

    /// How large it is if it is more than zero, so that sums of the same half-life can be compared: which of two
    /// is greater does not change with time. Sums that are equal on paper are equal.
    pub(crate) fn magnitude(&self) -> Option<Magnitude> {
        let digits = self.sum.nearest_floats().take_while(|float| float.abs() >= LEAST_DIGIT).map(|float| {
            let (fraction, exponent) = libm::frexp(float);
            (self.landmark.saturating_add(i64::from(exponent)), fraction)
        });
        let magnitude = Magnitude { digits: digits.collect() };
        magnitude.digits.first().is_some_and(|(_, fraction)| *fraction > 0.0).then_some(magnitude)
    }

    /// The score at `now`.
    pub(crate) fn value(&self, now: Time) -> f64 {
        let sum = self.sum.value();
        if sum == 0.0 {
            return 0.0;
        }
        let (halvings, rest) = self.split(now);
        let scaled = libm::scalbn(sum * libm::exp2(-rest), power(self.landmark.saturating_sub(halvings)));
        if scaled.abs() < f64::MIN_POSITIVE {
            return f64::MIN_POSITIVE.copysign(sum);
        }
        rounded_score(scaled).clamp(-MAX_FLOAT, MAX_FLOAT)
    }

    /// Whole half-lives since the epoch, and the rest as a fraction of one.
    fn split(&self, time: Time) -> (i64, f64) {
        let half_life = self.half_life.millis();
        let rest = time.millis().rem_euclid(half_life) as f64 / half_life as f64;
        (time.millis().div_euclid(half_life), rest)
    }
}

/// An exponent of two; beyond these everything is zero or infinite anyway.
fn power(halvings: i64) -> i32 {
    halvings.clamp(-5_000, 5_000) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_halved_in_each_half_life() {
        let day = Duration::parse("1d").unwrap();
        let start = Time::parse("2026-01-01T06:00:00Z").unwrap();
        let mut score = DecayedSum::new(day);
        score.add(8.0, start);
        assert!((score.value(start) - 8.0).abs() < 1e-12);
        assert!((score.value(start + Duration::parse("3d").unwrap()) - 1.0).abs() < 1e-12);
        assert!(score.value(Time::MAX) > 0.0);
    }

    #[test]
    fn an_event_of_this_instant_counts_its_weight() {
        for (number, half_life) in ["7h", "5s", "5001ms", "13d", "90d"].into_iter().enumerate() {
            let mut score = DecayedSum::new(Duration::parse(half_life).unwrap());
            for step in 0..50 {
                let start = Time::from_raw(1_767_225_600_000 + step * 1_234_567 + number as i64);
                score.sum = ExactSum::default();
                score.add(1.0, start);
                score.add(1.5, start);
                assert_eq!(score.value(start), 2.5, "{half_life}");
            }
        }
    }

    #[test]
    fn the_order_of_arrival_does_not_matter() {
        let half_life = Duration::parse("7h").unwrap();
        let start = Time::parse("2026-01-01T06:00:00Z").unwrap().millis();
        let events: Vec<(f64, Time)> = (0..60_u32)
            .map(|n| (f64::from(n) * 0.1 - 2.0, Time::from_raw(start + i64::from(n * n) * 1_234_567)))
            .collect();
        let mut forward = DecayedSum::new(half_life);
        let mut backward = DecayedSum::new(half_life);
        events.iter().for_each(|(weight, time)| forward.add(*weight, *time));
        events.iter().rev().for_each(|(weight, time)| backward.add(*weight, *time));
        let now = Time::from_raw(start + 10_000_000_000);
        assert_eq!(forward.value(now).to_bits(), backward.value(now).to_bits());
        let last = events.last().unwrap().1;
        let naive: f64 = events
            .iter()
            .map(|(weight, time)| {
                weight * (-(last.since(*time).millis() as f64) / half_life.millis() as f64).exp2()
            })
            .sum();
        assert!((forward.value(last) / naive - 1.0).abs() < 1e-9);
    }

    #[test]
    fn events_a_life_apart_are_added_in_any_order() {
        let second = Duration::parse("1s").unwrap();
        let times = [0, 4_000_000, 8_000_000].map(Time::from_raw);
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]] {
            let mut score = DecayedSum::new(second);
            order.iter().for_each(|place| score.add(1.0, times[*place]));
            assert_eq!(score.value(times[2]).to_bits(), 1.0_f64.to_bits(), "{order:?}");
        }
    }
}
