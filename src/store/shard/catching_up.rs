//! Bringing profiles from one catalog to the next.

use std::sync::Arc;

use crate::base::error::Error;
use crate::base::time::Time;
use crate::engine::cell::Cell;
use crate::engine::decide::Decisions;
use crate::engine::program::Program;
use crate::engine::step::Step;
use crate::engine::transition::Trigger;
use crate::store::profile::{Body, Profile, ids};
use crate::store::programs::Programs;
use crate::store::rebuilding::{Identified, compare_by_name, conclude, rebuild};
use crate::store::shard::{Shard, Turns};

impl Shard {
    /// Puts other programs in force. No profile is under the current one yet.
    pub(crate) fn replace_program(&mut self, programs: Programs) {
        self.program = Arc::clone(&programs.current);
        self.programs = programs;
        self.scratch.reserve(&self.program.graph);
        self.sizes = vec![0; self.program.definitions.segments.len()];
    }

    /// The programs that profiles may be under.
    pub(crate) fn programs(&self) -> &Programs {
        &self.programs
    }

    /// The program that the profile in a slot is under.
    pub(crate) fn program_of(&self, profile: &Profile) -> &Arc<Program> {
        self.programs.of_revision(profile.revision).expect("programs are kept while a profile is under them")
    }

    /// Whether the profile in a slot is under the program in force.
    pub(crate) fn is_current(&self, place: u32) -> bool {
        self.profile(place).revision == self.program.revision
    }

    /// Brings a profile under the program in force: as if it had followed each replacement at its time. Where
    /// the facts stay what they are, as for what is published, no message is heard again for it.
    /// Gives what turned, by the program that names the segments.
    ///
    /// # Errors
    /// If its messages cannot be read; then nothing has changed.
    pub(crate) fn catch_up(&mut self, place: u32) -> Result<Vec<(Arc<Program>, Turns)>, Error> {
        if self.is_current(place) {
            return Ok(Vec::new());
        }
        let revision = self.profile(place).revision;
        let keeps_facts =
            |(old, _, new): (&Arc<Program>, Time, &Arc<Program>)| new.concludes_from_facts_of(old);
        if !self.programs.replacements_after(revision).all(keeps_facts) {
            self.complete(place)?;
        }
        let Shard { program, programs, slots, scratch, .. } = self;
        let profile = slots.taken(place);
        let Profile { key, known_as, body, history, revision, .. } = &mut *profile;
        let ids = ids(key, known_as.as_deref());
        let mut all = Vec::new();
        let mut until = Time::BEFORE_ALL;
        for (old, replaced_at, new) in programs.replacements_after(*revision) {
            let cell = body.cell(old);
            // Nothing is told of a time before what has been told.
            until = replaced_at.max(cell.as_of);
            let mut turns = Vec::new();
            let identity = &Identified { program: old, ids };
            Step { program: old, past: history, identity, scratch, turns: &mut turns }.advance(cell, until);
            let stamp = cell.stamp + 1;
            let rebuilt = match new.concludes_from_facts_of(old) {
                true => conclude(new, ids, history, scratch, (cell, until)),
                false => rebuild(new, ids, history, scratch, until),
            };
            let mut entered = Vec::new();
            compare_by_name((old, cell), (new, &rebuilt), until, (&mut turns, &mut entered));
            *body = Body::Cell(Cell { stamp, last_change: until, last_cause: Trigger::Catalog, ..rebuilt });
            all.push((Arc::clone(old), Turns { profile: place, turns }));
            all.push((Arc::clone(new), Turns { profile: place, turns: entered }));
        }
        *revision = program.revision;
        profile.decisions = Decisions::default();
        profile.changed();
        for (size, literal) in self.sizes.iter_mut().zip(&program.graph.segments) {
            *size += i64::from(profile.standing().is_true(*literal));
        }
        self.arm(place, until);
        Ok(all)
    }

    /// Brings all profiles in memory under the program in force; their histories are whole.
    ///
    /// # Errors
    /// None then.
    pub(crate) fn catch_up_all(&mut self) -> Result<(), Error> {
        let places: Vec<u32> = self.profiles().map(|(place, _)| place).collect();
        places.into_iter().try_for_each(|place| self.catch_up(place).map(drop))
    }

    /// Lets go of the programs before the one in force, which no profile is under any more.
    pub(crate) fn forget_past(&mut self) {
        self.programs = Programs::only(Arc::clone(&self.program));
    }
}
