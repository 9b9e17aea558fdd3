//! What every side of this question can do.

use habitue::Time;

use crate::Outcome;
use crate::workload::Event;

/// Somebody who keeps the memberships of all customers current.
pub(crate) trait Keeper {
    /// Makes of events what it takes.
    fn prepare(&mut self, events: &[Event]) -> Outcome<()>;

    /// Takes the prepared event at this place, at its time.
    fn apply(&mut self, place: usize) -> Outcome<()>;

    /// Does what was left to be done until now: customers whom time alone moves and nobody asked for.
    fn settle(&mut self, now: Time) -> Outcome<()>;

    /// How many segments a customer is a member of.
    fn memberships(&mut self, customer: usize, now: Time) -> Outcome<usize>;
}
