//! The customer's events in queues, and after each event all segments evaluated anew by compiled code. What
//! time alone ends is not noticed before the customer's next event.

use habitue::Time;

use super::keeper::Keeper;
use crate::Outcome;
use crate::workload::naive::Naive;
use crate::workload::{Event, Segment};

pub(crate) struct Recompute {
    naive: Naive,
    prepared: Vec<Event>,
}

impl Recompute {
    pub(crate) fn new(segments: &[Segment], customers: usize) -> Recompute {
        Recompute { naive: Naive::new(segments, customers), prepared: Vec::new() }
    }
}

impl Keeper for Recompute {
    fn prepare(&mut self, events: &[Event]) -> Outcome<()> {
        self.prepared = events.to_vec();
        Ok(())
    }

    fn apply(&mut self, place: usize) -> Outcome<()> {
        std::hint::black_box(self.naive.apply(self.prepared[place]));
        Ok(())
    }

    fn settle(&mut self, _: Time) -> Outcome<()> {
        Ok(())
    }

    fn memberships(&mut self, customer: usize, now: Time) -> Outcome<usize> {
        self.naive.recompute(customer, now);
        Ok(self.naive.memberships(customer))
    }
}
