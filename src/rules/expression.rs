//! A checked condition: every name resolved, every type known to fit, equal parts equal.
//!
//! Expressions carry no places, so that two conditions written in different files are the same
//! expression when they mean the same; that is what the engine shares its work by. Computed
//! attributes are not here: the checker puts their expressions in their places.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use regex_lite::Regex;

use crate::base::limits::MAX_PATTERN_BYTES;
use crate::base::time::{Duration, Time, Zone};
use crate::model::ids::{AggregateId, AttributeId, EventId, PropertyId, SegmentId, SourceId};
use crate::model::value::Value;
use crate::rules::assignment::Assignment;
use crate::rules::hours::Hours;
use crate::rules::lists::{Items, Weighing, Weight};
use crate::rules::motion::number;

/// A typed expression. Evaluating it gives a value, or nothing when the value is missing; one of type
/// bool is never missing, because comparing with a missing value is false.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Expr {
    /// A literal.
    Constant(Value),
    /// The time of the question.
    Now,
    /// An attribute of the profile.
    Attribute(AttributeId),
    /// A property of the event that is being filtered (in `where`).
    Property(PropertyId),
    /// A property of a personalization's trigger event (`event.x`).
    Trigger(PropertyId),
    /// Something that the call says (`context.x`).
    Context(PropertyId),
    /// Whether the profile is a member of the segment.
    Segment(SegmentId),
    /// The value of an aggregate over the profile's events.
    Aggregate(AggregateId),
    /// The scores of all items that the profile ever had to do with; [`Expr::Index`] reads one of them.
    Affinity(Arc<Affinity>),
    /// Of the affinity, so many items at most with the highest scores above zero, the highest first; of
    /// equals by their texts.
    TopItems(Box<Expr>, u32),
    /// The loop variable of the `n`-th enclosing `exists` or `all`, counted from the outermost, from 0.
    Variable(u32),
    /// A field of a map.
    Field(Box<Expr>, Arc<str>),
    /// An element of a list by place from 0, or of a map by key; missing if there is none.
    Index(Box<Expr>, Box<Expr>),
    /// Whether the value is there.
    Has(Box<Expr>),
    /// The exact complement of a condition.
    Not(Box<Expr>),
    /// All conditions; flat, at least two.
    And(Vec<Expr>),
    /// Any condition; flat, at least two.
    Or(Vec<Expr>),
    /// A comparison. `!=` is written as the `Not` of an `Equal`.
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// Whether the first is an element of the list, or a key of the map, on the right.
    In(Box<Expr>, Box<Expr>),
    /// Arithmetic; also text and list concatenation with `+`, and times with durations.
    Arithmetic(Operator, Box<Expr>, Box<Expr>),
    /// The negative of a number or duration.
    Negate(Box<Expr>),
    /// `condition ? then : otherwise`.
    Conditional(Box<Expr>, Box<Expr>, Box<Expr>),
    /// A function of text.
    Text(TextFunction, Box<Expr>, Box<Expr>),
    /// `text.matches("pattern")`.
    Matches(Box<Expr>, Pattern),
    /// `text.lowerAscii()`.
    LowerAscii(Box<Expr>),
    /// Characters of a text, elements of a list, entries of a map.
    Size(Box<Expr>),
    /// A list of the present ones among the elements.
    List(Vec<Expr>),
    /// `list.without(other)`: the elements that the other list does not have.
    Without(Box<Expr>, Box<Expr>),
    /// `list.exists(e, condition)` or `list.all(e, condition)`; of a map, over its keys.
    Quantified(Quantifier, Box<Expr>, Box<Expr>),
    /// `held(condition, duration)`.
    Held(Box<Expr>, Duration),
    /// Whether it is one of these hours of the week.
    Hours(Arc<Hours>),
    /// By what an experiment knows the customer: an id, missing if there is none of the kind.
    Unit(UnitKind),
    /// The variant given to a unit (the first part), if the customer takes part (the second).
    Variant(Arc<Assignment>, Box<Expr>, Box<Expr>),
}

/// Scores of items: the sum of the same items' scores of several events.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Affinity {
    /// In which every score is halved.
    pub(crate) half_life: Duration,
    pub(crate) legs: Vec<Leg>,
}

/// What one event adds to an affinity.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Leg {
    /// An [`Expr::Aggregate`] of [`Function::DecayedItems`] with the affinity's half-life.
    pub(crate) scores: Expr,
    /// A number by which they are multiplied.
    pub(crate) weight: Value,
}

impl Affinity {
    /// The aggregates of the legs, each with what it is multiplied by.
    pub(crate) fn weighed(&self) -> impl Iterator<Item = (AggregateId, f64)> {
        self.legs.iter().filter_map(|leg| match leg.scores {
            Expr::Aggregate(id) => Some((id, number(&leg.weight)?)),
            _ => None,
        })
    }
}

/// What is asked of an affinity.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ItemsAsked<'a> {
    /// Each item with its score, as a map.
    Each,
    /// The score of one item; 0 if there was none.
    One(&'a str),
    /// A list of so many items at most.
    Top(u32),
}

/// Which of a customer's ids is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum UnitKind {
    /// The first one seen; of those of one instant, a user's.
    Profile,
    /// The first one seen of a user.
    User,
    /// The first one seen of a visitor: of a device.
    Visitor,
}

impl UnitKind {
    /// All kinds, each with what a catalog calls it.
    pub(crate) const NAMED: [(&'static str, UnitKind); 3] =
        [("profile", UnitKind::Profile), ("userId", UnitKind::User), ("anonymousId", UnitKind::Visitor)];

    /// What a catalog calls it.
    pub(crate) fn name(self) -> &'static str {
        UnitKind::NAMED[self as usize].0
    }
}

impl Expr {
    /// Visits the expressions this one is made of, from left to right.
    pub(crate) fn for_each_part<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        match self {
            Expr::Constant(_)
            | Expr::Now
            | Expr::Attribute(_)
            | Expr::Property(_)
            | Expr::Trigger(_)
            | Expr::Context(_)
            | Expr::Segment(_)
            | Expr::Aggregate(_)
            | Expr::Hours(_)
            | Expr::Unit(_)
            | Expr::Variable(_) => {}
            Expr::Affinity(affinity) => affinity.legs.iter().for_each(|leg| visit(&leg.scores)),
            Expr::Field(a, _)
            | Expr::TopItems(a, _)
            | Expr::Has(a)
            | Expr::Not(a)
            | Expr::Negate(a)
            | Expr::Matches(a, _)
            | Expr::LowerAscii(a)
            | Expr::Size(a)
            | Expr::Held(a, _) => visit(a),
            Expr::Index(a, b)
            | Expr::Compare(_, a, b)
            | Expr::In(a, b)
            | Expr::Without(a, b)
            | Expr::Arithmetic(_, a, b)
            | Expr::Text(_, a, b)
            | Expr::Quantified(_, a, b)
            | Expr::Variant(_, a, b) => {
                visit(a);
                visit(b);
            }
            Expr::Conditional(a, b, c) => {
                visit(a);
                visit(b);
                visit(c);
            }
            Expr::And(parts) | Expr::Or(parts) | Expr::List(parts) => parts.iter().for_each(visit),
        }
    }

    /// Whether `test` holds of this expression or of one inside it.
    pub(crate) fn contains(&self, test: &dyn Fn(&Expr) -> bool) -> bool {
        let mut found = test(self);
        self.for_each_part(&mut |part| found = found || part.contains(test));
        found
    }

    /// How many expressions it is made of, itself included, and how deep they nest.
    pub(crate) fn nodes_and_depth(&self) -> (usize, usize) {
        let (mut nodes, mut depth) = (1, 0);
        self.for_each_part(&mut |part| {
            let (more, below) = part.nodes_and_depth();
            nodes += more;
            depth = depth.max(below);
        });
        (nodes, depth + 1)
    }
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// An arithmetic operator. Overflow and division by zero give a missing value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// A condition on two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TextFunction {
    Contains,
    StartsWith,
    EndsWith,
}

/// A compiled regular expression; equal to another when their texts are.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Arc<Regex>);

impl Pattern {
    /// Compiles `text`, or says what is wrong with it.
    pub(crate) fn new(text: &str) -> Result<Pattern, String> {
        if text.len() > MAX_PATTERN_BYTES {
            return Err(format!("a pattern may have {MAX_PATTERN_BYTES} bytes, this one has {}", text.len()));
        }
        let regex = Regex::new(text).map_err(|error| error.to_string())?;
        Ok(Pattern(Arc::new(regex)))
    }

    /// Whether some part of `text` matches.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// The pattern as it was written.
    pub(crate) fn text(&self) -> &str {
        self.0.as_str()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text().hash(state);
    }
}

/// `exists` or `all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Quantifier {
    Exists,
    All,
}

/// Events of one name (or any) that satisfy a condition on their properties.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Source {
    /// The event; `None` is any event, declared or not.
    pub(crate) event: Option<EventId>,
    /// The condition, reading [`Expr::Property`] of that event and constants only.
    pub(crate) filter: Option<Expr>,
}

/// An aggregate over a source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Aggregate {
    pub(crate) source: SourceId,
    /// Which events by time; all of them must hold. Empty for all events up to now.
    pub(crate) window: Vec<Bound>,
    pub(crate) function: Function,
}

/// One bound on the event times that count at `now`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Bound {
    /// `time > now - d`.
    Within(Duration),
    /// `time <= now - d`.
    OlderThan(Duration),
    /// `time > t`; with a missing `t`, no event.
    After(Expr),
    /// `time < t`; with a missing `t`, no event.
    Before(Expr),
    /// The day of `now` in the zone, and so many less one before it.
    CalendarDays(u16, Zone),
}

/// When the calendar days of `now`, so many in all, begin in a zone.
pub(crate) fn begin_of_days(days: u16, zone: &Zone, now: Time) -> Time {
    zone.begin_of_day(now, 1 - i32::from(days))
}

/// When something of `time` is no longer in the last so many calendar days of a zone.
pub(crate) fn end_of_days(days: u16, zone: &Zone, time: Time) -> Time {
    zone.begin_of_day(time, i32::from(days))
}

/// What is made of the events. Those of a property take only events in which it is present; those that
/// reckon with numbers, only events in which it is one, which matters where the event is not declared.
/// The order of events is (time, message id).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Function {
    Count,
    Exists,
    /// An int of an int property, else a float; 0 of nothing.
    Sum(PropertyId),
    /// A float; missing of nothing.
    Average(PropertyId),
    /// Of the numbers there are; of times, texts or bools if there is nothing of a kind before them.
    Minimum(PropertyId),
    Maximum(PropertyId),
    FirstTime,
    LastTime,
    /// The time of the last but one.
    PreviousTime,
    First(PropertyId),
    Last(PropertyId),
    /// How many different values.
    Distinct(PropertyId),
    /// The last so many different values, the latest first.
    Values {
        property: PropertyId,
        items: Items,
        most: u32,
    },
    /// The most frequent value; of equals, the one seen last.
    Top(PropertyId),
    /// The sum of weights (a property, or 1), halved every `half_life` since the event.
    Decayed {
        half_life: Duration,
        weight: Option<PropertyId>,
    },
    /// Of each item the sum of its weights, halved every `half_life` since their events.
    DecayedItems {
        half_life: Duration,
        of: Weighing,
    },
    /// Some event of the source has one of `other` in `(a, a + within]`.
    FollowedBy {
        other: SourceId,
        within: Duration,
    },
    /// The last event of the source is at least `after` old, and no event of `other` has come at its
    /// time or later.
    NotFollowedBy {
        other: SourceId,
        after: Duration,
    },
}

impl Function {
    /// The property the aggregate is of.
    pub(crate) fn property(&self) -> Option<PropertyId> {
        match self {
            Function::Sum(property)
            | Function::Average(property)
            | Function::Minimum(property)
            | Function::Maximum(property)
            | Function::First(property)
            | Function::Last(property)
            | Function::Distinct(property)
            | Function::Values { property, .. }
            | Function::Top(property) => Some(*property),
            Function::Decayed { weight, .. } => *weight,
            Function::DecayedItems { of, .. } => Some(of.property),
            Function::Count
            | Function::Exists
            | Function::FirstTime
            | Function::LastTime
            | Function::PreviousTime
            | Function::FollowedBy { .. }
            | Function::NotFollowedBy { .. } => None,
        }
    }

    /// The property that the weights of its items come from, where it is not that of the items.
    pub(crate) fn weight_property(&self) -> Option<PropertyId> {
        match self {
            Function::DecayedItems { of: Weighing { weight: Weight::Property(property), .. }, .. } => {
                Some(*property)
            }
            _ => None,
        }
    }

    /// The source that follows the aggregate's own, or does not.
    pub(crate) fn other(&self) -> Option<SourceId> {
        match self {
            Function::FollowedBy { other, .. } | Function::NotFollowedBy { other, .. } => Some(*other),
            _ => None,
        }
    }
}

impl Comparison {
    /// The comparison that holds of (b, a) when this one holds of (a, b).
    pub(crate) fn mirrored(self) -> Comparison {
        match self {
            Comparison::Equal => Comparison::Equal,
            Comparison::Less => Comparison::Greater,
            Comparison::LessOrEqual => Comparison::GreaterOrEqual,
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        }
    }
}
