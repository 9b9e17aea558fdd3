//! What is kept of one source's events for one customer.
//!
//! Invariants:
//! 1. `accumulators` are those of the source's plan, in its order.
//! 2. `last` is the stamp of the last event the source ever took.

use crate::base::time::Time;
use crate::facts::accumulator::Accumulator;
use crate::facts::event_log::EventLog;
use crate::facts::plan::{Keeping, Plan, SourcePlan};
use crate::facts::stamp::{MessageOrder, Stamp};
use crate::model::value::Value;
use crate::rules::definitions::Definitions;
use crate::rules::horizon::Horizon;

/// The state of one source.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SourceState {
    pub(crate) last: Stamp,
    pub(crate) log: EventLog,
    pub(crate) accumulators: Box<[Accumulator]>,
}

impl SourceState {
    /// The state before the first event, which is about to be taken.
    pub(crate) fn new(
        first: Stamp,
        source: &SourcePlan,
        plan: &Plan,
        definitions: &Definitions,
    ) -> SourceState {
        let accumulators = source.fresh_accumulators(definitions, plan).into();
        SourceState { last: first, log: EventLog::default(), accumulators }
    }

    /// About how many bytes it takes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        let (stamps, values, _) = self.log.parts();
        let values =
            values.iter().map(|value| size_of::<Option<Value>>() + value.as_ref().map_or(0, Value::bytes));
        let accumulators = self.accumulators.iter();
        let accumulators: usize =
            accumulators.map(|accumulator| size_of::<Accumulator>() + 64 * accumulator.entries()).sum();
        size_of_val(stamps) + values.sum::<usize>() + accumulators
    }

    /// Takes one event with its properties. What lies further back from `settled` than the source's
    /// horizon is forgotten: no later question can reach it.
    pub(crate) fn take(
        &mut self,
        stamp: Stamp,
        properties: &[Option<Value>],
        source: &SourcePlan,
        plan: &Plan,
        settled: Time,
        order: &dyn MessageOrder,
    ) {
        if stamp.is_after(self.last, order) {
            self.last = stamp;
        }
        for (accumulator, id) in self.accumulators.iter_mut().zip(&source.accumulated) {
            let aggregate = &plan.aggregates[id.index()];
            let Keeping::Accumulated { after, before, .. } = aggregate.keeping else { continue };
            if let Some(weighing) = &aggregate.weighing {
                accumulator.add_weighed(stamp.time, properties, weighing);
                continue;
            }
            let value =
                aggregate.property.as_ref().map(|(property, _)| property_value(properties, *property));
            if stamp.time > after && stamp.time < before && value != Some(None) {
                accumulator.add_items(stamp, value.flatten(), &aggregate.items, order);
            }
        }
        let keep_after = match source.horizon {
            Horizon::Nothing => return,
            Horizon::Within(duration) => settled - duration,
            Horizon::Everything => Time::BEFORE_ALL,
        };
        self.log.forget_until(keep_after);
        if stamp.time > keep_after {
            let values = source.columns.iter().map(|property| property_value(properties, *property));
            self.log.insert(stamp, values, order);
        }
    }

    /// Whether one more event would make some part of the state larger than `limit`.
    pub(crate) fn is_full(
        &self,
        stamp: Stamp,
        properties: &[Option<Value>],
        source: &SourcePlan,
        plan: &Plan,
        settled: Time,
        limit: usize,
    ) -> bool {
        let first_kept = match source.horizon {
            Horizon::Within(duration) => self.log.first_after(settled - duration),
            Horizon::Nothing | Horizon::Everything => 0,
        };
        let log_full = self.log.len() - first_kept >= limit && self.reaches(stamp, source, settled);
        log_full
            || self.accumulators.iter().zip(&source.accumulated).any(|(accumulator, id)| {
                let aggregate = &plan.aggregates[id.index()];
                let property = aggregate.property.as_ref();
                let value = property.and_then(|(property, _)| property_value(properties, *property));
                let growth = accumulator.growth(value, properties, aggregate.weighing.as_ref());
                growth > 0 && accumulator.entries() + growth > limit
            })
    }

    fn reaches(&self, stamp: Stamp, source: &SourcePlan, settled: Time) -> bool {
        match source.horizon {
            Horizon::Nothing => false,
            Horizon::Within(duration) => stamp.time > settled - duration,
            Horizon::Everything => true,
        }
    }
}

fn property_value(properties: &[Option<Value>], property: crate::model::ids::PropertyId) -> Option<&Value> {
    properties.get(property.index()).and_then(Option::as_ref)
}
