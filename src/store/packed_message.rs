//! An accepted message as its profile keeps it: packed, in one piece of memory.
//!
//! Nearly nobody reads a message again: who is late, asks why, or replaces the catalog. Its JSON takes a tenth of
//! what the message takes as it was read, and is what journal and base want to have. Rejected: an encoding of our
//! own (as long, since numbers are short and names are not), and one piece for all messages of a profile (it is
//! copied as it grows).

use crate::base::time::Time;
use crate::model::message::{Message, MessageKind};
use crate::store::history::Entry;
use crate::store::memory_use::ALLOCATION;

/// A packed message.
#[derive(Clone, Debug)]
pub(crate) struct PackedMessage {
    /// The event time: the message's own, or the clock's where it has none.
    pub(crate) time: Time,
    /// The message's id, and behind it the message as JSON.
    text: Box<str>,
    id_bytes: u32,
    pub(crate) is_summary: bool,
}

impl PackedMessage {
    /// A message, packed.
    pub(crate) fn of(time: Time, message_id: &str, message: &Message) -> PackedMessage {
        let is_summary = *message.kind() == MessageKind::Summary;
        PackedMessage::of_json(time, message_id, &message.json_text(), is_summary)
    }

    /// The message that this JSON is.
    pub(crate) fn of_json(time: Time, message_id: &str, json: &str, is_summary: bool) -> PackedMessage {
        let mut text = String::with_capacity(message_id.len() + json.len());
        text.push_str(message_id);
        text.push_str(json);
        let id_bytes = u32::try_from(message_id.len()).expect("ids are bounded");
        PackedMessage { time, text: text.into(), id_bytes, is_summary }
    }

    /// Its id.
    pub(crate) fn message_id(&self) -> &str {
        &self.text[..self.id_bytes as usize]
    }

    /// The message as JSON.
    pub(crate) fn json(&self) -> &str {
        &self.text[self.id_bytes as usize..]
    }

    /// The message.
    pub(crate) fn unpack(&self) -> Entry {
        let message = Message::parse(self.json()).expect("it was written from a message, or read before");
        Entry { time: self.time, message_id: self.message_id().into(), message }
    }

    /// About how many bytes it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<PackedMessage>() + self.text_bytes()
    }

    /// The same of its text alone.
    pub(crate) fn text_bytes(&self) -> usize {
        self.text.len() + ALLOCATION
    }
}
