//! What became of the lines: the summary of a load.

use std::time::Duration;

use indicatif::HumanCount;
use serde::Serialize;

/// Counts of lines that are not empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Tally {
    pub(super) lines: u64,
    pub(super) accepted: u64,
    pub(super) duplicates: u64,
    pub(super) rejected: u64,
    /// From opening the database to having everything on stable storage.
    pub(super) seconds: f64,
    pub(super) lines_per_second: f64,
}

impl Tally {
    /// The counts, after so long.
    pub(super) fn after(self, elapsed: Duration) -> Tally {
        let seconds = elapsed.as_secs_f64();
        Tally { seconds, lines_per_second: self.lines as f64 / seconds.max(1e-9), ..self }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} lines: {} accepted, {} duplicates, {} rejected; {:.1} s, {} lines a second",
            HumanCount(self.lines),
            HumanCount(self.accepted),
            HumanCount(self.duplicates),
            HumanCount(self.rejected),
            self.seconds,
            HumanCount(self.lines_per_second as u64)
        )
    }
}
