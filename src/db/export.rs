//! Everything that is held about one person.

use serde_json::{Value as Json, json};

use crate::base::error::{Error, ErrorKind};
use crate::base::time::Time;
use crate::db::answers::Snapshot;
use crate::db::applying::Incoming;
use crate::db::database::Database;
use crate::db::identity::Identity;
use crate::model::message::Message;

/// How often a customer is looked at while messages change who is who, before giving up.
const MOST_TRIES: usize = 1_000;

/// Everything that is held about one person, at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// By what the person is known, and how that came.
    pub identity: Identity,
    /// What is concluded: attributes, segments, decisions.
    pub profile: Snapshot,
    /// The messages that all of it is made of, in the order of time.
    pub messages: Vec<ExportedMessage>,
}

/// A message that was accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportedMessage {
    /// When it happened: its own time, or the time at which it came.
    pub time: Time,
    /// Its id: its own, or the one that it was given.
    pub message_id: String,
    /// The message, as it came.
    pub message: Message,
}

impl Database {
    /// Everything that is held about the customer `id`: to be handed over when a person asks for it.
    ///
    /// ```
    /// use habitue::{Catalog, Database, Message};
    ///
    /// let database = Database::in_memory(Catalog::from_toml("schema = 1")?);
    /// database.apply(Message::identify("ana").with_id("m1").with_trait("city", "Oulu"))?;
    /// let exported = database.export("ana")?;
    /// assert_eq!(exported.messages[0].message.traits()["city"], "Oulu");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `NotFound` if nobody has this id; if messages cannot be read from disk.
    pub fn export(&self, id: &str) -> Result<Exported, Error> {
        for _ in 0..MOST_TRIES {
            let (identity, profile) = (self.identity(id)?, self.profile(id)?);
            let messages = self.messages_of(id, profile.at)?;
            // All three are of one customer, or they are asked again.
            if let Some(messages) = messages.filter(|_| self.identity(id).is_ok_and(|now| now == identity)) {
                return Ok(Exported { identity, profile, messages });
            }
        }
        Err(Error::new(ErrorKind::Busy, "who is who changes faster than it can be told; ask again"))
    }

    /// All accepted messages of a customer; nothing if something changed meanwhile.
    fn messages_of(&self, id: &str, now: Time) -> Result<Option<Vec<ExportedMessage>>, Error> {
        let looked_up = self.identifier_of(id, now)?;
        let surroundings = self.surroundings(std::slice::from_ref(&looked_up), false, now)?;
        let asking = Incoming::question(id, now);
        let Some(concerned) = self.lock(&surroundings, &asking)? else { return Ok(None) };
        let Some(profile) = concerned.profile_of(looked_up.borrowed()) else { return Ok(None) };
        let messages = profile.history.in_order().into_iter().map(|(stamp, entry)| ExportedMessage {
            time: stamp.time,
            message_id: entry.message_id.into(),
            message: entry.message,
        });
        Ok(Some(messages.collect()))
    }
}

impl Exported {
    /// All of it as one JSON object.
    pub fn to_json(&self) -> Json {
        let Json::Object(mut all) = self.profile.to_json() else { return Json::Null };
        let messages = self.messages.iter().map(|ExportedMessage { time, message_id, message }| {
            json!({ "time": time.to_string(), "messageId": message_id, "message": message.to_json() })
        });
        all.insert("at".to_owned(), json!(self.profile.at.to_string()));
        all.insert("identity".to_owned(), json!(self.identity));
        all.insert("messages".to_owned(), messages.collect());
        Json::Object(all)
    }
}
