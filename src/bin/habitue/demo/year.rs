//! The year, replayed: each message applied at its own time, the sizes of all segments read weekly.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use habitue::{Database, Error, ManualClock, Time, Transition};

use super::calendar;
use super::latency::{Latency, nanos_since};
use super::sample::Sample;
use crate::progress;

/// Messages between two signs of life of the progress bar.
const PROGRESS_STEP: usize = 1_000;

/// What was seen while the year went by.
pub(super) struct Year {
    /// The segments, in the order in which the sizes of each week stand.
    pub(super) segments: Vec<String>,
    /// The sizes at the end of each week, and at last at the end of all messages.
    pub(super) weeks: Vec<Week>,
    /// Who entered and left which segment when, in the order in which it was found out.
    pub(super) transitions: Vec<Transition>,
    /// Who bought when.
    pub(super) orders: Vec<(String, Time)>,
    /// All ids seen, sorted.
    pub(super) households: Vec<String>,
    /// How long `apply` took, per message.
    pub(super) apply: Latency,
    /// What was refused, which should be nothing.
    pub(super) refused: Vec<String>,
    /// The sum of all calls of `apply`.
    pub(super) applying: Duration,
    /// From first to last, with the making of messages and the weekly readings.
    pub(super) elapsed: Duration,
}

/// The sizes of all segments at one instant.
pub(super) struct Week {
    pub(super) at: Time,
    pub(super) sizes: Vec<u64>,
}

/// A replay on its way.
struct Replay<'a> {
    database: &'a Database,
    clock: &'a ManualClock,
    weeks: Vec<Week>,
    transitions: Vec<Transition>,
}

/// Applies all messages of `sample` to `database`, whose clock is `clock`.
pub(super) fn replay(sample: &Sample, database: &Database, clock: &ManualClock) -> Result<Year, Error> {
    let progress = progress::counting("messages", sample.len() as u64);
    let mut replay = Replay { database, clock, weeks: Vec::new(), transitions: Vec::new() };
    let (mut orders, mut households, mut refused) = (Vec::new(), BTreeSet::new(), Vec::new());
    let mut nanos = Vec::with_capacity(sample.len());
    let mut next_week = calendar::start();
    let started = Instant::now();
    for (number, (time, message)) in sample.messages().enumerate() {
        // A message of that very instant belongs to the week that ends with it.
        while next_week < time {
            replay.read_sizes(next_week)?;
            next_week = next_week + calendar::WEEK;
        }
        clock.set(time);
        let customer = message.user_id().unwrap_or_default();
        if message.event() == Some("Order Completed") {
            orders.push((customer.to_owned(), time));
        }
        if !households.contains(customer) {
            households.insert(customer.to_owned());
        }
        let before = Instant::now();
        let applied = database.apply(message);
        nanos.push(nanos_since(before));
        refused.extend(applied.err().map(|refusal| refusal.to_string()));
        if number % PROGRESS_STEP == 0 {
            progress.set_position(number as u64);
        }
    }
    replay.read_sizes(clock.now())?;
    let elapsed = started.elapsed();
    progress.finish_and_clear();
    let applying = Duration::from_nanos(nanos.iter().map(|nanos| u64::from(*nanos)).sum());
    Ok(Year {
        segments: database.segment_sizes()?.into_iter().map(|(name, _)| name).collect(),
        weeks: replay.weeks,
        transitions: replay.transitions,
        orders,
        households: households.into_iter().collect(),
        apply: Latency::of("apply a message", nanos),
        refused,
        applying,
        elapsed,
    })
}

impl Replay<'_> {
    fn read_sizes(&mut self, at: Time) -> Result<(), Error> {
        self.clock.set(at);
        self.database.advance()?;
        let sizes = self.database.segment_sizes()?.into_iter().map(|(_, size)| size).collect();
        self.weeks.push(Week { at, sizes });
        self.transitions.extend(self.database.take_transitions());
        Ok(())
    }
}

impl Year {
    /// The sizes of the segment `name`, week by week.
    pub(super) fn sizes_of(&self, name: &str) -> Vec<u64> {
        let place = self.segments.iter().position(|segment| segment == name);
        let size = |week: &Week| place.and_then(|place| week.sizes.get(place)).copied().unwrap_or(0);
        self.weeks.iter().map(size).collect()
    }

    /// Messages applied per second, counting the time inside `apply` only.
    pub(super) fn messages_per_second(&self) -> f64 {
        self.apply.calls as f64 / self.applying.as_secs_f64().max(1e-9)
    }
}
