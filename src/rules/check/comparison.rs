//! Checks comparisons and membership: types that can be equal, values that can occur, sides that
//! move so that the next change can be computed.

use crate::base::names::nearest;
use crate::model::value::{Type, Value};
use crate::rules::canonical;
use crate::rules::expression::{Comparison, Expr};
use crate::rules::syntax::{Kind, Node};

use super::expression::Checker;
use super::typed::{Domain, Motion, Typed, comparable, is_ordered};

/// What to ask of an affinity, which as a whole is a map of numbers that move.
const OF_AFFINITY: &str = "ask for one score, `[\"item\"]`, or for the items with the highest, `.top(3)`";

impl Checker<'_> {
    pub(super) fn comparison(
        &mut self,
        comparison: Comparison,
        (left, a): (&Node, Typed),
        (right, b): (&Node, Typed),
        node: &Node,
    ) -> Option<Expr> {
        let ordered = comparison == Comparison::Equal || (is_ordered(&a.ty) && is_ordered(&b.ty));
        if !comparable(&a.ty, &b.ty) || !ordered {
            let (a_said, b_said) = (self.described(left, &a), self.described(right, &b));
            let message = format!("cannot compare {a_said} with {b_said}");
            match comparison_help(&a, &b) {
                Some(help) => self.report_help("type", &node.at, message, help),
                None => self.report("type", &node.at, message),
            }
            return None;
        }
        self.may_cross(comparison, (left, &a), (right, &b), node)?;
        if comparison == Comparison::Equal {
            self.in_domain(a.domain, &b.expr, right)?;
            self.in_domain(b.domain, &a.expr, left)?;
        }
        if b.moves() && !a.moves() {
            let expr = canonical::compare(canonical::mirrored(comparison), b.expr, a.expr);
            return Some(expr);
        }
        Some(canonical::compare(comparison, a.expr, b.expr))
    }

    /// Refuses comparisons whose next change cannot be computed.
    fn may_cross(
        &mut self,
        comparison: Comparison,
        (left, a): (&Node, &Typed),
        (right, b): (&Node, &Typed),
        node: &Node,
    ) -> Option<()> {
        let (message, help) = match (a.motion, b.motion) {
            (Motion::Free, _) | (_, Motion::Free) => {
                let moving = if a.motion == Motion::Free { left } else { right };
                (
                    format!("{} moves with the clock in a way that cannot be compared", self.quoted(moving)),
                    "compare `now`, a difference with it, or a decayed score times a constant, on its own",
                )
            }
            (Motion::Decaying, Motion::Still) | (Motion::Still, Motion::Decaying)
                if comparison == Comparison::Equal =>
            {
                (
                    "a decayed score falls all the time and is equal to nothing for longer than an instant"
                        .to_owned(),
                    "compare it with `<`, `<=`, `>` or `>=`",
                )
            }
            (Motion::Still, _) | (_, Motion::Still) => return Some(()),
            _ => (
                "both sides of this comparison move with the clock".to_owned(),
                "compare each with something that stands still, or the difference of two times with a duration",
            ),
        };
        self.report_help("motion", &node.at, message, help);
        None
    }

    /// Refuses a constant that something can never be.
    pub(super) fn in_domain(&mut self, domain: Domain, constant: &Expr, node: &Node) -> Option<()> {
        let Expr::Constant(value) = constant else { return Some(()) };
        let world = self.world;
        let values = world.values(domain);
        if values.is_empty() || values.contains(value) {
            return Some(());
        }
        let message = format!("{} is none of the declared values", self.quoted(node));
        let texts = values.iter().filter_map(|known| match known {
            Value::String(text) => Some(&**text),
            _ => None,
        });
        let near = match value {
            Value::String(text) => nearest(text, texts),
            _ => None,
        };
        let help = match near {
            Some(near) => format!("did you mean {}?", Value::string(near)),
            None => {
                let shown: Vec<String> = values.iter().take(8).map(ToString::to_string).collect();
                let more = if values.len() > shown.len() { ", …" } else { "" };
                format!("the values are {}{more}", shown.join(", "))
            }
        };
        self.report_help("unknown_value", &node.at, message, help);
        None
    }

    pub(super) fn membership(&mut self, left: &Node, right: &Node, node: &Node) -> Option<Typed> {
        let sides = (self.expression(left), self.expression(right));
        let (Some(element), Some(list)) = sides else { return None };
        let fits = match &list.ty {
            Type::List(of) => comparable(&element.ty, of),
            Type::Map(_) | Type::Record(_) => comparable(&element.ty, &Type::String),
            Type::Any => true,
            _ => {
                let message = format!("{} is no list or map", self.described(right, &list));
                let help = match list.ty {
                    Type::String => format!("write `{}.contains(…)`", &self.text[right.at.clone()]),
                    _ => "write a list in `[ ]`, or compare with `==`".to_owned(),
                };
                self.report_help("type", &right.at, message, help);
                return None;
            }
        };
        if !fits {
            let (element, list) = (self.described(left, &element), self.described(right, &list));
            self.report("type", &node.at, format!("{element} can never be in {list}"));
            return None;
        }
        self.must_stand_still(left, &element)?;
        self.must_stand_still(right, &list)?;
        self.in_domain(list.domain, &element.expr, left)?;
        if let Kind::List(elements) = &right.kind {
            for (place, node) in elements.iter().enumerate() {
                if let Expr::Constant(Value::List(values)) = &list.expr {
                    self.in_domain(element.domain, &Expr::Constant(values[place].clone()), node)?;
                }
            }
        }
        Some(Typed::condition(match (&element.expr, &list.expr) {
            (Expr::Constant(value), Expr::Constant(Value::List(values))) => {
                canonical::truth(values.contains(value))
            }
            _ => Expr::In(Box::new(element.expr), Box::new(list.expr)),
        }))
    }

    /// Refuses a value that moves with the clock where nothing computes its next change.
    pub(super) fn must_stand_still(&mut self, node: &Node, typed: &Typed) -> Option<()> {
        if !typed.moves() {
            return Some(());
        }
        let message = format!("{} moves with the clock and cannot be used here", self.quoted(node));
        let help = match typed.expr {
            Expr::Affinity(_) => OF_AFFINITY,
            _ => {
                "compare it with a value that stands still, or give it out as a computed attribute or `score`"
            }
        };
        self.report_help("motion", &node.at, message, help);
        None
    }
}

/// What to write instead of a comparison of values of different types.
fn comparison_help(a: &Typed, b: &Typed) -> Option<String> {
    let constant = |typed: &Typed| match &typed.expr {
        Expr::Constant(Value::String(text)) => Some(text.to_string()),
        Expr::Constant(Value::Int(number)) => Some(number.to_string()),
        _ => None,
    };
    let is_affinity = |typed: &Typed| matches!(typed.expr, Expr::Affinity(_));
    let (ty, other) = match (constant(a), constant(b)) {
        _ if is_affinity(a) || is_affinity(b) => return Some(OF_AFFINITY.to_owned()),
        (_, Some(text)) => (&a.ty, (text, &b.ty)),
        (Some(text), _) => (&b.ty, (text, &a.ty)),
        _ if matches!(a.ty, Type::List(_)) || matches!(b.ty, Type::List(_)) => {
            return Some("ask whether a list holds a value with `value in list`".to_owned());
        }
        _ if a.ty == Type::Duration || b.ty == Type::Duration => {
            return Some(
                "a time is compared with a time, a duration with a duration: `now - t > duration(\"30d\")`"
                    .to_owned(),
            );
        }
        _ => return None,
    };
    let (text, given) = other;
    Some(match (ty, given) {
        (Type::Time, Type::String) => format!("write `timestamp(\"{text}\")`"),
        (Type::Time, _) => "write a time as `timestamp(\"2026-01-01T00:00:00Z\")`".to_owned(),
        (Type::Duration, Type::String) => format!("write `duration(\"{text}\")`"),
        (Type::Duration, _) => "write a duration as `duration(\"30d\")`".to_owned(),
        (Type::String, Type::Int) => format!("write `\"{text}\"` for text"),
        (Type::Int | Type::Float, Type::String) if text.parse::<f64>().is_ok() => {
            format!("write `{text}` for a number")
        }
        (Type::Bool, Type::String) if text == "true" || text == "false" => {
            format!("write `{text}` without quotes")
        }
        (Type::List(_), _) => "ask whether a list holds a value with `value in list`".to_owned(),
        _ => return None,
    })
}
