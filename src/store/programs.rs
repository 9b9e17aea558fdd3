//! The program in force, and those before it that some profile may still be under.
//!
//! A new catalog is in force for everybody at once, but each profile is made anew under it only when it
//! is next touched, or when the sweep comes by. Until then it has the revision of an older program, with
//! which its state can be read, and the time until which that program was in force.

use std::sync::Arc;

use crate::base::time::Time;
use crate::engine::program::Program;

/// The programs that profiles may be under.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    /// The one in force.
    pub(crate) current: Arc<Program>,
    /// Those before it, the oldest first.
    pub(crate) past: Arc<[Past]>,
}

/// A program that was replaced.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    pub(crate) program: Arc<Program>,
    /// When it was replaced.
    pub(crate) until: Time,
}

impl Programs {
    /// A program that every profile is under.
    pub(crate) fn only(current: Arc<Program>) -> Programs {
        Programs { current, past: Arc::default() }
    }

    /// These, once `new` has replaced the one in force.
    pub(crate) fn replaced_by(&self, new: Arc<Program>, until: Time) -> Programs {
        let last = Past { program: Arc::clone(&self.current), until };
        Programs { current: new, past: self.past.iter().cloned().chain([last]).collect() }
    }

    /// All of them, the oldest first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Program>> {
        self.past.iter().map(|past| &past.program).chain([&self.current])
    }

    /// The program of a revision, if a profile may still be under it.
    pub(crate) fn of_revision(&self, revision: u64) -> Option<&Arc<Program>> {
        self.all().find(|program| program.revision == revision)
    }

    /// The program that images with this fingerprint are of, if it is one of these.
    pub(crate) fn of_image(&self, fingerprint: u64) -> Option<&Arc<Program>> {
        self.all().find(|program| program.fingerprint == fingerprint)
    }

    /// Whether reading a profile under one of them may compare messages of long ago.
    pub(crate) fn compare_old_messages(&self) -> bool {
        self.all().any(|program| program.compares_old_messages())
    }

    /// The replacements that a profile of a revision has not followed: each old program, until when it was
    /// in force, and the new one.
    pub(crate) fn replacements_after(
        &self,
        revision: u64,
    ) -> impl Iterator<Item = (&Arc<Program>, Time, &Arc<Program>)> {
        let replaced = self.past.iter().map(|Past { program, until }| (program, *until));
        let steps = replaced.zip(self.all().skip(1)).map(|((old, until), new)| (old, until, new));
        steps.skip_while(move |(old, _, _)| old.revision < revision)
    }
}
