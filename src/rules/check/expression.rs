//! Checks one condition: names, operators, literals.
//!
//! All problems of a condition are collected: a part with a problem is `None`, its neighbours are
//! still checked, and nothing is said twice.

use std::ops::Range;

use crate::model::value::{Type, Value};
use crate::rules::canonical;
use crate::rules::expression::{Comparison, Expr, Operator, Quantifier};
use crate::rules::syntax::{Binary, Kind, Node, Problem};

use super::scope::{Scope, Variable};
use super::typed::{Domain, Motion, Typed, unified};
use super::world::{Pool, World};

/// Checks the parts of one condition.
pub(super) struct Checker<'a> {
    pub(super) world: &'a World,
    pub(super) pool: &'a mut Pool,
    /// The condition's text, to quote from.
    pub(super) text: &'a str,
    pub(super) scope: Scope,
    pub(super) problems: Vec<Problem>,
}

impl Checker<'_> {
    pub(super) fn report(&mut self, code: &'static str, at: &Range<usize>, message: impl Into<String>) {
        self.problems.push(Problem::new(code, at, message));
    }

    pub(super) fn report_help(
        &mut self,
        code: &'static str,
        at: &Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.problems.push(Problem::new(code, at, message).with_help(help));
    }

    /// The text of a part, shortened, as it is quoted in messages.
    pub(super) fn quoted(&self, node: &Node) -> String {
        let text = &self.text[node.at.clone()];
        match text.char_indices().nth(40) {
            Some((end, _)) => format!("`{}…`", &text[..end]),
            None if matches!(node.kind, Kind::Literal(Value::String(_))) => text.to_owned(),
            None => format!("`{text}`"),
        }
    }

    /// A part with its type: `` `ltv` (float) ``.
    pub(super) fn described(&self, node: &Node, typed: &Typed) -> String {
        format!("{} ({})", self.quoted(node), typed.ty)
    }

    /// Checks a part that must be a condition.
    pub(super) fn condition(&mut self, node: &Node) -> Option<Expr> {
        let typed = self.expression(node)?;
        if !matches!(typed.ty, Type::Bool | Type::Any) {
            let message = format!("{} is not a condition", self.described(node, &typed));
            let quoted = &self.text[node.at.clone()];
            let help = match typed.ty {
                Type::Int | Type::Float => format!("compare it, such as `{quoted} > 0`"),
                _ if quoted.len() > 40 => "compare it, or ask for presence with `has(…)`".to_owned(),
                _ => format!("compare it, or ask `has({quoted})`"),
            };
            self.report_help("type", &node.at, message, help);
            return None;
        }
        Some(canonical::condition(typed.expr, self.pool.aggregates()))
    }

    /// Checks a part of any type.
    pub(super) fn expression(&mut self, node: &Node) -> Option<Typed> {
        match &node.kind {
            Kind::Literal(value) => Some(Typed::new(Expr::Constant(value.clone()), literal_type(value))),
            Kind::Null => {
                let help = "a missing value is asked for with `has(x)`, or `!has(x)`";
                self.report_help("null", &node.at, "`null` is no value that can be used here", help);
                None
            }
            Kind::Name(name) => self.name(name, node),
            Kind::Select(operand, field) => self.select(operand, field, node),
            Kind::Call { function, target, arguments } => {
                self.call(function, target.as_deref(), arguments, node)
            }
            Kind::Not(inner) => Some(Typed::condition(canonical::not(self.condition(inner)?))),
            Kind::Negate(inner) => self.negate(inner, node),
            Kind::Binary(Binary::And | Binary::Or, ..) => self.logic(node),
            Kind::Binary(operator, left, right) => self.binary(*operator, left, right, node),
            Kind::Conditional(condition, then, otherwise) => {
                self.conditional(condition, then, otherwise, node)
            }
            Kind::Index(operand, place) => self.index(operand, place, node),
            Kind::List(elements) => self.list(elements),
            Kind::Quantified { exists, list, variable, condition } => {
                let quantifier = if *exists { Quantifier::Exists } else { Quantifier::All };
                self.quantified(quantifier, list, variable, condition)
            }
        }
    }

    /// A row of `&&` or `||`, which the parser may have nested either way.
    fn logic(&mut self, node: &Node) -> Option<Typed> {
        let Kind::Binary(operator, left, right) = &node.kind else { return None };
        let parts = [self.condition(left), self.condition(right)];
        let [Some(left), Some(right)] = parts else { return None };
        Some(Typed::condition(match operator {
            Binary::And => canonical::all([left, right]),
            _ => canonical::any([left, right]),
        }))
    }

    fn binary(&mut self, operator: Binary, left: &Node, right: &Node, node: &Node) -> Option<Typed> {
        let null = [left, right].into_iter().position(|side| side.kind == Kind::Null);
        if let Some(side) = null {
            let other = &self.text[if side == 0 { right.at.clone() } else { left.at.clone() }];
            let help = match operator {
                Binary::NotEqual => format!("write `has({other})`"),
                _ => format!("write `!has({other})`"),
            };
            self.report_help("null", &node.at, "a missing value equals nothing, `null` included", help);
            return None;
        }
        if operator == Binary::In {
            return self.membership(left, right, node);
        }
        let sides = (self.expression(left), self.expression(right));
        let (Some(a), Some(b)) = sides else { return None };
        let comparison = match operator {
            Binary::Equal | Binary::NotEqual => Comparison::Equal,
            Binary::Less => Comparison::Less,
            Binary::LessOrEqual => Comparison::LessOrEqual,
            Binary::Greater => Comparison::Greater,
            Binary::GreaterOrEqual => Comparison::GreaterOrEqual,
            Binary::Add => return self.arithmetic(Operator::Add, (left, a), (right, b), node),
            Binary::Subtract => return self.arithmetic(Operator::Subtract, (left, a), (right, b), node),
            Binary::Multiply => return self.arithmetic(Operator::Multiply, (left, a), (right, b), node),
            Binary::Divide => return self.arithmetic(Operator::Divide, (left, a), (right, b), node),
            Binary::Remainder => return self.arithmetic(Operator::Remainder, (left, a), (right, b), node),
            Binary::And | Binary::Or | Binary::In => return None,
        };
        let compared = self.comparison(comparison, (left, a), (right, b), node)?;
        Some(Typed::condition(if operator == Binary::NotEqual { canonical::not(compared) } else { compared }))
    }

    fn conditional(&mut self, condition: &Node, then: &Node, otherwise: &Node, node: &Node) -> Option<Typed> {
        let parts = (self.condition(condition), self.expression(then), self.expression(otherwise));
        let (Some(condition), Some(a), Some(b)) = parts else { return None };
        let Some(ty) = unified(&a.ty, &b.ty) else {
            let (a, b) = (self.described(then, &a), self.described(otherwise, &b));
            self.report("type", &node.at, format!("{a} and {b} are of different types"));
            return None;
        };
        let motion = if a.moves() || b.moves() { Motion::Free } else { Motion::Still };
        let domain = if a.domain == b.domain { a.domain } else { Domain::Open };
        let widen = |side: Typed| {
            if ty == Type::Float && side.ty == Type::Int { canonical::as_float(side.expr) } else { side.expr }
        };
        let (a, b) = (widen(a), widen(b));
        let expr = match canonical::as_truth(&condition) {
            Some(true) => a,
            Some(false) => b,
            None => Expr::Conditional(Box::new(condition), Box::new(a), Box::new(b)),
        };
        Some(Typed { expr, ty, motion, domain })
    }

    fn list(&mut self, elements: &[Node]) -> Option<Typed> {
        let checked: Vec<Option<Typed>> = elements.iter().map(|element| self.expression(element)).collect();
        let checked: Vec<Typed> = checked.into_iter().collect::<Option<_>>()?;
        let mut ty = checked.first().map_or(Type::Any, |first| first.ty.clone());
        for (node, typed) in elements.iter().zip(&checked) {
            self.must_stand_still(node, typed)?;
            let Some(wider) = unified(&ty, &typed.ty) else {
                let message = format!("{} stands in a list of {ty}", self.described(node, typed));
                self.report("type", &node.at, message);
                return None;
            };
            ty = wider;
        }
        let widen = |side: Typed| {
            if ty == Type::Float && side.ty == Type::Int { canonical::as_float(side.expr) } else { side.expr }
        };
        let parts = checked.into_iter().map(widen).collect();
        Some(Typed::new(canonical::list(parts), Type::List(Box::new(ty))))
    }

    fn index(&mut self, operand: &Node, place: &Node, node: &Node) -> Option<Typed> {
        let parts = (self.expression(operand), self.expression(place));
        let (Some(whole), Some(key)) = parts else { return None };
        if let Expr::Affinity(_) = whole.expr {
            return self.item_score(whole, place, key);
        }
        if let (Type::Record(_), Expr::Constant(Value::String(field))) = (&whole.ty, &key.expr) {
            let field = field.to_string();
            return self.field(whole, operand, &field, node);
        }
        let (ty, wanted) = match &whole.ty {
            Type::List(of) => ((**of).clone(), Type::Int),
            Type::Map(of) => ((**of).clone(), Type::String),
            Type::Record(_) => (Type::Any, Type::String),
            Type::Any => (Type::Any, Type::Any),
            _ => {
                let message = format!("{} has no elements", self.described(operand, &whole));
                self.report_help("type", &node.at, message, "only lists and maps are read with `[ ]`");
                return None;
            }
        };
        if wanted != Type::Any && key.ty != Type::Any && key.ty != wanted {
            let message = format!(
                "{} is read with {wanted}, not {}",
                self.described(operand, &whole),
                self.described(place, &key)
            );
            self.report("type", &place.at, message);
            return None;
        }
        self.must_stand_still(operand, &whole)?;
        self.must_stand_still(place, &key)?;
        let domain = if matches!(whole.ty, Type::List(_)) { whole.domain } else { Domain::Open };
        Some(Typed::new(Expr::Index(Box::new(whole.expr), Box::new(key.expr)), ty).with_domain(domain))
    }

    fn quantified(
        &mut self,
        quantifier: Quantifier,
        list: &Node,
        variable: &str,
        condition: &Node,
    ) -> Option<Typed> {
        if super::aggregate::chain(list).is_some() {
            let help = "write `.where(condition).exists()`, or `.count() >= n`";
            self.report_help("arguments", &list.at, "events are not gone through one by one", help);
            return None;
        }
        let whole = self.expression(list)?;
        let ty = match &whole.ty {
            Type::List(of) => (**of).clone(),
            Type::Map(_) | Type::Record(_) => Type::String,
            Type::Any => Type::Any,
            _ => {
                let message = format!("{} is no list or map", self.described(list, &whole));
                self.report("type", &list.at, message);
                return None;
            }
        };
        self.must_stand_still(list, &whole)?;
        self.scope.variables.push(Variable { name: variable.to_owned(), ty, domain: whole.domain });
        let condition = self.condition(condition);
        self.scope.variables.pop();
        Some(Typed::condition(Expr::Quantified(quantifier, Box::new(whole.expr), Box::new(condition?))))
    }
}

fn literal_type(value: &Value) -> Type {
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
