//! The accepted messages of one profile, in the order in which they arrived.
//!
//! They are the truth that everything else is derived from: a profile is rebuilt from them when the
//! catalog changes or a late message changes the past, and explanations name them. Of a database on
//! disk only those not yet written stay in memory; the others are in the archive and are read from it
//! by the few who ask.
//!
//! Invariants:
//! 1. `entries` are the messages from place `first` on, without a gap, up to the last.
//! 2. The messages before place `stored.messages` are in the archive, and `first` is no greater.

use std::cmp::Ordering;
use std::fmt::Debug;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::base::error::Error;
use crate::base::time::Time;
use crate::engine::consents::Told;
use crate::engine::summary::coverage::Coverage;
use crate::engine::typed_message::{Content, Misfits, TypedMessage};
use crate::facts::identity::resolution::Heard;
use crate::facts::identity::ties::written_home;
use crate::facts::stamp::{HistoryPlace, MessageOrder, Stamp};
use crate::model::identifier::Identifier;
use crate::model::message::Message;
use crate::rules::definitions::Definitions;
use crate::store::packed_message::PackedMessage;

/// The messages of one profile.
#[derive(Debug, Default)]
pub(crate) struct History {
    first: u32,
    entries: Vec<PackedMessage>,
    stored: Stored,
    /// The message that changed the profile last, which answers name, if only the archive has it.
    last_cause: Option<(HistoryPlace, Box<str>)>,
    /// Ids of messages that are gone, which summaries among `entries` speak of, in the order of these.
    anchors: Vec<Box<str>>,
}

/// The places of messages that are gone begin here: the first anchor has this one.
const ANCHORS: u32 = 1 << 31;

/// One accepted message, to be read.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The event time: the message's own, or the clock's where it has none.
    pub(crate) time: Time,
    pub(crate) message_id: Box<str>,
    pub(crate) message: Message,
}

/// What is in the archive of one profile's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    /// How many.
    pub(crate) messages: u32,
    /// Their hash, by which the archive tells them from others.
    pub(crate) hash: u64,
}

/// Where the messages are that are not in memory.
pub(crate) trait Archive: Debug + Send + Sync {
    /// The messages that are stored of the profile that was created under `identifier`.
    ///
    /// # Errors
    /// If they cannot be read; the archive remembers that.
    fn messages(&self, identifier: Identifier<'_>, stored: Stored) -> Result<Vec<PackedMessage>, Error>;
}

impl History {
    /// The history of a profile whose messages are all in the archive.
    pub(crate) fn archived(stored: Stored, last_cause: Option<(HistoryPlace, Box<str>)>) -> History {
        History { first: stored.messages, entries: Vec::new(), stored, last_cause, anchors: Vec::new() }
    }

    /// The place that the next message will have.
    pub(crate) fn next_place(&self) -> HistoryPlace {
        let len = self.first as usize + self.entries.len();
        HistoryPlace(u32::try_from(len).expect("a profile has fewer than 2^32 messages"))
    }

    /// Adds a message at the end.
    pub(crate) fn push(&mut self, message: PackedMessage) {
        self.anchors.extend(anchors_of(&message));
        self.entries.push(message);
    }

    /// The history with a summary in the place of the messages it stands for. The history is whole.
    pub(crate) fn summarised(self, summary: PackedMessage) -> History {
        debug_assert!(self.is_whole(), "what is in the archive only would be lost");
        let Entry { message, .. } = summary.unpack();
        let coverage = Coverage::of(&message).unwrap_or_default();
        let is_gone = |packed: &PackedMessage| {
            let entry = packed.unpack();
            written_home(&entry.message) == written_home(&message)
                && coverage.covers(entry.time, &entry.message_id, &entry.message)
        };
        let mut history = History::default();
        self.entries.into_iter().filter(|packed| !is_gone(packed)).for_each(|packed| history.push(packed));
        history.push(summary);
        history
    }

    /// Says that nothing is in the archive; the history is whole.
    pub(crate) fn forget_stored(&mut self) {
        debug_assert!(self.is_whole(), "what is in the archive only would be lost");
        self.stored = Stored::default();
    }

    /// All messages in the order of arrival; the history is whole.
    pub(crate) fn into_messages(self) -> Vec<PackedMessage> {
        debug_assert!(self.is_whole(), "all messages are asked for");
        self.entries
    }

    /// Whether all messages are in memory.
    pub(crate) fn is_whole(&self) -> bool {
        self.first == 0
    }

    /// Takes in the messages that were in the archive only, from all that are in it.
    pub(crate) fn complete(&mut self, mut archived: Vec<PackedMessage>) {
        debug_assert_eq!(archived.len(), self.stored.messages as usize, "all that are stored");
        archived.truncate(self.first as usize);
        archived.append(&mut self.entries);
        self.anchors = archived.iter().flat_map(anchors_of).collect();
        self.entries = archived;
        self.first = 0;
    }

    /// The messages that are not in the archive yet.
    pub(crate) fn unstored(&self) -> &[PackedMessage] {
        &self.entries[(self.stored.messages - self.first) as usize..]
    }

    /// What is in the archive.
    pub(crate) fn stored(&self) -> Stored {
        self.stored
    }

    /// Says what is in the archive now, and that messages before `keep_from` need not stay in memory; the one
    /// that changed the profile last can be named without the archive.
    pub(crate) fn set_stored(&mut self, stored: Stored, keep_from: u32, last: Option<HistoryPlace>) {
        self.stored = stored;
        if let Some((last, id)) = last.and_then(|last| Some((last, self.entry(last)?.message_id()))) {
            self.last_cause = Some((last, id.into()));
        }
        let gone = keep_from.min(stored.messages).saturating_sub(self.first);
        self.entries.drain(..gone as usize);
        self.first += gone;
        self.entries.shrink_to_fit();
    }

    /// The id of a message, if it is in memory.
    pub(crate) fn message_id(&self, place: HistoryPlace) -> Option<&str> {
        match (&self.last_cause, place.0.checked_sub(ANCHORS)) {
            (Some((known, id)), _) if *known == place => Some(id),
            (_, Some(anchor)) => self.anchors.get(anchor as usize).map(|id| &**id),
            (_, None) => self.entry(place).map(PackedMessage::message_id),
        }
    }

    /// The stamp of the message of this id, if it is in memory.
    pub(crate) fn stamp_of(&self, message_id: &str) -> Option<Stamp> {
        let place = self.entries.iter().rposition(|packed| packed.message_id() == message_id)?;
        let place_in_all = u32::try_from(place).expect("a profile has fewer than 2^32 messages") + self.first;
        Some(Stamp { time: self.entries[place].time, place: HistoryPlace(place_in_all) })
    }

    fn entry(&self, place: HistoryPlace) -> Option<&PackedMessage> {
        self.entries.get(place.0.checked_sub(self.first)? as usize)
    }

    /// The messages in memory with their stamps, in the order of arrival.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Stamp, &PackedMessage)> {
        let places = (self.first..).map(HistoryPlace);
        places.zip(&self.entries).map(|(place, packed)| (Stamp { time: packed.time, place }, packed))
    }

    /// All messages with their stamps, in the order of time and message id; the history is whole.
    pub(crate) fn in_order(&self) -> Vec<(Stamp, Entry)> {
        debug_assert!(self.is_whole(), "a profile is rebuilt from all its messages");
        let mut ordered: Vec<_> = self.iter().map(|(stamp, packed)| (stamp, packed.unpack())).collect();
        ordered.sort_by(|(a, _), (b, _)| a.compare(*b, self));
        ordered
    }

    /// The messages in memory, to be read, in the order of arrival.
    pub(crate) fn unpacked(&self) -> impl Iterator<Item = Entry> {
        self.entries.iter().map(PackedMessage::unpack)
    }

    /// About how many bytes the messages in memory take.
    pub(crate) fn bytes(&self) -> usize {
        let texts = self.entries.iter().map(PackedMessage::text_bytes);
        self.entries.capacity() * size_of::<PackedMessage>() + texts.sum::<usize>()
    }
}

impl Entry {
    /// The message, as it is heard by who wants to know who is who.
    pub(crate) fn heard(&self) -> Heard<'_> {
        Heard { time: self.time, message_id: &self.message_id, message: &self.message }
    }

    /// The message as a profile keeps it.
    pub(crate) fn pack(&self) -> PackedMessage {
        PackedMessage::of(self.time, &self.message_id, &self.message)
    }
}

/// Ids of messages that are gone, which a summary speaks of.
fn anchors_of(packed: &PackedMessage) -> Vec<Box<str>> {
    if !packed.is_summary {
        return Vec::new();
    }
    let Entry { message, .. } = packed.unpack();
    let ids = message.properties().get("ids").and_then(Json::as_array);
    ids.into_iter().flatten().filter_map(|id| id.as_str().map(Box::from)).collect()
}

impl Told for History {
    fn told(&self, definitions: &Definitions) -> Vec<TypedMessage> {
        let mut next_anchor = ANCHORS;
        let mut typed: Vec<TypedMessage> = Vec::with_capacity(self.entries.len());
        for (stamp, packed) in self.iter() {
            // Nothing is refused here: what does not fit this catalog is left out.
            let content = Content::of(&packed.unpack().message, definitions, Misfits::LeaveOut);
            let content = match content.unwrap_or(Content::Presence) {
                Content::Summary(mut digest) => {
                    Arc::make_mut(&mut digest).move_places(next_anchor);
                    Content::Summary(digest)
                }
                other => other,
            };
            next_anchor += anchors_of(packed).len() as u32;
            typed.push(TypedMessage { stamp, content });
        }
        typed.sort_by(|a, b| a.stamp.compare(b.stamp, self));
        typed
    }
}

impl MessageOrder for History {
    fn compare_ids(&self, a: HistoryPlace, b: HistoryPlace) -> Ordering {
        debug_assert!(
            self.message_id(a).is_some() && self.message_id(b).is_some(),
            "{a:?} or {b:?} is archived"
        );
        self.message_id(a).cmp(&self.message_id(b)).then(a.0.cmp(&b.0))
    }
}
