//! What one checkpoint changes, in the caller's words.

/// What becomes of one profile.
#[derive(Clone, Debug)]
pub(crate) struct ProfileChange {
    pub(crate) key: Vec<u8>,
    /// The new record; none removes the profile, its deadline and its history.
    pub(crate) record: Option<Vec<u8>>,
    /// When its time comes next, from now on. The old deadline is known here.
    pub(crate) deadline_ms: Option<i64>,
    /// Chunks to put, each under the place of its first message. Others stay as they are.
    pub(crate) history: Vec<(u32, Vec<u8>)>,
}

/// How much is in a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) profiles: u64,
    pub(crate) history_chunks: u64,
    pub(crate) deadlines: u64,
}
