//! A database that hears the messages of a timeline under one catalog.

use std::sync::Arc;

use super::timeline::Happened;
use crate::base::clock::{Clock, ManualClock};
use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::calling::decide_in;
use crate::db::catalog::Catalog;
use crate::db::database::{Database, Writing};
use crate::db::diff::Intake;
use crate::db::recording::exposure;
use crate::engine::called::Called;
use crate::engine::decision::Decision;
use crate::engine::program::Program;
use crate::facts::identity::ties::Home;
use crate::model::call::Call;
use crate::model::identifier::{Identifier, OwnedIdentifier};
use crate::model::ids::{EventId, PersonalizationId};
use crate::model::message::Message;
use crate::rules::at_call::AlreadyShown;

/// How messages come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hearing {
    /// As new ones, which the catalog may refuse.
    New,
    /// As accepted before: what of them does not fit the catalog is left out.
    Accepted,
}

/// A database under one catalog.
pub(super) struct Side {
    database: Database,
    clock: ManualClock,
    program: Arc<Program>,
    hearing: Hearing,
    /// The number of the message heard last.
    sequence: u64,
    pub(super) intake: Intake,
}

impl Side {
    pub(super) fn new(catalog: Catalog, hearing: Hearing) -> Side {
        let clock = ManualClock::new(Time::MIN);
        let database = Database::in_memory_with_clock(catalog, Clock::Manual(clock.clone()));
        let program = database.shards.program();
        Side { database, clock, program, hearing, sequence: 0, intake: Intake::default() }
    }

    /// Lets time pass.
    pub(super) fn reach(&mut self, time: Time) {
        self.clock.set(time);
    }

    /// Takes a message; says whether it was accepted.
    pub(super) fn hear(&mut self, happened: &Happened) -> Result<bool, Error> {
        let Happened { time, message_id, message } = happened;
        let heard = match self.hearing {
            Hearing::New => self.database.apply(named(message, message_id, *time)).map(drop),
            Hearing::Accepted => {
                self.sequence += 1;
                let text = message.json_text();
                self.database.replay_message(self.sequence, *time, *time, message_id, &text)?;
                Ok(())
            }
        };
        // Nobody here asks who entered which segment when.
        drop(self.database.take_transitions());
        match heard {
            Ok(()) => {
                self.intake.messages += 1;
                Ok(true)
            }
            Err(refusal) => {
                self.intake.refuse(refusal);
                Ok(false)
            }
        }
    }

    /// Puts a decision on record as shown.
    pub(super) fn expose(&mut self, happened: &Happened, decision: &Decision) -> Result<(), Error> {
        let home = Home::of_accepted(&happened.message, &self.program.definitions.identifiers);
        let Some(message) = exposure(home.identifier(), decision, happened.said()) else { return Ok(()) };
        let is_replaced = happened.exposed().is_some();
        let message_id = match is_replaced {
            true => happened.message_id.clone(),
            false => format!("{}/{}", happened.message_id, decision.personalization),
        };
        self.hear(&Happened { time: happened.time, message_id, message }).map(drop)
    }

    /// Takes a message; gives the decisions that it triggers.
    pub(super) fn hear_and_decide(&mut self, happened: &Happened) -> Result<Vec<Arc<Decision>>, Error> {
        if self.hear(happened)? { self.triggered(happened) } else { Ok(Vec::new()) }
    }

    fn triggered(&self, happened: &Happened) -> Result<Vec<Arc<Decision>>, Error> {
        let Some(event) = happened.message.event() else { return Ok(Vec::new()) };
        let number = self.program.definitions.event_names.get(event);
        if !number.is_some_and(|number| self.program.is_trigger(EventId(number))) {
            return Ok(Vec::new());
        }
        let decided = self.database.decide_triggered(&happened.message, &happened.message_id)?;
        Ok(decided.into_iter().map(|decided| decided.decision).collect())
    }

    /// What the customer whom a message is about is shown, if the catalog has the personalization.
    pub(super) fn decide(&self, happened: &Happened, name: &str) -> Result<Option<Arc<Decision>>, Error> {
        let Some(number) = self.program.definitions.personalization_names.get(name) else {
            return Ok(None);
        };
        let personalization = PersonalizationId(number);
        let now = self.database.now();
        let home = Home::of_accepted(&happened.message, &self.program.definitions.identifiers);
        let call = self.call(happened);
        let called = Called::of(&call, &self.program.definitions)?;
        let definition = &self.program.definitions.personalizations[personalization.index()];
        let decided = match self.database.write_one(home.identifier(), now)? {
            Some(Writing { mut shard, place }) => {
                let beside = (&called, &mut AlreadyShown::default());
                decide_in(&mut shard, place, personalization, now, beside)
            }
            None if called.says_nothing_to(definition) => {
                self.database.unknown_decision(&self.program, personalization, now)
            }
            None => self.database.decide_with(home.identifier().text, name, &call)?,
        };
        Ok(Some(decided.decision))
    }

    /// What the call said that an exposure tells of, as far as it fits this catalog.
    fn call(&self, happened: &Happened) -> Call {
        let fits = |call: &Call| Called::of(call, &self.program.definitions).is_ok();
        happened.said().into_iter().fold(Call::new(), |call, (name, value)| {
            let more = call.clone().with(name, value);
            if fits(&more) { more } else { call }
        })
    }

    /// Whom a message is about.
    pub(super) fn home(&self, happened: &Happened) -> OwnedIdentifier {
        let rules = &self.program.definitions.identifiers;
        Home::of_accepted(&happened.message, rules).identifier().to_owned()
    }

    /// The profile that an identifier leads to in the end, by the identifier it is stored under.
    pub(super) fn survivor(&self, identifier: Identifier<'_>) -> Result<OwnedIdentifier, Error> {
        let found = self.database.write_one(identifier, self.database.now())?;
        Ok(found.map_or_else(
            || identifier.to_owned(),
            |Writing { shard, place }| shard.profile(place).key().to_owned(),
        ))
    }

    /// What the catalog means.
    pub(super) fn program(&self) -> &Program {
        &self.program
    }
}

/// A message with the id and the time that it has here.
fn named(message: &Message, message_id: &str, time: Time) -> Message {
    message.clone().with_id(message_id).with_timestamp(time)
}
