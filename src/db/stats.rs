//! What the database holds and has done.

use serde::Serialize;

use crate::derived::work::Work;

/// Counts since the database was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Profiles, those included of whom only messages of the future are known.
    pub profiles: u64,
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
}
