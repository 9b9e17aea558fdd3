//! One state of an aggregate made of two, which have taken different events.
//!
//! A summary stands for messages that are no longer kept: it brings what lifetime aggregates have made of
//! them. Every accumulator is a fold of a set, so taking in such a state is taking in its events, in any order.
//!
//! Invariants:
//! 1. Absorbing a state gives what adding each of its events would have given.

use std::cmp::Ordering;

use crate::facts::accumulator::{
    Accumulator, Total, add_to_last_two, add_to_latest, add_to_top, keep_extreme,
};
use crate::facts::stamp::{MessageOrder, Stamp};

impl Accumulator {
    /// Takes the events that another state of the same aggregate has taken.
    pub(crate) fn absorb(&mut self, other: &Accumulator, order: &dyn MessageOrder) {
        match (self, other) {
            (Accumulator::Count(count), Accumulator::Count(more)) => *count += more,
            (Accumulator::Sum(total), Accumulator::Sum(more)) => total.absorb(more),
            (Accumulator::Average { total, count }, Accumulator::Average { total: more, count: of }) => {
                total.absorb(more);
                *count += of;
            }
            (Accumulator::Minimum(least), Accumulator::Minimum(value)) => {
                keep_extreme(least, value.as_ref(), Ordering::Less);
            }
            (Accumulator::Maximum(greatest), Accumulator::Maximum(value)) => {
                keep_extreme(greatest, value.as_ref(), Ordering::Greater);
            }
            (first @ Accumulator::First(_), Accumulator::First(event))
            | (first @ Accumulator::Last(_), Accumulator::Last(event)) => {
                event.iter().for_each(|(stamp, value)| first.add(*stamp, value.as_ref(), order));
            }
            (Accumulator::LastTwo(last, previous), Accumulator::LastTwo(other_last, other_previous)) => {
                for stamp in other_last.iter().chain(other_previous) {
                    add_to_last_two(last, previous, *stamp, order);
                }
            }
            (Accumulator::Distinct(values), Accumulator::Distinct(more)) => {
                values.extend(more.iter().cloned());
            }
            (Accumulator::Values { limit, latest }, Accumulator::Values { latest: more, .. }) => {
                for (stamp, value) in more {
                    add_to_latest(latest, *limit, *stamp, Some(value), order);
                }
            }
            (Accumulator::Top(values), Accumulator::Top(more)) => {
                for (value, (times, stamp)) in more {
                    add_to_top(values, *stamp, *times, Some(value), order);
                }
            }
            (Accumulator::Decayed(sum), Accumulator::Decayed(more)) => sum.absorb(more),
            (Accumulator::DecayedItems(items), Accumulator::DecayedItems(more)) => items.absorb(more),
            (_, _) => debug_assert!(false, "both are states of one aggregate"),
        }
    }

    /// All stamps of messages that it speaks of.
    pub(crate) fn stamps(&mut self) -> Vec<&mut Stamp> {
        match self {
            Accumulator::First(event) | Accumulator::Last(event) => {
                event.iter_mut().map(|(stamp, _)| stamp).collect()
            }
            Accumulator::LastTwo(last, previous) => last.iter_mut().chain(previous).collect(),
            Accumulator::Values { latest, .. } => latest.iter_mut().map(|(stamp, _)| stamp).collect(),
            Accumulator::Top(values) => values.values_mut().map(|(_, stamp)| stamp).collect(),
            Accumulator::Count(_)
            | Accumulator::Sum(_)
            | Accumulator::Average { .. }
            | Accumulator::Minimum(_)
            | Accumulator::Maximum(_)
            | Accumulator::Distinct(_)
            | Accumulator::Decayed(_)
            | Accumulator::DecayedItems(_) => Vec::new(),
        }
    }
}

impl Total {
    fn absorb(&mut self, other: &Total) {
        match (self, other) {
            (Total::Int(total), Total::Int(more)) => *total += more,
            (Total::Float(total), Total::Float(more)) => total.add_all(more),
            (_, _) => debug_assert!(false, "both are totals of one property"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::{Duration, Time};
    use crate::facts::stamp::{HistoryPlace, NoMessages};
    use crate::model::ids::PropertyId;
    use crate::model::value::{Type, Value};
    use crate::rules::expression::Function;
    use crate::rules::lists::Items;

    #[test]
    fn absorbing_is_adding_the_events() {
        let property = PropertyId(0);
        let half_life = Duration::from_millis(86_400_000);
        let functions = [
            Function::Count,
            Function::Sum(property),
            Function::Average(property),
            Function::Minimum(property),
            Function::Maximum(property),
            Function::FirstTime,
            Function::First(property),
            Function::Last(property),
            Function::PreviousTime,
            Function::Distinct(property),
            Function::Values { property, items: Items::Whole, most: 3 },
            Function::Top(property),
            Function::Decayed { half_life, weight: Some(property) },
        ];
        let events: Vec<(Stamp, Value)> = (0..14).map(event).collect();
        for function in functions {
            let state = |is_taken: &dyn Fn(usize) -> bool| {
                let mut state = Accumulator::new(&function, Some(&Type::Any));
                for (_, (stamp, value)) in events.iter().enumerate().filter(|(number, _)| is_taken(*number)) {
                    state.add(*stamp, Some(value), &NoMessages);
                }
                state
            };
            let all = comparable(&state(&|_| true));
            for cut in 0..64 {
                let is_in = |number: usize| cut >> (number % 6) & 1 == 1;
                let mut one = state(&is_in);
                one.absorb(&state(&|number| !is_in(number)), &NoMessages);
                assert_eq!(comparable(&one), all, "{function:?}");
            }
        }
    }

    /// Times repeat, so that ids decide; values repeat, as ints and as floats.
    fn event(number: u32) -> (Stamp, Value) {
        let time = Time::from_raw(i64::from(number * 7 % 5) * 50_000_000);
        let value = match number % 4 {
            0 => Value::Int(i64::from(number % 3)),
            1 => Value::Float(f64::from(number % 3)),
            2 => Value::Float(0.1 * f64::from(number)),
            _ => Value::Int(-i64::from(number)),
        };
        (Stamp { time, place: HistoryPlace(number) }, value)
    }

    /// What can be compared of a state: sets in their order, sums by their values.
    fn comparable(state: &Accumulator) -> Vec<String> {
        let mut parts: Vec<String> = match state {
            Accumulator::Distinct(values) => vec![values.len().to_string()],
            Accumulator::Top(values) => values.iter().map(|entry| format!("{entry:?}")).collect(),
            Accumulator::Sum(_) | Accumulator::Average { .. } | Accumulator::Decayed(_) => {
                vec![format!("{:?}", state.read(Time::from_raw(300_000_000)).value)]
            }
            other => vec![format!("{other:?}")],
        };
        parts.sort();
        parts
    }
}
