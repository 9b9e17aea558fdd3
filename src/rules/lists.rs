//! Values that are lists: what a property has for `values`, and one list without another.

use std::sync::Arc;

use crate::model::value::Value;

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
