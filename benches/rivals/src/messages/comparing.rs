//! The rounds: all keepers in turn, for each number of segments.

use std::path::Path;
use std::time::Duration;

use habitue::{Durability, Time};

use super::engine_step::EngineStep;
use super::habitue_database::HabitueDatabase;
use super::hand_made::HandMade;
use super::keeper::Keeper;
use super::recompute::Recompute;
use super::sqlite_triggers::SqliteTriggers;
use super::threads;
use crate::Outcome;
use crate::arguments::Arguments;
use crate::table::Table;
use crate::times::{Summary, Times};
use crate::workload::{Event, Segment, Stream, segments};

/// A keeper and its name.
pub(crate) type Side = (&'static str, Box<dyn Keeper>);

/// How many events each customer has before it is measured, so that windows are full.
const EVENTS_EACH: usize = 10;
/// Events that are handed over at once.
const BATCH: usize = 10_000;

/// Nobody: what reading the clock costs.
pub(crate) struct Nothing;

impl Keeper for Nothing {
    fn prepare(&mut self, _: &[Event]) -> Outcome<()> {
        Ok(())
    }

    fn apply(&mut self, _: usize) -> Outcome<()> {
        Ok(())
    }

    fn settle(&mut self, _: Time) -> Outcome<()> {
        Ok(())
    }

    fn memberships(&mut self, _: usize, _: Time) -> Outcome<usize> {
        Ok(0)
    }
}

pub(crate) fn compare(arguments: &Arguments) -> Outcome<Vec<Table>> {
    let mut tables = Vec::new();
    for count in &arguments.segments {
        let folder = arguments.folder.join(format!("messages-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        tables.push(measure(*count, arguments, &folder)?);
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(tables)
}

fn sides(segments: &[Segment], customers: usize, folder: &Path) -> Outcome<Vec<Side>> {
    let group = Durability::Group(Duration::from_millis(5));
    Ok(vec![
        ("index by hand, exact expiry", Box::new(HandMade::new(segments, customers))),
        ("recompute by hand", Box::new(Recompute::new(segments, customers))),
        ("SQLite triggers, in memory", Box::new(SqliteTriggers::new(segments, customers)?)),
        ("Habitue, engine's step only", Box::new(EngineStep::new(segments, customers))),
        ("Habitue in memory", Box::new(HabitueDatabase::in_memory(segments, customers)?)),
        ("Habitue in a folder, Group", Box::new(HabitueDatabase::open(segments, customers, folder, group)?)),
    ])
}

fn measure(count: usize, arguments: &Arguments, folder: &Path) -> Outcome<Table> {
    let (segments, customers) = (segments(count), arguments.customers);
    let mut sides = sides(&segments, customers, folder)?;
    let mut stream = Stream::new(customers);
    fill(&mut sides, &mut stream, customers * EVENTS_EACH)?;
    check(&mut sides, customers, &mut stream)?;
    sides.insert(0, ("nothing", Box::new(Nothing)));
    let mut times: Vec<Times> = sides.iter().map(|_| Times::default()).collect();
    for _ in 0..arguments.rounds {
        round(&mut sides, &mut times, &mut stream, calls(count, arguments))?;
    }
    sides.remove(0);
    check(&mut sides, customers, &mut stream)?;
    let mut table =
        Table::new(format!("A message that keeps {count} segments current, {customers} customers"));
    let nothing = times.remove(0).summary(Summary::default());
    for ((name, _), times) in sides.iter().zip(&mut times) {
        table.rows.push(((*name).to_owned(), times.summary(nothing)));
    }
    drop(sides);
    table.notes.push(threads::compare(&segments, customers, arguments.rounds, calls(count, arguments))?);
    Ok(table)
}

/// Slow sides would take for ever with many segments.
fn calls(segments: usize, arguments: &Arguments) -> usize {
    (8_000_000 / (segments + 100)).clamp(400, arguments.calls)
}

/// Takes events that are not measured.
pub(crate) fn fill(sides: &mut [Side], stream: &mut Stream, events: usize) -> Outcome<()> {
    let mut left = events;
    while left > 0 {
        let batch: Vec<Event> = (0..left.min(BATCH)).map(|_| stream.next()).collect();
        left -= batch.len();
        let now = batch.last().map_or(Time::MIN, |event| event.time);
        for (_, side) in &mut *sides {
            side.prepare(&batch)?;
            (0..batch.len()).try_for_each(|place| side.apply(place))?;
            side.settle(now)?;
        }
    }
    Ok(())
}

/// All sides take the same events, first one by one, then at one go.
pub(crate) fn round(
    sides: &mut [Side],
    times: &mut [Times],
    stream: &mut Stream,
    calls: usize,
) -> Outcome<()> {
    let [alone, together] = [0, 1].map(|_| (0..calls).map(|_| stream.next()).collect::<Vec<Event>>());
    let time_of = |events: &[Event]| events.last().map_or(Time::MIN, |event| event.time);
    for ((_, side), times) in sides.iter_mut().zip(times) {
        side.prepare(&alone)?;
        times.alone(calls, |place| side.apply(place))?;
        side.settle(time_of(&alone))?;
        side.prepare(&together)?;
        times.together(calls, || {
            (0..calls).try_for_each(|place| side.apply(place))?;
            side.settle(time_of(&together))
        })?;
    }
    Ok(())
}

/// Everybody has to know the same memberships.
pub(crate) fn check(sides: &mut [Side], customers: usize, stream: &mut Stream) -> Outcome<()> {
    let now = stream.next().time;
    for (_, side) in &mut *sides {
        side.settle(now)?;
    }
    for customer in (0..customers).step_by(37) {
        let mut right = None;
        for (name, side) in &mut *sides {
            let found = side.memberships(customer, now)?;
            if *right.get_or_insert(found) != found {
                return Err(
                    format!("{name}: customer {customer} has {found} memberships, not {right:?}").into()
                );
            }
        }
    }
    Ok(())
}
