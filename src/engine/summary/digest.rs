//! What a summary says, in the terms of a catalog.
//!
//! ```text
//! { "until": { "Order Completed": "2025-01-01T00:00:00Z" },   up to when messages are gone, by event
//!   "kept": ["m1"],                                           those up to then that are there still
//!   "ids": ["m7"],                                            messages that states speak of
//!   "sources": { "events(\"Order Completed\")": {             what was taken, by the catalog's own words
//!       "last": [1735689600000, 0],
//!       "aggregates": { "events(\"Order Completed\").count()": 12 } } },
//!   "complete_since": { "events(\"Order Completed\").sum(total)": "2024-06-01T00:00:00Z" } }
//! ```
//!
//! `complete_since` has the aggregates that lack something already: of messages that were gone before their
//! catalog came.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::base::time::Time;
use crate::engine::program::Program;
use crate::engine::summary::coverage::Coverage;
use crate::engine::summary::states;
use crate::facts::accumulator::Accumulator;
use crate::facts::customer::Customer;
use crate::facts::plan::Keeping;
use crate::facts::stamp::{HistoryPlace, Stamp};
use crate::model::ids::{AggregateId, SourceId};
use crate::model::message::Message;
use crate::model::value::{Type, read_time};
use crate::rules::definitions::Definitions;
use crate::rules::expression::{Function, Source};
use crate::rules::typing::type_of_items;

/// What a catalog makes of a summary.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Digest {
    /// The last event of each source.
    pub(crate) last: Vec<(SourceId, Stamp)>,
    /// States of aggregates over all events.
    pub(crate) states: Vec<(AggregateId, Accumulator)>,
    /// Aggregates that lack what was up to a time.
    pub(crate) lacking: Vec<(AggregateId, Time)>,
}

impl Digest {
    /// What a summary says, in the terms of a catalog. Its stamps speak of places among the ids that it names.
    pub(crate) fn read(message: &Message, definitions: &Definitions) -> Digest {
        let mut digest = Digest { last: Vec::new(), states: Vec::new(), lacking: Vec::new() };
        let Some(coverage) = Coverage::of(message) else { return digest };
        let sources = message.properties().get("sources");
        let lacked = message.properties().get("complete_since");
        let texts = definitions.texts();
        let of_source = |(source, text): (&Source, &String)| {
            let event = source.event.map(|event| definitions.event_names.name(event.0));
            (coverage.reaches(event), sources.and_then(|sources| sources.get(text)))
        };
        let of_sources: Vec<(Option<Time>, Option<&Json>)> =
            definitions.sources.iter().zip(&texts.sources).map(of_source).collect();
        for (number, (_, said)) in of_sources.iter().enumerate() {
            let last = said.and_then(|said| states::read_stamp(said.get("last")?));
            digest.last.extend(last.map(|last| (SourceId::from_index(number), last)));
        }
        for (number, aggregate) in definitions.aggregates.iter().enumerate() {
            let id = AggregateId::from_index(number);
            let (reached, said) = of_sources[aggregate.source.index()];
            let other = aggregate.function.other().and_then(|other| of_sources[other.index()].0);
            let Some(until) = reached.max(other) else { continue };
            let text = &texts.aggregates[number];
            let is_whole = match said {
                Some(_) if aggregate.is_of_last_event() => true,
                Some(said) => {
                    digest.take_state(id, said.get("aggregates").and_then(|all| all.get(text)), definitions)
                }
                None => false,
            };
            let lacked = lacked.and_then(|lacked| read_time(lacked.get(text)?).ok());
            let since = if is_whole { lacked } else { Some(until) };
            digest.lacking.extend(since.map(|since| (id, since)));
        }
        digest
    }

    /// Takes the state of an aggregate over all events, if it is one; says whether it did.
    fn take_state(&mut self, id: AggregateId, said: Option<&Json>, definitions: &Definitions) -> bool {
        let aggregate = &definitions.aggregates[id.index()];
        let property = definitions.property_type(aggregate);
        let fresh = Accumulator::new(&aggregate.function, property);
        let of_property = property.cloned().unwrap_or(Type::Any);
        let of_values = match &aggregate.function {
            Function::Values { items, .. } => type_of_items(items, of_property),
            _ => of_property,
        };
        let state = said.filter(|_| aggregate.fixed_interval().is_some());
        let state = state.and_then(|said| states::read(said, fresh, &of_values));
        let is_there = state.is_some();
        self.states.extend(state.map(|state| (id, state)));
        is_there
    }

    /// Says where the messages are that it speaks of: each place is that many further on.
    pub(crate) fn move_places(&mut self, by: u32) {
        let of_states = self.states.iter_mut().flat_map(|(_, state)| state.stamps());
        let all = self.last.iter_mut().map(|(_, last)| last).chain(of_states);
        all.for_each(|stamp| stamp.place.0 += by);
    }
}

/// The properties of a summary of the messages that made `customer`; `id_of` knows their ids.
pub(crate) fn properties(
    program: &Program,
    coverage: &Coverage,
    customer: &Customer,
    id_of: &dyn Fn(HistoryPlace) -> String,
) -> Map<String, Json> {
    let Program { definitions, plan, .. } = program;
    let texts = definitions.texts();
    let mut named = Named { ids: Vec::new(), places: BTreeMap::new(), id_of };
    let mut sources = Map::new();
    for (number, source) in definitions.sources.iter().enumerate() {
        let event = source.event.map(|event| definitions.event_names.name(event.0));
        if coverage.reaches(event).is_none() {
            continue;
        }
        let state = customer.source_state(SourceId::from_index(number));
        let last = state.map(|state| states::write_stamp(state.last, &mut |place| named.place(place)));
        let aggregates: Map<String, Json> = (plan.sources[number].accumulated.iter())
            .map(|id| {
                let Keeping::Accumulated { slot, .. } = plan.aggregates[id.index()].keeping else {
                    return (String::new(), Json::Null);
                };
                let state = state.map(|state| &state.accumulators[slot]);
                let state = state.map(|state| states::write(state, &mut |place| named.place(place)));
                (texts.aggregates[id.index()].clone(), state.unwrap_or_default())
            })
            .collect();
        sources.insert(texts.sources[number].clone(), json!({ "last": last, "aggregates": aggregates }));
    }
    let lacking = customer.lacking().iter();
    let lacking =
        lacking.filter(|(id, _)| !matches!(plan.aggregates[id.index()].keeping, Keeping::Logged { .. }));
    let complete_since: Map<String, Json> = lacking
        .map(|(id, since)| (texts.aggregates[id.index()].clone(), Json::from(since.to_string())))
        .collect();
    let until: Map<String, Json> =
        coverage.until.iter().map(|(event, until)| (event.clone(), Json::from(until.to_string()))).collect();
    let all = json!({
        "until": until, "kept": coverage.kept, "ids": named.ids, "sources": sources, "complete_since": complete_since,
    });
    match all {
        Json::Object(all) => all,
        _ => unreachable!("it was made as an object"),
    }
}

/// The messages that states speak of.
struct Named<'a> {
    ids: Vec<String>,
    places: BTreeMap<u32, u32>,
    id_of: &'a dyn Fn(HistoryPlace) -> String,
}

impl Named<'_> {
    fn place(&mut self, place: HistoryPlace) -> u32 {
        let next = self.ids.len() as u32;
        let found = *self.places.entry(place.0).or_insert(next);
        if found == next {
            self.ids.push((self.id_of)(place));
        }
        found
    }
}
