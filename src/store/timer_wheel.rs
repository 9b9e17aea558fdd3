//! Whose deadline comes next: a lazy hierarchical timing wheel (Varghese and Lauck, 1997).
//!
//! Three wheels of 256 slots with ticks of 1, 256 and 65,536 seconds, and a list for what lies beyond
//! 194 days. A deadline that moves later is not taken out: its entry comes early, and the profile is
//! armed anew. Reads do not depend on the wheel; it only makes transitions of profiles that nobody
//! reads happen.
//!
//! Invariants:
//! 1. Every armed profile has an entry at its armed tick or, once that has come, in `near`.
//! 2. An entry whose tick is not the profile's armed one is stale and dropped when it is met.

use std::collections::VecDeque;

use crate::base::time::Time;

const SLOTS: usize = 256;
/// The armed tick of a profile in `near`.
const NEAR: i64 = i64::MIN;
/// The armed tick of a profile that is not armed.
const IDLE: i64 = i64::MAX;

/// The wheel; profiles are known to it by their places in the shard.
#[derive(Debug)]
pub(crate) struct TimerWheel {
    /// The second up to which slots were emptied, inclusive; before the first use none.
    current: i64,
    wheels: [Vec<Vec<(u32, i64)>>; 3],
    entries: [usize; 3],
    beyond: Vec<(u32, i64)>,
    /// Profiles whose second has come.
    near: VecDeque<u32>,
    armed: Vec<i64>,
}

impl TimerWheel {
    /// An empty wheel.
    pub(crate) fn new() -> TimerWheel {
        TimerWheel {
            current: IDLE,
            wheels: std::array::from_fn(|_| vec![Vec::new(); SLOTS]),
            entries: [0; 3],
            beyond: Vec::new(),
            near: VecDeque::new(),
            armed: Vec::new(),
        }
    }

    /// Makes sure that `profile` is looked at when `deadline` has come, or earlier; it is `now`.
    pub(crate) fn arm(&mut self, profile: u32, deadline: Time, now: Time) {
        if deadline == Time::NEVER {
            return;
        }
        if self.current == IDLE {
            self.current = tick(now);
        }
        if self.armed.len() <= profile as usize {
            self.armed.resize(profile as usize + 1, IDLE);
        }
        let tick = tick(deadline);
        if self.armed[profile as usize] <= tick {
            return;
        }
        self.armed[profile as usize] = tick;
        self.insert(profile, tick);
    }

    fn insert(&mut self, profile: u32, tick: i64) {
        if tick <= self.current {
            self.armed[profile as usize] = NEAR;
            self.near.push_back(profile);
            return;
        }
        for level in 0..3 {
            let shift = 8 * (level + 1);
            if tick >> shift == self.current >> shift {
                self.wheels[level][(tick >> (8 * level)) as usize % SLOTS].push((profile, tick));
                self.entries[level] += 1;
                return;
            }
        }
        self.beyond.push((profile, tick));
    }

    /// How many bytes it takes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        let lists = self.wheels.iter().flatten().chain([&self.beyond]);
        let listed: usize =
            lists.map(|list| size_of_val(list) + list.capacity() * size_of::<(u32, i64)>()).sum();
        listed + self.near.capacity() * size_of::<u32>() + self.armed.capacity() * size_of::<i64>()
    }

    /// Moves on to `now`, and says how many profiles are to be looked at.
    pub(crate) fn turn(&mut self, now: Time) -> usize {
        if self.current != IDLE {
            self.turn_to(tick(now));
        }
        self.near.len()
    }

    /// Takes the next of them. If its deadline is still ahead, it has to be armed again.
    pub(crate) fn take_near(&mut self) -> Option<u32> {
        let profile = self.near.pop_front()?;
        self.armed[profile as usize] = IDLE;
        Some(profile)
    }

    fn turn_to(&mut self, target: i64) {
        while self.current < target {
            // A wheel without entries is skipped as a whole.
            let empty = self.entries.iter().take_while(|entries| **entries == 0).count() as u32;
            if empty == 3 && self.beyond.is_empty() {
                self.current = target;
                return;
            }
            let step = 8 * empty;
            self.current = (((self.current >> step) + 1) << step).min(target);
            self.cascade();
        }
    }

    /// Spreads what the turn of an upper wheel brings into reach.
    fn cascade(&mut self) {
        if self.current & 0xff_ffff == 0 {
            for (profile, tick) in std::mem::take(&mut self.beyond) {
                self.reinsert(profile, tick);
            }
        }
        for level in (0..3).rev() {
            let shift = 8 * level;
            if self.current & ((1 << shift) - 1) == 0 {
                let slot = (self.current >> shift) as usize % SLOTS;
                let entries = std::mem::take(&mut self.wheels[level][slot]);
                self.entries[level] -= entries.len();
                entries.into_iter().for_each(|(profile, tick)| self.reinsert(profile, tick));
            }
        }
    }

    fn reinsert(&mut self, profile: u32, tick: i64) {
        if self.armed[profile as usize] == tick {
            self.insert(profile, tick);
        }
    }
}

/// The second of an instant.
fn tick(time: Time) -> i64 {
    time.millis().div_euclid(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::frozen_hash::hash64;

    /// Arms and moves at random, and demands that every profile comes up in the very second of its
    /// deadline, across the boundaries of all wheels.
    #[test]
    fn every_deadline_comes_up_in_its_second() {
        for seed in 0..40_u64 {
            let random =
                |step: u64, range: i64| (hash64(&(seed << 32 | step).to_le_bytes()) >> 1) as i64 % range;
            let mut wheel = TimerWheel::new();
            let mut deadlines = [Time::NEVER; 20];
            let mut now = Time::from_raw(1_700_000_000_000 - random(0, 100_000_000_000));
            let mut fired = 0;
            for step in 1..400 {
                let far = [500, 60_000, 90_000_000, 40_000_000_000][random(step * 3, 4) as usize];
                let profile = random(step * 3 + 1, 20) as u32;
                deadlines[profile as usize] = Time::from_raw(now.millis() + 1 + random(step * 3 + 2, far));
                wheel.arm(profile, deadlines[profile as usize], now);
                now = Time::from_raw(now.millis() + random(step * 7 + 5, far));
                let due = wheel.turn(now);
                let near: Vec<u32> = std::iter::from_fn(|| wheel.take_near()).collect();
                assert_eq!(near.len(), due);
                for profile in near {
                    if deadlines[profile as usize] <= now {
                        deadlines[profile as usize] = Time::NEVER;
                        fired += 1;
                    }
                    wheel.arm(profile, deadlines[profile as usize], now);
                }
                let late = deadlines.iter().filter(|deadline| **deadline <= now).count();
                assert_eq!(late, 0, "seed {seed} step {step}");
            }
            assert!(fired > 50, "seed {seed} fired {fired}");
        }
    }
}
