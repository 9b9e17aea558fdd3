//! What would have to be otherwise for a condition to be true (or false): as little as possible.
//!
//! Of a conjunction all false parts are missing; of a disjunction, the part that is nearest to true. How
//! near a part is, is a number from 0 to 1 per comparison, relative to its target, so that `2 of 3`
//! is nearer than `10 of 500`; something missing altogether counts 1. The parts of a conjunction add.

use crate::engine::explain::parts::Parts;
use crate::engine::explain::wording::{distance, purposes, say, say_ahead, say_optional, say_shortfall};
use crate::engine::explanation::Miss;
use crate::model::ids::AggregateId;
use crate::model::value::Value;
use crate::rules::expression::{Comparison, Expr, Function, Quantifier};

/// How far what cannot be reached is.
const OUT_OF_REACH: f64 = 1e6;

/// What is missing, and how much that is.
#[derive(Debug)]
pub(crate) struct Shortfall {
    pub(crate) misses: Vec<Miss>,
    distance: f64,
}

impl Shortfall {
    fn nearest(all: impl Iterator<Item = Shortfall>) -> Shortfall {
        let nearest = all.reduce(|best, next| if next.distance < best.distance { next } else { best });
        nearest.unwrap_or(Shortfall { misses: Vec::new(), distance: OUT_OF_REACH })
    }

    fn together(all: impl Iterator<Item = Shortfall>) -> Shortfall {
        all.fold(Shortfall { misses: Vec::new(), distance: 0.0 }, |mut sum, part| {
            sum.distance += part.distance;
            for miss in part.misses {
                if !sum.misses.contains(&miss) {
                    sum.misses.push(miss);
                }
            }
            sum
        })
    }
}

impl Parts<'_> {
    /// What is missing for `expr`, which is not, to be `wanted`.
    pub(crate) fn nearest(&self, expr: &Expr, wanted: bool) -> Shortfall {
        let wrong = |part: &&Expr| self.read(part).is_true() != wanted;
        match (expr, wanted) {
            (Expr::And(parts), true) | (Expr::Or(parts), false) => {
                Shortfall::together(parts.iter().filter(wrong).map(|part| self.nearest(part, wanted)))
            }
            (Expr::And(parts), false) | (Expr::Or(parts), true) => {
                Shortfall::nearest(parts.iter().map(|part| self.nearest(part, wanted)))
            }
            (Expr::Not(inner), _) => self.nearest(inner, !wanted),
            (Expr::Conditional(condition, then, otherwise), _) => {
                self.nearest(if self.read(condition).is_true() { then } else { otherwise }, wanted)
            }
            (Expr::Segment(segment), _) => match self.condition_of(*segment) {
                Some(condition) if self.read(condition).is_true() != wanted => {
                    self.nearest(condition, wanted)
                }
                // Its condition holds, but only known customers are members.
                Some(_) => self.leaf_miss(expr, "the customer is unknown".to_owned(), 1.0),
                None if wanted => self.leaf_miss(expr, "not on its list".to_owned(), 2.0),
                None => self.leaf_miss(expr, "on its list".to_owned(), 2.0),
            },
            (Expr::Held(..), true) => self.held_miss(expr),
            _ => {
                let (mut need, distance) = self.leaf_need(expr, wanted);
                if let Some(at) = self.turns(expr) {
                    let ahead = say_ahead(self.view.now, at);
                    need = if need.is_empty() { ahead } else { format!("{need}, {ahead}") };
                } else if need.is_empty() {
                    need.push_str("not long enough ago");
                }
                self.leaf_miss(expr, need, distance)
            }
        }
    }

    fn leaf_miss(&self, expr: &Expr, need: String, distance: f64) -> Shortfall {
        Shortfall { misses: vec![Miss { part: self.text(expr), need }], distance }
    }

    /// A `held` that is not true: its condition is false, or has not been true for long enough.
    fn held_miss(&self, expr: &Expr) -> Shortfall {
        let Expr::Held(condition, duration) = expr else { return Shortfall::nearest(std::iter::empty()) };
        let since = self.held_since(condition, *duration);
        let Some(since) = since.filter(|_| self.read(condition).is_true()) else {
            let mut missing = self.nearest(condition, true);
            missing.distance += 1.0;
            return match missing.misses.first() {
                Some(_) => missing,
                None => self.leaf_miss(expr, "its condition is false".to_owned(), OUT_OF_REACH),
            };
        };
        let (passed, due) = (self.view.now.since(since), since + *duration);
        let need = format!(
            "held for {} of {}, {}",
            say(&Value::Duration(passed)),
            say(&Value::Duration(*duration)),
            say_ahead(self.view.now, due)
        );
        self.leaf_miss(expr, need, distance(&Value::Duration(passed), &Value::Duration(*duration)))
    }

    /// What is missing of a condition that is not made of others, in words; and how much.
    fn leaf_need(&self, expr: &Expr, wanted: bool) -> (String, f64) {
        match expr {
            Expr::Compare(comparison, left, right) => self.compare_need(*comparison, left, right, wanted),
            Expr::Aggregate(aggregate) => (self.aggregate_need(*aggregate, wanted), 1.0),
            Expr::Constant(_) => {
                (if wanted { "it is never true" } else { "it is always true" }.to_owned(), OUT_OF_REACH)
            }
            Expr::Has(inner) if wanted => (self.why_missing(inner), 1.0),
            Expr::Has(inner) => (format!("`{}` is set", self.text(inner)), 1.0),
            Expr::Hours(_) => (if wanted { "it is not the time" } else { "it is the time" }.to_owned(), 1.0),
            Expr::In(element, list) => self.member_need(element, list, wanted),
            Expr::Text(_, text, _) | Expr::Matches(text, _) => self.value_need(text, wanted),
            Expr::Quantified(quantifier, list, _) => (self.quantified_need(*quantifier, list, wanted), 1.0),
            Expr::Held(condition, duration) => {
                let since = self.held_since(condition, *duration);
                let since = since.map_or(String::new(), |since| format!(" since {since}"));
                (format!("`{}` has been true{since}", self.text(condition)), 1.0)
            }
            _ => self.value_need(expr, wanted),
        }
    }

    fn compare_need(&self, comparison: Comparison, left: &Expr, right: &Expr, wanted: bool) -> (String, f64) {
        // What can change is said first: `500 < x` is explained as `x > 500`.
        let is_fixed = |expr: &Expr| {
            !expr.contains(&|inner| {
                !matches!(inner, Expr::Constant(_) | Expr::Arithmetic(..) | Expr::Negate(_) | Expr::Now)
            })
        };
        let (comparison, left, right) = if is_fixed(left) && !is_fixed(right) {
            (comparison.mirrored(), right, left)
        } else {
            (comparison, left, right)
        };
        let (value, target) = (self.read(left).value, self.read(right).value);
        let (Some(value), Some(target)) = (&value, &target) else {
            let missing = if value.is_none() { left } else { right };
            return (self.why_missing(missing), 1.0);
        };
        let comparison = match (comparison, wanted) {
            (Comparison::Equal, false) => return (format!("it is {}", say(target)), 1.0),
            (comparison, true) => comparison,
            (comparison, false) => comparison.opposite(),
        };
        let distance = if comparison == Comparison::Equal { 1.0 } else { distance(value, target) };
        if self.counts(left)
            && let (Value::Int(count), Value::Int(target)) = (value, target)
        {
            match comparison {
                Comparison::GreaterOrEqual => return (format!("{count} of {target}"), distance),
                Comparison::Greater => return (format!("{count} of {}", target.saturating_add(1)), distance),
                _ => {}
            }
        }
        (say_shortfall(value, comparison, target), distance)
    }

    /// Whether an expression counts something, so that `2 of 3` says all.
    fn counts(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Aggregate(aggregate) => {
                let function = &self.view.compiled.definitions.aggregates[aggregate.index()].function;
                matches!(function, Function::Count | Function::Distinct(_))
            }
            Expr::Size(_) => true,
            _ => false,
        }
    }

    fn member_need(&self, element: &Expr, list: &Expr, wanted: bool) -> (String, f64) {
        let (value, members) = (self.read(element).value, self.read(list).value);
        let need = match (&value, &members) {
            (None, _) => self.why_missing(element),
            (_, None) => self.why_missing(list),
            (Some(value), Some(members)) => {
                let is = if wanted { "is not in" } else { "is in" };
                format!("{} {is} {}", say(value), say(members))
            }
        };
        (need, 1.0)
    }

    fn value_need(&self, expr: &Expr, wanted: bool) -> (String, f64) {
        match self.read(expr).value {
            None => (self.why_missing(expr), 1.0),
            Some(Value::Bool(_)) => (format!("it is {}", !wanted), 1.0),
            value => (format!("it is {}", say_optional(value.as_ref())), 1.0),
        }
    }

    fn quantified_need(&self, quantifier: Quantifier, list: &Expr, wanted: bool) -> String {
        let Some(value) = self.read(list).value else { return self.why_missing(list) };
        let among = say(&value);
        match (quantifier, wanted) {
            (Quantifier::Exists, true) => format!("none of {among} does"),
            (Quantifier::Exists, false) => format!("one of {among} does"),
            (Quantifier::All, true) => format!("not all of {among} do"),
            (Quantifier::All, false) => format!("all of {among} do"),
        }
    }

    /// What an aggregate that is a condition waits for.
    fn aggregate_need(&self, id: AggregateId, wanted: bool) -> String {
        let definitions = self.view.compiled.definitions;
        let aggregate = &definitions.aggregates[id.index()];
        let evidence = self.past.evidence(id, &self.view);
        let event =
            |place: usize| evidence.get(place).and_then(|events| events.event.as_deref()).unwrap_or("event");
        let first = evidence.first().map_or(0, |events| events.count);
        let (Function::FollowedBy { within, .. } | Function::NotFollowedBy { after: within, .. }) =
            aggregate.function
        else {
            return self.events_need(event(0), first, wanted);
        };
        let followers = evidence.get(1);
        match (wanted, followers.and_then(|events| events.latest.first())) {
            (true, _) if first == 0 => format!("no `{}`", event(0)),
            (false, _) => format!("it is true of `{}`", event(0)),
            (true, _) if matches!(aggregate.function, Function::FollowedBy { .. }) => {
                format!("no `{}` within {within} after `{}`", self.second_event(id), event(0))
            }
            (true, Some(mention)) => format!("`{}` came at {}", event(1), mention.at),
            // Only the time is missing, and that is said with its end.
            (true, None) => String::new(),
        }
    }

    fn events_need(&self, event: &str, count: u64, wanted: bool) -> String {
        if wanted { format!("no `{event}`") } else { format!("{count} `{event}`") }
    }

    fn second_event(&self, id: AggregateId) -> String {
        let definitions = self.view.compiled.definitions;
        let (Function::FollowedBy { other, .. } | Function::NotFollowedBy { other, .. }) =
            definitions.aggregates[id.index()].function
        else {
            return String::new();
        };
        let event = definitions.sources[other.index()].event;
        event.map_or("event", |event| definitions.event_names.name(event.0)).to_owned()
    }

    /// Why an expression has no value: the first thing it reads that is missing.
    fn why_missing(&self, expr: &Expr) -> String {
        let definitions = self.view.compiled.definitions;
        match expr {
            Expr::Attribute(_) if definitions.purposes.asked_by(expr).is_some() => {
                "the customer was not asked".to_owned()
            }
            Expr::Attribute(_) | Expr::Field(..) | Expr::Index(..) => {
                let text = self.text(expr);
                match self.withheld(expr) {
                    Some(withheld) => format!("`{text}` is not set with consent to {}", purposes(&withheld)),
                    None => format!("`{text}` is not set"),
                }
            }
            Expr::Trigger(_) => format!("`{}` is missing", self.text(expr)),
            Expr::Context(_) => format!("the call does not say `{}`", self.text(expr)),
            Expr::Aggregate(aggregate) => self.why_no_events(*aggregate),
            Expr::Unit(kind) => format!("no {} was seen", kind.name()),
            Expr::Variant(assignment, unit, takes_part) => match self.read(unit).value {
                None => self.why_missing(unit),
                Some(_) if self.read(takes_part).is_true() => {
                    format!("`{}` does not take this customer in", assignment.name())
                }
                Some(_) => format!("the customer does not take part in `{}`", assignment.name()),
            },
            _ => {
                let mut why = None;
                expr.for_each_part(&mut |part| {
                    if why.is_none() && self.read(part).value.is_none() {
                        why = Some(self.why_missing(part));
                    }
                });
                why.unwrap_or_else(|| format!("`{}` has no value", self.text(expr)))
            }
        }
    }

    fn why_no_events(&self, id: AggregateId) -> String {
        let definitions = self.view.compiled.definitions;
        let aggregate = &definitions.aggregates[id.index()];
        let source = &definitions.sources[aggregate.source.index()];
        let event = source.event.map_or("event", |event| definitions.event_names.name(event.0));
        let property = aggregate.function.property().zip(source.event).map(|(property, event)| {
            format!(" with `{}`", definitions.event(event).property_names.name(property.0))
        });
        let ordinal = if aggregate.function == Function::PreviousTime { "second " } else { "" };
        let filter = if source.filter.is_some() { " of that kind" } else { "" };
        let window = if aggregate.window.is_empty() { "" } else { " in that time" };
        format!("no {ordinal}`{event}`{filter}{}{window}", property.unwrap_or_default())
    }
}

impl Comparison {
    /// The comparison that holds of two present values exactly when this one does not.
    fn opposite(self) -> Comparison {
        match self {
            Comparison::Equal => Comparison::Equal,
            Comparison::Less => Comparison::GreaterOrEqual,
            Comparison::LessOrEqual => Comparison::Greater,
            Comparison::Greater => Comparison::LessOrEqual,
            Comparison::GreaterOrEqual => Comparison::Less,
        }
    }
}
