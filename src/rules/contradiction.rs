//! Whether a condition can be true at all.
//!
//! A condition is taken apart into the conjunction it is; what is known of each value in it (its
//! bounds, the few values it can have, whether it is there) is put together, and checked for being
//! possible. This is not complete and need not be: it serves warnings only.
//!
//! Invariants:
//! 1. What [`is_never`] finds is false on all facts and at all times.
//! 2. The work is at most the size of the condition times its depth.

use std::cmp::Ordering;

use ahash::{AHashMap, AHashSet};

use crate::model::ids::{AggregateId, EventId, PropertyId};
use crate::model::value::{Type, Value};
use crate::rules::canonical::is_always_there;
use crate::rules::definitions::Definitions;
use crate::rules::expression::{Aggregate, Comparison, Expr, Function};
use crate::rules::lists::{Weighing, Weight};

/// Whether the condition is always false.
pub(crate) fn is_never(condition: &Expr, definitions: &Definitions) -> bool {
    Conjunction::is_impossible(condition, true, definitions)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Possible {
    Maybe,
    No,
}

/// What must hold at once.
struct Conjunction<'a> {
    definitions: &'a Definitions,
    /// What is demanded of a value that must therefore be there.
    values: AHashMap<&'a Expr, Demands<'a>>,
    truths: AHashMap<&'a Expr, bool>,
    missing: AHashSet<&'a Expr>,
}

#[derive(Default)]
struct Demands<'a> {
    comparisons: Vec<(Comparison, &'a Value)>,
    /// Lists it must be in.
    among: Vec<&'a [Value]>,
    /// Values it must not have.
    excluded: Vec<&'a Value>,
    /// Whether something is demanded that only a value that is there satisfies.
    present: bool,
}

impl<'a> Conjunction<'a> {
    /// Whether `expr` can never be `wanted`.
    fn is_impossible(expr: &'a Expr, wanted: bool, definitions: &'a Definitions) -> bool {
        let (values, truths, missing) = (AHashMap::new(), AHashMap::new(), AHashSet::new());
        let mut conjunction = Conjunction { definitions, values, truths, missing };
        conjunction.add(expr, wanted) == Possible::No || conjunction.possible() == Possible::No
    }

    /// Adds that `expr` is `wanted`; `No` if that alone is impossible.
    fn add(&mut self, expr: &'a Expr, wanted: bool) -> Possible {
        match expr {
            Expr::Constant(Value::Bool(truth)) if *truth != wanted => return Possible::No,
            Expr::Not(inner) => return self.add(inner, !wanted),
            Expr::And(parts) if wanted => return self.all(parts, wanted),
            Expr::Or(parts) if !wanted => return self.all(parts, wanted),
            Expr::And(parts) | Expr::Or(parts) if self.none_possible(parts, wanted) => return Possible::No,
            Expr::Has(inner) if wanted => self.demands(inner).present = true,
            // `has` asks whether an attribute was set; its default stands in for a value all the same.
            Expr::Has(inner) if self.has_default(inner) => {}
            Expr::Has(inner) if is_always_there(inner, self.definitions) => return Possible::No,
            Expr::Has(inner) => {
                self.missing.insert(inner);
            }
            Expr::Compare(comparison, subject, bound) => {
                if let Expr::Constant(value) = &**bound {
                    self.compare(*comparison, subject, value, wanted);
                }
            }
            Expr::In(subject, list) => {
                if let (true, Expr::Constant(Value::List(values))) = (wanted, &**list) {
                    let demands = self.demands(subject);
                    demands.among.push(values);
                    demands.present = true;
                }
            }
            Expr::Held(condition, _) if wanted && is_never(condition, self.definitions) => {
                return Possible::No;
            }
            Expr::Aggregate(id)
                if wanted && never_counts(&self.definitions.aggregates[id.index()], self.definitions) =>
            {
                return Possible::No;
            }
            _ => {}
        }
        match self.truths.insert(expr, wanted) {
            Some(before) if before != wanted => Possible::No,
            _ => Possible::Maybe,
        }
    }

    fn has_default(&self, expr: &Expr) -> bool {
        matches!(expr, Expr::Attribute(id) if self.definitions.default_of(*id).is_some())
    }

    fn none_possible(&self, parts: &[Expr], wanted: bool) -> bool {
        parts.iter().all(|part| Conjunction::is_impossible(part, wanted, self.definitions))
    }

    fn all(&mut self, parts: &'a [Expr], wanted: bool) -> Possible {
        let impossible = parts.iter().any(|part| self.add(part, wanted) == Possible::No);
        if impossible { Possible::No } else { Possible::Maybe }
    }

    fn demands(&mut self, subject: &'a Expr) -> &mut Demands<'a> {
        self.values.entry(subject).or_default()
    }

    fn compare(&mut self, comparison: Comparison, subject: &'a Expr, value: &'a Value, wanted: bool) {
        if wanted {
            let demands = self.demands(subject);
            demands.comparisons.push((comparison, value));
            demands.present = true;
            return;
        }
        if comparison == Comparison::Equal {
            self.demands(subject).excluded.push(value);
        } else if is_always_there(subject, self.definitions) {
            self.demands(subject).comparisons.push((complement(comparison), value));
        }
    }

    /// Whether all demands can be met together, as far as is known.
    fn possible(&self) -> Possible {
        let met = self.values.iter().all(|(subject, demands)| {
            if demands.present && self.missing.contains(*subject) {
                return false;
            }
            let must_be_there = demands.present || is_always_there(subject, self.definitions);
            !must_be_there || self.can_be(subject, demands)
        });
        if met { Possible::Maybe } else { Possible::No }
    }

    /// Whether some value of `subject` meets all `demands`.
    fn can_be(&self, subject: &Expr, demands: &Demands<'_>) -> bool {
        let meets = |value: &Value| {
            demands.comparisons.iter().all(|(comparison, bound)| holds(*comparison, value, bound))
                && demands.among.iter().all(|list| list.contains(value))
                && !demands.excluded.contains(&value)
        };
        let known = known(subject, self.definitions);
        let equal = demands.comparisons.iter().find(|(comparison, _)| *comparison == Comparison::Equal);
        if let Some((_, value)) = equal {
            return meets(value) && known.bounds().all(|(comparison, bound)| holds(comparison, value, bound));
        }
        if let Some(list) = demands.among.first() {
            return list.iter().any(meets);
        }
        if !known.values.is_empty() {
            return known.values.iter().any(meets);
        }
        if let (Some(low), true) = (&known.low, known.low == known.high) {
            return meets(low);
        }
        let bounds: Vec<(Comparison, &Value)> =
            demands.comparisons.iter().copied().chain(known.bounds()).collect();
        is_open(&bounds, known.is_whole)
    }
}

/// What is known of a value by its declaration.
#[derive(Default)]
struct Known<'a> {
    /// All values it can have; empty if that is not known.
    values: &'a [Value],
    low: Option<Value>,
    high: Option<Value>,
    /// Whether it is an int.
    is_whole: bool,
}

impl Known<'_> {
    fn bounds(&self) -> impl Iterator<Item = (Comparison, &Value)> {
        let low = self.low.iter().map(|low| (Comparison::GreaterOrEqual, low));
        low.chain(self.high.iter().map(|high| (Comparison::LessOrEqual, high)))
    }
}

impl<'a> Known<'a> {
    fn of_type(ty: &Type, values: &'a [Value]) -> Known<'a> {
        let is_whole = *ty == Type::Int;
        let limit = |number: i64| is_whole.then_some(Value::Int(number));
        Known { values, low: limit(i64::MIN), high: limit(i64::MAX), is_whole }
    }

    /// A whole number from 0 up to `high`.
    fn amount(high: Option<usize>) -> Known<'a> {
        let high = high.and_then(|high| i64::try_from(high).ok()).unwrap_or(i64::MAX);
        Known { values: &[], low: Some(Value::Int(0)), high: Some(Value::Int(high)), is_whole: true }
    }
}

fn known<'a>(subject: &Expr, definitions: &'a Definitions) -> Known<'a> {
    match subject {
        Expr::Attribute(id) => {
            let declared = &definitions.attributes[id.index()];
            Known::of_type(&declared.ty, &declared.values)
        }
        Expr::Size(_) => Known::amount(None),
        Expr::Index(whole, _) if let Expr::Affinity(affinity) = &**whole => {
            let function = |id: AggregateId| &definitions.aggregates[id.index()].function;
            let is_one = |of: &Weighing| of.weight == Weight::One;
            let only_adds = affinity.weighed().all(|(id, weight)| {
                weight > 0.0 && matches!(function(id), Function::DecayedItems { of, .. } if is_one(of))
            });
            Known { low: only_adds.then_some(Value::Float(0.0)), ..Known::default() }
        }
        Expr::Aggregate(id) => known_aggregate(&definitions.aggregates[id.index()], definitions),
        _ => Known::default(),
    }
}

fn known_aggregate<'a>(aggregate: &Aggregate, definitions: &'a Definitions) -> Known<'a> {
    let source = &definitions.sources[aggregate.source.index()];
    let declared = |event: Option<EventId>, id: &PropertyId| {
        event.map(|event| &definitions.event(event).properties[id.index()])
    };
    match &aggregate.function {
        Function::Count => {
            let nothing = source.filter.as_ref().is_some_and(|filter| is_never(filter, definitions));
            Known::amount(nothing.then_some(0))
        }
        Function::Distinct(id) => {
            let most = declared(source.event, id).map_or(0, |property| property.values.len());
            Known::amount((most > 0).then_some(most))
        }
        Function::First(id)
        | Function::Last(id)
        | Function::Minimum(id)
        | Function::Maximum(id)
        | Function::Top(id) => declared(source.event, id)
            .map_or(Known::default(), |property| Known::of_type(&property.ty, &property.values)),
        Function::Decayed { weight: None, .. } => Known { low: Some(Value::Float(0.0)), ..Known::default() },
        _ => Known::default(),
    }
}

/// Whether a truth about events is false because no event can count, or can count in that way.
fn never_counts(aggregate: &Aggregate, definitions: &Definitions) -> bool {
    let source = &definitions.sources[aggregate.source.index()];
    let empty = source.filter.as_ref().is_some_and(|filter| is_never(filter, definitions));
    match &aggregate.function {
        Function::Exists | Function::FollowedBy { .. } => empty,
        // The last event of the source is itself one of the others.
        Function::NotFollowedBy { other, .. } => {
            let other = &definitions.sources[other.index()];
            empty || (other.filter.is_none() && (other.event.is_none() || other.event == source.event))
        }
        _ => false,
    }
}

fn holds(comparison: Comparison, value: &Value, bound: &Value) -> bool {
    match comparison {
        Comparison::Equal => value == bound,
        _ => value.compare(bound).is_some_and(|order| comparison.accepts(order)),
    }
}

fn complement(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::GreaterOrEqual,
        Comparison::LessOrEqual => Comparison::Greater,
        Comparison::Greater => Comparison::LessOrEqual,
        Comparison::GreaterOrEqual => Comparison::Less,
        Comparison::Equal => Comparison::Equal,
    }
}

/// Whether something lies between bounds that are all `<`, `<=`, `>` or `>=`.
fn is_open(bounds: &[(Comparison, &Value)], is_whole: bool) -> bool {
    let is_low =
        |comparison: Comparison| matches!(comparison, Comparison::Greater | Comparison::GreaterOrEqual);
    let lows = || bounds.iter().filter(|(comparison, _)| is_low(*comparison));
    let highs = || bounds.iter().filter(|(comparison, _)| !is_low(*comparison));
    lows().all(|(low_comparison, low)| {
        highs().all(|(high_comparison, high)| {
            let strict = *low_comparison == Comparison::Greater || *high_comparison == Comparison::Less;
            match low.compare(high) {
                // Values that have no order are the checker's business.
                None => true,
                Some(Ordering::Greater) => false,
                Some(Ordering::Equal) => !strict,
                Some(Ordering::Less) => {
                    !is_whole || whole_between(low, *low_comparison, high, *high_comparison)
                }
            }
        })
    })
}

/// Whether an int lies between two numbers, of which the first is less than the second.
fn whole_between(low: &Value, low_comparison: Comparison, high: &Value, high_comparison: Comparison) -> bool {
    let (Value::Int(low), Value::Int(high)) = (low, high) else { return true };
    let least = low.saturating_add(i64::from(low_comparison == Comparison::Greater));
    let most = high.saturating_sub(i64::from(high_comparison == Comparison::Less));
    least <= most
}
