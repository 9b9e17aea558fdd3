//! Decayed scores in the naive evaluator: each anew from all events, and those of items compared in pairs.
//!
//! Of items, weights are measured from one instant and added up exactly: so scores that are equal on paper are equal
//! here, too.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::exact_sum::ExactSum;
use crate::base::limits::MAX_FLOAT;
use crate::base::time::{Duration, Time};
use crate::model::ids::AggregateId;
use crate::model::value::Value;
use crate::rules::evaluate::Facts;
use crate::rules::expression::{Function, ItemsAsked};
use crate::rules::motion::{LEAST_DIGIT, rounded_score};
use crate::rules::naive::Moment;

/// What an event gave to an item.
#[derive(Clone, Copy)]
struct Given {
    time: Time,
    weight: f64,
}

impl Moment<'_> {
    /// What is asked of the items of aggregates, each multiplied by a number.
    pub(super) fn items(
        &self,
        legs: impl Iterator<Item = (AggregateId, f64)>,
        half_life: Duration,
        asked: ItemsAsked<'_>,
    ) -> Value {
        let mut given: BTreeMap<Arc<str>, Vec<Given>> = BTreeMap::new();
        for (id, times) in legs {
            let aggregate = &self.definitions().aggregates[id.index()];
            let Function::DecayedItems { of, .. } = &aggregate.function else { continue };
            for happened in self.events_of(aggregate.source) {
                for (item, weight) in of.of(happened.properties) {
                    let weight = Given { time: happened.time, weight: weight * times };
                    given.entry(Arc::clone(item)).or_default().push(weight);
                }
            }
        }
        let score = |given: &[Given]| Value::Float(self.nudged(score(given, half_life, self.now())));
        match asked {
            ItemsAsked::One(item) => given.get(item).map_or(Value::Float(0.0), |given| score(given)),
            ItemsAsked::Each => {
                let scores = given.iter().map(|(item, given)| (Arc::clone(item), score(given)));
                Value::Map(scores.collect())
            }
            ItemsAsked::Top(most) => {
                let sums = given.iter().map(|(item, given)| (item, Ranked::new(given, half_life)));
                let mut ranked: Vec<_> = sums.filter(|(_, sum)| sum.digits.value() > 0.0).collect();
                // By their texts they are sorted already, and stay so where they are equal.
                ranked.sort_by(|(_, a), (_, b)| b.compare(a));
                let items = ranked.iter().take(most as usize);
                Value::List(items.map(|(item, _)| Value::String(Arc::clone(item))).collect())
            }
        }
    }
}

/// When something was given last.
fn last(given: &[Given]) -> Time {
    given.iter().map(|given| given.time).max().unwrap_or(Time::BEFORE_ALL)
}

/// The score at a time that is not a half-life before the last was given.
fn at(given: &[Given], half_life: Duration, time: Time) -> ExactSum {
    let mut sum = ExactSum::default();
    for given in given {
        let age = time.millis() - given.time.millis();
        let (halvings, rest) = (age.div_euclid(half_life.millis()), age.rem_euclid(half_life.millis()));
        let halvings = i32::try_from(halvings).unwrap_or(i32::MAX);
        let share = libm::exp2(-(rest as f64) / half_life.millis() as f64);
        sum.add_product(libm::scalbn(given.weight, -halvings), share);
    }
    sum
}

/// The score at `now`, as everybody sees it.
fn score(given: &[Given], half_life: Duration, now: Time) -> f64 {
    let last = last(given);
    faded(at(given, half_life, last).value(), last, half_life, now)
}

/// By what items are ranked.
struct Ranked {
    /// Whole half-lives since the epoch at the last event.
    halvings: i64,
    /// What the score was then, without what is too small.
    digits: ExactSum,
}

impl Ranked {
    fn new(given: &[Given], half_life: Duration) -> Ranked {
        let halvings = last(given).millis().div_euclid(half_life.millis());
        let sum = at(given, half_life, Time::from_raw(halvings * half_life.millis()));
        let mut digits = ExactSum::default();
        let large = sum.nearest_floats().filter(|digit| digit.abs() >= LEAST_DIGIT);
        large.for_each(|digit| digits.add(digit));
        Ranked { halvings, digits }
    }

    /// Which of two scores is greater, as of the later of their last events.
    fn compare(&self, other: &Ranked) -> Ordering {
        let later = self.halvings.max(other.halvings);
        let [mut difference, subtracted] = [self, other].map(|ranked| {
            let mut digits = ranked.digits.clone();
            digits.scale(i32::try_from(ranked.halvings - later).unwrap_or(i32::MIN / 2));
            digits
        });
        difference.add_times(&subtracted, -1.0);
        difference.value().total_cmp(&0.0)
    }
}

/// `sum of weight * 2^-((now - t) / half_life)`; by way of the last event, so that what is not zero
/// does not become zero.
pub(crate) fn decayed(weighted: &[(Time, f64)], half_life: Duration, now: Time) -> f64 {
    let Some((last, _)) = weighted.last() else { return 0.0 };
    let halvings = |from: Time, to: Time| to.since(from).millis() as f64 / half_life.millis() as f64;
    let mut at_last = ExactSum::default();
    for (time, weight) in weighted {
        at_last.add(weight * libm::exp2(-halvings(*time, *last)));
    }
    faded(at_last.value(), *last, half_life, now)
}

/// What is left at `now` of a score that was so much at its last event, as everybody sees it.
fn faded(at_last: f64, last: Time, half_life: Duration, now: Time) -> f64 {
    let age = now.since(last).millis();
    // Powers of two by themselves lose no digits, however small they are.
    let (halvings, rest) = (age.div_euclid(half_life.millis()), age.rem_euclid(half_life.millis()));
    let share = libm::exp2(-(rest as f64) / half_life.millis() as f64);
    let score = libm::scalbn(at_last * share, -i32::try_from(halvings).unwrap_or(i32::MAX));
    let is_tiny = at_last != 0.0 && score.abs() < f64::MIN_POSITIVE;
    if is_tiny {
        f64::MIN_POSITIVE.copysign(at_last)
    } else {
        rounded_score(score).clamp(-MAX_FLOAT, MAX_FLOAT)
    }
}
