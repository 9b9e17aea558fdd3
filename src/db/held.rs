//! Messages of the future that say who is who, or begin a profile: accepted, on record, and not in effect.
//!
//! Other messages of the future wait in the cell of their profile. Of these nobody can say yet whose they
//! will be, so they wait here, and take effect, one after the other, before the first call at or after
//! their time does anything else. Checkpoints name them.

use std::sync::atomic::Ordering;

use crate::base::error::Error;
use crate::base::time::Time;
use crate::db::applied::Transition;
use crate::db::applying::{Incoming, arriving};
use crate::db::crowds::counting::Passing;
use crate::db::database::Database;
use crate::db::replaying::Origin;
use crate::db::subscribing::stream::Patience;
use crate::engine::program::Program;
use crate::engine::typed_message::Misfits;
use crate::facts::identity::ties::{Home, Ties};
use crate::model::refusal::Refusal;
use crate::store::shard::{Arriving, Recipient};

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct Heldback {
    pub(crate) sequence: u64,
    pub(crate) incoming: Incoming,
}

impl Database {
    /// Accepts a message of the future, which ties nothing before its time. Gives its number.
    ///
    /// # Errors
    /// If the message is refused.
    pub(crate) fn hold(
        &self,
        program: &Program,
        incoming: &Incoming,
    ) -> Result<(u64, Vec<Transition>), Refusal> {
        let arriving = arriving(program, incoming, Misfits::Refuse)?;
        let rules = &program.definitions.identifiers;
        let home = Home::of_accepted(&incoming.message, rules);
        let (arriving, uncounted) = self.new_message(program, home.identifier(), arriving);
        // The checkpoint that names the record names the message, or comes before both.
        let mut held = self.held.lock();
        let passing = self.let_pass(uncounted, &arriving);
        self.refuse_erased(incoming, rules)?;
        let sequence = self.record(incoming.now, &arriving.message)?;
        held.push(Heldback { sequence, incoming: incoming.clone() });
        // Of nobody's profile yet: nothing is granted.
        let needs_nothing = |passing: &Passing<'_>| passing.needs_nothing(&program.definitions);
        passing.filter(needs_nothing).iter().for_each(Passing::count);
        self.held_until.fetch_min(incoming.time.millis(), Ordering::SeqCst);
        Ok((sequence, Vec::new()))
    }

    /// Holds back a message that is on record.
    pub(crate) fn hold_back(&self, message: Heldback) {
        let time = message.incoming.time.millis();
        let mut held = self.held.lock();
        if held.iter().all(|known| known.incoming.message_id != message.incoming.message_id) {
            held.push(message);
        }
        self.held_until.fetch_min(time, Ordering::SeqCst);
    }

    /// The messages of the future of somebody who begins now, which only waited for that.
    pub(crate) fn waiting_for(&self, program: &Program, recipient: Recipient<'_>) -> Vec<Arriving> {
        let Recipient::New(home) = recipient else { return Vec::new() };
        let rules = &program.definitions.identifiers;
        let is_of = |held: &&Heldback| {
            let message = &held.incoming.message;
            Ties::of(message, rules).is_none() && Home::of_accepted(message, rules).identifier() == home
        };
        let held = self.held.lock();
        let arriving = |held: &Heldback| arriving(program, &held.incoming, Misfits::LeaveOut).ok();
        held.iter().filter(is_of).filter_map(arriving).collect()
    }

    /// Forgets what a profile has now.
    pub(crate) fn forget_held(&self, waiting: &[Arriving]) {
        if !waiting.is_empty() {
            let is_here = |held: &Heldback| {
                waiting.iter().any(|waiting| waiting.message.message_id() == held.incoming.message_id)
            };
            self.held.lock().retain(|held| !is_here(held));
        }
    }

    /// Lets those that were held back take effect whose time has come.
    ///
    /// # Errors
    /// If a profile cannot be read; then they are tried again.
    pub(crate) fn settle_held(&self, now: Time) -> Result<(), Error> {
        if self.held_until.load(Ordering::SeqCst) > now.millis() {
            return Ok(());
        }
        let settled = self.settle_all_held(now);
        self.reports.hand_on(Patience::Never);
        settled
    }

    fn settle_all_held(&self, now: Time) -> Result<(), Error> {
        // One at a time, and in their order.
        let _settling = self.settling.lock();
        let (mut open_instant, mut at) = (None, Time::BEFORE_ALL);
        loop {
            let earliest = {
                let held = self.held.lock();
                let key = |held: &Heldback| (held.incoming.time, held.incoming.message_id.clone());
                let earliest = held.iter().min_by_key(|held| key(held)).cloned();
                let until = earliest.as_ref().map_or(Time::NEVER, |held| held.incoming.time);
                self.held_until.store(until.millis(), Ordering::SeqCst);
                match earliest.filter(|held| held.incoming.time <= now) {
                    None => return Ok(()),
                    Some(earliest) => earliest,
                }
            };
            let Heldback { sequence, incoming } = earliest;
            let message_id = incoming.message_id.clone();
            if incoming.time > at {
                at = incoming.time;
                drop(open_instant.take());
            }
            open_instant.get_or_insert_with(|| self.reports.open_instant());
            self.apply_recorded(sequence, Incoming { now: incoming.time, ..incoming }, Origin::Held)?;
            self.held.lock().retain(|held| held.incoming.message_id != message_id);
        }
    }
}
