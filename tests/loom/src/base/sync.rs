//! Atomics of the checker in the place of the library's, and fences that can be left out.

use std::cell::Cell;
use std::sync::Arc;

use crate::checker::sync::Mutex;
pub(crate) use crate::checker::sync::atomic::{AtomicU8, AtomicU64, Ordering};

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

pub(crate) type Loaded<T> = Arc<T>;

/// What is published; the library's own is modelled by its authors.
#[derive(Debug)]
pub(crate) struct ArcSwap<T>(Mutex<Arc<T>>);

impl<T> ArcSwap<T> {
    pub(crate) fn from_pointee(value: T) -> ArcSwap<T> {
        ArcSwap(Mutex::new(Arc::new(value)))
    }

    pub(crate) fn load(&self) -> Loaded<T> {
        self.load_full()
    }

    pub(crate) fn load_full(&self) -> Arc<T> {
        Arc::clone(&self.0.lock().expect("nobody panics"))
    }

    pub(crate) fn swap(&self, value: Arc<T>) -> Arc<T> {
        std::mem::replace(&mut self.0.lock().expect("nobody panics"), value)
    }
}
