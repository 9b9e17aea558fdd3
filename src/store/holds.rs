//! How long shards are held for writing, and by whom.
//!
//! Whoever locks a shard says what for, and the lock notes when it let go. Messages and questions are so many
//! and so short that reading the clock twice for each (100 to 300 ns) could be a tenth of their cost: one in
//! sixteen is timed, and counts for sixteen. Times are in powers of two of nanoseconds.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::store::shard::Shard;

/// How many classes of times there are: the last is of a minute and more.
const CLASSES: usize = 37;
/// One message or question in so many is timed.
const SAMPLED: u32 = 16;

/// What a shard is held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A message of one profile.
    Apply,
    /// A profile that is asked for, whose time or catalog has come; a decision that is made.
    Read,
    /// Profiles whose time has come that nobody asks for.
    Timers,
    /// Profiles that are brought under a new catalog.
    Sweep,
    /// What is written, brought to memory and taken out of it.
    Storage,
    /// Who is who: messages that tie ids, and questions about that; erasing.
    Identity,
    /// A new catalog, of all shards together.
    Swap,
    /// A checkpoint that looks for what changed; others may read meanwhile.
    Checkpoint,
}

impl Holder {
    /// All of them.
    pub(crate) const ALL: [Holder; 8] = [
        Holder::Apply,
        Holder::Read,
        Holder::Timers,
        Holder::Sweep,
        Holder::Storage,
        Holder::Identity,
        Holder::Swap,
        Holder::Checkpoint,
    ];

    /// As it is named in answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Holder::Apply => "apply",
            Holder::Read => "read",
            Holder::Timers => "timers",
            Holder::Sweep => "sweep",
            Holder::Storage => "storage",
            Holder::Identity => "identity",
            Holder::Swap => "swap",
            Holder::Checkpoint => "checkpoint",
        }
    }
}

/// All that was measured.
#[derive(Debug)]
pub(crate) struct Holds([HeldBy; Holder::ALL.len()]);

#[derive(Debug)]
struct HeldBy {
    /// By how many bits its nanoseconds have.
    times: [AtomicU64; CLASSES],
    longest: AtomicU64,
}

/// What was measured of one holder.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    /// How often a shard was held for less than 1, 2, 4, 8 … nanoseconds, and not less than the one before.
    pub(crate) times: Vec<u64>,
    pub(crate) longest_ns: u64,
}

/// The time that a shard is held: until this is dropped.
#[derive(Debug)]
pub(crate) struct Hold<'a> {
    holds: &'a Holds,
    by: Holder,
    /// Nothing where it is not timed.
    since: Option<Instant>,
    counts_for: u32,
}

/// A shard that is locked for writing.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    // Let go of before the time is noted.
    shard: RwLockWriteGuard<'a, Shard>,
    hold: Hold<'a>,
}

impl Default for Holds {
    fn default() -> Holds {
        let held_by =
            |_| HeldBy { times: [const { AtomicU64::new(0) }; CLASSES], longest: AtomicU64::new(0) };
        Holds(std::array::from_fn(held_by))
    }
}

impl Holds {
    /// Begins to measure.
    pub(crate) fn begin(&self, by: Holder) -> Hold<'_> {
        Hold { holds: self, by, since: Some(Instant::now()), counts_for: 1 }
    }

    /// Locks a shard for writing.
    pub(crate) fn hold<'a>(&'a self, shard: &'a RwLock<Shard>, by: Holder) -> Held<'a> {
        let mut shard = shard.write();
        if !matches!(by, Holder::Apply | Holder::Read) {
            return Held { shard, hold: self.begin(by) };
        }
        shard.calls = shard.calls.wrapping_add(1);
        let since = shard.calls.is_multiple_of(SAMPLED).then(Instant::now);
        Held { shard, hold: Hold { holds: self, by, since, counts_for: SAMPLED } }
    }

    /// What was measured of a holder so far.
    pub(crate) fn measured(&self, by: Holder) -> Measured {
        let HeldBy { times, longest } = &self.0[by as usize];
        let times = times.iter().map(|times| times.load(Ordering::Relaxed)).collect();
        Measured { times, longest_ns: longest.load(Ordering::Relaxed) }
    }

    fn note(&self, by: Holder, nanoseconds: u64, counts_for: u32) {
        let HeldBy { times, longest } = &self.0[by as usize];
        times[class(nanoseconds)].fetch_add(u64::from(counts_for), Ordering::Relaxed);
        longest.fetch_max(nanoseconds, Ordering::Relaxed);
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        if let Some(since) = self.since {
            let nanoseconds = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.holds.note(self.by, nanoseconds, self.counts_for);
        }
    }
}

impl<'a> Held<'a> {
    /// Lets others read, and goes on reading.
    pub(crate) fn downgrade(self) -> RwLockReadGuard<'a, Shard> {
        let Held { shard, hold } = self;
        let shard = RwLockWriteGuard::downgrade(shard);
        drop(hold);
        shard
    }

    /// Lets go of it, for whoever waits longest.
    pub(crate) fn unlock_fair(self) {
        let Held { shard, hold } = self;
        RwLockWriteGuard::unlock_fair(shard);
        drop(hold);
    }
}

impl Deref for Held<'_> {
    type Target = Shard;

    fn deref(&self) -> &Shard {
        &self.shard
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Shard {
        &mut self.shard
    }
}

/// The class of a time: how many bits it has.
fn class(nanoseconds: u64) -> usize {
    ((u64::BITS - nanoseconds.leading_zeros()) as usize).min(CLASSES - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_by_their_bits() {
        let holds = Holds::default();
        for (nanoseconds, counts_for) in [(0, 1), (1, 1), (7, 2), (8, 16), (u64::MAX, 1)] {
            holds.note(Holder::Sweep, nanoseconds, counts_for);
        }
        let Measured { times, longest_ns } = holds.measured(Holder::Sweep);
        let counted: Vec<(usize, u64)> =
            times.into_iter().enumerate().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [(0, 1), (1, 1), (3, 2), (4, 16), (CLASSES - 1, 1)]);
        assert_eq!(longest_ns, u64::MAX);
        assert!(Holder::ALL.iter().enumerate().all(|(place, holder)| *holder as usize == place));
        assert!(holds.measured(Holder::Apply).times.iter().all(|count| *count == 0));
    }
}
