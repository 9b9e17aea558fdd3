//! Messages that are on record already: those that the journal holds at opening, and those that were held
//! until their time.

use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::applying::{Attempt, Incoming, Needs, Prepared, Way, arriving};
use crate::db::database::Database;
use crate::db::held::Heldback;
use crate::db::tied::Surroundings;
use crate::engine::typed_message::Misfits;
use crate::facts::identity::ties::{Home, Ties};
use crate::model::message::Message;
use crate::store::packed_message::PackedMessage;
use crate::store::shard::Recipient;

/// Where a recorded message comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The journal, in its order.
    Journal,
    /// It was held back until now.
    Held,
}

impl Database {
    /// Applies a message that the journal holds, unless its profile knows it already.
    pub(crate) fn replay_message(
        &self,
        sequence: u64,
        now: Time,
        time: Time,
        message_id: &str,
        json: &str,
    ) -> Result<(), Error> {
        self.time.reach(now);
        self.settle_held(now)?;
        let message = Message::parse(json)?;
        let content_hash = message.fingerprint();
        let claim = self.messages.claim(message_id);
        match self.content_on_disk(&claim)? {
            None => claim.accept(content_hash),
            // Loading the profile may wait for upkeep, which waits for every claim.
            Some(_) => drop(claim),
        }
        let incoming = Incoming { message, message_id: message_id.to_owned(), time, now };
        self.apply_recorded(sequence, incoming, Origin::Journal)?;
        self.upkeep.as_ref().map_or(
            Ok(()),
            |upkeep| {
                if upkeep.is_over_budget() { upkeep.relieve() } else { Ok(()) }
            },
        )
    }

    /// Applies a message that is on record under a number, unless the profiles concerned know it already.
    pub(crate) fn apply_recorded(
        &self,
        sequence: u64,
        incoming: Incoming,
        origin: Origin,
    ) -> Result<(), Error> {
        let mut needs = if origin == Origin::Held { Needs::Named } else { Needs::Home };
        let now = incoming.now;
        loop {
            let program = self.shards.program();
            let rules = &program.definitions.identifiers;
            let home = Home::of_accepted(&incoming.message, rules).identifier().to_owned();
            let ties = Ties::of(&incoming.message, rules);
            match self.prepare(&home, ties.as_ref(), needs, now)? {
                Prepared::Home(loaded) => {
                    let times = (incoming.time, now);
                    match self.way(&program, home.borrowed(), ties.as_ref(), times, loaded) {
                        Way::Here(shard, Recipient::Known(slot))
                            if shard.profile(slot).sequence >= sequence =>
                        {
                            return Ok(());
                        }
                        Way::Here(shard, recipient) => {
                            let arriving = arriving(&program, &incoming, Misfits::LeaveOut)?;
                            let record = |_: &PackedMessage| Ok(sequence);
                            self.apply_to_one(&program, shard, recipient, (arriving, None), record)?;
                            return Ok(());
                        }
                        Way::Identity => needs = Needs::Named,
                        Way::Again => {}
                    }
                }
                Prepared::Customers(_) if incoming.time > now => {
                    self.hold_back(Heldback { sequence, incoming });
                    return Ok(());
                }
                Prepared::Customers(surroundings) => {
                    match self.replay_tied(sequence, &surroundings, &incoming, origin)? {
                        Attempt::Done(()) => return Ok(()),
                        Attempt::Again => {}
                        Attempt::Needs(needed) => needs = needed,
                    }
                }
            }
        }
    }

    /// Applies a recorded message that ties identifiers.
    fn replay_tied(
        &self,
        sequence: u64,
        surroundings: &Surroundings,
        incoming: &Incoming,
        origin: Origin,
    ) -> Result<Attempt<()>, Error> {
        let _moving = self.upkeep.as_ref().map(|upkeep| upkeep.moving.read());
        let Some(mut concerned) = self.lock(surroundings, incoming)? else { return Ok(Attempt::Again) };
        let is_known = concerned.have(&incoming.message_id);
        let knows = concerned.know(sequence);
        match origin {
            // Of a message that was held back the number says nothing: profiles know later ones without it.
            Origin::Held if is_known => return Ok(Attempt::Done(())),
            Origin::Journal if knows.all => return Ok(Attempt::Done(())),
            // A crash left customers of both ages.
            Origin::Journal if knows.some && !surroundings.is_family => {
                return Ok(Attempt::Needs(Needs::Family));
            }
            Origin::Held | Origin::Journal => {}
        }
        let program = concerned.locked.program();
        let rules = &program.definitions.identifiers;
        let Some(planned) = self.plan(&concerned, incoming.heard(), rules) else {
            return Ok(Attempt::Needs(Needs::Family));
        };
        self.carry_out(&mut concerned, planned.plan, &incoming.cause(), incoming.now, sequence);
        if !is_known {
            let arriving = arriving(&program, incoming, Misfits::LeaveOut)?;
            concerned.apply(planned.recipient.as_ref(), arriving, sequence, &self.reports)?;
        }
        Ok(Attempt::Done(()))
    }
}
