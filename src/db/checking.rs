//! What applying a message would say, without applying it.

use crate::base::error::Error;
use crate::db::applying::{Incoming, arriving, conflict, nobody};
use crate::db::database::Database;
use crate::engine::typed_message::Misfits;
use crate::facts::identity::ties::Home;
use crate::model::message::{Message, MessageKind};
use crate::model::refusal::{Refusal, RefusalReason};
use crate::store::message_index::Known;

/// That a message would be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Whether it was accepted before, so that nothing would change.
    pub duplicate: bool,
}

impl Database {
    /// What [`Database::apply`] would say of a message; nothing changes, also of a database that is open for
    /// questions only. Limits are not looked at, as they hang on what the profile would become.
    ///
    /// ```
    /// use habitue::{Catalog, Database, Message, RefusalReason};
    ///
    /// let database = Database::in_memory(Catalog::from_toml("schema = 1\n[attributes]\npoints = \"int\"\n")?);
    /// let message = Message::identify("ana").with_id("m1").with_trait("points", 7);
    /// assert!(!database.check(&message)?.duplicate);
    /// assert!(database.attribute("ana", "points")?.is_none());
    /// let wrong = Message::identify("ana").with_trait("points", "seven");
    /// assert_eq!(database.check(&wrong).unwrap_err().reason, RefusalReason::Schema);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the message would be refused.
    pub fn check(&self, message: &Message) -> Result<Checked, Refusal> {
        message.check()?;
        if *message.kind() == MessageKind::Summary {
            let detail = "a summary is made by the database that the messages came to, and by nobody else";
            return Err(Refusal::new(RefusalReason::Schema, "type", detail).with_value("summary"));
        }
        let now = self.time.now();
        let time = message.timestamp().unwrap_or(now);
        let message_id = message.message_id().unwrap_or_default().to_owned();
        let program = self.shards.program();
        let rules = &program.definitions.identifiers;
        Home::of(message, rules).ok_or_else(nobody)?;
        let incoming = Incoming { message: message.clone(), message_id, time, now };
        self.refuse_erased(&incoming, rules)?;
        if message.message_id().is_some() {
            let known = self.trusting(|| -> Result<Known, Error> {
                let claim = self.messages.claim(&incoming.message_id);
                self.known(&claim, message.fingerprint())
            })?;
            match known {
                Known::New => {}
                Known::Same => return Ok(Checked { duplicate: true }),
                Known::Other => return Err(conflict(incoming.message_id)),
            }
        }
        arriving(&program, &incoming, Misfits::Refuse)?;
        Ok(Checked { duplicate: false })
    }
}
