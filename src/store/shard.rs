//! A part of all profiles, behind one lock: their index, their cells, their timers.
//!
//! A profile is created with its first accepted message and keeps its place for ever. Whoever has the
//! shard sees one program only; a new catalog is given to each shard while all are locked.

use std::sync::Arc;

use ahash::AHashMap;

use crate::base::time::Time;
use crate::derived::propagation::Scratch;
use crate::derived::work::Work;
use crate::engine::cell::Cell;
use crate::engine::program::Program;
use crate::engine::step::{Step, Taken};
use crate::engine::transition::{Trigger, Turn};
use crate::engine::typed_message::{Content, Misfits, TypedMessage};
use crate::facts::stamp::Stamp;
use crate::model::ids::SegmentId;
use crate::model::refusal::Refusal;
use crate::rules::definitions::SegmentDefinition;
use crate::store::history::{Entry, History};
use crate::store::profile::{Identifier, Profile};
use crate::store::timer_wheel::TimerWheel;

/// A shard.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) program: Arc<Program>,
    users: AHashMap<Box<str>, u32>,
    visitors: AHashMap<Box<str>, u32>,
    profiles: Vec<Profile>,
    timers: TimerWheel,
    scratch: Scratch,
    /// Of each segment, how many known profiles are members.
    sizes: Vec<u64>,
}

/// Changes of one profile's memberships.
#[derive(Debug)]
pub(crate) struct Turns {
    pub(crate) profile: u32,
    pub(crate) turns: Vec<Turn>,
}

impl Shard {
    /// A shard without profiles.
    pub(crate) fn new(program: Arc<Program>) -> Shard {
        let sizes = vec![0; program.definitions.segments.len()];
        let mut scratch = Scratch::default();
        scratch.reserve(&program.graph);
        Shard {
            program,
            users: AHashMap::new(),
            visitors: AHashMap::new(),
            profiles: Vec::new(),
            timers: TimerWheel::new(),
            scratch,
            sizes,
        }
    }

    /// The place of the profile that an id resolves to.
    pub(crate) fn find(&self, identifier: Identifier<'_>) -> Option<u32> {
        match identifier {
            Identifier::User(id) => self.users.get(id).copied(),
            Identifier::Anonymous(id) => self.visitors.get(id).copied(),
        }
    }

    fn remember(&mut self, identifier: Identifier<'_>, place: u32) {
        let index = match identifier {
            Identifier::User(_) => &mut self.users,
            Identifier::Anonymous(_) => &mut self.visitors,
        };
        index.insert(identifier.text().into(), place);
    }

    /// A profile by its place.
    pub(crate) fn profile(&self, place: u32) -> &Profile {
        &self.profiles[place as usize]
    }

    /// All profiles.
    pub(crate) fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// Of each segment, how many known profiles are members.
    pub(crate) fn sizes(&self) -> &[u64] {
        &self.sizes
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
    pub(crate) fn deciding(&mut self, place: u32) -> (&Arc<Program>, &mut Profile, &mut Work) {
        (&self.program, &mut self.profiles[place as usize], &mut self.scratch.work)
    }

    /// Applies an accepted message to the profile of `identifier`, which is created if it is new.
    ///
    /// # Errors
    /// If an aggregate would keep more than the catalog allows; then nothing has changed.
    pub(crate) fn apply(
        &mut self,
        identifier: Identifier<'_>,
        entry: Entry,
        content: Content,
        now: Time,
    ) -> Result<Turns, Refusal> {
        let found = self.find(identifier);
        let place = found.unwrap_or(self.profiles.len() as u32);
        if found.is_none() {
            self.profiles.push(Profile::new(identifier));
        }
        let mut turns = Vec::new();
        let applied = self.apply_to(place, entry, content, now, &mut turns);
        if found.is_none() {
            match applied {
                Ok(()) => self.remember(identifier, place),
                Err(_) => drop(self.profiles.pop()),
            }
        }
        applied?;
        self.after(place, &turns, now);
        Ok(Turns { profile: place, turns })
    }

    fn apply_to(
        &mut self,
        place: u32,
        entry: Entry,
        content: Content,
        now: Time,
        turns: &mut Vec<Turn>,
    ) -> Result<(), Refusal> {
        let Shard { program, profiles, scratch, .. } = self;
        let Profile { name, cell, history } = &mut profiles[place as usize];
        let stamp = Stamp { time: entry.time, place: history.next_place() };
        let message = TypedMessage { stamp, content };
        history.push(entry);
        let is_listed = |segment| is_listed(program, segment, name);
        let mut step = Step { program, order: history, is_listed: &is_listed, scratch, turns };
        if let Err(refusal) = step.check_limits(cell, &message) {
            history.pop();
            return Err(refusal);
        }
        if step.apply(cell, message, now) == Taken::NeedsRebuild {
            let rebuilt = rebuild(program, name, history, scratch, now);
            compare(program, cell, &rebuilt, now, Trigger::Message(stamp.place), turns);
            let stamp = cell.stamp + 1;
            // What was reported just now stays the last word on the time before it.
            *cell = Cell { stamp, last_change: now, ..rebuilt };
        }
        Ok(())
    }

    /// Brings one profile to `now`.
    pub(crate) fn advance(&mut self, place: u32, now: Time) -> Option<Turns> {
        let Shard { program, profiles, scratch, .. } = self;
        let Profile { name, cell, history } = &mut profiles[place as usize];
        if cell.deadline > now {
            return None;
        }
        let mut turns = Vec::new();
        let is_listed = |segment| is_listed(program, segment, name);
        Step { program, order: history, is_listed: &is_listed, scratch, turns: &mut turns }
            .advance(cell, now);
        self.after(place, &turns, now);
        Some(Turns { profile: place, turns })
    }

    /// Brings all profiles whose time has come to `now`.
    pub(crate) fn advance_due(&mut self, now: Time) -> Vec<Turns> {
        let mut all = Vec::new();
        for place in self.timers.take_near(now) {
            match self.advance(place, now) {
                Some(turns) => all.push(turns),
                None => self.timers.arm(place, self.profiles[place as usize].cell.deadline, now),
            }
        }
        all
    }

    /// Replaces the program, and rebuilds every profile under the new one.
    pub(crate) fn replace_program(&mut self, new: Arc<Program>, now: Time) {
        self.scratch.reserve(&new.graph);
        self.sizes = vec![0; new.definitions.segments.len()];
        self.timers = TimerWheel::new();
        for place in 0..self.profiles.len() {
            let Profile { name, cell, history } = &mut self.profiles[place];
            let stamp = cell.stamp + 1;
            let rebuilt = rebuild(&new, name, history, &mut self.scratch, now);
            *cell = Cell { stamp, last_change: now, last_cause: Trigger::Catalog, ..rebuilt };
            if let Some(conclusions) = &cell.conclusions {
                for (size, literal) in self.sizes.iter_mut().zip(&new.graph.segments) {
                    *size += u64::from(conclusions.truths.get(*literal));
                }
            }
            self.timers.arm(place as u32, cell.deadline, now);
        }
        self.program = new;
    }

    /// Keeps sizes and timers in step with a profile that changed.
    fn after(&mut self, place: u32, turns: &[Turn], now: Time) {
        for turn in turns {
            let size = &mut self.sizes[turn.segment.index()];
            *size = if turn.entered { *size + 1 } else { *size - 1 };
        }
        self.timers.arm(place, self.profiles[place as usize].cell.deadline, now);
    }
}

/// Whether a profile is on a static segment's list.
pub(crate) fn is_listed(program: &Program, segment: SegmentId, name: &str) -> bool {
    match &program.definitions.segments[segment.index()] {
        SegmentDefinition::Members(members) => {
            members.binary_search_by(|member| member.as_str().cmp(name)).is_ok()
        }
        SegmentDefinition::Condition(_) => false,
    }
}

/// The cell that a profile's messages make under a program, at `now`.
fn rebuild(program: &Program, name: &str, history: &History, scratch: &mut Scratch, now: Time) -> Cell {
    scratch.work.rebuilds += 1;
    let mut cell = Cell::new();
    let mut turns = Vec::new();
    let is_listed = |segment| is_listed(program, segment, name);
    let mut step = Step { program, order: history, is_listed: &is_listed, scratch, turns: &mut turns };
    for (stamp, entry) in history.in_order() {
        // Nothing is refused here: what does not fit this catalog is left out.
        let content =
            Content::of(&entry.message, &program.definitions, Misfits::LeaveOut).unwrap_or(Content::Presence);
        let at = now.min(stamp.time.max(cell.as_of));
        let taken = step.apply(&mut cell, TypedMessage { stamp, content }, at);
        debug_assert_eq!(taken, Taken::Applied, "in order, nothing is late");
    }
    step.advance(&mut cell, now);
    cell
}

/// The memberships that differ between two states of a profile under one program.
fn compare(program: &Program, old: &Cell, new: &Cell, now: Time, cause: Trigger, turns: &mut Vec<Turn>) {
    for (segment, literal) in program.graph.segments.iter().enumerate() {
        let is_member = |cell: &Cell| {
            cell.conclusions.as_ref().is_some_and(|conclusions| conclusions.truths.get(*literal))
        };
        let entered = is_member(new);
        if entered != is_member(old) {
            turns.push(Turn { segment: SegmentId::from_index(segment), entered, at: now, cause });
        }
    }
}
