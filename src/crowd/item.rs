//! What is counted, and what says where: a text or a whole number.

use std::sync::Arc;

use crate::model::value::Value;

/// A text or a whole number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Item {
    Int(i64),
    Text(Arc<str>),
}

impl Item {
    /// The item that a value is, if it can be one.
    pub(crate) fn of(value: &Value) -> Option<Item> {
        match value {
            Value::Int(number) => Some(Item::Int(*number)),
            Value::String(text) => Some(Item::Text(Arc::clone(text))),
            _ => None,
        }
    }

    /// The value that it is.
    pub(crate) fn value(&self) -> Value {
        match self {
            Item::Int(number) => Value::Int(*number),
            Item::Text(text) => Value::String(Arc::clone(text)),
        }
    }

    /// What it takes in memory beside itself.
    pub(crate) fn text_bytes(&self) -> usize {
        match self {
            Item::Int(_) => 0,
            // With the two counts of those who share it.
            Item::Text(text) => text.len() + 16,
        }
    }
}
