//! States of aggregates as JSON.
//!
//! A stamp is `[epoch milliseconds, place]`, the place being that among the ids of messages that the summary
//! names. An exact sum of floats is the list of its parts, a total of ints a text. The rest of it is of the
//! shape that its function needs; `null` is a state that has taken no event.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::base::exact_sum::ExactSum;
use crate::base::time::Time;
use crate::facts::accumulator::{Accumulator, Total};
use crate::facts::decayed_items::DecayedItems;
use crate::facts::decayed_sum::DecayedSum;
use crate::facts::stamp::{HistoryPlace, Stamp};
use crate::model::value::{Type, Value};

/// A stamp; `place` gives the place of its message among those that are named.
pub(super) fn write_stamp(stamp: Stamp, place: &mut dyn FnMut(HistoryPlace) -> u32) -> Json {
    json!([stamp.time.millis(), place(stamp.place)])
}

/// The stamp in some JSON.
pub(super) fn read_stamp(json: &Json) -> Option<Stamp> {
    let place = u32::try_from(json.get(1)?.as_u64()?).ok()?;
    Some(Stamp { time: Time::from_millis(json.get(0)?.as_i64()?).ok()?, place: HistoryPlace(place) })
}

/// A state.
pub(super) fn write(state: &Accumulator, place: &mut dyn FnMut(HistoryPlace) -> u32) -> Json {
    let values = |values: &mut dyn Iterator<Item = &Value>| values.map(Value::to_json).collect::<Json>();
    match state {
        Accumulator::Count(count) => json!(count),
        Accumulator::Sum(total) => write_total(total),
        Accumulator::Average { total, count } => json!({ "total": write_total(total), "count": count }),
        Accumulator::Minimum(value) | Accumulator::Maximum(value) => {
            value.as_ref().map_or(Json::Null, Value::to_json)
        }
        Accumulator::First(None) | Accumulator::Last(None) => Json::Null,
        Accumulator::First(Some((stamp, value))) | Accumulator::Last(Some((stamp, value))) => {
            json!([write_stamp(*stamp, place), value.as_ref().map(Value::to_json)])
        }
        Accumulator::LastTwo(last, previous) => {
            last.iter().chain(previous).map(|stamp| write_stamp(*stamp, place)).collect()
        }
        Accumulator::Distinct(distinct) => values(&mut distinct.iter()),
        Accumulator::Values { latest, .. } => {
            let latest = latest.iter();
            latest.map(|(stamp, value)| json!([write_stamp(*stamp, place), value.to_json()])).collect()
        }
        Accumulator::Top(values) => {
            let values = values.iter();
            let entry = |(value, (count, stamp)): (&Value, &(u64, Stamp))| {
                json!([value.to_json(), count, write_stamp(*stamp, place)])
            };
            values.map(entry).collect()
        }
        Accumulator::Decayed(sum) => {
            let (_, landmark, total) = sum.parts();
            json!({ "landmark": landmark, "sum": total.partials() })
        }
        Accumulator::DecayedItems(items) => {
            let entry = |(item, sum): (&Arc<str>, &DecayedSum)| {
                let (_, landmark, total) = sum.parts();
                json!([&**item, landmark, total.partials()])
            };
            items.sums().map(entry).collect()
        }
    }
}

/// The state in some JSON, of an aggregate whose state before any event is `fresh`; `of_values` is the type
/// of the values that it keeps. Nothing if it is the state of another one.
pub(super) fn read(json: &Json, fresh: Accumulator, of_values: &Type) -> Option<Accumulator> {
    if json.is_null() {
        return Some(fresh);
    }
    let value = |json: &Json| Value::from_json(json, of_values).ok()?;
    Some(match fresh {
        Accumulator::Count(_) => Accumulator::Count(json.as_u64()?),
        Accumulator::Sum(total) => Accumulator::Sum(read_total(json, &total)?),
        Accumulator::Average { total, .. } => Accumulator::Average {
            total: read_total(json.get("total")?, &total)?,
            count: json.get("count")?.as_u64()?,
        },
        Accumulator::Minimum(_) => Accumulator::Minimum(Some(value(json)?)),
        Accumulator::Maximum(_) => Accumulator::Maximum(Some(value(json)?)),
        Accumulator::First(_) => Accumulator::First(Some(read_event(json, &value)?)),
        Accumulator::Last(_) => Accumulator::Last(Some(read_event(json, &value)?)),
        Accumulator::LastTwo(..) => {
            let stamps: Option<Vec<Stamp>> = json.as_array()?.iter().map(read_stamp).collect();
            let mut stamps = stamps?.into_iter();
            Accumulator::LastTwo(stamps.next(), stamps.next())
        }
        Accumulator::Distinct(_) => {
            let values: Option<_> = json.as_array()?.iter().map(value).collect();
            Accumulator::Distinct(values?)
        }
        Accumulator::Values { limit, .. } => {
            let entry = |entry: &Json| Some((read_stamp(entry.get(0)?)?, value(entry.get(1)?)?));
            let latest: Option<Vec<_>> = json.as_array()?.iter().map(entry).collect();
            Accumulator::Values { limit, latest: latest? }
        }
        Accumulator::Top(_) => {
            let entry = |entry: &Json| {
                let seen = (entry.get(1)?.as_u64()?, read_stamp(entry.get(2)?)?);
                Some((value(entry.get(0)?)?, seen))
            };
            let values: Option<_> = json.as_array()?.iter().map(entry).collect();
            Accumulator::Top(values?)
        }
        Accumulator::Decayed(sum) => {
            let landmark = json.get("landmark")?.as_i64()?;
            Accumulator::Decayed(DecayedSum::from_parts(
                sum.half_life(),
                landmark,
                read_sum(json.get("sum")?)?,
            ))
        }
        Accumulator::DecayedItems(items) => {
            let half_life = items.half_life();
            let entry = |entry: &Json| {
                let (landmark, sum) = (entry.get(1)?.as_i64()?, read_sum(entry.get(2)?)?);
                Some((Arc::from(entry.get(0)?.as_str()?), DecayedSum::from_parts(half_life, landmark, sum)))
            };
            let sums: Option<Vec<_>> = json.as_array()?.iter().map(entry).collect();
            Accumulator::DecayedItems(DecayedItems::from_sums(half_life, sums?.into_iter()))
        }
    })
}

fn read_event(json: &Json, value: &dyn Fn(&Json) -> Option<Value>) -> Option<(Stamp, Option<Value>)> {
    let of_property = json.get(1).filter(|json| !json.is_null());
    let of_property = match of_property {
        Some(json) => Some(value(json)?),
        None => None,
    };
    Some((read_stamp(json.get(0)?)?, of_property))
}

fn write_total(total: &Total) -> Json {
    match total {
        Total::Int(total) => json!(total.to_string()),
        Total::Float(sum) => json!(sum.partials()),
    }
}

fn read_total(json: &Json, fresh: &Total) -> Option<Total> {
    Some(match fresh {
        Total::Int(_) => Total::Int(json.as_str()?.parse().ok()?),
        Total::Float(_) => Total::Float(read_sum(json)?),
    })
}

fn read_sum(json: &Json) -> Option<ExactSum> {
    let mut sum = ExactSum::default();
    for partial in json.as_array()? {
        sum.add(partial.as_f64()?);
    }
    Some(sum)
}
