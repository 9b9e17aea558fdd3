//! The messages of a log or a folder in the order in which they happened.
//!
//! Invariants:
//! 1. Messages are in the order of (time, message id), each id once.
//! 2. Of a log, the first message of an id counts: the same again is a duplicate, another is refused.

use ahash::{AHashMap, AHashSet};
use serde_json::{Map, Value as Json};

use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::database::Database;
use crate::db::diff::Intake;
use crate::model::message::{Message, MessageKind};
use crate::model::refusal::{Refusal, RefusalReason};
use crate::rules::exposures::{EXPOSURE, OFFERS, PERSONALIZATION, SAID};

/// Messages in the order of time.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    pub(super) happened: Vec<Happened>,
    pub(super) duplicates: u64,
    /// Messages that happened after the end.
    pub(super) later: u64,
    /// Summaries in the place of messages that are no longer kept: what they stand for is not heard.
    pub(super) summaries: u64,
    /// What is no message, or has the id of another one.
    pub(super) refused: Intake,
}

/// A message, and when it happened.
#[derive(Debug)]
pub(super) struct Happened {
    pub(super) time: Time,
    pub(super) message_id: String,
    pub(super) message: Message,
}

impl Timeline {
    /// What items of a log say, up to `until`.
    pub(super) fn of_messages(
        messages: impl IntoIterator<Item = Result<Message, Refusal>>,
        until: Option<Time>,
    ) -> Timeline {
        let mut timeline = Timeline::default();
        let mut known: AHashMap<String, u128> = AHashMap::new();
        let mut latest = None::<Time>;
        for (place, message) in messages.into_iter().enumerate() {
            let message = match message.and_then(|message| message.check().map(|()| message)) {
                Ok(message) => message,
                Err(refusal) => {
                    timeline.refused.refuse(refusal);
                    continue;
                }
            };
            let time = message.timestamp().or(latest).unwrap_or_default();
            latest = Some(latest.map_or(time, |latest| latest.max(time)));
            let message_id =
                message.message_id().map_or_else(|| format!("item-{:012}", place + 1), str::to_owned);
            let content = message.fingerprint();
            match known.insert(message_id.clone(), content) {
                None => timeline.add(Happened { time, message_id, message }, until),
                Some(first) if first == content => timeline.duplicates += 1,
                Some(first) => {
                    timeline.refused.refuse(conflict(&message_id));
                    known.insert(message_id, first);
                }
            }
        }
        timeline.sort();
        timeline
    }

    /// The messages that a database in memory holds, up to `until`, or to its own time.
    pub(super) fn of_database(database: &Database, until: Option<Time>) -> Result<Timeline, Error> {
        debug_assert!(database.upkeep.is_none(), "profiles on disk are not seen");
        let mut timeline = Timeline::default();
        let until = Some(until.unwrap_or_else(|| database.now()));
        for held in database.held.lock().iter() {
            let (time, message) = (held.incoming.time, held.incoming.message.clone());
            timeline.add(Happened { time, message_id: held.incoming.message_id.clone(), message }, until);
        }
        for shard in database.shards.iter() {
            for (_, profile) in shard.read().profiles() {
                for entry in profile.history.unpacked() {
                    let (time, message_id, message) = (entry.time, entry.message_id.into(), entry.message);
                    match *message.kind() {
                        MessageKind::Summary => timeline.summaries += 1,
                        _ => timeline.add(Happened { time, message_id, message }, until),
                    }
                }
            }
        }
        timeline.sort();
        Ok(timeline)
    }

    /// The personalizations of which something is recorded as shown.
    pub(super) fn exposed(&self) -> AHashSet<String> {
        let exposed = self.happened.iter().filter_map(|happened| happened.exposed());
        exposed.map(str::to_owned).collect()
    }

    fn add(&mut self, happened: Happened, until: Option<Time>) {
        match until {
            Some(until) if happened.time > until => self.later += 1,
            _ => self.happened.push(happened),
        }
    }

    fn sort(&mut self) {
        self.happened.sort_by(|a, b| (a.time, &a.message_id).cmp(&(b.time, &b.message_id)));
    }
}

impl Happened {
    /// The personalization that it says was shown, if it is an exposure.
    pub(super) fn exposed(&self) -> Option<&str> {
        let is_exposure = self.message.event() == Some(EXPOSURE);
        let name = self.message.properties().get(PERSONALIZATION).filter(|_| is_exposure)?;
        name.as_str()
    }

    /// The names of what an exposure says was shown.
    pub(super) fn shown(&self) -> Vec<String> {
        let offers = self.message.properties().get(OFFERS).and_then(Json::as_array);
        offers.into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
    }

    /// What the call said that an exposure tells of.
    pub(super) fn said(&self) -> Map<String, Json> {
        let said = self.message.properties().get(SAID).filter(|_| self.exposed().is_some());
        said.and_then(Json::as_object).cloned().unwrap_or_default()
    }

    /// The id that people know the customer by.
    pub(super) fn user(&self) -> &str {
        self.message.user_id().or(self.message.anonymous_id()).unwrap_or_default()
    }
}

fn conflict(message_id: &str) -> Refusal {
    let detail = "a message with this id and other content comes before it";
    Refusal::new(RefusalReason::Conflict, "messageId", detail).with_value(message_id)
}
