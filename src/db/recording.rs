//! Deciding and putting on record what was decided, in one step.
//!
//! The profile stays locked from the decision to the end of the exposure that tells of it, so nobody decides
//! between the two: what is capped is not shown once more than the cap allows, however many ask at once.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use crate::base::error::{Error, ErrorKind};
use crate::base::time::Time;
use crate::db::applied::Applied;
use crate::db::applying::{Incoming, arriving};
use crate::db::calling::{decide_in, resolve_placement};
use crate::db::database::{Database, Writing};
use crate::db::questions::resolve_personalization;
use crate::db::subscribing::stream::Patience;
use crate::db::tied::{Concern, concern};
use crate::engine::called::Called;
use crate::engine::decide::offers_of;
use crate::engine::decision::{Decided, Decision, Reason};
use crate::engine::typed_message::Misfits;
use crate::model::call::Call;
use crate::model::identifier::{Identifier, IdentifierKind, OwnedIdentifier};
use crate::model::message::Message;
use crate::model::refusal::Refusal;
use crate::rules::at_call::AlreadyShown;
use crate::rules::exposures::{EXPOSURE, NothingLeft, OFFERS, PERSONALIZATION, REASON, SAID, VARIANTS};
use crate::store::holds::Holder;
use crate::store::packed_message::PackedMessage;
use crate::store::shard::Recipient;

/// A decision, and the message that tells of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// What to show.
    pub decided: Decided,
    /// The exposure, if there was one: nothing of somebody unknown, or if there is nothing to show.
    pub exposure: Option<Applied>,
}

impl Database {
    /// What to show the customer `id`, put on record as shown: the decision, and an event `$exposure` of it,
    /// in one step. Caps count exposures, so one is not exceeded however many threads ask.
    ///
    /// The exposure is a message like any other; that it is shown is taken for granted. Of somebody of whom no
    /// message was applied yet, nothing is recorded.
    ///
    /// ```
    /// use habitue::{Catalog, Database, Message};
    /// let database = Database::in_memory(Catalog::from_toml(r#"
    ///     schema = 1
    ///     [personalizations.home]
    ///     fallback = { name = "plain" }
    ///     [[personalizations.home.offers]]
    ///     name = "sale"
    ///     cap = { most = 1, within = "7d" }
    /// "#)?);
    /// database.apply(Message::identify("ana"))?;
    /// assert_eq!(database.decide_and_record("ana", "home")?.decided.decision.name(), Some("sale"));
    /// assert_eq!(database.decide_and_record("ana", "home")?.decided.decision.name(), Some("plain"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the catalog has no such personalization, or the exposure is refused; then nothing has changed.
    pub fn decide_and_record(&self, id: &str, personalization: &str) -> Result<Recorded, Error> {
        self.decide_and_record_with(id, personalization, &Call::new())
    }

    /// The same for a call that says more than who asks, as [`Database::decide_with`].
    ///
    /// # Errors
    /// As of both.
    pub fn decide_and_record_with(
        &self,
        id: &str,
        personalization: &str,
        call: &Call,
    ) -> Result<Recorded, Error> {
        let recorded = self.try_record(id, personalization, call, &mut AlreadyShown::default());
        self.reports.hand_on(Patience::Waits);
        recorded
    }

    /// What to show the customer `id` in a placement, as [`Database::decide_placement`], each decision put on
    /// record before the next is made: so a cap that they share is not exceeded either.
    ///
    /// # Errors
    /// As of both; what was recorded before the error stays.
    pub fn decide_and_record_placement(
        &self,
        id: &str,
        placement: &str,
        call: &Call,
    ) -> Result<Vec<Recorded>, Error> {
        let program = self.shards.program();
        let definition = resolve_placement(&program, placement)?;
        let mut already = AlreadyShown::nothing_of(definition.most);
        let names = &program.definitions.personalization_names;
        let each = definition.personalizations.iter().map(|id| names.name(id.0));
        let recorded = each.map(|name| self.try_record(id, name, call, &mut already)).collect();
        self.reports.hand_on(Patience::Waits);
        recorded
    }

    fn try_record(
        &self,
        id: &str,
        personalization: &str,
        call: &Call,
        already: &mut AlreadyShown,
    ) -> Result<Recorded, Error> {
        if self.is_read_only {
            let message = "the database is open for reading only: open it for writing, or ask with `decide`";
            return Err(Error::new(ErrorKind::Refused, message));
        }
        loop {
            let now = self.now();
            // Brought to memory and up to date, before the new message's id is held.
            let home = match self.write(id, now)? {
                Some(Writing { shard, place }) => shard.profile(place).key().to_owned(),
                None => {
                    // What cannot be put on record is not given out of a stock.
                    let decided = self.decide_beside(id, personalization, call, already, &NothingLeft)?;
                    return Ok(Recorded { decided, exposure: None });
                }
            };
            let asked = (personalization, call);
            if let Some(recorded) = self.record_of(&home, asked, now, already)? {
                return Ok(recorded);
            }
        }
    }

    /// The same of the customer who is stored under an identifier, if she is there and up to date.
    fn record_of(
        &self,
        home: &OwnedIdentifier,
        (personalization, call): (&str, &Call),
        now: Time,
        already: &mut AlreadyShown,
    ) -> Result<Option<Recorded>, Error> {
        let program = self.shards.program();
        let personalization = resolve_personalization(&program, personalization)?;
        let called = Called::of(call, &program.definitions)?;
        let message_id = self.give_id(now);
        let claim = self.messages.claim(&message_id);
        let Some((mut shard, slot)) = self.shards.write(home.borrowed(), Holder::Apply) else {
            return Ok(None);
        };
        let standing = shard.profile(slot).standing();
        let is_up_to_date = shard.is_current(slot) && standing.deadline() > now && standing.as_of() <= now;
        if !is_up_to_date || !Arc::ptr_eq(&shard.program, &program) {
            return Ok(None);
        }
        let (decided, taken) = loop {
            let mut shown = already.clone();
            let decided = decide_in(&mut shard, slot, personalization, now, (&called, &mut shown));
            let definition = &program.definitions.personalizations[personalization.index()];
            let chosen = offers_of(&decided.decision, definition);
            // Somebody else may have been shown the last one since.
            if let Some(taken) = self.shards.exposed.take(&decided.decision.personalization, chosen) {
                *already = shown;
                break (decided, taken);
            }
        };
        let said = called.recorded(&program.definitions);
        let Some(message) = exposure(home.borrowed(), &decided.decision, said) else {
            return Ok(Some(Recorded { decided, exposure: None }));
        };
        if concern(Some(shard.profile(slot)), home.borrowed(), None, (now, now)) == Concern::Identity {
            // Whose the id is was decided in this very millisecond, so it matters which message comes first.
            drop((shard, claim));
            let exposure = Some(self.take_in(message.with_id(message_id))?);
            taken.keep();
            return Ok(Some(Recorded { decided, exposure }));
        }
        let content_hash = message.fingerprint();
        let incoming = Incoming { message, message_id: message_id.clone(), time: now, now };
        self.refuse_erased(&incoming, &program.definitions.identifiers)?;
        let arriving = arriving(&program, &incoming, Misfits::Refuse)?;
        let record = |message: &PackedMessage| Ok::<u64, Refusal>(self.record(now, message)?);
        let new = self.new_message(&program, home.borrowed(), arriving);
        let done = self.apply_to_one(&program, shard, Recipient::Known(slot), new, record)?;
        taken.keep();
        let applied = self.accepted(claim, content_hash, message_id, now, done)?;
        Ok(Some(Recorded { decided, exposure: Some(applied) }))
    }
}

/// The message that tells of a decision as shown, if it shows something, or tells of somebody who takes part in
/// an experiment or is held out.
pub(crate) fn exposure(
    home: Identifier<'_>,
    decision: &Decision,
    said: Map<String, Json>,
) -> Option<Message> {
    let is_of_interest = !decision.variants.is_empty() || decision.reason == Reason::HeldOut;
    if decision.offers.is_empty() && !is_of_interest {
        return None;
    }
    let offers: Vec<Json> = decision.offers.iter().map(|chosen| Json::from(&*chosen.name)).collect();
    let message = Message::track(home.text, EXPOSURE)
        .with_property(PERSONALIZATION, &*decision.personalization)
        .with_property(OFFERS, offers)
        .with_property(REASON, json!(decision.reason));
    let variants = decision.variants.iter();
    let variants: Map<String, Json> =
        variants.map(|(name, variant)| (name.to_string(), Json::from(&**variant))).collect();
    let message = if variants.is_empty() { message } else { message.with_property(VARIANTS, variants) };
    let message = if said.is_empty() { message } else { message.with_property(SAID, said) };
    Some(if home.kind == IdentifierKind::Anonymous { message.anonymous() } else { message })
}
