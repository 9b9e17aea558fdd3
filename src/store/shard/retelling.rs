//! What a profile's messages make when they are told anew.

use crate::base::time::Time;
use crate::engine::cell::Cell;
use crate::store::history::History;
use crate::store::profile::{Ids, Profile, ids};
use crate::store::rebuilding::{rebuild, retold};
use crate::store::shard::{Shard, Turns};

impl Shard {
    /// The cell that a history makes at `now`; the history is whole.
    pub(crate) fn rebuilt(&mut self, ids: Ids<'_>, history: &History, now: Time) -> Cell {
        rebuild(&self.program, ids, history, &mut self.scratch, now)
    }

    /// What turned for a profile up to `now`, as its messages tell it today, and the cell that they make; the
    /// history is whole.
    pub(crate) fn retold(&mut self, place: u32, now: Time) -> (Cell, Turns) {
        let Shard { program, slots, scratch, .. } = self;
        let Profile { key, known_as, history, .. } =
            slots.get(place).expect("a place that was found is occupied");
        let (cell, turns) = retold(program, ids(key, known_as.as_deref()), history, scratch, now);
        (cell, Turns { profile: place, turns })
    }
}
