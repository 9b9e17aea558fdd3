//! A persona: one customer as a file, who comes to life at whatever time a script or a question has.
//!
//! A file says what she is (traits, consents) and what she did so long ago; or it is what
//! [`Database::export`] wrote of a real customer, whose messages are moved in time so that its `at` is
//! now. Both become messages, so that a persona means what the messages of a customer mean.
//!
//! Invariants:
//! 1. Ids of messages begin with the persona's id, so that personas of one file do not meet. Messages of
//!    one instant stay in their order.
//! 2. What a persona is said to be beside its file is of now, and comes after everything of the file.

use std::cmp::Reverse;
use std::fs;
use std::io::ErrorKind as IoErrorKind;
use std::path::Path;

use serde_json::{Map, Value as Json};

use super::fields::Fields;
use super::script::read_wait;
use crate::base::error::{Error, ErrorKind};
use crate::base::time::{Duration, Time};
use crate::db::database::Database;
use crate::engine::typed_message::{Content, Misfits};
use crate::model::message::Message;
use crate::model::value::read_time;

/// A customer as a file: what she is, and what she did so long ago.
///
/// ```
/// use habitue::simulate::Persona;
/// use habitue::{Catalog, Database};
/// use serde_json::json;
///
/// let catalog = Catalog::from_toml(r#"
///     schema = 1
///     [attributes]
///     tier = "string"
///     [events."Product Viewed"]
///     [segments]
///     keen = 'events("Product Viewed").within("1d").exists()'
///     gold = 'tier == "gold"'
/// "#)?;
/// let ana = Persona::from_json("ana", &json!({
///     "traits": {"tier": "silver"},
///     "events": [{"ago": "3h", "event": "Product Viewed"}]
/// }))?;
/// let database = Database::in_memory(catalog);
/// ana.with("tier", "gold").enter(&database)?;
/// assert!(database.is_member("ana", "keen")? && database.is_member("ana", "gold")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Persona {
    id: String,
    /// The id in the file, which stands for hers.
    written_id: String,
    is_anonymous: bool,
    /// What happened, by how long ago, in order; of what is to come, less than nothing.
    past: Vec<Past>,
    /// What holds now whatever the file says: attributes, and purposes that are taken back.
    now: Now,
}

#[derive(Clone, Debug)]
struct Past {
    ago: Duration,
    /// The end of the message's id.
    suffix: String,
    message: Message,
}

#[derive(Clone, Debug, Default)]
struct Now {
    traits: Map<String, Json>,
    revoked: Vec<String>,
}

impl Persona {
    /// Reads the file of a persona. Her id is that of the file (`user`), or else the file's name without
    /// its ending.
    ///
    /// # Errors
    /// If nothing is there, it cannot be read, or is no persona.
    pub fn read(path: impl AsRef<Path>) -> Result<Persona, Error> {
        let path = path.as_ref();
        let name = path.display();
        let text = fs::read_to_string(path).map_err(|error| {
            let (kind, message) = match error.kind() {
                IoErrorKind::NotFound => (ErrorKind::NotFound, format!("there is no persona `{name}`")),
                _ => (ErrorKind::Io, format!("cannot read the persona `{name}`: {error}")),
            };
            Error::new(kind, message).caused_by(error)
        })?;
        let wrong = |problem: String| Error::new(ErrorKind::InvalidCall, format!("`{name}`: {problem}"));
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let json =
            serde_json::from_str(text).map_err(|error| wrong(format!("not readable as JSON: {error}")))?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        Persona::understand(&stem, &json).map_err(wrong)
    }

    /// A persona from JSON of the same form, known as `id` unless it says another.
    ///
    /// # Errors
    /// If it is no persona.
    pub fn from_json(id: &str, json: &Json) -> Result<Persona, Error> {
        Persona::understand(id, json).map_err(|problem| Error::new(ErrorKind::InvalidCall, problem))
    }

    /// The same persona under another id.
    #[must_use]
    pub fn named(mut self, id: impl Into<String>) -> Persona {
        self.id = id.into();
        self
    }

    /// The same persona with another value of an attribute, set now; `null` removes it.
    #[must_use]
    pub fn with(mut self, attribute: impl Into<String>, value: impl Into<Json>) -> Persona {
        self.now.traits.insert(attribute.into(), value.into());
        self
    }

    /// The id that the persona comes under.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Brings the persona into a database, at its time.
    ///
    /// # Errors
    /// If somebody has this id, or the catalog refuses one of the messages; then nothing has changed.
    /// Where a message is refused for what only the database knows (an aggregate's limit, an erased id),
    /// those before it have been applied.
    pub fn enter(&self, database: &Database) -> Result<(), Error> {
        let now = database.now();
        if database.profile(&self.id)?.known {
            let message = format!(
                "`{}` is known already, and a persona is a customer of her own: give her another id",
                self.id
            );
            return Err(Error::new(ErrorKind::InvalidCall, message));
        }
        let messages = self.messages(now)?;
        let program = database.shards.program();
        let refused = |message: &Message, problem: String| {
            let id = message.message_id().unwrap_or_default();
            Error::new(ErrorKind::Refused, format!("`{id}` of the persona: {problem}"))
        };
        for message in &messages {
            let fits =
                message.check().and_then(|()| Content::of(message, &program.definitions, Misfits::Refuse));
            fits.map_err(|refusal| refused(message, refusal.to_string()).caused_by(refusal))?;
        }
        for message in messages {
            let shown = message.clone();
            database
                .apply(message)
                .map_err(|refusal| refused(&shown, refusal.to_string()).caused_by(refusal))?;
        }
        Ok(())
    }

    /// The messages that the persona is at an instant, in the order of time.
    ///
    /// # Errors
    /// If a message would be of a time before the year 1.
    pub fn messages(&self, now: Time) -> Result<Vec<Message>, Error> {
        let mut messages = Vec::with_capacity(self.past.len() + 1);
        // The greatest id of a message of now: what holds now comes after it.
        let mut last = format!("{}/with", self.id);
        for Past { ago, suffix, message } in &self.past {
            let time = Time::from_millis(now.millis().saturating_sub(ago.millis())).map_err(|error| {
                Error::new(ErrorKind::InvalidCall, format!("`ago` leads too far: {error}"))
            })?;
            let id = format!("{}/{suffix}", self.id);
            if time == now && id >= last {
                last = format!("{id}+with");
            }
            messages.push(self.of_hers(message.clone()).with_id(id).with_timestamp(time));
        }
        if !self.now.traits.is_empty() || !self.now.revoked.is_empty() {
            let mut message = self.own(Message::identify(&self.id)).with_id(last).with_timestamp(now);
            for (name, value) in &self.now.traits {
                message = message.with_trait(name, value.clone());
            }
            messages.push(self.now.revoked.iter().fold(message, |all, name| all.with_consent(name, false)));
        }
        Ok(messages)
    }

    /// A message under the persona's id, and under ids of its own for whoever else it names.
    fn of_hers(&self, message: Message) -> Message {
        message.with_ids(|id| match id == self.written_id {
            true => self.id.clone(),
            false if self.id == self.written_id => id.to_owned(),
            false => format!("{}/{id}", self.id),
        })
    }

    fn own(&self, message: Message) -> Message {
        if self.is_anonymous { message.anonymous() } else { message }
    }

    fn understand(name: &str, json: &Json) -> Result<Persona, String> {
        if json.get("messages").is_some() { Persona::exported(json) } else { Persona::written(name, json) }
    }

    /// What is written by hand.
    fn written(name: &str, json: &Json) -> Result<Persona, String> {
        let fields = Fields::of("a persona", json, &["user", "anonymous", "traits", "consents", "events"])?;
        let id = if fields.get("user").is_some() { fields.id("user")? } else { name.to_owned() };
        let is_anonymous = match fields.get("anonymous") {
            None => false,
            Some(Json::Bool(is_anonymous)) => *is_anonymous,
            Some(other) => return Err(format!("`anonymous` of a persona is true or false, not {other}")),
        };
        let mut persona =
            Persona { written_id: id.clone(), id, is_anonymous, past: Vec::new(), now: Now::default() };
        let mut begin = Message::identify(&persona.id);
        for (name, value) in fields.entries("traits")? {
            begin = begin.with_trait(name, value.clone());
        }
        for (purpose, state) in fields.entries("consents")? {
            let is_granted = read_consent(purpose, state)?;
            begin = begin.with_consent(purpose, is_granted);
            if state.as_str() == Some("revoked") {
                persona.now.revoked.push(purpose.clone());
            }
        }
        let events = match fields.get("events") {
            None => &[][..],
            Some(Json::Array(events)) => events,
            Some(other) => return Err(format!("`events` of a persona is a list, not {other}")),
        };
        for (place, event) in events.iter().enumerate() {
            let (ago, message) =
                persona.read_event(event).map_err(|problem| format!("event {}: {problem}", place + 1))?;
            persona.past.push(Past { ago, suffix: format!("{:04}", place + 1), message });
        }
        persona.past.sort_by_key(|past| Reverse(past.ago));
        // She is who she is, and consents to what she consents to, before she does anything.
        let ago = persona.past.first().map_or(Duration::from_millis(0), |first| first.ago);
        let begin = Past { ago, suffix: "0000".to_owned(), message: persona.own(begin) };
        persona.past.insert(0, begin);
        Ok(persona)
    }

    fn read_event(&self, json: &Json) -> Result<(Duration, Message), String> {
        let fields = Fields::of("an event", json, &["ago", "event", "properties", "message"])?;
        let ago = match fields.get("ago") {
            None => Duration::from_millis(0),
            Some(_) => {
                let text = fields.text("ago")?;
                let wrong = || format!("`ago` is `{text}`, not a duration such as `90m`, `3d` or `1d12h`");
                read_wait(&text).ok_or_else(wrong)?
            }
        };
        if let Some(message) = fields.get("message") {
            if fields.get("event").is_some() || fields.get("properties").is_some() {
                return Err("it has `message`, or `event` and `properties`, not both".to_owned());
            }
            return Ok((ago, self.read_message(message)?));
        }
        let mut message = self.own(Message::track(&self.id, fields.text("event")?));
        for (name, value) in fields.entries("properties")? {
            message = message.with_property(name, value.clone());
        }
        Ok((ago, message))
    }

    /// A message of the persona, who need not be named in it.
    fn read_message(&self, json: &Json) -> Result<Message, String> {
        let mut json = json.clone();
        if let Json::Object(fields) = &mut json
            && !fields.contains_key("userId")
            && !fields.contains_key("anonymousId")
        {
            let field = if self.is_anonymous { "anonymousId" } else { "userId" };
            fields.insert(field.to_owned(), Json::from(&*self.id));
        }
        Message::from_json(&json).map_err(|refusal| refusal.to_string())
    }

    /// What was exported of a customer.
    fn exported(json: &Json) -> Result<Persona, String> {
        let known = [
            "user",
            "at",
            "messages",
            "identity",
            "attributes",
            "segments",
            "decisions",
            "consents",
            "complete_since",
        ];
        let fields = Fields::of("an exported customer", json, &known)?;
        let id = fields.id("user")?;
        let at =
            read_time(fields.required("at")?).map_err(|mismatch| format!("`at`: {}", mismatch.reason))?;
        let Json::Array(messages) = fields.required("messages")? else {
            return Err("`messages` of an exported customer is a list".to_owned());
        };
        let mut past = Vec::with_capacity(messages.len());
        for (place, exported) in messages.iter().enumerate() {
            let read = read_exported(exported, at);
            past.push(read.map_err(|problem| format!("message {}: {problem}", place + 1))?);
        }
        let names = |of: fn(&Message) -> Option<&str>| past.iter().any(|past| of(&past.message) == Some(&id));
        let is_anonymous = names(Message::anonymous_id) && !names(Message::user_id);
        Ok(Persona { written_id: id.clone(), id, is_anonymous, past, now: Now::default() })
    }
}

fn read_exported(json: &Json, at: Time) -> Result<Past, String> {
    let fields = Fields::of("an exported message", json, &["time", "messageId", "message"])?;
    let message = fields.required("message")?;
    if message.get("type").and_then(Json::as_str) == Some("summary") {
        return Err(
            "it is a summary of messages that are no longer kept, and a persona needs them all".to_owned()
        );
    }
    let time =
        read_time(fields.required("time")?).map_err(|mismatch| format!("`time`: {}", mismatch.reason))?;
    Ok(Past {
        ago: at.since(time),
        suffix: fields.text("messageId")?,
        message: Message::from_json(message).map_err(|refusal| refusal.to_string())?,
    })
}

/// Whether a purpose is granted at first.
fn read_consent(purpose: &str, state: &Json) -> Result<bool, String> {
    match state.as_str() {
        Some("granted" | "revoked") => Ok(true),
        Some("denied") => Ok(false),
        _ => Err(format!(
            "consent `{purpose}` of a persona is `granted`, `denied` or `revoked`, not {state}; leave out what was not asked"
        )),
    }
}
