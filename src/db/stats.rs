//! What the database holds and has done.

use serde::Serialize;

use crate::db::hold_times::HoldTimes;
use crate::derived::work::Work;

/// Counts since the database was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Profiles, those included of whom only messages of the future are known.
    pub profiles: u64,
    /// Of these, how many are in memory now.
    pub in_memory: u64,
    /// How often a profile was brought from disk.
    pub loaded: u64,
    /// Messages accepted.
    pub accepted: u64,
    /// Messages that were accepted before.
    pub duplicates: u64,
    /// Messages refused.
    pub refused: u64,
    /// Memberships entered or left.
    pub transitions: u64,
    /// Of these, how many were dropped because nobody took them.
    pub transitions_dropped: u64,
    /// The revision of the catalog.
    pub revision: u64,
    /// The work done for all that.
    pub work: Work,
    /// How long parts of it were held, by what work.
    pub holds: Vec<HoldTimes>,
    /// What is on disk; nothing of a database in memory.
    pub disk: Option<DiskStats>,
}

/// How large the parts of a database's folder are, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DiskStats {
    /// The messages since the base, in files that are made at full length.
    pub journal_bytes: u64,
    /// The profiles and their messages up to the base.
    pub base_bytes: u64,
    /// The live store, which serves reads and is made anew from the other two when in doubt.
    pub live_bytes: u64,
    /// The ids of accepted messages, which are made anew from base and journal too.
    pub messages_bytes: u64,
    /// Live stores that were set aside, to be looked at or removed.
    pub set_aside_bytes: u64,
}

impl DiskStats {
    /// All together.
    pub fn total_bytes(&self) -> u64 {
        let parts = [self.journal_bytes, self.base_bytes, self.live_bytes, self.messages_bytes];
        parts.iter().sum::<u64>() + self.set_aside_bytes
    }
}
