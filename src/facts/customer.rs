//! All facts of one customer.
//!
//! Invariants:
//! 1. `sources` is sorted by source and holds only those that took an event.
//! 2. `triggers` holds, of each event that some personalization is triggered by, the last one.

use std::borrow::Cow;
use std::sync::Arc;

use crate::base::time::Time;
use crate::facts::accumulator::Accumulator;
use crate::facts::attributes::Attributes;
use crate::facts::plan::Plan;
use crate::facts::source_state::SourceState;
use crate::facts::stamp::{MessageOrder, Stamp};
use crate::facts::units::Units;
use crate::model::ids::{AggregateId, EventId, SourceId};
use crate::model::value::Value;
use crate::rules::definitions::Definitions;

/// The facts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Customer {
    pub(crate) attributes: Attributes,
    sources: Vec<(SourceId, SourceState)>,
    pub(crate) triggers: Vec<Trigger>,
    /// What of nearly all customers there is nothing of.
    rare: Option<Box<Rare>>,
}

/// What there is of few customers, or under few catalogs.
#[derive(Clone, Debug, Default, PartialEq)]
struct Rare {
    /// Aggregates that lack what was up to a time, by their numbers.
    lacking: Vec<(AggregateId, Time)>,
    /// Under a catalog that asks for ids, those of a customer who is known.
    units: Option<Units>,
}

/// What is kept of the sources' events, in memory or archived.
pub(crate) trait Sources {
    /// The state of a source, if it ever took an event.
    fn source(&self, source: SourceId) -> Option<Cow<'_, SourceState>>;
}

/// The last event of one name, with its declared properties.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trigger {
    pub(crate) event: EventId,
    pub(crate) stamp: Stamp,
    pub(crate) properties: Arc<[Option<Value>]>,
}

impl Sources for Customer {
    fn source(&self, source: SourceId) -> Option<Cow<'_, SourceState>> {
        self.source_state(source).map(Cow::Borrowed)
    }
}

impl Customer {
    /// A customer of these parts; the sources and what is lacking are sorted.
    pub(crate) fn from_parts(
        attributes: Attributes,
        sources: Vec<(SourceId, SourceState)>,
        triggers: Vec<Trigger>,
        lacking: Vec<(AggregateId, Time)>,
        units: Option<Units>,
    ) -> Customer {
        let is_rare = !lacking.is_empty() || units.is_some();
        let rare = is_rare.then(|| Box::new(Rare { lacking, units }));
        Customer { attributes, sources, triggers, rare }
    }

    /// About how many bytes it takes on the heap; texts are counted as if nobody shared them.
    pub(crate) fn bytes(&self) -> usize {
        self.attributes.bytes() + self.events_bytes()
    }

    /// The same of what is kept of events.
    pub(crate) fn events_bytes(&self) -> usize {
        let states: usize = self.sources.iter().map(|(_, state)| state.bytes()).sum();
        self.sources.capacity() * size_of::<(SourceId, SourceState)>()
            + states
            + self.triggers.len() * (size_of::<Trigger>() + 100)
            + self.rare.as_ref().map_or(0, |_| size_of::<Rare>())
    }

    /// The sources that took an event, with their states.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &(SourceId, SourceState)> {
        self.sources.iter()
    }

    /// Gives an event to one source whose filter it passed.
    pub(crate) fn take(
        &mut self,
        source: SourceId,
        stamp: Stamp,
        properties: &[Option<Value>],
        (plan, definitions): (&Plan, &Definitions),
        settled: Time,
        order: &dyn MessageOrder,
    ) {
        let state = self.state_mut(source, stamp, (plan, definitions));
        state.take(stamp, properties, &plan.sources[source.index()], plan, settled, order);
    }

    /// The state of a source, if it ever took an event.
    pub(crate) fn source_state(&self, source: SourceId) -> Option<&SourceState> {
        let place = self.sources.binary_search_by_key(&source, |(id, _)| *id).ok()?;
        Some(&self.sources[place].1)
    }

    /// Aggregates that lack what was up to a time, by their numbers.
    pub(crate) fn lacking(&self) -> &[(AggregateId, Time)] {
        self.rare.as_ref().map_or(&[], |rare| &rare.lacking)
    }

    /// The ids by which experiments know the customer.
    pub(crate) fn units(&self) -> Option<&Units> {
        self.rare.as_ref()?.units.as_ref()
    }

    /// Says who the customer is.
    pub(crate) fn set_units(&mut self, units: Units) {
        self.rare.get_or_insert_default().units = Some(units);
    }

    /// Notes that a source took events that are gone, the last of which was this.
    pub(crate) fn absorb_last(
        &mut self,
        source: SourceId,
        last: Stamp,
        compiled: (&Plan, &Definitions),
        order: &dyn MessageOrder,
    ) {
        let state = self.state_mut(source, last, compiled);
        if last.is_after(state.last, order) {
            state.last = last;
        }
    }

    /// Takes in what one of a source's aggregates, by its slot, has made of events that are gone.
    pub(crate) fn absorb(
        &mut self,
        source: SourceId,
        slot: usize,
        state: &Accumulator,
        order: &dyn MessageOrder,
    ) {
        if let Ok(place) = self.sources.binary_search_by_key(&source, |(id, _)| *id) {
            self.sources[place].1.accumulators[slot].absorb(state, order);
        }
    }

    /// Notes that an aggregate lacks what was up to a time.
    pub(crate) fn lack(&mut self, aggregate: AggregateId, until: Time) {
        let lacking = &mut self.rare.get_or_insert_default().lacking;
        match lacking.binary_search_by_key(&aggregate, |(id, _)| *id) {
            Ok(place) => lacking[place].1 = lacking[place].1.max(until),
            Err(place) => lacking.insert(place, (aggregate, until)),
        }
    }

    fn state_mut(
        &mut self,
        source: SourceId,
        first: Stamp,
        (plan, definitions): (&Plan, &Definitions),
    ) -> &mut SourceState {
        let place = self.sources.binary_search_by_key(&source, |(id, _)| *id).unwrap_or_else(|place| {
            let state = SourceState::new(first, &plan.sources[source.index()], plan, definitions);
            self.sources.insert(place, (source, state));
            place
        });
        &mut self.sources[place].1
    }

    /// The last event of a name that triggers a personalization.
    pub(crate) fn trigger(&self, event: EventId) -> Option<&Trigger> {
        self.triggers.iter().find(|trigger| trigger.event == event)
    }

    /// Remembers a trigger event, unless a later one of its name is known. Says whether it did.
    pub(crate) fn remember_trigger(
        &mut self,
        event: EventId,
        stamp: Stamp,
        properties: &Arc<[Option<Value>]>,
        order: &dyn MessageOrder,
    ) -> bool {
        let trigger = Trigger { event, stamp, properties: Arc::clone(properties) };
        match self.triggers.iter_mut().find(|known| known.event == event) {
            Some(known) if !stamp.is_after(known.stamp, order) => return false,
            Some(known) => *known = trigger,
            None => self.triggers.push(trigger),
        }
        true
    }
}
