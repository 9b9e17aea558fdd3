//! An expression that conditions measure, and the tests on its value, sorted.
//!
//! All tests on one subject lie side by side among the graph's nodes: first the lower bounds in
//! ascending order, then the upper bounds in descending order, then the equalities, then the truth of
//! the subject itself. So the true ones among the bounds are a prefix, and a change of the value flips
//! just the tests between the old prefix and the new one. What the old prefix was is read from the
//! nodes' own bits; no old value is kept anywhere.
//!
//! Invariants:
//! 1. `lower` ascends, `upper` descends, neither repeats a key.
//! 2. A subject's value always has the one type that its keys were made for.

use ahash::AHashMap;
use smallvec::SmallVec;

use crate::base::time::{Duration, Time};
use crate::model::ids::{AttributeId, SourceId};
use crate::model::value::{Type, Value};
use crate::rules::evaluate::{Motion, Reading};
use crate::rules::expression::{Comparison, Expr};
use crate::rules::motion::{decay_crossing, linear_crossing};

/// The place of a subject in the graph's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SubjectId(pub(crate) u32);

/// A measured expression.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) expr: Expr,
    /// The node at whose place it is measured, if it reads other nodes.
    pub(crate) probe: Option<u32>,
    /// The node of its first test.
    pub(crate) first: u32,
    /// Keys `k` of the tests `value >= k`.
    pub(crate) lower: Vec<i64>,
    /// Keys `k` of the tests `value <= k`.
    pub(crate) upper: Vec<i64>,
    /// Which equality tests each value makes true, as places among the equalities.
    pub(crate) equal: AHashMap<Value, SmallVec<[u32; 2]>>,
    /// Of a list, which of these tests each element makes true.
    pub(crate) elements: AHashMap<Value, SmallVec<[u32; 2]>>,
    /// How many equality tests there are, of the value or its elements.
    pub(crate) equalities: u32,
    /// Whether there is a test of the subject's own truth.
    pub(crate) truth: bool,
    pub(crate) reads: Reads,
}

/// What an expression depends on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads {
    /// Whether who the customer is.
    pub(crate) ids: bool,
    pub(crate) attributes: Vec<AttributeId>,
    pub(crate) sources: Vec<SourceId>,
}

/// One test on a subject.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Test {
    /// The value is at least that of the key.
    AtLeast(i64),
    /// The value is at most that of the key.
    AtMost(i64),
    /// The value is one of these.
    OneOf(Vec<Value>),
    /// The value is a list that has this element.
    Has(Value),
    /// The value is `true`.
    Truth,
    /// Never, whatever the value.
    Never,
}

impl Subject {
    /// How many of the lower and of the upper bounds a value satisfies.
    pub(crate) fn satisfied(&self, value: Option<&Value>) -> (usize, usize) {
        match value.and_then(key) {
            Some(key) => (
                self.lower.partition_point(|bound| *bound <= key),
                self.upper.partition_point(|bound| *bound >= key),
            ),
            None => (0, 0),
        }
    }

    /// The equality tests that a value makes true, as places among them; in no order, some more than once.
    pub(crate) fn equalities(&self, value: &Value) -> SmallVec<[u32; 2]> {
        let mut places = self.equal.get(value).cloned().unwrap_or_default();
        if let (Value::List(elements), false) = (value, self.elements.is_empty()) {
            places
                .extend(elements.iter().filter_map(|element| self.elements.get(element)).flatten().copied());
        }
        places
    }

    /// The next instant at which one of the tests may flip by itself.
    pub(crate) fn deadline(&self, reading: &Reading, now: Time) -> Time {
        let Some(value) = reading.value.as_ref() else { return reading.until };
        let crossing = |threshold: &Value| match reading.motion {
            Motion::Still => Time::NEVER,
            Motion::Linear(slope) => linear_crossing(value, slope, threshold, 0, now),
            Motion::Decaying(half_life) => decay_crossing(value, threshold, half_life, now),
        };
        if reading.motion == Motion::Still {
            return reading.until;
        }
        let (lower, upper) = self.satisfied(Some(value));
        let neighbours = neighbours(&self.lower, lower).chain(neighbours(&self.upper, upper));
        let bounds = neighbours.map(|key| crossing(&threshold(value, key)));
        let equal = self.equal.keys().map(crossing);
        bounds.chain(equal).fold(reading.until, Time::min)
    }
}

/// The bounds on both sides of the place `at`.
fn neighbours(bounds: &[i64], at: usize) -> impl Iterator<Item = i64> {
    bounds[at.saturating_sub(1)..bounds.len().min(at + 1)].iter().copied()
}

/// The key of a value: its order among values of its type, as an int.
fn key(value: &Value) -> Option<i64> {
    match value {
        Value::Int(value) => Some(*value),
        Value::Float(value) => Some(float_key(*value)),
        Value::Time(value) => Some(value.millis()),
        Value::Duration(value) => Some(value.millis()),
        _ => None,
    }
}

/// The value of `key`, of the type that `like` has.
fn threshold(like: &Value, key: i64) -> Value {
    match like {
        Value::Float(_) => Value::Float(f64::from_bits((key ^ (((key >> 63) as u64) >> 1) as i64) as u64)),
        Value::Time(_) => Value::Time(Time::from_raw(key)),
        Value::Duration(_) => Value::Duration(Duration::from_millis(key)),
        _ => Value::Int(key),
    }
}

/// Floats in ascending order have ascending keys.
fn float_key(value: f64) -> i64 {
    let bits = value.to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// The test that comparing a subject of type `ty` with `constant` is, if it can be a sorted one.
pub(crate) fn bound_test(ty: &Type, comparison: Comparison, constant: &Value) -> Option<Test> {
    // Of the ints that satisfy a comparison with a fraction, the extreme one.
    let (at, exact) = match (ty, constant) {
        (Type::Int, Value::Int(constant)) => (*constant, true),
        (Type::Int, Value::Float(constant)) if constant.abs() < 9e18 => {
            (libm::floor(*constant) as i64, libm::floor(*constant) == *constant)
        }
        (Type::Float, Value::Float(constant)) => (float_key(*constant), true),
        (Type::Float, Value::Int(constant)) if constant.unsigned_abs() <= 1 << 53 => {
            (float_key(*constant as f64), true)
        }
        (Type::Time, Value::Time(_)) | (Type::Duration, Value::Duration(_)) => (key(constant)?, true),
        _ => return None,
    };
    let above = || at.checked_add(1).map_or(Test::Never, Test::AtLeast);
    let below = || at.checked_sub(1).map_or(Test::Never, Test::AtMost);
    Some(match (comparison, exact) {
        (Comparison::GreaterOrEqual, true) => Test::AtLeast(at),
        (Comparison::Greater, _) | (Comparison::GreaterOrEqual, false) => above(),
        (Comparison::LessOrEqual, _) | (Comparison::Less, false) => Test::AtMost(at),
        (Comparison::Less, true) => below(),
        (Comparison::Equal, _) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_the_order_of_floats() {
        let values = [-1e300, -2.5, -1.0, -1e-300, 0.0, 1e-300, 0.5, 1.0, 1e300];
        for pair in values.windows(2) {
            assert!(float_key(pair[0]) < float_key(pair[1]));
            assert_eq!(threshold(&Value::Float(0.0), float_key(pair[0])), Value::Float(pair[0]));
        }
    }

    #[test]
    fn comparisons_of_ints_with_fractions_are_exact() {
        let test = |comparison, value: f64| bound_test(&Type::Int, comparison, &Value::Float(value));
        assert_eq!(test(Comparison::GreaterOrEqual, 2.5), Some(Test::AtLeast(3)));
        assert_eq!(test(Comparison::Greater, 2.5), Some(Test::AtLeast(3)));
        assert_eq!(test(Comparison::Greater, 2.0), Some(Test::AtLeast(3)));
        assert_eq!(test(Comparison::Less, 2.5), Some(Test::AtMost(2)));
        assert_eq!(test(Comparison::LessOrEqual, -2.5), Some(Test::AtMost(-3)));
        let last = bound_test(&Type::Int, Comparison::Greater, &Value::Int(i64::MAX));
        assert_eq!(last, Some(Test::Never));
    }
}
