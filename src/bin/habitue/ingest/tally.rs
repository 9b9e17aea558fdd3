//! What became of the lines: the summary of a load.

use std::time::Duration;

use indicatif::{HumanBytes, HumanCount};
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
    /// Bytes of the lines, unpacked.
    pub(super) line_bytes: u64,
    /// Bytes that this process had the system write to disks, where the system says so.
    pub(super) written_bytes: Option<u64>,
    /// How many bytes were written for each byte of the lines.
    pub(super) write_amplification: Option<f64>,
}

impl Tally {
    /// The counts, after so long.
    pub(super) fn after(self, elapsed: Duration) -> Tally {
        let seconds = elapsed.as_secs_f64();
        let lines_per_second = self.lines as f64 / seconds.max(1e-9);
        let written_bytes = written_bytes();
        let each = |written| (self.line_bytes > 0).then(|| written as f64 / self.line_bytes as f64);
        let write_amplification = written_bytes.and_then(each);
        Tally { seconds, lines_per_second, written_bytes, write_amplification, ..self }
    }
}

/// What Linux counts for the process: pages made dirty on their way to a disk; nothing of folders that
/// are in memory.
fn written_bytes() -> Option<u64> {
    let counts = std::fs::read_to_string("/proc/self/io").ok()?;
    counts.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok())
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
        )?;
        match (self.written_bytes, self.write_amplification) {
            (Some(written), Some(times)) => {
                write!(f, "; {} written, {times:.1} times the lines", HumanBytes(written))
            }
            _ => Ok(()),
        }
    }
}
