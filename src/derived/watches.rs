//! When each moving part of one customer's conclusions may next change by itself.
//!
//! A customer has few moving parts at a time (windows with events in them), so a small unsorted table
//! searched from the front beats a heap: an entry is replaced where it is, and nothing stale remains.

use crate::base::time::Time;
use crate::derived::subject::SubjectId;

/// The table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Watches(Vec<(Watched, Time)>);

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watched {
    Subject(SubjectId),
    /// A `held`, by its place in the graph.
    Held(u32),
}

impl FromIterator<(Watched, Time)> for Watches {
    fn from_iter<I: IntoIterator<Item = (Watched, Time)>>(entries: I) -> Watches {
        Watches(entries.into_iter().collect())
    }
}

impl Watches {
    /// All parts that are watched, with their deadlines.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Watched, Time)> {
        self.0.iter().copied()
    }

    /// Sets the deadline of one part; [`Time::NEVER`] ends the watch.
    pub(crate) fn set(&mut self, watched: Watched, deadline: Time) {
        let place = self.0.iter().position(|(known, _)| *known == watched);
        match (place, deadline == Time::NEVER) {
            (Some(place), true) => drop(self.0.swap_remove(place)),
            (Some(place), false) => self.0[place].1 = deadline,
            (None, true) => {}
            (None, false) => self.0.push((watched, deadline)),
        }
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Time {
        self.0.iter().map(|(_, deadline)| *deadline).min().unwrap_or(Time::NEVER)
    }

    /// Fills `due` with the parts whose deadline is `time` or earlier.
    pub(crate) fn due(&self, time: Time, due: &mut Vec<Watched>) {
        due.clear();
        due.extend(self.0.iter().filter(|(_, deadline)| *deadline <= time).map(|(watched, _)| *watched));
    }
}
