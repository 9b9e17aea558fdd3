//! The customer's messages as evidence: which of them are behind a value.
//!
//! The engine keeps of most messages no more than a number in a sum, so the evidence comes from the
//! customer's history, typed under the catalog of the question.

use std::sync::Arc;

use crate::derived::view::View;
use crate::engine::explanation::{Evidence, Mention, Withheld};
use crate::engine::retelling::WithheldMessage;
use crate::engine::step::takes;
use crate::engine::typed_message::Content;
use crate::facts::event_log::EventLog;
use crate::facts::stamp::{HistoryPlace, Stamp};
use crate::facts::window::rows;
use crate::model::ids::{AggregateId, AttributeId, EventId, PropertyId, PurposeId, SourceId};
use crate::model::value::Value;
use crate::rules::evaluate::Facts;
use crate::rules::expression::{Function, Source};

/// Most messages that are named for one value.
const MAX_MENTIONS: usize = 10;

/// All messages of a customer, in the order of their places in the history.
#[derive(Debug, Default)]
pub(crate) struct Past {
    messages: Vec<PastMessage>,
    /// What does not count of them for lack of consent, in the order of time.
    withheld: Vec<WithheldMessage>,
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
    pub(crate) fn new(messages: impl Iterator<Item = PastMessage>, withheld: Vec<WithheldMessage>) -> Past {
        Past { messages: messages.collect(), withheld }
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

    /// Of the events that an aggregate takes of an affinity, those that have an item.
    pub(crate) fn evidence_of_item(
        &self,
        id: AggregateId,
        item: &Value,
        view: &View<'_>,
    ) -> Option<Evidence> {
        let definitions = view.compiled.definitions;
        let aggregate = &definitions.aggregates[id.index()];
        let Function::DecayedItems { of, .. } = &aggregate.function else { return None };
        let source = &definitions.sources[aggregate.source.index()];
        let has_item = |message: &&PastMessage| match &message.content {
            Content::Event { event, properties } if takes(source, *event, properties) => {
                of.of(properties).any(|(of, _)| matches!(item, Value::String(item) if item == of))
            }
            _ => false,
        };
        let mut log = EventLog::default();
        let past = self.messages.iter().filter(|message| message.stamp.time <= view.now());
        past.filter(has_item).for_each(|message| log.insert(message.stamp, std::iter::empty(), view.order));
        Some(self.name(aggregate.source, (0..log.len()).map(|row| log.stamp(row)).collect(), view))
    }

    /// The events of a source up to `now` in which `property` is present.
    fn log(&self, source: SourceId, property: Option<PropertyId>, view: &View<'_>) -> EventLog {
        let source = &view.compiled.definitions.sources[source.index()];
        let mut log = EventLog::default();
        for message in &self.messages {
            if message.stamp.time <= view.now() && is_row(source, property, &message.content) {
                log.insert(message.stamp, std::iter::empty(), view.order);
            }
        }
        log
    }

    /// The events that an aggregate would take at the view's `now`, if they counted.
    pub(crate) fn withheld_events(&self, id: AggregateId, view: &View<'_>) -> Option<Withheld> {
        let definitions = view.compiled.definitions;
        let aggregate = &definitions.aggregates[id.index()];
        let source = &definitions.sources[aggregate.source.index()];
        let property = aggregate.function.property();
        let of_it: Vec<&WithheldMessage> =
            self.withheld.iter().filter(|message| is_row(source, property, &message.content)).collect();
        let mut log = EventLog::default();
        for message in &of_it {
            log.insert(message.stamp, std::iter::empty(), view.order);
        }
        let inside = rows(&log, &aggregate.window, view).range;
        let is_inside =
            |message: &&WithheldMessage| inside.clone().any(|row| log.stamp(row) == message.stamp);
        self.withheld(of_it.into_iter().filter(is_inside), |_| true, view)
    }

    /// The messages that would set or remove an attribute if they counted: those after the one that did.
    pub(crate) fn withheld_attribute(&self, attribute: AttributeId, view: &View<'_>) -> Option<Withheld> {
        let needed = view.compiled.definitions.purposes.of_attribute(attribute);
        let slot = view.known.customer.attributes.slot(attribute);
        let says = |message: &&WithheldMessage| match &message.content {
            Content::Attributes(set) => {
                set.iter().any(|(said, _)| *said == attribute)
                    && slot.as_ref().is_none_or(|slot| message.stamp.is_after(slot.stamp, view.order))
            }
            _ => false,
        };
        self.withheld(self.withheld.iter().filter(says), |purpose| needed.contains(&purpose), view)
    }

    /// The events of a name, after that of a mention if there is one, that would be the trigger, if they
    /// counted.
    pub(crate) fn withheld_trigger(
        &self,
        event: EventId,
        after: Option<&Mention>,
        view: &View<'_>,
    ) -> Option<Withheld> {
        let is_it = |message: &&WithheldMessage| {
            matches!(message.content, Content::Event { event: Some(of), .. } if of == event)
                && after.is_none_or(|mention| message.stamp.time >= mention.at)
        };
        self.withheld(self.withheld.iter().filter(is_it), |_| true, view)
    }

    fn withheld<'m>(
        &self,
        messages: impl Iterator<Item = &'m WithheldMessage>,
        matters: impl Fn(PurposeId) -> bool,
        view: &View<'_>,
    ) -> Option<Withheld> {
        let messages: Vec<&WithheldMessage> = messages.collect();
        let mut lacking: Vec<PurposeId> =
            messages.iter().flat_map(|message| &message.lacking).copied().filter(|id| matters(*id)).collect();
        lacking.sort_unstable();
        lacking.dedup();
        let names = &view.compiled.definitions.purposes.names;
        let latest = messages.iter().rev().take(MAX_MENTIONS);
        (!messages.is_empty()).then(|| Withheld {
            purposes: lacking.iter().map(|purpose| names.name(purpose.0).to_owned()).collect(),
            count: messages.len() as u64,
            latest: latest.filter_map(|message| self.mention(message.stamp)).collect(),
        })
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

/// Whether a message is an event that a source takes, in which `property` is present.
fn is_row(source: &Source, property: Option<PropertyId>, content: &Content) -> bool {
    let Content::Event { event, properties } = content else { return false };
    let present = |property: PropertyId| properties.get(property.index()).is_some_and(Option::is_some);
    takes(source, *event, properties) && property.is_none_or(present)
}
