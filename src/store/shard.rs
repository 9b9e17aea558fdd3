//! A part of all profiles, behind one lock: their index, their cells, their timers.
//!
//! A profile is created with its first accepted message. Of a database on disk, profiles come from
//! there when they are asked for and may leave again once they are written; in memory they stay.
//! Whoever has the shard sees one program in force; a new one is given to each shard while all are
//! locked. A profile may be under an older one, until it catches up: whoever asks or changes a profile
//! sees to that first.
//!
//! Invariants:
//! 1. Every profile here has an entry under the identifier it is stored under, which is of this shard.
//!    Entries that name slots of other shards are hints (see [`shards`](crate::store::shards)).
//! 2. The `sizes` of all shards together count the members among all profiles that are under the program
//!    in force.

mod catching_up;
mod consents;
mod retelling;

use std::sync::Arc;

use ahash::AHashMap;

use crate::base::error::Error;
use crate::base::time::{Duration, Time};
use crate::derived::propagation::Scratch;
use crate::derived::work::Work;
use crate::engine::program::Program;
use crate::engine::step::Step;
use crate::engine::transition::Turn;
use crate::engine::typed_message::{Content, TypedMessage};
use crate::facts::stamp::Stamp;
use crate::facts::units::Nobody;
use crate::model::identifier::{Identifier, IdentifierKind};
use crate::model::refusal::Refusal;
use crate::store::answer_cache::AnswerCache;
use crate::store::exposed::Exposed;
use crate::store::history::{Archive, Stored};
use crate::store::memory_use::{MemoryUse, names_bytes};
use crate::store::packed_message::PackedMessage;
use crate::store::profile::{Body, OnDisk, Profile, ids};
use crate::store::programs::Programs;
use crate::store::rebuilding::Identified;
use crate::store::shards::Place;
use crate::store::slots::Slots;
use crate::store::timer_wheel::TimerWheel;
use crate::store::told::Told;

/// A shard.
#[derive(Debug)]
pub(crate) struct Shard {
    number: u32,
    /// The program in force.
    pub(crate) program: Arc<Program>,
    /// With those that profiles may still be under.
    programs: Programs,
    /// The identifiers of this shard, by kind.
    index: [AHashMap<Arc<str>, Place>; IdentifierKind::ALL.len()],
    pub(super) slots: Slots,
    free: Vec<u32>,
    timers: TimerWheel,
    pub(super) scratch: Scratch,
    /// Of each segment, how many known profiles are members; of profiles on disk, only what has changed
    /// since they were counted.
    sizes: Vec<i64>,
    archive: Option<Arc<dyn Archive>>,
    /// How many entries have left the index, so that one who read the disk without the lock can tell.
    evictions: u64,
    /// How many profiles had their first message here, less those that ended.
    begun: i64,
    answers: Arc<AnswerCache>,
    /// How often offers were shown.
    pub(crate) exposed: Arc<Exposed>,
    /// What was last told of decisions, by slots, while somebody is subscribed to decisions.
    pub(crate) told: AHashMap<u32, Told>,
    /// How often it was locked for a message or a question.
    pub(super) calls: u32,
}

/// Changes of one profile's memberships.
#[derive(Debug)]
pub(crate) struct Turns {
    pub(crate) profile: u32,
    pub(crate) turns: Vec<Turn>,
}

/// As of what a profile was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AsOf {
    pub(crate) sequence: u64,
    pub(crate) stamp: u64,
    pub(crate) making: u64,
}

/// Who a message is of, in a shard.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Recipient<'a> {
    /// The profile in a slot.
    Known(u32),
    /// Nobody yet: a profile of this identifier begins.
    New(Identifier<'a>),
}

/// Whether a message may still be refused because of what it would make an aggregate keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limits {
    Checked,
    /// It is on record already.
    Passed,
}

/// A message on its way into a shard.
#[derive(Clone, Debug)]
pub(crate) struct Arriving {
    pub(crate) message: PackedMessage,
    pub(crate) content: Content,
    pub(crate) now: Time,
    pub(crate) limits: Limits,
}

impl Shard {
    /// A shard without profiles in memory; what is not there is in `archive`.
    pub(crate) fn new(
        number: u32,
        programs: Programs,
        archive: Option<Arc<dyn Archive>>,
        answers: Arc<AnswerCache>,
        exposed: Arc<Exposed>,
    ) -> Shard {
        let program = Arc::clone(&programs.current);
        let sizes = vec![0; program.definitions.segments.len()];
        let mut scratch = Scratch::default();
        programs.past.iter().for_each(|past| scratch.reserve(&past.program.graph));
        scratch.reserve(&program.graph);
        Shard {
            number,
            program,
            programs,
            index: Default::default(),
            slots: Slots::new(Arc::clone(&answers)),
            free: Vec::new(),
            timers: TimerWheel::new(),
            scratch,
            sizes,
            archive,
            evictions: 0,
            begun: 0,
            answers,
            exposed,
            told: AHashMap::new(),
            calls: 0,
        }
    }

    /// Where the index of this shard says that the profile of an identifier is.
    pub(crate) fn find(&self, identifier: Identifier<'_>) -> Option<Place> {
        self.index[identifier.kind as usize].get(identifier.text).copied()
    }

    /// Enters an identifier of this shard.
    pub(crate) fn index(&mut self, identifier: Identifier<'_>, place: Place) {
        self.enter(identifier, Arc::from(identifier.text), place);
    }

    fn enter(&mut self, identifier: Identifier<'_>, text: Arc<str>, place: Place) {
        self.answers.forget(identifier.value());
        self.index[identifier.kind as usize].insert(text, place);
    }

    /// Takes an identifier of this shard out of the index.
    pub(crate) fn unindex(&mut self, identifier: Identifier<'_>) {
        self.answers.forget(identifier.value());
        if self.index[identifier.kind as usize].remove(identifier.text).is_some() {
            self.evictions += 1;
        }
    }

    /// Whether the profile in a slot has an identifier.
    pub(crate) fn has(&self, slot: u32, identifier: Identifier<'_>) -> bool {
        self.at(slot).is_some_and(|profile| profile.has(identifier))
    }

    /// The profile in a slot, if it is taken.
    pub(crate) fn at(&self, slot: u32) -> Option<&Profile> {
        self.slots.get(slot)
    }

    /// A profile by its place.
    pub(crate) fn profile(&self, place: u32) -> &Profile {
        self.slots.get(place).expect("a place that was found is occupied")
    }

    /// All profiles in memory, with their places.
    pub(crate) fn profiles(&self) -> impl Iterator<Item = (u32, &Profile)> {
        self.slots.iter()
    }

    /// A slot of this shard as a place among all.
    pub(crate) fn place(&self, slot: u32) -> Place {
        Place { shard: self.number, slot }
    }

    /// How many slots there are, taken or free.
    pub(crate) fn slots(&self) -> u32 {
        self.slots.len() as u32
    }

    /// Adds what it takes in memory, but for what its profiles take beside their slots.
    pub(crate) fn add_memory(&self, used: &mut MemoryUse) {
        used.profile_bytes += self.slots.bytes() as u64;
        used.identifier_bytes += self.index.iter().map(names_bytes).sum::<usize>() as u64;
        used.timer_bytes += self.timers.bytes() as u64;
    }

    /// How many profiles are in memory.
    pub(crate) fn in_memory(&self) -> u64 {
        (self.slots.len() - self.free.len()) as u64
    }

    /// How many profiles were begun here.
    pub(crate) fn begun(&self) -> i64 {
        self.begun
    }

    /// Whether a profile in memory is another one than on disk.
    pub(crate) fn has_unstored(&self) -> bool {
        self.profiles().any(|(_, profile)| !profile.is_stored)
    }

    /// By how many the profiles in memory are more than what is there of them on disk.
    pub(crate) fn not_stored(&self) -> i64 {
        let more =
            |profile: &Profile| i64::from(!profile.on_disk.is_there) - profile.on_disk.replaced.len() as i64;
        self.profiles().map(|(_, profile)| more(profile)).sum()
    }

    /// Of each segment, how many members the shard adds to those counted elsewhere.
    pub(crate) fn sizes(&self) -> &[i64] {
        &self.sizes
    }

    /// Adds members that are not in memory.
    pub(crate) fn add_sizes(&mut self, sizes: &[u64]) {
        self.sizes.iter_mut().zip(sizes).for_each(|(size, more)| *size += *more as i64);
    }

    /// The work done so far.
    pub(crate) fn work(&self) -> Work {
        self.scratch.work
    }

    /// The count of work, for what is done for nobody's profile.
    pub(crate) fn work_mut(&mut self) -> &mut Work {
        &mut self.scratch.work
    }

    /// The profile and the count of work, to decide with.
    pub(crate) fn deciding(&mut self, place: u32) -> (&Arc<Program>, &Exposed, &mut Profile, &mut Work) {
        let profile = self.slots.quietly(place).expect("a place that was found is occupied");
        (&self.program, &self.exposed, profile, &mut self.scratch.work)
    }

    /// Puts in a profile that was on disk; gives its place.
    pub(crate) fn insert(&mut self, profile: Profile, now: Time) -> u32 {
        let place = self.free.pop().unwrap_or(self.slots.len() as u32);
        let here = Place { shard: self.number, slot: place };
        self.enter(profile.key(), profile.key_text(), here);
        self.timers.arm(place, profile.standing().deadline(), now);
        self.slots.put(place, profile);
        place
    }

    /// Counts a profile that is known nowhere else.
    pub(crate) fn begin(&mut self, place: u32) {
        self.begun += 1;
        let standing = self.slots.get(place).map(Profile::standing);
        for (size, literal) in self.sizes.iter_mut().zip(&self.program.graph.segments) {
            *size += i64::from(standing.is_some_and(|standing| standing.is_true(*literal)));
        }
    }

    /// Takes a profile out of memory.
    pub(crate) fn evict(&mut self, place: u32) -> Option<Profile> {
        let profile = self.slots.take(place)?;
        self.told.remove(&place);
        let here = Place { shard: self.number, slot: place };
        for identifier in profile.identifiers().map(|identifier| identifier.borrowed()) {
            // The other shards' entries are the caller's business.
            if self.find(identifier) == Some(here) {
                self.unindex(identifier);
            }
        }
        self.free.push(place);
        Some(profile)
    }

    /// How many entries have left the index so far.
    pub(crate) fn evictions(&self) -> u64 {
        self.evictions
    }

    /// Lets nobody in who was read from disk before this.
    pub(crate) fn turn_away_what_was_read(&mut self) {
        self.evictions += 1;
    }

    /// Says what is on disk of a profile now: these messages, and its state as of then. Not if it is no
    /// longer the profile that was written, which it answers.
    pub(crate) fn set_stored(&mut self, place: u32, key: &[u8], stored: Stored, as_of: AsOf) -> bool {
        let compares = self.programs.compare_old_messages();
        let profile = self.slots.quietly(place);
        let is_same = |profile: &&mut Profile| profile.making == as_of.making && profile.key().key() == key;
        let Some(profile) = profile.filter(is_same) else { return false };
        let last = profile.last_cause().map(|(place, _)| place);
        let Profile { history, body, is_stored, sequence, on_disk, .. } = profile;
        *on_disk = OnDisk { is_there: true, replaced: Vec::new(), leads_here: true };
        let place = |message: &TypedMessage| match message.content.consents().is_empty() {
            true => message.stamp.place.0,
            // It may change what counts of all others.
            false => 0,
        };
        let pending = match body {
            Body::Cell(cell) => cell.pending.iter().map(place).min(),
            Body::Image(image) => image.has_pending().then_some(0),
        };
        // Messages of the future are compared with each other when they take effect; and some catalogs
        // compare old ones when they are asked.
        let keep_from = if compares { 0 } else { pending.unwrap_or(stored.messages) };
        history.set_stored(stored, keep_from, last);
        *is_stored = *sequence == as_of.sequence && body.standing().stamp() == as_of.stamp;
        true
    }

    /// Notes that a profile is on disk under a key that is one of this profile's.
    pub(crate) fn note_on_disk(&mut self, slot: u32, key: &[u8]) {
        let Some(profile) = self.slots.quietly(slot) else { return };
        profile.is_stored = false;
        if profile.key().key() == key {
            profile.on_disk.is_there = true;
        } else if !profile.on_disk.replaced.iter().any(|replaced| replaced == key) {
            profile.on_disk.replaced.push(key.to_vec());
        }
    }

    /// Begins anew without what is on disk: nothing in memory counts as stored, and `sizes` counts the
    /// profiles in memory only. Returns their keys. There are only profiles of one identifier: of others,
    /// the new files may have the messages in another order.
    pub(crate) fn leave_disk(&mut self) -> Vec<Vec<u8>> {
        self.sizes.fill(0);
        let mut keys = Vec::new();
        for profile in self.slots.all_quietly() {
            profile.is_stored = false;
            profile.on_disk.replaced.clear();
            if profile.revision == self.program.revision {
                for (size, literal) in self.sizes.iter_mut().zip(&self.program.graph.segments) {
                    *size += i64::from(profile.standing().is_true(*literal));
                }
            }
            debug_assert!(profile.known_as.is_none(), "others have left memory");
            keys.push(profile.key().key());
        }
        keys
    }

    /// Applies an accepted message to a profile, which is created if it is new, with what waited for that.
    /// `record` puts the message on record once nothing can refuse it any more, and gives its number.
    ///
    /// # Errors
    /// If an aggregate would keep more than the catalog allows, or the message cannot be put on record,
    /// or what it has to be compared with cannot be read; then nothing has changed.
    pub(crate) fn apply(
        &mut self,
        recipient: Recipient<'_>,
        arriving: Arriving,
        waiting: &[Arriving],
        record: impl FnOnce(&PackedMessage) -> Result<u64, Refusal>,
    ) -> Result<Turns, Refusal> {
        let now = arriving.now;
        if let (Recipient::Known(place), true) = (recipient, arriving.message.is_summary) {
            // Time itself changes answers, a summary none.
            let turned = self.advance(place, now);
            let sequence = record(&arriving.message)?;
            self.summarise(place, arriving.message, sequence, now)?;
            return Ok(turned.unwrap_or(Turns { profile: place, turns: Vec::new() }));
        }
        let place = match recipient {
            Recipient::Known(place) => place,
            Recipient::New(identifier) => self.insert(Profile::new(identifier, self.program.revision), now),
        };
        let mut turns = Vec::new();
        // Not in effect before this one is: what is of the same instant counts together.
        let before = arriving.message.time.min(now) - Duration::from_millis(1);
        let mut waited = Ok(());
        for waiting in waiting {
            let waiting = Arriving {
                now: before.min(waiting.message.time - Duration::from_millis(1)),
                ..waiting.clone()
            };
            waited = waited.and_then(|()| self.apply_to(place, waiting, |_| Ok(0), &mut turns));
        }
        let applied = waited.and_then(|()| self.apply_to(place, arriving, record, &mut turns));
        match (recipient, &applied) {
            (Recipient::New(_), Ok(())) => self.begun += 1,
            (Recipient::New(_), Err(_)) => drop(self.evict(place)),
            (Recipient::Known(_), _) => {}
        }
        applied?;
        self.after(place, &turns, now);
        Ok(Turns { profile: place, turns })
    }

    /// Refuses a message that would make an aggregate of a profile keep more than the catalog allows.
    ///
    /// # Errors
    /// Then.
    pub(crate) fn check_limits(&mut self, place: u32, arriving: &Arriving) -> Result<(), Refusal> {
        let Shard { program, slots, scratch, .. } = self;
        let Some(profile) = slots.get_mut(place) else { return Ok(()) };
        let Profile { body, history, .. } = profile;
        let stamp = Stamp { time: arriving.message.time, place: history.next_place() };
        let typed = TypedMessage { stamp, content: arriving.content.clone() };
        let (cell, mut turns) = (body.cell(program), Vec::new());
        Step { program, past: history, identity: &Nobody, scratch, turns: &mut turns }
            .check_limits(cell, &typed)
    }

    fn apply_to(
        &mut self,
        place: u32,
        Arriving { message, content, now, limits }: Arriving,
        record: impl FnOnce(&PackedMessage) -> Result<u64, Refusal>,
        turns: &mut Vec<Turn>,
    ) -> Result<(), Refusal> {
        let compares = self.compares_old_messages(place, message.time);
        if compares {
            self.complete(place)?;
        }
        if self.needs_the_past(place, message.time, &content, now) {
            self.complete(place)?;
        }
        let Shard { program, slots, scratch, .. } = self;
        let profile = slots.taken(place);
        let Profile { key, known_as, body, history, .. } = profile;
        let ids = ids(key, known_as.as_deref());
        let cell = body.cell(program);
        let stamp = Stamp { time: message.time, place: history.next_place() };
        let typed = TypedMessage { stamp, content };
        let identity = &Identified { program, ids };
        let step = Step { program, past: history, identity, scratch, turns };
        if limits == Limits::Checked {
            step.check_limits(cell, &typed)?;
        }
        let sequence = record(&message)?;
        history.push(message);
        Step { program, past: history, identity, scratch, turns }.apply(cell, typed, now);
        // One that was held back has a number of long ago.
        profile.sequence = profile.sequence.max(sequence);
        profile.changed();
        Ok(())
    }

    /// Whether taking a message of this time may compare messages that are in the archive only, by their
    /// ids: it is late, or not later than the last one, or others are waiting for their time.
    fn compares_old_messages(&self, place: u32, time: Time) -> bool {
        let profile = self.profile(place);
        !profile.history.is_whole() && time <= profile.standing().last_change()
    }

    /// Makes a profile's history whole.
    ///
    /// # Errors
    /// If the archive cannot be read.
    pub(crate) fn complete(&mut self, place: u32) -> Result<(), Error> {
        let profile = self.slots.quietly(place).expect("a place that was found is occupied");
        if let (false, Some(archive)) = (profile.history.is_whole(), &self.archive) {
            let messages = archive.messages(profile.key(), profile.history.stored())?;
            profile.history.complete(messages);
        }
        Ok(())
    }

    /// Brings one profile, which is under the program in force, to `now`.
    pub(crate) fn advance(&mut self, place: u32, now: Time) -> Option<Turns> {
        // Nothing is forgotten of one whose time has not come.
        self.at(place).filter(|profile| profile.standing().deadline() <= now)?;
        let Shard { program, slots, scratch, .. } = self;
        let profile = slots.taken(place);
        debug_assert_eq!(profile.revision, program.revision, "it has caught up");
        let Profile { key, known_as, body, history, .. } = profile;
        let mut turns = Vec::new();
        let ids = ids(key, known_as.as_deref());
        let identity = &Identified { program, ids };
        Step { program, past: history, identity, scratch, turns: &mut turns }
            .advance(body.cell(program), now);
        profile.changed();
        self.after(place, &turns, now);
        self.renew(place);
        Some(Turns { profile: place, turns })
    }

    /// Moves the timers on to `now`, and counts the profiles whose second has come.
    pub(crate) fn count_due(&mut self, now: Time) -> usize {
        self.timers.turn(now)
    }

    /// Takes the next of them. If it is not brought forward, it has to be armed again.
    pub(crate) fn take_due(&mut self) -> Option<u32> {
        self.timers.take_near()
    }

    /// Makes the histories of all profiles in memory whole.
    ///
    /// # Errors
    /// If the archive cannot be read.
    pub(crate) fn complete_all(&mut self) -> Result<(), Error> {
        let places: Vec<u32> = self.profiles().map(|(place, _)| place).collect();
        places.into_iter().try_for_each(|place| self.complete(place))
    }

    /// Takes a profile out of those counted, because it is made anew or part of another now.
    pub(crate) fn end(&mut self, profile: &Profile) {
        for (size, literal) in self.sizes.iter_mut().zip(&self.program.graph.segments) {
            *size -= i64::from(profile.standing().is_true(*literal));
        }
        self.begun -= 1;
    }

    /// Keeps sizes and timers in step with a profile that changed.
    fn after(&mut self, place: u32, turns: &[Turn], now: Time) {
        for turn in turns {
            let size = &mut self.sizes[turn.segment.index()];
            *size = if turn.entered { *size + 1 } else { *size - 1 };
        }
        self.arm(place, now);
    }

    /// Sees to it that a profile is looked at when its time comes.
    pub(crate) fn arm(&mut self, place: u32, now: Time) {
        if let Some(profile) = self.slots.get(place) {
            self.timers.arm(place, profile.standing().deadline(), now);
        }
    }

    /// Puts at hand what a profile answers, if that was so before it changed. It is as others may see it.
    pub(crate) fn renew(&mut self, place: u32) {
        self.slots.renew(place, &self.program);
    }
}
