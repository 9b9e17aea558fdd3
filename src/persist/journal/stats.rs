//! What a journal has done since it was opened.

use std::sync::atomic::AtomicU64;

use super::sequence::Sequence;

/// Counted where it happens.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) bytes: AtomicU64,
    pub(super) writes: AtomicU64,
    pub(super) syncs: AtomicU64,
    pub(super) rotations: AtomicU64,
}

/// How far a journal is, and the work it did since it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JournalStats {
    /// The last record appended, the last that the system has, the last on stable storage.
    pub(crate) last: Sequence,
    pub(crate) written: Sequence,
    pub(crate) durable: Sequence,
    /// Bytes of frames written, in how many calls.
    pub(crate) bytes: u64,
    pub(crate) writes: u64,
    pub(crate) syncs: u64,
    /// Segments begun.
    pub(crate) rotations: u64,
    pub(crate) segments: usize,
    pub(crate) spares: usize,
}
