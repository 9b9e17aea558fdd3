//! Whether answers of a profile are at hand, and whether that is worth the trouble.
//!
//! They are kept from the second question on, because many are asked for once. A change of the profile makes
//! them void; they are written anew right after it, for as long as somebody reads them now and then.

use crate::base::row_cache::Renewed;
use crate::base::sync::{AtomicU8, Ordering};

/// Nobody looked answers up since the profile changed.
const NEVER: u8 = 0;
/// Somebody did.
const ONCE: u8 = 1;
/// They are at hand.
const KEPT: u8 = 2;
/// They were, before the profile changed.
const VOID: u8 = 3;

/// How often they are written anew without being read.
const PATIENCE: u8 = 8;

/// Whether answers of a profile are at hand.
#[derive(Debug, Default)]
pub(crate) struct KeptState {
    state: AtomicU8,
    /// How often they were written anew since somebody read them.
    unread: u8,
}

impl KeptState {
    /// Whether answers were looked up before: then they may be kept from now on.
    pub(crate) fn is_asked_again(&self) -> bool {
        let first = self.state.compare_exchange(NEVER, ONCE, Ordering::Relaxed, Ordering::Relaxed);
        if first.is_err() {
            self.state.store(KEPT, Ordering::Relaxed);
        }
        first.is_err()
    }

    /// Whether answers may be at hand; whoever asks makes them void.
    pub(crate) fn take(&mut self) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        match state {
            KEPT => self.state.store(VOID, Ordering::Relaxed),
            ONCE => self.state.store(NEVER, Ordering::Relaxed),
            _ => {}
        }
        state == KEPT
    }

    /// Whether answers were at hand before the profile changed, and are worth the trouble.
    pub(crate) fn is_to_be_renewed(&mut self) -> bool {
        if self.state.load(Ordering::Relaxed) != VOID {
            return false;
        }
        if self.unread > PATIENCE {
            // Who asks next, keeps them.
            self.state.store(ONCE, Ordering::Relaxed);
            self.unread = 0;
            return false;
        }
        true
    }

    /// Says what became of writing them anew.
    pub(crate) fn set_renewed(&mut self, renewed: Renewed) {
        self.unread = if renewed == Renewed::Wanted { 0 } else { self.unread + 1 };
        self.state.store(if renewed == Renewed::No { ONCE } else { KEPT }, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_kept_from_the_second_question_on() {
        let mut kept = KeptState::default();
        assert!(!kept.is_asked_again());
        assert!(!kept.take(), "nothing is at hand yet");
        assert!(!kept.is_asked_again(), "the profile changed between");
        assert!(kept.is_asked_again());
        assert!(kept.take());
        assert!(!kept.take(), "they are void already");
    }

    #[test]
    fn they_are_renewed_as_long_as_somebody_reads_them() {
        let mut kept = KeptState::default();
        assert!(!kept.is_asked_again() && kept.is_asked_again());
        let mut change = |renewed| {
            kept.take();
            let is_renewed = kept.is_to_be_renewed();
            if is_renewed {
                kept.set_renewed(renewed);
            }
            is_renewed
        };
        assert!((0..100).all(|_| change(Renewed::Wanted)));
        let unread = (0..100).take_while(|_| change(Renewed::Unread)).count();
        assert_eq!(unread, usize::from(PATIENCE) + 1);
        assert!(!change(Renewed::Unread), "nobody asked since");
    }
}
