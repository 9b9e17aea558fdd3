//! The way of a new message into what is counted over all customers, beside its way into a profile.

use crate::base::time::Time;
use crate::db::database::Database;
use crate::engine::program::Program;
use crate::model::identifier::{Identifier, OwnedIdentifier};
use crate::rules::definitions::Definitions;
use crate::store::crowds::{Passage, Uncounted};
use crate::store::shard::{Arriving, Shard};
use crate::store::shards::Locked;

/// A message that is being put on record and counted.
pub(crate) struct Passing<'a> {
    _passage: Passage<'a>,
    uncounted: Uncounted,
    message_id: Box<str>,
    now: Time,
}

impl Database {
    /// A new message of `home`, with what it says of crowds.
    pub(crate) fn new_message(
        &self,
        program: &Program,
        home: Identifier<'_>,
        arriving: Arriving,
    ) -> (Arriving, Option<Uncounted>) {
        let Arriving { message, content, .. } = &arriving;
        let uncounted = self.crowds.uncounted(&program.definitions, home, content, message.time);
        (arriving, uncounted)
    }

    /// Lets a message pass that goes on record now, if it is to be counted.
    pub(crate) fn let_pass(&self, uncounted: Option<Uncounted>, arriving: &Arriving) -> Option<Passing<'_>> {
        uncounted.map(|uncounted| Passing {
            _passage: self.crowds.pass(),
            uncounted,
            message_id: arriving.message.message_id().into(),
            now: arriving.now,
        })
    }

    /// The message that is now in the profile in a slot, if its customer lets it be counted.
    pub(crate) fn who_counts<'a>(
        &self,
        passing: Passing<'a>,
        shard: &mut Shard,
        slot: u32,
    ) -> Option<Passing<'a>> {
        let Passing { uncounted, message_id, now, .. } = &passing;
        let counts = shard.counts_in_crowds(slot, (message_id, uncounted.event), uncounted.time, *now);
        match counts {
            Ok(counts) => counts.then_some(passing),
            Err(_) => {
                // The files that cannot be read are made anew, and then everything is counted again.
                self.crowds.begin_again();
                self.begin_recounting();
                None
            }
        }
    }

    /// The same of the customer whom an identifier leads to, among those locked.
    pub(crate) fn who_counts_among<'a>(
        &self,
        passing: Passing<'a>,
        locked: &mut Locked<'_>,
        home: &OwnedIdentifier,
    ) -> Option<Passing<'a>> {
        let place = locked.find(home.borrowed())?;
        let shard = locked.shard(place.shard as usize)?;
        self.who_counts(passing, shard, place.slot)
    }
}

impl Passing<'_> {
    /// Counts the message.
    pub(crate) fn count(&self) {
        self.uncounted.count();
    }

    /// Whether it counts without anybody's consent.
    pub(crate) fn needs_nothing(&self, definitions: &Definitions) -> bool {
        definitions.purposes.of_event(Some(self.uncounted.event)).is_empty()
    }
}
