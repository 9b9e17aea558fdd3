//! A condition as a tree: each part with its text, its value, where that comes from, and what is missing.
//!
//! Invariants:
//! 1. The value of every part is what the evaluator gives for its expression over the one view.
//! 2. A segment that is named several times is taken apart once.

use crate::base::time::{Duration, Time};
use crate::derived::conclusions::Conclusions;
use crate::derived::graph::Kind;
use crate::derived::held::Streak;
use crate::derived::view::View;
use crate::engine::explain::past::Past;
use crate::engine::explanation::{Compared, ExplainedPart, Mention, Origin, Withheld};
use crate::model::ids::{AttributeId, EventId, SegmentId};
use crate::model::value::Value;
use crate::rules::definitions::SegmentDefinition;
use crate::rules::evaluate::{Reading, evaluate};
use crate::rules::expression::{Affinity, Comparison, Expr};
use crate::rules::print::{print, print_with_names};

/// How often a part's next turn is looked for further ahead.
const MAX_LOOKS: usize = 64;

/// What parts are explained from.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) view: View<'a>,
    pub(crate) conclusions: Option<&'a Conclusions>,
    pub(crate) past: &'a Past,
    /// When the next message of the future takes effect.
    pub(crate) pending: Time,
    pub(crate) trigger: Option<Trigger<'a>>,
}

/// The trigger event of the personalization that a condition belongs to.
#[derive(Clone, Copy)]
pub(crate) struct Trigger<'a> {
    pub(crate) event: EventId,
    pub(crate) message: Option<&'a Mention>,
}

impl ExplainedPart {
    fn new(text: String, value: Option<Value>) -> ExplainedPart {
        ExplainedPart {
            text,
            name: None,
            value,
            compared: None,
            need: None,
            since: None,
            turns: None,
            origin: None,
            withheld: None,
            parts: Vec::new(),
        }
    }

    /// Whether it is a condition that holds.
    pub fn is_true(&self) -> bool {
        matches!(self.value, Some(Value::Bool(true)))
    }
}

impl Parts<'_> {
    /// The tree of a condition that is to be true.
    pub(crate) fn of(&self, condition: &Expr) -> ExplainedPart {
        self.condition(condition, true, &mut Vec::new())
    }

    /// The value of an expression.
    pub(crate) fn read(&self, expr: &Expr) -> Reading {
        evaluate(expr, &self.view)
    }

    /// An expression as it is written, with names for computed attributes inside it.
    pub(crate) fn text(&self, expr: &Expr) -> String {
        print_with_names(expr, self.view.compiled.definitions, self.event())
    }

    fn event(&self) -> Option<EventId> {
        self.trigger.map(|trigger| trigger.event)
    }

    /// A condition that would have to be `wanted` for the whole to be true.
    fn condition(&self, expr: &Expr, wanted: bool, taken_apart: &mut Vec<SegmentId>) -> ExplainedPart {
        let reading = self.read(expr);
        let is_true = reading.is_true();
        let mut part = ExplainedPart::new(self.text(expr), reading.value);
        part.name = self.view.compiled.definitions.computed_named(expr).map(str::to_owned);
        part.turns = self.turns(expr);
        let mut inner = |expr: &Expr, wanted| self.condition(expr, wanted, taken_apart);
        match expr {
            Expr::And(parts) | Expr::Or(parts) => {
                part.parts = parts.iter().map(|part| inner(part, wanted)).collect();
            }
            Expr::Not(negated) if !matches!(**negated, Expr::Compare(Comparison::Equal, ..)) => {
                part.parts = vec![inner(negated, !wanted)];
            }
            Expr::Conditional(condition, then, otherwise) => {
                let condition = inner(condition, true);
                let chosen = if condition.is_true() { then } else { otherwise };
                part.parts = vec![condition, inner(chosen, wanted)];
            }
            Expr::Segment(segment) => {
                if !taken_apart.contains(segment) {
                    taken_apart.push(*segment);
                    if let Some(condition) = self.condition_of(*segment) {
                        part.parts = vec![self.condition(condition, wanted, taken_apart)];
                    }
                }
            }
            Expr::Held(condition, duration) => {
                part.since = self.held_since(condition, *duration);
                part.parts = vec![inner(condition, wanted)];
            }
            _ => self.leaf(expr, &mut part, taken_apart),
        }
        if is_true != wanted && !self.is_made_of_conditions(expr) {
            part.need = self.nearest(expr, wanted).misses.into_iter().next().map(|miss| miss.need);
        }
        part
    }

    /// Whether what is missing of a condition is said of its parts.
    fn is_made_of_conditions(&self, expr: &Expr) -> bool {
        match expr {
            Expr::And(_) | Expr::Or(_) | Expr::Conditional(..) => true,
            Expr::Not(negated) => !matches!(**negated, Expr::Compare(Comparison::Equal, ..)),
            Expr::Segment(segment) => self.condition_of(*segment).is_some(),
            Expr::Held(condition, _) => !self.read(condition).is_true(),
            _ => false,
        }
    }

    /// The condition of a segment that has one; a list of members has none.
    pub(crate) fn condition_of(&self, segment: SegmentId) -> Option<&Expr> {
        match &self.view.compiled.definitions.segments[segment.index()] {
            SegmentDefinition::Condition(condition) => Some(condition),
            SegmentDefinition::Members(_) => None,
        }
    }

    /// A condition that is not made of conditions: the values it reads.
    fn leaf(&self, expr: &Expr, part: &mut ExplainedPart, taken_apart: &mut Vec<SegmentId>) {
        if let Some(origin) = self.origin(expr) {
            part.origin = Some(origin);
            part.withheld = self.withheld(expr);
            return;
        }
        let comparison = match expr {
            Expr::Not(inner) => inner,
            other => other,
        };
        if let Expr::Compare(_, left, right) = comparison {
            part.compared = Some(Compared { left: self.read(left).value, right: self.read(right).value });
        }
        expr.for_each_part(&mut |inner| self.facts(inner, &mut part.parts, taken_apart));
    }

    /// The values that an expression reads, each once.
    fn facts(&self, expr: &Expr, facts: &mut Vec<ExplainedPart>, taken_apart: &mut Vec<SegmentId>) {
        let reads_variable = expr.contains(&|inner| matches!(inner, Expr::Variable(_)));
        if reads_variable || matches!(expr, Expr::Constant(_) | Expr::Now) {
            return expr.for_each_part(&mut |inner| self.facts(inner, facts, taken_apart));
        }
        let definitions = self.view.compiled.definitions;
        let name = definitions.computed_named(expr);
        let origin = self.origin(expr);
        let reading = self.read(expr);
        let is_condition =
            matches!(expr, Expr::Segment(_) | Expr::Held(..) | Expr::And(_) | Expr::Or(_) | Expr::Not(_));
        let part = if is_condition {
            self.condition(expr, true, taken_apart)
        } else if name.is_some() || origin.is_some() || is_assigned(expr) {
            let mut part = ExplainedPart::new(print(expr, definitions, self.event()), reading.value);
            part.name = name.map(str::to_owned);
            if origin.is_none() {
                expr.for_each_part(&mut |inner| self.facts(inner, &mut part.parts, taken_apart));
            }
            part.origin = origin;
            part.withheld = self.withheld(expr);
            part
        } else {
            return expr.for_each_part(&mut |inner| self.facts(inner, facts, taken_apart));
        };
        if facts.iter().all(|known| known.text != part.text) {
            facts.push(part);
        }
    }

    /// Where the value of an attribute, aggregate or property comes from.
    fn origin(&self, expr: &Expr) -> Option<Origin> {
        match expr {
            Expr::Attribute(attribute) => Some(self.origin_of_attribute(*attribute)),
            Expr::Affinity(affinity) => Some(self.origin_of_items(affinity, None)),
            Expr::TopItems(affinity, _) => self.origin(affinity),
            Expr::Index(whole, item) if let Expr::Affinity(affinity) = &**whole => {
                let item = self.read(item).value;
                Some(self.origin_of_items(affinity, item.as_ref()))
            }
            Expr::Field(map, _) | Expr::Index(map, _) => self.origin(map),
            Expr::Aggregate(aggregate) => Some(Origin::Events(self.past.evidence(*aggregate, &self.view))),
            Expr::Context(_) => self.read(expr).value.is_some().then_some(Origin::Call),
            Expr::Trigger(_) => Some(match self.trigger.and_then(|trigger| trigger.message) {
                Some(message) => Origin::Message(message.clone()),
                None => Origin::NeverSet,
            }),
            _ => None,
        }
    }

    /// What would matter to the value of an attribute, aggregate or property, and does not count.
    pub(crate) fn withheld(&self, expr: &Expr) -> Option<Withheld> {
        match expr {
            Expr::Attribute(attribute) => self.past.withheld_attribute(*attribute, &self.view),
            Expr::Field(map, _) | Expr::Index(map, _) | Expr::TopItems(map, _) => self.withheld(map),
            Expr::Affinity(affinity) => {
                affinity.weighed().find_map(|(id, _)| self.past.withheld_events(id, &self.view))
            }
            Expr::Aggregate(aggregate) => self.past.withheld_events(*aggregate, &self.view),
            Expr::Trigger(_) => self
                .trigger
                .and_then(|trigger| self.past.withheld_trigger(trigger.event, trigger.message, &self.view)),
            _ => None,
        }
    }

    /// The events that gave something to the items of an affinity, or to one of them.
    fn origin_of_items(&self, affinity: &Affinity, item: Option<&Value>) -> Origin {
        let legs = affinity.weighed();
        let evidence = legs.flat_map(|(id, _)| match item {
            Some(item) => {
                // That there was none of some event would read as if there was none of it at all.
                let evidence = self.past.evidence_of_item(id, item, &self.view);
                evidence.into_iter().filter(|events| events.count > 0).collect()
            }
            None => self.past.evidence(id, &self.view),
        });
        Origin::Events(evidence.collect())
    }

    fn origin_of_attribute(&self, attribute: AttributeId) -> Origin {
        let slot = self.view.known.customer.attributes.slot(attribute);
        let has_default = self.view.compiled.definitions.default_of(attribute).is_some();
        match slot.and_then(|slot| Some((self.past.mention(slot.stamp)?, slot.value.is_some()))) {
            Some((mention, true)) => Origin::Message(mention),
            Some((mention, false)) => Origin::RemovedBy(mention),
            None if has_default => Origin::Default,
            None => Origin::NeverSet,
        }
    }

    /// Since when the condition of a `held` has been true, if it is.
    pub(crate) fn held_since(&self, condition: &Expr, duration: Duration) -> Option<Time> {
        self.streak(condition, duration).and_then(Streak::since)
    }

    /// The streak behind a `held`.
    fn streak(&self, condition: &Expr, duration: Duration) -> Option<&Streak> {
        let graph = self.view.compiled.graph;
        let literal = graph.held_by_condition.get(&(condition.clone(), duration))?;
        match graph.kinds[literal.node() as usize] {
            Kind::Held(place) => self.conclusions.map(|conclusions| &conclusions.streaks[place as usize]),
            _ => None,
        }
    }

    /// When a condition turns by itself, if that depends on nothing but the facts and the clock.
    pub(crate) fn turns(&self, expr: &Expr) -> Option<Time> {
        let now = self.view.now;
        if let Expr::Held(condition, duration) = expr {
            let due = self.streak(condition, *duration)?.due(*duration)?;
            return (due > now && due < self.pending && self.turns(condition).is_none_or(|turn| turn >= due))
                .then_some(due);
        }
        if expr.contains(&|inner| matches!(inner, Expr::Segment(_) | Expr::Held(..))) {
            return None;
        }
        let before = self.read(expr);
        if !matches!(before.value, Some(Value::Bool(_))) {
            return None;
        }
        let mut until = before.until;
        for _ in 0..MAX_LOOKS {
            if until >= self.pending {
                return None;
            }
            let then = evaluate(expr, &View { now: until, ..self.view });
            if then.value != before.value {
                return Some(until);
            }
            until = then.until;
        }
        None
    }
}

/// Whether an expression is what an experiment gives, or gives it to.
fn is_assigned(expr: &Expr) -> bool {
    match expr {
        Expr::Unit(_) => true,
        Expr::Variant(assignment, ..) => !assignment.is_holdout(),
        _ => false,
    }
}
