//! Who a customer is: by what identifiers, and which messages made it so.

use std::sync::Arc;

use serde::Serialize;

use crate::base::error::{Error, ErrorKind};
use crate::base::time::Time;
use crate::db::applied::Applied;
use crate::db::applying::Incoming;
use crate::db::database::{Database, Writing};
use crate::facts::identity::resolution::{TieOutcome, TieRecord};
use crate::model::identifier::{Identifier, IdentifierKind, OwnedIdentifier};
use crate::model::message::Message;

/// How often a customer is looked at while messages change who is who, before giving up.
const MOST_TRIES: usize = 1_000;

/// By what a customer is known, and how that came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// The id that the profile is shown under.
    pub id: Arc<str>,
    /// All identifiers, in the order in which they were first seen.
    pub identifiers: Vec<IdentifierSeen>,
    /// The messages that tied one of these identifiers to another one, in the order of time: what was
    /// joined, when, by which message.
    pub ties: Vec<Tie>,
}

/// An identifier of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IdentifierSeen {
    /// `userId`, `anonymousId`, or the name of an attribute that is an identifier.
    pub kind: Arc<str>,
    /// The id, as it is compared.
    pub value: Arc<str>,
    /// The event time of the first message that had it; nothing if it was only named as somebody's
    /// previous id.
    pub first_seen: Option<Time>,
}

/// What a message said of two identifiers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tie {
    /// The message's event time.
    pub at: Time,
    /// The message.
    pub message_id: Arc<str>,
    /// The id under which it came: its kind and itself.
    pub of: (Arc<str>, Arc<str>),
    /// The identifier that it tied to that: its kind and itself.
    pub to: (Arc<str>, Arc<str>),
    /// What became of it.
    pub outcome: TieOutcome,
}

impl Database {
    /// By what the customer `id` is known, and which messages made it so.
    ///
    /// ```
    /// use habitue::{Catalog, Database, Message};
    ///
    /// let database = Database::in_memory(Catalog::from_toml("schema = 1")?);
    /// database.apply(Message::page("browser-7", "Boots").anonymous())?;
    /// database.apply(Message::identify("ana").with_anonymous_id("browser-7"))?;
    /// let identity = database.identity("browser-7")?;
    /// assert_eq!(&*identity.id, "ana");
    /// assert_eq!(identity.identifiers.len(), 2);
    /// assert_eq!(identity.ties.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `NotFound` if nobody has this id; if messages cannot be read from disk.
    pub fn identity(&self, id: &str) -> Result<Identity, Error> {
        let now = self.now();
        let looked_up = self.identifier_of(id, now)?;
        let asking = Incoming::question(id, now);
        for _ in 0..MOST_TRIES {
            let surroundings = self.surroundings(std::slice::from_ref(&looked_up), true, now)?;
            let Some(concerned) = self.lock(&surroundings, &asking)? else { continue };
            let Some(profile) = concerned.profile_of(looked_up.borrowed()) else { continue };
            let known_as = concerned.known_as(profile);
            let rules = &concerned.locked.program().definitions.identifiers;
            let log = concerned.heard(rules);
            let is_of_it =
                |tie: &&TieRecord| known_as.has(tie.home.borrowed()) || known_as.has(tie.other.borrowed());
            let mut identifiers: Vec<IdentifierSeen> = known_as
                .identifiers
                .iter()
                .map(|known| {
                    let (kind, value) = named(&known.identifier);
                    IdentifierSeen { kind, value, first_seen: known.first_seen }
                })
                .collect();
            identifiers.sort_by(|a, b| {
                let key = |seen: &IdentifierSeen| (seen.first_seen.unwrap_or(Time::MAX), seen.value.clone());
                key(a).cmp(&key(b))
            });
            return Ok(Identity {
                id: Arc::clone(known_as.shown()),
                identifiers,
                ties: log.iter().filter(is_of_it).map(Tie::of).collect(),
            });
        }
        Err(Error::new(ErrorKind::Busy, "who is who changes faster than it can be told; ask again"))
    }

    /// Takes back whatever tied the id to other identifiers until now: each is a customer of their own
    /// again, as if it had never been said. It is a message like any other, and is returned as one.
    ///
    /// # Errors
    /// `NotFound` if nobody has this id, `InvalidCall` if it is neither a user's nor a visitor's,
    /// `Refused`.
    pub fn unmerge(&self, id: &str) -> Result<Applied, Error> {
        let identifier = self.identifier_of(id, self.now())?;
        let message = match identifier.kind {
            IdentifierKind::User => Message::unmerge(&*identifier.text),
            IdentifierKind::Anonymous => Message::unmerge(&*identifier.text).anonymous(),
            IdentifierKind::Declared => {
                let message = format!(
                    "{} is not what messages come under: unmerge the user's or visitor's id it came with",
                    identifier.borrowed()
                );
                return Err(Error::new(ErrorKind::InvalidCall, message));
            }
        };
        Ok(self.apply(message)?)
    }

    /// The identifier that a bare id is.
    pub(crate) fn identifier_of(&self, id: &str, now: Time) -> Result<OwnedIdentifier, Error> {
        let found = self.each_identifier(id, |identifier: Identifier<'_>| {
            let meant = self
                .write_one(identifier, now)?
                .filter(|Writing { shard, place }| shard.profile(*place).is_meant_by(identifier));
            Ok(meant.map(|_| identifier.to_owned()))
        })?;
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("nobody is known as `{id}`")))
    }
}

impl Tie {
    fn of(tie: &TieRecord) -> Tie {
        let message_id = Arc::from(tie.message_id.as_str());
        Tie { at: tie.at, message_id, of: named(&tie.home), to: named(&tie.other), outcome: tie.outcome }
    }
}

/// The kind of an identifier, and itself.
fn named(identifier: &OwnedIdentifier) -> (Arc<str>, Arc<str>) {
    let identifier = identifier.borrowed();
    (Arc::from(identifier.kind_name()), Arc::from(identifier.value()))
}
