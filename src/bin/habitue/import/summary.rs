//! What became of the rows: the summary of an import.

use std::fmt;
use std::time::Duration;

use indicatif::HumanCount;
use serde::Serialize;

/// Counts of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Summary {
    /// Rows that were read.
    pub(super) rows: u64,
    pub(super) accepted: u64,
    pub(super) duplicates: u64,
    pub(super) rejected: u64,
    /// Rows that an import before this one, which was stopped, had brought.
    pub(super) skipped: u64,
    /// Whether nothing was written.
    pub(super) dry_run: bool,
    /// From opening the database to having everything on stable storage.
    pub(super) seconds: f64,
    pub(super) rows_per_second: f64,
}

impl Summary {
    /// The counts, after so long.
    pub(super) fn after(self, elapsed: Duration) -> Summary {
        let seconds = elapsed.as_secs_f64();
        Summary { seconds, rows_per_second: self.rows as f64 / seconds.max(1e-9), ..self }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let would = if self.dry_run { "would be " } else { "" };
        write!(
            f,
            "{} row{}: {} {would}accepted, {} duplicates, {} {would}rejected",
            HumanCount(self.rows),
            if self.rows == 1 { "" } else { "s" },
            HumanCount(self.accepted),
            HumanCount(self.duplicates),
            HumanCount(self.rejected),
        )?;
        if self.skipped > 0 {
            write!(f, "; {} were there already", HumanCount(self.skipped))?;
        }
        if self.dry_run {
            return write!(f, "; nothing was written");
        }
        write!(f, "; {:.1} s, {} rows a second", self.seconds, HumanCount(self.rows_per_second as u64))
    }
}
