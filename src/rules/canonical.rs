//! Building expressions so that what means the same is the same.
//!
//! The engine shares work between equal expressions, so each meaning should have one form: rows of
//! `&&` and `||` are flat and without repetition, constants stand on the right and are computed as
//! far as they go, `!=` is a negated `==`, and `!!x` is `x`. Only what is cheap and obvious is done;
//! two forms of one meaning cost work, never a wrong answer.
//!
//! Invariants:
//! 1. What is built evaluates to what was asked for, on all facts and at all times.

use crate::model::value::Value;
use crate::rules::calculation::calculate;
use crate::rules::definitions::Definitions;
use crate::rules::expression::{Aggregate, Comparison, Expr, Function, Operator};

/// `true` or `false`.
pub(crate) fn truth(truth: bool) -> Expr {
    Expr::Constant(Value::Bool(truth))
}

/// The bool that a constant is.
pub(crate) fn as_truth(expr: &Expr) -> Option<bool> {
    match expr {
        Expr::Constant(Value::Bool(truth)) => Some(*truth),
        _ => None,
    }
}

/// All of `parts`.
pub(crate) fn all(parts: impl IntoIterator<Item = Expr>) -> Expr {
    row(parts, false)
}

/// Any of `parts`.
pub(crate) fn any(parts: impl IntoIterator<Item = Expr>) -> Expr {
    row(parts, true)
}

/// A row of conditions of which one that is `decides` decides.
fn row(parts: impl IntoIterator<Item = Expr>, decides: bool) -> Expr {
    let mut flat: Vec<Expr> = Vec::new();
    let mut seen = ahash::AHashSet::new();
    let mut push = |part: Expr| {
        if as_truth(&part) != Some(!decides) && seen.insert(part.clone()) {
            flat.push(part);
        }
    };
    for part in parts {
        match part {
            Expr::And(inner) if !decides => inner.into_iter().for_each(&mut push),
            Expr::Or(inner) if decides => inner.into_iter().for_each(&mut push),
            part => push(part),
        }
    }
    if flat.iter().any(|part| as_truth(part) == Some(decides)) {
        return truth(decides);
    }
    match flat.len() {
        0 => truth(!decides),
        1 => flat.remove(0),
        _ if decides => Expr::Or(flat),
        _ => Expr::And(flat),
    }
}

/// The exact complement.
pub(crate) fn not(condition: Expr) -> Expr {
    match condition {
        Expr::Not(inner) => *inner,
        Expr::Constant(Value::Bool(value)) => truth(!value),
        other => Expr::Not(Box::new(other)),
    }
}

/// A comparison, its constant on the right.
pub(crate) fn compare(comparison: Comparison, left: Expr, right: Expr) -> Expr {
    match (&left, &right) {
        (Expr::Constant(a), Expr::Constant(b)) => truth(match comparison {
            Comparison::Equal => a == b,
            _ => a.compare(b).is_some_and(|order| comparison.accepts(order)),
        }),
        (Expr::Constant(_), _) => Expr::Compare(mirrored(comparison), Box::new(right), Box::new(left)),
        _ => Expr::Compare(comparison, Box::new(left), Box::new(right)),
    }
}

/// The comparison that says the same with its sides exchanged.
pub(crate) fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Equal => Comparison::Equal,
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
    }
}

/// Arithmetic; of two constants, its result if it has one.
pub(crate) fn arithmetic(operator: Operator, left: Expr, right: Expr) -> Expr {
    if let (Expr::Constant(a), Expr::Constant(b)) = (&left, &right)
        && let Some(result) = calculate(operator, a, b)
    {
        return Expr::Constant(result);
    }
    Expr::Arithmetic(operator, Box::new(left), Box::new(right))
}

/// An int expression as a float, for where ints and floats are mixed.
pub(crate) fn as_float(expr: Expr) -> Expr {
    match expr {
        Expr::Constant(Value::Int(number)) => Expr::Constant(Value::Float(number as f64)),
        other => arithmetic(Operator::Add, other, Expr::Constant(Value::Float(0.0))),
    }
}

/// A list; of constants, a constant.
pub(crate) fn list(elements: Vec<Expr>) -> Expr {
    let constants: Option<Vec<Value>> = elements
        .iter()
        .map(|element| match element {
            Expr::Constant(value) => Some(value.clone()),
            _ => None,
        })
        .collect();
    constants.map_or(Expr::List(elements), |values| Expr::Constant(Value::List(values.into())))
}

/// An expression of type bool, or of any type, as a condition, which is never missing.
pub(crate) fn condition(expr: Expr, aggregates: &[Aggregate]) -> Expr {
    if is_never_missing(&expr, aggregates) { expr } else { compare(Comparison::Equal, expr, truth(true)) }
}

/// Whether a bool expression is one by its form, rather than the reading of a bool that may be missing.
fn is_never_missing(expr: &Expr, aggregates: &[Aggregate]) -> bool {
    match expr {
        Expr::Constant(Value::Bool(_))
        | Expr::Segment(_)
        | Expr::Has(_)
        | Expr::Not(_)
        | Expr::And(_)
        | Expr::Or(_)
        | Expr::Compare(..)
        | Expr::In(..)
        | Expr::Text(..)
        | Expr::Matches(..)
        | Expr::Quantified(..)
        | Expr::Held(..)
        | Expr::Hours(_) => true,
        Expr::Conditional(_, then, otherwise) => {
            is_never_missing(then, aggregates) && is_never_missing(otherwise, aggregates)
        }
        Expr::Aggregate(id) => matches!(
            aggregates[id.index()].function,
            Function::Exists | Function::FollowedBy { .. } | Function::NotFollowedBy { .. }
        ),
        _ => false,
    }
}

/// Whether the value can never be missing, whatever is known of the profile.
pub(crate) fn is_always_there(expr: &Expr, definitions: &Definitions) -> bool {
    match expr {
        Expr::Now | Expr::List(_) | Expr::Constant(_) | Expr::Affinity(_) | Expr::TopItems(..) => true,
        Expr::Index(whole, item) => {
            matches!((&**whole, &**item), (Expr::Affinity(_), Expr::Constant(Value::String(_))))
        }
        Expr::Attribute(id) => definitions.default_of(*id).is_some(),
        Expr::Aggregate(id) => {
            matches!(
                definitions.aggregates[id.index()].function,
                Function::Count
                    | Function::Sum(_)
                    | Function::Distinct(_)
                    | Function::Decayed { .. }
                    | Function::DecayedItems { .. }
            ) || is_never_missing(expr, &definitions.aggregates)
        }
        other => is_never_missing(other, &definitions.aggregates),
    }
}
