//! Habitue's engine without the database around it: no lock, no names, no index of messages, no history, and
//! customers whom time alone moves are moved when they are next looked at. Each event's names are resolved
//! beforehand.

use habitue::Time;
use habitue::workbench::{Prepared, Workbench};

use super::keeper::Keeper;
use crate::Outcome;
use crate::workload::{Event, Segment, engine};

pub(crate) struct EngineStep {
    engine: Workbench,
    /// By event and amount.
    events: Vec<Vec<Prepared>>,
    prepared: Vec<Event>,
}

impl EngineStep {
    pub(crate) fn new(segments: &[Segment], customers: usize) -> EngineStep {
        let (engine, events) = engine(segments, customers);
        EngineStep { engine, events, prepared: Vec::new() }
    }
}

impl Keeper for EngineStep {
    fn prepare(&mut self, events: &[Event]) -> Outcome<()> {
        self.prepared = events.to_vec();
        Ok(())
    }

    fn apply(&mut self, place: usize) -> Outcome<()> {
        let Event { customer, event, time, total } = self.prepared[place];
        std::hint::black_box(self.engine.apply(customer, &self.events[event][total], time));
        Ok(())
    }

    fn settle(&mut self, _: Time) -> Outcome<()> {
        Ok(())
    }

    fn memberships(&mut self, customer: usize, now: Time) -> Outcome<usize> {
        self.engine.advance(customer, now);
        Ok(self.engine.memberships(customer))
    }
}
