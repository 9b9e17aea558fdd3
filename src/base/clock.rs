//! Where `now` comes from: the system, or a hand that sets it.
//!
//! The clock is an input of the database, never read by the engine. [`Clock::now`] may go backwards
//! (people set clocks); the database takes a lower reading for the last one, so its time does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::time::Time;

/// A source of the current time.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The operating system's real-time clock, to the millisecond.
    #[default]
    System,
    /// A clock that stands still until it is set: for tests and simulations.
    Manual(ManualClock),
}

/// A clock that shows what it was last set to; clones share one face.
///
/// ```
/// use habitue::{ManualClock, Time};
/// let clock = ManualClock::new(Time::parse("2026-01-01T09:00:00Z")?);
/// let same = clock.clone();
/// same.set(Time::parse("2026-01-02T09:00:00Z")?);
/// assert_eq!(clock.now().to_string(), "2026-01-02T09:00:00Z");
/// # Ok::<(), habitue::TimeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl Clock {
    /// The current reading.
    pub fn now(&self) -> Time {
        match self {
            Clock::System => system_now(),
            Clock::Manual(clock) => clock.now(),
        }
    }
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Time) -> ManualClock {
        ManualClock(Arc::new(AtomicI64::new(now.millis())))
    }

    /// Sets what the clock shows.
    pub fn set(&self, now: Time) {
        self.0.store(now.millis(), Ordering::Relaxed);
    }

    /// What the clock shows.
    pub fn now(&self) -> Time {
        Time::from_raw(self.0.load(Ordering::Relaxed))
    }
}

fn system_now() -> Time {
    let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
    };
    Time::from_raw(millis.clamp(Time::MIN.millis(), Time::MAX.millis()))
}
