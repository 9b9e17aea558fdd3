//! Since when a condition has been true without a break.
//!
//! A break that begins and ends in the same millisecond is none: what counts is the truth *at* each
//! instant, with all its messages.

use crate::base::time::{Duration, Time};

/// The streak of one condition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Streak {
    /// When the condition last became true, if it is true.
    since: Option<Time>,
    /// When it last became false, and the streak that this ended.
    broken: Option<(Time, Time)>,
}

impl Streak {
    /// The condition became true or false at `now`.
    pub(crate) fn turn(&mut self, truth: bool, now: Time) {
        match (truth, self.since) {
            (true, None) => {
                self.since = Some(match self.broken {
                    Some((at, since)) if at == now => since,
                    _ => now,
                });
            }
            (false, Some(since)) => {
                self.since = None;
                if since < now {
                    self.broken = Some((now, since));
                }
            }
            _ => {}
        }
    }

    /// Since when the condition has been true, and the streak that was broken last.
    pub(crate) fn parts(&self) -> (Option<Time>, Option<(Time, Time)>) {
        (self.since, self.broken)
    }

    /// The streak of these parts.
    pub(crate) fn from_parts(since: Option<Time>, broken: Option<(Time, Time)>) -> Streak {
        Streak { since, broken }
    }

    /// Since when the condition has been true, if it is true.
    pub(crate) fn since(&self) -> Option<Time> {
        self.since
    }

    /// When the streak reaches `duration`, if it is not broken before.
    pub(crate) fn due(&self, duration: Duration) -> Option<Time> {
        self.since.map(|since| since + duration)
    }
}
