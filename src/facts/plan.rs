//! What has to be kept of each source's events so that every aggregate can be answered.
//!
//! An aggregate over all events is kept as an accumulator and needs no log. One that asks only for the
//! last event reads the source's last stamp. All others read the source's log, which reaches as far
//! back as the longest window over it; aggregates over one source share that log.
//!
//! Invariants:
//! 1. A logged aggregate's source keeps every event that its window can still reach.
//! 2. An event is matched to its sources without looking at those whose filter compares one property
//!    with a constant that the event does not have.

use ahash::AHashMap;
use smallvec::SmallVec;

use crate::base::time::Time;
use crate::facts::accumulator::Accumulator;
use crate::model::ids::{AggregateId, EventId, PropertyId, SourceId};
use crate::model::value::{Type, Value};
use crate::rules::definitions::Definitions;
use crate::rules::expression::{Comparison, Expr, Function};
use crate::rules::horizon::Horizon;
use crate::rules::lists::{Items, Weighing};

/// The plan of a whole catalog.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) sources: Vec<SourcePlan>,
    pub(crate) aggregates: Vec<AggregatePlan>,
    /// Sources of any event.
    any_event: Vec<SourceId>,
    by_event: Vec<EventSources>,
}

/// What is kept of one source.
#[derive(Debug, Default)]
pub(crate) struct SourcePlan {
    /// The properties kept with each logged event.
    pub(crate) columns: Vec<PropertyId>,
    pub(crate) horizon: Horizon,
    /// Aggregates kept as accumulators, in the order of the source state's accumulators.
    pub(crate) accumulated: Vec<AggregateId>,
}

/// How one aggregate is answered.
#[derive(Debug)]
pub(crate) struct AggregatePlan {
    pub(crate) keeping: Keeping,
    /// The property it is of, and that property's type.
    pub(crate) property: Option<(PropertyId, Type)>,
    /// Which values of the property it takes.
    pub(crate) items: Items,
    /// Of an affinity, which items with which weights.
    pub(crate) weighing: Option<Weighing>,
}

/// Where an aggregate's answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// From accumulator `slot`, which takes the events in the open interval `(after, before)`.
    Accumulated { slot: usize, after: Time, before: Time },
    /// From the source's last stamp, if it is later than each bound.
    LastEvent,
    /// From the log; `column` is the place of its property among the source's columns.
    Logged { column: Option<usize> },
}

/// The sources of one event.
#[derive(Debug, Default)]
struct EventSources {
    /// Without a filter.
    always: Vec<SourceId>,
    /// With a filter that demands that the property has a certain value.
    by_value: Vec<(PropertyId, AHashMap<Value, Vec<SourceId>>)>,
    /// With another filter.
    filtered: Vec<SourceId>,
}

impl Plan {
    /// The plan for a catalog.
    pub(crate) fn new(definitions: &Definitions) -> Plan {
        let mut plan = Plan {
            sources: definitions.sources.iter().map(|_| SourcePlan::default()).collect(),
            aggregates: Vec::with_capacity(definitions.aggregates.len()),
            any_event: Vec::new(),
            by_event: definitions.events.iter().map(|_| EventSources::default()).collect(),
        };
        for index in 0..definitions.aggregates.len() {
            plan.add_aggregate(AggregateId::from_index(index), definitions);
        }
        for index in 0..definitions.sources.len() {
            plan.add_source(SourceId::from_index(index), definitions);
        }
        plan
    }

    fn add_aggregate(&mut self, id: AggregateId, definitions: &Definitions) {
        let aggregate = &definitions.aggregates[id.index()];
        let event = definitions.sources[aggregate.source.index()].event;
        let property = aggregate.function.property().zip(event).map(|(property, event)| {
            (property, definitions.event(event).properties[property.index()].ty.clone())
        });
        let source = &mut self.sources[aggregate.source.index()];
        let keeping = if let Function::FollowedBy { other, .. } = aggregate.function {
            let horizon = aggregate.horizon();
            source.reach(horizon);
            self.sources[other.index()].reach(horizon);
            Keeping::Logged { column: None }
        } else if aggregate.is_of_last_event() {
            Keeping::LastEvent
        } else if let Some((after, before)) = aggregate.fixed_interval() {
            source.accumulated.push(id);
            Keeping::Accumulated { slot: source.accumulated.len() - 1, after, before }
        } else {
            source.reach(aggregate.horizon());
            Keeping::Logged { column: property.as_ref().map(|(property, _)| source.column(*property)) }
        };
        let items = match &aggregate.function {
            Function::Values { items, .. } => items.clone(),
            _ => Items::Whole,
        };
        let weighing = match &aggregate.function {
            Function::DecayedItems { of, .. } => Some(of.clone()),
            _ => None,
        };
        self.aggregates.push(AggregatePlan { keeping, property, items, weighing });
    }

    fn add_source(&mut self, id: SourceId, definitions: &Definitions) {
        let source = &definitions.sources[id.index()];
        let Some(event) = source.event else {
            self.any_event.push(id);
            return;
        };
        let sources = &mut self.by_event[event.index()];
        match &source.filter {
            None => sources.always.push(id),
            Some(filter) => match demanded_value(filter) {
                Some((property, value)) => sources.by_value(property).entry(value).or_default().push(id),
                None => sources.filtered.push(id),
            },
        }
    }

    /// The sources that may take an event with these properties; their filters are still to be asked.
    pub(crate) fn candidates(
        &self,
        event: Option<EventId>,
        properties: &[Option<Value>],
    ) -> SmallVec<[SourceId; 16]> {
        let mut found: SmallVec<[SourceId; 16]> = self.any_event.iter().copied().collect();
        let Some(sources) = event.map(|event| &self.by_event[event.index()]) else { return found };
        found.extend_from_slice(&sources.always);
        for (property, by_value) in &sources.by_value {
            let value = properties.get(property.index()).and_then(Option::as_ref);
            if let Some(sources) = value.and_then(|value| by_value.get(value)) {
                found.extend_from_slice(sources);
            }
        }
        found.extend_from_slice(&sources.filtered);
        found
    }
}

impl EventSources {
    fn by_value(&mut self, property: PropertyId) -> &mut AHashMap<Value, Vec<SourceId>> {
        let place = self.by_value.iter().position(|(known, _)| *known == property).unwrap_or_else(|| {
            self.by_value.push((property, AHashMap::new()));
            self.by_value.len() - 1
        });
        &mut self.by_value[place].1
    }
}

impl SourcePlan {
    /// The accumulators of a profile that has had no event of this source.
    pub(crate) fn fresh_accumulators(&self, definitions: &Definitions, plan: &Plan) -> Vec<Accumulator> {
        let fresh = |id: &AggregateId| plan.fresh_accumulator(*id, definitions);
        self.accumulated.iter().map(fresh).collect()
    }

    /// Whether one event may bring more than one entry.
    pub(crate) fn has_items(&self, plan: &Plan) -> bool {
        self.accumulated.iter().any(|id| plan.aggregates[id.index()].weighing.is_some())
    }

    fn reach(&mut self, horizon: Horizon) {
        self.horizon = self.horizon.max(horizon);
    }

    fn column(&mut self, property: PropertyId) -> usize {
        self.columns.iter().position(|known| *known == property).unwrap_or_else(|| {
            self.columns.push(property);
            self.columns.len() - 1
        })
    }
}

impl Plan {
    /// The state of an aggregate before any event.
    pub(crate) fn fresh_accumulator(&self, id: AggregateId, definitions: &Definitions) -> Accumulator {
        let ty = self.aggregates[id.index()].property.as_ref().map(|(_, ty)| ty);
        Accumulator::new(&definitions.aggregates[id.index()].function, ty)
    }
}

/// A property and the one value it must have for the filter to hold, if there is such a property.
fn demanded_value(filter: &Expr) -> Option<(PropertyId, Value)> {
    match filter {
        Expr::And(parts) => parts.iter().find_map(demanded_value),
        Expr::Property(property) => Some((*property, Value::Bool(true))),
        Expr::Compare(Comparison::Equal, left, right) => match (&**left, &**right) {
            (Expr::Property(property), Expr::Constant(value))
            | (Expr::Constant(value), Expr::Property(property)) => Some((*property, value.clone())),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{CatalogText, decode};
    use crate::rules::check::check;

    #[test]
    fn only_sources_whose_filter_may_hold_are_asked() {
        let catalog = r#"
            schema = 1
            [events.A]
            p = "string"
            q = "int"
            sale = "bool"
            [computed]
            every = 'events("A").count()'
            p_is_x = 'events("A").where(p == "x").count()'
            p_is_y = 'events("A").where("y" == p && q > 3).count()'
            q_is_1 = 'events("A").where(q > 0 && q == 1).count()'
            on_sale = 'events("A").where(sale).count()'
            q_more = 'events("A").where(q > 1).count()'
            not_x = 'events("A").where(p != "x").count()'
            anything = 'events().count()'
        "#;
        let (declarations, mut report) = decode(&CatalogText::from_toml(catalog));
        let definitions = check(&declarations, &mut report);
        let definitions = definitions.unwrap_or_else(|| panic!("{:?}", report.findings()));
        let plan = Plan::new(&definitions);
        let asked = |properties: [Option<Value>; 3]| {
            let candidates = plan.candidates(Some(EventId(0)), &properties);
            let mut named: Vec<&str> = definitions
                .computed
                .iter()
                .zip(definitions.computed_names.iter())
                .filter_map(|(computed, name)| {
                    let Expr::Aggregate(id) = computed.value else { return None };
                    candidates.contains(&definitions.aggregates[id.index()].source).then_some(name)
                })
                .collect();
            named.sort_unstable();
            assert_eq!(named.len(), candidates.len());
            named.join(" ")
        };
        let text = |text: &str| Some(Value::string(text));
        assert_eq!(asked([None, None, None]), "anything every not_x q_more");
        assert_eq!(asked([text("x"), Some(Value::Int(2)), None]), "anything every not_x p_is_x q_more");
        assert_eq!(
            asked([text("y"), Some(Value::Int(1)), None]),
            "anything every not_x p_is_y q_is_1 q_more"
        );
        let sold = |sale: bool| asked([None, None, Some(Value::Bool(sale))]);
        assert_eq!(sold(true), "anything every not_x on_sale q_more");
        assert_eq!(sold(false), "anything every not_x q_more");
    }
}
