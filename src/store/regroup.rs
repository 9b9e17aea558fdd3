//! Making profiles anew after who is who has changed.
//!
//! The plan is data, made without touching anything (`facts/identity/resolution.rs`); here it is carried
//! out, with the shards of all identifiers of all profiles concerned locked. A profile that stays whole
//! stays as it is, but for its identifiers. Any other is made from the union of its messages.
//!
//! Invariants:
//! 1. Every message and every identifier of the old profiles is in exactly one of the new ones, but for
//!    what an erasure leaves out of the plan.
//! 2. Of each shown id, the changes told are those between its memberships before and after; whoever is
//!    no longer shown has left everything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::time::Time;
use crate::engine::cell::Cell;
use crate::engine::program::Program;
use crate::facts::identity::known_as::KnownAs;
use crate::facts::identity::resolution::Resolved;
use crate::facts::units::Units;
use crate::model::identifier::OwnedIdentifier;
use crate::model::ids::SegmentId;
use crate::rules::definitions::SegmentDefinition;
use crate::store::history::History;
use crate::store::packed_message::PackedMessage;
use crate::store::profile::{Body, Ids, OnDisk, Profile};
use crate::store::shard::AsOf;
use crate::store::shards::{Locked, Place};

/// What profiles become.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Profiles that are concerned; their histories are whole.
    pub(crate) old: Vec<Place>,
    /// What they become: each of old ones by their places in the list above, or of messages by their
    /// places in the next one.
    pub(crate) new: Vec<Resolved>,
    /// Messages that are dealt out one by one, by their places.
    pub(crate) messages: BTreeMap<usize, PackedMessage>,
}

/// A change of membership of whoever is shown under an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShownTurn {
    pub(crate) shown: Arc<str>,
    pub(crate) segment: SegmentId,
    pub(crate) entered: bool,
    /// Not later than what is told of the profile next.
    pub(crate) at: Time,
}

/// What a plan has changed.
#[derive(Debug)]
pub(crate) struct Regrouped {
    pub(crate) turns: Vec<ShownTurn>,
    /// Keys under which profiles are on disk that none of the new ones takes the place of.
    pub(crate) left_on_disk: Vec<Vec<u8>>,
    /// Where one of the new ones is.
    pub(crate) first: Option<Place>,
}

/// Memberships by shown id: as of when, and of each segment.
type Memberships = BTreeMap<Arc<str>, (Time, Vec<bool>)>;

/// A regrouping under way; all profiles are under the program in force.
struct Regrouping<'l, 's> {
    locked: &'l mut Locked<'s>,
    program: Arc<Program>,
    now: Time,
    old: Vec<Option<Profile>>,
    messages: BTreeMap<usize, PackedMessage>,
    /// What all of them had on disk.
    on_disk: Vec<Vec<u8>>,
    as_of: AsOf,
}

impl Regrouped {
    /// Sees to it that what is on disk under ids that are nobody's by now goes with the next checkpoint.
    pub(crate) fn clear_the_rest(&self, locked: &mut Locked<'_>) {
        let Some(place) = self.first.filter(|_| !self.left_on_disk.is_empty()) else { return };
        if let Some(shard) = locked.shard(place.shard as usize) {
            self.left_on_disk.iter().for_each(|key| shard.note_on_disk(place.slot, key));
        }
    }
}

/// Carries out a plan that a record asks for; its `making` is a number that no profile has had.
pub(crate) fn regroup(locked: &mut Locked<'_>, plan: Plan, now: Time, as_of: AsOf) -> Regrouped {
    let program = locked.program();
    let (mut before, mut after) = (Memberships::new(), Memberships::new());
    let mut regrouping = Regrouping {
        locked,
        program,
        now,
        old: Vec::new(),
        messages: plan.messages,
        on_disk: Vec::new(),
        as_of,
    };
    for place in &plan.old {
        regrouping.take(*place, &mut before);
    }
    // What was held back takes effect at its time, but not before what has been told.
    let told = before.values().map(|(as_of, _)| *as_of).max();
    let now = told.map_or(now, |told| told.max(now));
    regrouping.now = now;
    let new: Vec<(KnownAs, Profile)> =
        plan.new.into_iter().map(|resolved| regrouping.make(resolved)).collect();
    let mut first = None;
    for (known_as, profile) in new {
        let place = regrouping.put(known_as, profile, &mut after);
        first = first.or(place);
    }
    let left_on_disk = regrouping.on_disk;
    Regrouped { turns: turns(&before, &after, now), left_on_disk, first }
}

impl Regrouping<'_, '_> {
    fn take(&mut self, place: Place, before: &mut Memberships) {
        let Some(mut profile) = self.locked.take(place) else { return };
        if let Some(shard) = self.locked.shard(place.shard as usize) {
            shard.end(&profile);
        }
        if profile.on_disk.is_there {
            self.on_disk.push(profile.key().key());
        }
        self.on_disk.append(&mut profile.on_disk.replaced);
        self.as_of.sequence = self.as_of.sequence.max(profile.sequence);
        self.as_of.stamp = self.as_of.stamp.max(profile.standing().stamp());
        note(before, &mut profile, &self.program);
        self.old.push(Some(profile));
    }

    fn make(&mut self, resolved: Resolved) -> (KnownAs, Profile) {
        let Resolved { known_as, whole, messages } = resolved;
        let key = known_as.stored_under().clone();
        let mut whole: Vec<Profile> =
            whole.into_iter().filter_map(|number| self.old.get_mut(number)?.take()).collect();
        // The one with the longest history on disk under the new key is gone on with.
        whole.sort_by_key(|profile| {
            (profile.key() != key.borrowed(), std::cmp::Reverse(profile.history.next_place().0))
        });
        let mut whole = whole.into_iter();
        let Some(first) = whole.next() else {
            let mut history = History::default();
            messages.iter().filter_map(|place| self.messages.remove(place)).for_each(|m| history.push(m));
            let profile = self.rebuilt(&key, &known_as, history);
            return (known_as, profile);
        };
        let goes_on = first.key() == key.borrowed();
        let rest: Vec<Profile> = whole.collect();
        if goes_on && rest.is_empty() && !self.is_another(&first, &known_as) {
            return (known_as, first);
        }
        let mut history = first.history;
        if !goes_on {
            history.forget_stored();
        }
        for other in rest {
            other.history.into_messages().into_iter().for_each(|message| history.push(message));
        }
        let profile = self.rebuilt(&key, &known_as, history);
        (known_as, profile)
    }

    fn rebuilt(&mut self, key: &OwnedIdentifier, known_as: &KnownAs, history: History) -> Profile {
        let number = self.locked.number_of(key.borrowed());
        let now = self.now;
        let cell = self.locked.shard(number).map_or_else(Cell::new, |shard| {
            let cell = shard.rebuilt(Ids::Many(known_as), &history, now);
            if cell.is_known() { Cell { last_change: now, ..cell } } else { cell }
        });
        let cell = Cell { stamp: self.as_of.stamp + 1, ..cell };
        let state = (Body::Cell(cell), self.program.revision);
        Profile::with(key.borrowed(), state, history, self.as_of.sequence)
    }

    /// Whether the identifiers that a profile has got or lost make another one of it: a list of members names
    /// one, or experiments know it by one.
    fn is_another(&self, profile: &Profile, known_as: &KnownAs) -> bool {
        if self.program.definitions.reads_ids && profile.ids().units() != Units::of_many(known_as) {
            return true;
        }
        self.program.definitions.segments.iter().any(|segment| match segment {
            SegmentDefinition::Members(members) => {
                profile.ids().any_in(members) != Ids::Many(known_as).any_in(members)
            }
            SegmentDefinition::Condition(_) => false,
        })
    }

    fn put(&mut self, known_as: KnownAs, mut profile: Profile, after: &mut Memberships) -> Option<Place> {
        let key = profile.key().key();
        let is_of_it = |on_disk: &Vec<u8>| {
            known_as.identifiers.iter().any(|known| known.identifier.borrowed().key() == *on_disk)
        };
        let (of_it, others) = std::mem::take(&mut self.on_disk).into_iter().partition(is_of_it);
        self.on_disk = others;
        let replaced: Vec<Vec<u8>> = of_it;
        let is_there = replaced.contains(&key);
        let replaced = replaced.into_iter().filter(|on_disk| *on_disk != key).collect();
        profile.on_disk = OnDisk { is_there, replaced, leads_here: false };
        profile.is_stored = false;
        profile.sequence = self.as_of.sequence;
        profile.making = self.as_of.making;
        profile.set_known_as(known_as);
        note(after, &mut profile, &self.program);
        let number = self.locked.number_of(profile.key());
        let place = self.locked.insert(profile, self.now)?;
        self.locked.shard(number)?.begin(place.slot);
        Some(place)
    }
}

/// Notes what a profile is a member of; a user and a visitor may be shown under the same text.
fn note(memberships: &mut Memberships, profile: &mut Profile, program: &Program) {
    let segments = &program.graph.segments;
    let as_of = profile.body.cell(program).as_of;
    let (time, noted) =
        memberships.entry(Arc::clone(&profile.name)).or_insert_with(|| (as_of, vec![false; segments.len()]));
    *time = as_of.max(*time);
    for (is_member, literal) in noted.iter_mut().zip(segments) {
        *is_member |= profile.standing().is_true(*literal);
    }
}

fn turns(before: &Memberships, after: &Memberships, now: Time) -> Vec<ShownTurn> {
    let mut turns = Vec::new();
    let shown: BTreeSet<&Arc<str>> = before.keys().chain(after.keys()).collect();
    for shown in shown {
        let (was, is) = (before.get(shown), after.get(shown));
        // Reports go forward: not before what either of the two was brought to.
        let as_of = |of: Option<&(Time, Vec<bool>)>| of.map_or(Time::BEFORE_ALL, |(as_of, _)| *as_of);
        let at = as_of(was).max(as_of(is)).max(if is.is_some() { Time::BEFORE_ALL } else { now });
        let at = if at == Time::BEFORE_ALL { now } else { at };
        let is_member = |of: Option<&(Time, Vec<bool>)>, segment: usize| {
            of.is_some_and(|(_, memberships)| memberships[segment])
        };
        for segment in 0..was.or(is).map_or(0, |(_, memberships)| memberships.len()) {
            let entered = is_member(is, segment);
            if entered != is_member(was, segment) {
                let segment = SegmentId::from_index(segment);
                turns.push(ShownTurn { shown: Arc::clone(shown), segment, entered, at });
            }
        }
    }
    turns
}
