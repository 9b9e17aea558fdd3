//! From the changes of a checkpoint to the batch and the sums after it.
//!
//! Every key that is replaced or removed is read first, and what it held is taken out of its bucket's
//! sum. If that was a stale record in a bucket that nobody verified, the sum keeps the difference, and
//! the bucket's first touch finds it: writing over a wrong record does not make the bucket believable.
//!
//! Later changes of one draft see earlier ones, so a key may be named twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::changes::ProfileChange;
use super::distrust::Distrust;
use super::keys;
use super::sealed;
use super::sums::{Share, Sums};
use super::tree::Tree;

/// A batch in the making.
#[derive(Debug)]
pub(crate) struct Draft {
    tree: Arc<Tree>,
    writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    sums: Sums,
}

/// A finished batch, and the sums once it is applied.
#[derive(Debug)]
pub(crate) struct Drafted {
    pub(crate) writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    pub(crate) sums: Sums,
}

impl Draft {
    /// An empty draft on top of a store with these sums.
    pub(crate) fn new(tree: Arc<Tree>, sums: Sums) -> Draft {
        Draft { tree, writes: BTreeMap::new(), sums }
    }

    /// Takes up all changes.
    pub(crate) fn take(mut self, changes: Vec<ProfileChange>) -> Result<Drafted, Distrust> {
        for change in changes {
            self.take_profile(change)?;
        }
        Ok(Drafted { writes: self.writes.into_iter().collect(), sums: self.sums })
    }

    fn take_profile(&mut self, change: ProfileChange) -> Result<(), Distrust> {
        let record_key = keys::profile(&change.key);
        let old = match self.current(&record_key)? {
            None => None,
            Some(old) => {
                let trailer = sealed::read_profile(&record_key, &old);
                Some(trailer.ok_or_else(|| Distrust::new("a profile to be replaced is damaged"))?)
            }
        };
        let is_removed = change.record.is_none();
        let old_deadline = old.and_then(|old| old.deadline_ms);
        let new_deadline = change.deadline_ms.filter(|_| !is_removed);
        if old_deadline != new_deadline {
            if let Some(old) = old_deadline {
                self.remove_deadline(keys::deadline(old, &change.key))?;
            }
            if let Some(new) = new_deadline {
                self.put(keys::deadline(new, &change.key), Some(Vec::new()))?;
            }
        }
        let Some(record) = change.record else {
            self.remove_history(&change.key)?;
            return self.put(record_key, None);
        };
        let mut history_sum = old.map_or(0, |old| old.history_sum);
        for (first_place, chunk) in change.history {
            let grown_by = self.put_chunk(keys::history(&change.key, first_place), chunk)?;
            history_sum = history_sum.wrapping_add(grown_by);
        }
        let sealed = sealed::seal_profile(&record_key, record, new_deadline, history_sum);
        self.put(record_key, Some(sealed))
    }

    /// Puts a chunk of a history. Returns by how much the sum of the history grows, wrapping.
    fn put_chunk(&mut self, key: Vec<u8>, chunk: Vec<u8>) -> Result<u64, Distrust> {
        let sealed = sealed::seal_chunk(&key, chunk);
        let damaged = || Distrust::new("a chunk of a history to be replaced is damaged");
        let check =
            |value: &[u8]| sealed::read_chunk(&key, value).map(|(_, check)| check).ok_or_else(damaged);
        let old = self.current(&key)?.map_or(Ok(0), |old| check(&old))?;
        let grown_by = check(&sealed)?.wrapping_sub(old);
        self.writes.insert(key, Some(sealed));
        Ok(grown_by)
    }

    fn remove_deadline(&mut self, key: Vec<u8>) -> Result<(), Distrust> {
        if self.current(&key)?.is_none() {
            return Err(Distrust::new("a profile's deadline is missing from the index"));
        }
        self.put(key, None)
    }

    fn remove_history(&mut self, key: &[u8]) -> Result<(), Distrust> {
        let range = keys::history_of(key);
        let drafted: Vec<Vec<u8>> = self.writes.range(range.clone()).map(|(key, _)| key.clone()).collect();
        let stored = self.tree.entries(range, usize::MAX)?;
        for key in stored.iter().map(|(key, _)| key.to_vec()).chain(drafted) {
            self.writes.insert(key, None);
        }
        Ok(())
    }

    /// Puts or removes an entry that counts in a sum.
    fn put(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) -> Result<(), Distrust> {
        let damaged = || Distrust::new("an entry to be replaced is damaged");
        let old = self.current(&key)?;
        if let Some(old) = &old {
            self.sums.subtract(Share::of(&key, old).ok_or_else(damaged)?);
        }
        if let Some(new) = &value {
            self.sums.add(Share::of(&key, new).ok_or_else(damaged)?);
        }
        if old.is_some() || value.is_some() {
            self.writes.insert(key, value);
        }
        Ok(())
    }

    fn current(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Distrust> {
        match self.writes.get(key) {
            Some(drafted) => Ok(drafted.clone()),
            None => Ok(self.tree.get(key)?.map(|bytes| bytes.to_vec())),
        }
    }
}
