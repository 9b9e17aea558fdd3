//! What a message must be, whatever the catalog says.
//!
//! Invariants, of each message that passed [`Message::check`]:
//! 1. It has a user id or an anonymous id; no id is empty, holds a control character, or is longer than
//!    [`MAX_ID_BYTES`].
//! 2. Only `track`, `page`, `screen` and summaries have properties, only `identify` and `group` have traits; each
//!    is nested at most [`MAX_VALUE_DEPTH`] levels deep.
//! 3. Its JSON is at most [`MAX_MESSAGE_BYTES`] long and reads back as an equal message.

use std::io;

use serde_json::{Map, Value as Json};

use super::message::{Message, MessageKind};
use super::refusal::{Refusal, RefusalReason};
use crate::base::limits::{MAX_ID_BYTES, MAX_MESSAGE_BYTES, MAX_NAME_BYTES, MAX_VALUE_DEPTH};
use crate::base::time::Time;

impl Message {
    /// Whether the message has the shape that its kind asks for (invariants 1 to 3).
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        self.check_ids()?;
        self.check_kind()?;
        if let Some(time) = self.timestamp {
            Time::from_millis(time.millis())
                .map_err(|error| Refusal::new(RefusalReason::Schema, "timestamp", error.to_string()))?;
        }
        let mut size = 256;
        for (name, fields) in
            [("properties", &self.properties), ("traits", &self.traits), ("context", &self.context)]
        {
            size += size_bound(fields).ok_or_else(|| {
                let detail = format!("nested more than {MAX_VALUE_DEPTH} levels deep");
                Refusal::new(RefusalReason::Schema, name, detail)
            })?;
        }
        // Ids and names are counted at their longest, six bytes of JSON for each of theirs.
        if size + 6 * self.texts().map(str::len).sum::<usize>() > MAX_MESSAGE_BYTES {
            check_size(json_size(self))?;
        }
        Ok(())
    }

    fn check_ids(&self) -> Result<(), Refusal> {
        let ids =
            [("messageId", &self.message_id), ("userId", &self.user_id), ("anonymousId", &self.anonymous_id)];
        for (field, id) in ids {
            id.as_deref().map_or(Ok(()), |id| check_text(field, id, MAX_ID_BYTES))?;
        }
        if self.user_id.is_none() && self.anonymous_id.is_none() {
            let detail = "missing: a message names its customer by `userId`, `anonymousId` or both";
            return Err(Refusal::new(RefusalReason::Schema, "userId", detail));
        }
        Ok(())
    }

    fn check_kind(&self) -> Result<(), Refusal> {
        match &self.kind {
            MessageKind::Track { event } => check_text("event", event, MAX_NAME_BYTES)?,
            MessageKind::Alias { previous_id } => check_text("previousId", previous_id, MAX_ID_BYTES)?,
            MessageKind::Group { group_id } => check_text("groupId", group_id, MAX_ID_BYTES)?,
            MessageKind::Identify
            | MessageKind::Page { .. }
            | MessageKind::Screen { .. }
            | MessageKind::Unmerge
            | MessageKind::Summary => {}
        }
        let kind = self.kind.as_str();
        if !self.kind.has_properties() && !self.properties.is_empty() {
            let detail = format!("only `track`, `page` and `screen` messages have properties, not `{kind}`");
            return Err(Refusal::new(RefusalReason::Schema, "properties", detail));
        }
        if !self.kind.has_traits() && !self.traits.is_empty() {
            let detail = format!("only `identify` and `group` messages have traits, not `{kind}`");
            return Err(Refusal::new(RefusalReason::Schema, "traits", detail));
        }
        Ok(())
    }
}

/// Refuses an id or name that is empty, too long, or cannot be printed on one line.
fn check_text(field: &str, text: &str, longest: usize) -> Result<(), Refusal> {
    if text.is_empty() {
        let detail = "empty: leave the field out, or fill it";
        return Err(Refusal::new(RefusalReason::Schema, field, detail).with_value(text));
    }
    if text.len() > longest {
        let detail = format!("{} bytes long, at most {longest} are allowed", text.len());
        return Err(Refusal::new(RefusalReason::Size, field, detail));
    }
    if text.chars().any(char::is_control) {
        let detail = "holds a control character, such as a line break";
        return Err(Refusal::new(RefusalReason::Schema, field, detail).with_value(text));
    }
    Ok(())
}

/// Refuses a message of more than the allowed length of JSON.
pub(super) fn check_size(bytes: usize) -> Result<(), Refusal> {
    if bytes <= MAX_MESSAGE_BYTES {
        return Ok(());
    }
    let detail = format!("the message is {bytes} bytes long, at most {MAX_MESSAGE_BYTES} are allowed");
    Err(Refusal::new(RefusalReason::Size, "", detail))
}

/// An upper bound of the length of some fields as JSON, or `None` if they are nested too deep.
fn size_bound(fields: &Map<String, Json>) -> Option<usize> {
    fields.iter().try_fold(0, |size, (name, value)| Some(size + text_bound(name) + value_bound(value, 0)?))
}

fn value_bound(json: &Json, depth: usize) -> Option<usize> {
    if depth > MAX_VALUE_DEPTH {
        return None;
    }
    match json {
        // The longest float is written in 24 characters; one more for the comma.
        Json::Null | Json::Bool(_) | Json::Number(_) => Some(25),
        Json::String(text) => Some(text_bound(text)),
        Json::Array(items) => {
            items.iter().try_fold(3, |size, item| Some(size + value_bound(item, depth + 1)?))
        }
        Json::Object(fields) => fields.iter().try_fold(3, |size, (name, value)| {
            Some(size + text_bound(name) + value_bound(value, depth + 1)?)
        }),
    }
}

/// The longest escape of one byte is `\u0000`; two quotes, and a comma or colon.
fn text_bound(text: &str) -> usize {
    6 * text.len() + 3
}

/// The length of a message as JSON, bytes.
fn json_size(message: &Message) -> usize {
    struct Counter(usize);
    impl io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    // Neither the counter nor a map with text keys can fail.
    serde_json::to_writer(&mut counter, message).map_or(usize::MAX, |()| counter.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_built_wrong_is_refused_too() {
        let field = |message: Message| message.check().expect_err("it is wrong").field;
        assert_eq!(field(Message::identify("ana").with_property("price", 1)), "properties");
        assert_eq!(field(Message::track("ana", "E").with_trait("tier", "gold")), "traits");
        assert_eq!(field(Message::track("ana", "E").with_timestamp(Time::NEVER)), "timestamp");
        assert_eq!(field(Message::track("", "E").anonymous()), "anonymousId");
    }

    #[test]
    fn size_is_that_of_the_json() {
        let message = |length| Message::track("ana", "E").with_property("p", "x".repeat(length));
        let room = MAX_MESSAGE_BYTES - json_size(&message(0));
        assert_eq!(message(room).to_json().to_string().len(), MAX_MESSAGE_BYTES);
        assert_eq!(message(room).check(), Ok(()));
        assert_eq!(message(room + 1).check().unwrap_err().reason, RefusalReason::Size);
        let text = format!("{}{}", " ".repeat(MAX_MESSAGE_BYTES), message(0).to_json());
        assert_eq!(Message::parse(&text).unwrap_err().reason, RefusalReason::Size);
        // Short to read, long to write: what was accepted must be accepted again.
        let growing = format!(
            r#"{{"type":"track","userId":"a","event":"E","properties":{{"p":[{}0]}}}}"#,
            "1e15,".repeat(4_000)
        );
        assert_eq!(Message::parse(&growing).unwrap_err().reason, RefusalReason::Size);
    }

    #[test]
    fn the_size_bound_holds() {
        for json in [
            json!({}),
            json!({"": [null, [], {}]}),
            json!({"a": "\u{1}\u{2}"}),
            json!({"p": -1.234_567_890_123_456_7e-300}),
        ] {
            let Json::Object(fields) = &json else { unreachable!() };
            assert!(json.to_string().len() <= size_bound(fields).unwrap() + 2, "{json}");
        }
    }
}
