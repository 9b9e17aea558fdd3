//! When each moving part of one customer's conclusions may next change by itself.
//!
//! A customer has few moving parts at a time (windows with events in them), so a small unsorted table
//! searched from the front beats a heap: an entry is replaced where it is, and nothing stale remains.

use crate::base::time::Time;
use crate::derived::subject::SubjectId;

/// The table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Watches {
    watched: Vec<Watched>,
    deadlines: Vec<Time>,
}

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watched {
    Subject(SubjectId),
    /// A `held`, by its place in the graph.
    Held(u32),
}

impl Watches {
    /// Sets the deadline of one part; [`Time::NEVER`] ends the watch.
    pub(crate) fn set(&mut self, watched: Watched, deadline: Time) {
        let place = self.watched.iter().position(|known| *known == watched);
        match (place, deadline == Time::NEVER) {
            (Some(place), true) => {
                self.watched.swap_remove(place);
                self.deadlines.swap_remove(place);
            }
            (Some(place), false) => self.deadlines[place] = deadline,
            (None, true) => {}
            (None, false) => {
                self.watched.push(watched);
                self.deadlines.push(deadline);
            }
        }
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Time {
        self.deadlines.iter().copied().min().unwrap_or(Time::NEVER)
    }

    /// The parts whose deadline is `time` or earlier, in a fixed order.
    pub(crate) fn due(&self, time: Time, due: &mut Vec<Watched>) {
        due.clear();
        for (watched, deadline) in self.watched.iter().zip(&self.deadlines) {
            if *deadline <= time {
                due.push(*watched);
            }
        }
    }
}
