//! Values of attributes and properties, and their types.
//!
//! Text is shared (`Arc<str>`), so a value is 24 bytes and its clone is cheap. There is no null:
//! what is missing is `Option::None`, and missing, `null` and never-set are the same thing.
//!
//! Invariants:
//! 1. A float is finite, at most [`MAX_FLOAT`](crate::base::limits::MAX_FLOAT) in magnitude, and not -0.0.
//! 2. The entries of a map are sorted by key, each key once, and no value is missing.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use crate::base::limits::{MAX_FLOAT, MAX_VALUE_DEPTH};
use crate::base::time::{Duration, Time};

/// The type of an attribute, a property or an expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// True or false.
    Bool,
    /// A whole number of 64 bits.
    Int,
    /// A finite number of 64 bits.
    Float,
    /// Text.
    String,
    /// An instant.
    Time,
    /// A length of time: only inside conditions.
    Duration,
    /// A list of values of one type.
    List(Box<Type>),
    /// A map from text to values of one type.
    Map(Box<Type>),
    /// A map with declared fields, sorted by name; other fields are kept, but cannot be read.
    Record(Arc<[(Arc<str>, Type)]>),
    /// Anything: what a bare `list` or `map` holds, or a property of an event that is not declared.
    Any,
}

/// A value that is there.
#[derive(Clone, Debug)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A finite number.
    Float(f64),
    /// Text.
    String(Arc<str>),
    /// An instant.
    Time(Time),
    /// A length of time: only inside conditions.
    Duration(Duration),
    /// A list.
    List(Arc<[Value]>),
    /// A map, sorted by key.
    Map(Arc<[(Arc<str>, Value)]>),
}

/// Why a JSON value does not fit a declared type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// Where in the value, such as `.city` or `[2]`; empty for the value itself.
    pub(crate) path: String,
    /// What is wrong there.
    pub(crate) reason: String,
}

impl Value {
    /// Text as a value.
    pub fn string(text: &str) -> Value {
        Value::String(Arc::from(text))
    }

    /// A float as a value, if it is within bounds.
    pub(crate) fn float(number: f64) -> Option<Value> {
        // Adding zero turns -0.0 into 0.0 and changes no other number.
        (number.is_finite() && number.abs() <= MAX_FLOAT).then_some(Value::Float(number + 0.0))
    }

    /// Reads a JSON value as a value of type `ty`; `null` is missing.
    pub(crate) fn from_json(json: &Json, ty: &Type) -> Result<Option<Value>, Mismatch> {
        read(json, ty, 0)
    }

    /// About how many bytes it takes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Value::String(text) => 16 + text.len(),
            Value::List(items) => {
                16 + items.iter().map(|item| size_of::<Value>() + item.bytes()).sum::<usize>()
            }
            Value::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| 56 + key.len() + value.bytes());
                16 + entries.sum::<usize>()
            }
            _ => 0,
        }
    }

    /// The value as JSON: times as RFC 3339 text, durations as text.
    pub fn to_json(&self) -> Json {
        match self {
            Value::Bool(value) => Json::from(*value),
            Value::Int(value) => Json::from(*value),
            Value::Float(value) => Json::from(*value),
            Value::String(value) => Json::from(&**value),
            Value::Time(value) => Json::from(value.to_string()),
            Value::Duration(value) => Json::from(value.to_string()),
            Value::List(items) => items.iter().map(Value::to_json).collect(),
            Value::Map(entries) => {
                Json::Object(entries.iter().map(|(key, value)| (key.to_string(), value.to_json())).collect())
            }
        }
    }

    /// The value of field `name` of a map.
    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        let Value::Map(entries) = self else { return None };
        let place = entries.binary_search_by(|(key, _)| (**key).cmp(name)).ok()?;
        Some(&entries[place].1)
    }

    /// The order of two values, if they have one: numbers by value whatever their types, text by its
    /// bytes, times and durations by length, false before true. `None` for values of different kinds.
    pub(crate) fn compare(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
            (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
            (Value::Int(a), Value::Float(b)) => Some(compare_int_float(*a, *b)),
            (Value::Float(a), Value::Int(b)) => Some(compare_int_float(*b, *a).reverse()),
            (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
            (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
            (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::String(Arc::from(text))
    }
}

/// Equality as conditions see it: numbers by value whatever their types, lists and maps by their
/// contents, values of different kinds never.
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::List(a), Value::List(b)) => a == b,
            (Value::Map(a), Value::Map(b)) => a == b,
            _ => self.compare(other) == Some(Ordering::Equal),
        }
    }
}

impl Eq for Value {}

/// Numbers that are equal hash alike, whatever their types.
impl std::hash::Hash for Value {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match self {
            Value::Bool(value) => (0_u8, value).hash(state),
            Value::Int(value) => (1_u8, *value as f64 as i64, (*value as f64).to_bits()).hash(state),
            Value::Float(value) => (1_u8, *value as i64, value.to_bits()).hash(state),
            Value::String(value) => (2_u8, value).hash(state),
            Value::Time(value) => (3_u8, value).hash(state),
            Value::Duration(value) => (4_u8, value).hash(state),
            Value::List(items) => (5_u8, items).hash(state),
            Value::Map(entries) => (6_u8, entries).hash(state),
        }
    }
}

/// Exact: no rounding of large ints to floats.
fn compare_int_float(int: i64, float: f64) -> Ordering {
    // 2^63 is a float; every float in [-2^63, 2^63) has an exact whole part of type i64.
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    if float >= TWO_63 {
        return Ordering::Less;
    }
    if float < -TWO_63 {
        return Ordering::Greater;
    }
    let whole = float.trunc();
    int.cmp(&(whole as i64)).then_with(|| 0.0_f64.partial_cmp(&(float - whole)).unwrap_or(Ordering::Equal))
}

fn mismatch(json: &Json, expected: &str) -> Mismatch {
    let found = match json {
        Json::Null => "null",
        Json::Bool(_) => "a bool",
        Json::Number(_) => "a number",
        Json::String(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "a map",
    };
    Mismatch { path: String::new(), reason: format!("expected {expected}, found {found}") }
}

fn read(json: &Json, ty: &Type, depth: usize) -> Result<Option<Value>, Mismatch> {
    if depth > MAX_VALUE_DEPTH {
        let reason = format!("nested more than {MAX_VALUE_DEPTH} levels deep");
        return Err(Mismatch { path: String::new(), reason });
    }
    let value = match (ty, json) {
        (_, Json::Null) => return Ok(None),
        (Type::Bool | Type::Any, Json::Bool(value)) => Value::Bool(*value),
        (Type::Int, Json::Number(number)) => match number.as_i64() {
            Some(value) => Value::Int(value),
            None => return Err(mismatch_number(number, "a whole number of 64 bits")),
        },
        (Type::Float, Json::Number(number)) => read_float(number)?,
        (Type::Any, Json::Number(number)) => match number.as_i64() {
            Some(value) => Value::Int(value),
            None => read_float(number)?,
        },
        (Type::String | Type::Any, Json::String(text)) => Value::string(text),
        (Type::Time, _) => read_time(json).map(Value::Time)?,
        (Type::List(element), Json::Array(items)) => read_list(items, element, depth)?,
        (Type::Any, Json::Array(items)) => read_list(items, &Type::Any, depth)?,
        (Type::Map(_) | Type::Record(_) | Type::Any, Json::Object(fields)) => read_map(fields, ty, depth)?,
        (Type::Bool, _) => return Err(mismatch(json, "a bool")),
        (Type::Int, _) => return Err(mismatch(json, "a whole number")),
        (Type::Float, _) => return Err(mismatch(json, "a number")),
        (Type::String, _) => return Err(mismatch(json, "text")),
        (Type::List(_), _) => return Err(mismatch(json, "a list")),
        (Type::Map(_) | Type::Record(_), _) => return Err(mismatch(json, "a map")),
        (Type::Duration, _) => return Err(mismatch(json, "no declared type")),
    };
    Ok(Some(value))
}

fn mismatch_number(number: &serde_json::Number, expected: &str) -> Mismatch {
    Mismatch { path: String::new(), reason: format!("expected {expected}, found {number}") }
}

fn read_float(number: &serde_json::Number) -> Result<Value, Mismatch> {
    let read = number.as_f64().and_then(Value::float);
    read.ok_or_else(|| mismatch_number(number, "a number of magnitude at most 2^1000"))
}

/// Reads a time: RFC 3339 text or whole epoch milliseconds.
pub(crate) fn read_time(json: &Json) -> Result<Time, Mismatch> {
    let time = match json {
        Json::String(text) => Time::parse(text),
        Json::Number(number) => match number.as_i64() {
            Some(millis) => Time::from_millis(millis),
            None => return Err(mismatch_number(number, "whole epoch milliseconds")),
        },
        _ => return Err(mismatch(json, "RFC 3339 text or epoch milliseconds")),
    };
    time.map_err(|error| Mismatch { path: String::new(), reason: error.to_string() })
}

fn read_list(items: &[Json], element: &Type, depth: usize) -> Result<Value, Mismatch> {
    let mut values = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let value = read(item, element, depth + 1).map_err(|inner| inner.under(&format!("[{index}]")))?;
        values.extend(value);
    }
    Ok(Value::List(values.into()))
}

fn read_map(fields: &serde_json::Map<String, Json>, ty: &Type, depth: usize) -> Result<Value, Mismatch> {
    let mut entries = Vec::with_capacity(fields.len());
    for (name, json) in fields {
        let element = match ty {
            Type::Map(element) => element,
            Type::Record(declared) => {
                declared.iter().find(|(field, _)| **field == **name).map_or(&Type::Any, |(_, ty)| ty)
            }
            _ => &Type::Any,
        };
        let value = read(json, element, depth + 1).map_err(|inner| inner.under(&format!(".{name}")))?;
        entries.extend(value.map(|value| (Arc::from(name.as_str()), value)));
    }
    entries.sort_by(|(a, _): &(Arc<str>, Value), (b, _)| a.cmp(b));
    Ok(Value::Map(entries.into()))
}

impl Mismatch {
    fn under(mut self, step: &str) -> Mismatch {
        self.path.insert_str(0, step);
        self
    }
}

impl Type {
    /// Whether numbers can be computed with it.
    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Type::Int | Type::Float)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Bool => f.write_str("bool"),
            Type::Int => f.write_str("int"),
            Type::Float => f.write_str("float"),
            Type::String => f.write_str("string"),
            Type::Time => f.write_str("time"),
            Type::Duration => f.write_str("duration"),
            Type::List(element) if **element == Type::Any => f.write_str("list"),
            Type::List(element) => write!(f, "list of {element}"),
            Type::Map(element) if **element == Type::Any => f.write_str("map"),
            Type::Map(element) => write!(f, "map of {element}"),
            Type::Record(_) => f.write_str("map"),
            Type::Any => f.write_str("anything"),
        }
    }
}

/// As [`Value::to_json`].
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

/// As it is written in a condition.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(value) => value.fmt(f),
            Value::Int(value) => value.fmt(f),
            Value::Float(value) => write!(f, "{value:?}"),
            Value::String(value) => write!(f, "{value:?}"),
            Value::Time(value) => write!(f, "timestamp(\"{value}\")"),
            Value::Duration(value) => write!(f, "duration(\"{value}\")"),
            Value::List(_) | Value::Map(_) => self.to_json().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_compare_by_value() {
        assert!(Value::Int(2) == Value::Float(2.0));
        assert_eq!(Value::Int(i64::MAX).compare(&Value::Float(9.3e18)), Some(Ordering::Less));
        assert_eq!(Value::Int(i64::MAX).compare(&Value::Float(i64::MAX as f64)), Some(Ordering::Less));
        assert_eq!(Value::Int(i64::MIN).compare(&Value::Float(i64::MIN as f64)), Some(Ordering::Equal));
        assert_eq!(Value::Float(-0.5).compare(&Value::Int(0)), Some(Ordering::Less));
        assert_eq!(Value::Float(0.5).compare(&Value::Int(0)), Some(Ordering::Greater));
        assert_eq!(Value::Int(i64::MIN).compare(&Value::Float(-1e300)), Some(Ordering::Greater));
        assert_eq!(Value::string("2").compare(&Value::Int(2)), None);
    }

    #[test]
    fn json_is_read_by_its_declared_type() {
        let list = Type::List(Box::new(Type::Int));
        assert_eq!(Value::from_json(&json!(null), &Type::Int), Ok(None));
        assert_eq!(Value::from_json(&json!(3), &Type::Float), Ok(Some(Value::Float(3.0))));
        assert_eq!(
            Value::from_json(&json!("1970-01-01T00:00:01Z"), &Type::Time).unwrap(),
            Some(Value::Time(Time::from_raw(1000)))
        );
        assert_eq!(
            Value::from_json(&json!(1000), &Type::Time).unwrap(),
            Some(Value::Time(Time::from_raw(1000)))
        );
        assert_eq!(
            Value::from_json(&json!(3.5), &Type::Int).unwrap_err().reason,
            "expected a whole number of 64 bits, found 3.5"
        );
        let error = Value::from_json(&json!([1, "x"]), &list).unwrap_err();
        assert_eq!(
            (error.path.as_str(), error.reason.as_str()),
            ("[1]", "expected a whole number, found text")
        );
        let mut deep = json!(1);
        for _ in 0..=MAX_VALUE_DEPTH {
            deep = json!([deep]);
        }
        assert!(Value::from_json(&deep, &Type::List(Box::new(Type::Any))).is_err());
    }
}
