//! What is in force, and how somebody who has it finds out whether it still is, without writing to anything
//! that others read.
//!
//! Invariants:
//! 1. A number is in force before what it is of. So whoever knows of something that was done under what is in
//!    force finds that his own is an older one.

use std::sync::Arc;

use crate::base::sync::{ArcSwap, AtomicU64, Loaded, Ordering};

/// What is in force.
#[derive(Debug)]
pub(crate) struct InForce<T> {
    pub(super) number: AtomicU64,
    pub(super) current: ArcSwap<T>,
}

impl<T> InForce<T> {
    /// This is in force, under a number that nothing else has.
    pub(crate) fn new(number: u64, current: T) -> InForce<T> {
        InForce { number: AtomicU64::new(number), current: ArcSwap::from_pointee(current) }
    }

    /// Puts something else in force, under a number that nothing else has. Gives what was before.
    pub(crate) fn replace(&self, number: u64, next: T) -> Arc<T> {
        self.number.store(number, Ordering::Release);
        self.current.swap(Arc::new(next))
    }

    /// Whether what has this number is in force.
    pub(crate) fn has(&self, number: u64) -> bool {
        self.number.load(Ordering::Acquire) == number
    }

    /// What is in force, for a moment.
    pub(crate) fn load(&self) -> Loaded<T> {
        self.current.load()
    }

    /// What is in force, to be kept.
    pub(crate) fn load_full(&self) -> Arc<T> {
        self.current.load_full()
    }
}
