//! What is in the whole tree: for `verify`, and for a copy.
//!
//! Whether each history is what its profile says is asked of all of them at once, by two sums over the
//! store, so that the memory needed does not grow with it.

use std::ops::ControlFlow;

use super::changes::Counts;
use super::distrust::Distrust;
use super::keys::{self, Key};
use super::meta::Meta;
use super::reader::Reader;
use super::sealed;
use super::sums::{Share, Sums};
use super::tree::Bytes;

/// What a walk through everything found.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) counts: Counts,
    pub(crate) sums: Sums,
    pub(crate) meta: Option<Meta>,
    sum_of_chunks: u64,
    sum_by_profiles: u64,
}

impl Survey {
    /// Walks through everything.
    pub(crate) fn of(reader: &Reader) -> Result<Survey, Distrust> {
        Survey::of_each(reader, &mut |_, _| Ok(()))
    }

    /// Walks through everything, and shows each entry once it is known to be whole.
    pub(crate) fn of_each(
        reader: &Reader,
        visit: &mut dyn FnMut(Bytes, Bytes) -> Result<(), Distrust>,
    ) -> Result<Survey, Distrust> {
        let mut survey = Survey::default();
        reader.walk(keys::everything(), "reading everything", &mut |key, value| {
            survey.count(&key, &value).ok_or_else(|| Distrust::new("an entry is damaged or none of ours"))?;
            visit(key, value)?;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(survey)
    }

    /// Whether the histories are those that the profiles speak of.
    pub(crate) fn histories_match(&self) -> bool {
        self.sum_of_chunks == self.sum_by_profiles
    }

    fn count(&mut self, key: &Bytes, value: &Bytes) -> Option<()> {
        let count = match Key::read(key)? {
            Key::Profile { .. } => {
                let history_sum = sealed::read_profile(key, value)?.history_sum;
                self.sum_by_profiles = self.sum_by_profiles.wrapping_add(history_sum);
                &mut self.counts.profiles
            }
            Key::History { .. } => {
                let (_, check) = sealed::read_chunk(key, value)?;
                self.sum_of_chunks = self.sum_of_chunks.wrapping_add(check);
                &mut self.counts.history_chunks
            }
            Key::Deadline { .. } => &mut self.counts.deadlines,
            Key::Meta => {
                self.meta = Some(Meta::read(value)?);
                return Some(());
            }
        };
        *count += 1;
        self.sums.add(Share::of(key, value)?);
        Some(())
    }
}
