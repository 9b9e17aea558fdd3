//! Messages from and to the JSON of the Segment spec.
//!
//! Fields that we do not use (`integrations`, `version`, `sentAt`, `originalTimestamp`, `receivedAt`,
//! `_metadata` and whatever else libraries send) are skipped without being built. Two departures from
//! the letter of the spec, both seen in practice: an id may be a whole number, which is then its decimal
//! text, and a timestamp may be epoch milliseconds. `null` is the same as a field left out.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::message::{Message, MessageKind};
use super::message_check::check_size;
use super::refusal::{Refusal, RefusalReason};
use super::value::read_time;
use crate::base::names::nearest;
use crate::base::time::Time;

/// The fields we use, each of whatever type the sender gave it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    r#type: Option<Json>,
    message_id: Option<Json>,
    user_id: Option<Json>,
    anonymous_id: Option<Json>,
    timestamp: Option<Json>,
    event: Option<Json>,
    name: Option<Json>,
    category: Option<Json>,
    previous_id: Option<Json>,
    group_id: Option<Json>,
    properties: Option<Json>,
    traits: Option<Json>,
    context: Option<Json>,
}

/// What is written, in the order of the names: files hold hashes of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    anonymous_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'a Map<String, Json>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<&'a Map<String, Json>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traits: Option<&'a Map<String, Json>>,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
}

impl Message {
    /// Reads a message from JSON text.
    ///
    /// ```
    /// use habitue::{Message, RefusalReason};
    ///
    /// let message = Message::parse(r#"{"type":"track","userId":"ana","event":"Logged In"}"#)?;
    /// assert_eq!(message.event(), Some("Logged In"));
    ///
    /// let refusal = Message::parse(r#"{"type":"trakc","userId":"ana"}"#).unwrap_err();
    /// assert_eq!(refusal.reason, RefusalReason::Schema);
    /// assert_eq!(refusal.detail, "no kind of message; did you mean `track`?");
    /// # Ok::<(), habitue::Refusal>(())
    /// ```
    ///
    /// # Errors
    /// If the text is not JSON or too long, or the message has not the shape of its kind.
    pub fn parse(text: &str) -> Result<Message, Refusal> {
        check_size(text.len())?;
        // A derived reader would also take a list of the fields' values.
        if !text.trim_ascii_start().starts_with('{') {
            return Err(no_object());
        }
        let wire: Wire = serde_json::from_str(text).map_err(|error| {
            Refusal::new(RefusalReason::Schema, "", format!("not readable as JSON: {error}"))
        })?;
        wire.into_message()
    }

    /// Reads a message from JSON.
    ///
    /// ```
    /// use habitue::Message;
    /// use serde_json::json;
    ///
    /// let message = Message::from_json(&json!({
    ///     "type": "identify", "userId": 1007, "traits": {"loyalty_tier": "gold"}
    /// }))?;
    /// assert_eq!(message, Message::identify("1007").with_trait("loyalty_tier", "gold"));
    /// # Ok::<(), habitue::Refusal>(())
    /// ```
    ///
    /// # Errors
    /// If the message is too large or has not the shape of its kind.
    pub fn from_json(json: &Json) -> Result<Message, Refusal> {
        if !json.is_object() {
            return Err(no_object());
        }
        let wire = Wire::deserialize(json)
            .map_err(|error| Refusal::new(RefusalReason::Schema, "", error.to_string()))?;
        wire.into_message()
    }

    /// The message as JSON, from which [`Message::from_json`] reads an equal one.
    pub fn to_json(&self) -> Json {
        serde_json::to_value(self).expect("all keys are texts")
    }

    /// The same as text, from which [`Message::parse`] reads an equal one.
    pub(crate) fn json_text(&self) -> String {
        serde_json::to_string(self).expect("all keys are texts")
    }
}

/// Writes what [`Message::to_json`] says.
impl Serialize for Message {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut written = Written {
            anonymous_id: self.anonymous_id(),
            category: None,
            context: Some(&self.context).filter(|map| !map.is_empty()),
            event: None,
            group_id: None,
            message_id: self.message_id(),
            name: None,
            previous_id: None,
            properties: Some(&self.properties).filter(|map| !map.is_empty()),
            timestamp: self.timestamp(),
            traits: Some(&self.traits).filter(|map| !map.is_empty()),
            r#type: self.kind.as_str(),
            user_id: self.user_id(),
        };
        match self.kind() {
            MessageKind::Identify | MessageKind::Unmerge | MessageKind::Summary => {}
            MessageKind::Track { event } => written.event = Some(event),
            MessageKind::Page { name, category } | MessageKind::Screen { name, category } => {
                (written.name, written.category) = (name.as_deref(), category.as_deref());
            }
            MessageKind::Alias { previous_id } => written.previous_id = Some(previous_id),
            MessageKind::Group { group_id } => written.group_id = Some(group_id),
        }
        written.serialize(serializer)
    }
}

impl Wire {
    fn into_message(self) -> Result<Message, Refusal> {
        let kind = self.kind()?;
        // Some libraries send traits along with every call; they are ours only where the spec has them.
        let properties = if kind.has_properties() { self.properties } else { None };
        let traits = if kind.has_traits() { self.traits } else { None };
        let message = Message {
            message_id: read_id("messageId", self.message_id.as_ref())?,
            user_id: read_id("userId", self.user_id.as_ref())?,
            anonymous_id: read_id("anonymousId", self.anonymous_id.as_ref())?,
            timestamp: match self.timestamp {
                Some(json) => Some(read_time(&json).map_err(|mismatch| {
                    Refusal::new(RefusalReason::Schema, "timestamp", mismatch.reason).with_value(json)
                })?),
                None => None,
            },
            properties: read_map("properties", properties)?,
            traits: read_map("traits", traits)?,
            context: read_map("context", self.context)?,
            kind,
        };
        message.check()?;
        Ok(message)
    }

    fn kind(&self) -> Result<MessageKind, Refusal> {
        let refused = |detail: String| Refusal::new(RefusalReason::Schema, "type", detail);
        let one_of = || format!("one of `{}`", MessageKind::NAMES.join("`, `"));
        let name = match &self.r#type {
            Some(Json::String(name)) => name.as_str(),
            Some(other) => return Err(refused(format!("expected {}", one_of())).with_value(other.clone())),
            None => return Err(refused(format!("missing: it is {}", one_of()))),
        };
        let required = |field: &str, id: Option<String>| {
            let detail = format!("missing: a `{name}` message needs it");
            id.ok_or_else(|| Refusal::new(RefusalReason::Schema, field, detail))
        };
        Ok(match name {
            "identify" => MessageKind::Identify,
            "track" => {
                let event = read_text("event", self.event.as_ref())?;
                MessageKind::Track { event: required("event", event)? }
            }
            "page" => MessageKind::Page {
                name: read_text("name", self.name.as_ref())?,
                category: read_text("category", self.category.as_ref())?,
            },
            "screen" => MessageKind::Screen {
                name: read_text("name", self.name.as_ref())?,
                category: read_text("category", self.category.as_ref())?,
            },
            "alias" => {
                let previous_id = read_id("previousId", self.previous_id.as_ref())?;
                MessageKind::Alias { previous_id: required("previousId", previous_id)? }
            }
            "unmerge" => MessageKind::Unmerge,
            "summary" => MessageKind::Summary,
            "group" => {
                let group_id = read_id("groupId", self.group_id.as_ref())?;
                MessageKind::Group { group_id: required("groupId", group_id)? }
            }
            _ => {
                let meant = match nearest(name, MessageKind::NAMES) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("it is {}", one_of()),
                };
                return Err(refused(format!("no kind of message; {meant}")).with_value(name));
            }
        })
    }
}

fn no_object() -> Refusal {
    Refusal::new(RefusalReason::Schema, "", "a message is a JSON object")
}

/// Reads an id: text, or a whole number as its decimal text.
fn read_id(field: &str, json: Option<&Json>) -> Result<Option<String>, Refusal> {
    match json {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.clone())),
        Some(Json::Number(number)) if !number.is_f64() => Ok(Some(number.to_string())),
        Some(other) => Err(unexpected(field, "text or a whole number", other)),
    }
}

fn read_text(field: &str, json: Option<&Json>) -> Result<Option<String>, Refusal> {
    match json {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(unexpected(field, "text", other)),
    }
}

fn read_map(field: &str, json: Option<Json>) -> Result<Map<String, Json>, Refusal> {
    match json {
        None => Ok(Map::new()),
        Some(Json::Object(fields)) => Ok(fields),
        Some(other) => Err(unexpected(field, "an object", &other)),
    }
}

fn unexpected(field: &str, expected: &str, found: &Json) -> Refusal {
    Refusal::new(RefusalReason::Schema, field, format!("expected {expected}")).with_value(found.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::limits::{MAX_ID_BYTES, MAX_VALUE_DEPTH};

    /// Field and text of the refusal of `json`, and its reason's code.
    fn refused(json: &Json) -> (String, String, &'static str) {
        let refusal = Message::from_json(json).expect_err("it is wrong");
        assert_eq!(Message::parse(&json.to_string()).unwrap_err(), refusal);
        (refusal.field, refusal.detail, refusal.reason.as_str())
    }

    #[test]
    fn what_is_written_reads_back() {
        let time = Time::from_raw(1_767_258_000_001);
        let page = MessageKind::Page { name: None, category: Some(String::new()) };
        for message in [
            Message::identify("ana").with_trait("email", "a@x.test").with_trait("tier", Json::Null),
            Message::track("ana", "Order Completed")
                .with_id("m1")
                .with_timestamp(time)
                .with_property("total", 0.1 + 0.2)
                .with_property("lines", json!([{"sku": "a\"\n", "price": 1e300}, -3, u64::MAX, true])),
            Message::new(page, "ana").with_anonymous_id("device-7"),
            Message::screen("device-7", "Boots").anonymous().with_timestamp(Time::MIN),
            Message::alias("ana", "device-7").with_timestamp(Time::MAX),
            Message::group("ana", "7").with_trait("plan", "gold"),
        ] {
            assert_eq!(Message::from_json(&message.to_json()), Ok(message.clone()));
            let again = Message::parse(&message.to_json().to_string()).expect("it is well-formed");
            assert_eq!(again.fingerprint(), message.fingerprint());
            assert_eq!(again, message);
        }
    }

    #[test]
    fn floats_read_back_to_the_last_bit() {
        for seed in 0..20_000_u64 {
            let float = f64::from_bits(crate::base::frozen_hash::hash64(&seed.to_le_bytes()));
            let message = Message::track("ana", "E").with_property("p", float);
            assert_eq!(Message::parse(&message.to_json().to_string()), Ok(message), "{float:e}");
        }
    }

    #[test]
    fn a_message_as_libraries_send_it() {
        let message = Message::parse(
            r#" {"anonymousId":"23adfd82-aa0f","channel":"browser","context":{"ip":"8.8.8.8","page":{"path":"/"}},
            "integrations":{"All":true},"messageId":"ajs-f8ca1e4de5024d9430b3928bd8ac6b96","properties":{"price":5},
            "receivedAt":"2015-12-12T19:11:01.266Z","sentAt":"2015-12-12T19:11:01.169Z","timestamp":1449947461249,
            "type":"track","event":"Viewed","userId":null,"traits":{"ignored":1},"originalTimestamp":"garbage",
            "version":2,"_metadata":{"bundled":["Segment.io"]}}"#,
        )
        .expect("it is well-formed");
        assert_eq!(message.timestamp().unwrap().to_string(), "2015-12-12T19:11:01.249Z");
        assert_eq!((message.user_id(), message.anonymous_id()), (None, Some("23adfd82-aa0f")));
        assert_eq!(message.event(), Some("Viewed"));
        assert_eq!(message.properties()["price"], 5);
        assert_eq!(message.context()["page"]["path"], "/");
        assert!(message.traits().is_empty());
    }

    #[test]
    fn ids_may_be_whole_numbers() {
        let message = json!({"type": "group", "userId": 7, "messageId": u64::MAX, "groupId": -1});
        let message = Message::from_json(&message).unwrap();
        assert_eq!((message.user_id(), message.message_id()), (Some("7"), Some("18446744073709551615")));
        assert_eq!(*message.kind(), MessageKind::Group { group_id: "-1".into() });
    }

    #[test]
    fn a_wrong_shape_is_refused_with_its_field() {
        let long = "x".repeat(MAX_ID_BYTES + 1);
        let mut deep = json!(1);
        (0..=MAX_VALUE_DEPTH).for_each(|_| deep = json!([deep]));
        for (json, field, code) in [
            (json!([]), "", "schema"),
            (json!(["track", "m1", "ana"]), "", "schema"),
            (json!({"userId": "ana"}), "type", "schema"),
            (json!({"type": 1, "userId": "ana"}), "type", "schema"),
            (json!({"type": "Track", "userId": "ana", "event": "E"}), "type", "schema"),
            (json!({"type": "track", "event": "E"}), "userId", "schema"),
            (json!({"type": "track", "event": "E", "userId": ""}), "userId", "schema"),
            (json!({"type": "track", "event": "E", "userId": 1.5}), "userId", "schema"),
            (json!({"type": "track", "event": "E", "userId": ["ana"]}), "userId", "schema"),
            (json!({"type": "track", "event": "E", "userId": "a\u{1}"}), "userId", "schema"),
            (json!({"type": "track", "event": "E", "userId": long}), "userId", "size"),
            (json!({"type": "track", "event": "E", "userId": "ana", "messageId": ""}), "messageId", "schema"),
            (json!({"type": "track", "userId": "ana"}), "event", "schema"),
            (json!({"type": "track", "userId": "ana", "event": ""}), "event", "schema"),
            (json!({"type": "track", "userId": "ana", "event": 7}), "event", "schema"),
            (json!({"type": "alias", "userId": "ana"}), "previousId", "schema"),
            (json!({"type": "group", "userId": "ana", "groupId": ""}), "groupId", "schema"),
            (json!({"type": "page", "userId": "ana", "name": 7}), "name", "schema"),
            (json!({"type": "identify", "userId": "ana", "traits": []}), "traits", "schema"),
            (json!({"type": "identify", "userId": "ana", "traits": {"a": deep}}), "traits", "schema"),
            (json!({"type": "identify", "userId": "ana", "timestamp": "today"}), "timestamp", "schema"),
            (json!({"type": "identify", "userId": "ana", "timestamp": 1.5}), "timestamp", "schema"),
            (json!({"type": "identify", "userId": "ana", "timestamp": i64::MAX}), "timestamp", "schema"),
        ] {
            let (found, detail, reason) = refused(&json);
            assert_eq!((found.as_str(), reason), (field, code), "{json}: {detail}");
        }
        assert_eq!(
            refused(&json!({"type": "Track", "userId": "ana"})).1,
            "no kind of message; did you mean `track`?"
        );
        for text in ["", "{", "null", r#"{"type":"track","type":"page"}"#] {
            assert_eq!(Message::parse(text).unwrap_err().reason, RefusalReason::Schema, "{text}");
        }
    }
}
