//! Changing one profile of a locked shard, and keeping what is to be told of that.
//!
//! All ways on which a profile changes by itself or by a message of its own lead through here: it catches up
//! with the catalog, it is brought forward in time, it takes a message. Where somebody subscribed to
//! decisions, it is brought from instant to instant, so that each change is told with its own.

use std::sync::Arc;

use crate::base::error::Error;
use crate::base::time::{Duration, Time};
use crate::db::applied::{Cause, Transition};
use crate::db::reports::Reports;
use crate::db::subscribing::watch::{Moment, Watch};
use crate::engine::program::Program;
use crate::engine::transition::Trigger;
use crate::model::refusal::Refusal;
use crate::store::packed_message::PackedMessage;
use crate::store::profile::Profile;
use crate::store::shard::{Arriving, Recipient, Shard, Turns};

/// Brings the profile in a slot under the program in force, and keeps what turned.
///
/// # Errors
/// If its messages cannot be read.
pub(crate) fn catch_up(shard: &mut Shard, slot: u32, reports: &Reports) -> Result<(), Error> {
    if shard.is_current(slot) {
        return Ok(());
    }
    let watch = watch(shard, reports);
    if let Some(watch) = &watch {
        let before = shard.profile(slot).standing().last_change();
        watch.begin(shard, slot, before);
    }
    for (program, turns) in shard.catch_up(slot)? {
        reports.keep(&name_turns(&program, shard, &turns));
    }
    if let Some(watch) = watch {
        let at = shard.profile(slot).standing().last_change();
        watch.look(shard, slot, at, &Moment { at, cause: Cause::Catalog }, reports);
    }
    Ok(())
}

/// Brings the profile in a slot, which is under the program in force, to `now`, and keeps what turned;
/// nothing if its time has not come.
pub(crate) fn advance(shard: &mut Shard, slot: u32, now: Time, reports: &Reports) -> Option<Vec<Transition>> {
    if shard.profile(slot).standing().deadline() > now {
        return None;
    }
    let Some(watch) = watch(shard, reports) else {
        return shard.advance(slot, now).map(|turns| keep(shard, &turns, reports));
    };
    watch.begin(shard, slot, now);
    let mut transitions = Vec::new();
    loop {
        let at = shard.profile(slot).standing().deadline();
        let Some(turns) = shard.advance(slot, at.min(now)) else { return Some(transitions) };
        transitions.extend(keep(shard, &turns, reports));
        let moment = Moment { at, cause: cause_at(shard.profile(slot), at) };
        watch.look(shard, slot, at, &moment, reports);
    }
}

/// Brings a profile in memory that is under the program in force, and whose time has come, to `now`: the next of
/// those that a shard has [counted](Shard::count_due).
pub(crate) fn advance_due(shard: &mut Shard, now: Time, reports: &Reports) {
    let Some(slot) = shard.take_due() else { return };
    let is_current = shard.at(slot).is_some() && shard.is_current(slot);
    if !is_current || advance(shard, slot, now, reports).is_none() {
        shard.arm(slot, now);
    }
}

/// Applies a message of one profile's own, as [`Shard::apply`] does, and keeps what turned. Gives the
/// profile's slot, and what turned.
///
/// # Errors
/// As there.
pub(crate) fn apply(
    shard: &mut Shard,
    recipient: Recipient<'_>,
    arriving: Arriving,
    waiting: &[Arriving],
    record: impl FnOnce(&PackedMessage) -> Result<u64, Refusal>,
    reports: &Reports,
) -> Result<(u32, Vec<Transition>), Refusal> {
    let Some(watch) = watch(shard, reports) else {
        let turns = shard.apply(recipient, arriving, waiting, record)?;
        return Ok((turns.profile, keep(shard, &turns, reports)));
    };
    let (now, time) = (arriving.now, arriving.message.time);
    let mut transitions = Vec::new();
    let mut is_in_order = time <= now;
    if let Recipient::Known(slot) = recipient {
        let before = time.min(now) - Duration::MILLISECOND;
        transitions.extend(advance(shard, slot, before, reports).unwrap_or_default());
        watch.begin(shard, slot, before);
        is_in_order &= time >= shard.profile(slot).standing().last_change();
    }
    // First as of its own time, where it has one in the profile's.
    let until = if is_in_order { time } else { now };
    let turns = shard.apply(recipient, Arriving { now: until, ..arriving }, waiting, record)?;
    let slot = turns.profile;
    if let Recipient::New(_) = recipient {
        watch.begin_unknown(shard, slot, until);
    }
    transitions.extend(keep(shard, &turns, reports));
    let at = shard.profile(slot).standing().last_change();
    let moment = Moment { at, cause: cause_at(shard.profile(slot), at) };
    watch.look(shard, slot, until, &moment, reports);
    transitions.extend(advance(shard, slot, now, reports).unwrap_or_default());
    Ok((slot, transitions))
}

/// Changes of memberships with their names, which a program gives them.
pub(crate) fn name_turns(program: &Program, shard: &Shard, turns: &Turns) -> Vec<Transition> {
    let profile = shard.profile(turns.profile);
    let segments = &program.definitions.segment_names;
    // What turned together has one cause.
    let together = turns.turns.chunk_by(|one, next| one.cause == next.cause);
    let named = together.flat_map(|turns| {
        let cause = cause(profile, turns[0].cause);
        turns.iter().map(move |turn| Transition {
            profile: Arc::clone(&profile.name),
            segment: segments.shared(turn.segment.0),
            entered: turn.entered,
            at: turn.at,
            cause: cause.clone(),
        })
    });
    named.collect()
}

fn cause(profile: &Profile, trigger: Trigger) -> Cause {
    match trigger {
        Trigger::Message(place) => {
            Cause::Message(Arc::from(profile.history.message_id(place).unwrap_or_default()))
        }
        Trigger::Time => Cause::Time,
        Trigger::Catalog => Cause::Catalog,
    }
}

/// Why a profile is at an instant what it is: the last change, if it was then.
fn cause_at(profile: &Profile, at: Time) -> Cause {
    let standing = profile.standing();
    let is_then = standing.last_change() == at;
    cause(profile, if is_then { standing.last_cause() } else { Trigger::Time })
}

fn keep(shard: &Shard, turns: &Turns, reports: &Reports) -> Vec<Transition> {
    let transitions = name_turns(&shard.program, shard, turns);
    reports.keep(&transitions);
    transitions
}

/// The decisions that somebody subscribed to; if nobody did, nothing counts as told any more.
fn watch(shard: &mut Shard, reports: &Reports) -> Option<Arc<Watch>> {
    let watch = reports.watch();
    if watch.is_none() && !shard.told.is_empty() {
        shard.told.clear();
    }
    watch
}
