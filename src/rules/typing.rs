//! What can be said of a checked expression without evaluating it.

use crate::model::ids::{AttributeId, SegmentId, SourceId};
use crate::model::value::{Type, Value};
use crate::rules::definitions::Definitions;
use crate::rules::expression::{Bound, Expr, Function};
use crate::rules::lists::Items;

/// The type of an expression's value; [`Type::Any`] if it is not one certain type.
pub(crate) fn type_of(expr: &Expr, definitions: &Definitions) -> Type {
    match expr {
        Expr::Constant(value) => type_of_value(value),
        Expr::Now => Type::Time,
        Expr::Attribute(attribute) => definitions.attributes[attribute.index()].ty.clone(),
        Expr::Aggregate(aggregate) => {
            let aggregate = &definitions.aggregates[aggregate.index()];
            let event = definitions.sources[aggregate.source.index()].event;
            let property =
                aggregate.function.property().zip(event).map(|(property, event)| {
                    definitions.event(event).properties[property.index()].ty.clone()
                });
            type_of_aggregate(&aggregate.function, property)
        }
        Expr::Affinity(_) => Type::Map(Box::new(Type::Float)),
        Expr::TopItems(..) => Type::List(Box::new(Type::String)),
        Expr::Field(map, name) => match type_of(map, definitions) {
            Type::Map(element) => *element,
            Type::Record(fields) => {
                fields.iter().find(|(field, _)| field == name).map_or(Type::Any, |(_, ty)| ty.clone())
            }
            _ => Type::Any,
        },
        Expr::Index(list, _) => match type_of(list, definitions) {
            Type::List(element) | Type::Map(element) => *element,
            _ => Type::Any,
        },
        Expr::Negate(inner) => type_of(inner, definitions),
        Expr::Conditional(_, then, otherwise) => {
            let then = type_of(then, definitions);
            if then == type_of(otherwise, definitions) { then } else { Type::Any }
        }
        Expr::Arithmetic(_, left, right) => match (type_of(left, definitions), type_of(right, definitions)) {
            (Type::Int, Type::Int) => Type::Int,
            (Type::Int | Type::Float, Type::Int | Type::Float) => Type::Float,
            (Type::Time, Type::Time) | (Type::Duration, Type::Duration) => Type::Duration,
            (Type::Time, Type::Duration) | (Type::Duration, Type::Time) => Type::Time,
            (left, right) if left == right => left,
            _ => Type::Any,
        },
        Expr::LowerAscii(_) | Expr::Unit(_) | Expr::Variant(..) => Type::String,
        Expr::Size(_) => Type::Int,
        Expr::Without(list, _) => type_of(list, definitions),
        Expr::List(_) => Type::List(Box::new(Type::Any)),
        Expr::Property(_) | Expr::Trigger(_) | Expr::Variable(_) => Type::Any,
        Expr::Context(said) => definitions.context[said.index()].ty.clone(),
        Expr::Segment(_)
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
        | Expr::Hours(_) => Type::Bool,
    }
}

fn type_of_value(value: &Value) -> Type {
    match value {
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Float(_) => Type::Float,
        Value::String(_) => Type::String,
        Value::Time(_) => Type::Time,
        Value::Duration(_) => Type::Duration,
        Value::List(_) => Type::List(Box::new(Type::Any)),
        Value::Map(_) => Type::Map(Box::new(Type::Any)),
    }
}

/// The type of the values that a property has for `values`.
pub(crate) fn type_of_items(items: &Items, property: Type) -> Type {
    match (items, property) {
        (Items::Whole, property) => property,
        (Items::Elements(None), Type::List(element)) => *element,
        (Items::Elements(Some(name)), Type::List(element)) => match *element {
            Type::Map(of) => *of,
            Type::Record(fields) => {
                fields.iter().find(|(field, _)| field == name).map_or(Type::Any, |(_, ty)| ty.clone())
            }
            _ => Type::Any,
        },
        _ => Type::Any,
    }
}

/// The type of what an aggregate gives; `property` is the type of the property it is of.
pub(crate) fn type_of_aggregate(function: &Function, property: Option<Type>) -> Type {
    let property = property.unwrap_or(Type::Any);
    match function {
        Function::Count | Function::Distinct(_) => Type::Int,
        Function::Exists | Function::FollowedBy { .. } | Function::NotFollowedBy { .. } => Type::Bool,
        // Properties of undeclared events may be ints or floats; their sum is a float.
        Function::Sum(_) if property == Type::Int => Type::Int,
        Function::Sum(_) | Function::Average(_) | Function::Decayed { .. } => Type::Float,
        Function::DecayedItems { .. } => Type::Map(Box::new(Type::Float)),
        Function::FirstTime | Function::LastTime | Function::PreviousTime => Type::Time,
        Function::Values { items, .. } => Type::List(Box::new(type_of_items(items, property))),
        Function::Minimum(_)
        | Function::Maximum(_)
        | Function::First(_)
        | Function::Last(_)
        | Function::Top(_) => property,
    }
}

/// What an expression reads, directly or through the windows of its aggregates.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    pub(crate) attributes: Vec<AttributeId>,
    pub(crate) sources: Vec<SourceId>,
    pub(crate) segments: Vec<SegmentId>,
    /// Conditions inside `held`, each a whole [`Expr::Held`].
    pub(crate) held: Vec<Expr>,
    /// Whether it reads an id of the customer.
    pub(crate) ids: bool,
}

impl Inputs {
    /// What `expr` reads.
    pub(crate) fn of(expr: &Expr, definitions: &Definitions) -> Inputs {
        let mut inputs = Inputs::default();
        inputs.collect(expr, definitions);
        inputs.attributes.sort_unstable();
        inputs.attributes.dedup();
        inputs.sources.sort_unstable();
        inputs.sources.dedup();
        inputs
    }

    fn collect(&mut self, expr: &Expr, definitions: &Definitions) {
        match expr {
            Expr::Attribute(attribute) => self.attributes.push(*attribute),
            Expr::Segment(segment) => self.segments.push(*segment),
            Expr::Held(..) => self.held.push(expr.clone()),
            Expr::Unit(_) => self.ids = true,
            Expr::Aggregate(aggregate) => {
                let aggregate = &definitions.aggregates[aggregate.index()];
                self.sources.push(aggregate.source);
                match aggregate.function {
                    Function::FollowedBy { other, .. } | Function::NotFollowedBy { other, .. } => {
                        self.sources.push(other);
                    }
                    _ => {}
                }
                for bound in &aggregate.window {
                    if let Bound::After(time) | Bound::Before(time) = bound {
                        self.collect(time, definitions);
                    }
                }
            }
            _ => expr.for_each_part(&mut |part| self.collect(part, definitions)),
        }
    }
}
