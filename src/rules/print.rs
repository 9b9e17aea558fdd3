//! Expressions as conditions that a person would write.
//!
//! Explanations quote parts of conditions, and the parts they quote are expressions, in which computed
//! attributes stand in place of their names and several spellings have become one. So they are
//! written anew rather than cut out of the catalog.
//!
//! Invariants:
//! 1. What is printed of a checked condition reads back as the same expression, except for the empty
//!    duration, which has no spelling.

use std::fmt::Write;

use crate::model::ids::{AggregateId, EventId};
use crate::model::value::Value;
use crate::rules::definitions::{Definitions, Texts};
use crate::rules::expression::{Comparison, Expr, Operator, Quantifier, Source, TextFunction};
use crate::rules::hours::Hours;
use crate::rules::spelling::is_keyword;

/// How tightly operators bind, loosest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Binding {
    Conditional,
    Or,
    And,
    Relation,
    Sum,
    Product,
    Prefix,
    Member,
}

/// The text of `expr`; `trigger` is the event of the personalization it belongs to, if any.
pub(crate) fn print(expr: &Expr, definitions: &Definitions, trigger: Option<EventId>) -> String {
    let mut printer =
        Printer { definitions, trigger, filtered: None, naming: Naming::WrittenOut, text: String::new() };
    printer.write(expr, Binding::Conditional, 0);
    printer.text
}

/// The text of `expr` with the names of computed attributes for those of its parts that are some.
pub(crate) fn print_with_names(expr: &Expr, definitions: &Definitions, trigger: Option<EventId>) -> String {
    let mut printer =
        Printer { definitions, trigger, filtered: None, naming: Naming::Named, text: String::new() };
    printer.write_bare(expr, 0);
    printer.text
}

/// The text of an aggregate, such as `events("Order Completed").within("90d").sum(total)`.
pub(crate) fn print_aggregate(aggregate: AggregateId, definitions: &Definitions) -> String {
    print(&Expr::Aggregate(aggregate), definitions, None)
}

impl Definitions {
    /// The texts of all sources and aggregates.
    pub(crate) fn texts(&self) -> &Texts {
        self.texts.get_or_init(|| Texts {
            sources: self.sources.iter().map(|source| print_source(source, self)).collect(),
            aggregates: (0..self.aggregates.len())
                .map(|number| print_aggregate(AggregateId::from_index(number), self))
                .collect(),
        })
    }
}

/// The text of a source, such as `events("Order Completed").where(total > 5)`.
fn print_source(source: &Source, definitions: &Definitions) -> String {
    let mut printer = Printer {
        definitions,
        trigger: None,
        filtered: None,
        naming: Naming::WrittenOut,
        text: String::new(),
    };
    printer.source(source);
    printer.text
}

/// Text in quotes, as CEL reads it.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            other if other.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(other));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// How a computed attribute is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Naming {
    WrittenOut,
    Named,
}

pub(super) struct Printer<'a> {
    pub(super) definitions: &'a Definitions,
    trigger: Option<EventId>,
    /// The event whose properties the `where` being printed reads.
    pub(super) filtered: Option<EventId>,
    naming: Naming,
    text: String,
}

impl Printer<'_> {
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Writes `expr` where something that binds at least as tightly as `binding` must stand, inside
    /// `depth` loops.
    pub(super) fn write(&mut self, expr: &Expr, binding: Binding, depth: usize) {
        if self.naming == Naming::Named
            && let Some(name) = self.definitions.computed_named(expr)
        {
            return self.push(name);
        }
        let is_consent = self.definitions.purposes.asked_by(expr).is_some();
        let brackets = binding_of(expr) < binding && !is_consent;
        if brackets {
            self.push("(");
        }
        self.write_bare(expr, depth);
        if brackets {
            self.push(")");
        }
    }

    fn write_bare(&mut self, expr: &Expr, depth: usize) {
        let names = self.definitions;
        if let Some(purpose) = names.purposes.asked_by(expr) {
            let name = quoted(names.purposes.names.name(purpose.0));
            return self.push(&format!("consent({name})"));
        }
        match expr {
            Expr::Constant(value) => self.constant(value),
            Expr::Now => self.push("now"),
            Expr::Attribute(id) => self.push(names.attribute_names.name(id.0)),
            Expr::Segment(id) => self.push(names.segment_names.name(id.0)),
            Expr::Property(id) => self.property(self.filtered, id.0),
            Expr::Trigger(id) => {
                self.push("event.");
                self.property(self.trigger, id.0);
            }
            Expr::Context(id) => self.push(&format!("context.{}", names.context_names.name(id.0))),
            Expr::Aggregate(id) => self.aggregate(*id),
            // Nothing else means the same.
            Expr::Affinity(_) => self.push(names.computed_named(expr).unwrap_or("?")),
            // A holdout is one too, asked for as a condition (`Has`).
            Expr::Variant(assignment, ..) => self.push(&format!("variant({})", quoted(assignment.name()))),
            Expr::Unit(kind) => self.push(kind.name()),
            Expr::Hours(hours) => self.hours(hours),
            Expr::Has(inner)
                if let Expr::Variant(assignment, ..) = &**inner
                    && assignment.is_holdout() =>
            {
                self.push(&format!("held_out({})", quoted(assignment.name())));
            }
            Expr::Variable(place) => self.push(&self.variable(*place as usize)),
            Expr::Has(inner) => self.function("has", inner, depth),
            Expr::Size(inner) => self.function("size", inner, depth),
            Expr::Not(inner) => self.not(inner, depth),
            Expr::Negate(inner) => {
                self.push("-");
                self.write(inner, Binding::Member, depth);
            }
            Expr::And(parts) => self.row(parts, " && ", Binding::Relation, depth),
            Expr::Or(parts) => self.row(parts, " || ", Binding::And, depth),
            Expr::List(parts) => {
                self.push("[");
                self.row(parts, ", ", Binding::Conditional, depth);
                self.push("]");
            }
            Expr::Compare(comparison, left, right) => {
                self.infix(left, sign(*comparison), right, Binding::Sum, depth);
            }
            Expr::In(left, right) => self.infix(left, "in", right, Binding::Sum, depth),
            Expr::Arithmetic(operator, left, right) => self.arithmetic(*operator, left, right, depth),
            Expr::Conditional(condition, then, otherwise) => {
                self.write(condition, Binding::Or, depth);
                self.push(" ? ");
                self.write(then, Binding::Or, depth);
                self.push(" : ");
                self.write(otherwise, Binding::Conditional, depth);
            }
            Expr::Held(condition, duration) => {
                self.push("held(");
                self.write(condition, Binding::Conditional, 0);
                self.push(&format!(", \"{duration}\")"));
            }
            Expr::Field(..)
            | Expr::Index(..)
            | Expr::Text(..)
            | Expr::Matches(..)
            | Expr::LowerAscii(_)
            | Expr::TopItems(..)
            | Expr::Without(..)
            | Expr::Quantified(..) => self.member(expr, depth),
        }
    }

    fn hours(&mut self, hours: &Hours) {
        let texts = hours.texts().map(|text| quoted(&text));
        self.push(&format!("hours({})", texts.join(", ")));
    }

    /// What is written after its operand, with `.` or `[ ]`.
    fn member(&mut self, expr: &Expr, depth: usize) {
        match expr {
            Expr::Field(operand, name) => {
                self.write(operand, Binding::Member, depth);
                match is_identifier(name) {
                    true => self.push(&format!(".{name}")),
                    false => self.push(&format!("[{}]", quoted(name))),
                }
            }
            Expr::Index(operand, place) => {
                self.write(operand, Binding::Member, depth);
                self.push("[");
                self.write(place, Binding::Conditional, depth);
                self.push("]");
            }
            Expr::Text(function, operand, part) => {
                self.write(operand, Binding::Member, depth);
                self.push(match function {
                    TextFunction::Contains => ".contains(",
                    TextFunction::StartsWith => ".startsWith(",
                    TextFunction::EndsWith => ".endsWith(",
                });
                self.write(part, Binding::Conditional, depth);
                self.push(")");
            }
            Expr::Matches(operand, pattern) => {
                self.write(operand, Binding::Member, depth);
                self.push(&format!(".matches({})", quoted(pattern.text())));
            }
            Expr::TopItems(affinity, most) => {
                self.write(affinity, Binding::Member, depth);
                self.push(&format!(".top({most})"));
            }
            Expr::Without(list, other) => {
                self.write(list, Binding::Member, depth);
                self.push(".without(");
                self.write(other, Binding::Conditional, depth);
                self.push(")");
            }
            Expr::LowerAscii(operand) => {
                self.write(operand, Binding::Member, depth);
                self.push(".lowerAscii()");
            }
            Expr::Quantified(quantifier, list, condition) => {
                self.write(list, Binding::Member, depth);
                let function = if *quantifier == Quantifier::Exists { "exists" } else { "all" };
                self.push(&format!(".{function}({}, ", self.variable(depth)));
                self.write(condition, Binding::Conditional, depth + 1);
                self.push(")");
            }
            other => debug_assert!(false, "not written after an operand: {other:?}"),
        }
    }

    pub(super) fn function(&mut self, name: &str, argument: &Expr, depth: usize) {
        self.push(name);
        self.push("(");
        self.write(argument, Binding::Conditional, depth);
        self.push(")");
    }

    fn not(&mut self, inner: &Expr, depth: usize) {
        if let Expr::Compare(Comparison::Equal, left, right) = inner
            && self.definitions.purposes.asked_by(inner).is_none()
        {
            return self.infix(left, "!=", right, Binding::Sum, depth);
        }
        self.push("!");
        self.write(inner, Binding::Member, depth);
    }

    fn row(&mut self, parts: &[Expr], between: &str, binding: Binding, depth: usize) {
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                self.push(between);
            }
            self.write(part, binding, depth);
        }
    }

    fn infix(&mut self, left: &Expr, sign: &str, right: &Expr, binding: Binding, depth: usize) {
        self.write(left, binding, depth);
        self.push(&format!(" {sign} "));
        self.write(right, binding, depth);
    }

    fn arithmetic(&mut self, operator: Operator, left: &Expr, right: &Expr, depth: usize) {
        let (sign, binding, tighter) = match operator {
            Operator::Add => ("+", Binding::Sum, Binding::Product),
            Operator::Subtract => ("-", Binding::Sum, Binding::Product),
            Operator::Multiply => ("*", Binding::Product, Binding::Prefix),
            Operator::Divide => ("/", Binding::Product, Binding::Prefix),
            Operator::Remainder => ("%", Binding::Product, Binding::Prefix),
        };
        self.write(left, binding, depth);
        self.push(&format!(" {sign} "));
        self.write(right, tighter, depth);
    }

    fn constant(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.push(&quoted(text)),
            Value::List(items) => {
                self.push("[");
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        self.push(", ");
                    }
                    self.constant(item);
                }
                self.push("]");
            }
            Value::Duration(duration) if duration.millis() < 0 => {
                let positive = duration.to_string();
                self.push(&format!("-duration(\"{}\")", positive.trim_start_matches('-')));
            }
            other => self.push(&other.to_string()),
        }
    }

    fn property(&mut self, event: Option<EventId>, number: u32) {
        let name = event.map(|event| self.definitions.event(event).property_names.name(number));
        self.push(name.unwrap_or("?"));
    }

    /// A name for a loop variable that hides nothing.
    fn variable(&self, depth: usize) -> String {
        let names = self.definitions;
        let mut name = if depth == 0 { "e".to_owned() } else { format!("e{}", depth + 1) };
        let property = |name: &str| {
            self.filtered.is_some_and(|event| names.event(event).property_names.get(name).is_some())
        };
        while property(&name)
            || names.attribute_names.get(&name).is_some()
            || names.computed_names.get(&name).is_some()
            || names.segment_names.get(&name).is_some()
        {
            name.push('_');
        }
        name
    }
}

fn binding_of(expr: &Expr) -> Binding {
    match expr {
        Expr::Conditional(..) => Binding::Conditional,
        Expr::Or(_) => Binding::Or,
        Expr::And(_) => Binding::And,
        Expr::Compare(..) | Expr::In(..) => Binding::Relation,
        Expr::Not(inner) if matches!(**inner, Expr::Compare(Comparison::Equal, ..)) => Binding::Relation,
        Expr::Arithmetic(Operator::Add | Operator::Subtract, ..) => Binding::Sum,
        Expr::Arithmetic(..) => Binding::Product,
        Expr::Not(_) | Expr::Negate(_) => Binding::Prefix,
        Expr::Constant(Value::Duration(duration)) if duration.millis() < 0 => Binding::Prefix,
        _ => Binding::Member,
    }
}

fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "==",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    }
}

fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    let starts = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    starts && characters.all(|other| other.is_ascii_alphanumeric() || other == '_') && !is_keyword(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_that_the_language_does_not_keep() {
        for name in ["a", "_a", "a_1", "A9", "_"] {
            assert!(is_identifier(name), "{name}");
        }
        for name in ["", "1a", "a-b", "-a", "a b", "\u{e4}", "a\u{e4}", "in", "true", "false", "null"] {
            assert!(!is_identifier(name), "{name}");
        }
    }

    #[test]
    fn text_is_quoted_as_it_is_read() {
        assert_eq!(quoted("a\"\\\n\r\t\u{1}\u{e4}"), "\"a\\\"\\\\\\n\\r\\t\\u0001\u{e4}\"");
    }
}
