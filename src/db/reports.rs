//! Changes of memberships, kept until somebody takes them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::db::applied::Transition;

/// Most transitions kept until somebody takes them; then the oldest are dropped, and counted.
const MAX_TRANSITIONS: usize = 1_000_000;

/// What was reported and is not taken yet.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    waiting: Mutex<VecDeque<Transition>>,
    all: AtomicU64,
    dropped: AtomicU64,
}

impl Reports {
    /// Keeps transitions until they are taken.
    pub(crate) fn keep(&self, transitions: &[Transition]) {
        if transitions.is_empty() {
            return;
        }
        self.all.fetch_add(transitions.len() as u64, Ordering::Relaxed);
        let mut waiting = self.waiting.lock();
        waiting.extend(transitions.iter().cloned());
        let surplus = waiting.len().saturating_sub(MAX_TRANSITIONS);
        waiting.drain(..surplus);
        self.dropped.fetch_add(surplus as u64, Ordering::Relaxed);
    }

    /// Takes all that wait.
    pub(crate) fn take(&self) -> Vec<Transition> {
        self.waiting.lock().drain(..).collect()
    }

    /// Takes those of whoever was shown under one of these ids.
    pub(crate) fn take_of(&self, is_asked: impl Fn(&str) -> bool) -> Vec<Transition> {
        let mut waiting = self.waiting.lock();
        let (taken, left): (VecDeque<_>, _) =
            waiting.drain(..).partition(|transition| is_asked(&transition.profile));
        *waiting = left;
        Vec::from(taken)
    }

    /// How many transitions there were, and how many of them were dropped because nobody took them.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.all.load(Ordering::Relaxed), self.dropped.load(Ordering::Relaxed))
    }
}
