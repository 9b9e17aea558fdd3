//! What consent asks of a profile's past, which may be in the archive only.

use crate::base::error::Error;
use crate::base::time::Time;
use crate::engine::consents::{Told as _, are_granted, heard_event_counts};
use crate::engine::retelling::heard_until;
use crate::engine::step::Step;
use crate::engine::typed_message::{Content, TypedMessage};
use crate::facts::stamp::Stamp;
use crate::facts::units::Nobody;
use crate::model::ids::EventId;
use crate::store::profile::Profile;
use crate::store::shard::Shard;

impl Shard {
    /// Whether a message with words on purposes will have messages told anew, now or later, that are in the
    /// archive only.
    pub(super) fn needs_the_past(&mut self, place: u32, time: Time, content: &Content, now: Time) -> bool {
        let Shard { program, slots, scratch, .. } = self;
        let Some(profile) = slots.get_mut(place) else { return false };
        let Profile { body, history, .. } = profile;
        if history.is_whole() || content.consents().is_empty() {
            return false;
        }
        let stamp = Stamp { time, place: history.next_place() };
        let message = TypedMessage { stamp, content: content.clone() };
        let (cell, mut turns) = (body.cell(program), Vec::new());
        let step = Step { program, past: history, identity: &Nobody, scratch, turns: &mut turns };
        step.needs_the_past(cell, &message, now)
    }

    /// The same for whoever counts over all customers: an event that needs nothing counts, and one of the future
    /// if what it needs is granted now.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn counts_in_crowds(
        &mut self,
        place: u32,
        message: (&str, EventId),
        time: Time,
        now: Time,
    ) -> Result<bool, Error> {
        let Shard { program, slots, .. } = self;
        let purposes = &program.definitions.purposes;
        let needed = purposes.of_event(Some(message.1));
        if needed.is_empty() {
            return Ok(true);
        }
        if time > now {
            return Ok(are_granted(slots.taken(place).body.cell(program), purposes, needed));
        }
        self.counts_event(place, message, now)
    }

    /// Whether the event of an accepted message counts at `now`, to which the profile was brought.
    ///
    /// # Errors
    /// If the archive cannot be read.
    pub(crate) fn counts_event(
        &mut self,
        place: u32,
        (message_id, event): (&str, EventId),
        now: Time,
    ) -> Result<bool, Error> {
        let Shard { program, slots, .. } = self;
        let profile = slots.taken(place);
        if let Some(stamp) = profile.history.stamp_of(message_id) {
            let (cell, purposes) = (profile.body.cell(program), &program.definitions.purposes);
            if let Some(counts) = heard_event_counts(cell, (stamp, event), purposes) {
                return Ok(counts);
            }
        }
        self.complete(place)?;
        let (definitions, history) = (&self.program.definitions, &self.profile(place).history);
        let is_it = |message: &TypedMessage| history.message_id(message.stamp.place) == Some(message_id);
        let (heard, _) = heard_until(now, history.told(definitions), &definitions.purposes);
        Ok(heard.iter().any(|message| is_it(message) && matches!(message.content, Content::Event { .. })))
    }
}
