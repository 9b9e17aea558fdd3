//! What an aggregate needs to know of the events it has taken, and nothing more.
//!
//! One accumulator serves both ways of keeping an aggregate: over all events it is kept and fed; over
//! a window it is filled anew from the log. Every accumulator is a commutative fold of a set, so
//! events may arrive in any order.

use std::cmp::Ordering;

use ahash::{AHashMap, AHashSet};

use crate::base::exact_sum::ExactSum;
use crate::base::limits::MAX_FLOAT;
use crate::base::time::Time;
use crate::facts::decayed_items::DecayedItems;
use crate::facts::decayed_sum::DecayedSum;
use crate::facts::stamp::{MessageOrder, Stamp};
use crate::model::value::{Type, Value};
use crate::rules::evaluate::Reading;
use crate::rules::expression::Function;
use crate::rules::lists::{Items, Weighing};

/// The state of one aggregate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Accumulator {
    Count(u64),
    Sum(Total),
    Average {
        total: Total,
        count: u64,
    },
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
    Values {
        limit: u32,
        latest: Vec<(Stamp, Value)>,
    },
    /// How often each value was seen, and when last.
    Top(AHashMap<Value, (u64, Stamp)>),
    Decayed(DecayedSum),
    DecayedItems(DecayedItems),
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
            Function::Values { most, .. } => Accumulator::Values { limit: *most, latest: Vec::new() },
            Function::Top(_) => Accumulator::Top(AHashMap::new()),
            Function::Decayed { half_life, .. } => Accumulator::Decayed(DecayedSum::new(*half_life)),
            Function::DecayedItems { half_life, .. } => {
                Accumulator::DecayedItems(DecayedItems::new(*half_life))
            }
        }
    }

    /// Takes one event. An aggregate of a property is given only events in which it is present.
    pub(crate) fn add(&mut self, stamp: Stamp, value: Option<&Value>, order: &dyn MessageOrder) {
        match self {
            Accumulator::Count(count) => *count += 1,
            Accumulator::Sum(total) => total.add(value),
            Accumulator::Average { total, count } => {
                if value.is_some_and(is_number) {
                    total.add(value);
                    *count += 1;
                }
            }
            Accumulator::Minimum(least) => keep_extreme(least, value, Ordering::Less),
            Accumulator::Maximum(greatest) => keep_extreme(greatest, value, Ordering::Greater),
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
            Accumulator::Top(values) => add_to_top(values, stamp, 1, value, order),
            Accumulator::Decayed(sum) => match value {
                None => sum.add(1.0, stamp.time),
                Some(Value::Int(weight)) => sum.add(*weight as f64, stamp.time),
                Some(Value::Float(weight)) => sum.add(*weight, stamp.time),
                Some(_) => {}
            },
            // They are weighed by more than one property; see `add_weighed`.
            Accumulator::DecayedItems(_) => debug_assert!(false, "items come with their weights"),
        }
    }

    /// Takes the items of one event, each with its weight.
    pub(crate) fn add_weighed(&mut self, time: Time, properties: &[Option<Value>], weighing: &Weighing) {
        if let Accumulator::DecayedItems(items) = self {
            weighing.of(properties).for_each(|(item, weight)| items.add(item, weight, time));
        }
    }

    /// Takes one event with each of the values that its property has for the aggregate.
    pub(crate) fn add_items(
        &mut self,
        stamp: Stamp,
        value: Option<&Value>,
        items: &Items,
        order: &dyn MessageOrder,
    ) {
        match (value, items) {
            (Some(value), Items::Elements(_)) => {
                items.of(value).for_each(|value| self.add(stamp, Some(value), order));
            }
            (value, _) => self.add(stamp, value, order),
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
            Accumulator::First(event) | Accumulator::Last(event) => {
                event.as_ref().map(|(stamp, value)| value.clone().unwrap_or(Value::Time(stamp.time)))
            }
            Accumulator::LastTwo(_, previous) => previous.map(|stamp| Value::Time(stamp.time)),
            Accumulator::Distinct(values) => Some(Value::Int(as_int(values.len() as u64))),
            Accumulator::Values { latest, .. } => {
                Some(Value::List(latest.iter().map(|(_, value)| value.clone()).collect()))
            }
            // Filled in by `top`, which needs the order of messages.
            Accumulator::Top(_) => None,
            Accumulator::Decayed(sum) => {
                return Reading::decaying(Value::Float(sum.value(now)), sum.half_life());
            }
            Accumulator::DecayedItems(items) => {
                return Reading::decaying(items.value(now), items.half_life());
            }
        };
        Reading::fixed(value)
    }

    /// How many values a growing accumulator holds; 0 for those of fixed size.
    pub(crate) fn entries(&self) -> usize {
        match self {
            Accumulator::Distinct(values) => values.len(),
            Accumulator::Top(values) => values.len(),
            Accumulator::DecayedItems(items) => items.len(),
            _ => 0,
        }
    }

    /// By how many values an event with these properties makes it larger; `value` is that of the property it
    /// is of.
    pub(crate) fn growth(
        &self,
        value: Option<&Value>,
        properties: &[Option<Value>],
        weighing: Option<&Weighing>,
    ) -> usize {
        let is_new =
            |is_known: &dyn Fn(&Value) -> bool| usize::from(value.is_some_and(|value| !is_known(value)));
        match (self, weighing) {
            (Accumulator::Distinct(values), _) => is_new(&|value| values.contains(value)),
            (Accumulator::Top(values), _) => is_new(&|value| values.contains_key(value)),
            (Accumulator::DecayedItems(items), Some(weighing)) => {
                items.new_among(weighing.of(properties).map(|(item, _)| item))
            }
            _ => 0,
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
            (Total::Float(total), Some(Value::Int(value))) => add_exactly(total, *value),
            // Of a property of any type, only numbers add up.
            _ => {}
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

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Int(_) | Value::Float(_))
}

/// Adds an int that may need more bits than one float has.
fn add_exactly(total: &mut ExactSum, value: i64) {
    let rounded = value as f64;
    total.add(rounded);
    total.add((i128::from(value) - rounded as i128) as f64);
}

/// Keeps the least or greatest value.
///
/// Properties of undeclared events may hold values of several kinds, which have no order among each
/// other. Only the first kind that is there at all counts: numbers, then times, texts, bools. Lists
/// and maps never do. Of an int and an equal float, which print differently, the int is kept. So the
/// result depends on which values there are, and not on which came first.
pub(super) fn keep_extreme(kept: &mut Option<Value>, value: Option<&Value>, wanted: Ordering) {
    let Some((value, kind)) = value.and_then(|value| Some((value, kind(value)?))) else { return };
    let replaces = |old: &Value| match (kind.cmp(&self::kind(old).unwrap_or(u8::MAX)), value.compare(old)) {
        (Ordering::Equal, Some(Ordering::Equal)) => matches!((value, old), (Value::Int(_), Value::Float(_))),
        (Ordering::Equal, order) => order == Some(wanted),
        (kinds, _) => kinds == Ordering::Less,
    };
    if kept.as_ref().is_none_or(replaces) {
        *kept = Some(value.clone());
    }
}

/// The rank of a value's kind among those that have an order.
fn kind(value: &Value) -> Option<u8> {
    match value {
        Value::Int(_) | Value::Float(_) => Some(0),
        Value::Time(_) => Some(1),
        Value::String(_) => Some(2),
        Value::Bool(_) => Some(3),
        Value::Duration(_) | Value::List(_) | Value::Map(_) => None,
    }
}

pub(super) fn add_to_last_two(
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

pub(super) fn add_to_latest(
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

/// Adds a value that was seen so many `times`, the last time as `stamp` says.
pub(super) fn add_to_top(
    values: &mut AHashMap<Value, (u64, Stamp)>,
    stamp: Stamp,
    times: u64,
    value: Option<&Value>,
    order: &dyn MessageOrder,
) {
    let Some(value) = value else { return };
    // An int and an equal float are one value, written as the latest of them is.
    let (written, count, last) = match values.remove_entry(value) {
        Some((written, (count, last))) if last.is_after(stamp, order) => (written, count + times, last),
        Some((_, (count, _))) => (value.clone(), count + times, stamp),
        None => (value.clone(), times, stamp),
    };
    values.insert(written, (count, last));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Duration;
    use crate::facts::stamp::{HistoryPlace, NoMessages};
    use crate::model::ids::PropertyId;

    /// What `function` gives of the values, which must be the same in any order of arrival.
    fn of_any(function: &Function, values: &[Value]) -> String {
        let mut events: Vec<(Stamp, &Value)> = Vec::new();
        for (number, value) in values.iter().enumerate() {
            let place = HistoryPlace(u32::try_from(number).unwrap());
            events.push((Stamp { time: Time::from_raw(0), place }, value));
        }
        let mut results = Vec::new();
        permute(&mut events, 0, &mut |events| {
            let mut accumulator = Accumulator::new(function, Some(&Type::Any));
            events.iter().for_each(|(stamp, value)| accumulator.add(*stamp, Some(value), &NoMessages));
            let value = match &accumulator {
                Accumulator::Top(values) => top(values, &NoMessages),
                _ => accumulator.read(Time::from_raw(0)).value,
            };
            results.push(value.map_or("missing".to_owned(), |value| value.to_string()));
        });
        results.sort();
        results.dedup();
        results.join(" or ")
    }

    /// `values(property, most)`.
    fn values(most: u32) -> Function {
        Function::Values { property: PropertyId(0), items: Items::Whole, most }
    }

    fn permute<T: Copy>(items: &mut [T], fixed: usize, seen: &mut dyn FnMut(&[T])) {
        if fixed == items.len() {
            seen(items);
        }
        for place in fixed..items.len() {
            items.swap(fixed, place);
            permute(items, fixed + 1, seen);
            items.swap(fixed, place);
        }
    }

    #[test]
    fn values_of_any_type_count_by_what_they_are() {
        let property = PropertyId(0);
        let text = Value::string;
        let list = Value::List([Value::Int(9)].into());
        let mixed = [Value::Int(4), text("a"), Value::Float(2.5), Value::Bool(true), list.clone()];
        let words = [text("b"), Value::Bool(false), text("a"), list.clone()];
        let bools = [Value::Bool(true), list.clone(), Value::Bool(false)];
        let lists = [list.clone(), list];
        let decayed = Function::Decayed { half_life: Duration::parse("1d").unwrap(), weight: Some(property) };
        for (function, of_mixed, of_words, of_bools, of_lists) in [
            (Function::Sum(property), "6.5", "0.0", "0.0", "0.0"),
            (Function::Average(property), "3.25", "missing", "missing", "missing"),
            (Function::Minimum(property), "2.5", "\"a\"", "false", "missing"),
            (Function::Maximum(property), "4", "\"b\"", "true", "missing"),
            (Function::Distinct(property), "5", "4", "3", "1"),
            (Function::Top(property), "[9]", "[9]", "false", "[9]"),
            (Function::First(property), "4", "\"b\"", "true", "[9]"),
            (Function::Last(property), "[9]", "[9]", "false", "[9]"),
            (values(2), "[[9],true]", "[[9],\"a\"]", "[false,[9]]", "[[9]]"),
            (decayed, "6.5", "0.0", "0.0", "0.0"),
        ] {
            assert_eq!(of_any(&function, &mixed), of_mixed, "{function:?}");
            assert_eq!(of_any(&function, &words), of_words, "{function:?}");
            assert_eq!(of_any(&function, &bools), of_bools, "{function:?}");
            assert_eq!(of_any(&function, &lists), of_lists, "{function:?}");
        }
    }

    #[test]
    fn ints_among_floats_are_exact_and_have_one_spelling() {
        let property = PropertyId(0);
        let large = [
            Value::Int(i64::MAX),
            Value::Float(0.5),
            Value::Int(-i64::MAX),
            Value::Int(i64::MAX - 1),
            Value::Int(1 - i64::MAX),
        ];
        assert_eq!(of_any(&Function::Sum(property), &large), "0.5");
        let equal = [Value::Float(2.0), Value::Int(2), Value::Float(2.0), Value::Int(1)];
        assert_eq!(of_any(&Function::Maximum(property), &equal), "2");
        assert_eq!(of_any(&Function::Minimum(property), &equal[..3]), "2");
        assert_eq!(of_any(&Function::Top(property), &equal), "2.0");
        assert_eq!(of_any(&values(3), &equal), "[1,2.0]");
        assert_eq!(of_any(&Function::Distinct(property), &equal), "2");
    }
}
