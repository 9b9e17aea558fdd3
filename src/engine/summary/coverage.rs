//! Which messages a summary stands for.
//!
//! It says of each event up to when its messages are gone, and by id which of them are there still. That is all
//! one needs to take the same messages out of the base that were taken out of the profile.
//!
//! Invariants:
//! 1. Only `track`, `page` and `screen` without words on consent are covered, and earlier summaries; so nothing
//!    is that sets attributes or says who is who.
//! 2. Only what arrived before the summary, under the same home, is covered: that is the caller's business.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::base::time::Time;
use crate::engine::typed_message::event_of;
use crate::model::message::{Message, MessageKind};
use crate::model::value::read_time;

/// What the ids of summaries begin with; others may, too.
pub(crate) const ID_PREFIX: &str = "habitue-summary-";

/// What a summary stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Coverage {
    /// Of each event by name, up to when.
    pub(crate) until: BTreeMap<String, Time>,
    /// Ids of messages up to then which are not covered.
    pub(crate) kept: BTreeSet<String>,
}

impl Coverage {
    /// What a message stands for, if it is a summary.
    pub(crate) fn of(message: &Message) -> Option<Coverage> {
        if *message.kind() != MessageKind::Summary {
            return None;
        }
        let properties = message.properties();
        let until = properties.get("until").and_then(Json::as_object).into_iter().flatten();
        let until = until.filter_map(|(name, time)| Some((name.clone(), read_time(time).ok()?)));
        let kept = properties.get("kept").and_then(Json::as_array).into_iter().flatten();
        let kept = kept.filter_map(|id| Some(id.as_str()?.to_owned()));
        Some(Coverage { until: until.collect(), kept: kept.collect() })
    }

    /// Whether a message that arrived before, under the same home, is among those it stands for.
    pub(crate) fn covers(&self, time: Time, message_id: &str, message: &Message) -> bool {
        if *message.kind() == MessageKind::Summary {
            return true;
        }
        let until = foldable_event(message).and_then(|event| self.until.get(event));
        until.is_some_and(|until| time <= *until) && !self.kept.contains(message_id)
    }

    /// Up to when the events that a source takes are covered; `event` is its name, or none for any event.
    pub(crate) fn reaches(&self, event: Option<&str>) -> Option<Time> {
        match event {
            Some(event) => self.until.get(event).copied(),
            None => self.until.values().max().copied(),
        }
    }
}

/// How many messages a message stands for, if it is a summary.
pub(crate) fn messages_stood_for(message: &Message) -> u64 {
    let messages = (*message.kind() == MessageKind::Summary).then(|| message.properties().get("messages"));
    messages.flatten().and_then(Json::as_u64).unwrap_or(0)
}

/// The name of the event that a message is, if a summary may stand for it.
pub(crate) fn foldable_event(message: &Message) -> Option<&str> {
    event_of(message.kind()).filter(|_| message.consent_preferences().is_none())
}
