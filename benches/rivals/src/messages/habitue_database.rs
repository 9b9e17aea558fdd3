//! Habitue as a program uses it: messages with ids, `Database::apply`, and `advance` after each round, which
//! brings everybody to now whom time alone moves. The clock is set to each event's time; messages without a
//! time of their own happen when they come.

use std::path::Path;

use habitue::{Database, Durability, ManualClock, Message, OpenOptions, Time};

use super::keeper::Keeper;
use crate::Outcome;
use crate::customers::id;
use crate::habitue_words::clock;
use crate::workload::{EVENTS, Event, Segment, attributes, catalog, total};

pub(crate) struct HabitueDatabase {
    pub database: Database,
    pub clock: ManualClock,
    segments: usize,
    messages: u64,
    prepared: Vec<Option<(Time, Message)>>,
}

impl HabitueDatabase {
    pub(crate) fn in_memory(segments: &[Segment], customers: usize) -> Outcome<HabitueDatabase> {
        let (manual, clock) = clock()?;
        let database = Database::in_memory_with_clock(catalog(segments), clock);
        HabitueDatabase::fill(database, manual, segments.len(), customers)
    }

    pub(crate) fn open(
        segments: &[Segment],
        customers: usize,
        folder: &Path,
        durability: Durability,
    ) -> Outcome<HabitueDatabase> {
        let (manual, clock) = clock()?;
        let options = OpenOptions::new().catalog(catalog(segments)).clock(clock).durability(durability);
        HabitueDatabase::fill(options.open(folder.join("data"))?, manual, segments.len(), customers)
    }

    /// Gives everybody attributes.
    fn fill(
        database: Database,
        clock: ManualClock,
        segments: usize,
        customers: usize,
    ) -> Outcome<HabitueDatabase> {
        for (customer, values) in attributes(customers).iter().enumerate() {
            let message = Message::identify(id(customer as u64)).with_id(format!("i{customer}"));
            let message = values
                .iter()
                .enumerate()
                .fold(message, |message, (place, value)| message.with_trait(format!("a{place}"), *value));
            database.apply(message)?;
        }
        Ok(HabitueDatabase { database, clock, segments, messages: 0, prepared: Vec::new() })
    }

    /// The message that an event is.
    pub(crate) fn message(&mut self, event: Event) -> Message {
        self.messages += 1;
        Message::track(id(event.customer as u64), EVENTS[event.event])
            .with_id(format!("m{}", self.messages))
            .with_property("total", total(event.total))
    }
}

impl Keeper for HabitueDatabase {
    fn prepare(&mut self, events: &[Event]) -> Outcome<()> {
        self.prepared = events.iter().map(|event| Some((event.time, self.message(*event)))).collect();
        Ok(())
    }

    fn apply(&mut self, place: usize) -> Outcome<()> {
        let (time, message) = self.prepared[place].take().ok_or("an event is applied twice")?;
        self.clock.set(time);
        std::hint::black_box(self.database.apply(message)?);
        Ok(())
    }

    fn settle(&mut self, now: Time) -> Outcome<()> {
        self.clock.set(now);
        self.database.advance()?;
        std::hint::black_box(self.database.take_transitions());
        Ok(())
    }

    fn memberships(&mut self, customer: usize, _: Time) -> Outcome<usize> {
        let id = id(customer as u64);
        let mut members = 0;
        for segment in 0..self.segments {
            members += usize::from(self.database.is_member(&id, &format!("s{segment}"))?);
        }
        Ok(members)
    }
}
