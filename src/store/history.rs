//! The accepted messages of one profile, in the order in which they arrived.
//!
//! They are the truth that everything else is derived from: a profile is rebuilt from them when the
//! catalog changes or a late message changes the past, and explanations name them.

use std::cmp::Ordering;

use crate::base::time::Time;
use crate::facts::stamp::{HistoryPlace, MessageOrder, Stamp};
use crate::model::message::Message;

/// The messages of one profile.
#[derive(Debug, Default)]
pub(crate) struct History {
    entries: Vec<Entry>,
}

/// One accepted message.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The event time: the message's own, or the clock's where it has none.
    pub(crate) time: Time,
    pub(crate) message_id: Box<str>,
    pub(crate) message: Message,
}

impl History {
    /// The place that the next message will have.
    pub(crate) fn next_place(&self) -> HistoryPlace {
        HistoryPlace(u32::try_from(self.entries.len()).expect("a profile has fewer than 2^32 messages"))
    }

    /// Adds a message at the end.
    pub(crate) fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Takes the last message away: it was not accepted after all.
    pub(crate) fn pop(&mut self) -> Option<Entry> {
        self.entries.pop()
    }

    /// The id of a message.
    pub(crate) fn message_id(&self, place: HistoryPlace) -> Option<&str> {
        self.entries.get(place.0 as usize).map(|entry| &*entry.message_id)
    }

    /// All messages with their stamps, in the order of arrival.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Stamp, &Entry)> {
        self.entries
            .iter()
            .enumerate()
            .map(|(place, entry)| (Stamp { time: entry.time, place: HistoryPlace(place as u32) }, entry))
    }

    /// All messages with their stamps, in the order of time and message id.
    pub(crate) fn in_order(&self) -> Vec<(Stamp, &Entry)> {
        let mut ordered: Vec<_> = self.iter().collect();
        ordered.sort_by(|(a, _), (b, _)| a.compare(*b, self));
        ordered
    }
}

impl MessageOrder for History {
    fn compare_ids(&self, a: HistoryPlace, b: HistoryPlace) -> Ordering {
        self.message_id(a).cmp(&self.message_id(b)).then(a.0.cmp(&b.0))
    }
}
