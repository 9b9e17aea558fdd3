//! What is published beside a catalog: values that no author of it writes, because they are computed
//! elsewhere and change more often than the rules do.
//!
//! They are a part of the catalog that is in force, so they change for everybody at once, as it does.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::time::{Duration, Time};
use crate::model::value::{Type, Value};

/// What is published, by the names of what it is published for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Published {
    /// The members of lists, sorted, in the place of those that the catalog names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) lists: BTreeMap<String, Arc<[String]>>,
    /// The cut-points of quantiles.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) cuts: BTreeMap<String, Cuts>,
    /// Whether this is of a catalog that was replaced, and its lists have been let go of.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) without_lists: bool,
}

/// The cut-points of a quantile, ascending: who has the value of one or more is above it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cuts {
    Int(Vec<i64>),
    Float(Vec<f64>),
    /// Milliseconds since 1970.
    Time(Vec<i64>),
    /// Milliseconds.
    Duration(Vec<i64>),
}

/// What kind of value cut-points are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CutKind {
    Int,
    Float,
    Time,
    Duration,
}

impl CutKind {
    /// The kind of values of a type, if they can be cut.
    pub(crate) fn of(ty: &Type) -> Option<CutKind> {
        match ty {
            Type::Int => Some(CutKind::Int),
            Type::Float => Some(CutKind::Float),
            Type::Time => Some(CutKind::Time),
            Type::Duration => Some(CutKind::Duration),
            _ => None,
        }
    }

    /// Any value of the kind.
    pub(crate) fn zero(self) -> Value {
        match self {
            CutKind::Int => Value::Int(0),
            CutKind::Float => Value::Float(0.0),
            CutKind::Time => Value::Time(Time::from_raw(0)),
            CutKind::Duration => Value::Duration(Duration::ZERO),
        }
    }

    /// A number for a value, in the order of values.
    pub(crate) fn rank(self, value: &Value) -> Option<i64> {
        match (self, value) {
            (CutKind::Int, Value::Int(number)) => Some(*number),
            (CutKind::Float, Value::Float(number)) => Some(ordered(*number)),
            (CutKind::Float, Value::Int(number)) => Some(ordered(*number as f64)),
            (CutKind::Time, Value::Time(time)) => Some(time.millis()),
            (CutKind::Duration, Value::Duration(duration)) => Some(duration.millis()),
            _ => None,
        }
    }
}

/// The bits of a finite float as a number in the order of floats, and back: it is its own inverse on bits.
fn ordered(number: f64) -> i64 {
    // 0.0 and -0.0 are one value.
    flipped((number + 0.0).to_bits().cast_signed())
}

fn flipped(bits: i64) -> i64 {
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

impl Cuts {
    /// Cut-points of a kind, by their ranks.
    pub(crate) fn of(kind: CutKind, ranks: Vec<i64>) -> Cuts {
        match kind {
            CutKind::Int => Cuts::Int(ranks),
            CutKind::Float => Cuts::Float(
                ranks.into_iter().map(|rank| f64::from_bits(flipped(rank).cast_unsigned())).collect(),
            ),
            CutKind::Time => Cuts::Time(ranks),
            CutKind::Duration => Cuts::Duration(ranks),
        }
    }

    /// The ranks of the cut-points, if they are of a kind and so many.
    pub(crate) fn ranks(&self, kind: CutKind, many: usize) -> Option<Vec<i64>> {
        let ranks: Option<Vec<i64>> = self.values().iter().map(|cut| kind.rank(cut)).collect();
        let is_kind = matches!(
            (self, kind),
            (Cuts::Int(_), CutKind::Int)
                | (Cuts::Float(_), CutKind::Float)
                | (Cuts::Time(_), CutKind::Time)
                | (Cuts::Duration(_), CutKind::Duration)
        );
        ranks.filter(|ranks| is_kind && ranks.len() == many)
    }

    /// The cut-points as values.
    pub(crate) fn values(&self) -> Vec<Value> {
        match self {
            Cuts::Int(cuts) => cuts.iter().map(|cut| Value::Int(*cut)).collect(),
            Cuts::Float(cuts) => cuts.iter().map(|cut| Value::Float(*cut)).collect(),
            Cuts::Time(cuts) => cuts.iter().map(|cut| Value::Time(Time::from_raw(*cut))).collect(),
            Cuts::Duration(cuts) => {
                cuts.iter().map(|cut| Value::Duration(Duration::from_millis(*cut))).collect()
            }
        }
    }
}

impl Published {
    /// Whether nothing is published.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Published::default()
    }

    /// What is kept of it for good: lists may have a million members, and each change of one makes another
    /// catalog.
    #[must_use]
    pub(crate) fn let_go_of_lists(mut self) -> Published {
        self.without_lists |= !self.lists.is_empty();
        self.lists.clear();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_in_the_order_of_floats_and_lead_back() {
        let floats = [f64::MIN, -2.5, -1.0, -f64::MIN_POSITIVE, 0.0, 1e-300, 0.1, 0.2, 3.0, f64::MAX];
        let ranks: Vec<i64> =
            floats.iter().filter_map(|float| CutKind::Float.rank(&Value::Float(*float))).collect();
        assert!(ranks.is_sorted_by(|a, b| a < b));
        assert_eq!(Cuts::of(CutKind::Float, ranks.clone()), Cuts::Float(floats.to_vec()));
        assert_eq!(Cuts::Float(floats.to_vec()).ranks(CutKind::Float, floats.len()), Some(ranks));
        assert_eq!(CutKind::Float.rank(&Value::Float(-0.0)), CutKind::Float.rank(&Value::Float(0.0)));
        assert_eq!(Cuts::Int(vec![1, 2]).ranks(CutKind::Time, 2), None);
    }
}
