//! The way of a message: checked, not seen before, typed, put on record, applied.
//!
//! Nearly every message is of one profile and changes nothing of who is who: it is applied with that
//! profile's shard locked. One that may change who is who goes on in [`tied`](crate::db::tied). Which it
//! is may be known only once the profile is looked at, so the way begins again where it has to.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::base::error::Error;
use crate::base::time::{Duration, Time};
use crate::db::applied::{Applied, Transition};
use crate::db::changing::{self, catch_up};
use crate::db::crowds::counting::Passing;
use crate::db::database::Database;
use crate::db::durable::loading::Loaded;
use crate::db::subscribing::stream::Patience;
use crate::db::tied::{Concern, Surroundings, concern};
use crate::engine::program::Program;
use crate::engine::typed_message::{Content, Misfits};
use crate::facts::identity::ties::{Home, Ties};
use crate::model::identifier::{Identifier, OwnedIdentifier};
use crate::model::message::{Message, MessageKind};
use crate::model::refusal::{Refusal, RefusalReason};
use crate::rules::exposures::chosen_in;
use crate::store::crowds::Uncounted;
use crate::store::holds::{Held, Holder};
use crate::store::message_index::{Claim, Known};
use crate::store::packed_message::PackedMessage;
use crate::store::shard::{Arriving, Limits, Recipient};

/// How often what is on disk is made anew for one message, before giving up.
const MOST_MENDED: u32 = 3;
/// About how many bytes a message adds to its profile's state.
pub(crate) const STATE_BYTES: u64 = 200;

/// A message on its way.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    pub(crate) message: Message,
    pub(crate) message_id: String,
    /// The event time: the message's own, or the clock's where it has none.
    pub(crate) time: Time,
    /// The database's time.
    pub(crate) now: Time,
}

/// What of who is who a message needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// The profile of its home.
    Home,
    /// The customers that it names.
    Named,
    /// And all who ever had to do with them.
    Family,
}

/// What became of trying to apply a message.
#[derive(Clone, Debug)]
pub(crate) enum Attempt<T> {
    Done(T),
    /// Something changed meanwhile.
    Again,
    /// More has to be in memory.
    Needs(Needs),
}

/// What was brought to memory for a message.
pub(crate) enum Prepared {
    Home(Loaded),
    Customers(Surroundings),
}

/// Where a message of one profile goes.
pub(crate) enum Way<'a> {
    Here(Held<'a>, Recipient<'a>),
    /// It may change who is who.
    Identity,
    /// Something changed meanwhile.
    Again,
}

impl Database {
    /// Applies a message: when the call returns, every answer takes it into account, and every subscriber has
    /// been told, or is waited for if they want that ([`WhenFull`](crate::WhenFull)).
    ///
    /// # Errors
    /// If the message is refused; then nothing has changed, and the refusal says why.
    pub fn apply(&self, message: Message) -> Result<Applied, Refusal> {
        let applied = self.try_apply(message);
        self.reports.hand_on(Patience::Waits);
        if applied.is_err() {
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
        }
        applied
    }

    fn try_apply(&self, message: Message) -> Result<Applied, Refusal> {
        let shown = chosen_in(&message).map(|(personalization, offers)| {
            (personalization.to_owned(), offers.into_iter().map(str::to_owned).collect::<Vec<String>>())
        });
        let applied = self.take_in(message)?;
        if let Some((personalization, offers)) = shown.filter(|_| !applied.duplicate) {
            offers.iter().for_each(|offer| self.shards.exposed.add(&personalization, offer, 1));
        }
        Ok(applied)
    }

    /// Takes a message in, without counting what it says was shown.
    pub(crate) fn take_in(&self, message: Message) -> Result<Applied, Refusal> {
        if self.is_read_only {
            let detail = "the database is open for reading only: open it for writing";
            return Err(Refusal::new(RefusalReason::Storage, "", detail));
        }
        message.check()?;
        if *message.kind() == MessageKind::Summary {
            let detail = "a summary is made by the database that the messages came to, and by nobody else";
            return Err(Refusal::new(RefusalReason::Schema, "type", detail).with_value("summary"));
        }
        let now = self.time.now();
        // What was held back takes effect in the order of time; what is of the same instant counts together,
        // but whether an alias exceeds a limit hangs on all that is in effect.
        let at = message.timestamp().map_or(now, |time| time.min(now));
        let is_alias = matches!(message.kind(), MessageKind::Alias { .. });
        self.settle_held(if is_alias { now } else { at - Duration::from_millis(1) })?;
        let message_id = message.message_id().map_or_else(|| self.give_id(now), str::to_owned);
        let content_hash = message.fingerprint();
        let time = message.timestamp().unwrap_or(now);
        let incoming = Incoming { message, message_id, time, now };
        let (mut needs, mut mended) = (Needs::Home, 0);
        loop {
            // Nothing may wait for upkeep while it holds the claim, so what is needed is brought before.
            let program = self.shards.program();
            let rules = &program.definitions.identifiers;
            let home = Home::of(&incoming.message, rules).ok_or_else(nobody)?.identifier().to_owned();
            let ties = Ties::of(&incoming.message, rules);
            self.refuse_erased(&incoming, rules)?;
            let prepared = self.prepare(&home, ties.as_ref(), needs, now)?;
            let claim = self.messages.claim(&incoming.message_id);
            match self.known(&claim, content_hash) {
                Ok(Known::New) => {}
                Ok(Known::Same) => {
                    drop(claim);
                    return self.duplicate(incoming.message_id);
                }
                Ok(Known::Other) => return Err(conflict(incoming.message_id)),
                Err(error) if mended == MOST_MENDED => return Err(error.into()),
                Err(error) => {
                    drop(claim);
                    self.mend(error)?;
                    mended += 1;
                    continue;
                }
            }
            let attempt = match prepared {
                Prepared::Home(loaded) => {
                    let arriving = arriving(&program, &incoming, Misfits::Refuse);
                    match self.way(&program, home.borrowed(), ties.as_ref(), (time, now), loaded) {
                        Way::Here(shard, recipient) => {
                            // Again: an erasure holds the shards of whom it is about.
                            self.refuse_erased(&incoming, rules)?;
                            let record = |message: &PackedMessage| Ok(self.record(now, message)?);
                            let new = self.new_message(&program, home.borrowed(), arriving?);
                            let done = self.apply_to_one(&program, shard, recipient, new, record)?;
                            return self.accepted(claim, content_hash, incoming.message_id, now, done);
                        }
                        Way::Identity => Attempt::Needs(Needs::Named),
                        Way::Again => Attempt::Again,
                    }
                }
                Prepared::Customers(_) if time > now => Attempt::Done(self.hold(&program, &incoming)?),
                Prepared::Customers(surroundings) => {
                    self.apply_tied(&program, &home, &surroundings, &incoming)?
                }
            };
            match attempt {
                Attempt::Done(done) => {
                    return self.accepted(claim, content_hash, incoming.message_id, now, done);
                }
                Attempt::Again => {}
                Attempt::Needs(needed) => needs = needed,
            }
        }
    }

    /// Ends the way of a message that was put on record under a number, and what it changed.
    pub(crate) fn accepted(
        &self,
        claim: Claim<'_>,
        content_hash: u128,
        message_id: String,
        now: Time,
        (sequence, transitions): (u64, Vec<Transition>),
    ) -> Result<Applied, Refusal> {
        claim.accept(content_hash);
        if let Some(upkeep) = &self.upkeep {
            upkeep.folder.commit(sequence)?;
        }
        self.settle_held(now)?;
        Ok(Applied { message_id, duplicate: false, transitions })
    }

    /// Brings to memory what a message needs.
    pub(crate) fn prepare(
        &self,
        home: &OwnedIdentifier,
        ties: Option<&Ties>,
        needs: Needs,
        now: Time,
    ) -> Result<Prepared, Error> {
        if needs == Needs::Home {
            return Ok(Prepared::Home(self.load(home.borrowed(), now)?));
        }
        let others = ties.iter().flat_map(|ties| &ties.others);
        let named: Vec<OwnedIdentifier> = std::iter::once(home).chain(others).cloned().collect();
        Ok(Prepared::Customers(self.surroundings(&named, needs == Needs::Family, now)?))
    }

    /// Where a message goes under a program, as far as its home says; `times` are its own and the
    /// database's.
    pub(crate) fn way<'a>(
        &'a self,
        program: &Arc<Program>,
        home: Identifier<'a>,
        ties: Option<&Ties>,
        times: (Time, Time),
        loaded: Loaded,
    ) -> Way<'a> {
        let (shard, recipient) = match self.shards.write(home, Holder::Apply) {
            Some((shard, slot)) => match concern(Some(shard.profile(slot)), home, ties, times) {
                Concern::Itself => (shard, Recipient::Known(slot)),
                Concern::Identity => return Way::Identity,
            },
            None if concern(None, home, ties, times) == Concern::Identity => return Way::Identity,
            None => {
                let shard = self.shards.hold(self.shards.of(home), Holder::Apply);
                if !loaded.is_absent_from(home, &shard) {
                    return Way::Again;
                }
                (shard, Recipient::New(home))
            }
        };
        match Arc::ptr_eq(&shard.program, program) {
            true => Way::Here(shard, recipient),
            false => Way::Again,
        }
    }

    /// Applies a message to one profile of a locked shard; `record` puts it on record. A new one comes with what
    /// it says of crowds. Gives its number and what it changed.
    pub(crate) fn apply_to_one(
        &self,
        program: &Program,
        mut shard: Held<'_>,
        recipient: Recipient<'_>,
        (arriving, uncounted): (Arriving, Option<Uncounted>),
        record: impl FnOnce(&PackedMessage) -> Result<u64, Refusal>,
    ) -> Result<(u64, Vec<Transition>), Refusal> {
        let passing = self.let_pass(uncounted, &arriving);
        let bytes = arriving.message.bytes() as u64;
        let waiting = self.waiting_for(program, recipient);
        if let Recipient::Known(slot) = recipient {
            catch_up(&mut shard, slot, &self.reports)?;
        }
        let (slot, transitions) =
            changing::apply(&mut shard, recipient, arriving, &waiting, record, &self.reports)?;
        shard.renew(slot);
        self.forget_held(&waiting);
        let sequence = shard.profile(slot).sequence;
        let passed = passing.and_then(|passing| self.who_counts(passing, &mut shard, slot));
        drop(shard);
        passed.iter().for_each(Passing::count);
        drop(passed);
        if let Some(upkeep) = &self.upkeep {
            upkeep.grew(bytes + STATE_BYTES);
        }
        Ok((sequence, transitions))
    }

    /// Puts an accepted message on record; gives its number.
    pub(crate) fn record(&self, now: Time, message: &PackedMessage) -> Result<u64, Error> {
        self.upkeep.as_ref().map_or(Ok(0), |upkeep| upkeep.folder.record(now, message))
    }

    /// What is known of a message that says `content`.
    pub(crate) fn known(&self, claim: &Claim<'_>, content: u128) -> Result<Known, Error> {
        Ok(Known::of(claim.content().or(self.content_on_disk(claim)?), content))
    }

    /// The content under which a message of the claimed id is on disk.
    pub(crate) fn content_on_disk(&self, claim: &Claim<'_>) -> Result<Option<u128>, Error> {
        let Some(upkeep) = &self.upkeep else { return Ok(None) };
        upkeep.folder.content_of(claim.id())
    }

    /// A message that was accepted before: whoever brings it again is told the same of it as who brought
    /// it first, so everything accepted so far has to be as safe as the durability asks.
    fn duplicate(&self, message_id: String) -> Result<Applied, Refusal> {
        if let Some(upkeep) = &self.upkeep {
            upkeep.folder.commit(upkeep.folder.journal.last().0)?;
        }
        self.counts.duplicates.fetch_add(1, Ordering::Relaxed);
        Ok(Applied { message_id, duplicate: true, transitions: Vec::new() })
    }

    /// An id that no other message of this database was given.
    pub(crate) fn give_id(&self, now: Time) -> String {
        let number = self.counts.given_ids.fetch_add(1, Ordering::Relaxed);
        let chance = self.hasher.hash_one((now.millis(), number));
        format!("habitue-{:012x}-{number:08x}-{chance:016x}", now.millis())
    }
}

/// A message in the terms of a catalog, if it may come in.
pub(crate) fn arriving(
    program: &Program,
    &Incoming { ref message, ref message_id, time, now }: &Incoming,
    misfits: Misfits,
) -> Result<Arriving, Refusal> {
    let definitions = &program.definitions;
    if misfits == Misfits::Refuse && time > now + definitions.max_skew {
        let detail = format!(
            "it is later than the clock ({now}) by more than the {} that the catalog allows",
            definitions.max_skew
        );
        return Err(Refusal::new(RefusalReason::Skew, "timestamp", detail).with_value(time.to_string()));
    }
    let content = match message.kind() {
        // It is taken in by whom it is about, once the messages that it stands for are gone.
        MessageKind::Summary => Content::Presence,
        _ => match Content::of(message, definitions, misfits) {
            // It was accepted, so what does not fit by now is left out.
            Err(_) if misfits == Misfits::LeaveOut => Content::Presence,
            content => content?,
        },
    };
    let limits = if misfits == Misfits::Refuse { Limits::Checked } else { Limits::Passed };
    let message = PackedMessage::of(time, message_id, message);
    Ok(Arriving { message, content, now, limits })
}

pub(crate) fn nobody() -> Refusal {
    let detail = "the ids of this message are among those that the catalog says identify nobody";
    Refusal::new(RefusalReason::Blocked, "userId", detail)
}

pub(crate) fn conflict(message_id: String) -> Refusal {
    let detail = "a message with this id and other content was accepted before";
    Refusal::new(RefusalReason::Conflict, "messageId", detail).with_value(message_id)
}
