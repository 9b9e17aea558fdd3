//! The way of a message that ties identifiers to each other, or takes such ties back.
//!
//! What it does is planned by the rules of `facts/identity/resolution.rs`. If the message is later than
//! everything that is known of the customers it concerns, or changes nothing but that anonymous customers
//! become part of others, it is heard on top of who is who now. Else who is who is heard anew from all
//! messages of those customers, and of all who ever had to do with them: so the order of arrival changes
//! nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::error::Error;
use crate::base::time::{Duration, Time};
use crate::db::applied::{Cause, Transition};
use crate::db::applying::{Attempt, Incoming, Needs, STATE_BYTES, arriving};
use crate::db::changing::{self, advance, catch_up};
use crate::db::crowds::counting::Passing;
use crate::db::database::Database;
use crate::db::durable::loading::Loaded;
use crate::db::durable::upkeep::Kept;
use crate::db::reports::Reports;
use crate::db::subscribing::stream::Patience;
use crate::db::subscribing::watch::WatchedGroup;
use crate::engine::program::Program;
use crate::engine::typed_message::Misfits;
use crate::facts::identity::known_as::KnownAs;
use crate::facts::identity::resolution::{Heard, Resolution, TieOutcome, TieRecord};
use crate::facts::identity::ties::{Home, TieKind, Ties};
use crate::model::identifier::{Identifier, IdentifierKind, OwnedIdentifier};
use crate::model::message::{Message, MessageKind};
use crate::model::refusal::{Refusal, RefusalReason};
use crate::rules::identifiers::IdentifierRules;
use crate::store::history::Entry;
use crate::store::holds::Holder;
use crate::store::profile::Profile;
use crate::store::regroup::{Plan, ShownTurn, regroup};
use crate::store::shard::{Arriving, AsOf, Limits, Recipient, Shard};
use crate::store::shards::{Locked, Place};

/// What a message is to the profile of its home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Concern {
    /// It is the profile's, and changes nothing of who is who.
    Itself,
    /// It may change who is who.
    Identity,
}

/// All identifiers of the customers that a message concerns, who are in memory.
#[derive(Debug)]
pub(crate) struct Surroundings {
    identifiers: BTreeSet<OwnedIdentifier>,
    /// Those that identify nobody.
    absent: Vec<(OwnedIdentifier, Loaded)>,
    /// Whether all who ever had to do with them are among them.
    pub(crate) is_family: bool,
    /// One that is brought in must not make another one leave.
    _kept: Option<Kept>,
}

/// The customers that a message concerns, with the shards of all their identifiers locked.
#[derive(Debug)]
pub(crate) struct Concerned<'a> {
    pub(crate) locked: Locked<'a>,
    profiles: Vec<Place>,
    is_family: bool,
}

/// A plan, and whether what the message asks for would exceed a limit.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    /// Whose the message is, by what the profile is stored under: a late one may be of somebody else than
    /// who has its home by now.
    pub(crate) recipient: Option<OwnedIdentifier>,
    pub(crate) is_too_much: bool,
}

/// Which of the customers concerned know a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Knows {
    pub(crate) all: bool,
    pub(crate) some: bool,
}

/// What a message is to its home's profile.
pub(crate) fn concern(
    profile: Option<&Profile>,
    home: Identifier<'_>,
    ties: Option<&Ties>,
    (time, now): (Time, Time),
) -> Concern {
    // What ties nothing new today may tie something by the time it takes effect.
    let waits = time > now && ties.is_some_and(|ties| !ties.others.is_empty());
    let is_itself = match (profile, ties) {
        _ if waits => false,
        // Who is first seen in the future is nobody yet.
        (None, ties) => ties.is_none() && time <= now,
        (Some(profile), ties) => match &profile.known_as {
            None => ties.is_none_or(|ties| ties.kind != TieKind::Part && ties.others.is_empty()),
            Some(known_as) => changes_nothing(known_as, home, ties, time),
        },
    };
    if is_itself { Concern::Itself } else { Concern::Identity }
}

/// Whether a message of a customer of several identifiers changes nothing of who is who.
fn changes_nothing(known_as: &KnownAs, home: Identifier<'_>, ties: Option<&Ties>, time: Time) -> bool {
    let is_seen = |identifier: Identifier<'_>| {
        let known = known_as.identifiers.iter().find(|known| known.identifier.borrowed() == identifier);
        known.is_some_and(|known| known.first_seen.is_some_and(|first| first <= time))
    };
    let is_in_order = known_as.has_simple_past() || time > known_as.last_tie;
    let is_users = home.kind == IdentifierKind::User;
    is_seen(home)
        && match ties {
            None => is_in_order || is_users,
            Some(ties) => {
                ties.kind == TieKind::Claim
                    && is_in_order
                    && ties.others.iter().all(|other| is_seen(other.borrowed()))
            }
        }
}

impl Database {
    /// Finds all identifiers of the customers that these identify, who are brought into memory; with
    /// `is_family`, of all who ever had to do with them too.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub(crate) fn surroundings(
        &self,
        identifiers: &[OwnedIdentifier],
        is_family: bool,
        now: Time,
    ) -> Result<Surroundings, Error> {
        let _kept = self.upkeep.as_ref().map(Kept::of);
        let (identifiers_found, absent) = (BTreeSet::new(), Vec::new());
        let mut found = Surroundings { identifiers: identifiers_found, absent, is_family, _kept };
        let mut open: Vec<OwnedIdentifier> = identifiers.to_vec();
        while let Some(identifier) = open.pop() {
            if !found.identifiers.insert(identifier.clone()) {
                continue;
            }
            let loaded = self.load(identifier.borrowed(), now)?;
            match self.shards.read(identifier.borrowed()) {
                Some((shard, slot)) => open.extend(shard.profile(slot).connected(is_family).cloned()),
                None => found.absent.push((identifier, loaded)),
            }
        }
        Ok(found)
    }

    /// Locks the shards of these identifiers, with whole histories, and brings their customers to `now`,
    /// or to just before the instant of the message if that is not earlier; nothing if they changed meanwhile.
    ///
    /// # Errors
    /// If a history cannot be read.
    pub(crate) fn lock(
        &self,
        surroundings: &Surroundings,
        Incoming { time, now, .. }: &Incoming,
    ) -> Result<Option<Concerned<'_>>, Error> {
        let until = if time < now { *now } else { *now - Duration::from_millis(1) };
        let Surroundings { identifiers, absent, is_family, _kept } = surroundings;
        let all = identifiers.iter().map(OwnedIdentifier::borrowed);
        let mut locked = self.shards.lock_of(all, Holder::Identity);
        let is_absent = |identifier: Identifier<'_>, loaded: Loaded| {
            let shard = locked.get(locked.number_of(identifier));
            shard.is_some_and(|shard| loaded.is_absent_from(identifier, shard))
        };
        if !absent.iter().all(|(identifier, loaded)| is_absent(identifier.borrowed(), *loaded)) {
            return Ok(None);
        }
        let mut places = BTreeSet::new();
        for identifier in identifiers {
            let Some(place) = locked.find(identifier.borrowed()) else {
                match absent.iter().any(|(absent, _)| absent == identifier) {
                    true => continue,
                    false => return Ok(None),
                }
            };
            let is_whole = |profile: &Profile| {
                profile.connected(*is_family).all(|connected| identifiers.contains(connected))
            };
            if !locked.profile(place).is_some_and(is_whole) {
                return Ok(None);
            }
            places.insert(place);
        }
        let mut has_changed = false;
        for place in &places {
            let Some(shard) = locked.shard(place.shard as usize) else { continue };
            has_changed |= !shard.is_current(place.slot);
            catch_up(shard, place.slot, &self.reports)?;
            has_changed |= advance(shard, place.slot, until, &self.reports).is_some();
            shard.complete(place.slot)?;
        }
        if has_changed && self.reports.is_untold() {
            drop(locked);
            self.reports.hand_on(Patience::Never);
            return Ok(None);
        }
        Ok(Some(Concerned { locked, profiles: places.into_iter().collect(), is_family: *is_family }))
    }

    /// Applies a new message that ties identifiers. Gives its number and what it changed.
    ///
    /// # Errors
    /// If the message is refused.
    pub(crate) fn apply_tied(
        &self,
        program: &Arc<Program>,
        home: &OwnedIdentifier,
        surroundings: &Surroundings,
        incoming: &Incoming,
    ) -> Result<Attempt<(u64, Vec<Transition>)>, Refusal> {
        // Before any shard: a checkpoint that looks at all of them keeps it to itself.
        let _moving = self.upkeep.as_ref().map(|upkeep| upkeep.moving.read());
        let Some(mut concerned) = self.lock(surroundings, incoming)? else { return Ok(Attempt::Again) };
        if !Arc::ptr_eq(&concerned.locked.program(), program) {
            return Ok(Attempt::Again);
        }
        let Some(planned) = self.plan(&concerned, incoming.heard(), &program.definitions.identifiers) else {
            return Ok(Attempt::Needs(Needs::Family));
        };
        self.refuse_erased(incoming, &program.definitions.identifiers)?;
        let arriving = arriving(program, incoming, Misfits::Refuse)?;
        if planned.is_too_much {
            return Err(too_many());
        }
        concerned.check_limits(home.borrowed(), &arriving)?;
        let bytes = arriving.message.bytes() as u64;
        let (arriving, uncounted) = self.new_message(program, home.borrowed(), arriving);
        let passing = self.let_pass(uncounted, &arriving);
        let sequence = self.record(incoming.now, &arriving.message)?;
        let mut transitions =
            self.carry_out(&mut concerned, planned.plan, &incoming.cause(), incoming.now, sequence);
        let arriving = Arriving { limits: Limits::Passed, ..arriving };
        let recipient = planned.recipient.as_ref();
        transitions.extend(concerned.apply(recipient, arriving, sequence, &self.reports)?);
        let passed = passing.and_then(|passing| self.who_counts_among(passing, &mut concerned.locked, home));
        drop(concerned);
        passed.iter().for_each(Passing::count);
        drop(passed);
        if let Some(upkeep) = &self.upkeep {
            upkeep.grew(bytes + STATE_BYTES);
        }
        Ok(Attempt::Done((sequence, transitions)))
    }

    /// Who is who after a message: what the customers concerned become; nothing if all who had to do with
    /// them are needed to say.
    pub(crate) fn plan(
        &self,
        concerned: &Concerned<'_>,
        heard: Heard<'_>,
        rules: &IdentifierRules,
    ) -> Option<Planned> {
        if !concerned.is_family && concerned.can_be_heard_last(heard, rules) {
            let customers = concerned.profiles().map(known_as);
            let mut resolution = Resolution::of(rules, customers);
            resolution.hear(heard, None);
            let is_harmless =
                |outcome| matches!(outcome, TieOutcome::Same | TieOutcome::Added | TieOutcome::Joined);
            if concerned.is_in_order(heard.time) || resolution.log.iter().all(|tie| is_harmless(tie.outcome))
            {
                let is_too_much = is_too_much(&resolution, heard);
                let (old, new) = (concerned.profiles.clone(), resolution.finish());
                let home = Home::of_accepted(heard.message, rules);
                let recipient = new.iter().find(|resolved| resolved.known_as.has(home.identifier()));
                let recipient = recipient.map(|resolved| resolved.known_as.stored_under().clone());
                let plan = Plan { old, new, messages: BTreeMap::new() };
                return Some(Planned { plan, recipient, is_too_much });
            }
        }
        concerned.is_family.then(|| concerned.heard_anew(Some(heard), Time::NEVER, rules))
    }

    /// Carries a plan out, and keeps what turned.
    pub(crate) fn carry_out(
        &self,
        concerned: &mut Concerned<'_>,
        plan: Plan,
        cause: &Cause,
        now: Time,
        sequence: u64,
    ) -> Vec<Transition> {
        let program = concerned.locked.program();
        let (turns, watched) = self.make_anew(concerned, plan, now, sequence);
        let transitions = name_shown_turns(&program, turns, cause);
        self.reports.keep(&transitions);
        if let Some(watched) = watched {
            watched.look(&mut concerned.locked, &[], now, cause, &self.reports);
        }
        transitions
    }

    /// Carries a plan out; keeps nothing yet.
    pub(crate) fn make_anew(
        &self,
        concerned: &mut Concerned<'_>,
        plan: Plan,
        now: Time,
        sequence: u64,
    ) -> (Vec<ShownTurn>, Option<WatchedGroup>) {
        let watched = WatchedGroup::begin(&self.reports, &mut concerned.locked, &plan.old, now);
        let at = AsOf { sequence, stamp: 0, making: self.shards.next_making() };
        let regrouped = regroup(&mut concerned.locked, plan, now, at);
        regrouped.clear_the_rest(&mut concerned.locked);
        if let Some(upkeep) = self.upkeep.as_ref().filter(|_| !regrouped.left_on_disk.is_empty()) {
            // Nobody is to be read who is nobody by now.
            upkeep.folder.given_up.lock().extend(regrouped.left_on_disk);
        }
        (regrouped.turns, watched)
    }
}

/// Changes of memberships with their names.
pub(crate) fn name_shown_turns(program: &Program, turns: Vec<ShownTurn>, cause: &Cause) -> Vec<Transition> {
    let segments = &program.definitions.segment_names;
    let named = turns.into_iter().map(|ShownTurn { shown, segment, entered, at }| Transition {
        profile: shown,
        segment: Arc::from(segments.name(segment.0)),
        entered,
        at,
        cause: cause.clone(),
    });
    named.collect()
}

/// A refusal of what would make one customer of too many identifiers.
pub(crate) fn too_many() -> Refusal {
    let detail = "the two would have more identifiers together than the catalog, or one profile, allows; \
                  this is no person, or the limits in `[identifiers]` are too low";
    Refusal::new(RefusalReason::Limit, "previousId", detail)
}

/// By what the customer of a profile is known.
fn known_as(profile: &Profile) -> KnownAs {
    match &profile.known_as {
        Some(known_as) => (**known_as).clone(),
        None => {
            let first_seen = profile.history.iter().map(|(stamp, _)| stamp.time).min();
            KnownAs::one(profile.key().to_owned(), first_seen)
        }
    }
}

/// Whether a message asks for more than is allowed.
pub(crate) fn is_too_much(resolution: &Resolution<'_>, heard: Heard<'_>) -> bool {
    let is_alias = matches!(heard.message.kind(), MessageKind::Alias { .. });
    let is_this = |tie: &TieRecord| tie.message_id == heard.message_id && tie.outcome == TieOutcome::TooMany;
    is_alias && resolution.log.iter().any(is_this)
}

impl Incoming {
    /// Nothing that comes: to look at who is who.
    pub(crate) fn question(id: &str, now: Time) -> Incoming {
        Incoming { message: Message::identify(id), message_id: String::new(), time: Time::MIN, now }
    }

    /// It, as what caused a change.
    pub(crate) fn cause(&self) -> Cause {
        Cause::Message(Arc::from(self.message_id.as_str()))
    }

    /// The message, as it is heard.
    pub(crate) fn heard(&self) -> Heard<'_> {
        Heard { time: self.time, message_id: &self.message_id, message: &self.message }
    }
}

impl<'a> Concerned<'a> {
    /// Everybody in memory, whose histories are whole; all shards are locked.
    pub(crate) fn all(mut locked: Locked<'a>) -> Concerned<'a> {
        let places = |shard: &mut Shard| {
            let slots: Vec<u32> = shard.profiles().map(|(slot, _)| slot).collect();
            slots.into_iter().map(|slot| shard.place(slot)).collect::<Vec<Place>>()
        };
        let profiles = locked.all().flat_map(places).collect();
        Concerned { locked, profiles, is_family: true }
    }

    /// Everybody.
    pub(crate) fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.profiles.iter().filter_map(|place| self.locked.profile(*place))
    }

    /// Where they are, in the same order.
    pub(crate) fn places(&self) -> &[Place] {
        &self.profiles
    }

    /// The profile of an identifier.
    pub(crate) fn profile_of(&self, identifier: Identifier<'_>) -> Option<&Profile> {
        self.locked.find(identifier).and_then(|place| self.locked.profile(place))
    }

    /// The messages of each of them, to be read.
    pub(crate) fn entries(&self) -> Vec<Vec<Entry>> {
        self.profiles().map(|profile| profile.history.unpacked().collect()).collect()
    }

    /// By what the customer of a profile is known.
    pub(crate) fn known_as(&self, profile: &Profile) -> KnownAs {
        known_as(profile)
    }

    /// What became of all ties, heard anew.
    pub(crate) fn heard(&self, rules: &IdentifierRules) -> Vec<TieRecord> {
        let entries = self.entries();
        let mut heard: Vec<Heard<'_>> = entries.iter().flatten().map(Entry::heard).collect();
        heard.sort_by(|a, b| (a.time, a.message_id).cmp(&(b.time, b.message_id)));
        Resolution::new(rules, &heard).log
    }

    /// Which of them know the record of this number.
    pub(crate) fn know(&self, sequence: u64) -> Knows {
        let knows = |profile: &Profile| profile.sequence >= sequence;
        let is_anybody = !self.profiles.is_empty();
        Knows { all: is_anybody && self.profiles().all(knows), some: self.profiles().any(knows) }
    }

    /// Whether one of them has a message.
    pub(crate) fn have(&self, message_id: &str) -> bool {
        let has = |profile: &Profile| profile.history.stamp_of(message_id).is_some();
        self.profiles().any(has)
    }

    /// Refuses a message that would make an aggregate of its customer keep too much.
    pub(crate) fn check_limits(&mut self, home: Identifier<'_>, arriving: &Arriving) -> Result<(), Refusal> {
        let Some(place) = self.locked.find(home) else { return Ok(()) };
        self.locked
            .shard(place.shard as usize)
            .map_or(Ok(()), |shard| shard.check_limits(place.slot, arriving))
    }

    /// Applies the message itself, once its customer is who they are.
    pub(crate) fn apply(
        &mut self,
        recipient: Option<&OwnedIdentifier>,
        arriving: Arriving,
        sequence: u64,
        reports: &Reports,
    ) -> Result<Vec<Transition>, Refusal> {
        let place = recipient.and_then(|recipient| self.locked.find(recipient.borrowed()));
        let Some(shard) = place.and_then(|place| self.locked.shard(place.shard as usize)) else {
            return Ok(Vec::new());
        };
        let slot = place.map_or(0, |place| place.slot);
        let recipient = Recipient::Known(slot);
        let (_, turned) = changing::apply(shard, recipient, arriving, &[], |_| Ok(sequence), reports)?;
        Ok(turned)
    }

    /// Whether a message is later than everything known of those concerned.
    fn is_in_order(&self, time: Time) -> bool {
        self.profiles().all(|profile| {
            let standing = profile.standing();
            let is_later = |known_as: &KnownAs| time > known_as.last_tie;
            time > standing.last_change()
                && !standing.has_pending()
                && profile.known_as.as_deref().is_none_or(is_later)
        })
    }

    /// Whether a message may be heard on top of who is who: nothing later can have been decided otherwise
    /// because of it.
    fn can_be_heard_last(&self, heard: Heard<'_>, rules: &IdentifierRules) -> bool {
        let kind = Ties::of(heard.message, rules).map(|ties| ties.kind);
        let is_simple = |profile: &Profile| profile.known_as.as_deref().is_none_or(KnownAs::has_simple_past);
        let has_simple_past = || self.profiles().all(is_simple);
        match kind {
            None | Some(TieKind::Claim) => {
                self.is_in_order(heard.time) || (has_simple_past() && !self.knows_user_earlier(heard, rules))
            }
            Some(TieKind::Join) => self.is_in_order(heard.time),
            Some(TieKind::Part) => false,
        }
    }

    /// Whether a message shows that a customer was known to be a user earlier than it seemed: whom others
    /// were joined with since may hang on that.
    fn knows_user_earlier(&self, heard: Heard<'_>, rules: &IdentifierRules) -> bool {
        let home = Home::of_accepted(heard.message, rules);
        let home = home.identifier();
        let is_later = |first_seen: Option<Time>| first_seen.is_none_or(|first| first > heard.time);
        home.kind == IdentifierKind::User
            && self.profiles().filter_map(|profile| profile.known_as.as_ref()).any(|known_as| {
                let mut known = known_as.identifiers.iter();
                known.any(|known| known.identifier.borrowed() == home && is_later(known.first_seen))
            })
    }
}
