//! An event by itself, as a `where` reads it: its properties, and nothing of the customer.

use crate::base::time::{Duration, Time};
use crate::model::ids::{AggregateId, AttributeId, PropertyId, SegmentId};
use crate::model::value::Value;
use crate::rules::evaluate::{Facts, Reading};
use crate::rules::expression::{Affinity, Expr, ItemsAsked, UnitKind};

/// The properties of one event.
pub(crate) struct OneEvent<'a>(pub(crate) &'a [Option<Value>]);

impl Facts for OneEvent<'_> {
    fn now(&self) -> Time {
        Time::BEFORE_ALL
    }

    fn attribute(&self, _: AttributeId) -> Option<Value> {
        None
    }

    fn default_of(&self, _: AttributeId) -> Option<Value> {
        None
    }

    fn unit(&self, _: UnitKind) -> Option<Value> {
        None
    }

    fn property(&self, property: PropertyId) -> Option<Value> {
        self.0.get(property.index()).cloned().flatten()
    }

    fn context(&self, _: PropertyId) -> Option<Value> {
        None
    }

    fn given_variant(&self, _: &str) -> Option<Value> {
        None
    }

    fn trigger(&self, _: PropertyId) -> Option<Value> {
        None
    }

    fn segment(&self, _: SegmentId) -> Reading {
        Reading::fixed(None)
    }

    fn aggregate(&self, _: AggregateId) -> Reading {
        Reading::fixed(None)
    }

    fn affinity(&self, _: &Affinity, _: ItemsAsked<'_>) -> Value {
        Value::Map([].into())
    }

    fn held(&self, _: &Expr, _: Duration) -> Reading {
        Reading::fixed(None)
    }
}
