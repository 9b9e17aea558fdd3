//! What opening tells of long work: bringing the live store up to the journal, or making it anew.

use std::fmt;
use std::sync::Arc;

/// How far the work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// What is being done.
    pub work: RecoveryWork,
    /// How much of it is done: messages or profiles.
    pub done: u64,
    /// How much there is; of profiles at most so many.
    pub all: u64,
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecoveryWork {
    /// Messages of the journal are applied again: those that the last checkpoint did not see.
    Replaying,
    /// The live store is made anew, profile by profile, from base and journal.
    MakingAnew,
}

/// Who is told.
#[derive(Clone, Default)]
pub(crate) struct Listener(Option<Arc<dyn Fn(Recovery) + Send + Sync>>);

/// How much is done between two tellings.
const TOLD_EVERY: u64 = 1_000;

impl Listener {
    /// One who is told.
    pub(crate) fn new(tell: impl Fn(Recovery) + Send + Sync + 'static) -> Listener {
        Listener(Some(Arc::new(tell)))
    }

    /// Tells how far the work is, now and then, and at its end.
    pub(crate) fn tell(&self, work: RecoveryWork, done: u64, all: u64) {
        if let Some(tell) = &self.0
            && (done.is_multiple_of(TOLD_EVERY) || done == all)
        {
            tell(Recovery { work, done, all });
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}
