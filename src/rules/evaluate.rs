//! The value of an expression at an instant, and until when it stays what it is.
//!
//! The only evaluator there is: the engine, the naive oracle and `explain` differ in the [`Facts`]
//! they hand to it. Beside the value it returns how the value moves with the clock ([`Motion`]) and
//! the earliest instant at which it may become something else without any message, so that a
//! truth's next change is computed, never polled.
//!
//! Invariants:
//! 1. `until` is later than `now` and never later than the true next change; it may be earlier.
//! 2. An expression of type bool always has a value, and its motion is [`Motion::Still`].
//! 3. No value evaluates to a non-finite float or overflows: such a result is missing.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::base::limits::MAX_FLOAT;
use crate::base::time::{Duration, Time};
use crate::model::ids::{AggregateId, AttributeId, PropertyId, SegmentId};
use crate::model::value::Value;
use crate::rules::assignment::Assignment;
use crate::rules::calculation::calculate;
use crate::rules::expression::{
    Affinity, Comparison, Expr, ItemsAsked, Operator, Pattern, Quantifier, TextFunction, UnitKind,
};
use crate::rules::lists::without;
use crate::rules::motion::{decay_crossing, linear_crossing, number};

/// What an expression reads.
pub(crate) trait Facts {
    /// The time of the question.
    fn now(&self) -> Time;
    /// An attribute's value as it was set.
    fn attribute(&self, attribute: AttributeId) -> Option<Value>;
    /// What stands in for an attribute that has no value.
    fn default_of(&self, attribute: AttributeId) -> Option<Value>;
    /// An id of the customer.
    fn unit(&self, kind: UnitKind) -> Option<Value>;
    /// A property of the event being filtered.
    fn property(&self, property: PropertyId) -> Option<Value>;
    /// A property of the trigger event.
    fn trigger(&self, property: PropertyId) -> Option<Value>;
    /// Something that the call says.
    fn context(&self, said: PropertyId) -> Option<Value>;
    /// The variant that the call gives by an experiment, whoever asks.
    fn given_variant(&self, experiment: &str) -> Option<Value>;
    /// Whether the profile is a member.
    fn segment(&self, segment: SegmentId) -> Reading;
    /// The value of an aggregate.
    fn aggregate(&self, aggregate: AggregateId) -> Reading;
    /// What is asked of an affinity.
    fn affinity(&self, affinity: &Affinity, asked: ItemsAsked<'_>) -> Value;
    /// Whether `condition` has been true without a break for at least `duration`.
    fn held(&self, condition: &Expr, duration: Duration) -> Reading;
}

/// A value at an instant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading {
    /// The value; `None` is missing.
    pub(crate) value: Option<Value>,
    /// How it moves with the clock until `until`.
    pub(crate) motion: Motion,
    /// The earliest instant at which it may do something else without a message.
    pub(crate) until: Time,
}

/// How a value moves with the clock while nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Motion {
    /// It stands still.
    Still,
    /// A time or duration that grows by this many milliseconds per millisecond.
    Linear(i64),
    /// A float that is halved in each such duration.
    Decaying(Duration),
}

impl Reading {
    /// A value that nothing but a message changes.
    pub(crate) fn fixed(value: Option<Value>) -> Reading {
        Reading::until(value, Time::NEVER)
    }

    /// A value that stands still until `until`.
    pub(crate) fn until(value: Option<Value>, until: Time) -> Reading {
        Reading { value, motion: Motion::Still, until }
    }

    /// A score that is halved in every half-life, or a map of these. One that is as small as scores get stands still.
    pub(crate) fn decaying(value: Value, half_life: Duration) -> Reading {
        let is_spent = matches!(value, Value::Float(score) if score.abs() <= f64::MIN_POSITIVE);
        let motion = if is_spent { Motion::Still } else { Motion::Decaying(half_life) };
        Reading { value: Some(value), motion, until: Time::NEVER }
    }

    /// A truth that holds until `until`.
    pub(crate) fn truth(truth: bool, until: Time) -> Reading {
        Reading::until(Some(Value::Bool(truth)), until)
    }

    /// A truth, and until when it holds.
    fn of_truth((truth, until): (bool, Time)) -> Reading {
        Reading::truth(truth, until)
    }

    /// Whether it is `true`; a missing bool is not.
    pub(crate) fn is_true(&self) -> bool {
        matches!(self.value, Some(Value::Bool(true)))
    }
}

/// The value of `expr`.
pub(crate) fn evaluate(expr: &Expr, facts: &impl Facts) -> Reading {
    Evaluation { facts, variables: Vec::new() }.read(expr)
}

/// Whether the condition `expr` is true.
pub(crate) fn is_true(expr: &Expr, facts: &impl Facts) -> bool {
    evaluate(expr, facts).is_true()
}

/// One walk over an expression: the facts and the values of the loop variables, outermost first.
struct Evaluation<'a, F> {
    facts: &'a F,
    variables: Vec<Value>,
}

impl<F: Facts> Evaluation<'_, F> {
    fn read(&mut self, expr: &Expr) -> Reading {
        match expr {
            Expr::Constant(value) => Reading::fixed(Some(value.clone())),
            Expr::Now => Reading {
                value: Some(Value::Time(self.facts.now())),
                motion: Motion::Linear(1),
                until: Time::NEVER,
            },
            Expr::Attribute(attribute) => {
                let set = self.facts.attribute(*attribute);
                Reading::fixed(set.or_else(|| self.facts.default_of(*attribute)))
            }
            Expr::Hours(hours) => Reading::of_truth(hours.at(self.facts.now())),
            Expr::Unit(kind) => Reading::fixed(self.facts.unit(*kind)),
            Expr::Variant(assignment, unit, takes_part) => self.variant(assignment, unit, takes_part),
            Expr::Property(property) => Reading::fixed(self.facts.property(*property)),
            Expr::Trigger(property) => Reading::fixed(self.facts.trigger(*property)),
            Expr::Context(said) => Reading::fixed(self.facts.context(*said)),
            Expr::Segment(segment) => self.facts.segment(*segment),
            Expr::Aggregate(aggregate) => self.facts.aggregate(*aggregate),
            Expr::Affinity(affinity) => self.scores(affinity),
            Expr::TopItems(affinity, most) => self.top_items(affinity, *most),
            Expr::Variable(depth) => Reading::fixed(self.variables.get(*depth as usize).cloned()),
            // A default stands in for a value, but is none.
            Expr::Has(inner) if let Expr::Attribute(attribute) = **inner => {
                Reading::truth(self.facts.attribute(attribute).is_some(), Time::NEVER)
            }
            Expr::Has(inner) => {
                let inner = self.read(inner);
                Reading::truth(inner.value.is_some(), inner.until)
            }
            Expr::Not(inner) => {
                let inner = self.read(inner);
                Reading::truth(!inner.is_true(), inner.until)
            }
            Expr::And(parts) => self.any_false(parts),
            Expr::Or(parts) => self.any_true(parts),
            Expr::Compare(comparison, left, right) => {
                let (left, right) = (self.read(left), self.read(right));
                compare(*comparison, &left, &right, self.facts.now())
            }
            Expr::Arithmetic(operator, left, right) => {
                let (left, right) = (self.read(left), self.read(right));
                arithmetic(*operator, left, right, self.facts.now())
            }
            Expr::Negate(inner) => negate(self.read(inner)),
            Expr::Conditional(condition, then, otherwise) => {
                let condition = self.read(condition);
                let mut chosen = self.read(if condition.is_true() { then } else { otherwise });
                chosen.until = chosen.until.min(condition.until);
                chosen
            }
            Expr::Held(condition, duration) => self.facts.held(condition, *duration),
            Expr::Quantified(quantifier, list, condition) => self.quantified(*quantifier, list, condition),
            Expr::List(elements) => self.list(elements),
            Expr::Without(list, other) => self.with_two(list, other, without),
            Expr::Field(map, name) => self.with_one(map, |map| map.field(name).cloned()),
            Expr::LowerAscii(text) => self.with_one(text, |text| match text {
                Value::String(text) => Some(Value::from(text.to_ascii_lowercase())),
                _ => None,
            }),
            Expr::Size(inner) => self.with_one(inner, size),
            Expr::Index(inner, item) if let Expr::Affinity(affinity) = &**inner => {
                self.item_score(affinity, item)
            }
            Expr::Index(inner, place) => self.with_two(inner, place, index),
            Expr::In(element, list) => self.condition_on_two(element, list, contains),
            Expr::Text(function, text, part) => {
                self.condition_on_two(text, part, |text, part| text_function(*function, text, part))
            }
            Expr::Matches(text, pattern) => self.matches(text, pattern),
        }
    }

    fn matches(&mut self, text: &Expr, pattern: &Pattern) -> Reading {
        let text = self.read(text);
        let truth = matches!(&text.value, Some(Value::String(text)) if pattern.is_match(text));
        Reading::truth(truth, self.settled(&text))
    }

    /// The scores of all items.
    fn scores(&self, affinity: &Affinity) -> Reading {
        Reading::decaying(self.facts.affinity(affinity, ItemsAsked::Each), affinity.half_life)
    }

    /// All scores are halved alike, so no order changes with time.
    fn top_items(&self, affinity: &Expr, most: u32) -> Reading {
        Reading::fixed(match affinity {
            Expr::Affinity(affinity) => Some(self.facts.affinity(affinity, ItemsAsked::Top(most))),
            _ => None,
        })
    }

    /// The score of one item: a number that decays by itself.
    fn item_score(&mut self, affinity: &Affinity, item: &Expr) -> Reading {
        let item = self.read(item);
        let until = self.settled(&item);
        match &item.value {
            Some(Value::String(text)) => {
                let score = self.facts.affinity(affinity, ItemsAsked::One(text));
                Reading { until, ..Reading::decaying(score, affinity.half_life) }
            }
            _ => Reading::until(None, until),
        }
    }

    /// A conjunction: the first false part decides, and stays the reason until its own `until`.
    fn any_false(&mut self, parts: &[Expr]) -> Reading {
        let mut until = Time::NEVER;
        for part in parts {
            let part = self.read(part);
            if !part.is_true() {
                return Reading::truth(false, part.until);
            }
            until = until.min(part.until);
        }
        Reading::truth(true, until)
    }

    /// A disjunction: the first true part decides.
    fn any_true(&mut self, parts: &[Expr]) -> Reading {
        let mut until = Time::NEVER;
        for part in parts {
            let part = self.read(part);
            if part.is_true() {
                return Reading::truth(true, part.until);
            }
            until = until.min(part.until);
        }
        Reading::truth(false, until)
    }

    /// `all` is the complement of `exists` of the complement, so a missing list has no counterexample.
    fn quantified(&mut self, quantifier: Quantifier, list: &Expr, condition: &Expr) -> Reading {
        let list = self.read(list);
        let mut until = self.settled(&list);
        let wanted = quantifier == Quantifier::Exists;
        for element in elements(list.value.as_ref()) {
            self.variables.push(element);
            let part = self.read(condition);
            self.variables.pop();
            until = until.min(part.until);
            if part.is_true() == wanted {
                return Reading::truth(wanted, until);
            }
        }
        Reading::truth(!wanted, until)
    }

    /// Who is forced need not take part otherwise.
    fn variant(&mut self, assignment: &Assignment, unit: &Expr, takes_part: &Expr) -> Reading {
        if let Some(given) = self.facts.given_variant(assignment.name()).filter(|_| !assignment.is_holdout())
        {
            return Reading::fixed(Some(given));
        }
        let unit = self.read(unit);
        let until = self.settled(&unit);
        let id = match &unit.value {
            Some(Value::String(id)) => Arc::clone(id),
            Some(Value::Int(id)) => Arc::from(id.to_string()),
            _ => return Reading::until(None, until),
        };
        if let Some(forced) = assignment.forced(&id) {
            return Reading::until(Some(Value::String(Arc::clone(forced))), until);
        }
        let takes_part = self.read(takes_part);
        let variant = if takes_part.is_true() { assignment.variant(&id) } else { None };
        Reading::until(variant.map(|name| Value::String(Arc::clone(name))), until.min(takes_part.until))
    }

    fn list(&mut self, parts: &[Expr]) -> Reading {
        let mut until = Time::NEVER;
        let mut values = Vec::with_capacity(parts.len());
        for part in parts {
            let part = self.read(part);
            until = until.min(self.settled(&part));
            values.extend(part.value);
        }
        Reading::until(Some(Value::List(values.into())), until)
    }

    fn with_one(&mut self, inner: &Expr, function: impl FnOnce(&Value) -> Option<Value>) -> Reading {
        let inner = self.read(inner);
        Reading::until(inner.value.as_ref().and_then(function), self.settled(&inner))
    }

    fn with_two(
        &mut self,
        left: &Expr,
        right: &Expr,
        function: impl FnOnce(&Value, &Value) -> Option<Value>,
    ) -> Reading {
        let (left, right) = (self.read(left), self.read(right));
        let until = self.settled(&left).min(self.settled(&right));
        let value = left.value.as_ref().zip(right.value.as_ref()).and_then(|(l, r)| function(l, r));
        Reading::until(value, until)
    }

    fn condition_on_two(
        &mut self,
        left: &Expr,
        right: &Expr,
        function: impl FnOnce(&Value, &Value) -> bool,
    ) -> Reading {
        let reading = self.with_two(left, right, |l, r| Some(Value::Bool(function(l, r))));
        Reading::truth(reading.is_true(), reading.until)
    }

    /// Until when an operand may be taken as it is by a function that does not follow its motion. The
    /// checker refuses such uses of moving values; for any it lets through, the next millisecond.
    fn settled(&self, operand: &Reading) -> Time {
        match operand.motion {
            Motion::Still => operand.until,
            Motion::Linear(_) | Motion::Decaying(_) => self.facts.now() + Duration::MILLISECOND,
        }
    }
}

fn compare(comparison: Comparison, left: &Reading, right: &Reading, now: Time) -> Reading {
    let until = left.until.min(right.until);
    let (Some(a), Some(b)) = (&left.value, &right.value) else {
        return Reading::truth(false, until);
    };
    let truth = match comparison {
        Comparison::Equal => a == b,
        _ => a.compare(b).is_some_and(|order| comparison.accepts(order)),
    };
    let crossing = match (left.motion, right.motion) {
        (Motion::Still, Motion::Still) => Time::NEVER,
        (Motion::Decaying(half_life), Motion::Still) => decay_crossing(a, b, half_life, now),
        (Motion::Still, Motion::Decaying(half_life)) => decay_crossing(b, a, half_life, now),
        (Motion::Decaying(_), _) | (_, Motion::Decaying(_)) => now + Duration::MILLISECOND,
        (left, right) => linear_crossing(a, left.slope(), b, right.slope(), now),
    };
    Reading::truth(truth, until.min(crossing))
}

impl Motion {
    fn slope(self) -> i64 {
        match self {
            Motion::Linear(slope) => slope,
            Motion::Still | Motion::Decaying(_) => 0,
        }
    }
}

impl Comparison {
    /// Whether the comparison holds of values in this order.
    pub(crate) fn accepts(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order == Ordering::Equal,
            Comparison::Less => order == Ordering::Less,
            Comparison::LessOrEqual => order != Ordering::Greater,
            Comparison::Greater => order == Ordering::Greater,
            Comparison::GreaterOrEqual => order != Ordering::Less,
        }
    }
}

fn negate(reading: Reading) -> Reading {
    let value = reading.value.and_then(|value| match value {
        Value::Int(value) => value.checked_neg().map(Value::Int),
        Value::Float(value) => Value::float(-value),
        Value::Duration(value) => {
            value.millis().checked_neg().map(Duration::from_millis).map(Value::Duration)
        }
        _ => None,
    });
    let motion = match reading.motion {
        Motion::Linear(slope) => Motion::Linear(-slope),
        other => other,
    };
    Reading { value, motion, until: reading.until }
}

fn arithmetic(operator: Operator, left: Reading, right: Reading, now: Time) -> Reading {
    let until = left.until.min(right.until);
    let motion = match (operator, left.motion, right.motion) {
        (_, Motion::Still, Motion::Still) => Some(Motion::Still),
        (Operator::Add, a, b) if !a.decays() && !b.decays() => Some(Motion::linear(a.slope() + b.slope())),
        (Operator::Subtract, a, b) if !a.decays() && !b.decays() => {
            Some(Motion::linear(a.slope() - b.slope()))
        }
        (Operator::Multiply, Motion::Decaying(h), Motion::Still)
        | (Operator::Multiply, Motion::Still, Motion::Decaying(h))
        | (Operator::Divide, Motion::Decaying(h), Motion::Still) => Some(Motion::Decaying(h)),
        _ => None,
    };
    let score_is_left = left.motion.decays();
    let operands = left.value.zip(right.value);
    let value = operands.as_ref().and_then(|(left, right)| calculate(operator, left, right));
    match (motion, operands) {
        (Some(Motion::Decaying(half_life)), Some((left, right))) if value.is_none() => {
            let (score, other) = if score_is_left { (left, right) } else { (right, left) };
            Reading::until(None, until.min(back_in_bounds(operator, &score, &other, half_life, now)))
        }
        (Some(motion), _) => Reading { value, motion, until },
        (None, _) => Reading::until(value, until.min(now + Duration::MILLISECOND)),
    }
}

/// When a score times or by a number that is too large for a float no longer is, at the earliest.
fn back_in_bounds(operator: Operator, score: &Value, other: &Value, half_life: Duration, now: Time) -> Time {
    let (Some(of), Some(other)) = (number(score), number(other)) else { return Time::NEVER };
    let bound = if operator == Operator::Divide { MAX_FLOAT * other.abs() } else { MAX_FLOAT / other.abs() };
    let crossing = decay_crossing(score, &Value::Float(bound.copysign(of)), half_life, now);
    // Rounding may have it there already. Divided by zero it is never there.
    if crossing == Time::NEVER && bound > 0.0 { now + Duration::MILLISECOND } else { crossing }
}

impl Motion {
    fn decays(self) -> bool {
        matches!(self, Motion::Decaying(_))
    }

    fn linear(slope: i64) -> Motion {
        if slope == 0 { Motion::Still } else { Motion::Linear(slope) }
    }
}

fn size(value: &Value) -> Option<Value> {
    let size = match value {
        Value::String(text) => text.chars().count(),
        Value::List(items) => items.len(),
        Value::Map(entries) => entries.len(),
        _ => return None,
    };
    i64::try_from(size).ok().map(Value::Int)
}

fn index(value: &Value, place: &Value) -> Option<Value> {
    match (value, place) {
        (Value::List(items), Value::Int(place)) => items.get(usize::try_from(*place).ok()?).cloned(),
        (Value::Map(_), Value::String(key)) => value.field(key).cloned(),
        _ => None,
    }
}

fn contains(element: &Value, list: &Value) -> bool {
    match (list, element) {
        (Value::List(items), _) => items.contains(element),
        (Value::Map(_), Value::String(key)) => list.field(key).is_some(),
        _ => false,
    }
}

/// What a quantifier ranges over: the elements of a list, the keys of a map.
fn elements(value: Option<&Value>) -> Vec<Value> {
    match value {
        Some(Value::List(items)) => items.to_vec(),
        Some(Value::Map(entries)) => entries.iter().map(|(key, _)| Value::String(Arc::clone(key))).collect(),
        _ => Vec::new(),
    }
}

fn text_function(function: TextFunction, text: &Value, part: &Value) -> bool {
    let (Value::String(text), Value::String(part)) = (text, part) else { return false };
    match function {
        TextFunction::Contains => text.contains(&**part),
        TextFunction::StartsWith => text.starts_with(&**part),
        TextFunction::EndsWith => text.ends_with(&**part),
    }
}
