//! Who entered and left which segment in the past, told anew.
//!
//! Nothing is kept for it. Of each customer the messages that are kept are heard again, in the order of time,
//! by the program in force. So it is what the catalog would have told, had it been there from the start and had
//! every message come at its own time; what was reported as it happened may differ.

use std::ops::RangeBounds;

use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::applied::Transition;
use crate::db::changing::name_turns;
use crate::db::database::{Database, Writing};
use crate::db::everybody::CustomerId;
use crate::engine::summary::told_since::Gone;
use crate::model::identifier::{Identifier, OwnedIdentifier};
use crate::store::shard::Turns;

/// What of one customer is told.
struct Retold {
    transitions: Vec<Transition>,
    /// Whether there would be more to tell, had all messages been kept.
    is_shortened: bool,
}

impl Database {
    /// Tells who entered and left which segment in a span of time, up to now: of each customer in the order of
    /// time, and at one instant in that of the catalog. Users come first, in the order of their ids, also those of
    /// whom there is nothing to tell. Returns of how many customers a part of the past is gone, because summaries
    /// have taken the place of messages: of these, a segment is told of from where it can be.
    ///
    /// It is what the catalog in force makes of the messages as they are known today: each counts at its own
    /// time, whenever it came, with the consent there is now, and for whom it belongs to now. A membership that
    /// began before the span is told when it ends.
    ///
    /// ```
    /// use habitue::{Catalog, Cause, Database, Message, Time};
    ///
    /// let database = Database::in_memory(Catalog::from_toml(r#"
    ///     schema = 1
    ///     [events.View]
    ///     [segments]
    ///     keen = 'events("View").within("7d").exists()'
    /// "#)?);
    /// let january = Time::parse("2026-01-01T00:00:00Z")?..Time::parse("2026-02-01T00:00:00Z")?;
    /// database.apply(Message::track("ana", "View").with_id("m1").with_timestamp(january.start))?;
    /// let mut told = Vec::new();
    /// database.past_transitions(january, |_, transitions| {
    ///     let said = |told: habitue::Transition| (told.entered, told.at.to_string(), told.cause);
    ///     told.extend(transitions.into_iter().map(said));
    ///     Ok::<(), habitue::Error>(())
    /// })?;
    /// assert_eq!(told, [
    ///     (true, "2026-01-01T00:00:00Z".to_owned(), Cause::Message("m1".into())),
    ///     (false, "2026-01-08T00:00:00Z".to_owned(), Cause::Time),
    /// ]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// It takes the time of making everybody anew, and the memory of one customer's messages and transitions at
    /// a time, beside some 100 bytes for each id. Messages are taken and questions answered meanwhile; each
    /// customer is told of as of one instant. Nothing is locked while `tell` runs.
    ///
    /// # Errors
    /// If a history cannot be read from disk, or as `tell` fails.
    pub fn past_transitions<E: From<Error>>(
        &self,
        span: impl RangeBounds<Time>,
        mut tell: impl FnMut(&CustomerId, Vec<Transition>) -> Result<(), E>,
    ) -> Result<u64, E> {
        let mut shortened = 0;
        for (id, stored_under) in self.everybody()? {
            let identifier = stored_under.as_ref().map_or(id.identifier(), OwnedIdentifier::borrowed);
            // Erased meanwhile, or part of another customer.
            let Some(retold) = self.retold(identifier, &span)? else { continue };
            shortened += u64::from(retold.is_shortened);
            tell(&id, retold.transitions)?;
            self.relieve_if_over_budget()?;
        }
        Ok(shortened)
    }

    fn retold(
        &self,
        identifier: Identifier<'_>,
        span: &impl RangeBounds<Time>,
    ) -> Result<Option<Retold>, Error> {
        let now = self.now();
        let Some(Writing { mut shard, place }) = self.write_one(identifier, now)? else { return Ok(None) };
        shard.complete(place)?;
        let (cell, Turns { profile, mut turns }) = shard.retold(place, now);
        let summaries = shard.profile(place).history.iter().filter(|(_, packed)| packed.is_summary);
        let until = summaries.map(|(stamp, _)| stamp.time).max();
        if let Some(until) = until {
            let gone = Gone::new(&shard.program.definitions, until, cell.customer.lacking());
            turns.retain(|turn| gone.told_since(turn.segment).is_none_or(|since| turn.at > since));
        }
        turns.retain(|turn| span.contains(&turn.at));
        let transitions = name_turns(&shard.program, &shard, &Turns { profile, turns });
        Ok(Some(Retold { transitions, is_shortened: until.is_some() }))
    }
}
