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
        let (whole, elements): (_, &[Value]) = match (self, value) {
            (Items::Elements(_), Value::List(elements)) => (None, elements),
            (Items::Elements(_), _) => (None, &[]),
            (Items::Whole, value) => (Some(value), &[]),
        };
        let field = if let Items::Elements(field) = self { field.clone() } else { None };
        let elements = elements.iter().filter_map(move |element| match &field {
            Some(field) => element.field(field),
            None => Some(element),
        });
        whole.into_iter().chain(elements)
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
        let (whole, elements): (_, &[Value]) = match (&self.items, value(self.property)) {
            (Items::Whole, whole) => (whole, &[]),
            (Items::Elements(_), Some(Value::List(elements))) => (None, elements),
            (Items::Elements(_), _) => (None, &[]),
        };
        let of_event = match &self.weight {
            Weight::One => Some(1.0),
            Weight::Property(property) => value(*property).and_then(number),
            Weight::Field(_) => None,
        };
        let elements = elements.iter().filter_map(move |element| {
            let item = match &self.items {
                Items::Elements(Some(field)) => element.field(field)?,
                Items::Elements(None) | Items::Whole => element,
            };
            let weight = match &self.weight {
                Weight::Field(field) => element.field(field).and_then(number),
                Weight::One | Weight::Property(_) => of_event,
            };
            Some((item, weight))
        });
        let all = whole.map(|item| (item, of_event)).into_iter().chain(elements);
        all.filter_map(|(item, weight)| match item {
            Value::String(item) => Some((item, weight?)),
            _ => None,
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
