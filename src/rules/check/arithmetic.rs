//! Checks arithmetic: of numbers, texts, lists, times and durations, still or moving.

use crate::model::value::{Type, Value};
use crate::rules::canonical;
use crate::rules::expression::{Expr, Operator};
use crate::rules::syntax::Node;

use super::expression::Checker;
use super::typed::{Motion, Typed, unified};

impl Checker<'_> {
    pub(super) fn negate(&mut self, inner: &Node, node: &Node) -> Option<Typed> {
        let typed = self.expression(inner)?;
        if !matches!(typed.ty, Type::Int | Type::Float | Type::Duration | Type::Any) {
            let message = format!("{} has no negative", self.described(inner, &typed));
            let help = "write `!` for the complement of a condition";
            self.report_help("type", &node.at, message, help);
            return None;
        }
        let expr = match typed.expr {
            Expr::Constant(Value::Float(number)) => Expr::Constant(Value::Float(0.0 - number)),
            Expr::Constant(Value::Duration(length)) => {
                Expr::Constant(Value::Duration(crate::base::time::Duration::from_millis(-length.millis())))
            }
            Expr::Constant(Value::Int(number)) if number != i64::MIN => Expr::Constant(Value::Int(-number)),
            other => Expr::Negate(Box::new(other)),
        };
        Some(Typed::new(expr, typed.ty).with_motion(typed.motion))
    }

    pub(super) fn arithmetic(
        &mut self,
        operator: Operator,
        (left, a): (&Node, Typed),
        (right, b): (&Node, Typed),
        node: &Node,
    ) -> Option<Typed> {
        let Some(ty) = result(operator, &a.ty, &b.ty) else {
            let (said_a, said_b) = (self.described(left, &a), self.described(right, &b));
            let message = format!("{said_a} and {said_b} cannot be {}", participle(operator));
            match help(operator, &a.ty, &b.ty) {
                Some(help) => self.report_help("type", &node.at, message, help),
                None => self.report("type", &node.at, message),
            }
            return None;
        };
        let motion = motion(operator, &a, &b);
        let (a, b) = (a.expr, b.expr);
        let by_zero = matches!(operator, Operator::Divide | Operator::Remainder)
            && matches!(&b, Expr::Constant(zero) if *zero == Value::Int(0));
        if by_zero {
            self.report("value", &node.at, "a division by zero has no value");
            return None;
        }
        let both_constant = matches!((&a, &b), (Expr::Constant(_), Expr::Constant(_)));
        let expr = canonical::arithmetic(operator, a, b);
        if both_constant && !matches!(expr, Expr::Constant(_)) {
            self.report("value", &node.at, "the result is too large to have a value");
            return None;
        }
        Some(Typed::new(expr, ty).with_motion(motion))
    }
}

/// The type of the result, if there is one.
fn result(operator: Operator, a: &Type, b: &Type) -> Option<Type> {
    match operator {
        _ if *a == Type::Any || *b == Type::Any => {
            let known = if *a == Type::Any { b } else { a };
            may_compute(operator, known).then_some(Type::Any)
        }
        Operator::Remainder => (*a == Type::Int && *b == Type::Int).then_some(Type::Int),
        _ if a.is_number() && b.is_number() => unified(a, b),
        Operator::Add => sum(a, b),
        Operator::Subtract => match (a, b) {
            (Type::Time | Type::Duration, _) if a == b => Some(Type::Duration),
            (Type::Time, Type::Duration) => Some(Type::Time),
            _ => None,
        },
        Operator::Multiply | Operator::Divide => None,
    }
}

/// The type of the sum of what are not two numbers.
fn sum(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        (Type::List(_), Type::List(_)) => Some(unified(a, b).unwrap_or(Type::List(Box::new(Type::Any)))),
        (Type::Time, Type::Duration) | (Type::Duration, Type::Time) => Some(Type::Time),
        (Type::String | Type::Duration, _) if a == b => Some(a.clone()),
        _ => None,
    }
}

/// Whether a value of that type can be computed with, if the other one fits.
fn may_compute(operator: Operator, ty: &Type) -> bool {
    match ty {
        Type::Any | Type::Int => true,
        Type::Float => operator != Operator::Remainder,
        Type::Time | Type::Duration => matches!(operator, Operator::Add | Operator::Subtract),
        Type::String | Type::List(_) => operator == Operator::Add,
        Type::Bool | Type::Map(_) | Type::Record(_) => false,
    }
}

/// How the result moves with the clock.
fn motion(operator: Operator, a: &Typed, b: &Typed) -> Motion {
    let scales = |typed: &Typed| match &typed.expr {
        Expr::Constant(value) => typed.ty.is_number() && *value != Value::Int(0),
        _ => false,
    };
    match (operator, a.motion, b.motion) {
        (_, Motion::Still, Motion::Still) => Motion::Still,
        (Operator::Add | Operator::Subtract, Motion::Clock, Motion::Still)
        | (Operator::Add | Operator::Subtract, Motion::Still, Motion::Clock) => Motion::Clock,
        (Operator::Multiply | Operator::Divide, Motion::Decaying, Motion::Still) if scales(b) => {
            Motion::Decaying
        }
        (Operator::Multiply, Motion::Still, Motion::Decaying) if scales(a) => Motion::Decaying,
        _ => Motion::Free,
    }
}

fn participle(operator: Operator) -> &'static str {
    match operator {
        Operator::Add => "added",
        Operator::Subtract => "subtracted",
        Operator::Multiply => "multiplied",
        Operator::Divide => "divided",
        Operator::Remainder => "divided for a remainder",
    }
}

fn help(operator: Operator, a: &Type, b: &Type) -> Option<&'static str> {
    match (operator, a, b) {
        (Operator::Add | Operator::Subtract, Type::Time, Type::String | Type::Int | Type::Float)
        | (Operator::Add | Operator::Subtract, Type::Duration, Type::String | Type::Int | Type::Float) => {
            Some("write a length of time as `duration(\"30d\")`")
        }
        (Operator::Add, Type::Time, Type::Time) => Some("the length between two times is their difference"),
        (Operator::Multiply | Operator::Divide, Type::Duration, _) => {
            Some("write the length out: `duration(\"60d\")`")
        }
        (Operator::Remainder, _, _) => Some("a remainder is taken of ints only"),
        (Operator::Add, Type::String, _) | (Operator::Add, _, Type::String) => {
            Some("only text is added to text")
        }
        _ => None,
    }
}
