//! The "same content" of a message that comes twice, as a number.
//!
//! It covers what a rule can see (kind, ids, names, properties, traits, the time if the sender gave one,
//! and consents) and nothing that a retrying sender changes (the rest of `context`, transport fields), nor
//! the `messageId` under which it is looked up. So it is taken before a time of arrival is filled in. It
//! is compared with fingerprints on disk: its form is frozen, and what was added later, consents, is
//! written only where there are any.

use serde_json::{Map, Value as Json};

use super::message::Message;
use crate::base::frozen_hash::Fingerprint;

impl Message {
    /// A number of what the message says: the same for the same content, and for ever. It does not depend on
    /// the `messageId`, nor on the order of keys or how a number is written, so it can make an id for a message
    /// that has none.
    ///
    /// ```
    /// use habitue::Message;
    ///
    /// let one = Message::parse(r#"{"type":"identify","userId":"ana","traits":{"a":1,"b":2}}"#)?;
    /// let two = Message::identify("ana").with_trait("b", 2.0).with_trait("a", 1).with_id("m1");
    /// assert_eq!(one.fingerprint(), two.fingerprint());
    /// # Ok::<(), habitue::Refusal>(())
    /// ```
    pub fn fingerprint(&self) -> u128 {
        self.fingerprint_with(self.consent_preferences())
    }

    /// The number under which a message may be on disk that was accepted before consents counted.
    pub(crate) fn former_fingerprint(&self) -> u128 {
        self.fingerprint_with(None)
    }

    fn fingerprint_with(&self, consents: Option<&Json>) -> u128 {
        let mut fingerprint = Fingerprint::default();
        fingerprint.field(self.kind.as_str().as_bytes());
        let (first, second) = self.kind_texts();
        for text in [self.user_id(), self.anonymous_id(), first, second] {
            // An empty text is not an absent one.
            fingerprint.field(&[u8::from(text.is_some())]);
            fingerprint.field(text.unwrap_or_default().as_bytes());
        }
        let timestamp = self.timestamp.map(|time| time.millis().to_le_bytes());
        fingerprint.field(timestamp.as_ref().map_or(&[], |bytes| bytes.as_slice()));
        let mut canonical = Vec::with_capacity(256);
        write_map(&self.properties, &mut canonical);
        write_map(&self.traits, &mut canonical);
        fingerprint.field(&canonical);
        if let Some(consents) = consents {
            let mut canonical = Vec::new();
            write_canonical(consents, &mut canonical);
            fingerprint.field(&canonical);
        }
        fingerprint.finish()
    }
}

/// Writes a value so that equal values are equal bytes: a tag, a length where one is needed, and the
/// contents; keys sorted, and numbers by value (`1` and `1.0` are one).
fn write_canonical(json: &Json, out: &mut Vec<u8>) {
    match json {
        Json::Null => out.push(b'n'),
        Json::Bool(value) => out.push(if *value { b't' } else { b'f' }),
        Json::Number(number) => write_number(number, out),
        Json::String(text) => {
            out.push(b's');
            write_text(text, out);
        }
        Json::Array(items) => {
            out.push(b'l');
            write_length(items.len(), out);
            items.iter().for_each(|item| write_canonical(item, out));
        }
        Json::Object(fields) => write_map(fields, out),
    }
}

fn write_map(fields: &Map<String, Json>, out: &mut Vec<u8>) {
    out.push(b'm');
    write_length(fields.len(), out);
    // A program that links us may have turned on `serde_json/preserve_order`: then keys are unsorted.
    let mut entries: Vec<_> = fields.iter().collect();
    entries.sort_unstable_by_key(|(name, _)| *name);
    for (name, value) in entries {
        write_text(name, out);
        write_canonical(value, out);
    }
}

fn write_number(number: &serde_json::Number, out: &mut Vec<u8>) {
    let float = number.as_f64().unwrap_or(0.0);
    let whole = number.as_i128().or_else(|| {
        // Every whole float below 2^64 is exact as an i128.
        (float.fract() == 0.0 && float.abs() < 18_446_744_073_709_551_616.0).then_some(float as i128)
    });
    match whole {
        Some(whole) => {
            out.push(b'i');
            out.extend(whole.to_le_bytes());
        }
        None => {
            out.push(b'd');
            out.extend(float.to_le_bytes());
        }
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    write_length(text.len(), out);
    out.extend(text.as_bytes());
}

fn write_length(length: usize, out: &mut Vec<u8>) {
    out.extend((length as u32).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::time::Time;
    use crate::model::message::MessageKind;

    fn fingerprint(json: &Json) -> u128 {
        Message::from_json(json).expect("it is well-formed").fingerprint()
    }

    #[test]
    fn the_same_content_has_the_same_fingerprint() {
        let sent = json!({"type": "track", "messageId": "m1", "userId": "ana", "event": "E",
            "properties": {"a": 1, "b": [2.0, {"x": 0.0, "y": 18_446_744_073_709_551_615_u64}]}});
        let retried = json!({"properties": {"b": [2, {"y": 18_446_744_073_709_551_615_u64, "x": -0.0}], "a": 1.0},
            "event": "E", "userId": "ana", "messageId": "m2", "type": "track",
            "context": {"retry": 1}, "sentAt": "2026-01-01T09:00:00Z"});
        assert_eq!(fingerprint(&sent), fingerprint(&retried));
        let zoned = json!({"type": "identify", "userId": "ana", "timestamp": "2026-01-01T11:00:00+02:00"});
        let millis = json!({"type": "identify", "userId": "ana", "timestamp": 1_767_258_000_000_i64});
        assert_eq!(fingerprint(&zoned), fingerprint(&millis));
        let nothing_said = json!({"type": "identify", "userId": "ana", "timestamp": 1_767_258_000_000_i64,
            "context": {"consent": {"categoryPreferences": null}, "ip": "1"}});
        assert_eq!(fingerprint(&nothing_said), fingerprint(&millis));
    }

    #[test]
    fn other_content_has_another_fingerprint() {
        let page = |name: Option<&str>, category: Option<&str>| {
            let own = |text: Option<&str>| text.map(str::to_owned);
            Message::new(MessageKind::Page { name: own(name), category: own(category) }, "ana")
        };
        let track = || Message::track("ana", "E");
        let messages = [
            Message::identify("ana"),
            Message::identify("ana").anonymous(),
            Message::identify("ana").with_timestamp(Time::from_raw(0)),
            Message::identify("ana").with_timestamp(Time::from_raw(1)),
            Message::identify("ana").with_trait("a", Json::Null),
            Message::identify("ana").with_trait("a", false),
            Message::identify("ana").with_trait("a", true),
            page(None, None),
            page(Some("a"), None),
            page(None, Some("a")),
            page(Some(""), None),
            Message::screen("ana", "a"),
            Message::alias("ana", "a"),
            Message::group("ana", "a"),
            track(),
            Message::track("ana", "e"),
            Message::track("bob", "E"),
            track().with_anonymous_id("ana"),
            track().with_property("a", 1),
            track().with_property("a", "1"),
            track().with_property("a", 1.5),
            track().with_property("a", json!([1])),
            track().with_property("a", json!([[1]])),
            track().with_property("a", json!([[], 1])),
            track().with_property("a", json!({"1": 1})),
            track().with_property("a", i64::MAX),
            track().with_property("a", i64::MAX as f64),
            track().with_property("a", "b").with_property("c", "d"),
            track().with_property("a", "b\u{1}c").with_property("d", ""),
            track().with_consent("a", true),
            track().with_consent("a", false),
            track().with_consent("b", true),
            track().with_consent("a", true).with_consent("b", true),
        ];
        let mut fingerprints: Vec<_> = messages.iter().map(Message::fingerprint).collect();
        fingerprints.sort_unstable();
        fingerprints.dedup();
        assert_eq!(fingerprints.len(), messages.len());
    }

    /// Fingerprints are on disk: if this fails, the format has changed.
    #[test]
    fn fingerprints_are_frozen() {
        let message = Message::track("ana", "Order Completed")
            .with_timestamp(Time::from_raw(1_767_258_000_000))
            .with_property("total", 59.9)
            .with_property("lines", json!([{"sku": "p1", "n": 2}, null, true]));
        assert_eq!(format!("{:032x}", message.fingerprint()), "a16120b40cc36fc185d5a656ed779a74");
        let consenting = message.with_consent("ads", true).with_consent("mail", false);
        assert_eq!(format!("{:032x}", consenting.former_fingerprint()), "a16120b40cc36fc185d5a656ed779a74");
        assert_eq!(format!("{:032x}", consenting.fingerprint()), "6c479e4f9dc62a5ffc9ab0d3f76fd234");
    }
}
