//! The instants at which a condition can change: what `held` has to look at in the naive evaluator.
//!
//! Between two messages a condition changes only where the clock has moved by some length away from
//! some time. Both are few: the times are those of messages, those in messages and those in the
//! catalog; the lengths are the durations that the condition names. So all sums are tried, whether they
//! mean anything or not, each with the millisecond after it. Decayed scores add the instants at which
//! they pass a number that the condition names.
//!
//! Not found are instants that need more than one length, such as in `now - a > b - c` with three
//! attributes, or a score that is compared with an attribute.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::time::{Duration, Time, Zone};
use crate::model::ids::{AggregateId, SegmentId};
use crate::model::value::Value;
use crate::rules::definitions::SegmentDefinition;
use crate::rules::expression::{Bound, Expr, Function};
use crate::rules::hours::Hours;
use crate::rules::naive::{Moment, Naive, Said};

/// What a condition names.
#[derive(Default)]
struct Named {
    times: Vec<Time>,
    lengths: Vec<Duration>,
    days: Vec<(u16, Zone)>,
    hours: Vec<Arc<Hours>>,
    numbers: Vec<f64>,
    scores: Vec<(Expr, Duration)>,
    /// The durations of the `held` inside it, the innermost first.
    held: Vec<Duration>,
    /// Segments whose conditions were looked at.
    segments: Vec<SegmentId>,
}

/// When a condition can change.
#[derive(Debug)]
pub(crate) struct Instants {
    /// Sorted; all but those of hours of the week, of which there is no end.
    times: Vec<Time>,
    hours: Vec<Arc<Hours>>,
    held: Vec<Duration>,
}

impl Instants {
    /// Every instant in `(begin, end]` at which the condition may become true or false, and some more.
    pub(crate) fn within(&self, begin: Time, end: Time) -> BTreeSet<Time> {
        let first = self.times.partition_point(|time| *time <= begin);
        let mut within: BTreeSet<Time> =
            self.times[first..].iter().copied().take_while(|time| *time <= end).collect();
        let earliest = self.held.iter().fold(begin, |earliest, length| earliest - *length);
        for hours in &self.hours {
            let mut edges = BTreeSet::new();
            let (_, mut edge) = hours.at(earliest);
            while edge <= end {
                edges.insert(edge);
                edge = hours.at(edge).1;
            }
            for length in &self.held {
                let later: Vec<Time> = edges.iter().map(|edge| *edge + *length).collect();
                edges.extend(later);
            }
            within.extend(edges.into_iter().filter(|edge| begin < *edge && *edge <= end));
        }
        within
    }
}

/// When `condition` may become true or false.
pub(crate) fn instants_of_change(naive: &Naive<'_>, condition: &Expr) -> Instants {
    let mut named = Named::default();
    named.collect(condition, naive);
    let mut times = named.times.clone();
    for told in naive.messages {
        times.push(told.time);
        match &told.said {
            Said::Attributes(set) => set.iter().for_each(|(_, value)| times_in(value.as_ref(), &mut times)),
            Said::Event { properties, .. } => {
                properties.iter().for_each(|value| times_in(value.as_ref(), &mut times));
            }
            Said::Presence => {}
        }
    }
    let mut instants: BTreeSet<Time> = times.iter().copied().collect();
    for length in &named.lengths {
        instants.extend(times.iter().flat_map(|time| [*time + *length, *time - *length]));
    }
    for (days, zone) in &named.days {
        instants.extend(times.iter().map(|time| zone.begin_of_day(*time, i32::from(*days))));
    }
    with_the_next(&mut instants);
    // Before the first message nothing holds of the customer.
    let first = naive.messages.first().map_or(Time::NEVER, |told| told.time);
    instants.retain(|time| *time >= first);
    for (score, half_life) in &named.scores {
        let passing = named.passing(score, *half_life, naive, &instants);
        instants.extend(passing);
    }
    for length in &named.held {
        let later: Vec<Time> = instants.iter().map(|time| *time + *length).collect();
        instants.extend(later);
    }
    Instants { times: instants.into_iter().collect(), hours: named.hours, held: named.held }
}

fn with_the_next(instants: &mut BTreeSet<Time>) {
    let next: Vec<Time> = instants.iter().map(|time| *time + Duration::MILLISECOND).collect();
    instants.extend(next);
}

impl Named {
    fn collect(&mut self, expr: &Expr, naive: &Naive<'_>) {
        let definitions = naive.definitions;
        match expr {
            Expr::Constant(value) => self.value(value),
            Expr::Attribute(attribute) => {
                if let Some(value) = definitions.default_of(*attribute) {
                    self.value(value);
                }
            }
            Expr::Segment(segment) if self.segments.contains(segment) => {}
            Expr::Segment(segment) => match &definitions.segments[segment.index()] {
                SegmentDefinition::Condition(condition) => {
                    self.segments.push(*segment);
                    self.collect(condition, naive);
                }
                SegmentDefinition::Members(_) => {}
            },
            Expr::Aggregate(aggregate) => self.aggregate(*aggregate, naive),
            Expr::Index(whole, item) if let Expr::Affinity(affinity) = &**whole => {
                self.scores.push((expr.clone(), affinity.half_life));
                self.collect(item, naive);
            }
            Expr::Hours(hours) => self.hours.push(Arc::clone(hours)),
            _ => expr.for_each_part(&mut |part| self.collect(part, naive)),
        }
        if let Expr::Held(_, duration) = expr {
            self.held.push(*duration);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Int(number) => self.numbers.push(*number as f64),
            Value::Float(number) => self.numbers.push(*number),
            Value::Time(time) => self.times.push(*time),
            Value::Duration(duration) => self.lengths.push(*duration),
            _ => {}
        }
    }

    fn aggregate(&mut self, id: AggregateId, naive: &Naive<'_>) {
        let aggregate = &naive.definitions.aggregates[id.index()];
        for bound in &aggregate.window {
            match bound {
                Bound::Within(duration) | Bound::OlderThan(duration) => self.lengths.push(*duration),
                Bound::CalendarDays(days, zone) => self.days.push((*days, zone.clone())),
                Bound::After(time) | Bound::Before(time) => self.collect(time, naive),
            }
        }
        match aggregate.function {
            Function::NotFollowedBy { after, .. } => self.lengths.push(after),
            Function::Decayed { half_life, .. } => {
                self.scores.push((Expr::Aggregate(id), half_life));
            }
            _ => {}
        }
    }

    /// From the score at each instant, when it will have fallen to a number.
    fn passing(
        &self,
        score: &Expr,
        half_life: Duration,
        naive: &Naive<'_>,
        from: &BTreeSet<Time>,
    ) -> Vec<Time> {
        let mut passing = Vec::new();
        let mut ends = from.iter().skip(1).copied().chain([Time::NEVER]);
        for begin in from {
            let end = ends.next().unwrap_or(Time::NEVER);
            let moment: Moment<'_> = naive.at(*begin);
            let Some(Value::Float(score)) = moment.value(score) else { continue };
            for number in &self.numbers {
                let halvings = libm::log2(score / number);
                if !halvings.is_finite() || halvings < 0.0 {
                    continue;
                }
                // Further on, the score is looked at anew.
                let about = *begin + Duration::from_millis((halvings * half_life.millis() as f64) as i64);
                if about <= end {
                    passing.extend((-1..=2).map(|step| about + Duration::from_millis(step)));
                }
            }
        }
        passing
    }
}

/// The times that are, or are in, a value.
fn times_in(value: Option<&Value>, times: &mut Vec<Time>) {
    match value {
        Some(Value::Time(time)) => times.push(*time),
        Some(Value::List(items)) => items.iter().for_each(|item| times_in(Some(item), times)),
        Some(Value::Map(entries)) => entries.iter().for_each(|(_, value)| times_in(Some(value), times)),
        _ => {}
    }
}
