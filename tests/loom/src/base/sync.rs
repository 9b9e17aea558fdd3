//! Atomics of the checker in the place of the library's, and fences that can be left out.

use std::cell::Cell;

pub(crate) use crate::checker::sync::atomic::{AtomicU64, Ordering};

/// As few as a model needs.
pub(crate) const TICKETS: usize = 8;

thread_local! {
    static WITHOUT: Cell<Option<Ordering>> = const { Cell::new(None) };
}

/// Plants a fault: fences of this kind are left out.
#[cfg(all(test, not(miri)))]
pub(crate) fn leave_out(fences: Ordering) {
    WITHOUT.set(Some(fences));
}

pub(crate) fn fence(order: Ordering) {
    if WITHOUT.get() != Some(order) {
        crate::checker::sync::atomic::fence(order);
    }
}

#[derive(Debug)]
pub(crate) struct Line(pub(crate) [AtomicU64; 8]);

pub(crate) fn lines(count: usize) -> Box<[Line]> {
    (0..count).map(|_| Line(std::array::from_fn(|_| AtomicU64::new(0)))).collect()
}
