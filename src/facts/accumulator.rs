//! What an aggregate needs to know of the events it has taken, and nothing more.
//!
//! One accumulator serves both ways of keeping an aggregate: over all events it is kept and fed; over
//! a window it is filled anew from the log. Every accumulator is a commutative fold of a set, so
//! events may arrive in any order.

use ahash::{AHashMap, AHashSet};

use crate::base::exact_sum::ExactSum;
use crate::base::limits::MAX_FLOAT;
use crate::base::time::Time;
use crate::facts::decayed_sum::DecayedSum;
use crate::facts::stamp::{MessageOrder, Stamp};
use crate::model::value::{Type, Value};
use crate::rules::evaluate::{Motion, Reading};
use crate::rules::expression::Function;

/// The state of one aggregate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Accumulator {
    Count(u64),
    Sum(Total),
    Average { total: Total, count: u64 },
    Minimum(Option<Value>),
    Maximum(Option<Value>),
    /// The first event, and its value where the aggregate is of a property.
    First(Option<(Stamp, Option<Value>)>),
    /// The last event.
    Last(Option<(Stamp, Option<Value>)>),
    /// The last event and the one before it.
    LastTwo(Option<Stamp>, Option<Stamp>),
    Distinct(AHashSet<Value>),
    /// The last `limit` different values, the latest first.
    Values { limit: u32, latest: Vec<(Stamp, Value)> },
    /// How often each value was seen, and when last.
    Top(AHashMap<Value, (u64, Stamp)>),
    Decayed(DecayedSum),
}

/// An exact total of ints or floats.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Total {
    Int(i128),
    Float(ExactSum),
}

impl Accumulator {
    /// The state of `function` before any event; `property` is the type of the property it is of.
    ///
    /// `FollowedBy` has none: it is answered from the two logs.
    pub(crate) fn new(function: &Function, property: Option<&Type>) -> Accumulator {
        match function {
            Function::Count | Function::FollowedBy { .. } => Accumulator::Count(0),
            Function::Sum(_) => Accumulator::Sum(Total::new(property)),
            Function::Average(_) => Accumulator::Average { total: Total::new(property), count: 0 },
            Function::Minimum(_) => Accumulator::Minimum(None),
            Function::Maximum(_) => Accumulator::Maximum(None),
            Function::FirstTime | Function::First(_) => Accumulator::First(None),
            Function::Exists | Function::LastTime | Function::Last(_) | Function::NotFollowedBy { .. } => {
                Accumulator::Last(None)
            }
            Function::PreviousTime => Accumulator::LastTwo(None, None),
            Function::Distinct(_) => Accumulator::Distinct(AHashSet::new()),
            Function::Values(_, limit) => Accumulator::Values { limit: *limit, latest: Vec::new() },
            Function::Top(_) => Accumulator::Top(AHashMap::new()),
            Function::Decayed { half_life, .. } => Accumulator::Decayed(DecayedSum::new(*half_life)),
        }
    }

    /// Takes one event. An aggregate of a property is given only events in which it is present.
    pub(crate) fn add(&mut self, stamp: Stamp, value: Option<&Value>, order: &dyn MessageOrder) {
        match self {
            Accumulator::Count(count) => *count += 1,
            Accumulator::Sum(total) => total.add(value),
            Accumulator::Average { total, count } => {
                total.add(value);
                *count += 1;
            }
            Accumulator::Minimum(least) => replace_if(least, value, |new, old| less(new, old)),
            Accumulator::Maximum(greatest) => replace_if(greatest, value, |new, old| less(old, new)),
            Accumulator::First(first) => {
                if first.as_ref().is_none_or(|(old, _)| old.is_after(stamp, order)) {
                    *first = Some((stamp, value.cloned()));
                }
            }
            Accumulator::Last(last) => {
                if last.as_ref().is_none_or(|(old, _)| stamp.is_after(*old, order)) {
                    *last = Some((stamp, value.cloned()));
                }
            }
            Accumulator::LastTwo(last, previous) => add_to_last_two(last, previous, stamp, order),
            Accumulator::Distinct(values) => values.extend(value.cloned()),
            Accumulator::Values { limit, latest } => add_to_latest(latest, *limit, stamp, value, order),
            Accumulator::Top(values) => add_to_top(values, stamp, value, order),
            Accumulator::Decayed(sum) => sum.add(value.map_or(1.0, as_float), stamp.time),
        }
    }

    /// The aggregate's value over the events taken. Of `First` and `Last`: the value if there is one,
    /// else the time.
    pub(crate) fn read(&self, now: Time) -> Reading {
        let value = match self {
            Accumulator::Count(count) => Some(Value::Int(as_int(*count))),
            Accumulator::Sum(total) => Some(total.value()),
            Accumulator::Average { total, count } => total.average(*count),
            Accumulator::Minimum(value) | Accumulator::Maximum(value) => value.clone(),
            Accumulator::First(event) | Accumulator::Last(event) => event.as_ref().map(|(stamp, value)| {
                value.clone().unwrap_or(Value::Time(stamp.time))
            }),
            Accumulator::LastTwo(_, previous) => previous.map(|stamp| Value::Time(stamp.time)),
            Accumulator::Distinct(values) => Some(Value::Int(as_int(values.len() as u64))),
            Accumulator::Values { latest, .. } => {
                Some(Value::List(latest.iter().map(|(_, value)| value.clone()).collect()))
            }
            // Filled in by `top`, which needs the order of messages.
            Accumulator::Top(_) => None,
            Accumulator::Decayed(sum) => {
                let value = Some(Value::Float(sum.value(now)));
                return Reading { value, motion: Motion::Decaying(sum.half_life()), until: Time::NEVER };
            }
        };
        Reading::fixed(value)
    }

    /// How many values a growing accumulator holds; 0 for those of fixed size.
    pub(crate) fn entries(&self) -> usize {
        match self {
            Accumulator::Distinct(values) => values.len(),
            Accumulator::Top(values) => values.len(),
            _ => 0,
        }
    }

    /// Whether taking `value` makes the accumulator larger.
    pub(crate) fn grows_by(&self, value: &Value) -> bool {
        match self {
            Accumulator::Distinct(values) => !values.contains(value),
            Accumulator::Top(values) => !values.contains_key(value),
            _ => false,
        }
    }
}

/// The most frequent value; of equally frequent ones, the one seen last.
pub(crate) fn top(values: &AHashMap<Value, (u64, Stamp)>, order: &dyn MessageOrder) -> Option<Value> {
    let most = values.iter().max_by(|(_, (count, last)), (_, (other, other_last))| {
        count.cmp(other).then_with(|| last.compare(*other_last, order))
    });
    most.map(|(value, _)| value.clone())
}

impl Total {
    fn new(property: Option<&Type>) -> Total {
        match property {
            Some(Type::Int) => Total::Int(0),
            _ => Total::Float(ExactSum::default()),
        }
    }

    fn add(&mut self, value: Option<&Value>) {
        match (self, value) {
            (Total::Int(total), Some(Value::Int(value))) => *total += i128::from(*value),
            (Total::Float(total), Some(Value::Float(value))) => total.add(*value),
            _ => debug_assert!(false, "a total takes values of its own type"),
        }
    }

    /// The total; ints beyond 64 bits give the nearest int there is.
    fn value(&self) -> Value {
        match self {
            Total::Int(total) => Value::Int((*total).clamp(i64::MIN.into(), i64::MAX.into()) as i64),
            Total::Float(total) => Value::Float(total.value().clamp(-MAX_FLOAT, MAX_FLOAT)),
        }
    }

    fn average(&self, count: u64) -> Option<Value> {
        let total = match self {
            Total::Int(total) => *total as f64,
            Total::Float(total) => total.value(),
        };
        if count == 0 { None } else { Value::float(total / count as f64) }
    }
}

fn as_int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn as_float(value: &Value) -> f64 {
    match value {
        Value::Int(value) => *value as f64,
        Value::Float(value) => *value,
        _ => 0.0,
    }
}

fn less(a: &Value, b: &Value) -> bool {
    a.compare(b) == Some(std::cmp::Ordering::Less)
}

fn replace_if(kept: &mut Option<Value>, value: Option<&Value>, better: impl Fn(&Value, &Value) -> bool) {
    let Some(value) = value else { return };
    if kept.as_ref().is_none_or(|old| better(value, old)) {
        *kept = Some(value.clone());
    }
}

fn add_to_last_two(
    last: &mut Option<Stamp>,
    previous: &mut Option<Stamp>,
    stamp: Stamp,
    order: &dyn MessageOrder,
) {
    if last.is_none_or(|last| stamp.is_after(last, order)) {
        *previous = last.replace(stamp);
    } else if previous.is_none_or(|previous| stamp.is_after(previous, order)) {
        *previous = Some(stamp);
    }
}

fn add_to_latest(
    latest: &mut Vec<(Stamp, Value)>,
    limit: u32,
    stamp: Stamp,
    value: Option<&Value>,
    order: &dyn MessageOrder,
) {
    let Some(value) = value else { return };
    if let Some(place) = latest.iter().position(|(_, seen)| seen == value) {
        if !stamp.is_after(latest[place].0, order) {
            return;
        }
        latest.remove(place);
    }
    let place = latest.partition_point(|(seen, _)| seen.is_after(stamp, order));
    latest.insert(place, (stamp, value.clone()));
    latest.truncate(limit as usize);
}

fn add_to_top(
    values: &mut AHashMap<Value, (u64, Stamp)>,
    stamp: Stamp,
    value: Option<&Value>,
    order: &dyn MessageOrder,
) {
    let Some(value) = value else { return };
    let (count, last) = values.entry(value.clone()).or_insert((0, stamp));
    *count += 1;
    if stamp.is_after(*last, order) {
        *last = stamp;
    }
}
