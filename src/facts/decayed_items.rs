//! The decayed sums of items, and what an affinity makes of those of several events.
//!
//! Each item that was ever there has a sum of its own ([`DecayedSum`]), in one state for each event that an affinity
//! counts; the sums of an item are put together when somebody asks. Keeping only the items with the highest
//! scores was rejected: which those are would depend on the order of arrival, and a late message, or one that is
//! erased, could not be answered exactly.
//!
//! Cost: some 100 bytes an item and event. One score is a look-up for each event; the whole and the first of all
//! are of the order of the items.
//!
//! Invariants:
//! 1. Which of two items comes first follows from exact sums, so it depends neither on the order of arrival nor on
//!    the time of the question, and scores that are equal on paper are equal.

use std::borrow::Cow;
use std::sync::Arc;

use ahash::AHashMap;

use crate::base::time::{Duration, Time};
use crate::facts::accumulator::Accumulator;
use crate::facts::aggregate::AggregateReader;
use crate::facts::customer::Sources;
use crate::facts::decayed_sum::DecayedSum;
use crate::facts::plan::Keeping;
use crate::facts::source_state::SourceState;
use crate::model::value::Value;
use crate::rules::expression::{Affinity, ItemsAsked};

/// A decayed sum for each item.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DecayedItems {
    half_life: Duration,
    sums: AHashMap<Arc<str>, DecayedSum>,
}

impl DecayedItems {
    /// No items yet.
    pub(crate) fn new(half_life: Duration) -> DecayedItems {
        DecayedItems { half_life, sums: AHashMap::new() }
    }

    /// The items with these sums, which are all of that half-life.
    pub(crate) fn from_sums(
        half_life: Duration,
        sums: impl Iterator<Item = (Arc<str>, DecayedSum)>,
    ) -> DecayedItems {
        DecayedItems { half_life, sums: sums.collect() }
    }

    /// The time in which the sums are halved.
    pub(crate) fn half_life(&self) -> Duration {
        self.half_life
    }

    /// The items with their sums, in no order.
    pub(crate) fn sums(&self) -> impl Iterator<Item = (&Arc<str>, &DecayedSum)> {
        self.sums.iter()
    }

    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        self.sums.len()
    }

    /// How many of these items are not there yet.
    pub(crate) fn new_among<'v>(&self, items: impl Iterator<Item = &'v Arc<str>>) -> usize {
        let mut new: Vec<&str> =
            items.map(|item| &**item).filter(|item| !self.sums.contains_key(*item)).collect();
        new.sort_unstable();
        new.dedup();
        new.len()
    }

    /// Adds the weight that an event gives to an item.
    pub(crate) fn add(&mut self, item: &Arc<str>, weight: f64, time: Time) {
        self.sum_mut(item).add(weight, time);
    }

    /// Adds what others of the same half-life have added.
    pub(crate) fn absorb(&mut self, other: &DecayedItems) {
        other.sums.iter().for_each(|(item, sum)| self.sum_mut(item).absorb(sum));
    }

    /// Each item with its score at `now`.
    pub(crate) fn value(&self, now: Time) -> Value {
        as_map(self.sums.iter().map(|(item, sum)| (Arc::clone(item), sum.value(now))))
    }

    fn sum_mut(&mut self, item: &Arc<str>) -> &mut DecayedSum {
        // Mostly it is there, and then its text need not be shared.
        if !self.sums.contains_key(item) {
            self.sums.insert(Arc::clone(item), DecayedSum::new(self.half_life));
        }
        self.sums.get_mut(item).expect("it was inserted if it was not there")
    }
}

impl<S: Sources> AggregateReader<'_, S> {
    /// What is asked of an affinity at `now`.
    pub(crate) fn affinity(&self, affinity: &Affinity, asked: ItemsAsked<'_>, now: Time) -> Value {
        let legs: Vec<(Cow<'_, SourceState>, usize, f64)> = affinity
            .weighed()
            .filter_map(|(id, weight)| {
                let source = self.definitions.aggregates[id.index()].source;
                let Keeping::Accumulated { slot, .. } = self.plan.aggregates[id.index()].keeping else {
                    return None;
                };
                Some((self.sources.source(source)?, slot, weight))
            })
            .collect();
        let legs = legs.iter().filter_map(|(state, slot, weight)| match &state.accumulators[*slot] {
            Accumulator::DecayedItems(items) => Some((items, *weight)),
            _ => None,
        });
        match asked {
            ItemsAsked::One(item) => {
                let mut score = DecayedSum::new(affinity.half_life);
                for (items, weight) in legs {
                    items.sums.get(item).into_iter().for_each(|sum| score.absorb_times(sum, weight));
                }
                Value::Float(score.value(now))
            }
            ItemsAsked::Each => as_map(
                together(legs, affinity.half_life)
                    .into_iter()
                    .map(|(item, sum)| (Arc::clone(item), sum.value(now))),
            ),
            ItemsAsked::Top(most) => {
                let sums = together(legs, affinity.half_life);
                let mut ranked: Vec<_> =
                    sums.iter().filter_map(|(item, sum)| Some((*item, sum.magnitude()?))).collect();
                ranked.sort_unstable_by(|(a, of_a), (b, of_b)| of_b.compare(of_a).then_with(|| a.cmp(b)));
                let top = ranked.iter().take(most as usize);
                Value::List(top.map(|(item, _)| Value::String(Arc::clone(item))).collect())
            }
        }
    }
}

/// The sums of all items, over all legs.
fn together<'s>(
    legs: impl Iterator<Item = (&'s DecayedItems, f64)>,
    half_life: Duration,
) -> AHashMap<&'s Arc<str>, DecayedSum> {
    let mut all: AHashMap<&Arc<str>, DecayedSum> = AHashMap::new();
    for (items, weight) in legs {
        for (item, sum) in &items.sums {
            all.entry(item).or_insert_with(|| DecayedSum::new(half_life)).absorb_times(sum, weight);
        }
    }
    all
}

fn as_map(scores: impl Iterator<Item = (Arc<str>, f64)>) -> Value {
    let mut entries: Vec<(Arc<str>, Value)> =
        scores.map(|(item, score)| (item, Value::Float(score))).collect();
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    Value::Map(entries.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absorbing_is_adding_the_events() {
        let half_life = Duration::parse("5001ms").unwrap();
        let items = ["a", "b", "c"].map(Arc::<str>::from);
        let event = |number: u32| {
            let weight = f64::from(number % 7) * 0.3 - 0.5;
            (&items[(number % 3) as usize], weight, Time::from_raw(i64::from(number * number) * 987))
        };
        let state = |is_taken: &dyn Fn(u32) -> bool| {
            let mut state = DecayedItems::new(half_life);
            for (item, weight, time) in (0..24).filter(|number| is_taken(*number)).map(event) {
                state.add(item, weight, time);
            }
            state
        };
        let now = Time::from_raw(1_000_000);
        let all = state(&|_| true).value(now);
        for cut in 0..64 {
            let is_in = |number: u32| cut >> (number % 6) & 1 == 1;
            let mut one = state(&is_in);
            one.absorb(&state(&|number| !is_in(number)));
            assert_eq!(one.value(now), all, "{cut}");
        }
    }

    #[test]
    fn an_item_is_new_once() {
        let [a, b, c] = ["a", "b", "c"].map(Arc::<str>::from);
        let mut items = DecayedItems::new(Duration::MILLISECOND);
        items.add(&a, 1.0, Time::from_raw(0));
        assert_eq!(items.new_among([&a, &b, &c, &b].into_iter()), 2);
        assert_eq!((items.new_among([&a].into_iter()), items.len()), (0, 1));
    }

    #[test]
    fn which_is_greater_does_not_depend_on_how_long_ago_it_was() {
        let half_life = Duration::from_millis(1_000);
        let sum = |weights: &[(f64, i64)]| {
            let mut sum = DecayedSum::new(half_life);
            weights.iter().for_each(|(weight, time)| sum.add(*weight, Time::from_raw(*time)));
            sum
        };
        // Ascending; those of one row are equal on paper.
        let rows = [
            vec![sum(&[(1.0, 0)]), sum(&[(0.5, 0), (0.5, 0)]), sum(&[(2.0, -1_000)])],
            vec![sum(&[(1.0, 1)])],
            vec![
                sum(&[(0.1, 0), (0.1, 0), (0.1, 0), (3.0, 333)]),
                sum(&[(0.1 * 2.0, 0), (0.1, 0), (1.0, 333), (2.0, 333)]),
            ],
            vec![sum(&[(1.0, 500_000), (-1.0, 1)])],
            vec![sum(&[(1.0, 500_000)]), sum(&[(1.0, 500_000), (1.0, 3), (-1.0, 3)])],
            vec![sum(&[(1.0, 500_000), (1.0, 1)])],
            vec![sum(&[(1.0, 500_000), (1.0, 440_000)])],
            vec![sum(&[(1.0, 9_000_000_000)])],
        ];
        assert!(sum(&[]).magnitude().is_none() && sum(&[(1.0, 0), (-2.0, 9)]).magnitude().is_none());
        for (place, row) in rows.iter().enumerate() {
            for a in row {
                for (other, row) in rows.iter().enumerate() {
                    for b in row {
                        let order = a.magnitude().unwrap().compare(&b.magnitude().unwrap());
                        assert_eq!(order, place.cmp(&other), "{a:?} {b:?}");
                    }
                }
            }
        }
    }
}
