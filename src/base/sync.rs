//! The atomics that protocols of our own are made of: one place, so that a model checker can put its own here;
//! and what is published to readers who take no lock.

pub(crate) use arc_swap::{ArcSwap, ArcSwapOption};
pub(crate) use std::sync::atomic::{AtomicU8, AtomicU64, Ordering, fence};

/// What was in force when it was loaded.
pub(crate) type Loaded<T> = arc_swap::Guard<std::sync::Arc<T>>;

/// How many counters tell whether tickets hold ([`row_cache`](crate::base::row_cache)).
pub(crate) const TICKETS: usize = 1_024;

/// A cache line of words.
#[derive(Debug, bytemuck::Zeroable)]
#[repr(C, align(64))]
pub(crate) struct Line(pub(crate) [AtomicU64; 8]);

/// So many lines of zeros, of which the system brings no page into memory before it is touched.
pub(crate) fn lines(count: usize) -> Box<[Line]> {
    bytemuck::zeroed_slice_box(count)
}
