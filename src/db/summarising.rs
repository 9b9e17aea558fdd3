//! Letting go of messages that are older than the catalog keeps them.
//!
//! Customer by customer, with their shard locked while theirs are put together; questions about others are
//! answered meanwhile, and nothing that is answered changes. In memory the messages are gone at once; of a
//! folder they are gone from the live store with the next checkpoint, and from the base when it is written anew.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::base::error::{Error, ErrorKind};
use crate::db::applying::Incoming;
use crate::db::database::Database;
use crate::engine::typed_message::Content;
use crate::model::identifier::{Identifier, OwnedIdentifier};
use crate::persist::record::profile_record::{ProfileRecord, read_lead};
use crate::store::packed_message::PackedMessage;
use crate::store::shard::{Arriving, Limits, Recipient};

/// The fewest messages of one customer and id that a summary is made of.
const FEWEST: u64 = 16;
/// How often a customer is looked at while messages change who is who, before giving up.
const MOST_TRIES: usize = 1_000;

/// What became of messages that are no longer kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summarised {
    /// How many customers had some.
    pub profiles: u64,
    /// How many messages were put into summaries.
    pub messages: u64,
}

impl Database {
    /// Puts summaries in the place of messages that are older than the catalog keeps them (`[history]`).
    /// Answers stay what they are; what a later catalog asks beyond the summaries is answered from the messages
    /// that are left, and says since when it is complete.
    ///
    /// [`Database::compact`] does this too, before it writes the base anew.
    ///
    /// ```
    /// use habitue::{Catalog, Clock, Database, ManualClock, Message, Time};
    ///
    /// let catalog = Catalog::from_toml(r#"
    ///     schema = 1
    ///     [history]
    ///     margin = "30d"
    ///     [computed]
    ///     orders = 'events("Order Completed").count()'
    /// "#)?;
    /// let clock = ManualClock::new(Time::parse("2026-01-01T00:00:00Z")?);
    /// let database = Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone()));
    /// for _ in 0..40 {
    ///     database.apply(Message::track("ana", "Order Completed"))?;
    /// }
    /// clock.set(Time::parse("2026-06-01T00:00:00Z")?);
    /// // The first one and the last one stay.
    /// assert_eq!(database.summarise_history()?.messages, 38);
    /// assert_eq!(database.attribute("ana", "orders")?.unwrap().to_string(), "40");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `ReadOnly` if the database is open for reading or for questions only; `Io` if a profile cannot be read
    /// or a summary not be put on record: then the others stay as they are.
    pub fn summarise_history(&self) -> Result<Summarised, Error> {
        self.summarise_at_least(FEWEST)
    }

    /// The same, of customers who have at least so many such messages.
    pub(crate) fn summarise_at_least(&self, least: u64) -> Result<Summarised, Error> {
        self.check_changeable()?;
        let mut all = Summarised::default();
        for identifier in self.with_messages(least)? {
            let messages = self.summarise_one(&identifier, least)?;
            all.profiles += u64::from(messages > 0);
            all.messages += messages;
            self.relieve_if_over_budget()?;
        }
        Ok(all)
    }

    /// Lets profiles leave memory, if it has grown beyond its budget.
    pub(crate) fn relieve_if_over_budget(&self) -> Result<(), Error> {
        match self.upkeep.as_ref().filter(|upkeep| upkeep.is_over_budget()) {
            Some(upkeep) => upkeep.relieve(),
            None => Ok(()),
        }
    }

    /// What profiles of so many messages are stored under.
    pub(crate) fn with_messages(&self, least: u64) -> Result<BTreeSet<OwnedIdentifier>, Error> {
        let mut found = BTreeSet::new();
        if let Some(upkeep) = &self.upkeep {
            let on_disk = self.trusting(|| {
                let mut on_disk = Vec::new();
                upkeep.folder.ask(|live| {
                    live.for_each_profile(|key, record| {
                        let record = read_lead(record).map_or_else(|| ProfileRecord::read(record), |_| None);
                        if record.is_some_and(|record| u64::from(record.history.messages) >= least) {
                            on_disk.extend(Identifier::of_key(key).map(Identifier::to_owned));
                        }
                        Ok(())
                    })
                })?;
                Ok(on_disk)
            })?;
            found.extend(on_disk);
        }
        for shard in self.shards.iter() {
            let shard = shard.read();
            let of_shard = shard.profiles().map(|(_, profile)| profile);
            let many = of_shard.filter(|profile| u64::from(profile.history.next_place().0) >= least);
            found.extend(many.map(|profile| profile.key().to_owned()));
        }
        Ok(found)
    }

    /// Summarises one customer's messages; gives how many.
    fn summarise_one(&self, identifier: &OwnedIdentifier, least: u64) -> Result<u64, Error> {
        for _ in 0..MOST_TRIES {
            let now = self.now();
            let surroundings = self.surroundings(std::slice::from_ref(identifier), false, now)?;
            let _moving = self.upkeep.as_ref().map(|upkeep| upkeep.moving.read());
            let asking = Incoming::question("", now);
            let Some(mut concerned) = self.lock(&surroundings, &asking)? else { continue };
            let Some(place) = concerned.locked.find(identifier.borrowed()) else { return Ok(0) };
            let Some(shard) = concerned.locked.shard(place.shard as usize) else { return Ok(0) };
            let (mut messages, mut last, mut ids) = (0, 0, Vec::new());
            let due = shard.due_summaries(place.slot, least, now)?;
            if let (Some(upkeep), false) = (&self.upkeep, due.is_empty()) {
                upkeep.folder.expect_summaries()?;
            }
            for (entry, gone) in due {
                let record = |message: &PackedMessage| {
                    last = self.record(now, message)?;
                    Ok(last)
                };
                ids.push((entry.message_id.to_string(), entry.message.fingerprint()));
                let message = entry.pack();
                let arriving = Arriving { message, content: Content::Presence, now, limits: Limits::Passed };
                shard.apply(Recipient::Known(place.slot), arriving, &[], record)?;
                messages += gone;
            }
            let bytes = shard.profile(place.slot).bytes() as u64;
            // Nobody claims the id of a message while shards are held.
            drop(concerned);
            ids.iter().for_each(|(id, content)| self.messages.claim(id).accept(*content));
            if let Some(upkeep) = &self.upkeep {
                upkeep.folder.commit(last)?;
                // All of a history was read.
                upkeep.grew(bytes);
            }
            return Ok(messages);
        }
        Err(Error::new(
            ErrorKind::Busy,
            "who is who changes faster than messages can be summarised; try again",
        ))
    }
}
