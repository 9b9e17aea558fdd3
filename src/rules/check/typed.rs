//! A checked part of a condition: its expression, its type, and what else limits its use.

use crate::model::ids::{AttributeId, EventId, ExperimentId, PropertyId};
use crate::model::value::Type;
use crate::rules::expression::Expr;

/// An expression and what is known of its value.
#[derive(Clone, Debug)]
pub(super) struct Typed {
    pub(super) expr: Expr,
    pub(super) ty: Type,
    pub(super) motion: Motion,
    /// Whose declared values it can have; of a list, whose values its elements can have.
    pub(super) domain: Domain,
}

/// How a value moves with the clock while no message comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Motion {
    /// It stands still, except for events that enter or leave a window.
    Still,
    /// A time or duration that moves as fast as the clock.
    Clock,
    /// A decayed score, or a multiple of one.
    Decaying,
    /// In a way that no one computes crossings for.
    Free,
}

/// The declaration that lists all values something can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Domain {
    Open,
    Attribute(AttributeId),
    Property(EventId, PropertyId),
    /// Something that a call says.
    Context(PropertyId),
    /// The variants of an experiment.
    Experiment(ExperimentId),
}

impl Typed {
    /// A value that stands still and may be anything of its type.
    pub(super) fn new(expr: Expr, ty: Type) -> Typed {
        Typed { expr, ty, motion: Motion::Still, domain: Domain::Open }
    }

    /// A condition.
    pub(super) fn condition(expr: Expr) -> Typed {
        Typed::new(expr, Type::Bool)
    }

    pub(super) fn with_domain(self, domain: Domain) -> Typed {
        Typed { domain, ..self }
    }

    pub(super) fn with_motion(self, motion: Motion) -> Typed {
        Typed { motion, ..self }
    }

    pub(super) fn moves(&self) -> bool {
        self.motion != Motion::Still
    }
}

/// Whether values of the two types can be equal.
pub(super) fn comparable(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Any, _)
        | (_, Type::Any)
        | (Type::Map(_) | Type::Record(_), Type::Map(_) | Type::Record(_)) => true,
        (Type::List(a), Type::List(b)) => comparable(a, b),
        _ => a == b || (a.is_number() && b.is_number()),
    }
}

/// Whether values of the type have an order.
pub(super) fn is_ordered(ty: &Type) -> bool {
    !matches!(ty, Type::List(_) | Type::Map(_) | Type::Record(_))
}

/// The type of something that is either an `a` or a `b`, if there is one.
pub(super) fn unified(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        _ if a == b => Some(a.clone()),
        _ if a.is_number() && b.is_number() => Some(Type::Float),
        (Type::List(a), Type::List(b)) => Some(Type::List(Box::new(unified(a, b)?))),
        _ if comparable(a, b) => Some(Type::Any),
        _ => None,
    }
}
