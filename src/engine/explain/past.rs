//! The customer's messages as evidence: which of them are behind a value.
//!
//! The engine keeps of most messages no more than a number in a sum, so the evidence comes from the
//! customer's history, typed under the catalog of the question.

use std::sync::Arc;

use crate::derived::view::View;
use crate::engine::explanation::{Evidence, Mention};
use crate::engine::step::takes;
use crate::engine::typed_message::Content;
use crate::facts::event_log::EventLog;
use crate::facts::stamp::{HistoryPlace, Stamp};
use crate::facts::window::rows;
use crate::model::ids::{AggregateId, PropertyId, SourceId};
use crate::rules::evaluate::Facts;
use crate::rules::expression::Function;

/// Most messages that are named for one value.
const MAX_MENTIONS: usize = 10;

/// All messages of a customer, in the order of their places in the history.
#[derive(Debug, Default)]
pub(crate) struct Past {
    messages: Vec<PastMessage>,
}

/// One message.
#[derive(Debug)]
pub(crate) struct PastMessage {
    pub(crate) stamp: Stamp,
    pub(crate) id: Arc<str>,
    pub(crate) content: Content,
}

impl Past {
    /// The past that these messages are, given in the order of their places.
    pub(crate) fn new(messages: impl Iterator<Item = PastMessage>) -> Past {
        Past { messages: messages.collect() }
    }

    /// The id of a message.
    pub(crate) fn id(&self, place: HistoryPlace) -> Option<Arc<str>> {
        self.messages.get(place.0 as usize).map(|message| Arc::clone(&message.id))
    }

    /// A message by its stamp.
    pub(crate) fn mention(&self, stamp: Stamp) -> Option<Mention> {
        Some(Mention { message: self.id(stamp.place)?, at: stamp.time })
    }

    /// The events that an aggregate takes at the view's `now`. Of those that look at two sources, the
    /// events of the second follow, as far as they can matter.
    pub(crate) fn evidence(&self, id: AggregateId, view: &View<'_>) -> Vec<Evidence> {
        let definitions = view.compiled.definitions;
        let aggregate = &definitions.aggregates[id.index()];
        let log = self.log(aggregate.source, aggregate.function.property(), view);
        let taken = rows(&log, &aggregate.window, view).range;
        let first = log.time(taken.start).filter(|_| !taken.is_empty());
        let last = taken.clone().next_back().map(|row| log.stamp(row));
        let mut evidence = vec![self.name(aggregate.source, taken.map(|row| log.stamp(row)).collect(), view)];
        let second = match aggregate.function {
            Function::FollowedBy { other, .. } => first.map(|first| (other, first, None)),
            Function::NotFollowedBy { other, .. } => last.map(|last| (other, last.time, Some(last.place))),
            _ => None,
        };
        if let Some((other, from, itself)) = second {
            let log = self.log(other, None, view);
            let stamps = (log.first_from(from)..log.len()).map(|row| log.stamp(row));
            evidence.push(self.name(
                other,
                stamps.filter(|stamp| Some(stamp.place) != itself).collect(),
                view,
            ));
        }
        evidence
    }

    /// The events of a source up to `now` in which `property` is present.
    fn log(&self, source: SourceId, property: Option<PropertyId>, view: &View<'_>) -> EventLog {
        let source = &view.compiled.definitions.sources[source.index()];
        let mut log = EventLog::default();
        for message in &self.messages {
            let Content::Event { event, properties } = &message.content else { continue };
            let present =
                |property: PropertyId| properties.get(property.index()).is_some_and(Option::is_some);
            if message.stamp.time <= view.now()
                && takes(source, *event, properties)
                && property.is_none_or(present)
            {
                log.insert(message.stamp, std::iter::empty(), view.order);
            }
        }
        log
    }

    fn name(&self, source: SourceId, stamps: Vec<Stamp>, view: &View<'_>) -> Evidence {
        let definitions = view.compiled.definitions;
        let event = definitions.sources[source.index()].event;
        Evidence {
            event: event.map(|event| definitions.event_names.name(event.0).to_owned()),
            count: stamps.len() as u64,
            latest: stamps.iter().rev().take(MAX_MENTIONS).filter_map(|stamp| self.mention(*stamp)).collect(),
        }
    }
}
