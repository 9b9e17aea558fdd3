//! The value of an aggregate at `now`, from what is kept of its source.

use std::ops::Range;

use crate::base::time::{Duration, Time};
use crate::facts::accumulator::{Accumulator, top};
use crate::facts::customer::Sources;
use crate::facts::event_log::EventLog;
use crate::facts::plan::{Keeping, Plan};
use crate::facts::source_state::SourceState;
use crate::facts::stamp::{HistoryPlace, MessageOrder, NoMessages, Stamp};
use crate::facts::window::rows;
use crate::model::ids::{AggregateId, SourceId};
use crate::model::value::Value;
use crate::rules::definitions::Definitions;
use crate::rules::evaluate::{Facts, Reading, evaluate};
use crate::rules::expression::{Aggregate, Bound, Function, end_of_days};

/// What aggregates are read from.
#[derive(Clone, Copy)]
pub(crate) struct AggregateReader<'a, S> {
    pub(crate) definitions: &'a Definitions,
    pub(crate) plan: &'a Plan,
    pub(crate) sources: &'a S,
    pub(crate) order: &'a dyn MessageOrder,
}

impl<S: Sources> AggregateReader<'_, S> {
    /// The value of an aggregate at the facts' `now`.
    pub(crate) fn read(&self, id: AggregateId, facts: &impl Facts) -> Reading {
        let aggregate = &self.definitions.aggregates[id.index()];
        let Some(state) = self.sources.source(aggregate.source) else {
            return self.of_nothing(id, facts.now());
        };
        match self.plan.aggregates[id.index()].keeping {
            Keeping::Accumulated { slot, .. } => {
                self.accumulated(&state.accumulators[slot], aggregate, facts.now())
            }
            Keeping::LastEvent => self.last_event(state.last, aggregate, facts),
            Keeping::Logged { column } => self.logged(id, aggregate, &state, column, facts),
        }
    }

    fn of_nothing(&self, id: AggregateId, now: Time) -> Reading {
        let function = &self.definitions.aggregates[id.index()].function;
        let fresh = self.plan.fresh_accumulator(id, self.definitions);
        self.finish(function, &fresh, now, self.order)
    }

    fn accumulated(&self, accumulator: &Accumulator, aggregate: &Aggregate, now: Time) -> Reading {
        self.finish(&aggregate.function, accumulator, now, self.order)
    }

    /// Turns an accumulator into the function's own value.
    fn finish(
        &self,
        function: &Function,
        accumulator: &Accumulator,
        now: Time,
        order: &dyn MessageOrder,
    ) -> Reading {
        match (function, accumulator) {
            (Function::Exists, Accumulator::Last(last)) => Reading::truth(last.is_some(), Time::NEVER),
            (Function::FollowedBy { .. }, _) => Reading::truth(false, Time::NEVER),
            (Function::NotFollowedBy { other, after }, Accumulator::Last(last)) => {
                let last = last.as_ref().map(|(stamp, _)| *stamp);
                self.not_followed_by(last, *other, *after, now)
            }
            (Function::Top(_), Accumulator::Top(values)) => Reading::fixed(top(values, order)),
            _ => accumulator.read(now),
        }
    }

    /// Aggregates that need only the last event, if it is inside every lower bound.
    fn last_event(&self, last: Stamp, aggregate: &Aggregate, facts: &impl Facts) -> Reading {
        let now = facts.now();
        let mut leaves = Time::NEVER;
        for bound in &aggregate.window {
            leaves = leaves.min(match bound {
                Bound::Within(duration) => last.time + *duration,
                Bound::CalendarDays(days, zone) => end_of_days(*days, zone, last.time),
                Bound::After(time) => match evaluate(time, facts).value {
                    Some(Value::Time(time)) if last.time > time => Time::NEVER,
                    _ => Time::BEFORE_ALL,
                },
                Bound::OlderThan(_) | Bound::Before(_) => Time::BEFORE_ALL,
            });
        }
        let inside = now < leaves;
        let until = if inside { leaves } else { Time::NEVER };
        let mut reading = match &aggregate.function {
            Function::NotFollowedBy { other, after } => {
                self.not_followed_by(inside.then_some(last), *other, *after, now)
            }
            Function::LastTime => Reading::fixed(inside.then_some(Value::Time(last.time))),
            _ => Reading::truth(inside, Time::NEVER),
        };
        reading.until = reading.until.min(until);
        reading
    }

    fn not_followed_by(&self, last: Option<Stamp>, other: SourceId, after: Duration, now: Time) -> Reading {
        let Some(last) = last else { return Reading::truth(false, Time::NEVER) };
        let followed = self
            .sources
            .source(other)
            .is_some_and(|other| other.last.time >= last.time && other.last.place != last.place);
        let due = last.time + after;
        match (followed, now >= due) {
            (true, _) => Reading::truth(false, Time::NEVER),
            (false, true) => Reading::truth(true, Time::NEVER),
            (false, false) => Reading::truth(false, due),
        }
    }

    fn logged(
        &self,
        id: AggregateId,
        aggregate: &Aggregate,
        state: &SourceState,
        column: Option<usize>,
        facts: &impl Facts,
    ) -> Reading {
        let log = &state.log;
        let rows = rows(log, &aggregate.window, facts);
        let range = rows.range;
        let mut reading = match &aggregate.function {
            Function::Count => {
                Reading::fixed(Some(Value::Int(i64::try_from(range.len()).unwrap_or(i64::MAX))))
            }
            Function::Exists => Reading::truth(!range.is_empty(), Time::NEVER),
            Function::FirstTime => time_of(log, range.start, &range),
            Function::LastTime => time_of(log, range.end.wrapping_sub(1), &range),
            Function::PreviousTime => time_of(log, range.end.wrapping_sub(2), &range),
            Function::FollowedBy { other, within } => {
                Reading::truth(self.followed_by(log, range, *other, *within), Time::NEVER)
            }
            // Asks which message the last one is, not only when it was.
            Function::NotFollowedBy { other, after } => {
                let last = (!range.is_empty()).then(|| log.stamp(range.end - 1));
                self.not_followed_by(last, *other, *after, facts.now())
            }
            function => {
                let mut accumulator = self.plan.fresh_accumulator(id, self.definitions);
                // Rows are sorted by time and message id, so their numbers say which comes first.
                for row in range {
                    let value = column.map(|column| log.value(row, column));
                    if value != Some(None) {
                        let stamp = Stamp { time: log.stamp(row).time, place: HistoryPlace(row as u32) };
                        let items = &self.plan.aggregates[id.index()].items;
                        accumulator.add_items(stamp, value.flatten(), items, &NoMessages);
                    }
                }
                self.finish(function, &accumulator, facts.now(), &NoMessages)
            }
        };
        reading.until = reading.until.min(rows.until);
        reading
    }

    fn followed_by(&self, log: &EventLog, range: Range<usize>, other: SourceId, within: Duration) -> bool {
        let Some(other) = self.sources.source(other) else { return false };
        range.map(|row| log.stamp(row).time).any(|time| {
            let next = other.log.time(other.log.first_after(time));
            next.is_some_and(|next| next <= time + within)
        })
    }
}

fn time_of(log: &EventLog, row: usize, range: &Range<usize>) -> Reading {
    Reading::fixed(range.contains(&row).then(|| Value::Time(log.stamp(row).time)))
}
