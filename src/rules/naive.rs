//! The naive evaluator: every answer, recomputed from the whole list of a customer's messages.
//!
//! It is the yardstick for the engine and therefore as plain as it can be: no state, no index, no
//! deadline, no window that slides. At each question it walks over all messages up to `now` and applies
//! the definition of what is asked. With the engine it shares the evaluator of expressions and the
//! definitions, and nothing else. Its cost is linear in the messages, and quadratic for `held`.
//!
//! Invariants:
//! 1. `messages` are sorted by time and message id, and are all of one customer.
//! 2. Of messages there is only what counts at the time of the question.
//! 3. No answer at `now` looks at a message later than `now`.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::rc::Rc;
use std::sync::Arc;

use ahash::AHashMap;

use crate::base::exact_sum::ExactSum;
use crate::base::limits::MAX_FLOAT;
use crate::base::time::{Duration, Time};
use crate::model::ids::{AggregateId, AttributeId, EventId, PropertyId, PurposeId, SegmentId, SourceId};
use crate::model::value::{Type, Value};
use crate::rules::at_call::AtCall;
use crate::rules::definitions::{Definitions, SegmentDefinition};
use crate::rules::evaluate::{Facts, Reading, evaluate, is_true};
use crate::rules::expression::{Affinity, Bound, Expr, Function, ItemsAsked, UnitKind};
use crate::rules::naive_consents::consent;
use crate::rules::naive_instants::{Instants, instants_of_change};
use crate::rules::naive_scores::decayed;
use crate::rules::one_event::OneEvent;

/// One accepted message.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) time: Time,
    pub(crate) message_id: String,
    pub(crate) said: Said,
    /// What it says of purposes.
    pub(crate) consents: Vec<(PurposeId, bool)>,
}

/// What a message says in the terms of the catalog.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    /// Attributes set, or with no value removed.
    Attributes(Vec<(AttributeId, Option<Value>)>),
    /// Something happened; properties by their place among the event's.
    Event { event: Option<EventId>, properties: Arc<[Option<Value>]> },
    /// Nothing but that the customer is known.
    Presence,
}

/// All that is known of one customer.
pub(crate) struct Naive<'a> {
    pub(crate) definitions: &'a Definitions,
    /// The customer's ids, as lists of members may name them.
    pub(crate) ids: &'a [String],
    /// The user's id and the visitor's that were seen first, each with when.
    pub(crate) first_seen: FirstSeen<'a>,
    pub(crate) messages: &'a [Told],
    /// What decayed scores are multiplied by: 1, or a little more or less, to see which answers hang on
    /// the last digits of a score.
    nudge: f64,
    truths: RefCell<AHashMap<(Time, Asked), bool>>,
    /// Of each condition of a `held`, by its address, the instants at which it can change.
    instants: RefCell<AHashMap<usize, Rc<Instants>>>,
}

/// A user's id and a visitor's, each with when it was seen first.
pub(crate) type FirstSeen<'a> = [Option<(Time, &'a str)>; 2];

/// What truths are remembered of, so that `held` asks each instant once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Asked {
    Segment(SegmentId),
    /// The condition of a `held`, by its address in the definitions.
    Condition(usize),
}

/// The customer at one instant.
#[derive(Clone, Copy)]
pub(crate) struct Moment<'a> {
    naive: &'a Naive<'a>,
    now: Time,
    call: AtCall<'a>,
}

/// An event as the functions of events see it.
#[derive(Clone, Copy)]
pub(super) struct Happened<'a> {
    /// Its place among the customer's messages.
    place: usize,
    pub(super) time: Time,
    event: Option<EventId>,
    pub(super) properties: &'a [Option<Value>],
}

impl<'a> Naive<'a> {
    /// A customer with these messages.
    pub(crate) fn new(
        definitions: &'a Definitions,
        (ids, first_seen): (&'a [String], FirstSeen<'a>),
        messages: &'a [Told],
    ) -> Naive<'a> {
        Naive {
            definitions,
            ids,
            first_seen,
            messages,
            nudge: 1.0,
            truths: RefCell::default(),
            instants: RefCell::default(),
        }
    }

    /// The same, with every decayed score multiplied by a number close to 1.
    pub(crate) fn with_scores_times(self, nudge: f64) -> Naive<'a> {
        Naive { nudge, ..self }
    }

    /// The customer at `now`.
    pub(crate) fn at(&'a self, now: Time) -> Moment<'a> {
        Moment { naive: self, now, call: AtCall::default() }
    }

    /// The instants at which a condition can change, sorted.
    fn instants(&self, condition: &Expr, address: usize) -> Rc<Instants> {
        if let Some(known) = self.instants.borrow().get(&address) {
            return Rc::clone(known);
        }
        let instants = Rc::new(instants_of_change(self, condition));
        self.instants.borrow_mut().insert(address, Rc::clone(&instants));
        instants
    }

    fn remember(&self, time: Time, asked: Asked, answer: impl FnOnce() -> bool) -> bool {
        if let Some(known) = self.truths.borrow().get(&(time, asked)) {
            return *known;
        }
        let truth = answer();
        self.truths.borrow_mut().insert((time, asked), truth);
        truth
    }
}

impl<'a> Moment<'a> {
    /// The same, asked by a call.
    pub(crate) fn at_call(self, call: AtCall<'a>) -> Moment<'a> {
        Moment { call, ..self }
    }

    /// What the call brings with it.
    pub(crate) fn call(&self) -> AtCall<'a> {
        self.call
    }

    /// Whether a message of the customer has taken effect.
    pub(crate) fn is_known(&self) -> bool {
        !self.messages().is_empty()
    }

    /// Whether the customer is a member of a segment.
    pub(crate) fn is_member(&self, segment: SegmentId) -> bool {
        let Moment { naive, now, .. } = *self;
        // What is remembered knows nothing of the variants that a call gives.
        if let SegmentDefinition::Condition(condition) = &naive.definitions.segments[segment.index()]
            && !self.call.variants.is_empty()
        {
            return self.is_known() && is_true(condition, self);
        }
        self.is_known()
            && naive.remember(now, Asked::Segment(segment), || {
                match &naive.definitions.segments[segment.index()] {
                    SegmentDefinition::Condition(condition) => is_true(condition, &naive.at(now)),
                    SegmentDefinition::Members(members) => {
                        members.iter().any(|member| naive.ids.contains(member))
                    }
                }
            })
    }

    /// The value of an attribute as it was set.
    pub(crate) fn set_value(&self, attribute: AttributeId) -> Option<Value> {
        self.attribute(attribute)
    }

    /// The value of an expression.
    pub(crate) fn value(&self, expr: &Expr) -> Option<Value> {
        evaluate(expr, self).value
    }

    /// The properties of the last event of a name.
    pub(crate) fn last_properties(&self, event: EventId) -> Option<&'a [Option<Value>]> {
        self.events().rfind(|happened| happened.event == Some(event)).map(|happened| happened.properties)
    }

    pub(super) fn definitions(&self) -> &'a Definitions {
        self.naive.definitions
    }

    /// A score, moved a little to see what hangs on its last digits.
    pub(super) fn nudged(&self, score: f64) -> f64 {
        score * self.naive.nudge
    }

    /// The messages up to now.
    fn messages(&self) -> &'a [Told] {
        let end = self.naive.messages.iter().take_while(|told| told.time <= self.now).count();
        &self.naive.messages[..end]
    }

    fn events(&self) -> impl DoubleEndedIterator<Item = Happened<'a>> + use<'a> {
        self.messages().iter().enumerate().filter_map(|(place, told)| match &told.said {
            Said::Event { event, properties } => {
                Some(Happened { place, time: told.time, event: *event, properties })
            }
            Said::Attributes(_) | Said::Presence => None,
        })
    }

    /// The events of a source up to now.
    pub(super) fn events_of(&self, source: SourceId) -> Vec<Happened<'a>> {
        let source = &self.naive.definitions.sources[source.index()];
        let of_name =
            self.events().filter(|happened| source.event.is_none() || happened.event == source.event);
        let passes = |happened: &Happened<'_>| match &source.filter {
            Some(filter) => is_true(filter, &OneEvent(happened.properties)),
            None => true,
        };
        of_name.filter(passes).collect()
    }

    fn is_inside(&self, window: &[Bound], time: Time) -> bool {
        window.iter().all(|bound| match bound {
            Bound::Within(duration) => time > self.now - *duration,
            Bound::OlderThan(duration) => time <= self.now - *duration,
            Bound::CalendarDays(days, zone) => {
                // Day by day: the event's own day is among the last ones.
                let day = zone.begin_of_day(time, 0);
                (0..i32::from(*days)).any(|back| zone.begin_of_day(self.now, -back) == day)
            }
            Bound::After(expr) => matches!(self.value(expr), Some(Value::Time(after)) if time > after),
            Bound::Before(expr) => matches!(self.value(expr), Some(Value::Time(before)) if time < before),
        })
    }

    fn aggregate_value(&self, id: AggregateId) -> Option<Value> {
        let definitions = self.naive.definitions;
        let aggregate = &definitions.aggregates[id.index()];
        let mut events = self.events_of(aggregate.source);
        events.retain(|happened| self.is_inside(&aggregate.window, happened.time));
        let of = |property: PropertyId| valued(&events, property);
        let time = |happened: Option<&Happened<'_>>| happened.map(|happened| Value::Time(happened.time));
        match &aggregate.function {
            Function::Count => Some(int(events.len())),
            Function::Exists => Some(Value::Bool(!events.is_empty())),
            Function::FirstTime => time(events.first()),
            Function::LastTime => time(events.last()),
            Function::PreviousTime => time(events.iter().rev().nth(1)),
            Function::Sum(property) => Some(self.sum(aggregate.source, *property, &of(*property))),
            Function::Average(property) => average(&of(*property)),
            Function::Minimum(property) => extreme(of(*property), Ordering::Less),
            Function::Maximum(property) => extreme(of(*property), Ordering::Greater),
            Function::First(property) => of(*property).first().map(|(_, value)| value.clone()),
            Function::Last(property) => of(*property).last().map(|(_, value)| value.clone()),
            Function::Distinct(property) => Some(int(latest_first(&of(*property)).len())),
            Function::Values { property, items, most } => {
                let all: Vec<(Time, Value)> = of(*property)
                    .iter()
                    .flat_map(|(time, value)| {
                        items.of(value).map(|item| (*time, item.clone())).collect::<Vec<_>>()
                    })
                    .collect();
                Some(Value::List(latest_first(&all).into_iter().take(*most as usize).collect()))
            }
            Function::Top(property) => top(&of(*property)),
            Function::Decayed { half_life, weight } => {
                let weighted: Vec<(Time, f64)> = match weight {
                    Some(property) => of(*property)
                        .iter()
                        .filter_map(|(time, value)| Some((*time, number(value)?)))
                        .collect(),
                    None => events.iter().map(|happened| (happened.time, 1.0)).collect(),
                };
                Some(Value::Float(self.nudged(decayed(&weighted, *half_life, self.now))))
            }
            Function::DecayedItems { half_life, .. } => {
                Some(self.items([(id, 1.0)].into_iter(), *half_life, ItemsAsked::Each))
            }
            Function::FollowedBy { other, within } => {
                let others = self.events_of(*other);
                Some(Value::Bool(
                    events
                        .iter()
                        .any(|a| others.iter().any(|b| b.time > a.time && b.time <= a.time + *within)),
                ))
            }
            Function::NotFollowedBy { other, after } => {
                let others = self.events_of(*other);
                Some(Value::Bool(events.last().is_some_and(|a| {
                    // One that is both is not followed by itself, nor by what came before it.
                    let is_both = others.iter().any(|b| b.place == a.place);
                    let follows = |b: &Happened<'_>| b.place > a.place || (b.time == a.time && !is_both);
                    self.now >= a.time + *after && !others.iter().any(follows)
                })))
            }
        }
    }

    fn sum(&self, source: SourceId, property: PropertyId, values: &[(Time, Value)]) -> Value {
        let definitions = self.naive.definitions;
        let event = definitions.sources[source.index()].event;
        let ty = event.map(|event| &definitions.event(event).properties[property.index()].ty);
        if ty == Some(&Type::Int) {
            let total: i128 = values.iter().map(|(_, value)| i128::from(as_int(value))).sum();
            return Value::Int(total.clamp(i64::MIN.into(), i64::MAX.into()) as i64);
        }
        Value::Float(exact_total(values).clamp(-MAX_FLOAT, MAX_FLOAT))
    }

    /// Whether the condition held at every instant of the last `duration`.
    fn has_held(&self, condition: &Expr, duration: Duration) -> bool {
        let begin = self.now - duration;
        let naive = self.naive;
        if naive.messages.first().is_none_or(|first| first.time > begin) {
            return false;
        }
        let address = std::ptr::from_ref(condition).addr();
        let holds = |time: Time| {
            naive.remember(time, Asked::Condition(address), || is_true(condition, &naive.at(time)))
        };
        let instants = naive.instants(condition, address);
        holds(begin) && instants.within(begin, self.now).into_iter().all(holds)
    }
}

impl Facts for Moment<'_> {
    fn now(&self) -> Time {
        self.now
    }

    fn attribute(&self, attribute: AttributeId) -> Option<Value> {
        if let Some(purpose) = self.naive.definitions.purposes.kept_in(attribute) {
            return consent(self.messages(), purpose).state.value();
        }
        let mut words = self.messages().iter().rev().filter_map(|told| match &told.said {
            Said::Attributes(set) => set.iter().find(|(set, _)| *set == attribute),
            Said::Event { .. } | Said::Presence => None,
        });
        words.next().and_then(|(_, value)| value.clone())
    }

    fn default_of(&self, attribute: AttributeId) -> Option<Value> {
        self.naive.definitions.default_of(attribute).cloned()
    }

    fn unit(&self, kind: UnitKind) -> Option<Value> {
        if !self.is_known() {
            return None;
        }
        let [user, visitor] = self.naive.first_seen;
        let first = match (user, visitor) {
            (Some(user), Some(visitor)) => Some(if visitor.0 < user.0 { visitor } else { user }),
            (user, visitor) => user.or(visitor),
        };
        let seen = match kind {
            UnitKind::Profile => first,
            UnitKind::User => user,
            UnitKind::Visitor => visitor,
        };
        seen.map(|(_, id)| Value::string(id))
    }

    fn property(&self, _: PropertyId) -> Option<Value> {
        None
    }

    fn trigger(&self, property: PropertyId) -> Option<Value> {
        self.call.trigger(property)
    }

    fn context(&self, said: PropertyId) -> Option<Value> {
        self.call.context(said)
    }

    fn given_variant(&self, experiment: &str) -> Option<Value> {
        self.call.variant(experiment)
    }

    fn segment(&self, segment: SegmentId) -> Reading {
        Reading::fixed(Some(Value::Bool(self.is_member(segment))))
    }

    fn aggregate(&self, aggregate: AggregateId) -> Reading {
        Reading::fixed(self.aggregate_value(aggregate))
    }

    fn affinity(&self, affinity: &Affinity, asked: ItemsAsked<'_>) -> Value {
        self.items(affinity.weighed(), affinity.half_life, asked)
    }

    fn held(&self, condition: &Expr, duration: Duration) -> Reading {
        Reading::fixed(Some(Value::Bool(self.has_held(condition, duration))))
    }
}

/// The events in which a property is present, with its value.
fn valued(events: &[Happened<'_>], property: PropertyId) -> Vec<(Time, Value)> {
    let value = |happened: &Happened<'_>| happened.properties.get(property.index()).cloned().flatten();
    events.iter().filter_map(|happened| Some((happened.time, value(happened)?))).collect()
}

/// Different values, the one seen last first.
fn latest_first(values: &[(Time, Value)]) -> Vec<Value> {
    let mut different: Vec<Value> = Vec::new();
    for (_, value) in values.iter().rev() {
        if !different.contains(value) {
            different.push(value.clone());
        }
    }
    different
}

fn top(values: &[(Time, Value)]) -> Option<Value> {
    let count = |wanted: &Value| values.iter().filter(|(_, value)| value == wanted).count();
    let mut best: Option<(usize, Value)> = None;
    for value in latest_first(values) {
        let seen = count(&value);
        if best.as_ref().is_none_or(|(most, _)| seen > *most) {
            best = Some((seen, value));
        }
    }
    best.map(|(_, value)| value)
}

/// The least or greatest value of the first kind there is of: numbers, times, texts, bools.
fn extreme(values: Vec<(Time, Value)>, wanted: Ordering) -> Option<Value> {
    let kinds: [fn(&Value) -> bool; 4] = [
        |value| number(value).is_some(),
        |value| matches!(value, Value::Time(_)),
        |value| matches!(value, Value::String(_)),
        |value| matches!(value, Value::Bool(_)),
    ];
    let further = |best: Value, next: Value| if next.compare(&best) == Some(wanted) { next } else { best };
    kinds.into_iter().find_map(|is_of_kind| {
        values.iter().map(|(_, value)| value.clone()).filter(is_of_kind).reduce(further)
    })
}

fn average(values: &[(Time, Value)]) -> Option<Value> {
    let count = values.iter().filter(|(_, value)| number(value).is_some()).count();
    let all_ints = values.iter().all(|(_, value)| matches!(value, Value::Int(_)));
    let total = match all_ints {
        true => values.iter().map(|(_, value)| i128::from(as_int(value))).sum::<i128>() as f64,
        false => exact_total(values),
    };
    if count == 0 { None } else { Value::float(total / count as f64) }
}

/// The exact sum of what is a number among the values.
fn exact_total(values: &[(Time, Value)]) -> f64 {
    let mut total = ExactSum::default();
    for (_, value) in values {
        match value {
            // Two halves that are exact as floats.
            Value::Int(value) => {
                total.add((value >> 32 << 32) as f64);
                total.add((value & 0xffff_ffff) as f64);
            }
            Value::Float(value) => total.add(*value),
            _ => {}
        }
    }
    total.value()
}

fn int(count: usize) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

fn as_int(value: &Value) -> i64 {
    match value {
        Value::Int(value) => *value,
        _ => 0,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        _ => None,
    }
}
