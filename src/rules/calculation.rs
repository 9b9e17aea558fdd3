//! Arithmetic on two values.
//!
//! Invariants:
//! 1. Nothing overflows and no float is out of bounds: such a result is missing.

use crate::base::time::{Duration, Time};
use crate::model::value::Value;
use crate::rules::expression::Operator;
use crate::rules::motion::{milliseconds, number};

/// The result of an arithmetic operation on two values, if there is one.
pub(crate) fn calculate(operator: Operator, left: &Value, right: &Value) -> Option<Value> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => integers(operator, *a, *b).map(Value::Int),
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
            Value::float(floats(operator, number(left)?, number(right)?)?)
        }
        (Value::String(a), Value::String(b)) if operator == Operator::Add => {
            Some(Value::from([&**a, &**b].concat()))
        }
        (Value::List(a), Value::List(b)) if operator == Operator::Add => {
            Some(Value::List(a.iter().chain(b.iter()).cloned().collect()))
        }
        _ => times(operator, left, right),
    }
}

fn integers(operator: Operator, a: i64, b: i64) -> Option<i64> {
    match operator {
        Operator::Add => a.checked_add(b),
        Operator::Subtract => a.checked_sub(b),
        Operator::Multiply => a.checked_mul(b),
        Operator::Divide => a.checked_div(b),
        Operator::Remainder => a.checked_rem(b),
    }
}

fn floats(operator: Operator, a: f64, b: f64) -> Option<f64> {
    match operator {
        Operator::Add => Some(a + b),
        Operator::Subtract => Some(a - b),
        Operator::Multiply => Some(a * b),
        Operator::Divide => Some(a / b),
        Operator::Remainder => None,
    }
}

fn times(operator: Operator, left: &Value, right: &Value) -> Option<Value> {
    let (a, b) = (milliseconds(left)?, milliseconds(right)?);
    let sum = match operator {
        Operator::Add => a.checked_add(b)?,
        Operator::Subtract => a.checked_sub(b)?,
        _ => return None,
    };
    match (left, operator, right) {
        (Value::Time(_), Operator::Subtract, Value::Time(_))
        | (Value::Duration(_), _, Value::Duration(_)) => Some(Value::Duration(Duration::from_millis(sum))),
        (Value::Time(_), _, Value::Duration(_)) | (Value::Duration(_), Operator::Add, Value::Time(_)) => {
            Some(Value::Time(Time::from_raw(sum)))
        }
        _ => None,
    }
}
