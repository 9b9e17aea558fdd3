//! Values that are lists: what a property has for `values` or an affinity, and one list without another.

use std::sync::Arc;

use crate::model::ids::PropertyId;
use crate::model::value::Value;
use crate::rules::motion::number;

/// Which values a property has for `values`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Items {
    /// Its own.
    Whole,
    /// Those of the elements of a list; of elements that are maps, those of a field.
    Elements(Option<Arc<str>>),
}

impl Items {
    /// The values of one event.
    pub(crate) fn of<'v>(&self, value: &'v Value) -> impl Iterator<Item = &'v Value> {
        self.with_bearers(value).map(|(item, _)| item)
    }

    /// The values of one event, each with what has it: the element of the list, or the value itself.
    fn with_bearers<'v>(&self, value: &'v Value) -> impl Iterator<Item = (&'v Value, &'v Value)> {
        let (bearers, field) = match (self, value) {
            (Items::Whole, value) => (std::slice::from_ref(value), None),
            (Items::Elements(field), Value::List(elements)) => (&**elements, field.clone()),
            (Items::Elements(_), _) => (&[][..], None),
        };
        bearers.iter().filter_map(move |bearer| match &field {
            Some(field) => Some((bearer.field(field)?, bearer)),
            None => Some((bearer, bearer)),
        })
    }
}

/// Which items an event has for an affinity, and how much each weighs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Weighing {
    pub(crate) property: PropertyId,
    pub(crate) items: Items,
    pub(crate) weight: Weight,
}

/// How much an item weighs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Weight {
    One,
    /// As much as a property of the event says.
    Property(PropertyId),
    /// As much as a field says, of the element that has the item.
    Field(Arc<str>),
}

impl Weighing {
    /// The items of an event with their weights. What is no text is no item, and what has no number for a
    /// weight does not count.
    pub(crate) fn of<'v>(
        &self,
        properties: &'v [Option<Value>],
    ) -> impl Iterator<Item = (&'v Arc<str>, f64)> {
        let value = |property: PropertyId| properties.get(property.index()).and_then(Option::as_ref);
        let of_event = match &self.weight {
            Weight::One => Some(1.0),
            Weight::Property(property) => value(*property).and_then(number),
            Weight::Field(_) => None,
        };
        let items = value(self.property).into_iter().flat_map(|value| self.items.with_bearers(value));
        items.filter_map(move |(item, bearer)| {
            let weight = match &self.weight {
                Weight::Field(field) => bearer.field(field).and_then(number),
                Weight::One | Weight::Property(_) => of_event,
            };
            match item {
                Value::String(item) => Some((item, weight?)),
                _ => None,
            }
        })
    }
}

/// The elements of a list that another list has not. Ids are compared as texts: tills may number what a web
/// shop names.
pub(crate) fn without(list: &Value, other: &Value) -> Option<Value> {
    let (Value::List(list), Value::List(other)) = (list, other) else { return None };
    let is_same = |a: &Value, b: &Value| match (a, b) {
        (Value::String(text), Value::Int(number)) | (Value::Int(number), Value::String(text)) => {
            **text == *number.to_string()
        }
        (a, b) => a == b,
    };
    let kept = list.iter().filter(|element| !other.iter().any(|unwanted| is_same(element, unwanted)));
    Some(Value::List(kept.cloned().collect()))
}
